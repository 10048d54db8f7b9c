"""A certificate: an upper bound of the objective that anybody can add up, without a solver.

Give every limit a multiplier λ ≥ 0, in objective points per unit of the rule's own value. An
allocation that keeps the limit has slack ≥ 0, so

    objective ≤ objective + Σ λ × slack = Σ λ × (constant of the slack) + Σ over cells,

and on the right every cell stands alone: its money x adds the points of its outcomes and a price
for each money unit and for being funded. That is piecewise linear in x, so it is largest at no
money, at the lot, at the end of a tier or at the most that the cell may get. Whatever the
multipliers are, the sum is a bound; good ones come from the solver's prices. A soft rule may be
missed at its price, so its multiplier is at most that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from math import lcm
from operator import mul

from models.certificate import (
    CellLine,
    Certificate,
    LimitLine,
    Multiplier,
    places_for,
    rounded_up,
)
from models.exact import MICRO
from models.scenario import Scenario
from models.select import rows_where
from optimizer.audit.forms import Form, LimitForm, Measured, limit_forms

Cell = tuple[int, int]
_NONE = Fraction(0)


def certify(
    scenario: Scenario, points: Mapping[str, Fraction], multipliers: Iterable[Multiplier]
) -> Certificate:
    """The certificate with these multipliers; `points`: objective points per unit of each metric.

    Multipliers of limits that the scenario does not have count as zero, negative ones too, and
    one of a soft rule counts up to its price.
    """
    given = {(m.rule, m.key, m.side): m.value for m in multipliers}
    forms = [*limit_forms(scenario), _budget(scenario)]
    prices = _Prices(scenario, points)
    lines = []
    for form in forms:
        for side in ("lower", "upper"):
            slack = _slack(form, side)
            value = max(given.get((form.rule, form.key, side), _NONE), _NONE)
            if slack is None or not value:
                continue
            value = min(value, _soft_price(scenario, form.rule, value))
            constant = prices.add(form, slack, value)
            one = Multiplier(form.rule, form.key, side, value)
            lines.append(LimitLine(one, constant, value * constant))
    cells = tuple(prices.cells(_most_money(scenario, forms)))
    return _rounded(Certificate(dict(points), tuple(lines), cells))


def _rounded(exact: Certificate) -> Certificate:
    """The points of every line rounded up: a reader adds decimals, and the sum stays a bound."""
    places = places_for(exact.points)

    def short(number: Fraction) -> Fraction:
        return rounded_up(number, places)

    return replace(
        exact,
        limits=tuple(replace(line, points=short(line.points)) for line in exact.limits),
        cells=tuple(
            replace(c, price=short(c.price), funding=short(c.funding), points=short(c.points))
            for c in exact.cells
        ),
    )


def _budget(scenario: Scenario) -> LimitForm:
    counties, tasks = scenario.programme.shape
    everything = Measured("amount", tuple(range(counties)), tuple(range(tasks)))
    money = Form(Fraction(scenario.budget) - scenario.outside_money)
    return LimitForm("budget", (), Form(terms={everything: Fraction(1)}), upper=money)


def _slack(form: LimitForm, side: str) -> Form | None:
    if side == "lower":
        return None if form.lower is None else form.value - form.lower
    return None if form.upper is None else form.upper - form.value


def _soft_price(scenario: Scenario, name: str, default: Fraction) -> Fraction:
    soft = {rule.id: rule.soft for rule in scenario.rules}.get(name)
    return default if soft is None else soft.price


class _Prices:
    """What each cell's money, funding and outcomes are worth once the limits are priced in."""

    def __init__(self, scenario: Scenario, points: Mapping[str, Fraction]) -> None:
        self._scenario = scenario
        self._metrics = scenario.programme.metrics
        self._lots = scenario.lots()
        counties, tasks = scenario.programme.shape
        every = [(c, t) for c in range(counties) for t in range(tasks)]
        self._money = dict.fromkeys(every, _NONE)
        self._funded = dict.fromkeys(every, _NONE)
        own = {name: points[name] for name in self._metrics}
        self._outcome = {cell: dict(own) for cell in every}

    def add(self, form: LimitForm, slack: Form, value: Fraction) -> Fraction:
        """Price one limit in; returns the constant of its slack."""
        constant = slack.constant
        for measured, factor in slack.terms.items():
            constant += self._term(measured, value * factor) / value
        if form.only_if is not None:
            # The bound holds only where one of the cells is funded: it falls away with the rest.
            bound = -slack.constant
            constant = constant + bound + self._any(form.only_if, -value * bound) / value
        return constant

    def _term(self, measured: Measured, worth: Fraction) -> Fraction:
        """Spread a priced term over its cells; returns what is left as a constant."""
        cells = [(c, t) for c in measured.counties for t in measured.tasks]
        if measured.measure == "counties":
            by_county = (Measured("cells", (c,), measured.tasks) for c in measured.counties)
            return sum((self._any(one, worth) for one in by_county), _NONE)
        for cell in cells:
            if measured.measure == "amount":
                self._money[cell] += worth
            elif measured.measure == "cells":
                self._funded[cell] += worth
            else:
                self._outcome[cell][measured.measure] += worth
        return _NONE

    def _any(self, measured: Measured, worth: Fraction) -> Fraction:
        """worth × (one of the cells is funded), from above: all of it, or the cells' mean."""
        if worth > 0:
            return worth
        cells = [(c, t) for c in measured.counties for t in measured.tasks]
        for cell in cells:
            self._funded[cell] += worth / len(cells)
        return _NONE

    def cells(self, most: Mapping[Cell, Fraction]) -> Iterator[CellLine]:
        """The most that each cell can be worth, with `most` money units in it at the most."""
        programme = self._scenario.programme
        locked = {
            (programme.counties.index[lock.county], programme.tasks.index[lock.task]): lock.amount
            for lock in self._scenario.spec.locks
        }
        for cell in self._money:
            choices = [locked[cell]] if cell in locked else self._choices(cell, most[cell])
            worth, money = self._best(cell, choices)
            at = programme.counties.ids[cell[0]], programme.tasks.ids[cell[1]]
            yield CellLine(*at, money, self._money[cell], self._funded[cell], worth)

    def _choices(self, cell: Cell, most: Fraction) -> list[Fraction]:
        """Where the most can lie: nothing, the lot, the ends of tiers between, the most."""
        lot = self._lots[cell[1]]
        if most < lot:
            return [_NONE]
        ends = self._scenario.tiers.width[cell].cumsum().tolist()
        return [_NONE, lot, *(Fraction(end) for end in ends if lot < end < most), most]

    def _best(self, cell: Cell, choices: Iterable[Fraction]) -> tuple[Fraction, Fraction]:
        """(largest worth, the money that reaches it), in whole numbers over one denominator."""
        prices = [self._outcome[cell][name] for name in self._metrics]
        share = lcm(*(p.denominator for p in (*prices, self._money[cell], self._funded[cell])))
        whole = [int(price * share) for price in prices]
        money, funded = int(self._money[cell] * share), int(self._funded[cell] * share)
        widths = self._scenario.tiers.width[cell].tolist()
        rates = self._scenario.tiers.rate[:, cell[0], cell[1], :].tolist()
        yields = [sum(map(mul, whole, step)) for step in zip(*rates, strict=True)]
        lot = _plain(self._lots[cell[1]])
        best: tuple[int | Fraction, int | Fraction] | None = None
        for amount in map(_plain, choices):
            left, worth = amount, MICRO * (amount * money + (funded if amount >= lot else 0))
            for width, rate in zip(widths, yields, strict=True):
                inside = min(left, width)
                worth += inside * rate
                left -= inside
            if best is None or worth > best[0]:
                best = (worth, amount)
        assert best is not None
        return Fraction(best[0]) / (share * MICRO), Fraction(best[1])


