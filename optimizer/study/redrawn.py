"""A table of money drawn anew under other rates, as near to the old one as it may be.

Two aims a draw: the objective, of which a share may be given up; then that as little money as can
be stands in other counties than in the table. What may be given up is counted from what no
allocation of the draw exceeds, so that a table that is told to be good enough is.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import sparse

from models.allocation import Allocation
from models.errors import InfeasibleError, InputError, NoAnswerError
from models.finding import Audit
from models.objective import objective_of
from models.scenario import Scenario
from optimizer.aims import solve_aims
from optimizer.audit import audit
from optimizer.formulation.edits import (
    with_county_kept,
    with_objective_at_least,
    with_row,
    with_whole_money,
)
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.infeasibility.conflict_sets import ConflictSearch
from optimizer.infeasibility.trial import ConflictContext
from optimizer.problem import Problem
from optimizer.quality import widened
from optimizer.solve import searched
from optimizer.solvers import begun, pick_engine
from optimizer.solvers.base import Answer, Clock, Effort
from optimizer.strategies import Infeasible, ProblemModels, SearchTask
from optimizer.strategies.monolithic import DIRECT_CELLS, checked
from optimizer.strategies.tightening import as_allocation
from optimizer.strategies.within_gap import within_gap
from optimizer.study.batch import Changes, changed_scenarios
from optimizer.study.runner import Anchored

if TYPE_CHECKING:
    from optimizer.solvers.decomposition.bound import Start

_CLOSE, _CLOSER = 1e-4, 1e-5
"""How near prices come to their best: of the money that stays, and of the objective."""
_BESIDE = 10.0
"""Money units that all of the objective counts beside the money that stays."""
_MARGINS = (3e-4, 7e-4, 12e-4, 17e-4)
"""Shares of the objective by which a mixture of counties' plans may be worth more than a whole
choice of them: each is tried in turn."""
_ROOM = 0.5
"""Of what a search may leave to its bound and still be good enough, so much ends it."""
_NODES = 2000
"""Branches for a small programme's best table, and for its nearest."""
_SLIP = 1e-6

Told = Literal["kept", "rearranged", "moved", "infeasible", "no answer"]
"""kept: the table itself is good enough; rearranged: it is with other money within counties; moved:
money must stand in other counties."""


@dataclass(frozen=True)
class RedrawnTable:
    """What one draw does to the table."""

    told: Told
    before: Fraction | None
    """What the table is worth in the draw, in points less penalties; None where it breaks a rule
    there."""
    worth: Fraction | None = None
    """What the table drawn anew is worth, exact."""
    bound: float | None = None
    """No allocation of the draw is worth more, by the solver's word."""
    moved: Fraction = Fraction(0)
    """Money units in other counties than before."""
    moved_at_least: float = 0.0
    """No table that is good enough moves less, by the solver's word."""
    amounts: tuple[int, ...] = ()
    """[county × task] in the file's order."""
    failing: tuple[str, ...] = ()
    """Rules that cannot be kept together where there is no allocation; empty where counts or lots
    stand against it."""

    @property
    def gap(self) -> float | None:
        """(bound − worth) / |worth|."""
        if self.worth is None or self.bound is None or not self.worth:
            return None
        return (self.bound - float(self.worth)) / abs(float(self.worth))


@dataclass(frozen=True, eq=False)
class _FlooredModels(ProblemModels):
    """The models of a problem in which each county has at least so much, and all no more."""

    least: Floats
    most: float

    def _made(self, whole: bool, tighten: Tightening | None = None) -> Model:
        return _floored(super()._made(whole, tighten), self.least, self.most)


def _floored(model: Model, least: Floats, most: float) -> Model:
    counties, tasks = model.grid.shape
    cells, columns = model.grid.amount, len(model.cost)
    place = np.repeat(np.arange(counties), tasks), cells
    rows = sparse.csr_matrix((np.ones(len(cells)), place), shape=(counties, columns))
    held = replace(
        model,
        matrix=sparse.vstack([model.matrix, rows], format="csr"),
        row_lower=np.append(model.row_lower, least),
        row_upper=np.append(model.row_upper, np.full(counties, np.inf)),
    )
    total = np.zeros(columns)
    total[cells] = 1.0
    return with_row(held, total, -np.inf, most)


