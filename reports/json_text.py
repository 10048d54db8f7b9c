"""The one JSON document of `--json`: exact numbers, in the shape that the command line promises.

A number that a decimal can write is written in full, whatever its length; any other (1/3) is
written as the nearest float. Readers that keep floats lose nothing below 17 figures.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from models.allocation import Allocation
from models.exact import exact_text
from models.finding import Audit, Finding
from models.metadata import read_labels
from models.scenario import Scenario
from models.sentences import sentence
from models.solution import Comparison, Solution
from reports.view.allocation_view import unread_rules

Json = Any


def solution_view(solution: Solution) -> dict[str, Json]:
    """`solve --json`."""
    solver = solution.solver
    return {
        "scenario": solution.scenario.name,
        "status": solution.status,
        "objective": solution.objective,
        "bound": solution.bound,
        "gap": solution.gap,
        "solver_gap": solver.solver_gap,
        "rounding_loss": solver.rounding_loss,
        **_reading(solution.scenario, solution.audit),
        "penalty": solution.audit.penalty,
        "baseline": _comparison(solution.baseline),
        "repaired": None if solution.repaired is None else _comparison(solution.repaired),
        "allocation": _amounts(solution.scenario, solution.allocation),
        "outside": _outside(solution.allocation),
        "findings": [_finding(finding) for finding in solution.audit.findings],
        "solver": {"name": solver.name, "version": solver.version, "notes": list(solver.notes)},
        "second_opinion": solution.second_opinion,
        "seconds": solution.seconds,
    }


def check_view(scenario: Scenario, allocation: Allocation, audit: Audit) -> dict[str, Json]:
    """`check --json`; of `baseline --json` too, with the allocation itself."""
    return {
        "scenario": scenario.name,
        **_reading(scenario, audit),
        "allocation": _amounts(scenario, allocation),
        "outside": _outside(allocation),
        "findings": [_finding(finding) for finding in audit.findings],
    }


def scenario_view(scenario: Scenario) -> dict[str, Json]:
    """`validate --json`."""
    programme = scenario.programme
    labels = read_labels(programme)
    return {
        "scenario": scenario.name,
        "title": _both(scenario.spec.title),
        "programme": programme.file.id,
        "budget": scenario.budget,
        "counties": len(programme.counties),
        "tasks": len(programme.tasks),
        "metrics": list(programme.metrics),
        "changes": list(scenario.changes),
        "rules": [
            {
                "rule": rule.id,
                "enabled": rule.enabled,
                "basis": rule.basis,
                "sentence": {
                    lang: sentence(rule, programme, lang, labels) for lang in ("zh", "en")
                },
            }
            for rule in scenario.spec.rules
        ],
    }


def json_text(value: Json, ascii_only: bool = False) -> str:
    """The document as text: keys a line, items of a list a line, numbers exact."""
    if isinstance(value, Mapping):
        pairs = [_pair(key, inner, ascii_only) for key, inner in value.items()]
        return "{\n" + ",\n".join(pairs) + "\n}" if pairs else "{}"
    return _compact(value, ascii_only)


def _pair(key: object, value: Json, ascii_only: bool) -> str:
    name = _compact(str(key), ascii_only)
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        items = ",\n    ".join(_compact(item, ascii_only) for item in value)
        return f"  {name}: [\n    {items}\n  ]"
    return f"  {name}: {_compact(value, ascii_only)}"


def _compact(value: Json, ascii_only: bool) -> str:
    if isinstance(value, Mapping):
        pairs = (
            f"{_compact(str(k), ascii_only)}: {_compact(v, ascii_only)}" for k, v in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_compact(item, ascii_only) for item in value) + "]"
    if isinstance(value, Fraction):
        return _number(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    return json.dumps(value, ensure_ascii=ascii_only)


def _number(number: Fraction) -> str:
    text = exact_text(number)
    return repr(float(number)) if "/" in text else text


def _reading(scenario: Scenario, audit: Audit) -> dict[str, Json]:
    return {
        "money": {"budget": scenario.budget, "spent": audit.spent, "unspent": audit.unspent},
        "outcomes": dict(audit.outcomes),
        "broken": list(audit.broken_rules),
        "unread": unread_rules(scenario),
    }


def _comparison(comparison: Comparison) -> dict[str, Json]:
    return {
        "outcomes": dict(comparison.audit.outcomes),
        "broken": list(comparison.audit.broken_rules),
        "objective": comparison.objective,
        "moved": comparison.moved,
        "moved_at_least": comparison.moved_at_least,
    }


def _amounts(scenario: Scenario, allocation: Allocation) -> list[Json]:
    """The cells with money, in the order of the programme's tables."""
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    return [
        {"county": county, "task": task, "amount": Fraction(allocation.amounts[c, t])}
        for c, county in enumerate(counties)
        for t, task in enumerate(tasks)
        if allocation.amounts[c, t]
    ]


def _outside(allocation: Allocation) -> list[Json]:
    return [
        {"code": code, "name": name, "amount": amount} for code, name, amount in allocation.outside
    ]


def _finding(finding: Finding) -> dict[str, Json]:
    return {
        "rule": finding.rule,
        "key": dict(finding.key),
        "value": finding.value,
        "lower": finding.lower,
        "upper": finding.upper,
        "slack": finding.slack,
        "holds": finding.holds,
        "binding": finding.binding,
        "state": finding.state,
    }


def _both(text: Any) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
