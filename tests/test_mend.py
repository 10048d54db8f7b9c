"""A table mended: the nearest allocation that keeps the rules, and what admits the table."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from models.allocation import Allocation, allocation_csv, allocation_of_rows
from models.errors import InfeasibleError, InputError
from models.scenario import Scenario, load
from optimizer.aims import mend_aims
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.formulation.model import Model
from optimizer.mending import EditedTable, Mended, mend
from optimizer.problem import Problem
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Answer, Clock, Effort, Engine
from optimizer.solvers.highs import solve_model
from optimizer.strategies import ProblemModels, SearchTask
from optimizer.strategies.mended import a_county, fewest_touched, mended
from reports.catalogue import Words
from reports.document import Grid
from reports.documents.change_list import mend_page
from tests.worlds import rule, world, write_world

BASE = Path(__file__).resolve().parents[1] / "scenarios" / "base-2020.yaml"
FLOOR = rule(id="floor", per=["county"], at_least=4)
TASKS = rule(id="tasks", measure="cells", per=["county"], at_most=1)
HALF = rule(id="share", where={"task": "school"}, at_least={"share": 0.5, "of": "amount"})
WORLDS: dict[str, dict[str, Any]] = {
    "floor": {"budget": 8, "rules": [FLOOR]},
    "lots": {"budget": 9, "lot": 3, "rules": [TASKS]},
    "share": {
        "budget": 8,
        "rules": [
            rule(id="share", where={"task": "school"}, at_least={"share": 0.5, "of": "amount"})
        ],
    },
    "both": {"budget": 9, "lot": 2, "rules": [FLOOR, TASKS]},
}


def all_of(scenario: Scenario) -> Iterator[Allocation]:
    for money in itertools.product(range(scenario.budget + 1), repeat=4):
        if sum(money) <= scenario.budget:
            table = allocation_of_rows([money[:2], money[2:]])
            if not audit(scenario, table).broken:
                yield table


def apart(one: Allocation, other: Allocation) -> tuple[int, int]:
    by = np.abs(one.amounts.astype(int) - other.amounts.astype(int))
    return int(by.sum()), int((by.sum(axis=1) > 0).sum())


@pytest.mark.parametrize("name", WORLDS)
def test_no_table_that_keeps_the_rules_is_nearer_or_touches_fewer_counties(
    name: str, tmp_path: Path
) -> None:
    scenario, draw = world(tmp_path, WORLDS[name]), random.Random(7)
    kept = list(all_of(scenario))
    for _ in range(6):
        money = [draw.choice((0, 1, 2, 5, 7)) for _ in range(4)]
        given = allocation_of_rows([money[:2], money[2:]])
        found = mend(scenario, given)
        best = min(apart(table, given) for table in kept)
        assert not found.audit.broken
        assert (int(found.distance), found.touched) == best, money
        assert found.at_least <= best[0] and found.is_nearest
        assert found.touched_at_least is None or found.touched_at_least <= best[1]


def stopped(model: Model, effort: Effort) -> Answer:
    """Settles no choice: stops at its worst table, and does not rule out its best."""
    answer = solve_model(model, effort)
    if not effort.plain or answer.values is None:
        return answer
    worst = solve_model(replace(model, cost=-model.cost), effort)
    assert worst.values is not None
    reached = float(model.cost @ worst.values)
    return Answer("feasible", worst.values, reached, answer.objective, 0.0)


class Silent:
    """Settles the first choice, and has nothing to say of any other."""

    def __init__(self) -> None:
        self.settled = 0

    def __call__(self, model: Model, effort: Effort) -> Answer:
        self.settled += effort.plain
        if effort.plain and self.settled > 1:
            return Answer("none", None, None, None, 0.0)
        return solve_model(model, effort)


@pytest.mark.parametrize("kind", [lambda: stopped, Silent], ids=["stopped", "silent"])
def test_what_a_choice_that_was_not_settled_may_come_to_is_not_ruled_out(
    kind: Callable[[], Engine], tmp_path: Path
) -> None:
    """3 coins for a's road and none for its school: 2 away, in one county. It is not found."""
    problem = Problem.of(world(tmp_path, WORLDS["lots"]))
    aims = mend_aims(allocation_of_rows([[2, 1], [5, 0]]), problem.codes)
    found = mended(SearchTask(ProblemModels(problem), aims, "whole", 0.0, kind(), Clock()), {})
    nearest = -2 - a_county(2)
    assert found.proof.bound is not None and found.best < nearest <= found.proof.bound


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 3])
def test_no_table_in_steps_is_nearer_or_touches_fewer_counties(step: int, tmp_path: Path) -> None:
    """Every table in steps that keeps the rules is looked at; one that is not in steps cannot be
    left as it is."""
    parts = {**WORLDS["both"], "budget": 12, "step": step}
    scenario, draw = world(tmp_path, parts), random.Random(3)
    kept = list(all_of(scenario))
    for _ in range(8):
        money = [draw.choice((0, 1, 2, 5, 7)) for _ in range(4)]
        given = allocation_of_rows([money[:2], money[2:]])
        found = mend(scenario, given)
        best = min(apart(table, given) for table in kept)
        assert (int(found.distance), found.touched) == best, money
        assert found.at_least <= best[0] and found.is_nearest


