"""Changes to a finished model that keep its columns: bounds, whole columns, further rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.formulation.model import Floats, Ints, Model

SHARP = 1024.0
"""Largest coefficient of a row that holds an objective: a solver's tolerance is that of its rows,
so this much finer than a money unit's worth does it tell apart what is held."""


def relaxed(model: Model) -> Model:
    """The model without any column that must be whole."""
    return model if model.is_lp else replace(model, integer=np.zeros_like(model.integer))


def with_bounds(model: Model, columns: Ints, lower: Floats, upper: Floats) -> Model:
    """The model with other bounds on some columns."""
    low, high = model.lower.copy(), model.upper.copy()
    low[columns], high[columns] = lower, upper
    return replace(model, lower=low, upper=high)


def without_rows(model: Model, rows: Ints) -> Model:
    """The model without what some of its rows ask for; they stay, and ask for nothing."""
    low, high = model.row_lower.copy(), model.row_upper.copy()
    low[rows], high[rows] = -np.inf, np.inf
    return replace(model, row_lower=low, row_upper=high)


def with_integers_fixed(model: Model, values: Floats) -> Model:
    """The linear program that is left when all whole columns keep their (rounded) values."""
    columns = np.flatnonzero(model.integer)
    fixed = np.round(values[columns])
    bounded = with_bounds(model, columns, fixed, fixed)
    return replace(bounded, integer=np.zeros_like(model.integer))


def with_funded_fixed(model: Model, values: Floats) -> Model:
    """The model with the same funded cells as in `values`."""
    funded = model.grid.funded
    if funded is None:
        return model
    fixed = np.round(values[funded])
    return with_bounds(model, funded, fixed, fixed)


def with_idle_closed(model: Model, loose: Floats) -> Model:
    """The model in which only those cells may be funded that a solution of its relaxation funds at
    all: that holds nearly all good solutions, and closes in seconds where the whole takes long."""
    funded = model.grid.funded
    if funded is None:
        return model
    idle = funded[loose[funded] < _IDLE]
    return with_bounds(model, idle, model.lower[idle], model.lower[idle])


def with_few_flips(model: Model, values: Floats, most: int) -> Model:
    """The model with at most `most` cells funded that are not in `values`, or the reverse."""
    funded = model.grid.funded
    if funded is None:
        return model
    now = np.round(values[funded])
    row = np.zeros(len(funded), dtype=np.int64)
    signs = np.where(now > 0.5, -1.0, 1.0)
    block = sparse.coo_matrix((signs, (row, funded)), shape=(1, len(model.cost))).tocsr()
    return replace(
        model,
        matrix=sparse.vstack([model.matrix, block], format="csr"),
        row_lower=np.append(model.row_lower, -np.inf),
        row_upper=np.append(model.row_upper, most - now.sum()),
    )


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


def with_least_moved(
    model: Model, target: Floats, floor: float = -np.inf, added: float = 1.0
) -> Model:
    """Least money taken from the cells of `target`, plus `added` × money that others get.

    With `added` 1 that is Σ |money − target|. Taken is target − kept and added money − kept,
    where kept = min(money, target) is a column of its own and zero in a cell without money: with
    that link the relaxation is tight, which a distance ≥ ± difference is not. The constant
    Σ target stays outside the objective. `floor` holds the model's own objective at least there.
    The columns of the model stay where they were.
    """
    cells, columns = len(target), len(model.cost)
    kept = np.arange(columns, columns + cells)
    each, ones = np.arange(cells), np.ones(cells)
    blocks = [
        _rows_of((each, kept, ones), (each, model.grid.amount, -ones), cells, columns + cells)
    ]
    if model.grid.funded is not None:
        links = (each, model.grid.funded, -target)
        blocks.append(_rows_of((each, kept, ones), links, cells, columns + cells))
    extra = sum(block.shape[0] for block in blocks)
    used = np.flatnonzero(model.cost) if np.isfinite(floor) else np.zeros(0, dtype=np.int64)
    largest = (model.largest_cost or 1.0) / SHARP
    entries = (np.zeros(len(used), dtype=np.int64), used, model.cost[used] / largest)
    held = _rows_of(entries, (used[:0], used[:0], entries[2][:0]), 1, columns + cells)
    wide = sparse.hstack([model.matrix, sparse.csr_matrix((model.matrix.shape[0], cells))])
    cost = np.concatenate([np.zeros(columns), np.full(cells, 1.0 + added)])
    cost[model.grid.amount] -= added
    return replace(
        model,
        cost=cost,
        lower=np.concatenate([model.lower, np.zeros(cells)]),
        upper=np.concatenate([model.upper, target]),
        integer=np.concatenate([model.integer, np.zeros(cells, dtype=bool)]),
        matrix=sparse.vstack([wide, *blocks, held], format="csr"),
        row_lower=np.concatenate([model.row_lower, np.full(extra, -np.inf), [floor / largest]]),
        row_upper=np.concatenate([model.row_upper, np.zeros(extra), [np.inf]]),
    )


