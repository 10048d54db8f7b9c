"""Why: prices of rules and a certificate, ranges near the best, why a county gets what it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.certificate import Certificate, Multiplier
from models.errors import InfeasibleError, NoAnswerError
from models.solution import Solution
from optimizer.audit.certify import certify, certify_by_county
from optimizer.formulation.assemble import formulate
from optimizer.problem import Problem
from optimizer.quality import allowed_gap, unit_points, with_proof
from optimizer.solve import Options
from optimizer.solvers.base import Clock
from optimizer.strategies import ProblemModels

if TYPE_CHECKING:
    from optimizer.sensitivity.prices import Prices

_DEAR = 300_000
"""Non-zeros of a model that comes apart by counties from which on its relaxation in one piece takes
longer than all else (measured: 2,844 counties × 8 tasks, 640,000 of them: 9 s, and prices 20 s)."""


def priced(formulation: ProblemModels, found: Solution, options: Options, clock: Clock) -> Solution:
    """The solution with its certificate and the prices of rules, where the options ask for them;
    where the time is over, with the certificate of the linear relaxation alone.

    A model that comes apart and whose relaxation is dear gets the certificate by county, which
    proves more, and no prices: `prices` gives them where they are asked for.
    """
    if not (options.certificate and formulation.problem.scenario.spec.objective.has_points):
        return found
    problem, whole = formulation.problem, options.units != "continuous"
    dear = formulation.model(whole, {}).matrix.nnz >= _DEAR
    over = clock.is_over() and not dear
    by_county = None if over else certified_by_county(formulation, whole, clock)
    plain = not dear or by_county is None
    prices = relaxed_prices(problem) if plain and not clock.is_over() else None
    # Of whole units both are read of the same relaxation.
    known = prices.multipliers if prices is not None and whole else None
    certificate = certified(formulation, whole, known) if plain else None
    proved = with_proof(
        found,
        min(one.bound for one in (certificate, by_county) if one is not None),
        allowed=allowed_gap(options.units, options.gap),
        unit=unit_points(problem.scenario, problem.reference.points),
    )
    rules = () if prices is None else prices.rules
    return replace(proved, certificate=certificate, by_county=by_county, prices=rules)


def relaxed_prices(problem: Problem) -> Prices | None:
    """What a step of each rule is worth; None without an optimum of the relaxation or HiGHS."""
    try:
        from optimizer.sensitivity.prices import prices  # Needs highspy, which may be missing.
    except ImportError:
        return None
    try:
        return prices(problem.scenario, reference=problem.reference)
    except (InfeasibleError, NoAnswerError):
        return None


def certified(
    formulation: ProblemModels,
    whole: bool = True,
    multipliers: tuple[Multiplier, ...] | None = None,
) -> Certificate:
    """A certificate near the bound of the linear relaxation; a loose one where that has no optimum,
    and without HiGHS, whose prices it is made of.

    It holds for money in `whole` units, or in any parts of them. Whatever the solver's prices are
    worth, the certificate is a bound: only how close it is depends on them. `multipliers`: its
    prices of the limits, where they are known.
    """
    problem = formulation.problem
    if multipliers is None:
        multipliers = _of_relaxation(formulation, whole)
    return certify(problem.given, problem.reference.points, multipliers, whole=whole)


def certified_by_county(
    formulation: ProblemModels, whole: bool = True, clock: Clock | None = None
) -> Certificate | None:
    """A certificate of the integer problem, near the bound of its decomposition by county.

    None where that is no tighter than `certified` could be (a linear model), where the model does
    not come apart, and without HiGHS.
    """
    try:
        # They need highspy, which may be missing.
        from optimizer.sensitivity.prices import multipliers_of
        from optimizer.solvers.decomposition.by_county import row_prices
    except ImportError:
        return None
    problem, model = formulation.problem, formulation.model(whole, {})
    left = None if clock is None else clock.left()
    prices = None if model.is_lp else row_prices(model, left)
    if prices is None:
        return None
    multipliers = multipliers_of(problem.scenario, model, prices)
    return certify_by_county(problem.given, problem.reference.points, multipliers, whole=whole)


def _of_relaxation(formulation: ProblemModels, whole: bool) -> tuple[Multiplier, ...]:
    """The solver's prices of the limits; none where it gives none."""
    try:
        # They need highspy, which may be missing.
        from optimizer.sensitivity.prices import multipliers_of
        from optimizer.solvers.highs_lp import row_prices
    except ImportError:
        return ()
    problem = formulation.problem
    points = problem.reference.points
    model = formulate(problem.scenario, points, whole=False, parted=not whole)
    priced = row_prices(model)
    return () if priced is None else multipliers_of(problem.scenario, model, priced[0])
