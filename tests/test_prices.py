"""Prices and ranges: against manuals to the printed digit, by hand, and by solving a step away."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import cli
from models.errors import InfeasibleError, InputError
from models.scenario import Scenario
from optimizer.decision import solve
from optimizer.formulation.model import Model
from optimizer.problem import reference_of
from optimizer.sensitivity.drop_rule import costs
from optimizer.sensitivity.prices import LimitPrice, Prices, priced_model, prices
from optimizer.solvers.base import Answer, Effort
from optimizer.solvers.highs_lp import cost_range, ranging
from reports.catalogue import Words
from reports.documents.price_list import prices_page
from reports.numbers import at_most_text
from reports.terminal import render
from tests.worlds import rule, world, write_world

# GLPK reference manual 5.0, pp. 93-94: cost, then what a unit holds of each element; bounds.
MELTS = {
    "bin1": (".03", ".15", ".03", ".02", ".02", ".70", ".02", 0, 200),
    "bin2": (".08", ".04", ".05", ".04", ".03", ".75", ".06", 0, 2500),
    "bin3": (".17", ".02", ".08", ".01", "0", ".80", ".08", 400, 800),
    "bin4": (".12", ".04", ".02", ".02", "0", ".75", ".12", 100, 700),
    "bin5": (".15", ".02", ".06", ".02", ".01", ".80", ".02", 0, 1500),
    "alum": (".21", ".01", ".01", "0", "0", ".97", ".01", 0, 3000),
    "silicon": (".38", ".03", "0", "0", "0", "0", ".97", 0, 3000),
}
METALS = ("cost", "fe", "cu", "mn", "mg", "al", "si")
DUALS = {"yield": 0.0136, "fe": 2.56823, "cu": 0, "mn": 0.5444, "al": -0.25199, "si1": -0.4852}
"""Of minus the cost, which is what the scenario raises: the manual's with the other sign."""
BOUNDS = {
    "yield": (1995.06864, 2014.03479),
    "fe": (55.89016, 62.69978),
    "mn": (34.42336, 41.68691),
    "al": (1485.78425, 1504.92126),
    "si1": (235.32871, 255.06073),
}
COSTS = {
    "bin1": (-0.22362, None),
    "bin2": (0.01722, 0.08863),
    "bin3": (0.15982, 0.17948),
    "bin4": (0.10899, 0.14651),
    "bin5": (0.13544, None),
    "alum": (0.18885, 0.22622),
    "silicon": (0.14828, 0.46667),
}
COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "people": 100},
    "b": {"name_zh": "乙县", "name_en": "Beta", "people": 300},
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    counties = {name: {"least": row[7], "most": row[8]} for name, row in MELTS.items()}
    rules = [rule(id="yield", equal=2000)]
    for name, most in (("fe", 60), ("cu", 100), ("mn", 40), ("mg", 30)):
        rules.append(rule(id=name, measure=name, at_most=most))
    rules += [
        rule(id="al", measure="al", at_least=1500),
        rule(id="si1", measure="si", at_least=250),
        rule(id="si2", measure="si", at_most=300),
        rule(id="least", per="county", at_least={"column": "least"}),
        rule(id="most", per="county", at_most={"column": "most"}),
    ]
    objective = {"weights": {"cost": -1}, "normalise": "none"}
    return world(
        tmp_path_factory.mktemp("plan"),
        {"budget": 3000, "rules": rules, "objective": objective},
        counties=counties,
        tasks={"melt": {}},
        tiers=[[name, "melt", 1, 3000, *row[:7]] for name, row in MELTS.items()],
        programme={"metrics": [{"id": n, "title": n, "unit": n} for n in METALS]},
    )


def by_rule(found: Prices) -> dict[str, LimitPrice]:
    return {limit.rule: limit for limit in found.limits if not limit.key}


def test_the_prices_of_the_smelting_plan_are_those_of_the_manual(plan: Scenario) -> None:
    found = prices(plan)
    assert found.is_exact
    assert found.objective == pytest.approx(-296.2166065, abs=5e-8)
    mine = by_rule(found)
    for name, dual in DUALS.items():
        assert mine[name].price == pytest.approx(dual, abs=5e-6 if abs(dual) > 1 else 5e-5), name


