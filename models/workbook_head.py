"""Where the columns of an edited table stand: found by the titles in its head row.

A hidden sheet says which title stands for what; without it the titles of the programme's tasks
and some usual words for a code serve.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.errors import Problems, refuse
from models.programme import Programme
from models.workbook_file import WorkbookFile

FORMAT = "allot workbook"
VERSION = 1
SCHEMA = "allot"
"""The hidden sheet: what is called how."""
CODE_HEADS = ("行政区划代码", "县级代码", "代码", "code", "county code", "county")
OUTSIDE_HEADS = ("表外安排数", "outside the grid", "outside")
_HEAD_WITHIN = 60
"""So many rows from the top the head row is looked for."""


@dataclass(frozen=True)
class Head:
    """Which column holds what, from 0."""

    row: int
    code: int
    tasks: Mapping[str, int]
    name: int | None = None
    outside: int | None = None


def plain_title(text: object) -> str:
    """A title as it is compared: without spaces, case or width."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(text))).casefold()


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
    if told.get("programme") != programme.file.id:
        message = f"was made for the programme '{told.get('programme')}'"
        refuse(file.name, SCHEMA, f"{message}, not for '{programme.file.id}'")
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
) -> tuple[str, Head]:
    """(sheet, its head): on the sheet that the hidden one names, else on the first that has one."""
    titles = _task_titles(programme, schema)
    codes = [plain_title(title) for title in (schema.get("code", "code"), *CODE_HEADS)]
    first = [name for name in (schema.get("sheet"),) if name in file.sheets]
    for sheet in dict.fromkeys([*first, *file.sheets]):
        for row in file.rows(sheet, _HEAD_WITHIN) if sheet != SCHEMA else ():
            heads = {at: plain_title(cell.value) for at, cell in row.cells.items()}
            if set(codes) & set(heads.values()) and set(titles) & set(heads.values()):
                columns = _tasks_at(f"{file.name}: {sheet}", row.number, heads, titles)
                _refuse_missing(f"{file.name}: {sheet}", row.number, columns, programme)
                code = min(heads, key=lambda at: _rank(heads[at], codes))
                name = _where(heads, [schema.get("name", "")])
                beside = _where(heads, [schema.get("outside", ""), *OUTSIDE_HEADS])
                return sheet, Head(row.number, code, columns, name, beside)
    refuse(file.name, "", "no sheet has a head row with a code and the titles of the tasks")


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


def place_of(row: int, column: int) -> str:
    """A cell by its row from 1 and its column from 0: J17."""
    letters, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row}"
