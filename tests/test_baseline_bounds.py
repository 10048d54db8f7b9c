"""Bounds `of: baseline`: which table they refer to, what it moves with, where it is of no use."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from models.allocation import allocation_of_rows
from models.errors import InputError
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.baselines import baseline, kinds
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.problem import Problem, reference_of
from optimizer.study.sweep import sweep
from tests.books import LIMITS, heads, write_book
from tests.random_worlds import banded, checked, worlds
from tests.test_solve_random import check_by_brute_force, check_world
from tests.worlds import rule, world

PEOPLE = {"c": {"people": 600}, "a": {"people": 100}, "b": {"people": 305}}
"""Not in the order of their codes; 90 is no whole number of money units for any of them."""
FACTOR = {"kind": "factor", "factors": [{"weight": 1, "columns": ["people"]}]}
FLOOR = rule(
    id="low", per=["county"], at_least={"share": "0.6", "of": "baseline", "per": ["county"]}
)
CAP = rule(id="high", per=["county"], at_most={"times": "1.2", "of": "baseline", "per": ["county"]})


def bands(folder: Path, **keys: Any) -> Scenario:
    body = {"budget": 90, "rules": [FLOOR, CAP], "baseline": FACTOR, **keys}
    return world(folder, body, counties=PEOPLE)


def limits(scenario: Scenario) -> dict[tuple[str, str], Fraction | None]:
    empty = allocation_of_rows([[0, 0]] * 3)
    found = audit(scenario, empty).findings
    named = [one for one in found if one.rule in ("low", "high")]
    return {(one.rule, one.key[0][1]): one.lower or one.upper for one in named}


def test_a_band_is_exactly_its_share_of_the_whole_unit_table(tmp_path: Path) -> None:
    """90 × 100 / 1005 / 2 = 4.48, then 13.66 and 26.87: the table holds twice 4, 14 and 27."""
    found = limits(bands(tmp_path))
    assert found["low", "a"] == Fraction(24, 5) and found["high", "a"] == Fraction(48, 5)
    assert found["low", "b"] == Fraction(84, 5) and found["low", "c"] == Fraction(162, 5)


def test_the_reference_budget_holds_the_table_while_the_budget_moves(tmp_path: Path) -> None:
    held = bands(tmp_path / "held", reference_budget=90)
    moving = bands(tmp_path / "moving")
    assert limits(held) == limits(moving)
    assert limits(held.replace(budget=45)) == limits(held)
    halved = limits(moving.replace(budget=45))
    assert halved == limits(moving.with_budget(45)) != limits(moving)
    # The yardstick of the objective stays that of the budget.
    here, there = (reference_of(one.replace(budget=45)) for one in (held, moving))
    assert here.outcomes == there.outcomes


def test_both_orders_of_counties_give_the_same_limits(tmp_path: Path) -> None:
    scenario = bands(tmp_path)
    assert limits(Problem.of(scenario).scenario) == limits(scenario)
    assert solve(scenario).audit.broken == ()


def test_the_table_is_made_once_for_many_audits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, made = bands(tmp_path), []
    monkeypatch.setattr(kinds, "baseline", lambda one: made.append(one) or baseline(one))
    before = limits(scenario)
    assert [limits(scenario) for _ in range(3)] == [before] * 3
    eased = scenario.with_rule(scenario.rules[0].model_copy(update={"enabled": False}))
    assert ("low", "a") not in limits(eased)
    assert len(made) == 1


def test_a_band_bounds_each_cell_and_its_row_holds_the_money_alone(tmp_path: Path) -> None:
    """1.2 × 8, 28 and 54 of baseline, in whole units, are the most of a cell."""
    scenario = Problem.of(bands(tmp_path)).scenario
    model = formulate(scenario, reference_of(scenario).points)
    assert np.array_equal(model.upper[model.grid.amount], np.repeat([9.0, 33.0, 64.0], 2))
    limit = model.limit("high")
    assert set(np.diff(model.matrix.indptr)[limit.rows]) == {1}


def test_a_number_of_a_band_is_set_and_swept_like_any_other(tmp_path: Path) -> None:
    scenario = bands(tmp_path)
    tighter = scenario.replace(rules={"low": {"at_least": {"share": "0.9"}}})
    assert limits(tighter)["low", "a"] == Fraction(36, 5)
    swept = sweep(scenario, "rules.low.at_least.share", low="0.2", high=1)
    assert set(swept["method"]) == {"exact"}


def test_a_budget_that_moves_the_bands_is_no_straight_line(tmp_path: Path) -> None:
    """Along the budget the table moves in whole units, so that corners between would be wrong."""
    moving, held = bands(tmp_path / "a"), bands(tmp_path / "b", reference_budget=90)
    found = [sweep(one, "budget", low=85, high=95) for one in (moving, held)]
    assert [set(one["method"]) for one in found] == [{"grid"}, {"exact"}]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"rules": [rule(measure="cells", at_most={"times": 2, "of": "baseline"})]}, "not cells"),
        ({"baseline": {"kind": "greedy"}}, "moves with the weights"),
        ({"reference_budget": 0}, "whole number of money units above zero"),
        ({"reference_budget": 5, "outside": [{"code": "x", "name": "X", "amount": 6}]}, "below"),
        ({"rules": [{**FLOOR, "per": []}]}, "per of a bound"),
    ],
)
def test_what_a_band_cannot_refer_to_is_refused(
    tmp_path: Path, keys: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        bands(tmp_path, **keys)


def test_a_table_has_its_own_money(tmp_path: Path) -> None:
    rows = [[county, task, 5] for county in PEOPLE for task in ("road", "school")]
    programme = {"baseline": {"kind": "table", "file": "baseline.csv"}}
    body: dict[str, Any] = {"budget": 90, "rules": [FLOOR]}
    parts: dict[str, Any] = {"counties": PEOPLE, "baseline": rows, "programme": programme}
    assert limits(world(tmp_path / "a", body, **parts))["low", "a"] == 6
    with pytest.raises(InputError, match="has its own money"):
        world(tmp_path / "b", {**body, "reference_budget": 50}, **parts)


def test_the_workbook_takes_the_limits_from_the_baselines_own_cells(tmp_path: Path) -> None:
    """The table's numbers stand in the sheet of workings: who changes them moves the band."""
    jobs = rule(id="jobs", measure="jobs", at_least={"share": 1, "of": "baseline"})
    scenario = bands(tmp_path, rules=[FLOOR, jobs])
    path = write_book(tmp_path / "book.xlsx", scenario, [[30, 20], [4, 4], [15, 17]])
    limits, workings = (openpyxl.load_workbook(path)[name] for name in (LIMITS["zh"], "测算"))
    lower = heads(limits)[1]["下限"]
    written = [row[lower - 1].value for row in limits.iter_rows(min_row=5)]
    kept = [text for text in written if "测算" in str(text)]
    assert len(kept) == 4
    at = str(kept[0]).split("!")[1].split(")")[0]
    assert str(kept[0]).startswith("=(3*") and str(kept[0]).endswith("/5")
    assert str(workings[at].value).startswith("=SUM(")
    titles = [cell.value for row in workings.iter_rows(max_row=4) for cell in row]
    assert "因素法基准：安排数（coins）" in titles


@pytest.mark.slow
def test_random_worlds_with_a_band_are_solved_and_kept() -> None:
    made = banded(worlds(counties=4, tasks=3))
    checked(40, made, check_world, {"solved": 0.2})


@pytest.mark.slow
def test_brute_force_finds_nothing_better_under_a_band() -> None:
    made = banded(worlds(counties=2, tasks=2, budget=5, rules=2))
    checked(80, made, check_by_brute_force, {"solved": 0.2})
