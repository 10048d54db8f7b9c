"""A record is solved again, and every cell that comes out otherwise is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from models.record.manifest import sha256
from optimizer.decision import solve
from reports.record_writer import write_record
from tests.worlds import rule, world

SCENARIO = {"budget": 60, "rules": [rule(id="floor", per=["county"], at_least=25)]}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    write_record(solve(world(folder, SCENARIO)), folder / "record")
    return folder / "record"


@pytest.fixture
def record(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "record"))


def run(*arguments: object) -> Result:
    words = [str(one) for one in arguments]
    return CliRunner(env={"COLUMNS": "100", "LC_ALL": "en_XX.UTF-8"}).invoke(cli.allot, words)


def change(record: Path, **keys: Any) -> None:
    """Other values of keys of the manifest."""
    manifest = json.loads((record / "manifest.json").read_text("utf-8"))
    for name, value in keys.items():
        manifest[name] |= value
    (record / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def test_a_record_comes_out_the_same_and_says_with_which_versions(record: Path) -> None:
    change(record, made_with={"python": "3.11.2"})
    done = run("reproduce", record, "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["same"] and document["differences"] == []
    assert document["cells"] == {"same": 4, "other": 0}
    assert document["objective"]["change"] == 0
    assert document["versions"]["python"]["then"] == "3.11.2"
    assert document["versions"]["highspy"]["then"] == document["versions"]["highspy"]["now"]


def test_cells_that_come_out_otherwise_are_named(record: Path) -> None:
    path = record / "allocation.csv"
    lines = path.read_text("utf-8").splitlines()
    cells = [line.split(",") for line in lines]
    money = cells[0].index("amount")
    for row, by in ((1, 1), (2, -1)):
        cells[row][money] = str(int(cells[row][money]) + by)
    path.write_text("\n".join(",".join(row) for row in cells) + "\n", "utf-8")
    manifest = json.loads((record / "manifest.json").read_text("utf-8"))
    change(
        record,
        files={"allocation.csv": sha256(path.read_bytes())},
        result={"objective": "20"},
    )
    done = run("reproduce", record, "--json")
    assert done.exit_code == 1, done.output
    document = json.loads(done.stdout)
    assert not document["same"]
    found = [(d["county"], d["task"], d["then"] - d["now"]) for d in document["differences"]]
    assert found == [(*cells[1][:2], 1), (*cells[2][:2], -1)]
    assert document["objective"]["change"] == float(manifest["result"]["objective"]) - 20
    page = run("reproduce", record).stdout
    assert "2 cells differ from the record, 2 are the same" in page


def test_options_of_the_record_are_those_that_are_solved_with(record: Path) -> None:
    change(record, options={"solver": "cbc"})
    assert "Solver: cbc" in run("reproduce", record).stdout
    change(record, options={"solver": "highs", "gap": "narrow", "units": "bits"})
    done = run("reproduce", record)
    assert done.exit_code == 2
    assert "options.gap" in done.stderr and "options.units" in done.stderr


def test_what_is_no_record_or_was_edited_is_refused(record: Path, tmp_path: Path) -> None:
    assert run("reproduce", tmp_path / "nothing").exit_code == 2
    (record / "scenario.yaml").write_text("budget: 1\n", "utf-8")
    done = run("reproduce", record)
    assert done.exit_code == 2
    assert "scenario.yaml" in done.stderr


def test_what_the_solver_says_otherwise_is_named(record: Path) -> None:
    assert json.loads(run("reproduce", record, "--json").stdout)["said"] == []
    change(record, solver={"notes": ["tie-break unique"], "solver_gap": 0.5})
    path = record / "prices.csv"
    lines = path.read_text("utf-8").splitlines()
    cells = lines[1].split(",")
    at = lines[0].split(",").index("points")
    cells[at] = str(float(cells[at]) * 1.01)
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n", "utf-8")
    change(record, files={"prices.csv": sha256(path.read_bytes())})
    done = run("reproduce", record, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["differences"] == [] and not document["same"]
    places = {one["place"] for one in document["said"]}
    assert places == {"solver.notes", "solver.solver_gap", "prices.csv budget points"}
    page = run("reproduce", record).stdout
    assert "The solver does not say what the record has it say" in page
    assert "prices.csv budget points" in page
