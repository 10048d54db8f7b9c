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
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_integers_fixed, with_whole_money
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.solvers.base import Answer, Clock, Effort, Engine
from optimizer.strategies.integer_rounding import ROUNDED, rounded, to_whole_units, within_one
from optimizer.strategies.tie_break import WHOLE_NODES, Choice, Depth, Yardstick, choose, only_best

Units = Literal["whole", "exact", "continuous"]
DIRECT_CELLS = 200
"""Up to so many cells the model is solved in whole units at once."""
_MIP_SHARE = 0.7
_GAP_FOR_ROUNDING = 0.9
"""Share of the gap asked for that the continuous model may use; rounding takes the rest."""


_SIMPLEST, _NOISE, _CHANCE = 5000, 1e-9, 1e-2
_CLOSE_SECONDS, _SECONDS, _FREE_SECONDS = 5.0, 60.0, 120.0
"""How long closing a small model may take; a stage of the choice among equals; such a stage where
the funded cells may change as well (base-2020: 28, 17 and 39 s)."""
ONLY = "tie-break unique"
"""The note where the published rule leaves one allocation only, and that was checked."""


class Infeasible(Exception):
    """The continuous or the full whole-unit model is proved to have no solution."""


@dataclass(frozen=True)
class SearchTask:
    """What is searched for, the same at every attempt."""

    scenario: Scenario
    values: Mapping[str, Fraction]
    yardstick: Yardstick
    units: Units
    gap: float
    engine: Engine
    clock: Clock

    @property
    def stage(self) -> tuple[Engine, Clock]:
        """The solver and the time that it may take."""
        return self.engine, self.clock


@dataclass(frozen=True)
class Proof:
    """What the solver proved of the model as written, before any limit was tightened."""

    bound: float | None
    solver_gap: float | None
    closed: bool
    unit: float
    """Objective points of the money unit that brings most."""


@dataclass(frozen=True)
class SearchResult:
    """One allocation of the search, in the solver's numbers until the audit reads it."""

    candidates: tuple[tuple[int | Fraction, ...], ...]
    """Money by cell; the first that the audit finds good is taken."""
    proof: Proof
    aim: float
    """Objective of the continuous model's best solution."""
    notes: tuple[str, ...]
    values: Floats
    """All columns of the continuous solution: where the next attempt starts."""


def search(
    task: SearchTask, tighten: Tightening, before: SearchResult | None = None
) -> SearchResult:
    """One attempt. With `before`, only limits were tightened: its whole columns are kept.

    Raises `Infeasible` or `NoAnswerError`.
    """
    whole = task.units != "continuous"
    model = formulate(task.scenario, task.values, whole=whole, tighten=tighten)
    cells = len(model.grid.amount)
    if task.units == "exact" or (task.units == "whole" and cells <= DIRECT_CELLS):
        return _directly(task, model, before)
    return _in_two_steps(task, model, before)


def _in_two_steps(task: SearchTask, model: Model, before: SearchResult | None) -> SearchResult:
    """The continuous model, then the choice among equals, then whole units."""
    best, fixed, proof = _continuous(task, model, before)
    assert best.values is not None and best.objective is not None
    free = task.gap == 0 and not model.is_lp and proof.closed
    everywhere = free or model.is_lp
    depth = Depth(_FREE_SECONDS if free else _SECONDS, check=everywhere)
    near = choose(model if free else fixed, best.values, task.yardstick, task.stage, depth)
    values = near.answer.values
    assert values is not None
    note = _tie_note(near.answer.outcome, everywhere)
    if task.units == "continuous":
        ways = tuple(_as_exact(v[model.grid.amount]) for v in (values, best.values))
        note = ONLY if near.unique else note
        return SearchResult(ways, proof, best.objective, (note,), values)
    settled, rung = _in_whole_units(task, model, (values, best.objective), near.unique)
    assert settled.answer.values is not None
    units = _as_whole(settled.answer.values[model.grid.amount])
    note = ONLY if near.unique and settled.unique else note
    return SearchResult((units,), proof, best.objective, (note, f"whole units {rung}"), values)


def _continuous(
    task: SearchTask, model: Model, before: SearchResult | None
) -> tuple[Answer, Model, Proof]:
    """The best continuous solution, the linear program around it, and what is proven."""
    gap = task.gap * _GAP_FOR_ROUNDING
    if before is None:
        answer = _solved(task, model, gap)
        assert answer.values is not None
        start, proof = answer.values, _proof(answer, model)
        if model.is_lp:
            return answer, model, proof
    else:
        start, proof = before.values, before.proof
    fixed = with_integers_fixed(model, start)
    best = task.engine(fixed, Effort())
    if best.values is None:
        # The tightened limits cannot be kept with these whole columns: search anew.
        best = _solved(task, model, gap)
        assert best.values is not None
        fixed = with_integers_fixed(model, best.values)
    return best, fixed, proof


