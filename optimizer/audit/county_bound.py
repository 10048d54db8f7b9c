"""What a county can be worth at the most once the limits of several counties are priced in.

Beside those prices a county stands alone, with limits of its own: how many cells it may fund, and
how much money it may get. Whole numbers decide among all its subsets of cells: each is worth what
its cells are worth with the money where it brings most. Where a later tier of a cell brings more
than one before, the cell counts with the least concave curve above what it is worth, so that the
worth is never too small.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.exact import exact_text, plain_number
from optimizer.audit.limits import LimitForm

Number = int | Fraction
MOST_SUBSETS, MOST_NUMBERS = 1 << 15, 1 << 20
"""Subsets of a county's tasks up to which each is looked at, of so many that are told apart."""


class PricedCell(NamedTuple):
    """A cell at prices, in whole numbers over one denominator."""

    least: Number
    """Money units where it is funded, at the least."""
    most: Number
    fee: Number
    """What it is worth to be funded, beside its money."""
    steps: tuple[tuple[Number, Number], ...]
    """(worth of a money unit, money units) up to `most`: of the least money in its order, then best
    first."""
    must: bool = False
    """It is funded in any case."""

    @classmethod
    def of(
        cls,
        ends: tuple[Number, Number],
        fee: Number,
        steps: Iterable[tuple[Number, Number]],
        *,
        must: bool = False,
    ) -> PricedCell:
        """From steps that are filled in their order; `ends`: the least and the most money."""
        least, most = ends
        upto: Number = 0
        first: list[tuple[Number, Number]] = []
        later: list[tuple[Number, Number]] = []
        for worth, wide in steps:
            width = min(wide, most - upto)
            below = min(width, max(least - upto, 0))
            upto += width
            if below:
                first.append((worth, below))
            if width > below:
                _join(later, worth, width - below)
        return cls(least, most, fee, (*first, *later), must)

    @property
    def base(self) -> Number:
        """Its worth with its least money."""
        left, total = self.least, self.fee
        for worth, width in self.steps:
            taken = min(width, left)
            total, left = total + worth * taken, left - taken
        return total

    def beyond(self) -> list[tuple[Number, Number]]:
        """The steps after its least money."""
        left, found = self.least, []
        for worth, width in self.steps:
            taken = min(width, left)
            left -= taken
            if width > taken:
                found.append((worth, width - taken))
        return found


def _join(steps: list[tuple[Number, Number]], worth: Number, width: Number) -> None:
    """Append a step to those of a concave curve; what it brings more than the ones before it shares
    with them."""
    while steps and steps[-1][0] < worth:
        before, wide = steps.pop()
        worth = plain_number(Fraction(before * wide + worth * width) / (wide + width))
        width += wide
    steps.append((worth, width))


class CountLimit(NamedTuple):
    """Σ factor × (1 where the task is funded) between two bounds."""

    terms: tuple[tuple[int, Fraction], ...]
    """(task, factor)"""
    lower: Fraction | None
    upper: Fraction | None

    def texts(self, tasks: Sequence[str]) -> Iterator[str]:
        """Each side as text."""
        names = [
            tasks[task] if factor == 1 else f"{exact_text(factor)}*{tasks[task]}"
            for task, factor in self.terms
        ]
        for sign, bound in ((">=", self.lower), ("<=", self.upper)):
            if bound is not None:
                yield "+".join(names) + sign + exact_text(bound)

    def keeps(self, chosen: tuple[int, ...]) -> bool:
        """Whether a subset of tasks keeps it."""
        value = sum((factor for task, factor in self.terms if task in chosen), Fraction(0))
        below = self.lower is not None and value < self.lower
        return not below and (self.upper is None or value <= self.upper)


@dataclass(frozen=True)
class CountyLimits:
    """A county's own limits."""

    floor: Number = 0
    cap: Number | None = None
    counts: tuple[CountLimit, ...] = ()

    def text(self, tasks: tuple[str, ...]) -> str:
        """Its limits of funded cells, as `a+b<=2;a>=1`."""
        return _text(self.counts, tasks)


@lru_cache(maxsize=256)
def _text(counts: tuple[CountLimit, ...], tasks: tuple[str, ...]) -> str:
    return ";".join(part for count in counts for part in count.texts(tasks))


def county_limits(
    forms: Iterable[LimitForm], open_cells: Mapping[int, frozenset[int]], money: Fraction
) -> dict[int, CountyLimits]:
    """The limits of each county that its choice keeps: of all its money, and of funded cells.

    `open_cells`: county → tasks that may hold money; `money`: what all counties share.
    """
    found = {county: CountyLimits(cap=plain_number(money)) for county in open_cells}
    for form in forms:
        terms = form.value.terms
        if form.soft or form.only_if is not None or any(len(one.counties) != 1 for one in terms):
            continue
        measures = {(one.measure, one.counties[0]) for one in terms}
        if len(measures) == 1:
            measure, county = measures.pop()
            found[county] = _with(found[county], form, measure, open_cells[county])
    return found


