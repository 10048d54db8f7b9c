"""The factor method: money in proportion to weights, in whole units that add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from models.errors import Problems, did_you_mean, refuse
from models.exact import exact_sum, exact_text, over_one_denominator
from models.programme import Programme
from models.scenario_file import BaselineSpec, FactorTerm
from models.selection import value_text
from models.table import Table

# From exact amounts to whole money units that add up.


def half_up(number: Fraction) -> int:
    """The nearest whole number, a half going up."""
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)


def largest_remainder(amounts: Sequence[Fraction], total: int, order: Sequence[Any]) -> list[int]:
    """Whole amounts that add up to `total`: each rounded down, then one unit more to the largest
    remainders.

    `order[i]` settles equal remainders: the smaller one comes first. The whole amounts keep the
    places of `amounts`. Each differs from its exact amount by less than one unit, provided that
    `total` is the exact sum or that sum rounded to a neighbouring whole number; any other total
    raises ValueError.
    """
    whole = [amount.numerator // amount.denominator for amount in amounts]
    rest = over_one_denominator([a - floor for a, floor in zip(amounts, whole, strict=True)])
    missing = total - sum(whole)
    if not 0 <= missing <= sum(part > 0 for part in rest):
        raise ValueError(f"amounts of {float(sum(amounts))} cannot be rounded to {total} in all")
    ranked = sorted(range(len(whole)), key=lambda i: (-rest[i], order[i]))
    for i in ranked[:missing]:
        whole[i] += 1
    return whole


# Exact amounts in proportion to weights, within a floor and a cap.


ZERO = Fraction(0)


def factor_amounts(
    weights: Sequence[Fraction],
    pot: Fraction,
    *,
    floor: Fraction | None = None,
    cap: Fraction | None = None,
    redistribute: bool = True,
) -> list[Fraction]:
    """Exact money units for each weight: `pot` × weight / Σ weights, within `floor` and `cap`.

    With `redistribute` the amounts add up to `pot`: what floor and cap take or set free goes in
    proportion to the weights to those that are not at a bound, until none crosses one. Without
    it each amount is moved to its bound alone, and the sum may differ from `pot`. Raises
    InputError where floor or cap cannot be kept, or where there is money but no weight.
    """
    if any(weight < 0 for weight in weights):
        refuse("", "", "a weight is negative")
    lower = floor or ZERO
    if cap is not None and lower > cap:
        refuse("", "floor", f"{exact_text(lower)} is above the cap of {exact_text(cap)}")
    total = exact_sum(weights)
    if total == 0 and pot > lower * len(weights):
        refuse("", "", "the weights add up to zero")
    plain = pot / total if total else ZERO
    if not lower and cap is None and pot >= 0:
        return [weight * plain for weight in weights]
    level = _level(weights, pot, lower, cap) if redistribute else plain
    return [_bounded(weight * level, lower, cap) for weight in weights]


def _bounded(amount: Fraction, lower: Fraction, cap: Fraction | None) -> Fraction:
    amount = max(amount, lower)
    return amount if cap is None else min(amount, cap)


def _level(
    weights: Sequence[Fraction], pot: Fraction, lower: Fraction, cap: Fraction | None
) -> Fraction:
    """Money per weight at which the bounded amounts add up to `pot`.

    Their sum rises with the level along straight pieces: steeper where a weight leaves the
    floor, flatter where it meets the cap.
    """
    spent = lower * len(weights)
    if spent > pot:
        refuse(
            "",
            "floor",
            f"{exact_text(lower)} for each of {len(weights)} needs {exact_text(spent)},"
            f" there are {exact_text(pot)}",
        )
    bends = [(lower / weight, weight) for weight in weights if weight]
    if cap is not None:
        bends += [(cap / weight, -weight) for weight in weights if weight]
    level = slope = ZERO
    for bend, change in sorted(bends):
        further = spent + slope * (bend - level)
        if further >= pot:
            break
        level, spent, slope = bend, further, slope + change
    if spent == pot:
        return level
    if cap is not None and slope == 0:
        refuse(
            "",
            "cap",
            f"under a cap of {exact_text(cap)} only {exact_text(spent)} of {exact_text(pot)}"
            " can be given",
        )
    return level + (pot - spent) / slope


# What a baseline's description says of each county, each task and each pot.


ONE = Fraction(1)


@dataclass(frozen=True)
class Pots:
    """Groups of counties that share a pot each."""

    groups: tuple[tuple[int, ...], ...]
    """Positions in the county table, group by group, in the order of the groups' names."""
    shares: tuple[Fraction, ...]
    """Of the money, one a group, adding up to 1."""


