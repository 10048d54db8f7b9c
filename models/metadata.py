"""What reports show of a programme and solving never reads: labels, tile map, sources, wording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import wraps
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from models.deadline import Deadline
from models.errors import Problems, did_you_mean
from models.exact import NotNegative
from models.programme import Programme, inside
from models.rule import Condition, Where
from models.selection import rows_where
from models.strict_yaml import (
    NO_TEXT,
    EitherText,
    M,
    Strict,
    Text,
    either_text,
    parse_model,
    read_yaml,
)
from models.table import Table, need_columns, read_rows
from models.value_range import RangeField

# Where a programme's columns and numbers come from: `sources.yaml`, optional; shown in reports.


SOURCES_FILE = "sources.yaml"


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


Read = TypeVar("Read")


def _once(read: Callable[[Programme], Read]) -> Callable[[Programme], Read]:
    """`read`, whose result is kept with the programme, by its name: a programme that was shown may
    go to another process."""
    name = read.__name__

    name = read.__name__  # By name, so that a programme can go to another process.

    @wraps(read)
    def kept(programme: Programme) -> Read:
        if name not in programme.shown:
            programme.shown[name] = read(programme)
        found: Read = programme.shown[name]
        return found

    return kept


class _Listed(Strict):
    sources: tuple[Source, ...] = ()


@_once
def read_sources(programme: Programme) -> tuple[Source, ...]:
    """The sources of a programme in the order of its file; () where the file is absent.

    Raises `InputError` with every field that is missing or unknown.
    """
    path = inside(programme.folder, SOURCES_FILE)
    listed = read_yaml(path) or [] if path.exists() else []
    return parse_model(_Listed, {"sources": listed}, SOURCES_FILE).sources


def source_of(sources: Sequence[Source], place: str) -> Source | None:
    """The first source that covers `file:path`; things with an id stand in the path by it."""
    for source in sources:
        if any(fnmatchcase(place, pattern) for pattern in source.covers):
            return source
    return None


# How columns and their values are called in sentences and reports: `labels.yaml`, optional.
#
# Beside `programme.yaml`; what it leaves out goes by its own name in the tables.


LABELS_FILE = "labels.yaml"


class ColumnLabel(Text):
    """What a column is called."""

    per_head: EitherText | None = None
    """How `per_head: <column>` is said: 人均, per resident."""


class Highlight(Strict):
    """A group whose share of the money is shown beside every outcome."""

    title: EitherText
    where: Where


class MapLabels(Strict):
    """How money by county is shown on the tile map."""

    classes: tuple[NotNegative, ...] = ()
    """Ends of the classes in money units, rising; the same for all scenarios."""
    note: EitherText | None = None

    @model_validator(mode="after")
    def _rise(self) -> MapLabels:
        if any(a >= b for a, b in zip(self.classes, self.classes[1:], strict=False)):
            raise ValueError("the classes must rise")
        if len(self.classes) > MOST_CLASSES:
            raise ValueError(f"at most {MOST_CLASSES} ends of classes can be told apart")
        return self


MOST_CLASSES = 5


class Labels(Strict):
    """The content of `labels.yaml`."""

    columns: dict[str, Annotated[ColumnLabel, BeforeValidator(either_text)]] = {}
    values: dict[str, dict[str, EitherText]] = {}
    """Column → value → label."""
    group_by: str | None = None
    """A county column; reports add the money up by it."""
    highlight: tuple[Highlight, ...] = ()
    subtotal: str | None = None
    """A county column; the table by county adds the money up by it."""
    shown: tuple[str, ...] = ()
    """County columns that stand beside the names in the table by county."""
    residents: str | None = None
    """A county number column: whose heads money per resident is counted by."""
    map: MapLabels = MapLabels()
    curves: tuple[str, ...] = ()
    """Codes of the counties whose response curves a report shows."""
    sign_off: tuple[EitherText, ...] = ()
    """Who signs a report, in the order of signing."""

    def column(self, name: str, lang: str) -> str:
        """What a column is called; its own name without a label."""
        label = self.columns.get(name)
        return name if label is None else label.of(lang)

    def value(self, column: str, value: str, lang: str) -> str | None:
        """What a value of a column is called; None without a label."""
        label = self.values.get(column, {}).get(value)
        return None if label is None else label.of(lang)

    def per_head(self, column: str, lang: str) -> str | None:
        """How a figure per head of a column is said; None without a label."""
        label = self.columns.get(column)
        return None if label is None or label.per_head is None else label.per_head.of(lang)


@_once
def read_labels(programme: Programme) -> Labels:
    """The labels of a programme, empty where the file is absent.

    Raises `InputError` with every column that the programme does not have, and for a highlight
    that selects no cell.
    """
    labels = _optional(programme, LABELS_FILE, Labels)
    problems = Problems()
    _check_columns(programme, labels, problems)
    for number, row in enumerate(labels.highlight):
        place = f"highlight[{number}].where"
        if not problems and not _selects(programme, row.where):
            problems.add(LABELS_FILE, place, "selects no cell at all")
    problems.raise_if_any()
    return labels


def _optional(programme: Programme, name: str, model: type[M]) -> M:
    """The content of a file that a programme may have; empty without it."""
    path = inside(programme.folder, name)
    return parse_model(model, read_yaml(path) or {} if path.exists() else {}, name)


def _check_columns(programme: Programme, labels: Labels, problems: Problems) -> None:
    tables = (programme.counties, programme.tasks)
    _known(tables, labels.columns, "columns", problems)
    _known(tables, labels.values, "values", problems)
    for place in ("group_by", "subtotal", "residents"):
        if (name := getattr(labels, place)) is not None:
            _known((programme.counties,), [name], place, problems)
    _known((programme.counties,), labels.shown, "shown", problems)
    kind = programme.counties.kind(labels.residents or "")
    if kind is not None and kind != "number":
        problems.add(
            LABELS_FILE, "residents", f"the column '{labels.residents}' does not hold numbers"
        )
    for code in labels.curves:
        if code not in programme.counties.index:
            near = did_you_mean(code, programme.counties.ids)
            problems.add(LABELS_FILE, "curves", f"unknown county '{code}'{near}")
    for number, row in enumerate(labels.highlight):
        _known(tables, row.where, f"highlight[{number}].where", problems)


def _known(tables: Iterable[Table], names: Iterable[str], place: str, problems: Problems) -> None:
    tables = tuple(tables)
    columns = [name for table in tables for name in (table.what, *table.columns)]
    for name in names:
        if name not in columns:
            near = did_you_mean(name, columns)
            problems.add(LABELS_FILE, place, f"unknown column '{name}'{near}")


def _selects(programme: Programme, where: Mapping[str, Condition]) -> bool:
    try:
        return bool(rows_where(programme.counties, where) and rows_where(programme.tasks, where))
    except ValueError:
        return False


def group_name(
    programme: Programme, labels: Labels, key: Iterable[tuple[str, str]], lang: str
) -> str:
    """A group of a rule by name: 合江县 · 园区建设; empty for a rule without groups."""
    return " · ".join(value_name(programme, labels, item, lang) for item in key)


def value_name(programme: Programme, labels: Labels, item: tuple[str, str], lang: str) -> str:
    """One (column, value) by name: a county's, a task's short one, a label, else the value."""
    column, value = item
    counties = programme.counties
    if column == "county":
        at = counties.index.get(value)
        return value if at is None else counties.names(lang)[at]
    if column == "task":
        at = programme.tasks.index.get(value)
        return value if at is None else programme.task_names(lang)[at]
    label = labels.value(column, value, lang)
    if label is not None:
        return label
    if value in ("true", "false") and "boolean" in (
        counties.kind(column),
        programme.tasks.kind(column),
    ):
        return _flag_name(labels.column(column, lang), value == "true", lang)
    return value


def _flag_name(label: str, on: bool, lang: str) -> str:
    if on:
        return label
    return f"非{label}" if lang == "zh" else f"other than {label}"


# The tile map: one square a place on a grid of columns and rows; `tiles.csv`, optional.
#
# Beside `programme.yaml`, with the columns code, column, row and, if wanted, the short names
# `short_zh` and `short_en` that fit into a square. It is a drawing and never computed with.


TILES_FILE = "tiles.csv"
MOST_TILES = 60
"""Columns and rows of the grid, at most: more would not be legible."""


@dataclass(frozen=True)
class Tile:
    """The square of one county."""

    county: int
    """Its position in the table of counties."""
    column: int
    row: int
    short: dict[str, str]
    """Language → what stands in the square."""


@_once
def read_tile_map(programme: Programme) -> tuple[Tile, ...]:
    """The tiles of a programme in the order of its file; () where the file is absent.

    Raises `InputError` with every unknown code, every place that is no whole number from 0 to 59
    and every square that is taken twice.
    """
    path = inside(programme.folder, TILES_FILE)
    if not path.exists():
        return ()
    header, rows = read_rows(path)
    need_columns(path, header, ["code", "column", "row"])
    problems = Problems()
    tiles: list[Tile] = []
    taken: dict[object, str] = {}
    for place, cells in rows:
        row = dict(zip(header, cells, strict=True))
        for key in (row["code"], (row["column"], row["row"])):
            if key in taken:
                what = "the square" if isinstance(key, tuple) else f"the county {key}"
                problems.add(TILES_FILE, place, f"{what} stands in {taken[key]} already")
            taken[key] = place
        tile = _tile(programme, row, place, problems)
        if tile is not None:
            tiles.append(tile)
    problems.raise_if_any()
    return tuple(tiles)


def _tile(programme: Programme, row: dict[str, str], place: str, problems: Problems) -> Tile | None:
    counties = programme.counties
    code = row["code"]
    if code not in counties.index:
        near = did_you_mean(code, counties.ids)
        problems.add(TILES_FILE, place, f"unknown county '{code}'{near}")
    for name in ("column", "row"):
        text = row[name]
        if not (text.isascii() and text.isdecimal() and len(text) < 3 and int(text) < MOST_TILES):
            message = f"a whole number from 0 to {MOST_TILES - 1} is due here, not '{text}'"
            problems.add(TILES_FILE, f"{place}: {name}", message)
    if problems:
        return None
    at = counties.index[code]
    short = {lang: row.get(f"short_{lang}") or counties.names(lang)[at] for lang in ("zh", "en")}
    return Tile(at, int(row["column"]), int(row["row"]), short)


# Wording of official papers that only a programme can give: `papers.yaml`, optional.
#
# What it leaves out the papers leave to be filled in by hand; nothing in it is computed with.


PAPERS_FILE = "papers.yaml"


class Indicator(Strict):
    """One line of the table of targets."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    first: EitherText
    """First level: 产出指标."""
    second: EitherText
    """Second level: 数量指标."""
    title: EitherText
    rule: str | None = None
    """The rule whose limit is the target and whose value is read; one without groups."""
    metric: str | None = None
    """A metric, with the target that the programme gives it."""
    cost_of: str | None = None
    """A metric: money for one unit of it."""
    due: EitherText = NO_TEXT
    """The target in words, where neither a rule nor a metric gives it."""

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Indicator:
        if [self.rule, self.metric, self.cost_of].count(None) < 2:
            raise ValueError("an indicator has one of rule, metric, cost_of, or none")
        return self


