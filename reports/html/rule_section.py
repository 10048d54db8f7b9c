"""The constraint report: a row a rule, in blocks by whose number it is, each with its limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import nsmallest

from models.finding import Finding, State
from models.rule import Grounds, Rule
from models.sentences import grounds_words, state_words, verdict_word
from reports.catalogue import Words
from reports.numbers import percent, plain, upper
from reports.view.allocation_view import PLAIN, grounds_of, is_large, tightest
from reports.view.grounds_view import confirmed_text
from reports.view.page_model import PageModel
from reports.view.rule_view import (
    BASIS,
    LISTED_BREACHES,
    block_title,
    findings_by_rule,
    rank_of,
    worst_state,
)

MOST_LIMITS = 300
"""Limits listed under one rule, tightest first; all of them stand in findings.csv."""
_FEW_LIMITS = 30
"""So many where the page lists no counties."""
_NAMED = 3
GLYPHS: dict[State | None, str] = {
    "broken": "×",
    "bent": "△",
    "short": "▽",
    "kept": "√",
    None: "○",
}
_ORDER = {state: at for at, state in enumerate(GLYPHS)}


@dataclass(frozen=True)
class LimitRow:
    """One limit of a rule."""

    where: str
    value: str
    limit: str
    slack: str
    state: str
    binding: bool
    near: bool
    broken: bool


@dataclass(frozen=True)
class RuleLine:
    """One rule with its source, its tightest limit and all of its limits."""

    id: str
    title: str
    sentence: str
    basis: str
    clause: str
    number_from: str
    reason: str
    state: State | None
    glyph: str
    grounds: str
    """In what sense it is kept: 条款未定量，按假定值测算; '' where the clause states the number."""
    verdict: str
    wording: str
    """The whole wording of the state, as the papers quote it."""
    implied: str = ""
    """Which rules imply it, where that is proved."""
    limit: str = ""
    value: str = ""
    slack: str = ""
    ratio: str = ""
    """The slack in percent of the limit."""
    per: str = ""
    binding: int = 0
    plain: bool = False
    """Whether it is no rule of the scenario's own, of which nobody asks whether it binds."""
    near: int = 0
    count: int = 0
    broken: int = 0
    tightest: tuple[str, ...] = ()
    limits: tuple[LimitRow, ...] = ()
    more: int = 0
    """Limits that are not listed."""

    @property
    def order(self) -> int:
        """Where its state stands when rules are sorted by it."""
        return _ORDER[self.state]


@dataclass(frozen=True)
class RuleSection:
    """Rules whose numbers have the same standing."""

    title: str
    rules: tuple[RuleLine, ...]


def rule_blocks(model: PageModel) -> list[RuleSection]:
    """The rules in use, block by block, broken ones first within a block."""
    scenario = model.solution.scenario
    found = findings_by_rule(model.solution.audit)
    silent = [rule.id for rule in scenario.rules if rule.id not in found]
    broken_first = sorted(found, key=lambda name: _ORDER[worst_state(found[name])])
    titles: dict[int, str] = {}
    rows: dict[int, list[RuleLine]] = {}
    for name in [*broken_first, *silent]:
        grounds = grounds_of(scenario, name)
        rank = rank_of(grounds)
        titles[rank] = block_title(grounds, model.words)
        rows.setdefault(rank, []).append(_row(model, name, found.get(name, [])))
    return [RuleSection(titles[rank], tuple(rows[rank])) for rank in sorted(rows)]


def disabled_rules(model: PageModel) -> list[RuleLine]:
    """The rules that are switched off: listed and not read."""
    return [
        _row(model, rule.id, []) for rule in model.solution.scenario.spec.rules if not rule.enabled
    ]


def _row(model: PageModel, name: str, findings: Sequence[Finding]) -> RuleLine:
    row = _told(model, name, worst_state(findings) if findings else None)
    return row if not findings else _read(model, row, findings)


