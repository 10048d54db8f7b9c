"""Measures of an allocation, block by block, exactly.

Cells are held as whole numbers with one common denominator, the `scale`, so that adding up a
block is adding up whole numbers: 64-bit ones where no sum can overflow, Python's own otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.allocation import Allocation
from models.errors import Problems
from models.exact import exact_text, plain_number
from models.scenario import Scenario
from models.selection import Block
from models.tiers import Tiers

_SAFE = 2**62
"""Sums below this stay exact in 64-bit whole numbers."""
_LARGEST_SCALE = 2**256
"""With a larger common denominator each cell keeps its own (assumption: no solver or file that
people write needs it; it bounds memory where every cell has a denominator of its own)."""

Number = int | Fraction
Cell = tuple[int, int]
"""(county, task), positions in the programme."""


@dataclass(frozen=True)
class Measured:
    """A measure over some counties × some tasks (positions in the programme's tables)."""

    measure: str
    counties: tuple[int, ...]
    tasks: tuple[int, ...]

    @property
    def cells(self) -> list[Cell]:
        """All its cells, task after task within county after county."""
        return [(county, task) for county in self.counties for task in self.tasks]


@dataclass(frozen=True)
class CellGrid:
    """A measure by cell: `values[county, task] / scale` in the measure's unit."""

    values: NDArray[Any]
    scale: int


@dataclass(frozen=True)
class Reading:
    """One allocation under one scenario: what every measure comes to in any block."""

    scenario: Scenario
    amounts: tuple[tuple[Number, ...], ...]
    """[county][task] → money units, exact."""
    money: CellGrid
    outcomes: Mapping[str, CellGrid]
    """Metric → outcome by cell."""
    funded: NDArray[np.bool_]
    """[county, task]: the cell holds any money."""
    _rows: dict[tuple[str, str, tuple[int, ...]], list[Any]] = field(default_factory=dict)

    def value(self, measure: str, block: Block | Measured) -> Fraction:
        """`amount` in money units, `cells` or `counties` in funded ones, a metric in its unit;
        `parted`: cells whose money is no whole number of units, `odd`: none of the cell's steps."""
        rows = self._by_county("value", measure, block.tasks)
        total, scale = sum([rows[county] for county in block.counties]), self._scale(measure)
        return Fraction(total) if scale == 1 else Fraction(total, scale)

    def step(self, measure: str, block: Block | Measured) -> Fraction:
        """The most that one money unit (one cell, one county) can change `value` in this block."""
        if measure not in self.outcomes:
            return Fraction(1)
        rows = self._by_county("step", measure, block.tasks)
        most = max([rows[county] for county in block.counties])
        return Fraction(most, self.scenario.tiers.scale)

    def everything(self) -> Block:
        """The whole grid as one block."""
        counties, tasks = self.scenario.programme.shape
        return Block((), tuple(range(counties)), tuple(range(tasks)))

    def _scale(self, measure: str) -> int:
        if measure in self.outcomes:
            return self.outcomes[measure].scale
        return self.money.scale if measure == "amount" else 1

    def _by_county(self, what: str, measure: str, tasks: tuple[int, ...]) -> list[Any]:
        """County by county, the measure over some tasks; worked out once for each set of tasks."""
        key = (what, measure, tasks)
        if key not in self._rows:
            chosen = list(tasks)
            if what == "step":
                metric = self.scenario.programme.metrics.index(measure)
                rates = np.abs(self.scenario.tiers.rate[metric]).max(axis=2, initial=0)
                rows = rates[:, chosen].max(axis=1)
            elif measure == "parted":
                rows = self._parted()[:, chosen].sum(axis=1, dtype=np.int64)
            elif measure == "odd":
                rows = self._odd()[:, chosen].sum(axis=1, dtype=np.int64)
            elif measure == "counties":
                rows = self.funded[:, chosen].any(axis=1).astype(np.int64)
            elif measure == "cells":
                rows = self.funded[:, chosen].sum(axis=1, dtype=np.int64)
            else:
                grid = self.money if measure == "amount" else self.outcomes[measure]
                rows = grid.values[:, chosen].sum(axis=1)
            self._rows[key] = rows.tolist()
        return self._rows[key]

    def _odd(self) -> NDArray[np.bool_]:
        steps = self.scenario.steps.tolist()
        rows = zip(self.amounts, steps, strict=True)
        return np.array(
            [
                [by > 1 and amount % by != 0 for amount, by in zip(row, mine, strict=True)]
                for row, mine in rows
            ]
        )

    def _parted(self) -> NDArray[np.bool_]:
        return np.array([[amount.denominator != 1 for amount in row] for row in self.amounts])


def read_measures(scenario: Scenario, allocation: Allocation) -> Reading:
    """Everything that rules can measure of an allocation.

    Raises `InputError` for a table of another shape than the programme's and for amounts below
    zero, which no rule could judge.
    """
    amounts = _exact_amounts(scenario, allocation)
    scale = _common_scale(amounts)
    whole = [amount if scale == 1 else plain_number(amount * scale) for amount in amounts]
    counties, tasks = scenario.programme.shape
    funded = [amount > 0 for amount in amounts]
    kind = np.int64 if _fits(whole, scale, scenario.tiers) else object
    values = np.array(whole, dtype=kind).reshape(counties, tasks)
    return Reading(
        scenario,
        tuple(tuple(amounts[row : row + tasks]) for row in range(0, len(amounts), tasks)),
        CellGrid(values, scale),
        outcomes_of(scenario, values, scale),
        np.array(funded, dtype=bool).reshape(counties, tasks),
    )


def _exact_amounts(scenario: Scenario, allocation: Allocation) -> list[Number]:
    """The amounts cell by cell, task after task within county after county."""
    programme, problems = scenario.programme, Problems()
    if allocation.amounts.shape != programme.shape:
        found, due = (" × ".join(map(str, s)) for s in (allocation.amounts.shape, programme.shape))
        problems.add("", "allocation", f"is a table of {found} where {due} is due")
        problems.raise_if_any()
    amounts = [_exact(amount) for amount in allocation.amounts.ravel().tolist()]
    for cell, amount in enumerate(amounts):
        if amount < 0:
            county, task = divmod(cell, len(programme.tasks))
            place = f"{programme.counties.ids[county]} × {programme.tasks.ids[task]}"
            problems.add("allocation", place, f"{exact_text(amount)} is below zero")
    problems.raise_if_any()
    return amounts


def _exact(amount: Any) -> Number:
    if type(amount) is int or type(amount) is Fraction:
        return amount
    # Fraction(np.int64) would keep the 64-bit number inside, which overflows silently.
    return int(amount) if isinstance(amount, np.integer) else Fraction(amount)


def _common_scale(amounts: Iterable[Number]) -> int:
    """The common denominator; 1 where it would be too large to carry along."""
    scale = 1
    for amount in amounts:
        if scale % amount.denominator:
            scale = math.lcm(scale, amount.denominator)
            if scale > _LARGEST_SCALE:
                return 1
    return scale


def _fits(whole: Sequence[Number], scale: int, tiers: Tiers) -> bool:
    """Whether 64 bits hold every product and sum that `outcomes_of` and `Reading` form.

    A cell's money within a tier is at most its money and at most the tier's width, so no sum of
    rate × money exceeds all the money × the largest rate; tier ends are compared with money only.
    """
    if not all(type(amount) is int for amount in whole):
        return False
    rate = max(1, tiers.largest_rate)
    end = int(tiers.width.sum(axis=2).max(initial=0)) * scale
    return max(max(1, int(sum(whole))) * rate, end) < _SAFE


def outcomes_of(scenario: Scenario, values: NDArray[Any], scale: int) -> dict[str, CellGrid]:
    """Metric → Σ over tiers of rate × the money that falls into the tier, by cell.

    `values`: money units times `scale`, […, county, task]: of one table, or of many at once.
    """
    each = scale * scenario.tiers.scale
    grids = scenario.tiers.yields(values, scale)
    pairs = zip(scenario.programme.metrics, grids, strict=True)
    return {metric: CellGrid(grid, each) for metric, grid in pairs}
