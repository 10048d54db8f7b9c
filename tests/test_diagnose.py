"""Diagnoses of ten conflicts: what is advised is done, and then it works."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from models.errors import InfeasibleError, InputError
from models.exact import exact_text
from models.remedies import Change, Member, change_text, check_text, step_of
from models.rule import Rule
from models.scenario import Scenario, load
from optimizer.decision import solve
from optimizer.infeasibility.bound_tests import conflicting_sums
from optimizer.infeasibility.diagnose import diagnose
from optimizer.infeasibility.trial import ConflictContext
from optimizer.solvers.highs import solve_model
from tests.conflicts import (
    CAP,
    CELLS,
    CONFLICTS,
    COUNTIES,
    FLOOR,
    Conflict,
    Diagnosed,
    do,
    found,
    write,
)
from tests.worlds import rule, write_world

Known = Callable[[str], Diagnosed]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """One of the ten, diagnosed once."""
    return cache(lambda name: found(tmp_path_factory.mktemp("known"), CONFLICTS[name]))


@pytest.mark.parametrize("name", CONFLICTS)
def test_each_rule_that_helps_alone_is_told_with_the_number_it_takes(
    known: Known, name: str
) -> None:
    conflict = CONFLICTS[name]
    _, scenario, said = known(name)
    assert set(said.no_help) == conflict.no_help
    assert {one.rule for one in said.alone} == set(conflict.alone)
    for one in said.alone:
        if not conflict.alone[one.rule]:
            continue
        needed = Fraction(conflict.alone[one.rule])
        assert one.needed == pytest.approx(needed, abs=float(needed) / 10**4), one
    assert said.cause == conflict.cause
    for one in said.alone:
        text = change_text(scenario, one)
        assert one.rule in text.zh + text.en or one.field in ("locks", "lot", "budget")


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_is_advised_is_enough_and_less_is_not(known: Known, tmp_path: Path, name: str) -> None:
    path, scenario, said = known(name)
    for at, one in enumerate(said.alone):
        folder = tmp_path / str(at)
        mine = write(folder, CONFLICTS[name])
        done = solve(do(mine, (one,)), repaired=False)
        assert not done.audit.broken
        short = _short_of(scenario, one)
        if short is not None and one.is_least:
            context = ConflictContext(load(path, set_=[short]), solve_model)
            assert context.is_feasible(context.model()) is False


def _short_of(scenario: Scenario, one: Change) -> str | None:
    """The same setting, one step of the written number short."""
    if one.setting is None or one.now is None or one.needed is None:
        return None
    rules = {rule.id: rule for rule in scenario.rules}
    step = step_of(rules[one.rule], one.field, one.now) if one.rule in rules else Fraction(1)
    short = one.needed - (step if one.needed > one.now else -step)
    return f"{one.setting.partition('=')[0]}={exact_text(short)}"


@pytest.mark.parametrize("name", CONFLICTS)
def test_the_cheapest_combination_is_enough(known: Known, tmp_path: Path, name: str) -> None:
    said = known(name)[2]
    assert said.combined
    assert not solve(
        do(write(tmp_path, CONFLICTS[name]), said.combined), repaired=False
    ).audit.broken


@pytest.mark.parametrize("name", CONFLICTS)
def test_no_limit_of_the_appendix_can_be_spared(known: Known, name: str) -> None:
    """Without the rule of any member the whole set is no conflict any more."""
    path, scenario, said = known(name)
    (conflict, *_) = said.conflicts
    rules = {one.rule for one in conflict.members}
    assert rules <= {"budget", *(one.id for one in scenario.rules)}
    others = [f"rules.{one.id}.enabled=false" for one in scenario.rules if one.id not in rules]
    context = ConflictContext(load(path, set_=others), solve_model)
    assert context.is_feasible(context.model()) is False
    for name_ in rules - {"budget"}:
        off = [*others, f"rules.{name_}.enabled=false"]
        context = ConflictContext(load(path, set_=off), solve_model)
        assert context.is_feasible(context.model()) is True, name_


def test_the_limits_of_a_conflict_are_named_one_by_one(tmp_path: Path) -> None:
    """Caps of 20 on each county; only b's floor of 25 is above it."""
    rules = [
        rule(id="cap", per="county", at_most=20),
        rule(id="b", per="county", where={"county": "b"}, at_least=25),
    ]
    _, _, said = found(tmp_path, Conflict({"budget": 90, "rules": rules}, {}))
    b = (("county", "b"),)
    assert [set(one.members) for one in said.conflicts] == [{Member("cap", b), Member("b", b)}]


