"""A scenario changed by a program: what is solved and what is written down stay the same."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from models.errors import InputError
from models.rule import Rule
from models.scenario import Scenario, load
from models.scenario_file import Lot
from tests.worlds import rule, world

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
