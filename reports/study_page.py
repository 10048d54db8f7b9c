"""Pages of grid, sweep and tornado, and their JSON documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from models.scenario import Scenario
from optimizer.study.result import Study, Value
from reports.layout import Paragraph, Part
from reports.numbers import places_for, plain
from reports.tables import Grid, Line
from reports.words import Words

MOST_ROWS = 60
"""A longer table is thinned out on the terminal."""
_NOT_SHOWN = ("objective", "bound", "gap", "why", "method", "range", "told_apart")
_WORDED = ("worth", "price", "spent", "moved", "status")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Row = Mapping[str, Value]


def study_view(study: Study) -> dict[str, Any]:
    """`grid --json`, `sweep --json`, `tornado --json`."""
    return {
        "study": study.kind,
        "scenario": study.scenario,
        "notes": [{"zh": note.zh, "en": note.en} for note in study.notes],
        "unchanged": dict(study.unchanged),
        "rows": [dict(zip(study.columns, row, strict=True)) for row in study.rows],
    }


def study_page(study: Study, scenario: Scenario, words: Words) -> list[Part]:
    """What the three verbs show: the table, thinned out if it is long, and what is to be said."""
    rows = [dict(zip(study.columns, row, strict=True)) for row in study.rows]
    shown = _thinned(rows, 2 if study.kind == "tornado" else 1)
    parts: list[Part] = [
        Paragraph(words(f"study.{study.kind}", scenario=study.scenario), "bold"),
        *(
            Paragraph(words("study.note", note=note.of(words.lang)), indent=2)
            for note in study.notes
        ),
    ]
    if study.unchanged:
        parts.append(_before(study, scenario, words))
    desk = _Desk(scenario, words)
    if study.kind == "tornado":
        parts.append(desk.effects(study, shown))
    else:
        paths = study.columns[: _paths(study)]
        parts += [
            Paragraph(words("study.path", letter=letter, path=path), indent=3)
            for letter, path in zip(_LETTERS, paths, strict=False)
        ]
        parts.append(desk.table(study, shown))
    if len(shown) < len(rows):
        parts.append(Paragraph(words("study.cut", count=len(rows), shown=len(shown))))
    return parts


def _paths(study: Study) -> int:
    """How many columns are paths: those before what every table begins with."""
    return study.columns.index("status" if study.kind == "grid" else "worth")


def _thinned(rows: Sequence[Row], together: int) -> list[Row]:
    """At most `MOST_ROWS`: of a ranking the first, else evenly with both ends."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    if together > 1:
        return list(rows[:MOST_ROWS])
    last = len(rows) - 1
    return [rows[round(number * last / (MOST_ROWS - 1))] for number in range(MOST_ROWS)]


def _before(study: Study, scenario: Scenario, words: Words) -> Paragraph:
    desk = _Desk(scenario, words)
    names = [name for name in study.unchanged if name not in (*_NOT_SHOWN, "moved")]
    figures = [
        words("study.figure", name=desk.title(name), value=desk.text(name, study.unchanged[name]))
        for name in names
        if study.unchanged[name] is not None
    ]
    return Paragraph(words("study.before", figures=words("list").join(figures)), indent=2)


class _Desk:
    """How columns are called and their values written."""

    def __init__(self, scenario: Scenario, words: Words) -> None:
        self._words = words
        self._money = scenario.programme.file.money.of(words.lang)
        self._metrics = {
            name: metric.title.of(words.lang)
            for metric in scenario.programme.file.metrics
            for name in (metric.id, f"{metric.id}_outcome")
        }

    def title(self, name: str) -> str:
        if name in self._metrics:
            return self._metrics[name]
        return self._words(f"study.{name}") if name in _WORDED else name

    def text(self, name: str, value: Value) -> str:
        """A value of a column; an empty text for what is not there."""
        if value is None:
            return ""
        if isinstance(value, str):
            key = f"study.status.{value}"
            return self._words(key) if name == "status" else value
        number = Fraction(str(value))
        if name == "worth":
            return plain(number, 4)
        if name == "price":
            return plain(number, max(4, places_for(number, 3)))
        return plain(number, 0 if number.denominator == 1 and name not in self._metrics else 1)

    def table(self, study: Study, rows: Sequence[Row]) -> Grid:
        count = _paths(study)
        names = [name for name in study.columns[count:] if name not in _NOT_SHOWN]
        lines = []
        for row in rows:
            at = [_value(row[name]) for name in study.columns[:count]]
            lines.append(Line((*at, *(self.text(name, row[name]) for name in names))))
            if row["why"]:
                lines.append(self._why(", ".join(at), str(row["why"])))
        header = (*_LETTERS[:count], *(self.title(name) for name in names))
        status = frozenset({count + names.index("status")})
        return Grid(self._words("study.rows", money=self._money), header, tuple(lines), status)

    def effects(self, study: Study, rows: Sequence[Row]) -> Grid:
        names = [name for name in study.columns if name in ("worth", "moved", *self._metrics)]
        lines = []
        for row in rows:
            down = row["side"] == "down"
            place = f"{row['rank']}. {row['path']}" if down else ""
            value = f"{_value(row['now'])} → {_value(row['value'])}"
            cells = [self._signed(name, row[name]) for name in names]
            apart = "" if row["told_apart"] in (True, None) else self._words("study.untold")
            said = self.text("status", row["status"]) if row["why"] else apart
            lines.append(Line((place, value, *cells, said)))
        titles = (self.title(name) for name in names)
        header = (self._words("study.assumption"), self._words("study.value"), *titles, "")
        text = frozenset({0, len(header) - 1})
        return Grid(self._words("study.effects"), header, tuple(lines), text)

    def _signed(self, name: str, value: Value) -> str:
        text = self.text(name, value)
        above = isinstance(value, float | int) and value > 0 and name != "moved"
        return f"+{text}" if above and text.strip("0.,") else text

    def _why(self, where: str, why: str) -> Line:
        return Line((self._words("study.why", where=where, why=why),), "note")


def _value(value: Value) -> str:
    """The value of a path, as it was asked for."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
