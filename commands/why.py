"""The verbs that ask why: of a scenario, or of the solution that a record keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from commands.options import (
    PATH,
    ScenarioArgument,
    ScenarioOrRecord,
    gap_option,
    help_text,
    paging,
    reading,
    shared,
    time_limit_option,
)
from commands.output_folder import PageFolder
from commands.session import Session
from models.errors import refuse

if TYPE_CHECKING:
    from models.allocation import Allocation
    from models.scenario import Scenario
    from models.solution import Solution
    from optimizer.sensitivity.more_money import MoreMoney
    from reports.documents.range_table import WitnessFound


@click.command(help=help_text("help.prices"))
@reading
@click.option("--weights", is_flag=True, help=help_text("help.weights"))
@click.option("--exact", is_flag=True, help=help_text("help.exact"))
@click.option("--rule", multiple=True, metavar="ID", help=help_text("help.price-rule"))
@gap_option("help.price-gap")
@time_limit_option()
@paging()
@shared
def prices(session: Session, source: ScenarioArgument, pages: PageFolder, **asked: Any) -> None:
    """`allot prices`: of the relaxation, or with `--exact` rule by rule."""
    scenario = source.load_scenario_or_record(session).scenario
    pages.refuse_early()
    if asked["exact"]:
        _show_costs(session, scenario, pages, asked)
        return
    for option, name in (("rule", "--rule"), ("gap", "--gap"), ("time_limit", "--time-limit")):
        if asked[option] not in (None, ()):
            refuse(name, "", "goes with --exact")
    from optimizer.sensitivity.prices import prices as shadow_prices
    from reports.documents.price_list import prices_page, prices_view

    found = shadow_prices(scenario, weights=asked["weights"])
    session.show(lambda: prices_view(found), lambda: prices_page(found, session.words), pages)


def _show_costs(
    session: Session, scenario: Scenario, pages: PageFolder, asked: dict[str, Any]
) -> None:
    """`prices --exact`: rule by rule, by solving again."""
    from optimizer.sensitivity.drop_rule import GAP, costs
    from reports.documents.price_list import costs_page, costs_view

    if asked["weights"]:
        _refuse_both("--weights", "--exact")
    near = GAP if asked["gap"] is None else asked["gap"]
    with session.count_progress() as watch:
        found = costs(
            scenario,
            rules=asked["rule"] or None,
            gap=near,
            time_limit=asked["time_limit"],
            watch=watch,
        )
    session.show(lambda: costs_view(found), lambda: costs_page(found, session.words), pages)


def _refuse_both(option: str, other: str) -> None:
    refuse(option, "", f"does not go with {other}")


class Share(click.ParamType):  # type: ignore[type-arg]
    """A share from 0 to below 1: `0.5%` or `0.005`."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        from models.exact import parse_share

        try:
            return float(parse_share(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(help=help_text("help.ranges"))
@reading
@click.option("--within", type=Share(), default=0.005, help=help_text("help.within"))
@click.option("--cells", is_flag=True, help=help_text("help.each-cell"))
@click.option("--witness", multiple=True, metavar="NAME", help=help_text("help.witness"))
@time_limit_option()
@paging("help.witness-folder")
@shared
def ranges(session: Session, source: ScenarioArgument, pages: PageFolder, **asked: Any) -> None:
    """`allot ranges`: least and most money near the best, and who reaches it."""
    about = source.load_scenario_or_record(session)
    from models.selection import county_at
    from optimizer.sensitivity.near_optimal import ranges as near_best
    from optimizer.sensitivity.near_optimal import witness
    from reports.documents.range_table import WitnessFound, ranges_page, ranges_view

    scenario = about.scenario
    places = [county_at(scenario.programme, name, "--witness") for name in asked["witness"]]
    pages.refuse_early()
    near = about.solution or scenario
    found = near_best(near, within=asked["within"], cells=asked["cells"])
    ends: tuple[Literal["least", "most"], ...] = ("least", "most")
    seconds = {} if asked["time_limit"] is None else {"time_limit": asked["time_limit"]}
    reached = [
        WitnessFound(place, witness(found, scenario.programme.counties.ids[place], end, **seconds))
        for place in places
        for end in ends
    ]
    session.show(
        lambda: ranges_view(found, reached),
        lambda: ranges_page(found, reached, session.words),
        pages,
        _tables(scenario, reached),
    )


def _tables(scenario: Scenario, reached: Sequence[WitnessFound]) -> dict[str, str]:
    """Name → text of the allocations that were found."""
    from models.allocation import allocation_csv

    return {
        f"{one.county}-{one.end}.csv": allocation_csv(one.allocation, scenario.programme)
        for one in (found.witness for found in reached)
        if one is not None
    }


@click.command(help=help_text("help.diagnose"))
@reading
@click.option("--weight", multiple=True, metavar="RULE=NUMBER", help=help_text("help.weight"))
@time_limit_option("help.diagnose-limit")
@paging()
@shared
def diagnose(
    session: Session,
    source: ScenarioArgument,
    pages: PageFolder,
    weight: tuple[str, ...],
    time_limit: float | None,
) -> None:
    """`allot diagnose`: why rules cannot all be kept, and what to change to what."""
    scenario = source.load_scenario_or_record(session).scenario
    from models.errors import NoAnswerError
    from optimizer.infeasibility.diagnose import diagnose as find_conflict
    from reports.documents.diagnosis import diagnosis_page, diagnosis_view

    priced = dict(_weight(text) for text in weight)
    pages.refuse_early()
    found = find_conflict(scenario, weights=priced, time_limit=time_limit)
    if found is None:
        raise NoAnswerError(session.words("diagnose.unsaid"))
    session.show(
        lambda: diagnosis_view(found),
        lambda: diagnosis_page(found, session.words, bool(priced)),
        pages,
    )


def _weight(text: str) -> tuple[str, Fraction]:
    """`RULE=NUMBER`, the number above zero."""
    from models.exact import parse_exact

    name, _, number = text.rpartition("=")
    try:
        weight = parse_exact(number)
    except ValueError as error:
        refuse(f"--weight {text}", "", f"write --weight RULE=NUMBER ({error})")
    if not name or weight <= 0:
        refuse(f"--weight {text}", "", "write --weight RULE=NUMBER, the number above zero")
    return name, weight


@click.command(help=help_text("help.explain"))
@reading
@click.argument("county")
@click.option("--against", metavar="COUNTY", help=help_text("help.against"))
@click.option("--more", metavar="AMOUNT", help=help_text("help.more"))
@click.option("--table", type=PATH, metavar="FILE", help=help_text("help.table"))
@paging()
@shared
def explain(
    session: Session, source: ScenarioArgument, county: str, pages: PageFolder, **asked: Any
) -> None:
    """`allot explain`: of a record, of a table, or of a scenario that is solved first."""
    about = source.load_scenario_or_record(session)
    from models.selection import county_at
    from optimizer.sensitivity.explain import explain as why
    from reports.documents.explanation import explanation_page, explanation_view

    programme = about.scenario.programme
    at = county_at(programme, county, "COUNTY")
    against = None
    if asked["against"] is not None:
        against = county_at(programme, asked["against"], "--against")
        if against == at:
            refuse("--against", "", f"'{asked['against']}' is the same county; name another")
    if asked["more"] is not None and asked["table"] is not None:
        _refuse_both("--more", "--table")
    pages.refuse_early(asked["table"])
    allocation, solution = _allocation(session, about, asked["table"])
    codes = programme.counties.ids
    other = None if against is None else codes[against]
    # Whether a rule can bind at all takes as long as all the rest, and is nothing for a telephone.
    of = solution or about.scenario
    said = why(of, codes[at], against=other, allocation=allocation, never=False)
    table = asked["table"].name if asked["table"] is not None else ""
    more = None if solution is None or asked["more"] is None else _more(solution, codes[at], asked)
    session.show(
        lambda: explanation_view(said, solution, table, more),
        lambda: explanation_page(said, session.words, solution, table, more),
        pages,
    )


def _more(solution: Solution, county: str, asked: dict[str, Any]) -> MoreMoney:
    """`explain --more AMOUNT`; the mistake in it stands at the option."""
    from models.errors import InputError
    from optimizer.sensitivity.more_money import more_money

    try:
        return more_money(solution, county, asked["more"])
    except InputError as error:
        raise InputError([replace(one, file="--more") for one in error.problems]) from None


def _allocation(
    session: Session, about: ScenarioOrRecord, table: Path | None
) -> tuple[Allocation, Solution | None]:
    """The allocation to explain, and the solution that it is of, if a solver found it."""
    if table is not None:
        return session.read_allocation(about.scenario, table), None
    solution = about.solution
    if solution is None:
        from optimizer.decision import solve

        with session.solve_progress() as watch:
            solution = solve(about.scenario, watch=watch, repaired=False)
    return solution.allocation, solution
