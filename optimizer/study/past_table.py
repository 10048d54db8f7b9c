"""Past money and outcomes, as a table says them, and where their money lay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError, Problems, did_you_mean
from models.exact import parse_not_negative, without_separators
from models.files import File
from models.from_frames import file_of
from models.programme import Programme
from models.scenario import Scenario
from models.selection import county_at
from models.strict_yaml import Text
from models.table import need_columns, read_rows
from optimizer.problem import reference_of
from optimizer.study.drawn_response import HeldCells
from optimizer.study.hashed_draws import Floats

if TYPE_CHECKING:
    import pandas as pd

_PLAIN = ("period", "county", "task", "amount", "source", "source_en")


def past_of(past: str | Path | pd.DataFrame, programme: Programme) -> PastTable:
    """The table at a path, or in a frame; raises `InputError` as `read_past`."""
    file = Path(past) if isinstance(past, str | Path) else file_of("past.csv", past)
    return read_past(file, programme)


@dataclass(frozen=True)
class PastRow:
    """What some money of a past period came to."""

    period: str
    county: int | None
    """Position; None for all counties."""
    task: int | None
    amount: Fraction
    outcomes: Mapping[str, Fraction]
    """Metric → what was counted; a metric that was not is left out."""
    source: Text


@dataclass(frozen=True)
class PastTable:
    """Past money and outcomes, as a table says them."""

    file: str
    rows: tuple[PastRow, ...]

    @property
    def periods(self) -> tuple[str, ...]:
        """In the order in which they stand."""
        return tuple(dict.fromkeys(row.period for row in self.rows))

    def counted(self, metric: str) -> int:
        """How many observations of a metric there are."""
        return sum(metric in row.outcomes for row in self.rows)

    @property
    def is_spread(self) -> bool:
        """Whether money of a row is known of several cells together only."""
        return any(row.county is None or row.task is None for row in self.rows)

    @property
    def are_totals(self) -> bool:
        """Whether no row is of a part of the programme."""
        return all(row.county is None and row.task is None for row in self.rows)


def read_past(path: File, programme: Programme) -> PastTable:
    """Past money and outcomes from CSV: `period`, `amount` (money units), metrics, if known
    `county` (code or name), `task`, `source` and `source_en`. An empty county or task stands for
    all of them; an outcome that was not counted is left empty.

    Raises `InputError` with every problem.
    """
    header, rows = read_rows(path)
    need_columns(path, header, ["period", "amount"])
    problems, found, seen = Problems(), list[PastRow](), set[tuple[Any, ...]]()
    known = (*_PLAIN, *programme.metrics)
    for name in header:
        if name not in known:
            problems.add(path.name, name, f"unknown column '{name}'{did_you_mean(name, known)}")
    if not set(programme.metrics) & set(header):
        problems.add(path.name, "", f"no column is a metric: {', '.join(programme.metrics)}")
    for place, cells in rows:
        row = _read_row(programme, dict(zip(header, cells, strict=True)), (path, place), problems)
        if (key := (row.period, row.county, row.task)) in seen:
            problems.add(path.name, place, "the same period, county and task stand here twice")
        seen.add(key)
        found.append(row)
    if not any(row.outcomes for row in found):
        problems.add(path.name, "", "holds no outcome")
    problems.raise_if_any()
    return PastTable(path.name, tuple(found))


def _read_row(
    programme: Programme, row: Mapping[str, str], at: tuple[File, str], problems: Problems
) -> PastRow:
    (file, place), outcomes = at, {}
    amount = _number(row["amount"], (file, f"{place}: amount"), problems)
    if not amount:
        problems.add(file.name, f"{place}: amount", "money above 0 is due here")
    for metric in programme.metrics:
        if row.get(metric):
            outcomes[metric] = _number(row[metric], (file, f"{place}: {metric}"), problems)
    county, task = _cell_of(programme, row, (file, place), problems)
    if not row["period"]:
        problems.add(file.name, place, "names no period")
    return PastRow(row["period"], county, task, amount, outcomes, _source(row))


def _source(row: Mapping[str, str]) -> Text:
    told = row.get("source", "")
    return Text(zh=told, en=row.get("source_en") or told)


def _cell_of(
    programme: Programme, row: Mapping[str, str], at: tuple[File, str], problems: Problems
) -> tuple[int | None, int | None]:
    """The positions of a row's county and task; None for all of them."""
    (file, place), county, task = at, None, None
    if said := row.get("county"):
        try:
            county = county_at(programme, said)
        except InputError as error:
            problems.add(file.name, place, error.problems[0].message)
    if said := row.get("task"):
        task = programme.tasks.index.get(said)
        if task is None:
            near = did_you_mean(said, programme.tasks.ids)
            problems.add(file.name, place, f"unknown task '{said}'{near}")
    return county, task


def _number(text: str, at: tuple[File, str], problems: Problems) -> Fraction:
    try:
        return parse_not_negative(without_separators(text))
    except ValueError as error:
        problems.add(at[0].name, at[1], str(error))
        return Fraction(0)


def laid_out(
    scenario: Scenario, past: PastTable
) -> tuple[HeldCells, list[tuple[int, NDArray[np.intp]]]]:
    """The money of every row by cell, rows that share no cell in one table; and of each row its
    table and its cells."""
    base = np.array(reference_of(scenario).allocation.amounts, dtype=float)
    tables: list[Floats] = []
    places = []
    for row in past.rows:
        block = np.zeros(base.shape, dtype=bool)
        block[
            slice(None) if row.county is None else row.county,
            slice(None) if row.task is None else row.task,
        ] = True
        share = np.where(block, base if base[block].any() else 1.0, 0.0)
        money = share / share.sum() * float(row.amount)
        at = next((n for n, one in enumerate(tables) if not one[block].any()), len(tables))
        if at == len(tables):
            tables.append(np.zeros(base.shape))
        tables[at] += money
        places.append((at, np.flatnonzero(block)))
    counties, tasks = (axis.ravel() for axis in np.indices(base.shape))
    return HeldCells(counties, tasks, tuple(one.ravel() for one in tables)), places
