"""The least change of what the scenario itself settles: budget, lot, locks, eligibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
from scipy import sparse

from models.exact import exact_text
from models.remedies import Change
from models.rule import BASELINE, NO_IDLE, STEP, Rule
from models.scenario import Scenario
from optimizer.formulation.edits import with_bounds, without_rows
from optimizer.formulation.model import Model
from optimizer.infeasibility.elastic import GivingRows, elastic
from optimizer.infeasibility.trial import ConflictContext, Trial

MOST_TIMES = 1000
"""A budget beyond so many times the present one is no advice."""
_CELL_ROOM = 10
"""So many budgets a cell may hold where the budget itself is to give way (see `formulate`)."""
_COARSE, _FURTHER, _FINE = 64, 4, 1000
"""In a large programme, where each trial takes its time: the first step as a part of the budget, by
how much each further one is larger, how fine a part is told."""
_NOISE = 1e-6


def no_budget_helps(context: ConflictContext, *, soon: bool = False) -> bool:
    """Whether it is proved that no budget up to `MOST_TIMES` the present one helps.

    Rules that ask for a share of it are left aside, for they grow with it. `soon`: only by what
    shows it at once.
    """
    scenario = context.scenario
    grown = [rule.id for rule in context.rules if _grows(scenario, rule)]
    wide = scenario.with_budget(scenario.budget * MOST_TIMES // _CELL_ROOM)
    model = context.model(wide, apart=["budget", *grown])
    for name in ("budget", *grown):
        model = without_rows(model, model.limit(name).rows)
    return context.is_ruled_out(model, soon)


def settled_changes(context: ConflictContext) -> Iterator[Change]:
    """The changes of lot, locks, eligibility, idle money and step that help, each alone."""
    if not context.clock.is_over() and (lot := _lot(context)) is not None:
        yield lot
    yield from _locks(context)
    yield from _eligibility(context)
    spec = context.scenario.spec
    if spec.no_idle:
        yield from _without(context, NO_IDLE, "no_idle=false", no_idle=False)
    if (context.scenario.steps > 1).any():
        yield from _without(context, STEP, "step=1", step=None)


def budget_change(context: ConflictContext) -> Change | None:
    """More money; where shares of the budget are asked for, they grow with it."""
    scenario, now = context.scenario, context.scenario.budget

    def tried(more: int) -> Trial:
        return context.tried(scenario.with_budget(now + more))

    if context.whole:
        least = _least_more(context)
        found = _smallest_from(
            context, tried, least or max(1, now // 64), 1 if least else now // 64
        )
    else:
        first = _loosely_more(context)
        by = now // _COARSE  # Just above it whole answers are hard to find.
        found = None if first is None else _smallest_from(context, tried, first + by, by)
    if found is None:
        return None
    more, proved = found
    is_least = proved and not shares_of_budget(scenario)
    needed = Fraction(now + more)
    setting = f"budget={exact_text(needed)}"
    return Change("budget", "budget", Fraction(now), needed, setting, is_least=is_least)


def _least_more(context: ConflictContext) -> int | None:
    """How much more money a solution in the solver's numbers needs, about."""
    if shares_of_budget(context.scenario):
        return None
    model = context.model(apart=["budget"])
    changed, _ = elastic(model, [GivingRows(model.limit("budget").rows, np.ones(1))])
    answer = context.solve(changed)
    return None if answer.objective is None else max(1, ceil(-answer.objective - _NOISE))