def with_objective_at_least(model: Model, floor: float) -> Model:
    """The model with one more row, the last: its objective is at least `floor`."""
    sizes = np.abs(model.cost)
    # Weights that cancel out leave rounding noise, by which nothing can be scaled.
    used = np.flatnonzero(sizes > _NOISE * sizes.max(initial=0.0))
    of_money = sizes[np.intersect1d(used, model.grid.tier)].max(initial=0.0)
    largest = float(of_money or sizes.max(initial=0.0) or 1.0)
    entries = (np.zeros(len(used), dtype=np.int64), used, model.cost[used] / largest)
    nothing = (used[:0], used[:0], model.cost[:0])
    held = _rows_of(entries, nothing, 1, len(model.cost))
    return replace(
        model,
        matrix=sparse.vstack([model.matrix, held], format="csr"),
        row_lower=np.append(model.row_lower, floor / largest),
        row_upper=np.append(model.row_upper, np.inf),
    )


def with_row(model: Model, row: Floats, lower: float, upper: float = np.inf) -> Model:
    """The model with one more row over its columns."""
    return replace(
        model,
        matrix=sparse.vstack([model.matrix, sparse.csr_matrix(row[None, :])], format="csr"),
        row_lower=np.append(model.row_lower, lower),
        row_upper=np.append(model.row_upper, upper),
    )


def with_other_whole(model: Model, values: Floats, chosen: Ints) -> Model:
    """The model without what stands in `values`: one of the whole columns `chosen` must differ.

    A column at an end of its range can only go one way; one within it gets a column of its own for
    each way. The columns of the model stay where they were.
    """
    now = np.round(values[chosen])
    low, high = np.ceil(model.lower[chosen] - 1e-9), np.floor(model.upper[chosen] + 1e-9)
    wide = _both_ways(model, (chosen, now, low, high), (now > low) & (now < high))
    differs = np.zeros(len(wide.cost))
    differs[len(model.cost) :] = 1.0
    rises, falls = (now <= low) & (low < high), (now >= high) & (low < high)
    differs[chosen[rises]], differs[chosen[falls]] = 1.0, -1.0
    return with_row(wide, differs, 1.0 + now[rises].sum() - now[falls].sum())


def _both_ways(
    model: Model, ranges: tuple[Ints, *tuple[Floats, ...]], inside: NDArray[np.bool_]
) -> Model:
    """The model with, for each column `inside` its range, one column for up and one for down.

    `ranges`: columns, what they hold, their least and their most.
    """
    at = ranges[0][inside]
    now, low, high = (part[inside] for part in ranges[1:])
    columns, count = len(model.cost), len(at)
    each, ones = np.arange(count, dtype=np.int64), np.ones(count)
    up, wide = columns + each, columns + 2 * count
    above = _rows_of((each, at, ones), (each, up, -(now + 1 - low)), count, wide)
    below = _rows_of((each, at, ones), (each, up + count, high - now + 1), count, wide)
    old = sparse.hstack([model.matrix, sparse.csr_matrix((model.matrix.shape[0], 2 * count))])
    open_ = np.full(count, np.inf)
    return replace(
        model,
        cost=np.append(model.cost, np.zeros(2 * count)),
        lower=np.append(model.lower, np.zeros(2 * count)),
        upper=np.append(model.upper, np.ones(2 * count)),
        integer=np.append(model.integer, np.ones(2 * count, dtype=bool)),
        matrix=sparse.vstack([old, above, below], format="csr"),
        row_lower=np.concatenate([model.row_lower, low, -open_]),
        row_upper=np.concatenate([model.row_upper, open_, high]),
    )


_NOISE, _IDLE = 1e-12, 1e-6
Entries = tuple[Ints, Ints, Floats]


def _rows_of(first: Entries, second: Entries, rows: int, columns: int) -> sparse.csr_matrix:
    """A block of rows from two lists of (row, column, value)."""
    row, column, value = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    return sparse.coo_matrix((value, (row, column)), shape=(rows, columns)).tocsr()
