"""Tables of a record compared, line by line, with what they are due to hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """One place of a record that does not replay."""

    file: str
    line: int | None = None
    """Of the file, the header being line 1; None where a line is missing, or for a whole file."""
    place: str = ""
    """What the line is about: a rule and its group, a cell; or where in the file."""
    column: str = ""
    found: str = ""
    due: str = ""
    message: str = ""
    """In place of `found` and `due` where a file cannot be read as what it should be."""


def table_differences(name: str, found: bytes, due: bytes, keys: int | Sequence[int]) -> Replayed:
    """How a table differs from the one that is due, by lines.

    `keys`: the columns (or how many of the first) that say what a line is about.
    """
    places = tuple(range(keys)) if isinstance(keys, int) else tuple(keys)
    ours, theirs = table_rows(due), table_rows(found)
    if not theirs or theirs[0] != ours[0]:
        due_header = ",".join(ours[0])
        header = ",".join(theirs[0]) if theirs else ""
        return Replayed(name, 0, (Difference(name, 1, found=header, due=due_header),))
    wrong = tuple(_lines(name, ours, theirs, places))
    if not wrong and found != due:
        wrong = (Difference(name, message="is written in another way or order than is due"),)
    return Replayed(name, len(ours) - 1, wrong)


@dataclass(frozen=True)
class Replayed:
    """What came of one check: how many lines (files) were looked at, and what differs."""

    name: str
    count: int
    differences: tuple[Difference, ...] = ()


def table_rows(content: bytes) -> list[Cells]:
    """The rows of a table; one that no CSV reader takes has none."""
    text = content.decode("utf-8", errors="replace")
    try:
        return [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error:
        return []


def _lines(
    name: str, ours: Sequence[Cells], theirs: Sequence[Cells], places: Sequence[int]
) -> Iterator[Difference]:
    header = ours[0]

    def about(row: Cells) -> Cells:
        return tuple(row[at] if at < len(row) else "" for at in places)

    due = {about(row): row for row in ours[1:]}
    for number, row in enumerate(theirs[1:], start=2):
        key = about(row)
        place = " ".join(part for part in key if part)
        wanted = due.pop(key, None)
        if wanted is None or len(row) != len(wanted):
            yield Difference(name, number, place, found=",".join(row))
            continue
        for column, has, wants in zip(header, row, wanted, strict=True):
            if has != wants:
                yield Difference(name, number, place, column, has, wants)
    for key, row in due.items():
        yield Difference(name, None, " ".join(part for part in key if part), due=",".join(row))
