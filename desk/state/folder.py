"""One folder on the desk: its scenarios, and the records beside; nothing outside is touched."""

from __future__ import annotations

import glob
import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from desk.state.draft import ScenarioDraft, file_bytes, is_own
from models.allocation import write_file
from models.errors import InputError, InputProblem, refuse
from models.files import resolved
from models.record.manifest import NAME as MANIFEST
from models.record.manifest import read_manifest
from models.scenario import scenario_document
from models.strict_yaml import LONGEST_NAME, NO_TEXT, Text, either_text
from models.workbook.fund_words import SHEETS
from models.workbook.xlsx_file import WorkbookFile

_MOST_PINNED = 6
_KINDS = (".yaml", ".xlsx")
_DEEPEST = 2
"""Folders below the desk's own in which records are looked for."""
_LONGEST_FILE = 80
BARRED = '<>:"/\\|?*@'
"""Letters that no file name may hold on some system, and the one that names a scenario within."""

_TAKEN_BY_WINDOWS = {"CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "LPT1", "LPT2", "LPT3"}


@dataclass(frozen=True)
class ScenarioEntry:
    """A scenario of the folder."""

    name: str
    """`base-2020.yaml`, or `base-2020.yaml@strict-tilt` for a named one within it."""
    title: Text = NO_TEXT
    note: Text = NO_TEXT
    author: str = ""
    base: str = ""
    """What it extends."""
    own: bool = False
    """Made on the desk, and edited there."""
    pinned: bool = False
    problems: tuple[InputProblem, ...] = ()
    """Why it cannot be read."""


@dataclass(frozen=True)
class RecordEntry:
    """A record of the folder."""

    name: str
    """Its folder, `out/base-2020`."""
    title: Text
    created: str
    author: str
    reason: str
    fingerprint: str
    status: str
    broken: tuple[str, ...]
    """Ids of the rules that it breaks."""


class DeskFolder:
    """A folder and what is open of it; one object serves all windows."""

    def __init__(self, path: Path) -> None:
        """Raises `InputError` where there is no such folder."""
        self.path = resolved(path)
        if not self.path.is_dir():
            refuse(str(path), "", "is no folder")
        self.inside(".desk")  # What is kept beside is no link that leads out.
        self._open: dict[str, ScenarioDraft] = {}
        self._workbooks: dict[str, tuple[tuple[int, int], list[ScenarioEntry]]] = {}
        """Name of a workbook → when it was written, its size; what it holds."""

    def inside(self, name: str) -> Path:
        """The path of a file or folder in this folder, links followed. Refuses what leads out."""
        path = resolved(self.path / name)
        if self.path not in path.parents:
            refuse(name, "", "leads outside the folder of the desk")
        return path

    # Scenarios.

    def scenarios(self) -> tuple[ScenarioEntry, ...]:
        """All of the folder, by name; a file's named ones after it."""
        pinned = self.pinned
        files = (path for end in _KINDS for path in self.path.glob(f"*{end}") if path.is_file())
        return tuple(
            entry
            for path in sorted(files)
            if self.path in resolved(path).parents and not path.name.startswith((".", "~"))
            for entry in self._entries(path, pinned)
        )

    def _entries(self, path: Path, pinned: tuple[str, ...]) -> list[ScenarioEntry]:
        """The scenarios of a file, read again where it has changed: workbooks take long."""
        if path.suffix == ".yaml":
            return _entries(path, pinned)
        stat = path.stat()
        written = stat.st_mtime_ns, stat.st_size
        if self._workbooks.get(path.name, (None,))[0] != written:
            self._workbooks[path.name] = written, _entries(path, ())
        return [replace(one, pinned=one.name in pinned) for one in self._workbooks[path.name][1]]

    def new(
        self, base: str, name: str, *, title: str = "", note: str = "", author: str = ""
    ) -> ScenarioDraft:
        """A new scenario `name`.yaml that extends another of the folder, and is it until edited.

        Raises `InputError` for a base that cannot be read, a name that can be none of a file, and
        one that is taken.
        """
        path = self._new_path(name)
        held = self.open(base).scenario.spec.title
        told = either_text(title) if title else {"zh": held.zh, "en": held.en}
        self._set_aside(path.name)
        extra = {"note": note, "author": author}
        content = {"extends": base, "title": told, **{key: v for key, v in extra.items() if v}}
        try:
            with path.open("xb"):  # Taken at once: two windows may ask for one name.
                pass
            write_file(path, file_bytes(content))
        except OSError as error:
            refuse(path.name, "", f"cannot be written ({error.strerror or error})")
        return self.open(path.name)

    def _set_aside(self, name: str) -> None:
        """What is left of a scenario of that name whose file is gone, under another name."""
        self._open.pop(name, None)
        for left in (self.path / ".desk").glob(f"{glob.escape(name)}.*"):
            left.rename(left.with_name(f"{secrets.token_hex(4)}.{left.name}"))

    def open(self, name: str) -> ScenarioDraft:
        """A scenario to be looked at and edited; with what another desk wrote of it since.

        Raises `InputError` for one that is not in the folder or cannot be read.
        """
        for file in (name.partition("@")[0], f".desk/{name}.journal", f".desk/{name}.answers.json"):
            self.inside(file)
        draft = self._open.get(name)
        if draft is None:
            draft = self._open[name] = ScenarioDraft(self.path, name)
        draft.catch_up()
        return draft

    def _new_path(self, name: str) -> Path:
        stem = name.strip().removesuffix(".yaml")
        bad = any(letter in BARRED or not letter.isprintable() for letter in stem)
        bad = bad or stem != stem.strip(". ") or stem.upper() in _TAKEN_BY_WINDOWS
        if bad or not stem or len(stem.encode()) > _LONGEST_FILE:
            refuse(name, "", "can be no name of a file: letters, digits, - and _")
        path = self.inside(f"{stem}.yaml")
        taken = {other.name.casefold() for other in self.path.iterdir()}
        if path.name.casefold() in taken:
            refuse(path.name, "", "is there already; choose another name")
        return path

    # What is pinned.

    @property
    def pinned(self) -> tuple[str, ...]:
        """Names of the scenarios that are pinned side by side, in their order."""
        try:
            told = json.loads((self.path / ".desk" / "pinned.json").read_bytes())
        except (OSError, ValueError):
            return ()
        return tuple(str(name) for name in told)[:_MOST_PINNED] if isinstance(told, list) else ()

    def pin(self, names: tuple[str, ...]) -> None:
        """Pin these scenarios, and no others. Refuses more than six."""
        if len(names) > _MOST_PINNED:
            refuse("", "", f"at most {_MOST_PINNED} scenarios stand side by side")
        for name in names:
            self.inside(name.partition("@")[0])
        file = self.path / ".desk" / "pinned.json"
        file.parent.mkdir(exist_ok=True)
        write_file(file, json.dumps(list(names), ensure_ascii=False))

    # Records.

    def records(self) -> tuple[RecordEntry, ...]:
        """All records of the folder, the newest first; what is no whole record is left out."""
        found = []
        for depth in range(1, _DEEPEST + 1):
            for manifest in self.path.glob("*/" * depth + MANIFEST):
                if self.path in resolved(manifest).parents and not _is_hidden(self.path, manifest):
                    found += _record_entry(self.path, manifest.parent)
        return tuple(sorted(found, key=lambda one: (one.created, one.name), reverse=True))

    def files(self, record: str) -> tuple[Path, ...]:
        """What can be downloaded of a folder of the desk: its files, by path.

        Raises `InputError` for a folder outside."""
        folder = self.inside(record)
        every = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return tuple(path for path in every if folder in resolved(path).parents)


def _is_hidden(folder: Path, path: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _entries(path: Path, pinned: tuple[str, ...]) -> list[ScenarioEntry]:
    """The scenarios of a file; none where it plainly is a file of another kind."""
    try:
        document, _ = scenario_document(path)
    except InputError as error:
        if path.suffix != ".yaml" and not _is_fund(path):
            return []
        return [ScenarioEntry(path.name, pinned=path.name in pinned, problems=error.problems)]
    body = document.body
    if "programme" not in body:
        return []
    own = is_own(path)
    title, note = _text(body.get("title")), _text(body.get("note"))
    author = str(body.get("author") or "")
    base = document.files[1].name if len(document.files) > 1 else ""
    first = ScenarioEntry(path.name, title, note, author, base, own, path.name in pinned)
    if own:
        return [first]
    named = [f"{path.name}@{name}" for name in body.get("scenarios") or {}]
    titles = [_named_title(document.body, one.partition("@")[2], title) for one in named]
    return [first] + [
        ScenarioEntry(name, own_title, base=path.name, pinned=name in pinned)
        for name, own_title in zip(named, titles, strict=True)
    ]


def _is_fund(path: Path) -> bool:
    """Whether a workbook has a sheet of a fund: others are tables of money, and no scenario."""
    try:
        return not {*WorkbookFile(path).sheets}.isdisjoint(SHEETS["rules"] + SHEETS["fund"])
    except InputError:
        return False


def _named_title(body: dict[str, object], name: str, base: Text) -> Text:
    """The title of a named scenario, as its overrides make it."""
    overrides, scenarios = body.get("overrides"), body.get("scenarios")
    listed = scenarios.get(name) if isinstance(scenarios, dict) else None
    for one in listed if isinstance(listed, list) else ():
        patch = overrides.get(one) if isinstance(overrides, dict) else None
        if isinstance(patch, dict) and patch.get("title"):
            own = _text(patch["title"])
            base = Text(zh=f"{base.zh} · {own.zh}", en=f"{base.en} · {own.en}")
    return base


def _text(value: object) -> Text:
    """A wording of a document that was not checked."""
    told = either_text(value)
    if not isinstance(told, dict):
        return NO_TEXT
    zh, en = (str(told.get(lang) or "")[:LONGEST_NAME] for lang in ("zh", "en"))
    return Text(zh=zh, en=en)


def _record_entry(folder: Path, record: Path) -> list[RecordEntry]:
    try:
        told = read_manifest(record)
    except InputError:
        return []
    result = told.result
    return [
        RecordEntry(
            name=record.relative_to(folder).as_posix(),
            title=told.scenario.title or _text(told.scenario.name),
            created=told.created,
            author=told.author,
            reason=told.reason,
            fingerprint=told.fingerprint,
            status=result.status,
            broken=result.broken_rules or (),
        )
    ]