def test_of_what_is_as_near_the_edit_itself_is_taken_back(tmp_path: Path) -> None:
    """Two coins too many were put into one cell; any of the four may give them. Without a word of
    what was before it is the published weights that choose."""
    scenario = world(tmp_path, {"budget": 20})
    before = allocation_of_rows([[5, 5], [5, 5]])
    chosen = []
    for cell in itertools.product(range(2), repeat=2):
        money = before.amounts.copy()
        money[cell] += 2
        given = allocation_of_rows(money)
        assert mend(scenario, EditedTable(given, before)).allocation == before
        chosen.append(mend(scenario, given).allocation == before)
    assert not all(chosen)


def test_the_edit_is_taken_back_as_far_as_the_rules_allow(tmp_path: Path) -> None:
    """Every nearest table is looked at: of these the one with the least change from before among
    the counties that either changed."""
    scenario, draw = world(tmp_path, WORLDS["both"]), random.Random(5)
    kept = list(all_of(scenario))
    for _ in range(8):
        before = draw.choice(kept)
        money = before.amounts.copy()
        for _ in range(2):
            money[draw.randrange(2), draw.randrange(2)] = draw.choice((0, 1, 3, 6))
        given = allocation_of_rows(money)
        found = mend(scenario, EditedTable(given, before))
        near = min(apart(table, given) for table in kept)
        equal = [table for table in kept if apart(table, given) == near]
        assert apart(found.allocation, given) == near
        assert apart(found.allocation, before)[0] == min(apart(t, before)[0] for t in equal)


def test_no_more_counties_are_touched_than_may_be_and_the_least_that_works_is_said(
    tmp_path: Path,
) -> None:
    """b has to rise by 3: out of a's money, or of what is not spent, but b alone is not enough
    where all is spent."""
    scenario = world(tmp_path, WORLDS["floor"])
    given = allocation_of_rows([[7, 0], [1, 0]])
    found = mend(scenario, given, touch=2)
    assert (found.distance, found.touched) == (6, 2)
    with pytest.raises(
        InputError, match=r"1 counties are too few: at least 2 have to, 2 were found"
    ):
        mend(scenario, given, touch=1)
    spare = allocation_of_rows([[4, 0], [1, 0]])
    assert mend(scenario, spare, touch=1).allocation.amounts[1].sum() == 4


def test_what_is_held_stays_and_a_held_cell_that_breaks_a_rule_is_named(tmp_path: Path) -> None:
    scenario = world(tmp_path, WORLDS["both"])
    given = allocation_of_rows([[5, 2], [3, 0]])
    found = mend(scenario, given, hold=["b,school"])
    assert not found.allocation.amounts[1, 1]
    assert found.held == 1 and not found.audit.broken
    with pytest.raises(InputError, match=r"county=a: is held, so that tasks stays broken; --set"):
        mend(scenario, given, hold=["a"])
    with pytest.raises(InputError, match="unknown task 'schol'"):
        mend(scenario, given, hold=["a,schol"])


def test_holds_that_leave_no_allocation_are_a_conflict(tmp_path: Path) -> None:
    """7 are held in a of 8, and b needs 4: each keeps its own rules."""
    scenario = world(tmp_path, WORLDS["floor"])
    with pytest.raises(InfeasibleError):
        mend(scenario, allocation_of_rows([[7, 0], [0, 1]]), hold=["a"])


def test_each_move_says_what_breaks_without_it(tmp_path: Path) -> None:
    """a breaks its one task by 2; b gets its 4 out of what a gives."""
    scenario = world(tmp_path, WORLDS["both"])
    found = mend(scenario, allocation_of_rows([[7, 2], [0, 0]]))
    told = {(one.county, one.task): one for one in found.moves}
    assert told[0, 1].mends == ("tasks",)
    raised = next(one for place, one in told.items() if place[0] == 1)
    assert raised.mends == ("floor",)
    cut = told[0, 0]
    assert cut.keeps == ("budget",) and not cut.mends
    for one in found.moves:
        back = found.allocation.amounts.copy()
        back[one.county, one.task] = found.given.amounts[one.county, one.task]
        rules = set(audit(scenario, allocation_of_rows(back)).broken_rules)
        assert rules == {*one.mends, *one.keeps}


