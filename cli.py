"""The command line: `allot VERB SCENARIO`; parse, call, print.

Everything heavy is imported inside the verbs, so that `allot --help` is at once there.

Exit codes: 0 fine, 1 a rule is broken (check, verify), a record does not replay (verify) or comes
out otherwise (reproduce), 2 bad input, 3 no allocation can keep the rules, 4 no answer from the
solver, 70 an error in allot itself, 130 interrupted, 141 a broken pipe.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.options import (
    VARY,
    Read,
    ReadEither,
    Verbs,
    comparing,
    explaining,
    helped,
    layering,
    pricing,
    ranging,
    reading,
    reading_either,
    recording,
    shared,
    solving,
    storing,
    studying,
)
from commands.session import BROKEN, RecordTarget, Session

if TYPE_CHECKING:
    from models.allocation import Allocation
    from models.finding import Audit
    from models.scenario import Scenario
    from reports.document import Document


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"allot {version('allot')}")
        except PackageNotFoundError:
            click.echo("allot (not installed)")
        ctx.exit()


_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(cls=Verbs, help=helped("help.allot"), context_settings=_HELP)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help=helped("help.version"),
)
def allot() -> None:
    """The verbs."""


@allot.command(help=helped("help.solve"))
@reading
@solving
@recording
@click.option("--second-opinion", metavar="SOLVER", help=helped("help.second-opinion"))
@click.option("--no-repaired", is_flag=True, help=helped("help.no-repaired"))
@shared
def solve(
    given: Session, read: Read, effort: dict[str, Any], keep: RecordTarget, **more: Any
) -> None:
    scenario = read()
    keep.refuse_early(scenario)
    from commands.session import progress
    from optimizer.solve import solve as find
    from reports import json_text as json_view
    from reports.documents import solution_page as terminal

    with progress(given.words, given.talks) as watch:
        opinion, repaired = more["second_opinion"], not more["no_repaired"]
        effort |= {"second_opinion": opinion, "repaired": repaired}
        effort["certificate"] = keep.output is not None
        solution = find(scenario, watch=watch, **effort)
    keep.write(solution, given.lang)
    given.show(
        lambda: json_view.solution_view(solution),
        lambda: terminal.solution_page(solution, given.words),
    )
    if keep.output is not None:
        given.tell("cli.saved", folder=keep.output)


@allot.command(help=helped("help.check"))
@reading
@click.argument("allocation", type=click.Path(path_type=Path))
@shared
def check(given: Session, read: Read, allocation: Path) -> None:
    scenario = read()
    from models.workbook.reader import read_table
    from optimizer.audit import audit

    outside = {row.code: row.name for row in scenario.spec.outside}
    amounts, notes = read_table(allocation, scenario.programme, outside)
    given.tell_notes(notes)
    audited = audit(scenario, amounts)
    _show_audit(given, scenario, (allocation.name, amounts, audited))
    if audited.broken:
        click.get_current_context().exit(BROKEN)


@allot.command(help=helped("help.validate"))
@reading
@shared
def validate(given: Session, read: Read) -> None:
    scenario = read()
    from models.metadata import check_shown
    from reports import json_text as json_view
    from reports.documents import solution_page as terminal

    check_shown(scenario.programme)
    given.show(
        lambda: json_view.scenario_view(scenario),
        lambda: terminal.scenario_page(scenario, given.words),
    )


@allot.command(help=helped("help.baseline"))
@click.argument("kind")
@reading
@click.option("-o", "--output", type=click.Path(path_type=Path), help=helped("help.csv"))
@shared
def baseline(given: Session, read: Read, kind: str, output: Path | None) -> None:
    scenario = read()
    from models.allocation import allocation_csv, write_file
    from optimizer.audit import audit
    from optimizer.baselines import baseline_of_kind

    amounts = baseline_of_kind(scenario, kind)
    if output is not None:
        write_file(output, allocation_csv(amounts, scenario.programme))
        given.tell("cli.written", file=output)
    _show_audit(given, scenario, (kind, amounts, audit(scenario, amounts)))


@allot.command(help=helped("help.export"))
@reading
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help=helped("help.model")
)
@shared
def export(given: Session, read: Read, output: Path) -> None:
    scenario = read()
    from optimizer.pulp_export import export as write_model

    write_model(scenario, output)
    given.show(lambda: {"file": str(output)}, lambda: _said(given, "cli.written", file=output))


@allot.command(help=helped("help.template"))
@reading
@click.option(
    *("-o", "--output"),
    type=click.Path(path_type=Path),
    required=True,
    help=helped("help.template-file"),
)
@shared
def template(given: Session, read: Read, output: Path) -> None:
    scenario = read()
    from models.allocation import write_file
    from reports.excel.template_book import template as make

    write_file(output, make(scenario, given.words))
    given.show(lambda: {"file": str(output)}, lambda: _said(given, "cli.written", file=output))


@allot.command(help=helped("help.report"))
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--county", multiple=True, metavar="NAME", help=helped("help.county"))
@click.option("-o", "--output", type=click.Path(path_type=Path), help=helped("help.report-file"))
@shared
def report(given: Session, record: Path, county: tuple[str, ...], output: Path | None) -> None:
    from models.allocation import write_file
    from optimizer.records import read_solution
    from reports.html.page import report_html

    solution, kept = read_solution(record)
    kept.refuse_own(output)
    file = output or Path(f"{record.name or 'record'}.{given.lang}.html")
    write_file(file, report_html(solution, kept.manifest, given.lang, county))
    given.show(lambda: {"file": str(file)}, lambda: _said(given, "cli.written", file=file))


@allot.command(help=helped("help.verify"))
@click.argument("record", type=click.Path(path_type=Path))
@shared
def verify(given: Session, record: Path) -> None:
    from optimizer.audit.verify import verify as replay
    from optimizer.baselines import baseline as formula
    from reports.documents.verification import verify_page, verify_view

    verified = replay(record, formula)
    given.show(
        lambda: verify_view(verified, record),
        lambda: verify_page(verified, record, given.words),
    )
    if not verified.good:
        click.get_current_context().exit(BROKEN)


@allot.command(help=helped("help.reproduce"))
@click.argument("record", type=click.Path(path_type=Path))
@shared
def reproduce(given: Session, record: Path) -> None:
    from commands.session import progress
    from optimizer.reproduce import reproduce as solve_again
    from reports.documents.verification import reproduce_page, reproduce_view

    with progress(given.words, given.talks) as watch:
        found = solve_again(record, watch)
    given.show(
        lambda: reproduce_view(found, record),
        lambda: reproduce_page(found, record, given.words),
    )
    if not found.same:
        click.get_current_context().exit(BROKEN)


@allot.command(help=helped("help.grid"))
@reading
@click.option("--vary", help=helped("help.vary"), **VARY)
@studying
@storing
@shared
def grid(given: Session, read: Read, **asked: Any) -> None:
    _show_study("grid", given, read(), asked)


@allot.command(help=helped("help.sweep"))
@reading
@click.option("--vary", help=helped("help.vary-one"), **VARY)
@storing
@shared
def sweep(given: Session, read: Read, **asked: Any) -> None:
    _show_study("sweep", given, read(), asked)


@allot.command(help=helped("help.tornado"))
@reading
@click.option("--by", help=helped("help.by"))
@studying
@storing
@shared
def tornado(given: Session, read: Read, **asked: Any) -> None:
    _show_study("tornado", given, read(), asked)


@allot.command(help=helped("help.prices"))
@reading_either
@pricing
@shared
def prices(given: Session, read: ReadEither, **asked: Any) -> None:
    scenario = read().scenario
    from commands.why import show_prices

    show_prices(given, scenario, asked)


@allot.command(help=helped("help.compare"))
@click.argument("columns", nargs=-1, required=True)
@layering
@comparing
@solving
@shared
def compare(given: Session, **asked: Any) -> None:
    from commands.compare import run

    run(given, asked)


@allot.command(help=helped("help.ranges"))
@reading_either
@ranging
@shared
def ranges(given: Session, read: ReadEither, **asked: Any) -> None:
    from commands.why import show_ranges

    show_ranges(given, read(), asked)


@allot.command(help=helped("help.diagnose"))
@reading_either
@click.option("--weight", multiple=True, metavar="RULE=NUMBER", help=helped("help.weight"))
@shared
def diagnose(given: Session, read: ReadEither, weight: tuple[str, ...]) -> None:
    from commands.why import show_diagnosis

    show_diagnosis(given, read().scenario, weight)


@allot.command(help=helped("help.explain"))
@reading_either
@click.argument("county")
@explaining
@shared
def explain(given: Session, read: ReadEither, county: str, **asked: Any) -> None:
    from commands.why import show_explanation

    show_explanation(given, read(), county, asked)


@allot.command(help=helped("help.new"))
@click.argument("folder", type=click.Path(path_type=Path))
@shared
def new(given: Session, folder: Path) -> None:
    from models.starter import write_starter

    write_starter(folder)
    scenario = folder / "scenario.yaml"
    given.show(
        lambda: {"folder": str(folder), "scenario": str(scenario)},
        lambda: _said(given, "cli.started", folder=folder, scenario=scenario),
    )


def _show_study(verb: str, given: Session, scenario: Scenario, asked: dict[str, Any]) -> None:
    """Compute a study, say where it is kept, print it."""
    from commands.session import points
    from commands.study import asked as compute
    from reports.documents.study_page import study_page, study_view

    with points(given.words, given.talks) as watch:
        study = compute(verb, scenario, asked, watch)
    given.show(lambda: study_view(study), lambda: study_page(study, scenario, given.words))
    if asked["store"] is not None:
        given.tell("cli.written", file=asked["store"] / f"{verb}.csv")


def _show_audit(given: Session, scenario: Scenario, read: tuple[str, Allocation, Audit]) -> None:
    """Print an allocation (its name, its amounts, its audit) as `check` and `baseline` do."""
    from reports import json_text as json_view
    from reports.documents import solution_page as terminal
    from reports.view.allocation_view import AllocationView

    name, amounts, audited = read
    shown = AllocationView(given.words("column.read"), amounts, audited)
    given.show(
        lambda: json_view.check_view(scenario, amounts, audited),
        lambda: terminal.check_page(scenario, shown, given.words, name),
    )


def _said(given: Session, key: str, **values: object) -> Document:
    from reports.document import Document, Paragraph

    return Document("", (Paragraph(given.words(key, **values)),))


def main() -> None:
    """The program `allot`: what a console cannot show is replaced and never a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    allot(prog_name="allot")


if __name__ == "__main__":
    main()
