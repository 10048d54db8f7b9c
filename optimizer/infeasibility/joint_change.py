"""The cheapest change of several rules together that lets an allocation exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from models.exact import exact_text
from models.remedies import Change
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit.limits import Form, forms_of
from optimizer.audit.rule_number import limits_by_number, number_of
from optimizer.formulation.edits import relaxed
from optimizer.formulation.model import Floats, LimitRows, Model
from optimizer.infeasibility.elastic import GivingRows, elastic, form_value
from optimizer.infeasibility.single_change import (
    ConflictContext,
    is_negative,
    missed_limits,
    number_reached,
    row_units,
    shares_of_budget,
    tidy_number,
)
from optimizer.solvers.base import Answer, Effort

_NOTHING = 1e-7


def joint_change(
    context: ConflictContext, weights: Mapping[str, Fraction], alone: Sequence[Change]
) -> tuple[Change, ...]:
    """The changes that cost least in all; () where none was found in time.

    A change by a whole bound (a floor of 60 lowered to nothing, a cap doubled) costs the weight of
    its rule, 1 unless said. That is exact where bounds are numbers; of a share of what is itself
    open its cost is counted by the budget. `alone`: single changes that are enough; the cheapest
    of them is returned where nothing cheaper is found.
    """
    search = _JointSearch(context, weights)
    found = search.found()
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

    def found(self) -> tuple[Change, ...]:
        """The least that the solver finds; in a large programme among the rules that the
        relaxation misses, which is found in time more often than among all."""
        limits = [limit for limit in self._model.limits if limit.rule in self.known]
        gives = [self._give(limit) for limit in limits]
        changed, columns = elastic(self._model, gives)
        answer = self._context.engine(relaxed(changed), Effort())
        if answer.values is None:
            return ()
        if not self._context.whole:
            missed = [float(answer.values[mine].max(initial=0.0)) for mine in columns]
            few = [at for at, miss in enumerate(missed) if miss > _NOTHING]
            some = elastic(self._model, [gives[at] for at in few])
            tried = self._context.solve(some[0])
            if tried.values is not None:
                kept = [limits[at] for at in few], [gives[at] for at in few], some[1]
                return self._changes(tried, *kept)
        answer = self._context.solve(changed)
        return () if answer.values is None else self._changes(answer, limits, gives, columns)

    def _changes(self, answer: Answer, *parts: Sequence[Any]) -> tuple[Change, ...]:
        """Limits, how each gives way, and the columns of that, as one answer has them."""
        assert answer.values is not None
        solved = (self._model, answer.values[: len(self._model.cost)])
        limits: Sequence[LimitRows] = parts[0]
        least = answer.outcome == "optimal" and len(limits) == len(self.known)
        found = []
        for limit, give, mine in zip(*parts, strict=True):
            missed = answer.values[mine]
            if float(missed.max(initial=0.0)) > _NOTHING:
                misses = missed * give.unit / row_units(limit, None)
                rule = self._rules.get(limit.rule)
                change = _change(self._context.scenario, rule, solved, misses)
                found.append(replace(change, is_least=least))
        return tuple(found)

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


def _change(
    scenario: Scenario, rule: Rule | None, solved: tuple[Model, Floats], missed: Floats
) -> Change:
    """The change with which the solution keeps the rule."""
    model, values = solved
    if rule is None:
        now = Fraction(scenario.budget)
        more = ceil(Fraction(repr(float(missed.max()))) - Fraction(1, 10**6))
        return Change("budget", "budget", now, now + more, f"budget={exact_text(now + more)}")
    number = number_of(scenario, rule)
    if number is not None:
        forms = limits_by_number(scenario, number)
        reached = Fraction(repr(number_reached(scenario, (number, forms), model, values)))
        needed = tidy_number(number, reached)
        still = number.number in (needed, reached)
        if not still and not is_negative(reached):
            return Change(rule.id, number.field, number.number, needed, number.setting(needed))
    # Looked up, or times what comes to nothing: the limits themselves have to move.
    return Change(rule.id, "places", places=missed_limits(scenario, rule, solved, missed))
