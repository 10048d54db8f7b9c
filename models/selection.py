"""Which counties and tasks a condition selects, and how a place is found by its name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.errors import refuse
from models.exact import exact_text, parse_exact
from models.programme import Programme
from models.rule import Condition
from models.table import Table, Value

# Selections of the grid: the cells of a `where`, in the groups of a `per`.
#
# A condition reads a column of the counties or of the tasks, so what it selects is always a product
# of some counties and some tasks: a `Block`.


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
    mine = tuple((name, cond) for name, cond in where.items() if table.kind(name))
    if mine not in table.groups:
        held = [(table.values(name), cond) for name, cond in mine]
        table.groups[mine] = tuple(
            row for row in range(len(table)) if all(holds(c, values[row]) for values, c in held)
        )
    rows: tuple[int, ...] = table.groups[mine]
    return rows


def blocks(
    counties: Table, tasks: Table, where: Mapping[str, Condition], per: Sequence[str]
) -> list[Block]:
    """The groups of the cells selected by `where`, one for each key of the columns `per`."""
    by_county, by_task = (_grouped(t, rows_where(t, where), per) for t in (counties, tasks))
    found = []
    for county_part, places in by_county.items():
        for task_part, works in by_task.items():
            named = dict(county_part) | dict(task_part)
            found.append(Block(tuple(named[column] for column in per), places, works))
    return found


_Grouped = dict[tuple[tuple[str, str], ...], tuple[int, ...]]


def _grouped(table: Table, rows: tuple[int, ...], per: Sequence[str]) -> _Grouped:
    names = tuple(name for name in per if table.kind(name))
    if (rows, names) not in table.groups:
        mine = [(name, table.values(name)) for name in names]
        groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
        for row in rows:
            key = tuple((name, value_text(values[row])) for name, values in mine)
            groups.setdefault(key, []).append(row)
        table.groups[rows, names] = {key: tuple(members) for key, members in groups.items()}
    grouped: _Grouped = table.groups[rows, names]
    return grouped


# Counties by the names that people have for them.


def county_at(programme: Programme, name: str, option: str = "") -> int:
    """The position of a county by its code, which goes first, or by its name in either language.

    A name may be shortened to its beginning where only one begins so. Raises `InputError` with
    the nearest names where there is none, or several.
    """
    table, name = programme.counties, str(name)  # A code may come as a number.
    if name in table.index:
        return table.index[name]
    said = (table.ids, table.names("zh"), table.names("en"))
    folded = name.strip().casefold()
    exact = {at for texts in said for at, text in enumerate(texts) if text.casefold() == folded}
    begins = {
        at
        for texts in said
        for at, text in enumerate(texts)
        if folded and text.casefold().startswith(folded)
    }
    hits = sorted(exact or begins)
    if len(hits) == 1:
        return hits[0]
    if hits:
        several = ", ".join(f"{table.names('zh')[at]} ({table.ids[at]})" for at in hits[:5])
        refuse(option, "", f"'{name}' may be {several}; say which")
    refuse(option, "", f"unknown county '{name}'{_nearest(name, said)}")


def _nearest(name: str, said: tuple[tuple[str, ...], ...]) -> str:
    """The three nearest names in any of the three ways to call a county."""
    known = {text.casefold(): text for texts in said for text in texts}
    near = difflib.get_close_matches(name.casefold(), list(known), n=3, cutoff=0.5)
    shown = " or ".join(f"'{known[text]}'" for text in near)
    return f" (did you mean {shown}?)" if shown else ""
