"""The sheet of workings, written: formulas from the money that people edit to the sums of limits.

Money is looked up by code, so that sorting the table changes nothing; an amount that is no number
shows as an error in all that rests on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from math import floor

from models.exact import exact_text
from models.metadata import value_name
from models.rule import NO_IDLE, STEP
from optimizer.audit.limits import baseline_measure
from reports.excel.book import Book, BookSheet, area, cell, literal
from reports.excel.formulas import (
    FIRST,
    FIRST_TASK,
    REST,
    TOP,
    WHOLE,
    Base,
    Cells,
    Layout,
    rounded_down,
)
from reports.view.rule_view import RuleView

HEAD = TOP - 1
_ROW = FIRST_TASK - 1
"""Column that says in which row of the edited table a county stands."""
_ANY = "cell any"
_MANY_RUNS = 100
"""Sets of counties in more pieces than this are summed by a column of 0 and 1."""


def write_workings(book: Book, cells: Cells, layout: Layout, *, hidden: bool = False) -> None:
    """The sheet; `cells` knows by now all that is needed."""
    last = cells.first_column(len(cells.bases)) + len(cells.columns)
    masks = [members for members in cells.sets if len(_runs(members)) > _MANY_RUNS]
    sums = cells.first_column(len(cells.bases))
    widths = [10.0, 18.0, 6.0, *[11.0] * (sums - FIRST_TASK), *[14.0] * (last - sums + len(masks))]
    sheet = book.sheet("sheet.workings", widths)
    words = book.words
    sheet.text(0, 0, words("workings.title"), "bold")
    note = "workings.note" if cells.scenario.programme.metrics else "workings.money"
    sheet.text(1, 0, words(note), "subtitle")
    sheet.page.freeze_panes(TOP, FIRST_TASK)
    if hidden:
        sheet.page.hide()
    # Of what is only reckoned with, the totals by county are printed.
    sheet.page.set_portrait()
    bottom = TOP + cells.counties + len(cells.sets) - 1
    sheet.page.print_area(0, min(sums, last - 1), bottom, last - 1)
    sheet.page.fit_to_pages(1, 1)
    sheet.page.repeat_rows(0, HEAD)
    sheet.page.repeat_columns(0, 1)
    _heads(sheet, cells, layout.view)
    page = _WorkingsSheet(sheet, cells, layout)
    for county in range(cells.counties):
        page.county(county)
    for column, members in enumerate(masks, last):
        sheet.text(HEAD, column, page.named(members), "head")
        for county in range(cells.counties):
            sheet.number(TOP + county, column, int(county in members))
    for members, row in cells.sets.items():
        page.total(members, row, masks.index(members) + last if members in masks else None)


def _heads(sheet: BookSheet, cells: Cells, view: RuleView) -> None:
    words = view.words
    names = [_task(view, task) for task in range(cells.tasks)]
    sheet.texts(HEAD, [words(key) for key in ("column.code", "column.name", "column.row")], "head")
    for at, base in enumerate(cells.bases):
        first = cells.first_column(at)
        sheet.text(HEAD - 1, first, _title(base, view), "bold")
        sheet.texts(HEAD, names, "head", first)
    for (kind, at, tasks), column in cells.columns.items():
        title, listed = _title_of(kind, at, (cells, view)), words("workings.all-tasks")
        if kind in (REST, WHOLE):
            listed = words(kind)
        elif len(tasks) < cells.tasks:
            listed = words("list").join(names[task] for task in tasks)
        sheet.text(HEAD - 1, column, title, "bold")
        sheet.text(HEAD, column, listed, "head")
    sheet.page.set_row(HEAD, 34)


def _title_of(kind: str, at: int, sheet: tuple[Cells, RuleView]) -> str:
    """Of what a column holds the sums by county."""
    cells, view = sheet
    if kind in (REST, WHOLE):
        return view.scenario.programme.file.metrics[at].title.of(view.words.lang)
    return view.words("workings.counties") if kind else _title(cells.bases[at], view)


def _task(view: RuleView, task: int) -> str:
    programme = view.scenario.programme
    return value_name(programme, view.labels, ("task", programme.tasks.ids[task]), view.words.lang)


def _title(base: Base, view: RuleView) -> str:
    words, programme = view.words, view.scenario.programme
    if base.is_fixed:
        return _fixed_title(base, view)
    if base.measure in ("amount", "cells"):
        key = "workings.amount" if base.measure == "amount" else "workings.funded"
        return words(key, money=programme.file.money.of(words.lang))
    metric = programme.file.metrics[programme.metrics.index(base.measure)]
    title, unit = metric.title.of(words.lang), metric.unit.of(words.lang)
    return words("workings.yields", title=title, unit=unit, weight=exact_text(base.weight))


def _fixed_title(base: Base, view: RuleView) -> str:
    """因素法基准：安排数（万元）, 因素法基准：带动就业（×0.000001人）."""
    programme = view.scenario.programme
    if base.measure in (NO_IDLE, STEP):
        key = "workings.ends" if base.measure == NO_IDLE else "workings.steps"
        return view.words(key, money=programme.file.money.of(view.words.lang))
    named = {baseline_measure(name): name for name in ("amount", *programme.metrics)}
    plain = replace(base, measure=named[base.measure], is_fixed=False)
    return view.words("workings.baseline", title=_title(plain, view))


class _WorkingsSheet:
    """The rows of the sheet."""

    def __init__(self, sheet: BookSheet, cells: Cells, layout: Layout) -> None:
        self.sheet, self.cells, self.layout = sheet, cells, layout
        self.table = BookSheet.prefix_of(sheet.book.words("sheet.table"))
        self.names = cells.scenario.programme.counties.names(sheet.book.words.lang)
        self.widths = cells.scenario.tiers.width.tolist()
        codes = cells.scenario.programme.counties.ids
        self.folded = Counter(code.casefold() for code in codes)

    def named(self, members: Sequence[int]) -> str:
        """A set of counties by the names of its first ones."""
        words = self.sheet.book.words
        if len(members) == self.cells.counties:
            return words("total")
        listed = words("list").join(self.names[county] for county in members[:2])
        return words("workings.set", names=listed, count=len(members))

    def county(self, county: int) -> None:
        sheet, row = self.sheet, TOP + county
        code = self.cells.scenario.programme.counties.ids[county]
        sheet.text(row, 0, code)
        sheet.text(row, 1, self.names[county])
        found = self.layout.rows[county] - FIRST + 1
        sheet.formula(row, _ROW, self._row_of(code), found, "cell number")
        for task in range(self.cells.tasks):
            self._cells(county, task)
        for (kind, at, tasks), column in self.cells.columns.items():
            if kind in (REST, WHOLE):
                self._part(kind, self.cells.scenario.programme.metrics[at], (county, column))
                continue
            first = self.cells.first_column(at)
            total = f"SUM({_places([(row, row)], [first + task for task in tasks])})"
            values = self.cells.bases[at].values[county, list(tasks)]
            value = int(values.any()) if kind else values.sum()
            body = f"IF({total}>0,1,0)" if kind else total
            sheet.formula(row, column, body, value, _ANY)

    def _row_of(self, code: str) -> str:
        """Where the code stands in the table, as text or as a number; 0 where it does not."""
        table, column = self.table, self.layout.code
        codes = table + area((FIRST, column), (self.layout.last, column), True)
        if self.folded[code.casefold()] > 1:
            # MATCH takes codes that differ only in case for one.
            return f"SUMPRODUCT(MAX(EXACT({literal(code)},{codes})*(ROW({codes})-{FIRST})))"
        sought = literal("".join("~" + letter if letter in "*?~" else letter for letter in code))
        body = "0"
        if code.isascii() and code.isdigit() and len(code) < 15:
            body = f"IFERROR(MATCH({int(code)},{codes},0),0)"
        return f"IFERROR(MATCH({sought},{codes},0),{body})"

    def _cells(self, county: int, task: int) -> None:
        """Money, funded or not, and what the money yields in one cell of the grid."""
        row, column, table = TOP + county, self.layout.task + task, self.table
        money = cell(row, FIRST_TASK + task)
        held = area((FIRST, column), (self.layout.last, column), True)
        place = "$" + cell(row, _ROW)
        bodies = [
            f"IF({place}=0,0,0+INDEX({table}{held},{place}))",
            f"IF({money}>0,1,0)",
        ]
        for at, base in enumerate(self.cells.bases):
            value, column = base.values[county, task], self.cells.first_column(at) + task
            if base.is_fixed:
                self.sheet.number(row, column, value, _ANY)
                continue
            if base.rates is not None:
                bodies.append(_yield(money, base.rates[county, task], self.widths[county][task]))
            self.sheet.formula(row, column, bodies[at], value, _ANY)

    def _part(self, kind: str, metric: str, place: tuple[int, int]) -> None:
        """What a county's outcome has beyond whole units, in the least units of outcomes; or its
        whole part, one more where the remainder is among the largest, the first of equal ones."""
        county, column = place
        row, scale = TOP + county, self.cells.scenario.tiers.scale
        exact, part = self.cells.exact(metric, county), int(self.cells.parts(metric)[county])
        whole = rounded_down(exact.body)
        if kind == REST:
            value = (exact.value - floor(exact.value)) * scale
            self.sheet.formula(row, column, f"ROUND(({exact.body}-{whole})*{scale},0)", value, _ANY)
            return
        rest, last = self.cells.whole_columns(metric)[0], TOP + self.cells.counties - 1
        own, every = cell(row, rest), area((TOP, rest), (last, rest), True)
        before = area((TOP, rest), (row, rest))
        place_of = f"SUMPRODUCT(({every}>{own})*1)+SUMPRODUCT(({before}={own})*1)"
        left = rounded_down(f"SUM({every})/{scale}")
        self.sheet.formula(row, column, f"{whole}+IF({place_of}<={left},1,0)", part, _ANY)

    def total(self, members: tuple[int, ...], row: int, mask: int | None) -> None:
        """The sums over one set of counties."""
        self.sheet.text(row, 1, self.named(members), "cell bold")
        for (at, column), value in self.cells.sums.items():
            if at == row:
                body = self._sum(members, column, mask)
                self.sheet.formula(row, column, body, value, "cell any bold")

    def _sum(self, members: tuple[int, ...], column: int, mask: int | None) -> str:
        if mask is None:
            rows = [(TOP + first, TOP + last) for first, last in _runs(members)]
            return f"SUM({_places(rows, [column])})"
        last = TOP + self.cells.counties - 1
        return f"SUMPRODUCT({','.join(area((TOP, c), (last, c)) for c in (mask, column))})"


def _yield(money: str, rates: Sequence[int], widths: Sequence[int]) -> str:
    """What money yields: Σ rate × the part of it that falls into the tier."""
    terms, start = [], 0
    for rate, width in zip(rates, widths, strict=True):
        if rate and width:
            above = f"{money}-{start}" if start else money
            terms.append(f"{rate}*MAX(0,MIN({above},{width}))")
        start += width
    return "+".join(terms) or "0"


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of each stretch of numbers without a gap."""
    stretches = groupby(enumerate(places), lambda item: item[1] - item[0])
    members = [[place for _, place in stretch] for _, stretch in stretches]
    return [(stretch[0], stretch[-1]) for stretch in members]


def _places(rows: Sequence[tuple[int, int]], columns: Sequence[int]) -> str:
    """Ranges that cover some stretches of rows × some columns."""
    return ",".join(
        area((first, left), (last, right)) for left, right in _runs(columns) for first, last in rows
    )
