"""Pages of grid, sweep and tornado, and their JSON documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from models.scenario import Scenario
from optimizer.study.assumption_table import assumptions
from optimizer.study.study_result import Study, Value
from reports.catalogue import Words
from reports.document import Document, Figure, Grid, Line, Paragraph, Part
from reports.numbers import places_for, plain, signed
from reports.svg import Effect, HeatCell, effect_bars, heat_map, value_curve
from reports.view.remarks import STATUSES, about

MOST_ROWS = 60
"""A longer table is thinned out on the terminal."""
_MOST_RANKED = 40
_MOST_DRAWN = 12
"""So many assumptions are drawn: more bars do not fit on a page of paper."""
_MOST_REASONS, _MOST_PLACES = 10, 3
_PLANE, _MOST_ACROSS = 2, 12
"""Paths of a grid that is drawn as cells, and values along the one that goes across."""
_SHADES, _DARK = 5, 3
_NOT_SHOWN = ("objective", "bound_solver", "gap", "why", "method", "range", "told_apart")
_TITLES = {
    "grid": "study.grid",
    "sweep": "study.sweep",
    "tornado": "study.tornado",
    "worth": "study.worth",
    "price": "study.price",
    "spent": "study.spent",
    "moved": "study.moved",
    "status": "study.status",
}
_SIDES = {"down": "study.down", "up": "study.up"}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Row = Mapping[str, Value]


def study_view(study: Study, words: Words) -> dict[str, Any]:
    """`grid --json`, `sweep --json`, `tornado --json`; `why` in the language asked for."""
    rows = [dict(zip(study.columns, row, strict=True)) for row in study.rows]
    return {
        "study": study.kind,
        "scenario": study.scenario,
        "notes": [{"zh": note.zh, "en": note.en} for note in study.notes],
        "unchanged": dict(study.unchanged),
        "rows": [{**row, "why": _why(study, row["why"], words)} for row in rows],
    }


def study_page(study: Study, scenario: Scenario, words: Words) -> Document:
    """What the three verbs show: the table, thinned out if it is long, and what is to be said."""
    rows = [dict(zip(study.columns, row, strict=True)) for row in study.rows]
    shown = _thinned(rows, study.kind == "tornado")
    parts: list[Part] = [
        Paragraph(words("study.note", note=note.of(words.lang)), indent=2) for note in study.notes
    ]
    if study.unchanged:
        parts.append(_before(study, scenario, words))
    texts = _StudyTexts(scenario, words)
    if study.kind == "tornado":
        parts += [*texts.effect_figure(shown), texts.effects(study, shown)]
    else:
        paths = study.columns[: _paths(study)]
        parts += [
            Paragraph(words("study.path", letter=letter, path=texts.named(path)), indent=3)
            for letter, path in zip(_LETTERS, paths, strict=False)
        ]
        parts += [*texts.curve(study, rows), *texts.heat(study, rows), texts.table(study, shown)]
    parts += _reasons(study, rows, words)
    if len(shown) < len(rows):
        key = "study.cut-corners" if "exact" in (row.get("method") for row in rows) else "study.cut"
        parts.append(Paragraph(words(key, count=len(rows), shown=len(shown))))
    parts.append(Paragraph(words("study.assumed")))
    title = words(_TITLES[study.kind], scenario=scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(scenario, words))


def _reasons(study: Study, rows: Sequence[Row], words: Words) -> list[Part]:
    """Each reason why there is no allocation once, with where that is."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["why"]:
            found.setdefault(str(row["why"]), []).append(_place(study, row, words))
    parts: list[Part] = []
    for why, places in list(found.items())[:_MOST_REASONS]:
        where = words("study.places", first=places[0], last=places[-1], count=len(places))
        if len(places) <= _MOST_PLACES:
            where = words("study.and").join(places)
        said = _why(study, why, words)
        parts.append(Paragraph(words("study.why", where=where, why=said), indent=2))
    if more := len(found) - len(parts):
        parts.append(Paragraph(words("study.more-why", count=more)))
    return parts


