"""Checks of an ordered list of aims against its programme, each problem where it was written."""

from __future__ import annotations

from collections.abc import Iterable

from models.aim import OrderedAim
from models.errors import Problems, did_you_mean
from models.overrides import ScenarioDocument
from models.programme import Programme
from models.scenario_file import ScenarioFile
from models.selection import blocks
from models.strict_yaml import Steps
from models.validation import Checker, check_heads

POINTS = ("points", "分")
"""What the value of a weighted sum, and of a utility, is counted in."""


def check_aims(spec: ScenarioFile, programme: Programme, document: ScenarioDocument) -> Problems:
    """Every problem of the metrics, columns, groups and units of an ordered list of aims."""
    checker = Checker(spec, programme, document)
    aims = checker.spec.objective.aims
    for number, aim in enumerate(aims):
        _check_aim(checker, aim, ("objective", number))
    if aims and not aims[0].has_points:
        for number, rule in enumerate(checker.spec.rules):
            if rule.enabled and rule.soft:
                message = (
                    "gives way at a price in points: the first aim must then be weights or a metric"
                )
                checker.add(("rules", number, "soft"), message)
    return checker.problems


def _check_aim(checker: Checker, aim: OrderedAim, path: Steps) -> None:
    metrics = checker.programme.metrics
    for name in aim.weights or ():
        _known(checker, name, metrics, (*path, "weights", name))
    if aim.weights is not None and not any(aim.weights.values()):
        checker.add((*path, "weights"), "at least one weight must differ from zero")
    for key in ("maximise", "minimise", "raise_least"):
        if name := getattr(aim, key):
            _known(checker, name, (*metrics, "amount"), (*path, key))
    _check_grouped(checker, aim, path)
    if aim.give.amount:
        _check_unit(checker, aim, (*path, "give"))


def _known(checker: Checker, name: str, known: Iterable[str], path: Steps) -> None:
    if name not in known:
        checker.add(path, f"unknown metric '{name}'{did_you_mean(name, known)}")


def _check_grouped(checker: Checker, aim: OrderedAim, path: Steps) -> None:
    """Groups of an aim that reads them: there are some, and each has heads."""
    if not aim.per:
        return
    good = checker.where(aim.where, (*path, "where"))
    for number, column in enumerate(aim.per):
        good &= checker.table_of(column, (*path, "per", number)) is not None
    columns: dict[str, str | None] = {"per_head": aim.per_head, "plus": aim.plus_column}
    for key, name in columns.items():
        if name is not None:
            table = checker.number_column(name, (*path, key), checker.counties)
            good &= table is not None
    if good:
        for block in blocks(checker.counties, checker.tasks, aim.where, aim.per):
            check_heads(checker, aim.per_head, block, (*path, "per_head"))


def _check_unit(checker: Checker, aim: OrderedAim, path: Steps) -> None:
    known = units_of(checker.programme, aim)
    if aim.give.unit not in known:
        near = did_you_mean(aim.give.unit, known)
        message = f"'{aim.give.unit}' is not the unit of this aim, which is {known[0]}{near}"
        checker.add(path, message)


def units_of(programme: Programme, aim: OrderedAim) -> tuple[str, ...]:
    """What an amount of an aim may be called, the plainest first."""
    money = programme.file.money
    if aim.weights is not None or aim.spread is not None:
        return POINTS
    name = aim.maximise or aim.minimise or aim.raise_least
    for metric in programme.file.metrics:
        if metric.id == name:
            texts = (metric.unit.en, metric.unit.zh, metric.title.en, metric.title.zh)
            return (metric.id, *texts)
    return (money.en, money.zh)
