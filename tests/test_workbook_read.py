"""Workbooks that people have edited, read back: what is understood, and what is refused where."""

from __future__ import annotations

import datetime
import io
import random
import re
import tempfile
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import InputError
from models.scenario import Scenario, load
from models.table import Note
from models.workbook.reader import read_table
from models.workbook.xlsx_file import LARGEST_UNPACKED, MOST_PARTS
from tests.books import TABLE, edited, heads, row_of, write_book
from tests.worlds import world, write_world

COUNTIES = {
    "510101": {"name_zh": "甲县", "name_en": "First County", "zone": "north"},
    "510102": {"name_zh": "乙县", "name_en": "Second County", "zone": "south"},
    "510103": {"name_zh": "丙县", "name_en": "Third County", "zone": "north"},
}
AMOUNTS = [[30, 0], [0, 20], [7, 8]]
Change = Callable[[Any], None]


def scenario_of(folder: Path, **scenario: Any) -> Scenario:
    body = {"budget": 100, **scenario}
    money = {"zh": "万元", "en": "10k yuan"}
    made = world(folder, body, counties=COUNTIES, programme={"money": money})
    labels = "subtotal: zone\nshown: [zone]\n"
    (folder / "world" / "labels.yaml").write_text(labels, encoding="utf-8")
    return made


def read(path: Path, scenario: Scenario) -> tuple[list[list[Any]], tuple[Note, ...]]:
    outside = {row.code: row.name for row in scenario.spec.outside}
    allocation, notes = read_table(path, scenario.programme, outside)
    return allocation.amounts.tolist(), notes


@pytest.fixture
def given_book(tmp_path: Path) -> tuple[Path, Scenario]:
    scenario = scenario_of(tmp_path)
    return write_book(tmp_path / "book.xlsx", scenario, AMOUNTS), scenario


def at(sheet: Any, code: str, task: str) -> Any:
    """The cell of a county and a task."""
    head, titles = heads(sheet)
    return sheet.cell(row_of(sheet, code), titles[task])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_was_written_is_read_back(tmp_path: Path, lang: str) -> None:
    outside = [{"code": "5101", "name": "市本级", "amount": 13}]
    scenario = scenario_of(tmp_path, outside=outside)
    path = write_book(tmp_path / "book.xlsx", scenario, AMOUNTS, lang)
    allocation, notes = read_table(path, scenario.programme, {"5101": "市本级"})
    assert (allocation.amounts.tolist(), notes) == (AMOUNTS, ())
    assert allocation.outside == (("5101", "市本级", Fraction(13)),)
    assert allocation.spent == 78


def test_rows_sorted_and_columns_moved_and_inserted_change_nothing(
    given_book: tuple[Path, Scenario],
) -> None:
    path, scenario = given_book

    def shuffle(file: Any) -> None:
        sheet = file[TABLE["zh"]]
        head, _ = heads(sheet)
        rows = [[c.value for c in cells] for cells in sheet.iter_rows(min_row=head)]
        order = [2, 0, *random.Random(1).sample(range(3, len(rows[0])), len(rows[0]) - 3), 1]
        sheet.delete_rows(1, sheet.max_row)
        sheet.append(["随手写的一行"])
        for row in [rows[0], *random.Random(2).sample(rows[1:], len(rows) - 1)]:
            sheet.append(["插入的一列", *(row[at] for at in order)])

    assert read(edited(path, shuffle), scenario) == (AMOUNTS, ())


def test_without_the_hidden_sheet_the_titles_serve(given_book: tuple[Path, Scenario]) -> None:
    path, scenario = given_book

    def rename(file: Any) -> None:
        del file["allot"]
        sheet = file[TABLE["zh"]]
        sheet.title = "表一"
        head, titles = heads(sheet)
        sheet.cell(head, titles["行政区划代码"]).value = "代码"
        sheet.cell(head, titles["road"]).value = "ＲＯＡＤ "

    assert read(edited(path, rename), scenario) == (AMOUNTS, ())


WRITTEN = [
    ("１２", 12, "text"),
    ("1,200.5", Fraction("1200.5"), "text"),
    ("300万元", 300, "text"),
    ("300 万元 ", 300, "text"),
    ("45 10k yuan", 45, "text"),
    ("３，０００", 3000, "text"),
    ("—", 0, "dash"),
    ("－", 0, "dash"),
    ("", 0, "blank"),
    ("  ", 0, "blank"),
    (None, 0, "blank"),
    (12.5, Fraction("12.5"), None),
    (0.1 + 0.2, Fraction("0.3"), None),
    (1234567890.125, Fraction("1234567890.125"), None),
    (40.0, 40, None),
    (1234567890.12, Fraction("1234567890.12"), None),
]


