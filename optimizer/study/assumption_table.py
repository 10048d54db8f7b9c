"""What is assumed, as a table; and what of it is drawn, from which range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import InputError, Problems, did_you_mean, refuse, with_keywords
from models.exact import exact_text
from models.files import csv_text
from models.from_frames import as_text
from models.scenario import Scenario
from models.strict_yaml import Text, parse_model
from models.value_range import ValueRange, range_within
from optimizer.study.assumed_numbers import ASKED, Assumption, assumed_numbers, given_rates
from optimizer.study.design import Paths
from optimizer.study.hashed_draws import Draws, Related, draw

if TYPE_CHECKING:
    import pandas as pd

HELD = "held"
"""What stands in place of a range for a number that is not to be drawn."""
_DEFINITE = 1e-9
"""Least eigenvalue of correlations that can be told from none."""
COLUMNS = (
    *("path", "title_zh", "title_en", "value", "unit_zh", "unit_en", "low", "high", "shape"),
    *("basis", "source_zh", "source_en", "sure", "drawn", "may_be_refitted"),
)
_SURE = {
    "stated": Text(zh="有说明", en="stated"),
    HELD: Text(zh="不变", en="held"),
    ASKED: Text(zh="使用者给定", en="asked for"),
    "": Text(zh="未说明，假定10%", en="assumed: 10%"),
}


@dataclass(frozen=True, eq=False)
class Assumptions:
    """The assumed numbers of a scenario, with the range that each is drawn from."""

    scenario: Scenario
    rows: tuple[Assumption, ...]
    related: Related = ((), ())
    """Drawn numbers that go together, and how closely; all others are drawn each by itself."""

    def __repr__(self) -> str:
        own = sum(not one.stated for one in self.drawn)
        return (
            f"Assumptions of {self.scenario.name}: {len(self.rows)} numbers, {len(self.drawn)} "
            f"drawn, {own} of these within a range that nobody stated"
        )

    @property
    def drawn(self) -> tuple[Assumption, ...]:
        """Those that draws move: constants that make rates."""
        return tuple(one for one in self.rows if one.is_drawn)

    @property
    def frame(self) -> pd.DataFrame:
        """One row an assumption.

        `path` (as `--set` takes it; `rates…` where the tiers are given), title, `value`, unit
        (empty for a plain number), `low` and `high` (of a normal range the 5th and the 95th
        percentile), `shape`, `basis`, `source` (what the number rests on), `sure` (stated, asked
        for, or assumed: nobody stated the range), `drawn` (bool; limits are choices and are not),
        `may_be_refitted` (bool: response.yaml says what it is fitted to; draws leave it where it
        falls and fit nothing anew).
        """
        import pandas as pd

        rows = [dict(zip(COLUMNS, row, strict=True)) for row in self._table()]
        for row in rows:
            row.update({name: float(Fraction(row[name])) for name in ("value", "low", "high")})
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def csv(self) -> str:
        """The same as text, numbers in full."""
        cells = [
            [str(cell).lower() if isinstance(cell, bool) else cell for cell in row]
            for row in self._table()
        ]
        return csv_text(COLUMNS, cells)

    def _table(self) -> list[tuple[Any, ...]]:
        return [
            (
                *(one.path, one.title.zh, one.title.en, one.now, one.unit.zh, one.unit.en),
                *(one.low, one.high, one.range.shape, one.basis, one.source.zh, one.source.en),
                *(how_sure(one).en, one.is_drawn, one.may_be_refitted),
            )
            for one in self.rows
        ]

    def sample(self, changes: Mapping[str, object]) -> Assumptions:
        """With other ranges: `{"response.*": "±20%", "response.kappa.*": "held"}`.

        A path may hold `*` for anything; a later entry stands over an earlier one. A range is
        `±20%`, `low:high`, a pair of ends, or a mapping as a `range:` of sources.yaml. `held`:
        the number is not drawn. Raises `InputError` with every path that is no drawn number, and
        every range that is none.
        """
        problems, rows = Problems(), list(self.rows)
        for pattern, given in changes.items():
            chosen = [
                at
                for at, one in enumerate(self.rows)
                if _is_unknown(one) and fnmatchcase(one.path, pattern)
            ]
            if not chosen:
                problems.add("", pattern, self._not_found(pattern))
                continue
            try:
                found = _read_range(given)
            except ValueError as error:
                problems.add("", pattern, str(error))
                continue
            except InputError as error:
                problems.extend([replace(one, file="", path=pattern) for one in error.problems])
                continue
            for at in chosen:
                try:
                    rows[at] = _with_range(rows[at], found)
                except ValueError as error:
                    problems.add("", rows[at].path, str(error))
        problems.raise_if_any()
        return replace(self, rows=tuple(rows))

    def correlated(self, matrix: pd.DataFrame) -> Assumptions:
        """With drawn numbers that go together: a frame of correlations, paths along both sides.

        They hold of the numbers' normal quantiles (a Gaussian copula), whatever their ranges.
        Raises `InputError` for a path that is not drawn, what is no number from −1 to 1, a diagonal
        that is not 1, two halves that differ, and a matrix that is not positive definite.
        """
        paths, problems = tuple(map(str, matrix.index)), Problems()
        known = [one.path for one in self.drawn]
        for path in paths:
            if path not in known:
                problems.add("", path, self._not_found(path))
        if paths != tuple(map(str, matrix.columns)) or len(set(paths)) < len(paths):
            problems.add("", "correlated", "has not the same paths along both sides, each once")
        problems.raise_if_any()
        try:
            values = np.array(matrix, dtype=np.float64)
        except (TypeError, ValueError):
            refuse("", "correlated", "holds what is no number")
        for wrong, said in (
            (not (np.abs(values) <= 1).all(), "holds what is no number from -1 to 1"),
            (not (np.diag(values) == 1).all(), "has something other than 1 on its diagonal"),
            (not (values == values.T).all(), "says something else above its diagonal than below"),
        ):
            if wrong:
                problems.add("", "correlated", said)
        problems.raise_if_any()
        if np.linalg.eigvalsh(values).min() < _DEFINITE:
            message = "is not positive definite: no numbers can go together like that"
            refuse("", "correlated", message)
        return replace(self, related=(paths, tuple(map(tuple, values.tolist()))))

    def draws(self, numbers: range, seed: int) -> Draws:
        """Draws of what is drawn, by their numbers."""
        return draw(self.drawn, numbers, seed, self.related)

    def within(self, share: str | None) -> Assumptions:
        """With every drawn number so far from what is written, `20%`; unchanged where None."""
        given = share_within(share)
        return self if given is None else self.sample({one.path: given for one in self.drawn})

    def _not_found(self, pattern: str) -> str:
        known = [one.path for one in self.rows if _is_unknown(one)]
        if any(fnmatchcase(one.path, pattern) for one in self.rows):
            return "is a choice and nothing unknown, so it is not drawn; use tornado or grid"
        near = did_you_mean(pattern, [*known, "response.*", "rates.*"])
        return f"there is no such path in {self.scenario.name}{near}"


@with_keywords()
def assumptions(scenario: Scenario) -> Assumptions:
    """Every assumed number of a scenario, with title, unit, range, basis and source.

    They are the constants of the response formula with kappa (where tiers are given, what their
    rates are multiplied by), the lot, and the numbers in bounds that are assumptions. A range is
    that of its rule (`range:`), of its source in sources.yaml, else ten percent each way, all of
    it as likely, which is an assumption of ours. Raises `InputError` for a sources.yaml that cannot
    be read.
    """
    paths = Paths(scenario)
    return Assumptions(scenario, (*assumed_numbers(scenario, paths), *given_rates(scenario, paths)))


def share_within(share: str | None) -> ValueRange | None:
    """`20%` as a range; raises `InputError` for what is no share."""
    try:
        return None if share is None else range_within(share)
    except ValueError as error:
        refuse("", "within", str(error))


def how_sure(one: Assumption) -> Text:
    """On whose word the range of a number rests."""
    kind = one.stated if one.stated in ("", ASKED, HELD) else "stated"
    return _SURE[kind]


def _is_unknown(one: Assumption) -> bool:
    """Whether it may be drawn: also one that is held."""
    return one.is_drawn or one.stated == HELD


def _read_range(given: object) -> ValueRange | None:
    """A range as it is typed; None for one that is held. Raises ValueError and InputError."""
    if isinstance(given, ValueRange):
        return given
    if isinstance(given, str):
        if given.strip() == HELD:
            return None
        if ":" not in given:
            return range_within(given)
        given = given.split(":")
    content = {"between": given} if isinstance(given, list | tuple) else given
    return parse_model(ValueRange, as_text(content), "range")


def _with_range(one: Assumption, found: ValueRange | None) -> Assumption:
    if found is None:
        return replace(one, low=one.now, high=one.now, stated=HELD, is_drawn=False)
    low, high = sorted(found.ends(Fraction(one.now)))
    if one.path.endswith(".sigma") and low <= 0:
        raise ValueError("a saturation scale must stay above 0")
    ends = replace(one, low=exact_text(low), high=exact_text(high))
    return replace(ends, range=found, stated=ASKED, is_drawn=True)
