"""Any document as plain sheets: its paragraphs on the first, each grid on one of its own.

Each grid has a sheet to itself, so that its columns are as wide as they need to be and it can be
sorted, filtered and printed with its head on every page. Numbers are numbers, as they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, clean
from reports.excel.book import Book, BookSheet, width_of

_NUMBER = re.compile(r"([+-]?)(0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)(\.\d+)?(%?)")
_LONGEST_NAME = 31
"""Excel allows no longer name of a sheet."""
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")
_TEXT_WIDTH = 110.0
_LEAST, _MOST = 9.0, 56.0
_ROLES = {"heading": "plain bold", "strong": "plain bold", "alarm": "plain broken"}
_MARKS = {"total": " total", "broken": " broken", "block": " block"}


def document_xlsx(document: Document, words: Words) -> bytes:
    """The workbook; the same document gives the same bytes."""
    title = clean(document.title) or "allot"
    book = Book(words, title, "document.footer")
    text = book.sheet("sheet.text", [_TEXT_WIDTH], open_=True)
    grids = [part for part in document.parts if isinstance(part, Grid)]
    grids += document.sheets
    names = dict(zip(map(id, grids), _names(grids), strict=True))
    row = _paragraph(text, 0, title, "bold") if document.title else 0
    for line in document.about:
        row = _paragraph(text, row, clean(line), "plain")
    for part in (*document.parts, *document.sheets, *document.notes):
        if isinstance(part, Grid):
            text.link(row, 0, names[id(part)], words("document.sheet", sheet=names[id(part)]))
            row += 1
        elif isinstance(part, Paragraph):
            row = _written(text, row, part)
    write_grids(book, grids, title)
    return book.close()


def write_grids(book: Book, grids: Sequence[Grid], title: str) -> None:
    """A sheet for each table, of its own name; `title` stands above them all."""
    for name, grid in zip(_names(grids), grids, strict=True):
        _grid(book, name, grid, title)


def _names(grids: Sequence[Grid]) -> list[str]:
    """A name of its own for each sheet: its number and as much of the title as there is room."""
    found = []
    for number, grid in enumerate(grids, 1):
        title = re.split(r"[(（]", clean(grid.title))[0]
        name = f"{number} {_NOT_IN_A_NAME.sub(' ', title).strip()}"
        found.append(name[:_LONGEST_NAME].strip())
    return found


def _written(text: BookSheet, row: int, part: Paragraph) -> int:
    """A paragraph; the row after it."""
    if part.role == "heading":
        row += 1
    before = " " * part.start + ("· " if part.role == "item" else "")
    return _paragraph(text, row, before + clean(part.text), _ROLES.get(part.role, "plain"))


def _paragraph(text: BookSheet, row: int, said: str, style: str) -> int:
    text.text(row, 0, said.rstrip(), style)
    text.high(row, [said])
    return row + 1


def _grid(book: Book, name: str, grid: Grid, title: str) -> None:
    sheet = book.named_sheet(name, _widths(grid), open_=True)
    sheet.titles(clean(grid.title), title if title != grid.title else "", "")
    sheet.head(2, [clean(head) for head in grid.header])
    for row, line in enumerate(grid.lines, 3):
        _line(sheet, row, line, grid)
    sheet.page.freeze_panes(3, 1)
    if not any(line.spans for line in grid.lines):
        sheet.page.autofilter(2, 0, 2 + len(grid.lines), len(grid.header) - 1)


def _line(sheet: BookSheet, row: int, line: Line, grid: Grid) -> None:
    style = "cell" + _MARKS.get(line.mark, "")
    cells = [clean(cell) for cell in line.cells]
    for column, cell in enumerate(cells):
        number = None if column in grid.text or line.spans else number_of(cell)
        if number is not None:
            sheet.number(row, column, number[0], f"{style} ={number[1]}")
        elif column in grid.text:
            sheet.text(row, column, cell, style if line.spans else f"{style} wrap")
        else:
            sheet.text(row, column, cell, f"{style} right")
    if not line.spans:
        sheet.high(row, cells)


def number_of(text: str) -> tuple[Fraction, str] | None:
    """(number, format that shows it as it was written) of a cell; None for any other text.

    `33,000` is a number, and so are `+1.50` and `27.0%`; `≥60`, `007` and `-` are none.
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, whole, decimals, percent = found.groups(default="")
    number = Fraction(f"{sign}{whole}{decimals}".replace(",", ""))
    form = ("#,##0" if "," in whole or len(whole) < 4 else "0") + re.sub(r"\d", "0", decimals)
    form += percent
    shown = f"+{form};-{form};{form}" if sign == "+" else form
    return (number / 100 if percent else number), shown


def _widths(grid: Grid) -> list[float]:
    """Columns as wide as what stands in them, within reason."""
    found = []
    for column, head in enumerate(grid.header):
        cells = [line.cells[column] for line in grid.lines if not line.spans]
        longest = max(map(width_of, cells), default=0)
        title = max(map(width_of, re.split(r"\s+", head)))
        found.append(min(_MOST, max(_LEAST, longest * 1.1 + 2, min(title, 16) * 1.1 + 2)))
    return found
