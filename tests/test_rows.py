"""What the rows of a model say of a table of money: what the exact reading of the rules says."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.allocation import Allocation, allocation_of_rows
from models.errors import InputError
from models.finding import Audit
from models.objective import objective_of
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_bounds
from optimizer.formulation.model import Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.problem import reference_of
from optimizer.solvers.base import Answer, Effort
from optimizer.solvers.highs import solve_model
from tests.random_worlds import banded, careful, worlds
from tests.worlds import rule, world, write_world

ONE_TASK: dict[str, Any] = {"tasks": {"road": {}}}
NEAR = 1e-6


def at_table(model: Model, allocation: Allocation) -> Answer:
    """The model's best with just this money in its cells."""
    money = np.array([float(one) for one in allocation.amounts.ravel()])
    outside = (money < model.lower[model.grid.amount]) | (money > model.upper[model.grid.amount])
    if outside.any():
        return Answer("infeasible", None, None, None, 0.0)
    return solve_model(with_bounds(model, model.grid.amount, money, money), Effort(gap=0.0))


def agree(scenario: Scenario, model: Model, allocation: Allocation) -> bool | None:
    """Whether the table keeps the rules, which model and audit must say alike, as they must what
    it is worth; None where a breach is too small for a solver."""
    read = audit(scenario, allocation)
    if read.unmet and all(-one.spare * one.heads < NEAR for one in read.unmet):
        return None
    answer = at_table(model, allocation)
    assert (answer.outcome == "optimal") == (not read.unmet), (read.unmet, allocation)
    if not read.unmet:
        assert answer.objective == pytest.approx(worth(scenario, read), abs=1e-5)
    return not read.unmet


def worth(scenario: Scenario, read: Audit) -> float:
    return float(objective_of(read, reference_of(scenario).points) - read.penalty)


def tables(scenario: Scenario, count: int) -> list[Allocation]:
    """Tables of whole amounts of up to the budget, most of them small; the same every time."""
    draw, (counties, tasks) = Random(7), scenario.programme.shape
    found = []
    for _ in range(count):
        left = draw.randint(0, int(scenario.budget))
        money = [0] * (counties * tasks)
        for cell in draw.sample(range(len(money)), len(money)):
            money[cell] = draw.choice([0, draw.randint(0, min(left, 12))])
            left -= money[cell]
        found.append(
            allocation_of_rows([money[c * tasks : (c + 1) * tasks] for c in range(counties)])
        )
    return found


_SMALL = worlds(counties=3, tasks=2, budget=40, rules=4)


