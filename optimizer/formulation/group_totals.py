"""Which group of a rule each cell falls into, and the columns that add groups up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from models.exact import exact_text, parse_exact
from models.rule import Condition
from models.scenario import Scenario
from models.table import Table
from optimizer.formulation.model import Builder, Columns, Floats, Ints

_ONE = Fraction(1)

# Selections as arrays: which group of a rule each county and each task falls into.
#
# Written apart from the selections that the audit uses: the two readers of a rule share no code.


@dataclass(frozen=True)
class Groups:
    """Groups = county groups × task groups; −1 marks rows outside the selection.

    Group number = county group × task groups + task group; `keys` in that order.
    """

    county: Ints
    task: Ints
    keys: tuple[tuple[str, ...], ...]
    task_groups: int

    @property
    def count(self) -> int:
        return len(self.keys)

    def of_cells(self) -> Ints:
        """Group of each cell (county × tasks + task), −1 outside."""
        inside = (self.county[:, None] >= 0) & (self.task[None, :] >= 0)
        number = self.county[:, None] * self.task_groups + self.task[None, :]
        return np.where(inside, number, -1).ravel()

    def own_county(self) -> Ints:
        """The county, by position, that all of a group lies in; −1 for several, [group]."""
        inside = np.flatnonzero(self.county >= 0)
        groups = self.count // max(self.task_groups, 1)
        return np.repeat(_only_one(inside, self.county[inside], groups), self.task_groups)

    def same(self) -> tuple[bytes, bytes]:
        """Equal for groupings that are the same."""
        return self.county.tobytes(), self.task.tobytes()


def find_groups(
    counties: Table, tasks: Table, where: Mapping[str, Condition], per: Sequence[str]
) -> Groups:
    """The groups of the cells that meet `where`, one for each combination of the columns `per`."""
    county, county_keys = _side(counties, where, per)
    task, task_keys = _side(tasks, where, per)
    by_county = [place for place, column in enumerate(per) if _has(counties, column)]
    by_task = [place for place, column in enumerate(per) if not _has(counties, column)]
    both = (of_county + of_task for of_county in county_keys for of_task in task_keys)
    order = np.argsort([*by_county, *by_task], kind="stable").tolist()
    if order == list(range(len(per))):
        keys = tuple(both)
    else:
        keys = tuple(tuple(key[place] for place in order) for key in both)
    return Groups(county, task, keys, len(task_keys))


def _has(table: Table, column: str) -> bool:
    return column == table.what or column in table.columns


def _side(
    table: Table, where: Mapping[str, Condition], per: Sequence[str]
) -> tuple[Ints, list[tuple[str, ...]]]:
    """Group number of each row of one table, and the key of each group."""
    chosen = np.ones(len(table.ids), dtype=bool)
    for column, condition in where.items():
        if _has(table, column):
            chosen &= _meets(table, column, condition)
    mine = [_texts(table, column) for column in per if _has(table, column)]
    number = np.full(len(table.ids), -1, dtype=np.int64)
    if not mine or (len(mine) == 1 and mine[0] is table.ids):
        return _by_place(table, chosen, each=bool(mine))
    keys: dict[tuple[str, ...], int] = {}
    for row in np.flatnonzero(chosen).tolist():
        number[row] = keys.setdefault(tuple(texts[row] for texts in mine), len(keys))
    return number, list(keys)


def _by_place(
    table: Table, chosen: NDArray[np.bool_], each: bool
) -> tuple[Ints, list[tuple[str, ...]]]:
    """`_side` where no value is to be compared: each row a group of its own, or all one group."""
    rows = np.flatnonzero(chosen)
    number = np.full(len(table.ids), -1, dtype=np.int64)
    number[rows] = np.arange(len(rows)) if each else 0
    if each:
        return number, [(table.ids[row],) for row in rows.tolist()]
    return number, [()] if len(rows) else []


def _texts(table: Table, column: str) -> Sequence[str]:
    if column == table.what:
        return table.ids
    values = table.columns[column]
    if table.kinds.get(column) == "boolean":
        return ["true" if value else "false" for value in values]
    if table.kinds.get(column) == "number":
        return [exact_text(value) for value in values if isinstance(value, Fraction)]
    return [str(value) for value in values]


def _meets(table: Table, column: str, condition: Condition) -> NDArray[np.bool_]:
    if condition.between is not None:
        low, high = condition.between.min, condition.between.max
        numbers = [value for value in table.columns[column] if isinstance(value, Fraction)]
        return np.array(
            [(low is None or low <= n) and (high is None or n <= high) for n in numbers], dtype=bool
        )
    kind = "text" if column == table.what else table.kinds.get(column)
    wanted = set(condition.among)
    if kind == "boolean":
        wanted = {{"1": "true", "0": "false"}.get(item, item) for item in wanted}
    elif kind == "number":
        wanted = {exact_text(parse_exact(item)) for item in wanted}
    return np.array([text in wanted for text in _texts(table, column)], dtype=bool)


# Total columns: one for each distinct measure of a group, so that rules stay short rows.
#
# A share rule written out in full repeats all the money in each of its rows; with a column for the
# total the solver is twice to three times as fast.


class Totals:
    """Finds or makes the column of each group's total."""

    def __init__(self, builder: Builder, grid: Columns, scenario: Scenario) -> None:
        self._builder = builder
        self._grid = grid
        self._scenario = scenario
        self._known: dict[tuple[object, ...], Ints] = {}
        self._touched: dict[tuple[int, bytes], Ints] = {}
        self._steps: dict[int, Fraction] = {}
        self.metrics = scenario.programme.metrics

    def step(self, column: int) -> Fraction:
        """What a total moves by while money moves in whole units; 1 of what is counted whole."""
        return self._steps.get(column, _ONE)

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
            found = np.empty(groups.count, dtype=np.int64)
            found[group[inside]] = columns[inside]
        else:
            entries = group[inside], columns[inside], np.ones(len(inside))
            found = self._sum(measure, groups, entries)
        if measure == "amount" and len(self._grid.steps):
            shared = np.zeros(groups.count, dtype=np.int64)
            np.gcd.at(shared, group[inside], self._grid.step[inside].astype(np.int64))
            self._steps |= dict(zip(found.tolist(), map(Fraction, shared.tolist()), strict=True))
        return found

    def _of_metric(self, measure: str, groups: Groups) -> Ints:
        grid, tiers = self._grid, self._scenario.tiers_in_steps
        metric = self._scenario.programme.metrics.index(measure)
        shape = (-1, tiers.rate.shape[-1])
        group = groups.of_cells()[grid.tier_cell]
        inside = np.flatnonzero(group >= 0)
        tier = (grid.tier_cell[inside], grid.tier_number[inside])
        rates, floats = (part[metric].reshape(shape)[tier] for part in (tiers.rate, tiers.rates))
        totals = self._sum(measure, groups, (group[inside], grid.tier[inside], floats))
        shared = np.zeros(groups.count, dtype=rates.dtype)
        np.gcd.at(shared, group[inside], rates)
        found = zip(totals.tolist(), shared.tolist(), strict=True)
        self._steps |= {total: Fraction(step, tiers.scale) for total, step in found if step}
        return totals

    def _sum(self, measure: str, groups: Groups, entries: tuple[Ints, Ints, Floats]) -> Ints:
        """Total columns with their rows: total − Σ value × column = 0."""

        def names() -> list[str]:
            return [f"{measure}[{','.join(key)}]" for key in groups.keys]

        group, columns, values = entries
        county = groups.own_county()
        # What money yields may be less than nothing.
        least = np.where(np.bincount(group[values < 0], minlength=groups.count) > 0, -np.inf, 0.0)
        total = self._builder.add_columns(groups.count, np.inf, names, county=county, lower=least)
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
        county = _only_one(cells // self._grid.shape[1], group, count)
        column = self._builder.add_columns(count, 1.0, lambda: names("any_funded"), county=county)
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


def common_step(steps: Iterable[Fraction]) -> Fraction | None:
    """The step that sums of multiples of some steps move by; None where they never move."""
    moving = [step for step in steps if step]
    if not moving:
        return None
    common = lcm(*(step.denominator for step in moving))
    return Fraction(gcd(*(int(step * common) for step in moving)), common)


def _only_one(county: Ints, group: Ints, count: int) -> Ints:
    """The one county of each group's cells, −1 where there are several, [group]."""
    least, most = np.full(count, np.iinfo(np.int64).max), np.full(count, -1, dtype=np.int64)
    np.minimum.at(least, group, county)
    np.maximum.at(most, group, county)
    return np.where(least == most, most, -1)
