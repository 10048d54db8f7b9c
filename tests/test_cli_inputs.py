"""The command line never costs its user anything: inputs, records, patience."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from models.record import open_record
from models.scenario import load
from tests.test_cli import COUNTIES, FLOOR, ROOT, process, run, table
from tests.worlds import write_csv, write_world, write_yaml


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Two counties, two tasks, 60 coins; the file extends another."""
    path = write_world(tmp_path, {"budget": 60, "rules": [FLOOR]}, counties=COUNTIES)
    child = tmp_path / "child.yaml"
    write_yaml(child, {"extends": path.name, "title": "Child"})
    return child


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("verb", ["baseline equal", "template"])
@pytest.mark.parametrize(
    "name", ["child.yaml", "scenario.yaml", "world/counties.csv", "world/tiers.csv"]
)
def test_no_verb_writes_over_what_it_reads(scenario: Path, verb: str, name: str) -> None:
    before = contents(scenario.parent)
    result = run(*verb.split(), scenario, "-o", scenario.parent / name)
    assert result.exit_code == 2
    assert "is read for this very scenario; name another file" in result.stderr
    assert contents(scenario.parent) == before


def test_an_export_does_not_write_over_a_file_of_the_programme(scenario: Path) -> None:
    mine = scenario.parent / "world" / "model.lp"
    mine.write_text("mine")
    assert run("export", scenario, "-o", mine).exit_code == 2
    assert mine.read_text() == "mine"


def test_a_link_to_an_input_is_not_written_over_either(scenario: Path, tmp_path: Path) -> None:
    link = tmp_path / "out.csv"
    link.symlink_to(scenario)
    before = contents(tmp_path)
    assert run("baseline", "equal", scenario, "-o", link).exit_code == 2
    assert contents(tmp_path) == before


def test_a_page_is_not_written_beside_the_table_it_is_about(scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    book = tmp_path / "mine" / "check.xlsx"
    assert run("template", scenario, "-o", book).exit_code == 0
    before = book.read_bytes()
    result = run("check", scenario, book, "-o", tmp_path / "mine")
    assert (result.exit_code, book.read_bytes()) == (2, before)
    assert "holds check.xlsx, which is read" in result.stderr


def test_a_record_is_not_replaced_by_one_that_is_solved_from_it(scenario: Path) -> None:
    kept = scenario.parent / "kept"
    assert run("solve", scenario, "-o", kept).exit_code == 0
    before = contents(kept)
    result = run("solve", kept / "scenario.yaml", "-o", kept, "--force")
    assert (result.exit_code, contents(kept)) == (2, before)
    assert "holds the scenario that is read" in result.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes the streams here")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-", "> /dev/full", "2> /dev/full"])
def test_closed_streams_never_cost_the_record(scenario: Path, closed: str) -> None:
    kept = scenario.parent / "kept"
    command = f'"{sys.executable}" cli.py solve "{scenario}" -o "{kept}" {closed}'
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(command, shell=True, cwd=ROOT, env=environment, check=False, timeout=120)
    assert open_record(kept).manifest.result.status


def test_separators_of_thousands_in_any_table_are_read_and_told(tmp_path: Path) -> None:
    counties = {"a": {"people": 520_000}, "b": {"people": 300}}
    body = {"budget": 2000, "last_year": "last.csv", "rules": []}
    rows = [["a", "520,000"], ["b", 300]]
    write_csv(tmp_path / "last.csv", ["county", "amount"], [["a", "1,234.5"], ["b", 3]])
    path = write_world(tmp_path, body, counties=counties)
    write_csv(tmp_path / "world" / "counties.csv", ["code", "people"], rows)
    tiers = [["a", "road", 1, "1,000", "0.5", "0"], ["b", "road", 1, 20, "0.2", "0"]]
    head = ["county", "task", "tier", "width", "jobs", "firms"]
    write_csv(tmp_path / "world" / "tiers.csv", head, tiers)
    done = run("solve", path, "-o", tmp_path / "kept", lang="zh")
    assert done.exit_code == 0
    assert "tiers.csv：第2行：“1,000”读作1000" in done.stderr
    assert "counties.csv：第2行：people：“520,000”读作520000" in done.stderr
    assert "last.csv：第2行：“1,234.5”读作1234.5" in done.stderr
    scenario = load(path)
    assert scenario.programme.counties.numbers("people") == (520_000, 300)
    assert scenario.last_year and scenario.last_year.by_county["a"] == Fraction("1234.5")
    assert scenario.tiers.width[0, 0, 0] == 1000
    assert run("verify", tmp_path / "kept").exit_code == 0
    compared = run("compare", path, path)
    assert compared.stderr.count("counties.csv: line 2: people: '520,000' read as 520000") == 1


@pytest.mark.parametrize("written", ["52,00", "1,2345", ",520", "5,20,000"])
def test_commas_that_part_no_thousands_are_refused(tmp_path: Path, written: str) -> None:
    path = write_world(tmp_path, {"budget": 20})
    write_csv(tmp_path / "world" / "counties.csv", ["code", "people"], [["a", written]])
    done = run("validate", path)
    assert done.exit_code == 2
    assert f"a number is due here, not '{written}'" in done.stderr


@pytest.mark.parametrize(
    "wrong", [["--gap", "2"], ["--gap", "1"], ["--gap", "０.1"], ["--time-limit", "0"]]
)
def test_options_that_mean_nothing_are_refused(scenario: Path, wrong: Sequence[str]) -> None:
    result = run("solve", scenario, *wrong)
    assert result.exit_code == 2
    assert "is not a number" in result.stderr


def test_of_many_problems_the_first_twenty_and_the_count_are_told(scenario: Path) -> None:
    rows = [("a", f"task{number}", 1) for number in range(10_000)]
    result = run("check", scenario, table(scenario.parent, *rows))
    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert len(lines) == 22
    assert lines[-1].strip() == "... and 9980 more"


@pytest.mark.slow
def test_links_that_go_round_and_impossible_names_are_refused_in_words(scenario: Path) -> None:
    loop = scenario.parent / "loop.yaml"
    loop.symlink_to(loop)
    odd = scenario.parent / "odd.yaml"
    odd.write_text('extends: "no\\0name.yaml"\n')
    half = scenario.parent / "half.yaml"
    half.write_text('extends: scenario.yaml\ntitle: "\\ud800"\n')
    for path, said in ((loop, "go round"), (odd, "no name of a file"), (half, "line 2: ")):
        done = process("validate", path)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr.decode()
        assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="arguments are bytes on POSIX only")
@pytest.mark.parametrize("option", ["--author", "--reason", "--set", "--with"])
def test_an_argument_that_is_no_text_is_refused(scenario: Path, option: str) -> None:
    text = "title.en=\udcff" if option == "--set" else "\udcff"
    done = process("solve", scenario, option, text, "-o", scenario.parent / "kept")
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
    assert not (scenario.parent / "kept").exists()
