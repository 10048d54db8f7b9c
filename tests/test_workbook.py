"""workbook.xlsx as it is written: the same bytes, live formulas, safe texts, true stored values."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.allocation import Allocation
from models.errors import InputError
from models.record import open_record, record_files, write_files
from models.record.manifest import sha256
from models.scenario import Scenario, load
from models.sentences import state_words
from models.solution import Solution
from models.workbook.reader import CODE_HEADS, OUTSIDE_HEADS, plain_title
from models.workbook.rule_sheet import ID_HEADS, METRIC_HEADS, NUMBER_HEADS, ON_HEADS, PATH_HEADS
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.records import read_solution
from reports.catalogue import Words
from reports.excel import workbook
from reports.excel.formulas import FIRST, LARGEST_CELL, SAFE, WholeCell, readable, sign
from reports.record_writer import reports_of
from tests.books import LIMITS, MANIFEST, RULES, TABLE, book, heads, row_of, solution, states
from tests.rule_cases import readings
from tests.worlds import rule, world, write_world

REPO = Path(__file__).resolve().parents[1]
SHEETS = [
    *("资金分配表", "因素法测算表", "区域绩效目标表", "政策依据及合规性审核表", "约束检查"),
    *("约束检查明细", "分组结果", "参数", "来源", "测算", "allot"),
]
COUNTIES = {
    "a": {"name_zh": "=1+1", "name_en": "@cmd", "zone": "+north", "people": 100},
    "b": {"name_zh": "-乙", "name_en": "Bee", "zone": "south", "people": 300},
}
RULES_OF_WORLD = [
    rule(id="floor", title={"zh": "下限", "en": "Floor"}, per=["county"], at_least=10),
    rule(id="cap", title={"zh": "上限", "en": "Cap"}, at_most={"share": "0.9", "of": "budget"}),
    rule(
        id="soft",
        title={"zh": "放宽条", "en": "Bending"},
        measure="jobs",
        at_least=100,
        soft={"price": 1},
    ),
    rule(
        id="funded",
        title={"zh": "有钱才算", "en": "If funded"},
        per=["county", "task"],
        if_funded=True,
        at_least=5,
    ),
    rule(
        id="unread",
        title={"zh": "未读条", "en": "Unread"},
        basis="clause",
        clause={"document": "某办法（某财〔2019〕1号）", "article": "三"},
        at_most=1000,
    ),
    rule(id="off", title={"zh": "停用条", "en": "Off"}, at_most=1, enabled="false"),
]


def made(folder: Path, rows: Any = ((30, 0), (0, 20)), **scenario: Any) -> Solution:
    body = {"budget": 100, "rules": RULES_OF_WORLD, **scenario}
    path = write_world(folder, body, counties=COUNTIES)
    labels = "subtotal: zone\nshown: [zone]\n"
    (folder / "world" / "labels.yaml").write_text(labels, encoding="utf-8")
    return solution(load(path), rows)


def opened(content: bytes, **options: Any) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content), **options)


@pytest.fixture(scope="module")
def base() -> Scenario:
    return load(REPO / "scenarios" / "base-2020.yaml")


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    one = made(tmp_path)
    assert book(one) == workbook(one, MANIFEST.model_copy(), Words("zh"))
    assert book(one, "en") == book(one, "en")
    assert book(one) != book(one, "en")
    other = MANIFEST.model_copy(update={"files": {"allocation.csv": "1" * 64}})
    assert book(one) != workbook(one, other, Words("zh"))


def test_a_record_holds_the_workbook_and_its_hash(tmp_path: Path) -> None:
    one = made(tmp_path)
    files = record_files(one, "", "", reports_of(one, "zh"))
    write_files(tmp_path / "r", files)
    record = open_record(tmp_path / "r")
    assert record.manifest.reports["workbook.xlsx"] == sha256(files["workbook.xlsx"])
    read, _ = read_solution(tmp_path / "r")
    assert workbook(read, record.manifest, Words("zh")) == files["workbook.xlsx"]


def test_the_sheets_stand_in_order_and_only_the_schema_is_hidden(tmp_path: Path) -> None:
    file = opened(book(made(tmp_path)))
    assert file.sheetnames == SHEETS
    assert [page.title for page in file if page.sheet_state != "visible"] == ["allot"]
    for page in file.worksheets[:-1]:
        assert page.protection.sheet == (page.title != "资金分配表"), page.title
        assert page.protection.password is None
        upright = page.title in ("约束检查明细", "证明表", "参数", "测算")
        assert page.page_setup.orientation == ("portrait" if upright else "landscape")
        assert page.page_setup.paperSize == 9
        assert "分配建议（草案）" in page.oddFooter.left.text
        assert page.freeze_panes, page.title
        assert page.print_title_rows, page.title


def test_money_cells_are_open_and_take_whole_numbers_only(tmp_path: Path) -> None:
    page = opened(book(made(tmp_path)))[TABLE["zh"]]
    row = row_of(page, "a")
    titles = heads(page)[1]
    assert not page.cell(row, titles["road"]).protection.locked
    assert page.cell(row, titles["本年安排数"]).protection.locked
    checks = page.data_validations.dataValidation
    assert all(check.type == "whole" and check.operator == "greaterThanOrEqual" for check in checks)
    assert any(page.cell(row, titles["road"]).coordinate in check.sqref for check in checks)
    assert not any(page.cell(row, titles["本年安排数"]).coordinate in c.sqref for c in checks)
    assert {check.error for check in checks} == {"请填不小于0的整数，单位：coins。"}


def test_text_that_begins_like_a_formula_is_text(tmp_path: Path) -> None:
    for lang in ("zh", "en"):
        file = opened(book(made(tmp_path), lang))
        found = {
            cell.value: cell.data_type
            for page in file
            for cells in page.iter_rows()
            for cell in cells
            if str(cell.value) in ("=1+1", "-乙", "@cmd", "+north")
        }
        assert set(found.values()) == {"s"}
        assert set(found) == ({"=1+1", "-乙", "+north"} if lang == "zh" else {"@cmd", "+north"})


def test_the_longest_names_do_not_spoil_the_file(tmp_path: Path) -> None:
    counties = {"a": {"name_zh": "甲乙", "name_en": "A" * 500}, "b": COUNTIES["b"]}
    counties["b"] = {key: counties["b"][key] for key in ("name_zh", "name_en")}
    scenario = world(tmp_path, {"budget": 100}, counties=counties)
    for lang in ("zh", "en"):
        page = opened(book(solution(scenario, [[1, 0], [0, 0]]), lang))[TABLE[lang]]
        assert page.cell(6, 2).value.startswith("甲" if lang == "zh" else "AAA")


def test_a_paper_that_names_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    one = made(tmp_path)
    line = "indicators: [{id: x, first: a, second: b, title: c, cost_of: job}]"
    (tmp_path / "world" / "papers.yaml").write_text(line, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        book(one)
    told = "papers.yaml: indicators[0].cost_of: unknown metric 'job' (did you mean 'jobs'?)"
    assert str(caught.value) == told


def test_totals_shares_and_states_are_formulas_with_their_values(tmp_path: Path) -> None:
    content = book(made(tmp_path))
    formulas, values = opened(content), opened(content, data_only=True)
    page, shown_ = formulas[TABLE["zh"]], values[TABLE["zh"]]
    row, titles = row_of(page, "a"), heads(page)[1]
    total, share = titles["本年安排数"], titles["占比"]
    assert page.cell(row, total).value == "=SUM(F7:G7)"
    assert (shown_.cell(row, total).value, shown_.cell(row, share).value) == (30, 0.6)
    assert shown_.cell(FIRST, total).value == 50
    assert page.cell(FIRST, total).value == "=H6+H8"
    rules = formulas[RULES["zh"]]
    last = max(heads(rules)[1].values())
    assert str(rules.cell(5, last).value).startswith("=IF(")
    assert "预算100coins，已安排50coins，未安排50coins。约束全部满足。" in str(shown_["A3"].value)


def test_each_state_is_said_by_its_word(tmp_path: Path) -> None:
    kept = states(opened(book(made(tmp_path / "k")), data_only=True))
    assert kept == {
        **{"预算": "满足", "下限": "满足", "上限": "满足", "放宽条": "放宽", "有钱才算": "满足"},
        **{"未读条": "满足", "金额为整数": "满足", "停用条": "停用"},
    }
    broken_book = opened(book(made(tmp_path / "b", [[91, 3], [0, 9]])), data_only=True)
    assert "已安排103coins，超出预算3coins。" in str(broken_book[TABLE["zh"]]["A3"].value)
    broken = states(broken_book)
    wrong = {title for title, state in broken.items() if state == "不满足"}
    assert wrong == {"预算", "下限", "上限", "有钱才算"}


def test_a_clause_that_nobody_read_is_never_said_to_be_complied_with(tmp_path: Path) -> None:
    page = opened(book(made(tmp_path)), data_only=True)["政策依据及合规性审核表"]
    rows = [[cell.value for cell in cells] for cells in page.iter_rows(min_row=4)]
    unread = next(row for row in rows if "未读条" in str(row[5]))
    assert unread[1:5] == ["某办法", "某财〔2019〕1号", "三", "未核到原文"]
    assert unread[8] == "未核到原文，按假定值测算：满足"
    off = next(row for row in rows if "停用条" in str(row[5]))
    assert off[8] == "停用"
    assert not [row for row in rows if str(row[8]) == "符合"]


def test_the_review_says_of_every_rule_what_the_terminal_says(base: Scenario) -> None:
    rows = [[0] * 8 for _ in range(88)]
    rows[0] = [40000, 0, 0, 0, 0, 0, 0, 0]
    one = solution(base, rows)
    page = opened(book(one), data_only=True)["政策依据及合规性审核表"]
    said = {str(cells[5].value).split("：")[0]: cells[8].value for cells in page.iter_rows()}
    for item in base.spec.rules:
        state = "broken" if item.id in one.audit.broken_rules else "kept"
        due = state_words(item, state if item.enabled else None, "zh")  # type: ignore[arg-type]
        assert said[item.title.zh] == due


CASES = readings()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_stored_states_are_those_of_the_audit_in_every_case_worked_by_hand(
    case: Any, tmp_path: Path
) -> None:
    scenario = case.build(tmp_path)
    allocation = case.allocation(scenario)
    whole = allocation.is_whole
    one = solution(scenario, allocation.amounts)
    result = audit(scenario, Allocation(allocation.amounts, ()), whole=True)
    one = Solution(**{**vars(one), "audit": result})
    values = opened(book(one), data_only=True)
    page, found = values[LIMITS["zh"]], []
    words = {"broken": "不满足", "bent": "放宽", "short": "余地不足"}
    for row in range(5, page.max_row + 1):
        cells = [page.cell(row, column).value for column in (1, 2, 8)]
        if cells[2] in words.values():
            found.append((cells[0], cells[2]))
    titles = {item.id: item.title.zh for item in scenario.rules} | _RESERVED
    due = [(titles[f.rule], words[f.state]) for f in result.findings if f.state != "kept"]
    assert sorted(set(found)) == sorted(set(due))
    once = ("单项起点数", "资格条件", "不安排无产出的资金")
    counted = [item for item in due if item[0] not in once]
    assert len([i for i in found if i[0] not in once]) == len(counted)
    assert whole or one.audit.broken


_RESERVED = {
    "budget": "预算",
    "lot": "单项起点数",
    "locks": "锁定的县×工作",
    "eligibility": "资格条件",
    "no-idle": "不安排无产出的资金",
    "step": "金额取整单位",
    "whole-units": "金额为整数",
}
NUMBERS = st.integers(-(10**22), 10**22)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(NUMBERS, st.integers(0, LARGEST_CELL - 1)), max_size=4), NUMBERS)
def test_a_sign_is_right_however_large_its_factors_are(
    terms: list[tuple[int, int]], constant: int
) -> None:
    check_sign(terms, constant)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(NUMBERS, st.integers(0, 10**13)), min_size=1, max_size=3),
    st.integers(-3, 3),
)
def test_a_sign_is_right_within_a_hair_of_its_limit(
    terms: list[tuple[int, int]], hair: int
) -> None:
    check_sign(terms, hair - sum(factor * held for factor, held in terms))


def check_sign(terms: list[tuple[int, int]], constant: int) -> None:
    cells = {
        WholeCell(f"x{at}", held, LARGEST_CELL - 1): Fraction(factor, 7)
        for at, (factor, held) in enumerate(terms)
        if factor
    }
    last = Fraction(constant, 7)
    total = sum((factor * cell.value for cell, factor in cells.items()), last)
    formula, exact = sign(cells, last)
    assert exact
    names = {cell.ref: float(cell.value) for cell in cells}
    assert (reckoned(formula.body, names) < 0) == (total < 0)
    assert (formula.value < 0) == (total < 0)


def reckoned(body: str, names: dict[str, float]) -> float:
    """What a spreadsheet makes of a formula of + - * / and INT, in floating point."""
    floats = re.sub(r"(?<![\w.])(\d+)(?![\w.(])", r"\1.0", body)
    result: float = eval(floats, {"__builtins__": {}, "INT": math.floor}, names)
    return result


def test_small_signs_need_no_digits_and_large_ones_do() -> None:
    small, large = ({WholeCell("D5", 3, 10**6): Fraction(factor)} for factor in (9, 10**12))
    assert sign(small, Fraction(-27))[0].body == "D5-3"
    assert (
        sign({**small, WholeCell("E5", 1, 9): Fraction(2, 3)}, Fraction(1))[0].body
        == "27*D5+2*E5+3"
    )
    assert "INT(" in sign(large, Fraction(-1))[0].body
    assert readable(small, Fraction(1, 2)).body == "(18*D5+1)/2"
    assert SAFE < 2**53


def test_rates_too_large_for_one_cell_are_reckoned_in_digits(tmp_path: Path) -> None:
    rates = {"road": "123456789.654321", "school": "100000000.000001"}
    tiers = [[c, t, 1, 50, rates[t], "0"] for c in "ab" for t in rates]
    rules = [rule(measure="jobs", at_least="6172839482.716050")]
    body = {"budget": 10**6, "rules": rules}
    scenario = load(write_world(tmp_path, body, counties=COUNTIES, tiers=tiers))
    for amount, state in ((50, "满足"), (49, "不满足")):
        values = opened(book(solution(scenario, [[amount, 0], [0, 0]])), data_only=True)
        assert states(values)["规则"] == state
    page = values["测算"]
    heads_ = [str(cell.value) for cell in page[4] if cell.value]
    assert len([title for title in heads_ if title.startswith("Jobs")]) > 2


def test_last_year_stands_beside_and_what_is_not_known_says_so(tmp_path: Path) -> None:
    write_world(tmp_path, {}, counties=COUNTIES)
    (tmp_path / "last.csv").write_text("county,amount\na,12\n", encoding="utf-8")
    body = {"budget": 100, "last_year": "last.csv", "rules": []}
    scenario = world(tmp_path, body, counties=COUNTIES)
    page = opened(book(solution(scenario, [[30, 0], [0, 20]])), data_only=True)[TABLE["zh"]]
    titles = heads(page)[1]
    three = [titles[title] for title in ("上年安排数", "增减额", "增减率")]
    assert [page.cell(row_of(page, "a"), at).value for at in three] == [12, 18, 1.5]
    assert [page.cell(row_of(page, "b"), at).value for at in three] == ["无上年数", "–", "–"]
    live = opened(book(solution(scenario, [[30, 0], [0, 20]])))[TABLE["zh"]]
    row, (last, change, rate) = row_of(live, "a"), map(openpyxl.utils.get_column_letter, three)
    due = f'=IF({last}{row}=0,"–",{change}{row}/{last}{row})'
    assert live[f"{rate}{row}"].value == due
    page = opened(book(made(tmp_path / "n")))[TABLE["zh"]]
    assert "上年安排数（无上年数）" in heads(page)[1]


@pytest.mark.slow
def test_results_and_targets_show_what_the_audit_reads(base: Scenario) -> None:
    from optimizer.baselines import baseline

    rows = baseline(base).amounts
    one = solution(base, rows, baseline=rows)
    values = opened(book(one), data_only=True)
    targets = {row[2].value: row[4].value for row in values["区域绩效目标表"].iter_rows()}
    assert targets["带动贫困地区就业人数"] == int(one.audit.outcomes["jobs"])
    assert targets["新增中小微企业"] == int(one.audit.outcomes["firms"])
    results = {row[0].value: row[2].value for row in values["分组结果"].iter_rows()}
    assert results["45个深度贫困县"] == 9349
    assert results["合计"] == 33000
    assert (
        sum(results[name] for name in ("乌蒙山区", "秦巴山区", "大小凉山彝区", "高原藏区")) == 33000
    )
    factors = values["因素法测算表"]
    row = [cell.value for cell in factors[7]]
    assert row[1] == "合江县"
    assert row[-2] - row[-3] == row[-1] == 0
    assert abs(row[-4] - row[-3]) < 2


def test_heads_that_reading_looks_for_are_those_that_are_written() -> None:
    for lang in ("zh", "en"):
        words = Words(lang)
        for heads_, key in (
            (CODE_HEADS, "column.code"),
            (OUTSIDE_HEADS, "column.beyond"),
            (ID_HEADS, "template.rule"),
            (ON_HEADS, "template.on"),
            (PATH_HEADS, "template.path"),
            (NUMBER_HEADS, "template.number"),
            (METRIC_HEADS, "template.metric"),
        ):
            assert plain_title(words(key)) in {plain_title(head) for head in heads_}


def test_the_certificate_stands_as_a_sum_of_formulas_on_a_sheet_of_its_own(tmp_path: Path) -> None:
    """45 of budget at 0.2 is 9; each of four cells is worth (0.5 − 0.2) × 10 = 3."""
    solved = solve(world(tmp_path, {"budget": 45}))
    assert solved.certificate is not None
    sheet = opened(book(solved))["证明表"]
    stored = opened(book(solved), data_only=True)["证明表"]
    rows = {str(row[0].value): row for row in stored.iter_rows()}
    assert rows["最高可能值（以下各行分值之和）"][1].value == 21
    assert rows["约束全部满足时，距可能的最好结果不超过"][1].value == 0
    assert rows["预算"][3].value == 0.2 and rows["预算"][4].value == 45
    formulas = [row[-1].value for row in sheet.iter_rows() if str(row[-1].value).startswith("=")]
    assert len(formulas) == 1 + 4
    assert [row[-1].value for row in stored.iter_rows() if isinstance(row[-1].value, int)] == [
        *(9, 3, 3, 3, 3)
    ]
    assert "证明表" not in opened(book(made(tmp_path))).sheetnames


def test_the_bound_by_county_stands_beside_the_sum_and_no_distance_is_rounded_down(
    tmp_path: Path,
) -> None:
    solved = solve(world(tmp_path, {"budget": 45}))
    assert solved.certificate is not None
    above = replace(solved.certificate.cells[0], points=Fraction(3) + Fraction(21, 10**7))
    cells = (above, *solved.certificate.cells[1:])
    other = replace(solved.certificate, cells=cells)
    stored = opened(book(replace(solved, by_county=other)), data_only=True)["证明表"]
    rows = {str(row[0].value): row[1] for row in stored.iter_rows()}
    bound = rows["另一份证明表（逐县试算，见 certificate-by-county.csv）所证的最高可能值"].value
    assert bound == pytest.approx(21.0000021)
    far = rows["以它为准，距可能的最好结果不超过"]
    assert (far.value, far.number_format) == (1e-6, "0.0000%")
