"""prices.csv of a record, as far as arithmetic tells.

Which rules it lists, where their numbers stand, how far a step goes and how many limits move is
computed again. What a step is worth is the solver's word, which `reproduce` asks for again; here it
must agree with itself (points are the outcomes' points), with the rules (more room costs nothing)
and with the certificate (no step gains more than its multipliers allow).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from models.allocation import Allocation
from models.certificate import Multiplier
from models.errors import InputError
from models.finding import Audit
from models.rule import PLAIN_MEASURES
from models.scenario import Scenario
from models.shadow_price import NAME, RulePrice, prices_csv, read_prices
from optimizer.audit import audit
from optimizer.audit.limits import Form, forms_of
from optimizer.audit.rule_number import LimitByNumber, after_step, limits_by_number, number_of
from optimizer.verify.replayed_tables import Difference, Replayed, compared_table

_NOISE = 1e-6
_NO_PRICE = RulePrice("", 0, 0, "", "", None, Fraction(1), 0.0, {}, None, None)


@dataclass(frozen=True)
class PriceGrounds:
    """What the prices of a record are held against."""

    scenario: Scenario
    allocation: Allocation
    audit: Audit
    """Of the recorded allocation."""
    points: Mapping[str, Fraction]
    """Objective points per unit of each metric."""
    multipliers: Sequence[Multiplier]
    distance: Fraction | None
    """Bound of the certificate less what the allocation is worth; None without one."""


def check_prices(found: bytes, grounds: PriceGrounds) -> Replayed:
    """The table as it is due around the solver's values, and where those cannot be."""
    metrics = grounds.scenario.programme.metrics
    try:
        told = {one.rule: one for one in read_prices(found, metrics)}
    except InputError as error:
        wrong = (Difference(NAME, message=one.message) for one in error.problems)
        return Replayed(NAME, 0, tuple(wrong))
    due = [_around(told.get(one.rule, _no_price(metrics)), one) for one in _steps(grounds.scenario)]
    checked = compared_table(NAME, found, prices_csv(due, metrics), (0,))
    doubts = tuple(
        Difference(NAME, place=one.rule, message=doubt)
        for one in due
        if one.rule in told
        for doubt in _doubts(one, grounds)
    )
    return replace(checked, differences=(*checked.differences, *doubts))


def _no_price(metrics: Sequence[str]) -> RulePrice:
    return replace(_NO_PRICE, metrics=dict.fromkeys(metrics, 0.0))


def _around(told: RulePrice, due: RulePrice) -> RulePrice:
    """The solver's values in the line that is due."""
    return replace(
        told,
        rule=due.rule,
        limits=due.limits,
        field=due.field,
        path=due.path,
        number=due.number,
        step=due.step,
    )


def _steps(scenario: Scenario) -> Iterator[RulePrice]:
    """Each rule with its number and its step; what they are worth is left open."""
    yield replace(_NO_PRICE, rule="budget", limits=1)
    for rule in scenario.rules:
        bare = replace(_NO_PRICE, rule=rule.id, limits=len(forms_of(scenario, rule)))
        number = number_of(scenario, rule)
        if number is None:
            yield bare
            continue
        whole = number.field in ("number", "within")
        yield replace(
            bare,
            field=number.field,
            path=number.path,
            number=number.number,
            step=Fraction(1) if whole else Fraction(1, 100),
        )


def _doubts(one: RulePrice, grounds: PriceGrounds) -> Iterator[str]:
    """Why the solver's values of a line cannot be."""
    if not 0 <= one.binding <= one.limits:
        yield f"{one.binding} of {one.limits} limits cannot have a price"
    if _off_its_range(one, grounds.scenario.budget):
        yield "the range does not hold the number"
    if _off_its_outcomes(one, grounds):
        yield "the points are not those of the outcomes"
    if not one.kept and _is_kept_still(one, grounds):
        yield "the allocation itself keeps the rules after the step"
    yield from _against_the_rule(one, grounds)


def _off_its_range(one: RulePrice, budget: int) -> bool:
    ends = [end for end in (one.low, one.high) if end is not None]
    if not ends:
        return False
    if one.limits != 1 or len(ends) == 1:
        return True
    number = budget if one.rule == "budget" else one.number
    if number is None:
        return False
    hair = _NOISE * max(1.0, abs(float(number)))
    return not ends[0] - hair <= float(number) <= ends[1] + hair


def _off_its_outcomes(one: RulePrice, grounds: PriceGrounds) -> bool:
    if any(rule.soft for rule in grounds.scenario.rules):
        return False  # What bent rules cost is in the points, too.
    worth = [float(value) * one.metrics[name] for name, value in grounds.points.items()]
    return abs(one.points - sum(worth)) > _hair(one, grounds)


def _is_kept_still(one: RulePrice, grounds: PriceGrounds) -> bool:
    try:
        after = after_step(grounds.scenario, one)
        return after is not None and not audit(after, grounds.allocation).unmet
    except InputError:  # No such scenario: a step beyond what a rule may say.
        return False


def _hair(one: RulePrice, grounds: PriceGrounds) -> float:
    """Points that the solver's own tolerances come to."""
    sizes = (
        abs(float(value)) * (abs(one.metrics[name]) + abs(float(grounds.audit.outcomes[name])) + 2)
        for name, value in grounds.points.items()
    )
    return _NOISE * (abs(one.points) + sum(sizes))


def _against_the_rule(one: RulePrice, grounds: PriceGrounds) -> Iterator[str]:
    rule = next((rule for rule in grounds.scenario.rules if rule.id == one.rule), None)
    number = None if rule is None else number_of(grounds.scenario, rule)
    if rule is None or number is None:
        return
    limits, hair = limits_by_number(grounds.scenario, number), _hair(one, grounds)
    if not all(_grows(limit.each) for limit in limits) and number.field != "within":
        return
    loosens = rule.sense != "at_least"
    if loosens and not one.kept:
        yield "more room cannot make the rules impossible"
    if loosens and (one.points < -hair or (not one.binding and one.points > hair)):
        yield "more room cannot be worth that"
    if not loosens and one.points > hair:
        yield "less room cannot gain anything"
    most = _most_gained(one, limits, loosens, grounds)
    if one.kept and most is not None and one.points > float(most) + hair:
        yield "gains more than the multipliers of the certificate allow"


def _grows(each: Form) -> bool:
    """Whether a limit can only go up with its number."""
    return each.constant >= 0 and all(
        factor >= 0 and measured.measure in PLAIN_MEASURES
        for measured, factor in each.terms.items()
    )


def _most_gained(
    one: RulePrice, limits: Sequence[LimitByNumber], loosens: bool, grounds: PriceGrounds
) -> Fraction | None:
    """What a step can gain by the certificate; None where its lines do not tell.

    The multipliers prove a bound after the step, too. It is that of the certificate and what the
    constants of the limits change by, where no cell's cap moves with them.
    """
    if grounds.distance is None or not loosens or one.field == "within":
        return None
    plain = all(not limit.each.terms for limit in limits)
    caps = any("amount" in {m.measure for m in limit.form.value.terms} for limit in limits)
    if not plain or caps:
        return None
    moved = {(limit.form.rule, limit.form.key): limit.each.constant * one.step for limit in limits}
    priced = (m for m in grounds.multipliers if m.side == "upper" and (m.rule, m.key) in moved)
    gained = sum((m.value * moved[m.rule, m.key] for m in priced), Fraction(0))
    return gained + grounds.distance
