"""Money allotted anew in mid-year, by hand-worked cases and by trying every allocation."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from models.allocation import Allocation, allocation_csv, allocation_of_rows
from models.cell_bounds import MoneyTable
from models.errors import InputError
from models.files import MemoryFile
from models.scenario import Scenario, load
from models.sentences import sentence_of
from models.solution import SearchNote
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.reallocation import MidYear, Reallocated, as_it_stands, reallocate, record_of
from tests.worlds import rule, world, write_csv

BASE = Path(__file__).resolve().parents[1] / "scenarios" / "base-2020.yaml"
CAP = rule(id="cap", per=["county"], at_most=6)
ONE = rule(id="one", measure="cells", per=["county"], at_most=1)


def table(*rows: list[int]) -> Allocation:
    return allocation_of_rows(rows)


def eased(found: Reallocated) -> dict[tuple[str, ...], Fraction]:
    return {(one.rule, *one.key.values()): one.by for one in found.eased}


def test_what_is_paid_stays_and_the_rest_goes_where_it_brings_most(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 9, "rules": [CAP]})
    found = reallocate(scenario, MidYear(table([4, 0], [0, 1])))
    assert (found.allocation.amounts >= [[4, 0], [0, 1]]).all()
    assert not found.audit.broken and found.audit.spent == 9 and not found.eased
    assert found.paid == 5


def test_a_cell_that_gave_money_back_does_not_rise_unless_it_may(tmp_path: Path) -> None:
    """Both tasks of a are closed but the one that gave back: the money goes to b, or stays."""
    closed = [{"where": {"task": "school"}, "reason": {"zh": "无", "en": "none"}}]
    scenario = world(tmp_path, {"budget": 12, "ineligible": closed, "rules": [CAP]})
    state = MidYear(table([5, 0], [6, 0]), table([3, 0], [0, 0]))
    found = reallocate(scenario, state)
    assert found.allocation.amounts.tolist() == [[2, 0], [6, 0]]
    assert found.changes[0].before == 5 and found.changes[0].paid == 2
    again = reallocate(scenario, MidYear(state.paid, state.returned, reuse=True))
    assert again.allocation.amounts.tolist() == [[6, 0], [6, 0]]


def test_a_limit_that_paid_money_breaks_gives_way_by_the_least(tmp_path: Path) -> None:
    """8 are paid in a under a cap of 6; b holds two tasks where one is allowed."""
    scenario = world(tmp_path, {"budget": 20, "rules": [CAP, ONE]})
    found = reallocate(scenario, MidYear(table([8, 0], [2, 2])))
    assert eased(found) == {("cap", "a"): 2, ("one", "b"): 1}
    assert not found.audit.broken
    assert found.allocation.amounts[0].sum() == 8
    assert found.allocation.amounts[1].sum() == 6
    said = sentence_of("cap", found.scenario, "en")
    assert said.endswith("(1 of its limits give way to money that is paid)")
    assert sentence_of("cap", found.scenario, "zh").endswith("（其中1项限值因已拨付的资金放宽）")


def test_a_lot_gives_way_to_what_is_left_of_a_cell(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 20, "lot": 5, "rules": [CAP]})
    found = reallocate(scenario, MidYear(table([6, 0], [0, 6]), table([4, 0], [0, 0])))
    assert eased(found) == {("lot", "a", "road"): 3}
    assert found.allocation.amounts[0, 0] == 2 and not found.audit.broken


def test_limits_that_leave_no_room_together_give_way_together(tmp_path: Path) -> None:
    """10 of 10 are paid in a's road; school is due half of it: by 5 less than it is due."""
    half = rule(id="half", where={"task": "school"}, at_least={"share": "1/2", "of": "budget"})
    few = rule(id="few", where={"county": "b"}, at_least=2)
    scenario = world(tmp_path, {"budget": 10, "rules": [half, few]})
    found = reallocate(scenario, MidYear(table([5, 0], [0, 0])))
    assert not found.eased and found.allocation.amounts[:, 1].sum() == 5
    found = reallocate(scenario, MidYear(table([8, 0], [0, 0])))
    assert eased(found) == {("half",): 3}
    assert found.allocation.amounts[1, 1] == 2


def test_only_net_paid_money_above_the_budget_is_refused(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 8, "rules": []})
    with pytest.raises(InputError, match="9 stay paid, 1 above the budget of 8"):
        reallocate(scenario, MidYear(table([9, 0], [0, 0])))
    back = MidYear(table([9, 0], [0, 0]), table([1, 0], [0, 0]))
    assert reallocate(scenario, back).audit.spent == 8
    more = MidYear(table([9, 0], [0, 0]), budget=12)
    assert reallocate(scenario, more).audit.spent == 12
    with pytest.raises(InputError, match=r"a,road: 3 came back where 2 was paid"):
        reallocate(scenario, MidYear(table([2, 0], [0, 0]), table([3, 0], [0, 0])))


