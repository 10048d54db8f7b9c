"""Which of the equally good allocations: a published rule, so that everybody finds the same one.

The optimum is not unique: solver versions, seeds and the order of rows each choose another. So
1. the objective is held at its best, rounded down, less a slip;
2. among those, least Σ |money − baseline|;
3. among those, least Σ weight × money, with the weight of a cell from the SHA-256 of its codes;
and further solves look for another allocation that is as good in all three, by a second set of
weights that would tell it from the first. Where a stage does not close, or another one is found,
nothing is claimed. With a gap above zero all this works inside the funded cells that were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, log2, log10

import numpy as np

from optimizer.aims import Aim, SolveAims, solve_aims_among
from optimizer.formulation.edits import (
    with_integers_fixed,
    with_least_moved,
    with_other_whole,
    with_row,
)
from optimizer.formulation.model import Floats, Model
from optimizer.solvers.base import Answer, Clock, Effort, Engine, Outcome

WHOLE_NODES = 200
"""How many branches the choice among neighbours in whole units may take: a matter of seconds."""
LINEAR_BITS, WHOLE_BITS = 24, 16
"""Leading bits of the SHA-256 that make a weight: as many as a solver tells apart by their sums."""
_NO_PRICE = 1e-7
_SPREAD = 1e-4
_HAIR = 1e-9
_CHECK_SECONDS = 5.0


@dataclass(frozen=True)
class Choice:
    """What the choice came to."""

    answer: Answer
    """Its values are those of the model's own columns."""
    unique: bool = False
    """Every stage closed, and no other allocation is as good in all of them."""


@dataclass(frozen=True)
class Depth:
    """How far the choice goes."""

    seconds: float = 60.0
    """How long each stage may take."""
    nodes: int | None = None
    """How many branches each stage may take, where seconds would depend on the machine."""
    last: bool = True
    """Go on after the money moved: to the weights."""
    check: bool = True
    """Look for another allocation that is as good."""


FULL = Depth()


def choose(
    model: Model,
    found: Floats,
    aims: Sequence[Aim],
    stage: tuple[Engine, Clock],
    depth: Depth = FULL,
) -> Choice:
    """The solution of (almost) the objective of `found` that the published rule chooses.

    `model` is linear; or mixed-integer, to let the funded cells change as well or to stay in whole
    units. Where the stages yield nothing, `found` comes back.
    """
    stages = _Stages(model, solve_aims_among(aims), stage, depth.seconds, depth.nodes)
    near = with_least_moved(model, stages.table, stages.floor(found))
    start = np.concatenate([found, np.minimum(found[model.grid.amount], stages.table)])
    moved = stages.solved(near, start)
    if moved.values is None or moved.objective is None:
        objective = float(model.cost @ found)
        return Choice(Answer("none", found, objective, None, moved.seconds))
    final, chosen = near, moved
    if depth.last:
        final = stages.weighed(near, moved.objective)
        chosen = stages.solved(final, moved.values)
        if chosen.values is None:
            final, chosen = near, replace(moved, outcome="feasible")
    closed = moved.outcome == chosen.outcome == "optimal"
    return stages.choice(final, chosen, closed, closed and depth.last and depth.check)


