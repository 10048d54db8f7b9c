"""Hand-worked cases: a clause, a small world, allocations, and what the audit must find.

A file of `tests/rules` holds `world` and `scenario` (as in `tests.worlds.write_world`) and a list
of `cases`. A case has a `clause`, a `rule` (written out, or `shipped`: a rule of a scenario file,
read from there), or the id of a reserved `finding`, and `readings`: an `allocation` each with the
findings to `expect`, all of them, in order. `'*'` in counties or an allocation stands for many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from models.allocation import Allocation, allocation_of_rows
from models.exact import exact_text, parse_exact
from models.finding import Audit, Finding
from models.overrides import apply_overrides, read_layers
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit import audit
from tests.worlds import rule, world

RULES = Path(__file__).parent / "rules"
SCENARIOS = Path(__file__).parent.parent / "scenarios"


@dataclass(frozen=True)
class Reading:
    """One allocation of one case."""

    name: str
    world: Mapping[str, Any]
    scenario: Mapping[str, Any]
    case: Mapping[str, Any]
    content: Mapping[str, Any]

    @property
    def finding(self) -> str:
        """Id of the findings that the reading is about."""
        if shipped := self.case.get("shipped"):
            return str(shipped["rule"])
        return str(self.case.get("finding") or self.case["rule"].get("id", "r"))

    def build(self, folder: Path) -> Scenario:
        """The scenario of the case, written to a folder and loaded from there."""
        rules = [self.rule()] if self.rule() else []
        body = {**self.scenario, **self.case.get("scenario", {}), "rules": rules}
        return world(folder, body, **self.world)

    def rule(self) -> dict[str, Any] | None:
        """The rule as a scenario file writes it; None in a case about a reserved finding."""
        if shipped := self.case.get("shipped"):
            return shipped_rules(SCENARIOS / shipped["file"], shipped.get("scenario"))[self.finding]
        return rule(**self.case["rule"]) if "rule" in self.case else None

    def read(self, scenario: Scenario) -> Audit:
        return audit(scenario, self.allocation(scenario), **self.content.get("options", {}))

    def allocation(self, scenario: Scenario) -> Allocation:
        programme, content = scenario.programme, self.content["allocation"]
        rows = []
        for county in programme.counties.ids:
            held = {**content.get("*", {}), **content.get(county, {})}
            rows.append([parse_exact(held.get(task, 0)) for task in programme.tasks.ids])
        outside = [
            (code, code, parse_exact(amount))
            for code, amount in self.content.get("outside", {}).items()
        ]
        return allocation_of_rows(rows, outside)

    def found(self, result: Audit) -> list[dict[str, Any]]:
        """The findings that the reading is about, in the form of `expect`."""
        return [as_expected(f) for f in result.findings if f.rule == self.finding]

    def expected(self) -> list[dict[str, Any]]:
        return [_exact(item) for item in self.content["expect"]]


def as_expected(finding: Finding) -> dict[str, Any]:
    """A finding as a case writes it: exact texts, no key where there is none."""
    text: dict[str, Any] = {"key": dict(finding.key)} if finding.key else {}
    for name in ("value", "lower", "upper", "slack"):
        number = getattr(finding, name)
        if number is not None:
            text[name] = exact_text(number)
    if finding.heads != 1:
        text["heads"] = exact_text(finding.heads)
    close: dict[str, Any] = {"near": True} if finding.near else {"binding": finding.binding}
    return {**text, "state": finding.state, **close}


def _exact(item: Mapping[str, Any]) -> dict[str, Any]:
    numbers = ("value", "lower", "upper", "slack", "heads")
    return {k: exact_text(parse_exact(v)) if k in numbers else v for k, v in item.items()}


def readings(folder: Path = RULES, pattern: str = "**/*.yaml") -> list[Reading]:
    """All readings of the case files of a folder."""
    found = []
    for path in sorted(folder.glob(pattern)):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        shared = (_full_world(content.get("world", {})), content.get("scenario", {}))
        for number, case in enumerate(content["cases"], 1):
            for letter, item in zip("abcdefgh", case["readings"], strict=False):
                name = f"{path.relative_to(RULES).with_suffix('')}-{number}{letter}"
                found.append(Reading(name, *shared, case, item))
    return found


def _full_world(content: Mapping[str, Any]) -> dict[str, Any]:
    counties = content.get("counties", {})
    if "*" in counties:
        count = counties["*"]["count"]
        columns = {key: value for key, value in counties["*"].items() if key != "count"}
        counties = {f"c{number:03d}": columns for number in range(1, count + 1)}
    return {**content, **({"counties": counties} if counties else {})}


@cache
def shipped_rules(path: Path, named: str | None = None) -> dict[str, dict[str, Any]]:
    """Id → rule of a scenario file (with a named scenario laid over it), as written."""
    document = read_layers(path)
    apply_overrides(document, [named] if named else [])
    return dict(document.rules)


def shipped_names(path: Path) -> Sequence[str | None]:
    """The scenarios of a file: the file's own (None) and the named ones."""
    return [None, *(read_layers(path).body.get("scenarios") or {})]


READ_FIELDS = (
    *("measure", "where", "per", "per_head", "if_funded"),
    *("at_least", "at_most", "equal", "within", "soft"),
)


def reading_of(content: Mapping[str, Any]) -> str:
    """What the audit reads of a rule, without its titles and grounds."""
    parsed = Rule.model_validate(content)
    return parsed.model_dump_json(include=set(READ_FIELDS))


def with_rule(scenario: Scenario, content: Mapping[str, Any]) -> Scenario:
    """The scenario with one rule in place of its rules, unchecked against the programme."""
    rules = (Rule.model_validate(content),)
    return replace(scenario, spec=scenario.spec.model_copy(update={"rules": rules}))
