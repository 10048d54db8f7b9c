"""Columns and rows of an ordered list of aims: what each pushes, and what holds it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, gcd

import numpy as np

from models.aim import OrderedAim, Push
from models.objective import points_of
from models.rule import Condition
from models.scenario import AimTable, Scenario
from optimizer.formulation.assemble import Draft, draft, put_points
from optimizer.formulation.edits import SHARP, with_bounds, with_row
from optimizer.formulation.group_totals import Groups, common_step, find_groups
from optimizer.formulation.model import Floats, Ints, Model, Names
from optimizer.formulation.rule_rows import Tightening


@dataclass(frozen=True)
class Pushed:
    """Something linear that is pushed: worth = Σ cost × column + constant; more is better."""

    columns: Ints
    cost: Floats
    constant: Fraction = Fraction(0)
    step: Fraction | None = None
    """What the worth moves by while money moves in whole units; None where that is not known."""
    marks: bool = False
    """Whether the columns mark what may stay unmarked; until they are pushed all are marked."""

    def posed(self, model: Model) -> Model:
        """The model that pushes it."""
        cost = np.zeros(len(model.cost))
        np.add.at(cost, self.columns, self.cost)
        if not self.marks:
            return replace(model, cost=cost)
        ones = np.ones(len(self.columns))
        return with_bounds(replace(model, cost=cost), self.columns, 0.0 * ones, ones)

    def held(self, model: Model, worth: Fraction) -> Model:
        """The model with one more row: it comes to no less than `worth`."""
        posed = self.posed(model)
        row, model = posed.cost, replace(posed, cost=model.cost)
        largest = float(np.abs(row).max(initial=0.0))
        if not largest:
            return model
        return with_row(
            model, row * (SHARP / largest), float(worth - self.constant) * SHARP / largest
        )


@dataclass(frozen=True)
class Level:
    """The least value of groups: a column that every group with its row comes up to."""

    column: int
    scale: Fraction
    """Heads for which the column counts."""
    totals: Ints
    rows: Ints
    """[group] its row: total + what it has − heads / scale × column ≥ 0 where the column is pushed;
    else it asks for nothing."""
    floors: Ints
    """[group] its row: total ≥ a floor, −∞ as long as none is set."""
    had: tuple[Fraction, ...]
    heads: tuple[Fraction, ...]
    step: Fraction | None
    """What a group's total moves by in whole units; None for one that moves in none."""

    def posed(self, model: Model, settled: Ints) -> Model:
        """The model that raises the least of all groups but those that are settled."""
        low = model.row_lower.copy()
        low[self.rows] = [-float(one) for one in self.had]
        low[self.rows[settled]] = -np.inf
        cost = np.zeros(len(model.cost))
        cost[self.column] = 1.0
        return replace(model, cost=cost, row_lower=low)

    def held(self, model: Model, levels: Sequence[Fraction | None]) -> Model:
        """The model in which each group has its level at least."""
        low = model.row_lower.copy()
        for group, level in enumerate(levels):
            if level is not None:
                low[self.floors[group]] = max(low[self.floors[group]], self.floor(group, level))
        return replace(model, row_lower=low)

    def floor(self, group: int, level: Fraction) -> float:
        """The total that a group needs for a level, in whole steps where it moves in them."""
        due = self.heads[group] * level - self.had[group]
        return float(due if self.step is None else ceil(due / self.step) * self.step)


@dataclass(frozen=True)
class AimedModel:
    """The model of a scenario with the columns of all its aims; its own cost pushes nothing."""

    model: Model
    pushed: Mapping[Push, Pushed]
    levels: Mapping[int, Level]
    """Place of an aim that raises the least → its rows."""


def aimed_model(
    scenario: Scenario,
    points: Mapping[str, Fraction],
    read: tuple[Mapping[str, Fraction], AimTable],
    wanted: Collection[Push],
    tighten: Tightening | None = None,
) -> AimedModel:
    """The model, in whole units, with the columns of what is pushed and held.

    `points`: of the first aim; `read`: outcomes and table of the baseline. A nearness after the
    last aim of the list is that of the published choice.
    """
    drafted = draft(scenario, points, tighten=tighten)
    maker = _Maker(scenario, drafted, *read)
    pushed: dict[Push, Pushed] = {}
    levels: dict[int, Level] = {}
    listed = scenario.spec.objective.aims
    for number in sorted({push.number for push in wanted}):
        aim = listed[number] if number < len(listed) else None
        if aim is None or aim.nearest is not None:
            pushed |= maker.near(number, Push(number, "touched", rises=False) in wanted)
        elif aim.raise_least is not None:
            levels[number] = maker.level(aim)
        else:
            spread = aim.spread is not None
            worth = maker.spread(aim) if spread else maker.summed(aim, first=not number)
            pushed[Push(number, rises=aim.rises)] = worth
    model = drafted.builder.finish(drafted.model.grid, drafted.model.limits)
    return AimedModel(replace(model, cost=np.zeros(len(model.cost))), pushed, levels)


