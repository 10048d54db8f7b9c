"""Tables of places and of tasks: an id, and columns of text, exact numbers or true/false."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from models.errors import Problems, did_you_mean, refuse
from models.exact import parse_exact, without_separators
from models.files import File, MemoryFile, line_place, name_in_folder
from models.strict_yaml import name_fault, read_text

Kind = Literal["text", "number", "boolean"]
Value = str | Fraction | bool


@dataclass(frozen=True)
class Note:
    """A reading that the writer of a table should know of."""

    place: str
    kind: str
    """`blank` and `dash` read as 0, `text` read as a number, `missing` for a county without a
    row, `padded` for a code whose leading zeros were lost, `sheet` for the one of several sheets
    that was read."""
    text: str
    number: Fraction = Fraction(0)


@dataclass(frozen=True)
class Table:
    """Rows with an id each; `columns[name][row]` is the value of one column in one row."""

    what: str
    """`county` or `task`: how rules address a row by its id."""
    file: str
    ids: tuple[str, ...]
    columns: Mapping[str, tuple[Value, ...]]
    kinds: Mapping[str, Kind]
    notes: tuple[Note, ...] = field(default=(), compare=False)
    """Numbers that were read with some good will."""
    index: Mapping[str, int] = field(init=False)
    _numbers: dict[str, tuple[Fraction, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _names: dict[str, tuple[str, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    groups: dict[Hashable, Any] = field(init=False, repr=False, compare=False, default_factory=dict)
    """Selections and groups of its rows that were worked out before, by what was asked."""

    def __repr__(self) -> str:
        return f"Table of {len(self.ids)} rows by {self.what}: {', '.join(self.columns)}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {name: row for row, name in enumerate(self.ids)})

    def __len__(self) -> int:
        return len(self.ids)

    def values(self, column: str) -> tuple[Value, ...]:
        """The values of a column, row by row; the table's own word gives the ids."""
        return self.ids if column == self.what else self.columns[column]

    def numbers(self, column: str) -> tuple[Fraction, ...]:
        """The values of a number column, row by row."""
        if column not in self._numbers:
            values = self.columns[column]
            self._numbers[column] = tuple(v for v in values if isinstance(v, Fraction))
        return self._numbers[column]

    def kind(self, column: str) -> Kind | None:
        """What a column holds; None where there is no such column."""
        return "text" if column == self.what else self.kinds.get(column)

    def names(self, lang: str = "zh") -> tuple[str, ...]:
        """What people call the rows: the `name_zh`/`name_en` column, else the id."""
        if lang not in self._names:
            columns = (f"name_{lang}", "name_zh", "name_en", "name")
            named = next((name for name in columns if name in self.columns), self.what)
            self._names[lang] = tuple(map(str, self.values(named)))
        return self._names[lang]


def labels_of(table: Table, lang: str) -> tuple[str, ...]:
    """A label of its own for each row: its name, followed by the id where several share it."""
    names = table.names(lang)
    times = Counter(names)
    pairs = zip(names, table.ids, strict=True)
    return tuple(name if times[name] == 1 else f"{name} ({row})" for name, row in pairs)


def read_rows(path: File) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Header and (place, fields) of a CSV file in UTF-8, with or without BOM, or GBK.

    The place is what problems call the row: `line 3`, or `row 'hill'` of a frame.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        lines = [
            (record if isinstance(path, MemoryFile) else reader.line_num, [c.strip() for c in row])
            for record, row in enumerate(reader, 1)
        ]
    except csv.Error as error:
        refuse(path.name, f"line {reader.line_num}", f"is not readable as CSV: {error}")
    filled = [(number, row) for number, row in lines if any(row)]
    if not filled:
        refuse(path.name, "", "is empty")
    header = filled[0][1]
    problems = Problems()
    for name in {name for name in header if header.count(name) > 1}:
        problems.add(path.name, line_place(path, 1), f"the column '{name}' stands here twice")
    placed = [(line_place(path, number), row) for number, row in filled[1:]]
    for place, row in placed:
        if len(row) != len(header):
            problems.add(path.name, place, f"{len(row)} fields where the header has {len(header)}")
    problems.raise_if_any()
    return header, placed


