"""What a rule asks for, as a sentence in Chinese and English, made from its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.exact import exact_text
from models.finding import State
from models.metadata import Labels, read_labels, value_name
from models.programme import Programme
from models.rule import (
    BASELINE,
    CELLS,
    NO_IDLE,
    STEP,
    WHOLE_UNITS,
    Condition,
    Factor,
    Grounds,
    Part,
    Rule,
)
from models.scenario import Scenario

# Phrases of sentences: measures, places, bounds; one set of templates in two languages.


_LISTED = 5
"""So many names of a long list are written out."""


@dataclass(frozen=True)
class Wording:
    """Phrases of one programme in one language."""

    programme: Programme
    labels: Labels
    lang: str

    def say(self, zh: str, en: str) -> str:
        return zh if self.lang == "zh" else en

    def rule(self, rule: Rule) -> str:
        bound = self.say("加", " plus ").join(self.part(part, rule) for part in rule.bound)
        sense = self.sense(rule)
        after = self.within(rule) + self.margin(rule) + self.chance(rule) + self.exceptions(rule)
        place = PlaceWords(self, rule.where, rule.per, "each")
        subject = self.measured(rule.measure, rule.per_head, place)
        if self.lang == "zh":
            return f"{subject}{sense}{bound}{after}"
        groups = place.groups_en()
        return f"{groups}{', ' if groups else ''}{subject} {sense} {bound}{after}"

    def sense(self, rule: Rule) -> str:
        counted = rule.measure != "amount" and rule.per_head is None
        least, most = ("不少于", "不多于") if counted else ("不低于", "不高于")
        return {
            "at_least": self.say(least, "is at least"),
            "at_most": self.say(most, "is at most"),
            "equal": self.say("等于", "equals"),
        }[rule.sense]

    def within(self, rule: Rule) -> str:
        if not rule.within:
            return ""
        room = self.number(rule.within, rule)
        return self.say(f"，允许相差不超过{room}", f", give or take at most {room}")

    def chance(self, rule: Rule) -> str:
        if rule.chance is None:
            return ""
        share = _percent(rule.chance.at_least)
        return self.say(
            f"（robust 另要求在{share}的抽取中守住）", f" (by robust in {share} of the draws, too)"
        )

    def margin(self, rule: Rule) -> str:
        if not rule.margin:
            return ""
        share = _percent(rule.margin)
        return self.say(f"（测算时留{share}余地）", f" (solved with a safety margin of {share})")

    def exceptions(self, rule: Rule) -> str:
        text = ""
        if rule.if_funded:
            text += self.say("（没有资金的除外）", " (groups without money are left out)")
        if rule.soft:
            price = exact_text(rule.soft.price)
            text += self.say(
                f"（可放宽，每差1个单位扣综合指数{price}）",
                f" (may give way, at {price} of the objective for each unit)",
            )
        return text

    def measured(self, measure: str, per_head: str | None, place: PlaceWords) -> str:
        """A measure over a place: “深度贫困县”的资金, money to deep-poverty counties."""
        if self.lang == "zh":
            named = self.head(per_head) + self.measure_zh(measure)
            if place.zh():
                return f"{place.zh()}的{named}"
            if per_head:
                return f"全部{self.labels_or('county', '县（市、区）')}的{named}"
            return named if measure in self.programme.metrics else f"全部{_SPENT_ZH[measure]}"
        if measure == "amount" and not place and not per_head:
            return "all money spent"
        whole = f" over all {self.plural()}" if per_head and not place else ""
        to = "to" if measure == "amount" and not per_head else "in"
        return self.measure_en(measure) + self.head(per_head) + place.en(to) + whole

    def measure_zh(self, measure: str) -> str:
        if measure in _MONEY_ZH:
            return _MONEY_ZH[measure]
        return self.metric(measure)

    def measure_en(self, measure: str) -> str:
        plain = {
            "amount": "money",
            "cells": "the number of funded cells",
            "counties": f"the number of funded {self.plural()}",
        }
        return plain.get(measure) or f'the outcome "{self.metric(measure)}"'

    def metric(self, name: str) -> str:
        titles = {metric.id: metric.title for metric in self.programme.file.metrics}
        return titles[name].of(self.lang) if name in titles else name

    def head(self, column: str | None) -> str:
        if column is None:
            return ""
        label = self.labels.column(column, self.lang)
        short = self.labels.per_head(column, self.lang)
        if self.lang == "zh":
            return short or f"按“{label}”平均的"
        return f" {short}" if short else f' per unit of "{label}"'

    def labels_or(self, column: str, default: str) -> str:
        return self.labels.column(column, self.lang) if column in self.labels.columns else default

    def plural(self) -> str:
        one = self.labels_or("county", "county")
        return one[:-1] + "ies" if one.endswith("y") else one + "s"

    def number(self, number: Fraction, rule: Rule) -> str:
        """A number in the unit of the rule's measure."""
        text, unit = grouped(number), self.unit(rule)
        if self.lang == "zh":
            return text + unit
        return text + (f" ({unit})" if unit[:1].isdigit() else f" {unit}" if unit else "")

    def unit(self, rule: Rule) -> str:
        """The unit of the rule's measure; nothing for counts in English."""
        if rule.measure == "amount":
            return self.programme.file.money.of(self.lang)
        if rule.measure in self.programme.metrics:
            at = self.programme.metrics.index(rule.measure)
            return self.programme.file.metrics[at].unit.of(self.lang)
        return self.say("项" if rule.measure == "cells" else "个", "")

    def part(self, part: Part, rule: Rule) -> str:
        """One addend of the bound."""
        if part.number is not None:
            return self.number(part.number, rule)
        if part.column is not None:
            label = self.labels.column(part.column, self.lang)
            if part.sum:
                base = self.say(f"“{label}”之和", f'the sum of "{label}"')
            else:
                base = self.say(f"“{label}”所列数", f'the figure in "{label}"')
        else:
            base = self.reference(part, rule)
        if part.factor is None:
            return base
        return self.multiple(base, part.factor, share=part.share is not None)

    def multiple(self, base: str, factor: Factor, share: bool) -> str:
        if factor.number is None:
            label = self.labels.column(str(factor.column), self.lang)
            return self.say(f"{base}乘以“{label}”", f'{base} times "{label}"')
        if share:
            percent = _percent(factor.number)
            return self.say(f"{base}的{percent}", f"{percent} of {base}")
        times = exact_text(factor.number)
        return self.say(f"{base}的{times}倍", f"{times} times {base}")

    def reference(self, part: Part, rule: Rule) -> str:
        """What a share or a multiple is taken of."""
        if part.of == "budget":
            head = self.head(rule.per_head)
            return self.say(f"{head}预算", f"the budget{head}")
        assert part.of is not None
        place = PlaceWords(self, part.where, part.per, "same")
        if part.of == BASELINE:
            return self.baseline(part, rule, place)
        if self.lang == "zh" and not place and not rule.per_head:
            return f"全部{_SPENT_ZH.get(part.of) or self.metric(part.of)}"
        return self.measured(part.of, rule.per_head, place)

    def baseline(self, part: Part, rule: Rule, place: PlaceWords) -> str:
        """The baseline over the rule's own groups, or over what the part says."""
        if (part.where, part.per) == (rule.where, rule.per):
            return self.say("因素法基准", "the baseline's")
        if self.lang == "zh" and not place and not rule.per_head:
            return f"因素法基准全部{_SPENT_ZH.get(rule.measure) or self.metric(rule.measure)}"
        named = self.measured(rule.measure, rule.per_head, place)
        return self.say(f"因素法基准{named}", f"{named} in the baseline")


