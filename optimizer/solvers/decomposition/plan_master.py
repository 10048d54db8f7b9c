"""The master problem over plans of pairs of a county and its funded cells.

Each county takes one plan, or mixes some; plans join at prices of the coupling rows. Which pairs
are allowed changes from solve to solve, the plans stay.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse

from optimizer.formulation.model import Floats, Ints
from optimizer.solvers.decomposition.blocks import Flags
from optimizer.solvers.decomposition.bound import bound_at, clipped, new_master
from optimizer.solvers.decomposition.choice import Pairs
from optimizer.solvers.decomposition.pricing import Worth, tiers_filled, worked_out, worth_at

_WHOLE = 1e-6
Ends = tuple[Floats, Floats]
"""[county, task] least and most money of the cells that are funded."""


class Mixture(NamedTuple):
    """The best mixture of plans of the pairs allowed."""

    objective: float
    prices: Floats
    """[coupling row] those that it goes by, of the sides that the rows have."""
    plans: Floats
    """[plan] how much of it is taken."""
    weights: Floats
    """[pair] the same."""
    slack: float
    """What the coupling rows lack or have over."""


class PlanMaster:
    """One linear program that all plans are added to."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs, self.blocks = pairs, pairs.blocks
        self.scale = 1.0 / (self.blocks.model.largest_cost or 1.0)
        self.master, self.first = new_master(self.blocks, self.scale, self.blocks.counties)
        self.of = np.zeros(0, dtype=np.int64)
        """[plan of the master] its pair."""
        self.money = np.zeros((0, self.blocks.subsets.shape[1]))
        """[plan of the master, task]"""
        self.known: set[tuple[int, bytes]] = set()
        self.joined: list[tuple[Floats, sparse.csc_matrix]] = []
        """(cost, what they take of the coupling rows) of the plans, as they came."""

    def mixture(self, allowed: Flags, ends: Ends | None = None) -> Mixture:
        """The best mixture of the plans that have joined."""
        rows = len(self.blocks.lower)
        self.master.set_upper(self.first, self.open(allowed, ends))
        objective, values, duals = self.master.solve()
        plans = values[self.first :]
        weights = np.bincount(self.of, plans, len(allowed)).astype(float)
        prices = clipped(self.blocks, duals[:rows] / self.scale)
        slack = float(values[: 2 * rows].sum())
        return Mixture(objective / self.scale, prices, plans, weights, slack)

    def open(self, allowed: Flags, ends: Ends | None = None) -> Floats:
        """[plan] its upper end."""
        fits = allowed[self.of]
        if ends is not None:
            least, most = (end[self.pairs.county[self.of]] for end in ends)
            funded = self.blocks.subsets[self.pairs.subset[self.of]]
            inside = (self.money >= least - _WHOLE) & (self.money <= most + _WHOLE)
            fits &= (inside | ~funded).all(axis=1)
        return np.where(fits, np.inf, 0.0)

    def price(self, prices: Floats, allowed: Flags, ends: Ends | None = None) -> float:
        """The bound that prices make over the pairs allowed; their best plans join the master."""
        blocks, pairs = self.blocks, self.pairs
        if ends is not None:
            least, most = ends
            blocks = replace(blocks, least=least, most=most)
            never = (least > most)[pairs.county] & blocks.subsets[pairs.subset]
            allowed = allowed & ~never.any(axis=1)
        cells = worth_at(blocks, prices)
        worth, money = worked_out(blocks, cells, pairs.county, pairs.subset)
        worth = np.where(allowed, worth, -np.inf)
        top = np.full(blocks.counties, -np.inf)
        np.maximum.at(top, pairs.county, worth)
        if not np.isfinite(top).all():
            return -np.inf
        self.join(cells, money, np.flatnonzero(np.isfinite(worth)))
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
        worth, takes = (each.T @ cost)[chosen], (taken @ each)[:, chosen].tocsc()
        columns = sparse.vstack([takes, ones], format="csc")
        self.master.add(worth * self.scale, columns, np.full(len(chosen), np.inf))
        self.joined.append((worth, takes))
        self.of = np.append(self.of, chosen)
        self.money = np.concatenate([self.money, money[chosen]])

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
