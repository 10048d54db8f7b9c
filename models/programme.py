"""The programme: counties, tasks, metrics and tiers, read from one folder of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pydantic import Field, model_validator

from models.errors import InputError, Problems, did_you_mean, refuse
from models.exact import NotNegative, whole_parts
from models.files import File, Folder, MemoryFile, MemoryFolder, name_in_folder, resolved
from models.from_frames import programme_folder
from models.response import read_response, tiers_by_formula
from models.rule import CONSTANTS, PLAIN_MEASURES
from models.scenario_file import BaselineSpec
from models.strict_yaml import EitherText, Flag, Name, Strict, parse_model, read_yaml
from models.table import Kind, Table, Value, read_column, read_county_table
from models.tiers import Tiers, no_tiers, read_tiers

if TYPE_CHECKING:
    import pandas as pd

    from models.from_frames import Frame

_ID = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


class Metric(Strict):
    """Something that money yields and that is counted."""

    id: str = _ID
    title: Name
    unit: Name
    target: NotNegative | None = None
    """What the programme's own plan asks for, shown beside the outcome; a rule enforces it."""
    whole: Flag = True
    """Counted in whole ones, as people and firms are; `false` for what is measured (km)."""

    def shown(self, value: Fraction) -> Fraction:
        """An outcome as papers show it: whole ones, rounded down."""
        return Fraction(floor(value)) if self.whole else value

    def parts(self, values: Sequence[Fraction]) -> Sequence[Fraction | int]:
        """The outcomes of all places as papers show them, so that they add up to the total's."""
        return whole_parts(values) if self.whole else values


class CountyFile(Strict):
    """Which CSV file holds the counties, and which of its columns are not text."""

    file: str = "counties.csv"
    columns: dict[str, Kind] = {}


class TaskFile(Strict):
    """Which YAML file holds the tasks, and which of their columns are not text."""

    file: str = "tasks.yaml"
    columns: dict[str, Kind] = {}


class Calibration(Strict):
    """One reading of the response: its tiers, and what to say of it wherever it is used."""

    tiers: str
    beside: str | None = None
    """Another calibration whose reading of the same allocation is shown beside this one's."""
    note: EitherText | None = None
    title: EitherText | None = None
    """What reports call it; its name where it has none."""


class Task(Strict):
    """One task type."""

    id: str = _ID
    title: Name
    short: Name | None = None
    columns: dict[str, Any] = {}
    details: dict[str, Any] = {}
    """Lead department, main work, schedule …: shown in reports, never computed with."""


_NO_METRICS = "tiers, calibrations and response go with metrics"


class ProgrammeFile(Strict):
    """The content of `programme.yaml`."""

    id: str = _ID
    title: Name
    year: NotNegative | None = None
    money: Name
    """What one whole money unit is called."""
    counties: CountyFile = CountyFile()
    tasks: TaskFile = TaskFile()
    metrics: tuple[Metric, ...] = ()
    """None for a fund that goes by factors and rules alone."""
    tiers: str | None = None
    calibrations: dict[str, Calibration] = {}
    response: str | None = None
    baseline: BaselineSpec = BaselineSpec(kind="equal")

    @model_validator(mode="after")
    def _is_well_formed(self) -> ProgrammeFile:
        ids = [metric.id for metric in self.metrics]
        if len(set(ids)) != len(ids):
            raise ValueError("metrics names an id twice")
        for name in ids:
            if name in (*PLAIN_MEASURES, *CONSTANTS, "county", "task", "tier", "width"):
                raise ValueError(f"metrics: '{name}' is a word of its own and cannot name a metric")
        if self.tiers and self.calibrations:
            raise ValueError("tiers and calibrations exclude each other")
        has_response = bool(self.tiers or self.calibrations or self.response)
        if has_response != bool(self.metrics):
            due = "needs tiers, calibrations or response" if self.metrics else _NO_METRICS
            raise ValueError(due)
        for name, calibration in self.calibrations.items():
            if calibration.beside and calibration.beside not in self.calibrations:
                raise ValueError(
                    f"calibrations.{name}.beside: unknown calibration '{calibration.beside}'"
                )
        return self


