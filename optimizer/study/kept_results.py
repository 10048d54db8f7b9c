"""Points and their results in SQLite, typed: each result is one transaction, there whole or not at
all whenever the program is stopped, and never there twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optimizer.study.cache import digest
from optimizer.study.design import Point
from optimizer.study.study_result import Result, as_value

_TABLES = """
CREATE TABLE IF NOT EXISTS points (number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS settings (
  point INTEGER NOT NULL, path TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (point, path));
CREATE TABLE IF NOT EXISTS results (
  point INTEGER PRIMARY KEY, status TEXT NOT NULL, why TEXT NOT NULL, why_zh TEXT NOT NULL,
  objective REAL, worth REAL, bound_solver REAL, gap REAL, spent REAL, moved REAL,
  amounts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcomes (
  point INTEGER NOT NULL, metric TEXT NOT NULL, value REAL, PRIMARY KEY (point, metric));
"""
_FIGURES = ("objective", "worth", "bound_solver", "gap", "spent", "moved")
_COLUMNS = ("point", "status", "why", "why_zh", *_FIGURES, "amounts")


class KeptResults:
    """The results in one file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """The file, made where it is absent."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as store:
            store.executescript(_TABLES)
            yield store

    def count(self) -> int:
        """How many points have a result."""
        if not self.file.is_file():
            return 0
        with self.connected() as store:
            return int(store.execute("SELECT count(*) FROM results").fetchone()[0])

    def add(self, store: sqlite3.Connection, points: Iterable[Point]) -> None:
        """Keep the points that are not there yet, in their order."""
        known = {row[0] for row in store.execute("SELECT hash FROM points")}
        fresh = {digest(list(map(list, point))): point for point in points}
        number = len(known)
        with _whole(store):
            for key, point in fresh.items():
                if key not in known:
                    store.execute("INSERT INTO points VALUES (?, ?)", (number, key))
                    rows = [(number, path, value) for path, value in point]
                    store.executemany("INSERT INTO settings VALUES (?, ?, ?)", rows)
                    number += 1

    def todo(self, store: sqlite3.Connection) -> tuple[int, list[tuple[int, Point]]]:
        """How many have a result, and the (number, point) of all others."""
        settings = _by_point(store.execute("SELECT * FROM settings ORDER BY point, path"))
        done = {row[0] for row in store.execute("SELECT point FROM results")}
        numbers = (row[0] for row in store.execute("SELECT number FROM points ORDER BY number"))
        left = [(n, tuple(settings.get(n, {}).items())) for n in numbers if n not in done]
        return len(done), left

    def save(self, store: sqlite3.Connection, number: int, result: Result) -> None:
        """Keep a result."""
        content = {**asdict(result), "point": number, "amounts": json.dumps(result.amounts)}
        marks = ", ".join("?" * len(_COLUMNS))
        with _whole(store):
            row = tuple(content[name] for name in _COLUMNS)
            store.execute(f"INSERT INTO results ({', '.join(_COLUMNS)}) VALUES ({marks})", row)
            rows = [(number, name, value) for name, value in result.outcomes.items()]
            store.executemany("INSERT INTO outcomes VALUES (?, ?, ?)", rows)

    def rows(self, metrics: Sequence[str]) -> list[dict[str, Any]]:
        """One a point that has a result: its number, paths, status, metrics, figures, why."""
        if not self.file.is_file():
            return []
        with self.connected() as store:
            settings = _by_point(store.execute("SELECT * FROM settings ORDER BY point, path"))
            outcomes = _by_point(store.execute("SELECT * FROM outcomes"))
            names = ", ".join(("point", "status", *_FIGURES, "why"))
            found = store.execute(f"SELECT {names} FROM results ORDER BY point").fetchall()
        paths = list(dict.fromkeys(path for each in settings.values() for path in each))
        return [
            {
                "point": number,
                **{path: _value(settings.get(number, {}).get(path)) for path in paths},
                "status": status,
                **{name: outcomes.get(number, {}).get(name) for name in metrics},
                **dict(zip((*_FIGURES, "why"), rest, strict=True)),
            }
            for number, status, *rest in found
        ]

    def amounts(self, number: int) -> tuple[str, ...]:
        """Money by cell of one point, exact, as text; none where it has none."""
        with self.connected() as store:
            found = store.execute("SELECT amounts FROM results WHERE point = ?", (number,))
            row = found.fetchone()
        return tuple(json.loads(row[0])) if row else ()


@contextmanager
def _whole(store: sqlite3.Connection) -> Iterator[None]:
    """All that is written within it, or nothing."""
    store.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        store.execute("ROLLBACK")
        raise
    store.execute("COMMIT")


def _by_point(rows: Iterable[tuple[int, str, Any]]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for point, name, value in rows:
        found.setdefault(point, {})[name] = value
    return found


def _value(text: str | None) -> object:
    return None if text is None else as_value(text)
