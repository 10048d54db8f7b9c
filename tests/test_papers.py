"""The papers to issue: every amount is the record's, what nobody gave is blank, drafts say so."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import allot
import cli
from models.errors import InputError
from models.finding import Audit
from models.objective import objective_of
from models.record.manifest import in_fours, read_manifest
from models.scenario import load
from optimizer.baselines import baseline
from optimizer.problem import reference_of
from optimizer.records import read_solution
from optimizer.solve import Options
from reports.record_writer import write_record
from reports.word import PAPERS, TEMPLATES
from reports.word.paper_fields import Given, paper_fields
from tests.by_hand import by_hand, compared
from tests.office import converted
from tests.worlds import rule, write_world, write_yaml

docx = pytest.importorskip("docx", reason="the extra `papers` is not installed")
BASE = Path(__file__).resolve().parents[1] / "scenarios" / "base-2020.yaml"
UNREAD = {"document": "办法", "article": "第四条", "seen": False}


def world(folder: Path, **scenario: Any) -> Path:
    """Three counties in two prefectures, two works, one rule with a clause that was read."""
    counties = {
        "a": {"people": 100, "city": "甲市"},
        "b": {"people": 300, "city": "甲市"},
        "c": {"people": 200, "city": "乙市"},
    }
    clause = {"document": "方案（甲财〔2020〕1号）", "article": "二", "seen": True}
    floor = {
        "id": "floor",
        "title": {"zh": "各县下限", "en": "Floor"},
        "basis": "clause",
        "clause": {**clause, "states_number": True},
        "measure": "amount",
        "per": ["county"],
        "at_least": 5,
    }
    content = {"budget": 60, "rules": [floor], **scenario}
    path = write_world(folder, content, counties=counties)
    write_yaml(path.parent / "world" / "labels.yaml", {"subtotal": "city"})
    return path


def record_of(path: Path, folder: Path, rows: Any, units: str = "whole") -> Path:
    """A record of these amounts that replays: its other figures are those that they come to."""
    scenario = load(path)
    due, points = baseline(scenario).amounts.tolist(), reference_of(scenario).points

    def worth(audited: Audit) -> Fraction:
        return objective_of(audited, points)

    basis = compared(scenario, due)
    made = by_hand(scenario, rows, due, bound_solver=None, gap=None)
    solution = replace(
        made,
        baseline=replace(basis, moved=Fraction(0), objective=worth(basis.audit)),
        options={**Options(certificate=False).recorded, "units": units},
        objective=worth(made.audit),
    )
    write_record(solution, folder)
    return folder


ROWS = [[20, 5], [0, 15], [7, 0]]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    return record_of(world(folder), folder / "record", ROWS)


def texts(path: Path) -> list[str]:
    """Everything that a paper says, cell by cell, its footer last."""
    document = docx.Document(str(path))
    found = [one.text for one in document.paragraphs]
    for table in document.tables:
        found += [cell.text for row in table.rows for cell in row.cells]
    return found + [one.text for one in document.sections[0].footer.paragraphs]


def table_of(path: Path, number: int = 0) -> Iterator[list[str]]:
    for row in docx.Document(str(path)).tables[number].rows:
        yield [cell.text for cell in row.cells]


def made(record: Path, folder: Path, **given: Any) -> dict[str, Path]:
    return {path.name: path for path in allot.papers(record, folder, **given)}


def recorded(record: Path) -> dict[tuple[str, str], int]:
    with (record / "allocation.csv").open(encoding="utf-8-sig", newline="") as file:
        return {(row["county"], row["task"]): int(row["amount"]) for row in csv.DictReader(file)}


def test_every_amount_of_the_table_is_the_records(record: Path, tmp_path: Path) -> None:
    files = made(record, tmp_path / "papers")
    head, total, *rows = table_of(files[PAPERS["annex-1"]])
    assert total[-4:] == ["47", "无上年数", "", ""] and total[4:6] == ["27", "20"]
    known = recorded(record)
    counties = [row for row in rows if row[0]]
    assert [row[3] for row in counties] == ["a", "b", "c"]
    for row in counties:
        for task, cell in zip(("road", "school"), row[4:6], strict=True):
            assert int(cell or 0) == known.get((row[3], task), 0)
        assert int(row[6]) == int(row[4] or 0) + int(row[5] or 0)
    sums = [(row[1], row[2], row[6]) for row in rows if not row[0]]
    assert sums == [("甲市", "小计", "40"), ("乙市", "小计", "7")]
    assert head[6:9] == ["本年安排数", "上年安排数", "增减额"]


def test_each_paper_carries_the_fingerprint_and_no_field_is_left_open(
    record: Path, tmp_path: Path
) -> None:
    mark = in_fours(read_manifest(record).fingerprint)
    files = made(record, tmp_path / "papers")
    assert set(files) == set(PAPERS.values())
    for path in files.values():
        said = texts(path)
        assert any(mark in text for text in said[-2:]), path.name
        assert not any("{{" in text or "{%" in text for text in said), path.name


@pytest.mark.slow
def test_the_papers_have_the_same_bytes_every_time(record: Path, tmp_path: Path) -> None:
    one, other = (made(record, tmp_path / name) for name in "ab")
    assert {k: v.read_bytes() for k, v in one.items()} == {
        k: v.read_bytes() for k, v in other.items()
    }


def is_draft(files: dict[str, Path]) -> set[bool]:
    return {any("草案" in text for text in texts(path)) for path in files.values()}


def test_shares_are_those_of_what_is_arranged_and_the_rest_is_told(record: Path) -> None:
    """Of 60 coins 47 are arranged, 27 of them for roads: 57 %, though 45 % of the budget."""
    solution, _ = read_solution(record)
    found = paper_fields(solution, read_manifest(record), Given())
    assert (found["spent"], found["unspent"]) == ("47", "13")
    assert found["unspent_said"] == "预算结余13coins未安排。"
    assert [one["share"] for one in found["by_task"]] == ["57.4%", "42.6%"]
    assert [one["share"] for one in found["groups"]][0] == "100.0%"


def test_a_document_counts_as_read_where_each_of_its_clauses_was(tmp_path: Path) -> None:
    """Two documents of two clauses each; of the first one clause was not read."""

    def cited(number: int, document: str, seen: bool) -> dict[str, Any]:
        clause = {"document": document, "article": "一", "seen": seen, "states_number": True}
        return rule(id=f"r{number}", at_most=60 + number, basis="clause", clause=clause)

    told = [("甲", False), ("甲", True), ("乙", True), ("乙", True)]
    rules = [cited(number, *one) for number, one in enumerate(told)]
    record = record_of(world(tmp_path, rules=rules), tmp_path / "record", ROWS)
    solution, _ = read_solution(record)
    found = paper_fields(solution, read_manifest(record), Given())
    assert found["documents"] == ["《甲》（未核到原文）", "《乙》"]


@pytest.mark.slow
def test_papers_are_a_draft_while_a_rule_is_broken_or_a_clause_is_not_read(tmp_path: Path) -> None:
    fine = record_of(world(tmp_path / "f"), tmp_path / "fine", ROWS)
    assert is_draft(made(fine, tmp_path / "p1")) == {False}
    bad = record_of(world(tmp_path / "b"), tmp_path / "bad", [[20, 5], [0, 15], [4, 0]])
    broken = made(bad, tmp_path / "p2")
    assert is_draft(broken) == {True}
    assert any("各县下限：限值≥5，实际" in text for text in texts(broken[PAPERS["annex-4"]]))
    off = {"id": "off", "title": "停用条款", "basis": "clause", "clause": UNREAD, "enabled": False}
    off |= {"measure": "amount", "at_most": 1}
    unread = record_of(world(tmp_path / "u", rules=[off]), tmp_path / "unread", ROWS)
    files = made(unread, tmp_path / "p3")
    assert is_draft(files) == {True}
    assert any("未核到原文" in text and "办法" in text for text in texts(files[PAPERS["annex-4"]]))
    assert not any(text == "符合" for text in texts(files[PAPERS["annex-4"]]))


@pytest.mark.slow
def test_targets_of_the_regions_are_whole_and_add_up(record: Path, tmp_path: Path) -> None:
    files = made(record, tmp_path / "papers")
    forms = docx.Document(str(files[PAPERS["annex-3"]])).tables[1::2]
    values = [[row.cells[4].text for row in form.rows[1:]] for form in forms]
    numbers = [[int(text.removesuffix("jobs").removesuffix("firms")) for text in v] for v in values]
    whole, *regions = numbers
    assert len(regions) == 2 and whole == [sum(column) for column in zip(*regions, strict=True)]
    # 10 × 0.5 + 10 × 0.2, 5 × 0.5 · 15: 10 × 0.5 + 5 × 0.2 · 7 × 0.5.
    assert whole[0] == int(Fraction("7") + Fraction("2.5") + Fraction("6") + Fraction("3.5"))
    by_county = made(record, tmp_path / "each", each_county=True)
    assert len(docx.Document(str(by_county[PAPERS["annex-3"]])).tables) == 2 * 4


DEADLINES = [
    {"id": "issued", "title": "下达", "event": "issued", "after": "approved", "at_most": 60},
    {"id": "posted", "title": "公示", "event": "removed", "after": "posted", "at_least": 10},
    {"id": "plan", "title": "方案", "event": "decided", "latest": "03-31"},
]


@pytest.fixture(scope="module")
def with_deadlines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deadlines")
    path = world(folder)
    law = {"document": "预算法", "article": "第五十二条", "seen": True, "states_number": True}
    rows = [{**DEADLINES[0], "clause": law}, *({**one, "reason": "惯例"} for one in DEADLINES[1:])]
    write_yaml(path.parent / "world" / "papers.yaml", {"deadlines": rows})
    programme = path.parent / "world" / "programme.yaml"
    programme.write_text(programme.read_text("utf-8") + "year: 2020\n", "utf-8")
    return record_of(path, folder / "record", ROWS)


@pytest.mark.parametrize(
    "dates, said",
    [
        ({}, ["日期未填", "日期未填", "日期未填"]),
        # 2020 is a leap year: 60 days after 20 January are 20 March.
        (
            {"approved": "2020-01-20", "issued": "2020-03-20"},
            ["相隔60日，符合（预算法第五十二条）"],
        ),
        ({"approved": "2020-01-20", "issued": "2020-03-21"}, ["相隔61日，不符合"]),
        ({"approved": "2020-03-20", "issued": "2020-03-19"}, ["相隔-1日，不符合"]),
        ({"posted": "2020-02-20", "removed": "2020-03-01"}, ["", "按假定时限：相隔10日，满足"]),
        ({"posted": "2020-02-20", "removed": "2020-02-29"}, ["", "相隔9日，不满足（惯例）"]),
        ({"decided": "2020-03-31"}, ["", "", "按假定时限：满足"]),
        ({"decided": "2020-04-01"}, ["", "", "按假定时限：不满足"]),
    ],
)
def test_deadlines_are_read_on_the_dates_that_are_given(
    with_deadlines: Path, tmp_path: Path, dates: dict[str, str], said: list[str]
) -> None:
    files = made(with_deadlines, tmp_path / "papers", dates=dates)
    _, *rows = table_of(files[PAPERS["annex-4"]], 1)
    for row, text in zip(rows, said, strict=False):
        assert text in row[3]


@pytest.mark.slow
def test_dates_and_texts_that_nobody_gave_are_blank(record: Path, tmp_path: Path) -> None:
    blank = "\n".join(texts(made(record, tmp_path / "p1")[PAPERS["notice"]]))
    assert "　　　　年　　月　　日" in blank and "根据＿＿＿＿＿＿审议通过" in blank
    given = {"dates": {"issued": "2020-05-03"}, "texts": {"number": "甲财〔2020〕<7>号 & 附"}}
    said = texts(made(record, tmp_path / "p2", **given)[PAPERS["notice"]])
    assert "2020年5月3日" in said and "甲财〔2020〕<7>号 & 附" in said


def test_last_year_stands_beside_where_it_is_known(tmp_path: Path) -> None:
    path = world(tmp_path, last_year={"file": "last.csv"})
    path.with_name("last.csv").write_text("county,amount\na,30\nb,15\n", "utf-8")
    files = made(record_of(path, tmp_path / "record", ROWS), tmp_path / "papers")
    rows = {row[3] or row[1]: row[7:9] for row in table_of(files[PAPERS["annex-1"]])}
    assert rows["a"] == ["30", "-5"] and rows["b"] == ["15", "0"] and rows["甲市"] == ["45", "-5"]
    assert rows["c"] == ["无上年数", ""] and rows["合计"] == ["无上年数", ""]


def refused(*given: Any, **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        allot.papers(*given, **more)
    return str(caught.value)


@pytest.mark.slow
def test_what_cannot_be_used_is_refused_with_words(record: Path, tmp_path: Path) -> None:
    out = tmp_path / "papers"
    assert "papers stand outside it" in refused(record, record / "papers")
    assert "unknown date 'isued' (did you mean 'issued'?)" in refused(
        record, out, dates={"isued": "2020-01-01"}
    )
    assert "'2020-02-30' is no date" in refused(record, out, dates={"issued": "2020-02-30"})
    assert "unknown text 'nummer'" in refused(record, out, texts={"nummer": "1"})
    assert "is not a record" in refused(tmp_path / "none", out)
    assert not out.exists()
    out.mkdir()
    (out / "mine.txt").write_text("mine", "utf-8")
    assert "holds other files (mine.txt)" in refused(record, out)
    assert made(record, tmp_path / "p2").keys() == made(record, tmp_path / "p2").keys()


def test_a_record_that_does_not_replay_gives_no_papers(record: Path, tmp_path: Path) -> None:
    record = Path(shutil.copytree(record, tmp_path / "changed"))
    table = record / "allocation.csv"
    table.write_text(table.read_text("utf-8-sig").replace("20", "21"), "utf-8")
    assert "does not replay" in refused(record, tmp_path / "papers")
    assert not (tmp_path / "papers").exists()


def test_parts_of_a_money_unit_make_no_paper(tmp_path: Path) -> None:
    rows = [[Fraction(41, 2), 5], [0, 15], [7, 0]]
    record = record_of(world(tmp_path), tmp_path / "record", rows, "exact")
    assert "parts of a money unit" in refused(record, tmp_path / "papers")


@pytest.mark.slow
def test_templates_of_the_office_stand_in_for_those_of_the_program(
    record: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(TEMPLATES / "notice.docx", own / "notice.docx")
    document = docx.Document(str(own / "notice.docx"))
    document.paragraphs[-1].add_run("（{{ fund }}办公室）")
    document.save(str(own / "notice.docx"))
    said = "\n".join(texts(made(record, tmp_path / "p", templates=own)[PAPERS["notice"]]))
    title = load(record / "scenario.yaml").programme.file.title.zh
    assert f"（{title}办公室）" in said
    document.paragraphs[-1].add_run("{{ nobody_knows }}")
    document.save(str(own / "notice.docx"))
    assert "'nobody_knows' is undefined" in refused(record, tmp_path / "q", templates=own)
    (own / "notice.docx").write_text("no document", "utf-8")
    assert "is no Word document" in refused(record, tmp_path / "q", templates=own)
    (own / "notice.docx").rename(own / "notce.docx")
    assert "is no template (did you mean 'notice.docx'?)" in refused(
        record, tmp_path / "q", templates=own
    )
    assert not (tmp_path / "q").exists()


def test_the_missing_extra_is_said_with_the_line_that_installs_it(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.word.find_spec", lambda name: None)
    assert "python3 tools/install.py extras" in refused(record, tmp_path / "papers")


def test_the_templates_name_the_fonts_of_official_papers() -> None:
    for name in PAPERS:
        styles = docx.Document(str(TEMPLATES / f"{name}.docx")).styles
        named = {
            one: styles[one].font.name for one in ("Title", "Heading 1", "Heading 2", "Normal")
        }
        assert list(named.values()) == ["方正小标宋简体", "黑体", "楷体_GB2312", "仿宋_GB2312"]


def test_the_command_writes_them_and_tells_what_is_wrong(record: Path, tmp_path: Path) -> None:
    run, out = CliRunner(), str(tmp_path / "papers")
    done = run.invoke(cli.allot, ["papers", str(record), "-o", out, "--date", "issued=2020-03-01"])
    assert done.exit_code == 0 and sorted(PAPERS.values()) == sorted(
        one.name for one in Path(out).iterdir()
    )
    given = ["papers", str(record), "-o", out, "--lang", "zh"]
    for option, told in (
        ("--date=issued", "缺少等号"),
        ("--date=isued=2020-03-01", "--date：没有名为“isued”的日期（是否指“issued”？）"),
        ("--text=nr=1", "--text：没有名为“nr”的填写项"),
    ):
        failed = run.invoke(cli.allot, [*given, option])
        assert failed.exit_code == 2 and told in failed.output


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped fund, spread by the factor method: a record of every county and task."""
    scenario = load(BASE)
    rows = baseline(scenario).amounts.tolist()
    return record_of(BASE, tmp_path_factory.mktemp("base") / "record", rows)