_MONEY_ZH = {"amount": "资金", "cells": "安排项数", "counties": "安排县数"}
_SPENT_ZH = {"amount": "安排资金", "cells": "安排项数", "counties": "安排县数"}


@dataclass(frozen=True)
class PlaceWords:
    """Where something is measured: the conditions of a `where` and the groups of a `per`."""

    wording: Wording
    where: Mapping[str, Condition]
    per: Sequence[str]
    mode: str
    """`each` for the groups of a rule, `same` for what its bound refers to."""

    def __bool__(self) -> bool:
        return bool(self.where or self.per)

    def mine(self, names: Sequence[str], what: str) -> list[str]:
        """Those of the columns that stand in the county table (or in the task table)."""
        programme = self.wording.programme
        table = programme.counties if what == "county" else programme.tasks
        return [name for name in names if table.kind(name)]

    def zh(self) -> str:
        """“深度贫困县”中每个县（市、区）在“培训”上."""
        place = self.conditions(self.mine(list(self.where), "county"))
        groups = self.groups_zh("county")
        place = f"{place}中{groups}" if place and groups else place or groups
        work = self.conditions(self.mine(list(self.where), "task"))
        groups = self.groups_zh("task")
        work = f"{work}中{groups}" if work and groups else work or groups
        return f"{place}在{work}上" if place and work else place or work

    def conditions(self, names: Sequence[str]) -> str:
        return "且".join(f"“{condition_words(self.wording, n, self.where[n])}”" for n in names)

    def groups_zh(self, what: str) -> str:
        labels, which = self.wording.labels_or, "每" if self.mode == "each" else "同一"
        words = []
        for name in self.mine(self.per, what):
            one = "" if self.mode == "same" else "项" if what == "task" else "个"
            own = {"county": "县（市、区）", "task": "重点工作"}.get(name)
            words.append(which + one + (labels(name, own) if own else f"“{labels(name, name)}”"))
        return "、".join(words)

    def en(self, preposition: str) -> str:
        """` to deep-poverty counties, for training`, and ` in the same county` of a reference."""
        places = self.conditions_en("county")
        works = self.conditions_en("task")
        text = f" {preposition} " + ", limited to ".join(places) if places else ""
        if works:
            text += (", for " if places else " for ") + ", limited to ".join(works)
        if self.mode == "same" and self.per:
            named = [self.wording.labels_or(name, name) for name in self.per]
            text += " of the same " + " and ".join(named)
        return text

    def conditions_en(self, what: str) -> list[str]:
        """Each condition as a noun: deep-poverty counties, counties other than …, tasks where …."""
        named = self.wording.plural() if what == "county" else "tasks"
        said = []
        for name in self.mine(list(self.where), what):
            text = condition_words(self.wording, name, self.where[name])
            bare = text.startswith(("where ", "other than "))
            said.append(f"{named} {text}" if bare else text)
        return said

    def groups_en(self) -> str:
        """`in each county`, `for each task`, both."""
        words = []
        for what, preposition in (("county", "in"), ("task", "for")):
            named = [self.wording.labels_or(name, name) for name in self.mine(self.per, what)]
            if named:
                words.append(f"{preposition} each " + " and ".join(named))
        return " and ".join(words)


