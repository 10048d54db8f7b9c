"""Many objectives over one linear program, each from the basis of the program's own optimum.

The constraints do not change, so that basis is feasible for every objective and the primal simplex
method walks on from it: on the shipped programme an eighth of the time of the dual method.
"""

from __future__ import annotations

import highspy
import numpy as np

from optimizer.formulation.matrix import Floats, Ints, Model
from optimizer.solvers.highs import as_lp, new_solver, objective_scale
from optimizer.solvers.hot import relaxed

_PRIMAL = 4


class Extremes:
    """A linear program inside HiGHS, whole columns relaxed."""

    def __init__(self, model: Model) -> None:
        self._solver = new_solver()
        self._solver.setOptionValue("parallel", "off")
        self._solver.passModel(as_lp(relaxed(model), objective_scale(model)))
        self._solver.run()
        self.is_feasible = self._is_optimal()
        self._basis = self._solver.getBasis()
        self._solver.setOptionValue("simplex_strategy", _PRIMAL)
        self._all = np.arange(len(model.cost), dtype=np.int32)
        self._nothing = np.zeros(len(model.cost))

    def most(self, columns: Ints, sign: float) -> Floats | None:
        """The solution with the most (`sign` 1) or least (−1) in some columns together.

        None where the program has no solution, or no end in that direction.
        """
        cost = self._nothing.copy()
        cost[columns] = sign
        return self.best(cost)

    def best(self, cost: Floats) -> Floats | None:
        """The solution with the most of Σ cost × column; None as in `most`."""
        self._solver.changeColsCost(len(self._all), self._all, cost)
        self._solver.setBasis(self._basis)
        self._solver.run()
        if not self._is_optimal():
            self._solver.clearSolver()
            self._solver.run()
        return np.array(self._solver.getSolution().col_value) if self._is_optimal() else None

    def _is_optimal(self) -> bool:
        return bool(self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal)
