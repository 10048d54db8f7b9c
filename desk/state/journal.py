"""One append-only file of edits: a line each, brought to the disk before an edit counts as made.

Two desks may write one journal: each takes in what the other wrote before it adds a line, under a
lock of the file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from desk.state.history import Edit
from models.errors import refuse

_FAR = 2**40
"""Where Windows locks a byte: what it locks nobody else can read."""


class Journal:
    """The edits of one scenario, as far as they were taken in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = 0
        """Bytes that were taken in."""
        self.torn = 0
        """Bytes of a last line that a killed write left unended, and that are dropped."""

    def news(self) -> list[Edit]:
        """What was written since the last look.

        Raises `InputError` where a line in the middle is not readable.
        """
        if not self.path.exists():
            return []
        with self._told_of(), self.path.open("rb") as file:
            return self._read(file)

    def append(self, make: Callable[[list[Edit]], Edit | None]) -> Edit | None:
        """Add the edit that `make` gives of what others wrote meanwhile.

        `make` may raise, or give None: nothing is written then. Raises `InputError` where it cannot
        be written.
        """
        with self._told_of():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file, _locked(file):
                edit = make(self._read(file))
                if edit is not None:
                    self._write(file, edit)
        return edit

    def _write(self, file: BinaryIO, edit: Edit) -> None:
        line = json.dumps(edit.written(), ensure_ascii=False).encode() + b"\n"
        file.truncate(self._end)  # What a killed write left of a line.
        file.seek(0, os.SEEK_END)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        self._end += len(line)
        self.torn = 0

    @contextmanager
    def _told_of(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            refuse(self.path.name, "", f"cannot be written ({reason})")

    def _read(self, file: BinaryIO) -> list[Edit]:
        file.seek(self._end)
        found = []
        for line in file:
            if not line.endswith(b"\n"):
                self.torn = len(line)
                break
            try:
                found.append(Edit.read(json.loads(line)))
            except (ValueError, KeyError, TypeError, AttributeError):
                refuse(self.path.name, "", "holds a line that is no edit; put the file aside")
            self._end += len(line)
        return found


@contextmanager
def _locked(file: Any) -> Iterator[None]:
    """Alone with a file, among all desks of this machine."""
    if sys.platform == "win32":
        # Windows only.
        import msvcrt

        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        return
    # Not on Windows.
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
