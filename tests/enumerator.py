"""The right answer of a tiny programme: every whole-unit table tried, every rule read as its text
says, in whole numbers and fractions of Python.

Written from the meaning of the rule form alone: it imports nothing of the product, neither code nor
words, so that an error in the product is not repeated here. A world is the same mapping that
`tests.worlds.write_world` writes to files. In its scenario a list `limits` (rule, key, number) puts
numbers in the place of single limits, and with a list `only` (rule, key) no others are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import ceil, floor, lcm
from typing import Any

World = Mapping[str, Any]
Table = tuple[int, ...]
"""Money units by cell: county after county as the world lists them, in each its tasks."""
Cells = tuple[int, ...]
Key = tuple[str, ...]


def number(text: object) -> Fraction:
    """The exact number that a file writes: 3, `0.25`, `1e-3`, `1/3`."""
    return Fraction(str(text))


def spelled(value: object) -> str:
    """A column's value as it stands in the key of a group."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@dataclass(frozen=True)
class Sum:
    """A constant and multiples of measures: (measure, cells, factor)."""

    constant: Fraction = Fraction(0)
    terms: tuple[tuple[str, Cells, Fraction], ...] = ()

    def plus(self, other: Sum, times: Fraction = Fraction(1)) -> Sum:
        more = tuple((name, cells, factor * times) for name, cells, factor in other.terms)
        return Sum(self.constant + other.constant * times, self.terms + more)


@dataclass(frozen=True)
class Limit:
    """`room` must be zero or more; `price` of a soft one; read only where `only_if` has money."""

    rule: str
    key: Key
    room: Sum
    price: Fraction | None = None
    only_if: Cells | None = None


@dataclass(frozen=True)
class Best:
    """What enumeration found."""

    feasible: int
    """Tables that keep all rules."""
    worth: Fraction | None = None
    """The most that one of them is worth: objective less what bent rules cost."""
    table: Table | None = None
    """Of those of that worth the one that moves least money, then weighs least, then has more in
    the first cell, counties by code, in which they differ."""
    moved: int | None = None
    """The least money that any table which keeps all rules holds elsewhere than the baseline."""


