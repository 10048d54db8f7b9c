"""The least of groups raised: the lowest level first, then the lowest of those that can still rise.

Continuous money gives a level and, by prices, the groups that cannot pass it. In whole units the
groups' floors are rounded up to whole steps, and the best level is halved in between what is found
and what none can pass: one linear program a step, whole units near it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from models.aim import Push, first_push
from optimizer.formulation.aim_rows import AimedModel, Level
from optimizer.formulation.edits import relaxed, with_integers_fixed
from optimizer.formulation.model import Floats, Model
from optimizer.quality import TOLERANCE
from optimizer.solvers.base import Answer, Effort
from optimizer.strategies import Infeasible
from optimizer.strategies.ordered import (
    Goal,
    HeldGoal,
    KeptTable,
    Lexicographic,
    StageBest,
)

_NO_PRICE = 1e-7
Flags = NDArray[np.bool_]


def raise_least(search: Lexicographic, number: int) -> None:
    """Raise the least of an aim's groups, then the next, so many levels as it says; hold each."""
    aim = search.problem.scenario.spec.objective.aims[number]
    count = len(search.aimed(first_push(number, aim)).levels[number].heads)
    levels: list[Fraction | None] = [None] * count
    settled = np.zeros(count, dtype=bool)
    for _ in range(aim.levels):
        if settled.all():
            break
        stage = _LevelStage(search, number, settled)
        best, stuck = stage.reached()
        held = stage.holding(best, levels)
        search.settle(stage.push, best, held)
        levels = [
            held.floor if level is None or not done else level
            for level, done in zip(levels, settled.tolist(), strict=True)
        ]
        settled = settled | stuck


