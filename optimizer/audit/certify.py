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

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import lcm
from operator import itemgetter, mul

from models.certificate import CellLine, Certificate, LimitLine, Multiplier, places_for, rounded_up
from models.scenario import Scenario
from optimizer.audit.limits import (
    Form,
    LimitForm,
    budget_form,
    ineligible_forms,
    limit_forms,
    lock_forms,
)
from optimizer.audit.measure import Cell, Measured

_NONE = Fraction(0)
_LOCKS = "locks"
Choice = tuple[int | Fraction, bool]
"""Money of a cell, and whether that is any: without a lot it may be next to nothing."""


def certify(
    scenario: Scenario,
    points: Mapping[str, Fraction],
    multipliers: Iterable[Multiplier],
    *,
    whole: bool = True,
) -> Certificate:
    """The certificate with these multipliers; `points`: objective points per unit of each metric.

    Of all allocations in whole money units, or (`whole` false) in any parts of them, where without
    a lot a funded cell may hold next to nothing. Multipliers of limits that the scenario does not
    have count as zero, negative ones too, and one of a soft rule counts up to its price.
    """
    limits, cells = _priced(scenario, points, multipliers, whole)
    return _rounded(scenario, dict(points), limits, cells)


def prove_conflict(
    scenario: Scenario, multipliers: Iterable[Multiplier], *, whole: bool = True
) -> bool:
    """Whether the multipliers prove that no allocation keeps the rules.

    With nothing to be gained anywhere every allocation is worth nothing, and the sum, here not
    rounded, is no less than that: where it is, there is none.
    """
    nothing = dict.fromkeys(scenario.programme.metrics, _NONE)
    limits, cells = _priced(scenario, nothing, multipliers, whole)
    total = sum((one.value * constant for one, constant in limits), _NONE)
    return total + sum(Fraction(c.worth) / (c.share * scenario.tiers.scale) for c in cells) < 0


def _priced(
    scenario: Scenario,
    points: Mapping[str, Fraction],
    multipliers: Iterable[Multiplier],
    whole: bool,
) -> tuple[list[tuple[Multiplier, Fraction]], list[_Cell]]:
    """Each multiplier with the constant of its limit's slack, and the cells at these prices."""
    given = {(m.rule, m.key, m.side): m.value for m in multipliers}
    forms = [*limit_forms(scenario), budget_form(scenario)]
    prices = _Prices(scenario, points, whole)
    limits: list[tuple[Multiplier, Fraction]] = []
    for form in forms:
        for side in ("lower", "upper"):
            slack = _slack(form, side)
            value = max(given.get((form.rule, form.key, side), _NONE), _NONE)
            if slack is None or not value:
                continue
            value = min(value, _soft_price(scenario, form.rule, value))
            constant = prices.add(form, slack, value)
            limits.append((Multiplier(form.rule, form.key, side, value), constant))
    return limits, prices.cells(_caps(scenario, forms))


Cap = tuple[Fraction, str]
"""The most money that a cell may get, and the rule that says so."""


@dataclass(frozen=True)
class _Cell:
    """A cell's line before it is rounded: whole numbers over a common denominator."""

    cell: Cell
    cap: Cap
    lot: int | Fraction
    money: int | Fraction
    price: int
    funding: int
    worth: int | Fraction
    share: int
    """What `price` and `funding` are divided by; `worth` by that times the scale of the rates."""


