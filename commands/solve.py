"""The verbs on one allocation and on its record, and those that write the files to start from."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.options import (
    PATH,
    ScenarioArgument,
    file_option,
    folder_option,
    help_text,
    paging,
    reading,
    record_argument,
    recording,
    shared,
    solving,
)
from commands.output_folder import PageFolder, RecordTarget
from commands.session import BROKEN, Session, tell_error
from models.errors import InfeasibleError, Problems

if TYPE_CHECKING:
    from models.allocation import Allocation
    from models.finding import Audit
    from models.remedies import Change
    from models.scenario import Scenario


@click.command(help=help_text("help.solve"))
@reading
@solving
@recording
@click.option("--second-opinion", metavar="SOLVER", help=help_text("help.second-opinion"))
@click.option("--no-repaired", is_flag=True, help=help_text("help.no-repaired"))
@shared
def solve(
    session: Session,
    source: ScenarioArgument,
    effort: dict[str, Any],
    keep: RecordTarget,
    **more: Any,
) -> None:
    """`allot solve`: the best allocation found, and its record with `-o`."""
    scenario = source.load(session)
    keep.refuse_early(scenario)
    from optimizer.decision import solve as find
    from reports.documents.solution_page import solution_page, solution_view

    began = time.monotonic()
    try:
        with session.solve_progress() as watch:
            solution = find(
                scenario,
                watch=watch,
                second_opinion=more["second_opinion"],
                repaired=not more["no_repaired"],
                certificate=keep.output is not None,
                curve=keep.output is not None,
                **effort,
            )
    except InfeasibleError as error:
        limit = effort["time_limit"]
        left = None if limit is None else max(0.0, limit - (time.monotonic() - began))
        _tell_conflict(session, scenario, error, (effort["solver"], left))
        click.get_current_context().exit(error.exit_code)
    fingerprint = keep.write(solution, session.lang)
    session.show(lambda: solution_view(solution), lambda: solution_page(solution, session.words))
    if keep.output is not None:
        session.tell_record(keep.output, fingerprint)


def _tell_conflict(
    session: Session, scenario: Scenario, error: InfeasibleError, asked: tuple[str, float | None]
) -> None:
    """What cannot be met together, at once; then the changes that help, as they are found.

    With `--json` one document at the end. `asked`: the solver, and the seconds that are left.
    """
    from models.metadata import read_labels
    from optimizer.infeasibility.diagnose import diagnose_conflict
    from optimizer.solvers import pick_engine
    from reports.documents.diagnosis import change_line, diagnosis_view

    tell_error(error, session.words)
    if session.quiet and not session.json:
        return
    session.tell("cli.giving-way")

    labels = read_labels(scenario.programme)

    def tell(change: Change) -> None:
        line = change_line(scenario, change, labels, session.words)
        session.tell("cli.remedy", text=line)

    engine, _ = pick_engine(asked[0], "monolithic")
    found = diagnose_conflict(scenario, engine=engine, time_limit=asked[1], watch=tell)
    if not found.alone:
        session.tell("cli.together" if found.combined else "cli.no-remedy")
    for change in found.combined:
        tell(replace(change, is_least=True))
    if session.json:
        session.show_document(diagnosis_view(found))


@click.command(help=help_text("help.check"))
@reading
@click.argument("allocation", type=PATH)
@paging()
@shared
def check(session: Session, source: ScenarioArgument, allocation: Path, pages: PageFolder) -> None:
    """`allot check`: every rule read on somebody's table; exit 1 where one is broken."""
    scenario = source.load_scenario_or_record(session).scenario
    pages.refuse_early(allocation)
    from optimizer.audit import audit

    amounts = session.read_allocation(scenario, allocation)
    audited = audit(scenario, amounts)
    _show_audit(session, scenario, (allocation.name, amounts, audited), pages)
    if audited.broken:
        session.tell("check.offer", command=f"{source.typed} {allocation}")
        click.get_current_context().exit(BROKEN)


def _show_audit(
    session: Session,
    scenario: Scenario,
    read: tuple[str, Allocation, Audit],
    pages: PageFolder | None = None,
) -> None:
    """Print an allocation (its name, its amounts, its audit) as `check` and `baseline` do."""
    from reports.documents.solution_page import check_page, check_view
    from reports.view.allocation_view import AllocationView

    name, amounts, audited = read
    shown = AllocationView(session.words("column.read"), amounts, audited)
    session.show(
        lambda: check_view(scenario, amounts, audited),
        lambda: check_page(scenario, shown, session.words, name),
        pages,
    )


@click.command(help=help_text("help.validate"))
@reading
@shared
def validate(session: Session, source: ScenarioArgument) -> None:
    """`allot validate`: a scenario read, with what its rules ask for."""
    scenario = source.load(session)
    from models.metadata import check_shown
    from reports.documents.solution_page import scenario_page, scenario_view

    check_shown(scenario.programme)
    session.show(lambda: scenario_view(scenario), lambda: scenario_page(scenario, session.words))


