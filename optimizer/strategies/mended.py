"""A table mended: the allocation that keeps every rule with the least Σ |money − table|; of these
one that touches the fewest counties; of these the one of the published weights.

Both first aims are whole numbers and stand in one objective, distance + touched × a tenth of a unit
over all counties, so that a bound of it is one of the distance.
The funded cells and the counties touched are chosen county by county; whole units are settled for
one such choice after the other, and one that cannot come a step nearer is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil, inf

import numpy as np

from models.errors import NoAnswer, NoAnswerError
from models.solution import SearchNote
from optimizer.aims import WHOLE_BITS, CellWeights, FewestTouched, MendAims, Nearness
from optimizer.formulation.edits import (
    with_bounds,
    with_least_moved,
    with_row,
    with_touched,
    with_whole_money,
)
from optimizer.formulation.model import Floats, Ints, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.quality import TOLERANCE
from optimizer.solvers import apart_answer, read_choices
from optimizer.solvers.base import Answer, Clock, Effort, Limit
from optimizer.strategies import Infeasible, ProblemModels, Proof, SearchResult, SearchTask
from optimizer.strategies.integer_rounding import answered, to_whole_units

_PRICINGS, _BRANCHES, _FIRST_BRANCHES = 300, 300, 100
"""How often all counties may be priced; branches of one choice in whole units, and of the first
choice among the counties' plans."""
_CHOICES = 40
"""Choices that are settled in whole units to close a gap."""
_IN_ONE = 4_000_000
"""Cells × branches of a model that does not come apart."""
_GAP, _NEAR = 1e-4, 0.01
_TILT = 1e-6
"""What a money unit moved counts beside a county touched where these alone are due: without it the
search is among equals."""
_HAIR, _EXACT = 1e-6, 1e-9


def mended(
    task: SearchTask, tighten: Tightening, before: SearchResult | None = None
) -> SearchResult:
    """One attempt; the objective is −distance − `a_county` × touched, and the bound is of that.
    Raises `Infeasible` and `NoAnswerError`."""
    search = _Mending(task, _base(task, tighten), aims_of(task))
    first, apart = search.first()
    bound = first.bound if first.bound is not None else inf
    if apart:
        assert first.values is not None
        search.settled(first.values)
        bound = search.closed(bound)
    elif first.values is not None:
        search.take(first)
    if search.best is None and first.values is not None:
        search.take(to_whole_units(search.model, first.values, task.stage, aim=0.0)[0])
    if search.best is None:
        raise NoAnswerError(NoAnswer.NOT_WHOLE)
    values = search.by_weight(search.undoing(search.best))
    money = tuple(int(amount) for amount in np.round(values[search.model.grid.amount]))
    worth = search.worth - search.due
    proof = before.proof if before else Proof(search.widened(bound, apart), None, False, 1.0, apart)
    return SearchResult((money,), proof, worth, (SearchNote.BEST_FOUND,), values)


def _base(task: SearchTask, tighten: Tightening) -> Model:
    """The model of the rules; of money in steps, over tiers that end about the table's money."""
    if not len(task.model({}).grid.steps):
        return task.model(tighten)
    problem, table = task.formulation.problem, aims_of(task)[0].table
    about = np.floor(table).astype(np.int64).reshape(problem.scenario.steps.shape)
    stepped = replace(problem, scenario=problem.scenario.with_tier_ends(about))
    return replace(task, formulation=ProblemModels(stepped)).model(tighten)


def a_county(counties: int) -> float:
    """What a county touched counts beside a money unit moved: all of them less than one unit."""
    return 0.1 / counties


