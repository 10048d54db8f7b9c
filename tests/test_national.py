"""A programme with more counties than anybody reads one by one: its groups, and where all stand."""

from __future__ import annotations

import csv
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

import cli
from models.metadata import read_labels
from models.scenario import load
from optimizer.records import read_record, read_solution
from reports.catalogue import Words
from reports.excel import workbook
from reports.html.page import report_html
from reports.numbers import plain, signed_change
from reports.view.allocation_view import MOST_COUNTIES, counties_by, grouping_columns
from tests.bench.national import write_national
from tests.books import heads
from tests.by_hand import by_hand
from tests.pages import Page, page_of
from tests.worlds import rule, world

COUNTIES, TASKS = 410, 3


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a whole solve from the command line."""
    folder = tmp_path_factory.mktemp("national")
    path = write_national(folder, COUNTIES, tasks=TASKS)
    told = run("solve", path, "-o", folder / "record", "--no-repaired", "-q", "--lang", "en")
    assert told == ""
    return folder / "record"


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli.allot, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def lines(page: Page, name: str) -> list[list[str]]:
    return [row.text for row in page.table(name).rows]


def table_of(path: Path) -> dict[tuple[str, str], int]:
    """(county, task) → money, as the record's table has it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        return {(row["county"], row["task"]): int(row["amount"]) for row in rows}


def totals(record: Path, column: str) -> dict[str, int]:
    """Value of a column → the money of its counties."""
    counties = load(record / "scenario.yaml").programme.counties
    found: Counter[str] = Counter()
    for (county, _), money in table_of(record / "allocation.csv").items():
        found[str(counties.values(column)[counties.index[county]])] += money
    return dict(found)


