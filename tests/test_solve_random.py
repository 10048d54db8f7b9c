"""Solving random programmes: the audit finds nothing broken, brute force nothing better."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event

from models.allocation import allocation_of_rows
from models.errors import InfeasibleError, InputError, NoAnswerError
from models.objective import metric_values, objective_of
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.solve import Options
from optimizer.strategies import Units
from tests.random_worlds import checked, worlds
from tests.worlds import write_world

SOLVED = {"solved": 1 / 3, "in conflict": 0.05}
"""Shares of the worlds that must end so, or a test says too little."""
QUICKLY = Options(repaired=False, certificate=False)


def _loaded(parts: dict[str, Any]) -> Scenario | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return load(write_world(Path(folder), **parts))
        except InputError as error:
            event(f"refused: {error.problems[0].message[:30]}")
            return None


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer branches a stage: a few worlds of 25 cells would take most of the time to be closed,
    and what an allocation keeps and a bound proves does not depend on it."""
    monkeypatch.setattr("optimizer.strategies.monolithic._WORK", 100_000)
    monkeypatch.setattr("optimizer.strategies.monolithic._TO_CLOSE", 4)


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
def test_the_audit_finds_no_broken_rule_in_what_solve_returns() -> None:
    checked(100, worlds(), check_world, SOLVED)


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
def test_the_ladder_to_whole_units_breaks_no_rule_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.strategies.monolithic.DIRECT_CELLS", 0)
    checked(100, worlds(), check_world, SOLVED)


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
def test_a_solver_that_gets_large_models_without_what_is_fixed_breaks_none_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DIRECT_CELLS", "LARGE"):
        monkeypatch.setattr(f"optimizer.strategies.monolithic.{name}", 0)
    checked(40, worlds(), check_world, SOLVED)


@pytest.mark.slow
def test_continuous_money_keeps_the_rules_too() -> None:
    checked(120, worlds(), lambda parts: check_world(parts, units="continuous"), SOLVED)


@pytest.mark.slow
def test_a_few_worlds_are_checked_each_time() -> None:
    checked(30, worlds(counties=4, tasks=3), check_world, SOLVED)


def check_world(parts: dict[str, Any], units: Units = "whole") -> str:
    """Solve a random world; its audit, its money and its bound must agree. What became of it."""
    scenario = _loaded(parts)
    if scenario is None:
        return "refused"
    try:
        solution = solve(scenario, QUICKLY, units=units)
    except InfeasibleError:
        event("in conflict")
        return "in conflict"
    event("solved")
    whole = units != "continuous"
    again = audit(scenario, solution.allocation, whole=whole)
    assert again.broken == ()
    assert solution.allocation.is_whole or not whole
    assert again.spent == solution.allocation.spent <= scenario.budget
    worth = solution.objective - again.penalty
    assert solution.bound is not None
    assert float(worth) <= solution.bound + 1e-6 * max(1, abs(solution.bound))
    return "solved" if again.spent else "nothing to spend"


@pytest.mark.slow
def test_brute_force_finds_nothing_better_on_tiny_programmes() -> None:
    checked(200, worlds(counties=2, tasks=2, budget=5, rules=3), check_by_brute_force, SOLVED)


def check_by_brute_force(parts: dict[str, Any]) -> str:
    """Solve a tiny world and try every table. What became of it."""
    scenario = _loaded(parts)
    if scenario is None:
        return "refused"
    best = _brute_force(scenario)
    options = replace(QUICKLY, units="exact")
    if best is None:
        event("in conflict")
        with pytest.raises(InfeasibleError):
            solve(scenario, options)
        return "in conflict"
    event("solved")
    exact = solve(scenario, options)
    assert _close(exact.objective - exact.audit.penalty, best)
    whole = solve(scenario, QUICKLY)
    assert whole.objective - whole.audit.penalty <= best + Fraction(1, 10**6)
    assert whole.bound is not None and float(best) <= whole.bound + 1e-6
    return "solved" if exact.audit.spent else "nothing to spend"


def _close(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= Fraction(1, 10**6) * max(Fraction(1), abs(other))


def _brute_force(scenario: Scenario) -> Fraction | None:
    """The most that any whole-unit allocation that keeps the rules is worth."""
    counties, tasks = scenario.programme.shape
    values = metric_values(scenario, {})
    best: Fraction | None = None
    for money in itertools.product(range(scenario.budget + 1), repeat=counties * tasks):
        if sum(money) > scenario.budget:
            continue
        rows = [money[c * tasks : (c + 1) * tasks] for c in range(counties)]
        audited = audit(scenario, allocation_of_rows(rows))
        if not audited.broken:
            worth = objective_of(audited, values) - audited.penalty
            best = worth if best is None else max(best, worth)
    return best


def test_no_answer_is_an_error_of_its_own() -> None:
    assert NoAnswerError.exit_code == 4
    assert InfeasibleError.exit_code == 3
