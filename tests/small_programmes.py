"""Seeded random programmes, small enough to try every table: rules of every form and sense, bounds
that a table meets to the last of many digits or misses by it, conflicts among them.

`programme(seed, number)` is the same world every time, so that a failure is one pair of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb
from random import Random
from typing import Any

from tests.enumerator import Cells, Enumerator, rounded
from tests.worlds import rule

METRICS = ("jobs", "cost")
MOST_TABLES = 1500
"""So many tables at the most: the budget follows from the number of cells."""
_SHAPES = [(1, 1), (1, 2), (2, 1), (2, 2), (2, 2), (1, 3), (3, 1), (2, 1), (3, 2), (1, 4), (4, 1)]
_LARGE = [(3, 3), (4, 3), (6, 2), (8, 3), (5, 5), (12, 4)]
_MONEY, _TRIED = 20, 200
"""Money units for each place of a large world, at the most; tables of it that are tried."""
_TOWARDS = 0.75
"""Share of the bounds that are placed around what one table comes to."""


def programme(seed: int, number: int, *, large: bool = False) -> dict[str, Any]:
    """The world of that number: arguments of `tests.worlds.write_world`. A `large` one has more
    places and works than could be tried."""
    return _Maker(Random(f"{seed}/{number}"), _LARGE if large else _SHAPES).world()


def decimal(exact: Fraction, places: int = 12) -> str:
    """An exact number as a file writes it: a decimal where it ends within so many places."""
    scaled = exact * 10**places
    if scaled.denominator != 1:
        return f"{exact.numerator}/{exact.denominator}"
    whole = abs(scaled.numerator)
    digits = str(whole).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return f"-{text}" if exact < 0 else text


class _Maker:
    def __init__(self, random: Random, shapes: Sequence[tuple[int, int]]) -> None:
        self._random, self._shapes = random, shapes
        self._pick = random.choice

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def world(self) -> dict[str, Any]:
        counties, tasks = self._pick(self._shapes)
        most = max(n for n in range(1, 1200) if comb(n + counties * tasks, n) <= MOST_TABLES)
        if self._shapes is _LARGE:
            most = _MONEY * counties
        self._budget = self._random.randint(max(1, most // 3), most)
        self._places = {f"c{at}": self._county() for at in range(counties)}
        self._works = {f"t{at}": self._task() for at in range(tasks)}
        columns = {
            "counties": {"heads": "number", "floor": "number", "hilly": "boolean", "zone": "text"},
            "tasks": {"most": "number", "least": "number", "kind": "text"},
        }
        files = {"counties": "counties.csv", "tasks": "tasks.yaml"}
        world: dict[str, Any] = {
            "counties": self._places,
            "tasks": self._works,
            "tiers": [row for c in self._places for t in self._works for row in self._tiers(c, t)],
            "programme": {
                "metrics": [{"id": name, "title": name, "unit": name} for name in METRICS],
                "baseline": {"kind": "table", "file": "baseline.csv"},
                **{side: {"file": files[side], "columns": columns[side]} for side in files},
            },
            "baseline": self._table([(c, t) for c in self._places for t in self._works]),
            "scenario": {"budget": self._budget, "rules": []},
        }
        world["scenario"] |= self._settled(world)
        self._world = Enumerator(world)
        self._near = self._feasible_table()
        rules = self._random.randint(0, 5)
        world["scenario"]["rules"] = [{**self._rule(), "id": f"r{at}"} for at in range(rules)]
        return world

    # Counties, tasks, tiers, and what the scenario settles beside its rules.

    def _county(self) -> dict[str, Any]:
        return {
            "heads": self._pick([self._random.randint(1, 50), self._long(50)]),
            "floor": self._pick([self._random.randint(0, 3), self._long(3)]),
            "hilly": self.chance(0.5),
            "zone": self._pick(["north", "south"]),
        }

    def _task(self) -> dict[str, Any]:
        return {
            "most": self._pick(["0.3", "0.5", "1", self._long(1)]),
            "least": self._random.randint(0, 3),
            "kind": self._pick(["hard", "soft"]),
        }

    def _long(self, most: int) -> str:
        """A number of up to a dozen decimals, above zero."""
        places = self._random.randint(1, 12)
        return decimal(Fraction(self._random.randint(1, most * 10**places), 10**places))

    def _tiers(self, county: str, task: str) -> list[list[Any]]:
        steps = self._random.randint(0, 3)
        widths = [self._random.randint(1, max(1, self._budget // 2)) for _ in range(steps)]
        rates = [self._rates(steps) for _ in METRICS]
        return [
            [county, task, at + 1, widths[at], *(mine[at] for mine in rates)] for at in range(steps)
        ]

    def _rates(self, steps: int) -> list[str]:
        """Rates that mostly fall, of few decimals or of six; some rise, cost, or are fractions."""
        places = self._pick([0, 1, 3, 6, 6])
        drawn = [self._random.randint(0, 3 * 10**places) for _ in range(steps)]
        if self.chance(0.7):
            drawn.sort(reverse=True)
        least = self._pick([0] * 6 + [10**places, 3 * 10**places])
        below = self._pick([10**places] * 6 + [3 * 10**places, 7 * 10**places])
        return [decimal(Fraction(rate - least, below), 6) for rate in drawn]

    def _table(self, cells: Sequence[tuple[str, str]]) -> list[list[Any]]:
        """A baseline: whole money that need not keep any rule but the budget."""
        left, rows = self._budget, []
        for county, task in cells:
            money = self._random.randint(0, left) if self.chance(0.7) else 0
            left -= money
            rows.append([county, task, money])
        return rows

    def _settled(self, world: dict[str, Any]) -> dict[str, Any]:
        """Lot, objective, locks, what is not eligible, money outside the grid."""
        weights = {"jobs": self._pick([1, 2, "1/3"])}
        weights["cost"] = self._pick([0, 0, "-0.1", "-1", "0.5", self._long(1)])
        settled: dict[str, Any] = {"objective": {"weights": weights, "normalise": "none"}}
        base = Enumerator(world)
        every = tuple(range(len(base.cells)))
        yields = [base.read(name, every, base.baseline()) for name in METRICS]
        if self.chance(0.3) and min(yields) > 0:
            settled["objective"]["normalise"] = "baseline"
        lot = self._pick([None, None, None, 1, 2, "2.5", {"column": "least"}])
        if lot is not None:
            settled["lot"] = lot
        county, task = (self._pick(list(side)) for side in (self._places, self._works))
        if self.chance(0.15):
            money = min(self._random.randint(3, 4), self._budget)
            settled["locks"] = [{"county": county, "task": task, "amount": money}]
        elif self.chance(0.15) and len(self._places) * len(self._works) > 1:
            cell = {"county": county, "task": task}
            where = self._pick([{"task": task}, {"county": county}, cell])
            settled["ineligible"] = [{"where": where, "reason": "no"}]
        if self.chance(0.1):
            place = {"code": "city", "name": "City", "reason": "no"}
            settled["outside"] = [{**place, "amount": self._pick([1, "0.5", "0.3333333333"])}]
        return settled

    def _feasible_table(self) -> tuple[int, ...]:
        """A table that keeps what is settled; none at all where chance finds no such."""
        cells = len(self._world.cells)
        if self._shapes is _LARGE:
            tables = (self._random_table(cells) for _ in range(_TRIED))
        else:
            listed = list(self._world.tables())
            tables = (self._pick(listed) for _ in range(20))
        return next(filter(self._world.keeps, tables), (0,) * cells)

    def _random_table(self, cells: int) -> tuple[int, ...]:
        shares = [self._random.random() * self.chance(0.6) for _ in range(cells)]
        money = self._budget * self._random.random() / (sum(shares) or 1)
        return tuple(int(share * money) for share in shares)

    # Rules.

    def _rule(self) -> dict[str, Any]:
        measure = self._pick(["amount", "amount", *METRICS, *METRICS, "cells", "counties"])
        sense = self._pick(["at_least", "at_least", "at_most", "at_most", "equal"])
        fields: dict[str, Any] = {"measure": measure, "per": self._per(), "where": self._where()}
        if self.chance(0.2):
            fields["per_head"] = "heads"
        bound, plain = self._bound(fields, sense)
        fields[sense] = bound
        exact = plain and measure in ("amount", "cells", "counties") and "per_head" not in fields
        if sense == "equal" and not (exact and self.chance(0.5)):
            fields["within"] = self._pick([0, 1, "0.5", "0.000000000001", self._long(2)])
        if sense == "at_least" and plain and "county" in fields["per"] and self.chance(0.5):
            fields["if_funded"] = True
        if self.chance(0.15):
            fields["soft"] = {"price": self._pick(["0.01", "1", "20", self._long(2)])}
        if self.chance(0.05):
            fields["enabled"] = False
        return rule(**fields)

    def _per(self) -> list[str]:
        one = [[], [], ["county"], ["task"], ["zone"], ["hilly"]]
        return self._pick([*one, ["county", "task"], ["zone", "kind"]])

    def _where(self) -> dict[str, Any]:
        county, task = self._pick(list(self._places)), self._pick(list(self._works))
        return self._pick(
            [
                *([{}] * 6),
                {"county": county},
                {"task": [task]},
                {"county": list(self._places), "task": task},
                {"heads": {"min": self._places[county]["heads"]}},
                {"zone": self._places[county]["zone"]},
                {"hilly": self._places[county]["hilly"], "kind": self._works[task]["kind"]},
            ]
        )

    def _bound(self, fields: dict[str, Any], sense: str) -> tuple[Any, bool]:
        """A bound, and whether it is one plain number or column."""
        groups = list(self._world.groups(fields["where"], fields["per"]).values())
        if not groups:
            fields["where"], fields["per"] = {}, []
            groups = list(self._world.groups({}, []).values())
        head, kind = fields.get("per_head"), self._random.random()
        values = [self._read(fields["measure"], group, head) for group in groups]
        if kind < 0.55:
            return self._around(values, sense), True
        if kind < 0.75 and self._can_share(fields, groups):
            return self._share(values, sense, head), False
        return self._other(fields, groups)

    def _read(self, measure: str, group: Sequence[Sequence[str]], head: str | None) -> Fraction:
        cells: Cells = self._world.at(group)
        return self._world.read(measure, cells, self._near) / self._world.heads(group[0], head)

    def _around(self, values: list[Fraction], sense: str) -> str:
        """A number that the near table meets in all groups, mostly; now and then by a hair, or
        misses by a hair."""
        exact = min(values) if sense == "at_least" else max(values)
        if not self.chance(_TOWARDS):
            exact = Fraction(self._random.randint(0, 2 * max(1, int(max(values)))))
        loose = Fraction(-1 if sense == "at_least" else 1)
        if sense == "equal":
            loose = Fraction(self._pick([-1, 1]))
        slack = self._pick(["0", "0", "1e-12", "1e-11", "1e-9", "0.3", "1", "-1e-12", "-1e-9"])
        moved = exact + loose * Fraction(slack)
        text = decimal(max(moved, Fraction(0)))
        if "/" in text and self.chance(0.5) or len(text) > 40:
            text = decimal(rounded(max(moved, Fraction(0)), 11, up=loose > 0))
        return text

    def _can_share(self, fields: dict[str, Any], groups: Sequence[Any]) -> bool:
        return fields["measure"] == "amount" and len(groups) <= 4

    def _share(self, values: list[Fraction], sense: str, head: str | None) -> dict[str, Any]:
        """A share of all the money, or of the budget, around what the near table comes to."""
        of = self._pick(["amount", "budget"])
        everything = [list(self._places), list(self._works)]
        whole = self._read("amount", everything, head)
        if of == "budget":
            whole = Fraction(self._budget) / self._world.heads(self._places, head)
        exact = min(values) if sense == "at_least" else max(values)
        share = exact / whole if whole else Fraction(1, 3)
        places = self._pick([1, 3, 8, 12])
        written = decimal(share)
        if "/" not in written or self.chance(0.5) or len(written) > 40:
            written = decimal(rounded(share, places, up=sense != "at_least"))
        word = "share" if Fraction(written) <= 1 else "times"
        return {word: written, "of": of}

    def _other(self, fields: dict[str, Any], groups: Sequence[Any]) -> tuple[Any, bool]:
        """Columns, parts that add up, shares of other measures, of other cells."""
        per, task = fields["per"], self._pick(list(self._works))
        share = self._pick(["0.1", "1/3", "0.5", self._long(1)])
        forms: list[tuple[Any, bool]] = [
            ({"times": "1.5", "of": self._pick([*METRICS, "cells", "counties", "amount"])}, False),
            ({"share": share, "of": "amount", "where": {"task": task}}, False),
            ({"times": 2, "of": fields["measure"], "where": {"task": task}}, False),
            ([self._long(3), {"share": share, "of": "amount"}], False),
            ([1, {"share": share, "of": "budget"}, {"times": "0.25", "of": "cells"}], False),
            ({"column": "floor", "sum": True}, False),
        ]
        if per:
            own = self._random.sample(per, self._random.randint(1, len(per)))
            forms.append(({"share": share, "of": "amount", "per": own}, False))
        if "task" in per:
            forms.append(({"share": {"column": "most"}, "of": "budget"}, False))
            forms.append(({"times": {"column": "most"}, "of": "jobs", "per": ["task"]}, False))
        if "county" in per:
            forms += [({"column": "floor"}, True), ({"column": "floor", "times": 2}, False)]
        return self._pick(forms)
