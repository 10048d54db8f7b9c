"""Which numbers of a scenario are assumed, how far each may lie, and on whose word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from models.exact import exact_text, parse_exact
from models.metadata import Source, read_labels, read_sources, source_of
from models.rule import BOUND_KEYS, Rule
from models.scenario import Scenario
from models.strict_yaml import NO_TEXT, Text
from models.value_range import DEFAULT, ValueRange
from optimizer.study.design import Path, Paths

# Assumed are: the constants of the response formula (those that `sources.yaml` lists as a source's
# own apart), the lot where nothing grounds it, every number in the bound of a rule whose basis is
# an assumption, and of any rule that states a `range:`.


ASKED = "asked"
"""Of a range that was given with the question."""
_COUNTS = ("cells", "counties")
Basis = Literal["assumption", "interpretation", "practice", "clause", "target"]


@dataclass(frozen=True)
class Assumption:
    """One assumed number, how far it may lie, and where it comes from."""

    path: str
    now: str
    low: str
    high: str
    stated: str
    """Where its range is stated; empty where ten percent stand in, an assumption of ours."""
    range: ValueRange = DEFAULT
    title: Text = NO_TEXT
    unit: Text = NO_TEXT
    """Empty for a plain number."""
    basis: Basis = "assumption"
    source: Text = NO_TEXT
    """What sources.yaml, or the rule itself, says the number comes from."""
    is_drawn: bool = False
    """Whether draws move it: a constant that makes rates. A limit is a choice, and no unknown."""
    may_be_refitted: bool = False
    """Whether response.yaml says what it is fitted to: one that moves could be fitted anew."""


@dataclass(frozen=True)
class _Told:
    """What is said of a number, which has no ends yet."""

    path: Path
    assumption: Assumption
    whole: bool = False
    """Whether its ends are rounded outwards to whole numbers."""
    most: Fraction | None = None
    """No end is above this."""


def assumed_numbers(
    scenario: Scenario, paths: Paths, within: ValueRange | None = None
) -> list[Assumption]:
    """Every assumed number that is not zero, in the order of the scenario and its formula.

    `within`: a range that stands for each one's own. What a bound looks up in a column is no single
    number, and `looked_up` names it.
    """
    made = (_rules(scenario, paths), _lot(scenario, paths), _response(scenario, paths))
    return [one for each in made for told in each for one in _moved(told, within)]


def given_rates(scenario: Scenario, paths: Paths) -> list[Assumption]:
    """Where no formula gives the tiers in use: what all rates of a metric are multiplied by, and
    those of a task in it, in words of their own (`rates.jobs`, `rates.jobs.parks`)."""
    if paths.formula_gives_tiers:
        return []
    programme = scenario.programme
    source = source_of(read_sources(programme), f"{_tiers_file(scenario)}:width")
    found = []
    for metric in programme.file.metrics:
        name = metric.title
        said = Text(zh=f"{name.zh}：全部效益率的倍数", en=f"{name.en}: all rates times")
        found.append(_rate(f"rates.{metric.id}", said, source))
        for task in programme.task_list:
            told = task.short or task.title
            said = Text(
                zh=f"{told.zh}对{name.zh}：效益率的倍数", en=f"{told.en}, {name.en}: rates times"
            )
            found.append(_rate(f"rates.{metric.id}.{task.id}", said, source))
    return found


def looked_up(scenario: Scenario, paths: Paths) -> list[str]:
    """Assumed bounds that stand in a column, which no path moves."""
    return [
        path.name
        for rule in scenario.rules
        if rule.basis == "assumption"
        for path in _bounds(rule, paths)
        if path.now is None
    ]


def _rate(path: str, title: Text, source: Source | None) -> Assumption:
    found = source.range if source else None
    stated = f"sources.yaml: {source.id}" if source and found else ""
    low, high = (found or DEFAULT).ends(Fraction(1))
    told = source.title if source else NO_TEXT
    ends = exact_text(low), exact_text(high)
    return Assumption(path, "1", *ends, stated, found or DEFAULT, title, source=told, is_drawn=True)


def _tiers_file(scenario: Scenario) -> str:
    chosen = scenario.programme.calibration(scenario.spec.calibration)
    return chosen.tiers if chosen else scenario.programme.file.tiers or ""


def _rules(scenario: Scenario, paths: Paths) -> Iterator[_Told]:
    for rule in scenario.rules:
        if rule.basis != "assumption" and rule.range is None:
            continue
        stated = f"rules.{rule.id}.range" if rule.range else ""
        source = rule.number_from if rule.number_from.zh else rule.reason
        for path in _bounds(rule, paths):
            share = path.steps[-1] == "share"
            unit = NO_TEXT if path.steps[-1] in ("share", "times") else _unit(scenario, rule)
            found = rule.range or DEFAULT
            told = _told(path, stated, found, rule.title, unit)
            told = replace(told, basis=rule.basis, source=source)
            yield _Told(path, told, rule.measure in _COUNTS, Fraction(1) if share else None)


def _told(path: Path, stated: str, found: ValueRange, title: Text, unit: Text) -> Assumption:
    """What is said of a number, which has no ends yet."""
    return Assumption(path.name, "", "", "", stated, found, title, unit)


def _unit(scenario: Scenario, rule: Rule) -> Text:
    """What the bound of a rule counts, per head or not."""
    counted = {"cells": Text(zh="项", en="cells"), "counties": Text(zh="个县", en="counties")}
    units = {metric.id: metric.unit for metric in scenario.programme.file.metrics}
    unit = {**counted, **units}.get(rule.measure, scenario.programme.file.money)
    if rule.per_head is None:
        return unit
    label = read_labels(scenario.programme).columns.get(rule.per_head)
    of = label if label else Text(zh=rule.per_head, en=rule.per_head)
    return Text(zh=f"{unit.zh}/{of.zh}", en=f"{unit.en} / {of.en}")


def _bounds(rule: Rule, paths: Paths) -> Iterator[Path]:
    for path in paths.known.values():
        of_rule = path.steps[:2] == ("rules", rule.id) and path.steps[2] in BOUND_KEYS
        if of_rule and path.is_number and path.steps[-1] != "column":
            yield path


def _lot(scenario: Scenario, paths: Paths) -> Iterator[_Told]:
    path, grounds = paths.known.get("lot"), scenario.spec.grounds.get("lot")
    if path is not None and (grounds is None or grounds.basis == "assumption"):
        title = Text(zh="单项起点金额", en="Least money of a funded cell")
        source = grounds.reason if grounds else NO_TEXT
        told = _told(path, "", DEFAULT, title, scenario.programme.file.money)
        yield _Told(path, replace(told, source=source), True)


def _response(scenario: Scenario, paths: Paths) -> Iterator[_Told]:
    if not paths.formula_gives_tiers:
        return
    sources, file = read_sources(scenario.programme), scenario.programme.file.response
    fitted = paths.fitted
    for path in paths.known.values():
        if path.steps[0] != "response" or not _matters(scenario, path):
            continue
        place = ".".join(map(str, path.steps[1:]))
        source = source_of(sources, f"{file}:{place}")
        if source is not None and source.kind == "source":
            continue
        found = source.range if source else None
        title, unit = _constant(scenario, path)
        stated = f"sources.yaml: {source.id}" if source and found else ""
        told = replace(
            _told(path, stated, found or DEFAULT, title, unit),
            basis="interpretation" if source and source.kind == "interpretation" else "assumption",
            source=source.title if source else NO_TEXT,
            is_drawn=path.steps[1] != "breakpoints",  # How finely a curve is cut is not unknown.
            may_be_refitted=path.steps[1] == "kappa" and path.steps[3] in fitted,
        )
        yield _Told(path, told)


def _matters(scenario: Scenario, path: Path) -> bool:
    """Not so for tasks and metrics that the programme does not have."""
    if path.steps[1] != "tasks":
        return True
    programme = scenario.programme
    return path.steps[2] in programme.tasks.ids and path.steps[3] in ("sigma", *programme.metrics)


def _constant(scenario: Scenario, path: Path) -> tuple[Text, Text]:
    """What a constant of the response formula is called, and its unit."""
    programme, kind, last = scenario.programme, path.steps[1], str(path.steps[-1])
    titles = {metric.id: metric.title for metric in programme.file.metrics}
    units = {metric.id: metric.unit for metric in programme.file.metrics}
    money, name = programme.file.money, titles.get(last, Text(zh=last, en=last))
    if kind == "kappa":
        unit = units.get(last, NO_TEXT)
        return (
            Text(zh=f"{name.zh}：效益总水平 κ", en=f"{name.en}: level of all rates, kappa"),
            Text(zh=f"{unit.zh}/{money.zh}", en=f"{unit.en} / {money.en}"),
        )
    if kind == "tasks":
        task = programme.task_list[programme.tasks.index[str(path.steps[2])]]
        of = task.short or task.title
        if last == "sigma":
            return Text(zh=f"{of.zh}：饱和规模 σ", en=f"{of.en}: saturation scale, sigma"), money
        return Text(zh=f"{of.zh}对{name.zh}的相对效益", en=f"{of.en}: effect on {name.en}"), NO_TEXT
    if kind == "productivity":
        labels, metric = read_labels(programme), titles.get(str(path.steps[2]), NO_TEXT)
        zh, en = (labels.column(last, lang) for lang in ("zh", "en"))
        return (
            Text(
                zh=f"{metric.zh}：效率随“{zh}”的幂", en=f"{metric.en}: power of productivity, {en}"
            ),
            NO_TEXT,
        )
    return _OTHERS.get(str(kind), NO_TEXT), NO_TEXT


_OTHERS = {
    "cost": Text(zh="成本系数每级加幅", en="Cost added by one class of hardship"),
    "saturation": Text(zh="饱和规模的幂", en="Power of the saturation scale"),
    "breakpoints": Text(
        zh="效益分档端点（以饱和规模计）", en="End of a tier, in saturation scales"
    ),
}


def _moved(told: _Told, within: ValueRange | None) -> Iterator[Assumption]:
    """The number with its two ends, of its own range or `within` another; none of what is zero."""
    path, one = told.path, told.assumption
    if path.now is None or not path.is_number or not (now := parse_exact(path.now)):
        return
    if within is not None:
        one = replace(one, range=within, stated=ASKED)
    low, high = one.range.ends(now)
    if told.whole:
        low, high = Fraction(floor(low)), Fraction(ceil(high))
    if told.most is not None:
        low, high = min(low, told.most), min(high, told.most)
    yield replace(one, now=exact_text(now), low=exact_text(low), high=exact_text(high))
