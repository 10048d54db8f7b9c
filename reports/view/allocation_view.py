"""What reports show of an allocation beside its audit: shares, sums by group, other readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.allocation import Allocation
from models.finding import Audit, Finding
from models.metadata import Labels
from models.programme import Calibration
from models.rule import PLAIN_MEASURES, Condition, Grounds
from models.scenario import Scenario
from models.selection import rows_where, value_text
from models.solution import Solution
from optimizer.audit import audit

PLAIN = ("whole-units", "eligibility", "locks")
"""Reserved findings that bind by their nature, so that it says nothing."""
MOST_GROUPS = 6
"""More groups than this do not stand side by side in a table."""


@dataclass(frozen=True)
class AllocationView:
    """One allocation as a column of a table."""

    title: str
    allocation: Allocation
    audit: Audit
    objective: Fraction | None = None
    moved: Fraction | None = None
    moved_at_least: float | None = None


@dataclass(frozen=True)
class Sums:
    """Money of a block of the grid: `by_group` in the order of `groups` asked for."""

    name: str
    by_group: tuple[Fraction, ...]
    total: Fraction
    funded: int
    """Cells with at least a lot: what rules count as funded."""


def calibration_of(scenario: Scenario) -> Calibration | None:
    """The calibration in use; None where the programme has none."""
    return scenario.programme.calibration(scenario.spec.calibration)


def beside(scenario: Scenario, allocation: Allocation) -> tuple[str, Audit] | None:
    """The same allocation read by the calibration that is to stand beside: (its name, audit)."""
    chosen = calibration_of(scenario)
    if chosen is None or chosen.beside is None:
        return None
    other = scenario.replace(calibration=chosen.beside)
    return chosen.beside, audit(other, allocation, whole=False)


def money_where(
    scenario: Scenario, allocation: Allocation, where: Mapping[str, Condition]
) -> Fraction:
    """Money units in the cells that `where` selects."""
    counties = rows_where(scenario.programme.counties, where)
    tasks = rows_where(scenario.programme.tasks, where)
    return _sum(allocation, counties, tasks)


def money_inside(allocation: Allocation) -> Fraction:
    """Money units in the grid, without places outside it."""
    return Fraction(sum(allocation.amounts.ravel().tolist()))


def groups_of(scenario: Scenario, labels: Labels) -> dict[str, tuple[int, ...]]:
    """Value of the column `group_by` → its counties, in the order of the table; {} without."""
    if labels.group_by is None:
        return {}
    groups: dict[str, list[int]] = {}
    for row, value in enumerate(scenario.programme.counties.values(labels.group_by)):
        groups.setdefault(value_text(value), []).append(row)
    return {name: tuple(rows) for name, rows in groups.items()}


def beyond_tiers(
    scenario: Scenario, allocation: Allocation
) -> dict[tuple[int, int], int | Fraction]:
    """(county, task) → money units above the last tier of the cell, which yield nothing."""
    ends = scenario.tiers.width.sum(axis=2).tolist()
    found = {}
    for county, row in enumerate(allocation.amounts.tolist()):
        for task, amount in enumerate(row):
            if amount > ends[county][task]:
                found[county, task] = amount - ends[county][task]
    return found


def sums_by_task(
    scenario: Scenario, allocation: Allocation, groups: Sequence[Sequence[int]]
) -> list[Sums]:
    """Money by task (id as name), in all and by groups of counties."""
    every, lots = range(len(scenario.programme.counties)), scenario.lots()
    return [
        Sums(
            task,
            tuple(_sum(allocation, group, [t]) for group in groups),
            _sum(allocation, every, [t]),
            sum(1 for c in every if allocation.amounts[c, t] >= lots[t]),
        )
        for t, task in enumerate(scenario.programme.tasks.ids)
    ]


def _sum(allocation: Allocation, counties: Sequence[int], tasks: Sequence[int]) -> Fraction:
    return Fraction(sum(allocation.amounts[c, t] for c in counties for t in tasks))


def grounds_of(scenario: Scenario, name: str) -> Grounds | None:
    """The rule of an id, or the grounds that the scenario gives for a reserved one."""
    for rule in scenario.spec.rules:
        if rule.id == name:
            return rule
    return scenario.spec.grounds.get(name)


def unread_rules(scenario: Scenario) -> list[str]:
    """Ids of enabled rules (and reserved ones) whose clause nobody has read."""
    named: list[tuple[str, Grounds]] = [(rule.id, rule) for rule in scenario.rules]
    named += list(scenario.spec.grounds.items())
    return [name for name, grounds in named if grounds.clause and not grounds.clause.seen]


def tightest(findings: Sequence[Finding]) -> Finding:
    """The finding with the least room, broken ones first."""
    return min(findings, key=lambda finding: (finding.holds, finding.slack_in_all))


def holding_back(solution: Solution) -> list[str]:
    """Ids of the rules that keep unspent money from being spent: binding from above."""
    above = [
        finding.rule
        for finding in solution.audit.findings
        if finding.binding
        and finding.upper is not None
        and finding.upper - finding.value == finding.slack
    ]
    spending = {rule.id for rule in solution.scenario.rules if rule.measure in PLAIN_MEASURES}
    return [name for name in dict.fromkeys(above) if name in spending]