def test_money_for_places_outside_the_grid_is_not_there_for_what_is_paid(tmp_path: Path) -> None:
    """3 of 8 go to a city: 5 may stay paid in the grid, not 6."""
    city = {"code": "city", "name": "City", "reason": "no", "amount": 3}
    scenario = world(tmp_path, {"budget": 8, "outside": [city], "rules": []})
    assert reallocate(scenario, MidYear(table([5, 0], [0, 0]))).allocation.amounts.sum() == 5
    with pytest.raises(InputError, match="9 stay paid, 1 above the budget of 8"):
        reallocate(scenario, MidYear(table([6, 0], [0, 0])))


@pytest.mark.parametrize(("paid", "road"), [(3, 4), (4, 4), (5, 6)], ids=["less", "all", "more"])
def test_a_lock_holds_unless_more_than_its_amount_is_paid(
    tmp_path: Path, paid: int, road: int
) -> None:
    """Roads alone may get money: a's is locked at 4 and would otherwise rise to the cap of 6."""
    body: dict[str, Any] = {
        "budget": 20,
        "ineligible": [{"where": {"task": "school"}, "reason": "no"}],
        "locks": [{"county": "a", "task": "road", "amount": 4}],
        "rules": [CAP],
    }
    found = reallocate(world(tmp_path, body), MidYear(table([paid, 0], [0, 0])))
    assert found.allocation.amounts.tolist() == [[road, 0], [6, 0]]


MONEY_RULES: dict[str, dict[str, Any]] = {
    "school": {"where": {"task": "school"}, "at_least": 4},
    "a": {"where": {"county": "a"}, "at_least": 5},
    "b-road": {"where": {"county": "b", "task": "road"}, "at_least": 3},
    "most": {"per": ["county"], "at_most": 3},
    "half": {"where": {"task": "road"}, "at_most": {"share": "1/2", "of": "amount"}},
    "twice": {
        "where": {"county": "b"},
        "at_least": {"times": 2, "of": "amount", "where": {"county": "a"}},
    },
}


@pytest.mark.parametrize("seed", range(4))
def test_limits_give_way_by_what_the_best_table_for_each_still_misses(
    tmp_path: Path, seed: int
) -> None:
    """What is paid, what came back and may not be paid anew, and the budget leave some tables;
    what the other limits ask of them is left aside."""
    rules = [rule(id=name, **fields) for name, fields in MONEY_RULES.items()]
    scenario, draw = world(tmp_path, {"budget": 7, "rules": rules}), random.Random(seed)
    every = [(money[:2], money[2:]) for money in itertools.product(range(8), repeat=4)]
    for _ in range(4):
        paid = np.array([draw.choice([0, 1, 3]) for _ in range(4)]).reshape(2, 2)
        paid.flat[draw.randrange(4)] = 0
        back = np.where(np.array(draw.choices([0, 1], k=4)).reshape(2, 2), np.minimum(paid, 1), 0)
        state = MidYear(allocation_of_rows(paid), allocation_of_rows(back))
        least, most = paid - back, np.where(back, paid - back, 7)
        left = [np.array(rows) for rows in every if np.sum(rows) <= 7]
        left = [money for money in left if (least <= money).all() and (money <= most).all()]
        room: dict[tuple[str, ...], Fraction] = {}
        for money in left:
            for one in audit(scenario, allocation_of_rows(money)).findings:
                name = (one.rule, *(value for _, value in one.key))
                room[name] = max(room.get(name, one.slack), one.slack)
        told = as_it_stands(scenario, state).spec.eased
        assert {(one.rule, *one.key.values()): one.by for one in told} == {
            name: -slack for name, slack in room.items() if slack < 0
        }


ROOMS: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    # 2 of 8 stay in a's road and may not rise; a's school is closed.
    "money": ({}, {"where": {"county": "a"}, "at_least": 5}, 3),
    # a's road has to be left at 2, and b's road with its 1 has to rise to 3: 3 are left.
    "money beside a lot": ({"lot": 3}, {"where": {"task": "school"}, "at_least": 4}, 1),
    # Of three cells that are open two are paid, and the third may be funded.
    "cells that may be funded": ({}, {"measure": "cells", "at_least": 4}, 1),
    "cells that are": ({}, {"measure": "cells", "at_most": 1}, 1),
    # Schools are open in one county; roads are paid in both.
    "counties that may be": (
        {},
        {"measure": "counties", "where": {"task": "school"}, "at_least": 2},
        1,
    ),
    "counties that are": ({}, {"measure": "counties", "at_most": 1}, 1),
    # What gives way at a price need not give way to what is paid.
    "a soft one": ({}, {"where": {"county": "a"}, "at_least": 5, "soft": {"price": 1}}, 0),
}


