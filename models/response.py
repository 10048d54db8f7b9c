"""The formula behind a tier table: how the outcome of a cell grows and saturates with its money.

outcome(x) = κ[metric] × a[task, metric] × q[county, metric] × s × (1 − exp(−x / s)), with x in
money units; q is a county's productivity, s its saturation scale. `response.yaml` holds every
constant; which of them are assumptions stands in the programme's `sources.yaml`. All arithmetic
is decimal at 40 digits, so a tier table has the same bytes on every platform.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from models.errors import did_you_mean, refuse
from models.exact import MICRO, Exact, NotNegative, parse_exact
from models.files import File
from models.scenario_file import Cost
from models.strict_yaml import Strict, parse_model, read_yaml
from models.tiers import Tiers

FILE = "response.yaml"
KAPPA_GRID = 10**9
"""κ is fitted in steps of one part of this: nine decimals."""

_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_LARGEST_KAPPA = 10**9 * KAPPA_GRID

Rates = tuple[int, ...]
Columns = Mapping[str, Sequence[Fraction]]
"""Column → its values, county by county; true/false columns hold 1 and 0."""


def _flag_or_number(value: object) -> Fraction:
    words = {"true": Fraction(1), "false": Fraction(0)}
    text = str(value).lower()
    return words[text] if text in words else parse_exact(value)


class Saturation(Strict):
    """Where returns fade: s = σ[task] × (Π columns / the plain mean of Π columns) ^ power."""

    columns: tuple[str, ...] = Field(min_length=1)
    power: NotNegative


class Fit(Strict):
    """What κ of one metric is fitted to: a `total`, or the money that one unit took."""

    total: NotNegative | None = None
    """Metric units that the given amounts must reach."""
    money_per_unit: NotNegative | None = None
    """Money units for one metric unit: the total is the money spent divided by this."""
    where: Mapping[str, Annotated[Fraction, BeforeValidator(_flag_or_number)]] = {}
    """Column → value: only such counties count, in money and in outcome."""
    task: str | None = None
    """Only this task counts, in money and in outcome."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Fit:
        if (self.total is None) == (self.money_per_unit is None):
            raise ValueError("either total or money_per_unit is due here")
        if self.money_per_unit == 0:
            raise ValueError("money_per_unit must be above 0")
        return self


class Response(Strict):
    """The content of `response.yaml`."""

    breakpoints: tuple[NotNegative, ...] = Field(min_length=2)
    """Ends of the tiers in units of s; the first is 0."""
    mean_weights: str | None = None
    """Column that weights the means within `productivity`; None: plain means."""
    productivity: Mapping[str, Mapping[str, Exact]] = {}
    """Metric → column → power: q = Π (column / its mean) ^ power / cost."""
    cost: Cost | None = None
    """What the same work costs more in a harder place: 1 + step × column."""
    saturation: Saturation | None = None
    """None: s = σ[task] in every county."""
    tasks: Mapping[str, Mapping[str, NotNegative]]
    """Task → `sigma` (money units) and the factor a of each metric."""
    kappa: Mapping[str, Mapping[str, NotNegative]]
    """Calibration → metric → κ, metric units per money unit."""
    fit: Mapping[str, Mapping[str, Fit]] = {}
    """Calibration → metric → what κ was fitted to."""

    @model_validator(mode="after")
    def _is_usable(self) -> Response:
        if self.breakpoints[0] != 0 or any(a >= b for a, b in pairwise(self.breakpoints)):
            raise ValueError("breakpoints must start at 0 and rise")
        for task, values in self.tasks.items():
            if values.get("sigma", Fraction(0)) <= 0:
                raise ValueError(f"tasks.{task}: sigma, above 0, is due here")
        return self


@dataclass(frozen=True)
class _Cell:
    """Shape of one cell's curve before κ, a and q: tier widths and the chord slope over each."""

    widths: tuple[int, ...]
    slopes: tuple[Decimal, ...]


@dataclass(frozen=True, eq=False)
class _Each:
    """A number of every county; two are the same only if they are one object."""

    values: tuple[Decimal, ...]


@dataclass(frozen=True, eq=False)
class _Curves:
    """The cells of one task, county by county; the same as above."""

    cells: tuple[_Cell, ...]


# Studies change one constant at a time, so what the others give is kept: of the last few tasks and
# metrics, for a large programme holds much of it.


def read_response(path: File, patch: Mapping[str, Any] | None = None) -> Response:
    """`response.yaml`, some of its constants changed by `patch`, which has its structure.

    Raises InputError with every problem found.
    """
    return parse_model(Response, merged(read_yaml(path), patch or {}), path.name)


