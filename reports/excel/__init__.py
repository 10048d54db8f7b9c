"""`workbook.xlsx`: a solution as finance staff work with it; made anew it has the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.metadata import read_labels, read_sources
from models.record.manifest import Manifest, in_fours
from models.solution import Solution
from models.workbook.reader import FORMAT, SCHEMA, VERSION
from optimizer.audit.limits import limit_forms
from optimizer.audit.measure import Measured
from reports.catalogue import Words
from reports.excel.annex_sheets import (
    write_certificate,
    write_parameters,
    write_prices,
    write_review,
    write_sources,
)
from reports.excel.book import Book
from reports.excel.check_sheet import rule_lines, state_of_table, write_limits, write_rules
from reports.excel.excel_document import write_grids
from reports.excel.factor_sheet import write_factors
from reports.excel.formulas import Cells, Layout, layout_of
from reports.excel.limit_rows import rule_limits, rule_needs, settled_limits, settled_needs
from reports.excel.money_sheet import head_titles, write_table
from reports.excel.result_sheets import result_needs, write_results, write_targets
from reports.excel.workings import write_workings
from reports.view.allocation_view import is_large, outcome_grid
from reports.view.county_table import group_grids
from reports.view.mover_table import mover_grids
from reports.view.page_model import page_model
from reports.view.rule_view import RuleView, rule_grid


def workbook(
    solution: Solution, manifest: Manifest, words: Words, *, printed: bool = False
) -> bytes:
    """The workbook of a solution; `manifest` (of its record) gives versions and hashes. The
    `printed` edition goes without certificate, and does not print what is only reckoned with.

    Of very many counties it shows the groups, and the table of all of them without the sheets that
    follow each cell: those would be too large to open.
    """
    if is_large(solution.scenario):
        return _by_group(solution, manifest, words)
    view = RuleView(solution.scenario, read_labels(solution.scenario.programme), words)
    mark = words("fingerprint", groups=in_fours(manifest.fingerprint))
    book = Book(words, about(view), mark=mark)
    sources = read_sources(solution.scenario.programme)
    layout = layout_of(view, solution.allocation)
    needs = _needs(view)
    cells = Cells(solution.scenario, solution.allocation, needs, words("sheet.workings"))
    budget, *settled = settled_limits(view, solution.audit, cells, layout)
    lines = rule_lines([budget, *rule_limits(view, solution.audit, cells), *settled])
    spent = (budget.value.body, budget.value.value)
    write_table(book, layout, state_of_table(layout, lines, spent))
    write_factors(book, solution, view, cells, sources)
    if solution.scenario.programme.metrics:
        write_targets(book, view, cells, lines)
    write_review(book, view, lines)
    write_rules(book, lines, layout)
    write_limits(book, lines, view)
    write_results(book, solution, view, cells)
    write_prices(book, solution, view)
    if not printed:
        write_certificate(book, solution, view, cells)
    write_parameters(book, solution, view, manifest)
    write_sources(book, sources)
    write_workings(book, cells, layout, hidden=printed)
    write_schema(book, layout)
    return book.close()


def _by_group(solution: Solution, manifest: Manifest, words: Words) -> bytes:
    """Outcomes, groups, rules as they are recorded; the table of counties with live totals."""
    model = page_model(solution, words.lang)
    view, scenario = model.view, solution.scenario
    mark = words("fingerprint", groups=in_fours(manifest.fingerprint))
    book = Book(words, about(view), mark=mark)
    shown = [column.shown for column in model.columns]
    grids = [
        outcome_grid(scenario, shown, view.labels, words),
        *group_grids(model),
        *mover_grids(model),
        rule_grid(view, solution.audit),
    ]
    write_grids(book, grids, words("large.note"))
    layout = layout_of(view, solution.allocation)
    write_table(book, layout)
    write_prices(book, solution, view)
    write_parameters(book, solution, view, manifest)
    write_sources(book, read_sources(scenario.programme))
    write_schema(book, layout)
    return book.close()


def about(view: RuleView) -> str:
    """What the footer of every page says beside the page's number."""
    return f"{view.scenario.programme.file.id} · {view.scenario.name}"


def _needs(view: RuleView) -> Iterator[Measured]:
    yield from settled_needs(view.scenario)
    yield from rule_needs(limit_forms(view.scenario, apart=True))
    yield from result_needs(view)


def write_schema(
    book: Book,
    layout: Layout,
    key: str = "sheet.table",
    more: Sequence[tuple[str, str]] = (),
) -> None:
    """The hidden sheet by which the table is read back: what stands where, under which head.

    `key`: the wording of the name of the table's sheet; `more`: further rows.
    """
    view, titles = layout.view, head_titles(layout)
    page = book.file.add_worksheet(SCHEMA)
    page.hide()
    programme = view.scenario.programme
    rows = [
        ("format", FORMAT),
        ("version", str(VERSION)),
        ("programme", programme.file.id),
        ("scenario", view.scenario.name),
        ("sheet", book.words(key)),
        ("code", titles[layout.code]),
        ("name", titles[layout.name]),
    ]
    for at, task in enumerate(programme.tasks.ids):
        rows.append((f"task {task}", titles[layout.task + at]))
    if layout.beyond is not None:
        rows.append(("outside", titles[layout.beyond]))
    rows += [*more, *(("county", code) for code in programme.counties.ids)]
    for row, (told, value) in enumerate(rows):
        page.write_string(row, 0, told)
        page.write_string(row, 1, value)
