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
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import accumulate, product
from math import gcd, lcm
from operator import itemgetter, mul
from typing import NamedTuple

from models.certificate import (
    CellLine,
    Certificate,
    CountyLine,
    Key,
    LimitLine,
    Multiplier,
    places_for,
    rounded_up,
)
from models.exact import plain_number
from models.rule import NO_IDLE
from models.scenario import Scenario
from optimizer.audit.county_bound import (
    CountyLimits,
    PricedCell,
    best_worth,
    county_limits,
    may_be_listed,
)
from optimizer.audit.limits import (
    Form,
    LimitForm,
    bound_forms,
    budget_form,
    idle_ends,
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
    forms, prices, limits = _priced_in(scenario, points, multipliers, whole)
    return _rounded(scenario, dict(points), limits, prices.cells(_caps(scenario, forms)))


def prove_conflict(
    scenario: Scenario, multipliers: Iterable[Multiplier], *, whole: bool = True
) -> bool:
    """Whether the multipliers prove that no allocation keeps the rules.

    With nothing to be gained anywhere every allocation is worth nothing, and the sum, here not
    rounded, is no less than that: where it is, there is none.
    """
    nothing = dict.fromkeys(scenario.programme.metrics, _NONE)
    forms, prices, limits = _priced_in(scenario, nothing, multipliers, whole)
    cells = prices.cells(_caps(scenario, forms))
    total = sum((one.value * constant for one, constant in limits), _NONE)
    scale = scenario.tiers_in_steps.scale
    return total + sum(Fraction(c.worth) / (c.share * scale) for c in cells) < 0


def certify_by_county(
    scenario: Scenario,
    points: Mapping[str, Fraction],
    multipliers: Iterable[Multiplier],
    *,
    whole: bool = True,
) -> Certificate | None:
    """As `certify`, each county at the best of its choices of cells; None where one has none.

    The limits that a county's choice keeps by itself, of all its money and of its funded cells,
    need no multiplier. A cell counts as the least concave curve above what it is worth; a
    county whose choices are too many to be listed, as its cells by themselves.
    """
    forms, prices, limits = _priced_in(scenario, points, multipliers, whole)
    caps = _caps(scenario, forms)
    found, lines = [], []
    cells = prices.by_county(caps)
    open_cells = {c: frozenset(t for t, one in enumerate(row) if one) for c, row in cells.items()}
    own = county_limits(forms, open_cells, scenario.inside_money)
    own = _in_steps(scenario, own) if whole else own
    for county, row in cells.items():
        if not may_be_listed(open_cells[county], own[county].counts):
            chosen = prices.cells(caps, [county])
            worth: int | Fraction = sum(cell.worth for cell in chosen)
        else:
            best = best_worth(row, own[county])
            if best is None:
                return None
            worth, chosen = best[0], prices.chosen(county, best[1], caps)
        lines.append(_County(county, own[county], worth))
        found += chosen
    return _rounded(scenario, dict(points), limits, found, lines)


def _in_steps(scenario: Scenario, own: Mapping[int, CountyLimits]) -> dict[int, CountyLimits]:
    """The bounds of each county's money, moved to whole steps of its cells' money."""
    found = {}
    for county, one in own.items():
        step = gcd(*scenario.steps[county].tolist())
        cap = None if one.cap is None else step * (one.cap // step)
        found[county] = replace(one, floor=step * -(-one.floor // step), cap=cap)
    return found


def _priced_in(
    scenario: Scenario,
    points: Mapping[str, Fraction],
    multipliers: Iterable[Multiplier],
    whole: bool,
) -> tuple[list[LimitForm], _Prices, list[tuple[Multiplier, Fraction]]]:
    """(the limits, the cells' prices with the limits priced in, each multiplier that counts with
    the constant of its limit's slack)."""
    forms = [*limit_forms(scenario), budget_form(scenario)]
    prices = _Prices(scenario, points, whole)
    given = {(m.rule, m.key, m.side): m.value for m in multipliers}
    limits: list[tuple[Multiplier, Fraction]] = []
    for form in forms:
        for side in ("lower", "upper"):
            value = max(given.get((form.rule, form.key, side), _NONE), _NONE)
            slack = _slack(form, side) if value else None
            if slack is None:
                continue
            value = min(value, _soft_price(scenario, form.rule, value))
            constant = prices.add(form, slack, value)
            limits.append((Multiplier(form.rule, form.key, side, value), constant))
    return forms, prices, limits


Cap = tuple[Fraction, str]
"""The most money that a cell may get, and the rule that says so."""


class _Cell(NamedTuple):
    """A cell's line before it is rounded: whole numbers over a common denominator."""

    cell: Cell
    cap: Cap
    lot: int | Fraction
    money: int | Fraction
    price: int
    funding: int
    outcomes: int | Fraction
    worth: int | Fraction
    share: int
    """What `price` and `funding` are divided by; `outcomes` and `worth` by that times the scale of
    the rates."""


class _County(NamedTuple):
    """A county's line before it is rounded; `worth` as a cell's."""

    county: int
    limits: CountyLimits
    worth: int | Fraction


def _rounded(
    scenario: Scenario,
    points: Mapping[str, Fraction],
    limits: Iterable[tuple[Multiplier, Fraction]],
    cells: Sequence[_Cell],
    by_county: Sequence[_County] = (),
) -> Certificate:
    """The points of every line rounded up: a reader adds decimals, and the sum stays a bound."""
    products = [(one, constant, one.value * constant) for one, constant in limits]
    sizes = [float(product) for *_, product in products]
    each = scenario.tiers_in_steps.scale
    places = places_for([*sizes, *(float(one.worth / (one.share * each)) for one in cells)])
    scale = 10**places
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids

    @cache  # Whole groups of cells have the same prices.
    def up(number: int | Fraction, share: int) -> Fraction:
        return Fraction(-(-number * scale // share), scale) if number else _NONE

    whole = part = cache(Fraction)

    def cell_line(c: _Cell) -> CellLine:
        return CellLine(
            county=counties[c.cell[0]],
            task=tasks[c.cell[1]],
            money=whole(c.money),
            price=part(c.price, c.share),
            funding=part(c.funding, c.share),
            points=up(c.worth, c.share * each),
            outcomes=Fraction(c.outcomes, c.share * each) if c.outcomes else _NONE,
            lot=whole(c.lot),
            cap=c.cap[0],
            cap_rule=c.cap[1],
        )

    return Certificate(
        points,
        tuple(LimitLine(one, at, rounded_up(product, places)) for one, at, product in products),
        tuple(map(cell_line, cells)),
        tuple(
            CountyLine(
                counties[one.county],
                Fraction(one.limits.floor),
                None if one.limits.cap is None else Fraction(one.limits.cap),
                one.limits.text(tasks),
                up(one.worth, cells[0].share * each),
            )
            for one in by_county
        ),
        places,
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
        lots, tasks = scenario.cell_lots, len(scenario.programme.tasks)
        least = (min(lots[task::tasks]) for task in range(tasks))
        self._lots = [0 if parted else plain_number(lot) for lot in least]
        tiers = scenario.tiers_in_steps
        self._scale, self._steps = tiers.scale, scenario.steps.tolist()
        self._widths = tiers.width.tolist()
        self._rates = tiers.rate.transpose(1, 2, 3, 0).tolist()
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

    def apart(
        self, form: LimitForm, slack: Form
    ) -> tuple[Fraction, tuple[tuple[str, Sequence[Cell], Fraction], ...]]:
        """What a multiplier of 1 makes of a limit, not added to the others: the constant of its
        slack, and what it spreads."""
        before = len(self._spread)
        constant = self.add(form, slack, Fraction(1))
        spread = tuple(self._spread[before:])
        del self._spread[before:]
        return constant, spread

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

    def cells(self, caps: Mapping[Cell, Cap], counties: Iterable[int] | None = None) -> list[_Cell]:
        """The most that each cell can be worth, with no more money in it than its cap; of all
        counties unless some are named."""
        found, shape = [], self._scenario.programme.shape
        for cell in product(range(shape[0]) if counties is None else counties, range(shape[1])):
            c, t = cell
            curve = _Curve.of(self._widths[c][t], self._yields[cell])
            (lot, most), rule = self._ends(cell, caps[cell]), caps[cell][1]
            choices = curve.choices(lot, most)
            if rule == _LOCKS:
                choices = [(most, most > 0)]
            # Of equals the first: max keeps it.
            worth, money = max(
                ((curve.at(x) + self._beside(cell, x, funded), x) for x, funded in choices),
                key=itemgetter(0),
            )
            found.append(self._line(cell, caps[cell], (money, curve.at(money), worth)))
        return found

    def _ends(self, cell: Cell, cap: Cap) -> tuple[int | Fraction, int | Fraction]:
        """The least and the most money of a cell that has any, in its steps."""
        lot, most, step = self._lots[cell[1]], plain_number(cap[0]), self._steps[cell[0]][cell[1]]
        return (lot, most) if step == 1 else (step * -(-lot // step), step * (most // step))

    def by_county(self, caps: Mapping[Cell, Cap]) -> dict[int, list[PricedCell | None]]:
        """County → its cells at prices, [task]; None for one that may hold no money."""
        tasks = range(self._scenario.programme.shape[1])
        counties = range(self._scenario.programme.shape[0])
        return {c: [self._priced_cell((c, t), caps[(c, t)]) for t in tasks] for c in counties}

    def _priced_cell(self, cell: Cell, cap: Cap) -> PricedCell | None:
        """A cell at prices, its tiers filled in order."""
        (c, t), (lot, most) = cell, self._ends(cell, cap)
        locked = cap[1] == _LOCKS
        least = most if locked else lot
        if not most or most < least:
            return None
        price = self._scale * self.prices["amount"][cell]
        steps = [
            (worth + price, width)
            for worth, width in zip(self._yields[cell], self._widths[c][t], strict=True)
        ]
        fee = self._beside(cell, 0, funded=True)
        return PricedCell.of((least, most), fee, [*steps, (price, most)], must=locked)

    def chosen(
        self, county: int, money: Mapping[int, int | Fraction], caps: Mapping[Cell, Cap]
    ) -> list[_Cell]:
        """The cells of a county with the money of its best choice."""
        lines = []
        for task in range(self._scenario.programme.shape[1]):
            cell, amount = (county, task), money.get(task, 0)
            outcomes: int | Fraction = 0
            worth: int | Fraction = 0
            if task in money:
                outcomes = _Curve.of(self._widths[county][task], self._yields[cell]).at(amount)
                worth = outcomes + self._beside(cell, amount, funded=True)
            lines.append(self._line(cell, caps[cell], (amount, outcomes, worth)))
        return lines

    @cached_property
    def _yields(self) -> dict[Cell, list[int]]:
        """What a money unit in each tier of a cell is worth by its outcomes."""
        found, worths = {}, [self.prices[name] for name in self._metrics]
        for cell in self._every:
            own = [prices[cell] for prices in worths]
            found[cell] = [sum(map(mul, own, step)) for step in self._rates[cell[0]][cell[1]]]
        return found

    def _beside(self, cell: Cell, money: int | Fraction, funded: bool) -> int | Fraction:
        """What its money and its being funded are worth beside outcomes."""
        funding = self.prices["cells"][cell] if funded else 0
        return self._scale * (money * self.prices["amount"][cell] + funding)

    def _line(self, cell: Cell, cap: Cap, reached: tuple[int | Fraction, ...]) -> _Cell:
        """`reached`: its money, what its outcomes are worth, and all that it is."""
        price, funding = self.prices["amount"][cell], self.prices["cells"][cell]
        money, outcomes, worth = reached
        lot = self._lots[cell[1]]
        return _Cell(cell, cap, lot, money, price, funding, outcomes, worth, self.share)

    @cached_property
    def share(self) -> int:
        """The common denominator of all prices, once all limits are priced in."""
        return lcm(*(worth.denominator for *_, worth in self._spread))

    @cached_property
    def prices(self) -> dict[str, dict[Cell, int]]:
        """Measure → cell → its price, times `share`."""
        measures = ("amount", "cells", *self._metrics)
        prices = {measure: dict.fromkeys(self._every, 0) for measure in measures}
        for measure, cells, worth in self._spread:
            number = worth.numerator * (self.share // worth.denominator)
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


def _caps(scenario: Scenario, forms: Iterable[LimitForm]) -> dict[Cell, Cap]:
    """The tightest cap of each cell: the budget, caps written as plain numbers, its lock."""
    caps: dict[Cell, Cap] = {}
    for measured, most, rule in _plain_caps([*forms, *ineligible_forms(scenario)]):
        for cell in measured.cells:
            if cell not in caps or most < caps[cell][0]:
                caps[cell] = most, rule
    for cell, end in idle_ends(scenario).items():
        if end < caps[cell][0]:
            caps[cell] = end, NO_IDLE
    for form in lock_forms(scenario):
        assert form.upper is not None
        caps |= dict.fromkeys(form.cells, (form.upper.constant, form.rule))
    return _within_bounds(caps, bound_forms(scenario))


def _within_bounds(caps: dict[Cell, Cap], bounds: Iterable[LimitForm]) -> dict[Cell, Cap]:
    """Caps with the bounds of single cells: what is paid stands there whatever caps it."""
    for form in bounds:
        (cell,) = form.cells
        low, high = form.lower, form.upper
        if high is not None and high.constant < caps[cell][0]:
            caps[cell] = high.constant, form.rule
        if low is not None and low.constant > caps[cell][0]:
            caps[cell] = low.constant, form.rule  # It is paid, whatever caps it.
    return caps


def _plain_caps(forms: Iterable[LimitForm]) -> Iterator[tuple[Measured, Fraction, str]]:
    """Groups whose money a hard limit caps by numbers alone, with the cap in money units."""
    for form in forms:
        if form.upper is None or form.upper.terms or form.soft:
            continue
        for measured, factor in form.value.terms.items():
            if measured.measure == "amount":
                yield measured, (form.upper.constant - form.value.constant) / factor, form.rule


# What all cases of a proof by cases have in common.


_COUNTED = {"amount", "cells", "counties"}


def _in_whole_units(slack: Form) -> Form:
    """What must be zero or more, its constant rounded down as far as whole money lets it be."""
    if not {measured.measure for measured in slack.terms} <= _COUNTED:
        return slack
    share = lcm(*(factor.denominator for factor in slack.terms.values()))
    unit = gcd(*(int(factor * share) for factor in slack.terms.values()))
    if not unit:
        return slack
    return replace(slack, constant=Fraction(slack.constant * share // unit * unit, share))


class UnitPrice(NamedTuple):
    """What a multiplier of 1 of one side of a limit makes: in proportion, what another makes."""

    constant: Fraction
    spread: tuple[tuple[str, Sequence[Cell], Fraction], ...]
    """(measure, cells, the price of a unit of it in each)"""
    most: Fraction | None
    """It counts up to this: of a soft rule."""


class CaseGrounds(NamedTuple):
    """A scenario as every case of a proof sees it, before any limit has a price."""

    prices: Mapping[tuple[str, Key, str], UnitPrice]
    """(rule, key, side)"""
    cells: Mapping[int, list[PricedCell | None]]
    """County → its cells, [task]: their least and most money."""
    own: Mapping[int, CountyLimits]


def case_grounds(scenario: Scenario, sides: Iterable[tuple[str, Key, str]]) -> CaseGrounds:
    """What bounds a scenario's cases, in whole money units; `sides`: the limits that have prices
    anywhere. Those that the scenario does not have are left out."""
    forms = [*limit_forms(scenario), budget_form(scenario)]
    prices = _Prices(scenario, dict.fromkeys(scenario.programme.metrics, _NONE), True)
    known = {(form.rule, form.key): form for form in forms}
    soft = {rule.id: rule.soft.price for rule in scenario.rules if rule.soft}
    found = {}
    for rule, key, side in sides:
        form = known.get((rule, key))
        slack = None if form is None else _slack(form, side)
        if form is not None and slack is not None:
            hard = not form.soft and form.only_if is None
            slack = _in_whole_units(slack) if hard else slack
            constant, spread = prices.apart(form, slack)
            found[rule, key, side] = UnitPrice(constant, spread, soft.get(rule))
    cells = prices.by_county(_caps(scenario, forms))
    open_cells = {c: frozenset(t for t, one in enumerate(row) if one) for c, row in cells.items()}
    own = county_limits(forms, open_cells, scenario.inside_money)
    return CaseGrounds(found, cells, _in_steps(scenario, own))
