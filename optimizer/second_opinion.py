"""What another solver says of the same model: recorded beside the answer, never in its place."""

from __future__ import annotations

from models.errors import NoAnswerError
from optimizer.formulation.assemble import formulate
from optimizer.solvers.base import Answer, Effort
from optimizer.solvers.engines import engine_version, pick_engine
from optimizer.strategies.monolithic import SearchTask

SECONDS = 120.0
"""The most time that a second opinion may take."""
_NOISE = 1e-6


def second_opinion(task: SearchTask, name: str, worth: float) -> dict[str, object]:
    """The outcome, objective and bound of solver `name` on the continuous model.

    `worth`: the objective of the answer, less what bent rules cost. `agrees` is False where the
    other solver finds the model infeasible or proves that nothing is as good as the answer; True
    where its bound lets the answer stand; None where it proved nothing.
    """
    engine, notes = pick_engine(name)
    model = formulate(task.scenario, task.values, whole=task.units != "continuous")
    effort = Effort(gap=task.gap, time_limit=task.clock.left(at_most=SECONDS))
    said: dict[str, object] = {
        "solver": name,
        "version": engine_version(name),
        "model": "continuous",
        **({"note": "; ".join(notes)} if notes else {}),
    }
    try:
        answer = engine(model, effort)
    except NoAnswerError as error:
        # An opinion that cannot be had does not cost the answer.
        return {**said, "outcome": "none", "note": str(error)}
    return {
        **said,
        "outcome": answer.outcome,
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": answer.gap,
        "agrees": _agrees(answer, worth),
        "seconds": round(answer.seconds, 3),
    }


def _agrees(answer: Answer, worth: float) -> bool | None:
    if answer.outcome == "infeasible":
        return False
    return None if answer.bound is None else answer.bound >= worth - _NOISE * max(abs(worth), 1e-9)
