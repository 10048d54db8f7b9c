"""What is pushed, one aim after the other: each holds those before it, less what they may give up.

Today's answers are two such lists. `solve`: the objective, then nearness to the baseline, then a
published rule that leaves one allocation. The repaired baseline: nearness alone. A mend: nearness
by cell, then fewest counties touched, then the published rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.allocation import Allocation
from models.exact import plain_number
from models.finding import Audit
from models.objective import objective_of
from optimizer.problem import Problem

SLIP = 5e-10
"""How much of the objective without penalties, relative, the aims after it may give up where money
is continuous: what a solver can tell apart at all. In whole units they may give up nothing."""
LINEAR_BITS, WHOLE_BITS = 24, 16
"""Leading bits of the SHA-256 that make a weight: as many as a solver tells apart by their sums."""
_SPEND = 1e-3
"""What a money unit that is spent rather than left over counts in a repair, against 1 for one
kept."""


@dataclass(frozen=True)
class WeightedMetrics:
    """The objective: Σ points × outcome, less what bent rules cost."""

    points: Mapping[str, Fraction]
    """Objective points per unit of each metric."""
    give: float
    """Share of it that the aims after it may give up."""


@dataclass(frozen=True)
class Nearness:
    """As little money as can be that stands elsewhere than in a table."""

    table: NDArray[np.float64]
    """Money units of the table, [cell]."""
    spend: float = 0.0
    """What a money unit spent rather than left over counts, against 1 for one kept in place."""

    @cached_property
    def exact(self) -> list[Any]:
        """The same, whole amounts as whole numbers and others as fractions."""
        return [plain_number(Fraction(amount)) for amount in self.table.tolist()]


@dataclass(frozen=True)
class FewestTouched:
    """As few counties as can be that differ from a table in any cell."""

    table: NDArray[np.float64]
    """Money units of the table, [cell]."""
    most: float = np.inf
    """No more counties than these."""


@dataclass(frozen=True)
class CellWeights:
    """Least Σ weight × money, the weight of a cell from the SHA-256 of its codes."""

    codes: Sequence[str]
    """County and task of each cell, as `510522,parks`."""

    @cached_property
    def digests(self) -> list[int]:
        """The SHA-256 of each cell's codes, as a number."""
        return [
            int.from_bytes(hashlib.sha256(code.encode()).digest(), "big") for code in self.codes
        ]

    @cached_property
    def first(self) -> list[int]:
        """The cells in the order of their codes."""
        return sorted(range(len(self.codes)), key=self.codes.__getitem__)

    @cached_property
    def whole(self) -> list[int]:
        """The weights of `WHOLE_BITS` bits."""
        return [int(weight) for weight in self.weights(WHOLE_BITS).tolist()]

    def weights(self, bits: int, skip: int = 0) -> NDArray[np.float64]:
        """Whole numbers of so many bits, one or more, [cell]; `skip` leaves out leading bits."""
        last = (1 << bits) - 1
        return np.array([((n >> (256 - skip - bits)) & last) + 1 for n in self.digests], float)


class Standing(NamedTuple):
    """How good an allocation in whole units is, exactly: of two, the greater is the better one."""

    worth: Fraction
    """The objective, less what bent rules cost."""
    moved: Fraction
    """−Σ |money − baseline|."""
    weight: int
    """−Σ weight × money, the weights of `WHOLE_BITS` bits."""
    order: tuple[int, ...]
    """Money by the cells' codes: of two that differ, the first cell that does has more."""


class SolveAims(NamedTuple):
    """What `solve` pushes, in this order."""

    objective: WeightedMetrics
    near: Nearness
    weights: CellWeights

    def standing(self, allocation: Allocation, audited: Audit) -> Standing:
        """What an allocation in whole units, in code order, comes to."""
        worth = objective_of(audited, self.objective.points) - audited.penalty
        return self.ranked(worth, [int(amount) for amount in allocation.amounts.ravel()])

    def ranked(self, worth: Fraction, money: Sequence[int]) -> Standing:
        """What a table of some worth comes to; `money`: [cell]."""
        moved = sum(abs(a - b) for a, b in zip(money, self.near.exact, strict=True))
        weighed = zip(self.weights.whole, money, strict=True)
        return Standing(
            worth,
            Fraction(-moved),
            -sum(weight * amount for weight, amount in weighed),
            tuple(money[cell] for cell in self.weights.first),
        )


RepairAims = tuple[Nearness]
MendAims = tuple[Nearness, FewestTouched, Nearness, CellWeights]
Aim = WeightedMetrics | Nearness | FewestTouched | CellWeights


def solve_aims(problem: Problem) -> SolveAims:
    """What `solve` pushes, in this order."""
    reference = problem.reference
    return SolveAims(
        WeightedMetrics(reference.points, SLIP),
        Nearness(as_floats(reference.allocation)),
        CellWeights(problem.codes),
    )


def solve_aims_among(aims: Sequence[Aim]) -> SolveAims:
    """The aims as `solve_aims` lists them. Raises `TypeError` for another list."""
    match tuple(aims):
        case WeightedMetrics() as objective, Nearness() as near, CellWeights() as weights:
            return SolveAims(objective, near, weights)
    raise TypeError("the objective, then nearness to a table, then the weights of cells are due")


def repair_aims(table: Allocation) -> RepairAims:
    """What a repair of a table pushes."""
    return (Nearness(as_floats(table), _SPEND),)


def mend_aims(
    table: Allocation,
    codes: Sequence[str],
    most: float = np.inf,
    before: Allocation | None = None,
) -> MendAims:
    """What a mend of a table pushes: least Σ |money − table|, then fewest counties touched, then
    nearness to the allocation that it was edited from, where that is known, then the published
    rule."""
    due = as_floats(table)
    edited = due if before is None else as_floats(before)
    return Nearness(due, -1.0), FewestTouched(due, most), Nearness(edited, -1.0), CellWeights(codes)


def as_floats(allocation: Allocation) -> NDArray[np.float64]:
    """Money units by cell, [cell]."""
    return np.array(allocation.amounts, dtype=float).ravel()
