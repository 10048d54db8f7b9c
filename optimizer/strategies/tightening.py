"""From a solver's numbers to an allocation that keeps every rule exactly: the one loop that audits,
tightens what broke, and solves again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, product
from math import ceil
from typing import NamedTuple, TypeVar

from models.allocation import Allocation, allocation_of_rows
from models.certificate import Multiplier
from models.errors import NoAnswerError
from models.exact import LONGEST_KEPT, exact_text
from models.finding import Audit
from models.objective import objective_of
from models.rule import RESERVED
from models.scenario import Scenario
from models.solution import SearchNote
from optimizer.aims import solve_aims_among
from optimizer.audit import audit
from optimizer.audit.certify import prove_conflict
from optimizer.audit.limits import (
    Form,
    LimitForm,
    bound_forms,
    budget_form,
    limit_forms,
    lock_forms,
)
from optimizer.audit.measure import Cell, Measured, read_measures
from optimizer.formulation.rule_rows import Tightening
from optimizer.strategies import Infeasible, SearchResult, SearchTask, Strategy

ATTEMPTS = 6
"""A first attempt and five with tightened limits."""
_STEP = Fraction(1, 10**6)
_BARRED_CELLS, _MOST_BARRED = 200, 8
"""Up to so many cells tables that break a rule by a hair are barred, so often at the most."""
_SIMPLEST, _NOISE, _CHANCE = 5000, 1e-9, 1e-2
_PLACES = 10**9
"""Money that is no simple fraction is rounded to so many parts of a unit."""
_TIGHT = Fraction(1, 10**9)
_LOSS = Fraction(1, 10**9)
"""Share of the objective that money in parts of units may fall short of the solver's best."""
_SAME = 1e-3
"""Money units of a cell that no rule and no solver's tolerance moves it by."""
_NONE, _ONE = Fraction(0), Fraction(1)
K = TypeVar("K")

Attempt = Callable[[Tightening], Iterable[Allocation] | None]
"""The allocations of a search under tightened limits, the likeliest first; None for none."""


def until_kept(
    attempt: Attempt,
    read: Callable[[Allocation], Audit],
    good: Callable[[Allocation, Audit], bool] = lambda _, audited: not audited.unmet,
) -> tuple[Allocation, Audit] | None:
    """The first allocation of `attempt` that is `good`, with its audit; None where it has none.

    A limit that breaks in exact arithmetic is moved inwards by its breach and tried again. Raises
    `Infeasible` where the model as written is, `NoAnswerError` where limits still break at the end.
    """
    tighten: Tightening = {}
    for number in range(ATTEMPTS):
        try:
            found = attempt(tighten)
        except Infeasible:
            if tighten:
                break
            raise
        if found is None:
            return None
        tried: list[Audit] = []
        for allocation in found:
            audited = read(allocation)
            if good(allocation, audited):
                return allocation, audited
            tried.append(audited)
        # A table that was mended may break what cannot be tightened, a lot, where another does not.
        told = [one for one in tried if any(f.rule not in RESERVED[1:] for f in one.unmet)]
        tighten = stricter(tighten, (told or tried)[0], 10**number)
    broken = ", ".join(dict.fromkeys(rule for rule, _ in tighten))
    raise NoAnswerError(f"the solver's allocations break {broken} in exact arithmetic")


def kept_exactly(task: SearchTask, strategy: Strategy) -> tuple[SearchResult, Allocation, Audit]:
    """What a strategy finds for a task, and the allocation of it that keeps every rule.

    Raises `Infeasible` and `NoAnswerError`.
    """
    scenario, whole = task.formulation.problem.scenario, task.units != "continuous"
    if whole and len(task.formulation.problem.codes) <= _BARRED_CELLS:
        kept = _without_breaking(task, strategy)
        if kept is not None:
            return kept
    found: SearchResult | None = None

    def attempt(tighten: Tightening) -> Iterable[Allocation]:
        nonlocal found
        found = strategy(task, tighten, found)
        if whole:
            return [as_allocation(scenario, [*map(int, money)]) for money in found.candidates]
        return _best_first(task, exact_tables(scenario, found.candidates), found.best)

    try:
        met = until_kept(attempt, lambda allocation: audit(scenario, allocation, whole=whole))
    except NoAnswerError as none:
        if whole or found is None:
            raise
        met = _in_whole_units(task, strategy, none)
    assert met is not None and found is not None
    return _as_taken(found, met[0]), *met


