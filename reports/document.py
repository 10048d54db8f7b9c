"""What a verb says, whatever draws it: paragraphs and grids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One row of a table; `mark` says how it stands out: total, broken, or block and note, whose
    first cell spans the table."""

    cells: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table as text. Columns in `text` are set flush left, the rest are numbers."""

    title: str
    header: tuple[str, ...]
    lines: tuple[Line, ...]
    text: frozenset[int] = frozenset({0})


@dataclass(frozen=True)
class Paragraph:
    """Running text; its lines after the first begin at `indent`."""

    text: str
    style: str = ""
    indent: int = 0


Part = Paragraph | Grid


def clean(text: str) -> str:
    """Text of whatever origin without control characters, which could steer the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
