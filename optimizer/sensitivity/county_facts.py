"""What can be told of a county on the telephone: its share, its rank, what changed, what decides.

Worked out from one allocation in exact arithmetic, the decision by moves that are judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from models.finding import Finding
from models.metadata import read_labels
from models.scenario import Scenario
from models.selection import value_text
from optimizer.audit.limits import LimitForm, limit_forms
from optimizer.audit.measure import Cell, Measured, outcomes_of
from optimizer.audit.swaps import FullLimit, JudgedMove, Move, SwapJudge, is_nothing
from optimizer.problem import Reference

_JUDGED = 24
"""So many moves that gain are read in full, to find the one limit that stands against one."""

_NEAR = Fraction(1, 20)
"""Share of its money within which a county's own least amount is said to hold it as well: an
assumption."""

Way = Literal["out", "in"]


@dataclass(frozen=True)
class Rank:
    """A place among so many, the first one the greatest; equal ones share it."""

    place: int
    of: int


@dataclass(frozen=True)
class Heads:
    """A county's money per resident beside the others'."""

    residents: Fraction
    everyone: Fraction
    """Residents of all counties."""
    rank: Rank
    group: tuple[str, str] | None
    """(column, value) of the group that reports add up by, such as its area."""
    in_group: Rank | None


@dataclass(frozen=True)
class FirstUnit:
    """What a first money unit does in a county, the mean of its open tasks, beside its peers: the
    counties under the same rules for the money of one county."""

    points: Fraction
    """Objective points."""
    mean: Fraction
    """That of the peers, the county among them."""
    rank: Rank
    """Among the peers."""

    @property
    def ratio(self) -> Fraction:
        """Over the mean of the peers."""
        return self.points / self.mean


@dataclass(frozen=True)
class HeldMoney:
    """A limit that decides what a county has."""

    limit: FullLimit
    way: Way
    """`out`: it keeps money in the county; `in`: it keeps money from it."""
    is_own: bool
    """It is a limit of this county alone."""
    move: JudgedMove | None
    """One money unit that gains, and breaks this one limit alone; None where the county stands just
    at the limit, and every such move that was tried breaks others too."""
    under: Finding | None = None
    """The county's own least amount a little below, where a shared limit keeps what is above it:
    all that and a unit more would gain too, and breaks these two rules and no other."""

    @property
    def times(self) -> Fraction | None:
        """What the moved unit does in its new place, over what it does in its old one; None where
        it did nothing there, or was unspent."""
        if self.move is None or self.move.move.source is None:
            return None
        gain, loss = self.move.move.steps
        return gain.points / -loss.points if loss.points < 0 else None


@dataclass(frozen=True)
class CountyFacts:
    """One county of an allocation."""

    county: int
    money: Fraction
    of_money: Fraction
    """All the money spent."""
    heads: Heads | None
    """None where the programme names no residents."""
    baseline: Fraction
    """What the scenario's baseline gives it."""
    last_year: Fraction | None
    """None where the scenario has no such table, or not this county in it."""
    first_unit: FirstUnit | None
    """None where a first unit does nothing on the whole."""
    held: HeldMoney | None
    """None where no single limit decides."""

    @property
    def added(self) -> Fraction:
        """More than the baseline; negative for less."""
        return self.money - self.baseline


def facts_of(judge: SwapJudge, reference: Reference, county: int) -> CountyFacts:
    """The facts of one county; `reference`: the baseline of the judge's scenario."""
    scenario = judge.scenario
    money = judge.allocation.by_county
    last = scenario.last_year
    code = scenario.programme.counties.ids[county]
    return CountyFacts(
        county=county,
        money=money[county],
        of_money=judge.audit.spent,
        heads=_heads(judge, money, county),
        baseline=reference.allocation.by_county[county],
        last_year=None if last is None else last.by_county.get(code),
        first_unit=_first_unit(judge, county),
        held=held_money(judge, county),
    )


def _heads(judge: SwapJudge, money: Sequence[Fraction], county: int) -> Heads | None:
    programme = judge.scenario.programme
    labels, counties = read_labels(programme), programme.counties
    if labels.residents is None:
        return None
    heads = counties.numbers(labels.residents)
    if not heads[county]:
        return None
    per = [amount / head if head else None for amount, head in zip(money, heads, strict=True)]
    group, inside = None, None
    if labels.group_by is not None:
        values = [value_text(value) for value in counties.values(labels.group_by)]
        group = labels.group_by, values[county]
        mine = [n for n, value in zip(per, values, strict=True) if value == values[county]]
        inside = _rank(per[county], mine)
    return Heads(heads[county], sum(heads, Fraction(0)), _rank(per[county], per), group, inside)


def _rank(mine: Fraction | None, numbers: Sequence[Fraction | None]) -> Rank:
    known = [number for number in numbers if number is not None]
    assert mine is not None
    return Rank(1 + sum(1 for number in known if number > mine), len(known))


