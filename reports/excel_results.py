"""The sheet of results: metrics against their targets, money and metrics by group of counties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.allocation import Allocation
from models.labels import value_name
from models.select import rows_where, value_text
from models.solution import Solution
from optimizer.audit.forms import Form, Measured
from optimizer.audit.measure import read_measures
from reports.excel_book import Book, Sheet, cell, column_for, width_of
from reports.excel_cells import Cells
from reports.excel_compare import shown
from reports.rule_table import Desk

Members = tuple[int, ...]
_ONE, _NONE = Fraction(1), Fraction(0)
_OUTCOMES = (
    *("column.metric", "column.unit", "column.this", "column.target"),
    *("column.baseline", "column.repaired"),
)
_MONEY = ("column.counties", "column.this-year", "column.share")


@dataclass(frozen=True)
class Groups:
    """Counties by the values of one column, or one group by a condition."""

    title: str
    members: Mapping[str, Members]


def groups_of(desk: Desk) -> list[Groups]:
    """The groups that a programme highlights, reports by, and takes subtotals by."""
    scenario, labels, lang = desk.scenario, desk.labels, desk.words.lang
    counties = scenario.programme.counties
    found = []
    if labels.highlight:
        rows = {
            _upper(row.title.of(lang)): rows_where(counties, row.where) for row in labels.highlight
        }
        found.append(Groups(desk.words("results.highlight"), rows))
    for column in dict.fromkeys(name for name in (labels.group_by, labels.subtotal) if name):
        rows_by: dict[str, list[int]] = {}
        for county, value in enumerate(counties.values(column)):
            item = (column, value_text(value))
            name = _upper(value_name(scenario.programme, labels, item, lang))
            rows_by.setdefault(name, []).append(county)
        members = {name: tuple(rows) for name, rows in rows_by.items()}
        found.append(Groups(_upper(labels.column(column, lang)), members))
    return found


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def result_needs(desk: Desk) -> Iterator[Measured]:
    """All blocks that the sheet reads."""
    counties, tasks = desk.scenario.programme.shape
    sets = [members for group in groups_of(desk) for members in group.members.values()]
    for members in (tuple(range(counties)), *sets):
        for measure in ("amount", *desk.scenario.programme.metrics):
            yield Measured(measure, members, tuple(range(tasks)))
        for task in range(tasks):
            yield Measured("amount", members, (task,))


def write_results(book: Book, solution: Solution, desk: Desk, cells: Cells) -> None:
    """The sheet; all numbers but those of the baseline follow the edited table."""
    words, programme = book.words, desk.scenario.programme
    money = programme.file.money.of(words.lang)
    names = [name for group in groups_of(desk) for name in group.members]
    first = max([22, *(width_of(name) + 2 for name in names)])
    tasks = [
        value_name(programme, desk.labels, ("task", name), words.lang)
        for name in programme.tasks.ids
    ]
    widths = [min(44.0, first), 9, 11, 9, *[max(10.5, min(17, column_for(t))) for t in tasks]]
    sheet = book.sheet("sheet.results", [*widths, *[12] * len(programme.metrics), 12, 11])
    unit = words("table.unit", money=money)
    sheet.titles(words("results.title"), words("results.note"), unit)
    row = _outcomes(sheet, solution, desk, cells)
    page = _Page(sheet, solution.baseline.allocation, desk, cells)
    for group in groups_of(desk):
        row = page.groups(row + 1, group)
    sheet.page.freeze_panes(3, 1)
    sheet.page.repeat_rows(0, 1)


def _outcomes(sheet: Sheet, solution: Solution, desk: Desk, cells: Cells) -> int:
    """Metrics in rows: this table, target, baseline, repaired baseline; the row after it."""
    words, programme = sheet.book.words, desk.scenario.programme
    sheet.texts(2, [words(key) for key in _OUTCOMES], "head")
    sheet.page.set_row(2, 33)
    everything = tuple(tuple(range(n)) for n in programme.shape)
    rows = range(3, 3 + len(programme.metrics))
    for row, metric in zip(rows, programme.file.metrics, strict=True):
        sheet.text(row, 0, metric.title.of(words.lang), "wrap")
        sheet.text(row, 1, metric.unit.of(words.lang), "cell center")
        form = Form(terms={Measured(metric.id, *everything): _ONE})
        now = shown(cells.form(form), _NONE)
        sheet.formula(row, 2, now.body, now.value, "cell one")
        sheet.number(row, 3, metric.target, "cell one")
        sheet.number(row, 4, solution.baseline.audit.outcomes[metric.id], "cell one")
        mended = solution.repaired
        value = None if mended is None else mended.audit.outcomes[metric.id]
        sheet.number(row, 5, value, "cell one")
    return 3 + len(programme.metrics)


class _Page:
    """Tables of money and metrics, a group a row."""

    def __init__(self, sheet: Sheet, basis: Allocation, desk: Desk, cells: Cells) -> None:
        self.sheet, self.desk, self.cells = sheet, desk, cells
        self.basis = read_measures(desk.scenario, basis)
        programme = desk.scenario.programme
        self.every = tuple(range(len(programme.counties)))
        self.tasks = tuple(range(len(programme.tasks)))

    def groups(self, row: int, groups: Groups) -> int:
        """One table with its head; the row after it."""
        words, programme = self.desk.words, self.desk.scenario.programme
        tasks = [
            value_name(programme, self.desk.labels, ("task", name), words.lang)
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
        for metric in self.desk.scenario.programme.metrics:
            sheet.formula(row, column, *self.read(metric, members), f"{style} one")
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
        found = shown(self.cells.form(Form(terms={measured: _ONE})), _NONE)
        return found.body, found.value
