"""Which drawn number moves each outcome most: rank correlation over the draws of an uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from models.errors import refuse, with_keywords
from optimizer.study.assumed_numbers import Assumption
from optimizer.study.hashed_draws import Floats
from optimizer.study.uncertainty import INDEX, Uncertainty

if TYPE_CHECKING:
    import pandas as pd

CHANCE = 0.01
"""Of so many questions without any number that matters, one would show one (assumption)."""
FEWEST = 30
"""Draws below which nothing is said."""


@dataclass(frozen=True, eq=False)
class Drivers:
    """Drawn numbers by how much they move the outcomes of the first table."""

    found: Uncertainty
    names: tuple[str, ...]
    """Outcomes of the first table, then the lead in the index over each other table, as
    `index - baseline`."""
    rows: tuple[tuple[Assumption, tuple[float | None, ...]], ...]
    """Each drawn number with its rank correlation with each outcome; None where one as large may
    well come by chance. First those that move the index most."""
    least: float
    """A correlation smaller than that may come by chance."""

    def __repr__(self) -> str:
        top = [one.path for one, told in self.rows if any(value is not None for value in told)]
        return f"Drivers in {self.found.scenario.name}: {', '.join(top[:5]) or 'none told apart'}"

    @property
    def frame(self) -> pd.DataFrame:
        """One row a drawn number: `path`, `title_zh`, `title_en`, and its rank correlation (−1 to
        1) with each outcome; NaN where it is not told from chance."""
        import pandas as pd

        rows = [(one.path, one.title.zh, one.title.en, *told) for one, told in self.rows]
        frame = pd.DataFrame(rows, columns=["path", "title_zh", "title_en", *self.names])
        return frame.astype(dict.fromkeys(self.names, float))


@with_keywords()
def drivers(found: Uncertainty) -> Drivers:
    """Which drawn number moves each outcome of the first table most, over the draws of `found`.

    By Spearman's rank correlation, for all numbers are drawn together and apart from each other. A
    correlation is left out where the largest of so many unrelated numbers would be as large in more
    than one case of a hundred. What moves the lead of the first table in the index over another one
    is what a choice between the two hangs on. It speaks of these ranges only: a number with a wider
    range moves more.

    Raises `InputError` for fewer than 30 draws.
    """
    if len(found.drawn) < FEWEST:
        refuse("", "draws", f"at least {FEWEST} draws are due here, not {len(found.drawn)}")
    targets = _targets(found)
    paths = list(found.drawn.values)
    least = least_told(len(paths), len(found.drawn))
    numbers = np.array([found.drawn.values[path] for path in paths])
    related = rank_correlations(numbers, np.array(list(targets.values())))
    by_path = dict(zip(paths, related, strict=True))
    names = tuple(targets)
    at = names.index(INDEX) if INDEX in names else 0
    ordered = sorted(found.assumed.drawn, key=lambda one: -abs(by_path[one.path][at]))
    rows = tuple(
        (one, tuple(float(v) if abs(v) >= least else None for v in by_path[one.path]))
        for one in ordered
    )
    return Drivers(found, names, rows, least)


def _targets(found: Uncertainty) -> dict[str, Floats]:
    first, *others = found.tables
    own = {one.name: one.values for one in first.spreads}
    if INDEX not in own:
        return own
    leads = {
        f"{INDEX} - {table.name}": own[INDEX] - one.values
        for table in others
        for one in table.spreads
        if one.name == INDEX
    }
    return own | leads


def least_told(numbers: int, draws: int) -> float:
    """The rank correlation below which one of so many unrelated numbers may well come to lie."""
    return float(-ndtri(CHANCE / 2 / max(numbers, 1)) / np.sqrt(draws - 1))


def rank_correlations(numbers: Floats, targets: Floats) -> Floats:
    """[number, target] of [number, draw] and [target, draw]: Spearman's correlation; 0 where either
    never changes."""
    mine, its = (_centred(rankdata(values, axis=1)) for values in (numbers, targets))
    return np.asarray(mine @ its.T, dtype=np.float64)


def _centred(ranks: Floats) -> Floats:
    """Rows of mean 0 and length 1; of zeros where all ranks are alike."""
    apart = ranks - ranks.mean(axis=1, keepdims=True)
    length = np.sqrt((apart**2).sum(axis=1, keepdims=True))
    return np.asarray(apart / np.where(length > 0, length, 1), dtype=np.float64)
