"""The hand-worked cases of `tests/rules`, and that they leave out no form and no shipped rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from models.exact import exact_text, parse_exact
from models.rule import Between, Clause, Condition, Factor, Grounds, Part, Rule, Soft
from models.strict_yaml import Text
from tests.rule_cases import (
    RULES,
    SCENARIOS,
    Reading,
    reading_of,
    readings,
    shipped_names,
    shipped_rules,
    with_rule,
)
from tests.rule_forms import FORMS, forms_of

CASES = readings()
SHIPPED = sorted(path for path in SCENARIOS.glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_audit_finds_what_was_worked_out_by_hand(case: Reading, tmp_path: Path) -> None:
    result = case.read(case.build(tmp_path))
    assert case.found(result) == case.expected(), case.case["clause"]
    if "penalty" in case.content:
        assert exact_text(result.penalty) == exact_text(parse_exact(case.content["penalty"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_quotes_a_clause_and_expects_no_unknown_field(case: Reading) -> None:
    known = {"key", "value", "lower", "upper", "slack", "heads", "state", "binding", "near"}
    assert case.case["clause"]
    assert not set(case.content) - {"allocation", "outside", "expect", "penalty", "options"}
    for item in case.content["expect"]:
        assert not set(item) - known
        assert {"value", "slack", "state"} <= set(item)
        assert ("binding" in item) != (item.get("near") is True)
        value = parse_exact(item["value"])
        rooms = [value - parse_exact(item["lower"])] if "lower" in item else []
        rooms += [parse_exact(item["upper"]) - value] if "upper" in item else []
        assert parse_exact(item["slack"]) == min(rooms)


def _states(case: Reading) -> set[str]:
    states = {item["state"] for item in case.content["expect"]}
    return ({"kept"} & states) | ({"broken"} if states & {"broken", "bent"} else set())


@pytest.mark.slow
def test_every_form_of_a_rule_has_a_kept_and_a_broken_case(tmp_path: Path) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for number, case in enumerate(CASES):
        if "shipped" not in case.case:
            for form in forms_of(case, case.build(tmp_path / str(number))):
                seen[form] |= _states(case)
    missing = {form: {"kept", "broken"} - seen[form] for form in FORMS}
    assert {form: states for form, states in missing.items() if states} == {}


TOLD = {"id", "title", "enabled", "range", *Grounds.model_fields}
"""Fields of a rule that say what it is and whence: the audit does not read them."""


def _used(given: object) -> Iterator[tuple[type[BaseModel], str]]:
    """(class, field) of everything that is set in a rule and in what it holds."""
    if isinstance(given, BaseModel):
        for name in given.model_fields_set:
            if getattr(given, name) is not None:
                yield type(given), name
                yield from _used(getattr(given, name))
    elif isinstance(given, Mapping):
        for inner in given.values():
            yield from _used(inner)
    elif isinstance(given, tuple):
        for inner in given:
            yield from _used(inner)


def test_every_field_of_a_rule_is_set_in_some_case() -> None:
    written = [rule for case in CASES if (rule := case.rule()) is not None]
    used = {pair for rule in written for pair in _used(Rule.model_validate(rule))}
    parts = {kind for kind, _ in used} | {Rule, Part, Factor, Condition, Between, Soft}
    due = {(kind, name) for kind in parts - {Clause, Text} for name in kind.model_fields}
    assert due - used - {(Rule, name) for name in TOLD} == set()


def _due(path: Path) -> Iterator[tuple[str, str]]:
    """(rule id, what the audit reads of it) of each enabled rule of a file's scenarios."""
    for named in shipped_names(path):
        for name, content in shipped_rules(path, named).items():
            if content.get("enabled", "true") == "true":
                yield name, reading_of(content)


def test_every_enabled_rule_of_a_shipped_scenario_has_a_kept_and_a_broken_case() -> None:
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for case in CASES:
        if "shipped" in case.case:
            content = case.rule()
            assert content is not None
            seen[case.finding, reading_of(content)] |= _states(case)
    due = {rule for path in SHIPPED for rule in _due(path)}
    assert len(due) >= 13, "the shipped scenarios were not found"
    assert {rule for rule in due if seen[rule] != {"kept", "broken"}} == set()


def _mutants(content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rule with one thing misread in it."""
    sense = next(s for s in ("at_least", "at_most", "equal") if s in content)
    turned = {"at_least": "at_most", "at_most": "at_least"}[sense]
    yield turned, {**_without(content, sense), turned: content[sense]}
    for measure in {"amount", "cells", "counties", "jobs", "firms"} - {content["measure"]}:
        yield f"measure {measure}", {**content, "measure": measure}
    for key in ("where", "per", "per_head"):
        if content.get(key):
            yield f"no {key}", _without(content, key)
    yield "soft", {**content, "soft": {"price": "1"}}
    for per in ("county", "task"):
        if [per] != content.get("per"):
            yield f"per {per}", {**content, "per": [per]}
    yield "per residents", {**content, "per_head": "residents", "per": ["residents"]}
    for name, bound in _mutant_bounds(content[sense]):
        yield name, {**content, sense: bound}


def _mutant_bounds(bound: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(bound, Mapping):
        number = parse_exact(bound)
        for moved in (number + 1, number - 1, number * 10):
            yield f"number {exact_text(moved)}", exact_text(moved)
        return
    for key in ("share", "times"):
        value = bound.get(key)
        if isinstance(value, Mapping):
            other = {"share_min": "share_max", "share_max": "share_min"}[value["column"]]
            yield f"{key} {other}", {**bound, key: {"column": other}}
        elif value is not None:
            less = exact_text(parse_exact(value) - parse_exact("0.01"))
            yield f"{key} {less}", {**bound, key: less}
    for of in {"amount", "budget", "jobs"} - {bound["of"]}:
        yield f"of {of}", {**bound, "of": of}
    yield "of with where", {**bound, "where": {"deep_poverty": "true"}, "of": "amount"}


def _without(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: deepcopy(value) for name, value in content.items() if name != key}


def _caught(case: Reading, folder: Path) -> Iterator[tuple[str, bool]]:
    scenario = case.build(folder)
    content = case.rule()
    assert content is not None
    for name, mutant in _mutants(content):
        try:
            misread = with_rule(scenario, mutant)
        except ValidationError:  # It cannot even be written so.
            yield name, True
            continue
        yield name, case.found(case.read(misread)) != case.expected()


@pytest.mark.slow
def test_every_misreading_of_a_shipped_rule_is_caught_by_its_cases(tmp_path: Path) -> None:
    caught: dict[tuple[str, str, str], bool] = defaultdict(bool)
    for number, case in enumerate(CASES):
        if "shipped" in case.case:
            label = (case.finding, case.case["shipped"].get("scenario", ""))
            for name, seen in _caught(case, tmp_path / str(number)):
                caught[(*label, name)] |= seen
    assert len(caught) > 150
    assert [mutant for mutant, seen in caught.items() if not seen] == []


def test_the_case_files_are_found() -> None:
    assert len(CASES) > 150
    assert {path.stem for path in RULES.glob("*.yaml")} >= {"amount", "bounds", "per-head"}
