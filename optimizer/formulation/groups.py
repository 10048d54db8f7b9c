"""Selections as arrays: which group of a rule each county and each task falls into.

Written apart from the selections that the audit uses: the two readers of a rule share no code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from models.county_table import Table
from models.exact import exact_text, parse_exact
from models.measure import Condition

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Groups = county groups × task groups; −1 marks rows outside the selection.

    Group number = county group × task groups + task group; `keys` in that order.
    """

    county: Ints
    task: Ints
    keys: tuple[tuple[str, ...], ...]
    task_groups: int

    @property
    def count(self) -> int:
        return len(self.keys)

    def of_cells(self) -> Ints:
        """Group of each cell (county × tasks + task), −1 outside."""
        inside = (self.county[:, None] >= 0) & (self.task[None, :] >= 0)
        number = self.county[:, None] * self.task_groups + self.task[None, :]
        return np.where(inside, number, -1).ravel()

    def same(self) -> tuple[bytes, bytes]:
        """Equal for groupings that are the same."""
        return self.county.tobytes(), self.task.tobytes()


def find_groups(
    counties: Table, tasks: Table, where: Mapping[str, Condition], per: Sequence[str]
) -> Groups:
    """The groups of the cells that meet `where`, one for each combination of the columns `per`."""
    county, county_keys = _side(counties, where, per)
    task, task_keys = _side(tasks, where, per)
    by_county = [place for place, column in enumerate(per) if _has(counties, column)]
    by_task = [place for place, column in enumerate(per) if not _has(counties, column)]
    both = (of_county + of_task for of_county in county_keys for of_task in task_keys)
    order = np.argsort([*by_county, *by_task], kind="stable").tolist()
    if order == list(range(len(per))):
        keys = tuple(both)
    else:
        keys = tuple(tuple(key[place] for place in order) for key in both)
    return Groups(county, task, keys, len(task_keys))


def _has(table: Table, column: str) -> bool:
    return column == table.what or column in table.columns


def _side(
    table: Table, where: Mapping[str, Condition], per: Sequence[str]
) -> tuple[Ints, list[tuple[str, ...]]]:
    """Group number of each row of one table, and the key of each group."""
    chosen = np.ones(len(table.ids), dtype=bool)
    for column, condition in where.items():
        if _has(table, column):
            chosen &= _meets(table, column, condition)
    mine = [_texts(table, column) for column in per if _has(table, column)]
    number = np.full(len(table.ids), -1, dtype=np.int64)
    if not mine or (len(mine) == 1 and mine[0] is table.ids):
        return _by_place(table, chosen, each=bool(mine))
    keys: dict[tuple[str, ...], int] = {}
    for row in np.flatnonzero(chosen).tolist():
        number[row] = keys.setdefault(tuple(texts[row] for texts in mine), len(keys))
    return number, list(keys)


def _by_place(
    table: Table, chosen: NDArray[np.bool_], each: bool
) -> tuple[Ints, list[tuple[str, ...]]]:
    """`_side` where no value is to be compared: each row a group of its own, or all one group."""
    rows = np.flatnonzero(chosen)
    number = np.full(len(table.ids), -1, dtype=np.int64)
    number[rows] = np.arange(len(rows)) if each else 0
    if each:
        return number, [(table.ids[row],) for row in rows.tolist()]
    return number, [()] if len(rows) else []


def _texts(table: Table, column: str) -> Sequence[str]:
    if column == table.what:
        return table.ids
    values = table.columns[column]
    if table.kinds.get(column) == "boolean":
        return ["true" if value else "false" for value in values]
    if table.kinds.get(column) == "number":
        return [exact_text(value) for value in values if isinstance(value, Fraction)]
    return [str(value) for value in values]


def _meets(table: Table, column: str, condition: Condition) -> NDArray[np.bool_]:
    if condition.between is not None:
        low, high = condition.between.min, condition.between.max
        numbers = [value for value in table.columns[column] if isinstance(value, Fraction)]
        return np.array(
            [(low is None or low <= n) and (high is None or n <= high) for n in numbers], dtype=bool
        )
    kind = "text" if column == table.what else table.kinds.get(column)
    wanted = set(condition.among)
    if kind == "boolean":
        wanted = {{"1": "true", "0": "false"}.get(item, item) for item in wanted}
    elif kind == "number":
        wanted = {exact_text(parse_exact(item)) for item in wanted}
    return np.array([text in wanted for text in _texts(table, column)], dtype=bool)
