"""The audit: every rule, and what the scenario itself settles, read on one allocation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from models.allocation import Allocation
from models.finding import Audit, Finding
from models.scenario import Scenario
from models.selection import rows_where
from optimizer.audit.limits import Bounds, findings_of, judged
from optimizer.audit.measure import Reading, read_measures

_NONE = Fraction(0)
Cell = tuple[int, int]


def audit(scenario: Scenario, allocation: Allocation, whole: bool = True) -> Audit:
    """Read every rule of `scenario` on `allocation`, in exact numbers.

    Findings come in this order: the budget, the rules (one finding a limit), then lot, locks,
    eligibility and whole units as far as the scenario has them. With `whole` false amounts may be
    fractions of a money unit. Places outside the grid count with the allocation's own amount,
    those that it does not list with the scenario's.

    Raises `InputError` for an allocation of another shape than the programme's grid, or with an
    amount below zero, `TypeError` for what is none.
    """
    if not isinstance(allocation, Allocation):
        raise TypeError(
            f"an Allocation is due here, not {type(allocation).__name__}: "
            "solution.allocation, read_allocation(path, programme) or Allocation.of(rows)"
        )
    reading = read_measures(scenario, allocation)
    spent = _inside(reading) + _outside(scenario, allocation)
    findings = [_budget(scenario, spent)]
    penalty = Fraction(0)
    for rule in scenario.rules:
        for finding in findings_of(reading, rule):
            findings.append(finding)
            if rule.soft is not None and finding.state == "bent":
                penalty += rule.soft.price * -finding.slack
    findings.extend(_lot(reading))
    findings.extend(_locks(reading))
    findings.extend(_eligibility(reading))
    if whole:
        findings.append(_whole_units(reading))
    outcomes = {name: reading.value(name, reading.everything()) for name in reading.outcomes}
    return Audit(tuple(findings), outcomes, spent, scenario.budget - spent, penalty)


def _inside(reading: Reading) -> Fraction:
    return reading.value("amount", reading.everything())


def _outside(scenario: Scenario, allocation: Allocation) -> Fraction:
    listed = {code for code, _, _ in allocation.outside}
    own = sum((Fraction(amount) for _, _, amount in allocation.outside), _NONE)
    return sum((row.amount for row in scenario.spec.outside if row.code not in listed), own)


def _budget(scenario: Scenario, spent: Fraction) -> Finding:
    return judged("budget", (), spent, Bounds(upper=Fraction(scenario.budget)))


def _lot(reading: Reading) -> Iterator[Finding]:
    """Each cell with less than its lot; of the others only the one with the least to spare."""
    if reading.scenario.spec.lot is None:
        return
    lots = reading.scenario.lots()
    rooms = {
        cell: reading.amounts[cell[0]][cell[1]] - lots[cell[1]] for cell in _with_money(reading)
    }
    shown = [cell for cell, room in rooms.items() if room < 0]
    kept = [cell for cell, room in rooms.items() if room >= 0]
    for cell in [*shown, *sorted(kept, key=rooms.__getitem__)[:1]]:
        yield _at_cell(reading, "lot", cell, Bounds(lower=lots[cell[1]]))


def _locks(reading: Reading) -> Iterator[Finding]:
    programme = reading.scenario.programme
    for lock in reading.scenario.spec.locks:
        cell = (programme.counties.index[lock.county], programme.tasks.index[lock.task])
        yield _at_cell(reading, "locks", cell, Bounds(lower=lock.amount, upper=lock.amount))


def _eligibility(reading: Reading) -> Iterator[Finding]:
    """Each ineligible cell with money; one finding in all where there is none."""
    if not reading.scenario.spec.ineligible:
        return
    barred = _barred(reading.scenario)
    found = [
        _at_cell(reading, "eligibility", cell, Bounds(upper=_NONE))
        for cell in _with_money(reading)
        if cell in barred
    ]
    yield from found or [judged("eligibility", (), _NONE, Bounds(upper=_NONE))]


def _barred(scenario: Scenario) -> set[Cell]:
    counties, tasks = scenario.programme.counties, scenario.programme.tasks
    return {
        (county, task)
        for row in scenario.spec.ineligible
        for county in rows_where(counties, row.where)
        for task in rows_where(tasks, row.where)
    }


def _whole_units(reading: Reading) -> Finding:
    """The number of cells whose money is no whole number of units."""
    parted = sum(amount.denominator != 1 for row in reading.amounts for amount in row)
    return judged("whole-units", (), Fraction(parted), Bounds(upper=_NONE))


def _with_money(reading: Reading) -> list[Cell]:
    return [(c, t) for c, row in enumerate(reading.amounts) for t, held in enumerate(row) if held]


def _at_cell(reading: Reading, rule: str, cell: Cell, limit: Bounds) -> Finding:
    programme = reading.scenario.programme
    county, task = cell
    key = (("county", programme.counties.ids[county]), ("task", programme.tasks.ids[task]))
    return judged(rule, key, Fraction(reading.amounts[county][task]), limit)
