"""Mistakes as people make them, met at the command line under `--lang zh`: no English is left."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

import cli
from models.scenario import load
from tests.books import edited, write_book
from tests.forging import put, tell
from tests.source_tree import ROOT
from tests.worlds import rule, write_csv, write_world, write_yaml


def run(*arguments: object, lang: str = "zh") -> Result:
    environment = {"LC_ALL": "C.UTF-8", "COLUMNS": "80"}
    asked = [*map(str, arguments), "--lang", lang]
    return CliRunner(env=environment).invoke(cli.allot, asked)


def english(text: str) -> list[str]:
    """Runs of two English words or more that are neither in quotes nor a name or a way to write."""
    bare = re.sub(r"“[^”]*”|<[^>]*>|`[^`]*`|\{[^{}]*\}|'[^']*'", "×", text)
    bare = re.sub(r"--[\w-]+|[\w./-]*[/_.=][\w./-]+|allot \w+", "×", bare)
    return re.findall(r"[A-Za-z]{2,}(?: [A-Za-z]{2,})+", bare)


def refused(done: Result, *, code: int = 2) -> None:
    assert done.exit_code == code, done.output
    assert done.stdout == "" or code == 1
    assert english(done.output) == [], done.output
    assert re.search("[一-鿿]", done.output)
    done.output.encode("gbk")


def written(folder: Path, body: dict[str, Any] | None = None, **parts: Any) -> Path:
    floor = rule(id="floor", per=["county"], at_least=5)
    return write_world(folder, {"budget": 60, "rules": [floor], **(body or {})}, **parts)


SCENARIOS: list[dict[str, Any]] = [
    {"bugdet": 5},
    {"budget": "much"},
    {"budget": -5},
    {"budget": "10.5"},
    {"budget": 10**13},
    {"lot": {"column": "x"}},
    {"calibration": "c"},
    {"objective": {"weights": {"job": 1}}},
    {"objective": {"weights": {"jobs": 0}}},
    {"grounds": {"budgets": {"reason": "x"}}},
    {"outside": [{"code": "a", "name": "City", "amount": 1}]},
    {"outside": [{"code": " c", "name": "City", "amount": 1}]},
    {"ineligible": [{"where": {"task": "rod"}, "reason": "x"}]},
    {"locks": [{"county": "a", "task": "road", "amount": 99}]},
    {"locks": [{"county": "a", "task": "road", "amount": 1.5}]},
    {"extends": "nowhere.yaml"},
    {"extends": "scenario.yaml"},
    {"programme": "nowhere"},
    {"baseline": {"kind": "factor"}},
    {"baseline": {"kind": "odd"}},
    {"scenarios": {"s": ["les"]}, "overrides": {"less": {"budget": 40}}},
    {"rules": "many"},
    {"rules": [5]},
]
RULES: list[dict[str, Any]] = [
    {"measure": "job", "at_least": 1},
    {"at_least": 1, "at_most": 2},
    {"at_least": {"share": 1.5, "of": "amount"}},
    {"at_least": {"share": 0.5}},
    {"at_least": {"column": "peple"}},
    {"at_least": {"of": "budget", "share": 0.1, "per": ["county"]}},
    {"at_least": [], "per": ["county"]},
    {"per": ["county", "county"], "at_least": 1},
    {"where": {"county": "c"}, "at_least": 1},
    {"where": {"people": {"min": 5, "max": 1}}, "at_least": 1},
    {"where": {"county": {"min": 1}}, "at_least": 1},
    {"measure": "jobs", "equal": 3},
    {"basis": "clause", "at_least": 1},
    {"basis": "law", "at_least": 1},
    {"basis": "assumption", "reason": None, "at_least": 1},
    {"if_funded": True, "at_most": 3},
    {"per_head": "name", "at_least": 1},
    {"id": "budget", "at_least": 1},
    {"at_least": "twelve"},
    {"at_least": "1/0"},
    {"enabled": "perhaps", "at_least": 1},
    {"title": None, "at_least": 1},
]


@pytest.mark.parametrize("body", SCENARIOS, ids=str)
def test_a_wrong_scenario_is_refused_in_chinese(tmp_path: Path, body: dict[str, Any]) -> None:
    refused(run("validate", written(tmp_path, body)))


@pytest.mark.parametrize("fields", RULES, ids=str)
def test_a_wrong_rule_is_refused_in_chinese(tmp_path: Path, fields: dict[str, Any]) -> None:
    refused(run("validate", written(tmp_path, {"rules": [rule(**fields)]})))


@pytest.mark.parametrize(
    "text",
    [
        "budget: 5: 6",
        "budget: [1, 2",
        "budget: {a: 1",
        "budget:\n- 1\n-2",
        "a: 1\n\tb: 2",
        "a: 'open",
        "budget: 5\nbudget: 6",
        "a: *none",
        "a: &x [*x]",
        "a: !odd 5",
        "a: @b",
        "--- a\n--- b",
        "- a\n- b",
        "? [a]\n: b",
        "<<: 5",
        'a: "\\q"',
        "[" * 100 + "]" * 100,
        "a: b\n c: d\n- e",
    ],
)
def test_yaml_that_cannot_be_read_is_refused_in_chinese(tmp_path: Path, text: str) -> None:
    path = written(tmp_path)
    path.write_text(text, "utf-8")
    refused(run("validate", path))


def _counties(*rows: list[Any]) -> Callable[[Path], None]:
    return lambda world: write_csv(world / "counties.csv", ["code", "people"], rows)


def _tiers(*rows: list[Any]) -> Callable[[Path], None]:
    header = ["county", "task", "tier", "width", "jobs", "firms"]
    return lambda world: write_csv(world / "tiers.csv", header, rows)


@pytest.mark.parametrize(
    "spoil",
    [
        _counties(["a", "many"], ["b", 3]),
        _counties(["a", ""], ["", 3]),
        _counties(["a", 1], ["a", 3]),
        _counties(["a", 1, 7], ["b", 3]),
        _counties(["a", "1,23"], ["b", "１2"]),
        _counties(),
        lambda world: write_csv(world / "counties.csv", ["code", "peple"], [["a", 1], ["b", 2]]),
        lambda world: (world / "counties.csv").write_text(""),
        lambda world: (world / "counties.csv").write_bytes(b"\xff\xfe\x00\x81"),
        lambda world: (world / "counties.csv").unlink(),
        lambda world: (world / "counties.csv").write_text('code,people\na,"1\n'),
        _tiers(["a", "road", 1, 10, 0.5, 0.1], ["a", "road", 3, 10, 0.1, 0.1]),
        _tiers(["a", "rod", 1, 10, 0.5, 0.1], ["c", "road", 1, 10, 0.1, 0.1]),
        _tiers(["a", "road", 1.5, 0, "x", 0.1], ["a", "road", 1, 10, 10**30, 0.1]),
        _tiers(["a", "road", 1, 10, 0.5, 0.1], ["a", "road", 1, 10, 0.5, 0.1]),
        lambda world: write_yaml(world / "tasks.yaml", [{"id": "road", "columns": {"x": 1}}]),
        lambda world: write_yaml(world / "labels.yaml", {"columns": 5, "curves": ["z"]}),
        lambda world: write_csv(world / "tiles.csv", ["code", "column", "row"], [["z", -1, "x"]]),
    ],
)
def test_a_wrong_programme_is_refused_in_chinese(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    path = written(tmp_path)
    spoil(tmp_path / "world")
    refused(run("solve", path, "-o", tmp_path / "kept"))


@pytest.mark.parametrize(
    "rows",
    [
        [["a", "road", "x"], ["b", "rod", 5], ["c", "road", 5]],
        [["a", "road", 5], ["a", "road", 6], ["b", "road", -2]],
        [["a", "road", "1/0"], ["b", "school", "5,5"]],
        [["a", "road"]],
    ],
)
def test_a_wrong_table_of_amounts_is_refused_in_chinese(
    tmp_path: Path, rows: list[list[Any]]
) -> None:
    path, table = written(tmp_path), tmp_path / "table.csv"
    write_csv(table, ["county", "task", "amount"], rows)
    refused(run("check", path, table))


@pytest.mark.slow
def test_a_wrong_workbook_is_refused_in_chinese(tmp_path: Path) -> None:
    path = written(tmp_path)
    scenario = load(path)
    rows = [[5, 5], [5, 5]]
    book = write_book(tmp_path / "book.xlsx", scenario, rows)
    name = openpyxl.load_workbook(book).sheetnames[0]
    money, below = (6, 4), (7, 3)  # The first amount; the code under the first.
    for value, where in [
        ("abc", money),
        (-5, money),
        ("=1/0", money),
        (True, money),
        ("=1+1", money),
        ("zz", below),
        ("a", below),
        (None, below),
    ]:

        def change(made: Any, value: object = value, where: tuple[int, int] = where) -> None:
            made[name].cell(*where).value = value

        refused(run("check", path, edited(book, change)))
    refused(run("check", path, path.with_name("nowhere.xlsx")))
    path.with_name("odd.xlsx").write_bytes(b"no workbook")
    refused(run("check", path, path.with_name("odd.xlsx")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ["solve", "S", "--gap", "2"],
        ["solve", "S", "--gap", "x"],
        ["solve", "S", "--time-limit", "0"],
        ["solve", "S", "--time-limit", "-1"],
        ["solve", "S", "--units", "half"],
        ["solve", "S", "--solver", "higs"],
        ["solve", "S", "--set", "budget"],
        ["solve", "S", "--set", "budget=x"],
        ["solve", "S", "--set", "rules.flor.at_least=3"],
        ["solve", "S", "--with", "nothing"],
        ["solve", "S", "--rules", "S"],
        ["solve", "S", "-o", "S"],
        ["solve", "S", "-o", "world"],
        ["solve", "S", "--forced"],
        ["solve"],
        ["solve", "S", "T"],
        ["solve", "nowhere.yaml"],
        ["solv", "S"],
        ["export", "S"],
        ["export", "S", "-o", "model.txt"],
        ["template", "S", "-o", "S"],
        ["baseline", "odd", "S"],
        ["baseline", "factor", "S"],
        ["new", "world"],
        ["prices", "S", "--rule", "floor"],
        ["prices", "S", "--exact", "--rule", "flor"],
        ["ranges", "S", "--within", "2"],
        ["ranges", "S", "--witness", "zz"],
        ["explain", "S", "zz"],
        ["explain", "S", "a", "--against", "a"],
        ["diagnose", "S", "--weight", "floor"],
        ["diagnose", "S", "--weight", "flor=2"],
        ["diagnose", "S", "--weight", "floor=0"],
        ["compare", "S"],
        ["compare", "S", "T"],
        ["compare", "S", "S", "--reference", "9"],
        ["compare", "S", "S", "--reference", "zz"],
        ["compare", "S", "S", "--cost-of-rules"],
        ["grid", "S", "--vary", "budget"],
        ["grid", "S", "--vary", "bugdet=1,2"],
        ["grid", "S", "--vary", "budget=5:1:1"],
        ["grid", "S", "--vary", "budget=1:2"],
        ["grid", "S", "--vary", "budget=1:90000:1"],
        ["grid", "S", "--vary", "budget=1,2", "--workers", "0"],
        ["sweep", "S", "--vary", "budget=9:1"],
        ["sweep", "S", "--vary", "budget=1:9:-1"],
        ["tornado", "S", "--by", "odd"],
        ["verify", "nowhere"],
        ["verify", "world"],
        ["reproduce", "world"],
        ["report", "world"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_refused_in_chinese(tmp_path: Path, options: list[str]) -> None:
    path = written(tmp_path)
    shutil.copy(path, tmp_path / "S")
    named = {one: tmp_path / one for one in ("S", "T", "world", "nowhere.yaml", "nowhere")}
    refused(run(*(named.get(one, one) for one in options)))


def test_rules_in_conflict_and_points_without_an_answer_are_told_in_chinese(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, {"rules": [rule(id="floor", per=["county"], at_least=35)]})
    refused(run("solve", path, "-q"), code=3)
    study = run("grid", path, "--vary", "budget=60,-5,0.5,80", "--workers", 1)
    assert study.exit_code == 0
    assert english(study.output) == []
    assert "-5：budget：-5 是负数；此处应为0或正数" in study.output
    assert "0.5：budget：预算应为大于0的整数金额" in study.output


def _first_amount(record: Path) -> None:
    lines = (record / "allocation.csv").read_bytes().split(b"\n")
    lines[1] = re.sub(rb"^([^,]+,[^,]+),\d+", rb"\1,1", lines[1])
    put(record, "allocation.csv", b"\n".join(lines))


@pytest.mark.parametrize(
    "forge",
    [
        lambda record: (record / "outcomes.csv").unlink(),
        lambda record: (record / "more.txt").write_text("x"),
        lambda record: (record / "outcomes.csv").write_text("x"),
        lambda record: (record / "manifest.json").write_text("{"),
        lambda record: (record / "manifest.json").write_text("{}"),
        _first_amount,
        lambda record: put(record, "findings.csv", b"rule\nx\n"),
        lambda record: put(record, "prices.csv", b"rule\nx\n"),
        lambda record: put(record, "certificate.csv", b"x\ny\n"),
        lambda record: put(record, "report.html", b"<p>other"),
        lambda record: put(record, "workbook.xlsx", b"other"),
        lambda record: tell(record, lambda found: found.update(version=99)),
        lambda record: tell(record, lambda found: found.update(created="2999-01-01T00:00:00Z")),
        lambda record: tell(record, lambda found: found.update(more=1)),
        lambda record: tell(record, lambda found: found.pop("result")),
        lambda record: tell(record, lambda found: found["options"].update(gap=3)),
        lambda record: tell(record, lambda found: found["result"].update(status="good")),
        lambda record: tell(record, lambda found: found["files"].update({"../x": "0"})),
    ],
)
def test_a_record_that_does_not_hold_is_told_in_chinese(
    kept: Path, tmp_path: Path, forge: Callable[[Path], object]
) -> None:
    record = tmp_path / "record"
    shutil.copytree(kept, record)
    forge(record)
    done = run("verify", record)
    assert done.exit_code in (1, 2), done.output
    said = done.output.partition("不一致之处")[2].partition("仅由计算软件所报")[0] or done.output
    assert english(said) == [], done.output
    if done.exit_code == 1:
        checks = json.loads(run("verify", record, "--json").stdout)["checks"]
        wrong = [one for check in checks for one in check["differences"]]
        assert wrong and english("\n".join(one["message_zh"] for one in wrong)) == []


EVERY_HELP = """
import cli
from click.testing import CliRunner

