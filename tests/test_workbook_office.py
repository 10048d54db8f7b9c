"""The workbook in LibreOffice: recalculated it says what the audit says, whatever was edited."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from models.allocation import Allocation, allocation_of_rows
from models.finding import Audit
from models.scenario import Scenario, load
from models.solution import Solution
from models.workbook.reader import read_workbook
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.solve import Options
from reports.catalogue import Words
from reports.excel import workbook
from reports.excel.template_book import template
from tests.books import LIMITS, MANIFEST, TABLE, edited, heads, put, row_of, solution, states
from tests.office import converted
from tests.rule_cases import Reading, readings
from tests.rule_forms import FORMS, forms_of
from tests.worlds import rule, write_world

pytestmark = pytest.mark.slow
REPO = Path(__file__).resolve().parents[1]
EDITS = 10
RESERVED = {
    "budget": "预算",
    "lot": "单项起点数",
    "locks": "锁定的县×工作",
    "eligibility": "资格条件",
    "no-idle": "不安排无产出的资金",
    "step": "金额取整单位",
    "whole-units": "金额为整数",
}
ONE_FOR_ALL = ("lot", "eligibility", "no-idle")
"""Reserved findings that the sheet of limits shows in one line for all cells, or a line a task."""


@pytest.fixture(scope="module")
def base() -> Solution:
    scenario = load(REPO / "scenarios" / "base-2020.yaml")
    return solve(scenario, Options(gap=0.01, repaired=False))


def values(path: Path) -> Any:
    return openpyxl.load_workbook(path, data_only=True)


def titles_of(scenario: Scenario) -> dict[str, str]:
    return {rule.id: rule.title.zh for rule in scenario.rules} | RESERVED


def broken_titles(scenario: Scenario, result: Audit) -> set[str]:
    return {titles_of(scenario)[name] for name in result.broken_rules}


def limit_states(file: Any) -> list[tuple[str, str]]:
    """(title of the rule, state) of each limit that is not kept."""
    sheet = file[LIMITS["zh"]]
    column = heads(sheet)[1]["结论"]
    rows = range(heads(sheet)[0] + 1, sheet.max_row + 1)
    found = [(sheet.cell(row, 1).value, sheet.cell(row, column).value) for row in rows]
    bad = [pair for pair in found if pair[1] not in ("满足", "不适用")]
    once = {RESERVED[name] for name in ONE_FOR_ALL}
    return sorted([p for p in bad if p[0] not in once] + [*{p for p in bad if p[0] in once}])


def due_states(scenario: Scenario, result: Audit) -> list[tuple[str, str]]:
    words = {"broken": "不满足", "bent": "放宽", "short": "余地不足"}
    titles = titles_of(scenario)
    bad = [finding for finding in result.findings if finding.state != "kept"]
    single = [(titles[f.rule], words[f.state]) for f in bad if f.rule not in ONE_FOR_ALL]
    once = {(titles[f.rule], words[f.state]) for f in bad if f.rule in ONE_FOR_ALL}
    return sorted([*single, *once])


def test_what_libreoffice_reckons_is_what_was_stored(base: Solution, tmp_path: Path) -> None:
    books = []
    for lang in ("zh", "en"):
        path = tmp_path / f"{lang}.xlsx"
        path.write_bytes(workbook(base, MANIFEST, Words(lang)))
        # Saved by openpyxl it holds no stored values: what stands there later was reckoned.
        books += [path, edited(path, lambda file: None, f"{lang}-bare.xlsx")]
    made = converted(books, tmp_path)
    for stored, reckoned in zip([books[0], books[0], books[2], books[2]], made, strict=True):
        compare(values(stored), values(reckoned))
    table = values(made[1])[TABLE["zh"]]
    total = table.cell(5, heads(table)[1]["本年安排数"]).value
    assert total == base.audit.spent


def compare(stored: Any, reckoned: Any) -> None:
    for page in stored:
        for cells in page.iter_rows():
            for cell in cells:
                found = reckoned[page.title][cell.coordinate].value
                place = f"{page.title}!{cell.coordinate}"
                if isinstance(cell.value, int | float):
                    assert found == pytest.approx(cell.value, rel=1e-12, abs=1e-9), place
                else:
                    assert (found or None) == (cell.value or None), place


def edit(file: Any, rng: random.Random) -> None:
    """Between one and forty amounts anew, as a clerk might who does not mind the rules."""
    sheet = file[TABLE["zh"]]
    head, titles = heads(sheet)
    codes = range(head + 1, sheet.max_row + 1)
    rows = [row for row in codes if sheet.cell(row, titles["行政区划代码"]).value]
    for _ in range(rng.choice([1, 2, 3, 10, 40])):
        column = titles["统筹谋划"] + rng.randrange(8)
        amount = rng.choice([0, 1, 19, 20, 50, 100, 300, 1000, rng.randrange(400)])
        sheet.cell(rng.choice(rows), column).value = amount


def test_after_any_edit_the_sheet_says_what_the_exact_audit_says(
    base: Solution, tmp_path: Path
) -> None:
    path = tmp_path / "base.xlsx"
    path.write_bytes(workbook(base, MANIFEST, Words("zh")))
    rng = random.Random(2020)
    books = [edited(path, lambda f: edit(f, rng), f"edit-{number}.xlsx") for number in range(EDITS)]
    said: set[str] = set()
    for book, made in zip(books, converted(books, tmp_path), strict=True):
        allocation, _ = read_workbook(book, base.scenario.programme)
        result, file = audit(base.scenario, allocation), values(made)
        broken = {title for title, state in states(file).items() if state == "不满足"}
        assert broken == broken_titles(base.scenario, result), book.name
        assert limit_states(file) == due_states(base.scenario, result), book.name
        table = file[TABLE["zh"]]
        assert table.cell(5, heads(table)[1]["本年安排数"]).value == allocation.spent
        said |= broken
    assert len(said) > 8, "the edits broke too few rules to tell anything"


def _cases(folder: Path) -> Iterator[tuple[Reading, Scenario]]:
    """Hand-worked cases with something broken or bent, until every form of a rule has been so."""
    seen: set[str] = set()
    for number, case in enumerate(readings()):
        faults = {item["state"] for item in case.content["expect"]} - {"kept"}
        if faults and "shipped" not in case.case:
            scenario = case.build(folder / str(number))
            new = forms_of(case, scenario) - seen
            seen |= new
            if new:
                yield case, scenario
    assert seen >= FORMS


def test_every_form_of_a_rule_follows_the_table(tmp_path: Path) -> None:
    books, due = [], []
    for number, (case, scenario) in enumerate(_cases(tmp_path)):
        allocation = case.allocation(scenario)
        bare = Allocation(allocation.amounts, ())
        path = tmp_path / f"case-{number}.xlsx"
        nothing = [[0] * len(scenario.programme.tasks) for _ in scenario.programme.counties.ids]
        empty = solution(scenario, nothing)
        path.write_bytes(workbook(empty, MANIFEST, Words("zh")))
        name = f"filled-{number}.xlsx"
        books.append(edited(path, lambda f, a=bare, s=scenario: put(f, a, s), name))
        due.append((case.name, scenario, audit(scenario, bare)))
    assert len(books) > 25
    for (name, scenario, result), made in zip(due, converted(books, tmp_path), strict=True):
        assert limit_states(values(made)) == due_states(scenario, result), name


LARGE: dict[str, Any] = {
    "scenario": {
        "budget": 10**6,
        "rules": [
            rule(id="r1", measure="jobs", at_least="6172839482.71605"),
            rule(id="r2", measure="jobs", per_head="people", at_most="123.45678965432099"),
            rule(id="r3", measure="jobs", at_most={"times": "0.999999999999999", "of": "firms"}),
            rule(id="r4", measure="firms", at_least={"share": "7/11", "of": "jobs"}),
            rule(id="r5", measure="counties", at_least=2),
        ],
    },
    "counties": {"a": {"people": 50 * 10**6 - 1}, "b": {"people": 1}},
    "tiers": [
        [county, task, 1, 100, rate, "123456789.654321"]
        for county in "ab"
        for task, rate in (("road", "123456789.654321"), ("school", "100000000.000001"))
    ],
}


def test_numbers_too_large_for_one_cell_are_compared_exactly(tmp_path: Path) -> None:
    scenario = load(write_world(tmp_path, **LARGE))
    books, due = [], []
    for number, rows in enumerate(([[50, 0], [0, 0]], [[49, 0], [0, 1]], [[49, 0], [0, 0]])):
        path = tmp_path / f"large-{number}.xlsx"
        path.write_bytes(workbook(solution(scenario, [[0, 0], [0, 0]]), MANIFEST, Words("zh")))
        filled = allocation_of_rows(rows)
        books.append(edited(path, lambda f, a=filled: put(f, a, scenario), f"f{number}.xlsx"))
        due.append(due_states(scenario, audit(scenario, filled)))
    assert "INT(" in str(openpyxl.load_workbook(books[0])[LIMITS["zh"]]["I6"].value)
    made = [limit_states(values(path)) for path in converted(books, tmp_path)]
    assert made == due
    # The first breaks r2 by 1e-14 of 123 and r3 by 6e-6 of six thousand million.
    assert [len(found) for found in due] == [3, 1, 3]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_printed_pages_hold_every_county_and_no_overflow(
    base: Solution, tmp_path: Path, lang: str
) -> None:
    paths = [tmp_path / "book.xlsx", tmp_path / "print.xlsx"]
    for path in paths:
        path.write_bytes(workbook(base, MANIFEST, Words(lang), printed=path is paths[1]))
    pages, edition = map(printed, converted(paths, tmp_path, "pdf"))
    assert len(pages) <= 25 and len(edition) <= (23 if lang == "en" else 20)
    heading = Words(lang)("certificate.title")
    assert any(heading in page for page in pages)
    assert not any(heading in page for page in edition)
    titles = ("四川省工业产业扶贫专项", "Sichuan industrial poverty-alleviation fund")
    table = [page for page in pages if titles[lang == "en"] in page][:2]
    counties = base.scenario.programme.counties
    for code, name in zip(counties.ids, counties.names(lang), strict=True):
        rows = [line for page in table for line in page.splitlines() if code in line.split()]
        assert len(rows) == 1, name
        assert "".join(name.split()) in "".join(rows[0].split())
    draft, mark = Words(lang)("draft"), MANIFEST.fingerprint
    for number, page in enumerate(pages, 1):
        assert "###" not in page, number
        assert not re.search(r"\dE[+-]\d", page), number
        assert draft in page, number
        foot = [line for line in page.splitlines()[-3:] if mark not in "".join(line.split())]
        assert str(number) in " ".join(foot), number
    assert all(Words(lang)("column.code") in page for page in table), "the head is on each page"


def printed(path: Path) -> list[str]:
    """The text of each page of a PDF file, as it is laid out."""
    program = shutil.which("pdftotext")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("pdftotext is not installed, and CI runs these tests always")
        pytest.skip("pdftotext (poppler-utils) is not installed")
    command = [program, "-layout", str(path), "-"]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    pages = [page.strip("\n") for page in done.stdout.split("\f")]
    return [page for page in pages if page.strip()]


def test_amounts_that_are_no_numbers_are_called_so_and_nothing_is_said_to_be_kept(
    base: Solution, tmp_path: Path
) -> None:
    path = tmp_path / "base.xlsx"
    path.write_bytes(workbook(base, MANIFEST, Words("zh")))

    def spoil(file: Any) -> None:
        sheet = file[TABLE["zh"]]
        titles = heads(sheet)[1]
        sheet.cell(row_of(sheet, "513431"), titles["园区建设"]).value = "若干"
        sheet.cell(row_of(sheet, "513432"), titles["园区建设"]).value = -3

    file = values(converted([edited(path, spoil)], tmp_path)[0])
    assert "2个金额格不是不小于0的数" in file[TABLE["zh"]]["A3"].value
    said = states(file)
    assert said["预算"] not in ("满足", "符合")
    assert said["45个深度贫困县资金占比"] not in ("满足", "符合")


def test_sorted_rows_are_followed_by_their_codes(base: Solution, tmp_path: Path) -> None:
    path = tmp_path / "base.xlsx"
    path.write_bytes(workbook(base, MANIFEST, Words("zh")))

    def swap(file: Any) -> None:
        """Two counties of one prefecture change places, with their money."""
        sheet = file[TABLE["zh"]]
        one, two = row_of(sheet, "510522"), row_of(sheet, "510525")
        titles = heads(sheet)[1]
        for column in range(1, titles["智力扶贫"] + 1):
            cells = sheet.cell(one, column), sheet.cell(two, column)
            cells[0].value, cells[1].value = cells[1].value, cells[0].value

    file = values(converted([edited(path, swap)], tmp_path)[0])
    assert {state for state in states(file).values() if "停用" not in state} == {"满足"}
    sheet = file["测算"]
    found = {sheet.cell(row, 1).value: sheet.cell(row, 5).value for row in range(6, 94)}
    parks = base.scenario.programme.tasks.index["parks"]
    due = base.allocation.amounts[:, parks].tolist()
    assert [found[code] for code in base.scenario.programme.counties.ids] == due


def test_a_template_filled_in_by_libreoffice_is_read(base: Solution, tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(template(base.scenario, Words("zh")))
    filled = edited(path, lambda f: put(f, base.allocation, base.scenario))
    allocation, notes = read_workbook(converted([filled], tmp_path)[0], base.scenario.programme)
    assert (allocation.amounts == base.allocation.amounts).all()
    assert notes == ()


def test_the_bound_of_the_certificate_is_added_up_and_the_distance_follows_edits(
    base: Solution, tmp_path: Path
) -> None:
    assert base.certificate is not None
    path = tmp_path / "whole.xlsx"
    path.write_bytes(workbook(base, MANIFEST, Words("zh")))
    emptied = allocation_of_rows([[0] * 8 for _ in base.scenario.programme.counties.ids])
    nothing = edited(path, lambda file: put(file, emptied, base.scenario))
    found = [certified(values(one)) for one in converted([path, nothing], tmp_path)]
    bound = float(base.certificate.bound)
    assert [one["最高"] for one in found] == pytest.approx([bound, bound], rel=1e-9)
    assert found[0]["表中"] == pytest.approx(float(base.objective), rel=1e-9)
    distance = bound / float(base.objective) - 1
    assert 0 <= found[0]["约束"] - distance <= 1e-6  # Rounded up to what is shown.
    assert (found[1]["表中"], found[1]["约束"]) == (0, 0)


def certified(file: Any) -> dict[str, Any]:
    """The first two letters of each line of the head → its number."""
    rows = file["证明表"].iter_rows(min_row=3, max_row=6, max_col=2)
    return {str(title.value)[:2]: number.value for title, number in rows}


def recalculated_states(scenario: Scenario, rows: Any, folder: Path) -> None:
    """Hold the states of a filled table, reckoned by LibreOffice, against the exact audit."""
    path = folder / "empty.xlsx"
    nothing = [[0] * len(scenario.programme.tasks) for _ in scenario.programme.counties.ids]
    path.write_bytes(workbook(solution(scenario, nothing), MANIFEST, Words("zh")))
    filled = allocation_of_rows(rows)
    book = edited(path, lambda file: put(file, filled, scenario), "filled.xlsx")
    found = limit_states(values(converted([book], folder)[0]))
    assert found == due_states(scenario, audit(scenario, filled))


def test_codes_that_differ_only_in_case_are_read_from_their_own_rows(tmp_path: Path) -> None:
    rules = [rule(id="floor", per=["county"], at_least=10), rule(id="sum", at_least=33)]
    counties: dict[str, dict[str, Any]] = {"ab": {}, "AB": {}, "x": {}, "aB": {}}
    scenario = load(write_world(tmp_path, {"budget": 100, "rules": rules}, counties=counties))
    recalculated_states(scenario, [[9, 0], [11, 0], [3, 0], [10, 0]], tmp_path)


def test_rates_below_zero_and_fractions_follow_the_table(tmp_path: Path) -> None:
    rules = [
        rule(id="less", measure="jobs", at_most="1/900"),
        rule(id="least", measure="jobs", per=["county"], at_least="1/7"),
        rule(id="firms", measure="firms", at_least="123456789/7"),
    ]
    tiers = [
        ["a", "road", 1, 3, "1/900", "123456789/7"],
        ["a", "road", 2, 3, "-2/7", "-1/3"],
        ["b", "school", 1, 5, "1/7", "0"],
    ]
    scenario = load(write_world(tmp_path, {"budget": 100, "rules": rules}, tiers=tiers))
    recalculated_states(scenario, [[4, 0], [0, 1]], tmp_path)
