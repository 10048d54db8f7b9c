"""Decisions: a solve with its certificate, prices and advice; a repair; a record solved again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Unpack

from pydantic import TypeAdapter, ValidationError

from models.allocation import Allocation
from models.certificate import Certificate, Multiplier
from models.errors import NoAnswer, NoAnswerError, Problems
from models.record import open_record
from models.record.manifest import NAME, MadeWith, Manifest, made_with
from models.scenario import Scenario
from models.solution import Comparison, Solution
from optimizer.audit.certify import certify
from optimizer.infeasibility import solve_advised
from optimizer.problem import Problem
from optimizer.sensitivity import rule_prices
from optimizer.solve import OptionChanges, Options, repair_bare
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock, Watch
from optimizer.strategies import Formulation

_PLACES = 12
"""Decimals of a multiplier in objective points, beyond those that its own size takes."""


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
    formulation = Formulation(Problem.of(scenario))
    options = replace(options or Options(), **changes)
    found = solve_advised(formulation, options, watch)
    if not options.certificate:
        return found
    made, prices = certified(formulation), rule_prices(formulation.problem)
    return replace(found, certificate=made, prices=prices, seconds=time.monotonic() - began)


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
    table; `moved_at_least`: what is proven to be needed. Raises `NoAnswerError` where none was
    found within the time (seconds), `InputError` for a solver that cannot be had.
    """
    problem = Problem.of(scenario)
    formulation = Formulation(problem)
    engine, clock = pick_engine(solver)[0], Clock(time_limit, watch)
    found = repair_bare(formulation, problem.by_code(table), engine, clock)
    if found is None:
        raise NoAnswerError(NoAnswer.NONE_NEAR)
    return problem.read(found)


def certified(formulation: Formulation) -> Certificate | None:
    """A certificate near the bound of the linear relaxation; None where that has no optimum, and
    without HiGHS, whose prices it is made of.

    Whatever the solver's prices are worth, the certificate is a bound: only how close it is depends
    on them.
    """
    try:
        from optimizer.solvers.highs_lp import row_prices  # Needs highspy, which may be missing.
    except ImportError:
        return None
    problem, model = formulation.problem, formulation.whole
    priced = row_prices(model)
    if priced is None:
        return None
    prices, _ = priced
    per = {rule.id: rule.per for rule in problem.given.rules}
    multipliers = []
    for limit in model.limits:
        for number, key in enumerate(limit.keys):
            price = float(prices[limit.start + number] * limit.scale[number] * limit.heads[number])
            side = "upper" if price > 0 else "lower"
            named = tuple(zip(per.get(limit.rule, ()), key, strict=True))
            if price:
                multipliers.append(Multiplier(limit.rule, named, side, _short(abs(price))))
    return certify(problem.given, problem.reference.points, multipliers)


def _short(price: float) -> Fraction:
    """A decimal of few digits near a price, so that a reader can multiply by it."""
    return Fraction(f"{price:.{_PLACES}e}") if price else Fraction(0)


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
        _versions(record.manifest.made_with),
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


def _versions(made: MadeWith) -> dict[str, tuple[str, str]]:
    then, now = _flat(made), _flat(made_with())
    return {name: (then.get(name, ""), now.get(name, "")) for name in {**then, **now}}


def _flat(made: MadeWith) -> dict[str, str]:
    return {**made.model_dump(exclude={"packages"}, exclude_unset=True), **made.packages}
