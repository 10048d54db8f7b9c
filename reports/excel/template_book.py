"""The workbook to fill in: an empty table, the rules with their numbers, the weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.exact import exact_text, parse_exact
from models.metadata import read_labels
from models.rule import Rule
from models.scenario import Scenario
from models.sentences import grounds_words
from models.workbook.rule_sheet import numbers_of
from reports.catalogue import Words
from reports.excel import about, write_schema
from reports.excel.book import Book, BookSheet
from reports.excel.formulas import layout_of
from reports.excel.money_sheet import write_table
from reports.view.rule_view import RuleView

_RULE_HEADS = (
    *("template.rule", "template.title", "template.asks", "template.on"),
    *("template.path", "template.number", "template.source"),
)
_WEIGHT_HEADS = ("template.metric", "template.title", "template.unit", "template.weight")
_TOP = 3


def template(scenario: Scenario, words: Words) -> bytes:
    """An .xlsx file that `check` reads once the table is filled in, and `--rules` takes."""
    view = RuleView(scenario, read_labels(scenario.programme), words)
    book = Book(words, about(view))
    layout = layout_of(view, None)
    write_table(book, layout)
    _rules(book, view)
    _weights(book, view)
    write_schema(book, layout)
    return book.close()


@dataclass(frozen=True)
class _Line:
    """A row of the sheet of rules: the first of a rule says whether it is on."""

    rule: Rule
    first: bool
    path: str = ""
    number: str = ""


def _lines(scenario: Scenario) -> Iterator[_Line]:
    written = scenario.document.rules
    for rule in scenario.spec.rules:
        numbers = list(numbers_of(written[rule.id]))
        for at, (path, number) in enumerate(numbers or [("", "")]):
            yield _Line(rule, at == 0, path, number)


def _rules(book: Book, view: RuleView) -> None:
    words = book.words
    sheet = book.sheet("sheet.settings", [26, 26, 46, 9, 22, 12, 44], open_=True)
    sheet.titles(words("template.rules"), words("template.note"), "")
    sheet.head(_TOP - 1, [words(key) for key in _RULE_HEADS])
    sheet.page.freeze_panes(_TOP, 2)
    row = _TOP
    for row, line in enumerate(_lines(view.scenario), _TOP):
        _rule(sheet, row, line, view)
    choice = [words("yes"), words("no")]
    check = {"validate": "list", "source": choice, "error_message": words("template.yes-no")}
    sheet.page.data_validation(_TOP, 3, row, 3, check)


def _rule(sheet: BookSheet, row: int, line: _Line, view: RuleView) -> None:
    words, rule = view.words, line.rule
    on = words("yes") if rule.enabled else words("no")
    before = grounds_words(rule, words.lang)
    source = rule.number_from.of(words.lang) or rule.reason.of(words.lang)
    told = words("template.told", grounds=before, source=source) if before else source
    asks = view.sentence(rule.id) if line.first else ""
    title = rule.title.of(words.lang)
    texts = [rule.id, title, asks, on if line.first else "", line.path, "", told]
    for column, text in enumerate(texts):
        sheet.text(row, column, text, "wrap center" if column == 3 else "wrap")
    if line.number:
        _number(sheet, row, 5, line.number)
    sheet.high(row, texts)


def _number(sheet: BookSheet, row: int, column: int, written: str) -> None:
    """A number that a cell holds exactly as a number, any other as its text."""
    exact = parse_exact(written)
    if format(float(exact), ".15g") == exact_text(exact):
        sheet.number(row, column, exact, "cell any")
    else:
        sheet.text(row, column, exact_text(exact), "cell right")


def _weights(book: Book, view: RuleView) -> None:
    words, weights = book.words, view.scenario.spec.objective.weights
    sheet = book.sheet("sheet.weights", [22, 30, 14, 12], open_=True)
    sheet.titles(words("template.weights"), "", "")
    sheet.head(_TOP - 1, [words(key) for key in _WEIGHT_HEADS])
    sheet.page.freeze_panes(_TOP, 1)
    for row, metric in enumerate(view.scenario.programme.file.metrics, _TOP):
        title, unit = metric.title.of(words.lang), metric.unit.of(words.lang)
        sheet.texts(row, [metric.id, title, unit], "wrap")
        _number(sheet, row, 3, exact_text(weights.get(metric.id, 0)))
