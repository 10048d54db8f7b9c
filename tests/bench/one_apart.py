"""One piece of work of `bench_neighbours.py` in a process of its own: make a programme, solve it,
give its rows to bare HiGHS, diagnose it.

    python tests/bench/one_apart.py solve SCENARIO SECONDS

Prints one document of JSON. What it works with is imported by each piece for itself, so that the
memory of one is not that of another; and so that the process that starts them stays small, whose
memory the system counts as theirs too.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any

from measuring import ROOT, processor_seconds_of, say

FIRST, OTHERS = 1001, 20
"""The number of the first programme that is no neighbour of the shipped base, and how many are."""
Told = dict[str, Any]


def _make(arguments: Sequence[str]) -> Told:
    from tests.bench.neighbours import neighbour
    from tests.bench.other_programmes import other

    seed, number, folder = int(arguments[0]), int(arguments[1]), Path(arguments[2])
    if number >= FIRST:
        return asdict(other(seed, number - FIRST, folder))
    return asdict(neighbour(seed, number, folder))


def _solve(arguments: Sequence[str]) -> Told:
    from models.errors import InfeasibleError, NoAnswerError
    from models.scenario import load
    from optimizer.decision import solve

    scenario, told = load(arguments[0]), dict[str, Any]()

    def job() -> None:
        try:
            found = solve(scenario)
            told.update(outcome=found.status, gap=found.gap, notes=found.solver.notes)
        except InfeasibleError as error:
            told.update(outcome="infeasible", said=str(error))
        except NoAnswerError as error:
            told.update(outcome="no answer", said=str(error))

    return {"seconds": _limited(job, float(arguments[1])), "memory": _peak()} | told


def _highs(arguments: Sequence[str]) -> Told:
    from bare import bare_highs

    from models.scenario import load
    from optimizer.pulp_export import model_of
    from optimizer.solvers.highs import objective_scale

    scenario, told = load(arguments[0]), dict[str, Any]()
    if scenario.spec.objective.aims or not scenario.spec.objective.has_points:
        return {"outcome": "not asked"}
    model = model_of(scenario, whole_units=arguments[3] == "whole")
    scaled = replace(model, cost=model.cost * objective_scale(model))
    options = {"mip_rel_gap": float(arguments[2]), "mip_abs_gap": 0.0, "parallel": "off"}

    def job() -> None:
        solver = bare_highs(scaled, **options)
        status = solver.modelStatusToString(solver.getModelStatus())
        told.update(outcome=status.lower())

    return {"seconds": _limited(job, float(arguments[1]))} | told


def _diagnose(arguments: Sequence[str]) -> Told:
    from models.scenario import load
    from optimizer.infeasibility.diagnose import diagnose

    scenario, told = load(arguments[0]), dict[str, Any]()

    def job() -> None:
        found = diagnose(scenario)
        told.update(proved=found is not None and found.is_proved)

    return {"seconds": _limited(job, float(arguments[1]))} | told


JOBS: dict[str, Callable[[Sequence[str]], Told]] = {
    "make": _make,
    "solve": _solve,
    "highs": _highs,
    "diagnose": _diagnose,
}


def _limited(job: Callable[[], None], seconds: float) -> float:
    """Processor seconds of a job, which ends this process if it takes more than so many."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    last = ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (last, last + 5))
    return processor_seconds_of(job)


def _peak() -> float:
    """The most memory that this process held, in MB (of 2**20 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def done_apart(job: str, *arguments: object) -> Told:
    """Do a job in a fresh process: what it printed, or how it ended."""
    command = [sys.executable, __file__, job, *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as errors:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        pipe = {"stdout": subprocess.PIPE, "stderr": errors, "text": True, "env": environment}
        with subprocess.Popen(command, cwd=ROOT, **pipe) as running:  # type: ignore[call-overload]
            text = running.stdout.read()
            _, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
        told: Told = {"memory": used.ru_maxrss / 1024}
        if running.returncode == 0:
            return told | dict(json.loads(text.splitlines()[-1]))
        errors.seek(0)
        said = (errors.read().strip().splitlines() or [""])[-1]
    if running.returncode == -signal.SIGXCPU:
        return told | {"outcome": "stopped", "said": ""}
    refused = said.startswith("models.errors.InputError")
    ended = "refused" if refused else "crashed"
    return told | {"outcome": ended, "said": f"{running.returncode}: {said}"}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    say(json.dumps(JOBS[sys.argv[1]](sys.argv[2:])))