@pytest.mark.parametrize("name", ROOMS)
def test_the_room_of_a_limit_is_what_paid_and_closed_cells_leave_of_it(
    tmp_path: Path, name: str
) -> None:
    body, fields, by = ROOMS[name]
    closed = [{"where": {"county": "a", "task": "school"}, "reason": "no"}]
    scenario = world(
        tmp_path, {"budget": 8, "ineligible": closed, "rules": [rule(**fields)], **body}
    )
    state = MidYear(table([3, 0], [1, 0]), table([1, 0], [0, 0]))
    told = {one.rule: one.by for one in as_it_stands(scenario, state).spec.eased}
    assert told.pop("lot", 1) == 1  # 2 where 3 are the least.
    assert told == ({"r": by} if by else {})


def test_the_baseline_of_bounds_stays_that_of_the_budget_before(tmp_path: Path) -> None:
    band = rule(
        id="band", per=["county"], at_most={"times": 1, "of": "baseline", "per": ["county"]}
    )
    body = {"budget": 20, "rules": [band], "baseline": {"kind": "equal"}}
    found = reallocate(world(tmp_path, body), MidYear(table([2, 0], [2, 0]), budget=30))
    assert found.audit.spent == 20


@pytest.mark.parametrize("touch", [0, 1, 2])
def test_no_allocation_that_touches_as_few_counties_is_better(tmp_path: Path, touch: int) -> None:
    few = rule(id="few", measure="cells", at_most=3)
    scenario = world(tmp_path, {"budget": 12, "lot": 2, "rules": [few, CAP]})
    before, paid = np.array([[5, 0], [2, 3]]), np.array([[2, 0], [2, 0]])
    state = MidYear(allocation_of_rows(paid), None, allocation_of_rows(before), touch=touch)
    found = reallocate(scenario, state, gap=0.0)
    best = max(
        read.outcomes["jobs"]
        for money in itertools.product(range(7), repeat=4)
        if (np.array(money).reshape(2, 2) >= paid).all()
        and (np.array(money).reshape(2, 2) != before).any(axis=1).sum() <= touch
        and not (read := audit(scenario, allocation_of_rows([money[:2], money[2:]]))).broken
    )
    assert found.touched <= touch and found.audit.outcomes["jobs"] == best


def test_a_bound_among_few_changes_is_not_kept_as_one_of_the_scenario(tmp_path: Path) -> None:
    """5 coins bring 0.5 in a, where they were to go, and 4.5 in b: without a change no table brings
    more than 0.5, but of the scenario that is no bound."""
    tiers = [["a", "road", 1, 10, "0.1", "0"], ["b", "road", 1, 10, "0.9", "0"]]
    scenario = world(tmp_path, {"budget": 5, "rules": []}, tasks={"road": {}}, tiers=tiers)
    state = MidYear(table([0], [0]), before=table([5], [0]))
    few, free = (reallocate(scenario, replace(state, touch=most)) for most in (0, None))
    assert few.quality.bound_solver is not None and few.quality.bound_solver < free.objective
    kept, whole = record_of(few), record_of(free)
    assert (kept.objective, kept.status) == (Fraction(1, 2), "feasible")
    assert kept.bound is None and kept.gap is None
    assert kept.solver is not None and kept.solver.notes == (SearchNote.FEW_TOUCHED,)
    assert whole.bound == free.quality.bound_solver and whole.bound is not None
    assert whole.bound >= whole.objective == Fraction("4.5")


def test_fewer_counties_than_have_to_change_are_refused(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 12, "rules": [CAP]})
    state = MidYear(table([6, 0], [6, 0]), table([1, 0], [2, 0]), touch=1)
    with pytest.raises(InputError, match="1 counties are too few: at least 2 have to"):
        reallocate(scenario, state)


@pytest.fixture(scope="module")
def year() -> tuple[Scenario, Allocation, np.ndarray]:
    scenario = load(BASE)
    plan = solve(scenario, repaired=False, certificate=False, gap=1e-3).allocation
    return scenario, plan, (plan.amounts.astype(float) * 0.6).astype(int)


