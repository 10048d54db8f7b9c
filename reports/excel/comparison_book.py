"""compare.xlsx: the comparison for people who live in a spreadsheet; always the same bytes.

Amounts stand as numbers, differences and totals as formulas over them, so that a column may be
edited and the rest follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from models.programme import Metric
from optimizer.compare import Compared
from optimizer.compare.columns import Reads
from optimizer.compare.rows import RuleRow, outside_of
from reports.catalogue import Words
from reports.documents.comparison_tables import sums
from reports.excel.book import Book, BookSheet, area, cell, lines_of, width_of
from reports.numbers import upper
from reports.view.comparison_view import (
    NO_ROOM,
    ComparisonView,
    input_matrix,
    marks_in_use,
    remarks,
    shown_difference,
)

Numbers = list[Fraction | None]
Line = tuple[str, Numbers, str]
"""(title, a number a column, its style)."""


def write_outcomes(sheet: BookSheet, view: ComparisonView, row: int) -> int:
    """Metrics with their differences and marks, then shares, money, spread, rules, the index.

    The row after them.
    """
    known = view.compared.world.metrics
    heads = [view.words("column.metric" if known else "column.fact"), *view.heads()]
    sheet.texts(row, heads, "head")
    sheet.high(row, heads, bold=True)
    for metric in view.compared.world.metrics:
        row = _metric(sheet, view, metric.id, row + 1)
    for title, numbers, style in _others(view):
        row += 1
        _line(sheet, row, (title, numbers, style))
    return row + 2


def _metric(sheet: BookSheet, view: ComparisonView, name: str, row: int) -> int:
    """Value, the reference's reading, difference, marks; the last row written."""
    words, compared = view.words, view.compared
    metric = next(one for one in compared.world.metrics if one.id == name)
    found = {row.column: row for row in compared.outcome_rows if row.metric == name}
    rows = [found[one.name] for one in compared.columns]
    title = words("metric", title=metric.title.of(view.lang), unit=metric.unit.of(view.lang))
    style, signs = ("number", "signed") if metric.whole else ("one", "signed-one")
    _line(sheet, row, (title, [_shown(metric, one.value) for one in rows], style))
    if any(compared.has_other_response(one) for one in compared.others):
        row += 1
        by = words("compare.by-reference").strip()
        _line(sheet, row, (by, [_shown(metric, one.by_reference) for one in rows], style))
    less: Numbers = [shown_difference(metric, one) for one in rows]
    less[compared.at] = None
    row += 1
    _line(sheet, row, (words("compare.difference").strip(), less, signs))
    marks = [view.mark(one.mark) for one in rows]
    if any(marks):
        row += 1
        sheet.texts(row, [words("compare.mark"), *marks], "cell right")
    return row


def _shown(metric: Metric, value: Fraction | None) -> Fraction | None:
    return None if value is None else metric.shown(value)


def _line(sheet: BookSheet, row: int, line: Line) -> None:
    title, numbers, style = line
    sheet.text(row, 0, title, "wrap")
    sheet.high(row, [title])
    for at, number in enumerate(numbers, 1):
        sheet.number(row, at, number, f"cell {style}")


def _others(view: ComparisonView) -> Iterator[Line]:
    words = view.words
    for title, shares in view.highlights():
        yield words("row.highlight", title=title), shares, "percent"
    yield words("row.spent"), _read(view, lambda reads: reads.audit.spent), "whole"
    moved = {row.column: row.moved for row in view.compared.moved_rows}
    yield words("compare.moved"), [moved.get(one.name) for one in view.compared.columns], "whole"
    gini = _read(view, lambda reads: reads.gini)
    if any(gini):
        yield words("compare.gini"), gini, "three"
    broken = _read(view, lambda reads: Fraction(len(reads.audit.broken_rules)))
    yield words("row.broken"), broken, "whole"
    if not view.compared.world.metrics:  # Nothing is worth points.
        return
    yield words("compare.worth"), _read(view, lambda reads: reads.worth), "four"
    yield words("compare.own-index"), _read(view, lambda reads: reads.objective), "four"


def _read(view: ComparisonView, read: Callable[[Reads], Fraction | None]) -> Numbers:
    columns: Sequence[Reads | None] = [one.reads for one in view.compared.columns]
    return [None if reads is None else read(reads) for reads in columns]


_NAME, _COLUMN = 34.0, 13.0
_HEAD = 3
"""Row of the head: below title, what is shown, and a line of its own."""
MOST_INPUTS = 2_000


def compare_xlsx(compared: Compared, lang: str) -> bytes:
    """The workbook in one language."""
    view = ComparisonView(compared, Words(lang))
    programme = compared.world.programme.file.id
    book = Book(view.words, f"{programme} · {view.words('compare.page.title')}")
    _summary(book, view)
    _inputs(book, view)
    _money(book, view)
    _counties(book, view)
    _cells(book, view)
    _rules(book, view)
    return book.close()


