"""How much money counties and cells can hold in solutions that are nearly the best.

At the prices of the bound a county's plan loses something against its best one. The losses of all
counties add up to no more than the bound is above a solution, so none loses more by itself: its
money lies where some subset of its cells loses no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from optimizer.formulation.edits import with_objective_at_least
from optimizer.formulation.model import Floats, Ints, Model
from optimizer.solvers.decomposition.blocks import Blocks, find_blocks
from optimizer.solvers.decomposition.bound import Priced, Start, best_prices, proved_by
from optimizer.solvers.decomposition.by_county import begun
from optimizer.solvers.decomposition.pricing import Worth, worth_bounds

_TOWARDS = 3
"""Counties, the widest ones, towards whose most money prices are sought as well."""
_NEAR = 1e-4
"""How near those prices come to their best."""
_NEW = 1.0
"""Money units that an end has to move for further prices to be worth while."""
_AT_ONCE = 20_000
_HAIR = 1e-9
"""Share of the bound that its arithmetic may err by."""
_SAME = 1e-9
"""Money units within which a county's least money counts as its cap."""


@dataclass(frozen=True)
class MoneyEnds:
    """No solution that is worth enough holds less or more money."""

    county: tuple[Floats, Floats]
    """[county] least and most."""
    cell: tuple[Floats, Floats]
    """[county, task]; without end where cells were not asked for."""

    def within(self, other: MoneyEnds) -> MoneyEnds:
        """Where both hold."""
        county, cell = (
            (np.maximum(one[0], two[0]), np.minimum(one[1], two[1]))
            for one, two in ((self.county, other.county), (self.cell, other.cell))
        )
        return MoneyEnds(county, cell)


def ends_near(
    model: Model, worth: float, cells: bool = False, of: int | None = None
) -> MoneyEnds | None:
    """The money of solutions of a mixed-integer model that are worth at least `worth`; None where
    it does not come apart by counties, or only with counties in parts.

    `cells`: of each cell as well. At the prices of the bound, and at those that hold the most money
    of some counties down (the widest ones, or county `of`): where much money moves, the prices of
    the bound say too little of what moves with it.
    """
    start = begun(model)
    if start is None or start.blocks.counties != model.grid.shape[0]:
        return None
    blocks, priced = start
    ends = money_ends(blocks, priced, worth, cells)
    tried: list[int] = []
    for _ in range(min(_TOWARDS, blocks.counties) if of is None else 1):
        wide = ends.county[1] - ends.county[0]
        wide[tried] = -np.inf
        tried.append(int(wide.argmax()) if of is None else of)
        prices = _towards(model, start, worth, tried[-1])
        if prices is None:
            continue
        before = ends.county[1][tried[-1]]
        ends = ends.within(money_ends(blocks, proved_by(blocks, prices), worth, cells))
        if before - ends.county[1][tried[-1]] < _NEW:
            break
    return ends


def _towards(model: Model, start: Start, worth: float, county: int) -> Floats | None:
    """[coupling row] prices that bound the most money of a county in solutions worth at least
    `worth`, by the worth of an objective point; None where that does not come apart."""
    held = with_objective_at_least(model, worth)
    cost = np.zeros(len(model.cost))
    cost[start.blocks.amount[county]] = 1.0
    towards = find_blocks(replace(held, cost=cost))
    if towards is None or not model.largest_cost:
        return None
    priced = best_prices(towards, start=start, close=_NEAR)
    prices = np.zeros(len(held.row_lower))
    prices[towards.rows] = priced.prices
    column = int(np.abs(model.cost).argmax())
    of_worth = -prices[-1] * held.matrix[-1, column] / model.cost[column]
    return prices[start.blocks.rows] / of_worth if of_worth > 0 else None


def money_ends(blocks: Blocks, priced: Priced, worth: float, cells: bool = True) -> MoneyEnds:
    """The money of solutions worth at least `worth`, at given prices; of `cells` as well."""
    loss = max(priced.bound - worth, 0.0) + _HAIR * max(abs(priced.bound), abs(worth))
    least = priced.plans.worth - loss
    county, cell = (
        (np.full(shape, np.inf), np.full(shape, -np.inf))
        for shape in (blocks.counties, blocks.least.shape)
    )
    for pairs in _pairs(blocks, priced.cells, least):
        _widen(county, pairs.county, pairs.of_county())
        if cells:
            _widen(cell, pairs.county, pairs.of_cells())
    return MoneyEnds(county, cell if cells else (cell[1], cell[0]))


def _widen(ends: tuple[Floats, Floats], at: Ints, by: tuple[Floats, Floats]) -> None:
    np.minimum.at(ends[0], at, by[0])
    np.maximum.at(ends[1], at, by[1])


