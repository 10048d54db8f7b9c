"""What is to stand side by side: scenarios, records, baselines, tables; all read before a solve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from models.allocation import Allocation
from models.errors import InputError, Problem, Problems, did_you_mean, refuse
from models.scenario import Scenario, load
from models.solution import Solution
from models.workbook import Note, read_table
from optimizer.baselines import baseline, baseline_of_kind
from optimizer.baselines.kinds import KINDS
from optimizer.recorded import read_solution

Asked = str | Path | Scenario | Solution
"""A column: a scenario (`file.yaml`, `file.yaml@name`, or loaded), a solution, the folder of a
record, `baseline:KIND`, or a table of money (.csv, .xlsx)."""
Kind = Literal["scenario", "record", "solution", "baseline", "repaired", "table"]
OWN, REPAIRED = "own", "repaired"
BASELINES = (*KINDS, OWN, REPAIRED)
"""What `baseline:` takes: the kinds, the scenario's own one, and that mended to keep the rules."""
_BASELINE = "baseline:"
_TABLES = (".csv", ".xlsx", ".xlsm")


@dataclass(frozen=True)
class Ask:
    """One column as it was asked for; what is left is to solve it where there is no allocation."""

    name: str
    kind: Kind
    scenario: Scenario
    """The scenario that it is read under."""
    allocation: Allocation | None = None
    solution: Solution | None = None
    notes: tuple[Note, ...] = ()
    """What was read in an edited table with some good will."""


@dataclass(frozen=True)
class _Given:
    """A column before it is known which scenario a baseline or a table is read under."""

    asked: Asked
    name: str
    kind: Kind
    scenario: Scenario | None = None
    solution: Solution | None = None


def read_asked(
    columns: Sequence[Asked], layers: Mapping[str, Any] | None = None
) -> tuple[Ask, ...]:
    """Every column, read and checked; `layers` are keywords of `load` for scenarios to be read.

    Baselines and tables are read under the first scenario or record. Raises `InputError` with the
    problems of all columns at once.
    """
    problems, given = Problems(), []
    if len(columns) < 2:
        problems.add("", "", "two columns or more are due: scenarios, records, baselines, tables")
    for asked in columns:
        try:
            given.append(_given(asked, layers or {}))
        except InputError as error:
            problems.extend(error.problems)
    _check_layers(columns, layers, problems)
    first = next((one.scenario for one in given if one.scenario is not None), None)
    asks = []
    for one in given:
        try:
            asks.append(_ask(one, first, bool(problems)))
        except InputError as error:
            problems.extend(error.problems)
    problems.raise_if_any()
    return tuple(_named_apart(asks))


def cost_of_rules(scenario: Scenario) -> list[Asked]:
    """The ready set: the scenario's baseline, that mended, under the rules, without the rules.

    Budget, lot, locks and eligibility hold in the last one too: they are no rules of the list.
    """
    off = {rule.id: {"enabled": False} for rule in scenario.rules}
    free = scenario.replace(rules=off) if off else scenario
    free = replace(free, name=f"{scenario.name} without rules")
    return [f"{_BASELINE}{OWN}", f"{_BASELINE}{REPAIRED}", scenario, free]


def reference_at(asks: Sequence[Ask], reference: int | str) -> int:
    """The position of the reference, given as a position or as a column's name."""
    names = [ask.name for ask in asks]
    if isinstance(reference, int):
        if not 0 <= reference < len(names):
            refuse("", "reference", f"there is no column {reference + 1}; there are {len(names)}")
        return reference
    if reference not in names:
        near = did_you_mean(reference, names)
        refuse("", "reference", f"no column has the name '{reference}'{near}")
    return names.index(reference)


def _given(asked: Asked, layers: Mapping[str, Any]) -> _Given:
    if isinstance(asked, Scenario):
        return _Given(asked, asked.name, "scenario", asked)
    if isinstance(asked, Solution):
        return _Given(asked, asked.scenario.name, "solution", asked.scenario, asked)
    text = str(asked)
    if text.startswith(_BASELINE):
        return _Given(text, text, "repaired" if text == _BASELINE + REPAIRED else "baseline")
    path = Path(text)
    if path.suffix.lower() in _TABLES:
        return _Given(path, path.name, "table")
    if path.is_dir():
        solution = _recorded(path)
        name = path.name or path.resolve().name
        return _Given(path, name, "record", solution.scenario, solution)
    scenario = load(text, **layers)
    return _Given(text, scenario.name, "scenario", scenario)


def _recorded(folder: Path) -> Solution:
    try:
        return read_solution(folder)[0]
    except InputError as error:
        found = [_in_folder(problem, folder) for problem in error.problems]
        raise InputError(found) from None


def _in_folder(problem: Problem, folder: Path) -> Problem:
    """Several records may be read, so each problem says of which it is."""
    inside = problem.file and problem.file != str(folder)
    return replace(problem, file=f"{folder}/{problem.file}" if inside else str(folder))


def _check_layers(
    columns: Sequence[Asked], layers: Mapping[str, Any] | None, problems: Problems
) -> None:
    """Changes that would change nothing are a mistake."""
    texts = [c for c in columns if isinstance(c, str | Path)]
    files = [c for c in texts if not _is_read_as_it_stands(str(c))]
    if not files and any((layers or {}).values()):
        message = "changes scenario files, and none is among the columns"
        problems.add("", "--set, --with, --rules", message)


def _is_read_as_it_stands(text: str) -> bool:
    path = Path(text)
    return text.startswith(_BASELINE) or path.suffix.lower() in _TABLES or path.is_dir()


def _ask(given: _Given, first: Scenario | None, in_doubt: bool) -> Ask:
    """`in_doubt`: some column could not be read, and it may be the first scenario."""
    if given.scenario is not None:
        held = given.solution.allocation if given.solution else None
        return Ask(given.name, given.kind, given.scenario, held, given.solution)
    kind = given.name.removeprefix(_BASELINE)
    if given.kind != "table" and kind not in BASELINES:
        near = did_you_mean(kind, BASELINES)
        refuse("", given.name, f"unknown kind of baseline{near}: {', '.join(BASELINES)}")
    if first is None:
        if in_doubt:
            raise InputError([])
        refuse("", str(given.asked), "no scenario or record is among the columns to read it under")
    if given.kind == "table":
        outside = {row.code: row.name for row in first.spec.outside}
        allocation, notes = read_table(Path(str(given.asked)), first.programme, outside)
        return Ask(given.name, "table", first, allocation, notes=notes)
    if given.kind == "repaired":
        return Ask(given.name, "repaired", first)
    table = baseline(first) if kind == OWN else baseline_of_kind(first, kind)
    return Ask(given.name, "baseline", first, table)


def _named_apart(asks: Sequence[Ask]) -> list[Ask]:
    """Columns of one name get a number."""
    taken: set[str] = set()
    found = []
    for ask in asks:
        name, number = ask.name, 1
        while name in taken:
            number += 1
            name = f"{ask.name} ({number})"
        taken.add(name)
        found.append(replace(ask, name=name))
    return found
