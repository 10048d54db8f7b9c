"""The verbs that change somebody's table as little as can be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.options import (
    PATH,
    ScenarioArgument,
    help_text,
    reading,
    recording,
    shared,
    time_limit_option,
)
from commands.output_folder import PageFolder, RecordTarget
from commands.session import Session
from models.errors import refuse
from models.files import MemoryFolder

if TYPE_CHECKING:
    from models.allocation import Allocation
    from models.scenario import Scenario

_BASELINE = "baseline"
_RECORD = "record"
"""The folder of the record, inside that of the page."""


@click.command(help=help_text("help.mend"))
@reading
@click.argument("table")
@click.option("--hold", multiple=True, metavar="COUNTY[,TASK]", help=help_text("help.hold"))
@click.option("--touch", type=click.IntRange(min=0), metavar="N", help=help_text("help.touch"))
@click.option("--step", type=click.IntRange(min=1), metavar="N", help=help_text("help.step"))
@click.option("--before", metavar="TABLE", help=help_text("help.edited-from"))
@time_limit_option()
@recording
@shared
def mend(
    session: Session, source: ScenarioArgument, table: str, keep: RecordTarget, **asked: Any
) -> None:
    """`allot mend`: the nearest allocation that keeps every rule; with `-o` its page, the table
    that was given, and its record."""
    step, before = asked.pop("step"), asked.pop("before")
    # A record is settled, and says that it was changed; of a scenario it stands as one typed it.
    asked_of = source if step is None or source.is_record else source.and_set(f"step={step}")
    found_in = asked_of.load_scenario_or_record(session)
    scenario = found_in.scenario
    if step is not None and found_in.solution is not None:
        scenario = scenario.replace(step=step)
    pages, kept = PageFolder(keep.output), keep.inside(_RECORD)
    pages.refuse_early(Path(table))
    kept.refuse_early(scenario)
    given = read_given(session, scenario, table)
    from models.allocation import allocation_csv
    from optimizer.mending import EditedTable, solution_of
    from optimizer.mending import mend as find
    from reports.documents.change_list import mend_page, mend_view

    edited: Allocation | EditedTable = given
    if before is not None:
        edited = EditedTable(given, read_given(session, scenario, before))
    elif found_in.solution is not None:
        edited = EditedTable(given, found_in.solution.allocation)
    with session.solve_progress() as watch:
        found = find(scenario, edited, watch=watch, **asked)
    name = table if table == _BASELINE else Path(table).name
    tables = {"given.csv": allocation_csv(given, scenario.programme)}
    session.show(
        lambda: mend_view(found, name),
        lambda: mend_page(found, session.words, name),
        pages,
        tables,
    )
    if kept.output is not None:
        session.tell_record(kept.output, kept.write(solution_of(found), session.lang))


def read_given(session: Session, scenario: Scenario, table: str) -> Allocation:
    """The table that is named: a workbook, a CSV file, the folder of a record, or the word
    `baseline`."""
    path = Path(table)
    if table == _BASELINE and not path.exists():
        from optimizer.baselines import baseline

        return baseline(scenario)
    if not path.is_dir():
        return session.read_allocation(scenario, path)
    from models.record import ALLOCATION, open_record

    record = open_record(path)
    ours, theirs = scenario.programme.file.id, record.scenario().programme.file.id
    if ours != theirs:
        refuse(str(path), "", f"is of the programme '{theirs}', not of '{ours}'")
    return record.allocation(scenario, ALLOCATION)


@click.command(help=help_text("help.reallocate"))
@reading
@click.option("--paid", type=PATH, metavar="FILE", help=help_text("help.paid"))
@click.option("--returned", type=PATH, metavar="FILE", help=help_text("help.returned"))
@click.option("--before", metavar="TABLE", help=help_text("help.before"))
@click.option(
    "--budget", type=click.IntRange(min=1), metavar="N", help=help_text("help.new-budget")
)
@click.option("--touch", type=click.IntRange(min=0), metavar="N", help=help_text("help.touch"))
@click.option("--reuse", is_flag=True, help=help_text("help.reuse"))
@time_limit_option()
@recording
@shared
def reallocate(
    session: Session, source: ScenarioArgument, keep: RecordTarget, **asked: Any
) -> None:
    """`allot reallocate`: the year's money from here, what is paid left where it is; with `-o` the
    list to sign, and its record."""
    scenario = source.load_scenario_or_record(session).scenario
    pages, kept = PageFolder(keep.output), keep.inside(_RECORD)
    if asked["paid"] is not None:
        pages.refuse_early(asked["paid"])
    kept.refuse_early(scenario)
    from optimizer.reallocation import MidYear, record_of
    from optimizer.reallocation import reallocate as find
    from reports.documents.change_list import reallocate_page, reallocate_view, signed_csv

    before = asked["before"]
    state = MidYear(
        *_paid_and_returned(session, scenario, asked["paid"], asked["returned"]),
        None if before is None else read_given(session, scenario, before),
        *(asked[name] for name in ("budget", "touch", "reuse")),
    )
    with session.solve_progress() as watch:
        found = find(scenario, state, time_limit=asked["time_limit"], watch=watch)
    session.show(
        lambda: reallocate_view(found),
        lambda: reallocate_page(found, session.words),
        pages,
        {"changes.csv": signed_csv(found)},
    )
    if kept.output is not None:
        session.tell_record(kept.output, kept.write(record_of(found), session.lang))


def _paid_and_returned(
    session: Session, scenario: Scenario, paid: Path | None, returned: Path | None
) -> tuple[Allocation, Allocation | None]:
    """What is paid and what came back, of the files that are named, or of the workbook itself."""
    from models.cell_bounds import money_of_file
    from models.workbook.fund_reader import PAID

    back = None if returned is None else read_money(session, scenario, returned, "returned")
    if paid is not None:
        return read_money(session, scenario, paid, "paid"), back
    folder = scenario.document.folder
    own = folder / PAID if isinstance(folder, MemoryFolder) else None
    given = None if own is None else money_of_file(own, scenario.programme, "paid")
    if own is None or given is None:
        refuse("--paid", "", "is due: the scenario is no workbook with a sheet of paid money")
    return given, back or money_of_file(own, scenario.programme, "returned")


def read_money(session: Session, scenario: Scenario, path: Path, column: str) -> Allocation:
    """Money by cell in a CSV file with that column, counties and tasks by code or by name; or any
    table of an allocation."""
    from models.cell_bounds import money_of_file

    found = money_of_file(path, scenario.programme, column)
    return read_given(session, scenario, str(path)) if found is None else found
