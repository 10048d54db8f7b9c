"""Which of the equally good allocations: the one that moves least money from the baseline.

The optimum is not unique, so a published rule chooses: hold the objective, then least
Σ |money − baseline|. With a gap above zero it works inside the funded cells that were found.
"""

from __future__ import annotations

import numpy as np

from optimizer.formulation.edit import with_integers_fixed, with_least_moved
from optimizer.formulation.matrix import Floats, Model
from optimizer.solvers.answer import Answer
from optimizer.solvers.effort import Clock, Effort, Engine

SLIP = 1e-6
"""How much of the objective without penalties, relative, the second stage may give up."""
WHOLE_SECONDS = 5.0
"""How long the choice among neighbours in whole units may take."""


def nearest_to_baseline(
    model: Model,
    found: Floats,
    baseline: Floats,
    stage: tuple[Engine, Clock],
    seconds: float = 60.0,
) -> Answer:
    """The solution of (almost) the objective of `found` with the least money moved.

    `model` is linear; or mixed-integer, to let the funded cells change as well or to stay in whole
    units. Where the stage yields nothing, `found` comes back.
    """
    engine, clock = stage
    objective = float(model.cost @ found)
    of_money = float(model.cost[model.grid.tier] @ found[model.grid.tier])
    floor = objective - SLIP * max(abs(of_money or objective), 1e-9)
    moved = with_least_moved(model, baseline, floor)
    start = np.concatenate([found, np.minimum(found[model.grid.amount], baseline)])
    effort = Effort(
        gap=0.0,
        time_limit=clock.left(at_most=seconds),
        start=None if model.is_lp else start,
        watch=clock.watch,
        stage="tie-break",
    )
    answer = engine(moved, effort)
    if answer.values is None:
        return Answer("none", found, objective, None, answer.seconds)
    values = answer.values[: len(model.cost)]
    if not model.is_lp:
        # The money of a mixed-integer answer is only as exact as its whole columns.
        linear = with_integers_fixed(model, values)
        again = engine(with_least_moved(linear, baseline, floor), Effort())
        values = values if again.values is None else again.values[: len(model.cost)]
    return Answer(answer.outcome, values, float(model.cost @ values), None, answer.seconds)
