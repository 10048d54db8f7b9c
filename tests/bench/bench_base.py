"""base-2020@2020-first: rows, linear variant, mixed-integer model, whole answers, whole processes.

    python tests/bench/bench_base.py [--runs 5] [--quick]

Each figure stands beside a bare highspy run of the same arrays and the same model through PuLP
expressions, in the same run. `--quick` leaves out what takes tens of seconds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pulp
from bare import PlainPulp, bare_highs, objective_of
from measuring import ROOT, Job, machine, medians, processes_seconds_of, say, show

from models.objective import metric_values
from models.scenario import Scenario, load
from models.solution import Solution
from optimizer.audit import audit
from optimizer.baselines import baseline
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.formulation.model import Model
from optimizer.solve import Options
from optimizer.solvers.base import Effort
from optimizer.solvers.highs import solve_model

BASE = ROOT / "scenarios" / "base-2020.yaml"
FIRST = f"{BASE}@2020-first"
"""The first base, whose model is written out in `bare.py`."""
LINEAR = ("2020-first", "no-integer-rules")
"""Names of its overrides without counts and lots."""
LIGHT = 15
"""Runs of what takes milliseconds."""
_BARE = """
import sys
import highspy
import numpy as np
a = np.load(sys.argv[1])
lp = highspy.HighsLp()
lp.num_col_, lp.num_row_ = len(a["cost"]), len(a["row_lower"])
lp.sense_ = highspy.ObjSense.kMaximize
lp.col_cost_, lp.col_lower_, lp.col_upper_ = a["cost"], a["lower"], a["upper"]
lp.row_lower_, lp.row_upper_ = a["row_lower"], a["row_upper"]
lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
lp.a_matrix_.start_, lp.a_matrix_.index_ = a["start"], a["index"]
lp.a_matrix_.value_ = a["value"]
solver = highspy.Highs()
solver.setOptionValue("log_to_console", False)
solver.passModel(lp)
solver.run()
"""


def values_of(scenario: Scenario) -> dict[str, Fraction]:
    """Objective points of a unit of each metric, normalised by the scenario's baseline."""
    return metric_values(scenario, audit(scenario, baseline(scenario)).outcomes)


def near(one: float, other: float, within: float = 1e-6) -> None:
    """Stop where two ways of the same work do not agree: then the figures mean nothing."""
    if abs(one - other) > within * max(1.0, abs(other)):
        raise SystemExit(f"not the same model: {one} and {other}")


def linear(runs: int) -> None:
    """Rows, PuLP's build and the LP, each against the bare LP."""
    scenario = load(BASE, with_=LINEAR)
    values = values_of(scenario)
    model = formulate(scenario, values)
    near(objective_of(bare_highs(model)), _by_pulp(PlainPulp(scenario, values)))
    seconds = medians(
        {
            "bare highspy, LP": lambda: bare_highs(model),
            "rows": lambda: formulate(scenario, values),
            "solve_model, LP": lambda: solve_model(model),
            "PuLP expressions": lambda: PlainPulp(scenario, values),
            "PuLP expressions and its HiGHS": lambda: _by_pulp(PlainPulp(scenario, values)),
            "load the scenario": lambda: load(BASE, with_=LINEAR),
            "baseline and its audit": lambda: values_of(scenario),
        },
        max(runs, LIGHT),
    )
    say(f"\n{model.matrix.shape[0]} rows, {model.matrix.shape[1]} columns, {model.matrix.nnz} nz")
    show("base-2020@no-integer-rules, linear", seconds, "bare highspy, LP")


def _by_pulp(plain: PlainPulp, gap: float | None = None) -> float:
    # Not threads=1: after another HiGHS run in this process that fails, and PuLP tells of zeros.
    plain.problem.solve(pulp.HiGHS(msg=False, gapRel=gap, parallel="off"))
    return float(pulp.value(plain.problem.objective))


def closed(runs: int) -> None:
    """The continuous model closed, and at the gap of the whole answer."""
    scenario = load(FIRST)
    values = values_of(scenario)
    model = formulate(scenario, values)
    for gap, within in ((1e-4, 3e-4), (0.0, 1e-6)):
        best = _jobs(scenario, values, model, gap)
        found: dict[str, float] = {}
        seconds = medians({name: _kept(name, job, found) for name, job in best.items()}, runs)
        show(f"base-2020, continuous money, gap {gap:g}", seconds, "bare highspy")
        say("  objectives: " + ", ".join(f"{name} {value:.7f}" for name, value in found.items()))
        for value in found.values():
            near(value, found["bare highspy"], within)


