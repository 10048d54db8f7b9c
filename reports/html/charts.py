"""Bars, Lorenz curve, tile map and response curves of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from models.allocation import lorenz
from models.errors import Problems, did_you_mean
from models.metadata import Tile, read_tile_map, value_name
from models.programme import Metric, Programme
from reports.numbers import amount_text, counted, percent, plain, upper
from reports.svg import SMALL, Drawing, fitted, round_up, spread, text_width, ticks
from reports.view.allocation_view import MARKS, groups_of
from reports.view.page_model import PageModel, per_head

# Drawings of where the money goes: bars by task and by group, the Lorenz curve.


WIDTH = 340
"""Two of them stand side by side on A4."""
_ROW, _BAR, _EDGE = 36, 12, 8
_MOST_BARS = 40
"""More groups than this stand in a table only."""


@dataclass(frozen=True)
class Bar:
    """One bar and the same figure in the other allocations."""

    label: str
    text: str
    value: Fraction
    others: tuple[tuple[str, Fraction], ...]
    """(kind of column, its figure)."""


def task_bars(model: PageModel) -> Markup:
    """Money by task."""
    total = model.this.value("amount", model.counties, model.tasks)
    bars = []
    for task in model.tasks:
        money = model.this.value("amount", model.counties, [task])
        text = model.words("page.bar", money=amount_text(money), share=percent(money, total))
        bars.append(_bar(model, model.task_name(task), text, (model.counties, [task])))
    return _bars(model, model.words("page.by-task", money=model.money), bars)


def group_bars(model: PageModel) -> Markup | None:
    """Money by group of counties, and per resident; None without a grouping, or in a crowd."""
    groups, heads, residents = (
        groups_of(model.solution.scenario, model.labels),
        per_head(model),
        model.heads(),
    )
    if not 0 < len(groups) <= _MOST_BARS:
        return None
    total = model.this.value("amount", model.counties, model.tasks)
    column, bars = str(model.labels.group_by), []
    for value, counties in groups.items():
        money = model.this.value("amount", counties, model.tasks)
        text = model.words("page.bar", money=amount_text(money), share=percent(money, total))
        if heads is not None and residents is not None:
            each = heads.text(money, sum((residents[c] for c in counties), Fraction(0)))
            text += model.words("page.bar.head", money=each)
        name = value_name(
            model.solution.scenario.programme, model.labels, (column, value), model.words.lang
        )
        bars.append(_bar(model, upper(name), text, (counties, model.tasks)))
    grouping = model.labels.column(column, model.words.lang)
    title = model.words("page.by-group", group=grouping, money=model.money)
    return _bars(model, title, bars)


def _bar(
    model: PageModel, label: str, text: str, block: tuple[Sequence[int], Sequence[int]]
) -> Bar:
    others = tuple((c.kind, c.value("amount", *block)) for c in model.columns[1:])
    return Bar(label, text, model.this.value("amount", *block), others)


def _bars(model: PageModel, title: str, bars: Sequence[Bar]) -> Markup:
    """Label and figures above each bar, so that no name is too long for its place."""
    said = model.words("list").join(f"{bar.label} {bar.text}" for bar in bars)
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
_MOST_POINTS = 500
"""Of a curve, as many as an eye tells apart."""


@dataclass(frozen=True)
class Spread:
    """How evenly the money falls on residents."""

    drawing: Markup
    ginis: tuple[tuple[str, str], ...]
    """(title of a column, its Gini coefficient)."""


def money_spread(model: PageModel) -> Spread | None:
    """The Lorenz curves of all columns; None where the programme names no residents."""
    heads = model.heads()
    if heads is None:
        return None
    curves = [(column, lorenz(column.by_county, heads)) for column in model.columns]
    drawn = [(column, curve) for column, curve in curves if curve is not None]
    if not drawn:
        return None
    ginis = tuple((column.title, plain(curve.gini, 4)) for column, curve in drawn)
    said = model.words("list").join(f"{title} {gini}" for title, gini in ginis)
    drawing = Drawing(WIDTH, _SIDE + _BOTTOM + 8, model.words("page.lorenz"), said)
    _axes(model, drawing)
    for column, curve in reversed(drawn):
        few = curve.points[:: 1 + len(curve.points) // _MOST_POINTS]
        shown = few if few[-1] == curve.points[-1] else (*few, curve.points[-1])
        points = [(_LEFT + x * _SIDE, 8 + (1 - y) * _SIDE) for x, y in shown]
        drawing.line(points, f"curve {column.kind}")
    return Spread(drawing.markup(), ginis)


def _axes(model: PageModel, drawing: Drawing) -> None:
    low = 8 + _SIDE
    for step in range(5):
        at = Fraction(step, 4)
        drawing.line([(_LEFT, low - at * _SIDE), (_LEFT + _SIDE, low - at * _SIDE)], "grid")
        drawing.text((_LEFT - 5, low - at * _SIDE + 4), f"{step * 25}%", "e s")
        drawing.text((_LEFT + at * _SIDE, low + 15), f"{step * 25}%", "m s")
    drawing.line([(_LEFT, low), (_LEFT + _SIDE, 8)], "even")
    drawing.text((_LEFT + Fraction(_SIDE, 2), low + 32), model.words("page.lorenz.x"), "m s")
    drawing.text((_LEFT + 8, 22), model.words("page.lorenz.y"), "s")


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


def tile_map(model: PageModel) -> TileMap | None:
    """The map of a programme that has tiles; None for others."""
    programme = model.solution.scenario.programme
    tiles = read_tile_map(programme)
    if not tiles:
        return None
    ends = class_ends(model)
    money = {tile.county: model.this.value("amount", [tile.county], model.tasks) for tile in tiles}
    classes = {county: _class(amount, ends) for county, amount in money.items()}
    counted = [
        (text, plain(list(classes.values()).count(at)))
        for at, text in enumerate(_class_names(model, ends))
    ]
    note = model.labels.map.note
    said = note.of(model.words.lang) if note else model.words("page.map.note")
    return TileMap(_drawn(model, tiles, money, classes), tuple(counted), said, _marks(model))


def class_ends(model: PageModel) -> tuple[Fraction, ...]:
    """Ends of the classes: the programme's own, else ¼, ½, 1 and 2 times the mean, rounded up."""
    given = model.labels.map.classes
    if given:
        return tuple(given)
    mean = Fraction(model.solution.scenario.budget, len(model.counties))
    steps = [round_up(mean * Fraction(part)) for part in ("1/4", "1/2", "1", "2")]
    return tuple(sorted(set(steps)))


