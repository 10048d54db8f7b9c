"""What would have to give way where rules are in conflict, as data and in policy words."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor, log10

from models.exact import exact_text
from models.metadata import Labels, group_name, read_labels
from models.rule import NO_IDLE, PLAIN_MEASURES, STEP, Rule
from models.scenario import Scenario
from models.sentences import Wording, grouped, with_unit
from models.strict_yaml import Text

Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PlaceChange:
    """One limit of a rule that looks its numbers up in a table, and what it would have to be."""

    key: Key
    now: Fraction
    needed: Fraction
    """Both in the rule's own unit."""
    column: str | None = None
    """The column that the number stands in, where that is the whole of the limit."""
    cell_now: Fraction | None = None
    cell_needed: Fraction | None = None
    """What stands in the column, and would have to."""


@dataclass(frozen=True)
class Change:
    """One change of one rule (or of what the scenario itself settles)."""

    rule: str
    field: str
    """`number`, `share`, `times`, `within`, `margin` of a rule; `budget`, `lot`, `locks`,
    `eligibility`, `no-idle`, `step`; or `places` where the numbers stand in a table."""
    now: Fraction | None = None
    needed: Fraction | None = None
    setting: str | None = None
    """The change as `--set` takes it; None where it takes a table or a list."""
    places: tuple[PlaceChange, ...] = ()
    is_least: bool = True
    """Proved that one step less, as people write such a number (see `step_of`), would not do; else
    it is enough, and the least that was found."""
    which: int = 0
    """Of locks and of lines under `ineligible`: which of them, from 0."""


@dataclass(frozen=True)
class Check:
    """Two sums that cannot meet: what one rule needs somewhere and what another allows there."""

    kind: str
    """`money`, `cells`, `counties` or `outcome` (of a metric) on both sides, `metric` (of all the
    money) or `lot`."""
    rule: str
    other: str
    key: Key
    """Where: a group of either rule; () for the whole programme."""
    need: Fraction
    allow: Fraction


@dataclass(frozen=True)
class Member:
    """One limit (or, with no key, one rule) of a set in conflict."""

    rule: str
    key: Key


_FIGURES = 4
"""A number that is not counted in wholes is written with so many."""


def step_of(rule: Rule, field: str, now: Fraction) -> Fraction:
    """The step in which people write such a number of a rule (`field` as in `Change`), now `now`.

    Whole people and money units, shares to 0.01 %; four figures of what is small or per head.
    """
    plain = field in ("number", "within") and rule.per_head is None
    counted = rule.measure in PLAIN_MEASURES[1:]
    if plain and (counted or now >= 100 or now.denominator == 1):
        return Fraction(1)
    if field in ("share", "times") and not 0 < now < Fraction(1, 100):
        return Fraction(1, 10**_FIGURES)
    size = floor(log10(now)) + 1 if now > 0 else 0
    return Fraction(10) ** min(size - _FIGURES, 0)


def written(number: Fraction, step: Fraction, down: bool) -> Fraction:
    """The next number in whole steps, downwards or upwards."""
    steps = number / step
    return step * (floor(steps) if down else -floor(-steps))


def change_text(scenario: Scenario, change: Change, labels: Labels | None = None) -> Text:
    """The change in one sentence: which rule, from what to what, in which unit."""
    known = read_labels(scenario.programme) if labels is None else labels
    said = [_Speech(scenario, known, lang).change(change) for lang in ("zh", "en")]
    return Text(zh=said[0], en=said[1])


def check_text(scenario: Scenario, check: Check, labels: Labels | None = None) -> Text:
    """The two sums in one sentence."""
    known = read_labels(scenario.programme) if labels is None else labels
    said = [_Speech(scenario, known, lang).check(check) for lang in ("zh", "en")]
    return Text(zh=said[0], en=said[1])


