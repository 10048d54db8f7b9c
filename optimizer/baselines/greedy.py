"""The greedy baseline: money where the next unit yields most, whatever the rules say."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from math import lcm

from models.scenario import Scenario
from models.selection import rows_where

Cell = tuple[int, int]
Piece = tuple[int, str, int, int]
"""(− points, county code, task, tier): the smallest is the best piece, ties settled."""


def greedy_rows(scenario: Scenario, values: Mapping[str, Fraction], money: int) -> list[list[int]]:
    """Whole money units, [county][task], given tier by tier to the best marginal effect.

    `values`: objective points of one unit of each metric. Again and again the next tier of the
    cell where a money unit is worth most is filled, until the money is spent; ties go to the
    smaller county code, then the earlier task. Only the budget and the eligibility of cells are
    kept: no rule, lot or lock. Money that would earn nothing or cost points stays unspent. A
    cell's next tier is judged alone, so a good tier behind a bad one is not seen; rates that
    fall have none.
    """
    counties, tasks = scenario.programme.shape
    rows = [[0] * tasks for _ in range(counties)]
    points = _Points(scenario, values)
    heap = [piece for cell in _eligible(scenario) if (piece := points.piece(cell, 0))]
    heapq.heapify(heap)
    while heap and money:
        _, code, task, tier = heapq.heappop(heap)
        county = scenario.programme.counties.index[code]
        given = min(money, int(scenario.tiers.width[county, task, tier]))
        rows[county][task] += given
        money -= given
        if piece := points.piece((county, task), tier + 1):
            heapq.heappush(heap, piece)
    return rows


class _Points:
    """Points per money unit, in whole numbers: all values times one common number."""

    def __init__(self, scenario: Scenario, values: Mapping[str, Fraction]) -> None:
        common = lcm(*(value.denominator for value in values.values()))
        self._weights = [int(values[name] * common) for name in scenario.programme.metrics]
        self._scenario = scenario

    def piece(self, cell: Cell, tier: int) -> Piece | None:
        """A tier to put on the heap; None where there is none, or where it is worth nothing."""
        (county, task), tiers = cell, self._scenario.tiers
        if tier >= tiers.width.shape[2] or not tiers.width[county, task, tier]:
            return None
        rates = tiers.rate[:, county, task, tier].tolist()
        points = sum(weight * rate for weight, rate in zip(self._weights, rates, strict=True))
        code = self._scenario.programme.counties.ids[county]
        return (-points, code, task, tier) if points > 0 else None


def _eligible(scenario: Scenario) -> Iterator[Cell]:
    counties, tasks = scenario.programme.counties, scenario.programme.tasks
    shut = {
        cell
        for row in scenario.spec.ineligible
        for cell in product(rows_where(counties, row.where), rows_where(tasks, row.where))
    }
    for cell in product(range(len(counties)), range(len(tasks))):
        if cell not in shut:
            yield cell
