"""`no_idle`: no money in a cell beyond its last tier, where it yields nothing."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from models.allocation import allocation_of_rows
from models.errors import InfeasibleError, InputError
from models.metadata import read_labels
from models.remedies import change_text
from models.scenario import Scenario, load
from models.sentences import sentence_of
from optimizer.audit import audit
from optimizer.audit.certify import certify
from optimizer.audit.idle_money import idle_money
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.infeasibility.diagnose import diagnose
from optimizer.problem import reference_of
from reports.catalogue import Words
from reports.view.rule_view import RuleView, rule_grid
from tests.random_worlds import checked, worlds
from tests.test_rows import agree, tables
from tests.test_solve_random import check_by_brute_force
from tests.worlds import rule, world, write_world

FLAT = [
    *(["a", "road", 1, 10, "0.5"], ["a", "road", 2, 5, "0.1"], ["a", "road", 3, 50, "0"]),
    *(["a", "school", 1, 8, "0"], ["a", "school", 2, 4, "0.2"]),
    ["b", "road", 1, 20, "0.3"],
]
"""a's road ceases to yield after 15; its school begins only after 8; b's school never yields."""
ONE_METRIC = {"metrics": [{"id": "jobs", "title": "Jobs", "unit": "people"}]}


def flat(folder: Path, **keys: Any) -> Scenario:
    tiers = keys.pop("tiers", FLAT)
    return world(
        folder, {"budget": 100, "no_idle": True, **keys}, tiers=tiers, programme=ONE_METRIC
    )


def test_a_cell_ends_where_its_last_tier_with_any_rate_does(tmp_path: Path) -> None:
    scenario = flat(tmp_path)
    assert scenario.tiers.ends.tolist() == [[15, 12], [20, 0]]
    model = formulate(scenario, reference_of(scenario).points)
    assert model.upper[model.grid.amount].tolist() == [15.0, 12.0, 20.0, 0.0]
    solution = solve(scenario)
    assert solution.audit.broken == () and solution.audit.unspent == 53
    assert solution.allocation.amounts.tolist() == [[15, 12], [20, 0]]


def test_without_it_the_rest_may_stand_anywhere(tmp_path: Path) -> None:
    due = rule(at_least=80)
    scenario = flat(tmp_path, no_idle=False, rules=[due])
    assert solve(scenario).audit.spent >= 80
    with pytest.raises(InfeasibleError):
        solve(scenario.replace(no_idle=True))


def test_diagnose_offers_to_give_it_up(tmp_path: Path) -> None:
    said = diagnose(flat(tmp_path, rules=[rule(at_least=80)]))
    settings_ = {one.setting for one in said.alone}
    assert "no_idle=false" in settings_
    one = next(one for one in said.alone if one.setting == "no_idle=false")
    text = change_text(flat(tmp_path), one)
    assert text.zh == "“不安排无产出的资金”（no-idle）：不作此要求"
    assert text.en == "No money where it yields nothing (no-idle): no longer asked for"


def test_a_lock_stands_for_itself(tmp_path: Path) -> None:
    locked = flat(tmp_path, locks=[{"county": "b", "task": "school", "amount": 7}])
    solution = solve(locked)
    assert solution.audit.broken == ()
    assert solution.allocation.amounts.tolist() == [[15, 12], [20, 7]]
    more = audit(locked, allocation_of_rows([[0, 0], [0, 8]]))
    assert more.broken_rules == ("locks", "no-idle")


def test_a_fund_without_a_response_has_none_and_says_why(tmp_path: Path) -> None:
    none = [[county, task, 1, 10, 0] for county in "ab" for task in ("road", "school")]
    scenario = flat(tmp_path, tiers=none)
    table = allocation_of_rows([[50, 0], [0, 50]])
    audited = audit(scenario, table)
    assert audited.broken == () and "no-idle" not in {one.rule for one in audited.findings}
    assert "没有效益分档" in sentence_of("no-idle", scenario, "zh")
    view = RuleView(scenario, read_labels(scenario.programme), Words("en"))
    said = [line.cells[:2] for line in rule_grid(view, audited).lines]
    assert (
        "No money where it yields nothing",
        "void (the fund has no response)",
    ) in said
    model = formulate(scenario, reference_of(scenario).points)
    assert np.all(model.upper[model.grid.amount] == 100.0)


def test_it_has_grounds_like_the_budget(tmp_path: Path) -> None:
    why = {"basis": "practice", "reason": {"zh": "节约", "en": "thrift"}}
    for number, key in enumerate(("no_idle", "no-idle")):
        scenario = flat(tmp_path / str(number), grounds={key: why})
        assert scenario.spec.grounds["no-idle"].reason.zh == "节约"
    with pytest.raises(InputError, match="unknown reserved finding 'no-idel'"):
        flat(tmp_path / "x", grounds={"no-idel": why})


def test_the_certificate_names_it_as_the_cap_of_a_cell(tmp_path: Path) -> None:
    scenario = flat(tmp_path, objective={"weights": {"jobs": 1}, "normalise": "none"})
    proof = certify(scenario, reference_of(scenario).points, [])
    assert {(one.cap, one.cap_rule) for one in proof.cells} == {
        *((Fraction(end), "no-idle") for end in (15, 12, 20, 0))
    }
    assert proof.bound == Fraction(5 + Fraction(1, 2)) + Fraction(4, 5) + 6


def test_what_is_left_is_told_to_be_left_because_of_it(tmp_path: Path) -> None:
    """b's road would take a lot of 25, of which 5 would yield nothing."""
    scenario = flat(tmp_path, lot=25)
    table = allocation_of_rows([[0, 0], [0, 0]])
    points = reference_of(scenario).points
    found = idle_money(scenario, table, audit(scenario, table), points, whole=True)
    assert found.rules == ("no-idle",) and found.free == 0


_SMALL = worlds(counties=3, tasks=2, budget=40, rules=2)


def without_idle(parts: dict[str, Any]) -> dict[str, Any]:
    return {**parts, "scenario": {**parts["scenario"], "no_idle": True}}


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(_SMALL.map(without_idle))
def test_the_model_says_of_every_table_what_the_audit_says(parts: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load(write_world(Path(folder), **parts))
        except InputError:
            return
    model = formulate(scenario, reference_of(scenario).points)
    for table in tables(scenario, 6):
        agree(scenario, model, table)


@pytest.mark.slow
def test_brute_force_finds_nothing_better_without_idle_money() -> None:
    made = worlds(counties=2, tasks=2, budget=5, rules=2).map(without_idle)
    checked(60, made, check_by_brute_force, {"solved": 0.2})
