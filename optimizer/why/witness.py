"""An allocation that goes as far as one can be found to go, near the best: whole units, audited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from models.allocation import Allocation
from models.finding import Audit
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.engines import pick_engine
from optimizer.formulation.build import formulate
from optimizer.formulation.edit import with_bounds, with_objective_at_least, with_whole_money
from optimizer.formulation.matrix import Floats, Ints, Model
from optimizer.formulation.rows import Tightening
from optimizer.reading import ATTEMPTS, as_allocation, objective_of, stricter
from optimizer.search import DIRECT_CELLS
from optimizer.solvers.effort import Clock, Effort
from optimizer.solvers.whole_units import to_whole_units
from optimizer.why.ranges import Ranges
from optimizer.why.worth import worth_of

SECONDS = 10.0
"""How long the search for one end may take unless told otherwise."""
_GAP = 1e-3
_KEPT_BACK = 1e-5
"""Share of the objective that whole units may cost on the way."""

End = Literal["least", "most"]


@dataclass(frozen=True)
class Witness:
    """One end of the range of a county: an allocation, and how far any could go."""

    county: str
    end: End
    money: Fraction
    proven: float
    """No allocation near the best goes further than this."""
    allocation: Allocation
    audit: Audit
    objective: Fraction


def witness(
    ranges: Ranges, county: int, end: End, *, time_limit: float = SECONDS
) -> Witness | None:
    """The least or most money of a county (its position) that an allocation near the best gives.

    None where none was found in time. Every rule is kept in exact arithmetic, and the objective,
    less penalties, is at least the ranges' floor.
    """
    search = _Search(ranges, county, 1 if end == "most" else -1)
    tighten: Tightening = {}
    for _ in range(ATTEMPTS):
        found = search.attempt(tighten, time_limit)
        if found is None:
            return None
        allocation, proven = found
        audited = audit(ranges.scenario, allocation)
        objective = objective_of(audited, search.points)
        if not audited.broken and float(objective - audited.penalty) >= ranges.floor:
            name = ranges.scenario.programme.counties.ids[county]
            money = sum((Fraction(amount) for amount in allocation.amounts[county]), Fraction(0))
            return Witness(name, end, money, proven, allocation, audited, objective)
        tighten = stricter(tighten, audited)
        search.floor += _KEPT_BACK * abs(ranges.best)
    return None


class _Search:
    def __init__(self, ranges: Ranges, county: int, sign: int) -> None:
        self._scenario: Scenario = ranges.scenario
        self._engine, _ = pick_engine("highs")
        self.points = worth_of(ranges.scenario).points
        tasks = ranges.scenario.programme.shape[1]
        self._cells: Ints = np.arange(county * tasks, (county + 1) * tasks, dtype=np.int64)
        self._sign = sign
        self._funded = ranges.funded
        row = ranges.rows[county]
        self._outer = row.high if sign > 0 else row.low
        self.floor = ranges.floor

    def attempt(self, tighten: Tightening, seconds: float) -> tuple[Allocation, float] | None:
        """(the allocation in whole units, the proven end)."""
        model = self._model(tighten)
        direct = len(model.grid.amount) <= DIRECT_CELLS
        if direct:
            model = with_whole_money(model)
        clock = Clock()
        start = None if direct else self._start(model)
        answer = self._engine(model, Effort(gap=_GAP, time_limit=seconds, start=start))
        if answer.values is None:
            return None
        values, bound = answer.values, answer.bound
        if not direct:
            assert answer.objective is not None
            stage = (self._engine, clock)
            rounded, _ = to_whole_units(model, values, stage, aim=answer.objective, enough=_GAP)
            if rounded is None or rounded.values is None:
                return None
            values = rounded.values
        money = [int(amount) for amount in np.round(values[model.grid.amount])]
        return as_allocation(self._scenario, money), self._proven(bound)

    def _start(self, model: Model) -> Floats | None:
        """As far as it goes with the cells funded as in the best allocation: that is soon found."""
        if model.grid.funded is None:
            return None
        fixed = np.array(self._funded, dtype=float)
        held = with_bounds(model, model.grid.funded, fixed, fixed)
        return self._engine(held, Effort(gap=_GAP, time_limit=SECONDS)).values

    def _model(self, tighten: Tightening) -> Model:
        model = with_objective_at_least(
            formulate(self._scenario, self.points, tighten=tighten), self.floor
        )
        cost = np.zeros(len(model.cost))
        cost[model.grid.amount[self._cells]] = float(self._sign)
        return replace(model, cost=cost)

    def _proven(self, bound: float | None) -> float:
        """The nearer of the solver's bound and the relaxation's."""
        if bound is None:
            return self._outer
        end = self._sign * bound
        return min(end, self._outer) if self._sign > 0 else max(end, self._outer)
