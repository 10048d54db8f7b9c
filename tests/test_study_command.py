"""grid, sweep and tornado as their users meet them: pages, documents, folders, refusals."""

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
from tests.worlds import rule, write_world

ROOT = Path(__file__).parent.parent
FLOOR = rule(
    id="floor", title={"zh": "县级下限", "en": "County floor"}, per=["county"], at_least=15
)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Two counties, two tasks, 60 coins, at least 15 for each county."""
    return write_world(tmp_path, {"budget": 60, "lot": 5, "rules": [FLOOR]})


def run(*arguments: object, lang: str = "en", columns: int = 100) -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": str(columns)}
    return CliRunner(env=environment).invoke(cli.allot, [str(one) for one in arguments])


def refused(*arguments: object) -> str:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert "Traceback" not in done.stderr
    return done.stderr


def document(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# ---- pages ----


def test_a_grid_shows_each_point_in_the_reading_language(scenario: Path) -> None:
    asked = ("grid", scenario, "--workers", 1, "--vary", "budget=20,60,70", "--lang")
    english, chinese = run(*asked, "en").stdout, run(*asked, "zh").stdout
    assert "Grid of Test" in english and "A: Budget (budget)" in english
    rows = [line.split() for line in english.splitlines()]
    # 60 coins: four cells of 10 at 0.5 jobs, the other 20 at 0.2.
    assert ["60", "optimal", "24.0000", "24.0", "5.0", "60", "0"] in rows
    assert ["70", "optimal", "26.0000", "26.0", "5.5", "70", "10"] in rows
    assert ["20", "rules", "in", "conflict"] in rows
    why = "20: no allocation can keep all the rules: County floor needs 30 coins, Budget allows 20"
    assert why in english
    assert "多组取值试算：Test" in chinese and "A：预算（budget）" in chinese
    assert "20：没有安排能同时满足全部约束" in chinese
    assert "no allocation" not in chinese
    chinese.encode("gbk")


def test_a_sweep_shows_corners_and_prices(scenario: Path) -> None:
    page = run("sweep", scenario, "--vary", "budget=30:130").stdout
    rows = [line.split() for line in page.splitlines()]
    assert ["40", "20.0000", "20.0", "4.0", "0.2000", "40", "optimal"] in rows
    assert "Shadow price" in page and "Exact along a right-hand side" in page


def test_a_tornado_shows_the_rules_by_their_titles_and_both_sides(scenario: Path) -> None:
    page = run("tornado", scenario, "--relax", "--lang", "zh").stdout
    assert "县级下限（rules.floor.at_least），现为 15" in page
    assert "降至 13.5" in page and "升至 16.5" in page
    assert "指数不变" in page and "差距之内" not in page
    assert "没有写明范围的数一律上下各10%" in page


def test_a_grid_of_two_paths_is_drawn_as_cells_and_a_sweep_ends_where_nothing_is_left(
    scenario: Path, tmp_path: Path
) -> None:
    vary = ["--vary", "budget=20,40,60", "--vary", "rules.floor.at_least=10,15"]
    run("grid", scenario, "--relax", *vary, "-o", tmp_path / "grid")
    page = (tmp_path / "grid" / "grid.html").read_text("utf-8")
    assert page.count('class="tile k') == 5 and page.count("<rect") == 1  # 20 for two floors of 15
    run("sweep", scenario, "--vary", "budget=20:60:10", "-o", tmp_path / "sweep")
    assert 'class="hatch"' in (tmp_path / "sweep" / "sweep.html").read_text("utf-8")


def test_a_tornado_moves_the_paths_asked_for(scenario: Path) -> None:
    asked = ["--within", "20%", "--paths", "rules.*"]
    page = run("tornado", scenario, "--relax", *asked).stdout
    assert "County floor (rules.floor.at_least), now 15" in page
    assert "down to 12" in page and "up to 18" in page
    done = run("tornado", scenario, "--relax", "--paths", "rules.flor.at_least")
    assert done.exit_code == 2 and "did you mean" in done.output


def test_where_the_unchanged_scenario_has_no_allocation_nothing_is_called_the_same(
    scenario: Path,
) -> None:
    page = run("tornado", scenario, "--relax", "--set", "budget=27").stdout
    assert "Unchanged scenario: Result rules in conflict" in page
    # 27 coins keep two floors of 13.5 and not of 15.
    rows = [line.split() for line in page.splitlines()]
    assert ["down", "to", "13.5", "optimal"] in rows
    assert ["up", "to", "16.5", "rules", "in", "conflict"] in rows
    assert "same index" not in page


def test_a_long_table_is_cut_and_says_so(scenario: Path) -> None:
    page = run("grid", scenario, "--relax", "--vary", "rules.floor.at_least=0:20:0.1").stdout
    assert "201 rows, 60 of them shown" in page
    listed = [line.split()[0] for line in page.splitlines() if " optimal " in line]
    assert len(listed) == 60 and (listed[0], listed[-1]) == ("0", "20")


def test_a_reason_that_many_points_share_is_said_once(scenario: Path) -> None:
    page = run("grid", scenario, "--relax", "--vary", "budget=1:29:1").stdout
    said = [line for line in page.splitlines() if "no allocation can keep" in line]
    assert len(said) == 1 and said[0].startswith("29 points, the first 1, the last 29: ")


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_pages_keep_to_the_width_of_the_terminal(scenario: Path, columns: int) -> None:
    for asked in (
        ("grid", "--relax", "--vary", "budget=50,60"),
        ("sweep", "--vary", "budget=50:60"),
        ("tornado", "--relax"),
    ):
        page = run(asked[0], scenario, *asked[1:], columns=columns).stdout
        assert page and max(map(len, page.splitlines())) <= columns


# ---- documents and folders ----


def test_each_verb_prints_one_json_document(scenario: Path) -> None:
    found = document("grid", scenario, "--workers", 1, "--vary", "budget=20,70")
    assert (found["study"], found["scenario"]) == ("grid", "scenario")
    assert found["unchanged"]["jobs"] == 24
    conflict, more = found["rows"]
    assert conflict["status"] == "infeasible" and conflict["jobs"] is None and conflict["why"]
    assert more["jobs"] == more["worth"] == 26 and more["why"] == ""
    asked = ("grid", scenario, "--workers", 1, "--vary", "budget=20", "--json")
    chinese = json.loads(run(*asked, lang="zh").stdout)["rows"][0]["why"]
    assert "no allocation can keep" in conflict["why"]
    assert chinese.startswith("没有安排能同时满足全部约束：“县级下限”")
    assert list(more) == [
        *("budget", "status", "objective", "worth", "jobs", "firms"),
        *("spent", "moved", "bound_solver", "gap", "why"),
    ]
    swept = document("sweep", scenario, "--vary", "budget=30:130")
    assert [row["budget"] for row in swept["rows"]] == [30, 40, 120, 130]
    assert [row["price"] for row in swept["rows"]] == pytest.approx([0.5, 0.2, 0, None])
    assert {row["method"] for row in swept["rows"]} == {"exact"}
    moved = document("tornado", scenario, "--relax", "--by", "jobs")
    assert {row["path"] for row in moved["rows"]} == {"lot", "rules.floor.at_least"}
    assert all(set(note) == {"zh", "en"} for note in moved["notes"])


@pytest.mark.slow
def test_the_real_program_keeps_its_table_and_goes_on_from_it(
    scenario: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "cli.py", "grid", str(scenario), "-o", str(store)]
    command += ["--vary", "budget=50:80:10", "--workers", "2"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}

    def once(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more], cwd=ROOT, capture_output=True, text=True, env=environment, check=True
        )

    first = once("--json")
    ends = ("html", "xlsx", "csv")
    assert first.stderr == "".join(f"Written: {store / f'grid.{end}'}\n" for end in ends)
    with (store / "grid.csv").open(encoding="utf-8-sig") as file:
        kept = list(csv.DictReader(file))
    rows = json.loads(first.stdout)["rows"]
    assert [float(row["jobs"]) for row in kept] == [row["jobs"] for row in rows]
    pieces = {path: path.stat().st_mtime_ns for path in store.glob("points/*.json")}
    assert len(pieces) == 5
    assert once("--json").stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in store.glob("points/*.json")} == pieces
    assert once("-q").stdout == ""


def test_a_gap_of_zero_is_asked_for_as_such(scenario: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    asked = ("grid", scenario, "--vary", "budget=60", "--workers", 1, "-q", "-o", store)
    assert run(*asked, "--gap", 0).exit_code == 0
    assert json.loads((store / "study.json").read_text())["options"]["gap"] == 0


# ---- refusals ----


def test_paths_that_do_not_exist_are_refused_with_the_nearest(scenario: Path) -> None:
    said = refused("grid", scenario, "--vary", "budgte=50", "--vary", "rules.flor.at_least=5")
    assert "did you mean 'budget'?" in said and "did you mean 'rules.floor.at_least'?" in said
    assert "did you mean 'budget'?" in refused("sweep", scenario, "--vary", "budgt=50:60")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["grid", "--vary", "budget"], "write --vary PATH="),
        (["grid", "--vary", "budget=50", "--vary", "budget=60"], "varied already"),
        (["grid", "--vary", "budget=abc"], "budget: a number is due here, not 'abc'"),
        (["grid", "--vary", "programme=world"], "there is no such path"),
        (["grid", "--vary", "budget=1:20000:1"], "only with --yes"),
        (["grid", "--vary", "budget=50", "--solver", "nosuch"], "'nosuch' is not here"),
        (["grid", "--vary", "budget=50", "--dask", "here"], "write tcp://host:port"),
        (["grid", "--vary", "budget=50", "--gap", "-1"], "Invalid value for '--gap'"),
        (["grid", "--vary", "budget=50", "--workers", "0"], "Invalid value for '--workers'"),
        (["grid"], "Missing option '--vary'"),
        (["sweep", "--vary", "budget=50"], "low:high"),
        (["sweep", "--vary", "budget=60:50"], "60 is not below 50"),
        (["sweep", "--vary", "budget=50:60", "--vary", "lot=1:2"], "along one path"),
        (["sweep", "--vary", "rules.floor.enabled=0:1"], "holds 'true'"),
        (["tornado", "--by", "jbos"], "'jbos' is none of worth, moved, jobs, firms"),
    ],
)
def test_nonsense_is_refused_before_anything_is_solved(
    scenario: Path, asked: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.study.runner.answered", None)
    assert said in refused(asked[0], scenario, *asked[1:])


def test_a_folder_of_another_study_and_a_file_are_refused(scenario: Path, tmp_path: Path) -> None:
    asked = ("grid", scenario, "--relax", "-o", tmp_path / "store", "--vary")
    assert run(*asked, "budget=50").exit_code == 0
    assert "is a study of something else (other: points)" in refused(*asked, "budget=51")
    assert "is a study of something else" in refused(
        "tornado", scenario, "--relax", "-o", tmp_path / "store"
    )
    assert "holds no study.json" in refused(
        "grid", scenario, "--relax", "-o", scenario, "--vary", "budget=50"
    )
    assert "cannot be written" in refused(
        "grid", scenario, "--relax", "-o", scenario / "below", "--vary", "budget=50"
    )


def test_help_of_the_studies_loads_nothing_heavy() -> None:
    heavy = ("numpy", "pydantic", "highspy", "loky", "distributed", "pandas")
    code = (
        "import sys, cli\ntry: cli.allot(['grid', '--help'])\nexcept SystemExit: pass\n"
        f"print('loaded:', *[m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--dask" in done.stdout and done.stdout.splitlines()[-1] == "loaded:"
