"""One allocation: the same bytes whatever the solver's seed and the order of the counties."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.allocation import allocation_csv, allocation_of_rows
from models.finding import Audit
from models.objective import objective_of
from models.record import open_record
from models.scenario import Scenario, load
from models.solution import SearchNote, Solution
from optimizer.aims import CellWeights, Nearness, SolveAims, WeightedMetrics
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import (
    Narrowed,
    narrowed,
    relaxed,
    with_bounds,
    with_other_whole,
    with_whole_money,
)
from optimizer.problem import Problem
from optimizer.solve import OptionChanges, Options
from optimizer.solvers.base import Answer, Effort
from optimizer.solvers.decomposition.by_county import by_county
from optimizer.solvers.highs import solve_model
from optimizer.strategies.tie_break import rounded_down
from optimizer.verify import verify
from reports.record_writer import write_record
from tests.worlds import rule, world, write_world

ROOT = Path(__file__).parents[1]
SEEDS = range(3)
MORE = {"times": "1.013", "of": "amount"}
LINEAR: dict[str, Any] = {
    "budget": 4001,
    "objective": {"weights": {"jobs": 3, "firms": 7}, "normalise": "none"},
    "rules": [
        rule(id="floor", per=["county"], at_least=20),
        rule(id="share", where={"task": "road"}, at_most={"share": "2/7", "of": "amount"}),
        rule(id="heads", where={"people": 101}, per_head="people", at_least=MORE),
    ],
}
QUICK = Options(repaired=False, certificate=False)


def counties(order: int | None = None) -> dict[str, dict[str, Any]]:
    """Seventy counties, many of them alike, in one of many orders."""
    codes = [f"c{number:02}" for number in range(70)]
    if order is not None:
        random.Random(order).shuffle(codes)
    return {code: {"people": 100 + int(code[1:]) % 3} for code in codes}


def small(folder: Path, order: int | None = None, scenario: Any = LINEAR) -> Scenario:
    """A linear programme above the size that is solved in whole units at once."""
    tasks = {name: {} for name in ("road", "school", "market")}
    return world(folder, scenario, counties=counties(order), tasks=tasks)


@pytest.fixture(autouse=True)
def search_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stages of the search decide, though the tables may be few enough to read each."""
    monkeypatch.setattr("optimizer.strategies.every_table.MOST_NUMBERS", 0)


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets the solver's seed for all that follows."""

    def engine(seed: int) -> Callable[[Any, Effort], Answer]:
        return by_county(lambda model, effort: solve_model(model, replace(effort, seed=seed)))

    yield lambda seed: monkeypatch.setattr(
        "optimizer.solve.pick_engine", lambda *_: (engine(seed), ())
    )


def text(solution: Solution) -> str:
    return allocation_csv(solution.allocation, solution.scenario.programme)


@pytest.mark.slow
@pytest.mark.parametrize("units", ["whole", "continuous"])
def test_seeds_and_orders_of_a_linear_programme_give_the_same_bytes(
    tmp_path: Path, seeded: Callable[[int], None], units: Any
) -> None:
    found = []
    for number in SEEDS:
        seeded(number)
        order = number or None
        found.append(solve(small(tmp_path / str(number), order), QUICK, units=units))
    assert len({text(one) for one in found}) == 1
    shown = {SearchNote.UNIQUE} if units == "continuous" else {SearchNote.UNIQUE, SearchNote.CLOSED}
    assert {one.solver.notes[0] for one in found} <= shown
    assert found[0].audit.broken == ()


def test_whole_units_solved_at_once_give_the_same_bytes(
    tmp_path: Path, seeded: Callable[[int], None]
) -> None:
    few = {code: row for code, row in list(counties().items())[:6]}
    scenario = {**LINEAR, "budget": 301}
    found = set()
    for number in SEEDS:
        seeded(number)
        shuffled = dict(random.Random(number).sample(list(few.items()), len(few)))
        solution = solve(world(tmp_path / str(number), scenario, counties=shuffled), QUICK)
        assert solution.solver.notes[:2] == (SearchNote.UNIQUE, SearchNote.DIRECT)
        found.add(text(solution))
    assert len(found) == 1


