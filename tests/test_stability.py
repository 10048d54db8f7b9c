"""What stability costs: worked by hand, by brute force, and as the verbs show it."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
from models.allocation import allocation_of_rows
from models.scenario import Scenario, load
from models.solution import Solution
from models.stability_points import StabilityCurve
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.formulation.model import Model
from optimizer.records import read_record
from optimizer.sensitivity.stability import stability_curve
from optimizer.solvers.base import Effort
from optimizer.verify import verify
from reports.record_writer import write_record
from tests.forging import put
from tests.worlds import rule, write_world

PEOPLE = {"a": {"people": 100}, "b": {"people": 300}}
TIERS = [
    *(["a", task, 1, 20, "0.5", "0.1"] for task in ("road", "school")),
    *(["b", task, 1, 20, "0.3", "0.1"] for task in ("road", "school")),
]


def two(tmp_path: Path, **scenario: object) -> Path:
    """a brings 0.5 jobs a coin and b 0.3, up to 40 coins each; the baseline gives each 16 of 32."""
    return write_world(tmp_path, {"budget": 32, **scenario}, counties=PEOPLE, tiers=TIERS)


def curve_of(best: Solution, points: int = 6) -> StabilityCurve:
    found = stability_curve(best, points=points, gap=0.0, seconds=30.0)
    assert found is not None
    return found


def test_each_coin_that_moves_brings_what_the_two_counties_differ_by(tmp_path: Path) -> None:
    best = solve(load(two(tmp_path)))
    curve = curve_of(best, 4)
    assert curve.least == 0 and curve.points[0].moved == 0
    assert [one.most for one in curve.points] == [0, 4, 8, 12, 16]
    for one in curve.points:
        assert one.worth == Fraction(16 * 8, 10) + one.most * Fraction(2, 10)
        assert one.moved == one.most
        assert one.bound is not None and one.bound == pytest.approx(float(one.worth), rel=1e-5)
    assert [curve.points[0].name, curve.points[-1].name] == ["least", "solution"]
    # The baseline keeps the rules: the repaired one is itself, and moves nothing.
    assert curve.repaired == (0, Fraction(128, 10))


def brute(scenario: Scenario, most: int, before: list[int]) -> Fraction | None:
    """The most jobs of all whole tables that keep the rules and move no more than so much."""
    best = None
    for cells in product(range(0, 33, 2), repeat=3):
        rest = 32 - sum(cells)
        if rest < 0:
            continue
        table = allocation_of_rows([[cells[0], cells[1]], [cells[2], rest]])
        sums = [cells[0] + cells[1], cells[2] + rest]
        moved = sum(max(0, now - was) for now, was in zip(sums, before, strict=True))
        said = audit(scenario, table)
        if moved <= most and not said.broken:
            best = max(best or said.outcomes["jobs"], said.outcomes["jobs"])
    return best


@pytest.mark.slow
def test_the_curve_begins_where_the_rules_do_and_is_what_all_tables_say(tmp_path: Path) -> None:
    rules = [
        rule(id="cells", measure="cells", at_most=2),
        rule(id="floor", where={"county": "a"}, at_least=18),
    ]
    best = solve(load(two(tmp_path, rules=rules, lot=2)))
    curve = curve_of(best, 3)
    assert curve.least == pytest.approx(2, abs=1e-3)
    assert curve.points[0].moved == 2 and curve.points[0].name == "least"
    for one in curve.points:
        assert one.worth == brute(best.scenario, int(one.most), [16, 16])
    assert all(a.worth <= b.worth for a, b in zip(curve.points, curve.points[1:], strict=False))


def test_a_point_that_counties_do_not_find_is_left_out_and_not_searched_in_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a lot the counties choose among their cells: nothing is found, and no more is tried."""
    lot = {"lot": 4, "objective": {"weights": {"jobs": 1}, "normalise": "none"}}
    best = solve(load(two(tmp_path, **lot)))
    assert stability_curve(best, points=4, gap=1e-3)
    seen: list[bool] = []

    def none_found(model: Model, effort: Effort, *_: object) -> None:
        seen.append(effort.rough and effort.soon)

    monkeypatch.setattr("optimizer.sensitivity.stability.apart_answer", none_found)
    assert stability_curve(best, points=4, gap=1e-3) is None
    assert seen == [True] * 4


def test_a_solution_that_moves_the_least_has_no_curve(tmp_path: Path) -> None:
    rules = [rule(id="as-it-is", per=["county"], equal=16)]
    assert stability_curve(solve(load(two(tmp_path, rules=rules)))) is None


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stability")
    said = allot("solve", two(folder), "-o", folder / "record", "--lang", "zh")
    assert said.exit_code == 0, said.output
    return folder / "record"


