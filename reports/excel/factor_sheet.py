"""The sheet of the factor method: each county's factors, scores, baseline and proposed amount."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from models.metadata import Source, source_of
from models.scenario_file import BaselineSpec
from models.solution import Solution
from optimizer.audit.limits import Form
from optimizer.audit.measure import Measured
from reports.excel.book import Book, BookSheet, area, cell, width_of
from reports.excel.formulas import Cells, readable
from reports.numbers import upper
from reports.view.factor_view import FactorColumn, factor_spec, factors_of
from reports.view.rule_view import RuleView

HEAD = 3
WEIGHTS = HEAD + 1
TOTAL = WEIGHTS + 1
TOP = TOTAL + 1
_ONE, _NONE = Fraction(1), Fraction(0)
_PARTS = ("factor.value", "factor.share", "factor.score")
_TAIL = ("factor.sum", "factor.money", "factor.baseline", "factor.proposed", "column.change")


def write_factors(
    book: Book, solution: Solution, view: RuleView, cells: Cells, sources: Sequence[Source]
) -> None:
    """The sheet; the proposed amounts follow the edited table."""
    words, programme = book.words, view.scenario.programme
    spec = factor_spec(view)
    factors = factors_of(view, spec) if spec is not None else []
    names = [width_of(name) for name in programme.counties.names(words.lang)]
    widths = [5.5, min(24, max(names) + 2), 10, *[13, 9, 9] * len(factors)]
    sheet = book.sheet("sheet.factors", [*widths, 10, 12, 11, 11, 11])
    unit = words("table.unit", money=programme.file.money.of(words.lang))
    sheet.titles(words("factor.title"), words("factor.formula"), unit)
    page = _FactorSheet(sheet, solution, view, cells)
    page.heads(factors)
    page.totals(factors, _formula_holds(spec))
    for county in range(len(programme.counties)):
        page.county(county, factors, _formula_holds(spec))
    page.notes(factors, spec, sources)
    sheet.page.freeze_panes(TOP, 3)
    sheet.page.repeat_rows(0, TOTAL)
    sheet.page.fit_to_pages(1, -(-(page.last + 8) // 52))


def _formula_holds(spec: BaselineSpec | None) -> bool:
    """Whether money × score is what the method spreads, before rounding."""
    return spec is not None and spec.within is None and spec.floor is None and spec.cap is None


class _FactorSheet:
    def __init__(self, sheet: BookSheet, solution: Solution, view: RuleView, cells: Cells) -> None:
        self.sheet, self.view, self.cells = sheet, view, cells
        self.words = view.words
        self.basis = solution.baseline.allocation
        self.money = int(view.scenario.inside_money)
        self.tasks = tuple(range(len(view.scenario.programme.tasks)))
        self.last = TOP + len(view.scenario.programme.counties) - 1

    def heads(self, factors: Sequence[FactorColumn]) -> None:
        """Two rows: factors by name; value, share, score of each."""
        sheet, words = self.sheet, self.words
        named = [words("column.number"), self.county_word(), words("column.code")]
        tail = [words(key) for key in _TAIL]
        head = sheet.book.style("head")
        for column, title in enumerate(named):
            sheet.page.merge_range(HEAD - 1, column, HEAD, column, title, head)
        for at, factor in enumerate(factors):
            first = 3 + 3 * at
            title = words("factor.named", number=at + 1, title=factor.title)
            sheet.page.merge_range(HEAD - 1, first, HEAD - 1, first + 2, title, head)
            parts = [words(key) for key in _PARTS]
            sheet.texts(HEAD, parts, "head", first)
        for column, title in enumerate(tail, 3 + 3 * len(factors)):
            sheet.page.merge_range(HEAD - 1, column, HEAD, column, title, head)
        longest = max([1, *(-(-width_of(f.title + "0") // 14) for f in factors)])
        sheet.page.set_row(HEAD - 1, 16 * longest + 6)
        sheet.page.set_row(HEAD, 20)

    def county_word(self) -> str:
        name = self.view.labels.column("county", self.words.lang)
        return upper(name)

    def totals(self, factors: Sequence[FactorColumn], formula: bool) -> None:
        """The row of weights and the row of sums."""
        sheet, words, last = self.sheet, self.words, 3 + 3 * len(factors)
        sheet.texts(WEIGHTS, ["", words("factor.weight"), ""], "cell block")
        sheet.texts(WEIGHTS, [""] * (last + 5 - 3), "cell block", 3)
        sheet.texts(TOTAL, ["", words("total"), ""], "cell total")
        for at, factor in enumerate(factors):
            column = 3 + 3 * at
            sheet.number(WEIGHTS, column + 2, factor.weight, "cell block percent")
            self.sum(column, factor.total, f"cell total {_style(factor)}")
            self.sum(column + 1, _ONE, "cell total percent")
            self.sum(column + 2, factor.weight, "cell total percent")
        weight = sum((factor.weight for factor in factors), _NONE)
        weights = "+".join(cell(WEIGHTS, 5 + 3 * at) for at in range(len(factors))) or "0"
        sheet.formula(WEIGHTS, last, weights, weight, "cell block percent")
        self.sum(last, weight, "cell total fine")
        self.sum(last + 1, Fraction(self.money) if formula else _NONE, "cell total cents")
        before = Fraction(sum(self.basis.amounts.ravel().tolist()))
        self.sum(last + 2, before, "cell total whole")
        now = self.proposed(tuple(range(len(self.view.scenario.programme.counties))))
        self.sum(last + 3, now[1], "cell total whole")
        self.sum(last + 4, now[1] - before, "cell total signed")

    def sum(self, column: int, value: Fraction, style: str) -> None:
        body = f"SUM({area((TOP, column), (self.last, column))})"
        self.sheet.formula(TOTAL, column, body, value, style)

    def county(self, county: int, factors: Sequence[FactorColumn], formula: bool) -> None:
        sheet, programme, row = self.sheet, self.view.scenario.programme, TOP + county
        sheet.number(row, 0, county + 1, "cell center")
        sheet.text(row, 1, programme.counties.names(self.words.lang)[county], "wrap")
        sheet.text(row, 2, programme.counties.ids[county], "cell center")
        score = _NONE
        for at, factor in enumerate(factors):
            score += self.factor(row, 3 + 3 * at, factor)
        last = 3 + 3 * len(factors)
        parts = "+".join(cell(row, 5 + 3 * at) for at in range(len(factors))) or "0"
        sheet.formula(row, last, parts, score, "cell fine")
        if formula:
            body = f"{self.money}*{cell(row, last)}"
            sheet.formula(row, last + 1, body, self.money * score, "cell cents")
        else:
            sheet.text(row, last + 1, "–", "cell center")
        before = Fraction(sum(self.basis.amounts[county].tolist()))
        sheet.number(row, last + 2, before, "cell whole")
        body, now = self.proposed((county,))
        sheet.formula(row, last + 3, body, now, "cell whole")
        change = f"{cell(row, last + 3)}-{cell(row, last + 2)}"
        sheet.formula(row, last + 4, change, now - before, "cell signed")

    def factor(self, row: int, column: int, factor: FactorColumn) -> Fraction:
        """Value, share and score of a county; the score."""
        value = factor.values[row - TOP]
        self.sheet.number(row, column, value, f"cell {_style(factor)}")
        top = area((TOTAL, column), (TOTAL, column), True).split(":")[0]
        share = f"{cell(row, column)}/{top}"
        self.sheet.formula(row, column + 1, share, value / factor.total, "cell fine")
        weight = area((WEIGHTS, column + 2), (WEIGHTS, column + 2), True).split(":")[0]
        score = value / factor.total * factor.weight
        body = f"{cell(row, column + 1)}*{weight}"
        self.sheet.formula(row, column + 2, body, score, "cell fine")
        return score

    def proposed(self, counties: tuple[int, ...]) -> tuple[str, Fraction]:
        form = Form(terms={Measured("amount", counties, self.tasks): _ONE})
        found = readable(self.cells.form(form), _NONE)
        return found.body, found.value

    def notes(
        self, factors: Sequence[FactorColumn], spec: BaselineSpec | None, sources: Sequence[Source]
    ) -> None:
        """Where the numbers come from, and what the method leaves open."""
        words, row = self.words, self.last + 1
        notes = [words("factor.rounding"), words("factor.missing")]
        if spec is None:
            notes = [words("factor.none")]
        elif not _formula_holds(spec):
            notes.insert(0, words("factor.bounded"))
        used = list(dict.fromkeys(name for factor in factors for name in factor.columns))
        programme = self.view.scenario.programme
        found = {name: source_of(sources, f"{programme.counties.file}:{name}") for name in used}
        for source in sources:
            about = [name for name in used if found[name] is source]
            if about:
                notes.append(self.source(about, source))
        for at, note in enumerate(notes):
            self.sheet.text(row + at, 0, note, "subtitle")

    def source(self, columns: Sequence[str], source: Source) -> str:
        lang = self.words.lang
        named = self.words("list").join(self.view.labels.column(name, lang) for name in columns)
        title, year = source.title.of(lang), source.year
        return self.words("factor.source", columns=named, title=title, year=year or "–")


def _style(factor: FactorColumn) -> str:
    return "number" if all(value.denominator == 1 for value in factor.values) else "two"