@dataclass(eq=False)
class Enumerator:
    """One world, read."""

    world: World
    cells: list[tuple[str, str]] = field(init=False)
    """(county, task) of each cell."""
    bends: list[list[int]] = field(init=False)
    """[cell] The widths of its tiers."""
    rates: dict[str, list[list[Fraction]]] = field(init=False)
    """metric → [cell][tier] → outcome of a money unit."""

    def __post_init__(self) -> None:
        world = self.world
        self.scenario: Mapping[str, Any] = world["scenario"]
        self.budget = int(self.scenario["budget"])
        self.sides: tuple[Mapping[str, Any], ...] = (world["counties"], world["tasks"])
        self.cells = list(product(*self.sides))
        self.metrics = [metric["id"] for metric in world["programme"]["metrics"]]
        self.bends = [[] for _ in self.cells]
        self.rates = {metric: [[] for _ in self.cells] for metric in self.metrics}
        for county, task, tier, width, *rates in sorted(world["tiers"], key=lambda row: row[2]):
            at = self.cells.index((county, task))
            assert tier == len(self.bends[at]) + 1
            self.bends[at].append(int(width))
            for metric, rate in zip(self.metrics, rates, strict=True):
                self.rates[metric][at].append(number(rate))

    # The grid: which cells a condition selects, and the groups of a rule.

    def column(self, side: int, row: str, name: str) -> Any:
        """The value of a column for a county or a task; its own id under `county` or `task`."""
        return row if name == ("county", "task")[side] else self.sides[side][row].get(name)

    def has(self, side: int, name: str) -> bool:
        """Whether a column stands in the table of counties (0) or of tasks (1)."""
        first = next(iter(self.sides[side].values()))
        return name == ("county", "task")[side] or name in first

    def selected(self, side: int, where: Mapping[str, Any]) -> list[str]:
        """The counties or tasks that meet all conditions on their own columns."""
        mine = {name: due for name, due in where.items() if self.has(side, name)}
        return [
            row
            for row in self.sides[side]
            if all(_meets(self.column(side, row, name), due) for name, due in mine.items())
        ]

    def groups(self, where: Mapping[str, Any], per: Sequence[str]) -> dict[Key, list[list[str]]]:
        """Key → the counties and the tasks of each group."""
        found: dict[Key, list[list[str]]] = {}
        for county, task in product(self.selected(0, where), self.selected(1, where)):
            both = (county, task)
            key = tuple(
                spelled(self.column(side, both[side], name))
                for name in per
                for side in (0, 1)
                if self.has(side, name)
            )
            group = found.setdefault(key, [[], []])
            for side in (0, 1):
                if both[side] not in group[side]:
                    group[side].append(both[side])
        return found

    def at(self, group: Sequence[Sequence[str]]) -> Cells:
        """The cells of a group."""
        return tuple(self.cells.index(cell) for cell in product(*group))

    # Rules: what each of their limits leaves as room.

    def limits(self) -> Iterator[Limit]:
        """Every limit, of the scenario itself and of its rules."""
        every = tuple(range(len(self.cells)))
        outside = sum((number(row["amount"]) for row in self.scenario.get("outside", ())), start=0)
        inside = Fraction(self.budget) - outside
        yield Limit("budget", (), Sum(inside, (("amount", every, Fraction(-1)),)))
        for row in self.scenario.get("ineligible", ()):
            barred = self.at([self.selected(side, row["where"]) for side in (0, 1)])
            yield Limit("eligibility", (), Sum(terms=(("amount", barred, Fraction(-1)),)))
        for row in self.scenario.get("locks", ()):
            cell, due = self.at([[row["county"]], [row["task"]]]), number(row["amount"])
            for sign in (Fraction(1), Fraction(-1)):
                yield Limit("locks", (), Sum(-sign * due, (("amount", cell, sign),)))
        only = self.scenario.get("only")
        for rule in self.scenario.get("rules", ()):
            for limit in self.limits_of(rule) if rule.get("enabled", True) else ():
                mine = (limit.rule, limit.key), (limit.rule, ())
                if only is None or any(one in only for one in mine):
                    yield limit

    def limits_of(self, rule: Mapping[str, Any]) -> Iterator[Limit]:
        """The limits of one rule: one a group, two where it says equal."""
        per = rule.get("per", [])
        per = [per] if isinstance(per, str) else per
        sense = next(name for name in ("at_least", "at_most", "equal") if name in rule)
        within = number(rule.get("within", 0))
        price = number(rule["soft"]["price"]) if "soft" in rule else None
        for key, group in self.groups(rule.get("where", {}), per).items():
            value = self.measured(rule["measure"], group, rule.get("per_head"))
            bound = Sum()
            for part in rule[sense] if isinstance(rule[sense], list) else [rule[sense]]:
                bound = bound.plus(self.part(rule, part, (dict(zip(per, key, strict=True)), group)))
            for name, of, written in self.scenario.get("limits", ()):
                if (name, tuple(of)) == (rule["id"], key):
                    bound = Sum(number(written))
            only_if = self.at(group) if rule.get("if_funded") else None
            minus, room = Fraction(-1), Sum(within)
            if sense != "at_most":
                least = room.plus(value).plus(bound, minus)
                yield Limit(rule["id"], key, least, price, only_if)
            if sense != "at_least":
                yield Limit(rule["id"], key, room.plus(bound).plus(value, minus), price)

    def measured(self, name: str, group: Sequence[Sequence[str]], head: str | None) -> Sum:
        """A measure over a group, divided by the heads of its counties where the rule says so."""
        by = self.heads(group[0], head)
        return Sum(terms=((name, self.at(group), 1 / by),)) if group[0] and group[1] else Sum()

    def heads(self, counties: Iterable[str], column: str | None) -> Fraction:
        if column is None:
            return Fraction(1)
        return sum((number(self.sides[0][county][column]) for county in counties), Fraction(0))

    def part(self, rule: Mapping[str, Any], part: Any, at: tuple[dict[str, str], Any]) -> Sum:
        """One addend of a bound, for the group with these values of the rule's `per`."""
        named, group = at
        if not isinstance(part, Mapping):
            return Sum(number(part))
        if "number" in part:
            return Sum(number(part["number"]))
        factor = self.factor(part.get("share", part.get("times", 1)), group)
        if "column" in part:
            values = self.values(part["column"], group)
            return Sum(factor * (sum(values) if part.get("sum") else values[0]))
        head = rule.get("per_head")
        if part["of"] == "budget":
            return Sum(factor * self.budget / self.heads(self.sides[0], head))
        own = part.get("per", [])
        groups = self.groups(part.get("where", {}), own)
        of = groups.get(tuple(named[column] for column in own))
        if of is None:
            return Sum()
        return Sum().plus(self.measured(part["of"], of, head), factor)

    def factor(self, written: Any, group: Sequence[Sequence[str]]) -> Fraction:
        if not isinstance(written, Mapping):
            return number(written)
        if "number" in written:
            return number(written["number"])
        return self.values(written["column"], group)[0]

    def values(self, column: str, group: Sequence[Sequence[str]]) -> list[Fraction]:
        """A number column over the counties or the tasks of a group."""
        side = 0 if self.has(0, column) else 1
        return [number(self.sides[side][row][column]) for row in group[side]]

    # What a table of money comes to.

    def outcome(self, metric: str, cell: int, money: int | Fraction) -> Fraction:
        """What money in a cell yields: tier after tier, nothing above the last one."""
        total, left = Fraction(0), Fraction(money)
        for width, rate in zip(self.bends[cell], self.rates[metric][cell], strict=True):
            used = min(left, Fraction(width))
            total, left = total + used * rate, left - used
        return total

    def read(self, measure: str, cells: Cells, table: Sequence[int | Fraction]) -> Fraction:
        """A measure over some cells of a table."""
        if measure == "amount":
            return sum((Fraction(table[cell]) for cell in cells), Fraction(0))
        if measure == "cells":
            return Fraction(sum(1 for cell in cells if table[cell]))
        if measure == "counties":
            return Fraction(len({self.cells[cell][0] for cell in cells if table[cell]}))
        return sum((self.outcome(measure, cell, table[cell]) for cell in cells), Fraction(0))

    def room(self, limit: Limit, table: Sequence[int | Fraction]) -> Fraction:
        """The room that a table leaves under a limit; below zero it is missed."""
        if limit.only_if is not None and not any(table[cell] for cell in limit.only_if):
            return Fraction(0)
        terms = limit.room.terms
        parts = (factor * self.read(name, cells, table) for name, cells, factor in terms)
        return sum(parts, limit.room.constant)

    def lots(self) -> list[Fraction]:
        """The least money of a funded cell, [cell]."""
        lot = self.scenario.get("lot")
        if isinstance(lot, Mapping) and "column" in lot:
            return [number(self.sides[1][task][lot["column"]]) for _, task in self.cells]
        if isinstance(lot, Mapping):
            lot = lot["number"]
        return [number(lot or 0)] * len(self.cells)

    def keeps(self, table: Sequence[int | Fraction]) -> bool:
        """Whether a table keeps every limit that does not give way."""
        lots = self.lots()
        if any(money and money < lots[cell] for cell, money in enumerate(table)):
            return False
        hard = (limit for limit in self.limits() if limit.price is None)
        return all(self.room(limit, table) >= 0 for limit in hard)

    def points(self) -> dict[str, Fraction]:
        """Objective points of a unit of each metric."""
        objective = self.scenario["objective"]
        weights = {name: number(weight) for name, weight in objective["weights"].items()}
        if objective.get("normalise", "baseline") == "none":
            return weights
        size, base = sum(map(abs, weights.values())), self.baseline()
        every = tuple(range(len(self.cells)))
        return {
            name: weight / size / self.read(name, every, base) if weight else weight
            for name, weight in weights.items()
        }

    def baseline(self) -> Table:
        """The table that money is moved from."""
        held = {(county, task): int(money) for county, task, money in self.world["baseline"]}
        return tuple(held.get(cell, 0) for cell in self.cells)

    def worth(self, table: Sequence[int | Fraction]) -> Fraction:
        """Objective less what the soft limits that a table misses cost."""
        every = tuple(range(len(self.cells)))
        pairs = self.points().items()
        total = sum((by * self.read(name, every, table) for name, by in pairs), Fraction(0))
        for limit in self.limits():
            if limit.price is not None:
                total += limit.price * min(self.room(limit, table), Fraction(0))
        return total

    # All tables.

    def tables(self) -> Iterator[Table]:
        """Every table of whole money units within the budget, each cell at least at its lot."""
        steps = [range(max(1, ceil(lot)), self.budget + 1) for lot in self.lots()]

        def further(cell: int, left: int) -> Iterator[Table]:
            if cell == len(steps):
                yield ()
                return
            for money in (0, *steps[cell]):
                if money > left:
                    break
                for rest in further(cell + 1, left - money):
                    yield (money, *rest)

        return further(0, self.budget)

    def best(self) -> Best:
        """The best tables, by trying all of them."""
        quick = _Quick(self)
        base, weights = self.baseline(), self.weights()
        count, worth, found, near = 0, None, [], None
        for table in self.tables():
            mine = quick.worth(table)
            if mine is None:
                continue
            count += 1
            apart = moved(table, base)
            near = apart if near is None else min(near, apart)
            if worth is None or mine > worth:
                worth, found = mine, [table]
            elif mine == worth:
                found.append(table)
        if worth is None:
            return Best(0)
        best = self.worth(found[0])
        assert self.keeps(found[0])

        order = sorted(range(len(self.cells)), key=lambda cell: self.cells[cell][0])

        def after(table: Table) -> tuple[int, int, list[int]]:
            apart = sum(abs(mine - due) for mine, due in zip(table, base, strict=True))
            weight = sum(mine * by for mine, by in zip(table, weights, strict=True))
            return apart, weight, [-table[cell] for cell in order]

        return Best(count, best, min(found, key=after), near)

    def best_of_parts(self, part: Callable[[Table], int]) -> dict[int, Fraction]:
        """Part of all tables that keep the rules → the most that one of it is worth."""
        quick, best = _Quick(self), dict[int, tuple[int, Table]]()
        for table in self.tables():
            mine = quick.worth(table)
            if mine is not None:
                at = part(table)
                best[at] = max(best.get(at, (mine, table)), (mine, table))
        return {at: self.worth(table) for at, (_, table) in best.items()}

    def weights(self, bits: int = 16) -> list[int]:
        """The published weight of each cell: the first bits of the SHA-256 of its codes, and 1."""
        digests = (hashlib.sha256(",".join(cell).encode()).digest() for cell in self.cells)
        return [(int.from_bytes(digest, "big") >> (256 - bits)) + 1 for digest in digests]