@dataclass(frozen=True)
class _Maker:
    """Appends what the aims need to the blocks of a draft."""

    scenario: Scenario
    drafted: Draft
    outcomes: Mapping[str, Fraction]
    table: AimTable

    @property
    def _shape(self) -> tuple[int, int]:
        return self.scenario.programme.shape

    def summed(self, aim: OrderedAim, *, first: bool) -> Pushed:
        """A weighted sum of outcomes, with what bent rules cost where it is the first; or money."""
        model, sign = self.drafted.model, 1.0 if aim.rises else -1.0
        if not aim.has_points:
            columns = model.grid.amount
            return Pushed(columns, np.full(len(columns), sign), step=Fraction(1))
        cost = np.zeros(len(model.cost))
        points = points_of(self.scenario, aim.metrics, aim.scaled_by, self.outcomes)
        put_points(cost, self.scenario, model, points)
        for columns, price in self.drafted.builder.prices if first else ():
            cost[columns] = -price
        used = np.flatnonzero(cost)
        bends = first and bool(self.drafted.builder.prices)
        return Pushed(used, cost[used], step=None if bends else self._step(points))

    def _step(self, points: Mapping[str, Fraction]) -> Fraction | None:
        """What a weighted sum of outcomes moves by; None where it never does."""
        tiers = self.scenario.tiers
        return common_step(
            abs(points[name]) * gcd(*rates.ravel().tolist()) / tiers.scale
            for name, rates in zip(self.scenario.programme.metrics, tiers.rate, strict=True)
        )

    def near(self, number: int, touched: bool) -> dict[Push, Pushed]:
        """Σ |money − table| by columns of what stays in place; where it is asked for, the counties
        that are touched."""
        due = self.scenario.aim_tables.get(number, self.table)
        by_cell = is_by_cell(self.scenario, number, due)
        mine = self._money(by_cell=by_cell)
        wanted = self._due(due, by_cell=by_cell)
        known = np.flatnonzero([one is not None for one in wanted])
        money = [one or Fraction(0) for one in wanted]
        target = np.array([float(money[place]) for place in known])
        county = known // self._shape[1] if by_cell else known
        kept = self._kept(mine[known], target, county)
        moved = Pushed(
            np.concatenate([kept, mine[known]]),
            np.concatenate([np.full(len(kept), 2.0), np.full(len(kept), -1.0)]),
            -sum((money[place] for place in known), Fraction(0)),
            Fraction(1) if all(money[place].denominator == 1 for place in known) else None,
        )
        found = {Push(number, "moved", rises=False): moved}
        if touched:
            marks = self._touched(mine[known], target, county)
            cost = -np.ones(len(marks))
            found[Push(number, "touched", rises=False)] = Pushed(
                marks, cost, step=Fraction(1), marks=True
            )
        return found

    def _money(self, *, by_cell: bool) -> Ints:
        """[cell] or [county] the column of its money."""
        if by_cell:
            return self.drafted.model.grid.amount
        return self.drafted.totals.columns("amount", self._groups({}, ("county",)))

    def _due(self, due: AimTable, *, by_cell: bool) -> list[Fraction | None]:
        """[cell] or [county] the money of a table; None where it is not known."""
        counties, tasks = self.scenario.programme.counties.ids, self.scenario.programme.tasks.ids
        if by_cell:
            return [due.by_cell[county, task] for county in counties for task in tasks]
        if not due.by_cell:
            return [due.by_county.get(county) for county in counties]
        return [sum((due.by_cell[c, task] for task in tasks), Fraction(0)) for c in counties]

    def _kept(self, mine: Ints, target: Floats, county: Ints) -> Ints:
        """Columns of what stays in place: at most what is there, and what the table gives."""
        builder, count = self.drafted.builder, len(mine)
        kept = builder.add_columns(count, target, _names("kept", count), county=county)
        each, ones = np.arange(count), np.ones(count)
        rows: list[tuple[Ints, Ints, Floats]] = [(each, kept, ones), (each, mine, -ones)]
        builder.add_rows((-np.inf, 0.0), rows, count, _names("kept_within", count))
        funded = self.drafted.model.grid.funded
        if funded is not None and count == len(funded):
            some = np.flatnonzero(target > 0)
            each, ones = np.arange(len(some)), np.ones(len(some))
            rows = [(each, kept[some], ones), (each, funded[some], -target[some])]
            builder.add_rows((-np.inf, 0.0), rows, len(some), _names("kept_if", len(some)))
        return kept

    def _touched(self, mine: Ints, target: Floats, county: Ints) -> Ints:
        """Columns that are 1 where a county's money differs from the table, [county]: table −
        (table − least) × touched ≤ money ≤ table + (most − table) × touched."""
        builder, bounds = self.drafted.builder, self.drafted.model
        own = mine < len(bounds.cost)
        at = np.where(own, mine, 0)
        most = np.where(own, bounds.upper[at], float(self.scenario.inside_money))
        least = np.where(own, bounds.lower[at], 0.0)
        counties, places = np.unique(county, return_inverse=True)
        touched = builder.add_columns(
            len(counties),
            1.0,
            _names("moved_in", len(counties)),
            county=counties,
            lower=1.0,
            integer=True,
        )
        each, ones = np.arange(len(mine)), np.ones(len(mine))
        flags = touched[places]
        added = [(each, mine, ones), (each, flags, -np.maximum(most - target, 0.0))]
        builder.add_rows((-np.inf, target), added, len(mine), _names("added_if", len(mine)))
        taken = [(each, mine, ones), (each, flags, np.maximum(target - least, 0.0))]
        builder.add_rows((target, np.inf), taken, len(mine), _names("taken_if", len(mine)))
        return touched

    def level(self, aim: OrderedAim) -> Level:
        """The least of a measure by group, per head."""
        builder, measure = self.drafted.builder, aim.raise_least or ""
        groups = self._groups(aim.where, aim.per)
        had, heads = self._columns(aim, groups)
        totals = self.drafted.totals.columns(measure, groups)
        count, scale = len(heads), sum(heads, Fraction(0)) / len(heads)
        (level,) = builder.add_columns(1, np.inf, lambda: ["least"], lower=-np.inf)
        each, ones = np.arange(count), np.ones(count)
        share = np.array([float(head / scale) for head in heads])
        rows = [(each, totals, ones), (each, np.full(count, level), -share)]
        start = builder.add_rows((-np.inf, np.inf), rows, count, _names("least_of", count))
        floor = builder.add_rows(
            (-np.inf, np.inf), [(each, totals, ones)], count, _names("level_of", count)
        )
        step = Fraction(1) if measure == "amount" else None
        return Level(int(level), scale, totals, start + each, floor + each, had, heads, step)

    def spread(self, aim: OrderedAim) -> Pushed:
        """Σ heads × utility of money per head, piece by piece: the first ones are worth most."""
        builder, pieces = self.drafted.builder, aim.spread or ()
        groups = self._groups(aim.where, aim.per)
        had, heads = self._columns(aim, groups)
        totals = self.drafted.totals.columns("amount", groups)
        count, number = len(heads), len(pieces)
        ends = [Fraction(0), *(piece.up_to for piece in pieces)]
        room = [float((ends[k + 1] - ends[k]) * head) for head in heads for k in range(number)]
        columns = builder.add_columns(count * number, room, _names("piece", count * number))
        each = np.arange(count)
        rows = [
            (np.repeat(each, number), columns, np.ones(count * number)),
            (each, totals, -np.ones(count)),
        ]
        upper = np.array([float(one) for one in had])
        builder.add_rows((-np.inf, upper), rows, count, _names("pieces_of", count))
        return Pushed(columns, np.array([float(piece.worth) for piece in pieces] * count))

    def _groups(self, where: Mapping[str, Condition], per: Sequence[str]) -> Groups:
        programme = self.scenario.programme
        return find_groups(programme.counties, programme.tasks, where, per)

    def _columns(
        self, aim: OrderedAim, groups: Groups
    ) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
        """[group] (what it has already, heads); 1 where nothing is read per head."""
        had, heads = (self._added_up(column, groups) for column in (aim.plus_column, aim.per_head))
        count = groups.count
        return had or (Fraction(0),) * count, heads or (Fraction(1),) * count

    def _added_up(self, column: str | None, groups: Groups) -> tuple[Fraction, ...]:
        if column is None:
            return ()
        values = self.scenario.programme.counties.numbers(column)
        totals = [Fraction(0)] * (groups.count // groups.task_groups)
        for place, group in enumerate(groups.county.tolist()):
            if group >= 0:
                totals[group] += values[place]
        return tuple(total for total in totals for _ in range(groups.task_groups))


def is_by_cell(scenario: Scenario, number: int, due: AimTable) -> bool:
    """Whether the distance of an aim counts cells, and not totals of counties."""
    aims = scenario.spec.objective.aims
    return bool(due.by_cell) and (number >= len(aims) or aims[number].by != "county")


def _names(kind: str, count: int) -> Names:
    return lambda: [f"{kind}[{i}]" for i in range(count)]


def yield_costs(scenario: Scenario, model: Model, metric: int) -> Floats:
    """A metric as costs of the model's columns: units per money unit of each tier."""
    tiers = scenario.tiers_in_steps
    rates = tiers.rates[metric].reshape(-1, tiers.rate.shape[-1])
    cost = np.zeros(len(model.cost))
    cost[model.grid.tier] = rates[model.grid.tier_cell, model.grid.tier_number]
    return cost


def yield_guide(scenario: Scenario, model: Model) -> Floats:
    """[column] what money yields, every metric alike: where there is much of it limits are most
    often kept."""
    metrics = range(len(scenario.programme.metrics))
    yields = [yield_costs(scenario, model, metric) for metric in metrics]
    sizes = [float(np.abs(each).max(initial=0.0)) or 1.0 for each in yields]
    none = np.zeros(len(model.cost))
    return sum((each / size for each, size in zip(yields, sizes, strict=True)), none)
