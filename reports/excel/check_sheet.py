"""The sheets of checks: one line a rule, one line a limit; their states follow the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.rule import Rule
from models.sentences import grounds_words, state_words
from reports.catalogue import Words
from reports.excel.book import Book, BookSheet, area, cell, literal, width_of, worded_formula
from reports.excel.formulas import FIRST, Formula, Layout
from reports.excel.limit_rows import LimitFormula
from reports.numbers import plain
from reports.view.allocation_view import grounds_of
from reports.view.rule_view import RuleView

HEAD = 3
TOP = HEAD + 1
BROKEN, UNREAD = (2, 1), (2, 6)
"""Where the sheet of rules says how many rules are broken, and how many amounts are no numbers."""
STATE, BROKEN_LIMITS, ALL_LIMITS, LEAST = 10, 8, 7, 6
"""Columns of the sheet of rules; LEAST holds the least slack."""
_LIMIT_STATE, _SLACK, _FIRST_ROOM = 7, 6, 8
_AMBER = ("#7F6000", "#FFEB9C")
_NUMBERS = ("check.lower", "check.value", "check.upper", "check.slack")
_COUNTS = ("check.limits", "check.broken", "check.bent", "check.state")
_RULES = ("check.rule", "check.asks", "check.grounds", *_NUMBERS, *_COUNTS)
_LIMITS = (
    *("check.rule", "check.group", "check.unit", *_NUMBERS, "check.state"),
    *("check.room-below", "check.room-above", "check.room-margin"),
)
STATES = {
    "kept": "state.kept",
    "broken": "state.broken",
    "bent": "state.bent",
    "short": "state.short",
    "skipped": "state.skipped",
    "unknown": "state.unknown",
}
"""State → key of its word."""


@dataclass(frozen=True)
class CheckedRule:
    """One rule on the sheet of rules."""

    rule: str
    row: int
    limits: tuple[LimitFormula, ...]
    first: int
    """Row of its first limit on the sheet of limits."""

    @property
    def broken(self) -> int:
        return sum(1 for limit in self.limits if limit.short and not limit.soft)

    @property
    def bent(self) -> int:
        return sum(1 for limit in self.limits if limit.short and limit.soft)

    @property
    def state(self) -> str:
        """Key of the state's word."""
        if self.broken or self.bent:
            return "broken" if self.broken else "bent"
        return "short" if any(limit.lacks_margin for limit in self.limits) else "kept"


def rule_lines(limits: Sequence[LimitFormula]) -> list[CheckedRule]:
    """The limits gathered by rule, with the rows where they stand."""
    gathered: dict[str, list[LimitFormula]] = {}
    for limit in limits:
        gathered.setdefault(limit.rule, []).append(limit)
    lines: list[CheckedRule] = []
    row = TOP
    for name, members in gathered.items():
        lines.append(CheckedRule(name, TOP + len(lines), tuple(members), row))
        row += len(members)
    return lines


def rule_state(words_prefix: str, line: CheckedRule) -> str:
    """How other sheets name the cell with a rule's state."""
    return words_prefix + cell(line.row, STATE)


def write_limits(book: Book, lines: Sequence[CheckedRule], view: RuleView) -> None:
    """The sheet of limits."""
    words = book.words
    titles = [width_of(view.title(line.rule)) + 4 for line in lines]
    first = min(60.0, max([24.0, *titles]))
    sheet = book.sheet("sheet.limits", [first, 24, 12, 11, 11, 11, 11, 8, 13, 13, 11])
    unit = words("table.unit", money=view.scenario.programme.file.money.of(words.lang))
    sheet.titles(words("limits.title"), words("limits.note"), unit)
    sheet.head(HEAD, [words(key) for key in _LIMITS])
    sheet.page.freeze_panes(TOP, 2)
    sheet.page.set_portrait()  # Hundreds of short lines.
    last = TOP
    for line in lines:
        for row, limit in enumerate(line.limits, line.first):
            _write_limit(sheet, row, limit, view)
            last = row
    sheet.page.autofilter(HEAD, 0, last, len(_LIMITS) - 1)
    _colour(sheet, (TOP, _LIMIT_STATE), last)


def _write_limit(sheet: BookSheet, row: int, limit: LimitFormula, view: RuleView) -> None:
    sheet.text(row, 0, view.title(limit.rule), "wrap")
    sheet.text(row, 1, limit.group or view.words("place.whole"), "wrap")
    sheet.text(row, 2, limit.unit, "wrap center")
    style = f"cell {limit.style}"
    for column, side in ((3, limit.lower), (4, limit.value), (5, limit.upper)):
        _side(sheet, row, column, (side, style))
    value, rooms = cell(row, 4), list[str]()
    if limit.lower is not None:
        rooms.append(f"{value}-{cell(row, 3)}")
    if limit.upper is not None:
        rooms.append(f"{cell(row, 5)}-{value}")
    least = rooms[0] if len(rooms) == 1 else f"MIN({','.join(rooms)})"
    if limit.heads:
        least = f"({least})*{limit.heads.numerator}/{limit.heads.denominator}"
    sheet.formula(row, _SLACK, least, limit.slack, f"cell {limit.slack_style}")
    checked = (limit.room_below, limit.room_above, limit.spare)
    for column, room in enumerate(checked, _FIRST_ROOM):
        _side(sheet, row, column, (room, "cell any"))
    body, key = _state(row, limit)
    sheet.formula(row, _LIMIT_STATE, _spelt(body, view), view.words(key), "cell center")
    sheet.high(row, [view.title(limit.rule), limit.group, limit.unit])


