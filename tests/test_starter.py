"""What `allot new` writes: it loads, can be kept, and is nobody's but its user's."""

from __future__ import annotations

from pathlib import Path

import pytest

import allot
from models.allocation import allocation_of_rows
from models.errors import InputError
from models.record import open_record
from models.rule import Rule
from models.scenario import load
from models.starter import write_starter
from optimizer.audit import audit
from optimizer.baselines import baseline
from reports.record_writer import write_record
from tests.by_hand import by_hand

KEEPS_ALL = [[140, 0, 60], [80, 120, 0], [100, 0, 46], [160, 0, 120], [100, 0, 74]]


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found}


def test_the_starter_is_five_places_three_tasks_two_metrics(tmp_path: Path) -> None:
    write_starter(tmp_path / "new" / "mine")
    scenario = load(tmp_path / "new" / "mine" / "scenario.yaml")
    assert scenario.programme.shape == (5, 3)
    assert scenario.programme.metrics == ("jobs", "trainees")
    assert scenario.tiers.width.all(), "every cell has all its tiers"
    assert load(tmp_path / "new" / "mine" / "scenario.yaml@less").budget == 900


def test_its_rules_show_different_forms(tmp_path: Path) -> None:
    write_starter(tmp_path / "mine")
    rules = load(tmp_path / "mine" / "scenario.yaml").spec.rules

    def form(rule: Rule) -> tuple[object, ...]:
        part = rule.bound[0]
        by_column = part.factor is not None and part.factor.column is not None
        return (rule.measure, rule.per, bool(rule.where), rule.per_head, part.of, by_column)

    assert len({form(rule) for rule in rules if rule.enabled}) >= 6
    assert [rule.id for rule in rules if not rule.enabled] == ["valley-cap"]
    assert [rule.id for rule in rules if rule.soft] == ["trainees-target"]


def test_its_rules_can_be_kept_and_its_baseline_breaks_two(tmp_path: Path) -> None:
    write_starter(tmp_path / "mine")
    scenario = load(tmp_path / "mine" / "scenario.yaml")
    kept = audit(scenario, allocation_of_rows(KEEPS_ALL))
    assert kept.broken == ()
    assert kept.penalty == 0
    assert kept.spent == 1000
    by_formula = audit(scenario, baseline(scenario))
    assert by_formula.broken_rules == ("remote-share", "tasks-per-town")
    assert by_formula.outcomes["trainees"] < 300 <= kept.outcomes["trainees"]


@pytest.mark.slow
def test_the_starter_solves(tmp_path: Path) -> None:
    write_starter(tmp_path / "mine")
    scenario = load(tmp_path / "mine" / "scenario.yaml")
    solution = allot.solve(scenario)
    assert solution.audit.broken_rules == ()
    assert solution.audit.outcomes["trainees"] >= 300


def test_its_record_is_whole(tmp_path: Path) -> None:
    write_starter(tmp_path / "mine")
    scenario = load(tmp_path / "mine" / "scenario.yaml")
    write_record(by_hand(scenario, KEEPS_ALL, KEEPS_ALL), tmp_path / "r")
    record = open_record(tmp_path / "r")
    assert audit(record.scenario(), record.allocation(record.scenario())).broken_rules == ()


def test_every_file_of_it_is_marked_as_an_example(tmp_path: Path) -> None:
    write_starter(tmp_path / "mine")
    sources = (tmp_path / "mine" / "programme" / "sources.yaml").read_text(encoding="utf-8")
    shown_only = {"sources.yaml", "labels.yaml"}
    for name in files(tmp_path / "mine"):
        assert Path(name).name in shown_only or f"'{Path(name).name}:*'" in sources, name
    for path in (tmp_path / "mine").rglob("*.*"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert not any(word in text for word in ("Sichuan", "四川", "万元")), path.name


def test_an_empty_folder_is_filled_and_a_filled_one_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    inode = (tmp_path / "empty").stat().st_ino
    write_starter(tmp_path / "empty")
    assert "scenario.yaml" in files(tmp_path / "empty")
    assert (tmp_path / "empty").stat().st_ino == inode, "somebody may be standing in it"
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("taken", "file", "file/deeper"):
        with pytest.raises(InputError, match="not empty|is a file|cannot be written"):
            write_starter(tmp_path / name)
    assert files(tmp_path / "taken") == {"mine.txt"}
