"""A scenario on the desk: new from a base, edited, undone, saved; a kill, two windows, paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from desk.state.draft import FILE
from desk.state.folder import DeskFolder
from desk.state.history import History
from models.scenario import load
from tests.worlds import rule, write_world

SCENARIO = {"budget": 60, "rules": [rule(id="cap", at_most=25, per=["county"])]}


def desk(folder: Path) -> DeskFolder:
    write_world(folder, SCENARIO)
    return DeskFolder(folder)


def budget(number: int) -> Callable[[History], Any]:
    return lambda history: [((FILE, "budget"), str(number))]


def test_a_new_scenario_extends_its_base_and_is_one_that_solve_reads(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    draft = folder.new("scenario.yaml", "richer", note="why", author="Li")
    draft.change("rules", "budget", budget(70), 1)
    assert load(tmp_path / "richer.yaml").budget == 60 and draft.unsaved
    draft.save(2)
    saved = load(tmp_path / "richer.yaml")
    assert not draft.unsaved and saved.budget == 70
    assert (saved.spec.note.zh, saved.spec.author) == ("why", "Li")
    assert draft.scenario.document.content() == saved.document.content()
    entries = {one.name: one for one in folder.scenarios()}
    assert entries["richer.yaml"].own and entries["richer.yaml"].base == "scenario.yaml"
    assert not entries["scenario.yaml"].own
