"""People and firms are whole in papers and add up; no number of a workbook has an exponent."""

from __future__ import annotations

import re
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exact import whole_parts
from models.programme import Metric
from models.scenario import load
from models.solution import Solution
from models.strict_yaml import Text
from optimizer.decision import solve
from reports.catalogue import Words
from reports.excel import workbook
from reports.excel.book import told
from reports.html.charts import county_curves
from reports.numbers import counted
from reports.record_writer import write_record
from reports.view.county_table import county_tables
from reports.view.mover_table import index_change
from reports.view.page_model import page_model
from reports.view.rule_view import per_heads
from tests.books import MANIFEST
from tests.worlds import rule, world, write_world, write_yaml

THREE = {"a": {"people": 100}, "b": {"people": 300}, "c": {"people": 200}}
EXPONENT = re.compile(r"\d[eE][+-]?\d")


def test_a_change_of_the_index_has_its_four_decimals_and_is_never_shown_as_none() -> None:
    assert index_change(Fraction("-0.00252"), Words("zh")) == "综合指数-0.0025"
    for points in (Fraction(0), Fraction(-1, 10**6)):
        assert index_change(points, Words("zh")) == "综合指数几乎不变"


def test_heads_are_counted_in_the_words_of_the_language() -> None:
    said = [per_heads(Words(lang), 10_000, "人") for lang in ("zh", "en")]
    assert said == ["每万人", "per 10,000 人"]


@pytest.mark.slow
@given(st.lists(st.fractions(min_value=0, max_value=50, max_denominator=97), max_size=12))
def test_whole_parts_add_up_and_none_is_a_whole_one_off(numbers: list[Fraction]) -> None:
    parts = whole_parts(numbers)
    assert sum(parts) == int(sum(numbers, Fraction(0)))
    assert all(abs(part - number) < 1 for part, number in zip(parts, numbers, strict=True))


def test_the_largest_remainder_gets_the_one_that_is_left() -> None:
    """1.5 + 2.7 + 0.8 are 5: of the three, 0.8 and 2.7 are rounded up."""
    assert whole_parts([Fraction("1.5"), Fraction("2.7"), Fraction("0.8")]) == [1, 3, 1]
    assert whole_parts([Fraction(1, 2), Fraction(1, 2)]) == [1, 0]
    assert whole_parts([]) == []


def metric(**keys: object) -> Metric:
    text = Text(zh="m", en="m")
    return Metric.model_validate({"id": "m", "title": text, "unit": text, **keys})


def test_an_outcome_is_rounded_down_but_never_below_a_target_that_it_meets() -> None:
    people, length = metric(), metric(whole=False)
    assert counted(people, Fraction("5999.96"), Fraction(6000)) == "5,999"
    assert counted(people, Fraction("6000.04"), Fraction(6000)) == "6,000"
    assert counted(people, Fraction("6000.7"), Fraction("6000.5")) == "6,000.7"
    assert counted(length, Fraction("12.34")) == "12.3"


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Solution:
    """0.5 jobs a coin, then 0.2: counties yield 7.4, 8.2 and 7.6 or the like."""
    folder = tmp_path_factory.mktemp("whole")
    rules = [
        rule(id="cap", per=["county"], at_most=27),
        rule(id="a", where={"county": "a"}, equal=17),
    ]
    return solve(world(folder, {"budget": 61, "rules": rules}, counties=THREE))


def test_counties_add_up_to_the_total_of_the_page(solved: Solution) -> None:
    (table,) = county_tables(page_model(solved, "en"))
    jobs = [int(row.cells[-2]) for row in table.rows]
    assert jobs[0] == sum(jobs[1:]) == int(solved.audit.outcomes["jobs"])


def test_a_task_of_a_county_shows_its_own_part_of_what_the_county_yields(solved: Solution) -> None:
    for county in county_curves(page_model(solved, "en"), ["a", "b", "c"]):
        tasks = [int(task.cells[1]) for task in county.tasks]
        total = int(county.total[1])
        assert len(tasks) > 1
        assert sum(tasks) <= total < sum(tasks) + len(tasks) + 1


def test_the_page_of_people_has_no_parts_of_them(solved: Solution, tmp_path: Path) -> None:
    write_record(solved, tmp_path / "r", lang="en")
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    outcomes = page[page.index('class="outcomes"') : page.index("</table>")]
    metrics = re.findall(r'<tr class="metric.*?</tr>', outcomes, re.DOTALL)
    assert len(metrics) == 2
    for line in metrics:
        cells = re.findall(r'<td class="n">([^<]*)</td>', line)
        assert cells and all(re.fullmatch(r"[\d,]+", cell) for cell in cells)