def _class(amount: Fraction, ends: Sequence[Fraction]) -> int:
    return sum(1 for end in ends if amount >= end)


def _class_names(model: PageModel, ends: Sequence[Fraction]) -> list[str]:
    words, said = model.words, [amount_text(end) for end in ends]
    between = [
        words("page.class.between", low=low, high=high)
        for low, high in zip(said, said[1:], strict=False)
    ]
    first, last = words("page.class.below", high=said[0]), words("page.class.from", low=said[-1])
    return [first, *between, last]


def _marks(model: PageModel) -> tuple[str, ...]:
    return tuple(
        model.words("page.mark", mark=mark, title=upper(group.title.of(model.words.lang)))
        for mark, group in zip(MARKS, model.labels.highlight, strict=False)
    )


def _drawn(
    model: PageModel,
    tiles: Sequence[Tile],
    money: dict[int, Fraction],
    classes: dict[int, int],
) -> Markup:
    columns, rows, wide, corners = _laid_out(tiles)
    title = model.words("page.map", money=model.money)
    names = [f"{model.county_name(c)} {amount_text(amount)}" for c, amount in money.items()]
    drawing = Drawing(columns * wide, rows * (_HIGH + 2), title, model.words("list").join(names))
    for shade in sorted(set(classes.values())):
        chosen = [corners[county] for county, at in classes.items() if at == shade]
        drawing.path([_outline(corner, wide - 2) for corner in chosen], f"tile k{shade}")
    marked = _marked(model)
    for tile in tiles:
        x, y = corners[tile.county]
        ink = "m s on" if classes[tile.county] >= DARK else "m s"
        short = tile.short["zh" if model.words.lang == "zh" else "en"]
        said = amount_text(money[tile.county]) + marked.get(tile.county, "")
        middle = x + (wide - 2) / 2
        drawing.text((middle, y + 17), fitted(short, wide - 4, SMALL), ink)
        drawing.text((middle, y + 33), said, ink)
    return drawing.markup("map")