def _plain(number: Fraction) -> int | Fraction:
    """An int where the number is whole: sums of ints are many times as fast."""
    return int(number) if number.denominator == 1 else number


def _most_money(scenario: Scenario, forms: Iterable[LimitForm]) -> dict[Cell, Fraction]:
    """The most money that each cell may get: the budget, and caps written as plain numbers."""
    counties, tasks = scenario.programme.shape
    budget = Fraction(scenario.budget) - scenario.outside_money
    most = {(c, t): budget for c in range(counties) for t in range(tasks)}
    for measured, cap in _plain_caps(forms):
        for c in measured.counties:
            for t in measured.tasks:
                most[c, t] = min(most[c, t], cap)
    for row in scenario.spec.ineligible:
        for c in rows_where(scenario.programme.counties, row.where):
            for t in rows_where(scenario.programme.tasks, row.where):
                most[c, t] = _NONE
    return most


def _plain_caps(forms: Iterable[LimitForm]) -> Iterator[tuple[Measured, Fraction]]:
    """Groups whose money a hard rule caps by numbers alone, with the cap in money units."""
    for form in forms:
        if form.upper is None or form.upper.terms or form.soft:
            continue
        for measured, factor in form.value.terms.items():
            if measured.measure == "amount":
                yield measured, form.upper.constant / factor
