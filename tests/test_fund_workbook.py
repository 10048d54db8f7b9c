"""A workbook is a scenario: written, filled in as a clerk does, read wherever YAML is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings

import allot
import cli
from models.errors import InputError
from models.metadata import Labels
from models.record.scenario_files import resolved_files
from models.scenario import Scenario, load
from models.sentences import sentence
from models.starter import SCENARIO
from models.strict_yaml import Text
from models.workbook.fund_cells import FundCells
from optimizer.decision import solve
from reports.catalogue import Words
from reports.excel.fund_book import fund_workbook
from tests.random_worlds import QUICK, worlds
from tests.worlds import rule, write_csv, write_world, write_yaml

ROOT = Path(__file__).parent.parent
COUNTIES = {
    "01": {"name_zh": "昭觉县", "name_en": "Zhaojue", "zone": "yi", "poor": True, "heads": 30},
    "02": {"name_zh": "布拖县", "name_en": "Butuo", "zone": "yi", "poor": True, "heads": 20},
    "03": {"name_zh": "合江县", "name_en": "Hejiang", "zone": "plain", "poor": False, "heads": 50},
}
LABELS = {
    "columns": {
        "county": {"zh": "县", "en": "county"},
        "zone": {"zh": "片区", "en": "area"},
        "poor": {"zh": "深度贫困县", "en": "poor counties"},
        "heads": {"zh": "人口", "en": "people"},
    },
    "values": {"zone": {"yi": {"zh": "彝区", "en": "Yi"}, "plain": {"zh": "平原", "en": "Plain"}}},
    "group_by": "zone",
}
TASKS = [
    {"id": "parks", "title": {"zh": "园区建设", "en": "Parks"}, "columns": {}},
    {"id": "training", "title": {"zh": "培训", "en": "Training"}, "columns": {}},
]
YI = rule(
    id="yi",
    title={"zh": "彝区倾斜", "en": "Yi tilt"},
    number_from={"zh": "上年", "en": "last year"},
    where={"zone": "yi"},
    per_head="heads",
    at_least={"times": "1.5", "of": "amount"},
)


def written(folder: Path, **scenario: Any) -> Path:
    programme = {"baseline": {"kind": "factor", "factors": [{"weight": 1, "columns": ["heads"]}]}}
    body = {"budget": 60, "rules": [YI], **scenario}
    path = write_world(
        folder, body, counties=COUNTIES, tasks={"parks": {}, "training": {}}, programme=programme
    )
    write_yaml(folder / "world" / "labels.yaml", LABELS)
    write_yaml(folder / "world" / "tasks.yaml", TASKS)
    return path


def book_of(scenario: Scenario, path: Path, lang: str = "zh") -> Path:
    path.write_bytes(fund_workbook(scenario, Words(lang)))
    return path


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return book_of(load(written(tmp_path)), tmp_path / "fund.xlsx")


def edit(path: Path, change: Callable[[Any], None]) -> Path:
    """The workbook changed as a clerk does, saved under its own name."""
    file = openpyxl.load_workbook(path)
    change(file)
    file.save(path)
    return path


def put(file: Any, sheet: str, row: str | int, **cells: Any) -> None:
    """Fill in cells by their heads, in the row that begins with a text, or in a row by number."""
    page = file[sheet]
    heads = {cell.value: cell.column for cell in page[3]}
    at = row
    if isinstance(row, str):
        at = next((r for r in range(4, page.max_row + 2) if page.cell(r, 1).value == row), 0)
    if not at:
        at = next(r for r in range(4, page.max_row + 2) if page.cell(r, 1).value is None)
        page.cell(at, 1).value = row
    for head, value in cells.items():
        page.cell(at, heads[head]).value = value


def run(*args: object) -> Result:
    return CliRunner().invoke(cli.allot, [str(one) for one in args])


def problems(path: Path) -> list[str]:
    with pytest.raises(InputError) as error:
        load(path)
    return [str(one) for one in error.value.problems]


# Both ways, and nothing is lost.


@pytest.mark.slow
def test_the_shipped_scenario_and_each_named_one_come_back_the_same(tmp_path: Path) -> None:
    shipped = ROOT / "scenarios" / "base-2020.yaml"
    base = load(shipped)
    path = book_of(base, tmp_path / "base.xlsx")
    names = ["", *(f"@{name}" for name in base.document.body["overrides"])]
    assert len(names) > 5
    for name in names:
        assert resolved_files(load(f"{path}{name}")) == resolved_files(load(f"{shipped}{name}")), (
            name
        )


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_starter_goes_to_a_workbook_and_back_to_a_folder(tmp_path: Path, lang: str) -> None:
    path, folder = tmp_path / "fund.xlsx", tmp_path / "fund"
    assert run("template", "-o", path, "--lang", lang).exit_code == 0
    assert run("convert", path, "-o", folder, "--lang", lang).exit_code == 0
    for name in ("", "@less"):
        due = load(f"{SCENARIO}{name}")
        for found in (f"{path}{name}", f"{folder / 'scenario.yaml'}{name}"):
            assert resolved_files(load(found)) == resolved_files(due)
    due, found = (solve(load(one), repaired=False).allocation for one in (SCENARIO, path))
    assert due == found


def test_in_python_it_is_written_and_loaded_like_any_scenario(tmp_path: Path) -> None:
    path = tmp_path / "fund.xlsx"
    allot.write_fund(load(SCENARIO), path, lang="en")
    assert resolved_files(allot.load(path)) == resolved_files(load(SCENARIO))
    with pytest.raises(InputError, match="'fr' is none of zh, en"):
        allot.write_fund(load(SCENARIO), path, lang="fr")


def test_a_settled_scenario_goes_without_the_others(tmp_path: Path) -> None:
    path = tmp_path / "less.xlsx"
    assert run("convert", f"{SCENARIO}@less", "-o", path).exit_code == 0
    assert resolved_files(load(path)) == resolved_files(load(f"{SCENARIO}@less"))
    assert "情景" not in openpyxl.load_workbook(path).sheetnames


def test_aims_last_year_and_tables_beside_come_back(tmp_path: Path) -> None:
    objective = [{"weights": {"jobs": 1}, "give": "5%"}, {"nearest": {"file": "plan.csv"}}]
    source = written(tmp_path, objective=objective, last_year="last.csv")
    header = ["county", "task", "amount"]
    write_csv(tmp_path / "plan.csv", header, [("01", "parks", 9), ("03", "training", 4)])
    write_csv(tmp_path / "last.csv", header, [("昭觉县", "园区建设", 7), ("02", "training", 4)])
    path = book_of(load(source), tmp_path / "fund.xlsx")
    assert resolved_files(load(path)) == resolved_files(load(source))
    assert load(path).last_year == load(source).last_year
    sheet = openpyxl.load_workbook(path)["上年安排"]
    assert [cell.value for cell in sheet[4]][:3] == ["昭觉县", "园区建设", 7]


@pytest.mark.slow
@settings(max_examples=15, **QUICK)
@given(parts=worlds(counties=4, tasks=3))
def test_random_worlds_come_back_the_same(
    parts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("world")
    try:
        due = load(write_world(folder, **parts))
    except InputError:
        return
    for lang in ("zh", "en"):
        found = load(book_of(due, folder / "fund.xlsx", lang))
        assert resolved_files(found) == resolved_files(due)


def test_what_would_be_lost_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    source = written(tmp_path)
    counties = tmp_path / "world" / "counties.csv"
    counties.write_text(counties.read_text().replace("布拖县", "_x0041_县"))
    odd = load(source)
    path = tmp_path / "odd.xlsx"
    done = run("convert", source, "-o", path, "--json")
    kept = resolved_files(load(book_of(odd, tmp_path / "x.xlsx"))) == resolved_files(odd)
    assert done.exit_code == (0 if kept else 1)
    assert path.exists() == kept


def test_a_text_that_no_cell_holds_is_refused_with_its_place(tmp_path: Path) -> None:
    long = {**YI, "reason": {"zh": "长" * 33_000, "en": "long"}}
    done = run("convert", written(tmp_path, rules=[long]), "-o", tmp_path / "long.xlsx")
    assert done.exit_code == 2
    assert "too long for a cell" in done.output
    assert not (tmp_path / "long.xlsx").exists()


# What a clerk changes.


@pytest.mark.slow
def test_only_what_was_changed_differs(book: Path) -> None:
    def change(file: Any) -> None:
        put(file, "基本情况", "预算", 填写=50)
        put(file, "规则", "yi", 不低于=1.8)
        put(file, "县", "03", 人口="60")

    before, now = load(book), load(edit(book, change))
    assert (now.budget, before.budget) == (50, 60)
    assert now.spec.rules[0].bound[0].times.number == Fraction(9, 5)  # type: ignore[union-attr]
    assert "上年" in now.spec.rules[0].number_from.zh
    assert now.spec.rules[0].number_from.zh != before.spec.rules[0].number_from.zh
    assert now.programme.counties.numbers("heads") == (30, 20, 60)
    assert [(note.place, note.text) for note in now.notes] == [("县!F6", "60")]


RULES = [
    ({"对象": "资金", "县": "昭觉县", "不低于": 20}, "“昭觉县”的资金不低于20coins"),
    (
        {"逐个": "每县", "工作": "园区建设", "不高于": 9},
        "每个县在“园区建设”上的资金不高于9coins",
    ),
    (
        {"县": "深度贫困县", "不低于": "27%", "比例": "全部资金"},
        "“深度贫困县”的资金不低于全部安排资金的27%",
    ),
    (
        {"县": "非深度贫困县", "逐个": "每县", "不高于": 1.6, "倍数": "因素法数"},
        "“非深度贫困县”中每个县的资金不高于因素法基准的1.6倍",
    ),
    (
        {"片区": "彝区", "人均": "人口", "不低于": 1.2, "倍数": "全部资金"},
        "“彝区”的按“人口”平均的资金不低于全部县的按“人口”平均的资金的1.2倍",
    ),
    ({"对象": "Jobs", "不低于": 3}, "Jobs不少于3jobs"),
    ({"对象": "安排项数", "逐个": "每县", "不高于": 1}, "每个县的安排项数不多于1项"),
    (
        {"县": "人口≥25；深度贫困县", "不高于": 30},
        "“人口不低于25”且“深度贫困县”的资金不高于30coins",
    ),
    ({"县": "01、合江县", "不高于": 55}, "“昭觉县、合江县”的资金不高于55coins"),
    ({"逐个": "每个片区", "不高于": 0.9, "比例": "预算"}, "每个“片区”的资金不高于预算的90%"),
]


@pytest.mark.parametrize(("cells", "said"), RULES)
def test_a_row_is_a_rule(book: Path, cells: dict[str, Any], said: str) -> None:
    edit(book, lambda file: put(file, "规则", "new", **cells, 理由="试"))
    scenario = load(book)
    assert [one.id for one in scenario.spec.rules] == ["yi", "new"]
    assert sentence(scenario.spec.rules[1], scenario.programme, "zh") == said


@pytest.mark.slow
def test_each_form_of_rule_reads_back_from_its_own_words(book: Path, tmp_path: Path) -> None:
    """Without the full text beside it a row is read by its words alone."""
    for number, (cells, _) in enumerate(RULES):
        edit(book, lambda file, n=number, c=cells: put(file, "规则", f"r{n}", **c, 理由="试"))
    due = load(book)
    for lang, full in (("zh", "规则全文"), ("en", "Full text")):
        path = book_of(due, tmp_path / f"{lang}.xlsx", lang)

        def forget(file: Any, lang: str = lang, full: str = full) -> None:
            page = file["规则" if lang == "zh" else "Rules"]
            column = next(cell.column for cell in page[3] if cell.value == full)
            for row in range(4, page.max_row + 1):
                page.cell(row, column).value = None

        found = load(edit(path, forget))
        for one, other in zip(found.spec.rules, due.spec.rules, strict=True):
            assert (one.where, one.per, one.per_head, one.bound) == (
                (other.where, other.per, other.per_head, other.bound)
            )


def test_an_officer_states_in_a_row_that_a_clause_was_read(book: Path) -> None:
    clause = {"依据": "条款", "文件": "某办法", "条款": "第三条"}
    said = {"核到原文的人": "王某", "核到日期": date(2020, 3, 1), "条款原文": "不低于27%"}

    def change(file: Any) -> None:
        put(file, "规则", "new", 县="深度贫困县", 不低于="27%", 比例="全部资金", **clause)
        put(file, "规则", "new", **said, 条款所定的数=0.27)

    stated = load(edit(book, change)).spec.rules[1]
    assert stated.confirmed is not None
    assert (stated.confirmed.by, stated.confirmed.on) == ("王某", "2020-03-01")
    assert stated.confirmed.number == Fraction(27, 100)
    assert stated.clause is not None
    assert not stated.clause.seen
    edit(book, lambda file: put(file, "规则", "new", 条款原文=None))
    assert "规则!" in problems(book)[0]


def test_simple_unit_costs_make_the_response(book: Path) -> None:
    def change(file: Any) -> None:
        del file["分档"]
        page = file["绩效"]
        page.cell(3, 6).value = "单位成本：园区建设"
        put(file, "绩效", "jobs", **{"单位成本：园区建设": 2})

    tiers = load(edit(book, change)).tiers
    assert tiers.width[:, :, 0].tolist() == [[60, 60]] * 3
    jobs = tiers.rate[0, :, :, 0]
    assert jobs.tolist() == [[500_000, 0]] * 3


@pytest.mark.slow
def test_last_year_and_paid_reach_the_results(book: Path) -> None:
    def change(file: Any) -> None:
        put(file, "上年安排", 4, 县="昭觉县", 上年安排数=21)
        put(file, "已拨付", 4, 县="02", 工作="培训", 已拨付数=5, 已收回数=1)

    edit(book, change)
    scenario = load(book)
    assert scenario.last_year is not None
    assert scenario.last_year.by_county == {"01": 21}
    (paid,) = scenario.spec.cells
    assert (paid.county, paid.task, paid.at_least) == ("02", "training", 5)
    again = book.with_name("again.xlsx")
    assert run("convert", book, "-o", again).exit_code == 0
    assert resolved_files(load(again)) == resolved_files(scenario)
    for one in (book, again):
        done = run("reallocate", one, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["paid"] == 4


def test_last_year_may_stand_in_a_workbook(tmp_path: Path) -> None:
    file = openpyxl.Workbook()
    for row in (["县（市、区）", "上年安排数"], ["昭觉县", 12], ["合江县", 30]):
        file.active.append(row)
    file.save(tmp_path / "last.xlsx")
    known = load(written(tmp_path, last_year="last.xlsx")).last_year
    assert known is not None
    assert known.by_county == {"01": 12, "03": 30}


# What is wrong is said with its cell, all at once.


def test_every_cell_that_cannot_be_read_is_named_at_once(book: Path) -> None:
    def change(file: Any) -> None:
        put(file, "基本情况", "预算", 填写="三万")
        put(file, "县", "02", 深度贫困县="大概", 人口="两万")
        put(file, "规则", "yi", 片区="苗区", 是否启用="也许")
        put(file, "规则", "a", 县="昭觉线", 不低于=1, 理由="试", 依据="据说")
        put(file, "规则", "b", 县="昭觉县", 不低于=1, 不高于=2, 理由="试")
        put(file, "规则", "c", 不低于=30, 比例="全部资金", 理由="试")

    said = "\n".join(problems(edit(book, change)))
    for due in (
        "fund.xlsx: 基本情况!B8: a number is due here, not '三万'",
        "fund.xlsx: 县!E5: '大概' is neither yes nor no",
        "fund.xlsx: 县!F5: a number is due here, not '两万'",
        "fund.xlsx: 规则!C4: '也许' is neither yes nor no",
        "fund.xlsx: 规则!G4: unknown value of 片区 '苗区'",
        "fund.xlsx: 规则!F5: unknown county '昭觉线' (did you mean '昭觉县'?)",
        "fund.xlsx: 规则!P5: '据说' is none of the words of the list",
        "fund.xlsx: 规则!J6: a rule has one of at_least, at_most, equal",
        "fund.xlsx: 规则!J7: a share of 30 is above 1",
    ):
        assert due in said


def test_wrong_tables_are_named_by_their_cells(book: Path) -> None:
    def change(file: Any) -> None:
        page = file["县"]
        page["A5"].value = "01"
        page["F6"].value = "=1+1"
        put(file, "规则", "yi", 不低于=None)

    said = "\n".join(problems(edit(book, change)))
    assert "fund.xlsx: 县!A5: the code 01 stands here more than once" in said
    assert "fund.xlsx: 县!F6: holds a formula without a stored value" in said


def test_merged_cells_are_refused(book: Path) -> None:
    edit(book, lambda file: file["规则"].merge_cells("B4:C4"))
    assert "规则!B4:C4: these cells are merged" in problems(book)[0]


def test_a_name_that_two_counties_share_is_refused_with_both(book: Path) -> None:
    def change(file: Any) -> None:
        file["县"]["B5"].value = "合江县"
        put(file, "规则", "new", 县="合江县", 不低于=1, 理由="试")

    (said,) = problems(edit(book, change))
    assert said.startswith("fund.xlsx: 规则!F5: '合江县' may be 合江县 (02), 合江县 (03)")


def test_errors_are_said_in_chinese_with_their_cells(book: Path) -> None:
    edit(book, lambda file: put(file, "规则", "yi", 片区="苗区"))
    done = run("validate", book, "--lang", "zh")
    assert done.exit_code == 2
    assert "fund.xlsx：规则!G4：没有" in done.output
    assert "Traceback" not in done.output


def test_a_workbook_without_any_full_text_is_a_fund(tmp_path: Path) -> None:
    file = openpyxl.Workbook()
    sheets = {
        "基本情况": [
            ["项目", "填写"],
            ["专项资金名称", "试点"],
            ["预算", 100],
            ["金额单位", "万元"],
        ],
        "县": [["代码", "名称", "人口"], ["1", "甲县", 30], ["2", "乙县", 70]],
        "工作": [["编号", "名称"], ["a", "修路"], ["b", "培训"]],
        "因素": [["权重", "因素"], [1, "人口"]],
        "绩效": [["编号", "名称", "单位", "权重", "单位成本：修路"], ["jobs", "就业", "人", 1, 4]],
        "规则": [["编号", "对象", "县", "不低于", "理由"], ["x", "资金", "甲县", 40, "试"]],
    }
    for name, rows in sheets.items():
        page = file.create_sheet(name)
        for row in rows:
            page.append(row)
    file.save(tmp_path / "own.xlsx")
    solution = solve(load(tmp_path / "own.xlsx"), repaired=False)
    assert solution.audit.outcomes == {"jobs": 25}
    assert sum(solution.allocation.amounts[0].tolist()) >= 40


# Excel and three commands.


@pytest.mark.slow
def test_the_way_of_an_office_with_excel_and_three_commands(tmp_path: Path) -> None:
    """Yi tilt 1.8, a county at least so much, another budget; a hand-edited table; papers."""
    base, fund, record = written(tmp_path), tmp_path / "fund.xlsx", tmp_path / "record"
    assert run("template", base, "-o", fund, "--lang", "zh").exit_code == 0

    def fill_in(file: Any) -> None:
        put(file, "基本情况", "预算", 填写=50)
        put(file, "规则", "yi", 不低于=1.8, 来源="会议纪要")
        put(file, "规则", "zhaojue", 县="昭觉县", 不低于=25, 理由="会议纪要")
        put(file, "上年安排", "昭觉县", 上年安排数=20)

    edit(fund, fill_in)
    assert run("solve", fund, "-o", record, "--lang", "zh", "-q").exit_code == 0
    table = openpyxl.load_workbook(record / "workbook.xlsx")["资金分配表"]
    assert any(cell.value == 20 for row in table.iter_rows() for cell in row)  # 上年安排数

    def cut(file: Any) -> None:
        page = file["资金分配表"]
        row = next(r for r in range(1, page.max_row) if page.cell(r, 3).value == "01")
        for column in (4, 5):
            if isinstance(page.cell(row, column).value, int):
                page.cell(row, column).value = 2

    edited = edit(record / "workbook.xlsx", cut)
    broken = run("check", fund, edited, "--lang", "zh")
    assert broken.exit_code == 1
    mended = tmp_path / "mended"
    assert run("mend", fund, edited, "-o", mended, "--lang", "zh", "-q").exit_code == 0
    done = run("papers", mended / "record", "-o", tmp_path / "papers", "--lang", "zh")
    assert done.exit_code == 0, done.output
    assert "8份公文" in done.output


def test_what_cannot_be_met_is_said_with_its_remedy(book: Path) -> None:
    def change(file: Any) -> None:
        put(file, "规则", "cap", 逐个="每县", 不高于=1, 倍数="因素法数", 依据="假定", 理由="试")
        put(file, "规则", "zhaojue", 县="昭觉县", 不低于=30, 依据="条款", 文件="某文件")

    done = run("solve", edit(book, change), "--lang", "zh")
    assert done.exit_code == 3
    assert "--set rules.cap.at_most.times=" in done.output


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_label_of_two_values_stands_for_neither_of_them(lang: str) -> None:
    both = {
        "1": Text(zh="城", en="town"),
        "2": Text(zh="城", en="town"),
        "3": Text(zh="乡", en="village"),
    }
    cells = FundCells(Labels(values={"place": both}), lang)
    assert cells.code_of("place", cells.value("place", "text", "3")) == "3"
    assert cells.value("place", "text", "1") == "1" and cells.value("place", "text", "2") == "2"
    assert [cells.code_of("place", text) for text in ("城", "town", "2", "else")] == [
        "城",
        "town",
        "2",
        "else",
    ]


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        ("true", "是", "yes"),
        (1, "是", "yes"),
        ("1", "是", "yes"),
        ("0", "否", "no"),
        (None, "", ""),
    ],
)
def test_a_mark_is_shown_as_yes_or_no_however_it_is_written(value: Any, zh: str, en: str) -> None:
    shown = [FundCells(Labels(), lang).flag(value).lower() for lang in ("zh", "en")]
    assert shown == [zh, en]


def test_a_share_above_one_is_taken_for_a_slip_of_the_percent_sign(book: Path) -> None:
    cells = {"县": "深度贫困县", "不低于": 34, "比例": "全部资金"}
    edit(book, lambda file: put(file, "规则", "new", **cells, 理由="试"))
    said = "fund.xlsx: 规则!J5: a share of 34 is above 1"
    assert problems(book) == [said]


@pytest.mark.parametrize(
    ("typed", "said"), [(">=", "不低于25"), ("<=", "不高于25"), ("≤", "不高于25")]
)
def test_a_comparison_may_be_typed_with_the_keys_of_any_keyboard(
    book: Path, typed: str, said: str
) -> None:
    edit(book, lambda file: put(file, "规则", "new", 县=f"人口{typed}25", 不高于=30, 理由="试"))
    scenario = load(book)
    assert (
        sentence(scenario.spec.rules[1], scenario.programme, "zh")
        == f"“人口{said}”的资金不高于30coins"
    )


def test_a_condition_that_is_erased_is_in_force_no_more(book: Path) -> None:
    edit(book, lambda file: put(file, "规则", "new", 县="深度贫困县", 不高于=30, 理由="试"))
    book_of(load(book), book)
    edit(book, lambda file: put(file, "规则", "new", 县=None))
    scenario = load(book)
    assert "深度贫困县" not in sentence(scenario.spec.rules[1], scenario.programme, "zh")
