"""The tornado: which numbers are assumptions, how far they move, what that changes, ranked."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed
from optimizer.problem import reference_of
from optimizer.solvers.base import Effort
from optimizer.solvers.highs import solve_model
from optimizer.study.assumed_numbers import Assumption, assumed_numbers, looked_up
from optimizer.study.design import Paths
from optimizer.study.runner import How, Mapped
from optimizer.study.study_result import Result
from optimizer.study.tornado import tornado, tornado_study
from tests.worlds import rule, world

ROOT = Path(__file__).parent.parent
BASE = ROOT / "scenarios" / "base-2020.yaml"
MODULE, RUNNER = (import_module(f"optimizer.study.{name}") for name in ("tornado", "runner"))
"""The package has the function by the same name."""


@pytest.fixture(scope="module")
def base() -> Scenario:
    return load(BASE)


def by_path(scenario: Scenario) -> dict[str, Assumption]:
    return {one.path: one for one in assumed_numbers(scenario, Paths(scenario))}


# ---- what is an assumption ----


def test_the_base_moves_what_is_assumed_and_nothing_that_a_clause_states(base: Scenario) -> None:
    found = by_path(base)
    assert {
        "rules.rise-cap.at_most.times",
        "rules.funded-cells.at_most",
        "lot",
        "response.tasks.parks.sigma",
        "response.kappa.record-2018-19.jobs",
    } <= set(found)
    assert not {
        "budget",
        "rules.jobs-target.at_least",
        "rules.deep-poverty-share.at_least.share",
    } & (set(found))
    assert not any(path.startswith("response.kappa.plan-norm") for path in found)
    assert looked_up(base, Paths(base)) == [
        "rules.task-share-min.at_least.share",
        "rules.task-share-max.at_most.share",
    ]


def test_without_a_stated_range_ten_percent_stand_in_and_counts_stay_whole(base: Scenario) -> None:
    found = by_path(base)
    sigma, cap = found["response.tasks.parks.sigma"], found["rules.rise-cap.at_most.times"]
    assert (sigma.now, sigma.low, sigma.high, sigma.stated) == ("200", "180", "220", "")
    assert (cap.low, cap.high) == ("1.44", "1.76")
    few = found["rules.tasks-per-county.at_most"]
    assert (few.low, few.high) == ("4", "6")  # 4.5 and 5.5, outwards


def test_a_stated_range_is_taken_whatever_the_basis_and_a_share_stays_one(tmp_path: Path) -> None:
    share = {"share": "0.95", "of": "amount"}
    clause = {"document": "plan", "article": "1", "seen": True, "states_number": True}
    rules = [
        rule(id="given", at_least=10, range=[8, 15]),
        rule(id="times", at_least=10, range={"times": ["0.5", 2]}),
        rule(id="high", where={"task": "road"}, at_most=share),
        rule(id="practice", basis="practice", number_from="x", at_least=1, range=[0, 2]),
        rule(id="target", basis="target", clause=clause, measure="jobs", at_least=1),
    ]
    found = by_path(world(tmp_path, {"budget": 60, "rules": rules}))
    ends = {path: (one.low, one.high, one.stated) for path, one in found.items()}
    assert ends == {
        "rules.given.at_least": ("8", "15", "rules.given.range"),
        "rules.times.at_least": ("5", "20", "rules.times.range"),
        "rules.high.at_most.share": ("0.855", "1", ""),
        "rules.practice.at_least": ("0", "2", "rules.practice.range"),
    }


# ---- ranking ----


def three_rules(folder: Path) -> Scenario:
    """60 coins: 40 at 0.5 jobs, 20 at 0.2; 24 jobs."""
    rules = [
        rule(id="idle", at_least=1, range=[0, 2]),
        # Money on the roads of a beyond 10 coins comes from cells that do no better: no effect.
        rule(id="cap", at_most=60, range=[50, 70]),
        rule(id="floor", where={"county": "a"}, at_least=30, range=[20, 60]),
    ]
    return world(folder, {"budget": 60, "rules": rules})


def test_assumptions_are_ranked_by_their_largest_effect(tmp_path: Path) -> None:
    table = tornado(three_rules(tmp_path), workers=1)
    assert table["path"].iloc[::2].tolist() == [
        "rules.floor.at_least",  # all 60 to a: 20 at 0.5, 40 at 0.2, 18 jobs
        "rules.cap.at_most",  # 50 coins: 22 jobs
        "rules.idle.at_least",
    ]
    assert table["rank"].tolist() == [1, 1, 2, 2, 3, 3]
    assert table["side"].tolist() == ["down", "up"] * 3
    assert table["worth"].tolist() == pytest.approx([0, -6, -2, 0, 0, 0])
    assert table["told_apart"].tolist() == [False, True, True, False, False, False]
    assert table.attrs["unchanged"]["worth"] == 24


def test_a_metric_or_the_money_moved_ranks_as_well(tmp_path: Path) -> None:
    made = three_rules(tmp_path)
    firms = tornado(made, by="firms", workers=1)
    assert firms["path"].iloc[0] == "rules.floor.at_least"
    moved = tornado(made, by="moved", workers=1)
    largest = moved.groupby("rank")["moved"].max().tolist()
    assert largest == sorted(largest, reverse=True) and largest[0] >= 30
    with pytest.raises(InputError, match="'jbos' is none of worth, moved, jobs, firms"):
        tornado(made, by="jbos", workers=1)


def test_what_leaves_no_allocation_comes_first_and_says_why(tmp_path: Path) -> None:
    rules = [
        rule(id="cap", at_most=50, range=[40, 60]),
        rule(id="floor", at_least=40, range=[30, 80]),
    ]
    study = tornado_study(world(tmp_path, {"budget": 60, "rules": rules}), relax=True)
    rows = [dict(zip(study.columns, row, strict=True)) for row in study.rows]
    assert [row["path"] for row in rows[::2]] == ["rules.floor.at_least", "rules.cap.at_most"]
    assert rows[1]["status"] == "infeasible" and "no allocation can keep" in str(rows[1]["why"])
    assert rows[1]["worth"] is None and rows[1]["told_apart"] is None
    assert "没有安排" in study.reasons[str(rows[1]["why"])]


def test_some_paths_are_moved_by_the_share_asked_for(tmp_path: Path) -> None:
    made = three_rules(tmp_path)
    rows = tornado(made, within="20%", paths=["rules.fl*", "rules.floor.at_least"], relax=True)
    assert rows["path"].unique().tolist() == ["rules.floor.at_least"]
    now = rows["now"][0]
    assert rows["value"].tolist() == pytest.approx([0.8 * now, 1.2 * now])
    assert rows["range"].tolist() == ["asked", "asked"]
    with pytest.raises(InputError) as caught:
        tornado(made, paths=["rules.flor.at_least", "budget"], relax=True)
    assert "did you mean 'rules.floor.at_least'?" in str(caught.value)
    assert "budget: there is no such assumption" in str(caught.value)
    with pytest.raises(InputError, match="within"):
        tornado(made, within="much", relax=True)


def test_constants_of_the_response_make_the_tiers_that_the_scenario_reads(base: Scenario) -> None:
    """Tiers made in one go, for a constant and for two at once, are those read from the file."""
    plan = RUNNER.StudyPlan(base, [], How(relax=True))
    for point in (
        (("response.tasks.parks.sigma", "181.5"),),
        (
            ("response.cost.step", "0.0712"),
            ("response.productivity.jobs.manufacturing_share", "0.3"),
        ),
    ):
        made, read = plan.changed(point), Paths(base).changed(point)
        assert made.tiers.is_same(read.tiers) and not made.tiers.is_same(base.tiers)
    ends = plan.changed((("response.breakpoints[2]", "1.1"),))
    assert not ends.tiers.is_same(base.tiers)


def test_a_difference_within_the_gaps_is_not_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mapped(scenario: Scenario, points: Any, **_: Any) -> Mapped:
        def result(worth: float, gap: float) -> Result:
            return Result("optimal", worth=worth, gap=gap, outcomes={"jobs": worth, "firms": 0.0})

        # Gaps of 1 % on either side: 0.2 and 0.198 together.
        return Mapped(result(20, 0.01), (result(19.8, 0.01), result(19.5, 0.01)))

    monkeypatch.setattr(MODULE, "map_scenarios", mapped)
    made = world(tmp_path, {"budget": 60, "rules": [rule(id="one", at_least=10)]})
    assert tornado(made)["told_apart"].tolist() == [False, True]


@pytest.mark.slow
def test_moving_a_constant_is_solving_another_scenario(
    base: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row's effect is what the relaxation of the scenario with the other constant comes to,
    loaded from its file and measured by what points are in the unchanged one."""
    path = "response.kappa.record-2018-19.trainees"
    one = by_path(base)[path]
    monkeypatch.setattr(MODULE, "assumed_numbers", lambda *_: [one])
    rows = tornado(base, by="trainees", relax=True)
    points = reference_of(base).points

    def best(kappa: str) -> float:
        scenario = load(BASE, set_={path: kappa})
        own = formulate(scenario, reference_of(scenario).points, whole=False)
        answer = solve_model(relaxed(own), Effort(gap=0.0))
        assert answer.values is not None
        return float(formulate(scenario, points, whole=False).cost @ answer.values)

    effects = [best(kappa) - best(one.now) for kappa in (one.low, one.high)]
    assert effects[0] < 0 < effects[1]
    assert rows["worth"].tolist() == pytest.approx(effects, abs=1e-6)
    assert rows["trainees"][0] < 0 < rows["trainees"][1]
    assert Fraction(one.low) < Fraction(one.now) < Fraction(one.high)
    notes = " ".join(rows.attrs["notes"])
    assert "10 % each way" in notes and "kappa stays" in notes and "task-share-min" in notes
