"""Which forms of a rule a hand-worked case exercises, told from the rule itself."""

from __future__ import annotations

from collections.abc import Iterator

from models.rule import CONSTANTS, PLAIN_MEASURES, Factor, Part, Rule, Where
from models.scenario import Scenario
from tests.rule_cases import Reading

FORMS = {
    *("measure amount", "measure metric", "measure cells", "measure counties"),
    *("where county", "where task", "where boolean", "where text", "where number"),
    *("where list", "where range", "where column of tasks"),
    *("per nothing", "per county", "per task", "per county and task", "per a column"),
    *("per two columns", "at_least", "at_most", "equal", "equal within"),
    *("number", "column", "column times", "column sum", "list of parts"),
    *("share of amount", "share of budget", "share of a metric", "share of cells"),
    *("times of amount", "times of budget", "times of a metric", "share in a column"),
    *("share of baseline", "times of baseline", "per head of baseline"),
    *("times in a column", "of with where", "of with per", "of with fewer per"),
    *("per head of amount", "per head of budget", "per head number", "per head column"),
    *("per head metric", "if_funded", "soft", "A only if B", "money above the last tier"),
    *("budget", "money outside", "lot", "lot by column", "locks", "eligibility", "no-idle"),
    *("whole-units", "step"),
}
"""All forms; each needs a kept and a broken case."""


def forms_of(reading: Reading, scenario: Scenario) -> set[str]:
    """The forms that one reading exercises."""
    if reading.rule() is None:
        return set(_settled(reading, scenario))
    found = {form for rule in scenario.spec.rules for form in _of_rule(scenario, rule)}
    if scenario.spec.rules[0].measure in scenario.programme.metrics:
        ends = scenario.tiers.width.sum(axis=2)
        if (reading.allocation(scenario).amounts > ends).any():
            found.add("money above the last tier")
    return found


def _settled(reading: Reading, scenario: Scenario) -> Iterator[str]:
    yield reading.finding
    if scenario.spec.outside:
        yield "money outside"
    if reading.finding == "lot" and scenario.spec.lot and scenario.spec.lot.column:
        yield "lot by column"


def _of_rule(scenario: Scenario, rule: Rule) -> Iterator[str]:
    yield f"measure {_measure(rule.measure)}"
    yield from _where(scenario, rule.where)
    yield _per(rule.per)
    yield rule.sense + (" within" if rule.within else "")
    if len(rule.bound) > 1:
        yield "list of parts"
    for name, used in (("if_funded", rule.if_funded), ("soft", rule.soft is not None)):
        if used:
            yield name
    for part in rule.bound:
        yield from _part(rule, part)
    if rule.per_head:
        yield from _per_head(rule)


def _measure(name: str) -> str:
    return name if name in PLAIN_MEASURES else "metric"


def _where(scenario: Scenario, where: Where) -> Iterator[str]:
    for column, condition in where.items():
        if column in ("county", "task"):
            yield f"where {column}"
        elif scenario.programme.tasks.kind(column):
            yield "where column of tasks"
        if condition.between is not None:
            yield "where range"
            continue
        if len(condition.among) > 1:
            yield "where list"
        kind = scenario.programme.counties.kind(column)
        if column != "county" and kind:
            yield f"where {kind}"


def _per(per: tuple[str, ...]) -> str:
    known = {(): "nothing", ("county",): "county", ("task",): "task"}
    if set(per) == {"county", "task"}:
        return "per county and task"
    return f"per {known.get(per) or ('two columns' if len(per) > 1 else 'a column')}"


def _part(rule: Rule, part: Part) -> Iterator[str]:
    if part.number is not None:
        yield "number"
    if part.column is not None:
        yield "column" + (" sum" if part.sum else " times" if part.times else "")
    for name, factor in (("share", part.share), ("times", part.times)):
        if factor is not None:
            yield from _factor(name, factor, part.of)
    if part.per:
        yield "of with fewer per" if len(part.per) < len(rule.per) else "of with per"
    if part.where:
        yield "of with where"
        if "task" in rule.where and "task" in part.where and rule.sense == "at_most":
            yield "A only if B"


def _factor(name: str, factor: Factor, of: str | None) -> Iterator[str]:
    if factor.column is not None:
        yield f"{name} in a column"
    if of is not None:
        yield f"{name} of {of if of in (*PLAIN_MEASURES, *CONSTANTS) else 'a metric'}"


def _per_head(rule: Rule) -> Iterator[str]:
    for part in rule.bound:
        if part.of is not None:
            yield f"per head of {part.of}"
        else:
            yield "per head column" if part.column else "per head number"
    if _measure(rule.measure) == "metric":
        yield "per head metric"
