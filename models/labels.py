"""How columns and their values are called in sentences and reports: `labels.yaml`, optional.

Beside `programme.yaml`; what it leaves out goes by its own name in the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BeforeValidator, model_validator

from models.county_table import Table
from models.errors import Problems, did_you_mean
from models.exact import NotNegative
from models.measure import Condition, Where
from models.programme import Programme, inside
from models.select import rows_where
from models.strict import EitherText, Strict, parse_model, read_yaml

FILE = "labels.yaml"


def _label(value: object) -> object:
    return {"zh": value, "en": value} if isinstance(value, str) else value


class ColumnLabel(Strict):
    """What a column is called."""

    zh: str
    en: str
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

    columns: dict[str, Annotated[ColumnLabel, BeforeValidator(_label)]] = {}
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
        if label is None:
            return name
        return label.zh if lang == "zh" else label.en

    def value(self, column: str, value: str, lang: str) -> str | None:
        """What a value of a column is called; None without a label."""
        label = self.values.get(column, {}).get(value)
        return None if label is None else label.of(lang)

    def per_head(self, column: str, lang: str) -> str | None:
        """How a figure per head of a column is said; None without a label."""
        label = self.columns.get(column)
        return None if label is None or label.per_head is None else label.per_head.of(lang)


def read_labels(programme: Programme) -> Labels:
    """The labels of a programme, empty where the file is absent.

    Raises `InputError` with every column that the programme does not have, and for a highlight
    that selects no cell.
    """
    path = inside(programme.folder, FILE)
    if not path.exists():
        return Labels()
    labels = parse_model(Labels, read_yaml(path) or {}, FILE)
    problems = Problems()
    _check_columns(programme, labels, problems)
    for number, row in enumerate(labels.highlight):
        place = f"highlight[{number}].where"
        if not problems and not _selects(programme, row.where):
            problems.add(FILE, place, "selects no cell at all")
    problems.raise_if_any()
    return labels


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
        problems.add(FILE, "residents", f"the column '{labels.residents}' does not hold numbers")
    for code in labels.curves:
        if code not in programme.counties.index:
            near = did_you_mean(code, programme.counties.ids)
            problems.add(FILE, "curves", f"unknown county '{code}'{near}")
    for number, row in enumerate(labels.highlight):
        _known(tables, row.where, f"highlight[{number}].where", problems)


def _known(tables: Iterable[Table], names: Iterable[str], place: str, problems: Problems) -> None:
    tables = tuple(tables)
    columns = [name for table in tables for name in (table.what, *table.columns)]
    for name in names:
        if name not in columns:
            near = did_you_mean(name, columns)
            problems.add(FILE, place, f"unknown column '{name}'{near}")


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
        short = {task.id: (task.short or task.title).of(lang) for task in programme.task_list}
        return short.get(value, value)
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
