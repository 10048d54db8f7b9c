"""Charts of notebooks, made with Altair from the frames that studies give; nothing is computed.

They need the extra `notebook`. Drawn as SVG, whose labels stay text: a browser shows Chinese with
its own font, and no label is cut by the width of a font that this machine may not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


FONT = "'Noto Sans SC', 'Microsoft YaHei', 'PingFang SC', 'WenQuanYi Micro Hei', sans-serif"
BLUE, BROWN, GREY = "#1f5673", "#b5722b", "#6b7780"
_SIDE = 260
"""Width and height of one panel in pixels."""
Titles = Mapping[str, str]
"""Column → how a chart calls it."""


def use_svg() -> None:
    """Let a notebook show charts as SVG, in fonts that have Chinese."""
    import altair as alt

    def theme() -> Any:
        plain = {"labelFont": FONT, "titleFont": FONT, "labelLimit": 0, "titleLimit": 0}
        title = {"font": FONT, "anchor": "start", "limit": 0}
        return {"config": {"axis": plain, "legend": plain, "header": plain, "title": title}}

    alt.theme.register("allot", enable=True)(theme)
    alt.renderers.enable("svg")


def lines(
    frame: pd.DataFrame, along: str, titles: Titles, *, of: str | None = None
) -> alt.HConcatChart:
    """One panel for each column of `titles` but `along`, over the column `along`.

    `of`: a column whose values are lines of their own, told apart by colour and dashes. Rows
    without a figure leave a hole.
    """
    import altair as alt

    def panel(column: str) -> alt.Chart:
        chart = alt.Chart(frame).mark_line(point=True, color=BLUE)
        scale = alt.Scale(zero=False)
        chart = chart.encode(
            x=alt.X(along, type="quantitative", title=titles[along], scale=scale),
            y=alt.Y(column, type="quantitative", title=None, scale=scale),
            tooltip=list(titles),
        )
        if of is not None:
            colour = alt.Color(of, type="nominal", title=None, scale=alt.Scale(range=[BLUE, BROWN]))
            dash = alt.StrokeDash(of, type="nominal", title=None)
            chart = chart.encode(color=colour, strokeDash=dash)
        sized: alt.Chart = chart.properties(
            title=titles[column], width=_SIDE, height=_SIDE * 3 // 4
        )
        return sized

    return alt.hconcat(*(panel(column) for column in titles if column != along))


def bars_down_and_up(frame: pd.DataFrame, column: str, title: str, most: int = 15) -> alt.Chart:
    """A tornado: the effect of each assumption of `tornado` on `column`, the largest on top."""
    import altair as alt

    shown = frame[frame["rank"] <= most]
    chart: alt.Chart = (
        alt.Chart(shown)
        .mark_bar()
        .encode(
            x=alt.X(column, type="quantitative", title=title),
            y=alt.Y("path", type="nominal", title=None, sort=alt.SortField("rank")),
            color=alt.Color(
                "side",
                type="nominal",
                title=None,
                scale=alt.Scale(domain=["down", "up"], range=[BROWN, BLUE]),
            ),
            tooltip=["path", "side", "now", "value", column, "range"],
        )
        .properties(width=2 * _SIDE, height=22 * shown["path"].nunique())
    )
    return chart


def trade_off(frame: pd.DataFrame, across: str, up: str, titles: Titles) -> alt.LayerChart:
    """One dot a row: what it has of `across` and of `up`, with its column `label` beside it."""
    import altair as alt

    scale = alt.Scale(zero=False)
    dots = alt.Chart(frame).encode(
        x=alt.X(across, type="quantitative", title=titles[across], scale=scale),
        y=alt.Y(up, type="quantitative", title=titles[up], scale=scale),
        tooltip=["label", *titles],
    )
    texts = dots.mark_text(align="left", dx=7, font=FONT, color=GREY).encode(text="label")
    chart: alt.LayerChart = (dots.mark_circle(size=60, color=BLUE) + texts).properties(
        width=2 * _SIDE, height=_SIDE * 5 // 4
    )
    return chart


def slopes(frame: pd.DataFrame, order: Sequence[str], titles: Titles) -> alt.LayerChart:
    """One line a row's `label` from column to column of `order`, as a table long in form.

    `frame` has the columns `label`, `column` and `amount`.
    """
    import altair as alt

    base = alt.Chart(frame).encode(
        x=alt.X("column", type="nominal", title=None, sort=list(order)),
        y=alt.Y("amount", type="quantitative", title=titles["amount"]),
        detail="label",
        tooltip=["label", "column", "amount"],
    )
    last = base.transform_filter(alt.datum.column == order[-1])
    texts = last.mark_text(align="left", dx=7, font=FONT).encode(text="label")
    chart: alt.LayerChart = (base.mark_line(point=True, color=BLUE) + texts).properties(
        width=2 * _SIDE, height=_SIDE * 3 // 2
    )
    return chart