def condition_words(wording: Wording, column: str, condition: Condition) -> str:
    """One condition of a `where` in words."""
    label = wording.labels.column(column, wording.lang)
    if condition.between is not None:
        return _range_words(wording, label, condition)
    programme, labels = wording.programme, wording.labels
    kinds = (programme.counties.kind(column), programme.tasks.kind(column))
    long = {"1": "true", "0": "false"} if "boolean" in kinds else {}
    items = [long.get(item, item) for item in condition.among]
    names = [value_name(programme, labels, (column, item), wording.lang) for item in items]
    listed = _listed(names, wording)
    if column in ("county", "task") or column in labels.values or long:
        return listed
    return wording.say(f"{label}为{listed}", f"where {label} is {listed}")


def _range_words(wording: Wording, label: str, condition: Condition) -> str:
    between = condition.between
    assert between is not None
    low, high = between.min, between.max
    if low is not None and high is not None:
        return wording.say(
            f"{label}在{grouped(low)}至{grouped(high)}之间",
            f"where {label} is from {grouped(low)} to {grouped(high)}",
        )
    if low is not None:
        least = grouped(low)
        return wording.say(f"{label}不低于{least}", f"where {label} is at least {least}")
    most = grouped(high or Fraction(0))
    return wording.say(f"{label}不高于{most}", f"where {label} is at most {most}")


def _listed(names: Sequence[str], wording: Wording) -> str:
    if len(names) > _LISTED + 1:
        rest = len(names) - _LISTED
        shown = names[:_LISTED]
        return wording.say(
            "、".join(shown) + f"等{len(names)}个", ", ".join(shown) + f" and {rest} more"
        )
    if wording.lang == "zh" or len(names) < 2:
        return "、".join(names)
    return ", ".join(names[:-1]) + f" and {names[-1]}"


