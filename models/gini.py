"""How evenly money falls on people: the Lorenz curve and the Gini coefficient, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Lorenz:
    """Places in rising order of money per head."""

    points: tuple[tuple[Fraction, Fraction], ...]
    """(share of the heads, share of the money) so far, from (0, 0) to (1, 1)."""
    gini: Fraction
    """0 where every head gets the same; 1 less the doubled area under the curve."""


def lorenz(money: Sequence[Fraction], heads: Sequence[Fraction]) -> Lorenz | None:
    """The curve of `money` over `heads`, place by place; None where either adds up to nothing.

    Places without heads are left out. Raises ValueError for lists of different length and for
    numbers below zero.
    """
    pairs = [(m, h) for m, h in zip(money, heads, strict=True) if h or m < 0]
    if any(m < 0 or h < 0 for m, h in pairs):
        raise ValueError("money and heads must be zero or more")
    all_money = sum((m for m, _ in pairs), Fraction(0))
    all_heads = sum((h for _, h in pairs), Fraction(0))
    if not all_money or not all_heads:
        return None
    points = [(Fraction(0), Fraction(0))]
    doubled_area = Fraction(0)
    for m, h in sorted(pairs, key=lambda pair: pair[0] / pair[1]):
        x, y = points[-1]
        points.append((x + h / all_heads, y + m / all_money))
        doubled_area += h / all_heads * (y + points[-1][1])
    return Lorenz(tuple(points), 1 - doubled_area)
