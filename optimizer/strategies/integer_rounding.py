"""From continuous money to whole units: a ladder of small models, the cheapest first.

Whole money in one model of the size of the shipped programme leaves a gap of 1e-3 after a minute;
closing the continuous model and then rounding by an integer program loses about 4e-6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.solution import SearchNote
from optimizer.formulation.edits import (
    with_bounds,
    with_few_flips,
    with_funded_fixed,
    with_whole_money,
    without_fixed,
)
from optimizer.formulation.model import Floats, Model
from optimizer.quality import shortfall
from optimizer.solvers.base import Answer, Clock, Effort, Engine

ENOUGH = 1e-5
"""Relative loss at which the first rung of the ladder is taken without trying the next."""
_WHOLE = 1e-6
_RUNG_GAP = 5e-6
_RUNG_NODES, _RUNG_SECONDS = 500, 60.0
"""A rung ends after so many branches, which are the same on every machine, in seconds as a rule."""
_LEAST_SECONDS = 1.0
"""What a rung may take though the time is over, as long as nothing is in whole units."""
_FLIPS, _SOME = 10, 40

Rung = tuple[SearchNote, Callable[[], Model], float]


def to_whole_units(
    model: Model,
    near: Floats,
    stage: tuple[Engine, Clock],
    *,
    aim: float,
    enough: float = ENOUGH,
    soon: float | None = None,
) -> tuple[Answer | None, SearchNote]:
    """The best whole-unit solution that the ladder finds, and the rung it stands on.

    `near`: values of a continuous solution; `aim`: its objective, the best that whole units could
    reach with the same funded cells; `enough`: the relative loss that ends the ladder; `soon`: how
    close the later rungs are searched where the first solution that loses no more is good enough.
    """
    engine, clock = stage
    best: Answer | None = None
    where = SearchNote.ROUNDED
    for name, rung, good in _rungs(model, near, soon is not None):
        last = name == SearchNote.FULL
        if last and best is not None:
            break
        limit = clock.left() if last else clock.left(at_most=_RUNG_SECONDS)
        if best is None and limit is not None:
            limit = max(limit, _LEAST_SECONDS)
        effort = Effort(
            gap=0.0 if name == SearchNote.ROUNDED else soon or _RUNG_GAP,
            time_limit=limit,
            watch=clock.watch,
            stage="whole",
            nodes=None if last else _RUNG_NODES,
            target=aim - abs(aim) * enough if soon else None,
        )
        answer = answered(engine, rung(), effort)
        if last and answer.outcome == "infeasible":
            return answer, name
        if answer.objective is not None and (
            best is None or best.objective is None or answer.objective > best.objective
        ):
            best, where = answer, name
        if best is None or best.objective is None:
            continue
        if clock.is_over() or shortfall(aim, best.objective, aim) <= max(enough, good):
            break
    return best, where


def answered(engine: Engine, model: Model, effort: Effort) -> Answer:
    """A model's answer: of one that leaves few columns free, a small model's. What is fixed, and
    a row that bounds one column, have no price there."""
    small = without_fixed(model)
    held = small.fixed[model.integer]
    impossible = not len(small.columns) and len(small.rows)
    if impossible or (np.abs(held - np.round(held)) > _WHOLE).any():
        return engine(model, effort)  # Which also says where a row holds whole money in parts.
    beside = float(model.cost @ small.fixed)
    if not len(small.columns):
        nothing = np.zeros(len(model.cost)), np.zeros(len(model.row_lower))
        prices = nothing if model.is_lp else None
        return Answer("optimal", small.fixed, beside, beside, 0.0, prices)
    start = None if effort.start is None else effort.start[small.columns]
    target = None if effort.target is None else effort.target - beside
    answer = engine(small.with_own_grid, replace(effort, start=start, target=target))
    if answer.values is None or answer.objective is None:
        return answer
    values = small.fixed.copy()
    values[small.columns] = answer.values
    bound = None if answer.bound is None else answer.bound + beside
    found = replace(answer, values=values, objective=answer.objective + beside, bound=bound)
    if answer.prices is None:
        return found
    prices = np.zeros(len(model.cost)), np.zeros(len(model.row_lower))
    prices[0][small.columns], prices[1][small.rows] = answer.prices
    return replace(found, prices=prices)


def rounded(model: Model, near: Floats) -> Model:
    """The model in whole units, each cell's money in `near` rounded up or down; whole money stays.

    The money of a vertex of the model is whole in all but a few cells, so this closes at once.
    """
    money, step = _in_steps(model, near)
    whole = np.abs(money - np.round(money)) < _WHOLE
    low = np.where(whole, np.round(money), np.floor(money))
    high = np.where(whole, np.round(money), np.ceil(money))
    kept = _tiers_kept(with_funded_fixed(model, near), near, whole)
    return with_whole_money(kept, step * low, step * high)


def _in_steps(model: Model, near: Floats) -> tuple[Floats, Floats]:
    """[cell] How many steps its money is, and what the step is; a unit of money without one."""
    money, step = near[model.grid.amount], model.grid.step
    return (money / step, step) if len(model.grid.steps) else (money, np.ones(len(money)))


def around_some(model: Model, near: Floats) -> Model:
    """As `rounded`, with some of the cells whose money is whole free within 1 of it, spread over
    all that are funded: where rounding alone keeps no rule, they make up for what is missing."""
    money, step = _in_steps(model, near)
    whole = np.abs(money - np.round(money)) < _WHOLE
    settled = np.flatnonzero(whole & (money > _WHOLE))
    kept = whole.copy()
    kept[settled[:: max(1, len(settled) // _SOME)]] = False
    low = np.where(kept, np.round(money), np.maximum(np.floor(money - 1 + _WHOLE), 0.0))
    high = np.where(kept, np.round(money), np.ceil(money + 1 - _WHOLE))
    held = _tiers_kept(with_funded_fixed(model, near), near, kept)
    return with_whole_money(held, step * low, step * high)


def _tiers_kept(model: Model, near: Floats, kept: NDArray[np.bool_]) -> Model:
    """The model with the tiers of some cells as in `near`, as they are best for the same money."""
    columns = model.grid.tier[kept[model.grid.tier_cell]]
    values, whole = near[columns], np.round(near[columns])
    values = np.where(np.abs(values - whole) < _WHOLE, whole, values)
    values = np.clip(values, model.lower[columns], model.upper[columns])
    return with_bounds(model, columns, values, values)


def within_one(model: Model, near: Floats) -> Model:
    """The model in whole units within 1 of the money in `near`, with the same funded cells."""
    money, step = _in_steps(model, near)
    low, high = np.floor(money - 1 + 1e-6), np.ceil(money + 1 - 1e-6)
    if model.grid.funded is not None:
        high[(money < 1e-6) & (near[model.grid.funded] < 0.5)] = 0.0
    low = np.maximum(low, 0.0)
    return with_whole_money(with_funded_fixed(model, near), step * low, step * high)


def _rungs(model: Model, near: Floats, soon: bool) -> Iterator[Rung]:
    """(name, model, loss that is good enough there): each rung frees more and takes longer."""
    fixed = with_funded_fixed(model, near)
    yield SearchNote.ROUNDED, lambda: rounded(model, near), ENOUGH
    if soon:
        yield SearchNote.BOX, lambda: around_some(model, near), ENOUGH
    yield SearchNote.BOX, lambda: within_one(model, near), ENOUGH
    yield SearchNote.FUNDED, lambda: with_whole_money(fixed), 5 * ENOUGH
    yield (
        SearchNote.FLIPS,
        lambda: with_whole_money(with_few_flips(model, near, _FLIPS)),
        5 * ENOUGH,
    )
    yield SearchNote.FULL, lambda: with_whole_money(model), ENOUGH
