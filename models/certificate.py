"""A certificate of an upper bound, as it stands in a record: lines that anybody can add up.

Every limit has a multiplier, in objective points per unit of the rule's own value; its line is
multiplier × the constant of the limit's slack. Every cell has the most that it can be worth once
the limits are priced in. The bound is the sum of all lines. Points are rounded up to a few
decimals, line by line, so that the sum stays a bound.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import fsum

from models.errors import refuse
from models.exact import exact_text
from models.files import csv_text, guarded, unguarded
from models.finding import group_text

NAME = "certificate.csv"
HEADER = (
    *("part", "name", "key", "side", "multiplier", "constant"),
    *("county", "task", "money", "price", "funding", "points"),
)
"""`part` is metric (points of one unit of it), limit, cell or bound."""
PLACES = 12
"""Decimals of the points of a line where the bound is not very small."""
Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Multiplier:
    """λ ≥ 0 of one side (`lower` or `upper`) of one limit; `budget` is a rule id here too."""

    rule: str
    key: Key
    side: str
    value: Fraction


@dataclass(frozen=True)
class LimitLine:
    """One addend of the bound: multiplier × the constant of the limit's slack."""

    multiplier: Multiplier
    constant: Fraction
    points: Fraction
    """Their product, rounded up."""

    @property
    def group(self) -> str:
        """The group as text, as a finding has it: `county=a task=road`."""
        return group_text(self.multiplier.key)


@dataclass(frozen=True)
class CellLine:
    """One addend of the bound: the most that a cell can be worth at these prices."""

    county: str
    task: str
    money: Fraction
    """Where that is reached."""
    price: Fraction
    """What the limits make of each money unit in the cell, in points."""
    funding: Fraction
    """What they make of the cell's being funded."""
    points: Fraction
    """Outcomes at their price + money × price + funding, rounded up."""


@dataclass(frozen=True)
class Certificate:
    """All addends of a bound; `values`: objective points per unit of each metric."""

    values: Mapping[str, Fraction]
    limits: tuple[LimitLine, ...]
    cells: tuple[CellLine, ...]

    @property
    def points(self) -> tuple[Fraction, ...]:
        """The points of every line."""
        return (*(line.points for line in self.limits), *(line.points for line in self.cells))

    @property
    def bound(self) -> Fraction:
        """No allocation that keeps the rules is worth more, bent rules' prices taken off."""
        return sum(self.points, Fraction(0))


def rows_of(certificate: Certificate) -> Iterator[tuple[str, ...]]:
    """The rows of certificate.csv under `HEADER`: metrics, limits, cells, the bound."""
    for name, value in certificate.values.items():
        yield ("metric", name, *[""] * 9, exact_text(value))
    for limit in certificate.limits:
        one = limit.multiplier
        named = ("limit", one.rule, guarded(limit.group), one.side)
        factors = (exact_text(one.value), exact_text(limit.constant))
        yield (*named, *factors, *[""] * 5, exact_text(limit.points))
    for cell in certificate.cells:
        numbers = (cell.money, cell.price, cell.funding, cell.points)
        at = (guarded(cell.county), cell.task)
        yield ("cell", *[""] * 5, *at, *map(exact_text, numbers))
    yield ("bound", *[""] * 10, exact_text(certificate.bound))


def certificate_csv(certificate: Certificate) -> bytes:
    """certificate.csv."""
    return csv_text(HEADER, rows_of(certificate)).encode()


def read_certificate(content: bytes) -> Certificate:
    """The certificate that `certificate_csv` wrote; `optimizer.verify` says whether it holds.

    Raises `InputError` with the line of what cannot be read.
    """
    values: dict[str, Fraction] = {}
    limits: list[LimitLine] = []
    cells: list[CellLine] = []
    text = content.decode("utf-8-sig", errors="replace")
    for number, row in enumerate(_rows(text), start=1):
        part = row[0] if len(row) == len(HEADER) else ""
        try:
            if part == "metric":
                values[row[1]] = _read(row[-1])
            elif part == "limit":
                one = Multiplier(row[1], _key(unguarded(row[2])), row[3], _read(row[4]))
                limits.append(LimitLine(one, _read(row[5]), _read(row[-1])))
            elif part == "cell":
                cells.append(CellLine(unguarded(row[6]), row[7], *map(_read, row[8:])))
            elif part not in ("part", "bound"):
                raise ValueError("is no line of a certificate")
        except ValueError as error:
            refuse(NAME, f"line {number}", str(error))
    return Certificate(values, tuple(limits), tuple(cells))


def _rows(text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        refuse(NAME, "", f"is not readable as a table ({error})")


def _key(group: str) -> Key:
    """(column, value) of each part of a group's text."""
    parts = [part.partition("=") for part in re.split(r" (?=[^ =]+=)", group) if part]
    return tuple((column, value) for column, _, value in parts)


def _read(text: str) -> Fraction:
    try:
        return Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(f"'{text}' divides by zero") from error


def rounded_up(number: Fraction, places: int) -> Fraction:
    """The least number of so many decimals that is not below."""
    scale = 10**places
    return Fraction(-(-number.numerator * scale // number.denominator), scale)


def places_for(points: Iterable[float]) -> int:
    """Decimals of the points of lines that come to about this: more where the sum is small."""
    size, places = abs(fsum(points)), PLACES
    while size and size * 10.0**places < 1e9:
        places += 1
    return places
