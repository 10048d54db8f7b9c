"""Ordered aims: each is pushed while those before it are held, less what they may give up.

A first aim that is a sum of outcomes is searched like a lone objective. Each further one is posed
in the same model, with one row for every aim before it, and searched in whole units: in one model
where there are few cells, else near continuous money. The rows are a guide; what counts is what an
allocation comes to exactly, and one that breaks a rule, or costs an aim before more than it gives,
is passed over. The published choice among equals comes last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

import numpy as np

from models.aim import Push
from models.allocation import Allocation
from models.errors import NoAnswer, NoAnswerError, refuse
from models.finding import Audit
from models.solution import AimReached, SearchNote
from optimizer.aims import WHOLE_BITS, CellWeights
from optimizer.audit import audit
from optimizer.audit.aim_values import AimReader
from optimizer.formulation.aim_rows import AimedModel, Pushed, yield_guide
from optimizer.formulation.edits import (
    relaxed,
    with_funded_fixed,
    with_integers_fixed,
    with_other_whole,
    with_whole_money,
)
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.quality import TOLERANCE, shortfall
from optimizer.solvers import apart_answer, first_choice
from optimizer.solvers.base import Answer, Effort
from optimizer.strategies import Infeasible, SearchTask
from optimizer.strategies.integer_rounding import (
    ENOUGH,
    answered,
    rounded,
    to_whole_units,
    within_one,
)
from optimizer.strategies.monolithic import DIRECT_CELLS
from optimizer.strategies.tightening import as_allocation, stricter

if TYPE_CHECKING:
    from optimizer.solvers.decomposition.bound import Start

_TRIES = 6
"""How often a stage is searched again where its answer breaks a rule or what is held."""
_NODES, _FEW_NODES, _PRICINGS = 200, 40_000, 200
"""Branches that a stage may take in a large model, and in one of few cells; how often all counties
may be priced."""
_NONE = Fraction(0)


@dataclass(frozen=True)
class KeptTable:
    """An allocation in code order and whole units that keeps every rule."""

    allocation: Allocation
    audit: Audit
    reader: AimReader


Posed = Callable[[AimedModel, Model], Model]
"""The model that pushes something, made of one that holds what came before."""


HeldRow = Callable[[AimedModel, Model, Fraction], Model]
"""The model with what keeps a worth at some least one."""


@dataclass(frozen=True)
class Goal:
    """What one stage pushes; worth: so that more is better."""

    push: Push
    posed: Posed
    worth: Callable[[KeptTable], Fraction]
    constant: float = 0.0
    scale: float = 1.0
    """The worth is the objective of the posed model over `scale`, plus the constant."""
    step: Fraction | None = None
    """What the worth moves by in whole units; None where that is not known."""


@dataclass(frozen=True)
class HeldGoal:
    """A stage that is over: what no later one may undercut."""

    goal: Goal
    row: HeldRow
    floor: Fraction


@dataclass(frozen=True)
class StageBest:
    """The best table of a stage, and what is known to be out of reach."""

    table: KeptTable
    bound: float | None
    """By the solver's word no table that holds what came before is worth more."""
    closed: bool