@pytest.mark.slow
def test_the_model_says_of_every_table_what_the_audit_says() -> None:
    """Both readers of the rules on random tables: what is kept, and what it is worth."""
    seen: Counter[bool | None] = Counter()

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(_SMALL, banded(_SMALL), _SMALL.map(careful)))
    def check(parts: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                scenario = load(write_world(Path(folder), **parts))
            except InputError:
                return
        model = formulate(scenario, reference_of(scenario).points)
        for table in tables(scenario, 6):
            seen[agree(scenario, model, table)] += 1

    check()
    assert min(seen[True], seen[False]) >= 50, seen


# ---- which cells a limit is about ----

EDGES: list[Any] = [{"max": 300}, {"min": 300}, {"min": 300, "max": 300}]


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_the_edge_of_a_range_of_numbers_belongs_to_it(tmp_path: Path, edge: Any) -> None:
    """County b has 300 people. Its 7 coins bring 0.5 each; of the other 53, 20 stand in the first
    tiers of a, at 0.5, and 33 at 0.2. Where the limit is about a as well, 7 coins are all."""
    cap = rule(where={"people": edge}, at_most=7)
    both = edge.get("min") is None
    solution = solve(world(tmp_path, {"budget": 60, "rules": [cap]}), repaired=False)
    assert solution.objective == Fraction("3.5" if both else "20.1")
    assert solution.certificate is not None and solution.certificate.bound == solution.objective


def test_limits_keep_the_order_in_which_their_columns_are_written(tmp_path: Path) -> None:
    """At least 6 for the school of each county: 12 at 0.1, and the other 8 coins at 0.5. Only with
    the price of each limit at its own cell is 5.2 proved."""
    floor = rule(per=["task", "county"], at_least={"column": "least"})
    tiers = [[c, t, 1, 10, r, "0"] for c in "ab" for t, r in (("road", "0.5"), ("school", "0.1"))]
    tasks = {"road": {"least": 0}, "school": {"least": 6}}
    scenario = world(tmp_path, {"budget": 20, "rules": [floor]}, tasks=tasks, tiers=tiers)
    solution = solve(scenario, repaired=False)
    assert solution.objective == Fraction("5.2")
    assert solution.certificate is not None and solution.certificate.bound == solution.objective
    keys = {line.multiplier.key for line in solution.certificate.limits} - {()}
    assert keys == {(("task", "school"), ("county", code)) for code in "ab"}


# ---- where the bounds lie ----

UNEVEN: dict[str, Any] = {
    "at most half a coin more than ten": {"at_most": "10.5"},
    "at least half a coin more than ten": {"at_least": "10.5"},
    "at most ten and a half in both": {"where": {}, "at_most": "10.5"},
    "near ten and a third": {"equal": "31/3", "within": "2/3"},
    "at most a third of all and a half": {"at_most": [{"share": "1/3", "of": "amount"}, "0.5"]},
    "at least a seventh of all and a half": {"at_least": [{"share": "1/7", "of": "amount"}, "1/2"]},
    "at most two thirds of the other": {
        "at_most": {"share": "2/3", "of": "amount", "where": {"county": "b"}}
    },
    "per head": {"per_head": "people", "at_most": "7/600"},
}


@pytest.mark.parametrize("name", UNEVEN)
def test_a_bound_between_whole_numbers_lets_through_what_it_should(
    name: str, tmp_path: Path
) -> None:
    """Every whole table of two cells is kept by the model exactly where the rule is kept."""
    limit = rule(**{"where": {"county": "a"}, **UNEVEN[name]})
    scenario = world(tmp_path, {"budget": 24, "rules": [limit]}, **ONE_TASK)
    model = formulate(scenario, reference_of(scenario).points)
    told = Counter(
        agree(scenario, model, allocation_of_rows([[a], [b]]))
        for a, b in itertools.product(range(0, 15), range(0, 13, 3))
        if a + b <= 24
    )
    assert told[True] >= 10 and told[False] >= 10 and not told[None]


def bounds(scenario: Scenario, tighten: Tightening, name: str = "r") -> list[tuple[float, float]]:
    """Lower and upper bound of each limit in the rule's own unit."""
    points = reference_of(scenario).points
    model = formulate(scenario, points, whole=False, tighten=tighten, apart=[name])
    limit = model.limit(name)
    unit = limit.scale * limit.heads
    low, high = model.row_lower[limit.rows] / unit, model.row_upper[limit.rows] / unit
    return list(zip(low.tolist(), high.tolist(), strict=True))


SIDES: dict[str, tuple[dict[str, Any], tuple[float, float]]] = {
    "a floor": ({"at_least": 10}, (1, 0)),
    "a cap": ({"at_most": 10}, (0, -1)),
    "an equality": ({"equal": 10, "within": 4}, (1, -1)),
    "a floor per head": ({"at_least": "0.1", "per_head": "people"}, (1, 0)),
    "a cap on a share": ({"at_most": {"share": "0.3", "of": "amount"}}, (0, -1)),
    "a target": ({"measure": "jobs", "at_least": 3}, (1, 0)),
}


@pytest.mark.parametrize("name", SIDES)
def test_a_stricter_limit_lies_further_in_by_what_is_asked_and_the_others_stay(
    name: str, tmp_path: Path
) -> None:
    fields, (lower, upper) = SIDES[name]
    scenario = world(tmp_path, {"budget": 60, "rules": [rule(per=["county"], **fields)]})
    before, by = bounds(scenario, {}), Fraction(1, 8)
    after = bounds(scenario, {("r", ("b",)): by})
    assert after[0] == pytest.approx(before[0])
    moved = (before[1][0] + lower / 8, before[1][1] + upper / 8)
    assert after[1] == pytest.approx(moved)


def test_a_stricter_budget_is_a_smaller_one(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 60})
    assert bounds(scenario, {("budget", ()): Fraction(1, 8)}, "budget") == [(-np.inf, 59.875)]