@pytest.mark.slow
def test_ten_counties_of_the_base_change_after_most_is_paid(
    year: tuple[Scenario, Allocation, np.ndarray],
) -> None:
    scenario, plan, paid = year
    back = np.zeros_like(paid)
    for at in random.Random(3).sample(np.flatnonzero(paid > 40).tolist(), 4):
        back.flat[at] = paid.flat[at] // 2
    tables = [allocation_of_rows(one) for one in (paid, back)]
    found = reallocate(scenario, MidYear(*tables, plan, 34000, 10))
    money = found.allocation.amounts
    assert found.touched <= 10 and not found.audit.broken and not found.eased
    assert (money >= paid - back).all()
    np.testing.assert_array_equal(money[back > 0], (paid - back)[back > 0])
    assert found.quality.gap is not None and found.quality.gap < 2e-3


def _written(folder: Path) -> dict[str, Any]:
    scenario = world(folder, {"budget": 12, "rules": [CAP]})
    names = scenario.programme.counties.names("en")
    write_csv(folder / "paid.csv", ["county", "task", "paid"], [[names[0], "road", 5]])
    write_csv(folder / "back.csv", ["county", "task", "returned"], [["a", "road", 2]])
    plan = allocation_csv(table([5, 0], [5, 0]), scenario.programme)
    (folder / "before.csv").write_text(plan)
    return {name: str(folder / f"{name}.csv") for name in ("paid", "back", "before")}


@pytest.mark.slow
def test_the_command_keeps_a_list_to_sign_and_a_record_that_replays(tmp_path: Path) -> None:
    at, out, run = _written(tmp_path), tmp_path / "out", CliRunner()
    options = ["--paid", at["paid"], "--returned", at["back"], "--before", at["before"]]
    scenario = str(tmp_path / "scenario.yaml")
    done = run.invoke(cli.allot, ["reallocate", scenario, *options, "-o", str(out), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["paid"] == 3 and told["broken"] == []
    listed = (out / "changes.csv").read_text("utf-8-sig").splitlines()
    assert listed[0] == "county,task,before,paid,after,difference"
    assert "a,road,5,3,3,-2" in listed and len(listed) == len(told["changes"]) + 1
    assert run.invoke(cli.allot, ["verify", str(out / "record"), "-q"]).exit_code == 0


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    at = _written(tmp_path)
    rows = [["a", "raod", 3], ["a", "road", "x"], ["b", "road", 1], ["b", "road", 2]]
    write_csv(tmp_path / "paid.csv", ["county", "task", "paid"], rows)
    scenario = str(tmp_path / "scenario.yaml")
    done = CliRunner().invoke(cli.allot, ["reallocate", scenario, "--paid", at["paid"]])
    assert done.exit_code == 2
    for said in ("line 2", "'raod'", "'road'", "line 3: paid", "line 5"):
        assert said in done.output


def test_bounds_of_cells_stand_in_a_file_of_any_scenario(tmp_path: Path) -> None:
    rows = [["a", "road", 4, ""], ["b", "school", "", 1]]
    world(tmp_path, {"budget": 12, "rules": []})
    write_csv(tmp_path / "paid.csv", ["county", "task", "paid", "most"], rows)
    cells = {"file": "paid.csv", "at_least": "paid", "at_most": "most"}
    scenario = world(tmp_path, {"budget": 12, "rules": [CAP], "cells": cells})
    solution = solve(scenario)
    assert solution.allocation.amounts[0, 0] >= 4 and solution.allocation.amounts[1, 1] <= 1
    assert any(one.rule == "cell-bounds" for one in solution.audit.findings)
    broken = audit(scenario, table([3, 0], [0, 2])).broken
    assert [(one.rule, one.slack) for one in broken] == [("cell-bounds", -1), ("cell-bounds", -1)]
    with pytest.raises(InputError, match=r"unknown key 'at_leest'"):
        world(tmp_path, {"budget": 12, "cells": {"file": "paid.csv", "at_leest": "paid"}})
    with pytest.raises(InputError, match=r"line 1: the column 'payd' is missing"):
        world(tmp_path, {"budget": 12, "cells": {"file": "paid.csv", "at_least": "payd"}})
    with pytest.raises(InputError, match=r"hold at the least is 2 above the budget"):
        world(tmp_path, {"budget": 2, "cells": {"file": "paid.csv", "at_least": "paid"}})


def test_a_table_of_money_goes_by_names_too() -> None:
    programme = load(BASE).programme
    lines = ["县（市、区）,重点工作,paid", "昭觉县,园区建设,12", "510522,parks,7"]
    file = MemoryFile("paid.csv", "\n".join(lines).encode())
    read = MoneyTable.read(file, programme, ("paid",))
    counties = programme.counties.index
    assert {cell[0] for cell in read.cells} == {counties["513431"], counties["510522"]}
    assert sum(money["paid"] for money in read.cells.values()) == 19
