"""A table of money that people have edited in a workbook, read back.

Rows and columns may be moved, sorted or inserted: the head row and the codes tell what stands
where. Totals are never read. What is no plain number is logged with its cell, or refused.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from models.allocation import Allocation, read_allocation
from models.errors import Problems, did_you_mean
from models.programme import Programme
from models.workbook_amount import amount_of
from models.workbook_file import Row, WorkbookFile, looks_like_workbook
from models.workbook_head import Head, find_head, place_of, plain_title, read_schema

_TOTAL_WORDS = ("合计", "小计", "总计", "共计", "total", "subtotal", "grandtotal", "sum")


@dataclass(frozen=True)
class Note:
    """A reading that the writer of the file should know of."""

    place: str
    kind: str
    """`blank` and `dash` read as 0, `text` read as a number, `missing` for a county without a
    row, `padded` for a code whose leading zeros were lost."""
    text: str
    number: Fraction = Fraction(0)


def read_table(
    path: Path, programme: Programme, outside: Mapping[str, str] | None = None
) -> tuple[Allocation, tuple[Note, ...]]:
    """The allocation in a CSV file or a workbook, and what was read in it with some good will.

    `outside`: code → name of the places outside the grid. Raises InputError with every problem,
    each with its cell.
    """
    if not looks_like_workbook(path):
        return read_allocation(path, programme, outside), ()
    return read_workbook(path, programme, outside)


def read_workbook(
    path: Path, programme: Programme, outside: Mapping[str, str] | None = None
) -> tuple[Allocation, tuple[Note, ...]]:
    """As `read_table`, of a file that is a workbook."""
    file = WorkbookFile(path)
    schema = read_schema(file, programme)
    sheet, head = find_head(file, programme, schema)
    reader = _Reader(file.name, sheet, programme, outside or {}, head)
    for row in file.rows(sheet):
        if row.number > head.row:
            reader.read(row)
    return reader.finish()


@dataclass
class _Reader:
    """The rows of a table on their way to an allocation."""

    file: str
    sheet: str
    programme: Programme
    outside: Mapping[str, str]
    head: Head
    problems: Problems = field(default_factory=Problems)
    notes: list[Note] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    """Code → row."""
    beside: dict[str, Fraction] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = np.zeros(self.programme.shape, dtype=object)
        money = self.programme.file.money
        self.units = (money.zh, money.en)
        counties = self.programme.counties
        self.names = {*counties.names("zh"), *counties.names("en")}

    def place(self, row: int, column: int) -> str:
        return f"{self.sheet}!{place_of(row, column)}"

    def refuse(self, row: int, column: int, message: str) -> None:
        self.problems.add(self.file, self.place(row, column), message)

    def note(self, place: str, kind: str, text: str, number: Fraction = Fraction(0)) -> None:
        self.notes.append(Note(place, kind, text, number))

    def read(self, row: Row) -> None:
        """One row below the head."""
        code = self.code(row)
        if code is None:
            self.refuse_stray(row)
            return
        if code in self.seen:
            first = place_of(self.seen[code], self.head.code)
            self.refuse(row.number, self.head.code, f"{code} stands in {first} already")
            return
        self.seen[code] = row.number
        if code in self.outside:
            columns = [*self.head.tasks.values(), *self.beyond]
            # Only one of these columns holds its money; the others are empty by design.
            given = [at for at in columns if at in row.cells]
            self.beside[code] = sum((self.amount(row, at) for at in given), Fraction(0))
        elif code in self.programme.counties.index:
            self.county(row, code)
        else:
            known = [*self.programme.counties.ids, *self.outside]
            near = did_you_mean(code, known)
            self.refuse(row.number, self.head.code, f"unknown county '{code}'{near}")

    @property
    def beyond(self) -> list[int]:
        return [] if self.head.outside is None else [self.head.outside]

    def code(self, row: Row) -> str | None:
        """The code of a row; None where it has none."""
        cell = row.cells.get(self.head.code)
        if cell is None or cell.value is None:
            return None
        value = cell.value
        whole = isinstance(value, float) and value.is_integer()
        text = str(int(value) if whole else value)
        text = unicodedata.normalize("NFKC", text).strip().removeprefix("'")
        if not text or text in self.programme.counties.index or text in self.outside:
            return text or None
        padded = [code for code in self.programme.counties.ids if code.lstrip("0") == text]
        if len(padded) == 1 and text.isdigit():
            self.note(self.place(row.number, self.head.code), "padded", f"{text} → {padded[0]}")
            return padded[0]
        return text

    def county(self, row: Row, code: str) -> None:
        county = self.programme.counties.index[code]
        self.check_name(row, code)
        for at in self.beyond:
            if self.amount(row, at):
                told = "money outside the grid stands beside a county of the grid"
                self.refuse(row.number, at, told)
        for task, at in self.head.tasks.items():
            amount = self.amount(row, at)
            whole = amount.denominator == 1
            column = self.programme.tasks.index[task]
            self.table[county, column] = int(amount) if whole else amount
        self.tell_blanks(row)

    def tell_blanks(self, row: Row) -> None:
        """One note for each stretch of empty cells."""
        empty = sorted(at for at in self.head.tasks.values() if at not in row.cells)
        start = None
        for at in empty:
            start = at if start is None else start
            if at + 1 not in empty:
                ends = dict.fromkeys(place_of(row.number, end) for end in (start, at))
                self.note(f"{self.sheet}!{':'.join(ends)}", "blank", "")
                start = None

    def check_name(self, row: Row, code: str) -> None:
        """A name that is another county's is told: somebody may have moved one column alone."""
        cell = row.cells.get(self.head.name) if self.head.name is not None else None
        if cell is None or cell.value is None:
            return
        counties, name = self.programme.counties, str(cell.value).strip()
        own = {counties.names(lang)[counties.index[code]] for lang in ("zh", "en")}
        if name not in own and name in self.names:
            self.refuse(row.number, self.head.name or 0, f"{name} is not the county {code}")

    def amount(self, row: Row, column: int) -> Fraction:
        """The amount in a cell; 0 where it is refused."""
        cell = row.cells.get(column)
        try:
            amount = amount_of(cell, self.units)
        except ValueError as error:
            self.refuse(row.number, column, str(error))
            return Fraction(0)
        if amount.text is not None and cell is not None:
            kind = "text" if amount.number else "dash" if amount.text.strip() else "blank"
            place = self.place(row.number, column)
            self.note(place, kind, amount.text, amount.number)
        return amount.number

    def refuse_stray(self, row: Row) -> None:
        """Money in a row without a code would be lost, unless the row is a total."""
        words = [plain_title(cell.value) for cell in row.cells.values() if cell.kind == "s"]
        if any(word in _TOTAL_WORDS for word in words):
            return
        for at in [*self.head.tasks.values(), *self.beyond]:
            cell = row.cells.get(at)
            if cell is not None and cell.kind == "n" and cell.value:
                self.refuse(row.number, at, "money stands here in a row without a code")

    def finish(self) -> tuple[Allocation, tuple[Note, ...]]:
        """The allocation; counties without a row get nothing, which is told."""
        if not self.seen and not self.problems:
            place = f"{self.sheet}!{place_of(self.head.row, self.head.code)}"
            self.problems.add(self.file, place, "no row below this head has a code")
        self.problems.raise_if_any()
        names = self.programme.counties.names("zh")
        for county, code in enumerate(self.programme.counties.ids):
            if code not in self.seen:
                self.note(self.sheet, "missing", f"{code} {names[county]}")
        beside = [(code, self.outside[code], money) for code, money in self.beside.items()]
        return Allocation(self.table, tuple(beside)), tuple(self.notes)