@pytest.mark.parametrize(
    ("rules", "more", "en"),
    [
        (
            [FLOOR],
            {"budget": 50},
            "County floor needs 60 coins, Budget allows 50 coins",
        ),
        (
            [
                rule(id="cap", title=CAP, at_most=5, per=["county", "task"]),
                FLOOR,
            ],
            {"budget": 90},
            "County floor needs 30 coins, Cap allows 10 coins (Alpha)",
        ),
        (
            [rule(id="jobs", title={"zh": "Jobs", "en": "Jobs"}, measure="jobs", at_least=21)],
            {"budget": 30},
            "Jobs needs 21 jobs; all the money that Budget allows, put where it yields most, "
            "gives 15 jobs",
        ),
        (
            [
                FLOOR,
                rule(id="cells", title=CELLS, measure="cells", at_most=1),
            ],
            {"budget": 90},
            "County floor needs 2 funded cells, Cells allows 1 funded cells",
        ),
        (
            [FLOOR],
            {"budget": 90, "ineligible": [{"where": {"county": "a"}, "reason": "closed"}]},
            "County floor needs 30 coins, Eligibility allows 0 coins (Alpha)",
        ),
        (
            [
                FLOOR,
                rule(id="cap", title=CAP, per=["county", "task"], at_most=15),
            ],
            {"budget": 90, "lot": 20},
            "Least amount of a funded cell needs 20 coins, Cap allows 15 coins",
        ),
        (
            [rule(id="cells", title=CELLS, measure="cells", at_least=4)],
            {"budget": 30, "lot": 10},
            "Cells needs 40 coins, Budget allows 30 coins",
        ),
    ],
)
def test_sums_that_cannot_meet_are_told_in_words(
    tmp_path: Path, rules: list[dict[str, Any]], more: dict[str, Any], en: str
) -> None:
    _, scenario, said = found(tmp_path, Conflict({"rules": rules, **more}, {}))
    texts = [check_text(scenario, check) for check in said.checks]
    assert any(text.en.startswith(en) for text in texts), [text.en for text in texts]
    assert all("需要" in text.zh for text in texts)


def test_sums_that_meet_are_not_told(tmp_path: Path) -> None:
    """A conflict by shares alone: no two sums of numbers disagree."""
    conflict = CONFLICTS["a share of all the money against a floor"]
    assert found(tmp_path, conflict)[2].checks == ()


def test_weights_say_which_rule_rather_gives_way(tmp_path: Path) -> None:
    """Floors of 30 and a budget of 50: lowering by a sixth, or raising by a fifth."""
    scenario = load(write(tmp_path, Conflict({"budget": 50, "rules": [FLOOR]}, {})))
    plain = diagnose(scenario)
    dear = diagnose(scenario, weights={"floor": Fraction(10)})
    assert plain is not None and dear is not None
    assert [(one.rule, one.needed) for one in plain.combined] == [("floor", 25)]
    assert [(one.rule, one.needed) for one in dear.combined] == [("budget", 60)]
    same = diagnose(scenario, weights={"floor": "10"})
    assert same is not None and same.combined == dear.combined
    with pytest.raises(InputError, match="did you mean 'floor'"):
        diagnose(scenario, weights={"flor": Fraction(2)})
    for wrong in (0, -1, "much", float("nan")):
        with pytest.raises(InputError, match=r"^weights\['floor'\]: "):
            diagnose(scenario, weights={"floor": wrong})


def test_two_conflicts_at_once_take_two_changes(tmp_path: Path) -> None:
    rules = [
        rule(id="a-floor", where={"county": "a"}, at_least=20),
        rule(id="a-cap", where={"county": "a"}, at_most=10),
        rule(id="b-floor", where={"county": "b"}, at_least=20),
        rule(id="b-cap", where={"county": "b"}, at_most=16),
    ]
    path, _, said = found(tmp_path, Conflict({"budget": 90, "rules": rules}, {}))
    assert said.alone == ()
    assert set(said.no_help) == {"budget", "a-floor", "a-cap", "b-floor", "b-cap"}
    assert {(one.rule, one.needed) for one in said.combined} == {("a-floor", 10), ("b-floor", 16)}
    assert not solve(do(path, said.combined), repaired=False).audit.broken
    told = [{one.rule for one in conflict.members} for conflict in said.conflicts]
    assert sorted(map(sorted, told)) == [["a-cap", "a-floor"], ["b-cap", "b-floor"]]


