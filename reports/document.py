"""What a verb says, whatever draws it: a document for people, or one of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from models.exact import exact_text

Role = Literal["", "heading", "strong", "alarm", "remark", "item", "unbroken"]
"""What a paragraph is: running text, or the head of what follows it, a sentence to stand out, a
warning, a remark of somebody else's, a point of a list, a line that is never broken."""


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
    about: tuple[str, ...] = ()
    """What it speaks of: the fund, the scenario, its changes. A page or a workbook that is passed
    on says so under its title; at a terminal it has just been typed."""
    sheets: tuple[Grid, ...] = ()
    """The numbers of its sentences with their units, for a workbook, where a sentence in a cell
    cannot be reckoned with."""


def clean(text: str) -> str:
    """Text of whatever origin without control characters, which could steer the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def json_text(value: Any, ascii_only: bool = False) -> str:
    """What `--json` says, as text: keys a line, items of a list a line, numbers exact.

    A number that a decimal can write is written in full, whatever its length; any other (1/3) is
    written as the nearest float. Readers that keep floats lose nothing below 17 figures.
    """
    if isinstance(value, Mapping):
        pairs = [_pair(key, inner, ascii_only) for key, inner in value.items()]
        return "{\n" + ",\n".join(pairs) + "\n}" if pairs else "{}"
    return _compact(value, ascii_only)


def _pair(key: object, value: Any, ascii_only: bool) -> str:
    name = _compact(str(key), ascii_only)
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        items = ",\n    ".join(_compact(item, ascii_only) for item in value)
        return f"  {name}: [\n    {items}\n  ]"
    return f"  {name}: {_compact(value, ascii_only)}"


def _compact(value: Any, ascii_only: bool) -> str:
    if isinstance(value, Mapping):
        pairs = (
            f"{_compact(str(k), ascii_only)}: {_compact(v, ascii_only)}" for k, v in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_compact(item, ascii_only) for item in value) + "]"
    if isinstance(value, Fraction):
        return _number(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    return json.dumps(value, ensure_ascii=ascii_only)


def _number(number: Fraction) -> str:
    text = exact_text(number)
    return repr(float(number)) if "/" in text else text
