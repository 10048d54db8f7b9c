"""Drawings as SVG text: shapes by class, text escaped, a title and a description for each.

Numbers of a drawing are CSS pixels. Colours, fonts and line styles stand in the page's style
sheet under the class names, so that the drawing prints and reads like the page around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from markupsafe import Markup
from rich.cells import cell_len

from reports.document import clean

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
