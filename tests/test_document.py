"""A document in every medium: the same words, numbers as numbers, nothing that could be code."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from models.scenario import load
from models.strict_yaml import Text
from optimizer.sensitivity.near_optimal import ranges
from optimizer.study.study_result import Study, Value
from reports.catalogue import Words
from reports.document import Document, Figure, Grid, Line, Paragraph, item
from reports.documents.range_table import ranges_page
from reports.documents.study_page import study_page
from reports.excel.excel_document import document_xlsx, number_of
from reports.html import environment
from reports.html.html_document import document_html
from reports.numbers import room, signed_change, signed_figures
from reports.svg import (
    Effect,
    HeatCell,
    Span,
    effect_bars,
    heat_map,
    round_steps,
    span_bars,
    value_curve,
)
from reports.terminal import render
from tests.chromium import Browser

EXAMPLE = Path(__file__).with_name("example") / "three-towns.yaml"
BAD = "<script>alert(1)</script>\u202e\x1b[2J"
LINES = (
    Line(("Farms", "", "", ""), "block"),
    Line(("Hill", "33,000", "27.0%", "+1.50")),
    Line(("07", "≥60", "-", "12")),
    Line(("All", "33,060", "100.0%", "0"), "total"),
    Line(("Vale", "-5.25", "0.5%", "1234.5"), "broken"),
    Line(("seven more", "", "", ""), "note"),
)
GRID = Grid("Money (10k yuan)", ("Place", "Money", "Share", "Change"), LINES)
FIGURE = effect_bars("Bars", "What the bars show", [Effect("floor", ("down", -1.0), ("up", 2.0))])
DOCUMENT = Document(
    "What was found",
    (
        Paragraph("Opening."),
        Paragraph("Not to be acted on.", "alarm"),
        Paragraph(""),
        Paragraph("Why", "heading"),
        item("first point"),
        item("second point"),
        item("below it", 4),
        GRID,
        FIGURE,
        Grid("Others", ("Place", "Said"), (Line(("Hill", "some")),), frozenset({0, 1})),
        Paragraph("Closing.", indent=2, start=2),
    ),
    (Paragraph("A last note.", "heading"), item("=1+1")),
)


def page(document: Document, lang: str = "en") -> str:
    return document_html(document, Words(lang)).decode()


def book(document: Document, lang: str = "en") -> Any:
    return openpyxl.load_workbook(io.BytesIO(document_xlsx(document, Words(lang))))


class Shown(HTMLParser):
    """The text of a page, and its elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text.split("</head>")[1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def words_of(document: Document) -> list[str]:
    """Every text of a document but its figures', in order."""
    found = [document.title]
    for part in (*document.parts, *document.notes):
        if isinstance(part, Grid):
            found += [part.title, *part.header]
            found += [cell for line in part.lines for cell in line.cells if cell]
        elif isinstance(part, Paragraph) and part.text:
            found.append(part.text)
    return found


def in_order(wanted: list[str], said: str) -> bool:
    at = 0
    for text in wanted:
        at = said.find(text, at)
        if at < 0:
            return False
        at += len(text)
    return True


def test_every_word_stands_in_every_medium() -> None:
    wanted = words_of(DOCUMENT)
    assert in_order(wanted, render(DOCUMENT, 100))
    texts = Shown(page(DOCUMENT)).texts
    body = "\n".join(texts[texts.index("Opening.") :])
    assert in_order(wanted[1:], body)
    cells = [
        str(cell.value) for sheet in book(DOCUMENT) for row in sheet for cell in row if cell.value
    ]
    assert not [
        text for text in wanted if not any(text in cell for cell in cells) if "0" not in text
    ]


def test_the_terminal_draws_headings_points_and_no_figure() -> None:
    lines = render(DOCUMENT, 60).splitlines()
    at = lines.index("Why")
    assert lines[at - 2 : at + 4] == [
        "",
        "",
        "Why",
        "  - first point",
        "  - second point",
        "    - below it",
    ]
    assert lines[0] == "What was found"
    assert "  Closing." in lines
    assert "What the bars show" not in "\n".join(lines)


def test_the_page_marks_rows_sets_numbers_right_and_draws_figures() -> None:
    text = page(DOCUMENT)
    shown = Shown(text)
    rows = [attrs.get("class") for tag, attrs in shown.tags if tag == "tr"]
    assert [name for name in rows if name] == ["block", "total", "broken", "note"]
    assert '<th colspan="4" scope="colgroup">Farms</th>' in text
    assert '<th scope="row">Hill</th><td class="n">33,000</td>' in text
    assert "<td>some</td>" in text
    assert text.count("<svg ") == 1 and "What the bars show" in shown.texts
    assert '<p class="alarm" role="alert">Not to be acted on.</p>' in text


def test_the_page_is_one_file_without_scripts_in_the_language_asked_for() -> None:
    for lang, tag in (("zh", "zh-CN"), ("en", "en")):
        text = page(DOCUMENT, lang)
        assert f'<html lang="{tag}">' in text
        assert "<script" not in text and "http" not in text.replace("http-equiv", "")
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
        assert policy and policy[1].startswith("default-src &#39;none&#39;; style-src")
        assert "script-src" not in policy[1]


def test_the_contents_lead_to_every_heading() -> None:
    shown = Shown(page(DOCUMENT))
    targets = [attrs["href"] for tag, attrs in shown.tags if tag == "a"]
    heads = ["#" + str(attrs.get("id")) for tag, attrs in shown.tags if tag == "h2"]
    assert targets == heads == [f"#h{at}" for at in range(1, 6)]
    short = Document("A", (Paragraph("b", "heading"),))
    assert "<nav" not in page(short)


def test_nothing_from_outside_becomes_code() -> None:
    parts = (
        Paragraph(BAD),
        Grid(BAD, (BAD, BAD), (Line((BAD, "=1+1")), Line(("@a", "+b")))),
        effect_bars(BAD, BAD, [Effect(BAD, (BAD, 1.0), (BAD, None))]),
    )
    hostile = Document(BAD, parts, (item(BAD),))
    text = page(hostile)
    assert "<script" not in text and "\u202e" not in text and "\x1b" not in text
    assert "\x1b" not in render(hostile, 80)
    wb = book(hostile)
    cells = [cell for sheet in wb for row in sheet for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert all(cell.value is None for cell in cells if cell.data_type == "n")
    assert "\u202e" not in "".join(str(cell.value) for cell in cells)


@pytest.mark.parametrize(
    ("text", "number", "form"),
    [
        ("33,000", Fraction(33000), "#,##0"),
        ("0", Fraction(0), "#,##0"),
        ("-5.25", Fraction("-5.25"), "#,##0.00"),
        ("27.0%", Fraction("0.27"), "#,##0.0%"),
        ("1234.5", Fraction("1234.5"), "0.0"),
        ("+1.50", Fraction("1.5"), "+#,##0.00;-#,##0.00;#,##0.00"),
    ],
)
def test_plain_numbers_are_read_as_they_are_shown(text: str, number: Fraction, form: str) -> None:
    assert number_of(text) == (number, form)


@pytest.mark.parametrize(
    "text", ["", "-", "≥60", "07", "1,23", "1e-5", "5–9", "3 (10 limits)", "1.", "--1", "33,000 A"]
)
def test_other_cells_stay_text(text: str) -> None:
    assert number_of(text) is None


def test_changes_carry_their_sign_and_read_0_where_they_are_nothing() -> None:
    changes = [
        signed_change(number) for number in (None, *map(Fraction, ("5", "-5", "0", "0.004")))
    ]
    assert changes == ["-", "+5", "-5", "0", "+0.004"]
    assert (
        signed_change(Fraction("0.04"), 1) == "0"
        and signed_change(Fraction("1000.06"), 1) == "+1,000.1"
    )
    told = [0.01234, -165.2, float("inf"), 0.99996, 1.0, -9.9996]
    assert [signed_figures(number) for number in told] == [
        *("+0.0123", "-165", "0", "+1.00", "+1.00", "-10.0")
    ]
    assert room(Fraction(0), 1) == "0" and room(Fraction("0.004"), 1) == "0.004"


def test_a_sheet_holds_numbers_and_codes_stay_text() -> None:
    wb = book(DOCUMENT)
    assert wb.sheetnames == ["Notes", "1 Money", "2 Others"]
    rows = list(wb["1 Money"].iter_rows(min_row=3, values_only=True))
    assert rows[0] == GRID.header
    assert rows[2] == ("Hill", 33000, 0.27, 1.5)
    assert rows[3] == ("07", "≥60", "-", 12)
    assert wb["1 Money"]["C5"].number_format == "#,##0.0%"
    assert wb["1 Money"]["A7"].font.bold and wb["1 Money"].freeze_panes == "B4"
    assert [cell.hyperlink.location for row in wb["Notes"] for cell in row if cell.hyperlink] == [
        "'1 Money'!A1",
        "'2 Others'!A1",
    ]


def test_sheets_of_like_or_odd_titles_have_names_of_their_own() -> None:
    grids = tuple(
        Grid(title, ("a", "b"), (Line(("c", "1")),))
        for title in ("Money: 'all' [x]/y", "Money: 'all' [x]/y", "长" * 60, "", "History")
    )
    names = book(Document("t", grids), "zh").sheetnames
    assert len(set(names)) == 6
    assert all(len(name) <= 31 for name in names)
    assert names[1] == "1 Money   all   x  y"


def test_the_same_document_gives_the_same_bytes() -> None:
    first, second = (document_xlsx(DOCUMENT, Words("zh")) for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert document_html(DOCUMENT, Words("zh")) == document_html(DOCUMENT, Words("zh"))


def test_one_sentence_is_a_document_in_every_medium() -> None:
    alone = Document("", (Paragraph("Written: x.csv"),))
    assert render(alone, 80) == "Written: x.csv"
    assert "<title>Written: x.csv</title>" in page(alone) and "<h1>" not in page(alone)
    assert book(alone)["Notes"]["A1"].value == "Written: x.csv"
    assert book(alone).sheetnames == ["Notes"]


def test_what_stands_alone_says_what_it_is_about_and_a_terminal_does_not() -> None:
    found = ranges_page(ranges(load(EXAMPLE, set_={"budget": 60})), (), Words("en"))
    fund, scenario, changed = found.about
    assert fund and "three-towns" in scenario and "budget=60" in changed
    said = page(found)
    assert all(text in said for text in ("budget=60", f'<p class="fine">{fund}</p>'))
    cells = [row[0].value for row in book(found).worksheets[0].iter_rows(max_row=4)]
    assert cells[1:4] == [fund, scenario, changed]
    assert "budget=60" not in render(found, 100)


def test_only_a_proposal_is_called_a_draft_on_every_sheet() -> None:
    footers = {str(sheet.oddFooter.left.text) for sheet in book(DOCUMENT).worksheets}
    assert footers == {"None"}


def study(kind: str, columns: tuple[str, ...], rows: tuple[tuple[Value, ...], ...]) -> Study:
    return Study(kind, "three-towns", columns, rows, {}, (Text(zh="说明", en="A note"),))


def figures(document: Document) -> list[Figure]:
    return [part for part in document.parts if isinstance(part, Figure)]


TORNADO = ("rank", "path", "side", "now", "value", "worth", "moved", "told_apart", "status", "why")


def test_a_tornado_draws_its_assumptions_unless_none_has_an_effect() -> None:
    rows: tuple[tuple[Value, ...], ...] = (
        (1, "rules.floor.at_least", "down", 10, 9, 0.25, 4, True, "optimal", ""),
        (1, "rules.floor.at_least", "up", 10, 11, None, None, None, "infeasible", "why"),
    )
    scenario = load(EXAMPLE)
    [drawn] = figures(study_page(study("tornado", TORNADO, rows), scenario, Words("en")))
    assert "down to 9: +0.2500" in drawn.svg
    assert "up to 11: rules in conflict" in drawn.svg
    idle = tuple((*row[:5], 0.0, *row[6:]) for row in rows)
    assert not figures(study_page(study("tornado", TORNADO, idle), scenario, Words("en")))


def test_a_sweep_draws_the_index_along_its_path_and_a_grid_does_not() -> None:
    columns = ("budget", "worth", "price", "spent", "method", "status", "why")
    rows: tuple[tuple[Value, ...], ...] = (
        (45, None, None, None, "exact", "infeasible", "why"),
        (46, 1.0, 0.1, 46, "exact", "optimal", ""),
        (60, 2.0, None, 60, "exact", "optimal", ""),
    )
    scenario = load(EXAMPLE)
    [drawn] = figures(study_page(study("sweep", columns, rows), scenario, Words("zh")))
    assert drawn.svg.count("<circle") == 2 and "budget" in drawn.title
    one = study("sweep", columns, rows[:2])
    assert not figures(study_page(one, scenario, Words("zh")))


def test_ranges_draw_the_widest_of_counties_and_of_tasks() -> None:
    found = ranges(load(EXAMPLE))
    drawn = figures(ranges_page(found, (), Words("en")))
    assert len(drawn) == 2
    wide = [one for one in found.rows if one.what == "county" and one.high - one.low > 1e-6]
    assert drawn[0].svg.count('class="now"') == len(wide)


def test_figures_of_nothing_but_equal_numbers_are_drawn() -> None:
    flat = value_curve("t", "a", [(1.0, 0.0), (1.0, 0.0)])
    still = span_bars("t", "a", [Span("x", "0–0", 0.0, 0.0, 0.0, None)])
    none = effect_bars("t", "a", [Effect("x", ("d", 0.0), ("u", None))])
    for one in (flat, still, none):
        assert one.svg.startswith("<svg") and "nan" not in one.svg and "inf" not in one.svg


def test_where_nothing_is_left_a_drawing_is_hatched() -> None:
    bars = effect_bars("t", "a", [Effect("x", ("down to 4: conflict", None), ("up", 1.0))])
    curve = value_curve("t", "a", [(1.0, 3.0), (2.0, 1.0)], gaps=[(3.0, 4.0)])
    shades = [[HeatCell("1.0", "k0"), HeatCell("conflict", None)], [HeatCell("2", "k4", True)] * 2]
    heat = heat_map("t", "a", (["1", "2"], ["x", "y"]), ("down", "across"), shades)
    for one, count in ((bars, 1), (curve, 1), (heat, 1)):
        assert one.svg.count("<rect") >= count and one.svg.count("<path") >= count
        assert one.svg.count('class="hatch"') == 2 * count, "a frame and its lines"
    assert heat.svg.count('class="tile k4"') == 2 and "conflict" in heat.svg
    # The axis goes on to where there is nothing: 4, three quarters further than the last point.
    assert ">4</text>" in curve.svg


def test_axes_are_cut_at_round_numbers() -> None:
    assert round_steps(380, 460, 4) == [380, 400, 420, 440, 460]
    assert round_steps(-0.3, 0.3, 3) == [Fraction("-0.2"), 0, Fraction("0.2")]
    assert round_steps(5, 5) == [5]


@pytest.mark.slow
def test_a_browser_shows_it_from_the_disk_on_a_phone_and_on_paper(
    chromium: Browser, tmp_path: Path
) -> None:
    wide = Grid("Wide", tuple("abcdefghijklmnop"), (Line(tuple(["1,000,000"] * 16)),))
    file = tmp_path / "page.html"
    file.write_text(page(Document(DOCUMENT.title, (*DOCUMENT.parts, wide)), "zh"), "utf-8")
    chromium.open(file, 390)
    assert chromium.requests() == [file.as_uri()]
    assert chromium.complaints() == []
    assert chromium.run("return document.documentElement.scrollWidth") == 390
    right = chromium.run("return getComputedStyle(document.querySelector('td.n')).textAlign")
    assert right == "right"
    chromium.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_templates_are_compiled_once_and_a_page_is_drawn_where_they_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python keeps its modules: beside them, and never at the cost of what is asked."""
    draw, drawn = environment.__wrapped__, []
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for folder in (tmp_path / "missing", tmp_path, tmp_path):
        templates = draw()
        templates.bytecode_cache.directory = str(folder)
        if list(tmp_path.glob("*.j2c")):  # Then nothing is left to be compiled.
            monkeypatch.setattr(templates, "_compile", None)
        drawn.append(str(templates.get_template("parts.html.j2").module))
    assert [*tmp_path.iterdir()] and not (tmp_path / "missing").exists()
    assert len(set(drawn)) == 1
