"""`import allot` as a user's own script has it; the types of its options are checked with it.

Where mypy stops seeing a mistake in `mistakes`, its `ignore` has nothing to ignore and is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulp

import allot


def decide(file: Path, record: Path) -> tuple[allot.Solution, allot.Solution]:
    """A scenario solved, asked about, and kept as a record: the solution, and that read again."""
    scenario = allot.load(file, set_={"budget": 40})
    solution = allot.solve(scenario, gap=1e-3, units="whole")
    allot.write_record(solution, record, lang="zh", author="A", reason="a test")
    return solution, allot.read_record(record)


def ask(solution: allot.Solution) -> dict[str, Any]:
    """One answer of every verb that asks about a scenario or a solution, by the verb."""
    scenario, given = solution.scenario, allot.baseline(solution.scenario, kind="equal")
    model = allot.to_pulp(scenario)
    model.problem.solve(pulp.HiGHS(msg=False))
    return {
        "audit": allot.audit(scenario, given, whole=True),
        "repair": allot.repair(scenario, given, time_limit=60.0),
        "compare": allot.compare([scenario, solution, "baseline:equal"], gap=1e-3).outcomes,
        "grid": allot.grid(scenario, {"budget": [30, "40"]}, relax=True, workers=1),
        "sweep": allot.sweep(scenario, "budget", low=30, high=50),
        "solve_many": allot.solve_many(scenario, allot.Changes(numbers={"budget": [45, 40]})),
        "tornado": allot.tornado(scenario, by="jobs", relax=True),
        "prices": allot.prices(scenario, weights=True).frame,
        "costs": allot.costs(scenario, rules=["budget"], gap=1e-3).frame,
        "ranges": allot.ranges(solution, within=0.01).frame,
        "witness": allot.witness(allot.ranges(solution, within=0.2), "a", "most", time_limit=60.0),
        "explain": allot.explain(solution, "a", against="b"),
        "stability_curve": allot.stability_curve(solution, points=2, gap=0.1, seconds=60.0),
        "more_money": allot.more_money(solution, "a", 1, time_limit=60.0),
        "diagnose": allot.diagnose(scenario.replace(budget=20), weights={"floor": 2.5}),
        "from_pulp": allot.from_pulp(scenario, model, solver="highs"),
    }


def mistakes(scenario: allot.Scenario) -> None:
    """What no script should pass; never run."""
    allot.slove(scenario)  # type: ignore[attr-defined]
    allot.solve(scenario, gapp=1e-3)  # type: ignore[call-arg]
    allot.solve(scenario, units="halves")  # type: ignore[arg-type]
    allot.grid(scenario, {"budget": "1,2"}, relaxed=True)  # type: ignore[call-arg]
    allot.sweep(scenario, "budget", 10, 20)  # type: ignore[call-arg]
    allot.ranges(scenario, 0.1)  # type: ignore[call-arg]
    allot.baseline(scenario, "equal")  # type: ignore[call-arg]
