"""What a unit more for a county is worth where all other money may adjust, by a linear program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from optimizer.audit.swaps import SwapJudge
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed, with_bounds
from optimizer.formulation.model import Floats, Model
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Effort


def rearranged_gain(judge: SwapJudge, county: int, against: int | None) -> float | None:
    """Objective points gained (mostly a loss) by a unit more for `county`, less for `against`.

    Against the best with the money of both as it is; the cells funded as they are, all other money
    free, in parts of a unit too. None where that leaves no allocation, and where the model must
    hold tiers in their order.
    """
    model = _held(judge)
    if model is None:
        return None
    shape = judge.scenario.programme.shape
    money = np.array(judge.allocation.by_county, dtype=float)
    counties = [county] if against is None else [county, against]
    now = money[counties]
    moved = now + np.array([1.0, -1.0])[: len(counties)]
    ends = [_best(model, shape, (counties, to)) for to in (now, moved)]
    if ends[0] is None or ends[1] is None:
        return None
    return ends[1] - ends[0]


def _held(judge: SwapJudge) -> Model | None:
    """The linear program with the cells funded as they are; None where it has other whole columns
    than those."""
    model = formulate(judge.scenario, judge.points, whole=False)
    funded = model.grid.funded
    if funded is None:
        return model if model.is_lp else None
    others = model.integer.copy()
    others[funded] = False
    if others.any():
        return None
    fixed = np.array(judge.allocation.amounts > 0, dtype=float).ravel()
    return relaxed(with_bounds(model, funded, fixed, fixed))


def _best(model: Model, shape: tuple[int, int], asked: tuple[list[int], Floats]) -> float | None:
    """The best objective with the money of some counties given."""
    counties, money = asked
    cells = model.grid.amount.reshape(shape)[counties]
    at = np.repeat(np.arange(len(counties)), shape[1])
    ones = np.ones(cells.size)
    rows = sparse.csr_matrix((ones, (at, cells.ravel())), (len(counties), len(model.cost)))
    held = replace(
        model,
        matrix=sparse.vstack([model.matrix, rows], format="csr"),
        row_lower=np.concatenate([model.row_lower, money]),
        row_upper=np.concatenate([model.row_upper, money]),
    )
    engine, _ = pick_engine("highs")
    return engine(held, Effort()).objective
