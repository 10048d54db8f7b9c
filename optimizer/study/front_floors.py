"""Some points of the front of two metrics in a large programme: the most of the first where so much
is asked of the second, each within a gap that is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from models.aim import Objective
from models.allocation import Allocation
from models.errors import InfeasibleError, NoAnswerError
from models.exact import exact_text
from models.finding import Audit
from models.scenario import Scenario
from optimizer.aims import solve_aims
from optimizer.problem import Problem
from optimizer.solve import Options, searched
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock
from optimizer.strategies import ProblemModels, SearchTask
from optimizer.strategies.within_gap import within_gap

GAP = 1e-3
"""Relative gap of the first wish at which the search for a point stops."""
_FLOOR = "floor-of-the-front"
_SAID = {"zh": "前沿取点", "en": _FLOOR}


class Wished(Protocol):
    """A metric, and whether more of it is wanted."""

    @property
    def measure(self) -> str: ...
    @property
    def more(self) -> bool: ...


@dataclass(frozen=True)
class FloorPoint:
    """The most that was found of a wish."""

    allocation: Allocation
    """In the file's order."""
    audit: Audit
    gap: float | None
    """What the wish may still gain where as much is asked of the other, as a share of it."""


def points_by_floor(
    scenario: Scenario, wishes: tuple[Wished, Wished], count: int, clock: Clock
) -> Iterator[FloorPoint]:
    """The ends, and points between them whose second wish is about evenly apart, as many as are
    found in time. Raises `InfeasibleError` and `NoAnswerError` where there is no first one."""
    first, second = wishes
    start, end = _most(scenario, first, clock), _most(scenario, second, clock)
    yield start
    low, high = (point.audit.outcomes[second.measure] for point in (start, end))
    for number in range(1, count):
        if clock.is_over() or low == high:
            return
        floored = _with_floor(scenario, second, low + (high - low) * number / (count - 1))
        try:
            yield _most(floored, first, clock)
        except (InfeasibleError, NoAnswerError):
            # Right at the end there may be little beside the end itself.
            yield end


def _with_floor(scenario: Scenario, wish: Wished, worth: Fraction) -> Scenario:
    """The scenario with a rule more: as much of a wish at the least."""
    rule = {"title": _SAID, "basis": "assumption", "reason": _SAID, "measure": wish.measure}
    bound = {"at_least" if wish.more else "at_most": exact_text(worth)}
    return scenario.replace(rules={_FLOOR: {**rule, **bound}})


def _most(scenario: Scenario, wish: Wished, clock: Clock) -> FloorPoint:
    weights = {wish.measure: 1 if wish.more else -1}
    objective = Objective.model_validate({"weights": weights, "normalise": "none"})
    problem = Problem.of(scenario.with_settled(objective=objective))
    engine, _ = pick_engine(Options.solver, "decomposed")
    models = ProblemModels(problem)
    task = SearchTask(models, solve_aims(problem), "whole", GAP, engine, Clock(clock.left()))
    found = searched(task, within_gap)
    return FloorPoint(problem.as_given(found.allocation), found.audit, found.quality.gap)