@pytest.mark.parametrize(("written", "number", "kind"), WRITTEN)
def test_what_can_mean_one_number_only_is_read_as_it_and_told(
    given_book: tuple[Path, Scenario], written: Any, number: Any, kind: str | None
) -> None:
    path, scenario = given_book

    def write(file: Any) -> None:
        at(file[TABLE["zh"]], "510101", "road").value = written

    amounts, notes = read(edited(path, write), scenario)
    assert amounts == [[number, 0], *AMOUNTS[1:]]
    told = [(note.kind, note.place) for note in notes]
    assert told == ([] if kind is None else [(kind, "资金分配表!F7")])


def test_of_two_names_of_the_unit_the_longer_one_is_taken_off_first(tmp_path: Path) -> None:
    money = {"zh": "coins", "en": "gold coins"}
    scenario = world(tmp_path, {"budget": 100}, counties=COUNTIES, programme={"money": money})
    path = write_book(tmp_path / "book.xlsx", scenario, AMOUNTS)

    def write(file: Any) -> None:
        at(file[TABLE["zh"]], "510101", "road").value = "45 gold coins"
        at(file[TABLE["zh"]], "510102", "road").value = "46 coins"

    amounts, _ = read(edited(path, write), scenario)
    assert amounts == [[45, 0], [46, 20], AMOUNTS[2]]


def test_a_code_whose_zeros_a_spreadsheet_took_is_known_again(tmp_path: Path) -> None:
    counties = {f"0{code[1:]}": row for code, row in COUNTIES.items()}
    scenario = world(tmp_path, {"budget": 100}, counties=counties)
    path = write_book(tmp_path / "book.xlsx", scenario, AMOUNTS)
    amounts, notes = read(edited(path, _code("010102", 10102)), scenario)
    assert amounts == AMOUNTS
    assert [(note.kind, note.text) for note in notes] == [("padded", "10102 → 010102")]


REFUSED = [
    ("若干", "holds the text '若干' where an amount is due"),
    ("12元", "holds the text '12元' where an amount is due"),
    ("1,20", "holds the text '1,20' where an amount is due"),
    ("1２", "'1２' mixes digits of two scripts"),
    ("(5)", "holds the text '(5)' where an amount is due"),
    ("-5", "is negative ('-5')"),
    ("−5万元", "is negative ('−5万元')"),
    (-5, "is negative (-5)"),
    (True, "holds TRUE where an amount is due"),
    (datetime.datetime(2020, 1, 2), "holds a date or time"),
    ("=1+2", "holds a formula without a stored value; recalculate and save the file"),
    ("#DIV/0!", "holds an error (#DIV/0!)"),
]


@pytest.mark.parametrize(("written", "message"), REFUSED)
def test_what_is_no_amount_is_refused_with_its_cell(
    given_book: tuple[Path, Scenario], written: Any, message: str
) -> None:
    path, scenario = given_book

    def write(file: Any) -> None:
        at(file[TABLE["zh"]], "510103", "school").value = written

    with pytest.raises(InputError) as caught:
        read(edited(path, write), scenario)
    assert str(caught.value).startswith(f"edited.xlsx: 资金分配表!G8: {message}")


def _code(code: str, new: Any) -> Change:
    def write(file: Any) -> None:
        sheet = file[TABLE["zh"]]
        sheet.cell(row_of(sheet, code), heads(sheet)[1]["行政区划代码"]).value = new

    return write


def _title(title: str, new: Any) -> Change:
    def write(file: Any) -> None:
        sheet = file[TABLE["zh"]]
        head, titles = heads(sheet)
        sheet.cell(head, titles[title]).value = new

    return write


def _name(file: Any) -> None:
    sheet = file[TABLE["zh"]]
    sheet.cell(row_of(sheet, "510101"), heads(sheet)[1]["County"]).value = "乙县"


FAULTS: list[tuple[Change, str]] = [
    (_code("510102", "510101"), "资金分配表!D10: 510101 stands in D7 already"),
    (_code("510102", "510192"), "资金分配表!D10: unknown county '510192' (did you mean '510102'?)"),
    (_code("510102", None), "资金分配表!G10: money stands here in a row without a code"),
    (_title("road", "路"), "资金分配表: row 4: no column has the title of the task 'road'"),
    (_title("占比", "road"), "资金分配表: I4: the task 'road' stands in F4 already"),
    (_name, "资金分配表!C7: 乙县 is not the county 510101"),
]


@pytest.mark.parametrize(("change", "message"), FAULTS)
def test_a_table_out_of_joint_is_refused_with_its_cell(
    given_book: tuple[Path, Scenario], change: Change, message: str
) -> None:
    path, scenario = given_book
    with pytest.raises(InputError) as caught:
        read(edited(path, change), scenario)
    assert message in str(caught.value)


