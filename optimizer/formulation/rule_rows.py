"""From rules to rows: each limit of a rule as one row of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, gcd, lcm
from typing import NamedTuple

import numpy as np

from models.rule import BASELINE, Part, Rule
from models.scenario import Scenario
from optimizer.baselines import reference_table
from optimizer.formulation.group_totals import Groups, Totals, common_step, find_groups
from optimizer.formulation.model import Builder, Floats, Ints, LimitRows

LARGEST_PLAIN = 2**12
"""Rows whose coefficients are whole and no larger stay as they are; others are scaled down."""
Tightening = Mapping[tuple[str, tuple[str, ...]], Fraction]
"""(rule, key) → how much stricter a limit must be than written, in the rule's own unit."""
Steps = Callable[[int], Fraction]
"""Column → the step that its value moves by."""
Bounds = tuple[list[Fraction] | None, list[Fraction] | None]
_NONE, _ONE = Fraction(0), Fraction(1)


class RowTerms(NamedTuple):
    """One limit before it becomes floats: Σ terms between lower and upper, exact."""

    terms: tuple[tuple[int, Fraction], ...]
    lower: Fraction | None
    upper: Fraction | None
    heads: Fraction


@dataclass(frozen=True)
class RowBlock:
    """The rows of one rule as floats: entries (row, column, value), and by row its bounds,
    what it was multiplied by, and the heads in it."""

    entries: tuple[Ints, Ints, Floats]
    lower: Floats
    upper: Floats
    scale: Floats
    heads: Floats


