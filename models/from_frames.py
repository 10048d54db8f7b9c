"""Frames and mappings put into files in memory, so that one set of readers serves all sources.

Numbers are written as exact text: a float as the shortest decimal that prints it (0.1 is 1/10).
Problems call the rows by their labels: `counties: row 'hill': residents: …`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from numbers import Number
from typing import TYPE_CHECKING, Any

import yaml

from models.errors import Problems, did_you_mean, refuse
from models.exact import exact_text, parse_exact
from models.files import MemoryFile, MemoryFolder, csv_text, name_in_folder
from models.strict_yaml import has_half_character
from models.table import Kind, Table, labels_of, need_columns

if TYPE_CHECKING:
    import pandas as pd

    Frame = pd.DataFrame | Mapping[str, Any]
    """A frame; or id → columns of that row; or column → values."""

CALL = "Programme.from_frames()"
"""What problems call the keys of a programme that was made from frames."""


def programme_folder(
    tables: tuple[Frame, Frame | Sequence[str], Frame | None], keys: Mapping[str, Any]
) -> MemoryFolder:
    """The folder of a programme: counties, tasks and tiers as frames, the other keys as data.

    `keys`: those of programme.yaml, but `response` as the content of its file and `files`, further
    files by name.
    """
    counties = _with_id(_frame(tables[0], "counties"), "code", ("county",))
    works = [tables[1]] if isinstance(tables[1], str) else tables[1]
    tasks = _with_id(_frame(works, "tasks"), "id", ("task",))
    made = [_table_file("counties", counties, "code", "counties.csv"), _task_file(tasks)]
    body = {
        "id": "programme",
        "title": keys.get("id", "programme"),
        "counties": {"columns": _kinds(counties, but=("code",))},
        "tasks": {"columns": _kinds(tasks, but=("id", *_TITLES))},
        **{key: value for key, value in keys.items() if key not in ("files", "response")},
    }
    if "metrics" in keys:
        body["metrics"] = _metrics(keys["metrics"])
    if "response" in keys:
        made.append(file_of("response.yaml", keys["response"]))
        body["response"] = "response.yaml"
    tiers = _tier_files(tables[2])
    made += tiers.values()
    if "" in tiers:
        body["tiers"] = tiers[""].stands_as
    elif tiers:
        said = keys.get("calibrations", {})
        own = {name: {**said.get(name, {}), "tiers": tiers[name].stands_as} for name in tiers}
        body["calibrations"] = own | {name: said[name] for name in said if name not in own}
    files = {name_in_folder(file): file for file in made}
    files |= {name: file_of(name, content) for name, content in keys.get("files", {}).items()}
    files["programme.yaml"] = MemoryFile(CALL, _yaml(body))
    return MemoryFolder(str(body["id"]), files)


def _tier_files(tiers: Any) -> dict[str, MemoryFile]:
    """Calibration → its tiers; '' for tiers that stand alone."""
    if tiers is None:
        return {}
    if isinstance(tiers, Mapping) and all(hasattr(one, "columns") for one in tiers.values()):
        return {
            name: _table_file(f"tiers[{name!r}]", one, None, f"tiers-{name}.csv")
            for name, one in tiers.items()
        }
    return {"": _table_file("tiers", _frame(tiers, "tiers"), None, "tiers.csv")}


def file_of(name: str, content: Frame | Sequence[Any] | str) -> MemoryFile:
    """A file in memory from a frame (a .csv name), from data (a .yaml name) or from its text."""
    if isinstance(content, str):
        return MemoryFile(name, _encoded(name, content))
    if name.endswith(".csv"):
        return _table_file(name, _frame(content), None, name)
    return MemoryFile(name, _yaml(content))


def amounts_file(
    frame: pd.DataFrame, counties: Table, tasks: Table, outside: Collection[str] = ()
) -> MemoryFile:
    """county, task, amount by code: from a tidy frame with these columns, or a wide one.

    A wide frame has a row a county, by its index or a column `county`, and a column a task; cells
    with nothing in them are left out. Counties and tasks are called by code or by name, places
    `outside` the grid by code. Raises `InputError` with every label that is unknown or that
    several share.
    """
    problems = Problems()
    known = (_codes(counties) | {code: (code,) for code in outside}, _codes(tasks))
    places, cells = [], []
    for (place, *labelled), county, task, amount in _amount_rows(frame):
        code = _code(county, known[0], (labelled[0], "county"), problems)
        beside = code in outside
        work = "" if beside else _code(task, known[1], (labelled[1], "task"), problems)
        places.append(place)
        cells.append([code, work, amount])
    problems.raise_if_any()
    text = csv_text(_AMOUNTS, cells, for_people=False)
    return MemoryFile(_FRAME, _encoded(_FRAME, text), ("columns", *places))


def _amount_rows(frame: pd.DataFrame) -> list[tuple[tuple[str, str, str], str, str, str]]:
    """County, task and amount as the frame has them, after the places of the cell and its labels.

    A tidy frame labels both in the row of the cell, a wide one in its row and its column.
    """
    flat = _with_index(frame)
    if "amount" in flat.columns:
        need_columns(MemoryFile(_FRAME, b"", ("columns",)), flat.columns, ["county", "task"])
        labels = [_label(label) for label in flat.index]
        return list(
            zip(
                zip(labels, labels, labels, strict=True),
                *_columns(flat[list(_AMOUNTS)]),
                strict=True,
            )
        )
    wide = frame.set_index("county") if "county" in frame.columns else frame
    found = []
    for task, column in zip(wide.columns, _columns(wide), strict=True):
        for county, amount in zip(wide.index, column, strict=True):
            row = _label(county)
            places = (f"{row}: {task}", row, f"column {task!r}")
            if amount:
                found.append((places, cell_text(county), cell_text(task), amount))
    return found


_AMOUNTS = ("county", "task", "amount")
_FRAME = "frame"
_TITLES = ("title", "title_zh", "title_en", "name", "name_zh", "name_en", "short")


def as_text(value: Any) -> Any:
    """Python values as the scalars of a document: text, lists and mappings of text, nothing."""
    if isinstance(value, Mapping):
        return {str(key): as_text(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(inner) for inner in value]
    if _is_flag(value):
        return "true" if value else "false"
    return None if value is None else plain_text(value)


def plain_text(value: Any) -> str:
    """A number or a text as a document writes it."""
    return exact_text(value) if isinstance(value, Fraction) else str(value)


def cell_text(value: Any) -> str:
    """One value as a file would hold it; empty for nothing (None, NaN, NaT)."""
    if isinstance(value, str):
        return value
    if value is None or str(value) in ("nan", "NaT", "<NA>"):
        return ""
    if _is_flag(value):
        return "true" if value else "false"
    if not isinstance(value, Number):
        return str(value)
    try:
        return exact_text(parse_exact(plain_text(value)))
    except ValueError:
        return str(value)  # Infinite, or far too long: the reader says so, and where.


def _encoded(called: str, text: str) -> bytes:
    if has_half_character(text):
        refuse(called, "", "holds half a character (a lone surrogate)")
    return text.encode()


def _is_flag(value: Any) -> bool:
    return type(value).__name__ in ("bool", "bool_")  # numpy's own is no `bool`.


def _yaml(content: Any) -> bytes:
    text = yaml.safe_dump(as_text(content), allow_unicode=True, sort_keys=False)
    return _encoded(CALL, text)


def _frame(given: Any, called: str = "a table") -> pd.DataFrame:
    import pandas as pd  # Slow to start; the command line has no frames.

    if isinstance(given, str):
        refuse(CALL, called, f"a frame or a mapping is due here, not the text '{given[:40]}'")

    if isinstance(given, pd.DataFrame):
        return given
    if isinstance(given, Mapping):
        rows = list(given.values())
        if all(isinstance(row, Mapping) for row in rows):
            return pd.DataFrame(rows, index=list(given), dtype=object)
        return pd.DataFrame(given)
    return pd.DataFrame(index=list(given))


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the named levels of its index among its columns, under the same labels."""
    levels = {
        str(name): frame.index.get_level_values(at)
        for at, name in enumerate(frame.index.names)
        if name is not None and name not in frame.columns
    }
    return frame.assign(**levels) if levels else frame


