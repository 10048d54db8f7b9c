"""Why a county gets what it gets: worked by hand, held against the audit, on the command line."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from models.allocation import allocation_of_rows
from models.errors import InputError
from models.objective import objective_of
from models.rule import WHOLE_UNITS
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.audit.swaps import SwapJudge
from optimizer.decision import solve
from optimizer.problem import reference_of
from optimizer.sensitivity.drop_rule import can_bind
from optimizer.sensitivity.explain import explain
from tests.worlds import rule, world, write_world

COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "people": 100},
    "b": {"name_zh": "乙县", "name_en": "Beta", "people": 300},
}


def two(name: str) -> dict[str, str]:
    return {"zh": f"规则{name}", "en": f"Rule {name}"}


def small(tmp_path: Path, **scenario: Any) -> Scenario:
    """In four cells 0.5 jobs a coin up to 10, then 0.2 up to 30, then nothing."""
    return world(tmp_path, {"budget": 50, **scenario}, counties=COUNTIES)


def test_the_next_coin_does_most_where_it_yields_most(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    said = explain(scenario, "a", allocation=allocation_of_rows([[20, 5], [25, 0]]))
    assert said.county.next is not None
    assert said.county.next.move.target == (0, 1)
    assert said.county.next.move.metrics == {"jobs": Fraction(1, 2), "firms": Fraction(1, 10)}
    assert said.county.next.blocked == ()


def test_the_best_swap_is_found_and_said_to_gain(tmp_path: Path) -> None:
    """b's road is at 0.2 a coin, a's school at 0.5: each coin moved gains 0.3."""
    scenario = small(tmp_path)
    said = explain(scenario, "a", against="b", allocation=allocation_of_rows([[20, 5], [25, 0]]))
    assert said.swap is not None and not said.is_tie
    assert said.swap.move.source == (1, 0) and said.swap.move.target == (0, 1)
    assert said.swap.points == Fraction(3, 10)


def test_a_swap_that_changes_nothing_is_a_tie(tmp_path: Path) -> None:
    scenario = small(tmp_path, budget=48)
    said = explain(scenario, "a", against="b", allocation=allocation_of_rows([[14, 10], [14, 10]]))
    assert said.swap is not None and said.swap.points == 0 and said.is_tie
    assert said.rearranged == pytest.approx(0, abs=1e-9)


def test_a_swap_that_a_rule_forbids_is_named_with_the_rule(tmp_path: Path) -> None:
    rules = [rule(id="b", where={"county": "b"}, at_least=25)]
    scenario = small(tmp_path, rules=rules)
    said = explain(scenario, "a", against="b", allocation=allocation_of_rows([[20, 5], [25, 0]]))
    assert said.swap is None
    assert said.broken is not None and said.broken.breaks == ("b",)
    assert [finding.rule for finding in said.against.own] == ["b"]  # type: ignore[union-attr]
    assert said.rearranged is None


def test_what_all_other_money_can_make_of_a_coin_is_worked_out(tmp_path: Path) -> None:
    """a at 24 of 48 is (14, 10); a coin more for a and one less for b loses nothing, but over
    20 of first tiers in each county the coin is worth 0.2 on either side."""
    scenario = small(tmp_path, budget=30)
    said = explain(scenario, "a", against="b", allocation=allocation_of_rows([[10, 10], [10, 0]]))
    # From 20 and 10 to 21 and 9: the coin goes from 0.5 to 0.2.
    assert said.rearranged == pytest.approx(-0.3)


def test_why_a_cell_has_no_money(tmp_path: Path) -> None:
    scenario = small(
        tmp_path,
        lot=5,
        budget=30,
        ineligible=[{"where": {"county": "a", "task": "school"}, "reason": "closed"}],
        rules=[rule(id="cells", measure="cells", where={"county": "b"}, at_most=1)],
    )
    said = explain(scenario, "a", against="b", allocation=allocation_of_rows([[10, 0], [20, 0]]))
    assert [(one.task, one.why) for one in said.county.zero] == [(1, "barred")]
    assert said.against is not None
    (school,) = said.against.zero
    # Closing b's road for its school keeps the count, and is worth the same.
    assert (school.task, school.why) == (1, "worse")
    assert school.swap is not None and school.swap.points == 0


def test_a_cell_that_every_way_of_funding_breaks_a_rule_for(tmp_path: Path) -> None:
    rules = [
        rule(id="road", where={"county": "b", "task": "road"}, at_least=20),
        rule(id="cells", measure="cells", where={"county": "b"}, at_most=1),
    ]
    scenario = small(tmp_path, lot=5, budget=30, rules=rules)
    (school,) = explain(
        scenario, "乙县", allocation=allocation_of_rows([[10, 0], [20, 0]])
    ).county.zero
    assert school.why == "limits" and set(school.rules) == {"road", "cells"}


def test_a_locked_cell_is_zero_because_it_is_locked(tmp_path: Path) -> None:
    scenario = small(tmp_path, locks=[{"county": "a", "task": "school", "amount": 0}])
    said = explain(scenario, "a", allocation=allocation_of_rows([[20, 0], [20, 10]]))
    assert [(one.task, one.why) for one in said.county.zero] == [(1, "locked")]


def test_money_is_left_over_because_of_the_rules_that_close_every_place(tmp_path: Path) -> None:
    rules = [
        rule(id="cap-a", where={"county": "a"}, at_most=20),
        rule(id="cap-b", where={"county": "b"}, at_most=20),
    ]
    scenario = small(tmp_path, rules=rules)
    said = explain(scenario, "a", allocation=allocation_of_rows([[10, 10], [10, 10]]))
    assert said.left_over is not None and said.left_over.money == 10
    assert set(said.left_over.rules) == {"cap-a", "cap-b"} and said.left_over.gain is None


def test_money_is_left_over_because_more_of_it_does_nothing(tmp_path: Path) -> None:
    said = explain(
        small(tmp_path, budget=200), "a", allocation=allocation_of_rows([[30, 30], [30, 30]])
    )
    assert said.left_over is not None and said.left_over.money == 80
    assert said.left_over.gain is not None and said.left_over.gain.points == 0


def test_rules_that_never_bind_are_told_from_those_with_room_here(tmp_path: Path) -> None:
    """Of 50 coins a cap of 60 can never bind; nor can one of 45 where b needs 25, but 24 can."""
    rules = [
        rule(id="never", at_most=60),
        rule(id="could", where={"county": "a"}, at_most=24),
        rule(id="binds", where={"county": "b"}, at_least=25),
    ]
    scenario = small(tmp_path, rules=rules)
    said = explain(scenario, "a", allocation=allocation_of_rows([[10, 10], [15, 10]]))
    assert [(room.rule, room.never) for room in said.rooms] == [("never", True), ("could", False)]
    assert not can_bind(scenario, "never") and can_bind(scenario, "could")
    wider = scenario.replace(rules={"could": {"at_most": 45}})
    assert not can_bind(wider, "could")
    assert can_bind(wider.replace(rules={"binds": {"enabled": False}}), "could")


def test_every_move_that_is_said_to_keep_the_rules_does(tmp_path: Path) -> None:
    """Each judged move against an audit of the whole table, its gain against the objective."""
    rules = [
        rule(id="share", where={"task": "road"}, at_most={"share": 0.6, "of": "amount"}),
        rule(id="cells", measure="cells", at_most=3),
        rule(id="jobs", measure="jobs", at_least=15),
    ]
    scenario = small(tmp_path, lot=5, rules=rules)
    allocation = allocation_of_rows([[10, 14], [10, 0]])
    assert not audit(scenario, allocation).broken
    points = reference_of(scenario).points
    desk = SwapJudge(scenario, allocation, points)
    cells = [(c, t) for c in range(2) for t in range(2)]
    funded = [cell for cell in cells if allocation.amounts[cell]]
    moves = desk.between([None, *funded], cells)
    assert len(moves) > 10
    for move in moves:
        amounts = allocation.amounts.copy()
        amounts[move.target] += move.money
        if move.source is not None:
            amounts[move.source] -= move.money
        after = audit(scenario, allocation_of_rows(amounts))
        judged = desk.judged(move)
        assert judged.breaks == after.broken_rules
        assert judged.points == objective_of(after, points) - desk.worth
        assert set(desk.surely_breaks(move)) <= set(judged.breaks)


def test_no_move_leaves_a_cell_with_less_than_its_lot(tmp_path: Path) -> None:
    scenario = small(tmp_path, lot=5)
    desk = SwapJudge(scenario, allocation_of_rows([[20, 0], [8, 0]]), reference_of(scenario).points)
    into_school = {(one.source, one.money) for one in desk.between([(0, 0), (1, 0)], [(0, 1)])}
    # 5 open the school; out of 8 that would leave 3, so that all 8 go or none.
    assert into_school == {((0, 0), 5), ((0, 0), 20), ((1, 0), 8)}
    to_road = {one.money for one in desk.between([(1, 0)], [(0, 0)])}
    assert to_road == {1, 8}


def test_an_empty_cell_that_should_have_had_money_is_said_to_be_better(tmp_path: Path) -> None:
    """20 in each road do 7 jobs; ten of them in a school do 3 more."""
    scenario = small(tmp_path, lot=10, budget=40)
    said = explain(scenario, "a", allocation=allocation_of_rows([[20, 0], [20, 0]]))
    (school,) = said.county.zero
    assert school.why == "better" and school.swap is not None
    assert school.swap.points == Fraction(3)


def test_a_county_against_itself_is_refused(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    with pytest.raises(InputError, match="the same county"):
        explain(scenario, "a", against="Alpha", allocation=allocation_of_rows([[20, 5], [25, 0]]))


def test_counties_go_by_code_or_name_and_an_unknown_one_has_the_nearest_named(
    tmp_path: Path,
) -> None:
    scenario, table = small(tmp_path), allocation_of_rows([[20, 5], [25, 0]])
    by_code, by_name = (
        explain(scenario, one, against=other, allocation=table)
        for one, other in (("a", "b"), ("甲县", "beta"))
    )
    assert (by_code.county, by_code.against) == (by_name.county, by_name.against)
    with pytest.raises(InputError, match="county: unknown county 'Alfa' .did you mean 'Alpha'"):
        explain(scenario, "Alfa", allocation=table)
    with pytest.raises(InputError, match="against: unknown county 'Bata' .did you mean 'Beta'"):
        explain(scenario, "a", against="Bata", allocation=table)


def test_a_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3 × 2 where 2 × 2 is due"):
        explain(small(tmp_path), "a", allocation=allocation_of_rows([[1, 1], [1, 1], [1, 1]]))


def run(*arguments: object, lang: str = "en") -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": "120"}
    return CliRunner(env=environment).invoke(cli.allot, [str(one) for one in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rules = [
        rule(id="floor", title=two("floor"), per="county", at_least=15),
        rule(id="cells", title=two("cells"), measure="cells", at_most=3),
    ]
    body: dict[str, Any] = {"budget": 50, "lot": 5, "rules": rules}
    return write_world(tmp_path, body, counties=COUNTIES)


def test_a_record_is_explained_without_solving_it_again(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record"
    assert run("solve", file, "-o", record, "-q").exit_code == 0

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the record was solved again")

    monkeypatch.setattr("optimizer.decision.solve", never)
    for lang, said in (("en", "Why: Alpha (Test)"), ("zh", "为什么：甲县（Test）")):
        page = run("explain", record, "甲县", "--against", "Beta", lang=lang)
        assert page.exit_code == 0, page.output
        assert said in page.stdout
        page.stdout.encode("gbk")


def test_a_scenario_is_solved_and_explained(file: Path) -> None:
    document = json.loads(run("explain", file, "b", "--json").stdout)
    solution = solve(_scenario(file), repaired=False)
    assert document["county"]["money"] == sum(solution.allocation.amounts[1])
    assert document["against"] is None
    assert {row["rule"] for row in document["rooms"]} == {"floor"}


def _scenario(file: Path) -> Scenario:
    from models.scenario import load

    return load(file)


def test_anybodys_table_is_explained(file: Path, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("county,task,amount\na,road,20\nb,road,30\n", "utf-8")
    document = json.loads(run("explain", file, "a", "--table", table, "--json").stdout)
    assert document["county"]["cells"] == {"road": 20}
    assert document["gap"] is None
    page = run("explain", file, "Alpha", "--table", table)
    assert "Gets: road 20" in page.stdout
    assert "itself breaks" not in page.stdout


@pytest.mark.parametrize(
    ("lang", "broken", "kept"),
    [
        ("en", "Rules that this allocation itself breaks (1): Floor", "no further rule broken"),
        ("zh", "这份安排本身不满足1条约束：下限", "不再多突破约束"),
    ],
)
def test_a_table_that_breaks_a_rule_is_not_said_to_keep_every_rule(
    tmp_path: Path, lang: str, broken: str, kept: str
) -> None:
    floor = rule(id="floor", title={"zh": "下限", "en": "Floor"}, measure="jobs", at_least=900)
    tiers = [[code, "road", 1, 60, rate, "0"] for code, rate in (("a", "0.5"), ("b", "0.2"))]
    world_file = write_world(
        tmp_path,
        {"budget": 50, "rules": [floor]},
        counties=COUNTIES,
        tasks={"road": {}},
        tiers=tiers,
    )
    table = tmp_path / "mine.csv"
    table.write_text("county,task,amount\na,road,20\nb,road,30\n", "utf-8")
    said = run("explain", world_file, "a", "--table", table, lang=lang).stdout
    assert broken in said and kept in said and "mine.csv" in said.splitlines()[0]
    assert "every rule kept" not in said and "约束都满足" not in said


def test_parts_of_a_money_unit_are_a_broken_rule_but_of_a_solve_that_was_asked_for_them(
    tmp_path: Path,
) -> None:
    scenario = small(tmp_path)
    parts = allocation_of_rows([[Fraction(39, 2), 5], [25, 0]])
    assert explain(scenario, "a", allocation=parts).breaks == (WHOLE_UNITS,)
    asked = solve(scenario, units="continuous", repaired=False)
    assert explain(asked, "a", allocation=parts).breaks == ()


def test_an_explanation_shows_itself_in_a_few_lines(tmp_path: Path) -> None:
    said = repr(explain(small(tmp_path), "a", allocation=allocation_of_rows([[20, 5], [25, 0]])))
    assert said.startswith("Explanation of a in scenario") and said.count("\n") < 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Alfa"], "unknown county 'Alfa' (did you mean 'Alpha'?)"),
        (["a", "--against", "甲县"], "is the same county"),
        (["a", "--against", "Bета"], "unknown county"),
        (["a", "--set", "budget=10", "--against", "nobody"], "unknown county 'nobody'"),
    ],
)
def test_counties_that_cannot_be_found_are_told(
    file: Path, arguments: list[str], said: str
) -> None:
    result = run("explain", file, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr and "Traceback" not in result.output


def test_a_table_of_another_programme_is_refused(file: Path, tmp_path: Path) -> None:
    table = tmp_path / "other.csv"
    table.write_text("county,task,amount\n510522,parks,20\n", "utf-8")
    result = run("explain", file, "a", "--table", table)
    assert result.exit_code == 2 and "unknown county '510522'" in result.stderr


def test_a_scenario_that_cannot_be_kept_is_not_explained(file: Path) -> None:
    result = run("explain", file, "a", "--set", "budget=20")
    assert result.exit_code == 3
    assert "Rule floor needs 30 coins, Budget allows 20 coins" in result.stderr