def _in_whole_units(
    task: SearchTask, model: Model, near: tuple[Floats, float], check: bool
) -> tuple[Choice, str]:
    """Whole money near a continuous solution, and the rung of the ladder that it was found on.

    `near`: the solution's values, and the objective that whole units could reach at the most.
    """
    values, aim = near
    found, rung = to_whole_units(model, values, task.stage, aim=aim)
    if found is not None and found.outcome == "infeasible":
        raise Infeasible
    if found is None or found.values is None:
        raise NoAnswerError("no whole-unit allocation was found within the limits")
    if rung == ROUNDED:
        if not check:
            return Choice(found), rung
        return only_best(rounded(model, values), found, task.yardstick, task.stage), rung
    # Measured: around the continuous money this closes sooner in linear models, around the whole
    # units in others.
    centre = values if model.is_lp and rung == "box" else found.values
    neighbours = within_one(model, centre)
    depth = Depth(nodes=WHOLE_NODES, last=False)
    return choose(neighbours, found.values, task.yardstick, task.stage, depth), rung


def _proof(answer: Answer, model: Model) -> Proof:
    closed = answer.outcome == "optimal"
    return Proof(answer.bound, answer.gap, closed, model.largest_cost)


def _directly(task: SearchTask, model: Model, before: SearchResult | None) -> SearchResult:
    """Whole units in one model: for small programmes, and where it is asked for."""
    whole = with_whole_money(model)
    answer = _solved(task, whole, 0.0 if task.units == "exact" else task.gap)
    assert answer.values is not None and answer.objective is not None
    values, note = answer.values, "tie-break not run"
    if task.units == "whole":
        best = _closed(task, whole, answer) if model.is_lp else answer
        assert best.values is not None
        closed = best.gap is not None and best.gap <= _NOISE
        near = choose(whole, best.values, task.yardstick, task.stage, Depth(check=closed))
        assert near.answer.values is not None
        note = ONLY if near.unique else _tie_note(near.answer.outcome, closed)
        values = near.answer.values
    proof = _proof(answer, whole)
    units = _as_whole(values[model.grid.amount])
    return SearchResult(
        (units,),
        proof if before is None else before.proof,
        answer.objective,
        (note, "whole units direct"),
        answer.values,
    )


def _closed(task: SearchTask, model: Model, found: Answer) -> Answer:
    """`found` or better: closed to the last, where that takes no more than seconds."""
    if found.gap is not None and found.gap <= _NOISE:
        return found
    limit = task.clock.left(at_most=_CLOSE_SECONDS)
    effort = Effort(0.0, limit, start=found.values, watch=task.clock.watch, stage="search")
    better = task.engine(model, effort)
    return found if better.values is None else better


def _solved(task: SearchTask, model: Model, gap: float) -> Answer:
    """The model's answer; raises where it has no solution, or none was found."""
    clock = task.clock
    limit = clock.left() if model.is_lp else clock.left(_MIP_SHARE)
    answer = task.engine(
        model, Effort(gap=gap, time_limit=limit, watch=clock.watch, stage="search")
    )
    if answer.outcome == "infeasible":
        raise Infeasible
    if answer.outcome == "unbounded":
        raise NoAnswerError("the solver reports an unbounded model; check weights and tiers")
    if answer.values is None:
        raise NoAnswerError("the solver stopped at its limit without an allocation")
    return answer


def _tie_note(outcome: str, everywhere: bool) -> str:
    """What the choice among equals proved; `everywhere`: over all cells, not the funded only."""
    if outcome != "optimal":
        return "tie-break best found"
    return "tie-break closed" if everywhere else "tie-break within the gap"


def _as_whole(money: Floats) -> tuple[int, ...]:
    return tuple(int(amount) for amount in np.round(money))


def _as_exact(money: Floats) -> tuple[Fraction, ...]:
    """Continuous money as simple fractions where it is near one, else cut down to 10⁻⁶.

    A vertex of the model is a simple fraction (a third of the budget), which only as such keeps
    limits that leave no room. Any number is near some fraction of large numbers; only one nearer
    than chance would have it counts, or noise in the last digits would choose it.
    """
    exact = []
    for amount in money.tolist():
        simple = Fraction(amount).limit_denominator(_SIMPLEST)
        off = abs(float(simple) - amount)
        near = off < min(_NOISE * max(1.0, abs(amount)), _CHANCE / simple.denominator**2)
        exact.append(simple if near else Fraction(int(amount * MICRO), MICRO))
    return tuple(max(amount, Fraction(0)) for amount in exact)
