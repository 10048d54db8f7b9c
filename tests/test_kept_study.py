"""A study that grows: any design, three evaluations, killed at any statement, the same bytes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import allot
from models.allocation import Allocation
from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.study.assumption_table import assumptions
from optimizer.study.kept_study import Design, open_study
from tests.worlds import rule, world

BASE = Path(__file__).parent.parent / "scenarios" / "base-2020.yaml"
FLOOR, FLOOR_PATH = rule(id="floor", per=["county"], at_least=15), "rules.floor.at_least"
VARY = {"budget": [40, 50, 60], FLOOR_PATH: [10, 15]}


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return world(tmp_path / "given", {"budget": 60, "rules": [FLOOR]})


def thirty(scenario: Scenario) -> Allocation:
    amounts = np.zeros(scenario.programme.shape, dtype=object)
    amounts[:, 0] = 20
    return Allocation(amounts)


def content(folder: Path) -> list[str]:
    """All that is kept, as text; the bytes of a database also tell of its history."""
    with sqlite3.connect(folder / "results.sqlite") as store:
        return list(store.iterdump())


def test_a_table_read_at_each_point_is_what_the_audit_says(
    scenario: Scenario, tmp_path: Path
) -> None:
    study = open_study(tmp_path / "s", scenario, evaluate="audit", table=thirty(scenario))
    study.extend(Design.grid(scenario, {"budget": [30, 60], "rules.floor.at_least": [15, 25]}))
    frame = study.frame
    assert frame["status"].tolist() == ["broken", "broken", "kept", "broken"]
    assert [set(why.split()) for why in frame["why"]] == [
        {"budget"},
        {"budget", "floor"},
        set(),
        {"floor"},
    ]
    # Two roads of 20: 10 coins at 0.5 and 10 at 0.2 each.
    assert frame["jobs"].tolist() == [14.0] * 4 and frame["spent"].tolist() == [40.0] * 4
    assert study.allocation(0) is None


def test_relaxed_and_whole_points_have_their_money(scenario: Scenario, tmp_path: Path) -> None:
    for evaluate in ("relaxed", "whole"):
        study = open_study(tmp_path / evaluate, scenario, evaluate=evaluate)
        study.extend(Design.points([{"budget": 50}, {"budget": 27}, {"budget": 60}]))
        frame = study.frame
        assert frame["status"].tolist() == ["optimal", "infeasible", "optimal"]
        due = allot.solve(scenario.replace(budget=50), gap=0)
        assert frame["worth"][0] == pytest.approx(float(due.objective))
        money = study.allocation(0)
        assert money is not None and float(money.amounts.sum()) == pytest.approx(50)
        assert study.allocation(1) is None and "no allocation can keep" in frame["why"][1]


def test_a_finished_study_grows_and_is_opened_by_its_folder(
    scenario: Scenario, tmp_path: Path
) -> None:
    study = open_study(tmp_path / "s", scenario).extend(Design.grid(scenario, VARY))
    before = study.frame
    again = open_study(tmp_path / "s")
    assert len(again) == 6 and again.scenario.spec.budget == 60
    seen: list[tuple[int, int]] = []
    more = pd.DataFrame({"budget": [40, 70, 40], "rules.floor.at_least": [10, 15, 10]})
    again.extend(Design.points(more), watch=lambda done, total: seen.append((done, total)))
    assert seen == [(7, 7)], "what was there is not worked out again"
    assert again.frame.iloc[:6].drop(columns="point").equals(before.drop(columns="point"))
    at_once = open_study(tmp_path / "other", scenario)
    at_once.extend(Design((*Design.grid(scenario, VARY).listed, {"budget": 70, FLOOR_PATH: 15})))
    assert at_once.frame.equals(again.frame)


def killed_at(statement: int, folder: Path, scenario: Scenario) -> bool:
    """Whether a copy of this process that extends the study kills itself at that statement."""
    child = os.fork()
    if not child:
        connect, seen = sqlite3.connect, [0]

        def count(_: str) -> None:
            seen[0] += 1
            if seen[0] == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        def traced(*where: Any, **how: Any) -> sqlite3.Connection:
            store = connect(*where, **how)
            store.set_trace_callback(count)
            return store

        sqlite3.connect = traced  # type: ignore[assignment]
        study = open_study(folder, scenario, evaluate="audit", table=thirty(scenario))
        study.extend(Design.grid(scenario, {"budget": "40:69:1"}))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_twenty_kills_at_random_statements_lose_nothing_and_do_nothing_twice(
    scenario: Scenario, tmp_path: Path
) -> None:
    """30 points; the primary key of results would refuse one that is worked out twice."""
    folder, moments, kills = tmp_path / "killed", random.Random(5), 0
    there = 0
    while kills < 20:
        assert killed_at(moments.randint(1, 60), folder, scenario) or len(open_study(folder)) == 30
        kills += 1
        now = len(open_study(folder)) if (folder / "scenario").is_dir() else 0
        assert now >= there
        there = now
    killed_at(-1, folder, scenario)
    whole = open_study(tmp_path / "whole", scenario, evaluate="audit", table=thirty(scenario))
    whole.extend(Design.grid(scenario, {"budget": "40:69:1"}))
    assert content(folder) == content(tmp_path / "whole")


@pytest.mark.slow
def test_two_workers_keep_the_same_as_one(scenario: Scenario, tmp_path: Path) -> None:
    for workers in (1, 2):
        study = open_study(tmp_path / str(workers), scenario, evaluate="whole")
        study.extend(Design.grid(scenario, VARY), workers=workers)
    one, two = (open_study(tmp_path / str(workers)).frame for workers in (1, 2))
    assert one.equals(two)


def test_designs_over_ranges_spread_over_each_of_them() -> None:
    assumed = assumptions(load(BASE)).within("20%")
    for design in (Design.latin_hypercube(assumed, 8), Design.sobol(assumed, 8)):
        assert len(design) == 8
        for one in assumed.drawn:
            low, high = float(Fraction(one.low)), float(Fraction(one.high))
            shares = sorted((float(str(p[one.path])) - low) / (high - low) for p in design.listed)
            assert [int(8 * share) for share in shares] == list(range(8)), one.path
    assert Design.sobol(assumed, 8).listed == Design.sobol(assumed, 8).listed


def test_what_cannot_be_is_said_with_the_nearest_name(scenario: Scenario, tmp_path: Path) -> None:
    study = open_study(tmp_path / "s", scenario)
    wrong: list[dict[str, Any]] = [{"budgte": 4}, {"budget": 50, "rules.floor.at_least": "much"}]
    with pytest.raises(InputError) as caught:
        study.extend(Design.points(wrong))
    assert "did you mean 'budget'?" in str(caught.value) and "points[1]" in str(caught.value)
    study.extend(Design.points([{"budget": 50}]))
    for asked, part in (
        ({"evaluate": "whole"}, "asks"),
        ({"evaluate": "wole"}, "did you mean 'whole'?"),
        ({"evaluate": "audit"}, "goes with evaluate='audit'"),
    ):
        with pytest.raises(InputError) as caught:
            open_study(tmp_path / "s", scenario, **asked)
        assert part in str(caught.value)
    with pytest.raises(InputError, match="study of something else"):
        open_study(tmp_path / "s", scenario.replace(budget=61))
    with pytest.raises(InputError, match="is no study that grows"):
        open_study(tmp_path / "none")
