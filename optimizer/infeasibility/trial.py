"""Whether the rules of a scenario can be kept: tried, and what is found read in exact arithmetic.

What is advised is an allocation that the audit has read; that none exists is the solver's proof.
Efforts are counted in branches, the same ones on every machine; the clock enters only where a
limit was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.allocation import Allocation
from models.errors import NoAnswerError
from models.finding import Audit, Finding
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.formulation.aim_rows import yield_guide
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import (
    relaxed,
    with_funded_fixed,
    with_idle_closed,
    with_whole_money,
)
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.solvers import first_choice, hot_model, is_ruled_out
from optimizer.solvers.base import Answer, Clock, Effort, Engine
from optimizer.strategies import Infeasible
from optimizer.strategies.integer_rounding import around_some, rounded
from optimizer.strategies.monolithic import DIRECT_CELLS, LARGE
from optimizer.strategies.tightening import as_allocation, until_kept

if TYPE_CHECKING:
    from optimizer.solvers.decomposition.bound import Start
    from optimizer.solvers.highs_lp import HotModel

_NODES_WHOLE, _NODES, _NODES_UNITS = 5000, 20, 30
"""Branches that a question may take: of a small programme in whole units; of a large one; of a
large one's way to whole units."""
_LARGE_GAP, _ANY_GAP = 1e-3, 1e-2
"""Of a large one; of what guides it where nothing is worth anything."""


@dataclass(frozen=True)
class Trial:
    """What came of trying to keep the rules; neither where the solver could not tell."""

    allocation: Allocation | None = None
    """In whole money units; it keeps every rule in exact arithmetic."""
    is_impossible: bool = False
    """The solver proved that there is none."""


