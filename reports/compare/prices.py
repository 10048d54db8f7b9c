"""What a step of each rule's number is worth, column by column."""

from __future__ import annotations

from dataclasses import dataclass

from models.price import RulePrice
from optimizer.compare import Column
from reports.compare.board import Board
from reports.price_words import PriceWords, signed


@dataclass(frozen=True)
class PriceCell:
    """One rule in one column."""

    points: str
    """Change of the column's own index; what is said instead where there is none."""
    step: str = ""
    """The number before and after the step."""
    metrics: str = ""
    """What the step does to each metric that it changes."""


@dataclass(frozen=True)
class PriceRow:
    """One rule that is worth anything in some column."""

    title: str
    cells: tuple[PriceCell, ...]


def price_rows(board: Board) -> list[PriceRow]:
    """The rules with a price in any column, in the order of the rules; [] where none was made."""
    columns = board.compared.columns
    prices = {one.name: _prices(one) for one in columns}
    names = dict.fromkeys(row.rule for row in board.compared.rule_rows)
    found = []
    for name in names:
        mine = [prices[one.name].get(name) for one in columns]
        if any(one is not None and (one.points or not one.kept) for one in mine):
            cells = [_cell(board, *pair) for pair in zip(columns, mine, strict=True)]
            found.append(PriceRow(board.rule_title(name), tuple(cells)))
    return found


def _prices(column: Column) -> dict[str, RulePrice]:
    solution = column.solution
    return {} if solution is None else {one.rule: one for one in solution.prices}


def _cell(board: Board, column: Column, price: RulePrice | None) -> PriceCell:
    if price is None:
        return PriceCell("-")
    step = PriceWords(board.desk(column)).step(price)
    if not price.kept:
        return PriceCell(board.words("prices.none"), step)
    said = [
        board.words(
            "prices.metric",
            title=metric.title.of(board.lang),
            change=signed(price.metrics[metric.id]),
            unit="",
        ).strip()
        for metric in column.scenario.programme.file.metrics
        if price.metrics[metric.id]
    ]
    return PriceCell(signed(price.points), step, board.words("list").join(said))
