"""Annex sheets: facts, prices, review, certificate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from models.certificate import Certificate
from models.exact import exact_text
from models.finding import State
from models.metadata import Source, value_name
from models.record.manifest import Manifest, in_fours
from models.rule import Grounds, Rule
from models.sentences import state_words
from models.solution import Solution
from reports.catalogue import Words
from reports.documents.price_list import PriceWords, ranked
from reports.excel.book import Book, BookSheet, area, cell, literal
from reports.excel.check_sheet import BROKEN_LIMITS, STATE, STATES, CheckedRule
from reports.excel.formulas import Cells
from reports.excel.result_sheets import total_of
from reports.numbers import amount_text, plain
from reports.view.aim_view import aim_grid, aim_lines
from reports.view.allocation_view import calibration_of, grounds_of
from reports.view.grounds_view import clause_texts
from reports.view.remarks import options_said, status
from reports.view.rule_view import RuleView

# The sheets of parameters and of sources: with what the allocation was made, and from what.


Fact = tuple[str, str]
_SOURCE = (
    *("sources.id", "sources.kind", "sources.title-of", "sources.publisher", "sources.url"),
    *("sources.licence", "sources.year", "sources.reason", "sources.covers"),
)
_KINDS = {
    "source": "sources.source",
    "interpretation": "sources.interpretation",
    "assumption": "sources.assumption",
}
_NORMALISED = {"baseline": "normalise.baseline", "none": "normalise.none"}


def write_parameters(book: Book, solution: Solution, view: RuleView, manifest: Manifest) -> None:
    """The sheet: a name and what stands behind it, in blocks."""
    words = book.words
    sheet = book.sheet("sheet.parameters", [34, 100])
    sheet.page.set_portrait()
    sheet.titles(words("parameters.title"), words("draft"), "")
    blocks = (
        ("parameters.scenario", _scenario(view)),
        ("parameters.result", _result(solution, view)),
        ("aims.title", _stages(solution, words)),
        ("parameters.method", _method(solution, manifest, words)),
        ("parameters.files", iter(sorted(manifest.files.items()))),
    )
    row = 2
    for title, facts in blocks:
        if not (listed := list(facts)):
            continue
        sheet.texts(row, [words(title), ""], "cell block")
        row += 1
        for name, said in listed:
            sheet.texts(row, [name, said], "wrap")
            sheet.high(row, [name, said])
            row += 1
    sheet.page.freeze_panes(2, 0)
    sheet.page.repeat_rows(0, 1)


def _scenario(view: RuleView) -> Iterator[Fact]:
    words, scenario = view.words, view.scenario
    spec, programme = scenario.spec, scenario.programme.file
    lang, money = words.lang, programme.money.of(words.lang)
    yield words("parameters.programme"), f"{programme.title.of(lang)} ({programme.id})"
    yield words("parameters.name"), f"{spec.title.of(lang)} ({scenario.name})"
    yield (
        words("rule.budget"),
        words("parameters.amount", number=plain(scenario.budget), money=money),
    )
    if spec.reference_budget is not None:
        said = words("parameters.amount", number=plain(spec.reference_budget), money=money)
        yield words("input.reference-budget"), said
    if spec.lot is not None:
        lots = sorted(set(scenario.lots()))
        said = words("list").join(exact_text(lot) for lot in lots)
        yield words("rule.lot"), words("parameters.amount", number=said, money=money)
    titles = {metric.id: metric.title.of(lang) for metric in programme.metrics}
    weights = [f"{titles[name]} {exact_text(w)}" for name, w in spec.objective.weights.items()]
    if spec.objective.aims:
        yield words("aims.title"), words("pairs").join(aim_lines(scenario, words))
    else:
        yield words("parameters.weights"), words("list").join(weights)
        yield words("parameters.normalise"), words(_NORMALISED[spec.objective.normalise])
    chosen = calibration_of(scenario)
    if chosen is not None:
        name = spec.calibration or next(iter(programme.calibrations))
        note = "" if chosen.note is None else chosen.note.of(lang)
        name = scenario.programme.calibration_title(name, lang)
        yield words("parameters.calibration"), words("parameters.noted", name=name, note=note)
    changes = words("list").join(scenario.changes) or words("none")
    yield words("parameters.changes"), changes
    off = [rule.title.of(lang) for rule in spec.rules if not rule.enabled]
    yield words("parameters.off"), words("list").join(off) or words("none")
    soft = [rule.title.of(lang) for rule in scenario.rules if rule.soft is not None]
    yield words("parameters.soft"), words("list").join(soft) or words("none")


def _result(solution: Solution, view: RuleView) -> Iterator[Fact]:
    words = view.words
    money = view.scenario.programme.file.money.of(words.lang)
    audit = solution.audit
    left = "parameters.over" if audit.unspent < 0 else "parameters.unspent"
    for key, number in (("parameters.spent", audit.spent), (left, abs(audit.unspent))):
        said = words("parameters.amount", number=amount_text(number), money=money)
        yield words(key), said
    if solution.scenario.spec.objective.has_points:
        yield words("row.index"), plain(solution.objective, 4)
    yield words("parameters.status"), status(solution, words)


def _stages(solution: Solution, words: Words) -> Iterator[Fact]:
    """Of each stage of ordered aims: what was found, its bound, what may be and was given up."""
    if (grid := aim_grid(solution, words)) is None:
        return
    for line in grid.lines:
        if line.mark == "note":
            continue
        pairs = zip(grid.header[2:], line.cells[2:], strict=True)
        said = [words("parameters.noted", name=name, note=text) for name, text in pairs]
        yield (
            words("aims.item", number=line.cells[0], text=line.cells[1]),
            words("pairs").join(said),
        )


def _method(solution: Solution, manifest: Manifest, words: Words) -> Iterator[Fact]:
    """The fingerprint, the solver and its options; versions are those that made the record."""
    said = solution.solver
    yield words("page.fingerprint"), in_fours(manifest.fingerprint)
    yield words("option.solver"), f"{said.name} ({said.version})"
    yield from options_said(
        {**solution.options, "solver": None},
        words,
        has_points=solution.scenario.spec.objective.has_points,
    )
    made = manifest.made_with
    if made.python:
        yield "Python", made.python
    yield from made.packages.items()


def write_sources(book: Book, sources: Sequence[Source]) -> None:
    """The sheet: the entries of the programme's `sources.yaml`."""
    words, lang = book.words, book.words.lang
    sheet = book.sheet("sheet.sources", [14, 6, 34, 24, 14, 16, 6, 60, 40])
    sheet.titles(words("sources.title"), words("sources.note"), "")
    sheet.head(2, [words(key) for key in _SOURCE])
    sheet.page.freeze_panes(3, 1)
    for row, source in enumerate(sources, 3):
        texts = [
            source.id,
            words(_KINDS[source.kind]),
            source.title.of(lang),
            source.publisher.of(lang),
            source.url,
            source.licence.of(lang),
            source.year,
            source.reason.of(lang),
            words("list").join(source.covers),
        ]
        sheet.texts(row, texts, "wrap")
        sheet.high(row, texts)


