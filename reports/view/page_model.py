"""What every part of the page is made from: the solution, its words, its allocations as read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from models.allocation import Allocation
from models.metadata import Labels, read_labels
from models.programme import Metric
from models.rule import Condition
from models.scenario import Scenario
from models.selection import Block, rows_where
from models.solution import Solution
from optimizer.audit.measure import Reading, read_measures
from reports.catalogue import Words
from reports.numbers import places_for, plain
from reports.view.allocation_view import AllocationView, solution_views
from reports.view.rule_view import RuleView, per_heads


@dataclass(frozen=True)
class PageColumn:
    """One allocation, read: the solution's own, the baseline, or the repaired baseline."""

    kind: str
    """`this`, `baseline` or `repaired`; names its colour and marks in drawings."""
    shown: AllocationView
    reading: Reading
    _parts: dict[str, Sequence[Fraction | int]] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        """What stands at the head of its column."""
        return self.shown.title

    @property
    def allocation(self) -> Allocation:
        """Its amounts."""
        return self.shown.allocation

    @cached_property
    def by_county(self) -> tuple[Fraction, ...]:
        """The money of each county."""
        return self.allocation.by_county

    def counted(self, metric: Metric, counties: Sequence[int]) -> str:
        """What some counties yield: whole people or firms, so that counties add up to the total."""
        if metric.id not in self._parts:
            self._parts[metric.id] = metric.parts(by_county(self.reading, metric.id))
        each = self._parts[metric.id]
        total = sum((Fraction(each[county]) for county in counties), Fraction(0))
        return plain(total, 0 if metric.whole else 1)

    def value(self, measure: str, counties: Sequence[int], tasks: Sequence[int]) -> Fraction:
        """`amount` or a metric, added up over some counties and tasks."""
        return self.reading.value(measure, Block((), tuple(counties), tuple(tasks)))


def by_county(reading: Reading, metric: str) -> list[Fraction]:
    """The outcome of each county, exact."""
    grid = reading.outcomes[metric]
    return [Fraction(row, grid.scale) for row in grid.values.sum(axis=1).tolist()]


@dataclass(frozen=True)
class PageModel:
    """One solution, to be laid out as a page in one language."""

    solution: Solution
    words: Words
    labels: Labels
    columns: tuple[PageColumn, ...]

    @cached_property
    def view(self) -> RuleView:
        """Titles, sentences and numbers of rules."""
        return RuleView(self.solution.scenario, self.labels, self.words)

    @property
    def this(self) -> PageColumn:
        """The solution's own allocation."""
        return self.columns[0]

    @property
    def money(self) -> str:
        """What a money unit is called."""
        return self.solution.scenario.programme.file.money.of(self.words.lang)

    @property
    def counties(self) -> range:
        """Positions of all counties."""
        return range(len(self.solution.scenario.programme.counties))

    @property
    def tasks(self) -> range:
        """Positions of all tasks."""
        return range(len(self.solution.scenario.programme.tasks))

    def task_name(self, task: int) -> str:
        """The short name of a task."""
        return self.solution.scenario.programme.task_names(self.words.lang)[task]

    def county_name(self, county: int) -> str:
        """What a county is called."""
        return self.solution.scenario.programme.counties.names(self.words.lang)[county]

    def selected(self, where: Mapping[str, Condition]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Positions of the counties and of the tasks that a condition selects."""
        programme = self.solution.scenario.programme
        return rows_where(programme.counties, where), rows_where(programme.tasks, where)

    def heads(self) -> tuple[Fraction, ...] | None:
        """Residents county by county; None where the programme does not say which column."""
        if self.labels.residents is None:
            return None
        return self.solution.scenario.programme.counties.numbers(self.labels.residents)


def page_model(solution: Solution, lang: str) -> PageModel:
    """The model of a solution, whether just solved or read from its record.

    Raises `InputError` where `labels.yaml` cannot be used.
    """
    words, settled = Words(lang), _finite(solution)
    scenario = settled.scenario
    columns = tuple(
        PageColumn(kind, shown, read_measures(scenario, shown.allocation))
        for kind, shown in zip(
            ("this", "baseline", "repaired"), solution_views(settled, words), strict=False
        )
    )
    return PageModel(settled, words, read_labels(scenario.programme), columns)


def _finite(solution: Solution) -> Solution:
    """No bound instead of an infinite one, as a record says it."""
    bound, gap = (
        None if number is None or not math.isfinite(number) else number
        for number in (solution.bound_solver, solution.gap)
    )
    source = None if gap is None else solution.source
    return replace(solution, bound_solver=bound, gap=gap, source=source)


@dataclass(frozen=True)
class PerHead:
    """Money per so many heads of a column."""

    scale: int
    """A power of ten that brings the mean to 10 or more."""
    title: str
    """每万常住人口."""

    def text(self, money: Fraction, heads: Fraction) -> str:
        """Money over heads, with one decimal; `-` where there are none."""
        return plain(money * self.scale / heads, 1) if heads else "-"


def per_head(model: PageModel) -> PerHead | None:
    """How money per resident is said; None where the programme names no residents."""
    return heads_said(model.solution.scenario, model.this.shown.audit.spent, model.words)


def heads_said(scenario: Scenario, spent: Fraction, words: Words) -> PerHead | None:
    """How money per resident is said where so much is spent in all; None where the programme names
    no residents."""
    labels = read_labels(scenario.programme)
    if labels.residents is None or not spent:
        return None
    heads = sum(scenario.programme.counties.numbers(labels.residents), Fraction(0))
    if not heads:
        return None
    scale = int(10 ** places_for(spent / heads, 2))
    named = labels.column(labels.residents, words.lang)
    return PerHead(scale, per_heads(words, scale, named))