def with_unit(number: str, unit: str) -> str:
    """A number and its unit; brackets part them where the unit starts with a digit too."""
    return f"{number} ({unit})" if unit[:1].isdigit() else f"{number} {unit}"


def grouped(number: Fraction) -> str:
    """The exact number with thousands separators: 33,000, 0.27, 1/3."""
    text = exact_text(number)
    if "/" in text:
        return text
    whole, point, rest = text.removeprefix("-").partition(".")
    return ("-" if number < 0 else "") + f"{int(whole):,}" + point + rest


def _percent(share: Fraction) -> str:
    text = exact_text(share * 100)
    return exact_text(share) if "/" in text else f"{text}%"


# The sentence of a rule in Chinese and English, generated from its fields, and its state in words.
#
# A sentence says what the fields say and no more; where the rule comes from stands beside it.


def sentence(rule: Rule, programme: Programme, lang: str, labels: Labels | None = None) -> str:
    """What a rule asks for, in one sentence without a full stop; `lang` is zh or en.

    `labels` saves reading `labels.yaml` again where many sentences are due.
    """
    known = read_labels(programme) if labels is None else labels
    return _first_upper(Wording(programme, known, lang).rule(rule))


def sentence_of(name: str, scenario: Scenario, lang: str, labels: Labels | None = None) -> str:
    """The sentence of a rule by id, or of a reserved id (budget, lot, locks …); '' if unknown."""
    for rule in scenario.spec.rules:
        if rule.id == name:
            said = sentence(rule, scenario.programme, lang, labels)
            return said + _eased_words(name, scenario, lang)
    known = read_labels(scenario.programme) if labels is None else labels
    said = _first_upper(_reserved(name, scenario, Wording(scenario.programme, known, lang)))
    return said + _eased_words(name, scenario, lang)


def _eased_words(name: str, scenario: Scenario, lang: str) -> str:
    """How many limits of a rule give way to money that is paid; '' where none does."""
    count = sum(1 for one in scenario.spec.eased if one.rule == name)
    if not count:
        return ""
    zh = f"（其中{count}项限值因已拨付的资金放宽）"
    return zh if lang == "zh" else f" ({count} of its limits give way to money that is paid)"


def grounds_words(grounds: Grounds | None, lang: str) -> str:
    """What stands before a verdict: whose number it is; '' where the clause itself states it."""
    if grounds is None:
        return ""
    zh = lang == "zh"
    if grounds.clause is not None:
        return _clause_words(grounds, zh)
    if grounds.basis == "practice":
        return "参照实际做法" if zh else "by actual practice"
    return "测算假定" if zh else "assumption"


def _clause_words(grounds: Grounds, zh: bool) -> str:
    if not grounds.was_read:
        return "未核到原文，按假定值测算" if zh else "clause not read, tested at an assumed value"
    ours = grounds.clause is not None and grounds.clause.seen
    officer = "" if ours else "经办人核对原文" if zh else "clause read by the officer"
    if grounds.clause_states_number:
        return officer
    assumed = (
        "条款未定量，按假定值测算" if zh else "clause states no number, tested at an assumed value"
    )
    return ("，" if zh else "; ").join(said for said in (officer, assumed) if said)


def verdict_word(grounds: Grounds | None, state: State | None, lang: str) -> str:
    """符合/不符合 only where the clause was read and states the number; else 满足/不满足.

    `state` None, or a rule that is switched off, gives 停用.
    """
    if state is None or (isinstance(grounds, Rule) and not grounds.enabled):
        return "停用" if lang == "zh" else "switched off"
    if state == "bent":
        return "放宽" if lang == "zh" else "gives way"
    if state == "short":
        return "余地不足" if lang == "zh" else "margin not met"
    if grounds is not None and grounds.clause_states_number:
        words = ("符合", "不符合") if lang == "zh" else ("complies", "breaches")
    else:
        words = ("满足", "不满足") if lang == "zh" else ("met", "not met")
    return words[0] if state == "kept" else words[1]


