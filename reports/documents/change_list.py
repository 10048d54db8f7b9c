"""The pages of `allot mend` and `allot reallocate`, and their JSON documents."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from models.allocation import added_and_taken
from models.files import csv_text
from models.metadata import group_name, read_labels
from models.remedies import change_text
from models.scenario_file import Eased
from optimizer.mending import Admission, CellMove, Mended, solution_of
from optimizer.reallocation import Reallocated
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part, item
from reports.numbers import amount_text, gap_text, plain, signed_change
from reports.view.mover_table import mover_grids
from reports.view.page_model import page_model
from reports.view.remarks import about
from reports.view.rule_view import BASIS, RuleView, broken_grids

_MOST = 60
"""Moves that are listed; all of them stand in the table that is written."""


def mend_view(found: Mended, table: str) -> dict[str, Any]:
    """`mend --json`; `table`: what was mended."""
    programme = found.scenario.programme
    counties, tasks = programme.counties.ids, programme.tasks.ids
    return {
        "scenario": found.scenario.name,
        "table": table,
        "broken": list(found.read.broken_rules),
        "distance": found.distance,
        "distance_at_least": found.at_least,
        "nearest": found.is_nearest,
        "moved": found.moved,
        "counties": found.touched,
        "counties_at_least": found.touched_at_least,
        "held": found.held,
        "touch": found.touch,
        "objective": {"given": found.given_objective, "mended": found.objective},
        "moves": [
            {
                "county": counties[one.county],
                "task": tasks[one.task],
                "from": one.before,
                "to": one.after,
                "mends": list(one.mends),
                "keeps": list(one.keeps),
                "with_others": one.with_others,
            }
            for one in found.moves
        ],
        "admit": [
            {
                "rule": one.rule,
                "basis": one.basis,
                "yours": one.is_open,
                "set": None if one.change is None else one.change.setting,
                "needed": None if one.change is None else one.change.needed,
            }
            for one in found.admissions
        ],
    }


def mend_page(found: Mended, words: Words, table: str) -> Document:
    """What `allot mend` shows."""
    texts = _MendTexts(found, words)
    title = words("mend.title", table=table, scenario=found.scenario.spec.title.of(words.lang))
    parts: list[Part] = [Paragraph(one) for one in texts.result()]
    parts += [*texts.moves(), *texts.movers(), *texts.admissions()]
    if found.read.broken:
        for said, grid in broken_grids(texts.view, found.read):
            parts += [grid, Paragraph(said, indent=2, start=2)]
    return Document(title, tuple(parts), about=about(found.scenario, words))


class _MendTexts:
    def __init__(self, found: Mended, words: Words) -> None:
        self._found, self._words = found, words
        programme = found.scenario.programme
        self.view = RuleView(found.scenario, read_labels(programme), words)
        self._unit = programme.file.money.of(words.lang)
        self._counties = programme.counties.names(words.lang)
        self._tasks = programme.task_names(words.lang)

    def result(self) -> list[str]:
        """How far the nearest allocation is, and what is proved of that."""
        found, words = self._found, self._words
        if not found.moves:
            return [words("mend.kept")]
        added, taken = added_and_taken([one.after - one.before for one in found.moves])
        numbers = {
            "distance": amount_text(found.distance),
            "added": amount_text(added),
            "taken": amount_text(taken),
            "unit": self._unit,
            "counties": found.touched,
            "cells": len(found.moves),
        }
        said = [words("mend.distance", **numbers), self._proof()]
        if found.held:
            said.append(words("mend.held", count=found.held))
        if not found.scenario.spec.objective.has_points:
            return said
        change = signed_change(found.objective - found.given_objective)
        return [*said, words("mend.objective", change=change)]

    def _proof(self) -> str:
        found, words = self._found, self._words
        if not found.is_nearest:
            return words("mend.not-proved", least=plain(found.at_least), unit=self._unit)
        if found.touched_at_least is None or found.touched_at_least < found.touched:
            return words("mend.nearest")
        return words("mend.nearest-fewest")

    def moves(self) -> list[Part]:
        """Every move with what it is for."""
        found, words = self._found, self._words
        if not found.moves:
            return []
        lines = [self._line(one) for one in found.moves[:_MOST]]
        if more := len(found.moves) - _MOST:
            lines += [Line((words("mend.more", count=more),), "note")] if more > 0 else []
        keys = (
            *("column.county", "column.task", "mend.given", "mend.mended"),
            *("mend.change", "mend.why"),
        )
        header = tuple(map(words, keys))
        title = words("mend.moves", money=self._unit)
        return [Grid(title, header, tuple(lines), frozenset({0, 1, 5}))]

    def _line(self, one: CellMove) -> Line:
        by = one.after - one.before
        money = (amount_text(one.before), amount_text(one.after), signed_change(by))
        place = (self._counties[one.county], self._tasks[one.task])
        return Line((*place, *money, self._why(one)))

    def _why(self, one: CellMove) -> str:
        words = self._words
        said = []
        if one.mends:
            said.append(words("mend.mends", titles=self._titles(one.mends)))
        if one.keeps:
            said.append(words("mend.keeps", titles=self._titles(one.keeps)))
        text = words("pairs").join(said) or words("mend.no-reason")
        return words("mend.with-others", text=text) if one.with_others and said else text

    def _titles(self, rules: Sequence[str]) -> str:
        return self._words("list").join(self.view.title(name) for name in rules)

    def movers(self) -> list[Grid]:
        """Who gains and loses most against the table and the baseline, and why."""
        if not self._found.moves:
            return []
        model = page_model(solution_of(self._found), self._words.lang)
        return mover_grids(model, self._found.given)

    def admissions(self) -> list[Part]:
        """What would let the table stand, and what is not ours to change."""
        words, found = self._words, self._found
        if not found.admissions:
            return []
        ours = [one for one in found.admissions if one.is_open]
        others = [one for one in found.admissions if not one.is_open]
        parts: list[Part] = [Paragraph(words("mend.admit"), "heading")]
        parts += [item(self._admission(one)) for one in ours]
        if not ours:
            parts.append(Paragraph(words("mend.admit-none"), indent=2, start=2))
        if others:
            parts.append(Paragraph(words("mend.not-ours"), "heading"))
            parts += [item(self._other(one)) for one in others]
        return parts

    def _admission(self, one: Admission) -> str:
        if one.change is None:
            return self._words("mend.no-number", title=self.view.title(one.rule))
        text = change_text(self._found.scenario, one.change, self.view.labels)
        return text.of(self._words.lang)

    def _other(self, one: Admission) -> str:
        basis = self._words(BASIS.get(one.basis, "block.scenario"))
        return self._words("mend.fixed", title=self.view.title(one.rule), basis=basis)


def reallocate_view(found: Reallocated) -> dict[str, Any]:
    """`reallocate --json`."""
    programme = found.scenario.programme
    counties, tasks = programme.counties.ids, programme.tasks.ids
    return {
        "scenario": found.scenario.name,
        "budget": found.scenario.budget,
        "paid": found.paid,
        "spent": found.audit.spent,
        "objective": found.objective,
        "gap": found.quality.gap,
        "source": found.quality.source,
        "outcomes": dict(found.audit.outcomes),
        "counties": found.touched,
        "touch": found.state.touch,
        "changes": [
            {
                "county": counties[one.county],
                "task": tasks[one.task],
                "before": one.before,
                "paid": one.paid,
                "after": one.after,
                "difference": one.after - one.before,
            }
            for one in found.changes
        ],
        "eased": [{"rule": one.rule, "key": one.key, "by": one.by} for one in found.eased],
        "broken": list(found.audit.broken_rules),
    }


_SIGNED = ("county", "task", "before", "paid", "after", "difference")


def signed_csv(found: Reallocated) -> str:
    """The list to sign as a CSV file, cells by code."""
    rows = [[str(one[name]) for name in _SIGNED] for one in reallocate_view(found)["changes"]]
    return csv_text(_SIGNED, rows)


def reallocate_page(found: Reallocated, words: Words) -> Document:
    """What `allot reallocate` shows: the list to sign, and what gives way to money that is paid."""
    scenario, unit = found.scenario, found.scenario.programme.file.money.of(words.lang)
    view = RuleView(scenario, read_labels(scenario.programme), words)
    money = {
        "budget": plain(scenario.budget),
        "paid": amount_text(found.paid),
        "spent": amount_text(found.audit.spent),
        "unspent": amount_text(found.audit.unspent),
        "unit": unit,
    }
    parts: list[Part] = [
        Paragraph(words("reallocate.money", **money)),
        Paragraph(words("reallocate.touched", counties=found.touched, cells=len(found.changes))),
        Paragraph(_proved(found, words)),
        _signed_grid(found, words, unit),
    ]
    if found.eased:
        parts.append(Paragraph(words("reallocate.eased"), "heading"))
        parts += [item(_eased(view, one)) for one in found.eased]
    title = words("reallocate.title", scenario=scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(scenario, words))


def _proved(found: Reallocated, words: Words) -> str:
    if found.quality.gap is None:
        return words("reallocate.no-bound")
    key = "reallocate.gap" if found.state.touch is None else "reallocate.gap-touched"
    return words(key, gap=gap_text(found.quality.gap), counties=found.state.touch)


def _signed_grid(found: Reallocated, words: Words, unit: str) -> Grid:
    programme = found.scenario.programme
    counties, tasks = programme.counties.names(words.lang), programme.task_names(words.lang)
    lines = [
        Line(
            (
                *(counties[one.county], tasks[one.task]),
                *map(amount_text, (one.before, one.paid, one.after)),
                signed_change(one.after - one.before),
            )
        )
        for one in found.changes
    ]
    sums = [
        sum((getattr(one, name) for one in found.changes), Fraction(0))
        for name in ("before", "paid", "after")
    ]
    total = (*map(amount_text, sums), signed_change(sums[2] - sums[0]))
    lines.append(Line((words("total"), "", *total), "total"))
    keys = ("column.county", "column.task", "reallocate.before", "reallocate.paid")
    header = tuple(map(words, (*keys, "reallocate.after", "mend.change")))
    return Grid(words("reallocate.list", money=unit), header, tuple(lines), frozenset({0, 1}))


def _eased(view: RuleView, one: Eased) -> str:
    """A limit that gives way, where and by how much."""
    key = tuple(one.key.items())
    place = group_name(view.scenario.programme, view.labels, key, view.words.lang)
    title = view.title(one.rule)
    by = plain(one.by, 0 if one.by.denominator == 1 else 2)
    if place:
        title = view.words("explain.place", title=title, place=place)
    return view.words("reallocate.gives-way", title=title, by=by)
