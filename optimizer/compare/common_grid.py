"""The places and tasks that columns have between them, and the money of each column on them.

Columns of one programme have all in common. Of several programmes the reference's counties and
tasks come first, then those that only others have; money is compared cell by cell over all of
them, so that differences add up, and what is not shared is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.allocation import Allocation
from models.errors import Problems
from models.metadata import Labels, read_labels
from models.programme import Metric, Programme
from models.selection import value_text
from models.strict_yaml import Text

Money = NDArray[Any]
"""[county, task] → money units, int or Fraction; 0 where a column's programme has no such cell."""


@dataclass(frozen=True)
class County:
    """One county of any column."""

    code: str
    name: Text
    groups: tuple[str, ...]
    """Its value in each column of `World.groupings`; '' where its programme has none."""
    heads: Fraction | None
    """Whose number money per resident is counted by."""


@dataclass(frozen=True)
class Apart:
    """What one column and the reference do not share."""

    column: str
    what: str
    """`counties`, `tasks`, `metrics` or `units`."""
    only_here: tuple[str, ...]
    only_in_reference: tuple[str, ...]


@dataclass(frozen=True)
class CommonGrid:
    """The union of all grids, in the reference's order; `programme` is the reference's."""

    programme: Programme
    labels: Labels
    counties: tuple[County, ...]
    tasks: tuple[str, ...]
    task_names: tuple[Text, ...]
    metrics: tuple[Metric, ...]
    groupings: tuple[str, ...]
    """County columns by which the money is added up: area, prefecture."""
    apart: tuple[Apart, ...]

    def money(self, programme: Programme, allocation: Allocation) -> Money:
        """The amounts of an allocation of some programme on the common grid."""
        table = np.zeros((len(self.counties), len(self.tasks)), dtype=object)
        rows, columns = self.places(programme)
        table[np.ix_(rows, columns)] = allocation.amounts
        return table

    def places(self, programme: Programme) -> tuple[list[int], list[int]]:
        """Positions of a programme's own counties and tasks on the common grid."""
        counties = {county.code: at for at, county in enumerate(self.counties)}
        tasks = {task: at for at, task in enumerate(self.tasks)}
        return (
            [counties[code] for code in programme.counties.ids],
            [tasks[name] for name in programme.tasks.ids],
        )

    def is_whole(self, programme: Programme) -> bool:
        """Whether a programme has the very cells and metrics of the reference."""
        mine = self.programme
        return (
            set(programme.counties.ids) == set(mine.counties.ids)
            and set(programme.tasks.ids) == set(mine.tasks.ids)
            and _units(programme) == _units(mine)
        )


def common_grid(programmes: Mapping[str, Programme], reference: str) -> CommonGrid:
    """The common grid of the columns' programmes (by column name).

    Raises `InputError` where money is counted in different units, which nothing can compare.
    """
    mine = programmes[reference]
    _refuse_other_money(programmes, reference)
    labels = read_labels(mine)
    named = [labels.group_by, labels.subtotal]
    groupings = tuple(dict.fromkeys(name for name in named if name is not None))
    ordered = [mine, *programmes.values()]
    counties: dict[str, County] = {}
    tasks: dict[str, Text] = {}
    metrics: dict[str, Metric] = {}
    for programme in ordered:
        for county in _counties(programme, groupings, labels):
            counties.setdefault(county.code, county)
        for task in programme.task_list:
            tasks.setdefault(task.id, task.short or task.title)
        for metric in programme.file.metrics:
            metrics.setdefault(metric.id, metric)
    apart = [
        found
        for name, programme in programmes.items()
        if programme is not mine
        for found in _apart(name, programme, mine)
    ]
    return CommonGrid(
        mine,
        labels,
        tuple(counties.values()),
        tuple(tasks),
        tuple(tasks.values()),
        tuple(metrics.values()),
        groupings,
        tuple(apart),
    )


def _refuse_other_money(programmes: Mapping[str, Programme], reference: str) -> None:
    problems, mine = Problems(), programmes[reference].file.money
    for name, programme in programmes.items():
        money = programme.file.money
        if money != mine:
            message = f"counts money in {money.en}, the reference {reference} in {mine.en}"
            problems.add("", name, message)
    problems.raise_if_any()


def _counties(programme: Programme, groupings: Sequence[str], labels: Labels) -> Iterable[County]:
    table = programme.counties
    zh, en = table.names("zh"), table.names("en")
    heads: Sequence[Fraction | None] = [None] * len(table)
    if labels.residents is not None and table.kind(labels.residents) == "number":
        heads = table.numbers(labels.residents)
    for at, code in enumerate(table.ids):
        groups = tuple(
            value_text(table.values(name)[at]) if table.kind(name) else "" for name in groupings
        )
        yield County(code, Text(zh=zh[at], en=en[at]), groups, heads[at])


def _units(programme: Programme) -> dict[str, str]:
    return {metric.id: metric.unit.en for metric in programme.file.metrics}


def _apart(name: str, other: Programme, mine: Programme) -> Iterable[Apart]:
    """Counties, tasks and metrics that only one of two programmes has."""
    pairs = {
        "counties": (other.counties.ids, mine.counties.ids),
        "tasks": (other.tasks.ids, mine.tasks.ids),
        "metrics": (other.metrics, mine.metrics),
    }
    for what, (here, there) in pairs.items():
        only = tuple(one for one in here if one not in there)
        lost = tuple(one for one in there if one not in here)
        if only or lost:
            yield Apart(name, what, only, lost)
    here_units, there_units = _units(other), _units(mine)
    shared = [one for one in here_units if one in there_units]
    renamed = tuple(one for one in shared if here_units[one] != there_units[one])
    if renamed:
        yield Apart(name, "units", renamed, ())