# ---- tiers that the objective would rather fill out of their order ----

COSTLY: dict[str, Any] = {
    "metrics": [{"id": name, "title": name, "unit": name} for name in ("jobs", "cost")]
}
RISING = {
    # Points a coin: 0.5 − 0.3 = 0.2, then 0.5.
    "the second tier is worth more": ([("0.5", "1"), ("0.5", "0")], ["0.2", "0.5"]),
    # 0.4, then 0.3 − 0.3 = 0, then 0.3.
    "the third is, and the second nothing": (
        [("0.7", "1"), ("0.3", "1"), ("0.3", "0")],
        ["0.4", "0", "0.3"],
    ),
    # 0.1 − 0.3 = −0.2, then 0.1.
    "the first costs more than it brings": ([("0.1", "1"), ("0.1", "0")], ["-0.2", "0.1"]),
}


def brings(points: list[str], money: int) -> Fraction:
    """What money in one cell is worth, its tiers of 10 filled one after the other."""
    full = [min(max(money - 10 * k, 0), 10) for k in range(len(points))]
    return sum((Fraction(p) * in_it for p, in_it in zip(points, full, strict=True)), Fraction(0))


@pytest.mark.parametrize("budget", [10, 20, 30])
@pytest.mark.parametrize("name", RISING)
def test_a_cost_metric_does_not_let_later_tiers_fill_first(
    name: str, budget: int, tmp_path: Path
) -> None:
    """County a has tiers 10 wide; 10 coins in b bring 0.25 each. All ways to part the money are
    counted out, with a's tiers filled one after the other."""
    steps, points = RISING[name]
    tiers = [["a", "road", k, 10, *rates] for k, rates in enumerate(steps, start=1)]
    tiers.append(["b", "road", 1, 10, "0.25", "0"])
    weights = {"weights": {"jobs": 1, "cost": "-0.3"}, "normalise": "none"}
    body = {"budget": budget, "objective": weights}
    solution = solve(
        world(tmp_path, body, tiers=tiers, programme=COSTLY, **ONE_TASK), repaired=False
    )

    best = max(
        brings(points, a) + Fraction(1, 4) * min(b, 10)
        for a, b in itertools.product(range(budget + 1), repeat=2)
        if a + b <= budget
    )
    assert solution.objective == best
    assert solution.bound == pytest.approx(float(best), rel=2e-6)


@pytest.mark.parametrize("name", [*RISING, "rates rise by themselves"])
def test_the_model_fills_the_tiers_of_a_cell_one_after_the_other(name: str, tmp_path: Path) -> None:
    """Left to itself a solver would put the first coins where they bring most."""
    steps, points = RISING.get(name, ([("0.1", "0"), ("0.4", "0")], ["0.1", "0.4"]))
    tiers = [["a", "road", k, 10, *rates] for k, rates in enumerate(steps, start=1)]
    weights = {"weights": {"jobs": 1, "cost": "-0.3"}, "normalise": "none"}
    if name not in RISING:
        weights["weights"] = {"jobs": 1}
    body = {"budget": 30, "objective": weights}
    one = {"counties": {"a": {"people": 100}}, "programme": COSTLY, **ONE_TASK}
    scenario = world(tmp_path, body, tiers=tiers, **one)
    model = formulate(scenario, reference_of(scenario).points)
    for money in range(31):
        answer = at_table(model, allocation_of_rows([[money]]))
        assert answer.objective == pytest.approx(float(brings(points, money)), abs=1e-6), money