for verb in ([], *([one] for one in cli.allot.commands)):
    print(CliRunner().invoke(cli.allot, [*verb, "--help"]).output)
"""


def said_apart(*words: str, **environment: str) -> str:
    """What another process says: help is in the language that it began with."""
    told = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8", **environment}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, env=told)
    return done.stdout.decode()


def test_help_is_chinese_but_for_what_is_typed() -> None:
    said = said_apart("-c", EVERY_HELP, ALLOT_LANG="zh")
    assert said.count("用法：allot") == len(cli.allot.commands) + 1
    assert {*re.findall(r"(?<![\w.-])[A-Z]{3,}(?![\w.])", said)} <= {"CSV", "JSON", "YAML"}
    assert english(said) == []
    assert max(cell_len(line) for line in said.splitlines()) <= 80


@pytest.mark.parametrize(
    "line", [["--lang", "zh", "check", "--help"], ["check", "-h", "--lang=zh"]]
)
def test_the_language_asked_for_decides_help_wherever_it_stands(line: list[str]) -> None:
    assert said_apart("cli.py", *line).startswith("用法：allot check [选项] 情景 安排表\n")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of two counties."""
    folder = tmp_path_factory.mktemp("kept")
    done = run("solve", written(folder), "-o", folder / "record", "-q")
    assert done.exit_code == 0, done.output
    return folder / "record"
