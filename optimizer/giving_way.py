"""Where no allocation keeps the rules: the least giving-way of each rule that alone helps."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from scipy import sparse

from models.errors import GivingWay
from models.exact import rounded_text
from models.scenario import Scenario
from optimizer.formulation.build import formulate
from optimizer.formulation.matrix import Limit, Model
from optimizer.solvers.effort import Effort, Engine

_SECONDS = 10.0
_PLACES = 6


def giving_way(scenario: Scenario, engine: Engine) -> tuple[GivingWay, ...]:
    """One entry for each rule that alone could make room, by how much each of its limits must.

    Found on the continuous model. A rule is left out where no change of it alone helps, or the
    solver did not say within its limit.
    """
    values = {name: Fraction(0) for name in scenario.programme.metrics}
    model = formulate(scenario, values)
    found = []
    for limit in model.limits:
        answer = engine(_elastic(model, limit), Effort(gap=1e-3, time_limit=_SECONDS))
        if answer.objective is not None:
            found.append(_worded(limit, -answer.objective))
    return tuple(found)


def _elastic(model: Model, limit: Limit) -> Model:
    """Least t such that each row of `limit` may be missed by t in the rule's own unit."""
    rows = np.arange(limit.start, limit.start + len(limit.keys))
    step = limit.scale * limit.heads
    lower, upper = model.row_lower[rows], model.row_upper[rows]
    columns = len(model.cost)
    wide = sparse.hstack([model.matrix, sparse.csr_matrix((model.matrix.shape[0], 1))]).tocsr()
    loose = model.row_lower.copy()
    over = model.row_upper.copy()
    loose[rows], over[rows] = -np.inf, np.inf
    room = np.full(len(rows), columns)
    block = model.matrix[rows]
    plus = sparse.csr_matrix((step, (np.arange(len(rows)), room)), (len(rows), columns + 1))
    padded = sparse.hstack([block, sparse.csr_matrix((len(rows), 1))]).tocsr()
    return replace(
        model,
        cost=np.append(np.zeros(columns), -1.0),
        lower=np.append(model.lower, 0.0),
        upper=np.append(model.upper, np.inf),
        integer=np.append(model.integer, False),
        matrix=sparse.vstack([wide, padded + plus, padded - plus], format="csr"),
        row_lower=np.concatenate([loose, lower, np.full(len(rows), -np.inf)]),
        row_upper=np.concatenate([over, np.full(len(rows), np.inf), upper]),
    )


def _worded(limit: Limit, by: float) -> GivingWay:
    amount = rounded_text(Fraction(by).limit_denominator(10**9), _PLACES)
    each_zh, each_en = (
        ("每项限值", "each of its limits") if len(limit.keys) > 1 else ("限值", "its limit")
    )
    zh_side, en_side = {
        "at_least": ("降低", "lowered"),
        "at_most": ("提高", "raised"),
        "equal": ("放宽", "widened"),
    }[limit.sense]
    return GivingWay(
        limit.rule,
        {
            "zh": f"{limit.rule}：{each_zh}{zh_side} {amount} 即可行",
            "en": f"{limit.rule}: {each_en} {en_side} by {amount} would be enough",
        },
    )
