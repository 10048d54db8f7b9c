"""Solving random programmes: the audit finds nothing broken, brute force nothing better."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from models.allocation import allocation_of_rows
from models.errors import InfeasibleError, InputError, NoAnswerError
from models.objective import metric_values, objective_of
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.solve import Options
from optimizer.strategies import Units
from tests.random_worlds import worlds
from tests.worlds import write_world

QUICK: dict[str, Any] = {
    "deadline": None,
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
QUICKLY = Options(repaired=False, certificate=False)


def _loaded(parts: dict[str, Any]) -> Scenario | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return load(write_world(Path(folder), **parts))
        except InputError as error:
            event(f"refused: {error.problems[0].message[:30]}")
            return None


@pytest.mark.slow
@settings(max_examples=500, **QUICK)
@given(worlds())
def test_the_audit_finds_no_broken_rule_in_what_solve_returns(parts: dict[str, Any]) -> None:
    check_world(parts)


@pytest.mark.slow
@settings(max_examples=200, **QUICK)
@given(worlds())
def test_the_ladder_to_whole_units_breaks_no_rule_either(parts: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optimizer.strategies.monolithic.DIRECT_CELLS", 0)
        check_world(parts)


@pytest.mark.slow
@settings(max_examples=200, **QUICK)
@given(worlds())
def test_continuous_money_keeps_the_rules_too(parts: dict[str, Any]) -> None:
    check_world(parts, units="continuous")


def check_world(parts: dict[str, Any], units: Units = "whole") -> None:
    """Solve a random world; its audit, its money and its bound must agree."""
    scenario = _loaded(parts)
    if scenario is None:
        return
    try:
        solution = solve(scenario, QUICKLY, units=units)
    except InfeasibleError:
        event("infeasible")
        return
    event("solved")
    whole = units != "continuous"
    again = audit(scenario, solution.allocation, whole=whole)
    assert again.broken == ()
    assert solution.allocation.is_whole or not whole
    assert again.spent == solution.allocation.spent <= scenario.budget
    worth = solution.objective - again.penalty
    assert solution.bound is not None
    assert float(worth) <= solution.bound + 1e-6 * max(1, abs(solution.bound))


@pytest.mark.slow
@settings(max_examples=200, **QUICK)
@given(worlds(counties=2, tasks=2, budget=5, rules=3))
def test_brute_force_finds_nothing_better_on_tiny_programmes(parts: dict[str, Any]) -> None:
    scenario = _loaded(parts)
    if scenario is None:
        return
    best = _brute_force(scenario)
    options = replace(QUICKLY, units="exact")
    if best is None:
        event("infeasible")
        with pytest.raises(InfeasibleError):
            solve(scenario, options)
        return
    event("solved")
    exact = solve(scenario, options)
    assert _close(exact.objective - exact.audit.penalty, best)
    whole = solve(scenario, QUICKLY)
    assert whole.objective - whole.audit.penalty <= best + Fraction(1, 10**6)
    assert whole.bound is not None and float(best) <= whole.bound + 1e-6


def _close(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= Fraction(1, 10**6) * max(1, abs(other))


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
