"""What `allot reproduce` shows, and its JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.labels import read_labels, value_name
from optimizer.reproduce import OtherCell, Reproduced
from reports.layout import Paragraph, Part
from reports.numbers import plain
from reports.remarks import solver_notes
from reports.tables import Grid, Line
from reports.words import Words

MOST_CELLS = 20
"""Cells that the page names."""
_PLACES = 9


def reproduce_view(found: Reproduced, record: Path) -> dict[str, Any]:
    """`reproduce --json`: every cell that differs, objectives, versions."""
    return {
        "record": record.name,
        "scenario": found.told.scenario.name,
        "same": found.same,
        "cells": {"same": found.cells - len(found.differences), "other": len(found.differences)},
        "differences": [vars(cell) for cell in found.differences],
        "objective": {
            "then": found.told.result.objective,
            "now": found.solution.objective,
            "change": found.objective_change,
        },
        "notes": {"then": list(found.told.solver.notes), "now": list(found.solution.solver.notes)},
        "versions": {
            name: {"then": then, "now": now} for name, (then, now) in found.versions.items()
        },
    }


def reproduce_page(found: Reproduced, record: Path, words: Words) -> list[Part]:
    """Same or not, which cells, by how much, and with what both were made."""
    told = found.told
    same, other = found.cells - len(found.differences), len(found.differences)
    verdict = words("reproduce.same", count=same)
    if other:
        verdict = words("reproduce.other", same=same, other=other)
    objective = words(
        "reproduce.objective",
        then=plain(told.result.objective, _PLACES),
        now=plain(found.solution.objective, _PLACES),
        change=plain(found.objective_change, _PLACES),
    )
    parts: list[Part] = [
        Paragraph(
            words("reproduce.title", record=record.name, scenario=told.scenario.name), "bold"
        ),
        Paragraph(verdict, "bold red" if other else "bold"),
        Paragraph(objective),
        *(Paragraph(note, indent=2) for note in solver_notes(found.solution, words)),
    ]
    if other:
        parts.append(_cells(found, words))
    if other > MOST_CELLS:
        parts.append(Paragraph(words("verify.more", count=other - MOST_CELLS), indent=2))
    return [*parts, _versions(found, words)]


def _cells(found: Reproduced, words: Words) -> Grid:
    programme = found.scenario.programme
    labels = read_labels(programme)

    def named(cell: OtherCell) -> tuple[str, str]:
        items = (("county", cell.county), ("task", cell.task))
        county, task = (value_name(programme, labels, item, words.lang) for item in items)
        return county, task

    lines = [
        Line((*named(cell), *(plain(n, _places(n)) for n in (cell.then, cell.now))))
        for cell in found.differences[:MOST_CELLS]
    ]
    keys = ("certificate.county", "certificate.task", "reproduce.then", "reproduce.now")
    header = tuple(words(key) for key in keys)
    return Grid(words("reproduce.cells"), header, tuple(lines), frozenset({0, 1}))


def _places(number: Any) -> int:
    return 0 if number.denominator == 1 else 6


def _versions(found: Reproduced, words: Words) -> Grid:
    lines = [Line((name, then or "-", now or "-")) for name, (then, now) in found.versions.items()]
    header = (words("reproduce.with"), words("reproduce.then"), words("reproduce.now"))
    return Grid(words("reproduce.versions"), header, tuple(lines), frozenset({0, 1, 2}))
