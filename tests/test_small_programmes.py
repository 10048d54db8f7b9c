"""Three hundred random programmes: what is said of them is what trying every table says."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import allot
from models.solution import SearchNote
from optimizer.aims import solve_aims
from optimizer.problem import Problem
from optimizer.strategies import Units
from optimizer.strategies.every_table import TablesRead, tables_within
from tests import enumerator
from tests.enumerator import Enumerator
from tests.right_answers import Refused, complaints, untrue_advice
from tests.small_programmes import programme
from tests.worlds import world, write_world

SEED, COUNT, BLOCKS = 2020, 300, 6


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_nothing_untrue_is_said_of_random_programmes(block: int) -> None:
    """A failure names the number: `programme(SEED, number)` makes the world again."""
    seen: Counter[str] = Counter()
    untrue = []
    for number in range(block, COUNT, BLOCKS):
        try:
            found = complaints(programme(SEED, number), seen)
        except Refused:
            seen["refused"] += 1
            continue
        untrue += [(number, one) for one in found]
    assert not untrue
    assert seen["solvable"] >= COUNT / BLOCKS / 2 and seen["in conflict"]
    assert seen["refused"] <= 4


@pytest.mark.slow
def test_nothing_untrue_is_advised_where_prices_of_counties_rule_numbers_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a large programme, of which no whole units are asked at once; what its conflicts name
    is needed for that of its relaxation only."""
    monkeypatch.setattr("optimizer.infeasibility.trial.DIRECT_CELLS", 0)
    seen: Counter[str] = Counter()
    untrue = [one for number in range(70) for one in untrue_advice(programme(SEED, number), seen)]
    assert not [one for one in untrue if "can be spared" not in one.text]
    assert seen["remedies"] >= 20 and seen["no help"] >= 40


def test_a_programme_is_not_refused_for_what_presolve_calls_infeasible(tmp_path: Path) -> None:
    """HiGHS 1.16 says so of this one where nothing is pushed, though no money at all solves it."""
    said = allot.diagnose(allot.load(write_world(tmp_path, **programme(SEED, 29))))
    assert said is not None and said.is_feasible


def test_the_enumerator_shares_no_code_with_what_it_judges() -> None:
    tree = ast.parse(Path(enumerator.__file__).read_text(encoding="utf-8"))
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    ours = {"allot", "cli", "commands", "models", "optimizer", "reports", "tests"}
    assert not {str(name).partition(".")[0] for name in named} & ours


def test_nothing_is_called_the_only_one_where_it_may_not_be_the_best(tmp_path: Path) -> None:
    """A soft rule that is short by a billionth: the solver cannot tell the best table."""
    found = allot.solve(allot.load(write_world(tmp_path, **programme(1, 1307))), repaired=False)
    best_known = {SearchNote.UNIQUE, SearchNote.CLOSED} & set(found.solver.notes)
    assert found.status == "optimal" or not best_known


@pytest.mark.parametrize("number", range(40))
def test_tables_read_at_once_come_to_what_the_enumerator_says(tmp_path: Path, number: int) -> None:
    made = programme(SEED, number)
    problem = Problem.of(allot.load(write_world(tmp_path, **made)))
    due = Enumerator(made).best()
    nothing = np.zeros(len(problem.codes))
    tables = tables_within(problem.scenario, nothing, nothing + problem.scenario.budget)
    assert tables is not None
    best = TablesRead(problem.scenario, solve_aims(problem), tables).best()
    if best is None:
        assert not due.feasible
    else:
        assert (best.table, best.standing.worth) == (due.table, due.worth)


def test_too_many_tables_are_not_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty coins in four cells: 10,626 tables."""
    scenario = world(tmp_path, {"budget": 20})
    ends = np.zeros(4), np.full(4, 20.0)
    for most, count in ((4 * 10_626, 10_626), (4 * 10_625, None)):
        monkeypatch.setattr("optimizer.strategies.every_table.MOST_NUMBERS", most)
        tables = tables_within(scenario, *ends)
        assert (None if tables is None else len(tables)) == count


def test_amounts_are_counted_before_they_are_laid_out(tmp_path: Path) -> None:
    """A cell of 1e11 coins has too many amounts; in steps of 1e4 and from 9.9e9 on it has few."""
    many = world(tmp_path / "many", {"budget": 10**11})
    assert tables_within(many, np.zeros(4), np.full(4, 1e11)) is None
    body = {"budget": 10**10, "step": 10**4, "lot": 9_999_980_000}
    few = world(tmp_path / "few", body, tasks={"road": {}})
    tables = tables_within(few, np.zeros(2), np.array([1e10, 0]))
    assert tables is not None
    assert tables.tolist() == [[0, 0], *([9_999_980_000 + 10**4 * n, 0] for n in range(3))]


@pytest.mark.parametrize("number", [972, 1307, 1453])
@pytest.mark.parametrize("units", ["whole", "continuous"])
def test_limits_a_billionth_from_what_tables_come_to_leave_the_right_answer(
    tmp_path: Path, number: int, units: Units
) -> None:
    """A soft limit, a target or a cap that a solver takes for met."""
    made = programme(1, number)
    due = Enumerator(made).best()
    assert due.worth is not None
    found = allot.solve(
        allot.load(write_world(tmp_path, **made)), units=units, repaired=False, certificate=False
    )
    if units == "whole":
        assert tuple(found.allocation.amounts.ravel().tolist()) == due.table
    assert found.objective - found.audit.penalty >= due.worth


@pytest.mark.slow
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(2883, id="a tolerance that costs more than it may"),
        pytest.param(8010, id="money in parts left within the gap, though small"),
        pytest.param(5894, id="one number of a table for two limits"),
    ],
)
def test_what_the_bench_once_found_untrue_is_true(number: int) -> None:
    assert complaints(programme(1, number), Counter()) == []
