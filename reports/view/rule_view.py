"""Rules as lines of a table: verdict, value against limit, slack, the tightest group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from models.finding import Audit, Finding, State
from models.metadata import Labels, group_name, value_name
from models.rule import NO_IDLE, STEP, WHOLE_UNITS, Grounds, Rule
from models.scenario import Scenario
from models.sentences import grounds_words, sentence_of, state_words, verdict_word
from optimizer.audit.implied import implied_rules
from reports.catalogue import Words
from reports.document import Grid, Line, LineMark
from reports.numbers import figure, places_for, plain, room, upper
from reports.view.allocation_view import grounds_of, tightest

_RESERVED = {
    "budget": "rule.budget",
    "lot": "rule.lot",
    "locks": "rule.locks",
    "cell-bounds": "rule.cells",
    "eligibility": "rule.eligibility",
    NO_IDLE: "rule.no-idle",
    STEP: "rule.step",
    WHOLE_UNITS: "rule.whole-units",
}


@dataclass(frozen=True)
class RuleView:
    """What every line needs: the scenario, its labels, the language."""

    scenario: Scenario
    labels: Labels
    words: Words

    def title(self, name: str) -> str:
        """The title of a rule or of a reserved id."""
        for rule in self.scenario.spec.rules:
            if rule.id == name:
                return rule.title.of(self.words.lang)
        return self.words(_RESERVED[name]) if name in _RESERVED else name

    def sentence(self, name: str) -> str:
        """What the rule asks for."""
        return sentence_of(name, self.scenario, self.words.lang, self.labels)

    @cached_property
    def _implied(self) -> dict[str, tuple[str, ...]]:
        return implied_rules(self.scenario)

    def implied(self, name: str) -> str:
        """Which rules imply this one, as far as that is proved; else ''."""
        by = self._implied.get(name)
        if by is None:
            return ""
        titles = self.words("list").join(map(self.title, by))
        return self.words("rule.implied", titles=titles)

    def group(self, finding: Finding) -> str:
        """The group of a finding by name; '' for a rule without groups."""
        return group_name(self.scenario.programme, self.labels, finding.key, self.words.lang)

    def value(self, finding: Finding) -> str:
        """The value, never rounded across its limit."""
        scale = self.scale(finding)
        low, high = (None if x is None else x * scale for x in (finding.lower, finding.upper))
        return figure(finding.value * scale, self.places(finding), low, high)

    def limit(self, finding: Finding) -> str:
        """`≥6,000人`: the limit with its sign, and its unit unless that is money."""
        scale, head = self.scale(finding), self.per_head(finding)
        limits = [x * scale for x in (finding.lower, finding.upper) if x is not None]
        whole = not head and all(limit.denominator == 1 for limit in limits)
        said = [plain(limit, 0 if whole else self.places(finding)) for limit in limits]
        if len(said) == 2 and said[0] != said[1]:
            text = self.words("limit.between", low=said[0], high=said[1])
        else:
            sides = (finding.lower is not None, finding.upper is not None)
            text = self.words(_SIGNS[sides], limit=said[0])
        return text + self.unit(finding)

    def slack(self, finding: Finding) -> str:
        """Room left; of a per-head rule in all, that is times its heads."""
        if self.per_head(finding) is None:
            return room(finding.slack, self.places(finding))
        return self.words("slack.in-all", slack=self.in_all(finding.slack_in_all, finding))

    def in_all(self, number: Fraction, finding: Finding) -> str:
        """A number times the heads of a per-head rule, in money or in the metric's unit."""
        return room(number, 1 if self.measure(finding) in self.scenario.programme.metrics else 0)

    def unit(self, finding: Finding) -> str:
        """The unit after a limit: nothing for money, which the table's title names."""
        measure = self.measure(finding)
        metrics = self.scenario.programme.metrics
        if measure in metrics:
            unit = self.scenario.programme.file.metrics[metrics.index(measure)].unit
            return self.words("unit.metric", unit=unit.of(self.words.lang))
        if measure == "amount":
            return ""
        return self.words("unit.cells" if measure == "cells" else "unit.count")

    def measure(self, finding: Finding) -> str:
        """What the rule of a finding measures."""
        grounds = grounds_of(self.scenario, finding.rule)
        if isinstance(grounds, Rule):
            return grounds.measure
        return "cells" if finding.rule in (WHOLE_UNITS, STEP) else "amount"

    def per_head(self, finding: Finding) -> str | None:
        """The column by which a rule divides; None for most rules."""
        grounds = grounds_of(self.scenario, finding.rule)
        return grounds.per_head if isinstance(grounds, Rule) else None

    def per(self, finding: Finding) -> str:
        """Per how many heads the numbers of a finding stand: 每万常住人口; '' for most."""
        head = self.per_head(finding)
        if head is None:
            return ""
        named = self.labels.column(head, self.words.lang)
        return per_heads(self.words, self.scale(finding), named)

    def scale(self, finding: Finding) -> int:
        """For per-head rules the power of ten of heads that makes the limit at least 10; else 1."""
        limit = finding.upper if finding.lower is None else finding.lower
        if self.per_head(finding) is None or not limit:
            return 1
        return int(10 ** max(0, places_for(abs(limit), 2)))

    def places(self, finding: Finding) -> int:
        """Decimals of a value: none for counts and whole money, one for outcomes, else two."""
        if self.per_head(finding) is not None:
            return 2
        if self.measure(finding) in self.scenario.programme.metrics:
            return 1
        # Half a unit that is left is no nothing, and half a unit that is spent none that is left.
        return 0 if finding.value.denominator == 1 else 2


