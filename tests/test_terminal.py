"""Pages of the terminal: numbers that do not flatter, words in both languages, lines that fit."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.cells import cell_len

from models.allocation import allocation_of_rows
from models.errors import NoAnswer
from models.scenario import Scenario, load
from models.solution import Comparison, Solution, SolverReport
from optimizer.audit import audit
from optimizer.baselines import baseline
from optimizer.solve import Options, Units
from optimizer.solvers.base import Way
from reports.catalogue import CATALOGUE, Words, catalogue, language_of_locale
from reports.document import Document, Paragraph
from reports.documents.solution_page import check_page, scenario_page, solution_page
from reports.numbers import figure, gap_text, percent, plain, room
from reports.terminal import render
from reports.view.allocation_view import AllocationView
from reports.view.remarks import _CHOICES, _OPTIONS, options_said, progress, search_notes
from reports.wrapping import wrap
from tests.worlds import rule, world, write_yaml

ROOT = Path(__file__).parent.parent
COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "area": "hill", "poor": True, "people": 1000},
    "b": {"name_zh": "乙县", "name_en": "Beta", "area": "plain", "poor": False, "people": 3000},
}


def solved(scenario: Scenario, rows: list[list[int]], **changes: Any) -> Solution:
    """A solution put together by hand around an allocation."""
    allocation = allocation_of_rows(rows)
    base = baseline(scenario)
    compared = Comparison(base, audit(scenario, base), Fraction(1))
    made = Solution(
        scenario=scenario,
        allocation=allocation,
        audit=audit(scenario, allocation),
        status="optimal",
        objective=Fraction("1.25"),
        bound_proved=None,
        bound_solver=1.2501,
        gap=8e-5,
        source="solver",
        solver=SolverReport("highs", "1.0", 1e-5, 2e-6, ("all stages closed",)),
        baseline=compared,
    )
    return replace(made, **changes)


def page(solution: Solution, lang: str = "en", width: int = 100) -> str:
    return render(solution_page(solution, Words(lang)), width)


def checked(scenario: Scenario, rows: list[list[int]], lang: str = "en", width: int = 100) -> str:
    allocation = allocation_of_rows(rows)
    shown = AllocationView("Value", allocation, audit(scenario, allocation))
    return render(check_page(scenario, shown, Words(lang), "x.csv"), width)


def row(text: str, begins: str) -> list[str]:
    """The words of the first line that begins so, after its beginning."""
    line = next(line for line in text.splitlines() if line.startswith(begins))
    return line.removeprefix(begins).split()


# ---- numbers ----


@pytest.mark.parametrize(
    ("value", "lower", "upper", "shown"),
    [
        ("5999.96", "6000", None, "5,999.9"),
        ("5999.999999", "6000", None, "5,999.9"),
        ("6000", "6000", None, "6,000.0"),
        ("6000.04", None, "6000", "6,000.1"),
        ("6000.01", "6000.02", None, "6,000.01"),
        ("5000.07", "6000", None, "5,000.1"),
        ("5999.96", None, None, "6,000.0"),
        ("0.25", None, None, "0.2"),
        ("0.35", None, None, "0.4"),
    ],
)
def test_a_rounded_value_never_crosses_its_limit(
    value: str, lower: str | None, upper: str | None, shown: str
) -> None:
    low, high = (None if limit is None else Fraction(limit) for limit in (lower, upper))
    assert figure(Fraction(value), 1, low, high) == shown


def test_slack_that_is_not_zero_does_not_read_as_zero() -> None:
    assert room(Fraction("0.0004"), 0) == "0.0004"
    assert room(Fraction("-0.3"), 0) == "-0.3"
    assert room(Fraction(1, 10**12), 0) == "<0.000000001"
    assert room(Fraction(0), 0) == "0"


def test_a_gap_is_rounded_up() -> None:
    assert gap_text(1e-4) == "0.01%"
    assert gap_text(9.81e-5) == "0.0099%"
    assert gap_text(0.1) == "10%"
    assert gap_text(0.0) == "0%"
    assert gap_text(-1e-12) == "0%"


def test_shares_and_thousands() -> None:
    assert percent(1, 3) == "33.3%"
    assert percent(1, 0) == "-"
    assert plain(Fraction(-1234567), 0) == "-1,234,567"
    assert plain(Fraction("2.5")) == "2"


# ---- layout ----


def test_wrapped_lines_fit_keep_numbers_whole_and_begin_with_no_stop() -> None:
    text = "安排资金1,234.5万元，其中“深度贫困县”9,999万元；余下的列示数额和原因。" * 5
    for width in (20, 33, 47, 80):
        lines = wrap(text, width, 2)
        assert all(cell_len(line) <= width for line in lines)
        assert not [line for line in lines if line.lstrip()[:1] in "，；。”、"]
        assert sum(line.count("1,234.5") for line in lines) == 5
        assert "".join(line.strip() for line in lines) == text


def test_a_word_longer_than_the_line_is_cut_and_nothing_is_lost() -> None:
    lines = wrap("x" * 100, 30)
    assert "".join(lines) == "x" * 100
    assert max(map(len, lines)) == 30


def test_control_characters_and_markup_are_shown_as_text() -> None:
    assert (
        render(Document("", (Paragraph("a\x1b[31mb [bold]c[/bold]"),)), 80)
        == "a [31mb [bold]c[/bold]"
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [80, 120])
def test_pages_of_the_shipped_scenario_fit_the_terminal(lang: str, width: int) -> None:
    base = load(ROOT / "scenarios" / "base-2020.yaml")
    rows = baseline(base).amounts.tolist()
    texts = [
        page(solved(base, rows), lang, width),
        checked(base, rows, lang, width),
        render(scenario_page(base, Words(lang)), width),
    ]
    for text in texts:
        assert max(cell_len(line) for line in text.splitlines()) <= width
        if lang == "zh":
            text.encode("gbk")
        else:
            assert "…" not in text


# ---- pages ----


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    """Two counties, two tasks, three kinds of rules."""
    read = {"document": "Plan", "article": "3", "seen": "true", "states_number": "true"}
    rules = [
        rule(id="floor", title={"zh": "下限", "en": "Floor"}, per=["county"], at_least=20),
        rule(
            id="tilt",
            title={"zh": "倾斜", "en": "Tilt"},
            where={"poor": "true"},
            per_head="people",
            at_least={"times": "1.5", "of": "amount"},
        ),
        rule(
            id="target",
            title={"zh": "目标", "en": "Target"},
            basis="target",
            clause=read,
            measure="jobs",
            at_least=20,
        ),
        rule(id="off", title={"zh": "备用", "en": "Spare"}, enabled="false", at_most=1),
    ]
    labels = {
        "columns": {"people": {"zh": "常住人口", "en": "residents"}},
        "values": {"area": {"hill": {"zh": "山区", "en": "the hills"}}},
        "group_by": "area",
        "highlight": [{"title": {"zh": "贫困县", "en": "poor counties"}, "where": {"poor": "1"}}],
    }
    made = world(tmp_path, {"budget": 80, "rules": rules}, counties=COUNTIES)
    write_yaml(tmp_path / "world" / "labels.yaml", labels)
    return made


def test_the_index_stands_under_its_metrics(small: Scenario) -> None:
    lines = page(solved(small, [[30, 10], [20, 20]])).splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith("Index"))
    assert lines[index].split()[-2:] == ["1.2500", "1.0000"]
    before = lines[:index]
    assert any(line.startswith("Jobs") for line in before)
    assert any(line.startswith("Firms") for line in before)
    assert "Index" not in checked(small, [[30, 10], [20, 20]])


def test_highlighted_shares_stand_in_every_column(small: Scenario) -> None:
    solution = solved(small, [[30, 10], [20, 20]])
    text = page(replace(solution, repaired=replace(solution.baseline, moved=Fraction(7))))
    assert row(text, "Poor counties, share of the money") == ["50.0%", "50.0%", "50.0%"]
    assert row(text, "Money moved from the baseline") == ["10", "-", "7"]


def test_money_by_task_and_group_adds_up(small: Scenario) -> None:
    text = page(solved(small, [[30, 10], [25, 15]]))
    assert "The hills" in text
    assert row(text, "road") == ["30", "25", "55", "68.8%", "2"]
    assert row(text, "Total") == ["40", "40", "80", "100.0%", "4"]


def test_optimal_is_said_only_where_it_is_proven(small: Scenario) -> None:
    rows = [[30, 10], [20, 20]]
    under = "optimal under these assumptions"
    said = f"Result: {under}, to the solver's tolerance (within 0.008% of its bound)"
    assert said in page(solved(small, rows))
    proved = {"source": "proved", "bound_proved": Fraction("1.2500001")}
    said = f"Result: {under} (proved within 0.008% of the best possible)"
    assert said in page(solved(small, rows, **proved))
    assert f"Result: {under} (proved: no allocation is better)" in page(
        solved(small, rows, **proved, gap=0.0)
    )
    text = page(solved(small, rows, **proved, status="feasible", gap=0.02))
    assert f"best found, not proved {under} (within 2% of the proved bound)" in text
    assert "Upper bound of the index, proved by the certificate: 1.250001" in text
    text = page(solved(small, rows, status="feasible", gap=0.02))
    assert f"best found, not proved {under} (within 2% of the solver's bound)" in text
    text = page(solved(small, rows, status="feasible", gap=None, bound_solver=None, source=None))
    assert f"best found, not proved {under} (the solver gave no bound)" in text
    assert "proved within" not in text and "proved:" not in text


def test_a_broken_rule_makes_the_banner_and_leads_its_block(small: Scenario) -> None:
    text = page(solved(small, [[30, 20], [0, 10]]))
    assert "Draft, not to be acted on. Broken rules: 1 (Floor)" in text
    assert row(text, "Floor") == ["not", "met", "10", ">=20", "-10", "Beta", "(1", "of", "2)"]


def test_verdicts_follow_the_grounds_of_a_rule(small: Scenario) -> None:
    text = page(solved(small, [[30, 10], [20, 20]]), "zh")
    assert row(text, "目标")[0] == "符合"
    assert row(text, "下限")[0] == "满足"
    assert "备用：停用" in text
    assert "测算假定" in text


def test_an_unread_clause_in_use_makes_the_banner(small: Scenario) -> None:
    unread = {"basis": "clause", "clause": {"document": "Other"}}
    made = small.replace(rules={"floor": unread})
    text = page(solved(made, [[30, 10], [20, 20]]))
    assert "Rules in use whose clause nobody has read: 1 (Floor)" in text
    assert "Clause not read, tested at an assumed value" in text
    off = made.replace(rules={"floor": {"enabled": False}})
    assert "nobody has read" not in page(solved(off, [[30, 10], [20, 20]]))


def test_a_per_head_breach_is_told_in_all_too(small: Scenario) -> None:
    # 20 coins for 1,000 heads against 1.5 × 80 / 4,000: 0.02 to 0.03, 10 coins short in all.
    text = checked(small, [[20, 0], [40, 20]])
    assert row(text, "the whole programme (per 1,000 residents)") == [
        "20.00",
        ">=30.00",
        "10.00",
        "10",
    ]


def test_broken_limits_come_worst_first_and_the_rest_is_counted(tmp_path: Path) -> None:
    counties = {f"c{n:02}": {"people": n + 1} for n in range(14)}
    made = world(
        tmp_path,
        {"budget": 1000, "rules": [rule(per=["county"], at_least=50)]},
        counties=counties,
    )
    text = checked(made, [[13 - n, 0] for n in range(14)])
    shown = re.findall(r"^(c\d\d) +(\d+) +>=50 +(\d+)$", text, re.MULTILINE)
    assert [place for place, _, _ in shown] == [f"c{n:02}" for n in range(13, 3, -1)]
    assert shown[3] == ("c10", "3", "47")
    assert "and 4 more" in text


def test_unspent_money_has_its_reason(small: Scenario) -> None:
    capped = small.replace(
        rules={"cap": {**rule(title={"zh": "封顶", "en": "Cap"}), "id": "cap", "at_most": 70}}
    )
    text = page(solved(capped, [[30, 10], [20, 10]]))
    assert "budget 80, spent 70, unspent 10" in text
    said = "Why money is unspent: wherever more would raise the objective, a limit stops it: Cap"
    assert said in text
    left = "cells where more would fit and raise the objective"
    assert f"Why money is unspent: {left}" in page(solved(small, [[30, 10], [20, 10]]))
    near = small.replace(rules={"near": {**rule(), "id": "near", "equal": 75, "within": 5}})
    assert left in page(solved(near, [[30, 10], [20, 10]]))
    assert "Why money is unspent" not in page(solved(small, [[30, 10], [20, 20]]))


def test_the_other_calibration_reads_the_same_allocation(tmp_path: Path) -> None:
    for name, jobs in (("plan.csv", "1"), ("record.csv", "2.5")):
        lines = [f"{c},{t},1,100,{jobs},0" for c in COUNTIES for t in ("road", "school")]
        (tmp_path / name).write_text("county,task,tier,width,jobs,firms\n" + "\n".join(lines))
    calibrations = {
        "plan": {"tiers": "plan.csv", "beside": "record", "note": "Fitted to the target."},
        "record": {"tiers": "record.csv", "note": "Fitted to the record."},
    }
    made_up = {"tiers": None, "calibrations": calibrations}
    (tmp_path / "world").mkdir()
    for name in ("plan.csv", "record.csv"):
        (tmp_path / name).rename(tmp_path / "world" / name)
    made = world(tmp_path, {"budget": 80}, counties=COUNTIES, programme=made_up)
    lines = page(solved(made, [[30, 10], [20, 20]])).splitlines()
    note = lines.index("Note: Fitted to the target.")
    beside = "The same allocation by the other calibration (record): Jobs 200 jobs; Firms 0 firms."
    assert lines[note + 1] == beside
    assert lines[note + 2] == "(record) Fitted to the record."
    assert note < next(i for i, line in enumerate(lines) if line.startswith("Outcomes"))


# ---- words ----


def test_every_wording_is_complete_with_the_same_placeholders_in_both_languages() -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for key, wording in catalogue().items():
        assert set(wording) == {"zh", "en"}, key
        assert names(wording["zh"]) == names(wording["en"]), key
        assert all(isinstance(text, str) for text in wording.values()), key


def test_chinese_wordings_are_within_gbk_and_english_ones_within_ascii() -> None:
    for wording in catalogue().values():
        wording["zh"].encode("gbk")
        wording["en"].encode("ascii")


def test_no_wording_stands_twice_or_is_never_used() -> None:
    texts = "\n".join(path.read_text("utf-8") for path in CATALOGUE)
    keys = re.findall(r"^([\w.-]+):", texts, re.MULTILINE)
    assert len(keys) == len(set(keys))
    files = [
        ROOT / "cli.py",
        *(ROOT / "commands").rglob("*.py"),
        *(ROOT / "desk").rglob("*.py"),
        *(ROOT / "reports").rglob("*.py"),
        *(ROOT / "reports").rglob("*.j2"),
    ]
    code = "\n".join(path.read_text("utf-8") for path in files)
    used = set(re.findall(r"[\"']([\w.-]+)[\"']", code))
    assert sorted(set(keys) - used) == []


def test_the_first_locale_variable_that_is_set_decides() -> None:
    assert language_of_locale({"LC_ALL": "zh_CN.UTF-8"}) == "zh"
    assert language_of_locale({"LC_ALL": "", "LC_MESSAGES": "C", "LANG": "zh_CN"}) == "en"
    assert language_of_locale({}) == "en"
    assert language_of_locale({"ALLOT_LANG": "zh", "LC_ALL": "C"}) == "zh"


def test_on_windows_the_system_says_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("locale.getlocale", lambda: ("Chinese (Simplified)_China", "936"))
    assert language_of_locale({}) == "zh"
    assert language_of_locale({"LANG": "en_GB"}) == "en"


def test_the_options_of_a_solve_are_said_in_words() -> None:
    chosen = {**Options().recorded, "gap": 0.0025, "time_limit": 30, "repaired": False, "odd": 3}
    told = dict(options_said(chosen, Words("zh")))
    assert (told["允许的差距"], told["时间上限"], told["金额"]) == ("0.25%", "30秒", "取整")
    assert (told["测算修正后基准"], told["制作证明表"], told["odd"]) == ("否", "是", "3")
    assert set(Options().recorded) - {"second_opinion", "time_limit"} <= _OPTIONS.keys()
    for option, known in (("units", get_args(Units)), ("strategy", get_args(Way))):
        assert {name for name, _ in known_choices(option)} == set(known)


def known_choices(option: str) -> list[tuple[str, str]]:
    """(value, its wording) of an option with a few values."""
    return [(str(value), key) for (name, value), key in _CHOICES.items() if name == option]


def test_a_second_opinion_is_said_in_words(small: Scenario) -> None:
    said = {"solver": "cbc", "version": "pulp 3.3", "outcome": "optimal", "objective": 1.5}
    for agrees, zh in ((True, "不矛盾"), (False, "与本结果矛盾"), (None, "没有证明什么")):
        opinion = {**said, "bound": None, "agrees": agrees, "seconds": 0.1}
        made = replace(solved(small, [[30, 10], [20, 10]]), second_opinion=opinion)
        told = search_notes(made, Words("zh"))[-1]
        assert told.startswith("另一计算软件 cbc（pulp 3.3）不取整的测算：最优，综合指数 1.500000")
        assert zh in told and "True" not in told
    none = {**said, "outcome": "none", "note": NoAnswer.STOPPED.value}
    made = replace(solved(small, [[30, 10], [20, 10]]), second_opinion=none)
    assert "到了时限还没有找到一份安排" in search_notes(made, Words("zh"))[-1]


@dataclass
class At:
    stage: str
    gap: float | None


def test_progress_says_stage_and_gap() -> None:
    assert progress(At("search", None), Words("zh")) == "测算中：寻找安排"
    assert progress(At("whole", 0.0012), Words("en")) == (
        "solving: whole units, within 0.12% of the solver's bound"
    )
    assert progress(At("other", 5.0), Words("en")) == "solving: other"