@dataclass(frozen=True)
class Weights:
    """A description brought to numbers."""

    counties: tuple[Fraction, ...]
    """Zero or more each, adding up to more than zero."""
    tasks: tuple[Fraction, ...]
    """Shares of a county's money, adding up to 1."""
    pots: Pots


def weights_of(spec: BaselineSpec, programme: Programme) -> Weights:
    """The weights of a factor, equal or per-resident baseline.

    Raises InputError with every unknown column, task or group, every negative weight, and every
    factor that adds up to zero; places are given within the description.
    """
    problems = Problems()
    counties = _county_weights(spec, programme.counties, problems)
    tasks = _task_shares(spec, programme.tasks, problems)
    pots = _pots(spec, programme.counties, counties, problems)
    problems.raise_if_any()
    return Weights(tuple(counties), tuple(tasks), pots)


def _county_weights(spec: BaselineSpec, counties: Table, problems: Problems) -> list[Fraction]:
    if spec.kind == "per-resident":
        return _checked(_column(spec.residents, counties, "residents", problems), problems)
    if spec.kind == "factor" and spec.weight_column:
        found = _column(spec.weight_column, counties, "weight_column", problems)
        return _checked(found, problems)
    terms = spec.factors if spec.kind == "factor" else (FactorTerm(weight=ONE),)
    weights = [ZERO] * len(counties)
    for number, term in enumerate(terms):
        place = f"factors[{number}]"
        values = _checked((place, _products(term, counties, place, problems)), problems)
        total = sum(values) or ONE
        weights = [w + term.weight * v / total for w, v in zip(weights, values, strict=True)]
    return weights


def _products(
    term: FactorTerm, counties: Table, place: str, problems: Problems
) -> Sequence[Fraction]:
    """Π columns × cost, county by county."""
    products = [ONE] * len(counties)
    for number, name in enumerate(term.columns):
        _, values = _column(name, counties, f"{place}.columns[{number}]", problems)
        products = [a * b for a, b in zip(products, values, strict=True)]
    if term.cost is not None:
        _, values = _column(term.cost.column, counties, f"{place}.cost.column", problems)
        step = term.cost.step
        products = [a * (1 + step * b) for a, b in zip(products, values, strict=True)]
    return products


def _column(
    name: str | None, counties: Table, place: str, problems: Problems
) -> tuple[str, Sequence[Fraction]]:
    """(place, values) of a county column of numbers; ones where there is none, and a problem."""
    if name is not None and counties.kind(name) == "number":
        return place, counties.numbers(name)
    numbers = [column for column, kind in counties.kinds.items() if kind == "number"]
    if name is not None and counties.kind(name):
        message = f"the column '{name}' of {counties.file} holds {counties.kind(name)}, not numbers"
    else:
        message = f"unknown column '{name}'{did_you_mean(str(name), numbers)}"
    problems.add("", place, message)
    return place, [ONE] * len(counties)


def _checked(found: tuple[str, Sequence[Fraction]], problems: Problems) -> list[Fraction]:
    """Values that can serve as weights, else a problem."""
    place, values = found
    if min(values) < 0:
        problems.add("", place, "is below zero in a county; weights are zero or more")
    elif not any(values):
        problems.add("", place, "is zero in every county; there is nothing to share by")
    return list(values)


def _task_shares(spec: BaselineSpec, tasks: Table, problems: Problems) -> list[Fraction]:
    if not spec.tasks:
        return [Fraction(1, len(tasks))] * len(tasks)
    for name in spec.tasks:
        if name not in tasks.index:
            near = did_you_mean(name, tasks.ids)
            problems.add("", f"tasks.{name}", f"unknown task '{name}'{near}")
    return [spec.tasks.get(name, ZERO) for name in tasks.ids]


