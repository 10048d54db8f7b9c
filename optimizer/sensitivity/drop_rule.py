"""What a rule costs: solved again without it, and eased by a step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from models.errors import did_you_mean, refuse, with_keywords
from models.rule import Rule
from models.scenario import Scenario
from models.solution import Solution
from optimizer.audit.rule_number import number_of
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import without_rows
from optimizer.formulation.model import LimitRows, Model
from optimizer.problem import reference_of
from optimizer.quality import TOLERANCE, shortfall, unit_points, widened
from optimizer.sensitivity.prices import raise_for
from optimizer.solvers import begun, pick_engine
from optimizer.solvers.base import Answer, Effort, Engine
from optimizer.solvers.highs_lp import Extremes

if TYPE_CHECKING:
    import pandas as pd


_NEAR = 1e-6


def can_bind(scenario: Scenario, name: str) -> bool:
    """Whether some allocation that keeps the other rules would touch a limit of this one.

    Asked of the relaxation, whose allocations include all others: a `False` is proved.
    """
    model = formulate(scenario, reference_of(scenario).points, whole=False, apart=[name])
    limit = model.limit(name)
    without = Extremes(without_rows(model, limit.rows))
    if not without.is_feasible:
        return True
    return any(_touched(without, model, limit, at) for at in range(len(limit.keys)))


def _touched(without: Extremes, model: Model, limit: LimitRows, at: int) -> bool:
    row = limit.start + at
    cost = np.asarray(model.matrix[row].todense(), dtype=float).ravel()
    size = max(1.0, float(np.abs(cost).max(initial=0.0)))
    for sign, bound in ((-1.0, model.row_lower[row]), (1.0, model.row_upper[row])):
        if not np.isfinite(bound):
            continue
        reached = without.best(sign * cost)
        if reached is None or reached - sign * bound >= -_NEAR * size:
            return True
    return False


# Cells are funded or not, as in any allocation; money is continuous. Each solve stops at a gap, so
# each price is known up to that: it comes with its ±.


GAP = 1.5e-3
"""Relative gap at which each solve stops unless told otherwise."""
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Gain:
    """By how much the best objective grows, between ends by the solver's word."""

    points: float
    """Between the best allocations found with and without the change."""
    low: float
    high: float
    """The true gain lies between these, as far as the solver's bounds hold to their tolerance."""

    @property
    def plus_minus(self) -> float:
        """The largest distance between `points` and the truth."""
        return max(self.high - self.points, self.points - self.low)

    @property
    def is_told_apart(self) -> bool:
        """Whether there is a gain at all beyond what the solver left open."""
        return self.low > 0


@dataclass(frozen=True)
class RuleCost:
    """What one rule costs."""

    rule: str
    without: Gain | None
    """The gain without the rule; None for the budget, which cannot be left out, and where the
    solver found nothing in its time."""
    number: Fraction | None
    """The written number; None where the rule only looks numbers up."""
    eased: Fraction | None
    """The number after the step; None where there is none, or where leaving the rule out already
    gains nothing that can be told from the gap."""
    step: Gain | None
    """The gain of the step."""


