"""compare.html: columns side by side, one page without network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from markupsafe import Markup

from models.finding import STATES
from models.metadata import Tile, read_tile_map
from optimizer.compare import Column, Compared
from optimizer.compare.rows import RuleRow
from reports.catalogue import Words
from reports.documents.comparison_tables import (
    compared_grids,
    moves,
    outcome_rows,
    per_resident,
    price_rows,
    sums,
)
from reports.html import allowed, environment, language_tag, raw
from reports.html.charts import DARK
from reports.html.rule_section import GLYPHS
from reports.numbers import amount_text, lower, signed_change
from reports.svg import SMALL, Drawing, fitted, round_up, spread, text_width
from reports.view.comparison_view import (
    NO_ROOM,
    ComparisonView,
    input_matrix,
    marks_in_use,
    remarks,
)
from reports.view.county_view import county_table
from reports.view.stability_view import stability_section

# Drawings of a comparison: tile maps with classes that all columns share, slopes of counties.


_HIGH, _LEAST, _WIDEST = 36, 38, 58
Ends = tuple[Fraction, ...]


@dataclass(frozen=True)
class Maps:
    """The maps of all columns, and what their shades mean."""

    money: Mapping[str, Markup]
    """Column → its map."""
    change: Mapping[str, Markup]
    """Column but the reference → the map of what it gives more or less."""
    classes: tuple[str, ...]
    """Ranges of money, from the lightest shade; the same for all columns."""
    change_classes: tuple[tuple[str, str], ...]
    """(class of the shade, range of the difference), from most lost to most gained."""
    note: str
    wide: bool
    """Too wide for two to stand side by side."""


def maps(view: ComparisonView) -> Maps | None:
    """The maps of a programme that has tiles; None for others."""
    world = view.compared.world
    tiles = read_tile_map(world.programme)
    if not tiles:
        return None
    longest = max(text_width(_short(view, tile), SMALL) for tile in tiles)
    wide = min(_WIDEST, max(_LEAST, int(longest) + 5))
    ends, steps = money_ends(view), change_ends(view)
    money, change = {}, {}
    for one in view.compared.columns:
        if one.reads is None:
            continue
        sums = one.reads.by_county
        shades = {t.county: f"k{sum(1 for e in ends if sums[t.county] >= e)}" for t in tiles}
        texts = {t.county: amount_text(sums[t.county]) for t in tiles}
        title = view.words("compare.map.of", column=view.title(one), money=view.money)
        money[one.name] = _drawn(view, (tiles, wide), (shades, texts), title)
        if one is view.compared.reference or view.compared.reference.reads is None:
            continue
        less = view.compared.changes(one)
        shades = {t.county: change_class(less[t.county], steps) for t in tiles}
        texts = {t.county: signed_change(less[t.county]) for t in tiles}
        title = view.words("compare.map.change", column=view.title(one), money=view.money)
        change[one.name] = _drawn(view, (tiles, wide), (shades, texts), title)
    note = world.labels.map.note
    return Maps(
        money,
        change,
        tuple(_ranges(view, ends)),
        tuple(_change_ranges(view, steps)),
        note.of(view.lang) if note else view.words("page.map.note"),
        wide > _WIDEST - 8,
    )


def money_ends(view: ComparisonView) -> Ends:
    """Ends of the classes of money: the programme's own, else ¼, ½, 1, 2 times the mean."""
    given = view.compared.world.labels.map.classes
    return tuple(given) if given else _steps(view, ("1/4", "1/2", "1", "2"))


def change_ends(view: ComparisonView) -> Ends:
    """Ends of the classes of differences, on either side of nothing."""
    return _steps(view, ("1/20", "1/8", "1/4"))


def _steps(view: ComparisonView, parts: Sequence[str]) -> Ends:
    budget = view.compared.reference.scenario.budget
    mean = Fraction(budget, len(view.compared.world.counties))
    return tuple(sorted({round_up(mean * Fraction(part)) for part in parts}))


def change_class(change: Fraction, steps: Ends) -> str:
    """The shade of a difference: d3 … d1 for less, d0, u1 … u3 for more."""
    size = sum(1 for step in steps if abs(change) >= step)
    return ("u" if change > 0 else "d") + str(size) if size else "d0"


def _ranges(view: ComparisonView, ends: Ends) -> list[str]:
    words, said = view.words, [amount_text(end) for end in ends]
    pairs = zip(said, said[1:], strict=False)
    between = [words("page.class.between", low=low, high=high) for low, high in pairs]
    first, last = words("page.class.below", high=said[0]), words("page.class.from", low=said[-1])
    return [first, *between, last]


def _change_ranges(view: ComparisonView, steps: Ends) -> list[tuple[str, str]]:
    words, said = view.words, [amount_text(step) for step in steps]
    found = [("d0", words("compare.class.near", step=said[0]))]
    for at, low in enumerate(said, 1):
        last = at == len(said)
        key = "compare.class.beyond" if last else "compare.class.between"
        high = low if last else said[at]
        found.insert(0, (f"d{at}", words(key, sign="-", low=low, high=high)))
        found.append((f"u{at}", words(key, sign="+", low=low, high=high)))
    return found