COUNTED = {
    **LINEAR,
    "rules": [
        *LINEAR["rules"],
        rule(id="few", measure="cells", per=["county"], at_most=2),
    ],
}


@pytest.mark.slow
def test_nothing_is_claimed_of_equals_where_a_gap_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the ladder: what is funded there may not be best, so none is called the only one."""
    monkeypatch.setattr("optimizer.strategies.monolithic._FEW", -1)
    found = [solve(small(tmp_path / str(o), o, COUNTED), QUICK, gap=0.01) for o in (None, 1, 2)]
    assert len({text(one) for one in found}) == 1
    assert all(one.solver.notes[0] is SearchNote.WITHIN_GAP for one in found)


@pytest.mark.slow
def test_what_is_given_back_stands_in_the_order_of_the_county_table(tmp_path: Path) -> None:
    shuffled = small(tmp_path, 3)
    solution = solve(shuffled, repaired=False)
    assert solution.scenario is shuffled
    floors = [one for one in solution.audit.findings if one.rule == "floor"]
    assert [dict(one.key)["county"] for one in floors] == list(shuffled.programme.counties.ids)
    assert floors[0].value == sum(solution.allocation.amounts[0])
    write_record(solution, tmp_path / "record")
    assert verify(tmp_path / "record").good


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), [("@2020-first", 1), ("", 2)], ids=["first", "base"])
def test_the_shipped_scenario_is_the_same_for_any_order_of_counties(
    tmp_path: Path, seeded: Callable[[int], None], name: str, number: int
) -> None:
    given = solve(load(f"{ROOT / 'scenarios' / 'base-2020.yaml'}{name}"), QUICK)
    write_record(given, tmp_path / "record")
    assert open_record(tmp_path / "record").manifest.solver.notes == given.solver.notes
    path = tmp_path / "record" / "programme" / "counties.csv"
    head, *rows = path.read_text("utf-8").splitlines()
    random.Random(number).shuffle(rows)
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    seeded(number)
    again = solve(load(tmp_path / "record" / "scenario.yaml"), QUICK)
    assert text(again) == text(given)
    if name:
        assert SearchNote.UNIQUE in again.solver.notes


def test_a_choice_among_equals_is_not_called_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With weights all alike there are many allocations as good as the one that is found."""
    alike = lambda self, bits, skip=0: (  # noqa: E731
        np.ones(len(self.codes)) if not skip else np.arange(1.0, len(self.codes) + 1)
    )
    path = write_world(tmp_path, {"budget": 45, "baseline": {"kind": "table", "file": "b.csv"}})
    (tmp_path / "world" / "b.csv").write_text("county,task,amount\n", "utf-8")
    scenario = load(path)
    assert SearchNote.UNIQUE in solve(scenario, QUICK).solver.notes
    monkeypatch.setattr(CellWeights, "weights", alike)
    assert SearchNote.UNIQUE not in solve(scenario, QUICK).solver.notes


def test_weights_are_the_leading_bits_of_the_hash_of_county_and_task() -> None:
    """sha256(b"510522,parks") as `sha256sum` gives it."""
    cells = CellWeights(["510522,parks"])
    digest = cells.digests[0]
    assert f"{digest:064x}".startswith("42f3e4dd0a89")
    assert cells.weights(8).tolist() == [0x42 + 1]
    assert cells.weights(16, 8).tolist() == [0xF3E4 + 1]


def test_noise_below_the_last_digit_kept_falls_away() -> None:
    assert rounded_down(1.15969034153, 1e-8) == pytest.approx(1.15969034, abs=1e-12)
    assert rounded_down(1.15969034154, 1e-8) == rounded_down(1.15969034153, 1e-8)
    assert rounded_down(-2.5, 1.0) == -3


