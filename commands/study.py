"""The verbs that compute many scenarios, allocations or draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from commands.options import (
    PATH,
    ScenarioArgument,
    ScenarioOrRecord,
    folder_option,
    gap_option,
    help_text,
    paging,
    reading,
    shared,
    stacked,
    time_limit_option,
)
from commands.output_folder import PageFolder
from commands.session import Session
from models.errors import refuse

if TYPE_CHECKING:
    from pathlib import Path

    from models.allocation import Allocation
    from models.scenario import Scenario
    from models.solution import Solution
    from optimizer.study.runner import Watch
    from optimizer.study.study_result import Study
    from optimizer.study.sweep import Interval
    from optimizer.study.uncertainty import Uncertainty

studying = stacked(
    click.option("--relax", is_flag=True, help=help_text("help.relax")),
    click.option("--workers", type=click.IntRange(min=1), help=help_text("help.workers")),
    click.option("--dask", metavar="ADDRESS", help=help_text("help.dask")),
    click.option("--yes", is_flag=True, help=help_text("help.yes")),
    click.option("--solver", help=help_text("help.solver")),
    gap_option(),
    time_limit_option("help.each"),
)
"""How a study computes its points: the fields of `optimizer.study.runner.How`, by name."""
_VARY: dict[str, Any] = {"multiple": True, "required": True, "metavar": "PATH=VALUES"}
storing = folder_option("help.study", "store")
"""The folder that keeps a study, as `store`."""


@click.command(help=help_text("help.grid"))
@reading
@click.option("--vary", help=help_text("help.vary"), **_VARY)
@studying
@storing
@shared
def grid(session: Session, source: ScenarioArgument, **asked: Any) -> None:
    """`allot grid`: every combination of some values."""
    _show("grid", session, source.load(session), asked)


@click.command(help=help_text("help.sweep"))
@reading
@click.option("--vary", help=help_text("help.vary-one"), **_VARY)
@storing
@shared
def sweep(session: Session, source: ScenarioArgument, **asked: Any) -> None:
    """`allot sweep`: the corners along one path."""
    _show("sweep", session, source.load(session), asked)


@click.command(help=help_text("help.tornado"))
@reading
@click.option("--by", help=help_text("help.by"))
@click.option("--within", metavar="SHARE", help=help_text("help.tornado-within"))
@click.option("--paths", multiple=True, metavar="PATH", help=help_text("help.paths"))
@studying
@storing
@shared
def tornado(session: Session, source: ScenarioArgument, **asked: Any) -> None:
    """`allot tornado`: every assumption down and up, ranked."""
    _show("tornado", session, source.load(session), asked)


@click.command(help=help_text("help.front"))
@reading
@click.option("--aims", required=True, metavar="A,B", help=help_text("help.aims"))
@click.option("--points", type=click.IntRange(min=2), help=help_text("help.points"))
@click.option("--most", type=click.IntRange(min=1), help=help_text("help.most"))
@time_limit_option("help.time-limit")
@paging()
@shared
def front(session: Session, source: ScenarioArgument, pages: PageFolder, **asked: Any) -> None:
    """`allot front`: every point that nothing betters in all of some wishes."""
    scenario = source.load(session)
    pages.refuse_early()
    from optimizer.study.front import front as find
    from reports.documents.front_page import front_page, front_view

    given = {name: value for name, value in asked.items() if value is not None}
    found = find(scenario, **given)
    session.show(
        lambda: front_view(found),
        lambda: front_page(found, session.words),
        pages,
        {"front.csv": found.csv(), "front-allocations.csv": found.allocations_csv()},
    )


drawing = stacked(
    click.option("--table", type=PATH, metavar="FILE", help=help_text("help.uncertain-table")),
    click.option("--draws", type=int, default=1000, help=help_text("help.draws")),
    click.option("--within", metavar="SHARE", help=help_text("help.all-within")),
    click.option("--sample", multiple=True, metavar="PATH=RANGE", help=help_text("help.sample")),
    click.option("--seed", type=int, default=1, help=help_text("help.seed")),
    click.option("--alpha", metavar="SHARE", default="5%", help=help_text("help.alpha")),
)
"""What is drawn, and of which table."""


@click.command(help=help_text("help.uncertainty"))
@reading
@drawing
@paging("help.uncertainty-folder")
@shared
def uncertainty(
    session: Session, source: ScenarioArgument, pages: PageFolder, **asked: Any
) -> None:
    """`allot uncertainty`: a table under drawn assumptions, without solving again."""
    found = _drawn(session, source, pages, asked)
    from reports.documents.uncertainty_page import (
        uncertainty_csv,
        uncertainty_page,
        uncertainty_view,
    )

    session.show(
        lambda: uncertainty_view(found),
        lambda: uncertainty_page(found, session.words),
        pages,
        uncertainty_csv(found),
    )


@click.command(help=help_text("help.drivers"))
@reading
@click.option(
    "--method",
    type=click.Choice(["rank", "sobol", "morris", "information"]),
    default="rank",
    help=help_text("help.method"),
)
@click.option("--base", type=int, help=help_text("help.base"))
@click.option("--only", multiple=True, metavar="PATH", help=help_text("help.only"))
@click.option("--workers", type=click.IntRange(min=1), help=help_text("help.screen-workers"))
@drawing
@paging()
@shared
def drivers(session: Session, source: ScenarioArgument, pages: PageFolder, **asked: Any) -> None:
    """`allot drivers`: which drawn number moves each outcome most."""
    method, screened = asked.pop("method"), {n: asked.pop(n) for n in ("base", "only", "workers")}
    if method in ("sobol", "morris"):
        _screened(session, source, pages, {"method": method, **screened, **asked})
        return
    if method == "information":
        _informed(session, source, pages, asked)
        return
    from optimizer.study.drivers import drivers as rank
    from reports.documents.driver_table import drivers_csv, drivers_page, drivers_view

    found = rank(_drawn(session, source, pages, asked))
    session.show(
        lambda: drivers_view(found),
        lambda: drivers_page(found, session.words),
        pages,
        {"drivers.csv": drivers_csv(found)},
    )


@click.command(help=help_text("help.contestable"))
@reading
@click.option("--table", type=PATH, metavar="FILE", help=help_text("help.uncertain-table"))
@click.option("--draws", type=int, default=100, help=help_text("help.contest-draws"))
@click.option("--give", metavar="SHARE", default="0.2%", help=help_text("help.contest-give"))
@click.option("--within", metavar="SHARE", help=help_text("help.all-within"))
@click.option("--sample", multiple=True, metavar="PATH=RANGE", help=help_text("help.sample"))
@click.option("--seed", type=int, default=1, help=help_text("help.seed"))
@click.option("--workers", type=click.IntRange(min=1), help=help_text("help.contest-workers"))
@click.option("--dask", metavar="ADDRESS", help=help_text("help.dask"))
@gap_option("help.contest-gap")
@paging("help.contest-folder")
@shared
def contestable(
    session: Session, source: ScenarioArgument, pages: PageFolder, **asked: Any
) -> None:
    """`allot contestable`: whose money hangs on what is assumed."""
    about = source.load_scenario_or_record(session)
    pages.refuse_early(asked["table"])
    from optimizer.study.assumption_table import assumptions
    from optimizer.study.contestable import contestable as find
    from optimizer.study.contestable import share_given
    from reports.documents.contest_page import contest_csv, contest_page, contest_view

    # What cannot be drawn is said before a long solve.
    ranges = {name: asked.pop(name) for name in ("within", "sample")}
    assumed = assumptions(about.scenario).within(ranges["within"]).sample(sampled(ranges["sample"]))
    share_given(about.scenario, asked["give"], asked["draws"])
    of, tables = _uncertain(session, about, asked.pop("table"))
    how = {name: value for name, value in asked.items() if value is not None}
    with session.count_progress() as watch:
        table = tables["table"] if tables else None
        found = find(of, table=table, sample=assumed, watch=watch, **how)
    session.show(
        lambda: contest_view(found),
        lambda: contest_page(found, session.words),
        pages,
        contest_csv(found),
    )


def _screened(
    session: Session, source: ScenarioArgument, pages: PageFolder, asked: dict[str, Any]
) -> None:
    """Sobol or Morris over the relaxation."""
    scenario = source.load_scenario_or_record(session).scenario
    pages.refuse_early()
    from optimizer.study.screening import screen
    from reports.documents.screening_page import screening_csv, screening_page, screening_view

    names = ("method", "base", "seed", "within", "workers")
    given = {name: asked[name] for name in names if asked[name] is not None}
    paths, sample = asked["only"] or None, sampled(asked["sample"])
    with session.count_progress() as watch:
        found = screen(scenario, watch=watch, paths=paths, sample=sample, **given)
    session.show(
        lambda: screening_view(found),
        lambda: screening_page(found, scenario, session.words),
        pages,
        {"drivers.csv": screening_csv(found)},
    )


def _informed(
    session: Session, source: ScenarioArgument, pages: PageFolder, asked: dict[str, Any]
) -> None:
    """What it is worth to know each number."""
    scenario = source.load_scenario_or_record(session).scenario
    pages.refuse_early()
    from optimizer.study.information import DRAWS, information
    from reports.documents.screening_page import (
        information_csv,
        information_page,
        information_view,
    )

    given = {name: asked[name] for name in ("seed", "within")}
    draws, sample = min(asked["draws"], DRAWS), sampled(asked["sample"])
    found = information(scenario, draws=draws, sample=sample, **given)
    session.show(
        lambda: information_view(found),
        lambda: information_page(found, session.words),
        pages,
        {"drivers.csv": information_csv(found)},
    )


def _drawn(
    session: Session, source: ScenarioArgument, pages: PageFolder, asked: dict[str, Any]
) -> Uncertainty:
    """What `uncertainty` and `drivers` read: a record, a table, or a scenario that is solved."""
    about = source.load_scenario_or_record(session)
    pages.refuse_early(asked["table"])
    from optimizer.study.assumption_table import assumptions
    from optimizer.study.uncertainty import check_draws
    from optimizer.study.uncertainty import uncertainty as read

    # What cannot be drawn is said before a long solve.
    assumed = assumptions(about.scenario).within(asked["within"]).sample(sampled(asked["sample"]))
    how = {name: asked[name] for name in ("draws", "seed", "alpha")}
    check_draws(**how)
    of, tables = _uncertain(session, about, asked["table"])
    return read(of, tables=tables, sample=assumed, **how)


def sampled(texts: Sequence[str], option: str = "--sample") -> dict[str, str]:
    """Path → range, from `PATH=RANGE`."""
    found = {}
    for text in texts:
        path, equals, given = text.partition("=")
        if not (equals and path.strip() and given.strip()):
            message = "write PATH=20%, PATH=low:high or PATH=held"
            refuse("", f"{option} {text}", message)
        found[path.strip()] = given.strip()
    return found


def _uncertain(
    session: Session, about: ScenarioOrRecord, table: Path | None
) -> tuple[Scenario | Solution, dict[str, Allocation] | None]:
    """What is read, and the table that was named; a scenario alone is solved first."""
    of = about.solution or about.scenario
    if table is not None:
        return of, {"table": session.read_allocation(about.scenario, table)}
    if about.solution is not None:
        return about.solution, None
    from optimizer.decision import solve

    with session.solve_progress() as watch:
        return solve(about.scenario, watch=watch), None


def _show(verb: str, session: Session, scenario: Scenario, asked: dict[str, Any]) -> None:
    """Compute a study, print it, say where it is kept."""
    from reports.documents.study_page import study_page, study_view

    with session.count_progress() as watch:
        study = _study(verb, scenario, asked, watch)
    session.show(
        lambda: study_view(study, session.words),
        lambda: study_page(study, scenario, session.words),
        PageFolder(asked["store"]),
    )
    if asked["store"] is not None:
        session.tell("cli.written", file=asked["store"] / f"{verb}.csv")


def _study(verb: str, scenario: Scenario, options: dict[str, Any], watch: Watch) -> Study:
    """The study that `verb` asks for.

    `options`: `vary`, the texts of `--vary`, or `by`; the rest are the fields of `How`. Raises
    `InputError` for a text that is no `PATH=VALUES` and for whatever the study itself refuses.
    """
    from optimizer.study.grid import grid_study
    from optimizer.study.sweep import sweep_study
    from optimizer.study.tornado import tornado_study

    # What was not given; a gap of 0 is something else.
    given = ((key, value) for key, value in options.items() if value is not None)
    how = {key: value for key, value in given if value is not False and value != ()}
    if verb == "tornado":
        return tornado_study(scenario, watch=watch, **how)
    vary = varied(how.pop("vary", ()))
    if verb == "grid":
        return grid_study(scenario, vary, watch=watch, **how)
    if len(vary) != 1:
        refuse("", "--vary", "a sweep goes along one path: --vary PATH=low:high")
    path, text = next(iter(vary.items()))
    return sweep_study(scenario, path, interval(text), watch=watch, **how)


def varied(texts: Sequence[str]) -> dict[str, str]:
    """Path → values, from `PATH=VALUES`."""
    vary: dict[str, str] = {}
    for text in texts:
        path, equals, values = text.partition("=")
        name = path.strip()
        if not (equals and name and values.strip()):
            refuse("", f"--vary {text}", "write --vary PATH=first:last:step, or PATH=a,b,c")
        if name in vary:
            refuse("", f"--vary {text}", "the path is varied already; list its values in one")
        vary[name] = values.strip()
    return vary


def interval(text: str) -> Interval:
    """`low:high` or `low:high:step`."""
    parts = [part.strip() for part in text.split(":")]
    if len(parts) not in (2, 3) or not all(parts):
        refuse("", f"--vary …={text}", "a sweep takes low:high, or low:high:step")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else None
