"""Decisions: a solve with its certificate, prices and advice; a repair; a record solved again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from pydantic import TypeAdapter, ValidationError

from models.allocation import Allocation
from models.errors import Problems
from models.scenario import Scenario
from models.solution import Comparison, Solution
from optimizer.audit import audit
from optimizer.infeasibility import advised, solve_advised
from optimizer.problem import Problem
from optimizer.sensitivity import priced
from optimizer.solve import OptionChanges, Options, repair_bare
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock, Watch
from optimizer.strategies import ProblemModels

if TYPE_CHECKING:  # A solve that keeps no record does without them: a sixth of its imports.
    from models.record.manifest import MadeWith, Manifest


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
    found = solve_advised(formulation, options, watch)
    return replace(priced(formulation, found, options), seconds=time.monotonic() - began)


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
    table; `moved_at_least`: what is proven to be needed. Raises `InfeasibleError` where no
    allocation keeps the rules, with what would have to give way; `NoAnswerError` where none was
    found within the time (seconds); `InputError` for a table of another grid, for a solver or a
    baseline that cannot be had; `TypeError` for what is no `Allocation`.
    """
    audit(scenario, table)  # What is no table of this grid is refused before it is put in order.
    problem = Problem.of(scenario)
    engine, clock = pick_engine(solver)[0], Clock(time_limit, watch)
    ordered = problem.by_code(table)
    basis = Comparison(ordered, audit(problem.scenario, ordered), None)
    with advised(problem.scenario, engine):
        return problem.read(repair_bare(ProblemModels(problem), basis, engine, clock))


@dataclass(frozen=True)
class OtherCell:
    """A cell whose money came out otherwise."""

    county: str
    task: str
    then: Fraction
    now: Fraction


@dataclass(frozen=True)
class Reproduced:
    """A record solved again."""

    scenario: Scenario
    manifest: Manifest
    solution: Solution
    """What came of it now."""
    cells: int
    differences: tuple[OtherCell, ...]
    versions: Mapping[str, tuple[str, str]]
    """Python, platform and packages → then, now."""

    @property
    def same(self) -> bool:
        """Every cell has the money that it had."""
        return not self.differences

    @property
    def objective_change(self) -> Fraction:
        """Objective now less that of the record, in points."""
        return self.solution.objective - self.manifest.result.objective


def reproduce(folder: Path, watch: Watch | None = None) -> Reproduced:
    """Solve the record in `folder` again. Raises `InputError` where it is no record or its files
    or options are not what was recorded, and what `solve` raises."""
    from models.record import open_record  # As above.
    from models.record.manifest import made_with  # As above.

    record = open_record(folder)
    scenario = record.scenario()
    due = record.allocation(scenario)
    solution = solve(scenario, _options(record.manifest.options), watch=watch)
    return Reproduced(
        scenario,
        record.manifest,
        solution,
        due.amounts.size,
        _differences(scenario, due, solution.allocation),
        _versions(record.manifest.made_with, made_with()),
    )


def _options(told: Mapping[str, Any]) -> Options:
    """The options of the record; nothing is made that only stands beside the allocation."""
    known = {field.name for field in fields(Options)} - {"second_opinion"}
    given = {name: value for name, value in told.items() if name in known}
    try:
        return TypeAdapter(Options).validate_python(
            {**given, "repaired": False, "certificate": False}
        )
    except ValidationError as error:
        from models.record.manifest import NAME  # As above.

        problems = Problems()
        for one in error.errors():
            problems.add(NAME, f"options.{'.'.join(map(str, one['loc']))}", one["msg"])
        problems.raise_if_any()
        raise AssertionError("a validation error names a problem") from error


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
