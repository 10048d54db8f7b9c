"""Drawings of where the money goes: bars by task and by group, the Lorenz curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from models.labels import value_name
from models.lorenz import Lorenz, lorenz
from reports.numbers import percent, plain
from reports.page.sheet import Column, Sheet, amount_text, per_head, upper
from reports.readings import groups_of
from reports.svg import SMALL, Drawing, fitted, text_width

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


def task_bars(sheet: Sheet) -> Markup:
    """Money by task."""
    total = sheet.this.value("amount", sheet.counties, sheet.tasks)
    bars = []
    for task in sheet.tasks:
        money = sheet.this.value("amount", sheet.counties, [task])
        text = sheet.words("page.bar", money=amount_text(money), share=percent(money, total))
        bars.append(_bar(sheet, sheet.task_name(task), text, (sheet.counties, [task])))
    return _bars(sheet, sheet.words("page.by-task", money=sheet.money), bars)


def group_bars(sheet: Sheet) -> Markup | None:
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


def _bar(sheet: Sheet, label: str, text: str, block: tuple[Sequence[int], Sequence[int]]) -> Bar:
    others = tuple((c.kind, c.value("amount", *block)) for c in sheet.columns[1:])
    return Bar(label, text, sheet.this.value("amount", *block), others)


def _bars(sheet: Sheet, title: str, bars: Sequence[Bar]) -> Markup:
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


def money_spread(sheet: Sheet) -> Spread | None:
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


def _curve(sheet: Sheet, column: Column, heads: Sequence[Fraction]) -> Lorenz | None:
    money = [column.value("amount", [county], sheet.tasks) for county in sheet.counties]
    return lorenz(money, heads)


def _axes(sheet: Sheet, drawing: Drawing) -> None:
    low = 8 + _SIDE
    for step in range(5):
        at = Fraction(step, 4)
        drawing.line([(_LEFT, low - at * _SIDE), (_LEFT + _SIDE, low - at * _SIDE)], "grid")
        drawing.text((_LEFT - 5, low - at * _SIDE + 4), f"{step * 25}%", "e s")
        drawing.text((_LEFT + at * _SIDE, low + 15), f"{step * 25}%", "m s")
    drawing.line([(_LEFT, low), (_LEFT + _SIDE, 8)], "even")
    drawing.text((_LEFT + Fraction(_SIDE, 2), low + 32), sheet.words("page.lorenz.x"), "m s")
    drawing.text((_LEFT + 8, 22), sheet.words("page.lorenz.y"), "s")
