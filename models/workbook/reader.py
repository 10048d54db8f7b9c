"""The money table of an edited workbook or CSV file, with every cell that is no amount named."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np

from models.allocation import Allocation, read_noted
from models.errors import Problems, did_you_mean, refuse
from models.exact import exact_text, parse_exact, refuse_mixed_digits
from models.naming import Naming
from models.programme import Programme
from models.table import Note
from models.workbook.sheet_table import place_of, plain_title, stored_number, stored_value
from models.workbook.xlsx_file import SheetCell, SheetRow, WorkbookFile, looks_like_workbook

# Amounts as people write them in cells: numbers, and texts that can mean only one number.


_DASHES = re.compile(r"[-‐‑‒–—―─−]+")
_PLAIN = re.compile(r"\d+(\.\d*)?|\.\d+|\d{1,3}(,\d{3})+(\.\d*)?")


@dataclass(frozen=True)
class Amount:
    """What a cell was read as; `text` is what stands there, where that is not plainly a number."""

    number: Fraction
    text: str | None = None


def amount_of(cell: SheetCell | None, units: tuple[str, ...]) -> Amount:
    """The amount in a cell; `units` are names of the money unit that may stand behind a number.

    Empty cells and dashes are zero. Raises ValueError for anything that is not one number of
    zero or more.
    """
    if cell is None:
        return Amount(Fraction(0), "")
    value = stored_value(cell)
    if isinstance(value, bool):
        raise ValueError(f"holds {str(value).upper()} where an amount is due")
    if isinstance(value, datetime | date | time | timedelta):
        raise ValueError(f"holds a date or time ({value}) where an amount is due")
    if isinstance(value, int | float):
        return Amount(_not_negative(stored_number(value)))
    return _from_text(str(value), units)


def _not_negative(number: Fraction) -> Fraction:
    if number < 0:
        raise ValueError(f"is negative ({exact_text(number)})")
    return number


def _from_text(written: str, units: tuple[str, ...]) -> Amount:
    refuse_mixed_digits(written)
    text = unicodedata.normalize("NFKC", written).strip()
    if not text or _DASHES.fullmatch(text):
        return Amount(Fraction(0), written)
    bare = text
    for unit in sorted(units, key=len, reverse=True):
        known = unicodedata.normalize("NFKC", unit).casefold()
        if known and text.casefold().endswith(known):
            bare = text[: len(text) - len(known)].rstrip()
            break
    if _DASHES.match(bare) and _PLAIN.fullmatch(_DASHES.sub("", bare, count=1).strip()):
        raise ValueError(f"is negative ('{_short(written)}')")
    if not _PLAIN.fullmatch(bare):
        raise ValueError(f"holds the text '{_short(written)}' where an amount is due")
    return Amount(parse_exact(bare.replace(",", "")), written)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


# Where the columns of an edited table stand: found by the titles in its head row.
#
# A hidden sheet says which title stands for what; without it the titles of the programme's tasks
# and some usual words for a code serve.


FORMAT = "allot workbook"
VERSION = 1
SCHEMA = "allot"
"""The hidden sheet: what is called how."""
CODE_HEADS = ("行政区划代码", "县级代码", "代码", "code", "county code", "county")
OUTSIDE_HEADS = ("表外安排数", "outside the grid", "outside")
_HEAD_WITHIN = 60
"""So many rows from the top the head row is looked for."""


@dataclass(frozen=True)
class TableHead:
    """Which column holds what, from 0."""

    row: int
    code: int
    tasks: Mapping[str, int]
    name: int | None = None
    outside: int | None = None


def read_schema(file: WorkbookFile, programme: Programme) -> dict[str, str]:
    """What the hidden sheet says; {} without one."""
    if SCHEMA not in file.sheets:
        return {}
    told: dict[str, str] = {}
    for row in file.rows(SCHEMA):
        key, value = (row.cells.get(at) for at in (0, 1))
        if key is not None and value is not None:
            told.setdefault(str(key.value), str(value.value))
    if told.get("format") != FORMAT:
        return {}
    if told.get("version") != str(VERSION):
        refuse(file.name, SCHEMA, f"version {told.get('version')} is unknown; {VERSION} is read")
    made, here = told.get("programme"), programme.file.id
    if made != here:
        refuse(file.name, SCHEMA, f"was made for the programme '{made}', not for '{here}'")
    return told


def _task_titles(programme: Programme, schema: Mapping[str, str]) -> dict[str, str]:
    """Title, as compared → task; the hidden sheet's own titles go before all others."""
    found = {
        plain_title(title): key[5:] for key, title in schema.items() if key.startswith("task ")
    }
    for task in programme.task_list:
        texts = [task.title, *([task.short] if task.short else [])]
        for title in (task.id, *(wording for text in texts for wording in (text.zh, text.en))):
            found.setdefault(plain_title(title), task.id)
            found.setdefault(plain_title(f"{title}({task.id})"), task.id)
    return {title: task for title, task in found.items() if task in programme.tasks.index}


