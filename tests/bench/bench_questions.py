"""What is asked about the shipped scenario: ranges, what rules cost, why a wish cannot be met.

    .venv/bin/python tests/bench/bench_questions.py

Processor seconds of each, the median of three, beside the scenario's model solved in one piece in
the same run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from measuring import ROOT, machine, say

from models.scenario import load
from optimizer.infeasibility.diagnose import diagnose
from optimizer.problem import Problem
from optimizer.sensitivity.drop_rule import costs
from optimizer.sensitivity.near_optimal import ranges
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Effort
from optimizer.strategies import ProblemModels

BASE = ROOT / "scenarios" / "base-2020.yaml"
RUNS = 3
FIRST = f"{BASE}@2020-first"
WISHES = (
    (BASE, {"rules.funded-cells.at_most": "80"}),
    (BASE, {"rules.tasks-per-county.at_most": "1"}),
    (BASE, {"rules.jobs-target.at_least": "20000"}),
    (BASE, {f"rules.{name}-no-worse.enabled": "true" for name in ("jobs", "firms", "trainees")}),
    (BASE, {"rules.yi-per-resident.at_least.times": "3"}),
    (BASE, {"lot": "200"}),
    (FIRST, {"rules.county-floor.at_least": "400"}),
    (FIRST, {"rules.county-cap.at_most": "300"}),
    (FIRST, {"rules.firms-target.at_least": "900"}),
    (FIRST, {"rules.deep-poverty-share.at_least.share": "0.9"}),
)
"""Scenarios, and what is wished of each that cannot be had."""


def busy(call: Callable[[], object]) -> float:
    """Processor seconds, the median."""
    used = []
    for _ in range(RUNS):
        began = time.process_time()
        call()
        used.append(time.process_time() - began)
    return statistics.median(used)


def main() -> None:
    """Ask one after the other."""
    say(machine())
    scenario = load(BASE)
    engine, _ = pick_engine("highs", "monolithic")
    model = ProblemModels(Problem.of(scenario)).whole
    whole = busy(lambda: engine(model, Effort(gap=3e-4)))
    say(f"solved in one piece at gap 3e-4: {whole:.2f} s")
    asked: dict[str, Callable[[], object]] = {
        "ranges of counties and tasks, with a solve": lambda: ranges(scenario),
        "and of cells": lambda: ranges(scenario, cells=True),
        "what all rules cost": lambda: costs(scenario),
    }
    for of, changes in WISHES:
        wish = load(of, set_=changes)
        asked[f"diagnose {changes}"] = lambda wish=wish: diagnose(wish)  # type: ignore[misc]
    for what, call in asked.items():
        used = busy(call)
        say(f"{what}: {used:.2f} s, {used / whole:.1f} × in one piece")


if __name__ == "__main__":
    main()