def test_no_number_of_a_workbook_has_an_exponent(solved: Solution, tmp_path: Path) -> None:
    write_record(solved, tmp_path / "r", lang="zh")
    book = openpyxl.load_workbook(BytesIO((tmp_path / "r" / "workbook.xlsx").read_bytes()))
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert "E+" not in cell.number_format, (sheet.title, cell.coordinate)
                if isinstance(cell.value, float) and "General" in cell.number_format:
                    assert 1e-4 <= abs(cell.value) < 1e11 or not cell.value
                if isinstance(cell.value, str) and not cell.value.startswith("="):
                    shown = re.sub(r"[0-9a-f]{8,}|\b[0-9a-f]{4}\b", "", cell.value)
                    assert not EXPONENT.search(shown), (sheet.title, cell.coordinate, shown)


def test_groups_of_a_workbook_are_whole_and_add_up_as_the_page_does(tmp_path: Path) -> None:
    """A county of 0.8 jobs, one of 2.7 and one of 1.5: of the group of the last two there are 4."""
    counties = {**THREE, "a": {"people": 100, "city": "x"}, "b": {"people": 300, "city": "y"}}
    counties["c"] = {"people": 200, "city": "y"}
    money = {"a": 4, "b": 27, "c": 17}
    rules = [rule(id=name, where={"county": name}, equal=held) for name, held in money.items()]
    file = write_world(tmp_path, {"budget": 48, "rules": rules}, counties=counties)
    write_yaml(tmp_path / "world" / "labels.yaml", {"group_by": "city"})
    found = solve(load(file))
    model = page_model(found, "en")
    people = found.scenario.programme.file.metrics[0]
    each = [int(model.this.counted(people, [county])) for county in range(3)]
    book = openpyxl.load_workbook(BytesIO(workbook(found, MANIFEST, Words("en"))), data_only=True)
    rows = [[cell.value for cell in row] for row in book["Results by group"].iter_rows()]
    head = next(at for at, row in enumerate(rows) if "Jobs (jobs)" in row)
    column = rows[head].index("Jobs (jobs)")
    assert [row[column] for row in rows[head + 1 : head + 4]] == [sum(each), each[0], sum(each[1:])]
    assert sum(each) == int(found.audit.outcomes["jobs"])


def test_the_workbook_has_what_each_stage_of_ordered_aims_came_to(tmp_path: Path) -> None:
    objective = [{"maximise": "jobs", "give": "10%"}, {"minimise": "amount"}]
    found = solve(world(tmp_path, {"budget": 60, "objective": objective}, counties=THREE))
    book = openpyxl.load_workbook(BytesIO(workbook(found, MANIFEST, Words("zh"))))
    told = {row[0].value: row[1].value for row in book["参数"].iter_rows()}
    stages = {key: value for key, value in told.items() if str(key).startswith("第")}
    assert len(stages) == 2 and all("已让出：" in value for value in stages.values())


@pytest.mark.parametrize(
    ("style", "number", "shown"),
    [
        ("cell any", Fraction(3, 2), "cell any"),
        ("cell any", Fraction(0), "cell =0"),
        ("cell any", Fraction(11_805_224_600), "cell =0"),
        ("cell any", Fraction(12345, 10**9), "cell =0.00001235"),
        ("cell any bold", Fraction(2**52), "cell =0 bold"),
        ("cell change", Fraction(-123, 10**7), "cell =+0.00001230;-0.00001230;0"),
        ("cell change", Fraction(123456), "cell =+#,##0;-#,##0;0"),
        ("cell number", Fraction(1, 10**7), "cell number"),
    ],
)
def test_a_small_or_great_number_is_written_out(style: str, number: Fraction, shown: str) -> None:
    said = told(style, number).split()
    if "=0." in shown:
        places = len(shown.split("=0.")[1])
        assert said[1] == f"=0.{'0' * places}"
    elif "=+" in shown:
        digits = len(shown.split(";")[0].split(".")[-1]) if "." in shown else 0
        body = f"0.{'0' * digits}" if digits else "#,##0"
        assert said[1] == f"=+{body};-{body};0"
    else:
        assert " ".join(said) == shown
