"""`-o DIR` of the verbs that show one document: a page and a workbook beside the terminal."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

import cli
from models.remedies import Change
from optimizer.infeasibility.diagnose import Diagnosis
from reports.catalogue import Words
from reports.documents.diagnosis import diagnosis_page
from tests.pages import Page
from tests.worlds import rule, world, write_csv, write_world

COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "people": 100, "poor": True},
    "b": {"name_zh": "乙县", "name_en": "Beta", "people": 300, "poor": False},
}
FLOOR = rule(
    id="floor", title={"zh": "县级下限", "en": "County floor"}, per=["county"], at_least=15
)
VERBS: dict[str, tuple[str, ...]] = {
    "check": ("SCENARIO", "TABLE"),
    "explain": ("SCENARIO", "a", "--table", "TABLE"),
    "diagnose": ("SCENARIO", "--set", "rules.floor.at_least=31"),
    "prices": ("SCENARIO",),
    "ranges": ("SCENARIO",),
    "verify": ("RECORD",),
    "reproduce": ("RECORD",),
    "grid": ("SCENARIO", "--relax", "--vary", "budget=50,60"),
    "sweep": ("SCENARIO", "--vary", "budget=50:60"),
    "tornado": ("SCENARIO", "--relax"),
}
ENGINES = {
    "verify": "optimizer.verify.verify",
    "reproduce": "optimizer.decision.reproduce",
    "diagnose": "optimizer.infeasibility.diagnose.diagnose",
    "explain": "optimizer.sensitivity.explain.explain",
    "prices": "optimizer.sensitivity.prices.prices",
    "ranges": "optimizer.sensitivity.near_optimal.ranges",
}
"""Verb → the function that does its work."""
STUDIES = ("grid", "sweep", "tornado")


def run(*arguments: object, lang: str = "en") -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": "100"}
    return CliRunner(env=environment).invoke(cli.allot, [str(one) for one in arguments])


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A scenario of two counties, a table that keeps its rules; the record is not made yet."""
    scenario = write_world(tmp_path, {"budget": 60, "rules": [FLOOR]}, counties=COUNTIES)
    table = tmp_path / "table.csv"
    write_csv(table, ["county", "task", "amount"], [("a", "road", 20), ("b", "road", 40)])
    return {"SCENARIO": scenario, "TABLE": table, "RECORD": tmp_path / "record"}


