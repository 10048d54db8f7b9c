"""compare.xlsx: amounts as numbers, differences and totals as formulas that agree with them."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from optimizer.compare import Compared, compare
from reports.excel.comparison_book import compare_xlsx
from tests.office import converted
from tests.side_by_side import COUNTIES, side_by_side, six_columns, write_fund
from tests.worlds import write_world

SHEETS = ["情景比较", "输入的差别", "资金去向", "各县资金", "各县各项资金", "约束"]


@pytest.fixture(scope="module")
def content(six: Compared) -> bytes:
    return compare_xlsx(six, "zh")


def opened(content: bytes, values: bool = True) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content), data_only=values)


def rows_of(sheet: Any, head: int = 4) -> list[list[Any]]:
    """The rows below the head row."""
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=head + 1)]


@pytest.mark.slow
def test_it_has_its_sheets_in_both_languages(six: Compared, content: bytes) -> None:
    assert opened(content).sheetnames == SHEETS
    english = opened(compare_xlsx(six, "en")).sheetnames
    assert english[0] == "Comparison"
    assert len(english) == len(SHEETS)


@pytest.mark.slow
def test_the_same_comparison_gives_the_same_bytes(content: bytes) -> None:
    assert compare_xlsx(six_columns(), "zh") == content


def test_every_county_has_its_money_and_difference(six: Compared, content: bytes) -> None:
    *rows, total = rows_of(opened(content)["各县资金"])
    assert [row[0] for row in rows] == [county.code for county in six.world.counties]
    for at, row in enumerate(rows):
        money = [sum(one.reads.money[at]) for one in six.columns if one.reads]
        assert row[4:10] == money
        assert row[10:15] == [six.changes(one)[at] for one in six.others]
    assert total[1] == "合计"
    assert total[4:10] == [one.reads.audit.spent for one in six.columns if one.reads]


def test_cells_add_up_to_the_counties(content: bytes) -> None:
    book = opened(content)
    rows, counties = rows_of(book["各县各项资金"]), rows_of(book["各县资金"])
    for county in counties[:5]:
        mine = [row for row in rows if row[0] == county[0]]
        assert [sum(row[at] for row in mine) for at in range(3, 14)] == county[4:15]


def test_differences_and_totals_are_formulas(content: bytes) -> None:
    *rows, total = rows_of(opened(content, values=False)["各县资金"])
    assert rows[0][10:12] == ["=F5-E5", "=G5-E5"]
    assert total[4] == "=SUM(E5:E92)"
    assert total[10] == "=F93-E93"


def test_differences_are_from_the_reference_wherever_it_stands(tmp_path: Path) -> None:
    content = compare_xlsx(side_by_side(write_fund(tmp_path), "most", reference=1), "en")
    (first, *_), (values, *_) = (
        rows_of(opened(content, values=kept)["Money by county"]) for kept in (False, True)
    )
    assert first[2:] == [30, 5, "=C5-D5"]
    assert values[2:] == [30, 5, 25]


def test_outcomes_are_numbers(six: Compared, content: bytes) -> None:
    rows = {row[0]: row for row in rows_of(opened(content)["情景比较"])}
    jobs = [row.value for row in six.outcome_rows if row.metric == "jobs"]
    assert rows["带动就业（人）"][1:7] == [int(v) for v in jobs if v is not None]
    moved = [row.moved for row in six.moved_rows]
    assert rows["调整资金"][2:7] == moved


def test_text_that_begins_like_a_formula_stays_text(tmp_path: Path) -> None:
    counties = {"a": {**COUNTIES["a"], "name_zh": "=1+1"}, "b": COUNTIES["b"]}
    scenario = write_world(tmp_path, {"budget": 60, "title": "=2+2"}, counties=counties)
    book = opened(compare_xlsx(compare([scenario, "baseline:greedy"]), "zh"), values=False)
    cell = book["各县资金"]["B5"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_a_column_without_allocation_has_empty_cells(tmp_path: Path) -> None:
    compared = side_by_side(write_fund(tmp_path), "all", "most")
    rows = rows_of(opened(compare_xlsx(compared, "en"))["Money by county"])
    assert rows[0][2:5] == [30, None, 5]
    assert rows[0][5:7] == [None, -25]


@pytest.mark.slow
def test_libreoffice_comes_to_the_same_numbers(
    six: Compared, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "compare.xlsx"
    path.write_bytes(content)
    (again,) = converted([path], tmp_path)
    found, due = opened(again.read_bytes()), opened(content)
    for name in SHEETS:
        there = [row for row in found[name].iter_rows(values_only=True) if any(row)]
        here = [row for row in due[name].iter_rows(values_only=True) if any(row)]
        assert len(there) == len(here), name
        for one, other in zip(there, here, strict=True):
            assert _numbers(one) == pytest.approx(_numbers(other)), name


def _numbers(row: tuple[Any, ...]) -> list[float]:
    return [float(Fraction(one)) for one in row if isinstance(one, int | float)]
