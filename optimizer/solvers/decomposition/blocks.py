"""Which rows of a model couple counties, and what is left of it within each county.

Found, not declared: totals are columns that one equality defines, and are written out; a row
whose columns are all of one county belongs to it; any other couples counties. Within a county the
cells have a known shape: tiers filled up to their room where the cell is funded, a least and a
most. Rows over a county's funded cells, and over all its money, choose among its subsets of funded
cells or bound the money of each. Whatever else stands within a county is priced as if it coupled
several: the bound stays true, if less tight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.solution import SearchNote
from optimizer.formulation.edits import with_all_funded
from optimizer.formulation.model import Floats, Ints, Model, row_labels
from optimizer.solvers.decomposition.cell_rows import CellRows
from optimizer.solvers.decomposition.kept_money import Untouched, kept_columns, untouched

MOST_ROWS = 400
"""Coupling rows up to which prices on them are sought."""
MOST_SUBSETS, MOST_LISTED = 1024, 2_000_000
"""Subsets of funded cells up to which they are listed, and up to which they are if so many are
listed of all counties together; of more, a county is taken in parts, and its own limits couple
these."""
_NOISE = 1e-9
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Blocks:
    """The counties of a model and what couples them; C counties, T tasks, K tiers, S subsets."""

    model: Model
    cost: Floats
    """[column] of the model, its totals written out."""
    spread: sparse.csr_matrix
    """[column of the model that was given, column] what it is of those that are no totals."""
    coupling: sparse.csr_matrix
    """[row, column] over the model's columns, totals written out."""
    rows: Ints
    """[row] which row of the model it is."""
    lower: Floats
    upper: Floats
    """[row] bounds of the coupling rows."""
    tier: Ints
    """[county, task, tier] its column; −1 where there is none. Where cells fill their tiers in
    order, what lies above the last one is a tier, too."""
    full: Ints
    """[county, task, tier] the column that is 1 where the tier is full and the next one may hold
    money; −1 where there is none."""
    in_order: Flags
    """[county, task] whether the cell fills its tiers in order, and holds nothing else."""
    least: Floats
    """[county, task] money of the cell where it is funded, at the least."""
    most: Floats
    """[county, task] and at the most."""
    subsets: Flags
    """[subset, task] which tasks are funded; every county chooses among these."""
    allowed: Flags
    """[county, subset] whether the county may."""
    floor: Floats
    cap: Floats
    """[county, subset] bounds of all the county's money."""
    touched: Ints
    """[flag] columns that are 1 where a county funds one of some cells."""
    touched_by: Flags
    """[flag, subset] whether they are."""
    touched_in: Ints
    """[flag] the county."""
    free: Ints
    """Columns of no county's choice that stand in coupling rows: what gives way."""
    kept: Ints
    """[county, task] column of what stays in the cell of the money that a table has there; −1 where
    there is none."""
    untouched: Untouched | None = None
    """What a county may leave as a table has it, as the last of the subsets; there none of its
    cells is funded by choice."""

    dear: float = 1.0
    """How many times as much as usual it costs to break a coupling row while prices are sought."""

    @property
    def counties(self) -> int:
        """How many there are."""
        return len(self.floor)

    @property
    def amount(self) -> Ints:
        """[county, task] the column of the cell's money."""
        return self.model.grid.amount.reshape(self.model.grid.shape)

    @property
    def funded(self) -> Ints:
        """[county, task] the column that says whether the cell is funded."""
        assert self.model.grid.funded is not None
        return self.model.grid.funded.reshape(self.model.grid.shape)

    @cached_property
    def room(self) -> Floats:
        """[county, task, tier] money that the tier holds, 0 where there is none."""
        return np.where(self.tier >= 0, self.model.upper[self.tier], 0.0)

    @cached_property
    def stays(self) -> Floats | None:
        """[county, task] the most that a cell keeps; None where nothing is said of it."""
        if (self.kept < 0).all():
            return None
        return np.where(self.kept >= 0, self.model.upper[self.kept], 0.0)

    @cached_property
    def left_alone(self) -> Floats:
        """[column] what stands there where every county is left as the table has it."""
        values = np.zeros(len(self.cost))
        if self.untouched is None:
            return values
        money = self.untouched.money
        values[self.amount], values[self.funded] = money, money > 0
        filled = np.clip(money[..., None] - (self.room.cumsum(axis=2) - self.room), 0, self.room)
        there, kept = self.tier >= 0, self.kept >= 0
        values[self.tier[there]] = filled[there]
        values[self.full[self.full >= 0]] = (filled >= self.room)[self.full >= 0]
        if self.stays is not None:
            values[self.kept[kept]] = np.minimum(money, self.stays)[kept]
        return values

    def is_left_alone(self, subset: Ints) -> Flags:
        """Whether subsets of counties are that of a county left as it is."""
        last = len(self.subsets) - 1 if self.untouched is not None else -1
        alone: Flags = subset == last
        return alone

    def funded_by(self, subset: Ints) -> Flags:
        """[county, task] which cells are funded; `subset`: [county]."""
        chosen = self.subsets[subset]
        if self.untouched is not None:
            alone = self.is_left_alone(subset)
            chosen[alone] = self.untouched.money[alone] > 0
        return chosen

    @cached_property
    def column_county(self) -> Ints:
        """[column] the county that chooses what stands in it; −1 for another."""
        county = np.full(len(self.cost), -1, dtype=np.int64)
        own = np.arange(self.counties)
        county[self.amount] = county[self.funded] = own[:, None]
        for columns in (self.tier, self.full):
            there = columns >= 0
            county[columns[there]] = np.nonzero(there)[0]
        county[self.touched] = self.touched_in
        county[self.kept[self.kept >= 0]] = np.nonzero(self.kept >= 0)[0]
        return county

    @cached_property
    def activity(self) -> _Activity:
        """How what counties take of coupling rows follows from their columns."""
        coo, rows = self.coupling.tocoo(), len(self.lower)
        mine = np.flatnonzero(self.column_county[coo.col] >= 0)
        column, value = coo.col[mine], coo.data[mine]
        key = self.column_county[column] * rows + coo.row[mine]
        used = np.zeros(self.counties * rows, dtype=np.int32)
        used[key] = 1
        places, number = np.flatnonzero(used), used.cumsum(dtype=np.int32) - 1
        starts = np.searchsorted(places, np.arange(self.counties + 1) * rows)
        shape = rows, self.counties
        return _Activity(number[key], column, value, places % rows, starts, shape)


