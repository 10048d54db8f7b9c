"""The least change of one rule alone that lets an allocation exist, or that there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from models.advice import Change, PlaceChange
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit.forms import forms_of
from optimizer.formulation.build import formulate
from optimizer.formulation.edit import relaxed, with_bounds, with_whole_money
from optimizer.formulation.matrix import Floats, Limit, Model
from optimizer.search import DIRECT_CELLS
from optimizer.solvers.answer import Answer
from optimizer.solvers.effort import Effort, Engine
from optimizer.why.elastic import Give, elastic
from optimizer.why.reading import comes_to, reader
from optimizer.why.written import Moved, Written, moved, with_rule, written

SECONDS = 6.0
"""How long one question may take the solver in a programme too large for whole units at once."""
_ROUNDS, _ROUNDS_LARGE = 8, 3
_NOTHING = 1e-7
_LARGE_GAP = 1e-3
_IDLE = 1e-6
_FAR = -1e9


@dataclass(frozen=True)
class Ward:
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


def least_change(ward: Ward, rule: Rule) -> Change | None:
    """The least change of `rule` alone; None where no change of it alone helps.

    Of its written number; where that cannot help, of its limits one by one.
    """
    number = written(ward.scenario, rule)
    if number is None:
        return _in_places(ward, rule)
    forms = moved(ward.scenario, number)
    constant = all(not one.each.terms for one in forms)
    needed, least, asked = number.number, True, ward.scenario
    for _ in range(1 if constant else _ROUNDS if ward.whole else _ROUNDS_LARGE):
        found = _eased(ward, (asked, rule), forms if constant else None)
        if found is None:
            break
        values, model, proved = found
        reached = number_reached(ward.scenario, (number, forms), model, values)
        # A share of what is itself still open: from a better share the next round starts.
        settled = abs(reached - float(needed)) <= _NOTHING * max(1.0, abs(reached))
        needed, least = Fraction(repr(reached)), proved
        asked = with_rule(ward.scenario, number.changed(max(Fraction(0), needed)))
        if settled:
            break
    else:
        least = least and constant
    tidy = rounded(number, needed)
    if number.number in (needed, tidy) or is_below_nothing(needed):
        # Times nothing it cannot move the limit there, and beside other parts not far enough.
        even = constant and len(rule.bound) == 1 and all(one.each.constant for one in forms)
        return None if even else _in_places(ward, rule)
    return Change(rule.id, number.field, number.number, tidy, number.setting(tidy), (), least)


def _eased(
    ward: Ward, asked: tuple[Scenario, Rule], forms: Sequence[Moved] | None
) -> tuple[Floats, Model, bool] | None:
    """A solution that misses the rule by least, its model, and whether that is proved.

    With `forms` counted in the rule's written number, else in its own unit, and as far below
    nothing as it goes.
    """
    scenario, rule = asked
    model = ward.model(scenario, apart=[rule.id])
    limit = next(limit for limit in model.limits if limit.rule == rule.id)
    each = None if forms is None else [abs(float(one.each.constant)) for one in forms]
    give = Give(rows_of(limit), unit_of(limit, each), least=0.0 if forms is not None else _FAR)
    changed, _ = elastic(model, [give])
    if ward.engine(relaxed(changed), Effort()).outcome == "infeasible":
        return None
    answer = ward.solve(changed)
    if answer.values is None:
        return None
    return answer.values[: len(model.cost)], model, answer.outcome == "optimal"


def rows_of(limit: Limit) -> np.typing.NDArray[np.int64]:
    """The rows of a rule."""
    return np.arange(limit.start, limit.start + len(limit.keys), dtype=np.int64)


def unit_of(limit: Limit, each: Sequence[float] | None) -> Floats:
    """[row] what one unit of the rule's value (times `each`) is in the row's numbers."""
    unit = limit.scale * limit.heads
    return unit if each is None else unit * np.array(each)


def number_reached(
    scenario: Scenario, asked: tuple[Written, Sequence[Moved]], model: Model, values: Floats
) -> float:
    """The written number with which a solution keeps all limits of the rule."""
    number, forms = asked
    read = reader(scenario, model, values)
    ends = []
    for one in forms:
        each = comes_to(one.each, read)
        if one.form.only_if is not None and not read(one.form.only_if) or not each:
            continue
        value = comes_to(one.form.value, read)
        if number.field == "within":
            assert one.form.upper is not None and one.form.lower is not None
            middle = comes_to(one.form.lower + one.form.upper, read) / 2
            ends.append(abs(value - middle))
            continue
        ends.append((value - comes_to(one.fixed, read)) / each)
    if not ends:
        return float(number.number)
    now = float(number.number)
    return min(now, *ends) if number.rule.sense == "at_least" else max(now, *ends)


def rounded(number: Written, needed: Fraction) -> Fraction:
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


def is_below_nothing(needed: Fraction) -> bool:
    """Whether a number would have to be negative, which none in a rule can."""
    return needed < -_NOTHING


def _tidied(needed: Fraction, places: int, down: bool) -> Fraction:
    scale = 10**places
    near = Fraction(round(needed * scale), scale)
    if abs(near - needed) <= Fraction(1, 10**7) * max(Fraction(1), abs(needed)):
        return max(near, Fraction(0))
    moved = floor(needed * scale) if down else ceil(needed * scale)
    return max(Fraction(moved, scale), Fraction(0))


def _in_places(ward: Ward, rule: Rule) -> Change | None:
    """The limits of a rule of looked-up numbers that have to move, in all by least."""
    model = ward.model(apart=[rule.id])
    limit = next(limit for limit in model.limits if limit.rule == rule.id)
    changed, (columns,) = elastic(model, [Give(rows_of(limit), unit_of(limit, None), 1.0, False)])
    if ward.engine(relaxed(changed), Effort()).outcome == "infeasible":
        return None
    answer = ward.solve(changed)
    if answer.values is None:
        return None
    values = answer.values
    places = places_of(ward.scenario, rule, (model, values), values[columns])
    return Change(rule.id, "places", places=places, is_least=answer.outcome == "optimal")


def places_of(
    scenario: Scenario, rule: Rule, solved: tuple[Model, Floats], missed: Floats
) -> tuple[PlaceChange, ...]:
    """The limits that are missed, each by how much, in the rule's own unit."""
    model, values = solved
    read = reader(scenario, model, values[: len(model.cost)])
    found = []
    for form, by in zip(forms_of(scenario, rule), missed.tolist(), strict=True):
        if by <= _NOTHING:
            continue
        upper = form.upper is not None
        side = form.upper if upper else form.lower
        assert side is not None
        now = Fraction(repr(comes_to(side, read)))
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
