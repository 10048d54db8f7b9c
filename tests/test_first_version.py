"""Records of the first version are read, shown and verified, and say what they do not hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import allot
from models.errors import InputError
from models.record import open_record
from models.record.manifest import sha256
from optimizer.records import read_solution
from optimizer.verify import verify

RECORDS = Path(__file__).parent / "records"
NAMES = ("bent", "starter", "three-towns")
NEW = ["scenario.by_formula", "drawn"]
"""What the version that is written says, and the first one does not."""
CAPS, BY_COUNTY = "certificate.csv: cap", "certificate.by_county"
EARLY = "before-certificates"
"""Of the first version too, and without what that came to hold later."""


@pytest.fixture(params=NAMES)
def record(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return copy_of(request.param, tmp_path)


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    return copy_of("three-towns", tmp_path)


def copy_of(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(RECORDS / name, folder / name))


def run(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(allot, [str(word) for word in words])


def edit(record: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = record / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def test_they_say_the_first_version() -> None:
    for name in (*NAMES, EARLY):
        assert json.loads((RECORDS / name / "manifest.json").read_text("utf-8"))["version"] == 1


def test_the_solution_is_read_and_its_page_made_again(record: Path, tmp_path: Path) -> None:
    solution, kept = read_solution(record)
    assert kept.manifest.version == 1
    assert solution.objective == kept.manifest.result.objective
    assert solution.certificate is not None and solution.prices and solution.repaired
    for lang, head in (("zh", "分配建议（草案）"), ("en", "Proposed allocation (draft)")):
        done = run("report", record, "--lang", lang, "-o", tmp_path / f"{lang}.html")
        assert (done.exit_code, done.stderr) == (0, "")
        page = (tmp_path / f"{lang}.html").read_text("utf-8")
        assert head in page and kept.manifest.files["allocation.csv"] in page


def test_it_replays_whole(record: Path) -> None:
    done = run("verify", record, "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["verified"] and said["version"] == 1
    assert said["not_compared"] == [NEW[0], BY_COUNTY, NEW[1], CAPS]
    assert {check["name"]: bool(check["differences"]) for check in said["checks"]} == dict.fromkeys(
        ("files", "scenario", "allocation.csv", "findings.csv", "outcomes.csv", "baseline.csv")
        + ("manifest.json", "certificate.csv", "prices.csv"),
        False,
    )
    assert all(check["count"] for check in said["checks"])


def test_it_is_solved_again_to_the_same_money(towns: Path) -> None:
    assert run("reproduce", towns).exit_code == 0


def test_one_from_before_certificates_says_what_was_not_compared(tmp_path: Path) -> None:
    record = copy_of(EARLY, tmp_path)
    solution, _ = read_solution(record)
    assert solution.audit.penalty > 0 and solution.certificate is None and not solution.prices
    assert run("report", record, "-o", tmp_path / "page.html").exit_code == 0
    lacking = [NEW[0], "certificate", NEW[1], "certificate.csv", "prices.csv"]
    said = json.loads(run("verify", record, "--json").stdout)
    assert said["verified"] and said["not_compared"] == lacking
    for lang, words in (
        (
            "zh",
            "未作比较的内容：scenario.by_formula、certificate、drawn、certificate.csv、prices.csv",
        ),
        ("en", "scenario.by_formula; certificate; drawn; certificate.csv; prices.csv"),
    ):
        done = run("verify", record, "--lang", lang)
        assert done.exit_code == 0
        assert words.replace(" ", "") in "".join(done.stdout.split())


@pytest.mark.parametrize("name", [*NAMES, EARLY])
def test_an_edited_file_a_forged_table_and_a_forged_figure_are_found(
    tmp_path: Path, name: str
) -> None:
    record = copy_of(name, tmp_path)
    table = record / "allocation.csv"
    table.write_bytes(table.read_bytes() + b"\n")
    assert named(record) == {name: ["allocation.csv"] for name in ("files", "allocation.csv")}
    shutil.copy(RECORDS / record.name / "allocation.csv", table)
    forged = (record / "outcomes.csv").read_bytes().replace(b",", b",1", 2)
    (record / "outcomes.csv").write_bytes(forged)
    edit(record, lambda found: found["files"].update({"outcomes.csv": sha256(forged)}))
    assert set(named(record)) == {"outcomes.csv"}
    shutil.copytree(RECORDS / record.name, record, dirs_exist_ok=True)
    edit(record, lambda found: found["result"].update(unspent="0.5"))
    assert named(record) == {"manifest.json": ["result.unspent"]}


def named(record: Path) -> dict[str, list[str]]:
    """Check → places or files that it names, of those that name any."""
    found = run("verify", record, "--json")
    assert found.exit_code == 1
    checks = json.loads(found.stdout)["checks"]
    wrong = {check["name"]: check["differences"] for check in checks if check["differences"]}
    return {name: [one["place"] or one["file"] for one in ones] for name, ones in wrong.items()}


def test_a_manifest_without_a_version_is_of_the_first(record: Path) -> None:
    edit(record, lambda found: found.pop("version"))
    assert open_record(record).manifest.version == 1
    assert verify(record).good


def older(found: dict[str, Any]) -> None:
    """What records did not hold from the start, taken out; of one figure only the value."""
    del found["certificate"], found["result"]["broken_rules"], found["scenario"]["soft"]
    found["result"]["spent"] = None
    del found["files"]["prices.csv"]


LACKING = ["scenario.soft", "result.broken_rules", "certificate", "result.spent", "prices.csv"]


def test_what_an_older_record_lacks_is_listed_and_is_no_difference(towns: Path) -> None:
    edit(towns, older)
    (towns / "certificate.csv").unlink()
    edit(towns, lambda found: found["files"].pop("certificate.csv"))
    (towns / "prices.csv").unlink()
    said = json.loads(run("verify", towns, "--json").stdout)
    assert said["verified"] and sorted(said["not_compared"]) == sorted(
        [*LACKING, *NEW, "certificate.csv"]
    )
    count = {check["name"]: check["count"] for check in said["checks"]}
    whole = {check.name: check.count for check in verify(RECORDS / "three-towns").checks}
    assert count["manifest.json"] == whole["manifest.json"] - 3
    for lang, words in (("zh", "未作比较的内容："), ("en", "Not compared, since the record")):
        done = run("verify", towns, "--lang", lang)
        assert done.exit_code == 0
        assert words in done.stdout and "result.broken_rules" in done.stdout
    assert run("report", towns, "-o", towns.parent / "page.html").exit_code == 0


@pytest.mark.parametrize("version", [4, 0, True, "2", 1.5])
@pytest.mark.parametrize("verb", ["verify", "report", "reproduce"])
def test_a_version_that_is_not_known_is_refused(towns: Path, verb: str, version: object) -> None:
    edit(towns, lambda found: found.update(version=version))
    done = run(verb, towns)
    assert done.exit_code == 2
    assert f"manifest.json: version: {version} is unknown; up to 3 is read here" in done.stderr


def test_a_record_of_the_version_that_is_written_may_lack_nothing(towns: Path) -> None:
    edit(towns, lambda found: (older(found), found.update(version=3)))
    (found,) = verify(towns).checks
    places = [
        *("scenario.soft", "scenario.by_formula", "result.bound_proved", "result.bound_solver"),
        *("result.source", "result.broken_rules", "certificate", "drawn"),
    ]
    assert [(one.place, one.message) for one in found.differences] == [
        (place, "is missing") for place in places
    ]
    with pytest.raises(InputError, match=r"scenario\.soft: is missing"):
        open_record(towns)
