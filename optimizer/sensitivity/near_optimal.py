"""Least and most money of counties, tasks, cells near the best, and allocations that go there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from math import ceil, floor
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.allocation import Allocation
from models.errors import NoAnswerError, with_keywords
from models.exact import parse_share
from models.finding import Audit
from models.objective import need_points, objective_of
from models.scenario import Scenario
from models.selection import county_at
from models.solution import Solution
from optimizer.audit import audit
from optimizer.audit.limits import limit_forms
from optimizer.audit.measure import Measured
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import (
    relaxed,
    with_bounds,
    with_objective_at_least,
    with_whole_money,
)
from optimizer.formulation.model import Floats, Ints, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.problem import reference_of
from optimizer.quality import TOLERANCE
from optimizer.sensitivity.prices import raise_for
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock, Effort
from optimizer.solvers.decomposition.money_ends import MoneyEnds, ends_near
from optimizer.solvers.highs_lp import Extremes
from optimizer.strategies.integer_rounding import to_whole_units
from optimizer.strategies.monolithic import DIRECT_CELLS, LARGE
from optimizer.strategies.tightening import as_allocation, until_kept

if TYPE_CHECKING:
    import pandas as pd


# Outer ends hold for all allocations by the solver's word: the relaxation can go no further, or a
# county would lose more than the bound leaves to all. Inner ends are reached with the cells funded
# as found; what lies between the two is open until a witness is asked for.


_NONE = 1e-9
"""Share of the objective that counts as nothing."""
_GAP = 1e-4
_SLIP = 5e-7
"""What an end may err by, as a share of it."""
_MET = 1e-6
"""Money units within which an amount is at its end."""

Ends = tuple[float, float]


@dataclass(frozen=True)
class Range:
    """The money of one county, task or cell over all allocations near the best."""

    what: str
    """`county`, `task` or `cell`."""
    id: str
    """Of a cell: county/task."""
    now: float
    """Money units in the best allocation found."""
    low: float
    high: float
    """No allocation near the best gives less, or more: by the solver's word, widened outwards."""
    inner: Ends | None
    """Reached near the best with the cells funded as found, in money that may be parted; the same
    as the outer ends in a linear scenario, None where tiers must be held in their order."""
    at_no_cost: Ends | None
    """The same without any loss of the objective at all."""

    @property
    def is_free(self) -> bool:
        """Whether several whole amounts are reached at no cost."""
        if self.at_no_cost is None:
            return False
        low, high = self.at_no_cost
        return floor(high + _MET) > ceil(low - _MET)


@dataclass(frozen=True)
class Ranges:
    """The ranges of all counties, then of all tasks, then of all cells if they were asked for."""

    scenario: Scenario
    within: float
    best: float
    """Objective, less penalties, of the best allocation found."""
    floor: float
    """What counts as near: at least this."""
    is_exact: bool
    """The scenario is linear, so that the outer ends are reached."""
    rows: tuple[Range, ...]
    funded: tuple[bool, ...]
    """Which cells the best allocation funds, [cell]."""
    by_loss: bool = False
    """The programme is so large that only what each county may lose is looked at: the ends of tasks
    are those that single rules set, and none is known to be reached."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row a county, task or cell: `what`, `id`, `now`, `low`, `high` (outer ends),
        `inner_low`, `inner_high` (reached), `free` (moves at no cost); money units."""
        import pandas as pd

        return pd.DataFrame([_row(one) for one in self.rows])


@with_keywords()
def ranges(of: Scenario | Solution, *, within: float | str = 0.005, cells: bool = False) -> Ranges:
    """Least and most money of each county and task over all allocations near the best.

    Near is an objective at most `within` (a share, 0.005 or "0.5%") below the best: that of a
    solution given, else of a solve of its own (continuous money, gap 1e-4). `cells`: of each cell
    as well. Raises `InfeasibleError` where no allocation keeps the rules, `NoAnswerError` where the
    solver found none, `ValueError` for a share below 0 or of 1 and more.
    """
    within = float(parse_share(within))
    best = of if isinstance(of, Solution) else None
    scenario = of.scenario if isinstance(of, Solution) else of
    need_points(scenario)
    model = formulate(scenario, reference_of(scenario).points)
    found = _own(model, best) if best is not None else _solved(scenario, model)
    near = found.value - within * abs(found.value)
    targets = _Targets.of(scenario, cells)
    by_loss = None if model.is_lp else ends_near(model, near, cells)
    outer = _outer(targets, model, near, by_loss)
    parts = [[*map(_wider, outer, targets.plain)]]
    large = by_loss is not None and _is_large(model)
    parts += [[], []] if large else _inner(targets, (model, found), (outer, near))
    rows = []
    for at, target in enumerate(targets.each):
        inner = [part[at] if part else None for part in parts[1:]]
        rows.append(_range(target, found.money, parts[0][at], inner))
    told = scenario, within, found.value, near, model.is_lp
    return Ranges(*told, tuple(rows), tuple(found.funded.tolist()), large)