def _sheet(book: Book, view: ComparisonView, key: str, widths: Sequence[float]) -> BookSheet:
    """A sheet with its titles."""
    sheet = book.sheet(key, widths, open_=True)
    reference = view.title(view.compared.reference)
    shown = view.words(
        "compare.title", reference=f"{view.letter(view.compared.reference)} {reference}"
    )
    sheet.titles(sheet.name, shown, view.money)
    return sheet


def _changes(view: ComparisonView) -> list[str]:
    """Heads of the differences: B－A."""
    reference = view.letter(view.compared.reference)
    return [
        view.words("compare.minus", letter=view.letter(one), reference=reference)
        for one in view.compared.others
    ]


def _summary(book: Book, view: ComparisonView) -> None:
    """The columns, what must be said of them, and their outcomes."""
    words, compared = view.words, view.compared
    sheet = _sheet(book, view, "sheet.compare", [_NAME, *[_COLUMN] * len(compared.columns)])
    row = _HEAD
    for text in (*_columns(view), *(words("study.note", note=text) for text in remarks(view))):
        row = _told(sheet, row, text)
    row = write_outcomes(sheet, view, row + 1)
    for text in view.legend(marks_in_use(view)):
        row = _told(sheet, row, text)


def _columns(view: ComparisonView) -> Iterator[str]:
    """A line a column; more where it has no allocation."""
    for one in view.compared.columns:
        yield view.line(one)
        yield from view.changes(one)
        yield from view.why(one)


def _told(sheet: BookSheet, row: int, text: str) -> int:
    """A sentence over the whole width; the row after it."""
    last = len(sheet.widths) - 1
    sheet.page.merge_range(row, 0, row, last, "", sheet.book.style("plain"))
    sheet.text(row, 0, text, "plain")
    sheet.page.set_row(row, lines_of(text, sum(sheet.widths)) * 13.5 + 3.5)
    return row + 1


def _inputs(book: Book, view: ComparisonView) -> None:
    words, compared = view.words, view.compared
    sheet = _sheet(book, view, "sheet.compare-inputs", [44.0, *[19.0] * len(compared.columns)])
    sheet.head(_HEAD, [words("compare.path"), *view.heads()])
    rows = input_matrix(view)
    for row, (path, cells) in enumerate(rows[:MOST_INPUTS], _HEAD + 1):
        sheet.text(row, 0, path, "wrap")
        sheet.high(row, [path])
        before = cells[compared.at]
        for at, said in enumerate(cells, 1):
            bold = " bold" if said != before else ""
            sheet.text(row, at, said, f"wrap right{bold}")
    sheet.page.freeze_panes(_HEAD + 1, 1)


def _money(book: Book, view: ComparisonView) -> None:
    """Money by task and by each grouping, a table below the other."""
    compared = view.compared
    count = len(compared.columns) + len(compared.others)
    sheet = _sheet(book, view, "sheet.compare-money", [_NAME, *[_COLUMN] * count])
    row = _HEAD
    for title, rows in sums(view):
        heads = [title, *view.heads(), *_changes(view)]
        sheet.texts(row, heads, "head")
        sheet.high(row, heads, bold=True)
        for at, (name, amounts) in enumerate(rows, row + 1):
            last = at == row + len(rows)
            style = "cell total" if last else "cell"
            sheet.text(at, 0, name, style)
            first = (row + 1, at - 1) if last else None
            _amounts(sheet, view, (at, 1), amounts, (style, first))
        row += len(rows) + 2
    sheet.page.freeze_panes(_HEAD, 1)


def _amounts(
    sheet: BookSheet,
    view: ComparisonView,
    at: tuple[int, int],
    amounts: Sequence[Fraction | None],
    how: tuple[str, tuple[int, int] | None],
) -> None:
    """Amounts of all columns, then differences as formulas; a total is a sum over `how[1]` rows."""
    (row, first), (style, over) = at, how
    compared = view.compared
    money = f"{style} {'whole' if _is_whole(view) else 'cents'}"
    for number, amount in enumerate(amounts):
        column = first + number
        if amount is None or over is None:
            sheet.number(row, column, amount, money)
        else:
            body = f"SUM({area((over[0], column), (over[1], column))})"
            sheet.formula(row, column, body, amount, money)
    mine = amounts[compared.at]
    column = first + len(amounts)
    for one in compared.others:
        number = compared.columns.index(one)
        theirs = amounts[number]
        if theirs is None or mine is None:
            sheet.number(row, column, None, style)
        else:
            body = f"{cell(row, first + number)}-{cell(row, first + compared.at)}"
            sheet.formula(row, column, body, theirs - mine, f"{style} signed")
        column += 1


def _is_whole(view: ComparisonView) -> bool:
    columns = view.compared.columns
    return all(one.reads is None or one.reads.allocation.is_whole for one in columns)


