"""Sums that cannot meet, found without a solver: what rules need somewhere and others allow there.

Only numbers that stand by themselves are added up: plain ones, columns, shares of the budget. What
is found is a proof; that nothing is found proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from math import ceil

import numpy as np

from models.remedies import Check, Key
from models.scenario import Scenario
from optimizer.audit.limits import (
    Form,
    LimitForm,
    budget_form,
    ineligible_forms,
    limit_forms,
)
from optimizer.audit.measure import Measured


@dataclass(frozen=True)
class _Bound:
    """A constant bound of what some counties × tasks come to."""

    rule: str
    key: Key
    of: Measured
    bound: Fraction

    @cached_property
    def counties(self) -> frozenset[int]:
        return frozenset(self.of.counties)

    @cached_property
    def tasks(self) -> frozenset[int]:
        return frozenset(self.of.tasks)

    def holds(self, other: _Bound) -> bool:
        """Whether all cells of the other are among its own."""
        return other.counties <= self.counties and other.tasks <= self.tasks

    def shared(self, other: _Bound) -> int:
        """How many cells both have."""
        return len(self.counties & other.counties) * len(self.tasks & other.tasks)

    @property
    def cells(self) -> int:
        return len(self.counties) * len(self.tasks)


@dataclass(frozen=True)
class _Placed:
    """Bounds by the first of their counties: of thousands, few are looked at for each other one."""

    by_first: Mapping[int, Sequence[_Bound]]

    @classmethod
    def of(cls, sides: Iterable[_Bound]) -> _Placed:
        found: dict[int, list[_Bound]] = {}
        for side in sides:
            found.setdefault(side.of.counties[0], []).append(side)
        return cls(found)

    def within(self, cap: _Bound) -> list[_Bound]:
        """Those whose cells are all among the cap's."""
        mine = (self.by_first.get(county, ()) for county in cap.of.counties)
        return [side for sides in mine for side in sides if cap.holds(side)]


def conflicting_sums(scenario: Scenario) -> tuple[Check, ...]:
    """The pairs of sums that cannot meet, each rule against each other one once."""
    lower, upper = _sides(limit_forms(scenario))
    needs = [side for side in lower if side.of.measure == "amount"]
    caps = [side for side in upper if side.of.measure == "amount"]
    caps += _given_caps(scenario)
    found = [*_over_caps(needs, caps), *_under_floors(needs, caps), *_metrics(scenario, lower)]
    found += _counted(scenario, needs, (lower, upper))
    found += _totals(scenario, lower, [*upper, *_given_caps(scenario)])
    once: dict[tuple[str, str, str], Check] = {}
    for check in found:
        once.setdefault((check.kind, check.rule, check.other), check)
    return tuple(once.values())


def _sides(forms: Iterable[LimitForm]) -> tuple[list[_Bound], list[_Bound]]:
    """Lower and upper bounds that are numbers by themselves; rules that give way left out."""
    found: tuple[list[_Bound], list[_Bound]] = ([], [])
    for form in forms:
        if form.soft or form.only_if is not None or len(form.value.terms) != 1:
            continue
        ((measured, _),) = form.value.terms.items()
        for sides, bound in zip(found, (form.lower, form.upper), strict=True):
            if bound is not None and _is_constant(bound):
                number = (bound.constant - form.value.constant) * form.heads
                sides.append(_Bound(form.rule, form.key, measured, number))
    return found


def _is_constant(bound: Form) -> bool:
    return not any(bound.terms.values())


def _given_caps(scenario: Scenario) -> list[_Bound]:
    """The budget first, then nothing in the cells that are not eligible."""
    return _sides([budget_form(scenario), *ineligible_forms(scenario)])[1]


def _by_rule(sides: Sequence[_Bound]) -> Iterator[tuple[str, list[_Bound]]]:
    for rule, group in groupby(sides, key=lambda side: side.rule):
        yield rule, list(group)


def _over_caps(needs: Sequence[_Bound], caps: Sequence[_Bound]) -> Iterator[Check]:
    """The floors of one rule within one cap add up to more than it."""
    for rule, mine in _by_rule([side for side in needs if side.bound > 0]):
        most, placed = sum((side.bound for side in mine), Fraction(0)), _Placed.of(mine)
        for cap in (cap for cap in caps if cap.bound < most):
            held = placed.within(cap)
            inside = sum((side.bound for side in held), Fraction(0))
            if inside > cap.bound and cap.rule != rule:
                key = held[0].key if len(held) == 1 else cap.key
                yield Check("money", rule, cap.rule, key, inside, cap.bound)


def _under_floors(needs: Sequence[_Bound], caps: Sequence[_Bound]) -> Iterator[Check]:
    """The caps of one rule that cover a floor add up to less than it."""
    for other, mine in _by_rule(caps):
        least = min(cap.bound for cap in mine)
        for need in (need for need in needs if need.bound > least):
            shared = [(cap.shared(need), cap.bound) for cap in mine]
            allow = sum((bound for count, bound in shared if count), Fraction(0))
            covered = sum(count for count, _ in shared) == need.cells
            if covered and allow < need.bound and other != need.rule:
                yield Check("money", need.rule, other, need.key, need.bound, allow)


_KINDS = {"amount": "money", "cells": "cells"}