def _pots(
    spec: BaselineSpec, counties: Table, weights: Sequence[Fraction], problems: Problems
) -> Pots:
    everybody = tuple(range(len(counties)))
    if spec.within is None:
        return Pots((everybody,), (ONE,))
    if not counties.kind(spec.within):
        near = did_you_mean(spec.within, counties.kinds)
        problems.add("", "within", f"unknown column '{spec.within}'{near}")
        return Pots((everybody,), (ONE,))
    groups: dict[str, list[int]] = {}
    for county, value in enumerate(counties.values(spec.within)):
        groups.setdefault(value_text(value), []).append(county)
    names = sorted(groups)
    if spec.pots:
        _check_pots(spec, names, problems)
        shares = [spec.pots.get(name, ZERO) for name in names]
    else:
        total = sum(weights) or ONE
        shares = [sum((weights[c] for c in groups[name]), ZERO) / total for name in names]
    return Pots(tuple(tuple(groups[name]) for name in names), tuple(shares))


def _check_pots(spec: BaselineSpec, names: Sequence[str], problems: Problems) -> None:
    for name in spec.pots:
        if name not in names:
            near = did_you_mean(name, names)
            problems.add("", f"pots.{name}", f"no county has {spec.within} '{name}'{near}")
    for name in names:
        if name not in spec.pots:
            problems.add("", "pots", f"the share of {spec.within} '{name}' is missing")


# Baselines by formula: county weights × task shares, within floors and caps, in whole units.


Rows = list[list[int]]
"""[county][task] → whole money units."""


def by_formula(spec: BaselineSpec, programme: Programme, money: int) -> Rows:
    """The whole-unit amounts of a factor, equal or per-resident baseline.

    The money goes to the pots, a pot to its counties, a county's amount to the tasks by their
    shares. Rounding is by largest remainder, ties going to the smaller county code, then the
    earlier task. The pots' totals are rounded first, then in one pass all cells of a pot; where
    there is a floor or a cap, the counties of a pot and then the tasks of each county, so that
    rounding carries no county across its bound. A floor is raised and a cap lowered to the next
    whole unit. Without `redistribute` a pot spends the sum of its bounded amounts, rounded half
    up: less than its money where caps cut, more where floors add.
    """
    weights = weights_of(spec, programme)
    codes = programme.counties.ids
    rows: Rows = [[0] * len(weights.tasks) for _ in codes]
    pots = [share * money for share in weights.pots.shares]
    whole_pots = largest_remainder(pots, money, range(len(pots)))
    for group, pot in zip(weights.pots.groups, whole_pots, strict=True):
        amounts = _county_amounts(spec, [weights.counties[c] for c in group], pot)
        bounded = spec.floor is not None or spec.cap is not None
        round_cells = _by_county if bounded else _in_one_pass
        found = round_cells(amounts, weights.tasks, [codes[c] for c in group])
        for county, row in zip(group, found, strict=True):
            rows[county] = row
    return rows


def _county_amounts(spec: BaselineSpec, weights: list[Fraction], pot: int) -> list[Fraction]:
    floor = None if spec.floor is None else Fraction(-(-spec.floor // 1))
    cap = None if spec.cap is None else Fraction(spec.cap // 1)
    return factor_amounts(
        weights, Fraction(pot), floor=floor, cap=cap, redistribute=spec.redistribute
    )


def _in_one_pass(amounts: list[Fraction], tasks: tuple[Fraction, ...], codes: list[str]) -> Rows:
    cells = [amount * share for amount in amounts for share in tasks]
    order = [(code, task) for code in codes for task in range(len(tasks))]
    whole = largest_remainder(cells, half_up(exact_sum(cells)), order)
    return [whole[start : start + len(tasks)] for start in range(0, len(whole), len(tasks))]


def _by_county(amounts: list[Fraction], tasks: tuple[Fraction, ...], codes: list[str]) -> Rows:
    totals = largest_remainder(amounts, half_up(exact_sum(amounts)), codes)
    return [
        largest_remainder([total * share for share in tasks], total, range(len(tasks)))
        for total in totals
    ]