def test_its_right_hand_sides_range_as_in_the_manual(plan: Scenario) -> None:
    mine = by_rule(prices(plan))
    for name, ends in BOUNDS.items():
        assert (mine[name].low, mine[name].high) == pytest.approx(ends, abs=5.1e-6), name


def test_its_costs_range_as_in_the_manual(plan: Scenario) -> None:
    model = priced_model(plan, reference_of(plan).points)
    solved = ranging(model)
    assert not isinstance(solved, str)
    for at, (name, ends) in enumerate(COSTS.items()):
        dearer = np.zeros(len(model.cost))
        dearer[model.grid.tier[at]] = -1.0
        low, high = cost_range(model, solved.values, dearer)
        cost = float(MELTS[name][0])
        assert cost + low == pytest.approx(ends[0], abs=5.1e-6), name
        expected = float("inf") if ends[1] is None else ends[1]
        assert cost + high == pytest.approx(expected, abs=5.1e-6), name


def test_what_a_limit_does_to_each_metric_is_what_a_step_does(plan: Scenario) -> None:
    """Along the basis: a hundredth more iron changes every metal as its price says."""
    before = by_rule(prices(plan))["fe"]
    more = prices(plan.replace(rules={"fe": {"at_most": "60.01"}}))
    after = by_rule(more)
    for name, measured in (("mn", "mn"), ("cu", "cu"), ("si", "si2")):
        step = after[measured].value - by_rule(prices(plan))[measured].value
        assert step == pytest.approx(0.01 * before.metrics[name], abs=1e-7), name
    gained = more.objective - prices(plan).objective
    assert gained == pytest.approx(-0.01 * before.metrics["cost"], abs=1e-7)
    assert before.metrics["cost"] == pytest.approx(-before.price)


def test_the_prices_of_the_lp_solve_guide_hold(tmp_path: Path) -> None:
    """sensitivity.htm: min x + 3y + 6.24z + 0.1w; dual of THISROW 0.03448276, range 52.2-142.042.

    w may be 18 to 48.98 only; the second row and the bound of x do not bind THISROW.
    """
    goods = {"x": ("1", "0", "0.24", "12.68"), "y": ("3", "78.26", "0", "0")}
    goods |= {"z": ("6.24", "0", "11.31", "0.08"), "w": ("0.1", "2.9", "0", "0.9")}
    least, most = {"x": "28.6", "w": 18}, {"w": "48.98"}
    counties = {
        name: {"least": float(least.get(name, 0)), "most": float(most.get(name, 1000))}
        for name in goods
    }
    rules = [
        rule(id="this-row", measure="this", at_least="92.3"),
        rule(id="that-row", measure="that", at_most="14.8"),
        rule(id="last-row", measure="last", at_least=4),
        rule(id="least", per="county", at_least={"column": "least"}),
        rule(id="most", per="county", at_most={"column": "most"}),
    ]
    metrics = [{"id": n, "title": n, "unit": n} for n in ("cost", "this", "that", "last")]
    objective = {"weights": {"cost": -1}, "normalise": "none"}
    found = prices(
        world(
            tmp_path,
            {"budget": 1000, "rules": rules, "objective": objective},
            counties=counties,
            tasks={"buy": {}},
            tiers=[[name, "buy", 1, 1000, *row] for name, row in goods.items()],
            programme={"metrics": metrics},
        )
    )
    assert found.objective == pytest.approx(-31.7828, abs=5e-5)
    this = by_rule(found)["this-row"]
    assert this.price == pytest.approx(-0.03448276, abs=5e-9)
    assert (this.low, this.high) == pytest.approx((52.2, 142.042), abs=5e-4)


