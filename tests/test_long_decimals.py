"""Rules with long decimals: what can be kept is found, in whole units and in parts of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.errors import InfeasibleError
from models.exact import exact_text
from models.scenario import Scenario
from optimizer.decision import solve
from optimizer.records import read_record
from optimizer.strategies import Units
from reports.record_writer import write_record
from tests.worlds import rule, world

LONG = "128130.35999999999"
TIERS = [
    ["a", "road", 1, 100_000, "0.5", "0.1"],
    ["a", "road", 2, 900_000, "0.3", "0.1"],
    ["a", "school", 1, 50_000, "0.4", "0.2"],
    ["b", "road", 1, 200_000, "0.2", "0.15"],
    ["b", "school", 1, 1_000_000, "0.1", "0.05"],
]


def scenario(folder: Path, *rules: dict[str, Any], budget: int = 300_000) -> Scenario:
    named = [{**one, "id": f"r{at}"} for at, one in enumerate(rules)]
    return world(folder, {"budget": budget, "rules": named}, tiers=TIERS)


RULES = {
    "a cap": [rule(per="county", at_most=LONG)],
    "an equality": [rule(where={"county": "a"}, equal=LONG, within=1)],
    "a share": [
        rule(where={"county": "a"}, at_most={"share": "0.33333333333333333", "of": "amount"})
    ],
    "a floor under a cap": [
        rule(where={"county": "a"}, at_most=LONG),
        rule(where={"county": "b"}, at_least="171869.64000000001"),
    ],
    "a target": [rule(measure="firms", at_least="36000.000000000001")],
    "caps of outcomes": [
        rule(measure="jobs", per="county", at_most="33333.333333333333333"),
        rule(
            measure="firms",
            where={"county": "a"},
            at_least={"share": "0.6180339887", "of": "firms"},
        ),
    ],
    "a share of itself beside a cap": [
        rule(at_least={"share": 1, "of": "amount"}),
        rule(per="county", at_most=LONG),
    ],
    "by heads": [rule(where={"county": "a"}, per_head="people", at_most="333.33333333333331")],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_many_digits_is_kept_by_whole_units(tmp_path: Path, name: str) -> None:
    found = solve(scenario(tmp_path, *RULES[name]), repaired=False)
    assert not found.audit.broken


@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_many_digits_is_met_to_its_last_by_parts_of_units(
    tmp_path: Path, name: str
) -> None:
    found = solve(scenario(tmp_path, *RULES[name]), units="continuous", repaired=False)
    assert not found.audit.broken
    hair = Fraction(1, 10**7)
    assert not [one for one in found.audit.findings if 0 < one.slack < hair]


def test_an_equality_of_many_digits_is_met_exactly(tmp_path: Path) -> None:
    found = solve(scenario(tmp_path, rule(where={"county": "a"}, equal=LONG)), units="continuous")
    spent = {one.rule: one.value for one in found.audit.findings}
    assert spent["r0"] == Fraction(LONG)


def test_targets_above_all_that_whole_units_reach_are_in_conflict(tmp_path: Path) -> None:
    """10,000 in the best cell yield 5,000 jobs; the hair above is 0.1 jobs in whole money."""
    more = rule(measure="jobs", at_least="5000.000000000001")
    with pytest.raises(InfeasibleError):
        solve(scenario(tmp_path, more, budget=10_000), repaired=False)


def test_a_conflict_by_a_hair_is_proved_in_parts_of_units_too(tmp_path: Path) -> None:
    most, least = "100000.000000000001", "100000.000000000002"
    rules = [rule(measure="jobs", at_most=most), rule(measure="jobs", at_least=least)]
    with pytest.raises(InfeasibleError):
        solve(scenario(tmp_path, *rules), units="continuous", repaired=False)


def test_a_conflict_by_a_hair_with_a_lock_is_proved(tmp_path: Path) -> None:
    """40,000 locked in the best cell yield 20,000 jobs."""
    lock = {"county": "a", "task": "road", "amount": 40_000}
    least = rule(measure="jobs", where={"county": "a", "task": "road"}, at_least="20000.0000000001")
    body = {"budget": 300_000, "locks": [lock], "rules": [least]}
    with pytest.raises(InfeasibleError):
        solve(world(tmp_path, body, tiers=TIERS), units="continuous", repaired=False)


@pytest.mark.parametrize("units", ["whole", "continuous"])
def test_what_falls_short_by_a_hair_wherever_it_is_funded_is_left_without(
    tmp_path: Path, units: Units
) -> None:
    """In all, a can have 100,000 × 0.5 + 200,000 × 0.3 + 0 jobs: a hair less than if funded."""
    least = rule(
        measure="jobs",
        where={"county": "a"},
        per="county",
        at_least="110000.000000000001",
        if_funded=True,
    )
    barred = {"where": {"task": "school"}, "reason": "no"}
    body = {"budget": 300_000, "ineligible": [barred], "rules": [least]}
    found = solve(world(tmp_path, body, tiers=TIERS), units=units, repaired=False)
    assert not found.audit.broken
    assert 39_999 < found.objective <= 40_000


def test_whole_tables_that_break_a_rule_by_a_hair_cost_none_that_just_keeps_it(
    tmp_path: Path,
) -> None:
    """Only three coins in a's road make three firms: each in b's makes a hair less, but a job."""
    tiers = [
        ["a", "road", 1, 3, "0", "1"],
        ["b", "road", 1, 3, "1", "99999999/100000000"],
    ]
    body = {"budget": 3, "rules": [rule(measure="firms", at_least=3)]}
    found = solve(world(tmp_path, body, tiers=tiers), repaired=False)
    assert not found.audit.broken
    assert found.allocation.amounts[0].tolist() == [3, 0]


def test_a_record_of_amounts_of_many_digits_is_read_again(tmp_path: Path) -> None:
    share = {"share": "0.6180339887123457", "of": "firms"}
    rules = [
        rule(measure="jobs", per="county", at_most="33333.333333333333333"),
        rule(measure="firms", where={"county": "a"}, at_least=share),
        rule(
            where={"county": "a"},
            per_head="people",
            at_most={"times": "1.23456789012345678", "of": "amount"},
        ),
    ]
    found = solve(scenario(tmp_path, *rules), units="continuous", repaired=False)
    texts = [exact_text(Fraction(one)) for one in found.allocation.amounts.ravel()]
    assert max(map(len, texts)) > 60
    write_record(found, tmp_path / "record")
    assert read_record(tmp_path / "record").allocation == found.allocation
