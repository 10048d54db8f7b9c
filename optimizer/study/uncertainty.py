"""What drawn assumptions do to tables of money: outcomes, and whether rules are kept; no solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from models.allocation import Allocation
from models.errors import refuse, with_keywords
from models.exact import parse_share
from models.finding import Audit, group_text
from models.scenario import Scenario
from models.solution import Solution
from optimizer.audit import audit
from optimizer.audit.measure import Measured, Reading, read_measures
from optimizer.baselines import reference_table
from optimizer.problem import reference_of
from optimizer.study.assumption_table import Assumptions, assumptions
from optimizer.study.break_even import RateLimit, Turn, metric_of, rate_limits, read_block
from optimizer.study.drawn_response import DrawnResponse, HeldCells
from optimizer.study.hashed_draws import Draws, Floats

if TYPE_CHECKING:
    import pandas as pd

INDEX = "index"
"""Σ points × outcome; points stay those of the scenario as it is assumed, in every draw."""
DRAWS, MOST_DRAWS = 1000, 1_000_000
MOST_CELLS = 5000
"""Funded cells up to which a page draws what its rules hang on."""
Marks = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class OutcomeSpread:
    """What an outcome of a table comes to over the draws; figures that were reached in some draw.

    The share p of the draws is at or below the quantile p: the smallest such figure.
    """

    name: str
    """A metric, or `index`."""
    assumed: Fraction
    """By the numbers as they are assumed, exact."""
    values: Floats
    """[draw]"""
    alpha: Fraction

    @cached_property
    def _sorted(self) -> Floats:
        return np.sort(self.values)

    def quantile(self, share: Fraction) -> float:
        """The smallest figure that this share of the draws is at or below."""
        return float(self._sorted[max(ceil(share * len(self.values)), 1) - 1])

    @property
    def low(self) -> float:
        """The quantile `alpha`."""
        return self.quantile(self.alpha)

    @property
    def median(self) -> float:
        return self.quantile(Fraction(1, 2))

    @property
    def high(self) -> float:
        """The quantile 1 − `alpha`."""
        return self.quantile(1 - self.alpha)

    @property
    def tail(self) -> float:
        """The mean of the lowest share `alpha` of the draws, of one draw at least."""
        return float(self._sorted[: max(ceil(self.alpha * len(self.values)), 1)].mean())


@dataclass(frozen=True, eq=False)
class RuleOdds:
    """A rule that depends on rates, over the draws."""

    rule: str
    assumed_kept: bool
    """By the numbers as they are assumed."""
    kept: Marks
    """[draw] all of its limits are."""
    short: Floats
    """[draw] by how much its worst limit is missed, in the rule's unit; 0 where it is kept."""
    floor: Turn | None
    """The rates below which it is broken, all rates of the metric moved alike: of its limits the
    first to break; None where there are none."""
    cap: Turn | None
    """The rates above which it is broken."""
    worst: tuple[tuple[str, str], ...]
    """The group of the limit that is broken in most draws."""
    soft: bool

    @property
    def count(self) -> int:
        """In how many draws it is kept."""
        return int(self.kept.sum())

    @property
    def shortfall(self) -> float:
        """The mean miss of the draws in which it is broken; 0 where it never is."""
        missed = self.short[~self.kept]
        return float(missed.mean()) if len(missed) else 0.0


@dataclass(frozen=True, eq=False)
class TableDraws:
    """One table of money over all draws."""

    name: str
    """proposal, table, baseline or repaired."""
    allocation: Allocation
    audit: Audit
    """By the numbers as they are assumed."""
    spreads: tuple[OutcomeSpread, ...]
    """The metrics, then the index where there is one."""
    odds: tuple[RuleOdds, ...]

    @property
    def kept(self) -> Marks:
        """[draw] every rule that depends on rates is kept, soft ones apart."""
        marks = [one.kept for one in self.odds if not one.soft]
        return np.all(marks, axis=0) if marks else np.ones(len(self.spreads[0].values), dtype=bool)

    @property
    def settled_broken(self) -> tuple[str, ...]:
        """Rules of money that are broken, in whatever draw."""
        drawn = {one.rule for one in self.odds}
        return tuple(rule for rule in self.audit.broken_rules if rule not in drawn)


