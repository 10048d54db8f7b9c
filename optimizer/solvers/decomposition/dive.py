"""A choice of funded cells that is near enough, found soon.

In the best mixture of plans a few counties take several pairs in part. One after the other takes
one of them wholly, first the county whose plans differ most in what the others are to make up for;
what is left after that hardly moves. Where that leads nowhere, the other branches are taken up,
those first that have lost least; then the plans that came up so are given to an integer program.
"""

from __future__ import annotations

import heapq

import numpy as np
from scipy import sparse

from optimizer.formulation.model import Columns, Floats, Ints, Model
from optimizer.solvers.decomposition.blocks import Flags
from optimizer.solvers.decomposition.choice import Pairs
from optimizer.solvers.decomposition.plan_master import Mixture, PlanMaster

_WHOLE, _KEPT = 1e-6, 1e-7
_EACH = 0.1
"""What a county that is still parted counts for, of all that may be lost: at 0.03 and at 0.2 a
tenth more of 71 questions of the shipped scenario stay open after 100 branches."""


class Dive(PlanMaster):
    """Looks among some pairs for a choice worth the target; keeps the best one that it meets."""

    def __init__(self, pairs: Pairs, bound: float, target: float) -> None:
        """`bound`: nothing is better."""
        super().__init__(pairs)
        self.bound, self.target = bound, target
        self.best: tuple[float, Ints] | None = None
        """(what a choice is worth at the least, [county] its subset)."""

    def down(self, prices: Floats, branches: int) -> None:
        """Look into so many branches, or until the target is reached."""
        everyone = self.pairs.county >= 0
        self.price(prices, everyone)
        waiting: list[tuple[float, int, Flags]] = []
        allowed: Flags | None = everyone
        for number in range(branches):
            if allowed is None:
                if not waiting:
                    return
                allowed = heapq.heappop(waiting)[-1]
            mixture, here, allowed = self.mixed(allowed), allowed, None
            if mixture is None:
                continue
            parted = self.parted(mixture)
            if not len(parted):
                self.keep(mixture)
                if self.reaches:
                    return
                continue
            pair = self.farthest(mixture, parted)
            lost = self.bound - mixture.objective
            lost += _EACH * len(parted) * (self.bound - self.target)
            heapq.heappush(waiting, (lost, number, self.without(here, pair)))
            allowed = self.only(here, pair)

    def mixed(self, allowed: Flags) -> Mixture | None:
        """The best mixture once its prices have brought further plans; None where they show that
        nothing among the pairs reaches the target."""
        if self.price(self.mixture(allowed).prices, allowed) < self.target:
            return None
        return self.mixture(allowed)

    def parted(self, mixture: Mixture) -> Ints:
        """Counties that take no pair wholly."""
        most = np.zeros(self.blocks.counties)
        np.maximum.at(most, self.pairs.county, mixture.weights)
        return np.flatnonzero(most < 1 - _WHOLE)

    def keep(self, mixture: Mixture) -> None:
        """Keep a choice that every county takes wholly, where it is the best."""
        chosen = np.flatnonzero(mixture.weights > 0.5)
        if mixture.slack < _KEPT and (self.best is None or mixture.objective > self.best[0]):
            self.best = mixture.objective, self.pairs.subset[chosen]

    @property
    def reaches(self) -> bool:
        """Whether the target is reached."""
        return self.best is not None and self.best[0] >= self.target

    def farthest(self, mixture: Mixture, parted: Ints) -> int:
        """The pair most taken by the county whose plans lie farthest apart in what they take of
        the coupling rows, at the rows' prices."""
        plan = np.flatnonzero(mixture.plans > _WHOLE)
        plan = plan[np.isin(self.pairs.county[self.of[plan]], parted)]
        county, share = self.pairs.county[self.of[plan]], mixture.plans[plan]
        each = np.abs(mixture.prices) * self.takes[:, plan].T.toarray()
        mean = np.zeros((self.blocks.counties, each.shape[1]))
        np.add.at(mean, county, each * share[:, None])
        apart = np.abs(each - mean[county]).sum(axis=1) * share
        first = np.bincount(county, apart, self.blocks.counties).argmax()
        return int(np.where(self.pairs.county == first, mixture.weights, -1.0).argmax())

    @property
    def takes(self) -> sparse.csc_matrix:
        """[coupling row, plan] what it takes of the row."""
        worth, takes = (list(part) for part in zip(*self.joined, strict=True))
        if len(takes) > 1:
            self.joined = [(np.concatenate(worth), sparse.hstack(takes, format="csc"))]
        return self.joined[0][1]

    def program(self) -> Model:
        """Which pair each county takes, of the plans that came up: a binary for each pair, then how
        much of each plan, then the columns of no county."""
        blocks, takes, pairs = self.blocks, self.takes, len(self.pairs.county)
        plans, free = takes.shape[1], len(blocks.free)
        pick, own = np.arange(pairs), np.ones(plans)
        one = sparse.csr_matrix((np.ones(pairs), (self.pairs.county, pick)))
        of = sparse.csr_matrix((own, (self.of, np.arange(plans))), shape=(pairs, plans))
        rows = (
            [sparse.csr_matrix((takes.shape[0], pairs)), takes, blocks.coupling[:, blocks.free]],
            [one, sparse.csr_matrix((blocks.counties, plans + free))],
            [-sparse.identity(pairs), of, sparse.csr_matrix((pairs, free))],
        )
        matrix = sparse.vstack([sparse.hstack(row) for row in rows], format="csr")
        ones, none, nobody = np.ones(blocks.counties), np.zeros(pairs), np.zeros(0, dtype=int)
        end = matrix.shape[1]
        return Model(
            cost=np.concatenate([none, self.joined[0][0], blocks.cost[blocks.free]]),
            lower=np.zeros(end),
            upper=np.concatenate([np.ones(pairs), own, blocks.model.upper[blocks.free]]),
            integer=np.arange(end) < pairs,
            matrix=matrix,
            row_lower=np.concatenate([blocks.lower, ones, none]),
            row_upper=np.concatenate([blocks.upper, ones, none]),
            grid=Columns((pairs, 1), pick, None, nobody, nobody, nobody),
            limits=(),
            column_names=tuple,
            row_names=tuple,
            own_county=np.full(end, -1),
        )

    def chosen(self, values: Floats) -> Ints:
        """[county] its subset in a solution of the program."""
        return self.pairs.subset[values[: len(self.pairs.county)] > 0.5]
