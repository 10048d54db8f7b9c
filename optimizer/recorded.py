"""A solution as it stands in its record, read again without a solver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from models.allocation import Allocation
from models.errors import Problems
from models.exact import Exact
from models.manifest import NAME
from models.record import (
    BASELINE,
    REPAIRED,
    Record,
    findings_csv,
    outcomes_csv,
    read_record,
)
from models.scenario import Scenario
from models.solution import Comparison, Solution, SolverReport, Status
from optimizer.audit import audit


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Scenario(_Part):
    name: str
    changes: tuple[str, ...] = ()


class _Result(_Part):
    status: Status
    objective: Exact
    bound: float | None
    gap: float | None


class _Compared(_Part):
    objective: Exact | None
    moved: Exact | None
    moved_at_least: float | None


class _Tables(_Part):
    baseline: _Compared
    repaired: _Compared | None = None


class _Solver(_Part):
    name: str
    version: str
    solver_gap: float | None
    rounding_loss: float | None
    notes: tuple[str, ...] = ()
    second_opinion: dict[str, Any] | None = None


class _Told(_Part):
    """What the manifest says of a solution beyond its tables."""

    scenario: _Scenario
    result: _Result
    compared: _Tables
    solver: _Solver
    options: dict[str, Any] = {}


def read_solution(folder: Path) -> tuple[Solution, Record]:
    """The solution that the record in `folder` keeps, every rule read on it again.

    Raises `InputError` where the folder is no record, where a file is not what was recorded, and
    where `findings.csv` or `outcomes.csv` is not what the audit reads on the recorded tables.
    """
    record = read_record(folder)
    told = _told(record)
    scenario = replace(record.scenario(), name=told.scenario.name, changes=told.scenario.changes)
    whole = told.options.get("units") != "continuous"
    allocation = record.allocation(scenario)
    basis = record.allocation(scenario, BASELINE)
    solution = Solution(
        scenario=scenario,
        allocation=allocation,
        audit=audit(scenario, allocation, whole=whole),
        status=told.result.status,
        objective=told.result.objective,
        bound=told.result.bound,
        gap=told.result.gap,
        solver=_solver(told.solver),
        baseline=_comparison(scenario, basis, told.compared.baseline),
        repaired=_repaired(scenario, record, told),
        second_opinion=told.solver.second_opinion,
        options=told.options,
    )
    _refuse_other_tables(record, solution)
    return solution, record


def _told(record: Record) -> _Told:
    try:
        return _Told.model_validate(record.manifest)
    except ValidationError as error:
        problems = Problems()
        for one in error.errors():
            problems.add(NAME, ".".join(str(step) for step in one["loc"]), one["msg"])
        problems.raise_if_any()
        raise AssertionError("a validation error names a problem") from error


def _solver(told: _Solver) -> SolverReport:
    return SolverReport(
        told.name, told.version, told.solver_gap, told.rounding_loss, tuple(told.notes)
    )


def _comparison(scenario: Scenario, allocation: Allocation, told: _Compared) -> Comparison:
    return Comparison(
        allocation,
        audit(scenario, allocation),
        told.objective,
        moved_at_least=told.moved_at_least,
        moved=told.moved,
    )


def _repaired(scenario: Scenario, record: Record, told: _Told) -> Comparison | None:
    if told.compared.repaired is None:
        return None
    table = record.allocation(scenario, REPAIRED)
    return _comparison(scenario, table, told.compared.repaired)


def _refuse_other_tables(record: Record, solution: Solution) -> None:
    problems = Problems()
    due = {"findings.csv": findings_csv(solution.audit), "outcomes.csv": outcomes_csv(solution)}
    for name, content in due.items():
        if (record.folder / name).read_bytes() != content:
            problems.add(name, "", "is not what the audit reads on the recorded allocation")
    problems.raise_if_any()