def _counties(book: Book, view: ComparisonView) -> None:
    """A row a county, the total below; places outside the grid stand before the total."""
    words, compared = view.words, view.compared
    world = compared.world
    count = len(compared.columns) + len(compared.others)
    groups = [_names(view, level) for level in range(len(world.groupings))]
    named = [[view.county(at) for at in range(len(world.counties))]]
    named += [list(names.values()) for names in groups]
    fixed = [10.0, *(_wide(texts) for texts in named)]
    sheet = _sheet(book, view, "sheet.compare-counties", [*fixed, *[_COLUMN] * count])
    by = [view.grouping(level) for level in range(len(world.groupings))]
    county = upper(world.labels.column("county", view.lang))
    heads = [words("compare.code"), county, *by, *view.heads(), *_changes(view)]
    sheet.head(_HEAD, heads)
    row = _HEAD + 1
    for at, one in enumerate(world.counties):
        sheet.texts(row, [one.code, view.county(at), *(names[at] for names in groups)], "cell")
        _amounts(sheet, view, (row, len(fixed)), _row(view, at), ("cell", None))
        row += 1
    for code, name, amounts in _outside(view):
        sheet.texts(row, [code, name, *[""] * len(groups)], "cell")
        _amounts(sheet, view, (row, len(fixed)), amounts, ("cell", None))
        row += 1
    sheet.texts(row, ["", words("total"), *[""] * len(groups)], "cell total")
    spent = [one.reads.audit.spent if one.reads else None for one in compared.columns]
    over = (_HEAD + 1, row - 1)
    _amounts(sheet, view, (row, len(fixed)), spent, ("cell total", over))
    sheet.page.freeze_panes(_HEAD + 1, 2)
    sheet.page.autofilter(_HEAD, 0, row - 1, len(heads) - 1)


def _wide(texts: Sequence[str]) -> float:
    """A column wide enough for its longest text."""
    return min(40.0, max(12.0, max(width_of(text) for text in texts) * 1.05 + 1))


def _names(view: ComparisonView, level: int) -> dict[int, str]:
    """Position of a county → the name of its group."""
    return {at: name for name, members in view.groups(level).items() for at in members}


def _row(view: ComparisonView, county: int) -> list[Fraction | None]:
    return _read_columns(view, lambda money: sum(money[county].tolist()))


def _read_columns(view: ComparisonView, read: Callable[..., object]) -> list[Fraction | None]:
    return [
        None if one.reads is None else Fraction(str(read(one.reads.money)))
        for one in view.compared.columns
    ]


def _outside(view: ComparisonView) -> list[tuple[str, str, list[Fraction | None]]]:
    """(code, name, money in each column) of the places outside the grid."""
    columns = view.compared.columns
    names = {code: name for one in columns for code, (name, _) in outside_of(one).items()}
    return [
        (
            code,
            name,
            [
                None if one.reads is None else outside_of(one).get(code, ("", Fraction(0)))[1]
                for one in columns
            ],
        )
        for code, name in names.items()
    ]


def _cells(book: Book, view: ComparisonView) -> None:
    """A row a cell that holds money in any column."""
    words, compared = view.words, view.compared
    count = len(compared.columns) + len(compared.others)
    world = compared.world
    texts = [[view.county(at) for at in range(len(world.counties))]]
    texts.append([view.task(at) for at in range(len(world.tasks))])
    fixed = [10.0, *(_wide(names) for names in texts)]
    sheet = _sheet(book, view, "sheet.compare-cells", [*fixed, *[_COLUMN] * count])
    county, task = (upper(world.labels.column(what, view.lang)) for what in ("county", "task"))
    heads = [words("compare.code"), county, task, *view.heads(), *_changes(view)]
    sheet.head(_HEAD, heads)
    row = _HEAD
    for c, place in enumerate(compared.world.counties):
        for t in range(len(compared.world.tasks)):
            amounts = _read_columns(view, lambda money, c=c, t=t: money[c, t])
            if any(amounts):
                row += 1
                sheet.texts(row, [place.code, view.county(c), view.task(t)], "cell")
                _amounts(sheet, view, (row, 3), amounts, ("cell", None))
    sheet.page.freeze_panes(_HEAD + 1, 3)
    sheet.page.autofilter(_HEAD, 0, max(row, _HEAD), len(heads) - 1)


def _rules(book: Book, view: ComparisonView) -> None:
    """State and slack of every rule in each column."""
    words, compared = view.words, view.compared
    sheet = _sheet(
        book, view, "sheet.compare-rules", [_NAME, 40.0, *[_COLUMN] * 2 * len(compared.columns)]
    )
    slack = words("column.slack")
    pairs = [text for head in view.heads() for text in (head, slack)]
    sheet.head(_HEAD, [words("column.rule"), words("column.sentence"), *pairs])
    rows: dict[str, list[RuleRow]] = {}
    for one in compared.rule_rows:
        rows.setdefault(one.rule, []).append(one)
    row = _HEAD
    for name, found in rows.items():
        if name in NO_ROOM and not any(one.broken for one in found):
            continue
        row += 1
        texts = [view.rule_title(name), view.rule_sentence(name)]
        sheet.texts(row, texts, "wrap")
        sheet.high(row, texts)
        for at, one in enumerate(found):
            sheet.text(row, 2 + 2 * at, view.rule_state(one), "wrap center")
            sheet.text(row, 3 + 2 * at, view.slack(one), "cell right")
    sheet.page.freeze_panes(_HEAD + 1, 1)
