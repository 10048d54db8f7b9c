"""Rules to rows: one row for each limit, multiplied out so that money rows are whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np

from models.measure import Part
from models.rule import Rule
from models.scenario import Scenario
from optimizer.formulation.groups import Groups, find_groups
from optimizer.formulation.matrix import Builder, Ints, Limit
from optimizer.formulation.totals import Totals

LARGEST_PLAIN = 2**12
"""Rows whose coefficients are whole and no larger stay as they are; others are scaled down."""
Tightening = Mapping[tuple[str, tuple[str, ...]], Fraction]
"""(rule, key) → how much stricter a limit must be than written, in the rule's own unit."""


@dataclass(frozen=True)
class Row:
    """One limit before it becomes floats: Σ terms between lower and upper, exact."""

    terms: tuple[tuple[int, Fraction], ...]
    lower: Fraction | None
    upper: Fraction | None
    heads: Fraction


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

    def add(self, rule: Rule, tighten: Tightening) -> Limit:
        """Append the rows of one rule."""
        groups = find_groups(self.counties, self.tasks, rule.where, rule.per)
        left = self.totals.columns(rule.measure, groups)
        rows = self._exact_rows(rule, groups, left, tighten)
        if rule.if_funded:
            rows = self._only_if_funded(groups, rows)
        integral = self._counts_whole(rule)
        scaled = [_scaled(row, integral) for row in rows]
        entries = [
            (number, column, value)
            for number, (terms, *_) in enumerate(scaled)
            for column, value in terms
        ]
        if rule.soft is not None:
            entries += self._give_way(rule, scaled)
        at, columns, values = (np.array(part) for part in zip(*entries, strict=True))
        start = self.builder.add_rows(
            (np.array([s[1] for s in scaled]), np.array([s[2] for s in scaled])),
            [(at, columns, values)],
            len(scaled),
            lambda: ["/".join([rule.id, *key]) for key in groups.keys],
        )
        scale = np.array([s[3] for s in scaled])
        heads = np.array([float(row.heads) for row in rows])
        return Limit(rule.id, rule.sense, start, groups.keys, scale, heads)

    def _exact_rows(self, rule: Rule, groups: Groups, left: Ints, tighten: Tightening) -> list[Row]:
        heads = self._heads(rule, groups)
        parts = [self._part(rule, part, groups) for part in rule.bound]
        rows = []
        for number, key in enumerate(groups.keys):
            terms = {int(left[number]): Fraction(1)}
            fixed = Fraction(0)
            for constant, columns, factors in parts:
                fixed += constant[number]
                if columns[number] >= 0:
                    column = int(columns[number])
                    terms[column] = terms.get(column, Fraction(0)) - factors[number] * heads[number]
            stricter = tighten.get((rule.id, key), Fraction(0))
            within = (rule.within or Fraction(0)) - stricter
            lower = fixed + stricter if rule.sense == "at_least" else fixed - within
            upper = fixed - stricter if rule.sense == "at_most" else fixed + within
            rows.append(
                Row(
                    tuple(terms.items()),
                    None if rule.sense == "at_most" else lower * heads[number],
                    None if rule.sense == "at_least" else upper * heads[number],
                    heads[number],
                )
            )
        return rows

    def _heads(self, rule: Rule, groups: Groups) -> list[Fraction]:
        """What multiplies a per-head limit out, [group]."""
        if rule.per_head is None:
            return [Fraction(1)] * groups.count
        values = self.counties.numbers(rule.per_head)
        by_county: dict[int, Fraction] = {}
        for county, group in enumerate(groups.county.tolist()):
            by_county[group] = by_county.get(group, Fraction(0)) + values[county]
        return [by_county[number // groups.task_groups] for number in range(groups.count)]

    def _part(
        self, rule: Rule, part: Part, groups: Groups
    ) -> tuple[list[Fraction], Ints, list[Fraction]]:
        """(constant, column or −1, factor of the column), each [group]."""
        none = np.full(groups.count, -1, dtype=np.int64)
        no_factor = [Fraction(0)] * groups.count
        if part.number is not None:
            return [part.number] * groups.count, none, no_factor
        factors = self._factors(part, groups)
        if part.column is not None:
            values = self._looked_up(part.column, groups, part.sum)
            return [f * v for f, v in zip(factors, values, strict=True)], none, no_factor
        if part.of == "budget":
            heads = self._all_heads(rule)
            budget = Fraction(self.scenario.budget) / heads
            return [factor * budget for factor in factors], none, no_factor
        assert part.of is not None
        of_groups = find_groups(self.counties, self.tasks, part.where, part.per)
        columns = self.totals.columns(part.of, of_groups)
        of_heads = self._heads(rule, of_groups)
        at = {key: number for number, key in enumerate(of_groups.keys)}
        places = [rule.per.index(column) for column in part.per]
        matched = [at.get(tuple(key[p] for p in places), -1) for key in groups.keys]
        found = np.array([columns[m] if m >= 0 else -1 for m in matched], dtype=np.int64)
        shares = [
            f / of_heads[m] if m >= 0 else Fraction(0)
            for f, m in zip(factors, matched, strict=True)
        ]
        return no_factor, found, shares

    def _factors(self, part: Part, groups: Groups) -> list[Fraction]:
        factor = part.factor
        if factor is None:
            return [Fraction(1)] * groups.count
        if factor.column is not None:
            return self._looked_up(factor.column, groups, False)
        return [factor.number or Fraction(0)] * groups.count

    def _looked_up(self, column: str, groups: Groups, add_up: bool) -> list[Fraction]:
        """A column's one value in each group, or its sum over the group's rows."""
        on_county = column in self.counties.columns
        table, side = (self.counties, groups.county) if on_county else (self.tasks, groups.task)
        found: dict[int, Fraction] = {}
        for value, group in zip(table.numbers(column), side.tolist(), strict=True):
            found[group] = value + (found.get(group, Fraction(0)) if add_up else 0)
        sides = (divmod(number, groups.task_groups) for number in range(groups.count))
        return [found[of_county if on_county else of_task] for of_county, of_task in sides]

    def plain_cap(self, rule: Rule) -> tuple[Groups, list[Fraction]] | None:
        """The most money of each group, where a hard rule caps it by numbers alone."""
        plain = all(part.of in (None, "budget") for part in rule.bound)
        if rule.measure != "amount" or rule.sense == "at_least" or rule.soft or not plain:
            return None
        groups = find_groups(self.counties, self.tasks, rule.where, rule.per)
        heads, within = self._heads(rule, groups), rule.within or Fraction(0)
        parts = [self._part(rule, part, groups)[0] for part in rule.bound]
        caps = [sum(values, within) for values in zip(*parts, strict=True)]
        return groups, [cap * head for cap, head in zip(caps, heads, strict=True)]

    def _all_heads(self, rule: Rule) -> Fraction:
        if rule.per_head is None:
            return Fraction(1)
        return sum(self.counties.numbers(rule.per_head), Fraction(0))

    def _only_if_funded(self, groups: Groups, rows: Sequence[Row]) -> list[Row]:
        """value ≥ bound × (1 where the group is funded)."""
        group = groups.of_cells()
        cells = np.flatnonzero(group >= 0)
        switch = self.totals.indicator(cells, group[cells], groups.count)
        return [
            Row(
                (*row.terms, (int(column), -(row.lower or Fraction(0)))),
                Fraction(0),
                None,
                row.heads,
            )
            for row, column in zip(rows, switch, strict=True)
        ]

    def _counts_whole(self, rule: Rule) -> bool:
        """All columns of the rule's rows take whole numbers only."""
        whole = {"cells", "counties"} | ({"amount"} if self.whole else set())
        of = {part.of for part in rule.bound if part.of and part.of != "budget"}
        return {rule.measure} | of <= whole and rule.soft is None

    def _give_way(self, rule: Rule, scaled: Sequence[Scaled]) -> list[tuple[int, int, float]]:
        """Columns that let a soft limit give way, at its price per unit of the rule's value."""
        assert rule.soft is not None
        entries = []
        signs = {"at_least": (1.0,), "at_most": (-1.0,), "equal": (1.0, -1.0)}[rule.sense]
        for sign in signs:
            columns = self.builder.add_columns(
                len(scaled),
                np.inf,
                lambda: [f"gives_way[{rule.id},{i}]" for i in range(len(scaled))],
            )
            self.builder.prices.append((columns, float(rule.soft.price)))
            entries += [
                (number, int(columns[number]), sign * row[3] * row[4])
                for number, row in enumerate(scaled)
            ]
        return entries


Scaled = tuple[list[tuple[int, float]], float, float, float, float]
"""(terms, lower, upper, scale, heads) of a row as floats."""


def _inwards(bound: Fraction | None, integral: bool, *, up: bool) -> Fraction | None:
    """The bound, rounded to a whole number into the allowed side where all values are whole."""
    if bound is None or not integral:
        return bound
    return Fraction(-((-bound).__floor__()) if up else bound.__floor__())


def _plain_row(column: int, row: Row, integral: bool) -> Scaled:
    """The row of one total against one number: most rows, and nothing to multiply out."""
    lower = _inwards(row.lower, integral, up=True)
    upper = _inwards(row.upper, integral, up=False)
    low = -np.inf if lower is None else float(lower)
    return [(column, 1.0)], low, np.inf if upper is None else float(upper), 1.0, 1.0


def _scaled(row: Row, integral: bool) -> Scaled:
    """A row as floats: multiplied out to whole numbers, bounds of integral rows rounded inwards,
    large rows scaled by a power of two (which is exact)."""
    terms = [(column, value) for column, value in row.terms if value]
    if len(terms) == 1 and terms[0][1] == 1 == row.heads:
        return _plain_row(terms[0][0], row, integral)
    common = lcm(*(value.denominator for _, value in terms)) if terms else 1
    shared = gcd(*(int(value * common) for _, value in terms)) or 1
    by = Fraction(common, shared)
    lower = _inwards(None if row.lower is None else row.lower * by, integral, up=True)
    upper = _inwards(None if row.upper is None else row.upper * by, integral, up=False)
    largest = max((abs(value * by) for _, value in terms), default=Fraction(1))
    shrink = Fraction(1)
    if largest > LARGEST_PLAIN:
        shrink = Fraction(1, 2 ** (int(largest).bit_length() - 1))
    scale = float(by * shrink)
    return (
        [(column, float(value * by * shrink)) for column, value in terms],
        -np.inf if lower is None else float(lower * shrink),
        np.inf if upper is None else float(upper * shrink),
        scale,
        float(row.heads),
    )