class _Activity(NamedTuple):
    """The matrix [coupling row, county] of what counties take, and what adds up to its entries."""

    entry: NDArray[np.int32]
    """[addend] the entry that it is part of."""
    column: NDArray[np.int32]
    """[addend] the column whose value it is, times `value`."""
    value: Floats
    rows: Ints
    """[entry] its coupling row; county after county, from `starts` on."""
    starts: Ints
    shape: tuple[int, int]

    def of(self, values: Floats) -> sparse.csc_matrix:
        """[coupling row, county] what is taken where the columns are `values`."""
        taken = np.bincount(self.entry, self.value * values[self.column], len(self.rows))
        return sparse.csc_matrix((taken, self.rows, self.starts), self.shape)


def find_blocks(model: Model) -> Blocks | None:
    """The counties of a model; None where it does not come apart, or not into what is known."""
    found = _blocks_or_why(model)
    return found if isinstance(found, Blocks) else None


def why_in_one(model: Model) -> SearchNote | None:
    """Why a model does not come apart; None where it does."""
    found = _blocks_or_why(model)
    return None if isinstance(found, Blocks) else found


def _blocks_or_why(model: Model) -> Blocks | SearchNote:
    grid, columns = model.grid, len(model.cost)
    if grid.shape[0] < 2:
        return SearchNote.ONE_COUNTY
    if model.integer[grid.amount].any() or model.integer[grid.tier].any():
        return SearchNote.AT_ONCE
    plain = grid.funded is not None
    if not plain:
        model = with_all_funded(model)
    matrix, left, cost, spread = _written_out(model)
    most = _most_funded(model, matrix)
    if not _may_be_listed(model, most):
        most, plain = model.grid.shape[1], False
        model = _in_parts(model)
    kept, said = kept_columns(model, matrix)
    still = untouched(model, matrix)
    if still is not None:
        if not plain:
            return SearchNote.LINKED  # Left as it is, a county does not fund all of its cells.
        said |= still.rows
    reader = _Reader(model, matrix, left & ~said, _flags(model, matrix), kept, most)
    found = reader.blocks(cost, spread[:columns], () if still is None else still.columns)
    if still is None or not isinstance(found, Blocks):
        return found
    return _with_untouched(found, still)