@pytest.fixture(scope="module")
def page(record: Path) -> Page:
    return Page((record / "report.html").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_record_replays(record: Path) -> None:
    assert "everything in the record replays" in run("verify", record, "--lang", "en")


def test_the_page_adds_up_each_group_and_lists_no_county(record: Path, page: Page) -> None:
    for name, column in (("county-table", "province"), ("county-table-2", "prefecture")):
        header, total, *groups = lines(page, name)
        at = header.index("Total")
        due = totals(record, column)
        assert {row[0]: row[at] for row in groups} == {k: plain(v) for k, v in due.items()}
        assert total[at] == plain(sum(due.values()))
        assert sum(int(row[-1]) for row in groups) == int(total[-1]) == COUNTIES
        assert not page.table(name).of("county")


def test_the_page_stays_small_and_leads_to_the_whole_tables(record: Path, page: Page) -> None:
    assert len(page.text) < 300_000
    assert page.text.count("<svg") < 30
    for name in ("allocation.csv", "findings.csv"):
        assert f'<a href="{name}">' in page.text
        assert (record / name).is_file()


def test_the_counties_that_gain_and_lose_most_are_named(record: Path, page: Page) -> None:
    now, before = (
        Counter[str]({code: 0 for code in load(record / "scenario.yaml").programme.counties.ids})
        for _ in range(2)
    )
    for found, name in ((now, "allocation.csv"), (before, "baseline.csv")):
        for (county, _), money in table_of(record / name).items():
            found[county] += money
    changes = sorted(now[code] - before[code] for code in now)
    moved = next(one for one in page.tables if any("Most gained" in row.text for row in one.rows))
    shown = [row.text[-1] for row in moved.rows if row.text[-1][0] in "+-"]
    most = [*reversed(changes[-10:]), *changes[:10]]
    assert shown == [signed_change(Fraction(change)) for change in most]


def test_the_workbook_holds_every_county_once_with_live_totals(record: Path) -> None:
    book = openpyxl.load_workbook(record / "workbook.xlsx")
    assert len(book.sheetnames) < 15
    sheet = book["Allocation"]
    rows = [row for row in sheet.iter_rows(values_only=True) if row[0] and str(row[0]).isdigit()]
    codes = load(record / "scenario.yaml").programme.counties.ids
    assert [row[3] for row in rows] == list(codes)
    at = heads(sheet)[1]["This year"] - 1
    assert all(str(row[at]).startswith("=SUM(") for row in rows)
    assert sum(money or 0 for row in rows for money in row[at - TASKS : at]) == sum(
        table_of(record / "allocation.csv").values()
    )
    assert (record / "workbook.xlsx").stat().st_size < 200_000


def test_the_workbook_is_read_back_as_the_table_that_it_shows(record: Path) -> None:
    told = run("check", record / "scenario.yaml", record / "workbook.xlsx", "--json")
    assert '"broken": []' in told


@pytest.mark.slow
def test_both_languages_call_things_by_their_names(record: Path) -> None:
    solution, kept = read_solution(record)
    told = report_html(solution, kept.manifest, "zh").decode()
    assert "按省份" in told and "按市州" in told and "增加最多" in told
    assert workbook(solution, kept.manifest, Words("zh"))


def test_rules_name_the_groups_where_no_labels_do(tmp_path: Path) -> None:
    counties = {f"c{n}": {"people": n + 1, "area": f"a{n % 3}"} for n in range(MOST_COUNTIES + 1)}
    per = [rule(id="r", per=["area"], at_most=900), rule(id="s", per=["county"], at_most=9)]
    scenario = world(tmp_path, {"budget": 2000, "rules": per}, counties=counties)
    labels = read_labels(scenario.programme)
    assert grouping_columns(scenario, labels) == ("area",)
    members = counties_by(scenario, labels, "area", "en")
    assert [len(some) for some in members.values()] == [134, 134, 133]
    rows: Any = [[2, 0] for _ in counties]
    found = Page(page_of(by_hand(scenario, rows, [[0, 0]] * len(rows)), "en"))
    names = [row[0] for row in lines(found, "county-table")]
    assert names == ["Area", "Total", "A0", "A1", "A2"]


def test_without_any_groups_the_total_stands_alone(tmp_path: Path) -> None:
    counties = {f"c{n}": {"people": 1} for n in range(MOST_COUNTIES + 1)}
    scenario = world(tmp_path, {"budget": 2000, "rules": []}, counties=counties)
    rows: Any = [[2, 0] for _ in counties]
    found = Page(page_of(by_hand(scenario, rows, [[0, 0]] * len(rows)), "en"))
    assert [row[0] for row in lines(found, "county-table")] == ["County", "Total"]


@pytest.mark.slow
def test_a_dear_relaxation_leaves_the_certificate_by_county_which_verify_adds_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.sensitivity._DEAR", 1)
    path = write_national(tmp_path, 12, integer=True, tasks=3)
    run("solve", path, "-o", tmp_path / "record", "--no-repaired", "-q", "--gap", "1e-3")
    names = {one.name for one in (tmp_path / "record").iterdir()}
    assert "certificate-by-county.csv" in names
    assert not names & {"certificate.csv", "prices.csv"}
    told = run("verify", tmp_path / "record", "--lang", "en")
    assert "everything in the record replays" in " ".join(told.split())
    assert "Proven by the certificate" in told
    solution = read_record(tmp_path / "record")
    assert solution.by_county is not None and solution.certificate is None
    assert solution.bound_proved == solution.by_county.bound


@pytest.mark.slow
def test_a_record_without_any_certificate_that_was_asked_for_does_not_verify(
    tmp_path: Path,
) -> None:
    path = write_national(tmp_path, 12, integer=True, tasks=3)
    run("solve", path, "-o", tmp_path / "record", "--no-repaired", "-q", "--gap", "1e-3")
    record = tmp_path / "record"
    told = json.loads((record / "manifest.json").read_text())
    for name in ("certificate.csv", "certificate-by-county.csv", "prices.csv"):
        (record / name).unlink()
        del told["files"][name]
    told["certificate"] = {"bound": None, "by_county": None, "why": "lost"}
    (record / "manifest.json").write_text(json.dumps(told))
    done = CliRunner().invoke(cli.allot, ["verify", str(record), "--lang", "en"])
    assert done.exit_code == 1
    said = " ".join(done.output.split())
    assert "is due where the option certificate asks for it" in said
