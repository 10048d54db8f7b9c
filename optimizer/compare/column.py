"""One column of a comparison: what was found, and how it reads by the reference's yardstick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from models.allocation import Allocation
from models.errors import GivingWay
from models.finding import Audit
from models.lorenz import lorenz
from models.scenario import Scenario
from models.solution import Comparison, Solution
from models.workbook import Note
from optimizer.audit import audit
from optimizer.audit.measure import Reading, read_measures
from optimizer.compare.asked import Ask, Kind
from optimizer.compare.solving import Failed, Solved
from optimizer.compare.world import Money, World
from optimizer.formulation.objectives import metric_values
from optimizer.reading import objective_of
from optimizer.solve import comparison_with_baseline

Status = Literal["optimal", "feasible", "given", "infeasible", "no answer"]
"""`given`: an allocation that was not searched for, a baseline or a table."""
Values = Mapping[str, Fraction]
"""Metric → objective points of one unit."""


@dataclass(frozen=True)
class Reads:
    """An allocation read: by its own scenario, and by the reference's."""

    allocation: Allocation
    audit: Audit
    """Every rule of the column's own scenario."""
    reading: Reading
    """Cell by cell, by the column's own response."""
    money: Money
    """On the common grid."""
    objective: Fraction
    """In the column's own yardstick, without penalties."""
    under_reference: Audit | None
    """The same money under the reference's rules and response; None where the grid is another."""
    worth: Fraction | None
    """What that is worth in the reference's yardstick."""
    gini: Fraction | None
    """Of money per resident; None where the programme names no residents."""


@dataclass(frozen=True)
class Column:
    """One column; `reads` is None where there is no allocation, and `why` says why."""

    name: str
    kind: Kind
    scenario: Scenario
    status: Status
    reads: Reads | None = None
    values: Values | None = None
    """Its own yardstick."""
    bound: float | None = None
    """Best proven value of its objective less penalties, in its own yardstick."""
    gap: float | None = None
    solution: Solution | None = None
    moved_at_least: float | None = None
    """Of a mended baseline: so much of the baseline must move, proven."""
    why: str = ""
    giving_way: tuple[GivingWay, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def is_searched(self) -> bool:
        """Whether a solver looked for the best, so that a gap belongs to it."""
        return self.solution is not None


def yardstick(scenario: Scenario, solved: Solved | None = None) -> Values:
    """Objective points per unit of each metric, by the scenario's own baseline."""
    if isinstance(solved, Solution):
        return metric_values(scenario, solved.baseline.audit.outcomes)
    return metric_values(scenario, comparison_with_baseline(scenario).audit.outcomes)


def column_of(
    ask: Ask, solved: Solved | None, world: World, reference: tuple[Scenario, Values]
) -> Column:
    """The column of what was asked for and, where it had to be solved, of what was found.

    `reference`: the scenario whose yardstick is common, with its values.
    """
    if isinstance(solved, Failed):
        return Column(
            ask.name,
            ask.kind,
            ask.scenario,
            solved.status,
            why=solved.why,
            giving_way=solved.giving_way,
        )
    solution = solved if isinstance(solved, Solution) else ask.solution
    if isinstance(solved, Comparison):
        allocation = solved.allocation
    elif solution is not None:
        allocation = solution.allocation
    else:
        assert ask.allocation is not None
        allocation = ask.allocation
    values = yardstick(ask.scenario, solution)
    return Column(
        ask.name,
        ask.kind,
        ask.scenario,
        solution.status if solution else "given",
        _reads((ask.scenario, values), (allocation, solution), world, reference),
        values,
        bound=solution.bound if solution else None,
        gap=solution.gap if solution else None,
        solution=solution,
        moved_at_least=solved.moved_at_least if isinstance(solved, Comparison) else None,
        notes=ask.notes,
    )


def _reads(
    own: tuple[Scenario, Values],
    held: tuple[Allocation, Solution | None],
    world: World,
    reference: tuple[Scenario, Values],
) -> Reads:
    (scenario, values), (allocation, solution) = own, held
    audited = solution.audit if solution else audit(scenario, allocation)
    money = world.money(scenario.programme, allocation)
    under, worth = None, None
    if world.is_whole(scenario.programme):
        whole = solution is None or solution.options.get("units") != "continuous"
        under = audited
        if scenario is not reference[0]:
            under = audit(reference[0], on_grid(world, money, allocation), whole)
        worth = objective_of(under, reference[1])
    return Reads(
        allocation,
        audited,
        read_measures(scenario, allocation),
        money,
        objective_of(audited, values),
        under,
        worth,
        _gini(world, money),
    )


def on_grid(world: World, money: Money, allocation: Allocation) -> Allocation:
    """An allocation as one of the reference's programme, whose cells it has."""
    counties, tasks = world.programme.shape
    return Allocation(money[:counties, :tasks], allocation.outside)


def _gini(world: World, money: Money) -> Fraction | None:
    heads = [county.heads for county in world.counties]
    known = [(at, head) for at, head in enumerate(heads) if head is not None]
    if not known:
        return None
    by_county = [Fraction(sum(money[at].tolist())) for at, _ in known]
    curve = lorenz(by_county, [head for _, head in known])
    return None if curve is None else curve.gini
