"""The table that people edit: money by county and task, with totals that follow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from models.exact import exact_sum
from models.metadata import value_name
from models.selection import value_text
from reports.excel.book import Book, BookSheet, area, cell, column_for, width_of
from reports.excel.formulas import FIRST, HEAD, Group, Layout
from reports.numbers import upper
from reports.view.allocation_view import is_large

GRAND = HEAD + 1
_NARROW, _WIDE, _WIDEST = 7.0, 26.0, 46.0
_ROWS_A_PAGE = 56
_NONE = Fraction(0)


def write_table(
    book: Book, layout: Layout, state: tuple[str, str] | None = None, key: str = "sheet.table"
) -> BookSheet:
    """The sheet; `state` is a formula that says how the rules stand, and what it says now; `key`
    the wording of its name."""
    titles = head_titles(layout)
    sheet = book.sheet(key, _widths(layout, titles), open_=True)
    words, view = book.words, layout.view
    programme, spec = view.scenario.programme.file, view.scenario.spec
    shown = words("table.shown", title=spec.title.of(words.lang), name=view.scenario.name)
    unit = words("table.unit", money=programme.money.of(words.lang))
    sheet.titles(programme.title.of(words.lang), shown, unit)
    if state is not None:
        sheet.formula(HEAD - 1, 0, state[0], state[1], "subtitle bold")
    sheet.head(HEAD, titles)
    sheet.page.freeze_panes(FIRST, layout.code + 1)
    sheet.page.set_default_row(14)
    sheet.page.fit_to_pages(1, math.ceil((layout.last + 1) / _ROWS_A_PAGE))
    page = _MoneySheet(sheet, layout)
    page.grand()
    for group in layout.groups:
        page.subtotal(group)
    for county in range(len(layout.rows)):
        page.county(county)
    for row, code, name, money in layout.outside:
        page.outside(row, (code, name), money)
    page.notes()
    _validate(sheet, layout)
    if is_large(view.scenario):
        sheet.page.autofilter(HEAD, 0, layout.last, layout.rate)
    return sheet


def head_titles(layout: Layout) -> list[str]:
    """What stands in the head row, column by column."""
    view = layout.view
    words, labels, programme = view.words, view.labels, view.scenario.programme
    titles = [words("column.number")]
    if labels.subtotal:
        titles.append(upper(labels.column(labels.subtotal, words.lang)))
    titles += [upper(column_word(layout, "county")), words("column.code")]
    titles += [upper(labels.column(name, words.lang)) for name in layout.fields]
    named = [value_name(programme, labels, ("task", t), words.lang) for t in programme.tasks.ids]
    for task, title in zip(programme.tasks.ids, named, strict=True):
        # Two tasks of one title could not be told apart when the table is read back.
        alone = named.count(title) == 1 and title not in titles
        titles.append(title if alone else words("table.task", title=title, id=task))
    if layout.beyond is not None:
        titles.append(words("column.beyond"))
    last = "column.last-year" if view.scenario.last_year else "column.last-year.unknown"
    tail = ("column.this-year", "column.share", last, "column.increase", "column.rate")
    return [*titles, *(words(key) for key in tail)]


def column_word(layout: Layout, column: str) -> str:
    """What the places are called: 县（市、区）."""
    return layout.view.labels.column(column, layout.view.words.lang)


def _widths(layout: Layout, titles: Sequence[str]) -> list[float]:
    """Columns as wide as what stands in them, within bounds."""
    programme, lang = layout.view.scenario.programme, layout.view.words.lang
    names = [width_of(name) for name in programme.counties.names(lang)]
    widths = [max(_NARROW, min(12.0, width_of(title) * 0.75 + 2)) for title in titles]
    widths[0] = 5.5
    widths[layout.name] = min(_WIDEST, max(names, default=0) + 3)
    if layout.group_column is not None:
        groups = [width_of(group.name) for group in layout.groups]
        widths[layout.group_column] = min(_WIDEST, max(groups, default=8) + 3)
    codes = [width_of(code) for code in programme.counties.ids]
    widths[layout.code] = min(_WIDE, max(10, *codes) + 1)
    for column, name in enumerate(layout.fields, layout.code + 1):
        said = [width_of(_said(layout, name, row)) for row in range(len(programme.counties))]
        widths[column] = min(_WIDE, max(8, *said) + 1)
    for column in range(layout.task, layout.rate + 1):
        widths[column] = min(17.0, column_for(titles[column]))
    return widths


def _said(layout: Layout, column: str, county: int) -> str:
    """One column of a county in words; true and false as yes and no."""
    programme, words = layout.view.scenario.programme, layout.view.words
    value = programme.counties.values(column)[county]
    if isinstance(value, bool):
        return words("yes") if value else words("no")
    return value_name(programme, layout.view.labels, (column, value_text(value)), words.lang)


class _MoneySheet:
    """The rows of the sheet."""

    def __init__(self, sheet: BookSheet, layout: Layout) -> None:
        self.sheet, self.layout, self.held = sheet, layout, layout.allocation
        # Whole money units, or two decimals where the allocation has parts of them.
        self.format = "whole" if self.held is None or self.held.is_whole else "cents"
        beyond = sum((money for *_, money in layout.outside), _NONE)
        nothing = (_NONE,) * len(layout.rows)
        self.totals = nothing if self.held is None else self.held.by_county
        self.spent = exact_sum(self.totals) + beyond

    def money(self, counties: Sequence[int]) -> list[Fraction]:
        """Money by money column over some counties, the total last."""
        width = len(self.layout.money_columns)
        if self.held is None:
            return [_NONE] * width
        rows = self.held.amounts[list(counties)]
        by_task = [Fraction(sum(rows[:, task].tolist())) for task in range(rows.shape[1])]
        beyond = [_NONE] * (width - len(by_task) - 1)
        return [*by_task, *beyond, sum(by_task, _NONE)]

    def before(self, counties: Sequence[int]) -> Fraction | None:
        """Last year's money of some counties; None where one of them is not known."""
        known = self.layout.view.scenario.last_year
        ids = self.layout.view.scenario.programme.counties.ids
        return None if known is None else known.of(ids[county] for county in counties)

    def county(self, county: int) -> None:
        layout, sheet, row = self.layout, self.sheet, self.layout.rows[county]
        programme, lang = layout.view.scenario.programme, layout.view.words.lang
        texts = [""] * layout.task
        if layout.group_column is not None:
            texts[layout.group_column] = _said(layout, str(layout.view.labels.subtotal), county)
        texts[layout.name] = programme.counties.names(lang)[county]
        for column, name in enumerate(layout.fields, layout.code + 1):
            texts[column] = _said(layout, name, county)
        for column, text in enumerate(texts):
            sheet.text(row, column, text, "wrap center" if column > layout.code else "wrap")
        sheet.number(row, 0, county + 1, "cell center")
        sheet.text(row, layout.code, programme.counties.ids[county], "cell center")
        if any(width_of(text) > sheet.widths[at] - 1 for at, text in enumerate(texts)):
            sheet.high(row, texts)
        for task in range(len(programme.tasks)):
            amount = None if self.held is None else self.held.amounts[county, task]
            sheet.number(row, layout.task + task, amount, f"cell {self.format} input")
        if layout.beyond is not None:
            sheet.text(row, layout.beyond, "", "cell")
        self.tail(row, self.totals[county], self.before([county]), "cell")

    def tail(self, row: int, total: Fraction, before: Fraction | None, style: str) -> None:
        """Total, share, last year, change and its rate."""
        layout, sheet = self.layout, self.sheet
        first, last = layout.task, layout.total - 1
        if style == "cell":
            body = f"SUM({area((row, first), (row, last))})"
            sheet.formula(row, layout.total, body, total, f"{style} {self.format}")
        spent = self.spent
        grand = area((GRAND, layout.total), (GRAND, layout.total), True).split(":")[0]
        body = f"IF({grand}=0,0,{cell(row, layout.total)}/{grand})"
        share = total / spent if spent else _NONE
        sheet.formula(row, layout.share, body, share, f"{style} percent")
        if before is None:
            known = layout.view.scenario.last_year is not None and style == "cell"
            said = layout.view.words("last-year.unknown") if known else "–"
            sheet.text(row, layout.last_year, said, f"{style} center")
            for at in (layout.change, layout.rate):
                sheet.text(row, at, "–", f"{style} center")
            return
        sheet.number(row, layout.last_year, before, f"{style} {self.format}")
        body = f"{cell(row, layout.total)}-{cell(row, layout.last_year)}"
        sheet.formula(row, layout.change, body, total - before, f"{style} signed")
        start, change = cell(row, layout.last_year), cell(row, layout.change)
        rate = (total - before) / before if before else "–"
        body = f'IF({start}=0,"–",{change}/{start})'
        sheet.formula(row, layout.rate, body, rate, f"{style} signed-percent")

    def subtotal(self, group: Group) -> None:
        layout = self.layout
        members = [c for c, row in enumerate(layout.rows) if group.first <= row <= group.last]
        self.sheet.texts(group.row, [""] * layout.task, "cell subtotal")
        self.sheet.text(group.row, int(layout.group_column or 0), group.name, "wrap subtotal")
        self.sheet.text(group.row, layout.name, layout.view.words("subtotal"), "cell subtotal")
        money = self.money(members)
        for column, value in zip(layout.money_columns, money, strict=True):
            body = f"SUM({area((group.first, column), (group.last, column))})"
            style = f"cell subtotal {self.format}"
            self.sheet.formula(group.row, column, body, value, style)
        self.tail(group.row, money[-1], self.before(members), "cell subtotal")

    def grand(self) -> None:
        layout, row = self.layout, GRAND
        self.sheet.texts(row, [""] * layout.task, "cell total")
        self.sheet.text(row, layout.name, layout.view.words("total"), "cell total")
        everybody = range(len(layout.rows))
        money = self.money(everybody)
        beyond = sum((held for *_, held in layout.outside), _NONE)
        if layout.beyond is not None:
            money[-2] = beyond
        money[-1] = self.spent
        for column, value in zip(layout.money_columns, money, strict=True):
            body = self.grand_sum(column)
            self.sheet.formula(row, column, body, value, f"cell total {self.format}")
        known = layout.view.scenario.last_year
        before = known.total if known and self.before(everybody) is not None else None
        self.tail(row, self.spent, before, "cell total")

    def grand_sum(self, column: int) -> str:
        """The sum of the subtotals and of the places outside; of all rows without subtotals."""
        rows = [group.row for group in self.layout.groups]
        if not rows:
            return f"SUM({area((FIRST, column), (self.layout.last, column))})"
        rows += [row for row, *_ in self.layout.outside]
        return "+".join(cell(row, column) for row in rows)

    def outside(self, row: int, place: tuple[str, str], money: Fraction) -> None:
        """A place outside the grid: its money stands in a column of its own."""
        layout, sheet = self.layout, self.sheet
        code, name = place
        assert layout.beyond is not None
        sheet.texts(row, [""] * layout.total, "cell")
        sheet.text(row, layout.name, name, "wrap")
        sheet.text(row, layout.code, code, "cell center")
        sheet.number(row, layout.beyond, money, f"cell {self.format} input")
        known = layout.view.scenario.last_year
        before = {} if known is None else {code: held for code, _, held in known.outside}
        self.tail(row, money, before.get(code), "cell")

    def notes(self) -> None:
        words, scenario = self.layout.view.words, self.layout.view.scenario
        edit = "table.note.large" if is_large(scenario) else "table.note.edit"
        first = words("table.note.fill" if self.held is None else edit)
        notes = [first, words("table.note.sums"), words("table.note.draft")]
        if scenario.last_year is None:
            notes.append(words("table.note.last-year"))
        for row, note in enumerate(notes, self.layout.last + 1):
            self.sheet.text(row, 0, note, "subtitle")


def _validate(sheet: BookSheet, layout: Layout) -> None:
    """Whole numbers from 0 on in the cells that hold money."""
    words = layout.view.words
    money = layout.view.scenario.programme.file.money.of(words.lang)
    kind = "integer" if layout.allocation is None or layout.allocation.is_whole else "decimal"
    check = {
        "validate": kind,
        "criteria": ">=",
        "value": 0,
        "error_title": words("validation.title"),
        "error_message": words("validation.message", money=money),
    }
    last = layout.task + len(layout.view.scenario.programme.tasks) - 1
    runs = [(group.first, group.last) for group in layout.groups] or [(FIRST, FIRST)]
    if not layout.groups and layout.rows:
        runs = [(min(layout.rows), max(layout.rows))]
    for first, end in runs:
        sheet.page.data_validation(first, layout.task, end, last, check)
    for row, *_ in layout.outside:
        sheet.page.data_validation(
            row, int(layout.beyond or 0), row, int(layout.beyond or 0), check
        )
