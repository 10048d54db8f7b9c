"""Edits as data: what stood where and what stands there now, undone and done again.

The state of a scenario on the desk is one tree of mappings and texts. Every edit is a list of
settings of it, so that each can be taken back, written in a line and replayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from models.strict_yaml import copied

TreePath = tuple[str, ...]
"""Keys from the root of the tree to a part of it."""
ABSENT: Final = object()
"""What stands where nothing does; nothing (None) is a value of its own, which takes a key away."""


@dataclass(frozen=True)
class Setting:
    """One place of the tree, before and after."""

    at: TreePath
    was: Any
    now: Any

    @property
    def taken_back(self) -> Setting:
        """The way back."""
        return Setting(self.at, self.now, self.was)

    def written(self) -> dict[str, Any]:
        """As a line of the journal holds it."""
        ends = (("was", self.was), ("now", self.now))
        return {"at": list(self.at), **{name: end for name, end in ends if end is not ABSENT}}

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Setting:
        """As it was written."""
        return cls(tuple(line["at"]), line.get("was", ABSENT), line.get("now", ABSENT))


@dataclass(frozen=True)
class Edit:
    """What somebody did in one go."""

    part: str
    """Which undo it belongs to: `rules` or `table`."""
    settings: tuple[Setting, ...]
    kind: str = "edit"
    """`edit`, `undo` or `redo` of the last one of its part; `file`: the scenario file is taken as
    it stands, before which nothing is undone; `saved`: it was written."""
    said: str = ""
    """What was done, as a key of the catalogue; of `file` and `saved` the SHA-256 of the file."""

    @property
    def anew(self) -> Edit:
        """The same settings as an edit of their own."""
        return Edit(self.part, self.settings)

    def written(self) -> dict[str, Any]:
        """As a line of the journal holds it."""
        head = {"part": self.part, "kind": self.kind, "said": self.said}
        return {**head, "set": [one.written() for one in self.settings]}

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Edit:
        """As it was written."""
        settings = tuple(Setting.read(one) for one in line["set"])
        return cls(line["part"], settings, line["kind"], line["said"])


@dataclass
class History:
    """The tree after the edits so far, and what can be undone and done again."""

    tree: dict[str, Any] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    done: dict[str, list[Edit]] = field(default_factory=dict)
    """Part → edits that can be undone, the last at the end."""
    undone: dict[str, list[Edit]] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """How many edits there were, undone ones and undoings too."""
        return len(self.edits)

    def take(self, edit: Edit) -> None:
        """Make an edit, one of the journal or a new one."""
        for one in edit.settings:
            put(self.tree, one.at, one.now)
        self.edits.append(edit)
        done, undone = (kept.setdefault(edit.part, []) for kept in (self.done, self.undone))
        if edit.kind == "undo":
            undone.append(done.pop())
        elif edit.kind == "redo":
            done.append(undone.pop())
        elif edit.kind == "file":
            done.clear()
            undone.clear()
        elif edit.kind == "edit":
            done.append(edit)
            undone.clear()

    def undo(self, part: str) -> Edit | None:
        """What takes the last edit of a part back; None where there is none."""
        done = self.done.get(part)
        if not done:
            return None
        back = tuple(one.taken_back for one in reversed(done[-1].settings))
        return Edit(part, back, "undo", done[-1].said)

    def redo(self, part: str) -> Edit | None:
        """What makes the last edit that was taken back anew; None where there is none."""
        undone = self.undone.get(part)
        return Edit(part, undone[-1].settings, "redo", undone[-1].said) if undone else None

    def touched_since(self, version: int) -> set[TreePath]:
        """The places that edits after a version changed."""
        return {one.at for edit in self.edits[version:] for one in edit.settings}

    def setting(self, at: TreePath, now: Any) -> Iterator[Setting]:
        """The setting that puts a value in a place; none where it stands there.

        Where a value that is no mapping stands on the way, as of the short form of a bound, that is
        replaced.
        """
        for length in range(1, len(at)):
            above = get(self.tree, at[:length])
            if above is ABSENT:
                break
            if not isinstance(above, dict):
                if now is ABSENT:
                    return
                now = _inside(above, at[length:], now)
                at = at[:length]
                break
        was = get(self.tree, at)
        if was is not now and was != now:
            yield Setting(at, copied(was), copied(now))


def get(tree: Mapping[str, Any], at: Sequence[str]) -> Any:
    """What stands in a place, `ABSENT` where nothing does."""
    found: Any = tree
    for step in at:
        if not isinstance(found, Mapping) or step not in found:
            return ABSENT
        found = found[step]
    return found


def put(tree: dict[str, Any], at: TreePath, value: Any) -> None:
    """Put a value in a place, `ABSENT` to take it out; mappings on the way are made and, when they
    are empty, taken out."""
    if value is ABSENT:
        _take_out(tree, at)
        return
    inner = tree
    for step in at[:-1]:
        below = inner.get(step)
        if not isinstance(below, dict):
            below = inner[step] = {}
        inner = below
    inner[at[-1]] = copied(value)


def _take_out(tree: dict[str, Any], at: TreePath) -> None:
    way = [tree]
    for step in at[:-1]:
        below = way[-1].get(step)
        if not isinstance(below, dict):
            return
        way.append(below)
    way[-1].pop(at[-1], None)
    for inner, step in zip(reversed(way[:-1]), reversed(at[:-1]), strict=True):
        if not inner[step]:
            del inner[step]


def _inside(value: Any, at: TreePath, now: Any) -> Any:
    """`value` with `now` in a place of it: a list has its places by number, a text gives way."""
    if not at:
        return now
    if isinstance(value, list) and at[0].isdigit() and int(at[0]) < len(value):
        number = int(at[0])
        return [*value[:number], _inside(value[number], at[1:], now), *value[number + 1 :]]
    inner = value if isinstance(value, dict) else {}
    return {**inner, at[0]: _inside(inner.get(at[0]), at[1:], now)}


def overlap(one: TreePath, others: Iterable[TreePath]) -> bool:
    """Whether a place lies in one of the others, or one of them in it."""
    return any(one[: len(other)] == other[: len(one)] for other in others)
