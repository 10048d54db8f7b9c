"""Every choice of funded cells that may still be as good as the best known, by integer programs.

The best among the pairs, then the best but that one, and so on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from optimizer.formulation.model import Floats, Model
from optimizer.solvers.base import Effort, Limit
from optimizer.solvers.decomposition.choice import Pairs
from optimizer.solvers.decomposition.tree import Reached, Read
from optimizer.solvers.highs import solve_model

MOST_PAIRS = 400
"""Pairs up to which the choice model is closed in seconds (base-2020: 230)."""
_CHOICES, _BRANCHES = 40, 2000
"""Choices that are found so, and branches that each may take."""


def one_by_one(pairs: Pairs, bound: float, target: float, read: Read, limit: Limit) -> Reached:
    """Read every choice among the pairs that is worth `target` or more, as far as the limit allows.

    `bound`: no choice is better. The pairs hold all that such a choice may consist of.
    """
    model = pairs.model(np.zeros(len(pairs.blocks.lower)))
    for _ in range(_CHOICES):
        effort = Effort(0.0, limit.clock.left(), nodes=_BRANCHES, plain=True)
        answer = solve_model(model, effort)
        if answer.outcome == "infeasible":
            return Reached(target, True)
        if answer.bound is not None:
            bound = min(bound, answer.bound)
        if bound < target:
            return Reached(target, True)
        if answer.values is None or answer.outcome != "optimal":
            break
        chosen = np.round(answer.values[: len(pairs.county)])
        target = max(target, read(pairs.subset[np.flatnonzero(chosen)]))
        model = _without(model, chosen)
    return Reached(bound, False)


def _without(model: Model, chosen: Floats) -> Model:
    """The model less one choice: some county takes another pair."""
    row = np.zeros(len(model.cost))
    row[: len(chosen)] = chosen
    return replace(
        model,
        matrix=sparse.vstack([model.matrix, sparse.csr_matrix(row)], format="csr"),
        row_lower=np.append(model.row_lower, -np.inf),
        row_upper=np.append(model.row_upper, chosen.sum() - 1),
    )
