"""Of very many counties, those whose plan is still to be chosen; the others keep a plan they had.

At the bound's prices most counties have one best plan, and only a few must give and take until the
coupling rows are kept. A linear program over the plans of the last prices finds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.formulation.model import Floats, Ints
from optimizer.solvers.decomposition.blocks import Blocks
from optimizer.solvers.decomposition.bound import Priced, add_slacks
from optimizer.solvers.highs_lp import GrowingLp

FROM = 400
"""Counties from which most keep a plan that they had."""
_FIRST, _MORE, _BESIDE = 300, 3, 300
_SAME, _WHOLE = 1e-9, 1e-6


@dataclass(frozen=True)
class KeptPlans:
    """Plans that counties keep, and the counties that are still to choose."""

    open: Ints
    values: Floats
    """[column] of the counties that keep theirs; others' stand there too."""
    taken: Floats
    """[coupling row] what the settled counties take of it."""
    worth: float
    """Objective of the settled counties."""


def settled(blocks: Blocks, priced: Priced) -> KeptPlans:
    """Who keeps which plan."""
    counties = blocks.counties
    everyone = np.arange(counties)
    if counties <= FROM:
        nothing = np.zeros(len(blocks.lower))
        return KeptPlans(everyone, np.zeros(len(blocks.cost)), nothing, 0.0)
    plans = _Trail.of(blocks, priced)
    order = np.argsort(plans.nearest, kind="stable")
    count = _FIRST
    while True:
        chosen = order[:count]
        mixture, slack = plans.mixed(blocks, chosen)
        if slack < _SAME or count >= counties:
            break
        count *= _MORE
    plan, fractional = plans.best.copy(), np.zeros(counties, dtype=bool)
    for county, weights in mixture.items():
        plan[county] = max(weights, key=lambda pair: pair[1])[0]
        fractional[county] = max(weight for _, weight in weights) < 1 - _WHOLE
    beside = order[:_BESIDE]
    opened = fractional | plans.parted(blocks, plan)
    opened[beside] = True
    return plans.settled(blocks, plan, np.flatnonzero(opened))


@dataclass(frozen=True)
class _Trail:
    """[plan, county] the plans of the last prices, and what each loses at the best ones."""

    values: tuple[Floats, ...]
    cost: Floats
    activity: tuple[sparse.csc_matrix, ...]
    loss: Floats
    best: Ints
    """[county] the plan that loses least."""
    nearest: Floats
    """[county] what the next best plan loses."""

    @classmethod
    def of(cls, blocks: Blocks, priced: Priced) -> _Trail:
        values = tuple(plan.values for plan in priced.trail)
        cost = np.array([plan.cost for plan in priced.trail])
        activity = tuple(plan.activity for plan in priced.trail)
        worth = np.array([c - a.T @ priced.prices for c, a in zip(cost, activity, strict=True)])
        loss = priced.plans.worth - worth
        best = loss.argmin(axis=0)
        own = np.arange(blocks.counties)
        other = np.abs(cost - cost[best, own]) > _SAME * np.maximum(np.abs(cost[best, own]), 1e-9)
        nearest = np.where(other, loss, np.inf).min(axis=0)
        return cls(values, cost, activity, loss, best, nearest)

    def mixed(
        self, blocks: Blocks, chosen: Ints
    ) -> tuple[dict[int, list[tuple[int, float]]], float]:
        """(county → its plans with their weights, what the coupling rows lack)."""
        scale = 1.0 / (blocks.model.largest_cost or 1.0)
        fixed = np.ones(blocks.counties, dtype=bool)
        fixed[chosen] = False
        taken = self.taken(self.best, fixed)
        master = GrowingLp(
            np.concatenate([blocks.lower - taken, np.ones(len(chosen))]),
            np.concatenate([blocks.upper - taken, np.ones(len(chosen))]),
        )
        add_slacks(master, blocks, len(chosen))
        ones = sparse.identity(len(chosen), format="csc")
        for cost, activity in zip(self.cost, self.activity, strict=True):
            columns = sparse.vstack([activity[:, chosen], ones], format="csc")
            master.add(cost[chosen] * scale, columns, np.full(len(chosen), np.inf))
        _, values, _ = master.solve()
        rows = len(blocks.lower)
        weights = values[2 * rows :].reshape(len(self.cost), len(chosen))
        found: dict[int, list[tuple[int, float]]] = {}
        used = np.nonzero(weights > _SAME)
        for plan, place in zip(*(part.tolist() for part in used), strict=True):
            found.setdefault(int(chosen[place]), []).append(
                (int(plan), float(weights[plan, place]))
            )
        return found, float(values[: 2 * rows].sum())

    def taken(self, plan: Ints, counties: NDArray[np.bool_]) -> Floats:
        """[coupling row] what these counties take of it with their plans."""
        total = np.zeros(self.activity[0].shape[0])
        for number, activity in enumerate(self.activity):
            total += activity @ ((plan == number) & counties).astype(float)
        return total

    def settled(self, blocks: Blocks, plan: Ints, opened: Ints) -> KeptPlans:
        fixed = np.ones(blocks.counties, dtype=bool)
        fixed[opened] = False
        own = np.arange(blocks.counties)
        values = self.taken_over(blocks, plan)
        worth = float(self.cost[plan, own][fixed].sum())
        return KeptPlans(opened, values, self.taken(plan, fixed), worth)

    def taken_over(self, blocks: Blocks, plan: Ints) -> Floats:
        """[column] what stands in the counties' columns by their plans."""
        county = blocks.column_county
        values, theirs = np.zeros(len(blocks.cost)), np.flatnonzero(county >= 0)
        values[theirs] = np.array(self.values)[plan[county[theirs]], theirs]
        return values

    def parted(self, blocks: Blocks, plan: Ints) -> NDArray[np.bool_]:
        """[county] whether its plan fills tiers together that fill in order."""
        full = blocks.full[blocks.full >= 0]
        values = self.taken_over(blocks, plan)[full]
        parted = np.zeros(blocks.counties, dtype=bool)
        parted[blocks.column_county[full[np.abs(values - np.round(values)) > _WHOLE]]] = True
        return parted
