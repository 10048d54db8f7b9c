"""What is to be solved: a scenario in the order of its codes, and what its answers are measured by.

A solver's path depends on the order of columns and rows. In one order for all, the same counties
give the same model, bit by bit, and so the same answer; everything shown and recorded keeps the
order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from models.allocation import Allocation
from models.finding import Audit
from models.objective import metric_values, objective_of
from models.scenario import Scenario
from models.solution import Comparison
from models.table import Table
from optimizer.audit import audit
from optimizer.audit.aim_values import AimReference
from optimizer.audit.measure import read_measures
from optimizer.baselines import baseline


@dataclass(frozen=True)
class Reference:
    """What the answers of a scenario are measured by: its baseline, and the points that gives."""

    scenario: Scenario
    allocation: Allocation
    """The baseline, in whole money units."""
    outcomes: Mapping[str, Fraction]
    """What the baseline yields of each metric."""
    points: Mapping[str, Fraction]
    """Objective points per unit of each metric."""

    @cached_property
    def audit(self) -> Audit:
        """Every rule read on the baseline."""
        return audit(self.scenario, self.allocation)

    @cached_property
    def for_aims(self) -> AimReference:
        """What an ordered list of aims is read against."""
        return AimReference.of(self.scenario, self.allocation, self.outcomes)

    @property
    def comparison(self) -> Comparison:
        """The baseline to compare a solution with."""
        objective = objective_of(self.audit, self.points)
        return Comparison(self.allocation, self.audit, objective, moved=Fraction(0))


def reference_of(scenario: Scenario, table: Allocation | None = None) -> Reference:
    """The scenario's reference, in the order that the scenario stands in; `table`: its baseline,
    where that is known.

    Raises `InputError` for a baseline that cannot be had, and for an objective that cannot be
    normalised by it.
    """
    allocation = baseline(scenario) if table is None else table
    reading = read_measures(scenario, allocation)
    everything = reading.everything()
    outcomes = {name: reading.value(name, everything) for name in reading.outcomes}
    return Reference(scenario, allocation, outcomes, metric_values(scenario, outcomes))


@dataclass(frozen=True)
class Problem:
    """A scenario with its counties by code, its reference, and the way back to the file's order."""

    given: Scenario
    """As its file has it: the order of all that is shown and recorded."""
    scenario: Scenario
    """With its counties by code: the order that it is solved in."""
    places: tuple[int, ...]
    """Of each county as given, its place by code."""
    table: Allocation | None = None
    """Its baseline in code order, where that is known."""

    @classmethod
    def of(cls, scenario: Scenario) -> Problem:
        """The problem of a scenario."""
        ids = scenario.programme.counties.ids
        rows = sorted(range(len(ids)), key=ids.__getitem__)
        places = tuple(np.argsort(rows).tolist())
        if rows == list(range(len(ids))):
            return cls(scenario, scenario, places)
        counties = _table(scenario.programme.counties, rows)
        programme = replace(scenario.programme, counties=counties, shown={})
        tiers = replace(
            scenario.tiers, width=scenario.tiers.width[rows], rate=scenario.tiers.rate[:, rows]
        )
        return cls(scenario, replace(scenario, programme=programme, tiers=tiers), places)

    @cached_property
    def reference(self) -> Reference:
        """What answers are measured by, in code order; raises `InputError` as `reference_of`."""
        return reference_of(self.scenario, self.table)

    @property
    def codes(self) -> tuple[str, ...]:
        """County and task of each cell in code order, as `510522,parks`."""
        counties, tasks = self.scenario.programme.counties.ids, self.scenario.programme.tasks.ids
        return tuple(f"{county},{task}" for county in counties for task in tasks)

    def as_given(self, allocation: Allocation) -> Allocation:
        """An allocation in code order as one in the file's order."""
        return replace(allocation, amounts=allocation.amounts[np.array(self.places)])

    def by_code(self, allocation: Allocation) -> Allocation:
        """An allocation in the file's order as one in code order."""
        return replace(allocation, amounts=allocation.amounts[np.argsort(self.places)])

    def read(self, comparison: Comparison, whole: bool = True) -> Comparison:
        """A comparison in code order as one in the file's order, audited there."""
        if self.given is self.scenario:
            return comparison
        allocation = self.as_given(comparison.allocation)
        audited = audit(self.given, allocation, whole=whole)
        return replace(comparison, allocation=allocation, audit=audited)


def _table(table: Table, rows: Sequence[int]) -> Table:
    columns = {name: tuple(values[row] for row in rows) for name, values in table.columns.items()}
    ids = tuple(table.ids[row] for row in rows)
    return Table(table.what, table.file, ids, columns, table.kinds, table.notes)