def _most_funded(model: Model, matrix: sparse.csr_matrix) -> int:
    """How many cells some county may fund at the most, by limits of their number alone."""
    (counties, tasks), funded = model.grid.shape, model.grid.funded
    assert funded is not None
    county = np.full(len(model.cost), -1, dtype=np.int64)
    county[funded] = np.arange(len(funded)) // tasks
    own, filled = row_labels(matrix, county), np.diff(matrix.indptr)
    starts = matrix.indptr[:-1][filled > 0]
    least, most = np.zeros((2, matrix.shape[0]))
    least[filled > 0] = np.minimum.reduceat(matrix.data, starts)
    most[filled > 0] = np.maximum.reduceat(matrix.data, starts)
    may = (model.upper[funded] > 0).reshape(counties, tasks).sum(axis=1)
    fits = (own >= 0) & (least == most) & (least > 0) & (filled >= may[own])
    limit = np.minimum(np.floor(model.row_upper[fits] / least[fits] + _NOISE), tasks)
    np.minimum.at(may, own[fits], np.maximum(limit, 0).astype(np.int64))
    return int(may.max())


def _may_be_listed(model: Model, most: int) -> bool:
    """Whether all subsets of so many funded cells at the most are few."""
    counties, tasks = model.grid.shape
    count = sum(comb(tasks, size) for size in range(most + 1))
    return count <= MOST_SUBSETS or counties * count <= MOST_LISTED


