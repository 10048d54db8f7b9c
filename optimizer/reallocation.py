"""Money allotted anew in mid-year: what is paid stays, what came back is there again, and no more
counties change than may."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import inf

from models.allocation import Allocation
from models.errors import InfeasibleError, NoAnswerError, Problems, refuse, with_keywords
from models.finding import Audit
from models.rule import Soft
from models.scenario import Scenario
from models.scenario_file import CellBound, Eased
from models.solution import Quality, SearchNote, Solution, SolverReport
from models.strict_yaml import Text
from optimizer.aims import as_floats, mend_aims, solve_aims
from optimizer.audit import audit
from optimizer.audit.limits import Form, LimitForm, ineligible_forms, limit_forms
from optimizer.audit.measure import Cell, Measured
from optimizer.formulation.edits import with_touched
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.infeasibility import advised
from optimizer.mending import refuse_too_few
from optimizer.problem import Problem
from optimizer.solve import NO_ALLOCATION, Options, Searched, searched
from optimizer.solvers import engine_version, pick_engine
from optimizer.solvers.base import Clock, Watch
from optimizer.strategies import Infeasible, ProblemModels, SearchTask
from optimizer.strategies.within_gap import within_gap

_GAP = 1e-3
_FEW, _DEAR = 10, Fraction(1000)
"""Limits of a rule up to which it may give way together with others; points for all of a limit."""
_PAID = Text(zh="已拨付所致", en="because of money that is paid already")
_NONE = Fraction(0)


@dataclass(frozen=True)
class MidYear:
    """Where the money stands."""

    paid: Allocation
    returned: Allocation | None = None
    """What came back of it, cell by cell."""
    before: Allocation | None = None
    """The allocation as agreed before, from which counties may differ; by default what is paid."""
    budget: int | None = None
    """The budget from now on; by default the scenario's."""
    touch: int | None = None
    """How many counties may differ from before."""
    reuse: bool = False
    """Cells that gave money back may rise again."""

    @property
    def agreed(self) -> Allocation:
        """The allocation as agreed before."""
        return self.paid if self.before is None else self.before

    def back(self, cell: Cell) -> Fraction:
        """What a cell gave back."""
        return _NONE if self.returned is None else Fraction(self.returned.amounts[cell])

    def net(self, cell: Cell) -> Fraction:
        """What stays paid in a cell."""
        return Fraction(self.paid.amounts[cell]) - self.back(cell)


@dataclass(frozen=True)
class SignedChange:
    """One cell of the list to sign."""

    county: int
    task: int
    before: Fraction
    paid: Fraction
    """What stays paid."""
    after: Fraction


@dataclass(frozen=True)
class Reallocated:
    """The money allotted anew, in the file's order."""

    scenario: Scenario
    """With what is paid as bounds of the cells, and the limits that give way to it."""
    state: MidYear
    allocation: Allocation
    audit: Audit
    objective: Fraction
    quality: Quality
    """Among allocations that touch no more counties."""
    changes: tuple[SignedChange, ...]
    """Every cell that differs from before, in the file's order."""
    seconds: float

    @property
    def eased(self) -> tuple[Eased, ...]:
        """Limits that give way to money that is paid."""
        return self.scenario.spec.eased

    @property
    def touched(self) -> int:
        """Counties with a cell that differs from before."""
        return len({one.county for one in self.changes})

    @cached_property
    def paid(self) -> Fraction:
        """All that stays paid inside the grid."""
        counties, tasks = self.scenario.programme.shape
        cells = product(range(counties), range(tasks))
        return sum((self.state.net(cell) for cell in cells), _NONE)


@with_keywords()
def reallocate(
    scenario: Scenario,
    state: MidYear,
    *,
    gap: float = _GAP,
    time_limit: float | None = None,
    watch: Watch | None = None,
) -> Reallocated:
    """The best allocation of the year's money from here: no cell below what stays paid in it.

    Rules are read on the whole year. A limit that what is paid breaks whatever is done gives way by
    the least that is needed. With `state.touch` no more counties differ from before. Raises
    `InputError` where more stays paid than there is, where more came back than was paid, and for a
    `touch` below the least that works; `InfeasibleError` and `NoAnswerError` as `solve`.
    """
    began, clock = time.monotonic(), Clock(time_limit, watch)
    changed = as_it_stands(scenario, state)
    try:
        problem, found = _searched(changed, state, (gap, clock))
    except (InfeasibleError, NoAnswerError):
        with advised(changed, pick_engine("highs")[0], clock):
            changed = _eased_together(changed, state, clock)
        problem, found = _searched(changed, state, (gap, clock))
    allocation = problem.as_given(found.allocation)
    return Reallocated(
        scenario=changed,
        state=state,
        allocation=allocation,
        audit=found.audit,
        objective=found.objective,
        quality=found.quality,
        changes=tuple(_changes(state, allocation)),
        seconds=time.monotonic() - began,
    )


