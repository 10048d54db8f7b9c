"""What a model says of a table: how much of its money stays, and which counties are left alone.

Both are found by their rows. Of each cell, as `with_least_moved` writes them: kept ≤ money, and
kept ≤ table × funded. Of each county, as `with_touched` does: table − (table − least) × touched ≤
money ≤ table + (most − table) × touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.formulation.model import Floats, Ints, Model


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


@dataclass(frozen=True)
class Untouched:
    """Counties that may be left as a table has them."""

    columns: Ints
    """[county] 1 where it is not."""
    money: Floats
    """[county, task] as the table has it."""
    may_stay: NDArray[np.bool_]
    """[county] the column's bounds allow it."""
    rows: NDArray[np.bool_]
    """[row] whether it does nothing but say so."""


def untouched(model: Model, matrix: sparse.csr_matrix) -> Untouched | None:
    """The counties and their table; None where not every county has such a column."""
    grid, count = model.grid, matrix.shape[1]
    counties, tasks = grid.shape
    cell = np.full(count, -1, dtype=np.int64)
    cell[grid.amount] = np.arange(len(grid.amount))
    flag = model.integer & (model.upper == 1)
    flag[grid.funded] = False
    two = np.flatnonzero(np.diff(matrix.indptr) == 2)
    place = matrix.indptr[two][:, None] + np.arange(2)
    at, by = matrix.indices[place], matrix.data[place]
    first, each = np.where(cell[at[:, 0]] >= 0, 0, 1), np.arange(len(two))
    mine, its = at[each, first], by[each, first]
    other, less = at[each, 1 - first], by[each, 1 - first]
    low, high = model.row_lower[two], model.row_upper[two]
    fits = (cell[mine] >= 0) & (its == 1) & flag[other]
    above = fits & np.isinf(low) & (less <= 0) & (high - less >= model.upper[mine])
    below = fits & np.isinf(high) & (less >= 0) & (low - less <= model.lower[mine])
    column = np.full(counties, -1, dtype=np.int64)
    money = [model.upper[grid.amount].copy(), model.lower[grid.amount].copy()]
    for rows, ends, limit in ((above, money[0], high), (below, money[1], low)):
        column[cell[mine[rows]] // tasks] = other[rows]
        ends[cell[mine[rows]]] = limit[rows]
    if (column < 0).any() or (money[0] != money[1]).any() or len(set(column)) < counties:
        return None
    said = np.zeros(matrix.shape[0], dtype=bool)
    said[two[above | below]] = True
    return Untouched(column, money[0].reshape(counties, tasks), model.lower[column] == 0, said)
