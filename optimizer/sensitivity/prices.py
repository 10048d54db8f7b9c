"""What a step of each limit is worth: shadow prices of the relaxation, and how far they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from models.certificate import Multiplier
from models.errors import NoAnswer, NoAnswerError, with_keywords
from models.finding import group_text
from models.objective import need_points
from models.rule import Rule
from models.scenario import Scenario
from models.shadow_price import RulePrice
from models.solution import Solution
from optimizer.audit.certify import certify
from optimizer.audit.limits import LimitForm, budget_form, forms_of
from optimizer.audit.rule_number import RuleNumber, after_step, limits_by_number, number_of
from optimizer.formulation.aim_rows import yield_costs
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed
from optimizer.formulation.model import Floats, LimitRows, Model
from optimizer.formulation.parametric import Variants
from optimizer.infeasibility.diagnose import impossible
from optimizer.infeasibility.elastic import block_reader, form_value
from optimizer.problem import Reference, reference_of
from optimizer.sensitivity.cap_prices import CellPrices, Limit, capped_cells, caps_from
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Answer, Clock, Effort
from optimizer.solvers.highs import solve_model
from optimizer.solvers.highs_lp import HotModel, Ranging, cost_range, ranging

if TYPE_CHECKING:
    import pandas as pd


# A slope holds between two corners only, and a step of one task a county or one percent of the
# money often goes beyond; further steps gain less and cost more.


Optimum = tuple[float, Mapping[str, float]]
"""Objective points, and metric → outcome, of an optimum of the relaxation."""
Read = Callable[[Scenario, Model, Floats], Mapping[str, float]]
Build = Callable[[Scenario, str], Model]


def solved_step(
    scenario: Scenario, one: RulePrice, before: Optimum, ways: tuple[Build, Read, HotModel]
) -> RulePrice:
    """The price with what the step brings; `kept` is False where no allocation is left.

    `before`: the optimum of the relaxation as it stands; `ways`: how to build the relaxation of a
    scenario with a rule changed by the same yardstick, to read outcomes in a solution of it, and to
    solve it.
    """
    after = after_step(scenario, one) if _can_go_beyond(scenario, one) else None
    if after is None:
        return one
    build, read, hot = ways
    model = build(after, one.rule)
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


# The linear relaxation funds cells in part where counts and lots would say yes or no; its prices
# say how the rules pull at each other, `optimizer.sensitivity.drop_rule` what a rule costs as it
# stands.


Key = tuple[tuple[str, str], ...]
_PLACES = 12
"""Decimals of a multiplier in objective points, beyond those that its own size takes."""
_AT_END = 1e-6
"""A whole number so far beyond an end of a range is the end."""
_NOISE = 1e-9
"""Prices below this share of what a money unit is worth are the solver's."""


@dataclass(frozen=True)
class LimitPrice:
    """One limit of one rule, in the rule's own unit, at the optimum of the relaxation."""

    rule: str
    key: Key
    side: str
    """`lower` or `upper`: which bound it is that moves; of `equal` the one that holds."""
    value: float
    bound: float
    price: float
    """Objective points per unit of the bound, as stated: negative where a higher bound costs."""
    metrics: Mapping[str, float]
    """Metric → units gained per unit of the bound, along the optimal basis."""
    low: float
    high: float
    """The price holds at least while the bound lies between these."""

    @property
    def binding(self) -> bool:
        """Whether a move of the bound is worth anything."""
        return self.price != 0


@dataclass(frozen=True)
class WeightRange:
    """How far the weight of a metric may move before another allocation is best."""

    metric: str
    weight: float
    low: float
    high: float


@dataclass(frozen=True)
class Prices:
    """All prices of a scenario's linear relaxation."""

    scenario: Scenario
    objective: float
    """The relaxation's best value by the solver's word; `bound_proved` is the bound."""
    is_exact: bool
    """The scenario itself is linear: no counts, no lots. Else cells are funded in part."""
    limits: tuple[LimitPrice, ...]
    rules: tuple[RulePrice, ...]
    weights: tuple[WeightRange, ...]
    """Empty where rules give way at a price, and where they were not asked for."""
    multipliers: tuple[Multiplier, ...] = ()
    """The prices of the rows, of which a certificate is made."""
    points: Mapping[str, Fraction] = field(default_factory=dict)
    """Objective points per unit of each metric."""

    @property
    def bound_proved(self) -> Fraction:
        """What no allocation in whole money units exceeds: the relaxation's best, proved by the
        certificate of its prices."""
        return certify(self.scenario, self.points, self.multipliers).bound

    @property
    def frame(self) -> pd.DataFrame:
        """One row a limit: `rule`, `key`, `side`, `value`, `bound`, `price`, `low`, `high`, and a
        column a metric; units as in `LimitPrice`."""
        import pandas as pd

        return pd.DataFrame([_row(limit) for limit in self.limits])


