"""Allocations: money by cell, from a solver, a formula or a person's file."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.errors import Problems, did_you_mean, refuse
from models.exact import (
    LONGEST_KEPT,
    exact_text,
    over_one_denominator,
    parse_not_negative,
    plain_number,
    short_text,
    without_separators,
)
from models.files import File, csv_text, guarded, unguarded
from models.from_frames import amounts_file
from models.naming import Naming
from models.programme import Programme
from models.table import Note, Table, need_columns, read_rows

if TYPE_CHECKING:
    import pandas as pd


Amounts = NDArray[np.object_]
"""[county, task] → money units, each an int or a Fraction."""
Place = tuple[int, int] | str
"""(county, task) by position in the programme's tables, or the code of a place outside the grid."""


_UNLABELLED = (
    "a table without labels is never read by position; hand over the frame itself, "
    "Allocation.from_frame(frame, programme), or name its axes in their order: "
    "Allocation.of(array, programme, counties=[…], tasks=[…])"
)


@dataclass(frozen=True, eq=False)
class Allocation:
    """Money units by cell; `outside` holds (code, name, amount) of places outside the grid.

    Two are equal where every place has the same money, whatever the order of places outside.
    """

    amounts: Amounts
    outside: tuple[tuple[str, str, Fraction], ...] = ()

    def __post_init__(self) -> None:
        # Exact amounts stand in arrays of objects; what comes from a frame or a file does not.
        # From another process the type is an equal one, not the same.
        if getattr(self.amounts, "dtype", np.dtype(float)) != np.dtype(object):
            refuse("", "Allocation", _UNLABELLED)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Allocation):
            return NotImplemented
        same_grid = self.amounts.shape == other.amounts.shape
        return same_grid and not self.changes_from(other, outside=True)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        outside = len(self.outside)
        beside = f" and {outside} places outside the grid" if outside else ""
        money = f"{short_text(self.spent)} money units in {self.funded} of {self.amounts.size}"
        return f"Allocation of {money} cells{beside}"

    @classmethod
    def of(
        cls,
        table: object,
        programme: Programme | None = None,
        *,
        counties: Sequence[str] = (),
        tasks: Sequence[str] = (),
        outside: Mapping[str, str] | None = None,
    ) -> Allocation:
        """From a table (an array, rows of amounts) whose axes are named, in their order.

        `counties` calls its rows and `tasks` its columns, by code or by name, each of the
        programme or some of them; cells that are left out get nothing. A frame names its own axes
        and is read as `from_frame` does. Raises `InputError` for a table without labels: position
        alone would put money into wrong cells.
        """
        import pandas as pd

        if programme is None or not (isinstance(table, pd.DataFrame) or (counties and tasks)):
            refuse("", "Allocation.of()", _UNLABELLED)
        frame = table if isinstance(table, pd.DataFrame) else _labelled(table, counties, tasks)
        return cls.from_frame(frame, programme, outside)

    @property
    def funded(self) -> int:
        """How many cells of the grid hold money."""
        return sum(1 for amount in self.amounts.ravel() if amount)

    @property
    def spent(self) -> Fraction:
        """All the money, inside and outside the grid."""
        inside = Fraction(sum(self.amounts.ravel().tolist()))
        return inside + sum((amount for _, _, amount in self.outside), Fraction(0))

    @property
    def by_county(self) -> tuple[Fraction, ...]:
        """[county] its money."""
        return tuple(Fraction(sum(row)) for row in self.amounts.tolist())

    def by_cell(self, programme: Programme) -> dict[tuple[str, str], Fraction]:
        """(county, task) by code → money, of the programme whose grid it is."""
        return {
            (county, task): Fraction(amount)
            for county, row in zip(programme.counties.ids, self.amounts.tolist(), strict=True)
            for task, amount in zip(programme.tasks.ids, row, strict=True)
        }

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
        return max(added_and_taken((self.amounts - other.amounts).ravel().tolist()))

    def moved_between_counties(self, other: Allocation) -> Fraction:
        """Money units that other counties have than in `other`, each counted once, whatever moves
        within a county: the larger of what is added and what is taken away."""
        return max(added_and_taken((self.amounts - other.amounts).sum(axis=1).tolist()))

    @property
    def is_whole(self) -> bool:
        """Whether every cell holds a whole number of money units."""
        amounts = self.amounts.ravel().tolist()
        return all(type(one) is int or Fraction(one).denominator == 1 for one in amounts)


