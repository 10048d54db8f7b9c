"""A folder is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models import files
from models.errors import InputError
from models.files import write_whole
from models.record import open_record, write_files

REPO = Path(__file__).resolve().parents[1]
FILES = {"a.txt": b"one", "deep/b.txt": b"two"}
RECORD = {**FILES, "manifest.json": b'{"format": "allot record", "version": 1, "files": {}}'}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_all_files_are_there_and_nothing_beside_them(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "r", FILES)
    assert content(tmp_path / "new" / "r") == FILES
    assert names(tmp_path / "new") == ["r"]


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "mine").write_text("x")
    with pytest.raises(InputError, match="is there already"):
        write_files(tmp_path / "r", RECORD)
    with pytest.raises(InputError, match="is not a record and is never replaced"):
        write_files(tmp_path / "r", RECORD, force=True)
    assert content(tmp_path / "r") == {"mine": b"x"}
    assert names(tmp_path) == ["r"]


def test_force_replaces_a_record_as_a_whole(tmp_path: Path) -> None:
    write_files(tmp_path / "r", {**RECORD, "old.txt": b"old"})
    write_files(tmp_path / "r", RECORD, force=True)
    assert content(tmp_path / "r") == RECORD
    assert names(tmp_path) == ["r"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file: is a file"):
        write_files(tmp_path / "file", RECORD, force=True)
    for path in (tmp_path / "file" / "r", tmp_path / "file" / "deeper" / "r"):
        with pytest.raises(InputError, match="cannot be written"):
            write_files(path, RECORD, force=True)
    assert (tmp_path / "file").read_text() == "x"


def test_links_that_go_round_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to(tmp_path / "y")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    with pytest.raises(InputError, match="is a file|loop"):
        write_whole(tmp_path / "x", FILES)


@pytest.mark.parametrize("failing", ["fsync", "rename"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("force", [False, True])
def test_a_failure_leaves_what_was_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException, force: bool
) -> None:
    if force:
        write_files(tmp_path / "r", {**RECORD, "old.txt": b"old"})
    before = content(tmp_path)
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    calls: list[object] = []
    real = {"fsync": os.fsync, "rename": Path.rename}[failing]
    # The last of what must succeed fails: with force the old record stands aside by then.
    last = {"fsync": len(RECORD), "rename": 2 if force else 1}[failing]

    def fail(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == last:
            raise error
        return real(*arguments)  # type: ignore[operator]

    monkeypatch.setattr(os if failing == "fsync" else Path, failing, fail)
    expected = InputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match="No space left" if expected is InputError else None):
        write_files(tmp_path / "r", RECORD, force=force)
    assert content(tmp_path) == before
    assert names(tmp_path) == (["r"] if force else [])


KILLED = """
import os, signal, sys
from pathlib import Path
from models import files
from tests.test_files import RECORD, write_files

calls = 0
name, at = sys.argv[2], int(sys.argv[3])
owner = {"fsync": os, "rename": Path, "_exchange": files}[name]
real = getattr(owner, name)

def dying(*arguments):
    global calls
    calls += 1
    if calls == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)

if name == "rename":
    files._exchange = lambda one, other: False
setattr(owner, name, dying)
write_files(Path(sys.argv[1]), RECORD, force=True)
"""


def kill_at(folder: Path, name: str, call: int) -> None:
    """Write the record in a process that is killed at the given call of fsync or rename."""
    command = [sys.executable, "-c", KILLED, str(folder), name, str(call)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "call"), [("fsync", 1), ("fsync", 3), ("rename", 1)])
def test_a_killed_write_leaves_no_half_record_and_is_swept_by_the_next(
    tmp_path: Path, name: str, call: int
) -> None:
    kill_at(tmp_path / "r", name, call)
    assert [left.startswith(".r.") for left in names(tmp_path)] == [True]
    write_files(tmp_path / "r", RECORD)
    assert content(tmp_path / "r") == RECORD
    assert names(tmp_path) == ["r"]


@pytest.mark.slow
def test_a_write_killed_between_two_renames_keeps_the_old_record_aside(tmp_path: Path) -> None:
    old = {**RECORD, "old.txt": b"old"}
    write_files(tmp_path / "r", old)
    kill_at(tmp_path / "r", "rename", 2)
    aside = [path for path in tmp_path.iterdir() if path.suffix == ".old"]
    assert [content(path) for path in aside] == [old]
    assert not (tmp_path / "r").exists()
    write_files(tmp_path / "r", RECORD)
    assert content(tmp_path / "r") == RECORD
    assert names(tmp_path) == ["r"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="folders are exchanged in one step on Linux")
@pytest.mark.parametrize(("name", "call"), [("fsync", 1), ("fsync", 4), ("_exchange", 1)])
def test_a_write_killed_before_the_exchange_leaves_the_old_record_under_its_name(
    tmp_path: Path, name: str, call: int
) -> None:
    old = {**RECORD, "old.txt": b"old"}
    write_files(tmp_path / "r", old)
    kill_at(tmp_path / "r", name, call)
    assert content(tmp_path / "r") == old


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="folders are exchanged in one step on Linux")
def test_a_write_killed_after_the_exchange_leaves_the_new_record_under_its_name(
    tmp_path: Path,
) -> None:
    write_files(tmp_path / "r", {**RECORD, "old.txt": b"old"})
    # Three files, their two folders, and then the folder above, whose entries were exchanged.
    kill_at(tmp_path / "r", "fsync", 6)
    assert content(tmp_path / "r") == RECORD
    write_files(tmp_path / "r", RECORD, force=True)
    assert names(tmp_path) == ["r"]


@pytest.mark.slow
def test_of_a_missing_record_the_hidden_one_is_named(tmp_path: Path) -> None:
    write_files(tmp_path / "r", RECORD)
    kill_at(tmp_path / "r", "rename", 2)
    with pytest.raises(InputError, match=r"a write that was stopped left one as .*\.r\..*\.old"):
        open_record(tmp_path / "r")


def test_leftovers_of_other_names_are_left_alone(tmp_path: Path) -> None:
    others = [".rr.12345678.part", ".r.b.12345678.part", ".r.notes", ".r.12345678.keep"]
    for name in others:
        (tmp_path / name).mkdir()
    write_whole(tmp_path / "r", FILES)
    assert names(tmp_path) == sorted([*others, "r"])


def test_a_write_that_comes_second_fails_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename

    def late(path: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", real)
        write_whole(tmp_path / "r", {"other": b"first"})
        return real(path, target)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(InputError, match="cannot be written"):
        write_whole(tmp_path / "r", FILES)
    assert content(tmp_path / "r") == {"other": b"first"}
    assert names(tmp_path) == ["r"]
