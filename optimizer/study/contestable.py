"""Contestable money: what of a proposal would stand in other counties if what is assumed were
otherwise, and what hangs on no guess.

Of each draw the table is taken that is good enough and moves least money between counties
(`optimizer.study.redrawn`). So money moves only where the proposal cannot be mended within counties
to come within the share that is given up.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from models.allocation import Allocation
from models.errors import Problems, refuse, with_keywords
from models.exact import parse_share
from models.objective import need_points
from models.scenario import Scenario
from models.solution import Solution
from optimizer.audit import audit
from optimizer.problem import Problem
from optimizer.process_pool import Work
from optimizer.study.assumed_numbers import Assumption
from optimizer.study.assumption_table import Assumptions, assumptions
from optimizer.study.batch import Changes
from optimizer.study.drivers import FEWEST, least_told, rank_correlations
from optimizer.study.hashed_draws import Draws
from optimizer.study.redrawn import RedrawnTable, RedrawnTables
from optimizer.study.runner import Anchored, How, Watch, executor

if TYPE_CHECKING:
    import pandas as pd

DRAWS, GIVE, GAP = 100, "0.2%", 3e-4
ALPHA = Fraction(1, 20)
"""Share of the draws beyond each end of a range."""
PIECE = 5
"""So many draws are one task of a pool."""
Stance = Literal["safe", "data", "rules"]
"""safe: the same in nearly all draws; data: not so; rules: the same, and held there by a limit of
its own."""
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Stake:
    """The money of a county or of a cell over the draws."""

    place: tuple[str, ...]
    """(county,) or (county, task), by code and id."""
    now: int
    """In the proposal, money units."""
    low: int
    """The smallest amount that a twentieth of the draws is at or below."""
    high: int
    """The smallest amount that nineteen twentieths are."""
    changed: int
    """In how many draws it is another amount."""
    funded: int
    """In how many draws there is any."""
    driver: Assumption | None
    """The drawn number that it moves with most; None where that may be chance."""
    related: float
    """Its rank correlation with that; 0 where there is none."""

    @property
    def is_contested(self) -> bool:
        """Whether its range holds more than the amount of the proposal."""
        return not self.low == self.now == self.high


@dataclass(frozen=True, eq=False)
class Contestable:
    """A proposal, and what drawn assumptions do to the money of its counties and cells.

    A share of draws is over the ranges of `assumed` and over nothing else.
    """

    scenario: Scenario
    proposal: Allocation
    assumed: Assumptions
    drawn: Draws
    give: Fraction
    tables: tuple[RedrawnTable, ...]
    """[draw]"""

    def __repr__(self) -> str:
        found = [self.stance(one) for one in self.counties]
        told = ", ".join(f"{found.count(kind)} {kind}" for kind in ("safe", "data", "rules"))
        return f"Contestable money of {self.scenario.name}: {len(self.tables)} draws; {told}"

    @cached_property
    def amounts(self) -> Whole:
        """[draw that has a table, county, task] money units."""
        shape = self.scenario.programme.shape
        return np.array([one.amounts for one in self.tables if one.amounts]).reshape(-1, *shape)

    @cached_property
    def counties(self) -> tuple[Stake, ...]:
        """In the order of the file."""
        now = np.array(self.proposal.amounts, dtype=np.int64).sum(axis=1)
        places: list[tuple[str, ...]] = [(code,) for code in self.scenario.programme.counties.ids]
        return self._stakes(places, now, self.amounts.sum(axis=2))

    @cached_property
    def cells(self) -> tuple[Stake, ...]:
        """Those that have money in the proposal or in a draw."""
        programme = self.scenario.programme
        places: list[tuple[str, ...]]
        places = [(c, t) for c in programme.counties.ids for t in programme.tasks.ids]
        now = np.array(self.proposal.amounts, dtype=np.int64).ravel()
        found = self._stakes(places, now, self.amounts.reshape(len(self.amounts), -1))
        return tuple(one for one in found if one.now or one.funded)

    @cached_property
    def holding(self) -> Mapping[str, tuple[str, ...]]:
        """County → rules of its own on money that leave it no room, down or up."""
        found: dict[str, list[str]] = {}
        of_money = {rule.id for rule in self.scenario.rules if rule.measure == "amount"}
        for one in audit(self.scenario, self.proposal).findings:
            columns = [column for column, _ in one.key]
            if one.tight and columns == ["county"] and one.rule in of_money:
                found.setdefault(one.key[0][1], []).append(one.rule)
        return {county: tuple(rules) for county, rules in found.items()}

    def stance(self, county: Stake) -> Stance:
        """What is to be argued about where a county's money is."""
        if county.is_contested:
            return "data"
        return "rules" if county.place[0] in self.holding else "safe"

    @cached_property
    def first(self) -> tuple[tuple[Assumption, int, int], ...]:
        """(drawn number, counties whose money moves with it most, the width of their ranges in
        all, money units), the widest first: what to verify first."""
        found: dict[str, tuple[Assumption, int, int]] = {}
        for one in self.counties:
            if one.driver is not None and one.is_contested:
                held = found.get(one.driver.path, (one.driver, 0, 0))
                wide = held[2] + one.high - one.low
                found[one.driver.path] = (one.driver, held[1] + 1, wide)
        return tuple(sorted(found.values(), key=lambda each: (-each[2], each[0].path)))

    def count(self, told: str) -> int:
        """How many draws came out so."""
        return sum(one.told == told for one in self.tables)

    @property
    def failing(self) -> dict[tuple[str, ...], int]:
        """Rules that cannot be kept together → in how many draws that leaves no allocation."""
        found: dict[tuple[str, ...], int] = {}
        for one in self.tables:
            if one.told == "infeasible":
                found[one.failing] = found.get(one.failing, 0) + 1
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    def _stakes(self, places: list[tuple[str, ...]], now: Whole, money: Whole) -> tuple[Stake, ...]:
        if not len(money):
            return tuple(
                Stake(place, int(amount), int(amount), int(amount), 0, 0, None, 0.0)
                for place, amount in zip(places, now, strict=True)
            )
        ends = [np.sort(money, axis=0)[_place(share, len(money))] for share in (ALPHA, 1 - ALPHA)]
        best, related = self._drivers(money)
        return tuple(
            Stake(
                place,
                int(now[at]),
                int(ends[0][at]),
                int(ends[1][at]),
                int((money[:, at] != now[at]).sum()),
                int((money[:, at] > 0).sum()),
                best[at],
                related[at],
            )
            for at, place in enumerate(places)
        )

    def _drivers(self, money: Whole) -> tuple[list[Assumption | None], list[float]]:
        """[place] the drawn number that money goes with most, and how closely."""
        rows = [at for at, one in enumerate(self.tables) if one.amounts]
        count = money.shape[1]
        if len(rows) < FEWEST or not self.drawn.values:
            return [None] * count, [0.0] * count
        numbers = np.array([values[rows] for values in self.drawn.values.values()])
        found = rank_correlations(numbers, money.T.astype(np.float64))
        top = np.abs(found).argmax(axis=0)
        by_path = {one.path: one for one in self.assumed.drawn}
        paths, least = list(self.drawn.values), least_told(len(numbers), len(rows))
        related = [float(found[at, place]) for place, at in enumerate(top)]
        told = [abs(value) >= least for value in related]
        return (
            [by_path[paths[at]] if t else None for at, t in zip(top, told, strict=True)],
            [value if t else 0.0 for value, t in zip(related, told, strict=True)],
        )

    def county_rows(self) -> list[dict[str, Any]]:
        """A row a county, as `county_frame` has them."""
        return [
            {
                **_row(one, ("county",)),
                "stance": self.stance(one),
                "rules": " ".join(self.holding.get(one.place[0], ())),
            }
            for one in self.counties
        ]

    def cell_rows(self) -> list[dict[str, Any]]:
        """A row a cell, as `cell_frame` has them."""
        return [_row(one, ("county", "task")) for one in self.cells]

    def draw_rows(self) -> list[dict[str, Any]]:
        """A row a draw, as `draw_frame` has them."""
        return [
            {
                "draw": number,
                "told": one.told,
                "before": one.before,
                "worth": one.worth,
                "bound": one.bound,
                "gap": one.gap,
                "moved": one.moved if one.amounts else None,
                "moved_at_least": one.moved_at_least if one.amounts else None,
                "failing": " ".join(one.failing),
            }
            for number, one in zip(self.drawn.numbers, self.tables, strict=True)
        ]

    @property
    def county_frame(self) -> pd.DataFrame:
        """One row a county: `county`, `now` (money units of the proposal), `low`, `high` (what a
        twentieth and nineteen twentieths of the draws are at or below), `changed` and `funded` (in
        how many draws), `draws` (with a table), `driver` (path, empty where it may be chance),
        `related`, `stance` (safe, data, rules), `rules` (that hold it)."""
        return _frame([{**row, "draws": len(self.amounts)} for row in self.county_rows()])

    @property
    def cell_frame(self) -> pd.DataFrame:
        """One row a cell with money in the proposal or in a draw, as `county_frame`."""
        return _frame([{**row, "draws": len(self.amounts)} for row in self.cell_rows()])

    @property
    def draw_frame(self) -> pd.DataFrame:
        """One row a draw: `told` (kept, rearranged, moved, infeasible, no answer), `before` and
        `worth` (points of the proposal and of the table drawn anew; NaN where a rule is broken),
        `bound`, `gap`, `moved` and `moved_at_least` (money units), `failing`."""
        return _frame(self.draw_rows())


