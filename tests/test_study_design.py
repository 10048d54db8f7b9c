"""Paths and points: what can be varied, under which names, at which exact values."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from commands.study import interval, varied
from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.study.design import Paths, cross_product, steps, where
from tests.worlds import rule, world

ROOT = Path(__file__).parent.parent
BASE = ROOT / "scenarios" / "base-2020.yaml"
FLOOR = rule(id="floor", per=["county"], at_least=15)
SHARE = rule(id="share", where={"task": "road"}, at_least={"share": "0.2", "of": "amount"})


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    return world(tmp_path, {"budget": 60, "rules": [FLOOR, SHARE]})


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return str(caught.value)


def test_steps_are_exact_decimals_and_reach_the_last() -> None:
    assert steps("0.2:0.5:0.1") == [Fraction(n, 10) for n in (2, 3, 4, 5)]
    assert steps("0.2:0.49:0.1") == [Fraction(n, 10) for n in (2, 3, 4)]
    assert steps("3:1:-1") == [3, 2, 1]
    tenths = steps("0:1000:0.1")
    assert len(tenths) == 10_001 and tenths[-1] == 1000


@pytest.mark.parametrize("text", ["1:2", "1:2:0", "2:1:1", "1:2:-1", "1:2:3:4", "a:2:1", "1:2:nan"])
def test_steps_that_lead_nowhere_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        steps(text)


def test_every_combination_is_a_point_and_the_last_path_changes_fastest(small: Scenario) -> None:
    vary = {"budget": "50,60", "rules.floor.at_least": [5, "10.0"]}
    points = cross_product(Paths(small), vary)
    assert list(map(where, points)) == [
        "budget=50, rules.floor.at_least=5",
        "budget=50, rules.floor.at_least=10",
        "budget=60, rules.floor.at_least=5",
        "budget=60, rules.floor.at_least=10",
    ]


def test_a_value_named_twice_is_one_point(small: Scenario) -> None:
    assert len(cross_product(Paths(small), {"budget": "50,50.0,050,51"})) == 2


def test_all_unknown_paths_are_named_at_once_each_with_the_nearest(small: Scenario) -> None:
    said = refused(cross_product, Paths(small), {"budgte": "1", "rules.flor.at_least": "1"})
    assert "did you mean 'budget'" in said
    assert "did you mean 'rules.floor.at_least'" in said


@pytest.mark.parametrize(
    "name", ["programme", "title", "rules.floor.title.en", "rules.floor.basis"]
)
def test_the_programme_and_wordings_are_no_paths(small: Scenario, name: str) -> None:
    assert "there is no such path" in refused(cross_product, Paths(small), {name: "x"})


@pytest.mark.parametrize("value", ["abc", "", "1,,2", "nan", "1e999999", "1:2"])
def test_a_value_that_is_none_is_refused_with_its_path(small: Scenario, value: str) -> None:
    assert "budget" in refused(cross_product, Paths(small), {"budget": value})


def test_more_than_ten_thousand_points_are_computed_only_where_that_is_meant(
    small: Scenario,
) -> None:
    many = {"budget": "1:10001:1"}
    assert "10,001 points; more than 10,000 only with --yes" in refused(
        cross_product, Paths(small), many
    )
    assert len(cross_product(Paths(small), many, yes=True)) == 10_001
    assert len(cross_product(Paths(small), {"budget": "1:10000:1"})) == 10_000


def test_a_point_sets_what_its_paths_name_and_nothing_else(small: Scenario) -> None:
    paths = Paths(small)
    point = (
        ("budget", "50"),
        ("lot", "5"),
        ("objective.weights.firms", "2"),
        ("rules.share.at_least.share", "0.3"),
        ("rules.floor.enabled", "false"),
    )
    changed = paths.changed(point)
    assert (changed.budget, set(changed.lots())) == (50, {5})
    assert changed.spec.objective.weights == {"jobs": 1, "firms": 2}
    (share,) = changed.rules
    assert share.id == "share" and share.bound[0].factor is not None
    assert share.bound[0].factor.number == Fraction(3, 10)
    assert paths.changed(()) is small


def test_the_constants_of_the_response_are_paths_of_the_base() -> None:
    known = Paths(load(BASE)).known
    assert {"response.tasks.parks.sigma", "response.kappa.record-2018-19.jobs", "lot"} <= set(known)
    assert known["response.tasks.parks.sigma"].now == "200"
    # Of the other calibration, which is not in use.
    assert "response.kappa.plan-norm.jobs" not in known
    # What stands in a column is no single number.
    assert known["rules.task-share-min.at_least.share"].now is None


def test_constants_are_refused_where_the_tiers_are_a_file_of_the_users_own(tmp_path: Path) -> None:
    own = world(tmp_path, {"budget": 60})
    assert "there is no such path" in refused(Paths(own).find, "response.tasks.road.sigma")


def test_options_are_split_at_the_first_equals_sign_and_named_once() -> None:
    assert varied([" a.b = 1:2:1 ", "c=x=y"]) == {"a.b": "1:2:1", "c": "x=y"}
    for text in ("a", "=1", "a=", "a= "):
        assert "write --vary PATH=" in refused(varied, [text])
    assert "varied already" in refused(varied, ["a=1", "a=2"])
    assert interval("1:2") == ("1", "2", None) and interval("1:2:0.5") == ("1", "2", "0.5")
    for text in ("1", "1:", "1:2:3:4"):
        assert "low:high" in refused(interval, text)