@click.command(help=help_text("help.baseline"))
@click.argument("kind")
@reading
@file_option("help.csv")
@shared
def baseline(session: Session, source: ScenarioArgument, kind: str, output: Path | None) -> None:
    """`allot baseline`: an allocation by formula, and what it breaks."""
    scenario = source.load(session)
    source.refuse_own(output, scenario)
    from models.allocation import allocation_csv, write_file
    from optimizer.audit import audit
    from optimizer.baselines import baseline as by_formula

    amounts = by_formula(scenario, kind=kind)
    if output is not None:
        write_file(output, allocation_csv(amounts, scenario.programme))
        session.tell("cli.written", file=output)
    _show_audit(session, scenario, (kind, amounts, audit(scenario, amounts)))


@click.command(help=help_text("help.export"))
@reading
@file_option("help.model", required=True)
@click.option(
    "--units",
    type=click.Choice(["whole", "continuous"]),
    default="continuous",
    help=help_text("help.model-units"),
)
@shared
def export(session: Session, source: ScenarioArgument, output: Path, units: str) -> None:
    """`allot export`: the model as a file for other solvers."""
    scenario = source.load(session)
    source.refuse_own(output, scenario)
    from optimizer.pulp_export import export as write_model

    write_model(scenario, output, whole_units=units == "whole")
    session.show_line({"file": str(output)}, "cli.written", file=output)


@click.command(help=help_text("help.report"))
@record_argument
@click.option("--county", multiple=True, metavar="NAME", help=help_text("help.county"))
@click.option("--curve", is_flag=True, help=help_text("help.page-curve"))
@file_option("help.report-file")
@shared
def report(
    session: Session, record: Path, county: tuple[str, ...], curve: bool, output: Path | None
) -> None:
    """`allot report`: the page of a record, drawn again; or its workbook, to be printed."""
    from models.allocation import write_file
    from optimizer.records import read_solution

    solution, kept = read_solution(record)
    kept.refuse_own(output)
    page = output or Path(f"{record.name or 'record'}.{session.lang}.html")
    if page.suffix.lower() == ".xlsx":
        # One of the two is drawn, and each takes libraries of its own.
        from reports.excel import workbook

        write_file(page, workbook(solution, kept.manifest, session.words, printed=True))
        session.show_line({"file": str(page)}, "cli.written", file=page)
        return
    # As above.
    from reports.html.page import report_html

    drawn = solution.curve
    if curve and drawn is None:
        # The only part of a page that takes a solver.
        from optimizer.sensitivity.stability import stability_curve

        drawn = stability_curve(solution)
    write_file(page, report_html(solution, kept.manifest, session.lang, county, drawn))
    session.show_line({"file": str(page)}, "cli.written", file=page)


@click.command(help=help_text("help.papers"))
@record_argument
@folder_option("help.papers-folder", required=True)
@click.option("--date", multiple=True, metavar="EVENT=DAY", help=help_text("help.papers-date"))
@click.option("--text", multiple=True, metavar="NAME=TEXT", help=help_text("help.papers-text"))
@click.option("--templates", type=PATH, metavar="DIR", help=help_text("help.papers-templates"))
@click.option("--each-county", is_flag=True, help=help_text("help.papers-each-county"))
@shared
def papers(session: Session, record: Path, output: Path, **asked: Any) -> None:
    """`allot papers`: the papers that an office issues, from a record."""
    from reports.word import papers as write

    files = write(
        record,
        output,
        dates=_pairs("--date", asked["date"]),
        texts=_pairs("--text", asked["text"]),
        templates=asked["templates"],
        each_county=asked["each_county"],
    )
    view = {"folder": str(output), "files": [file.name for file in files]}
    session.show_line(view, "papers.written", folder=output, count=len(files))


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE as name → value; of one that is given twice the last."""
    problems = Problems()
    for one in given:
        if "=" not in one:
            problems.add("", option, f"'{one}' has no =; write NAME=VALUE")
    problems.raise_if_any()
    return {name.strip(): value.strip() for name, _, value in (one.partition("=") for one in given)}


@click.command(help=help_text("help.verify"))
@record_argument
@click.option("--fingerprint", metavar="DIGITS", help=help_text("help.fingerprint"))
@click.option("--against", metavar="SCENARIO", help=help_text("help.trusted"))
@paging()
@shared
def verify(session: Session, record: Path, pages: PageFolder, **asked: str | None) -> None:
    """`allot verify`: a record replayed without a solver; exit 1 where it does not hold."""
    pages.refuse_early()
    from models.scenario import load
    from reports.documents.verification import verify_page, verify_view
    from reports.drawn_again import verify as replay

    trusted = None if asked["against"] is None else load(asked["against"])
    verified = replay(record, fingerprint=asked["fingerprint"], against=trusted)
    session.show(
        lambda: verify_view(verified, record),
        lambda: verify_page(verified, record, session.words),
        pages,
    )
    if not verified.good:
        click.get_current_context().exit(BROKEN)


@click.command(help=help_text("help.reproduce"))
@record_argument
@paging()
@shared
def reproduce(session: Session, record: Path, pages: PageFolder) -> None:
    """`allot reproduce`: a record solved again; exit 1 where a cell comes out otherwise."""
    pages.refuse_early()
    from optimizer.decision import reproduce as solve_again
    from reports.documents.verification import reproduce_page, reproduce_view

    with session.solve_progress() as watch:
        found = solve_again(record, watch)
    session.show(
        lambda: reproduce_view(found, record),
        lambda: reproduce_page(found, record, session.words),
        pages,
    )
    if not found.same:
        click.get_current_context().exit(BROKEN)
