"""Every choice of funded cells that may still be as good as the best known: branch and price.

Of the pairs of a county and a subset, those that lose little are left. A node allows some of them;
prices of the coupling rows bound it, and it falls away as soon as any prices show that nothing in
it reaches the target. What is left is split by the county's subset, until one choice remains, which
is read.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from models.errors import NoAnswerError
from optimizer.formulation.model import Floats, Ints
from optimizer.solvers.base import Limit
from optimizer.solvers.decomposition.blocks import Blocks, Flags
from optimizer.solvers.decomposition.bound import Priced
from optimizer.solvers.decomposition.choice import Pairs, pairs_within
from optimizer.solvers.decomposition.plan_master import Ends, PlanMaster
from optimizer.solvers.decomposition.pricing import tiers_filled, worked_out, worth_at

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


class MoneySplit(NamedTuple):
    """A cell that gets so many money units at the most, or one more at the least."""

    county: int
    task: int
    most: int


@dataclass(order=True)
class Node:
    """Choices among the pairs that are still allowed; those with the best bound come first."""

    minus_bound: float
    number: int
    allowed: Flags = field(compare=False)
    """[pair]"""
    prices: Floats = field(compare=False)
    """[coupling row] those that bound it most tightly."""
    split: _Split | None = field(compare=False, default=None)
    """How it came about."""
    ends: Ends | None = field(compare=False, default=None)
    """Where money was split, too."""
    by: int | MoneySplit | None = field(compare=False, default=None)
    """The pair that the first of its parts takes and the second does not, or the money."""
    parts: tuple[Node, ...] = field(compare=False, default=())
    """Two, or none."""

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
    pairs = _within(blocks, priced, loss, target, limit)
    if pairs is None:
        return Reached(priced.bound, False)
    tree = _Tree(pairs, target, read)
    return tree.searched(Node(-priced.bound, 0, pairs.county >= 0, priced.prices), limit)


def cases(
    blocks: Blocks, priced: Priced, loss: Floats, target: float, limit: Limit
) -> tuple[Pairs, Node] | None:
    """All choices, in whole money units, parted until none of the parts holds one that is worth
    more than `target`, or the limit is reached: pairs and the part that holds all; None where there
    are too many.

    Of pairs that are left out none stands in a choice that is worth more than the target.
    """
    pairs = _within(blocks, priced, loss, target, limit)
    if pairs is None:
        return None
    root = Node(-priced.bound, 0, pairs.county >= 0, priced.prices)
    with suppress(NoAnswerError):  # What is parted by then stays so.
        _Tree(pairs, target, None).searched(root, limit)
    return pairs, root


def _within(
    blocks: Blocks, priced: Priced, loss: Floats, target: float, limit: Limit
) -> Pairs | None:
    """The pairs that may stand in a choice that reaches the target; None of too many."""
    everyone = np.ones(blocks.counties, dtype=bool)
    pairs = pairs_within(blocks, loss, priced.bound - target, everyone)
    if not 0 < len(pairs.county) <= limit.pairs or blocks.counties > MOST_COUNTIES:
        return None
    return pairs


class _Tree(PlanMaster):
    """Nodes still to be looked at, over one master problem that all plans are added to."""

    def __init__(self, pairs: Pairs, target: float, read: Read | None) -> None:
        super().__init__(pairs)
        self.target, self.read = target, read
        self.nodes: list[Node] = []
        self.spent = self.made = 0
        self.falls = np.zeros((2, len(pairs.county), 2))
        """[sum or count, pair, taken] of what the bound fell by for a whole change of a pair."""

    def searched(self, root: Node, limit: Limit) -> Reached:
        self.nodes = [root]
        while self.nodes and -self.nodes[0].minus_bound >= self.target:
            if self.spent >= limit.pricings or limit.clock.is_over():
                return Reached(-self.nodes[0].minus_bound, False)
            node = heapq.heappop(self.nodes)
            plans = self.mixed(node)
            if plans is not None:
                self.split(node, plans)
        return Reached(self.target, True)

    def mixed(self, node: Node) -> Floats | None:
        """[plan] how much of it the best mixture takes; None where a bound shows that nothing in
        the node reaches the target."""
        prices = node.prices
        for _ in range(_ROUNDS):
            self.spent += 1
            node.told(self.price(prices, node.allowed, node.ends), prices)
            if -node.minus_bound < self.target:
                self.learn(node)
                return None
            mixture = self.mixture(node.allowed, node.ends)
            if -node.minus_bound - mixture.objective < _CLOSE * abs(node.minus_bound):
                break
            prices = mixture.prices
        self.learn(node)
        return mixture.plans

    def learn(self, node: Node) -> None:
        """What a split did to the bound."""
        if node.split is not None:
            fall, slack = node.split.bound + node.minus_bound, node.split.bound - self.target
            self.tell(node.split, fall, slack)

    def split(self, node: Node, plans: Floats) -> None:
        """By one pair that the mixture takes in part; a choice that takes each wholly is read, and
        every other one is left in some county or another."""
        weights = np.bincount(self.of, plans, len(node.allowed)).astype(float)
        parted = np.flatnonzero((weights > _WHOLE) & (weights < 1 - _WHOLE))
        if len(parted):
            pair = self.best_split(node, parted, weights)
            bound, weight = -node.minus_bound, float(weights[pair])
            self.part(node, pair)
            self.add(node.parts[0], _Split(pair, 1, 1 - weight, bound))
            self.add(node.parts[1], _Split(pair, 0, weight, bound))
            return
        chosen = np.flatnonzero(weights > 0.5)
        if self.read is not None:
            self.target = max(self.target, self.read(self.pairs.subset[chosen]))
        only = node
        for pair in self.farthest_first(node, chosen).tolist():
            self.part(only, pair)
            self.add(only.parts[1])
            only = only.parts[0]
        if self.read is None:
            self.split_money(only, plans)

    def split_money(self, node: Node, plans: Floats) -> None:
        """A choice by a cell whose money is no whole number of units; where all is whole, nothing
        in it is better."""
        money = np.zeros(self.blocks.least.shape)
        np.add.at(money, self.pairs.county[self.of], plans[:, None] * self.money)
        steps = self.blocks.model.grid.step.reshape(money.shape)
        away = np.abs(money / steps - np.round(money / steps))
        if away.max() <= _WHOLE:
            away = self.above_order(node, money)
        if away.max() <= _WHOLE:
            self.target = max(self.target, -node.minus_bound)
            return
        county, task = np.unravel_index(int(away.argmax()), away.shape)
        step = int(steps[county, task])
        most = step * int(np.floor(money[county, task] / step))
        node.by = MoneySplit(int(county), int(task), most)
        ends = node.ends or (self.blocks.least, self.blocks.most)
        low, high = ends[0].copy(), ends[1].copy()
        high[county, task], low[county, task] = most, most + step
        self.into(node, (node.allowed, node.allowed), ((ends[0], high), (low, ends[1])))
        for part in node.parts:
            self.add(part)

    def above_order(self, node: Node, money: Floats) -> Floats:
        """[county, task] what a cell that fills its tiers in order counts for in the bound, beyond
        what it is worth with that money, as a share of the largest cost."""
        blocks, prices = self.blocks, node.prices
        if node.ends is not None:
            blocks = replace(blocks, least=node.ends[0], most=node.ends[1])
        worth = (blocks.cost - blocks.coupling.T @ prices)[blocks.tier]
        counted = tiers_filled(worth_at(blocks, prices), np.arange(blocks.counties), money)
        held = np.clip(
            money[..., None] - (blocks.room.cumsum(axis=2) - blocks.room), 0, blocks.room
        )
        apart = np.where(blocks.tier >= 0, worth * (counted - held), 0.0).sum(axis=2)
        return np.asarray(np.where(blocks.in_order, apart * self.scale, 0.0))

    def part(self, node: Node, pair: int) -> None:
        """Into the choices that take a pair and those that do not."""
        node.by = pair
        allowed = self.only(node.allowed, pair), self.without(node.allowed, pair)
        self.into(node, allowed, (node.ends, node.ends))

    def into(
        self, node: Node, allowed: tuple[Flags, Flags], ends: tuple[Ends | None, Ends | None]
    ) -> None:
        """Into two parts, which have its bound until they are looked at."""
        node.parts = tuple(
            Node(node.minus_bound, self.made + 1 + at, allowed[at], node.prices, ends=ends[at])
            for at in (0, 1)
        )
        self.made += 2

    def add(self, node: Node, split: _Split | None = None) -> None:
        node.split = split
        heapq.heappush(self.nodes, node)

    def farthest_first(self, node: Node, chosen: Ints) -> Ints:
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

    def best_split(self, node: Node, parted: Ints, weights: Floats) -> int:
        """The pair that costs the bound most both ways: by what it did before, or by a trial where
        it is not known, of those most evenly taken."""
        slack = -node.minus_bound - self.target
        order = parted[np.argsort(np.abs(weights[parted] - 0.5), kind="stable")]
        unknown = order[(self.falls[1, order] == 0).any(axis=1)][:_PROBED]
        before = self.open(node.allowed, node.ends)
        for pair in unknown.tolist():
            for taken, allowed in enumerate((self.without, self.only)):
                upper = self.open(allowed(node.allowed, pair), node.ends)
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