def asked(verb: str, places: dict[str, Path]) -> list[object]:
    """A verb and its arguments; the record that it needs is made."""
    if "RECORD" in VERBS[verb] and not places["RECORD"].exists():
        assert run("solve", places["SCENARIO"], "-o", places["RECORD"], "-q").exit_code == 0
    return [verb, *(places.get(one, one) for one in VERBS[verb])]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_keeps_what_it_shows_as_a_page_and_a_workbook(
    verb: str, lang: str, places: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    plain = run(*asked(verb, places), lang=lang)
    done = run(*asked(verb, places), "-o", out, lang=lang)
    assert (done.exit_code, done.stdout) == (0, plain.stdout), done.output
    written = [out / f"{verb}.{end}" for end in ("html", "xlsx")]
    assert {path.name for path in written} <= names(out)
    said = {"zh": "已写入：", "en": "Written: "}[lang]
    assert [line for line in done.stderr.splitlines() if line.startswith(said)][:2] == [
        f"{said}{path}" for path in written
    ]
    page = Page(written[0].read_text("utf-8"))
    assert page.ways_out() == []
    title = plain.stdout.splitlines()[0].split("  ")[0].rstrip()
    cells = [
        str(cell)
        for sheet in openpyxl.load_workbook(io.BytesIO(written[1].read_bytes()))
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if cell is not None
    ]
    assert title in page.text and any(title in cell for cell in cells)


@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_of_other_files_is_refused_before_anything_is_worked_out(
    verb: str, places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = asked(verb, places)
    if verb in ENGINES:
        monkeypatch.setattr(ENGINES[verb], None)
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("mine")
    for folder in (taken, taken / "letter.txt", taken / "letter.txt" / "out"):
        done = run(*words, "-o", folder)
        assert (done.exit_code, done.stdout) == (2, ""), done.output
        assert str(folder) in done.stderr and "Traceback" not in done.stderr
    assert names(taken) == {"letter.txt"} and (taken / "letter.txt").read_text() == "mine"


def test_a_record_takes_no_page_of_another_verb(places: dict[str, Path]) -> None:
    words = asked("verify", places)
    before = names(places["RECORD"])
    done = run(*words, "-o", places["RECORD"])
    assert done.exit_code == 2 and "holds other files (allocation.csv, " in done.stderr
    assert names(places["RECORD"]) == before


def test_pages_of_several_verbs_share_a_folder_and_each_replaces_its_own(
    places: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for verb in ("prices", "check", "explain"):
        assert run(*asked(verb, places), "-o", out, "-q").exit_code == 0
    other = ("explain", places["SCENARIO"], "b", "--table", places["TABLE"])
    prices = (out / "prices.html").read_bytes()
    assert "Alpha" in (out / "explain.html").read_text("utf-8")
    assert run(*other, "-o", out, "--json").exit_code == 0
    page = (out / "explain.html").read_text("utf-8")
    assert "Beta" in page and (out / "prices.html").read_bytes() == prices
    assert names(out) == {
        f"{verb}.{end}" for verb in ("prices", "check", "explain") for end in ("html", "xlsx")
    }


def test_a_page_is_written_though_the_verdict_is_bad(
    places: dict[str, Path], tmp_path: Path
) -> None:
    tight = (*asked("check", places), "--set", "rules.floor.at_least=25", "-o", tmp_path / "out")
    assert run(*tight).exit_code == 1
    assert "County floor" in (tmp_path / "out" / "check.html").read_text("utf-8")


def test_a_page_that_cannot_be_made_leaves_nothing_behind(
    places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.excel.excel_document.document_xlsx", fail)
    done = run(*asked("prices", places), "-o", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (2, "")
    assert not (tmp_path / "out").exists()


def test_witnesses_stand_beside_the_page_as_the_tables_that_they_are(
    places: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = asked("ranges", places)
    for county in ("a", "b"):
        done = run(*words, "--witness", county, "-o", out)
        assert done.exit_code == 0, done.output
    files = [f"{county}-{end}.csv" for county in "ab" for end in ("least", "most")]
    assert names(out) == {*files, "ranges.html", "ranges.xlsx"}
    assert run("check", places["SCENARIO"], out / "a-most.csv", "-q").exit_code == 0
    assert "Beta" in (out / "ranges.html").read_text("utf-8")


@pytest.mark.parametrize("verb", STUDIES)
def test_a_study_goes_on_in_the_folder_that_holds_its_page(
    verb: str, places: dict[str, Path], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    words = (*asked(verb, places), "-o", store)
    first = run(*words, "--json")
    table = (store / f"{verb}.csv").read_bytes()
    (store / f"{verb}.html").write_text("an old page")
    again = run(*words, "--json")
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert json.loads(again.stdout)["study"] == verb
    assert (store / f"{verb}.csv").read_bytes() == table
    assert "an old page" not in (store / f"{verb}.html").read_text("utf-8")
    assert {f"{verb}.csv", f"{verb}.html", f"{verb}.xlsx"} <= names(store)


def sheet_rows(book: Path, title: str) -> list[tuple[Any, ...]]:
    """The rows below the head of the sheet whose name ends in a title."""
    file = openpyxl.load_workbook(book)
    name = next(name for name in file.sheetnames if name.endswith(title))
    return [*file[name].iter_rows(min_row=4, values_only=True)]


def test_a_workbook_has_the_numbers_of_the_sentences_with_their_units(
    places: dict[str, Path],
) -> None:
    folder = places["RECORD"].with_name("numbers")
    run("diagnose", places["SCENARIO"], "--set", "rules.floor.at_least=31", "-o", folder)
    changes = sheet_rows(folder / "diagnose.xlsx", "The changes in numbers")
    assert ("alone", "Budget", "budget", None, 60, 62, "coins", "budget=62") in changes
    assert any(row[2] == "floor" and row[4:7] == (31, 30, "coins") for row in changes)
    sums = sheet_rows(folder / "diagnose.xlsx", "Sums that cannot meet")
    assert [row[3:] for row in sums] == [(62, 60, "coins")]
    run("explain", places["SCENARIO"], "a", "-o", folder)
    rows = sheet_rows(folder / "explain.xlsx", "The numbers")
    held = [row for row in rows if row[0] == "Money held"]
    assert {type(row[4]) for row in held} == {int} and {row[5] for row in held} == {"coins"}
    more = {row[0]: row[4] for row in rows if row[0].startswith("More money")}
    assert more["More money: money"] == 1 and isinstance(more["More money: Jobs"], float)


def test_a_share_a_multiple_and_a_number_by_heads_have_their_units(tmp_path: Path) -> None:
    rules = [
        rule(id="share", at_least={"share": 0.9, "of": "amount"}, where={"county": "a"}),
        rule(id="heads", per_head="people", per=["county"], at_least={"times": 2, "of": "amount"}),
    ]
    scenario = world(tmp_path, {"budget": 60, "rules": rules})
    changes = (
        Change(
            "share", "share", Fraction(9, 10), Fraction(1, 4), "rules.share.at_least.share=0.25"
        ),
        Change("heads", "times", Fraction(2), Fraction(3, 2), "rules.heads.at_least.times=1.5"),
    )
    found = Diagnosis(scenario, False, "relaxation", alone=changes)
    grid = next(one for one in diagnosis_page(found, Words("zh")).sheets if "改动" in one.title)
    shown = [(line.cells[2], *line.cells[4:7]) for line in grid.lines]
    assert shown == [("share", "90%", "25%", ""), ("heads", "2", "1.5", "倍")]