def allot(*words: object) -> Result:
    return CliRunner().invoke(cli.allot, [str(word) for word in words])


def test_a_comparison_draws_it_on_request(record: Path, tmp_path: Path) -> None:
    plain = json.loads(allot("compare", record, "baseline:own", "--json").stdout)
    assert plain["curve"] is None
    asked = ("compare", record, "baseline:own", "--curve", "-o", tmp_path / "c")
    said = json.loads(allot(*asked, "--json").stdout)["curve"]
    assert said["points"][0]["moved"] == 0 and said["points"][-1]["worth"] == 16
    page = (tmp_path / "c" / "compare.html").read_text(encoding="utf-8")
    assert 'class="stability"' in page and "<svg" in page
    shown = allot("compare", record, "baseline:own", "--curve", "--lang", "zh").stdout
    assert "稳定的代价：综合指数与县际调整资金" in shown
    assert "修正后基准：县际调整0，综合指数12.8000" in shown


def test_the_page_of_a_record_draws_it_and_a_solve_that_was_not_asked_does_not(
    record: Path, tmp_path: Path
) -> None:
    page = (record / "report.html").read_bytes()
    assert b'class="stability"' in page
    assert allot("report", record, "--lang", "zh", "-o", tmp_path / "again.html").exit_code == 0
    assert (tmp_path / "again.html").read_bytes() == page
    bare = solve(load(two(tmp_path)))
    assert bare.curve is None
    write_record(bare, tmp_path / "bare")
    assert b'class="stability"' not in (tmp_path / "bare" / "report.html").read_bytes()
    said = allot("report", tmp_path / "bare", "--curve", "-o", tmp_path / "page.html")
    assert said.exit_code == 0, said.output
    assert b'class="stability"' in (tmp_path / "page.html").read_bytes()


def test_the_record_holds_every_point_with_its_table(record: Path) -> None:
    """Each coin that moves brings 0.2 jobs more; what is told comes back as it was."""
    kept = read_record(record)
    assert kept.curve is not None and len(kept.curve.points) == 7
    for one in kept.curve.points:
        assert one.worth == Fraction(128, 10) + one.most * Fraction(2, 10)
        assert one.allocation.by_county[0] - 16 == one.moved == one.most
    assert kept.curve.repaired == (0, Fraction(128, 10))
    assert kept.curve == curve_of(kept) or kept.curve.points[-1].worth == 16
    assert allot("verify", record, "-q").exit_code == 0
    assert allot("reproduce", record, "-q").exit_code == 0


CELLS = "stability-tables.csv"


@pytest.mark.parametrize(
    ("file", "then", "now", "said"),
    [
        ("stability.csv", "1,least,0,0,12.8", "1,least,0,0,13", "stability.csv"),
        ("stability.csv", "2,,2,2,", "2,,1,2,", "more than it may"),
        ("stability.csv", "7,solution", "7,", "not the last point"),
        ("stability.csv", "4,,8", "4,repaired,8", "does not move so much"),
        ("stability.csv", ",bound,,0.0", ",bound,,1.0", "more than what was found"),
        ("stability.csv", "point,name", "point,title", "no such table"),
        (CELLS, "4,a,road,4", "4,a,road,3", "stability.csv"),
        (CELLS, "4,a,road,4", "4,a,road,60", "breaks a rule"),
        (CELLS, "1,a,school", "1,x,school", "cannot be read"),
    ],
)
def test_a_curve_that_was_changed_is_told(
    record: Path, tmp_path: Path, file: str, then: str, now: str, said: str
) -> None:
    folder = tmp_path / "forged"
    shutil.copytree(record, folder)
    content = (folder / file).read_text(encoding="utf-8-sig")
    assert then in content, content
    put(folder, file, content.replace(then, now, 1).encode())
    found = verify(folder)
    assert not found.replays
    told = [str(one) for check in found.checks for one in check.differences]
    assert any(said in text for text in told), told


def test_a_bound_below_what_was_found_is_told(record: Path, tmp_path: Path) -> None:
    folder = tmp_path / "forged"
    shutil.copytree(record, folder)
    rows = (folder / "stability.csv").read_text(encoding="utf-8-sig").splitlines()
    cells = rows[3].split(",")
    rows[3] = ",".join([*cells[:5], "1.0", *cells[6:]])
    put(folder, "stability.csv", "\n".join([*rows, ""]).encode())
    told = [one.message for check in verify(folder).checks for one in check.differences]
    assert "a bound is below what was found" in told


def test_a_reference_that_no_solver_found_has_no_curve(record: Path) -> None:
    said = allot("compare", record, "baseline:own", "--curve", "--reference", "2", "--lang", "en")
    assert said.exit_code == 2 and "--curve: is drawn of a reference" in said.output
