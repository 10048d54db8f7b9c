"""Linear forms over cells as formulas that compare exactly.

Spreadsheets reckon in floating point, where whole numbers are exact below 2⁵³; programs treat two
numbers as equal when they differ in the last of 15 figures. A limit is therefore never compared as
a quotient: both sides are multiplied out to whole numbers of whole cells, and where a product
could pass `SAFE` it is reckoned in two or more digits of base 2¹⁶, from the lowest to the highest,
each carrying into the next: the sign of the highest is the sign of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

SAFE = 2**47
"""Whole numbers below this are exact, and stay apart from their neighbours in every program."""
BASE = 2**16
LARGEST_CELL = 2**46
"""The most that a cell of a form may hold for its digits to be exact."""
_LARGEST_DIGIT = 2**49


@dataclass(frozen=True)
class Whole:
    """A cell with a whole number: what it holds, and the most that it ever can."""

    ref: str
    value: int | Fraction
    """Fraction only where money is not in whole units."""
    most: int


Linear = Mapping[Whole, Fraction]
"""Cell → coefficient."""


@dataclass(frozen=True)
class Formula:
    """The body of a formula and what it comes to."""

    body: str
    value: Fraction


def shown(cells: Linear, constant: Fraction, times: Fraction = Fraction(1)) -> Formula:
    """`times` × the form, divided out: for people to read, never to decide by."""
    factors = [factor * times for factor in cells.values()]
    last = constant * times
    under = math.lcm(last.denominator, *(factor.denominator for factor in factors))
    body = _sum([(int(f * under), cell.ref) for f, cell in zip(factors, cells, strict=True)])
    over = _with_constant(body, int(last * under))
    if under != 1:
        over = f"({over})/{under}"
    value = last + sum(
        (f * cell.value for f, cell in zip(factors, cells, strict=True)), Fraction(0)
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
    terms = [(factor // common, cell) for factor, cell in zip(factors, cells, strict=True)]
    last //= common
    most = abs(last) + sum(abs(factor) * cell.most for factor, cell in terms)
    value = last + sum((factor * Fraction(cell.value) for factor, cell in terms), Fraction(0))
    if most < SAFE:
        body = _with_constant(_sum([(factor, cell.ref) for factor, cell in terms]), last)
        return Formula(body, value), True
    return _digits(terms, last)


def _digits(terms: list[tuple[int, Whole]], last: int) -> tuple[Formula, bool]:
    """The highest digit of Σ factor × cell + last, all lower ones carried into it."""
    count = 1 + max(_length(number) for number in (last, *(factor for factor, _ in terms)))
    sums: list[list[tuple[int, str]]] = [[] for _ in range(count)]
    most, values = [0] * count, [Fraction(0)] * count
    for factor, cell in terms:
        high, low = f"INT({cell.ref}/{BASE})", f"({cell.ref}-{BASE}*INT({cell.ref}/{BASE}))"
        held = Fraction(cell.value)
        for at, digit in enumerate(_digits_of(factor, count - 1)):
            for place, ref, part, bound in (
                (at, low, held % BASE, BASE),
                (at + 1, high, Fraction(held // BASE), cell.most // BASE + 1),
            ):
                if digit:
                    sums[place].append((digit, ref))
                    values[place] += digit * part
                    most[place] += abs(digit) * bound
    exact = all(cell.most < LARGEST_CELL for _, cell in terms)
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