def _short(view: ComparisonView, tile: Tile) -> str:
    return tile.short["zh" if view.lang == "zh" else "en"]


def _drawn(
    view: ComparisonView,
    grid: tuple[Sequence[Tile], int],
    what: tuple[Mapping[int, str], Mapping[int, str]],
    title: str,
) -> Markup:
    """Squares of one shade as one path; a name and a number in each."""
    (tiles, wide), (shades, texts) = grid, what
    left, top = min(tile.column for tile in tiles), min(tile.row for tile in tiles)
    columns = max(tile.column for tile in tiles) - left + 1
    rows = max(tile.row for tile in tiles) - top + 1
    drawing = Drawing(columns * wide, rows * _HIGH, title, "")
    corners = {t.county: ((t.column - left) * wide, (t.row - top) * _HIGH) for t in tiles}
    for shade in sorted(set(shades.values())):
        at = [corners[county] for county, one in shades.items() if one == shade]
        drawing.path([_outline(corner, wide - 1) for corner in at], f"tile {shade}")
    for tile in tiles:
        x, y = corners[tile.county]
        shade = shades[tile.county]
        dark = shade[0] == "k" and int(shade[1:]) >= DARK or shade in ("d3", "u3")
        ink = "m s on" if dark else "m s"
        middle = x + (wide - 1) / 2
        drawing.text((middle, y + 14), fitted(_short(view, tile), wide - 2, SMALL), ink)
        drawing.text((middle, y + 28), texts[tile.county], ink)
    return drawing.markup("map")


def _outline(corner: tuple[int, int], wide: int) -> list[tuple[int, int]]:
    x, y = corner
    high = _HIGH - 1
    return [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]


_SLOPE, _TOP, _FOOT, _SIDE, _GAP = 340, 26, 8, 118, 13
_HEIGHT = 380
NAMED = 6
"""So many counties are named on each slope chart: those that change most."""


def slope(view: ComparisonView, column: Column) -> Markup | None:
    """The counties' money in the reference (left) and in a column (right), a line each."""
    reference = view.compared.reference
    if column.reads is None or reference.reads is None:
        return None
    before, after = reference.reads.by_county, column.reads.by_county
    most = max([*before, *after, Fraction(1)])
    changes = view.compared.changes(column)
    order = sorted(range(len(changes)), key=lambda at: (-abs(changes[at]), at))
    named = [at for at in order[:NAMED] if changes[at]]
    title = view.words(
        "compare.slope.of", column=view.title(column), reference=view.title(reference)
    )
    said = view.words("list").join(
        f"{view.county(at)} {amount_text(before[at])} → {amount_text(after[at])}" for at in named
    )
    drawing = Drawing(_SLOPE, _TOP + _HEIGHT + _FOOT, title, said)
    ends = (_SIDE, _SLOPE - _SIDE)

    def line(at: int) -> list[tuple[float, float]]:
        pair = zip(ends, (before[at], after[at]), strict=True)
        return [(x, float(_TOP + _HEIGHT * (1 - value / most))) for x, value in pair]

    rest = [at for at in range(len(changes)) if at not in named]
    drawing.path([line(at) for at in rest], "idle")
    for more, kind in ((True, "gain"), (False, "loss")):
        chosen = [line(at) for at in named if (changes[at] > 0) == more]
        if chosen:
            drawing.path(chosen, f"slope {kind}")
    for x in ends:
        drawing.line([(x, _TOP), (x, _TOP + _HEIGHT)], "axis")
    drawing.text((ends[0], 14), view.letter(reference), "m b")
    drawing.text((ends[1], 14), view.letter(column), "m b")
    _labels(view, drawing, (named, line), (before, after))
    return drawing.markup("slopes")


def _labels(
    view: ComparisonView,
    drawing: Drawing,
    lines: tuple[Sequence[int], object],
    money: tuple[Sequence[Fraction], Sequence[Fraction]],
) -> None:
    """Names with the money on both sides, moved apart where they would touch."""
    named, line = lines
    assert callable(line)
    for side, (amounts, kind) in enumerate(zip(money, ("e s", "s"), strict=True)):
        x = (_SIDE - 6, _SLOPE - _SIDE + 6)[side]
        wanted = [line(at)[side][1] + 4 for at in named]
        placed = spread(wanted, _GAP, _TOP + 4, _TOP + _HEIGHT + 4)
        for at, y in zip(named, placed, strict=True):
            number = amount_text(amounts[at])
            room = _SIDE - 8 - text_width(number, SMALL) - 14
            name = fitted(view.county(at), room, SMALL)
            text = f"{name} {number}" if side == 0 else f"{number} {name}"
            drawing.text((x, y), text, kind)


# compare.html: one self-contained page, readable and switchable without JavaScript.


MOST_INPUTS = 200
"""More differences than these in the inputs are counted; all of them stand in compare.csv."""
MOST_NAMED = 8


