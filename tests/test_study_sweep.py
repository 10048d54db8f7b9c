"""The sweep: every corner of the value function, held to hand-worked cases and to fresh solves."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import InputError
from models.exact import exact_text
from models.scenario import Scenario, load
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed
from optimizer.problem import Problem
from optimizer.solvers.highs import solve_model
from optimizer.study.design import Paths
from optimizer.study.grid import grid_study
from optimizer.study.study_result import Study
from optimizer.study.sweep import Place, corners, sweep, sweep_study
from tests.worlds import rule, world

ROOT = Path(__file__).parent.parent
BASE = ROOT / "scenarios" / "base-2020.yaml"
Rows = list[dict[str, Any]]


def rows_of(study: Study) -> Rows:
    return [dict(zip(study.columns, row, strict=True)) for row in study.rows]


def swept(scenario: Scenario, path: str, low: object, high: object) -> Rows:
    rows = rows_of(sweep_study(scenario, path, (low, high, None)))
    assert {row["method"] for row in rows} == {"exact"}
    return rows


def column(rows: Rows, name: str) -> list[Any]:
    return [row[name] for row in rows]


def fresh(scenario: Scenario, path: str, value: object) -> float | None:
    """The relaxation with one value changed, read, formulated and solved on its own."""
    values = Problem.of(scenario).reference.points
    changed = Paths(scenario).changed(((path, exact_text(Fraction(str(value)))),))
    return solve_model(relaxed(formulate(changed, values, whole=False))).objective


# ---- worked by hand ----


def two_counties(folder: Path, **scenario: Any) -> Scenario:
    """One task; each coin gives 0.1 jobs in a, 0.5 in b, and up to 100 coins count in each."""
    tiers = [["a", "road", 1, 100, "0.1", "0"], ["b", "road", 1, 100, "0.5", "0"]]
    return world(folder, {"budget": 60, **scenario}, tasks={"road": {}}, tiers=tiers)


def test_the_value_of_a_budget_has_its_corners_where_tiers_are_full(tmp_path: Path) -> None:
    # Four cells: 10 coins each at 0.5 jobs, then 20 each at 0.2, then nothing.
    rows = swept(world(tmp_path, {"budget": 60}), "budget", 1, 130)
    assert column(rows, "budget") == [1, 40, 120, 130]
    assert column(rows, "worth") == pytest.approx([0.5, 20, 36, 36])
    assert column(rows, "price") == pytest.approx([0.5, 0.2, 0, None])
    assert column(rows, "firms") == pytest.approx([0.1, 4, 8, 8])


def test_raising_a_floor_costs_and_its_price_is_negative(tmp_path: Path) -> None:
    floor = rule(id="floor", per=["county"], at_least=0)
    rows = swept(two_counties(tmp_path, rules=[floor]), "rules.floor.at_least", 0, 40)
    # At t each: 0.1 t + 0.5 (60 − t), up to 30 each; beyond there is no allocation.
    assert column(rows, "rules.floor.at_least") == [0, 30, 40]
    assert column(rows, "worth") == [30, 18, None]
    assert column(rows, "price") == pytest.approx([-0.4, None, None])
    assert column(rows, "status") == ["optimal", "optimal", "infeasible"]
    assert "no allocation can keep all the rules" in rows[-1]["why"]


def test_raising_a_cap_pays_until_it_no_longer_binds(tmp_path: Path) -> None:
    cap = rule(id="cap", where={"county": "b"}, at_most=10)
    rows = swept(two_counties(tmp_path, rules=[cap]), "rules.cap.at_most", 10, 90)
    assert column(rows, "rules.cap.at_most") == [10, 60, 90]
    assert column(rows, "price") == pytest.approx([0.4, 0, None])


def test_a_share_of_the_budget_is_a_right_hand_side(tmp_path: Path) -> None:
    share = {"share": "0.1", "of": "budget"}
    cap = rule(id="cap", where={"county": "b"}, at_most=share)
    rows = swept(two_counties(tmp_path, rules=[cap]), "rules.cap.at_most.share", "0.1", "0.9")
    # b gets 60 s coins, a the rest: 6 + 24 s jobs.
    assert column(rows, "worth") == pytest.approx([8.4, 27.6])
    assert column(rows, "price") == pytest.approx([24, None])


def test_the_numbers_of_a_rule_that_is_off_change_nothing_and_that_is_said(tmp_path: Path) -> None:
    cap = rule(id="cap", where={"county": "b"}, at_most=10, enabled=False)
    made = two_counties(tmp_path, rules=[cap])
    study = sweep_study(made, "rules.cap.at_most", (10, 60, None))
    assert column(rows_of(study), "worth") == [30, 30]
    assert "The rule Rule (cap) is switched off" in study.notes[-1].en
    vary = {"rules.cap.at_most": "10", "rules.cap.enabled": "true,false"}
    both = grid_study(made, vary, relax=True)
    assert [dict(zip(both.columns, row, strict=True))["worth"] for row in both.rows] == [10, 30]
    assert not any("switched off" in note.en for note in both.notes)


def test_the_price_has_the_sign_of_an_objective_that_counts_a_cost(tmp_path: Path) -> None:
    floor = rule(id="floor", at_least=10)
    cost = {"weights": {"jobs": -1}, "normalise": "none"}
    made = two_counties(tmp_path, rules=[floor], objective=cost)
    rows = swept(made, "rules.floor.at_least", 10, 60)
    # Money that must be spent above the tiers' reach costs nothing; within it, ordered tiers do.
    assert all(price <= 1e-9 for price in column(rows, "price")[:-1])


def test_both_ends_of_where_there_is_an_allocation_are_told(tmp_path: Path) -> None:
    rules = [rule(id="floor", at_least=20), rule(id="cap", at_most=50)]
    made = two_counties(tmp_path, budget=60, rules=rules)
    rows = swept(made, "rules.floor.at_least", 0, 80)
    assert column(rows, "status")[-2:] == ["optimal", "infeasible"]
    assert rows[-2]["rules.floor.at_least"] == pytest.approx(50)
    rows = swept(made, "budget", 1, 40)
    assert column(rows, "status")[0] == "infeasible"
    assert rows[1]["budget"] == pytest.approx(20)


def test_where_no_value_has_an_allocation_both_ends_say_so(tmp_path: Path) -> None:
    rules = [rule(id="floor", at_least=50), rule(id="cap", at_most=40)]
    rows = swept(two_counties(tmp_path, rules=rules), "budget", 50, 60)
    assert column(rows, "status") == ["infeasible", "infeasible"]


def test_a_coefficient_is_followed_by_a_grid_that_says_so(tmp_path: Path) -> None:
    share = rule(id="share", where={"county": "a"}, at_least={"share": "0.1", "of": "amount"})
    made = two_counties(tmp_path, rules=[share])
    study = sweep_study(made, "rules.share.at_least.share", ("0", "0.5", "0.1"))
    rows = rows_of(study)
    assert {row["method"] for row in rows} == {"grid"}
    assert column(rows, "rules.share.at_least.share") == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    # A share s of 60 coins goes to a: 30 − 24 s.
    assert column(rows, "worth") == pytest.approx([30 - 24 * s / 10 for s in range(6)])
    assert column(rows, "price")[:-1] == pytest.approx([-24] * 5)
    assert "this is a grid" in study.notes[0].en


def test_a_sweep_is_a_frame_with_its_notes(tmp_path: Path) -> None:
    frame = sweep(world(tmp_path, {"budget": 60}), "budget", low=10, high=50)
    assert list(frame.columns) == [
        *("budget", "worth", "jobs", "firms", "price", "spent", "method", "status", "why"),
    ]
    assert frame["price"].iloc[:2].tolist() == pytest.approx([0.5, 0.2])
    assert frame["price"].isna().iloc[-1]
    assert frame.attrs["unchanged"]["worth"] == pytest.approx(24)
    assert any("Exact along a right-hand side" in note for note in frame.attrs["notes"])


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((60, 50, None), "60 is not below 50"),
        ((50, 50, None), "50 is not below 50"),
        (("x", 50, None), "not 'x'"),
        ((50, 60, -1), "leads nowhere"),
        ((50, 60, 0), "leads nowhere"),
    ],
)
def test_an_interval_that_is_none_is_refused(tmp_path: Path, interval: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        sweep_study(world(tmp_path, {"budget": 60}), "budget", interval)


# ---- corners ----


def test_the_corners_of_any_concave_line_are_all_found_however_close() -> None:
    random_ = random.Random(7)
    for _ in range(200):
        count = random_.randint(1, 12)
        width = sorted(
            random_.choice([1e-4, 1, 50]) * random_.random() + 1e-4 for _ in range(count)
        )
        random_.shuffle(width)
        slopes = sorted(random_.sample(range(-40, 40), count), reverse=True)
        at = np.concatenate([[0.0], np.cumsum(width)])
        height = np.concatenate([[5.0], 5.0 + np.cumsum(np.array(slopes) * width)])

        def function(x: float, at: Any = at, height: Any = height, slopes: Any = slopes) -> Place:
            piece = min(int(np.searchsorted(at, x, side="right")) - 1, len(slopes) - 1)
            # At a corner a solver gives the slope of either side.
            if piece and x == at[piece] and random_.random() < 0.5:
                piece -= 1
            return Place(x, float(np.interp(x, at, height)), float(slopes[piece]))

        found = corners(function, 0.0, float(at[-1]))
        assert [corner.at for corner in found] == pytest.approx(at.tolist(), abs=1e-6)
        assert [corner.slope for corner in found] == pytest.approx([*slopes, None])


def test_a_function_with_no_end_of_corners_is_given_up() -> None:
    with pytest.raises(RuntimeError, match="no end of corners"):
        corners(lambda x: Place(x, -((x - 0.3) ** 2), -2 * (x - 0.3)), 0.0, 1.0)


# ---- the shipped scenario ----

LINEAR, FIRST = "linear", "@2020-first"
PATHS = [
    (LINEAR, "budget", 32600, 33000),
    (LINEAR, "rules.county-cap.at_most", 800, 1000),
    (LINEAR, "rules.county-floor.at_least", 55, 100),
    (FIRST, "rules.county-floor.at_least", 59, 63),
    (FIRST, "rules.jobs-target.at_least", 5995, 6030),
    ("@strict-tilt", "rules.deep-poverty-floor.at_least", 11200, 11500),
]


def variant_of(name: str) -> Scenario:
    """A shipped scenario; the first one without counts and lots as well."""
    if name != LINEAR:
        return load(f"{BASE}{name}")
    off = {f"rules.{one}.enabled": "false" for one in ("tasks-per-county", "funded-cells")}
    return load(f"{BASE}{FIRST}", set_={"lot": "null", **off})


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "path", "low", "high"), PATHS)
def test_between_corners_the_value_is_that_of_fresh_solves(
    variant: str, path: str, low: int, high: int
) -> None:
    scenario = variant_of(variant)
    rows = swept(scenario, path, low, high)
    at, worth, price = (column(rows, name) for name in (path, "worth", "price"))
    assert len(rows) > 3 and at == sorted(at)
    assert all(a > b for a, b in zip(price, price[1:-1], strict=False)), "concave"
    slopes = np.diff(worth) / np.diff(at)
    assert np.abs((slopes - price[:-1]) * np.diff(at)).max() < 1e-6
    random_ = random.Random(path)
    for _ in range(4):
        value = random_.randint(low, high)
        assert fresh(scenario, path, value) == pytest.approx(np.interp(value, at, worth), abs=2e-7)


@pytest.mark.slow
def test_prices_of_the_base_have_the_sign_of_what_is_asked(tmp_path: Path) -> None:
    scenario = variant_of(LINEAR)
    assert all(price > 0 for price in column(swept(scenario, "budget", 32900, 33100), "price")[:-1])
    stricter = column(swept(scenario, "rules.county-floor.at_least", 80, 100), "price")[:-1]
    assert all(price < 0 for price in stricter)


@pytest.mark.slow
def test_where_caps_of_cells_stand_in_links_the_sweep_is_a_bound_and_says_by_how_much() -> None:
    scenario = load(f"{BASE}{FIRST}")
    # The most of a task is a share of the budget, and caps its cells.
    study = sweep_study(scenario, "budget", (32980, 33020, None))
    rows = rows_of(study)
    at, worth = column(rows, "budget"), column(rows, "worth")
    for value in (32980, 33000, 33020):
        one = fresh(scenario, "budget", value)
        assert one is not None
        assert -1e-7 < np.interp(value, at, worth) - one < 1e-5
    over = float(np.interp(33000, at, worth)) - study.unchanged["worth"]  # type: ignore[operator]
    assert f"by {over:.1g}." in study.notes[-1].en
    assert over > 0
