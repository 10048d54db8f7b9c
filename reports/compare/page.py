"""What `allot compare` shows on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from optimizer.compare import Column, Compared
from optimizer.compare.inputs import InputRow
from optimizer.compare.rows import OutcomeRow
from optimizer.compare.ties import Mark
from reports.compare.board import Board, signed
from reports.compare.money import moves, sums
from reports.layout import Paragraph, Part
from reports.numbers import figure, percent, plain
from reports.page.sheet import amount_text
from reports.tables import Grid, Line
from reports.words import Words

MOST_INPUTS = 40
"""More differences than these in the inputs are counted, not listed."""
NO_ROOM = ("whole-units", "eligibility", "locks")
"""Reserved findings that never leave room: shown where broken."""
MOST_COUNTIES = 5
"""So many counties that gain and that lose most are named for each column."""


def compare_page(compared: Compared, words: Words, counties: Sequence[int] = ()) -> list[Part]:
    """The page; `counties` are positions of those to be told in full."""
    board = Board(compared, words)
    return [
        *_head(board),
        *_notes(board),
        outcome_grid(board),
        *_inputs(board),
        *[money for money in _money(board) if money.lines],
        *_moved(board),
        _rules(board),
        *[part for at in counties for part in _county(board, at)],
        Paragraph(""),
        *(Paragraph(text, indent=3) for text in board.legend(marks_in_use(board))),
    ]


def marks_in_use(board: Board) -> list[Mark]:
    """The marks that some number bears."""
    compared = board.compared
    moved = [row.mark for row in compared.moved_rows]
    return [*(row.mark for row in compared.outcome_rows), *moved]


def _head(board: Board) -> list[Part]:
    words, compared = board.words, board.compared
    programme = compared.world.programme.file.title.of(board.lang)
    reference = board.letter(compared.reference)
    parts: list[Part] = [
        Paragraph(programme, "bold"),
        Paragraph(words("compare.title", reference=reference), "bold"),
    ]
    for one in compared.columns:
        style = "bold red" if one.reads is None else ""
        said = words(
            "compare.column",
            letter=board.letter(one),
            title=board.title(one),
            name=one.name,
            status=board.status(one),
        )
        parts.append(Paragraph(said, style, indent=4))
        parts += [Paragraph("   " + text, indent=6) for text in board.why(one)]
    return [*parts, Paragraph("")]


def _notes(board: Board) -> list[Part]:
    return [Paragraph(board.words("study.note", note=text), indent=2) for text in remarks(board)]


def remarks(board: Board) -> list[str]:
    """Sentences on what is shared, what is another response, and what is no finding."""
    words, compared = board.words, board.compared
    found = []
    for row in compared.world.apart:
        column = compared.column(row.column)
        found.append(
            words(
                _APART[row.what],
                letter=board.letter(column),
                here=_few(board, row.only_here),
                there=_few(board, row.only_in_reference),
            )
        )
    others = [one for one in compared.others if compared.has_other_response(one)]
    whole = [one for one in others if one.reads is not None and one.reads.under_reference]
    if whole:
        letters = words("list").join(board.letter(one) for one in whole)
        reference = board.letter(compared.reference)
        found.append(words("compare.other-response", letters=letters, reference=reference))
    for mark, key in (("tie", "compare.note.tie"), ("gap", "compare.note.gap")):
        like = [board.letter(one) for one in compared.others if compared.marks[one.name] == mark]
        if like:
            reference = board.letter(compared.reference)
            found.append(words(key, letters=words("list").join(like), reference=reference))
    return found


_APART = {
    "counties": "compare.apart.counties",
    "tasks": "compare.apart.tasks",
    "metrics": "compare.apart.metrics",
    "units": "compare.apart.units",
}


def _few(board: Board, names: Sequence[str]) -> str:
    if not names:
        return board.words("none")
    shown = board.words("list").join(names[:_FEW])
    rest = len(names) - _FEW
    return board.words("and-more", titles=shown, count=rest) if rest > 0 else shown


_FEW = 5


def outcome_grid(board: Board) -> Grid:
    """Metrics with the difference below each, then worth, shares, money, spread, rules."""
    words, compared = board.words, board.compared
    lines = [line for metric in compared.world.metrics for line in _metric(board, metric.id)]
    for title, shares in board.highlights():
        cells = ["-" if share is None else percent(share, 1) for share in shares]
        lines.append(Line((words("row.highlight", title=title), *cells)))
    lines.append(_line(board, "row.spent", lambda c: amount_text(c.reads.audit.spent)))
    lines.append(Line((words("compare.moved"), *_moved_cells(board))))
    if any(one.reads and one.reads.gini is not None for one in compared.columns):
        lines.append(_line(board, "compare.gini", _gini))
    lines.append(_line(board, "row.broken", _broken(board)))
    lines.append(_line(board, "compare.worth", _worth))
    lines.append(_line(board, "compare.own-index", lambda c: plain(c.reads.objective, 4)))
    header = (words("column.metric"), *(board.letter(one) for one in compared.columns))
    title = words("compare.outcomes", money=board.money, reference=board.letter(compared.reference))
    return Grid(title, header, tuple(lines))


def _metric(board: Board, metric: str) -> list[Line]:
    words, compared = board.words, board.compared
    listed = next(one for one in compared.world.metrics if one.id == metric)
    rows = {row.column: row for row in compared.outcome_rows if row.metric == metric}
    name = words("metric", title=listed.title.of(board.lang), unit=listed.unit.of(board.lang))
    ordered = [rows[one.name] for one in compared.columns]
    cells = ["-" if r.value is None else figure(r.value, 1, listed.target) for r in ordered]
    found = [Line((name, *cells)), Line((words("compare.difference"), *_apart(board, ordered)))]
    if any(compared.has_other_response(one) and _is_read(one) for one in compared.others):
        said = ["-" if r.by_reference is None else plain(r.by_reference, 1) for r in ordered]
        found.insert(1, Line((words("compare.by-reference"), *said)))
    return found


def _is_read(column: Column) -> bool:
    return column.reads is not None and column.reads.under_reference is not None


def _apart(board: Board, rows: Sequence[OutcomeRow]) -> list[str]:
    """Differences with their marks; by the reference's response where that is another."""
    found = []
    for row in rows:
        if row.column == board.compared.reference.name:
            found.append("")
            continue
        found.append(difference_text(board, row))
    return found


