"""The functions of `import allot` as people call them at a first guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import allot
from models.errors import InputError
from models.scenario import Scenario
from models.solution import Solution
from tests.worlds import rule, world, write_world


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    floor = rule(id="floor", per=["county"], at_least=15)
    return world(tmp_path_factory.mktemp("w"), {"budget": 60, "rules": [floor]})


@pytest.fixture(scope="module")
def solution(scenario: Scenario) -> Solution:
    return allot.solve(scenario, repaired=False)


def test_prices_and_costs_take_a_solution(scenario: Scenario, solution: Solution) -> None:
    assert allot.prices(solution).rules == allot.prices(scenario).rules
    assert allot.costs(solution) == allot.costs(scenario)


def test_one_rule_may_be_named_alone(scenario: Scenario) -> None:
    assert allot.costs(scenario, rules="floor") == allot.costs(scenario, rules=["floor"])


def test_a_share_may_be_written_in_percent(solution: Solution) -> None:
    assert allot.ranges(solution, within="0.5%") == allot.ranges(solution, within=0.005)
    for wrong in ("half", "100%", -0.1, 1):
        with pytest.raises(ValueError, match="share"):
            allot.ranges(solution, within=wrong)


CALLS: list[tuple[Any, dict[str, Any], str]] = [
    (allot.solve, {"gab": 0.1}, "solve.. has no keyword 'gab' .did you mean 'gap'.."),
    (allot.costs, {"only": "floor"}, "costs.. has no keyword 'only'; it takes of, rules, gap"),
    (allot.prices, {"weight": True}, "did you mean 'weights'"),
    (allot.ranges, {"with_in": 0.1}, "did you mean 'within'"),
    (allot.grid, {"worker": 1}, "did you mean 'workers'"),
    (allot.compare, {"unit": "whole"}, "did you mean 'units'"),
    (allot.diagnose, {"timelimit": 1}, "did you mean 'time_limit'"),
]


@pytest.mark.parametrize(("call", "wrong", "said"), CALLS)
def test_a_misspelled_keyword_gets_the_nearest(
    scenario: Scenario, call: Any, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        call(scenario, **wrong)


@pytest.mark.parametrize("call", [allot.solve, allot.repair, allot.diagnose, allot.tornado])
@pytest.mark.parametrize("given", ["scenario.yaml", None, {"budget": 3}])
def test_what_is_no_scenario_is_said_to_be_none(call: Any, given: object) -> None:
    with pytest.raises(TypeError, match=f"{call.__name__}.. is due a Scenario .allot.load"):
        call(given)
    with pytest.raises(TypeError, match=f"not {type(given).__name__}"):
        call(scenario=given)


def test_a_solution_is_no_scenario_where_one_is_due(solution: Solution) -> None:
    with pytest.raises(TypeError, match="due a Scenario .*, not Solution"):
        allot.diagnose(solution)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="due a Scenario .* or a Solution .*, not str"):
        allot.prices("scenario.yaml")  # type: ignore[arg-type]


ODD: list[tuple[Any, list[Any], dict[str, Any], str]] = [
    (allot.solve, [], {"solver": None}, "solver: None is no name of a solver"),
    (allot.solve, [], {"second_opinion": 3}, "second_opinion: 3 is no name of a solver"),
    (allot.diagnose, [], {"time_limit": "5"}, "'5' is not a number of seconds"),
    (allot.diagnose, [], {"time_limit": 0}, "0 is not a number of seconds above 0"),
    (allot.grid, ["budget"], {}, "vary: names no path; write"),
    (allot.grid, [{"budget": 50}], {}, "budget: 50 is no list of values"),
    (allot.costs, [], {"rules": 3}, "rules: ids of rules are due here, not 3"),
    (allot.costs, [], {"rules": [3]}, "rules: ids of rules are due here"),
    (allot.costs, [], {"rules": []}, "rules: names no rule; leave it out for all of them"),
    (allot.diagnose, [], {"weights": 3}, "weights: a mapping of rules to numbers is due here"),
    (lambda one: allot.compare([one, None]), [], {}, "columns: a scenario, .* not NoneType"),
    (lambda one: allot.compare([one, 3]), [], {}, "columns: a scenario, .* not int"),
]


@pytest.mark.parametrize(("call", "more", "keywords", "said"), ODD)
def test_an_odd_argument_is_refused_by_name(
    scenario: Scenario, call: Any, more: list[Any], keywords: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        call(scenario, *more, **keywords)


NO_PATH = "due the path of a file or folder, not "
DUE: list[tuple[Any, list[Any], dict[str, Any], str]] = [
    (allot.load, [None], {}, "load.. is " + NO_PATH + "NoneType"),
    (allot.load, [3], {}, NO_PATH + "int"),
    (allot.verify, [None], {}, "verify.. is " + NO_PATH + "NoneType"),
    (allot.verify, ["x"], {"against": 3}, "due a Scenario .* as against=, not int"),
    (allot.read_record, [None], {}, NO_PATH + "NoneType"),
    (allot.write_starter, [None], {}, NO_PATH + "NoneType"),
    (allot.witness, [None, "a", "least"], {}, "due Ranges .allot.ranges"),
    (allot.from_pulp, [None, None], {}, "due a Scenario"),
    (allot.to_pulp, ["x"], {}, "due a Scenario"),
]


@pytest.mark.parametrize(("call", "given", "keywords", "said"), DUE)
def test_what_a_function_is_due_is_said(
    call: Any, given: list[Any], keywords: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        call(*given, **keywords)


def test_options_are_keywords_and_a_record_needs_a_folder(
    scenario: Scenario, solution: Solution
) -> None:
    with pytest.raises(TypeError, match=r"its fields as keywords .gap=0.1. as options=, not float"):
        allot.solve(scenario, 0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="path of a file or folder as path=, not NoneType"):
        allot.write_record(solution, None)  # type: ignore[arg-type]


def test_a_trusted_scenario_may_be_a_file_and_a_fingerprint_is_a_text(
    scenario: Scenario, solution: Solution, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    allot.write_record(solution, record)
    path = write_world(tmp_path, {"budget": 70, "rules": [rule(id="floor", at_least=15)]})
    apart = allot.verify(record, against=str(path)).against
    assert apart is not None and "budget" in {one.place for one in apart.differences}
    assert apart == allot.verify(record, against=allot.load(path)).against
    with pytest.raises(InputError, match="fingerprint: a text of hexadecimal digits is due here"):
        allot.verify(record, fingerprint=12)  # type: ignore[arg-type]


def test_an_end_that_no_scenario_can_have_ends_no_sweep(scenario: Scenario) -> None:
    with pytest.raises(InputError, match=r"^budget: -5 is negative; zero or more is due here"):
        allot.sweep(scenario, "budget", low=-5, high=60)


def test_one_override_may_be_a_text(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 60, "overrides": {"less": {"budget": 40}}})
    assert allot.load(path, with_="less").budget == 40


@pytest.mark.parametrize("columns", ["three-towns.yaml", {"a": 1}, 3])
def test_columns_to_compare_are_a_list(columns: Any) -> None:
    with pytest.raises(InputError, match="columns: a list of two or more is due here"):
        allot.compare(columns)


def test_a_text_is_no_table_of_counties(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="counties: a frame or a mapping is due here"):
        allot.Programme.from_frames("counties.csv", ["road"], money="coins", metrics=["jobs"])
    tiers = {"county": ["a"], "task": ["road"], "tier": [1], "width": [5], "jobs": [2]}
    made = allot.Programme.from_frames({"a": {}}, "road", tiers, money="coins", metrics="jobs")
    assert (made.tasks.ids, made.metrics) == (("road",), ("jobs",))


def test_one_change_may_be_a_text(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 60, "rules": []})
    assert allot.load(path, set_="budget=50").budget == 50


def test_a_county_may_be_called_by_a_number(solution: Solution) -> None:
    with pytest.raises(InputError, match="unknown county '510522'"):
        allot.explain(solution, 510522)  # type: ignore[arg-type]


def test_a_scenario_is_no_solution_to_write(tmp_path: Path, scenario: Scenario) -> None:
    with pytest.raises(TypeError, match="write_record.. is due a Solution .*, not Scenario"):
        allot.write_record(scenario, tmp_path / "record")  # type: ignore[arg-type]
