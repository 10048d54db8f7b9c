"""From a scenario to a model: cells, totals, rules, objective."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, lcm

import numpy as np
from numpy.typing import NDArray

from models.rule import CELLS, NO_IDLE, Part, Rule
from models.scenario import Scenario
from models.tiers import Tiers
from optimizer.formulation.group_totals import Totals, find_groups
from optimizer.formulation.model import (
    Builder,
    Columns,
    Floats,
    Ints,
    LimitRows,
    Model,
    Names,
    Order,
)
from optimizer.formulation.rule_rows import RuleRows, Tightening

# The objective: what a unit of each metric is worth, and which cells need ordered tiers.


def tier_points(scenario: Scenario, values: Mapping[str, Fraction]) -> NDArray[np.float64]:
    """Objective points per money unit, [county, task, tier]."""
    weights = np.array([float(values[name]) for name in scenario.programme.metrics])
    return np.asarray(np.tensordot(weights, scenario.tiers_in_steps.rates, axes=1))


@dataclass(frozen=True)
class _Counted:
    """Where rules count a metric, [metric, county, task]."""

    against: NDArray[np.bool_]
    """They want less of it than the objective does."""
    along: NDArray[np.bool_]


def cells_to_order(
    scenario: Scenario, values: Mapping[str, Fraction], counts: _Counted
) -> NDArray[np.bool_]:
    """Cells whose tiers the solver would rather not fill in order, [county, task].

    That is so where a rule counts a metric against its grain (`counts.against`) and the metric
    yields anything, or with it (`counts.along`) and its rates rise or are below zero, and where a
    further money unit can lower the objective or a later tier is worth more than an earlier one.
    """
    tiers: Tiers = scenario.tiers_in_steps
    ordered = np.any(counts.against & np.any(tiers.rate != 0, axis=3), axis=0)
    ordered |= np.any(counts.along & ~tiers.fades, axis=0)
    if any(value < 0 for value in values.values()) or not tiers.fades.all():
        whole = _whole_points(scenario, values)
        later = np.concatenate([whole[..., 1:], np.zeros_like(whole[..., :1])], axis=-1)
        rises = (later > whole) & (tiers.width > 0)
        ordered |= np.any(rises | (whole < 0), axis=2)
    return np.asarray(ordered)


def _whole_points(scenario: Scenario, values: Mapping[str, Fraction]) -> NDArray[np.object_]:
    """Exact points per money unit, times one common number that makes them whole."""
    common = lcm(*(value.denominator for value in values.values()))
    tiers = scenario.tiers_in_steps
    points = np.zeros(tiers.width.shape, dtype=object)
    for place, name in enumerate(scenario.programme.metrics):
        points += int(values[name] * common) * tiers.rate[place].astype(object)
    return points


@dataclass(frozen=True)
class Draft:
    """A model, and what it was put together with: rows of a changed rule can be made again."""

    model: Model
    builder: Builder
    totals: Totals
    whole: bool


_NEXT_TO_NOTHING = Fraction(1, 1000)
"""Money units that a funded cell holds at least where money may be parted and no lot is set: any
money counts, and this is well above what solvers take for none."""
_AMPLE = 10
"""Times the budget: more than a cell could ever use, where the budget itself is to give way."""


def formulate(
    scenario: Scenario,
    values: Mapping[str, Fraction],
    *,
    whole: bool = True,
    parted: bool = False,
    tighten: Tightening | None = None,
    apart: Collection[str] = (),
) -> Model:
    """The model of a scenario, with continuous money.

    `values`: objective points per unit of each metric (`metric_values`). `whole` says that money
    will end in whole units, so that bounds of money rows may be rounded inwards; `parted` that it
    may end in parts of one, so that without a lot a funded cell may hold next to nothing. `tighten`
    makes limits stricter than written, by (rule, key) in the rule's own unit. `apart` names rules
    that are to stand in their own rows only: a cap is otherwise a bound of the cells, too (of
    `no-idle`, which has no rows, nothing is then left).
    """
    return draft(scenario, values, whole=whole, parted=parted, tighten=tighten, apart=apart).model


def draft(
    scenario: Scenario,
    values: Mapping[str, Fraction],
    *,
    whole: bool = True,
    parted: bool = False,
    tighten: Tightening | None = None,
    apart: Collection[str] = (),
) -> Draft:
    """`formulate`, with what the model was put together with."""
    builder = Builder()
    lots: Sequence[Fraction] = scenario.cell_lots
    if parted and scenario.spec.lot is None:
        lots = (_NEXT_TO_NOTHING,) * len(lots)
    tighten = _with_eased(scenario, tighten)
    bounds = _money_bounds(scenario, whole, apart)
    grid = add_cells(builder, _cell_data(scenario, values, bounds, lots))
    totals = Totals(builder, grid, scenario)
    rows = RuleRows(scenario, builder, totals, whole)
    stricter = tighten.get(("budget", ()), Fraction(0))
    money = scenario.inside_money - stricter
    if whole:
        shared = int(np.gcd.reduce(scenario.steps, axis=None))
        money = Fraction(shared * floor(money / shared))
    budget = _add_budget(scenario, builder, totals, money)
    limits = [rows.add(rule, tighten) for rule in scenario.rules]
    model = builder.finish(grid, [budget, *limits])
    put_points(model.cost, scenario, model, values)
    return Draft(model, builder, totals, whole)


def cell_links(scenario: Scenario, values: Mapping[str, Fraction], more: float) -> Model:
    """The first columns and rows of the model, which are those of the cells, without any rule:
    with the most of every cell that is open raised by so many money units."""
    builder = Builder()
    lower, upper = _money_bounds(scenario, False, ())
    bounds = lower, np.where(lower < upper, upper + more, upper)
    grid = add_cells(builder, _cell_data(scenario, values, bounds, scenario.cell_lots))
    return builder.finish(grid, [])


def put_points(
    cost: Floats, scenario: Scenario, model: Model, values: Mapping[str, Fraction]
) -> None:
    """Write what the tiers are worth into a model's costs, in place."""
    points = tier_points(scenario, values).reshape(-1, scenario.tiers_in_steps.width.shape[-1])
    cost[model.grid.tier] = points[model.grid.tier_cell, model.grid.tier_number]


