"""Last year's money, by county or by county and task, as a table or a workbook has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from models.errors import Problems, did_you_mean, refuse
from models.exact import exact_text, parse_not_negative, without_separators
from models.files import File, csv_text
from models.naming import Naming
from models.programme import Programme
from models.table import Note, need_columns, read_rows
from models.workbook.sheet_table import SheetTable, plain_title
from models.workbook.xlsx_file import WorkbookFile, looks_like_workbook


@dataclass(frozen=True)
class LastYear:
    """Money units of the year before."""

    by_county: Mapping[str, Fraction]
    """County code → money, over its tasks; counties that the file leaves out are not known."""
    outside: tuple[tuple[str, str, Fraction], ...]
    """(code, name, money) of places outside the grid, such as a prefecture's own firms."""
    notes: tuple[Note, ...] = ()
    """Amounts that were read with some good will."""
    by_cell: Mapping[tuple[str, str], Fraction] = field(default_factory=dict)
    """(county, task) → money, of a file by county and task; empty of one by county. A county that
    is known had nothing in tasks that the file leaves out."""

    def of(self, counties: Iterable[str]) -> Fraction | None:
        """The money of some counties together; None where one of them is not known."""
        codes = list(counties)
        if any(code not in self.by_county for code in codes):
            return None
        return sum((self.by_county[code] for code in codes), Fraction(0))

    @property
    def total(self) -> Fraction:
        """All the money, inside and outside the grid."""
        return sum(
            [*self.by_county.values(), *(money for _, _, money in self.outside)], Fraction(0)
        )


def read_last_year(path: File, programme: Programme) -> LastYear:
    """Read a table of county, amount and optionally task and name: a CSV file, or a sheet of a
    workbook. Counties and tasks go by code or by name.

    Rows of one county add up, so a file by county and task serves as well. A code that is no
    county of the programme needs a name: it is then a place outside the grid. Unknown codes and
    tasks, duplicates and amounts that are no number of zero or more are refused, all at once.
    """
    reader = _Reader(path.name, programme)
    for place, row in _rows(path):
        reader.read(place, row)
    reader.problems.raise_if_any()
    is_by_cell = all(task for _, task in reader.by_cell)
    by_cell = reader.by_cell if is_by_cell else {}
    return LastYear(reader.by_county, tuple(reader.outside), tuple(reader.notes), by_cell)


_HEADS = {
    "county": ("county", "code", "县", "县（市、区）", "代码", "县级代码", "行政区划代码"),
    "amount": ("amount", "上年安排数", "安排数", "上年数", "金额"),
    "task": ("task", "工作", "重点工作"),
    "name": ("name", "表外单位名称", "name outside the grid"),
}
"""Column → the heads that a workbook may give it."""


def _rows(path: File) -> Iterator[tuple[str, dict[str, str]]]:
    """(place, column → text) of each row."""
    if isinstance(path, Path) and looks_like_workbook(path):
        yield from _rows_of_workbook(path)
        return
    header, rows = read_rows(path)
    need_columns(path, header, ["county", "amount"])
    for place, cells in rows:
        yield place, dict(zip(header, cells, strict=True))


def _rows_of_workbook(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    file, problems = WorkbookFile(path), Problems()
    due = (_HEADS["county"], _HEADS["amount"])
    tables = (SheetTable.find(file, sheet, due, problems) for sheet in file.sheets)
    table = next((one for one in tables if one is not None), None)
    if table is None:
        refuse(path.name, "", "no sheet has a head row with county and amount (县, 上年安排数)")
    called = {plain_title(head): name for name, heads in _HEADS.items() for head in heads}
    for line in table.lines():
        yield line.place(), {called.get(plain_title(t), t): text for t, text in line.texts.items()}
    problems.raise_if_any()


@dataclass
class _Reader:
    """The rows of a table on their way to last year's money."""

    file: str
    programme: Programme
    problems: Problems = field(default_factory=Problems)
    notes: list[Note] = field(default_factory=list)
    by_county: dict[str, Fraction] = field(default_factory=dict)
    by_cell: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    outside: list[tuple[str, str, Fraction]] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def read(self, place: str, row: Mapping[str, str]) -> None:
        naming = Naming.of(self.programme)
        try:
            county = naming.code("county", row.get("county", ""))
            task = naming.code("task", row.get("task", ""))
        except ValueError as error:
            self.problems.add(self.file, place, str(error))
            return
        if (county, task) in self.seen:
            told = f"{county} {task} stands here more than once".strip()
            self.problems.add(self.file, place, told)
        self.seen.add((county, task))
        if task and task not in self.programme.tasks.index:
            near = did_you_mean(task, naming.names("task"))
            self.problems.add(self.file, place, f"unknown task '{task}'{near}")
        amount = self.amount(place, row.get("amount", ""))
        if amount is not None:
            self.put(place, (county, task, row.get("name", "")), amount)

    def amount(self, place: str, text: str) -> Fraction | None:
        try:
            plain = without_separators(text)
            amount = parse_not_negative(plain)
        except ValueError as error:
            self.problems.add(self.file, f"{place}: amount", str(error))
            return None
        if plain != text:
            self.notes.append(Note(f"{self.file}: {place}", "text", text, amount))
        return amount

    def put(self, place: str, named: tuple[str, str, str], amount: Fraction) -> None:
        county, task, name = named
        if county in self.programme.counties.index:
            self.by_county[county] = self.by_county.get(county, Fraction(0)) + amount
            self.by_cell[county, task] = amount
        elif name:
            self.outside.append((county, name, amount))
        else:
            near = did_you_mean(county, Naming.of(self.programme).names("county"))
            told = f"unknown county '{county}'{near}; outside the grid it needs a name"
            self.problems.add(self.file, place, told)


def last_year_csv(known: LastYear) -> str:
    """Last year's money as a CSV file that `read_last_year` reads."""
    by_cell = [(county, task, money, "") for (county, task), money in known.by_cell.items()]
    rows = by_cell or [(county, "", money, "") for county, money in known.by_county.items()]
    rows += [(code, "", money, name) for code, name, money in known.outside]
    header = [
        "county",
        *(["task"] if by_cell else []),
        "amount",
        *(["name"] if known.outside else []),
    ]
    written = []
    for county, task, money, name in rows:
        given = {"county": county, "task": task, "amount": exact_text(money), "name": name}
        written.append([given[column] for column in header])
    return csv_text(header, written, for_people=False)
