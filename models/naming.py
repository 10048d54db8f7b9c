"""What counties, tasks, metrics and columns may be called: by code, or by name in either language.

A code means itself; a name that several share means none of them until one is said by its code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from models.errors import InputError, Problems, did_you_mean
from models.metadata import Labels, read_labels
from models.overrides import ScenarioDocument
from models.programme import Programme
from models.rule import CONSTANTS, PLAIN_MEASURES
from models.strict_yaml import Steps

Names = dict[str, tuple[str, ...]]
"""Name → the codes that it may mean."""


@dataclass(frozen=True)
class Naming:
    """The names of one programme."""

    programme: Programme
    _names: dict[str, Names] = field(default_factory=dict)

    @classmethod
    def of(cls, programme: Programme) -> Naming:
        """The naming of a programme, worked out once."""
        return programme.shown.setdefault("naming", cls(programme))  # type: ignore[no-any-return]

    def names(self, what: str) -> Names:
        """All names of one kind: `county`, `task`, `metric`, `column`, or values of a column."""
        if what not in self._names:
            found: Names = {}
            for name, code in self._pairs(what):
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), code)))
            codes = dict.fromkeys(code for _, code in self._pairs(what))
            self._names[what] = found | {code: (code,) for code in codes}
        return self._names[what]

    def code(self, what: str, name: str) -> str:
        """The code that a name means; the name itself where nothing is called so.

        Raises ValueError where it may mean several.
        """
        known = self.names(what)
        codes = known.get(name) or known.get(name.strip(), ())
        if len(codes) > 1:
            called = what if what in ("county", "task", "metric", "column") else "value"
            several = self.told(what, codes)
            raise ValueError(f"'{name}' may be {several}; give the code of the {called}")
        return codes[0] if codes else name

    def known_code(self, what: str, name: str) -> str:
        """As `code`; a name that nothing is called by is a ValueError with the nearest."""
        code = self.code(what, name)
        if code not in self.names(what):
            raise ValueError(f"unknown {what} '{name}'{did_you_mean(name, self.names(what))}")
        return code

    def told(self, what: str, codes: tuple[str, ...]) -> str:
        """Several codes as candidates, each with a name where a county's or task's has one."""
        if what not in ("county", "task"):
            return ", ".join(codes)
        table = self.programme.counties if what == "county" else self.programme.tasks
        return ", ".join(f"{table.names('zh')[table.index[code]]} ({code})" for code in codes)

    def _labels(self) -> Labels:
        try:
            return read_labels(self.programme)
        except InputError:  # Told where it is read to be shown.
            return Labels()

    def _pairs(self, what: str) -> Iterator[tuple[str, str]]:
        """(name, code), those of a code among them."""
        tables = {"county": self.programme.counties, "task": self.programme.tasks}
        for lang in ("zh", "en"):
            if what in tables:
                yield from zip(tables[what].names(lang), tables[what].ids, strict=True)
            if what == "task":
                yield from zip(self.programme.task_names(lang), tables[what].ids, strict=True)
            elif what == "metric":
                yield from ((one.title.of(lang), one.id) for one in self.programme.file.metrics)
            elif what not in tables:
                yield from self._labelled(what, lang)

    def _labelled(self, what: str, lang: str) -> Iterator[tuple[str, str]]:
        """(label, column), or (label, value) of one column."""
        labels = self._labels()
        if what != "column":
            yield from (
                (text.of(lang), value) for value, text in labels.values.get(what, {}).items()
            )
            return
        for table in (self.programme.counties, self.programme.tasks):
            for name in (table.what, *table.columns):
                yield labels.column(name, lang), name


_MEASURES = ("measure", "of", "maximise", "minimise", "raise_least")
_COLUMNS = ("per", "per_head", "column", "columns", "by")
_KEYED = {"where": "column", "weights": "metric", "tasks": "task"}
_WORDS = ("title", "clause", "reason", "number_from", "grounds", "id")
_PARTS = ("objective", "locks", "cells", "ineligible", "baseline", "response", "lot", "step")


def by_code(document: ScenarioDocument, programme: Programme) -> Problems:
    """Put codes in the place of names all over a document: counties, tasks, metrics, columns and
    their values in rules, locks and aims. What nothing is called by stays as it is.

    The problems: names that may mean several, and two names of one thing in one place.
    """
    walk = _Walk(document, Naming.of(programme))
    for number, rule in enumerate(document.rules.values()):
        walk.into(rule, ("rules", number))
    for key in _PARTS:
        walk.into(document.body.get(key), (key,))
    return walk.problems


class _Walk:
    def __init__(self, document: ScenarioDocument, naming: Naming) -> None:
        self.document, self.naming, self.problems = document, naming, Problems()

    def into(self, value: Any, path: Steps) -> None:
        if isinstance(value, list):
            for at, one in enumerate(value):
                self.into(one, (*path, at))
        if not isinstance(value, dict):
            return
        for key in [key for key in value if key not in _WORDS]:
            self.key(value, key, (*path, key))
            self.into(value[key], (*path, key))

    def key(self, mapping: dict[str, Any], key: str, path: Steps) -> None:
        """What stands under one key of a mapping, and its own keys where they are names."""
        inner = mapping[key]
        if isinstance(inner, dict) and key in _KEYED:
            self.keys(inner, _KEYED[key], path)
        if isinstance(inner, dict) and key == "where":
            for column in inner:
                inner[column] = self.listed(column, inner[column], (*path, column))
        elif (what := _kind_of(key)) is not None:
            mapping[key] = self.listed(what, inner, path)

    def listed(self, what: str, value: Any, path: Steps) -> Any:
        """A name, or a list of them, by code."""
        if isinstance(value, list):
            return [self.listed(what, one, (*path, at)) for at, one in enumerate(value)]
        return self.one(what, value, path) if isinstance(value, str) else value

    def one(self, what: str, name: str, path: Steps) -> str:
        if _is_code(self.naming.programme, what, name):
            return name
        try:
            return self.naming.code(what, name)
        except ValueError as error:
            self.problems.add(*self.document.origin(path), str(error))
            return name

    def keys(self, mapping: dict[str, Any], what: str, path: Steps) -> None:
        """The keys of a mapping by code, in their order."""
        found: dict[str, Any] = {}
        for key, value in mapping.items():
            code = self.one(what, key, (*path, key))
            places = [self.document.origin((*path, name)) for name in (key, code)]
            if code in found and places[0][0] == places[1][0]:
                self.problems.add(*places[0], f"'{key}' and '{code}' are the same {what}")
            found[code] = value
        mapping.clear()
        mapping.update(found)


def _kind_of(key: str) -> str | None:
    if key in ("county", "task"):
        return key
    if key in _MEASURES:
        return "metric"
    return "column" if key in _COLUMNS else None


def _is_code(programme: Programme, what: str, name: str) -> bool:
    """Whether it is plainly a code, so that no names need be looked through."""
    if what == "metric":
        return name in (*PLAIN_MEASURES, *CONSTANTS, *programme.metrics)
    tables = (programme.counties, programme.tasks)
    if what == "column":
        return any(table.kind(name) for table in tables)
    table = next((table for table in tables if table.kind(what)), None)
    # True/false and numbers have no names; an unknown column is told by another check.
    if table is None or table.kind(what) != "text":
        return True
    return name in (table.index if table.what == what else table.values(what))
