"""A sheet of a workbook as rows of text under their heads, each with the place of its cell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from fractions import Fraction
from typing import Any

from models.errors import Problems
from models.exact import exact_text, parse_exact, refuse_mixed_digits
from models.strict_yaml import CellName, Steps
from models.table import Note
from models.workbook.xlsx_file import SheetCell, SheetRow, WorkbookFile

_HEAD_WITHIN = 60
"""So many rows from the top the head row is looked for."""
_FIGURES = 15
"""Figures of a stored number that spreadsheets stand by."""
_SEPARATED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


def plain_title(text: object) -> str:
    """A title as it is compared: without spaces, case or width."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(text))).casefold()


def place_of(row: int, column: int) -> str:
    """A cell by its row from 1 and its column from 0: J17."""
    letters, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row}"


def stored_value(cell: SheetCell) -> Any:
    """What a cell was stored with. Raises ValueError for what is no value."""
    value = cell.value
    if value is None:
        raise ValueError("holds a formula without a stored value; recalculate and save the file")
    if cell.kind == "e" or (isinstance(value, str) and value.startswith("#") and cell.kind == "f"):
        raise ValueError(f"holds an error ({value})")
    return value


def stored_number(value: float) -> Fraction:
    """A number of a cell, to the figures that spreadsheets stand by."""
    return parse_exact(format(value, f".{_FIGURES}g"))


def cell_text(cell: SheetCell) -> str:
    """What stands in a cell, as a file would write it. Raises ValueError for what is no value."""
    value = stored_value(cell)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):  # A moment is one too; its day is what a sheet shows.
        return value.isoformat()[:10]
    if isinstance(value, time | timedelta):
        raise ValueError(f"holds a date or time ({value}) where a number or a text is due")
    if isinstance(value, int | float):
        return exact_text(stored_number(value))
    return str(value)


def number_text(text: str) -> str:
    """A number as people write it (1,200 · ３０ · 27%) as exact text.

    Raises ValueError for what is none.
    """
    refuse_mixed_digits(text)
    plain = unicodedata.normalize("NFKC", text).strip()
    if _SEPARATED.fullmatch(plain):
        plain = plain.replace(",", "")
    if plain.endswith("%"):
        return exact_text(parse_exact(plain[:-1].strip()) / 100)
    return exact_text(parse_exact(plain))


@dataclass(frozen=True)
class SheetLine:
    """One row below the head: title of a column → its text; what is empty is left out."""

    sheet: str
    row: int
    columns: Mapping[str, int]
    texts: Mapping[str, str]
    numeric: Collection[str] = ()
    """Titles of the columns whose cell holds a number, and no text."""

    def get(self, title: str) -> str:
        """The text under a title, without blanks around it; nothing for nothing."""
        return self.texts.get(title, "").strip()

    def place(self, title: str = "") -> str:
        """The cell under a title, that of the first column without one: `县!D5`."""
        return f"{self.sheet}!{place_of(self.row, self.columns.get(title, 0))}"

    def steps(self, title: str = "") -> Steps:
        """`place` as the way to a part of a document."""
        return (CellName(self.place(title)),)


@dataclass
class SheetTable:
    """The rows of one sheet under the titles of its head row."""

    file: WorkbookFile
    name: str
    problems: Problems
    head: int = 0
    titles: dict[int, str] = field(default_factory=dict)
    """Column from 0 → its title."""

    @classmethod
    def find(
        cls, file: WorkbookFile, name: str, due: Sequence[Collection[str]], problems: Problems
    ) -> SheetTable | None:
        """The table of a sheet: its head is the first row with a title of each list in `due`."""
        found = cls(file, name, problems)
        wanted = [{plain_title(title) for title in titles} for titles in due]
        for row in file.rows(name, _HEAD_WITHIN):
            texts = {at: str(cell.value).strip() for at, cell in sorted(row.cells.items())}
            plain = {plain_title(text) for text in texts.values()}
            if all(titles & plain for titles in wanted):
                found.head, found.titles = row.number, texts
                found._refuse_twice()
                return found
        return None

    def _refuse_twice(self) -> None:
        first: dict[str, int] = {}
        for at, title in self.titles.items():
            if title in first:
                other = place_of(self.head, first[title])
                message = f"the column '{title}' stands in {other} already"
                self.problems.add(self.file.name, f"{self.name}!{place_of(self.head, at)}", message)
            first.setdefault(title, at)

    def lines(self) -> Iterator[SheetLine]:
        """The rows below the head that are not empty; cells that hold no value are problems."""
        columns = {title: at for at, title in reversed(self.titles.items())}
        self._refuse_merged()
        for row in self.file.rows(self.name):
            if row.number > self.head:
                texts = {title: self._text(row, at) for title, at in columns.items()}
                texts = {title: text for title, text in texts.items() if text.strip()}
                numeric = {t for t in texts if row.cells[columns[t]].kind == "n"}
                if texts:
                    yield SheetLine(self.name, row.number, columns, texts, numeric)

    def _text(self, row: SheetRow, column: int) -> str:
        cell = row.cells.get(column)
        try:
            return "" if cell is None else cell_text(cell)
        except ValueError as error:
            place = f"{self.name}!{place_of(row.number, column)}"
            self.problems.add(self.file.name, place, str(error))
            return ""

    def _refuse_merged(self) -> None:
        for rows, columns in self.file.merged(self.name):
            if rows[-1] > self.head and set(columns) & set(self.titles):
                ends = place_of(rows[0], columns[0]), place_of(rows[-1], columns[-1])
                told = "these cells are merged; take them apart, each with its own content"
                self.problems.add(self.file.name, f"{self.name}!{':'.join(ends)}", told)


def exact_number(line: SheetLine, title: str, notes: list[Note]) -> str:
    """The number under a title as exact text; of one that is written as text a note is taken.

    Raises ValueError for what is no number.
    """
    text = line.get(title)
    number = number_text(text)
    if title not in line.numeric:
        notes.append(Note(line.place(title), "text", text, Fraction(number)))
    return number
