"""One allocation: the same bytes whatever the solver's seed and the order of the counties."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.allocation import allocation_csv
from models.record import open_record
from models.scenario import Scenario, load
from models.solution import SearchNote, Solution
from optimizer.aims import CellWeights
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_other_whole, with_whole_money
from optimizer.solve import Options
from optimizer.solvers.base import Answer, Effort
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


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets the solver's seed for all that follows."""

    def engine(seed: int) -> Callable[[Any, Effort], Answer]:
        return lambda model, effort: solve_model(model, replace(effort, seed=seed))

    yield lambda seed: monkeypatch.setattr(
        "optimizer.solve.pick_engine", lambda name: (engine(seed), ())
    )


def text(solution: Solution) -> str:
    return allocation_csv(solution.allocation, solution.scenario.programme)


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
    assert all(SearchNote.UNIQUE in one.solver.notes for one in found)
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
        assert solution.solver.notes == (SearchNote.UNIQUE, SearchNote.DIRECT)
        found.add(text(solution))
    assert len(found) == 1


COUNTED = {
    **LINEAR,
    "rules": [
        *LINEAR["rules"],
        rule(id="few", measure="cells", per=["county"], at_most=2),
    ],
}


def test_nothing_is_claimed_of_equals_where_a_gap_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the ladder: what is funded there may not be best, so none is called the only one."""
    monkeypatch.setattr("optimizer.strategies.monolithic._FEW", -1)
    found = [solve(small(tmp_path / str(o), o, COUNTED), QUICK, gap=0.01) for o in (None, 1, 2)]
    assert len({text(one) for one in found}) == 1
    assert all(one.solver.notes[0] is SearchNote.WITHIN_GAP for one in found)


def test_what_is_given_back_stands_in_the_order_of_the_county_table(tmp_path: Path) -> None:
    shuffled = small(tmp_path, 3)
    solution = solve(shuffled)
    assert solution.scenario is shuffled
    floors = [one for one in solution.audit.findings if one.rule == "floor"]
    assert [dict(one.key)["county"] for one in floors] == list(shuffled.programme.counties.ids)
    assert floors[0].value == sum(solution.allocation.amounts[0])
    write_record(solution, tmp_path / "record")
    assert verify(tmp_path / "record").good


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no-integer-rules", ""])
def test_the_shipped_scenario_is_the_same_for_any_order_of_counties(
    tmp_path: Path, seeded: Callable[[int], None], name: str
) -> None:
    source = load(f"{ROOT / 'scenarios' / 'base-2020.yaml'}@{name}".rstrip("@"))
    given = solve(source, QUICK)
    write_record(given, tmp_path / "record")
    for number in (1, 2):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "record", folder)
        path = folder / "programme" / "counties.csv"
        head, *rows = path.read_text("utf-8").splitlines()
        random.Random(number).shuffle(rows)
        path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
        if name:
            seeded(number)
        again = solve(load(folder / "scenario.yaml"), QUICK)
        assert text(again) == text(given)
        assert (SearchNote.UNIQUE in again.solver.notes) == bool(name)
    assert open_record(tmp_path / "record").manifest.solver.notes == given.solver.notes


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
