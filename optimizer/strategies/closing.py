"""The best allocation in whole units over all funded cells, where the model comes apart by
counties: every choice of funded cells that may still hold a better table is settled by itself."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np

from models.solution import SearchNote
from optimizer.formulation.edits import relaxed, with_funded_fixed, with_whole_money
from optimizer.formulation.model import Floats, Model
from optimizer.solvers import read_choices
from optimizer.solvers.base import Effort, Limit
from optimizer.strategies import SearchTask
from optimizer.strategies.integer_rounding import rounded
from optimizer.strategies.tie_break import (
    Settled,
    WholeTable,
    better_of,
    looked_for_another,
    row_prices,
    settle,
)

DEFAULT_PRICINGS, MOST_PRICINGS = 800, 20_000
"""How often all counties may be priced: by default (base-2020@2020-first: 199 times), and where a
gap of zero is asked for."""
_DEFAULT_PAIRS = 200
"""Pairs of a county and its funded cells beyond which so few pricings settle nothing."""
_HAIR = 1e-9
_LEAST_SURE = (
    SearchNote.WITHIN_GAP,
    SearchNote.BEST_FOUND,
    SearchNote.CLOSED,
    SearchNote.UNIQUE,
)


def closed(task: SearchTask, model: Model, table: WholeTable, nodes: int) -> Settled | None:
    """The best allocation in whole units, from a table that is nearly as good; `nodes`: branches
    that each choice of funded cells may take. None where the model does not come apart."""
    search = _Closing(task, model, nodes, Settled(table, None, SearchNote.UNIQUE))
    search.settled(table.values)
    limit = Limit(MOST_PRICINGS, task.clock, by_program=True)
    if task.gap:
        limit = Limit(DEFAULT_PRICINGS, task.clock, _DEFAULT_PAIRS)
    reached = read_choices(model, search.target, search.settled, limit)
    if reached is None:
        return None
    best = search.best
    if best.note is SearchNote.WITHIN_GAP:  # One choice could not be settled: nothing is proved.
        return replace(best, bound=None)
    known = reached.bound if best.bound is None else max(best.bound, reached.bound)
    if not reached.closed:
        return replace(best, bound=known, note=SearchNote.WITHIN_GAP)
    return replace(search.best_of_all(), bound=known)


class _Closing:
    """The best of the choices that were settled so far."""

    def __init__(self, task: SearchTask, model: Model, nodes: int, best: Settled) -> None:
        self.task, self.model, self.nodes = task, model, nodes
        self.best = best
        self.as_good: list[Settled] = []
        """Choices that hold a table as good as the best by all but its codes."""
        self.seen: set[bytes] = set()

    @property
    def target(self) -> float:
        """What another choice must reach to be of interest: nothing is, once one cannot be settled
        within its branches."""
        if self.best.note is SearchNote.WITHIN_GAP:
            return inf
        worth = self.best.table.worth
        return worth - _HAIR * max(abs(worth), self.model.largest_cost)

    def settled(self, values: Floats) -> float:
        """Settle the funded cells of `values`, [column] of the model: the target from then on."""
        funded = self.model.grid.funded
        key = b"" if funded is None else np.round(values[funded]).astype(bool).tobytes()
        if key in self.seen:
            return self.target
        self.seen.add(key)
        whole = with_whole_money(with_funded_fixed(self.model, values))
        relaxation = self.task.engine(relaxed(whole), Effort(time_limit=self.task.clock.left()))
        if relaxation.values is None:
            return self.target
        prices, effort = row_prices(whole, relaxation), Effort(0.0, nodes=self.nodes, plain=True)
        near = self.task.engine(rounded(whole, relaxation.values), effort)
        table = better_of(self.task, self.model, self.best.table, near)
        found = settle(self.task, whole, table, self.nodes, prices, check=False)
        self.keep(found)
        return self.target

    def keep(self, found: Settled) -> None:
        """Take what a choice of funded cells came to among what was settled so far."""
        best = self.best
        if found.table.standing[:-1] > best.table.standing[:-1]:
            self.as_good.clear()
        self.as_good.append(found)
        bounds = [bound for bound in (best.bound, found.bound) if bound is not None]
        note = min(best.note, found.note, key=_LEAST_SURE.index)
        self.best = Settled(found.table, max(bounds, default=None), note)

    def best_of_all(self) -> Settled:
        """The best where every choice was settled: it is the only one where none of those that hold
        one as good hold another."""
        best = self.best
        if best.note is SearchNote.BEST_FOUND or not self.as_good:
            return best
        found = [looked_for_another(settled) for settled in self.as_good]
        table = max((one.table for one in found), key=lambda one: one.standing)
        alone = all(one.note is SearchNote.UNIQUE for one in found)
        tables = {one.table.standing.order for one in found}
        note = SearchNote.UNIQUE if alone and len(tables) == 1 else SearchNote.CLOSED
        return replace(best, table=table, note=note)
