"""What a baseline's description says of each county, each task and each pot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.baseline import BaselineSpec, FactorTerm
from models.county_table import Table
from models.errors import Problems, did_you_mean
from models.programme import Programme
from models.select import value_text

ZERO, ONE = Fraction(0), Fraction(1)


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
