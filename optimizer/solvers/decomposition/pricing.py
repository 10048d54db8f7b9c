"""What each county is worth at given prices of the coupling rows, and how it gets there.

At prices the counties know nothing of each other. A funded cell gets its least money and then as
much as pays; its worth is concave in its money. A subset of funded cells is worth the sum of its
cells, where that keeps the county's floor and cap; elsewhere a price of the county's own money
bounds every subset from above, and only those whose bound reaches the best are worked out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.formulation.model import Floats, Ints
from optimizer.solvers.decomposition.blocks import Blocks, Flags

_STEPS, _MORE = 12, 4
_AT_ONCE = 20_000
_HAIR = 1e-13


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
    order: Ints
    """[county, task, tier] the tiers, best first."""
    room: Floats
    """[county, task, tier] in that order, 0 for a tier that is worth nothing."""


def worth_at(blocks: Blocks, prices: Floats) -> Worth:
    """The cells' worth at prices of the coupling rows."""
    reduced = blocks.cost - blocks.coupling.T @ prices
    money, fee = reduced[blocks.amount], reduced[blocks.funded]
    worth = np.where(blocks.tier >= 0, reduced[blocks.tier], 0.0)
    order = np.argsort(-worth, axis=2, kind="stable")
    worth = np.maximum(np.take_along_axis(worth, order, axis=2), 0.0)
    room = np.where(worth > 0, np.take_along_axis(blocks.room, order, axis=2), 0.0)
    room = np.minimum(room, np.clip(blocks.most[..., None] - (room.cumsum(2) - room), 0, None))
    above = np.clip(blocks.most - room.sum(axis=2), 0.0, None)[..., None]
    width = np.concatenate([room, above], axis=2)
    slope = np.concatenate([worth, np.zeros_like(above)], axis=2)
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
    return Worth(base, slope + money[..., None], width - inside, beside, order, room)


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
    if len(county):
        worth, amounts = worked_out(blocks, cells, county, other)
        for place in np.argsort(worth, kind="stable").tolist():
            at = county[place]
            if worth[place] > best[at]:
                best[at], subset[at], money[at] = worth[place], other[place], amounts[place]
    return Plans(best, subset, money)


def all_worths(blocks: Blocks, cells: Worth) -> Floats:
    """[county, subset] what each is worth, −inf for one that may not be funded."""
    return _worths_of(blocks, cells, blocks.allowed)


def foremost_worths(blocks: Blocks, cells: Worth, best: Floats, fewest: int) -> Floats:
    """As `all_worths`, of all that lose no more than a limit against their county's `best`, so
    many at the least, and −inf for others."""
    least = best[:, None] - worth_bounds(blocks, cells)
    count, possible = fewest, int(blocks.allowed.sum())
    while count < possible:
        limit = np.partition(least, count, axis=None)[count]
        worth = _worths_of(blocks, cells, blocks.allowed & (least <= limit))
        inside = best[:, None] - worth <= limit
        if inside.sum() >= fewest:
            return np.where(inside, worth, -np.inf)
        count *= _MORE
    return _worths_of(blocks, cells, blocks.allowed)


