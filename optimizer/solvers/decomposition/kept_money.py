"""Columns that hold what money stays in its cell: min(money, what a table has there).

Found by their rows, as `with_least_moved` writes them: kept ≤ money, and kept ≤ table × funded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.formulation.model import Ints, Model


def kept_columns(model: Model, matrix: sparse.csr_matrix) -> tuple[Ints, NDArray[np.bool_]]:
    """([county, task] the column of what the cell keeps, −1 where there is none; [row] whether the
    row does nothing but say so)."""
    grid = model.grid
    assert grid.funded is not None
    count = matrix.shape[1]
    amount, funded = (np.full(count, -1, dtype=np.int64) for _ in range(2))
    amount[grid.amount] = funded[grid.funded] = np.arange(len(grid.amount))
    other = ~model.integer & (model.lower == 0) & np.isfinite(model.upper)
    other[grid.tier] = other[grid.amount] = other[grid.funded] = False
    kept, said = np.full(len(grid.amount), -1, dtype=np.int64), np.zeros(matrix.shape[0], bool)
    two = np.flatnonzero(
        (np.diff(matrix.indptr) == 2) & (model.row_upper == 0) & np.isinf(model.row_lower)
    )
    place = matrix.indptr[two][:, None] + np.arange(2)
    at, by = matrix.indices[place], matrix.data[place]
    first = np.where(other[at[:, 0]], 0, 1)
    each = np.arange(len(two))
    mine, its = at[each, first], by[each, first]
    with_, less = at[each, 1 - first], by[each, 1 - first]
    fits = other[mine] & (its == 1)
    below = fits & (amount[with_] >= 0) & (less == -1)
    _, index, often = np.unique(mine[below], return_index=True, return_counts=True)
    rows = np.flatnonzero(below)[index[often == 1]]
    kept[amount[with_[rows]]] = mine[rows]
    said[two[rows]] = True
    links = fits & (funded[with_] >= 0) & (less == -model.upper[mine])
    links &= kept[funded[with_]] == mine
    said[two[links]] = True
    return kept.reshape(grid.shape), said