# The sheet of prices: what a step of each rule's number does, as the record has it.


def write_prices(book: Book, solution: Solution, view: RuleView) -> None:
    """The sheet, where the solution has prices: a row a rule, the dearest first, then in words."""
    if not solution.prices:
        return
    words, told = book.words, PriceWords(view)
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
    said = [told.sentence(one) for one in prices]
    below = ("", words("page.prices.how"), *said, told.free(solution.prices))
    for row, text in enumerate(below, 3 + len(prices)):
        sheet.page.write_string(row, 0, text)


# The review of each rule against its document, as 政策依据及合规性审核表 asks for it.
#
# 符合 stands only where the clause was read and states the number; a clause that nobody has read
# says so and is never said to be complied with.


_COLUMNS = (
    *("review.number", "review.document", "review.doc-number", "review.article"),
    *("review.clause", "review.asks", "review.due", "review.now", "review.complies"),
    "review.note",
)
_VERDICTS: tuple[State, ...] = ("kept", "broken", "bent", "short")
_TOP = 3


def write_review(book: Book, view: RuleView, lines: Sequence[CheckedRule]) -> None:
    """Rules with a document, then rules without one, then those that are switched off."""
    words = book.words
    sheet = book.sheet("sheet.review", [5.5, 22, 14, 9, 30, 40, 10, 10, 16, 60])
    unit = words("table.unit", money=view.scenario.programme.file.money.of(words.lang))
    sheet.titles(words("review.title"), words("draft"), unit)
    sheet.head(_TOP - 1, [words(key) for key in _COLUMNS])
    sheet.page.freeze_panes(_TOP, 2)
    named = [line for line in lines if _has_clause(grounds_of(view.scenario, line.rule))]
    assumed = [line for line in lines if line not in named]
    off = [rule for rule in view.scenario.spec.rules if not rule.enabled]
    blocks: list[tuple[str, Sequence[CheckedRule | Rule]]] = [
        ("review.named", named),
        ("review.assumed", assumed),
        ("review.off", off),
    ]
    page, row, number = _Review(sheet, view), _TOP, 0
    for title, members in blocks:
        if members:
            sheet.texts(row, [words(title), *[""] * (len(_COLUMNS) - 1)], "cell block")
            row += 1
        for member in members:
            number += 1
            page.rule(row, number, member)
            row += 1


