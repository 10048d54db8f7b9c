"""The number that a rule writes down: where it stands, and what a change of it does to limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from models.exact import exact_text
from models.rule import Factor, Part, Rule
from models.scenario import Scenario
from models.shadow_price import RulePrice
from optimizer.audit.limits import Form, LimitForm, forms_of


@dataclass(frozen=True)
class RuleNumber:
    """One number of a rule's bound that a person can change."""

    rule: Rule
    place: int
    """Which part of the bound it stands in."""
    field: str
    """`number`, `share`, `times` of that part, or `within` of the rule."""
    number: Fraction
    path: str
    """As `--set` takes it: `rules.county-floor.at_least`."""

    def changed(self, number: Fraction) -> Rule:
        """The rule with another number in this place."""
        if self.field == "within":
            return self.rule.model_copy(update={"within": number})
        part = self.rule.bound[self.place]
        put: object = number if self.field == "number" else Factor(number=number)
        parts = list(self.rule.bound)
        parts[self.place] = part.model_copy(update={self.field: put})
        return self.rule.model_copy(update={self.rule.sense: tuple(parts)})

    def setting(self, number: Fraction) -> str:
        """The change as `--set` takes it."""
        return f"{self.path}={exact_text(number)}"


def number_of(scenario: Scenario, rule: Rule) -> RuleNumber | None:
    """The number of a rule that is changed to move its limits; None where it only looks them up.

    A plain number before a share or a multiple. A column without a factor counts as once the
    column. Of `equal` it is `within`: the room on either side.
    """
    if rule.sense == "equal":
        return RuleNumber(rule, 0, "within", rule.within or Fraction(0), f"rules.{rule.id}.within")
    found = [(at, *_part_number(part)) for at, part in enumerate(rule.bound)]
    known = [one for one in found if one[2] is not None]
    known.sort(key=lambda one: one[1] != "number")
    if not known:
        return None
    place, field, number = known[0]
    assert number is not None
    return RuleNumber(rule, place, field, number, _path(scenario, rule, (place, field)))


def _part_number(part: Part) -> tuple[str, Fraction | None]:
    if part.number is not None:
        return "number", part.number
    field = "share" if part.share is not None else "times"
    if part.factor is not None:
        return field, part.factor.number
    return "times", Fraction(1)


def _path(scenario: Scenario, rule: Rule, at: tuple[int, str]) -> str:
    """Where the number stands in the rule as it was written: short forms have short paths."""
    place, field = at
    steps = f"rules.{rule.id}.{rule.sense}"
    raw: Any = scenario.document.rules.get(rule.id, {}).get(rule.sense)
    if isinstance(raw, list):
        steps, raw = f"{steps}[{place}]", raw[place]
    if not isinstance(raw, Mapping):
        return steps
    inner = raw.get(field)
    return f"{steps}.{field}.number" if isinstance(inner, Mapping) else f"{steps}.{field}"


def after_step(scenario: Scenario, one: RulePrice) -> Scenario | None:
    """The scenario after the step of a price; None for a rule that looks its numbers up."""
    if one.rule == "budget":
        return scenario.with_budget(scenario.budget + one.step)
    rule = next(rule for rule in scenario.rules if rule.id == one.rule)
    number = number_of(scenario, rule)
    if number is None:
        return None
    return scenario.with_rule(number.changed(number.number + one.step))


@dataclass(frozen=True)
class LimitByNumber:
    """One limit of a rule as its written number k moves it: the limit is `fixed` + k × `each`."""

    form: LimitForm
    fixed: Form
    each: Form


def limits_by_number(scenario: Scenario, one: RuleNumber) -> list[LimitByNumber]:
    """The limits of a rule, group by group, as its written number moves them.

    The upper limit of an `at_most`, the lower one of the others; of `equal` the written number is
    the room below it, so `each` is −1.
    """
    here, none = (forms_of(scenario, one.changed(number)) for number in (Fraction(1), Fraction(0)))
    found = []
    for at_one, at_none in zip(here, none, strict=True):
        fixed, whole = (_limit(one.rule, form) for form in (at_none, at_one))
        found.append(LimitByNumber(at_one, fixed, whole - fixed))
    return found


def _limit(rule: Rule, form: LimitForm) -> Form:
    side = form.upper if rule.sense == "at_most" else form.lower
    assert side is not None
    return side