@dataclass(frozen=True)
class _Stages:
    """The aims after the objective, one solve each."""

    model: Model
    aims: SolveAims
    stage: tuple[Engine, Clock]
    seconds: float
    nodes: int | None = None

    @property
    def table(self) -> Floats:
        """What money should stand near to, [cell]."""
        return self.aims.near.table

    def weights(self, bits: int, skip: int = 0) -> Floats:
        """The published weight of each cell, [cell]."""
        return self.aims.weights.weights(bits, skip)

    def floor(self, found: Floats) -> float:
        """The least objective: that of `found`, the same number whoever found it, less the slip."""
        model = self.model
        objective = float(model.cost @ found)
        of_money = abs(float(model.cost[model.grid.tier] @ found[model.grid.tier]))
        size = max(of_money or abs(objective), 1e-9)
        slip = self.aims.objective.give * 2.0 ** floor(log2(size))
        return rounded_down(objective, size * 1e-8) - slip

    def solved(self, model: Model, start: Floats | None = None) -> Answer:
        engine, clock = self.stage
        effort = Effort(
            gap=0.0,
            time_limit=clock.left(at_most=self.seconds),
            nodes=self.nodes,
            start=None if model.is_lp else start,
            watch=clock.watch,
            stage="tie-break",
        )
        return engine(model, effort)

    def weighed(self, near: Model, least_moved: float) -> Model:
        """`near` with its objective held, and least Σ weight × money instead."""
        noise = max(abs(least_moved), 1.0) * 1e-8
        whole = self._counts_whole()
        held = round(least_moved) - 0.5 if whole else rounded_down(least_moved, noise) - noise
        bits = LINEAR_BITS if near.is_lp else WHOLE_BITS
        cost = np.zeros(len(near.cost))
        cost[near.grid.amount] = -self.weights(bits)
        return replace(with_row(near, near.cost, held), cost=cost)

    def _counts_whole(self) -> bool:
        """Money in whole units, from a baseline in whole units: so are the units moved."""
        whole_baseline = bool((self.table % 1 == 0).all())
        return whole_baseline and bool(self.model.integer[self.model.grid.amount].all())

    def choice(self, final: Model, chosen: Answer, closed: bool, check: bool) -> Choice:
        assert chosen.values is not None
        linear, last = final, chosen
        if not final.is_lp:
            # The money of a mixed-integer answer is only as exact as its whole columns.
            linear = with_integers_fixed(final, chosen.values)
            last = self.solved(linear)
            if last.values is None:
                last = chosen
        assert last.values is not None
        unique = check and self._is_alone(final, chosen, linear, last)
        values = last.values[: len(self.model.cost)]
        outcome: Outcome = "optimal" if closed else "feasible"
        objective = float(self.model.cost @ values)
        return Choice(Answer(outcome, values, objective, None, chosen.seconds), unique)

    def _is_alone(self, final: Model, chosen: Answer, linear: Model, last: Answer) -> bool:
        """No other allocation is as good: around the whole columns, and with other ones."""
        assert chosen.values is not None and chosen.objective is not None
        if bool(final.integer[final.grid.amount].all()):
            return self.alone_whole(final, chosen.values, chosen.objective)
        if not self.alone_linear(linear, last):
            return False
        if final.is_lp:
            return True
        columns = np.flatnonzero(final.integer)
        other = self.solved(with_other_whole(final, chosen.values, columns))
        return worse(other, chosen.objective - 0.5)

    def alone_whole(self, model: Model, values: Floats, objective: float) -> bool:
        """Whether no other whole-unit allocation has that weight: a second set of weights goes both
        ways (an allocation forbidden by columns of its own takes five times as long)."""
        held = with_row(model, model.cost, objective - 0.5)
        cost = np.zeros(len(model.cost))
        cost[model.grid.amount] = self.weights(WHOLE_BITS, LINEAR_BITS)
        here = float(cost @ values)
        return all(
            worse(self.solved(replace(held, cost=way * cost), values), way * here + 0.5)
            for way in (1.0, -1.0)
        )

    def alone_linear(self, model: Model, answer: Answer) -> bool:
        """Whether the optimum of a linear program has one allocation only.

        What has a price cannot move; over the rest a second set of weights goes both ways.
        """
        if answer.prices is None or answer.values is None:
            return False
        face = _face(model, answer.values, answer.prices)
        cost = np.zeros(len(model.cost))
        cost[model.grid.amount] = self.weights(LINEAR_BITS, LINEAR_BITS) / 2**LINEAR_BITS
        ends = []
        for sign in (1.0, -1.0):
            end = self.solved(replace(face, cost=sign * cost))
            if end.outcome != "optimal" or end.objective is None:
                return False
            ends.append(end.objective)
        return abs(sum(ends)) < _SPREAD


def _face(model: Model, values: Floats, prices: tuple[Floats, Floats]) -> Model:
    """All solutions as good as `values`: priced columns keep their value, priced rows are met."""
    largest = float(np.abs(model.cost).max(initial=0.0)) or 1.0
    of_columns, of_rows = (np.abs(price) > _NO_PRICE * largest for price in prices)
    activity = model.matrix @ values
    lower = np.where(of_columns, values, model.lower)
    upper = np.where(of_columns, values, model.upper)
    return replace(
        model,
        lower=np.minimum(lower, upper),
        upper=upper,
        row_lower=np.where(of_rows, np.minimum(activity, model.row_upper), model.row_lower),
        row_upper=np.where(of_rows, np.maximum(activity, model.row_lower), model.row_upper),
    )


def only_best(
    model: Model, found: Answer, aims: Sequence[Aim], stage: tuple[Engine, Clock]
) -> Choice:
    """Of whole-unit solutions with the best objective, the one of least Σ weight × money.

    `found`: the best of `model`, whose money is whole. Nearly always it is the only one, and one
    further solve shows that.
    """
    assert found.values is not None and found.objective is not None
    stages = _Stages(model, solve_aims_among(aims), stage, _CHECK_SECONDS)
    hair = _HAIR * max(abs(found.objective), 1e-9)
    if found.outcome != "optimal":
        return Choice(found)
    amount = model.grid.amount
    if worse(stages.solved(with_other_whole(model, found.values, amount)), found.objective - hair):
        return Choice(found, unique=True)
    largest = model.largest_cost or 1.0
    held = with_row(model, model.cost / largest, (found.objective - hair) / largest)
    cost = np.zeros(len(model.cost))
    cost[amount] = -stages.weights(WHOLE_BITS)
    weighed = replace(held, cost=cost)
    chosen = stages.solved(weighed, found.values)
    if chosen.outcome != "optimal" or chosen.values is None or chosen.objective is None:
        return Choice(found)
    other = stages.solved(with_other_whole(weighed, chosen.values, amount))
    alone = worse(other, chosen.objective - 0.5)
    return Choice(replace(chosen, objective=float(model.cost @ chosen.values)), unique=alone)


def worse(other: Answer, objective: float) -> bool:
    """Whether it is proved that the model of `other` reaches no such objective."""
    if other.outcome == "infeasible":
        return True
    return other.bound is not None and other.bound < objective


def rounded_down(number: float, least: float) -> float:
    """`number` rounded down to a power of ten of about `least`: noise below it falls away."""
    step = 10.0 ** floor(log10(least)) if least > 0 else 1.0
    return floor(number / step) * step