def test_a_feasible_scenario_has_nothing_to_diagnose(tmp_path: Path) -> None:
    scenario = load(write(tmp_path, Conflict({"budget": 90, "rules": [FLOOR]}, {})))
    said = diagnose(scenario)
    assert said is not None and said.is_feasible and not said.alone


def test_a_rule_that_gives_way_by_itself_is_no_part_of_a_conflict(tmp_path: Path) -> None:
    soft = rule(id="soft", at_least=200, soft={"price": 1})
    _, _, said = found(tmp_path, Conflict({"budget": 50, "rules": [soft, FLOOR]}, {}))
    named = {*said.no_help, *(one.rule for one in said.alone)}
    named |= {one.rule for conflict in said.conflicts for one in conflict.members}
    assert named == {"floor", "budget"}


def test_the_changes_are_a_tidy_frame(tmp_path: Path) -> None:
    _, _, said = found(tmp_path, Conflict({"budget": 50, "rules": [FLOOR]}, {}))
    frame = said.frame
    assert frame["rule"].tolist() == ["floor", "budget"]
    assert frame["needed"].tolist() == [25, 60]
    assert frame["set"].tolist() == ["rules.floor.at_least=25", "budget=60"]


def test_one_broken_rule_among_twenty_is_found(tmp_path: Path) -> None:
    rules = [rule(id=f"r{at}", per="county", at_least=at % 5) for at in range(10)]
    rules += [rule(id=f"m{at}", measure="jobs", at_least=at) for at in range(9)]
    rules.append(rule(id="broken", where={"county": "b"}, at_least=70))
    _, _, said = found(tmp_path, Conflict({"budget": 60, "rules": rules}, {}))
    assert [(one.rule, one.needed) for one in said.alone] == [("broken", 56), ("budget", 74)]
    (conflict,) = said.conflicts
    assert {one.rule for one in conflict.members} == {"broken", "budget"}


def alone(folder: Path, scenario: dict[str, Any]) -> dict[str, str]:
    """Rule → what its change is told as, where that alone helps."""
    _, read, said = found(folder, Conflict(scenario, {}))
    return {one.rule: change_text(read, one).en for one in said.alone}


def test_a_cap_that_alone_could_make_room_is_named_too(tmp_path: Path) -> None:
    """Four cells of 5 are 20; for 40 the cap must rise to 10, or the floor come down to 20."""
    rules = [rule(id="cap", at_most=5, per=["county", "task"]), rule(id="floor", at_least=40)]
    told = alone(tmp_path, {"budget": 100, "rules": rules})
    assert "from 5 to 10" in told["cap"]
    assert "from 40 to 20" in told["floor"]


def test_a_cap_on_each_county_can_be_the_one_to_give_way(tmp_path: Path) -> None:
    """A cap bounds the cells too; the advice must see past that."""
    floor = rule(id="floor", at_least=30, per="county", where={"task": "road"})
    told = alone(
        tmp_path, {"budget": 90, "rules": [floor, rule(id="cap", at_most=20, per="county")]}
    )
    assert "from 30 to 20" in told["floor"]
    assert "from 20 to 30" in told["cap"]


def test_two_rules_that_differ_over_the_same_cells_are_told_in_one_line(tmp_path: Path) -> None:
    """Districts want 30 and 50, parties 40 and 39: 80 against 79."""
    rules = [
        rule(id="districts", per="county", equal={"column": "seats"}),
        rule(id="parties", per="task", equal={"column": "votes"}),
    ]
    counties = {
        code: {**row, "seats": seats}
        for (code, row), seats in zip(COUNTIES.items(), (30, 50), strict=True)
    }
    tasks = {"road": {"votes": 40}, "school": {"votes": 39}}
    path = write_world(tmp_path, {"budget": 100, "rules": rules}, counties=counties, tasks=tasks)
    scenario = load(path)
    (check,) = conflicting_sums(scenario)
    assert (check.rule, check.need, check.other, check.allow) == ("districts", 80, "parties", 79)
    with pytest.raises(InfeasibleError, match="needs 80 coins, Rule allows 79 coins"):
        solve(scenario, repaired=False)


