"""Ranges near the best: by hand, against all allocations counted out, and on the command line."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from models.allocation import Allocation, allocation_of_rows
from models.errors import InfeasibleError, InputError
from models.objective import objective_of
from models.scenario import Scenario
from models.selection import county_at
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.problem import reference_of
from optimizer.sensitivity.near_optimal import ranges, witness
from tests.worlds import rule, world, write_world

COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "people": 100},
    "b": {"name_zh": "乙县", "name_en": "Beta", "people": 300},
}
ONE_TASK = {"tasks": {"road": {}}}
STEPS = [["a", "road", 1, 10, "0.5", "0"], ["b", "road", 1, 10, "0.4", "0"]]


def test_what_may_move_near_the_best_is_worked_out_by_hand(tmp_path: Path) -> None:
    """Ten coins, 0.5 jobs each in a and 0.4 in b: 5 at best. At 10% below, 4.5, b may get 5."""
    found = ranges(world(tmp_path, {"budget": 10}, tiers=STEPS, **ONE_TASK), within=0.1)
    assert found.is_exact and found.best == pytest.approx(5)
    a, b, task = found.rows
    assert (a.low, a.high) == pytest.approx((5, 10))
    assert (b.low, b.high) == pytest.approx((0, 5))
    # Nine coins in a are 4.5 too, so that one may be left over.
    assert (task.low, task.high) == pytest.approx((9, 10))
    assert not any(row.is_free for row in found.rows)


def test_counties_of_the_same_worth_are_free_at_no_cost(tmp_path: Path) -> None:
    same = [[name, "road", 1, 10, "0.5", "0"] for name in ("a", "b")]
    a, b, task = ranges(world(tmp_path, {"budget": 10}, tiers=same, **ONE_TASK), within=0).rows
    assert a.is_free and b.is_free and not task.is_free
    assert a.at_no_cost == pytest.approx((0, 10))


def integral(tmp_path: Path) -> Scenario:
    """Eight coins over four cells, at least 3 in a funded one, two cells at most."""
    rules = [rule(id="cells", measure="cells", at_most=2)]
    rules.append(rule(id="b", where={"county": "b"}, at_least=3))
    return world(tmp_path, {"budget": 8, "lot": 3, "rules": rules}, counties=COUNTIES)


def every(scenario: Scenario, floor: float) -> list[Allocation]:
    """All whole-unit allocations within budget and lot that keep the rules near the best."""
    points = reference_of(scenario).points
    kept = []
    for amounts in itertools.product((0, *range(3, 9)), repeat=4):
        if sum(amounts) > 8:
            continue
        allocation = allocation_of_rows([amounts[:2], amounts[2:]])
        audited = audit(scenario, allocation)
        if not audited.broken and float(objective_of(audited, points)) >= floor - 1e-9:
            kept.append(allocation)
    return kept


@pytest.mark.parametrize("within", [0.0, 0.1, 0.3])
def test_no_allocation_near_the_best_goes_beyond_the_proved_ends(
    tmp_path: Path, within: float
) -> None:
    scenario = integral(tmp_path)
    found = ranges(scenario, within=within)
    kept = every(scenario, found.floor)
    assert kept
    for county in range(2):
        money = [sum(one.amounts[county]) for one in kept]
        row = found.rows[county]
        assert row.low - 1e-6 <= min(money) and max(money) <= row.high + 1e-6
        assert row.inner is not None
        assert row.low - 1e-6 <= row.inner[0] and row.inner[1] <= row.high + 1e-6
        mine = [sum(one.amounts[county]) for one in kept if funded_in(one) == found.funded]
        # Money in parts reaches as far as whole coins, and less than a coin further.
        assert -1e-6 <= min(mine) - row.inner[0] < 1 and -1e-6 <= row.inner[1] - max(mine) < 1


def test_of_a_large_programme_the_ends_hold_and_none_is_said_to_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = integral(tmp_path)
    monkeypatch.setattr("optimizer.sensitivity.near_optimal.LARGE", 0)
    found = ranges(scenario, within=0.3)
    for county in range(2):
        money = [sum(one.amounts[county]) for one in every(scenario, found.floor)]
        row = found.rows[county]
        assert row.low - 1e-6 <= min(money) and max(money) <= row.high + 1e-6
        assert (row.inner, row.at_no_cost) == (None, None)
    assert found.by_loss
    assert [(row.low, row.high) for row in found.rows[2:]] == [(0, 8), (0, 8)]
    path = tmp_path / "scenario.yaml"
    told = CliRunner().invoke(cli.allot, ["ranges", str(path), "--lang", "en"]).output
    assert "what single rules set" in " ".join(told.split())
    assert "Reached" not in told and "At no cost" not in told


def funded_in(allocation: Allocation) -> tuple[bool, ...]:
    return tuple(bool(amount) for amount in allocation.amounts.ravel())


def test_a_witness_is_the_furthest_allocation_there_is(tmp_path: Path) -> None:
    scenario = integral(tmp_path)
    found = ranges(scenario, within=0.3)
    kept = every(scenario, found.floor)
    for at, county in enumerate(scenario.programme.counties.ids):
        money = [sum(one.amounts[at]) for one in kept]
        for end, expected in (("least", min(money)), ("most", max(money))):
            one = witness(found, county, end)  # type: ignore[arg-type]
            assert one is not None and one.money == expected
            assert not one.audit.broken
            assert one.outer == pytest.approx(float(expected), abs=1e-3)
            assert float(one.objective) >= found.floor


def test_the_best_of_a_solution_is_what_near_is_measured_from(tmp_path: Path) -> None:
    scenario = integral(tmp_path)
    solution = solve(scenario, repaired=False)
    found = ranges(solution, within=0.1)
    assert found.best == float(solution.objective)
    assert [row.now for row in found.rows[:2]] == [
        float(sum(money)) for money in solution.allocation.amounts
    ]


def test_ranges_are_a_tidy_frame(tmp_path: Path) -> None:
    """The figures worked out by hand above, and those of the rows."""
    frame = ranges(world(tmp_path, {"budget": 10}, tiers=STEPS, **ONE_TASK), within=0.1).frame
    assert frame["what"].tolist() == ["county"] * 2 + ["task"]
    assert list(frame.columns[:5]) == ["what", "id", "now", "low", "high"]
    due = {"now": [10, 0, 10], "low": [5, 0, 9], "high": [10, 5, 10]}
    due |= {"inner_low": due["low"], "inner_high": due["high"]}
    for column, numbers in due.items():
        assert frame[column].tolist() == pytest.approx(numbers, abs=6e-6), column
    assert frame["free"].tolist() == [False] * 3


def test_cells_have_ranges_where_they_are_asked_for(tmp_path: Path) -> None:
    """One task: a county's cell is the county."""
    scenario = world(tmp_path, {"budget": 10}, tiers=STEPS, **ONE_TASK)
    a, b, _, *cells = ranges(scenario, within=0.1, cells=True).rows
    assert [one.id for one in cells] == ["a/road", "b/road"]
    for one, county in zip(cells, (a, b), strict=True):
        assert (one.what, one.low, one.high) == ("cell", county.low, county.high)