def _with_id(frame: pd.DataFrame, name: str, others: Sequence[str]) -> pd.DataFrame:
    """The frame with its ids in a column `name`, first: a column of that name, or the index."""
    for other in (name, *others):
        if other in frame.columns:
            return frame.rename(columns={other: name})
    if frame.index.name is None and type(frame.index).__name__ == "RangeIndex":
        return frame
    rest = frame.reset_index(drop=True)
    rest.insert(0, name, list(frame.index))
    return rest


def _columns(frame: pd.DataFrame) -> list[list[str]]:
    """The texts of each column; in a column's own type, whose numbers print shortest."""
    columns = (frame.iloc[:, at].to_numpy() for at in range(frame.shape[1]))
    return [[cell_text(value) for value in column] for column in columns]


def _table_file(called: str, frame: pd.DataFrame, key: str | None, name: str) -> MemoryFile:
    """A frame as a CSV file whose rows are called by `key`, or by the labels of its index."""
    flat = frame if key else _with_index(frame)
    labels = flat[key] if key in flat.columns else flat.index
    header = [str(name) for name in flat.columns]
    text = csv_text(header, zip(*_columns(flat), strict=True), for_people=False)
    places = ("columns", *(_label(cell_text(one) if key else one) for one in labels))
    return MemoryFile(called, _encoded(called, text), places, name)


