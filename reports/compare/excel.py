"""compare.xlsx: the comparison for people who live in a spreadsheet; the same bytes every time.

Amounts stand as numbers, differences and totals as formulas over them, so that a column may be
edited and the rest follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from optimizer.compare import Compared
from optimizer.compare.rows import RuleRow, outside_of
from reports.compare.board import Board
from reports.compare.excel_outcomes import write_outcomes
from reports.compare.money import sums
from reports.compare.said import NO_ROOM, input_matrix, marks_in_use, remarks
from reports.excel_book import Book, Sheet, area, cell, lines_of, width_of
from reports.page.sheet import upper
from reports.words import Words

_NAME, _COLUMN = 34.0, 13.0
_HEAD = 3
"""Row of the head: below title, what is shown, and a line of its own."""
MOST_INPUTS = 2_000


def compare_xlsx(compared: Compared, lang: str) -> bytes:
    """The workbook in one language."""
    board = Board(compared, Words(lang))
    programme = compared.world.programme.file.id
    book = Book(board.words, f"{programme} · {board.words('compare.page.title')}")
    _summary(book, board)
    _inputs(book, board)
    _money(book, board)
    _counties(book, board)
    _cells(book, board)
    _rules(book, board)
    return book.close()


def _sheet(book: Book, board: Board, key: str, widths: Sequence[float]) -> Sheet:
    """A sheet with its titles."""
    sheet = book.sheet(key, widths, open_=True)
    reference = board.title(board.compared.reference)
    shown = board.words(
        "compare.title", reference=f"{board.letter(board.compared.reference)} {reference}"
    )
    sheet.titles(sheet.name, shown, board.money)
    return sheet


def _changes(board: Board) -> list[str]:
    """Heads of the differences: B－A."""
    reference = board.letter(board.compared.reference)
    return [
        board.words("compare.minus", letter=board.letter(one), reference=reference)
        for one in board.compared.others
    ]


def _summary(book: Book, board: Board) -> None:
    """The columns, what must be said of them, and their outcomes."""
    words, compared = board.words, board.compared
    sheet = _sheet(book, board, "sheet.compare", [_NAME, *[_COLUMN] * len(compared.columns)])
    row = _HEAD
    for text in (*_columns(board), *(words("study.note", note=text) for text in remarks(board))):
        row = _told(sheet, row, text)
    row = write_outcomes(sheet, board, row + 1)
    for text in board.legend(marks_in_use(board)):
        row = _told(sheet, row, text)


def _columns(board: Board) -> Iterator[str]:
    """A line a column; more where it has no allocation."""
    for one in board.compared.columns:
        yield board.line(one)
        yield from board.why(one)


def _told(sheet: Sheet, row: int, text: str) -> int:
    """A sentence over the whole width; the row after it."""
    last = len(sheet.widths) - 1
    sheet.page.merge_range(row, 0, row, last, "", sheet.book.style("plain"))
    sheet.text(row, 0, text, "plain")
    sheet.page.set_row(row, lines_of(text, sum(sheet.widths)) * 13.5 + 3.5)
    return row + 1


def _inputs(book: Book, board: Board) -> None:
    words, compared = board.words, board.compared
    sheet = _sheet(book, board, "sheet.compare-inputs", [44.0, *[19.0] * len(compared.columns)])
    sheet.head(_HEAD, [words("compare.path"), *board.heads()])
    rows = input_matrix(board)
    for row, (path, cells) in enumerate(rows[:MOST_INPUTS], _HEAD + 1):
        sheet.text(row, 0, path, "wrap")
        sheet.high(row, [path])
        before = cells[compared.at]
        for at, said in enumerate(cells, 1):
            bold = " bold" if said != before else ""
            sheet.text(row, at, said, f"wrap right{bold}")
    sheet.page.freeze_panes(_HEAD + 1, 1)


def _money(book: Book, board: Board) -> None:
    """Money by task and by each grouping, a table below the other."""
    compared = board.compared
    count = len(compared.columns) + len(compared.others)
    sheet = _sheet(book, board, "sheet.compare-money", [_NAME, *[_COLUMN] * count])
    row = _HEAD
    for title, rows in sums(board):
        heads = [title, *board.heads(), *_changes(board)]
        sheet.texts(row, heads, "head")
        sheet.high(row, heads, bold=True)
        for at, (name, amounts) in enumerate(rows, row + 1):
            last = at == row + len(rows)
            style = "cell total" if last else "cell"
            sheet.text(at, 0, name, style)
            first = (row + 1, at - 1) if last else None
            _amounts(sheet, board, (at, 1), amounts, (style, first))
        row += len(rows) + 2
    sheet.page.freeze_panes(_HEAD, 1)


def _amounts(
    sheet: Sheet,
    board: Board,
    at: tuple[int, int],
    amounts: Sequence[Fraction | None],
    how: tuple[str, tuple[int, int] | None],
) -> None:
    """Amounts of all columns, then differences as formulas; a total is a sum over `how[1]` rows."""
    (row, first), (style, over) = at, how
    compared = board.compared
    money = f"{style} {'whole' if _is_whole(board) else 'cents'}"
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


def _is_whole(board: Board) -> bool:
    columns = board.compared.columns
    return all(one.reads is None or one.reads.allocation.is_whole for one in columns)


def _counties(book: Book, board: Board) -> None:
    """A row a county, the total below; places outside the grid stand before the total."""
    words, compared = board.words, board.compared
    world = compared.world
    count = len(compared.columns) + len(compared.others)
    groups = [_names(board, level) for level in range(len(world.groupings))]
    named = [[board.county(at) for at in range(len(world.counties))]]
    named += [list(names.values()) for names in groups]
    fixed = [10.0, *(_wide(texts) for texts in named)]
    sheet = _sheet(book, board, "sheet.compare-counties", [*fixed, *[_COLUMN] * count])
    by = [board.grouping(level) for level in range(len(world.groupings))]
    county = upper(world.labels.column("county", board.lang))
    heads = [words("compare.code"), county, *by, *board.heads(), *_changes(board)]
    sheet.head(_HEAD, heads)
    row = _HEAD + 1
    for at, one in enumerate(world.counties):
        sheet.texts(row, [one.code, board.county(at), *(names[at] for names in groups)], "cell")
        _amounts(sheet, board, (row, len(fixed)), _row(board, at), ("cell", None))
        row += 1
    for code, name, amounts in _outside(board):
        sheet.texts(row, [code, name, *[""] * len(groups)], "cell")
        _amounts(sheet, board, (row, len(fixed)), amounts, ("cell", None))
        row += 1
    sheet.texts(row, ["", words("total"), *[""] * len(groups)], "cell total")
    spent = [one.reads.audit.spent if one.reads else None for one in compared.columns]
    over = (_HEAD + 1, row - 1)
    _amounts(sheet, board, (row, len(fixed)), spent, ("cell total", over))
    sheet.page.freeze_panes(_HEAD + 1, 2)
    sheet.page.autofilter(_HEAD, 0, row - 1, len(heads) - 1)


def _wide(texts: Sequence[str]) -> float:
    """A column wide enough for its longest text."""
    return min(40.0, max(12.0, max(width_of(text) for text in texts) * 1.05 + 1))


def _names(board: Board, level: int) -> dict[int, str]:
    """Position of a county → the name of its group."""
    return {at: name for name, members in board.groups(level).items() for at in members}


def _row(board: Board, county: int) -> list[Fraction | None]:
    return _read(board, lambda money: sum(money[county].tolist()))


def _read(board: Board, read: Callable[..., object]) -> list[Fraction | None]:
    return [
        None if one.reads is None else Fraction(str(read(one.reads.money)))
        for one in board.compared.columns
    ]


def _outside(board: Board) -> list[tuple[str, str, list[Fraction | None]]]:
    """(code, name, money in each column) of the places outside the grid."""
    columns = board.compared.columns
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


def _cells(book: Book, board: Board) -> None:
    """A row a cell that holds money in any column."""
    words, compared = board.words, board.compared
    count = len(compared.columns) + len(compared.others)
    world = compared.world
    texts = [[board.county(at) for at in range(len(world.counties))]]
    texts.append([board.task(at) for at in range(len(world.tasks))])
    fixed = [10.0, *(_wide(names) for names in texts)]
    sheet = _sheet(book, board, "sheet.compare-cells", [*fixed, *[_COLUMN] * count])
    county, task = (upper(world.labels.column(what, board.lang)) for what in ("county", "task"))
    heads = [words("compare.code"), county, task, *board.heads(), *_changes(board)]
    sheet.head(_HEAD, heads)
    row = _HEAD
    for c, place in enumerate(compared.world.counties):
        for t in range(len(compared.world.tasks)):
            amounts = _read(board, lambda money, c=c, t=t: money[c, t])
            if any(amounts):
                row += 1
                sheet.texts(row, [place.code, board.county(c), board.task(t)], "cell")
                _amounts(sheet, board, (row, 3), amounts, ("cell", None))
    sheet.page.freeze_panes(_HEAD + 1, 3)
    sheet.page.autofilter(_HEAD, 0, max(row, _HEAD), len(heads) - 1)


def _rules(book: Book, board: Board) -> None:
    """State and slack of every rule in each column."""
    words, compared = board.words, board.compared
    sheet = _sheet(
        book, board, "sheet.compare-rules", [_NAME, 40.0, *[_COLUMN] * 2 * len(compared.columns)]
    )
    slack = words("column.slack")
    pairs = [text for head in board.heads() for text in (head, slack)]
    sheet.head(_HEAD, [words("column.rule"), words("column.sentence"), *pairs])
    rows: dict[str, list[RuleRow]] = {}
    for one in compared.rule_rows:
        rows.setdefault(one.rule, []).append(one)
    row = _HEAD
    for name, found in rows.items():
        if name in NO_ROOM and not any(one.broken for one in found):
            continue
        row += 1
        texts = [board.rule_title(name), board.rule_sentence(name)]
        sheet.texts(row, texts, "wrap")
        sheet.high(row, texts)
        for at, one in enumerate(found):
            sheet.text(row, 2 + 2 * at, board.rule_state(one), "wrap center")
            sheet.text(row, 3 + 2 * at, board.slack(one), "cell right")
    sheet.page.freeze_panes(_HEAD + 1, 1)