def test_the_number_that_admits_a_table_is_the_nearest_one(tmp_path: Path) -> None:
    scenario = world(tmp_path, WORLDS["both"])
    given = allocation_of_rows([[7, 2], [0, 0]])
    told = {one.rule: one for one in mend(scenario, given).admissions}
    assert told["floor"].change is not None and told["floor"].change.needed == 0
    assert told["tasks"].change is not None and told["tasks"].change.needed == 2
    admitted = scenario
    for one in told.values():
        assert one.change is not None and one.change.setting is not None
        path, _, number = one.change.setting.partition("=")
        _, name, key = path.split(".")
        admitted = admitted.replace(rules={name: {key: number}})
    assert not audit(admitted, given).broken


def test_budget_and_clauses_are_not_ours_to_change(tmp_path: Path) -> None:
    told = mend(world(tmp_path, WORLDS["floor"]), allocation_of_rows([[9, 0], [9, 0]])).admissions
    assert [(one.rule, one.is_open, one.change) for one in told] == [("budget", False, None)]


def test_a_table_that_keeps_the_rules_is_left_alone(tmp_path: Path) -> None:
    found = mend(world(tmp_path, WORLDS["floor"]), allocation_of_rows([[4, 0], [4, 0]]))
    assert not found.moves and found.is_nearest and not found.admissions


@pytest.fixture(scope="module")
def edited() -> tuple[Scenario, Allocation]:
    """The base solved, with a county below its floor, one with a sixth task, one below the lot,
    and 60 more than there is."""
    scenario = load(BASE)
    money = solve(scenario, repaired=False, certificate=False, gap=1e-3).allocation.amounts.copy()
    draw = random.Random(2)
    low, sixth, small, more = draw.sample(range(88), 4)
    at = int(money[low].argmax())
    money[low] = 0
    money[low, at] = 45
    for task in np.flatnonzero(money[sixth] == 0)[: 6 - int((money[sixth] > 0).sum())]:
        money[sixth, task] = 20
    money[small, np.flatnonzero(money[small] == 0)[0]] = 7
    money[more, int(money[more].argmax())] += 60
    return scenario, allocation_of_rows(money)


@pytest.mark.slow
def test_a_table_of_the_base_with_broken_rules_is_mended(
    edited: tuple[Scenario, Allocation],
) -> None:
    scenario, given = edited
    assert len(audit(scenario, given).broken_rules) >= 4
    found = mend(scenario, given)
    assert not found.audit.broken
    assert found.at_least <= found.distance <= found.at_least + 2
    _every_move_counts(found)


def _every_move_counts(found: Mended) -> None:
    assert found.distance == sum(abs(one.after - one.before) for one in found.moves)
    assert found.touched == len({one.county for one in found.moves})


@pytest.mark.slow
def test_the_fewest_counties_of_the_base_are_bounded(edited: tuple[Scenario, Allocation]) -> None:
    scenario, given = edited
    problem = Problem.of(scenario)
    aims = mend_aims(problem.by_code(given), problem.codes, math.inf)
    engine = pick_engine("highs")[0]
    few = fewest_touched(
        SearchTask(ProblemModels(problem), aims, "whole", 0.0, engine, Clock(None))
    )
    assert few.found is not None and 1 <= few.at_least <= few.found
    found = mend(scenario, given, touch=few.found)
    assert found.touched == few.found and not found.audit.broken
    if few.at_least > 1:
        with pytest.raises(InputError, match="are too few"):
            mend(scenario, given, touch=few.at_least - 1)


