"""Whether a rule can ever bind, given all the others."""

from __future__ import annotations

import numpy as np

from models.scenario import Scenario
from optimizer.formulation.build import formulate
from optimizer.formulation.matrix import Limit, Model
from optimizer.solvers.extremes import Extremes
from optimizer.why.ease import rows_of
from optimizer.why.elastic import freed
from optimizer.why.worth import worth_of

_NEAR = 1e-6


def can_bind(scenario: Scenario, name: str) -> bool:
    """Whether some allocation that keeps the other rules would touch a limit of this one.

    Asked of the relaxation, whose allocations include all others: a `False` is proved.
    """
    model = formulate(scenario, worth_of(scenario).points, whole=False, apart=[name])
    limit = next(limit for limit in model.limits if limit.rule == name)
    without = Extremes(freed(model, rows_of(limit)))
    if not without.is_feasible:
        return True
    return any(_touched(without, model, limit, at) for at in range(len(limit.keys)))


def _touched(without: Extremes, model: Model, limit: Limit, at: int) -> bool:
    row = limit.start + at
    cost = np.asarray(model.matrix[row].todense(), dtype=float).ravel()
    size = max(1.0, float(np.abs(cost).max(initial=0.0)))
    for sign, bound in ((-1.0, model.row_lower[row]), (1.0, model.row_upper[row])):
        if not np.isfinite(bound):
            continue
        values = without.best(sign * cost)
        if values is None or sign * (float(cost @ values) - bound) >= -_NEAR * size:
            return True
    return False
