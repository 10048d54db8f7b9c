"""Decisions: a solve with its certificate, prices and advice; a repair; a record solved again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from pydantic import TypeAdapter, ValidationError

from models.allocation import Allocation
from models.errors import Problems, with_keywords
from models.exact import short_text
from models.scenario import Scenario
from models.solution import Comparison, Solution
from optimizer.audit import audit
from optimizer.infeasibility import advised, solve_advised
from optimizer.problem import Problem
from optimizer.sensitivity import priced
from optimizer.solve import OptionChanges, Options, repair_bare, solve_bare
from optimizer.solvers import begun, pick_engine
from optimizer.solvers.base import Clock, Watch
from optimizer.strategies import ProblemModels

if TYPE_CHECKING:  # A solve that keeps no record does without them: a sixth of its imports.
    from models.record.manifest import MadeWith, Manifest
    from optimizer.solvers.decomposition.bound import Start


@with_keywords(*OptionChanges.__annotations__)
def solve(
    scenario: Scenario,
    options: Options | None = None,
    *,
    watch: Watch | None = None,
    **changes: Unpack[OptionChanges],
) -> Solution:
    """The best allocation found, every rule read on it in exact arithmetic.

    The fields of `Options` may be given as keywords: `solve(scenario, gap=1e-3)`; together with
    `options`, they replace its fields. `watch` is told how a long search stands. Raises
    `InfeasibleError` where it is proved that no allocation keeps the rules, with what would have to
    give way; `NoAnswerError` where the solver found none in its limits; `InputError` for a solver
    or a baseline that cannot be had; `TypeError` for a keyword that is no option.
    """
    began = time.monotonic()
    formulation = ProblemModels(Problem.of(scenario))
    options = replace(options or Options(), **changes)
    if not scenario.spec.objective.has_points:
        options = replace(options, certificate=False)  # It is made of what outcomes are worth.
    clock = Clock(options.time_limit)
    found = priced(formulation, solve_advised(formulation, options, watch), options, clock)
    if options.curve and scenario.spec.objective.has_points and not clock.is_over():
        from optimizer.sensitivity.stability import stability_curve  # Only a record keeps it.

        found = replace(found, curve=stability_curve(found, seconds=clock.left()))
    return replace(found, seconds=time.monotonic() - began)


def solve_soon(
    scenario: Scenario, start: Start | None, *, gap: float = 3e-4, watch: Watch | None = None
) -> Solution:
    """The first answer within the gap, without certificate, prices and repaired baseline: for many
    changes of one scenario, one after the other.

    `start`: `start_of` the scenario that is changed, the same for the same bytes; None for a search
    from the beginning. Raises `InfeasibleError`, without advice, and what else `solve` raises.
    """
    options = Options(gap=gap, repaired=False, certificate=False)
    if scenario.spec.objective.aims:
        start = None  # An ordered list is searched in full.
    return solve_bare(ProblemModels(Problem.of(scenario)), options, watch, start)


def start_of(scenario: Scenario) -> Start | None:
    """Where the searches of changes of a scenario may begin; None where it does not come apart by
    counties, which is then searched in one piece, and where it pushes an ordered list of aims."""
    if scenario.spec.objective.aims:
        return None
    return begun(ProblemModels(Problem.of(scenario)).model(True, {}))


@with_keywords()
def repair(
    scenario: Scenario,
    table: Allocation,
    *,
    solver: str = "highs",
    time_limit: float | None = None,
    watch: Watch | None = None,
) -> Comparison:
    """The allocation in whole units nearest to a table that keeps the rules, least money moved.

    The table itself where it keeps them. `moved`: money units that stand elsewhere than in the
    table; `moved_at_least`: what is needed by the solver's word. Raises `InfeasibleError` where no
    allocation keeps the rules, with what would have to give way; `NoAnswerError` where none was
    found within the time (seconds); `InputError` for a table of another grid, for a solver or a
    baseline that cannot be had; `TypeError` for what is no `Allocation`.
    """
    audit(scenario, table)  # What is no table of this grid is refused before it is put in order.
    problem = Problem.of(scenario)
    engine, clock = pick_engine(solver)[0], Clock(time_limit, watch)
    ordered = problem.by_code(table)
    basis = Comparison(ordered, audit(problem.scenario, ordered), None)
    with advised(problem.scenario, engine, clock):
        return problem.read(repair_bare(ProblemModels(problem), basis, engine, clock))


@dataclass(frozen=True)
class OtherCell:
    """A cell whose money came out otherwise."""

    county: str
    task: str
    then: Fraction
    now: Fraction


@dataclass(frozen=True)
class OtherWord:
    """Something that the solver said otherwise."""

    place: str
    """Of the manifest, or the file with rule and column: `prices.csv floor points`."""
    then: str
    now: str


@dataclass(frozen=True)
class Reproduced:
    """A record solved again."""

    scenario: Scenario
    manifest: Manifest
    solution: Solution
    """What came of it now."""
    cells: int
    differences: tuple[OtherCell, ...]
    said: tuple[OtherWord, ...]
    """What the solver says otherwise than the record has it, beyond its tolerances: all that a
    replay without one cannot tell. Empty for a record of an earlier version."""
    versions: Mapping[str, tuple[str, str]]
    """Python, platform and packages → then, now."""

    @property
    def same(self) -> bool:
        """Every cell has the money that it had, and the solver says what it said."""
        return not self.differences and not self.said

    @property
    def objective_change(self) -> Fraction:
        """Objective now less that of the record, in points."""
        return self.solution.objective - self.manifest.result.objective


def reproduce(folder: Path, watch: Watch | None = None) -> Reproduced:
    """Solve the record in `folder` again. Raises `InputError` where it is no record or its files
    or options are not what was recorded, and what `solve` raises."""
    from models.record.manifest import VERSION, made_with  # As above.
    from optimizer.records import read_solution  # As above.

    then, record = read_solution(folder)
    manifest, scenario = record.manifest, record.scenario()
    solution = solve(scenario, _options(manifest), watch=watch)
    said = _other_words(then, solution) if manifest.version == VERSION else ()
    return Reproduced(
        scenario,
        manifest,
        solution,
        then.allocation.amounts.size,
        _differences(scenario, then.allocation, solution.allocation),
        said,
        _versions(manifest.made_with, made_with()),
    )


def _options(manifest: Manifest) -> Options:
    """The options of the record; of an early one nothing that only stands beside the allocation."""
    known = {field.name for field in fields(Options)}
    given = {name: value for name, value in manifest.options.items() if name in known}
    if "certificate" not in given:
        given |= {"repaired": False, "certificate": False, "second_opinion": None}
    try:
        return TypeAdapter(Options).validate_python(given)
    except ValidationError as error:
        from models.record.manifest import NAME  # As above.

        problems = Problems()
        for one in error.errors():
            problems.add(NAME, f"options.{'.'.join(map(str, one['loc']))}", one["msg"])
        problems.raise_if_any()
        raise AssertionError("a validation error names a problem") from error


_RELATIVE, _LEAST, _GAPS = 1e-6, 1e-9, 1e-6
"""How far two runs of one solver may be apart: relative, in points, and in gaps."""


def _other_words(then: Solution, now: Solution) -> tuple[OtherWord, ...]:
    before, after = _said(then), _said(now)
    places = dict.fromkeys((*before, *after))
    pairs = ((place, before.get(place), after.get(place)) for place in places)
    return tuple(
        OtherWord(place, _told(one), _told(other))
        for place, one, other in pairs
        if not _alike(place, one, other)
    )


def _said(solution: Solution) -> dict[str, object]:
    """Place → what the solver said there."""
    solver, mended = solution.solver, solution.repaired
    said: dict[str, object] = {
        "result.status": solution.status,
        "result.source": solution.source,
        "result.bound_proved": solution.bound_proved,
        "result.bound_solver": solution.bound_solver,
        "result.gap": solution.gap,
        "solver.solver_gap": solver.solver_gap,
        "solver.rounding_loss": solver.rounding_loss,
        "solver.notes": "; ".join(solver.notes),
        "compared.repaired.moved": None if mended is None else mended.moved,
        "compared.repaired.moved_at_least": None if mended is None else mended.moved_at_least,
    }
    opinion = solution.second_opinion or {}
    for name in ("solver", "outcome", "objective", "bound", "gap", "agrees"):
        said[f"solver.second_opinion.{name}"] = opinion.get(name)
    points = () if solution.curve is None else solution.curve.points
    for at, point in enumerate(points, 1):
        said[f"stability.csv {at} bound"] = point.bound
        said[f"stability.csv {at} worth"] = point.worth
    for one in solution.prices:
        place = f"prices.csv {one.rule}"
        told = {"binding": one.binding, "points": one.points, "low": one.low, "high": one.high}
        metrics = {f"metric {name}": number for name, number in one.metrics.items()}
        for column, number in {**told, **metrics, "kept": one.kept}.items():
            said[f"{place} {column}"] = number
    return said


def _alike(place: str, one: object, other: object) -> bool:
    """Whether two answers are the same within what a solver may err by."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if not (isinstance(one, int | float | Fraction) and isinstance(other, int | float | Fraction)):
        return one == other
    first, second = float(one), float(other)
    if first == second:  # Infinite ones too.
        return True
    room = _RELATIVE * max(abs(first), abs(second)) + (_GAPS if "gap" in place else _LEAST)
    return abs(first - second) <= room


def _told(value: object) -> str:
    if isinstance(value, Fraction):
        return short_text(value)
    return "" if value is None else str(value)


def _differences(scenario: Scenario, then: Allocation, now: Allocation) -> tuple[OtherCell, ...]:
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    pairs = zip(then.amounts.ravel().tolist(), now.amounts.ravel().tolist(), strict=True)
    return tuple(
        OtherCell(counties[at // len(tasks)], tasks[at % len(tasks)], Fraction(a), Fraction(b))
        for at, (a, b) in enumerate(pairs)
        if a != b
    )


def _versions(made: MadeWith, here: MadeWith) -> dict[str, tuple[str, str]]:
    then, now = _flat(made), _flat(here)
    return {name: (then.get(name, ""), now.get(name, "")) for name in {**then, **now}}


def _flat(made: MadeWith) -> dict[str, str]:
    return {**made.model_dump(exclude={"packages"}, exclude_unset=True), **made.packages}