class Papers(Strict):
    """The content of `papers.yaml`."""

    department: EitherText = NO_TEXT
    period: EitherText = NO_TEXT
    goal: EitherText = NO_TEXT
    """What the year is to bring, in the plan's words."""
    money_from: EitherText = NO_TEXT
    """Whose money it is: 省级资金."""
    principles: EitherText = NO_TEXT
    """By what principles the money is spread."""
    requirements: EitherText = NO_TEXT
    """How the money is to be used."""
    issuer: EitherText = NO_TEXT
    """Who issues the papers."""
    indicators: tuple[Indicator, ...] = ()
    deadlines: tuple[Deadline, ...] = ()


@_once
def read_papers(programme: Programme) -> Papers:
    """The papers' wording, empty where the file is absent.

    Raises `InputError` with every unknown field and every metric that the programme does not have.
    """
    papers = _optional(programme, PAPERS_FILE, Papers)
    problems = Problems()
    for number, indicator in enumerate(papers.indicators):
        for key, name in (("metric", indicator.metric), ("cost_of", indicator.cost_of)):
            if name is not None and name not in programme.metrics:
                near = did_you_mean(name, programme.metrics)
                problems.add(
                    PAPERS_FILE, f"indicators[{number}].{key}", f"unknown metric '{name}'{near}"
                )
    problems.raise_if_any()
    return papers


def check_shown(programme: Programme) -> None:
    """Read it all, so that what is wrong with it is said before a long solve.

    Raises `InputError` with every problem of the first file that has one.
    """
    for read in (read_labels, read_tile_map, read_sources, read_papers):
        read(programme)