def _in_whole_units(
    task: SearchTask, strategy: Strategy, none: NoAnswerError
) -> tuple[Allocation, Audit]:
    """What a search in whole units keeps, where one in parts of them came to nothing: it is better
    than that. Raises `none` where there is none either."""
    try:
        _, allocation, audited = kept_exactly(replace(task, units="whole"), strategy)
    except Infeasible:
        raise none from None
    return allocation, audited


def _as_taken(found: SearchResult, allocation: Allocation) -> SearchResult:
    """A search, and nothing of a choice among equals where another allocation was taken for it."""
    money = map(float, allocation.amounts.ravel())
    off = max(abs(a - b) for a, b in zip(money, found.candidates[0], strict=True))
    return found if off < _SAME else replace(found, notes=(SearchNote.BEST_FOUND,))


def _best_first(
    task: SearchTask, tables: Iterable[Sequence[Fraction]], best: float
) -> Iterator[Allocation]:
    """The tables as they come, as long as what they are worth comes up to `best`; then those that
    keep the rules and fall short of it, the best first: a solver's tolerance has cost them more
    than it may."""
    scenario, short = task.formulation.problem.scenario, list[tuple[Fraction, Allocation]]()
    points = solve_aims_among(task.aims).objective.points
    enough = Fraction(best) - _LOSS * abs(Fraction(best))
    for money in tables:
        audited = audit(scenario, allocation := as_allocation(scenario, money), whole=False)
        worth = objective_of(audited, points) - audited.penalty
        if audited.unmet or worth >= enough:
            yield allocation
        else:
            short.append((worth, allocation))
    yield from (allocation for _, allocation in sorted(short, key=lambda one: -one[0]))


def _without_breaking(
    task: SearchTask, strategy: Strategy
) -> tuple[SearchResult, Allocation, Audit] | None:
    """As `kept_exactly` in whole units, with tables that break a rule by a hair barred one by one:
    nothing else is lost with them, as tables that just keep a limit are where it is tightened.

    None where there are too many of them.
    """
    scenario, first = task.formulation.problem.scenario, None
    for _ in range(_MOST_BARRED):
        found = strategy(task, {}, None)
        first = first or found
        tables = [tuple(map(int, money)) for money in found.candidates]
        for table in tables:
            audited = audit(scenario, allocation := as_allocation(scenario, table))
            if not audited.unmet:
                return replace(found, proof=first.proof), allocation, audited
        task = replace(task, barred=(*task.barred, *dict.fromkeys(tables)))
    return None


def as_allocation(scenario: Scenario, money: Sequence[int | Fraction]) -> Allocation:
    """Money by cell as an allocation, with the scenario's money outside the grid."""
    tasks = len(scenario.programme.tasks)
    rows = [money[start : start + tasks] for start in range(0, len(money), tasks)]
    beside = [(row.code, row.name, row.amount) for row in scenario.spec.outside]
    return allocation_of_rows(rows, beside)


def stricter(tighten: Tightening, audited: Audit, more: int) -> Tightening:
    """`tighten`, each broken limit moved further in by its breach and `more` steps.

    In whole steps, so that noise in the last digits of a breach makes no difference. A solver may
    miss a limit by a share of its size, so that one step is not enough of large ones.
    """
    further = dict(tighten)
    for finding in audited.unmet:
        key = (finding.rule, tuple(value for _, value in finding.key))
        steps = ceil(-finding.spare / _STEP) + more
        further[key] = further.get(key, Fraction(0)) + steps * _STEP
    return further


# Money in parts of units: from floats to fractions that keep rules which leave no room.