def _add_budget(scenario: Scenario, builder: Builder, totals: Totals, money: Fraction) -> LimitRows:
    everything = find_groups(scenario.programme.counties, scenario.programme.tasks, {}, ())
    spent = totals.columns("amount", everything)
    start = builder.add_rows((-np.inf, float(money)), [(0, spent, 1.0)], 1, lambda: ["budget"])
    return LimitRows("budget", "at_most", start, ((),), np.ones(1), np.ones(1))


def _cell_data(
    scenario: Scenario,
    values: Mapping[str, Fraction],
    bounds: tuple[Floats, Floats],
    lots: Sequence[Fraction],
) -> CellData:
    programme = scenario.programme
    counties, tasks = programme.shape
    lower, upper = bounds
    step = scenario.steps.ravel().astype(float)
    lot = np.array([float(lot) for lot in lots])
    lot = np.where(step > 1, step * np.ceil(lot / step), lot)
    funded = scenario.spec.lot is not None or any(map(_counts_funded, scenario.rules))
    if funded:
        upper = np.where(upper < lot, lower, upper)
    ordered = cells_to_order(scenario, values, _counted(scenario))
    return CellData(
        shape=programme.shape,
        names=(programme.counties.ids, programme.tasks.ids),
        width=scenario.tiers_in_steps.width.reshape(counties * tasks, -1).astype(float),
        lower=lower,
        upper=upper,
        lot=lot,
        step=step,
        ordered=ordered.ravel(),
        funded=funded,
    )


def _counts_funded(rule: Rule) -> bool:
    of = {part.of for part in rule.bound}
    return rule.if_funded or bool({"cells", "counties"} & ({rule.measure} | of))


