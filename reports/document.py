"""What a verb says, whatever draws it: a title, paragraphs, grids and figures in order, notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["", "heading", "strong", "alarm", "remark", "item"]
"""What a paragraph is: running text, or the head of what follows it, a sentence to stand out, a
warning, a remark of somebody else's, a point of a list."""


@dataclass(frozen=True)
class Paragraph:
    """Running text; an empty one sets apart what follows.

    `start` is the column at which it begins, `indent` the one at which its further lines do.
    """

    text: str
    role: Role = ""
    indent: int = 0
    start: int = 0


def item(text: str, start: int = 2) -> Paragraph:
    """A point of a list, its hyphen at column `start`."""
    return Paragraph(text, "item", start + 2, start)


LineMark = Literal["", "total", "broken", "block", "note"]
"""How a row stands out; the first cell of a block and of a note spans the table."""


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    cells: tuple[str, ...]
    mark: LineMark = ""

    @property
    def spans(self) -> bool:
        """Whether its first cell spans the table."""
        return self.mark in ("block", "note")


@dataclass(frozen=True)
class Grid:
    """A table as text. Columns in `text` are set flush left, the rest are numbers."""

    title: str
    header: tuple[str, ...]
    lines: tuple[Line, ...]
    text: frozenset[int] = frozenset({0})


@dataclass(frozen=True)
class Figure:
    """A drawing, for media that can draw: `svg` is trusted markup that scales to the page's width.

    `alt` says in a sentence what it shows; its numbers stand in a grid of the same document too.
    """

    title: str
    alt: str
    svg: str


Part = Paragraph | Grid | Figure


@dataclass(frozen=True)
class Document:
    """The result of a verb; `notes` are what may stand apart, below everything else."""

    title: str
    parts: tuple[Part, ...]
    notes: tuple[Paragraph, ...] = ()


def clean(text: str) -> str:
    """Text of whatever origin without control characters, which could steer the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
