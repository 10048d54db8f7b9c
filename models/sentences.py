"""The sentence of a rule in Chinese and English, generated from its fields, and its state in words.

A sentence says what the fields say and no more; where the rule comes from stands beside it.
"""

from __future__ import annotations

from fractions import Fraction

from models.finding import State
from models.labels import Labels, read_labels
from models.phrases import Wording, grouped, with_unit
from models.programme import Programme
from models.rule import Grounds, Rule
from models.scenario import Scenario


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
            return sentence(rule, scenario.programme, lang, labels)
    known = read_labels(scenario.programme) if labels is None else labels
    return _first_upper(_reserved(name, scenario, Wording(scenario.programme, known, lang)))


def grounds_words(grounds: Grounds | None, lang: str) -> str:
    """What stands before a verdict: whose number it is; '' where the clause itself states it."""
    if grounds is None:
        return ""
    zh = lang == "zh"
    if grounds.clause is not None:
        if not grounds.clause.seen:
            return (
                "未核到原文，按假定值测算" if zh else "clause not read, tested at an assumed value"
            )
        if not grounds.clause.states_number:
            return (
                "条款未定量，按假定值测算"
                if zh
                else "clause states no number, tested at an assumed value"
            )
        return ""
    if grounds.basis == "practice":
        return "参照实际做法" if zh else "by actual practice"
    return "测算假定" if zh else "assumption"


def verdict_word(grounds: Grounds | None, state: State | None, lang: str) -> str:
    """符合/不符合 only where the clause was read and states the number; else 满足/不满足.

    `state` None, or a rule that is switched off, gives 停用.
    """
    if state is None or (isinstance(grounds, Rule) and not grounds.enabled):
        return "停用" if lang == "zh" else "switched off"
    if state == "bent":
        return "放宽" if lang == "zh" else "gives way"
    clause = grounds.clause if grounds is not None else None
    if clause is not None and clause.seen and clause.states_number:
        words = ("符合", "不符合") if lang == "zh" else ("complies", "breaches")
    else:
        words = ("满足", "不满足") if lang == "zh" else ("met", "not met")
    return words[0] if state == "kept" else words[1]


def state_words(grounds: Grounds | None, state: State | None, lang: str) -> str:
    """The whole wording of a rule's state in a report: 条款未定量，按假定值测算：满足."""
    verdict = verdict_word(grounds, state, lang)
    off = state is None or (isinstance(grounds, Rule) and not grounds.enabled)
    if off:
        unread = grounds is not None and grounds.clause is not None and not grounds.clause.seen
        if not unread:
            return verdict
        return f"{verdict}（未核到原文）" if lang == "zh" else f"{verdict} (clause not read)"
    before = grounds_words(grounds, lang)
    return before + ("：" if lang == "zh" else ": ") + verdict if before else verdict


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
            f"已锁定的{len(scenario.spec.locks)}个单元按锁定数安排",
            f"the {len(scenario.spec.locks)} locked cells get the amounts they are locked at",
        ),
        "eligibility": wording.say(
            "不符合条件的单元不安排资金", "cells that are not eligible get no money"
        ),
        "whole-units": wording.say(
            f"每个单元的资金为整数（{money}）",
            f"the money of each cell is a whole number ({money})",
        ),
    }
    return told.get(name, "")


def _lot_words(scenario: Scenario, wording: Wording) -> str:
    lot, money = scenario.spec.lot, wording.programme.file.money.of(wording.lang)
    if lot is not None and lot.column is not None:
        label = wording.labels.column(lot.column, wording.lang)
        return wording.say(
            f"安排资金的单元，资金不低于“{label}”所列数",
            f'a funded cell gets at least the figure in "{label}"',
        )
    number = grouped(lot.number) if lot is not None and lot.number is not None else "1"
    return wording.say(
        f"安排资金的单元，资金不低于{number}{money}",
        f"a funded cell gets at least {with_unit(number, money)}",
    )


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
