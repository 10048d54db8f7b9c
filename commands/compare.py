"""`allot compare`: read all, compute, print, write the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.options import folder_option, help_text, layering, shared, solving
from commands.output_folder import refuse_early
from commands.session import Session
from models.errors import refuse

if TYPE_CHECKING:
    from models.stability_points import StabilityCurve
    from optimizer.compare import Compared
    from optimizer.compare.columns import ColumnRequest

FILES = ("compare.csv", "compare.html", "compare.xlsx")
"""What a folder of this verb holds."""


@click.command(help=help_text("help.compare"))
@click.argument("columns", nargs=-1, required=True)
@layering
@click.option("--reference", metavar="COLUMN", help=help_text("help.reference"))
@click.option("--cost-of-rules", is_flag=True, help=help_text("help.cost-of-rules"))
@click.option("--county", multiple=True, metavar="NAME", help=help_text("help.compare-county"))
@click.option("--curve", is_flag=True, help=help_text("help.curve"))
@folder_option("help.compare-folder")
@click.option("--force", is_flag=True, help=help_text("help.compare-force"))
@solving
@shared
def compare(session: Session, **asked: Any) -> None:
    """`allot compare`: every problem is said before anything is solved."""
    from models.metadata import check_shown
    from optimizer.compare import side_by_side
    from optimizer.compare.columns import reference_at
    from optimizer.solve import Options
    from reports.documents.comparison import compare_page, compare_view
    from reports.html.charts import named_counties

    if asked["output"] is not None:
        refuse_early(asked["output"], "comparison", is_comparison, asked["force"])
    asks = _asks(asked)
    at = reference_at(asks, _reference(asked["reference"]))
    counties = named_counties(asks[at].scenario.programme, asked["county"])
    if asked["output"] is not None:
        check_shown(asks[at].scenario.programme)
    notes = [note for ask in asks for note in (*ask.scenario.notes, *ask.notes)]
    session.tell_notes([*dict.fromkeys(notes)])
    with session.count_progress("compare.progress") as watch:
        options = Options(**asked["effort"], repaired=False)
        compared = side_by_side(asks, at, options, watch)
        if asked["curve"]:
            compared = replace(compared, curve=_curve(compared))
    _write(session, (compared, counties), asked)
    session.show(
        lambda: compare_view(compared, session.words),
        lambda: compare_page(compared, session.words, counties),
    )


def _curve(compared: Compared) -> StabilityCurve | None:
    from optimizer.sensitivity.stability import stability_curve

    solution = compared.reference.solution
    if solution is None:
        refuse("--curve", "", "is drawn of a reference that a solver found; name another")
    return solution.curve or stability_curve(solution)


def _asks(asked: Mapping[str, Any]) -> tuple[ColumnRequest, ...]:
    from models.scenario import load
    from optimizer.compare.columns import cost_of_rules, read_asked

    columns, layers = asked["columns"], asked["layers"]
    if not asked["cost_of_rules"]:
        return read_asked(columns, layers)
    if len(columns) != 1:
        refuse("", "--cost-of-rules", "goes with one scenario")
    return read_asked(cost_of_rules(load(columns[0], **layers)))


def _reference(text: str | None) -> int | str:
    """A number counts from 1; anything else is a name."""
    if text is None:
        return 0
    return int(text) - 1 if text.isascii() and text.isdecimal() else text


def is_comparison(path: Path) -> bool:
    """Whether a folder holds what this verb writes and nothing else."""
    return path.is_dir() and {one.name for one in path.iterdir()} == set(FILES)


def _write(
    session: Session, made: tuple[Compared, Sequence[int]], asked: Mapping[str, Any]
) -> None:
    output = asked["output"]
    if output is None:
        return
    from models.files import write_whole

    replaceable = is_comparison if asked["force"] else None
    write_whole(output, files_of(made[0], session.lang, made[1]), replaceable=replaceable)
    session.tell("cli.written", file=output)


def files_of(compared: Compared, lang: str, counties: Sequence[int] = ()) -> dict[str, bytes]:
    """Name → content of the files of a comparison; `counties` lie open in the page."""
    from reports.documents.comparison_csv import compare_csv
    from reports.excel.comparison_book import compare_xlsx
    from reports.html.comparison_page import compare_html

    return {
        "compare.csv": compare_csv(compared),
        "compare.html": compare_html(compared, lang, counties),
        "compare.xlsx": compare_xlsx(compared, lang),
    }
