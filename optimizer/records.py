"""A solution as it stands in its record, read again without a solver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.certificate import NAME as CERTIFICATE
from models.certificate import Certificate, read_certificate
from models.errors import Problems, refuse
from models.record import (
    BASELINE,
    FINDINGS,
    OUTCOMES,
    REPAIRED,
    Record,
    findings_csv,
    open_record,
    outcomes_csv,
)
from models.record.manifest import RecordedComparison, RecordedSolver
from models.scenario import Scenario
from models.shadow_price import NAME as PRICES
from models.shadow_price import RulePrice, read_prices
from models.solution import Comparison, SearchNote, Solution, SolverReport
from optimizer.audit import audit


def read_record(path: Path | str) -> Solution:
    """The solution that the record in the folder `path` keeps, as `solve` gave it.

    Nothing is solved; every rule is read again on the recorded allocation, in exact numbers.
    Raises `InputError` where the folder is no record, where a file is not what was recorded (each
    is named), and where `findings.csv` or `outcomes.csv` is not what the audit reads.
    """
    return read_solution(Path(path))[0]


def read_solution(folder: Path) -> tuple[Solution, Record]:
    """`read_record`, with the record itself: its folder and manifest."""
    record = open_record(folder)
    told = record.manifest
    scenario = replace(record.scenario(), name=told.scenario.name, changes=told.scenario.changes)
    allocation = record.allocation(scenario)
    solution = Solution(
        scenario=scenario,
        allocation=allocation,
        audit=audit(scenario, allocation, whole=told.is_whole),
        status=told.result.status,
        objective=told.result.objective,
        bound=told.result.bound,
        gap=told.result.gap,
        solver=_solver(told.solver),
        baseline=_comparison(record, scenario, BASELINE, told.compared.baseline),
        repaired=_repaired(record, scenario),
        second_opinion=told.solver.second_opinion,
        certificate=_certificate(record),
        prices=_prices(record, scenario),
        options=told.options,
    )
    _refuse_other_tables(record, solution)
    return solution, record


def _certificate(record: Record) -> Certificate | None:
    if CERTIFICATE not in record.manifest.files:
        return None
    return read_certificate((record.folder / CERTIFICATE).read_bytes())


def _prices(record: Record, scenario: Scenario) -> tuple[RulePrice, ...]:
    if PRICES not in record.manifest.files:
        return ()
    content = (record.folder / PRICES).read_bytes()
    prices = read_prices(content, scenario.programme.metrics)
    known = {"budget", *(rule.id for rule in scenario.rules)}
    if unknown := [one.rule for one in prices if one.rule not in known]:
        refuse(PRICES, unknown[0], "is no rule of the scenario")
    return prices


def _solver(told: RecordedSolver) -> SolverReport:
    return SolverReport(
        told.name,
        told.version,
        told.solver_gap,
        told.rounding_loss,
        tuple(map(SearchNote.read, told.notes)),
    )


def _comparison(
    record: Record, scenario: Scenario, name: str, told: RecordedComparison
) -> Comparison:
    """The allocation in the file `name`, with what the manifest says of it."""
    allocation = record.allocation(scenario, name)
    return Comparison(
        allocation,
        audit(scenario, allocation),
        told.objective,
        moved_at_least=told.moved_at_least,
        moved=told.moved,
    )


def _repaired(record: Record, scenario: Scenario) -> Comparison | None:
    told = record.manifest.compared.repaired
    return None if told is None else _comparison(record, scenario, REPAIRED, told)


def _refuse_other_tables(record: Record, solution: Solution) -> None:
    problems = Problems()
    due = {FINDINGS: findings_csv(solution.audit), OUTCOMES: outcomes_csv(solution)}
    for name, content in due.items():
        if (record.folder / name).read_bytes() != content:
            problems.add(name, "", "is not what the audit reads on the recorded allocation")
    problems.raise_if_any()