def _first_unit(judge: SwapJudge, county: int) -> FirstUnit | None:
    """The points of one unit, the mean over the tasks that are open in a county."""
    scenario = judge.scenario
    grids = outcomes_of(scenario, np.ones(scenario.programme.shape, dtype=object), 1)
    points = sum(grid.values * (judge.points[name] / grid.scale) for name, grid in grids.items())
    found: list[Fraction | None] = []
    for at, row in enumerate(np.asarray(points).tolist()):
        mine = [one for task, one in enumerate(row) if (at, task) not in judge.barred]
        found.append(sum(mine, Fraction(0)) / len(mine) if mine else None)
    over = _own_rules(judge)
    known = [one for at, one in enumerate(found) if one is not None and over[at] == over[county]]
    total, mine_too = sum(known, Fraction(0)), found[county]
    if mine_too is None or total <= 0:
        return None
    return FirstUnit(mine_too, total / len(known), _rank(mine_too, known))


def _own_rules(judge: SwapJudge) -> list[frozenset[str]]:
    """By county the rules with a limit on all its money."""
    found: list[set[str]] = [set() for _ in range(judge.scenario.programme.shape[0])]
    for county, form in _own_limits(judge.scenario):
        found[county].add(form.rule)
    return [frozenset(one) for one in found]


def _own_limits(scenario: Scenario) -> Iterator[tuple[int, LimitForm]]:
    """(county, limit on all the money of it and of no other)."""
    tasks = tuple(range(scenario.programme.shape[1]))
    for form in limit_forms(scenario):
        for of in form.value.terms:
            if len(form.value.terms) == 1 and of == Measured("amount", of.counties[:1], tasks):
                yield of.counties[0], form


def held_money(judge: SwapJudge, county: int) -> HeldMoney | None:
    """The one limit that decides what a county has: a limit of its own before one that it shares
    with some others, one that keeps money in it before one that keeps money from it."""
    ways: tuple[Way, ...] = ("out", "in")
    found = [one for way in ways for one in _held(judge, county, way)]
    if not any(one.is_own for one in found):
        found += _stands_at(judge, county)
    held = min(found, key=lambda one: not one.is_own, default=None)
    if held is None or held.is_own or held.way == "in":
        return held
    return replace(held, under=_under(judge, county, held))


def _under(judge: SwapJudge, county: int, held: HeldMoney) -> Finding | None:
    """The county's own least amount, where it is so near that it decides as well."""
    assert held.move is not None
    unit, money = held.move.move, sum(judge.allocation.amounts[county].tolist())
    for at, form in _own_limits(judge.scenario):
        if at != county or form.lower is None or form.soft or form.lower.terms:
            continue
        room = money - form.lower.constant
        if not 0 <= room <= _NEAR * money:
            continue
        beyond = (room // unit.money + 1) * unit.money
        if unit.source is None or judge.money(unit.source) < beyond:
            continue
        judged = judge.judged(judge.move(unit.source, unit.target, beyond))
        if judged.points > 0 and set(judged.breaks) == {form.rule, held.limit.finding.rule}:
            keys = (form.rule, form.key)
            return next(one for one in judge.audit.findings if (one.rule, one.key) == keys)
    return None


def _stands_at(judge: SwapJudge, county: int) -> Iterator[HeldMoney]:
    """The limits of all its money that the county stands at."""
    tasks = tuple(range(judge.scenario.programme.shape[1]))
    for limit in judge.full:
        if limit.value.terms == {Measured("amount", (county,), tasks): 1}:
            yield HeldMoney(limit, "out" if limit.side == "lower" else "in", True, None)


def _held(judge: SwapJudge, county: int, way: Way) -> Iterator[HeldMoney]:
    """Of an own limit and of a shared one the best move that only it forbids."""
    seen: set[bool] = set()
    most = _JUDGED
    for move in _unit_moves(judge, county, way):
        if is_nothing(move.points, move.steps[0].points) or move.points < 0 or not most:
            return
        against = judge.full_limits(move)
        if len(against) != 1 or not _is_particular(judge, against[0], county):
            continue
        is_own = len(against[0].counties) == 1
        if is_own in seen:
            continue
        judged, most = judge.judged(move), most - 1
        if judged.breaks == (against[0].finding.rule,):
            seen.add(is_own)
            yield HeldMoney(against[0], way, is_own, judged)


def _is_particular(judge: SwapJudge, limit: FullLimit, county: int) -> bool:
    """Whether it is a limit of this county, and not of every county."""
    return county in limit.counties and len(limit.counties) < judge.scenario.programme.shape[0]


def _unit_moves(judge: SwapJudge, county: int, way: Way) -> list[Move]:
    """One money unit (or step) between the county and each other, both cells funded, best first."""
    mine = [cell for cell in judge.movable if cell[0] == county]
    others: list[Cell] = [cell for cell in judge.movable if cell[0] != county]
    ends = (mine, others) if way == "out" else (others, mine)
    moves = (judge.move(a, b, judge.unit(a, b)) for a in ends[0] for b in ends[1])
    return sorted(moves, key=lambda move: -move.points)