def tiers_by_formula(
    response: Response,
    counties: Columns,
    tasks: Sequence[str],
    metrics: Sequence[str],
    kappa: Mapping[str, Fraction],
) -> Tiers:
    """The tiers of all cells under one κ a metric.

    Breakpoints are rounded half up to whole money units, each at least one above the last; a
    rate is the slope of the chord over its tier, in 10⁻⁶ metric units per money unit, rounded
    half to even and never rising. Raises InputError where a column, task or metric is missing
    or a power cannot be taken.
    """
    with localcontext(_CONTEXT):
        curves = _curves(response, counties, tasks)
        rates = [
            [
                _task_rates(_kappa_of(kappa, metric), _of_task(response, task, metric), q, curve)
                for task, curve in zip(tasks, curves, strict=True)
            ]
            for metric in metrics
            for q in [_productivity(response, counties, metric)]
        ]
    width = np.array([[cell.widths for cell in curve.cells] for curve in curves], dtype=np.int64)
    rate = np.array(rates, dtype=np.int64).swapaxes(1, 2)
    return Tiers(np.ascontiguousarray(width.swapaxes(0, 1)), np.ascontiguousarray(rate))


def fit_kappa(
    response: Response,
    counties: Columns,
    amounts: Mapping[str, Sequence[int]],
    metric: str,
    fit: Fit,
) -> Fraction:
    """The smallest κ, in steps of 10⁻⁹, at which `amounts` reach the total of `fit`.

    `amounts`: task → whole money units, county by county. Outcomes are those of the final,
    rounded tier table, so the fitted table meets the total exactly and not nearly. Raises
    InputError where no κ reaches it.
    """
    tasks = tuple(amounts) if fit.task is None else (fit.task,)
    chosen = _chosen(counties, fit.where)
    with localcontext(_CONTEXT):
        q, curves = _productivity(response, counties, metric), _curves(response, counties, tasks)
        bases = [
            _bases(_of_task(response, task, metric), q, curve)
            for task, curve in zip(tasks, curves, strict=True)
        ]
    filled = [
        (base, _fill(amounts[task][c], curves[t].cells[c].widths))
        for c in chosen
        for t, task in enumerate(tasks)
        if any(base := bases[t][c]) and amounts[task][c] > 0
    ]
    spent = sum(amounts[task][c] for task in tasks for c in chosen)
    due = fit.total if fit.money_per_unit is None else Fraction(spent) / fit.money_per_unit
    return _smallest(filled, Fraction(due or 0) * MICRO, metric)


def merged(content: Any, patch: Any) -> Any:
    """Mappings merge key by key, everything else is replaced."""
    if not (isinstance(content, Mapping) and isinstance(patch, Mapping)):
        return patch
    changed = {
        key: merged(content[key], value) if key in content else value
        for key, value in patch.items()
    }
    return {**content, **changed}


def _smallest(
    filled: Sequence[tuple[Sequence[Decimal], Sequence[int]]], due: Fraction, metric: str
) -> Fraction:
    """Bisection over whole steps of κ: no outcome falls when κ rises."""

    def reaches(step: int) -> bool:
        kappa = Fraction(step, KAPPA_GRID)
        with localcontext(_CONTEXT):
            return due <= sum(
                rate * money
                for base, monies in filled
                for rate, money in zip(_rates(kappa, base), monies, strict=True)
            )

    low, high = -1, 0
    while not reaches(high):
        low, high = high, max(1, high * 2)
        if high > _LARGEST_KAPPA:
            refuse(FILE, f"fit: {metric}", "no kappa reaches this total with the given amounts")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return Fraction(high, KAPPA_GRID)


def _curves(response: Response, counties: Columns, tasks: Sequence[str]) -> list[_Curves]:
    """The shapes of all cells, task by task."""
    sizes = _sizes(response, counties)
    sigmas = [_of_task(response, task, "sigma") for task in tasks]
    return [_of_one_task(response.breakpoints, sigma, sizes) for sigma in sigmas]


@lru_cache(maxsize=16)
def _of_one_task(breakpoints: tuple[Fraction, ...], sigma: Fraction, sizes: _Each) -> _Curves:
    return _Curves(tuple(_cell(breakpoints, _decimal(sigma) * size) for size in sizes.values))


def _cell(breakpoints: Sequence[Fraction], scale: Decimal) -> _Cell:
    ends = [0]
    for point in breakpoints[1:]:
        whole = (_decimal(point) * scale).to_integral_value(rounding=ROUND_HALF_UP)
        # In a very small county two breakpoints may round to one; a tier needs some width.
        ends.append(max(int(whole), ends[-1] + 1))
    left = [(-Decimal(end) / scale).exp() for end in ends]
    widths = tuple(b - a for a, b in pairwise(ends))
    falls = [scale * (a - b) for a, b in pairwise(left)]
    return _Cell(widths, tuple(fall / width for fall, width in zip(falls, widths, strict=True)))


def _bases(a: Fraction, q: _Each, curves: _Curves) -> list[tuple[Decimal, ...]]:
    """Chord slopes of a task before κ, county by county: a × q × the slope of the curve's shape."""
    factor = _decimal(a)
    return [
        tuple(mine * slope for slope in cell.slopes)
        for own, cell in zip(q.values, curves.cells, strict=True)
        for mine in (factor * own,)
    ]


