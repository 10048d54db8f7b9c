"""The least change of one rule alone that lets the others be kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np
from scipy import sparse

from models.exact import exact_text
from models.remedies import Change, PlaceChange
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit.limits import forms_of
from optimizer.audit.rule_number import LimitByNumber, RuleNumber, limits_by_number, number_of
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed, with_bounds, with_whole_money
from optimizer.formulation.model import Floats, LimitRows, Model
from optimizer.infeasibility.elastic import GivingRows, block_reader, elastic, form_value
from optimizer.solvers.base import Answer, Effort, Engine
from optimizer.strategies.monolithic import DIRECT_CELLS

_MOST_TIMES = 1000
"""A budget beyond so many times the present one is no advice."""
_HALVINGS = 40


def reserved_changes(context: ConflictContext) -> Iterator[Change]:
    """The changes of budget, lot, locks and eligibility that help, each alone."""
    if (budget := _budget(context)) is not None:
        yield budget
    if (lot := _lot(context)) is not None:
        yield lot
    yield from _locks(context)
    yield from _eligibility(context)


def _budget(context: ConflictContext) -> Change | None:
    """More money; where shares of the budget are asked for, they grow with it."""
    now = Fraction(context.scenario.budget)
    model = context.model(apart=["budget"])
    limit = model.limit("budget")
    changed, _ = elastic(model, [GivingRows(limit.rows, np.ones(1))])
    answer = None
    if context.engine(relaxed(changed), Effort()).outcome != "infeasible":
        answer = context.solve(changed)
    least = max(1, context.scenario.budget // 64)
    if answer is not None and answer.objective is not None:
        least = max(1, ceil(Fraction(repr(-answer.objective)) - Fraction(1, 10**6)))
        if not shares_of_budget(context.scenario):
            return _budget_change(now, now + least, answer.outcome == "optimal")
    return _grown(context, now, least) if shares_of_budget(context.scenario) else None


def _grown(context: ConflictContext, now: Fraction, first: int) -> Change | None:
    """The budget with which shares of itself can be kept: doubled until it does, then halved in."""

    def helps(more: int) -> bool:
        changed = context.scenario.with_budget(now + more)
        return context.is_feasible(context.model(changed)) is True

    low, high = 0, first
    while not helps(high):
        low, high = high, 2 * high
        if high > _MOST_TIMES * now:
            return None
    rounds = _HALVINGS if context.whole else 4
    while high - low > 1 and rounds:
        middle, rounds = (low + high) // 2, rounds - 1
        low, high = (low, middle) if helps(middle) else (middle, high)
    return _budget_change(now, now + high, high - low == 1)


def shares_of_budget(scenario: Scenario) -> bool:
    """Whether a limit grows with the budget."""
    return any(part.of == "budget" for rule in scenario.rules for part in rule.bound)


def _budget_change(now: Fraction, needed: Fraction, proved: bool) -> Change:
    setting = f"budget={exact_text(needed)}"
    return Change("budget", "budget", now, needed, setting, is_least=proved)


def _lot(context: ConflictContext) -> Change | None:
    """The largest lot with which the rules can be kept; found by halving."""
    lot = context.scenario.spec.lot
    if lot is None or lot.number is None or lot.number <= 1:
        return None

    def helps(number: int) -> bool:
        put = lot.model_copy(update={"number": Fraction(number)})
        return context.is_feasible(context.model(context.scenario.with_settled(lot=put))) is True

    if not helps(1):
        return None
    low, high = 1, ceil(lot.number)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if helps(middle) else (low, middle)
    needed = Fraction(low)
    return Change("lot", "lot", lot.number, needed, f"lot={exact_text(needed)}")


def _locks(context: ConflictContext) -> Iterator[Change]:
    """Each lock that could be moved to an amount with which the rules can be kept."""
    scenario = context.scenario
    tasks = scenario.programme.tasks
    for which, lock in enumerate(scenario.spec.locks):
        rest = tuple(one for at, one in enumerate(scenario.spec.locks) if at != which)
        model = context.model(scenario.with_settled(locks=rest))
        county = scenario.programme.counties.index[lock.county]
        cell = county * len(tasks) + tasks.index[lock.task]
        changed = _near(model, int(model.grid.amount[cell]), float(lock.amount))
        if context.engine(relaxed(changed), Effort()).outcome == "infeasible":
            continue
        answer = context.solve(changed)
        if answer.values is None:
            continue
        money = Fraction(repr(float(answer.values[model.grid.amount[cell]])))
        needed = Fraction(round(money)) if context.whole else Fraction(round(money * 10**6), 10**6)
        proved = answer.outcome == "optimal"
        yield Change("locks", "locks", lock.amount, needed, None, (), proved, which)


def _near(model: Model, column: int, money: float) -> Model:
    """The model with one amount as near as can be to what it was locked at."""
    row = sparse.csr_matrix(([1.0], ([0], [column])), (1, len(model.cost)))
    held = replace(
        model,
        matrix=sparse.vstack([model.matrix, row], format="csr"),
        row_lower=np.append(model.row_lower, money),
        row_upper=np.append(model.row_upper, money),
    )
    last = np.array([len(model.row_lower)], dtype=np.int64)
    return elastic(held, [GivingRows(last, np.ones(1))])[0]


def _eligibility(context: ConflictContext) -> Iterator[Change]:
    """Each line under `ineligible` without which the rules can be kept."""
    lines = context.scenario.spec.ineligible
    for which in range(len(lines)):
        rest = tuple(line for at, line in enumerate(lines) if at != which)
        if context.is_feasible(context.model(context.scenario.with_settled(ineligible=rest))):
            yield Change("eligibility", "eligibility", which=which)


SECONDS = 6.0
"""How long one question may take the solver in a programme too large for whole units at once."""
_ROUNDS, _ROUNDS_LARGE = 8, 3
_NOTHING = 1e-7
_LARGE_GAP = 1e-3
_IDLE = 1e-6
_FAR = -1e9


@dataclass(frozen=True)
class ConflictContext:
    """What all questions about one scenario share."""

    scenario: Scenario
    engine: Engine

    @property
    def whole(self) -> bool:
        """Small enough to ask in whole money units."""
        counties, tasks = self.scenario.programme.shape
        return counties * tasks <= DIRECT_CELLS

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that do not give way by themselves: only these can be in conflict."""
        return tuple(rule for rule in self.scenario.rules if rule.soft is None)

    @property
    def nothing(self) -> Mapping[str, Fraction]:
        """No metric is worth anything: only whether the rules can be kept is asked."""
        return {name: Fraction(0) for name in self.scenario.programme.metrics}

    def model(self, scenario: Scenario | None = None, apart: Sequence[str] = ()) -> Model:
        """A model of what the rules ask for; `apart` as in `formulate`."""
        made = formulate(scenario or self.scenario, self.nothing, apart=apart)
        return with_whole_money(made) if self.whole else made

    def solve(self, model: Model, seconds: float = SECONDS) -> Answer:
        """Closed for small programmes, else within the time that a question may take.

        In large ones first among the cells that the relaxation funds at all: that holds nearly all
        good solutions, and is proved best only by the relaxation's own bound.
        """
        if self.whole or model.is_lp:
            return self.engine(model, Effort(gap=0.0, time_limit=5 * seconds))
        loose = self.engine(relaxed(model), Effort())
        effort = Effort(gap=_LARGE_GAP, time_limit=seconds)
        if loose.values is None or loose.objective is None or model.grid.funded is None:
            return self.engine(model, effort)
        idle = model.grid.funded[loose.values[model.grid.funded] < _IDLE]
        bounds = model.lower[idle]
        answer = self.engine(with_bounds(model, idle, bounds, bounds), effort)
        if answer.values is None or answer.objective is None:
            return self.engine(model, effort)
        apart = loose.objective - answer.objective
        if apart > _LARGE_GAP * max(1.0, abs(answer.objective)):
            return replace(answer, outcome="feasible", bound=loose.objective)
        return answer

    def is_feasible(self, model: Model, seconds: float = SECONDS) -> bool | None:
        """Whether the model has a solution; None where the solver did not say in time."""
        if self.engine(relaxed(model), Effort()).outcome == "infeasible":
            return False
        answer = self.solve(model, seconds)
        if answer.values is not None:
            return True
        return False if answer.outcome == "infeasible" else None


