"""Tables as text, ready for a terminal or a page: outcomes, money by task and group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from models.metadata import Labels, value_name
from models.programme import Metric
from models.scenario import Scenario
from reports.catalogue import Words
from reports.document import Grid, Line, LineMark
from reports.numbers import figure, percent, plain
from reports.view.allocation_view import (
    MOST_GROUPS,
    AllocationView,
    Sums,
    groups_of,
    money_inside,
    money_where,
    sums_by_task,
)


def outcome_grid(
    scenario: Scenario, shown: Sequence[AllocationView], labels: Labels, words: Words
) -> Grid:
    """Metrics, highlighted shares, money and broken rules of allocations side by side.

    The objective stands in the last line, under the metrics that it weighs.
    """
    lines = [
        _metric_line(scenario, metric, shown, words) for metric in scenario.programme.file.metrics
    ]
    for row in labels.highlight:
        shares = [
            percent(money_where(scenario, one.allocation, row.where), money_inside(one.allocation))
            for one in shown
        ]
        lines.append(
            Line(
                (
                    _upper(words("row.highlight", title=row.title.of(words.lang))),
                    shares[0],
                    "",
                    *shares[1:],
                )
            )
        )
    lines.append(_line(words("row.spent"), [plain(one.audit.spent) for one in shown]))
    if any(one.moved is not None for one in shown):
        lines.append(_line(words("row.moved"), [moved_text(one, words) for one in shown]))
    broken = [broken_text(one, words) for one in shown]
    mark: LineMark = "broken" if shown[0].audit.broken else ""
    lines.append(Line((words("row.broken"), broken[0], "", *broken[1:]), mark))
    if any(one.objective is not None for one in shown):
        lines.append(_line(words("row.index"), [_or_dash(one.objective, 4) for one in shown]))
    titles = [one.title for one in shown]
    header = (words("column.metric"), titles[0], words("column.target"), *titles[1:])
    return Grid(words("title.outcomes", money=_money(scenario, words)), header, tuple(lines))


def _line(title: str, cells: Sequence[str]) -> Line:
    return Line((title, cells[0], "", *cells[1:]))


def _metric_line(
    scenario: Scenario, metric: Metric, shown: Sequence[AllocationView], words: Words
) -> Line:
    target = metric.target
    cells = [figure(one.audit.outcomes[metric.id], 1, target) for one in shown]
    name = words("metric", title=metric.title.of(words.lang), unit=metric.unit.of(words.lang))
    due = "" if target is None else plain(target)
    missed = target is not None and shown[0].audit.outcomes[metric.id] < target
    return Line((name, cells[0], due, *cells[1:]), "broken" if missed else "")


def broken_text(one: AllocationView, words: Words) -> str:
    """How many rules are broken, in how many limits."""
    rules, limits = len(one.audit.broken_rules), len(one.audit.broken)
    return words("broken.count", rules=rules, limits=plain(limits)) if rules else words("none")


def moved_text(one: AllocationView, words: Words) -> str:
    """How much was moved, and how much is proven to be needed where that is less."""
    if one.moved is None:
        return "-"
    moved, least = plain(one.moved), one.moved_at_least
    if least is None or math.ceil(least) >= one.moved:
        return moved
    return words("moved", moved=moved, least=plain(math.floor(least)))


def _or_dash(number: Fraction | None, places: int) -> str:
    return "-" if number is None else plain(number, places)


def _money(scenario: Scenario, words: Words) -> str:
    return scenario.programme.file.money.of(words.lang)


def money_grid(scenario: Scenario, shown: AllocationView, labels: Labels, words: Words) -> Grid:
    """Money by task and, where the programme names a grouping, by group of counties."""
    groups = groups_of(scenario, labels)
    if len(groups) > MOST_GROUPS:
        groups = {}
    sums = sums_by_task(scenario, shown.allocation, list(groups.values()))
    total = money_inside(shown.allocation)
    lines = [_money_line(row, _task(scenario, labels, row.name, words), total) for row in sums]
    whole = Sums(
        "",
        tuple(sum(column, Fraction(0)) for column in zip(*(r.by_group for r in sums), strict=True)),
        total,
        sum(row.funded for row in sums),
    )
    lines.append(_money_line(whole, words("total"), total, "total"))
    if groups:
        shares = [percent(money, total) for money in whole.by_group]
        lines.append(Line((words("row.share"), *shares, "", "", "")))
    header = (
        words("column.task"),
        *(_head(scenario, labels, name, words) for name in groups),
        words("total"),
        words("column.share"),
        words("column.cells"),
    )
    return Grid(words("title.money", money=_money(scenario, words)), header, tuple(lines))


def _task(scenario: Scenario, labels: Labels, task: str, words: Words) -> str:
    return value_name(scenario.programme, labels, ("task", task), words.lang)


def _head(scenario: Scenario, labels: Labels, group: str, words: Words) -> str:
    name = value_name(scenario.programme, labels, (str(labels.group_by), group), words.lang)
    return _upper(name)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _money_line(row: Sums, name: str, total: Fraction, mark: LineMark = "") -> Line:
    cells = (*(plain(money) for money in row.by_group), plain(row.total))
    return Line((name, *cells, percent(row.total, total), plain(row.funded)), mark)


def group_grid(
    scenario: Scenario, shown: AllocationView, labels: Labels, words: Words
) -> Grid | None:
    """Money by group of counties, one a line, where there are too many to stand side by side."""
    groups = groups_of(scenario, labels)
    if len(groups) <= MOST_GROUPS:
        return None
    total = money_inside(shown.allocation)
    sums = sums_by_task(scenario, shown.allocation, list(groups.values()))
    lines = []
    for at, (name, counties) in enumerate(groups.items()):
        money = sum((row.by_group[at] for row in sums), Fraction(0))
        label = _head(scenario, labels, name, words)
        lines.append(Line((label, plain(money), percent(money, total), plain(len(counties)))))
    header = (
        labels.column(str(labels.group_by), words.lang),
        words("total"),
        words("column.share"),
        words("column.counties"),
    )
    return Grid(words("title.groups", money=_money(scenario, words)), header, tuple(lines))