def find_head(
    file: WorkbookFile, programme: Programme, schema: Mapping[str, str]
) -> tuple[str, TableHead]:
    """(sheet, its head): on the sheet that the hidden one names, else on the first that has one."""
    titles = _task_titles(programme, schema)
    codes = [plain_title(title) for title in (schema.get("code", "code"), *CODE_HEADS)]
    first = [name for name in (schema.get("sheet"),) if name in file.sheets]
    for sheet in dict.fromkeys([*first, *file.sheets]):
        for row, heads in _heads(file, sheet):
            if set(codes) & set(heads.values()) and set(titles) & set(heads.values()):
                columns = _tasks_at(f"{file.name}: {sheet}", row, heads, titles)
                _refuse_missing(f"{file.name}: {sheet}", row, columns, programme)
                code = min(heads, key=lambda at: _rank(heads[at], codes))
                name = _where(heads, [schema.get("name", "")])
                beside = _where(heads, [schema.get("outside", ""), *OUTSIDE_HEADS])
                return sheet, TableHead(row, code, columns, name, beside)
    refuse(file.name, "", "no sheet has a head row with a code and the titles of the tasks")


def _heads(file: WorkbookFile, sheet: str) -> Iterator[tuple[int, dict[int, str]]]:
    """(row, its titles as they are compared) of each row that may be the head of a table."""
    for row in file.rows(sheet, _HEAD_WITHIN) if sheet != SCHEMA else ():
        yield row.number, {at: plain_title(cell.value) for at, cell in row.cells.items()}


def _other_tables(file: WorkbookFile, read: tuple[str, int]) -> list[str]:
    """Sheets with the same head row as the one that is read, such as a copy of it."""
    (due,) = [set(heads.values()) for row, heads in _heads(file, read[0]) if row == read[1]]
    others = [name for name in file.sheets if name != read[0]]
    return [name for name in others if any(due == set(h.values()) for _, h in _heads(file, name))]


def _rank(head: str, wanted: Sequence[str]) -> int:
    return wanted.index(head) if head in wanted else len(wanted)


def _where(heads: Mapping[int, str], titles: Sequence[str]) -> int | None:
    wanted = {plain_title(title) for title in titles if title}
    return next((at for at, head in heads.items() if head in wanted), None)


def _tasks_at(
    file: str, row: int, heads: Mapping[int, str], titles: Mapping[str, str]
) -> dict[str, int]:
    """Task → its column; a task with two columns is refused."""
    found: dict[str, int] = {}
    problems = Problems()
    for at, head in heads.items():
        task = titles.get(head)
        if task is None:
            continue
        if task in found:
            other = place_of(row, found[task])
            problems.add(file, place_of(row, at), f"the task '{task}' stands in {other} already")
        found.setdefault(task, at)
    problems.raise_if_any()
    return found


def _refuse_missing(file: str, row: int, columns: Mapping[str, int], programme: Programme) -> None:
    problems = Problems()
    for task in programme.task_list:
        if task.id not in columns:
            told = f"no column has the title of the task '{task.id}' ({task.title.zh})"
            problems.add(file, f"row {row}", told)
    problems.raise_if_any()


# A table of money that people have edited in a workbook, read back.
#
# Rows and columns may be moved, sorted or inserted: the head row and the codes tell what stands
# where. Totals are never read. What is no plain number is logged with its cell, or refused.


_UNIT = re.compile(
    r"^\(?(?:金额|计量|货币|资金)?单位:\s*([^\s);,]*元)|^money in (.+)|^\(?units?: ?(.*yuan)",
    re.IGNORECASE,
)
"""A unit of money as tables name it above their head; 填报单位 is an office, not a unit."""
_TOTAL_WORDS = ("合计", "小计", "总计", "共计", "total", "subtotal", "grandtotal", "sum")