def _side(sheet: BookSheet, row: int, column: int, side: tuple[Formula | None, str]) -> None:
    formula, style = side
    if formula is None:
        sheet.text(row, column, "", "cell")
    elif formula.body.lstrip("-").isdigit():
        sheet.number(row, column, formula.value, style)
    else:
        sheet.formula(row, column, formula.body, formula.value, style)


def _state(row: int, limit: LimitFormula) -> tuple[str, str]:
    """(formula with keys for words, key of what it says now)."""
    least = "0" if not limit.least else repr(float(limit.least))
    rooms = ((8, limit.room_below), (9, limit.room_above))
    short = [f"{cell(row, column)}<{least}" for column, room in rooms if room is not None]
    test = short[0] if len(short) == 1 else f"OR({','.join(short)})"
    fault = "bent" if limit.soft else "broken"
    kept = "{kept}"
    if limit.spare is not None:
        kept = f"IF({cell(row, _FIRST_ROOM + 2)}<{least},{{short}},{kept})"
    body = f"IF({test},{{{fault}}},{kept})"
    if limit.only_if:
        body = f"IF({limit.only_if}=0,{{skipped}},{body})"
    now = "short" if limit.lacks_margin else fault if limit.short else "kept"
    now = "skipped" if limit.skipped else now
    return body, STATES[now]


def _spelt(body: str, view: RuleView) -> str:
    return body.format(**{state: literal(view.words(key)) for state, key in STATES.items()})


def write_rules(book: Book, lines: Sequence[CheckedRule], layout: Layout) -> None:
    """The sheet of rules; those that are switched off come last."""
    words, view = book.words, layout.view
    sheet = book.sheet("sheet.rules", [28, 60, 22, 11, 11, 11, 11, 7, 8, 8, 10])
    unit = words("table.unit", money=view.scenario.programme.file.money.of(words.lang))
    sheet.titles(words("rules.title"), words("rules.note"), unit)
    sheet.head(HEAD, [words(key) for key in _RULES])
    sheet.page.freeze_panes(TOP, 1)
    for line in lines:
        _write_rule(sheet, line, view)
    last = TOP + len(lines) - 1
    _summary(sheet, lines, layout)
    _colour(sheet, (TOP, STATE), last)
    off = [rule for rule in view.scenario.spec.rules if not rule.enabled]
    for row, rule in enumerate(off, last + 1):
        _off(sheet, row, rule, view)
    inexact = sum(1 for line in lines for limit in line.limits if not limit.exact)
    whole = layout.allocation is None or layout.allocation.is_whole
    notes = [words("rules.exact") if whole else words("rules.parts"), words("rules.states")]
    if inexact:
        notes.append(words("rules.inexact", count=inexact))
    for row, note in enumerate(notes, last + len(off) + 2):
        sheet.text(row, 0, note, "subtitle")


def _summary(sheet: BookSheet, lines: Sequence[CheckedRule], layout: Layout) -> None:
    """Above the head: how many rules are broken, how many amounts are no numbers."""
    words = sheet.book.words
    states = area((TOP, STATE), (TOP + len(lines) - 1, STATE))
    count = sum(1 for line in lines if line.broken)
    sheet.text(BROKEN[0], 0, words("rules.broken"), "bold")
    body = _spelt(f"COUNTIF({states},{{broken}})", layout.view)
    sheet.formula(*BROKEN, body, count, "bold left")
    sheet.text(UNREAD[0], 2, words("rules.unread"), "bold")
    first, last = layout.task, layout.total - 1
    table = BookSheet.prefix_of(words("sheet.table"))
    money = table + area((FIRST, first), (layout.last, last))
    sheet.formula(*UNREAD, f"SUMPRODUCT(ISTEXT({money})+({money}<0))", 0, "bold left")