def test_all_faults_are_named_at_once(given_book: tuple[Path, Scenario]) -> None:
    path, scenario = given_book

    def spoil(file: Any) -> None:
        sheet = file[TABLE["zh"]]
        at(sheet, "510101", "road").value = "甲"
        at(sheet, "510102", "school").value = -1
        _code("510103", "9")(file)

    with pytest.raises(InputError) as caught:
        read(edited(path, spoil), scenario)
    places = [problem.path for problem in caught.value.problems]
    assert places == ["资金分配表!F7", "资金分配表!D8", "资金分配表!G10"]


def test_a_county_without_a_row_gets_nothing_and_that_is_told(
    given_book: tuple[Path, Scenario],
) -> None:
    path, scenario = given_book

    def drop(file: Any) -> None:
        sheet = file[TABLE["zh"]]
        sheet.delete_rows(row_of(sheet, "510103"))

    amounts, notes = read(edited(path, drop), scenario)
    assert amounts == [*AMOUNTS[:2], [0, 0]]
    assert [(note.kind, note.text) for note in notes] == [("missing", "510103 丙县")]


def test_tasks_of_one_title_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 100}, counties=COUNTIES)
    titles = "- {id: road, title: 路}\n- {id: school, title: 路}\n"
    (tmp_path / "world" / "tasks.yaml").write_text(titles, encoding="utf-8")
    scenario = load(path)
    book = write_book(tmp_path / "book.xlsx", scenario, AMOUNTS)
    assert "路（road）" in heads(openpyxl.load_workbook(book)[TABLE["zh"]])[1]
    assert read(book, scenario) == (AMOUNTS, ())

    def drop(file: Any) -> None:
        del file["allot"]

    assert read(edited(book, drop), scenario) == (AMOUNTS, ())


def test_totals_are_never_read(given_book: tuple[Path, Scenario]) -> None:
    path, scenario = given_book

    def lie(file: Any) -> None:
        sheet = file[TABLE["zh"]]
        head, titles = heads(sheet)
        for row in range(head + 1, head + 7):
            sheet.cell(row, titles["本年安排数"]).value = 9999
            if sheet.cell(row, titles["行政区划代码"]).value in (None, ""):
                sheet.cell(row, titles["road"]).value = 9999

    assert read(edited(path, lie), scenario) == (AMOUNTS, ())


def test_a_workbook_of_another_programme_is_refused(
    given_book: tuple[Path, Scenario], tmp_path: Path
) -> None:
    path, scenario = given_book
    other = world(tmp_path / "o", {"budget": 9}, counties=COUNTIES, programme={"id": "other"})
    with pytest.raises(InputError, match="was made for the programme 'world', not for 'other'"):
        read(path, other)


def test_money_outside_beside_a_county_of_the_grid_is_refused(tmp_path: Path) -> None:
    outside = [{"code": "5101", "name": "市本级", "amount": 13}]
    scenario = scenario_of(tmp_path, outside=outside)
    path = write_book(tmp_path / "book.xlsx", scenario, AMOUNTS)

    def move(file: Any) -> None:
        at(file[TABLE["zh"]], "510101", "表外安排数").value = 5

    with pytest.raises(InputError, match="stands beside a county of the grid"):
        read(edited(path, move), scenario)


def _merge(cells: str) -> Change:
    def merge(file: Any) -> None:
        file[TABLE["zh"]].merge_cells(cells)

    return merge


def test_merged_cells_are_refused_by_name(given_book: tuple[Path, Scenario]) -> None:
    path, scenario = given_book
    with pytest.raises(InputError) as caught:
        read(edited(path, _merge("F7:G7")), scenario)
    assert "资金分配表!F7:G7: these cells are merged; take them apart" in str(caught.value)


def test_cells_merged_beside_the_table_change_nothing(given_book: tuple[Path, Scenario]) -> None:
    path, scenario = given_book
    assert read(edited(path, _merge("A6:C6")), scenario) == (AMOUNTS, ())


UNITS = [
    ("单位：元", "the unit is 元 where amounts in 万元 / 10k yuan are due"),
    ("（金额单位: 百万元）", "the unit is 百万元"),
    ("Money in yuan", "the unit is yuan"),
    ("填报单位：第一公司元", None),
    ("单位：万元", None),
    ("Unit: 10k yuan", None),
]


@pytest.mark.slow
@pytest.mark.parametrize(("said", "message"), UNITS)
def test_a_table_in_another_unit_of_money_is_refused(
    given_book: tuple[Path, Scenario], said: str, message: str | None
) -> None:
    path, scenario = given_book

    def write(file: Any) -> None:
        file[TABLE["zh"]].cell(2, 1).value = said

    if message is None:
        assert read(edited(path, write), scenario) == (AMOUNTS, ())
        return
    with pytest.raises(InputError) as caught:
        read(edited(path, write), scenario)
    assert f"资金分配表!A2: {message}" in str(caught.value)


