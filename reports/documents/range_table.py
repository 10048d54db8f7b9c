"""The page of `allot ranges`, and its JSON document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from models.scenario import Scenario
from optimizer.sensitivity.near_optimal import Ends, Range, Ranges, Witness
from reports.catalogue import Words
from reports.document import Document, Figure, Grid, Line, Paragraph, Part
from reports.numbers import gap_text, plain, short_figures
from reports.svg import Span, span_bars
from reports.view.remarks import about

_NEAR = 1e-6
_MOST_DRAWN = 30
"""So many ranges are drawn: more do not fit on a page of paper."""


@dataclass(frozen=True)
class WitnessFound:
    """One witness that was asked for, of a county (its position); None where none was found."""

    county: int
    witness: Witness | None


_HEADS = {
    "county": ("ranges.counties", "column.county"),
    "task": ("ranges.tasks", "column.task"),
    "cell": ("ranges.cells", "ranges.cell"),
}


def ranges_view(ranges: Ranges, witnesses: Sequence[WitnessFound]) -> dict[str, Any]:
    """`ranges --json`."""
    return {
        "scenario": ranges.scenario.name,
        "within": ranges.within,
        "best": ranges.best,
        "floor": ranges.floor,
        "exact": ranges.is_exact,
        "ranges": [_range_view(one) for one in ranges.rows],
        "witnesses": [
            _witness_view(ranges.scenario, found.witness) for found in witnesses if found.witness
        ],
    }


def _range_view(one: Range) -> dict[str, Any]:
    return {
        one.what: one.id,
        "now": one.now,
        "least": one.low,
        "most": one.high,
        "reached": _pair(one.inner),
        "at_no_cost": _pair(one.at_no_cost),
        "free": one.is_free,
    }


def _pair(ends: Ends | None) -> list[float] | None:
    return None if ends is None else list(ends)


def _witness_view(scenario: Scenario, one: Witness) -> dict[str, Any]:
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    cells = [
        {"county": county, "task": task, "amount": Fraction(one.allocation.amounts[c, t])}
        for c, county in enumerate(counties)
        for t, task in enumerate(tasks)
        if one.allocation.amounts[c, t]
    ]
    told = {"county": one.county, "end": one.end, "money": one.money, "outer": one.outer}
    return {**told, "objective": one.objective, "allocation": cells}


def ranges_page(ranges: Ranges, witnesses: Sequence[WitnessFound], words: Words) -> Document:
    """What `allot ranges` shows: witnesses first if asked for, then counties and tasks."""
    near = words(
        "ranges.near",
        floor=short_figures(round(ranges.floor, 6)),
        best=short_figures(round(ranges.best, 6)),
        within=gap_text(ranges.within),
    )
    parts = [
        Paragraph(near),
        Paragraph(words(_kind(ranges))),
        *[part for found in witnesses for part in _witness(ranges, found, words)],
        *_figure(ranges, "county", words),
        _grid(ranges, "county", words),
        *_free(ranges, words),
        *_figure(ranges, "task", words),
        _grid(ranges, "task", words),
        *([_grid(ranges, "cell", words)] if ranges.rows[-1].what == "cell" else []),
    ]
    title = words("ranges.title", scenario=ranges.scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(ranges.scenario, words))


def _kind(ranges: Ranges) -> str:
    """What is said of what the ends are."""
    if ranges.by_loss:
        return "ranges.by-loss"
    return "ranges.exact" if ranges.is_exact else "ranges.relaxed"


def _grid(ranges: Ranges, what: str, words: Words) -> Grid:
    money = ranges.scenario.programme.file.money.of(words.lang)
    title, first = _HEADS[what]
    keys = [first, "ranges.now", "ranges.least", "ranges.most"]
    keys += [] if ranges.is_exact or ranges.by_loss else ["ranges.reached"]
    keys += [] if ranges.by_loss else ["ranges.level"]
    names = _names(ranges.scenario, what, words)
    rows = [one for one in ranges.rows if one.what == what]
    # Of cells those that may hold any money.
    lines = [
        Line((name, *_cells(one, ranges.is_exact, words)[: len(keys) - 1]))
        for name, one in zip(names, rows, strict=True)
        if what != "cell" or one.high > _NEAR
    ]
    return Grid(words(title, money=money), tuple(words(key) for key in keys), tuple(lines))


def _figure(ranges: Ranges, what: str, words: Words) -> list[Figure]:
    """The ranges as bars, of many the widest; none where no money could stand elsewhere."""
    pairs = zip(
        _names(ranges.scenario, what, words),
        (one for one in ranges.rows if one.what == what),
        strict=True,
    )
    spans = [
        Span(
            name,
            words("prices.between", low=_down(one.low), high=_up(one.high)),
            one.low,
            one.high,
            one.now,
            one.inner,
        )
        for name, one in pairs
        if one.high - one.low > _NEAR
    ]
    if not spans:
        return []
    # Of equally wide ones those that stand first in the table.
    widest = sorted(spans, key=lambda one: round(one.low - one.high, 6))[:_MOST_DRAWN]
    key = "ranges.bars.counties" if what == "county" else "ranges.bars.tasks"
    money = ranges.scenario.programme.file.money.of(words.lang)
    return [span_bars(words(key, money=money), words("ranges.bars.alt"), widest)]


def _cells(one: Range, exact: bool, words: Words) -> list[str]:
    cells = [plain(Fraction(repr(one.now))), _down(one.low), _up(one.high)]
    if not exact:
        cells.append(_between(one.inner, words))
    return [*cells, _between(one.at_no_cost, words) if one.is_free else "-"]


def _between(ends: Ends | None, words: Words) -> str:
    """Ends that are reached, rounded inwards; `-` where there are none."""
    if ends is None:
        return "-"
    low, high = math.ceil(ends[0] - _NEAR), math.floor(ends[1] + _NEAR)
    if low >= high:
        return plain(Fraction(repr((ends[0] + ends[1]) / 2)))
    return words("prices.between", low=plain(low), high=plain(high))


def _down(end: float) -> str:
    return plain(math.floor(end + _NEAR * max(1.0, abs(end))))


def _up(end: float) -> str:
    return plain(math.ceil(end - _NEAR * max(1.0, abs(end))))


def _names(scenario: Scenario, what: str, words: Words) -> list[str]:
    counties = list(scenario.programme.counties.names(words.lang))
    tasks = list(scenario.programme.task_names(words.lang))
    if what == "cell":
        pairs = ((county, task) for county in counties for task in tasks)
        return [words("ranges.of-cell", county=county, task=task) for county, task in pairs]
    return counties if what == "county" else tasks


def _free(ranges: Ranges, words: Words) -> list[Part]:
    names = _names(ranges.scenario, "county", words)
    free = [name for name, one in zip(names, ranges.rows, strict=False) if one.is_free]
    if any(one.at_no_cost is None for one in ranges.rows):
        return []
    text = words("ranges.none-free")
    if free:
        text = words("ranges.free", count=len(free), names=words("list").join(free))
    return [Paragraph(""), Paragraph(text, indent=2)]


def _witness(ranges: Ranges, found: WitnessFound, words: Words) -> list[Part]:
    scenario, one = ranges.scenario, found.witness
    name = _names(scenario, "county", words)[found.county]
    if one is None:
        return [Paragraph(words("ranges.no-witness", county=name))]
    key = "ranges.witness.least" if one.end == "least" else "ranges.witness.most"
    outer = _down(one.outer) if one.end == "least" else _up(one.outer)
    objective = short_figures(round(float(one.objective), 6))
    money = plain(one.money)
    said = words(key, county=name, money=money, objective=objective, outer=outer)
    amounts = zip(
        _names(scenario, "task", words), one.allocation.amounts[found.county], strict=True
    )
    tasks = [
        words("ranges.amount", task=task, money=plain(Fraction(amount)))
        for task, amount in amounts
        if amount
    ]
    listed = words("ranges.witness.tasks", amounts=words("list").join(tasks) or words("none"))
    return [Paragraph(said), Paragraph(listed, indent=2, start=2)]