def _totals(
    scenario: Scenario, lower: Sequence[_Bound], upper: Sequence[_Bound]
) -> Iterator[Check]:
    """What all groups of one rule need adds up to more than the groups of another allow there."""
    summed = {*_KINDS, *scenario.programme.metrics}
    for rule, needs in _by_rule([side for side in lower if side.of.measure in summed]):
        measure, mine = needs[0].of.measure, _cells(scenario, needs)
        need = sum((side.bound for side in needs), Fraction(0))
        same = [side for side in upper if side.of.measure == measure and side.rule != rule]
        for other, caps in _by_rule(same):
            touched = [cap for cap in caps if mine[np.ix_(cap.of.counties, cap.of.tasks)].any()]
            allow = sum((cap.bound for cap in touched), Fraction(0))
            if allow < need and not (mine & ~_cells(scenario, touched)).any():
                yield Check(_KINDS.get(measure, "outcome"), rule, other, (), need, allow)


def _cells(scenario: Scenario, sides: Sequence[_Bound]) -> np.typing.NDArray[np.bool_]:
    """[county, task] The cells that some bounds are measured over."""
    found = np.zeros(scenario.programme.shape, dtype=bool)
    for side in sides:
        found[np.ix_(side.of.counties, side.of.tasks)] = True
    return found


def _metrics(scenario: Scenario, lower: Sequence[_Bound]) -> Iterator[Check]:
    """A floor of a metric is more than the budget yields where each money unit does most."""
    budget, *closed = _given_caps(scenario)
    barred, money = np.zeros(scenario.programme.shape, dtype=bool), budget.bound
    for side in closed:
        barred[np.ix_(side.of.counties, side.of.tasks)] = True
    for side in lower:
        if side.of.measure in scenario.programme.metrics:
            most = _most(scenario, side.of, barred, money)
            if side.bound > most:
                yield Check("metric", side.rule, "budget", side.key, side.bound, most)


def _most(
    scenario: Scenario, of: Measured, barred: np.typing.NDArray[np.bool_], money: Fraction
) -> Fraction:
    """The most of a metric that so much money can yield in some cells, best tiers first."""
    metric = scenario.programme.metrics.index(of.measure)
    open_ = ~barred[np.ix_(of.counties, of.tasks)]
    rates = scenario.tiers.rate[metric][np.ix_(of.counties, of.tasks)][open_].ravel()
    widths = scenario.tiers.width[np.ix_(of.counties, of.tasks)][open_].ravel()
    total, left = Fraction(0), money
    for at in np.argsort(-rates, kind="stable").tolist():
        if rates[at] <= 0:
            break  # Money that would do harm stays unspent.
        used = min(left, Fraction(int(widths[at])))
        total += used * int(rates[at])
        left -= used
        if left <= 0:
            break
    return total / scenario.tiers.scale


def _counted(
    scenario: Scenario,
    needs: Sequence[_Bound],
    sides: tuple[list[_Bound], list[_Bound]],
) -> Iterator[Check]:
    """Funded cells: each floor takes one at least, and each costs at least its lot."""
    lower, upper = sides
    floors = [side for side in needs if side.bound > 0]
    yield from _too_few_cells(floors, [side for side in upper if side.of.measure == "cells"])
    counties = [side for side in upper if side.of.measure == "counties"]
    yield from _too_few_counties([side for side in lower if side.bound > 0], counties)
    if scenario.spec.lot is None:
        return
    lots, budget = scenario.lots(), _given_caps(scenario)[0]
    for side in lower:
        if side.of.measure == "cells" and side.bound > 0:
            need = ceil(side.bound) * min(lots[task] for task in side.of.tasks)
            if need > budget.bound:
                yield Check("lot", side.rule, "budget", side.key, need, budget.bound)
    caps = [side for side in upper if side.of.measure == "amount"]
    yield from _lots_over_caps(lots, floors, caps)


def _too_few_cells(floors: Sequence[_Bound], caps: Sequence[_Bound]) -> Iterator[Check]:
    rules = [(rule, _Placed.of(mine)) for rule, mine in _by_rule(floors)]
    for cap in caps:
        for rule, mine in rules:
            count = Fraction(len(mine.within(cap)))
            if count > cap.bound:
                yield Check("cells", rule, cap.rule, cap.key, count, cap.bound)


def _too_few_counties(floors: Sequence[_Bound], caps: Sequence[_Bound]) -> Iterator[Check]:
    """Floors of whatever measure in counties that no two of them share: each takes one at least."""
    rules = [(rule, _Placed.of(mine)) for rule, mine in _by_rule(floors)]
    for cap in caps:
        for rule, mine in rules:
            counts: dict[frozenset[int], int] = {}
            for side in mine.within(cap):
                count = ceil(side.bound) if side.of.measure == "counties" else 1
                counts[side.counties] = max(count, counts.get(side.counties, 1))
            apart = sum(map(len, counts)) == len(frozenset().union(*counts))
            if apart and (need := Fraction(sum(counts.values()))) > cap.bound and rule != cap.rule:
                yield Check("counties", rule, cap.rule, cap.key, need, cap.bound)


def _lots_over_caps(
    lots: Sequence[Fraction], floors: Sequence[_Bound], caps: Sequence[_Bound]
) -> Iterator[Check]:
    """Caps below the lot leave no cell to fund where a floor asks for one."""
    for rule, mine in _by_rule(caps):
        small = [cap for cap in mine if cap.bound < min(lots[task] for task in cap.of.tasks)]
        for floor in floors:
            if sum(cap.shared(floor) for cap in small) == floor.cells:
                lot = min(lots[task] for task in floor.of.tasks)
                yield Check("lot", "lot", rule, floor.key, lot, small[0].bound)