def state_words(grounds: Grounds | None, state: State | None, lang: str) -> str:
    """The whole wording of a rule's state in a report: 条款未定量，按假定值测算：满足."""
    verdict = verdict_word(grounds, state, lang)
    off = state is None or (isinstance(grounds, Rule) and not grounds.enabled)
    if off:
        return verdict + _off_words(grounds, lang == "zh")
    before = grounds_words(grounds, lang)
    return before + ("：" if lang == "zh" else ": ") + verdict if before else verdict


def _off_words(grounds: Grounds | None, zh: bool) -> str:
    """What is said of the clause of a rule that is switched off."""
    if grounds is not None and grounds.is_unread:
        return "（未核到原文）" if zh else " (clause not read)"
    if grounds is not None and grounds.confirmed is not None and not grounds.confirmed.applies:
        return "（经办人认定不适用）" if zh else " (does not apply, by the officer's word)"
    return ""


def _reserved(name: str, scenario: Scenario, wording: Wording) -> str:
    money = wording.programme.file.money.of(wording.lang)
    budget = grouped(Fraction(scenario.budget))
    told = {
        "budget": wording.say(
            f"全部安排资金不高于预算{budget}{money}",
            f"all money spent is at most the budget of {with_unit(budget, money)}",
        ),
        "lot": _lot_words(scenario, wording),
        "locks": wording.say(
            f"已锁定的{len(scenario.spec.locks)}项（县×工作）按锁定数安排",
            f"the {len(scenario.spec.locks)} locked cells get the amounts they are locked at",
        ),
        CELLS: wording.say(
            f"{len(scenario.spec.cells)}项（县×工作）不低于（不高于）各自列明的数",
            f"{len(scenario.spec.cells)} cells hold no less (no more) than is listed for them",
        ),
        "eligibility": wording.say(
            "不符合条件的县×工作不安排资金", "cells that are not eligible get no money"
        ),
        STEP: _step_words(scenario, wording),
        NO_IDLE: _idle_words(scenario, wording),
        WHOLE_UNITS: wording.say(
            f"每县每项工作的资金为整数（{money}）",
            f"the money of each cell is a whole number ({money})",
        ),
    }
    return told.get(name, "")


def _step_words(scenario: Scenario, wording: Wording) -> str:
    step, money = scenario.spec.step, wording.programme.file.money.of(wording.lang)
    if step is not None and step.column is not None:
        label = wording.labels.column(step.column, wording.lang)
        return wording.say(
            f"每县每项工作的资金是“{label}”所列数的整数倍（锁定的县×工作按锁定数）",
            f'the money of each cell is a whole multiple of the figure in "{label}" (locked cells '
            "get what they are locked at)",
        )
    number = grouped(step.number if step is not None and step.number else Fraction(1))
    return wording.say(
        f"每县每项工作的资金是{number}{money}的整数倍（锁定的县×工作按锁定数）",
        f"the money of each cell is a whole multiple of {with_unit(number, money)} (locked cells "
        "get what they are locked at)",
    )


def _idle_words(scenario: Scenario, wording: Wording) -> str:
    if not scenario.tiers.ends.any():
        return wording.say(
            "本资金没有效益分档，“不安排无产出的资金”不适用",
            "this fund has no response, so that no money can be said to yield nothing",
        )
    return wording.say(
        "每县每项工作的资金不超过效益分档的最末一档，再多没有产出（锁定的县×工作按锁定数）",
        "no cell gets more than its last tier holds, beyond which money yields nothing (locked "
        "cells get what they are locked at)",
    )


def _lot_words(scenario: Scenario, wording: Wording) -> str:
    lot, money = scenario.spec.lot, wording.programme.file.money.of(wording.lang)
    if lot is not None and lot.column is not None:
        label = wording.labels.column(lot.column, wording.lang)
        return wording.say(
            f"凡安排资金的县×工作，资金不低于“{label}”所列数",
            f'a funded cell gets at least the figure in "{label}"',
        )
    number = grouped(lot.number) if lot is not None and lot.number is not None else "1"
    return wording.say(
        f"凡安排资金的县×工作，资金不低于{number}{money}",
        f"a funded cell gets at least {with_unit(number, money)}",
    )


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
