"""The cheapest change of several rules together that was found to let an allocation exist."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from models.exact import exact_text
from models.remedies import Change, step_of, written
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit.limits import Form, forms_of
from optimizer.audit.rule_number import RuleNumber, limits_by_number, number_of
from optimizer.formulation.model import Floats, LimitRows
from optimizer.formulation.rule_rows import Tightening
from optimizer.infeasibility.elastic import GivingRows, elastic, form_value
from optimizer.infeasibility.nearest_number import number_kept, number_reached, row_units
from optimizer.infeasibility.settled_change import shares_of_budget
from optimizer.infeasibility.single_change import eased_by, missed_limits, number_change
from optimizer.infeasibility.trial import ConflictContext, table_of
from optimizer.solvers.base import Answer

_NOTHING = 1e-6
_FURTHER = (0, 1, 4, 16)
"""Steps by which all numbers are eased further where they do not do together as written."""


def joint_change(
    context: ConflictContext,
    weights: Mapping[str, Fraction],
    alone: Sequence[Change],
    named: Collection[str],
) -> tuple[Change, ...]:
    """The changes that cost least in all of those found, tried together; () where none did.

    A change by a whole bound (a floor of 60 lowered to nothing, a cap doubled) costs the weight of
    its rule, 1 unless said; of a share of what is itself open its cost is counted by the budget.
    `alone`: single changes that are enough; the cheapest of them is returned where nothing cheaper
    is found. `named`: the rules of the conflicts that are known.
    """
    search = _JointSearch(context, weights)
    found = search.found(named, {change.rule for change in alone})
    single = min(
        ((change,) for change in alone if change.rule in search.known), key=search.cost, default=()
    )
    if not found or (single and search.cost(single) <= search.cost(found)):
        return single
    return found


class _JointSearch:
    def __init__(self, context: ConflictContext, weights: Mapping[str, Fraction]) -> None:
        self._context, self._weights = context, weights
        self._rules: dict[str, Rule] = {rule.id: rule for rule in context.rules}
        self.known = ("budget", *self._rules)
        self._model = context.model(apart=self.known)

    def weight(self, name: str) -> Fraction:
        return self._weights.get(name, Fraction(1))

    def cost(self, changes: Sequence[Change]) -> float:
        """What changes cost, each counted in its own bound."""
        total = 0.0
        for one in changes:
            pairs = [(one.now, one.needed)] if not one.places else []
            pairs += [(place.now, place.needed) for place in one.places]
            for now, needed in pairs:
                if now is not None and needed is not None:
                    total += float(self.weight(one.rule) * abs(needed - now) / (now or 1))
        return total

    def found(self, named: Collection[str], alone: Collection[str]) -> tuple[Change, ...]:
        """The least that the solver finds; in a large programme among the rules that the
        relaxation misses, else among those `named`, which is found in time more often than among
        all.

        `alone`: rules of which a change is enough; in a large programme () where the relaxation
        misses just one of them, or nothing is found among those that it misses.
        """
        limits = [limit for limit in self._model.limits if limit.rule in self.known]
        gives = [self._give(limit) for limit in limits]
        changed, columns = elastic(self._model, gives)
        if not self._context.whole:
            loose = self._context.relaxation(changed)
            if loose.values is None:
                return ()
            missed = [float(loose.values[mine].max(initial=0.0)) for mine in columns]
            few = [at for at, miss in enumerate(missed) if miss > _NOTHING]
            few = few or [at for at, limit in enumerate(limits) if limit.rule in named]
            if not few or (len(few) == 1 and limits[few[0]].rule in alone):
                return ()
            some = elastic(self._model, [gives[at] for at in few])
            answer = self._context.solve(some[0], at_length=not alone)
            if answer.values is None and alone:
                return ()
            if answer.values is not None:
                kept = [limits[at] for at in few], [gives[at] for at in few], some[1]
                return self._changes(answer, *kept)
        answer = self._context.solve(changed)
        return () if answer.values is None else self._changes(answer, limits, gives, columns)

    def _changes(self, answer: Answer, *parts: Sequence[Any]) -> tuple[Change, ...]:
        """Limits, how each gives way, and the columns of that, as one answer has them."""
        assert answer.values is not None
        values = answer.values[: len(self._model.cost)]
        found = []
        for limit, give, mine in zip(*parts, strict=True):
            missed = answer.values[mine]
            if float(missed.max(initial=0.0)) > _NOTHING:
                misses = missed * give.unit / row_units(limit, None)
                change = self._change(self._rules.get(limit.rule), values, misses)
                if change is None:
                    return ()
                if change.needed is None or change.needed != change.now:
                    found.append(change)
        return self._tried(found, values)

    def _change(self, rule: Rule | None, values: Floats, missed: Floats) -> Change | None:
        """The change with which the solution keeps the rule; None where none can be written."""
        scenario = self._context.scenario
        if rule is None:
            now = Fraction(scenario.budget)
            return _budget_change(now, now + max(1, ceil(float(missed.max()) - 1e-6)))
        number = number_of(scenario, rule)
        reached = None if number is None else self._reached(number, values)
        if number is not None and reached is not None and reached >= 0:
            step = step_of(rule, number.field, number.number)
            needed = written(reached, step, rule.sense == "at_least")
            if needed != number.number or self._context.whole:
                return number_change(number, needed, False)
        # Looked up, or times what comes to nothing: the limits themselves have to move.
        places = missed_limits(scenario, rule, (self._model, values), missed)
        return Change(rule.id, "places", places=places, is_least=False) if places else None

    def _reached(self, number: RuleNumber, values: Floats) -> Fraction | None:
        context = self._context
        if context.whole:
            return number_kept(
                context.scenario, number, table_of(context.scenario, self._model, values)
            )
        forms = limits_by_number(context.scenario, number)
        reached = number_reached(context.scenario, (number, forms), self._model, values)
        return None if reached is None else Fraction(repr(reached))

    def _tried(self, changes: Sequence[Change], near: Floats) -> tuple[Change, ...]:
        """The changes, eased further where they do not do as written; () where that fails too."""
        for more in _FURTHER:
            eased = tuple(_further(self._context.scenario, one, more) for one in changes)
            changed, room = applied(self._context.scenario, eased)
            if self._context.tried(changed, eased=room, near=near).allocation is not None:
                return eased
        return ()

    def _give(self, limit: LimitRows) -> GivingRows:
        """How a rule may give way, counted in its own bound."""
        scenario, price = self._context.scenario, max(float(self.weight(limit.rule)), 1e-6)
        rule, rows = self._rules.get(limit.rule), limit.rows
        if rule is None and shares_of_budget(scenario):
            # They would grow with it, so that more of it need not help.
            return GivingRows(rows, np.zeros(1), price)
        if rule is None:
            return GivingRows(rows, row_units(limit, None) * float(scenario.budget), price)
        number = number_of(scenario, rule)
        if number is None:
            sizes = [_size(scenario, form.upper or form.lower) for form in forms_of(scenario, rule)]
            return GivingRows(rows, row_units(limit, sizes), price, shared=False)
        scale = float(number.number) or 1.0
        forms = limits_by_number(scenario, number)
        each = [abs(_size(scenario, one.each, or_one=False)) * scale for one in forms]
        return GivingRows(rows, row_units(limit, each), price)


def _size(scenario: Scenario, form: Form | None, or_one: bool = True) -> float:
    """What a bound comes to were all the money spent; 1 where that is nothing."""
    assert form is not None
    budget = float(scenario.budget)
    size = abs(form_value(form, lambda measured: budget if measured.measure == "amount" else 1.0))
    return size or (1.0 if or_one else 0.0)


def applied(scenario: Scenario, changes: Sequence[Change]) -> tuple[Scenario, Tightening]:
    """The scenario with changes of rules and budget, and by how much single limits are eased."""
    rules = {rule.id: rule for rule in scenario.rules}
    changed, room = scenario, dict[tuple[str, tuple[str, ...]], Fraction]()
    for one in changes:
        if one.field == "places":
            room |= eased_by(one.rule, one.places)
            continue
        assert one.needed is not None
        if one.field == "budget":
            changed = changed.with_budget(one.needed)
            continue
        number = number_of(scenario, rules[one.rule])
        assert number is not None
        changed = changed.with_rule(number.changed(one.needed))
    return changed, room


def _further(scenario: Scenario, change: Change, steps: int) -> Change:
    """The change eased by so many steps more; limits in a table stay."""
    if not steps or change.field == "places":
        return change
    assert change.needed is not None and change.now is not None
    up = change.needed > change.now
    if change.field == "budget":
        return _budget_change(change.now, change.needed + steps)
    rule = next(rule for rule in scenario.rules if rule.id == change.rule)
    number = number_of(scenario, rule)
    assert number is not None
    step = steps * step_of(rule, number.field, number.number)
    return number_change(number, max(change.needed + (step if up else -step), Fraction(0)), False)


def _budget_change(now: Fraction, needed: Fraction) -> Change:
    return Change("budget", "budget", now, needed, f"budget={exact_text(needed)}", is_least=False)
