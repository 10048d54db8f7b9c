"""One scenario on the desk: its file, the edits since, and what they make of it.

An edit is kept only if what it makes is a scenario that `allot solve` would read; it stands in the
journal before it counts, so that a killed desk has it when it is opened again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from desk.state.history import Edit, History, Setting, TreePath, overlap, put
from desk.state.journal import Journal
from models.allocation import write_file
from models.errors import refuse
from models.scenario import Scenario, load, load_draft
from models.strict_yaml import copied, read_yaml

FILE = "scenario"
"""Where the content of the scenario file stands in the tree of a draft."""
MARK = "# allot desk / 本文件由测算台保存\n"
"""The first line of a file that the desk writes: only such a file it writes again."""
Signature = tuple[tuple[Path, int, int], ...]
"""(file, when it was written, its size) of each file that a scenario was read from."""
Settings = Iterable[tuple[TreePath, Any]]
"""(place in the tree, what is to stand there)."""


class ScenarioDraft:
    """A scenario of a folder as it is edited; one object serves all windows.

    `version` counts the edits. Whoever edits says which version was seen; the edit is refused where
    what it changes was changed after that.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Raises `InputError` where the scenario cannot be read, or its journal."""
        self.name = name
        self.path = folder / name.partition("@")[0]
        self.own = is_own(self.path) and "@" not in name
        self.history = History()
        self._journal = Journal(folder / ".desk" / f"{name}.journal")
        self._saved: dict[str, Any] = {}
        """Content of the file as the desk knows it."""
        self._before: dict[str, tuple[Scenario, Signature]] = {}
        """What it extends → that as it was read, and its files as they were then."""
        self._sources: Signature = ()
        self._loaded: Scenario | None = None
        self._tried: Scenario | None = None
        """What the last edit that was checked makes."""
        self.catch_up()
        self.torn = self._journal.torn > 0
        """Whether the journal ended within a line, which is dropped."""
        if self.changed_outside and (not self.unsaved or self.content == read_yaml(self.path)):
            self.take_file()
        _ = self.scenario  # What cannot be read is told at once.

    # What it is now.

    @property
    def version(self) -> int:
        """How many edits there were."""
        return self.history.version

    @property
    def content(self) -> dict[str, Any]:
        """The scenario file as it would be saved; empty for one that the desk does not edit."""
        return dict(self.history.tree.get(FILE, {}))

    @property
    def unsaved(self) -> bool:
        """Whether the file does not hold what was edited."""
        return self.own and self.content != self._saved

    @property
    def scenario(self) -> Scenario:
        """The scenario with all edits; read again where a file that it extends has changed."""
        if self._loaded is None or self._sources != _signature(self._loaded):
            self._loaded = self._load(self.content)
            self._sources = _signature(self._loaded)
        return self._loaded

    @property
    def before(self) -> Scenario:
        """What it extends, as that stands; itself where it extends nothing."""
        if "extends" not in self.content:
            return self.scenario
        name = str(self.content["extends"])
        kept = self._before.get(name)
        if kept is None or kept[1] != _signature(kept[0]):
            base, _, named = name.partition("@")
            found = load(self.path.parent / base, with_=[named] if named else ())
            kept = found, _signature(found)
            self._before = {name: kept}
        return kept[0]

    def _load(self, content: dict[str, Any]) -> Scenario:
        if self.own:
            return load_draft(self.path, content)
        return load(self.path.parent / self.name)

    # Edits.

    def change(
        self, part: str, said: str, settle: Callable[[History], Settings], seen: int | None
    ) -> int:
        """Make an edit, and give the version after it; `settle` says what is to stand where.

        `seen`: the version that whoever edits has seen; None for the last. Raises `InputError`
        where what it changes was changed since, and where it makes no scenario.
        """

        def make() -> Edit | None:
            settings: list[Setting] = []
            tried = History(copied(self.history.tree))
            for at, now in settle(self.history):
                for one in tried.setting(at, now):  # Against what the ones before it have made.
                    put(tried.tree, one.at, one.now)
                    settings.append(one)
            return self._checked(Edit(part, tuple(settings), "edit", said), seen)

        return self._add(make)

    def undo(self, part: str, seen: int | None = None) -> int:
        """Take the last edit of a part back (`rules` or `table`); nothing where there is none."""
        return self._add(lambda: self._checked(self.history.undo(part), seen))

    def redo(self, part: str, seen: int | None = None) -> int:
        """Make the last edit that was taken back anew; nothing where there is none."""
        return self._add(lambda: self._checked(self.history.redo(part), seen))

    def can(self, kind: str, part: str) -> bool:
        """Whether there is anything to `undo` or `redo` in a part."""
        return bool((self.history.done if kind == "undo" else self.history.undone).get(part))

    def catch_up(self) -> int:
        """Take in what another desk wrote; the version after it."""
        for edit in self._journal.news():
            self._take(edit)
        return self.version

    def _add(self, make: Callable[[], Edit | None]) -> int:
        """Add the edit that `make` gives once what another desk wrote is taken in."""

        def after(others: list[Edit]) -> Edit | None:
            for other in others:
                self._take(other)
            return make()

        edit = self._journal.append(after)
        if edit is not None:
            self._take(edit, self._tried)
        return self.version

    def _checked(self, edit: Edit | None, seen: int | None) -> Edit | None:
        if edit is None or not edit.settings:
            return None
        self._refuse_stale({one.at for one in edit.settings}, seen)
        if any(one.at[0] == FILE for one in edit.settings):
            self._refuse_others_file()
            tried = History(copied(self.history.tree))
            tried.take(edit.anew)
            self._tried = self._load(dict(tried.tree.get(FILE, {})))
        return edit

    def _refuse_stale(self, places: Iterable[TreePath], seen: int | None) -> None:
        since = () if seen is None else self.history.touched_since(seen)
        if any(overlap(place, since) for place in places):
            refuse(self.name, "", "another window has changed this since; look at it again")

    def _refuse_others_file(self) -> None:
        if not self.own:
            refuse(self.name, "", "is not edited on the desk: make a new scenario from it")

    def _take(self, edit: Edit, loaded: Scenario | None = None) -> None:
        """`loaded`: the scenario that it makes, where that was read."""
        self.history.take(edit)
        if edit.kind in ("file", "saved"):
            self._saved = self.content
        if any(one.at[0] == FILE for one in edit.settings):
            self._loaded = loaded
            self._sources = _signature(loaded) if loaded is not None else ()

    # The file.

    def save(self, seen: int | None = None, *, over: bool = False) -> int:
        """Write the file, whole or not at all; the version after it.

        Raises `InputError` where the file was changed by another program since (`over`: it is
        replaced all the same), where another window edited the scenario after the version `seen`,
        and where it cannot be written.
        """

        def make() -> Edit:
            self._refuse_others_file()
            self._refuse_stale([(FILE,)], seen)
            if not over and self.changed_outside:
                told = "was changed by another program since; take it as it is, or save over it"
                refuse(self.path.name, "", told)
            content = file_bytes(self.content)
            try:
                write_file(self.path, content)
            except OSError as error:
                refuse(self.path.name, "", f"cannot be written ({error.strerror or error})")
            return Edit("rules", (), "saved", _hash(content))

        return self._add(make)

    @property
    def changed_outside(self) -> bool:
        """Whether another program has written the file since the desk read or wrote it."""
        known = [edit.said for edit in self.history.edits if edit.kind in ("file", "saved")]
        there = self.path.read_bytes() if self.path.exists() else b""
        return self.own and known[-1:] != [_hash(there)]

    def take_file(self) -> int:
        """Take the file as it is; edits that were not saved are given up, and stay in the journal.

        Raises `InputError` where it is no scenario.
        """

        def make() -> Edit:
            content = read_yaml(self.path)
            self._tried = self._load(content)
            settings = tuple(self.history.setting((FILE,), content))
            kind = "file" if settings else "saved"
            return Edit("rules", settings, kind, _hash(self.path.read_bytes()))

        return self._add(make)


def is_own(path: Path) -> bool:
    """Whether the desk wrote a file, and may write it again."""
    try:
        with path.open("rb") as file:
            return file.read(len(MARK.encode())) == MARK.encode()
    except OSError:
        return False


def file_bytes(content: dict[str, Any]) -> bytes:
    """A scenario file as the desk writes it."""
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
    return (MARK + text).encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _signature(scenario: Scenario) -> Signature:
    """The files that a scenario was read from, as they are now."""
    stats = [(path, path.stat()) for path in scenario.document.files if path.exists()]
    return tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)
