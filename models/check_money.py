"""Checks of the money that a scenario settles beforehand: locks, lots, money outside the grid."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from models.errors import did_you_mean
from models.exact import exact_text
from models.overrides import Steps
from models.select import blocks, rows_where

if TYPE_CHECKING:
    from models.check import Checker
    from models.rule import Rule

Cell = tuple[int, int]


def check_money(checker: Checker) -> None:
    """Locks name cells that may hold them, keep caps and budget; lots are number columns."""
    scenario = checker.scenario
    lot = scenario.spec.lot
    if lot is not None and (lot.number is None) == (lot.column is None):
        checker.add(("lot",), "a number or {column: name} is due here")
        return
    if lot and lot.column and not checker.number_column(lot.column, ("lot",), checker.tasks):
        return
    _check_outside(checker)
    locks = _locks(checker)
    settled = sum(locks.values(), scenario.outside_money)
    if settled > scenario.budget:
        over = exact_text(settled - scenario.budget)
        checker.add(("locks",), f"locks and money outside the grid are {over} above the budget")
    for number, rule in enumerate(scenario.spec.rules):
        if rule.enabled and rule.soft is None and rule.measure == "amount" and rule.at_most:
            _check_cap(checker, rule, ("rules", number), locks)


def _check_outside(checker: Checker) -> None:
    """Each place outside the grid has a code of its own, by which tables can be read back."""
    seen: set[str] = set()
    for number, row in enumerate(checker.scenario.spec.outside):
        path: Steps = ("outside", number, "code")
        if not row.code or row.code != row.code.strip():
            checker.add(path, "a code without blanks around it is due here")
        if row.code in checker.counties.index:
            checker.add(path, f"'{row.code}' is a county of the programme, so not outside it")
        if row.code in seen:
            checker.add(path, f"'{row.code}' stands here more than once; add the amounts up")
        seen.add(row.code)


def _locks(checker: Checker) -> dict[Cell, Fraction]:
    """The locked cells whose county and task exist, with their money."""
    found: dict[Cell, Fraction] = {}
    for number, lock in enumerate(checker.scenario.spec.locks):
        path = ("locks", number)
        for table, name in ((checker.counties, lock.county), (checker.tasks, lock.task)):
            if name not in table.index:
                near = did_you_mean(name, table.ids)
                checker.add((*path, table.what), f"unknown {table.what} '{name}'{near}")
        if lock.county not in checker.counties.index or lock.task not in checker.tasks.index:
            continue
        cell = (checker.counties.index[lock.county], checker.tasks.index[lock.task])
        if cell in found:
            checker.add(path, f"{lock.county} × {lock.task} is locked twice")
        found[cell] = lock.amount
        _check_lock(checker, cell, lock.amount, path)
    return found


def _check_lock(checker: Checker, cell: Cell, amount: Fraction, path: Steps) -> None:
    scenario = checker.scenario
    if amount.denominator != 1:
        checker.add((*path, "amount"), f"{exact_text(amount)} is not a whole money unit")
    least = scenario.lots()[cell[1]]
    if 0 < amount < least:
        checker.add(
            (*path, "amount"), f"{exact_text(amount)} is below the lot of {exact_text(least)}"
        )
    for row in scenario.spec.ineligible:
        if not all(checker.counties.kind(c) or checker.tasks.kind(c) for c in row.where):
            continue
        inside = cell[0] in rows_where(checker.counties, row.where)
        if amount and inside and cell[1] in rows_where(checker.tasks, row.where):
            checker.add(path, f"the cell is not eligible: {row.reason.en}")


def _check_cap(checker: Checker, rule: Rule, path: Steps, locks: dict[Cell, Fraction]) -> None:
    """A cap written as plain numbers may not be below what is locked in its group."""
    if any(part.number is None for part in rule.bound) or rule.per_head is not None:
        return
    if any(not checker.column_names().count(column) for column in (*rule.where, *rule.per)):
        return
    cap = sum((part.number or Fraction(0) for part in rule.bound), Fraction(0))
    for block in blocks(checker.counties, checker.tasks, rule.where, rule.per):
        held = sum(
            (
                amount
                for (c, t), amount in locks.items()
                if c in block.counties and t in block.tasks
            ),
            Fraction(0),
        )
        if held > cap:
            group = ", ".join(block.key) or "the whole programme"
            checker.add(
                ("locks",),
                f"{exact_text(held)} are locked in {group}, above the cap"
                f" {exact_text(cap)} of the rule '{rule.id}'",
            )