def _labelled(table: object, counties: Sequence[str], tasks: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    values = np.array(table, dtype=object)
    due = (len(counties), len(tasks))
    if values.shape != due:
        found, named = (" × ".join(map(str, shape)) for shape in (values.shape, due))
        refuse("", "Allocation.of()", f"the table is {found} where its axes name {named}")
    return pd.DataFrame(values, index=pd.Index(counties, name="county"), columns=list(tasks))


def allocation_of_rows(
    rows: Sequence[Sequence[int | Fraction]] | NDArray[np.int64] | Amounts,
    outside: Sequence[tuple[str, str, Fraction]] = (),
) -> Allocation:
    """From amounts in the programme's own order of counties and tasks; whole Fractions become ints.

    For tables that were made in that order; whatever comes from outside is read by its labels.
    """
    table = np.array([[_tidy(amount) for amount in row] for row in rows], dtype=object)
    return Allocation(table, tuple(outside))


def added_and_taken(changes: Iterable[Fraction | int]) -> tuple[Fraction, Fraction]:
    """How much changes of money come to where there is more, and where there is less.

    The larger of the two is the money moved, each unit counted once.
    """
    listed = list(changes)
    added, taken = sum(by for by in listed if by > 0), sum(by for by in listed if by < 0)
    return Fraction(added), Fraction(-taken)


def _tidy(amount: int | Fraction) -> int | Fraction:
    if type(amount) is int:
        return amount
    exact = Fraction(amount)
    return int(exact) if exact.denominator == 1 else exact


def read_allocation(
    path: File | str, programme: Programme, outside: Mapping[str, str] | None = None
) -> Allocation:
    """The allocation in a CSV file with columns county and task (by code or by name), amount.

    Cells that the file leaves out get nothing. Rows of a county in `outside` (code → name) are
    kept apart, whatever their task. Raises `InputError` with all at once: unknown codes, names
    beside a code that are another's, duplicate cells and amounts that are no exact number of zero
    or more.
    """
    return read_noted(path, programme, outside)[0]


def read_noted(
    path: File | str, programme: Programme, outside: Mapping[str, str] | None = None
) -> tuple[Allocation, tuple[Note, ...]]:
    """`read_allocation`, with what was read in it with some good will."""
    path = Path(path) if isinstance(path, str) else path
    header, rows = read_rows(path)
    need_columns(path, header, ["county", "task", "amount"])
    reader = _Reader(path.name, programme, outside or {}, {n: i for i, n in enumerate(header)})
    for place, row in rows:
        reader.read(place, row)
    reader.problems.raise_if_any()
    beside = tuple((code, reader.outside[code], money) for code, money in reader.beside.items())
    return Allocation(reader.table, beside), (*reader.notes, *reader.missing())


_SHORT = 10
"""Digits of a whole number that needs no further look."""


@dataclass
class _Reader:
    """The rows of a CSV file on their way to an allocation."""

    file: str
    programme: Programme
    outside: Mapping[str, str]
    at: Mapping[str, int]
    """Column → its place in a row."""
    problems: Problems = field(default_factory=Problems)
    notes: list[Note] = field(default_factory=list)
    seen: dict[tuple[str, str], str] = field(default_factory=dict)
    beside: dict[str, Fraction] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = np.zeros(self.programme.shape, dtype=object)
        self.naming = Naming.of(self.programme)
        tables = (self.programme.counties, self.programme.tasks)
        self.names = {one.what: {*one.names("zh"), *one.names("en")} for one in tables}
        self.beside_codes = {
            one.what: [
                column for end in ("zh", "en", "name") if (column := f"{one.what}_{end}") in self.at
            ]
            for one in tables
        }

    def read(self, place: str, row: Sequence[str]) -> None:
        county, task = unguarded(row[self.at["county"]]), row[self.at["task"]]
        try:
            county = county if county in self.outside else self.naming.code("county", county)
            task = self.naming.code("task", task)
        except ValueError as error:
            self.problems.add(self.file, place, str(error))
            return
        if (county, task) in self.seen:
            first = self.seen[county, task]
            message = f"{county} × {task} stands in {first} already"
            self.problems.add(self.file, place, message)
            return
        self.seen[county, task] = place
        amount = self.amount(place, row[self.at["amount"]])
        if county in self.outside:
            self.beside[county] = self.beside.get(county, Fraction(0)) + amount
            return
        counties, tasks = self.programme.counties, self.programme.tasks
        known = [
            self.is_known(counties, county, (place, row), self.outside),
            self.is_known(tasks, task, (place, row)),
        ]
        if all(known):
            self.table[counties.index[county], tasks.index[task]] = plain_number(amount)

    def is_known(
        self, table: Table, code: str, at: tuple[str, Sequence[str]], also: Iterable[str] = ()
    ) -> bool:
        """Whether there is such a code; a name beside it that is another's is told, too."""
        place, row = at
        if code not in table.index:
            near = did_you_mean(code, [*self.naming.names(table.what), *also])
            self.problems.add(self.file, place, f"unknown {table.what} '{code}'{near}")
            return False
        own = [table.names(lang)[table.index[code]] for lang in ("zh", "en")]
        for column in self.beside_codes[table.what]:
            name = unguarded(row[self.at[column]])
            if name not in own and name in self.names[table.what]:
                message = f"{name} is not the {table.what} {code}"
                self.problems.add(self.file, f"{place}: {column}", message)
        return True

    def amount(self, place: str, text: str) -> Fraction:
        """The amount in a row; 0 where it is refused."""
        if text.isascii() and text.isdigit() and len(text) < _SHORT:
            return Fraction(int(text))
        plain = without_separators(text)
        try:
            amount = parse_not_negative(plain, LONGEST_KEPT)
        except ValueError as error:
            self.problems.add(self.file, f"{place}: amount", str(error))
            return Fraction(0)
        if plain != text:
            self.notes.append(Note(f"{self.file}: {place}", "text", text, amount))
        return amount

    def missing(self) -> Iterator[Note]:
        """Counties without a row get nothing, which is told."""
        with_rows = {county for county, _ in self.seen}
        counties = self.programme.counties
        for code, name in zip(counties.ids, counties.names("zh"), strict=True):
            if code not in with_rows:
                yield Note(self.file, "missing", f"{code} {name}")


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
    # In whole numbers over one denominator each, as shares do not mind: many times as fast.
    given = over_one_denominator([m for m, _ in pairs])
    people = over_one_denominator([h for _, h in pairs])
    all_money, all_heads = sum(given), sum(people)
    if not all_money or not all_heads:
        return None
    # Quotients of whole numbers that differ do so by one over the square of the largest divisor.
    fine = max(people) ** 2
    is_whole = all(type(number) is int for number in (*given, *people))
    order = [m * fine // h if is_whole else m / h for m, h in zip(given, people, strict=True)]
    points = [(Fraction(0), Fraction(0))]
    x: int | Fraction = 0
    y: int | Fraction = 0
    doubled_area: int | Fraction = 0
    for at in sorted(range(len(order)), key=order.__getitem__):
        m, h = given[at], people[at]
        x, y = x + h, y + m
        points.append((Fraction(x, all_heads), Fraction(y, all_money)))
        doubled_area += h * (2 * y - m)
    return Lorenz(tuple(points), 1 - Fraction(doubled_area, all_heads * all_money))
