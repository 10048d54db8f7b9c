"""What a cap of money is worth through the cells that it bounds, beside its own row.

The tightest cap of a cell is the most that its money, tiers and funding can come to in the model,
so that a price may stand at those instead of at the rule's row. How the optimum moves with the most
of a cell follows from its prices: each row that changes with it counts by its price, each column
by its reduced cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np

from models.scenario import Scenario
from optimizer.formulation.assemble import cell_links, idle_from
from optimizer.formulation.model import Builder, Columns, Floats, Ints, Model
from optimizer.formulation.rule_rows import RuleRows

Limit = tuple[str, int]
"""A rule's id (or `budget`), and which of its limits."""
_MORE = 2.0**-10
"""Money units by which the most of every cell is raised to see what changes with it."""
_AT = 1e-9


def _caps(scenario: Scenario) -> Iterator[tuple[str, Ints, list[Fraction]]]:
    """(rule, [cell] its group or −1, [group] the most money) of rules that cap by numbers alone."""
    reader = RuleRows(scenario, Builder(), None)  # type: ignore[arg-type]
    for rule in scenario.rules:
        if (capped := reader.plain_cap(rule)) is not None:
            groups, caps = capped
            yield rule.id, groups.of_cells(), caps


def capped_cells(scenario: Scenario, model: Model) -> dict[Limit, list[int]]:
    """The limit that sets the most money of a cell → the cells, each under the first such limit."""
    upper = model.upper[model.grid.amount]
    is_open = (model.lower[model.grid.amount] < upper) & (upper < idle_from(scenario))
    found: dict[Limit, list[int]] = {}
    for rule, of, caps in _caps(scenario):
        cap = np.array([float(one) for one in caps])[of]
        for cell in np.flatnonzero(is_open & (of >= 0) & (cap == upper)).tolist():
            found.setdefault((rule, int(of[cell])), []).append(cell)
            is_open[cell] = False
    by_budget = np.flatnonzero(is_open & (upper == float(scenario.inside_money)))
    return {**found, ("budget", 0): by_budget.tolist()}


def caps_from(scenario: Scenario, model: Model) -> dict[Limit, float]:
    """The limit that caps cells → the most money of any of them: a lower cap would be theirs."""
    upper = model.upper[model.grid.amount]
    is_open = model.lower[model.grid.amount] < upper
    found: dict[Limit, float] = {}
    for rule, of, _ in _caps(scenario):
        for cell in np.flatnonzero(is_open & (of >= 0)).tolist():
            limit = (rule, int(of[cell]))
            found[limit] = max(found.get(limit, 0.0), float(upper[cell]))
    return found


class CellPrices:
    """What one money unit more at the most in a cell does to objectives, [cell]."""

    def __init__(
        self, scenario: Scenario, points: Mapping[str, Fraction], model: Model, values: Floats
    ) -> None:
        self._model = model
        now, wider = (cell_links(scenario, points, by) for by in (0.0, _MORE))
        self._same = wider.matrix.shape == now.matrix.shape
        if not self._same:  # A tier that can be reached only then: the prices of the rows are all.
            return
        own, change = values[: len(now.upper)], (wider.matrix - now.matrix).tocsr()
        self._rows = np.flatnonzero(np.diff(change.indptr))
        self._moved = np.asarray(change @ own)[self._rows] / _MORE
        bounded = np.where(np.isfinite(now.upper), now.upper, 0.0)
        raised = np.where(np.isfinite(now.upper), wider.upper, 0.0) - bounded
        raised /= _MORE
        near = own >= bounded - _AT * np.maximum(1.0, np.abs(bounded))
        self._columns = np.flatnonzero((raised > 0) & near)
        self._raised = raised[self._columns]
        self._cell = _cell_of_columns(model.grid, len(model.cost))
        starts, held = model.matrix.indptr, self._cell[model.matrix.indices]
        # A row of a cell's links holds columns of that cell only, and of the order of its tiers.
        self._row_cell = np.array(
            [held[starts[row] : starts[row + 1]].max(initial=-1) for row in self._rows.tolist()],
            dtype=np.int64,
        )

    def of(self, cost: Floats, prices: Floats) -> Floats:
        """For the objective with these costs, [column], and prices of the rows along the basis."""
        found = np.zeros(len(self._model.grid.amount))
        if not self._same:
            return found
        reduced = (cost - self._model.matrix.T @ prices)[self._columns]
        column_cell = self._cell[self._columns]
        for cells, worth in (
            (self._row_cell, -prices[self._rows] * self._moved),
            (column_cell, reduced * self._raised),
        ):
            np.add.at(found, cells[cells >= 0], worth[cells >= 0])
        return found


def _cell_of_columns(grid: Columns, count: int) -> Ints:
    """The cell that a column belongs to; −1 for other columns, [column]."""
    cell = np.full(count, -1, dtype=np.int64)
    cell[grid.amount] = np.arange(len(grid.amount))
    cell[grid.tier] = grid.tier_cell
    if grid.funded is not None:
        cell[grid.funded] = np.arange(len(grid.funded))
    return cell
