"""Allocations: money by cell, from a solver, a formula or a person's file."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.errors import Problems, did_you_mean
from models.exact import exact_text, parse_not_negative, short_text
from models.files import File, csv_text, guarded, unguarded
from models.from_frames import amounts_file
from models.programme import Programme
from models.table import need_columns, read_rows

if TYPE_CHECKING:
    import pandas as pd


Amounts = NDArray[np.object_]
"""[county, task] → money units, each an int or a Fraction."""
Place = tuple[int, int] | str
"""(county, task) by position in the programme's tables, or the code of a place outside the grid."""


@dataclass(frozen=True)
class Allocation:
    """Money units by cell; `outside` holds (code, name, amount) of places outside the grid."""

    amounts: Amounts
    outside: tuple[tuple[str, str, Fraction], ...] = ()

    def __repr__(self) -> str:
        outside = len(self.outside)
        beside = f" and {outside} places outside the grid" if outside else ""
        money = f"{short_text(self.spent)} money units in {self.funded} of {self.amounts.size}"
        return f"Allocation of {money} cells{beside}"

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[int | Fraction]] | NDArray[np.int64] | Amounts,
        outside: Sequence[tuple[str, str, Fraction]] = (),
    ) -> Allocation:
        """From amounts by county and task; whole Fractions become ints."""
        table = np.array([[_tidy(amount) for amount in row] for row in rows], dtype=object)
        return cls(table, tuple(outside))

    @property
    def funded(self) -> int:
        """How many cells of the grid hold money."""
        return sum(1 for amount in self.amounts.ravel() if amount)

    @property
    def spent(self) -> Fraction:
        """All the money, inside and outside the grid."""
        inside = Fraction(sum(self.amounts.ravel().tolist()))
        return inside + sum((amount for _, _, amount in self.outside), Fraction(0))

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, programme: Programme, outside: Mapping[str, str] | None = None
    ) -> Allocation:
        """From a frame, read by its labels and never by position; in whatever order.

        Tidy, with columns county, task, amount (money units); or wide, a row a county (its index,
        or a column `county`) and a column a task. Counties and tasks are called by code or by name.
        Cells that are left out get nothing. `outside` and what is refused are as in
        `read_allocation`: `frame: row 3: unknown county …`.
        """
        tables = (programme.counties, programme.tasks)
        return read_allocation(amounts_file(frame, *tables, outside or ()), programme, outside)

    def changes_from(self, other: Allocation, outside: bool = False) -> dict[Place, Fraction]:
        """Where the money differs from `other`, and by how much: above zero where there is more.

        A place is a cell of the grid, both of the same programme; with `outside` also the code of
        a place outside it.
        """
        apart: dict[Place, Fraction] = {
            (int(c), int(t)): Fraction(self.amounts[c, t]) - Fraction(other.amounts[c, t])
            for c, t in zip(*np.nonzero(self.amounts != other.amounts), strict=True)
        }
        if outside:
            for allocation, sign in ((self, 1), (other, -1)):
                for code, _, amount in allocation.outside:
                    apart[code] = apart.get(code, Fraction(0)) + sign * amount
        return {place: by for place, by in apart.items() if by}

    def moved_from(self, other: Allocation) -> Fraction:
        """Money units of the grid that stand elsewhere than in `other`, each counted once.

        Where one spends more, the larger of what is added and what is taken away.
        """
        return max(added_and_taken(self.changes_from(other).values()))

    @property
    def is_whole(self) -> bool:
        """Whether every cell holds a whole number of money units."""
        amounts = self.amounts.ravel().tolist()
        return all(type(one) is int or Fraction(one).denominator == 1 for one in amounts)


def added_and_taken(changes: Iterable[Fraction | int]) -> tuple[Fraction, Fraction]:
    """How much changes of money come to where there is more, and where there is less.

    The larger of the two is the money moved, each unit counted once.
    """
    listed = list(changes)
    added = sum((by for by in listed if by > 0), Fraction(0))
    return Fraction(added), Fraction(-sum(by for by in listed if by < 0))


def _tidy(amount: int | Fraction) -> int | Fraction:
    exact = Fraction(amount)
    return int(exact) if exact.denominator == 1 else exact


