"""A workbook file opened with care: bounded in size, its cells as values and as formulas."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from models.errors import InputError, InputProblem, refuse

LARGEST_FILE = 64 * 2**20
LARGEST_UNPACKED = 64 * 2**20
"""Bytes of all parts together (assumption: 40 × the workbook of 88 counties)."""
MOST_PARTS = 2_000
MOST_ROWS, MOST_COLUMNS = 100_000, 400
"""What lies beyond these is not looked at (assumption: 10 × a national table)."""
_OLD_OR_LOCKED = bytes.fromhex("d0cf11e0a1b11ae1")
_ZIP = b"PK"
_LOOKED_AT = 1_000
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+[0-9]+(?::[A-Z]+[0-9]+)?)"')


@dataclass(frozen=True)
class SheetCell:
    """One cell that is not empty, or a formula."""

    value: Any
    """Text, number, True/False, a date; None for a formula without a stored value."""
    kind: str
    """`f` formula, `e` error, `s` text, `n` number, `b` true/false, `d` date."""


@dataclass(frozen=True)
class SheetRow:
    """A row of a sheet: its number from 1, and its cells by column from 0."""

    number: int
    cells: dict[int, SheetCell]


def looks_like_workbook(path: Path) -> bool:
    """Whether a file is a workbook by its first bytes, or calls itself one."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError:
        return False
    named = path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".et", ".ods")
    return named or start.startswith((_ZIP, _OLD_OR_LOCKED))


class WorkbookFile:
    """An .xlsx file in memory; its sheets are read as they are asked for."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        content = _content(path)
        _check_parts(self.name, content)
        self._content = content
        self._formulas = self._load(content, values=False)
        self._values = self._load(content, values=True)

    @property
    def sheets(self) -> list[str]:
        """Names of the sheets with cells, hidden ones too."""
        return [sheet.title for sheet in self._values.worksheets]

    def rows(self, sheet: str, most: int = MOST_ROWS) -> Iterator[SheetRow]:
        """The rows that are not empty, from the top."""
        pages = [book[sheet] for book in (self._formulas, self._values)]
        for page in pages:
            page.reset_dimensions()
        bounds = {"max_row": most, "max_col": MOST_COLUMNS}
        try:
            pairs = zip(*(page.iter_rows(**bounds) for page in pages), strict=False)
            for number, (formulas, values) in enumerate(pairs, 1):
                cells = {
                    at: SheetCell(value.value, "f" if formula.data_type == "f" else value.data_type)
                    for at, (formula, value) in enumerate(zip(formulas, values, strict=False))
                    if formula.value is not None
                }
                if cells:
                    yield SheetRow(number, cells)
        except Exception as error:
            _refuse_unreadable(self.name, error)

    def merged(self, sheet: str) -> list[tuple[range, range]]:
        """(rows from 1, columns from 0) of each stretch of merged cells."""
        from openpyxl.utils import range_boundaries

        part = self._values[sheet]._worksheet_path.lstrip("/")
        try:
            with zipfile.ZipFile(io.BytesIO(self._content)) as archive:
                found = _MERGED.findall(archive.read(part))
            ends: Any = [range_boundaries(one.decode("ascii")) for one in found]
            return [(range(y, bottom + 1), range(x - 1, right)) for x, y, right, bottom in ends]
        except Exception as error:
            _refuse_unreadable(self.name, error)

    def _load(self, content: bytes, values: bool) -> Any:
        from openpyxl import load_workbook  # Slow to start; few commands read workbooks.

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return load_workbook(io.BytesIO(content), read_only=True, data_only=values)
        except Exception as error:
            _refuse_unreadable(self.name, error)


def _refuse_unreadable(name: str, error: Exception) -> NoReturn:
    """Whatever openpyxl stumbles over in a file of somebody else's making is the file's fault."""
    if isinstance(error, InputError):
        raise error
    why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    message = f"is not readable as a workbook ({why})"
    raise InputError([InputProblem(name, "", message)]) from error


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            refuse(path.name, "", "is not a file")
        if size > LARGEST_FILE:
            refuse(
                path.name, "", f"is too large: {size:,} bytes, at most {LARGEST_FILE:,} are read"
            )
        content = path.read_bytes()
    except OSError as error:
        message = f"cannot be read ({error.strerror or error})"
        raise InputError([InputProblem(str(path), "", message)]) from error
    if content.startswith(_OLD_OR_LOCKED):
        refuse(path.name, "", "has a password or is an old .xls; save it as .xlsx without one")
    if not content.startswith(_ZIP):
        refuse(path.name, "", "is not a workbook (.xlsx)")
    return content


def _check_parts(name: str, content: bytes) -> None:
    """Refuse by size before anything is unpacked, and parts that no workbook has."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            total = sum(part.file_size for part in parts)
            if len(parts) > MOST_PARTS:
                refuse(name, "", f"holds {len(parts):,} parts, at most {MOST_PARTS:,} are read")
            if total > LARGEST_UNPACKED:
                limit = f"at most {LARGEST_UNPACKED:,} are read"
                refuse(name, "", f"unpacks to {total:,} bytes, {limit}")
            if "xl/workbook.xml" not in archive.namelist():
                refuse(name, "", "is not a workbook (.xlsx)")
            for part in parts:
                _check_part(name, archive, part)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        _refuse_unreadable(name, error)


def _check_part(name: str, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """XML that declares entities could grow without bound as it is read."""
    if part.filename.endswith((".xml", ".rels")):
        with archive.open(part) as file:
            start = file.read(_LOOKED_AT).replace(b"\0", b"")
        if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
            refuse(name, part.filename, "declares a document type, which no workbook does")
