"""The sheets of a fund's workbook: which is which, what their columns hold, where things stood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from models.errors import InputError, InputProblem, Problems
from models.files import MemoryFile
from models.metadata import LABELS_FILE, Labels
from models.strict_yaml import CellName, parse_model, parse_yaml
from models.table import Note
from models.workbook.fund_cells import FundCells
from models.workbook.fund_words import (
    HEADS,
    SHEETS,
    word,
)
from models.workbook.reader import SCHEMA
from models.workbook.sheet_table import (
    SheetLine,
    SheetTable,
    plain_title,
)
from models.workbook.xlsx_file import WorkbookFile

SCENARIO = "scenario.yaml"
_NEW_FUND = {"id": "fund"}
_DUE = {
    "fund": ("item", "value"),
    "counties": ("code",),
    "tasks": ("id", "title"),
    "factors": ("weight", "columns"),
    "metrics": ("id", "weight"),
    "rules": ("id", "measure"),
    "last_year": ("county", "amount"),
    "paid": ("county", "task", "paid"),
    "aims": ("full",),
    "tiers": ("county", "task", "tier", "width"),
    "variants": ("name", "full"),
    "rest": ("name", "full"),
}
"""Sheet → columns by whose heads its head row is known."""


@dataclass
class FundSheet:
    """A sheet with its columns by what they hold."""

    key: str
    table: SheetTable
    titles: dict[str, str]
    """Column, as the sheets of a fund name it → its title here."""

    def lines(self) -> Iterator[FundLine]:
        for line in self.table.lines():
            yield FundLine(line, self.titles)


@dataclass(frozen=True)
class FundLine:
    """A row of such a sheet."""

    line: SheetLine
    titles: Mapping[str, str]

    def get(self, key: str) -> str:
        return self.line.get(self.titles[key]) if key in self.titles else ""

    def cell(self, key: str = "") -> CellName:
        return CellName(self.line.place(self.titles.get(key, "")))


@dataclass
class FundSheets:
    """The workbook of a fund as it is read: its sheets, its full texts, what was found in it."""

    file: WorkbookFile
    problems: Problems = field(default_factory=Problems)
    notes: list[Note] = field(default_factory=list)
    files: dict[str, MemoryFile] = field(default_factory=dict)
    """Those of the programme's folder."""
    beside: dict[str, MemoryFile] = field(default_factory=dict)
    """Those beside the scenario."""
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    """(file, place in it) → the cell where it was written."""
    body: dict[str, Any] = field(default_factory=dict)
    """programme.yaml."""
    items: dict[str, str] = field(default_factory=dict)
    """Row of the sheet of the fund → what is filled in, and its cell."""
    item_cells: dict[str, CellName] = field(default_factory=dict)
    task_shares: dict[str, tuple[str, CellName]] = field(default_factory=dict)
    """Task → its share by the factor method."""
    weights: dict[str, tuple[str, CellName]] = field(default_factory=dict)
    """Metric → its weight, where that was changed."""
    costs: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    """(task, metric) → money for one unit."""

    def __post_init__(self) -> None:
        self.schema = self._read_schema()
        self.lang = self.schema.get("lang") or self._language()
        self.rest = self._read_rest()
        self.scenario = self.full(SCENARIO) or {}
        self.body = dict(self.full("programme.yaml") or _NEW_FUND)
        self.sheets = {key: self._sheet(key) for key in SHEETS}
        labels = self.full(LABELS_FILE)
        self.labels = parse_model(Labels, labels, LABELS_FILE) if labels else Labels()
        self.cells = FundCells(self.labels, self.lang)

    # What stands where.

    def _read_schema(self) -> dict[str, str]:
        told: dict[str, str] = {}
        for row in self.file.rows(SCHEMA) if SCHEMA in self.file.sheets else ():
            key, value = (row.cells.get(at) for at in (0, 1))
            if key is not None and value is not None:
                told.setdefault(str(key.value), str(value.value))
        return told

    def _language(self) -> str:
        return "zh" if any(zh in self.file.sheets for zh, _ in SHEETS.values()) else "en"

    def _read_rest(self) -> dict[str, str]:
        """Name → full text, of which long ones stand in several rows."""
        found: dict[str, str] = {}
        sheet = self._sheet("rest")
        for line in sheet.lines() if sheet is not None else ():
            name = line.get("name")
            found[name] = found.get(name, "") + line.line.texts.get(line.titles["full"], "")
        return found

    def full(self, name: str) -> Any:
        return parse_yaml(self.rest[name], name) if name in self.rest else None

    def _sheet(self, key: str) -> FundSheet | None:
        """The sheet of its name, in either language; None where there is none."""
        name = next((said for said in SHEETS[key] if said in self.file.sheets), None)
        if name is None or key not in HEADS:
            return None
        heads = HEADS[key]
        table = SheetTable.find(self.file, name, [heads[one] for one in _DUE[key]], self.problems)
        if table is None:
            due = "、".join(word(heads[one], self.lang) for one in _DUE[key])
            self.problems.add(self.file.name, name, f"no row has the heads {due}")
            return None
        return FundSheet(key, table, self._titles(key, table))

    def _titles(self, key: str, table: SheetTable) -> dict[str, str]:
        known = {plain_title(title): title for title in table.titles.values()}
        found = {}
        for column, said in HEADS[key].items():
            title = next((known[p] for p in map(plain_title, said) if p in known), None)
            if title is not None:
                found[column] = title
        for name, title in self.schema.items():
            kind, _, column = name.partition(" ")
            if kind == key and title in table.titles.values():
                found[column] = title
        return found

    def add(self, cell: str, message: str) -> None:
        self.problems.add(self.file.name, cell, message)

    def told(self, error: InputError) -> InputError:
        """The error with its problems named by cells, as far as they are known."""
        return InputError([self._told(one) for one in error.problems])

    def _told(self, problem: InputProblem) -> InputProblem:
        place = problem.path
        while (problem.file, place) not in self.places:
            shorter = re.sub(r"(\.[^.\[\]]*|\[[^\]]*\]|: [^:]*)$", "", place)
            if shorter == place or not shorter:
                found = self.places.get((problem.file, ""))
                if found is None:
                    return problem
                return InputProblem(self.file.name, found, problem.message)
            place = shorter
        return InputProblem(self.file.name, self.places[problem.file, place], problem.message)