class RuleRows:
    """Appends the rows of rules; `whole` says that all money will be in whole units."""

    def __init__(
        self, scenario: Scenario, builder: Builder, totals: Totals, whole: bool = True
    ) -> None:
        self.scenario = scenario
        self.builder = builder
        self.totals = totals
        self.whole = whole
        self.counties = scenario.programme.counties
        self.tasks = scenario.programme.tasks

    def add(self, rule: Rule, tighten: Tightening) -> LimitRows:
        """Append the rows of one rule."""
        groups = find_groups(self.counties, self.tasks, rule.where, rule.per)
        left = self.totals.columns(rule.measure, groups)
        steps = self._steps(rule)
        bounds = self._bounds(rule, groups, tighten)
        if _is_plain(rule):
            block = _plain_block(left, bounds, steps)
        else:
            rows = self._exact_rows(rule, groups, left, bounds)
            if rule.if_funded:
                rows = self._only_if_funded(groups, rows, steps)
            block = _as_block(rows, steps)
        given: list[tuple[Ints, Ints, Floats]] = []
        if rule.soft is not None:
            block = _eased(block)
            given = self._give_way(rule, block, groups.own_county())
        start = self.builder.add_rows(
            (block.lower, block.upper),
            [block.entries, *given],
            groups.count,
            lambda: ["/".join([rule.id, *key]) for key in groups.keys],
        )
        return LimitRows(rule.id, rule.sense, start, groups.keys, block.scale, block.heads)

    def plain_sides(self, rule: Rule, groups: Groups) -> tuple[Floats, Floats] | None:
        """The bounds of a hard rule's rows where each is a total against a number; else None."""
        if rule.soft is not None or not _is_plain(rule):
            return None
        bounds = self._bounds(rule, groups, {})
        left = self.totals.columns(rule.measure, groups)
        block = _plain_block(left, bounds, self._steps(rule))
        return block.lower, block.upper

    def _bounds(self, rule: Rule, groups: Groups, tighten: Tightening) -> Bounds:
        """Lower and upper bounds in the rule's own unit, [group]; None on the side left open."""
        within, clear = rule.within or _NONE, _clear_by(rule)
        fixed = _times(self._fixed(rule, groups), [clear] * groups.count)
        stricter = {key: by for (name, key), by in tighten.items() if name == rule.id}
        moved = [stricter.get(key, _NONE) for key in groups.keys] if stricter else []
        lower = upper = None
        if rule.sense != "at_most":
            lower = _added(fixed, moved, -within)
        if rule.sense != "at_least":
            upper = _added(fixed, [-by for by in moved], within)
        return lower, upper

    def _fixed(self, rule: Rule, groups: Groups) -> list[Fraction]:
        """The sum of the constant parts of a rule's bound, [group]."""
        total = [_NONE] * groups.count
        for part in rule.bound:
            if part.is_constant:
                total = _added(self._constant(rule, part, groups), total, _NONE)
        return total

    def _exact_rows(self, rule: Rule, groups: Groups, left: Ints, bounds: Bounds) -> list[RowTerms]:
        heads = self._heads(rule, groups)
        lower, upper = (side and _times(side, heads) for side in bounds)
        terms = [{column: _ONE} for column in left.tolist()]
        for part in rule.bound:
            if not part.is_constant:
                columns, factors = self._share_of(rule, part, groups)
                factors = _times(_times(factors, heads), [_clear_by(rule)] * groups.count)
                for mine, column, factor in zip(terms, columns, factors, strict=True):
                    if column >= 0:
                        mine[column] = mine[column] - factor if column in mine else -factor
        return [
            RowTerms(
                tuple(mine.items()),
                lower[number] if lower else None,
                upper[number] if upper else None,
                heads[number],
            )
            for number, mine in enumerate(terms)
        ]

    def _heads(self, rule: Rule, groups: Groups) -> list[Fraction]:
        """What multiplies a per-head limit out, [group]."""
        if rule.per_head is None:
            return [_ONE] * groups.count
        values = self.counties.numbers(rule.per_head)
        by_county: dict[int, Fraction] = {}
        for value, group in zip(values, groups.county.tolist(), strict=True):
            by_county[group] = by_county[group] + value if group in by_county else value
        return [by_county[number // groups.task_groups] for number in range(groups.count)]

    def _constant(self, rule: Rule, part: Part, groups: Groups) -> list[Fraction]:
        """A part of a bound that holds no column of the model, [group]."""
        if part.number is not None:
            return [part.number] * groups.count
        factors = self._factors(part, groups)
        if part.column is not None:
            return _times(self._looked_up(part.column, groups, part.sum), factors)
        if part.of == BASELINE:
            return _times(self._of_baseline(rule, part, groups), factors)
        budget = Fraction(self.scenario.budget) / self._all_heads(rule)
        return [factor * budget for factor in factors]

    def _of_baseline(self, rule: Rule, part: Part, groups: Groups) -> list[Fraction]:
        """What the baseline comes to in the rule's measure over the part's groups, [group]."""
        of_groups, matched = self._matched(rule, part, groups)
        totals = self._baseline_totals(rule, part, of_groups)
        return [totals[m] if m >= 0 else _NONE for m in matched]

    def _baseline_totals(self, rule: Rule, part: Part, of_groups: Groups) -> list[Fraction]:
        """The same over all groups of the part; once worked out, kept."""
        worked = self.scenario.worked
        name = f"{BASELINE}: {rule.measure}, {rule.per_head}, {part.where}, {part.per}"
        if name not in worked:
            worked[name] = self._added_up(rule, of_groups)
        totals: list[Fraction] = worked[name]
        return totals

    def _added_up(self, rule: Rule, of_groups: Groups) -> list[Fraction]:
        sums: list[int | Fraction] = [0] * of_groups.count
        held = baseline_cells(self.scenario, rule.measure)
        for group, value in zip(of_groups.of_cells().tolist(), held, strict=True):
            if group >= 0 and value:
                sums[group] += value
        totals = [Fraction(one) for one in sums]
        if rule.per_head is not None:
            heads = self._heads(rule, of_groups)
            totals = [total / by for total, by in zip(totals, heads, strict=True)]
        return totals

    def _share_of(self, rule: Rule, part: Part, groups: Groups) -> tuple[list[int], list[Fraction]]:
        """(column of the total or −1, its factor) of a part that is a share of it, [group]."""
        assert part.of is not None
        of_groups, matched = self._matched(rule, part, groups)
        columns = self.totals.columns(part.of, of_groups).tolist()
        of_heads = self._heads(rule, of_groups)
        factors = self._factors(part, groups)
        if rule.per_head is not None:
            pairs = zip(factors, matched, strict=True)
            factors = [factor / of_heads[m] if m >= 0 else _NONE for factor, m in pairs]
        return [columns[m] if m >= 0 else -1 for m in matched], factors

    def _matched(self, rule: Rule, part: Part, groups: Groups) -> tuple[Groups, list[int]]:
        """The groups of a part, and in which of them each group of the rule lies; −1 for none."""
        of_groups = find_groups(self.counties, self.tasks, part.where, part.per)
        at = {key: number for number, key in enumerate(of_groups.keys)}
        places = [rule.per.index(column) for column in part.per]
        return of_groups, [at.get(tuple(key[p] for p in places), -1) for key in groups.keys]

    def _factors(self, part: Part, groups: Groups) -> list[Fraction]:
        factor = part.factor
        if factor is None:
            return [_ONE] * groups.count
        if factor.column is not None:
            return self._looked_up(factor.column, groups, False)
        return [factor.number or _NONE] * groups.count

    def _looked_up(self, column: str, groups: Groups, add_up: bool) -> list[Fraction]:
        """A column's one value in each group, or its sum over the group's rows."""
        on_county = column in self.counties.columns
        table, side = (self.counties, groups.county) if on_county else (self.tasks, groups.task)
        found: dict[int, Fraction] = {}
        for value, group in zip(table.numbers(column), side.tolist(), strict=True):
            found[group] = found[group] + value if add_up and group in found else value
        sides = (divmod(number, groups.task_groups) for number in range(groups.count))
        return [found[of_county if on_county else of_task] for of_county, of_task in sides]

    def plain_cap(self, rule: Rule) -> tuple[Groups, list[Fraction]] | None:
        """The most money of each group, where a hard rule caps it by numbers alone."""
        plain = all(part.is_constant for part in rule.bound)
        if rule.measure != "amount" or rule.sense == "at_least" or rule.soft or not plain:
            return None
        groups = find_groups(self.counties, self.tasks, rule.where, rule.per)
        caps = _added(self._fixed(rule, groups), [], rule.within or _NONE)
        return groups, _times(caps, self._heads(rule, groups))

    def _all_heads(self, rule: Rule) -> Fraction:
        if rule.per_head is None:
            return Fraction(1)
        return sum(self.counties.numbers(rule.per_head), Fraction(0))

    def _only_if_funded(
        self, groups: Groups, rows: Sequence[RowTerms], steps: Steps | None
    ) -> list[RowTerms]:
        """value ≥ bound × (1 where the group is funded)."""
        if steps is not None:
            # Where nothing is funded the row allows nothing: only the bound itself can be moved.
            rows = [row._replace(lower=_reached(row, steps)) for row in rows]
        group = groups.of_cells()
        cells = np.flatnonzero(group >= 0)
        switch = self.totals.indicator(cells, group[cells], groups.count)
        return [
            RowTerms(
                (*row.terms, (int(column), -(row.lower or Fraction(0)))),
                Fraction(0),
                None,
                row.heads,
            )
            for row, column in zip(rows, switch, strict=True)
        ]

    def _steps(self, rule: Rule) -> Steps | None:
        """By how much each column of the rule's rows moves, where all move in steps; a soft rule
        is read as it is written, for what is missed counts."""
        whole = {"cells", "counties"} | ({"amount", *self.totals.metrics} if self.whole else set())
        of = {part.of for part in rule.bound if not part.is_constant}
        return self.totals.step if {rule.measure} | of <= whole and rule.soft is None else None

    def _give_way(
        self, rule: Rule, block: RowBlock, county: Ints
    ) -> list[tuple[Ints, Ints, Floats]]:
        """Columns that let a soft limit give way, at its price per unit of the rule's value."""
        assert rule.soft is not None
        count = len(block.scale)
        signs = {"at_least": (1.0,), "at_most": (-1.0,), "equal": (1.0, -1.0)}[rule.sense]
        entries = []
        for sign in signs:
            columns = self.builder.add_columns(
                count,
                np.inf,
                lambda: [f"gives_way[{rule.id},{i}]" for i in range(count)],
                county=county,
            )
            self.builder.prices.append((columns, float(rule.soft.price)))
            entries.append((np.arange(count), columns, sign * block.scale * block.heads))
        return entries


def baseline_cells(scenario: Scenario, measure: str) -> list[int | Fraction]:
    """What each cell of the table of bounds `of: baseline` holds of a measure, exact, [cell]; once
    worked out, kept."""
    name = f"{BASELINE}: {measure}"
    if name not in scenario.worked:
        scenario.worked[name] = _baseline_cells(scenario, measure)
    found: list[int | Fraction] = scenario.worked[name]
    return found


def _baseline_cells(scenario: Scenario, measure: str) -> list[int | Fraction]:
    money: list[int | Fraction] = reference_table(scenario).amounts.ravel().tolist()
    if measure == "amount":
        return money
    tiers, metric = scenario.tiers, scenario.programme.metrics.index(measure)
    last = tiers.width.shape[-1]
    width, rate = (table.reshape(-1, last).tolist() for table in (tiers.width, tiers.rate[metric]))
    found: list[int | Fraction] = []
    for left, widths, rates in zip(money, width, rate, strict=True):
        total: int | Fraction = 0
        for room, by in zip(widths, rates, strict=True):
            total += min(left, room) * by
            left -= min(left, room)
        found.append(Fraction(total) / tiers.scale)
    return found


def _clear_by(rule: Rule) -> Fraction:
    """By what a bound is multiplied so that its safety margin is left."""
    if rule.margin is None:
        return _ONE
    return 1 + rule.margin if rule.sense == "at_least" else 1 - rule.margin


Scaled = tuple[list[tuple[int, float]], float, float, float, float]
"""(terms, lower, upper, scale, heads) of a row as floats."""


def _is_plain(rule: Rule) -> bool:
    """A total on the left and a number on the right, in each of its rows."""
    constant = all(part.is_constant for part in rule.bound)
    return constant and rule.per_head is None and not rule.if_funded


def _added(
    values: Sequence[Fraction], more: Sequence[Fraction], to_all: Fraction
) -> list[Fraction]:
    """Sums, place by place; adding nothing is passed over, for exact sums take their time."""
    if more:
        values = [value + by if by else value for value, by in zip(values, more, strict=True)]
    return [value + to_all for value in values] if to_all else list(values)


def _times(values: Sequence[Fraction], factors: Sequence[Fraction]) -> list[Fraction]:
    """Products, place by place, passing over the factor one that stands for "no factor"."""
    pairs = zip(values, factors, strict=True)
    return [value if by is _ONE else value * by for value, by in pairs]


def _inwards(bound: Fraction, step: Fraction | None, *, up: bool) -> Fraction:
    """The bound, moved to a multiple of the step into the allowed side; as it is without steps."""
    if step is None:
        return bound
    count = bound / step
    return (ceil(count) if up else floor(count)) * step


def _reached(row: RowTerms, steps: Steps) -> Fraction:
    """The least at or above a row's lower bound that its terms can come to."""
    step = common_step(abs(value) * steps(column) for column, value in row.terms)
    return _inwards(row.lower or _NONE, step, up=True)


def _floats(bounds: Sequence[Fraction], steps: Sequence[Fraction | None], *, up: bool) -> Floats:
    """Bounds as floats, each by one exact division; most rules have one number for all limits."""
    first, step = (bounds[0], steps[0]) if bounds else (_NONE, None)
    if all(bound is first for bound in bounds) and all(other is step for other in steps):
        return np.full(len(bounds), float(_inwards(first, step, up=up)))
    pairs = zip(bounds, steps, strict=True)
    return np.array([float(_inwards(bound, by, up=up)) for bound, by in pairs])


def _plain_block(left: Ints, bounds: Bounds, steps: Steps | None) -> RowBlock:
    """Rows of one total against one number each: most rows, and nothing to multiply out."""
    count, (low, high) = len(left), bounds
    moves = [None if steps is None else steps(column) for column in left.tolist()]
    lower, upper = np.full(count, -np.inf), np.full(count, np.inf)
    if low is not None:
        lower = _floats(low, moves, up=True)
    if high is not None:
        upper = _floats(high, moves, up=False)
    ones = np.ones(count)
    return RowBlock((np.arange(count), left, ones), lower, upper, ones, ones)


def _as_block(rows: Sequence[RowTerms], steps: Steps | None) -> RowBlock:
    scaled = [_scaled(row, steps) for row in rows]
    entries = [
        (number, column, value)
        for number, (terms, *_) in enumerate(scaled)
        for column, value in terms
    ]
    # A rule may cancel out in each of its rows: all the money at most once all the money.
    at, columns, values = np.array(entries, dtype=float).reshape(-1, 3).T
    places = at.astype(np.int64), columns.astype(np.int64)
    lower, upper, scale, heads = (np.array([row[i] for row in scaled]) for i in range(1, 5))
    return RowBlock((*places, values), lower, upper, scale, heads)


def _eased(block: RowBlock) -> RowBlock:
    """The rows of a soft rule, scaled so that what gives way has a coefficient near 1.

    With a large one its price, spread over the row, would fall below the solver's tolerance, and
    the rule would give way for nothing.
    """
    factor = np.exp2(-np.floor(np.log2(block.scale * block.heads)))
    at, columns, values = block.entries
    return replace(
        block,
        entries=(at, columns, values * factor[at]),
        lower=block.lower * factor,
        upper=block.upper * factor,
        scale=block.scale * factor,
    )


def _scaled(row: RowTerms, steps: Steps | None) -> Scaled:
    """A row as floats: multiplied out to whole numbers, bounds of rows that move in steps moved
    inwards, large rows divided by a power of two (which is exact). Each float is one exact
    division."""
    terms = [(column, value) for column, value in row.terms if value]
    common = lcm(*(value.denominator for _, value in terms))
    wholes = [value.numerator * (common // value.denominator) for _, value in terms]
    shared = gcd(*wholes) or 1
    wholes = [whole // shared for whole in wholes]
    largest = max(map(abs, wholes), default=1)
    shrink = 2 ** (largest.bit_length() - 1) if largest > LARGEST_PLAIN else 1
    step = None
    if steps is not None:
        columns = (column for column, _ in terms)
        step = common_step(w * steps(c) for w, c in zip(wholes, columns, strict=True))

    def multiplied(bound: Fraction, up: bool) -> float:
        return float(_inwards(bound * common / shared, step, up=up) / shrink)

    return (
        [(column, whole / shrink) for (column, _), whole in zip(terms, wholes, strict=True)],
        -np.inf if row.lower is None else multiplied(row.lower, True),
        np.inf if row.upper is None else multiplied(row.upper, False),
        common / (shared * shrink),
        float(row.heads),
    )
