"""A solution as it stands in its record, read again without a solver."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from models.aim import OrderedAim
from models.allocation import Allocation
from models.case_proof import NAME as BY_CASE
from models.case_proof import CaseProof, read_case_proof
from models.certificate import BY_COUNTY, Certificate, read_certificate
from models.certificate import NAME as CERTIFICATE
from models.errors import Problems, refuse, with_keywords
from models.finding import Audit
from models.objective import metric_values, objective_of
from models.record import (
    ALLOCATION,
    BASELINE,
    FINDINGS,
    OUTCOMES,
    REPAIRED,
    Record,
    findings_csv,
    open_record,
    outcomes_csv,
)
from models.record.manifest import RecordedAim, RecordedComparison, RecordedSolver
from models.scenario import Scenario
from models.shadow_price import NAME as PRICES
from models.shadow_price import RulePrice, read_prices
from models.solution import AimReached, Comparison, SearchNote, Solution, SolverReport
from models.stability_points import NAME as STABILITY
from models.stability_points import TABLES, StabilityCurve, StabilityPoint, read_stability
from optimizer.audit import audit


@with_keywords()
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
    names = [ALLOCATION, BASELINE, *([] if told.compared.repaired is None else [REPAIRED])]
    tables = {}
    for name in names:
        money = record.allocation(scenario, name)
        whole = told.is_whole if name == ALLOCATION else True
        tables[name] = money, audit(scenario, money, whole=whole)
    solution = solution_told(record, scenario, tables)
    _refuse_other_tables(record, solution)
    return replace(solution, curve=_curve(record, solution)), record


def solution_told(
    record: Record,
    scenario: Scenario,
    tables: Mapping[str, tuple[Allocation, Audit]],
    certificates: Mapping[str, Certificate] | None = None,
) -> Solution:
    """The solution that a record tells; `tables`: its tables of money by file, as they are read;
    `certificates`: those by file that are known to be what it holds.

    Raises `InputError` where certificate or prices cannot be read. Its curve is left out.
    """
    told, compared, result = record.manifest, record.manifest.compared, record.manifest.result
    repaired = None
    if compared.repaired is not None:
        repaired = _comparison(tables[REPAIRED], compared.repaired)
    return Solution(
        scenario=scenario,
        allocation=tables[ALLOCATION][0],
        audit=tables[ALLOCATION][1],
        status=result.status,
        objective=result.objective,
        bound_proved=told.certificate.least,
        bound_solver=result.bound if result.bound_solver is None else result.bound_solver,
        gap=result.gap,
        source=result.source or (None if result.gap is None else "solver"),
        solver=_solver(told.solver),
        baseline=_comparison(tables[BASELINE], compared.baseline),
        repaired=repaired,
        second_opinion=told.solver.second_opinion,
        certificate=_certificate(record, CERTIFICATE, certificates or {}),
        by_county=_certificate(record, BY_COUNTY, certificates or {}),
        by_case=_by_case(record),
        prices=_prices(record, scenario),
        options=told.options,
        aims=aims_told(scenario, result.aims),
    )


def aims_told(scenario: Scenario, told: Sequence[RecordedAim]) -> tuple[AimReached, ...]:
    """What a record tells of an ordered list of aims; nothing of aims that are not in the list."""
    aims = scenario.spec.objective.aims
    return tuple(one.reached(_rises(aims[one.aim], one)) for one in told if one.aim < len(aims))


def _rises(aim: OrderedAim, told: RecordedAim) -> bool:
    return aim.rises and told.stage != "touched"


def _certificate(record: Record, name: str, known: Mapping[str, Certificate]) -> Certificate | None:
    if name not in record.manifest.files:
        return None
    if name in known:
        return known[name]
    return read_certificate((record.folder / name).read_bytes())


def _by_case(record: Record) -> CaseProof | None:
    if BY_CASE not in record.manifest.files:
        return None
    return read_case_proof((record.folder / BY_CASE).read_bytes())


def _prices(record: Record, scenario: Scenario) -> tuple[RulePrice, ...]:
    if PRICES not in record.manifest.files:
        return ()
    content = (record.folder / PRICES).read_bytes()
    prices = read_prices(content, scenario.programme.metrics)
    known = {"budget", *(rule.id for rule in scenario.rules)}
    if unknown := [one.rule for one in prices if one.rule not in known]:
        refuse(PRICES, unknown[0], "is no rule of the scenario")
    return prices


def _curve(record: Record, solution: Solution) -> StabilityCurve | None:
    if STABILITY not in record.manifest.files:
        return None
    content, tables = ((record.folder / name).read_bytes() for name in (STABILITY, TABLES))
    return curve_told(solution, content, tables)


def curve_told(solution: Solution, content: bytes, tables: bytes) -> StabilityCurve:
    """What stability costs as the files of a record tell it, what each table comes to read anew.
    Raises `InputError` where they cannot be read, and for a table that breaks a rule."""
    scenario, before = solution.scenario, solution.baseline.allocation
    points = metric_values(scenario, solution.baseline.audit.outcomes)
    least, told = read_stability(content, tables, scenario.programme)
    found = []
    for number, one in enumerate(told, 1):
        table, read = solution.allocation, solution.audit
        if one.table is not None:
            table = replace(one.table, outside=table.outside)
            read = audit(scenario, table, whole=solution.is_whole)
            if read.unmet:
                refuse(TABLES, f"point {number}", "breaks a rule")
        moved, worth = table.moved_between_counties(before), objective_of(read, points)
        said = worth - read.penalty, one.bound, dict(read.outcomes), table, one.name
        found.append(StabilityPoint(one.most, moved, *said))
    repaired = None if solution.repaired is None else solution.repaired.beside(before)
    return StabilityCurve(least, tuple(found), repaired)


def _solver(told: RecordedSolver) -> SolverReport:
    return SolverReport(
        told.name,
        told.version,
        told.solver_gap,
        told.rounding_loss,
        tuple(map(SearchNote.read, told.notes)),
    )


def _comparison(table: tuple[Allocation, Audit], told: RecordedComparison) -> Comparison:
    """An allocation to compare with, and what the manifest says of it."""
    return Comparison(*table, told.objective, moved_at_least=told.moved_at_least, moved=told.moved)


def _refuse_other_tables(record: Record, solution: Solution) -> None:
    problems = Problems()
    due = {
        FINDINGS: findings_csv(solution.audit, record.manifest.version),
        OUTCOMES: outcomes_csv(solution),
    }
    for name, content in due.items():
        found = (record.folder / name).read_bytes()
        if found.removeprefix(BOM_UTF8) != content.removeprefix(BOM_UTF8):  # Early ones have none.
            problems.add(name, "", "is not what the audit reads on the recorded allocation")
    problems.raise_if_any()