@pytest.mark.parametrize("budget", [45, 120])
def test_a_forbidden_allocation_does_not_come_back(tmp_path: Path, budget: int) -> None:
    """Forbid the best four times: each time another one, never a better one."""
    values = {"jobs": 1, "firms": 0}
    path = write_world(tmp_path, {"budget": budget})
    model = with_whole_money(formulate(load(path), values))  # type: ignore[arg-type]
    amount = model.grid.amount
    seen, worth = set(), []
    for _ in range(4):
        answer = solve_model(model, Effort(gap=0))
        assert answer.values is not None and answer.objective is not None
        seen.add(tuple(np.round(answer.values[amount]).tolist()))
        worth.append(answer.objective)
        model = with_other_whole(model, answer.values, amount)
    assert len(seen) == 4
    assert worth == sorted(worth, reverse=True)


# The answer as it is defined, in whole units: held against every table, counted out.

PAIRS = list(itertools.product(("a", "b"), ("road", "school")))
TIED: dict[str, dict[str, Any]] = {
    "all alike": {"budget": 3},
    "lots": {"budget": 6, "lot": 2},
    "a cap": {"budget": 5, "rules": [rule(at_most=3, where={"task": "road"})]},
    "a share": {
        "budget": 5,
        "rules": [rule(at_least={"share": "1/3", "of": "amount"}, per="county")],
    },
    "a price": {"budget": 4, "rules": [rule(at_least=5, soft={"price": "0.25"})]},
}
MODES: dict[str, OptionChanges] = {
    "default": {},
    "gap 0": {"gap": 0.0},
    "exact": {"units": "exact"},
}


def tied(folder: Path, name: str) -> Scenario:
    """Two counties and two tasks, worth the same in the first money units."""
    path = write_world(folder, {**TIED[name], "baseline": {"kind": "table", "file": "b.csv"}})
    (folder / "world" / "b.csv").write_text("county,task,amount\na,school,1\nb,road,2\n", "utf-8")
    return load(path)


def published_weight(county: str, task: str) -> int:
    return int(hashlib.sha256(f"{county},{task}".encode()).hexdigest()[:4], 16) + 1


