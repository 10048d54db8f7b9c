"""A number that was changed for a run is not quoted by the source of another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.scenario import Scenario, load
from models.sentences import state_words
from tests.worlds import rule, write_world

CLAUSE = {"document": "plan", "article": "1", "seen": True, "states_number": True}
RULES = [
    rule(id="goal", basis="target", clause={**CLAUSE}, number_from="stated", at_least=10),
    rule(id="share", number_from={"zh": "去年", "en": "last year"}, at_least=5),
]
GROUNDS = {"budget": {"basis": "clause", "clause": {**CLAUSE}}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    patch = {"share": {"at_least": 6, "number_from": "a count of its own"}}
    return write_world(
        tmp_path,
        {
            "budget": 40,
            "rules": RULES,
            "grounds": GROUNDS,
            "overrides": {"sourced": {"rules": patch}},
        },
    )


def said(scenario: Scenario, name: str) -> str:
    return next(rule for rule in scenario.spec.rules if rule.id == name).number_from.en


def verdict(scenario: Scenario) -> str:
    goal = scenario.rules[0]
    return state_words(goal, "kept", "zh")


def test_complies_is_not_said_of_a_number_that_the_clause_does_not_state(path: Path) -> None:
    assert verdict(load(path)) == "符合"
    changed = load(path, set_=["rules.goal.at_least=9"])
    assert verdict(changed) == "条款未定量，按假定值测算：满足"
    assert "符合" not in verdict(load(path).replace(rules={"goal": {"at_least": 9}}))


def test_the_old_source_is_named_as_that_of_the_number_before(path: Path) -> None:
    changed = said(load(path, set_=["rules.share.at_least=7"]), "share")
    assert changed.startswith("changed for this run") and changed.endswith("before: last year")
    assert said(load(path), "share") == "last year"


def test_a_change_with_a_source_of_its_own_keeps_that(path: Path) -> None:
    assert said(load(f"{path}@sourced"), "share") == "a count of its own"


def test_a_rule_that_is_only_switched_or_softened_keeps_its_source(path: Path) -> None:
    changed = load(path, set_=["rules.share.enabled=false", "rules.goal.soft.price=1"])
    assert said(changed, "share") == "last year" and verdict(changed) == "符合"


def test_another_budget_is_not_that_of_the_clause(path: Path) -> None:
    same, other = load(path), load(path, set_=["budget=30"])
    assert same.spec.grounds["budget"].clause.states_number  # type: ignore[union-attr]
    assert not other.spec.grounds["budget"].clause.states_number  # type: ignore[union-attr]
