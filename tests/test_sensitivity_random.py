"""Why, on random programmes: advice is enough, sums are sound, prices are slopes, ends are ends."""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event

from models.allocation import allocation_of_rows
from models.errors import AllotError, InfeasibleError, InputError
from models.exact import exact_text
from models.objective import objective_of
from models.scenario import Scenario, load
from models.shadow_price import RulePrice
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.infeasibility.bound_tests import conflicting_sums
from optimizer.infeasibility.diagnose import Diagnosis, diagnose
from optimizer.infeasibility.trial import ConflictContext
from optimizer.problem import reference_of
from optimizer.sensitivity.near_optimal import ranges
from optimizer.sensitivity.prices import Prices, prices
from optimizer.solvers.highs import solve_model
from tests.random_worlds import checked, worlds
from tests.worlds import write_world

SMALL = worlds(counties=3, tasks=2, budget=40, rules=4)
PLAIN = worlds(counties=3, tasks=2, budget=40, rules=4, fewest=2).map(lambda one: without(one))
"""Without lots and without rules that give way, whose prices are no slopes."""
TINY = worlds(counties=2, tasks=2, budget=5, rules=3)


def without(parts: dict[str, Any]) -> dict[str, Any]:
    body = parts["scenario"]
    rules = [{key: rule[key] for key in rule if key != "soft"} for rule in body["rules"]]
    return {**parts, "scenario": {**body, "lot": None, "rules": rules}}


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
def test_advice_on_random_conflicts_is_enough() -> None:
    checked(80, SMALL, advice_is_enough, {"feasible": 0.2, "in conflict": 0.2})


def advice_is_enough(parts: dict[str, Any]) -> str:
    with written(parts) as path:
        if path is None:
            return "refused"
        scenario = load(path)
        said = diagnose(scenario)
        assert said is not None
        if said.is_feasible:
            assert conflicting_sums(scenario) == ()
            return "feasible"
        check_advice(path, said)
        check_no_help(path, scenario, said)
        return "in conflict"


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


def _prices(path: Path, *set_: str) -> Prices | None:
    try:
        return prices(load(path, set_=set_))
    except AllotError:
        return None


@pytest.mark.slow
def test_a_price_is_what_a_small_step_of_the_number_does() -> None:
    checked(200, PLAIN, prices_are_slopes, {"priced": 0.03, "holds": 0.08})


def prices_are_slopes(parts: dict[str, Any]) -> str:
    """To the ends between which the slope is said to hold, the objective moves as it tells; and the
    value of a relaxation is concave in a right-hand side, so a step back is never better."""
    with written(parts) as path:
        found = None if path is None else _prices(path)
        if path is None or found is None:
            return "none"
        steps = [one for one in found.rules if one.field == "number"]
        held = [_is_slope(path, found, one, way) for one in steps for way in (1, -1)]
        return "holds" if any(held) else "priced" if steps else "none"


def _is_slope(path: Path, found: Prices, one: RulePrice, way: int) -> bool:
    """Whether the slope holds to some other number; checked either way."""
    assert one.number is not None
    by, holds = _as_far_as_told(found.scenario, one, way)
    after = _prices(path, f"{one.path}={exact_text(one.number + by)}")
    if after is None:
        return False
    gained, told = after.objective - found.objective, float(by) * one.points
    noise = 1e-4 * max(1.0, abs(found.objective))  # Far ends show the solver's own tolerance.
    # No range is told of a cap that moves the most of cells: the relaxation itself changes then.
    assert way > 0 or one.low == one.high or gained <= told + noise
    if holds:
        (limit,) = (limit for limit in found.limits if limit.rule == one.rule)
        assert gained == pytest.approx(float(by) * limit.price, abs=noise)
    return holds


def _as_far_as_told(scenario: Scenario, one: RulePrice, way: int) -> tuple[Fraction, bool]:
    """How far to move the number, and whether its slope is said to hold so far."""
    assert one.number is not None
    end = one.high if way > 0 else one.low
    rule = next(rule for rule in scenario.rules if rule.id == one.rule)
    constant = all(part.is_constant for part in rule.bound)
    is_counted = rule.measure in ("cells", "counties") and constant
    if end is not None and not math.isinf(end) and end != one.number:
        assert end == round(end) or not is_counted  # Between whole counts nothing changes.
        return Fraction(str(round(end, 7))) - one.number, True
    step = one.step if is_counted else one.step / 8
    return way * step, end is not None and math.isinf(end)


@pytest.mark.slow
def test_every_table_near_the_best_lies_within_the_ranges() -> None:
    checked(60, TINY, ranges_hold_all, {"several": 0.3, "one": 0.02})


def ranges_hold_all(parts: dict[str, Any]) -> str:
    """All whole tables of a tiny world; wider ranges hold narrower ones, and outer ends inner."""
    with written(parts) as path:
        if path is None:
            return "refused"
        scenario = load(path)
        try:
            solution = solve(scenario, repaired=False)
        except InfeasibleError:
            return "in conflict"
    found, wider = (ranges(solution, within=share, cells=True) for share in (0.05, 0.3))
    for one, more in zip(found.rows, wider.rows, strict=True):
        assert more.low - 1e-4 <= one.low and one.high <= more.high + 1e-4
        if one.inner is not None:
            assert one.low - 1e-4 <= one.inner[0] and one.inner[1] <= one.high + 1e-4
    near = list(_near(scenario, wider.floor))
    for at, row in enumerate(wider.rows):
        money = [one[at] for one in near]
        assert row.low - 1e-6 <= min(money) and max(money) <= row.high + 1e-6, row
    return "several" if len(near) > 1 else "one"


def _near(scenario: Scenario, floor: float) -> Iterator[list[int]]:
    """The money of every county, task and cell in each whole table that is worth so much."""
    counties, tasks = scenario.programme.shape
    points = reference_of(scenario).points
    for money in itertools.product(range(scenario.budget + 1), repeat=counties * tasks):
        if sum(money) > scenario.budget:
            continue
        rows = [money[c * tasks : (c + 1) * tasks] for c in range(counties)]
        read = audit(scenario, allocation_of_rows(rows))
        if not read.broken and float(objective_of(read, points) - read.penalty) >= floor:
            yield [*map(sum, rows), *map(sum, zip(*rows, strict=True)), *money]
