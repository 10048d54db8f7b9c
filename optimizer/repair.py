"""The repaired baseline: the nearest allocation that keeps all rules, least money moved."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from models.allocation import Allocation
from models.scenario import Scenario
from models.solution import Comparison
from optimizer.audit import audit
from optimizer.formulation.build import formulate
from optimizer.formulation.edit import with_integers_fixed, with_least_moved
from optimizer.formulation.matrix import Floats, Model
from optimizer.formulation.rows import Tightening
from optimizer.reading import ATTEMPTS, as_allocation, objective_of, stricter
from optimizer.solvers.effort import Clock, Effort, Engine
from optimizer.solvers.whole_units import to_whole_units

SECONDS = 5.0
"""How long the search for the nearest allocation may take; it need not be closed."""
_GAP = 1e-3


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
    start: Floats | None = None
    for _ in range(ATTEMPTS):
        model = formulate(scenario, values, tighten=tighten)
        near = with_least_moved(model, target, -np.inf, np.ones(len(target)))
        start = _closed(near, stage, start)
        if start is None:
            return None
        rounded, _ = to_whole_units(near, start, float(near.cost @ start), *stage)
        if rounded is None or rounded.values is None:
            return None
        money = [int(amount) for amount in np.round(rounded.values[model.grid.amount])]
        allocation = as_allocation(scenario, money)
        audited = audit(scenario, allocation)
        if not audited.broken:
            moved = money_moved(allocation, basis.allocation)
            return Comparison(allocation, audited, objective_of(audited, values), moved)
        tighten = stricter(tighten, audited)
    return None


def _closed(model: Model, stage: tuple[Engine, Clock], before: Floats | None) -> Floats | None:
    """A good continuous solution: searched once, later only with the same whole columns."""
    engine, clock = stage
    if before is not None:
        again = engine(with_integers_fixed(model, before), Effort())
        return again.values
    limit = clock.left(at_most=SECONDS)
    effort = Effort(gap=_GAP, time_limit=limit, watch=clock.watch, stage="repaired baseline")
    return engine(model, effort).values


def money_moved(one: Allocation, other: Allocation) -> Fraction:
    """Money units that stand elsewhere in `one` than in `other`, each counted once.

    Where one spends more, the larger of what is added and what is taken away.
    """
    pairs = zip(one.amounts.ravel().tolist(), other.amounts.ravel().tolist(), strict=True)
    differences = [Fraction(a) - Fraction(b) for a, b in pairs]
    added = sum((d for d in differences if d > 0), Fraction(0))
    taken = -sum((d for d in differences if d < 0), Fraction(0))
    return max(added, taken)