@dataclass(frozen=True)
class ConflictContext:
    """What all questions about one scenario share."""

    scenario: Scenario
    engine: Engine
    clock: Clock = field(default_factory=Clock)
    _last: list[tuple[Model, Answer]] = field(default_factory=list, repr=False, compare=False)
    _hot: list[HotModel] = field(default_factory=list, repr=False, compare=False)
    _like: dict[bool, Start] = field(default_factory=dict, repr=False, compare=False)
    """Where the prices of the last questions ended: those of the next begin there."""

    @property
    def whole(self) -> bool:
        """Small enough to ask in whole money units."""
        counties, tasks = self.scenario.programme.shape
        return counties * tasks <= DIRECT_CELLS

    @cached_property
    def is_large(self) -> bool:
        """So large that a relaxation in one piece takes minutes."""
        return self.model().matrix.nnz > LARGE

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that do not give way by themselves: only these can be in conflict."""
        return tuple(rule for rule in self.scenario.rules if rule.soft is None)

    @property
    def nothing(self) -> Mapping[str, Fraction]:
        """No metric is worth anything: only whether the rules can be kept is asked."""
        return {name: Fraction(0) for name in self.scenario.programme.metrics}

    def model(
        self,
        scenario: Scenario | None = None,
        apart: Sequence[str] = (),
        tighten: Tightening | None = None,
    ) -> Model:
        """A model of what the rules ask for; `apart` and `tighten` as in `formulate`."""
        asked = scenario or self.scenario
        made = formulate(asked, self.nothing, apart=apart, tighten=tighten)
        # Bent rules cost nothing here: only whether the others can be kept is asked.
        made = replace(made, cost=np.zeros_like(made.cost))
        return with_whole_money(made) if self.whole else made

    def relaxation(self, model: Model) -> Answer:
        """The model with cells funded in part; once for all that is asked of it in a row."""
        if not (self._last and self._last[0][0] is model):
            self._last[:] = [(model, self._relaxed(model))]
        return self._last[0][1]

    def _relaxed(self, model: Model) -> Answer:
        """Of a large model without costs from where the last one ended, by what guides it."""
        guide = yield_guide(self.scenario, model)
        if self.whole or model.cost.any() or model.matrix.nnz > LARGE:
            effort = Effort(time_limit=self.clock.left(), guide=guide)
            return self.engine(relaxed(model), effort)
        guided = replace(model, cost=guide)
        if self._hot and self._hot[0].fits(guided):
            self._hot[0].become(guided)
        elif (made := hot_model(guided)) is None:
            return self.engine(relaxed(model), Effort(time_limit=self.clock.left(), guide=guide))
        else:
            self._hot[:] = [made]
        return self._hot[0].solve()

    def solve(self, model: Model, *, at_length: bool = True) -> Answer:
        """Closed for small programmes, else as far as a count of branches goes.

        In large ones county by county, to a gap; where that finds nothing, `at_length` among the
        cells that the relaxation funds at all, which proves nothing.
        """
        if self.whole or model.is_lp:
            return self.engine(model, self._effort(_NODES_WHOLE))
        effort = self._effort(_NODES, _LARGE_GAP if model.cost.any() else _ANY_GAP)
        effort = replace(effort, guide=yield_guide(self.scenario, model))
        answer = first_choice(model, effort, self.engine, self._like)
        if answer is not None and answer.outcome != "none":
            return answer
        if not model.cost.any() and self.relaxation(model).outcome == "infeasible":
            return Answer("infeasible", None, None, None, 0.0)
        return self._piece(model) if answer is None or at_length else answer

    def _piece(self, model: Model) -> Answer:
        """Among the cells that the relaxation funds at all, which proves nothing where there is
        none."""
        loose, effort = (
            self.relaxation(model),
            replace(self._effort(_NODES, _LARGE_GAP), plain=True),
        )
        if loose.values is None or model.grid.funded is None:
            return loose if loose.outcome == "infeasible" else self.engine(model, effort)
        answer = self.engine(with_idle_closed(model, loose.values), effort)
        return replace(answer, outcome="none" if answer.values is None else "feasible", bound=None)

    def _effort(self, nodes: int, gap: float = 0.0) -> Effort:
        return Effort(gap=gap, time_limit=self.clock.left(), nodes=nodes)

    def is_feasible(self, model: Model) -> bool | None:
        """Whether the model has a solution; None where the solver did not say."""
        answer = self.solve(model)
        if answer.values is not None:
            return True
        return False if answer.outcome == "infeasible" else None

    def is_ruled_out(self, model: Model, soon: bool) -> bool:
        """Whether the model is known to have no solution; `soon`: only by what shows it at once,
        the prices of what couples counties or the relaxation."""
        if (shown := self.is_priced_out(model)) is not None:
            return shown
        if soon or model.is_lp or self.whole:
            if self.relaxation(model).outcome == "infeasible":
                return True
            if soon or model.is_lp:
                return False
        if self.clock.is_over():
            return False
        return self.solve(model, at_length=False).outcome == "infeasible"

    def is_priced_out(self, model: Model) -> bool | None:
        """Whether prices of what couples counties show that a large model has no solution, cells
        funded or not: they show more than the relaxation. None where it does not come apart."""
        if self.whole or model.is_lp:
            return None
        return is_ruled_out(model, self._like, self.clock.left())

    def tried(
        self,
        scenario: Scenario,
        *,
        eased: Tightening | None = None,
        near: Floats | None = None,
        rungs: int | None = None,
        at_length: bool = True,
    ) -> Trial:
        """Whether a scenario can be kept, some limits `eased` by an amount in their rule's unit.

        `near`: a solution of its model in parts of a unit, to begin with; of a large programme with
        so many `rungs` nothing is tried but to round it, more freely with each. `at_length` as in
        `solve`.
        """
        eased = eased or {}
        starts = _starts(near)

        def attempt(tighten: Tightening) -> list[Allocation] | None:
            moved = {key: tighten.get(key, Fraction(0)) for key in {**tighten, **eased}}
            moved = {key: by - eased.get(key, Fraction(0)) for key, by in moved.items()}
            model = self.model(scenario, [rule for rule, _ in eased], moved)
            first, count = starts(), None if self.whole else rungs
            found = None
            if first is not None and len(first) == len(model.cost):
                found = first if self.whole else self._whole_near(model, first, count)
            if found is None and count is None:
                found = self._found_whole(model, at_length)
            return None if found is None else [table_of(scenario, model, found)]

        try:
            kept = until_kept(attempt, lambda table: _excused(audit(scenario, table), eased))
        except Infeasible:
            return Trial(is_impossible=True)
        except NoAnswerError:
            return Trial()
        return Trial(kept[0]) if kept is not None else Trial()

    def _found_whole(self, model: Model, at_length: bool) -> Floats | None:
        """Whole money near the first solution that is found."""
        answer = self.solve(model, at_length=at_length)
        if answer.outcome == "infeasible":
            raise Infeasible
        if answer.values is None or self.whole:
            return answer.values
        return self._whole_near(model, answer.values)

    def _whole_near(self, model: Model, values: Floats, count: int | None = None) -> Floats | None:
        """Whole money near a continuous solution: each rung frees more, and takes longer.

        All money of the cells funded is soon found, or soon shown not to do; within one unit of the
        solution either takes up to ten times as long.
        """
        rungs: tuple[Callable[[], Model], ...] = (
            lambda: rounded(model, values),
            lambda: around_some(model, values),
            lambda: with_whole_money(with_funded_fixed(model, values)),
        )
        for rung in rungs[:count]:
            answer = self.engine(rung(), self._effort(_NODES_UNITS))
            if answer.values is not None:
                return answer.values
        return None


def table_of(scenario: Scenario, model: Model, values: Floats) -> Allocation:
    """The money of a whole-unit solution as an allocation."""
    money = np.round(values[model.grid.amount])
    return as_allocation(scenario, [max(int(amount), 0) for amount in money])


def _starts(near: Floats | None) -> Callable[[], Floats | None]:
    """The start at the first call, none at the others."""
    left = [near]
    return lambda: left.pop() if left else None


def _excused(audited: Audit, eased: Tightening) -> Audit:
    """The audit with limits that are missed by no more than they are eased by counted as kept."""

    def excused(one: Finding) -> Finding:
        room = eased.get((one.rule, tuple(value for _, value in one.key)), Fraction(0))
        return replace(one, state="kept") if room and one.spare >= -room else one

    return replace(audited, findings=tuple(map(excused, audited.findings)))
