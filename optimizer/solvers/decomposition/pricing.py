"""What each county is worth at given prices of the coupling rows, and how it gets there.

At prices the counties know nothing of each other. A funded cell gets its least money and then as
much as pays; its worth is concave in its money. Where it is not, in cells that fill tiers in order
though a later one is worth more, it is bounded by the least concave curve above it: a plan may
then fill some tiers together, as a mixture of two plans would. A subset of funded cells is worth
the sum of its cells, where that keeps the county's floor and cap; elsewhere a price of the county's
own money bounds every subset from above, and only those whose bound reaches the best are worked
out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from optimizer.formulation.model import Floats, Ints
from optimizer.solvers.decomposition.blocks import Blocks, Flags

_STEPS, _MORE = 12, 4
_AT_ONCE, _RIVALS = 20_000, 50_000
"""So many pairs are worked out at once; and so many at the most to find the best of each county."""
_HAIR, _SAME = 1e-13, 1e-9


class Filling(NamedTuple):
    """How money fills a cell's tiers, [county, task, tier]: a tier holds `held`, and `share` of
    each money unit between `start` and `start` + `width`."""

    held: Floats
    start: Floats
    width: Floats
    share: Floats


@dataclass(frozen=True)
class Worth:
    """The cells' worth at prices: `base` once a cell is funded with its least money, [county,
    task]; then segments of `width` money units worth `slope` each, best first, [county, task,
    segment]."""

    base: Floats
    slope: Floats
    width: Floats
    beside: Floats
    """[county, subset] what a subset is worth beside its cells; or [1, 1] of nothing."""
    filling: Filling

    @cached_property
    def foremost(self) -> Foremost:
        """The segments of each county, best first."""
        counties, tasks, segments = self.slope.shape
        slope, width = (part.reshape(counties, -1) for part in (self.slope, self.width))
        order = np.argsort(-slope, axis=1, kind="stable")
        slope, width = (np.take_along_axis(part, order, axis=1) for part in (slope, width))
        return Foremost(order, order // segments, slope, width)


class Foremost(NamedTuple):
    """The segments of each county's cells, best first; all [county, segment]."""

    order: Ints
    """Which one it is, task after task."""
    task: Ints
    slope: Floats
    width: Floats


def worth_at(blocks: Blocks, prices: Floats) -> Worth:
    """The cells' worth at prices of the coupling rows."""
    reduced = blocks.cost - blocks.coupling.T @ prices
    money, fee = reduced[blocks.amount], reduced[blocks.funded]
    worth = np.where(blocks.tier >= 0, reduced[blocks.tier], 0.0)
    slope, width, filling = _best_first(blocks, worth)
    if blocks.in_order.any():
        _put_in_order(blocks, worth, (slope, width, filling))
    if blocks.stays is not None:
        stays = np.where(blocks.kept >= 0, np.maximum(reduced[blocks.kept], 0.0), 0.0)
        width, slope = _parted(width, slope, blocks.stays, stays)
    inside = np.clip(blocks.least[..., None] - (width.cumsum(axis=2) - width), 0.0, width)
    base = fee + money * blocks.least + (slope * inside).sum(axis=2)
    beside = np.zeros((1, 1))
    if len(blocks.touched):
        beside = np.zeros(blocks.allowed.shape)
        each = reduced[blocks.touched][:, None] * blocks.touched_by
        np.add.at(beside, blocks.touched_in, each)
    if blocks.untouched is not None:
        own = blocks.column_county >= 0
        held = (reduced * blocks.left_alone)[own]
        beside[:, -1] += np.bincount(blocks.column_county[own], held, blocks.counties)
    return Worth(base, slope + money[..., None], width - inside, beside, filling)


def _best_first(blocks: Blocks, worth: Floats) -> tuple[Floats, Floats, Filling]:
    """([county, task, segment] slope and width, how money fills the tiers) of cells that fill
    tiers best first, and none that is worth nothing."""
    order = np.argsort(-worth, axis=2, kind="stable")
    worth = np.maximum(np.take_along_axis(worth, order, axis=2), 0.0)
    room = np.where(worth > 0, np.take_along_axis(blocks.room, order, axis=2), 0.0)
    room = np.minimum(room, np.clip(blocks.most[..., None] - (room.cumsum(2) - room), 0, None))
    above = np.clip(blocks.most - room.sum(axis=2), 0.0, None)[..., None]
    start, own = np.empty_like(room), np.empty_like(room)
    np.put_along_axis(start, order, room.cumsum(axis=2) - room, axis=2)
    np.put_along_axis(own, order, room, axis=2)
    return (
        np.concatenate([worth, np.zeros_like(above)], axis=2),
        np.concatenate([room, above], axis=2),
        Filling(np.zeros_like(own), start, own, np.ones_like(own)),
    )


