"""Exact numbers: text and whole numbers in, `Fraction` inside, text out.

A float never decides whether a rule is kept, so every number of an input file stays text until
it becomes a `Fraction` here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import floor, lcm
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

MICRO = 10**6
"""Outcome rates are whole numbers of 10⁻⁶ metric units per money unit."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_RATIO = re.compile(r"([+-]?\d+)\s*/\s*(\d+)")
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_LONGEST = 60
LONGEST_KEPT = 1000
"""Characters of a number in what the product itself keeps: an amount that meets rules of many
digits to the last one, or points divided by the outcomes of several metrics, in full."""


def parse_exact(value: object, longest: int = _LONGEST) -> Fraction:
    """The exact number that `value` writes down: `0.27`, `1e-3`, `3/88`, 33000.

    A float is read as the shortest decimal that prints it (0.1 is 1/10).
    Raises ValueError for anything that is not a finite number of at most `longest` characters.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"a number is due here, not {_shown(value)}")
    text = str(value).strip()
    if len(text) > longest:
        raise ValueError(f"a number of at most {longest} characters is due here")
    refuse_mixed_digits(text)
    if ratio := _RATIO.fullmatch(text):
        if int(ratio[2]) == 0:
            raise ValueError(f"'{text}' divides by zero")
        return Fraction(int(ratio[1]), int(ratio[2]))
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"a number is due here, not {_shown(value)}")
    return Fraction(Decimal(text))


def parse_share(value: object) -> Fraction:
    """A share from 0 to below 1: `0.5%`, `0.005` or a number. Raises ValueError for others."""
    text = value.strip() if isinstance(value, str) else value
    percent = isinstance(text, str) and text.endswith("%")
    try:
        number = parse_exact(text[:-1] if isinstance(text, str) and percent else text)
    except ValueError as error:
        raise ValueError(f"{value!r} is no share; write 0.5% or 0.005") from error
    share = number / 100 if percent else number
    if not 0 <= share < 1:
        raise ValueError(f"{value} is not a share from 0 to below 100%")
    return share


def refuse_mixed_digits(text: str) -> None:
    """Raise ValueError for digits of two scripts in one number: one of them was not meant."""
    if not text.isascii():
        zeros = {ord(digit) - unicodedata.decimal(digit) for digit in text if digit.isdecimal()}
        if len(zeros) > 1:
            raise ValueError(f"'{text}' mixes digits of two scripts")


def without_separators(text: str) -> str:
    """`520,000` as 520000; anything that is not plainly such a number as it is."""
    return text.replace(",", "") if _THOUSANDS.fullmatch(text.strip()) else text


def parse_not_negative(value: object, longest: int = _LONGEST) -> Fraction:
    """Like `parse_exact`, refusing numbers below zero."""
    number = parse_exact(value, longest)
    if number < 0:
        raise ValueError(f"{exact_text(number)} is negative; zero or more is due here")
    return number


def exact_text(number: Fraction | int) -> str:
    """The shortest exact text of a number: a plain decimal where one exists, else `p/q`."""
    exact = number if type(number) is Fraction else Fraction(number)
    top, bottom = exact.numerator, exact.denominator
    if bottom == 1:
        return str(top)
    places = _decimals(bottom)
    if places is None:
        return f"{top}/{bottom}"
    digits = str(abs(top) * (10**places // bottom)).rjust(places + 1, "0")
    return ("-" if top < 0 else "") + f"{digits[:-places]}.{digits[-places:]}"


@lru_cache(maxsize=1024)
def _decimals(denominator: int) -> int | None:
    """How many decimals hold every number over a denominator; None where none do."""
    rest, twos, fives = denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def micro_text(number: int) -> str:
    """As `exact_text` says a whole number of millionths."""
    whole, rest = divmod(abs(number), MICRO)
    text = f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)
    return "-" + text if number < 0 else text


def rounded_text(number: Fraction | int, places: int = 2) -> str:
    """`number` with at most `places` decimals, half to even, trailing zeros dropped."""
    return exact_text(Fraction(round(Fraction(number) * 10**places), 10**places))


_MOST_PLACES = 9


def short_text(number: Fraction, beside: Fraction | None = None) -> str:
    """`number` for a glance: one decimal, or none where it is whole; more decimals where it would
    read as equal to a number `beside` that it only comes near."""
    places = 0 if number.denominator == 1 else 1
    while beside is not None and places < _MOST_PLACES and number != beside:
        if round(number, places) != beside:
            break
        places += 1
    return f"{float(round(number, places)):,.{places}f}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return repr(value) if len(repr(value)) <= _LONGEST else repr(value)[:_LONGEST] + "…"


def exact_sum(numbers: Iterable[Fraction]) -> Fraction:
    """Their sum: those of one denominator as whole numbers first, which is many times as fast."""
    by_denominator: dict[int, int] = {}
    for number in numbers:
        under = number.denominator
        by_denominator[under] = by_denominator.get(under, 0) + number.numerator
    parts = (Fraction(top, under) for under, top in by_denominator.items())
    return sum(parts, Fraction(0))


def is_below_zero(numbers: Iterable[Fraction]) -> bool:
    """Whether they add up to less than nothing: over a denominator that is not the least one, which
    is found in a third of the time."""
    top, under = 0, 1
    for number in numbers:
        further = number.denominator
        top, under = top * further + number.numerator * under, under * further
    return top < 0


def whole_parts(numbers: Sequence[Fraction]) -> list[int]:
    """Whole numbers that add up to the total rounded down: each rounded down, and one more for
    those with the largest remainder, the first of equal ones."""
    found = [floor(number) for number in numbers]
    left = floor(exact_sum(numbers)) - sum(found)
    order = sorted(range(len(found)), key=lambda at: found[at] - numbers[at])
    for at in order[:left]:
        found[at] += 1
    return found


_LONGEST_COMMON = 4096
"""Bits of a common denominator that each of many numbers may carry."""


def over_one_denominator(numbers: Sequence[Fraction]) -> Sequence[int | Fraction]:
    """The numbers times their common denominator; as they are where that is very long."""
    under = 1
    for number in numbers:
        if under % number.denominator:
            under = lcm(under, number.denominator)
            if under.bit_length() > _LONGEST_COMMON:
                return list(numbers)
    return [number.numerator * (under // number.denominator) for number in numbers]


def plain_number(number: int | Fraction) -> int | Fraction:
    """An int where the number is whole: sums of ints are many times as fast."""
    return number.numerator if number.denominator == 1 else number


Exact = Annotated[
    Fraction, BeforeValidator(parse_exact), PlainSerializer(exact_text, return_type=str)
]
"""An exact number, of either sign."""

NotNegative = Annotated[
    Fraction, BeforeValidator(parse_not_negative), PlainSerializer(exact_text, return_type=str)
]
"""An exact number, zero or more."""

Share = Annotated[
    Fraction, BeforeValidator(parse_share), PlainSerializer(exact_text, return_type=str)
]
"""A share from 0 to below 1, written as `2%` or 0.02."""
