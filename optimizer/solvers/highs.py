"""HiGHS through its own arrays: the default solver."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from math import isfinite, log2

import highspy
import numpy as np
from numpy.typing import NDArray

from optimizer.formulation.model import Floats, Model
from optimizer.solvers.base import Answer, Effort, Outcome, Progress, no_stdout

IPM_FROM = 5_000_000
"""Non-zeros from which an LP goes to the interior-point method. Beyond anything measured: with
these rows the simplex method takes a fifth of its time at 311,554 (tests/bench)."""
_PRESOLVE_FROM = 50_000
"""Non-zeros from which presolve saves a relaxation more than it costs: below, on the shipped
programme (27,000), it takes a third of the time for nothing, and ten seconds where it goes astray
(50 places with 60 tiers each); at 77,000 it halves the time."""
_DOUBT_UP_TO, _DOUBT_NODES = 5000, 1000
"""Up to so many non-zeros a model said to be infeasible is looked at again without presolve, in so
many branches."""
_SMALL, _FEASIBILITY = 300, 1e-9
"""Up to so many columns, how far from whole a whole column may be, and a row from its limit: at
HiGHS's own 1e-6 a table that breaks a rule by a billionth is taken for the best, and its presolve
may then find no other. A larger model takes several times as long so (base-2020: 27 s for 6)."""
_AT_END = 1e-7
"""Of the size of an end of a column or row, how near to it a start counts as at it."""
_POLL = 0.05
_OWN, _DUAL, _PRIMAL = 1000.0, 1, 4
"""How much more a model's own costs count than those of a guide; HiGHS's ways."""
_PLAIN: dict[str, bool | float | str | int] = {
    "mip_heuristic_effort": 0.0,
    "mip_allow_restart": False,
    "mip_detect_symmetry": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_run_feasibility_jump": False,
    "mip_heuristic_run_zi_round": False,
    "mip_heuristic_run_shifting": False,
}
"""No heuristics, restarts or symmetries: with them a tight model takes six times as long."""
_TIGHT: dict[str, bool | float | str | int] = {"presolve_reduction_limit": 0}
"""Presolve looks and changes nothing: choices among few of the counties' pairs take half the time
so in the shipped scenarios. Without presolve at all their search takes longer than with it."""


def version() -> str:
    """The version of HiGHS."""
    return str(new_solver().version())


def solve_model(model: Model, effort: Effort | None = None) -> Answer:
    """Maximise a model. The status is HiGHS's own: a limit reached is never called optimal."""
    effort = effort or Effort()
    began = time.monotonic()
    solver = new_solver()
    scale = objective_scale(model)
    solver.passModel(as_lp(model, scale))
    _set_options(solver, model, effort)
    if effort.start is not None:
        _begin(solver, model, effort.start)
    if model.is_lp and effort.guide is not None:
        _run_guided(solver, model, effort.guide, scale)
    elif model.is_lp:
        solver.run()
    else:
        _run_interruptibly(solver, effort, scale)
    if _is_doubtful(solver, model):
        # Presolve of HiGHS 1.16 finds some small models infeasible that nothing at all solves.
        solver.setOptionValue("presolve", "off")
        solver.setOptionValue("mip_max_nodes", effort.nodes or _DOUBT_NODES)
        doubted = _answer(solver, model, scale, time.monotonic() - began)
        solver.clearSolver()
        _run_interruptibly(solver, effort, scale)
        again = _answer(solver, model, scale, time.monotonic() - began)
        return doubted if again.values is None else again
    if solver.getModelStatus() == highspy.HighsModelStatus.kUnboundedOrInfeasible:
        # Presolve cannot tell which; without it the solver can.
        solver.setOptionValue("presolve", "off")
        solver.run()
    return _answer(solver, model, scale, time.monotonic() - began)


def _begin(solver: highspy.Highs, model: Model, start: Floats) -> None:
    """Begin with a solution of whole columns; of a linear program, with the basis that it is of:
    where it is nearly a vertex, and nearly the best, a few steps are left."""
    if not model.is_lp:
        solution = highspy.HighsSolution()
        solution.col_value = start.tolist()
        solver.setSolution(solution)
        return
    basis = highspy.HighsBasis()
    basis.col_status = _statuses(start, model.lower, model.upper)
    basis.row_status = _statuses(model.matrix @ start, model.row_lower, model.row_upper)
    basis.valid = basis.alien = True
    solver.setBasis(basis)
    solver.setOptionValue("presolve", "off")
    solver.setOptionValue("solver", "simplex")


def _statuses(values: Floats, low: Floats, high: Floats) -> list[highspy.HighsBasisStatus]:
    """Basic where it is at neither end."""
    ends = [np.abs(values - end) <= _AT_END * np.maximum(1.0, np.abs(end)) for end in (low, high)]
    status = highspy.HighsBasisStatus
    named = (status.kBasic, status.kLower, status.kUpper)
    return [named[at] for at in np.where(ends[0], 1, np.where(ends[1], 2, 0)).tolist()]


def _run_guided(solver: highspy.Highs, model: Model, guide: Floats, scale: float) -> None:
    """Run with the guide's costs beside the model's own, then from there with its own alone."""
    columns = np.arange(len(model.cost), dtype=np.int32)
    own = model.cost * (_OWN / (np.abs(model.cost).max(initial=0.0) or 1.0))
    guided = own + guide / (np.abs(guide).max(initial=0.0) or 1.0)
    solver.changeColsCost(len(columns), columns, guided)
    solver.run()
    told = highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kOptimal
    if solver.getModelStatus() == told[0]:
        return
    if solver.getModelStatus() != told[1]:
        solver.clearSolver()
    solver.changeColsCost(len(columns), columns, model.cost * scale)
    solver.setOptionValue("simplex_strategy", _PRIMAL)
    solver.run()
    if solver.getModelStatus() not in told:
        solver.clearSolver()
        solver.setOptionValue("simplex_strategy", _DUAL)
        solver.run()


