"""Why, on random programmes: advice is enough, sums are sound, prices are slopes, ends are ends."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from models.errors import AllotError, InputError
from models.exact import exact_text
from models.scenario import Scenario, load
from optimizer.infeasibility.bound_tests import conflicting_sums
from optimizer.infeasibility.diagnose import Diagnosis, diagnose
from optimizer.infeasibility.trial import ConflictContext
from optimizer.sensitivity.near_optimal import ranges
from optimizer.sensitivity.prices import Prices, prices
from optimizer.solvers.highs import solve_model
from tests.random_worlds import worlds
from tests.worlds import write_world

QUICK: dict[str, Any] = {
    "deadline": None,
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
SMALL = worlds(counties=3, tasks=2, budget=40, rules=4)


@contextmanager
def written(parts: dict[str, Any]) -> Iterator[Path | None]:
    """The scenario's file; None where the random parts do not make a scenario."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_world(Path(folder), **parts)
        try:
            load(path)
        except InputError as error:
            event(f"refused: {error.problems[0].message[:30]}")
            yield None
            return
        yield path


def can_be_kept(scenario: Scenario) -> bool | None:
    context = ConflictContext(scenario, solve_model)
    return context.is_feasible(context.model())


@pytest.mark.slow
@settings(max_examples=80, **QUICK)
@given(SMALL)
def test_advice_on_random_conflicts_is_enough(parts: dict[str, Any]) -> None:
    with written(parts) as path:
        if path is None:
            return
        scenario = load(path)
        said = diagnose(scenario)
        assert said is not None
        event("feasible" if said.is_feasible else "in conflict")
        if said.is_feasible:
            assert conflicting_sums(scenario) == ()
            return
        check_advice(path, said)
        check_no_help(path, scenario, said)


def check_advice(path: Path, said: Diagnosis) -> None:
    for one in said.alone:
        if one.setting is not None:
            assert can_be_kept(_changed(path, [one.setting])), one
    settings_ = [one.setting for one in said.combined]
    if said.combined and None not in settings_:
        assert can_be_kept(_changed(path, [text for text in settings_ if text])), said.combined


def _changed(path: Path, settings_: list[str]) -> Scenario:
    try:
        return load(path, set_=settings_)
    except InputError as error:
        event(f"advice refused: {error.problems[0].message[:40]}")
        raise


def check_no_help(path: Path, scenario: Scenario, said: Diagnosis) -> None:
    """Rules of one part that cannot help are no help when switched off either."""
    rules = {rule.id: rule for rule in scenario.rules}
    for name in said.no_help:
        if name in rules and len(rules[name].bound) == 1 and rules[name].soft is None:
            off = load(path, set_=[f"rules.{name}.enabled=false"])
            assert can_be_kept(off) is False, name


def _prices(scenario: Scenario) -> Prices | None:
    try:
        return prices(scenario)
    except AllotError:
        return None


@pytest.mark.slow
@settings(max_examples=80, **QUICK)
@given(SMALL, st.data())
def test_a_price_is_what_a_small_step_of_the_number_does(
    parts: dict[str, Any], data: st.DataObject
) -> None:
    """The value of a relaxation is concave in a right-hand side: no step does better than told."""
    with written(parts) as path:
        found = None if path is None else _prices(load(path))
        if path is None or found is None:
            return
        scenario = found.scenario
        if scenario.spec.lot is not None or any(rule.soft for rule in scenario.rules):
            return
        steps = [one for one in found.rules if one.field == "number"]
        if not steps:
            return
        one = data.draw(st.sampled_from(steps))
        assert one.number is not None
        for way in (1, -1):
            number = one.number + way * one.step / 8
            if number < 0:
                continue
            after = _prices(load(path, set_=[f"{one.path}={exact_text(number)}"]))
            if after is not None:
                gained = after.objective - found.objective
                assert gained <= way * one.points / 8 + 1e-6 * max(1.0, abs(found.objective))


@pytest.mark.slow
@settings(max_examples=40, **QUICK)
@given(SMALL)
def test_the_best_allocation_lies_within_its_own_ranges(parts: dict[str, Any]) -> None:
    from optimizer.decision import solve

    with written(parts) as path:
        if path is None:
            return
        scenario = load(path)
        try:
            solution = solve(scenario, repaired=False)
        except AllotError:
            return
        found = ranges(solution, within=0.05)
        for row in found.rows:
            assert row.low - 1e-6 <= row.now <= row.high + 1e-6
            if row.inner is not None:
                assert row.low - 1e-4 <= row.inner[0] + 1e-4
                assert row.inner[1] <= row.high + 1e-4
        wider = ranges(solution, within=0.1)
        lows = np.array([[one.low, one.high] for one in found.rows])
        more = np.array([[one.low, one.high] for one in wider.rows])
        assert (more[:, 0] <= lows[:, 0] + 1e-4).all() and (more[:, 1] >= lows[:, 1] - 1e-4).all()
