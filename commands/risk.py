"""The verbs that ask how far the response can be trusted, and decide under what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from commands.options import (
    PATH,
    ScenarioArgument,
    gap_option,
    help_text,
    paging,
    reading,
    shared,
)
from commands.output_folder import PageFolder
from commands.session import Session
from commands.study import sampled


@click.command(help=help_text("help.calibrate"))
@reading
@click.argument("past", type=PATH)
@click.option("--free", multiple=True, metavar="PATH[=RANGE]", help=help_text("help.free"))
@paging()
@shared
def calibrate(
    session: Session,
    source: ScenarioArgument,
    pages: PageFolder,
    past: Path,
    free: tuple[str, ...],
) -> None:
    """`allot calibrate`: the response fitted to past money and outcomes."""
    scenario = source.load(session)
    pages.refuse_early(past)
    from optimizer.study.past_fit import FREE
    from optimizer.study.past_fit import calibrate as fit
    from reports.documents.past_page import calibrate_page, calibrate_view, misses_csv

    found = fit(scenario, past, free=_freed(free) or FREE)
    session.show(
        lambda: calibrate_view(found),
        lambda: calibrate_page(found, session.words),
        pages,
        {"calibrate.csv": misses_csv(found)},
    )


@click.command(help=help_text("help.backtest"))
@reading
@click.argument("past", type=PATH)
@click.option("--published", type=PATH, metavar="FILE", help=help_text("help.published"))
@paging()
@shared
def backtest(session: Session, source: ScenarioArgument, pages: PageFolder, **asked: Any) -> None:
    """`allot backtest`: each past period told from the others."""
    about = source.load_scenario_or_record(session)
    pages.refuse_early(asked["past"])
    from optimizer.study.past_fit import backtest as tell
    from reports.documents.past_page import backtest_page, backtest_view, misses_csv

    past, published = asked["past"], asked["published"]
    found = tell(about.scenario, past)  # What cannot be read is said before a long solve.
    if published is not None:
        solution = about.solution
        if solution is None:
            from optimizer.decision import solve

            with session.solve_progress() as watch:
                solution = solve(about.scenario, watch=watch)
        found = tell(about.scenario, past, proposal=solution, published=published)
    session.show(
        lambda: backtest_view(found),
        lambda: backtest_page(found, session.words),
        pages,
        {"backtest.csv": misses_csv(found)},
    )


@click.command(help=help_text("help.robust"))
@reading
@click.option(
    "--aim",
    type=click.Choice(["expected", "cvar", "regret", "chance", "budget"]),
    default="expected",
    help=help_text("help.aim"),
)
@click.option("--draws", type=int, help=help_text("help.robust-draws"))
@click.option("--within", metavar="SHARE", help=help_text("help.all-within"))
@click.option("--sample", multiple=True, metavar="PATH=RANGE", help=help_text("help.sample"))
@click.option("--seed", type=int, help=help_text("help.seed"))
@click.option("--alpha", metavar="SHARE", help=help_text("help.robust-alpha"))
@click.option("--lean", metavar="NUMBER", help=help_text("help.lean"))
@click.option("--gamma", metavar="NUMBER", help=help_text("help.gamma"))
@click.option("--at-least", metavar="SHARE", help=help_text("help.at-least"))
@click.option("--regrets", is_flag=True, help=help_text("help.regrets"))
@click.option("--beside", multiple=True, metavar="NAME", help=help_text("help.beside"))
@click.option("--check", type=int, help=help_text("help.checked"))
@gap_option()
@paging("help.robust-folder")
@shared
def robust(session: Session, source: ScenarioArgument, pages: PageFolder, **asked: Any) -> None:
    """`allot robust`: one table for all draws, by an aim over them."""
    scenario = source.load(session)
    pages.refuse_early()
    from optimizer.decision import solve
    from optimizer.study.robust import robust as decide
    from reports.documents.robust_page import robust_csv, robust_page, robust_view

    sample, names = sampled(asked.pop("sample")), asked.pop("beside")
    others = {name: source.and_with(name).load(session) for name in names}
    given = {key: value for key, value in asked.items() if value is not None}
    with session.solve_progress() as watch:
        tables = {
            name: solve(one, repaired=False, certificate=False, watch=watch).allocation
            for name, one in others.items()
        }
        found = decide(scenario, sample=sample, tables=tables, watch=watch, **given)
    session.show(
        lambda: robust_view(found),
        lambda: robust_page(found, session.words),
        pages,
        robust_csv(found),
    )


def _freed(texts: Sequence[str]) -> Sequence[str] | dict[str, str]:
    """Paths; with the range of each where one is given, as `PATH=RANGE`."""
    if any("=" in text for text in texts):
        return sampled(texts, "--free")
    return texts