def least_change(context: ConflictContext, rule: Rule) -> Change | None:
    """The least change of `rule` alone; None where no change of it alone helps.

    Of its written number; where that cannot help, of its limits one by one.
    """
    number = number_of(context.scenario, rule)
    if number is None:
        return _in_places(context, rule)
    forms = limits_by_number(context.scenario, number)
    constant = all(not one.each.terms for one in forms)
    needed, least, asked = number.number, True, context.scenario
    for _ in range(1 if constant else _ROUNDS if context.whole else _ROUNDS_LARGE):
        found = _eased(context, (asked, rule), forms if constant else None)
        if found is None:
            break
        values, model, proved = found
        reached = number_reached(context.scenario, (number, forms), model, values)
        # A share of what is itself still open: from a better share the next round starts.
        settled = abs(reached - float(needed)) <= _NOTHING * max(1.0, abs(reached))
        needed, least = Fraction(repr(reached)), proved
        asked = context.scenario.with_rule(number.changed(max(Fraction(0), needed)))
        if settled:
            break
    else:
        least = least and constant
    tidy = tidy_number(number, needed)
    if number.number in (needed, tidy) or is_negative(needed):
        # Times nothing it cannot move the limit there, and beside other parts not far enough.
        even = constant and len(rule.bound) == 1 and all(one.each.constant for one in forms)
        return None if even else _in_places(context, rule)
    return Change(rule.id, number.field, number.number, tidy, number.setting(tidy), (), least)