@dataclass(frozen=True)
class Costs:
    """What each rule of a scenario costs, in objective points."""

    scenario: Scenario
    objective: float
    bound_solver: float
    """Of the objective less penalties, by the solver's word, widened by its tolerance."""
    gap: float
    rules: tuple[RuleCost, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """One row a rule: `rule`, `without`, `without_pm`, `number`, `eased`, `step`, `step_pm`;
        objective points, `_pm` their ±, NaN where there is none."""
        import pandas as pd

        return pd.DataFrame([_row(one) for one in self.rules])


@with_keywords()
def costs(
    of: Scenario | Solution,
    *,
    rules: Collection[str] | str | None = None,
    gap: float = GAP,
    time_limit: float | None = None,
    watch: Watch | None = None,
) -> Costs:
    """What each rule of a scenario, or of a solution's, costs in objective points.

    `rules`: only these, or this one, by id (`budget` is one).

    Each is left out in turn, and eased by a step, and solved again, cells funded or not. `gap` is
    relative and `time_limit` in seconds, both for one solve. Raises `InfeasibleError` where no
    allocation keeps the rules, `NoAnswerError` where none was found in time, `InputError` for an
    unknown id, with the nearest.
    """
    scenario = of if isinstance(of, Scenario) else of.scenario
    names = _chosen(scenario, [rules] if isinstance(rules, str) else rules)
    solver = _CostSolver(scenario, Effort(gap=gap, time_limit=time_limit), pick_engine("highs")[0])
    found = []
    for done, name in enumerate(names):
        if watch is not None:
            watch(done, len(names))
        found.append(solver.price(name))
    best = solver.best
    assert best.objective is not None and best.bound is not None
    bound = widened(max(best.bound, best.objective), solver.slip)
    gap_left = shortfall(bound, best.objective, best.objective)
    return Costs(scenario, best.objective, bound, gap_left, tuple(found))


def _chosen(scenario: Scenario, only: Collection[str] | None) -> list[str]:
    known = ["budget", *(rule.id for rule in scenario.rules)]
    if only is None:
        return known
    if not isinstance(only, Collection) or not all(isinstance(name, str) for name in only):
        refuse("rules", "", f"ids of rules are due here, not {only!r}")
    if not only:
        refuse("rules", "", "names no rule; leave it out for all of them")
    for name in only:
        if name not in known:
            near = did_you_mean(name, known)
            refuse(f"rules: {name}", "", f"there is no rule '{name}' in use{near}")
    return [name for name in known if name in only]


class _CostSolver:
    def __init__(self, scenario: Scenario, effort: Effort, engine: Engine) -> None:
        self._scenario, self._effort, self._engine = scenario, effort, engine
        self._values: Mapping[str, Fraction] = reference_of(scenario).points
        self._model = self._anew(scenario)
        self.best = engine(self._model, effort)
        if self.best.values is None:
            raise_for(scenario, self.best.outcome)
        self._begun, _ = pick_engine("highs", start=begun(self._model))
        worth = abs(self.best.objective or 0.0)
        self.slip = TOLERANCE * max(worth, unit_points(scenario, self._values))

    def price(self, name: str) -> RuleCost:
        rule = next((rule for rule in self._scenario.rules if rule.id == name), None)
        if rule is None:
            budget = Fraction(self._scenario.budget)
            more = budget + _step(budget, whole=True)
            eased = self._scenario.with_budget(more)
            return RuleCost(name, None, budget, more, self._gain(self._anew(eased)))
        apart = self._anew(self._scenario, apart=[name])
        without = self._gain(without_rows(apart, apart.limit(name).rows))
        number = number_of(self._scenario, rule)
        if number is None:
            return RuleCost(name, without, None, None, None)
        if without is not None and not without.is_told_apart:
            # A step gains no more than leaving the rule out.
            return RuleCost(name, without, number.number, None, None)
        step = _step(number.number, whole=_counts(rule))
        down = rule.sense == "at_least"
        to = max(Fraction(0), number.number - step) if down else number.number + step
        eased = self._scenario.with_rule(number.changed(to))
        return RuleCost(name, without, number.number, to, self._gain(self._anew(eased)))

    def _anew(self, scenario: Scenario, apart: Collection[str] = ()) -> Model:
        # Not for whole units: there a floor of 39.6 is one of 40, and easing it by a step nothing.
        return formulate(scenario, self._values, whole=False, apart=apart)

    def _gain(self, model: Model) -> Gain | None:
        """From the scenario's own best to the model's."""
        # Starting from the best allocation takes the solver two to six times as long (measured).
        engine = self._engine if len(model.row_lower) != len(self._model.row_lower) else self._begun
        answer: Answer = engine(model, self._effort)
        ends = (answer.objective, answer.bound, self.best.objective, self.best.bound)
        if any(end is None for end in ends):
            return None
        value, bound, own, own_bound = (float(end) for end in ends if end is not None)
        # A rule that gives way never makes the best worse. Values and bounds may both err.
        low, high = max(0.0, value - own_bound - 2 * self.slip), max(0.0, bound - own)
        high += 2 * self.slip
        return Gain(min(max(value - own, low), high), low, high)


def _step(number: Fraction, whole: bool) -> Fraction:
    """A hundredth of the number; a whole one where only those count."""
    if not number:
        return Fraction(1)
    step = number / 100
    return Fraction(max(1, ceil(step))) if whole else step


def _counts(rule: Rule) -> bool:
    plain = any(part.number is not None for part in rule.bound)
    return plain and rule.per_head is None and rule.measure in ("cells", "counties")


def _row(one: RuleCost) -> dict[str, object]:
    def of(gain: Gain | None) -> tuple[float, float]:
        return (float("nan"),) * 2 if gain is None else (gain.points, gain.plus_minus)

    numbers = [None if n is None else float(n) for n in (one.number, one.eased)]
    without, step = of(one.without), of(one.step)
    return {
        "rule": one.rule,
        "without": without[0],
        "without_pm": without[1],
        "number": numbers[0],
        "eased": numbers[1],
        "step": step[0],
        "step_pm": step[1],
    }