@lru_cache(maxsize=64)
def _task_rates(kappa: Fraction, a: Fraction, q: _Each, curves: _Curves) -> tuple[Rates, ...]:
    """The rates of a task in one metric, county by county."""
    return tuple(_rates(kappa, base) for base in _bases(a, q, curves))


def _rates(kappa: Fraction, base: Sequence[Decimal]) -> Rates:
    """Whole 10⁻⁶ rates; rounding alone must never make a rate rise."""
    rates: list[int] = []
    by = _decimal(kappa)
    for slope in base:
        micro = (by * slope * MICRO).to_integral_value(rounding=ROUND_HALF_EVEN)
        rates.append(min(int(micro), rates[-1]) if rates else int(micro))
    return tuple(rates)


def _productivity(response: Response, counties: Columns, metric: str) -> _Each:
    """q of each county."""
    powers = response.productivity.get(metric, {})
    columns = [_column(counties, name) for name in powers]
    weights = [] if response.mean_weights is None else _column(counties, response.mean_weights)
    return _product(
        tuple(_costs(response, counties)),
        tuple(powers.items()),
        tuple(map(tuple, columns)),
        tuple(weights),
    )


@lru_cache(maxsize=16)
def _product(
    costs: tuple[Fraction, ...],
    powers: tuple[tuple[str, Fraction], ...],
    columns: tuple[tuple[Fraction, ...], ...],
    weights: tuple[Fraction, ...],
) -> _Each:
    """Π (column / its mean) ^ power / cost; without weights plain means."""
    q = [Decimal(1) / _decimal(cost) for cost in costs]
    for (name, power), values in zip(powers, columns, strict=True):
        mean = _mean(values, weights or [Fraction(1)] * len(values), name)
        q = [
            before * _power(value / mean, power, name)
            for before, value in zip(q, values, strict=True)
        ]
    return _Each(tuple(q))


def _costs(response: Response, counties: Columns) -> list[Fraction]:
    if response.cost is None:
        return [Fraction(1)] * _length(counties)
    return [1 + response.cost.step * value for value in _column(counties, response.cost.column)]


def _sizes(response: Response, counties: Columns) -> _Each:
    """What σ is multiplied by in each county."""
    if response.saturation is None:
        return _scaled((Fraction(1),) * _length(counties), Fraction(0), "")
    products = [Fraction(1)] * _length(counties)
    for name in response.saturation.columns:
        products = [a * b for a, b in zip(products, _column(counties, name), strict=True)]
    label = " × ".join(response.saturation.columns)
    if any(product <= 0 for product in products):
        refuse(FILE, "saturation", f"{label} must be above 0 in every county")
    return _scaled(tuple(products), response.saturation.power, label)


@lru_cache(maxsize=4)
def _scaled(products: tuple[Fraction, ...], power: Fraction, label: str) -> _Each:
    """(product / the mean product) ^ power."""
    mean = _mean(products, [Fraction(1)] * len(products), label)
    return _Each(tuple(_power(product / mean, power, label) for product in products))


def _power(base: Fraction, power: Fraction, what: str) -> Decimal:
    if base < 0 or (base == 0 and power < 0):
        refuse(FILE, "", f"the power {power} of {what} cannot be taken where it is {base}")
    if base == 0:
        return Decimal(0 if power else 1)
    # exp and ln are correctly rounded in every Decimal implementation, `**` only almost always.
    return (_decimal(base).ln() * _decimal(power)).exp()


def _mean(values: Sequence[Fraction], weights: Sequence[Fraction], what: str) -> Fraction:
    total = sum(weights, Fraction(0))
    mean = sum((v * w for v, w in zip(values, weights, strict=True)), Fraction(0)) / (total or 1)
    if mean <= 0:
        refuse(FILE, "", f"the mean of {what} must be above 0")
    return mean


def _fill(amount: int, widths: Sequence[int]) -> list[int]:
    """The money of each tier; what is above the last one yields nothing."""
    filled = []
    for width in widths:
        filled.append(min(amount, width))
        amount -= filled[-1]
    return filled


def _chosen(counties: Columns, where: Mapping[str, Fraction]) -> list[int]:
    columns = {name: _column(counties, name) for name in where}
    return [
        c
        for c in range(_length(counties))
        if all(columns[name][c] == value for name, value in where.items())
    ]


def _column(counties: Columns, name: str) -> Sequence[Fraction]:
    if name not in counties:
        near = did_you_mean(name, counties)
        refuse(FILE, "", f"there is no number column '{name}'{near}")
    return counties[name]


def _length(counties: Columns) -> int:
    return len(next(iter(counties.values()), ()))


def _of_task(response: Response, task: str, name: str) -> Fraction:
    if task not in response.tasks:
        refuse(FILE, "tasks", f"the task '{task}' is missing")
    if name not in response.tasks[task]:
        refuse(FILE, f"tasks.{task}", f"'{name}' is missing")
    return response.tasks[task][name]


def _kappa_of(kappa: Mapping[str, Fraction], metric: str) -> Fraction:
    if metric not in kappa:
        refuse(FILE, "kappa", f"'{metric}' is missing")
    return kappa[metric]


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)
