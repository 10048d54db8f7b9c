"""Diagnosis on the command line, and against published conflicts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import sparse

import cli
from optimizer.formulation.edits import without_rows
from optimizer.formulation.model import Columns, Model
from optimizer.infeasibility.conflict_sets import irreducible
from optimizer.infeasibility.elastic import GivingRows, elastic
from optimizer.solvers.base import Effort
from optimizer.solvers.highs import new_solver, solve_model
from tests.conflicts import CONFLICTS, FLOOR, Conflict, write
from tests.worlds import rule

CASES = Path(__file__).parents[2] / "shared" / "cases" / "infeasible"


def read_mps(name: str) -> Model:
    """A published model; its names are those of the file."""
    solver = new_solver()
    solver.readModel(str(CASES / f"{name}.mps"))
    lp = solver.getLp()
    held = lp.a_matrix_
    parts = (np.array(held.value_), np.array(held.index_), np.array(held.start_))
    matrix = sparse.csc_matrix(parts, shape=(lp.num_row_, lp.num_col_)).tocsr()
    none = np.zeros(0, dtype=np.int64)
    return Model(
        cost=np.zeros(lp.num_col_),
        lower=np.array(lp.col_lower_),
        upper=np.array(lp.col_upper_),
        integer=np.zeros(lp.num_col_, dtype=bool),
        matrix=matrix,
        row_lower=np.array(lp.row_lower_),
        row_upper=np.array(lp.row_upper_),
        grid=Columns((0, 0), none, None, none, none, none),
        limits=(),
        own_county=none,
        column_names=lambda: [],
        row_names=lambda: list(lp.row_names_),
    )


@pytest.mark.skipif(not CASES.exists(), reason="the published cases are not here")
@pytest.mark.parametrize("name", ["galenet", "woodinfe", "itest2", "bgprtr"])
def test_published_conflicts_are_missed_by_as_little_as_stated(name: str) -> None:
    stated = json.loads((CASES / "expected.json").read_text("utf-8"))
    model = read_mps(name)
    rows = np.arange(len(model.row_lower))
    changed, _ = elastic(model, [GivingRows(rows, np.ones(len(rows)), shared=False)])
    answer = solve_model(changed, Effort())
    assert answer.objective is not None
    assert -answer.objective == pytest.approx(stated["min_L1_relaxation"][name], abs=5e-7)

    def conflict(kept: Any) -> bool:
        gone = np.setdiff1d(rows, np.array(list(kept), dtype=np.int64))
        return solve_model(without_rows(model, gone), Effort()).outcome == "infeasible"

    def missed(rest: Sequence[int], out: Sequence[int]) -> list[int] | None:
        gone, given = np.setdiff1d(rows, [*rest, *out]), np.array(out, dtype=np.int64)
        give = GivingRows(given, np.ones(len(given)), shared=False)
        changed, (columns,) = elastic(without_rows(model, gone), [give])
        values = solve_model(changed, Effort()).values
        return None if values is None else given[values[columns] > 1e-6].tolist()

    for broken in (lambda rest, out: None if conflict(rest) else out, missed):
        left = irreducible(rows.tolist(), broken)
        assert conflict(left)
        assert not any(conflict([row for row in left if row != one]) for one in left)


def run(*arguments: object, lang: str = "en") -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": "120"}
    return CliRunner(env=environment).invoke(cli.allot, [str(one) for one in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, Conflict({"budget": 50, "rules": [FLOOR]}, {}))


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "County floor (floor): floor lowered from 30 to 25 coins (each of its limits)"),
        ("zh", "“县级下限”（floor）：下限由30降低到25coins（每项限值）"),
    ],
)
def test_the_page_names_rule_present_value_needed_value_and_unit(
    file: Path, lang: str, said: str
) -> None:
    result = run("diagnose", file, lang=lang)
    assert result.exit_code == 0
    assert said in result.stdout
    assert "--set rules.floor.at_least=25" in result.stdout
    result.stdout.encode("gbk")


def test_the_document_says_the_same(file: Path) -> None:
    document = json.loads(run("diagnose", file, "--json", "--weight", "floor=10").stdout)
    assert document["feasible"] is False and document["cause"] == "relaxation"
    assert document["alone"][0]["set"] == "rules.floor.at_least=25"
    assert [one["rule"] for one in document["together"]] == ["budget"]
    assert document["sums"][0]["need"] == 60


def test_a_solve_that_cannot_be_says_why_and_what_to_do(file: Path) -> None:
    result = run("solve", file)
    assert result.exit_code == 3
    why, what = result.stderr.split("With any one of these changes")
    assert "County floor needs 60 coins, Budget allows 50 coins" in why
    assert "floor lowered from 30 to 25 coins" in what
    assert "--set rules.floor.at_least=25" in what and "--set budget=60" in what
    assert result.stdout == ""


def test_a_solve_that_cannot_be_ends_with_one_document(file: Path) -> None:
    result = run("solve", file, "--json")
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert [one["set"] for one in document["alone"]] == ["rules.floor.at_least=25", "budget=60"]
    assert "County floor needs 60 coins" in result.stderr


def test_a_quiet_solve_that_cannot_be_looks_for_no_remedies(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.infeasibility.diagnose.diagnose_conflict", None)
    result = run("solve", file, "-q")
    assert result.exit_code == 3
    assert "County floor needs 60 coins" in result.stderr


def test_a_solve_says_what_stands_against_what_before_it_looks_for_remedies(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("optimizer.infeasibility.diagnose.diagnose_conflict", interrupted)
    result = run("solve", file)
    assert "County floor needs 60 coins, Budget allows 50 coins" in result.stderr


def test_where_no_single_change_is_enough_several_are_told(tmp_path: Path) -> None:
    rules = [
        rule(id=f"{code}-{sense}", where={"county": code}, **{sense: number})
        for code in "ab"
        for sense, number in (("at_least", 20), ("at_most", 10))
    ]
    path = write(tmp_path, Conflict({"budget": 90, "rules": rules}, {}))
    result = run("solve", path)
    assert result.exit_code == 3
    assert "these together are (tried)" in result.stderr
    assert result.stderr.count("--set rules.") == 2
    page = run("diagnose", path).stdout
    assert "These are 2 conflicts without a limit in common" in page
    assert "conflict 2 of 2" in page
    assert "Proved in exact arithmetic that no change of it alone helps" in page
    assert "No single change that is enough was found" in page


def test_a_diagnosis_without_time_names_what_it_did_not_settle(file: Path) -> None:
    page = run("diagnose", file, "--time-limit", "1e-9").stdout
    assert "No change of it alone was found, and none ruled out: County floor" in page
    assert "lowered" not in page


def test_a_conflict_without_sums_is_named_by_the_limits_that_stand_against_each_other(
    tmp_path: Path,
) -> None:
    conflict = CONFLICTS["a share of all the money against a floor"]
    result = run("solve", write(tmp_path, conflict), "-q")
    assert result.exit_code == 3
    assert "cannot be kept together" in result.stderr and "Budget" in result.stderr


def test_a_scenario_that_can_be_kept_is_told_so(file: Path) -> None:
    result = run("diagnose", file, "--set", "budget=60")
    assert result.exit_code == 0
    assert "nothing to diagnose" in result.stdout


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("flor=2", "did you mean 'floor'"),
        ("floor", "write --weight RULE=NUMBER"),
        ("floor=0", "above zero"),
        ("floor=much", "write --weight RULE=NUMBER"),
    ],
)
def test_weights_that_cannot_be_read_are_refused(file: Path, weight: str, said: str) -> None:
    result = run("diagnose", file, "--weight", weight)
    assert result.exit_code == 2
    assert said in result.stderr and "Traceback" not in result.output


@pytest.mark.parametrize(
    ("name", "proved"),
    [("floors of money over the budget", True), ("counts of funded cells", False)],
)
def test_only_what_is_proved_exactly_is_said_to_be(tmp_path: Path, name: str, proved: bool) -> None:
    page = run("diagnose", write(tmp_path, CONFLICTS[name])).stdout
    assert ("This is proved in exact arithmetic." in page) is proved