@with_keywords()
def prices(
    of: Scenario | Solution, *, weights: bool = False, reference: Reference | None = None
) -> Prices:
    """What one more unit of each limit is worth, in objective points, and how far that holds.

    Of a scenario, or of a solution's; of its linear relaxation, where cells are funded in part: at
    once. With `weights` also how far each metric's weight may move before another allocation is
    best. `reference`: the scenario's own, where it is worked out already. Raises `InfeasibleError`
    where not even the relaxation can keep the rules, `NoAnswerError` where the solver stopped
    without an answer, `InputError` for an objective that cannot be normalised.
    """
    scenario = of if isinstance(of, Scenario) else of.scenario
    need_points(scenario)
    reference = reference or reference_of(scenario)
    values = reference.points
    variants = Variants(scenario, values)
    model = variants.draft.model
    yields = [yield_costs(scenario, model, at) for at in range(len(scenario.programme.metrics))]
    found = ranging(model, yields)
    if isinstance(found, str):
        raise_for(scenario, found)
    reader = _PriceReader(
        scenario, model, found, _CapPrices.of(scenario, model, (values, found), yields)
    )
    limits = reader.limits()
    before = (found.objective, _outcomes(scenario, model, found.values))

    def build(other: Scenario, name: str) -> Model:
        rule = next((one for one in other.rules if one.id == name), None)
        patch = None if rule is None else variants.patch(rule)
        return priced_model(other, values) if patch is None else variants.laid([patch])

    ways = (build, _outcomes, HotModel(model, basis=found.basis))
    return Prices(
        scenario=scenario,
        objective=found.objective,
        is_exact=model.is_lp,
        limits=limits,
        rules=tuple(solved_step(scenario, one, before, ways) for one in reader.rules(limits)),
        weights=_weights(scenario, (model, yields, found), reference.outcomes) if weights else (),
        multipliers=multipliers_of(scenario, model, found.prices),
        points=values,
    )


def raise_for(scenario: Scenario, outcome: str) -> NoReturn:
    """The error for a relaxation without an optimum."""
    if outcome == "infeasible":
        raise impossible(scenario, pick_engine("highs")[0], Clock())
    if outcome == "unbounded":
        raise NoAnswerError(NoAnswer.UNBOUNDED)
    raise NoAnswerError("the solver stopped without an answer")


def multipliers_of(scenario: Scenario, model: Model, prices: Floats) -> tuple[Multiplier, ...]:
    """The prices of a model's rows as multipliers of the limits, in few digits."""
    per = {rule.id: rule.per for rule in scenario.rules}
    found = []
    for limit in model.limits:
        given = prices[limit.start : limit.start + len(limit.keys)] * limit.scale * limit.heads
        for number in np.flatnonzero(given).tolist():
            price = float(given[number])
            side = "upper" if price > 0 else "lower"
            named = tuple(zip(per.get(limit.rule, ()), limit.keys[number], strict=True))
            found.append(Multiplier(limit.rule, named, side, _short(abs(price))))
    return tuple(found)


def _short(price: float) -> Fraction:
    """A decimal of few digits near a price, so that a reader can multiply by it."""
    return Fraction(f"{price:.{_PLACES}e}")


def priced_model(scenario: Scenario, values: Mapping[str, Fraction]) -> Model:
    """The model with the tightest limits of the cells, as a certificate has it."""
    return formulate(scenario, values, whole=False)


@dataclass(frozen=True)
class _CapPrices:
    """What a unit of a limit is worth through the cells whose money it caps, beside its row."""

    points: Mapping[Limit, float]
    metrics: tuple[Mapping[Limit, float], ...]
    in_part: bool
    """The model has cells funded or tiers filled in part: the most of a cell is in their rows."""
    least: Mapping[Limit, float]
    """Below so much money a cap would be the most of a cell."""

    def room(self, limit: Limit, cap: float) -> float:
        """How far a cap may fall before it is in rows of cells: 0 where it already is."""
        if self.in_part and limit in self.points:
            return 0.0
        return max(0.0, cap - self.least.get(limit, -np.inf))

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        model: Model,
        solved: tuple[Mapping[str, Fraction], Ranging],
        yields: list[Floats],
    ) -> _CapPrices:
        """`solved`: points per unit of each metric, and the optimum; `yields`: metrics' costs."""
        values, found = solved
        prices_of = CellPrices(scenario, values, model, found.values)
        capped = capped_cells(scenario, model)

        def summed(cost: Floats, prices: Floats) -> dict[Limit, float]:
            worth = prices_of.of(cost, prices)
            return {limit: float(worth[cells].sum()) for limit, cells in capped.items() if cells}

        metrics = zip(yields, found.others, strict=True)
        by_metric = tuple(summed(*one) for one in metrics)
        least = {} if model.is_lp else caps_from(scenario, model)
        return cls(summed(model.cost, found.prices), by_metric, not model.is_lp, least)


