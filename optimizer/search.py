"""The search for an allocation: close the continuous model, break ties, go to whole units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from models.errors import NoAnswerError
from models.exact import MICRO
from models.scenario import Scenario
from optimizer.formulation.build import formulate
from optimizer.formulation.edit import with_integers_fixed, with_whole_money
from optimizer.formulation.matrix import Floats, Model
from optimizer.formulation.rows import Tightening
from optimizer.solvers.answer import Answer
from optimizer.solvers.effort import Clock, Effort, Engine
from optimizer.solvers.tie_break import WHOLE_SECONDS, nearest_to_baseline
from optimizer.solvers.whole_units import to_whole_units, within_one

Units = Literal["whole", "exact", "continuous"]
DIRECT_CELLS = 200
"""Up to so many cells the model is solved in whole units at once."""
_MIP_SHARE = 0.7
_GAP_FOR_ROUNDING = 0.9
"""Share of the gap asked for that the continuous model may use; rounding takes the rest."""


_SIMPLEST, _NOISE = 5000, 1e-9


class Infeasible(Exception):
    """The continuous or the full whole-unit model is proved to have no solution."""


@dataclass(frozen=True)
class Task:
    """What is searched for, the same at every attempt."""

    scenario: Scenario
    values: Mapping[str, Fraction]
    baseline: Floats
    """Money of the baseline, [cell]."""
    units: Units
    gap: float
    engine: Engine
    clock: Clock


@dataclass(frozen=True)
class Found:
    """One allocation of the search, in the solver's numbers until the audit reads it."""

    candidates: tuple[tuple[int | Fraction, ...], ...]
    """Money by cell; the first that the audit finds good is taken."""
    bound: float | None
    solver_gap: float | None
    aim: float
    """Objective of the continuous model's best solution."""
    closed: bool
    notes: tuple[str, ...]
    values: Floats
    """All columns of the continuous solution: where the next attempt starts."""


def search(task: Task, tighten: Tightening, before: Found | None = None) -> Found:
    """One attempt. With `before`, only limits were tightened: its whole columns are kept.

    Raises `Infeasible` or `NoAnswerError`.
    """
    whole = task.units != "continuous"
    model = formulate(task.scenario, task.values, whole=whole, tighten=tighten)
    cells = len(model.grid.amount)
    if task.units == "exact" or (task.units == "whole" and cells <= DIRECT_CELLS):
        return _directly(task, model, before)
    return _in_two_steps(task, model, before)


def _in_two_steps(task: Task, model: Model, before: Found | None) -> Found:
    if before is None:
        answer = _solved(task, model, task.gap * _GAP_FOR_ROUNDING, "search")
        bound, solver_gap = answer.bound, answer.gap
        closed = answer.outcome == "optimal"
        assert answer.values is not None
        start = answer.values
    else:
        start, bound, solver_gap, closed = (
            before.values,
            before.bound,
            before.solver_gap,
            before.closed,
        )
    fixed = with_integers_fixed(model, start)
    best = task.engine(fixed, Effort())
    if best.values is None or best.objective is None:
        # The tightened limits cannot be kept with these whole columns: search anew.
        best = _solved(task, model, task.gap * _GAP_FOR_ROUNDING, "search")
        assert best.values is not None and best.objective is not None
        fixed = with_integers_fixed(model, best.values)
    free = task.gap == 0 and not model.is_lp and closed
    near = nearest_to_baseline(
        model if free else fixed,
        best.values,
        task.baseline,
        (task.engine, task.clock),
    )
    notes: tuple[str, ...] = (_tie_note(near.outcome, free, model.is_lp),)
    assert near.values is not None
    if task.units == "continuous":
        ways = tuple(_as_exact(v[model.grid.amount]) for v in (near.values, best.values))
        return Found(ways, bound, solver_gap, best.objective, closed, notes, near.values)
    rounded, rung = to_whole_units(
        model, near.values, (task.engine, task.clock), aim=best.objective
    )
    if rounded is None or rounded.values is None:
        if rounded is not None and rounded.outcome == "infeasible" and not before:
            raise Infeasible
        raise NoAnswerError("no whole-unit allocation was found within the limits")
    # Measured: around the continuous money this closes sooner in linear models, around the whole
    # units in others.
    linear = model.is_lp and rung == "box"
    settled = nearest_to_baseline(
        within_one(model, near.values if linear else rounded.values),
        rounded.values,
        task.baseline,
        (task.engine, task.clock),
        WHOLE_SECONDS,
    )
    assert settled.values is not None
    units = _as_whole(settled.values[model.grid.amount])
    notes = (*notes, f"whole units {rung}")
    return Found((units,), bound, solver_gap, best.objective, closed, notes, near.values)


def _directly(task: Task, model: Model, before: Found | None) -> Found:
    """Whole units in one model: for small programmes, and where it is asked for."""
    whole = with_whole_money(model)
    gap = 0.0 if task.units == "exact" else task.gap
    answer = _solved(task, whole, gap, "search")
    assert answer.values is not None and answer.objective is not None
    values, note = answer.values, "tie-break not run"
    if task.units == "whole":
        near = nearest_to_baseline(whole, answer.values, task.baseline, (task.engine, task.clock))
        assert near.values is not None
        values, note = near.values, _tie_note(near.outcome, task.gap == 0, model.is_lp)
    bound = answer.bound if before is None else before.bound
    return Found(
        (_as_whole(values[model.grid.amount]),),
        bound,
        answer.gap,
        answer.objective,
        answer.outcome == "optimal",
        (note, "whole units direct"),
        answer.values,
    )


def _solved(task: Task, model: Model, gap: float, stage: str) -> Answer:
    """The model's answer; raises where it has no solution, or none was found."""
    clock = task.clock
    limit = clock.left() if model.is_lp else clock.left(_MIP_SHARE)
    answer = task.engine(model, Effort(gap=gap, time_limit=limit, watch=clock.watch, stage=stage))
    if answer.outcome == "infeasible":
        raise Infeasible
    if answer.outcome == "unbounded":
        raise NoAnswerError("the solver reports an unbounded model; check weights and tiers")
    if answer.values is None:
        raise NoAnswerError("the solver stopped at its limit without an allocation")
    return answer


def _tie_note(outcome: str, free: bool, linear: bool) -> str:
    if outcome != "optimal":
        return "tie-break best found"
    if free or linear:
        return "tie-break closed"
    return "tie-break within the gap"


def _as_whole(money: Floats) -> tuple[int, ...]:
    return tuple(int(amount) for amount in np.round(money))


def _as_exact(money: Floats) -> tuple[Fraction, ...]:
    """Continuous money as simple fractions where it is near one, else cut down to 10⁻⁶.

    A vertex of the model is a simple fraction (a third of the budget), which only as such keeps
    limits that leave no room.
    """
    exact = []
    for amount in money.tolist():
        simple = Fraction(amount).limit_denominator(_SIMPLEST)
        near = abs(float(simple) - amount) < _NOISE * max(1.0, abs(amount))
        exact.append(simple if near else Fraction(int(amount * MICRO), MICRO))
    return tuple(max(amount, Fraction(0)) for amount in exact)
