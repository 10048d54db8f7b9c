"""The baseline of a scenario, or one of another kind by name."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from math import lcm
from pathlib import Path

from models.allocation import Allocation, allocation_of_rows, read_allocation
from models.errors import InputError, InputProblem, did_you_mean, refuse
from models.files import File
from models.objective import metric_values
from models.programme import inside
from models.scenario import Scenario
from models.scenario_file import BaselineSpec
from models.selection import rows_where
from optimizer.baselines.factor import by_formula

KINDS = ("factor", "equal", "per-resident", "greedy")
"""What a baseline can be asked for by; a path to a .csv file serves too."""


def baseline(scenario: Scenario, *, kind: str | None = None) -> Allocation:
    """The baseline allocation in whole money units, [county, task]; by default the scenario's own.

    It spreads the budget less the money outside the grid (rounded down to whole units), and
    carries that money along. A table is returned as it stands in its file. Formulas read no
    rule, lot, lock or eligibility: whether they keep them is the audit's to say; `greedy` keeps
    eligibility.

    `kind`, another one by name: `factor`, the factor method of the scenario, else of its
    programme; `equal`, the same for every cell; `per-resident`, by heads, with the task shares of
    the baseline (heads are its column `residents`, else the first column of its factors);
    `greedy`, by marginal effect; or the path of a .csv file with county, task, amount.

    Raises `InputError` with every problem of the description, at its place, and for an unknown
    kind with the nearest name.
    """
    if kind is None:
        return _by(scenario, scenario.baseline)
    if kind.lower().endswith(".csv"):
        return _table(scenario, Path(kind))
    if kind not in KINDS:
        known = ", ".join(KINDS)
        near = did_you_mean(kind, KINDS)
        refuse("", kind, f"unknown kind of baseline{near}: {known}, or a .csv file")
    return _by(scenario, _spec(scenario, kind))


def reference_table(scenario: Scenario) -> Allocation:
    """The table that bounds `of: baseline` refer to, [county, task] in whole money units.

    The scenario's baseline, at its `reference_budget` where it has one; worked out once.
    """
    if "reference_table" not in scenario.worked:
        budget = scenario.spec.reference_budget
        other = scenario if budget is None else scenario.with_budget(budget)
        scenario.worked["reference_table"] = baseline(other)
    found: Allocation = scenario.worked["reference_table"]
    return found


def _spec(scenario: Scenario, kind: str) -> BaselineSpec:
    if kind == "factor":
        return _factor_spec(scenario)
    if kind == "per-resident":
        column, tasks = _residents(scenario), scenario.baseline.tasks
        return BaselineSpec(kind="per-resident", residents=column, tasks=tasks)
    return BaselineSpec(kind="greedy" if kind == "greedy" else "equal")


def _by(scenario: Scenario, spec: BaselineSpec) -> Allocation:
    try:
        if spec.kind == "table":
            return _table(scenario, inside(scenario.programme.folder, spec.file or ""))
        money = int(scenario.inside_money)
        if spec.kind == "greedy":
            rows = greedy_rows(scenario, metric_values(scenario, _reference(scenario)), money)
        else:
            rows = by_formula(spec, scenario.programme, money)
    except InputError as error:
        raise InputError([_placed(problem, scenario, spec) for problem in error.problems]) from None
    outside = [(row.code, row.name, row.amount) for row in scenario.spec.outside]
    return allocation_of_rows(rows, outside)


def _table(scenario: Scenario, path: File) -> Allocation:
    outside = scenario.outside_names
    return read_allocation(path, scenario.programme, outside)


def _own(scenario: Scenario) -> list[BaselineSpec]:
    """The scenario's baseline, then its programme's."""
    return [scenario.baseline, scenario.programme.file.baseline]


def _factor_spec(scenario: Scenario) -> BaselineSpec:
    for spec in _own(scenario):
        if spec.kind == "factor":
            return spec
    refuse("programme.yaml", "baseline", "there is no factor baseline; describe one with factors")


def _residents(scenario: Scenario) -> str:
    for spec in _own(scenario):
        if spec.residents:
            return spec.residents
        for term in spec.factors:
            if term.columns:
                return term.columns[0]
    refuse(
        "programme.yaml",
        "baseline",
        "which column counts the residents? set `baseline: {residents: column}`",
    )


def _reference(scenario: Scenario) -> Mapping[str, Fraction]:
    """Metric → outcome of the baseline by which the objective is normalised.

    That is the scenario's baseline; where this is the greedy one itself, its programme's.
    """
    if scenario.spec.objective.normalise == "none":
        return {}
    for spec in _own(scenario):
        if spec.kind != "greedy":
            tiers, table = scenario.tiers, _by(scenario, spec).amounts.astype(object)
            totals = [Fraction(grid.sum()) / tiers.scale for grid in tiers.yields(table)]
            return dict(zip(scenario.programme.metrics, totals, strict=True))
    refuse(
        *scenario.document.origin(("objective", "normalise")),
        "a greedy baseline cannot be normalised by itself; say none",
    )


def _placed(problem: InputProblem, scenario: Scenario, spec: BaselineSpec) -> InputProblem:
    """A problem within the description, placed where the user wrote that."""
    if problem.file:
        return problem
    if spec is scenario.spec.baseline:
        first = re.match(r"\w*", problem.path)
        key = first[0] if first else ""
        steps = ("baseline", key) if key else ("baseline",)
        file, place = scenario.document.origin(steps)
        return InputProblem(file, place + problem.path[len(key) :], problem.message)
    file = "programme.yaml" if spec is scenario.programme.file.baseline else ""
    return InputProblem(file, ".".join(p for p in ("baseline", problem.path) if p), problem.message)


# The greedy baseline: money where the next unit yields most, whatever the rules say.

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
