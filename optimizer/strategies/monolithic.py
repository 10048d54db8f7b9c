"""The search for an allocation: whole units in one model where that is cheap; else the continuous
model, the choice among equals, and whole units near it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from models.errors import NoAnswer, NoAnswerError
from models.solution import SearchNote
from optimizer.formulation.edits import (
    relaxed,
    with_funded_fixed,
    with_integers_fixed,
    with_other_whole,
    with_whole_money,
)
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.quality import shortfall
from optimizer.solvers.base import Answer, Effort
from optimizer.strategies import Infeasible, Proof, SearchResult, SearchTask
from optimizer.strategies.closing import closed
from optimizer.strategies.integer_rounding import (
    ENOUGH,
    answered,
    rounded,
    to_whole_units,
    within_one,
)
from optimizer.strategies.tie_break import (
    Choice,
    Depth,
    Settled,
    WholeTable,
    better_of,
    choose,
    of_few,
    row_prices,
    settle,
    solved_kept,
    whole_table,
    worse,
)

LARGE = 200_000
"""Non-zeros of a mixed-integer model up to which its relaxation is solved in one piece, and every
choice of funded cells looked at (base-2020: 27,000)."""
DIRECT_CELLS = 200
"""Up to so many cells the model is solved in whole units at once."""
_FEW = 20
"""As is one whose relaxation has no more whole columns than these that are not whole."""
_WORK, _LEAST_BRANCHES, _NEAR_BRANCHES = 2_000_000, 20, 200
"""Columns × branches that a stage in whole units may take, the same on every machine; branches at
the least; branches where it stays near what the ladder found."""
_TO_CLOSE = 20
"""How many times as many where a gap of zero is asked for, and to find a first allocation."""
_MIP_SHARE = 0.7
_GAP_FOR_ROUNDING = 0.5
"""Share of the gap asked for that the continuous model may use; rounding takes the rest."""
_FIRST_GAP = 1e-4
"""Where a model is to be closed: it is closed among what its prices leave, which is sharper."""
_OTHERS_GAP, _HAIR = 1e-6, 1e-9
"""How close the best with other funded cells is to be known: it need only be worse."""
_WHOLE = 1e-6
_SECONDS, _FREE_SECONDS = 60.0, 120.0
"""How long a stage of the choice among equals in continuous money may take; where the funded cells
may change as well (base-2020: 28, 17 and 39 s)."""


def search(
    task: SearchTask, tighten: Tightening, before: SearchResult | None = None
) -> SearchResult:
    """One attempt. With `before`, only limits were tightened: what was proven without that stays.

    Raises `Infeasible` or `NoAnswerError`.
    """
    model = task.model(tighten)
    if task.units == "continuous":
        return _in_continuous_money(task, model, before)
    found = None if _is_large(model) else _directly(task, with_whole_money(model))
    if found is None:
        return _by_the_ladder(task, model, before)
    return found if before is None else replace(found, proof=before.proof)


def _is_large(model: Model) -> bool:
    """Whether a mixed-integer model is so large that its relaxation in one piece costs more than
    the whole search by county."""
    return not model.is_lp and model.matrix.nnz > LARGE


def _with_less(task: SearchTask, model: Model) -> SearchTask:
    """The task with a solver that gets models without what is fixed in them, where they are large:
    what an edit leaves is a fraction of them."""
    return replace(task, engine=partial(answered, task.engine)) if _is_large(model) else task


# Whole units in one model.


def _directly(task: SearchTask, model: Model) -> SearchResult | None:
    """Whole units in one model, closed as far as a budget of branches goes: for small programmes,
    for those whose relaxation is nearly in whole units, and where it is asked for.

    None where that is dear, or came to nothing within the budget.
    """
    must = task.units == "exact" or len(model.grid.amount) <= DIRECT_CELLS
    relaxation = _solved(task, relaxed(model), 0.0)
    answer, table = _at_once(task, model, relaxation, must)
    if answer is None or answer.values is None:
        return None
    proof = proof_of(answer, model)
    nodes = _branches(model) * (_TO_CLOSE if _is_to_close(task) else 1)
    if table is not None:
        settled = settle(task, model, table, nodes, row_prices(model, relaxation))
    elif (few := of_few(task, model)) is not None:
        settled = few
    else:
        notes = (SearchNote.NOT_RUN, SearchNote.DIRECT)
        return _result(model, answer.values, proof, answer.objective, notes)
    table, proof = settled.table, _sharper(proof, settled.bound, settled.table)
    if not must and _is_short(task, proof, table):
        return None
    notes = (settled.note, SearchNote.DIRECT)
    return _result(model, table.values, proof, table.worth, notes)


def _at_once(
    task: SearchTask, model: Model, relaxation: Answer, must: bool
) -> tuple[Answer | None, WholeTable | None]:
    """The relaxation where it is in whole units, else the model solved within the gap; None where
    that is dear, unless it `must` be. With it the allocation, where it keeps every rule."""
    assert relaxation.values is not None
    whole = relaxation.values[model.integer]
    parted = int((np.abs(whole - np.round(whole)) > _WHOLE).sum())
    if parted > _FEW and not must:
        return None, None
    if not parted and (table := whole_table(task, model, relaxation.values)) is not None:
        return relaxation, table
    clock, nodes = task.clock, _branches(model) * (_TO_CLOSE if must else 1)
    gap = _FIRST_GAP if _is_to_close(task) else task.gap
    effort = Effort(gap, clock.left(_MIP_SHARE), watch=clock.watch, stage="search", nodes=nodes)
    answer, table = solved_kept(task, model, effort)
    if must or answer.values is not None or answer.outcome == "infeasible":
        return checked(answer), table
    return None, None


def _is_to_close(task: SearchTask) -> bool:
    """Whether a gap of zero is asked for, so that much may be spent on it."""
    return task.units == "exact" or not task.gap


def _branches(model: Model) -> int:
    return max(_LEAST_BRANCHES, _WORK // len(model.cost))


def _is_short(task: SearchTask, proof: Proof, table: WholeTable) -> bool:
    """Whether a table is not proven to be as good as was asked for."""
    return proof.bound is None or shortfall(proof.bound, table.worth, table.worth) > task.gap


def _sharper(proof: Proof, bound: float | None, table: WholeTable) -> Proof:
    """The proof, with a bound of the same model that may be nearer."""
    known = [one for one in (proof.bound, bound) if one is not None]
    if not known:
        return proof
    least = min(known)
    gap = shortfall(least, table.worth, table.worth)
    return replace(proof, bound=least, solver_gap=gap)


def _result(
    model: Model,
    values: Floats,
    proof: Proof,
    best: float | None,
    notes: tuple[SearchNote, ...],
    start: Floats | None = None,
) -> SearchResult:
    assert best is not None
    units = tuple(int(amount) for amount in np.round(values[model.grid.amount]))
    return SearchResult((units,), proof, best, notes, values if start is None else start)


# The ladder: continuous money, then whole units near it.


def _by_the_ladder(task: SearchTask, model: Model, before: SearchResult | None) -> SearchResult:
    """The continuous model, then the choice among equals, then whole units near it; the model in
    whole units as well where what is proven so is less than was asked for."""
    best, fixed, proof = _continuous(task, model, before)
    assert best.values is not None and best.objective is not None
    task = _with_less(task, model)
    near = choose(fixed, best, task.aims, task.stage, Depth(_SECONDS, check=model.is_lp))
    values = near.answer.values
    assert values is not None
    sharp = proof.apart and task.gap <= _FIRST_GAP
    closes = before is None and sharp and not _is_large(model)
    first = (_FIRST_GAP, _FIRST_GAP) if closes else (ENOUGH, None)
    found, rung = in_whole_units(task, model, near.answer, *first)
    assert found.values is not None
    table = whole_table(task, model, found.values)
    if table is None:
        notes = (SearchNote.NOT_RUN, rung)
        return _result(model, found.values, proof, best.objective, notes, values)
    settled = None
    if before is None:
        settled, table, proof = _over_all_cells(task, model, table, proof, closes=closes)
    if settled is not None:
        notes = settled.note, SearchNote.FULL
        proof = _sharper(proof, settled.bound, settled.table)
    else:
        if closes and _is_short(task, proof, table):
            found, rung = in_whole_units(task, model, near.answer)
            table = better_of(task, model, table, found)
        around = _around(model, values, found, rung)
        settled = _settled(task, around, table, _NEAR_BRANCHES, check=False)
        notes = SearchNote.WITHIN_GAP, rung
    return _result(model, settled.table.values, proof, best.objective, notes, values)


def in_whole_units(
    task: SearchTask,
    model: Model,
    near: Answer,
    enough: float = ENOUGH,
    soon: float | None = None,
) -> tuple[Answer, SearchNote]:
    """Whole units near a continuous answer, and the rung that they stand on; `enough`, `soon`: as
    `to_whole_units` takes them. Raises `Infeasible` or `NoAnswerError`."""
    assert near.values is not None and near.objective is not None
    found, rung = to_whole_units(
        model, near.values, task.stage, aim=near.objective, enough=enough, soon=soon
    )
    if found is not None and found.outcome == "infeasible":
        raise Infeasible
    if found is None or found.values is None:
        raise NoAnswerError(NoAnswer.NOT_WHOLE)
    return found, rung


def _over_all_cells(
    task: SearchTask, model: Model, table: WholeTable, proof: Proof, *, closes: bool
) -> tuple[Settled | None, WholeTable, Proof]:
    """The best allocation whatever cells are funded, where a budget of branches reaches it; with it
    the best table and what is proven. `closes`: every choice of funded cells is looked at."""
    if closes:
        settled = closed(task, model, table, _branches(model))
        if settled is not None:
            table, proof = settled.table, _sharper(proof, settled.bound, settled.table)
            if settled.note is not SearchNote.WITHIN_GAP:
                return settled, table, proof
    if not _is_short(task, proof, table):
        return None, table, proof
    if proof.apart:
        return None, table, proof  # In one piece it would not be closed either.
    whole = with_whole_money(model)
    if _has_best_cells(task, model, table):
        whole = with_funded_fixed(whole, table.values)
    else:
        table, proof = _pursued(task, whole, table, proof)
        if _is_short(task, proof, table):
            return None, table, proof
    return _settled(task, whole, table, _branches(whole)), table, proof


def _settled(
    task: SearchTask, model: Model, table: WholeTable, nodes: int, *, check: bool = True
) -> Settled:
    """The best of what a model holds; `check`: look for another that is as good."""
    relaxation = task.engine(relaxed(model), Effort(time_limit=task.clock.left()))
    return settle(task, model, table, nodes, row_prices(model, relaxation), check=check)


def _has_best_cells(task: SearchTask, model: Model, table: WholeTable) -> bool:
    """Whether it is proved, where a gap of zero is asked for, that no other funded cells hold as
    much as a table: then its own hold all that is left to settle."""
    if task.gap or model.grid.funded is None:
        return False
    others = with_other_whole(model, table.values, model.grid.funded)
    clock = task.clock
    effort = Effort(_OTHERS_GAP, clock.left(), watch=clock.watch, stage="search")
    hair = _HAIR * max(abs(table.worth), model.largest_cost)
    return worse(task.engine(others, effort), table.worth - hair)


def _pursued(
    task: SearchTask, model: Model, table: WholeTable, proof: Proof
) -> tuple[WholeTable, Proof]:
    """A table or a better one, and what is proven, by the model in whole units within a budget."""
    clock, nodes = task.clock, _branches(model)
    effort = Effort(task.gap, clock.left(), table.values, clock.watch, "whole", nodes=nodes)
    answer = task.engine(model, effort)
    table = better_of(task, model, table, answer)
    return table, _sharper(proof, answer.bound, table)


def _around(model: Model, values: Floats, found: Answer, rung: SearchNote) -> Model:
    """Whole units near the ladder's. Measured: around the continuous money this closes sooner in
    linear models, around the whole units in others."""
    if rung is SearchNote.ROUNDED:
        return rounded(model, values)
    assert found.values is not None
    return within_one(model, values if model.is_lp and rung is SearchNote.BOX else found.values)


# Continuous money.


def _in_continuous_money(
    task: SearchTask, model: Model, before: SearchResult | None
) -> SearchResult:
    best, near, proof, everywhere = _chosen(task, model, before)
    values = near.answer.values
    assert values is not None and best.values is not None and best.objective is not None
    ways = tuple(tuple(v[model.grid.amount].tolist()) for v in (values, best.values))
    note = _tie_note(near.answer.outcome, everywhere)
    note = SearchNote.UNIQUE if near.unique else note
    return SearchResult(ways, proof, best.objective, (note,), values)


def _chosen(
    task: SearchTask, model: Model, before: SearchResult | None
) -> tuple[Answer, Choice, Proof, bool]:
    """The best continuous solution, the one of its equals that the published rule chooses, what is
    proven, and whether that holds over all cells, not the funded only."""
    best, fixed, proof = _continuous(task, model, before)
    free = task.gap == 0 and not model.is_lp and proof.closed
    everywhere = free or model.is_lp
    depth = Depth(_FREE_SECONDS if free else _SECONDS, check=everywhere)
    near = choose(model if free else fixed, best, task.aims, task.stage, depth)
    return best, near, proof, everywhere


def _continuous(
    task: SearchTask, model: Model, before: SearchResult | None
) -> tuple[Answer, Model, Proof]:
    """The best continuous solution, the linear program around it, and what is proven; of a small
    programme the very best, as in whole units."""
    small = len(model.grid.amount) <= DIRECT_CELLS
    gap = 0.0 if small else task.gap * _GAP_FOR_ROUNDING
    if before is None:
        answer = _solved(task, model, gap)
        assert answer.values is not None
        start, proof = answer.values, proof_of(answer, model)
        if model.is_lp:
            return answer, model, proof
    else:
        start, proof = before.values, before.proof
    fixed = with_integers_fixed(model, start)
    begin = Effort(start=start) if _is_large(model) else Effort()
    best = _with_less(task, model).engine(fixed, begin)
    if best.values is None:
        # The tightened limits cannot be kept with these whole columns: search anew.
        best = _solved(task, model, gap)
        assert best.values is not None
        fixed = with_integers_fixed(model, best.values)
    return best, fixed, proof


def proof_of(answer: Answer, model: Model) -> Proof:
    """What an answer of the model as written proves."""
    closed = answer.outcome == "optimal"
    return Proof(answer.bound, answer.gap, closed, model.largest_cost, answer.apart)


def _solved(task: SearchTask, model: Model, gap: float) -> Answer:
    """The model's answer; raises where it has no solution, or none was found."""
    clock = task.clock
    limit = clock.left() if model.is_lp else clock.left(_MIP_SHARE)
    small = len(model.grid.amount) <= DIRECT_CELLS and not model.is_lp
    nodes = _branches(model) * _TO_CLOSE if small else None
    effort = Effort(gap=gap, time_limit=limit, watch=clock.watch, stage="search", nodes=nodes)
    return checked(task.engine(model, effort))


def checked(answer: Answer) -> Answer:
    """An answer with values; raises where there is no solution, or none was found."""
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
