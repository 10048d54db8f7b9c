"""The sheet of prices: what a step of each rule's number does, as the record has it."""

from __future__ import annotations

from fractions import Fraction

from models.solution import Solution
from reports.excel_book import Book
from reports.price_words import PriceWords, ranked
from reports.rule_table import Desk


def write_prices(book: Book, solution: Solution, desk: Desk) -> None:
    """The sheet, where the solution has prices: a row a rule, the dearest first, then in words."""
    if not solution.prices:
        return
    words, told = book.words, PriceWords(desk)
    grid = told.table(solution.prices)
    middle = [13.0] * (len(grid.header) - 4)
    sheet = book.sheet("sheet.prices", [30, 18, *middle, 10, 26])
    sheet.titles(words("page.prices"), words("draft"), "")
    sheet.head(2, list(grid.header))
    sheet.page.freeze_panes(3, 1)
    sheet.page.repeat_rows(0, 2)
    metrics = [metric.id for metric in solution.scenario.programme.file.metrics]
    last = len(grid.header) - 2
    prices = ranked(solution.prices)
    for row, (one, line) in enumerate(zip(prices, grid.lines, strict=True), 3):
        sheet.texts(row, line.cells[:2], "wrap")
        for column, change in enumerate((one.points, *map(one.metrics.__getitem__, metrics)), 2):
            sheet.number(row, column, Fraction(repr(change)) if one.kept else None, "cell change")
        sheet.texts(row, line.cells[last:], "wrap", last)
    said = [told.said(one) for one in prices]
    below = ("", words("page.prices.how"), *said, told.free(solution.prices))
    for row, text in enumerate(below, 3 + len(prices)):
        sheet.page.write_string(row, 0, text)