@dataclass(frozen=True)
class _LevelStage:
    """One level of the groups that are not settled yet."""

    search: Lexicographic
    number: int
    settled: Flags

    @property
    def push(self) -> Push:
        """The level above those of the groups that are settled."""
        return Push(self.number, "level", int(self.settled.sum()))

    @property
    def rows(self) -> Level:
        """The rows of the groups."""
        return self.search.aimed(self.push).levels[self.number]

    @property
    def goal(self) -> Goal:
        """The level pushed."""
        push, done, number = self.push, np.flatnonzero(self.settled), self.number
        return Goal(
            push,
            lambda aimed, model: aimed.levels[number].posed(model, done),
            lambda table: table.reader.worth(push),
            scale=float(self.rows.scale),
        )

    def holding(self, best: StageBest, levels: list[Fraction | None]) -> HeldGoal:
        """What the level reached, as what later stages hold: a floor for each group."""
        plain = self.search.holding(self.push, self.goal, best)
        number, settled = self.number, self.settled.tolist()

        def row(aimed: AimedModel, model: Model, least: Fraction) -> Model:
            floors = [old if done else least for old, done in zip(levels, settled, strict=True)]
            return aimed.levels[number].held(model, floors)

        return HeldGoal(plain.goal, row, plain.floor)

    def reached(self) -> tuple[StageBest, Flags]:
        """The best level that is found, and the groups that cannot pass it."""
        linear = self._linear()
        if linear.outcome == "infeasible":
            raise Infeasible
        stuck = self._stuck(linear)
        if self.rows.step is None or linear.values is None:
            return self.search.best(self.goal), stuck
        assert linear.objective is not None
        top = linear.objective / float(self.rows.scale)
        like = self._funding()
        _, table = self._at_least(self._rounded_down(linear.values if like is None else like), like)
        known = [one for one in (table, self.search.table) if one is not None]
        if known:
            best = StageBest(max(known, key=self.goal.worth), None, False)
        else:
            best = self.search.best(self.goal)
        return self._climbed(best, top, like), stuck

    def _funding(self) -> Floats | None:
        """A solution in continuous money that comes near the highest level; None where no choice of
        cells is to be made, and in a large model, of which counties are asked level by level."""
        if not self.search.is_small:
            return None
        aimed = self.search.aimed(self.push)
        model = self.goal.posed(aimed, self.search.holding_all(aimed))
        if model.is_lp:
            return None
        clock = self.search.task.clock
        effort = Effort(self.search.task.gap, clock.left(), watch=clock.watch, stage="aims")
        return self.search.task.engine(model, effort).values

    def _linear(self) -> Answer:
        """The level in continuous money, whatever cells are funded."""
        aimed = self.search.aimed(self.push)
        model = self.goal.posed(aimed, self.search.holding_all(aimed))
        return self.search.task.engine(relaxed(model), Effort(time_limit=self._left))

    @property
    def _left(self) -> float | None:
        return self.search.task.clock.left()

    def _stuck(self, linear: Answer) -> Flags:
        """The groups whose row has a price: in every best solution they are at the level."""
        if linear.prices is None:
            return ~self.settled
        stuck = (np.abs(linear.prices[1][self.rows.rows]) > _NO_PRICE) & ~self.settled
        return stuck if stuck.any() else ~self.settled

    def _rounded_down(self, values: Floats) -> Fraction:
        """The level where each group's money is rounded down from a continuous solution."""
        rows = self.rows
        assert rows.step is not None
        totals = values[rows.totals] / float(rows.step)
        ends: list[Fraction] = [
            (floor(total + TOLERANCE) * rows.step + rows.had[group]) / rows.heads[group]
            for group, total in enumerate(totals.tolist())
            if not self.settled[group]
        ]
        return min(ends)

    def _at_least(
        self, level: Fraction, like: Floats | None = None
    ) -> tuple[bool, KeptTable | None]:
        """Whether it is proved that no table reaches a level, and a table that does; `like`: of
        those that fund the same cells as a solution."""
        number, settled = self.number, self.settled.tolist()

        def posed(aimed: AimedModel, model: Model) -> Model:
            floors = [None if done else level for done in settled]
            held = aimed.levels[number].held(model, floors)
            free = replace(held, cost=np.zeros(len(held.cost)))
            return free if like is None else with_integers_fixed(free, like)

        first, table = self.search.found(self.push, posed)
        return first.outcome == "infeasible", table

    def _climbed(self, best: StageBest, top: float, like: Floats | None) -> StageBest:
        """The best level in whole units, between what is found and what none can pass: first with
        the cells funded that continuous money funds, then whatever cells are."""
        if like is not None:
            best = self._halved(best, top, like)
            ends = self._ends(self.goal.worth(best.table), top)
            none, table = self._at_least(ends[0]) if ends else (True, None)
            if table is not None:
                best = StageBest(table, None, False)
            elif none:
                worth = float(self.goal.worth(best.table))
                return replace(best, bound=worth, closed=True)
        return self._halved(best, top)

    def _halved(self, best: StageBest, top: float, like: Floats | None = None) -> StageBest:
        """The best level by halving, with what is shown to be out of reach: `closed` where that is
        the very next one."""
        ends = self._ends(self.goal.worth(best.table), top)
        first, last, shown = 0, len(ends), True
        while first < last:
            middle = (first + last) // 2
            none, table = self._at_least(ends[middle], like)
            if table is not None:
                best = StageBest(table, None, False)
                first = bisect_right(ends, self.goal.worth(table))
            else:
                last, shown = middle, none
                top = float(ends[middle]) if none else top
        worth = float(self.goal.worth(best.table))
        return replace(best, bound=worth if shown else max(top, worth), closed=shown)

    def _ends(self, low: Fraction, top: float) -> list[Fraction]:
        """The levels above one that a group can have in whole units, up to what none can pass."""
        rows, ends = self.rows, set[Fraction]()
        assert rows.step is not None
        most = Fraction(top + TOLERANCE * abs(top))
        for group in np.flatnonzero(~self.settled).tolist():
            had, heads = rows.had[group], rows.heads[group]
            first, last = (floor((end * heads - had) / rows.step) for end in (low, most))
            steps = range(max(first, 0), last + 1)
            ends.update((step * rows.step + had) / heads for step in steps)
        return sorted(end for end in ends if low < end)
