"""What moving money between cells would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil, lcm
from typing import Literal

from models.allocation import Allocation, allocation_of_rows
from models.exact import is_below_zero
from models.finding import Audit, Finding
from models.objective import objective_of
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.audit.limits import (
    Form,
    LimitForm,
    bound_forms,
    budget_form,
    ineligible_forms,
    limit_forms,
    lock_forms,
)
from optimizer.audit.measure import Cell

# Everything is exact and needs no solver, so a record or anybody's table can be asked.


_NONE = Fraction(0)
_TIE = Fraction(1, 100)
"""Share of what the moved money does below which two places count as equally good (assumption)."""


@dataclass(frozen=True)
class CellChange:
    """What a move does to one cell."""

    cell: Cell
    money: Fraction
    metrics: Mapping[str, Fraction]
    funded: int
    """1 where the cell is opened, −1 where it is closed."""
    points: Fraction


@dataclass(frozen=True)
class Move:
    """Money from one cell to another; from None it comes out of what is unspent."""

    source: Cell | None
    target: Cell
    money: Fraction
    steps: tuple[CellChange, ...]

    @property
    def points(self) -> Fraction:
        """Objective points gained, penalties of bent rules left aside."""
        return sum((step.points for step in self.steps), _NONE)

    @property
    def metrics(self) -> dict[str, Fraction]:
        """Metric → units gained."""
        names = self.steps[0].metrics
        return {name: sum((s.metrics[name] for s in self.steps), _NONE) for name in names}


@dataclass(frozen=True)
class JudgedMove:
    """A move, and what it does to the rules."""

    move: Move
    breaks: tuple[str, ...]
    """Ids of the rules that the move breaks, and that were kept before (or were broken less)."""
    points: Fraction
    """Objective points gained, less what rules that give way cost more."""

    @property
    def is_kept(self) -> bool:
        """No rule is broken by it."""
        return not self.breaks

    @property
    def is_tie(self) -> bool:
        """It gains or costs next to nothing beside what the money does in its new place."""
        return is_nothing(self.points, self.move.steps[0].points)


def is_nothing(points: Fraction, worth: Fraction) -> bool:
    """Whether so many points are nothing beside what the money is worth."""
    return abs(points) <= _TIE * abs(worth)


@dataclass(frozen=True)
class FullLimit:
    """One side of a limit that leaves no room for a money unit."""

    finding: Finding
    side: Literal["lower", "upper"]
    slack: Fraction
    value: Form
    """What the limit is read of."""
    room: Form
    """The slack."""

    @property
    def counties(self) -> frozenset[int]:
        """The counties that its value is measured over."""
        return frozenset(county for of in self.value.terms for county in of.counties)


@dataclass(frozen=True)
class SwapJudge:
    """One allocation of a scenario, whose moves are judged."""

    scenario: Scenario
    allocation: Allocation
    points: Mapping[str, Fraction]
    """Objective points per unit of each metric."""
    whole: bool = True
    """Whether parts of a money unit break a rule."""
    _steps: dict[_Key, CellChange] = field(default_factory=dict, repr=False)
    _pulls: dict[_Key, dict[int, Fraction]] = field(default_factory=dict, repr=False)

    @cached_property
    def audit(self) -> Audit:
        """Every rule as it stands."""
        return audit(self.scenario, self.allocation, whole=self.whole, rules=self._rules)

    @cached_property
    def _rules(self) -> list[LimitForm]:
        """The limits of the rules, worked out once for all moves."""
        return limit_forms(self.scenario)

    @cached_property
    def movable(self) -> list[Cell]:
        """The funded cells whose money is not settled."""
        counties, tasks = self.scenario.programme.shape
        cells = [(county, task) for county in range(counties) for task in range(tasks)]
        return [cell for cell in cells if self.money(cell) > 0 and cell not in self.locked]

    @cached_property
    def barred(self) -> set[Cell]:
        """Cells that may get no money."""
        return {cell for form in ineligible_forms(self.scenario) for cell in form.cells}

    @cached_property
    def locked(self) -> set[Cell]:
        """Cells whose money is settled, or may not become less."""
        found = {cell for form in lock_forms(self.scenario) for cell in form.cells}
        for form in bound_forms(self.scenario):
            (cell,), low = form.cells, form.lower
            if low is not None and self.money(cell) <= low.constant:
                found.add(cell)
        return found

    @cached_property
    def worth(self) -> Fraction:
        """The objective less penalties as it stands."""
        return objective_of(self.audit, self.points) - self.audit.penalty

    @cached_property
    def _read_over(self) -> dict[int, list[int]]:
        """County → which of the limits of rules are read over any of its cells."""
        found: dict[int, list[int]] = {}
        for at, form in enumerate(self._rules):
            for county in {county for of in form.measured for county in of.counties}:
                found.setdefault(county, []).append(at)
        return found

    def _concerned(self, move: Move) -> list[LimitForm]:
        """The limits of rules that are read over a cell of the move: it changes none of the
        others."""
        found: set[int] = set()
        for county, task in (step.cell for step in move.steps):
            for at in self._read_over.get(county, ()):
                measured = self._rules[at].measured
                if any(task in of.tasks and county in of.counties for of in measured):
                    found.add(at)
        return [self._rules[at] for at in sorted(found)]

    @cached_property
    def _given_way(self) -> dict[tuple[str, object], Fraction]:
        """(rule, key) → points that the limit costs by giving way, as it stands."""
        prices = {rule.id: rule.soft.price for rule in self.scenario.rules if rule.soft}
        bent = (one for one in self.audit.findings if one.state == "bent")
        return {(one.rule, one.key): prices[one.rule] * -one.slack for one in bent}

    @cached_property
    def _short(self) -> dict[tuple[str, object], Fraction]:
        """(rule, key) → room of the limits that are broken, or short, as it stands."""
        return {(one.rule, one.key): one.spare for one in self.audit.unmet}

    @cached_property
    def full(self) -> list[FullLimit]:
        """The limits that leave no room for a money unit, those that give way left out."""
        tight = {(one.rule, one.key): one for one in self.audit.findings if one.tight}
        found = []
        for form in [budget_form(self.scenario), *self._rules]:
            one = tight.get((form.rule, form.key))
            if one is None or form.soft:
                continue
            if form.lower is not None and one.lower is not None:
                slack = one.value - one.lower * (1 + one.margin)
                found.append(FullLimit(one, "lower", slack, form.value, form.value - form.lower))
            if form.upper is not None and one.upper is not None:
                slack = one.upper * (1 - one.margin) - one.value
                found.append(FullLimit(one, "upper", slack, form.value, form.upper - form.value))
        return [one for one in found if not any(m.measure == "counties" for m in one.room.terms)]

    def surely_breaks(self, move: Move) -> tuple[str, ...]:
        """Rules without room that the move breaks: seen without reading all rules again."""
        return tuple(dict.fromkeys(limit.finding.rule for limit in self.full_limits(move)))

    def full_limits(self, move: Move) -> list[FullLimit]:
        """Limits without room that the move breaks."""
        moved: dict[int, list[Fraction]] = {at: [] for at in self._over}
        for step in move.steps:
            for at, by in self._pull(step).items():
                moved.setdefault(at, []).append(by)
        touched = ((self.full[at], moved[at]) for at in sorted(moved))
        return [limit for limit, by in touched if is_below_zero((limit.slack, *by))]

    @cached_property
    def _over(self) -> list[int]:
        """Which of the limits without room are broken as it stands."""
        return [at for at, limit in enumerate(self.full) if limit.slack < 0]

    def _pull(self, step: CellChange) -> dict[int, Fraction]:
        """Limit without room → what a cell's change does to its slack; none where that is nothing.

        The same change of a cell is part of many moves.
        """
        key = _key(step.cell, step.money)
        if key not in self._pulls:
            pulls: dict[int, Fraction] = {}
            for at, measure, factor in self._touched.get(step.cell, ()):
                pulls[at] = pulls.get(at, _NONE) + factor * _change(step, measure)
            self._pulls[key] = {at: by for at, by in pulls.items() if by}
        return self._pulls[key]

    @cached_property
    def _touched(self) -> dict[Cell, list[tuple[int, str, Fraction]]]:
        """Cell → (which of the limits without room it stands in, by what measure, how often)."""
        found: dict[Cell, list[tuple[int, str, Fraction]]] = {}
        for at, limit in enumerate(self.full):
            for of, factor in limit.room.terms.items():
                for cell in of.cells:
                    found.setdefault(cell, []).append((at, of.measure, factor))
        return found

    def money(self, cell: Cell) -> Fraction:
        """Money units of a cell."""
        return Fraction(self.allocation.amounts[cell])

    def lot(self, cell: Cell) -> Fraction:
        """The least money that the cell may hold if any, in whole steps."""
        lot, step = self._lots[cell[1]], self.unit(cell)
        return lot if step == 1 else step * ceil(lot / step)

    @cached_property
    def _lots(self) -> Sequence[Fraction]:
        return self.scenario.lots()

    def unit(self, *cells: Cell) -> Fraction:
        """The least money that can be moved between cells: a money unit, or what is whole steps of
        each of them."""
        return Fraction(lcm(*(int(self.scenario.steps[cell]) for cell in cells)))

    def yields(self, cell: Cell, money: Fraction) -> dict[str, Fraction]:
        """Metric → units that a cell yields with so much money."""
        tiers, left, found = self.scenario.tiers, money, dict.fromkeys(self.points, Fraction(0))
        for tier, width in enumerate(tiers.width[cell].tolist()):
            used = min(left, Fraction(width))
            if used <= 0:
                break
            for at, name in enumerate(self.points):
                found[name] += used * int(tiers.rate[at][cell][tier]) / tiers.scale
            left -= used
        return found

    def step(self, cell: Cell, money: Fraction) -> CellChange:
        """What so much more (or less) money does to a cell."""
        key = _key(cell, money)
        if key not in self._steps:
            now = self.money(cell)
            before, after = self.yields(cell, now), self.yields(cell, now + money)
            metrics = {name: after[name] - before[name] for name in self.points}
            points = sum((self.points[name] * by for name, by in metrics.items()), _NONE)
            funded = int(now + money > 0) - int(now > 0)
            self._steps[key] = CellChange(cell, money, metrics, funded, points)
        return self._steps[key]

    def move(self, source: Cell | None, target: Cell, money: Fraction) -> Move:
        """The move, its gains counted."""
        steps = [self.step(target, money)]
        if source is not None:
            steps.append(self.step(source, -money))
        return Move(source, target, money, tuple(steps))

    def judged(self, move: Move) -> JudgedMove:
        """What the move does to the rules, in exact arithmetic."""
        amounts = self.allocation.amounts.copy()
        amounts[move.target] += move.money
        if move.source is not None:
            amounts[move.source] -= move.money
        table, limits = allocation_of_rows(amounts, self.allocation.outside), self._concerned(move)
        after = audit(self.scenario, table, whole=self.whole, rules=limits)
        broken = [
            one.rule
            for one in after.unmet
            if (one.rule, one.key) not in self._short or one.spare < self._short[one.rule, one.key]
        ]
        gained = objective_of(after, self.points) - objective_of(self.audit, self.points)
        before = sum((self._given_way.get((form.rule, form.key), _NONE) for form in limits), _NONE)
        gained += before - after.penalty
        return JudgedMove(move, tuple(dict.fromkeys(broken)), gained)

    def between(self, sources: Iterable[Cell | None], targets: Iterable[Cell]) -> list[Move]:
        """Moves that leave each cell either without money or with its lot, best first."""
        wanted = list(targets)
        found = [
            self.move(source, target, money)
            for source in sources
            for target in wanted
            if source != target
            for money in self._amounts(source, target)
        ]
        return sorted(found, key=lambda move: -move.points)

    def _amounts(self, source: Cell | None, target: Cell) -> Iterator[Fraction]:
        """One unit or step where both stay funded; the lot where the target is opened; all that the
        source has where that closes it."""
        unit = self.unit(target) if source is None else self.unit(source, target)
        opened = self.lot(target) if self.money(target) < self.lot(target) else unit
        least = max(opened - self.money(target), unit)
        if source is None:
            if self.audit.unspent >= least:
                yield least
            return
        held = self.money(source)
        if held - least >= self.lot(source):
            yield least
        if held >= least and held > 0:
            yield held


_Key = tuple[Cell, int, int]


def _key(cell: Cell, money: Fraction) -> _Key:
    """A cell and its change: whole numbers are looked up faster than fractions."""
    return cell, money.numerator, money.denominator


def _change(step: CellChange, measure: str) -> Fraction:
    """By how much a cell's change changes what a block that it is in comes to."""
    if measure == "amount":
        return step.money
    return Fraction(step.funded) if measure == "cells" else step.metrics[measure]


@dataclass(frozen=True)
class MoveSearch:
    """What came of a list of moves, best first."""

    kept: JudgedMove | None
    """The best that breaks no rule; None where none of those looked at does."""
    best: JudgedMove | None
    """The very first, where that breaks a rule."""
    rules: tuple[str, ...]
    """What stood in the way of the others, most often first."""


def first_kept(judge: SwapJudge, moves: Sequence[Move], most: int) -> MoveSearch:
    """The best of `moves` that breaks no rule; `most` are read in full."""
    counted: Counter[str] = Counter()
    best = None
    for move in moves:
        sure = judge.surely_breaks(move)
        if sure and best is not None:
            counted.update(sure)
            continue
        judged = judge.judged(move)
        if judged.is_kept:
            return MoveSearch(judged, best, _ranked(counted))
        best = best or judged
        counted.update(judged.breaks)
        most -= not sure
        if most <= 0:
            break
    return MoveSearch(None, best, _ranked(counted))


def _ranked(counted: Counter[str]) -> tuple[str, ...]:
    return tuple(rule for rule, _ in counted.most_common())
