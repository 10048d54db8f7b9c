"""What stability costs: the best index for so much money moved between counties.

Moved is the larger of what is added and what is taken, by county totals, against the baseline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
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
from optimizer.solvers import apart_answer, begun, pick_engine
from optimizer.solvers.base import Answer, Clock, Effort, Engine
from optimizer.solvers.decomposition.bound import Start
from optimizer.strategies import ProblemModels, SearchTask, Units
from optimizer.strategies.within_gap import soonest

POINTS = 6
"""So many are solved between the least movement and that of the solution."""
GAP = 1e-3
"""Relative gap at which the search for a point stops, where its budget of branches does not."""
_PRICE_SHARE = 0.03
"""Of that gap, what prices may leave: each point begins with those of the one that moves more."""
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

    plain: ProblemModels
    """Those in which they move as they like."""
    target: Floats
    most: Fraction

    def _made(self, whole: bool, tighten: Tightening | None = None) -> Model:
        plain = self.plain.model(whole, tighten or {})
        return with_county_kept(plain, self.target, float(self.most))


@dataclass(frozen=True)
class _CurveSearch:
    best: Solution
    plain: ProblemModels
    """Of the problem, in which counties move as they like."""
    target: Floats
    """[county in code order] money of the baseline."""
    effort: tuple[float, float | None]

    @classmethod
    def of(cls, best: Solution, effort: tuple[float, float | None]) -> _CurveSearch:
        given = Problem.of(best.scenario)
        table = given.by_code(best.baseline.allocation)
        target = np.array(table.amounts, dtype=float).sum(axis=1)
        return cls(best, ProblemModels(replace(given, table=table)), target, effort)

    @property
    def problem(self) -> Problem:
        return self.plain.problem

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
        found = [*self.points(sorted(steps, reverse=True), names)][::-1] + [self._own(most)]
        return StabilityCurve(least, tuple(_rising(found)), repaired) if found[1:] else None

    def least(self) -> float:
        """The least movement, with cells funded in part: no allocation moves less."""
        model = with_county_kept(self.plain.model(self.best.is_whole, {}), self.target)
        counties = len(self.target)
        cost = np.zeros(len(model.cost))
        cost[-counties:] = 1.0
        engine, _ = pick_engine("highs", "monolithic")
        answer = engine(relaxed(replace(model, cost=cost)), Effort(guide=model.cost))
        if answer.objective is None:
            return 0.0
        total = float(self.target.sum())
        return max(0.0, total - answer.objective - TOLERANCE * max(1.0, total))

    def points(
        self, steps: list[Fraction], names: Mapping[Fraction, Named]
    ) -> Iterator[StabilityPoint]:
        start: Start | None = None
        for most in steps:
            models = _NearModels(self.problem, self.plain, self.target, most)
            model = models.model(self.best.is_whole, {})
            start = begun(model, start, self.effort[0] * _PRICE_SHARE) or start
            try:
                found = self.point(models, start, names.get(most, ""))
            except (InfeasibleError, NoAnswerError):
                continue
            if found.moved <= most:  # Where each table is read, those that move more are read too.
                yield found

    def point(self, models: _NearModels, start: Start | None, name: Named) -> StabilityPoint:
        gap, seconds = self.effort
        engine = _by_county_alone(start)
        units: Units = "whole" if self.best.is_whole else "continuous"
        task = SearchTask(models, solve_aims(self.problem), units, gap, engine, Clock(seconds))
        found, most = searched(task, soonest), models.most
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


def _by_county_alone(start: Start | None) -> Engine:
    """A solver that finds little movement county by county or not at all: next to the least,
    hardly any choice keeps its limit, and one that shows so in one piece takes a minute."""
    engine, _ = pick_engine("highs", "decomposed", start)
    plain, _ = pick_engine("highs", "monolithic")

    def solve(model: Model, effort: Effort) -> Answer:
        if start is None or not effort.soon or model.is_lp:
            return engine(model, effort)
        answer = apart_answer(model, replace(effort, rough=True), plain, start)
        return answer or Answer("none", None, None, None, 0.0)

    return solve


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