def test_the_farmers_crops_are_worth_what_the_page_says(tmp_path: Path) -> None:
    """max 143x + 60y, 120x + 210y <= 15000, 110x + 30y <= 4000, x + y <= 75: 6315.625.

    By hand: storage and land bind; with their prices u and v, 110u + v = 143 and 30u + v = 60, so
    u = 1.0375 and v = 28.875.
    """
    rules = [rule(id="spend", measure="spend", at_most=15000)]
    rules.append(rule(id="store", measure="store", at_most=4000))
    metrics = [{"id": n, "title": n, "unit": n} for n in ("profit", "spend", "store")]
    found = prices(
        world(
            tmp_path,
            {
                "budget": 75,
                "rules": rules,
                "objective": {"weights": {"profit": 1}, "normalise": "none"},
            },
            counties={"wheat": {"people": 1}, "barley": {"people": 1}},
            tasks={"grow": {}},
            tiers=[["wheat", "grow", 1, 75, 143, 120, 110], ["barley", "grow", 1, 75, 60, 210, 30]],
            programme={"metrics": metrics},
        )
    )
    assert found.objective == pytest.approx(6315.625)
    mine = by_rule(found)
    assert mine["store"].price == pytest.approx(1.0375)
    assert mine["budget"].price == pytest.approx(28.875)
    assert mine["budget"].metrics["store"] == pytest.approx(0, abs=1e-9)
    assert mine["spend"].price == pytest.approx(0, abs=1e-9)


def small(tmp_path: Path, **scenario: Any) -> Scenario:
    """Jobs 0.5 then 0.2 a coin, the same in four cells; 10 and 20 wide."""
    rules = [
        rule(id="floor", at_least=15, where={"county": "b"}),
        rule(id="road-share", where={"task": "road"}, at_most={"share": 0.4, "of": "amount"}),
    ]
    return world(tmp_path, {"budget": 50, "rules": rules, **scenario}, counties=COUNTIES)


