"""The bounds of a proof by cases, worked out in whole numbers, all cases at once.

As `optimizer.audit.certify` bounds a county at prices, so is it bounded here, with what its case
lets it fund and hold: money fills tiers in their order, and where a later one is worth more, the
least concave curve above that is what counts. Prices are rounded up to a unit of so many decimals
that 64 bits hold every sum: no bound is too small, and each is too large by some units for each
money unit. No float takes part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, lcm
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.case_proof import MOST, YES, CaseAnswer, CaseProof
from models.certificate import Key, Multiplier
from models.scenario import Scenario
from optimizer.audit.certify import CaseGrounds, UnitPrice, case_grounds
from optimizer.audit.county_bound import task_subsets

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Side = tuple[str, Key, str]
_BITS, _LEAST_PLACES, _MOST_PLACES = 61, 9, 18
_NEVER = -(1 << 62)
"""What a choice is worth that no money keeps the county's limits with."""
_AT_ONCE = 20_000
"""Choices of counties that are worked out together."""
_MOST_ROWS = 2_000_000
"""Choices of counties, over all cases, that are worked out at all: base-2020 has 200,000."""
_NONE, _ONE = Fraction(0), Fraction(1)


def bounded(
    scenario: Scenario, points: Mapping[str, Fraction], proof: CaseProof
) -> CaseProof | None:
    """The proof with the bounds of its last cases, whatever stands there; `points`: objective
    points per unit of each metric.

    None where 64 bits do not hold the scenario's numbers, and where too much is left to be worked
    out. Answers about counties and tasks, and
    multipliers of limits, that the scenario does not have count as if they were not there.
    """
    sides = {(one.rule, one.key, one.side) for prices in proof.prices for one in prices}
    grounds = case_grounds(scenario, sorted(sides))
    prices = _Prices.of(scenario, points, grounds, proof.prices)
    if prices is None:
        return None
    every = _Counties(scenario, grounds, prices, _Choices.of(scenario, grounds))
    choices = every.left_by(floor(proof.cut * prices.unit))
    if len(choices.county) * len(proof.last) > _MOST_ROWS:
        return None
    counties = _Counties(scenario, grounds, prices, choices)
    return proof.bounded(counties.bounds(_last_cases(scenario, choices, proof)))


