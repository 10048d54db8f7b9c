"""Which of its few good subsets each county funds: an integer program in hull form.

At the prices of the bound every subset of a county loses something against the county's best. What
loses more than the bound is above an answer stands in no better answer, so the subsets that lose
less, each with money of its own, hold every better one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.formulation.model import Columns, Floats, Ints, Model
from optimizer.solvers.decomposition.blocks import Blocks, Flags

_Entries = tuple[Ints, Ints, Floats | float]
_Rows = tuple[sparse.csr_matrix, Floats, Floats]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a county and a subset of its cells. Their model has a binary for each pair, then
    the money of each cell of each pair, then its tiers, then what cells keep, then the columns that
    give way, then a binary for each tier that must be full before the next one holds money."""

    blocks: Blocks
    county: Ints
    """[pair]"""
    subset: Ints
    """[pair]"""

    @cached_property
    def cells(self) -> tuple[Ints, Ints, Ints]:
        """[cell of a pair] (pair, county, task)."""
        pair, task = np.nonzero(self.blocks.subsets[self.subset])
        return pair, self.county[pair], task

    @cached_property
    def tiers(self) -> tuple[Ints, Ints, Ints]:
        """[tier of a cell of a pair] (cell of a pair, tier, its column in the model)."""
        _, county, task = self.cells
        places = self.blocks.tier[county, task]
        cell, number = np.nonzero(places >= 0)
        return cell, number, places[cell, number]

    @cached_property
    def kept(self) -> tuple[Ints, Ints]:
        """[cell of a pair that keeps money] (cell of a pair, its column in the model)."""
        _, county, task = self.cells
        columns = self.blocks.kept[county, task]
        cell = np.flatnonzero(columns >= 0)
        return cell, columns[cell]

    @cached_property
    def full(self) -> tuple[Ints, Ints]:
        """[tier that is to be full first] (which one of `tiers`, the next one follows; the column
        that says so in the model)."""
        cell, number, _ = self.tiers
        _, county, task = self.cells
        columns = self.blocks.full[county[cell], task[cell], number]
        tier = np.flatnonzero(columns >= 0)
        return tier, columns[tier]

    @cached_property
    def ends(self) -> tuple[int, int, int, int, int, int]:
        """Where pairs, money, tiers, what is kept, what gives way and the rest end among the
        columns."""
        pairs = len(self.county)
        money = pairs + len(self.cells[0])
        tiers = money + len(self.tiers[0])
        kept = tiers + len(self.kept[0])
        free = kept + len(self.blocks.free)
        return pairs, money, tiers, kept, free, free + len(self.full[0])

    @cached_property
    def flags(self) -> tuple[Ints, Ints]:
        """(flag, pair) where the pair's subset raises the county's flag."""
        same = self.blocks.touched_in[:, None] == self.county[None]
        return tuple(np.nonzero(same & self.blocks.touched_by[:, self.subset]))  # type: ignore[return-value]

    @cached_property
    def origin(self) -> sparse.csr_matrix:
        """[column of the model with totals written out, column] which one stands for which."""
        blocks = self.blocks
        pair, county, task = self.cells
        pairs, money, tiers, kept, free, end = self.ends
        flag, flagged = self.flags
        theirs = (
            blocks.amount[county, task],
            self.tiers[2],
            self.kept[1],
            blocks.funded[county, task],
            blocks.touched[flag],
            blocks.free,
            self.full[1],
        )
        mine = (
            np.arange(pairs, money),
            np.arange(money, tiers),
            np.arange(tiers, kept),
            pair,
            flagged,
            np.arange(kept, free),
            np.arange(free, end),
        )
        rows, columns = np.concatenate(theirs), np.concatenate(mine)
        shape, ones = (len(blocks.cost), end), np.ones(len(rows))
        found = sparse.coo_matrix((ones, (rows, columns)), shape=shape).tocsr()
        return found if blocks.untouched is None else found + self._left_alone(shape)

    def _left_alone(self, shape: tuple[int, int]) -> sparse.csr_matrix:
        """What stands in a county's columns where its pair leaves it as it is."""
        blocks, pair_of = self.blocks, np.full(self.blocks.counties + 1, -1)
        alone = np.flatnonzero(blocks.is_left_alone(self.subset))
        pair_of[self.county[alone]] = alone
        column = np.flatnonzero(blocks.left_alone * (pair_of[blocks.column_county] >= 0))
        place = column, pair_of[blocks.column_county[column]]
        return sparse.coo_matrix((blocks.left_alone[column], place), shape=shape).tocsr()

    def model(self, taken: Floats) -> Model:
        """One pair for each county; `taken`: [coupling row] what counties without pairs take."""
        blocks = self.blocks
        pair, county, task = self.cells
        pairs, money, tiers, _, free, end = self.ends
        most = blocks.most[county, task]
        room = np.minimum(blocks.model.upper[self.tiers[2]], most[self.tiers[0]])
        stays = np.minimum(blocks.model.upper[self.kept[1]], most[self.kept[0]])
        integer = np.zeros(end, dtype=bool)
        integer[:pairs] = not self.alone.all()
        integer[free:] = True
        lower = np.zeros(end)
        lower[:pairs] = self.alone
        lower[pairs:money] = np.where(self.alone[pair], blocks.least[county, task], 0.0)
        rows = [
            ((blocks.coupling @ self.origin).tocsr(), blocks.lower - taken, blocks.upper - taken),
            *self._links(most, room),
            *self._kept_links(stays),
            *self._full_links(room),
        ]
        ones = np.ones(pairs), np.ones(end - free)
        upper = (ones[0], most, room, stays, blocks.model.upper[blocks.free], ones[1])
        return Model(
            cost=np.asarray(self.origin.T @ blocks.cost),
            lower=lower,
            upper=np.concatenate(upper),
            integer=integer,
            matrix=sparse.vstack([part[0] for part in rows], format="csr"),
            row_lower=np.concatenate([part[1] for part in rows]),
            row_upper=np.concatenate([part[2] for part in rows]),
            grid=Columns(
                (0, 0), np.arange(pairs, money), None, np.arange(money, tiers), *self.tiers[:2]
            ),
            limits=(),
            column_names=tuple,
            row_names=tuple,
            own_county=np.full(end, -1),
        )

    @cached_property
    def alone(self) -> Flags:
        """[pair] whether its county has no other: then bounds of columns say what rows would."""
        alone: Flags = np.bincount(self.county)[self.county] == 1
        return alone

    def _links(self, most: Floats, room: Floats) -> list[_Rows]:
        """One pair a county; tiers, cells and the county's money only where the pair is chosen."""
        blocks = self.blocks
        pair, county, task = self.cells
        cell = self.tiers[0]
        pairs, money, tiers = self.ends[:3]
        each, at, pick = np.arange(money - pairs), np.arange(len(cell)), np.arange(pairs)
        own, tier = each + pairs, at + money
        _, place = np.unique(self.county, return_inverse=True)
        chosen = blocks.subsets[self.subset]
        least, most_of = ((of[self.county] * chosen).sum(1) for of in (blocks.least, blocks.most))
        floor, cap = blocks.floor[self.county, self.subset], blocks.cap[self.county, self.subset]
        some, none, exact = ~self.alone, 0.0, blocks.in_order[county, task]
        return [
            self._rows([(place, pick, 1.0)], np.unique(place), 1.0, 1.0),
            self._rows([(each, own, 1.0), (cell, tier, -1.0)], each[~exact], none, np.inf),
            self._rows([(each, own, 1.0), (cell, tier, -1.0)], each[exact], none, none),
            self._rows(
                [(each, own, 1.0), (each, pair, -blocks.least[county, task])],
                each[some[pair] & (blocks.least[county, task] > 0)],
                none,
                np.inf,
            ),
            self._rows([(each, own, 1.0), (each, pair, -most)], each[some[pair]], -np.inf, none),
            self._rows(
                [(at, tier, 1.0), (at, pair[cell], -room)], at[some[pair[cell]]], -np.inf, none
            ),
            self._rows([(pair, own, 1.0), (pick, pick, -floor)], pick[floor > least], none, np.inf),
            self._rows(
                [(pair, own, 1.0), (pick, pick, -np.minimum(cap, most_of))],
                pick[cap < most_of],
                -np.inf,
                none,
            ),
        ]

    def _kept_links(self, stays: Floats) -> list[_Rows]:
        """A cell keeps no more than its money, and nothing where the pair is not chosen."""
        pairs, _, tiers, *_ = self.ends
        cell, pair = self.kept[0], self.cells[0]
        at, own = np.arange(len(cell)), np.arange(len(cell)) + tiers
        chosen = pair[cell]
        return [
            self._rows([(at, own, 1.0), (at, cell + pairs, -1.0)], at, -np.inf, 0.0),
            self._rows(
                [(at, own, 1.0), (at, chosen, -stays)], at[~self.alone[chosen]], -np.inf, 0.0
            ),
        ]

    def _full_links(self, room: Floats) -> list[_Rows]:
        """A tier is full where it is said to be, and the next one holds nothing unless it is."""
        money, free = self.ends[1], self.ends[4]
        before = self.full[0]
        at, after = np.arange(len(before)), before + 1
        whole, later = self.blocks.model.upper[self.tiers[2][before]], room[after]
        return [
            self._rows([(at, before + money, 1.0), (at, at + free, -whole)], at, 0.0, np.inf),
            self._rows([(at, after + money, 1.0), (at, at + free, -later)], at, -np.inf, 0.0),
        ]

    def _rows(self, entries: list[_Entries], kept: Ints, low: float, high: float) -> _Rows:
        """The rows `kept` of those that the entries (row, column, value) make, and their bounds."""
        parts = [np.broadcast_arrays(*entry) for entry in entries]
        row, column, value = (np.concatenate([part[i] for part in parts]) for i in range(3))
        shape = (int(row.max(initial=-1)) + 1, self.ends[-1])
        matrix = sparse.coo_matrix((value, (row, column)), shape=shape).tocsr()
        return matrix[kept], np.full(len(kept), low), np.full(len(kept), high)

    def start(self, values: Floats) -> Floats:
        """[column] what `values` of the model's columns are in the pairs' own."""
        blocks = self.blocks
        funded = values[blocks.funded[self.county]] > 0.5
        chosen = (funded == blocks.subsets[self.subset]).all(axis=1)
        if blocks.untouched is not None:
            still = values[blocks.untouched.columns[self.county]] < 0.5
            chosen = np.where(blocks.is_left_alone(self.subset), still, chosen & ~still)
        pair, county, task = self.cells
        inside = chosen[pair]
        return np.concatenate(
            [
                chosen.astype(float),
                values[blocks.amount[county, task]] * inside,
                values[self.tiers[2]] * inside[self.tiers[0]],
                values[self.kept[1]] * inside[self.kept[0]],
                values[blocks.free],
                values[self.full[1]] * inside[self.tiers[0][self.full[0]]],
            ]
        )

    def written(self, found: Floats, values: Floats) -> Floats:
        """[column of the model] `values` with what the pairs chose in their counties' columns."""
        blocks, values = self.blocks, values.copy()
        own = np.unique(self.county)
        tiers, full, kept = blocks.tier[own], blocks.full[own], blocks.kept[own]
        for columns in (
            blocks.amount[own],
            blocks.funded[own],
            tiers[tiers >= 0],
            full[full >= 0],
            kept[kept >= 0],
            blocks.free,
        ):
            values[columns] = 0.0
        values[blocks.touched[np.isin(blocks.touched_in, own)]] = 0.0
        chosen = found.copy()
        for part in (slice(self.ends[0]), slice(self.ends[4], None)):
            chosen[part] = np.round(found[part])
        return np.asarray(values + self.origin @ chosen)


def pairs_within(
    blocks: Blocks, loss: Floats, allowed: float, counties: NDArray[np.bool_]
) -> Pairs:
    """The pairs of some counties that lose no more than `allowed`."""
    county, subset = np.nonzero((loss <= allowed) & counties[:, None])
    return Pairs(blocks, county, subset)