class Lexicographic:
    """The search for one list of aims, stage after stage, from the best table so far."""

    def __init__(self, task: SearchTask, table: KeptTable | None = None) -> None:
        self.task = task
        self.problem = task.formulation.problem
        self.table = table
        self.held: list[HeldGoal] = []
        self.reached: list[AimReached] = []
        self._like: dict[int, dict[bool, Start]] = {}
        self.is_small = len(self.problem.codes) <= DIRECT_CELLS
        """Whether whole units are searched in one model."""

    def aimed(self, push: Push, tighten: Tightening | None = None) -> AimedModel:
        """The model with the columns of what is held and of what is to be pushed."""
        wanted = frozenset({push, *(one.goal.push for one in self.held)})
        return self.task.formulation.aimed(wanted, tighten or {})

    def read(self, allocation: Allocation) -> KeptTable | None:
        """An allocation as a table; None where it breaks a rule."""
        scenario = self.problem.scenario
        audited = audit(scenario, allocation)
        if audited.unmet:
            return None
        reader = AimReader(scenario, self.problem.reference.for_aims, allocation)
        return KeptTable(allocation, audited, reader)

    def goal(self, push: Push) -> Goal:
        """What is pushed where it is linear."""
        pushed = self.aimed(push).pushed[push]
        return Goal(
            push,
            lambda aimed, model: aimed.pushed[push].posed(model),
            lambda table: table.reader.worth(push),
            float(pushed.constant),
            step=pushed.step,
        )

    def settle(self, push: Push, best: StageBest, held: HeldGoal) -> None:
        """Note what a stage reached, and hold it."""
        self.table = best.table
        self.held.append(held)
        bound = best.bound
        if bound is not None and not push.rises:
            bound = 0.0 - bound
        value = best.table.reader.value(push)
        allowed = (value if push.rises else -value) - held.floor
        self.reached.append(AimReached(push, value, bound, best.closed, allowed))

    def begin(self, push: Push, allocation: Allocation, proof: tuple[float | None, bool]) -> None:
        """Hold what a search of its own found for the first aim; `proof`: bound, closed."""
        table, goal = self.read(allocation), self.goal(push)
        assert table is not None
        best = StageBest(table, *proof)
        self.settle(push, best, self.holding(push, goal, best))

    def push(self, push: Push, *, gives: bool = True) -> None:
        """Push something linear as far as it goes, and hold it."""
        goal = self.goal(push)
        if push.stage == "touched" and not self.is_small:
            # To show how few counties it takes is dear beside all that is held.
            best = replace(self._among_funded(goal), bound=None, closed=False)
        else:
            best = self.best(goal)
        self.settle(push, best, self.holding(push, goal, best, gives=gives))

    def holding(self, push: Push, goal: Goal, best: StageBest, *, gives: bool = True) -> HeldGoal:
        """What a stage reached as what later ones hold, less what its aim may give up."""
        worth = goal.worth(best.table)
        allowed = self._allowed(push, worth) if gives else Fraction(0)
        return HeldGoal(
            goal, lambda aimed, model, least: aimed.pushed[push].held(model, least), worth - allowed
        )

    def _allowed(self, push: Push, worth: Fraction) -> Fraction:
        """What an aim may give up of what it reached. A share of nothing is refused."""
        give = self.problem.scenario.spec.objective.aims[push.number].give
        if give.share is not None and not worth:
            refuse(
                *self.problem.given.document.origin(("objective", push.number, "give")),
                "the aim reaches 0, and a share of that is nothing: give an amount with its unit",
            )
        return give.of(worth)

    # One stage.

    def best(self, goal: Goal) -> StageBest:
        """The best table that holds what came before; the one before it where none is better.

        Raises `Infeasible` and `NoAnswerError` where there is no table yet and none is found.
        """
        if (reached := self._reached(goal)) is not None:
            return reached
        first, table = self.found(goal.push, goal.posed)
        if table is None or self.table is not None and goal.worth(self.table) >= goal.worth(table):
            table = self.table
        if table is None:
            if first.outcome == "infeasible":
                raise Infeasible
            raise NoAnswerError(NoAnswer.STOPPED)
        if first.bound is None:
            return StageBest(table, None, False)
        gap = TOLERANCE if self.is_small else max(TOLERANCE, self.task.gap)
        known = _told(goal, table, first.bound, gap)
        return known if first.outcome == "optimal" else replace(known, closed=False)

    def _reached(self, goal: Goal) -> StageBest | None:
        """The table so far, where even a relaxation of a large model has none that is worth more:
        what is as good everywhere takes a search longest."""
        if self.table is None or self.is_small:
            return None
        aimed = self.aimed(goal.push)
        model = relaxed(goal.posed(aimed, self.holding_all(aimed)))
        answer = self.task.engine(model, Effort(time_limit=self.task.clock.left()))
        if answer.outcome != "optimal" or answer.bound is None:
            return None
        known = _told(goal, self.table, answer.bound, TOLERANCE)
        return known if known.closed else None

    def found(self, push: Push, posed: Posed) -> tuple[Answer, KeptTable | None]:
        """The answer that bounds a posed model, and the first table of it that keeps the rules and
        what is held; where an answer does not, it is barred, or what it breaks tightened."""
        tighten: Tightening = {}
        further, barred = Fraction(0), list[Floats]()
        first: Answer | None = None
        for number in range(_TRIES):
            aimed = self.aimed(push, tighten)
            model = posed(aimed, self.holding_all(aimed, further))
            for values in barred:
                model = with_other_whole(model, values, model.grid.amount)
            answer = self._answer(model, aimed)
            if first is None or self.is_small:
                first = answer  # What is barred is no table, so its bound holds as well.
            if answer.values is None:
                break
            allocation = self._allocation(model, answer)
            table = self.read(allocation)
            if table is None:
                broken = audit(self.problem.scenario, allocation)
                tighten = stricter(tighten, broken, 10**number)
            elif (short := self._short(table)) <= 0:
                return first, table
            else:
                further += short
            if self.is_small:
                tighten, further = {}, Fraction(0)
                barred.append(answer.values[: len(aimed.model.cost)])
        assert first is not None
        return first, None

    def _short(self, table: KeptTable) -> Fraction:
        """By how much a table falls short of what is held at the most; 0 or less if it holds."""
        return max((one.floor - one.goal.worth(table) for one in self.held), default=Fraction(0))

    def holding_all(self, aimed: AimedModel, further: Fraction = Fraction(0)) -> Model:
        """The model with a row for every stage before."""
        model = aimed.model
        for one in self.held:
            model = one.row(aimed, model, one.floor + further)
        return model

    def _guide(self, aimed: AimedModel) -> Floats:
        """[column] what to push where any answer will do: what the last aim did, or outcomes."""
        for one in reversed(self.held):
            if one.goal.push in aimed.pushed:
                return aimed.pushed[one.goal.push].posed(aimed.model).cost
        return yield_guide(self.problem.scenario, aimed.model)

    def _answer(self, model: Model, aimed: AimedModel) -> Answer:
        """The best in whole units that is found: in one model, or near continuous money."""
        clock, engine = self.task.clock, self.task.engine
        effort = Effort(self.task.gap, clock.left(), watch=clock.watch, stage="aims", nodes=_NODES)
        if self.is_small:
            effort = replace(effort, gap=0.0, nodes=_FEW_NODES)
            return engine(with_whole_money(model), effort)
        near = self._apart(model, effort, aimed) or engine(model, effort)
        if near.values is None or near.objective is None:
            return near
        values, objective = near.values, near.objective
        if not model.is_lp:
            fixed = engine(with_integers_fixed(model, values), Effort())
            if fixed.values is not None and fixed.objective is not None:
                values, objective = fixed.values, fixed.objective
        found = self._whole_near(model, values, objective)
        if found is None or found.outcome == "infeasible":
            return replace(near, outcome="none" if found is None else "infeasible", values=None)
        return replace(found, bound=near.bound, outcome=near.outcome)

    def _apart(self, model: Model, effort: Effort, aimed: AimedModel) -> Answer | None:
        """County by county as far as so many pricings bring it, where the model comes apart; any
        answer of one that pushes nothing."""
        if model.is_lp:
            return None
        if not model.cost.any():
            like = self._like.setdefault(len(model.cost), {})
            guided = replace(effort, guide=self._guide(aimed))
            return first_choice(model, guided, self.task.engine, like)
        found = apart_answer(model, replace(effort, pricings=_PRICINGS), self.task.engine)
        return None if found is None or found.values is None else found

    def _whole_near(self, model: Model, values: Floats, objective: float) -> Answer | None:
        """Whole units near continuous money; where a table is known already, one that comes close
        soon or none: it then stands."""
        clock, engine = self.task.clock, self.task.engine
        if self.table is None and model.cost.any():
            return to_whole_units(model, values, self.task.stage, aim=objective)[0]
        best: tuple[float, Answer] | None = None
        gap = max(ENOUGH, self.task.gap)
        # Where any answer will do, it is found sooner with money free in the funded cells.
        for rung in (rounded, within_one if model.cost.any() else _with_funded_free):
            effort = Effort(gap / 2, clock.left(), watch=clock.watch, stage="whole", nodes=_NODES)
            found = answered(engine, rung(model, values), effort)
            if found.objective is not None and (best is None or found.objective > best[0]):
                best = found.objective, found
            if best is not None and shortfall(objective, best[0], objective) <= gap:
                break
        return None if best is None else best[1]

    def _allocation(self, model: Model, answer: Answer) -> Allocation:
        assert answer.values is not None
        money = [int(amount) for amount in np.round(answer.values[model.grid.amount])]
        return as_allocation(self.problem.scenario, money)

    # The published choice among equals.

    def choose(self) -> SearchNote:
        """Least money moved from the baseline, then least Σ weight × money, of all that holds; in
        a large model among the cells that are funded, and nothing is claimed of it."""
        number = len(self.problem.scenario.spec.objective.aims)
        if not self.is_small and self._is_near_baseline():
            return SearchNote.BEST_FOUND
        moved = self.goal(Push(number, "moved", rises=False))
        if not self._chosen(
            moved, lambda aimed, model, least: _near(aimed, number).held(model, least)
        ):
            return SearchNote.BEST_FOUND
        weights = CellWeights(self.problem.codes).weights(WHOLE_BITS)
        whole = [int(weight) for weight in weights.tolist()]

        def light(aimed: AimedModel) -> Pushed:
            return Pushed(aimed.model.grid.amount, -weights)

        def worth(table: KeptTable) -> Fraction:
            money = table.allocation.amounts.ravel().tolist()
            return -sum((by * Fraction(one) for by, one in zip(whole, money, strict=True)), _NONE)

        lightest = Goal(moved.push, lambda aimed, model: light(aimed).posed(model), worth)
        closed = self._chosen(lightest, lambda aimed, model, least: light(aimed).held(model, least))
        return SearchNote.CLOSED if closed else SearchNote.BEST_FOUND

    def _is_near_baseline(self) -> bool:
        """Whether an aim of the list holds the distance that is to be chosen by already."""
        aims = self.problem.scenario.spec.objective.aims
        near = (aim for aim in aims if aim.nearest and aim.nearest.known == "baseline")
        return any(aim.by != "county" and not aim.give.of(Fraction(1)) for aim in near)

    def _chosen(self, goal: Goal, row: HeldRow) -> bool:
        best = self.best(goal) if self.is_small else self._among_funded(goal)
        self.table = best.table
        self.held.append(HeldGoal(goal, row, goal.worth(best.table)))
        return best.closed and self.is_small

    def _among_funded(self, goal: Goal) -> StageBest:
        """The best table that funds the cells that the best one so far does."""
        assert self.table is not None
        money = self.table.allocation.amounts.ravel()

        def within(aimed: AimedModel, model: Model) -> Model:
            values = np.zeros(len(model.cost))
            if model.grid.funded is not None:
                values[model.grid.funded] = money > 0
            return with_funded_fixed(goal.posed(aimed, model), values)

        return self.best(replace(goal, posed=within))


def _with_funded_free(model: Model, near: Floats) -> Model:
    """The model in whole units with the same funded cells as continuous money has."""
    return with_whole_money(with_funded_fixed(model, near))


def _told(goal: Goal, table: KeptTable, most: float, gap: float) -> StageBest:
    """A table with what a bound of the posed model says of it."""
    worth, bound = float(goal.worth(table)), most / goal.scale + goal.constant
    if goal.step is not None and is_told_apart(goal.step, worth):
        # Between two steps no table is worth anything.
        bound = worth + floor((bound - worth) / float(goal.step) + TOLERANCE) * float(goal.step)
    closed = bound - worth <= gap * max(1.0, abs(worth))
    return StageBest(table, max(bound, worth), closed)


def is_told_apart(step: Fraction, worth: float) -> bool:
    """Whether a solver's tolerance tells a worth from that a step beside it."""
    return float(step) > 2 * TOLERANCE * max(1.0, abs(worth))


def _near(aimed: AimedModel, number: int) -> Pushed:
    return aimed.pushed[Push(number, "moved", rises=False)]
