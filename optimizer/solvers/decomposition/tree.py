"""Every choice of funded cells that may still be as good as the best known: branch and price.

Of the pairs of a county and a subset, those that lose little are left. A node allows some of them;
prices of the coupling rows bound it, and it falls away as soon as any prices show that nothing in
it reaches the target. What is left is split by the county's subset, until one choice remains, which
is read.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse

from optimizer.formulation.model import Floats, Ints
from optimizer.solvers.base import Limit
from optimizer.solvers.decomposition.blocks import Blocks, Flags
from optimizer.solvers.decomposition.bound import Priced, bound_at, clipped, new_master
from optimizer.solvers.decomposition.choice import Pairs, pairs_within
from optimizer.solvers.decomposition.pricing import Worth, tiers_filled, worked_out, worth_at

MOST_COUNTIES = 400
"""Counties up to which a search is begun."""
_ROUNDS = 12
_CLOSE, _WHOLE, _SAME = 1e-9, 1e-6, 1e-7
_PROBED, _STEPS = 16, 20
"""Pairs that are tried before a node is split by one, and simplex steps that each may take."""

Read = Callable[[Ints], float]
"""What reads one choice, [county] its subset: returns the target from then on."""


class Reached(NamedTuple):
    """What a search came to."""

    bound: float
    """No choice that was not read is better."""
    closed: bool
    """Every choice that reaches the target was read."""


class _Split(NamedTuple):
    """A pair that is taken wholly or not at all where it was taken in part."""

    pair: int
    taken: int
    """1 where it is taken, 0 where not."""
    distance: float
    """How much of it that changed."""
    bound: float
    """Before."""


@dataclass(order=True)
class _Node:
    """Choices among the pairs that are still allowed; those with the best bound come first."""

    minus_bound: float
    number: int
    allowed: Flags = field(compare=False)
    """[pair]"""
    prices: Floats = field(compare=False)
    """[coupling row] those that bound it most tightly."""
    split: _Split | None = field(compare=False, default=None)
    """How it came about."""

    def told(self, bound: float, prices: Floats) -> None:
        """Keep the better bound."""
        if -bound > self.minus_bound:
            self.minus_bound, self.prices = -bound, prices


def every_choice(
    blocks: Blocks, priced: Priced, loss: Floats, target: float, read: Read, limit: Limit
) -> Reached:
    """Read every choice whose bound is `target` or more, as far as the limit allows.

    `loss`: [county, subset] what a pair loses at the prices of `priced`; none of a choice that
    reaches the target loses more than their bound less the target.
    """
    everyone = np.ones(blocks.counties, dtype=bool)
    pairs = pairs_within(blocks, loss, priced.bound - target, everyone)
    if not 0 < len(pairs.county) <= limit.pairs or blocks.counties > MOST_COUNTIES:
        return Reached(priced.bound, False)
    tree = _Tree(pairs, target, read)
    return tree.searched(_Node(-priced.bound, 0, pairs.county >= 0, priced.prices), limit)


class _Tree:
    """Nodes still to be looked at, over one master problem that all plans are added to."""

    def __init__(self, pairs: Pairs, target: float, read: Read) -> None:
        self.pairs, self.blocks = pairs, pairs.blocks
        self.target, self.read = target, read
        self.nodes: list[_Node] = []
        self.spent = self.made = 0
        self.scale = 1.0 / (self.blocks.model.largest_cost or 1.0)
        self.master, self.first = new_master(self.blocks, self.scale, self.blocks.counties)
        self.of = np.zeros(0, dtype=np.int64)
        """[plan of the master] its pair."""
        self.known: set[tuple[int, bytes]] = set()
        self.falls = np.zeros((2, len(pairs.county), 2))
        """[sum or count, pair, taken] of what the bound fell by for a whole change of a pair."""

    def searched(self, root: _Node, limit: Limit) -> Reached:
        self.nodes = [root]
        while self.nodes and -self.nodes[0].minus_bound >= self.target:
            if self.spent >= limit.pricings or limit.clock.is_over():
                return Reached(-self.nodes[0].minus_bound, False)
            node = heapq.heappop(self.nodes)
            weights = self.mixed(node)
            if weights is not None:
                self.split(node, weights)
        return Reached(self.target, True)

    def mixed(self, node: _Node) -> Floats | None:
        """[pair] how much of it the best mixture of plans takes; None where a bound shows that
        nothing in the node reaches the target."""
        rows, prices = len(self.blocks.lower), node.prices
        self.master.set_upper(self.first, self.open(node.allowed))
        for _ in range(_ROUNDS):
            self.spent += 1
            node.told(self.price(prices, node.allowed), prices)
            if -node.minus_bound < self.target:
                self.learn(node)
                return None
            objective, values, duals = self.master.solve()
            if -node.minus_bound - objective / self.scale < _CLOSE * abs(node.minus_bound):
                break
            prices = clipped(self.blocks, duals[:rows] / self.scale)
        self.learn(node)
        taken = np.bincount(self.of, values[self.first :], len(node.allowed))
        return np.asarray(taken, dtype=float)

    def learn(self, node: _Node) -> None:
        """What a split did to the bound."""
        if node.split is not None:
            fall, slack = node.split.bound + node.minus_bound, node.split.bound - self.target
            self.tell(node.split, fall, slack)

    def open(self, allowed: Flags) -> Floats:
        """[plan] its upper end."""
        return np.where(allowed[self.of], np.inf, 0.0)

    def price(self, prices: Floats, allowed: Flags) -> float:
        """The bound that prices make over the pairs allowed; their best plans join the master."""
        blocks, pairs = self.blocks, self.pairs
        cells = worth_at(blocks, prices)
        worth, money = worked_out(blocks, cells, pairs.county, pairs.subset)
        worth = np.where(allowed, worth, -np.inf)
        top = np.full(blocks.counties, -np.inf)
        np.maximum.at(top, pairs.county, worth)
        if not np.isfinite(top).all():
            return -np.inf
        self.join(cells, money, np.flatnonzero(allowed))
        return bound_at(blocks, prices, top)

    def join(self, cells: Worth, money: Floats, chosen: Ints) -> None:
        """The plans of some pairs as columns of the master, those that it does not have yet."""
        keys = [(pair, money[pair].tobytes()) for pair in chosen.tolist()]
        new = np.array([key not in self.known for key in keys])
        self.known.update(keys)
        if not new.any():
            return
        chosen = chosen[new]
        pair, _, task = self.pairs.cells
        cell, number, _ = self.pairs.tiers
        tiers = tiers_filled(cells, self.pairs.county, money)[pair[cell], task[cell], number]
        held, free = money[pair, task], np.zeros(self.pairs.ends[-1] - self.pairs.ends[3])
        stays = self.blocks.model.upper[self.pairs.kept[1]]
        kept = np.minimum(held[self.pairs.kept[0]], stays)
        values = np.concatenate([np.ones(len(money)), held, tiers, kept, free])
        cost, taken, owner = self.taken
        each = sparse.csr_matrix((values, (np.arange(len(values)), owner)))
        counties = self.pairs.county[chosen], np.arange(len(chosen))
        shape = self.blocks.counties, len(chosen)
        ones = sparse.csc_matrix((np.ones(len(chosen)), counties), shape=shape)
        columns = sparse.vstack([(taken @ each)[:, chosen], ones], format="csc")
        self.master.add((each.T @ cost)[chosen] * self.scale, columns, np.full(len(chosen), np.inf))
        self.of = np.append(self.of, chosen)

    @cached_property
    def taken(self) -> tuple[Floats, sparse.csr_matrix, Ints]:
        """([column of the pairs] cost, [coupling row, column], [column] its pair; the last of all
        for what is no pair's)."""
        pair, _, _ = self.pairs.cells
        cell, _, _ = self.pairs.tiers
        nobody = np.full(self.pairs.ends[-1] - self.pairs.ends[3], len(self.pairs.county))
        keeping = pair[self.pairs.kept[0]]
        each = np.arange(len(self.pairs.county))
        owner = np.concatenate([each, pair, pair[cell], keeping, nobody])
        cost = np.asarray(self.pairs.origin.T @ self.blocks.cost)
        return cost, (self.blocks.coupling @ self.pairs.origin).tocsr(), owner

    def split(self, node: _Node, weights: Floats) -> None:
        """By one pair that the mixture takes in part; a choice that takes each wholly is read, and
        every other one is left in some county or another."""
        parted = np.flatnonzero((weights > _WHOLE) & (weights < 1 - _WHOLE))
        if len(parted):
            pair = self.best_split(node, parted, weights)
            bound, weight = -node.minus_bound, float(weights[pair])
            self.add(node, self.only(node.allowed, pair), _Split(pair, 1, 1 - weight, bound))
            self.add(node, self.without(node.allowed, pair), _Split(pair, 0, weight, bound))
            return
        chosen = np.flatnonzero(weights > 0.5)
        self.target = max(self.target, self.read(self.pairs.subset[chosen]))
        left = node.allowed
        for pair in self.farthest_first(node, chosen).tolist():
            self.add(node, self.without(left, pair))
            left = self.only(left, pair)

    def add(self, parent: _Node, allowed: Flags, split: _Split | None = None) -> None:
        self.made += 1
        node = _Node(parent.minus_bound, self.made, allowed, parent.prices, split)
        heapq.heappush(self.nodes, node)

    def only(self, allowed: Flags, pair: int) -> Flags:
        """Without the other pairs of the pair's county."""
        county = self.pairs.county
        left: Flags = allowed & (county != county[pair])
        left[pair] = True
        return left

    def without(self, allowed: Flags, pair: int) -> Flags:
        left = allowed.copy()
        left[pair] = False
        return left

    def farthest_first(self, node: _Node, chosen: Ints) -> Ints:
        """Pairs of a choice in whose county another is allowed, where that loses most first: those
        fall away at once, and bind the counties of the others."""
        cells = worth_at(self.blocks, node.prices)
        worth = worked_out(self.blocks, cells, self.pairs.county, self.pairs.subset)[0]
        others = np.where(node.allowed, worth, -np.inf)
        others[chosen] = -np.inf
        second = np.full(self.blocks.counties, -np.inf)
        np.maximum.at(second, self.pairs.county, others)
        free = chosen[np.isfinite(second[self.pairs.county[chosen]])]
        gain = second[self.pairs.county[free]] - worth[free]
        order: Ints = free[np.argsort(gain, kind="stable")]
        return order

    def best_split(self, node: _Node, parted: Ints, weights: Floats) -> int:
        """The pair that costs the bound most both ways: by what it did before, or by a trial where
        it is not known, of those most evenly taken."""
        slack = -node.minus_bound - self.target
        order = parted[np.argsort(np.abs(weights[parted] - 0.5), kind="stable")]
        unknown = order[(self.falls[1, order] == 0).any(axis=1)][:_PROBED]
        before = self.open(node.allowed)
        for pair in unknown.tolist():
            for taken, allowed in enumerate((self.without, self.only)):
                upper = self.open(allowed(node.allowed, pair))
                fall = self.master.probed(self.first, upper, before, _STEPS) / self.scale
                self.tell(_Split(pair, taken, abs(1 - taken - weights[pair]), 0.0), fall, slack)
        counts = np.maximum(self.falls[1, order], 1e-9)
        each = np.where(self.falls[1, order] > 0, self.falls[0, order] / counts, np.inf)
        distance = np.stack([weights[order], 1 - weights[order]], axis=1)
        both = np.clip(np.minimum(each * distance, slack), 1e-12, None).prod(axis=1)
        return int(order[both.argmax()])

    def tell(self, split: _Split, fall: float, most: float) -> None:
        """What the bound fell by; more than `most` makes no difference."""
        if split.distance > _WHOLE:
            each = min(max(fall, 0.0), 2 * most) / split.distance
            self.falls[:, split.pair, split.taken] += each, 1