def _worths_of(blocks: Blocks, cells: Worth, wanted: Flags) -> Floats:
    worth = np.full(wanted.shape, -np.inf)
    county, subset = np.nonzero(wanted)
    for start in range(0, len(county), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found = worked_out(blocks, cells, county[part], subset[part])[0]
        worth[county[part], subset[part]] = found
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
    if blocks.stays is not None:
        kept = blocks.kept >= 0
        values[blocks.kept[kept]] = np.minimum(plans.money, blocks.stays)[kept]
    if blocks.untouched is not None:
        alone = np.append(blocks.is_left_alone(plans.subset), False)[blocks.column_county]
        values = np.where(alone, blocks.left_alone, values)
    return values


def tiers_filled(cells: Worth, county: Ints, money: Floats) -> Floats:
    """[plan, task, tier] what plans of counties put into their tiers; `money`: [plan, task]."""
    room = cells.room[county]
    taken = np.clip(money[..., None] - (room.cumsum(axis=2) - room), 0.0, room)
    filled = np.zeros_like(room)
    np.put_along_axis(filled, cells.order[county], taken, axis=2)
    return filled


def _hair(best: Floats) -> Floats:
    return np.asarray(_HAIR * np.maximum(np.abs(np.where(np.isfinite(best), best, 0.0)), 1e-3))


def worth_bounds(blocks: Blocks, cells: Worth) -> Floats:
    """[county, subset] more than a subset is worth; exactly that where the best one keeps the
    county's floor and cap by itself."""
    above, used = _relaxed(blocks, cells, np.arange(blocks.counties), None)
    own = np.arange(blocks.counties)
    first = above.argmax(axis=1)
    total = used[own, first]
    over, under = total > blocks.cap[own, first], total < blocks.floor[own, first]
    rows = np.flatnonzero(over | under)
    if len(rows):
        above[rows] = _at_own_price(blocks, cells, rows, over[rows])
    return above


def _relaxed(
    blocks: Blocks, cells: Worth, rows: Ints, price: Floats | None
) -> tuple[Floats, Floats]:
    """([row, subset] worth, [row, subset] money) of counties, without floor and cap, at a price of
    their money."""
    slope, base, least = cells.slope[rows], cells.base[rows], blocks.least[rows]
    if price is not None:
        slope, base = slope - price[:, None, None], base - price[:, None] * least
    width = cells.width[rows]
    chosen = blocks.subsets.T.astype(float)
    worth = (base + (np.maximum(slope, 0.0) * width).sum(axis=2)) @ chosen
    worth += cells.beside if len(cells.beside) == 1 else cells.beside[rows]
    used = (least + np.where(slope > 0, width, 0.0).sum(axis=2)) @ chosen
    return np.where(blocks.allowed[rows], worth, -np.inf), used


def _at_own_price(blocks: Blocks, cells: Worth, rows: Ints, over: np.ndarray) -> Floats:
    """[row, subset] bounds at the price of the county's money that makes the largest one least.

    The bound is convex and of straight pieces in the price: two tangents meet in the next price.
    """
    each = np.arange(len(rows))
    limit = np.where(over[:, None], blocks.cap[rows], blocks.floor[rows])
    steep = np.abs(cells.slope[rows]).max(axis=(1, 2)) + np.abs(cells.base[rows]).max(axis=1) + 1.0

    def tangent(price: Floats) -> tuple[Floats, Floats, Floats]:
        worth, used = _relaxed(blocks, cells, rows, price)
        worth = worth + np.where(blocks.allowed[rows], price[:, None] * limit, 0.0)
        first = worth.argmax(axis=1)
        return worth, worth[each, first], (limit - used)[each, first]

    ends = np.zeros(len(rows)), np.where(over, steep, -steep)
    low, high = np.minimum(*ends), np.maximum(*ends)
    left, right = tangent(low), tangent(high)
    best, least = left[0], left[1]
    better = right[1] < least
    best, least = np.where(better[:, None], right[0], best), np.where(better, right[1], least)
    low_line, high_line = (left[1], left[2]), (right[1], right[2])
    for _ in range(_STEPS):
        gap = high_line[1] - low_line[1]
        met = (low_line[0] - high_line[0] + high_line[1] * high - low_line[1] * low) / np.where(
            gap > 0, gap, 1.0
        )
        price = np.where(gap > 0, np.clip(met, low, high), low)
        worth, top, slant = tangent(price)
        better = top < least
        best, least = np.where(better[:, None], worth, best), np.where(better, top, least)
        falls = slant < 0
        low, high = np.where(falls, price, low), np.where(falls, high, price)
        low_line = np.where(falls, top, low_line[0]), np.where(falls, slant, low_line[1])
        high_line = np.where(falls, high_line[0], top), np.where(falls, high_line[1], slant)
        if not (better & (gap > 0)).any():
            break
    return best


def worked_out(blocks: Blocks, cells: Worth, county: Ints, subset: Ints) -> tuple[Floats, Floats]:
    """([pair] worth, [pair, task] money) of counties with subsets; −inf where no money keeps the
    county's floor and cap."""
    chosen = blocks.subsets[subset]
    pairs, tasks = chosen.shape
    slope = cells.slope[county].reshape(pairs, -1)
    width = (cells.width[county] * chosen[..., None]).reshape(pairs, -1)
    least = (blocks.least[county] * chosen).sum(axis=1)
    base = (cells.base[county] * chosen).sum(axis=1)
    base += cells.beside[0, 0] if len(cells.beside) == 1 else cells.beside[county, subset]
    order = np.argsort(-slope, axis=1, kind="stable")
    slope = np.take_along_axis(slope, order, axis=1)
    width = np.take_along_axis(width, order, axis=1)
    upto = width.cumsum(axis=1)
    paying = np.where(slope > 0, width, 0.0).sum(axis=1)
    low, high = blocks.floor[county, subset] - least, blocks.cap[county, subset] - least
    possible = (high >= -1e-9) & (low <= upto[:, -1] + 1e-9) & blocks.allowed[county, subset]
    total = np.clip(paying, low, high)
    taken = np.clip(total[:, None] - (upto - width), 0.0, width)
    worth = np.where(possible, base + (taken * slope).sum(axis=1), -np.inf)
    back = np.empty_like(taken)
    np.put_along_axis(back, order, taken, axis=1)
    return worth, blocks.least[county] * chosen + back.reshape(pairs, tasks, -1).sum(axis=2)