def county_range(
    best: Solution, county: int, within: float, points: Mapping[str, Fraction]
) -> Range | None:
    """The range of one county alone near a solution, as `ranges` has it; None of a programme so
    large that this takes long. `points`: per unit of each metric. Raises `InfeasibleError` as that
    does."""
    scenario = best.scenario
    model = formulate(scenario, points)
    if _is_large(model):
        return None
    found = _own(model, best)
    near = found.value - within * abs(found.value)
    targets = _Targets.of(scenario, False).only(county)
    (plain,) = targets.plain
    outer = _outer_of_one(targets, model, near, county)
    parts = _inner(targets, (model, found), ([outer], near))
    inner = [part[0] if part else None for part in parts]
    return _range(targets.each[0], found.money, _wider(outer, plain), inner)


def _is_large(model: Model) -> bool:
    """Whether a mixed-integer model's relaxation in one piece takes long, and each end more."""
    return not model.is_lp and model.matrix.nnz > LARGE


def _range(
    target: tuple[str, str, Ints], money: Floats, outer: Ends, inner: Sequence[Ends | None]
) -> Range:
    """Of a target; `inner`: the ends that are reached near the best, and those at no cost."""
    what, name, mine = target
    now = float(money[mine].sum())
    near, free = (None if ends is None else _around(ends, now) for ends in inner)
    return Range(what, name, now, *_around(outer, now), near, free)


def _outer_of_one(targets: _Targets, model: Model, near: float, county: int) -> Ends:
    """The ends that no allocation goes beyond, of the one county that is asked for."""
    (ends,) = targets.plain
    found = None if model.is_lp else ends_near(model, near, of=county)
    if found is not None:
        low, high = found.county
        ends = _narrower(ends, (float(low[county]), float(high[county])))
    if found is not None and len(model.grid.amount) > DIRECT_CELLS:
        return ends
    extremes = _MoneyExtremes(targets, relaxed(model), near)
    if not extremes.is_feasible:
        raise_for(targets.scenario, "infeasible")
    return _narrower(ends, extremes.ends(0))


@dataclass(frozen=True)
class _BestAllocation:
    """The best allocation: its objective less penalties, its money and which cells it funds."""

    value: float
    money: Floats
    funded: np.typing.NDArray[np.bool_]


def _own(model: Model, best: Solution) -> _BestAllocation:
    money = np.array(best.allocation.amounts, dtype=float).ravel()
    value = float(best.objective - best.audit.penalty)
    return _BestAllocation(value, money, money > 0)


def _solved(scenario: Scenario, model: Model) -> _BestAllocation:
    engine, _ = pick_engine("highs")
    answer = engine(model, Effort(gap=_GAP))
    if answer.values is None or answer.objective is None:
        raise_for(scenario, answer.outcome)
    money = answer.values[model.grid.amount]
    funded = money > 0
    if model.grid.funded is not None:
        funded = answer.values[model.grid.funded] > 0.5
    return _BestAllocation(answer.objective, money, funded)


@dataclass(frozen=True)
class _Targets:
    """Whose ranges are asked for."""

    scenario: Scenario
    each: tuple[tuple[str, str, Ints], ...]
    """(county, task or cell; id; its cells)."""
    plain: tuple[Ends, ...]
    """The ends that single rules, no money and the budget set by themselves."""

    def only(self, county: int) -> _Targets:
        """One county alone."""
        at = slice(county, county + 1)
        return _Targets(self.scenario, self.each[at], self.plain[at])

    @property
    def has_cells(self) -> bool:
        """Whether cells are among them."""
        return self.each[-1][0] == "cell"

    @classmethod
    def of(cls, scenario: Scenario, each_cell: bool) -> _Targets:
        counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
        shape = len(counties), len(tasks)
        cells = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape)
        each = [("county", name, cells[at]) for at, name in enumerate(counties)]
        each += [("task", name, cells[:, at]) for at, name in enumerate(tasks)]
        if each_cell:
            names = (f"{county}/{task}" for county in counties for task in tasks)
            each += [("cell", name, cells.ravel()[at : at + 1]) for at, name in enumerate(names)]
        return cls(scenario, tuple(each), tuple(_plain_ends(scenario, each_cell)))


