"""A scenario on the desk: new from a base, edited, undone, saved; a kill, two windows, paths."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from desk.state.draft import FILE, ScenarioDraft
from desk.state.folder import DeskFolder
from desk.state.history import ABSENT, Edit, History
from desk.state.journal import Journal
from models.errors import InputError
from models.scenario import load
from reports.catalogue import Words
from reports.excel.fund_book import fund_workbook
from tests.worlds import rule, write_world

ROOT = Path(__file__).resolve().parents[1]
EDIT = Edit("rules", ())
RICH = {"rich": {"title": "Rich", "budget": 90}}
SCENARIO = {"budget": 60, "rules": [rule(id="cap", at_most=25, per=["county"])]}


def desk(folder: Path, **more: Any) -> DeskFolder:
    write_world(folder, {**SCENARIO, **more})
    return DeskFolder(folder)


def to(at: str, value: Any) -> Callable[[History], Any]:
    return lambda history: [((FILE, *at.split(".")), value)]


def change(draft: ScenarioDraft, at: str, value: Any, seen: int | None = None) -> int:
    return draft.change("rules", "test", to(at, value), seen)


def test_a_new_scenario_extends_its_base_and_is_one_that_solve_reads(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    draft = folder.new("scenario.yaml", "更多", note="why", author="Li")
    change(draft, "budget", "70", 1)
    assert load(tmp_path / "更多.yaml").budget == 60 and draft.unsaved
    draft.save(2)
    saved = load(tmp_path / "更多.yaml")
    assert not draft.unsaved and saved.budget == 70
    assert (saved.spec.note.zh, saved.spec.author) == ("why", "Li")
    assert draft.scenario.document.content() == saved.document.content()
    entries = {one.name: one for one in folder.scenarios()}
    assert entries["更多.yaml"].own and entries["更多.yaml"].base == "scenario.yaml"
    assert not entries["scenario.yaml"].own


def test_a_named_scenario_can_be_extended(tmp_path: Path) -> None:
    named = {
        "scenarios": {"rich": ["rich"]},
        "overrides": {"rich": {"title": "Rich", "budget": 90}},
    }
    folder = desk(tmp_path, **named)
    draft = folder.new("scenario.yaml@rich", "mine")
    assert draft.scenario.budget == 90 and draft.scenario.spec.title.en == "Test · Rich"
    draft.save()
    assert load(tmp_path / "mine.yaml").budget == 90
    assert [one.name for one in folder.scenarios()] == [
        *("mine.yaml", "scenario.yaml", "scenario.yaml@rich")
    ]


def test_what_makes_no_scenario_is_refused_in_the_loaders_words_and_not_kept(
    tmp_path: Path,
) -> None:
    draft = desk(tmp_path).new("scenario.yaml", "mine")
    with pytest.raises(InputError, match="mine.yaml: rules.cap.at_most: a number is due"):
        change(draft, "rules.cap.at_most", "many")
    assert draft.version == 1 and "rules" not in draft.content
    assert ScenarioDraft(tmp_path, "mine.yaml").version == 1


def test_a_scenario_that_was_not_made_here_is_not_edited(tmp_path: Path) -> None:
    before = desk(tmp_path).path / "scenario.yaml"
    text, draft = before.read_bytes(), DeskFolder(tmp_path).open("scenario.yaml")
    for edit in (lambda: change(draft, "budget", "70"), draft.save):
        with pytest.raises(InputError, match="make a new scenario from it"):
            edit()
    assert before.read_bytes() == text


@pytest.mark.slow
def test_edits_that_were_not_saved_are_there_after_a_kill(tmp_path: Path) -> None:
    desk(tmp_path).new("scenario.yaml", "mine")
    code = f"""
import os, pathlib, signal
from desk.state.folder import DeskFolder
draft = DeskFolder(pathlib.Path({str(tmp_path)!r})).open("mine.yaml")
for number in range(61, 66):
    draft.change("rules", "test", lambda _: [(("scenario", "budget"), str(number))], None)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=_env(), check=False)
    assert done.returncode == -signal.SIGKILL
    draft = DeskFolder(tmp_path).open("mine.yaml")
    assert draft.scenario.budget == 65 and draft.unsaved and not draft.torn
    draft.undo("rules")
    assert draft.scenario.budget == 64


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_torn_last_line_is_dropped_and_said_and_a_torn_one_within_refused(
    tmp_path: Path,
) -> None:
    change(desk(tmp_path).new("scenario.yaml", "mine"), "budget", "70")
    journal = tmp_path / ".desk" / "mine.yaml.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[: len(whole) // 3 * 2].splitlines(keepends=True)[0][:-9])
    draft = ScenarioDraft(tmp_path, "mine.yaml")
    assert draft.torn and draft.scenario.budget == 70
    change(draft, "budget", "71")
    again = ScenarioDraft(tmp_path, "mine.yaml")
    assert not again.torn and again.scenario.budget == 71
    journal.write_bytes(b"{}\n" + journal.read_bytes())
    with pytest.raises(InputError, match="a line that is no edit"):
        ScenarioDraft(tmp_path, "mine.yaml")


