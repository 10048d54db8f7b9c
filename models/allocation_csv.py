"""allocation.csv as it is written: to be read back, and safe to open in a spreadsheet."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from models.allocation import COLUMNS, Allocation, allocation_rows
from models.csv_text import csv_text, guarded
from models.programme import Programme


def allocation_csv(allocation: Allocation, programme: Programme) -> str:
    """The text of allocation.csv: a row for each cell with money and each place outside."""
    rows = [
        [row[name] if name == "amount" else guarded(row[name]) for name in COLUMNS]
        for row in allocation_rows(allocation, programme)
    ]
    return csv_text(COLUMNS, rows)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, in place of one that is there already.

    Raises OSError where it cannot be written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        part.unlink(missing_ok=True)