def _nearest(model: Model, target: Floats, worth: float) -> Model:
    """The model in which as much as can be stays in counties, and the objective is so much."""
    held = with_county_kept(with_objective_at_least(model, worth), target)
    cost = held.cost * (_BESIDE / (abs(worth) or 1.0))
    cost[-len(target) :] = 1.0
    return replace(held, cost=cost)


class _Starts(NamedTuple):
    """Where the searches of all draws begin: where those of the unchanged scenario ended."""

    key: str
    free: Start | None
    near: Start | None


_held = threading.local()


@dataclass(frozen=True)
class RedrawnTables:
    """Some draws to work out, one after the other."""

    anchored: Anchored
    """The unchanged scenario, whose points count in every draw."""
    table: Allocation
    """In the file's order."""
    changes: Changes
    give: Fraction
    """Share of the objective that nearness may cost."""
    gap: float

    def run(self) -> list[RedrawnTable]:
        """The result of each; none stops the others."""
        found = changed_scenarios(self.anchored, self.changes)
        return [self._result(scenario) for scenario in found]

    def _result(self, scenario: Scenario | InputError) -> RedrawnTable:
        if isinstance(scenario, InputError):
            return RedrawnTable("no answer", None)
        draw = _Draw(self, self.anchored.changed(scenario))
        try:
            return draw.answered()
        except (InfeasibleError, Infeasible):
            return RedrawnTable("infeasible", draw.before, failing=draw.failing())
        except NoAnswerError:
            return RedrawnTable("no answer", draw.before)

    @cached_property
    def target(self) -> Floats:
        """[county in code order] money of the table."""
        table = self.anchored.problem.by_code(self.table)
        money: Floats = np.asarray(table.amounts, dtype=np.float64).sum(axis=1)
        return money

    @property
    def starts(self) -> _Starts:
        """Of the last study of this thread."""
        found: _Starts | None = getattr(_held, "starts", None)
        if found is None or found.key != self.anchored.key:
            model = ProblemModels(self.anchored.problem).model(True, {})
            free = begun(model)
            near = None
            if free is not None:
                worth = (1 - float(self.give)) * free.bound
                near = begun(_nearest(model, self.target, worth), close=_CLOSE)
            found = _held.starts = _Starts(self.anchored.key, free, near)
        return found


class _Table(NamedTuple):
    allocation: Allocation
    """In code order."""
    audit: Audit
    worth: Fraction


