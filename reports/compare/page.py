"""What `allot compare` shows on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from optimizer.compare import Compared
from reports.compare.board import Board, lower, signed
from reports.compare.money import moves, per_resident, sums
from reports.compare.outcomes import outcome_rows
from reports.compare.said import NO_ROOM, input_matrix, marks_in_use, remarks
from reports.layout import Paragraph, Part
from reports.page.sheet import amount_text
from reports.tables import Grid, Line
from reports.words import Words

MOST_INPUTS = 40
"""More differences than these in the inputs are counted, not listed."""
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
        *_per_head(board),
        *_moved(board),
        _rules(board),
        *[part for at in counties for part in _county(board, at)],
        Paragraph(""),
        *(Paragraph(text, indent=3) for text in board.legend(marks_in_use(board))),
    ]


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
        parts.append(Paragraph(board.line(one), style, indent=4))
        parts += [Paragraph("   " + text, indent=6) for text in board.why(one)]
    return [*parts, Paragraph("")]


def _notes(board: Board) -> list[Part]:
    return [Paragraph(board.words("study.note", note=text), indent=2) for text in remarks(board)]


def outcome_grid(board: Board) -> Grid:
    """Metrics with the difference below each, then shares, money, spread, rules, the index."""
    words, compared = board.words, board.compared
    lines = []
    for row in outcome_rows(board):
        inline = row.kind != "metric"
        cells = [f"{one.text} {one.change}".strip() if inline else one.text for one in row.cells]
        lines.append(Line((row.title, *cells)))
        if any(one.beside for one in row.cells):
            beside = [one.beside or one.text for one in row.cells]
            lines.append(Line((words("compare.by-reference"), *beside)))
        if not inline:
            changes = [one.change for one in row.cells]
            lines.append(Line((words("compare.difference"), *changes)))
    header = (words("column.metric"), *(board.letter(one) for one in compared.columns))
    title = words("compare.outcomes", money=board.money, reference=board.letter(compared.reference))
    return Grid(title, header, tuple(lines))


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
            Grid(
                words("compare.money", by=lower(title), money=board.money),
                tuple(header),
                tuple(lines),
            )
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


def _per_head(board: Board) -> list[Part]:
    found = per_resident(board)
    if found is None:
        return []
    title, rows = found
    last = len(rows) - 1
    lines = [
        Line((name, *cells), "total" if at == last else "") for at, (name, cells) in enumerate(rows)
    ]
    header = (board.grouping(0), *(board.letter(one) for one in board.compared.columns))
    return [Grid(title, header, tuple(lines))]


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
