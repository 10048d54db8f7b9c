"""A mixed-integer model solved by its counties: bound, choice among subsets, proof."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from models.errors import NoAnswerError
from optimizer.formulation.model import Floats, Model
from optimizer.quality import shortfall
from optimizer.solvers.base import Answer, Clock, Effort, Engine, Outcome
from optimizer.solvers.decomposition.blocks import Blocks, find_blocks
from optimizer.solvers.decomposition.bound import Priced, best_prices
from optimizer.solvers.decomposition.choice import pairs_within
from optimizer.solvers.decomposition.mixture import KeptPlans, settled
from optimizer.solvers.decomposition.pricing import all_worths

_FIRST, _MORE = 16, 4
"""Pairs beside the best ones that are tried first, and how many times more where that yields
nothing."""
_HAIR, _CLOSED = 1e-12, 1e-9
_PRICE_SHARE = 0.5
"""Of the time there is, for prices; the rest is for the choice."""
MOST_PAIRS = 2000
"""Pairs beside the best ones up to which everything that could be better is searched at once."""


def by_county(engine: Engine, *, goes_on: bool = True) -> Engine:
    """A solver that takes a mixed-integer model apart by counties where it comes apart.

    Where it does not, and where the gap asked for is not reached so and it `goes_on`, `engine`
    solves it as one, from the best that was found.
    """

    def solve(model: Model, effort: Effort) -> Answer:
        if model.is_lp:
            return engine(model, effort)
        clock = Clock(effort.time_limit)
        answer = solved_by_county(model, effort, engine)
        left = replace(effort, time_limit=clock.left())
        if answer is None:
            return engine(model, left)
        if answer.outcome == "optimal" or not goes_on or clock.is_over():
            return answer
        whole = engine(model, replace(left, start=answer.values))
        return _better(answer, whole, effort.gap)

    return solve


def row_prices(model: Model, seconds: float | None = None) -> Floats | None:
    """[row] prices at which the counties bound a mixed-integer model most tightly, as far as they
    are found in so many `seconds`, 0 of a row that couples none; None where it does not come
    apart."""
    deadline = inf if seconds is None else time.monotonic() + seconds
    blocks = find_blocks(model)
    priced = None if blocks is None else best_prices(blocks, deadline)
    if blocks is None or priced is None or priced.infeasible:
        return None
    prices = np.zeros(len(model.row_lower))
    prices[blocks.rows] = priced.prices
    return prices


def _better(one: Answer, two: Answer, gap: float) -> Answer:
    """The better of two answers of a model, under the tighter of their bounds."""
    assert one.objective is not None and one.bound is not None
    best = one
    if two.objective is not None and two.objective > one.objective:
        best = two
    bound = one.bound if two.bound is None else min(one.bound, two.bound)
    bound = max(bound, best.objective or 0.0)
    closed = shortfall(bound, best.objective or 0.0, best.objective or 0.0) <= gap + _CLOSED
    seconds = one.seconds + two.seconds
    return replace(best, outcome="optimal" if closed else "feasible", bound=bound, seconds=seconds)


def solved_by_county(model: Model, effort: Effort, engine: Engine) -> Answer | None:
    """The answer of a mixed-integer model by decomposition; None where that yields none."""
    clock = Clock(effort.time_limit)
    blocks = find_blocks(model)
    if blocks is None:
        return None
    left = clock.left(_PRICE_SHARE)
    deadline = inf if left is None else time.monotonic() + left
    try:
        priced = best_prices(blocks, deadline)
        if priced.infeasible:
            return None
        return _searched(blocks, priced, effort, engine, clock)
    except NoAnswerError:
        return None


def _searched(
    blocks: Blocks, priced: Priced, effort: Effort, engine: Engine, clock: Clock
) -> Answer | None:
    """A choice among the pairs that lose least; then, where the gap is still too wide, among all
    that could stand in a better answer."""
    loss = priced.plans.worth[:, None] - all_worths(blocks, priced.cells)
    base = settled(blocks, priced)
    opened = np.zeros(blocks.counties, dtype=bool)
    opened[base.open] = True
    ladder = np.sort(loss[opened][np.isfinite(loss[opened])])
    search = _Search(
        blocks, base, loss, opened, replace(effort, gap=effort.gap / 2, plain=True), engine, clock
    )
    best, bound, place = None, priced.bound, len(base.open) + _FIRST
    while best is None:
        best = search.among(float(ladder[min(place, len(ladder) - 1)]), None)
        if place >= len(ladder) - 1 or clock.is_over():
            break
        place *= _MORE
    if best is None:
        return None
    least = bound - best[1]
    few = np.searchsorted(ladder, least) - blocks.counties <= MOST_PAIRS
    if (
        opened.all()
        and few
        and not clock.is_over()
        and shortfall(bound, best[1], best[1]) > effort.gap
    ):
        better = search.among(least + _HAIR * abs(bound), best[0])
        if better is not None:
            best = better if better[1] > best[1] else best
            bound = min(bound, max(better[2], best[1]))
    values = blocks.spread @ best[0]
    objective = float(blocks.model.cost @ values)
    bound = max(bound, objective)
    closed = shortfall(bound, objective, objective) <= effort.gap + _CLOSED
    outcome: Outcome = "optimal" if closed else "feasible"
    return Answer(outcome, values, objective, bound, clock.spent(), apart=True)


@dataclass(frozen=True)
class _Search:
    """What every choice model of one search has in common."""

    blocks: Blocks
    base: KeptPlans
    loss: Floats
    opened: NDArray[np.bool_]
    effort: Effort
    engine: Engine
    clock: Clock

    def among(self, allowed: float, start: Floats | None) -> tuple[Floats, float, float] | None:
        """(values without totals, objective, bound) of the best choice of pairs that lose no more
        than `allowed`; None where none was found."""
        pairs = pairs_within(self.blocks, self.loss, allowed, self.opened)
        begin = None if start is None else pairs.start(start)
        effort = replace(self.effort, start=begin, time_limit=self.clock.left())
        answer = self.engine(pairs.model(self.base.taken), effort)
        if answer.values is None or answer.objective is None:
            return None
        values = pairs.written(answer.values, self.base.values)
        worth = self.base.worth
        bound = np.inf if answer.bound is None else answer.bound + worth
        return values, answer.objective + worth, bound