class _Draw:
    """One draw: the problem in code order, and the table that is to stay as it is."""

    def __init__(self, task: RedrawnTables, problem: Problem) -> None:
        self._task, self._problem = task, problem
        self._old = task.anchored.problem.by_code(task.table)
        self._models = ProblemModels(problem)
        self.own = self._read(self._old)
        self.before = self.own.worth if self.own else None

    def answered(self) -> RedrawnTable:
        """The table drawn anew. Raises `InfeasibleError`, `NoAnswerError`."""
        model, best, free = self._models.model(True, {}), None, None
        if len(self._problem.codes) <= DIRECT_CELLS:
            best, bound = self._small(model)
        else:
            starts = self._task.starts
            free = begun(model, starts.free, _CLOSER) if starts.free is not None else None
            if free is None:
                best, bound = self._search(self._models, None, self._task.gap)
            else:
                bound = widened(free.bound, _SLIP * abs(free.bound))
        least = Fraction(bound) - self._task.give * abs(Fraction(bound))
        if self.own is not None and self.own.worth >= least:
            return self._told("kept", self.own, bound)
        near, moved = self._near(model, (least, bound), free)
        if near is None:
            near = best or self._search(self._models, free, self._task.gap)[0]
        stays = near.allocation.moved_between_counties(self._old)
        return self._told("moved" if stays else "rearranged", near, bound, min(moved, float(stays)))

    def failing(self) -> tuple[str, ...]:
        """The rules of one conflict, those on outcomes where there are any."""
        scenario, engine = self._problem.scenario, pick_engine("highs", "monolithic")[0]
        search = ConflictSearch(ConflictContext(scenario, engine), relaxation=True)
        rules = {member.rule for one in search.sets(1) for member in one.members}
        metrics = scenario.programme.metrics
        known = [rule for rule in scenario.rules if rule.id in rules]
        return tuple(one.id for one in known if one.measure in metrics) or tuple(sorted(rules))

    def _told(self, told: Told, table: _Table, bound: float, least: float = 0.0) -> RedrawnTable:
        money = self._problem.as_given(table.allocation).amounts.ravel().tolist()
        moved = table.allocation.moved_between_counties(self._old)
        amounts = tuple(map(int, money))
        return RedrawnTable(told, self.before, table.worth, bound, moved, max(least, 0.0), amounts)

    def _near(
        self, model: Model, worths: tuple[Fraction, float], free: Start | None
    ) -> tuple[_Table | None, float]:
        """The nearest table found that is good enough, and what the nearest moves at least."""
        least, bound = worths
        if free is None:
            return self._in_one(model, least)
        target, moved = self._task.target, 0.0
        still = self._floored(target, least, free)
        if still is not None:
            return still, 0.0
        for number, margin in enumerate(_MARGINS):
            worth = float(least) + margin * abs(bound)
            posed = _nearest(model, target, worth)
            priced = begun(posed, self._task.starts.near, _CLOSE)
            if priced is None:
                break
            if not number:
                row = len(model.row_lower)
                short = posed.row_lower[row] * (1 - float(least) / worth)
                stays = priced.bound_eased(row, float(short)) - _BESIDE * float(least) / worth
                moved = max(0.0, float(target.sum()) - stays)
            kept = np.minimum(np.floor(priced.given[-len(target) :] + _SLIP), target)
            if (found := self._floored(kept, least, None)) is not None:
                return found, moved
        return None, moved

    def _floored(self, least: Floats, worth: Fraction, free: Start | None) -> _Table | None:
        """The best table found in which counties have no less than this, where it is good enough.

        `free`: prices, at which it is known at once where it is out of reach.
        """
        models = _FlooredModels(self._problem, least, float(self._task.target.sum()))
        start = begun(models.model(True, {}), free or self._task.starts.free, _CLOSER)
        room = -1.0 if start is None else (start.bound - float(worth)) / abs(float(worth) or 1.0)
        if start is None or room < self._task.gap:
            return None  # Whole choices come no nearer to their bound in little time.
        gap = max(self._task.gap, _ROOM * room)
        try:
            found, _ = self._search(models, start, gap)
        except (InfeasibleError, NoAnswerError):
            return None
        return found if found.worth >= worth else None

    def _search(
        self, models: ProblemModels, start: Start | None, gap: float
    ) -> tuple[_Table, float]:
        """The first table found within the gap, and its bound."""
        engine, _ = pick_engine("highs", "decomposed", start)
        task = SearchTask(models, solve_aims(self._problem), "whole", gap, engine, Clock())
        found = searched(task, within_gap)
        worth = found.objective - found.audit.penalty
        bound = found.quality.bound_solver
        table = _Table(found.allocation, found.audit, worth)
        return table, float(worth) if bound is None else bound

    def _small(self, model: Model) -> tuple[_Table | None, float]:
        """The best table of a small model in whole units within the gap, and its bound."""
        engine, _ = pick_engine("highs", "monolithic")
        answer = checked(engine(with_whole_money(model), Effort(self._task.gap, nodes=_NODES)))
        table = self._table(model, answer)
        if answer.bound is not None:
            return table, answer.bound
        return self._search(self._models, None, self._task.gap)

    def _in_one(self, model: Model, least: Fraction) -> tuple[_Table | None, float]:
        """The nearest table of a model that is searched in one piece, in whole units, and what the
        nearest moves at least."""
        engine, _ = pick_engine("highs", "monolithic")
        target, moved = self._task.target, 0.0
        for margin in (0.0, *_MARGINS):
            worth = float(least) + margin * abs(float(least))
            posed = with_whole_money(_nearest(model, target, worth))
            answer = engine(posed, Effort(_CLOSE, nodes=_NODES))
            if answer.values is None:
                break
            if not margin and answer.bound is not None:
                moved = max(0.0, float(target.sum()) - (answer.bound - _BESIDE) - _SLIP)
            table = self._table(model, answer)
            if table is not None and table.worth >= least:
                return table, moved
        return None, moved

    def _table(self, model: Model, answer: Answer) -> _Table | None:
        """The whole money of an answer; None where it breaks a rule."""
        assert answer.values is not None
        money = [int(amount) for amount in np.round(answer.values[model.grid.amount])]
        return self._read(as_allocation(self._problem.scenario, money))

    def _read(self, allocation: Allocation) -> _Table | None:
        """A table with its worth; None where it breaks a rule."""
        audited = audit(self._problem.scenario, allocation)
        if audited.unmet:
            return None
        worth = objective_of(audited, self._problem.reference.points) - audited.penalty
        return _Table(allocation, audited, worth)
