"""Where a programme's columns and numbers come from: `sources.yaml`, optional; shown in reports."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from models.programme import Programme, inside
from models.ranges import RangeField
from models.strict import NO_TEXT, EitherText, Strict, parse_model, read_yaml

FILE = "sources.yaml"


class Source(Strict):
    """One source, reading or assumption, and the columns and numbers that rest on it."""

    id: str
    kind: Literal["source", "interpretation", "assumption"]
    title: EitherText
    publisher: EitherText = NO_TEXT
    url: str = ""
    licence: EitherText = NO_TEXT
    year: str = ""
    reason: EitherText = NO_TEXT
    covers: tuple[str, ...] = ()
    """`file:path` with `*` for anything: counties.csv:residents, response.yaml:kappa.*"""
    range: RangeField = None
    """How far each of the covered numbers may lie: what a sensitivity analysis moves it by."""


class _Listed(Strict):
    sources: tuple[Source, ...] = ()


def read_sources(programme: Programme) -> tuple[Source, ...]:
    """The sources of a programme in the order of its file; () where the file is absent.

    Raises `InputError` with every field that is missing or unknown.
    """
    path = inside(programme.folder, FILE)
    if not path.exists():
        return ()
    return parse_model(_Listed, {"sources": read_yaml(path) or []}, FILE).sources


def source_of(sources: Sequence[Source], place: str) -> Source | None:
    """The first source that covers `file:path`; things with an id stand in the path by it."""
    for source in sources:
        if any(fnmatchcase(place, pattern) for pattern in source.covers):
            return source
    return None
