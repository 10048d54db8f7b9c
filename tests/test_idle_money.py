"""Why money is left: worked by hand, and held against adding to every cell of small programmes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.allocation import allocation_of_rows
from models.objective import metric_values, objective_of
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.audit.idle_money import IdleMoney, idle_money
from optimizer.decision import solve
from reports.catalogue import Words
from reports.documents.solution_page import solution_page
from reports.terminal import render
from tests.worlds import rule, world

JOBS = {"weights": {"jobs": 1}, "normalise": "none"}


def why(scenario: Scenario, rows: list[list[Any]], whole: bool = True) -> IdleMoney:
    table = allocation_of_rows(rows)
    points = metric_values(scenario, {})
    return idle_money(scenario, table, audit(scenario, table, whole=whole), points, whole=whole)


def small(folder: Path, *rules: dict[str, Any], **more: Any) -> Scenario:
    return world(folder, {"budget": 60, "objective": JOBS, "rules": [*rules], **more})


@pytest.mark.parametrize(
    "stops",
    [
        rule(id="r", at_most=40),
        rule(id="r", at_most="40.5"),
        rule(id="r", measure="jobs", at_most=14),
        rule(id="r", measure="cells", at_most=2),
    ],
)
def test_the_rule_that_stops_each_cell_is_named(tmp_path: Path, stops: dict[str, Any]) -> None:
    """a and b have 20 for roads each: what is stopped is 1 more, or 1 in a cell that has none."""
    rows = [[30, 0], [30, 0]] if stops.get("measure") == "cells" else [[20, 0], [20, 0]]
    found = why(small(tmp_path, stops, budget=70), rows)
    assert found == IdleMoney(("r",), 0)


def test_less_than_a_lot_is_left(tmp_path: Path) -> None:
    """The roads have all that yields anything; a school would take 5, and 4 are left."""
    assert why(small(tmp_path, budget=64, lot=5), [[30, 0], [30, 0]]) == IdleMoney(("lot",), 0)


def test_no_more_is_gained_anywhere(tmp_path: Path) -> None:
    assert why(small(tmp_path, budget=130), [[30, 30], [30, 30]]) == IdleMoney((), 0)


def test_what_a_search_left_open_is_counted(tmp_path: Path) -> None:
    cap = rule(id="cap", where={"county": "b"}, at_most=20)
    found = why(small(tmp_path, cap), [[20, 0], [20, 0]])
    assert found == IdleMoney(("cap",), 2)


def test_parts_of_a_unit_are_asked_for_where_money_may_be_in_parts(tmp_path: Path) -> None:
    """Half a unit of room stops a whole unit, and not a part."""
    cap = rule(id="cap", at_most="40.5")
    assert why(small(tmp_path, cap), [[20, 0], [20, 0]], whole=False).free == 4
    full = why(small(tmp_path, cap), [[20, 0], [Fraction("20.5"), 0]], whole=False)
    assert full == IdleMoney(("cap",), 0)


@pytest.mark.parametrize("units", ["whole", "exact", "continuous"])
def test_what_is_named_stops_every_cell_that_would_gain(tmp_path: Path, units: Any) -> None:
    cap = rule(id="cap", title="Cap", at_most="33.4", where={"task": "road"})
    schools = {"where": {"task": "school"}, "at_most": 1}
    few = rule(id="few", title="Few", measure="cells", **schools)
    scenario = small(tmp_path, cap, few, budget=90)
    solution = solve(scenario, units=units, repaired=False)
    text = render(solution_page(solution, Words("en")), 200)
    assert solution.audit.unspent > 0
    assert "a limit stops it: Few; Cap" in text or "a limit stops it: Cap; Few" in text
    points = metric_values(scenario, {})
    now = objective_of(solution.audit, points)
    by = Fraction(1) if units != "continuous" else Fraction(1, 1000)
    for cell in ((0, 0), (0, 1), (1, 0), (1, 1)):
        rows = solution.allocation.amounts.copy()
        rows[cell] += by
        richer = audit(scenario, allocation_of_rows(rows), whole=False)
        gains = objective_of(richer, points) > now
        stopped = {"cap", "few"} & set(richer.broken_rules)
        assert not gains or stopped or (units == "continuous" and "more would fit" in text)


def test_no_reason_stands_beside_nothing_unspent(tmp_path: Path) -> None:
    """A ten-millionth of a unit is shown as 0, and nothing is said of it."""
    scenario = small(tmp_path, rule(id="cap", at_most="59.9999999"), budget=60)
    solution = solve(scenario, units="continuous", repaired=False)
    assert 0 < solution.audit.unspent < Fraction("0.000001")
    text = render(solution_page(solution, Words("en")), 200)
    assert "unspent 0.00" in text and "Why money is unspent" not in text