def test_the_one_of_two_equal_sheets_that_is_read_is_named(
    given_book: tuple[Path, Scenario],
) -> None:
    path, scenario = given_book

    def copy(file: Any) -> None:
        at(file.copy_worksheet(file[TABLE["zh"]]), "510101", "road").value = 99

    amounts, notes = read(edited(path, copy), scenario)
    assert amounts == AMOUNTS
    assert notes == (Note("资金分配表", "sheet", "资金分配表 Copy"),)


# ---- files that are no workbooks ----


def _zip(parts: dict[str, bytes], folder: Path) -> Path:
    path = folder / "bad.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def _bad(kind: str, folder: Path, good: bytes) -> Path:
    path = folder / "bad.xlsx"
    bomb = {"xl/workbook.xml": b" ", "xl/sheet.xml": bytes(LARGEST_UNPACKED)}
    contents = {
        "text": b"county,task,amount\n",
        "empty": b"",
        "locked": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
        "cut": good[: len(good) // 2],
        "spoilt": good.replace(b"<", b"#"),
    }
    if kind in contents:
        path.write_bytes(contents[kind])
        return path
    if kind == "bomb":
        return _zip(bomb, folder)
    if kind == "parts":
        return _zip({f"{number}": b"" for number in range(MOST_PARTS + 1)}, folder)
    if kind == "zip":
        return _zip({"readme.txt": b"hello"}, folder)
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if kind == "entities":
        evil = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>'
        parts["xl/workbook.xml"] = evil + parts["xl/workbook.xml"]
    else:
        parts["xl/worksheets/sheet1.xml"] = b"<worksheet><sheetData><row></sheetData>"
    return _zip(parts, folder)


BAD = {
    "text": "is not a workbook (.xlsx)",
    "empty": "is not a workbook (.xlsx)",
    "zip": "is not a workbook (.xlsx)",
    "locked": "has a password or is an old .xls; save it as .xlsx without one",
    "cut": "is not readable as a workbook",
    "spoilt": "is not readable as a workbook",
    "broken": "is not readable as a workbook",
    "bomb": f"unpacks to {LARGEST_UNPACKED + 1:,} bytes",
    "parts": f"holds {MOST_PARTS + 1:,} parts",
    "entities": "xl/workbook.xml: declares a document type",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_no_workbook_is_refused(
    given_book: tuple[Path, Scenario], tmp_path: Path, kind: str
) -> None:
    path, scenario = given_book
    (tmp_path / "bad").mkdir()
    bad = _bad(kind, tmp_path / "bad", path.read_bytes())
    assert bad.stat().st_size < 10**6
    with pytest.raises(InputError, match=re.escape(BAD[kind])) as caught:
        read(bad, scenario)
    assert str(caught.value).startswith("bad.xlsx: ")


# ---- any edit ----

_CELLS = st.one_of(
    st.integers(0, 10**9),
    st.integers(0, 10**6).map(lambda cents: Fraction(cents, 100)),
)
_FORMS: list[Callable[[Fraction], Any]] = [
    lambda x: int(x) if x.denominator == 1 else float(x),
    lambda x: _decimal(x),
    lambda x: _decimal(x) + "万元",
    lambda x: f"{int(x):,}" if x.denominator == 1 else _decimal(x),
    lambda x: "".join(chr(ord(d) + 0xFEE0) if d.isdigit() else d for d in _decimal(x)),
]


def _decimal(number: Fraction) -> str:
    return str(int(number)) if number.denominator == 1 else f"{float(number):.2f}"


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(_CELLS, st.integers(0, 4)), min_size=6, max_size=6),
    st.randoms(use_true_random=False),
)
def test_any_amounts_in_any_form_and_order_are_read_back(
    cells: list[tuple[Any, int]], rng: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as name:
        scenario = scenario_of(Path(name))
        file = openpyxl.Workbook()
        sheet = file.active
        assert sheet is not None
        numbers = [Fraction(number) for number, _ in cells]
        rows = [
            [code, *(_FORMS[cells[2 * c + t][1]](numbers[2 * c + t]) for t in (0, 1))]
            for c, code in enumerate(COUNTIES)
        ]
        rng.shuffle(rows)
        order = rng.sample(range(3), 3)
        for row in [["code", "road", "school"], *rows]:
            sheet.append([row[place] for place in order])
        file.save(Path(name) / "free.xlsx")
        amounts, _ = read(Path(name) / "free.xlsx", scenario)
        assert amounts == [numbers[2 * c : 2 * c + 2] for c in range(3)]
