"""Formulas that compare exactly, and where the cells that they read stand."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.allocation import Allocation
from models.exact import plain_number
from models.metadata import value_name
from models.rule import NO_IDLE, STEP
from models.scenario import Scenario
from models.selection import value_text
from optimizer.audit.limits import Form, baseline_measure, idle_ends, reference_reading
from optimizer.audit.measure import Measured, read_measures
from reports.excel.book import BookSheet, cell
from reports.view.allocation_view import grouping_columns, is_large
from reports.view.rule_view import RuleView

# Linear forms over cells as formulas that compare exactly.
#
# Spreadsheets reckon in floating point, where whole numbers are exact below 2⁵³; programs treat two
# numbers as equal when they differ in the last of 15 figures. A limit is therefore never compared
# as a quotient: both sides are multiplied out to whole numbers of whole cells, and where a product
# could pass `SAFE` it is reckoned in two or more digits of base 2¹⁶, from the lowest to the
# highest, each carrying into the next: the sign of the highest is the sign of the whole.


SAFE = 2**47
"""Whole numbers below this are exact, and stay apart from their neighbours in every program."""
BASE = 2**16
LARGEST_CELL = 2**46
"""The most that a cell of a form may hold for its digits to be exact."""
_LARGEST_DIGIT = 2**49


@dataclass(frozen=True)
class WholeCell:
    """A cell with a whole number: what it holds, and the most that it ever can."""

    ref: str
    value: int | Fraction
    """Fraction only where money is not in whole units."""
    most: int


Linear = Mapping[WholeCell, Fraction]
"""Cell → coefficient."""


@dataclass(frozen=True)
class Formula:
    """The body of a formula and what it comes to."""

    body: str
    value: Fraction


def rounded_down(body: str) -> str:
    """The formula of whole people or firms: what a float falls short of a whole number by is made
    up for, outcomes being whole millionths."""
    return f"INT({body}+{_MADE_UP})"


_MADE_UP = "0.0000001"


def readable(cells: Linear, constant: Fraction, times: Fraction = Fraction(1)) -> Formula:
    """`times` × the form, divided out: for people to read, never to decide by."""
    factors = [factor * times for factor in cells.values()]
    last = constant * times
    under = math.lcm(last.denominator, *(factor.denominator for factor in factors))
    body = _sum(
        [(int(f * under), term_cell.ref) for f, term_cell in zip(factors, cells, strict=True)]
    )
    over = _with_constant(body, int(last * under))
    if under != 1:
        over = f"({over})/{under}"
    value = last + sum(
        (f * term_cell.value for f, term_cell in zip(factors, cells, strict=True)), Fraction(0)
    )
    return Formula(over, value)


def sign(cells: Linear, constant: Fraction) -> tuple[Formula, bool]:
    """A whole number with the sign of the form (0 only for 0 or more), and whether it is exact.

    Negative exactly where the form is below zero.
    """
    under = math.lcm(constant.denominator, *(factor.denominator for factor in cells.values()))
    factors = [int(factor * under) for factor in cells.values()]
    last = int(constant * under)
    common = math.gcd(last, *factors) or 1
    terms = [
        (factor // common, term_cell) for factor, term_cell in zip(factors, cells, strict=True)
    ]
    last //= common
    most = abs(last) + sum(abs(factor) * term_cell.most for factor, term_cell in terms)
    value = last + sum(
        (factor * Fraction(term_cell.value) for factor, term_cell in terms), Fraction(0)
    )
    if most < SAFE:
        body = _with_constant(_sum([(factor, term_cell.ref) for factor, term_cell in terms]), last)
        return Formula(body, value), True
    return _digits(terms, last)


def _digits(terms: list[tuple[int, WholeCell]], last: int) -> tuple[Formula, bool]:
    """The highest digit of Σ factor × cell + last, all lower ones carried into it."""
    count = 1 + max(_length(number) for number in (last, *(factor for factor, _ in terms)))
    sums: list[list[tuple[int, str]]] = [[] for _ in range(count)]
    most, values = [0] * count, [Fraction(0)] * count
    for factor, term_cell in terms:
        high, low = (
            f"INT({term_cell.ref}/{BASE})",
            f"({term_cell.ref}-{BASE}*INT({term_cell.ref}/{BASE}))",
        )
        held = Fraction(term_cell.value)
        for at, digit in enumerate(_digits_of(factor, count - 1)):
            for place, ref, part, bound in (
                (at, low, held % BASE, BASE),
                (at + 1, high, Fraction(held // BASE), term_cell.most // BASE + 1),
            ):
                if digit:
                    sums[place].append((digit, ref))
                    values[place] += digit * part
                    most[place] += abs(digit) * bound
    exact = all(term_cell.most < LARGEST_CELL for _, term_cell in terms)
    body, value, above = "", Fraction(0), 0
    for place, digit in enumerate(_digits_of(last, count)):
        whole = _with_constant(_sum(sums[place]), digit)
        body = f"{whole}+INT(({body})/{BASE})" if body else whole
        value = values[place] + digit + value // BASE
        above = most[place] + abs(digit) + above // BASE + 1
        exact &= above < _LARGEST_DIGIT
    return Formula(body, value), exact


def _length(number: int) -> int:
    return max(1, -(-abs(number).bit_length() // 16))


def _digits_of(number: int, count: int) -> list[int]:
    """Digits of base 2¹⁶ from the lowest, each with the sign of the number."""
    way, rest = (-1 if number < 0 else 1), abs(number)
    return [way * (rest >> (16 * place) & (BASE - 1)) for place in range(count)]


def _sum(terms: list[tuple[int, str]]) -> str:
    """`27*D5-3*E7`; '' for nothing."""
    text = ""
    for factor, ref in terms:
        if factor:
            lead = "" if abs(factor) == 1 else f"{abs(factor)}*"
            text += ("-" if factor < 0 else "+" if text else "") + lead + ref
    return text


def _with_constant(body: str, constant: int) -> str:
    if not body:
        return str(constant)
    return body + (f"{constant:+d}" if constant else "")


# What the sheet of workings holds: where each sum stands, what it comes to, how large it can get.
#
# One row a county, one block of columns a measure (a column a task): money, whether a cell is
# funded, what a cell yields in whole numbers (10⁻⁶ of a metric's unit, or the largest unit that
# keeps all rates whole). Sums by county stand to the right, sums over sets of counties below.


TOP = 5
"""Row of the first county."""
REST, WHOLE = "workings.rest", "workings.whole"
"""Columns, as they are called, by which a metric's whole parts are found: most remainder first."""
FIRST_TASK = 3
_ROOM = 4
"""So many budgets the table may hold before sums could lose exactness (assumption: nobody types
more)."""