def test_a_step_of_a_written_number_moves_the_objective_as_told(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    found = {one.rule: one for one in prices(scenario).rules}
    share = found["road-share"]
    assert share.path == "rules.road-share.at_most.share"
    assert share.step == Fraction(1, 100)
    before = prices(scenario).objective
    after = prices(scenario.replace(rules={"road-share": {"at_most": {"share": "0.41"}}}))
    assert after.objective - before == pytest.approx(share.points, abs=1e-9)
    assert found["floor"].points == pytest.approx(0, abs=1e-9)


def test_a_price_per_head_is_per_unit_of_the_rules_own_value(tmp_path: Path) -> None:
    """0.1 coin a head in b are 30 coins: a hundredth of a coin more a head moves 3 coins from 0.5
    in a to 0.2 in b, and costs 0.9 jobs."""
    rules = [rule(id="b", where={"county": "b"}, per_head="people", at_least="0.1")]
    found = prices(world(tmp_path, {"budget": 45, "rules": rules}, counties=COUNTIES))
    (limit,) = [one for one in found.limits if one.rule == "b"]
    assert limit.price == pytest.approx(-90)
    assert limit.bound == pytest.approx(0.1)
    (own,) = [one for one in found.rules if one.rule == "b"]
    assert own.points == pytest.approx(-90)


def test_a_weight_ranges_to_where_the_best_allocation_turns(tmp_path: Path) -> None:
    """Ten coins: road 0.5 jobs and 0.1 firms a coin in a, 0.3 and 0.4 in b.

    jobs 1 × 0.5 + w × 0.1 against 0.3 + w × 0.4: b is better from w = 2/3 on.
    """
    scenario = world(
        tmp_path,
        {"budget": 10, "objective": {"weights": {"jobs": 1, "firms": 0}, "normalise": "none"}},
        counties={"a": {"people": 1}, "b": {"people": 1}},
        tasks={"road": {}},
        tiers=[["a", "road", 1, 20, "0.5", "0.1"], ["b", "road", 1, 20, "0.3", "0.4"]],
    )
    jobs, firms = prices(scenario, weights=True).weights
    assert (firms.low, firms.high) == pytest.approx((0, 2 / 3))
    assert (jobs.low, jobs.high) == pytest.approx((0, float("inf")))


def test_a_cap_on_single_cells_carries_its_own_price(tmp_path: Path) -> None:
    """A cap of 5 on each cell bounds the cells too; the price belongs to the rule all the same."""
    cap = rule(id="cap", at_most=5, per=["county", "task"])
    found = prices(world(tmp_path, {"budget": 100, "rules": [cap]}))
    assert [limit.price for limit in found.limits[1:]] == pytest.approx([0.5] * 4)
    assert {one.rule: one.points for one in found.rules} == pytest.approx(
        {"budget": 0, "cap": 2}, abs=1e-9
    )


def test_a_scenario_without_rules_prices_its_budget(tmp_path: Path) -> None:
    found = prices(world(tmp_path, {"budget": 45}))
    assert [(one.rule, one.points) for one in found.rules] == [("budget", pytest.approx(0.2))]
    assert found.frame.loc[0, "bound"] == 45


def test_what_a_rule_costs_comes_with_its_plus_minus(tmp_path: Path) -> None:
    """Two cells may be funded of four: 30 coins each give 9 and 9, four cells 10 more at 0.5."""
    cells = rule(id="cells", measure="cells", at_most=2)
    vain = rule(id="vain", at_most=1000)
    scenario = world(tmp_path, {"budget": 60, "lot": 1, "rules": [cells, vain]})
    mine = {one.rule: one for one in costs(scenario, gap=0).rules}
    # Without it 40 coins at 0.5 and 20 at 0.2; with two cells 20 at 0.5 and 40 at 0.2.
    assert mine["cells"].without is not None
    assert mine["cells"].without.points == pytest.approx(24 - 18)
    assert mine["cells"].without.plus_minus == pytest.approx(0, abs=1e-4)
    assert mine["cells"].eased == 3
    assert mine["cells"].step is not None and mine["cells"].step.points == pytest.approx(3)
    assert mine["vain"].without is not None and not mine["vain"].without.is_told_apart
    assert mine["vain"].eased is None
    assert mine["budget"].without is None and mine["budget"].eased == 61


@pytest.mark.parametrize(
    ("rates", "gain"),
    [
        # b brings 0.2 a coin and a 0.5: one coin less in b, as few as may be, is worth 0.3.
        ({"a": "0.5", "b": "0.2"}, 0.3),
        # b brings 0.6: one coin more, as many as may be, is worth 0.1.
        ({"a": "0.5", "b": "0.6"}, 0.1),
    ],
    ids=["held up", "held down"],
)
def test_more_room_beside_an_equality_is_worth_what_a_coin_brings_elsewhere(
    tmp_path: Path, rates: dict[str, str], gain: float
) -> None:
    tiers = [[county, "road", 1, 60, rate, "0"] for county, rate in rates.items()]
    near = rule(id="near", where={"county": "b"}, equal=10, within=2)

    def best(within: int) -> Prices:
        body = {"budget": 40, "rules": [{**near, "within": within}]}
        return prices(world(tmp_path, body, tasks={"road": {}}, tiers=tiers))

    (one,) = (one for one in best(2).rules if one.rule == "near")
    assert [one.field, one.number, one.step] == ["within", 2, 1]
    assert one.points == pytest.approx(gain)
    assert best(3).objective - best(2).objective == pytest.approx(gain)
    assert one.metrics["jobs"] == pytest.approx(gain)


@pytest.mark.parametrize(
    ("fields", "eased"),
    [
        ({"where": {"county": "b"}, "at_least": 400}, "396"),
        ({"where": {"county": "a"}, "at_most": 600}, "606"),
        ({"where": {"county": "b"}, "at_least": {"share": "0.4", "of": "amount"}}, "0.396"),
        ({"where": {"county": "a"}, "at_most": {"share": "0.6", "of": "budget"}}, "0.606"),
    ],
    ids=["a floor", "a cap", "a share at least", "a share at most"],
)
def test_a_rule_is_eased_the_way_that_gives_room_and_gains_what_that_is_worth(
    tmp_path: Path, fields: dict[str, Any], eased: str
) -> None:
    """1000 coins, 0.5 each in a and 0.2 in b: each coin that may go from b to a is worth 0.3. A
    hundredth of 400 and of 600 is 4 and 6 coins; without the rule 400 go."""
    tiers = [[county, "road", 1, 1000, rate, "0"] for county, rate in (("a", "0.5"), ("b", "0.2"))]
    scenario = world(
        tmp_path, {"budget": 1000, "rules": [rule(**fields)]}, tasks={"road": {}}, tiers=tiers
    )
    (one,) = costs(scenario, rules=["r"], gap=0).rules
    assert one.eased == Fraction(eased)
    coins = 6 if "at_most" in fields else 4
    assert one.step is not None and one.step.points == pytest.approx(0.3 * coins)
    assert one.without is not None and one.without.points == pytest.approx(0.3 * 400)


def test_a_step_that_is_no_whole_money_unit_gains_what_it_is_worth(tmp_path: Path) -> None:
    """A floor of 40 eased to 39.6: four tenths of a coin go where they bring 0.3 more."""
    tiers = [[county, "road", 1, 100, rate, "0"] for county, rate in (("a", "0.5"), ("b", "0.2"))]
    floor = rule(where={"county": "b"}, at_least=40)
    scenario = world(tmp_path, {"budget": 90, "rules": [floor]}, tasks={"road": {}}, tiers=tiers)
    (one,) = costs(scenario, rules=["r"], gap=0).rules
    assert one.eased == Fraction("39.6")
    assert one.step is not None and one.step.points == pytest.approx(0.3 * 0.4)


def test_the_plus_minus_covers_the_truth_at_a_coarse_gap(tmp_path: Path) -> None:
    scenario = world(
        tmp_path,
        {"budget": 60, "lot": 7, "rules": [rule(id="cells", measure="cells", at_most=2)]},
    )
    exact = costs(scenario, gap=0).rules[1].without
    coarse = costs(scenario, gap=0.2).rules[1].without
    assert exact is not None and coarse is not None
    assert coarse.low - 1e-9 <= exact.points <= coarse.high + 1e-9
    assert abs(coarse.points - exact.points) <= coarse.plus_minus + 1e-9


def test_the_plus_minus_is_what_both_gaps_leave_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 to 12 as it stands, 13 to 15 without: a gain of 3, of 1 at least and 5 at most."""
    said = iter([(10.0, 12.0), (13.0, 15.0), (10.5, 12.0)])

    def engine(model: Model, effort: Effort) -> Answer:
        found, bound = next(said)
        return Answer("feasible", np.zeros(len(model.cost)), found, bound, 0.0)

    picked = "optimizer.sensitivity.drop_rule.pick_engine"
    monkeypatch.setattr(picked, lambda name, start=None: (engine, ()))
    (one,) = costs(small(tmp_path), rules=["floor"]).rules
    assert one.without is not None and one.step is not None
    # Each of the two values and bounds may be off by a millionth of 10 more.
    assert (one.without.points, one.without.low, one.without.high) == (3, 1 - 2e-5, 5 + 2e-5)
    assert one.without.plus_minus == pytest.approx(2 + 2e-5) and one.without.is_told_apart
    assert (one.step.low, one.step.high) == (0, 2 + 2e-5) and not one.step.is_told_apart


def test_prices_of_a_scenario_that_cannot_be_kept_are_refused(tmp_path: Path) -> None:
    scenario = small(tmp_path, rules=[rule(id="floor", at_least=80)])
    for ask in (prices, costs):
        with pytest.raises(InfeasibleError) as caught:
            ask(scenario)
        assert "needs 80 coins" in str(caught.value)


def test_an_unknown_rule_to_price_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'floor'"):
        costs(small(tmp_path), rules=["flor"])


def run(*arguments: object, lang: str = "en") -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": "100"}
    return CliRunner(env=environment).invoke(cli.allot, [str(one) for one in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    body = {"budget": 50, "rules": [rule(id="floor", per="county", at_least=30)], "lot": 5}
    body["rules"][0]["title"] = {"zh": "县级下限", "en": "County floor"}
    body["overrides"] = {"low": {"rules": {"floor": {"at_least": 20}}}}
    return write_world(tmp_path, body, counties=COUNTIES)


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "raising the cap from 50 to 51 coins"), ("zh", "“预算”的上限由50提高到51coins")],
)
def test_the_page_says_prices_in_words(file: Path, lang: str, said: str) -> None:
    result = run("prices", file, "--with", "low", lang=lang)
    assert result.exit_code == 0
    assert said in result.stdout.replace("\n    ", " " if lang == "en" else "")
    result.stdout.encode("gbk")


def test_a_number_of_times_says_so(tmp_path: Path) -> None:
    times = rule(id="mix", where={"task": "road"}, at_least={"times": 1.5, "of": "amount"})
    times["at_least"]["where"] = {"task": "school"}
    file = write_world(tmp_path, {"budget": 50, "rules": [times]}, counties=COUNTIES)
    assert "1.5→1.51倍" in run("prices", file, lang="zh").stdout
    assert "from 1.5 to 1.51 times" in " ".join(run("prices", file, lang="en").stdout.split())


def test_the_document_holds_every_limit(file: Path) -> None:
    document = json.loads(run("prices", file, "--with", "low", "--json", "--weights").stdout)
    assert [row["rule"] for row in document["limits"]] == ["budget", "floor", "floor"]
    assert document["limits"][1]["key"] == {"county": "a"}
    assert document["rules"][1]["path"] == "rules.floor.at_least"
    assert {row["metric"] for row in document["weights"]} == {"jobs", "firms"}
    exact = json.loads(run("prices", file, "--with", "low", "--json", "--exact").stdout)
    assert exact["rules"][1]["without"]["points"] >= 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 3, "County floor"),
        (["--with", "low", "--rule", "floor"], 2, "goes with --exact"),
        (["--with", "low", "--exact", "--rule", "flor"], 2, "did you mean 'floor'"),
        (["--with", "low", "--exact", "--weights"], 2, "does not go with --exact"),
    ],
)
def test_bad_asking_is_told_without_a_traceback(
    file: Path, arguments: list[str], code: int, said: str
) -> None:
    result = run("prices", file, *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_prices_certificate_and_solution_tell_of_one_relaxation(tmp_path: Path) -> None:
    """Caps bound the cells of all three, so that one bound stands under the name everywhere."""
    rules = [
        rule(id="few", measure="cells", at_most=3),
        rule(id="cap", per=["county"], at_most="17.5"),
        rule(id="roads", where={"task": "road"}, at_most={"share": "0.45", "of": "budget"}),
    ]
    scenario = world(tmp_path, {"budget": 60, "lot": 4, "rules": rules})
    found, solution = prices(scenario), solve(scenario)
    assert solution.certificate is not None and solution.bound_proved is not None
    assert float(found.bound_proved) == pytest.approx(float(solution.certificate.bound), rel=1e-9)
    assert solution.bound_proved <= solution.certificate.bound  # Whole choices may prove more.
    assert float(found.bound_proved) == pytest.approx(found.objective, rel=1e-9)
    assert found.bound_proved >= solution.objective
    shown = render(prices_page(found, Words("en")), 200)
    assert f"proved bound of the objective {at_most_text(found.bound_proved)}" in shown


def test_a_cap_that_bounds_its_cells_has_its_whole_price(tmp_path: Path) -> None:
    """Two roads, of which one may be funded, with 8 at the most in each: in part both are, with 8
    between them. A unit more for both is one more at 0.5, whether the row or the cell says so."""
    few = rule(id="few", measure="cells", at_most=1)
    cap = rule(id="cap", per=["county"], at_most=8)
    scenario = world(tmp_path, {"budget": 60, "rules": [few, cap]}, tasks={"road": {}})
    found = prices(scenario)
    assert found.objective == pytest.approx(4)
    assert sum(one.price for one in found.limits if one.rule == "cap") == pytest.approx(0.5)
    (step,) = (one for one in found.rules if one.rule == "cap")
    assert step.points == pytest.approx(0.5) and step.metrics["jobs"] == pytest.approx(0.5)


def test_a_loose_cap_is_free_only_down_to_what_other_caps_leave_its_cell(tmp_path: Path) -> None:
    """Below 30 it would be the most of the cell, and with that of the rows that fund it in part."""
    one = {"measure": "amount", "per": ["county"]}
    rules = [
        rule(id="loose", **one, at_most=35, where={"county": "a", "task": "road"}),
        rule(id="tight", **one, at_most=30),
    ]
    found = prices(small(tmp_path, budget=40, lot=5, rules=rules))
    limit = next(limit for limit in found.limits if limit.rule == "loose")
    assert (limit.value, limit.price, limit.low, limit.high) == (10, 0, 30, np.inf)


def test_the_price_of_a_count_ranges_over_whole_numbers(tmp_path: Path) -> None:
    """A whole cell more is worth less than the part of one that the slope carries to."""
    rules = [rule(id="few", measure="cells", at_most=1)]
    limit = by_rule(prices(small(tmp_path, budget=40, lot=5, rules=rules)))["few"]
    assert (limit.low, limit.high) == (1, 1)
    assert limit.price > 0
