"""A certificate of an upper bound, as it stands in a record: lines that anybody can add up.

Every limit has a multiplier, in objective points per unit of the rule's own value; its line is
multiplier × the constant of the limit's slack. Every cell has the most that it can be worth once
the limits are priced in. The bound is the sum of all lines. Points are rounded up to a few
decimals, line by line, so that the sum stays a bound; all that they are made of is exact.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from math import fsum
from typing import Any

from models.errors import refuse
from models.exact import exact_text
from models.files import csv_text, guarded, unguarded
from models.finding import group_text

NAME = "certificate.csv"
BY_COUNTY = "certificate-by-county.csv"
HEADER = (
    *("part", "name", "key", "side", "multiplier", "constant", "county", "task"),
    *("lot", "cap", "cap_rule", "money", "price", "funding", "outcomes", "points"),
)
"""`part` is metric (points of one unit of it), limit, cell or bound."""
_LATER = ("lot", "cap", "cap_rule", "outcomes")
COUNTY_HEADER = (*HEADER[:-1], "floor", "counts", HEADER[-1])
"""Of a certificate by county."""
EARLY_HEADER = tuple(name for name in HEADER if name not in _LATER)
"""Of records up to the second version, which do not say what caps a cell nor what its outcomes are
worth, and round prices up."""
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
    outcomes: Fraction | None = None
    """What its outcomes with that money are worth with the limits priced in; None in early
    records."""
    lot: Fraction | None = None
    """The least money of the cell where it gets any; None in early records."""
    cap: Fraction | None = None
    """The most money that it may get; None in early records."""
    cap_rule: str = ""
    """Which rule says so; a cell of `locks` gets exactly its cap."""


@dataclass(frozen=True)
class CountyLine:
    """One addend of a bound by county: the most that a county can be worth at these prices."""

    county: str
    floor: Fraction
    """The least money of all its cells."""
    cap: Fraction | None
    """The most money of all its cells; None without such a limit."""
    counts: str
    """Limits of its funded cells, as `a+b+c<=2;a+d>=1`."""
    points: Fraction
    """What the cells of its best choice come to, rounded up."""


@dataclass(frozen=True)
class Certificate:
    """All addends of a bound; `values`: objective points per unit of each metric.

    Without `counties` each cell is an addend, at the most that it can be worth by itself. With
    them each county is one, at the best of all its choices of cells that keep its own limits: whole
    choices, which no share of a cell can better; or, where that is less, at what its cells can be
    worth by themselves. The cells then are those of that choice.
    """

    values: Mapping[str, Fraction]
    limits: tuple[LimitLine, ...]
    cells: tuple[CellLine, ...]
    counties: tuple[CountyLine, ...] = ()
    places: int = field(default=PLACES, compare=False)
    """Decimals that points are rounded to; not known of a certificate that was read."""

    @property
    def points(self) -> tuple[Fraction, ...]:
        """The points of every addend."""
        alone = self.counties or self.cells
        return (*(line.points for line in self.limits), *(line.points for line in alone))

    @property
    def bound(self) -> Fraction:
        """No allocation that keeps the rules is worth more, bent rules' prices taken off."""
        return sum(self.points, Fraction(0))


def rows_of(certificate: Certificate) -> Iterator[dict[str, str]]:
    """The rows of certificate.csv by the columns that they fill: metrics, limits, cells, bound."""
    for name, value in certificate.values.items():
        yield {"part": "metric", "name": name, "points": exact_text(value)}
    for limit in certificate.limits:
        one = limit.multiplier
        yield {
            "part": "limit",
            "name": one.rule,
            "key": guarded(limit.group),
            "side": one.side,
            "multiplier": exact_text(one.value),
            "constant": exact_text(limit.constant),
            "points": exact_text(limit.points),
        }
    for cell in certificate.cells:
        numbers = {name: getattr(cell, name) for name in _NUMBERS}
        yield {
            "part": "cell",
            "county": guarded(cell.county),
            "task": cell.task,
            "cap_rule": cell.cap_rule,
            **{name: exact_text(number) for name, number in numbers.items() if number is not None},
        }
    for county in certificate.counties:
        yield {
            "part": "county",
            "county": guarded(county.county),
            "floor": exact_text(county.floor),
            "cap": "" if county.cap is None else exact_text(county.cap),
            "counts": county.counts,
            "points": exact_text(county.points),
        }
    yield {"part": "bound", "points": exact_text(certificate.bound)}


_NUMBERS = ("lot", "cap", "money", "price", "funding", "outcomes", "points")


def certificate_csv(certificate: Certificate, header: Sequence[str] = HEADER) -> bytes:
    """certificate.csv; with `EARLY_HEADER` as early records hold it."""
    if tuple(header) == EARLY_HEADER:
        certificate = _with_short_prices(certificate)
    rows = [[row.get(name, "") for name in header] for row in rows_of(certificate)]
    return csv_text(header, rows).encode()


def _with_short_prices(certificate: Certificate) -> Certificate:
    def short(cell: CellLine) -> CellLine:
        price, funding = (rounded_up(n, certificate.places) for n in (cell.price, cell.funding))
        return replace(cell, price=price, funding=funding)

    return replace(certificate, cells=tuple(map(short, certificate.cells)))


def read_certificate(content: bytes) -> Certificate:
    """The certificate that `certificate_csv` wrote; `optimizer.verify` says whether it holds.

    Raises `InputError` with the line of what cannot be read.
    """
    values: dict[str, Fraction] = {}
    lines: dict[str, list[Any]] = {"limit": [], "cell": [], "county": []}
    readers = {"limit": _limit, "cell": _cell, "county": _county}
    text = content.decode("utf-8-sig", errors="replace")
    header, *rows = _rows(text) or [[]]
    if tuple(header) not in (HEADER, EARLY_HEADER, COUNTY_HEADER):
        refuse(NAME, "line 1", "is no head of a certificate")
    for number, cells_of in enumerate(rows, start=2):
        try:
            row = dict(zip(header, cells_of, strict=True))
            part = row["part"]
            if part == "metric":
                values[row["name"]] = _read(row["points"])
            elif part in readers:
                lines[part].append(readers[part](row))
            elif part != "bound":
                raise ValueError("is no line of a certificate")
        except (ValueError, KeyError) as error:
            refuse(NAME, f"line {number}", str(error))
    limits, cells, counties = (tuple(lines[part]) for part in readers)
    return Certificate(values, limits, cells, counties)


def _limit(row: Mapping[str, str]) -> LimitLine:
    key = key_of(unguarded(row["key"]))
    one = Multiplier(row["name"], key, row["side"], _read(row["multiplier"]))
    return LimitLine(one, _read(row["constant"]), _read(row["points"]))


def _cell(row: Mapping[str, str]) -> CellLine:
    numbers = {name: _read(row[name]) for name in _NUMBERS if name in row}
    cap_rule = row.get("cap_rule", "")
    return CellLine(unguarded(row["county"]), row["task"], cap_rule=cap_rule, **numbers)


def _county(row: Mapping[str, str]) -> CountyLine:
    cap = _read(row["cap"]) if row["cap"] else None
    name, points = unguarded(row["county"]), _read(row["points"])
    return CountyLine(name, _read(row["floor"]), cap, row["counts"], points)


def _rows(text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        refuse(NAME, "", f"is not readable as a table ({error})")


def key_of(group: str) -> Key:
    """(column, value) of each part of a group's text."""
    parts = [part.partition("=") for part in re.split(r" (?=[^ =]+=)", group) if part]
    return tuple((column, value) for column, _, value in parts)


@lru_cache(maxsize=65536)
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