def _why(study: Study, why: Value, words: Words) -> str:
    known = study.reasons.get(str(why)) if words.lang == "zh" else None
    return known or words.reason(str(why or ""))


def _place(study: Study, row: Row, words: Words) -> str:
    if study.kind == "tornado":
        return words("study.at", path=row["path"], value=_short(row["value"]))
    return ", ".join(_value(row[name]) for name in study.columns[: _paths(study)])


def _paths(study: Study) -> int:
    """How many columns are paths: those before what every table begins with."""
    return study.columns.index("status" if study.kind == "grid" else "worth")


def _thinned(rows: Sequence[Row], ranked: bool) -> list[Row]:
    """At most `MOST_ROWS`: of a ranking the first, else evenly with both ends."""
    if ranked:
        return list(rows[:_MOST_RANKED])
    if len(rows) <= MOST_ROWS:
        return list(rows)
    last = len(rows) - 1
    return [rows[round(number * last / (MOST_ROWS - 1))] for number in range(MOST_ROWS)]


def _before(study: Study, scenario: Scenario, words: Words) -> Paragraph:
    texts = _StudyTexts(scenario, words)
    names = [name for name in study.unchanged if name not in (*_NOT_SHOWN, "moved")]
    figures = [
        words("study.figure", name=texts.title(name), value=texts.text(name, study.unchanged[name]))
        for name in names
        if study.unchanged[name] is not None
    ]
    return Paragraph(words("study.before", figures=words("list").join(figures)), indent=2)


