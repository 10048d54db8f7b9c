"""compare.html in a real Chromium: opened from the disk, used, and printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optimizer.compare import Compared
from reports.html.comparison_page import compare_html
from tests.chromium import Browser

pytestmark = pytest.mark.slow
FIND = ".tools[data-for=county-table] input"


@pytest.fixture(scope="module")
def pages(six: Compared, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {lang: folder / f"{lang}.html" for lang in ("zh", "en")}
    for lang, path in found.items():
        path.write_bytes(compare_html(six, lang))
    return found


def counties(chromium: Browser) -> list[str]:
    """The first cells of the counties that are shown."""
    return chromium.texts("#county-table tbody.one>tr:first-child>th")


def test_it_opens_without_a_request_or_a_complaint(
    chromium: Browser, pages: dict[str, Path]
) -> None:
    assert chromium.opened(pages["zh"]) == ([pages["zh"].as_uri()], [])


@pytest.mark.parametrize("script", [True, False])
def test_a_column_is_switched_off_everywhere(
    chromium: Browser, pages: dict[str, Path], script: bool
) -> None:
    with chromium.scripts(script):
        chromium.open(pages["zh"])
        chromium.click("#show2")
    assert chromium.texts(".v2") == []
    assert len(chromium.texts(".v1")) > 100
    assert len(chromium.texts(".twomaps figure")) == 9
    chromium.click("#show2")
    assert len(chromium.texts(".v2")) > 100


def test_a_county_that_is_found_alone_is_opened(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["zh"])
    for typed in ("昭觉", "zhaojue", "513431"):
        chromium.type(FIND, typed)
        assert [name[:3] for name in counties(chromium)] == ["昭觉县"]
        rows = chromium.texts("#county-table details[open] tr")
        assert len(rows) == 7
        assert "每县重点工作项数（不满足）" in rows[3]
    chromium.type(FIND, "彝族")
    assert len(counties(chromium)) > 10
    assert chromium.texts("#county-table details[open] tr") == []


def test_counties_sort_by_a_column(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["zh"])
    before = counties(chromium)
    chromium.click("#county-table thead .v1 [role=button]")
    cells = chromium.texts("#county-table tbody.one>tr:first-child>td.v1")
    money = [float(cell.split()[0].replace(",", "")) for cell in cells]
    assert money == sorted(money)
    assert sorted(counties(chromium)) == sorted(before)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_clipped_and_drawings_are_legible(
    chromium: Browser, pages: dict[str, Path], lang: str, width: int
) -> None:
    chromium.open(pages[lang], width)
    assert chromium.clipped() == []
    assert chromium.illegible() == []


def test_on_paper_every_county_stands_once_with_its_money(
    chromium: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    printed = chromium.printed(pages["zh"], tmp_path)
    text = "\f".join(printed)
    assert 8 < len(printed) < 25
    assert all("分配建议（草案）" in page for page in printed)
    for name in ("昭觉县", "宣汉县", "石渠县"):
        rows = re.findall(rf"^ *{name}[ ◆]+(?:[\d,]+ +(?:[+-]?[\d,]+)? *){{6}}$", text, re.M)
        assert len(rows) == 1, (name, rows)
