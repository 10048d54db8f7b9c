"""The command line as its users meet it: exit codes, streams, languages, files."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from models.errors import InputError, NoAnswerError
from models.scenario import load
from optimizer.decision import solve
from optimizer.study.grid import grid
from tests.worlds import rule, write_csv, write_world

ROOT = Path(__file__).parent.parent
BASE = ROOT / "scenarios" / "base-2020.yaml"
COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "people": 100, "poor": True},
    "b": {"name_zh": "乙县", "name_en": "Beta", "people": 300, "poor": False},
}
FLOOR = rule(
    id="floor",
    title={"zh": "县级下限", "en": "County floor"},
    per=["county"],
    at_least=15,
)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Two counties, two tasks, 60 coins, at least 15 for each county."""
    body = {
        "budget": 60,
        "rules": [FLOOR],
        "overrides": {"high": {"rules": {"floor": {"at_least": 25}}}},
    }
    return write_world(tmp_path, body, counties=COUNTIES)


def run(*arguments: object, lang: str = "en") -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": "80"}
    return CliRunner(env=environment).invoke(cli.allot, [str(one) for one in arguments])


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The real program, in a process of its own."""
    return subprocess.run(
        [sys.executable, "cli.py", *(str(one) for one in arguments)],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
        check=False,
    )


def table(folder: Path, *rows: tuple[str, str, object]) -> Path:
    path = folder / "allocation.csv"
    write_csv(path, ["county", "task", "amount"], rows)
    return path


def test_a_problem_names_the_keyword_to_python_and_the_option_to_the_command_line(
    scenario: Path,
) -> None:
    with pytest.raises(InputError) as caught:
        load(scenario, set_="budget")
    assert str(caught.value) == "set_ budget: write PATH=VALUE"
    assert "--set budget: write PATH=VALUE" in run("solve", scenario, "--set", "budget").stderr
    with pytest.raises(InputError, match=r"^solver: 'higs' is not here"):
        solve(load(scenario), solver="higs")
    assert "--solver: 'higs' is not here" in run("solve", scenario, "--solver", "higs").stderr
    second = run("solve", scenario, "--second-opinion", "higs").stderr
    assert "--second-opinion: 'higs' is not here" in second
    with pytest.raises(InputError, match=r"^workers: 0 processes"):
        grid(load(scenario), {"budget": [50]}, workers=0)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_help_loads_neither_numpy_nor_pydantic(lang: str) -> None:
    heavy = ("numpy", "pydantic", "rich.console", "scipy", "highspy", "models.scenario")
    code = (
        "import sys, cli\ntry: cli.allot(['solve', '--help'])\nexcept SystemExit: pass\n"
        f"print('loaded:', *[m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "ALLOT_LANG": lang, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "--second-opinion" in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.slow
def test_solve_prints_one_json_document_in_the_promised_shape(scenario: Path) -> None:
    done = process("solve", scenario, "--json")
    assert done.returncode == 0, done.stderr.decode()
    document = json.loads(done.stdout)
    promised = (
        "scenario status objective bound gap solver_gap rounding_loss money outcomes baseline"
    )
    assert {*promised.split(), "allocation", "findings", "seconds"} <= set(document)
    assert document["status"] == "optimal"
    assert document["money"] == {"budget": 60, "spent": 60, "unspent": 0}
    # 10 coins in each of 4 cells at 0.5 jobs, the other 20 at 0.2.
    assert document["outcomes"]["jobs"] == document["objective"] == 24
    assert document["baseline"]["outcomes"]["jobs"] == 24
    assert sum(row["amount"] for row in document["allocation"]) == 60
    assert all(type(row["amount"]) is int for row in document["allocation"])
    floors = [row for row in document["findings"] if row["rule"] == "floor"]
    assert [row["key"] for row in floors] == [{"county": "a"}, {"county": "b"}]
    assert all(row["holds"] and row["lower"] == 15 and row["upper"] is None for row in floors)
    assert all(row["slack"] == row["value"] - 15 for row in floors)


def test_numbers_of_the_json_document_are_exact(scenario: Path, tmp_path: Path) -> None:
    long = "0.12345678901234567891"
    path = table(tmp_path, ("a", "road", long), ("b", "road", "30"))
    text = run("check", scenario, path, "--json").stdout
    assert f'"amount": {long}' in text
    assert '"spent": 30.12345678901234567891' in text


def test_solve_shows_metrics_money_rules_and_the_draft_banner(scenario: Path) -> None:
    page = run("solve", scenario, lang="zh").stdout
    for wanted in (
        "分配建议（草案）",
        "结果：在本测算假定下最优",
        "预算60coins",
        "Jobs",
        "县级下限",
        "综合指数",
    ):
        assert wanted in page
    assert "不得据以执行" not in page
    english = run("solve", scenario).stdout
    assert "Proposed allocation (draft)" in english
    assert "County floor" in english


def test_set_and_with_change_the_scenario(scenario: Path) -> None:
    def lowest(*arguments: str) -> Any:
        document = json.loads(run("solve", scenario, "--json", *arguments).stdout)
        return {row["lower"] for row in document["findings"] if row["rule"] == "floor"}

    assert lowest() == {15}
    assert lowest("--set", "rules.floor.at_least=18") == {18}
    assert lowest("--with", "high") == {25}


def test_check_exits_1_and_names_what_is_broken_where_and_by_how_much(
    scenario: Path, tmp_path: Path
) -> None:
    done = run("check", scenario, table(tmp_path, ("a", "road", 3), ("b", "road", 40)))
    assert done.exit_code == 1
    assert "Draft, not to be acted on. Broken rules: 1 (County floor)" in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("Alpha"))
    assert line.split() == ["Alpha", "3", ">=15", "12"]
    assert "In each county, money is at least 15 coins" in done.stdout


def test_money_above_the_budget_is_said_so_and_never_a_minus(
    scenario: Path, tmp_path: Path
) -> None:
    path = table(tmp_path, ("a", "road", 60), ("b", "road", 1000))
    said = run("check", scenario, path, "-o", tmp_path / "page").stdout
    assert "budget 60, spent 1,060, over budget by 1,000" in said
    assert "超出预算1,000coins" in run("check", scenario, path, "--lang", "zh").stdout
    assert "over budget by 1,000" in (tmp_path / "page" / "check.html").read_text("utf-8")


def test_check_of_an_allocation_that_keeps_the_rules_exits_0(
    scenario: Path, tmp_path: Path
) -> None:
    path = table(tmp_path, ("a", "road", 20), ("b", "road", 40))
    assert run("check", scenario, path).exit_code == 0
    quiet = run("check", scenario, path, "-q")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")


def test_check_json_lists_the_broken_rules(scenario: Path, tmp_path: Path) -> None:
    done = run("check", scenario, table(tmp_path, ("a", "road", 3)), "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 1
    assert document["broken"] == ["floor"]
    assert [row["slack"] for row in document["findings"] if not row["holds"]] == [-12, -15]


@pytest.mark.slow
def test_bad_input_exits_2_with_every_problem_a_line_and_nothing_on_stdout(
    tmp_path: Path,
) -> None:
    rules = [rule(id="x", per=["conty"], at_least=1), rule(id="y", measure="jbs", at_least=1)]
    path = write_world(tmp_path, {"budget": 60, "rules": rules})
    for extra in ([], ["--json"]):
        done = process("solve", path, *extra)
        assert (done.returncode, done.stdout) == (2, b"")
        errors = done.stderr.decode()
        assert "unknown column 'conty' (did you mean 'county'?)" in errors
        assert "unknown measure 'jbs' (did you mean 'jobs'?)" in errors
        assert "Traceback" not in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "SCENARIO", "no-such.csv"],
        ["solve", "no-such.yaml"],
        ["solve", "SCENARIO", "--gap", "nan"],
        ["solve", "SCENARIO", "--time-limit", "-1"],
        ["solve", "SCENARIO", "--units", "halves"],
        ["solve", "SCENARIO", "--set", "rules.flor.at_least=1"],
        ["solve", "SCENARIO", "--with", "hihg"],
        ["baseline", "factr", "SCENARIO"],
        ["export", "SCENARIO"],
    ],
)
def test_what_cannot_be_used_exits_2(scenario: Path, arguments: list[str]) -> None:
    done = run(*(str(scenario) if one == "SCENARIO" else one for one in arguments))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr


def test_rules_that_cannot_all_be_kept_exit_3_and_say_what_could_give_way(scenario: Path) -> None:
    done = run("solve", scenario, "--set", "rules.floor.at_least=31", "--json")
    assert done.exit_code == 3
    told = json.loads(done.stdout)
    assert (told["feasible"], told["proved"]) == (False, True)
    assert done.stderr.startswith("Rules in conflict:")
    assert "floor" in done.stderr


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("optimizer.decision.solve", fail)


def test_a_solver_without_an_answer_exits_4(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_with(NoAnswerError("stopped at the time limit"), monkeypatch)
    done = run("solve", scenario, "--json")
    assert (done.exit_code, done.stdout) == (4, "")
    assert "stopped at the time limit" in done.stderr


def test_an_interrupt_exits_130_with_one_line(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_with(KeyboardInterrupt(), monkeypatch)
    done = run("solve", scenario)
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_an_error_in_allot_itself_is_not_taken_for_a_broken_rule(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_with(ZeroDivisionError("inside"), monkeypatch)
    done = run("solve", scenario)
    assert done.exit_code == 70
    assert done.stdout == ""


def test_a_full_disk_is_told_and_exits_2(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_with(OSError(28, "No space left on device", "out/allocation.csv"), monkeypatch)
    done = run("solve", scenario)
    assert done.exit_code == 2
    assert done.stderr == "cannot be written: out/allocation.csv: No space left on device\n"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_stdout_is_told_and_exits_2(scenario: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "cli.py", "validate", str(scenario)],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.decode() == "cannot be written: No space left on device\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="pipes of this system break otherwise")
def test_a_broken_pipe_is_quiet(scenario: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "cli.py", "validate", str(scenario)],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_record_is_written_and_replaced_only_with_force(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("solve", scenario, "-o", out, "--author", "N.N.", "--reason", "a try")
    assert done.exit_code == 0, done.stderr
    assert json.loads((out / "manifest.json").read_text("utf-8"))["author"] == "N.N."
    assert run("check", out / "scenario.yaml", out / "allocation.csv").exit_code == 0
    again = run("solve", scenario, "-o", out)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert run("solve", scenario, "-o", out, "--force", "-q").exit_code == 0


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_folder_that_cannot_be_the_record_is_refused_before_solving(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: list[str]
) -> None:
    failing_with(AssertionError("solved in vain"), monkeypatch)
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("mine")
    assert run("solve", scenario, "-o", taken, *force).exit_code == 2
    assert run("solve", scenario, "-o", taken / "letter.txt" / "out").exit_code == 2
    assert (taken / "letter.txt").read_text() == "mine"


def test_a_baseline_written_to_csv_is_read_back_by_check(scenario: Path, tmp_path: Path) -> None:
    path = tmp_path / "equal.csv"
    done = run("baseline", "equal", scenario, "-o", path, "--json")
    assert done.exit_code == 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["county"], row["task"], int(row["amount"])) for row in csv.DictReader(file)]
    shown = json.loads(done.stdout)["allocation"]
    assert rows == [(row["county"], row["task"], row["amount"]) for row in shown]
    assert run("check", scenario, path).exit_code == 0


def test_a_baseline_that_breaks_rules_is_shown_and_exits_0(scenario: Path) -> None:
    done = run("baseline", "equal", scenario, "--set", "rules.floor.at_least=31")
    assert done.exit_code == 0
    assert "Broken rules: 1" in done.stdout


def test_validate_says_what_every_rule_asks_for(scenario: Path) -> None:
    page = run("validate", scenario, lang="zh").stdout
    assert "每个县（市、区）的资金不低于15coins" in page
    document = json.loads(run("validate", scenario, "--json").stdout)
    assert document["budget"] == 60
    assert document["rules"][0]["sentence"]["en"] == "In each county, money is at least 15 coins"


def test_a_new_programme_can_be_validated_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert run("new", folder).exit_code == 0
    assert run("validate", folder / "scenario.yaml").exit_code == 0
    assert run("new", folder).exit_code == 2


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_the_model_is_exported(scenario: Path, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("optimizer.pulp_export")
    path = tmp_path / f"model{suffix}"
    done = run("export", scenario, "-o", path, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == {"file": str(path)}
    assert path.stat().st_size > 0
    assert run("export", scenario, "-o", tmp_path / "model.txt").exit_code == 2


def test_the_model_is_exported_in_whole_units_where_that_is_asked(
    scenario: Path, tmp_path: Path
) -> None:
    export = pytest.importorskip("optimizer.pulp_export").export
    for units, whole in (("whole", True), ("continuous", False)):
        path, due = tmp_path / f"{units}.lp", tmp_path / f"due-{units}.lp"
        assert run("export", scenario, "--units", units, "-o", path).exit_code == 0
        export(load(scenario), due, whole_units=whole)
        assert path.read_text() == due.read_text()
        assert ("is in whole units" in path.read_text().partition("Columns")[0]) == whole
    assert (tmp_path / "whole.lp").read_text() != (tmp_path / "continuous.lp").read_text()


@pytest.mark.parametrize(
    ("locale", "word"),
    [
        ({"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "约束"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"}, "约束"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "Rules"),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "de_DE.UTF-8"}, "Rules"),
    ],
)
def test_the_language_follows_the_locale(scenario: Path, locale: dict[str, str], word: str) -> None:
    done = CliRunner(env=locale).invoke(cli.allot, ["validate", str(scenario)])
    assert word in done.stdout


def test_lang_overrides_the_locale_for_errors_too(scenario: Path, tmp_path: Path) -> None:
    assert "约束" in run("validate", scenario, "--lang", "zh").stdout
    assert run("check", scenario, tmp_path / "no.csv", "--lang", "zh").stderr.startswith("输入有误")


@pytest.mark.slow
def test_a_gbk_console_shows_chinese_and_replaces_what_it_cannot_show(tmp_path: Path) -> None:
    counties = {**COUNTIES, "c": {**COUNTIES["a"], "name_zh": "𠮷✓县"}}
    rules = [rule(per=["county"], at_least=50)]
    path = write_world(tmp_path, {"budget": 60, "rules": rules}, counties=counties)
    allocation = table(tmp_path, ("a", "road", 60))
    done = process("check", path, allocation, "--lang", "zh", PYTHONIOENCODING="gbk")
    assert done.returncode == 1, done.stderr
    page = done.stdout.decode("gbk")
    assert "甲县" in page or "乙县" in page
    assert "??县" in page


@pytest.mark.slow
def test_json_is_plain_ascii_where_the_console_is_not_utf_8(scenario: Path) -> None:
    done = process("validate", scenario, "--json", PYTHONIOENCODING="gbk")
    assert json.loads(done.stdout.decode("ascii"))["rules"][0]["sentence"]["zh"].startswith("每个")


def test_version_is_one_line() -> None:
    done = run("--version")
    assert done.exit_code == 0
    assert done.stdout.startswith("allot ")


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 60})
    content = path.read_text("utf-8").replace("title: Test", 'title: "a\\e[2Jb[bold]c"')
    path.write_text(content, "utf-8")
    refused = run("validate", path)
    assert refused.exit_code == 2
    assert "\x1b" not in refused.stdout + refused.stderr
    assert "title: a name stands in one line" in refused.stderr


@pytest.mark.slow
def test_the_shipped_scenario_is_solved_within_its_gap() -> None:
    done = process("solve", BASE, "--gap", "1e-3", "--no-repaired", "--json")
    assert done.returncode == 0, done.stderr.decode()
    document = json.loads(done.stdout)
    assert document["status"] == "optimal"
    assert document["broken"] == []
    assert document["gap"] <= 1e-3
    assert document["outcomes"]["jobs"] >= 6000
