"""What stability costs, as a record keeps it: the best allocation found for so much money moved
between counties.

Moved is the larger of what is added and what is taken, by county totals, against the baseline. What
a table comes to is read again wherever it is told; of a bound there is only the solver's word.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from models.allocation import Allocation, allocation_of_rows
from models.errors import refuse
from models.exact import exact_text, parse_exact
from models.files import csv_text
from models.programme import Programme

NAME, TABLES = "stability.csv", "stability-tables.csv"
_FIRST = ("point", "name", "most", "moved", "worth", "bound")
Named = Literal["least", "repaired", "solution", ""]


@dataclass(frozen=True)
class StabilityPoint:
    """The best allocation found that moves at most so much."""

    most: Fraction
    """Money units that may move between counties."""
    moved: Fraction
    """What does move; 0 is the baseline's own county totals."""
    worth: Fraction
    """Objective less penalties, exact."""
    bound: float | None
    """No allocation that moves at most `most` is worth more: by the solver's word."""
    outcomes: Mapping[str, Fraction]
    allocation: Allocation
    """In the file's order."""
    name: Named = ""
    """`least`: the least movement that the rules allow, as far as it was found; `repaired`: as much
    as the repaired baseline moves; `solution`: the solution itself."""

    @property
    def gap(self) -> float | None:
        """(bound − worth) / |worth|; None without a bound, and of what is worth nothing."""
        if self.bound is None or not self.worth:
            return None
        return max(0.0, (self.bound - float(self.worth)) / abs(float(self.worth)))


@dataclass(frozen=True)
class StabilityCurve:
    """The points, least movement first, the solution itself last."""

    least: float
    """No allocation that keeps the rules moves less: by the solver's word."""
    points: tuple[StabilityPoint, ...]
    repaired: tuple[Fraction, Fraction] | None
    """(moved, worth) of the repaired baseline itself, which is as near as can be by cells."""


@dataclass(frozen=True)
class ToldPoint:
    """A point as a file tells it, without what is read of its table."""

    most: Fraction
    bound: float | None
    name: Named
    table: Allocation | None
    """None of the last one, the solution itself."""


def stability_csv(curve: StabilityCurve, metrics: tuple[str, ...]) -> bytes:
    """stability.csv: one row a point; the least movement that there is stands in a first one."""
    rows = [["", "bound", "", repr(curve.least), *[""] * (len(_FIRST) - 4 + len(metrics))]]
    for number, one in enumerate(curve.points, 1):
        numbers = map(exact_text, (one.most, one.moved, one.worth))
        bound = "" if one.bound is None else repr(one.bound)
        outcomes = (exact_text(one.outcomes[name]) for name in metrics)
        rows.append([str(number), one.name, *numbers, bound, *outcomes])
    return csv_text([*_FIRST, *metrics], rows).encode()


def stability_tables_csv(curve: StabilityCurve, programme: Programme) -> bytes:
    """stability-tables.csv: the money of each point but the last one, which is the solution."""
    counties, tasks = programme.counties.ids, programme.tasks.ids
    rows = [
        [str(number), counties[county], tasks[task], exact_text(Fraction(amount))]
        for number, one in enumerate(curve.points[:-1], 1)
        for county, row in enumerate(one.allocation.amounts.tolist())
        for task, amount in enumerate(row)
        if amount
    ]
    return csv_text(["point", "county", "task", "amount"], rows).encode()


def read_stability(
    content: bytes, tables: bytes, programme: Programme
) -> tuple[float, tuple[ToldPoint, ...]]:
    """(least movement, points) of what the two wrote. Raises `InputError` for anything else."""
    head, *rows = _rows(content, NAME)
    if tuple(head[: len(_FIRST)]) != _FIRST or not rows or rows[0][1:2] != ["bound"]:
        refuse(NAME, "", "is no such table")
    money = _tables(tables, len(rows) - 2, programme)
    points = []
    for number, row in enumerate(rows[1:], 1):
        try:
            _, name, most, _, _, bound = row[: len(_FIRST)]
            told = parse_exact(most), float(bound) if bound else None
            named = next(one for one in get_args(Named) if one == name)
        except (ValueError, StopIteration):
            refuse(NAME, str(number), "cannot be read")
        last = number == len(rows) - 1
        points.append(ToldPoint(*told, named, None if last else money[number]))
    try:
        return float(rows[0][3]), tuple(points)
    except (ValueError, IndexError):
        refuse(NAME, "bound", "cannot be read")


def _tables(content: bytes, count: int, programme: Programme) -> dict[int, Allocation]:
    """Point → its money."""
    counties, tasks = programme.counties.index, programme.tasks.index
    money = {at: [[Fraction(0)] * len(tasks) for _ in counties] for at in range(1, count + 1)}
    for number, row in enumerate(_rows(content, TABLES)[1:], 2):
        try:
            point, county, task, amount = row
            money[int(point)][counties[county]][tasks[task]] = parse_exact(amount)
        except (ValueError, KeyError):
            refuse(TABLES, f"row {number}", "cannot be read")
    return {at: allocation_of_rows(rows) for at, rows in money.items()}


def _rows(content: bytes, name: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        refuse(name, "", "is no table of text")