def _told(model: PageModel, name: str, state: State | None) -> RuleLine:
    """What the scenario says of a rule, and its state in words."""
    view, lang = model.view, model.words.lang
    grounds = grounds_of(model.solution.scenario, name)
    silent = state is None and isinstance(grounds, Rule) and grounds.enabled
    verdict = model.words("rule.no-group") if silent else verdict_word(grounds, state, lang)
    implied = view.implied(name)
    return RuleLine(
        id=name,
        title=view.title(name),
        sentence=view.sentence(name),
        basis=model.words(BASIS[grounds.basis]) if grounds else model.words("block.scenario"),
        clause=_clause_text(grounds, model.words),
        number_from=grounds.number_from.of(lang) if grounds else "",
        reason=grounds.reason.of(lang) if grounds else "",
        state=state,
        glyph=GLYPHS[state],
        grounds=grounds_words(grounds, lang) if state else "",
        verdict=verdict,
        wording=verdict if silent else state_words(grounds, state, lang),
        implied=model.words("rule.beside", text=implied) if state and implied else "",
    )


def _clause_text(grounds: Grounds | None, words: Words) -> str:
    """The document and the article, and what an officer states of them; '' without a clause."""
    if grounds is None or grounds.clause is None:
        return ""
    told = f"{grounds.clause.document} {grounds.clause.article}".strip()
    if grounds.confirmed is None:
        return told
    return words("review.stated", clause=told, said=confirmed_text(grounds.confirmed, words))


def _read(model: PageModel, row: RuleLine, findings: Sequence[Finding]) -> RuleLine:
    """The row with what the audit read."""
    view, worst = model.view, tightest(findings)
    most = _FEW_LIMITS if is_large(model.solution.scenario) else MOST_LIMITS
    listed = nsmallest(most, findings, key=lambda one: (one.holds, one.slack_in_all))
    grouped = [finding for finding in listed[:_NAMED] if finding.key]
    nearest = _nearest(worst)
    return replace(
        row,
        limit=_limit(model, worst),
        value=view.value(worst),
        slack=view.slack(worst),
        ratio=percent(worst.slack, nearest) if nearest and worst.slack else "",
        per=view.per(worst),
        binding=sum(1 for finding in findings if _binds(finding)),
        plain=worst.rule in PLAIN,
        near=sum(1 for finding in findings if finding.near),
        count=len(findings),
        broken=sum(1 for finding in findings if finding.state == "broken"),
        tightest=tuple(_place(model, finding) for finding in grouped),
        limits=tuple(_limit_row(model, finding) for finding in listed),
        more=len(findings) - len(listed),
    )


def _binds(finding: Finding) -> bool:
    return finding.binding and finding.rule not in PLAIN


def _limit(model: PageModel, finding: Finding) -> str:
    """The limit with its sign as a page can show it; a console may not."""
    return model.view.limit(finding).replace(">=", "≥").replace("<=", "≤")


def _nearest(finding: Finding) -> Fraction | None:
    """The limit that the slack is measured from."""
    if finding.lower is not None and finding.value - finding.lower == finding.slack:
        return finding.lower
    return finding.upper


def _place(model: PageModel, finding: Finding) -> str:
    view = model.view
    return model.words("page.place", place=view.group(finding), slack=view.slack(finding))


def _limit_row(model: PageModel, finding: Finding) -> LimitRow:
    view = model.view
    grounds: Grounds | None = grounds_of(model.solution.scenario, finding.rule)
    verdict = verdict_word(grounds, finding.state, model.words.lang)
    return LimitRow(
        where=upper(view.group(finding)) or model.words("place.whole"),
        value=view.value(finding),
        limit=_limit(model, finding),
        slack=view.slack(finding),
        state=f"{GLYPHS[finding.state]} {verdict}",
        binding=_binds(finding),
        near=finding.near,
        broken=finding.state == "broken",
    )


def listed_only(row: RuleLine) -> bool:
    """Whether the audit lists no more than breaches and the tightest limit of this rule."""
    return row.id in LISTED_BREACHES


def counts(model: PageModel) -> str:
    """How many rules and limits were read."""
    found = findings_by_rule(model.solution.audit)
    limits = sum(len(findings) for findings in found.values())
    return model.words("page.rules.counts", rules=plain(len(found)), limits=plain(limits))