def exact_tables(
    scenario: Scenario, candidates: Iterable[Sequence[float]]
) -> Iterator[Sequence[Fraction]]:
    """Exact money by cell near the floats of a solver, the likeliest to keep the rules first.

    Each amount as the simple fraction that it is near to, as that of a vertex of the model is.
    Where some are near none, or rules break, the limits that are met, or broken, by a hair are met
    to the last digit; and so are first of all those that give way at a price, where the floats miss
    one by a hair and pay nothing for it. Raises `Infeasible` where limits turn out to contradict
    each other.
    """
    for money in candidates:
        simple = [as_simple(amount) for amount in money]
        near = [
            Fraction(round(amount * _PLACES), _PLACES) if one is None else one
            for one, amount in zip(simple, money, strict=True)
        ]
        if (soft := _Vertex(scenario, _TIGHT, soft=True)).misses_by_a_hair(near):
            yield soft.met(near)[0]
        if None not in simple:
            yield near
        for tight in (_TIGHT, Fraction(0)):
            met, contradictions = _Vertex(scenario, tight).met(near)
            if max(len(exact_text(amount)) for amount in met) <= LONGEST_KEPT:
                yield met
            if any(prove_conflict(scenario, one, whole=False) for one in contradictions):
                raise Infeasible
        if None in simple:
            yield near


def as_simple(amount: float) -> Fraction | None:
    """The simple fraction, zero or more, that a float is near to; None where there is none.

    Any number is near some fraction of large numbers; only one nearer than chance would have it
    counts, or noise in the last digits would choose it.
    """
    simple = Fraction(max(amount, 0.0)).limit_denominator(_SIMPLEST)
    off = abs(float(simple) - amount)
    near = off < min(_NOISE * max(1.0, abs(amount)), _CHANCE / simple.denominator**2)
    return simple if near or amount < 0 else None


class Room(NamedTuple):
    """What one side of a limit that does not give way leaves, and where it is read."""

    form: LimitForm
    side: str
    left: Form

    def multiplier(self, value: Fraction) -> Multiplier:
        """A multiplier of it; below zero, one of the other side, which an equality has."""
        other = {"lower": "upper", "upper": "lower"}[self.side]
        side = self.side if value > 0 else other
        return Multiplier(self.form.rule, self.form.key, side, abs(value))


@dataclass(frozen=True)
class Equation:
    """Σ factor × what a cell's money moves by = the room that is to be used up."""

    factors: Mapping[Cell, Fraction]
    rest: Fraction
    of: Mapping[int, Fraction]
    """Limit, by its number → how often it is in the equation."""

    def __add__(self, other: Equation) -> Equation:
        return Equation(
            _added(self.factors, other.factors), self.rest + other.rest, _added(self.of, other.of)
        )

    def __mul__(self, by: Fraction) -> Equation:
        factors = {cell: by * factor for cell, factor in self.factors.items()}
        return Equation(factors, by * self.rest, {n: by * often for n, often in self.of.items()})


def _added(one: Mapping[K, Fraction], other: Mapping[K, Fraction]) -> dict[K, Fraction]:
    both = {key: one.get(key, _NONE) + other.get(key, _NONE) for key in {**one, **other}}
    return {key: value for key, value in both.items() if value}


