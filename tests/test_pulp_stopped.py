"""CBC that ends before it is done: out of time, out of branches, interrupted."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Callable
from math import inf
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pulp
import pytest

from optimizer.formulation.model import Model
from optimizer.pulp_export import model_of
from optimizer.solvers import pulp_engine
from optimizer.solvers.base import Effort
from tests.tables import table
from tests.worlds import rule, world

CBC = pulp_engine.pulp_engine("cbc")
OUT_OF_TIME = {
    "feasible": "Stopped on time",
    "none": "Stopped on time (no integer solution - continuous used)",
}
"""What CBC writes above its values where its time has ended, by what the answer is then."""


def small(folder: Path) -> Model:
    """Whole units of 37 in lots of 4, in three cells at the most: CBC closes it at once."""
    rules = [rule(id="few", measure="cells", at_most=3)]
    scenario = world(folder, {"budget": 37, "lot": 4, "rules": rules})
    return model_of(scenario, whole_units=True)


def after_each(monkeypatch: pytest.MonkeyPatch, then: Callable[[list[str]], None]) -> None:
    """Call `then` with the command of each program that CBC was, before PuLP reads its answer."""
    wait = subprocess.Popen.wait
    seen: list[object] = []

    def waited(program: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        done = wait(program, timeout)
        if program not in seen:
            seen.append(program)
            assert isinstance(program.args, list)
            then(program.args)
        return done

    monkeypatch.setattr(subprocess.Popen, "wait", waited)


def say_stopped(command: list[str], said: str) -> None:
    """Change what CBC wrote of an optimum; its bound then stands a quarter above its best."""
    written = Path(command[command.index("-solution") + 1])
    first, rest = written.read_text().split("\n", 1)
    proved, objective = first.split(" - objective value ")
    assert proved == "Optimal"
    written.write_text(f"{said} - objective value {objective}\n{rest}")
    log = written.parent / "log"
    stopped, count = re.subn(
        r"^Result - Optimal solution found\s*$",
        f"Result - Stopped on time limit\n\nUpper bound: {1.25 * float(objective):.3f}",
        log.read_text(),
        flags=re.MULTILINE,
    )
    assert count == 1
    log.write_text(stopped)


@pytest.mark.parametrize("outcome", OUT_OF_TIME)
def test_a_search_out_of_time_is_not_called_optimal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    model = small(tmp_path)
    best = CBC(model, Effort(gap=0.0))
    assert best.outcome == "optimal" and best.objective is not None
    after_each(monkeypatch, lambda command: say_stopped(command, OUT_OF_TIME[outcome]))
    answer = CBC(model, Effort(gap=0.0))
    assert answer.outcome == outcome
    if outcome == "none":
        assert (answer.values, answer.objective, answer.bound) == (None, None, None)
        return
    assert answer.objective == pytest.approx(best.objective)
    assert answer.bound == pytest.approx(1.25 * best.objective, rel=1e-3)


@pytest.mark.parametrize(("spent", "left"), [(1.5, 2.5), (9.0, 0.05)])
def test_cbc_may_take_what_is_left_of_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spent: float, left: float
) -> None:
    """Of four seconds, after so many that the problem took to be written."""
    run: list[list[str]] = []
    after_each(monkeypatch, run.append)
    model = small(tmp_path)
    now = itertools.count(100.0, spent)
    monkeypatch.setattr(pulp_engine, "time", SimpleNamespace(monotonic=lambda: next(now)))
    CBC(model, Effort(time_limit=4.0))
    (command,) = run
    assert float(command[command.index("-sec") + 1]) == pytest.approx(left)


class OneBranch(pulp.PULP_CBC_CMD):
    """CBC that ends after one branch: the same one on every machine, unlike a time limit."""

    def __init__(self, msg: bool, gapRel: float, logPath: str) -> None:
        super().__init__(msg=msg, gapRel=gapRel, logPath=logPath, maxNodes=1)


def test_a_search_that_cbc_ends_itself_is_not_called_optimal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thirty goods of which four rows allow about half: more than one branch to close."""
    count = 30
    rows = [
        [float(37 * i * i + 11 * i * j + 53 * j) % 97 + 1 for i in range(count)] for j in range(4)
    ]
    model = table(
        rows,
        [(-inf, sum(row) // 2) for row in rows],
        upper=np.ones(count),
        integer=np.ones(count, dtype=bool),
        cost=np.array([float(61 * i * i + 7 * i) % 89 + 1 for i in range(count)]),
    )
    closed = CBC(model, Effort(gap=0.0))
    assert closed.outcome == "optimal" and closed.objective is not None
    monkeypatch.setattr(pulp_engine, "_maker", lambda name: OneBranch)
    answer = pulp_engine.pulp_engine("cbc")(model, Effort(gap=0.0))
    assert answer.outcome == "feasible"
    assert answer.objective is not None and answer.bound is not None
    assert answer.objective <= closed.objective + 1e-6 < answer.bound


def test_the_bound_in_cbcs_log_is_read_with_room_for_its_three_decimals() -> None:
    read = pulp_engine._bound_in_log
    stopped = "Result - Stopped on time limit\n\nObjective value: 5.00000000\nUpper bound:   5.25\n"
    assert read(stopped, 2.5, 2.0) == pytest.approx(5.251 / 2)
    within = stopped.replace(
        "Stopped on time limit", "Optimal solution found (within gap tolerance)"
    )
    assert read(within, 2.5, 2.0) == pytest.approx(5.251 / 2)
    assert read("Result - Optimal solution found\n\nObjective value: 5.0\n", 2.5, 2.0) == 2.5
    assert read("Pre-processing says infeasible", 2.5, 2.0) is None


def test_what_an_interrupted_solver_started_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    wait = subprocess.Popen.wait

    def interrupted(program: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if program not in begun:
            begun.append(program)
            raise KeyboardInterrupt
        return wait(program, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        CBC(small(tmp_path), Effort())
    assert [program.returncode for program in begun] != [None] and len(begun) == 1