def plain_columns(path: File) -> dict[str, list[str]] | None:
    """Column → its fields, of a CSV file without quotes, blank lines and lines of other lengths.

    None for another, wrong ones among them: `read_rows` says what is wrong.
    """
    text = read_text(path).replace("\r\n", "\n")
    lines = text.removesuffix("\n").split("\n")
    commas = lines[0].count(",")
    if len(lines) < 2 or '"' in text or "\r" in text:
        return None
    if any(line.count(",") != commas for line in lines):
        return None
    names, flat = lines[0].split(","), ",".join(lines[1:]).split(",")
    if not commas or len(set(names)) < len(names):
        return None
    return {name: flat[at :: len(names)] for at, name in enumerate(names)}


def need_columns(file: File, header: Iterable[str], needed: Sequence[str]) -> None:
    """Refuse a file without one of the columns that it must have."""
    header = list(header)
    problems = Problems()
    for name in needed:
        if name not in header:
            near = did_you_mean(name, header)
            problems.add(file.name, line_place(file, 1), f"the column '{name}' is missing{near}")
    problems.raise_if_any()


def read_county_table(path: File, kinds: Mapping[str, Kind]) -> Table:
    """The table of places: CSV with a `code` column; `kinds` of the columns that are not text."""
    header, rows = read_rows(path)
    need_columns(path, header, ["code", *kinds])
    if not rows:
        refuse(path.name, "", "has no rows")
    problems, notes = Problems(), list[Note]()
    codes = [(place, row[header.index("code")]) for place, row in rows]
    ids = _read_codes(path.name, codes, problems)
    columns: dict[str, tuple[Value, ...]] = {}
    for at, name in enumerate(header):
        if name != "code":
            cells = [(f"{place}: {name}", row[at]) for place, row in rows]
            kind = kinds.get(name, "text")
            columns[name] = read_column(path.name, cells, kind, problems)
            if kind == "number":
                notes += separated(path.name, cells, columns[name])
            if name in NAME_COLUMNS:
                _check_names(path.name, cells, problems)
    problems.raise_if_any()
    full: dict[str, Kind] = {name: kinds.get(name, "text") for name in columns}
    return Table("county", name_in_folder(path), ids, columns, full, tuple(notes))


def separated(
    file: str, cells: Iterable[tuple[str, str]], numbers: Iterable[Value]
) -> Iterator[Note]:
    """Of the (place, text) of numbers those that were written as `520,000`."""
    for (place, text), number in zip(cells, numbers, strict=True):
        if without_separators(text) != text:
            yield Note(f"{file}: {place}", "text", text, Fraction(number))


def _read_codes(file: str, cells: Sequence[tuple[str, str]], problems: Problems) -> tuple[str, ...]:
    """The codes of the rows, each of its own; problems are collected."""
    times = Counter(code for _, code in cells)
    for place, code in cells:
        if not code:
            problems.add(file, place, "the code is missing")
        elif times[code] > 1:
            problems.add(file, place, f"the code {code} stands here more than once")
    _check_names(file, [(f"{place}: code", code) for place, code in cells], problems)
    return tuple(code for _, code in cells)


NAME_COLUMNS = ("name_zh", "name_en", "name")


def _check_names(file: str, cells: Sequence[tuple[str, str]], problems: Problems) -> None:
    for place, text in cells:
        if fault := name_fault(text):
            problems.add(file, place, fault)


def read_column(
    file: str, cells: Sequence[tuple[str, object]], kind: Kind, problems: Problems
) -> tuple[Value, ...]:
    """The (place, text) cells of one column as values of `kind`; problems are collected."""
    values: list[Value] = []
    for place, cell in cells:
        try:
            values.append(_value(cell, kind))
        except ValueError as error:
            problems.add(file, place, str(error))
            values.append("" if kind == "text" else Fraction(0) if kind == "number" else False)
    return tuple(values)


def _value(cell: object, kind: Kind) -> Value:
    if kind == "text":
        return "" if cell is None else str(cell)
    if kind == "boolean":
        text = str(cell).strip()
        if text not in ("0", "1", "true", "false"):
            raise ValueError(f"0 or 1 is due here, not '{text}'")
        return text in ("1", "true")
    if cell in (None, ""):
        raise ValueError("the number is missing")
    return parse_exact(without_separators(cell) if isinstance(cell, str) else cell)
