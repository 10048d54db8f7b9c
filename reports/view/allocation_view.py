"""An allocation as reports show it: shares, sums by group, other readings, tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from models.allocation import Allocation
from models.finding import Audit, Finding
from models.metadata import Labels, value_name
from models.programme import Calibration, Metric
from models.rule import STEP, WHOLE_UNITS, Condition, Grounds
from models.scenario import Scenario
from models.selection import rows_where, value_text
from models.solution import Solution
from optimizer.audit import audit
from reports.catalogue import Words
from reports.document import Grid, Line, LineMark
from reports.numbers import amount_text, counted, percent, plain, upper

MARKS = "◆●▲■"
"""What marks the counties of the highlighted groups, in their order."""
PLAIN = (WHOLE_UNITS, STEP, "eligibility", "locks")
"""Reserved findings that bind by their nature, so that it says nothing."""
MOST_GROUPS = 6
"""More groups than this do not stand side by side in a table."""


MOST_COUNTIES = 400
"""More counties than this are shown by their groups; all of them stand in the record's tables."""


@dataclass(frozen=True)
class AllocationView:
    """One allocation as a column of a table."""

    title: str
    allocation: Allocation
    audit: Audit
    objective: Fraction | None = None
    moved: Fraction | None = None
    moved_at_least: float | None = None


def solution_views(solution: Solution, words: Words) -> list[AllocationView]:
    """A solution's allocation, its baseline, and that mended where there is one; without an index
    where none is pushed."""
    has_points = solution.scenario.spec.objective.has_points
    views = _views(solution, words)
    return views if has_points else [replace(one, objective=None) for one in views]


def _views(solution: Solution, words: Words) -> list[AllocationView]:
    moved = solution.allocation.moved_from(solution.baseline.allocation)
    base, mended = solution.baseline, solution.repaired
    found = [
        AllocationView(
            words("column.this"), solution.allocation, solution.audit, solution.objective, moved
        ),
        AllocationView(words("column.baseline"), base.allocation, base.audit, base.objective),
    ]
    if mended is not None:
        found.append(
            AllocationView(
                words("column.repaired"),
                mended.allocation,
                mended.audit,
                mended.objective,
                mended.moved,
                mended.moved_at_least,
            )
        )
    return found


@dataclass(frozen=True)
class Sums:
    """Money of a block of the grid: `by_group` in the order of `groups` asked for."""

    name: str
    by_group: tuple[Fraction, ...]
    total: Fraction
    funded: int
    """Cells with any money: what rules count as funded."""


def calibration_of(scenario: Scenario) -> Calibration | None:
    """The calibration in use; None where the programme has none."""
    return scenario.programme.calibration(scenario.spec.calibration)


def read_otherwise(scenario: Scenario, allocation: Allocation) -> tuple[str, Audit] | None:
    """The same allocation read by the calibration that is to stand beside: (its name, audit)."""
    chosen = calibration_of(scenario)
    if chosen is None or chosen.beside is None:
        return None
    other = scenario.replace(calibration=chosen.beside)
    return chosen.beside, audit(other, allocation, whole=False)


def money_where(
    scenario: Scenario, allocation: Allocation, where: Mapping[str, Condition]
) -> Fraction:
    """Money units in the cells that `where` selects."""
    counties = rows_where(scenario.programme.counties, where)
    tasks = rows_where(scenario.programme.tasks, where)
    return _sum(allocation, counties, tasks)


def money_inside(allocation: Allocation) -> Fraction:
    """Money units in the grid, without places outside it."""
    return Fraction(sum(allocation.amounts.ravel().tolist()))


def groups_of(scenario: Scenario, labels: Labels) -> dict[str, tuple[int, ...]]:
    """Value of the column `group_by` → its counties, in the order of the table; {} without."""
    if labels.group_by is None:
        return {}
    groups: dict[str, list[int]] = {}
    for row, value in enumerate(scenario.programme.counties.values(labels.group_by)):
        groups.setdefault(value_text(value), []).append(row)
    return {name: tuple(rows) for name, rows in groups.items()}


def is_large(scenario: Scenario) -> bool:
    """Whether a programme is too large for its counties to be shown one by one."""
    return len(scenario.programme.counties) > MOST_COUNTIES


def grouping_columns(scenario: Scenario, labels: Labels) -> tuple[str, ...]:
    """County columns that money is added up by: those of the labels, then those that rules have
    limits per; not a column that hardly groups."""
    counties = scenario.programme.counties
    named = [column for column in (labels.group_by, labels.subtotal) if column]
    named += [column for rule in scenario.rules for column in rule.per if column != counties.what]
    known = [column for column in dict.fromkeys(named) if counties.kind(column)]
    return tuple(one for one in known if 2 * len(set(counties.values(one))) <= len(counties))