_SETTLED = {
    "budget": ("预算", "Budget"),
    "lot": ("单项起点数", "Least amount of a funded cell"),
    "locks": ("锁定的县×工作", "Locked cells"),
    "cell-bounds": ("县×工作的上下限", "Bounds of single cells"),
    "eligibility": ("资格条件", "Eligibility"),
    STEP: ("金额取整单位", "Step of the money"),
    NO_IDLE: ("不安排无产出的资金", "No money where it yields nothing"),
}
_MOVES = {
    ("margin", "at_least"): (
        "安全余地由{now}降为{needed}",
        "safety margin given up, from {now} to {needed}",
    ),
    ("margin", "at_most"): (
        "安全余地由{now}降为{needed}",
        "safety margin given up, from {now} to {needed}",
    ),
    ("number", "at_least"): ("下限由{now}降低到{needed}", "floor lowered from {now} to {needed}"),
    ("number", "at_most"): ("上限由{now}提高到{needed}", "cap raised from {now} to {needed}"),
    ("share", "at_least"): ("比例由{now}降低到{needed}", "share lowered from {now} to {needed}"),
    ("share", "at_most"): ("比例由{now}提高到{needed}", "share raised from {now} to {needed}"),
    ("times", "at_least"): ("倍数由{now}降低到{needed}", "multiple lowered from {now} to {needed}"),
    ("times", "at_most"): ("倍数由{now}提高到{needed}", "multiple raised from {now} to {needed}"),
    ("within", "equal"): (
        "允许相差由{now}放宽到{needed}",
        "room on either side widened from {now} to {needed}",
    ),
}


def conflict_text(
    scenario: Scenario, conflict: tuple[Member, ...], labels: Labels | None = None
) -> Text:
    """Limits that cannot be kept together in one sentence, each rule with the first few groups."""
    known = read_labels(scenario.programme) if labels is None else labels
    said = [_Speech(scenario, known, lang).conflict(conflict) for lang in ("zh", "en")]
    return Text(zh=said[0], en=said[1])


_NAMED = 6