def _money_bounds(scenario: Scenario, whole: bool, apart: Collection[str]) -> tuple[Floats, Floats]:
    """Least and most money of each cell: budget, caps, where money stands idle, what is not
    eligible, locks."""
    programme = scenario.programme
    counties, tasks = programme.shape
    most = scenario.inside_money
    if "budget" in apart:
        most = Fraction(_AMPLE * scenario.budget)
    upper = np.full(counties * tasks, float(most))
    reader = RuleRows(scenario, Builder(), None)  # type: ignore[arg-type]
    eased = {one.rule for one in scenario.spec.eased}
    for rule in scenario.rules:
        if rule.id not in {*apart, *eased} and (found := reader.plain_cap(rule)):
            groups, caps = found
            cap = np.array([float(c.__floor__() if whole else c) for c in caps])
            cells = groups.of_cells()
            upper = np.where(cells >= 0, np.minimum(upper, cap[cells]), upper)
    if NO_IDLE not in apart:
        upper = np.minimum(upper, idle_from(scenario))
    for row in scenario.spec.ineligible:
        barred = find_groups(programme.counties, programme.tasks, row.where, ()).of_cells() >= 0
        upper[barred] = 0.0
    step = scenario.steps.ravel()
    upper = np.where(step > 1, step * np.floor(upper / step), upper)
    return _settled_cells(scenario, upper, apart)


def _settled_cells(
    scenario: Scenario, upper: Floats, apart: Collection[str]
) -> tuple[Floats, Floats]:
    """Least and most money of each cell: `upper`, locks, and the bounds of single cells."""
    programme, tasks = scenario.programme, len(scenario.programme.tasks)
    lower = np.zeros(len(upper))
    for lock in scenario.spec.locks:
        cell = programme.counties.index[lock.county] * tasks + programme.tasks.index[lock.task]
        lower[cell] = upper[cell] = float(lock.amount)
    for one in scenario.spec.cells if CELLS not in apart else ():
        cell = programme.counties.index[one.county] * tasks + programme.tasks.index[one.task]
        lower[cell] = max(lower[cell], float(one.at_least or 0))
        if one.at_most is not None:
            upper[cell] = min(upper[cell], float(one.at_most))
    return lower, np.maximum(upper, lower)


def _with_eased(scenario: Scenario, tighten: Tightening | None) -> Tightening:
    """Limits moved inwards, and those outwards that give way to money that is paid."""
    moved = dict(tighten or {})
    for one in scenario.spec.eased:
        rule = next((rule for rule in scenario.rules if rule.id == one.rule), None)
        if rule is not None:
            key = (one.rule, tuple(one.key.get(column, "") for column in rule.per))
            moved[key] = moved.get(key, Fraction(0)) - one.by
    return moved


def idle_from(scenario: Scenario) -> Floats:
    """The money beyond which a cell yields nothing more, under `no_idle`, [cell]; infinite without
    it and where no cell yields anything."""
    tiers = scenario.tiers
    free = np.full(tiers.width.shape[0] * tiers.width.shape[1], np.inf)
    if not scenario.spec.no_idle or not np.any(tiers.rate):
        return free
    last, ends = tiers.width.shape[2], np.zeros_like(free)
    for tier in range(last):
        counts = np.any(tiers.rate[..., tier] != 0, axis=0).ravel()
        reached = tiers.width[..., : tier + 1].sum(axis=2).ravel()
        ends[counts] = reached[counts]
    return ends


def _counted(scenario: Scenario) -> _Counted:
    """Where rules, and aims of a list, want less of a metric, and where they want more of it."""
    programme = scenario.programme
    shape = (len(programme.metrics), *programme.shape)
    less, more = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)

    def mark(table: NDArray[np.bool_], metric: str | None, of: Rule | Part) -> None:
        if metric in programme.metrics:
            groups = find_groups(programme.counties, programme.tasks, of.where, of.per)
            cells = (groups.of_cells() >= 0).reshape(programme.shape)
            table[programme.metrics.index(metric)] |= cells

    for rule in scenario.rules:
        for table, sense in ((less, "at_least"), (more, "at_most")):
            if rule.sense != sense:
                mark(table, rule.measure, rule)
        for table, sense in ((less, "at_most"), (more, "at_least")):
            for part in rule.bound if rule.sense != sense else ():
                mark(table, part.of, part)
    _mark_aims(scenario, less, more)
    return _Counted(less, more)