def _eased(
    context: ConflictContext, asked: tuple[Scenario, Rule], forms: Sequence[LimitByNumber] | None
) -> tuple[Floats, Model, bool] | None:
    """A solution that misses the rule by least, its model, and whether that is proved.

    With `forms` counted in the rule's written number, else in its own unit, and as far below
    nothing as it goes.
    """
    scenario, rule = asked
    model = context.model(scenario, apart=[rule.id])
    limit = model.limit(rule.id)
    each = None if forms is None else [abs(float(one.each.constant)) for one in forms]
    give = GivingRows(limit.rows, row_units(limit, each), least=0.0 if forms is not None else _FAR)
    changed, _ = elastic(model, [give])
    if context.engine(relaxed(changed), Effort()).outcome == "infeasible":
        return None
    answer = context.solve(changed)
    if answer.values is None:
        return None
    return answer.values[: len(model.cost)], model, answer.outcome == "optimal"


def row_units(limit: LimitRows, each: Sequence[float] | None) -> Floats:
    """[row] what one unit of the rule's value (times `each`) is in the row's numbers."""
    unit = limit.scale * limit.heads
    return unit if each is None else unit * np.array(each)


def number_reached(
    scenario: Scenario,
    asked: tuple[RuleNumber, Sequence[LimitByNumber]],
    model: Model,
    values: Floats,
) -> float:
    """The written number with which a solution keeps all limits of the rule."""
    number, forms = asked
    read = block_reader(scenario, model, values)
    ends = []
    for one in forms:
        each = form_value(one.each, read)
        if one.form.only_if is not None and not read(one.form.only_if) or not each:
            continue
        value = form_value(one.form.value, read)
        if number.field == "within":
            assert one.form.upper is not None and one.form.lower is not None
            middle = form_value(one.form.lower + one.form.upper, read) / 2
            ends.append(abs(value - middle))
            continue
        ends.append((value - form_value(one.fixed, read)) / each)
    if not ends:
        return float(number.number)
    now = float(number.number)
    return min(now, *ends) if number.rule.sense == "at_least" else max(now, *ends)


def tidy_number(number: RuleNumber, needed: Fraction) -> Fraction:
    """A number of few figures that is needed at least, never short of it by more than noise."""
    down = number.rule.sense == "at_least"
    rule = number.rule
    if number.field == "number" and rule.measure in ("cells", "counties") and not rule.per_head:
        return _tidied(needed, 0, down)
    scale = abs(number.number) or abs(needed) or Fraction(1)
    places = 4
    while places < 12 and Fraction(1, 10**places) > scale / 10**4:
        places += 1
    return _tidied(needed, places, down)


def is_negative(needed: Fraction) -> bool:
    """Whether a number would have to be negative, which none in a rule can."""
    return needed < -_NOTHING


def _tidied(needed: Fraction, places: int, down: bool) -> Fraction:
    scale = 10**places
    near = Fraction(round(needed * scale), scale)
    if abs(near - needed) <= Fraction(1, 10**7) * max(Fraction(1), abs(needed)):
        return max(near, Fraction(0))
    moved = floor(needed * scale) if down else ceil(needed * scale)
    return max(Fraction(moved, scale), Fraction(0))


def _in_places(context: ConflictContext, rule: Rule) -> Change | None:
    """The limits of a rule of looked-up numbers that have to move, in all by least."""
    model = context.model(apart=[rule.id])
    limit = model.limit(rule.id)
    give = GivingRows(limit.rows, row_units(limit, None), shared=False)
    changed, (columns,) = elastic(model, [give])
    if context.engine(relaxed(changed), Effort()).outcome == "infeasible":
        return None
    answer = context.solve(changed)
    if answer.values is None:
        return None
    values = answer.values
    places = missed_limits(context.scenario, rule, (model, values), values[columns])
    return Change(rule.id, "places", places=places, is_least=answer.outcome == "optimal")


def missed_limits(
    scenario: Scenario, rule: Rule, solved: tuple[Model, Floats], missed: Floats
) -> tuple[PlaceChange, ...]:
    """The limits that are missed, each by how much, in the rule's own unit."""
    model, values = solved
    read = block_reader(scenario, model, values[: len(model.cost)])
    found = []
    for form, by in zip(forms_of(scenario, rule), missed.tolist(), strict=True):
        if by <= _NOTHING:
            continue
        upper = form.upper is not None
        side = form.upper if upper else form.lower
        assert side is not None
        now = Fraction(repr(form_value(side, read)))
        step = Fraction(ceil(Fraction(repr(by)) * 10**6 - Fraction(1, 100)), 10**6)
        needed = max(Fraction(0), now + step if upper else now - step)
        found.append(_with_column(scenario, rule, PlaceChange(form.key, now, needed)))
    return tuple(found)


def _with_column(scenario: Scenario, rule: Rule, one: PlaceChange) -> PlaceChange:
    """The same with what stands in the column, where the limit is that column times something."""
    part = rule.bound[0]
    column = part.factor.column if part.factor is not None else None
    if len(rule.bound) != 1 or column is None or not one.now:
        return one
    programme = scenario.programme
    table = programme.counties if programme.counties.kind(column) else programme.tasks
    name = dict(one.key).get(table.what)
    if name is None:
        return one
    cell = table.numbers(column)[table.index[name]]
    down = rule.sense == "at_least"
    needed = _tidied(cell * one.needed / one.now, 8, down)
    return replace(one, column=column, cell_now=cell, cell_needed=needed)