def test_rules_that_cannot_be_kept_have_no_ranges(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError):
        ranges(world(tmp_path, {"budget": 10, "rules": [rule(at_least=20)]}))


@pytest.mark.parametrize("name", ["a", "A", "甲县", "甲", "Alpha", "alpha", "Al", " Alpha "])
def test_a_county_goes_by_code_and_both_names(tmp_path: Path, name: str) -> None:
    assert county_at(integral(tmp_path).programme, name) == 0


def test_a_code_goes_before_another_countys_equal_name(tmp_path: Path) -> None:
    counties = {"a": {"name_en": "b", "name_zh": "b"}, "b": {"name_en": "a", "name_zh": "a"}}
    programme = world(tmp_path, {"budget": 9}, counties=counties).programme
    assert (county_at(programme, "a"), county_at(programme, "b")) == (0, 1)


def test_an_unknown_county_is_told_the_nearest_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown county 'Alfa'.*'Alpha'"):
        county_at(integral(tmp_path).programme, "Alfa")


def test_a_beginning_that_several_share_is_not_guessed(tmp_path: Path) -> None:
    names = {key: {**row, "name_en": f"New {row['name_en']}"} for key, row in COUNTIES.items()}
    scenario = world(tmp_path, {"budget": 8}, counties=names)
    with pytest.raises(InputError, match="may be 甲县 .a., 乙县 .b.; say which"):
        county_at(scenario.programme, "New")