def _mark_aims(scenario: Scenario, less: NDArray[np.bool_], more: NDArray[np.bool_]) -> None:
    for name, wants_less in _aimed_at(scenario):
        (less if wants_less else more)[scenario.programme.metrics.index(name)] = True


def _aimed_at(scenario: Scenario) -> Iterator[tuple[str, bool]]:
    """(metric, whether less of it is wanted) of what a list of aims pushes."""
    for aim in scenario.spec.objective.aims:
        yield from ((name, weight < 0) for name, weight in aim.metrics.items())
        if aim.raise_least in scenario.programme.metrics:
            yield aim.raise_least or "", False


# The columns and links of the cells: money, tiers, funded or not, tiers in their order.


@dataclass(frozen=True)
class CellData:
    """What the links of the cells need; arrays over cells = county × tasks + task."""

    shape: tuple[int, int]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    """Ids of the counties and of the tasks."""
    width: Floats
    """[cell, tier] money units, 0 where there is no tier."""
    lower: Floats
    upper: Floats
    """Bounds of the money of each cell."""
    lot: Floats
    step: Floats
    """What the money of each cell is a multiple of."""
    ordered: NDArray[np.bool_]
    """Cells whose tiers must fill in their order, against the solver's interest."""
    funded: bool
    """Whether the model needs to know which cells are funded."""


def add_cells(builder: Builder, data: CellData) -> Columns:
    """Append the columns of all cells and the rows that link them."""
    cells = len(data.upper)
    label = _labels(data)
    county = np.repeat(np.arange(data.shape[0]), data.shape[1])
    amount = builder.add_columns(
        cells, data.upper, _named("x", label), county=county, lower=data.lower
    )
    tier_cell, tier_number = np.nonzero(data.width > 0)
    # A tier holds no more than the cell may once the tiers before it are full.
    reach = np.clip(data.upper[:, None] - (data.width.cumsum(axis=1) - data.width), 0.0, None)
    room = np.minimum(data.width, reach)[tier_cell, tier_number]
    tier = builder.add_columns(
        len(tier_cell),
        room,
        _tier_names(label, tier_cell, tier_number),
        county=county[tier_cell],
    )
    funded = None
    if data.funded:
        funded = builder.add_columns(
            cells,
            np.where(data.upper > 0, 1.0, 0.0),
            _named("funded", label),
            county=county,
            lower=np.where(data.lower > 0, 1.0, 0.0),
            integer=True,
        )
    steps = _add_steps(builder, data, amount, label)
    grid = Columns(data.shape, amount, funded, tier, tier_cell, tier_number, data.step, steps)
    over = _add_fill(builder, data, grid, label)
    if funded is not None:
        _add_funded(builder, data, grid, (room, label))
    return replace(grid, order=_add_order(builder, data, grid, (over, room)))


