"""From exact amounts to whole money units that add up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any


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
    rest = [amount - floor for amount, floor in zip(amounts, whole, strict=True)]
    missing = total - sum(whole)
    if not 0 <= missing <= sum(part > 0 for part in rest):
        raise ValueError(f"amounts of {float(sum(amounts))} cannot be rounded to {total} in all")
    ranked = sorted(range(len(whole)), key=lambda i: (-rest[i], order[i]))
    for i in ranked[:missing]:
        whole[i] += 1
    return whole
