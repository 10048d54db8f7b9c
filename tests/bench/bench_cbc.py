"""HiGHS against CBC through PuLP: the linear variants of base-2020, and small integer programs.

    python tests/bench/bench_cbc.py [--runs 5]

Both must come to the same objective within 1e-6, relative; else the run ends with an error.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench_base import BASE, near, values_of
from measuring import machine, medians, say, show
from national import write_national

from models.objective import metric_values
from models.scenario import Scenario, load
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_whole_money
from optimizer.formulation.model import Model
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Effort
from tests.worlds import rule

VARIANTS = ("strict-tilt", "low-tilt", "jobs-first", "firms-first", "trainees-first")
SMALL = (6, 12, 20, 40)
"""Counties of the integer programs, each × 8 tasks."""
TOGETHER = 1e-6


def compare(title: str, model: Model, runs: int) -> float:
    """Both solvers on one model, closed; CBC's time as a multiple of HiGHS' own."""
    found: dict[str, float | None] = {}

    def job(name: str) -> None:
        engine, _ = pick_engine(name)
        found[name] = engine(model, Effort(gap=0.0)).objective

    seconds = medians({name: lambda name=name: job(name) for name in ("highs", "cbc")}, runs)  # type: ignore[misc]
    show(title, seconds, "highs")
    say(f"  objectives: {found['highs']!r} and {found['cbc']!r}")
    if found["highs"] is None or found["cbc"] is None:
        raise SystemExit("a solver found nothing")
    near(found["highs"], found["cbc"], TOGETHER)
    return seconds["cbc"] / seconds["highs"]


def linear(runs: int) -> list[float]:
    """The linear model of each variant."""
    ratios = []
    for name in ("base", *VARIANTS):
        with_ = ["no-integer-rules", *([] if name == "base" else [name])]
        scenario = load(BASE, with_=with_)
        model = formulate(scenario, values_of(scenario))
        ratios.append(compare(f"LP: {', '.join(with_)}", model, runs))
    return ratios


def whole(runs: int) -> list[float]:
    """Small programs with lots, counts of cells and whole money."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for counties in SMALL:
            path = write_national(Path(folder) / str(counties), counties)
            scenario = _with_counts(load(path), counties)
            model = with_whole_money(formulate(scenario, metric_values(scenario, {})))
            ratios.append(compare(f"MIP: {counties} counties × 8 tasks", model, runs))
    return ratios


def _with_counts(scenario: Scenario, counties: int) -> Scenario:
    tasks = rule(id="tasks-per-county", measure="cells", per=["county"], at_most=4)
    cells = rule(id="funded-cells", measure="cells", at_most=3 * counties)
    off = {name: {"enabled": False} for name in ("region-share", "tilt", "tilt-per-head", "jobs")}
    return scenario.replace(rules=off).replace(lot=20, rules=[tasks, cells])


def main() -> None:
    """Linear programs, then integer ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    say(machine())
    for what, ratios in (("LP", linear(runs)), ("MIP", whole(runs))):
        spread = ", ".join(f"{ratio:.1f}" for ratio in ratios)
        say(f"\n{what}: CBC through PuLP takes {spread} times HiGHS' time")


if __name__ == "__main__":
    main()
