"""A document as text of a given width; Chinese counts two columns a character."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from reports.document import Document, Figure, Grid, Line, Paragraph, Part, clean
from reports.wrapping import TOKEN, wrap

GAP = 2
_WIDEST = 140
_UNBOUNDED = 10_000
"""Lines are broken here and not by rich; what cannot be broken runs over the edge."""
_BOX = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
"""A line of hyphens under the header: box-drawing characters take two columns on GBK consoles."""
_LINE_STYLES = {"block": "bold", "total": "bold", "broken": "bold red"}
_STYLES = {"heading": "bold", "strong": "bold", "alarm": "bold red", "remark": "italic"}
_LEAST_TITLE, _LEAST_TEXT, _LEAST_HEAD = 22, 12, 6


def page_width() -> int:
    """Columns of the terminal (COLUMNS first), 100 where there is none, 140 at most."""
    return max(40, min(_WIDEST, shutil.get_terminal_size((100, 24)).columns))


def render(document: Document, width: int, color: bool = False) -> str:
    """The document without its figures, in `width` columns, with ANSI styles if `color`.

    It is made as one text before anything is printed, so that it is whole or absent.
    """
    out = io.StringIO()
    console = Console(
        file=out,
        width=_UNBOUNDED,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        highlight=False,
    )
    title = (Paragraph(document.title, "strong"),) if document.title else ()
    for part in (*title, *document.parts, *document.notes):
        for item in _renderables(part, width):
            console.print(item)
    lines = [line.rstrip() for line in out.getvalue().split("\n")]
    return "\n".join(lines).strip("\n")


def _renderables(part: Part, width: int) -> list[RenderableType]:
    if isinstance(part, Figure):
        return []
    if isinstance(part, Grid):
        title = Paragraph(part.title, "heading", 2)
        return [*_paragraph(title, width), *_tables(part, width)]
    return _paragraph(part, width)


def _paragraph(part: Paragraph, width: int) -> list[RenderableType]:
    before = " " * part.start + ("- " if part.role == "item" else "")
    width = _UNBOUNDED if part.role == "unbroken" else width
    lines = wrap(before + clean(part.text), width, part.indent)
    text = Text("\n".join(lines), style=_STYLES.get(part.role, ""))
    return [Text(""), text] if part.role == "heading" else [text]


def _tables(grid: Grid, width: int) -> list[RenderableType]:
    """The table, cut at the lines that span it; all pieces with the same widths."""
    widths = column_widths(grid, width)
    pieces: list[RenderableType] = [_header(grid, widths)]
    run: list[Line] = []
    for line in grid.lines:
        if line.spans:
            if run:
                pieces.append(_piece(grid, widths, run))
            run = []
            text = wrap(clean(line.cells[0]), width, 2)
            pieces.append(Text("\n".join(text), style=_LINE_STYLES.get(line.mark, "")))
        else:
            run.append(line)
    return [*pieces, _piece(grid, widths, run)] if run else pieces


def _empty(grid: Grid, widths: Sequence[int], **options: bool) -> Table:
    table = Table(
        box=_BOX,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0),
        header_style="bold",
        **options,  # type: ignore[arg-type]
    )
    for column, (title, wide) in enumerate(zip(grid.header, widths, strict=True)):
        flush = column in grid.text
        table.add_column(
            Text("\n".join(wrap(clean(title), wide))),
            justify="left" if flush else "right",
            width=wide,
            overflow="fold",
        )
    return table


def _header(grid: Grid, widths: Sequence[int]) -> Table:
    return _empty(grid, widths)


def _piece(grid: Grid, widths: Sequence[int], lines: Sequence[Line]) -> Table:
    table = _empty(grid, widths, show_header=False)
    for line in lines:
        cells = [
            Text("\n".join(wrap(clean(cell), wide, 2 if not column else 0)))
            for column, (cell, wide) in enumerate(zip(line.cells, widths, strict=True))
        ]
        table.add_row(*cells, style=_LINE_STYLES.get(line.mark, ""))
    return table


def column_widths(grid: Grid, total: int) -> list[int]:
    """Columns as wide as their content, where that fits in `total`.

    Else, as far as needed: headers of numbers are wrapped, then text columns from the right,
    then numbers with a unit; no word is torn apart unless the width is too small for all that.
    """
    body = [line.cells for line in grid.lines if not line.spans]
    columns = range(len(grid.header))
    inner = [max((cell_len(clean(row[c])) for row in body), default=0) for c in columns]
    want = [max(w, cell_len(head)) for w, head in zip(inner, grid.header, strict=True)]
    numbers = [column for column in columns if column not in grid.text]
    heads = {
        c: max(inner[c], _longest(head), min(cell_len(head), _LEAST_HEAD))
        for c, head in enumerate(grid.header)
        if c in numbers
    }
    texts = {c: _LEAST_TEXT if c else _LEAST_TITLE for c in sorted(grid.text, reverse=True)}
    words = {
        c: max(_longest(text) for text in (grid.header[c], *(r[c] for r in body))) for c in columns
    }
    last = {c: words[c] for c in (*numbers, *texts)}
    for least in (heads, texts, last):
        for column, wide in least.items():
            over = sum(want) + GAP * (len(want) - 1) - total
            want[column] -= max(0, min(over, want[column] - max(wide, words[column])))
    return want


def _longest(text: str) -> int:
    """Columns of the longest word."""
    return max((cell_len(token.strip()) for token in TOKEN.findall(clean(text))), default=0)
