"""Sheets of outcomes and results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from models.allocation import Allocation
from models.metadata import Indicator, Papers, read_papers, value_name
from models.rule import Rule
from models.selection import rows_where
from models.solution import Solution
from optimizer.audit.limits import Form
from optimizer.audit.measure import Measured, read_measures
from reports.excel.book import Book, BookSheet, cell, column_for, width_of
from reports.excel.check_sheet import TOP, CheckedRule
from reports.excel.formulas import Cells, readable, rounded_down
from reports.numbers import plain, upper
from reports.view.allocation_view import counties_by, grounds_of
from reports.view.rule_view import RuleView
from reports.view.target_view import indicators_of

# The table of targets, as the form of 区域绩效目标表 asks for it.


_LEVELS = (
    *("targets.first", "targets.second", "targets.third", "targets.due"),
    *("targets.now", "targets.unit", "targets.note"),
)
_LAST = len(_LEVELS) - 1


def write_targets(book: Book, view: RuleView, cells: Cells, lines: Sequence[CheckedRule]) -> None:
    """The sheet; what the tool reads follows the edited table, the rest is left to fill in."""
    words, programme = book.words, view.scenario.programme
    papers = read_papers(programme)
    sheet = book.sheet("sheet.targets", [14, 17, 40, 27, 13, 13, 42])
    unit = words("table.unit", money=programme.file.money.of(words.lang))
    sheet.titles(words("targets.title"), words("draft"), unit)
    page = _Targets(sheet, view, cells, lines)
    row = page.fields(papers)
    sheet.texts(row, [words(key) for key in _LEVELS], "head")
    before = ["", ""]
    for at, indicator in enumerate(indicators_of(view), row + 1):
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


def total_of(cells: Cells, metric: str) -> tuple[str, Fraction]:
    """(formula, value) of a metric over the whole grid, exact."""
    counties, tasks = (tuple(range(n)) for n in (cells.counties, cells.tasks))
    form = cells.form(Form(terms={Measured(metric, counties, tasks): Fraction(1)}))
    found = readable(form, Fraction(0))
    return found.body, found.value


class _Targets:
    def __init__(
        self, sheet: BookSheet, view: RuleView, cells: Cells, lines: Sequence[CheckedRule]
    ) -> None:
        self.sheet, self.view, self.cells, self.words = (
            sheet,
            view,
            cells,
            view.words,
        )
        self.lines: Mapping[str, CheckedRule] = {line.rule: line for line in lines}
        self.limits = BookSheet.prefix_of(self.words("sheet.limits"))
        # The budget's limit is the first: its value is all the money.
        self.money = (self.limits + cell(TOP, 4), lines[0].limits[0].value.value)
        self.unit = view.scenario.programme.file.money.of(self.words.lang)

    def fields(self, papers: Papers) -> int:
        """Who, when, how much, what for; the row after them."""
        words, programme = self.words, self.view.scenario.programme.file
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
            money = "whole" if self.cells.whole else "cents"
            self.sheet.formula(row, 2, *self.money, f"cell {money} left")
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

    def by_rule(self, row: int, line: CheckedRule) -> tuple[str, str, str]:
        only = line.limits[0]
        rule = grounds_of(self.view.scenario, line.rule)
        measure = rule.measure if isinstance(rule, Rule) else ""
        self.count(row, measure, (self.limits + cell(line.first, 4), only.value.value))
        grounds = grounds_of(self.view.scenario, line.rule)
        note = "" if grounds is None else grounds.number_from.of(self.words.lang)
        return self.due(only.sign, only.side.value, only.unit), only.unit, note

    def by_metric(self, row: int, name: str) -> tuple[str, str, str]:
        target, unit = self.metric(name)
        self.count(row, name, self.read(name))
        return "–" if target is None else self.due("≥", target, unit), unit, ""

    def count(self, row: int, measure: str, now: tuple[str, Fraction]) -> None:
        """Whole people or firms as the table stands; what is measured, with a decimal."""
        metrics = {one.id: one for one in self.view.scenario.programme.file.metrics}
        if measure in metrics and metrics[measure].whole:
            self.sheet.formula(row, 4, rounded_down(now[0]), floor(now[1]), "cell number")
        else:
            self.sheet.formula(row, 4, *now, "cell one")

    def by_cost(self, row: int, name: str) -> tuple[str, str, str]:
        """Money for one unit of a metric."""
        body, value = self.read(name)
        money = self.money[1] / value if value else Fraction(0)
        formula = f"IF({body}=0,0,{self.money[0]}/({body}))"
        self.sheet.formula(row, 4, formula, money, "cell two")
        each = self.words("targets.each", money=self.unit, unit=self.metric(name)[1])
        return self.words("targets.fill-in"), each, self.words("targets.cost")

    def metric(self, name: str) -> tuple[Fraction | None, str]:
        programme = self.view.scenario.programme
        metric = programme.file.metrics[programme.metrics.index(name)]
        return metric.target, metric.unit.of(self.words.lang)

    def read(self, name: str) -> tuple[str, Fraction]:
        """(formula, value) of a metric over the whole grid."""
        return total_of(self.cells, name)

    def due(self, sign: str, number: Fraction, unit: str) -> str:
        places = 0 if number.denominator == 1 else 2
        space = "" if self.words.lang == "zh" else " "
        return f"{sign}{plain(number, places)}{space}{unit}"


# The sheet of results: metrics against their targets, money and metrics by group of counties.


Members = tuple[int, ...]
_ONE, _NONE = Fraction(1), Fraction(0)
_OUTCOMES = (
    *("column.metric", "column.unit", "column.this", "column.target"),
    *("column.baseline", "column.repaired"),
)
_MONEY = ("column.counties", "column.this-year", "column.share")


@dataclass(frozen=True)
class GroupSums:
    """Counties by the values of one column, or one group by a condition."""

    title: str
    members: Mapping[str, Members]


def groups_of(view: RuleView) -> list[GroupSums]:
    """The groups that a programme highlights, reports by, and takes subtotals by."""
    scenario, labels, lang = view.scenario, view.labels, view.words.lang
    counties = scenario.programme.counties
    found = []
    if labels.highlight:
        rows = {
            upper(row.title.of(lang)): rows_where(counties, row.where) for row in labels.highlight
        }
        found.append(GroupSums(view.words("results.highlight"), rows))
    for column in dict.fromkeys(name for name in (labels.group_by, labels.subtotal) if name):
        members = counties_by(scenario, labels, column, lang)
        found.append(GroupSums(upper(labels.column(column, lang)), members))
    return found


def result_needs(view: RuleView) -> Iterator[Measured]:
    """All blocks that the sheet reads."""
    counties, tasks = view.scenario.programme.shape
    sets = [members for group in groups_of(view) for members in group.members.values()]
    for members in (tuple(range(counties)), *sets):
        for measure in ("amount", *view.scenario.programme.metrics):
            yield Measured(measure, members, tuple(range(tasks)))
        for task in range(tasks):
            yield Measured("amount", members, (task,))


def write_results(book: Book, solution: Solution, view: RuleView, cells: Cells) -> None:
    """The sheet; all numbers but those of the baseline follow the edited table. None where there
    are neither metrics nor groups."""
    words, programme = book.words, view.scenario.programme
    if not (programme.metrics or groups_of(view)):
        return
    money = programme.file.money.of(words.lang)
    names = [name for group in groups_of(view) for name in group.members]
    first = max([22, *(width_of(name) + 2 for name in names)])
    tasks = [
        value_name(programme, view.labels, ("task", name), words.lang)
        for name in programme.tasks.ids
    ]
    widths = [min(44.0, first), 9, 11, 9, *[max(10.5, min(17, column_for(t))) for t in tasks]]
    sheet = book.sheet("sheet.results", [*widths, *[12] * len(programme.metrics), 12, 11])
    unit = words("table.unit", money=money)
    note = "results.note" if programme.metrics else "results.note.money"
    sheet.titles(words("results.title"), words(note), unit)
    row = _outcomes(sheet, solution, view, cells) if programme.metrics else 1
    page = _ResultSheet(sheet, solution.baseline.allocation, view, cells)
    for group in groups_of(view):
        row = page.groups(row + 1, group)
    sheet.page.freeze_panes(3, 1)
    sheet.page.repeat_rows(0, 1)


def _outcomes(sheet: BookSheet, solution: Solution, view: RuleView, cells: Cells) -> int:
    """Metrics in rows: this table, target, baseline, repaired baseline; the row after it."""
    words, programme = sheet.book.words, view.scenario.programme
    sheet.texts(2, [words(key) for key in _OUTCOMES], "head")
    sheet.page.set_row(2, 33)
    rows = range(3, 3 + len(programme.metrics))
    for row, metric in zip(rows, programme.file.metrics, strict=True):
        sheet.text(row, 0, metric.title.of(words.lang), "wrap")
        sheet.text(row, 1, metric.unit.of(words.lang), "cell center")
        style = "cell number" if metric.whole else "cell one"
        body, value = total_of(cells, metric.id)
        if metric.whole:
            body, value = rounded_down(body), Fraction(floor(value))
        sheet.formula(row, 2, body, value, style)
        sheet.number(row, 3, metric.target, style)
        sheet.number(row, 4, metric.shown(solution.baseline.audit.outcomes[metric.id]), style)
        mended = solution.repaired
        last = None if mended is None else metric.shown(mended.audit.outcomes[metric.id])
        sheet.number(row, 5, last, style)
    return 3 + len(programme.metrics)


class _ResultSheet:
    """Tables of money and metrics, a group a row."""

    def __init__(self, sheet: BookSheet, basis: Allocation, view: RuleView, cells: Cells) -> None:
        self.sheet, self.view, self.cells = sheet, view, cells
        self.basis = read_measures(view.scenario, basis)
        programme = view.scenario.programme
        self.every = tuple(range(len(programme.counties)))
        self.tasks = tuple(range(len(programme.tasks)))

    def groups(self, row: int, groups: GroupSums) -> int:
        """One table with its head; the row after it."""
        words, programme = self.view.words, self.view.scenario.programme
        tasks = [
            value_name(programme, self.view.labels, ("task", name), words.lang)
            for name in programme.tasks.ids
        ]
        metrics = [
            words("metric", title=m.title.of(words.lang), unit=m.unit.of(words.lang))
            for m in programme.file.metrics
        ]
        fixed = [words(key) for key in _MONEY]
        last = [words("column.baseline"), words("column.change")]
        titles = [groups.title, *fixed, *tasks, *metrics, *last]
        self.sheet.texts(row, titles, "head")
        self.sheet.high(row, titles, bold=True)
        rows = {words("total"): self.every, **groups.members}
        for at, (name, members) in enumerate(rows.items(), row + 1):
            self.line(at, name, members)
        return row + 1 + len(rows)

    def line(self, row: int, name: str, members: Members) -> None:
        style = "cell total" if members == self.every else "cell"
        sheet, whole = self.sheet, self.cells.whole
        money = f"{style} {'whole' if whole else 'cents'}"
        sheet.text(row, 0, name, f"{style} wrap" if style == "cell" else style)
        sheet.number(row, 1, len(members), f"{style} number")
        total, grand = self.read("amount", members), self.read("amount", self.every)
        sheet.formula(row, 2, total[0], total[1], money)
        share = total[1] / grand[1] if grand[1] else _NONE
        body = f"IF({grand[0]}=0,0,{cell(row, 2)}/{grand[0]})"
        sheet.formula(row, 3, body, share, f"{style} percent")
        column = 4
        for task in self.tasks:
            sheet.formula(row, column, *self.read("amount", members, (task,)), money)
            column += 1
        for metric in self.view.scenario.programme.file.metrics:
            if metric.whole:
                people = self.cells.whole_parts(metric.id, members)
                sheet.formula(row, column, people.body, people.value, f"{style} number")
            else:
                sheet.formula(row, column, *self.read(metric.id, members), f"{style} one")
            column += 1
        before = Fraction(sum(self.basis.amounts[c][t] for c in members for t in self.tasks))
        sheet.number(row, column, before, money)
        body = f"{cell(row, 2)}-{cell(row, column)}"
        sheet.formula(row, column + 1, body, total[1] - before, f"{style} signed")

    def read(
        self, measure: str, members: Members, tasks: Sequence[int] = ()
    ) -> tuple[str, Fraction]:
        """(formula, value) of a measure over a block."""
        measured = Measured(measure, members, tuple(tasks) or self.tasks)
        found = readable(self.cells.form(Form(terms={measured: _ONE})), _NONE)
        return found.body, found.value
