"""What stability costs: worked by hand, by brute force, and as the verbs show it."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
from models.allocation import allocation_of_rows
from models.scenario import Scenario, load
from models.solution import Solution
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.sensitivity.stability import StabilityCurve, stability_curve
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


def test_a_page_draws_it_on_request_and_not_by_itself(record: Path, tmp_path: Path) -> None:
    assert 'class="stability"' not in (record / "report.html").read_text(encoding="utf-8")
    said = allot("report", record, "--curve", "-o", tmp_path / "page.html")
    assert said.exit_code == 0, said.output
    assert 'class="stability"' in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_reference_that_no_solver_found_has_no_curve(record: Path) -> None:
    said = allot("compare", record, "baseline:own", "--curve", "--reference", "2", "--lang", "en")
    assert said.exit_code == 2 and "--curve: is drawn of a reference" in said.output
