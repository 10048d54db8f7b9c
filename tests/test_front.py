"""Fronts: every point that nothing betters in all of several aims, and no other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import allot
import cli
from models.errors import InfeasibleError, InputError
from models.scenario import Scenario
from optimizer.study.front import Front, front
from reports.catalogue import Words
from reports.document import Figure, Grid
from reports.documents.front_page import front_page
from tests.test_ordered_aims import BUDGET, firms, jobs, programme, spent, tables
from tests.test_published_cases import FRONTS, WISHES, pool
from tests.worlds import rule, world

MEASURES = {"jobs": jobs, "firms": firms, "amount": spent}


def by_looking(wishes: Sequence[str]) -> set[tuple[Fraction, ...]]:
    """The points that no other table betters, all tables looked at."""
    signs = [-1 if text.startswith("-") else 1 for text in wishes]
    values = {
        tuple(
            sign * MEASURES[text.removeprefix("-")](money)
            for sign, text in zip(signs, wishes, strict=True)
        )
        for money in tables()
    }
    best = {
        one
        for one in values
        if not any(
            other != one and all(a >= b for a, b in zip(other, one, strict=True))
            for other in values
        )
    }
    return {tuple(s * v for s, v in zip(signs, one, strict=True)) for one in best}


def points(found: Front) -> set[tuple[Fraction, ...]]:
    return {one.values for one in found.points}


@pytest.mark.slow
@pytest.mark.parametrize(
    "aims", ["jobs,firms", "jobs,-amount", "firms,jobs", "jobs,firms,-amount", "-firms,jobs"]
)
def test_a_front_is_that_of_looking_at_all_tables(aims: str, tmp_path: Path) -> None:
    found = front(programme(tmp_path, {"weights": {"jobs": 1}}), aims)
    assert found.complete
    assert points(found) == by_looking(aims.split(","))


@pytest.mark.slow
@pytest.mark.parametrize("name", FRONTS)
def test_the_published_fronts_of_ten_projects_come_out_whole(name: str, tmp_path: Path) -> None:
    """MultiObjectiveAlgorithms.jl: 7 points of three measures, 10 of four."""
    uses, limit, published = FRONTS[name]
    due = {tuple(map(Fraction, line.split())) for line in published.splitlines()}
    count = len(next(iter(due)))
    brings = {f"z{at}": line.split() for at, line in enumerate(WISHES.splitlines()[:count])}
    found = front(pool(tmp_path, brings, [uses.split()], [limit], {}), list(brings))
    assert found.complete
    assert points(found) == due


def test_a_front_that_is_cut_says_so(tmp_path: Path) -> None:
    scenario = programme(tmp_path, {"weights": {"jobs": 1}})
    whole = front(scenario, "jobs,-amount")
    cut = front(scenario, "jobs,-amount", most=2)
    assert (cut.complete, cut.why, len(cut.points)) == (False, "most", 2)
    assert points(cut) < points(whole)
    some = front(scenario, "jobs,-amount", points=3)
    assert (some.complete, some.why) == (False, "sampled")
    assert points(some) < points(whole)
    ends = sorted(points(whole))
    assert {ends[0], ends[-1]} <= points(some)


@pytest.mark.slow
def test_of_a_large_programme_some_points_are_found_each_within_its_gap(tmp_path: Path) -> None:
    """Two tasks in each of 101 towns, too many cells for all points: roads bring jobs and schools
    firms. Beside each point a solve that asks for as many firms finds no more jobs than its gap
    leaves."""
    counties = {f"c{at:03}": {"people": 100 + at} for at in range(101)}
    tiers = [
        [county, task, 1, 10, f"0.{jobs + at % 3}", f"0.{4 + at % 2 - jobs // 2}"]
        for at, county in enumerate(counties)
        for task, jobs in (("road", 6), ("school", 2))
    ]
    scenario = world(tmp_path, {"budget": 700, "lot": 5}, counties=counties, tiers=tiers)
    found = front(scenario, "jobs,firms", points=4)
    assert (found.complete, found.why) == (False, "sampled")
    assert len(found.points) >= 3
    firms = [one.values[1] for one in found.points]
    assert firms == sorted(set(firms))
    for one in found.points:
        assert not allot.audit(scenario, one.allocation).broken
        asked = scenario.replace(
            objective={"weights": {"jobs": 1, "firms": 0}, "normalise": "none"},
            rules={"most": rule(id="most", measure="firms", at_least=str(float(one.values[1])))},
        )
        best = allot.solve(asked, gap=1e-4, repaired=False, certificate=False)
        assert one.gap is not None
        assert float(best.objective) <= float(one.values[0]) * (1 + one.gap) + 1e-9
    page = front_page(found, Words("en"))
    assert "may gain at most" in str([part for part in page.parts if isinstance(part, Grid)])


@pytest.mark.slow
@pytest.mark.parametrize("aims", ["jobs,-amount", "-amount,jobs"])
def test_money_is_asked_for_step_by_step_beside_a_metric(tmp_path: Path, aims: str) -> None:
    """Roads in 101 towns, 30 coins at the least for all: an end without more than these, one with
    all 70, and one between."""
    towns = {f"c{at:03}": {"people": 100 + at} for at in range(101)}
    tiers = [[town, task, 1, 10, "0.6", 0] for town in towns for task in ("road", "school")]
    least = rule(id="least", at_least=30)
    body = {"budget": 70, "lot": 5, "rules": [least]}
    found = front(world(tmp_path, body, counties=towns, tiers=tiers), aims, points=3)
    assert (found.complete, found.why) == (False, "sampled")
    assert [one.spent for one in found.points] == sorted([30, 50, 70], reverse=aims[0] == "j")
    jobs = {one.spent: one.values[aims[0] == "-"] for one in found.points}
    assert jobs == {30: 18, 50: 30, 70: 42}
    (grid,) = (part for part in front_page(found, Words("en")).parts if isinstance(part, Grid))
    assert grid.header[-1] == "Jobs (jobs): may gain at most"


def test_rules_hold_at_every_point(tmp_path: Path) -> None:
    rules = [rule(id="most", per="county", at_most=3), rule(id="two", measure="cells", at_most=2)]
    scenario = programme(tmp_path, {"weights": {"jobs": 1}}, rules=rules)
    found = front(scenario, ["jobs", "firms"])
    assert found.complete
    for one in found.points:
        assert not allot.audit(scenario, one.allocation).broken


@pytest.mark.parametrize(
    ("aims", "said"),
    [
        ("jobs", "two or more metrics"),
        ("jobs,jobs", "two or more metrics"),
        ("jobs,firm", "did you mean 'firms'"),
        ("jobs,-jobs", "two or more metrics"),
    ],
)
def test_wishes_that_are_none_are_refused(aims: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        front(programme(tmp_path, {"weights": {"jobs": 1}}), aims)


def test_a_rule_that_gives_way_is_refused(tmp_path: Path) -> None:
    rules = [rule(id="soft", at_least=1, soft={"price": 1})]
    scenario = programme(tmp_path, {"weights": {"jobs": 1}}, rules=rules)
    with pytest.raises(InputError, match="rules.soft.soft"):
        front(scenario, "jobs,firms")


def test_where_no_allocation_keeps_the_rules_there_is_no_front(tmp_path: Path) -> None:
    scenario = programme(tmp_path, {"weights": {"jobs": 1}}, rules=[rule(at_least=BUDGET + 1)])
    with pytest.raises(InfeasibleError):
        front(scenario, "jobs,firms")


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    return programme(tmp_path, {"weights": {"jobs": 1}})


@pytest.mark.slow
def test_the_page_draws_each_pair_of_aims(small: Scenario) -> None:
    for aims, pairs in (("jobs,firms", 1), ("jobs,firms,-amount", 3)):
        page = front_page(front(small, aims), Words("zh"))
        assert sum(isinstance(part, Figure) for part in page.parts) == pairs


def test_the_command_keeps_points_and_their_money(small: Scenario, tmp_path: Path) -> None:
    assert small.document.folder is not None
    path, out = small.document.folder / "scenario.yaml", tmp_path / "out"
    run = CliRunner().invoke(
        cli.allot, ["front", str(path), "--aims", "jobs,firms", "-o", str(out), "--json"]
    )
    assert run.exit_code == 0, run.output
    told: dict[str, Any] = json.loads(run.stdout)
    assert told["complete"] is True
    lines = (out / "front.csv").read_text("utf-8-sig").splitlines()
    assert lines[0] == "point,jobs,firms,spent"
    assert len(lines) == 1 + len(told["points"])
    kept = (out / "front-allocations.csv").read_text("utf-8-sig").splitlines()
    assert len(kept) == 1 + sum(len(one["allocation"]) for one in told["points"])
    assert "<svg" in (out / "front.html").read_text("utf-8")
