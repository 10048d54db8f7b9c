"""The sheet of the certificate: an upper bound of the objective as a sum that anybody can follow.

The sums are formulas in doubles and round no line up, so the last of some fifteen digits can
differ from the exact ones of certificate.csv; the sheet says so. What the table is worth follows
the edited amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from models.certificate import Certificate
from models.labels import value_name
from models.solution import Solution
from reports.excel_book import Book, Sheet, area, cell
from reports.rule_table import Desk

_WIDTHS = (34, 30, 9, 24, 16, 18, 20)
_LIMITS = (
    *("certificate.rule", "certificate.group", "certificate.side"),
    *("certificate.multiplier", "certificate.constant", "", "certificate.points"),
)
_CELLS = (
    *("certificate.county", "certificate.task", "certificate.money"),
    *("certificate.price", "certificate.funding", "certificate.outcomes", "certificate.points"),
)
_SIDES = {"lower": "certificate.lower", "upper": "certificate.upper"}
_POINTS = len(_WIDTHS) - 1
_NONE = Fraction(0)
_FIRST_RESULT = 3
"""Row of the first metric on the sheet of results, whose third column follows the table."""


def write_certificate(book: Book, solution: Solution, desk: Desk) -> None:
    """The sheet, where the solution has a certificate."""
    found = solution.certificate
    if found is None:
        return
    words = book.words
    sheet = book.sheet("sheet.certificate", list(_WIDTHS))
    sheet.titles(words("certificate.title"), words("certificate.note"), "")
    head = 8 + len(found.values)
    page = _Page(sheet, desk, found)
    page.limits(head)
    first = head + len(found.limits) + 2
    page.cells(first)
    ranges = [
        area((top, _POINTS), (top + count, _POINTS))
        for top, count in ((head, len(found.limits)), (first, len(found.cells)))
    ]
    page.summary(solution, "+".join(f"SUM({one})" for one in ranges))
    sheet.page.freeze_panes(2, 0)
    sheet.page.repeat_rows(0, 1)


class _Page:
    def __init__(self, sheet: Sheet, desk: Desk, certificate: Certificate) -> None:
        self.sheet, self.desk, self.certificate = sheet, desk, certificate
        self.words = desk.words

    def summary(self, solution: Solution, added: str) -> None:
        """The bound, what the table is worth, how far apart they are; points of a unit."""
        words = self.words
        products = (one.multiplier.value * one.constant for one in self.certificate.limits)
        bound = sum((*products, *(one.points for one in self.certificate.cells)), _NONE)
        penalty = solution.audit.penalty
        worth = solution.objective - penalty
        number, metrics = "cell any", self.desk.scenario.programme.file.metrics
        rows = range(6, 6 + len(metrics))
        results = Sheet.prefix_of(words("sheet.results"))
        for row, metric in zip(rows, metrics, strict=True):
            title = metric.title.of(words.lang)
            self.line(row, words("certificate.value", title=title))
            self.sheet.number(row, 1, self.certificate.values[metric.id], number)
        earned = "+".join(
            f"{cell(row, 1)}*{results}{cell(_FIRST_RESULT + at, 2)}" for at, row in enumerate(rows)
        )
        self.line(2, words("certificate.bound"))
        self.sheet.formula(2, 1, added, bound, f"{number} bold")
        self.line(3, words("certificate.worth"))
        self.sheet.formula(3, 1, f"{earned}-{cell(4, 1)}", worth, number)
        self.line(4, words("certificate.penalty"))
        self.sheet.number(4, 1, penalty, number)
        self.line(5, words("certificate.distance"))
        size = abs(solution.objective)
        body = f"IF({earned}=0,0,({cell(2, 1)}-{cell(3, 1)})/ABS({earned}))"
        self.sheet.formula(5, 1, body, (bound - worth) / size if size else _NONE, "cell fine")

    def line(self, row: int, title: str) -> None:
        self.sheet.text(row, 0, title, "wrap")
        self.sheet.high(row, [title])

    def limits(self, head: int) -> None:
        self.head(head - 1, _LIMITS)
        for row, line in enumerate(self.certificate.limits, head):
            one = line.multiplier
            group = " ".join(self.named(item) for item in one.key) or self.words("place.whole")
            texts = [self.desk.title(one.rule), group, self.words(_SIDES[one.side])]
            self.sheet.texts(row, texts, "cell")
            self.sheet.number(row, 3, one.value, "cell any")
            self.sheet.number(row, 4, line.constant, "cell any")
            self.sheet.text(row, 5, "")
            body = f"{cell(row, 3)}*{cell(row, 4)}"
            self.sheet.formula(row, _POINTS, body, one.value * line.constant, "cell any")

    def cells(self, head: int) -> None:
        self.head(head - 1, _CELLS)
        tasks = {
            name: self.named(("task", name)) for name in self.desk.scenario.programme.tasks.ids
        }
        for row, line in enumerate(self.certificate.cells, head):
            self.sheet.texts(row, [self.named(("county", line.county)), tasks[line.task]], "cell")
            outcomes = line.points - line.money * line.price - line.funding * (line.money > 0)
            for column, number in enumerate((line.money, line.price, line.funding, outcomes), 2):
                self.sheet.number(row, column, number, "cell any")
            money, price, funding, worth = (cell(row, column) for column in range(2, 6))
            body = f"{worth}+{money}*{price}+IF({money}>0,{funding},0)"
            self.sheet.formula(row, _POINTS, body, line.points, "cell any")

    def head(self, row: int, keys: Sequence[str]) -> None:
        titles = [self.words(key) if key else "" for key in keys]
        self.sheet.texts(row, titles, "head")
        self.sheet.high(row, titles, bold=True)

    def named(self, item: tuple[str, str]) -> str:
        return value_name(self.desk.scenario.programme, self.desk.labels, item, self.words.lang)
