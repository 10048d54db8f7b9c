"""A record is replayed without a solver, and whatever was changed in it is named."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import cli
from models.certificate import PLACES, rounded_up
from models.errors import InfeasibleError, InputError, NoAnswerError
from models.exact import exact_text
from models.scenario import load
from optimizer.baselines import baseline
from optimizer.decision import solve
from optimizer.problem import reference_of
from optimizer.solve import Options
from optimizer.verify import verify
from reports.drawn_again import verify as verify_drawn
from reports.record_writer import write_record
from tests.by_hand import by_hand, compared
from tests.forging import draw_again, put, tell, told
from tests.random_worlds import worlds
from tests.worlds import rule, world, write_world, write_yaml

ROOT = Path(__file__).parents[1]
SCENARIO = {
    "budget": 60,
    "objective": {"weights": {"jobs": 3, "firms": 1}, "normalise": "baseline"},
    "rules": [
        rule(id="floor", per=["county"], at_least=15),
        rule(id="most", where={"task": "road"}, at_most={"share": "0.4", "of": "amount"}),
        rule(id="firms", measure="firms", at_least=4),
    ],
}
TIERS = [
    [county, task, tier, width, jobs * by, "0.1"]
    for county, by in (("a", 3), ("b", 2))
    for task in ("road", "school")
    for tier, width, jobs in ((1, 10, 0.5), (2, 20, 0.25))
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record; tests copy it before they change anything in it."""
    folder = tmp_path_factory.mktemp("kept")
    write_record(solve(world(folder, SCENARIO, tiers=TIERS)), folder / "record")
    return folder / "record"


@pytest.fixture
def record(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "record"))


def run(*arguments: object) -> Result:
    words = [str(one) for one in arguments]
    return CliRunner(env={"COLUMNS": "100", "LC_ALL": "en_XX.UTF-8"}).invoke(cli.allot, words)


def viewed(record: Path, code: int) -> dict[str, Any]:
    done = run("verify", record, "--json")
    assert done.exit_code == code, done.output
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def without_certificate(record: Path) -> None:
    """Take the certificate out of a record, so that its bound is the solver's only."""

    names = [
        name
        for name in ("certificate.csv", "certificate-by-county.csv", "prices.csv")
        if (record / name).exists()
    ]

    def without(found: dict[str, Any]) -> None:
        for name in names:
            del found["files"][name]
        found["certificate"] = {"bound": None, "by_county": None, "why": "taken out"}
        found["options"]["certificate"] = False

    for name in names:
        (record / name).unlink()
    tell(record, without)