def _in_parts(model: Model) -> Model:
    """The model with counties in equal parts, of so many tasks that all subsets can be listed."""
    counties, tasks = model.grid.shape
    sizes = (n for n in range(1, tasks + 1) if tasks % n == 0)
    parts = next(n for n in sizes if 1 << (tasks // n) <= MOST_SUBSETS)
    return replace(model, grid=replace(model.grid, shape=(counties * parts, tasks // parts)))


def _with_untouched(blocks: Blocks, still: Untouched) -> Blocks:
    """The counties with one more subset: as the table has it."""
    money, everyone = still.money, np.arange(blocks.counties)
    total, flags = money.sum(axis=1), money > 0
    same = (flags[:, None] == blocks.subsets[None]).all(axis=2)
    its = same.argmax(axis=1)
    can = same.any(axis=1) & blocks.allowed[everyone, its] & still.may_stay
    can &= (blocks.floor[everyone, its] <= total) & (total <= blocks.cap[everyone, its])
    can &= ((blocks.least * flags <= money) & (money <= blocks.most)).all(axis=1)
    none = np.zeros((blocks.counties, 1))
    raised = blocks.touched_by[np.arange(len(blocks.touched)), its[blocks.touched_in]]
    moved = np.append(np.ones(len(blocks.subsets), dtype=bool), False)
    return replace(
        blocks,
        subsets=np.vstack([blocks.subsets, np.zeros(len(flags[0]), dtype=bool)]),
        allowed=np.column_stack([blocks.allowed, can]),
        floor=np.hstack([blocks.floor, none]),
        cap=np.hstack([blocks.cap, none]),
        touched=np.append(blocks.touched, still.columns),
        touched_by=np.vstack(
            [
                np.column_stack([blocks.touched_by, raised]),
                np.broadcast_to(moved, (blocks.counties, len(moved))),
            ]
        ),
        touched_in=np.append(blocks.touched_in, everyone),
        untouched=still,
    )


def _written_out(model: Model) -> tuple[sparse.csr_matrix, Flags, Floats, sparse.csr_matrix]:
    """(rows, which of them are left, costs, what each column is), every total written out.

    A total is a column of no cell that an equality defines as a sum of others, and that has no
    bounds but what the sum keeps by itself.
    """
    total = _no_cells(model) & ~model.integer & np.isinf(model.upper)
    total &= (model.lower == 0) | np.isinf(model.lower)
    matrix = model.matrix
    left = np.isfinite(model.row_lower) | np.isfinite(model.row_upper)  # What asks for anything.
    equal = np.flatnonzero((model.row_lower == 0) & (model.row_upper == 0))
    columns, rows = [], []
    for row in equal.tolist():
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        at, values = matrix.indices[span], matrix.data[span]
        mine = total[at]
        if mine.sum() != 1 or values[mine][0] != 1.0:
            continue
        if (values[~mine] <= 0).all() or np.isinf(model.lower[at[mine][0]]):
            columns.append(int(at[mine][0]))
            rows.append(row)
            total[columns[-1]] = False
    if not rows:
        return matrix, left, model.cost, sparse.identity(len(model.cost), format="csr")
    left[rows] = False
    width, count = len(model.cost), len(rows)
    kept = np.ones(width)
    kept[columns] = 0.0
    each = np.arange(count)
    place = sparse.csr_matrix((np.ones(count), (columns, each)), shape=(width, count))
    own = sparse.csr_matrix((np.ones(count), (each, columns)), shape=(count, width))
    spread = (sparse.diags(kept) + place @ (own - matrix[rows])).tocsr()
    written = (matrix @ spread).tocsr()
    written.eliminate_zeros()
    return written, left, np.asarray(spread.T @ model.cost), spread


def _no_cells(model: Model) -> Flags:
    """[column] whether it is of no cell."""
    grid = model.grid
    none = np.ones(len(model.cost), dtype=bool)
    assert grid.funded is not None
    none[grid.amount] = none[grid.tier] = none[grid.funded] = False
    if grid.order is not None:
        none[grid.order.above[grid.order.above >= 0]] = none[grid.order.full] = False
    return none


def _flags(model: Model, matrix: sparse.csr_matrix) -> dict[int, Ints]:
    """Column that is 1 exactly where one of some cells of a county is funded → those cells.

    Such a column has rows column − funded ≥ 0, and one column − Σ funded ≤ 0.
    """
    grid = model.grid
    assert grid.funded is not None
    cell = np.full(len(model.cost), -1, dtype=np.int64)
    cell[grid.funded] = np.arange(len(grid.funded))
    maybe = _no_cells(model) & (model.upper == 1.0) & (model.column_county >= 0)
    found: dict[int, Ints] = {}
    by_column = matrix.tocsc()
    for column in np.flatnonzero(maybe).tolist():
        rows = by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]]
        below: set[int] = set()
        above: set[int] | None = None
        for row in rows.tolist():
            span = slice(matrix.indptr[row], matrix.indptr[row + 1])
            others = matrix.indices[span] != column
            cells, values = cell[matrix.indices[span][others]], matrix.data[span]
            if values[~others][0] != 1 or (values[others] != -1).any() or (cells < 0).any():
                continue
            if len(set((cells // grid.shape[1]).tolist())) > 1:
                continue
            if model.row_upper[row] == 0:
                above = set(cells.tolist())
            elif model.row_lower[row] == 0 and len(cells) == 1:
                below |= set(cells.tolist())
        if above and above <= below:
            found[column] = np.array(sorted(above), dtype=np.int64)
    return found


@dataclass(frozen=True)
class _Reader:
    """Sorts the rows of a model, totals written out, by what they say."""

    model: Model
    matrix: sparse.csr_matrix
    left: Flags
    """[row] those that are still to be sorted."""
    flags: dict[int, Ints]
    kept: Ints
    most: int
    """Funded cells of a county, at the most."""

    def blocks(
        self, cost: Floats, spread: sparse.csr_matrix, beside: Sequence[int] | Ints = ()
    ) -> Blocks | SearchNote:
        """What they come to, or why not. `beside`: columns that are a county's, though none of its
        cells'."""
        model, grid = self.model, self.model.grid
        cells = CellRows(model, self.matrix, self.left).read()
        if cells is None:
            return SearchNote.LINKED
        subsets = _subsets(grid.shape[1], self.most)
        touched, touched_by, touched_in = self._touched(subsets)
        allowed, floor, cap = self._counties(subsets, (touched, touched_by, touched_in))
        chosen = subsets.astype(float)
        allowed &= (cells.least @ chosen.T <= cap) & (cells.most @ chosen.T >= floor)
        allowed &= floor <= cap + _NOISE * np.maximum(np.abs(floor), 1.0)
        ever = allowed.any(axis=0)
        filled = np.diff(self.matrix.indptr) > 0
        empty, rest = self.left & ~filled, self.left & filled
        kept = (model.row_lower[empty] <= 0).all() and (model.row_upper[empty] >= 0).all()
        coupling = self.matrix[rest]
        flags = np.append(touched, np.asarray(beside, dtype=np.int64))
        free = self._free(coupling, flags, cost)
        if coupling.shape[0] > MOST_ROWS:
            return SearchNote.MANY_LIMITS
        mixed = coupling[:, cells.full[cells.full >= 0]].nnz > 0
        if mixed or free is None or not (kept and allowed.any(axis=1).all()):
            return SearchNote.LINKED
        return Blocks(
            model=model,
            cost=cost,
            spread=spread,
            coupling=coupling,
            rows=np.flatnonzero(rest),
            lower=model.row_lower[rest],
            upper=model.row_upper[rest],
            tier=cells.tier,
            full=cells.full,
            in_order=cells.in_order,
            least=cells.least,
            most=cells.most,
            subsets=subsets[ever],
            allowed=allowed[:, ever],
            floor=floor[:, ever],
            cap=cap[:, ever],
            touched=touched,
            touched_by=touched_by[:, ever],
            touched_in=touched_in,
            free=free,
            kept=self.kept,
        )

    def _touched(self, subsets: Flags) -> tuple[Ints, Flags, Ints]:
        """[flag] (column, [flag, subset] whether it is raised, county)."""
        tasks, cells = subsets.shape[1], list(self.flags.values())
        raised = [subsets[:, own % tasks].any(axis=1) for own in cells]
        return (
            np.array(list(self.flags), dtype=np.int64),
            np.array(raised, dtype=bool).reshape(len(cells), len(subsets)),
            np.array([own[0] // tasks for own in cells], dtype=np.int64),
        )

    def _free(self, coupling: sparse.csr_matrix, touched: Ints, cost: Floats) -> Ints | None:
        """Columns of coupling rows that no county chooses; None where one has to be whole or may be
        below nothing, or where one that brings something stands in no such row."""
        others = _no_cells(self.model)
        others[touched] = others[self.kept[self.kept >= 0]] = False
        used = np.unique(coupling.indices).astype(np.int64)
        free = used[others[used]]
        unbounded = np.setdiff1d(np.flatnonzero(others & (cost > 0)), used)
        odd = self.model.integer[free].any() or (self.model.lower[free] != 0).any()
        return None if odd or len(unbounded) else free

    def _counties(
        self, subsets: Flags, touched: tuple[Ints, Flags, Ints]
    ) -> tuple[Flags, Floats, Floats]:
        """[county, subset] (whether it may be funded, floor and cap of the county's money)."""
        model, grid, matrix = self.model, self.model.grid, self.matrix
        counties, tasks = grid.shape
        county = np.full(len(model.cost), -1, dtype=np.int64)
        county[grid.amount] = county[grid.funded] = np.arange(len(grid.amount)) // tasks
        county[touched[0]] = touched[2]
        choice = _Choice.of(model, subsets, touched[:2])
        allowed = choice.allowed(model)
        floor, cap = np.zeros(allowed.shape), np.full(allowed.shape, np.inf)
        of_row = row_labels(matrix, county)
        for row in np.flatnonzero(self.left & (of_row >= 0)).tolist():
            span = slice(matrix.indptr[row], matrix.indptr[row + 1])
            at, values, own = matrix.indices[span], matrix.data[span], int(of_row[row])
            money = choice.task[at] < 0
            fixed = choice.value(at[~money], values[~money])
            below, above = model.row_lower[row] - fixed, model.row_upper[row] - fixed
            if not money.any():
                allowed[own] &= (below <= _NOISE) & (above >= -_NOISE)
            elif _is_total(values[money], at[money], model.upper, int(choice.open[own])):
                each = values[money][0]
                floor[own] = np.maximum(floor[own], below / each)
                cap[own] = np.minimum(cap[own], above / each)
            else:
                continue
            self.left[row] = False
        return allowed, floor, cap


@dataclass(frozen=True)
class _Choice:
    """What a county's subset makes of the columns that follow from it."""

    subsets: Flags
    task: Ints
    """[column] the task of a funded cell; tasks + flag of one that cells raise; −1 for another."""
    by: Floats
    """[task or tasks + flag, subset] the column's value."""
    open: Ints
    """[county] how many of its cells may be funded."""

    @classmethod
    def of(cls, model: Model, subsets: Flags, touched: tuple[Ints, Flags]) -> _Choice:
        funded = model.grid.funded
        assert funded is not None
        tasks = subsets.shape[1]
        task = np.full(len(model.cost), -1, dtype=np.int64)
        task[funded] = np.arange(len(funded)) % tasks
        task[touched[0]] = tasks + np.arange(len(touched[0]))
        by = np.concatenate([subsets.T, touched[1]]).astype(float)
        may = model.upper[funded].reshape(model.grid.shape) > 1 - _NOISE
        return cls(subsets, task, by, may.sum(axis=1))

    def value(self, columns: NDArray[np.int32], factors: Floats) -> Floats:
        """[subset] Σ factor × column."""
        return np.asarray(factors @ self.by[self.task[columns]])

    def allowed(self, model: Model) -> Flags:
        """[county, subset] by the bounds of single cells."""
        funded = model.grid.funded
        assert funded is not None
        must = model.lower[funded].reshape(model.grid.shape) > _NOISE
        may = model.upper[funded].reshape(model.grid.shape) > 1 - _NOISE
        missing = must.astype(int) @ (~self.subsets).T.astype(int)
        barred = (~may).astype(int) @ self.subsets.T.astype(int)
        return np.asarray((missing == 0) & (barred == 0))


def _is_total(values: Floats, at: NDArray[np.int32], upper: Floats, cells: int) -> bool:
    """Whether a row adds up the money of all the `cells` of a county that may hold any."""
    alike = values[0] > 0 and bool((values == values[0]).all())
    return alike and int((upper[at] > 0).sum()) >= cells


def _subsets(tasks: int, most: int) -> Flags:
    """[subset, task] all of up to so many tasks, the empty one first."""
    sizes = range(min(tasks, most) + 1)
    found = [chosen for size in sizes for chosen in combinations(range(tasks), size)]
    table = np.zeros((len(found), tasks), dtype=bool)
    for row, chosen in enumerate(found):
        table[row, list(chosen)] = True
    return table