def _searched(
    scenario: Scenario, state: MidYear, effort: tuple[float, Clock]
) -> tuple[Problem, Searched]:
    """The best allocation that touches no more counties than may be. `effort`: gap and clock."""
    problem, (gap, clock) = Problem.of(scenario), effort
    engine, agreed = pick_engine("highs")[0], problem.by_code(state.agreed)
    most = inf if state.touch is None else state.touch
    if state.touch is not None:
        aims = mend_aims(agreed, problem.codes)
        bare = SearchTask(ProblemModels(problem), aims, "whole", 0.0, engine, clock)
        try:
            refuse_too_few(bare, state.touch)
        except Infeasible:
            raise InfeasibleError(NO_ALLOCATION) from None
    models = _FewTouched(problem, as_floats(agreed), most)
    task = SearchTask(models, solve_aims(problem), "whole", gap, engine, clock)
    return problem, searched(task, within_gap)


def _eased_together(scenario: Scenario, state: MidYear, clock: Clock) -> Scenario:
    """The scenario with limits over many cells eased by the least shares of themselves, added up,
    with which all others can be kept: each alone leaves room, not all at once.

    Raises `InfeasibleError` where that is not enough.
    """
    given, priced = audit(scenario, state.agreed), scenario
    for rule in scenario.rules:
        limits = [one for one in given.findings if one.rule == rule.id]
        if rule.soft is not None or rule.basis == "clause" or not 0 < len(limits) <= _FEW:
            continue
        ends = [abs(end) for one in limits for end in (one.lower, one.upper) if end]
        price = _DEAR / max(ends, default=Fraction(1))
        soft = Soft.model_validate({"price": str(price)})
        priced = priced.with_rule(rule.model_copy(update={"soft": soft}))
    problem = Problem.of(priced)
    models, engine = ProblemModels(problem), pick_engine("highs")[0]
    task = SearchTask(models, solve_aims(problem), "whole", _GAP, engine, clock)
    found = audit(priced, problem.as_given(searched(task, within_gap).allocation))
    bent = [one for one in found.findings if one.state == "bent"]
    further = [Eased(rule=one.rule, key=dict(one.key), by=-one.slack, reason=_PAID) for one in bent]
    before = {(one.rule, tuple(one.key.items())): one.by for one in scenario.spec.eased}
    eased = {(one.rule, tuple(one.key.items())): one for one in scenario.spec.eased}
    for one in further:
        key = one.rule, tuple(one.key.items())
        eased[key] = one.model_copy(update={"by": one.by + before.get(key, _NONE)})
    return scenario.with_settled(eased=tuple(eased.values()))


@dataclass(frozen=True, eq=False)
class _FewTouched(ProblemModels):
    """The models of a problem in which few counties differ from a table."""

    table: Floats
    most: float

    @property
    def is_of_rules_only(self) -> bool:
        return self.most == inf

    def _made(self, whole: bool, tighten: Tightening | None = None) -> Model:
        model = super()._made(whole, tighten)
        return model if self.most == inf else with_touched(model, self.table, self.most)


def _changes(state: MidYear, allocation: Allocation) -> Iterator[SignedChange]:
    counties, tasks = allocation.amounts.shape
    for county, task in product(range(counties), range(tasks)):
        cell = county, task
        before, after = (Fraction(one.amounts[cell]) for one in (state.agreed, allocation))
        if before != after:
            yield SignedChange(county, task, before, state.net(cell), after)


# The scenario as it stands in mid-year.


def as_it_stands(scenario: Scenario, state: MidYear) -> Scenario:
    """The scenario with what stays paid as bounds of its cells, the budget there is now, and the
    limits that give way; bounds `of: baseline` stay those of the budget before.

    Raises `InputError` where more stays paid than there is, or came back than was paid.
    """
    budget = scenario.budget if state.budget is None else state.budget
    bounds = tuple(_bounds(scenario, state))
    paid = sum((one.at_least or _NONE for one in bounds), scenario.outside_money)
    if paid > budget:
        message = f"{paid} stay paid, {paid - budget} above the budget of {budget}"
        refuse("--paid", "", message)
    reference = scenario.spec.reference_budget or Fraction(scenario.budget)
    settled = {(one.county, one.task): one.at_least or _NONE for one in bounds}
    locks = tuple(
        lock
        for lock in scenario.spec.locks
        if lock.amount >= settled.get((lock.county, lock.task), 0)
    )
    changed = scenario.with_settled(
        budget=Fraction(budget), reference_budget=reference, cells=bounds, locks=locks
    )
    return changed.with_settled(eased=tuple(_Breaches(changed).eased()))


def _bounds(scenario: Scenario, state: MidYear) -> Iterator[CellBound]:
    """What stays paid in each cell, and no more in one that gave money back."""
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    problems = Problems()
    for cell in product(range(len(counties)), range(len(tasks))):
        place, back, net = (counties[cell[0]], tasks[cell[1]]), state.back(cell), state.net(cell)
        if net < 0:
            told = f"{back} came back where {back + net} was paid"
            problems.add("--returned", f"{place[0]},{place[1]}", told)
        elif net or back:
            most = net if back and not state.reuse else None
            yield CellBound(county=place[0], task=place[1], at_least=net, at_most=most)
    problems.raise_if_any()