def _jobs(
    scenario: Scenario, values: Mapping[str, Fraction], model: Model, gap: float
) -> dict[str, Job]:
    options = {"mip_rel_gap": gap, "mip_abs_gap": 0.0, "parallel": "off"}
    return {
        "bare highspy": lambda: objective_of(bare_highs(model, **options)),
        "solve_model": lambda: solve_model(model, Effort(gap=gap)).objective,
        "PuLP expressions": lambda: _by_pulp(PlainPulp(scenario, values, counts=True), gap),
    }


def _kept(name: str, job: Job, found: dict[str, float]) -> Job:
    def run() -> None:
        found[name] = float(str(job()))

    return run


def answers(runs: int) -> None:
    """The whole answer at gap 1e-4, without and with the repaired baseline."""
    scenario = load(FIRST)
    model = formulate(scenario, values_of(scenario))
    told: dict[str, list[Solution]] = {"without": [], "with": []}

    def answer(name: str) -> None:
        told[name].append(solve(scenario, Options(gap=1e-4, repaired=name == "with")))

    options = {"mip_rel_gap": 1e-4, "mip_abs_gap": 0.0, "parallel": "off"}
    seconds = medians(
        {
            "bare highspy, continuous": lambda: bare_highs(model, **options),
            "whole answer": lambda: answer("without"),
            "and the repaired baseline": lambda: answer("with"),
        },
        runs,
    )
    show("base-2020, whole answer at gap 1e-4", seconds, "bare highspy, continuous")
    gaps = [solution.gap for solution in told["without"] if solution.gap is not None]
    losses = [s.solver.rounding_loss or 0.0 for s in told["without"]]
    say(f"  gap {statistics.median(gaps):.1e}, rounding loss {statistics.median(losses):.1e}")
    repaired = told["with"][-1].repaired
    moved = "not found" if repaired is None else f"{repaired.moved} moved"
    say(f"  repaired baseline: {moved}")


def processes(runs: int) -> None:
    """Whole processes, start of Python included."""
    scenario = load(BASE, with_=LINEAR)
    model = formulate(scenario, values_of(scenario))
    named = [str(BASE), *(word for name in LINEAR for word in ("--with", name))]
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "model.npz"
        _save(arrays, model)
        seconds = medians(
            {
                "python, arrays from a file, bare highspy": _process("-c", _BARE, str(arrays)),
                "allot solve, linear variant": _process("-m", "cli", "solve", *named, "--json"),
            },
            runs,
        )
    show("whole process, base-2020@no-integer-rules", seconds, next(iter(seconds)))
    seconds = medians(
        {
            "python -c pass": _process("-c", "pass"),
            "python -c 'import click'": _process("-c", "import click"),
            "allot --help": _process("-m", "cli", "--help"),
        },
        max(runs, LIGHT),
    )
    show("start of the command line", seconds, "python -c pass")


def kept(runs: int) -> None:
    """Whole processes that write or read a record, in processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        record, page = (str(Path(folder) / name) for name in ("record", "compare"))
        four = [f"{BASE}{name}" for name in ("", "@low-tilt", "@jobs-first", "@steadier")]
        jobs = {
            "allot solve -o": _process("-m", "cli", "solve", four[0], "-o", record, "--force"),
            "allot verify": _process("-m", "cli", "verify", record),
            "allot compare -o": _process("-m", "cli", "compare", *four, "-o", page, "--force"),
        }
        seconds = medians(jobs, runs, processes_seconds_of)
    show("whole processes with a record, base-2020", seconds, next(iter(seconds)))


def _process(*arguments: str) -> Job:
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def _save(path: Path, model: Model) -> None:
    matrix = model.matrix
    np.savez(
        path,
        cost=model.cost,
        lower=model.lower,
        upper=model.upper,
        row_lower=model.row_lower,
        row_upper=model.row_upper,
        start=matrix.indptr,
        index=matrix.indices,
        value=matrix.data,
    )


def main() -> None:
    """All measurements, the quick ones first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    say(machine())
    linear(chosen.runs)
    processes(chosen.runs)
    kept(chosen.runs)
    if not chosen.quick:
        answers(chosen.runs)
        closed(chosen.runs)


if __name__ == "__main__":
    main()
