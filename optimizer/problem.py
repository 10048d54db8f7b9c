"""The order that a scenario is solved in: counties by code, whatever the order of their file.

A solver's path depends on the order of columns and rows. In one order for all, the same counties
give the same model, bit by bit, and so the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.allocation import Allocation
from models.scenario import Scenario
from models.solution import Comparison, Solution
from models.table import Table
from models.tiers import Tiers
from optimizer.audit import audit
from optimizer.audit.certify import certify


@dataclass(frozen=True)
class Ordered:
    """A scenario with its counties by code, and the way back."""

    given: Scenario
    scenario: Scenario
    places: tuple[int, ...]
    """Of each county as given, its place by code."""

    def back(self, solution: Solution) -> Solution:
        """The solution of the ordered scenario as one of the scenario as given."""
        allocation = self._allocation(solution.allocation)
        certificate = solution.certificate
        if certificate is not None:
            multipliers = [line.multiplier for line in certificate.limits]
            certificate = certify(self.given, certificate.values, multipliers)
        repaired = solution.repaired
        return replace(
            solution,
            scenario=self.given,
            allocation=allocation,
            audit=audit(self.given, allocation, whole=solution.is_whole),
            baseline=self._comparison(solution.baseline),
            repaired=None if repaired is None else self._comparison(repaired),
            certificate=certificate,
        )

    def _allocation(self, allocation: Allocation) -> Allocation:
        return replace(allocation, amounts=allocation.amounts[np.array(self.places)])

    def _comparison(self, comparison: Comparison) -> Comparison:
        allocation = self._allocation(comparison.allocation)
        return replace(comparison, allocation=allocation, audit=audit(self.given, allocation))


def in_order(scenario: Scenario) -> Ordered | None:
    """The scenario with its counties by code; None where they stand so already."""
    ids = scenario.programme.counties.ids
    rows = sorted(range(len(ids)), key=ids.__getitem__)
    if rows == list(range(len(ids))):
        return None
    programme = replace(scenario.programme, counties=_table(scenario.programme.counties, rows))
    tiers = Tiers(scenario.tiers.width[rows], scenario.tiers.rate[:, rows])
    places = np.argsort(rows).tolist()
    return Ordered(scenario, replace(scenario, programme=programme, tiers=tiers), tuple(places))


def _table(table: Table, rows: Sequence[int]) -> Table:
    columns = {name: tuple(values[row] for row in rows) for name, values in table.columns.items()}
    ids = tuple(table.ids[row] for row in rows)
    return Table(table.what, table.file, ids, columns, table.kinds)