def _outer(targets: _Targets, model: Model, near: float, by_loss: MoneyEnds | None) -> list[Ends]:
    """The ends that no allocation goes beyond.

    Those of tasks, and of all in a small programme, by the relaxation; those of counties and cells
    by what each may lose, where the model comes apart by counties. Of a large one that does, those
    of tasks are what single rules set. Raises `InfeasibleError`.
    """
    counties, tasks = model.grid.shape
    ends = list(targets.plain)
    if by_loss is None or not _is_large(model):
        small = by_loss is None or counties * tasks <= DIRECT_CELLS
        extremes = _MoneyExtremes(targets, relaxed(model), near)
        if not extremes.is_feasible:
            raise_for(targets.scenario, "infeasible")
        for at in range(len(ends)) if small else range(counties, counties + tasks):
            ends[at] = extremes.ends(at)
    if by_loss is not None:
        ends = [*map(_narrower, ends, _in_order(by_loss, tasks, targets.has_cells))]
    return ends


def _in_order(found: MoneyEnds, tasks: int, cells: bool) -> list[Ends]:
    """The ends of counties, none of tasks, and those of cells if they are asked for."""
    low, high = (
        [*county.tolist(), *[none] * tasks, *(cell.ravel().tolist() if cells else [])]
        for county, cell, none in zip(found.county, found.cell, (-np.inf, np.inf), strict=True)
    )
    return list(zip(low, high, strict=True))


def _narrower(one: Ends, other: Ends) -> Ends:
    return max(one[0], other[0]), min(one[1], other[1])


def _inner(
    targets: _Targets, best: tuple[Model, _BestAllocation], outer: tuple[list[Ends], float]
) -> list[list[Ends]]:
    """Within the funded cells: near the best, and at no loss; [] where that is no proof."""
    (model, found), (ends, least) = best, outer
    level = found.value - _NONE * abs(found.value)
    funded, held = model.grid.funded, relaxed(model)
    if funded is not None:
        others = model.integer.copy()
        others[funded] = False
        if others.any():
            return [[], []]
        fixed = found.funded.astype(float)
        held = with_bounds(held, funded, fixed, fixed)
    elif not model.is_lp:
        return [[], []]
    else:
        return [ends, _MoneyExtremes(targets, held, level).all_ends()]
    return [_MoneyExtremes(targets, held, at).all_ends() for at in (least, level)]


class _MoneyExtremes:
    """Least and most money of targets in one linear program."""

    def __init__(self, targets: _Targets, model: Model, least: float) -> None:
        self._targets, self._amount = targets, model.grid.amount
        self._extremes = Extremes(with_objective_at_least(model, least))
        self.is_feasible = self._extremes.is_feasible

    def all_ends(self) -> list[Ends]:
        """(least, most) money of all targets; [] where the program has no solution."""
        if not self.is_feasible:
            return []
        return [self.ends(at) for at in range(len(self._targets.each))]

    def ends(self, at: int) -> Ends:
        """(least, most) money of one target."""
        columns, plain = self._amount[self._targets.each[at][2]], self._targets.plain[at]
        least, most = (self._extremes.most(columns, sign) for sign in (-1.0, 1.0))
        return plain[0] if least is None else 0.0 - least, plain[1] if most is None else most


def _plain_ends(scenario: Scenario, each_cell: bool) -> list[Ends]:
    """The ends of all targets that single rules, no money and the budget set by themselves."""
    budget = float(scenario.inside_money)
    found: dict[Measured, Ends] = {}
    for form in limit_forms(scenario):
        bounds = (form.lower, form.upper)
        constant = all(bound is None or not bound.terms for bound in bounds)
        if form.soft or form.only_if or len(form.value.terms) != 1 or not constant:
            continue
        ((measured, _),) = form.value.terms.items()
        old = found.get(measured, (0.0, budget))
        low, high = (
            None if bound is None else float(bound.constant * form.heads) for bound in bounds
        )
        found[measured] = (
            old[0] if low is None else max(old[0], low),
            old[1] if high is None else min(old[1], high),
        )
    counties, tasks = (tuple(range(count)) for count in scenario.programme.shape)
    blocks = [Measured("amount", (at,), tasks) for at in counties]
    blocks += [Measured("amount", counties, (at,)) for at in tasks]
    if each_cell:
        blocks += [Measured("amount", (c,), (t,)) for c in counties for t in tasks]
    return [found.get(block, (0.0, budget)) for block in blocks]


def _wider(ends: Ends, plain: Ends) -> Ends:
    """Ends with what a solver may err by, no further than single rules go."""
    low, high = (
        end + sign * _SLIP * max(1.0, abs(end)) for end, sign in zip(ends, (-1, 1), strict=True)
    )
    return max(low, plain[0]), min(high, plain[1])


def _around(ends: Ends, now: float) -> Ends:
    """Ends that hold the amount which is known to be reached."""
    return min(ends[0], now), max(ends[1], now)


def _row(one: Range) -> dict[str, object]:
    inner = one.inner or (float("nan"),) * 2
    named = {"what": one.what, "id": one.id, "now": one.now, "low": one.low, "high": one.high}
    return {**named, "inner_low": inner[0], "inner_high": inner[1], "free": one.is_free}


