"""The verbs on one allocation and on its record, and those that write the files to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.options import (
    PATH,
    ScenarioArgument,
    file,
    helped,
    reading,
    record_argument,
    recording,
    shared,
    solving,
)
from commands.session import BROKEN, RecordTarget, Session

if TYPE_CHECKING:
    from models.allocation import Allocation
    from models.finding import Audit
    from models.scenario import Scenario


@click.command(help=helped("help.solve"))
@reading
@solving
@recording
@click.option("--second-opinion", metavar="SOLVER", help=helped("help.second-opinion"))
@click.option("--no-repaired", is_flag=True, help=helped("help.no-repaired"))
@shared
def solve(
    given: Session,
    source: ScenarioArgument,
    effort: dict[str, Any],
    keep: RecordTarget,
    **more: Any,
) -> None:
    """`allot solve`: the best allocation found, and its record with `-o`."""
    scenario = source.load()
    keep.refuse_early(scenario)
    from optimizer.decision import solve as find
    from reports.documents.solution_page import solution_page, solution_view

    with given.solve_progress() as watch:
        solution = find(
            scenario,
            watch=watch,
            second_opinion=more["second_opinion"],
            repaired=not more["no_repaired"],
            certificate=keep.output is not None,
            **effort,
        )
    keep.write(solution, given.lang)
    given.show(lambda: solution_view(solution), lambda: solution_page(solution, given.words))
    if keep.output is not None:
        given.tell("cli.saved", folder=keep.output)


@click.command(help=helped("help.check"))
@reading
@click.argument("allocation", type=PATH)
@shared
def check(given: Session, source: ScenarioArgument, allocation: Path) -> None:
    """`allot check`: every rule read on somebody's table; exit 1 where one is broken."""
    scenario = source.load()
    from optimizer.audit import audit

    amounts = read_amounts(given, scenario, allocation)
    audited = audit(scenario, amounts)
    _show_audit(given, scenario, (allocation.name, amounts, audited))
    if audited.broken:
        click.get_current_context().exit(BROKEN)


def read_amounts(given: Session, scenario: Scenario, table: Path) -> Allocation:
    """The allocation in a CSV file or workbook; what was read with good will is told."""
    from models.workbook.reader import read_table

    outside = {row.code: row.name for row in scenario.spec.outside}
    amounts, notes = read_table(table, scenario.programme, outside)
    given.tell_notes(notes)
    return amounts


def _show_audit(given: Session, scenario: Scenario, read: tuple[str, Allocation, Audit]) -> None:
    """Print an allocation (its name, its amounts, its audit) as `check` and `baseline` do."""
    from reports.documents.solution_page import check_page, check_view
    from reports.view.allocation_view import AllocationView

    name, amounts, audited = read
    shown = AllocationView(given.words("column.read"), amounts, audited)
    given.show(
        lambda: check_view(scenario, amounts, audited),
        lambda: check_page(scenario, shown, given.words, name),
    )


@click.command(help=helped("help.validate"))
@reading
@shared
def validate(given: Session, source: ScenarioArgument) -> None:
    """`allot validate`: a scenario read, with what its rules ask for."""
    scenario = source.load()
    from models.metadata import check_shown
    from reports.documents.solution_page import scenario_page, scenario_view

    check_shown(scenario.programme)
    given.show(lambda: scenario_view(scenario), lambda: scenario_page(scenario, given.words))


@click.command(help=helped("help.baseline"))
@click.argument("kind")
@reading
@file("help.csv")
@shared
def baseline(given: Session, source: ScenarioArgument, kind: str, output: Path | None) -> None:
    """`allot baseline`: an allocation by formula, and what it breaks."""
    scenario = source.load()
    from models.allocation import allocation_csv, write_file
    from optimizer.audit import audit
    from optimizer.baselines import baseline as by_formula

    amounts = by_formula(scenario, kind=kind)
    if output is not None:
        write_file(output, allocation_csv(amounts, scenario.programme))
        given.tell("cli.written", file=output)
    _show_audit(given, scenario, (kind, amounts, audit(scenario, amounts)))


@click.command(help=helped("help.export"))
@reading
@file("help.model", required=True)
@shared
def export(given: Session, source: ScenarioArgument, output: Path) -> None:
    """`allot export`: the model as a file for other solvers."""
    scenario = source.load()
    from optimizer.pulp_export import export as write_model

    write_model(scenario, output)
    given.show_line({"file": str(output)}, "cli.written", file=output)


@click.command(help=helped("help.template"))
@reading
@file("help.template-file", required=True)
@shared
def template(given: Session, source: ScenarioArgument, output: Path) -> None:
    """`allot template`: the workbook to fill in."""
    scenario = source.load()
    from models.allocation import write_file
    from reports.excel.template_book import template as make

    write_file(output, make(scenario, given.words))
    given.show_line({"file": str(output)}, "cli.written", file=output)


@click.command(help=helped("help.new"))
@click.argument("folder", type=PATH)
@shared
def new(given: Session, folder: Path) -> None:
    """`allot new`: a small programme to start from."""
    from models.starter import write_starter

    write_starter(folder)
    scenario = folder / "scenario.yaml"
    view = {"folder": str(folder), "scenario": str(scenario)}
    given.show_line(view, "cli.started", folder=folder, scenario=scenario)


@click.command(help=helped("help.report"))
@record_argument
@click.option("--county", multiple=True, metavar="NAME", help=helped("help.county"))
@file("help.report-file")
@shared
def report(given: Session, record: Path, county: tuple[str, ...], output: Path | None) -> None:
    """`allot report`: the page of a record, drawn again."""
    from models.allocation import write_file
    from optimizer.records import read_solution
    from reports.html.page import report_html

    solution, kept = read_solution(record)
    kept.refuse_own(output)
    page = output or Path(f"{record.name or 'record'}.{given.lang}.html")
    write_file(page, report_html(solution, kept.manifest, given.lang, county))
    given.show_line({"file": str(page)}, "cli.written", file=page)


@click.command(help=helped("help.verify"))
@record_argument
@shared
def verify(given: Session, record: Path) -> None:
    """`allot verify`: a record replayed without a solver; exit 1 where it does not hold."""
    from optimizer.verify import verify as replay
    from reports.documents.verification import verify_page, verify_view

    verified = replay(record)
    given.show(
        lambda: verify_view(verified, record),
        lambda: verify_page(verified, record, given.words),
    )
    if not verified.good:
        click.get_current_context().exit(BROKEN)


@click.command(help=helped("help.reproduce"))
@record_argument
@shared
def reproduce(given: Session, record: Path) -> None:
    """`allot reproduce`: a record solved again; exit 1 where a cell comes out otherwise."""
    from optimizer.reproduce import reproduce as solve_again
    from reports.documents.verification import reproduce_page, reproduce_view

    with given.solve_progress() as watch:
        found = solve_again(record, watch)
    given.show(
        lambda: reproduce_view(found, record),
        lambda: reproduce_page(found, record, given.words),
    )
    if not found.same:
        click.get_current_context().exit(BROKEN)
