"""The record: complete, exact, the same every time, and refused where somebody changed it."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import yaml
from click.testing import CliRunner

from cli import allot
from models.errors import InputError
from models.record import open_record, record_files
from models.record.manifest import sha256
from models.scenario import Scenario, load
from models.solution import Solution
from optimizer.audit import audit
from reports.record_writer import write_record
from tests.by_hand import by_hand, compared
from tests.worlds import rule, world, write_csv, write_yaml

TOWNS = Path(__file__).parent / "example" / "three-towns.yaml"
COUNTIES = {
    "a": {"people": 100, "poor": True, "name_zh": "甲县", "name_en": "A"},
    "b": {"people": 300, "poor": False, "name_zh": "=1+1", "name_en": "-B"},
}
PROGRAMME = {
    "metrics": [
        {"id": "jobs", "title": "Jobs", "unit": {"zh": "人", "en": "people"}, "target": 12},
        {"id": "firms", "title": "Firms", "unit": {"zh": "户", "en": "firms"}},
    ]
}
CAP = rule(id="cap", per=["county"], at_most=25)
HEADS = rule(
    id="heads", where={"poor": "true"}, per_head="people", at_least={"times": 1, "of": "amount"}
)
OFF = rule(id="off", at_most=1, enabled=False)
SOFT = rule(id="soft", measure="cells", at_most=3, soft={"price": "0.25"})
SCENARIO = {
    "budget": 50,
    "rules": [CAP, HEADS, OFF, SOFT],
    "outside": [{"code": "00", "name": "the town", "amount": 3}],
    "overrides": {
        "tight": {"title": {"zh": "紧", "en": "tight"}, "rules": {"cap": {"at_most": 22}}}
    },
}
ROWS = [[20, 0], [10, 11]]


def scenario(folder: Path, **parts: Any) -> Scenario:
    return world(folder, SCENARIO, counties=COUNTIES, **{"programme": PROGRAMME, **parts})


def solution(folder: Path, **parts: Any) -> Solution:
    return by_hand(scenario(folder), ROWS, [[12, 12], [12, 11]], **parts)


def recorded(folder: Path, **parts: Any) -> Path:
    write_record(solution(folder / "in", **parts), folder / "out" / "r")
    return folder / "out" / "r"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def manifest(folder: Path) -> dict[str, Any]:
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def same(one: Scenario, other: Scenario) -> None:
    """Both say the same of every number that solving and audit read."""
    skip = {"programme", "response", "overrides", "scenarios", "last_year", "baseline"}
    assert one.spec.model_dump(exclude=skip) == other.spec.model_dump(exclude=skip)
    assert one.programme.counties == other.programme.counties
    assert one.programme.tasks == other.programme.tasks
    assert one.programme.task_list == other.programme.task_list
    assert one.programme.metrics == other.programme.metrics
    assert np.array_equal(one.tiers.width, other.tiers.width)
    assert np.array_equal(one.tiers.rate, other.tiers.rate)


def test_a_record_can_be_moved_away_and_checked_there(tmp_path: Path) -> None:
    recorded(tmp_path)
    shutil.move(tmp_path / "out" / "r", tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "in")
    ours = solution(tmp_path / "again")
    record = open_record(tmp_path / "elsewhere")
    again = record.scenario()
    same(again, ours.scenario)
    assert again.programme.folder.parent == (tmp_path / "elsewhere").resolve()
    found = audit(again, record.allocation(again))
    assert found == ours.audit
    assert found.spent == 20 + 10 + 11 + 3


def test_amounts_stand_by_code_with_names_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    rows = table(recorded(tmp_path) / "allocation.csv")
    assert [(row["county"], row["task"], row["amount"]) for row in rows] == [
        ("a", "road", "20"),
        ("b", "road", "10"),
        ("b", "school", "11"),
        ("00", "", "3"),
    ]
    assert (rows[0]["county_zh"], rows[0]["county_en"]) == ("甲县", "A")
    assert (rows[1]["county_zh"], rows[1]["county_en"]) == ("'=1+1", "'-B")


def test_a_code_that_starts_like_a_formula_is_read_back_as_it_was(tmp_path: Path) -> None:
    made = world(
        tmp_path / "in", {"budget": 50}, counties={"-1": {"people": 1}, "@b": {"people": 2}}
    )
    write_record(by_hand(made, ROWS, ROWS), tmp_path / "r")
    assert table(tmp_path / "r" / "allocation.csv")[0]["county"] == "'-1"
    record = open_record(tmp_path / "r")
    assert record.allocation(record.scenario()).amounts.tolist() == ROWS


def test_outcomes_stand_exactly_beside_target_and_baseline(tmp_path: Path) -> None:
    ours = solution(tmp_path / "in")
    mended = compared(ours.scenario, [[25, 0], [25, 0]])
    write_record(replace(ours, repaired=mended), tmp_path / "r")
    # jobs: 0.5 for the first 10 of a cell, 0.2 for the next 20; firms: 0.1 and 0.05.
    jobs, firms = table(tmp_path / "r" / "outcomes.csv")
    assert jobs == {
        "metric": "jobs",
        "unit": "people",
        "outcome": "17.2",
        "target": "12",
        "baseline": "21.4",
        "repaired": "16",
    }
    assert (firms["outcome"], firms["target"], firms["repaired"]) == ("3.55", "", "3.5")


def test_a_finding_keeps_sign_fraction_and_heads(tmp_path: Path) -> None:
    rows = {(row["rule"], row["key"]): row for row in table(recorded(tmp_path) / "findings.csv")}
    cap = rows["cap", "county=b"]
    assert (cap["value"], cap["upper"], cap["lower"], cap["slack"]) == ("21", "25", "", "4")
    heads = rows["heads", ""]
    assert (heads["value"], heads["heads"], heads["state"]) == ("0.2", "100", "kept")
    broken = by_hand(scenario(tmp_path / "b"), [[1, 0], [27, 13]], ROWS)
    write_record(broken, tmp_path / "broken")
    rows = {(row["rule"], row["key"]): row for row in table(tmp_path / "broken" / "findings.csv")}
    assert rows["cap", "county=b"]["slack"] == "-15"
    assert rows["cap", "county=b"]["state"] == "broken"
    assert manifest(tmp_path / "broken")["result"]["broken_rules"] == ["cap", "heads"]


def test_the_manifest_says_with_what_and_holds_every_hash(tmp_path: Path) -> None:
    options = {"gap": Fraction(1, 10000), "units": "whole", "time_limit": None}
    ours = solution(tmp_path / "in", bound_solver=float("inf"), options=options)
    write_record(ours, tmp_path / "r", author="甲", reason="first draft")
    found = manifest(tmp_path / "r")
    assert (found["author"], found["reason"], found["parent"]) == ("甲", "first draft", None)
    assert found["result"]["objective"] == "22/7"
    assert found["result"]["bound_solver"] is None
    assert found["options"] == {"gap": "0.0001", "units": "whole", "time_limit": None}
    assert found["scenario"]["switched_off"] == ["off"]
    assert found["scenario"]["soft"] == {"soft": "0.25"}
    assert found["solver"]["notes"] == ["stage 2: best found"]
    assert {"numpy", "scipy", "pulp"} <= set(found["made_with"]["packages"])
    on_disk = {
        path.relative_to(tmp_path / "r").as_posix(): sha256(path.read_bytes())
        for path in (tmp_path / "r").rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert {**found["files"], **found["reports"]} == on_disk


def test_what_the_command_keeps_is_these_files_and_no_others(tmp_path: Path) -> None:
    done = CliRunner().invoke(allot, ["solve", str(TOWNS), "-o", str(tmp_path / "r"), "-q"])
    assert done.exit_code == 0, done.output
    files = [path for path in (tmp_path / "r").rglob("*") if path.is_file()]
    tables = ("allocation", "baseline", "certificate", "findings", "outcomes", "prices", "repaired")
    assert sorted(path.relative_to(tmp_path / "r").as_posix() for path in files) == sorted(
        [f"{name}.csv" for name in tables]
        + [
            "manifest.json",
            "report.html",
            "scenario.yaml",
            "stability-tables.csv",
            "stability.csv",
            "workbook.xlsx",
        ]
        + [f"programme/{name}" for name in ("counties.csv", "tiers.csv")]
        + [f"programme/{name}" for name in ("programme.yaml", "tasks.yaml")]
    )
    found = manifest(tmp_path / "r")
    assert len({**found["files"], **found["reports"]}) == len(files) - 1
    assert found["certificate"]["bound"] == found["result"]["objective"] == "31.5"
    result = found["result"]
    assert (result["bound_proved"], result["gap"], result["source"]) == ("31.5", 0.0, "proved")


def test_a_figure_of_many_digits_is_read_again_as_it_was(tmp_path: Path) -> None:
    long = Fraction(10**90 + 1, 10**89 + 3)
    folder = recorded(tmp_path, objective=long)
    assert len(manifest(folder)["result"]["objective"]) > 180
    assert open_record(folder).manifest.result.objective == long


def test_every_change_is_in_the_manifest_and_in_the_scenario(tmp_path: Path) -> None:
    scenario(tmp_path)
    changed = load(tmp_path / "scenario.yaml", with_=["tight"], set_=["rules.soft.at_most=2"])
    write_record(by_hand(changed, ROWS, ROWS), tmp_path / "r")
    assert manifest(tmp_path / "r")["scenario"]["changes"] == [
        "tight",
        "--set rules.soft.at_most=2",
    ]
    again = open_record(tmp_path / "r").scenario()
    same(again, changed)
    assert again.changes == ()
    assert again.spec.title.en == "Test · tight"
    assert "overrides" not in yaml.safe_load((tmp_path / "r" / "scenario.yaml").read_text("utf-8"))


def test_two_records_of_one_solution_differ_in_the_time_only(tmp_path: Path) -> None:
    one = record_files(solution(tmp_path / "x"))
    two = record_files(solution(tmp_path / "y"))
    told = [json.loads(files.pop("manifest.json")) for files in (one, two)]
    assert one == two
    assert all(said.pop("created").endswith("Z") for said in told)
    assert told[0] == told[1]


def test_a_scenario_read_from_a_record_names_it_and_what_was_edited(tmp_path: Path) -> None:
    parent = recorded(tmp_path)
    child = by_hand(load(parent / "scenario.yaml"), ROWS, ROWS)
    write_record(child, tmp_path / "child")
    found = manifest(tmp_path / "child")["parent"]
    assert found["folder"] == "r"
    assert found["manifest"] == sha256((parent / "manifest.json").read_bytes())
    assert found["edited"] == []
    text = (parent / "scenario.yaml").read_text("utf-8")
    (parent / "scenario.yaml").write_text(text.replace("budget: 50", "budget: 60"), "utf-8")
    edited = by_hand(load(parent / "scenario.yaml"), ROWS, ROWS)
    write_record(edited, tmp_path / "edited")
    assert manifest(tmp_path / "edited")["parent"]["edited"] == ["scenario.yaml"]
    assert edited.scenario.budget == 60


def test_a_file_that_was_changed_lost_or_added_is_refused_by_name(tmp_path: Path) -> None:
    folder = recorded(tmp_path)
    with (folder / "allocation.csv").open("a") as file:
        file.write("a,school,1,,,,\n")
    (folder / "programme" / "tiers.csv").unlink()
    (folder / "programme" / "labels.yaml").write_text("{}")
    (folder / "note.txt").write_text("a note beside the record is nobody's business")
    with pytest.raises(InputError) as caught:
        open_record(folder)
    assert [problem.file for problem in caught.value.problems] == [
        "allocation.csv",
        "programme/tiers.csv",
        "programme/labels.yaml",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not a record"),
        ("{", "not readable as JSON"),
        ("[" * 100_000, "not readable as JSON"),
        ("{}", "not that of a record"),
        ('{"format": "allot record", "version": 99}', "99 is unknown"),
        ('{"format": "allot record", "version": 1, "files": []}', "a mapping"),
    ],
)
def test_a_folder_without_a_usable_manifest_is_refused(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=message):
        open_record(tmp_path)


def test_a_manifest_cannot_lead_outside_its_folder(tmp_path: Path) -> None:
    folder = recorded(tmp_path)
    found = manifest(folder)
    found["files"]["../../secret"] = "0"
    (folder / "manifest.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match=r"../../secret: leads outside"):
        open_record(folder)


def test_tiers_made_by_a_formula_are_kept_as_a_table(tmp_path: Path) -> None:
    made = by_formula(tmp_path)
    write_record(by_hand(made, ROWS, ROWS), tmp_path / "r")
    again = load(tmp_path / "r" / "scenario.yaml")
    same(again, made)
    assert manifest(tmp_path / "r")["scenario"]["response"] == {"tasks": {"road": {"sigma": "30"}}}
    # The changed constant is the record's own one now: a further change starts from it.
    further = load(tmp_path / "r" / "scenario.yaml", set_=["response.kappa.k.jobs=2"])
    assert np.array_equal(further.tiers.width, made.tiers.width)
    assert round(int(further.tiers.rate.max()) / int(made.tiers.rate.max()), 3) == 2


def by_formula(folder: Path) -> Scenario:
    """A world without a tier table, one constant of its formula changed."""
    programme = {"tiers": None, "response": "how.yaml", "metrics": PROGRAMME["metrics"][:1]}
    body = {"budget": 50, "response": {"tasks": {"road": {"sigma": "30"}}}}
    (folder / "world").mkdir(parents=True)
    effects = {"road": {"sigma": 10, "jobs": 1}, "school": {"sigma": 20, "jobs": 1}}
    content = {"breakpoints": [0, 1, 2], "tasks": effects, "kappa": {"k": {"jobs": 1}}}
    write_yaml(folder / "world" / "how.yaml", content)
    made = world(folder, body, programme=programme, tiers=[])
    assert made.tiers.width.tolist()[0] == [[30, 30], [20, 20]]
    return made


def test_the_calibration_beside_goes_along_and_no_other(tmp_path: Path) -> None:
    rows = [["a", "road", 1, 10, "0.5", "0.1"], ["b", "road", 1, 10, "0.5", "0.1"]]
    calibrations = {
        "first": {"tiers": "tiers.csv"},
        "used": {"tiers": "used.csv", "beside": "../third", "note": "a note"},
        "../third": {"tiers": "third.csv", "beside": "first"},
    }
    programme = {**PROGRAMME, "tiers": None, "calibrations": calibrations}
    (tmp_path / "world").mkdir()
    header = ["county", "task", "tier", "width", "jobs", "firms"]
    write_csv(tmp_path / "world" / "used.csv", header, [[*row[:3], 20, *row[4:]] for row in rows])
    write_csv(tmp_path / "world" / "third.csv", header, [[*row[:3], 30, *row[4:]] for row in rows])
    body = {"budget": 50, "calibration": "used"}
    made = world(tmp_path, body, programme=programme, tiers=rows)
    write_record(by_hand(made, ROWS, ROWS), tmp_path / "r")
    again = load(tmp_path / "r" / "scenario.yaml")
    same(again, made)
    assert set(again.programme.file.calibrations) == {"used", "../third"}
    assert again.programme.tiers("../third").width.tolist() == [[[30], [0]], [[30], [0]]]
    assert int(again.tiers.width.max()) == 20


def test_tables_that_a_scenario_names_go_along(tmp_path: Path) -> None:
    programme = {**PROGRAMME, "baseline": {"kind": "table", "file": "plan/old.csv"}}
    (tmp_path / "world" / "plan").mkdir(parents=True)
    header = ["county", "task", "amount"]
    write_csv(tmp_path / "world" / "plan" / "old.csv", header, [["a", "road", 7]])
    write_csv(tmp_path / "world" / "mine.csv", header, [["b", "road", 8]])
    write_csv(tmp_path / "2019.csv", header, [["b", "road", 9]])
    (tmp_path / "world" / "tiles.csv").write_text("code,column,row\na,1,1\n")
    own = {"kind": "table", "file": "mine.csv"}
    body = {"budget": 50, "last_year": "2019.csv", "baseline": own}
    made = world(tmp_path, body, counties=COUNTIES, programme=programme)
    write_record(by_hand(made, ROWS, ROWS), tmp_path / "r")
    again = load(tmp_path / "r" / "scenario.yaml")
    folder = again.programme.folder
    assert (
        tmp_path / "r" / str(again.spec.last_year)
    ).read_text() == "county,task,amount\nb,road,9\n"
    assert (folder / str(again.baseline.file)).read_text().endswith("b,road,8\n")
    assert (folder / str(again.programme.file.baseline.file)).read_text().endswith("a,road,7\n")
    assert (folder / "tiles.csv").is_file()


@pytest.mark.slow
def test_the_shipped_scenario_is_the_same_from_its_record(tmp_path: Path) -> None:
    shipped = load(Path(__file__).resolve().parents[1] / "scenarios" / "base-2020.yaml")
    counties, tasks = shipped.programme.shape
    rows = [[20] * tasks] * counties
    write_record(by_hand(shipped, rows, rows), tmp_path / "r")
    again = open_record(tmp_path / "r").scenario()
    same(again, shipped)
    assert again.baseline == shipped.baseline
    assert [m.target for m in again.programme.file.metrics] == [6000, 700, 1000]
    beside = shipped.programme.tiers("plan-norm")
    assert np.array_equal(again.programme.tiers("plan-norm").rate, beside.rate)
    assert (tmp_path / "r" / "programme" / "sources.yaml").is_file()


def test_the_fingerprint_is_a_hash_that_anybody_can_make(tmp_path: Path) -> None:
    written = write_record(solution(tmp_path / "in"), tmp_path / "r")
    said = manifest(tmp_path / "r")
    assert set(said.pop("reports")) == {"report.html", "workbook.xlsx"}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert written == hashlib.sha256(text.encode()).hexdigest()
    groups = " ".join(written[at : at + 4] for at in range(0, 64, 4))
    assert (tmp_path / "r" / "report.html").read_text("utf-8").count(groups) == 3
    book = openpyxl.load_workbook(tmp_path / "r" / "workbook.xlsx")
    assert all(
        groups in str(sheet.oddFooter.right.text) for sheet in book if sheet.protection.sheet
    )
    cells = [cell for sheet in book for row in sheet.values for cell in row]
    assert groups in cells