@dataclass(frozen=True)
class Better:
    """Of two tables, in how many draws the first is the better one; the same draws for both."""

    one: str
    other: str
    name: str
    """A metric or the index."""
    better: int
    equal: int
    draws: int


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Tables of money read under drawn assumptions.

    A share of draws is over the ranges of `assumed` and over nothing else.
    """

    scenario: Scenario
    assumed: Assumptions
    drawn: Draws
    alpha: Fraction
    tables: tuple[TableDraws, ...]

    def __repr__(self) -> str:
        first = self.tables[0]
        kept = int(first.kept.sum())
        return (
            f"Uncertainty of {self.scenario.name}: {len(self.drawn)} draws of "
            f"{len(self.drawn.values)} numbers, seed {self.drawn.seed}; the {first.name} keeps "
            f"its rules on outcomes in {kept}"
        )

    @property
    def compared(self) -> tuple[Better, ...]:
        """The first table against each other one, draw by draw."""
        first, *others = self.tables
        return tuple(
            Better(
                first.name,
                other.name,
                mine.name,
                int((mine.values > its.values).sum()),
                int((mine.values == its.values).sum()),
                len(self.drawn),
            )
            for other in others
            for mine, its in zip(first.spreads, other.spreads, strict=True)
        )

    def outcome_rows(self) -> list[dict[str, Any]]:
        """A row a table and outcome, as `outcomes` has them."""
        return [
            {
                "table": table.name,
                "outcome": one.name,
                "assumed": one.assumed,
                "low": one.low,
                "median": one.median,
                "high": one.high,
                "tail": one.tail,
            }
            for table in self.tables
            for one in table.spreads
        ]

    def rule_rows(self) -> list[dict[str, Any]]:
        """A row a table and rule, as `rules` has them."""
        return [row for table in self.tables for row in self._rules_of(table)]

    def _rules_of(self, table: TableDraws) -> list[dict[str, Any]]:
        odds = {one.rule: one for one in table.odds}
        broken, rows = set(table.audit.broken_rules), []
        for rule in dict.fromkeys(finding.rule for finding in table.audit.findings):
            one = odds.get(rule)
            row: dict[str, Any] = {"table": table.name, "rule": rule}
            row |= {"depends": one is not None, "assumed_kept": rule not in broken}
            if one is not None:
                row |= {"kept": one.count, "draws": len(self.drawn)}
                row |= {"floor": one.floor and one.floor.times, "cap": one.cap and one.cap.times}
                row |= {"shortfall": one.shortfall, "worst": group_text(one.worst)}
            rows.append(row)
        return rows

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row a table and outcome: `table`, `outcome` (a metric or index), `assumed` (by the
        numbers as they are), `low`, `median`, `high` (quantiles alpha, half, 1 − alpha), `tail`
        (mean of the lowest share alpha): in the metric's unit, the index in points."""
        import pandas as pd

        rows = self.outcome_rows()
        return pd.DataFrame([{**row, "assumed": float(row["assumed"])} for row in rows])

    @property
    def rules(self) -> pd.DataFrame:
        """One row a table and rule: `table`, `rule`, `depends` (bool: on rates), `assumed_kept`
        (bool: by the numbers as they are), `kept` (in how many draws), `draws`, `share` (kept /
        draws), `floor` and `cap` (the rule is broken where all rates of its metric are below, or
        above, so many times what is assumed), `shortfall` (mean miss where it is broken, in the
        rule's unit), `worst` (its group that is broken most often). NaN where a rule has none: one
        of money alone is kept or broken, whatever is drawn."""
        import pandas as pd

        columns = ["table", "rule", "depends", "assumed_kept", "kept", "draws", "floor", "cap"]
        frame = pd.DataFrame(self.rule_rows(), columns=[*columns, "shortfall", "worst"])
        for name in ("kept", "draws", "floor", "cap", "shortfall"):
            frame[name] = [None if one is None else float(one) for one in frame[name]]
            frame[name] = frame[name].astype(float)
        frame.insert(6, "share", frame["kept"] / frame["draws"])
        return frame

    @property
    def better(self) -> pd.DataFrame:
        """One row an outcome and pair of tables: `one`, `other`, `outcome`, `better` (in how many
        draws the first has more of it), `equal`, `draws`."""
        import pandas as pd

        return pd.DataFrame([{**vars(one), "outcome": one.name} for one in self.compared]).drop(
            columns="name", errors="ignore"
        )

    @property
    def draws(self) -> pd.DataFrame:
        """One row a draw: `draw` (its number), every drawn number by its path, and every outcome of
        every table as `table: outcome`."""
        import pandas as pd

        figures = {
            f"{table.name}: {one.name}": one.values
            for table in self.tables
            for one in table.spreads
        }
        return pd.DataFrame({"draw": list(self.drawn.numbers), **self.drawn.values, **figures})


class HowDrawn(TypedDict, total=False):
    """What draws may be asked for."""

    draws: int
    seed: int
    alpha: str | float


