"""The store of a study: killed at any moment it goes on, whole, and does nothing twice."""

from __future__ import annotations

import collections
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.study.cache import opened
from optimizer.study.grid import grid_study
from optimizer.study.sweep import sweep_study
from optimizer.study.tornado import tornado_study
from tests.stopped_study import VARY
from tests.worlds import rule, write_world

ROOT = Path(__file__).parent.parent
POINTS = 8


@pytest.fixture
def small(tmp_path: Path) -> Path:
    floor = rule(id="floor", per=["county"], at_least=15)
    return write_world(tmp_path, {"budget": 60, "lot": 5, "rules": [floor]})


def run(scenario: Path, store: Path, moment: str, workers: int = 1) -> subprocess.CompletedProcess:  # type: ignore[type-arg]
    notes = scenario.parent / "notes"
    arguments = [str(scenario), str(store), str(notes), str(workers), *moment.split()]
    return subprocess.run(
        [sys.executable, "-m", "tests.stopped_study", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def pieces(store: Path) -> list[str]:
    return sorted(path.name for path in (store / "points").iterdir() if path.suffix == ".json")


@pytest.mark.slow
def test_killed_at_three_moments_it_resumes_whole_and_does_nothing_twice(
    small: Path, tmp_path: Path
) -> None:
    whole = run(small, tmp_path / "whole", "never")
    assert whole.returncode == 0, whole.stderr
    notes = tmp_path / "notes"
    notes.unlink()
    store = tmp_path / "store"
    # The first piece is not yet in its place; the third is; and of the rest the second is not.
    for moment, there in (("before 1", 0), ("after 3", 3), ("before 2", 4)):
        assert run(small, store, moment).returncode == -signal.SIGKILL
        assert len(pieces(store)) == there
        assert not (store / "grid.csv").exists()
    assert list((store / "points").glob(".*.part"))
    resumed = run(small, store, "never")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == whole.stdout == (store / "grid.csv").read_text("utf-8")
    assert not list((store / "points").glob(".*.part"))
    # Twice is only what was lost before it stood whole: the first piece, and the sixth.
    times = collections.Counter(notes.read_text().splitlines())
    assert len(times) == POINTS  # The unchanged scenario is one of the points as well.
    assert sum(times.values()) == POINTS + 1 + 2


@pytest.mark.slow
def test_a_pool_that_is_killed_resumes_whole_as_well(small: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert run(small, store, "after 2", workers=2).returncode == -signal.SIGKILL
    assert len(pieces(store)) == 2
    resumed = run(small, store, "never", workers=1)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == grid_study(load(small), VARY, workers=1).csv()
    assert len((tmp_path / "notes").read_text().splitlines()) == POINTS + 1 - 2


def test_a_finished_study_is_read_and_not_computed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, store = load(small), tmp_path / "store"
    first = grid_study(scenario, VARY, store=store, workers=1).csv()
    monkeypatch.setattr("optimizer.study.runner.answered", None)
    assert grid_study(scenario, VARY, store=store, workers=1).csv() == first
    assert (store / "grid.csv").read_text("utf-8") == first


def test_relaxations_are_kept_by_the_piece(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, store = load(small), tmp_path / "store"
    monkeypatch.setattr("optimizer.study.runner.PIECE", 100)
    vary = {"rules.floor.at_least": "0:25:0.1"}
    first = grid_study(scenario, vary, store=store, relax=True).csv()
    assert len(pieces(store)) == 3  # 252 points, a hundred to the piece
    (store / "points" / "000001.json").unlink()
    monkeypatch.setattr("optimizer.study.relaxed_runner.Relaxations.run", _only_the_second)
    assert grid_study(scenario, vary, store=store, relax=True).csv() != first


def _only_the_second(self: object) -> list[object]:
    from optimizer.study.study_result import Result

    points = self.points  # type: ignore[attr-defined]
    assert points[0] == (("rules.floor.at_least", "9.9"),)
    return [Result("failed", "not again")] * len(points)


def refusal(scenario: Scenario, store: Path, **how: object) -> str:
    with pytest.raises(InputError) as caught:
        grid_study(scenario, VARY, store=store, workers=1, **how)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_store_of_anything_else_is_refused_and_what_differs_is_named(
    small: Path, tmp_path: Path
) -> None:
    scenario, store = load(small), tmp_path / "store"
    grid_study(scenario, {"budget": "60"}, store=store, workers=1)
    before = {path: path.read_bytes() for path in store.rglob("*.json")}
    assert "a study of something else (other: points)" in refusal(scenario, store)
    assert "(other: points, options)" in refusal(scenario, store, gap=0.5)
    assert "relaxed" in refusal(scenario, store, relax=True)
    changed = scenario.replace(lot=7)
    with pytest.raises(InputError, match=r"\(other: scenario\)"):
        grid_study(changed, {"budget": "60"}, store=store, workers=1)
    assert {path: path.read_bytes() for path in store.rglob("*.json")} == before


def test_data_that_changed_under_a_study_is_seen_by_its_hash(small: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    grid_study(load(small), VARY, store=store, workers=1)
    tiers = tmp_path / "world" / "tiers.csv"
    tiers.write_text(tiers.read_text().replace("0.5", "0.4", 1))
    assert "(other: scenario)" in refusal(load(small), store)


def test_another_version_of_the_solver_is_another_study(small: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    grid_study(load(small), VARY, store=store, workers=1)
    identity = json.loads((store / "study.json").read_text())
    identity["made_with"]["highspy"] = "0.0.1"
    (store / "study.json").write_text(json.dumps(identity))
    assert "(other: made_with)" in refusal(load(small), store)


def test_a_folder_that_is_no_store_is_never_written_into(small: Path, tmp_path: Path) -> None:
    scenario = load(small)
    full, file = tmp_path / "full", tmp_path / "file"
    full.mkdir()
    (full / "letter.txt").write_text("mine")
    file.write_text("mine")
    for place in (full, file):
        assert "holds no study.json" in refusal(scenario, place)
    (full / "study.json").write_text("{}")
    assert "is not a study" in refusal(scenario, full)
    (full / "study.json").write_text("no json")
    assert "is not readable as JSON" in refusal(scenario, full)
    assert sorted(path.name for path in full.iterdir()) == ["letter.txt", "study.json"]


def test_a_piece_that_was_tampered_with_is_refused_by_name(small: Path, tmp_path: Path) -> None:
    scenario, store = load(small), tmp_path / "store"
    grid_study(scenario, VARY, store=store, workers=1)
    piece = store / "points" / "000003.json"
    whole = piece.read_text()
    better = whole.replace('"spent": 60.0', '"spent": 61.0')
    other = (store / "points" / "000004.json").read_text()[:-30]
    for text in (better, other, "[]", '{"results": []}', "no json", "3", ""):
        assert text != whole
        piece.write_text(text)
        assert "000003.json" in refusal(scenario, store)


def test_two_runs_never_write_into_one_store(small: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    scenario, store = load(small), tmp_path / "store"
    grid_study(scenario, VARY, store=store, workers=1)
    identity = json.loads((store / "study.json").read_text())
    for key in ("format", "version"):
        del identity[key]
    with opened(store, identity):
        assert "another run is writing into it" in refusal(scenario, store)


def test_sweeps_and_tornados_leave_their_table_in_the_store(small: Path, tmp_path: Path) -> None:
    scenario = load(small)
    swept = sweep_study(scenario, "budget", (50, 60, None), store=tmp_path / "sweep")
    assert (tmp_path / "sweep" / "sweep.csv").read_text("utf-8") == swept.csv()
    moved = tornado_study(scenario, store=tmp_path / "tornado", relax=True)
    assert (tmp_path / "tornado" / "tornado.csv").read_text("utf-8") == moved.csv()
    with pytest.raises(InputError, match="other: points"):
        sweep_study(scenario, "budget", (50, 61, None), store=tmp_path / "sweep")
