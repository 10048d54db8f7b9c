"""Models of changed scenarios, made by patching one that stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.rule import Rule
from models.scenario import Scenario
from optimizer.formulation.assemble import draft, put_points
from optimizer.formulation.edits import relaxed
from optimizer.formulation.group_totals import Groups, find_groups
from optimizer.formulation.model import Builder, Floats, Model
from optimizer.formulation.rule_rows import RuleRows

# Models that differ from one in a few numbers, without putting the whole together again.
#
# The rows of one changed rule are made by the same code that made them first, and laid over the
# model's own.


@dataclass(frozen=True)
class Patch:
    """The rows of one rule, to be laid over a model's from row `start` on."""

    start: int
    lower: Floats
    upper: Floats
    first: int = 0
    data: Floats | None = None
    """The coefficients, from place `first` of the matrix's data on; None where they stay."""


class Variants:
    """The relaxed model of a scenario, and what changes in it with a rule's number or a weight.

    `values`: objective points per unit of each metric.
    """

    def __init__(self, scenario: Scenario, values: Mapping[str, Fraction]) -> None:
        self.scenario = scenario
        self.draft = draft(scenario, values, whole=False)
        model = self.draft.model
        self.model = relaxed(model)
        self._limits = {limit.rule: limit for limit in model.limits}
        self._plain = RuleRows(scenario, Builder(), self.draft.totals, whole=False)
        self._groups: dict[str, Groups] = {}

    def patch(self, rule: Rule) -> Patch | None:
        """The rows of a rule that `stands_alone`, with another number in it.

        None where that is not all that changes, so that the whole is to be put together again.
        """
        limit = self._limits.get(rule.id)
        if limit is None or not stands_alone(self.scenario, rule):
            return None
        if sides := self._plain.plain_sides(rule, self._groups_of(rule)):
            return Patch(limit.start, *sides)
        apart, columns = Builder(), self.draft.builder.columns
        apart.columns = columns
        self._rows(apart).add(rule, {})
        if self.draft.builder.columns != columns or apart.columns != columns:
            return None
        rows, lower, upper = apart.block()
        stop = limit.start + len(limit.keys)
        matrix = self.model.matrix
        if not _same_places(rows, matrix[limit.start : stop]):
            return None
        return Patch(limit.start, lower, upper, int(matrix.indptr[limit.start]), rows.data)

    def _groups_of(self, rule: Rule) -> Groups:
        """What the rule's limits are for, whatever its numbers."""
        if rule.id not in self._groups:
            programme = self.scenario.programme
            found = find_groups(programme.counties, programme.tasks, rule.where, rule.per)
            self._groups[rule.id] = found
        return self._groups[rule.id]

    def costs(self, values: Mapping[str, Fraction]) -> Floats:
        """The model's costs under other points per unit of each metric."""
        cost = self.model.cost.copy()
        put_points(cost, self.scenario, self.model, values)
        return cost

    def laid(self, patches: Iterable[Patch], costs: Floats | None = None) -> Model:
        """The model with patches and costs laid over it."""
        model, matrix = self.model, self.model.matrix
        lower, upper = model.row_lower.copy(), model.row_upper.copy()
        data: Floats | None = None
        for patch in patches:
            rows = slice(patch.start, patch.start + len(patch.lower))
            lower[rows], upper[rows] = patch.lower, patch.upper
            if patch.data is not None:
                data = matrix.data.copy() if data is None else data
                data[patch.first : patch.first + len(patch.data)] = patch.data
        if data is not None:
            matrix = sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)
        cost = model.cost if costs is None else costs
        return replace(model, matrix=matrix, row_lower=lower, row_upper=upper, cost=cost)

    def _rows(self, builder: Builder) -> RuleRows:
        held = self.draft
        return RuleRows(self.scenario, builder, held.totals, held.whole)


def stands_alone(scenario: Scenario, rule: Rule) -> bool:
    """Whether the rule's numbers stand in its own rows only.

    Not so for caps on money, which bound each cell too, and for a rule that gives way, which has
    columns of its own.
    """
    if rule.soft is not None:
        return False
    rows = RuleRows(scenario, Builder(), None)  # type: ignore[arg-type]
    return rows.plain_cap(rule) is None


def _same_places(one: sparse.csr_matrix, other: sparse.csr_matrix) -> bool:
    return np.array_equal(one.indptr, other.indptr) and np.array_equal(one.indices, other.indices)


# One number of a scenario as a column of its model: the model at every value of it at once.
#
# Where the number stands on the right-hand side of rows, each of them becomes row − slope × t with
# a constant bound, and t, fixed by its own bounds, is the number.


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
