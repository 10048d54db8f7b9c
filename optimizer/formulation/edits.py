"""Changes to a finished model that keep its columns: bounds, whole columns, further rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.formulation.model import Columns, Floats, Ints, Model

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


@dataclass(frozen=True)
class Smaller:
    """A linear program without the columns that its bounds fix and the rows that hold none."""

    model: Model
    columns: Ints
    """Which columns of the whole are left."""
    rows: Ints
    """And which rows."""
    fixed: Floats
    """[column of the whole] what the others hold; 0 of those that are left."""

    @property
    def with_own_grid(self) -> Model:
        """The model with the tiers that are left, by which it is scaled, and without cells, limits
        and names."""
        whole, columns = self.model.grid, self.columns
        place = np.full(len(self.fixed), -1, dtype=np.int64)
        place[columns] = np.arange(len(columns))
        left = place[whole.tier] >= 0
        none = np.zeros(0, dtype=np.int64)
        grid = Columns(
            shape=(0, 0),
            amount=none,
            funded=None,
            tier=place[whole.tier][left],
            tier_cell=whole.tier_cell[left],
            tier_number=whole.tier_number[left],
        )
        return replace(
            self.model,
            grid=grid,
            limits=(),
            own_county=np.full(len(columns), -1, dtype=np.int64),
            column_names=tuple,
            row_names=tuple,
        )


def without_fixed(model: Model) -> Smaller:
    """The linear program without columns that are fixed, and without rows over one other, which are
    bounds of it. Its grid stays that of the whole."""
    low, high, matrix = model.lower, model.upper, model.matrix.copy()
    matrix.eliminate_zeros()
    entries = matrix.tocoo()
    for _ in range(_SHRUNK):
        fixed = low >= high
        others = ~fixed[entries.col]
        count = np.bincount(entries.row[others], minlength=matrix.shape[0])
        held = matrix @ np.where(fixed, low, 0.0)
        alone = others & (count[entries.row] == 1)
        row, column, value = entries.row[alone], entries.col[alone], entries.data[alone]
        ends = [(side[row] - held[row]) / value for side in (model.row_lower, model.row_upper)]
        before = low, high
        low, high = low.copy(), high.copy()
        np.maximum.at(low, column, np.minimum(*ends))
        np.minimum.at(high, column, np.maximum(*ends))
        if (low == before[0]).all() and (high == before[1]).all():
            break
    fixed = (low >= high) & (low - high <= _NO_ROOM)
    value = np.where(fixed, low, 0.0)
    held = matrix @ value
    lower, upper = model.row_lower - held, model.row_upper - held
    count = np.bincount(entries.row[~fixed[entries.col]], minlength=len(held))
    # A row without columns is kept where what is fixed breaks it: then there is no solution.
    noise = _NO_ROOM * np.maximum(1.0, np.abs(held))
    left = (count > 1) | (lower > noise) | (upper < -noise)
    columns, rows = np.flatnonzero(~fixed), np.flatnonzero(left)
    small = replace(
        model,
        cost=model.cost[columns],
        lower=low[columns],
        upper=high[columns],
        integer=model.integer[columns],
        matrix=matrix[rows][:, columns].tocsr(),
        row_lower=lower[rows],
        row_upper=upper[rows],
    )
    return Smaller(small, columns, rows, value)


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


def with_all_funded(model: Model) -> Model:
    """The model with columns, the last ones, that say of every cell that it is funded: of one that
    needs not know."""
    amount = model.grid.amount
    ones = (model.upper[amount] > 0).astype(float)
    columns = len(model.cost) + np.arange(len(amount))
    nothing = sparse.csr_matrix((model.matrix.shape[0], len(amount)))
    return replace(
        model,
        cost=np.append(model.cost, np.zeros(len(amount))),
        lower=np.append(model.lower, ones),
        upper=np.append(model.upper, ones),
        integer=np.append(model.integer, np.zeros(len(amount), dtype=bool)),
        matrix=sparse.hstack([model.matrix, nothing], format="csr"),
        grid=replace(model.grid, funded=columns),
    )


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
    """The model with money in whole units and steps, within a box around the cells where given."""
    integer = model.integer.copy()
    integer[model.grid.amount] = integer[model.grid.steps] = True
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
    some = np.flatnonzero(target > 0)
    blocks = [
        _rows_of((each, kept, ones), (each, model.grid.amount, -ones), cells, columns + cells)
    ]
    if model.grid.funded is not None:
        at = np.arange(len(some))
        links = (at, model.grid.funded[some], -target[some])
        mine = (at, kept[some], ones[some])
        blocks.append(_rows_of(mine, links, len(some), columns + cells))
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


def with_touched(model: Model, table: Floats, most: float = np.inf) -> Model:
    """The model with a further whole column for each county: 0 only where all its cells are as in
    `table`, [cell]; and no more than `most` counties that are not.

    The columns of the model stay where they were; those of the counties come last.
    """
    counties, tasks = model.grid.shape
    money, columns = model.grid.amount, len(model.cost)
    low, high = model.lower[money], model.upper[money]
    owner = columns + np.arange(len(money)) // tasks
    outside = (table < low) | (table > high) | (table % model.grid.step != 0)
    least = outside.reshape(counties, tasks).any(axis=1).astype(float)
    target = np.clip(table, low, high)
    up, down = np.flatnonzero(high > target), np.flatnonzero(low < target)
    cells = np.concatenate([up, down])
    by = np.concatenate([(target - high)[up], (target - low)[down]])
    each = np.arange(len(cells))
    links = _rows_of(
        (each, money[cells], np.ones(len(cells))),
        (each, owner[cells], by),
        len(cells),
        columns + counties,
    )
    total = np.append(np.zeros(columns), np.ones(counties))[None, :]
    wide = sparse.hstack([model.matrix, sparse.csr_matrix((model.matrix.shape[0], counties))])
    no_least, no_most = np.full(len(up), -np.inf), np.full(len(down), np.inf)
    return replace(
        model,
        cost=np.append(model.cost, np.zeros(counties)),
        lower=np.append(model.lower, least),
        upper=np.append(model.upper, np.ones(counties)),
        integer=np.append(model.integer, np.ones(counties, dtype=bool)),
        matrix=sparse.vstack([wide, links, sparse.csr_matrix(total)], format="csr"),
        row_lower=np.concatenate([model.row_lower, no_least, target[down], [-np.inf]]),
        row_upper=np.concatenate([model.row_upper, target[up], no_most, [most]]),
    )


def with_county_kept(model: Model, target: Floats, most: float = np.inf) -> Model:
    """The model in which counties together have at most `most` more, and less, than `target`.

    A column a county, the last ones: what of its target it keeps, at most the money that it has;
    Σ target − Σ kept is then what is taken, Σ money − Σ kept what is added.
    """
    counties, tasks = model.grid.shape
    columns, each = len(model.cost), np.arange(counties, dtype=np.int64)
    kept, ones = columns + each, np.ones(counties)
    amount = model.grid.amount
    wide = columns + counties
    of_cell, cells = np.repeat(each, tasks), np.ones(len(amount))
    own = _rows_of((each, kept, ones), (of_cell, amount, -cells), counties, wide)
    nothing = np.zeros(counties, dtype=np.int64)
    taken = _rows_of((nothing, kept, ones), (nothing[:0], amount[:0], cells[:0]), 1, wide)
    first = np.zeros(len(amount), dtype=np.int64)
    added = _rows_of((first, amount, cells), (nothing, kept, -ones), 1, wide)
    left = sparse.hstack([model.matrix, sparse.csr_matrix((model.matrix.shape[0], counties))])
    return replace(
        model,
        cost=np.append(model.cost, np.zeros(counties)),
        lower=np.append(model.lower, np.zeros(counties)),
        upper=np.append(model.upper, target),
        integer=np.append(model.integer, np.zeros(counties, dtype=bool)),
        matrix=sparse.vstack([left, own, taken, added], format="csr"),
        row_lower=np.concatenate(
            [model.row_lower, np.full(counties, -np.inf), [target.sum() - most, -np.inf]]
        ),
        row_upper=np.concatenate([model.row_upper, np.zeros(counties), [np.inf, most]]),
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


@dataclass(frozen=True)
class Narrowed:
    """A model without what no whole-unit solution of some worth can hold."""

    model: Model
    base: float
    """To be added to its objective for that of the model as it was."""
    bound: float
    """By prices alone: no solution is better."""
    largest: float
    """The largest cost that the model had."""


def narrowed(model: Model, row_prices: Floats, worth: float) -> Narrowed:
    """What whole-unit solutions worth at least `worth` can hold, by the prices of the relaxation.

    Whatever the prices, the objective is the bound that they make, less |reduced cost| × distance
    from its end for each column and |price| × slack for each row; so none of these is more than
    bound − worth. Tiers count as whole: the money of a cell, filled in their order, is. Rows that
    no slack is left to are priced out: what is left of the objective tells apart what is
    nearly as good, where the objective itself is too coarse for a solver's tolerance.
    """
    low, high = model.row_lower, model.row_upper
    largest = float(np.abs(model.cost).max(initial=0.0))
    noise = _NOISE * largest
    idle = (np.abs(row_prices) <= noise) | ~np.isfinite(np.where(row_prices > 0, high, low))
    prices = np.where(idle, 0.0, row_prices)
    reduced = _without_noise(model.cost - model.matrix.T @ prices, noise)
    parts = np.append(_at_best(prices, low, high), _at_best(reduced, model.lower, model.upper))
    bound = float(parts.sum())
    if not np.isfinite(bound):
        return Narrowed(model, 0.0, np.inf, largest)
    loss = max(bound - worth, 0.0) + _ROUNDING * float(np.abs(parts).sum())
    whole = model.integer.copy()
    whole[model.grid.tier] = True
    columns = _in_tiers(model, _within(reduced, loss, (model.lower, model.upper), whole))
    rows = _within(prices, loss, (low, high), _whole_rows(model, whole))
    held = np.where(rows[0] == rows[1], prices, 0.0)
    cost = _without_noise(model.cost - model.matrix.T @ held, noise)
    fixed = columns[0] == columns[1]
    base = float(_at_best(held, *rows).sum() + cost[fixed] @ columns[0][fixed])
    cost[fixed] = 0.0
    tight = replace(model, cost=cost, lower=columns[0], upper=columns[1])
    return Narrowed(replace(tight, row_lower=rows[0], row_upper=rows[1]), base, bound, largest)


def _at_best(prices: Floats, low: Floats, high: Floats) -> Floats:
    """What each comes to at the end that its price draws it to."""
    return prices * np.where(prices > 0, high, np.where(prices < 0, low, 0.0))


def _without_noise(prices: Floats, noise: float) -> Floats:
    return np.where(np.abs(prices) <= noise, 0.0, prices)


def _within(
    prices: Floats, loss: float, ends: tuple[Floats, Floats], whole: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """The ends, drawn in to where price × distance is `loss`: to whole numbers where `whole`; else
    only where that is no distance at all, or a solver would make too much of its noise."""
    low, high = (np.array(end) for end in ends)
    room = loss / np.abs(np.where(prices, prices, np.inf))
    shut = room <= _NO_ROOM
    up, down = ((prices > 0) & (whole | shut), (prices < 0) & (whole | shut))
    room = np.where(shut, 0.0, room + _ROUNDING_ROOM * np.maximum(1.0, room))
    least, most = high[up] - room[up], low[down] + room[down]
    low[up] = np.maximum(low[up], least)
    high[down] = np.minimum(high[down], most)
    low[whole] = np.ceil(low[whole] - _ROUNDING_ROOM)
    high[whole] = np.floor(high[whole] + _ROUNDING_ROOM)
    return low, high


def _in_tiers(model: Model, ends: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The ends, with those of a cell's money drawn in to what its tiers can hold: where that is
    less than before, the last of them are not full, and no money lies beyond them."""
    grid, (low, high) = model.grid, ends
    cells = len(grid.amount)
    before, least, most = (
        np.bincount(grid.tier_cell, side[grid.tier], cells) for side in (model.upper, low, high)
    )
    low[grid.amount] = np.maximum(low[grid.amount], least)
    most = np.where(most < before, most, np.inf)
    high[grid.amount] = np.maximum(np.minimum(high[grid.amount], most), low[grid.amount])
    return low, high


def _whole_rows(model: Model, whole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[row] Whether its activity is a whole number where the columns `whole` are."""
    matrix = model.matrix
    parted = ~whole[matrix.indices] | (matrix.data % 1 != 0)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    found = np.ones(matrix.shape[0], dtype=bool)
    found[rows[parted]] = False
    return found


_NOISE, _IDLE, _SHRUNK = 1e-12, 1e-6, 10
_ROUNDING, _ROUNDING_ROOM, _NO_ROOM = 1e-14, 1e-9, 1e-8
Entries = tuple[Ints, Ints, Floats]


def _rows_of(first: Entries, second: Entries, rows: int, columns: int) -> sparse.csr_matrix:
    """A block of rows from two lists of (row, column, value)."""
    row, column, value = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    return sparse.coo_matrix((value, (row, column)), shape=(rows, columns)).tocsr()
