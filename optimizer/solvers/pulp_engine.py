"""Every solver but HiGHS' own arrays: the model goes through PuLP, to CBC or another.

What PuLP reports is not taken at its word: it calls a solver that ran out of time `Optimal`, and
leaves zeros in the variables of a problem without a solution. The values of an answer are read
against the rows before they count, and a bound is given only where the solver proved one.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import tempfile
import time
import traceback
from contextlib import nullcontext
from dataclasses import replace
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pulp

from models.errors import NoAnswerError, did_you_mean, refuse
from optimizer.formulation.model import Floats, Model
from optimizer.solvers.base import Answer, Effort, Engine, Outcome, no_stdout
from optimizer.solvers.pulp_problem import no_warnings, write_problem

CBC = ("PULP_CBC_CMD", "COIN_CMD")
"""PuLP's names for CBC: the program it brings along, and one that is installed."""
_TOLERANCE = 1e-5
_LARGEST_COST = 2.0**10
_PRINTED = 1e-3
"""CBC prints bounds to three decimals; the costs are scaled up, so that they matter little."""
_ABSOLUTE = 1e-6
"""What solvers take for closed whatever the gap asked for, in their own objective."""
_LEAST_SECONDS = 0.05
_SOLVED: dict[int, Outcome] = {
    pulp.LpSolutionOptimal: "optimal",
    pulp.LpSolutionIntegerFeasible: "feasible",
}
_UNSOLVED: dict[int, Outcome] = {
    pulp.LpStatusInfeasible: "infeasible",
    pulp.LpStatusUnbounded: "unbounded",
}
_SYSTEM = ("/tmp", "/var/tmp")  # No blank in their paths, where there are such.


def pulp_engine(name: str) -> Engine:
    """The solver of that name, in any case, through PuLP: `cbc`, or one of `available_solvers`.

    Raises `InputError`, naming the solvers that are here, for one that is not.
    """
    maker = _maker(name)

    def solve_model(model: Model, effort: Effort) -> Answer:
        return _solve(maker, model, effort)

    return solve_model


def available_solvers() -> tuple[str, ...]:
    """PuLP's names of the solvers that can run on this machine."""
    with no_warnings(), no_stdout():
        return tuple(pulp.listSolvers(onlyAvailable=True))


def _maker(name: str) -> Any:
    here = available_solvers()
    folded = {known.casefold(): known for known in here}
    folded.update(("cbc", known) for known in reversed(CBC) if known in here)
    found = folded.get(name.casefold())
    if found is None:
        known = ["highs", *(["cbc"] if "cbc" in folded else []), *here]
        unlike = did_you_mean(name, [other for other in known if other != name])
        refuse("", "solver", f"'{name}' is not here{unlike}; available: {', '.join(known)}")
    return getattr(pulp, found)


def _solve(maker: Any, model: Model, effort: Effort) -> Answer:
    """Solve with the costs scaled, so that absolute tolerances mean little."""
    began = time.monotonic()
    scale = _scale(model)
    with tempfile.TemporaryDirectory(prefix="allot-", dir=_without_blank()) as made:
        folder = os.path.relpath(made) if _is_parted(made) else made
        problem, variables = write_problem(replace(model, cost=model.cost * scale), "allot")
        log = Path(folder) / "log"
        with no_warnings():
            solver = _solver(maker, model, effort, (log, time.monotonic() - began))
            if effort.start is not None and not model.is_lp:
                for variable, value in zip(variables, effort.start, strict=True):
                    variable.varValue = float(value)
            solver.tmpDir = folder
            # A solver inside this process may print; a program's output goes nowhere already.
            with nullcontext() if issubclass(maker, pulp.LpSolver_CMD) else no_stdout():
                _run(problem, solver)
        said = log.read_text(errors="replace") if log.exists() else ""
    values = np.array([np.nan if v.varValue is None else v.varValue for v in variables])
    answer = _answer(problem, model, values, time.monotonic() - began)
    return replace(answer, bound=_bound(answer, model, (effort, scale, said, solver)))


