"""How good an allocation is proven to be: status, bound and gap, made here for every path."""

from __future__ import annotations

from fractions import Fraction

from models.solution import Quality, Status

_BOUND_NOISE = 1e-6
"""How far below an exact value a solver's bound may stand and be its tolerance still, relative."""
_GAP_NOISE = 1e-9
_LEAST = 1e-12


def quality_of(
    objective: Fraction,
    penalty: Fraction,
    bound: float | None,
    *,
    allowed: float,
    unit: float = 0.0,
) -> Quality:
    """The quality of an allocation under a bound of the objective less the penalty.

    `allowed`: the gap up to which it is called optimal. `unit`: objective points of the money unit
    that brings most: a hair is measured by the objective or, where that is worth more, by it, since
    a solver's tolerances are those of its rows.
    """
    achieved = float(objective - penalty)
    scale = _scale(objective, achieved)
    hair = _BOUND_NOISE * max(scale, unit)
    contradicted = bound is not None and achieved - bound > hair
    believed = None if bound is None or contradicted else max(bound, achieved)
    gap = None if believed is None else shortfall(believed, achieved, scale)
    return Quality(status_of(gap, allowed), believed, gap, contradicted)


def allowed_gap(units: object, gap: float) -> float:
    """The gap up to which a solve in these units, asked for with a gap, is called optimal."""
    return 0.0 if units == "exact" else gap


def shortfall(best: float, reached: float, scale: float) -> float:
    """How far `reached` stays behind `best`, relative to a scale; 0 where it does not."""
    return max(0.0, best - reached) / max(abs(scale), _LEAST)


def status_of(gap: float | None, allowed: float) -> Status:
    """`optimal` where the gap is proven within what is allowed."""
    return "optimal" if gap is not None and gap <= allowed + _GAP_NOISE else "feasible"


def _scale(objective: Fraction, achieved: float) -> float:
    """What a gap is relative to: the objective alone, for beside a large penalty any loss would
    look small, and where the two are equal, infinite."""
    return max(abs(float(objective) or achieved), _LEAST)
