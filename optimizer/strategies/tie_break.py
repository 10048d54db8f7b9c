"""Which of the equally good allocations: a published rule, so that everybody finds the same one.

The optimum is not unique: solver versions, seeds and the order of rows each choose another. So
among the allocations of the greatest objective, the one of
1. least Σ |money − baseline|;
2. of these, least Σ weight × money, with the weight of a cell from the SHA-256 of its codes;
3. of these, more money for the cell that comes first by its codes.
In whole units a solver only proposes: what an allocation comes to is read exactly, and one that is
worse than the best so far is passed over. In continuous money the objective may be short of its
best by the noise that a solver cannot tell apart. Where a stage does not close, or another one as
good is found, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import floor, log2, log10

import numpy as np

from models.solution import SearchNote
from optimizer.aims import (
    LINEAR_BITS,
    WHOLE_BITS,
    Aim,
    SolveAims,
    Standing,
    solve_aims_among,
)
from optimizer.audit import audit
from optimizer.formulation.edits import (
    SHARP,
    Narrowed,
    narrowed,
    relaxed,
    with_integers_fixed,
    with_least_moved,
    with_other_whole,
    with_row,
)
from optimizer.formulation.model import Floats, Model
from optimizer.quality import TOLERANCE, shortfall, upwards
from optimizer.solvers.base import Answer, Clock, Effort, Engine, Outcome
from optimizer.strategies import Infeasible, SearchTask
from optimizer.strategies.every_table import TablesRead, tables_within
from optimizer.strategies.tightening import as_allocation

_NO_PRICE, _NO_DIFFERENCE = 1e-7, 1e-10
"""Prices that are noise, beside the largest cost: to show that nothing else is as good, and to hold
what is as good."""
_SPREAD = 1e-4
_NOISE = 1e-10
_DIGITS, _ROOM = 5e5, 1e-6
_FORBIDDEN = 20
"""Allocations that break a rule by less than a solver sees, before the limits are tightened."""
_ALONE_CELLS, _ALONE_BRANCHES = 1000, 200
"""Cells that may be open, and branches that it may take, to show that there is no other allocation:
it shows soon or not at all."""


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
    check: bool = True
    """Look for another allocation that is as good."""


FULL = Depth()


def choose(
    model: Model,
    found: Answer,
    aims: Sequence[Aim],
    stage: tuple[Engine, Clock],
    depth: Depth = FULL,
) -> Choice:
    """The solution in continuous money, of (almost) the objective of `found`, that the published
    rule chooses.

    `model` is linear; or mixed-integer, to let the funded cells change as well. `found`: its best
    solution. Where the stages yield nothing, `found` comes back.
    """
    stages = _Stages(model, solve_aims_among(aims), stage, depth.seconds)
    values = found.values
    assert values is not None
    near = stages.moving(found)
    start = np.concatenate([values, np.minimum(values[model.grid.amount], stages.table)])
    moved = stages.solved(near, start)
    if moved.values is None or moved.objective is None:
        objective = float(model.cost @ values)
        return Choice(Answer("none", values, objective, None, moved.seconds))
    final = stages.weighed(near, moved)
    chosen = stages.solved(final, moved.values)
    if chosen.values is None:
        final, chosen = near, replace(moved, outcome="feasible")
    closed = moved.outcome == chosen.outcome == "optimal"
    return stages.choice(final, chosen, closed, closed and depth.check)


@dataclass(frozen=True)
class _Stages:
    """The aims after the objective, one solve each."""

    model: Model
    aims: SolveAims
    stage: tuple[Engine, Clock]
    seconds: float

    @property
    def table(self) -> Floats:
        """What money should stand near to, [cell]."""
        return self.aims.near.table

    def weights(self, bits: int, skip: int = 0) -> Floats:
        """The published weight of each cell, [cell]."""
        return self.aims.weights.weights(bits, skip)

    def moving(self, found: Answer) -> Model:
        """Least money moved, with the objective of `found` held: all solutions as good, by the
        prices, where there are some; else those that are as good but for the slip."""
        if (face := _face(self.model, found, _NO_DIFFERENCE)) is not None:
            return with_least_moved(face, self.table)
        assert found.values is not None
        return with_least_moved(self.model, self.table, self._floor(found.values))

    def _floor(self, found: Floats) -> float:
        """The least objective: that of `found`, the same number whoever found it, less the slip."""
        model = self.model
        objective = float(model.cost @ found)
        of_money = abs(float(model.cost[model.grid.tier] @ found[model.grid.tier]))
        size = max(of_money or abs(objective), 1e-9)
        slip = self.aims.objective.give * 2.0 ** floor(log2(size))
        return rounded_down(objective, size * _NOISE) - slip

    def solved(self, model: Model, start: Floats | None = None) -> Answer:
        engine, clock = self.stage
        effort = Effort(
            gap=0.0,
            time_limit=clock.left(at_most=self.seconds),
            start=None if model.is_lp else start,
            watch=clock.watch,
            stage="tie-break",
        )
        return engine(model, effort)

    def weighed(self, near: Model, moved: Answer) -> Model:
        """`near` with its objective held, and least Σ weight × money instead."""
        cost = np.zeros(len(near.cost))
        cost[near.grid.amount] = -self.weights(LINEAR_BITS)
        held = _face(near, moved, _NO_DIFFERENCE)
        if held is None:
            assert moved.objective is not None
            noise = max(abs(moved.objective), 1.0) * 1e-8
            held = with_row(near, near.cost, rounded_down(moved.objective, noise) - noise)
        return replace(held, cost=cost)

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
        if not self.alone_linear(linear, last):
            return False
        if final.is_lp:
            return True
        columns = np.flatnonzero(final.integer)
        other = self.solved(with_other_whole(final, chosen.values, columns))
        return worse(other, chosen.objective - 0.5)

    def alone_linear(self, model: Model, answer: Answer) -> bool:
        """Whether the optimum of a linear program has one allocation only.

        What has a price cannot move; over the rest a second set of weights goes both ways.
        """
        face = _face(model, answer, _NO_PRICE)
        if face is None:
            return False
        cost = np.zeros(len(model.cost))
        cost[model.grid.amount] = self.weights(LINEAR_BITS, LINEAR_BITS) / 2**LINEAR_BITS
        ends = []
        for sign in (1.0, -1.0):
            end = self.solved(replace(face, cost=sign * cost))
            if end.outcome != "optimal" or end.objective is None:
                return False
            ends.append(end.objective)
        return abs(sum(ends)) < _SPREAD


def _face(model: Model, answer: Answer, noise: float) -> Model | None:
    """All solutions as good as a linear program's best: priced columns keep their value, priced
    rows are met. None without prices. `noise`: what is no price, beside the largest cost."""
    values = answer.values
    if answer.prices is None or values is None:
        return None
    largest = float(np.abs(model.cost).max(initial=0.0)) or 1.0
    of_columns, of_rows = (np.abs(price) > noise * largest for price in answer.prices)
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


@dataclass(frozen=True)
class WholeTable:
    """An allocation in whole units that keeps every rule, and how good it is."""

    values: Floats
    """Of a model's own columns."""
    standing: Standing

    @property
    def worth(self) -> float:
        """The objective, less what bent rules cost."""
        return float(self.standing.worth)


