"""Total columns: one for each distinct measure of a group, so that rules stay short rows.

A share rule written out in full repeats all the money in each of its rows; with a column for the
total the solver is twice to three times as fast.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.exact import MICRO
from models.scenario import Scenario
from optimizer.formulation.groups import Groups
from optimizer.formulation.matrix import Builder, Floats, Grid, Ints


class Totals:
    """Finds or makes the column of each group's total."""

    def __init__(self, builder: Builder, grid: Grid, scenario: Scenario) -> None:
        self._builder = builder
        self._grid = grid
        self._scenario = scenario
        self._known: dict[tuple[object, ...], Ints] = {}
        self._touched: dict[tuple[int, bytes], Ints] = {}

    def columns(self, measure: str, groups: Groups) -> Ints:
        """The column of the total of `measure` in each group, [group]."""
        key = (measure, *groups.same())
        if key not in self._known:
            self._known[key] = self._make(measure, groups)
        return self._known[key]

    def _make(self, measure: str, groups: Groups) -> Ints:
        if measure in ("amount", "cells"):
            return self._of_cells(measure, groups)
        if measure == "counties":
            return self._of_counties(groups)
        return self._of_metric(measure, groups)

    def _of_cells(self, measure: str, groups: Groups) -> Ints:
        columns = self._grid.amount if measure == "amount" else self._funded()
        group = groups.of_cells()
        inside = np.flatnonzero(group >= 0)
        if len(inside) == groups.count:
            single = np.empty(groups.count, dtype=np.int64)
            single[group[inside]] = columns[inside]
            return single
        return self._sum(measure, groups, (group[inside], columns[inside], np.ones(len(inside))))

    def _of_metric(self, measure: str, groups: Groups) -> Ints:
        grid, tiers = self._grid, self._scenario.tiers
        metric = self._scenario.programme.metrics.index(measure)
        rate = tiers.rate[metric].reshape(-1, tiers.rate.shape[-1])
        group = groups.of_cells()[grid.tier_cell]
        inside = np.flatnonzero(group >= 0)
        rates = rate[grid.tier_cell[inside], grid.tier_number[inside]] / MICRO
        return self._sum(measure, groups, (group[inside], grid.tier[inside], rates))

    def _sum(self, measure: str, groups: Groups, entries: tuple[Ints, Ints, Floats]) -> Ints:
        """Total columns with their rows: total − Σ value × column = 0."""

        def names() -> list[str]:
            return [f"{measure}[{','.join(key)}]" for key in groups.keys]

        group, columns, values = entries
        total = self._builder.add_columns(groups.count, np.inf, names)
        each = np.arange(groups.count)
        self._builder.add_rows(
            (0.0, 0.0), [(each, total, 1.0), (group, columns, -values)], groups.count, names
        )
        return total

    def _of_counties(self, groups: Groups) -> Ints:
        """Funded counties of each group: the sum of one indicator a county and set of tasks."""
        number, touched = [], []
        for task_group in range(groups.task_groups):
            tasks = np.flatnonzero(groups.task == task_group)
            indicator = self._county_indicator(tasks)
            inside = np.flatnonzero(groups.county >= 0)
            number.append(groups.county[inside] * groups.task_groups + task_group)
            touched.append(indicator[inside])
        group, columns = np.concatenate(number), np.concatenate(touched)
        return self._sum("counties", groups, (group, columns, np.ones(len(group))))

    def _county_indicator(self, tasks: Ints) -> Ints:
        """1 where a county has money for one of the tasks, [county]."""
        counties, all_tasks = self._grid.shape
        cells = np.arange(counties)[:, None] * all_tasks + tasks[None, :]
        return self.indicator(cells.ravel(), np.repeat(np.arange(counties), len(tasks)), counties)

    def indicator(self, cells: Ints, group: Ints, count: int) -> Ints:
        """Columns that are 1 exactly where one of the group's cells is funded, [group]."""
        key = (count, cells.tobytes() + group.tobytes())
        if key in self._touched:
            return self._touched[key]
        funded = self._funded()
        if len(cells) == count and bool((group == np.arange(count)).all()):
            self._touched[key] = funded[cells]
            return self._touched[key]

        def names(kind: str) -> Sequence[str]:
            return [f"{kind}[{len(self._touched)},{i}]" for i in range(count)]

        # Between its cells' largest and their sum, an indicator is whole by itself.
        column = self._builder.add_columns(count, 1.0, lambda: names("any_funded"))
        each = np.arange(len(cells))
        self._builder.add_rows(
            (0.0, np.inf),
            [(each, column[group], 1.0), (each, funded[cells], -1.0)],
            len(cells),
            lambda: [f"any_funded_if[{i}]" for i in range(len(cells))],
        )
        self._builder.add_rows(
            (-np.inf, 0.0),
            [(np.arange(count), column, 1.0), (group, funded[cells], -1.0)],
            count,
            lambda: names("any_funded_only_if"),
        )
        self._touched[key] = column
        return column

    def _funded(self) -> NDArray[np.int64]:
        assert self._grid.funded is not None, "a rule that counts cells needs their indicators"
        return self._grid.funded