def wrong_in(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The differences of one check; no other check has any."""
    found = {check["name"]: check["differences"] for check in document["checks"]}
    others = {key: wrong for key, wrong in found.items() if wrong and key != name}
    assert others == {}
    wrong = found[name]
    assert isinstance(wrong, list)
    return wrong


def test_a_record_replays_and_says_how_far_it_is_from_the_best(record: Path) -> None:
    document = viewed(record, 0)
    assert document["verified"] and document["replays"] and document["broken"] == []
    assert {check["name"]: check["count"] > 0 for check in document["checks"]} == dict.fromkeys(
        ("files", "scenario", "allocation.csv", "findings.csv", "outcomes.csv", "baseline.csv")
        + ("manifest.json", "certificate.csv", "prices.csv", "drawn"),
        True,
    )
    bound, objective = document["certificate"]["bound"], document["objective"]
    assert objective <= bound <= objective * 1.05
    assert document["certificate"]["distance"] == pytest.approx((bound - objective) / objective)
    assert document["solver"]["bound"] is not None


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_proven_stands_apart_from_what_the_solver_says(record: Path, lang: str) -> None:
    page = run("verify", record, "--lang", lang).stdout
    proven, solver = {
        "zh": ("证明表所证", "仅由计算软件所报"),
        "en": ("Proven by the certificate", "Said by the solver only"),
    }[lang]
    assert page.index(proven) < page.index(solver)


def test_each_line_of_the_certificate_is_named_where_one_digit_is_changed(record: Path) -> None:
    lines = (record / "certificate.csv").read_text("utf-8-sig").splitlines()
    for number, line in enumerate(lines[1:], start=2):
        digits = [place for place, letter in enumerate(line) if letter.isdigit()]
        for place in {digits[0], digits[len(digits) // 2], digits[-1]}:
            other = line[:place] + str((int(line[place]) + 1) % 10) + line[place + 1 :]
            changed = [*lines[: number - 1], other, *lines[number:]]
            put(record, "certificate.csv", ("\n".join(changed) + "\n").encode())
            checks = {c.name: c.differences for c in verify(record).checks}
            assert number in {one.line for one in checks["certificate.csv"]}, other
    assert len(lines) > 8


def test_a_multiplier_changed_together_with_its_product_is_found_in_the_cells(record: Path) -> None:
    text = (record / "certificate.csv").read_text("utf-8-sig")
    line = next(line for line in text.splitlines() if line.startswith("limit,budget"))
    cells = line.split(",")
    factor, constant = Fraction(cells[4]) + 1, Fraction(cells[5])
    cells[4], cells[-1] = exact_text(factor), exact_text(rounded_up(factor * constant, PLACES))
    forged = text.replace(line, ",".join(cells))
    put(record, "certificate.csv", forged.encode())
    found = wrong_in(viewed(record, 1), "certificate.csv")
    assert {one["place"].split()[0] for one in found} == {"cell", "bound"}


def test_an_edited_file_is_named_although_its_lines_replay(record: Path) -> None:
    report = record / "report.html"
    report.write_text(report.read_text("utf-8") + "<!-- a remark -->\n", "utf-8")
    found = wrong_in(viewed(record, 1), "files")
    assert [one["file"] for one in found] == ["report.html"]


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        ("findings.csv", ",kept,", ",broken,", 2),
        ("outcomes.csv", "jobs,", "jobs,more ", 2),
        ("baseline.csv", ",15", ",16", 2),
    ],
)
def test_a_table_that_the_audit_reads_otherwise_is_named_by_line(
    record: Path, name: str, old: str, new: str, line: int
) -> None:
    text = (record / name).read_text("utf-8")
    put(record, name, text.replace(old, new, 1).encode())
    document = viewed(record, 1)
    found = {check["name"]: check["differences"] for check in document["checks"]}
    assert found[name][0]["line"] == line


def test_another_objective_in_the_manifest_is_named(record: Path) -> None:
    manifest = json.loads((record / "manifest.json").read_text("utf-8"))
    manifest["result"]["objective"] = "2"
    manifest["result"]["gap"] = 0.5
    (record / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    found = wrong_in(viewed(record, 1), "manifest.json")
    assert [one["place"] for one in found] == ["result.objective", "result.gap"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("compared.repaired.objective", "2"),
        ("compared.repaired.moved", "1"),
        ("compared.baseline.objective", "2"),
        ("result.status", "feasible"),
        ("result.bound_solver", 0.001),
        ("options.gap", 2),
        ("result.spent", None),
        ("result.budget", 61),
        ("result.broken_rules", ["floor"]),
        ("scenario.switched_off", ["floor"]),
        ("scenario.title", {"zh": "甲", "en": "A"}),
    ],
)
def test_what_the_manifest_says_is_computed_again(record: Path, place: str, value: object) -> None:
    manifest = json.loads((record / "manifest.json").read_text("utf-8"))
    *parts, key = place.split(".")
    inner = manifest
    for part in parts:
        inner = inner[part]
    assert inner[key] != value
    inner[key] = value
    (record / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    found = wrong_in(viewed(record, 1), "manifest.json")
    assert [one["place"] for one in found] == [place]


@pytest.mark.parametrize("gap", [None, "0"])
def test_without_a_number_as_gap_no_status_goes_unlooked_at(record: Path, gap: object) -> None:
    tell(record, lambda found: found["options"].update(gap=gap))
    assert "options.gap" in [one["place"] for one in wrong_in(viewed(record, 1), "manifest.json")]


def test_a_result_that_is_not_proven_best_cannot_be_called_so(record: Path) -> None:
    without_certificate(record)
    worth = float(Fraction(told(record)["result"]["objective"]))
    loose = {"bound_proved": None, "bound_solver": worth * 1.01, "gap": 0.01}
    said = {**loose, "status": "feasible", "source": "solver"}
    tell(record, lambda found: found["result"].update(said))
    draw_again(record)
    viewed(record, 0)
    tell(record, lambda found: found["result"].update(status="optimal"))
    (found,) = wrong_in(viewed(record, 1), "manifest.json")
    assert (found["place"], found["found"], found["due"]) == (
        "result.status",
        "optimal",
        "feasible",
    )
    tell(record, lambda found: found["options"].update(gap=0.011))
    draw_again(record)
    viewed(record, 0)


def test_a_gap_that_no_bound_comes_to_is_named(record: Path) -> None:
    without_certificate(record)
    path = record / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    nothing = {"bound_proved": None, "bound_solver": None, "source": None}
    manifest["result"] |= {**nothing, "gap": 0.0, "status": "feasible"}
    path.write_text(json.dumps(manifest), "utf-8")
    (found,) = wrong_in(viewed(record, 1), "manifest.json")
    assert (found["place"], found["found"], found["due"]) == ("result.gap", "0.0", "None")


@pytest.mark.parametrize(
    "name", ["findings.csv", "outcomes.csv", "baseline.csv", "certificate.csv"]
)
def test_a_table_in_another_order_is_named(record: Path, name: str) -> None:
    head, *lines = (record / name).read_text("utf-8").splitlines(keepends=True)
    lines[:2] = lines[1], lines[0]
    put(record, name, "".join([head, *lines]).encode())
    (found,) = wrong_in(viewed(record, 1), name)
    assert "another way or order" in found["message"] and found["line"] is None


def test_a_bound_in_the_manifest_that_no_lines_add_up_to_is_named(record: Path) -> None:
    manifest = json.loads((record / "manifest.json").read_text("utf-8"))
    manifest["certificate"]["bound"] = "1"
    (record / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    found = {check.name: [d.place for d in check.differences] for check in verify(record).checks}
    assert found["certificate.csv"] == ["certificate.bound"]
    assert found["manifest.json"] == ["result.bound_proved"]


def test_a_broken_rule_ends_in_one_and_nothing_is_proven_of_it(tmp_path: Path) -> None:
    scenario = world(tmp_path, {**SCENARIO, "objective": {"weights": {"jobs": 1}}})
    points = dict(reference_of(scenario).points)
    due = baseline(scenario).amounts.tolist()
    basis = replace(compared(scenario, due), moved=Fraction(0))
    made = by_hand(scenario, [[10, 0], [0, 20]], due, bound_solver=None, gap=None)
    options = Options(certificate=False).recorded
    solution = replace(made, baseline=basis, options=options)
    worth = sum(points[name] * solution.audit.outcomes[name] for name in points)
    write_record(replace(solution, objective=Fraction(worth)), tmp_path / "r")
    document = viewed(tmp_path / "r", 1)
    assert document["replays"] and document["broken"] == ["floor", "firms"]
    assert document["certificate"] is None
    assert "floor" in run("verify", tmp_path / "r").stdout


def test_of_a_table_that_breaks_a_rule_no_distance_is_told_though_the_bound_is_proven(
    record: Path,
) -> None:
    proven = viewed(record, 0)["certificate"]
    assert proven is not None
    put(record, "allocation.csv", b"county,task,amount\n")
    document = viewed(record, 1)
    assert document["broken"]
    assert document["certificate"] is None


def test_a_record_without_a_certificate_says_so(tmp_path: Path) -> None:
    write_record(solve(world(tmp_path, SCENARIO), certificate=False), tmp_path / "r")
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text("utf-8"))
    assert manifest["certificate"]["bound"] is None and manifest["certificate"]["why"]
    assert viewed(tmp_path / "r", 0)["certificate"] is None
    assert "no certificate.csv" in run("verify", tmp_path / "r").stdout


def test_a_folder_that_is_no_record_ends_in_two(tmp_path: Path, record: Path) -> None:
    assert run("verify", tmp_path / "nothing").exit_code == 2
    assert run("verify", tmp_path).exit_code == 2
    (record / "manifest.json").write_text('{"format": "allot record", "version": 1}', "utf-8")
    assert run("verify", record).exit_code == 2


def test_a_scenario_that_cannot_be_read_any_more_is_named(record: Path) -> None:
    put(record, "scenario.yaml", b"budget: many\n")
    document = viewed(record, 1)
    assert {one["file"] for one in wrong_in(document, "scenario")} == {"scenario.yaml"}
    (record / "allocation.csv").unlink()
    assert "scenario.yaml" in run("verify", record).stdout


@pytest.mark.parametrize("normalise", ["none", "baseline"])
def test_points_are_those_that_were_solved_with(tmp_path: Path, normalise: str) -> None:
    objective = {"weights": {"jobs": 2, "firms": -1}, "normalise": normalise}
    solution = solve(world(tmp_path, {"budget": 60, "objective": objective}))
    write_record(solution, tmp_path / "r")
    found = verify(tmp_path / "r")
    assert found.good and found.objective == solution.objective


def test_points_are_not_read_off_a_baseline_that_was_changed(record: Path) -> None:
    header = (record / "baseline.csv").read_text("utf-8-sig").splitlines()[0]
    put(record, "baseline.csv", f"{header}\n".encode())
    wrong = {check.name: check.differences for check in verify(record).checks}
    assert wrong["baseline.csv"] and wrong["outcomes.csv"]
    assert [one.place for one in wrong["manifest.json"]] == [
        "compared.baseline.objective",
        "compared.repaired.moved",
    ]
    assert not wrong["certificate.csv"]


@pytest.mark.parametrize("content", [b"", b"\x00\xff\n", b'"' + b"x" * 200_000, b"part,name\n"])
def test_a_certificate_that_is_no_table_is_named(record: Path, content: bytes) -> None:
    put(record, "certificate.csv", content)
    found = wrong_in(viewed(record, 1), "certificate.csv")
    assert {one["file"] for one in found} == {"certificate.csv"}


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.sampled_from(["whole", "continuous"]))
def test_the_record_of_any_programme_replays(parts: dict[str, Any], units: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load(write_world(Path(folder), **parts))
            solution = solve(scenario, repaired=False, units=units)
        except (InputError, InfeasibleError, NoAnswerError):
            assume(False)
            raise
        write_record(solution, Path(folder) / "record")
        found = verify_drawn(Path(folder) / "record")
    assert found.good, [check for check in found.checks if check.differences]
    assert found.proven is None or found.proven.distance is None or found.proven.distance >= 0


def test_a_record_whose_scenario_changes_the_response_replays(tmp_path: Path) -> None:
    write_record(solve(by_formula(tmp_path)), tmp_path / "r")
    assert told(tmp_path / "r")["scenario"]["by_formula"] == ["tiers.csv"]
    viewed(tmp_path / "r", 0)
    patch = {"tasks": {"road": {"sigma": "31"}}}
    tell(tmp_path / "r", lambda found: found["scenario"].update(response=patch))
    (found,) = wrong_in(viewed(tmp_path / "r", 1), "manifest.json")
    assert (found["place"], found["message"]) == ("scenario.response", "is not in response.yaml")


def test_tiers_are_those_of_the_formula_or_the_record_says_that_they_are_not(
    tmp_path: Path,
) -> None:
    write_record(solve(by_formula(tmp_path)), tmp_path / "r")
    path = tmp_path / "r" / "programme" / "response.yaml"
    other = path.read_text("utf-8").replace("- 2\n", "- 3\n", 1)
    put(tmp_path / "r", "programme/response.yaml", other.encode())
    (found,) = wrong_in(viewed(tmp_path / "r", 1), "manifest.json")
    assert found["place"] == "scenario.by_formula"


def by_formula(folder: Path) -> Any:
    """A world without a table of tiers, one constant of its formula changed."""
    effects = {"road": {"sigma": 10, "jobs": 1}, "school": {"sigma": 20, "jobs": 1}}
    content = {"breakpoints": [0, 1, 2], "tasks": effects, "kappa": {"k": {"jobs": 1}}}
    (folder / "world").mkdir(parents=True)
    write_yaml(folder / "world" / "how.yaml", content)
    programme = {
        "tiers": None,
        "response": "how.yaml",
        "metrics": [{"id": "jobs", "title": "Jobs", "unit": "people"}],
    }
    body = {
        "budget": 50,
        "response": {"tasks": {"road": {"sigma": "30"}}},
        "objective": {"weights": {"jobs": 1}},
    }
    return world(folder, body, programme=programme, tiers=[])


@pytest.mark.parametrize(
    ("given", "code"),
    [("same", 0), ("grouped", 0), ("upper", 0), ("short", 1), ("other", 1)],
)
def test_the_fingerprint_of_a_paper_is_compared(record: Path, given: str, code: int) -> None:
    due = viewed(record, 0)["fingerprint"]
    groups = " ".join(due[at : at + 4] for at in range(0, 64, 4))
    forms = {"same": due, "grouped": groups, "upper": due.upper(), "short": due[:16]}
    text = forms.get(given, due[:-1] + ("0" if due[-1] != "0" else "1"))
    done = run("verify", record, "--fingerprint", text)
    assert done.exit_code == code and groups in done.stdout


def test_a_page_that_says_otherwise_is_found_although_its_hash_is_redone(record: Path) -> None:
    page = (record / "report.html").read_text("utf-8")
    put(record, "report.html", page.replace("Draft", "Final").replace("draft", "final").encode())
    found = wrong_in(viewed(record, 1), "drawn")
    assert [(one["file"], one["line"] is not None) for one in found] == [("report.html", True)]


def test_a_cell_of_the_workbook_that_says_otherwise_is_named(record: Path) -> None:
    book = openpyxl.load_workbook(record / "workbook.xlsx")
    sheet = book.worksheets[0]
    sheet["A1"] = "Approved"
    book.save(record / "other.xlsx")
    content = (record / "other.xlsx").read_bytes()
    (record / "other.xlsx").unlink()
    put(record, "workbook.xlsx", content)
    found = wrong_in(viewed(record, 1), "drawn")
    assert "sheet1 A1" in {one["place"] for one in found}


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>"])
def test_a_workbook_or_page_that_is_none_is_named(record: Path, content: bytes) -> None:
    for name in ("workbook.xlsx", "report.html"):
        before = (record / name).read_bytes()
        put(record, name, content)
        assert {one["file"] for one in wrong_in(viewed(record, 1), "drawn")} == {name}
        put(record, name, before)
    viewed(record, 0)


def test_by_other_drawing_libraries_texts_and_values_are_compared_and_it_says_so(
    record: Path,
) -> None:
    tell(record, lambda found: found["made_with"]["packages"].update(jinja2="0.1"))
    draw_again(record)
    page = (record / "report.html").read_text("utf-8").replace("<table", "<table  ")
    put(record, "report.html", page.encode())
    assert "layout not compared" in run("verify", record).stdout
    viewed(record, 0)
    put(record, "report.html", page.replace("Jobs (jobs)", "Posts (jobs)", 1).encode())
    (found,) = wrong_in(viewed(record, 1), "drawn")
    assert (found["found"], found["due"]) == ("Posts (jobs)", "Jobs (jobs)")


def test_what_another_release_drew_is_not_compared_but_carries_the_fingerprint(
    record: Path,
) -> None:
    tell(record, lambda found: found["made_with"]["packages"].update(allot="0.0.1"))
    found = wrong_in(viewed(record, 1), "drawn")
    assert {one["file"] for one in found} == {"report.html", "workbook.xlsx"}
    draw_again(record)
    assert "drawn by another release" in run("verify", record).stdout
    viewed(record, 0)


CLAUSE = {"document": "Plan", "article": "1", "seen": True}


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """A scenario file of the user's own, with a rule of a clause that was read."""
    rules = [{**SCENARIO["rules"][0], "basis": "clause", "clause": CLAUSE}, *SCENARIO["rules"][1:]]
    overrides = {"more": {"rules": {"floor": {"at_least": 16}}}}
    body = {**SCENARIO, "rules": rules, "overrides": overrides}
    return write_world(tmp_path / "own", body, tiers=TIERS)


def apart(record: Path, trusted: object, code: int) -> list[tuple[str, str, str]]:
    done = run("verify", record, "--against", trusted, "--json")
    assert done.exit_code == code, done.output
    document = json.loads(done.stdout)
    assert document["replays"]
    found = document["against"]["differences"]
    return [(one["place"], one["trusted"], one["recorded"]) for one in found]


def test_a_record_of_the_scenario_that_is_trusted_differs_in_nothing(
    trusted: Path, tmp_path: Path
) -> None:
    write_record(solve(load(trusted)), tmp_path / "r")
    assert apart(tmp_path / "r", trusted, 0) == []
    page = run("verify", tmp_path / "r", "--against", trusted).stdout
    assert "The scenario is the trusted one, scenario" in page
    assert apart(tmp_path / "r", f"{trusted}@more", 1)


def test_every_rule_number_and_seen_flag_that_differs_is_listed(
    trusted: Path, tmp_path: Path
) -> None:
    changes = ["rules.floor.at_least=16", "rules.floor.clause.seen=false", "budget=61"]
    changed = load(trusted, set_=changes)
    counties = trusted.parent / "world" / "counties.csv"
    write_record(solve(changed), tmp_path / "r")
    counties.write_text(counties.read_text("utf-8").replace("300", "301"), "utf-8")
    found = {place: (then, now) for place, then, now in apart(tmp_path / "r", trusted, 1)}
    assert found == {
        "budget": ("60", "61"),
        "rules.floor.at_least": ("15", "16"),
        "rules.floor.clause.seen": ("true", "false"),
        "b people": ("301", "300"),
    }
    page = run("verify", tmp_path / "r", "--against", trusted).stdout
    assert "its scenario is not the trusted one" in page and "rules.floor.clause.seen" in page


def test_a_rule_that_only_one_of_them_has_is_listed(trusted: Path, tmp_path: Path) -> None:
    write_record(solve(load(trusted)), tmp_path / "r")
    text = trusted.read_text("utf-8")
    trusted.write_text(text.replace("id: firms", "id: companies"), "utf-8")
    places = [place for place, *_ in apart(tmp_path / "r", trusted, 1)]
    assert {"rules.firms.at_least", "rules.companies.at_least"} <= set(places)
    assert run("verify", tmp_path / "r", "--against", tmp_path / "none.yaml").exit_code == 2


@pytest.mark.parametrize(
    "created",
    ["2020-02-30T00:00:00Z", "2020-05-13", "2020-05-13T24:00:00Z", "2999-01-01T00:00:00Z", ""],
)
def test_a_day_that_cannot_be_is_named(record: Path, created: str) -> None:
    tell(record, lambda found: found.update(created=created))
    (found,) = wrong_in(viewed(record, 1), "manifest.json")
    assert (found["place"], found["message"]) == ("created", f"'{created}' cannot be")


def test_a_parent_is_not_made_after_its_child(record: Path) -> None:
    parent = {"folder": "r", "manifest": "0" * 64, "created": "2020-01-01T00:00:00Z", "edited": []}
    tell(record, lambda found: found.update(parent=parent))
    draw_again(record)
    viewed(record, 0)
    later = {**parent, "created": told(record)["created"].replace("20", "21", 1)}
    tell(record, lambda found: found.update(parent=later))
    (found,) = wrong_in(viewed(record, 1), "manifest.json")
    assert found["place"] == "parent.created"


@pytest.mark.parametrize("name", ["note.txt", "programme/note.txt", "more/allocation.csv"])
def test_a_file_that_is_no_part_of_the_record_is_named(record: Path, name: str) -> None:
    (record / name).parent.mkdir(exist_ok=True)
    (record / name).write_text("x")
    (record / ".DS_Store").write_text("what a system leaves in every folder")
    (found,) = wrong_in(viewed(record, 1), "files")
    assert (found["file"], found["message"]) == (name, "is not part of the record")


def test_keys_that_no_manifest_has_or_that_stand_twice_are_named(record: Path) -> None:
    tell(record, lambda found: found["result"].update(note="x"))
    path = record / "manifest.json"
    path.write_text(path.read_text("utf-8").replace("{", '{"author": "x",', 1), "utf-8")
    document = viewed(record, 1)
    (check,) = document["checks"]
    assert [(one["place"], one["message"]) for one in check["differences"]] == [
        ("result.note", "is no key of a record's manifest"),
        ("author", "stands there twice in one mapping"),
    ]
    assert "result.note" in run("verify", record).stdout
    assert run("report", record).exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_notes_and_the_second_opinion_are_marked_as_the_solvers_word(
    tmp_path: Path, lang: str
) -> None:
    solution = solve(world(tmp_path, SCENARIO, tiers=TIERS), second_opinion="cbc")
    write_record(solution, tmp_path / "r")
    text = "".join(run("verify", tmp_path / "r", "--lang", lang).stdout.split())
    mark = {"zh": "仅由计算软件所报：", "en": "Saidbythesolveronly:"}[lang]
    assert text.count(mark) == len(solution.solver.notes) + 1
    told_by = viewed(tmp_path / "r", 0)["solver"]
    assert told_by["notes"] == list(solution.solver.notes)
    assert told_by["second_opinion"]["solver"] == "cbc"