@dataclass(frozen=True)
class Settled:
    """What the choice in whole units came to."""

    table: WholeTable
    bound: float | None
    """No solution of the model is better."""
    note: SearchNote
    alone: Callable[[], tuple[WholeTable, bool]] | None = None
    """Where the stages closed and it was not looked for: another allocation that is as good, the
    better one by codes, and whether there is none."""


def whole_table(task: SearchTask, model: Model, values: Floats) -> WholeTable | None:
    """A solver's values as an allocation in whole units; None where that breaks a rule."""
    scenario, aims = task.formulation.problem.scenario, solve_aims_among(task.aims)
    money = tuple(int(amount) for amount in np.round(values[model.grid.amount]))
    allocation = as_allocation(scenario, money)
    audited = audit(scenario, allocation)
    if audited.unmet:
        return None
    return WholeTable(values[: len(model.cost)], aims.standing(allocation, audited))


def solved_kept(
    task: SearchTask, model: Model, effort: Effort, base: Model | None = None
) -> tuple[Answer, WholeTable | None]:
    """A model's answer in whole units, and its allocation if that keeps every rule.

    One that a solver's tolerance lets pass and that breaks a rule is forbidden, and the model is
    solved again, some times. `base`: the model whose columns are kept, the first of `model`.
    """
    base = base or model
    for _ in range(_FORBIDDEN):
        answer = task.engine(model, effort)
        if answer.values is None:
            return answer, None
        if (table := whole_table(task, base, answer.values)) is not None:
            return answer, table
        model = with_other_whole(model, answer.values, model.grid.amount)
        effort = replace(effort, start=None)
    return answer, None


