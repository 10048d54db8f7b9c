"""Prices of the coupling rows at which the counties' best plans bound every solution most tightly.

Column generation: a linear program chooses among the plans that the counties have given so far; its
duals are the next prices, smoothed towards the best ones yet.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple

import numpy as np
from scipy import sparse

from optimizer.formulation.model import Floats
from optimizer.solvers.decomposition.blocks import Blocks
from optimizer.solvers.decomposition.pricing import Plans, Worth, best_plans, values_of, worth_at
from optimizer.solvers.highs_lp import GrowingLp

ITERATIONS, CLOSE = 200, 1e-8
MOST_GROUPS = 120
"""Convexity rows of the master: more make fewer iterations, each of them slower."""
TRAIL, _PLANS = 20, 5
"""Plans of every county that are kept, the last ones; so many of them are a start's."""
_SMOOTH, _SMOOTH_FROM, _NOISE = 0.5, 0.15, 1e-12
"""How much of the best prices the next ones keep; less where they begin near by."""
_HALF, _HAIR = 0.5, 1e-9
_SLACK, _PENALTY = 1e-7, 100.0
"""What a missing unit of a coupling row costs, in money units at their best; by the row's size."""
_SURE = 1e-3
"""So far below nothing a bound shows that rows cannot be kept without such a cost."""


class PlanColumns(NamedTuple):
    """One plan of every county."""

    values: Floats
    """[column of the model]"""
    cost: Floats
    """[county] its objective without prices."""
    activity: sparse.csc_matrix
    """[coupling row, county] what it takes of the row."""


@dataclass(frozen=True)
class Priced:
    """What prices of the coupling rows prove."""

    prices: Floats
    """[coupling row]"""
    bound: float
    """No solution of the model is better."""
    cells: Worth
    plans: Plans
    master: float = -inf
    """Objective of the best mixture of plans."""
    trail: tuple[PlanColumns, ...] = ()
    """The last plans of all counties."""
    infeasible: bool = False
    """No mixture of plans keeps the coupling rows."""
    given: Floats = field(default_factory=lambda: np.zeros(0))
    """[column of no county] what it comes to in that mixture."""


class Start(NamedTuple):
    """What was found for a model with the same columns, and with the same rows before any others:
    costs, bounds and coefficients may differ."""

    blocks: Blocks
    priced: Priced

    @property
    def bound(self) -> float:
        """No solution of that model is better."""
        return self.priced.bound

    def bound_eased(self, row: int, by: float) -> float:
        """No solution is better where the lower limit of a row of the model is less by so much."""
        return self.bound - by * float(self.priced.prices[self.blocks.rows == row].sum())

    @property
    def given(self) -> Floats:
        """[column] what those of no county come to where counties' plans may be mixed."""
        values = np.zeros(len(self.blocks.cost))
        values[self.blocks.free] = self.priced.given
        return values

    def prices(self, blocks: Blocks) -> Floats:
        """[coupling row of `blocks`] the prices, 0 of a row that had none."""
        count = max(len(self.blocks.model.row_lower), len(blocks.model.row_lower))
        prices = np.zeros(count)
        prices[self.blocks.rows] = self.priced.prices
        return prices[blocks.rows]

    def plans(self, blocks: Blocks) -> list[PlanColumns]:
        """The last plans, where every county may still have its own."""
        values = (plan.values for plan in self.priced.trail[-_PLANS:])
        return [plan_columns(blocks, each) for each in values if _may_have(blocks, each)]