def _write_rule(sheet: BookSheet, line: CheckedRule, view: RuleView) -> None:
    words, row = view.words, line.row
    grounds = grounds_of(view.scenario, line.rule)
    said = grounds_words(grounds, words.lang)
    if grounds is not None and not said:
        said = words("block.clause")
    texts = (
        view.title(line.rule),
        view.sentence(line.rule),
        said or words("block.scenario"),
    )
    sheet.texts(row, texts, "wrap")
    sheet.high(row, texts)
    limits = BookSheet.prefix_of(words("sheet.limits"))
    ends = (line.first, line.first + len(line.limits) - 1)
    style, only = f"cell {line.limits[0].style}", line.limits[0]
    for column, side in ((3, only.lower), (4, only.value), (5, only.upper)):
        if len(line.limits) == 1 and side is not None:
            sheet.formula(row, column, limits + cell(ends[0], column), side.value, style)
        else:
            sheet.text(row, column, "", "cell")
    slacks = limits + area((ends[0], _SLACK), (ends[1], _SLACK))
    least = min(limit.slack for limit in line.limits)
    sheet.formula(row, LEAST, f"MIN({slacks})", least, f"cell {only.slack_style}")
    states = limits + area((ends[0], _LIMIT_STATE), (ends[1], _LIMIT_STATE))
    sheet.number(row, ALL_LIMITS, len(line.limits), "cell number")
    for column, key, count in ((8, "broken", line.broken), (9, "bent", line.bent)):
        body = _spelt(f"COUNTIF({states},{{{key}}})", view)
        sheet.formula(row, column, body, count, "cell number")
    held = "+".join(f"COUNTIF({states},{{{key}}})" for key in ("kept", "skipped", "short"))
    kept = "{kept}"
    if any(limit.spare is not None for limit in line.limits):
        kept = f"IF(COUNTIF({states},{{short}})>0,{{short}},{kept})"
    body = (
        f"IF({cell(row, 8)}>0,{{broken}},IF({cell(row, 9)}>0,{{bent}},"
        f"IF({held}={cell(row, 7)},{kept},{{unknown}})))"
    )
    state = words(STATES[line.state])
    sheet.formula(row, STATE, _spelt(body, view), state, "cell center bold")


def _off(sheet: BookSheet, row: int, rule: Rule, view: RuleView) -> None:
    words = view.words
    state = state_words(rule, None, words.lang)
    grounds = grounds_words(rule, words.lang) or words("block.clause")
    texts = [rule.title.of(words.lang), view.sentence(rule.id), grounds]
    sheet.texts(row, [*texts, "", "", "", "", "", "", ""], "wrap")
    sheet.text(row, STATE, state, "wrap center")
    sheet.high(row, [*texts, "", "", "", "", "", "", "", state])


def _colour(sheet: BookSheet, first: tuple[int, int], last: int) -> None:
    """States other than kept stand out; the words say the same without colour."""
    words = sheet.book.words
    for key, colours in (("broken", ("#9C0006", "#FFC7CE")), ("bent", _AMBER), ("short", _AMBER)):
        form = sheet.book.file.add_format({"font_color": colours[0], "bg_color": colours[1]})
        check = {"type": "cell", "criteria": "==", "value": literal(words(STATES[key]))}
        sheet.page.conditional_format(*first, last, first[1], {**check, "format": form})


def state_of_table(
    layout: Layout, lines: Sequence[CheckedRule], spent: tuple[str, Fraction]
) -> tuple[str, str]:
    """The line above the edited table: money spent and left, and how the rules stand, live."""
    view, rules = layout.view, BookSheet.prefix_of(layout.view.words("sheet.rules"))
    words, budget = view.words, view.scenario.budget
    broken = sum(1 for line in lines if line.broken)
    cells = {"broken": rules + cell(*BROKEN), "unread": rules + cell(*UNREAD)}
    bad = worded_formula(words, "table.unread", {"count": (cells["unread"], "0")})[0]
    some = worded_formula(words, "table.broken", {"count": (cells["broken"], str(broken))})
    none = literal(words("table.kept"))
    body = f"IF({cells['broken']}>0,{some[0]},{none})"
    whole = layout.allocation is None or layout.allocation.is_whole
    form, places = ('"#,##0"', 0) if whole else ('"#,##0.00"', 2)
    parts = {
        "budget": (literal(f"{budget:,}"), f"{budget:,}"),
        "spent": (f"TEXT({spent[0]},{form})", plain(spent[1], places)),
        "left": _left_over(words, budget, spent, (form, places)),
        "money": (literal(unit := view.scenario.programme.file.money.of(words.lang)), unit),
        "state": (body, some[1] if broken else words("table.kept")),
    }
    line, now = worded_formula(words, "table.state", parts)
    return f"IF({cells['unread']}>0,{bad},{line})", now


def _left_over(
    words: Words, budget: int, spent: tuple[str, Fraction], shown: tuple[str, int]
) -> tuple[str, str]:
    """What is left of the budget, or by how much more than it was spent, live."""
    left, now = f"ROUND({budget}-{spent[0]},6)", Fraction(budget) - spent[1]
    amount = (f"TEXT(ABS({left}),{shown[0]})", plain(abs(now), shown[1]))
    over = worded_formula(words, "left.over", {"amount": amount})
    unspent = worded_formula(words, "left.unspent", {"amount": amount})
    return f"IF({left}<0,{over[0]},{unspent[0]})", (over if now < 0 else unspent)[1]