def _add_steps(builder: Builder, data: CellData, amount: Ints, label: Names) -> Ints:
    """How many steps a cell's money is, of the cells that have one: a sum like any total, which
    is whole only where money is to be whole."""
    cells = np.flatnonzero(data.step > 1)
    each, count = np.arange(len(cells)), len(cells)

    def names() -> list[str]:
        return [f"steps[{label()[c]}]" for c in cells.tolist()]

    steps = builder.add_columns(count, np.inf, names, county=cells // data.shape[1])
    if count:
        builder.add_rows(
            (0.0, 0.0),
            [(each, steps, 1.0), (each, amount[cells], -1.0 / data.step[cells])],
            count,
            names,
        )
    return steps


def _add_fill(builder: Builder, data: CellData, grid: Columns, label: Names) -> Ints:
    """x ≥ Σ tiers; where tiers are ordered, x = Σ tiers + what lies above the last one.

    The column of what lies above the last tier, [cell]; −1 where there is none.
    """
    cells = len(data.upper)
    above = data.upper - data.width.sum(axis=1)
    spilling = np.flatnonzero(data.ordered & (above > 0))
    columns = builder.add_columns(
        len(spilling),
        above[spilling],
        lambda: [f"above[{label()[c]}]" for c in spilling.tolist()],
        county=spilling // data.shape[1],
    )
    builder.add_rows(
        (0.0, np.where(data.ordered, 0.0, np.inf)),
        [
            (np.arange(cells), grid.amount, 1.0),
            (grid.tier_cell, grid.tier, -1.0),
            (spilling, columns, -1.0),
        ],
        cells,
        _named("tiers", label),
    )
    over = np.full(cells, -1, dtype=np.int64)
    over[spilling] = columns
    return over


def _add_funded(
    builder: Builder, data: CellData, grid: Columns, more: tuple[Floats, Names]
) -> None:
    """Tight links: each tier ≤ room × funded, lot × funded ≤ x ≤ most × funded."""
    room, label = more
    assert grid.funded is not None
    each = np.arange(len(grid.tier))
    builder.add_rows(
        (-np.inf, 0.0),
        [(each, grid.tier, 1.0), (each, grid.funded[grid.tier_cell], -room)],
        len(grid.tier),
        _tier_names(label, grid.tier_cell, grid.tier_number, "if_funded"),
    )
    cell = np.arange(len(data.upper))
    for kind, factor, bounds in (
        ("most", data.upper, (-np.inf, 0.0)),
        ("lot", data.lot, (0.0, np.inf)),
    ):
        builder.add_rows(
            bounds,
            [(cell, grid.amount, 1.0), (cell, grid.funded, -factor)],
            len(cell),
            _named(kind, label),
        )


def _add_order(
    builder: Builder, data: CellData, grid: Columns, more: tuple[Ints, Floats]
) -> Order | None:
    """In ordered cells a step may hold money only once the step before is full."""
    over, room = more
    before, after, cell = _steps(data, grid, over)
    if not data.ordered.any():
        return None
    count = len(before)
    widths = np.zeros(builder.columns)
    widths[grid.tier] = room
    spilling = over >= 0
    widths[over[spilling]] = (data.upper - data.width.sum(axis=1))[spilling]

    def names(kind: str) -> Names:
        return lambda: [f"{kind}[{i}]" for i in range(count)]

    county = cell // data.shape[1]
    full = builder.add_columns(count, 1.0, names("full"), county=county, integer=True)
    each = np.arange(count)
    for kind, columns, bounds in (
        ("fills_first", before, (0.0, np.inf)),
        ("then_next", after, (-np.inf, 0.0)),
    ):
        builder.add_rows(
            bounds,
            [(each, columns, 1.0), (each, full, -widths[columns])],
            count,
            names(kind),
        )
    return Order(over, full, before, after)


def _steps(data: CellData, grid: Columns, over: Ints) -> tuple[Ints, Ints, Ints]:
    """(column, next column, cell) of neighbouring steps of ordered cells that money can reach."""
    cell = grid.tier_cell
    within = cell[1:] == cell[:-1]
    after = np.append(np.where(within, grid.tier[1:], over[cell[:-1]]), over[cell[-1:]])
    reached = data.width.cumsum(axis=1)[cell, grid.tier_number]
    kept = data.ordered[cell] & (after >= 0) & (reached < data.upper[cell])
    return grid.tier[kept], after[kept], cell[kept]


def _labels(data: CellData) -> Names:
    def spell() -> list[str]:
        counties, tasks = data.names
        return [f"{county},{task}" for county in counties for task in tasks]

    return spell


def _named(kind: str, label: Names) -> Names:
    return lambda: [f"{kind}[{name}]" for name in label()]


def _tier_names(label: Names, cell: Ints, number: Ints, kind: str = "tier") -> Names:
    def spell() -> list[str]:
        names = label()
        return [f"{kind}[{names[c]},{k + 1}]" for c, k in zip(cell, number, strict=True)]

    return spell