def best_prices(
    blocks: Blocks, deadline: float = inf, start: Start | None = None, close: float = CLOSE
) -> Priced:
    """Column generation until bound and mixture meet, `close` as a share of the bound, or to the
    deadline (`time.monotonic`); where nothing costs anything, until it is known whether a mixture
    keeps the coupling rows."""
    scale = 1.0 / (blocks.model.largest_cost or 1.0)
    rows, gathered, free = len(blocks.lower), _groups(blocks.counties), not blocks.cost.any()
    master, _ = new_master(blocks, scale, gathered.shape[0])
    best = proved_by(blocks, np.zeros(rows) if start is None else start.prices(blocks))
    if start is not None and free and best.bound < -_SURE:
        # What ruled the last model out rules this one out, too.
        return replace(best, trail=start.priced.trail, infeasible=True)
    plan, smooth = best, _SMOOTH if start is None else _SMOOTH_FROM
    trail = [] if start is None else start.plans(blocks)
    for columns in trail:
        _add_plans(master, gathered, columns, scale)
    for _ in range(ITERATIONS):
        columns = columns_of(blocks, plan)
        trail = [*trail[1 - TRAIL :], columns]
        _add_plans(master, gathered, columns, scale)
        objective, mixture, duals = master.solve()
        slack = float(mixture[: 2 * rows].sum())
        best = replace(
            best,
            master=objective / scale,
            trail=tuple(trail),
            infeasible=slack > _SLACK,
            given=mixture[2 * rows : 2 * rows + len(blocks.free)],
        )
        near = best.bound - best.master < close * max(abs(best.bound), 1e-9)
        if free and (slack <= _SLACK or best.bound < -_SURE):
            break
        if near or time.monotonic() > deadline:
            break
        smoothed = smooth * best.prices + (1 - smooth) * duals[:rows] / scale
        plan = proved_by(blocks, smoothed)
        if plan.bound < best.bound:
            best = replace(
                best, prices=plan.prices, bound=plan.bound, cells=plan.cells, plans=plan.plans
            )
    return best


def proved_by(blocks: Blocks, prices: Floats) -> Priced:
    """What prices prove by themselves, each on a side that its row has."""
    prices = clipped(blocks, prices)
    cells = worth_at(blocks, prices)
    plans = best_plans(blocks, cells)
    return Priced(prices, bound_at(blocks, prices, plans.worth), cells, plans)


def _groups(counties: int) -> sparse.csr_matrix:
    """[group, county] who is in it: at random, the same way every time."""
    groups = min(counties, MOST_GROUPS)
    member = np.random.default_rng(0).permutation(counties) % groups
    entries = np.ones(counties), (member, np.arange(counties))
    return sparse.csr_matrix(entries, shape=(groups, counties))


def new_master(blocks: Blocks, scale: float, groups: int) -> tuple[GrowingLp, int]:
    """The coupling rows, and one plan for each group; no plans yet: how many columns come before
    theirs."""
    ones = np.ones(groups)
    low, high = np.concatenate([blocks.lower, ones]), np.concatenate([blocks.upper, ones])
    master = GrowingLp(low, high)
    add_slacks(master, blocks, groups)
    if len(blocks.free):
        nothing = sparse.csc_matrix((groups, len(blocks.free)))
        columns = sparse.vstack([blocks.coupling[:, blocks.free], nothing], format="csc")
        master.add(blocks.cost[blocks.free] * scale, columns, blocks.model.upper[blocks.free])
    return master, 2 * len(blocks.lower) + len(blocks.free)


def _add_plans(
    master: GrowingLp, gathered: sparse.csr_matrix, plans: PlanColumns, scale: float
) -> None:
    groups = gathered.shape[0]
    ones = sparse.identity(groups, format="csc")
    columns = sparse.vstack([plans.activity @ gathered.T, ones], format="csc")
    cost = np.asarray(gathered @ plans.cost) * scale
    master.add(cost, columns, np.full(groups, np.inf))


