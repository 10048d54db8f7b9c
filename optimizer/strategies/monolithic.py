"""The search for an allocation: close the continuous model, break ties, go to whole units."""

from __future__ import annotations

import numpy as np

from models.errors import NoAnswer, NoAnswerError
from models.solution import SearchNote
from optimizer.formulation.edits import with_integers_fixed, with_whole_money
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.solvers.base import Answer, Effort
from optimizer.strategies import Infeasible, Proof, SearchResult, SearchTask
from optimizer.strategies.integer_rounding import rounded, to_whole_units, within_one
from optimizer.strategies.tie_break import WHOLE_NODES, Choice, Depth, choose, only_best

DIRECT_CELLS = 200
"""Up to so many cells the model is solved in whole units at once."""
_MIP_SHARE = 0.7
_GAP_FOR_ROUNDING = 0.9
"""Share of the gap asked for that the continuous model may use; rounding takes the rest."""
_NOISE = 1e-9
_CLOSE_SECONDS, _SECONDS, _FREE_SECONDS = 5.0, 60.0, 120.0
"""How long closing a small model may take; a stage of the choice among equals; such a stage where
the funded cells may change as well (base-2020: 28, 17 and 39 s)."""


def search(
    task: SearchTask, tighten: Tightening, before: SearchResult | None = None
) -> SearchResult:
    """One attempt. With `before`, only limits were tightened: its whole columns are kept.

    Raises `Infeasible` or `NoAnswerError`.
    """
    model = task.model(tighten)
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
    near = choose(model if free else fixed, best.values, task.aims, task.stage, depth)
    values = near.answer.values
    assert values is not None
    note = _tie_note(near.answer.outcome, everywhere)
    if task.units == "continuous":
        ways = tuple(tuple(v[model.grid.amount].tolist()) for v in (values, best.values))
        note = SearchNote.UNIQUE if near.unique else note
        return SearchResult(ways, proof, best.objective, (note,), values)
    settled, rung = _in_whole_units(task, model, (values, best.objective), near.unique)
    assert settled.answer.values is not None
    units = _as_whole(settled.answer.values[model.grid.amount])
    note = SearchNote.UNIQUE if near.unique and settled.unique else note
    return SearchResult((units,), proof, best.objective, (note, rung), values)


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
) -> tuple[Choice, SearchNote]:
    """Whole money near a continuous solution, and the rung of the ladder that it was found on.

    `near`: the solution's values, and the objective that whole units could reach at the most.
    """
    values, aim = near
    found, rung = to_whole_units(model, values, task.stage, aim=aim)
    if found is not None and found.outcome == "infeasible":
        raise Infeasible
    if found is None or found.values is None:
        raise NoAnswerError(NoAnswer.NOT_WHOLE)
    if rung is SearchNote.ROUNDED:
        if not check:
            return Choice(found), rung
        return only_best(rounded(model, values), found, task.aims, task.stage), rung
    # Measured: around the continuous money this closes sooner in linear models, around the whole
    # units in others.
    centre = values if model.is_lp and rung is SearchNote.BOX else found.values
    neighbours = within_one(model, centre)
    depth = Depth(nodes=WHOLE_NODES, last=False)
    return choose(neighbours, found.values, task.aims, task.stage, depth), rung


def _proof(answer: Answer, model: Model) -> Proof:
    closed = answer.outcome == "optimal"
    return Proof(answer.bound, answer.gap, closed, model.largest_cost)


def _directly(task: SearchTask, model: Model, before: SearchResult | None) -> SearchResult:
    """Whole units in one model: for small programmes, and where it is asked for."""
    whole = with_whole_money(model)
    answer = _solved(task, whole, 0.0 if task.units == "exact" else task.gap)
    assert answer.values is not None and answer.objective is not None
    values, note = answer.values, SearchNote.NOT_RUN
    if task.units == "whole":
        best = _closed(task, whole, answer) if model.is_lp else answer
        assert best.values is not None
        closed = best.gap is not None and best.gap <= _NOISE
        near = choose(whole, best.values, task.aims, task.stage, Depth(check=closed))
        assert near.answer.values is not None
        note = SearchNote.UNIQUE if near.unique else _tie_note(near.answer.outcome, closed)
        values = near.answer.values
    proof = _proof(answer, whole)
    units = _as_whole(values[model.grid.amount])
    return SearchResult(
        (units,),
        proof if before is None else before.proof,
        answer.objective,
        (note, SearchNote.DIRECT),
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
        raise NoAnswerError(NoAnswer.UNBOUNDED)
    if answer.values is None:
        raise NoAnswerError(NoAnswer.STOPPED)
    return answer


def _tie_note(outcome: str, everywhere: bool) -> SearchNote:
    """What the choice among equals proved; `everywhere`: over all cells, not the funded only."""
    if outcome != "optimal":
        return SearchNote.BEST_FOUND
    return SearchNote.CLOSED if everywhere else SearchNote.WITHIN_GAP


def _as_whole(money: Floats) -> tuple[int, ...]:
    return tuple(int(amount) for amount in np.round(money))