def _is_doubtful(solver: highspy.Highs, model: Model) -> bool:
    """A whole-column model said to be infeasible, small enough to look again at no cost."""
    said = solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
    return said and not model.is_lp and model.matrix.nnz <= _DOUBT_UP_TO


def _set_options(solver: highspy.Highs, model: Model, effort: Effort) -> None:
    options: dict[str, bool | float | str | int] = {
        "mip_rel_gap": effort.gap,
        "mip_abs_gap": 0.0,
        "random_seed": effort.seed,
        "parallel": "off",
    }
    if model.is_lp:
        options["presolve"] = presolve_of(model)
    elif len(model.cost) <= _SMALL:
        options["mip_feasibility_tolerance"] = _FEASIBILITY
    if effort.plain:
        options |= _PLAIN
    if effort.tight:
        options |= _TIGHT
    if model.is_lp and model.matrix.nnz >= IPM_FROM:
        options["solver"] = "ipm"
    options |= _stops(model, effort)
    for name, value in options.items():
        solver.setOptionValue(name, value)


def _stops(model: Model, effort: Effort) -> dict[str, bool | float | str | int]:
    """When the search is to end before it is closed."""
    ends: dict[str, bool | float | str | int] = {}
    if effort.time_limit is not None:
        ends["time_limit"] = max(effort.time_limit, 0.05)
    if effort.nodes is not None:
        ends["mip_max_nodes"] = effort.nodes
    if effort.target is not None:
        ends["objective_target"] = effort.target * objective_scale(model)
    return ends


def _run_interruptibly(solver: highspy.Highs, effort: Effort, scale: float) -> None:
    """Run in a thread, so that Ctrl-C reaches Python while HiGHS searches."""
    stop = threading.Event()
    began = time.monotonic()

    def interrupt(event: highspy.highs.HighsCallbackEvent) -> None:
        if stop.is_set():
            event.interrupt()

    def tell(event: highspy.highs.HighsCallbackEvent) -> None:
        out = event.data_out
        found = abs(out.mip_primal_bound) < highspy.kHighsInf
        gap = abs(out.mip_gap) if found and isfinite(out.mip_gap) else None
        objective = out.mip_primal_bound / scale if found else None
        assert effort.watch is not None
        effort.watch(Progress(effort.stage, time.monotonic() - began, gap, objective))

    solver.cbMipInterrupt.subscribe(interrupt)
    if effort.watch is not None:
        solver.cbMipLogging.subscribe(tell)
    thread = threading.Thread(target=solver.run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL)
    except BaseException:
        stop.set()
        thread.join(5)
        raise


def _answer(solver: highspy.Highs, model: Model, scale: float, seconds: float) -> Answer:
    status = highspy.HighsModelStatus
    said = solver.getModelStatus()
    if said == status.kInfeasible:
        return Answer("infeasible", None, None, None, seconds)
    if said in (status.kUnbounded, status.kUnboundedOrInfeasible):
        return Answer("unbounded", None, None, None, seconds)
    info = solver.getInfo()
    has_one = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    bound = _bound(info, model, scale, said == status.kOptimal)
    if not has_one:
        return Answer("none", None, None, bound, seconds)
    solution = solver.getSolution()
    values = np.array(solution.col_value)
    objective = float(model.cost @ values)
    outcome: Outcome = "optimal" if said == status.kOptimal else "feasible"
    prices = None
    if model.is_lp and outcome == "optimal":
        prices = np.array(solution.col_dual) / scale, np.array(solution.row_dual) / scale
    return Answer(outcome, values, objective, bound, seconds, prices)


def _bound(info: highspy.HighsInfo, model: Model, scale: float, closed: bool) -> float | None:
    if model.is_lp:
        return float(info.objective_function_value / scale) if closed else None
    bound = float(info.mip_dual_bound)
    return bound / scale if abs(bound) < highspy.kHighsInf else None


def objective_scale(model: Model) -> float:
    """A power of two that brings the largest cost near 1: small costs make gaps stop short."""
    largest = model.largest_cost
    return float(2.0 ** -round(log2(largest))) if largest else 1.0


def presolve_of(model: Model) -> str:
    """HiGHS's option for a relaxation that is solved once."""
    return "choose" if model.matrix.nnz >= _PRESOLVE_FROM else "off"


def as_lp(model: Model, scale: float) -> highspy.HighsLp:
    """The model as HiGHS takes it, its costs times `scale`."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), len(model.row_lower)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = model.cost * scale
    lp.col_lower_, lp.col_upper_ = model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr
    lp.a_matrix_.index_ = model.matrix.indices
    lp.a_matrix_.value_ = model.matrix.data
    if not model.is_lp:
        lp.integrality_ = _kinds(model.integer)
    return lp


def _kinds(integer: NDArray[np.bool_]) -> list[highspy.HighsVarType]:
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    return [kinds[flag] for flag in integer.tolist()]


@lru_cache(maxsize=1)
def _first_banner_gone() -> bool:
    """HiGHS 1.16 prints a banner to descriptor 1 at the first instance; stdout is for answers."""
    with no_stdout():
        highspy.Highs()  # type: ignore[no-untyped-call]
    return True


def new_solver() -> highspy.Highs:
    """An instance of HiGHS that prints nothing."""
    _first_banner_gone()
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("log_to_console", False)
    return solver
