"""Charts of notebooks: what they show is what the frame holds, and their labels are whole."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from reports.notebook_charts import bars_down_and_up, lines, slopes, trade_off, use_svg

LONG = "培训各类人才（人）与带动就业（人）和新增中小微企业（户）的取舍，按2018—2019年实绩测算的口径"


def drawn(chart: Any) -> str:
    """The chart as SVG, as a notebook shows it."""
    use_svg()
    return str(chart._repr_mimebundle_()["image/svg+xml"])


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def points() -> pd.DataFrame:
    return pd.DataFrame(
        {"label": ["a", "b"], "x": [1.0, 2.0], "jobs": [5.0, 7.0], "firms": [2.0, 1.0]}
    )


@pytest.mark.slow
def test_labels_are_text_and_whole_however_long_they_are() -> None:
    said = texts(drawn(trade_off(points(), "jobs", "firms", {"jobs": LONG, "firms": "户"})))
    assert LONG in said and "户" in said and {"a", "b"} <= set(said)


def test_there_is_a_panel_for_each_column() -> None:
    chart = lines(points(), "x", {"x": "占比", "jobs": "带动就业", "firms": "新增企业"})
    said = texts(drawn(chart))
    assert said.count("占比") == 2 and "带动就业" in said and "新增企业" in said


@pytest.mark.parametrize("most, count", [(1, 1), (9, 2)])
def test_a_tornado_shows_so_many_assumptions_the_largest_on_top(most: int, count: int) -> None:
    frame = pd.DataFrame(
        {
            "rank": [1, 1, 2, 2],
            "path": ["wide", "wide", "narrow", "narrow"],
            "side": ["down", "up"] * 2,
            "now": [1, 1, 1, 1],
            "value": [0, 2, 0, 2],
            "worth": [-3.0, 2.0, -1.0, 1.0],
            "range": [""] * 4,
        }
    )
    said = texts(drawn(bars_down_and_up(frame, "worth", "综合指数", most)))
    assert [text for text in said if text in ("wide", "narrow")] == ["wide", "narrow"][:count]


def test_slopes_name_each_line_at_its_end() -> None:
    frame = pd.DataFrame(
        {
            "label": ["昭觉县", "昭觉县", "布拖县", "布拖县"],
            "column": ["base", "tilt"] * 2,
            "amount": [280, 300, 186, 150],
        }
    )
    said = texts(drawn(slopes(frame, ["base", "tilt"], {"amount": "万元"})))
    assert said.count("昭觉县") == said.count("布拖县") == 1 and "万元" in said