def _without_blank() -> str | None:
    """Where the files of a solver go: PuLP parts its command at blanks, those of paths too."""
    places = (tempfile.gettempdir(), *_SYSTEM, os.curdir)
    usable = (place for place in places if not _is_parted(place) and os.access(place, os.W_OK))
    return next(usable, None)


def _is_parted(path: str) -> bool:
    return len(path.split()) != 1


def _solver(maker: Any, model: Model, effort: Effort, more: tuple[Path, float]) -> Any:
    """The solver with those of our wishes that it understands."""
    log, spent = more
    limit = effort.time_limit
    wishes = {
        "msg": False,
        "gapRel": effort.gap,
        "timeLimit": None if limit is None else max(limit - spent, _LEAST_SECONDS),
        "warmStart": (effort.start is not None and not model.is_lp) or None,
        "logPath": str(log) if maker.name in CBC else None,
    }
    understood = inspect.signature(maker).parameters
    return maker(**{k: v for k, v in wishes.items() if v is not None and k in understood})


def _run(problem: pulp.LpProblem, solver: Any) -> None:
    try:
        problem.solve(solver)
    except pulp.PulpError as error:
        raise NoAnswerError(f"{solver.name} failed: {error}") from error
    except BaseException as error:
        _end_programs(error)
        raise


def _end_programs(error: BaseException) -> None:
    """End what the interrupted solver started: PuLP keeps the program in a local variable only."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in frame.f_locals.values():
            if isinstance(value, subprocess.Popen):
                value.kill()
                value.wait()


def _answer(problem: pulp.LpProblem, model: Model, values: Floats, seconds: float) -> Answer:
    if problem.sol_status in _SOLVED and _is_solution(model, values):
        outcome = _SOLVED[problem.sol_status]
        return Answer(outcome, values, float(model.cost @ values), None, seconds)
    return Answer(_UNSOLVED.get(problem.status, "none"), None, None, None, seconds)


def _is_solution(model: Model, values: Floats) -> bool:
    """Whether the values keep bounds, rows and whole columns, but for a solver's tolerance."""
    if not np.isfinite(values).all():
        return False
    room = _TOLERANCE * (1 + abs(model.matrix) @ np.abs(values))
    rows = model.matrix @ values
    wide = _TOLERANCE * (1 + np.abs(values))
    whole = values[model.integer]
    return bool(
        (rows >= model.row_lower - room).all()
        and (rows <= model.row_upper + room).all()
        and (values >= model.lower - wide).all()
        and (values <= model.upper + wide).all()
        and (np.abs(whole - np.round(whole)) <= _TOLERANCE * 10).all()
    )


def _bound(answer: Answer, model: Model, run: tuple[Effort, float, str, Any]) -> float | None:
    """What the solver proved of every solution, a little above where it rounds; None if nothing.

    A linear model's optimum is its own bound. CBC writes its bound to its log. Of other solvers
    PuLP tells the gap only that they were asked for.
    """
    effort, scale, log, solver = run
    objective = answer.objective
    if model.is_lp or objective is None:
        return objective if answer.outcome == "optimal" else None
    if solver.name in CBC:
        proved = _bound_in_log(log, objective, scale)
        if proved is not None:
            return max(proved, objective)
    if answer.outcome == "optimal" and "gapRel" in inspect.signature(type(solver)).parameters:
        return objective + effort.gap * abs(objective) + _ABSOLUTE / scale
    return None


def _bound_in_log(log: str, objective: float, scale: float) -> float | None:
    """CBC's bound; the objective itself where its search tree is exhausted."""
    if re.search(r"^Result - Optimal solution found\s*$", log, re.MULTILINE):
        return objective
    found = re.search(r"^Upper bound:\s+(\S+)", log, re.MULTILINE)
    return (float(found[1]) + _PRINTED) / scale if found else None


def _scale(model: Model) -> float:
    """A power of two that brings the largest cost near `_LARGEST_COST`."""
    largest = model.largest_cost
    return float(2.0 ** round(log2(_LARGEST_COST / largest))) if largest else 1.0
