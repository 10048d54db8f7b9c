"""What the manifest of a record says, computed again from the record's own scenario and tables.

Who made it, when, why, with which versions, options and changes, and what the solver said of
itself cannot be computed; they are handed on as they were told.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from models.allocation import Allocation
from models.finding import Audit
from models.manifest import NAME, as_json, scenario_part
from models.scenario import Scenario
from optimizer.audit.replay import Difference

_TOLD = ("name", "changes")
"""Of the scenario: how it was called and changed is not in its files."""
Read = tuple[Allocation, Audit, Fraction]
"""A table of the record, its audit, its objective."""


def due_of(
    scenario: Scenario, own: Read, basis: Read, repaired: Read | None
) -> dict[str, dict[str, Any]]:
    """Part of the manifest → key → what is due there, as JSON says it."""
    part = {key: value for key, value in scenario_part(scenario).items() if key not in _TOLD}
    _, audit, objective = own
    due: dict[str, dict[str, Any]] = {
        "scenario": part,
        "result": {
            "objective": objective,
            "penalty": audit.penalty,
            "budget": scenario.budget,
            "spent": audit.spent,
            "unspent": audit.unspent,
            "broken_rules": audit.broken_rules,
        },
        "compared.baseline": {"objective": basis[2], "moved": Fraction(0)},
    }
    if repaired is not None:
        moved = repaired[0].moved_from(basis[0])
        due["compared.repaired"] = {"objective": repaired[2], "moved": moved}
    plain: dict[str, dict[str, Any]] = as_json(due)
    return plain


def told_differences(
    manifest: Mapping[str, Any], due: Mapping[str, Mapping[str, Any]]
) -> tuple[int, list[Difference]]:
    """How many places of the manifest were looked at, and those that say something else."""
    wrong, count = [], 0
    for part, values in due.items():
        found: Any = manifest
        for step in part.split("."):
            found = found.get(step) or {}
        for key, value in values.items():
            if found.get(key) is None and value is not None:
                continue  # A record may say less.
            count += 1
            if found[key] != value:
                said = (str(found[key]), str(value))
                wrong.append(Difference(NAME, place=f"{part}.{key}", found=said[0], due=said[1]))
    return count, wrong


def due_status(gap: float | None, options: Mapping[str, Any]) -> str | None:
    """`optimal` where the gap is within what was asked for; None where that is not known."""
    allowed = 0.0 if options.get("units") == "exact" else options.get("gap")
    if not isinstance(allowed, float | int):
        return None
    return "optimal" if gap is not None and gap <= allowed + 1e-9 else "feasible"
