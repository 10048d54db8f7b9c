"""The allocation nearest to a table that keeps all rules, least money moved.

The distance is a whole number: a bound less than one above what was found closes the search.
"""

from __future__ import annotations

import numpy as np

from models.errors import NoAnswer, NoAnswerError
from optimizer.aims import Nearness
from optimizer.formulation.edits import (
    relaxed,
    with_idle_closed,
    with_integers_fixed,
    with_least_moved,
)
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.quality import TOLERANCE, widened
from optimizer.solvers import apart_answer
from optimizer.solvers.base import Effort
from optimizer.strategies import Infeasible, Proof, SearchResult, SearchTask
from optimizer.strategies.integer_rounding import to_whole_units

GAP = 1e-2
"""Relative gap at which it may stop, as a share of the money that stays in place."""
MANY = 4000
"""Cells from which the first answer within `GAP` is taken as it comes."""
_CHOICE_GAP, _WHOLE_GAP = 2e-3, 1e-4
"""Relative gap up to which counties choose among the best of their plans; what whole units may
lose."""
SECONDS = 60.0
"""When the search for the nearest allocation is given up: so late that the gap, which is the same
on every machine, ends it first."""


def nearest(
    task: SearchTask, tighten: Tightening, before: SearchResult | None = None
) -> SearchResult:
    """One attempt; the objective is the money that stays in place. Raises `Infeasible`
    and `NoAnswerError`."""
    near = _near(task)
    model = with_least_moved(task.model(tighten), near.table, added=-near.spend)
    start, most = _search(model, task) if before is None else (before.values, before.proof.bound)
    values = start if before is None else _fixed(model, start, task)
    best = float(model.cost @ values)
    loss = {"enough": 2 * _WHOLE_GAP, "soon": _WHOLE_GAP}
    rounded, rung = to_whole_units(model, values, task.stage, aim=best, **loss)
    if rounded is None or rounded.values is None:
        raise NoAnswerError(NoAnswer.NOT_WHOLE)
    money = tuple(int(amount) for amount in np.round(rounded.values[model.grid.amount]))
    proof = Proof(most, None, closed=False, unit=1.0)
    return SearchResult((money,), proof, best, (rung,), values)


def moved_at_least(near: Nearness, bound: float) -> float:
    """The least money that any allocation moves, by the solver's bound of the money that stays in
    place, widened by its tolerance.

    What is spent is no less than what stays, so the objective is no less than what stays either.
    """
    stays = widened(bound, TOLERANCE * max(1.0, abs(bound)))
    return max(0.0, float(near.table.sum()) - stays)


def _near(task: SearchTask) -> Nearness:
    match task.aims:
        case (Nearness() as near,):
            return near
    raise TypeError("nearness to a table is due, and nothing else")


def _search(model: Model, task: SearchTask) -> tuple[Floats, float]:
    """(a good continuous solution, proven bound of the model's objective).

    By counties where it comes apart. Else first among the cells that the relaxation funds at all;
    then, if need be, everywhere.
    """
    clock = task.clock
    stage = clock.watch, "repaired baseline"
    soon = len(model.grid.amount) > MANY
    effort = Effort(_CHOICE_GAP, clock.left(), None, *stage, soon=soon, rough=not soon)
    apart = apart_answer(model, effort, task.engine)
    if apart is not None and apart.values is not None and apart.bound is not None:
        return apart.values, apart.bound
    first = task.engine(relaxed(model), Effort())
    if first.outcome == "infeasible":
        raise Infeasible
    if first.values is None or first.objective is None:
        raise NoAnswerError(NoAnswer.STOPPED)
    if model.is_lp:
        return first.values, first.objective
    for tried in (with_idle_closed(model, first.values), model):
        limit = task.clock.left(at_most=SECONDS)
        effort = Effort(task.gap, limit, watch=task.clock.watch, stage="repaired baseline")
        if (answer := task.engine(tried, effort)).values is not None:
            return _fixed(model, answer.values, task), first.objective
    raise NoAnswerError(NoAnswer.NONE_NEAR)


def _fixed(model: Model, near: Floats, task: SearchTask) -> Floats:
    """The best with the same whole columns, under tightened limits too."""
    values = task.engine(with_integers_fixed(model, near), Effort()).values
    if values is None:
        raise NoAnswerError(NoAnswer.NONE_NEAR)
    return values