class _PriceReader:
    """Limits of one solved relaxation."""

    def __init__(self, scenario: Scenario, model: Model, found: Ranging, caps: _CapPrices) -> None:
        self._scenario, self._model, self._found = scenario, model, found
        self._caps = caps
        self._read = block_reader(scenario, model, found.values)
        self._noise = _NOISE * max(model.largest_cost, 1e-12)

    def limits(self) -> tuple[LimitPrice, ...]:
        by_rule = {rule.id: rule for rule in self._scenario.rules}
        said: list[LimitPrice] = []
        budget = budget_form(self._scenario)
        for limit in self._model.limits:
            rule = by_rule.get(limit.rule)
            forms = [budget] if rule is None else forms_of(self._scenario, rule)
            found = [self._limit(limit, place, form) for place, form in enumerate(forms)]
            counts = rule is not None and _counts_alone(rule)
            said += map(_at_whole_numbers, found) if counts else found
        return tuple(said)

    def _limit(self, limit: LimitRows, place: int, form: LimitForm) -> LimitPrice:
        found, row = self._found, limit.start + place
        unit = float(limit.scale[place] * limit.heads[place])
        heads, named = float(limit.heads[place]), (limit.rule, place)
        more = self._caps.points.get(named, 0.0)
        more = 0.0 if abs(more) < self._noise else more * heads
        price = 0.0 if abs(found.prices[row]) < self._noise else float(found.prices[row]) * unit
        price += more
        upper = form.upper is not None and (form.lower is None or price > 0)
        side = form.upper if upper else form.lower
        assert side is not None
        bound, value = form_value(side, self._read), form_value(form.value, self._read)
        at = float((self._model.row_upper if upper else self._model.row_lower)[row])
        low, high = (-np.inf, value) if not upper else (value, np.inf)
        if price:
            ends = (found.bound_from[row], found.bound_to[row])
            low, high = (bound + (float(end) - at) / unit for end in ends)
        if form.upper is not None:  # All may change as soon as the most of a cell does.
            room = self._caps.room(named, form_value(form.upper, self._read) * heads) / heads
            low, high = (max(low, bound - room), high) if upper else (low, min(high, bound + room))
            low, high = (low, high) if room and not more else (bound, bound)
        metrics = self._scenario.programme.metrics
        along = {
            name: float(other[row]) * unit + by.get(named, 0.0) * heads if price else 0.0
            for name, other, by in zip(metrics, found.others, self._caps.metrics, strict=True)
        }
        name = "upper" if upper else "lower"
        return LimitPrice(form.rule, form.key, name, value, bound, price, along, low, high)

    def rules(self, limits: tuple[LimitPrice, ...]) -> tuple[RulePrice, ...]:
        by_rule: dict[str, list[LimitPrice]] = {limit.rule: [] for limit in self._model.limits}
        for limit in limits:
            by_rule[limit.rule].append(limit)
        rules = {rule.id: rule for rule in self._scenario.rules}
        said = []
        for name, mine in by_rule.items():
            number = number_of(self._scenario, rules[name]) if name in rules else None
            said.append(self._rule(name, mine, number))
        return tuple(
            self._with_shares(one, limits) if one.rule == "budget" else one for one in said
        )

    def _with_shares(self, budget: RulePrice, limits: tuple[LimitPrice, ...]) -> RulePrice:
        """The price of a larger budget, with which the limits that are shares of it move too."""
        richer = self._scenario.with_budget(self._scenario.budget + 1)
        moves = [(limit, by) for limit, by in zip(limits, self._moves(richer), strict=True) if by]
        if len(moves) == 1:
            return budget
        points = sum(limit.price * by for limit, by in moves)
        metrics = {
            name: sum(limit.metrics[name] * by for limit, by in moves) for name in budget.metrics
        }
        return replace(budget, points=points, metrics=metrics, low=None, high=None)

    def _moves(self, other: Scenario) -> list[float]:
        """By how much each limit lies elsewhere in another scenario with the same rules."""
        rules = {rule.id: rule for rule in self._scenario.rules}
        found = []
        for limit in self._model.limits:
            if limit.rule not in rules:
                found.append(float(other.budget - self._scenario.budget))
                continue
            rule = rules[limit.rule]
            pairs = zip(forms_of(self._scenario, rule), forms_of(other, rule), strict=True)
            found += [self._apart(here, there) for here, there in pairs]
        return found

    def _apart(self, here: LimitForm, there: LimitForm) -> float:
        if here.upper is not None and there.upper is not None:
            return form_value(there.upper - here.upper, self._read)
        assert here.lower is not None and there.lower is not None
        return form_value(there.lower - here.lower, self._read)

    def _rule(self, name: str, mine: list[LimitPrice], number: RuleNumber | None) -> RulePrice:
        each, step = [1.0] * len(mine), Fraction(1)
        if number is not None:
            forms = limits_by_number(self._scenario, number)
            each = [form_value(one.each, self._read) for one in forms]
            if number.field == "within":
                # More room below is also more room above.
                each = [1.0 if one.side == "upper" else -1.0 for one in mine]
            elif number.field != "number":
                step = Fraction(1, 100)
        by = [factor * float(step) for factor in each]
        low = high = None
        if len(mine) == 1 and each[0]:
            now = float(number.number) if number else mine[0].bound
            ends = [now + (end - mine[0].bound) / each[0] for end in (mine[0].low, mine[0].high)]
            low, high = min(ends), max(ends)
        pairs = list(zip(mine, by, strict=True))
        metrics = {
            metric: sum(one.metrics[metric] * factor for one, factor in pairs)
            for metric in self._scenario.programme.metrics
        }
        points = sum(one.price * factor for one, factor in pairs)
        binding = sum(one.binding for one in mine)
        return RulePrice(
            rule=name,
            limits=len(mine),
            binding=binding,
            field=number.field if number else "",
            path=number.path if number else "",
            number=number.number if number else None,
            step=step,
            points=points,
            metrics=metrics,
            low=low,
            high=high,
        )