def test_a_second_window_is_refused_only_where_both_changed_the_same(tmp_path: Path) -> None:
    first = desk(tmp_path).new("scenario.yaml", "mine")
    second = ScenarioDraft(tmp_path, "mine.yaml")  # Another desk on the same folder.
    seen = second.version
    change(first, "budget", "70", seen)
    change(second, "rules.cap.at_most", "30", seen)
    with pytest.raises(InputError, match="another window has changed this since"):
        change(second, "budget", "80", seen)
    with pytest.raises(InputError, match="another window has changed this since"):
        change(second, "rules.cap", ABSENT, seen)
    assert second.scenario.budget == 70
    first.catch_up()
    assert first.content == second.content and first.version == second.version == 3
    with pytest.raises(InputError, match="another window"):
        first.save(seen)
    first.save(first.version)
    second.catch_up()
    assert not second.unsaved


def test_a_file_that_another_program_wrote_is_not_written_over(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    draft = folder.new("scenario.yaml", "mine")
    change(draft, "budget", "70")
    file = tmp_path / "mine.yaml"
    file.write_text(file.read_text("utf-8") + "budget: 90\n", "utf-8")
    with pytest.raises(InputError, match="by another program"):
        draft.save()
    again = ScenarioDraft(tmp_path, "mine.yaml")
    assert again.scenario.budget == 70 and again.changed_outside
    again.take_file()
    assert again.scenario.budget == 90 and not again.unsaved and not again.can("undo", "rules")
    change(draft, "budget", "70")
    file.write_text(file.read_text("utf-8").replace("90", "91"), "utf-8")
    draft.save(over=True)
    assert load(file).budget == 70


def test_a_file_that_is_gone_can_be_saved_again_and_its_name_begins_anew(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    draft = folder.new("scenario.yaml", "mine")
    change(draft, "budget", "70")
    draft.path.unlink()
    with pytest.raises(InputError, match="by another program"):
        draft.save()
    draft.save(over=True)
    assert load(draft.path).budget == 70
    draft.path.unlink()
    again = folder.new("scenario.yaml", "mine")
    assert again.scenario.budget == 60 and again.version == 1
    left = [one.name for one in (tmp_path / ".desk").iterdir()]
    assert len(left) == 2 and sum(one.endswith(".mine.yaml.journal") for one in left) == 1


def test_a_base_that_changes_is_read_again(tmp_path: Path) -> None:
    draft = desk(tmp_path).new("scenario.yaml", "mine")
    base = tmp_path / "scenario.yaml"
    base.write_text(base.read_text("utf-8").replace("budget: 60", "budget: 6000"), "utf-8")
    assert draft.scenario.budget == draft.before.budget == 6000


@pytest.mark.parametrize(
    "name", ["../out", "a/b", "a\\b", ".hidden", "", "x@y", "con:1", "nul", "a.", "a\nb", "长" * 40]
)
def test_a_name_that_leads_out_or_is_none_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = desk(tmp_path / "in")
    with pytest.raises(InputError):
        folder.new("scenario.yaml", name)
    assert sorted(one.name for one in tmp_path.rglob("*.yaml")) == [
        *("programme.yaml", "scenario.yaml", "tasks.yaml")
    ]


def test_nothing_outside_the_folder_is_read_not_by_a_link_either(tmp_path: Path) -> None:
    write_world(tmp_path, SCENARIO)
    folder = desk(tmp_path / "in")
    (tmp_path / "in" / "link.yaml").symlink_to(tmp_path / "scenario.yaml")
    (tmp_path / "in" / "records").symlink_to(tmp_path)
    for name in ("../scenario.yaml", "link.yaml", "records/scenario.yaml"):
        with pytest.raises(InputError, match="outside the folder"):
            folder.open(name)
    assert [one.name for one in folder.scenarios()] == ["scenario.yaml"]
    with pytest.raises(InputError, match="outside the folder"):
        folder.files("..")
    (tmp_path / "in" / ".desk").mkdir()
    (tmp_path / "in" / ".desk" / "scenario.yaml.journal").symlink_to(tmp_path / "journal")
    with pytest.raises(InputError, match="outside the folder"):
        folder.open("scenario.yaml")
    (tmp_path / "world" / ".desk").symlink_to(tmp_path)
    with pytest.raises(InputError, match="outside the folder"):
        DeskFolder(tmp_path / "world")


def test_a_journal_that_cannot_be_written_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    draft = folder.new("scenario.yaml", "mine")
    (tmp_path / ".desk" / "mine.yaml.journal").unlink()
    (tmp_path / ".desk" / "mine.yaml.journal").mkdir()
    with pytest.raises(InputError, match=r"mine.yaml.journal: cannot be written \(Is a directory"):
        change(draft, "budget", "70")
    assert draft.scenario.budget == 60 and draft.version == 1


def test_a_name_is_given_once_and_six_are_pinned_at_most(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    folder.new("scenario.yaml", "Mine")
    with pytest.raises(InputError, match="is there already"):
        folder.new("scenario.yaml", "mine")
    folder.pin(("scenario.yaml", "Mine.yaml"))
    assert DeskFolder(tmp_path).pinned == ("scenario.yaml", "Mine.yaml")
    with pytest.raises(InputError, match="at most 6"):
        folder.pin(("scenario.yaml",) * 7)


def test_a_scenario_that_cannot_be_read_is_listed_with_what_is_wrong(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    (tmp_path / "bad.yaml").write_text("extends: none.yaml\n", "utf-8")
    entry = folder.scenarios()[0]
    assert entry.name == "bad.yaml" and "none.yaml" in str(entry.problems[0])


def test_a_workbook_of_a_fund_is_a_scenario_to_begin_with_and_other_workbooks_are_none(
    tmp_path: Path,
) -> None:
    made = tmp_path / "made"
    write_world(made, {**SCENARIO, "scenarios": {"rich": ["rich"]}, "overrides": RICH})
    folder = DeskFolder(tmp_path)
    book = fund_workbook(load(made / "scenario.yaml"), Words("zh"))
    (tmp_path / "基金.xlsx").write_bytes(book)
    Workbook().save(tmp_path / "other.xlsx")
    (tmp_path / "torn.xlsx").write_bytes(book[:99])
    draft = folder.new("基金.xlsx", "mine")
    change(draft, "rules.cap.at_most", "30")
    draft.save()
    assert load(tmp_path / "mine.yaml").rules[0].bound[0].number == 30
    assert folder.new("基金.xlsx@rich", "more").scenario.budget == 90
    assert [one.name for one in folder.scenarios()] == [
        *("mine.yaml", "more.yaml", "基金.xlsx", "基金.xlsx@rich")
    ]
    assert not folder.scenarios()[2].problems
    with pytest.raises(InputError, match="make a new scenario from it"):
        change(folder.open("基金.xlsx"), "budget", "70")


PLACES = ["a", "b.c", "b.d", "b.d.e", "b"]
VALUES = st.one_of(st.none(), st.sampled_from(["1", "2"]), st.just(ABSENT))
STEPS = st.one_of(
    st.sampled_from(["undo", "redo"]),
    st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3),
)


class Mirror:
    """The states that one part went through, kept whole."""

    def __init__(self) -> None:
        self.past: list[Any] = [{}]
        self.future: list[Any] = []

    def step(self, history: History, part: str, step: Any) -> Edit | None:
        """Go the same step here; the edit that the history gives for it."""
        if isinstance(step, str):
            edit = history.undo(part) if step == "undo" else history.redo(part)
            left = len(self.past) > 1 if step == "undo" else bool(self.future)
            assert (edit is not None) == left
            if edit is not None and step == "undo":
                self.future.append(self.past.pop())
            elif edit is not None:
                self.past.append(self.future.pop())
            return edit
        tried, found = History({part: _copy(self.past[-1])}), []
        for at, value in step:
            for one in tried.setting((part, *at.split(".")), value):
                tried.take(Edit(part, (one,)))
                found.append(one)
        if not found:
            return None
        self.past.append(tried.tree.get(part, {}))
        self.future.clear()
        return Edit(part, tuple(found))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["rules", "table"]), STEPS), max_size=20))
