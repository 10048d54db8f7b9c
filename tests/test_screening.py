"""Which number first: published indices, closed forms, and the relaxation against its own model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import allot
import cli
from models.errors import InputError
from models.scenario import Scenario
from optimizer.study.information import NODES, information
from optimizer.study.screening import screen
from tests.worlds import rule, world, write_world

ISHIGAMI = {
    # alone, with others: analytic, a = 7 and b = 0.1
    "x1": (0.3139051912, 0.5575888552),
    "x2": (0.4424111448, 0.4424111448),
    "x3": (0.0, 0.2436836641),
}


def ishigami(x: Any) -> Any:
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


@pytest.mark.slow
def test_the_indices_of_the_ishigami_function_are_those_published() -> None:
    found = allot.screen(ishigami, dict.fromkeys(ISHIGAMI, (-np.pi, np.pi)), base=2**15)
    assert [one.path for one in found.rows] == ["x2", "x1", "x3"]
    for one in found.rows:
        alone, with_others = ISHIGAMI[one.path]
        assert one.effect[0] == pytest.approx(alone, abs=1.5e-3)
        assert one.total[0] == pytest.approx(with_others, abs=1.5e-3)
    assert [one.is_told(0) for one in found.rows] == [True, True, False]
    assert found.solved == 2**15 * 5


def test_morris_finds_the_slopes_of_a_straight_function_and_no_spread() -> None:
    ranges = {"a": (0.0, 2.0), "b": (-1.0, 1.0), "c": (0.0, 1.0)}
    found = screen(lambda x: 5 * x[:, 0] - 3 * x[:, 1], ranges, method="morris", base=8)
    effects = {one.path: one.effect[0] for one in found.rows}
    assert effects == pytest.approx({"a": 10, "b": 6, "c": 0})  # slope × width of the range
    assert all(abs(one.total[0]) < 1e-9 for one in found.rows)


def lane(folder: Path, **more: Any) -> Scenario:
    """Ten coins for two straight tasks that yield a job a coin each."""
    tiers = [("a", "road", 1, 10, "1", "0"), ("a", "school", 1, 10, "1", "0")]
    rules = more.pop("rules", [])
    counties = {"a": {"people": 1}}
    return world(folder, {"budget": 10, "rules": rules, **more}, counties=counties, tiers=tiers)


ONE = {"*": "held", "rates.jobs.road": "20%"}


def test_knowing_one_straight_rate_is_worth_what_it_lies_above_the_other(tmp_path: Path) -> None:
    """Seven middles of 0.8 to 1.2: above 1 by 1, 2 and 3 sevenths of 0.4; of ten coins."""
    (known,) = information(lane(tmp_path), sample=ONE, draws=50).rows
    due = 10 * 0.4 / 7 * (1 + 2 + 3) / NODES
    assert known.points == pytest.approx(due, abs=1e-5)
    assert known.outcomes["jobs"] == pytest.approx(due, abs=1e-5)


def test_what_is_not_known_counts_by_the_mean_of_its_range_and_not_as_assumed(
    tmp_path: Path,
) -> None:
    """Both means are 1.2, neither the 1 assumed: knowing the road's 0.8 to 1.6 or the school's 1.1
    to 1.3 is worth what that lies above 1.2, by 1, 2 and 3 sevenths of its width; of ten coins."""
    both = {
        "*": "held",
        "rates.jobs.road": {"times": ["0.8", "1.6"]},
        "rates.jobs.school": {"times": ["1.1", "1.3"]},
    }
    rows = information(lane(tmp_path), sample=both, draws=5).rows
    due = {"rates.jobs.road": 0.8, "rates.jobs.school": 0.2}
    assert {one.number.path: one.points for one in rows} == {
        path: pytest.approx(10 * wide / 7 * (1 + 2 + 3) / NODES, abs=1e-5)
        for path, wide in due.items()
    }


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_knowing_all_rates_is_worth_the_mean_of_the_best_less_the_best_mean(
    seed: int, tmp_path: Path
) -> None:
    scenario = lane(tmp_path)
    both = {"*": "held", "rates.jobs.road": "20%", "rates.jobs.school": "40%"}
    found = information(scenario, sample=both, draws=60, seed=seed)
    drawn = allot.uncertainty(scenario, sample=both, draws=60, seed=seed).drawn.values
    rates = np.round(np.array([drawn["rates.jobs.road"], drawn["rates.jobs.school"]]), 6)
    due = 10 * (rates.max(axis=0).mean() - rates.mean(axis=1).max())
    assert found.points == pytest.approx(due, abs=1e-5)
    # The wider one is worth more to know, and neither more than both.
    assert [one.number.path for one in found.rows] == ["rates.jobs.school", "rates.jobs.road"]


def test_a_level_of_all_rates_is_worth_nothing_to_know(tmp_path: Path) -> None:
    found = information(lane(tmp_path), sample={"*": "held", "rates.jobs": "30%"}, draws=20)
    assert [one.points for one in found.rows] == [0.0]


def test_draws_without_an_allocation_count_as_the_baseline_does(tmp_path: Path) -> None:
    """A target of ten jobs: with the road under 1 the school makes it; both under 1, none does."""
    rules = [rule(id="jobs", measure="jobs", at_least=10)]
    scenario = lane(tmp_path, rules=rules)
    both = {"*": "held", "rates.jobs.road": "20%", "rates.jobs.school": "20%"}
    found = screen(scenario, sample=both, base=64, seed=2)
    share = found.infeasible / found.solved
    assert share == pytest.approx(0.25, abs=0.06)  # half of each
    assert found.solved == 64 * 4 and found.answers[0] == "index"
    assert {one.path for one in found.rows} == {"rates.jobs.road", "rates.jobs.school"}


@pytest.mark.slow
def test_the_figures_are_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 30, "lot": 4})
    how: dict[str, Any] = {"method": "morris", "base": 14, "within": "20%"}
    alone, together = (screen(scenario, workers=workers, **how).frame for workers in (1, 2))
    assert alone.equals(together)
    assert len(set(alone["path"])) == 6


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"base": 100}, "a power of two is due here"),
        ({"base": 1}, "points are due here"),
        ({"method": "sobl"}, "did you mean 'sobol'"),
        ({"paths": ["rates.jobs.raod"]}, "did you mean 'rates.jobs.road'"),
        ({"sample": {"*": "held"}}, "nothing to draw"),
        ({"seed": -1}, "whole number of zero or more"),
    ],
)
def test_what_cannot_be_screened_is_said(how: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        screen(lane(tmp_path), **how)
    assert said in str(raised.value)


def test_ranges_of_a_function_are_checked() -> None:
    with pytest.raises(InputError, match="is due with a function"):
        screen(ishigami)
    with pytest.raises(InputError, match="not below its high one"):
        screen(ishigami, {"x1": (1.0, 0.0)})


@pytest.mark.parametrize("method", ["sobol", "morris", "information"])
def test_the_verb_says_it_by_each_method(method: str, tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 30})
    words = ["drivers", str(path), "--method", method, "--within", "30%", "-o", str(tmp_path / "o")]
    if method != "information":
        words += ["--base", "8"]
    done = CliRunner().invoke(cli.allot, [*words, "--lang", "en", "--json"])
    assert done.exit_code == 0, done.output
    view = json.loads(done.stdout)
    assert view["scenario"] == "scenario" and (tmp_path / "o" / "drivers.csv").is_file()
    told = CliRunner().invoke(cli.allot, [*words, "--lang", "zh"])
    assert told.exit_code == 0, told.output
