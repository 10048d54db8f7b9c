"""One linear program kept inside HiGHS: only what changes is sent, and the last basis is used.

Solving anew from arrays takes tens of milliseconds on the shipped programme; a re-solve after a
change of a few numbers takes less than one.
"""

from __future__ import annotations

import time

import highspy
import numpy as np
from scipy import sparse

from optimizer.formulation.edit import relaxed as relaxed
from optimizer.formulation.matrix import Floats, Ints, Model
from optimizer.solvers.answer import Answer
from optimizer.solvers.highs import IPM_FROM, as_lp, new_solver, objective_scale

_MANY = 2000
"""From so many changed coefficients on the whole model is sent instead."""
_OPTIMAL = highspy.HighsModelStatus.kOptimal
_INFEASIBLE = highspy.HighsModelStatus.kInfeasible
_UNBOUNDED = (
    highspy.HighsModelStatus.kUnbounded,
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
)


class HotModel:
    """A linear program that is solved again and again, each time with a few numbers changed.

    Whole columns of the model that it starts from are relaxed. Models that follow have the same
    columns and rows. What a solve gives depends only on the models since the last `restart`, so
    runs that restart at the same places give the same numbers, whatever came before.
    """

    def __init__(
        self,
        model: Model,
        *,
        tolerance: float | None = None,
        basis: highspy.HighsBasis | None = None,
    ) -> None:
        """`tolerance`: of feasibility, primal and dual; HiGHS's own (1e-7) without it. `basis`:
        one that solved the same model before."""
        self._model = relaxed(model)
        self._scale = objective_scale(model)
        self._solver = new_solver()
        self._solver.setOptionValue("parallel", "off")
        if tolerance is not None:
            self._solver.setOptionValue("primal_feasibility_tolerance", tolerance)
            self._solver.setOptionValue("dual_feasibility_tolerance", tolerance)
        self._solver.passModel(as_lp(self._model, self._scale))
        self._first = self._model
        if basis is not None:
            self._solver.setBasis(basis)
        elif model.matrix.nnz >= IPM_FROM:
            self._solver.setOptionValue("solver", "ipm")
        self._solver.run()
        self._solver.setOptionValue("solver", "simplex")
        self._basis: highspy.HighsBasis = self._solver.getBasis()

    @property
    def model(self) -> Model:
        """The model as it stands now."""
        return self._model

    def fits(self, model: Model) -> bool:
        """Whether `model` has the same columns and rows, so that it can follow this one."""
        return bool(model.matrix.shape == self._model.matrix.shape)

    def restart(self) -> None:
        """Back to the first model and the basis that solved it; all else is forgotten."""
        self.become(self._first)
        self._solver.clearSolver()
        self._from_basis()

    def become(self, model: Model) -> None:
        """Send what differs from the model as it stands: costs, bounds, coefficients.

        Raises ValueError for a model with other columns or rows.
        """
        if not self.fits(model):
            raise ValueError("a model that follows has the same columns and rows")
        old, new = self._model, model
        rows, columns, values = _changed_coefficients(old.matrix, new.matrix)
        self._model = relaxed(model)
        if len(rows) > _MANY:
            self._send_all()
            return
        self._send_costs(old, new)
        self._send_bounds(old, new)
        for row, column, value in zip(
            rows.tolist(), columns.tolist(), values.tolist(), strict=True
        ):
            self._solver.changeCoeff(row, column, value)

    def solve(self) -> Answer:
        """The model as it stands, from the last basis. The status is HiGHS's own."""
        began = time.perf_counter()
        self._solver.run()
        for presolve in ("choose", "off"):
            if self._solver.getModelStatus() in (_OPTIMAL, _INFEASIBLE):
                break
            # Rare: the basis led nowhere, or presolve could not tell infeasible from unbounded.
            self._run_without_basis(presolve)
        status = self._solver.getModelStatus()
        seconds = time.perf_counter() - began
        if status == _OPTIMAL:
            values = np.array(self._solver.getSolution().col_value)
            objective = float(self._model.cost @ values)
            return Answer("optimal", values, objective, objective, seconds)
        if status == _INFEASIBLE:
            # Its basis stays: where the next model is infeasible too, that is seen at once.
            return Answer("infeasible", None, None, None, seconds)
        self._from_basis()
        outcome = "unbounded" if status in _UNBOUNDED else "none"
        return Answer(outcome, None, None, None, seconds)  # type: ignore[arg-type]

    def _run_without_basis(self, presolve: str) -> None:
        self._solver.clearSolver()
        self._solver.setOptionValue("presolve", presolve)
        self._solver.run()
        self._solver.setOptionValue("presolve", "choose")

    def worth_of(self, column: int) -> float:
        """What one more unit of a column adds to the objective, as last solved: its reduced cost.

        For a column fixed by its bounds that is the slope of the objective in them; at a corner
        of the objective, that of one of the two sides.
        """
        return float(self._solver.getSolution().col_dual[column]) / self._scale

    def _from_basis(self) -> None:
        if self._basis.valid:
            self._solver.setBasis(self._basis)

    def _send_all(self) -> None:
        basis = self._solver.getBasis()
        self._solver.passModel(as_lp(self._model, self._scale))
        self._solver.setBasis(basis)

    def _send_costs(self, old: Model, new: Model) -> None:
        if new.cost is old.cost:
            return
        at = np.flatnonzero(new.cost != old.cost).astype(np.int32)
        if len(at):
            self._solver.changeColsCost(len(at), at, new.cost[at] * self._scale)

    def _send_bounds(self, old: Model, new: Model) -> None:
        for low, high, send in (
            ("lower", "upper", self._solver.changeColsBounds),
            ("row_lower", "row_upper", self._solver.changeRowsBounds),  # type: ignore[attr-defined]
        ):
            lower, upper = getattr(new, low), getattr(new, high)
            before, above = getattr(old, low), getattr(old, high)
            if lower is before and upper is above:
                continue
            changed = (lower != before) | (upper != above)
            at = np.flatnonzero(changed).astype(np.int32)
            if len(at):
                send(len(at), at, lower[at], upper[at])


def _changed_coefficients(
    old: sparse.csr_matrix, new: sparse.csr_matrix
) -> tuple[Ints, Ints, Floats]:
    """(row, column, new value) of each coefficient that differs."""
    if old is new:
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0)
    same = old.indices is new.indices or (
        old.nnz == new.nnz
        and np.array_equal(old.indices, new.indices)
        and np.array_equal(old.indptr, new.indptr)
    )
    if same:
        at = np.flatnonzero(old.data != new.data)
        rows = np.searchsorted(old.indptr, at, side="right") - 1
        return rows.astype(np.int64), old.indices[at].astype(np.int64), new.data[at]
    differs = (new - old).tocoo()
    told = differs.data != 0
    rows, columns = (side[told].astype(np.int64) for side in (differs.row, differs.col))
    return rows, columns, np.asarray(new[rows, columns], dtype=float).ravel()
