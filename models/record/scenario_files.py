"""A scenario written out again as files that stand alone: what it says and all that it reads.

What was computed with is written from memory, not copied from files that may have changed since:
the scenario without layers, the places, the tasks, and the tiers as a table even where a formula
made them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from models.errors import InputError, InputProblem
from models.exact import parse_exact
from models.files import File, MemoryFile, csv_text
from models.last_year import last_year_csv
from models.programme import Programme, inside
from models.response import merged
from models.scenario import Scenario
from models.scenario_file import BaselineSpec
from models.selection import value_text
from models.strict_yaml import read_yaml
from models.table import read_rows
from models.tiers import Tiers, tiers_text

SCENARIO, LAST_YEAR = "scenario.yaml", "last_year.csv"
FOLDER = "programme"
"""The programme's folder, beside `scenario.yaml`."""
_TIERS, _TIERS_BESIDE = "tiers.csv", "tiers-beside.csv"
SHOWN = ("sources.yaml", "labels.yaml", "tiles.csv", "papers.yaml")
"""Files of a programme that are shown and never computed with; copied where present."""

_PLAIN = {
    "bool": re.compile("true|false"),
    "int": re.compile("-?(0|[1-9][0-9]*)"),
    "float": re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+"),
}
"""Texts that every reader of YAML takes for what they are, so that they need no quotes."""


def resolved_files(scenario: Scenario) -> dict[str, bytes]:
    """Path → content of `scenario.yaml` and of the programme folder beside it.

    Loaded from anywhere, they are the same scenario. Raises InputError where a file that the
    scenario names cannot be read.
    """
    content, last_year = _scenario(scenario)
    beside = _near_files(scenario, content)
    files = {SCENARIO: yaml_bytes(content), **beside}
    if last_year is not None:
        files[LAST_YEAR] = last_year
    files |= {f"{FOLDER}/{name}": data for name, data in _programme(scenario).items()}
    own = scenario.spec.baseline
    if own is not None and own.file:
        files[f"{FOLDER}/{content['baseline']['file']}"] = _table(scenario.programme, own)
    return files


def tables_by_formula(scenario: Scenario) -> tuple[str, ...]:
    """The files of tiers in a record of the scenario that are what its response formula gives.

    None of them for a programme without a formula; a table of its own is in use then.
    """
    if _BY_FORMULA not in scenario.worked:
        scenario.worked[_BY_FORMULA] = _tables_by_formula(scenario)
    found: tuple[str, ...] = scenario.worked[_BY_FORMULA]
    return found


_BY_FORMULA = "tables_by_formula"


def _tables_by_formula(scenario: Scenario) -> tuple[str, ...]:
    programme, patch = scenario.programme, scenario.spec.response
    name = scenario.spec.calibration or next(iter(programme.file.calibrations), None)
    in_use = {_TIERS: (name, scenario.tiers)}
    if beside := _beside(scenario):
        in_use[_TIERS_BESIDE] = beside, programme.tiers(beside, patch)
    return tuple(file for file, one in in_use.items() if _is_by_formula(programme, *one, patch))


def _is_by_formula(
    programme: Programme, name: str | None, tiers: Tiers, patch: Mapping[str, Any]
) -> bool:
    if programme.file.response is None:
        return False
    try:
        due = programme.tiers_by_formula(name, patch)
    except InputError:  # The formula has no such calibration: the table is all there is.
        return False
    return due.is_same(tiers)


def has_constants(scenario: Scenario, patch: Mapping[str, Any]) -> bool:
    """Whether the response formula of a scenario, read from its record, has these constants."""
    programme = scenario.programme
    if not patch:
        return True
    if programme.file.response is None:
        return False
    content = read_yaml(inside(programme.folder, programme.file.response))
    return bool(merged(content, patch) == content)


def yaml_bytes(content: Any) -> bytes:
    """A document as YAML: numbers and true/false plain, all other texts as YAML needs them."""
    text = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    return text.encode()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    kind = next((kind for kind, form in _PLAIN.items() if form.fullmatch(value)), "str")
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", value)


_Dumper.add_representer(str, _text_node)


def _scenario(scenario: Scenario) -> tuple[dict[str, Any], bytes | None]:
    """The scenario's document without layers, and last year's table where it names one."""
    content = scenario.document.content()
    for key in ("overrides", "scenarios", "response"):
        content.pop(key, None)
    content["programme"] = FOLDER
    if scenario.spec.baseline is not None and scenario.spec.baseline.file:
        content["baseline"] = {**content["baseline"], "file": "baseline-scenario.csv"}
    if scenario.last_year is None:
        return content, None
    content["last_year"] = LAST_YEAR
    return content, last_year_csv(scenario.last_year).encode()


def _near_files(scenario: Scenario, content: dict[str, Any]) -> dict[str, bytes]:
    """The tables that aims of a list are to be near to, named anew in the document."""
    files = {}
    folder = scenario.document.folder or scenario.programme.folder
    for number, aim in enumerate(scenario.spec.objective.aims):
        if aim.nearest is not None and aim.nearest.file is not None:
            name = f"near-{number + 1}.csv"
            files[name] = _bytes(inside(folder, aim.nearest.file))
            content["objective"][number]["nearest"] = {"file": name}
    return files


