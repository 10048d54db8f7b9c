"""The tile map: a square a county, shaded by fixed classes of money, with the amount in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from models.tile_map import Tile, read_tile_map
from reports.numbers import plain
from reports.page.counties import MARKS
from reports.page.sheet import Sheet, amount_text, upper
from reports.svg import SMALL, Drawing, fitted, round_up

_WIDEST, _LEAST = 700, 44
"""The whole map fits on A4; a square never gets narrower than a short name."""
_HIGH = 42


@dataclass(frozen=True)
class TileMap:
    """The map, what its shades mean, and how many counties fall into each."""

    drawing: Markup
    classes: tuple[tuple[str, str], ...]
    """(range of money, how many counties), from the lightest shade."""
    note: str
    marks: tuple[str, ...]


def tile_map(sheet: Sheet) -> TileMap | None:
    """The map of a programme that has tiles; None for others."""
    programme = sheet.solution.scenario.programme
    tiles = read_tile_map(programme)
    if not tiles:
        return None
    ends = class_ends(sheet)
    money = {tile.county: sheet.this.value("amount", [tile.county], sheet.tasks) for tile in tiles}
    classes = {county: _class(amount, ends) for county, amount in money.items()}
    counted = [
        (text, plain(list(classes.values()).count(at)))
        for at, text in enumerate(_class_names(sheet, ends))
    ]
    note = sheet.labels.map.note
    said = note.of(sheet.words.lang) if note else sheet.words("page.map.note")
    return TileMap(_drawn(sheet, tiles, money, classes), tuple(counted), said, _marks(sheet))


def class_ends(sheet: Sheet) -> tuple[Fraction, ...]:
    """Ends of the classes: the programme's own, else ¼, ½, 1 and 2 times the mean, rounded up."""
    given = sheet.labels.map.classes
    if given:
        return tuple(given)
    mean = Fraction(sheet.solution.scenario.budget, len(sheet.counties))
    steps = [round_up(mean * Fraction(part)) for part in ("1/4", "1/2", "1", "2")]
    return tuple(sorted(set(steps)))


def _class(amount: Fraction, ends: Sequence[Fraction]) -> int:
    return sum(1 for end in ends if amount >= end)


def _class_names(sheet: Sheet, ends: Sequence[Fraction]) -> list[str]:
    words, said = sheet.words, [amount_text(end) for end in ends]
    between = [
        words("page.class.between", low=low, high=high)
        for low, high in zip(said, said[1:], strict=False)
    ]
    first, last = words("page.class.below", high=said[0]), words("page.class.from", low=said[-1])
    return [first, *between, last]


def _marks(sheet: Sheet) -> tuple[str, ...]:
    return tuple(
        sheet.words("page.mark", mark=mark, title=upper(group.title.of(sheet.words.lang)))
        for mark, group in zip(MARKS, sheet.labels.highlight, strict=False)
    )


def _drawn(
    sheet: Sheet,
    tiles: Sequence[Tile],
    money: dict[int, Fraction],
    classes: dict[int, int],
) -> Markup:
    columns = max(tile.column for tile in tiles) - min(tile.column for tile in tiles) + 1
    rows = max(tile.row for tile in tiles) - min(tile.row for tile in tiles) + 1
    left, top = min(tile.column for tile in tiles), min(tile.row for tile in tiles)
    wide = max(_LEAST, _WIDEST // columns)
    title = sheet.words("page.map", money=sheet.money)
    names = [f"{sheet.county_name(c)} {amount_text(amount)}" for c, amount in money.items()]
    drawing = Drawing(columns * wide, rows * (_HIGH + 2), title, sheet.words("list").join(names))
    corners = {t.county: ((t.column - left) * wide, (t.row - top) * (_HIGH + 2)) for t in tiles}
    for shade in sorted(set(classes.values())):
        chosen = [corners[county] for county, at in classes.items() if at == shade]
        drawing.path([_outline(corner, wide - 2) for corner in chosen], f"tile k{shade}")
    marked = _marked(sheet)
    for tile in tiles:
        x, y = corners[tile.county]
        ink = "m s on" if classes[tile.county] >= DARK else "m s"
        short = tile.short["zh" if sheet.words.lang == "zh" else "en"]
        said = amount_text(money[tile.county]) + marked.get(tile.county, "")
        middle = x + (wide - 2) / 2
        drawing.text((middle, y + 17), fitted(short, wide - 4, SMALL), ink)
        drawing.text((middle, y + 33), said, ink)
    return drawing.markup("map")


def _outline(corner: tuple[int, int], wide: int) -> list[tuple[int, int]]:
    x, y = corner
    return [(x, y), (x + wide, y), (x + wide, y + _HIGH), (x, y + _HIGH)]


DARK = 3
"""From this class on the text in a square is white."""


def _marked(sheet: Sheet) -> dict[int, str]:
    """County → the marks of the highlighted groups that it is in."""
    found: dict[int, str] = {}
    for mark, group in zip(MARKS, sheet.labels.highlight, strict=False):
        for county in sheet.selected(group.where)[0]:
            found[county] = found.get(county, "") + mark
    return found