@dataclass(frozen=True)
class _Breaches:
    """By how much limits of money and counts are broken whatever is done with the rest: each
    looked at by itself, under the bounds of the cells and the budget."""

    scenario: Scenario

    @cached_property
    def ends(self) -> tuple[dict[Cell, Fraction], dict[Cell, Fraction]]:
        """(least, most) money of each cell that has any; without a most where it is open."""
        low, high = dict[Cell, Fraction](), dict[Cell, Fraction]()
        programme = self.scenario.programme
        for form in ineligible_forms(self.scenario):
            high |= dict.fromkeys(form.cells, _NONE)
        lots = self.scenario.lots()
        for one in self.scenario.spec.cells:
            cell = programme.counties.index[one.county], programme.tasks.index[one.task]
            paid = one.at_least or _NONE
            if one.at_most is not None:
                high[cell] = one.at_most
            least = max(paid, lots[cell[1]]) if paid else paid
            low[cell] = min(least, high.get(cell, least)) if cell in high else least
            high[cell] = max(high[cell], paid) if cell in high else high.get(cell, Fraction(-1))
        return low, {cell: most for cell, most in high.items() if most >= 0}

    def eased(self) -> Iterator[Eased]:
        """Every limit that gives way, by the least."""
        yield from self.lots()
        for form in limit_forms(self.scenario):
            if form.soft:
                continue
            slack = self.most_slack(form)
            if slack is not None and slack < 0:
                yield Eased(rule=form.rule, key=dict(form.key), by=-slack, reason=_PAID)

    def lots(self) -> Iterator[Eased]:
        """Cells that hold less than a lot and may hold no more."""
        counties, tasks = self.scenario.programme.counties.ids, self.scenario.programme.tasks.ids
        (low, high), lots = self.ends, self.scenario.lots()
        if self.scenario.spec.lot is None:
            return
        for cell, most in sorted(high.items()):
            if low.get(cell) and most < lots[cell[1]]:
                key = {"county": counties[cell[0]], "task": tasks[cell[1]]}
                yield Eased(rule="lot", key=key, by=lots[cell[1]] - most, reason=_PAID)

    def most_slack(self, form: LimitForm) -> Fraction | None:
        """The most room that a limit can have; None of one that counts outcomes."""
        rooms = [self.most_of(room) for room in form.rooms]
        return None if None in rooms else min(room for room in rooms if room is not None)

    def most_of(self, room: Form) -> Fraction | None:
        total, by_cell = room.constant, dict[Cell, Fraction]()
        for measured, factor in room.terms.items():
            if measured.measure == "amount":
                for cell in measured.cells:
                    by_cell[cell] = by_cell.get(cell, _NONE) + factor
            elif measured.measure in ("cells", "counties"):
                total += factor * (self.fewest(measured) if factor < 0 else self.most(measured))
            else:
                return None
        return total + self.most_money(by_cell)

    def fewest(self, measured: Measured) -> int:
        """Cells, or counties, that are funded whatever is done."""
        paid = [cell for cell in measured.cells if self.ends[0].get(cell)]
        return len(paid) if measured.measure == "cells" else len({cell[0] for cell in paid})

    def most(self, measured: Measured) -> int:
        """Cells, or counties, that may be funded."""
        may = [cell for cell in measured.cells if self.ends[1].get(cell, 1)]
        return len(may) if measured.measure == "cells" else len({cell[0] for cell in may})

    def most_money(self, by_cell: Mapping[Cell, Fraction]) -> Fraction:
        """The most that Σ factor × money comes to: what is paid, then the rest where it counts
        most; money that counts nothing may be left over."""
        low, high = self.ends
        left = self.scenario.inside_money - sum(low.values(), _NONE)
        total = sum((factor * low.get(cell, _NONE) for cell, factor in by_cell.items()), _NONE)
        for cell, factor in sorted(by_cell.items(), key=lambda one: -one[1]):
            if factor <= 0 or left <= 0:
                break
            more = min(left, high[cell] - low.get(cell, _NONE)) if cell in high else left
            total, left = total + factor * more, left - more
        return total


def record_of(found: Reallocated) -> Solution:
    """The allocation as a solution, for its record. A bound that holds only where few counties are
    touched is no bound of the scenario, and is not told."""
    problem = Problem.of(found.scenario)
    limited = found.state.touch is not None
    nothing = Quality("feasible", None, None, None, None)
    note = (SearchNote.FEW_TOUCHED,) if limited else (SearchNote.NOT_RUN,)
    return Solution(
        scenario=found.scenario,
        allocation=found.allocation,
        audit=found.audit,
        objective=found.objective,
        **(nothing if limited else found.quality).told,
        solver=SolverReport("highs", engine_version("highs"), None, None, note),
        baseline=problem.read(problem.reference.comparison),
        options=replace(Options(gap=_GAP), repaired=False, certificate=False).recorded,
    )
