"""The response held against past results: worked by hand, recovered from made-up records, and the
two years that are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import cli
from models.errors import InputError
from models.programme import Programme
from models.scenario import Scenario, load
from optimizer.study.past_fit import FEWEST, backtest, calibrate

SCENARIOS = Path(__file__).parent.parent / "scenarios"
HISTORY = SCENARIOS / "sichuan-2020" / "history.csv"
DAZHOU = SCENARIOS / "sichuan-2020" / "dazhou-2020.csv"


def towns(effect: float = 1.0, sigma: float = 40.0, kappa: float = 2.0) -> Scenario:
    """Eight towns × two tasks; money in a cell saturates at `sigma` in the road."""
    response = {
        "breakpoints": ["0", "0.5", "1", "2", "4", "8"],
        "tasks": {
            "road": {"sigma": str(sigma), "jobs": "1"},
            "school": {"sigma": "60", "jobs": str(effect)},
        },
        "kappa": {"only": {"jobs": str(kappa)}},
    }
    programme = Programme.from_frames(
        {f"t{n}": {"people": 100} for n in range(8)},
        ["road", "school"],
        money="coins",
        metrics=[{"id": "jobs", "title": "Jobs", "unit": "jobs"}],
        response=response,
    )
    return Scenario.of(programme, budget=800)


def record_of(scenario: Scenario, amounts: dict[str, int]) -> pd.DataFrame:
    """What money would have yielded in each town and task: twice, at two amounts each."""
    rows = []
    for town in range(8):
        for task in ("road", "school"):
            for period, more in (("one", 0), ("two", 45)):
                money = amounts[task] + 9 * town + more
                cell = np.zeros((8, 2), dtype=object)
                t = scenario.programme.tasks.index[task]
                cell[town, t] = money
                told = scenario.tiers.yields(cell)[0].sum() / scenario.tiers.scale
                rows.append((period, f"t{town}", task, money, round(told)))
    return pd.DataFrame(rows, columns=["period", "county", "task", "amount", "jobs"])


def test_two_totals_fix_the_level_and_nothing_else(tmp_path: Path) -> None:
    """160 coins spread alike are 10 a cell; all tiers together: the level is the ratio of sums."""
    scenario = towns()
    path = tmp_path / "past.csv"
    path.write_text("period,amount,jobs\n2018,160,300\n2019,160,200\n", encoding="utf-8")
    ten = np.full((8, 2), 10, dtype=object)
    each = scenario.tiers.yields(ten)[0].sum() / scenario.tiers.scale
    found = calibrate(scenario, path)
    level, *others = found.numbers
    assert level.number.path == "response.kappa.only.jobs"
    assert level.fitted == pytest.approx(2 * 500 / (2 * each), rel=1e-9)
    assert (level.low, level.why, level.observations) == (None, "few", 2)
    assert others and all(one.why == "few" and not one.changed for one in others)
    assert [one.predicted for one in found.misses] == pytest.approx([250, 250])
    assert list(found.changes) == ["response.kappa.only.jobs"]
    again = found.refitted
    assert again.tiers.yields(ten)[0].sum() / again.tiers.scale == pytest.approx(250, abs=1e-3)
    told = backtest(scenario, path)
    assert [one.predicted for one in told.misses] == pytest.approx([200, 300])
    assert told.frame["miss"].tolist() == pytest.approx([-1 / 3, 0.5])


def test_numbers_that_made_a_record_are_found_again() -> None:
    """Money by town and task at two amounts each tells the effect and both scales."""
    scenario, truth = towns(kappa=200), towns(effect=1.3, sigma=55.0, kappa=240)
    past = record_of(truth, {"road": 20, "school": 20})
    wide = {"response.tasks.school.jobs": "40%", "response.tasks.*.sigma": "50%"}
    found = calibrate(scenario, past, free=wide).frame.set_index("path")
    for path, due in (
        ("response.kappa.only.jobs", 240),
        ("response.tasks.school.jobs", 1.3),
        ("response.tasks.road.sigma", 55),
        ("response.tasks.school.sigma", 60),
    ):
        one = found.loc[path]
        assert one["fitted"] == pytest.approx(due, rel=0.03), path
        assert one["low"] < due < one["high"], path
        assert one["observations"] == 32 and not one["why"]


def test_a_number_that_the_record_hardly_tells_rests_on_what_was_assumed() -> None:
    """Few coins and a few jobs each: what happens far above them is not told."""
    rows = [("one", f"t{n}", "road", 4 + n % 2, 8) for n in range(8)]
    rows += [("two", f"t{n}", "road", 5, 10) for n in range(8)]
    past = pd.DataFrame(rows, columns=["period", "county", "task", "amount", "jobs"])
    found = calibrate(towns(), past, free="response.tasks.road.sigma").frame.set_index("path")
    sigma = found.loc["response.tasks.road.sigma"]
    assert sigma["why"] == "little" and np.isnan(sigma["low"])
    assert sigma["fitted"] == pytest.approx(40, rel=0.02)
    assert not found.loc["response.kappa.only.jobs", "why"]


def test_nine_observations_give_no_interval_and_ten_do() -> None:
    past = record_of(towns(kappa=2.2), {"road": 20, "school": 20})
    for count in (FEWEST - 1, FEWEST):
        level, *rest = calibrate(towns(), past[:count], free="response.tasks.road.sigma").numbers
        assert (level.low is None) == (count < FEWEST)
        assert rest[0].changed == (count == FEWEST)


def test_the_two_known_years_miss_each_other_by_an_eighth() -> None:
    """14,764 jobs of 42,700 and 16,595 of 41,700: per 10k yuan 0.3458 and 0.3980, 13 % apart."""
    found = backtest(load(SCENARIOS / "base-2020.yaml"), HISTORY, published=DAZHOU)
    told = {(m.row.period, m.metric): round(100 * (m.miss or 0), 1) for m in found.misses}
    assert told == {
        ("2018", "jobs"): 14.4,
        ("2018", "firms"): 14.9,
        ("2019", "jobs"): -12.6,
        ("2019", "firms"): -12.9,
    }
    assert found.past.is_spread and found.past.are_totals
    assert sum(one.published for one in found.beside) == 1566
    assert [int(money) for _, money in found.outside] == [113]
    assert found.shares["published"].max() == pytest.approx(875 / 1566)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("period,amount\n1,5\n", "no column is a metric"),
        ("period,amount,jobs\n1,5,\n", "holds no outcome"),
        ("period,amount,jobs,jbos\n1,5,2,2\n", "unknown column 'jbos' (did you mean 'jobs'?)"),
        ("period,amount,jobs\n1,0,2\n,4,2\n", "money above 0 is due here"),
        ("period,amount,jobs,task\n1,5,2,rod\n", "unknown task 'rod' (did you mean 'road'?)"),
        ("period,amount,jobs,county\n1,5,2,t99\n", "t99"),
        ("period,amount,jobs\n1,5,-2\n", "is negative"),
        ("period,amount,jobs\n1,5,2\n1,6,2\n", "stand here twice"),
    ],
)
def test_a_table_that_is_none_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        calibrate(towns(), path)
    assert said in str(raised.value)


def test_a_path_that_is_none_and_a_single_period_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    path.write_text("period,amount,jobs\n2018,160,300\n", encoding="utf-8")
    with pytest.raises(InputError, match="did you mean 'response.tasks.road.sigma'"):
        calibrate(towns(), path, free="response.tasks.rod.sigma")
    with pytest.raises(InputError, match="two periods or more"):
        backtest(towns(), path)


def run(*args: Any) -> str:
    done = CliRunner().invoke(cli.allot, [*map(str, args), "--lang", "en"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_verbs_say_what_is_not_told_and_keep_their_pages(tmp_path: Path) -> None:
    base = SCENARIOS / "base-2020.yaml"
    said = " ".join(run("calibrate", base, HISTORY, "-o", tmp_path / "out").split())
    assert "32 further constants" in said and "cannot be identified: n = 2 totals" in said
    assert {one.name for one in (tmp_path / "out").iterdir()} == {
        f"calibrate.{kind}" for kind in ("html", "xlsx", "csv")
    }
    view = json.loads(run("calibrate", base, HISTORY, "--json"))
    assert view["changes"]["response.kappa.record-2018-19.jobs"] == "0.574152247"
    told = json.loads(run("backtest", base, HISTORY, "--json"))
    assert told["spread_by_baseline"] and len(told["misses"]) == 4
