"""The shipped kappa and tier tables are what the calibration gives, byte for byte."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from models.errors import InputError
from models.exact import MICRO, exact_text
from models.response import KAPPA_GRID
from models.scenario import Scenario, load
from models.strict_yaml import read_yaml
from models.tiers import Tiers, write_tiers
from optimizer.baselines import baseline
from optimizer.calibration import Kappas, calibrated_tiers, fitted_kappas
from tests.worlds import world

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
FOLDER = SCENARIOS / "sichuan-2020"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load(f"{SCENARIOS / 'base-2020.yaml'}@plan-norm")


@pytest.fixture(scope="module")
def kappas(scenario: Scenario) -> Kappas:
    return fitted_kappas(scenario)


def baseline_outcome(scenario: Scenario, tiers: Tiers, metric: str, deep_only: bool) -> Fraction:
    """Metric units that the baseline yields, added up tier by tier."""
    amounts = baseline(scenario).amounts
    deep = scenario.programme.counties.values("deep_poverty")
    m = scenario.programme.metrics.index(metric)
    total = 0
    for (c, t), left in ((cell, amounts[cell]) for cell in zip(*amounts.nonzero(), strict=True)):
        if deep_only and not deep[c]:
            continue
        for width, rate in zip(tiers.width[c, t], tiers.rate[m, c, t], strict=True):
            total += min(left, int(width)) * int(rate)
            left = max(0, left - int(width))
    return Fraction(total, MICRO)


def test_the_shipped_kappa_is_what_the_calibration_gives(kappas: Kappas) -> None:
    shipped = read_yaml(FOLDER / "response.yaml")["kappa"]
    found = {name: {m: exact_text(k) for m, k in part.items()} for name, part in kappas.items()}
    assert found == shipped


@pytest.mark.parametrize("name", ["plan-norm", "record-2018-19"])
def test_the_shipped_tiers_are_what_the_calibration_gives(
    name: str, scenario: Scenario, kappas: Kappas, tmp_path: Path
) -> None:
    programme = scenario.programme
    tiers = calibrated_tiers(scenario, kappas)[name]
    names = (programme.counties.ids, programme.tasks.ids, programme.metrics)
    write_tiers(tmp_path / "tiers.csv", tiers, names)
    shipped = FOLDER / programme.file.calibrations[name].tiers
    assert (tmp_path / "tiers.csv").read_bytes() == shipped.read_bytes()


@pytest.mark.parametrize(
    ("metric", "target", "deep_only"),
    [("jobs", 6000, False), ("firms", 700, False), ("trainees", 1000, True)],
)
def test_the_baseline_meets_each_target_by_less_than_one_rate_step(
    metric: str, target: int, deep_only: bool, scenario: Scenario, kappas: Kappas
) -> None:
    met = baseline_outcome(scenario, scenario.tiers, metric, deep_only)
    one_step = baseline(scenario).spent / MICRO
    assert target <= met <= target + one_step
    lower = {**kappas["plan-norm"], metric: kappas["plan-norm"][metric] - Fraction(1, KAPPA_GRID)}
    tiers = calibrated_tiers(scenario, {"lower": lower})["lower"]
    assert baseline_outcome(scenario, tiers, metric, deep_only) < target


def test_a_programme_without_a_formula_cannot_be_calibrated(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to calibrate"):
        fitted_kappas(world(tmp_path, {"budget": 10}))