def _has_clause(grounds: Grounds | None) -> bool:
    return grounds is not None and grounds.clause is not None


class _Review:
    def __init__(self, sheet: BookSheet, view: RuleView) -> None:
        self.sheet, self.view, self.words = sheet, view, view.words

    def rule(self, row: int, number: int, line: CheckedRule | Rule) -> None:
        """One rule; of one that is switched off only what it asks for."""
        name = line.rule if isinstance(line, CheckedRule) else line.id
        grounds = grounds_of(self.view.scenario, name)
        reason = "" if grounds is None else grounds.reason.of(self.words.lang)
        texts = [*clause_texts(grounds, self.words), self.asks(name), "–", "–", "", reason]
        self.sheet.number(row, 0, number, "cell center")
        for column, text in enumerate(texts, 1):
            self.sheet.text(row, column, text, "wrap center" if text == "–" else "wrap")
        if isinstance(line, Rule):
            texts[7] = state_words(line, None, self.words.lang)
            self.sheet.text(row, 8, texts[7], "wrap center")
        else:
            self.numbers(row, line)
            texts[7] = self.state(row, line, grounds)
        self.sheet.high(row, ["", *texts])

    def asks(self, name: str) -> str:
        said = {"title": self.view.title(name), "rule": self.view.sentence(name)}
        return self.words("review.asked", **said)

    def numbers(self, row: int, line: CheckedRule) -> None:
        """Limit and value of the one limit; of several, how many there are and are broken."""
        if len(line.limits) == 1:
            only, limits = line.limits[0], BookSheet.prefix_of(self.words("sheet.limits"))
            side = limits + cell(line.first, 3 if only.lower is not None else 5)
            self.sheet.formula(row, 6, side, only.side.value, f"cell {only.sign}{only.style}")
            value = limits + cell(line.first, 4)
            self.sheet.formula(row, 7, value, only.value.value, f"cell {only.style}")
            return
        rules, said = BookSheet.prefix_of(self.words("sheet.rules")), self.words("review.broken")
        self.sheet.text(row, 6, self.words("review.limits", count=len(line.limits)), "wrap")
        body = f"{literal(said)}&{rules}{cell(line.row, BROKEN_LIMITS)}"
        self.sheet.formula(row, 7, body, f"{said}{line.broken}", "wrap")

    def state(self, row: int, line: CheckedRule, grounds: Grounds | None) -> str:
        """The verdict in the wording that the clause allows; what it says now."""
        state = BookSheet.prefix_of(self.words("sheet.rules")) + cell(line.row, STATE)
        body = state
        for key in _VERDICTS:
            said = literal(state_words(grounds, key, self.words.lang))
            body = f"IF({state}={literal(self.words(STATES[key]))},{said},{body})"
        now = next(key for key in _VERDICTS if key == line.state)
        said = state_words(grounds, now, self.words.lang)
        self.sheet.formula(row, 8, body, said, "wrap center")
        return said


# The sheet of the certificate: an upper bound of the objective as a sum that anybody can follow.
#
# The sums are formulas in doubles and round no line up, so the last of some fifteen digits can
# differ from the exact ones of certificate.csv; the sheet says so. What the table is worth follows
# the edited amounts.


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
_FIRST_VALUE, _BY_CASE = 8, 2
"""Row of the first metric's points, below the bounds and what they leave; rows of one more."""


def write_certificate(book: Book, solution: Solution, view: RuleView, table: Cells) -> None:
    """The sheet, where the solution has a certificate."""
    found = solution.certificate
    if found is None:
        return
    words = book.words
    sheet = book.sheet("sheet.certificate", list(_WIDTHS))
    sheet.titles(words("certificate.title"), words("certificate.note"), "")
    values = _FIRST_VALUE + (0 if solution.by_case is None else _BY_CASE)
    head = values + len(found.values) + 2
    page = _CertificateSheet(sheet, view, found, table)
    page.limits(head)
    first = head + len(found.limits) + 2
    # The lines of the cells are for reckoning: hundreds of them fill twenty pages.
    sheet.page.print_area(0, 0, first - 2, _POINTS)
    sheet.page.set_portrait()
    page.cells(first)
    ranges = [
        area((top, _POINTS), (top + count, _POINTS))
        for top, count in ((head, len(found.limits)), (first, len(found.cells)))
    ]
    page.summary(solution, values, "+".join(f"SUM({one})" for one in ranges))
    sheet.page.freeze_panes(2, 0)
    sheet.page.repeat_rows(0, 1)


