"""From a solved PuLP problem back to whole units and the audit, with what was added by hand."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import pulp
from scipy import sparse

from models.allocation import Allocation
from models.errors import InfeasibleError, NoAnswer, NoAnswerError, refuse, with_keywords
from models.finding import Audit
from models.objective import objective_of
from models.scenario import Scenario
from models.solution import OPTIONS, SearchNote, Solution, SolverReport
from optimizer.aims import as_floats
from optimizer.audit import audit
from optimizer.formulation.assemble import formulate
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.problem import reference_of
from optimizer.quality import quality_of, unit_points
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock, Effort, Engine
from optimizer.solvers.pulp_problem import Back, Side, read_problem, sides
from optimizer.strategies.integer_rounding import to_whole_units
from optimizer.strategies.tightening import as_allocation, until_kept

GAP = 1e-4
"""Up to this gap a solution is called optimal."""
_SAME = 1e-8
_SLIP = 1e-6
_BOUND_GAP, _BOUND_SECONDS = 1e-5, 60.0
"""How close a bound of the problem is looked for, and how long."""
Stage = tuple[Engine, Clock]


@with_keywords()
def from_pulp(
    scenario: Scenario,
    solved: Any,
    *,
    solver: str = "highs",
    time_limit: float | None = None,
) -> Solution:
    """The allocation of a solved problem, in whole units, audited against the scenario.

    `solved`: what `to_pulp(scenario)` gave, or its `problem`, with whatever was added or changed
    by hand. All of that is kept while `solver` looks for whole units nearby, and what was added
    in terms of `x`, `funded` and `outcomes` is checked again on the whole units. A rule that was
    taken out of the problem may show as broken in the audit. The bound is that of the problem with
    all its changes, by the word of `solver`; None, with a note why, where the objective or some of
    the scenario's own constraints are changed or gone.

    Raises `InputError` for a problem that is not solved or is of another scenario,
    `InfeasibleError` for one without a solution, `NoAnswerError` where no whole units were found
    that keep what was added.
    """
    began = time.monotonic()
    problem = getattr(solved, "problem", solved)
    engine, notes = pick_engine(solver)
    reference = reference_of(scenario)
    origin = formulate(scenario, reference.points)
    by_hand = ByHand(scenario, reference.points, origin, read_problem(problem, origin))
    _refuse_unsolved(problem, by_hand)
    stage = engine, Clock(time_limit)
    allocation, audited, rung = _in_whole_units(by_hand, stage)
    objective = objective_of(audited, by_hand.points)
    unit = unit_points(scenario, by_hand.points)
    bound, why = _bound(by_hand, stage)
    quality = quality_of(objective, audited.penalty, bound, allowed=GAP, unit=unit)
    doubt = (SearchNote.CONTRADICTED,) if quality.contradicted else why
    return Solution(
        scenario=scenario,
        allocation=allocation,
        audit=audited,
        objective=objective,
        **quality.told,
        solver=SolverReport(
            name=str(getattr(problem.solver, "name", "PuLP")),
            version=f"pulp {version('pulp')}",
            solver_gap=None if quality.bound_solver is None else 0.0,
            rounding_loss=quality.gap,
            notes=(*_said(problem, by_hand), rung, *notes, *doubt),
        ),
        baseline=reference.comparison,
        seconds=time.monotonic() - began,
        options={
            **dict.fromkeys(OPTIONS),
            "solver": solver,
            "time_limit": time_limit,
            "units": "whole",
            "repaired": False,
            "certificate": False,
        },
    )


@dataclass(frozen=True)
class ByHand:
    """The scenario's own model beside what the problem has become."""

    scenario: Scenario
    points: Mapping[str, Fraction]
    origin: Model
    back: Back

    @cached_property
    def kept(self) -> dict[str, Side]:
        """The constraints that are as the scenario has them, by their names."""
        at = {name: row for row, name in enumerate(self.back.row_names)}
        both = [(at[side.name], side) for side in sides(self.origin) if side.name in at]
        now, columns = self.back.model, len(self.origin.cost)
        rows = now.matrix[[row for row, _ in both]]
        changed = abs(rows[:, :columns] - self.origin.matrix[[side.row for _, side in both]])
        most = np.maximum(_largest(changed), _largest(abs(rows[:, columns:])))
        return {
            side.name: side
            for (row, side), change in zip(both, most.tolist(), strict=True)
            if change <= _SAME and _bounds_of(side) == (now.row_lower[row], now.row_upper[row])
        }

    @cached_property
    def added(self) -> list[int]:
        """Rows of the problem that were added or changed."""
        return [row for row, name in enumerate(self.back.row_names) if name not in self.kept]

    @property
    def columns_changed(self) -> int:
        """How many of the scenario's columns have other bounds in the problem."""
        now, own = self.back.model, self.origin
        columns = len(own.cost)
        changed = (now.lower[:columns] != own.lower) | (now.upper[:columns] != own.upper)
        return int(np.count_nonzero(changed))

    @property
    def holds_all(self) -> bool:
        """Whether all that the scenario's model asks for is still asked for."""
        now, own = self.back.model, self.origin
        columns = len(own.cost)
        wider = (now.lower[:columns] < own.lower) | (now.upper[:columns] > own.upper)
        return len(self.kept) == len(sides(own)) and not wider.any()

    @cached_property
    def has_own_objective(self) -> bool:
        """Whether the objective is as the scenario has it."""
        now, own = self.back.model.cost, self.origin.cost
        return (
            bool(np.allclose(now[: len(own)], own, rtol=_SAME, atol=0.0))
            and not now[len(own) :].any()
        )

    def broken_but_kept(self, audited: Audit) -> Audit:
        """The audit with those broken limits only whose rows are still in the problem."""
        rows = {side.row for side in self.kept.values()}
        limits = {
            (limit.rule, key): limit.start + number
            for limit in self.origin.limits
            for number, key in enumerate(limit.keys)
        }
        keys = [(f.rule, tuple(value for _, value in f.key)) for f in audited.findings]
        ours = [limits.get(key) in rows for key in keys]
        findings = tuple(f for f, mine in zip(audited.findings, ours, strict=True) if mine)
        return replace(audited, findings=findings)

    def tightened(self, tighten: Tightening) -> Model:
        """The problem's model, with stricter copies of some of the scenario's rows."""
        model = self.back.model
        if not tighten:
            return model
        stricter_model = formulate(self.scenario, self.points, tighten=tighten)
        rows = [
            limit.start + number
            for limit in self.origin.limits
            for number, key in enumerate(limit.keys)
            if (limit.rule, key) in tighten
        ]
        more = sparse.csr_matrix((len(rows), len(model.cost) - len(self.origin.cost)))
        block = sparse.hstack([stricter_model.matrix[rows], more])
        return replace(
            model,
            matrix=sparse.vstack([model.matrix, block], format="csr"),
            row_lower=np.append(model.row_lower, stricter_model.row_lower[rows]),
            row_upper=np.append(model.row_upper, stricter_model.row_upper[rows]),
        )


