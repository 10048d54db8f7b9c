"""`allot report`: a record's page again, from the record alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from cli import allot
from tests.by_hand import by_hand
from tests.pages import kept, small_page
from tests.worlds import world, write_yaml


def run(*words: object) -> Result:
    return CliRunner().invoke(allot, [str(word) for word in words])


@pytest.fixture
def record(tmp_path: Path) -> Path:
    made = world(tmp_path / "in", {"budget": 50})
    return kept(by_hand(made, [[10, 0], [5, 0]], [[1, 0], [0, 0]]), tmp_path / "r")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_page_of_a_record_is_written_again_in_either_language(
    record: Path, tmp_path: Path
) -> None:
    for lang, head in (("zh", "分配建议（草案）"), ("en", "Proposed allocation (draft)")):
        file = tmp_path / f"{lang}.html"
        done = run("report", record, "--lang", lang, "-o", file)
        assert (done.exit_code, done.stderr) == (0, "")
        assert head in file.read_text("utf-8")
    assert (tmp_path / "zh.html").read_bytes() == (record / "report.html").read_bytes()


def test_the_record_itself_is_left_as_it_was(record: Path, tmp_path: Path) -> None:
    before = files(record)
    assert run("report", record, "-o", tmp_path / "x.html").exit_code == 0
    done = run("report", record, "-o", record / "report.html")
    assert done.exit_code == 2
    assert "is part of the record" in done.stderr
    assert files(record) == before


def test_a_workbook_to_be_printed_goes_without_certificate_and_workings(
    record: Path, tmp_path: Path
) -> None:
    file = tmp_path / "print.xlsx"
    assert run("report", record, "--lang", "en", "-o", file).exit_code == 0
    states = {sheet.title: sheet.sheet_state for sheet in openpyxl.load_workbook(file)}
    assert "Certificate" not in states and states["Workings"] == "hidden"
    assert states["Allocation"] == "visible"


def test_json_names_the_file(record: Path, tmp_path: Path) -> None:
    done = run("report", record, "-o", tmp_path / "x.html", "--json")
    assert json.loads(done.stdout) == {"file": str(tmp_path / "x.html")}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda r: (r / "allocation.csv").write_text("county,task,amount\n"), "allocation.csv: is"),
        (lambda r: (r / "report.html").write_text("mine"), "report.html: is not what was recorded"),
        (lambda r: (r / "baseline.csv").unlink(), "baseline.csv: is missing"),
        (lambda r: (r / "manifest.json").unlink(), "is not a record: it holds no manifest.json"),
    ],
)
def test_a_record_that_is_not_as_it_was_written_is_refused_by_name(
    record: Path, tmp_path: Path, spoil: Any, said: str
) -> None:
    spoil(record)
    done = run("report", record, "--lang", "en", "-o", tmp_path / "x.html")
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "x.html").exists()


def test_findings_that_the_audit_does_not_read_are_refused(record: Path, tmp_path: Path) -> None:
    from models.record.manifest import sha256

    forged = (record / "findings.csv").read_bytes().replace(b"kept", b"bent")
    (record / "findings.csv").write_bytes(forged)
    manifest = json.loads((record / "manifest.json").read_text("utf-8"))
    manifest["files"]["findings.csv"] = sha256(forged)
    (record / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    done = run("report", record, "-o", tmp_path / "x.html")
    assert done.exit_code == 2
    assert "findings.csv: is not what the audit reads" in done.stderr


@pytest.mark.parametrize(
    ("part", "value"), [("result", None), ("compared", {}), ("solver", {"name": 3})]
)
def test_a_manifest_with_a_part_that_is_wrong_is_refused(
    record: Path, tmp_path: Path, part: str, value: object
) -> None:
    manifest = json.loads((record / "manifest.json").read_text("utf-8"))
    manifest[part] = value
    (record / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    done = run("report", record, "-o", tmp_path / "x.html")
    assert done.exit_code == 2
    assert f"manifest.json: {part}" in done.stderr


def test_an_unknown_county_is_refused_with_the_nearest_name(record: Path, tmp_path: Path) -> None:
    done = run("report", record, "--county", "aa", "-o", tmp_path / "x.html")
    assert done.exit_code == 2
    assert "--county: unknown county 'aa' (did you mean 'a'?)" in done.stderr
    assert not (tmp_path / "x.html").exists()


@pytest.mark.slow
def test_no_solver_is_loaded(record: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from click.testing import CliRunner; from cli import allot;"
        f"done = CliRunner().invoke(allot, ['report', {str(record)!r}, '-o', "
        f"{str(tmp_path / 'x.html')!r}]);"
        "assert done.exit_code == 0, done.output;"
        "print([name for name in ('highspy', 'pulp', 'pandas', 'scipy') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, check=False, text=True
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_solve_keeps_its_page_and_refuses_labels_that_no_page_can_show(tmp_path: Path) -> None:
    made = world(tmp_path / "in", {"budget": 50})
    scenario = tmp_path / "in" / "scenario.yaml"
    done = run("solve", scenario, "-o", tmp_path / "r", "-q", "--lang", "en")
    assert done.exit_code == 0
    assert "Proposed allocation (draft)" in (tmp_path / "r" / "report.html").read_text("utf-8")
    again = run("report", tmp_path / "r", "--lang", "en", "-o", tmp_path / "x.html")
    assert again.exit_code == 0
    assert (tmp_path / "x.html").read_bytes() == (tmp_path / "r" / "report.html").read_bytes()
    (made.programme.folder / "tiles.csv").write_text("code,column,row\nzz,0,0\n")
    done = run("solve", scenario, "-o", tmp_path / "late", "--lang", "en")
    assert done.exit_code == 2
    assert "tiles.csv: line 2: unknown county 'zz'" in done.stderr
    assert not (tmp_path / "late").exists()


def test_labels_of_a_world_reach_its_page(tmp_path: Path) -> None:
    made = world(tmp_path, {"budget": 50}, counties={"a": {"zone": "n"}, "b": {"zone": "s"}})
    content = {"subtotal": "zone", "values": {"zone": {"n": "North", "s": "South"}}}
    write_yaml(made.programme.folder / "labels.yaml", content)
    text = small_page(made, [[10, 0], [5, 0]], "en")
    assert "North, subtotal" in text
    assert "South, subtotal" in text
