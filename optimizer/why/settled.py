"""What the scenario settles itself and could change: budget, lot, locks, what is not eligible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
from scipy import sparse

from models.advice import Change
from models.exact import exact_text
from models.scenario import Scenario
from optimizer.formulation.edit import relaxed
from optimizer.formulation.matrix import Model
from optimizer.solvers.effort import Effort
from optimizer.why.ease import Ward, rows_of
from optimizer.why.elastic import Give, elastic

_MOST_TIMES = 1000
"""A budget beyond so many times the present one is no advice."""
_HALVINGS = 40


def settled_changes(ward: Ward) -> Iterator[Change]:
    """The changes of budget, lot, locks and eligibility that help, each alone."""
    if (budget := _budget(ward)) is not None:
        yield budget
    if (lot := _lot(ward)) is not None:
        yield lot
    yield from _locks(ward)
    yield from _eligibility(ward)


def with_spec(scenario: Scenario, **changes: Any) -> Scenario:
    """The scenario with other fields of its file, not read again."""
    return replace(scenario, spec=scenario.spec.model_copy(update=changes))


def _budget(ward: Ward) -> Change | None:
    """More money; where shares of the budget are asked for, they grow with it."""
    now = Fraction(ward.scenario.budget)
    model = ward.model(apart=["budget"])
    limit = next(limit for limit in model.limits if limit.rule == "budget")
    changed, _ = elastic(model, [Give(rows_of(limit), np.ones(1))])
    answer = None
    if ward.engine(relaxed(changed), Effort()).outcome != "infeasible":
        answer = ward.solve(changed)
    least = max(1, ward.scenario.budget // 64)
    if answer is not None and answer.objective is not None:
        least = max(1, ceil(Fraction(repr(-answer.objective)) - Fraction(1, 10**6)))
        if not shares_of_budget(ward.scenario):
            return _budget_change(now, now + least, answer.outcome == "optimal")
    return _grown(ward, now, least) if shares_of_budget(ward.scenario) else None


def _grown(ward: Ward, now: Fraction, first: int) -> Change | None:
    """The budget with which shares of itself can be kept: doubled until it does, then halved in."""

    def helps(more: int) -> bool:
        changed = with_spec(ward.scenario, budget=now + more)
        return ward.is_feasible(ward.model(changed)) is True

    low, high = 0, first
    while not helps(high):
        low, high = high, 2 * high
        if high > _MOST_TIMES * now:
            return None
    rounds = _HALVINGS if ward.whole else 4
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


def _lot(ward: Ward) -> Change | None:
    """The largest lot with which the rules can be kept; found by halving."""
    lot = ward.scenario.spec.lot
    if lot is None or lot.number is None or lot.number <= 1:
        return None

    def helps(number: int) -> bool:
        put = lot.model_copy(update={"number": Fraction(number)})
        return ward.is_feasible(ward.model(with_spec(ward.scenario, lot=put))) is True

    if not helps(1):
        return None
    low, high = 1, ceil(lot.number)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if helps(middle) else (low, middle)
    needed = Fraction(low)
    return Change("lot", "lot", lot.number, needed, f"lot={exact_text(needed)}")


def _locks(ward: Ward) -> Iterator[Change]:
    """Each lock that could be moved to an amount with which the rules can be kept."""
    scenario = ward.scenario
    tasks = scenario.programme.tasks
    for which, lock in enumerate(scenario.spec.locks):
        rest = tuple(one for at, one in enumerate(scenario.spec.locks) if at != which)
        model = ward.model(with_spec(scenario, locks=rest))
        county = scenario.programme.counties.index[lock.county]
        cell = county * len(tasks) + tasks.index[lock.task]
        changed = _near(model, int(model.grid.amount[cell]), float(lock.amount))
        if ward.engine(relaxed(changed), Effort()).outcome == "infeasible":
            continue
        answer = ward.solve(changed)
        if answer.values is None:
            continue
        money = Fraction(repr(float(answer.values[model.grid.amount[cell]])))
        needed = Fraction(round(money)) if ward.whole else Fraction(round(money * 10**6), 10**6)
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
    return elastic(held, [Give(last, np.ones(1))])[0]


def _eligibility(ward: Ward) -> Iterator[Change]:
    """Each line under `ineligible` without which the rules can be kept."""
    lines = ward.scenario.spec.ineligible
    for which in range(len(lines)):
        rest = tuple(line for at, line in enumerate(lines) if at != which)
        if ward.is_feasible(ward.model(with_spec(ward.scenario, ineligible=rest))):
            yield Change("eligibility", "eligibility", which=which)