def difference_text(board: Board, row: OutcomeRow) -> str:
    """The difference of one metric as it is to be read: by one response, with its mark."""
    counted = row.difference
    if counted is None:
        return "-"
    if row.difference_by_reference is not None:
        counted = row.difference_by_reference
    sign = board.mark(row.mark)
    return f"{signed(counted, 1)}{' ' + sign if sign else ''}"


def _line(board: Board, key: str, read: object) -> Line:
    assert callable(read)
    cells = ["-" if one.reads is None else str(read(one)) for one in board.compared.columns]
    return Line((board.words(key), *cells))


def _gini(column: Column) -> str:
    gini = column.reads.gini if column.reads else None
    return "-" if gini is None else plain(gini, 3)


def _worth(column: Column) -> str:
    worth = column.reads.worth if column.reads else None
    return "-" if worth is None else plain(worth, 4)


def _broken(board: Board) -> object:
    def read(column: Column) -> str:
        assert column.reads is not None
        count = len(column.reads.audit.broken_rules)
        return plain(count) if count else board.words("none")

    return read


def _moved_cells(board: Board) -> list[str]:
    rows = {row.column: row for row in board.compared.moved_rows}
    found = []
    for one in board.compared.columns:
        row = rows.get(one.name)
        if row is None or row.moved is None:
            found.append("" if row is None else "-")
            continue
        sign = board.mark(row.mark)
        found.append(f"{amount_text(row.moved)}{' ' + sign if sign else ''}")
    return found


def _inputs(board: Board) -> list[Part]:
    words, compared = board.words, board.compared
    shown = input_matrix(board)
    if not shown:
        return [Paragraph(""), Paragraph(words("compare.inputs.none"), indent=2)]
    lines = [Line((path, *cells)) for path, cells in shown[:MOST_INPUTS]]
    if len(shown) > MOST_INPUTS:
        more = words("compare.inputs.more", count=len(shown) - MOST_INPUTS)
        lines.append(Line((more, *[""] * len(compared.columns)), "note"))
    header = (words("compare.path"), *(board.letter(one) for one in compared.columns))
    text = frozenset({0})
    return [Grid(words("compare.inputs"), header, tuple(lines), text)]