def counted_out(scenario: Scenario) -> tuple[int, ...]:
    """The answer by trying every table, the weights made here."""
    points = Problem.of(scenario).reference.points
    ranked = []
    for money in itertools.product(range(scenario.budget + 1), repeat=4):
        audited = audit(scenario, allocation_of_rows([money[:2], money[2:]]))
        if not audited.broken:
            worth = objective_of(audited, points) - audited.penalty
            moved = sum(abs(m - due) for m, due in zip(money, (0, 1, 2, 0), strict=True))
            weight = sum(m * published_weight(*p) for m, p in zip(money, PAIRS, strict=True))
            ranked.append((-worth, moved, weight, [-m for m in money], money))
    return min(ranked)[-1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", TIED)
def test_the_published_rule_chooses_what_counting_out_every_table_does(
    tmp_path: Path, name: str, mode: str
) -> None:
    scenario = tied(tmp_path, name)
    solution = solve(scenario, QUICK, **MODES[mode])
    assert tuple(solution.allocation.amounts.ravel()) == counted_out(scenario)
    assert solution.solver.notes[:2] == (SearchNote.UNIQUE, SearchNote.DIRECT)


def test_of_equals_in_all_else_the_first_cell_by_its_codes_has_more() -> None:
    cells = ["b,x", "b,w", "a,x", "a,w"]
    aims = SolveAims(WeightedMetrics({}, 0.0), Nearness(np.ones(4)), CellWeights(cells))
    nothing = Audit((), {}, Fraction(4), Fraction(0), Fraction(0))
    first, second = (
        aims.standing(allocation_of_rows(rows), nothing)
        for rows in ([[1, 0], [0, 1]], [[0, 1], [1, 0]])
    )
    assert first.moved == second.moved == -2
    assert first._replace(weight=0) > second._replace(weight=0), "a,w is the first cell"


def test_a_proposal_that_is_worth_less_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing to hold the objective the nearest table is the baseline, worth half."""
    everything = lambda model, prices, worth: Narrowed(model, 0.0, inf, 1.0)  # noqa: E731
    monkeypatch.setattr("optimizer.strategies.tie_break.narrowed", everything)
    monkeypatch.setattr("optimizer.strategies.tie_break._held", lambda near, worth: near.model)
    solution = solve(tied(tmp_path, "lots"), QUICK)
    assert solution.objective == 3
    assert solution.solver.notes[0] is SearchNote.BEST_FOUND


@pytest.mark.parametrize("name", TIED)
def test_what_prices_leave_holds_every_table_as_good(tmp_path: Path, name: str) -> None:
    scenario = tied(tmp_path, name)
    points = Problem.of(scenario).reference.points
    model = with_whole_money(formulate(scenario, points))
    prices = solve_model(relaxed(model)).prices
    assert prices is not None
    worth = {
        money: objective_of(audited, points) - audited.penalty
        for money in itertools.product(range(scenario.budget + 1), repeat=4)
        if not (audited := audit(scenario, allocation_of_rows([money[:2], money[2:]]))).broken
    }
    best = max(worth.values())
    near = narrowed(model, prices[1], float(best))
    assert near.bound >= best - Fraction(1, 10**9)
    for money in (money for money, points in worth.items() if points == best):
        amount, held = model.grid.amount, np.array(money, dtype=float)
        answer = solve_model(with_bounds(near.model, amount, held, held), Effort(gap=0.0))
        assert answer.objective is not None, money
        assert near.base + answer.objective == pytest.approx(float(best), abs=1e-8)


@pytest.mark.parametrize("fields", [{}, {"lot": 2}, {"no_idle": True}])
def test_money_is_drawn_in_to_what_its_tiers_can_hold_in_tables_as_good(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    """Two counties whose tiers are full at 5 and at 4: 5 money units go round."""
    tiers = [["a", 1, 2, "3"], ["a", 2, 3, "1"], ["b", 1, 2, "2"], ["b", 2, 2, "1.5"]]
    rows = [[county, "road", tier, width, rate, "0"] for county, tier, width, rate in tiers]
    scenario = world(tmp_path, {"budget": 5, **fields}, tiers=rows, tasks={"road": {}})
    points = Problem.of(scenario).reference.points
    model = with_whole_money(formulate(scenario, points))
    answer = solve_model(relaxed(model))
    assert answer.prices is not None
    tables = list(itertools.product(range(6), repeat=2))
    audits = [audit(scenario, allocation_of_rows([[a], [b]])) for a, b in tables]
    narrowest = 5.0
    for least in (Fraction(number, 2) for number in range(24)):
        bounds = narrowed(model, answer.prices[1], float(least)).model
        low, high = bounds.lower[model.grid.amount], bounds.upper[model.grid.amount]
        narrowest = min(narrowest, *high)
        for table, audited in zip(tables, audits, strict=True):
            if not audited.broken and objective_of(audited, points) >= least:
                assert (low <= table).all() and (table <= high).all(), (least, table)
    assert narrowest == 2


def test_continuous_money_gives_up_no_more_than_a_billionth(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    points = Problem.of(scenario).reference.points
    best = solve_model(formulate(scenario, points, whole=False)).objective
    assert best is not None
    found = solve(scenario, QUICK, units="continuous")
    assert best * (1 - 1e-9) <= float(found.objective) <= best * (1 + 1e-9)


def test_a_table_that_breaks_a_rule_by_a_billionth_is_not_the_best(tmp_path: Path) -> None:
    """3 at 2.5 are 7.5, a billionth more than the limit; 2 are worth 2 × 3 less 2 × 2.5."""
    scenario = world(
        tmp_path,
        {
            "budget": 9,
            "objective": {"weights": {"jobs": 1, "firms": -1}, "normalise": "none"},
            "rules": [rule(measure="firms", at_most="7.499999999", per="county")],
        },
        tiers=[["a", "road", 1, 3, "3", "2.5"]],
        tasks={"road": {}},
    )
    for units in ("whole", "exact"):
        solution = solve(scenario, QUICK, units=units)  # type: ignore[arg-type]
        assert solution.objective == 1
        assert solution.solver.notes[0] is SearchNote.UNIQUE
