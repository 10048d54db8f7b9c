"""The page of `allot diagnose`, and its JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

from models.exact import exact_text
from models.metadata import Labels, group_name, read_labels
from models.remedies import Change, Check, Key, Member, change_text, check_text
from models.rule import NO_IDLE, STEP
from models.scenario import Scenario
from models.sentences import Wording, grouped
from optimizer.infeasibility.diagnose import Diagnosis
from optimizer.infeasibility.settled_change import MOST_TIMES
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part, item
from reports.view.remarks import about
from reports.view.rule_view import RuleView

_CAUSES = {
    "relaxation": "diagnose.relaxation",
    "funding": "diagnose.funding",
    "units": "diagnose.units",
}


_UNITS = {"times": "diagnose.unit.times", "cells": "diagnose.unit.cells"}
_NAMED = 6


def number_text(number: Fraction, field: str = "") -> str:
    """A number for a cell: a share in percent, any other to six places."""
    if field in ("share", "margin"):
        return f"{exact_text(Fraction(round(number * 10**6), 10**4))}%"
    return grouped(Fraction(round(number * 10**6), 10**6))


def _allowed(one: Check) -> Fraction:
    """What is allowed never reads as more."""
    return Fraction(floor(one.allow * 100), 100) if one.kind == "metric" else one.allow


def diagnosis_view(diagnosis: Diagnosis) -> dict[str, Any]:
    """`diagnose --json`."""
    scenario = diagnosis.scenario
    labels = read_labels(scenario.programme)

    def change(one: Change) -> dict[str, Any]:
        text = change_text(scenario, one, labels)
        places = [
            {
                "key": dict(place.key),
                "now": place.now,
                "needed": place.needed,
                "column": place.column,
                "cell_now": place.cell_now,
                "cell_needed": place.cell_needed,
            }
            for place in one.places
        ]
        told = {"rule": one.rule, "field": one.field, "now": one.now, "needed": one.needed}
        ends = {"set": one.setting, "least": one.is_least, "places": places}
        return {**told, **ends, "text": {"zh": text.zh, "en": text.en}}

    def check(one: Check) -> dict[str, Any]:
        text = check_text(scenario, one, labels)
        told = {"kind": one.kind, "rule": one.rule, "other": one.other, "key": dict(one.key)}
        sums = {"need": one.need, "allow": one.allow}
        return {**told, **sums, "text": {"zh": text.zh, "en": text.en}}

    return {
        "scenario": scenario.name,
        "feasible": diagnosis.is_feasible,
        "cause": diagnosis.cause,
        "proved": diagnosis.is_proved,
        "sums": [check(one) for one in diagnosis.checks],
        "alone": [change(one) for one in diagnosis.alone],
        "no_help": list(diagnosis.no_help),
        "together": [change(one) for one in diagnosis.combined],
        "unsettled": list(diagnosis.unsettled),
        "conflicts": [
            {
                "proved": conflict.is_proved,
                "limits": [{"rule": one.rule, "key": dict(one.key)} for one in conflict.members],
            }
            for conflict in diagnosis.conflicts
        ],
    }


def change_line(scenario: Scenario, change: Change, labels: Labels, words: Words) -> str:
    """A change in a line: what to what, whether less is ruled out, how `--set` takes it."""
    text = change_text(scenario, change, labels).of(words.lang)
    if not change.is_least and change.field not in ("eligibility", "margin"):
        text = words("diagnose.found", text=text)
    if change.setting is None:
        return text
    return words("diagnose.set", text=text, setting=change.setting)


def diagnosis_page(diagnosis: Diagnosis, words: Words, weighted: bool = False) -> Document:
    """What `allot diagnose` shows; `weighted`: weights were given for the combination."""
    scenario = diagnosis.scenario
    if diagnosis.is_feasible:
        fine = Paragraph(words("diagnose.fine", scenario=scenario.spec.title.of(words.lang)))
        return Document("", (fine,), about=about(scenario, words))
    texts = _DiagnosisTexts(diagnosis, words)
    cause = _CAUSES[diagnosis.cause] if diagnosis.cause else "diagnose.plain"
    parts = [
        Paragraph(words(cause) + (words("diagnose.proved") if _is_proved(diagnosis) else "")),
        *texts.separate(),
        *texts.sums(),
        *texts.alone(),
        *texts.combined("diagnose.weighted" if weighted else "diagnose.combined"),
        *texts.conflicts(),
    ]
    title = words("diagnose.title", scenario=scenario.spec.title.of(words.lang))
    sheets = tuple(grid for grid in (texts.sums_grid(), texts.changes_grid()) if grid.lines)
    return Document(title, tuple(parts), about=about(scenario, words), sheets=sheets)


def _is_proved(diagnosis: Diagnosis) -> bool:
    """Whether the whole of the first sentence is proved exactly: what it says of cells funded in
    part or of parts of a unit is the solver's word, but where a conflict is there all the same."""
    if diagnosis.cause != "relaxation":
        return diagnosis.cause is None and diagnosis.is_proved
    in_part = any(check.kind in ("money", "metric", "outcome") for check in diagnosis.checks)
    return in_part or any(conflict.is_proved for conflict in diagnosis.conflicts)


