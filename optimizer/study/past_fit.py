"""What past money and outcomes say of the response: kappa fitted to them, and how well one year
tells another.

A record says little: two totals fix the level of each metric and nothing else. What cannot be told
from it is said so, and stays as it is assumed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares
from scipy.special import stdtrit, xlogy

from models.allocation import Allocation
from models.errors import Problems, did_you_mean, refuse, with_keywords
from models.exact import exact_text
from models.last_year import read_last_year
from models.response import KAPPA_GRID
from models.scenario import Scenario
from models.solution import Solution
from optimizer.problem import reference_of
from optimizer.study.assumed_numbers import Assumption
from optimizer.study.assumption_table import assumptions
from optimizer.study.design import Paths, nested
from optimizer.study.drawn_response import DrawnResponse
from optimizer.study.hashed_draws import Draws, Floats
from optimizer.study.past_table import PastRow, PastTable, laid_out, past_of

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10
"""Observations of a metric below which nothing but its level is fitted, and no interval given."""
FREE = ("response.tasks.*",)
_WIDEST = 4.0
"""Times what is assumed, either way, that a fitted number may lie at the most (assumption)."""
_LITTLE = 0.9
"""A number whose interval is no narrower than this share of its range was not told by the record
(assumption)."""
_TAIL = 0.95
"""Share below the upper end of an interval, and above the lower one."""
_NORMAL_95 = 1.6448536269514722
_STEP = 0.02
"""Relative step of a derivative: ends of tiers are rounded to whole money units."""
_ROUNDS, _TINY = 3, 1e-12


@dataclass(frozen=True)
class FittedNumber:
    """One number of the response held against the record."""

    number: Assumption
    fitted: float
    """As it is assumed where nothing was fitted."""
    low: float | None
    high: float | None
    """Ends of the 5–95 % interval; None where there is none."""
    observations: int
    why: str
    """Why it has no interval: `none` (no outcome of its metric), `few` (under ten), `little` (no
    narrower than what was assumed before); empty where it has one."""

    @property
    def changed(self) -> bool:
        """Whether it was fitted at all."""
        return self.fitted != float(Fraction(self.number.now))


@dataclass(frozen=True)
class PastMiss:
    """What a response says of a past row, beside what was counted."""

    fitted_to: tuple[str, ...]
    """The periods that its level was fitted to."""
    row: PastRow
    metric: str
    predicted: float

    @property
    def observed(self) -> Fraction:
        """What was counted."""
        return self.row.outcomes[self.metric]

    @property
    def miss(self) -> float | None:
        """(predicted − observed) / observed; None where nothing was counted."""
        return self.predicted / float(self.observed) - 1 if self.observed else None


@dataclass(frozen=True, eq=False)
class Refit:
    """A scenario's response fitted to past money and outcomes."""

    scenario: Scenario
    past: PastTable
    numbers: tuple[FittedNumber, ...]
    misses: tuple[PastMiss, ...]
    """Of every row, by the numbers as they are fitted."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{n.number.path} {n.fitted:.6g}" for n in self.numbers if n.changed)
        return f"Refit of {self.scenario.name} to {len(self.past.rows)} rows: {shown or 'nothing'}"

    @property
    def changes(self) -> dict[str, str]:
        """Path → the number as it is fitted, to nine decimals, as `--set` takes it."""
        return {
            one.number.path: exact_text(Fraction(round(one.fitted * KAPPA_GRID), KAPPA_GRID))
            for one in self.numbers
            if one.changed
        }

    @cached_property
    def refitted(self) -> Scenario:
        """The scenario with these numbers; its baseline, and so its points, are read by them."""
        known = Paths(self.scenario).known
        patch = nested((known[path], value) for path, value in self.changes.items())
        return self.scenario.replace(**patch) if patch else self.scenario

    @property
    def frame(self) -> pd.DataFrame:
        """One row a number: `path`, `assumed`, `fitted`, `low` and `high` (5–95 %, NaN without an
        interval), `observations`, `why` there is none: none, few, little."""
        import pandas as pd

        rows = [
            (n.number.path, float(Fraction(n.number.now)), n.fitted, n.low, n.high)
            + (n.observations, n.why)
            for n in self.numbers
        ]
        columns = ["path", "assumed", "fitted", "low", "high", "observations", "why"]
        return pd.DataFrame(rows, columns=columns).astype({"low": float, "high": float})


@dataclass(frozen=True)
class ShareBeside:
    """One county of a published table, beside the same county here."""

    county: str
    published: Fraction
    """Money units, as are the others."""
    proposal: Fraction
    baseline: Fraction


@dataclass(frozen=True, eq=False)
class Backtest:
    """Each past period told from the others."""

    scenario: Scenario
    past: PastTable
    misses: tuple[PastMiss, ...]
    beside: tuple[ShareBeside, ...] = ()
    """Of the counties of a published table; shares are among these counties."""
    published_file: str = ""
    outside: tuple[tuple[str, Fraction], ...] = ()
    """(name, money) of what the published table gives outside the grid."""

    def __repr__(self) -> str:
        told = ", ".join(
            f"{m.row.period} {m.metric} {m.miss:+.1%}" for m in self.misses if m.miss is not None
        )
        return f"Backtest of {self.scenario.name}: {told}"

    @property
    def frame(self) -> pd.DataFrame:
        """One row a prediction: `fitted_to`, `period`, `county`, `task` (empty for all), `metric`,
        `predicted`, `observed`, `miss` (a share of what was observed)."""
        import pandas as pd

        counties, tasks = self.scenario.programme.counties.ids, self.scenario.programme.tasks.ids
        rows = [
            {
                "fitted_to": " ".join(one.fitted_to),
                "period": one.row.period,
                "county": "" if one.row.county is None else counties[one.row.county],
                "task": "" if one.row.task is None else tasks[one.row.task],
                "metric": one.metric,
                "predicted": one.predicted,
                "observed": float(one.observed),
                "miss": one.miss,
            }
            for one in self.misses
        ]
        return pd.DataFrame(rows).astype({"miss": float})

    @property
    def shares(self) -> pd.DataFrame:
        """One row a county of the published table: `county`, and its share of the money of these
        counties as `published`, in the `proposal` and in the `baseline`."""
        import pandas as pd

        rows = [(one.county, one.published, one.proposal, one.baseline) for one in self.beside]
        names = ["published", "proposal", "baseline"]
        frame = pd.DataFrame(rows, columns=["county", *names]).astype(dict.fromkeys(names, float))
        frame[names] = frame[names] / frame[names].sum()
        return frame


@with_keywords()
def calibrate(
    scenario: Scenario,
    past: str | Path | pd.DataFrame,
    *,
    free: str | Sequence[str] | Mapping[str, object] = FREE,
) -> Refit:
    """The response fitted to past money and outcomes (`read_past` says what the table holds).

    The level of each metric, kappa, is the total that was counted over the total that the response
    gives. Numbers that match `free` are fitted too where ten observations or more speak of them:
    by least squares of the deviances of counts, their ranges as priors (`free` as path or pattern →
    range gives others), no further than four times from what is assumed. Intervals are 5–95 %, of a
    metric with ten observations at least. Where a row says the money of several cells together, it
    is spread over them as in the scenario's own baseline, which is an assumption of ours.

    Raises `InputError` for a table that cannot be read, for a path that is no constant of the
    response, and where no formula gives the tiers.
    """
    table, listed = past_of(past, scenario.programme), [free] if isinstance(free, str) else free
    assumed = assumptions(scenario)
    if isinstance(free, Mapping):
        assumed = assumed.sample(free)
    return _PastFit(scenario, table, assumed.drawn).refit(list(listed))


@with_keywords()
def backtest(
    scenario: Scenario,
    past: str | Path | pd.DataFrame,
    *,
    proposal: Solution | Allocation | None = None,
    published: str | Path | None = None,
) -> Backtest:
    """Each past period told from all others: the level of each metric is fitted to those, and held
    against what was counted.

    `published`: a table of county, amount (and `name`, for places outside the grid) that somebody
    else made; the shares of its counties stand beside those of `proposal` and of the baseline.
    Raises `InputError` as `calibrate` does, and for a table of a single period.
    """
    fit = _PastFit(scenario, past_of(past, scenario.programme), assumptions(scenario).drawn)
    if len(fit.past.periods) < 2:
        refuse(fit.past.file, "period", "two periods or more are due here, to tell one by another")
    found = Backtest(scenario, fit.past, tuple(fit.told_apart()))
    if published is None:
        return found
    given = read_last_year(Path(published), scenario.programme)
    amounts = proposal.allocation if isinstance(proposal, Solution) else proposal
    base = reference_of(scenario).allocation
    mine = base if amounts is None else amounts
    index = scenario.programme.counties.index
    beside = tuple(
        ShareBeside(
            county,
            money,
            sum(map(Fraction, mine.amounts[index[county]]), Fraction(0)),
            sum(map(Fraction, base.amounts[index[county]]), Fraction(0)),
        )
        for county, money in given.by_county.items()
    )
    outside = tuple((name, money) for _, name, money in given.outside)
    return replace(found, beside=beside, published_file=Path(published).name, outside=outside)


class _PastFit:
    """A response, the money of the past, and what comes of it at other constants."""

    def __init__(self, scenario: Scenario, past: PastTable, drawn: Iterable[Assumption]) -> None:
        self.scenario, self.past = scenario, past
        self.drawn = {one.path: one for one in drawn}
        paths = Paths(scenario)
        if not paths.formula_gives_tiers:
            refuse("programme.yaml", "response", "is missing, so there is nothing to calibrate")
        self._metrics = scenario.programme.metrics
        self._calibration = paths.calibration
        self._response = DrawnResponse(scenario)
        self._cells, self._places = laid_out(scenario, past)

    def predicted(self, points: Sequence[Mapping[str, float]]) -> Floats:
        """[point, row, metric] outcome at numbers by path; others are as they are assumed."""
        paths = list(dict.fromkeys(path for point in points for path in point))
        values = {
            path: np.array([p.get(path, float(Fraction(self.drawn[path].now))) for p in points])
            for path in paths
        }
        draws = Draws(0, range(1, len(points) + 1), values)
        found = np.zeros((len(points), len(self.past.rows), len(self._metrics)))
        for piece, tables in self._response.outcomes(draws, self._cells):
            for at, (table, cells) in enumerate(self._places):
                outcome = tables[table][:, :, cells].sum(axis=-1)
                found[piece, at] = outcome / self._response.scale
        return found

    @cached_property
    def observed(self) -> Floats:
        """[row, metric]; NaN where nothing was counted."""
        return np.array(
            [
                [float(row.outcomes[m]) if m in row.outcomes else np.nan for m in self._metrics]
                for row in self.past.rows
            ]
        )

    def levels(self, predicted: Floats, rows: Collection[int] | None = None) -> Floats:
        """[metric] what all its rates are multiplied by, so that the totals of some rows agree; 1
        where there is nothing to go by."""
        chosen = list(range(len(self.past.rows))) if rows is None else sorted(rows)
        counted = self.observed[chosen]
        there = ~np.isnan(counted)
        due = np.where(there, counted, 0).sum(axis=0)
        given = np.where(there, predicted[chosen], 0).sum(axis=0)
        levels: Floats = np.ones_like(due)
        np.divide(due, given, out=levels, where=(given > 0) & there.any(axis=0))
        return levels

    def told_apart(self) -> list[PastMiss]:
        """Every row, told by the levels of all other periods."""
        (predicted,) = self.predicted([{}])
        found = []
        for period in self.past.periods:
            others = [at for at, row in enumerate(self.past.rows) if row.period != period]
            names = tuple(one for one in self.past.periods if one != period)
            levels = self.levels(predicted, others)
            for at, row in enumerate(self.past.rows):
                for number, metric in enumerate(self._metrics):
                    known = any(metric in self.past.rows[o].outcomes for o in others)
                    if row.period == period and metric in row.outcomes and known:
                        told = float(predicted[at, number] * levels[number])
                        found.append(PastMiss(names, row, metric, told))
        return found

    def refit(self, free: Sequence[str]) -> Refit:
        """The numbers that the record tells, and what it does not."""
        chosen = self._freed(free)
        told = [path for path in chosen if self.count(path) >= FEWEST]
        best = _Best(self, told)
        numbers = [*best.levels(), *best.others()]
        numbers += [
            FittedNumber(self.drawn[path], _now(self.drawn[path]), None, None, count, _why(count))
            for path in chosen
            if path not in told
            for count in (self.count(path),)
        ]
        names = self.past.periods
        misses = tuple(
            PastMiss(names, row, metric, float(best.told[at, number]))
            for at, row in enumerate(self.past.rows)
            for number, metric in enumerate(self._metrics)
            if metric in row.outcomes
        )
        return Refit(self.scenario, self.past, tuple(numbers), misses)

    def _freed(self, free: Sequence[str]) -> list[str]:
        problems, found = Problems(), list[str]()
        open_ = [path for path in self.drawn if not path.startswith("response.kappa.")]
        for pattern in free:
            mine = [path for path in open_ if fnmatchcase(path, pattern)]
            if not mine:
                near = did_you_mean(pattern, [*open_, *FREE])
                name = self.scenario.name
                problems.add("", pattern, f"there is no such path in {name}{near}")
            found += mine
        problems.raise_if_any()
        return list(dict.fromkeys(found))

    def count(self, path: str) -> int:
        """How many observations speak of a number: those of its metric, else of any."""
        last = path.split(".")[-1]
        counts = {metric: self.past.counted(metric) for metric in self._metrics}
        return counts.get(last, max(counts.values()))

    def kappa(self, metric: str) -> Assumption | None:
        """The level of a metric, as it is assumed."""
        return self.drawn.get(f"response.kappa.{self._calibration}.{metric}")


class _Best:
    """The numbers that fit best: levels in closed form, the others by least squares.

    Counts are taken to scatter as counts do, and by so much more as they are found to, `scatter`
    times: residuals are deviances over its root, and priors stand beside them.
    """

    def __init__(self, fit: _PastFit, paths: Sequence[str]) -> None:
        self._fit, self._paths = fit, paths
        self._metrics = fit.scenario.programme.metrics
        self._spread = np.array([_spread(fit.drawn[path]) for path in paths])
        self._scatter = np.ones(len(self._metrics))
        self._at = np.zeros(len(paths))
        for _ in range(_ROUNDS if len(paths) else 1):
            if len(paths):
                self._at = self._solved()
            self._scatter = self._found_scatter()
        self._raw = self._raw_at([self._at])[0]
        self._level = fit.levels(self._raw)
        self.told = self._raw * self._level
        """[row, metric] as it is fitted."""

    def _raw_at(self, points: Sequence[Floats]) -> Floats:
        """[point, row, metric] before the levels; a point is the logs of what is multiplied."""
        now = [_now(self._fit.drawn[path]) for path in self._paths]
        return self._fit.predicted(
            [
                {p: n * float(np.exp(x)) for p, n, x in zip(self._paths, now, at, strict=True)}
                for at in points
            ]
        )

    def _solved(self) -> Floats:
        edge = float(np.log(_WIDEST))

        def residuals(at: Floats) -> Floats:
            return np.asarray(self._residuals([at])[0], dtype=np.float64)

        found = least_squares(
            residuals,
            np.clip(self._at, -0.9 * edge, 0.9 * edge),
            jac=self._slopes,
            bounds=(-edge, edge),
        )
        return np.asarray(found.x, dtype=np.float64)

    def _slopes(self, at: Floats) -> Floats:
        """[residual, number] by differences, all of them in one reading."""
        residuals = self._residuals([at, *(at + _STEP * unit for unit in np.eye(len(at)))])
        slopes: Floats = (residuals[1:] - residuals[0]).T / _STEP
        return slopes

    def _residuals(self, points: Sequence[Floats]) -> Floats:
        """[point, residual]: of every count, then of every prior."""
        counted, found = self._fit.observed, []
        there = ~np.isnan(counted)
        for at, raw in zip(points, self._raw_at(points), strict=True):
            told = np.maximum(raw * self._fit.levels(raw), _TINY)
            due = np.where(there, counted, told)
            deviance = 2 * (xlogy(due, due / told) - (due - told))
            signed = np.sign(told - due) * np.sqrt(np.maximum(deviance, 0) / self._scatter)
            found.append(np.concatenate([signed[there], at / self._spread]))
        return np.array(found)

    def _found_scatter(self) -> Floats:
        """[metric] how many times more than counts the record scatters about what is told; not less
        than they do."""
        (raw,) = self._raw_at([self._at])
        told, counted = np.maximum(raw * self._fit.levels(raw), _TINY), self._fit.observed
        pearson = np.nansum((counted - told) ** 2 / told, axis=0)
        count = np.maximum((~np.isnan(counted)).sum(axis=0) - 1, 1)
        return np.asarray(np.maximum(pearson / count, 1.0), dtype=np.float64)

    @cached_property
    def _deviations(self) -> Floats:
        """Standard deviations of the logs: of the levels, then of the numbers."""
        there, count = ~np.isnan(self._fit.observed), len(self._metrics)
        points = [self._at, *(self._at + _STEP * unit for unit in np.eye(len(self._at)))]
        logs = np.log(np.maximum(self._raw_at(points), _TINY))
        slopes = [(one - logs[0]) / _STEP for one in logs[1:]]
        weight = np.sqrt(np.maximum(self.told, 0) / self._scatter)
        columns = [np.where(np.arange(count) == m, weight, 0)[there] for m in range(count)]
        columns += [(weight * one)[there] for one in slopes]
        jacobian = np.array(columns).T
        prior = np.concatenate([np.zeros(count), self._spread**-2.0])
        # A metric without a count, whose level is not told at all, must not spoil the others.
        nothing = np.where(jacobian.any(axis=0), 0.0, _TINY)
        inverse = np.linalg.inv(jacobian.T @ jacobian + np.diag(prior + nothing))
        return np.asarray(np.sqrt(np.diag(inverse)), dtype=np.float64)

    def _between(self, value: float, at: int) -> tuple[float, float]:
        """Ends of the interval of a number, by the place of its deviation."""
        told = int((~np.isnan(self._fit.observed)).sum())
        far = float(stdtrit(max(told - len(self._deviations), 1), _TAIL) * self._deviations[at])
        return value * float(np.exp(-far)), value * float(np.exp(far))

    def levels(self) -> list[FittedNumber]:
        """Kappa of each metric."""
        found = []
        for at, metric in enumerate(self._metrics):
            number = self._fit.kappa(metric)
            if number is None:
                continue
            count, now = self._fit.past.counted(metric), _now(number)
            value = now * float(self._level[at])
            low, high = self._between(value, at) if count >= FEWEST else (None, None)
            found.append(FittedNumber(number, value, low, high, count, _why(count)))
        return found

    def others(self) -> list[FittedNumber]:
        """The numbers beside the levels."""
        found = []
        for at, path in enumerate(self._paths):
            number, place = self._fit.drawn[path], len(self._metrics) + at
            value = _now(number) * float(np.exp(self._at[at]))
            told = self._deviations[place] < _LITTLE * self._spread[at]
            low, high = self._between(value, place) if told else (None, None)
            count = self._fit.count(path)
            found.append(FittedNumber(number, value, low, high, count, "" if told else "little"))
        return found


def _now(number: Assumption) -> float:
    return float(Fraction(number.now))


def _why(count: int) -> str:
    return "" if count >= FEWEST else "few" if count else "none"


def _spread(number: Assumption) -> float:
    """The standard deviation of the log of a number, as its range has it: the prior of a fit."""
    low, high, now = (float(Fraction(text)) for text in (number.low, number.high, number.now))
    return max((high - low) / abs(now) / (2 * _NORMAL_95), _TINY)