def add_slacks(master: GrowingLp, blocks: Blocks, others: int) -> None:
    """Append what each coupling row may lack and may have over, at a price, before all plans;
    `others`: rows of the master that follow the coupling rows."""
    rows = len(blocks.lower)
    size = abs(blocks.coupling).max(axis=1).toarray().ravel()
    unit = np.full(rows, blocks.dear * _PENALTY)
    if blocks.untouched is not None:  # A county more is worth all its money at the most.
        counted = np.asarray(abs(blocks.coupling[:, blocks.untouched.columns]).sum(axis=1)).ravel()
        unit[counted > 0] = max(blocks.dear * _PENALTY, float(blocks.most.max()))
    penalty = unit * max(1.0, _dearest(blocks, size)) / np.maximum(size, 1e-12)
    eye = sparse.identity(rows, format="csc")
    both = sparse.hstack([eye, -eye], format="csc")
    columns = sparse.vstack([both, sparse.csc_matrix((others, 2 * rows))], format="csc")
    sides = np.concatenate([np.isfinite(blocks.lower), np.isfinite(blocks.upper)])
    master.add(np.concatenate([-penalty, -penalty]), columns, np.where(sides, np.inf, 0.0))


def _dearest(blocks: Blocks, size: Floats) -> float:
    """What columns that give way, and money itself, cost at the most, as the penalties are counted:
    none of these may be the cheaper way."""
    scale = 1.0 / (blocks.model.largest_cost or 1.0)
    free = blocks.coupling[:, blocks.free].tocoo()
    cost = np.abs(blocks.cost[blocks.free[free.col]])
    giving = (cost * size[free.row] / np.abs(free.data)).max(initial=0.0)
    return float(max(giving, np.abs(blocks.cost[blocks.amount]).max(initial=0.0)) * scale)


def clipped(blocks: Blocks, prices: Floats) -> Floats:
    """A price only of the sides that a row has: ≥ 0 of an upper bound, ≤ 0 of a lower one."""
    low = np.where(np.isfinite(blocks.lower), -np.inf, 0.0)
    high = np.where(np.isfinite(blocks.upper), np.inf, 0.0)
    return np.clip(prices, low, high)


def bound_at(blocks: Blocks, prices: Floats, worth: Floats) -> float:
    """What prices prove; `worth`: [county] at them."""
    side = np.where(prices > 0, blocks.upper, np.where(prices < 0, blocks.lower, 0.0))
    total = float(worth.sum() + (prices * side).sum())
    if len(blocks.free):
        left = blocks.cost[blocks.free] - blocks.coupling[:, blocks.free].T @ prices
        most = blocks.model.upper[blocks.free]
        open_ = np.isinf(most)
        if (left[open_] > _NOISE * (blocks.model.largest_cost or 1.0)).any():
            return inf
        total += float((np.maximum(left, 0.0) * np.where(open_, 0.0, most)).sum())
    return total


def columns_of(blocks: Blocks, priced: Priced) -> PlanColumns:
    """The best plans at the prices as columns of a master."""
    return plan_columns(blocks, values_of(blocks, priced.cells, priced.plans))


def plan_columns(blocks: Blocks, values: Floats) -> PlanColumns:
    """Plans of all counties, [column of the model], as columns of a master."""
    own = blocks.column_county >= 0
    worth = (blocks.cost * values)[own]
    cost = np.bincount(blocks.column_county[own], weights=worth, minlength=blocks.counties)
    return PlanColumns(values, np.asarray(cost, dtype=np.float64), blocks.activity.of(values))


def _may_have(blocks: Blocks, values: Floats) -> bool:
    """Whether every county may have its plan."""
    if len(values) != len(blocks.cost) or blocks.untouched is not None:
        return False
    funded, money = values[blocks.funded] > _HALF, values[blocks.amount]
    same = (funded[:, None] == blocks.subsets[None]).all(axis=2) & blocks.allowed
    own, subset = np.arange(blocks.counties), same.argmax(axis=1)
    total, hair = money.sum(axis=1), _HAIR * np.maximum(1.0, money)
    ends = blocks.floor[own, subset], blocks.cap[own, subset]
    fits = same[own, subset] & (total >= ends[0] - hair.sum(axis=1))
    fits &= total <= ends[1] + hair.sum(axis=1)
    inside = (money >= blocks.least * funded - hair) & (money <= blocks.most * funded + hair)
    tiers = np.where(blocks.tier >= 0, values[blocks.tier], 0.0)
    return bool(fits.all() and inside.all() and (tiers <= blocks.room + hair[..., None]).all())
