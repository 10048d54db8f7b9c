"""Drawings as SVG text: shapes by class, text escaped, a title and a description for each.

Numbers of a drawing are CSS pixels. Colours, fonts and line styles stand in the page's style
sheet under the class names, so that the drawing prints and reads like the page around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup
from rich.cells import cell_len

from reports.document import Figure, clean

Length = float | int | Fraction
Point = tuple[Length, Length]
TEXT = 12
"""Height of ordinary text in a drawing; nothing is smaller than `SMALL`."""
SMALL = 11


class Drawing:
    """One drawing, filled from back to front."""

    def __init__(self, width: Length, height: Length, title: str, description: str) -> None:
        self.width, self.height = width, height
        self._parts: list[Markup] = [Markup("<title>{}</title>").format(clean(title))]
        if description:
            self._parts.append(Markup("<desc>{}</desc>").format(clean(description)))

    def rect(self, corner: Point, size: Point, kind: str, title: str = "") -> None:
        """A rectangle from its top left corner; `title` is what pointing at it says."""
        said = Markup("<title>{}</title>").format(clean(title)) if title else Markup("")
        self._parts.append(
            Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}">{}</rect>').format(
                *map(short, corner), *map(short, size), kind, said
            )
        )

    def hatched(self, corner: Point, size: Point) -> None:
        """A hatched rectangle from its top left corner: where there is nothing to show."""
        (x, y), (wide, high) = (tuple(map(float, pair)) for pair in (corner, size))
        self.rect(corner, size, "hatch")
        apart, lines = 6.0, list[list[Point]]()
        for at in range(math.ceil((wide + high) / apart)):
            along = at * apart
            low, top = min(along, high), max(0.0, along - wide)
            if low > top:
                lines.append([(x + along - low, y + low), (x + along - top, y + top)])
        self.path(lines, "hatch")

    def path(self, runs: Sequence[Sequence[Point]], kind: str) -> None:
        """Several lines of one kind, or outlines, as one element."""
        said = "".join(
            "M" + "L".join(f"{short(x)} {short(y)}" for x, y in points) for points in runs
        )
        self._parts.append(Markup('<path d="{}" class="{}"/>').format(said, kind))

    def line(self, points: Sequence[Point], kind: str) -> None:
        """A line through points."""
        path = " ".join(f"{short(x)},{short(y)}" for x, y in points)
        self._parts.append(Markup('<polyline points="{}" class="{}"/>').format(path, kind))

    def dot(self, centre: Point, radius: Length, kind: str) -> None:
        """A disc or ring."""
        x, y = centre
        self._parts.append(
            Markup('<circle cx="{}" cy="{}" r="{}" class="{}"/>').format(
                short(x), short(y), short(radius), kind
            )
        )

    def diamond(self, centre: Point, radius: Length, kind: str) -> None:
        """A square on its corner."""
        x, y = (float(part) for part in centre)
        r = float(radius)
        corners = ((x, y - r), (x + r, y), (x, y + r), (x - r, y))
        path = " ".join(f"{short(a)},{short(b)}" for a, b in corners)
        self._parts.append(Markup('<polygon points="{}" class="{}"/>').format(path, kind))

    def text(self, at: Point, said: str, kind: str = "") -> None:
        """Text on its baseline; the classes `m` and `e` centre it or end it there."""
        named = Markup(' class="{}"').format(kind) if kind else Markup("")
        self._parts.append(
            Markup('<text x="{}" y="{}"{}>{}</text>').format(
                short(at[0]), short(at[1]), named, clean(said)
            )
        )

    def markup(self, kind: str = "") -> Markup:
        """The drawing as an element of an HTML page."""
        width, height = short(self.width), short(self.height)
        head = Markup(
            '<svg role="img" class="{}" viewBox="0 0 {} {}" width="{}" height="{}">'
        ).format(kind, width, height, width, height)
        return head + Markup("").join(self._parts) + Markup("</svg>")


def short(number: Length) -> str:
    """A length with at most one decimal."""
    text = f"{float(number):.1f}"
    return text[:-2] if text.endswith(".0") else text


def text_width(said: str, height: Length = TEXT) -> float:
    """About how wide text is: a Chinese character is as wide as high, others about half."""
    wide = cell_len(said) - len(said)
    return float(height) * (wide + 0.53 * (len(said) - wide))


def fitted(said: str, width: Length, height: Length = TEXT) -> str:
    """`said`, cut with an ellipsis where it is wider than `width`."""
    if text_width(said, height) <= float(width):
        return said
    while said and text_width(said + "…", height) > float(width):
        said = said[:-1]
    return said.rstrip() + "…"


def spread(places: Iterable[float], apart: float, low: float, high: float) -> list[float]:
    """Places of labels moved as little as needed to stand `apart`, within `low` and `high`.

    In the order given, whatever their size. Where there is not room for all, they share it evenly.
    """
    wanted = list(places)
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    if len(wanted) > 1:
        apart = min(apart, (high - low) / (len(wanted) - 1))
    placed = dict.fromkeys(order, low)
    edge = low
    for at in order:
        placed[at] = edge = max(wanted[at], edge)
        edge += apart
    edge = high
    for at in reversed(order):
        placed[at] = edge = min(placed[at], edge)
        edge -= apart
    return [placed[at] for at in range(len(wanted))]


def ticks(most: Fraction, count: int = 4) -> list[Fraction]:
    """Round numbers from 0 to `most` or just below, about `count` steps."""
    if most <= 0:
        return [Fraction(0)]
    step = round_up(most / count)
    return [step * n for n in range(int(most / step) + 1)]


def round_up(number: Fraction) -> Fraction:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten."""
    power = Fraction(1)
    while power * 10 <= number:
        power *= 10
    while power > number:
        power /= 10
    return next(
        power * Fraction(n) for n in ("1", "2", "2.5", "5", "10") if power * Fraction(n) >= number
    )


