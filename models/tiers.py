"""Tiers: what money in a cell yields, step by step, in whole numbers.

A cell's response is a concave, piecewise linear curve: the first `width[0]` money units yield
`rate[0]` metric units each, the next `width[1]` yield `rate[1]`, and so on; money above the last
tier yields nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import Problems, did_you_mean, refuse
from models.exact import MICRO, exact_text, parse_not_negative
from models.files import File, csv_text
from models.table import need_columns, read_rows

LARGEST_RATE = 10**15
"""Largest rate in 10⁻⁶ units; keeps rate × money within 64-bit whole numbers in the rows."""
_SUGGESTIONS = 20
# What nearly all lines hold; anything else takes the way through exact fractions and messages.
_SHORT_WHOLE = re.compile(r"[1-9][0-9]{0,8}")
_SHORT_RATE = re.compile(r"([0-9]{1,8})(?:\.([0-9]{0,6}))?")


@dataclass(frozen=True)
class Tiers:
    """The responses of all cells.

    `width[county, task, tier]`: whole money units, 0 where a cell has no such tier.
    `rate[metric, county, task, tier]`: 10⁻⁶ metric units per money unit, never rising in `tier`.
    """

    width: NDArray[np.int64]
    rate: NDArray[np.int64]

    def __repr__(self) -> str:
        metrics, counties, tasks, most = self.rate.shape
        return f"Tiers of {counties} × {tasks} cells, at most {most} each; metrics: {metrics}"


def read_tiers(
    path: File, counties: Sequence[str], tasks: Sequence[str], metrics: Sequence[str]
) -> Tiers:
    """The tiers of `tiers.csv`: county, task, tier, width and one column of rates a metric.

    Cells that the file leaves out have no tiers: money there yields nothing.
    """
    header, rows = read_rows(path)
    need_columns(path, header, ["county", "task", "tier", "width", *metrics])
    at = {name: header.index(name) for name in header}
    problems = Problems()
    found: dict[tuple[int, int], dict[int, tuple[int, list[int]]]] = {}
    county_at = {name: i for i, name in enumerate(counties)}
    task_at = {name: i for i, name in enumerate(tasks)}
    unknown = _Unknown({"county": counties, "task": tasks})
    for place, row in rows:
        county, task = row[at["county"]], row[at["task"]]
        if county not in county_at:
            problems.add(path.name, place, unknown.message("county", county))
        if task not in task_at:
            problems.add(path.name, place, unknown.message("task", task))
        try:
            tier = _whole(row[at["tier"]], "tier")
            width = _whole(row[at["width"]], "width")
            rates = [_micro(row[at[name]], name) for name in metrics]
        except ValueError as error:
            problems.add(path.name, place, str(error))
            continue
        if county in county_at and task in task_at:
            steps = found.setdefault((county_at[county], task_at[task]), {})
            if tier in steps:
                problems.add(
                    path.name, place, f"tier {tier} of {county} × {task} stands here twice"
                )
            steps[tier] = (width, rates)
    _check_steps(path.name, found, (counties, tasks, metrics), problems)
    problems.raise_if_any()
    return _arrays(found, (len(counties), len(tasks), len(metrics)))


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


def _whole(text: str, name: str) -> int:
    if _SHORT_WHOLE.fullmatch(text):
        return int(text)
    number = parse_not_negative(text)
    if number.denominator != 1 or number < 1 or number >= MICRO**2:
        raise ValueError(f"{name} must be a whole number from 1, not '{text}'")
    return int(number)


def _micro(text: str, name: str) -> int:
    if plain := _SHORT_RATE.fullmatch(text):
        return int(plain[1]) * MICRO + int((plain[2] or "").ljust(6, "0"))
    micro = parse_not_negative(text) * MICRO
    if micro.denominator != 1:
        raise ValueError(f"the rate of {name} has more than 6 decimals: '{text}'")
    if micro > LARGEST_RATE:
        raise ValueError(f"the rate of {name} is above {LARGEST_RATE // MICRO:,}: '{text}'")
    return int(micro)


def _check_steps(
    file: str,
    found: dict[tuple[int, int], dict[int, tuple[int, list[int]]]],
    names: tuple[Sequence[str], Sequence[str], Sequence[str]],
    problems: Problems,
) -> None:
    """Tiers are numbered 1, 2, 3 … and no rate rises from one to the next."""
    counties, tasks, metrics = names
    for (c, t), steps in found.items():
        place = f"{counties[c]} × {tasks[t]}"
        if sorted(steps) != list(range(1, len(steps) + 1)):
            problems.add(file, place, f"tiers must be numbered 1 to {len(steps)} without a gap")
            continue
        for tier in range(2, len(steps) + 1):
            for m, metric in enumerate(metrics):
                before, after = steps[tier - 1][1][m], steps[tier][1][m]
                if after > before:
                    problems.add(
                        file,
                        place,
                        f"the rate of {metric} rises from tier {tier - 1} to {tier}"
                        f" ({exact_text(Fraction(before, MICRO))} to"
                        f" {exact_text(Fraction(after, MICRO))}); rates must fall or stay",
                    )


def _arrays(
    found: dict[tuple[int, int], dict[int, tuple[int, list[int]]]], shape: tuple[int, int, int]
) -> Tiers:
    counties, tasks, metrics = shape
    most = max((len(steps) for steps in found.values()), default=1)
    width = np.zeros((counties, tasks, most), dtype=np.int64)
    rate = np.zeros((metrics, counties, tasks, most), dtype=np.int64)
    for (c, t), steps in found.items():
        for tier, (wide, rates) in steps.items():
            width[c, t, tier - 1] = wide
            rate[:, c, t, tier - 1] = rates
    return Tiers(width, rate)


def tiers_text(tiers: Tiers, names: tuple[Sequence[str], Sequence[str], Sequence[str]]) -> str:
    """The text of `tiers.csv`, the same every time; `names`: ids of counties, tasks, metrics."""
    counties, tasks, metrics = names
    rows = []
    for c, county in enumerate(counties):
        for t, task in enumerate(tasks):
            for k, width in enumerate(tiers.width[c, t]):
                if width:
                    rates = [exact_text(Fraction(int(r), MICRO)) for r in tiers.rate[:, c, t, k]]
                    rows.append([county, task, str(k + 1), str(int(width)), *rates])
    return csv_text(["county", "task", "tier", "width", *metrics], rows)


def write_tiers(
    path: Path, tiers: Tiers, names: tuple[Sequence[str], Sequence[str], Sequence[str]]
) -> None:
    """Write `tiers.csv`, the same bytes every time; `names`: ids of counties, tasks, metrics."""
    if path.suffix != ".csv":
        refuse(path.name, "", "tiers are written to a .csv file")
    path.write_text(tiers_text(tiers, names), encoding="utf-8", newline="\n")
