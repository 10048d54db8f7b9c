"""What `allot contestable` says: whose money hangs on what is assumed, and what to verify first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from statistics import median
from typing import Any

from models.exact import exact_text
from models.files import csv_text
from models.metadata import read_labels, read_tile_map
from optimizer.study.contestable import Contestable, Stake, Stance
from optimizer.study.drivers import FEWEST
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part
from reports.numbers import percent, plain, signed
from reports.svg import MapSquare, square_map
from reports.view.remarks import about
from reports.view.rule_view import RuleView

_KINDS: Mapping[Stance, tuple[str, str]] = {
    "data": ("k4", "contest.data"),
    "rules": ("k2", "contest.rules"),
    "safe": ("k0", "contest.safe"),
}
"""Stance → the shade of its squares, and what it is called."""


def contest_view(found: Contestable) -> dict[str, Any]:
    """`contestable --json`."""
    return {
        "scenario": found.scenario.name,
        "draws": len(found.tables),
        "seed": found.drawn.seed,
        "give": found.give,
        "first": [
            {"path": one.path, "counties": count, "wide": wide} for one, count, wide in found.first
        ],
        "counties": found.county_rows(),
        "cells": found.cell_rows(),
        "by_draw": found.draw_rows(),
    }


def contest_csv(found: Contestable) -> dict[str, str]:
    """The tables for other programs, name → text; numbers in full."""
    return {
        "contestable-counties.csv": _csv(found.county_rows()),
        "contestable-cells.csv": _csv(found.cell_rows()),
        "contestable-draws.csv": _csv(found.draw_rows()),
        "assumptions.csv": found.assumed.csv(),
    }


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    header = list(rows[0]) if rows else []
    return csv_text(header, ([_cell(value) for value in row.values()] for row in rows))


def _cell(value: object) -> str:
    if isinstance(value, Fraction):
        return exact_text(value)
    return "" if value is None else str(value)


def contest_page(found: Contestable, words: Words) -> Document:
    """The sentences, the map, the three tables; every cell's range on a sheet of its own."""
    page = _Contest(found, words)
    parts: list[Part] = [
        *page.head(),
        *page.map(),
        *page.grids(),
        Paragraph(words("contest.only", give=page.give)),
    ]
    title = words("contest.title", scenario=found.scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(found.scenario, words), sheets=(page.cells(),))