@with_keywords(*HowDrawn.__annotations__)
def uncertainty(
    of: Solution | Scenario,
    *,
    tables: Mapping[str, Allocation] | None = None,
    within: str | None = None,
    sample: Mapping[str, object] | Assumptions | None = None,
    **how: Unpack[HowDrawn],
) -> Uncertainty:
    """Read tables of money under drawn assumptions, each rule and each outcome, without a solver.

    Drawn are the constants that rates are made of, shared by all cells (an effect of a task, kappa,
    a saturation scale, a power), never single cells, whose noise would average out. All tables are
    read under the same draws: the solution's, its baseline and the baseline mended, or the `tables`
    by name, the scenario's baseline beside them. What a unit of a metric is worth stays as it is
    assumed.

    `within`: every drawn number lies so far from what is written, all of it as likely; without it
    each has its own range (`assumptions`). `sample`: path or pattern → range, over that, or what
    `assumptions(…).sample(…)` gave. `draws` (1,000), `seed` (1). `alpha` (5%): the share of draws
    beyond the low quantile, and beyond the high one. A share of draws is over these ranges and
    nothing else. The numbers of draw 1, 2 … come from a hash of `seed`, the number and the path, so
    that they are the same wherever and in whatever order they are drawn.

    Raises `InputError` for a path that is not drawn, a range that is none, and numbers out of
    range.
    """
    scenario, found = _tables(of, tables)
    share, seed = check_draws(**how), how.get("seed", 1)
    numbers = range(1, how.get("draws", DRAWS) + 1)
    assumed = sample if isinstance(sample, Assumptions) else assumptions(scenario)
    assumed = assumed.within(within)
    if sample is not None and not isinstance(sample, Assumptions):
        assumed = assumed.sample(sample)
    drawn = assumed.draws(numbers, seed)
    return Uncertainty(scenario, assumed, drawn, share, _read(scenario, found, drawn, share))


def rule_odds(scenario: Scenario, table: Allocation) -> tuple[RuleOdds, ...]:
    """The rules of a table that depend on rates, over 1,000 draws from each number's own range with
    seed 1: what a record says of how sure it is. Empty where no rule does, and of a table of so
    many cells that to draw them would cost more than all else on a page.

    Raises `InputError` for a sources.yaml that cannot be read.
    """
    reading = read_measures(scenario, table)
    limits = list(rate_limits(scenario, reading))
    if not limits or np.count_nonzero(table.amounts) > MOST_CELLS:
        return ()
    drawn = assumptions(scenario).draws(range(1, DRAWS + 1), 1)
    figures = _BlockReader(scenario, {"": reading}, {"": limits}).read(drawn)[""]
    return _odds(scenario, limits, reading, figures)


def closest_turn(odds: Sequence[RuleOdds]) -> tuple[RuleOdds, Turn] | None:
    """Of rules that are kept as assumed, the one that the least change of rates would break."""
    turns = [
        (one, turn)
        for one in odds
        for turn in (one.floor, one.cap)
        if one.assumed_kept and turn is not None
    ]
    return min(turns, key=lambda pair: abs(pair[1].times - 1), default=None)


def _tables(
    of: Solution | Scenario, tables: Mapping[str, Allocation] | None
) -> tuple[Scenario, dict[str, Allocation]]:
    """The scenario, and the tables by name with the baseline last but for that mended."""
    if isinstance(of, Scenario):
        return of, {**(tables or {}), "baseline": reference_of(of).allocation}
    if tables is not None:
        return of.scenario, {**tables, "baseline": of.baseline.allocation}
    found = {"proposal": of.allocation, "baseline": of.baseline.allocation}
    if of.repaired is not None:
        found["repaired"] = of.repaired.allocation
    return of.scenario, found


def check_draws(draws: int = DRAWS, seed: int = 1, alpha: str | float = "5%") -> Fraction:
    """`alpha` as a share; raises `InputError` where one of the three is out of range."""
    if not 1 <= draws <= MOST_DRAWS:
        refuse("", "draws", f"from 1 to {MOST_DRAWS:,} draws are due here, not {draws:,}")
    if seed < 0:
        refuse("", "seed", f"a whole number of zero or more is due here, not {seed}")
    try:
        share = parse_share(alpha)
    except ValueError as error:
        refuse("", "alpha", str(error))
    if not 0 < share < 1:
        refuse("", "alpha", f"{alpha} is not a share above 0% and below 100%")
    return share


def _read(
    scenario: Scenario, tables: Mapping[str, Allocation], drawn: Draws, alpha: Fraction
) -> tuple[TableDraws, ...]:
    readings = {name: read_measures(scenario, table) for name, table in tables.items()}
    limits = {name: list(rate_limits(scenario, one)) for name, one in readings.items()}
    reader = _BlockReader(scenario, readings, limits)
    figures = reader.read(drawn)
    reference = reference_of(scenario)
    points = reference.points if scenario.spec.objective.has_points else {}
    found = []
    for name, table in tables.items():
        audited = audit(scenario, table, whole=False)
        values = {metric: figures[name][block] for metric, block in reader.totals.items()}
        spreads = [
            OutcomeSpread(metric, audited.outcomes[metric], one, alpha)
            for metric, one in values.items()
        ]
        if points:
            index = sum(float(points[metric]) * one for metric, one in values.items())
            exact = sum((points[m] * audited.outcomes[m] for m in points), Fraction(0))
            spreads.append(OutcomeSpread(INDEX, exact, np.asarray(index), alpha))
        odds = _odds(scenario, limits[name], readings[name], figures[name])
        found.append(TableDraws(name, table, audited, tuple(spreads), odds))
    return tuple(found)