@dataclass(frozen=True)
class Programme:
    """The world as data; `file` holds titles and choices, `counties` and `tasks` the grid."""

    folder: Folder
    """Where its files are read from: a folder, or memory."""
    file: ProgrammeFile
    counties: Table
    tasks: Table
    task_list: tuple[Task, ...]
    shown: dict[str, Any] = field(default_factory=dict, compare=False)
    """What reports have read of its further files (labels, tiles …), so that it is read once."""

    def __repr__(self) -> str:
        return f"Programme {self.summary}"

    @property
    def summary(self) -> str:
        """Id, size of the grid, metrics."""
        counties, tasks = self.shape
        listed = ", ".join(self.metrics)
        return f"{self.file.id}, {counties} counties × {tasks} tasks for {listed}"

    @classmethod
    def from_frames(
        cls,
        counties: Frame,
        tasks: Frame | Sequence[str],
        tiers: Frame | Mapping[str, pd.DataFrame] | None = None,
        **keys: Any,
    ) -> Programme:
        """A programme without a folder, from frames (or mappings: id → columns of that row).

        `counties`: a row a county, its code in a column `code` or in the index. `tasks`: the same
        by `id`, with a `title` if wanted; or ids alone. Number and true/false columns are what
        they hold; the others are text. `tiers`: the columns county, task, tier, width (money
        units) and a rate a metric; several frames by name are calibrations; None where `response`
        is given. `keys` are those of programme.yaml: `money` (what a unit is called) and `metrics`
        (ids, or mappings with `id`, `title`, `unit`, `target`) are due; `id`, `title`, `year`,
        `baseline`, `response` (the content of response.yaml) may be left out, titles being ids
        then. `files` holds further files by name, as frames or data: a table of a baseline,
        labels.yaml.

        Raises `InputError` with every problem, named by frame, row label and column; of tiers,
        as of those in a folder, when a scenario is made of the programme.
        """
        return read_programme(programme_folder((counties, tasks, tiers), keys))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Ids of the metrics, in the order of all arrays."""
        return tuple(metric.id for metric in self.file.metrics)

    @property
    def shape(self) -> tuple[int, int]:
        """(counties, tasks)."""
        return len(self.counties), len(self.tasks)

    def task_names(self, lang: str) -> tuple[str, ...]:
        """What people call the tasks: the short name where there is one."""
        return tuple((task.short or task.title).of(lang) for task in self.task_list)

    @cached_property
    def formula_columns(self) -> dict[str, tuple[Fraction, ...]]:
        """County column → exact values, county by county, as the response formula reads them.

        True/false columns give 1 and 0; text columns are left out.
        """
        return {
            column: tuple(Fraction(value) for value in self.counties.columns[column])
            for column, kind in self.counties.kinds.items()
            if kind != "text"
        }

    def calibration(self, name: str | None) -> Calibration | None:
        """A calibration by name, the first without one; None where the programme has none."""
        known = self.file.calibrations
        if not known:
            return None
        return known[name or next(iter(known))]

    def calibration_title(self, name: str, lang: str) -> str:
        """What reports call a calibration."""
        title = self.file.calibrations[name].title
        return name if title is None else title.of(lang)

    def tiers(
        self, calibration: str | None = None, patch: Mapping[str, Any] | None = None
    ) -> Tiers:
        """The responses of all cells: read from the tier file, or from the formula.

        `patch` changes constants of `response.yaml`; then, and without a tier file, the formula
        is used, with the kappa of `calibration` (the first without a name).
        """
        if not self.metrics:
            return no_tiers(self.shape)
        chosen = self.calibration(calibration)
        file = chosen.tiers if chosen else self.file.tiers
        if patch or file is None:
            return self.tiers_by_formula(calibration, patch or {})
        return read_tiers(
            inside(self.folder, file), self.counties.ids, self.tasks.ids, self.metrics
        )

    def tiers_by_formula(self, calibration: str | None, patch: Mapping[str, Any]) -> Tiers:
        """The tiers that `response.yaml` gives, `patch` changing its constants.

        Raises `InputError` for a programme without one, and where it lacks the calibration.
        """
        if self.file.response is None:
            refuse("programme.yaml", "response", "is missing, so its constants cannot be changed")
        response = read_response(inside(self.folder, self.file.response), patch)
        name = calibration or next(iter(self.file.calibrations), None) or next(iter(response.kappa))
        if name not in response.kappa:
            refuse(
                self.file.response,
                "kappa",
                f"has no '{name}'{did_you_mean(name, response.kappa)}",
            )
        return tiers_by_formula(
            response, self.formula_columns, self.tasks.ids, self.metrics, response.kappa[name]
        )


@overload
def inside(folder: Path, name: str) -> Path: ...


@overload
def inside(folder: Folder, name: str) -> File: ...


def inside(folder: Folder, name: str) -> File:
    """The path of `name` within `folder`; a path that leads out of it is refused."""
    if isinstance(folder, MemoryFolder):
        return folder / name
    root = resolved(folder)
    path = resolved(root / name)
    if path != root and root not in path.parents:
        refuse(folder.name, name, "leads outside the folder; keep the files together")
    return path


def read_programme(folder: Folder) -> Programme:
    """Read a programme folder; every problem of its files is named at once."""
    given = folder / "programme.yaml"
    if not given.is_file():
        refuse(folder.name, "programme.yaml", "there is no such file in the programme folder")
    file = parse_model(ProgrammeFile, read_yaml(given), given.name)
    problems = Problems()
    counties = tasks = None
    try:
        counties = read_county_table(inside(folder, file.counties.file), file.counties.columns)
    except InputError as error:
        problems.extend(error.problems)
    try:
        tasks, listed = _read_tasks(inside(folder, file.tasks.file), file.tasks.columns)
    except InputError as error:
        problems.extend(error.problems)
    problems.raise_if_any()
    assert counties is not None and tasks is not None
    for name in sorted(set(counties.columns) & (set(tasks.kinds) | {"task", "county"})):
        problems.add(
            counties.file,
            name,
            f"the column stands in {tasks.file} too; rules could not tell which",
        )
    problems.raise_if_any()
    return Programme(folder, file, counties, tasks, listed)


class _TaskList(Strict):
    tasks: tuple[Task, ...] = Field(min_length=1)


def _read_tasks(path: File, kinds: Mapping[str, Kind]) -> tuple[Table, tuple[Task, ...]]:
    listed = parse_model(_TaskList, {"tasks": read_yaml(path)}, path.name).tasks
    problems = Problems()
    ids = tuple(task.id for task in listed)
    for name in {name for name in ids if ids.count(name) > 1}:
        problems.add(path.name, name, "the task stands here more than once")
    names = list(dict.fromkeys([*kinds, *(name for task in listed for name in task.columns)]))
    columns: dict[str, tuple[Value, ...]] = {}
    full: dict[str, Kind] = {}
    for name in names:
        kind = full[name] = kinds.get(name, "text")
        cells: list[tuple[str, object]] = []
        for task in listed:
            if name not in task.columns:
                near = did_you_mean(name, task.columns)
                problems.add(path.name, f"{task.id}.columns", f"'{name}' is missing{near}")
            memory = isinstance(path, MemoryFile)
            place = f"row '{task.id}': {name}" if memory else f"{task.id}.columns.{name}"
            cells.append((place, task.columns.get(name)))
        columns[name] = read_column(path.name, cells, kind, Problems() if problems else problems)
    columns["name_zh"] = tuple(task.title.zh for task in listed)
    columns["name_en"] = tuple(task.title.en for task in listed)
    problems.raise_if_any()
    return Table("task", name_in_folder(path), ids, columns, full), listed
