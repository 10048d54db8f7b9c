"""compare.html: one self-contained page, readable and switchable without JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from markupsafe import Markup

from optimizer.compare import Column, Compared
from optimizer.compare.rows import RuleRow
from reports.compare.board import Board, lower, signed
from reports.compare.counties import county_table
from reports.compare.drawings import maps, slope
from reports.compare.money import moves, per_resident, sums
from reports.compare.outcomes import outcome_rows
from reports.compare.prices import price_rows
from reports.compare.said import NO_ROOM, input_matrix, marks_in_use, remarks
from reports.html import allowed, environment, raw
from reports.page.rules import GLYPHS
from reports.page.sheet import amount_text
from reports.words import Words

MOST_INPUTS = 200
"""More differences than these in the inputs are counted; all of them stand in compare.csv."""
MOST_NAMED = 8


@dataclass(frozen=True)
class Head:
    """One column at the head of the page."""

    letter: str
    title: str
    name: str
    said: str
    """Its name as it is shown."""
    status: str
    why: tuple[str, ...]
    changes: tuple[str, ...]
    """What was laid over the scenario, as it was asked for."""
    is_reference: bool
    failed: bool


@dataclass(frozen=True)
class Money:
    """One table of money: a line a task or a group."""

    title: str
    by: str
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """(name, (money, difference) of each column); the last is the total."""


@dataclass(frozen=True)
class Rule:
    """One rule in all columns."""

    title: str
    sentence: str
    cells: tuple[tuple[str, str, str, str], ...]
    """(class, glyph, state, slack) of each column."""


def compare_html(compared: Compared, lang: str, opened: Sequence[int] = ()) -> bytes:
    """The page in one language; the counties in `opened` lie open.

    Raises `InputError` for files of the programme that are shown only and cannot be used.
    """
    board = Board(compared, Words(lang))
    style = Markup(raw("page.css") + "\n" + raw("compare.css") + "\n" + _toggles(compared))
    script = Markup(raw("page.js") + "\n" + raw("compare.js"))
    parts = _parts(board, opened)
    template = environment().get_template("compare.html.j2")
    text = template.render(
        board=board,
        words=board.words,
        lang="zh-CN" if lang == "zh" else "en",
        style=style,
        script=script,
        allowed=allowed(script, style),
        **parts,
    )
    return text.encode()


def _toggles(compared: Compared) -> str:
    """A rule a column: unticked, all of it goes, without any script."""
    return "\n".join(
        f"body:has(#show{at}:not(:checked)) .v{at}{{display:none}}"
        for at in range(len(compared.columns))
    )


def _parts(board: Board, opened: Sequence[int]) -> dict[str, Any]:
    compared = board.compared
    inputs = input_matrix(board)
    return {
        "programme": compared.world.programme.file.title.of(board.lang),
        "heads": [_head(board, one) for one in compared.columns],
        "remarks": remarks(board),
        "legend": board.legend(marks_in_use(board)),
        "outcomes": outcome_rows(board),
        "inputs": inputs[:MOST_INPUTS],
        "more_inputs": max(0, len(inputs) - MOST_INPUTS),
        "money": [_money(board, title, rows) for title, rows in sums(board)],
        "per_head": per_resident(board),
        "moves": [
            (at, text) for at, one in _others(board) for text in moves(board, one, MOST_NAMED)
        ],
        "slopes": [(at, slope(board, one)) for at, one in _others(board)],
        "maps": maps(board),
        "rules": _rules(board),
        "prices": price_rows(board),
        "table": county_table(board, opened),
        "version": _version(),
    }


def _others(board: Board) -> list[tuple[int, Column]]:
    compared = board.compared
    pairs = enumerate(compared.columns)
    return [(at, one) for at, one in pairs if one is not compared.reference and one.reads]


def _head(board: Board, column: Column) -> Head:
    return Head(
        letter=board.letter(column),
        title=board.title(column),
        name=column.name,
        said=board.name(column),
        status=board.status(column),
        why=tuple(board.why(column)),
        changes=tuple(text for text in column.scenario.changes if text.startswith("--set")),
        is_reference=column is board.compared.reference,
        failed=column.reads is None,
    )


def _money(board: Board, title: str, rows: Sequence[tuple[str, list[Fraction | None]]]) -> Money:
    at, found = board.compared.at, []
    for name, amounts in rows:
        cells = []
        for number, amount in enumerate(amounts):
            mine = amounts[at]
            apart = "" if number == at or amount is None or mine is None else signed(amount - mine)
            cells.append(("-" if amount is None else amount_text(amount), apart))
        found.append((name, tuple(cells)))
    return Money(
        board.words("compare.money", by=lower(title), money=board.money), title, tuple(found)
    )


def _rules(board: Board) -> list[Rule]:
    rows: dict[str, list[RuleRow]] = {}
    for row in board.compared.rule_rows:
        rows.setdefault(row.rule, []).append(row)
    found = []
    for name, cells in rows.items():
        idle = all(row.state in ("off", "absent") for row in cells)
        if idle or (name in NO_ROOM and not any(row.broken for row in cells)):
            continue
        found.append(
            Rule(
                board.rule_title(name),
                board.rule_sentence(name),
                tuple(_rule_cell(board, row) for row in cells),
            )
        )
    return found


def _rule_cell(board: Board, row: RuleRow) -> tuple[str, str, str, str]:
    state = row.state if row.state in ("kept", "broken", "bent") else "off"
    glyph = GLYPHS[row.state] if row.state in ("kept", "broken", "bent") else ""
    return state, glyph, board.rule_state(row), board.slack(row)


def _version() -> str:
    try:
        return version("allot")
    except PackageNotFoundError:
        return "-"
