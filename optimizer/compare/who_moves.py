"""Who gains and loses most in the solved columns of a comparison, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from optimizer.audit.movers import Movers, movers
from optimizer.audit.swaps import SwapJudge
from optimizer.compare.columns import OWN, Column
from optimizer.compare.common_grid import CommonGrid


@dataclass(frozen=True)
class ColumnMovers:
    """The counties of one solved column that have most and least beside something else."""

    column: Column
    against: Column | None
    """Another column; None for the column's own baseline, or its last year."""
    last_year: bool
    movers: Movers


def column_movers(
    world: CommonGrid, columns: Sequence[Column], reference: Column
) -> list[ColumnMovers]:
    """Each solved column against the reference, or the reference against a column that no solver
    looked for; then the reference against its own baseline, if that is no column, and last year."""
    found: list[ColumnMovers] = []
    own, money = _judge(reference), _by_code(world, reference)
    for column in columns:
        if column is reference:
            continue
        if column.is_searched:
            found += _movers(_judge(column), (column, reference), money)
        elif reference.is_searched:
            found += _movers(own, (reference, column), _by_code(world, column))
    if not reference.is_searched or reference.solution is None:
        return found
    if not any(one.baseline == OWN for one in columns):
        table = reference.solution.baseline.allocation
        codes = reference.scenario.programme.counties.ids
        before = dict(zip(codes, table.by_county, strict=True))
        found += _movers(own, (reference, None), before)
    if reference.scenario.last_year is not None:
        known = dict(reference.scenario.last_year.by_county)
        found += _movers(own, (reference, None), known, last_year=True)
    return found


def _by_code(world: CommonGrid, column: Column) -> dict[str, Fraction]:
    """County code → money of a column; empty where it has no allocation."""
    if column.reads is None:
        return {}
    codes = [county.code for county in world.counties]
    return dict(zip(codes, column.reads.by_county, strict=True))


def _judge(column: Column) -> SwapJudge | None:
    """What judges swaps in a solved column; None where it has no answer."""
    reads, solution = column.reads, column.solution
    if reads is None or solution is None or column.values is None:
        return None
    return SwapJudge(column.scenario, reads.allocation, column.values, solution.is_whole)


def _movers(
    judge: SwapJudge | None,
    pair: tuple[Column, Column | None],
    before: dict[str, Fraction],
    last_year: bool = False,
) -> Iterator[ColumnMovers]:
    """The movers of the first of a pair against the second, by its judge."""
    if judge is None or not before:
        return
    column, against = pair
    known = [before.get(code) for code in column.scenario.programme.counties.ids]
    found = movers(judge, known, why=column.scenario.spec.objective.has_points)
    if found.losers or found.winners:
        yield ColumnMovers(column, against, last_year, found)
