"""What a notebook shows of a scenario, a solution and their parts: a few lines, no flood."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from models.allocation import allocation_of_rows
from models.exact import short_text
from models.scenario import Scenario
from models.solution import Solution
from optimizer.audit import audit
from tests.by_hand import by_hand, compared
from tests.worlds import rule, world

METRICS = [{"id": "jobs", "title": "Jobs", "unit": "people", "target": 17}]
RULES = [
    rule(id="cap", per=["county", "task"], at_most=15),
    rule(id="floor", at_least=10),
    rule(id="unread", at_most=41, basis="clause", clause={"document": "Act"}),
    rule(id="wish", at_least=50, soft={"price": 1}),
    rule(id="off", at_least=40, enabled=False),
]
NOTE = {"zh": "反推", "en": "Fitted to the targets."}


def scenario(folder: Path) -> Scenario:
    calibrations = {"tiers": None, "calibrations": {"norm": {"tiers": "tiers.csv", "note": NOTE}}}
    programme = {"metrics": METRICS, **calibrations}
    return world(folder, {"budget": 50, "rules": RULES}, programme=programme)


def solution(folder: Path) -> Solution:
    return by_hand(scenario(folder), [[20, 0], [10, 11]], [[1, 1], [1, 1]])


def test_a_solution_shows_status_money_outcomes_and_rules(tmp_path: Path) -> None:
    assert repr(solution(tmp_path)).splitlines() == [
        "Solution of scenario: feasible, within 13% of the solver's bound, to its tolerance",
        "  calibration norm",
        "              反推",
        "              Fitted to the targets.",
        "  money       41 of 50 spent, 3 of 4 cells funded",
        "  jobs        17.2 people (target 17, baseline 2)",
        "  broken      cap",
        "  bent        wish",
        "  binding     unread",
        "  not read    unread",
    ]


def test_a_solution_without_a_bound_says_so(tmp_path: Path) -> None:
    rows = [[10, 0], [10, 0]]
    shown = repr(by_hand(scenario(tmp_path), rows, rows, gap=None, bound_solver=None))
    assert "feasible, no bound" in shown
    assert "  broken      none" in shown


def test_a_scenario_shows_its_budget_rules_and_changes(tmp_path: Path) -> None:
    changed = scenario(tmp_path).replace(budget=45)
    assert repr(changed).splitlines() == [
        "Scenario scenario: Test",
        "  programme   world, 2 counties × 2 tasks for jobs",
        "  budget      45 (coins)",
        "  rules       4 in force, 1 switched off",
        "  calibration norm",
        "              反推",
        "              Fitted to the targets.",
        "  changed     replace {'budget': 45}",
    ]


def test_an_audit_names_what_it_found_broken(tmp_path: Path) -> None:
    held = scenario(tmp_path)
    shown = repr(audit(held, allocation_of_rows([[60, 0], [0, 0]])))
    assert shown.startswith("Audit: 3 of 9 limits broken\n")
    assert "60 spent, 10 over the budget" in shown
    assert "  broken      budget, cap, unread" in shown


def test_a_comparison_says_how_much_moved(tmp_path: Path) -> None:
    theirs = compared(scenario(tmp_path), [[10, 0], [0, 0]])
    assert repr(theirs).startswith("Comparison\nAudit: ")


def test_no_part_of_a_solution_floods_the_screen(tmp_path: Path) -> None:
    found = solution(tmp_path)
    programme = found.scenario.programme
    parts = [programme, found.scenario.tiers, programme.counties, found.allocation]
    assert [repr(part) for part in parts] == [
        "Programme world, 2 counties × 2 tasks for jobs",
        "Tiers of 2 × 2 cells, at most 2 each; metrics: 1",
        "Table of 2 rows by county: people",
        "Allocation of 41 money units in 3 of 4 cells",
    ]


@pytest.mark.parametrize(
    ("value", "beside", "shown"),
    [
        ("1234.5", None, "1,234.5"),
        ("6000", "6000", "6,000"),
        ("5999.96", "6000", "5,999.96"),
        ("6000.0002", "6000", "6,000.0002"),
        ("4290.27", "1000", "4,290.3"),
        ("-0.5", None, "-0.5"),
    ],
)
def test_a_number_near_its_target_never_reads_as_the_target(
    value: str, beside: str | None, shown: str
) -> None:
    assert short_text(Fraction(value), Fraction(beside) if beside else None) == shown
