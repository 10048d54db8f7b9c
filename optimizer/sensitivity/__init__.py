"""Why: prices of rules and a certificate, ranges near the best, why a county gets what it gets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from models.case_proof import LEAST, MOST, NO, YES, Case, CaseAnswer, CaseProof
from models.certificate import PLACES, Certificate, Multiplier, rounded_up
from models.errors import InfeasibleError, NoAnswerError
from models.programme import Programme
from models.solution import SearchNote, Solution
from optimizer.audit.case_bounds import bounded
from optimizer.audit.certify import certify, certify_by_county
from optimizer.formulation.assemble import formulate
from optimizer.problem import Problem
from optimizer.quality import allowed_gap, unit_points, with_proof
from optimizer.solve import Options
from optimizer.solvers.base import Clock, Limit
from optimizer.strategies import ProblemModels

if TYPE_CHECKING:
    from optimizer.sensitivity.prices import Prices
    from optimizer.solvers.decomposition.parted import PartOfAll

_MOST_CASES = 1000
"""Cases of a proof that are not parted further, at the most."""
_TO_CLOSE, _TO_NARROW = 6000, 200
"""How often all counties may be priced for it (base-2020@2020-first is closed with 3,000)."""
_CASE_SHARE = 0.5
"""Of the time that is left; the rest is for what a record keeps beside it."""
_HAIR = Fraction(1, 10**9)
"""What floats may be off by where choices are left out, in money units at their best."""
_NO_PRICE = Multiplier("budget", (), "upper", Fraction(0))
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
    bound = min(one.bound for one in (certificate, by_county) if one is not None)
    by_case = None
    if by_county is not None and (limit := _case_limit(found, bound, options, clock)):
        by_case = certified_by_case(formulation, found.reached[0] - found.reached[1], limit)
        by_case = None if by_case is None or by_case.bound >= bound else by_case
    proved = with_proof(
        found,
        bound if by_case is None else by_case.bound,
        allowed=allowed_gap(options.units, options.gap),
        unit=unit_points(problem.scenario, problem.reference.points),
    )
    rules = () if prices is None else prices.rules
    proved = replace(proved, certificate=certificate, by_county=by_county, by_case=by_case)
    return replace(proved, prices=rules)


def _case_limit(found: Solution, bound: Fraction, options: Options, clock: Clock) -> Limit | None:
    """How far a proof by cases goes: until it is closed, if that is asked for; a little, where the
    answer is the best over all cells; None where there is to be none, or no need of any."""
    objective, penalty = found.reached
    if options.units == "continuous" or bound <= objective - penalty or clock.is_over():
        return None
    left = Clock(clock.left(_CASE_SHARE))
    if not allowed_gap(options.units, options.gap):
        return Limit(_TO_CLOSE, left)
    notes = found.solver.notes
    every = SearchNote.FULL in notes and (SearchNote.UNIQUE in notes or SearchNote.CLOSED in notes)
    return Limit(_TO_NARROW, left) if every else None


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


def certified_by_case(
    formulation: ProblemModels, worth: Fraction, limit: Limit
) -> CaseProof | None:
    """A proof by cases of how little better than `worth` any allocation in whole units can be, as
    far as the limit goes.

    None where the model does not come apart, and without HiGHS; where too many choices are left,
    and where 64 bits do not hold its numbers.
    """
    try:
        # They need highspy, which may be missing.
        from optimizer.sensitivity.prices import multipliers_of
        from optimizer.solvers.decomposition.parted import parts_of_all
    except ImportError:
        return None
    problem, model = formulation.problem, formulation.whole
    found = parts_of_all(model, float(worth), limit, _MOST_CASES)
    if found is None:
        return None
    bound, first, parts = found
    known = {first.tobytes(): first}
    known |= {one.prices.tobytes(): one.prices for one in parts if one.prices is not None}
    numbers = {key: number for number, key in enumerate(known)}
    vectors = (multipliers_of(problem.scenario, model, one) for one in known.values())
    places = problem.scenario.programme
    cases = (
        Case(
            of=None if one.of < 0 else one.of,
            answer=None if one.of < 0 else _answer(places, one),
            prices=None if one.prices is None else numbers[one.prices.tobytes()],
        )
        for one in parts
    )
    cut = rounded_up(Fraction(bound) + _HAIR * Fraction(model.largest_cost), PLACES)
    proof = CaseProof(cut, tuple(cases), tuple(one or (_NO_PRICE,) for one in vectors))
    return bounded(problem.given, problem.reference.points, proof)


def _answer(programme: Programme, part: PartOfAll) -> CaseAnswer:
    said = YES if part.is_first else NO
    if part.most is not None:
        said = f"{MOST}{part.most}" if part.is_first else f"{LEAST}{part.most + 1}"
    tasks = tuple(programme.tasks.ids[task] for task in part.tasks)
    return CaseAnswer(programme.counties.ids[part.county], tasks, said)


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