@dataclass(frozen=True)
class ColumnHead:
    """One column at the head of the page."""

    letter: str
    title: str
    name: str
    said: str
    """Its name as it is shown."""
    status: str
    why: tuple[str, ...]
    changes: tuple[str, ...]
    """What was laid over the scenario, as it was asked for."""
    is_reference: bool
    failed: bool


@dataclass(frozen=True)
class Money:
    """One table of money: a line a task or a group."""

    title: str
    by: str
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """(name, (money, difference) of each column); the last is the total."""


@dataclass(frozen=True)
class RuleBlock:
    """One rule in all columns."""

    title: str
    sentence: str
    cells: tuple[tuple[str, str, str, str], ...]
    """(class, glyph, state, slack) of each column."""


def compare_html(compared: Compared, lang: str, opened: Sequence[int] = ()) -> bytes:
    """The page in one language; the counties in `opened` lie open.

    Raises `InputError` for files of the programme that are shown only and cannot be used.
    """
    view = ComparisonView(compared, Words(lang))
    style = Markup(raw("page.css") + "\n" + raw("compare.css") + "\n" + _toggles(compared))
    script = Markup(raw("page.js") + "\n" + raw("compare.js"))
    parts = _parts(view, opened)
    template = environment().get_template("compare.html.j2")
    text = template.render(
        view=view,
        words=view.words,
        lang=language_tag(lang),
        style=style,
        script=script,
        allowed=allowed(style, script),
        **parts,
    )
    return text.encode()


def _toggles(compared: Compared) -> str:
    """A rule a column: unticked, all of it goes, without any script."""
    return "\n".join(
        f"body:has(#show{at}:not(:checked)) .v{at}{{display:none}}"
        for at in range(len(compared.columns))
    )


def _parts(view: ComparisonView, opened: Sequence[int]) -> dict[str, Any]:
    compared = view.compared
    inputs = input_matrix(view)
    return {
        "programme": compared.world.programme.file.title.of(view.lang),
        "heads": [_head(view, one) for one in compared.columns],
        "remarks": remarks(view),
        "legend": view.legend(marks_in_use(view)),
        "outcomes": outcome_rows(view),
        "inputs": inputs[:MOST_INPUTS],
        "more_inputs": max(0, len(inputs) - MOST_INPUTS),
        "money": [_money(view, title, rows) for title, rows in sums(view)],
        "per_head": per_resident(view),
        "moves": [(at, text) for at, one in _others(view) for text in moves(view, one, MOST_NAMED)],
        "movers": compared_grids(view),
        "stability": stability_section(compared.curve, compared.reference.scenario, view.words),
        "slopes": [(at, slope(view, one)) for at, one in _others(view)],
        "maps": maps(view),
        "rules": _rules(view),
        "prices": price_rows(view),
        "table": county_table(view, opened),
        "version": _version(),
    }


def _others(view: ComparisonView) -> list[tuple[int, Column]]:
    compared = view.compared
    pairs = enumerate(compared.columns)
    return [(at, one) for at, one in pairs if one is not compared.reference and one.reads]


def _head(view: ComparisonView, column: Column) -> ColumnHead:
    return ColumnHead(
        letter=view.letter(column),
        title=view.title(column),
        name=column.name,
        said=view.name(column),
        status=view.status(column),
        why=tuple(view.why(column)),
        changes=tuple(view.changes(column)),
        is_reference=column is view.compared.reference,
        failed=column.reads is None,
    )


def _money(
    view: ComparisonView, title: str, rows: Sequence[tuple[str, list[Fraction | None]]]
) -> Money:
    at, found = view.compared.at, []
    for name, amounts in rows:
        cells = []
        for number, amount in enumerate(amounts):
            mine = amounts[at]
            apart = (
                ""
                if number == at or amount is None or mine is None
                else signed_change(amount - mine)
            )
            cells.append(("-" if amount is None else amount_text(amount), apart))
        found.append((name, tuple(cells)))
    return Money(
        view.words("compare.money", by=lower(title), money=view.money), title, tuple(found)
    )


def _rules(view: ComparisonView) -> list[RuleBlock]:
    rows: dict[str, list[RuleRow]] = {}
    for row in view.compared.rule_rows:
        rows.setdefault(row.rule, []).append(row)
    found = []
    for name, cells in rows.items():
        idle = all(row.state in ("off", "absent") for row in cells)
        if idle or (name in NO_ROOM and not any(row.broken for row in cells)):
            continue
        found.append(
            RuleBlock(
                view.rule_title(name),
                view.rule_sentence(name),
                tuple(_rule_cell(view, row) for row in cells),
            )
        )
    return found


def _rule_cell(view: ComparisonView, row: RuleRow) -> tuple[str, str, str, str]:
    state = row.state if row.state in STATES else "off"
    glyph = GLYPHS[row.state] if row.state in STATES else ""
    return state, glyph, view.rule_state(row), view.slack(row)


def _version() -> str:
    try:
        return version("allot")
    except PackageNotFoundError:
        return "-"
