"""Whole-unit tables so few that each of them is read, in whole numbers: what a solver's tolerance
cannot tell apart, a limit missed by a billionth or an objective as good but for a hair, it can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.scenario import Scenario
from optimizer.aims import SolveAims, Standing
from optimizer.audit.limits import (
    Form,
    LimitForm,
    bound_forms,
    budget_form,
    ineligible_forms,
    limit_forms,
    lock_forms,
)
from optimizer.audit.measure import Measured, outcomes_of
from optimizer.formulation.model import Floats

MOST_NUMBERS = 40_000
"""Tables × cells up to which every table is read: some hundredths of a second."""
_HAIR = 1e-6


class BestTable(NamedTuple):
    """The best of some tables."""

    table: tuple[int, ...]
    """Money units, [cell]."""
    standing: Standing
    alone: bool
    """None other is as good in all but the order of codes."""


def tables_within(scenario: Scenario, low: Floats, high: Floats) -> NDArray[np.int64] | None:
    """All tables between two, [table, cell], that keep lots and steps and spend no more than there
    is; None where they are too many. `low`, `high`: money units, [cell]; counted first."""
    least = [ceil(amount - _HAIR) for amount in low]
    limit, spare = MOST_NUMBERS // max(1, len(low)), floor(scenario.inside_money) - sum(least)
    left = np.array([spare] * (spare >= 0), dtype=np.int64)
    tables = np.zeros((len(left), 0), dtype=np.int64)
    each = zip(least, high, scenario.cell_lots, scenario.steps.ravel().tolist(), strict=True)
    for first, last, lot, step in each:
        funded = range(-(-max(first, ceil(lot), 1) // step) * step, floor(last + _HAIR) + 1, step)
        none = first <= 0 <= last + _HAIR
        counts = none + np.clip((left + first - funded.start) // step + 1, 0, len(funded))
        if counts.sum() > limit:
            return None
        before = np.repeat(np.arange(len(tables)), counts)
        place = np.arange(len(before)) - np.repeat(np.cumsum(counts) - counts, counts) - none
        chosen = np.where(place < 0, 0, funded.start + place * step)
        tables = np.column_stack([tables[before], chosen])
        left = left[before] - (chosen - first)
    return tables


@dataclass(frozen=True)
class TablesRead:
    """Tables in whole units, in code order, with what rules and aims make of each."""

    scenario: Scenario
    aims: SolveAims
    tables: NDArray[np.int64]
    """[table, cell]"""

    def best(self) -> BestTable | None:
        """The table that the published rule chooses; None where none keeps the rules."""
        found = {
            row: self.aims.ranked(self._worth[row], self.tables[row].tolist())
            for row in np.flatnonzero(self._kept()).tolist()
        }
        if not found:
            return None
        best = max(found, key=found.__getitem__)
        alike = [standing for standing in found.values() if standing[:-1] == found[best][:-1]]
        return BestTable(tuple(self.tables[best].tolist()), found[best], len(alike) == 1)

    @cached_property
    def _worth(self) -> Sequence[Fraction]:
        """[table] The objective, less what bent rules cost."""
        counties, tasks = (tuple(range(count)) for count in self.scenario.programme.shape)
        points = self.aims.objective.points.items()
        objective = Form(terms={Measured(name, counties, tasks): by for name, by in points if by})
        total = self._of(objective)
        prices = {rule.id: rule.soft.price for rule in self.scenario.rules if rule.soft}
        for form in (form for form in limit_forms(self.scenario) if form.soft):
            for room in self._rooms(form):
                total = total + prices[form.rule] * np.where(room < 0, room, 0)
        return list(total)

    def _kept(self) -> NDArray[np.bool_]:
        """[table] It keeps every limit that does not give way."""
        scenario, kept = self.scenario, np.ones(len(self.tables), dtype=bool)
        settled = [budget_form(scenario), *lock_forms(scenario), *bound_forms(scenario)]
        for form in [*settled, *ineligible_forms(scenario), *limit_forms(scenario)]:
            for room in () if form.soft else self._rooms(form):
                kept &= (room >= 0).astype(bool)
        return kept

    def _rooms(self, form: LimitForm) -> Iterator[NDArray[np.object_]]:
        """[table] The room that each side of a limit leaves; nothing where it is not read."""
        read = 1 if form.only_if is None else (self._measured(form.only_if)[0] > 0).astype(object)
        for room in form.rooms:
            yield self._of(room) * read

    def _of(self, form: Form) -> NDArray[np.object_]:
        """[table] What a form comes to."""
        parts = [(*self._measured(of), factor) for of, factor in form.terms.items()]
        factors = [factor / scale for _, scale, factor in parts]
        common = lcm(form.constant.denominator, *(factor.denominator for factor in factors))
        total = np.full(len(self.tables), int(form.constant * common), dtype=object)
        for (values, _, _), factor in zip(parts, factors, strict=True):
            total = total + values * int(factor * common)
        return np.array([Fraction(value, common) for value in total], dtype=object)

    def _measured(self, of: Measured) -> tuple[NDArray[Any], int]:
        """[table] A measure, times a number that makes it whole, and that number."""
        grid, scale = self._grid(of.measure)
        values = grid[:, list(of.counties)][:, :, list(of.tasks)]
        by_county = values.any(axis=2) if of.measure == "counties" else values.sum(axis=2)
        return by_county.sum(axis=1).astype(object), scale

    def _grid(self, measure: str) -> tuple[NDArray[Any], int]:
        """[table, county, task] A measure by cell, and what makes it whole; of money for counts."""
        if measure in ("cells", "counties"):
            return self._money > 0, 1
        return (self._money, 1) if measure == "amount" else self._outcomes[measure]

    @cached_property
    def _money(self) -> NDArray[np.int64]:
        """[table, county, task]"""
        return self.tables.reshape(-1, *self.scenario.programme.shape)

    @cached_property
    def _outcomes(self) -> dict[str, tuple[NDArray[Any], int]]:
        grids = outcomes_of(self.scenario, self._money.astype(object), 1)
        return {name: (grid.values, grid.scale) for name, grid in grids.items()}