def test_undo_takes_back_and_redo_makes_anew_what_was_done(steps: list[Any]) -> None:
    """Each part against the states it went through, by way of the journal's text."""
    history, mirrors = History(), {"rules": Mirror(), "table": Mirror()}
    for part, step in steps:
        edit = mirrors[part].step(history, part, step)
        if edit is not None:
            history.take(Edit.read(json.loads(json.dumps(edit.written()))))
        assert {name: history.tree.get(name, {}) for name in mirrors} == {
            name: mirror.past[-1] for name, mirror in mirrors.items()
        }


def _copy(tree: Any) -> Any:
    return json.loads(json.dumps(tree))


def test_an_edit_is_on_the_disk_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file holds at the moment it is brought there is the whole line."""
    journal, brought = Journal(tmp_path / "edits.jsonl"), []
    monkeypatch.setattr(os, "fsync", lambda file: brought.append(journal.path.read_bytes()))
    journal.append(lambda others: EDIT)
    assert brought == [journal.path.read_bytes()] and brought[0].endswith(b"\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks otherwise")
def test_no_other_desk_writes_while_an_edit_is_made(tmp_path: Path) -> None:
    import fcntl

    journal = Journal(tmp_path / "edits.jsonl")

    def other(wants: int) -> None:
        with journal.path.open("a+b") as file:
            fcntl.flock(file, wants | fcntl.LOCK_NB)

    def make(others: list[Edit]) -> Edit:
        with pytest.raises(BlockingIOError):
            other(fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            other(fcntl.LOCK_SH)
        return EDIT

    journal.append(make)
    other(fcntl.LOCK_EX)
