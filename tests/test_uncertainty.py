"""Tables under drawn assumptions: worked by hand, against closed forms, against the exact audit."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import cli
from models.allocation import Allocation
from models.errors import InputError
from models.metadata import read_labels
from models.scenario import Scenario, load
from models.value_range import ValueRange
from optimizer.audit import audit
from optimizer.baselines import baseline
from optimizer.decision import solve
from optimizer.study.assumption_table import assumptions
from optimizer.study.design import Paths
from optimizer.study.drivers import drivers
from optimizer.study.hashed_draws import draw, quantiles, uniform
from optimizer.study.uncertainty import rule_odds, uncertainty
from reports.catalogue import Words
from reports.documents.uncertainty_page import uncertainty_csv, uncertainty_page
from reports.record_writer import write_record
from reports.terminal import render
from reports.view.remarks import how_sure
from reports.view.rule_view import RuleView
from tests.worlds import rule, world, write_csv, write_world, write_yaml

ROOT = Path(__file__).parent.parent
BASE = ROOT / "scenarios" / "base-2020.yaml"


def hashed(seed: int, number: int, path: str) -> Fraction:
    """The uniform number of a draw, exactly, as the README says it."""
    head = int.from_bytes(sha256(f"{seed},{number},{path}".encode()).digest()[:8], "big")
    return (Fraction(head >> 11) + Fraction(1, 2)) / 2**53


def two_cells(folder: Path, **more: Any) -> tuple[Scenario, Allocation]:
    """Road of a: 10 coins at 0.5 jobs; road of b: 20 coins, ten at 0.5 and ten at 0.2. 12 jobs."""
    a = {"county": "a"}
    rules = [
        rule(id="jobs", measure="jobs", at_least=11),
        rule(
            id="fair",
            measure="jobs",
            where={"county": "a"},
            at_least={"share": "0.4", "of": "jobs"},
        ),
        rule(id="firms", measure="firms", at_most=3),
        rule(id="floor", where=a, at_least=15),
    ]
    made = world(folder, {"budget": 60, "rules": rules}, **more)
    return made, table(made, {("a", "road"): 10, ("b", "road"): 20})


def table(scenario: Scenario, amounts: dict[tuple[str, str], int]) -> Allocation:
    programme = scenario.programme
    cells = np.zeros(programme.shape, dtype=object)
    for (county, task), amount in amounts.items():
        cells[programme.counties.index[county], programme.tasks.index[task]] = amount
    return Allocation(cells)


# ---- by hand ----


def test_two_cells_and_one_constant_are_as_worked_by_hand(tmp_path: Path) -> None:
    """12 jobs × k, k from 0.8 to 1.2 all as likely: 11 jobs are reached from k = 11/12 on."""
    scenario, given = two_cells(tmp_path)
    only = {"*": "held", "rates.jobs": "20%"}
    found = uncertainty(scenario, tables={"table": given}, sample=only, draws=400, seed=7)
    mine = found.tables[0]
    factors = [
        Fraction(8, 10) + Fraction(4, 10) * hashed(7, n, "rates.jobs") for n in range(1, 401)
    ]
    by_rule = {one.rule: one for one in mine.odds}
    assert by_rule["jobs"].count == sum(12 * k >= 11 for k in factors)
    floor = by_rule["jobs"].floor
    assert floor is not None and floor.times == Fraction(11, 12) and floor.metric == "jobs"
    # 5 of 12 jobs are 41.7 %, whatever all rates are multiplied by.
    assert by_rule["fair"].count == 400 and by_rule["fair"].floor is None
    # 1 + 1 + 0.5 firms × k, k held at 1: at most 3, so up to 1.2 times.
    cap = by_rule["firms"].cap
    assert cap is not None and cap.times == Fraction(6, 5) and by_rule["firms"].count == 400
    assert mine.settled_broken == ("floor",) and "floor" not in by_rule
    short = [11 - 12 * k for k in factors if 12 * k < 11]
    assert by_rule["jobs"].shortfall == pytest.approx(float(sum(short) / len(short)), abs=1e-5)


def test_the_page_of_a_record_says_in_how_many_draws_each_rule_is_kept(tmp_path: Path) -> None:
    """Both cells are roads: 12 jobs × k × k', each within ten percent; of firms 2.5 × k × k', where
    more than 3 are too many."""
    scenario, given = two_cells(tmp_path)
    pairs = [(hashed(1, n, "rates.jobs"), hashed(1, n, "rates.jobs.road")) for n in range(1, 1001)]
    factors = [(Fraction(9, 10) + a / 5) * (Fraction(9, 10) + b / 5) for a, b in pairs]
    kept = sum(12 * k >= 11 for k in factors)
    view = RuleView(scenario, read_labels(scenario.programme), Words("en"))
    assert {one.rule: one.count for one in rule_odds(scenario, given)}["jobs"] == kept < 1000
    said = how_sure(view, given)
    assert (
        f"1 of the 3 rules that depend on them are kept each time; Rule in {kept}; Rule in 999"
        in said
    )
    assert "it breaks only if the rates of Jobs are under 91.7% of what is assumed" in said
    money = world(tmp_path / "money", {"budget": 60, "rules": [rule(id="floor", at_least=15)]})
    assert how_sure(RuleView(money, read_labels(money.programme), Words("zh")), given) == ""


def test_a_rule_that_gives_way_at_a_price_is_none_that_a_table_has_to_keep(tmp_path: Path) -> None:
    """12 jobs × k, k up to 1.2, never reach 1,000, which are wished for; 1 they reach always."""
    rules = [
        rule(id="wished", measure="jobs", at_least=1000, soft={"price": 1}),
        rule(id="due", measure="jobs", at_least=1),
    ]
    scenario = world(tmp_path, {"budget": 60, "rules": rules})
    given = table(scenario, {("a", "road"): 10, ("b", "road"): 20})
    only = {"*": "held", "rates.jobs": "20%"}
    found = uncertainty(scenario, tables={"table": given}, sample=only, draws=20)
    assert {one.rule: one.count for one in found.tables[0].odds} == {"wished": 0, "due": 20}
    assert found.tables[0].kept.tolist() == [True] * 20
    assert repr(found).endswith("keeps its rules on outcomes in 20")


def test_numbers_that_go_together_do_so_and_no_others(tmp_path: Path) -> None:
    scenario, _ = two_cells(tmp_path)
    paths = ["rates.jobs", "rates.jobs.road", "rates.firms"]
    matrix = pd.DataFrame([[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], index=paths, columns=paths)
    assumed = assumptions(scenario).within("20%")
    apart, together = (
        one.draws(range(1, 2001), 1) for one in (assumed, assumed.correlated(matrix))
    )
    first, second, third = (together.values[path] for path in paths)
    # Of a Gaussian copula with ρ the rank correlation is 6/π · asin(ρ/2): 0.786.
    ranks = [pd.Series(values).rank() for values in (first, second, third)]
    assert ranks[0].corr(ranks[1]) == pytest.approx(0.786, abs=0.02)
    assert abs(ranks[0].corr(ranks[2])) < 0.06
    own = apart.values["rates.jobs"]
    assert first == pytest.approx(own), "the first of them is its own stream"
    assert (second >= 0.8).all() and (second <= 1.2).all()
    unrelated = "rates.jobs.school"
    assert (together.values[unrelated] == apart.values[unrelated]).all()


def test_correlations_that_cannot_be_are_refused_in_words(tmp_path: Path) -> None:
    assumed = assumptions(two_cells(tmp_path)[0])
    paths = ["rates.jobs", "rates.firms", "rates.jobs.road"]
    for rows, said in (
        ([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]], "not positive definite"),
        ([[1, 2, 0], [2, 1, 0], [0, 0, 1]], "no number from -1 to 1"),
        ([[1, "x", 0], [0, 1, 0], [0, 0, 1]], "what is no number"),
        ([[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]], "above its diagonal than below"),
        ([[0.5, 0, 0], [0, 1, 0], [0, 0, 1]], "other than 1 on its diagonal"),
    ):
        with pytest.raises(InputError, match=said):
            assumed.correlated(pd.DataFrame(rows, index=paths, columns=paths))
    wrong = pd.DataFrame([[1.0]], index=["rates.job"], columns=["rates.job"])
    with pytest.raises(InputError, match="did you mean 'rates.jobs'"):
        assumed.correlated(wrong)


def test_quantiles_are_figures_that_were_reached_and_the_tail_is_the_mean_below(
    tmp_path: Path,
) -> None:
    scenario, given = two_cells(tmp_path)
    only = {"*": "held", "rates.jobs": "20%"}
    found = uncertainty(scenario, tables={"t": given}, sample=only, draws=40, alpha="10%")
    (jobs, *_) = found.tables[0].spreads
    ordered = sorted(jobs.values.tolist())
    assert (jobs.low, jobs.median, jobs.high) == (ordered[3], ordered[19], ordered[35])
    assert jobs.tail == pytest.approx(sum(ordered[:4]) / 4)
    assert jobs.assumed == 12


def test_the_share_of_draws_is_that_of_a_closed_form(tmp_path: Path) -> None:
    """Triangular from 0.7 over 1 to 1.6: P(12 k < 11) = (11/12 − 0.7)² / (0.9 × 0.3)."""
    scenario, given = two_cells(tmp_path)
    shape = {"times": ["0.7", "1.6"], "shape": "triangular"}
    only = {"*": "held", "rates.jobs": shape}
    found = uncertainty(scenario, tables={"t": given}, sample=only, draws=4000)
    broken = (Fraction(11, 12) - Fraction(7, 10)) ** 2 / Fraction(27, 100)
    (jobs, *_) = found.tables[0].odds
    # Exactly: broken are the draws whose uniform number is below that share.
    assert 4000 - jobs.count == sum(hashed(1, n, "rates.jobs") < broken for n in range(1, 4001))
    assert jobs.count / 4000 == pytest.approx(float(1 - broken), abs=0.025)


def test_a_bound_of_the_baseline_moves_with_the_draws(tmp_path: Path) -> None:
    """Both sides are jobs under the same rates: what holds, holds in every draw."""
    rules = [rule(id="no-worse", measure="jobs", at_least={"times": 1, "of": "baseline"})]
    scenario = world(tmp_path, {"budget": 40, "rules": rules})
    even = table(scenario, {(c, t): 10 for c in "ab" for t in ("road", "school")})
    found = uncertainty(scenario, tables={"even": even}, within="30%", draws=50)
    for mine in found.tables:
        (odds,) = mine.odds
        assert odds.count == 50 and odds.floor is None
    assert {(one.better, one.equal) for one in found.compared} == {(0, 50)}


def test_tables_are_compared_under_the_same_draws(tmp_path: Path) -> None:
    """Road against school, each with rates of its own: the road is better where its factor is."""
    scenario, _ = two_cells(tmp_path)
    road, school = (table(scenario, {("a", task): 10}) for task in ("road", "school"))
    found = uncertainty(scenario, tables={"road": road, "school": school}, within="20%", draws=200)
    (jobs,) = (one for one in found.compared if one.other == "school" and one.name == "jobs")
    ahead = [
        hashed(1, n, "rates.jobs.road") > hashed(1, n, "rates.jobs.school") for n in range(1, 201)
    ]
    assert (jobs.better, jobs.equal, jobs.draws) == (sum(ahead), 0, 200)


# ---- against the exact audit of the scenario with the drawn constants ----


@pytest.mark.slow
def test_a_draw_is_read_as_the_scenario_with_its_constants() -> None:
    base = load(BASE)
    given = baseline(base)
    found = uncertainty(base, tables={"t": given}, within="30%", draws=3)
    paths = Paths(base)
    for at in range(3):
        changed = paths.changed(found.drawn.point(at))
        exact = audit(changed, given)
        for one in found.tables[0].spreads[:3]:
            assert Fraction(one.values[at]).limit_denominator(10**6) == exact.outcomes[one.name]
        broken = {odds.rule for odds in found.tables[0].odds if not odds.kept[at]}
        assert broken == {odds.rule for odds in found.tables[0].odds} & set(exact.broken_rules)


def test_a_break_even_is_where_the_audit_turns() -> None:
    base = load(BASE)
    given = baseline(base)
    (found,) = uncertainty(base, tables={"t": given}, draws=1).tables[:1]
    floor = next(one.floor for one in found.odds if one.rule == "jobs-target")
    assert floor is not None
    assert found.audit.outcomes["jobs"] * floor.times == 6000


# ---- which number moves what ----


def test_what_moves_an_outcome_is_found_and_what_does_not_is_left_blank(tmp_path: Path) -> None:
    """Jobs of roads hang on two factors; those of schools and of firms are nothing to them."""
    scenario, given = two_cells(tmp_path)
    wide = {"*": "2%", "rates.jobs": "30%"}
    found = drivers(uncertainty(scenario, tables={"table": given}, sample=wide, draws=500))
    frame = found.frame.set_index("path")
    assert frame.index[0] == "rates.jobs" and frame.loc["rates.jobs", "jobs"] > 0.95
    assert np.isnan(frame.loc["rates.jobs", "firms"])
    assert np.isnan(frame.loc["rates.jobs.school", "jobs"])
    # Spearman's rho, as 1 − 6 Σ d² / (n (n² − 1)) where no two are alike.
    drawn = found.found.drawn.values["rates.jobs"]
    jobs = found.found.tables[0].spreads[0].values
    apart = np.argsort(np.argsort(drawn)) - np.argsort(np.argsort(jobs))
    rho = 1 - 6 * float((apart.astype(float) ** 2).sum()) / (500 * (500**2 - 1))
    assert frame.loc["rates.jobs", "jobs"] == pytest.approx(rho, abs=1e-6)
    assert "index - baseline" in found.names


def test_few_draws_tell_nothing_of_drivers(tmp_path: Path) -> None:
    scenario, given = two_cells(tmp_path)
    with pytest.raises(InputError, match="at least 30 draws"):
        drivers(uncertainty(scenario, tables={"table": given}, draws=29))


# ---- draws ----


def test_a_draw_is_the_same_in_any_order_and_company() -> None:
    base = assumptions(load(BASE))
    whole = draw(base.drawn, range(1, 41), 3)
    shuffled = random.Random(1).sample(base.drawn, len(base.drawn))
    for start in (31, 1, 11):
        part = draw(shuffled, range(start, start + 10), 3)
        for path, values in part.values.items():
            assert values.tobytes() == whole.values[path][start - 1 : start + 9].tobytes()
    assert not np.array_equal(
        draw(base.drawn[:1], range(1, 5), 4).values[base.drawn[0].path],
        draw(base.drawn[:1], range(1, 5), 3).values[base.drawn[0].path],
    )
    assert [Fraction(one) for one in uniform(3, [5], "lot")] == [
        Fraction(float(hashed(3, 5, "lot")))
    ]


@pytest.mark.parametrize(
    ("given", "share", "value"),
    [
        ({"times": ["0.8", "1.2"]}, 0.25, 9.0),
        ({"between": [5, 9]}, 0.5, 7.0),
        # (x − 8)² / (4 × 2) = 1/8 at 9; from the top the same.
        ({"times": ["0.8", "1.2"], "shape": "triangular"}, 0.125, 9.0),
        # The mode at 1.1 times what is written, 11: (x − 8)² / (4 × 3) = 1/3 at 10.
        ({"times": ["0.8", "1.2"], "shape": "triangular", "mode": "1.1"}, 1 / 3, 10.0),
        ({"between": [0, 12], "shape": "triangular", "mode": 0}, 0.75, 6.0),
        ({"between": [0, 12], "shape": "triangular", "mode": 0}, 0.19, 1.2),
        ({"between": [20, 24], "shape": "normal"}, 0.95, 24.0),
        ({"between": [1, 16], "shape": "log-normal"}, 0.5, 4.0),
        ({"between": [1, 16], "shape": "log-normal"}, 0.05, 1.0),
        # Beta(1, 2): 1 − (1 − x)² = 3/4 at a half.
        ({"between": [0, 8], "shape": "beta", "alpha": 1, "beta": 2}, 0.75, 4.0),
        ({"times": ["0.5", 1, 2], "shape": "discrete", "weights": [1, 2, 1]}, 0.24, 5.0),
        ({"times": ["0.5", 1, 2], "shape": "discrete", "weights": [1, 2, 1]}, 0.26, 10.0),
        ({"times": ["0.5", 1, 2], "shape": "discrete"}, 0.7, 20.0),
    ],
)
def test_quantiles_of_each_shape_are_those_of_its_formula(
    given: dict[str, Any], share: float, value: float
) -> None:
    found = ValueRange.model_validate(given)
    assert quantiles(found, Fraction(10), np.array([share]))[0] == pytest.approx(value, abs=1e-4)


def test_a_normal_range_has_nothing_below_zero_and_a_number_below_zero_is_mirrored() -> None:
    wide = ValueRange.model_validate({"between": [0, 1], "shape": "normal"})
    assert quantiles(wide, Fraction(1), np.array([1e-9]))[0] >= 0
    times = ValueRange.model_validate({"times": ["0.8", "1.2"]})
    assert quantiles(times, Fraction(-10), np.array([0.25]))[0] == pytest.approx(-9)


# ---- the table of assumptions ----


def test_the_table_says_what_each_number_is_and_on_whose_word() -> None:
    rows = assumptions(load(BASE)).frame.set_index("path")
    kappa = rows.loc["response.kappa.record-2018-19.jobs"]
    assert (kappa["basis"], kappa["may_be_refitted"], kappa["drawn"]) == (
        "interpretation",
        True,
        True,
    )
    assert kappa["unit_zh"] == "人/万元" and kappa["low"] == pytest.approx(0.9 * kappa["value"])
    cap = rows.loc["rules.rise-cap.at_most.times"]
    assert not cap["drawn"] and cap["title_en"].startswith("No county above 160%")
    assert rows.loc["response.tasks.parks.sigma", "sure"] == "assumed: 10%"
    assert not rows.loc["response.breakpoints[1]", "drawn"]
    assert not rows["title_zh"].eq("").any() and not rows["source_zh"].eq("").any()


def test_a_range_of_sources_yaml_has_its_shape_and_one_asked_for_stands_over_it(
    tmp_path: Path,
) -> None:
    file = write_world(tmp_path, {"budget": 60})
    source = {"id": "t", "kind": "assumption", "title": "guess", "covers": ["tiers.csv:width"]}
    shape = {"times": ["0.5", "2"], "shape": "log-normal"}
    write_yaml(tmp_path / "world" / "sources.yaml", [{**source, "range": shape}])
    made = assumptions(load(file))
    (jobs, *_) = made.rows
    assert (jobs.path, jobs.low, jobs.high, jobs.range.shape) == (
        "rates.jobs",
        "0.5",
        "2",
        "log-normal",
    )
    changed = made.sample({"rates.*": "±20%", "rates.jobs": "held", "rates.firms": "0.5:1.5"})
    told = {one.path: (one.low, one.high, one.is_drawn) for one in changed.rows}
    assert told["rates.jobs"] == ("1", "1", False)
    assert told["rates.firms"] == ("0.5", "1.5", True)
    assert told["rates.jobs.road"] == ("0.8", "1.2", True)
    assert "rates.jobs" not in draw(changed.drawn, range(1, 3), 1).values


# ---- what is refused ----


def test_all_that_is_wrong_with_ranges_is_said_at_once() -> None:
    made = assumptions(load(BASE))
    with pytest.raises(InputError) as caught:
        made.sample(
            {
                "response.tasks.park.sigma": "20%",
                "rules.rise-cap.at_most.times": "20%",
                "response.tasks.parks.jobs": "150%",
                "response.tasks.parks.firms": [2, 1],
                "response.tasks.parks.sigma": [0, 100],
                "response.cost.step": {"times": [1, 2], "shape": "beta", "alpha": 0, "beta": 1},
            }
        )
    said = {one.path: one.message for one in caught.value.problems}
    assert "did you mean 'response.tasks.parks.sigma'?" in said["response.tasks.park.sigma"]
    assert "is a choice" in said["rules.rise-cap.at_most.times"]
    assert "not a share" in said["response.tasks.parks.jobs"]
    assert "below the second" in said["response.tasks.parks.firms"]
    assert "above 0" in said["response.tasks.parks.sigma"]
    assert "alpha and beta" in said["response.cost.step"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"alpha": "120%"}, "alpha"),
        ({"alpha": 0}, "alpha"),
        ({"draws": 0}, "draws"),
        ({"seed": -1}, "seed"),
        ({"within": "0%"}, "within"),
    ],
)
def test_numbers_out_of_range_are_refused(how: dict[str, Any], said: str, tmp_path: Path) -> None:
    scenario, given = two_cells(tmp_path)
    with pytest.raises(InputError) as caught:
        uncertainty(scenario, tables={"t": given}, **how)
    assert caught.value.problems[0].path == said


@pytest.mark.parametrize(
    "given",
    [
        {"times": [1, 2], "mode": 1},
        {"times": [1, 2], "shape": "triangular", "mode": 3},
        {"times": [1, 2, 3]},
        {"between": [0, 2], "shape": "log-normal"},
        {"times": [1, 2], "shape": "discrete", "weights": [1]},
        {"times": [1, 2], "shape": "discrete", "weights": [0, 0]},
        {"times": [1, 2], "shape": "flat"},
    ],
)
def test_impossible_shapes_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="range|goes with|mode|weight|Input should"):
        ValueRange.model_validate(given)


# ---- the verb ----


def test_the_verb_reads_a_record_beside_its_baselines(tmp_path: Path) -> None:
    floor = rule(id="jobs", measure="jobs", at_least=20)
    file = write_world(tmp_path, {"budget": 45, "rules": [floor]})
    write_record(solve(load(file)), tmp_path / "record")
    out = tmp_path / "out"
    args = [str(tmp_path / "record"), "--draws", "50", "--within", "20%", "-o", str(out), "--json"]
    done = CliRunner().invoke(cli.allot, ["uncertainty", *args])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert [row["table"] for row in said["outcomes"]][::3] == ["proposal", "baseline", "repaired"]
    assert {path.name for path in out.iterdir()} == {
        *("assumptions.csv", "uncertainty-draws.csv", "uncertainty-outcomes.csv"),
        *("uncertainty-rules.csv", "uncertainty.html", "uncertainty.xlsx"),
    }
    kept = (out / "uncertainty-draws.csv").read_text("utf-8-sig").splitlines()
    assert len(kept) == 51 and kept[0].startswith("draw,rates.jobs,")
    again = CliRunner().invoke(cli.allot, ["uncertainty", *args])
    assert again.exit_code == 0 and again.stdout == done.stdout


def test_the_verb_reads_a_table_without_solving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_world(tmp_path, {"budget": 45})
    write_csv(tmp_path / "mine.csv", ["county", "task", "amount"], [("a", "road", 45)])
    monkeypatch.setattr("optimizer.decision.solve", lambda *_, **__: pytest.fail("solved"))
    args = ["--table", str(tmp_path / "mine.csv"), "--draws", "5", "--lang", "zh"]
    done = CliRunner(env={"COLUMNS": "100"}).invoke(cli.allot, ["uncertainty", str(file), *args])
    assert done.exit_code == 0 and "所给的表" in done.stdout and "不是对结果的预测" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--sample", "rates.job=20%"], "did you mean 'rates.jobs'?"),
        (["--sample", "rates.jobs"], "write PATH=20%"),
        (["--within", "200%"], "--within: 200% is not a share"),
        (["--alpha", "0"], "--alpha: 0 is not a share above 0%"),
        (["--draws", "0"], "--draws: from 1 to 1,000,000 draws"),
    ],
)
def test_the_verb_refuses_before_it_solves(
    args: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.decision.solve", lambda *_, **__: pytest.fail("solved"))
    file = write_world(tmp_path, {"budget": 45})
    done = CliRunner().invoke(cli.allot, ["uncertainty", str(file), *args, "--lang", "en"])
    assert done.exit_code == 2 and said in done.stderr, done.stderr


def test_the_page_says_over_what_the_shares_are_and_where_a_rule_turns(tmp_path: Path) -> None:
    scenario, given = two_cells(tmp_path)
    found = uncertainty(scenario, tables={"table": given}, draws=20)
    said = render(uncertainty_page(found, Words("en")), 200)
    assert "it is no forecast" in said and "an assumption of ours" in said
    # 11/12 is 91.67 %, rounded to the side on which the rule is kept.
    assert ": broken only if the rates of Jobs are under 91.7% of what is assumed" in said
    assert "rates of Firms are over 120.0%" in said
    rows = uncertainty_csv(found)["uncertainty-rules.csv"].splitlines()
    assert any(row.startswith("table,jobs,true,true,") and ",11/12," in row for row in rows)
