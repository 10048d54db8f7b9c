"""The verbs that ask why: compute, then print a page or one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from commands.options import Asked
from commands.session import Session
from models.errors import refuse
from models.scenario import Scenario

if TYPE_CHECKING:
    from models.allocation import Allocation
    from reports.documents.range_table import WitnessFound


def show_prices(given: Session, scenario: Scenario, asked: dict[str, Any]) -> None:
    """`allot prices`: of the relaxation, or with `--exact` rule by rule."""
    if asked["exact"]:
        _show_costs(given, scenario, asked)
        return
    for option, name in (("rule", "--rule"), ("gap", "--gap"), ("time_limit", "--time-limit")):
        if asked[option] not in (None, ()):
            refuse(name, "", "goes with --exact")
    from optimizer.sensitivity.prices import prices
    from reports.documents.price_list import prices_page, prices_view

    found = prices(scenario, weights=asked["weights"])
    given.show(lambda: prices_view(found), lambda: prices_page(found, given.words))


def _show_costs(given: Session, scenario: Scenario, asked: dict[str, Any]) -> None:
    from commands.session import points
    from optimizer.sensitivity.drop_rule import GAP, costs
    from reports.documents.price_list import costs_page, costs_view

    if asked["weights"]:
        refuse("--weights", "", "does not go with --exact")
    gap = GAP if asked["gap"] is None else asked["gap"]
    with points(given.words, given.talks) as watch:
        found = costs(
            scenario, only=asked["rule"], gap=gap, time_limit=asked["time_limit"], watch=watch
        )
    given.show(lambda: costs_view(found), lambda: costs_page(found, given.words))


def show_ranges(given: Session, asked: Asked, options: dict[str, Any]) -> None:
    """`allot ranges`, of a scenario or of a record."""
    from models.selection import county_at
    from optimizer.sensitivity.near_optimal import ranges, witness
    from reports.documents.range_table import WitnessFound, ranges_page, ranges_view

    scenario, solution = asked.scenario, asked.solution
    places = [county_at(scenario.programme, name, "--witness") for name in options["witness"]]
    _refuse_witness_folder(options)
    found = ranges(scenario, options["within"], solution)
    ends: tuple[Literal["least", "most"], ...] = ("least", "most")
    seconds = {} if options["time_limit"] is None else {"time_limit": options["time_limit"]}
    reached = [
        WitnessFound(county, witness(found, county, end, **seconds))
        for county in places
        for end in ends
    ]
    if options["output"] is not None:
        _write_witnesses(given, scenario, reached, options["output"])
    given.show(
        lambda: ranges_view(found, reached), lambda: ranges_page(found, reached, given.words)
    )


def _refuse_witness_folder(options: dict[str, Any]) -> None:
    if options["output"] is not None and not options["witness"]:
        refuse("-o", "", "goes with --witness: it is where the allocations found are written")


def _write_witnesses(
    given: Session, scenario: Scenario, reached: Sequence[WitnessFound], folder: Path
) -> None:
    from models.allocation import allocation_csv, write_file

    folder.mkdir(parents=True, exist_ok=True)
    for one in reached:
        if one.witness is not None:
            file = folder / f"{one.witness.county}-{one.witness.end}.csv"
            write_file(file, allocation_csv(one.witness.allocation, scenario.programme))
            given.tell("cli.written", file=file)


def show_diagnosis(given: Session, scenario: Scenario, weights: Sequence[str]) -> None:
    """`allot diagnose`."""
    from models.errors import NoAnswerError
    from optimizer.infeasibility.diagnose import diagnose
    from reports.documents.diagnosis import diagnosis_page, diagnosis_view

    priced = dict(_weight(text) for text in weights)
    found = diagnose(scenario, weights=priced)
    if found is None:
        raise NoAnswerError(given.words("diagnose.unsaid"))
    given.show(
        lambda: diagnosis_view(found), lambda: diagnosis_page(found, given.words, bool(priced))
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


def show_explanation(given: Session, asked: Asked, county: str, options: dict[str, Any]) -> None:
    """`allot explain`, of a record, of a table, or of a scenario that is solved first."""
    from models.selection import county_at
    from optimizer.sensitivity.explain import explain
    from reports.documents.explanation import explanation_page, explanation_view

    programme = asked.scenario.programme
    at = county_at(programme, county, "COUNTY")
    against = None
    if options["against"] is not None:
        against = county_at(programme, options["against"], "--against")
        if against == at:
            refuse("--against", "", f"'{options['against']}' is the same county; name another")
    allocation, gap = _allocation(given, asked, options["table"])
    said = explain(asked.scenario, allocation, at, against)
    given.show(
        lambda: explanation_view(said, gap), lambda: explanation_page(said, given.words, gap)
    )


def _allocation(
    given: Session, asked: Asked, table: Path | None
) -> tuple[Allocation, float | None]:
    """The allocation to explain, and how near to the bound it is proved to be."""
    scenario = asked.scenario
    if table is not None:
        from models.workbook.reader import read_table

        outside = {row.code: row.name for row in scenario.spec.outside}
        amounts, notes = read_table(table, scenario.programme, outside)
        given.tell_notes(notes)
        return amounts, None
    solution = asked.solution
    if solution is None:
        from commands.session import progress
        from optimizer.solve import solve

        with progress(given.words, given.talks) as watch:
            solution = solve(scenario, watch=watch, repaired=False)
    return solution.allocation, solution.gap
