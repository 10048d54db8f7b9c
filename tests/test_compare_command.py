"""`allot compare` as its users meet it: the page, the JSON document, the folder, exit codes."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

import cli
from tests.pages import Page
from tests.side_by_side import COUNTIES, write_fund
from tests.test_cli import process
from tests.worlds import write_world

FILES = ["compare.csv", "compare.html", "compare.xlsx"]


@pytest.fixture
def fund(tmp_path: Path) -> Path:
    return write_fund(tmp_path)


def run(*arguments: object, lang: str = "en", width: int = 100) -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": str(width)}
    said = ["compare", *(str(one) for one in arguments)]
    return CliRunner(env=environment).invoke(cli.allot, said)


def lines(result: Result, start: str) -> list[str]:
    """The lines of the page that begin so, with blanks tidied."""
    tidy = [" ".join(line.split()) for line in result.stdout.splitlines()]
    return [line for line in tidy if line.startswith(start)]


def test_the_page_sets_outcomes_money_and_rules_side_by_side(fund: Path) -> None:
    result = run(fund, f"{fund}@most", "baseline:equal", "--county", "b")
    assert result.exit_code == 0, result.output
    said = "optimal under these assumptions (proved within 0% of the best"
    assert lines(result, "B ")[0] == f"B Most for b (scenario@most): {said}"
    assert lines(result, "C ")[0] == "C Equal amounts (baseline:equal): given"
    assert lines(result, "Jobs (jobs)") == ["Jobs (jobs) 24 19 24"]
    assert lines(result, "difference")[0] == "difference -5 0"
    said = "Floor, at least (rules.b-floor.at_least) 10 55 10"
    assert lines(result, "Floor, at least") == [said]
    assert lines(result, "Money that stands elsewhere") == ["Money that stands elsewhere 25 0"]
    assert lines(result, "Floor met") == ["Floor met 20 binding 0 met 20"]
    said = "B: 25 (coins) stand elsewhere; counties that gain: 1, that lose: 1; most gained: Beta"
    assert lines(result, "B: 25")[0].startswith(said)
    assert lines(result, "B 55") == ["B 55 (+25) Floor"]


def test_the_page_speaks_chinese(fund: Path) -> None:
    result = run(fund, f"{fund}@most", "baseline:equal", lang="zh")
    assert (
        "B  乙县最多（scenario@most）：在本测算假定下最优（已证明：距可能的最好结果不超过0%）"
        in result.stdout
    )
    assert "增加最多：乙县+25；减少最多：甲县-25" in result.stdout


def test_marks_are_explained_below_the_page(fund: Path) -> None:
    result = run(fund, f"{fund}@most")
    assert lines(result, "difference")[1] == "difference -1 °"
    assert lines(result, "°") == [
        "° the objective does not count this metric; the choice among equals decides it"
    ]


@pytest.mark.slow
def test_one_json_document_holds_the_exact_rows(fund: Path) -> None:
    done = process("compare", fund, f"{fund}@most", f"{fund}@all", "--json")
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout, parse_float=Fraction)
    assert found["reference"] == "scenario"
    assert [column["status"] for column in found["columns"]] == ["optimal", "optimal", "infeasible"]
    assert found["columns"][2]["reasons"]
    jobs = {row["column"]: row for row in found["outcomes"] if row["metric"] == "jobs"}
    assert jobs["scenario@most"]["difference"] == Fraction("-4.5")
    cells = [row for row in found["amounts"] if row["level"] == "cell"]
    most = [row["difference"] for row in cells if row["column"] == "scenario@most"]
    assert sum(most) == 0
    assert found["moved"][0]["counties"] == {"a": -25, "b": 25}
    # One more coin for b is one that brings 0.2 jobs there in place of 0.5 in a.
    price = next(
        row
        for row in found["prices"]
        if (row["rule"], row["column"]) == ("b-floor", "scenario@most")
    )
    assert (price["number"], price["path"]) == (55, "rules.b-floor.at_least")
    gained = {name: round(float(number), 6) for name, number in price["metrics"].items()}
    assert gained == {"jobs": -0.3, "firms": -0.05}
    held = {"everywhere": ["budget"], "counties": {"b": ["b-floor"]}}
    assert found["columns"][1]["held"] == held


def test_an_infeasible_column_is_told_with_what_must_give_way(fund: Path) -> None:
    result = run(fund, f"{fund}@all")
    assert result.exit_code == 0
    assert "(scenario@all): rules in conflict" in result.stdout
    assert "Floor" in lines(result, "No allocation")[0] + "".join(lines(result, "Floor"))
    for lang, said in (("en", "rules"), ("zh", "各约束不能同时满足，没有安排")):
        told = json.loads(run(fund, f"{fund}@all", "--json", lang=lang).stdout)["columns"][1]
        assert said in told["why"]


def test_the_ready_set_takes_one_scenario(fund: Path) -> None:
    result = run("--cost-of-rules", f"{fund}@most")
    assert result.exit_code == 0
    # The repaired baseline (the second) is not unique.
    jobs = lines(result, "Jobs (jobs)")[0].split()[2:]
    assert (jobs[0], *jobs[2:]) == ("24", "19", "24")
    refused = run("--cost-of-rules", fund, f"{fund}@most")
    assert refused.exit_code == 2
    assert "--cost-of-rules: goes with one scenario" in refused.stderr


def test_a_reference_is_named_or_numbered_from_one(fund: Path) -> None:
    for said in ("2", "scenario@most"):
        result = run(fund, f"{fund}@most", "--reference", said)
        assert "Side by side (differences are from B)" in result.stdout
    assert run(fund, f"{fund}@most", "--reference", "0").exit_code == 2


def test_every_bad_column_is_told_before_anything_is_solved(fund: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = run(fund, f"{fund}@mots", "baseline:equl", "--solver", "highs", "-o", folder)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "did you mean 'most'?" in result.stderr
    assert "did you mean 'equal'?" in result.stderr
    assert not folder.exists()


@pytest.mark.parametrize("wrong", [["--county", "zz"], ["--solver", "nosuch"], ["--gap", "-1"]])
def test_bad_options_are_refused(fund: Path, wrong: list[str]) -> None:
    assert run(fund, f"{fund}@most", *wrong).exit_code == 2


def test_the_folder_is_written_whole_and_replaced_only_where_forced(
    fund: Path, tmp_path: Path
) -> None:
    folder, asked = tmp_path / "out", [fund, f"{fund}@most"]
    result = run(*asked, "-o", folder)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == FILES
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = run(*asked, "-o", folder)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert run(*asked, "-o", folder, "--force").exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "mine.txt").write_text("kept", "utf-8")
    refused = run(*asked, "-o", folder, "--force")
    assert refused.exit_code == 2
    assert "is not a comparison and is never replaced" in refused.stderr
    assert (folder / "mine.txt").read_text("utf-8") == "kept"


def test_last_year_stands_in_the_long_table_with_change_and_rate(tmp_path: Path) -> None:
    scenario = write_world(tmp_path, {"budget": 60, "last_year": "last.csv"}, counties=COUNTIES)
    scenario.with_name("last.csv").write_text("county,task,amount\na,road,8\n", "utf-8")
    folder = tmp_path / "out"
    assert run(scenario, "baseline:equal", "-o", folder).exit_code == 0
    text = (folder / "compare.csv").read_text("utf-8-sig")
    rows = [one for one in csv.DictReader(io.StringIO(text)) if one["section"] == "last-year"]
    assert {(one["column"], one["place"]) for one in rows} >= {("baseline:equal", "a")}
    assert {one["place"] for one in rows} == {"a"}  # Of b no figure is known.
    for one in rows:
        change = Fraction(one["value"]) - 8
        assert Fraction(one["reference"]) == 8
        assert (Fraction(one["difference"]), Fraction(one["rate"])) == (change, change / 8)


def test_the_long_table_adds_up_and_is_safe_to_open(tmp_path: Path) -> None:
    counties = {"a": {**COUNTIES["a"], "name_zh": "=1+1"}, "b": COUNTIES["b"]}
    scenario = write_world(tmp_path, {"budget": 60}, counties=counties)
    folder = tmp_path / "out"
    assert run(scenario, "baseline:greedy", "-o", folder).exit_code == 0
    text = (folder / "compare.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["section"] for row in rows} == {
        *("column", "outcome", "outcome-by-reference", "amount", "rule", "price"),
    }
    assert "'=1+1" in {row["name"] for row in rows}
    amounts = [row for row in rows if row["section"] == "amount"]
    for column in ("scenario", "baseline:greedy"):
        mine = [row for row in amounts if row["column"] == column]
        totals = {
            level: sum(Fraction(row["value"]) for row in mine if row["level"] == level)
            for level in ("total", "task", "county", "cell")
        }
        assert set(totals.values()) == {60}


LAYERS = ["--with", "half", "--set", "rules.b-floor.at_least=45", "--set", "budget=59"]


def test_every_override_and_every_set_is_named_at_the_head(fund: Path, tmp_path: Path) -> None:
    result = run(fund, f"{fund}@most", *LAYERS, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    said = (
        "half; Floor, at least: 45 (--set rules.b-floor.at_least=45); Budget: 59 (--set budget=59)"
    )
    assert text.count(f"Changes applied: {said}") == 2
    found = json.loads(run(fund, f"{fund}@most", *LAYERS, "--json").stdout)
    sets = [f"--set {one}" for one in LAYERS[3::2]]
    assert [one["changes"] for one in found["columns"]] == [
        ["half", *sets],
        ["most", "half", *sets],
    ]
    page = Page((tmp_path / "out" / "compare.html").read_text("utf-8")).text
    book = openpyxl.load_workbook(tmp_path / "out" / "compare.xlsx")
    cells = [str(cell) for sheet in book for row in sheet.values for cell in row]
    for part in said.split("; "):
        assert part in " ".join(page.split()) and part in cells


@pytest.mark.parametrize("columns", ["all", "all plain", "all all", "all baseline:repaired"])
def test_a_column_without_an_answer_stands_in_every_output(
    fund: Path, tmp_path: Path, columns: str
) -> None:
    """As the reference, beside it, and where none has an answer at all."""
    named = {"all": f"{fund}@all", "plain": str(fund)}
    asked = [named.get(name, name) for name in columns.split()]
    asked += [f"{fund}@half"] if len(asked) == 1 else []
    for at, reference in enumerate(("1", "2")):
        more = ["--reference", reference, "--county", "b"]
        result = run(*asked, *more, "-o", tmp_path / f"out{at}")
        assert result.exit_code == 0, result.output
        assert "rules in conflict" in result.stdout
        found = json.loads(run(*asked, *more, "--json").stdout)
        assert "infeasible" in [one["status"] for one in found["columns"]]
        for name in ("compare.csv", "compare.html", "compare.xlsx"):
            assert (tmp_path / f"out{at}" / name).stat().st_size > 500