# Figures of documents: effects as bars, a value curve, ranges.


_WIDTH = 680
"""A drawing is as wide as A4 leaves room for."""
_ROW, _LEAST_SQUARE, _HATCHED = 17, 44, 44


@dataclass(frozen=True)
class Effect:
    """An assumption moved down and up: what each does to the index, None where no allocation is
    left."""

    label: str
    down: tuple[str, float | None]
    """What stands beside the bar, and how long it is."""
    up: tuple[str, float | None]


def effect_bars(title: str, alt: str, effects: Sequence[Effect]) -> Figure:
    """Two bars an assumption from a common line of no effect, below its name; a hatched one where
    no allocation is left."""
    height = 3 * _ROW + 6
    drawing = Drawing(_WIDTH, height * len(effects) + 4, title, alt)
    ends = [end for one in effects for _, end in (one.down, one.up) if end is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    margin = max(text_width(text) for one in effects for text, _ in (one.down, one.up)) + 10
    scale = (_WIDTH - 2 * margin) / ((high - low) or 1.0)
    zero = margin - low * scale
    for at, one in enumerate(effects):
        top = at * height
        drawing.text((0, top + _ROW - 4), fitted(one.label, _WIDTH), "b")
        for side, (text, end) in enumerate((one.down, one.up), 1):
            corner = (zero, top + side * _ROW + 2)
            edge, below = zero + _HATCHED, False
            if end is None:
                drawing.hatched(corner, (_HATCHED, _ROW - 5))
            else:
                edge, below = zero + end * scale, end < 0
                corner = (min(zero, edge), corner[1])
                drawing.rect(corner, (abs(edge - zero), _ROW - 5), ("down", "up")[side - 1])
            said = (edge - 5, corner[1] + 10) if below else (edge + 5, corner[1] + 10)
            drawing.text(said, text, "e" if below else "")
        drawing.line([(zero, top + _ROW), (zero, top + height - 4)], "zero")
    return Figure(title, alt, drawing.markup())


def value_curve(
    title: str,
    alt: str,
    points: Sequence[tuple[float, float]],
    *,
    joined: bool = True,
    gaps: Sequence[tuple[float, float]] = (),
) -> Figure:
    """The value at each point of a path, with a line through the points unless they stand alone.

    `gaps`: from where to where along the path there is none; hatched.
    """
    height, left, bottom = 300, 64, 26
    drawing = Drawing(_WIDTH, height, title, alt)
    across = [x for x, _ in points] + [end for gap in gaps for end in gap]
    along = [y for _, y in points]
    low, high = min(along), max(along)
    # A curve that is flat lies in the middle.
    room = (high - low) * 0.08 or abs(high) * 0.01 or 1.0
    low, high = low - room, high + room
    begin, end = min(across), max(across)

    def place(x: float, y: float) -> tuple[float, float]:
        part = (x - begin) / ((end - begin) or 1.0)
        down = (high - y) / (high - low)
        return left + part * (_WIDTH - left - 24), 8 + down * (height - bottom - 16)

    for step in round_steps(low, high):
        at = place(begin, float(step))[1]
        drawing.line([(left, at), (_WIDTH - 24, at)], "grid")
        drawing.text((left - 6, at + 4), _tick(step), "e s")
    for step in round_steps(begin, end):
        drawing.text((place(float(step), low)[0], height - 6), _tick(step), "m s")
    for first, last in gaps:
        edges = place(first, high)[0] - 3, place(last, high)[0] + 3
        drawing.hatched((edges[0], 8), (edges[1] - edges[0], height - bottom - 16))
    if joined:
        drawing.line([place(x, y) for x, y in points], "curve")
    for x, y in points:
        drawing.dot(place(x, y), 3, "up")
    return Figure(title, alt, drawing.markup())


@dataclass(frozen=True)
class Span:
    """From the least to the most of something; `inner` is reached for sure, `now` is the case."""

    label: str
    text: str
    low: float
    high: float
    now: float
    inner: tuple[float, float] | None


def span_bars(title: str, alt: str, spans: Sequence[Span]) -> Figure:
    """A bar a line from least to most, what is reached darker, a stroke where it is now."""
    drawing = Drawing(_WIDTH, _ROW * len(spans) + 22, title, alt)
    left = min(180.0, max(text_width(one.label) for one in spans) + 10)
    right = max(text_width(one.text, SMALL) for one in spans) + 10
    most = max(one.high for one in spans) or 1.0

    def place(money: float) -> float:
        return left + money / most * (_WIDTH - left - right)

    for money in round_steps(0, most):
        at, foot = place(float(money)), _ROW * len(spans) + 4
        drawing.line([(at, 0), (at, foot)], "grid")
        drawing.text((at, foot + 14), _tick(money), "m s")
    for row, one in enumerate(spans):
        top = row * _ROW + 3
        drawing.text((left - 8, top + 10), fitted(one.label, left - 10), "e")
        for ends, kind in (((one.low, one.high), "reach"), (one.inner, "sure")):
            if ends is not None:
                wide = max(1.0, place(ends[1]) - place(ends[0]))
                inset = 0 if kind == "reach" else 3
                drawing.rect((place(ends[0]), top + inset), (wide, 12 - 2 * inset), kind)
        now = place(one.now)
        drawing.line([(now, top - 1), (now, top + 13)], "now")
        drawing.text((_WIDTH, top + 10), one.text, "e s")
    return Figure(title, alt, drawing.markup())


@dataclass(frozen=True)
class HeatCell:
    """One point of a grid of two paths: its text, and the shade; None where there is nothing."""

    text: str
    shade: str | None
    dark: bool = False


def heat_map(
    title: str,
    alt: str,
    heads: tuple[Sequence[str], Sequence[str]],
    names: tuple[str, str],
    cells: Sequence[Sequence[HeatCell]],
) -> Figure:
    """A cell for each pair of values, [down][across]; `heads` and `names` likewise, down first."""
    down, across = heads
    left = min(160.0, max(map(text_width, down)) + 16)
    wide = min(90.0, (_WIDTH - left) / len(across))
    drawing = Drawing(_WIDTH, 62 + _TALL * len(down), title, alt)
    drawing.text((0, 14), fitted(f"↓ {names[0]}", _WIDTH), "b")
    drawing.text((0, 32), fitted(f"→ {names[1]}", _WIDTH), "b")
    for at, head in enumerate(across):
        drawing.text((left + (at + 0.5) * wide, 52), fitted(head, wide - 2, SMALL), "m s")
    for row, (head, line) in enumerate(zip(down, cells, strict=True)):
        top = 58 + row * _TALL
        drawing.text((left - 8, top + 17), fitted(head, left - 10), "e")
        for at, cell in enumerate(line):
            corner, size = (left + at * wide, top), (wide - 1, _TALL - 1)
            if cell.shade is None:
                drawing.hatched(corner, size)
            else:
                drawing.path([_outlined(corner, size)], f"tile {cell.shade}")
            said, ink = fitted(cell.text, wide - 3, SMALL), "m s on" if cell.dark else "m s"
            drawing.text((corner[0] + wide / 2, top + 17), said, ink)
    return Figure(title, alt, drawing.markup("map"))


_TALL = 26


@dataclass(frozen=True)
class MapSquare:
    """A county's square on a map of squares."""

    at: tuple[int, int]
    """Column and row."""
    shade: str
    name: str
    text: str
    dark: bool
    """Whether what stands in it is light."""


def square_map(
    title: str, alt: str, squares: Sequence[MapSquare], keys: Sequence[tuple[str, str]]
) -> Figure:
    """A square a county with its name and a text, and below what the shades mean (shade, text)."""
    left, top = (min(one.at[axis] for one in squares) for axis in (0, 1))
    columns, rows = (
        max(one.at[axis] for one in squares) - low + 1 for axis, low in enumerate((left, top))
    )
    longest = max(text_width(text, SMALL) for one in squares for text in (one.text,))
    wide, high = max(_LEAST_SQUARE, int(longest) + 5), 34
    drawing = Drawing(max(_WIDTH, columns * wide), rows * high + 30, title, alt)
    for shade, _ in keys:
        corners = [
            ((x - left) * wide, (y - top) * high)
            for x, y in (one.at for one in squares if one.shade == shade)
        ]
        drawing.path(
            [_outlined(corner, (wide - 1, high - 1)) for corner in corners], f"tile {shade}"
        )
    for one in squares:
        x, y = (one.at[0] - left) * wide, (one.at[1] - top) * high
        ink = "m s on" if one.dark else "m s"
        drawing.text((x + (wide - 1) / 2, y + 14), fitted(one.name, wide - 2, SMALL), ink)
        drawing.text((x + (wide - 1) / 2, y + 28), one.text, ink)
    across, foot = 0.0, rows * high + 10
    for shade, said in keys:
        drawing.path([_outlined((across, foot), (14, 14))], f"tile {shade}")
        drawing.text((across + 20, foot + 12), said)
        across += 20 + text_width(said) + 24
    return Figure(title, alt, drawing.markup("map"))


def _outlined(corner: Point, size: Point) -> list[Point]:
    (x, y), (wide, high) = (tuple(map(float, pair)) for pair in (corner, size))
    return [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]


def round_steps(low: float, high: float, count: int = 5) -> list[Fraction]:
    """Round numbers between two ends, about `count` of them."""
    run = Fraction(high) - Fraction(low)
    if run <= 0:
        return [Fraction(low)]
    step = round_up(run / count)
    first, last = math.ceil(Fraction(low) / step), math.floor(Fraction(high) / step)
    return [step * at for at in range(first, last + 1)]


def _tick(number: Fraction) -> str:
    return f"{float(number):,.10g}"
