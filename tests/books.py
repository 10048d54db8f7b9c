"""Workbooks for tests: made of solutions put together by hand, edited as a clerk would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl

from models.allocation import Allocation
from models.record.manifest import MadeWith, Manifest
from models.scenario import Scenario
from models.solution import Solution
from reports.catalogue import Words
from reports.excel import workbook
from tests.by_hand import by_hand

MANIFEST = Manifest.model_construct(
    created="2020-05-13T00:00:00Z",
    made_with=MadeWith(python="3.11", packages={"numpy": "2.0"}),
    files={"allocation.csv": "0" * 64},
)
TABLE = {"zh": "资金分配表", "en": "Allocation"}
RULES = {"zh": "约束检查", "en": "Rule check"}
LIMITS = {"zh": "约束检查明细", "en": "Limit check"}


def solution(scenario: Scenario, rows: Any, **parts: Any) -> Solution:
    """A solution with these amounts, compared with nothing spent."""
    nothing = [[0] * len(scenario.programme.tasks) for _ in scenario.programme.counties.ids]
    return by_hand(scenario, rows, parts.pop("baseline", nothing), **parts)


def book(made: Solution, lang: str = "zh") -> bytes:
    return workbook(made, MANIFEST, Words(lang))


def write_book(path: Path, scenario: Scenario, rows: Any, lang: str = "zh") -> Path:
    path.write_bytes(book(solution(scenario, rows), lang))
    return path


def edited(path: Path, change: Callable[[Any], None], name: str = "edited.xlsx") -> Path:
    """The workbook with its sheets changed, saved as another file; stored values are lost."""
    file = openpyxl.load_workbook(path)
    change(file)
    file.save(path.with_name(name))
    return path.with_name(name)


def heads(sheet: Any) -> tuple[int, dict[str, int]]:
    """(row, title → column) of the head row of a table, from 1."""
    for row in range(1, 12):
        titles = {str(c.value): c.column for c in sheet[row] if c.value is not None}
        if len(titles) > 4:
            return row, titles
    raise AssertionError(f"{sheet.title} has no head row")


def row_of(sheet: Any, code: str, column: str = "行政区划代码") -> int:
    """The row of a county by its code."""
    head, titles = heads(sheet)
    for row in range(head + 1, sheet.max_row + 1):
        if str(sheet.cell(row, titles[column]).value) == code:
            return row
    raise AssertionError(f"{code} has no row")


def put(file: Any, allocation: Allocation, scenario: Scenario) -> None:
    """Write the amounts of an allocation into the table of a Chinese workbook."""
    sheet = file[TABLE["zh"]]
    head, titles = heads(sheet)
    short = [(task.short or task.title).zh for task in scenario.programme.task_list]
    for c, code in enumerate(scenario.programme.counties.ids):
        row = row_of(sheet, code)
        for t, title in enumerate(short):
            amount = allocation.amounts[c, t]
            whole = amount if isinstance(amount, int) else float(amount)
            sheet.cell(row, titles[title]).value = whole


def states(file: Any, lang: str = "zh") -> dict[str, str]:
    """Title of a rule → its state on the sheet of rules."""
    sheet = file[RULES[lang]]
    head, titles = heads(sheet)
    last = max(titles.values())
    cells = range(head + 1, sheet.max_row + 1)
    found = {sheet.cell(row, 1).value: sheet.cell(row, last).value for row in cells}
    return {title: state for title, state in found.items() if state}