class _DiagnosisTexts:
    def __init__(self, diagnosis: Diagnosis, words: Words) -> None:
        self._diagnosis, self._words = diagnosis, words
        self._view = RuleView(diagnosis.scenario, read_labels(diagnosis.scenario.programme), words)

    def sums(self) -> list[Part]:
        texts = [
            check_text(self._diagnosis.scenario, check, self._view.labels).of(self._words.lang)
            for check in self._diagnosis.checks
        ]
        return self._list("diagnose.sums", texts)

    def alone(self) -> list[Part]:
        words, found = self._words, self._diagnosis
        parts = self._list("diagnose.alone", [self._change(change) for change in found.alone])
        if not found.alone:
            parts = [Paragraph(words("diagnose.none-alone"), "heading")]
        rules = [name for name in found.no_help if name != "budget"]
        for key, proved in (("diagnose.vain", True), ("diagnose.vain-solver", False)):
            said = [name for name in rules if found.is_proved_no_help(name) == proved]
            if said:
                parts.append(self._remark(key, titles=self._titles(said)))
        if "budget" in found.no_help:
            parts.append(self._remark("diagnose.vain-budget", times=f"{MOST_TIMES:,}"))
        if found.unsettled:
            parts.append(self._remark("diagnose.unsettled", titles=self._titles(found.unsettled)))
        return parts

    def separate(self) -> list[Part]:
        """Where there are several conflicts, how many."""
        count = len(self._diagnosis.conflicts)
        return [Paragraph(self._words("diagnose.separate", count=count))] if count > 1 else []

    def _titles(self, names: Iterable[str]) -> str:
        return self._words("list").join(self._view.title(name) for name in names)

    def _remark(self, key: str, **values: str) -> Part:
        return Paragraph(self._words(key, **values), indent=4, start=2)

    def combined(self, title: str) -> list[Part]:
        changes = self._diagnosis.combined
        if len(changes) == 1 and changes[0] in self._diagnosis.alone:
            return []
        return self._list(title, [self._together(change) for change in changes])

    def conflicts(self) -> list[Part]:
        found, words = self._diagnosis.conflicts, self._words
        parts: list[Part] = []
        for number, conflict in enumerate(found, start=1):
            members: dict[str, list[Member]] = {}
            for one in conflict.members:
                members.setdefault(one.rule, []).append(one)
            title = words("diagnose.conflict")
            if len(found) > 1:
                title = words("diagnose.conflict-of", number=number, count=len(found))
            parts.append(Paragraph(title, "heading"))
            parts += [item(self._members(*pair)) for pair in members.items()]
        return parts

    def _members(self, rule: str, members: list[Member]) -> str:
        """The limits of one rule in the conflict: the first few by name, and how many they are."""
        programme, words = self._diagnosis.scenario.programme, self._words
        names = [
            group_name(programme, self._view.labels, one.key, words.lang) or words("diagnose.whole")
            for one in members[:_NAMED]
        ]
        place = words("list").join(names)
        if len(members) > _NAMED:
            place = words("diagnose.of-many", places=place, count=len(members))
        return words("diagnose.member", title=self._view.title(rule), place=place)

    def _change(self, change: Change) -> str:
        return change_line(self._diagnosis.scenario, change, self._view.labels, self._words)

    def _together(self, change: Change) -> str:
        """As `_change`; that nothing together is proved least is said above."""
        return self._change(replace(change, is_least=True))

    def sums_grid(self) -> Grid:
        """The sums that cannot meet, with their units."""
        keys = (
            *("diagnose.head.title", "diagnose.head.other", "diagnose.head.place"),
            *("diagnose.head.need", "diagnose.head.allow", "diagnose.head.unit"),
        )
        lines = [
            Line(
                (
                    self._view.title(one.rule),
                    self._view.title(one.other),
                    self._group(one.key),
                    number_text(one.need),
                    number_text(_allowed(one)),
                    self._unit(one.rule, "cells" if one.kind == "cells" else ""),
                )
            )
            for one in self._diagnosis.checks
        ]
        return self._grid("diagnose.sums", keys, lines, frozenset({0, 1, 2, 5}))

    def changes_grid(self) -> Grid:
        """What to change to what, each number with its unit."""
        found = self._diagnosis
        together = found.combined if self.combined("diagnose.combined") else ()
        ways = (("diagnose.way.alone", found.alone), ("diagnose.way.together", together))
        lines = [
            Line((self._words(way), self._view.title(one.rule), one.rule, *cells))
            for way, changes in ways
            for one in changes
            for cells in self._change_cells(one)
        ]
        keys = (
            *("diagnose.head.way", "diagnose.head.title", "diagnose.head.id"),
            *("diagnose.head.place", "diagnose.head.now", "diagnose.head.needed"),
            *("diagnose.head.unit", "diagnose.head.setting"),
        )
        return self._grid("diagnose.changes", keys, lines, frozenset({0, 1, 2, 3, 6, 7}))

    def _change_cells(self, one: Change) -> Iterator[tuple[str, ...]]:
        """(where, from, to, unit, as `--set` takes it) of each number of a change."""
        spec, setting = self._diagnosis.scenario.spec, one.setting or ""
        for at in one.places:
            numbers = (number_text(at.now), number_text(at.needed))
            yield (self._group(at.key), *numbers, self._unit(one.rule), setting)
        if one.field == "eligibility":
            yield spec.ineligible[one.which].reason.of(self._words.lang), "", "", "", setting
        elif one.field in (NO_IDLE, STEP):
            yield "", "", "", "", setting
        elif one.now is not None and one.needed is not None:
            lock = spec.locks[one.which] if one.field == "locks" else None
            place = lock and self._group((("county", lock.county), ("task", lock.task)))
            numbers = (number_text(one.now, one.field), number_text(one.needed, one.field))
            yield (place or "", *numbers, self._unit(one.rule, one.field), setting)

    def _unit(self, name: str, field: str = "") -> str:
        """The unit of a number of a rule, or of budget, lot and locks."""
        scenario, words = self._diagnosis.scenario, self._words
        if field in ("share", "margin"):
            return ""
        if field in _UNITS:
            return words(_UNITS[field])
        rule = next((one for one in scenario.spec.rules if one.id == name), None)
        if rule is None:
            return scenario.programme.file.money.of(words.lang)
        unit = Wording(scenario.programme, self._view.labels, words.lang).unit(rule)
        if rule.per_head is None:
            return unit
        head = self._view.labels.column(rule.per_head, words.lang)
        return words("diagnose.unit.per", unit=unit, head=head)

    def _group(self, key: Key) -> str:
        programme, words = self._diagnosis.scenario.programme, self._words
        return group_name(programme, self._view.labels, key, words.lang)

    def _grid(
        self, title: str, keys: Iterable[str], lines: list[Line], text: frozenset[int]
    ) -> Grid:
        header = tuple(map(self._words, keys))
        return Grid(self._words(title), header, tuple(lines), text)

    def _list(self, title: str, texts: list[str]) -> list[Part]:
        if not texts:
            return []
        return [Paragraph(self._words(title), "heading"), *map(item, texts)]
