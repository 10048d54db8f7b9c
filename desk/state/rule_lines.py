"""The rules of a scenario as lines of a form: sentence, source, numbers as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor, log10
from typing import Any

from desk.state.draft import FILE, ScenarioDraft
from models.exact import exact_text, parse_exact, parse_share, without_separators
from models.metadata import Labels, read_labels
from models.rule import NO_IDLE, PLAIN_MEASURES, STEP, Grounds, Rule
from models.scenario import Scenario
from models.sentences import Wording, grounds_words, sentence_of
from models.strict_yaml import NO_TEXT, Text
from models.workbook.rule_sheet import numbers_of
from reports.catalogue import Words

_SETTLED = ("budget", "lot", STEP, NO_IDLE)
"""Reserved ids that have a line of their own before the rules."""
_TITLES = {
    "budget": "rule.budget",
    "lot": "rule.lot",
    STEP: "rule.step",
    NO_IDLE: "rule.no-idle",
}


def _said(key: str) -> Text:
    """A wording of the catalogue in both languages."""
    return Text(zh=Words("zh")(key), en=Words("en")(key))


_PERCENT = Text(zh="%", en="%")
_TIMES = _said("desk.unit.times")


@dataclass(frozen=True)
class RuleField:
    """One number of a rule, in the unit that a person uses."""

    path: str
    """Where it stands in the rule: `at_least.share`, `margin`, `budget`."""
    value: Fraction
    unit: Text
    low: Fraction
    high: Fraction
    """Ends of a slider; a field may be given more."""
    step: Fraction
    by: int = 1
    """What it is multiplied by for people: 100 for a share."""

    @property
    def text(self) -> str:
        """The number as a field shows it."""
        return exact_text(self.value)

    def read(self, text: str) -> Fraction:
        """What a person typed, as the rule holds it. Raises ValueError."""
        plain = text.strip()
        bare = plain.removesuffix("%").removesuffix("％").strip()
        by = 100 if self.unit == _TIMES and bare != plain else self.by
        return parse_exact(without_separators(bare if by != 1 else plain)) / by


@dataclass(frozen=True)
class DeskRule:
    """One rule, or one of what the scenario itself settles."""

    id: str
    title: Text
    sentence: Text
    grounds: Grounds | None
    mark: Text
    """What stands before a verdict: 未核到原文, 条款未定量; empty where the clause says it."""
    enabled: bool
    can_switch: bool
    changed: bool
    """It differs from what the scenario extends."""
    own: bool
    """It was added in this scenario, and can be taken out again."""
    fields: tuple[RuleField, ...]

    @property
    def source(self) -> Text:
        """Where its number is from."""
        return self.grounds.number_from if self.grounds else NO_TEXT

    @property
    def reason(self) -> Text:
        """Why it is held to."""
        return self.grounds.reason if self.grounds else NO_TEXT


def rule_lines(draft: ScenarioDraft) -> tuple[DeskRule, ...]:
    """The lines of a scenario: what it settles itself, then its rules in their order."""
    scenario, content = draft.scenario, draft.content
    labels = read_labels(scenario.programme)
    patched: Any = content.get("rules") or {}
    added = set(patched) - {rule.id for rule in draft.before.spec.rules} if patched else set()
    settled = (_settled(scenario, name, content, labels) for name in _SETTLED)
    rules = (
        _line(scenario, rule, labels, (rule.id in patched, rule.id in added))
        for rule in scenario.spec.rules
    )
    return (*settled, *rules)


def _line(scenario: Scenario, rule: Rule, labels: Labels, changed: tuple[bool, bool]) -> DeskRule:
    written = scenario.document.rules[rule.id]
    return DeskRule(
        id=rule.id,
        title=rule.title,
        sentence=_sentence(scenario, rule.id, labels),
        grounds=rule,
        mark=_mark(rule),
        enabled=rule.enabled,
        can_switch=True,
        changed=changed[0],
        own=changed[1],
        fields=tuple(_rule_fields(scenario, rule, written, labels)),
    )


def _settled(scenario: Scenario, name: str, content: Mapping[str, Any], labels: Labels) -> DeskRule:
    spec, grounds = scenario.spec, scenario.spec.grounds.get(name)
    on = {"budget": True, "lot": spec.lot is not None, STEP: spec.step is not None}
    return DeskRule(
        id=name,
        title=_said(_TITLES[name]),
        sentence=_sentence(scenario, name, labels),
        grounds=grounds,
        mark=_mark(grounds),
        enabled=on.get(name, spec.no_idle),
        can_switch=name == NO_IDLE,
        changed=name.replace("-", "_") in content,
        own=False,
        fields=tuple(_settled_fields(scenario, name)),
    )


def _sentence(scenario: Scenario, name: str, labels: Labels) -> Text:
    zh, en = (sentence_of(name, scenario, lang, labels) for lang in ("zh", "en"))
    return Text(zh=zh, en=en)


def _mark(grounds: Grounds | None) -> Text:
    return Text(zh=grounds_words(grounds, "zh"), en=grounds_words(grounds, "en"))


# Numbers.


def _settled_fields(scenario: Scenario, name: str) -> Iterator[RuleField]:
    """The number of the budget, the lot or the step; none where a column holds it."""
    spec = scenario.spec
    money = scenario.programme.file.money
    unit = Text(zh=money.zh, en=money.en)
    budget = Fraction(scenario.budget)
    if name == "budget":
        yield RuleField(name, budget, unit, *_around(budget))
    elif name in ("lot", STEP):
        given = spec.lot if name == "lot" else spec.step
        if given is None or given.column is None:
            none = Fraction(0 if name == "lot" else 1)
            value = none if given is None or given.number is None else given.number
            yield RuleField(name, value, unit, none, max(Fraction(100), 2 * value), Fraction(1))


def _rule_fields(
    scenario: Scenario, rule: Rule, written: Mapping[str, Any], labels: Labels
) -> Iterator[RuleField]:
    """The numbers of a rule as its document writes them, then its safety margin."""
    for path, text in numbers_of(written):
        if path != "margin":
            yield _field(scenario, rule, (path, parse_exact(text)), labels)
    if rule.measure not in PLAIN_MEASURES and rule.soft is None and rule.sense != "equal":
        margin = parse_share(written.get("margin") or 0) * 100
        yield RuleField("margin", margin, _PERCENT, Fraction(0), Fraction(20), Fraction(1), 100)


def _field(scenario: Scenario, rule: Rule, at: tuple[str, Fraction], labels: Labels) -> RuleField:
    path, number = at
    kind = re.sub(r"\[\d+\]|\.number$", "", path).rsplit(".", 1)[-1]
    if kind == "share":
        return RuleField(path, number * 100, _PERCENT, Fraction(0), Fraction(100), Fraction(1), 100)
    if kind == "times":
        high = max(Fraction(3), Fraction(2 * number))
        return RuleField(path, number, _TIMES, Fraction(0), high, Fraction(1, 20))
    if kind == "price":
        return RuleField(path, number, _said("desk.unit.points"), *_around(number))
    unit = Text(
        zh=Wording(scenario.programme, labels, "zh").unit(rule),
        en=Wording(scenario.programme, labels, "en").unit(rule),
    )
    most = _most(scenario, rule)
    low, high, step = _around(number) if most is None else (Fraction(0), most, Fraction(1))
    return RuleField(path, number, unit, low, high, step)


def _most(scenario: Scenario, rule: Rule) -> Fraction | None:
    """The most that a count of cells or counties can come to; None for other measures."""
    counties, tasks = scenario.programme.shape
    if rule.per_head is not None or rule.measure not in ("cells", "counties"):
        return None
    cells = (1 if "county" in rule.per else counties) * (1 if "task" in rule.per else tasks)
    return Fraction(counties if rule.measure == "counties" else cells)


def _around(number: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """Ends of a slider from nothing to twice a number, and a step of about a hundredth of it; a
    number that somebody wrote as a whole one stays whole."""
    high = 2 * number or Fraction(100)
    step = Fraction(10) ** (floor(log10(high)) - 2)
    if number >= 10 and number.denominator == 1:
        step = max(step, Fraction(1))
    return Fraction(0), high, step


RULES = (FILE, "rules")
"""Where the changes of rules stand in the tree of a draft."""