def _programme(scenario: Scenario) -> dict[str, bytes]:
    """The files of the programme's folder, under the names that its `programme.yaml` gives."""
    programme = scenario.programme
    body = programme.file.model_dump(mode="json", exclude_unset=True)
    for table, name in (("counties", "counties.csv"), ("tasks", "tasks.yaml")):
        # The file first, as it comes when this is read and written out again.
        body[table] = {"file": name} | body.get(table, {}) | {"file": name}
    files = {"counties.csv": _counties(programme), "tasks.yaml": _tasks(programme)}
    if programme.metrics:
        files[_TIERS] = _tiers(programme, scenario.tiers)
        files |= _point_to_tiers(scenario, body)
    if programme.file.response is not None:
        path = inside(programme.folder, programme.file.response)
        files["response.yaml"] = yaml_bytes(merged(read_yaml(path), scenario.spec.response))
        body["response"] = "response.yaml"
    if programme.file.baseline.file:
        files["baseline.csv"] = _table(programme, programme.file.baseline)
        body["baseline"]["file"] = "baseline.csv"
    shown = {name: programme.folder / name for name in SHOWN}
    copied = {name: _bytes(path) for name, path in shown.items() if path.is_file()}
    return {"programme.yaml": yaml_bytes(body), **files, **copied}


def _point_to_tiers(scenario: Scenario, body: dict[str, Any]) -> dict[str, bytes]:
    """Make `body` read the tables in use; of the calibrations only that one and its `beside`."""
    programme = scenario.programme
    chosen = programme.calibration(scenario.spec.calibration)
    if chosen is None:
        body["tiers"] = _TIERS
        return {}
    name = scenario.spec.calibration or next(iter(programme.file.calibrations))
    given = body.pop("calibrations")
    body["calibrations"] = {name: {**given[name], "tiers": _TIERS}}
    other = _beside(scenario)
    if other is None:
        return {}
    beside = {**given[other], "tiers": _TIERS_BESIDE}
    beside.pop("beside", None)
    body["calibrations"][other] = beside
    tiers = programme.tiers(other, scenario.spec.response)
    return {_TIERS_BESIDE: _tiers(programme, tiers)}


def _beside(scenario: Scenario) -> str | None:
    """The calibration that stands beside the one in use."""
    programme = scenario.programme
    chosen = programme.calibration(scenario.spec.calibration)
    name = scenario.spec.calibration or next(iter(programme.file.calibrations), None)
    return None if chosen is None or chosen.beside == name else chosen.beside


def _counties(programme: Programme) -> bytes:
    counties = programme.counties
    columns = [[value_text(value) for value in counties.columns[name]] for name in counties.columns]
    rows = [list(row) for row in zip(counties.ids, *columns, strict=True)]
    return csv_text(["code", *counties.columns], rows, for_people=False).encode()


def _tasks(programme: Programme) -> bytes:
    listed = [task.model_dump(mode="json", exclude_unset=True) for task in programme.task_list]
    return yaml_bytes(listed)


def _tiers(programme: Programme, tiers: Tiers) -> bytes:
    names = (programme.counties.ids, programme.tasks.ids, programme.metrics)
    return tiers_text(tiers, names).encode()


def _table(programme: Programme, baseline: BaselineSpec) -> bytes:
    return _bytes(inside(programme.folder, baseline.file or ""))


def _bytes(path: File) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"cannot be read ({error.strerror or error})"
        raise InputError([InputProblem(path.name, "", message)]) from error


# What a scenario says otherwise than another, place by place of the files that both are kept as.


@dataclass(frozen=True)
class OtherInput:
    """One place of a scenario's files that another has otherwise; '' where nothing stands."""

    file: str
    place: str
    """`rules.floor.at_least`; of a table the row and the column: `510522 residents`."""
    one: str
    other: str


def inputs_apart(one: Scenario, other: Scenario) -> list[OtherInput]:
    """Every number, flag and word in which the files of two scenarios differ.

    Rules and other things with an id are held against each other by that, not by their order; a
    number may be written in another way. Raises `InputError` where a file cannot be read.
    """
    ours, theirs = (resolved_files(scenario) for scenario in (one, other))
    found = []
    for file in dict.fromkeys((*ours, *theirs)):
        mine, its = (_leaves(file, files.get(file)) for files in (ours, theirs))
        for place in dict.fromkeys((*mine, *its)):
            here, there = mine.get(place, ""), its.get(place, "")
            if not _same(here, there):
                found.append(OtherInput(file, place, here, there))
    return found


_KEYS = ("code", "county", "task", "tier")
"""Columns of tables that say what a row is about."""


def _leaves(name: str, content: bytes | None) -> dict[str, str]:
    if content is None:
        return {}
    file = MemoryFile(name, content)
    if not name.endswith(".csv"):
        return dict(_walk(read_yaml(file), ""))
    header, rows = read_rows(file)
    found: dict[str, str] = {}
    for _, row in rows:
        cells = dict(zip(header, row, strict=True))
        key = " ".join(cells.pop(column) for column in _KEYS if column in cells)
        found |= {f"{key} {column}": text for column, text in cells.items()}
    return found


def _walk(content: Any, above: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping):
        for key, inner in content.items():
            yield from _walk(inner, f"{above}.{key}".lstrip("."))
    elif isinstance(content, list):
        for at, inner in enumerate(content):
            name = inner.get("id") if isinstance(inner, Mapping) else None
            place = f"{above}[{at}]" if name is None else f"{above}.{name}".lstrip(".")
            yield from _walk(inner, place)
    else:
        yield above, "" if content is None else str(content)


def _same(one: str, other: str) -> bool:
    """Whether two texts say the same number, or the same."""
    if one == other:
        return True
    try:
        return parse_exact(one) == parse_exact(other)
    except ValueError:
        return False