def _in_one(model: Model) -> int:
    return max(100, _IN_ONE // len(model.grid.amount) ** 2)


def aims_of(task: SearchTask) -> MendAims:
    """The aims of a mend. Raises `TypeError` for another list."""
    match task.aims:
        case (
            Nearness() as near,
            FewestTouched() as few,
            Nearness() as edited,
            CellWeights() as last,
        ):
            return near, few, edited, last
    raise TypeError("nearness to a table, fewest counties, nearness, weights of cells are due")


@dataclass(frozen=True)
class FewestFound:
    """How few counties have to be touched so that every rule can be kept in continuous money."""

    found: int | None
    """None where no number was found."""
    at_least: int


def fewest_touched(task: SearchTask) -> FewestFound:
    """The least number of counties, without any limit on it. Raises `Infeasible`."""
    near, few, edited, last = aims_of(task)
    search = _Mending(task, _base(task, {}), (near, replace(few, most=inf), edited, last))
    cost = search.model.cost * _TILT
    cost[search.flags] = -1.0
    model = replace(search.model, cost=cost)
    effort = search.effort(0.0, step=0.8, nodes=_FIRST_BRANCHES, pricings=0)
    answer = apart_answer(model, effort, task.engine)
    if answer is None or answer.values is None:
        answer = task.engine(model, replace(effort, gap=_GAP, nodes=_in_one(search.base)))
    if answer.outcome == "infeasible":
        raise Infeasible
    least = 0 if answer.bound is None else -answer.bound
    room = _TILT * 2 * (search.due + search.most_money)
    touched = None if answer.values is None else round(float(answer.values[search.flags].sum()))
    return FewestFound(touched, max(0, ceil(least - room - _HAIR)))


class _Few(Clock):
    """Over, too, once so many choices were settled: the same ones on every machine."""

    def __init__(self, search: _Mending) -> None:
        super().__init__(search.task.clock.left())
        self._search, self._before = search, search.read

    def is_over(self) -> bool:
        return super().is_over() or self._search.read - self._before >= _CHOICES


@dataclass
class _Mending:
    """The model of a mend, and the best that was settled in whole units so far."""

    task: SearchTask
    base: Model
    aims: MendAims
    best: Floats | None = field(default=None, init=False)
    """[column]"""
    step: float = field(default=_NEAR, init=False)
    """By how much the next one has to be better."""
    read: int = field(default=0, init=False)
    """How many choices were settled."""
    open: float = field(default=-inf, init=False)
    """What the choices that could not be settled may still come to."""

    @cached_property
    def model(self) -> Model:
        """With what stays of each cell and a flag for each county touched."""
        near, few, *_ = self.aims
        bare = replace(self.base, cost=np.zeros_like(self.base.cost))
        model = with_touched(bare, few.table, few.most)
        if len(self.base.grid.steps):
            model = self._near_in_steps(model)
        else:
            model = with_least_moved(model, near.table, added=-near.spend)
        cost = model.cost.copy()
        cost[self.flags] = -a_county(len(self.flags))
        return replace(model, cost=cost)

    def _near_in_steps(self, model: Model) -> Model:
        """What stays of each cell, pushed: as much as at the multiples of its step, and straight
        between the two next to the table's money, so that a part of a step gains nothing."""
        grid, near = model.grid, self.aims[0]
        step = grid.step[grid.tier_cell]
        due = near.table[grid.tier_cell]
        below = np.floor(due / step) * step
        share = np.clip((due - self._tier_starts) / step, 0.0, 1.0)
        share[self._tier_starts < below] = 1.0
        cost = model.cost.copy()
        cost[grid.tier] = (1 - near.spend) * share
        cost[grid.amount] = near.spend
        return replace(model, cost=cost)

    @property
    def _tier_starts(self) -> Floats:
        """[tier] the money of its cell from which on it is filled."""
        grid = self.base.grid
        widths = np.zeros((len(grid.amount), int(grid.tier_number.max(initial=0)) + 1))
        widths[grid.tier_cell, grid.tier_number] = self.base.upper[grid.tier]
        return (widths.cumsum(axis=1) - widths)[grid.tier_cell, grid.tier_number]

    @property
    def flags(self) -> Ints:
        """[county] the column that says whether it is touched."""
        start = len(self.base.cost)
        return np.arange(start, start + self.base.grid.shape[0])

    @cached_property
    def due(self) -> float:
        """All the money of the table: the objective is this less the distance."""
        return float(self.aims[0].table.sum())

    @property
    def most_money(self) -> float:
        """The most that all cells together may hold, at the most twice the table."""
        return min(float(self.base.upper[self.base.grid.amount].sum()), 2 * self.due)

    @property
    def steps(self) -> tuple[float, ...]:
        """By how much a nearer table is better in the objective at the least, then one that is as
        near and touches fewer counties; none where the table has parts of money units."""
        counties, table = len(self.flags), self.aims[0].table
        if (table != np.round(table)).any():
            return ()
        # Of money in even steps every distance is odd, or every one is even, as the table's sum is.
        grid = self.base.grid
        least = 2.0 if len(grid.steps) and (grid.step % 2 == 0).all() else 1.0
        return least - counties * a_county(counties), a_county(counties)

    def effort(self, gap: float, **more: float) -> Effort:
        clock = self.task.clock
        known = Effort(gap, clock.left(), watch=clock.watch, stage="repaired baseline")
        return replace(known, **more)  # type: ignore[arg-type]

    def first(self) -> tuple[Answer, bool]:
        """A good solution, its funded cells and counties touched chosen in continuous money, and
        whether the model came apart; else one of the whole model in whole units."""
        effort = self.effort(_GAP, nodes=_FIRST_BRANCHES, pricings=0)
        apart = apart_answer(self.model, effort, self.task.engine)
        if apart is not None and apart.values is not None:
            return apart, True
        effort = self.effort(0.0, nodes=_in_one(self.base))
        answer = self.task.engine(with_whole_money(self.model), effort)
        if answer.outcome == "infeasible":
            raise Infeasible
        if answer.values is None:
            raise NoAnswerError(NoAnswer.STOPPED)
        return answer, False

    def closed(self, bound: float) -> float:
        """A bound, after every choice was settled that may be a step better, as far as a budget of
        pricings goes: first those that may be nearer, then those that may touch fewer counties."""
        for step in self.steps:
            self.step = step
            if bound < self.target():
                continue
            few = _Few(self)
            reached = read_choices(self.model, self.target(), self.settled, Limit(_PRICINGS, few))
            if reached is None:
                break
            bound = min(bound, max(reached.bound, self.worth, self.open))
            if not reached.closed:
                break
        return bound

    @property
    def worth(self) -> float:
        """The objective of the best."""
        return -inf if self.best is None else float(self.model.cost @ self.best)

    def target(self) -> float:
        """What a choice has to reach to be a step better than the best."""
        return self.worth + self.step * (1 - _HAIR)

    def settled(self, values: Floats) -> float:
        """Settle the funded cells and the counties touched of `values` in whole units: the target
        from then on."""
        model = self.among(self.model, values)
        self.read += 1
        if self.best is not None:
            model = with_row(model, model.cost, self.target())
        answer = answered(self.task.engine, model, self.effort(0.0, nodes=_BRANCHES, plain=True))
        self.take(answer)
        if answer.outcome != "infeasible":
            if answer.outcome != "optimal" and answer.bound is not None:
                self.open = max(self.open, answer.bound)
            elif answer.values is None:
                self.open = inf
        return self.target()

    def among(self, model: Model, values: Floats) -> Model:
        """A model with these columns in whole units, its funded cells and counties touched those of
        `values`."""
        chosen = np.flatnonzero(self.model.integer)
        ends = self.model.lower[chosen], self.model.upper[chosen]
        fixed = np.clip(np.round(values[chosen]), *ends)
        return with_whole_money(with_bounds(model, chosen, fixed, fixed))

    def take(self, answer: Answer | None) -> None:
        """Keep what was found where it is the best so far."""
        if answer is None or answer.values is None:
            return
        if float(self.model.cost @ answer.values) > self.worth:
            self.best = answer.values

    def widened(self, bound: float, apart: bool) -> float:
        """A bound of the objective as `mended` tells it, with what it may err by."""
        slip = (_EXACT if apart else TOLERANCE) * max(1.0, self.due)
        return bound - self.due + slip

    def undoing(self, best: Floats) -> Floats:
        """Among what is as near and touches as few, in the counties that it or the table's editor
        changed: the nearest to what the table was edited from; the best itself where that is not
        known."""
        model, (near, _, edited, _) = self.model, self.aims
        if (edited.table == near.table).all():
            return best
        moved = (np.round(best[model.grid.amount]) != near.table) | (edited.table != near.table)
        in_play = np.append(moved.reshape(model.grid.shape).any(axis=1), True)
        whole = with_whole_money(self.as_near(best)).integer
        settled = np.flatnonzero(whole & ~in_play[model.column_county])
        fixed = np.round(best[settled])
        due = with_bounds(with_least_moved(self.as_near(best), edited.table), settled, fixed, fixed)
        effort = self.effort(0.0, nodes=_BRANCHES, plain=True)
        answer = answered(self.task.engine, with_whole_money(due), effort)
        return best if answer.values is None else answer.values[: len(best)]

    def as_near(self, best: Floats) -> Model:
        """The model of what is as near as the best, and touches no more counties."""
        room = self.steps[-1] / 2 if self.steps else _HAIR
        return with_row(self.model, self.model.cost, float(self.model.cost @ best) - room)

    def by_weight(self, best: Floats) -> Floats:
        """Among the same funded cells and counties touched, as near as the best to the table and to
        what that was edited from: least Σ weight × money; the best itself where that is not
        found."""
        money, edited = self.model.grid.amount, self.aims[2].table
        held = with_least_moved(self.as_near(best), edited)
        stays = 2 * np.minimum(best[money], edited).sum() - best[money].sum()
        held = with_row(held, held.cost, float(stays) - _HAIR)
        cost = np.zeros(len(held.cost))
        cost[money] = -self.aims[3].weights(WHOLE_BITS)
        narrow = self.among(replace(held, cost=cost), best)
        answer = answered(self.task.engine, narrow, self.effort(0.0, nodes=_BRANCHES, plain=True))
        return best if answer.values is None else answer.values[: len(best)]
