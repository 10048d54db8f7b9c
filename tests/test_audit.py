"""The audit as a whole: order, refusals, exactness, and what holds for any allocation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.allocation import Allocation, allocation_of_rows
from models.errors import InputError
from models.finding import Audit, Finding
from models.scenario import Scenario
from models.table import Table
from models.tiers import LARGEST_RATE, Tiers
from optimizer.audit import audit
from optimizer.audit.measure import read_measures
from tests.worlds import rule, world

COUNTIES = {
    "a": {"area": "hill", "poor": True, "people": 100, "due": 3},
    "b": {"area": "hill", "poor": False, "people": 300, "due": 5},
    "c": {"area": "plain", "poor": False, "people": 700, "due": 7},
}
TASKS: dict[str, dict[str, Any]] = {
    "road": {"fund": "public"},
    "school": {"fund": "public"},
    "mill": {"fund": "trade"},
}
RULES = [
    rule(id="floor", per=["county"], at_least={"column": "due"}),
    rule(id="cap", per=["county", "task"], at_most=20, soft={"price": "0.5"}),
    rule(id="head", per=["area"], per_head="people", at_least={"share": 0.9, "of": "amount"}),
    rule(id="fund", per=["fund"], at_most={"share": 0.6, "of": "budget"}),
    rule(id="jobs", measure="jobs", where={"poor": True}, at_least={"share": 0.3, "of": "jobs"}),
    rule(id="cells", measure="cells", per=["task"], at_most=2),
    rule(id="counties", measure="counties", where={"fund": "public"}, at_least=2),
    rule(
        id="mix",
        where={"task": "mill"},
        per=["area"],
        at_most=[{"times": 2, "of": "amount", "where": {"task": "road"}, "per": ["area"]}, 4],
    ),
    rule(id="due", per=["area"], at_least={"column": "due", "sum": True}),
]
AMOUNTS = st.lists(st.integers(0, 40), min_size=9, max_size=9)
PARTS = st.lists(st.fractions(0, 40, max_denominator=60), min_size=9, max_size=9)
CALM = settings(deadline=None, max_examples=50)
TIERS = [
    [county, task, tier, width, jobs, firms]
    for c, county in enumerate("abc")
    for t, task in enumerate(TASKS)
    for tier, width, jobs, firms in (
        (1, 7 + c, f"0.{9 - t}00001", "0.1"),
        (2, 9 + t, f"0.{4 - c}", "0.05"),
        (3, 5, "0.123457", "0"),
    )
]


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    folder = tmp_path_factory.mktemp("audit")
    body = {"budget": 200, "lot": 4, "rules": RULES}
    return world(folder, body, counties=COUNTIES, tasks=TASKS, tiers=TIERS)


def table(amounts: Sequence[int | Fraction]) -> Allocation:
    return allocation_of_rows([amounts[0:3], amounts[3:6], amounts[6:9]])


def of_rule(result: Audit, name: str) -> list[Finding]:
    return [finding for finding in result.findings if finding.rule == name]


def test_findings_come_budget_first_then_rules_then_what_the_scenario_settles(
    tmp_path: Path,
) -> None:
    body = {
        "budget": 100,
        "lot": 5,
        "locks": [{"county": "a", "task": "road", "amount": 10}],
        "ineligible": [{"where": {"county": "b", "task": "road"}, "reason": "none"}],
        "rules": [rule(id="z", at_least=1), rule(id="y", per=["county"], at_most=50)],
    }
    result = audit(world(tmp_path, body), allocation_of_rows([[10, 0], [0, 7]]))
    order = ["budget", "z", "y", "y", "lot", "locks", "eligibility", "whole-units"]
    assert [finding.rule for finding in result.findings] == order
    assert result.broken == ()


def test_broken_rules_are_named_once_and_bent_ones_are_not_among_them(scenario: Scenario) -> None:
    result = audit(scenario, table([0, 0, 21, 0, 0, 0, 0, 0, 0]))
    assert result.broken_rules == ("floor", "head", "counties", "mix", "due")
    assert [finding.state for finding in of_rule(result, "cap")].count("bent") == 1
    assert result.penalty == Fraction(1, 2)


def test_money_spent_and_unspent_add_up_to_the_budget(scenario: Scenario) -> None:
    result = audit(scenario, table([1, 2, 3, 4, 5, 6, 7, 8, 9]))
    assert result.spent == 45
    assert result.unspent == 155


def test_money_outside_the_grid_is_spent_but_yields_nothing(scenario: Scenario) -> None:
    inside = table([5, 0, 0, 0, 0, 0, 0, 0, 0])
    with_city = replace(inside, outside=(("x", "City", Fraction(30)),))
    result = audit(scenario, with_city)
    assert result.spent == 35
    assert result.outcomes == audit(scenario, inside).outcomes


def test_an_allocation_of_another_shape_is_refused(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="is a table of 1 × 2 where 3 × 3 is due"):
        audit(scenario, allocation_of_rows([[1, 2]]))


def test_every_amount_below_zero_is_named(scenario: Scenario) -> None:
    with pytest.raises(InputError) as caught:
        audit(scenario, table([1, -2, 0, 0, 0, Fraction(-1, 3), 0, 0, 0]))
    assert "a × school: -2 is below zero" in str(caught.value)
    assert "b × mill: -1/3 is below zero" in str(caught.value)


def test_a_third_of_a_unit_is_read_exactly(scenario: Scenario) -> None:
    third = Fraction(1, 3)
    result = audit(scenario, table([third, 0, 0, 0, 0, 0, 0, 0, 0]))
    assert result.outcomes["jobs"] == third * Fraction(900001, 10**6)
    assert result.spent == third
    assert of_rule(result, "whole-units")[0].value == 1


def test_whole_units_are_left_unread_when_fractions_are_allowed(scenario: Scenario) -> None:
    result = audit(scenario, table([Fraction(1, 2)] * 9), whole=False)
    assert of_rule(result, "whole-units") == []


def test_numbers_too_large_for_64_bits_stay_exact(scenario: Scenario) -> None:
    tiers = Tiers(scenario.tiers.width * 10**9, np.full_like(scenario.tiers.rate, LARGEST_RATE))
    large = replace(scenario, tiers=tiers)
    money = 10**9 + 1
    result = audit(large, table([money, 0, 0, 0, money, 0, 0, 0, 0]))
    assert result.outcomes["jobs"] == 2 * money * Fraction(LARGEST_RATE, 10**6)
    assert read_measures(large, table([money] * 9)).money.values.dtype == object


def test_amounts_in_64_bit_arrays_do_not_overflow(scenario: Scenario) -> None:
    amounts = np.full((3, 3), np.int64(2**62)).astype(object)
    amounts[:] = [[np.int64(2**62)] * 3] * 3
    assert audit(scenario, Allocation(amounts)).spent == 9 * 2**62


def test_cells_with_denominators_of_their_own_are_read_exactly(scenario: Scenario) -> None:
    primes = (2**61 - 1, 2**89 - 1, 2**107 - 1, 2**127 - 1, 3, 5, 7, 11, 13)
    amounts = [Fraction(prime + 1, prime) for prime in primes]
    result = audit(scenario, table(amounts), whole=False)
    assert result.spent == sum(amounts)
    assert result.outcomes["firms"] == sum(amounts) / 10


def test_a_float_amount_counts_as_the_binary_number_that_it_is(scenario: Scenario) -> None:
    amounts = np.zeros((3, 3), dtype=object)
    amounts[0, 0] = 0.1
    assert audit(scenario, Allocation(amounts), whole=False).spent == Fraction(0.1)


@CALM
@given(amounts=AMOUNTS)
def test_outcomes_equal_the_money_counted_out_unit_by_unit(
    scenario: Scenario, amounts: list[int]
) -> None:
    """Each unit of money is put down in turn, and yields the rate of the tier it falls into."""
    result = audit(scenario, table(amounts))
    for m, metric in enumerate(scenario.programme.metrics):
        total = 0
        for cell, amount in enumerate(amounts):
            ends = np.cumsum(scenario.tiers.width[divmod(cell, 3)])
            for unit in range(amount):
                tier = int((ends <= unit).sum())
                if tier < len(ends):
                    total += int(scenario.tiers.rate[(m, *divmod(cell, 3), tier)])
        assert result.outcomes[metric] == Fraction(total, 10**6)


@CALM
@given(amounts=AMOUNTS)
def test_whole_amounts_and_the_same_ones_as_awkward_fractions_are_judged_alike(
    scenario: Scenario, amounts: list[int]
) -> None:
    """The 64-bit reading and the reading in Python's own numbers are the same."""
    plain = audit(scenario, table(amounts))
    tiny = Fraction(1, 2**300)
    moved = audit(scenario, table([amount + tiny for amount in amounts]), whole=False)
    assert abs(moved.spent - plain.spent) == 9 * tiny
    for metric, value in plain.outcomes.items():
        assert 0 <= moved.outcomes[metric] - value <= 9 * tiny
    assert plain.spent.denominator == 1