def _task_file(frame: pd.DataFrame) -> MemoryFile:
    """Tasks as a YAML file: an id, titles where there are any, the other columns."""
    listed = []
    for row in zip(*_columns(frame), strict=True):
        texts = dict(zip(map(str, frame.columns), row, strict=True))
        name = texts.get("id", "")
        spare = next((texts[one] for one in _TITLES[:-1] if texts.get(one)), name)
        title = {
            lang: texts.get(f"title_{lang}") or texts.get(f"name_{lang}") or spare
            for lang in ("zh", "en")
        }
        short = {"short": texts["short"]} if texts.get("short") else {}
        columns = {key: text for key, text in texts.items() if key not in ("id", *_TITLES)}
        listed.append({"id": name, "title": title, **short, "columns": columns})
    return MemoryFile("tasks", _yaml(listed), ("columns",), "tasks.yaml")


def _kinds(frame: pd.DataFrame, but: Sequence[str]) -> dict[str, Kind]:
    """What each column holds: true/false, or numbers where any of its values is one, or text."""
    kinds: dict[str, Kind] = {}
    for name in frame.columns:
        values = [value for value in frame[name].tolist() if cell_text(value)]
        if name in but or not values:
            continue
        if any(isinstance(value, Number) and not _is_flag(value) for value in values):
            kinds[str(name)] = "number"
        elif any(_is_flag(value) for value in values):
            kinds[str(name)] = "boolean"
    return kinds


def _metrics(given: Any) -> list[dict[str, Any]]:
    """Metrics as programme.yaml lists them, from ids, from such mappings, or from id → mapping."""
    if isinstance(given, Mapping):
        given = [{"id": name, **keys} for name, keys in given.items()]
    given = [given] if isinstance(given, str) else given
    listed = [{"id": one} if isinstance(one, str) else one for one in given]
    return [{"title": one.get("id"), "unit": one.get("id"), **one} for one in listed]


def _label(label: Any) -> str:
    return f"row {label.item() if hasattr(label, 'item') else label!r}"


def _codes(table: Table) -> dict[str, tuple[str, ...]]:
    """What a row may be called → the ids of the rows that are called so; an id means itself."""
    found: dict[str, tuple[str, ...]] = {}
    for lang in ("zh", "en"):
        for labels in (table.names(lang), labels_of(table, lang)):
            for label, row in zip(labels, table.ids, strict=True):
                found[label] = tuple(dict.fromkeys((*found.get(label, ()), row)))
    return found | {row: (row,) for row in table.ids}


def _code(
    label: str, codes: Mapping[str, tuple[str, ...]], at: tuple[str, str], problems: Problems
) -> str:
    place, what = at
    ids = codes.get(label, ())
    if not ids:
        near = did_you_mean(label, codes)
        problems.add(_FRAME, place, f"unknown {what} '{label}'{near}")
    elif len(ids) > 1:
        several = ", ".join(ids)
        problems.add(_FRAME, place, f"'{label}' may be {several}; give the code of the {what}")
    return next(iter(ids), "")
