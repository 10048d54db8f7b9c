"""Some points of the front of two wishes in a large programme: the most of a metric where so much
of the other wish is asked for, each within a gap that is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

from models.aim import Objective
from models.allocation import Allocation
from models.errors import InfeasibleError, NoAnswerError
from models.exact import exact_text
from models.finding import Audit
from models.scenario import Scenario
from models.solution import Comparison
from optimizer.aims import solve_aims
from optimizer.problem import Problem
from optimizer.solve import Options, searched
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock
from optimizer.strategies import ProblemModels, SearchTask
from optimizer.strategies.within_gap import within_gap

GAP = 1e-3
"""Relative gap of the metric at which the search for a point stops."""
MONEY = "amount"
_FLOOR = "floor-of-the-front"
_SAID = {"zh": "前沿取点", "en": _FLOOR}


class Wished(Protocol):
    """A metric or `amount`, and whether more of it is wanted."""

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
    found: Comparison
    """The same in code order."""
    gap: float | None = None
    """What the metric may still gain where as much is asked of the other, as a share of it."""

    def worth(self, wish: Wished) -> Fraction:
        """What a wish comes to, in its own unit."""
        audit = self.audit
        return audit.spent if wish.measure == MONEY else audit.outcomes[wish.measure]


def points_by_floor(
    scenario: Scenario, metric: Wished, asked: Wished, count: int, clock: Clock
) -> Iterator[FloorPoint]:
    """The ends, and points between them with about evenly more `asked`, as many as are found in
    time: the most of `metric` in each. Raises `InfeasibleError` and `NoAnswerError` where there is
    no first one."""
    start = _most(scenario, metric, clock)
    yield start
    end = _most(scenario, asked, clock, start.found)
    low, high = start.worth(asked), end.worth(asked)
    for number in range(1, count):
        if clock.is_over() or low == high:
            return
        floored = _with_floor(scenario, asked, low + (high - low) * number / (count - 1))
        try:
            yield _most(floored, metric, clock)
        except (InfeasibleError, NoAnswerError):
            # Right at the end there may be little beside the end itself.
            yield replace(end, gap=None)


def _with_floor(scenario: Scenario, wish: Wished, worth: Fraction) -> Scenario:
    """The scenario with a rule more: as much of a wish at the least."""
    rule = {"title": _SAID, "basis": "assumption", "reason": _SAID, "measure": wish.measure}
    bound = {"at_least" if wish.more else "at_most": exact_text(worth)}
    return scenario.replace(rules={_FLOOR: {**rule, **bound}})


def _most(
    scenario: Scenario, wish: Wished, clock: Clock, known: Comparison | None = None
) -> FloorPoint:
    """`known`: an allocation that keeps the rules, in code order."""
    if wish.measure == MONEY:
        posed: object = [{"maximise" if wish.more else "minimise": MONEY}]
    else:
        posed = {"weights": {wish.measure: 1 if wish.more else -1}, "normalise": "none"}
    problem = Problem.of(scenario.with_settled(objective=Objective.model_validate(posed)))
    engine, _ = pick_engine(Options.solver, "decomposed")
    models = ProblemModels(problem)
    task = SearchTask(models, solve_aims(problem), "whole", GAP, engine, Clock(clock.left()))
    found = searched(task, within_gap, known)
    told = Comparison(found.allocation, found.audit, found.objective)
    return FloorPoint(problem.as_given(found.allocation), found.audit, told, found.quality.gap)