def _pairs(blocks: Blocks, cells: Worth, least: Floats) -> Iterator[_Pairs]:
    """The pairs of a county and a subset that may be worth at least `least` ([county])."""
    county, subset = np.nonzero(worth_bounds(blocks, cells) >= least[:, None])
    for start in range(0, len(county), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        yield _Pairs.of(blocks, cells, (county[part], subset[part]), least)


class _Steps(NamedTuple):
    """Segments of money beyond the least, best first, [pair, segment]."""

    slope: Floats
    width: Floats
    upto: Floats
    """Width of this one and those before it."""


@dataclass(frozen=True)
class _Pairs:
    """Counties, each with one of its subsets; money is counted beyond the cells' least."""

    county: Ints
    chosen: np.ndarray
    """[pair, task]"""
    least: Floats
    """[pair, task] money of a funded cell at the least."""
    slope: Floats
    width: Floats
    """[pair, task, segment] no width in cells that are not funded."""
    steps: _Steps
    """Of all cells together."""
    low: Floats
    high: Floats
    """[pair] bounds of the county's money."""
    spare: Floats
    """[pair] worth beside what it must be, with the least money."""

    @classmethod
    def of(cls, blocks: Blocks, cells: Worth, pairs: tuple[Ints, Ints], least: Floats) -> _Pairs:
        county, subset = pairs
        chosen = blocks.subsets[subset]
        slope, width = cells.slope[county], cells.width[county] * chosen[..., None]
        held = blocks.least[county] * chosen
        flat = slope.reshape(len(county), -1)
        order = np.argsort(-flat, axis=1, kind="stable")
        ordered = np.take_along_axis(width.reshape(flat.shape), order, axis=1)
        steps = _Steps(np.take_along_axis(flat, order, axis=1), ordered, ordered.cumsum(axis=1))
        base = (cells.base[county] * chosen).sum(axis=1) - least[county]
        base += cells.beside[0, 0] if len(cells.beside) == 1 else cells.beside[county, subset]
        low = np.maximum(blocks.floor[county, subset] - held.sum(axis=1), 0.0)
        high = np.minimum(blocks.cap[county, subset] - held.sum(axis=1), steps.upto[:, -1])
        high = np.where(high >= -_SAME, np.maximum(high, 0.0), -np.inf)
        low = np.where(low <= high + _SAME, np.minimum(low, high), np.inf)
        return cls(county, chosen, held, slope, width, steps, low, high, base)

    def of_county(self) -> tuple[Floats, Floats]:
        """[pair] (least, most) money of the county; (∞, −∞) where none is worth enough."""
        slope, width, upto = self.steps
        worth = self.spare[:, None] + (slope * width).cumsum(axis=1)
        before = worth - slope * width
        rises, falls = slope > 0, slope < 0
        steep = np.where(rises | falls, np.abs(slope), 1.0)
        # Up to the first step whose end is worth enough, and from the last whose start is.
        short = np.where(rises, np.clip(-before / steep, 0.0, width), 0.0)
        left = np.where(falls, np.clip(before / steep, 0.0, width), width)
        low, high = short.sum(axis=1), left.sum(axis=1)
        enough = self.spare + (np.maximum(slope, 0.0) * width).sum(axis=1) >= 0
        low, high = np.maximum(low, self.low), np.minimum(high, self.high)
        there = enough & (low <= high + _SAME) & np.isfinite(low) & np.isfinite(high)
        held = self.least.sum(axis=1)
        return np.where(there, held + low, np.inf), np.where(there, held + high, -np.inf)

    def of_cells(self) -> tuple[Floats, Floats]:
        """[pair, task] the same of each cell, by the price that the county's floor or cap has.

        At that price the cells know nothing of each other; each may lose what the pair has to
        spare.
        """
        price, spare = self._own_price()
        slope = self.slope - price[:, None, None]
        paying = slope > 0
        steep = np.where(slope != 0, np.abs(slope), 1.0)
        cost = np.abs(slope) * self.width
        fallen = np.where(paying, 0.0, cost)
        beyond = spare[:, None, None] - (fallen.cumsum(axis=2) - fallen)
        more = np.where(slope < 0, np.clip(beyond / steep, 0.0, self.width), self.width)
        risen = np.where(paying, cost, 0.0)
        after = risen.sum(axis=2, keepdims=True) - risen.cumsum(axis=2)
        gone = np.clip((spare[:, None, None] - after) / steep, 0.0, self.width)
        kept = np.where(paying, self.width - gone, 0.0)
        there = (spare >= 0) & (self.low <= self.high)
        others = np.where(there, self.high, 0.0)[:, None]
        high = self.least + np.minimum(more.sum(axis=2), others)
        low = self.least + np.minimum(kept.sum(axis=2), others)
        there = np.broadcast_to(there[:, None], low.shape)
        return np.where(there, low, np.inf), np.where(there, high, -np.inf)

    def _own_price(self) -> tuple[Floats, Floats]:
        """[pair] (price of the county's money, what the pair has to spare at its best)."""
        slope, width, upto = self.steps
        paying = np.where(slope > 0, width, 0.0).sum(axis=1)
        there = self.low <= self.high
        low, high = np.where(there, self.low, 0.0), np.where(there, self.high, 0.0)
        total = np.clip(paying, low, high)
        at = np.minimum((upto < total[:, None]).sum(axis=1), slope.shape[1] - 1)
        last = slope[np.arange(len(slope)), at]
        held = (paying > high) | (paying < low)
        taken = np.clip(total[:, None] - (upto - width), 0.0, width)
        return np.where(held, last, 0.0), self.spare + (taken * slope).sum(axis=1)
