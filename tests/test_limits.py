"""The audit comes to what rules say, read cell by cell and without any of its code."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from models.allocation import Allocation, allocation_of_rows
from models.errors import InputError
from models.exact import MICRO
from models.finding import Finding
from models.rule import Condition, Part, Rule
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.baselines import baseline
from tests.random_worlds import banded, worlds
from tests.rule_cases import readings
from tests.worlds import write_world

CALM: Any = {"deadline": None, "suppress_health_check": list(HealthCheck)}
Cell = tuple[int, int]


@dataclass(frozen=True)
class ByHand:
    """One allocation, of which everything is counted cell by cell."""

    scenario: Scenario
    allocation: Allocation

    @property
    def cells(self) -> list[Cell]:
        counties, tasks = self.scenario.programme.shape
        return [(county, task) for county in range(counties) for task in range(tasks)]

    def money(self, cell: Cell) -> Fraction:
        return Fraction(self.allocation.amounts[cell])

    def of(self, column: str, cell: Cell) -> Any:
        """What a column of either table says of a cell."""
        counties, tasks = self.scenario.programme.counties, self.scenario.programme.tasks
        if counties.kind(column):
            return counties.values(column)[cell[0]]
        return tasks.values(column)[cell[1]]

    def outcome(self, metric: str, cell: Cell) -> Fraction:
        """Tier after tier as long as there is money."""
        left, total, tiers = self.money(cell), Fraction(0), self.scenario.tiers
        rates = tiers.rate[self.scenario.programme.metrics.index(metric)][cell].tolist()
        for width, rate in zip(tiers.width[cell].tolist(), rates, strict=True):
            total += min(left, width) * Fraction(rate, MICRO)
            left -= min(left, width)
        return total

    def funded(self, cells: Sequence[Cell]) -> list[Cell]:
        return [cell for cell in cells if self.money(cell)]

    def measure(self, measure: str, cells: Sequence[Cell]) -> Fraction:
        if measure == "amount":
            return sum(map(self.money, cells), Fraction(0))
        if measure == "cells":
            return Fraction(len(self.funded(cells)))
        if measure == "counties":
            return Fraction(len({county for county, _ in self.funded(cells)}))
        return sum((self.outcome(measure, cell) for cell in cells), Fraction(0))

    def groups(self, selected: Rule | Part) -> dict[tuple[str, ...], list[Cell]]:
        """Key → cells, in the order in which the cells come."""
        found: dict[tuple[str, ...], list[Cell]] = {}
        for cell in self.cells:
            if all(_meets(cond, self.of(name, cell)) for name, cond in selected.where.items()):
                key = tuple(_text(self.of(column, cell)) for column in selected.per)
                found.setdefault(key, []).append(cell)
        return found

    def per_head(self, rule: Rule, number: Fraction, cells: Sequence[Cell]) -> Fraction:
        return number / self.heads(rule, cells)

    def heads(self, rule: Rule, cells: Sequence[Cell]) -> Fraction:
        if rule.per_head is None:
            return Fraction(1)
        places = {county: (county, task) for county, task in cells}
        return sum((self.of(rule.per_head, cell) for cell in places.values()), Fraction(0))

    def addend(
        self, rule: Rule, part: Part, key: tuple[str, ...], cells: Sequence[Cell]
    ) -> Fraction:
        """One addend of the bound of one group."""
        if part.number is not None:
            return part.number
        factor = Fraction(1)
        if part.factor is not None:
            column = part.factor.column
            factor = self.of(column, cells[0]) if column else part.factor.number or Fraction(0)
        return factor * self.factored(rule, part, dict(zip(rule.per, key, strict=True)), cells)

    def factored(
        self, rule: Rule, part: Part, key: dict[str, str], cells: Sequence[Cell]
    ) -> Fraction:
        """What the factor of an addend multiplies."""
        if part.column is not None:
            side = 0 if self.scenario.programme.counties.kind(part.column) else 1
            once = {cell[side]: self.of(part.column, cell) for cell in cells}
            return sum(once.values(), Fraction(0)) if part.sum else self.of(part.column, cells[0])
        if part.of == "budget":
            return self.per_head(rule, Fraction(self.scenario.budget), self.cells)
        mine = self.groups(part).get(tuple(key[column] for column in part.per), [])
        if part.of == "baseline":
            return self.of_baseline(rule, mine) if mine else Fraction(0)
        return self.per_head(rule, self.measure(part.of or "", mine), mine) if mine else Fraction(0)

    def of_baseline(self, rule: Rule, cells: Sequence[Cell]) -> Fraction:
        """The baseline, made anew, over some cells."""
        budget = self.scenario.spec.reference_budget or self.scenario.budget
        table = baseline(self.scenario.replace(budget=budget, rules={}))
        there = ByHand(self.scenario, table)
        return self.per_head(rule, there.measure(rule.measure, cells), cells)

    def read(self, rule: Rule) -> Iterator[tuple[Any, ...]]:
        """(rule, key, value, lower, upper, kept or short, heads) of each limit."""
        for key, cells in self.groups(rule).items():
            if rule.if_funded and not self.funded(cells):
                continue
            bound = sum((self.addend(rule, part, key, cells) for part in rule.bound), Fraction(0))
            room = rule.within or Fraction(0)
            lower = None if rule.sense == "at_most" else bound - room
            upper = None if rule.sense == "at_least" else bound + room
            value = self.per_head(rule, self.measure(rule.measure, cells), cells)
            kept = (lower is None or value >= lower) and (upper is None or value <= upper)
            by = rule.margin or Fraction(0)
            spared = (lower is None or value >= lower + by * lower) and (
                upper is None or value <= upper - by * upper
            )
            kept = "short" if kept and not spared else kept
            named = tuple(zip(rule.per, key, strict=True))
            yield rule.id, named, value, lower, upper, kept, self.heads(rule, cells)

    def read_reserved(self, whole: bool) -> Iterator[tuple[str, Cell, Fraction]]:
        """(id, cell, money) of the cells that break what the scenario itself sets."""
        spec, programme = self.scenario.spec, self.scenario.programme
        lots = self.scenario.lots() if spec.lot is not None else ()
        locks = {(lock.county, lock.task): lock.amount for lock in spec.locks}
        for cell in self.cells:
            county, task = cell
            money, ids = (
                self.money(cell),
                (programme.counties.ids[county], programme.tasks.ids[task]),
            )
            if lots and 0 < money < lots[task]:
                yield "lot", cell, money
            if money != locks.get(ids, money):
                yield "locks", cell, money
            if money and any(
                all(_meets(cond, self.of(name, cell)) for name, cond in line.where.items())
                for line in spec.ineligible
            ):
                yield "eligibility", cell, money
            if whole and money.denominator != 1:
                yield "whole-units", cell, money


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _meets(condition: Condition, value: Any) -> bool:
    if condition.between is None:
        return _text(value) in condition.among
    low, high = condition.between.min, condition.between.max
    return (low is None or low <= value) and (high is None or value <= high)


def as_read(finding: Finding) -> tuple[Any, ...]:
    limits = (finding.value, finding.lower, finding.upper)
    state = "short" if finding.state == "short" else finding.state == "kept"
    return (finding.rule, finding.key, *limits, state, finding.heads)


def check(scenario: Scenario, allocation: Allocation, whole: bool = True) -> None:
    by_hand = ByHand(scenario, allocation)
    findings = audit(scenario, allocation, whole=whole).findings
    rules = {rule.id for rule in scenario.rules}
    expected = [row for rule in scenario.rules for row in by_hand.read(rule)]
    assert [as_read(finding) for finding in findings if finding.rule in rules] == expected
    check_reserved(by_hand, whole)


def check_reserved(by_hand: ByHand, whole: bool) -> None:
    scenario = by_hand.scenario
    audited = audit(scenario, by_hand.allocation, whole=whole)
    counties, tasks = scenario.programme.counties.index, scenario.programme.tasks.index
    broken = list(by_hand.read_reserved(whole))
    found = [
        (f.rule, (counties[dict(f.key)["county"]], tasks[dict(f.key)["task"]]), f.value)
        for f in audited.broken
        if f.rule in ("lot", "locks", "eligibility")
    ]
    assert sorted(found) == sorted(row for row in broken if row[0] != "whole-units")
    parted = [f.value for f in audited.findings if f.rule == "whole-units"]
    assert parted == [sum(row[0] == "whole-units" for row in broken)] * whole
    assert audited.findings[0].upper == scenario.budget
    outside = {code: money for code, _, money in by_hand.allocation.outside}
    known = {row.code: row.amount for row in scenario.spec.outside} | outside
    inside = by_hand.measure("amount", by_hand.cells)
    assert audited.findings[0].value == inside + sum(known.values()) == audited.spent


@pytest.mark.slow
@settings(max_examples=150, **CALM)
@given(st.one_of(worlds(), banded(worlds())), st.data(), st.booleans())
def test_the_audit_comes_to_what_is_counted_cell_by_cell(
    parts: dict[str, Any], data: st.DataObject, whole: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load(write_world(Path(folder), **parts))
        except InputError:
            assume(False)
        counties, tasks = scenario.programme.shape
        cell = st.one_of(st.integers(0, 40), st.fractions(0, 40, max_denominator=12))
        amounts = data.draw(st.lists(cell, min_size=counties * tasks, max_size=counties * tasks))
        rows = [amounts[at : at + tasks] for at in range(0, len(amounts), tasks)]
        check(scenario, allocation_of_rows(rows), whole)


@pytest.mark.slow
def test_every_case_that_was_worked_by_hand_is_counted_alike(tmp_path: Path) -> None:
    cases = readings()
    assert len([case for case in cases if case.rule() is not None]) > 100
    for number, case in enumerate(cases):
        scenario = case.build(tmp_path / str(number))
        check(scenario, case.allocation(scenario))
