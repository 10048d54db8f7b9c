"""The same rows given to other solvers and modelling packages, one after the other in one run.

    python tests/bench/bench_peers.py --seconds 120 --write

What is not installed is left out, and nothing here is a dependency of this project: install
`linopy cvxpy pyomo ortools pyscipopt` into an environment of its own beside it. With `--write` the
tables take the place of the last ones in README.md.

Whole units of the shipped base: one integer program; each solver has one thread (but where it says
otherwise) and so many seconds of the clock. Its gap is to its own bound; the bound of allot stands
in where it gives none. The linear variant: the same linear program, built by each package in its
own way and solved by HiGHS.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from measuring import ROOT, machine, say

import allot
from optimizer.formulation.model import Model
from optimizer.pulp_export import export, model_of
from optimizer.solvers.decomposition.blocks import find_blocks
from optimizer.solvers.highs import as_lp, new_solver, objective_scale

BASE = ROOT / "scenarios" / "base-2020.yaml"
README = Path(__file__).with_name("README.md")
_BEGIN, _END = "<!-- peers -->", "<!-- /peers -->"
_DIGITS = 9


@dataclass(frozen=True)
class Found:
    """What came out."""

    objective: float | None
    bound: float | None
    note: str = ""


def _cpu() -> float:
    """Processor seconds of this process and of those that it started."""
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + child.ru_utime + child.ru_stime


# Whole units.


def allot_way(gap: float) -> Callable[[Model, float], Found]:
    def run(_: Model, seconds: float) -> Found:
        scenario = allot.load(BASE)
        found = allot.solve(
            scenario, gap=gap, time_limit=seconds, repaired=False, certificate=False
        )
        return Found(float(found.objective), found.bound_solver, "audited; " + found.status)

    return run


def highs_way(model: Model, seconds: float) -> Found:
    solver, scale = new_solver(), objective_scale(model)
    solver.passModel(as_lp(model, scale))
    for name, value in {
        "time_limit": seconds,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 0.0,
        "parallel": "off",
    }.items():
        solver.setOptionValue(name, value)
    solver.run()
    info = solver.getInfo()
    return Found(info.objective_function_value / scale, info.mip_dual_bound / scale)


def cbc_way(model: Model, seconds: float) -> Found:
    import pulp

    from optimizer.solvers.pulp_problem import to_problem

    problem = to_problem(model, "base")
    problem.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=seconds, threads=1, gapRel=0.0))
    value = pulp.value(problem.objective)
    return Found(None if problem.sol_status < 1 else value, None, "no bound through PuLP")


def scip_way(_: Model, seconds: float) -> Found:
    scip: Any = import_module("pyscipopt").Model()
    scip.hideOutput()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "base.mps"
        export(allot.load(BASE), path, whole_units=True)
        scip.readProblem(str(path))
    scip.setParam("limits/time", seconds)
    scip.setParam("limits/gap", 0.0)
    scip.optimize()
    value = -scip.getObjVal() if scip.getNSols() else None
    return Found(value, -scip.getDualbound())


def cp_sat_way(workers: int) -> Callable[[Model, float], Found]:
    return lambda model, seconds: _by_cp_sat(model, seconds, workers)


def _by_cp_sat(model: Model, seconds: float, workers: int) -> Found:
    """Totals written out, numbers rounded to nine digits: it takes whole numbers only."""
    cp: Any = import_module("ortools.sat.python.cp_model")
    blocks = find_blocks(model_of(allot.load(BASE)))
    assert blocks is not None
    upper = np.minimum(model.upper, 1e6)
    matrix = (model.matrix @ blocks.spread).tocsr()
    sat = cp.CpModel()
    columns = [
        sat.new_int_var(int(np.ceil(low)), int(np.floor(high)), f"c{at}")
        for at, (low, high) in enumerate(zip(model.lower, upper, strict=True))
    ]
    rows = zip(matrix.indptr, matrix.indptr[1:], model.row_lower, model.row_upper, strict=False)
    for start, stop, low, high in rows:
        if stop == start:
            continue
        values = matrix.data[start:stop]
        whole = np.allclose(values, np.round(values), atol=1e-12)
        scale = 1 if whole else 10**_DIGITS / np.abs(values).max()
        factors = np.round(values * scale).astype(np.int64).tolist()
        used = [columns[at] for at in matrix.indices[start:stop].tolist()]
        total = cp.LinearExpr.weighted_sum(used, factors)
        if np.isfinite(low):
            sat.add(total >= int(np.ceil(low * scale - 1e-6)))
        if np.isfinite(high):
            sat.add(total <= int(np.floor(high * scale + 1e-6)))
    unit = 10**_DIGITS / np.abs(blocks.cost).max()
    used = np.flatnonzero(blocks.cost).tolist()
    points = np.round(blocks.cost[used] * unit).astype(np.int64).tolist()
    sat.maximize(cp.LinearExpr.weighted_sum([columns[at] for at in used], points))
    solver = cp.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    status = solver.solve(sat)
    if status not in (cp.OPTIMAL, cp.FEASIBLE):
        return Found(None, solver.best_objective_bound / unit)
    return Found(solver.objective_value / unit, solver.best_objective_bound / unit)


# The linear program.


def allot_linear(model: Model, _: float) -> Found:
    from optimizer.solvers.highs import solve_model

    answer = solve_model(model_of(allot.load(f"{BASE}@no-integer-rules")))
    return Found(answer.objective, answer.bound, "rows built and solved")


def pulp_linear(model: Model, _: float) -> Found:
    import pulp

    from optimizer.solvers.pulp_problem import to_problem

    problem = to_problem(model, "linear")
    problem.solve(pulp.HiGHS(msg=False))
    return Found(pulp.value(problem.objective), None)


def cvxpy_linear(model: Model, _: float) -> Found:
    cp: Any = import_module("cvxpy")
    x = cp.Variable(len(model.cost))
    low, high = np.isfinite(model.row_lower), np.isfinite(model.row_upper)
    free = np.isfinite(model.upper)
    kept = [
        model.matrix[low] @ x >= model.row_lower[low],
        model.matrix[high] @ x <= model.row_upper[high],
        x >= model.lower,
        x[free] <= model.upper[free],
    ]
    problem = cp.Problem(cp.Maximize((model.cost / np.abs(model.cost).max()) @ x), kept)
    problem.solve(solver=cp.HIGHS)
    return Found(float(problem.value * np.abs(model.cost).max()), None)


def linopy_linear(model: Model, _: float) -> Found:
    linopy, xarray = import_module("linopy"), import_module("xarray")
    made: Any = linopy.Model()
    columns = np.arange(len(model.cost))
    x = made.add_variables(
        lower=xarray.DataArray(model.lower, dims="column", coords={"column": columns}),
        upper=xarray.DataArray(model.upper, dims="column", coords={"column": columns}),
    )
    for sign, bound in ((">=", model.row_lower), ("<=", model.row_upper)):
        rows = np.flatnonzero(np.isfinite(bound))
        part = model.matrix[rows]
        most = int(np.diff(part.indptr).max())
        factors, used = np.zeros((len(rows), most)), np.full((len(rows), most), -1)
        row = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
        place = np.arange(part.nnz) - part.indptr[row]
        factors[row, place], used[row, place] = part.data, part.indices
        data = xarray.Dataset(
            {"coeffs": (("row", "_term"), factors), "vars": (("row", "_term"), used)},
            coords={"row": rows},
        )
        total = linopy.LinearExpression(data, made)
        made.add_constraints(total, sign, xarray.DataArray(bound[rows], dims="row"))
    made.add_objective((x * xarray.DataArray(model.cost, dims="column")).sum(), sense="max")
    made.solve(solver_name="highs", io_api="direct", log_to_console=False)
    return Found(float(made.objective.value), None)


def pyomo_linear(model: Model, _: float) -> Found:
    pyo: Any = import_module("pyomo.environ")
    made = pyo.ConcreteModel()
    ends = list(zip(model.lower.tolist(), model.upper.tolist(), strict=True))
    made.x = pyo.Var(
        range(len(ends)),
        bounds=lambda _, at: (ends[at][0], None if np.isinf(ends[at][1]) else ends[at][1]),
    )
    made.rows = pyo.ConstraintList()
    matrix = model.matrix
    for at, (low, high) in enumerate(zip(model.row_lower, model.row_upper, strict=True)):
        span = slice(matrix.indptr[at], matrix.indptr[at + 1])
        pairs = zip(matrix.data[span].tolist(), matrix.indices[span].tolist(), strict=True)
        total = sum(value * made.x[column] for value, column in pairs)
        sides = [None if np.isinf(side) else float(side) for side in (low, high)]
        made.rows.add((sides[0], total, sides[1]))
    worth = [(value, at) for at, value in enumerate(model.cost.tolist()) if value]
    made.worth = pyo.Objective(
        expr=sum(value * made.x[at] for value, at in worth), sense=pyo.maximize
    )
    pyo.SolverFactory("appsi_highs").solve(made)
    return Found(float(pyo.value(made.worth)), None)


WHOLE: dict[str, tuple[str, Callable[[Model, float], Found]]] = {
    "allot, gap 3e-4": ("", allot_way(3e-4)),
    "allot, gap 1e-4": ("", allot_way(1e-4)),
    "allot, gap 0": ("", allot_way(0.0)),
    "HiGHS, its defaults, gap 0": ("highspy", highs_way),
    "CBC through PuLP": ("pulp", cbc_way),
    "SCIP": ("pyscipopt", scip_way),
    "CP-SAT": ("ortools", cp_sat_way(1)),
    "CP-SAT, 8 workers": ("ortools", cp_sat_way(8)),
}
LINEAR: dict[str, tuple[str, Callable[[Model, float], Found]]] = {
    "allot": ("", allot_linear),
    "PuLP": ("pulp", pulp_linear),
    "linopy": ("linopy", linopy_linear),
    "CVXPY": ("cvxpy", cvxpy_linear),
    "Pyomo": ("pyomo", pyomo_linear),
}
"""Name → (package, way)."""
MODULES = {"ortools": "ortools.sat.python.cp_model", "pyomo": "pyomo.environ"}
"""Package → the module that loads it, where that has another name: loading is not counted."""


def _rows(
    ways: dict[str, tuple[str, Callable[[Model, float], Found]]], model: Model, seconds: float
) -> Iterator[str]:
    known: float | None = None
    for name, (package, way) in ways.items():
        try:
            said = f"{name} ({package} {version(package)})" if package else name
            import_module(MODULES.get(package, package or "allot"))
        except ImportError:
            yield f"| {name} | not installed | | | |"
            continue
        began = _cpu()
        try:
            found = way(model, seconds)
        except Exception as error:
            yield f"| {said} | {type(error).__name__}: {error} | | | |".replace("\n", " ")
            continue
        taken = _cpu() - began
        if known is None or (found.bound is not None and not package):
            known = found.bound
        bound = known if found.bound is None else found.bound
        gap = ""
        if found.objective is not None and bound is not None:
            gap = f"{max(0.0, bound - found.objective) / abs(found.objective):.1e}"
        value = "none" if found.objective is None else f"{found.objective:.10f}"
        yield f"| {said} | {value} | {gap} | {taken:.1f} | {found.note} |"


def main() -> None:
    """Run each, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    lines = [machine() + ".", ""]
    say(lines[0])
    whole = model_of(allot.load(BASE), whole_units=True)
    linear = model_of(allot.load(f"{BASE}@no-integer-rules"))
    for title, ways, model in (
        (f"whole units of base-2020, at most {chosen.seconds:.0f} s", WHOLE, whole),
        ("linear variant, built and solved", LINEAR, linear),
    ):
        lines += [f"| {title} | objective | gap | CPU s | |", "| --- | --- | --- | --- | --- |"]
        picked = {name: way for name, way in ways.items() if chosen.only in name}
        for line in _rows(picked, model, chosen.seconds):
            say(line)
            lines.append(line)
        lines.append("")
    if chosen.write:
        text = README.read_text("utf-8")
        before, rest = text.split(_BEGIN)
        after = rest.split(_END)[1]
        README.write_text(before + "\n".join([_BEGIN, *lines, _END]) + after, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
