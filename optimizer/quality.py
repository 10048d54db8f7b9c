"""How good an allocation is proven to be: status, bounds and gap, made here for every path.

Two bounds, never mixed: what a certificate adds up to in exact numbers, and what a solver said in
floats. Only of the first it is said that it is proved; the second is widened by what a solver may
err, and whatever rests on it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import inf, isfinite, nextafter

import numpy as np

from models.scenario import Scenario
from models.solution import Quality, Solution

TOLERANCE = 1e-6
"""What a solver's bound may err by, as a share of the scale: it is widened by so much."""
_LEAST = 1e-12


def quality_of(
    objective: Fraction,
    penalty: Fraction,
    said: float | None,
    *,
    allowed: float,
    proved: Fraction | None = None,
    unit: float = 0.0,
) -> Quality:
    """The quality of an allocation, worth `objective` less `penalty`, under bounds of that.

    `said`: the bound by the solver's word; `proved`: by a certificate. `allowed`: the gap up to
    which the allocation is called optimal. `unit`: `unit_points` of the scenario.
    """
    slip = slip_of(objective, penalty, unit)
    worth = float(objective - penalty)
    contradicted = said is not None and worth - said > slip
    solver = None if said is None or contradicted else widened(max(said, worth), slip)
    quality = quality_under(objective, penalty, (proved, solver), allowed=allowed, room=2 * slip)
    return replace(quality, contradicted=contradicted)


def quality_under(
    objective: Fraction,
    penalty: Fraction,
    bounds: tuple[Fraction | None, float | None],
    *,
    allowed: float,
    room: float,
) -> Quality:
    """The quality under a proved bound and a solver's that is widened already.

    `room`: points above the gap allowed that a solver's bound may stand and be within its
    tolerance. A proved bound has none.
    """
    proved, solver = bounds
    worth, scale = objective - penalty, _scale(objective, penalty)
    exact = None if proved is None or proved < worth else (proved - worth) / scale
    loose = None if solver is None else shortfall(solver, float(worth), float(scale))
    if exact is not None and exact <= Fraction(allowed):
        return Quality("optimal", proved, solver, upwards(exact), "proved")
    if loose is not None and loose <= allowed + room / float(scale):
        if exact is not None and exact <= loose:
            return Quality("optimal", proved, solver, upwards(exact), "proved")
        return Quality("optimal", proved, solver, loose, "solver")
    if exact is not None and (loose is None or exact <= loose):
        return Quality("feasible", proved, solver, upwards(exact), "proved")
    return Quality("feasible", proved, solver, loose, None if loose is None else "solver")


def with_proof(
    found: Solution, proved: Fraction | None, *, allowed: float, unit: float
) -> Solution:
    """A solution with the bound that its certificate proves, and what follows from it."""
    room = 2 * slip_of(*found.reached, unit)
    bounds = (proved, found.bound_solver)
    quality = quality_under(*found.reached, bounds, allowed=allowed, room=room)
    return replace(found, **quality.told)


def slip_of(objective: Fraction, penalty: Fraction, unit: float) -> float:
    """Points by which a solver's bound is widened: a fixed share of the objective, or of the money
    unit that brings most where that is worth more, since a solver's tolerances are those of its
    rows."""
    worth = abs(float(objective - penalty))
    return TOLERANCE * max(abs(float(objective)), worth, unit, _LEAST)


def unit_points(scenario: Scenario, points: Mapping[str, Fraction]) -> float:
    """Objective points of the money unit that brings most; `points`: per unit of each metric."""
    weights = np.array([float(points[name]) for name in scenario.programme.metrics])
    worth = np.tensordot(weights, scenario.tiers.rates, axes=1)
    return float(np.abs(worth).max(initial=0.0))


def widened(bound: float, slip: float) -> float:
    """A bound with what it may err by, rounded up."""
    return nextafter(bound + slip, inf) if isfinite(bound) else bound


def upwards(number: Fraction) -> float:
    """A float near an exact number and never below it."""
    near = float(number)
    return near if not isfinite(near) or Fraction(near) >= number else nextafter(near, inf)


def agrees(outcome: object, bound: object, worth: Fraction | float) -> bool | None:
    """Whether another solver's outcome and bound let an allocation of this worth stand; None where
    it proved nothing."""
    if outcome == "infeasible":
        return False
    if not isinstance(bound, int | float):
        return None
    return bound >= float(worth) - TOLERANCE * max(abs(float(worth)), 1e-9)


def allowed_gap(units: object, gap: float) -> float:
    """The gap up to which a solve in these units, asked for with a gap, is called optimal."""
    return 0.0 if units == "exact" else gap


def shortfall(best: float, reached: float, scale: float) -> float:
    """How far `reached` stays behind `best`, relative to a scale; 0 where it does not."""
    return max(0.0, best - reached) / max(abs(scale), _LEAST)


def _scale(objective: Fraction, penalty: Fraction) -> Fraction:
    """What a gap is relative to: the objective alone, for beside a large penalty any loss would
    look small; where it is nothing, what the allocation is worth."""
    return max(abs(objective or objective - penalty), Fraction(_LEAST))