def per_heads(words: Words, scale: int, head: str) -> str:
    """每万常住人口: `scale`, a power of ten up to ten thousand millions, as a word in Chinese."""
    powers = words("unit.powers").split()
    return words("unit.per", scale=powers[len(str(scale)) - 1], head=head)


BASIS = {
    "clause": "basis.clause",
    "target": "basis.target",
    "practice": "basis.practice",
    "assumption": "basis.assumption",
}
"""The basis of a rule → the label that says it."""
_SIGNS = {
    (True, False): "limit.at-least",
    (False, True): "limit.at-most",
    (True, True): "limit.equal",
}


WORST_FIRST: tuple[State, ...] = ("broken", "bent", "short", "kept")


def findings_by_rule(audit: Audit) -> dict[str, list[Finding]]:
    """Findings of each rule, in the order of the audit."""
    found: dict[str, list[Finding]] = {}
    for finding in audit.findings:
        found.setdefault(finding.rule, []).append(finding)
    return found


def worst_state(findings: Sequence[Finding]) -> State:
    """broken before bent before short before kept."""
    states = {finding.state for finding in findings}
    return next(state for state in WORST_FIRST if state in states)


def rule_grid(view: RuleView, audit: Audit) -> Grid:
    """Every rule in blocks by its grounds, broken ones first within a block; disabled ones last."""
    words = view.words
    blocks: dict[int, list[Line]] = {}
    titles: dict[int, str] = {}
    found = findings_by_rule(audit)
    silent = [rule.id for rule in view.scenario.rules if rule.id not in found]
    silent += [NO_IDLE] if view.scenario.spec.no_idle and NO_IDLE not in found else []
    broken_first = sorted(found, key=lambda name: worst_state(found[name]) == "kept")
    for name in [*broken_first, *silent]:
        grounds = grounds_of(view.scenario, name)
        rank = rank_of(grounds)
        titles[rank] = block_title(grounds, words)
        line = _line(view, name, found[name]) if name in found else _silent_line(view, name)
        blocks.setdefault(rank, []).append(line)
        if implied := view.implied(name):
            blocks[rank].append(_spanning(view.words("rule.beside", text=implied), "note"))
    off = [rule for rule in view.scenario.spec.rules if not rule.enabled]
    lines: list[Line] = []
    for rank in sorted(blocks):
        lines += [_spanning(titles[rank], "block"), *blocks[rank]]
    if off:
        lines.append(_spanning(words("block.off"), "block"))
        lines += [_off_line(rule, words) for rule in off]
    header = tuple(words(key) for key in _COLUMNS)
    money = view.scenario.programme.file.money.of(words.lang)
    return Grid(words("title.rules", money=money), header, tuple(lines), frozenset({0, 1, 5}))


