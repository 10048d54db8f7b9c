"""Rules and weights set in a workbook: `template` writes it, `--rules` lays it over a scenario."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from cli import allot
from models.errors import InputError
from models.scenario import load
from models.workbook.rule_sheet import numbers_of
from reports.catalogue import Words
from reports.excel.template_book import template
from tests.books import TABLE, edited, heads, row_of, write_book
from tests.worlds import rule, write_world

RULES = [
    rule(id="floor", per=["county"], at_least=10),
    rule(id="cap", at_most={"share": "1/3", "of": "budget"}, enabled="false"),
    rule(
        id="mix",
        where={"task": "road"},
        per=["county"],
        at_most=[{"times": 2, "of": "amount", "where": {"task": "school"}, "per": ["county"]}, 4],
    ),
    rule(id="near", measure="jobs", equal=9, within="0.5", soft={"price": "0.1"}),
    rule(id="target", measure="firms", at_least=1, margin="2%"),
    rule(id="by-column", per=["county"], at_least={"column": "people", "times": "0.01"}),
]
PLACES = [
    ("floor", "at_least", "10"),
    ("cap", "at_most.share", "1/3"),
    ("mix", "at_most[0].times", "2"),
    ("mix", "at_most[1]", "4"),
    ("near", "equal", "9"),
    ("near", "within", "0.5"),
    ("near", "soft.price", "0.1"),
    ("target", "at_least", "1"),
    ("target", "margin", "0.02"),
    ("by-column", "at_least.times", "0.01"),
]
SHEET, WEIGHTS = "约束设定", "指标权重"


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    objective = {"weights": {"jobs": 1, "firms": "0.25"}, "normalise": "none"}
    return write_world(tmp_path, {"budget": 100, "rules": RULES, "objective": objective})


def written(scenario: Path, lang: str = "zh") -> Path:
    path = scenario.with_name("rules.xlsx")
    path.write_bytes(template(load(scenario), Words(lang)))
    return path


def put(name: str, path: str, column: str, value: Any) -> Callable[[Any], None]:
    """Write a cell in the row of a rule and of one of its numbers."""

    def change(file: Any) -> None:
        sheet = file[SHEET]
        head, titles = heads(sheet)
        for row in range(head + 1, sheet.max_row + 1):
            found = [sheet.cell(row, titles[key]).value for key in ("约束编号", "数的位置")]
            if found == [name, path or None]:
                sheet.cell(row, titles[column]).value = value
                return
        raise AssertionError(f"{name} {path} has no row")

    return change


def changes(scenario: Path, change: Callable[[Any], None]) -> tuple[str, ...]:
    return load(scenario, rules=edited(written(scenario), change)).changes


def test_every_number_of_a_rule_has_a_row_of_its_own(scenario_file: Path) -> None:
    rules = load(scenario_file).document.rules
    assert [(n, *found) for n, r in rules.items() for found in numbers_of(r)] == PLACES
    sheet = openpyxl.load_workbook(written(scenario_file))[SHEET]
    rows = [[cell.value for cell in cells] for cells in sheet.iter_rows(min_row=4)]
    assert [(row[0], row[4], str(row[5])) for row in rows] == PLACES
    assert [row[3] for row in rows] == ["是", "否", "是", None, "是", None, None, "是", None, "是"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_template_as_it_was_written_changes_nothing(scenario_file: Path, lang: str) -> None:
    assert load(scenario_file, rules=written(scenario_file, lang)).changes == ()


def test_the_template_is_the_same_every_time_and_its_table_is_empty(scenario_file: Path) -> None:
    scenario = load(scenario_file)
    assert template(scenario, Words("zh")) == template(scenario, Words("zh"))
    file = openpyxl.load_workbook(written(scenario_file))
    assert file.sheetnames == ["资金分配表", SHEET, WEIGHTS, "allot"]
    sheet = file[TABLE["zh"]]
    row, titles = row_of(sheet, "a"), heads(sheet)[1]
    assert sheet.cell(row, titles["road"]).value is None


CHANGED: list[tuple[Callable[[Any], None], str]] = [
    (put("floor", "at_least", "数", 12), "rules.floor.at_least=12"),
    (put("floor", "at_least", "数", "１２"), "rules.floor.at_least=12"),
    (put("cap", "at_most.share", "数", "30%"), "rules.cap.at_most.share=0.3"),
    (put("cap", "at_most.share", "数", 0.1 + 0.2), "rules.cap.at_most.share=0.3"),
    (put("cap", "at_most.share", "启用", "是"), "rules.cap.enabled=true"),
    (put("mix", "at_most[0].times", "启用", "否"), "rules.mix.enabled=false"),
    (put("mix", "at_most[0].times", "启用", False), "rules.mix.enabled=false"),
    (put("mix", "at_most[0].times", "数", "5/2"), "rules.mix.at_most[0].times=2.5"),
    (put("mix", "at_most[1]", "数", 6), "rules.mix.at_most[1]=6"),
    (put("near", "within", "数", "1,000"), "rules.near.within=1000"),
    (put("target", "margin", "数", "5%"), "rules.target.margin=0.05"),
    (put("near", "soft.price", "数", 0), "rules.near.soft.price=0"),
]


@pytest.mark.parametrize(("change", "due"), CHANGED, ids=[due for _, due in CHANGED])
def test_what_was_changed_is_laid_over_and_recorded(
    scenario_file: Path, change: Callable[[Any], None], due: str
) -> None:
    assert changes(scenario_file, change) == (f"--rules edited.xlsx: {due}",)
    by_hand = load(scenario_file, set_=[due])
    by_book = load(scenario_file, rules=scenario_file.with_name("edited.xlsx"))
    assert by_book.spec == by_hand.spec


def test_weights_are_changed_and_empty_cells_change_nothing(scenario_file: Path) -> None:
    def change(file: Any) -> None:
        file[WEIGHTS]["D4"] = None
        file[WEIGHTS]["D5"] = 2
        put("floor", "at_least", "数", None)(file)
        put("mix", "at_most[1]", "启用", None)(file)

    found = changes(scenario_file, change)
    assert found == ("--rules edited.xlsx: objective.weights.firms=2",)


FAULTS: list[tuple[Callable[[Any], None], str]] = [
    (put("floor", "at_least", "数", "十"), "约束设定!F4: a number is due here, not '十'"),
    (put("floor", "at_least", "启用", "也许"), "约束设定!D4: '也许' is neither yes nor no"),
    (
        put("floor", "at_least", "约束编号", "flor"),
        "约束设定!A4: unknown rule 'flor' (did you mean 'floor'?)",
    ),
    (
        put("cap", "at_most.share", "数的位置", "at_most.shar"),
        "约束设定!E5: the rule 'cap' has no number at 'at_most.shar' (did you mean",
    ),
    (put("mix", "at_most[1]", "启用", "否"), "约束设定!D7: says otherwise than 约束设定!D6"),
    (put("floor", "at_least", "数", "=1+1"), "约束设定!F4: holds a formula without a stored value"),
    (put("floor", "at_least", "数", -5), "约束设定!F4: rules.floor.at_least: -5 is negative"),
    (put("cap", "at_most.share", "数", 2), "约束设定!F5: a share of 2 is above 1"),
]


@pytest.mark.parametrize(("change", "message"), FAULTS, ids=[text[:12] for _, text in FAULTS])
def test_a_bad_cell_is_refused_by_name(
    scenario_file: Path, change: Callable[[Any], None], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        changes(scenario_file, change)
    assert f"edited.xlsx: {message}" in str(caught.value)


def test_all_bad_cells_are_named_at_once(scenario_file: Path) -> None:
    def change(file: Any) -> None:
        for fault, _ in FAULTS[:4]:
            fault(file)

    with pytest.raises(InputError) as caught:
        changes(scenario_file, change)
    places = {problem.path for problem in caught.value.problems}
    assert places == {"约束设定!A4", "约束设定!E5"}


def test_a_workbook_without_rules_is_refused(scenario_file: Path) -> None:
    def drop(file: Any) -> None:
        del file[SHEET], file[WEIGHTS]

    with pytest.raises(InputError, match="no sheet has a head row of rules or of weights"):
        changes(scenario_file, drop)


def test_set_has_the_last_word(scenario_file: Path) -> None:
    path = edited(written(scenario_file), put("floor", "at_least", "数", 12))
    scenario = load(scenario_file, rules=path, set_=["rules.floor.at_least=14"])
    assert [part.number for part in scenario.spec.rules[0].bound] == [14]
    assert len(scenario.changes) == 2


# ---- the command line ----


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(allot, [str(argument) for argument in arguments])


def test_check_reads_an_edited_workbook_and_tells_what_it_took_on_trust(
    scenario_file: Path,
) -> None:
    scenario = load(scenario_file)
    path = write_book(scenario_file.with_name("b.xlsx"), scenario, [[12, 9], [12, 9]])
    assert run("check", scenario_file, path, "--set", "rules.near.enabled=false").exit_code == 0

    def spoil(file: Any) -> None:
        sheet = file[TABLE["zh"]]
        row, titles = row_of(sheet, "a"), heads(sheet)[1]
        sheet.cell(row, titles["road"]).value = "８coins"
        sheet.cell(row, titles["school"]).value = "-"

    done = run("check", scenario_file, edited(path, spoil), "--lang", "zh", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert {f["rule"] for f in told["findings"] if not f["holds"]} == {"floor", "mix"}
    assert "资金分配表!D6：“８coins”读作8" in done.stderr
    assert "资金分配表!E6：“-”读作0" in done.stderr


def test_template_is_written_and_read_by_validate_and_check(scenario_file: Path) -> None:
    path = scenario_file.with_name("t.xlsx")
    assert run("template", scenario_file, "--short", "-o", path, "--lang", "zh").exit_code == 0
    done = run("validate", scenario_file, "--rules", path, "--json")
    assert (done.exit_code, json.loads(done.stdout)["changes"]) == (0, [])
    other = edited(path, put("floor", "at_least", "数", 12), "o.xlsx")
    done = run("validate", scenario_file, "--rules", other, "--json")
    assert json.loads(done.stdout)["changes"] == ["--rules o.xlsx: rules.floor.at_least=12"]
    done = run("check", scenario_file, path, "--lang", "en")
    assert done.exit_code == 1
    assert "资金分配表!D6:E6: empty, read as 0" in done.stderr


def test_a_file_that_is_no_workbook_ends_with_code_2(scenario_file: Path) -> None:
    bad = scenario_file.with_name("bad.xlsx")
    bad.write_bytes(b"PK\x03\x04 nothing")
    assert run("check", scenario_file, bad).exit_code == 2
    done = run("validate", scenario_file, "--rules", bad)
    assert done.exit_code == 2
    assert "bad.xlsx: is not readable as a workbook" in done.stderr