class _StudyTexts:
    """How columns are called and their values written."""

    def __init__(self, scenario: Scenario, words: Words) -> None:
        self._words = words
        self._rules = {rule.id: rule.title.of(words.lang) for rule in scenario.rules}
        assumed = assumptions(scenario).rows
        self._titles = {number.path: number.title.of(words.lang) for number in assumed}
        self._titles["budget"] = words("rule.budget")
        self._money = scenario.programme.file.money.of(words.lang)
        self._metrics = {
            name: metric.title.of(words.lang)
            for metric in scenario.programme.file.metrics
            for name in (metric.id, f"{metric.id}_outcome")
        }

    def title(self, name: str) -> str:
        if name in self._metrics:
            return self._metrics[name]
        return self._words(_TITLES[name]) if name in _TITLES else name

    def text(self, name: str, value: Value) -> str:
        """A value of a column; an empty text for what is not there."""
        if value is None:
            return ""
        if isinstance(value, str):
            return self._words(STATUSES[value]) if name == "status" else value
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
        header = (*_LETTERS[:count], *(self.title(name) for name in names))
        status = frozenset({count + names.index("status")})
        return Grid(self._words("study.rows", money=self._money), header, tuple(lines), status)

    def effects(self, study: Study, rows: Sequence[Row]) -> Grid:
        names = [name for name in study.columns if name in ("worth", "moved", *self._metrics)]
        lines = []
        for row in rows:
            if row["side"] == "down":
                lines.append(Line((self._assumption(row),), "note"))
            side = self._words(_SIDES[str(row["side"])], value=_short(row["value"]))
            cells = [self._signed(name, row[name]) for name in names]
            lines.append(Line((side, *cells, self._said(row))))
        titles = (self.title(name) for name in names)
        header = (self._words("study.value"), *titles, "")
        text = frozenset({0, len(header) - 1})
        title = self._words("study.effects", money=self._money)
        return Grid(title, header, tuple(lines), text)

    def effect_figure(self, rows: Sequence[Row]) -> list[Figure]:
        """The first assumptions as bars; none where nothing has an effect on the index."""
        pairs = list(zip(rows[::2], rows[1::2], strict=False))[:_MOST_DRAWN]
        if not any(row["worth"] for pair in pairs for row in pair):
            return []
        effects = [
            Effect(self._assumption(down), self._bar(down), self._bar(up)) for down, up in pairs
        ]
        words = self._words
        return [effect_bars(words("study.bars"), words("study.bars.alt"), effects)]

    def _bar(self, row: Row) -> tuple[str, float | None]:
        """What stands beside the bar of a row, and how long it is."""
        worth = row["worth"]
        side = self._words(_SIDES[str(row["side"])], value=_short(row["value"]))
        said = self._signed("worth", worth) or self.text("status", row["status"])
        length = float(worth) if isinstance(worth, int | float) else None
        return self._words("study.bar", side=side, effect=said), length

    def curve(self, study: Study, rows: Sequence[Row]) -> list[Figure]:
        """The index along the path of a sweep, where it has at least two points."""
        path = study.columns[0]
        pairs = [(row[path], row["worth"]) for row in rows]
        points = [
            (float(at), float(worth))
            for at, worth in pairs
            if isinstance(at, int | float) and isinstance(worth, int | float)
        ]
        if _paths(study) > 1 or len(points) < 2:
            return []
        words = self._words
        title, alt = words("study.curve", path=self.named(path)), words("study.curve.alt")
        return [value_curve(title, alt, points, gaps=_gaps(pairs))]

    def heat(self, study: Study, rows: Sequence[Row]) -> list[Figure]:
        """The index over a grid of two paths, a cell a point; none of a larger grid."""
        names = study.columns[: _paths(study)]
        if len(names) != _PLANE:
            return []
        down, across = (list(dict.fromkeys(_value(row[name]) for row in rows)) for name in names)
        if len(across) > _MOST_ACROSS or len(down) > 2 * _MOST_ACROSS:
            return []
        worths = [float(w) for row in rows if isinstance(w := row["worth"], int | float)]
        ends = (min(worths), max(worths)) if worths else (0.0, 0.0)
        at = {tuple(_value(row[name]) for name in names): row for row in rows}
        cells = [[self._heat_cell(at[y, x], ends) for x in across] for y in down]
        words, titles = self._words, (self.named(names[0]), self.named(names[1]))
        title, alt = words("study.heat"), words("study.heat.alt")
        return [heat_map(title, alt, (down, across), titles, cells)]

    def _heat_cell(self, row: Row, ends: tuple[float, float]) -> HeatCell:
        worth, (low, high) = row["worth"], ends
        if not isinstance(worth, int | float):
            return HeatCell(self.text("status", row["status"]), None)
        step = int((_SHADES - 1) * (float(worth) - low) / ((high - low) or 1.0) + 0.5)
        return HeatCell(self.text("worth", worth), f"k{step}", step >= _DARK)

    def _said(self, row: Row) -> str:
        """What the figures of a row alone would not tell."""
        if row["worth"] is None:
            return self.text("status", row["status"])
        if not row["worth"]:
            return self._words("study.no-effect")
        return "" if row["told_apart"] else self._words("study.untold")

    def _assumption(self, row: Row) -> str:
        """Which assumption: its place among all, its path with the rule's title, its number."""
        name = self.named(str(row["path"]))
        return self._words("study.assumption", rank=row["rank"], name=name, now=_short(row["now"]))

    def named(self, path: str) -> str:
        """A path with the title of the number that it leads to, where that has one."""
        rule = path.split(".")[1] if path.startswith("rules.") else ""
        title = self._rules.get(rule) or self._titles.get(path)
        return self._words("study.named", title=title, path=path) if title else path

    def _signed(self, name: str, value: Value) -> str:
        text = self.text(name, value)
        changed = isinstance(value, float | int) and name != "moved" and text.strip("-0.,")
        return signed(text) if changed else text


def _gaps(pairs: Sequence[tuple[Value, Value]]) -> list[tuple[float, float]]:
    """Runs of points along a path that have no allocation, from the first to the last of each."""
    found: list[tuple[float, float]] = []
    before = False
    for at, worth in [(float(x), y) for x, y in pairs if isinstance(x, int | float)]:
        if worth is None:
            found[-1:] = [(found[-1][0], at)] if before else [*found[-1:], (at, at)]
        before = worth is None
    return [(min(run), max(run)) for run in found]


def _value(value: Value) -> str:
    """The value of a path, as it was asked for."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _short(value: Value) -> str:
    """A value to six figures: enough to know it by."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