class _Speech:
    def __init__(self, scenario: Scenario, labels: Labels, lang: str) -> None:
        self._scenario, self._labels, self._lang = scenario, labels, lang
        self._wording = Wording(scenario.programme, labels, lang)
        self.say = self._wording.say
        self._rules = {rule.id: rule for rule in scenario.spec.rules}
        self._money = scenario.programme.file.money.of(lang)

    def name(self, name: str) -> str:
        title = self.title(name)
        return self.say(f"“{title}”（{name}）", f"{title} ({name})")

    def title(self, name: str) -> str:
        if name in self._rules:
            return self._rules[name].title.of(self._lang)
        return self.say(*_SETTLED[name]) if name in _SETTLED else name

    def change(self, change: Change) -> str:
        head = self.name(change.rule) + self.say("：", ": ")
        rule = self._rules.get(change.rule)
        if rule is None:
            return head + self._settled(change)
        if change.field == "places":
            return head + self._places(rule, change)
        assert change.now is not None and change.needed is not None
        now, needed = (self._number(rule, change.field, n) for n in (change.now, change.needed))
        zh, en = _MOVES[change.field, rule.sense]
        each = self.say("（每项限值）", " (each of its limits)") if rule.per else ""
        if change.field == "share" and change.needed > 1:
            # A share above one is refused where it is written as a share.
            each += self.say("（改写为 times）", " (to be written as times)")
        if change.field == "number" or change.field == "within":
            now = grouped(change.now)
        return head + self.say(zh, en).format(now=now, needed=needed) + each

    def _number(self, rule: Rule, field: str, number: Fraction) -> str:
        if field in ("share", "margin"):
            return f"{exact_text(100 * number)}%"
        if field == "times":
            return exact_text(number)
        return self._wording.number(number, rule) + self._head(rule)

    def _head(self, rule: Rule) -> str:
        if rule.per_head is None:
            return ""
        said = self._wording.head(rule.per_head)
        return f"（{said}）" if self._lang == "zh" else said

    def _settled(self, change: Change) -> str:
        spec = self._scenario.spec
        if change.field == "eligibility":
            reason = spec.ineligible[change.which].reason.of(self._lang)
            return self.say(
                f"允许这些县×工作安排资金（{reason}）", f"let these cells get money ({reason})"
            )
        if change.field in (NO_IDLE, STEP):
            return self.say("不作此要求", "no longer asked for")
        assert change.now is not None and change.needed is not None
        now, needed = grouped(change.now), grouped(change.needed)
        unit = self._money
        if change.field == "locks":
            lock = spec.locks[change.which]
            key = (("county", lock.county), ("task", lock.task))
            place = group_name(self._scenario.programme, self._labels, key, self._lang)
            return self.say(
                f"{place}由{now}{unit}改为{needed}{unit}",
                f"{place} moved from {now} to {with_unit(needed, unit)}",
            )
        up = change.needed > change.now
        return self.say(
            f"由{now}{unit}{'提高' if up else '降低'}到{needed}{unit}",
            f"{'raised' if up else 'lowered'} from {now} to {with_unit(needed, unit)}",
        )

    def _places(self, rule: Rule, change: Change) -> str:
        return self.say("；", "; ").join(self._place(rule, one) for one in change.places)

    def _place(self, rule: Rule, one: PlaceChange) -> str:
        place = group_name(self._scenario.programme, self._labels, one.key, self._lang)
        place = place or self.say("全部", "in all")
        needed = self._wording.number(_tidy(one.needed), rule) + self._head(rule)
        text = self.say(
            f"{place}的限值由{grouped(_tidy(one.now))}改为{needed}",
            f"limit of {place} moved from {grouped(_tidy(one.now))} to {needed}",
        )
        if one.column is None or one.cell_now is None or one.cell_needed is None:
            return text
        label = self._labels.column(one.column, self._lang)
        cells = [exact_text(_tidy(cell)) for cell in (one.cell_now, one.cell_needed)]
        return text + self.say(
            f"（列“{label}”{one.column}由{cells[0]}改为{cells[1]}）",
            f' (column "{one.column}" from {cells[0]} to {cells[1]})',
        )

    def conflict(self, conflict: tuple[Member, ...]) -> str:
        rules: dict[str, list[str]] = {}
        for one in conflict:
            name = group_name(self._scenario.programme, self._labels, one.key, self._lang)
            rules.setdefault(one.rule, []).extend([name] if name else [])
        told = [self._member(rule, places) for rule, places in rules.items()]
        if len(told) == 1:
            return self.say(f"{told[0]}本身不能满足", f"{told[0]} cannot be kept")
        return self.say(
            f"{'、'.join(told)}不能同时满足", f"{'; '.join(told)} cannot be kept together"
        )

    def _member(self, rule: str, places: list[str]) -> str:
        title, more = self.title(rule), len(places) - _NAMED
        listed = self.say("、", ", ").join(places[:_NAMED])
        if more > 0:
            listed += self.say(f"等{len(places)}项", f" and {more} more")
        inside = self.say(f"（{listed}）", f" ({listed})") if places else ""
        return self.say(f"“{title}”{inside}", f"{title}{inside}")

    def check(self, check: Check) -> str:
        place = group_name(self._scenario.programme, self._labels, check.key, self._lang)
        rule = self._rules.get(check.rule)
        need, allow = (self._amount(check, rule, n) for n in (check.need, check.allow))
        title, other = self.title(check.rule), self.title(check.other)
        inside = self.say(f"（{place}）", f" ({place})") if place else ""
        if check.kind == "metric":
            return self.say(
                f"“{title}”需要{need}，而“{other}”以内的资金全部用在最有效处也只能达到{allow}{inside}",
                f"{title} needs {need}; all the money that {other} allows, put where it yields "
                f"most, gives {allow}{inside}",
            )
        return self.say(
            f"“{title}”需要{need}，而“{other}”只容许{allow}{inside}",
            f"{title} needs {need}, {other} allows {allow}{inside}",
        )

    def _amount(self, check: Check, rule: Rule | None, number: Fraction) -> str:
        if check.kind == "metric" and rule is not None:
            # Rounded down: what is allowed never reads as more, and what is needed is as written.
            least = number if number == check.need else Fraction(floor(number * 100), 100)
            return self._wording.number(least, rule)
        if check.kind == "outcome" and rule is not None:
            return self._wording.number(number, rule)
        if check.kind == "cells":
            return self.say(f"{grouped(number)}项", f"{grouped(number)} funded cells")
        if check.kind == "counties":
            return self.say(f"{grouped(number)}个县", f"{grouped(number)} counties")
        shown = grouped(_tidy(number))
        return shown + self._money if self._lang == "zh" else with_unit(shown, self._money)


def _tidy(number: Fraction) -> Fraction:
    """Exact where a decimal of six places says it, else rounded to that."""
    return Fraction(round(number * 10**6), 10**6)
