"""Files written whole or not at all, texts as CSV files hold them, files that are in memory."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import errno
import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import refuse

# Files that are read like others and stand in memory: a programme made from frames has no folder.


@dataclass(frozen=True)
class MemoryFile:
    """A file in memory, read as one on the disk; without content it is one that is missing."""

    name: str
    """What problems call it."""
    content: bytes | None
    places: tuple[str, ...] = ()
    """What problems call its lines, the head first; () for `line 1`, `line 2` …"""
    stands_as: str = ""
    """The name under which it would stand in a folder, where that is another."""

    def __str__(self) -> str:
        return self.name

    def is_file(self) -> bool:
        return self.content is not None

    exists = is_file

    def read_bytes(self) -> bytes:
        """The content; raises OSError where there is none."""
        if self.content is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", self.name)
        return self.content


@dataclass(frozen=True)
class MemoryFolder:
    """Files in memory by the names under which they would stand in a folder."""

    name: str
    files: Mapping[str, MemoryFile]

    def __truediv__(self, name: str) -> MemoryFile:
        return self.files.get(name) or MemoryFile(name, None)


File = Path | MemoryFile
Folder = Path | MemoryFolder


def name_in_folder(file: File) -> str:
    """The name under which a file stands, or would stand, in its folder."""
    return (isinstance(file, MemoryFile) and file.stands_as) or file.name


def line_place(file: File, number: int) -> str:
    """What problems call a line of a table, from 1: `line 3`, or `row 'hill'` of a frame."""
    if isinstance(file, MemoryFile) and file.places:
        return file.places[number - 1]
    return f"line {number}"


# CSV texts as they are written: the same bytes on every system, and safe to open in a spreadsheet.
#
# A spreadsheet runs a cell that starts with = + - @ as a formula. Names come from people's files,
# so each such name is written with an apostrophe before it; numbers never are.


_FORMULA = ("=", "+", "-", "@")


BYTE_ORDER_MARK = "\ufeff"
"""By which a spreadsheet knows that a CSV file is in UTF-8, and shows its names as they are."""


def csv_text(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, for_people: bool = True
) -> str:
    """The text of a CSV file: a header, then the rows, each line ended by a line feed.

    It begins with the mark of UTF-8 where it is `for_people`, who open it in a spreadsheet.
    """
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK if for_people else "")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def guarded(name: str) -> str:
    """`name`, with an apostrophe before it where a spreadsheet would run it as a formula."""
    return "'" + name if name.lstrip().startswith(_FORMULA) else name


def unguarded(text: str) -> str:
    """The name that `guarded` was given."""
    return text[1:] if text.startswith("'") and text[1:].lstrip().startswith(_FORMULA) else text


# Folders that are there whole or not at all.
#
# The files are written into a folder beside the final one, whose name starts with a dot, brought to
# the disk, and the folder is renamed: a crash at any moment leaves nothing half-written under the
# final name. What a killed process left beside it is swept by the next write of the same name.


Replaceable = Callable[[Path], bool]


def write_whole(
    folder: Path, files: Mapping[str, bytes], *, replaceable: Replaceable | None = None
) -> None:
    """Write `files` (path within the folder → content) as `folder`, whole or not at all.

    Parents are made. A folder that is there already is replaced only where `replaceable` says
    so of it. Raises InputError where the folder cannot be written; whatever the cause, an
    interrupt included, nothing is left beside it.
    """
    final = resolved(folder)
    try:
        _refuse_taken(final, replaceable)
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final, ".part")
        part = _beside(final, ".part")
        try:
            _fill(part, files)
            _into_place(part, final, replace=replaceable is not None)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        _sweep(final, ".old")
    except OSError as error:
        refuse(str(folder), "", f"cannot be written ({_why(error)})")


def resolved(path: Path) -> Path:
    """The path without links; refuses links that go round, and what can be no name of a file."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        refuse(str(path), "", "its links go round in a loop")
    except ValueError:
        refuse(ascii(str(path)), "", "can be no name of a file")


def hidden_beside(folder: Path) -> Path | None:
    """The folder that a killed write of the same name left beside it, under another name."""
    left = sorted(folder.parent.glob(f".{_plain(folder.name)}.????????.old"))
    return left[-1] if left else None


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and error.filename2:
        return "another write of the same folder came first"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "a part of its path is a file"
    return error.strerror or str(error)


def _refuse_taken(final: Path, replaceable: Replaceable | None) -> None:
    if not os.path.lexists(final):
        return
    if not final.is_dir():
        refuse(str(final), "", "is a file; name a folder")
    if replaceable is None:
        refuse(str(final), "", "is there already; name another folder, or force it")
    if not replaceable(final):
        refuse(str(final), "", "is not a record and is never replaced; name another folder")


def _beside(final: Path, end: str) -> Path:
    return final.with_name(f".{final.name}.{secrets.token_hex(4)}{end}")


def _sweep(final: Path, end: str) -> None:
    """Remove what killed writes of the same name left.

    Each is renamed first: a write that is still at work then fails as a whole, where removing
    file by file could let it put half a folder into place.
    """
    # The token's eight places keep the leftovers of `a.b` apart from those of `a`.
    for stale in final.parent.glob(f".{_plain(final.name)}.????????{end}"):
        doomed = _beside(final, ".part")
        try:
            stale.rename(doomed)
        except OSError:
            continue
        shutil.rmtree(doomed, ignore_errors=True)


def _plain(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _fill(part: Path, files: Mapping[str, bytes]) -> None:
    part.mkdir()
    folders = {part}
    for name, content in files.items():
        path = part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        folders.add(path.parent)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for inner in folders:
        _sync(inner)


def _into_place(part: Path, final: Path, replace: bool) -> None:
    """Rename; a folder to be replaced is exchanged for the new one in one step.

    Where the system cannot do that it stands aside meanwhile, and comes back on failure.
    """
    if replace and final.exists() and _exchange(part, final):
        _sync(final.parent)
        return
    old = _beside(final, ".old")
    try:
        if replace and final.exists():
            final.rename(old)
        part.rename(final)
    except BaseException:
        if old.exists() and not final.exists():
            old.rename(final)
        raise
    _sync(final.parent)


_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD of Linux; RENAME_EXCHANGE of Linux, which is RENAME_SWAP of macOS."""


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders take each other's names at once; false where the system cannot."""
    try:
        system = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no library of the program itself.
        return False
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(system, "renameat2"):
        return bool(system.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    if hasattr(system, "renamex_np"):
        return bool(system.renamex_np(*names, _EXCHANGE) == 0)
    return False


def _sync(folder: Path) -> None:
    """Bring a folder's own entries to the disk, on systems that can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
