"""Prices and ranges of a linear program, read from the basis that solved it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np

from optimizer.formulation.matrix import Floats, Model
from optimizer.solvers.highs import as_lp, new_solver, objective_scale, presolve_of
from optimizer.solvers.hot import HotModel, relaxed


@dataclass(frozen=True)
class Ranging:
    """The optimum of a linear relaxation and how far its basis carries.

    Rows and columns are those of the model, in its own units; a maximisation, so a price is
    positive where a larger bound would raise the objective.
    """

    objective: float
    values: Floats
    row_values: Floats
    prices: Floats
    """[row] objective points per unit of the row's bound."""
    bound_from: Floats
    bound_to: Floats
    """[row] the ends between which the bound that holds the row may lie for its price to hold."""
    others: tuple[Floats, ...]
    """What other objectives do along the same basis, [row] units per unit of the row's bound."""
    basis: highspy.HighsBasis
    """Where a further solve of the same model may begin."""


def ranging(model: Model, others: Sequence[Floats] = ()) -> Ranging | str:
    """Prices and ranges of the relaxation; `others`: costs of further objectives, [column] each.

    `infeasible`, `unbounded` or `none` where the relaxation has no optimum.
    """
    linear = relaxed(model)
    solver, scale = new_solver(), objective_scale(model)
    solver.setOptionValue("parallel", "off")
    solver.setOptionValue("presolve", presolve_of(model))
    solver.passModel(as_lp(linear, scale))
    solver.run()
    failed = _failed(solver)
    if failed:
        return failed
    _, found = solver.getRanging()
    solution = solver.getSolution()
    said: Any = solver  # What follows is missing from the package's own types.
    numbers = np.array(said.getBasicVariables()[1], dtype=np.int64)
    return Ranging(
        objective=float(solver.getInfo().objective_function_value / scale),
        values=np.array(solution.col_value),
        row_values=np.array(solution.row_value),
        prices=np.array(solution.row_dual) / scale,
        bound_from=np.array(found.row_bound_dn.value_),
        bound_to=np.array(found.row_bound_up.value_),
        others=tuple(_along(said, numbers, cost) for cost in others),
        basis=solver.getBasis(),
    )


def _failed(solver: highspy.Highs) -> str:
    status = highspy.HighsModelStatus
    said = solver.getModelStatus()
    if said == status.kUnboundedOrInfeasible:
        solver.setOptionValue("presolve", "off")
        solver.run()
        said = solver.getModelStatus()
    if said == status.kOptimal:
        return ""
    names: dict[Any, str] = {status.kInfeasible: "infeasible", status.kUnbounded: "unbounded"}
    return names.get(said, "none")


def _along(solver: Any, numbers: Any, cost: Floats) -> Floats:
    """y with B'y = the cost of the basic columns: exact along the basis."""
    of_basis = np.where(numbers >= 0, cost[np.maximum(numbers, 0)], 0.0)
    return np.array(solver.getBasisTransposeSolve(of_basis)[1], dtype=np.float64)


def cost_range(model: Model, values: Floats, direction: Floats) -> tuple[float, float]:
    """How far costs may move along `direction` ([column]) with `values` a best solution still.

    (from, to), around 0; infinite where there is no end. Unlike the range of one basis it is the
    whole range, however degenerate the model is. `values`: an optimal solution of the relaxation.
    """
    hot = HotModel(model)
    low, high = (_end(hot, model, (values, sign * direction)) for sign in (-1.0, 1.0))
    hot.restart()
    return -low, high


_FAR = 1e3
_NOISE = 1e-7
_ROUNDS = 60


def _end(hot: HotModel, model: Model, asked: tuple[Floats, Floats]) -> float:
    """The largest step along the direction at which no other solution is better.

    Newton's method: where another is better, back to where the two are worth the same.
    """
    values, direction = asked
    linear, unit = relaxed(model), float(np.abs(direction).max(initial=0.0))
    if not unit:
        return np.inf
    far = step = _FAR * max(float(np.abs(model.cost).max(initial=0.0)), 1e-12) / unit
    for _ in range(_ROUNDS):
        hot.become(replace(linear, cost=model.cost + step * direction))
        other = hot.solve().values
        if other is None:
            return np.nan
        moved = other - values
        gain, before = float(direction @ moved), float(model.cost @ moved)
        worth = max(abs(float(model.cost @ values)), 1e-12)
        if gain * step + before <= _NOISE * max(worth, abs(gain) * step):
            return np.inf if step == far else step
        step = max(0.0, -before / gain)
    return step
