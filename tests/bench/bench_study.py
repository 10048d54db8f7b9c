"""Studies: relaxations of the base, hot re-solves beside bare highspy and PuLP, the pool.

    python tests/bench/bench_study.py [--points 10000] [--pulp 40] [--wholes 9] [--runs 3]

The hot re-solves move the floor of all counties along base-2020@no-integer-rules, so many values
of it one after the other: through `map_scenarios`, in a bare highspy loop that sends the same 88
bounds and reads the same solution, and by building the model anew with PuLP (`--pulp` of the
values). What one process does is given in seconds of the processor, so that other work on the
machine counts less. The pool solves `--wholes` points in whole units, by one process and by two.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pulp
from bare import PlainPulp, bare_highs, objective_of
from bench_base import BASE, FIRST, LINEAR, near, values_of
from measuring import Job, machine, medians, processor_seconds_of, say, seconds_of

from models.exact import exact_text
from models.scenario import Scenario, load
from optimizer.formulation.assemble import formulate
from optimizer.study.design import Point
from optimizer.study.grid import grid_study
from optimizer.study.runner import map_scenarios
from optimizer.study.sweep import sweep_study

FLOOR = "rules.county-floor.at_least"
LEAST, SPAN = Fraction(50), Fraction(50)
"""The floors lie between 50 and 100."""
RELAXATIONS, BARE, PULP, POOL = 1.0, 1.5, 15.0, 1.7
"""What is to be reached: seconds, times bare highspy, times faster than PuLP, times faster by 2."""


def verdict(reached: bool) -> str:
    """Whether a target is reached."""
    return "reached" if reached else "NOT REACHED"


def relaxations(runs: int) -> None:
    """A hundred relaxations of the base, counts and lots in proportion, by what is varied."""
    scenario = load(FIRST)
    asked = {
        "floor of the counties": {FLOOR: "1:100:1"},
        "share of the 45 (a third in conflict)": {
            "rules.deep-poverty-share.at_least.share": "0.2:0.398:0.002"
        },
        "weight of jobs": {"objective.weights.jobs": "0.1:10:0.1"},
        "budget": {"budget": "32000:34970:30"},
    }

    def job(vary: dict[str, str]) -> Job:
        return lambda: grid_study(scenario, vary, relax=True)

    jobs = {name: job(vary) for name, vary in asked.items()}
    seconds = medians(jobs, runs, processor_seconds_of)
    say("\n100 relaxations of base-2020@2020-first, and the unchanged scenario; processor time")
    for name, value in seconds.items():
        say(f"  {name:<38} {value:6.2f} s   {verdict(value <= RELAXATIONS)}")


def hot(count: int, by_pulp: int, runs: int) -> None:
    """One floor after the other: ours, bare highspy, PuLP."""
    scenario = load(BASE, with_=LINEAR)
    floors = [LEAST + SPAN * number / (count - 1) for number in range(count)]
    points: list[Point] = [((FLOOR, exact_text(floor)),) for floor in floors]
    bare = BareLoop(scenario)
    found: dict[str, list[float]] = {}

    def ours() -> None:
        results = map_scenarios(scenario, points, relax=True).results
        found["ours"] = [result.objective or 0.0 for result in results]

    def loop() -> None:
        found["bare"] = bare.objectives([float(floor) for floor in floors])

    seconds = medians({"ours": ours, "bare": loop}, runs, processor_seconds_of)
    for one, other in zip(found["ours"], found["bare"], strict=True):
        near(one, other)
    step = max(1, count // by_pulp)
    pulp_each = rebuilt(scenario, floors[::step], found["ours"][::step])
    each = {name: 1000 * value / count for name, value in seconds.items()}
    say(f"\n{count:,} hot re-solves of base-2020@no-integer-rules, processor time each")
    each["PuLP"] = 1000 * pulp_each
    for name, title in (("bare", "bare loop"), ("ours", "map_scenarios"), ("PuLP", "anew by PuLP")):
        say(f"  {title:<14} {each[name]:8.2f} ms   {each[name] / each['bare']:6.2f} x")
    ratio, faster = each["ours"] / each["bare"], each["PuLP"] / each["ours"]
    say(f"  at most {BARE} x the bare loop: {verdict(ratio <= BARE)}")
    say(f"  {faster:.0f} times faster than PuLP: {verdict(faster >= PULP)}")


class BareLoop:
    """highspy with nothing around it: 88 bounds sent, one run, the solution read."""

    def __init__(self, scenario: Scenario) -> None:
        model = formulate(scenario, values_of(scenario), whole=False)
        limit = next(limit for limit in model.limits if limit.rule == "county-floor")
        self._solver = bare_highs(model)
        self._rows = np.arange(limit.start, limit.start + len(limit.keys), dtype=np.int32)
        self._cost = model.cost
        self._none = np.full(len(self._rows), np.inf)

    def objectives(self, floors: Sequence[float]) -> list[float]:
        """The objective at each floor."""
        found = []
        for floor in floors:
            lower = np.full(len(self._rows), floor)
            self._solver.changeRowsBounds(len(self._rows), self._rows, lower, self._none)  # type: ignore[attr-defined]
            self._solver.run()
            values = np.array(self._solver.getSolution().col_value)
            found.append(float(self._cost @ values))
        near(found[-1], objective_of(self._solver))
        return found


def rebuilt(scenario: Scenario, floors: Sequence[Fraction], known: Sequence[float]) -> float:
    """Seconds of building and solving one of the floors with PuLP; checked against `known`."""
    values = values_of(scenario)
    taken = []
    for floor, objective in zip(floors, known, strict=True):
        plain: list[PlainPulp] = []

        def anew(floor: Fraction = floor, plain: list[PlainPulp] = plain) -> None:
            plain.append(PlainPulp(scenario, values, floor=float(floor)))
            plain[0].problem.solve(pulp.HiGHS(msg=False, parallel="off"))

        taken.append(processor_seconds_of(anew))
        near(float(pulp.value(plain[0].problem.objective)), objective)
    return statistics.median(taken)


def corners() -> None:
    """Exact sweeps: all corners of the value function."""
    say("\nexact sweeps")
    for names, path, low, high in (
        (LINEAR, "budget", 31000, 35000),
        (LINEAR[:1], "budget", 31000, 35000),
        (LINEAR[:1], FLOOR, 0, 180),
    ):
        scenario = load(BASE, with_=names)
        rows: list[int] = []
        took = seconds_of(
            lambda scenario=scenario, rows=rows, path=path, low=low, high=high: rows.append(  # type: ignore[misc]
                len(sweep_study(scenario, path, (low, high, None)).rows)
            )
        )
        say(f"  {', '.join(names)} along {path}: {rows[0]} rows in {took:.1f} s")


def pool(count: int, runs: int) -> None:
    """Whole-unit points by one process and by two."""
    scenario = load(FIRST)
    points: list[Point] = [((FLOOR, str(60 + number)),) for number in range(count)]
    sums: set[tuple[float | None, ...]] = set()

    def job(workers: int) -> Job:
        def run() -> None:
            found = map_scenarios(scenario, points, workers=workers, gap=1e-2).results
            sums.add(tuple(result.objective for result in found))

        return run

    seconds = medians({"one": job(1), "two": job(2)}, runs)
    if len(sums) > 1:
        raise SystemExit("one process and two do not give the same")
    faster = seconds["one"] / seconds["two"]
    say(f"\n{count + 1} points of base-2020@2020-first in whole units, gap 1e-2")
    say(f"  one process {seconds['one']:.1f} s, two {seconds['two']:.1f} s, start of them included")
    say(f"  {faster:.2f} times faster   {verdict(faster >= POOL)}")


def main(arguments: Sequence[str]) -> None:
    """Everything, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--pulp", type=int, default=40)
    parser.add_argument("--wholes", type=int, default=9)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args(arguments)
    say(machine())
    relaxations(chosen.runs)
    hot(chosen.points, chosen.pulp, chosen.runs)
    corners()
    if chosen.wholes:
        pool(chosen.wholes, 1)


if __name__ == "__main__":
    main(sys.argv[1:])
