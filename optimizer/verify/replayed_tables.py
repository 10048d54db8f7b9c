"""Files of a record against what they are due to hold: hashes, names, tables line by line."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Replayed:
    """What came of one check: how many lines (files) were looked at, and what differs."""

    name: str
    count: int
    differences: tuple[Difference, ...] = ()
    only: str = ""
    """What stands in the way of comparing all: `layout` for other drawing libraries, `release`."""


def content_of(folder: Path, name: str) -> bytes:
    """What a file of the record holds; nothing where it cannot be read, which its hash tells."""
    try:
        return (folder / name).read_bytes()
    except OSError:
        return b""


def compared_files(
    name: str, folder: Path, due: Mapping[str, bytes], places: Sequence[int] = (0, 1, 2)
) -> Replayed:
    """Several files as one check: tables by lines, other texts by the first line that differs."""
    wrong: list[Difference] = []
    for file, content in due.items():
        found = content_of(folder, file)
        if file.endswith(".csv"):
            wrong += compared_table(file, found, content, places).differences
        elif found != content:
            wrong.append(_first_line(file, found, content))
    return Replayed(name, len(due), tuple(wrong))


def _first_line(name: str, found: bytes, due: bytes) -> Difference:
    ours, theirs = (text.decode("utf-8", errors="replace").split("\n") for text in (due, found))
    most = max(len(ours), len(theirs))
    pairs = [(lines + [""] * (most - len(lines))) for lines in (theirs, ours)]
    for number, (has, wants) in enumerate(zip(*pairs, strict=True), start=1):
        if has != wants:
            return Difference(name, number, found=has.strip(), due=wants.strip())
    return _other_way(name)


def compared_table(name: str, found: bytes, due: bytes, places: Iterable[int]) -> Replayed:
    """How a table differs from the one that is due, by lines.

    `places`: the columns that say what a line is about.
    """
    ours = table_rows(due)
    theirs = ours if found == due else table_rows(found)
    if not ours:
        return Replayed(name, 0, (Difference(name, message="cannot be worked out again"),))
    if not theirs or theirs[0] != ours[0]:
        header = ",".join(theirs[0] if theirs else ())
        return Replayed(name, 0, (Difference(name, 1, found=header, due=",".join(ours[0])),))
    is_same = found.removeprefix(BOM_UTF8) == due.removeprefix(BOM_UTF8)
    wrong = () if is_same else tuple(_line_differences(name, ours, theirs, tuple(places)))
    if not wrong and not is_same:
        wrong = (_other_way(name),)
    return Replayed(name, len(ours) - 1, wrong)


def _other_way(name: str) -> Difference:
    return Difference(name, message="is written in another way or order than is due")


def table_rows(content: bytes) -> list[Cells]:
    """The rows of a table; one that no CSV reader takes has none."""
    text = content.decode("utf-8-sig", errors="replace")
    try:
        return [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error:
        return []


def _line_differences(
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
        if row == wanted:
            continue
        if wanted is None or not len(row) == len(wanted) == len(header):
            yield Difference(name, number, place, found=",".join(row))
            continue
        for column, has, wants in zip(header, row, wanted, strict=True):
            if has != wants:
                yield Difference(name, number, place, column, has, wants)
    for key, row in due.items():
        yield Difference(name, None, " ".join(part for part in key if part), due=",".join(row))