def better_of(task: SearchTask, model: Model, table: WholeTable, answer: Answer) -> WholeTable:
    """A table, or what a solver answered for a model that begins with the columns of `model`, if
    that keeps every rule and is better."""
    if answer.values is None:
        return table
    other = whole_table(task, model, answer.values)
    return table if other is None or other.standing <= table.standing else other


def settle(
    task: SearchTask,
    model: Model,
    table: WholeTable,
    nodes: int | None,
    prices: Floats,
    *,
    check: bool = True,
) -> Settled:
    """The best allocation in whole units that the model holds: the greatest objective, then the
    published rule, each stage within so many branches.

    `table`: the best so far. A stage's result takes its place only where it is better, exactly.
    `prices`: of the rows, in the relaxation; any will do, good ones leave little to be searched.
    `check`: look for another allocation that is as good, at once.
    """
    if task.clock.is_over():
        return Settled(table, None, SearchNote.WITHIN_GAP)
    stages = _WholeStages(task, model, prices, nodes)
    table, near, bound, closed = stages.greatest(table)
    if (best := of_few(task, near.model, table)) is not None:
        return best
    if not closed:
        return Settled(table, bound, SearchNote.WITHIN_GAP)
    table, stayed, least = stages.nearest(near, table)
    table, weighed, lightest = stages.lightest(stayed, table)
    if not (least and lightest):
        return Settled(table, bound, SearchNote.BEST_FOUND)
    settled = Settled(table, bound, SearchNote.CLOSED, partial(stages.alone, weighed, table))
    return looked_for_another(settled) if check else settled


def looked_for_another(settled: Settled) -> Settled:
    """The same, or the better one by codes where another is as good in all else; `unique` where
    none is."""
    if settled.alone is None:
        return settled
    table, alone = settled.alone()
    return Settled(table, settled.bound, SearchNote.UNIQUE if alone else settled.note)


def of_few(task: SearchTask, model: Model, table: WholeTable | None = None) -> Settled | None:
    """The best of all allocations in whole units that a model's bounds of the cells let in, each
    read exactly; None where they are too many, or none is as good as `table`.

    Raises `Infeasible` where none of them keeps the rules and no `table` is known to.
    """
    if not task.formulation.is_of_rules_only:
        return None
    scenario, cells = task.formulation.problem.scenario, model.grid.amount
    aims = solve_aims_among(task.aims)
    tables = tables_within(scenario, model.lower[cells], model.upper[cells])
    best = None if tables is None else TablesRead(scenario, aims, tables).best()
    if best is None:
        if tables is None or table is not None:
            return None
        raise Infeasible
    if table is not None and best.standing < table.standing:
        return None
    values = np.zeros(len(task.model({}).cost)) if table is None else table.values.copy()
    values[cells] = best.table
    note = SearchNote.UNIQUE if best.alone else SearchNote.CLOSED
    return Settled(WholeTable(values, best.standing), upwards(best.standing.worth), note)


def row_prices(model: Model, relaxation: Answer) -> Floats:
    """What a model's rows are worth in its relaxation; nothing where the solver does not say."""
    if relaxation.prices is None:
        return np.zeros(len(model.row_lower))
    return relaxation.prices[1]


