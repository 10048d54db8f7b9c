"""Bounds of single cells from a table: money that is paid already, or the most that a cell may
hold; with counties and tasks by code or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from models.allocation import Allocation, allocation_of_rows
from models.errors import Problems, did_you_mean, refuse
from models.exact import exact_text, parse_not_negative, without_separators
from models.files import File, MemoryFile
from models.naming import Naming
from models.programme import Programme
from models.table import read_rows
from models.workbook.xlsx_file import looks_like_workbook

_COUNTY = (
    "county",
    "code",
    "县级代码",
    "行政区划代码",
    "代码",
    "县（市、区）",
    "县",
    "county code",
)
_TASK = ("task", "重点工作")
SIDES = ("at_least", "at_most")


def bounds_of_file(
    path: File, programme: Programme, columns: Mapping[str, str]
) -> list[dict[str, str]]:
    """The bounds in a CSV file, a mapping a cell with `county`, `task` and the sides; `columns`:
    side (`at_least`, `at_most`) → the file's column. Raises `InputError` with every problem."""
    table = MoneyTable.read(path, programme, tuple(dict.fromkeys(columns.values())))
    counties, tasks = programme.counties.ids, programme.tasks.ids
    return [
        {
            "county": counties[cell[0]],
            "task": tasks[cell[1]],
            **{side: exact_text(money[name]) for side, name in columns.items() if name in money},
        }
        for cell, money in sorted(table.cells.items())
    ]


def money_of_file(path: File, programme: Programme, column: str) -> Allocation | None:
    """The money in one column of a CSV file, cell by cell; None where the file has no such column,
    so that it is a table of another kind. Raises `InputError` with every problem."""
    if isinstance(path, Path) and (path.is_dir() or looks_like_workbook(path)):
        return None
    if isinstance(path, MemoryFile) and not path.is_file():
        return None
    if column not in read_rows(path)[0]:
        return None
    table = MoneyTable.read(path, programme, (column,))
    counties, tasks = programme.shape
    rows = [
        [table.cells.get((c, t), {}).get(column, Fraction(0)) for t in range(tasks)]
        for c in range(counties)
    ]
    return allocation_of_rows(rows)


@dataclass
class MoneyTable:
    """A CSV file of money by cell, one or more number columns; an empty field says nothing."""

    file: str
    programme: Programme
    columns: tuple[str, ...]
    cells: dict[tuple[int, int], dict[str, Fraction]] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)

    @classmethod
    def read(cls, path: File, programme: Programme, columns: tuple[str, ...]) -> MoneyTable:
        """Read `columns` of a file. Raises `InputError` with file, line and column."""
        header, rows = read_rows(path)
        found = cls(path.name, programme, columns)
        at = {name: number for number, name in enumerate(header)}
        known = [next((name for name in names if name in at), None) for names in (_COUNTY, _TASK)]
        due = [*zip(("county", "task"), known, strict=True), *((name, name) for name in columns)]
        for name, column in due:
            if column is None or column not in at:
                near = did_you_mean(name, header)
                found.problems.add(path.name, "line 1", f"the column '{name}' is missing{near}")
        found.problems.raise_if_any()
        assert known[0] is not None and known[1] is not None
        for place, row in rows:
            found.line(place, row[at[known[0]]], row[at[known[1]]], [row[at[n]] for n in columns])
        found.problems.raise_if_any()
        return found

    def line(self, place: str, county: str, task: str, given: Sequence[str]) -> None:
        """One line of the file."""
        cell = self.place_of(place, "county", county), self.place_of(place, "task", task)
        if cell[0] is None or cell[1] is None:
            return
        if (*cell,) in self.cells:
            self.problems.add(self.file, place, f"{county} × {task} stands here a second time")
        money: dict[str, Fraction] = {}
        for name, text in zip(self.columns, given, strict=True):
            if text.strip():
                try:
                    money[name] = parse_not_negative(without_separators(text))
                except ValueError as error:
                    self.problems.add(self.file, f"{place}: {name}", str(error))
        self.cells[cell[0], cell[1]] = money

    def place_of(self, place: str, what: str, name: str) -> int | None:
        """Where a county or a task stands, by its code or by its name in either language."""
        table = self.programme.counties if what == "county" else self.programme.tasks
        try:
            return table.index[Naming.of(self.programme).known_code(what, name)]
        except ValueError as error:
            self.problems.add(self.file, place, str(error))
            return None


def columns_of(given: Mapping[str, Any], place: str) -> dict[str, str]:
    """Side → column of `cells: {file:, at_least:, at_most:}`. Raises `InputError`."""
    odd = [name for name in given if name not in ("file", *SIDES)]
    if odd:
        near = did_you_mean(odd[0], ("file", *SIDES))
        refuse(place, f"cells.{odd[0]}", f"unknown key '{odd[0]}'{near}")
    found = {side: str(given[side]) for side in SIDES if given.get(side)}
    if not found:
        refuse(place, "cells", "at_least or at_most is due, each the name of a column of the file")
    return found