@pytest.mark.slow
def test_papers_of_the_shipped_fund_hold_its_amounts(base: Path, tmp_path: Path) -> None:
    files = made(base, tmp_path / "papers")
    known, tasks = recorded(base), load(BASE).programme.tasks.ids
    _, total, *rows = table_of(files[PAPERS["annex-1"]])
    counties = [row for row in rows if row[0]]
    assert [row[0] for row in counties] == [str(number) for number in range(1, 89)]
    by_county = {}
    for row in counties:
        amounts = [int(cell.replace(",", "") or 0) for cell in row[4:12]]
        assert amounts == [known.get((row[3], task), 0) for task in tasks]
        by_county[row[2]] = sum(amounts)
        assert row[12].replace(",", "") == str(sum(amounts))
    assert total[12] == "33,000" == f"{sum(by_county.values()):,}"
    listed = [text for text in texts(files[PAPERS["announcement"]]) if "）安排" in text]
    assert [text.partition("安排")[2] for text in listed] == [
        f"{name}资金{money:,}万元；" for name, money in by_county.items()
    ]
    review = "\n".join(texts(files[PAPERS["annex-4"]]))
    assert "新增资金80%以上用于深度贫困县" in review and "单项起点数" in review
    goals = docx.Document(str(files[PAPERS["annex-3"]])).tables
    blank = {row.cells[2].text: (row.cells[3].text, row.cells[4].text) for row in goals[1].rows}
    for title in ("项目验收合格率", "单位就业补助成本", "企业、贫困群众满意度"):
        assert blank[title] == ("", "")
    money = [form.rows[3].cells[1].text.removesuffix("万元") for form in goals[::2]]
    assert money[0] == "33,000" and sum(int(one.replace(",", "")) for one in money[1:]) == 33000


@pytest.mark.slow
def test_libreoffice_draws_every_paper(base: Path, tmp_path: Path) -> None:
    files = allot.papers(base, tmp_path / "papers")
    for path in converted(files, tmp_path, "pdf"):
        assert path.read_bytes().startswith(b"%PDF")