def read_allocation(
    path: File | str, programme: Programme, outside: Mapping[str, str] | None = None
) -> Allocation:
    """The allocation in a CSV file with columns county (code), task (id), amount.

    Cells that the file leaves out get nothing. Rows of a county in `outside` (code → name) are
    kept apart, whatever their task. Raises `InputError` with all at once: unknown codes, duplicate
    cells and amounts that are no exact number of zero or more.
    """
    path, outside = Path(path) if isinstance(path, str) else path, outside or {}
    header, rows = read_rows(path)
    need_columns(path, header, ["county", "task", "amount"])
    at = {name: header.index(name) for name in ("county", "task", "amount")}
    counties, tasks = programme.counties, programme.tasks
    table = np.zeros(programme.shape, dtype=object)
    problems = Problems()
    seen: dict[tuple[str, str], str] = {}
    beside: dict[str, Fraction] = {}
    for place, row in rows:
        county, task, text = (row[at[name]] for name in ("county", "task", "amount"))
        county = unguarded(county)
        if (county, task) in seen:
            first = seen[county, task]
            problems.add(path.name, place, f"{county} × {task} stands in {first} already")
            continue
        seen[county, task] = place
        try:
            amount = parse_not_negative(text)
        except ValueError as error:
            problems.add(path.name, f"{place}: amount", str(error))
            continue
        if county in outside:
            beside[county] = beside.get(county, Fraction(0)) + amount
            continue
        if county not in counties.index:
            known = [*counties.ids, *outside]
            problems.add(
                path.name, place, f"unknown county '{county}'{did_you_mean(county, known)}"
            )
        if task not in tasks.index:
            problems.add(path.name, place, f"unknown task '{task}'{did_you_mean(task, tasks.ids)}")
        if county in counties.index and task in tasks.index:
            table[counties.index[county], tasks.index[task]] = _tidy(amount)
    problems.raise_if_any()
    return Allocation(table, tuple((code, outside[code], sum_) for code, sum_ in beside.items()))


def allocation_rows(allocation: Allocation, programme: Programme) -> list[dict[str, str]]:
    """One mapping a cell with money, and one a place outside the grid: the rows of the CSV file.

    Counties come by code, so that the file is the same whatever the order of the county table.
    """
    counties, tasks = programme.counties, programme.tasks
    zh, en = counties.names("zh"), counties.names("en")
    task_zh = {task.id: task.title.zh for task in programme.task_list}
    task_en = {task.id: task.title.en for task in programme.task_list}
    rows = []
    for county, c in sorted(counties.index.items()):
        for t, task in enumerate(tasks.ids):
            amount = allocation.amounts[c, t]
            if amount:
                names = (zh[c], en[c], task_zh[task], task_en[task])
                rows.append(_row(county, task, amount, names))
    for code, name, amount in allocation.outside:
        rows.append(_row(code, "", amount, (name, name, "", "")))
    return rows


COLUMNS = ("county", "task", "amount", "county_zh", "county_en", "task_zh", "task_en")
"""Columns of allocation.csv; only the first three are read back."""


def _row(
    county: str, task: str, amount: int | Fraction, names: tuple[str, str, str, str]
) -> dict[str, str]:
    return dict(zip(COLUMNS, (county, task, exact_text(amount), *names), strict=True))


# allocation.csv as it is written: to be read back, and safe to open in a spreadsheet.


def allocation_csv(allocation: Allocation, programme: Programme) -> str:
    """The text of allocation.csv: a row for each cell with money and each place outside."""
    rows = [
        [row[name] if name == "amount" else guarded(row[name]) for name in COLUMNS]
        for row in allocation_rows(allocation, programme)
    ]
    return csv_text(COLUMNS, rows)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, in place of one that is there already.

    Raises OSError where it cannot be written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        part.unlink(missing_ok=True)


# How evenly money falls on people: the Lorenz curve and the Gini coefficient, exactly.


@dataclass(frozen=True)
class Lorenz:
    """Places in rising order of money per head."""

    points: tuple[tuple[Fraction, Fraction], ...]
    """(share of the heads, share of the money) so far, from (0, 0) to (1, 1)."""
    gini: Fraction
    """0 where every head gets the same; 1 less the doubled area under the curve."""


def lorenz(money: Sequence[Fraction], heads: Sequence[Fraction]) -> Lorenz | None:
    """The curve of `money` over `heads`, place by place; None where either adds up to nothing.

    Places without heads are left out. Raises ValueError for lists of different length and for
    numbers below zero.
    """
    pairs = [(m, h) for m, h in zip(money, heads, strict=True) if h or m < 0]
    if any(m < 0 or h < 0 for m, h in pairs):
        raise ValueError("money and heads must be zero or more")
    all_money = sum((m for m, _ in pairs), Fraction(0))
    all_heads = sum((h for _, h in pairs), Fraction(0))
    if not all_money or not all_heads:
        return None
    points = [(Fraction(0), Fraction(0))]
    doubled_area = Fraction(0)
    for m, h in sorted(pairs, key=lambda pair: pair[0] / pair[1]):
        x, y = points[-1]
        points.append((x + h / all_heads, y + m / all_money))
        doubled_area += h / all_heads * (y + points[-1][1])
    return Lorenz(tuple(points), 1 - doubled_area)