def _in_whole_units(by_hand: ByHand, stage: Stage) -> tuple[Allocation, Audit, SearchNote]:
    """Whole units near the problem's own solution; limits that break are tightened."""
    money = by_hand.back.values[by_hand.origin.grid.amount]
    is_whole = np.abs(money - np.round(money)).max(initial=0.0) <= _SLIP
    rung = SearchNote.AS_SOLVED

    def attempt(tighten: Tightening) -> list[Allocation]:
        nonlocal rung
        found = money
        if tighten or not is_whole:
            found, rung = _nearby(by_hand, tighten, stage)
        return [as_allocation(by_hand.scenario, [int(amount) for amount in np.round(found)])]

    kept = until_kept(
        attempt,
        lambda allocation: by_hand.broken_but_kept(audit(by_hand.scenario, allocation)),
    )
    assert kept is not None
    allocation, _ = kept
    _refuse_missed(by_hand, as_floats(allocation))
    return allocation, audit(by_hand.scenario, allocation), rung


def _nearby(by_hand: ByHand, tighten: Tightening, stage: Stage) -> tuple[Floats, SearchNote]:
    near = np.nan_to_num(by_hand.back.values)
    model = by_hand.tightened(tighten)
    answer, rung = to_whole_units(model, near, stage, aim=float(model.cost @ near))
    if answer is not None and answer.outcome == "infeasible":
        raise InfeasibleError("no allocation in whole units keeps all that was added by hand")
    if answer is None or answer.values is None:
        raise NoAnswerError(NoAnswer.NOT_WHOLE)
    return answer.values[model.grid.amount], rung