def _with(
    limits: CountyLimits, form: LimitForm, measure: str, open_tasks: frozenset[int]
) -> CountyLimits:
    """A county's limits with one more; as they are where its choice cannot keep that one."""
    low, high = _constants(form)
    terms = [(one, factor) for one, factor in form.value.terms.items() if factor]
    if measure == "cells":
        each = tuple((task, factor) for one, factor in terms for task in one.tasks)
        return replace(limits, counts=(*limits.counts, CountLimit(each, low, high)))
    if measure != "amount" or len(terms) != 1 or not open_tasks <= frozenset(terms[0][0].tasks):
        return limits
    factor = terms[0][1]
    if factor < 0:
        return limits
    floor = limits.floor if low is None else max(limits.floor, plain_number(low / factor))
    cap = limits.cap
    if high is not None:
        cap = plain_number(high / factor) if cap is None else min(cap, plain_number(high / factor))
    return replace(limits, floor=floor, cap=cap)


def _constants(form: LimitForm) -> tuple[Fraction | None, Fraction | None]:
    """Lower and upper bound of a form's terms, where they are numbers; None for none."""
    sides = []
    for side in (form.lower, form.upper):
        plain = side is not None and not side.terms
        sides.append(side.constant - form.value.constant if plain and side else None)
    return sides[0], sides[1]


def best_worth(
    cells: Sequence[PricedCell | None], limits: CountyLimits
) -> tuple[Number, dict[int, Number]] | None:
    """(worth, task → money) of a county's best plan, exact; None where no plan keeps its limits.

    `cells`: [task], None for one that may hold no money.
    """
    there = {task: cell for task, cell in enumerate(cells) if cell is not None}
    must = frozenset(task for task, cell in there.items() if cell.must)
    parts = {task: (cell.base, cell.beyond()) for task, cell in there.items()}
    subsets, member = task_subsets(tuple(there), must, limits.counts)
    # Without floor and cap a subset is worth no less: those that then stay behind are left out.
    freely: list[Number] = [
        base + sum(worth * width for worth, width in steps if worth > 0)
        for base, steps in parts.values()
    ]
    above, unit = _sums_above(freely, member)
    best: tuple[Number, dict[int, Number]] | None = None
    for number in _in_parts(np.argsort(-above, kind="stable")):
        if best is not None and int(above[number]) * unit <= best[0]:
            break
        found = _filled(subsets[number], there, parts, limits)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    return best


def _in_parts(order: NDArray[np.int64]) -> Iterator[int]:
    """The numbers of a long order of which the first few are mostly enough."""
    for start in range(0, len(order), _FIRST):
        yield from order[start : start + _FIRST].tolist()


_FIRST = 16
_BITS = 52
"""So large the parts of a sum may be for 64 bits to hold it, whatever the subset."""


def _sums_above(
    parts: Sequence[Number], member: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """(sums, unit): each subset's parts add up to no more than its sum × unit. Every part is
    rounded up to a whole number of units, of which 64 bits hold all sums."""
    most = max((abs(int(part)) for part in parts), default=0)
    unit = 1 << max(0, most.bit_length() - _BITS)
    rounded = np.array([-(-part // unit) for part in parts], dtype=np.int64)
    return member @ rounded, unit


def _filled(
    chosen: tuple[int, ...],
    cells: Mapping[int, PricedCell],
    parts: Mapping[int, tuple[Number, list[tuple[Number, Number]]]],
    limits: CountyLimits,
) -> tuple[Number, dict[int, Number]] | None:
    """The worth of a subset with the best money that keeps the county's floor and cap."""
    money: dict[int, Number] = {task: cells[task].least for task in chosen}
    total = sum(money.values())
    worth = sum(parts[task][0] for task in chosen)
    if limits.cap is not None and total > limits.cap:
        return None
    ladder = [(each, width, task) for task in chosen for each, width in parts[task][1]]
    for each, width, task in sorted(ladder, key=lambda step: -step[0]):
        room = width if limits.cap is None else min(width, limits.cap - total)
        taken = room if each > 0 else min(room, max(limits.floor - total, 0))
        worth, total = worth + each * taken, total + taken
        money[task] += taken
    return None if total < limits.floor else (worth, money)


def may_be_listed(tasks: frozenset[int], counts: tuple[CountLimit, ...]) -> bool:
    """Whether the subsets of some tasks that limits of funded cells allow are few."""
    count, most = len(tasks), _most_chosen(tasks, counts)
    few = sum(comb(count, size) for size in range(most + 1)) <= MOST_SUBSETS
    return few and 1 << count <= MOST_NUMBERS


def _most_chosen(tasks: Collection[int], counts: tuple[CountLimit, ...]) -> int:
    """How many of some tasks a subset may hold at the most, by limits of funded cells."""
    most = len(tasks)
    for count in counts:
        least = min((factor for _, factor in count.terms), default=Fraction(0))
        if count.upper is not None and least > 0:
            others = set(tasks) - {task for task, _ in count.terms}
            most = min(most, max(count.upper, Fraction(0)) // least + len(others))
    return most


@lru_cache(maxsize=256)
def task_subsets(
    tasks: tuple[int, ...], must: frozenset[int], counts: tuple[CountLimit, ...]
) -> tuple[list[tuple[int, ...]], NDArray[np.int64]]:
    """The subsets of tasks that hold those that must be and keep limits of funded cells, and
    [subset, task] who is in it."""
    found, member, most = [], [], _most_chosen(tasks, counts)
    for number in range(1 << len(tasks)):
        if number.bit_count() > most:
            continue
        flags = [number >> place & 1 for place in range(len(tasks))]
        chosen = tuple(task for task, flag in zip(tasks, flags, strict=True) if flag)
        if must <= frozenset(chosen) and all(count.keeps(chosen) for count in counts):
            found.append(chosen)
            member.append(flags)
    return found, np.array(member, dtype=np.int64).reshape(len(found), len(tasks))
