"""Rates of either sign, that rise or fall, and fractions: solved, audited, proved like others."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.allocation import allocation_of_rows
from models.errors import InfeasibleError
from models.objective import metric_values, objective_of
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.audit.measure import read_measures
from optimizer.decision import solve
from tests.worlds import rule, world

BUDGET = 5
CELLS = [("a", "road"), ("a", "school"), ("b", "road"), ("b", "school")]
RATES = ["-1/3", "1/900", "2/7", "-0.5", "0.25", "1", "0", "-2", "3/11"]


def outcome(tiers: list[tuple[int, Fraction]], money: int) -> Fraction:
    """What a cell yields: the definition, read once more."""
    total = Fraction(0)
    for width, rate in tiers:
        total += min(width, money) * rate
        money -= min(width, money)
    return total


def made(folder: Path, seed: int) -> tuple[Scenario, dict[tuple[str, str, str], Any]]:
    """A programme of four cells with random rates, and its tiers."""
    draw = random.Random(seed)
    rows, tiers = [], {}
    for county, task in CELLS:
        for k in range(draw.randint(1, 3)):
            width, rates = draw.randint(1, 2), [draw.choice(RATES) for _ in range(2)]
            rows.append([county, task, k + 1, width, *rates])
            for metric, rate in zip(("jobs", "firms"), rates, strict=True):
                tiers.setdefault((county, task, metric), []).append((width, Fraction(rate)))
    sense = draw.choice(["at_least", "at_most", "equal"])
    bound = draw.choice(["1/2", "0.2", "0", "1.25"])
    near = {"within": "0.4"} if sense == "equal" else {}
    counted = rule(id="jobs", measure="jobs", **{sense: bound}, **near)
    least = rule(id="least", per=["county"], at_least=draw.randint(0, 2))
    weights = {"jobs": draw.choice([1, -1, 0]), "firms": draw.choice([1, 2, -1])}
    body = {
        "budget": BUDGET,
        "rules": [counted, least],
        "objective": {"weights": weights, "normalise": "none"},
    }
    return world(folder, body, tiers=rows), tiers


@pytest.mark.parametrize("seed", range(24))
def test_the_best_table_is_that_of_an_enumeration(tmp_path: Path, seed: int) -> None:
    scenario, tiers = made(tmp_path, seed)
    values = metric_values(scenario, {})
    best: Fraction | None = None
    for money in itertools.product(range(BUDGET + 1), repeat=len(CELLS)):
        if sum(money) > BUDGET:
            continue
        allocation = allocation_of_rows([money[:2], money[2:]])
        read = read_measures(scenario, allocation)
        for metric in ("jobs", "firms"):
            pairs = zip(CELLS, money, strict=True)
            due = sum(outcome(tiers[*cell, metric], m) for cell, m in pairs)
            assert read.value(metric, read.everything()) == due
        audited = audit(scenario, allocation)
        if not audited.broken:
            worth = objective_of(audited, values)
            best = worth if best is None else max(best, worth)
    if best is None:
        with pytest.raises(InfeasibleError):
            solve(scenario, gap=0)
        return
    found = solve(scenario, gap=0)
    assert found.audit.broken == ()
    assert found.objective == best
    assert found.certificate is not None and found.certificate.bound >= best


@pytest.mark.slow
def test_most_of_these_programmes_have_an_answer(tmp_path: Path) -> None:
    answered = 0
    for seed in range(24):
        scenario, _ = made(tmp_path / str(seed), seed)
        try:
            solve(scenario, gap=0, repaired=False, certificate=False)
        except InfeasibleError:
            continue
        answered += 1
    assert answered >= 12


def test_a_later_tier_that_is_better_waits_for_the_one_before_it(tmp_path: Path) -> None:
    tiers = [["a", "road", 1, 4, "0", "0"], ["a", "road", 2, 2, "5", "0"]]
    need = rule(id="jobs", measure="jobs", at_least=5)
    objective = {"weights": {"firms": 1}, "normalise": "none"}
    body = {"budget": 5, "rules": [need], "objective": objective}
    found = solve(world(tmp_path, body, tiers=tiers, counties={"a": {}}))
    assert found.allocation.amounts.tolist() == [[5, 0]]
    with pytest.raises(InfeasibleError):
        solve(world(tmp_path / "b", {**body, "budget": 4}, tiers=tiers, counties={"a": {}}))


def test_money_that_must_be_spent_does_its_harm(tmp_path: Path) -> None:
    tiers = [["a", "road", 1, 9, "-1/3", "0"], ["a", "school", 1, 9, "-1/7", "0"]]
    body = {"budget": 9, "rules": [rule(id="all", at_least=7)]}
    found = solve(world(tmp_path, body, tiers=tiers, counties={"a": {}}))
    assert found.audit.outcomes["jobs"] == -1
    assert found.allocation.amounts.tolist() == [[0, 7]]