def _refuse_unsolved(problem: pulp.LpProblem, by_hand: ByHand) -> None:
    if problem.status == pulp.LpStatusInfeasible:
        raise InfeasibleError("the problem, with what was added by hand, has no solution")
    money = by_hand.back.values[by_hand.origin.grid.amount]
    solved = problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    if problem.status == pulp.LpStatusNotSolved and problem.solver is None:
        refuse(problem.name, "", "is not solved; call its solve() first")
    if not solved or not np.isfinite(money).all():
        raise NoAnswerError(f"PuLP has no solution: {pulp.LpSolution[problem.sol_status]}")


def _refuse_missed(by_hand: ByHand, units: Floats) -> None:
    """Hold what was added against what the money yields, where it speaks of the cells only."""
    model = by_hand.back.model
    true = _true_values(by_hand, units)
    known = np.isfinite(true)
    missed = []
    for row in by_hand.added:
        terms = model.matrix[row]
        if known[terms.indices].all():
            value = float(terms.data @ true[terms.indices])
            room = _SLIP * (1 + float(np.abs(terms.data) @ np.abs(true[terms.indices])))
            if not model.row_lower[row] - room <= value <= model.row_upper[row] + room:
                missed.append(by_hand.back.row_names[row])
    if missed:
        raise NoAnswerError(
            f"{', '.join(missed)}: not kept by what the money yields; a limit on an outcome from "
            "above needs a rule in the scenario"
        )


def _true_values(by_hand: ByHand, units: Floats) -> Floats:
    """Money, tiers filled in their order, funded or not; not a number for other columns."""
    grid = by_hand.origin.grid
    width = by_hand.scenario.tiers_in_steps.width.reshape(len(units), -1).astype(float)
    before = np.cumsum(width, axis=1) - width
    filled = np.clip(units[:, None] - before, 0.0, width)
    true = np.full(len(by_hand.back.model.cost), np.nan)
    true[grid.amount] = units
    true[grid.tier] = filled[grid.tier_cell, grid.tier_number]
    if grid.funded is not None:
        true[grid.funded] = units > 0
    return true


def _bound(by_hand: ByHand, stage: Stage) -> tuple[float | None, tuple[SearchNote, ...]]:
    """A bound of the problem with all its changes by the solver's word, or why there is none.

    PuLP tells none, so it is found anew, with the objective scaled: solvers take steps that are
    worth less than their tolerance, which small objectives are, for none.
    """
    if not by_hand.has_own_objective:
        return None, (SearchNote.OTHER_OBJECTIVE,)
    if not by_hand.holds_all:
        return None, (SearchNote.ROWS_GONE,)
    engine, clock = stage
    near = by_hand.back.values
    start = near if np.isfinite(near).all() else None
    limit = clock.left(at_most=_BOUND_SECONDS)
    return engine(by_hand.back.model, Effort(_BOUND_GAP, limit, start=start)).bound, ()


def _said(problem: pulp.LpProblem, by_hand: ByHand) -> list[str]:
    names = [by_hand.back.row_names[row] for row in by_hand.added]
    lost = len(sides(by_hand.origin)) - len(by_hand.kept)
    notes = [f"PuLP: {pulp.LpSolution[problem.sol_status]}"]
    if names:
        notes.append(f"added or changed by hand: {', '.join(names)}")
    if lost:
        notes.append(f"{lost} of the scenario's own constraints are changed or gone")
    if columns := by_hand.columns_changed:
        notes.append(f"{columns} columns have other bounds than the scenario gives them")
    if not by_hand.has_own_objective:
        notes.append("the objective is changed by hand")
    return notes


def _bounds_of(side: Side) -> tuple[float, float]:
    return (
        -np.inf if side.sense == pulp.LpConstraintLE else side.bound,
        np.inf if side.sense == pulp.LpConstraintGE else side.bound,
    )


def _largest(matrix: sparse.csr_matrix) -> Floats:
    """The largest entry of each row of a matrix without negative entries."""
    if not matrix.shape[1]:
        return np.zeros(matrix.shape[0])
    return np.asarray(matrix.max(axis=1).todense(), dtype=float).ravel()