def test_the_command_keeps_page_table_and_a_record_that_replays(tmp_path: Path) -> None:
    scenario = world(tmp_path, WORLDS["both"])
    table, out = tmp_path / "table.csv", tmp_path / "out"
    table.write_text(allocation_csv(allocation_of_rows([[7, 2], [0, 0]]), scenario.programme))
    run = CliRunner()
    asked = [str(tmp_path / "scenario.yaml"), str(table)]
    done = run.invoke(cli.allot, ["mend", *asked, "-o", str(out), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["nearest"] and told["broken"] == ["floor", "tasks"]
    assert run.invoke(cli.allot, ["verify", str(out / "record"), "-q"]).exit_code == 0
    edited = tmp_path / "edited.csv"
    edited.write_text("county,task,amount\na,road,6\nb,road,4\n", encoding="utf-8")
    for known in ([str(out / "record"), str(edited)], [asked[0], str(edited), "--before", table]):
        done = run.invoke(cli.allot, ["mend", *map(str, known), "--json"])
        assert json.loads(done.stdout)["nearest"], done.output
    again = run.invoke(cli.allot, ["mend", asked[0], str(out / "record"), "--json"])
    assert json.loads(again.stdout)["moves"] == []
    assert run.invoke(cli.allot, ["mend", asked[0], str(out / "given.csv")]).exit_code == 0
    checked = run.invoke(cli.allot, ["check", *asked, "--lang", "en"])
    assert checked.exit_code == 1 and f"allot mend {' '.join(asked)}" in checked.output


def test_the_page_says_who_gains_and_loses_by_it_and_why(tmp_path: Path) -> None:
    """b has to rise to its floor of four, out of what a has."""
    scenario = world(tmp_path, WORLDS["floor"])
    found = mend(scenario, allocation_of_rows([[8, 0], [1, 0]]))
    page = mend_page(found, Words("zh"), "table.csv")
    grids = {part.title: part for part in page.parts if isinstance(part, Grid)}
    lines = [line.cells for line in grids["比原安排增减最多的县"].lines]
    assert [cells[:4] for cells in lines if cells[1]] == [
        ("b", "1", "4", "+3"),
        ("a", "8", "4", "-4"),
    ]
    assert lines[1][4] == "若让出1coins给a，就不满足：规则"


def test_amounts_come_in_steps_on_request(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 30, "rules": [FLOOR]})
    table = tmp_path / "table.csv"
    table.write_text(allocation_csv(allocation_of_rows([[13, 0], [0, 12]]), scenario.programme))
    asked = [str(tmp_path / "scenario.yaml"), str(table)]
    told = json.loads(
        CliRunner().invoke(cli.allot, ["mend", *asked, "--step", "5", "--json"]).stdout
    )
    assert told["distance"] == 4 and told["nearest"]
    assert {one["to"] for one in told["moves"]} == {15, 10}
    held = ["mend", *asked, "--step", "5", "--hold", "a,road", "--json"]
    told = json.loads(CliRunner().invoke(cli.allot, held).stdout)
    assert [(one["from"], one["to"]) for one in told["moves"]] == [(12, 10)]


def test_what_check_offers_has_the_changes_that_were_typed(tmp_path: Path) -> None:
    scenario = world(tmp_path, WORLDS["floor"])
    table = tmp_path / "table.csv"
    table.write_text(allocation_csv(allocation_of_rows([[4, 0], [4, 0]]), scenario.programme))
    asked = [str(tmp_path / "scenario.yaml"), str(table), "--set", "rules.floor.at_least=5"]
    done = CliRunner().invoke(cli.allot, ["check", *asked, "--lang", "en"])
    assert f"allot mend {asked[0]} --set rules.floor.at_least=5 {table}" in done.output


def test_the_word_baseline_is_a_table_too(tmp_path: Path) -> None:
    world(tmp_path, {**WORLDS["floor"], "baseline": {"kind": "greedy"}})
    done = CliRunner().invoke(
        cli.allot, ["mend", str(tmp_path / "scenario.yaml"), "baseline", "--json"]
    )
    assert done.exit_code == 0
    assert json.loads(done.stdout)["table"] == "baseline"


def test_what_the_scenario_asks_for_by_itself_is_no_clause(tmp_path: Path) -> None:
    """A cell of 40, that yields up to 30, and half a coin: the one is asked for or not, the other
    is not ours to change."""
    scenario = world(tmp_path, {"budget": 60, "no_idle": True})
    table = allocation_of_rows([[40, 0], [Fraction(1, 2), 0]])
    told = {one.rule: one for one in mend(scenario, table).admissions}
    assert set(told) == {"no-idle", "whole-units"}
    idle, whole = told["no-idle"], told["whole-units"]
    assert (idle.basis, idle.is_open) == ("assumption", True)
    assert idle.change is not None and idle.change.setting == "no_idle=false"
    assert (whole.basis, whole.is_open, whole.change) == ("scenario", False, None)


def test_a_record_serves_as_the_scenario_that_a_table_is_read_under(tmp_path: Path) -> None:
    file, folder = write_world(tmp_path, WORLDS["floor"]), tmp_path / "record"
    table = tmp_path / "table.csv"
    table.write_text("county,task,amount\na,road,7\n", encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(cli.allot, ["solve", str(file), "-o", str(folder)]).exit_code == 0
    read, mended = (
        [runner.invoke(cli.allot, [verb, str(of), str(table), "--json"]) for of in (file, folder)]
        for verb in ("check", "mend")
    )
    assert read[0].exit_code == read[1].exit_code == 1
    assert mended[0].exit_code == mended[1].exit_code == 0, mended[1].output
    steps = [
        runner.invoke(cli.allot, ["mend", str(of), str(table), "--step", "2", "--json"])
        for of in (file, folder)
    ]
    assert [json.loads(one.stdout)["distance"] for one in steps] == [7, 7]
    near = [json.loads(one.stdout)["distance"] for one in mended]
    assert near[0] == near[1] != 0  # Which of these it is depends on what was edited.