SECONDS = 10.0
"""How long the search for one end may take unless told otherwise."""
_WITNESS_GAP = 1e-3
_KEPT_BACK = 1e-5
"""Share of the objective that whole units may cost on the way."""

End = Literal["least", "most"]


@dataclass(frozen=True)
class Witness:
    """One end of the range of a county: an allocation, and how far any could go."""

    county: str
    end: End
    money: Fraction
    outer: float
    """No allocation near the best goes further than this: the solver's word, widened outwards."""
    allocation: Allocation
    audit: Audit
    objective: Fraction


@with_keywords()
def witness(
    ranges: Ranges, county: str, end: End, *, time_limit: float = SECONDS
) -> Witness | None:
    """The least or most money of a county that an allocation near the best gives.

    `county`: its code or name; `time_limit` in seconds. None where no allocation was found in
    time. It is in whole money units, every rule is kept in exact arithmetic, and the objective,
    less penalties, is at least the ranges' floor. Raises `InputError` for an unknown county.
    """
    place = county_at(ranges.scenario.programme, county, "county")
    search = _WitnessSearch(ranges, place, 1 if end == "most" else -1)
    outer: float = search.outer
    tries = count()

    def attempt(tighten: Tightening) -> list[Allocation] | None:
        nonlocal outer
        search.floor = ranges.floor + next(tries) * _KEPT_BACK * abs(ranges.best)
        found = search.attempt(tighten, time_limit)
        if found is None:
            return None
        allocation, outer = found
        return [allocation]

    def is_near(allocation: Allocation, audited: Audit) -> bool:
        worth = objective_of(audited, search.points) - audited.penalty
        return not audited.unmet and float(worth) >= ranges.floor

    try:
        kept = until_kept(attempt, lambda money: audit(ranges.scenario, money), is_near)
    except NoAnswerError:
        return None
    if kept is None:
        return None
    allocation, audited = kept
    name = ranges.scenario.programme.counties.ids[place]
    money = sum((Fraction(amount) for amount in allocation.amounts[place]), Fraction(0))
    objective = objective_of(audited, search.points)
    return Witness(name, end, money, outer, allocation, audited, objective)


class _WitnessSearch:
    def __init__(self, ranges: Ranges, county: int, sign: int) -> None:
        self._scenario: Scenario = ranges.scenario
        self._engine, _ = pick_engine("highs")
        self.points = reference_of(ranges.scenario).points
        tasks = ranges.scenario.programme.shape[1]
        self._cells: Ints = np.arange(county * tasks, (county + 1) * tasks, dtype=np.int64)
        self._sign = sign
        self._funded = ranges.funded
        row = ranges.rows[county]
        self.outer = row.high if sign > 0 else row.low
        self.floor = ranges.floor

    def attempt(self, tighten: Tightening, seconds: float) -> tuple[Allocation, float] | None:
        """(the allocation in whole units, the outer end)."""
        model = self._model(tighten)
        direct = len(model.grid.amount) <= DIRECT_CELLS
        if direct:
            model = with_whole_money(model)
        clock = Clock()
        start = None if direct else self._start(model)
        answer = self._engine(model, Effort(gap=_WITNESS_GAP, time_limit=seconds, start=start))
        if answer.values is None:
            return None
        values, bound = answer.values, answer.bound
        if not direct:
            assert answer.objective is not None
            stage = (self._engine, clock)
            rounded, _ = to_whole_units(
                model, values, stage, aim=answer.objective, enough=_WITNESS_GAP
            )
            if rounded is None or rounded.values is None:
                return None
            values = rounded.values
        money = [int(amount) for amount in np.round(values[model.grid.amount])]
        return as_allocation(self._scenario, money), self._outer(bound)

    def _start(self, model: Model) -> Floats | None:
        """As far as it goes with the cells funded as in the best allocation: that is soon found."""
        if model.grid.funded is None:
            return None
        fixed = np.array(self._funded, dtype=float)
        held = with_bounds(model, model.grid.funded, fixed, fixed)
        return self._engine(held, Effort(gap=_WITNESS_GAP, time_limit=SECONDS)).values

    def _model(self, tighten: Tightening) -> Model:
        model = with_objective_at_least(
            formulate(self._scenario, self.points, tighten=tighten), self.floor
        )
        cost = np.zeros(len(model.cost))
        cost[model.grid.amount[self._cells]] = float(self._sign)
        return replace(model, cost=cost)

    def _outer(self, bound: float | None) -> float:
        """The nearer of the solver's bound and the relaxation's."""
        if bound is None:
            return self.outer
        end = self._sign * (bound + TOLERANCE * max(1.0, abs(bound)))
        return min(end, self.outer) if self._sign > 0 else max(end, self.outer)
