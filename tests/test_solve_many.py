"""Many changes of one scenario as arrays: each is answered as `solve` would, whoever asks first."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allot
from models.errors import InputError
from models.scenario import Scenario, load
from models.tiers import LARGEST_RATE, Tiers
from optimizer.audit import audit
from optimizer.problem import reference_of
from optimizer.study.batch import Answers, Changes, Factors, solve_many
from optimizer.study.design import Paths
from tests.worlds import RATES, rule, world

BASE = Path(__file__).resolve().parents[1] / "scenarios" / "base-2020.yaml"
FLOOR = rule(id="floor", where={"county": "b"}, at_least=4)
SHARE = rule(id="share", where={"task": "road"}, at_most={"share": "0.5", "of": "amount"})


def small(folder: Path, factors: dict[tuple[str, str], str] | None = None, **body: Any) -> Scenario:
    """Two places and two works; `factors`: of the first metric's rates, by cell."""
    tiers = [
        [
            c,
            t,
            k + 1,
            (10, 20)[k],
            Fraction(RATES["jobs"][k]) * Fraction((factors or {}).get((c, t), 1)),
        ]
        for c in "ab"
        for t in ("road", "school")
        for k in (0, 1)
    ]
    rows = [[*row[:4], str(float(row[4])), RATES["firms"][row[2] - 1]] for row in tiers]
    weights = {"weights": {"jobs": 1, "firms": 1}, "normalise": "none"}
    given = {"budget": 50, "lot": 2, "objective": weights, "rules": [FLOOR, SHARE], **body}
    return world(folder, given, tiers=rows)


def test_a_change_is_answered_as_the_changed_scenario_is_solved(tmp_path: Path) -> None:
    scenario = small(tmp_path / "one")
    changes = Changes(
        rates=[
            Factors([[2.0, 1.0], [1.0, 0.5]], {"county": ["a", "b"]}),
            Factors([[[1.5]], [[1.0]]], {"task": ["school"], "metric": ["jobs"]}),
        ],
        numbers={
            "budget": [50, 40],
            "rules.floor.at_least": [4, 12.0],
            "rules.share.at_most.share": ["0.5", np.float64(0.25)],
            "objective.weights.firms": [1, Fraction(1, 2)],
        },
    )
    found = solve_many(scenario, changes, gap=0)
    doubled = {("a", "road"): "2", ("a", "school"): "3", ("b", "school"): "1.5"}
    halved = {("b", "road"): "0.5", ("b", "school"): "0.5"}
    rules = [{**FLOOR, "at_least": 12}, {**SHARE, "at_most": {"share": "0.25", "of": "amount"}}]
    objective = {"weights": {"jobs": 1, "firms": "1/2"}, "normalise": "none"}
    for number, (factors, body) in enumerate(
        [(doubled, {}), (halved, {"budget": 40, "rules": rules, "objective": objective})]
    ):
        # The factor of a county counts for firms as well.
        other = small(tmp_path / str(number), factors, **body)
        by = {0: [2.0, 1.0], 1: [1.0, 0.5]}[number]
        rate = other.tiers.rate.copy()
        rate[1] = np.rint(rate[1] * np.array(by)[:, None, None])
        due = allot.solve(replace(other, tiers=replace(other.tiers, rate=rate)), gap=0)
        assert found.status[number] == "optimal"
        assert found.objective[number] == float(due.objective)
        kept = found.allocation(number)
        assert kept is not None
        assert kept.amounts.tolist() == due.allocation.amounts.tolist()
        assert found.amounts[number].tolist() == due.allocation.amounts.astype(float).tolist()
        assert found.outcomes["jobs"][number] == float(due.audit.outcomes["jobs"])


def noise(count: int, seed: int = 1) -> Changes:
    programme = load(BASE).programme
    drawn = np.random.default_rng(seed).uniform(0.8, 1.2, (count, 3, *programme.shape))
    axes = {
        "metric": programme.metrics,
        "county": programme.counties.ids,
        "task": programme.tasks.ids,
    }
    return Changes([Factors(drawn, axes)])


@pytest.fixture(scope="module")
def noisy() -> Answers:
    return solve_many(load(BASE), noise(3), gap=3e-4)


def test_noisy_rates_of_the_base_are_answered_within_the_gap_and_keep_every_rule(
    noisy: Answers,
) -> None:
    changes = noise(3)
    assert set(noisy.status) == {"optimal"}
    assert (noisy.gap <= 3e-4 + 1e-5).all()
    assert (noisy.bound >= noisy.objective).all()
    for number in range(3):
        factor = np.asarray(changes.rates[0].values)[number]
        changed = replace(noisy.scenario, tiers=noisy.scenario.tiers.times(factor))
        allocation = noisy.allocation(number)
        assert allocation is not None
        audited = audit(changed, allocation)
        assert not audited.broken
        assert noisy.outcomes["jobs"][number] == float(audited.outcomes["jobs"])


@pytest.mark.slow
def test_an_answer_depends_on_its_own_change_only(noisy: Answers) -> None:
    changes = noise(3)
    backwards = Changes(
        [Factors(np.asarray(changes.rates[0].values)[[2, 0]], changes.rates[0].axes)]
    )
    again = solve_many(load(BASE), backwards, gap=3e-4)
    assert again.results == (noisy.results[2], noisy.results[0])


