"""The tile map: one square a place on a grid of columns and rows; `tiles.csv`, optional.

Beside `programme.yaml`, with the columns code, column, row and, if wanted, the short names
`short_zh` and `short_en` that fit into a square. It is a drawing and never computed with.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.county_table import need_columns, read_rows
from models.errors import Problems, did_you_mean
from models.programme import Programme, inside

FILE = "tiles.csv"
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


def read_tile_map(programme: Programme) -> tuple[Tile, ...]:
    """The tiles of a programme in the order of its file; () where the file is absent.

    Raises `InputError` with every unknown code, every place that is no whole number from 0 to 59
    and every square that is taken twice.
    """
    path = inside(programme.folder, FILE)
    if not path.exists():
        return ()
    header, rows = read_rows(path)
    need_columns(FILE, header, ["code", "column", "row"])
    problems = Problems()
    tiles: list[Tile] = []
    taken: dict[object, int] = {}
    for line, cells in rows:
        row = dict(zip(header, cells, strict=True))
        for key in (row["code"], (row["column"], row["row"])):
            if key in taken:
                what = "the square" if isinstance(key, tuple) else f"the county {key}"
                problems.add(FILE, f"line {line}", f"{what} stands in line {taken[key]} already")
            taken[key] = line
        tile = _tile(programme, row, line, problems)
        if tile is not None:
            tiles.append(tile)
    problems.raise_if_any()
    return tuple(tiles)


def _tile(programme: Programme, row: dict[str, str], line: int, problems: Problems) -> Tile | None:
    counties = programme.counties
    code = row["code"]
    if code not in counties.index:
        near = did_you_mean(code, counties.ids)
        problems.add(FILE, f"line {line}", f"unknown county '{code}'{near}")
    for name in ("column", "row"):
        text = row[name]
        if not (text.isascii() and text.isdecimal() and len(text) < 3 and int(text) < MOST_TILES):
            message = f"a whole number from 0 to {MOST_TILES - 1} is due here, not '{text}'"
            problems.add(FILE, f"line {line}: {name}", message)
    if problems:
        return None
    at = counties.index[code]
    short = {lang: row.get(f"short_{lang}") or counties.names(lang)[at] for lang in ("zh", "en")}
    return Tile(at, int(row["column"]), int(row["row"]), short)
