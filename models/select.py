"""Selections of the grid: the cells of a `where`, in the groups of a `per`.

A condition reads a column of the counties or of the tasks, so what it selects is always a product
of some counties and some tasks: a `Block`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.county_table import Table, Value
from models.exact import exact_text, parse_exact
from models.measure import Condition

Key = tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """The cells of one group: all its counties × all its tasks (positions in the tables)."""

    key: Key
    counties: tuple[int, ...]
    tasks: tuple[int, ...]


def value_text(value: Value) -> str:
    """A column's value as text, as it stands in keys."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return exact_text(value) if isinstance(value, Fraction) else value


def holds(condition: Condition, value: Value) -> bool:
    """Whether one value meets a condition."""
    if condition.between is not None:
        low, high = condition.between.min, condition.between.max
        return (
            isinstance(value, Fraction)
            and (low is None or value >= low)
            and (high is None or value <= high)
        )
    if isinstance(value, bool):
        return any(item in (("true", "1") if value else ("false", "0")) for item in condition.among)
    if isinstance(value, Fraction):
        return any(parse_exact(item) == value for item in condition.among)
    return value in condition.among


def rows_where(table: Table, where: Mapping[str, Condition]) -> tuple[int, ...]:
    """Positions of the rows of `table` that meet the conditions on its columns."""
    mine = [(table.values(name), cond) for name, cond in where.items() if table.kind(name)]
    return tuple(
        row for row in range(len(table)) if all(holds(cond, values[row]) for values, cond in mine)
    )


def blocks(
    counties: Table, tasks: Table, where: Mapping[str, Condition], per: Sequence[str]
) -> list[Block]:
    """The groups of the cells selected by `where`, one for each key of the columns `per`."""
    by_county = _grouped(counties, rows_where(counties, where), per)
    by_task = _grouped(tasks, rows_where(tasks, where), per)
    found = []
    for county_part, places in by_county.items():
        for task_part, works in by_task.items():
            named = dict(county_part) | dict(task_part)
            found.append(Block(tuple(named[column] for column in per), places, works))
    return found


def _grouped(
    table: Table, rows: Sequence[int], per: Sequence[str]
) -> dict[tuple[tuple[str, str], ...], tuple[int, ...]]:
    mine = [(name, table.values(name)) for name in per if table.kind(name)]
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for row in rows:
        key = tuple((name, value_text(values[row])) for name, values in mine)
        groups.setdefault(key, []).append(row)
    return {key: tuple(members) for key, members in groups.items()}