_COLUMNS = (
    "column.rule",
    "column.verdict",
    "column.value",
    "column.limit",
    "column.slack",
    "column.place",
)
LISTED_BREACHES = ("lot", "cell-bounds", "eligibility", NO_IDLE)
"""Reserved findings of which the audit gives every breach, and of the rest only the tightest."""


def rank_of(grounds: Grounds | None) -> int:
    """Where a rule stands in the table, by whose number it is."""
    if grounds is None:
        return 7
    if grounds.clause is None:
        return 4 if grounds.basis == "practice" else 5
    if not grounds.was_read:
        return 6
    by_officer = 0 if grounds.clause.seen else 1
    return by_officer if grounds.clause_states_number else 2 + by_officer


def block_title(grounds: Grounds | None, words: Words) -> str:
    """The head of a block: in what sense its rules are kept or broken."""
    text = words("block.scenario")
    if grounds is not None:
        text = grounds_words(grounds, words.lang) or words("block.clause")
    return upper(text)


def _silent_line(view: RuleView, name: str) -> Line:
    """A rule of which no group was read: an `if_funded` one, without money in any group, or idle
    money of a fund without a response."""
    void = name == NO_IDLE and not view.scenario.tiers.ends.any()
    said = view.words("rule.no-response" if void else "rule.no-group")
    return Line((view.title(name), said, "", "", "", ""))


def _spanning(text: str, mark: LineMark) -> Line:
    return Line((text, *[""] * (len(_COLUMNS) - 1)), mark)


def _off_line(rule: Rule, words: Words) -> Line:
    state = state_words(rule, None, words.lang)
    return _spanning(words("rule.off", title=rule.title.of(words.lang), state=state), "note")


def _line(view: RuleView, name: str, findings: Sequence[Finding]) -> Line:
    worst, state = tightest(findings), worst_state(findings)
    verdict = verdict_word(grounds_of(view.scenario, name), state, view.words.lang)
    cells = (
        view.title(name),
        verdict,
        view.value(worst),
        view.limit(worst),
        view.slack(worst),
    )
    return Line((*cells, _place(view, findings, worst)), "broken" if state == "broken" else "")


def _place(view: RuleView, findings: Sequence[Finding], worst: Finding) -> str:
    """The tightest group, of how many; and per how many heads the numbers stand."""
    broken = sum(1 for finding in findings if finding.state in ("broken", "bent"))
    key = "place.broken" if broken else "place.of"
    if worst.rule in LISTED_BREACHES:
        key = "place.listed" if broken > 1 else "place.one"
    elif len(findings) == 1:
        key = "place.one"
    said = view.words(
        key, place=view.group(worst), broken=plain(broken), limits=plain(len(findings))
    )
    return view.words("list").join(text for text in (said, view.per(worst)) if text)


def broken_grids(view: RuleView, audit: Audit, most: int = 10) -> list[tuple[str, Grid]]:
    """Each broken rule, worst first: what it asks for, and where it is broken by how much."""
    result = []
    for name, findings in findings_by_rule(audit).items():
        broken = sorted((f for f in findings if not f.holds), key=lambda f: f.slack_in_all)
        if not broken:
            continue
        rows = [_broken_line(view, finding) for finding in broken[:most]]
        keys = _BROKEN if view.per_head(broken[0]) else _BROKEN[:-1]
        if len(broken) > most:
            more = view.words("broken.more", count=plain(len(broken) - most))
            rows.append(Line((more, *[""] * (len(keys) - 1))))
        verdict = state_words(grounds_of(view.scenario, name), "broken", view.words.lang)
        title = view.words("broken.title", title=view.title(name), verdict=verdict)
        header = tuple(view.words(key) for key in keys)
        result.append((view.sentence(name), Grid(title, header, tuple(rows))))
    return result


