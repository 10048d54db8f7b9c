"""The model as arrays: maximise cost · v, with row_lower ≤ A v ≤ row_upper and bounds on v.

Columns and rows are appended in blocks; a block knows the names of its members, which are only
spelled out for people (export, messages).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = Callable[[], Sequence[str]]


@dataclass(frozen=True)
class LimitRows:
    """Where the rows of one rule stand: row `start + i` is the limit of the group `keys[i]`."""

    rule: str
    sense: str
    start: int
    keys: tuple[tuple[str, ...], ...]
    scale: Floats
    """The row's coefficients are the rule's own, in money or metric units, times this."""
    heads: Floats
    """What a per-head rule's own value was multiplied by."""

    @property
    def rows(self) -> Ints:
        """[limit] its row in the model."""
        return np.arange(self.start, self.start + len(self.keys), dtype=np.int64)


@dataclass(frozen=True)
class Order:
    """How some cells fill their tiers in order; `full[i]` is 1 where the tier of column `before[i]`
    is full, and 0 unless, so that the next one, of column `after[i]`, may hold money."""

    above: Ints
    """[cell] the column of its money above the last tier, which is then a tier too; −1 for none."""
    full: Ints
    before: Ints
    after: Ints


@dataclass(frozen=True)
class Columns:
    """Which columns belong to the cells.

    `amount[cell]`, `funded[cell]` (or None) with cell = county × tasks + task; `tier[i]` is the
    column of tier `tier_number[i]` of cell `tier_cell[i]`. `step[cell]` is what the cell's money is
    a multiple of; of cells where that is more than 1, `steps` are columns that say how many.
    """

    shape: tuple[int, int]
    amount: Ints
    funded: Ints | None
    tier: Ints
    tier_cell: Ints
    tier_number: Ints
    step: Floats = field(default_factory=lambda: np.ones(0))
    steps: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    order: Order | None = None


@dataclass(frozen=True, eq=False)
class Model:
    """A linear program, or with `integer` columns a mixed-integer one; always a maximisation."""

    cost: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    matrix: sparse.csr_matrix
    row_lower: Floats
    row_upper: Floats
    grid: Columns
    limits: tuple[LimitRows, ...]
    column_names: Names
    row_names: Names
    own_county: Ints
    """As `column_county`, of the columns that it was formulated with; edits add further ones."""

    @cached_property
    def column_county(self) -> Ints:
        """[column] The county that it belongs to, by its position; −1 for one of several counties,
        and for one that an edit added."""
        further = len(self.cost) - len(self.own_county)
        return np.append(self.own_county, np.full(further, -1, dtype=np.int64))

    @cached_property
    def row_county(self) -> Ints:
        """[row] The county that all its columns belong to; −1 where it couples several."""
        return row_labels(self.matrix, self.column_county)

    @property
    def is_lp(self) -> bool:
        """No column must be whole."""
        return not bool(self.integer.any())

    def limit(self, rule: str) -> LimitRows:
        """The rows of a rule that has rows of its own (`apart` in `formulate`), or of `budget`."""
        return next(limit for limit in self.limits if limit.rule == rule)

    @property
    def largest_cost(self) -> float:
        """What a money unit is worth at most, by which to scale; 0 without costs.

        Beside the price of a rule that gives way it may be small, and is yet what a solver has to
        tell apart; other costs count only where money has none.
        """
        of_money = float(np.abs(self.cost[self.grid.tier]).max(initial=0.0))
        return of_money or float(np.abs(self.cost).max(initial=0.0))


def row_labels(matrix: sparse.csr_matrix, label: Ints) -> Ints:
    """[row] The label that all its columns have; −1 for several, and for a row without any.

    `label`: of each column, −1 for none.
    """
    labels = label[matrix.indices]
    starts, filled = matrix.indptr[:-1], np.diff(matrix.indptr) > 0
    found = np.full(matrix.shape[0], -1, dtype=np.int64)
    if len(labels):
        least = np.minimum.reduceat(labels, starts[filled])
        most = np.maximum.reduceat(labels, starts[filled])
        found[filled] = np.where(least == most, least, -1)
    return found


class Builder:
    """Collects blocks of columns and rows."""

    def __init__(self) -> None:
        self.columns = 0
        self.rows = 0
        self.prices: list[tuple[Ints, float]] = []
        """Columns that cost objective points: what bent rules pay."""
        self._column_parts: list[tuple[Floats, Floats, NDArray[np.bool_]]] = []
        self._row_parts: list[tuple[Floats, Floats]] = []
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._column_names: list[Names] = []
        self._column_county: list[Ints] = []
        self._row_names: list[Names] = []

    def add_columns(
        self,
        count: int,
        upper: ArrayLike,
        names: Names,
        *,
        county: ArrayLike = -1,
        lower: ArrayLike = 0.0,
        integer: bool = False,
    ) -> Ints:
        """Append `count` columns; returns their positions. `county`: of each, by position; −1 for
        a column of several counties."""
        low, high = (np.broadcast_to(np.asarray(v, float), (count,)) for v in (lower, upper))
        self._column_parts.append((low, high, np.full(count, integer, dtype=bool)))
        self._column_county.append(np.broadcast_to(np.asarray(county, np.int64), (count,)))
        self._column_names.append(names)
        self.columns += count
        return np.arange(self.columns - count, self.columns, dtype=np.int64)

    def add_rows(
        self,
        bounds: tuple[ArrayLike, ArrayLike],
        entries: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]],
        count: int,
        names: Names,
    ) -> int:
        """Append `count` rows with (row within the block, column, value) entries; the first row."""
        start = self.rows
        lower, upper = (np.broadcast_to(np.asarray(b, float), (count,)) for b in bounds)
        self._row_parts.append((lower, upper))
        for row, column, value in entries:
            rows, columns, values = np.broadcast_arrays(
                np.asarray(row, np.int64) + start, np.asarray(column, np.int64), value
            )
            self._entries.append((rows.ravel(), columns.ravel(), np.asarray(values, float).ravel()))
        self._row_names.append(names)
        self.rows += count
        return start

    def block(self) -> tuple[sparse.csr_matrix, Floats, Floats]:
        """All rows so far: their coefficients, lower and upper bounds."""
        rows, columns, values = (
            np.concatenate([entry[i] for entry in self._entries]) for i in range(3)
        )
        shape = (self.rows, self.columns)
        matrix = sparse.coo_matrix((values, (rows, columns)), shape=shape).tocsr()
        lower, upper = (np.concatenate([p[i] for p in self._row_parts]) for i in range(2))
        return matrix, lower, upper

    def finish(self, grid: Columns, limits: Sequence[LimitRows]) -> Model:
        """The blocks as one model; its cost is that of columns that give way, else zero."""
        cost = np.zeros(self.columns)
        for columns, price in self.prices:
            cost[columns] = -price
        matrix, row_lower, row_upper = self.block()
        part = self._column_parts
        names, row_names = list(self._column_names), list(self._row_names)
        return Model(
            cost=cost,
            lower=np.concatenate([p[0] for p in part]),
            upper=np.concatenate([p[1] for p in part]),
            integer=np.concatenate([p[2] for p in part]),
            matrix=matrix,
            row_lower=row_lower,
            row_upper=row_upper,
            grid=grid,
            limits=tuple(limits),
            column_names=lambda: [name for block in names for name in block()],
            row_names=lambda: [name for block in row_names for name in block()],
            own_county=np.concatenate(self._column_county),
        )