class _CertificateSheet:
    def __init__(
        self, sheet: BookSheet, view: RuleView, certificate: Certificate, table: Cells
    ) -> None:
        self.sheet, self.view, self.certificate = sheet, view, certificate
        self.table = table
        self.words = view.words

    def summary(self, solution: Solution, first: int, added: str) -> None:
        """The bound, what the table is worth, how far apart they are; points of a unit."""
        words = self.words
        products = (one.multiplier.value * one.constant for one in self.certificate.limits)
        bound = sum((*products, *(one.points for one in self.certificate.cells)), _NONE)
        penalty = solution.audit.penalty
        worth = solution.objective - penalty
        number, metrics = "cell any", self.view.scenario.programme.file.metrics
        rows = range(first, first + len(metrics))
        for row, metric in zip(rows, metrics, strict=True):
            title = metric.title.of(words.lang)
            self.line(row, words("certificate.value", title=title))
            self.sheet.number(row, 1, self.certificate.values[metric.id], number)
        earned = "+".join(
            f"{cell(row, 1)}*({total_of(self.table, metric.id)[0]})"
            for row, metric in zip(rows, metrics, strict=True)
        )
        self.line(2, words("certificate.bound"))
        self.sheet.formula(2, 1, added, bound, f"{number} bold")
        self.line(3, words("certificate.worth"))
        self.sheet.formula(3, 1, f"{earned}-{cell(4, 1)}", worth, number)
        self.line(4, words("certificate.penalty"))
        self.sheet.number(4, 1, penalty, number)
        self.line(5, words("certificate.distance"))
        self.distance(5, 2, solution, bound, earned)
        others = (
            (6, solution.by_county, "certificate.by-county"),
            (8, solution.by_case, "certificate.by-case"),
        )
        for row, other, title in others:
            if other is not None:
                self.line(row, words(title))
                self.sheet.number(row, 1, other.bound, f"{number} bold")
                self.line(row + 1, words("certificate.other.distance"))
                self.distance(row + 1, row, solution, other.bound, earned)

    def distance(
        self, row: int, above: int, solution: Solution, bound: Fraction, earned: str
    ) -> None:
        """How far the table may be from the bound in row `above`, rounded up as `at most` asks."""
        short = f"ROUND(({cell(above, 1)}-{cell(3, 1)})/ABS({earned}),12)"
        body = f"IF({earned}=0,0,ROUNDUP(MAX(0,{short}),6))"
        size, worth = abs(solution.objective), solution.objective - solution.audit.penalty
        found = round((bound - worth) / size, 12) if size else _NONE
        shown = Fraction(math.ceil(max(found, _NONE) * 10**6), 10**6)
        self.sheet.formula(row, 1, body, shown, "cell =0.0000%")

    def line(self, row: int, title: str) -> None:
        self.sheet.text(row, 0, title, "wrap")
        self.sheet.high(row, [title])

    def limits(self, head: int) -> None:
        self.head(head - 1, _LIMITS)
        for row, line in enumerate(self.certificate.limits, head):
            one = line.multiplier
            group = " ".join(self.named(item) for item in one.key) or self.words("place.whole")
            texts = [self.view.title(one.rule), group, self.words(_SIDES[one.side])]
            self.sheet.texts(row, texts, "cell")
            self.sheet.number(row, 3, one.value, "cell any")
            self.sheet.number(row, 4, line.constant, "cell any")
            self.sheet.text(row, 5, "")
            body = f"{cell(row, 3)}*{cell(row, 4)}"
            self.sheet.formula(row, _POINTS, body, one.value * line.constant, "cell any")

    def cells(self, head: int) -> None:
        self.head(head - 1, _CELLS)
        tasks = {
            name: self.named(("task", name)) for name in self.view.scenario.programme.tasks.ids
        }
        for row, line in enumerate(self.certificate.cells, head):
            self.sheet.texts(row, [self.named(("county", line.county)), tasks[line.task]], "cell")
            outcomes = line.outcomes
            if outcomes is None:  # An early record: what its other numbers leave.
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
        return value_name(self.view.scenario.programme, self.view.labels, item, self.words.lang)
