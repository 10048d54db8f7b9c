"""Changes to a finished model that keep its columns: bounds, whole columns, further rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from optimizer.formulation.matrix import Floats, Ints, Model


def with_bounds(model: Model, columns: Ints, lower: Floats, upper: Floats) -> Model:
    """The model with other bounds on some columns."""
    low, high = model.lower.copy(), model.upper.copy()
    low[columns], high[columns] = lower, upper
    return replace(model, lower=low, upper=high)


def with_funded_fixed(model: Model, values: Floats) -> Model:
    """The model with all its whole columns at the (rounded) values that they have in `values`."""
    columns = np.flatnonzero(model.integer)
    fixed = np.round(values[columns])
    bounded = with_bounds(model, columns, fixed, fixed)
    return replace(bounded, integer=np.zeros_like(model.integer))


def with_whole_money(
    model: Model, lower: Floats | None = None, upper: Floats | None = None
) -> Model:
    """The model with money in whole units, within a box around the cells where given."""
    integer = model.integer.copy()
    integer[model.grid.amount] = True
    changed = replace(model, integer=integer)
    if lower is None or upper is None:
        return changed
    amount = model.grid.amount
    low = np.maximum(lower, model.lower[amount])
    high = np.maximum(np.minimum(upper, model.upper[amount]), low)
    return with_bounds(changed, amount, low, high)


def with_least_moved(model: Model, target: Floats, floor: float, weights: Floats) -> Model:
    """Least Σ weight × |money − target| over the cells, at an objective of at least `floor`.

    Appends a column for each cell's distance; the columns before them stay where they were.
    """
    cells = len(target)
    columns = len(model.cost)
    distance = np.arange(columns, columns + cells)
    rows = len(model.row_lower)
    each = np.arange(cells)
    amount = model.grid.amount
    # distance + money ≥ target, and distance − money ≥ −target
    extra = sparse.coo_matrix(
        (
            np.repeat([1.0, 1.0, 1.0, -1.0], cells),
            (
                np.concatenate([each, each, cells + each, cells + each]),
                np.concatenate([distance, amount, distance, amount]),
            ),
        ),
        shape=(2 * cells, columns + cells),
    ).tocsr()
    used = np.flatnonzero(model.cost)
    largest = np.abs(model.cost).max(initial=1e-300)
    held = sparse.coo_matrix(
        (model.cost[used] / largest, (np.zeros(len(used), dtype=np.int64), used)),
        shape=(1, columns + cells),
    ).tocsr()
    wide = model.matrix.copy()
    wide.resize((rows, columns + cells))
    inf = np.full(cells, np.inf)
    return replace(
        model,
        cost=np.concatenate([np.zeros(columns), -weights]),
        lower=np.concatenate([model.lower, np.zeros(cells)]),
        upper=np.concatenate([model.upper, inf]),
        integer=np.concatenate([model.integer, np.zeros(cells, dtype=bool)]),
        matrix=sparse.vstack([wide, extra, held], format="csr"),
        row_lower=np.concatenate([model.row_lower, target, -target, [floor / largest]]),
        row_upper=np.concatenate([model.row_upper, inf, inf, [np.inf]]),
    )
