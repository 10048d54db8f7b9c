"""Models that differ from one in a few numbers, without putting the whole together again.

The rows of one changed rule are made by the same code that made them first, and laid over the
model's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy import sparse

from models.rule import Rule
from models.scenario import Scenario
from optimizer.formulation.build import draft, put_points
from optimizer.formulation.groups import Groups, find_groups
from optimizer.formulation.matrix import Builder, Floats, Model
from optimizer.formulation.rows import RuleRows


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
        self._draft = draft(scenario, values, whole=False)
        model = self._draft.model
        self.model = replace(model, integer=np.zeros_like(model.integer))
        self._limits = {limit.rule: limit for limit in model.limits}
        self._plain = RuleRows(scenario, Builder(), self._draft.totals, whole=False)
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
        apart, columns = Builder(), self._draft.builder.columns
        apart.columns = columns
        self._rows(apart).add(rule, {})
        if self._draft.builder.columns != columns or apart.columns != columns:
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
        held = self._draft
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