@CALM
@given(amounts=PARTS, source=st.integers(0, 8), target=st.integers(0, 8), data=st.data())
def test_moving_money_keeps_what_is_spent(
    scenario: Scenario, amounts: list[Fraction], source: int, target: int, data: st.DataObject
) -> None:
    moved = data.draw(st.fractions(0, amounts[source], max_denominator=60))
    after = list(amounts)
    after[source] -= moved
    after[target] += moved
    first = audit(scenario, table(amounts), whole=False)
    second = audit(scenario, table(after), whole=False)
    assert first.spent == second.spent
    assert sum(f.value for f in of_rule(first, "fund")) == first.spent
    assert sum(f.value for f in of_rule(second, "fund")) == second.spent


@CALM
@given(amounts=PARTS, cut=st.integers(0, 9))
def test_outcomes_of_two_parts_of_an_allocation_add_up(
    scenario: Scenario, amounts: list[Fraction], cut: int
) -> None:
    none = [Fraction(0)] * 9
    parts = [table(amounts[:cut] + none[cut:]), table(none[:cut] + amounts[cut:])]
    first, second = (audit(scenario, part, whole=False) for part in parts)
    both = audit(scenario, table(amounts), whole=False)
    assert both.spent == first.spent + second.spent
    for metric, value in both.outcomes.items():
        assert value == first.outcomes[metric] + second.outcomes[metric]
    for name in ("floor", "cells", "jobs", "fund"):
        sums = [
            f.value + s.value
            for f, s in zip(of_rule(first, name), of_rule(second, name), strict=True)
        ]
        assert [finding.value for finding in of_rule(both, name)] == sums


