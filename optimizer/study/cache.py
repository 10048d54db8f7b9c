"""The store of a study: a folder that keeps every finished piece, so that nothing is done twice.

Each piece is a file, written beside and renamed: it is whole or absent, whenever the program is
stopped. `study.json` says what the pieces are results of; a folder of another study is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.allocation import write_file
from models.errors import refuse
from models.strict_yaml import read_text
from optimizer.study.study_result import Result

NAME = "study.json"
FORMAT, VERSION = "allot study", 3
_PIECES = "points"


class Store:
    """The pieces of one study in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def done(self, sizes: Sequence[int]) -> dict[int, list[Result]]:
        """Piece → results, of the pieces that are there; `sizes`: points of each piece.

        Raises `InputError` for one that is not what was written.
        """
        found = {number: self._read(number, size) for number, size in enumerate(sizes)}
        return {number: results for number, results in found.items() if results is not None}

    def save(self, number: int, results: Sequence[Result]) -> None:
        """Keep a piece, whole or not at all."""
        content = [result.as_json() for result in results]
        body = {"sha256": digest(content), "results": content}
        write_file(self._path(number), json.dumps(body, ensure_ascii=False) + "\n")

    def write(self, name: str, text: str) -> None:
        """Write another file of the folder."""
        write_file(self._folder / name, text)

    def _path(self, number: int) -> Path:
        return self._folder / _PIECES / f"{number:06}.json"

    def _read(self, number: int, size: int) -> list[Result] | None:
        path = self._path(number)
        if not path.is_file():
            return None
        try:
            body = json.loads(read_text(path))
            whole = body["sha256"] == digest(body["results"]) and len(body["results"]) == size
        except (ValueError, TypeError, KeyError):
            whole = False
        if not whole:
            refuse(str(path), "", "is not what was kept there; remove it to have it made again")
        return [Result.from_json(content) for content in body["results"]]


@contextmanager
def opened(folder: Path, identity: Mapping[str, Any]) -> Iterator[Store]:
    """The store in `folder`, made where it is absent, for the study of that identity only.

    Raises `InputError` for a folder that is no store, one of another study (what differs is
    named), and one that another run is writing into.
    """
    due = {"format": FORMAT, "version": VERSION, **identity}
    path = folder / NAME
    if folder.exists() and not path.is_file() and not _is_fresh(folder):
        refuse(str(folder), "", f"is not a study: it holds no {NAME}; name another folder")
    if path.is_file():
        _refuse_other(path, due)
    (folder / _PIECES).mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if not path.is_file():
            write_file(path, json.dumps(due, ensure_ascii=False, indent=2) + "\n")
        for stale in [*folder.glob(".*.part"), *(folder / _PIECES).glob(".*.part")]:
            stale.unlink(missing_ok=True)
        yield Store(folder)


def digest(content: Mapping[str, bytes] | Sequence[Any]) -> str:
    """SHA-256 over named contents, or over whatever JSON can say."""
    if isinstance(content, Mapping):
        parts = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(content.items())}
        return digest(list(parts.items()))
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _is_fresh(folder: Path) -> bool:
    """An empty folder, or one whose first run was stopped before it could say what it is."""
    if not folder.is_dir():
        return False
    return all(p.name == _PIECES or p.name.startswith(".") for p in folder.iterdir())


def _refuse_other(path: Path, due: Mapping[str, Any]) -> None:
    try:
        found = json.loads(read_text(path))
    except ValueError:
        refuse(str(path), "", "is not readable as JSON")
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        refuse(str(path.parent), "", "is not a study; name another folder")
    other = [name for name in due if found.get(name) != due[name]]
    if other:
        words = ", ".join(other)
        refuse(str(path.parent), "", f"is a study of something else (other: {words}); name another")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder, so that two runs never write into it at once, on systems that can."""
    try:
        import fcntl  # Not on every system.
    except ImportError:
        yield
        return
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            refuse(str(folder), "", "another run is writing into it")
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(handle)
