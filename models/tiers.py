"""Tiers: what money in a cell yields, step by step, in whole numbers.

A cell's response is a piecewise linear curve: the first `width[0]` money units yield `rate[0]`
metric units each, the next `width[1]` yield `rate[1]`, and so on; money above the last tier yields
nothing. Rates mostly fall from tier to tier; they may rise, and be below zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import lcm
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.errors import Problems, did_you_mean, refuse
from models.exact import (
    MICRO,
    exact_text,
    micro_text,
    parse_exact,
    parse_not_negative,
    without_separators,
)
from models.files import File, csv_text
from models.table import Note, need_columns, plain_columns, read_rows

LARGEST_RATE = 10**15
"""Largest rate in 10⁻⁶ units; keeps rate × money within 64-bit whole numbers in the rows."""
_EXACT_FLOATS = 2.0**52
_SAFE_RATE = 2**52
"""Rates below this times money stay within 64 bits."""
_LARGEST_SHARE = 2**256
"""Of the common denominator (assumption: rates that people write need less)."""
_SUGGESTIONS = 20
Number = TypeVar("Number", int, int | Fraction)
# What nearly all lines hold; anything else takes the way through exact fractions and messages.
_SHORT_WHOLE = re.compile(r"[1-9][0-9]{0,8}")
_SHORT_RATE = re.compile(r"([0-9]{1,8})(?:\.([0-9]{0,6}))?")


@dataclass(frozen=True)
class Tiers:
    """The responses of all cells.

    `width[county, task, tier]`: whole money units, 0 where a cell has no such tier.
    `rate[metric, county, task, tier]`: metric units per money unit times `scale`, whole: 64-bit
    numbers where they fit, else Python's own.
    """

    width: NDArray[np.int64]
    rate: NDArray[Any]
    scale: int = MICRO
    """The common denominator of all rates: a million, or what fractions such as 1/900 need."""
    notes: tuple[Note, ...] = ()
    """Numbers that were written as `520,000`."""

    def __repr__(self) -> str:
        metrics, counties, tasks, most = self.rate.shape
        return f"Tiers of {counties} × {tasks} cells, at most {most} each; metrics: {metrics}"

    def is_same(self, other: Tiers) -> bool:
        """Whether both have the same widths and rates, tier by tier."""
        most = max(self.width.shape[2], other.width.shape[2])
        mine, its = (_padded(one.width, most) for one in (self, other))
        if mine.shape != its.shape or (mine != its).any():
            return False
        mine, its = (_padded(one.rate, most) for one in (self, other))
        if self.scale != other.scale:
            mine, its = mine.astype(object) * other.scale, its.astype(object) * self.scale
        return mine.shape == its.shape and not (mine != its).any()

    @property
    def rates(self) -> NDArray[np.float64]:
        """[metric, county, task, tier] → metric units per money unit, as floats."""
        return np.asarray(self.rate / self.scale, dtype=np.float64)

    def times(self, factor: NDArray[np.float64]) -> Tiers:
        """The tiers with rates times a factor of zero or more, [metric, county, task], rounded half
        to even to whole 1 / `scale`. Raises `InputError` for a rate that becomes too large."""
        most = float(self.largest_rate) * float(factor.max(initial=0.0))
        if most > LARGEST_RATE * (self.scale // MICRO):
            refuse("", "rates", f"a factor makes a rate larger than {LARGEST_RATE // MICRO:,}")
        if self.rate.dtype != object and most < _EXACT_FLOATS:
            rate = np.rint(self.rate * factor[..., None]).astype(np.int64)
            return Tiers(self.width, rate, self.scale)
        exact = np.vectorize(lambda rate, by: round(int(rate) * Fraction(by)), otypes=[object])
        rate = exact(self.rate, factor[..., None])
        return Tiers(self.width, rate.astype(self.rate.dtype), self.scale)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """[county, task] → money units beyond which more yields nothing: the end of the last tier
        with a rate other than zero of some metric."""
        ends = np.cumsum(self.width, axis=2)
        counts = np.any(self.rate != 0, axis=0) & (self.width > 0)
        return np.asarray(np.where(counts, ends, 0).max(axis=2, initial=0), dtype=np.int64)

    def in_steps(self, steps: NDArray[np.int64], about: NDArray[np.int64] | None = None) -> Tiers:
        """Tiers that yield the same of every multiple of a cell's step, [county, task], and end at
        multiples only: between two of them the outcome goes straight.

        Where the rates of a cell fall, these do. `about`: whole money of each cell, [county, task],
        at whose next multiples tiers end too.
        """
        ends, step = np.cumsum(self.width, axis=2), steps[..., None]
        if about is not None:
            ends = np.concatenate([ends, about[..., None]], axis=2)
        marks = np.sort(np.concatenate([ends // step, -(-ends // step)], axis=2) * step, axis=2)
        width = np.diff(marks, axis=2, prepend=0)
        order = np.argsort(width == 0, axis=2, kind="stable")
        common = lcm(*np.unique(steps).tolist())
        kind = self.rate.dtype if self.largest_rate * common < _SAFE_RATE else np.dtype(object)
        rate = np.zeros((len(self.rate), *width.shape), dtype=kind)
        each = marks.transpose(2, 0, 1).astype(kind)
        for metric, grid in enumerate(self.yields(each)):
            gains = np.diff(grid.transpose(1, 2, 0), axis=2, prepend=0) * common
            rate[metric] = gains // np.maximum(width, 1)
        there = np.take_along_axis(width, order, axis=2)
        return Tiers(
            there,
            np.take_along_axis(rate, order[None], axis=3) * (there > 0),
            self.scale * common,
        )

    def yields(self, values: NDArray[Any], scale: int = 1) -> list[NDArray[Any]]:
        """[metric][…, county, task]: Σ over tiers of rate × the money that falls into the tier.

        `values`: money units times `scale`, […, county, task], of one table or of many at once;
        what comes of them is in metric units times `scale` times the tiers' own.
        """
        kind = values.dtype
        width = self.width.astype(kind) * scale
        start = np.cumsum(width, axis=2) - width
        filled = np.minimum(np.maximum(values[..., None] - start, 0), width)
        return [(filled * rate.astype(kind)).sum(axis=-1) for rate in self.rate]

    @property
    def largest_rate(self) -> int:
        """The largest of `rate` without its sign."""
        return max(int(self.rate.max(initial=0)), -int(self.rate.min(initial=0)))

    @cached_property
    def fades(self) -> NDArray[np.bool_]:
        """[metric, county, task]: no rate rises from tier to tier, and none is below zero."""
        steps = np.diff(self.rate, axis=3)
        falls = np.all(steps <= 0, axis=3) & np.all(self.rate >= 0, axis=3)
        return np.asarray(falls, dtype=np.bool_)


_Steps = dict[int, tuple[int, list[int | Fraction]]]
"""Tier → its width, and the rate of each metric in 10⁻⁶ units."""


def no_tiers(shape: tuple[int, int]) -> Tiers:
    """Those of a fund without metrics: no tier in any cell of (counties, tasks)."""
    return Tiers(np.zeros((*shape, 1), np.int64), np.zeros((0, *shape, 1), np.int64))


def _padded(table: NDArray[Any], tiers: int) -> NDArray[Any]:
    """The table with empty tiers at the end, so that it has so many."""
    room = [(0, 0)] * (table.ndim - 1) + [(0, tiers - table.shape[-1])]
    return np.pad(table, room)


def read_tiers(
    path: File, counties: Sequence[str], tasks: Sequence[str], metrics: Sequence[str]
) -> Tiers:
    """The tiers of `tiers.csv`: county, task, tier, width and one column of rates a metric.

    Cells that the file leaves out have no tiers: money there yields nothing. Raises `InputError`
    with every problem, by line and column.
    """
    plain = _read_plain(path, counties, tasks, metrics)
    if plain is not None:
        return plain
    header, rows = read_rows(path)
    need_columns(path, header, ["county", "task", "tier", "width", *metrics])
    at = {name: header.index(name) for name in header}
    problems, notes = Problems(), list[Note]()
    found: dict[tuple[int, int], _Steps] = {}
    numbers = ("tier", "width", *metrics)
    county_at = {name: i for i, name in enumerate(counties)}
    task_at = {name: i for i, name in enumerate(tasks)}
    unknown = _Unknown({"county": counties, "task": tasks})
    for place, row in rows:
        county, task = row[at["county"]], row[at["task"]]
        if county not in county_at:
            problems.add(path.name, place, unknown.message("county", county))
        if task not in task_at:
            problems.add(path.name, place, unknown.message("task", task))
        plain_row = _separated(path.name, (place, row), [at[name] for name in numbers], notes)
        step = _read_step((path.name, place), plain_row, at, metrics, problems)
        if step is not None and county in county_at and task in task_at:
            tier, width, rates = step
            steps = found.setdefault((county_at[county], task_at[task]), {})
            if tier in steps:
                message = f"tier {tier} of {county} × {task} stands here twice"
                problems.add(path.name, place, message)
            steps[tier] = (width, rates)
    _check_steps(path.name, found, (counties, tasks), problems)
    problems.raise_if_any()
    try:
        tiers = _arrays(found, (len(counties), len(tasks), len(metrics)))
        return replace(tiers, notes=tuple(notes))
    except OverflowError as error:
        refuse(path.name, "", str(error))


# A country has hundreds of thousands of lines: where all of them are as plain as they mostly are,
# they are read column by column. Whatever is unlike that is left to `read_tiers`, line by line.

_NO_SHORT_WHOLE = re.compile(r"^(?![1-9][0-9]{0,8}$)", re.MULTILINE)
_NO_SHORT_RATE = re.compile(r"^(?![0-9]{1,8}(?:\.[0-9]{0,6})?$)", re.MULTILINE)
_MOST_TIERS = 1000


def _read_plain(
    path: File, counties: Sequence[str], tasks: Sequence[str], metrics: Sequence[str]
) -> Tiers | None:
    """The tiers of a file with nothing unusual in it; None for others, wrong ones among them."""
    columns = plain_columns(path)
    if columns is None or not {"county", "task", "tier", "width", *metrics} <= columns.keys():
        return None
    county = _places(columns["county"], counties)
    task = _places(columns["task"], tasks)
    tier, width = (_whole_column(columns[name]) for name in ("tier", "width"))
    read = [_micro_column(columns[name]) for name in metrics]
    rates = [rate for rate in read if rate is not None]
    if tier is None or width is None or len(rates) < len(read):
        return None
    most = int(tier.max())
    if min(county.min(), task.min()) < 0 or most > _MOST_TIERS:
        return None
    cell = county * len(tasks) + task
    is_numbered = (tier <= np.bincount(cell)[cell]).all()
    if not is_numbered or len(np.unique(cell * most + tier)) < len(tier):
        return None
    shape = (len(counties), len(tasks), most)
    table = np.zeros((1 + len(metrics), *shape), dtype=np.int64)
    for number, values in enumerate([width, *rates]):
        table[number, county, task, tier - 1] = values
    return Tiers(table[0], table[1:])


def _places(texts: Sequence[str], ids: Sequence[str]) -> NDArray[np.int64]:
    """Where each text stands among the ids; -1 for none of them."""
    at = {name: row for row, name in enumerate(ids)}
    return np.array([at.get(text, -1) for text in texts], dtype=np.int64)


def _whole_column(texts: Sequence[str]) -> NDArray[np.int64] | None:
    """A column of whole numbers from 1 of a few digits; None for another."""
    if _NO_SHORT_WHOLE.search("\n".join(texts)):
        return None
    return np.array([int(text) for text in texts], dtype=np.int64)


def _micro_column(texts: Sequence[str]) -> NDArray[np.int64] | None:
    """A column of plain rates in 10⁻⁶ units, exactly: none has more than 14 digits, so that the
    nearest double, times a million, lies within 0.03 of the whole number. None for another."""
    if _NO_SHORT_RATE.search("\n".join(texts)):
        return None
    micro = np.rint(np.array([float(text) for text in texts]) * MICRO)
    return np.asarray(micro, dtype=np.int64)


def _separated(
    file: str, at: tuple[str, Sequence[str]], numbers: Sequence[int], notes: list[Note]
) -> Sequence[str]:
    """A row without separators of thousands, which are noted; `at`: its place and its texts."""
    place, row = at
    if not any("," in text for text in row):
        return row
    plain = list(row)
    for column in numbers:
        plain[column] = without_separators(row[column])
        if plain[column] != row[column]:
            number = parse_exact(plain[column])
            notes.append(Note(f"{file}: {place}", "text", row[column], number))
    return plain


def _read_step(
    place: tuple[str, str],
    row: Sequence[str],
    at: Mapping[str, int],
    metrics: Sequence[str],
    problems: Problems,
) -> tuple[int, int, list[int | Fraction]] | None:
    """(tier, width, rates) of a row; None where one of them is refused."""

    def read(column: str, parse: Callable[[str], Number]) -> Number | None:
        try:
            return parse(row[at[column]])
        except ValueError as error:
            problems.add(place[0], f"{place[1]}: {column}", str(error))
            return None

    tier, width = read("tier", _whole), read("width", _whole)
    rates = [read(name, _micro) for name in metrics]
    known = [rate for rate in rates if rate is not None]
    if tier is None or width is None or len(known) < len(rates):
        return None
    return tier, width, known


class _Unknown:
    """Messages on unknown names, each spelled out once.

    The nearest name takes long to find in a long list, and a file with codes of another kind has
    thousands of unknown ones: only the first few get a suggestion.
    """

    def __init__(self, known: Mapping[str, Sequence[str]]) -> None:
        self._known = known
        self._said: dict[tuple[str, str], str] = {}

    def message(self, what: str, name: str) -> str:
        if (what, name) not in self._said:
            few = len(self._said) < _SUGGESTIONS
            near = did_you_mean(name, self._known[what]) if few else ""
            self._said[what, name] = f"unknown {what} '{name}'{near}"
        return self._said[what, name]


def _whole(text: str) -> int:
    if _SHORT_WHOLE.fullmatch(text):
        return int(text)
    number = parse_not_negative(text)
    if number.denominator != 1 or number < 1 or number >= MICRO**2:
        raise ValueError(f"a whole number from 1 is due here, not '{text}'")
    return int(number)


def _micro(text: str) -> int | Fraction:
    if plain := _SHORT_RATE.fullmatch(text):
        return int(plain[1]) * MICRO + int((plain[2] or "").ljust(6, "0"))
    micro = parse_exact(text) * MICRO
    if abs(micro) > LARGEST_RATE:
        raise ValueError(f"the rate is above {LARGEST_RATE // MICRO:,}: '{text}'")
    return int(micro) if micro.denominator == 1 else micro


def _check_steps(
    file: str,
    found: Mapping[tuple[int, int], _Steps],
    names: tuple[Sequence[str], Sequence[str]],
    problems: Problems,
) -> None:
    """Tiers are numbered 1, 2, 3 …"""
    counties, tasks = names
    for (c, t), steps in found.items():
        if sorted(steps) != list(range(1, len(steps) + 1)):
            place = f"{counties[c]} × {tasks[t]}"
            problems.add(file, place, f"tiers must be numbered 1 to {len(steps)} without a gap")


def _arrays(found: Mapping[tuple[int, int], _Steps], shape: tuple[int, int, int]) -> Tiers:
    counties, tasks, metrics = shape
    most = max((len(steps) for steps in found.values()), default=1)
    listed = [rates for steps in found.values() for _, rates in steps.values()]
    share = _share([rate for rates in listed for rate in rates])
    width = np.zeros((counties, tasks, most), dtype=np.int64)
    rate = np.zeros((metrics, counties, tasks, most), dtype=object)
    for (c, t), steps in found.items():
        for tier, (wide, rates) in steps.items():
            width[c, t, tier - 1] = wide
            rate[:, c, t, tier - 1] = [int(one * share) for one in rates]
    fits = share * LARGEST_RATE < 2**62
    return Tiers(width, rate.astype(np.int64) if fits else rate, MICRO * share)


def _share(rates: Sequence[int | Fraction]) -> int:
    """By what 10⁻⁶ must be divided for all rates to be whole."""
    share = 1
    for rate in rates:
        if share % rate.denominator:
            share = lcm(share, rate.denominator)
            if share > _LARGEST_SHARE:
                told = "the rates have too many denominators to be reckoned with exactly"
                raise OverflowError(f"{told}; write some of them as decimals")
    return share


def tiers_text(tiers: Tiers, names: tuple[Sequence[str], Sequence[str], Sequence[str]]) -> str:
    """The text of `tiers.csv`, the same every time; `names`: ids of counties, tasks, metrics."""
    counties, tasks, metrics = names
    widths, texts = tiers.width.tolist(), _rate_texts(tiers)
    rows = []
    for c, county in enumerate(counties):
        for t, task in enumerate(tasks):
            for k, width in enumerate(widths[c][t]):
                yields = next(texts)
                if width:
                    rows.append([county, task, str(k + 1), str(width), *yields])
    header = ["county", "task", "tier", "width", *metrics]
    return csv_text(header, rows, for_people=False)


def _rate_texts(tiers: Tiers) -> Iterator[tuple[str, ...]]:
    """The rates of each tier as text, tier after tier within cell after cell."""
    short = tiers.scale == MICRO and tiers.largest_rate < LARGEST_RATE
    columns = (
        [_short_text(one) for one in (rates.ravel() / MICRO).tolist()]
        if short
        else [exact_text(Fraction(one, tiers.scale)) for one in rates.ravel().tolist()]
        for rates in tiers.rate
    )
    return zip(*columns, strict=True)


def _short_text(rate: float) -> str:
    """A rate of at most fifteen digits, whose nearest double Python writes with just those."""
    text = repr(rate)
    return micro_text(round(rate * MICRO)) if "e" in text else text.removesuffix(".0")


def write_tiers(
    path: Path, tiers: Tiers, names: tuple[Sequence[str], Sequence[str], Sequence[str]]
) -> None:
    """Write `tiers.csv`, the same bytes every time; `names`: ids of counties, tasks, metrics."""
    if path.suffix != ".csv":
        refuse(path.name, "", "tiers are written to a .csv file")
    path.write_text(tiers_text(tiers, names), encoding="utf-8", newline="\n")
