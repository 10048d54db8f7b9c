"""The table of targets, as the form of 区域绩效目标表 asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from models.papers import Indicator, Papers, read_papers
from models.strict import Text
from optimizer.audit.forms import Form, Measured
from reports.excel_book import Book, Sheet, cell, width_of
from reports.excel_cells import Cells
from reports.excel_check import TOP, RuleLine
from reports.excel_compare import shown
from reports.numbers import plain
from reports.readings import grounds_of
from reports.rule_table import Desk

_LEVELS = (
    *("targets.first", "targets.second", "targets.third", "targets.due"),
    *("targets.now", "targets.unit", "targets.note"),
)
_LAST = len(_LEVELS) - 1


def write_targets(book: Book, desk: Desk, cells: Cells, lines: Sequence[RuleLine]) -> None:
    """The sheet; what the tool reads follows the edited table, the rest is left to fill in."""
    words, programme = book.words, desk.scenario.programme
    papers = read_papers(programme)
    sheet = book.sheet("sheet.targets", [14, 17, 40, 27, 13, 13, 42])
    unit = words("table.unit", money=programme.file.money.of(words.lang))
    sheet.titles(words("targets.title"), words("draft"), unit)
    page = _Targets(sheet, desk, cells, lines)
    row = page.fields(papers)
    sheet.texts(row, [words(key) for key in _LEVELS], "head")
    before = ["", ""]
    for at, indicator in enumerate(papers.indicators or _plain(desk), row + 1):
        levels = [indicator.first.of(words.lang), indicator.second.of(words.lang)]
        # A level is written where it begins; the second begins anew under each first.
        new = [levels[0] != before[0], levels != before]
        page.line(
            at,
            indicator,
            [text if is_new else "" for text, is_new in zip(levels, new, strict=True)],
        )
        before = levels
    sheet.page.freeze_panes(2, 0)
    sheet.page.repeat_rows(0, 1)


def _plain(desk: Desk) -> Iterator[Indicator]:
    """A line for each metric, where the programme describes no targets of its own."""
    first, second = desk.words("targets.output"), desk.words("targets.quantity")
    levels = [Text(zh=text, en=text) for text in (first, second)]
    for metric in desk.scenario.programme.file.metrics:
        yield Indicator(
            id=metric.id, first=levels[0], second=levels[1], title=metric.title, metric=metric.id
        )


class _Targets:
    def __init__(self, sheet: Sheet, desk: Desk, cells: Cells, lines: Sequence[RuleLine]) -> None:
        self.sheet, self.desk, self.cells, self.words = sheet, desk, cells, desk.words
        self.lines: Mapping[str, RuleLine] = {line.rule: line for line in lines}
        self.limits = Sheet.prefix_of(self.words("sheet.limits"))
        # The budget's limit is the first: its value is all the money.
        self.money = (self.limits + cell(TOP, 4), lines[0].limits[0].value.value)
        self.unit = desk.scenario.programme.file.money.of(self.words.lang)

    def fields(self, papers: Papers) -> int:
        """Who, when, how much, what for; the row after them."""
        words, programme = self.words, self.desk.scenario.programme.file
        blank = words("targets.fill-in")
        year = "" if programme.year is None else str(int(programme.year))
        told = {
            "targets.year": year,
            "targets.fund": programme.title.of(words.lang),
            "targets.department": papers.department.of(words.lang),
            "targets.period": papers.period.of(words.lang) or year,
        }
        for row, (key, text) in enumerate(told.items(), 2):
            self.field(row, words(key), text or blank)
        source = papers.money_from.of(words.lang)
        named = [words("targets.money")]
        if source:
            named.append(words("targets.money-from", source=source))
        for row, name in enumerate(named, 2 + len(told)):
            self.field(row, name, "")
            self.sheet.formula(row, 2, *self.money, "cell cents left")
        goal = papers.goal.of(words.lang) or blank
        self.field(row + 1, words("targets.goal"), goal)
        wide = sum(self.sheet.widths[2 : _LAST + 1]) * 0.95
        self.sheet.page.set_row(row + 1, 15.0 * (int(width_of(goal) / wide) + 1) + 6)
        return row + 2

    def field(self, row: int, name: str, text: str) -> None:
        page, book = self.sheet.page, self.sheet.book
        page.merge_range(row, 0, row, 1, "", book.style("cell block"))
        self.sheet.text(row, 0, name, "cell block")
        page.merge_range(row, 2, row, _LAST, "", book.style("wrap"))
        self.sheet.text(row, 2, text, "wrap")

    def line(self, row: int, indicator: Indicator, levels: Sequence[str]) -> None:
        """One indicator: its target, its value as the table stands, its unit, a note."""
        due, unit, note = self.told(row, indicator)
        texts = [*levels, indicator.title.of(self.words.lang), due, "", unit, note]
        for column in (0, 1, 2, 3, 5, 6):
            self.sheet.text(row, column, texts[column], "wrap")
        self.sheet.high(row, texts)

    def told(self, row: int, indicator: Indicator) -> tuple[str, str, str]:
        line = self.lines.get(indicator.rule or "")
        if line is not None and len(line.limits) == 1:
            return self.by_rule(row, line)
        if indicator.metric:
            return self.by_metric(row, indicator.metric)
        if indicator.cost_of:
            return self.by_cost(row, indicator.cost_of)
        self.sheet.text(row, 4, "–", "cell center")
        if due := indicator.due.of(self.words.lang):
            return due, "", ""
        return self.words("targets.fill-in"), "", self.words("targets.no-source")

    def by_rule(self, row: int, line: RuleLine) -> tuple[str, str, str]:
        only = line.limits[0]
        self.sheet.formula(row, 4, self.limits + cell(line.first, 4), only.value.value, "cell one")
        grounds = grounds_of(self.desk.scenario, line.rule)
        note = "" if grounds is None else grounds.number_from.of(self.words.lang)
        return self.due(only.sign, only.side.value, only.unit), only.unit, note

    def by_metric(self, row: int, name: str) -> tuple[str, str, str]:
        target, unit = self.metric(name)
        self.sheet.formula(row, 4, *self.read(name), "cell one")
        return "–" if target is None else self.due("≥", target, unit), unit, ""

    def by_cost(self, row: int, name: str) -> tuple[str, str, str]:
        """Money for one unit of a metric."""
        body, value = self.read(name)
        money = self.money[1] / value if value else Fraction(0)
        formula = f"IF({body}=0,0,{self.money[0]}/({body}))"
        self.sheet.formula(row, 4, formula, money, "cell two")
        each = self.words("targets.each", money=self.unit, unit=self.metric(name)[1])
        return self.words("targets.fill-in"), each, self.words("targets.cost")

    def metric(self, name: str) -> tuple[Fraction | None, str]:
        programme = self.desk.scenario.programme
        metric = programme.file.metrics[programme.metrics.index(name)]
        return metric.target, metric.unit.of(self.words.lang)

    def read(self, name: str) -> tuple[str, Fraction]:
        """(formula, value) of a metric over the whole grid."""
        counties, tasks = (tuple(range(n)) for n in (self.cells.counties, self.cells.tasks))
        form = self.cells.form(Form(terms={Measured(name, counties, tasks): Fraction(1)}))
        found = shown(form, Fraction(0))
        return found.body, found.value

    def due(self, sign: str, number: Fraction, unit: str) -> str:
        places = 0 if number.denominator == 1 else 2
        space = "" if self.words.lang == "zh" else " "
        return f"{sign}{plain(number, places)}{space}{unit}"