@CALM
@given(amounts=PARTS, rows=st.permutations(range(3)), columns=st.permutations(range(3)))
def test_the_order_of_counties_and_tasks_does_not_matter(
    scenario: Scenario, amounts: list[Fraction], rows: list[int], columns: list[int]
) -> None:
    turned = _turned(scenario, rows, columns)
    allocation = table(amounts)
    swapped = Allocation(allocation.amounts[np.ix_(rows, columns)])
    first, second = audit(scenario, allocation), audit(turned, swapped)
    assert (first.outcomes, first.penalty) == (second.outcomes, second.penalty)
    assert _named(first) == _named(second)


def _named(result: Audit) -> dict[tuple[str, Any], Finding]:
    """Findings by rule and group; of the lot only the broken ones, as the kept one may tie."""
    return {(f.rule, f.key): f for f in result.findings if f.rule != "lot" or not f.holds}


def _turned(scenario: Scenario, rows: Sequence[int], columns: Sequence[int]) -> Scenario:
    """The scenario with its counties and tasks in another order."""
    programme, tiers = scenario.programme, scenario.tiers
    turned = replace(
        programme,
        counties=_reordered(programme.counties, rows),
        tasks=_reordered(programme.tasks, columns),
        task_list=tuple(programme.task_list[place] for place in columns),
    )
    width = tiers.width[rows][:, columns]
    rate = tiers.rate[:, rows][:, :, columns]
    return replace(scenario, programme=turned, tiers=Tiers(width, rate))


def _reordered(old: Table, order: Sequence[int]) -> Table:
    columns = {name: tuple(values[row] for row in order) for name, values in old.columns.items()}
    return Table(old.what, old.file, tuple(old.ids[row] for row in order), columns, old.kinds)


@CALM
@given(amounts=AMOUNTS)
def test_a_finding_holds_exactly_when_its_slack_is_not_negative(
    scenario: Scenario, amounts: list[int]
) -> None:
    result = audit(scenario, table(amounts))
    for finding in result.findings:
        assert (finding.state == "kept") == (finding.slack >= 0)
        assert not finding.binding or finding.state == "kept"
    short = sum(-finding.slack for finding in of_rule(result, "cap") if finding.slack < 0)
    assert result.penalty == short / 2


def test_what_is_no_allocation_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 50})
    for wrong in (scenario.tiers.width, [[1, 2], [3, 4]], None):
        with pytest.raises(TypeError, match=r"solution\.allocation"):
            audit(scenario, wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("parts", [10**9 + 7, 1_383_505_805, 2**33, 2**60])
def test_wide_tiers_and_small_parts_of_a_unit_stay_exact(tmp_path: Path, parts: int) -> None:
    """The end of a tier, counted in parts of a unit, goes beyond 64 bits; the money does not."""
    tiers = [["a", "road", 1, 10**10, "0.5", "0.1"], ["b", "road", 1, 10**10, "0.2", "0"]]
    wide = world(tmp_path, {"budget": 60}, tasks={"road": {}}, tiers=tiers)
    amounts = [Fraction(7, parts), 3 + Fraction(1, parts)]
    found = audit(wide, allocation_of_rows([[one] for one in amounts]), whole=False)
    assert found.spent == sum(amounts)
    assert found.outcomes["jobs"] == amounts[0] / 2 + amounts[1] / 5
    assert found.outcomes["firms"] == amounts[0] / 10


def test_a_limit_is_near_within_the_coin_that_brings_most_of_those_it_is_about(
    tmp_path: Path,
) -> None:
    """A coin brings half a job in a and a fifth in b. 0.3 jobs above a target of both are less
    than one coin; above a target of b alone they are more."""
    tiers = [["a", "road", 1, 10, "0.5", "0"], ["b", "road", 1, 10, "0.2", "0"]]
    rules = [
        rule(id="both", measure="jobs", at_least="2.5"),
        rule(id="b", measure="jobs", where={"county": "b"}, at_least="0.5"),
    ]
    scenario = world(tmp_path, {"budget": 20, "rules": rules}, tasks={"road": {}}, tiers=tiers)
    found = audit(scenario, allocation_of_rows([[4], [4]])).findings
    told = {one.rule: (one.slack, one.binding, one.near) for one in found}
    assert told["both"] == (Fraction("0.3"), False, True)
    assert told["b"] == (Fraction("0.3"), False, False)
