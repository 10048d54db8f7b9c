"""report.html in a real Chromium: opened from the disk, used, and printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.chromium import SHOWN, Browser
from tests.pages import base_solution, kept, page_of

pytestmark = pytest.mark.slow
UNREAD = "rules.new-money-deep-poverty.enabled=true"
COUNTIES = "#county-table"
UNLIFTED = ["未摘帽7县不低于因素法数", "各县不高于因素法数的160%"]
"""Titles of the first rules that hold for Zhaojue."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    solution = base_solution(UNREAD)
    (folder / "en.html").write_text(page_of(solution, "en"), "utf-8")
    return {"zh": kept(solution, folder / "r") / "report.html", "en": folder / "en.html"}


def first_cells(chromium: Browser, rows: str, cell: int = 0) -> list[str]:
    return chromium.texts(f"{rows}>:nth-child({cell + 1})")


def test_it_opens_from_the_disk_without_a_request_or_a_complaint(
    chromium: Browser, pages: dict[str, Path]
) -> None:
    assert chromium.opened(pages["zh"]) == ([pages["zh"].as_uri()], [])


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_counties_sort_by_their_money_and_back(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["zh"])
    rows, head = f"{COUNTIES} tr.county", f"{COUNTIES} th.sum [role=button]"
    before = first_cells(chromium, rows)
    chromium.click(head)
    money = [number(text) for text in first_cells(chromium, rows, 1)]
    assert money == sorted(money, reverse=True)
    assert len(money) == 88
    assert chromium.texts(f"{COUNTIES} tr.sub") == []
    assert chromium.texts(f"{COUNTIES} tr")[1].startswith("合计")
    chromium.click(head)
    money = [number(text) for text in first_cells(chromium, rows, 1)]
    assert money == sorted(money)
    chromium.click(head)
    assert first_cells(chromium, rows) == before
    assert len(chromium.texts(f"{COUNTIES} tr.sub")) == 12


def test_the_filter_finds_one_county_by_any_of_its_names(
    chromium: Browser, pages: dict[str, Path]
) -> None:
    chromium.open(pages["zh"])
    field = ".tools[data-for=county-table] input"
    for typed in ("昭觉", "zhaojue", "513431"):
        chromium.type(field, typed)
        assert [name[:3] for name in first_cells(chromium, f"{COUNTIES} tr.county")] == ["昭觉县"]
        assert chromium.texts(".tools[data-for=county-table] output") == ["显示1/88"]
    assert len(chromium.texts(f"{COUNTIES} tr.sub")) == 1
    chromium.type(field, "彝区")
    assert len(first_cells(chromium, f"{COUNTIES} tr.county")) == 13


def test_the_filter_of_the_rules_opens_to_the_limits_of_a_county(
    chromium: Browser, pages: dict[str, Path]
) -> None:
    chromium.open(pages["zh"])
    chromium.type(".tools[data-for=rules-table] input", "昭觉")
    rules = chromium.texts("#rules-table tbody.rule>tr:first-child>th")
    assert [text.splitlines()[0] for text in rules][:2] == UNLIFTED
    limits = chromium.texts("#rules-table .inner tbody tr>td:first-child")
    assert limits
    assert all("昭觉" in text for text in limits)


@pytest.mark.parametrize(("kind", "most"), [("broken", 12), ("binding", 15), ("assumed", 14)])
def test_rules_are_narrowed_to_what_matters(
    chromium: Browser, pages: dict[str, Path], kind: str, most: int
) -> None:
    chromium.open(pages["zh"])
    field = ".tools[data-for=rules-table] select"
    chromium.run(
        "const s = document.querySelector(arguments[0]); s.value = arguments[1];"
        "s.dispatchEvent(new Event('change'))",
        field,
        kind,
    )
    shown = chromium.run(
        SHOWN + ".map(e => [e.dataset.state, +e.dataset.binding, 'assumed' in e.dataset])",
        "#rules-table tbody.rule",
    )
    assert 0 < len(shown) <= most
    for state, binding, assumed in shown:
        assert {"broken": state == "broken", "binding": binding > 0, "assumed": assumed}[kind]


def test_rules_sort_within_their_blocks(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["zh"])
    order = (
        "return [...document.querySelectorAll('#rules-table>tbody')].map(e =>"
        " e.className.startsWith('block') ? '-' : +e.dataset.binding)"
    )
    before = chromium.run(order)
    chromium.click("#rules-table thead th:nth-child(6) [role=button]")
    after = chromium.run(order)
    assert [at for at, one in enumerate(after) if one == "-"] == [
        at for at, one in enumerate(before) if one == "-"
    ]
    blocks = "".join(f"{one} " for one in after).split("- ")[1:]
    for block in blocks:
        counts = [int(one) for one in block.split()]
        assert counts == sorted(counts)
    assert after != before


def test_without_javascript_all_is_there_and_no_dead_control(
    chromium: Browser, pages: dict[str, Path]
) -> None:
    with chromium.scripts(False):
        chromium.open(pages["zh"])
    assert len(first_cells(chromium, f"{COUNTIES} tr.county")) == 88
    assert chromium.texts("input, select, button, [role=button]") == []
    assert len(chromium.texts("summary")) > 10


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_clipped_and_drawings_are_legible(
    chromium: Browser, pages: dict[str, Path], lang: str, width: int
) -> None:
    chromium.open(pages[lang], width)
    assert chromium.run("return innerWidth") == width
    assert chromium.clipped() == []
    assert chromium.illegible() == []


# ---- paper ----


@pytest.fixture(scope="module")
def printed(
    one_browser: Browser, pages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """Language → the text of each printed page."""
    folder = tmp_path_factory.mktemp("paper")
    with one_browser.page() as shown:
        return {lang: shown.printed(page, folder) for lang, page in pages.items()}


def test_every_printed_page_says_that_it_is_a_draft_and_what_is_broken(
    printed: dict[str, list[str]],
) -> None:
    said = {
        "zh": ("分配建议（草案）", "未核到原文"),
        "en": ("Proposed allocation (draft)", "nobody has read"),
    }
    for lang, words in said.items():
        assert 8 < len(printed[lang]) < 30
        for text in printed[lang]:
            head = "".join(text.split("\n")[:9])
            for word in words:
                assert word in head


def test_every_county_is_printed_once_with_its_figures(
    printed: dict[str, list[str]], pages: dict[str, Path]
) -> None:
    lines = [
        re.sub(r"[◆●\s]+", " ", line).strip() for page in printed["zh"] for line in page.split("\n")
    ]
    names = re.findall(
        r'<tr class="county".*?<th scope="row">([^< ]+)', pages["zh"].read_text("utf-8")
    )
    assert len(names) == 88
    for name in names:
        rows = [line for line in lines if re.fullmatch(rf"{name}( [+\d,.-]+){{14}}", line)]
        assert len(rows) == 1, (name, rows)


def test_the_heads_of_a_table_stand_on_each_of_its_pages(printed: dict[str, list[str]]) -> None:
    row = re.compile(r"^ *[^\d\s]{2,9}[县市区](?: *◆)?(?: +[+\d,.-]+){14}$", re.MULTILINE)
    tables = [text for text in printed["zh"] if row.search(text)]
    assert len(tables) > 1
    for text in tables:
        before = text[: row.search(text).start()]  # type: ignore[union-attr]
        assert "合计" in before
        assert "县（市、区）" in before