class _Quick:
    """The limits of a world multiplied out to whole numbers: the same sums, faster."""

    def __init__(self, world: Enumerator) -> None:
        self._cells, money = world.cells, range(world.budget + 1)
        every = tuple(range(len(world.cells)))
        rates = [rate for by_cell in world.rates.values() for row in by_cell for rate in row]
        self._scale = lcm(1, *(rate.denominator for rate in rates))
        self._yield = {
            metric: [[int(world.outcome(metric, c, x) * self._scale) for x in money] for c in every]
            for metric in world.metrics
        }
        limits = list(world.limits())
        objective = Sum(terms=tuple((n, every, by) for n, by in world.points().items()))
        sums = [self._unscaled(objective), *(self._unscaled(limit.room) for limit in limits)]
        self._hard = [
            (self._whole(one)[0], limit.only_if)
            for limit, one in zip(limits, sums[1:], strict=True)
            if limit.price is None
        ]
        # The objective and the penalties in one common unit.
        priced = [
            (Sum().plus(one, limit.price), limit.only_if)
            for limit, one in zip(limits, sums[1:], strict=True)
            if limit.price is not None
        ]
        common = lcm(*(self._whole(one)[1] for one in (sums[0], *(one for one, _ in priced))))
        self._objective = self._whole(sums[0], common)[0]
        self._soft = [(self._whole(one, common)[0], only_if) for one, only_if in priced]

    def _unscaled(self, one: Sum) -> Sum:
        terms = [
            (name, cells, factor / self._scale if name in self._yield else factor)
            for name, cells, factor in one.terms
        ]
        return Sum(one.constant, tuple(terms))

    def _whole(self, one: Sum, common: int | None = None) -> tuple[Any, int]:
        share = common or lcm(one.constant.denominator, *(f.denominator for *_, f in one.terms))
        terms = [(name, cells, int(factor * share)) for name, cells, factor in one.terms]
        return (int(one.constant * share), terms), share

    def worth(self, table: Table) -> int | None:
        """What a table is worth, in one unit for all tables; None where it breaks a rule."""
        for at, (one, only_if) in enumerate(self._hard):
            if only_if is not None and not any(table[cell] for cell in only_if):
                continue
            if self._value(one, table) < 0:
                # What was broken last is broken next.
                self._hard.insert(0, self._hard.pop(at))
                return None
        total = self._value(self._objective, table)
        for one, only_if in self._soft:
            if only_if is None or any(table[cell] for cell in only_if):
                total += min(0, self._value(one, table))
        return total

    def _value(self, one: Any, table: Table) -> int:
        total: int = one[0]
        for name, cells, factor in one[1]:
            if name == "amount":
                value = sum([table[cell] for cell in cells])
            elif name == "cells":
                value = sum([1 for cell in cells if table[cell]])
            elif name == "counties":
                value = len({self._cells[cell][0] for cell in cells if table[cell]})
            else:
                by_cell = self._yield[name]
                value = sum([by_cell[cell][table[cell]] for cell in cells])
            total += factor * value
        return total


def moved(table: Table, base: Table) -> int:
    """Money units that stand elsewhere than in a base, each counted once."""
    apart = [mine - due for mine, due in zip(table, base, strict=True)]
    return max(sum(by for by in apart if by > 0), -sum(by for by in apart if by < 0))


def _meets(value: Any, due: Any) -> bool:
    """Whether a column's value meets a condition: one value, a list of them, or a range."""
    if isinstance(due, Mapping):
        low, high = due.get("min"), due.get("max")
        here = number(value)
        return (low is None or here >= number(low)) and (high is None or here <= number(high))
    listed = due if isinstance(due, list) else [due]
    if isinstance(value, bool) or not isinstance(value, str):
        return spelled(value).lower() in [spelled(one).lower() for one in listed]
    return value in listed


def rounded(exact: Fraction, places: int, up: bool) -> Fraction:
    """A number of so many decimals at or above (below) an exact one."""
    return Fraction((ceil if up else floor)(exact * 10**places), 10**places)