def input_matrix(board: Board) -> list[tuple[str, list[str]]]:
    """(path, what stands there in each column) of every difference that is no wording."""
    compared = board.compared
    rows: dict[str, dict[str, InputRow]] = {}
    for row in compared.input_rows:
        if row.sort != "wording":
            rows.setdefault(row.path, {})[row.column] = row
    found = []
    for path, by_column in rows.items():
        before = next(iter(by_column.values())).reference
        cells = [
            board.input_value(by_column[one.name].value if one.name in by_column else before)
            for one in compared.columns
        ]
        found.append((path, cells))
    return found


def _money(board: Board) -> list[Grid]:
    """Money by task and by each grouping: the reference's, then what the others differ by."""
    words, compared = board.words, board.compared
    grids = []
    for title, rows in sums(board):
        lines = [
            Line((name, *_against(board, amounts)), "total" if at == len(rows) - 1 else "")
            for at, (name, amounts) in enumerate(rows)
        ]
        header = [title]
        for one in compared.columns:
            letter = board.letter(one)
            minus = words(
                "compare.minus", letter=letter, reference=board.letter(compared.reference)
            )
            header.append(letter if one is compared.reference else minus)
        grids.append(
            Grid(words("compare.money", by=title, money=board.money), tuple(header), tuple(lines))
        )
    return grids


def _against(board: Board, amounts: Sequence[Fraction | None]) -> list[str]:
    compared = board.compared
    mine = amounts[compared.at]
    found = []
    for one, amount in zip(compared.columns, amounts, strict=True):
        if one is compared.reference:
            found.append("-" if mine is None else amount_text(mine))
        elif amount is None or mine is None:
            found.append("-")
        else:
            found.append(signed(amount - mine))
    return found


def _moved(board: Board) -> list[Part]:
    words, compared = board.words, board.compared
    parts: list[Part] = [Paragraph(""), Paragraph(words("compare.counties"), "bold")]
    for one in compared.others:
        for text in moves(board, one, MOST_COUNTIES):
            parts.append(Paragraph("  " + text, indent=4))
    return parts if len(parts) > 2 else []


def _rules(board: Board) -> Grid:
    """Every rule with its state and slack, column by column."""
    words, compared = board.words, board.compared
    rows: dict[str, list[str]] = {}
    for row in compared.rule_rows:
        slack = board.slack(row)
        state = board.rule_state(row)
        rows.setdefault(row.rule, []).append(f"{state} {slack}".strip())
    off = words("compare.state.off"), words("compare.state.absent")
    broken = {row.rule for row in compared.rule_rows if row.broken}
    shown = {
        rule: cells
        for rule, cells in rows.items()
        if not set(cells) <= set(off) and (rule not in NO_ROOM or rule in broken)
    }
    lines = [Line((board.rule_title(rule), *cells)) for rule, cells in shown.items()]
    header = (words("column.rule"), *(board.letter(one) for one in compared.columns))
    return Grid(words("compare.rules", money=board.money), header, tuple(lines))


def _county(board: Board, at: int) -> list[Part]:
    """One county: its money in each column, and the rules that bind for it."""
    words, compared = board.words, board.compared
    county = compared.world.counties[at]
    title = words("compare.county", county=board.county(at), code=county.code, money=board.money)
    changes = {one.name: compared.changes(one)[at] for one in compared.columns}
    lines = []
    for one in compared.columns:
        money = "-"
        if one.reads is not None:
            money = amount_text(Fraction(sum(one.reads.money[at].tolist())))
        if one.reads is not None and one is not compared.reference:
            money += f" ({signed(changes[one.name])})"
        rules = words("list").join(board.binding(one)[1].get(county.code, [])) or words("none")
        lines.append(Line((board.letter(one), money, rules)))
    header = ("", board.money, words("compare.binds"))
    return [Grid(title, header, tuple(lines), frozenset({0, 2}))]
