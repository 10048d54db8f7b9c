"""The outcomes of all columns as numbers of a sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from optimizer.compare.column import Reads
from reports.compare.board import Board
from reports.excel_book import Sheet

Numbers = list[Fraction | None]
Line = tuple[str, Numbers, str]
"""(title, a number a column, its style)."""


def write_outcomes(sheet: Sheet, board: Board, row: int) -> int:
    """Metrics with their differences and marks, then shares, money, spread, rules, the index.

    The row after them.
    """
    heads = [board.words("column.metric"), *board.heads()]
    sheet.texts(row, heads, "head")
    sheet.high(row, heads, bold=True)
    for metric in board.compared.world.metrics:
        row = _metric(sheet, board, metric.id, row + 1)
    for title, numbers, style in _others(board):
        row += 1
        _line(sheet, row, (title, numbers, style))
    return row + 2


def _metric(sheet: Sheet, board: Board, name: str, row: int) -> int:
    """Value, the reference's reading, difference, marks; the last row written."""
    words, compared = board.words, board.compared
    metric = next(one for one in compared.world.metrics if one.id == name)
    found = {row.column: row for row in compared.outcome_rows if row.metric == name}
    rows = [found[one.name] for one in compared.columns]
    title = words("metric", title=metric.title.of(board.lang), unit=metric.unit.of(board.lang))
    _line(sheet, row, (title, [one.value for one in rows], "one"))
    if any(compared.has_other_response(one) for one in compared.others):
        row += 1
        by = words("compare.by-reference").strip()
        _line(sheet, row, (by, [one.by_reference for one in rows], "one"))
    less: Numbers = [
        one.difference if one.difference_by_reference is None else one.difference_by_reference
        for one in rows
    ]
    less[compared.at] = None
    row += 1
    _line(sheet, row, (words("compare.difference").strip(), less, "signed-one"))
    marks = [board.mark(one.mark) for one in rows]
    if any(marks):
        row += 1
        sheet.texts(row, [words("compare.mark"), *marks], "cell right")
    return row


def _line(sheet: Sheet, row: int, line: Line) -> None:
    title, numbers, style = line
    sheet.text(row, 0, title, "wrap")
    sheet.high(row, [title])
    for at, number in enumerate(numbers, 1):
        sheet.number(row, at, number, f"cell {style}")


def _others(board: Board) -> Iterator[Line]:
    words = board.words
    for title, shares in board.highlights():
        yield words("row.highlight", title=title), shares, "percent"
    yield words("row.spent"), _read(board, lambda reads: reads.audit.spent), "whole"
    moved = {row.column: row.moved for row in board.compared.moved_rows}
    yield words("compare.moved"), [moved.get(one.name) for one in board.compared.columns], "whole"
    gini = _read(board, lambda reads: reads.gini)
    if any(gini):
        yield words("compare.gini"), gini, "three"
    broken = _read(board, lambda reads: Fraction(len(reads.audit.broken_rules)))
    yield words("row.broken"), broken, "whole"
    yield words("compare.worth"), _read(board, lambda reads: reads.worth), "four"
    yield words("compare.own-index"), _read(board, lambda reads: reads.objective), "four"


def _read(board: Board, read: Callable[[Reads], Fraction | None]) -> Numbers:
    columns: Sequence[Reads | None] = [one.reads for one in board.compared.columns]
    return [None if reads is None else read(reads) for reads in columns]
