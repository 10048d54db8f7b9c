"""Ranges against a linear program written out by hand and against all tables counted out."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from models.allocation import allocation_of_rows
from models.objective import objective_of
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.problem import reference_of
from optimizer.sensitivity.near_optimal import Ranges, ranges
from tests.worlds import rule, world

# Jobs a coin in the first 10 and in the next 20 coins of each cell, (county, task) by (county,
# task): a road, a school, b road, b school, c road, c school.
YIELDS = [(0.7, 0.3), (0.5, 0.2), (0.6, 0.3), (0.4, 0.1), (0.2, 0.1), (0.3, 0.2)]
BUDGET = 70


def linear(folder: Path) -> Scenario:
    """No lots and no counts: a linear program. The soft cap on a gives way at 0.25 a coin."""
    rules = [
        rule(id="floor", per=["county"], at_least=8),
        rule(id="roads", where={"task": "road"}, at_most={"share": "0.5", "of": "amount"}),
        rule(id="a-soft", where={"county": "a"}, at_most=15, soft={"price": "0.25"}),
        rule(id="b-cap", where={"county": "b"}, at_most=26),
    ]
    cells = itertools.product("abc", ("road", "school"))
    tiers = [
        [*cell, k, width, str(rate), "0"]
        for cell, rates in zip(cells, YIELDS, strict=True)
        for k, (width, rate) in enumerate(zip((10, 20), rates, strict=True), start=1)
    ]
    counties = {code: {"people": 100} for code in "abc"}
    return world(folder, {"budget": BUDGET, "rules": rules}, counties=counties, tiers=tiers)


class ByHand:
    """The same as columns: two tiers and what lies above them in each of six cells, and by how much
    the soft cap gives way."""

    def __init__(self) -> None:
        self.money = np.zeros((6, 19))
        for cell in range(6):
            self.money[cell, 3 * cell : 3 * cell + 3] = 1
        self.points = np.zeros(19)
        self.points[18] = -0.25
        for cell, rates in enumerate(YIELDS):
            self.points[3 * cell : 3 * cell + 2] = rates
        a, b, c = (self.money[2 * at] + self.money[2 * at + 1] for at in range(3))
        roads, total = self.money[[0, 2, 4]].sum(axis=0), self.money.sum(axis=0)
        gives = np.zeros(19)
        gives[18] = 1
        self.rows = [total, -a, -b, -c, roads - 0.5 * total, a - gives, b]
        self.most: list[float] = [BUDGET, -8, -8, -8, 0, 15, 26]
        self.ends = [(0, 10), (0, 20), (0, None)] * 6 + [(0, None)]

    def best(self, cost: Any, floor: float | None = None) -> float:
        """The most of cost × columns, with at least so many points."""
        rows, most = list(self.rows), list(self.most)
        if floor is not None:
            rows, most = [*rows, -self.points], [*most, -floor]
        found = linprog(-np.asarray(cost), A_ub=np.array(rows), b_ub=most, bounds=self.ends)
        assert found.status == 0
        return -float(found.fun)


@pytest.mark.parametrize("within", [0.0, 0.02, 0.1, 0.4])
def test_both_ends_are_those_of_the_linear_program(tmp_path: Path, within: float) -> None:
    found, hand = ranges(linear(tmp_path), within=within), ByHand()
    best = hand.best(hand.points)
    assert found.is_exact and found.best == pytest.approx(best, rel=1e-6)
    blocks = [[0, 1], [2, 3], [4, 5], [0, 2, 4], [1, 3, 5]]
    for row, cells in zip(found.rows, blocks, strict=True):
        money = hand.money[cells].sum(axis=0)
        low, high = (sign * hand.best(sign * money, found.floor) for sign in (-1, 1))
        assert (row.low, row.high) == pytest.approx((low, high), abs=1e-3), row.id
        assert row.inner == pytest.approx((low, high), abs=1e-3)
        free = [sign * hand.best(sign * money, best * (1 - 1e-9)) for sign in (-1, 1)]
        assert row.at_no_cost == pytest.approx(tuple(free), abs=1e-3)


# ---- lots and counts: the cells that are funded, and all tables of the others ----


def tables(scenario: Scenario, found: Ranges, most: int) -> list[tuple[list[int], bool]]:
    """(money of each county and task, whether the funded cells are those found) of every whole
    table that keeps the rules near the best."""
    points, near = reference_of(scenario).points, []
    lot = int(scenario.lots()[0])
    for money in itertools.product((0, *range(lot, most + 1)), repeat=4):
        if sum(money) > scenario.budget:
            continue
        read = audit(scenario, allocation_of_rows([money[:2], money[2:]]))
        worth = float(objective_of(read, points) - read.penalty)
        if not read.broken and worth >= found.floor - 1e-9:
            a, b, c, d = money
            same = tuple(one > 0 for one in money) == found.funded
            near.append(([a + b, c + d, a + c, b + d], same))
    return near


def two_tiers(rates: dict[str, tuple[str, str]]) -> list[list[Any]]:
    """Tiers of 4 and 6 coins in each county's cells."""
    return [
        [county, task, k, width, rate, "0"]
        for county, pair in rates.items()
        for task in ("road", "school")
        for k, (width, rate) in enumerate(zip((4, 6), pair, strict=True), start=1)
    ]


