"""One number of a scenario as a column of its model: the model at every value of it at once.

Where the number stands on the right-hand side of rows, each of them becomes row − slope × t with
a constant bound, and t, fixed by its own bounds, is the number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.formulation.matrix import Floats, Model

_NEAR = 1e-9
"""Relative distance at which two bounds count as equal."""


@dataclass(frozen=True)
class Parametric:
    """A model with one more column, the last: the value t, between `low` and `high`."""

    model: Model
    column: int
    low: float
    high: float
    held: bool
    """Links that count in proportion stand at the widest bounds of their cells: with t fixed, the
    model may allow a little more than the one made for that value."""

    def at(self, value: float) -> Model:
        """The model at one value."""
        return self.between(value, value)

    def between(self, low: float, high: float) -> Model:
        """The model with t free between two values."""
        lower, upper = self.model.lower.copy(), self.model.upper.copy()
        lower[self.column], upper[self.column] = low, high
        return replace(self.model, lower=lower, upper=upper)

    def towards(self, sign: float) -> Model:
        """The largest (+1) or least (−1) value at which the model has a solution at all."""
        cost = np.zeros_like(self.model.cost)
        cost[self.column] = sign
        return replace(self.between(self.low, self.high), cost=cost)


def along(
    models: tuple[Model, Model, Model], values: tuple[float, float, float]
) -> Parametric | None:
    """The model with a number as a column, from the models at three values of it.

    Values: the lowest, one between, the highest. None where the number is no right-hand side:
    where it changes costs, or coefficients of a rule, or bounds otherwise than evenly. The bounds
    of single cells, which only repeat what caps and budget say, are held at their widest.
    """
    low, mid, high = models
    wide = _widest(low, high)
    if wide is None or not all(_same_rules(model, low) for model in (mid, high)):
        return None
    slopes = []
    for side in ("row_lower", "row_upper"):
        ends = tuple(getattr(model, side) for model in models)
        slope = _slope(ends, values)
        if slope is None:
            return None
        slopes.append(slope)
    bounds = (low.row_lower, low.row_upper)
    rows = [_at_zero(bound, slope, values[0]) for bound, slope in zip(bounds, slopes, strict=True)]
    model = _with_column(wide, (rows[0], rows[1]), (slopes[0], slopes[1]), values)
    return Parametric(model, len(wide.cost), values[0], values[2], _is_held(low, high))


def _is_held(low: Model, high: Model) -> bool:
    """Whether bounds of cells move that stand in links, and not in rows of their own only."""
    if low.is_lp:
        return False
    return not np.array_equal(low.upper, high.upper) or bool((low.matrix - high.matrix).data.any())


def _widest(one: Model, other: Model) -> Model | None:
    """The model whose cells have the wider bounds; None where neither has."""
    if one.matrix.shape != other.matrix.shape or not np.array_equal(one.lower, other.lower):
        return None
    if bool((one.upper >= other.upper).all()):
        return one
    return other if bool((other.upper >= one.upper).all()) else None


def _same_rules(one: Model, other: Model) -> bool:
    """Same columns and rows, same costs, and same coefficients in the rows of rules."""
    if one.matrix.shape != other.matrix.shape or not np.array_equal(one.cost, other.cost):
        return False
    rows = _rows_of_rules(one)
    different = sparse.csr_matrix(one.matrix[rows] - other.matrix[rows])
    return not bool(different.data.any())


def _rows_of_rules(model: Model) -> NDArray[np.int64]:
    spans = [np.arange(limit.start, limit.start + len(limit.keys)) for limit in model.limits]
    return np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)


def _slope(ends: tuple[Floats, ...], values: tuple[float, float, float]) -> Floats | None:
    """By how much each bound moves with the value; None where one does not move evenly."""
    low, mid, high = ends
    finite = np.isfinite(low)
    if not all(np.array_equal(finite, np.isfinite(end)) for end in ends):
        return None
    slope = np.zeros_like(low)
    slope[finite] = (high[finite] - low[finite]) / (values[2] - values[0])
    expected = low[finite] + slope[finite] * (values[1] - values[0])
    near = np.abs(expected - mid[finite]) <= _NEAR * np.maximum(1.0, np.abs(mid[finite]))
    return slope if bool(near.all()) else None


def _at_zero(bound: Floats, slope: Floats, value: float) -> Floats:
    return np.where(np.isfinite(bound), bound - slope * value, bound)


def _with_column(
    model: Model,
    bounds: tuple[Floats, Floats],
    slopes: tuple[Floats, Floats],
    values: tuple[float, float, float],
) -> Model:
    """`model` with t as its last column; rows whose two bounds move apart are split in two."""
    lower, upper = bounds
    apart = np.flatnonzero(np.isfinite(lower) & np.isfinite(upper) & (slopes[0] != slopes[1]))
    moving = np.where(np.isfinite(lower), slopes[0], slopes[1])
    kept, split = upper.copy(), model.matrix[apart]
    kept[apart] = np.inf
    moves = np.concatenate([moving, slopes[1][apart]])
    matrix = sparse.hstack(
        [sparse.vstack([model.matrix, split]), sparse.csr_matrix(-moves[:, None])], format="csr"
    )
    names = model.column_names
    return replace(
        model,
        cost=np.append(model.cost, 0.0),
        lower=np.append(model.lower, values[0]),
        upper=np.append(model.upper, values[0]),
        integer=np.zeros(len(model.cost) + 1, dtype=bool),
        matrix=matrix,
        row_lower=np.concatenate([lower, np.full(len(apart), -np.inf)]),
        row_upper=np.concatenate([kept, upper[apart]]),
        column_names=lambda: [*names(), "t"],
    )
