"""The outcomes of all columns: value, difference with its mark, the reference's reading of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from optimizer.compare import Column
from optimizer.compare.column import Reads
from reports.compare.board import Board
from reports.compare.said import difference_text
from reports.numbers import figure, percent, plain
from reports.page.sheet import amount_text


@dataclass(frozen=True)
class Figure:
    """One figure of one column."""

    text: str
    change: str = ""
    """The difference from the reference, with its mark."""
    beside: str = ""
    """The same money by the reference's response, where that is another."""


@dataclass(frozen=True)
class Row:
    """One line."""

    title: str
    cells: tuple[Figure, ...]
    kind: str = ""
    """`metric` for what is counted."""
    target: str = ""


def outcome_rows(board: Board) -> list[Row]:
    """Metrics first, then shares, money, spread, rules, and last the index that weighs them."""
    words, compared = board.words, board.compared
    rows = [_metric(board, metric.id) for metric in compared.world.metrics]
    for title, shares in board.highlights():
        cells = [Figure("-" if share is None else percent(share, 1)) for share in shares]
        rows.append(Row(words("row.highlight", title=title), tuple(cells)))
    rows.append(_row(board, "row.spent", lambda reads: amount_text(reads.audit.spent)))
    rows.append(_moved(board))
    if any(one.reads and one.reads.gini is not None for one in compared.columns):
        rows.append(
            _row(board, "compare.gini", lambda r: "-" if r.gini is None else plain(r.gini, 3))
        )
    rows.append(_row(board, "row.broken", lambda reads: _broken(board, reads)))
    rows.append(
        _row(board, "compare.worth", lambda r: "-" if r.worth is None else plain(r.worth, 4))
    )
    rows.append(_row(board, "compare.own-index", lambda reads: plain(reads.objective, 4)))
    return rows


def _row(board: Board, key: str, read: Callable[[Reads], str]) -> Row:
    columns = board.compared.columns
    cells = [Figure("-" if one.reads is None else read(one.reads)) for one in columns]
    return Row(board.words(key), tuple(cells))


def _broken(board: Board, reads: Reads) -> str:
    count = len(reads.audit.broken_rules)
    return plain(count) if count else board.words("none")


def _metric(board: Board, name: str) -> Row:
    words, compared = board.words, board.compared
    metric = next(one for one in compared.world.metrics if one.id == name)
    found = {row.column: row for row in compared.outcome_rows if row.metric == name}
    cells = []
    for one in compared.columns:
        row = found[one.name]
        if row.value is None:
            cells.append(Figure("-"))
            continue
        change = "" if one is compared.reference else difference_text(board, row)
        beside = ""
        if _has_other_reading(board, one) and row.by_reference is not None:
            beside = plain(row.by_reference, 1)
        cells.append(Figure(figure(row.value, 1, metric.target), change, beside))
    title = words("metric", title=metric.title.of(board.lang), unit=metric.unit.of(board.lang))
    target = "" if metric.target is None else plain(metric.target)
    return Row(title, tuple(cells), "metric", target)


def _has_other_reading(board: Board, column: Column) -> bool:
    return column is not board.compared.reference and board.compared.has_other_response(column)


def _moved(board: Board) -> Row:
    rows = {row.column: row for row in board.compared.moved_rows}
    cells = []
    for one in board.compared.columns:
        row = rows.get(one.name)
        if row is None or row.moved is None:
            cells.append(Figure("" if row is None else "-"))
            continue
        cells.append(Figure(amount_text(row.moved), board.mark(row.mark)))
    return Row(board.words("compare.moved"), tuple(cells))
