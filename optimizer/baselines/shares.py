"""Exact amounts in proportion to weights, within a floor and a cap."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from models.errors import refuse
from models.exact import exact_text

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
    total = sum(weights, ZERO)
    if total == 0 and pot > lower * len(weights):
        refuse("", "", "the weights add up to zero")
    plain = pot / total if total else ZERO
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
