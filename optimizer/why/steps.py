"""What a whole step of a rule's number does: the relaxation solved again, not its slope drawn out.

A slope holds between two corners only, and a step of one task a county or one percent of the money
often goes beyond; further steps gain less and cost more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from models.price import RulePrice
from models.scenario import Scenario
from optimizer.formulation.matrix import Floats, Model
from optimizer.solvers.answer import Answer
from optimizer.solvers.effort import Effort
from optimizer.solvers.highs import solve_model
from optimizer.solvers.hot import HotModel, relaxed
from optimizer.why.written import with_rule, written

Optimum = tuple[float, Mapping[str, float]]
"""Objective points, and metric → outcome, of an optimum of the relaxation."""
Read = Callable[[Scenario, Model, Floats], Mapping[str, float]]
Build = Callable[[Scenario], Model]


def stepped(scenario: Scenario, one: RulePrice) -> Scenario | None:
    """The scenario after the step; None for a rule that looks its numbers up."""
    if one.rule == "budget":
        more = scenario.spec.model_copy(update={"budget": scenario.budget + one.step})
        return replace(scenario, spec=more)
    rule = next(rule for rule in scenario.rules if rule.id == one.rule)
    number = written(scenario, rule)
    if number is None:
        return None
    return with_rule(scenario, number.changed(number.number + one.step))


def solved_step(
    scenario: Scenario, one: RulePrice, before: Optimum, ways: tuple[Build, Read, HotModel]
) -> RulePrice:
    """The price with what the step brings; `kept` is False where no allocation is left.

    `before`: the optimum of the relaxation as it stands; `ways`: how to build a scenario's
    relaxation by the same yardstick, to read outcomes in a solution of it, and to solve it.
    """
    after = stepped(scenario, one) if _can_go_beyond(scenario, one) else None
    if after is None:
        return one
    build, read, hot = ways
    model = build(after)
    answer = _solved(hot, model)
    if answer.outcome == "infeasible":
        return replace(one, kept=False)
    if answer.values is None or answer.objective is None:
        return one
    points = answer.objective - before[0]
    found = read(after, model, answer.values)
    noise = 1e-9 * max(model.largest_cost, 1e-12)
    metrics = {name: _tidy(found[name] - before[1][name]) for name in before[1]}
    return replace(one, points=points if abs(points) > noise else 0.0, metrics=metrics)


def _solved(hot: HotModel, model: Model) -> Answer:
    """Solved from the last basis where only numbers have changed."""
    if not hot.fits(model):
        return solve_model(relaxed(model), Effort())
    hot.become(model)
    return hot.solve()


def _can_go_beyond(scenario: Scenario, one: RulePrice) -> bool:
    """Whether the slope may not carry to the end of the step."""
    if one.low is None or one.high is None:
        rule = next((rule for rule in scenario.rules if rule.id == one.rule), None)
        loosens = rule is not None and rule.sense != "at_least"
        return not loosens or bool(one.points)
    now = one.number if one.number is not None else Fraction(scenario.budget)
    return not one.low <= float(now + one.step) <= one.high


def _tidy(change: float) -> float:
    """A change of an outcome without the solver's own noise."""
    return 0.0 if abs(change) < 1e-6 else change
