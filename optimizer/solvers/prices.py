"""Prices of the rows of a linear program: what the objective gains when a bound gives way."""

from __future__ import annotations

from dataclasses import replace

import highspy
import numpy as np

from optimizer.formulation.matrix import Floats, Model
from optimizer.solvers.highs import as_lp, new_solver, objective_scale, presolve_of


def row_prices(model: Model) -> tuple[Floats, float] | None:
    """([row] objective points per unit of the row's bound, value) of the linear relaxation.

    Positive where a larger bound would raise the objective, so at an upper bound, and negative at
    a lower one. None where the relaxation has no optimum.
    """
    relaxed = replace(model, integer=np.zeros_like(model.integer))
    solver = new_solver()
    scale = objective_scale(relaxed)
    solver.setOptionValue("presolve", presolve_of(model))
    solver.passModel(as_lp(relaxed, scale))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    prices = np.array(solver.getSolution().row_dual) / scale
    return prices, float(solver.getInfo().objective_function_value / scale)
