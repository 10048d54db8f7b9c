"""The audit: every rule, and what the scenario itself settles, read on one allocation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from models.allocation import Allocation
from models.exact import plain_number
from models.finding import Audit, Finding, State
from models.scenario import Scenario
from optimizer.audit.limits import (
    Form,
    LimitForm,
    bound_forms,
    budget_form,
    cell_form,
    idle_ends,
    idle_forms,
    ineligible_forms,
    limit_forms,
    lock_forms,
    lot_forms,
    step_forms,
    whole_units_form,
)
from optimizer.audit.measure import Cell, Measured, Number, Reading, read_measures

_NONE = Fraction(0)


def audit(
    scenario: Scenario,
    allocation: Allocation,
    *,
    whole: bool = True,
    rules: Sequence[LimitForm] | None = None,
) -> Audit:
    """Read every rule of `scenario` on `allocation`, in exact numbers.

    Findings come in this order: the budget, the rules (one finding a limit), then lot, step,
    locks, eligibility, idle money and whole units as far as the scenario has them. With `whole`
    false amounts may be fractions of a money unit. Places outside the grid count with the
    allocation's own amount, those that it does not list with the scenario's. `rules`: their limits
    (`limit_forms`), where many allocations of one scenario are read.

    Raises `InputError` for an allocation of another shape than the programme's grid, or with an
    amount below zero, `TypeError` for what is none.
    """
    if not isinstance(allocation, Allocation):
        raise TypeError(
            f"an Allocation is due here, not {type(allocation).__name__}: "
            "solution.allocation, read_allocation(path, programme) "
            "or Allocation.from_frame(frame, programme)"
        )
    reading = read_measures(scenario, allocation)
    limits = limit_forms(scenario) if rules is None else rules
    forms = [_budget(scenario, allocation), *limits, *_lots(reading)]
    forms += step_forms(scenario)
    forms += [*lock_forms(scenario), *_bounds(reading), *_eligibility(reading), *_idle(reading)]
    forms += [whole_units_form(scenario)] if whole else []
    findings = tuple(_findings(reading, forms))
    spent = findings[0].value
    outcomes = {name: reading.value(name, reading.everything()) for name in reading.outcomes}
    penalty = _penalty(scenario, findings)
    return Audit(findings, outcomes, spent, scenario.budget - spent, penalty)


def _findings(reading: Reading, forms: Iterable[LimitForm]) -> Iterator[Finding]:
    """The limits read: kept, short, broken or bent; binding without room, near with no step to
    spare."""

    def read(of: Measured) -> Fraction:
        return reading.value(of.measure, of)

    for form in forms:
        if form.only_if is not None and not read(form.only_if):
            continue
        value, written = form.value.value(read), form.written
        lower = None if written.lower is None else written.lower.value(read)
        upper = None if written.upper is None else written.upper.value(read)
        room = _room(value, lower, upper)
        kept, spare = room.numerator >= 0, room
        if by := form.margin:
            spare = _room(value, lower and lower * (1 + by), upper and upper * (1 - by))
        state: State = "kept" if kept else "bent" if form.soft else "broken"
        if kept and spare.numerator < 0:
            state = "short"
        binding = not spare
        near = spare.numerator > 0 and spare < _step(reading, form.value)
        told = (form.rule, form.key, value, lower, upper, state, binding, near, form.heads)
        yield Finding(*told, form.margin)


def _room(value: Fraction, lower: Fraction | None, upper: Fraction | None) -> Fraction:
    """What is left to the nearer limit; below zero where one is not kept."""
    rooms = [] if lower is None else [value - lower]
    rooms += [] if upper is None else [upper - value]
    return min(rooms)


def _step(reading: Reading, value: Form) -> Fraction:
    """The most that one money unit (one cell, one county) can change the value."""
    return max(reading.step(of.measure, of) * factor for of, factor in value.terms.items())


def _penalty(scenario: Scenario, findings: Iterable[Finding]) -> Fraction:
    prices = {rule.id: rule.soft.price for rule in scenario.rules if rule.soft is not None}
    bent = (finding for finding in findings if finding.state == "bent")
    return sum((prices[finding.rule] * -finding.slack for finding in bent), _NONE)


def _budget(scenario: Scenario, allocation: Allocation) -> LimitForm:
    """With the places outside as the allocation has them."""
    listed = {code for code, _, _ in allocation.outside}
    money = sum((Fraction(amount) for _, _, amount in allocation.outside), _NONE)
    money += sum((row.amount for row in scenario.spec.outside if row.code not in listed), _NONE)
    form = budget_form(scenario)
    return replace(form, value=form.value + Form(money - scenario.outside_money))


def _lots(reading: Reading) -> Iterator[LimitForm]:
    """Each cell with less than its lot; of the others only the one with the least to spare."""
    if reading.scenario.spec.lot is None:
        return iter(())
    lots, tasks = reading.scenario.cell_lots, len(reading.scenario.programme.tasks)
    rooms = {
        (c, t): reading.amounts[c][t] - plain_number(lots[c * tasks + t])
        for c, t in _with_money(reading)
    }
    return lot_forms(reading.scenario, _told(rooms))


def _told(rooms: Mapping[Cell, Number]) -> list[Cell]:
    """Each cell without room, and of the others the one with the least to spare."""
    shown = [cell for cell, room in rooms.items() if room < 0]
    kept = [cell for cell, room in rooms.items() if room >= 0]
    return shown + ([min(kept, key=rooms.__getitem__)] if kept else [])


def _bounds(reading: Reading) -> Iterator[LimitForm]:
    """Each cell outside its bounds; of the others only the one with the least to spare."""
    forms = {form.cells[0]: form for form in bound_forms(reading.scenario)}
    rooms: dict[Cell, Number] = {}
    for (c, t), form in forms.items():
        held = reading.amounts[c][t]
        ends = [] if form.lower is None else [held - form.lower.constant]
        ends += [] if form.upper is None else [form.upper.constant - held]
        rooms[c, t] = min(ends)
    return (forms[cell] for cell in _told(rooms))


def _eligibility(reading: Reading) -> Iterator[LimitForm]:
    """Each ineligible cell with money; one finding in all where there is none."""
    barred = {cell for form in ineligible_forms(reading.scenario) for cell in form.cells}
    if not barred:
        return
    shown = [cell for cell in _with_money(reading) if cell in barred]
    bounds = bound_forms(reading.scenario) if shown else ()
    paid = {form.cells[0]: form.lower for form in bounds}
    for cell in shown:
        yield cell_form(reading.scenario, "eligibility", cell, upper=paid.get(cell) or Form())
    if not shown:
        yield LimitForm("eligibility", (), Form(), upper=Form())


def _idle(reading: Reading) -> Iterator[LimitForm]:
    """Each cell with more money than yields anything; of the others only the one nearest to it."""
    ends = idle_ends(reading.scenario)
    held = _with_money(reading) if ends else []
    rooms = {(c, t): plain_number(ends[c, t]) - reading.amounts[c][t] for c, t in held}
    return idle_forms(reading.scenario, _told(rooms))


def _with_money(reading: Reading) -> list[Cell]:
    counties, tasks = reading.funded.nonzero()
    return list(zip(counties.tolist(), tasks.tolist(), strict=True))
