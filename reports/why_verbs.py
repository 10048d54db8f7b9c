"""The verbs that ask why: compute, then print a page or one JSON document."""

from __future__ import annotations

from typing import Any

from models.errors import refuse
from models.scenario import Scenario
from reports.console import Given


def show_prices(given: Given, scenario: Scenario, asked: dict[str, Any]) -> None:
    """`allot prices`: of the relaxation, or with `--exact` rule by rule."""
    if asked["exact"]:
        _show_costs(given, scenario, asked)
        return
    for option, name in (("rule", "--rule"), ("gap", "--gap"), ("time_limit", "--time-limit")):
        if asked[option] not in (None, ()):
            refuse(name, "", "goes with --exact")
    from optimizer.why.prices import prices
    from reports.why_prices import prices_page, prices_view

    found = prices(scenario, weights=asked["weights"])
    given.show(lambda: prices_view(found), lambda: prices_page(found, given.words))


def _show_costs(given: Given, scenario: Scenario, asked: dict[str, Any]) -> None:
    from optimizer.why.left_out import GAP, costs
    from reports.progress import points
    from reports.why_prices import costs_page, costs_view

    if asked["weights"]:
        refuse("--weights", "", "does not go with --exact")
    gap = GAP if asked["gap"] is None else asked["gap"]
    with points(given.words, given.talks) as watch:
        found = costs(
            scenario, only=asked["rule"], gap=gap, time_limit=asked["time_limit"], watch=watch
        )
    given.show(lambda: costs_view(found), lambda: costs_page(found, given.words))