class _Contest:
    """The parts of the page in one language."""

    def __init__(self, found: Contestable, words: Words) -> None:
        self._found, self._words = found, words
        programme = found.scenario.programme
        self._labels = labels = read_labels(programme)
        self._rule = RuleView(found.scenario, labels, words).title
        self._names = dict(
            zip(programme.counties.ids, programme.counties.names(words.lang), strict=True)
        )
        self._tasks = {task.id: task.title.of(words.lang) for task in programme.task_list}
        self._unit = programme.file.money.of(words.lang)
        self.give = f"{exact_text(100 * found.give)}%"
        self._by: dict[Stance, list[Stake]] = {kind: [] for kind in _KINDS}
        for one in found.counties:
            self._by[found.stance(one)].append(one)

    def head(self) -> list[Part]:
        """The sentences that may be said aloud, then how they were found."""
        found, words = self._found, self._words
        counts = {kind: len(stakes) for kind, stakes in self._by.items()}
        said = words("contest.safe-said", counties=len(found.counties), **counts)
        wide = sum(one.high - one.low for one in self._by["data"])
        share = percent(wide, int(found.scenario.budget) or 1)
        told = {"data": counts["data"], "wide": f"{wide:,}", "unit": self._unit, "share": share}
        drawn = {"draws": len(found.tables), "count": len(found.drawn.values)}
        return [
            Paragraph(said, "strong"),
            *([Paragraph(words("contest.money", **told))] if wide else []),
            Paragraph(self._first(), "strong"),
            Paragraph(words("contest.drawn", **drawn, seed=found.drawn.seed, give=self.give)),
            *map(Paragraph, self._counted()),
            *(Paragraph(text, "alarm") for text in self._failing()),
        ]

    def _first(self) -> str:
        found, words = self._found, self._words
        if len(found.amounts) < FEWEST:
            return words("contest.few", draws=len(found.amounts))
        if not found.first:
            return words("contest.none-first")
        one, count, wide = found.first[0]
        told = {"title": one.title.of(words.lang), "path": one.path, "count": count}
        return words("contest.first", **told, wide=f"{wide:,}", unit=self._unit)

    def _counted(self) -> list[str]:
        found, words = self._found, self._words
        kinds = ("kept", "rearranged", "moved", "infeasible")
        counts = {kind: found.count(kind) for kind in kinds}
        said = words("contest.counted", **counts, none=found.count("no answer"))
        moved = [one for one in found.tables if one.told == "moved"]
        if not moved:
            return [said]
        amounts = [one.moved for one in moved]
        told = {"median": plain(Fraction(median(amounts))), "most": plain(max(amounts))}
        least = plain(Fraction(median(one.moved_at_least for one in moved)))
        return [said, words("contest.moved", **told, least=least, unit=self._unit)]

    def _failing(self) -> list[str]:
        words = self._words
        return [
            words("contest.failing", count=count, rules=words("list").join(map(self._rule, rules)))
            if rules
            else words("contest.failing-counts", count=count)
            for rules, count in self._found.failing.items()
        ]

    def map(self) -> list[Part]:
        """A square a county, and that it shows no borders; nothing of a programme without tiles."""
        programme, words = self._found.scenario.programme, self._words
        squares = []
        for tile in read_tile_map(programme):
            one = self._found.counties[tile.county]
            kind = self._found.stance(one)
            text = f"{one.low:,}–{one.high:,}" if kind == "data" else f"{one.now:,}"
            short = tile.short["zh" if words.lang == "zh" else "en"]
            squares.append(
                MapSquare((tile.column, tile.row), _KINDS[kind][0], short, text, kind == "data")
            )
        if not squares:
            return []
        keys = [(shade, words(key)) for shade, key in _KINDS.values()]
        title = words("contest.map", unit=self._unit)
        note = self._labels.map.note
        said = note.of(words.lang) if note else words("page.map.note")
        return [square_map(title, words("contest.map.alt"), squares, keys), Paragraph(said)]

    def _widest(self) -> list[Stake]:
        return sorted(self._by["data"], key=lambda one: (one.low - one.high, one.place))

    def grids(self) -> list[Part]:
        """What to verify first, then the counties by what is to be argued about."""
        words, found = self._words, self._found
        count, parts = len(found.amounts), list[Part]()
        if found.first:
            names: tuple[str, ...] = ("contest.driver", "contest.count", "contest.wide")
            lines = [
                Line((f"{one.title.of(words.lang)} ({one.path})", f"{many:,}", f"{wide:,}"))
                for one, many, wide in found.first
            ]
            parts.append(self._grid(words("contest.first.grid"), names, lines))
        names = (
            "contest.county",
            "contest.now",
            "contest.low",
            "contest.high",
            "contest.changed",
            "contest.driver",
            "contest.related",
        )
        lines = [Line((self._names[one.place[0]], *self._figures(one))) for one in self._widest()]
        if lines:
            title = words("contest.data.grid", draws=count, unit=self._unit)
            parts += [self._grid(title, names, lines, {0, 5}), Paragraph(words("contest.blank"))]
        lines = [
            Line((self._names[one.place[0]], f"{one.now:,}", self._held(one.place[0])))
            for one in self._by["rules"]
        ]
        if lines:
            title = words("contest.rules.grid")
            parts.append(
                self._grid(
                    title, ("contest.county", "contest.now", "contest.held-by"), lines, {0, 2}
                )
            )
        lines = [Line((self._names[one.place[0]], f"{one.now:,}")) for one in self._by["safe"]]
        if lines:
            title = words("contest.safe.grid", draws=count)
            parts.append(self._grid(title, ("contest.county", "contest.now"), lines))
        return parts

    def cells(self) -> Grid:
        """Every cell with money in the proposal or in a draw."""
        words = self._words
        names = (
            "contest.county",
            "contest.task",
            "contest.now",
            "contest.low",
            "contest.high",
            "contest.funded",
            "contest.driver",
            "contest.related",
        )
        lines = []
        for one in self._found.cells:
            now, low, high, _, *driver = self._figures(one)
            place = self._names[one.place[0]], self._tasks[one.place[1]]
            lines.append(Line((*place, now, low, high, f"{one.funded:,}", *driver)))
        title = words("contest.cells.grid", draws=len(self._found.amounts), unit=self._unit)
        return self._grid(title, names, lines, {0, 1, 6})

    def _grid(
        self, title: str, names: Sequence[str], lines: list[Line], text: set[int] | None = None
    ) -> Grid:
        header = tuple(map(self._words, names))
        return Grid(title, header, tuple(lines), frozenset(text or {0}))

    def _figures(self, one: Stake) -> tuple[str, ...]:
        """Proposal, both ends, in how many draws it is other, driver, correlation."""
        driver = "" if one.driver is None else one.driver.title.of(self._words.lang)
        related = "" if one.driver is None else signed(plain(Fraction(one.related), 2))
        ends = (f"{number:,}" for number in (one.now, one.low, one.high, one.changed))
        return (*ends, driver, related)

    def _held(self, county: str) -> str:
        return self._words("list").join(map(self._rule, self._found.holding[county]))
