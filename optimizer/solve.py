"""Solve a problem: search, audit in exact arithmetic, tighten what broke, say what is proven.

Bare: a conflict is raised without advice, and no prices are made; `optimizer.decision` adds them.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, NamedTuple, TypedDict, get_args

import numpy as np

from models.allocation import Allocation
from models.errors import InfeasibleError, InputError, NoAnswerError, Problems, did_you_mean, refuse
from models.finding import Audit
from models.objective import objective_of
from models.scenario import Scenario
from models.solution import (
    AimReached,
    Comparison,
    Quality,
    SearchNote,
    Solution,
    SolverReport,
    first_reached,
)
from optimizer.aims import repair_aims, solve_aims
from optimizer.quality import agrees, allowed_gap, quality_of, shortfall, unit_points
from optimizer.solvers import engine_name, engine_version, pick_engine, why_in_one
from optimizer.solvers.base import Clock, Effort, Engine, Watch, Way
from optimizer.strategies import (
    Infeasible,
    ProblemModels,
    Proof,
    SearchResult,
    SearchTask,
    Strategy,
    Units,
)
from optimizer.strategies.aim_list import FirstFound, in_order
from optimizer.strategies.monolithic import search
from optimizer.strategies.nearest import GAP, moved_at_least, nearest
from optimizer.strategies.tightening import kept_exactly
from optimizer.strategies.within_gap import within_gap

if TYPE_CHECKING:
    from optimizer.solvers.decomposition.bound import Start

NO_ALLOCATION = "no allocation can keep all the rules"
_SEARCH_SHARE = 0.8
_OPINION_SECONDS = 120.0
"""The most time that a second opinion may take."""


@dataclass(frozen=True)
class Options:
    """How to solve. `gap` is relative and for the whole result; `time_limit` in seconds."""

    solver: str = "highs"
    gap: float = 1e-4
    time_limit: float | None = None
    units: Units = "whole"
    strategy: Way = "auto"
    """Whether models that come apart by counties are solved so."""
    second_opinion: str | None = None
    repaired: bool = True
    """Look for the allocation nearest to the baseline that keeps the rules, to compare with."""
    certificate: bool = True
    """Make the certificate of an upper bound and the prices of rules, which a record keeps: for
    `optimizer.decision`, not for a bare solve."""
    curve: bool = False
    """Find what stability costs, which a record keeps: for `optimizer.decision`, too."""

    def __post_init__(self) -> None:
        problems = Problems()
        for name, said, known in (
            ("units", self.units, get_args(Units)),
            ("strategy", self.strategy, get_args(Way)),
        ):
            if said not in known:
                near = did_you_mean(str(said), known)
                problems.add("", name, f"'{said}' is none of {', '.join(known)}{near}")
        gap, seconds = self.gap, self.time_limit
        if not isinstance(gap, int | float) or not 0 <= gap < 1:
            problems.add("", "gap", f"{gap!r} is not a number from 0 to below 1")
        if seconds is not None and not (isinstance(seconds, int | float) and 0 < seconds < inf):
            problems.add("", "time_limit", f"{seconds!r} is not a number of seconds above 0")
        for place, named in (("solver", self.solver), ("second_opinion", self.second_opinion)):
            if not isinstance(named, str) and (named is not None or place == "solver"):
                problems.add("", place, f"{named!r} is no name of a solver")
        problems.raise_if_any()

    @property
    def recorded(self) -> dict[str, object]:
        """What a record keeps of them."""
        return asdict(self)


class OptionChanges(TypedDict, total=False):
    """The fields of `Options` as typed keywords; a test holds the two together."""

    solver: str
    gap: float
    time_limit: float | None
    units: Units
    strategy: Way
    second_opinion: str | None
    repaired: bool
    certificate: bool
    curve: bool


def solve_bare(
    formulation: ProblemModels,
    options: Options,
    watch: Watch | None = None,
    start: Start | None = None,
) -> Solution:
    """The best allocation found, every rule read on it in exact arithmetic, in the file's order.

    `watch` is told how a long search stands. `start`: of a like problem; the search begins there,
    and ends at the first answer within the gap, without a choice among equals. Raises
    `InfeasibleError`, without advice, where it is proved that no allocation keeps the rules,
    `NoAnswerError` where the solver found none in its limits, `InputError` for a solver or a
    baseline that cannot be had.
    """
    began = time.monotonic()
    problem, clock = formulation.problem, Clock(_for_search(options), watch)
    way = options.strategy if start is None else "decomposed"
    engine, engine_notes = pick_engine(options.solver, way, start)
    if options.second_opinion is not None:
        _refuse_unknown(options.second_opinion)
    if options.units == "continuous" and (problem.scenario.steps > 1).any():
        refuse("", "units", "continuous money comes in no step; leave step out, or solve whole")
    aims = solve_aims(problem)
    task = SearchTask(formulation, aims, options.units, options.gap, engine, clock)
    _refuse_unfit(problem.given, options)
    strategy = search if start is None else within_gap
    near = None if problem.scenario.spec.objective.has_points else _repaired(task)
    found, allocation, audited, objective, quality, reached = searched(task, strategy, near)
    worth = float(first_reached(reached) if reached else objective - audited.penalty)
    doubt = (SearchNote.CONTRADICTED,) if quality.contradicted else ()
    looked_for = options.repaired and not clock.is_over()
    repaired = (near or _repaired(task)) if looked_for else None
    opinion = None
    if options.second_opinion is not None:
        opinion = _second_opinion(task, options.second_opinion, worth)
    given = problem.read(Comparison(allocation, audited, objective), options.units != "continuous")
    return Solution(
        scenario=problem.given,
        allocation=given.allocation,
        audit=given.audit,
        objective=objective,
        baseline=problem.read(problem.reference.comparison),
        repaired=None if repaired is None else problem.read(repaired),
        second_opinion=opinion,
        seconds=time.monotonic() - began,
        options=options.recorded,
        aims=reached,
        **quality.told,
        solver=SolverReport(
            name=engine_name(options.solver),
            version=engine_version(options.solver),
            solver_gap=found.proof.solver_gap,
            rounding_loss=shortfall(found.best, worth, found.best),
            notes=(
                *engine_notes,
                *_claimed(found.notes, quality),
                *_way_note(found, task, options, bool(reached)),
                *doubt,
            ),
        ),
    )


class Searched(NamedTuple):
    """What a search came to, in code order."""

    found: SearchResult
    allocation: Allocation
    audit: Audit
    objective: Fraction
    quality: Quality
    """Of the first aim, where there are several: of what it reached before it gave anything up."""
    aims: tuple[AimReached, ...] = ()
    """What each stage of an ordered list reached."""


def searched(task: SearchTask, strategy: Strategy, near: Comparison | None = None) -> Searched:
    """The allocation that a strategy finds and that keeps every rule, and how good it is.

    `near`: one that keeps them too, where a list of aims without points begins. Raises
    `InfeasibleError` and `NoAnswerError` as `solve_bare`.
    """
    objective = task.formulation.problem.scenario.spec.objective
    first = _searched_first(task, strategy) if objective.has_points else None
    return _in_order(task, first, near) if first is None or objective.aims else first


def _in_order(task: SearchTask, first: Searched | None, near: Comparison | None) -> Searched:
    """What an ordered list of aims comes to; `first`: what its first aim reached, where that is a
    sum of outcomes."""
    problem = task.formulation.problem
    try:
        if first is None:
            done = in_order(task, lawful=None if near is None else near.allocation)
        else:
            known = first.quality.bound_solver, first.quality.status == "optimal"
            done = in_order(task, FirstFound(first.allocation, *known))
    except Infeasible:
        raise InfeasibleError(NO_ALLOCATION) from None
    objective = objective_of(done.table.audit, problem.reference.points)
    told = done.table.allocation, done.table.audit, objective
    if first is not None:
        return Searched(_noted(first.found, done.note), *told, first.quality, done.reached)
    head = done.reached[0]
    worth = first_reached(done.reached)
    bound = None if head.bound is None else head.bound if head.push.rises else 0.0 - head.bound
    allowed = allowed_gap(task.units, task.gap)
    quality = quality_of(worth, Fraction(0), bound, allowed=allowed)
    proof = Proof(bound, None, head.closed, 0.0)
    found = SearchResult((), proof, float(worth), (done.note,), np.zeros(0))
    return Searched(found, *told, quality, done.reached)


def _noted(found: SearchResult, note: SearchNote) -> SearchResult:
    """A search of the first aim, with what the choice after the last one proved in its place."""
    ends = {one for one in SearchNote if one.value.startswith("tie-break")}
    return replace(found, notes=(note, *(one for one in found.notes if one not in ends)))


def _refuse_unfit(scenario: Scenario, options: Options) -> None:
    """Ordered aims are searched in whole units, and other solvers are asked of outcomes only."""
    objective, problems = scenario.spec.objective, Problems()
    if objective.aims and options.units == "continuous":
        problems.add("", "units", "ordered aims are searched in whole units, not in parts of them")
    if not objective.has_points and options.second_opinion is not None:
        message = "another solver is asked of outcomes only, and the first aim is none"
        problems.add("", "second_opinion", message)
    problems.raise_if_any()


def _searched_first(task: SearchTask, strategy: Strategy) -> Searched:
    problem = task.formulation.problem
    points = problem.reference.points
    try:
        found, allocation, audited = kept_exactly(task, strategy)
    except Infeasible:
        raise InfeasibleError(NO_ALLOCATION) from None
    objective = objective_of(audited, points)
    quality = quality_of(
        objective,
        audited.penalty,
        found.proof.bound,
        allowed=allowed_gap(task.units, task.gap),
        unit=unit_points(problem.scenario, points),
    )
    return Searched(found, allocation, audited, objective, quality)


def _for_search(options: Options) -> float | None:
    """The seconds of a search: a part of the limit is kept for a certificate and prices."""
    limit = options.time_limit
    return limit * _SEARCH_SHARE if limit is not None and options.certificate else limit


def _claimed(notes: tuple[SearchNote, ...], quality: Quality) -> tuple[SearchNote, ...]:
    """The notes of a search; of an allocation that may not be the best, nothing is the only one."""
    if quality.status == "optimal":
        return notes
    ends = SearchNote.UNIQUE, SearchNote.CLOSED
    return tuple(SearchNote.BEST_FOUND if note in ends else note for note in notes)


def _way_note(
    found: SearchResult, task: SearchTask, options: Options, by_aims: bool
) -> tuple[SearchNote, ...]:
    """How a mixed-integer model was searched, and why in one piece where it was."""
    model = task.model({})
    if model.is_lp:
        return ()
    if found.proof.apart:
        return (SearchNote.APART,)
    if engine_name(options.solver) != "highs":
        return (SearchNote.IN_ONE,)
    if options.strategy == "monolithic":
        return (SearchNote.ASKED,)
    if (why := why_in_one(model)) is not None:
        return (why,)
    if SearchNote.DIRECT in found.notes:
        return (SearchNote.AT_ONCE,)
    return (SearchNote.IN_ONE if by_aims else SearchNote.NOT_CLOSED,)


def repair_bare(
    formulation: ProblemModels, basis: Comparison, engine: Engine, clock: Clock
) -> Comparison:
    """The allocation nearest to that of `basis` that keeps the rules, both in code order.

    The same one where it keeps them. Raises `InfeasibleError`, without advice, where none can,
    `NoAnswerError` where none was found in time.
    """
    table, aims = basis.allocation, repair_aims(basis.allocation)
    if not basis.audit.unmet:
        return replace(_measured(formulation, table, basis.audit), moved=Fraction(0))
    task = SearchTask(formulation, aims, "whole", GAP, engine, clock)
    try:
        found, allocation, audited = kept_exactly(task, nearest)
    except Infeasible:
        raise InfeasibleError(NO_ALLOCATION) from None
    assert found.proof.bound is not None
    return replace(
        _measured(formulation, allocation, audited),
        moved=allocation.moved_from(table),
        moved_at_least=moved_at_least(aims[0], found.proof.bound),
    )


def _refuse_unknown(second: str) -> None:
    """Refuse a second solver that is not here before the search, by its own keyword."""
    try:
        pick_engine(second)
    except InputError as error:
        raise InputError([replace(one, path="second_opinion") for one in error.problems]) from None


def _measured(formulation: ProblemModels, allocation: Allocation, audited: Audit) -> Comparison:
    objective = objective_of(audited, formulation.problem.reference.points)
    return Comparison(allocation, audited, objective)


def _repaired(task: SearchTask) -> Comparison | None:
    """The repaired baseline: a comparison that cannot be had does not cost the answer."""
    basis = task.formulation.problem.reference.comparison
    try:
        return repair_bare(task.formulation, basis, task.engine, task.clock)
    except (InfeasibleError, NoAnswerError):
        return None


def _second_opinion(task: SearchTask, name: str, worth: float) -> dict[str, object]:
    """The outcome, objective and bound of solver `name` on the continuous model.

    `worth`: the objective of the answer, less what bent rules cost. `agrees` is False where the
    other solver finds the model infeasible or proves that nothing is as good as the answer; True
    where its bound lets the answer stand; None where it proved nothing.
    """
    engine, notes = pick_engine(name, "monolithic")  # Another way than the answer's own.
    effort = Effort(gap=task.gap, time_limit=task.clock.left(at_most=_OPINION_SECONDS))
    said: dict[str, object] = {
        "solver": name,
        "version": engine_version(name),
        "model": "continuous",
        **({"note": "; ".join(notes)} if notes else {}),
    }
    try:
        answer = engine(task.model({}), effort)
    except NoAnswerError as error:
        # An opinion that cannot be had does not cost the answer.
        return {**said, "outcome": "none", "note": str(error)}
    return {
        **said,
        "outcome": answer.outcome,
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": answer.gap,
        "agrees": agrees(answer.outcome, answer.bound, worth),
        "seconds": round(answer.seconds, 3),
    }
