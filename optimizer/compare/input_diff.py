"""What differs in the inputs of two columns: each place by its path, with what stands there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.exact import exact_text, parse_exact
from models.programme import Programme, inside
from models.response import merged
from models.rule import BOUND_KEYS
from models.scenario import Scenario
from models.selection import value_text
from models.solution import Solution
from models.strict_yaml import place_of, read_yaml
from models.table import Table
from models.tiers import Tiers
from optimizer.compare.columns import Column

Sort = Literal["scenario", "rules", "baseline", "response", "data", "options", "wording"]
_WORDING = ("title", "basis", "clause", "number_from", "reason")
_APART = ("programme", "overrides", "scenarios", "response", "last_year", "baseline", "title")
_NOT_READ = ("fit",)
_OPTIONS = ("solver", "gap", "time_limit", "units", "strategy")
_LISTED, _MOST_LISTED = ("cells", "locks", "eased"), 10
"""Lists of cells or limits that are one place, told by their length, where they have more than so
many entries: what is paid makes one for every cell."""
Leaves = dict[str, str]
"""Path → what stands there, as text."""


@dataclass(frozen=True)
class InputRow:
    """One place where a column's inputs differ from the reference's; '' where nothing stands."""

    column: str
    path: str
    sort: Sort
    reference: str
    value: str


def input_rows(column: Column, reference: Column) -> list[InputRow]:
    """Every difference, in the order of the inputs.

    Of data: each county's and task's column by its code, the tiers as a whole by their hash with
    the number of cells that differ. A rule that only one side has is one row, with its bound.
    """
    found = []
    mine, theirs = (_sorted(one) for one in (column, reference))
    if not (mine["options"] and theirs["options"]):
        # A table that nobody searched for has no options to differ in.
        mine["options"], theirs["options"] = {}, {}
    for sort, leaves in mine.items():
        for path in dict.fromkeys((*theirs[sort], *leaves)):
            before, after = theirs[sort].get(path, ""), leaves.get(path, "")
            if not _same(before, after):
                found.append(InputRow(column.name, path, sort, before, after))
    found += _tier_rows(column, reference)
    return _with_whole_rules(found, column, reference)


def same_response(one: Scenario, other: Scenario) -> bool:
    """Whether money yields the same in every cell of two scenarios of one grid."""
    return _cells_that_differ(one.tiers, other.tiers) == 0


def _sorted(column: Column) -> dict[Sort, Leaves]:
    scenario, programme = column.scenario, column.scenario.programme
    body = {k: v for k, v in scenario.document.body.items() if k not in _APART}
    plain = {"title": scenario.document.body.get("title"), **body}
    chosen = programme.calibration(scenario.spec.calibration)
    if chosen is not None:
        known = next(iter(programme.file.calibrations))
        plain["calibration"] = scenario.spec.calibration or known
    scenario_leaves, wording = _split(plain)
    rules, of_rules = _split(_rules(scenario), ("rules",))
    return {
        "scenario": scenario_leaves,
        "rules": rules,
        "baseline": _leaves(_baseline(scenario), ("baseline",)),
        "response": _response(scenario),
        "data": {**_data(programme), **_last_year(scenario)},
        "options": _options(column.solution),
        "wording": {**wording, **of_rules},
    }


def _rules(scenario: Scenario) -> dict[str, Any]:
    """The rules as their files write them, whether each is in force written out."""
    on = {rule.id: "true" if rule.enabled else "false" for rule in scenario.spec.rules}
    return {
        name: {**{k: v for k, v in rule.items() if k != "id"}, "enabled": on[name]}
        for name, rule in scenario.document.rules.items()
    }


def _split(content: Mapping[str, Any], steps: tuple[str, ...] = ()) -> tuple[Leaves, Leaves]:
    """(what counts, what only words it)."""
    counts: Leaves = {}
    wording: Leaves = {}
    for steps_of, text in _walk(content, steps):
        said = any(step in _WORDING for step in steps_of)
        (wording if said else counts)[place_of(steps_of)] = text
    return counts, wording


def _leaves(content: Any, steps: tuple[int | str, ...]) -> Leaves:
    return {place_of(at): text for at, text in _walk(content, steps)}


def _walk(
    content: Any, steps: tuple[int | str, ...]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    if isinstance(content, Mapping):
        for key, inner in content.items():
            yield from _walk(inner, (*steps, str(key)))
    elif isinstance(content, list | tuple):
        if len(content) > _MOST_LISTED and steps and steps[-1] in _LISTED:
            yield steps, f"{len(content)} ({_digest(str(content))[:8]})"
            return
        for number, inner in enumerate(content):
            yield from _walk(inner, (*steps, number))
    elif content is not None:
        yield steps, str(content)


def _baseline(scenario: Scenario) -> Any:
    spec = scenario.baseline
    body = spec.model_dump(mode="json", exclude_unset=True)
    if spec.file:
        path = inside(scenario.programme.folder, spec.file)
        body["file"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return body


def _response(scenario: Scenario) -> Leaves:
    """The constants of the response formula as they are used; {} without a formula."""
    programme = scenario.programme
    if programme.file.response is None:
        return {}
    path = inside(programme.folder, programme.file.response)
    content = merged(read_yaml(path), scenario.spec.response)
    used = {key: value for key, value in content.items() if key not in _NOT_READ}
    return _leaves(used, ("response",))


def _data(programme: Programme) -> Leaves:
    found = {**_table(programme.counties), **_table(programme.tasks)}
    for metric in programme.file.metrics:
        found[f"metrics.{metric.id}"] = metric.unit.en
        if metric.target is not None:
            found[f"metrics.{metric.id}.target"] = exact_text(metric.target)
    return found


def _table(table: Table) -> Leaves:
    found: Leaves = {}
    for name in table.columns:
        for code, value in zip(table.ids, table.values(name), strict=True):
            found[f"{table.file}: {code}.{name}"] = value_text(value)
    return found


def _last_year(scenario: Scenario) -> Leaves:
    if scenario.last_year is None:
        return {}
    by_county = scenario.last_year.by_county.items()
    return {f"last_year.{code}": exact_text(amount) for code, amount in by_county}


def _options(solution: Solution | None) -> Leaves:
    if solution is None:
        return {}
    given = {name: solution.options.get(name) for name in _OPTIONS}
    said = {f"options.{name}": str(value) for name, value in given.items() if value is not None}
    return {**said, "options.version": solution.solver.version}


def _tier_rows(column: Column, reference: Column) -> list[InputRow]:
    """The tiers in one row: hashes, and in how many cells they differ where the grid is one."""
    mine, theirs = column.scenario, reference.scenario
    if same_response(mine, theirs):
        return []
    count = _cells_that_differ(mine.tiers, theirs.tiers)
    path = "tiers" if count is None else f"tiers ({count} of {mine.tiers.width[..., 0].size} cells)"
    return [InputRow(column.name, path, "data", _hash(theirs.tiers), _hash(mine.tiers))]


def _cells_that_differ(one: Tiers, other: Tiers) -> int | None:
    """In how many cells money yields something else; None for another grid or other metrics."""
    if one.rate.shape[:3] != other.rate.shape[:3]:
        return None
    most = max(one.width.shape[2], other.width.shape[2])
    wide = _filled(one.width, most) != _filled(other.width, most)
    theirs, ours = (_filled(tiers.rate.astype(object), most) for tiers in (one, other))
    rates = theirs * other.scale != ours * one.scale
    return int((wide.any(axis=2) | rates.any(axis=(0, 3))).sum())


def _filled(table: NDArray[Any], tiers: int) -> NDArray[Any]:
    """The table with empty tiers at the end, so that it has so many."""
    room = [(0, 0)] * (table.ndim - 1) + [(0, tiers - table.shape[-1])]
    return np.pad(table, room)


def _hash(tiers: Tiers) -> str:
    return _digest(f"{tiers.width.tolist()} {tiers.rate.tolist()} {tiers.scale}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _same(one: str, other: str) -> bool:
    """Whether two texts say the same number, or the same."""
    if one == other:
        return True
    try:
        return parse_exact(one) == parse_exact(other)
    except ValueError:
        return False


def _with_whole_rules(rows: list[InputRow], column: Column, reference: Column) -> list[InputRow]:
    """A rule, a county or a task that only one side has as one row, not as one for each field.

    The numbers of a rule's bound follow it.
    """
    ours, theirs = (set(one.scenario.document.rules) for one in (column, reference))
    alone = {f"rules.{name}": name in ours for name in ours ^ theirs}
    for what in ("counties", "tasks"):
        mine, other = (getattr(one.scenario.programme, what) for one in (column, reference))
        for code in set(mine.ids) ^ set(other.ids):
            alone[f"{(mine if code in mine.index else other).file}: {code}"] = code in mine.index
    found: dict[str, InputRow] = {}
    for row in rows:
        whole = next((path for path in alone if row.path.startswith(f"{path}.")), None)
        if whole is None:
            found[f"{row.sort} {row.path}"] = row
        elif row.sort != "wording":
            here = alone[whole]
            said = ("", "+") if here else ("+", "")
            found.setdefault(whole, InputRow(row.column, whole, row.sort, *said))
            if row.path.removeprefix(f"{whole}.").startswith(BOUND_KEYS):
                found[row.path] = row
    return list(found.values())
