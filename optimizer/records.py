"""A solution as it stands in its record, read again without a solver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.allocation import Allocation
from models.certificate import NAME as CERTIFICATE
from models.certificate import Certificate, read_certificate
from models.errors import Problems, refuse
from models.record import BASELINE, REPAIRED, Record, findings_csv, outcomes_csv, read_record
from models.record.manifest import Manifest, ToldCompared, ToldSolver, read_told
from models.scenario import Scenario
from models.shadow_price import NAME as PRICES
from models.shadow_price import RulePrice, read_prices
from models.solution import Comparison, Solution, SolverReport
from optimizer.audit import audit


def read_solution(folder: Path) -> tuple[Solution, Record]:
    """The solution that the record in `folder` keeps, every rule read on it again.

    Raises `InputError` where the folder is no record, where a file is not what was recorded, and
    where `findings.csv` or `outcomes.csv` is not what the audit reads on the recorded tables.
    """
    record = read_record(folder)
    told = read_told(record.manifest)
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
        certificate=_certificate(record),
        prices=_prices(record, scenario),
        options=told.options,
    )
    _refuse_other_tables(record, solution)
    return solution, record


def _certificate(record: Record) -> Certificate | None:
    if CERTIFICATE not in record.manifest["files"]:
        return None
    return read_certificate((record.folder / CERTIFICATE).read_bytes())


def _prices(record: Record, scenario: Scenario) -> tuple[RulePrice, ...]:
    if PRICES not in record.manifest["files"]:
        return ()
    content = (record.folder / PRICES).read_bytes()
    prices = read_prices(content, scenario.programme.metrics)
    known = {"budget", *(rule.id for rule in scenario.rules)}
    if unknown := [one.rule for one in prices if one.rule not in known]:
        refuse(PRICES, unknown[0], "is no rule of the scenario")
    return prices


def _solver(told: ToldSolver) -> SolverReport:
    return SolverReport(
        told.name, told.version, told.solver_gap, told.rounding_loss, tuple(told.notes)
    )


def _comparison(scenario: Scenario, allocation: Allocation, told: ToldCompared) -> Comparison:
    return Comparison(
        allocation,
        audit(scenario, allocation),
        told.objective,
        moved_at_least=told.moved_at_least,
        moved=told.moved,
    )


def _repaired(scenario: Scenario, record: Record, told: Manifest) -> Comparison | None:
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


# Solve a record's scenario again with its own options, and compare cell by cell.
