"""The first answer within the gap, for many questions of one kind: no choice among equals, and
whole units near continuous money."""

from __future__ import annotations

from models.solution import SearchNote
from optimizer.formulation.edits import with_integers_fixed
from optimizer.formulation.model import Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.quality import shortfall
from optimizer.solvers.base import Answer, Effort
from optimizer.strategies import SearchResult, SearchTask
from optimizer.strategies.monolithic import DIRECT_CELLS, checked, in_whole_units, proof_of, search

_FOR_ROUNDING = 0.1
"""Share of the gap asked for that is left to whole units."""


def within_gap(
    task: SearchTask, tighten: Tightening, before: SearchResult | None = None
) -> SearchResult:
    """One attempt, as `search` makes it; small models, and those to be closed, it leaves to that.

    Raises `Infeasible` or `NoAnswerError`.
    """
    small = len(task.model(tighten).grid.amount) <= DIRECT_CELLS
    if task.units == "exact" or not task.gap or small:
        return search(task, tighten, before)
    return soonest(task, tighten, before)


def soonest(
    task: SearchTask, tighten: Tightening, before: SearchResult | None = None
) -> SearchResult:
    """One attempt of a model of any size, where a gap is left.

    Raises `Infeasible` or `NoAnswerError`.
    """
    model = task.model(tighten)
    answer = _again(task, model, before) or _anew(task, model)
    proof = before.proof if before else proof_of(answer, model)
    values, best = answer.values, answer.objective
    assert values is not None and best is not None
    if task.units == "continuous":
        money = tuple(values[model.grid.amount].tolist())
        return SearchResult((money,), proof, best, (SearchNote.NOT_RUN,), values)
    left = task.gap if proof.bound is None else task.gap - shortfall(proof.bound, best, best)
    soon = task.gap * _FOR_ROUNDING
    found, rung = in_whole_units(task, model, answer, max(left, soon), soon)
    assert found.values is not None
    units = tuple(found.values[model.grid.amount].round().astype(int).tolist())
    return SearchResult((units,), proof, best, (SearchNote.NOT_RUN, rung), values)


def _anew(task: SearchTask, model: Model) -> Answer:
    clock = task.clock
    gap = task.gap * (1 - _FOR_ROUNDING)
    effort = Effort(gap, clock.left(), watch=clock.watch, stage="search", soon=True)
    return checked(task.engine(model, effort))


def _again(task: SearchTask, model: Model, before: SearchResult | None) -> Answer | None:
    """The answer with the whole columns that an attempt before had; None without any, and where
    the tightened limits cannot be kept so."""
    if before is None or model.is_lp:
        return None
    answer = task.engine(with_integers_fixed(model, before.values), Effort())
    return None if answer.values is None else answer