@dataclass(frozen=True)
class Base:
    """A block of columns, one a task."""

    measure: str
    """`amount`, `cells`, a metric, what the baseline holds of one (`baseline_measure`), `no-idle`
    (the most money that yields anything) or `step`."""
    weight: Fraction
    """What 1 in these cells stands for in the measure's unit."""
    values: NDArray[Any]
    """[county, task] → what the cells hold."""
    rates: NDArray[Any] | None = None
    """[county, task, tier] → how much of `weight` a money unit yields; None for money and flags."""
    is_fixed: bool = False
    """Numbers that no edit of the table changes."""

    @cached_property
    def largest_rate(self) -> int:
        """How much of `weight` a money unit yields at the most; 1 for money and flags."""
        return 1 if self.rates is None else int(abs(self.rates).max(initial=0))


@dataclass
class Cells:
    """Where the measures that are needed stand, on a sheet of the name `sheet`."""

    scenario: Scenario
    allocation: Allocation
    needs: Iterable[Measured]
    sheet: str
    bases: list[Base] = field(init=False)
    columns: dict[tuple[str, int, tuple[int, ...]], int] = field(init=False, default_factory=dict)
    """(kind, base, tasks) → column of the sums by county; with `REST` and `WHOLE` of a metric."""
    sets: dict[tuple[int, ...], int] = field(init=False, default_factory=dict)
    """Counties → row of their sums."""
    sums: dict[tuple[int, int], int | Fraction] = field(init=False, default_factory=dict)
    """(row, column) of the sums over sets of counties → what they come to."""
    _parts: dict[str, Sequence[Fraction | int]] = field(init=False, default_factory=dict)
    _rows: dict[tuple[int, bool, tuple[int, ...]], list[int | Fraction]] = field(
        init=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        self.counties, self.tasks = self.scenario.programme.shape
        self.whole = self.allocation.is_whole
        self.most_money = _ROOM * max(self.scenario.budget, math.ceil(self.allocation.spent))
        needs = list(self.needs)
        self.bases = list(_bases(self.scenario, self.allocation, self.most_money))
        self.bases += _fixed_bases(self.scenario, {measured.measure for measured in needs})
        for measured in needs:
            for at in self.bases_of(measured.measure):
                self._cell(at, measured)

    def of(self, measured: Measured) -> dict[WholeCell, Fraction]:
        """The cells that add up to a measure, each with what 1 in it stands for."""
        found = {}
        for at in self.bases_of(measured.measure):
            value = self.value(at, measured)
            held = WholeCell(self.ref(*self._cell(at, measured)), value, self._most(at, measured))
            found[held] = self.bases[at].weight
        return found

    def form(self, form: Form) -> dict[WholeCell, Fraction]:
        """A form as coefficients of cells, those of 0 left out."""
        found: dict[WholeCell, Fraction] = {}
        for measured, factor in form.terms.items():
            for held, weight in self.of(measured).items():
                found[held] = found.get(held, Fraction(0)) + factor * weight
        return {held: factor for held, factor in found.items() if factor}

    def whole_parts(self, metric: str, members: tuple[int, ...]) -> Formula:
        """Whole people or firms of some counties: those of all add up to the total rounded down."""
        column = self.whole_columns(metric)[1]
        parts = self.parts(metric)
        value = sum(int(parts[county]) for county in members)
        if len(members) == 1:
            return Formula(self.ref(TOP + members[0], column), Fraction(value))
        row = self.sets.setdefault(members, TOP + self.counties + len(self.sets))
        self.sums[row, column] = value
        return Formula(self.ref(row, column), Fraction(value))

    def whole_columns(self, metric: str) -> tuple[int, int]:
        """Columns of what each county's outcome has beyond whole units, and of its whole part."""
        every, number = tuple(range(self.tasks)), self.scenario.programme.metrics.index(metric)
        for at in self.bases_of(metric):
            self._column(at, Measured(metric, (0,), every))
        start = self.first_column(len(self.bases))
        rest, whole = (
            self.columns.setdefault((kind, number, every), start + len(self.columns))
            for kind in (REST, WHOLE)
        )
        return rest, whole

    def exact(self, metric: str, county: int) -> Formula:
        """What a county yields, divided out."""
        every = tuple(range(self.tasks))
        return readable(
            self.form(Form(terms={Measured(metric, (county,), every): Fraction(1)})), Fraction(0)
        )

    def parts(self, metric: str) -> Sequence[Fraction | int]:
        """[county] what it yields as papers show it."""
        if metric not in self._parts:
            file = self.scenario.programme.file.metrics[
                self.scenario.programme.metrics.index(metric)
            ]
            each = [self.exact(metric, county).value for county in range(self.counties)]
            self._parts[metric] = file.parts(each)
        return self._parts[metric]

    def ref(self, row: int, column: int) -> str:
        """How other sheets name a cell of this one."""
        return BookSheet.prefix_of(self.sheet) + cell(row, column)

    def value(self, at: int, measured: Measured) -> int | Fraction:
        """What the cells of a base come to over a block."""
        rows = self._by_county(at, measured.measure == "counties", measured.tasks)
        return plain_number(sum([rows[county] for county in measured.counties]))

    def _by_county(self, at: int, any_: bool, tasks: tuple[int, ...]) -> list[int | Fraction]:
        """[county] what the cells of a base come to over some tasks; or whether there are any."""
        key = (at, any_, tasks)
        if key not in self._rows:
            held = self.bases[at].values[:, list(tasks)]
            self._rows[key] = [int(row.any()) if any_ else plain_number(row.sum()) for row in held]
        return self._rows[key]

    def first_column(self, at: int) -> int:
        """Column of the first task of a base; of the sums by county, where `at` is past all."""
        return FIRST_TASK + at * self.tasks

    def bases_of(self, measure: str) -> list[int]:
        """Places of the grids of cells that add up to a measure."""
        wanted = "cells" if measure == "counties" else measure
        return [at for at, base in enumerate(self.bases) if base.measure == wanted]

    def _cell(self, at: int, measured: Measured) -> tuple[int, int]:
        """(row, column) of a measure; settled when it is first asked for."""
        column = self._column(at, measured)
        if len(measured.counties) == 1:
            return TOP + measured.counties[0], column
        row = self.sets.setdefault(measured.counties, TOP + self.counties + len(self.sets))
        self.sums[row, column] = self.value(at, measured)
        return row, column

    def _column(self, at: int, measured: Measured) -> int:
        if len(measured.tasks) == 1:
            return self.first_column(at) + measured.tasks[0]
        # Counties are counted in a column of their own: one with two funded cells counts once.
        kind = "counties" if measured.measure == "counties" else ""
        start = self.first_column(len(self.bases))
        return self.columns.setdefault((kind, at, measured.tasks), start + len(self.columns))

    def _most(self, at: int, measured: Measured) -> int:
        """The most that a measure can come to while the table holds at most `most_money`."""
        base = self.bases[at]
        if base.measure == "cells":
            return len(measured.counties) * len(measured.tasks)
        if base.is_fixed:
            return math.ceil(Fraction(abs(base.values).sum()))
        return self.most_money * base.largest_rate


def _bases(scenario: Scenario, allocation: Allocation, most_money: int) -> Iterator[Base]:
    reading = read_measures(scenario, allocation)
    amounts = np.array(reading.amounts, dtype=object)
    yield Base("amount", Fraction(1), amounts)
    yield Base("cells", Fraction(1), reading.funded.astype(np.int64))
    width = scenario.tiers.width.astype(object)
    start = np.cumsum(width, axis=2) - width
    filled = np.minimum(np.maximum(amounts[:, :, None] - start, 0), width)
    for metric, rates in zip(scenario.programme.metrics, scenario.tiers.rate, strict=True):
        for weight, digit in _rate_digits(rates.astype(object), scenario.tiers.scale, most_money):
            yield Base(metric, weight, (filled * digit).sum(axis=2), digit)


def _fixed_bases(scenario: Scenario, needed: Collection[str]) -> Iterator[Base]:
    """What the table of bounds `of: baseline` holds, as far as limits read it; where cells cease to
    yield and the steps of their money, where these are limits."""
    for measure in ("amount", *scenario.programme.metrics):
        if (name := baseline_measure(measure)) in needed:
            reading = reference_reading(scenario)
            grid = reading.money if measure == "amount" else reading.outcomes[measure]
            yield Base(name, Fraction(1, grid.scale), grid.values.astype(object), is_fixed=True)
    if ends := idle_ends(scenario):
        held = np.array(list(ends.values()), dtype=object).reshape(scenario.programme.shape)
        yield Base(NO_IDLE, Fraction(1), held, is_fixed=True)
    if (scenario.steps > 1).any():
        yield Base(STEP, Fraction(1), scenario.steps.astype(object), is_fixed=True)


def _rate_digits(
    rates: NDArray[Any], scale: int, most_money: int
) -> Iterator[tuple[Fraction, NDArray[Any]]]:
    """Rates in whole numbers; in several digits where their sums could pass `LARGEST_CELL`."""
    common = math.gcd(*rates.ravel().tolist(), 0) or 1
    whole, weight = rates // common, Fraction(common, scale)
    bits = max(1, (LARGEST_CELL // most_money).bit_length() - 1)
    if abs(whole).max(initial=0) * most_money < LARGEST_CELL:
        yield weight, whole
        return
    sign, whole = np.where(whole < 0, -1, 1).astype(object), abs(whole)
    while whole.any():
        yield weight, sign * (whole % 2**bits)
        whole, weight = whole // 2**bits, weight * 2**bits


# Where everything stands in the table that people edit; settled before anything is written.


HEAD = 3
"""Row of the head; above it stand the title, what is shown, and the state of the rules."""
FIRST = HEAD + 2
"""Row after the one of the grand total."""
MOST_GROUPS = 400
"""More groups than these get no subtotals (assumption: their sum would pass a formula's length)."""


@dataclass(frozen=True)
class Group:
    """Counties under one subtotal."""

    name: str
    row: int
    """Row of the subtotal."""
    first: int
    last: int
    """Rows of its counties."""


@dataclass(frozen=True)
class Layout:
    """Rows and columns count from 0."""

    view: RuleView
    allocation: Allocation | None
    """None for an empty table."""
    fields: tuple[str, ...]
    """Columns of the county table that are shown after the code."""
    groups: tuple[Group, ...]
    rows: tuple[int, ...]
    """Row of each county, in the order of the programme's table."""
    outside: tuple[tuple[int, str, str, Fraction], ...]
    """(row, code, name, money) of the places outside the grid."""
    last: int

    @property
    def group_column(self) -> int | None:
        return 1 if self.view.labels.subtotal else None

    @property
    def name(self) -> int:
        """Column of the counties' names."""
        return 2 if self.view.labels.subtotal else 1

    @property
    def code(self) -> int:
        """Column of the codes."""
        return self.name + 1

    @property
    def task(self) -> int:
        """Column of the first task."""
        return self.code + 1 + len(self.fields)

    @property
    def beyond(self) -> int | None:
        """Column of the money of places outside the grid; None without such places."""
        return self.task + len(self.view.scenario.programme.tasks) if self.outside else None

    @property
    def total(self) -> int:
        """Column of a county's total; share, last year and change follow it."""
        return self.task + len(self.view.scenario.programme.tasks) + bool(self.outside)

    @property
    def share(self) -> int:
        return self.total + 1

    @property
    def last_year(self) -> int:
        return self.total + 2

    @property
    def change(self) -> int:
        return self.total + 3

    @property
    def rate(self) -> int:
        """Column of the change as a share of last year's money, the last one."""
        return self.total + 4

    @property
    def money_columns(self) -> range:
        """Columns with this year's money, the total among them."""
        return range(self.task, self.total + 1)


def layout_of(view: RuleView, allocation: Allocation | None) -> Layout:
    """Counties under their subtotals, in the order of the programme's table; then the outside."""
    counties = view.scenario.programme.counties
    listed, rows = _grouped(view), [0] * len(counties)
    row, groups = FIRST, []
    for name, members in listed:
        if name:
            groups.append(Group(name, row, row + 1, row + len(members)))
            row += 1
        for county in members:
            rows[county] = row
            row += 1
    outside = []
    for code, named, money in _outside(view, allocation):
        outside.append((row, code, named, money))
        row += 1
    shown = [*view.labels.shown]
    if is_large(view.scenario):  # No subtotals: one looks for a group by the filter of its column.
        columns = grouping_columns(view.scenario, view.labels)
        shown += [name for name in columns if name not in (*shown, view.labels.subtotal)]
    fields = tuple(name for name in shown if counties.kind(name))
    return Layout(view, allocation, fields, tuple(groups), tuple(rows), tuple(outside), row - 1)


def _grouped(view: RuleView) -> list[tuple[str, Sequence[int]]]:
    """(name of the group, its counties); one group without a name where there are no subtotals."""
    counties, column = view.scenario.programme.counties, view.labels.subtotal
    groups: dict[str, list[int]] = {}
    for county, value in enumerate(counties.values(column) if column else ()):
        groups.setdefault(value_text(value), []).append(county)
    if column is None or len(groups) > MOST_GROUPS or is_large(view.scenario):
        return [("", range(len(counties)))]
    programme, lang = view.scenario.programme, view.words.lang
    return [
        (value_name(programme, view.labels, (column, name), lang), members)
        for name, members in groups.items()
    ]


def _outside(view: RuleView, allocation: Allocation | None) -> list[tuple[str, str, Fraction]]:
    """The places outside the grid: as the allocation has them, the others as the scenario does."""
    listed = {code: (code, name, money) for code, name, money in _held(allocation)}
    for place in view.scenario.spec.outside:
        listed.setdefault(place.code, (place.code, place.name, place.amount))
    return list(listed.values())


def _held(allocation: Allocation | None) -> Sequence[tuple[str, str, Fraction]]:
    return () if allocation is None else allocation.outside