def read_table(
    path: Path, programme: Programme, outside: Mapping[str, str] | None = None
) -> tuple[Allocation, tuple[Note, ...]]:
    """The allocation in a CSV file or a workbook, and what was read in it with some good will.

    `outside`: code → name of the places outside the grid. Raises InputError with every problem,
    each with its cell.
    """
    if not looks_like_workbook(path):
        return read_noted(path, programme, outside)
    return read_workbook(path, programme, outside)


def read_workbook(
    path: Path, programme: Programme, outside: Mapping[str, str] | None = None
) -> tuple[Allocation, tuple[Note, ...]]:
    """As `read_table`, of a file that is a workbook."""
    file = WorkbookFile(path)
    schema = read_schema(file, programme)
    sheet, head = find_head(file, programme, schema)
    reader = _Reader(file.name, sheet, programme, outside or {}, head, file.merged(sheet))
    if others := _other_tables(file, (sheet, head.row)):
        reader.note(sheet, "sheet", ", ".join(others))
    for row in file.rows(sheet):
        if row.number > head.row:
            reader.read(row)
        else:
            reader.check_unit(row)
    return reader.finish()


@dataclass
class _Reader:
    """The rows of a table on their way to an allocation."""

    file: str
    sheet: str
    programme: Programme
    outside: Mapping[str, str]
    head: TableHead
    merged: Sequence[tuple[range, range]] = ()
    """(rows from 1, columns from 0) of merged cells."""
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

    def read(self, row: SheetRow) -> None:
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
        self.refuse_merged(row)
        if code in self.outside:
            columns = [*self.head.tasks.values(), *self.beyond]
            # Only one of these columns holds its money; the others are empty by design.
            given = [at for at in columns if at in row.cells]
            self.beside[code] = sum((self.amount(row, at) for at in given), Fraction(0))
        elif code in self.programme.counties.index:
            self.county(row, code)
        else:
            known = [*Naming.of(self.programme).names("county"), *self.outside]
            near = did_you_mean(code, known)
            self.refuse(row.number, self.head.code, f"unknown county '{code}'{near}")

    @property
    def beyond(self) -> list[int]:
        return [] if self.head.outside is None else [self.head.outside]

    def code(self, row: SheetRow) -> str | None:
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
        try:
            return Naming.of(self.programme).code("county", text)
        except ValueError as error:
            self.refuse(row.number, self.head.code, str(error))
            return None

    def county(self, row: SheetRow, code: str) -> None:
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

    def check_unit(self, row: SheetRow) -> None:
        """A unit of money above the table is the programme's own."""
        own = {plain_title(unit) for unit in self.units}
        for at, cell in row.cells.items():
            said = _UNIT.search(unicodedata.normalize("NFKC", str(cell.value)))
            unit = next((text for text in said.groups() if text), "") if said else ""
            if unit and plain_title(unit) not in own:
                due = " / ".join(dict.fromkeys(self.units))
                told = f"the unit is {_short(unit)} where amounts in {due} are due"
                self.refuse(row.number, at, told)

    def refuse_merged(self, row: SheetRow) -> None:
        """Cells that were merged show one amount where several are due."""
        tasks = set(self.head.tasks.values()) | {self.head.code, *self.beyond}
        for rows, columns in self.merged:
            if row.number in rows and tasks & set(columns):
                ends = place_of(rows[0], columns[0]), place_of(rows[-1], columns[-1])
                told = "these cells are merged; take them apart, each with its own amount"
                self.problems.add(self.file, f"{self.sheet}!{':'.join(ends)}", told)

    def tell_blanks(self, row: SheetRow) -> None:
        """One note for each stretch of empty cells."""
        empty = sorted(at for at in self.head.tasks.values() if at not in row.cells)
        start = None
        for at in empty:
            start = at if start is None else start
            if at + 1 not in empty:
                ends = dict.fromkeys(place_of(row.number, end) for end in (start, at))
                self.note(f"{self.sheet}!{':'.join(ends)}", "blank", "")
                start = None

    def check_name(self, row: SheetRow, code: str) -> None:
        """A name that is another county's is told: somebody may have moved one column alone."""
        cell = row.cells.get(self.head.name) if self.head.name is not None else None
        if cell is None or cell.value is None:
            return
        counties, name = self.programme.counties, str(cell.value).strip()
        own = {counties.names(lang)[counties.index[code]] for lang in ("zh", "en")}
        if name not in own and name in self.names:
            self.refuse(row.number, self.head.name or 0, f"{name} is not the county {code}")

    def amount(self, row: SheetRow, column: int) -> Fraction:
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

    def refuse_stray(self, row: SheetRow) -> None:
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
