"""A fund in a workbook, read as a scenario and its programme: what a YAML file and a folder say.

The sheets hold what people fill in, and beside it the full text of what has no cell of its own.
A cell is laid over the full text only where it says otherwise; so a workbook as it was written is
the very scenario that it was made of, and one without any full text is a fund of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from models.errors import InputError, InputProblem, Problems
from models.files import MemoryFile, MemoryFolder, csv_text, resolved
from models.overrides import Before, ScenarioDocument
from models.programme import Programme, read_programme
from models.strict_yaml import CellName, parse_yaml
from models.workbook.fund_programme import FundProgramme
from models.workbook.fund_sheets import FundLine
from models.workbook.fund_words import (
    HEADS,
    SHEETS,
    word,
)
from models.workbook.sheet_table import (
    exact_number,
    number_text,
)
from models.workbook.worded_rules import WordedRules, flag_of
from models.workbook.xlsx_file import WorkbookFile

LAST_YEAR, PAID = "last-year.csv", "paid.csv"


@dataclass(frozen=True)
class Fund:
    """A fund as a workbook has it."""

    document: ScenarioDocument
    programme: Programme
    told: Callable[[InputError], InputError]
    """Names problems by their cells."""


def read_fund(path: Path) -> Fund:
    """The fund in a workbook. Raises `InputError` with every problem, each with its cell."""
    try:
        read = sha256(path.read_bytes()).digest()
    except OSError:
        read = b""  # Told when it is opened.
    fund = _read(resolved(path), read)
    return replace(fund, document=copy.deepcopy(fund.document))


@lru_cache(maxsize=2)
def _read(path: Path, content: bytes) -> Fund:
    """The same workbook is read once, whatever is laid over it; `content`: its hash."""
    reader = _Reader(WorkbookFile(path))
    try:
        reader.programme_files()
        if not (reader.sheets["counties"] and reader.sheets["tasks"]):
            reader.problems.raise_if_any()
        programme = read_programme(MemoryFolder(str(reader.body.get("id", "fund")), reader.files))
        document = reader.document(programme)
    except InputError as error:
        reader.problems.extend(_without_echo(reader.problems, reader.told(error)))
        reader.problems.raise_if_any()
        raise
    reader.problems.raise_if_any()
    document.folder = MemoryFolder(path.name, reader.beside)
    document.files = (resolved(path),)
    document.notes = tuple(reader.notes)
    return Fund(document, programme, reader.told)


def _without_echo(problems: Problems, error: InputError) -> Iterator[InputProblem]:
    """Without what is only found because a cell could not be read."""
    cells = {one.path for one in problems.found}
    yield from (one for one in error.problems if one.path not in cells)


@dataclass
class _Reader(FundProgramme):
    """The programme's sheets and those of the scenario."""

    def document(self, programme: Programme) -> ScenarioDocument:
        """The scenario: its full text, and over it what the cells say otherwise."""
        file = self.file.name
        base = {key: value for key, value in self.scenario.items() if key != "rules"}
        base = {"title": self.schema.get("scenario", file), "programme": "programme", **base}
        base |= self._listed_aims(base.get("objective"))
        base |= self._variants()
        document = ScenarioDocument(file, base)
        document.origins.put((), file, (CellName(word(SHEETS["fund"], self.lang)),))
        for key, cell in self.item_cells.items():
            document.origins.put((key,), file, (cell,))
        rows = WordedRules(programme, self.labels, self.lang)
        lines = [*self.sheets["rules"].lines()] if self.sheets["rules"] is not None else []
        changes = [change for line in lines for change in self._rule(document, rows, line)]
        before = Before(document)
        self._lay_items(document)
        for cell, name, fields in changes:
            document.merge({"rules": {name: fields}}, file, (cell,))
        self._weights_over(document)
        before.mark_changed(document)
        self._money(document)
        return document

    def _listed_aims(self, objective: Any) -> dict[str, Any]:
        sheet = self.sheets["aims"]
        if sheet is None:
            return {} if objective is not None else {"objective": self._own_objective()}
        texts = [(line.get("full"), line.cell("full")) for line in sheet.lines()]
        return {"objective": [parse_yaml(text, cell) for text, cell in texts if text]}

    def _own_objective(self) -> Any:
        """Of a fund without full text: the weights of its metrics; nearness where it has none."""
        return {"weights": {}} if self.metric_ids else None

    def _variants(self) -> dict[str, Any]:
        sheet = self.sheets["variants"]
        found: dict[str, Any] = {}
        for line in sheet.lines() if sheet is not None else ():
            full = line.get("full")
            content = parse_yaml(full, line.cell("full")) if full else {}
            key = "scenarios" if isinstance(content, list) else "overrides"
            found.setdefault(key, {})[line.get("name")] = content
        return found

    def _rule(
        self, document: ScenarioDocument, rows: WordedRules, line: FundLine
    ) -> Iterator[tuple[CellName, str, dict[str, Any]]]:
        """Put the full text of a rule into the document; what its row says otherwise."""
        row = {key: line.get(key) for key in HEADS["rules"] if key not in ("sentence", "full")}
        row = {key: text for key, text in row.items() if text}
        full, name = line.get("full"), line.get("id") or f"rule-{line.line.row}"
        base = parse_yaml(full, line.cell("full")) if full else {"measure": "amount"}
        if not isinstance(base, dict):
            self.add(line.cell("full"), "a mapping is due here")
            return
        if set(row) <= {"enabled"} and not full:
            return
        if name in document.rules:
            self.add(line.cell("id"), f"there is a rule '{name}' already")
            return
        base = {"id": name, **base} | {"id": name}
        if not full:
            base = {"id": name, "title": name, **base}
        document.merge({"rules": [base]}, self.file.name, (line.cell("id"),))

        def fault(column: str, message: str) -> None:
            self.add(line.cell(column), message)

        shown = base if full else {"measure": "amount", "enabled": "true", "id": name}
        for column, fields in rows.patch(shown, {**row, "id": name}, fault):
            yield line.cell(column), name, fields

    def _lay_items(self, document: ScenarioDocument) -> None:
        """Title, money and options of the scenario where the sheet of the fund says otherwise."""
        shown = self.cells.items(self.scenario, self.full("programme.yaml") or {})
        for key, cell in self.item_cells.items():
            text = self.items.get(key, "")
            if key in ("programme", "year", "money") or text == shown[key]:
                continue
            try:
                value = self._item(key, text)
            except ValueError as error:
                self.add(cell, str(error))
                continue
            document.merge({key: value}, self.file.name, (cell,))

    def _item(self, key: str, text: str) -> Any:
        if not text:
            return None
        if key == "title":
            return {"zh": text, "en": text}
        if key == "no_idle":
            return flag_of(text)
        if key == "budget":
            return number_text(text)
        if key in ("lot", "step"):
            return self._lot(text)
        return text

    def _lot(self, text: str) -> Any:
        try:
            return number_text(text)
        except ValueError:
            called = self.columns_called
            kinds = (self.body.get("tasks") or {}).get("columns") or {}
            if called.get(text, text) in kinds:
                return {"column": called.get(text, text)}
            raise

    def _weights_over(self, document: ScenarioDocument) -> None:
        for name, (text, cell) in self.weights.items():
            try:
                weight = number_text(text) if text else "0"
            except ValueError as error:
                self.add(cell, str(error))
                continue
            if isinstance(document.body.get("objective"), list):
                self.add(cell, "the objective is a list of aims: their sheet says the weights")
                continue
            document.merge({"objective": {"weights": {name: weight}}}, self.file.name, (cell,))

    def _money(self, document: ScenarioDocument) -> None:
        """Last year's money and what is paid, as files beside the scenario."""
        for key, name, columns in (
            ("last_year", LAST_YEAR, ("county", "task", "amount", "name")),
            ("paid", PAID, ("county", "task", "paid", "returned")),
        ):
            sheet = self.sheets[key]
            lines = list(sheet.lines()) if sheet is not None else []
            if sheet is None or not lines:
                continue
            given = [one for one in columns if any(line.get(one) for line in lines)]
            rows = [[self._amount(line, one) for one in given] for line in lines]
            places = (sheet.table.name, *(line.cell("county") for line in lines))
            text = csv_text(given, rows, for_people=False)
            self.beside[name] = MemoryFile(name, text.encode(), places)
            for line in lines:
                place = line.cell("county")
                self.places[name, place] = place
                self.places |= {(name, f"{place}: {one}"): line.cell(one) for one in given}
            self.places[name, ""] = sheet.table.name
            if key == "last_year":
                document.merge({"last_year": name}, self.file.name, (CellName(places[0]),))
            elif "cells" not in document.body:
                paid = {"file": name, "at_least": "paid"}
                document.merge({"cells": paid}, self.file.name, (CellName(places[0]),))

    def _amount(self, line: FundLine, key: str) -> str:
        text = line.get(key)
        if key not in ("amount", "paid", "returned") or not text:
            return text
        try:
            return exact_number(line.line, line.titles[key], self.notes)
        except ValueError as error:
            self.add(line.cell(key), str(error))
            return "0"