_BROKEN = ("column.where", "column.value", "column.limit", "column.short", "column.short-in-all")
"""The last one is for per-head rules only."""


def _broken_line(view: RuleView, finding: Finding) -> Line:
    where = view.group(finding) or view.words("place.whole")
    by = room(-finding.slack * view.scale(finding), view.places(finding))
    cells = (where, view.value(finding), view.limit(finding), by)
    if view.per_head(finding) is None:
        return Line(cells)
    per = view.words("place.per", place=where, per=view.per(finding))
    return Line((per, *cells[1:], view.in_all(-finding.slack_in_all, finding)))


# Places of a scenario's inputs, and changes of them, in words before they are written out.


_STEPS = {
    "at_least": "input.at-least",
    "at_most": "input.at-most",
    "equal": "input.equal",
    "within": "input.within",
    "share": "input.share",
    "times": "input.times",
    "of": "input.of",
    "where": "input.where",
    "per": "input.per",
    "per_head": "input.per-head",
    "measure": "input.measure",
    "enabled": "input.enabled",
    "soft": "input.soft",
    "price": "input.price",
    "clause": "input.clause",
    "seen": "input.seen",
    "confirmed": "input.confirmed",
    "budget": "rule.budget",
    "lot": "rule.lot",
    "locks": "rule.locks",
    "cells": "rule.cells",
    "ineligible": "rule.eligibility",
    "no_idle": "rule.no-idle",
    "step": "rule.step",
    "objective": "input.objective",
    "weights": "input.weights",
    "normalise": "input.normalise",
    "calibration": "parameters.calibration",
    "baseline": "column.baseline",
    "reference_budget": "input.reference-budget",
    "response": "input.response",
    "options": "page.options",
    "tiers": "input.tiers",
    "last_year": "input.last-year",
}
"""Step of a path → the label that says it."""


def place_text(view: RuleView, path: str, title: Callable[[str], str] | None = None) -> str:
    """A place of the inputs in words, then as `--set` and the files have it.

    `title` gives the titles of rules where those are not the view's own; a place that has no words
    stands as it is.
    """
    file, _, cell = path.partition(": ")
    said = _cell_words(view, cell) if cell else _step_words(view, file, title or view.title)
    if not said:
        return path
    return view.words("input.text", said=view.words("input.steps").join(said), path=path)


def change_text(view: RuleView, change: str) -> str:
    """A change that was laid over a scenario: `--set` in words first, an override by its name."""
    path, is_set, value = change.removeprefix("--set ").partition("=")
    if not change.startswith("--set ") or not is_set:
        return change
    said = view.words("input.steps").join(_step_words(view, path, view.title))
    return view.words("input.change", said=said, value=value, change=change) if said else change


def _step_words(view: RuleView, path: str, title: Callable[[str], str]) -> list[str]:
    top, *steps = path.split(" ")[0].split(".")
    said: list[str] = []
    if top == "rules":
        ends = range(len(steps), 0, -1)
        at = next((n for n in ends if title(".".join(steps[:n])) != ".".join(steps[:n])), 0)
        said, steps = ([title(".".join(steps[:at]))] if at else []), steps[at:]
    else:
        steps = [top, *steps]
    titles = {metric.id: metric.title for metric in view.scenario.programme.file.metrics}
    for step in (step.partition("[")[0] for step in steps):
        if step in _STEPS:
            said.append(view.words(_STEPS[step]))
        elif step in titles:
            said.append(titles[step].of(view.words.lang))
    return said


def _cell_words(view: RuleView, cell: str) -> list[str]:
    """The county or task of a cell of a table by its name, and what its column is called."""
    programme, lang = view.scenario.programme, view.words.lang
    code, _, column = cell.partition(".")
    for kind, table in (("county", programme.counties), ("task", programme.tasks)):
        if code in table.index:
            name = value_name(programme, view.labels, (kind, code), lang)
            return [name, *([view.labels.column(column, lang)] if column else [])]
    return []