def _rounded(
    scenario: Scenario,
    points: Mapping[str, Fraction],
    limits: Iterable[tuple[Multiplier, Fraction]],
    cells: Sequence[_Cell],
) -> Certificate:
    """The points of every line rounded up: a reader adds decimals, and the sum stays a bound."""
    products = [(one, constant, one.value * constant) for one, constant in limits]
    sizes = [float(product) for *_, product in products]
    each = scenario.tiers.scale
    places = places_for([*sizes, *(float(one.worth / (one.share * each)) for one in cells)])
    scale = 10**places
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids

    def up(number: int | Fraction, share: int) -> Fraction:
        return Fraction(-(-number * scale // share), scale) if number else _NONE

    return Certificate(
        points,
        tuple(LimitLine(one, at, rounded_up(product, places)) for one, at, product in products),
        tuple(
            CellLine(
                counties[c.cell[0]],
                tasks[c.cell[1]],
                Fraction(c.money),
                up(c.price, c.share),
                up(c.funding, c.share),
                up(c.worth, c.share * each),
                Fraction(c.lot),
                *c.cap,
            )
            for c in cells
        ),
    )


def _slack(form: LimitForm, side: str) -> Form | None:
    if side == "lower":
        return None if form.lower is None else form.value - form.lower
    return None if form.upper is None else form.upper - form.value


def _soft_price(scenario: Scenario, name: str, default: Fraction) -> Fraction:
    soft = {rule.id: rule.soft for rule in scenario.rules}.get(name)
    return default if soft is None else soft.price


class _Prices:
    """What each cell's money, funding and outcomes are worth once the limits are priced in.

    Prices are gathered first and added up as whole numbers over one denominator: many times as
    fast as adding fractions cell by cell.
    """

    def __init__(self, scenario: Scenario, points: Mapping[str, Fraction], whole: bool) -> None:
        self._scenario = scenario
        self._metrics = scenario.programme.metrics
        parted = scenario.spec.lot is None and not whole
        self._lots = [0 if parted else _plain(lot) for lot in scenario.lots()]
        counties, tasks = scenario.programme.shape
        self._every = [(c, t) for c in range(counties) for t in range(tasks)]
        self._spread: list[tuple[str, Sequence[Cell], Fraction]] = [
            (name, self._every, points[name]) for name in self._metrics
        ]

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
        if measured.measure == "counties":
            by_county = (Measured("cells", (c,), measured.tasks) for c in measured.counties)
            return sum((self._any(one, worth) for one in by_county), _NONE)
        self._spread.append((measured.measure, measured.cells, worth))
        return _NONE

    def _any(self, measured: Measured, worth: Fraction) -> Fraction:
        """worth × (one of the cells is funded), from above: all of it, or the cells' mean."""
        if worth > 0:
            return worth
        cells = measured.cells
        self._spread.append(("cells", cells, worth / len(cells)))
        return _NONE

    def cells(self, caps: Mapping[Cell, Cap]) -> list[_Cell]:
        """The most that each cell can be worth, with no more money in it than its cap."""
        tiers = self._scenario.tiers
        share = lcm(*(worth.denominator for *_, worth in self._spread))
        prices = self._added(share)
        widths, rates = tiers.width.tolist(), tiers.rate.transpose(1, 2, 3, 0).tolist()
        found = []
        for cell in self._every:
            c, t = cell
            own = [prices[name][cell] for name in self._metrics]
            curve = _Curve.of(widths[c][t], [sum(map(mul, own, step)) for step in rates[c][t]])
            lot, price, funding = self._lots[t], prices["amount"][cell], prices["cells"][cell]
            most, rule = _plain(caps[cell][0]), caps[cell][1]
            choices = [(most, most > 0)] if rule == _LOCKS else curve.choices(lot, most)
            # Of equals the first: max keeps it.
            worth, money = max(
                (
                    (curve.at(x) + tiers.scale * (x * price + (funding if funded else 0)), x)
                    for x, funded in choices
                ),
                key=itemgetter(0),
            )
            found.append(_Cell(cell, caps[cell], lot, money, price, funding, worth, share))
        return found

    def _added(self, share: int) -> dict[str, dict[Cell, int]]:
        """Measure → cell → its price, times `share`."""
        measures = ("amount", "cells", *self._metrics)
        prices = {measure: dict.fromkeys(self._every, 0) for measure in measures}
        for measure, cells, worth in self._spread:
            number = worth.numerator * (share // worth.denominator)
            mine = prices[measure]
            for cell in cells:
                mine[cell] += number
        return prices


@dataclass(frozen=True)
class _Curve:
    """What a cell's outcomes are worth, in whole numbers: straight between the ends of tiers."""

    ends: list[int]
    worth: list[int]
    """At the ends; the first is at no money."""
    slope: list[int]
    """After the ends; nothing after the last."""

    @classmethod
    def of(cls, widths: Sequence[int], yields: Sequence[int]) -> _Curve:
        steps = [width * slope for width, slope in zip(widths, yields, strict=True)]
        return cls([0, *accumulate(widths)], [0, *accumulate(steps)], [*yields, 0])

    def at(self, amount: int | Fraction) -> int | Fraction:
        place = bisect_right(self.ends, amount) - 1
        return self.worth[place] + (amount - self.ends[place]) * self.slope[place]

    def choices(self, lot: int | Fraction, most: int | Fraction) -> list[Choice]:
        """Where the most can lie: nothing, the lot, the ends of tiers between, the most."""
        if most < lot or not most:
            return [(0, False)]
        between = [end for end in self.ends if lot < end < most]
        return [(0, False), *((money, True) for money in (lot, *between, most))]


def _plain(number: Fraction) -> int | Fraction:
    """An int where the number is whole: sums of ints are many times as fast."""
    return int(number) if number.denominator == 1 else number


def _caps(scenario: Scenario, forms: Iterable[LimitForm]) -> dict[Cell, Cap]:
    """The tightest cap of each cell: the budget, caps written as plain numbers, its lock."""
    caps: dict[Cell, Cap] = {}
    for measured, most, rule in _plain_caps([*forms, *ineligible_forms(scenario)]):
        for cell in measured.cells:
            if cell not in caps or most < caps[cell][0]:
                caps[cell] = most, rule
    for form in lock_forms(scenario):
        assert form.upper is not None
        caps |= dict.fromkeys(form.cells, (form.upper.constant, form.rule))
    return caps


def _plain_caps(forms: Iterable[LimitForm]) -> Iterator[tuple[Measured, Fraction, str]]:
    """Groups whose money a hard limit caps by numbers alone, with the cap in money units."""
    for form in forms:
        if form.upper is None or form.upper.terms or form.soft:
            continue
        for measured, factor in form.value.terms.items():
            if measured.measure == "amount":
                yield measured, (form.upper.constant - form.value.constant) / factor, form.rule
