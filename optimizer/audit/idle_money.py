"""Why money is left: what stops each cell from one unit more, in exact numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from models.allocation import Allocation
from models.exact import plain_number
from models.finding import Audit
from models.rule import NO_IDLE, PLAIN_MEASURES
from models.scenario import Scenario
from optimizer.audit.limits import (
    Form,
    bound_forms,
    idle_ends,
    ineligible_forms,
    limit_forms,
    lock_forms,
)
from optimizer.audit.measure import Cell, Measured, Number, Reading, read_measures

_NONE = Fraction(0)
_PART = Fraction(1, 1000)
"""Of a money unit: the addition asked for where money may be parted."""


@dataclass(frozen=True)
class IdleMoney:
    """Why unspent money is not spent, as far as single cells tell."""

    rules: tuple[str, ...]
    """Ids (reserved ones too) of which each cell that would gain meets one; fewest first found."""
    free: int
    """Cells that would gain by more and that nothing stops: what a search left within its gap."""


def idle_money(
    scenario: Scenario,
    allocation: Allocation,
    audited: Audit,
    points: Mapping[str, Fraction],
    *,
    whole: bool,
) -> IdleMoney:
    """What keeps unspent money from the cells in which it would raise the objective.

    A cell with money is asked for one unit (or step) more, one without for its lot; where money may
    be in parts (`whole` false), for a thousandth of a unit. `points`: per unit of each metric.
    """
    more = _More(scenario, allocation, audited.unspent, whole)
    stops = {cell: set(why) for cell, why in more.stops(audited).items()}
    gainful = [cell for cell in more.added if more.gain(cell, points) > 0]
    free = [cell for cell in gainful if not stops[cell]]
    left = [stops[cell] for cell in gainful if stops[cell]]
    rules: list[str] = []
    while left:
        names = sorted({name for why in left for name in why})
        best = max(names, key=lambda name: sum(name in why for why in left))
        rules.append(best)
        left = [why for why in left if best not in why]
    return IdleMoney(tuple(rules), len(free))


class _More:
    """Every cell with a little more money, each on its own."""

    def __init__(
        self, scenario: Scenario, allocation: Allocation, unspent: Fraction, whole: bool
    ) -> None:
        self._scenario, self._unspent = scenario, unspent
        self._sets: dict[int, tuple[tuple[int, ...], frozenset[int]]] = {}
        self._now = read_measures(scenario, allocation)
        # Whole numbers as such, which the readings add up many times as fast.
        lots = [plain_number(lot) for lot in scenario.lots()]
        tasks = range(scenario.programme.shape[1])
        part = plain_number(min(_PART, unspent))
        steps = scenario.steps.tolist()
        opens = [lot if whole or scenario.spec.lot is not None else part for lot in lots]
        self.added: dict[Cell, Number] = {
            (c, t): _addition(held[t], opens[t], steps[c][t] if whole else part)
            for c, held in enumerate(self._now.amounts)
            for t in tasks
        }
        richer = allocation.amounts.astype(object)
        for cell, by in self.added.items():
            richer[cell] += by
        after = Allocation(np.array(richer, dtype=object), allocation.outside)
        self._after = read_measures(scenario, after)

    def gain(self, cell: Cell, points: Mapping[str, Fraction]) -> Fraction:
        """Objective points of the addition in a cell."""
        return sum((by * self._change(name, cell) for name, by in points.items()), _NONE)

    def stops(self, audited: Audit) -> dict[Cell, list[str]]:
        """Cell → the rules that the addition there would break, or break further."""
        found: dict[Cell, list[str]] = {cell: [] for cell in self.added}
        for cell, rule in self._settled():
            found[cell].append(rule)
        read = {(one.rule, one.key) for one in audited.findings if one.holds}
        for form in limit_forms(self._scenario):
            if not form.soft and (form.rule, form.key) in read:
                for cell in [cell for room in form.rooms for cell in self._breaking(room)]:
                    found[cell].append(form.rule)
        return found

    def _settled(self) -> Iterator[tuple[Cell, str]]:
        """(cell, what of the scenario itself the addition there would break)."""
        for cell, by in self.added.items():
            if by > self._unspent:
                yield cell, "lot"
        for form in [*lock_forms(self._scenario), *ineligible_forms(self._scenario)]:
            for cell in form.cells:
                yield cell, form.rule
        most = idle_ends(self._scenario)
        tops = [(cell, end, NO_IDLE) for cell, end in most.items()]
        bounds = bound_forms(self._scenario)
        tops += [(one.cells[0], one.upper.constant, one.rule) for one in bounds if one.upper]
        for cell, end, rule in tops:
            if self._after.amounts[cell[0]][cell[1]] > end:
                yield cell, rule

    def _breaking(self, room: Form) -> Iterator[Cell]:
        """The cells where the addition would take more than there is of a slack."""
        # Money only adds to a plain measure: where that adds to the slack, nothing can break.
        able: dict[Cell, None] = {}
        for measured, factor in room.terms.items():
            if factor < 0 or measured.measure not in PLAIN_MEASURES:
                able |= dict.fromkeys(measured.cells)
        falls = {cell: self._fall(room, cell) for cell in able}
        if any(fall > 0 for fall in falls.values()):
            left = room.value(lambda of: self._now.value(of.measure, of))
            yield from (cell for cell, fall in falls.items() if fall > max(left, _NONE))

    def _fall(self, room: Form, cell: Cell) -> Fraction:
        """What the addition in a cell takes of a slack."""
        fall, (county, task) = _NONE, cell
        for measured, factor in room.terms.items():
            if task in measured.tasks and county in self._members(measured):
                fall -= factor * self._by(measured, cell)
        return fall

    def _members(self, measured: Measured) -> frozenset[int]:
        """The counties of a block, which many limits may share."""
        counties = measured.counties
        if id(counties) not in self._sets:
            self._sets[id(counties)] = counties, frozenset(counties)
        return self._sets[id(counties)][1]

    def _by(self, measured: Measured, cell: Cell) -> Number:
        county, _ = cell
        if measured.measure == "counties":
            return int(not self._now.funded[county, list(measured.tasks)].any())
        return self._change(measured.measure, cell)

    def _change(self, measure: str, cell: Cell) -> Number:
        if measure == "amount":
            return self.added[cell]
        if measure == "cells":
            return int(not self._now.funded[cell])
        return _outcome(self._after, measure, cell) - _outcome(self._now, measure, cell)


def _addition(held: Number, opens: Number, least: Number) -> Number:
    """What a cell is asked for: the least more, or to be opened, in whole steps of that."""
    if held or least <= 1:
        return least if held else opens
    return least * -(-opens // least)


def _outcome(reading: Reading, metric: str, cell: Cell) -> Fraction:
    grid = reading.outcomes[metric]
    held = grid.values[cell]
    return Fraction(held if isinstance(held, Fraction) else int(held)) / grid.scale
