"""Decisions under samples: published answers, every table of small worlds looked at, and rules that
are to be kept by chance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import allot
import cli
from models.allocation import Allocation
from models.errors import InfeasibleError, InputError
from models.programme import Programme
from models.scenario import Scenario, load
from optimizer.study.robust import Robust, robust
from optimizer.study.sample_aims import TailAim, tail_mean
from optimizer.study.sample_search import ChanceNotMet
from tests.worlds import rule, world, write_world

BASE = Path(__file__).parent.parent / "scenarios" / "base-2020.yaml"

# Birge and Louveaux: 500 acres of wheat, corn and beet; what is grown above or below the cattle's
# need is sold or bought. An acre's third is the unit, so that all ends are whole.
THIRDS, BOUGHT = 1500, 200 * 238 + 240 * 210
CROPS = {
    "wheat": (150, Fraction(5, 2), (238, 170), 200, (200, 240, 300)),
    "corn": (230, Fraction(3), (210, 150), 240, (200, 240, 300)),
    "beet": (260, Fraction(20), (36, 10), 6000, (750, 900, 1125)),
}


def harvest(factor: Fraction) -> pd.DataFrame:
    """Profit over buying all that the cattle eat, of each third of an acre in turn."""
    rows = []
    for crop, (cost, tons, (first, then), need, ends) in CROPS.items():
        full = 3 * need / (tons * factor)
        for tier, (start, end) in enumerate(zip((0, *ends), (*ends, THIRDS), strict=True), 1):
            price = first if end <= full else then
            rate = (price * tons * factor - cost) / 3
            rows.append(("farm", crop, tier, end - start, str(rate)))
    return pd.DataFrame(rows, columns=["county", "task", "tier", "width", "profit"])


def farmer() -> list[Scenario]:
    """Average, good and bad yields."""
    years = {"average": Fraction(1), "good": Fraction(6, 5), "bad": Fraction(4, 5)}
    programme = Programme.from_frames(
        {"farm": {"people": 1}},
        list(CROPS),
        {name: harvest(factor) for name, factor in years.items()},
        money="thirds of an acre",
        metrics=["profit"],
    )
    aim = {"weights": {"profit": 1}, "normalise": "none"}
    return [
        Scenario.of(programme, name=name, budget=THIRDS, calibration=name, objective=aim)
        for name in years
    ]


def costs(found: Robust) -> list[float]:
    return [BOUGHT - float(worth) for worth in found.table.worths]


def acres(found: Robust) -> list[float]:
    return [float(money) / 3 for money in found.allocation.amounts[0]]


def test_the_farmer_sows_what_the_book_says() -> None:
    cases = farmer()
    found = allot.robust(cases[0], "expected", cases=cases, gap=0, regrets=True)
    assert acres(found) == [170, 80, 250]
    assert found.table.mean - BOUGHT == 108390  # RP
    assert costs(found) == [-109350, -167000, -48820]
    own = next(one for one in found.tables if one.name == "proposal")
    assert own.worths[0] - BOUGHT == 118600  # EV, at average yields
    assert own.mean - BOUGHT == 107240  # EEV
    assert found.stochastic_gain == 1150  # VSS
    assert found.best is not None
    assert sum(found.best) / 3 - BOUGHT == pytest.approx(115405.56, abs=0.01)  # WS
    assert float(found.perfect_information or 0) == pytest.approx(7015.56, abs=0.01)  # EVPI
    assert found.status == "optimal"


def test_the_farmer_who_fears_the_worst_sows_more_beet() -> None:
    """Mean and five times the mean of the worst fifth of three draws: of the worst one."""
    cases = farmer()
    found = robust(cases[0], "cvar", cases=cases, gap=0, alpha="20%", lean=5)
    assert acres(found) == [100, 80, 320]
    assert float(found.table.mean) - BOUGHT == pytest.approx(103313.33, abs=0.01)
    assert found.table.worst - BOUGHT == 57640


@pytest.mark.slow
def test_the_portfolio_of_bertsimas_and_sim_is_worth_what_they_say() -> None:
    """150 assets, each at its bad end by so much; no more than gamma of them at once."""
    count, money = 150, 10**6
    numbers = range(1, count + 1)
    mean = {n: 1.15 + n * 0.05 / 150 for n in numbers}
    far = {n: 0.05 / 450 * sqrt(2 * n * count * (count + 1)) for n in numbers}
    tiers = pd.DataFrame(
        [("all", f"a{n}", 1, money, f"{mean[n]:.9f}") for n in numbers],
        columns=["county", "task", "tier", "width", "gain"],
    )
    programme = Programme.from_frames(
        {"all": {"people": 1}},
        [f"a{n}" for n in numbers],
        tiers,
        money="coins",
        metrics=["gain"],
    )
    aim = {"weights": {"gain": 1}, "normalise": "none"}
    scenario = Scenario.of(programme, budget=money, objective=aim)
    ends = {f"rates.gain.a{n}": f"{(mean[n] - far[n]) / mean[n]:.12f}:1" for n in numbers}
    for gamma, due in ((0, 1.2), (5, 1.1708896)):
        found = robust(scenario, "budget", gamma=gamma, sample=ends, gap=1e-5)
        assert float(found.table.value) / money == pytest.approx(due, abs=3e-6)
        assert found.bound is not None and found.bound / money >= due - 3e-6


# ---- every table of a small world ----


def small(folder: Path, **more: Any) -> Scenario:
    """Two counties × two tasks, lots of two, at most three cells."""
    rules = [rule(id="few", measure="cells", at_most=3), *more.pop("rules", [])]
    return world(folder, {"budget": 14, "lot": 2, "rules": rules, **more}, tiers=TIERS)


TIERS = [
    ("a", "road", 1, 4, "1.0", "0.1"),
    ("a", "road", 2, 6, "0.4", "0.1"),
    ("a", "school", 1, 5, "0.8", "0.3"),
    ("a", "school", 2, 5, "0.5", "0.1"),
    ("b", "road", 1, 6, "0.9", "0.2"),
    ("b", "road", 2, 4, "0.3", "0.1"),
    ("b", "school", 1, 3, "1.1", "0.4"),
    ("b", "school", 2, 7, "0.6", "0.1"),
]


def tables(scenario: Scenario) -> Iterator[Allocation]:
    """Every table that keeps the rules."""
    for cells in product(range(11), repeat=4):
        if sum(cells) <= 14 and 1 not in cells and sum(cell > 0 for cell in cells) <= 3:
            yield Allocation(np.array(cells, dtype=object).reshape(2, 2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("aim", "how"),
    [
        ("expected", {}),
        ("cvar", {"alpha": "30%"}),
        ("cvar", {"alpha": "25%", "lean": 2}),
        ("regret", {}),
        ("budget", {"gamma": "1.5"}),
    ],
)
def test_no_table_of_a_small_world_is_better(aim: Any, how: Any, tmp_path: Path) -> None:
    scenario = small(tmp_path)
    found = robust(scenario, aim, draws=7, within="60%", gap=0, check=0, seed=3, **how)
    samples = found.samples
    worths = [samples.worths(table) for table in tables(scenario)]
    if aim == "regret":
        best = [max(column) for column in zip(*worths, strict=True)]
        values = [min(w - b for w, b in zip(row, best, strict=True)) for row in worths]
    elif aim == "expected":
        values = [sum(row) / len(row) for row in worths]
    elif aim == "cvar":
        lean = how.get("lean")
        push = TailAim(Fraction(how["alpha"].rstrip("%")) / 100, lean and Fraction(lean))
        values = [push.value(row) for row in worths]
    else:
        values = []
        for row in worths:
            lost = sorted((row[0] - one for one in row[1:]), reverse=True)
            values.append(row[0] - lost[0] - lost[1] / 2)
    assert float(found.table.value) == pytest.approx(float(max(values)), abs=1e-6)
    assert found.status == "optimal" and not found.table.audit.broken
    assert found.bound is not None and found.bound >= float(max(values)) - 1e-9


def target(**more: Any) -> dict[str, Any]:
    clause = {"document": "plan", "seen": True, "states_number": True}
    return rule(id="jobs", basis="target", clause=clause, measure="jobs", **more)


@pytest.mark.slow
@pytest.mark.parametrize("share", ["40%", "70%"])
def test_a_target_by_chance_costs_what_it_must_and_no_more(share: str, tmp_path: Path) -> None:
    """The best mean among all tables that keep it in so many of ten draws."""
    aim = {"weights": {"firms": 1}, "normalise": "none"}
    scenario = small(tmp_path, objective=aim, rules=[target(at_least=12)])
    how: dict[str, Any] = {"draws": 10, "within": "40%", "gap": 0, "check": 0}
    found = robust(scenario, "chance", at_least=share, **how)
    due, best = ceil(10 * Fraction(share.rstrip("%")) / 100), Fraction(0)
    for table in tables(scenario):
        kept = sum(one["jobs"] >= 12 for one in found.samples.outcomes(table))
        nominal = scenario.tiers.yields(table.amounts)[0].sum() >= 12 * scenario.tiers.scale
        if kept >= due and nominal:
            worths = found.samples.worths(table)
            best = max(best, sum(worths, Fraction(0)) / 10)
    assert found.table.kept["jobs"] >= due
    assert float(found.table.value) == pytest.approx(float(best), abs=1e-6)


def test_a_chance_that_no_table_meets_is_answered_with_the_largest_that_one_does(
    tmp_path: Path,
) -> None:
    scenario = small(tmp_path, rules=[target(at_least=11, chance={"at_least": "0.9"})])
    how: dict[str, Any] = {"draws": 10, "within": "50%", "check": 0}
    with pytest.raises(ChanceNotMet) as raised:
        robust(scenario, "chance", **how)
    samples = robust(scenario.replace(rules={"jobs": {"enabled": False}}), **how).samples
    most = max(
        sum(one["jobs"] >= 11 for one in samples.outcomes(table))
        for table in tables(scenario)
        if scenario.tiers.yields(table.amounts)[0].sum() >= 11 * scenario.tiers.scale
    )
    assert raised.value.most == (most, most, 10) and 0 < most < 9


def test_a_rule_by_chance_names_its_draws_and_is_kept_as_assumed_too(tmp_path: Path) -> None:
    chance = {"at_least": "0.6", "draws": 12, "seed": 5}
    scenario = small(tmp_path, rules=[target(at_least=8, chance=chance)])
    found = robust(scenario, "expected", within="20%", check=50)
    assert len(found.samples) == 12 and found.chances == {"jobs": Fraction(3, 5)}
    assert found.checked is not None and len(found.checked.drawn) == 50
    assert found.checked.drawn.seed == 6


def test_the_tail_takes_a_draw_in_part() -> None:
    """A quarter of three draws is three quarters of the worst."""
    worths = [Fraction(4), Fraction(1), Fraction(10)]
    assert tail_mean(worths, Fraction(1, 4)) == 1
    assert tail_mean(worths, Fraction(1, 2)) == (1 + Fraction(4, 2)) / Fraction(3, 2)


@pytest.mark.slow
def test_a_large_programme_is_searched_by_weights_to_within_the_gap() -> None:
    found = robust(load(BASE), "cvar", draws=25, within="20%", alpha="20%", gap=5e-4, check=0)
    assert found.status == "optimal" and not found.table.audit.broken
    assert found.table.value >= found.tables[1].value > found.tables[2].value
    assert set(found.frame["table"]) == {"robust", "proposal", "baseline"}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"alpha": 0}, "is not a share above 0% and below 100%"),
        ({"alpha": 1.5}, "is not a share"),
        ({"at_least": "120%"}, "is not a share above 0% and up to 100%"),
        ({"draws": 0}, "draws are due here"),
        ({"gamma": "-1", "aim": "budget"}, "is negative"),
        ({"aim": "cvra"}, "did you mean 'cvar'"),
        ({"aim": "chance"}, "nothing is to be kept by chance"),
        ({"sample": {"rates.jbos": "10%"}}, "did you mean 'rates.jobs'"),
        ({"sample": {"rates.*": "held"}}, "nothing to draw"),
        ({"cases": []}, "is empty"),
        ({"gap": 2}, "not a number from 0 to below 1"),
    ],
)
def test_what_cannot_be_asked_is_said(how: dict[str, Any], said: str, tmp_path: Path) -> None:
    scenario = small(tmp_path)
    with pytest.raises(InputError) as raised:
        robust(scenario, how.pop("aim", "expected"), **how)
    assert said in str(raised.value)


def test_rules_in_conflict_are_told_before_any_draw(tmp_path: Path) -> None:
    scenario = small(tmp_path, rules=[rule(id="much", at_least=20)])
    with pytest.raises(InfeasibleError):
        robust(scenario, draws=3, check=0)


@pytest.mark.slow
def test_the_verb_writes_a_table_that_can_be_checked(tmp_path: Path) -> None:
    rules = [target(at_least=5)]
    path = write_world(tmp_path, {"budget": 14, "lot": 2, "rules": rules}, tiers=TIERS)
    out = tmp_path / "out"
    words = [
        "robust",
        path,
        "--aim",
        "chance",
        "--at-least",
        "80%",
        "--draws",
        "20",
        "--check",
        "60",
    ]
    done = CliRunner().invoke(
        cli.allot, [*map(str, words), "-o", str(out), "--lang", "en", "--json"]
    )
    assert done.exit_code == 0, done.output
    view = json.loads(done.stdout)
    assert view["samples"] == 20 and view["chances"] == {"jobs": 0.8}
    checked = CliRunner().invoke(
        cli.allot, ["check", str(path), str(out / "robust-allocation.csv")]
    )
    assert checked.exit_code == 0, checked.output
    words[5], words[7] = "100%", "200"
    hard = ["--set", "rules.jobs.at_least=12", "--within", "60%"]
    refused = CliRunner().invoke(cli.allot, [*map(str, words), *hard, "--lang", "en"])
    assert refused.exit_code == 3 and "largest share" in refused.output