def counties_by(
    scenario: Scenario, labels: Labels, column: str, lang: str
) -> dict[str, tuple[int, ...]]:
    """Name of each value of a column → its counties, in the order of the table."""
    groups: dict[str, list[int]] = {}
    for county, value in enumerate(scenario.programme.counties.values(column)):
        groups.setdefault(value_text(value), []).append(county)
    named: dict[str, list[int]] = {}
    for text, members in groups.items():
        name = upper(value_name(scenario.programme, labels, (column, text), lang))
        named.setdefault(name, []).extend(members)
    return {name: tuple(members) for name, members in named.items()}


def beyond_tiers(
    scenario: Scenario, allocation: Allocation
) -> dict[tuple[int, int], int | Fraction]:
    """(county, task) → money units above the last tier of the cell, which yield nothing; none of a
    fund without metrics."""
    if not scenario.programme.metrics:
        return {}
    ends = scenario.tiers.ends.tolist()
    found = {}
    for county, row in enumerate(allocation.amounts.tolist()):
        for task, amount in enumerate(row):
            if amount > ends[county][task]:
                found[county, task] = amount - ends[county][task]
    return found


def sums_by_task(
    scenario: Scenario, allocation: Allocation, groups: Sequence[Sequence[int]]
) -> list[Sums]:
    """Money by task (id as name), in all and by groups of counties."""
    every = range(len(scenario.programme.counties))
    return [
        Sums(
            task,
            tuple(_sum(allocation, group, [t]) for group in groups),
            _sum(allocation, every, [t]),
            sum(1 for c in every if allocation.amounts[c, t]),
        )
        for t, task in enumerate(scenario.programme.tasks.ids)
    ]


def _sum(allocation: Allocation, counties: Sequence[int], tasks: Sequence[int]) -> Fraction:
    return Fraction(sum(allocation.amounts[c, t] for c in counties for t in tasks))


def grounds_of(scenario: Scenario, name: str) -> Grounds | None:
    """The rule of an id, or the grounds that the scenario gives for a reserved one."""
    for rule in scenario.spec.rules:
        if rule.id == name:
            return rule
    return scenario.spec.grounds.get(name)


def unread_rules(scenario: Scenario) -> list[str]:
    """Ids of enabled rules (and reserved ones) whose clause nobody has read."""
    named: list[tuple[str, Grounds]] = [(rule.id, rule) for rule in scenario.rules]
    named += list(scenario.spec.grounds.items())
    return [name for name, grounds in named if grounds.is_unread]


def tightest(findings: Sequence[Finding]) -> Finding:
    """The finding with the least room, broken ones first."""
    return min(findings, key=lambda finding: (finding.holds, finding.slack_in_all))


# The same as tables: outcomes, money by task and by group.


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
                    upper(words("row.highlight", title=row.title.of(words.lang))),
                    shares[0],
                    "",
                    *shares[1:],
                )
            )
        )
    lines.append(_line(words("row.spent"), [amount_text(one.audit.spent) for one in shown]))
    if any(one.moved is not None for one in shown):
        lines.append(_line(words("row.moved"), [moved_text(one, words) for one in shown]))
    broken = [broken_text(one, words) for one in shown]
    mark: LineMark = "broken" if shown[0].audit.broken else ""
    lines.append(Line((words("row.broken"), broken[0], "", *broken[1:]), mark))
    if any(one.objective is not None for one in shown):
        lines.append(_line(words("row.index"), [_or_dash(one.objective, 4) for one in shown]))
    titles = [one.title for one in shown]
    header = (words("column.metric"), titles[0], words("column.target"), *titles[1:])
    if not scenario.programme.metrics:  # Nothing has a target.
        header = (words("column.fact"), *titles)
        lines = [replace(one, cells=(*one.cells[:2], *one.cells[3:])) for one in lines]
    key = "title.outcomes" if scenario.programme.metrics else "title.money-facts"
    return Grid(words(key, money=_money(scenario, words)), header, tuple(lines))


def _line(title: str, cells: Sequence[str]) -> Line:
    return Line((title, cells[0], "", *cells[1:]))


def _metric_line(
    scenario: Scenario, metric: Metric, shown: Sequence[AllocationView], words: Words
) -> Line:
    target = metric.target
    cells = [counted(metric, one.audit.outcomes[metric.id], target) for one in shown]
    name = words("metric", title=metric.title.of(words.lang), unit=metric.unit.of(words.lang))
    due = "" if target is None else plain(target)
    missed = target is not None and shown[0].audit.outcomes[metric.id] < target
    return Line((name, cells[0], due, *cells[1:]), "broken" if missed else "")


def broken_text(one: AllocationView, words: Words) -> str:
    """How many rules are broken, in how many limits."""
    rules, limits = len(one.audit.broken_rules), len(one.audit.broken)
    return words("broken.count", rules=rules, limits=plain(limits)) if rules else words("none")


def moved_text(one: AllocationView, words: Words) -> str:
    """How much was moved, and how much is needed by the solver's word where that is less."""
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
    return upper(name)


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