def _counts_alone(rule: Rule) -> bool:
    """Whether both sides of a rule count, so that its rows are read at whole numbers."""
    counts = {"cells", "counties"}
    of = {part.of for part in rule.bound if not part.is_constant}
    return {rule.measure} | of <= counts and rule.per_head is None and rule.soft is None


def _at_whole_numbers(limit: LimitPrice) -> LimitPrice:
    """With the whole numbers inside the ends of its range: between two of them nothing changes."""
    low, high = np.ceil(limit.low - _AT_END), np.floor(limit.high + _AT_END)
    return replace(limit, low=min(limit.bound, float(low)), high=max(limit.bound, float(high)))


def _outcomes(scenario: Scenario, model: Model, values: Floats) -> dict[str, float]:
    """Metric → outcome in a solution of the relaxation."""
    metrics = enumerate(scenario.programme.metrics)
    return {name: float(yield_costs(scenario, model, at) @ values) for at, name in metrics}


def _weights(
    scenario: Scenario,
    solved: tuple[Model, list[Floats], Ranging],
    outcomes: Mapping[str, Fraction],
) -> tuple[WeightRange, ...]:
    """The range of each weight of the objective; a weight below 0 is not looked at."""
    if any(rule.soft for rule in scenario.rules):
        return ()
    model, yields, found = solved
    objective = scenario.spec.objective
    total = sum((abs(weight) for weight in objective.weights.values()), Fraction(0))
    said = []
    for name, cost in zip(scenario.programme.metrics, yields, strict=True):
        weight = float(objective.weights.get(name, Fraction(0)))
        if weight < 0 or (objective.normalise == "baseline" and not outcomes[name]):
            continue
        unit = 1.0
        if objective.normalise == "baseline":
            unit = 1.0 / float(total * outcomes[name])
        low, high = cost_range(model, found.values, unit * cost)
        said.append(WeightRange(name, weight, max(0.0, weight + low), weight + high))
    return tuple(said)


def _row(limit: LimitPrice) -> dict[str, object]:
    key = group_text(limit.key)
    plain = {"rule": limit.rule, "key": key, "side": limit.side, "value": limit.value}
    ends = {"bound": limit.bound, "price": limit.price, "low": limit.low, "high": limit.high}
    return {**plain, **ends, **limit.metrics}