def _loosely_more(context: ConflictContext) -> int | None:
    """How much more money it takes as far as it is shown at once, to a thousandth of the budget;
    None where no budget up to `MOST_TIMES` the present one does."""
    scenario, now = context.scenario, context.scenario.budget

    def is_short(more: int) -> bool:
        model = context.model(scenario.with_budget(now + more))
        return context.is_ruled_out(model, soon=True)

    low, high = 0, max(1, now // _COARSE)
    while is_short(high):
        low, high = high, _FURTHER * high
        if high > MOST_TIMES * now or context.clock.is_over():
            return None
    while high - low > max(1, now // _FINE) and not context.clock.is_over():
        middle = (low + high) // 2
        low, high = (middle, high) if is_short(middle) else (low, middle)
    return high


def _smallest_from(
    context: ConflictContext, tried: Callable[[int], Trial], first: int, by: int
) -> tuple[int, bool] | None:
    """The smallest step that was found to help, from 1 on; whether one less is proved not to do.

    From `first` on further and further until it helps, then halved in.
    """
    low, high, proved, by = 0, first, True, max(by, 1)
    while (trial := tried(high)).allocation is None:
        low, high, by, proved = high, high + by, 2 * by, trial.is_impossible
        if high > MOST_TIMES * context.scenario.budget or context.clock.is_over():
            return None
    return _halved(context, tried, (low, high, proved)) if context.whole else (high, False)


def _halved(
    context: ConflictContext, tried: Callable[[int], Trial], found: tuple[int, int, bool]
) -> tuple[int, bool]:
    """The smallest step above `low` that helps, where `high` does; whether one less is proved not
    to. `found`: low, high, whether it is proved that low does not help."""
    low, high, proved = found
    middle = high - 1  # Most often what was found first is the least already.
    while high - low > 1 and not context.clock.is_over():
        trial = tried(middle)
        if trial.allocation is not None:
            high = middle
        else:
            low, proved = middle, trial.is_impossible
        middle = (low + high) // 2
    return high, proved and high - low == 1


def shares_of_budget(scenario: Scenario) -> bool:
    """Whether a limit grows with the budget."""
    return any(_grows(scenario, rule) for rule in scenario.rules)


def _grows(scenario: Scenario, rule: Rule) -> bool:
    if rule.refers_to(BASELINE) and scenario.spec.reference_budget is None:
        return True
    return rule.refers_to("budget")


def _lot(context: ConflictContext) -> Change | None:
    """The largest whole lot with which the rules can be kept."""
    scenario, lot = context.scenario, context.scenario.spec.lot
    if lot is None or lot.number is None or lot.number <= 1:
        return None
    now = lot.number

    def tried(less: int) -> Trial:
        put = lot.model_copy(update={"number": Fraction(ceil(now) - less)})
        return context.tried(scenario.with_settled(lot=put))

    if tried(ceil(now) - 1).allocation is None:
        return None
    less, proved = _halved(context, tried, (0, ceil(now) - 1, True))
    needed = Fraction(ceil(now) - less)
    return Change("lot", "lot", now, needed, f"lot={exact_text(needed)}", is_least=proved)


def _locks(context: ConflictContext) -> Iterator[Change]:
    """Each lock that could be moved to an amount with which the rules can be kept."""
    scenario, tasks = context.scenario, context.scenario.programme.tasks
    for which, lock in enumerate(scenario.spec.locks):
        if context.clock.is_over():
            return
        rest = [one for at, one in enumerate(scenario.spec.locks) if at != which]
        county = scenario.programme.counties.index[lock.county]
        cell = county * len(tasks) + tasks.index[lock.task]
        free = context.model(scenario.with_settled(locks=tuple(rest)))
        answer = context.solve(_near(free, int(free.grid.amount[cell]), float(lock.amount)))
        if answer.values is None:
            continue
        needed = Fraction(round(answer.values[free.grid.amount[cell]]))
        moved = lock.model_copy(update={"amount": needed})
        locks = (*rest[:which], moved, *rest[which:])
        if (
            needed == lock.amount
            or not context.tried(scenario.with_settled(locks=locks)).allocation
        ):
            continue
        proved = _none_nearer(context, free, cell, (lock.amount, needed))
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


def _none_nearer(
    context: ConflictContext, free: Model, cell: int, ends: tuple[Fraction, Fraction]
) -> bool:
    """Whether it is proved that no whole amount nearer to what was locked would do."""
    locked, needed = ends
    off = abs(needed - locked) - 1
    if off < 0:
        return True
    column = free.grid.amount[cell : cell + 1]
    low, high = (np.array([float(end)]) for end in (max(locked - off, Fraction(0)), locked + off))
    high = np.minimum(high, free.upper[column])
    if high < low:
        return True
    return context.is_feasible(with_bounds(free, column, low, high)) is False


def _without(context: ConflictContext, name: str, setting: str, **fields: Any) -> Iterator[Change]:
    """To give up what a field of the scenario asks for, where that helps."""
    if context.clock.is_over():
        return
    if context.tried(context.scenario.with_settled(**fields)).allocation is not None:
        yield Change(name, name, setting=setting)


def _eligibility(context: ConflictContext) -> Iterator[Change]:
    """Each line under `ineligible` without which the rules can be kept."""
    lines = context.scenario.spec.ineligible
    for which in range(len(lines)):
        if context.clock.is_over():
            return
        rest = tuple(line for at, line in enumerate(lines) if at != which)
        if context.tried(context.scenario.with_settled(ineligible=rest)).allocation is not None:
            yield Change("eligibility", "eligibility", which=which)
