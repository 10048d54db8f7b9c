"""All tables in whole units, parted until no part holds a better one: what a proof is made of."""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np

from optimizer.formulation.model import Floats, Model
from optimizer.solvers.base import Limit
from optimizer.solvers.decomposition.blocks import Blocks
from optimizer.solvers.decomposition.by_county import begun
from optimizer.solvers.decomposition.pricing import all_worths
from optimizer.solvers.decomposition.tree import MOST_COUNTIES, MoneySplit, Node, cases


class PartOfAll(NamedTuple):
    """A part of all tables in whole units, and what bounds it."""

    of: int
    """The place of the part that it is a part of; −1 of the first, which holds all."""
    county: int
    """Whose choice sets it apart from the other part of that; of the first, nobody's."""
    tasks: tuple[int, ...]
    """These are funded in the county and no others; or the money of this one is split."""
    most: int | None
    """So much money at the most, or one unit more at the least; None of a choice of tasks."""
    is_first: bool
    """It takes these tasks, or so much money at the most; else it is the other one."""
    prices: Floats | None
    """[row] prices that bound it; None where it has parts itself."""


def parts_of_all(
    model: Model, worth: float, limit: Limit, most: int
) -> tuple[float, Floats, list[PartOfAll]] | None:
    """(bound, [row] prices, parts): all tables in whole units, parted into so many at the most that
    none holds one that is better than the bound, which is near `worth` where the limit reaches
    that. At the prices choices are left out that stand in no better one. None where the model does
    not come apart, or too many choices are left.
    """
    found = begun(model)
    if found is None or found.blocks.model.grid.shape != model.grid.shape:
        return None  # Or counties are taken in parts, whose choices are no county's.
    if found.blocks.counties > MOST_COUNTIES:
        return None
    blocks, priced = found
    every = np.ones(blocks.counties, dtype=bool)
    loss = priced.plans.worth[:, None] - all_worths(blocks, priced.cells, every)
    parted = cases(blocks, priced, loss, worth, limit)
    if parted is None:
        return None
    pairs, root = parted
    bound, nodes = foremost(root, worth, most)

    def part(of: int, place: int) -> PartOfAll:
        node = nodes[place][1]
        prices = None
        if -node.minus_bound <= bound:
            prices = _by_row(blocks, node.prices)
        if of < 0:
            return PartOfAll(of, -1, (), None, True, prices)
        above = nodes[of][1]
        first = node is above.parts[0]
        if isinstance(above.by, MoneySplit):
            return PartOfAll(of, above.by.county, (above.by.task,), above.by.most, first, prices)
        tasks = np.flatnonzero(blocks.subsets[pairs.subset[above.by]])
        county = int(pairs.county[above.by])
        return PartOfAll(of, county, tuple(tasks.tolist()), None, first, prices)

    parts = [part(of, place) for place, (of, _) in enumerate(nodes)]
    return bound, _by_row(blocks, priced.prices), parts


def _by_row(blocks: Blocks, prices: Floats) -> Floats:
    """[row of the model] prices of its coupling rows, 0 of the others."""
    found = np.zeros(len(blocks.model.row_lower))
    found[blocks.rows] = prices
    return found


def foremost(root: Node, target: float, most: int) -> tuple[float, list[tuple[int, Node]]]:
    """(the least bound that so many parts prove, the nodes that do, each after the one that it is
    a part of, with that one's place, −1 of the first).

    Parts that prove no more than their node, or more than `target`, are left out: those nodes of
    the list that have a bound above it have both their parts there.
    """
    leaves = [root]
    while leaves[0].parts and -leaves[0].minus_bound > target and len(leaves) < most:
        for part in heapq.heappop(leaves).parts:
            heapq.heappush(leaves, part)
    bound = max(target, -leaves[0].minus_bound)
    found, waiting = [], [(-1, root)]
    while waiting:
        of, node = waiting.pop()
        found.append((of, node))
        if -node.minus_bound > bound:
            waiting += [(len(found) - 1, part) for part in reversed(node.parts)]
    return bound, found
