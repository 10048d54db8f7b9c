"""CSV texts as they are written: the same bytes on every system, and safe to open in a spreadsheet.

A spreadsheet runs a cell that starts with = + - @ as a formula. Names come from people's files, so
each such name is written with an apostrophe before it; numbers never are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The text of a CSV file: a header, then the rows, each line ended by a line feed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def guarded(name: str) -> str:
    """`name`, with an apostrophe before it where a spreadsheet would run it as a formula."""
    return "'" + name if name.lstrip().startswith(_FORMULA) else name


def unguarded(text: str) -> str:
    """The name that `guarded` was given."""
    return text[1:] if text.startswith("'") and text[1:].lstrip().startswith(_FORMULA) else text
