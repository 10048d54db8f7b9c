"""Baselines on paper: small worlds whose amounts can be added up by hand."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.baselines import baseline, factor_amounts, largest_remainder
from tests.worlds import world, write_csv

REPO = Path(__file__).resolve().parents[1]
TWO = {
    "a": {"people": 100, "class": 5, "area": "north"},
    "b": {"people": 300, "class": 0, "area": "south"},
}


def small(folder: Path, budget: int, spec: dict[str, Any], **scenario: Any) -> Scenario:
    """Counties a (100 people) and b (300 people), tasks road and school, with a baseline."""
    programme = {"baseline": spec}
    counties = scenario.pop("counties", TWO)
    return world(folder, {"budget": budget, **scenario}, counties=counties, programme=programme)


def amounts(scenario: Scenario) -> list[list[int]]:
    return [list(row) for row in baseline(scenario).amounts]


def exact(*numbers: int | str) -> list[Fraction]:
    return [Fraction(number) for number in numbers]


def test_equal_money_rounds_up_where_the_code_comes_first(tmp_path: Path) -> None:
    # 10 over 4 cells is 2.5 each; the two units left go to a, road before school.
    assert amounts(small(tmp_path, 10, {"kind": "equal"})) == [[3, 3], [2, 2]]


def test_ties_go_by_code_and_not_by_row(tmp_path: Path) -> None:
    turned = {"b": TWO["b"], "a": TWO["a"]}
    assert amounts(small(tmp_path, 10, {"kind": "equal"}, counties=turned)) == [[2, 2], [3, 3]]


def test_the_largest_remainder_of_all_cells_gets_the_unit(tmp_path: Path) -> None:
    # a 10.25, b 30.75; cells 6.15, 4.1, 18.45, 12.3: the unit left goes to b × road.
    tasks = {"road": "0.6", "school": "0.4"}
    spec = {"kind": "per-resident", "residents": "people", "tasks": tasks}
    assert amounts(small(tmp_path, 41, spec)) == [[6, 4], [19, 12]]


def test_factors_add_up_by_their_weights_and_cost_multiplies(tmp_path: Path) -> None:
    # a: 0.5 × 1/4 + 0.3 × 1/2 + 0.2 × 300/600 = 0.375, its cost being 1 + 0.4 × 5 = 3.
    factors = [
        {"weight": "0.5", "columns": ["people"]},
        {"weight": "0.3"},
        {"weight": "0.2", "columns": ["people"], "cost": {"column": "class", "step": "0.4"}},
    ]
    spec = {"kind": "factor", "factors": factors, "tasks": {"road": "0.25", "school": "0.75"}}
    assert amounts(small(tmp_path, 800, spec)) == [[75, 225], [125, 375]]


def test_a_finished_weight_column_serves_as_the_weights(tmp_path: Path) -> None:
    spec = {"kind": "factor", "weight_column": "people", "tasks": {"road": 1}}
    assert amounts(small(tmp_path, 8, spec)) == [[2, 0], [6, 0]]


def test_money_outside_the_grid_is_taken_off_and_carried_along(tmp_path: Path) -> None:
    outside = [{"code": "city", "name": "City", "amount": "2.5"}]
    found = baseline(small(tmp_path, 15, {"kind": "equal"}, outside=outside))
    assert [list(row) for row in found.amounts] == [[3, 3], [3, 3]]
    assert found.outside == (("city", "City", Fraction("2.5")),)


def test_a_floor_is_paid_by_the_others_in_proportion() -> None:
    # 10, 40, 50: the first is raised to 20, the others share 80 as 4 : 5.
    found = factor_amounts(exact(1, 4, 5), Fraction(100), floor=Fraction(20))
    assert found == exact(20, "320/9", "400/9")


def test_money_set_free_by_a_cap_can_bring_the_next_to_the_cap() -> None:
    # 60, 30, 10: first 60 → 40; 20 more for the rest makes 45, 15; 45 → 40, so 20 are left.
    found = factor_amounts(exact(6, 3, 1), Fraction(100), cap=Fraction(40))
    assert found == exact(40, 40, 20)


def test_a_cap_can_lift_others_off_their_floor() -> None:
    # 80, 10, 10: the cap frees 30, which brings the others to 25, above the floor of 15.
    found = factor_amounts(exact(8, 1, 1), Fraction(100), floor=Fraction(15), cap=Fraction(50))
    assert found == exact(50, 25, 25)


def test_a_floor_and_a_cap_can_both_hold() -> None:
    found = factor_amounts(exact(10, 3, 1), Fraction(100), floor=Fraction(15), cap=Fraction(60))
    assert found == exact(60, 25, 15)


def test_without_redistribution_each_amount_is_moved_alone() -> None:
    found = factor_amounts(
        exact(1, 4, 5), Fraction(100), floor=Fraction(20), cap=Fraction(45), redistribute=False
    )
    assert found == exact(20, 40, 45)


@pytest.mark.parametrize(
    ("weights", "bounds", "message"),
    [
        ((1, 1), {"floor": 60}, "floor: 60 for each of 2 needs 120, there are 100"),
        ((1, 1), {"cap": 40}, "cap: under a cap of 40 only 80 of 100 can be given"),
        ((1, 0), {"floor": 10, "cap": 40}, "only 50 of 100"),
        ((1, 1), {"floor": 30, "cap": 20}, "floor: 30 is above the cap of 20"),
        ((0, 0), {}, "the weights add up to zero"),
        ((2, -1), {}, "a weight is negative"),
    ],
)
def test_bounds_that_cannot_be_kept_are_refused(
    weights: tuple[int, ...], bounds: dict[str, int], message: str
) -> None:
    limits = {name: Fraction(bound) for name, bound in bounds.items()}
    with pytest.raises(InputError, match=re.escape(message)):
        factor_amounts(exact(*weights), Fraction(100), **limits)  # type: ignore[arg-type]


def test_rounding_carries_no_county_below_its_floor(tmp_path: Path) -> None:
    # a has its floor of 1: 0.4, 0.3, 0.3 by task; b has 9: 3.6, 2.7, 2.7. In one pass over the
    # cells the three units left would all go to b, and a would get nothing.
    spec = {
        "kind": "factor",
        "weight_column": "people",
        "tasks": {"road": "0.4", "school": "0.3", "water": "0.3"},
        "floor": 1,
    }
    scenario = world(
        tmp_path,
        {"budget": 10},
        counties={"a": {"people": 1}, "b": {"people": 99}},
        tasks={"road": {}, "school": {}, "water": {}},
        programme={"baseline": spec},
    )
    assert amounts(scenario) == [[1, 0, 0], [3, 3, 3]]


def test_a_cap_without_redistribution_leaves_money_unspent(tmp_path: Path) -> None:
    spec = {
        "kind": "per-resident",
        "residents": "people",
        "cap": 60,
        "redistribute": "false",
    }
    assert amounts(small(tmp_path, 100, spec)) == [[13, 12], [30, 30]]


def test_bounds_between_whole_units_are_kept_by_whole_amounts(tmp_path: Path) -> None:
    # a is due 2.25 of 9 and b 8.25 of 11: rounded, 2.3 would give 2 and 7.8 would give 8.
    spec = {"kind": "per-resident", "residents": "people", "tasks": {"road": 1}}
    assert amounts(small(tmp_path, 9, {**spec, "floor": "2.3"})) == [[3, 0], [6, 0]]
    assert amounts(small(tmp_path, 11, {**spec, "cap": "7.8"})) == [[4, 0], [7, 0]]


def test_pots_are_shared_out_among_their_own_counties(tmp_path: Path) -> None:
    # north has 9 of 15: a 100 and c 200 people; south has 6, all of it b's.
    counties = {**TWO, "c": {"people": 200, "class": 0, "area": "north"}}
    spec = {
        "kind": "per-resident",
        "residents": "people",
        "tasks": {"road": 1},
        "within": "area",
        "pots": {"north": "0.6", "south": "0.4"},
    }
    assert amounts(small(tmp_path, 15, spec, counties=counties)) == [[3, 0], [6, 0], [6, 0]]


def test_pots_without_shares_follow_the_weights_and_round_first(tmp_path: Path) -> None:
    # 11 over 100 : 300 people is 2.75 and 8.25: pots of 3 and 8, then each over two tasks.
    spec = {"kind": "per-resident", "residents": "people", "within": "area"}
    assert amounts(small(tmp_path, 11, spec)) == [[2, 1], [4, 4]]


def test_pots_that_tie_round_by_the_name_of_their_group(tmp_path: Path) -> None:
    turned = {"z": {"area": "south"}, "y": {"area": "north"}}
    spec = {"kind": "equal", "within": "area", "tasks": {"road": 1}}
    assert amounts(small(tmp_path, 11, spec, counties=turned)) == [[5, 0], [6, 0]]


def test_every_wrong_name_is_told_at_its_place_with_the_nearest_one(tmp_path: Path) -> None:
    factors = [{"weight": "0.5"}, {"weight": "0.5", "columns": ["peple"]}]
    spec = {
        "kind": "factor",
        "factors": factors,
        "tasks": {"raod": 1},
        "within": "area",
        "pots": {"nort": 1},
    }
    with pytest.raises(InputError) as caught:
        baseline(small(tmp_path, 10, spec))
    assert str(caught.value).splitlines() == [
        "programme.yaml: baseline.factors[1].columns[0]:"
        " unknown column 'peple' (did you mean 'people'?)",
        "programme.yaml: baseline.tasks.raod: unknown task 'raod' (did you mean 'road'?)",
        "programme.yaml: baseline.pots.nort: no county has area 'nort' (did you mean 'north'?)",
        "programme.yaml: baseline.pots: the share of area 'north' is missing",
        "programme.yaml: baseline.pots: the share of area 'south' is missing",
    ]


def test_a_problem_of_the_scenarios_own_baseline_is_placed_in_the_scenario(tmp_path: Path) -> None:
    scenario = small(tmp_path, 10, {"kind": "equal"}, baseline={"kind": "equal", "floor": 6})
    with pytest.raises(InputError, match=r"^scenario.yaml: baseline.floor: 6 for each of 2"):
        baseline(scenario)


def test_a_text_column_and_a_weightless_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the column 'area' of counties.csv holds text"):
        baseline(small(tmp_path, 10, {"kind": "factor", "weight_column": "area"}))
    nobody = {name: {**row, "people": 0} for name, row in TWO.items()}
    spec = {"kind": "per-resident", "residents": "people"}
    with pytest.raises(InputError, match="residents: is zero in every county"):
        baseline(small(tmp_path, 10, spec, counties=nobody))


TIERS = [
    # county, task, tier, width, jobs, firms
    ["a", "road", 1, 10, "0.5", "0.1"],
    ["a", "road", 2, 20, "0.2", "0.1"],
    ["a", "school", 1, 10, "0.4", "0.4"],
    ["b", "road", 1, 10, "0.5", "0"],
    ["b", "road", 2, 10, "0.3", "0"],
    ["b", "school", 1, 10, "0", "0"],
]


def greedy_world(folder: Path, budget: int, **scenario: Any) -> Scenario:
    return world(
        folder,
        {"budget": budget, **scenario},
        counties=TWO,
        tiers=TIERS,
        programme={"baseline": {"kind": "greedy"}},
    )


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (7, [[7, 0], [0, 0]]),  # 0.5 in two cells: the smaller code first
        (15, [[10, 0], [5, 0]]),
        (25, [[10, 5], [10, 0]]),  # then a × school at 0.4
        (38, [[10, 10], [18, 0]]),  # then b × road at 0.3
        (70, [[30, 10], [20, 0]]),  # b × school yields nothing: 10 stay unspent
    ],
)
def test_greedy_fills_the_best_tier_first(
    tmp_path: Path, budget: int, expected: list[list[int]]
) -> None:
    assert amounts(greedy_world(tmp_path, budget)) == expected


def test_greedy_gives_nothing_to_cells_that_are_not_eligible(tmp_path: Path) -> None:
    shut = [{"where": {"area": "north", "task": "road"}, "reason": "closed"}]
    assert amounts(greedy_world(tmp_path, 15, ineligible=shut)) == [[0, 5], [10, 0]]


def test_greedy_weighs_metrics_over_what_the_baseline_yields(tmp_path: Path) -> None:
    # Equal shares of 40 yield 5 + 4 + 5 + 0 = 14 jobs and 1 + 4 = 5 firms: a × school is worth
    # 0.4/14 + 0.4/5 = 0.109, a × road 0.5/14 + 0.1/5 = 0.056, b × road 0.5/14 = 0.036.
    objective = {"weights": {"jobs": 1, "firms": 1}, "normalise": "baseline"}
    scenario = world(
        tmp_path,
        {"budget": 40, "objective": objective},
        counties=TWO,
        tiers=TIERS,
        programme={"baseline": {"kind": "equal"}},
    )
    found = baseline(scenario, kind="greedy")
    # Then b × road 0.036 against the second tier of a × road, 0.2/14 + 0.1/5 = 0.034.
    assert [list(row) for row in found.amounts] == [[20, 10], [10, 0]]


def test_a_greedy_baseline_cannot_be_its_own_measure(tmp_path: Path) -> None:
    objective = {"weights": {"jobs": 1}, "normalise": "baseline"}
    with pytest.raises(InputError, match=r"^scenario.yaml: objective.normalise: a greedy"):
        baseline(greedy_world(tmp_path, 10, objective=objective))


def test_a_table_is_taken_as_it_stands(tmp_path: Path) -> None:
    scenario = small(tmp_path, 10, {"kind": "table", "file": "last.csv"})
    rows = [["a", "road", "1.5"], ["b", "school", "99"]]
    write_csv(tmp_path / "world" / "last.csv", ["county", "task", "amount"], rows)
    assert amounts(scenario) == [[Fraction("1.5"), 0], [0, 99]]
    found = baseline(scenario, kind=str(tmp_path / "world" / "last.csv"))
    assert [list(row) for row in found.amounts] == [[Fraction("1.5"), 0], [0, 99]]


def test_a_table_outside_the_programmes_folder_is_refused(tmp_path: Path) -> None:
    scenario = small(tmp_path, 10, {"kind": "table", "file": "../last.csv"})
    with pytest.raises(InputError, match="leads outside the folder"):
        baseline(scenario)


FACTORS = {
    "kind": "factor",
    "factors": [{"weight": "0.5"}, {"weight": "0.5", "columns": ["people"]}],
    "tasks": {"road": 1},
}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("factor", [[15, 0], [25, 0]]),
        ("equal", [[10, 10], [10, 10]]),
        ("per-resident", [[10, 0], [30, 0]]),  # heads: the first column of the factors
        ("greedy", [[10, 10], [10, 10]]),  # the four first tiers, all alike
    ],
)
def test_a_baseline_is_found_by_the_name_of_its_kind(
    tmp_path: Path, kind: str, expected: list[list[int]]
) -> None:
    found = baseline(small(tmp_path, 40, FACTORS), kind=kind)
    assert [list(row) for row in found.amounts] == expected


def test_an_unknown_kind_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown kind of baseline \(did you mean 'greedy'\?\)"):
        baseline(small(tmp_path, 10, FACTORS), kind="greddy")


def test_per_resident_says_what_to_set_where_nobody_is_counted(tmp_path: Path) -> None:
    scenario = small(tmp_path, 10, {"kind": "equal"})
    with pytest.raises(InputError, match=re.escape("set `baseline: {residents: column}`")):
        baseline(scenario, kind="per-resident")
    with pytest.raises(InputError, match="there is no factor baseline"):
        baseline(scenario, kind="factor")
    told = small(tmp_path, 40, {"kind": "equal", "residents": "people"})
    assert [list(row) for row in baseline(told, kind="per-resident").amounts] == [
        [5, 5],
        [15, 15],
    ]


def test_a_total_far_from_the_amounts_is_no_rounding() -> None:
    assert largest_remainder(exact("1/2", "1/2", 1), 2, "abc") == [1, 0, 1]
    for total in (0, 4):
        with pytest.raises(ValueError, match="cannot be rounded"):
            largest_remainder(exact("1/2", "1/2", 1), total, "abc")


SHIPPED = REPO / "scenarios" / "base-2020.yaml"


@pytest.mark.skipif(not SHIPPED.is_file(), reason="the shipped scenario is not here")
def test_the_shipped_factor_baseline_funds_704_cells_and_gives_the_45_counties_28_3_percent() -> (
    None
):
    scenario = load(SHIPPED)
    found = baseline(scenario)
    deep = scenario.programme.counties.values("deep_poverty")
    tilted = sum(sum(row) for row, is_deep in zip(found.amounts, deep, strict=True) if is_deep)
    assert found.spent == 33_000
    assert sum(1 for amount in found.amounts.ravel() if amount > 0) == 704
    assert sum(deep) == 45  # type: ignore[arg-type]
    assert round(100 * Fraction(tilted) / 33_000, 1) == Fraction("28.3")
