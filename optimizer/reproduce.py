"""Solve a record's scenario again with its own options, and compare cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from models.allocation import Allocation
from models.errors import Problems
from models.record import open_record
from models.record.manifest import NAME, MadeWith, Manifest, made_with
from models.scenario import Scenario
from models.solution import Solution
from optimizer.decision import solve
from optimizer.solve import Options
from optimizer.solvers.base import Watch


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
