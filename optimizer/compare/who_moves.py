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
    for column in columns:
        pair = (column, reference) if column.is_searched else (reference, column)
        if column is not reference and pair[0].is_searched:
            found += _movers(pair[0], pair[1], _by_code(world, pair[1]))
    if not reference.is_searched or reference.solution is None:
        return found
    if not any(one.baseline == OWN for one in columns):
        table = reference.solution.baseline.allocation.amounts.tolist()
        codes = reference.scenario.programme.counties.ids
        before = {code: Fraction(sum(row)) for code, row in zip(codes, table, strict=True)}
        found += _movers(reference, None, before)
    if reference.scenario.last_year is not None:
        known = dict(reference.scenario.last_year.by_county)
        found += _movers(reference, None, known, last_year=True)
    return found


def _by_code(world: CommonGrid, column: Column) -> dict[str, Fraction]:
    """County code → money of a column; empty where it has no allocation."""
    if column.reads is None:
        return {}
    rows = column.reads.money.tolist()
    return {
        county.code: Fraction(sum(row)) for county, row in zip(world.counties, rows, strict=True)
    }


def _movers(
    column: Column, against: Column | None, before: dict[str, Fraction], last_year: bool = False
) -> Iterator[ColumnMovers]:
    reads, solution = column.reads, column.solution
    if reads is None or solution is None or column.values is None or not before:
        return
    judge = SwapJudge(column.scenario, reads.allocation, column.values, solution.is_whole)
    known = [before.get(code) for code in column.scenario.programme.counties.ids]
    found = movers(judge, known, why=column.scenario.spec.objective.has_points)
    if found.losers or found.winners:
        yield ColumnMovers(column, against, last_year, found)
