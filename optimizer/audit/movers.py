"""Who gains and loses most against another allocation, and why: by swaps that were judged.

Of a county that loses: what it would cost to bring money back from a county that gains, at the best
swap that keeps the rules. Of one that gains: what it would cost to give it to one that loses.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice

from models.exact import over_one_denominator
from optimizer.audit.measure import Cell
from optimizer.audit.swaps import JudgedMove, Move, SwapJudge

MOST = 10
"""So many counties that gain, and so many that lose."""
_SEEN, _READ = 600, 6
"""So many swaps of a county are held against the limits that are full, and read in full."""
_MOST_CELLS = 3000
"""In a larger grid no swap is looked for: each takes the reading of all the rules."""


@dataclass(frozen=True)
class Mover:
    """A county whose money differs, and the swap that says why."""

    county: int
    before: Fraction
    now: Fraction
    swap: JudgedMove | None
    """The best that was tried: it keeps every rule, or `breaks` says which forbid it. None where
    there is nothing to swap with."""

    @property
    def change(self) -> Fraction:
        """Money units more; below 0 for less."""
        return self.now - self.before


@dataclass(frozen=True)
class Movers:
    """The counties that lose and gain most, most first."""

    losers: tuple[Mover, ...]
    winners: tuple[Mover, ...]


def movers(
    judge: SwapJudge, before: Sequence[Fraction | None], most: int = MOST, *, why: bool = True
) -> Movers:
    """The counties whose money differs most from `before` ([county] money units, None where that is
    not known), with the swap that explains each; without `why`, and in a very large grid, none is
    looked for."""
    counties, tasks = judge.scenario.programme.shape
    return _MoverSearch(judge, before, why and counties * tasks <= _MOST_CELLS).movers(most)


@dataclass(frozen=True)
class _MoverSearch:
    judge: SwapJudge
    before: Sequence[Fraction | None]
    why: bool

    @cached_property
    def now(self) -> tuple[Fraction, ...]:
        """[county] money."""
        return self.judge.allocation.by_county

    @cached_property
    def change(self) -> list[Fraction]:
        """[county] more than before; nothing where that is not known."""
        pairs = zip(self.now, self.before, strict=True)
        return [Fraction(0) if one is None else now - one for now, one in pairs]

    def movers(self, most: int) -> Movers:
        order = sorted(range(len(self.change)), key=lambda county: self.change[county])
        losers = [county for county in order[:most] if self.change[county] < 0]
        winners = [county for county in order[::-1][:most] if self.change[county] > 0]
        return Movers(tuple(map(self.mover, losers)), tuple(map(self.mover, winners)))

    def mover(self, county: int) -> Mover:
        before = self.before[county]
        assert before is not None
        swap = self.swap(county) if self.why else None
        return Mover(county, before, self.now[county], swap)

    def swap(self, county: int) -> JudgedMove | None:
        """The best swap that undoes a part of the change: between the county and those that changed
        the other way, where there are any."""
        loses = self.change[county] < 0
        mine = [cell for cell in self.judge.movable if cell[0] == county]
        if loses and not mine:
            mine = self._to_open(county)
        others = [cell for cell in self.judge.movable if cell[0] != county]
        against = [c for c in others if (self.change[c[0]] > 0) == loses and self.change[c[0]]]
        side = against or others
        found = self._best(side, mine) if loses else self._best(mine, side)
        return None if found is None else self._enlarged(found, county)

    def _to_open(self, county: int) -> list[Cell]:
        """The cells that the county could be funded in."""
        tasks = range(self.judge.scenario.programme.shape[1])
        barred = self.judge.barred | self.judge.locked
        return [(county, task) for task in tasks if (county, task) not in barred]

    def _best(self, sources: Sequence[Cell], targets: Sequence[Cell]) -> JudgedMove | None:
        """The best swap that keeps the rules; else the best that one rule alone forbids, so that it
        is told which; else the best of all."""
        first, single, left = None, None, _READ
        for move in islice(self._best_first(sources, targets), _SEEN):
            first = first or move
            against = self.judge.surely_breaks(move)
            if len(against) > 1 or (against and single is not None):
                continue
            judged, left = self.judge.judged(move), left - 1
            if judged.is_kept:
                return judged
            if len(judged.breaks) == 1:
                single = single or judged
            if not left:
                break
        return single or (None if first is None else self.judge.judged(first))

    def _best_first(self, sources: Sequence[Cell], targets: Sequence[Cell]) -> Iterator[Move]:
        """Swaps of a money unit, or of the lot where that opens the target; the best first."""
        judge = self.judge
        for least in sorted({self._least(cell) for cell in targets}):
            into = [cell for cell in targets if self._least(cell) == least]
            out = [cell for cell in sources if judge.money(cell) - least >= judge.lot(cell)]
            changes = [judge.step(c, least) for c in into]
            changes += [judge.step(c, -least) for c in out]
            costs = over_one_denominator([-one.points for one in changes])
            ranked = [(cost, one.cell, one) for cost, one in zip(costs, changes, strict=True)]
            gains, losses = sorted(ranked[: len(into)]), sorted(ranked[len(into) :])
            heap = [(gains[0][0] + losses[0][0], 0, 0)] if gains and losses else []
            while heap:
                _, i, j = heapq.heappop(heap)
                steps = gains[i][2], losses[j][2]
                yield Move(steps[1].cell, steps[0].cell, least, steps)
                if j + 1 < len(losses):
                    heapq.heappush(heap, (gains[i][0] + losses[j + 1][0], i, j + 1))
                if not j and i + 1 < len(gains):
                    heapq.heappush(heap, (gains[i + 1][0] + losses[0][0], i + 1, 0))

    def _least(self, cell: Cell) -> Fraction:
        return Fraction(1) if self.judge.money(cell) else self.judge.lot(cell)

    def _enlarged(self, found: JudgedMove, county: int) -> JudgedMove:
        """The same swap of as much money as undoes the change of either county, where that keeps
        the rules too; else of half of that, and so on."""
        move = found.move
        if not found.is_kept or move.source is None:
            return found
        room = self.judge.money(move.source) - self.judge.lot(move.source)
        other = move.target[0] if move.source[0] == county else move.source[0]
        undone = [abs(self.change[one]) for one in (county, other) if self.change[one]]
        money = Fraction(int(min([room, *undone])))
        while money > move.money:
            judged = self.judge.judged(self.judge.move(move.source, move.target, money))
            if judged.is_kept:
                return judged
            money = Fraction(int(money / 2))
        return found
