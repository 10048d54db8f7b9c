"""What is pushed, one aim after the other: each holds those before it, less what they may give up.

Today's answers are two such lists. `solve`: the objective, then nearness to the baseline, then a
published rule that leaves one allocation. The repaired baseline: nearness alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.allocation import Allocation
from optimizer.problem import Problem

SLIP = 1e-6
"""How much of the objective without penalties, relative, the aims after it may give up."""
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

    def weights(self, bits: int, skip: int = 0) -> NDArray[np.float64]:
        """Whole numbers of so many bits, one or more, [cell]; `skip` leaves out leading bits."""
        last = (1 << bits) - 1
        return np.array([((n >> (256 - skip - bits)) & last) + 1 for n in self.digests], float)


class SolveAims(NamedTuple):
    """What `solve` pushes, in this order."""

    objective: WeightedMetrics
    near: Nearness
    weights: CellWeights


RepairAims = tuple[Nearness]
Aim = WeightedMetrics | Nearness | CellWeights


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


def as_floats(allocation: Allocation) -> NDArray[np.float64]:
    """Money units by cell, [cell]."""
    return np.array(allocation.amounts, dtype=float).ravel()