def _put_in_order(blocks: Blocks, worth: Floats, found: tuple[Floats, Floats, Filling]) -> None:
    """Write over what is found of cells that fill their tiers in order: their least money as one
    segment, then the steps of the least concave curve above what they are worth."""
    mine = np.nonzero(blocks.in_order)
    slope, width, filling = found
    worth, room, least, most = worth[mine], blocks.room[mine], blocks.least[mine], blocks.most[mine]
    before = room.cumsum(axis=1) - room
    held = np.clip(least[:, None] - before, 0.0, room)
    rest = np.clip(np.minimum(room, most[:, None] - before) - held, 0.0, None)
    steps = _hull(worth, rest)
    all_held = held.sum(axis=1)
    each = (worth * held).sum(axis=1) / np.where(all_held > 0, all_held, 1.0)
    slope[mine] = np.column_stack([each, steps])
    width[mine] = np.column_stack([all_held, rest])
    # Tiers of one step are filled together.
    start = all_held[:, None] + ((steps[:, None] > steps[:, :, None]) * rest[:, None]).sum(axis=2)
    together = ((steps[:, None] == steps[:, :, None]) * rest[:, None]).sum(axis=2)
    share = rest / np.where(together > 0, together, 1.0)
    for part, value in zip(filling, (held, start, together, share), strict=True):
        part[mine] = value


def _hull(slope: Floats, width: Floats) -> Floats:
    """[cell, segment] slopes of the least concave curve above segments that stand in this order;
    any of a segment without width: at each, the least from before of the greatest means up to
    after."""
    count = slope.shape[1]
    ends = [np.pad(one.cumsum(axis=1), ((0, 0), (1, 0))) for one in (width, slope * width)]
    run, rise = (one[:, None, 1:] - one[:, :-1, None] for one in ends)
    mean = np.where(run > 0, rise / np.where(run > 0, run, 1.0), -np.inf)
    alone = np.arange(count)
    mean[:, alone, alone] = np.where(width > 0, slope, -np.inf)
    mean[:, alone[:, None] > alone] = -np.inf
    greatest = np.maximum.accumulate(mean[..., ::-1], axis=2)[..., ::-1]
    found = np.minimum.accumulate(greatest, axis=1)[:, alone, alone]
    return np.where(width > 0, found, 0.0)


def _parted(width: Floats, slope: Floats, at: Floats, more: Floats) -> tuple[Floats, Floats]:
    """Segments parted where a cell's money is `at`, and worth `more` below it."""
    below = np.clip(at[..., None] - (width.cumsum(axis=2) - width), 0.0, width)
    pair = np.stack([below, width - below], axis=3), np.stack([slope + more[..., None], slope], 3)
    parted, worth = (one.reshape(*width.shape[:2], -1) for one in pair)
    return parted, worth


@dataclass(frozen=True)
class Plans:
    """The best plan of each county."""

    worth: Floats
    """[county] at the prices."""
    subset: Ints
    """[county]"""
    money: Floats
    """[county, task]"""


def best_plans(blocks: Blocks, cells: Worth) -> Plans:
    """Each county's best plan at the prices; its worth is exact."""
    above = worth_bounds(blocks, cells)
    own = np.arange(blocks.counties)
    subset = above.argmax(axis=1)
    best, money = worked_out(blocks, cells, own, subset)
    rivals = above > (best + _hair(best))[:, None]
    rivals[own, subset] = False
    county, other = np.nonzero(rivals)
    if len(county) > _RIVALS:
        above[own, subset] = -np.inf
        return _by_bounds(blocks, cells, above, Plans(best, subset, money))
    if len(county):
        worth, amounts = worked_out(blocks, cells, county, other)
        for place in np.argsort(worth, kind="stable").tolist():
            at = county[place]
            if worth[place] > best[at]:
                best[at], subset[at], money[at] = worth[place], other[place], amounts[place]
    return Plans(best, subset, money)


def _by_bounds(blocks: Blocks, cells: Worth, above: Floats, plans: Plans) -> Plans:
    """The best plans where very many subsets may be better: those with the largest bounds `above`
    first, one a county, until none is left that may be better still."""
    best, subset, money = plans.worth, plans.subset, plans.money
    rows = np.arange(len(above))
    while True:
        first = above[rows].argmax(axis=1)
        open_ = above[rows, first] > best[rows] + _hair(best[rows])
        rows, first = rows[open_], first[open_]
        if not len(rows):
            return plans
        worth, amounts = worked_out(blocks, cells, rows, first)
        above[rows, first] = -np.inf
        better = worth > best[rows]
        at = rows[better]
        best[at], subset[at], money[at] = worth[better], first[better], amounts[better]


