"""What stability costs: the best index for so much money moved between counties.

Moved is the larger of what is added and what is taken, by county totals, against the baseline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from models.allocation import Allocation
from models.errors import InfeasibleError, NoAnswerError, with_keywords
from models.finding import Audit
from models.objective import need_points, objective_of
from models.solution import Solution
from models.stability_points import Named, StabilityCurve, StabilityPoint
from optimizer.aims import solve_aims
from optimizer.formulation.edits import relaxed, with_county_kept
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.problem import Problem
from optimizer.quality import TOLERANCE
from optimizer.solve import searched
from optimizer.solvers import begun, pick_engine
from optimizer.solvers.base import Clock, Effort
from optimizer.solvers.decomposition.bound import Start
from optimizer.strategies import ProblemModels, SearchTask, Units
from optimizer.strategies.within_gap import soonest

POINTS = 6
"""So many are solved between the least movement and that of the solution."""
GAP = 2e-3
"""Relative gap at which the search for a point stops, where its budget of branches does not."""
_MOST_COUNTIES = 300
"""Each has a row that couples: of more the model does not come apart."""
_SLIP = 1e-6


@with_keywords()
def stability_curve(
    best: Solution, *, points: int = POINTS, gap: float = GAP, seconds: float | None = None
) -> StabilityCurve | None:
    """The best index for each of `points` amounts of money moved between counties, from the least
    that the rules allow to what a solution moves; the movement of its repaired baseline among them.

    `gap`: at which the search for a point stops, `seconds`: its limit, where the points may depend
    on the clock; a point that was not found is left out. None of a programme with more than 300
    counties, and where the solution moves the least. Raises `InputError` where nothing is worth
    points.
    """
    need_points(best.scenario)
    if len(best.scenario.programme.counties) > _MOST_COUNTIES:
        return None
    return _CurveSearch.of(best, (gap, seconds)).curve(points)


@dataclass(frozen=True, eq=False)
class _NearModels(ProblemModels):
    """The models of a problem in which counties move at most so much."""

    target: Floats = field(default_factory=lambda: np.zeros(0))
    most: float = np.inf

    def _made(self, whole: bool, tighten: Tightening | None = None) -> Model:
        return with_county_kept(super()._made(whole, tighten), self.target, self.most)


@dataclass(frozen=True)
class _CurveSearch:
    best: Solution
    problem: Problem
    target: Floats
    """[county in code order] money of the baseline."""
    start: Start | None
    effort: tuple[float, float | None]

    @classmethod
    def of(cls, best: Solution, effort: tuple[float, float | None]) -> _CurveSearch:
        given = Problem.of(best.scenario)
        table = given.by_code(best.baseline.allocation)
        problem = replace(given, table=table)
        target = np.array(table.amounts, dtype=float).sum(axis=1)
        # Prices of a model in which some of the movement is barred are near those of all others.
        moved = float(best.allocation.moved_between_counties(best.baseline.allocation))
        models = _NearModels(problem, target, moved / 2 + 1)
        start = begun(models.model(best.is_whole, {}))
        return cls(best, problem, target, start, effort)

    @property
    def before(self) -> Allocation:
        """The baseline, in the file's order."""
        return self.best.baseline.allocation

    def curve(self, count: int) -> StabilityCurve | None:
        best = self.best
        most, least = best.allocation.moved_between_counties(self.before), self.least()
        first = Fraction(ceil(least - _SLIP))
        if first >= most:
            return None
        steps = {first + Fraction(floor((most - first) * n / count)) for n in range(count)}
        names: dict[Fraction, Named] = {first: "least"}
        repaired = None if best.repaired is None else best.repaired.beside(self.before)
        if repaired is not None and first < repaired[0] < most:
            steps.add(repaired[0])
            names[repaired[0]] = "repaired"
        found = [*self.points(sorted(steps), names), self._own(most)]
        return StabilityCurve(least, tuple(_rising(found)), repaired) if found[1:] else None

    def least(self) -> float:
        """The least movement, with cells funded in part: no allocation moves less."""
        model = with_county_kept(
            ProblemModels(self.problem).model(self.best.is_whole, {}), self.target
        )
        counties = len(self.target)
        cost = np.zeros(len(model.cost))
        cost[-counties:] = 1.0
        engine, _ = pick_engine("highs", "monolithic")
        answer = engine(relaxed(replace(model, cost=cost)), Effort())
        if answer.objective is None:
            return 0.0
        total = float(self.target.sum())
        return max(0.0, total - answer.objective - TOLERANCE * max(1.0, total))

    def points(
        self, steps: list[Fraction], names: Mapping[Fraction, Named]
    ) -> Iterator[StabilityPoint]:
        for most in steps:
            try:
                found = self.point(most, names.get(most, ""))
            except (InfeasibleError, NoAnswerError):
                continue
            if found.moved <= most:  # Where each table is read, those that move more are read too.
                yield found

    def point(self, most: Fraction, name: Named) -> StabilityPoint:
        gap, seconds = self.effort
        models = _NearModels(self.problem, self.target, float(most))
        engine, _ = pick_engine("highs", "decomposed", self.start)
        units: Units = "whole" if self.best.is_whole else "continuous"
        task = SearchTask(models, solve_aims(self.problem), units, gap, engine, Clock(seconds))
        found = searched(task, soonest)
        table = self.problem.as_given(found.allocation)
        return self._said(table, found.audit, (most, found.quality.bound_solver), name)

    def _own(self, most: Fraction) -> StabilityPoint:
        best = self.best
        bound = None if best.bound is None else float(best.bound)
        return self._said(best.allocation, best.audit, (most, bound), "solution")

    def _said(
        self, table: Allocation, audited: Audit, known: tuple[Fraction, float | None], name: Named
    ) -> StabilityPoint:
        worth = objective_of(audited, self.problem.reference.points)
        moved = table.moved_between_counties(self.before)
        told = worth - audited.penalty, known[1], dict(audited.outcomes), table, name
        return StabilityPoint(known[0], moved, *told)


def _rising(points: list[StabilityPoint]) -> Iterator[StabilityPoint]:
    """What may move less is an answer for more as well; a bound for more holds for less as well."""
    bounds: list[float | None] = []
    for one in reversed(points):
        known = [bound for bound in (one.bound, *bounds[-1:]) if bound is not None]
        bounds.append(min(known, default=None))
    top: StabilityPoint | None = None
    for one, bound in zip(points, reversed(bounds), strict=True):
        if top is not None and top.worth > one.worth and one.name != "solution":
            one = replace(top, most=one.most, bound=one.bound, name=one.name)
        top = one
        yield replace(one, bound=bound)