@pytest.mark.slow
def test_answers_are_the_same_with_any_number_of_workers(
    noisy: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.study.batch.PIECE", 1)
    assert solve_many(load(BASE), noise(3), gap=3e-4, workers=2).results == noisy.results


@pytest.mark.slow
def test_a_drawn_constant_gives_the_answer_of_the_scenario_that_has_it() -> None:
    """By the tiers that the formula makes of it, with points as in the unchanged scenario."""
    scenario = load(BASE)
    values = {
        "response.tasks.parks.sigma": [200.0, 180.5],
        "response.kappa.record-2018-19.jobs": [0.4, 0.3],
        "response.cost.step": [0.08, 0.075],
    }
    found = solve_many(scenario, Changes(constants=values, keeps_points=True), gap=1e-3)
    point = tuple((path, str(drawn[1])) for path, drawn in values.items())
    changed = Paths(scenario).changed(point)
    allocation = found.allocation(1)
    assert allocation is not None
    audited = audit(changed, allocation)
    assert not audited.broken
    points = reference_of(scenario).points
    worth = sum((points[name] * audited.outcomes[name] for name in points), Fraction(0))
    assert found.worth[1] == found.objective[1] == float(worth)
    assert found.bound[1] >= found.objective[1]


def test_points_that_are_kept_let_a_level_of_rates_count(tmp_path: Path) -> None:
    """All rates doubled: a baseline's own points would cancel that out."""
    objective = {"weights": {"jobs": 1, "firms": 1}, "normalise": "baseline"}
    scenario = small(tmp_path, objective=objective)
    constants = {"rates.jobs": [1.0, 2.0], "rates.firms": [1.0, 2.0]}
    for keeps, times in ((False, 1), (True, 2)):
        changes = Changes(constants=constants, keeps_points=keeps)
        found = solve_many(scenario, changes, gap=0)
        assert found.objective[1] == pytest.approx(times * found.objective[0])
        assert found.worth[1] == pytest.approx(2 * found.worth[0])


@pytest.mark.slow
def test_money_may_be_continuous() -> None:
    found = solve_many(load(BASE), noise(1), gap=3e-4, units="continuous")
    allocation = found.allocation(0)
    assert allocation is not None
    assert any(Fraction(amount).denominator > 1 for amount in allocation.amounts.ravel())
    assert found.status == ("optimal",)


def test_a_change_that_cannot_be_made_or_kept_does_not_stop_the_others(tmp_path: Path) -> None:
    shares = {"rules.share.at_most.share": ["0.5", "-1", "0.4"], "rules.floor.at_least": [4, 4, 99]}
    found = solve_many(small(tmp_path), Changes(numbers=shares), gap=0)
    assert found.status == ("optimal", "bad input", "infeasible")
    assert np.isnan(found.objective[1:]).all()
    assert np.isnan(found.amounts[1:]).all()
    assert found.allocation(1) is None
    assert "share" in found.results[1].why
    frame = found.frame()
    assert frame["status"].tolist() == list(found.status)
    assert frame["jobs"].notna().tolist() == [True, False, False]


def test_everything_wrong_with_the_arrays_is_said_at_once(tmp_path: Path) -> None:
    wrong = Changes(
        rates=[
            Factors(np.ones((2, 2)), {"county": ["a", "zz"]}),
            Factors(np.ones((2, 3)), {"task": ["road", "school"]}),
            Factors([[1.0, -1.0], [np.nan, 1.0]], {"task": ["road", "road"]}),
            Factors(np.ones((2, 1)), {"place": ["a"]}),
        ],
        numbers={"budget": [1], "lot": [1, 2], "rules.flor.at_least": [1, 2]},
        constants={"rates.job": [1, 2], "rates.jobs": [1, np.inf], "rates.firms": [1, 2, 3]},
    )
    with pytest.raises(InputError) as caught:
        solve_many(small(tmp_path), wrong)
    said = str(caught.value)
    for part in (
        "rates[0]: unknown county 'zz'",
        "rates[1]: is an array of 2 × 3 where 2 × 2 is due",
        "rates[2]: holds what is no finite number of zero or more",
        "rates[2]: names a task twice",
        "rates[3]: 'place' is none of metric, county, task",
        "budget: holds 1 values where 2 are due",
        "lot: is no budget, weight or number of a rule; use grid",
        "did you mean 'rules.floor.at_least'?",
        "rates.job: is no constant that rates are made of (did you mean 'rates.jobs'?)",
        "rates.jobs: holds what is no finite number",
        "rates.firms: holds 3 values where 2 are due",
    ):
        assert part in said
    aims = [{"maximise": "jobs"}, {"minimise": "amount"}]
    ordered = small(tmp_path / "aims", objective=aims)
    with pytest.raises(InputError, match="has no points to keep"):
        solve_many(ordered, Changes(constants={"rates.jobs": [1.0]}, keeps_points=True))
    with pytest.raises(InputError, match="holds neither rates, numbers nor constants"):
        solve_many(small(tmp_path / "again"), Changes())


def test_factors_give_whole_rates_and_none_too_large() -> None:
    tiers = Tiers(np.ones((1, 1, 2), dtype=np.int64), np.array([[[[5, 3]]]]))
    assert tiers.times(np.full((1, 1, 1), 0.5)).rate.tolist() == [[[[2, 2]]]]
    most = Tiers(tiers.width, np.array([[[[LARGEST_RATE, 1]]]]))
    with pytest.raises(InputError, match="a factor makes a rate larger"):
        most.times(np.full((1, 1, 1), 1.5))
    parts = Tiers(tiers.width, np.array([[[[10**30 + 1, 2]]]], dtype=object), 10**24)
    assert parts.times(np.full((1, 1, 1), 0.5)).rate.tolist() == [[[[5 * 10**29, 1]]]]