@dataclass(frozen=True)
class _WholeStages:
    """The stages of the choice in whole units, one solve each: the best table before goes in, the
    best after comes out."""

    task: SearchTask
    model: Model
    prices: Floats
    nodes: int | None

    @property
    def aims(self) -> SolveAims:
        return solve_aims_among(self.task.aims)

    def greatest(self, table: WholeTable) -> tuple[WholeTable, Narrowed, float, bool]:
        """The greatest objective, what can be as good as it, the bound of it, and whether it is
        the greatest, to the solver's tolerance."""
        while True:
            near = narrowed(self.model, self.prices, table.worth)
            answer, better = self._better(table, near.model, self._effort(table.values))
            bound = near.bound
            if answer.bound is not None:
                bound = min(bound, near.base + answer.bound)
            if better.standing.worth == table.standing.worth:
                closed = answer.outcome in ("optimal", "infeasible")
                return better, near, bound, closed and self._is_met(bound, better)
            table = better

    def _is_met(self, bound: float, table: WholeTable) -> bool:
        """Whether a bound is that of a table, to the solver's tolerance."""
        scale = max(abs(table.worth), self.model.largest_cost)
        return shortfall(bound, table.worth, scale) <= TOLERANCE

    def nearest(self, near: Narrowed, table: WholeTable) -> tuple[WholeTable, Model, bool]:
        """Least Σ |money − baseline| among those as good, and whether that is proved."""
        due = self.aims.near.table
        model = with_least_moved(_held(near, table.worth), due)
        start = np.append(table.values, np.minimum(table.values[self.model.grid.amount], due))
        answer, table = self._better(table, model, self._effort(start))
        stays = float(due.sum() + table.standing.moved)
        return table, with_row(model, model.cost, stays - 0.5), _is_bounded(answer, stays + 0.5)

    def lightest(self, stayed: Model, table: WholeTable) -> tuple[WholeTable, Model, bool]:
        """Least Σ weight × money among those as near, and whether that is proved."""
        cost = np.zeros(len(stayed.cost))
        cost[stayed.grid.amount] = -self.aims.weights.weights(WHOLE_BITS)
        model = replace(stayed, cost=cost)
        answer, table = self._better(table, model)
        return table, model, _is_bounded(answer, table.standing.weight + 0.5)

    def alone(self, weighed: Model, table: WholeTable) -> tuple[WholeTable, bool]:
        """The better one by codes where another is as good in all else, and whether none is."""
        weight, amount = table.standing.weight, weighed.grid.amount
        prices = row_prices(weighed, self.task.engine(relaxed(weighed), self._effort()))
        near = narrowed(weighed, prices, weight)
        model = near.model
        open_cells = int((model.lower[amount] < model.upper[amount]).sum())
        if not 0 < open_cells <= _ALONE_CELLS:
            return table, not open_cells
        held = with_row(model, model.cost, weight - near.base - 0.5)
        others = with_other_whole(held, table.values, amount)
        anything = replace(others, cost=np.zeros(len(others.cost)))  # Tells sooner: no best one.
        effort = replace(self._effort(), nodes=_ALONE_BRANCHES)
        answer, table = self._better(table, anything, effort)
        return table, answer.outcome == "infeasible"

    def _better(
        self, table: WholeTable, model: Model, effort: Effort | None = None
    ) -> tuple[Answer, WholeTable]:
        """What a model of a stage comes to, and the better one of it and the table before."""
        answer, other = solved_kept(self.task, model, effort or self._effort(), self.model)
        return answer, table if other is None or other.standing <= table.standing else other

    def _effort(self, start: Floats | None = None) -> Effort:
        clock = self.task.clock
        stage = clock.watch, "tie-break"
        return Effort(0.0, clock.left(), start, *stage, nodes=self.nodes, plain=True)


def _held(near: Narrowed, worth: float) -> Model:
    """The narrowed model with its objective held at `worth`, as sharply as its numbers bear."""
    model = near.model
    largest = float(np.abs(model.cost).max(initial=0.0))
    if not largest:
        return model
    sharp = min(SHARP, max(1.0, _DIGITS * largest / near.largest)) / largest
    return with_row(model, model.cost * sharp, (worth - near.base) * sharp - _ROOM)


def _is_bounded(answer: Answer, below: float) -> bool:
    """Whether it is proved that the model of an answer reaches no objective of `below`."""
    return answer.bound is not None and answer.bound < below


def worse(other: Answer, objective: float) -> bool:
    """Whether it is proved that the model of `other` reaches no such objective."""
    if other.outcome == "infeasible":
        return True
    return _is_bounded(other, objective)


def rounded_down(number: float, least: float) -> float:
    """`number` rounded down to a power of ten of about `least`: noise below it falls away."""
    step = 10.0 ** floor(log10(least)) if least > 0 else 1.0
    return floor(number / step) * step
