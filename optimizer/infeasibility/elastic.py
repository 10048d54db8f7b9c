"""Models whose limits may be missed at a price, and what limits come to in a relaxed solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from models.scenario import Scenario
from optimizer.audit.limits import Form
from optimizer.audit.measure import Measured
from optimizer.formulation.aim_rows import yield_costs
from optimizer.formulation.model import Floats, Ints, Model


@dataclass(frozen=True)
class GivingRows:
    """Some rows that give way together, or each by itself."""

    rows: Ints
    unit: Floats
    """[row] what one unit of giving way is in the row's own numbers; 0 for a row that stays."""
    price: float = 1.0
    shared: bool = True
    """One amount for all rows; else each row has its own, and all are paid for."""
    least: float = 0.0
    """The giving way is at least this; below 0 it may also be made stricter."""


def elastic(model: Model, gives: Sequence[GivingRows]) -> tuple[Model, list[Ints]]:
    """Least price paid so that the rows may be missed by unit × amount; the columns of amounts.

    The model's own objective is put aside. [give] → its columns, one, or one a row.
    """
    count, columns, made = len(model.cost), [], []
    for give in gives:
        width = 1 if give.shared else len(give.rows)
        columns.append(np.arange(count, count + width, dtype=np.int64))
        made.append((np.full(width, -give.price), np.full(width, give.least)))
        count += width
    low, high = model.row_lower.copy(), model.row_upper.copy()
    blocks, lower, upper = [_wider(model.matrix, count)], [low], [high]
    for give, mine in zip(gives, columns, strict=True):
        block = _wider(model.matrix[give.rows], count)
        at = np.arange(len(give.rows))
        room = sparse.csr_matrix(
            (give.unit, (at, np.broadcast_to(mine, len(at)))), (len(at), count)
        )
        blocks += [block + room, block - room]
        lower += [model.row_lower[give.rows], np.full(len(at), -np.inf)]
        upper += [np.full(len(at), np.inf), model.row_upper[give.rows]]
        low[give.rows], high[give.rows] = -np.inf, np.inf
    own = len(model.cost)
    costs, leasts = (np.concatenate([pair[i] for pair in made]) for i in range(2))
    changed = replace(
        model,
        cost=np.concatenate([np.zeros(own), costs]),
        lower=np.concatenate([model.lower, leasts]),
        upper=np.concatenate([model.upper, np.full(count - own, np.inf)]),
        integer=np.concatenate([model.integer, np.zeros(count - own, dtype=bool)]),
        matrix=sparse.vstack(blocks, format="csr"),
        row_lower=np.concatenate(lower),
        row_upper=np.concatenate(upper),
    )
    return changed, columns


def _wider(matrix: sparse.csr_matrix, columns: int) -> sparse.csr_matrix:
    more = sparse.csr_matrix((matrix.shape[0], columns - matrix.shape[1]))
    return sparse.hstack([matrix, more]).tocsr()


def block_reader(scenario: Scenario, model: Model, values: Floats) -> Callable[[Measured], float]:
    """What blocks come to in a solution of the model, cells funded in part as far as they are.

    As floats: the audit's own reading is exact.
    """
    shape, grid = scenario.programme.shape, model.grid
    money = values[grid.amount].reshape(shape)
    funded = (values[grid.funded] if grid.funded is not None else (money.ravel() > 0)).astype(float)
    tables = {"amount": money, "cells": funded.reshape(shape)}
    for at, name in enumerate(scenario.programme.metrics):
        worth = yield_costs(scenario, model, at) * values
        cells = np.bincount(grid.tier_cell, worth[grid.tier], minlength=money.size)
        tables[name] = cells.reshape(shape)

    def read(measured: Measured) -> float:
        places = np.ix_(measured.counties, measured.tasks)
        if measured.measure == "counties":
            return float(tables["cells"][places].max(axis=1, initial=0.0).sum())
        return float(tables[measured.measure][places].sum())

    return read


def form_value(form: Form, read: Callable[[Measured], float]) -> float:
    """The form as a float."""
    return float(form.constant) + sum(float(c) * read(m) for m, c in form.terms.items())