@pytest.mark.parametrize("within", [0.0, 0.1, 0.3])
def test_what_whole_tables_reach_lies_between_the_ends_and_up_to_the_inner_ones(
    tmp_path: Path, within: float
) -> None:
    """Ten coins, 3 at least in a funded cell, three cells at most; b's coins bring less."""
    rules = [rule(id="cells", measure="cells", at_most=3)]
    rules.append(rule(id="b", where={"county": "b"}, at_least=3))
    body = {"budget": 10, "lot": 3, "rules": rules}
    tiers = two_tiers({"a": ("0.5", "0.3"), "b": ("0.4", "0.2")})
    scenario = world(tmp_path, body, tiers=tiers)
    found = ranges(scenario, within=within)
    near = tables(scenario, found, 10)
    same = [money for money, is_same in near if is_same]
    assert same
    for at, row in enumerate(found.rows):
        every, mine = [money[at] for money, _ in near], [money[at] for money in same]
        assert row.low - 1e-6 <= min(every) and max(every) <= row.high + 1e-6
        assert row.inner is not None and row.at_no_cost is not None
        # Money in parts reaches as far as whole coins and less than one coin further.
        assert -1e-6 <= min(mine) - row.inner[0] < 1 and -1e-6 <= row.inner[1] - max(mine) < 1
        assert row.low - 1e-6 <= row.inner[0] and row.inner[1] <= row.high + 1e-6


def test_what_moves_at_no_cost_is_not_what_moves_near_the_best(tmp_path: Path) -> None:
    """8 coins in two cells of 3 or more, one in each county: 5 at 0.5 and 3 at 0.4. A tenth below
    3.7, one coin may move from a to b, or be left over."""
    rules = [rule(id="one", measure="cells", per=["county"], equal=1, within=0)]
    tiers = [["a", t, 1, 10, "0.5", "0"] for t in ("road", "school")]
    tiers += [["b", t, 1, 10, "0.4", "0"] for t in ("road", "school")]
    scenario = world(tmp_path, {"budget": 8, "lot": 3, "rules": rules}, tiers=tiers)
    a, b, *_ = ranges(scenario, within=0.1).rows
    assert (a.now, b.now) == pytest.approx((5, 3))
    assert a.at_no_cost == pytest.approx((5, 5), abs=1e-6)
    assert b.at_no_cost == pytest.approx((3, 3), abs=1e-6)
    assert a.inner is not None and a.inner[0] < 4.5 and not a.is_free


def test_where_tiers_must_be_held_in_their_order_nothing_is_said_of_inner_ends(
    tmp_path: Path,
) -> None:
    """A coin of a's first tier costs 0.3 more: unordered, money would seem to skip it."""
    metrics = [{"id": name, "title": name, "unit": name} for name in ("jobs", "cost")]
    tiers = [
        [county, task, k, 4, "0.5", cost]
        for county, first in (("a", "1"), ("b", "0"))
        for task in ("road", "school")
        for k, cost in ((1, first), (2, "0"))
    ]
    body = {
        "budget": 10,
        "lot": 2,
        "rules": [rule(id="cells", measure="cells", at_most=3)],
        "objective": {"weights": {"jobs": 1, "cost": "-0.3"}, "normalise": "none"},
    }
    scenario = world(tmp_path, body, tiers=tiers, programme={"metrics": metrics})
    found = ranges(scenario, within=0.2)
    assert [(row.inner, row.at_no_cost) for row in found.rows] == [(None, None)] * 4
    for at, row in enumerate(found.rows):
        money = [money[at] for money, _ in tables(scenario, found, 10)]
        assert row.low - 1e-6 <= min(money) and max(money) <= row.high + 1e-6
