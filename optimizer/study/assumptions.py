"""Which numbers of a scenario are assumptions, and how far each may lie.

Assumed are: the constants of the response formula (those that `sources.yaml` lists as a source's
own apart), the lot where nothing grounds it, every number in the bound of a rule whose basis is
an assumption, and of any rule that states a `range:`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from models.exact import exact_text, parse_exact
from models.ranges import DEFAULT, Range
from models.rule import Rule
from models.scenario import Scenario
from models.sources import read_sources, source_of
from optimizer.study.paths import Path, Paths

_BOUNDS = ("at_least", "at_most", "equal", "within")
_COUNTS = ("cells", "counties")


@dataclass(frozen=True)
class Assumption:
    """One assumed number, and the values to move it to."""

    path: str
    now: str
    low: str
    high: str
    stated: str
    """Where its range is stated; empty where ten percent stand in, an assumption of ours."""


def assumptions(scenario: Scenario, paths: Paths) -> list[Assumption]:
    """Every assumed number that is not zero, in the order of the scenario and its formula.

    What a bound looks up in a column is no single number, and `looked_up` names it.
    """
    return [*_rules(scenario, paths), *_lot(scenario, paths), *_response(scenario, paths)]


def looked_up(scenario: Scenario, paths: Paths) -> list[str]:
    """Assumed bounds that stand in a column, which no path moves."""
    return [
        path.name
        for rule in scenario.rules
        if rule.basis == "assumption"
        for path in _bounds(rule, paths)
        if path.now is None
    ]


def _rules(scenario: Scenario, paths: Paths) -> Iterator[Assumption]:
    for rule in scenario.rules:
        if rule.basis != "assumption" and rule.range is None:
            continue
        whole = rule.measure in _COUNTS
        for path in _bounds(rule, paths):
            share = path.steps[-1] == "share"
            stated = f"rules.{rule.id}.range" if rule.range else ""
            yield from _moved(path, (rule.range, stated), whole, Fraction(1) if share else None)


def _bounds(rule: Rule, paths: Paths) -> Iterator[Path]:
    for path in paths.known.values():
        of_rule = path.steps[:2] == ("rules", rule.id) and path.steps[2] in _BOUNDS
        if of_rule and path.is_number and path.steps[-1] != "column":
            yield path


def _lot(scenario: Scenario, paths: Paths) -> Iterator[Assumption]:
    path, grounds = paths.known.get("lot"), scenario.spec.grounds.get("lot")
    if path is not None and (grounds is None or grounds.basis == "assumption"):
        yield from _moved(path, (None, ""), True, None)


def _response(scenario: Scenario, paths: Paths) -> Iterator[Assumption]:
    if not paths.formula_gives_tiers:
        return
    sources, file = read_sources(scenario.programme), scenario.programme.file.response
    for path in paths.known.values():
        if path.steps[0] != "response" or not _matters(scenario, path):
            continue
        place = ".".join(map(str, path.steps[1:]))
        source = source_of(sources, f"{file}:{place}")
        if source is not None and source.kind == "source":
            continue
        found = source.range if source else None
        stated = f"sources.yaml: {source.id}" if source and found else ""
        yield from _moved(path, (found, stated), False, None)


def _matters(scenario: Scenario, path: Path) -> bool:
    """Not so for tasks and metrics that the programme does not have."""
    if path.steps[1] != "tasks":
        return True
    programme = scenario.programme
    return path.steps[2] in programme.tasks.ids and path.steps[3] in ("sigma", *programme.metrics)


def _moved(
    path: Path, given: tuple[Range | None, str], whole: bool, most: Fraction | None
) -> Iterator[Assumption]:
    """The number with its two ends: `whole` ones are rounded outwards, none is above `most`."""
    if path.now is None or not path.is_number or not (now := parse_exact(path.now)):
        return
    found, stated = given
    low, high = (found or DEFAULT).ends(now)
    if whole:
        low, high = Fraction(floor(low)), Fraction(ceil(high))
    if most is not None:
        low, high = min(low, most), min(high, most)
    yield Assumption(path.name, exact_text(now), exact_text(low), exact_text(high), stated)
