"""Numbers as people read them, and the first letter of a text.

Rounding never makes a broken limit look kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from models.programme import Metric

_MOST_OF_MONEY = 6
MOST_PLACES = 9
"""Decimals are added up to this many where a shorter text would mislead."""


def plain(number: Fraction | int, places: int = 0) -> str:
    """`number` with so many decimals, half to even, and thousands separators: 33,000 · 27.5."""
    scaled = round(Fraction(number) * 10**places)
    return _text(scaled, places)


def figure(
    value: Fraction, places: int, lower: Fraction | None = None, upper: Fraction | None = None
) -> str:
    """A value beside its limits.

    A value that breaks a limit is rounded away from it (5,999.96 against 6,000 is 5,999.9), with
    more decimals where both would still read alike.
    """
    if lower is not None and value < lower:
        return _apart(value, lower, places, math.floor)
    if upper is not None and value > upper:
        return _apart(value, upper, places, math.ceil)
    return plain(value, places)


def counted(metric: Metric, value: Fraction, target: Fraction | None = None) -> str:
    """An outcome: people and firms whole, rounded down; with a decimal what is measured, and where
    a target that is met would read as missed."""
    whole = metric.shown(value)
    if not metric.whole or (target is not None and whole < target <= value):
        return figure(value, 1, target)
    return plain(whole)


def at_most_text(bound: Fraction, places: int = 6) -> str:
    """An upper bound with so many decimals, rounded up: it is never shown below what it bounds."""
    return plain(Fraction(math.ceil(bound * 10**places), 10**places), places)


def amount_text(amount: Fraction | int) -> str:
    """Money units: whole ones as such, others with two decimals, or so many that they read as
    parts of a unit."""
    exact = Fraction(amount)
    if exact.denominator == 1:
        return plain(exact)
    tell = (more for more in range(2, _MOST_OF_MONEY + 1) if round(exact * 10**more) % 10**more)
    return plain(exact, next(tell, 2))


def short_figures(number: float) -> str:
    """A number with as many decimals as tell it."""
    exact = Fraction(repr(number))
    text = plain(exact, 0 if exact.denominator == 1 else min(6, places_for(exact, 5)))
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(text: str) -> str:
    """A number's text with its sign, + too; 0 where it reads as nothing."""
    if not text.strip("-0.,"):
        return "0"
    return text if text.startswith("-") else f"+{text}"


def signed_figures(number: float, figures: int = 3) -> str:
    """A change to so many figures: +0.0123, -165; 0 for one that is not finite."""
    exact = Fraction(repr(number)) if math.isfinite(number) else Fraction(0)
    return signed(plain(exact, places_for(exact, figures)))


def signed_change(number: Fraction | None, places: int | None = None) -> str:
    """A difference: money without `places`, else so many decimals; `-` where there is none."""
    if number is None:
        return "-"
    return signed(amount_text(number) if places is None else plain(number, places))


def change_rate(now: Fraction, before: Fraction) -> str:
    """By how much of what it was something has changed: +12.5%; `-` where there was nothing."""
    return f"{signed(plain(100 * (now - before) / before, 1))}%" if before else "-"


def room(slack: Fraction, places: int) -> str:
    """Slack with its sign; more decimals where it would read as nothing, none where it is 0."""
    if not slack:
        return "0"
    for more in range(places, MOST_PLACES + 1):
        if round(abs(slack) * 10**more):
            return plain(slack, more)
    return ("-" if slack < 0 else "") + "<" + _text(1, MOST_PLACES)


def percent(part: Fraction | int, whole: Fraction | int) -> str:
    """`part` of `whole` in percent with one decimal; `-` where there is no whole."""
    return plain(Fraction(part) * 100 / Fraction(whole), 1) + "%" if whole else "-"


def gap_text(gap: float) -> str:
    """A gap in percent, rounded up to two figures, so that it is never shown smaller: 0.0098%."""
    percentage = Fraction(repr(max(float(gap), 0.0))) * 100
    if not percentage:
        return "0%"
    places = max(0, 1 - math.floor(math.log10(percentage)))
    if places > MOST_PLACES:
        return _text(1, 6) + "%"
    text = _text(math.ceil(percentage * 10**places), places)
    return (text.rstrip("0").rstrip(".") if places else text) + "%"


def places_for(number: Fraction, figures: int = 4) -> int:
    """Decimals that show so many figures of a small number (per-head values)."""
    if not number:
        return 0
    places = figures - 1 - math.floor(math.log10(abs(number)))
    if abs(round(number * Fraction(10) ** places)) >= 10**figures:
        places -= 1  # 0.99996 rounds to a figure more.
    return min(MOST_PLACES, max(0, places))


def _apart(value: Fraction, limit: Fraction, places: int, away: Callable[[Fraction], int]) -> str:
    """The shortest text of `value` that reads as beyond `limit` on the side where it is."""
    below = value < limit
    for more in range(places, MOST_PLACES + 1):
        scale = 10**more
        for shown in (round(value * scale), away(value * scale)):
            beyond = Fraction(shown, scale) < limit if below else Fraction(shown, scale) > limit
            if beyond and _text(shown, more) != plain(limit, more):
                return _text(shown, more)
    return _text(away(value * 10**MOST_PLACES), MOST_PLACES)


def _text(scaled: int, places: int) -> str:
    digits = str(abs(scaled)).rjust(places + 1, "0")
    cut = len(digits) - places
    whole, rest = digits[:cut], digits[cut:]
    return ("-" if scaled < 0 else "") + f"{int(whole):,}" + (f".{rest}" if rest else "")


def upper(text: str) -> str:
    """`text` with its first letter in upper case, as it begins a sentence."""
    return text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """`text` with its first letter in lower case, as it stands within a sentence."""
    return text[:1].lower() + text[1:]
