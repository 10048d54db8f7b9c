"""Linear programs kept inside HiGHS: changed and solved again, ranged, priced."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from models.errors import NoAnswer, NoAnswerError
from optimizer.formulation.edits import relaxed, without_fixed
from optimizer.formulation.model import Floats, Ints, Model
from optimizer.solvers.base import Answer
from optimizer.solvers.highs import IPM_FROM, as_lp, new_solver, objective_scale, presolve_of

# One linear program kept inside HiGHS: only what changes is sent, and the last basis is used.
#
# Solving anew from arrays takes tens of milliseconds on the shipped programme; a re-solve after a
# change of a few numbers takes less than one.


_MANY = 2000
"""From so many changed coefficients on the whole model is sent instead."""
_DEVEX = 1
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
        # Exact weights take longer to set up than the few steps of a re-solve that they save.
        self._solver.setOptionValue("simplex_dual_edge_weight_strategy", _DEVEX)
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

    def restart(self, model: Model | None = None) -> None:
        """Back to the first model, or to `model`, and the basis that solved the first; all else is
        forgotten."""
        self.become(model or self._first)
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


# Many objectives over one linear program, each from the basis of the program's own optimum.
#
# The constraints do not change, so that basis is feasible for every objective and the primal
# simplex method walks on from it: on the shipped programme an eighth of the time of the dual
# method.


_PRIMAL = 4


class Extremes:
    """A linear program inside HiGHS, whole columns relaxed."""

    def __init__(self, model: Model) -> None:
        self._small = without_fixed(relaxed(model))
        self._solver = new_solver()
        self._solver.setOptionValue("parallel", "off")
        self._solver.passModel(as_lp(self._small.model, objective_scale(model)))
        self._solver.run()
        empty = not len(self._small.columns)
        self.is_feasible = not len(self._small.model.row_lower) if empty else self._is_optimal()
        self._basis = self._solver.getBasis()
        self._solver.setOptionValue("simplex_strategy", _PRIMAL)
        self._all = np.arange(len(self._small.columns), dtype=np.int32)
        self._nothing = np.zeros(len(model.cost))

    def most(self, columns: Ints, sign: float) -> float | None:
        """The most of `sign` × some columns together.

        None where the program has no solution, or no end in that direction.
        """
        cost = self._nothing.copy()
        cost[columns] = sign
        return self.best(cost)

    def best(self, cost: Floats) -> float | None:
        """The most of Σ cost × column; None as in `most`."""
        mine = cost[self._small.columns]
        beside = float(cost @ self._small.fixed)
        if not mine.any():
            return beside if self.is_feasible else None
        self._solver.changeColsCost(len(self._all), self._all, mine)
        self._solver.setBasis(self._basis)
        self._solver.run()
        if not self._is_optimal():
            self._solver.clearSolver()
            self._solver.run()
        if not self._is_optimal():
            return None
        return beside + float(self._solver.getInfo().objective_function_value)

    def _is_optimal(self) -> bool:
        return bool(self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal)


# Prices and ranges of a linear program, read from the basis that solved it.


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


# Prices of the rows of a linear program: what the objective gains when a bound gives way.


def row_prices(model: Model) -> tuple[Floats, float] | None:
    """([row] objective points per unit of the row's bound, value) of the linear relaxation.

    Positive where a larger bound would raise the objective, so at an upper bound, and negative at
    a lower one. None where the relaxation has no optimum.
    """
    solver = new_solver()
    linear, scale = relaxed(model), objective_scale(model)
    solver.setOptionValue("presolve", presolve_of(model))
    solver.passModel(as_lp(linear, scale))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    prices = np.array(solver.getSolution().row_dual) / scale
    return prices, float(solver.getInfo().objective_function_value / scale)


# A master problem: a linear program that columns are added to, one batch after the other.


class GrowingLp:
    """Maximises cost · v over rows between bounds; its columns come in batches."""

    def __init__(self, row_lower: Floats, row_upper: Floats) -> None:
        self._solver = new_solver()
        self._solver.setOptionValue("parallel", "off")
        self._solver.setOptionValue("presolve", "off")
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = 0, len(row_lower)
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.row_lower_, lp.row_upper_ = row_lower, row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        self._solver.passModel(lp)

    def add(self, cost: Floats, columns: sparse.csc_matrix, upper: Floats) -> None:
        """Append columns ≥ 0."""
        count = len(cost)
        self._solver.addCols(
            count,
            cost,
            np.zeros(count),
            upper,
            columns.nnz,
            columns.indptr[:-1].astype(np.int32),
            columns.indices.astype(np.int32),
            columns.data,
        )

    def solve(self) -> tuple[float, Floats, Floats]:
        """(objective, [column] values, [row] duals). Raises `NoAnswerError` without an optimum."""
        self._solver.run()
        if self._solver.getModelStatus() != _OPTIMAL:
            raise NoAnswerError(NoAnswer.STOPPED)
        found = self._solver.getSolution()
        objective = float(self._solver.getInfo().objective_function_value)
        return objective, np.array(found.col_value), np.array(found.row_dual)

    def set_upper(self, first: int, upper: Floats) -> None:
        """New upper ends of the columns from `first` on."""
        count = len(upper)
        columns = np.arange(first, first + count, dtype=np.int32)
        self._solver.changeColsBounds(count, columns, np.zeros(count), upper)

    def probed(self, first: int, upper: Floats, before: Floats, steps: int) -> float:
        """How much the objective falls within some simplex steps from the last solve with other
        upper ends; then they are `before` again."""
        solver = self._solver
        objective, basis = solver.getInfo().objective_function_value, solver.getBasis()
        self.set_upper(first, upper)
        solver.setOptionValue("simplex_iteration_limit", steps)
        solver.run()
        fall = float(objective - solver.getInfo().objective_function_value)
        solver.setOptionValue("simplex_iteration_limit", highspy.kHighsIInf)
        self.set_upper(first, before)
        solver.setBasis(basis)
        return fall