def _place(share: Fraction, count: int) -> int:
    return max(ceil(share * count), 1) - 1


def _row(one: Stake, names: tuple[str, ...]) -> dict[str, Any]:
    told = {"now": one.now, "low": one.low, "high": one.high}
    told |= {"changed": one.changed, "funded": one.funded}
    driver = "" if one.driver is None else one.driver.path
    return {**dict(zip(names, one.place, strict=True)), **told, "driver": driver} | {
        "related": one.related
    }


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    exact = ({k: float(v) if isinstance(v, Fraction) else v for k, v in r.items()} for r in rows)
    return pd.DataFrame(list(exact))


class ContestChanges(TypedDict, total=False):
    """What `contestable` may be asked for beside the ranges."""

    give: str | float
    draws: int
    seed: int
    gap: float
    workers: int | None
    dask: str | None


@with_keywords(*ContestChanges.__annotations__)
def contestable(
    of: Solution | Scenario,
    *,
    table: Allocation | None = None,
    within: str | None = None,
    sample: Mapping[str, object] | Assumptions | None = None,
    watch: Watch | None = None,
    **how: Unpack[ContestChanges],
) -> Contestable:
    """Which money of a proposal depends on what is assumed, county by county and cell by cell.

    For each of `draws` (100) draws of the assumptions (drawn as `uncertainty` draws them, with
    `within`, `sample`, `seed`) the table is sought that keeps every rule, comes within `give`
    (0.2%) of what no allocation of the draw exceeds, and moves least money between counties. Where
    the proposal itself does, or does with other money within its counties, none moves, and nothing
    further is searched. Points per unit stay as they are assumed. `gap` (3e-4): how near each
    search comes to its bound. `table`: another proposal than the solution's, in whole money units;
    of a scenario it is due. `workers`, `dask`, `watch` as in `solve_many`; the same for any number.

    A draw that leaves no allocation is counted, with the rules that cannot be kept together. Raises
    `InputError` for a range that is none, a proposal in parts of units, and a scenario without
    points.
    """
    scenario, proposal = _proposal(of, table)
    give = share_given(scenario, how.get("give", GIVE), how.get("draws", DRAWS))
    if not proposal.is_whole:
        refuse("", "table", "holds parts of money units; draws are answered in whole ones")
    assumed = sample if isinstance(sample, Assumptions) else assumptions(scenario)
    assumed = assumed.within(within)
    if sample is not None and not isinstance(sample, Assumptions):
        assumed = assumed.sample(sample)
    if not assumed.drawn:
        refuse("", "sample", "holds every number, so there is nothing to draw")
    drawn = assumed.draws(range(1, how.get("draws", DRAWS) + 1), how.get("seed", 1))
    anchored = Anchored(Problem.of(scenario), secrets.token_hex(8))
    where = How(workers=how.get("workers") or 1, dask=how.get("dask"))
    starts = range(0, len(drawn), PIECE)

    def tasks() -> Iterator[tuple[int, Work]]:
        for number, start in enumerate(starts):
            piece = Changes(constants=drawn.cut(start, start + PIECE).values, keeps_points=True)
            gap = how.get("gap", GAP)
            yield number, RedrawnTables(anchored, proposal, piece, give, gap)

    found: dict[int, list[RedrawnTable]] = {}
    for number, tables in executor(where, len(starts))(tasks()):
        size = len(drawn.cut(starts[number], starts[number] + PIECE))
        found[number] = tables or [RedrawnTable("no answer", None)] * size
        if watch is not None:
            watch(sum(map(len, found.values())), len(drawn))
    ordered = tuple(one for number in sorted(found) for one in found[number])
    return Contestable(scenario, proposal, assumed, drawn, give, ordered)


def _proposal(of: Solution | Scenario, table: Allocation | None) -> tuple[Scenario, Allocation]:
    if isinstance(of, Solution):
        return of.scenario, of.allocation if table is None else table
    if table is None:
        refuse("", "table", "a scenario has no proposal; solve it, or name a table")
    return of, table


def share_given(scenario: Scenario, give: str | float = GIVE, draws: int = DRAWS) -> Fraction:
    """`give` as a share; raises `InputError` for what cannot be asked of a scenario."""
    need_points(scenario)
    problems = Problems()
    if scenario.spec.objective.aims:
        message = "is an ordered list of aims; draws are answered for one objective"
        problems.add("", "objective", message)
    if draws < 1:
        problems.add("", "draws", f"at least one draw is due here, not {draws}")
    share = Fraction(0)
    try:
        share = parse_share(give)
    except ValueError as error:
        problems.add("", "give", str(error))
    if not 0 <= share < 1:
        problems.add("", "give", f"{give} is not a share from 0% to below 100%")
    problems.raise_if_any()
    return share
