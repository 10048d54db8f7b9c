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
WISHES = {
    "rules.firms-target.at_least": "900",
    "rules.deep-poverty-share.at_least.share": "0.9",
    "rules.funded-cells.at_most": "80",
    "rules.jobs-target.at_least": "9000",
}


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
    for path, number in WISHES.items():
        wish = load(BASE, set_={path: number})
        asked[f"diagnose {path}={number}"] = lambda wish=wish: diagnose(wish)  # type: ignore[misc]
    for what, call in asked.items():
        used = busy(call)
        say(f"{what}: {used:.2f} s, {used / whole:.1f} × in one piece")


if __name__ == "__main__":
    main()
