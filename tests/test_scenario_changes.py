"""A scenario changed by a program: what is solved and what is written down stay the same."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from models.errors import InputError
from models.rule import Rule
from models.scenario import Scenario, load
from models.scenario_file import Lot
from tests.worlds import rule, world, write_world, write_yaml

ROOT = Path(__file__).parent.parent
RULES = [
    rule(id="floor", per=["county"], where={"people": {"min": 200}}, at_least=5),
    rule(id="share", where={"task": "road"}, at_most={"share": "0.5", "of": "amount"}),
]
LOCKS = [{"county": "a", "task": "road", "amount": 10}]
BARRED = [{"where": {"county": "b", "task": ["school"]}, "reason": "no school"}]


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    body = {"budget": 50, "lot": 2, "locks": LOCKS, "ineligible": BARRED, "rules": RULES}
    return world(tmp_path, body)


def read_again(scenario: Scenario) -> Scenario:
    """The scenario as its document alone makes it."""
    return scenario.replace()


def test_a_rule_put_in_place_of_another_is_written_down_too(scenario: Scenario) -> None:
    old = scenario.rules[0]
    changed = scenario.with_rule(Rule.model_validate({**RULES[0], "at_least": 7}))
    assert [one.id for one in changed.rules] == ["floor", "share"]
    assert changed.rules[0].bound[0].number == 7 and scenario.rules[0] == old
    assert read_again(changed).spec == changed.spec
    assert scenario.document.rules["floor"]["at_least"] == "5"


def test_a_new_rule_stands_last(scenario: Scenario) -> None:
    added = scenario.with_rule(Rule.model_validate(rule(id="new", per=["task"], at_most=40)))
    assert [one.id for one in added.rules] == ["floor", "share", "new"]
    assert read_again(added).spec == added.spec


def test_every_rule_of_the_shipped_scenario_is_written_as_it_is_read() -> None:
    base = load(ROOT / "scenarios" / "base-2020.yaml")
    changed = base
    for one in base.spec.rules:
        changed = changed.with_rule(one)
    assert read_again(changed).spec == base.spec


def test_a_rule_that_does_not_fit_the_programme_is_refused(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="unknown column 'peopel' .did you mean 'people'"):
        scenario.with_rule(Rule.model_validate(rule(per=["county"], per_head="peopel", at_most=9)))


def test_a_rule_with_a_reserved_id_is_refused(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="'budget' is reserved"):
        scenario.with_rule(Rule.model_validate(rule(id="budget", at_most=9)))


def test_another_budget_is_written_down_too(scenario: Scenario) -> None:
    changed = scenario.with_budget(60)
    assert (changed.budget, scenario.budget) == (60, 50)
    assert read_again(changed).spec == changed.spec
    for wrong in (0, Fraction(1, 2)):
        with pytest.raises(InputError, match="whole money units are due here"):
            scenario.with_budget(wrong)


def test_other_settled_fields_are_written_down_too(scenario: Scenario) -> None:
    changed = scenario.with_settled(lot=Lot(number=Fraction(3)), locks=())
    assert set(changed.lots()) == {3} and changed.spec.locks == ()
    assert read_again(changed).spec == changed.spec
    with pytest.raises(InputError, match="unknown field 'lots' .did you mean 'lot'"):
        scenario.with_settled(lots=3)


# ---- layers: what comes later stands above what came before ----


def test_of_two_settings_of_one_number_the_later_one_holds(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 50})
    twice = load(path, set_=["budget=70", "budget=60"])
    assert twice.budget == 60
    assert twice.changes == ("--set budget=70", "--set budget=60")
    assert load(path, set_=["budget=60", "budget=70"]).budget == 70


def test_the_scenario_named_with_the_file_comes_first_then_what_is_laid_over_then_settings(
    tmp_path: Path,
) -> None:
    overrides = {"rich": {"budget": 90}, "poor": {"budget": 20}}
    path = write_world(tmp_path, {"budget": 50, "overrides": overrides})
    assert load(f"{path}@rich").budget == 90
    assert load(f"{path}@rich", with_=["poor"]).budget == 20
    assert load(f"{path}@poor", with_=["rich"]).budget == 90
    assert load(path, with_=["rich", "poor"]).budget == 20
    assert load(f"{path}@rich", with_=["poor"], set_=["budget=33"]).budget == 33


def test_each_file_of_three_stands_above_the_one_that_it_extends(tmp_path: Path) -> None:
    """budget, title and lot: each set last by another of the three."""
    write_world(tmp_path, {"budget": 50, "title": "Base", "lot": 4})
    middle = {"extends": "scenario.yaml", "budget": 60, "title": "Middle"}
    write_yaml(tmp_path / "middle.yaml", middle)
    write_yaml(tmp_path / "top.yaml", {"extends": "middle.yaml", "budget": 70})
    found = load(tmp_path / "top.yaml")
    assert (found.budget, found.spec.title.en, found.lots()) == (70, "Middle", (4, 4))
    assert load(tmp_path / "middle.yaml").budget == 60