def _laid_out(tiles: Sequence[Tile]) -> tuple[int, int, int, dict[int, tuple[int, int]]]:
    """Columns, rows, the width of a square, and where that of each county begins."""
    left, top = min(tile.column for tile in tiles), min(tile.row for tile in tiles)
    columns = max(tile.column for tile in tiles) - left + 1
    rows = max(tile.row for tile in tiles) - top + 1
    wide = max(_LEAST, _WIDEST // columns)
    corners = {t.county: ((t.column - left) * wide, (t.row - top) * (_HIGH + 2)) for t in tiles}
    return columns, rows, wide, corners


def county_at(programme: Programme, place: tuple[float, float]) -> int | None:
    """The county whose square of the tile map holds a place of the drawing; None between them."""
    tiles = read_tile_map(programme)
    if not tiles:
        return None
    wide, corners = _laid_out(tiles)[2:]
    within = (
        county
        for county, (x, y) in corners.items()
        if 0 <= place[0] - x < wide and 0 <= place[1] - y < _HIGH
    )
    return next(within, None)


def _outline(corner: tuple[int, int], wide: int) -> list[tuple[int, int]]:
    x, y = corner
    return [(x, y), (x + wide, y), (x + wide, y + _HIGH), (x, y + _HIGH)]


DARK = 3
"""From this class on the text in a square is white."""


def _marked(model: PageModel) -> dict[int, str]:
    """County → the marks of the highlighted groups that it is in."""
    found: dict[int, str] = {}
    for mark, group in zip(MARKS, model.labels.highlight, strict=False):
        for county in model.selected(group.where)[0]:
            found[county] = found.get(county, "") + mark
    return found


# Response curves: what money in a county's tasks would yield, with the chosen amounts on them.

At = tuple[Fraction, Fraction]
"""Money and outcome, or a place in a drawing."""
SHOWN = 6
"""So many counties where neither the programme nor the reader names any."""
_WIDE, _TALL = 216, 168
_LEFT, _RIGHT, _TOP, _LOW = 38, 22, 22, 34


@dataclass(frozen=True)
class Chosen:
    """One funded task of a county: its number in the drawings, its money, what it yields."""

    number: str
    task: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class CountyCurves:
    """One county: a drawing a metric, and the chosen amounts as a table."""

    name: str
    money: str
    tasks: tuple[Chosen, ...]
    total: tuple[str, ...]
    drawings: tuple[Markup, ...]


def county_curves(model: PageModel, names: Sequence[str] = ()) -> list[CountyCurves]:
    """The curves of the counties asked for, else of the programme's choice, else of six; none of a
    fund without metrics.

    Raises `InputError` for a name or code that no county has, or several.
    """
    counties = named_counties(model.solution.scenario.programme, names) or _own_choice(model)
    known = model.solution.scenario.programme.metrics
    return [_county(model, county) for county in counties] if known else []


def named_counties(programme: Programme, names: Sequence[str]) -> list[int]:
    """Positions of counties by code or by name in either language, whole or its beginning."""
    problems, found = Problems(), []
    table = programme.counties
    for name in names:
        said = [table.ids, table.names("zh"), table.names("en")]
        exact = {at for column in said for at, text in enumerate(column) if text == name}
        begins = {
            at
            for column in said
            for at, text in enumerate(column)
            if name and text.casefold().startswith(name.casefold())
        }
        hits = sorted(exact or begins)
        if len(hits) == 1:
            found += hits
        elif hits:
            several = ", ".join(table.names("zh")[at] for at in hits[:SHOWN])
            problems.add("", "--county", f"'{name}' may be {several}; say which")
        else:
            near = did_you_mean(name, [*said[1], *said[2], *said[0]])
            problems.add("", "--county", f"unknown county '{name}'{near}")
    problems.raise_if_any()
    return list(dict.fromkeys(found))


def _own_choice(model: PageModel) -> list[int]:
    """The programme's choice, else counties at even steps from most money to least."""
    programme = model.solution.scenario.programme
    if model.labels.curves:
        return [programme.counties.index[code] for code in model.labels.curves]
    by_money = sorted(model.counties, key=lambda county: -model.this.by_county[county])
    if len(by_money) <= SHOWN:
        return by_money
    return [by_money[round(at * (len(by_money) - 1) / (SHOWN - 1))] for at in range(SHOWN)]


def _response(model: PageModel, metric: int, county: int, task: int) -> list[At]:
    """(money, outcome) at the ends of the tiers, from (0, 0)."""
    tiers = model.solution.scenario.tiers
    points = [(Fraction(0), Fraction(0))]
    rates = tiers.rate[metric, county, task].tolist()
    for width, rate in zip(tiers.width[county, task].tolist(), rates, strict=True):
        if width:
            money, outcome = points[-1]
            points.append((money + width, outcome + Fraction(width * rate, tiers.scale)))
    return points


def _upto(points: Sequence[At], end: Fraction) -> list[At]:
    """The curve from 0 to `end`, cut within a tier or drawn on level after the last."""
    drawn = [points[0]]
    for (x, y), (further, higher) in zip(points, points[1:], strict=False):
        if further >= end:
            drawn.append((end, y + (higher - y) * (end - x) / (further - x)))
            return drawn
        drawn.append((further, higher))
    return [*drawn, (end, points[-1][1])]


def _reach(model: PageModel, county: int) -> Fraction:
    """Where the money axis of a county ends: well beyond its largest amount."""
    chosen = [model.this.value("amount", [county], [task]) for task in model.tasks]
    ends = [_response(model, 0, county, task)[-1][0] for task in model.tasks]
    return round_up(max(chosen) * 2) if any(chosen) else max([Fraction(1), *ends])


def _county(model: PageModel, county: int) -> CountyCurves:
    metrics = model.solution.scenario.programme.file.metrics
    funded = [t for t in model.tasks if model.this.value("amount", [county], [t])]
    reach = _reach(model, county)
    return CountyCurves(
        name=model.county_name(county),
        money=amount_text(model.this.value("amount", [county], model.tasks)),
        tasks=tuple(
            Chosen(str(t + 1), model.task_name(t), _figures(model, county, [t])) for t in funded
        ),
        total=_figures(model, county, model.tasks),
        drawings=tuple(
            _drawing(model, (m, metric), (county, funded), reach)
            for m, metric in enumerate(metrics)
        ),
    )


def _figures(model: PageModel, county: int, tasks: Sequence[int]) -> tuple[str, ...]:
    metrics, this = model.solution.scenario.programme.file.metrics, model.this
    if len(tasks) == len(model.tasks):  # Whole people and firms, so that counties add up.
        outcomes = [this.counted(metric, [county]) for metric in metrics]
    else:
        outcomes = [counted(one, this.value(one.id, [county], tasks)) for one in metrics]
    return (amount_text(model.this.value("amount", [county], tasks)), *outcomes)


def _drawing(
    model: PageModel, named: tuple[int, Metric], place: tuple[int, Sequence[int]], reach: Fraction
) -> Markup:
    """One metric of one county: funded tasks in ink with their number, the others in grey."""
    (m, metric), (county, funded) = named, place
    words = model.words
    title = words("metric", title=metric.title.of(words.lang), unit=metric.unit.of(words.lang))
    drawing = Drawing(_WIDE, _TALL, f"{model.county_name(county)} {title}", "")
    drawing.text((0, 12), fitted(title, _WIDE, SMALL), "b s")
    curves = {t: _upto(_response(model, m, county, t), reach) for t in model.tasks}
    most = max([y for points in curves.values() for _, y in points]) or Fraction(1)
    frame = Frame(reach, most)
    _response_axes(model, drawing, frame)
    idle = [[frame.at(p) for p in points] for t, points in curves.items() if t not in funded]
    if idle:
        drawing.path(idle, "resp idle")
    for task in funded:
        drawing.line([frame.at(point) for point in curves[task]], f"resp r{task % 4}")
    for task in funded:
        money, outcome = (model.this.value(m, [county], [task]) for m in ("amount", metric.id))
        drawing.dot(frame.at((money, outcome)), 4, "chosen")
    ends = [float(frame.at(curves[task][-1])[1]) for task in funded]
    places = spread(ends, 12, _TOP + 4, _TALL - _LOW)
    for task, y in zip(funded, places, strict=True):
        drawing.text((_WIDE - _RIGHT + 5, y + 4), str(task + 1), "b s")
    return drawing.markup()


@dataclass(frozen=True)
class Frame:
    """The axes of one drawing: how far they reach."""

    money: Fraction
    outcome: Fraction

    def at(self, point: At) -> At:
        """Where (money, outcome) stands in the drawing."""
        across = Fraction(_WIDE - _LEFT - _RIGHT) / self.money
        up = Fraction(_TALL - _TOP - _LOW) / self.outcome
        return _LEFT + point[0] * across, _TALL - _LOW - point[1] * up


def _response_axes(model: PageModel, drawing: Drawing, frame: Frame) -> None:
    """Grid lines with round numbers, and what the money axis is."""
    low = _TALL - _LOW
    lines = []
    for value in ticks(frame.outcome, 3):
        left, right = frame.at((Fraction(0), value)), frame.at((frame.money, value))
        lines.append([left, right])
        drawing.text((left[0] - 4, left[1] + 4), _tick(value), "e s")
    drawing.path(lines, "grid")
    for value in ticks(frame.money, 3):
        drawing.text((frame.at((value, Fraction(0)))[0], low + 14), _tick(value), "m s")
    drawing.text(((_LEFT + _WIDE - _RIGHT) / 2, low + 29), model.money, "m s")


def _tick(value: Fraction) -> str:
    for places in range(4):
        if (value * 10**places).denominator == 1:
            return plain(value, places)
    return plain(value, 4)
