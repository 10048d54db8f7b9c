"""What the rows of single cells say: between which ends a cell's money lies where it is funded, and
how it fills its tiers, best first or in their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.formulation.model import Floats, Ints, Model, Order, row_labels

Flags = NDArray[np.bool_]


class CellsRead(NamedTuple):
    """The cells as `Blocks` has them; all [county, task], or [county, task, tier]."""

    tier: Ints
    full: Ints
    in_order: Flags
    least: Floats
    most: Floats


@dataclass(frozen=True)
class CellRows:
    """Reads the rows of single cells of a model, totals written out."""

    model: Model
    matrix: sparse.csr_matrix
    left: Flags
    """[row] those that are still to be sorted; what is read here is taken off."""

    def read(self) -> CellsRead | None:
        """What they say; None where a row is missing that holds tiers in their order. Rows of other
        kinds are left."""
        self._settle_single()
        if (places := self._places()) is None:
            return None
        least, most, in_order = self._filled(_chained(self.model, *places))
        return CellsRead(*places, in_order, least, most)

    def _filled(self, chained: Flags) -> tuple[Floats, Floats, Flags]:
        """[county, task] (least, most money of a funded cell; whether it fills its tiers in order);
        rows that say how a cell is filled, and between which ends, are settled. `chained`: [cell]
        whether a tier may hold money only where the one before is full."""
        model, grid = self.model, self.model.grid
        rows, sums, counts = self._of_cells()
        low, high, at = model.row_lower[rows], model.row_upper[rows], self._cell_of[rows]
        up, down = (low == 0) & np.isinf(high), (high == 0) & np.isinf(low)
        filled = _like(counts, (1, None, 0)) & (sums[:, 1] == -counts[:, 1]) & (sums[:, 0] == 1)
        exact = filled & (low == 0) & (high == 0) & chained[at]
        room = _like(counts, (0, 1, 1)) & down & (sums[:, 1] > 0)
        ends = _like(counts, (1, 0, 1)) & (sums[:, 0] > 0) & (sums[:, 2] <= 0) & (up | down)
        self.left[rows[filled & up | exact | room | ends]] = False
        money = model.lower[grid.amount].copy(), model.upper[grid.amount].copy()
        limit = -sums[:, 2] / np.where(sums[:, 0] > 0, sums[:, 0], 1.0)
        np.maximum.at(money[0], at[ends & up], limit[ends & up])
        np.minimum.at(money[1], at[ends & down], limit[ends & down])
        in_order = np.zeros(len(grid.amount), dtype=bool)
        in_order[at[exact]] = True
        least, most = (one.reshape(grid.shape) for one in money)
        return least, most, in_order.reshape(grid.shape)

    @cached_property
    def _cell_of(self) -> Ints:
        """[row] the cell that it is a row of; −1 for another."""
        grid = self.model.grid
        assert grid.funded is not None
        cell = np.full(len(self.model.cost), -1, dtype=np.int64)
        cell[grid.amount] = cell[grid.funded] = np.arange(len(grid.amount))
        cell[grid.tier] = grid.tier_cell
        if grid.order is not None:
            spilling = np.flatnonzero(grid.order.above >= 0)
            cell[grid.order.above[spilling]] = spilling
        return row_labels(self.matrix, cell)

    def _of_cells(self) -> tuple[Ints, Floats, Floats]:
        """(rows over one cell, [row, kind] the sums of their coefficients of its money, of tiers
        and of its being funded, and how many there are)."""
        grid, matrix = self.model.grid, self.matrix
        assert grid.funded is not None
        rows = np.flatnonzero((self._cell_of >= 0) & self.left & (np.diff(matrix.indptr) > 1))
        kind = np.ones(len(self.model.cost), dtype=np.int64)
        kind[grid.amount], kind[grid.funded] = 0, 2
        coo = matrix[rows].tocoo()
        sums, counts = np.zeros((2, len(rows), 3))
        np.add.at(sums, (coo.row, kind[coo.col]), coo.data)
        np.add.at(counts, (coo.row, kind[coo.col]), 1)
        return rows, sums, counts

    def _places(self) -> tuple[Ints, Ints] | None:
        """[county, task, tier] (its column, the one that says whether it is full); None where a row
        is missing that holds tiers in their order."""
        grid, order = self.model.grid, self.model.grid.order
        last = int(grid.tier_number.max(initial=0)) + 1
        places = np.full((len(grid.amount), last + (order is not None)), -1, dtype=np.int64)
        places[grid.tier_cell, grid.tier_number] = grid.tier
        full = np.full_like(places, -1)
        if order is not None:
            if not self._settle_order(order):
                return None
            places[:, last] = order.above
            full_of = np.full(len(self.model.cost) + 1, -1, dtype=np.int64)
            full_of[order.before] = order.full
            full = full_of[places]
        return places.reshape(*grid.shape, -1), full.reshape(*grid.shape, -1)

    def _settle_order(self, order: Order) -> bool:
        """Take off the rows that hold tiers in their order, if they are all there."""
        matrix, model = self.matrix, self.model
        two = np.flatnonzero(np.diff(matrix.indptr) == 2)
        place = matrix.indptr[two][:, None] + np.arange(2)
        at, by = matrix.indices[place], matrix.data[place]
        number = np.full(len(model.cost), -1, dtype=np.int64)
        number[order.full] = np.arange(len(order.full))
        which, first = number[at].max(axis=1), np.argmin(number[at], axis=1)
        each = np.arange(len(two))
        tier, room = at[each, first], by[each, 1 - first]
        fits = (which >= 0) & (by[each, first] == 1) & (room == -model.upper[tier])
        low, high = model.row_lower[two], model.row_upper[two]
        found = []
        for wanted, ends in (
            (order.before, (low == 0) & np.isinf(high)),
            (order.after, np.isinf(low) & (high == 0)),
        ):
            rows = fits & ends & (tier == np.append(wanted, -1)[which])
            if len(np.unique(which[rows])) < len(order.full):
                return False
            found.append(two[rows])
        self.left[np.concatenate(found)] = False
        return True

    def _settle_single(self) -> None:
        """Take off rows of one column that its bounds keep by themselves, as those of tiers that no
        money reaches."""
        model, matrix = self.model, self.matrix
        rows = np.flatnonzero(self.left & (np.diff(matrix.indptr) == 1))
        at = matrix.indptr[rows]
        columns, values = matrix.indices[at], matrix.data[at]
        ends = np.stack([values * model.lower[columns], values * model.upper[columns]])
        kept = (ends.min(axis=0) >= model.row_lower[rows]) & (
            ends.max(axis=0) <= model.row_upper[rows]
        )
        self.left[rows[kept]] = False


def _chained(model: Model, tier: Ints, full: Ints) -> Flags:
    """[cell] whether a tier may hold money only where the one before is full."""
    room = np.where(tier >= 0, model.upper[tier], 0.0) > 0
    later = np.cumsum(room[..., ::-1], axis=2)[..., ::-1] > room
    held: Flags = ((full >= 0) | ~(room & later)).all(axis=2).ravel()
    return held


def _like(counts: Floats, wanted: tuple[int | None, ...]) -> Flags:
    """[row] whether it has so many entries of each kind; None for one or more."""
    fits = [
        counts[:, kind] > 0 if number is None else counts[:, kind] == number
        for kind, number in enumerate(wanted)
    ]
    return np.asarray(np.logical_and.reduce(fits))