class _Prices(NamedTuple):
    """What money, funding and outcomes are worth at each of the prices, in whole units."""

    unit: int
    """Units of a point: ten to so many places."""
    constants: list[int]
    """[prices] what the limits come to by themselves, rounded up."""
    table: Ints
    """[prices, kind] rounded up."""
    kind: Ints
    """[measure, county, task] its place there: of money, of being funded, then of each metric."""

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        points: Mapping[str, Fraction],
        grounds: CaseGrounds,
        vectors: Sequence[Sequence[Multiplier]],
    ) -> _Prices | None:
        """None where 64 bits do not hold what comes of it."""
        sides = list(grounds.prices)
        given = [_counted(grounds.prices, vector) for vector in vectors]
        kind, made_of = _kinds(scenario, points, list(grounds.prices.values()))
        counts, over = _over_one([[_ONE, *(one.get(s, _NONE) for s in sides)] for one in given])
        ratios, share = _over_one(made_of)
        exact, share = counts @ ratios.T, over * share
        constants = [
            sum((value * grounds.prices[side].constant for side, value in one.items()), _NONE)
            for one in given
        ]
        largest = [Fraction(abs(exact[:, np.unique(of)]).max(), share) for of in kind]
        places = _places(scenario, grounds, largest, max(map(abs, constants)))
        if places is None:
            return None
        unit = 10**places
        table = (-(-exact * unit // share)).astype(np.int64)
        return cls(unit, [ceil(one * unit) for one in constants], table, kind)

    def at(self, measure: int, prices: Ints) -> Ints:
        """[of `prices`, county, task] what a unit of a measure is worth."""
        return self.table[prices][:, self.kind[measure]]


def _counted(known: Mapping[Side, UnitPrice], vector: Sequence[Multiplier]) -> dict[Side, Fraction]:
    """Side of a limit → its multiplier, as far as it counts."""
    found = {}
    for one in vector:
        side = (one.rule, one.key, one.side)
        if side in known:
            most = known[side].most
            found[side] = one.value if most is None else min(one.value, most)
    return found


def _kinds(
    scenario: Scenario, points: Mapping[str, Fraction], sides: Sequence[UnitPrice]
) -> tuple[Ints, list[list[Fraction]]]:
    """([measure, county, task] the kind of its price, [kind, 1 + side] what that is made of:
    points, then each side of a limit at a multiplier of 1)."""
    names = ("amount", "cells", *scenario.programme.metrics)
    shape = (len(names), *scenario.programme.shape)
    place = np.arange(np.prod(shape)).reshape(shape)
    made: list[dict[int, Fraction]] = [{} for _ in range(place.size)]
    for number, name in enumerate(names):
        if name in points:
            for at in place[number].ravel().tolist():
                made[at][0] = points[name]
    for number, side in enumerate(sides, start=1):
        for measure, cells, price in side.spread:
            for cell in cells:
                mine = made[place[(names.index(measure), *cell)]]
                mine[number] = mine.get(number, _NONE) + price
    seen: dict[tuple[tuple[int, Fraction], ...], int] = {}
    kind = [seen.setdefault(tuple(one.items()), len(seen)) for one in made]
    width = range(len(sides) + 1)
    return np.array(kind).reshape(shape), [[dict(of).get(at, _NONE) for at in width] for of in seen]


def _over_one(rows: Sequence[Sequence[Fraction]]) -> tuple[NDArray[np.object_], int]:
    """Fractions as whole numbers, and what these are divided by."""
    share = lcm(*(one.denominator for row in rows for one in row))
    whole = [[one.numerator * (share // one.denominator) for one in row] for row in rows]
    return np.array(whole, dtype=object), share


def _places(
    scenario: Scenario, grounds: CaseGrounds, largest: Sequence[Fraction], constant: Fraction
) -> int | None:
    """Decimals of a point with which 64 bits hold every sum; None where too few would.
    `largest`: of each measure the largest price."""
    tiers = scenario.tiers_in_steps
    rates = [max(int(one.max(initial=0)), -int(one.min(initial=0))) for one in tiers.rate]
    if max(rates, default=0) * tiers.scale >> _BITS:
        return None
    outcomes = zip(rates, largest[2:], strict=True)
    each = largest[0] + sum((rate * most / tiers.scale for rate, most in outcomes), _NONE)
    money = sum(ceil(grounds.own[c].cap or 0) * len(row) for c, row in grounds.cells.items())
    cells = sum(map(len, grounds.cells.values()))
    slips = (3 + 2 * len(rates)) * money + cells + 1
    total = each * money + largest[1] * cells + constant
    for places in range(_MOST_PLACES, _LEAST_PLACES - 1, -1):
        if total * 10**places + slips < 1 << _BITS:
            return places
    return None


@dataclass(frozen=True)
class _Choices:
    """What each county may fund: a county and a set of its tasks, each."""

    county: Ints
    """[choice]"""
    member: Flags
    """[choice, task] whether it is funded."""

    @classmethod
    def of(cls, scenario: Scenario, grounds: CaseGrounds) -> _Choices:
        """Those that the counties' own limits let in."""
        tasks, county, member = len(scenario.programme.tasks), [], []
        for number, row in grounds.cells.items():
            there = tuple(task for task, cell in enumerate(row) if cell)
            must = frozenset(task for task, cell in enumerate(row) if cell and cell.must)
            inside = task_subsets(there, must, grounds.own[number].counts)[1]
            county.append(np.full(len(inside), number))
            member.append(np.zeros((len(inside), tasks), dtype=bool))
            member[-1][:, there] = inside.astype(bool)
        return cls(np.concatenate(county), np.concatenate(member))

    @cached_property
    def tasks(self) -> Ints:
        """[choice, place] its tasks, −1 for none."""
        most = int(self.member.sum(axis=1).max(initial=1))
        first = np.argsort(~self.member, axis=1, kind="stable")[:, :most]
        return np.where(np.take_along_axis(self.member, first, axis=1), first, -1)


class _Case(NamedTuple):
    """A case that is not parted further."""

    prices: int
    choices: Ints
    """Those that it leaves."""
    ends: Mapping[tuple[int, int], tuple[int, int]]
    """Cell → least and most money, where the case says so."""


def _last_cases(scenario: Scenario, choices: _Choices, proof: CaseProof) -> Iterator[_Case]:
    every: Flags = choices.county >= 0
    known: list[tuple[Flags, dict[tuple[int, int], tuple[int, int]]]] = []
    for case in proof.cases:
        held = (every, {}) if case.of is None else known[case.of]
        if case.answer is not None and (at := _found(scenario, case.answer)) is not None:
            held = _parted(choices, held, case.answer, *at)
        known.append(held)
        if case.prices is not None:
            yield _Case(case.prices, np.flatnonzero(held[0]), held[1])


def _found(scenario: Scenario, answer: CaseAnswer) -> tuple[int, list[int]] | None:
    """The county and the tasks of an answer; None where the scenario does not have them."""
    counties, tasks = scenario.programme.counties.index, scenario.programme.tasks.index
    if answer.county not in counties or not set(answer.tasks) <= set(tasks):
        return None
    return counties[answer.county], [tasks[task] for task in answer.tasks]


def _parted(
    choices: _Choices,
    held: tuple[Flags, dict[tuple[int, int], tuple[int, int]]],
    answer: CaseAnswer,
    county: int,
    tasks: list[int],
) -> tuple[Flags, dict[tuple[int, int], tuple[int, int]]]:
    """What an answer leaves of what a case holds."""
    flags, ends = held
    own = choices.county == county
    if answer.end is None:
        funded = np.isin(np.arange(choices.member.shape[1]), tasks)
        same = own & (choices.member == funded).all(axis=1)
        return flags & (same | ~own if answer.said == YES else ~same), ends
    (task,), (sign, money) = tasks, answer.end
    low, high = ends.get((county, task), (0, 1 << _BITS))
    if sign == MOST:
        return flags, {**ends, (county, task): (low, min(high, money))}
    if money > 0:
        flags = flags & (choices.member[:, task] | ~own)
    return flags, {**ends, (county, task): (max(low, money), high)}


class _Steps(NamedTuple):
    """The tiers of the cells at some prices, and what lies above them."""

    worth: Ints
    """[prices, county, task, step] of a money unit."""
    fee: Ints
    """[prices, county, task] of being funded."""
    rises: Flags
    """[prices, county, task] whether a step is worth more than the one before."""


class _Counties:
    """What counties' choices are worth."""

    def __init__(
        self, scenario: Scenario, grounds: CaseGrounds, prices: _Prices, choices: _Choices
    ) -> None:
        self.prices, self.choices = prices, choices
        self.tiers = scenario.tiers_in_steps
        cells = [row for _, row in sorted(grounds.cells.items())]
        self.least = np.array([[ceil(one.least) if one else 0 for one in row] for row in cells])
        self.most = np.array([[floor(one.most) if one else 0 for one in row] for row in cells])
        own = [limits for _, limits in sorted(grounds.own.items())]
        self.floor = np.array([ceil(one.floor) for one in own])
        self.cap = np.array([floor(one.cap or 0) for one in own])
        self.most = np.minimum(self.most, self.cap[:, None])
        self.step = scenario.steps
        self.width = np.concatenate([self.tiers.width, self.most[..., None]], axis=2)

    def left_by(self, cut: int) -> _Choices:
        """Those with which a table may be worth more than `cut` units, at the first prices."""
        every = np.arange(len(self.choices.county))
        parts = np.array_split(every, len(every) // _AT_ONCE + 1)
        worth = np.concatenate([self.worths([_Case(0, part, {})])[0] for part in parts])
        best = self.best(every, worth)
        needed = cut - self.prices.constants[0] - sum(best.tolist())
        left = (best != _NEVER).all() & (worth != _NEVER)
        left[left] = worth[left] - best[self.choices.county[left]] > needed
        return _Choices(self.choices.county[left], self.choices.member[left])

    def bounds(self, cases: Iterator[_Case]) -> Iterator[Fraction | None]:
        """What each case comes to at the most; None where it leaves a county no choice."""
        waiting: list[_Case] = []
        for case in cases:
            waiting.append(case)
            if sum(len(one.choices) for one in waiting) > _AT_ONCE:
                yield from self.bounds_of(waiting)
                waiting = []
        yield from self.bounds_of(waiting)

    def bounds_of(self, cases: Sequence[_Case]) -> Iterator[Fraction | None]:
        """As `bounds`, at once."""
        for case, worth in zip(cases, self.worths(cases), strict=True):
            best = self.best(case.choices, worth)
            total = self.prices.constants[case.prices] + sum(best.tolist())
            yield None if (best == _NEVER).any() else Fraction(total, self.prices.unit)

    def best(self, choices: Ints, worth: Ints) -> Ints:
        """[county] the best of some choices."""
        best = np.full(len(self.cap), _NEVER)
        np.maximum.at(best, self.choices.county[choices], worth)
        return best

    def worths(self, cases: Sequence[_Case]) -> list[Ints]:
        """Of each case [of its choices] what they are worth, in units."""
        if not cases:
            return []
        used, which = np.unique([case.prices for case in cases], return_inverse=True)
        sizes = [len(case.choices) for case in cases]
        choice = np.concatenate([case.choices for case in cases])
        ends = [self.ends(case) for case in cases]
        low, high = (np.concatenate([one[side] for one in ends]) for side in (0, 1))
        worth = self.filled(self.steps(used), np.repeat(which, sizes), choice, (low, high))
        return np.split(worth, np.cumsum(sizes)[:-1])

    def ends(self, case: _Case) -> tuple[Ints, Ints]:
        """[of its choices, place] the least and the most money of their cells."""
        low, high = self.least.copy(), self.most.copy()
        for cell, (least, most) in case.ends.items():
            step = int(self.step[cell])
            low[cell] = max(low[cell], step * -(-least // step))
            high[cell] = min(high[cell], most // step * step)
        county, tasks = self.choices.county[case.choices, None], self.choices.tasks[case.choices]
        there = tasks >= 0
        return np.where(there, low[county, tasks], 0), np.where(there, high[county, tasks], 0)

    def steps(self, prices: Ints) -> _Steps:
        """What the cells' tiers are worth."""
        scale = self.tiers.scale
        worth = np.zeros((len(prices), *self.tiers.width.shape), dtype=np.int64)
        for number, given in enumerate(self.tiers.rate):
            rate = given.astype(np.int64)
            price = self.prices.at(2 + number, prices)[..., None] - (rate < 0)
            worth += rate * (price // scale) - (-rate * (price % scale)) // scale
        above = np.zeros((*worth.shape[:3], 1), dtype=np.int64)
        worth = np.concatenate([worth, above], axis=3)
        rises: Flags = np.any(np.diff(worth, axis=3) > 0, axis=3)
        return _Steps(
            worth + self.prices.at(0, prices)[..., None], self.prices.at(1, prices), rises
        )

    def filled(self, steps: _Steps, at: Ints, choice: Ints, ends: tuple[Ints, Ints]) -> Ints:
        """[row] what choices are worth at the prices `at`, with the best money that keeps the
        county's floor and cap and the cells' ends, [row, place]."""
        (low, high), county, tasks = ends, self.choices.county[choice], self.choices.tasks[choice]
        there, cell = tasks >= 0, (at[:, None], county[:, None], tasks)
        worth, held = steps.worth[cell], _taken(self.width[county[:, None], tasks], high)
        least = _taken(held, low)
        base = np.where(there, steps.fee[cell], 0).sum(axis=1) + (worth * least).sum(axis=(1, 2))
        width, rising = held - least, steps.rises[cell] & there
        worth[rising] = _hull(worth[rising], width[rising])
        flat = (len(choice), width.shape[1] * width.shape[2])
        width, worth = width.reshape(flat), worth.reshape(flat)
        order = np.argsort(-worth, axis=1, kind="stable")
        width, worth = (np.take_along_axis(one, order, axis=1) for one in (width, worth))
        sure = low.sum(axis=1)
        floor, cap = self.floor[county] - sure, self.cap[county] - sure
        total = np.clip(np.where(worth > 0, width, 0).sum(axis=1), floor, cap)
        possible = (cap >= 0) & (floor <= width.sum(axis=1)) & (low <= high).all(axis=1)
        return np.where(possible, base + (_taken(width, total) * worth).sum(axis=1), _NEVER)


def _hull(worth: Ints, width: Ints) -> Ints:
    """[cell, step] what a money unit of each step is worth on the least concave curve above steps
    that are filled in this order, rounded up; nothing of one without width: at each, the least from
    before of the greatest means up to after."""
    ends = [np.pad(one.cumsum(axis=1), ((0, 0), (1, 0))) for one in (width, worth * width)]
    run, rise = (one[:, None, 1:] - one[:, :-1, None] for one in ends)
    mean = np.where(run > 0, -(-rise // np.where(run > 0, run, 1)), _NEVER)
    each = np.arange(width.shape[1])
    mean[:, each[:, None] > each] = _NEVER
    greatest = np.maximum.accumulate(mean[..., ::-1], axis=2)[..., ::-1]
    least = np.minimum.accumulate(greatest, axis=1)[:, each, each]
    return np.where(width > 0, least, 0)


def _taken(width: Ints, total: Ints) -> Ints:
    """[…, step] what a total takes of steps that are filled one after the other."""
    before = width.cumsum(axis=-1) - width
    return np.asarray(np.clip(total[..., None] - before, 0, width), dtype=np.int64)
