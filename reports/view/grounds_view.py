"""What rules and data rest on, for papers: the clause of a rule, what is assumed, the sources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from models.metadata import Source, read_sources
from models.rule import Confirmation, Grounds
from reports.catalogue import Words
from reports.view.page_model import PageModel
from reports.view.rule_view import findings_by_rule

_NUMBER = re.compile(r"[（(]([^（()）]*〔\d{4}〕[^（()）]*号)[）)]")
"""The number of a document within its title: （川财建〔2019〕296号）."""


def clause_texts(grounds: Grounds | None, words: Words) -> list[str]:
    """The document, its number, the article, what stands there."""
    told = "" if grounds is None else grounds.number_from.of(words.lang)
    if grounds is None or grounds.clause is None:
        return ["–", "–", "–", told or "–"]
    clause = grounds.clause
    numbered = _NUMBER.search(clause.document)
    title = clause.document.replace(numbered[0], "") if numbered else clause.document
    if grounds.is_unread:
        told = words("review.unread")
    elif grounds.confirmed is not None:
        told = confirmed_text(grounds.confirmed, words)
    return [title, numbered[1] if numbered else "–", clause.article or "–", told or "–"]


def confirmed_text(said: Confirmation, words: Words) -> str:
    """What an officer states of a clause, with name and day."""
    day = date.fromisoformat(said.on)
    on = f"{day.year}年{day.month}月{day.day}日" if words.lang == "zh" else said.on
    named = {"by": said.by, "on": on}
    if not said.applies:
        return words("review.not-applying", reason=said.reason, **named)
    return words("review.confirmed", text=said.text, **named)


@dataclass(frozen=True)
class AssumptionRow:
    """Something that is not a fact of the record, and why it was taken so."""

    title: str
    kind: str
    reason: str
    number_from: str = ""
    covers: str = ""


def assumptions(model: PageModel) -> list[AssumptionRow]:
    """What rules in use assume, then what the programme's data assume or read into a text."""
    scenario, words = model.solution.scenario, model.words
    found = findings_by_rule(model.solution.audit)
    named: list[tuple[str, Grounds]] = [(rule.id, rule) for rule in scenario.rules]
    named = [(name, g) for name, g in scenario.spec.grounds.items() if name in found] + named
    told = [
        AssumptionRow(
            model.view.title(name),
            words("basis.practice" if grounds.basis == "practice" else "basis.assumption"),
            grounds.reason.of(words.lang),
            grounds.number_from.of(words.lang),
        )
        for name, grounds in named
        if not grounds.clause_states_number
    ]
    others = [source for source in read_sources(scenario.programme) if source.kind != "source"]
    return told + [
        AssumptionRow(
            one.title.of(words.lang),
            _kind(model, one),
            one.reason.of(words.lang),
            covers=words("list").join(one.covers),
        )
        for one in others
    ]


def _kind(model: PageModel, source: Source) -> str:
    return model.words("basis.assumption" if source.kind == "assumption" else "page.interpretation")


def facts(model: PageModel) -> list[Source]:
    """The programme's sources."""
    return [s for s in read_sources(model.solution.scenario.programme) if s.kind == "source"]
