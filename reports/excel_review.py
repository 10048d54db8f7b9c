"""The review of each rule against its document, as 政策依据及合规性审核表 asks for it.

符合 stands only where the clause was read and states the number; a clause that nobody has read
says so and is never said to be complied with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.finding import State
from models.rule import Grounds, Rule
from models.sentences import state_words
from reports.excel_book import Book, Sheet, cell, literal
from reports.excel_check import BROKEN_LIMITS, STATE, STATES, RuleLine
from reports.readings import grounds_of
from reports.rule_table import Desk

_NUMBER = re.compile(r"[（(]([^（()）]*〔\d{4}〕[^（()）]*号)[）)]")
"""The number of a document within its title: （川财建〔2019〕296号）."""
_COLUMNS = (
    *("review.number", "review.document", "review.doc-number", "review.article"),
    *("review.clause", "review.asks", "review.due", "review.now", "review.complies"),
    "review.note",
)
_VERDICTS: tuple[State, ...] = ("kept", "broken", "bent")
_TOP = 3


def write_review(book: Book, desk: Desk, lines: Sequence[RuleLine]) -> None:
    """Rules with a document, then rules without one, then those that are switched off."""
    words = book.words
    sheet = book.sheet("sheet.review", [5.5, 22, 15, 9, 27, 30, 10, 10, 18, 34])
    unit = words("table.unit", money=desk.scenario.programme.file.money.of(words.lang))
    sheet.titles(words("review.title"), words("draft"), unit)
    sheet.head(_TOP - 1, [words(key) for key in _COLUMNS])
    sheet.page.freeze_panes(_TOP, 2)
    named = [line for line in lines if _has_clause(grounds_of(desk.scenario, line.rule))]
    assumed = [line for line in lines if line not in named]
    off = [rule for rule in desk.scenario.spec.rules if not rule.enabled]
    blocks: list[tuple[str, Sequence[RuleLine | Rule]]] = [
        ("review.named", named),
        ("review.assumed", assumed),
        ("review.off", off),
    ]
    page, row, number = _Review(sheet, desk), _TOP, 0
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
    def __init__(self, sheet: Sheet, desk: Desk) -> None:
        self.sheet, self.desk, self.words = sheet, desk, desk.words

    def rule(self, row: int, number: int, line: RuleLine | Rule) -> None:
        """One rule; of one that is switched off only what it asks for."""
        name = line.rule if isinstance(line, RuleLine) else line.id
        grounds = grounds_of(self.desk.scenario, name)
        reason = "" if grounds is None else grounds.reason.of(self.words.lang)
        texts = [*self.document(grounds), self.asks(name), "–", "–", "", reason]
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
        said = {"title": self.desk.title(name), "rule": self.desk.sentence(name)}
        return self.words("review.asked", **said)

    def document(self, grounds: Grounds | None) -> list[str]:
        """The document, its number, the article, what stands there."""
        told = "" if grounds is None else grounds.number_from.of(self.words.lang)
        if grounds is None or grounds.clause is None:
            return ["–", "–", "–", told or "–"]
        clause = grounds.clause
        numbered = _NUMBER.search(clause.document)
        title = clause.document.replace(numbered[0], "") if numbered else clause.document
        if not clause.seen:
            told = self.words("review.unread")
        return [title, numbered[1] if numbered else "–", clause.article or "–", told or "–"]

    def numbers(self, row: int, line: RuleLine) -> None:
        """Limit and value of the one limit; of several, how many there are and are broken."""
        if len(line.limits) == 1:
            only, limits = line.limits[0], Sheet.prefix_of(self.words("sheet.limits"))
            side = limits + cell(line.first, 3 if only.lower is not None else 5)
            self.sheet.formula(row, 6, side, only.side.value, f"cell {only.sign}{only.style}")
            value = limits + cell(line.first, 4)
            self.sheet.formula(row, 7, value, only.value.value, f"cell {only.style}")
            return
        rules, said = Sheet.prefix_of(self.words("sheet.rules")), self.words("review.broken")
        self.sheet.text(row, 6, self.words("review.limits", count=len(line.limits)), "wrap")
        body = f"{literal(said)}&{rules}{cell(line.row, BROKEN_LIMITS)}"
        self.sheet.formula(row, 7, body, f"{said}{line.broken}", "wrap")

    def state(self, row: int, line: RuleLine, grounds: Grounds | None) -> str:
        """The verdict in the wording that the clause allows; what it says now."""
        state = Sheet.prefix_of(self.words("sheet.rules")) + cell(line.row, STATE)
        body = state
        for key in _VERDICTS:
            said = literal(state_words(grounds, key, self.words.lang))
            body = f"IF({state}={literal(self.words(STATES[key]))},{said},{body})"
        now = next(key for key in _VERDICTS if key == line.state)
        said = state_words(grounds, now, self.words.lang)
        self.sheet.formula(row, 8, body, said, "wrap center")
        return said