@pytest.mark.parametrize("floor", ["1e9", "1e20", "1e25"])
def test_a_floor_that_a_solver_takes_for_infinite_gets_its_true_reason(
    tmp_path: Path, floor: str
) -> None:
    rules = [rule(id="floor", per="county", at_least=floor)]
    path, scenario, said = found(tmp_path, Conflict({"budget": 50, "rules": rules}, {}))
    assert [(one.rule, one.needed) for one in said.alone] == [("floor", 25)]
    assert said.cause == "relaxation" and said.checks[0].need == 2 * Fraction(floor)
    with pytest.raises(InfeasibleError, match="allows 50 coins"):
        solve(load(path), repaired=False)


def test_a_budget_a_hundred_times_as_large_is_found_and_not_ruled_out(tmp_path: Path) -> None:
    rules = [rule(id="floor", per="county", at_least=2500)]
    _, _, said = found(tmp_path, Conflict({"budget": 50, "rules": rules}, {}))
    assert ("budget", 5000) in [(one.rule, one.needed) for one in said.alone]
    assert said.no_help == () and said.unsettled == ()


def test_what_is_neither_found_nor_ruled_out_is_said_to_be_neither(tmp_path: Path) -> None:
    """A floor of 10^8 needs a budget beyond any advice; a share of it grows with the budget."""
    rules = [
        rule(id="floor", where={"county": "a"}, at_least=10**8),
        rule(id="b", where={"county": "b"}, at_least={"share": 0.5, "of": "budget"}),
    ]
    _, _, said = found(tmp_path, Conflict({"budget": 50, "rules": rules}, {}))
    assert [one.rule for one in said.alone] == ["floor"]
    assert "budget" in (*said.no_help, *said.unsettled)


def test_a_share_above_one_is_not_told_as_a_setting_that_is_refused(tmp_path: Path) -> None:
    """b gets 24 at least, a 20 at most: b's cap of 0.9 of a's money must rise to 1.2 of it."""
    rules = [
        rule(
            id="cap",
            where={"county": "b"},
            at_most={"share": 0.9, "of": "amount", "where": {"county": "a"}},
        ),
        rule(id="a", where={"county": "a"}, at_most=20),
        rule(id="b", where={"county": "b"}, at_least=24),
    ]
    _, scenario, said = found(tmp_path, Conflict({"budget": 60, "rules": rules}, {}))
    (cap,) = (one for one in said.alone if one.rule == "cap")
    assert (cap.needed, cap.setting) == (Fraction(6, 5), None)
    assert "to be written as times" in change_text(scenario, cap).en


def test_a_third_is_told_as_a_person_writes_it(tmp_path: Path) -> None:
    """20 of 60 for a with 40 locked in b: a third, never a float's digits."""
    rules = [rule(id="a", where={"county": "a"}, at_least={"share": "1/2", "of": "amount"})]
    locks = [{"county": "b", "task": "road", "amount": 40}]
    _, _, said = found(tmp_path, Conflict({"budget": 60, "locks": locks, "rules": rules}, {}))
    told = {one.rule: one for one in said.alone}
    assert told["a"].needed == Fraction("0.3333") and told["a"].is_least
    assert told["a"].setting == "rules.a.at_least.share=0.3333"


def test_a_single_change_that_costs_less_than_several_is_the_cheapest(tmp_path: Path) -> None:
    """Two floors of 30 against 50: together they give way by a sixth each or one by a third."""
    rules = [
        rule(id="a", where={"county": "a"}, at_least=30),
        rule(id="b", where={"county": "b"}, at_least=30),
    ]
    scenario = load(write(tmp_path, Conflict({"budget": 59, "rules": rules}, {})))
    said = diagnose(scenario, weights={"a": 5, "b": 9})
    assert said is not None
    assert [(one.rule, one.needed) for one in said.combined] == [("budget", 60)]


def test_a_change_that_its_writing_makes_dearer_than_another_is_not_the_cheapest(
    tmp_path: Path,
) -> None:
    """9 coins bring 4.5 of 5 jobs: a tenth less would do, but jobs are written whole, and 4 are a
    fifth less; 10 coins in place of 9 are a ninth more."""
    rules = [rule(id="jobs", measure="jobs", at_least=5), rule(id="cap", at_most=9)]
    _, _, said = found(tmp_path, Conflict({"budget": 50, "rules": rules}, {}))
    told = [(one.rule, one.needed) for one in said.alone]
    assert told == [("jobs", Fraction(4)), ("cap", Fraction(10))]
    assert [(one.rule, one.needed) for one in said.combined] == told[1:]


