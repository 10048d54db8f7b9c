"""Rules for money that no allocation can break, because other rules imply them.

Read off the counties' money alone, exact and without a solver. A slack is s = constant + Σ factor ×
a county's money. Take from it other slacks, each times a multiplier ≥ 0 (one rule, and the budget):
where what is left is no less than nothing at the least and the most that each county may hold by
rules of its own, s is no less than nothing in any allocation that keeps those rules. Multipliers
are tried, not searched for: a rule that is not named may be implied all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.scenario import Scenario
from optimizer.audit.limits import Form, LimitForm, budget_form, limit_forms

MOST_COUNTIES = 500
"""Of more counties nothing is claimed: this is read whenever rules are shown, and must be quick."""
_NONE = Fraction(0)


@dataclass(frozen=True)
class _Slack:
    """constant + Σ factor × a county's money, no less than nothing where the limit is kept."""

    rule: str
    constant: Fraction
    factors: Mapping[int, Fraction]
    """County → factor, none of them nothing."""

    def less(self, other: _Slack, times: Fraction) -> _Slack:
        factors = dict(self.factors)
        for county, factor in other.factors.items():
            factors[county] = factors.get(county, _NONE) - times * factor
        constant = self.constant - times * other.constant
        return _Slack(self.rule, constant, {at: by for at, by in factors.items() if by})


_Ends = Mapping[tuple[int, bool], tuple[Fraction, str]]
"""(county, whether it is the most) → money, and the rule that says so."""


def implied_rules(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Rule → ids of the rules that imply it, in the scenario's order; `budget` is one too.

    A rule that is implied implies no other: leaving all of them out would change nothing.
    """
    counties, tasks = scenario.programme.shape
    if counties > MOST_COUNTIES:
        return {}
    forms = [form.written for form in (budget_form(scenario), *limit_forms(scenario))]
    read = [(form.rule, _slacks(form, tuple(range(tasks)))) for form in forms]
    unread = {rule for rule, slacks in read if slacks is None}
    slacks = [one for _, of_one in read for one in of_one or ()]
    order = {rule: at for at, rule in enumerate(dict.fromkeys(rule for rule, _ in read))}
    found: dict[str, tuple[str, ...]] = {}
    for rule in scenario.rules:
        mine = [one for one in slacks if one.rule == rule.id]
        others = [one for one in slacks if one.rule != rule.id and one.rule not in found]
        by = None if rule.id in unread or not mine else _all_implied(mine, others)
        if by:
            found[rule.id] = tuple(sorted(by, key=lambda name: order[name]))
    return found


def _slacks(form: LimitForm, tasks: tuple[int, ...]) -> list[_Slack] | None:
    """Its sides; None where it is no limit of counties' money, or gives way."""
    if form.soft or form.only_if is not None:
        return None
    found = []
    for side in (form.lower, form.upper):
        if side is None:
            continue
        room = form.value - side if side is form.lower else side - form.value
        factors = _by_county(room, tasks)
        if factors is None:
            return None
        found.append(_Slack(form.rule, room.constant, factors))
    return found


def _by_county(room: Form, tasks: tuple[int, ...]) -> dict[int, Fraction] | None:
    factors: dict[int, Fraction] = {}
    for measured, factor in room.terms.items():
        if measured.measure != "amount" or measured.tasks != tasks:
            return None
        for county in measured.counties:
            factors[county] = factors.get(county, _NONE) + factor
    return {county: factor for county, factor in factors.items() if factor}


def _all_implied(mine: Iterable[_Slack], others: Sequence[_Slack]) -> set[str] | None:
    """The rules that imply all of these slacks."""
    ends, wide = _ends(others), [one for one in others if len(one.factors) > 1]
    budget = [one for one in wide if one.rule == "budget"]
    by: set[str] = set()
    for one in mine:
        tries = (_least(left, ends, used) for left, used in _left(one, wide, budget))
        proof = next((rules for least, rules in tries if least is not None and least >= 0), None)
        if proof is None:
            return None
        by |= proof
    return by


def _left(
    one: _Slack, wide: Sequence[_Slack], budget: Sequence[_Slack]
) -> Iterator[tuple[_Slack, set[str]]]:
    """What is left of a slack, and the rules that were taken from it: none, the budget, another
    rule, both; multipliers such that some county's factor becomes nothing."""
    for first in (None, *(other for other in wide if other.rule != "budget")):
        for times in {_NONE} if first is None else _ratios(one, first):
            left = one if first is None else one.less(first, times)
            used = set() if first is None else {first.rule}
            yield left, used
            for pot in budget:
                for spent in _ratios(left, pot):
                    yield left.less(pot, spent), used | {pot.rule}


def _ratios(one: _Slack, other: _Slack) -> set[Fraction]:
    found = {
        one.factors[county] / factor
        for county, factor in other.factors.items()
        if county in one.factors
    }
    return {times for times in found if times > 0}


def _ends(slacks: Iterable[_Slack]) -> dict[tuple[int, bool], tuple[Fraction, str]]:
    """The least and the most of each county, by the slacks of it alone."""
    ends: dict[tuple[int, bool], tuple[Fraction, str]] = {}
    for one in slacks:
        if len(one.factors) != 1:
            continue
        ((county, factor),) = one.factors.items()
        end, is_most = -one.constant / factor, factor < 0
        known = ends.get((county, is_most))
        if known is None or (end < known[0] if is_most else end > known[0]):
            ends[county, is_most] = end, one.rule
    return ends


def _least(left: _Slack, ends: _Ends, used: set[str]) -> tuple[Fraction | None, set[str]]:
    """(the least that is left, the rules that say so); None where it has no end."""
    total, rules = left.constant, set(used)
    for county, factor in left.factors.items():
        end = ends.get((county, factor < 0))
        if end is None and factor < 0:
            return None, rules
        if end is not None and (end[0] > 0 or factor < 0):
            total += factor * end[0]
            rules.add(end[1])
    return total, rules
