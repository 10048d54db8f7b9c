"""Where everything stands in the table that people edit; settled before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.allocation import Allocation
from models.labels import value_name
from models.select import value_text
from reports.rule_table import Desk

HEAD = 3
"""Row of the head; above it stand the title, what is shown, and the state of the rules."""
FIRST = HEAD + 2
"""Row after the one of the grand total."""
MOST_GROUPS = 400
"""More groups than these get no subtotals (assumption: their sum would pass a formula's length)."""


@dataclass(frozen=True)
class Group:
    """Counties under one subtotal."""

    name: str
    row: int
    """Row of the subtotal."""
    first: int
    last: int
    """Rows of its counties."""


@dataclass(frozen=True)
class Layout:
    """Rows and columns count from 0."""

    desk: Desk
    allocation: Allocation | None
    """None for an empty table."""
    fields: tuple[str, ...]
    """Columns of the county table that are shown after the code."""
    groups: tuple[Group, ...]
    rows: tuple[int, ...]
    """Row of each county, in the order of the programme's table."""
    outside: tuple[tuple[int, str, str, Fraction], ...]
    """(row, code, name, money) of the places outside the grid."""
    last: int

    @property
    def group_column(self) -> int | None:
        return 1 if self.desk.labels.subtotal else None

    @property
    def name(self) -> int:
        """Column of the counties' names."""
        return 2 if self.desk.labels.subtotal else 1

    @property
    def code(self) -> int:
        """Column of the codes."""
        return self.name + 1

    @property
    def task(self) -> int:
        """Column of the first task."""
        return self.code + 1 + len(self.fields)

    @property
    def beyond(self) -> int | None:
        """Column of the money of places outside the grid; None without such places."""
        return self.task + len(self.desk.scenario.programme.tasks) if self.outside else None

    @property
    def total(self) -> int:
        """Column of a county's total; share, last year and change follow it."""
        return self.task + len(self.desk.scenario.programme.tasks) + bool(self.outside)

    @property
    def share(self) -> int:
        return self.total + 1

    @property
    def last_year(self) -> int:
        return self.total + 2

    @property
    def change(self) -> int:
        return self.total + 3

    @property
    def money_columns(self) -> range:
        """Columns with this year's money, the total among them."""
        return range(self.task, self.total + 1)


def layout_of(desk: Desk, allocation: Allocation | None) -> Layout:
    """Counties under their subtotals, in the order of the programme's table; then the outside."""
    counties = desk.scenario.programme.counties
    listed, rows = _grouped(desk), [0] * len(counties)
    row, groups = FIRST, []
    for name, members in listed:
        if name:
            groups.append(Group(name, row, row + 1, row + len(members)))
            row += 1
        for county in members:
            rows[county] = row
            row += 1
    outside = []
    for code, named, money in _outside(desk, allocation):
        outside.append((row, code, named, money))
        row += 1
    fields = tuple(name for name in desk.labels.shown if counties.kind(name))
    return Layout(desk, allocation, fields, tuple(groups), tuple(rows), tuple(outside), row - 1)


def _grouped(desk: Desk) -> list[tuple[str, Sequence[int]]]:
    """(name of the group, its counties); one group without a name where there are no subtotals."""
    counties, column = desk.scenario.programme.counties, desk.labels.subtotal
    groups: dict[str, list[int]] = {}
    for county, value in enumerate(counties.values(column) if column else ()):
        groups.setdefault(value_text(value), []).append(county)
    if column is None or len(groups) > MOST_GROUPS:
        return [("", range(len(counties)))]
    programme, lang = desk.scenario.programme, desk.words.lang
    return [
        (value_name(programme, desk.labels, (column, name), lang), members)
        for name, members in groups.items()
    ]


def _outside(desk: Desk, allocation: Allocation | None) -> list[tuple[str, str, Fraction]]:
    """The places outside the grid: as the allocation has them, the others as the scenario does."""
    listed = {code: (code, name, money) for code, name, money in _held(allocation)}
    for place in desk.scenario.spec.outside:
        listed.setdefault(place.code, (place.code, place.name, place.amount))
    return list(listed.values())


def _held(allocation: Allocation | None) -> Sequence[tuple[str, str, Fraction]]:
    return () if allocation is None else allocation.outside