_BOUNDS = "*"
"""Stands for the table that bounds refer to."""


class _BlockReader:
    """What blocks of cells come to, table by table, in every draw."""

    def __init__(
        self,
        scenario: Scenario,
        readings: Mapping[str, Reading],
        limits: Mapping[str, Sequence[RateLimit]],
    ) -> None:
        self._scenario, self._readings = scenario, readings
        counties, tasks = (tuple(range(size)) for size in scenario.programme.shape)
        self._metrics = scenario.programme.metrics
        self.totals = {metric: Measured(metric, counties, tasks) for metric in self._metrics}
        listed = [m for each in limits.values() for limit in each for m in limit.terms]
        self._blocks = list(dict.fromkeys([*self.totals.values(), *listed]))

    def read(self, drawn: Draws) -> dict[str, dict[Measured, Floats]]:
        """Table → block → [draw] its outcome, in the metric's unit; of `baseline: …` blocks that of
        the table that bounds refer to."""
        tables = {
            name: np.array([[float(one) for one in row] for row in reading.amounts])
            for name, reading in self._readings.items()
        }
        bounds = [one for one in self._blocks if one.measure not in self._metrics]
        if bounds:
            tables[_BOUNDS] = reference_table(self._scenario).amounts.astype(np.float64)
        counties, tasks = np.nonzero(np.any([table > 0 for table in tables.values()], axis=0))
        cells = HeldCells(counties, tasks, tuple(t[counties, tasks] for t in tables.values()))
        masks = np.array([self._covers(one, cells) for one in self._blocks])
        of = metric_of(self._metrics)
        rows = np.array([self._metrics.index(of[one.measure]) for one in self._blocks])
        mine = [np.flatnonzero(rows == metric) for metric in range(len(self._metrics))]
        chosen = [(metric, at, masks[at].T) for metric, at in enumerate(mine)]
        sums = {name: np.empty((len(drawn), len(self._blocks))) for name in tables}
        response = DrawnResponse(self._scenario)
        for piece, found in response.outcomes(drawn, cells):
            for name, outcome in zip(tables, found, strict=True):
                for metric, at, mask in chosen:
                    # Whole numbers in floats: whatever the order of adding, the sum is exact.
                    sums[name][piece, at] = outcome[:, metric] @ mask
        return {
            name: {
                block: sums[_BOUNDS if block in bounds else name][:, at] / response.scale
                for at, block in enumerate(self._blocks)
            }
            for name in self._readings
        }

    def _covers(self, block: Measured, cells: HeldCells) -> Floats:
        inside = np.zeros(self._scenario.programme.shape)
        inside[np.ix_(block.counties, block.tasks)] = 1.0
        return np.asarray(inside[cells.counties, cells.tasks], dtype=np.float64)


def _odds(
    scenario: Scenario,
    limits: Sequence[RateLimit],
    reading: Reading,
    figures: Mapping[Measured, Floats],
) -> tuple[RuleOdds, ...]:
    by_rule: dict[str, list[RateLimit]] = {}
    for limit in limits:
        by_rule.setdefault(limit.rule, []).append(limit)

    def read(measured: Measured) -> Fraction:
        return read_block(scenario, reading, measured)

    found = []
    for rule, mine in by_rule.items():
        rooms = np.array([_room(limit, figures) for limit in mine])
        turns = [limit.turn(read, scenario.programme.metrics) for limit in mine]
        floors = [turn for turn in turns if turn and turn.is_floor]
        caps = [turn for turn in turns if turn and not turn.is_floor]
        exact = [sum((f * read(m) for m, f in one.terms.items()), one.fixed) for one in mine]
        found.append(
            RuleOdds(
                rule,
                all(one >= 0 for one in exact),
                np.all(rooms >= 0, axis=0),
                np.maximum(-rooms, 0).max(axis=0),
                max(floors, key=lambda turn: turn.times, default=None),
                min(caps, key=lambda turn: turn.times, default=None),
                mine[int((rooms < 0).sum(axis=1).argmax())].key,
                mine[0].soft,
            )
        )
    return tuple(found)


def _room(limit: RateLimit, figures: Mapping[Measured, Floats]) -> Floats:
    """[draw] what is left to the limit."""
    parts = [float(factor) * figures[measured] for measured, factor in limit.terms.items()]
    return np.asarray(sum(parts) + float(limit.fixed), dtype=np.float64)
