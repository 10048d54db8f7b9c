"""Bars, Lorenz curve and tile map of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from models.gini import Lorenz, lorenz
from models.metadata import Tile, read_tile_map, value_name
from reports.html.county_section import MARKS
from reports.numbers import amount_text, percent, plain, upper
from reports.svg import SMALL, Drawing, fitted, round_up, text_width
from reports.view.allocation_view import groups_of
from reports.view.page_model import PageColumn, PageModel, per_head

# Drawings of where the money goes: bars by task and by group, the Lorenz curve.


WIDTH = 340
"""Two of them stand side by side on A4."""
_ROW, _BAR, _EDGE = 36, 12, 8


@dataclass(frozen=True)
class Bar:
    """One bar and the same figure in the other allocations."""

    label: str
    text: str
    value: Fraction
    others: tuple[tuple[str, Fraction], ...]
    """(kind of column, its figure)."""


def task_bars(sheet: PageModel) -> Markup:
    """Money by task."""
    total = sheet.this.value("amount", sheet.counties, sheet.tasks)
    bars = []
    for task in sheet.tasks:
        money = sheet.this.value("amount", sheet.counties, [task])
        text = sheet.words("page.bar", money=amount_text(money), share=percent(money, total))
        bars.append(_bar(sheet, sheet.task_name(task), text, (sheet.counties, [task])))
    return _bars(sheet, sheet.words("page.by-task", money=sheet.money), bars)


def group_bars(sheet: PageModel) -> Markup | None:
    """Money by group of counties, and per resident; None without a grouping."""
    groups, heads, residents = (
        groups_of(sheet.solution.scenario, sheet.labels),
        per_head(sheet),
        sheet.heads(),
    )
    if not groups:
        return None
    total = sheet.this.value("amount", sheet.counties, sheet.tasks)
    column, bars = str(sheet.labels.group_by), []
    for value, counties in groups.items():
        money = sheet.this.value("amount", counties, sheet.tasks)
        text = sheet.words("page.bar", money=amount_text(money), share=percent(money, total))
        if heads is not None and residents is not None:
            each = heads.text(money, sum((residents[c] for c in counties), Fraction(0)))
            text += sheet.words("page.bar.head", money=each)
        name = value_name(
            sheet.solution.scenario.programme, sheet.labels, (column, value), sheet.words.lang
        )
        bars.append(_bar(sheet, upper(name), text, (counties, sheet.tasks)))
    grouping = sheet.labels.column(column, sheet.words.lang)
    title = sheet.words("page.by-group", group=grouping, money=sheet.money)
    return _bars(sheet, title, bars)


def _bar(
    sheet: PageModel, label: str, text: str, block: tuple[Sequence[int], Sequence[int]]
) -> Bar:
    others = tuple((c.kind, c.value("amount", *block)) for c in sheet.columns[1:])
    return Bar(label, text, sheet.this.value("amount", *block), others)


def _bars(sheet: PageModel, title: str, bars: Sequence[Bar]) -> Markup:
    """Label and figures above each bar, so that no name is too long for its place."""
    said = sheet.words("list").join(f"{bar.label} {bar.text}" for bar in bars)
    drawing = Drawing(WIDTH, _ROW * len(bars) + 4, title, said)
    most = max([value for bar in bars for value in (bar.value, *(v for _, v in bar.others))])
    scale = (WIDTH - 2 * _EDGE) / most if most else Fraction(0)
    for at, bar in enumerate(bars):
        top = at * _ROW
        room = WIDTH - text_width(bar.text, SMALL) - 10
        drawing.text((0, top + 13), fitted(bar.label, room), "b")
        drawing.text((WIDTH, top + 13), bar.text, "e s")
        drawing.rect((0, top + 18), (WIDTH, _BAR), "track")
        drawing.rect((0, top + 18), (bar.value * scale, _BAR), "this")
        for kind, value in bar.others:
            marker(drawing, kind, (value * scale, top + 18 + Fraction(_BAR, 2)))
    return drawing.markup()


def marker(drawing: Drawing, kind: str, at: tuple[Fraction, Fraction]) -> None:
    """Where another allocation stands: a diamond for the baseline, a line for the repaired one."""
    if kind == "baseline":
        drawing.diamond(at, 5, "mark baseline")
    else:
        drawing.line([(at[0], at[1] - 8), (at[0], at[1] + 8)], "mark repaired")


_SIDE, _LEFT, _BOTTOM = 264, 44, 40


@dataclass(frozen=True)
class Spread:
    """How evenly the money falls on residents."""

    drawing: Markup
    ginis: tuple[tuple[str, str], ...]
    """(title of a column, its Gini coefficient)."""


def money_spread(sheet: PageModel) -> Spread | None:
    """The Lorenz curves of all columns; None where the programme names no residents."""
    heads = sheet.heads()
    if heads is None:
        return None
    curves = [(column, _curve(sheet, column, heads)) for column in sheet.columns]
    drawn = [(column, curve) for column, curve in curves if curve is not None]
    if not drawn:
        return None
    ginis = tuple((column.title, plain(curve.gini, 4)) for column, curve in drawn)
    said = sheet.words("list").join(f"{title} {gini}" for title, gini in ginis)
    drawing = Drawing(WIDTH, _SIDE + _BOTTOM + 8, sheet.words("page.lorenz"), said)
    _axes(sheet, drawing)
    for column, curve in reversed(drawn):
        points = [(_LEFT + x * _SIDE, 8 + (1 - y) * _SIDE) for x, y in curve.points]
        drawing.line(points, f"curve {column.kind}")
    return Spread(drawing.markup(), ginis)


def _curve(sheet: PageModel, column: PageColumn, heads: Sequence[Fraction]) -> Lorenz | None:
    money = [column.value("amount", [county], sheet.tasks) for county in sheet.counties]
    return lorenz(money, heads)


def _axes(sheet: PageModel, drawing: Drawing) -> None:
    low = 8 + _SIDE
    for step in range(5):
        at = Fraction(step, 4)
        drawing.line([(_LEFT, low - at * _SIDE), (_LEFT + _SIDE, low - at * _SIDE)], "grid")
        drawing.text((_LEFT - 5, low - at * _SIDE + 4), f"{step * 25}%", "e s")
        drawing.text((_LEFT + at * _SIDE, low + 15), f"{step * 25}%", "m s")
    drawing.line([(_LEFT, low), (_LEFT + _SIDE, 8)], "even")
    drawing.text((_LEFT + Fraction(_SIDE, 2), low + 32), sheet.words("page.lorenz.x"), "m s")
    drawing.text((_LEFT + 8, 22), sheet.words("page.lorenz.y"), "s")


# The tile map: a square a county, shaded by fixed classes of money, with the amount in it.


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


def tile_map(sheet: PageModel) -> TileMap | None:
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


def class_ends(sheet: PageModel) -> tuple[Fraction, ...]:
    """Ends of the classes: the programme's own, else ¼, ½, 1 and 2 times the mean, rounded up."""
    given = sheet.labels.map.classes
    if given:
        return tuple(given)
    mean = Fraction(sheet.solution.scenario.budget, len(sheet.counties))
    steps = [round_up(mean * Fraction(part)) for part in ("1/4", "1/2", "1", "2")]
    return tuple(sorted(set(steps)))


def _class(amount: Fraction, ends: Sequence[Fraction]) -> int:
    return sum(1 for end in ends if amount >= end)


def _class_names(sheet: PageModel, ends: Sequence[Fraction]) -> list[str]:
    words, said = sheet.words, [amount_text(end) for end in ends]
    between = [
        words("page.class.between", low=low, high=high)
        for low, high in zip(said, said[1:], strict=False)
    ]
    first, last = words("page.class.below", high=said[0]), words("page.class.from", low=said[-1])
    return [first, *between, last]


def _marks(sheet: PageModel) -> tuple[str, ...]:
    return tuple(
        sheet.words("page.mark", mark=mark, title=upper(group.title.of(sheet.words.lang)))
        for mark, group in zip(MARKS, sheet.labels.highlight, strict=False)
    )


def _drawn(
    sheet: PageModel,
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


def _marked(sheet: PageModel) -> dict[int, str]:
    """County → the marks of the highlighted groups that it is in."""
    found: dict[int, str] = {}
    for mark, group in zip(MARKS, sheet.labels.highlight, strict=False):
        for county in sheet.selected(group.where)[0]:
            found[county] = found.get(county, "") + mark
    return found
