"""The repaired baseline: the nearest allocation that keeps all rules, least money moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from models.objective import objective_of
from models.scenario import Scenario
from models.solution import Comparison
from optimizer.audit import audit
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_bounds, with_integers_fixed, with_least_moved
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.solvers.base import Clock, Effort, Engine
from optimizer.strategies.integer_rounding import to_whole_units
from optimizer.strategies.tightening import ATTEMPTS, as_allocation, stricter

SECONDS = 60.0
"""When the search for the nearest allocation is given up: so late that the gap, which is the same
on every machine, ends it first."""
_GAP = 1e-2
"""Relative gap at which it may stop, and loss in whole units that is good enough."""
_IDLE = 1e-6
_SPEND = 1e-3
"""What a money unit that is spent rather than left over counts, against 1 for one kept."""


def repair(
    scenario: Scenario,
    basis: Comparison,
    values: Mapping[str, Fraction],
    stage: tuple[Engine, Clock],
) -> Comparison | None:
    """The allocation nearest to `basis` that keeps the rules; None where none was found in time.

    The baseline itself where it keeps them. A comparison that cannot be had does not cost the
    answer: nothing is raised for it.
    """
    if not basis.audit.broken:
        return basis
    target = np.array(basis.allocation.amounts, dtype=float).ravel()
    tighten: Tightening = {}
    found: tuple[Floats, float] | None = None
    for _ in range(ATTEMPTS):
        model = formulate(scenario, values, tighten=tighten)
        near = with_least_moved(model, target, added=-_SPEND)
        found = _search(near, stage) if found is None else _again(near, found, stage)
        if found is None:
            return None
        start, most_kept = found
        aim = float(near.cost @ start)
        rounded, _ = to_whole_units(near, start, stage, aim=aim, enough=_GAP)
        if rounded is None or rounded.values is None:
            return None
        money = [int(amount) for amount in np.round(rounded.values[model.grid.amount])]
        allocation = as_allocation(scenario, money)
        audited = audit(scenario, allocation)
        if not audited.broken:
            moved = allocation.moved_from(basis.allocation)
            least = max(0.0, float(target.sum()) - most_kept / (1 - _SPEND))
            objective = objective_of(audited, values)
            return Comparison(allocation, audited, objective, moved=moved, moved_at_least=least)
        tighten = stricter(tighten, audited)
    return None


def _search(model: Model, stage: tuple[Engine, Clock]) -> tuple[Floats, float] | None:
    """(a good continuous solution, proven bound of the model's objective).

    First among the cells that the relaxation funds at all: that holds nearly all good solutions
    and closes in seconds where the whole model takes a minute. Then, if need be, everywhere.
    """
    engine, clock = stage
    relaxed = engine(replace(model, integer=np.zeros_like(model.integer)), Effort())
    if relaxed.values is None or relaxed.objective is None:
        return None
    bound = relaxed.objective
    if model.is_lp:
        return relaxed.values, bound
    idle = np.zeros(0, dtype=np.int64)
    if model.grid.funded is not None:
        idle = model.grid.funded[relaxed.values[model.grid.funded] < _IDLE]
    for tried in (with_bounds(model, idle, model.lower[idle], model.lower[idle]), model):
        limit = clock.left(at_most=SECONDS)
        effort = Effort(_GAP, limit, watch=clock.watch, stage="repaired baseline")
        if (answer := engine(tried, effort)).values is not None:
            return _again(model, (answer.values, bound), stage)
    return None


def _again(
    model: Model, found: tuple[Floats, float], stage: tuple[Engine, Clock]
) -> tuple[Floats, float] | None:
    """The same whole columns under tightened limits."""
    values = stage[0](with_integers_fixed(model, found[0]), Effort()).values
    return None if values is None else (values, found[1])