def all_worths(blocks: Blocks, cells: Worth, counties: Flags | None = None) -> Floats:
    """[county, subset] what each is worth, −inf for one that may not be funded, and of others than
    these `counties`."""
    wanted = blocks.allowed if counties is None else blocks.allowed & counties[:, None]
    return _worths_of(blocks, cells, wanted)


def foremost_worths(
    blocks: Blocks, cells: Worth, best: Floats, fewest: int, counties: Flags
) -> Floats:
    """As `all_worths`, of all that lose no more than a limit against their county's `best`, so
    many at the least, and −inf for others; `fewest`: as many as there are of these `counties`, or
    more."""
    wanted = blocks.allowed & counties[:, None]
    least = np.where(wanted, best[:, None] - worth_bounds(blocks, cells), np.inf)
    count, possible = fewest, int(wanted.sum())
    while count < possible:
        limit = np.partition(least, count, axis=None)[count]
        worth = _worths_of(blocks, cells, wanted & (least <= limit))
        inside = best[:, None] - worth <= limit
        if inside.sum() >= fewest:
            return np.where(inside, worth, -np.inf)
        count *= _MORE
    return _worths_of(blocks, cells, wanted)


def _worths_of(blocks: Blocks, cells: Worth, wanted: Flags) -> Floats:
    worth = np.full(wanted.shape, -np.inf)
    county, subset = np.nonzero(wanted)
    for start in range(0, len(county), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        worth[county[part], subset[part]] = _filled(blocks, cells, county[part], subset[part])[0]
    return worth


def values_of(blocks: Blocks, cells: Worth, plans: Plans) -> Floats:
    """[column] what the plans put into the counties' columns."""
    values = np.zeros(len(blocks.cost))
    values[blocks.amount] = plans.money
    values[blocks.funded] = blocks.subsets[plans.subset]
    values[blocks.touched] = blocks.touched_by[
        np.arange(len(blocks.touched)), plans.subset[blocks.touched_in]
    ]
    there = blocks.tier >= 0
    filled = tiers_filled(cells, np.arange(blocks.counties), plans.money)
    values[blocks.tier[there]] = filled[there]
    if (orders := blocks.full >= 0).any():
        values[blocks.full[orders]] = _is_full(blocks, filled)[orders]
    if blocks.stays is not None:
        kept = blocks.kept >= 0
        values[blocks.kept[kept]] = np.minimum(plans.money, blocks.stays)[kept]
    if blocks.untouched is not None:
        alone = np.append(blocks.is_left_alone(plans.subset), False)[blocks.column_county]
        values = np.where(alone, blocks.left_alone, values)
    return values


def _is_full(blocks: Blocks, filled: Floats) -> Floats:
    """[county, task, tier] 1 where a tier is full, else the share of the next one that is filled:
    it is above 0 where tiers are filled together."""
    shares = np.where(blocks.room > 0, filled / np.where(blocks.room > 0, blocks.room, 1.0), 0.0)
    later = np.maximum.accumulate(shares[..., ::-1], axis=2)[..., ::-1]
    after = np.pad(later[..., 1:], ((0, 0), (0, 0), (0, 1)))
    return np.where(shares >= 1 - _SAME, 1.0, after)


def tiers_filled(cells: Worth, county: Ints, money: Floats) -> Floats:
    """[plan, task, tier] what plans of counties put into their tiers; `money`: [plan, task]."""
    held, start, width, share = (part[county] for part in cells.filling)
    money = money[..., None]
    return np.asarray(np.minimum(held, money) + share * np.clip(money - start, 0.0, width))


def _hair(best: Floats) -> Floats:
    return np.asarray(_HAIR * np.maximum(np.abs(np.where(np.isfinite(best), best, 0.0)), 1e-3))


def worth_bounds(blocks: Blocks, cells: Worth) -> Floats:
    """[county, subset] more than a subset is worth; exactly that where the best one keeps the
    county's floor and cap by itself."""
    everyone, nothing = np.arange(blocks.counties), np.zeros(blocks.counties)
    free = _FreeMoney(blocks, cells, everyone)
    above = free.worth(everyone, nothing)
    first = above.argmax(axis=1)
    total = free.used(everyone, nothing, first)
    over, under = total > blocks.cap[everyone, first], total < blocks.floor[everyone, first]
    rows = np.flatnonzero(over | under)
    if len(rows):
        limit = np.where(over[:, None], blocks.cap, blocks.floor)[rows]
        above[rows] = _at_own_price(_FreeMoney(blocks, cells, rows), limit, over[rows])
    return above


class _FreeMoney:
    """Some counties without floor and cap, at prices of their money."""

    def __init__(self, blocks: Blocks, cells: Worth, counties: Ints) -> None:
        self.slope, self.width = cells.slope[counties], cells.width[counties]
        self.base, self.least = cells.base[counties], blocks.least[counties]
        self.subsets, self.chosen = blocks.subsets, blocks.subsets.T.astype(float)
        beside = cells.beside if len(cells.beside) == 1 else cells.beside[counties]
        self.beside = np.where(blocks.allowed[counties], beside, -np.inf)
        """[row, subset] what it is worth beside its cells, −inf where it is not allowed."""

    def worth(self, rows: Ints, price: Floats) -> Floats:
        """[row, subset] what some of them are worth; `price`: [row]."""
        gain = np.maximum(self.slope[rows] - price[:, None, None], 0.0)
        gain *= self.width[rows]
        each = self.base[rows] - price[:, None] * self.least[rows] + gain.sum(axis=2)
        worth: Floats = each @ self.chosen
        worth += self.beside[rows]
        return worth

    def used(self, rows: Ints, price: Floats, subset: Ints) -> Floats:
        """[row] the money that each takes with a subset."""
        pays = self.slope[rows] > price[:, None, None]
        each = self.least[rows] + (pays * self.width[rows]).sum(axis=2)
        return np.asarray((each * self.subsets[subset]).sum(axis=1))


def _at_own_price(free: _FreeMoney, limit: Floats, over: Flags) -> Floats:
    """[row, subset] bounds at the price of the county's money that makes the largest one least.

    The bound is convex and of straight pieces in the price: two tangents meet in the next price,
    as long as they meet below the least bound so far. `limit`: [row, subset] what the county's
    money is held to, its cap where `over`, else its floor.
    """
    rows = np.arange(len(limit))
    limit = np.where(np.isfinite(free.beside), limit, 0.0)
    steep = np.abs(free.slope).max(axis=(1, 2)) + np.abs(free.base).max(axis=1) + 1.0

    def bounds(rows: Ints, price: Floats) -> Floats:
        return free.worth(rows, price) + price[:, None] * limit[rows]

    def tangent(rows: Ints, price: Floats) -> Floats:
        """[price, height, slant; row]"""
        above = bounds(rows, price)
        first = above.argmax(axis=1)
        slant = limit[rows, first] - free.used(rows, price, first)
        return np.stack([price, above[np.arange(len(rows)), first], slant])

    ends = np.zeros(len(rows)), np.where(over, steep, -steep)
    low, high = tangent(rows, np.minimum(*ends)), tangent(rows, np.maximum(*ends))
    best = np.where(high[1] < low[1], high, low)[:2]
    for _ in range(_STEPS):
        gap = high[2] - low[2]
        step = np.where(gap > 0, gap, 1.0)
        met = (low[1] - high[1] + high[2] * high[0] - low[2] * low[0]) / step
        met = np.clip(met, low[0], high[0])
        promise = low[1] + low[2] * (met - low[0])
        left = (gap > 0) & (promise < best[1, rows] - _hair(promise))
        if not left.any():
            break
        rows, low, high = rows[left], low[:, left], high[:, left]
        found = tangent(rows, met[left])
        better = found[1] < best[1, rows]
        best[:, rows[better]] = found[:2, better]
        falls = found[2] < 0
        low, high = np.where(falls, found, low), np.where(falls, high, found)
    return bounds(np.arange(len(limit)), best[0])


def worked_out(blocks: Blocks, cells: Worth, county: Ints, subset: Ints) -> tuple[Floats, Floats]:
    """([pair] worth, [pair, task] money) of counties with subsets; −inf where no money keeps the
    county's floor and cap."""
    worth, taken = _filled(blocks, cells, county, subset)
    back = np.empty_like(taken)
    np.put_along_axis(back, cells.foremost.order[county], taken, axis=1)
    chosen = blocks.subsets[subset]
    beyond = back.reshape(*chosen.shape, -1).sum(axis=2)
    return worth, blocks.least[county] * chosen + beyond


def _filled(blocks: Blocks, cells: Worth, county: Ints, subset: Ints) -> tuple[Floats, Floats]:
    """([pair] worth, [pair, segment] what is taken of the county's segments, best first)."""
    chosen, best = blocks.subsets[subset], cells.foremost
    slope = best.slope[county]
    width = best.width[county] * np.take_along_axis(chosen, best.task[county], axis=1)
    least = (blocks.least[county] * chosen).sum(axis=1)
    base = (cells.base[county] * chosen).sum(axis=1)
    base += cells.beside[0, 0] if len(cells.beside) == 1 else cells.beside[county, subset]
    upto = width.cumsum(axis=1)
    paying = np.where(slope > 0, width, 0.0).sum(axis=1)
    low, high = blocks.floor[county, subset] - least, blocks.cap[county, subset] - least
    possible = (high >= -1e-9) & (low <= upto[:, -1] + 1e-9) & blocks.allowed[county, subset]
    total = np.clip(paying, low, high)
    taken = np.clip(total[:, None] - (upto - width), 0.0, width)
    return np.where(possible, base + (taken * slope).sum(axis=1), -np.inf), taken