def test_several_changes_that_cost_less_than_any_single_one_are_told_together(
    tmp_path: Path,
) -> None:
    """The cap on both counties stands against both their floors: raising it to 90 costs 2 for the
    three times as much; lowering each floor costs two thirds."""
    rules = [
        rule(id="cap", at_most=30, per="county"),
        rule(id="a", where={"county": "a"}, at_least=90),
        rule(id="b", where={"county": "b"}, at_least=90),
    ]
    _, _, said = found(tmp_path, Conflict({"budget": 200, "rules": rules}, {}))
    assert [(one.rule, one.needed) for one in said.alone] == [("cap", 90)]
    assert {(one.rule, one.needed) for one in said.combined} == {("a", 30), ("b", 30)}


def test_no_time_leaves_rules_unsettled_and_rules_nothing_out(tmp_path: Path) -> None:
    rules = [FLOOR, rule(id="all", at_least=10)]
    scenario = load(write(tmp_path, Conflict({"budget": 50, "rules": rules}, {})))
    said = diagnose(scenario, time_limit=1e-9)
    assert said is not None and not said.is_feasible
    assert said.alone == () == said.no_help == said.combined
    assert said.unsettled == ("floor", "all", "budget")


def test_each_change_is_told_as_soon_as_it_was_tried(tmp_path: Path) -> None:
    told: list[Change] = []
    scenario = load(write(tmp_path, Conflict({"budget": 50, "rules": [FLOOR]}, {})))
    said = diagnose(scenario, watch=told.append)
    assert said is not None and tuple(told) == said.alone


@pytest.mark.parametrize(
    ("measure", "field", "now", "step"),
    [
        ("amount", "number", "60", "1"),
        ("jobs", "number", "6000.5", "1"),
        ("jobs", "number", "2.5", "0.001"),
        ("cells", "number", "2.5", "1"),
        ("amount", "share", "0.27", "0.0001"),
        ("amount", "share", "0.00027", "0.0000001"),
        ("amount", "share", "0.05", "0.0001"),
        ("amount", "times", "1.5", "0.0001"),
    ],
)
def test_numbers_are_stepped_as_people_write_them(
    measure: str, field: str, now: str, step: str
) -> None:
    one = Rule.model_validate(rule(measure=measure, at_least=1))
    assert step_of(one, field, Fraction(now)) == Fraction(step)


def test_a_conflict_is_proved_without_a_solver_where_it_is_there_in_the_relaxation(
    known: Known,
    tmp_path: Path,
) -> None:
    """Half of all for a against 30 of 40 in b: 20 ≤ a, a ≤ 10."""
    _, _, said = known("a share of all the money against a floor")
    assert said.is_proved and [one.is_proved for one in said.conflicts] == [True]
    _, _, counted = known("counts of funded cells")
    assert not any(one.is_proved for one in counted.conflicts)
    lonely = rule(id="lonely", where={"county": "a"}, at_least=1)
    rules = [*CONFLICTS["a share of all the money against a floor"].scenario["rules"], lonely]
    _, _, more = found(tmp_path, Conflict({"budget": 40, "rules": rules}, {}))
    assert more.no_help == ("lonely",) and more.is_proved_no_help("lonely")
    assert not more.is_proved_no_help("b")


FEW = {
    "budget": 90,
    "rules": [
        rule(id="floor", per="county", at_least=10),
        rule(id="few", measure="counties", at_most=1),
        rule(id="lonely", where={"county": "a"}, at_most=80),
    ],
}


@pytest.mark.parametrize("cells", [200, 0], ids=["small", "large"])
def test_floors_in_more_counties_than_are_allowed_are_named_and_the_cap_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    """With cells funded in part each county needs but a part of one."""
    monkeypatch.setattr("optimizer.infeasibility.trial.DIRECT_CELLS", cells)
    path, read, said = found(tmp_path, Conflict(FEW, {}))
    (check,) = (one for one in said.checks if one.kind == "counties")
    assert (check.need, check.allow) == (2, 1) and "2 counties" in check_text(read, check).en
    assert [{one.rule for one in each.members} for each in said.conflicts] == [{"floor", "few"}]
    cap = next(one for one in said.alone if one.rule == "few")
    assert (cap.needed, cap.is_least) == (2, True)
    assert said.no_help == ("lonely", "budget")
    assert not solve(do(path, [cap]), repaired=False).audit.broken
