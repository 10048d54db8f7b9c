"""compare.html: one self-contained page whose numbers are those of the comparison."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from math import floor
from pathlib import Path

import pytest

from optimizer.compare import Compared, compare
from reports.html.comparison_page import compare_html
from tests.pages import Page
from tests.side_by_side import COUNTIES, side_by_side, six_columns, write_fund
from tests.worlds import write_world


@pytest.fixture(scope="module")
def text(six: Compared) -> str:
    return compare_html(six, "zh").decode()


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


# ---- one file ----


def test_the_page_leads_nowhere_outside_itself(page: Page) -> None:
    assert page.ways_out() == []


def test_its_policy_allows_its_own_script_and_style_and_nothing_else(page: Page) -> None:
    assert page.policy() == page.own_policy()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_six_full_columns_stay_below_500_kb(six: Compared, lang: str) -> None:
    assert len(compare_html(six, lang)) < 500_000


@pytest.mark.slow
def test_the_same_comparison_gives_the_same_bytes(text: str) -> None:
    assert compare_html(six_columns(), "zh").decode() == text


# ---- numbers ----


def number(cell: str) -> Fraction:
    return Fraction(cell.replace(",", "").replace("+", ""))


def test_every_county_stands_in_the_table_with_its_money_and_difference(
    six: Compared, page: Page
) -> None:
    rows = [row for row in page.table("county-table").rows if row.kind == "" and row.text[1:]]
    names = {county.name.zh: at for at, county in enumerate(six.world.counties)}
    listed = [row for row in rows if row.text[0].split(" ")[0] in names]
    assert len(listed) == 88
    for row in listed:
        at = names[row.text[0].split(" ")[0]]
        for cell, column in zip(row.text[1:7], six.columns, strict=True):
            assert column.reads is not None
            said = [number(one) for one in cell.split()]
            money = sum(column.reads.money[at])
            change = [] if column is six.reference else [six.changes(column)[at]]
            assert said == [money, *change]


def test_outcomes_stand_with_their_differences(six: Compared, page: Page) -> None:
    table = next(t for t in page.tables if t.rows[0].text[:1] == ["指标"])
    jobs = next(row.text for row in table.rows if row.text[0].startswith("带动就业"))
    rows = [row for row in six.outcome_rows if row.metric == "jobs"]
    for cell, row in zip(jobs[1:], rows, strict=True):
        assert row.value is not None
        assert number(cell.split()[0]) == floor(row.value)
    # The last column reckons with another response: its difference is by the reference's.
    assert jobs[-1].split()[1:3] == ["0", "按基准列口径"]
    assert number(jobs[-1].split()[3]) == number(jobs[1].split()[0])


def test_a_county_opens_to_its_tasks_its_binding_rules_and_what_the_province_gains(
    six: Compared, page: Page
) -> None:
    at = next(n for n, county in enumerate(six.world.counties) if county.code == "513431")
    table = [t for t in page.tables if "behind" in t.names][at]
    head, *rows = [row.text for row in table.rows]
    assert head[5:] == [
        "各项资金",
        "起作用、接近限值的约束",
        "全部县（市、区）合计：带动就业、新增中小微企业、培训各类人才",
    ]
    assert [row[0] for row in rows] == ["A", "B", "C", "D", "E", "F"]
    factor = rows[2]
    assert factor[1].split()[0] == "347"
    assert "每县重点工作项数（不满足）" in factor[6]
    column = six.columns[2]
    assert column.reads is not None
    jobs = next(r for r in six.outcome_rows if r.column == column.name and r.metric == "jobs")
    assert jobs.value is not None and jobs.reference is not None
    whole = floor(jobs.value) - floor(jobs.reference)
    assert number(factor[7].split("、")[0].split()[0]) == whole
    tasks = sum(int(n) for n in re.findall(r"[^\d](\d+)(?:、|$)", factor[5]))
    assert tasks == 347


def test_maps_share_their_classes_and_differences_have_their_own(six: Compared, text: str) -> None:
    maps = re.findall(r'<svg role="img" class="map".*?</svg>', text, re.S)
    assert len(maps) == 6 + 5
    assert text.count("示意方格图，不代表行政区域界线") == 1
    assert len(re.findall('class="key k[0-4]"', text)) == 5
    for shade in ("d3", "d0", "u3"):
        assert f'class="key {shade}"' in text
    # What Zhaojue County gains is written in its square, so that no colour need be told apart.
    change = six.changes(six.columns[2])
    at = next(n for n, county in enumerate(six.world.counties) if county.code == "513431")
    factor = next(m for m in maps if "因素法：比基准列增减" in m)
    assert re.search(rf">昭觉</text><text [^>]*>\+?{change[at]}</text>", factor)
    for shade, count in (
        ("d3", sum(1 for one in change if one <= -100)),
        ("u1", sum(1 for one in change if 20 <= one < 50)),
    ):
        squares = re.findall(f'<path d="([^"]*)" class="tile {shade}"/>', factor)
        assert "".join(squares).count("M") == count > 0


def test_each_column_can_be_switched_off_without_a_script(page: Page, text: str) -> None:
    boxes = [given for tag, given in page.elements if tag == "input" and "checked" in given]
    assert [box["id"] for box in boxes] == [f"show{at}" for at in range(6)]
    for at in range(6):
        assert f"body:has(#show{at}:not(:checked)) .v{at}{{display:none}}" in text


# ---- whatever it is given ----


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    wicked = '<script>alert("1")</script>'
    counties = {"a": {**COUNTIES["a"], "name_zh": wicked, "name_en": wicked}, "b": COUNTIES["b"]}
    body = {"budget": 60, "title": wicked}
    scenario = write_world(tmp_path, body, counties=counties, programme={"title": wicked})
    (tmp_path / "world" / "tiles.csv").write_text(
        f"code,column,row,short_zh\na,0,0,<i>甲</i>\nb,1,0,{'乙'}\n", "utf-8"
    )
    for lang in ("zh", "en"):
        text = compare_html(compare([scenario, "baseline:greedy"]), lang).decode()
        assert "alert" in text
        assert "<script>alert" not in text
        assert "<i>甲" not in text


def test_a_column_without_allocation_says_why_and_leaves_its_cells_empty(tmp_path: Path) -> None:
    text = compare_html(side_by_side(write_fund(tmp_path), "all", "most"), "en").decode()
    page = Page(text)
    assert "No allocation can keep the rules." in text
    row = next(r.text for t in page.tables for r in t.rows if r.text[:1] == ["Jobs (jobs)"])
    assert row[1:] == ["24", "-", "19 -5"]


def test_a_column_that_the_solver_gave_no_answer_for_says_so(tmp_path: Path) -> None:
    compared = side_by_side(write_fund(tmp_path), "all")
    mute = replace(compared.columns[1], status="no answer", why="stopped", reasons=())
    columns = (compared.columns[0], mute, *compared.columns[2:])
    text = compare_html(replace(compared, columns=columns), "en").decode()
    assert "no answer" in text


def test_the_reference_may_be_the_column_without_allocation(tmp_path: Path) -> None:
    compared = side_by_side(write_fund(tmp_path), "all", reference=1)
    assert "No allocation can keep the rules." in compare_html(compared, "en").decode()


def test_a_programme_without_labels_tiles_and_residents_has_its_page(tmp_path: Path) -> None:
    text = compare_html(side_by_side(write_fund(tmp_path), "most"), "zh").decode()
    assert "示意图" not in text
    assert "基尼系数" not in text
    assert "乙县最多" in text


def test_shadow_prices_stand_side_by_side(tmp_path: Path) -> None:
    compared = compare([f"{write_fund(tmp_path)}@{name}" for name in ("most", "half", "all")])
    page = Page(compare_html(compared, "en").decode())
    rows = [row.text for row in page.table("prices").rows]
    floor = next(row for row in rows if row[0] == "Floor")
    assert floor[1:] == [
        "-0.300 55 to 56 Jobs -0.300; Firms -0.0500",
        "-0.300 40 to 41 Jobs -0.300; Firms -0.0500",
        "-",
    ]


def test_a_chosen_county_lies_open(tmp_path: Path) -> None:
    compared = side_by_side(write_fund(tmp_path), "most")
    assert compare_html(compared, "zh").decode().count("<details open>") == 0
    assert compare_html(compared, "zh", [1]).decode().count("<details open>") == 1