def run(*arguments: object, lang: str = "en") -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": "100"}
    return CliRunner(env=environment).invoke(cli.allot, [str(one) for one in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rules = [rule(id="cells", measure="cells", at_most=2), rule(id="all", at_least=0)]
    body: dict[str, Any] = {"budget": 8, "lot": 3, "rules": rules}
    return write_world(tmp_path, body, counties=COUNTIES)


@pytest.mark.slow
def test_the_page_and_the_document_say_the_same(file: Path, tmp_path: Path) -> None:
    page = run("ranges", file, "--within", "10%", "--witness", "甲县", "-o", tmp_path / "w")
    assert page.exit_code == 0, page.output
    assert "Least for Alpha: an allocation with 0" in page.stdout
    document = json.loads(run("ranges", file, "--within", "0.1", "--witness", "a", "--json").stdout)
    assert [row.get("county", row.get("task")) for row in document["ranges"]] == [
        *COUNTIES,
        "road",
        "school",
    ]
    assert [one["money"] for one in document["witnesses"]] == [0, 8]
    each = run("ranges", file, "--within", "0.1", "--cells", "--json")
    assert json.loads(each.stdout)["ranges"][4]["cell"] == "a/road"
    assert "Alpha: " in run("ranges", file, "--within", "10%", "--cells").stdout
    again = run("check", file, tmp_path / "w" / "a-most.csv", "--json")
    assert json.loads(again.stdout)["broken"] == []


def test_a_record_is_ranged_without_solving_it_again(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record"
    assert run("solve", file, "-o", record, "-q").exit_code == 0
    monkeypatch.setattr("optimizer.sensitivity.near_optimal._solved", None)
    page = run("ranges", record, lang="zh")
    assert page.exit_code == 0, page.output
    assert "甲县" in page.stdout
    page.stdout.encode("gbk")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--within", "150%"], "not a share"),
        (["--within", "near"], "is no share"),
        (["--witness", "Alfa"], "did you mean 'Alpha'"),
    ],
)
def test_bad_asking_is_told_without_a_traceback(
    file: Path, arguments: list[str], said: str
) -> None:
    result = run("ranges", file, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_record_takes_no_changes(file: Path, tmp_path: Path) -> None:
    record = tmp_path / "record"
    run("solve", file, "-o", record, "-q")
    result = run("ranges", record, "--set", "budget=9")
    assert result.exit_code == 2 and "does not go with a record" in result.stderr


def test_a_witness_of_an_unknown_county_has_the_nearest_named(tmp_path: Path) -> None:
    found = ranges(integral(tmp_path), within=0.3)
    with pytest.raises(InputError, match="county: unknown county 'Alfa' .did you mean 'Alpha'"):
        witness(found, "Alfa", "most")


def test_money_counts_as_exact_in_witnesses(tmp_path: Path) -> None:
    one = witness(ranges(integral(tmp_path), within=0.3), "Alpha", "most")
    assert one is not None and isinstance(one.money, Fraction)