@dataclass(frozen=True)
class _Vertex:
    """The limits of a scenario as equations: what keeps them to the last digit."""

    scenario: Scenario
    tight: Fraction
    """Relative to the size of its terms, the room under which a limit counts as met."""
    soft: bool = False
    """Limits that give way count, too, where they are met or missed by next to nothing."""

    def misses_by_a_hair(self, money: Sequence[Fraction]) -> bool:
        """Whether a limit that gives way is missed, and by next to nothing."""
        return any(rule.soft for rule in self.scenario.rules) and any(
            room.form.soft and -self.tight * size < left < 0
            for _, room, left, size in self._read(money)
        )

    def met(self, money: Sequence[Fraction]) -> tuple[Sequence[Fraction], list[list[Multiplier]]]:
        """The money moved until those limits have no room that had next to none, or none left; and
        sums of limits that may be a contradiction.

        Money moves in cells that hold some, in those first that are within a tier. What cannot be
        met so is left to the audit to find.
        """
        counties, tasks = map(range, self.scenario.programme.shape)
        held, kept = dict(zip(product(counties, tasks), money, strict=True)), set[int]()
        against: list[Equation] = []
        for _ in range(ATTEMPTS):
            moves, against = _solved(self._equations(held, kept), self._ease(held))
            further = {cell: amount + moves.get(cell, 0) for cell, amount in held.items()}
            if not moves or min(further.values()) < 0:
                break
            held = further
        return list(held.values()), [self._contradiction(one) for one in against]

    def _contradiction(self, equation: Equation) -> list[Multiplier]:
        """An equation that leaves nothing to move, as a sum of rooms that is below zero."""
        sign = 1 if equation.rest > 0 else -1
        return [self._rooms[number].multiplier(sign * by) for number, by in equation.of.items()]

    def _equations(self, held: Mapping[Cell, Fraction], kept: set[int]) -> list[Equation]:
        """The limits to be met at some money, the worst broken first; they join those `kept`."""
        found = []
        for number, room, left, size in self._read(list(held.values())):
            broken = left < 0 and not room.form.soft
            if number in kept or broken or abs(left) < self.tight * size:
                kept.add(number)
                found.append(Equation(self._slopes(room.left, held), -left, {number: _ONE}))
        return sorted(found, key=lambda equation: -equation.rest)

    def _read(self, money: Sequence[Fraction]) -> Iterator[tuple[int, Room, Fraction, Fraction]]:
        """(number, limit, room that some money leaves, size of its terms), of those read."""
        reading = read_measures(self.scenario, as_allocation(self.scenario, money))

        def read(of: Measured) -> Fraction:
            return reading.value(of.measure, of)

        for number, room in enumerate(self._rooms):
            only_if, left = room.form.only_if, room.left
            if only_if is None or read(only_if):
                size = abs(left.constant) + sum(abs(f * read(of)) for of, f in left.terms.items())
                yield number, room, left.value(read), max(size, _ONE)

    @cached_property
    def _rooms(self) -> list[Room]:
        """Both sides of every limit that does not give way; of the others where they count."""
        settled = [budget_form(self.scenario), *lock_forms(self.scenario)]
        settled += bound_forms(self.scenario)
        forms = [*settled, *limit_forms(self.scenario)]
        rooms = []
        for form in (form for form in forms if self.soft or not form.soft):
            if form.lower is not None:
                rooms.append(Room(form, "lower", form.value - form.lower))
            if form.upper is not None:
                rooms.append(Room(form, "upper", form.upper - form.value))
        return rooms

    def _slopes(self, room: Form, held: Mapping[Cell, Fraction]) -> dict[Cell, Fraction]:
        """What a further money unit in each cell adds to the room; counts do not move by a hair."""
        slopes: dict[Cell, Fraction] = {}
        for measured, factor in room.terms.items():
            for cell in measured.cells:
                if slope := factor * self._slope(measured.measure, cell, held[cell]):
                    slopes[cell] = slopes.get(cell, _NONE) + slope
        return {cell: slope for cell, slope in slopes.items() if slope}

    def _slope(self, measure: str, cell: Cell, amount: Fraction) -> Fraction:
        if measure in ("amount", "cells", "counties"):
            return Fraction(measure == "amount")
        metric, tiers = self.scenario.programme.metrics.index(measure), self.scenario.tiers
        for end, rate in zip(self._ends(cell), tiers.rate[metric][cell].tolist(), strict=True):
            if amount < end:
                return Fraction(rate, tiers.scale)
        return Fraction(0)

    def _ends(self, cell: Cell) -> list[int]:
        return list(accumulate(self.scenario.tiers.width[cell].tolist()))

    def _ease(self, held: Mapping[Cell, Fraction]) -> dict[Cell, int]:
        """How willingly money moves, of the cells that hold some: within a tier, at its end."""
        return {c: amount not in self._ends(c) for c, amount in held.items() if amount}


def _solved(
    equations: Iterable[Equation], ease: Mapping[Cell, int]
) -> tuple[dict[Cell, Fraction], list[Equation]]:
    """Moves that solve the equations in turn, in as few cells as can be, by elimination; and what
    is left of those that no cell of `ease` can solve."""
    settled: list[tuple[Cell, Equation]] = []
    against = []
    for one in equations:
        for cell, other in settled:
            if by := one.factors.get(cell):
                one += other * -by
        if able := [cell for cell in one.factors if cell in ease]:
            best = max(able, key=lambda cell: (ease[cell], abs(one.factors[cell])))
            settled.append((best, one * (1 / one.factors[best])))
        elif one.rest:
            against.append(one)
    moves: dict[Cell, Fraction] = {}
    for cell, one in reversed(settled):
        others = (by * moves.get(other, _NONE) for other, by in one.factors.items())
        moves[cell] = one.rest - sum(others, _NONE)
    return {cell: move for cell, move in moves.items() if move}, against
