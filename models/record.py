"""The record: the folder that keeps a decision, complete enough to be checked anywhere.

`scenario.yaml`, `programme/` and `last_year.csv` are the scenario as it was solved,
`allocation.csv`, `outcomes.csv` and `findings.csv` its result in exact numbers, `manifest.json`
says with what and holds the SHA-256 of every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from models.allocation import COLUMNS, Allocation, allocation_rows, read_allocation
from models.csv_text import csv_text, guarded
from models.errors import InputError, Problems
from models.exact import exact_text
from models.finding import Audit
from models.manifest import NAME, files_that_differ, manifest_of, read_manifest
from models.resolved import resolved_files
from models.scenario import Scenario, load
from models.solution import Solution
from models.whole_folder import write_whole


@dataclass(frozen=True)
class Record:
    """A record whose files are those that were written."""

    folder: Path
    manifest: Mapping[str, Any]

    def scenario(self) -> Scenario:
        """The scenario that was solved."""
        return load(self.folder / "scenario.yaml")

    def allocation(self, scenario: Scenario) -> Allocation:
        """The allocation that was found for it."""
        outside = {row.code: row.name for row in scenario.spec.outside}
        return read_allocation(self.folder / "allocation.csv", scenario.programme, outside)


def write_record(
    solution: Solution, folder: Path, *, force: bool = False, author: str = "", reason: str = ""
) -> None:
    """Write the record of `solution` as `folder`, whole or not at all.

    A folder that is there already is an InputError; with `force` a record, and nothing else, is
    replaced.
    """
    write_files(folder, record_files(solution, author, reason), force=force)


def record_files(
    solution: Solution,
    author: str = "",
    reason: str = "",
    also: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """Path → content of every file of a record; `also` holds reports to keep in it."""
    files = resolved_files(solution.scenario)
    files["allocation.csv"] = _allocation(solution)
    files["outcomes.csv"] = _outcomes(solution)
    files["findings.csv"] = _findings(solution.audit)
    files.update(also or {})
    return {**files, NAME: manifest_of(solution, files, author, reason)}


def write_files(folder: Path, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write the files of a record as `write_record` does."""
    write_whole(folder, files, replaceable=_is_record if force else None)


def read_record(folder: Path) -> Record:
    """The record in `folder`; every file that is not what was recorded is refused by name."""
    manifest = read_manifest(folder)
    problems = Problems()
    for name, message in files_that_differ(folder, manifest).items():
        problems.add(name, "", message)
    problems.raise_if_any()
    return Record(folder, manifest)


def _is_record(folder: Path) -> bool:
    try:
        read_manifest(folder)
    except InputError:
        return False
    return True


def _allocation(solution: Solution) -> bytes:
    rows = []
    for row in allocation_rows(solution.allocation, solution.scenario.programme):
        rows.append([row[name] if name == "amount" else guarded(row[name]) for name in COLUMNS])
    return csv_text(COLUMNS, rows).encode()


def _outcomes(solution: Solution) -> bytes:
    """One row a metric; baseline and repaired are what those allocations bring."""
    repaired = solution.repaired.audit.outcomes if solution.repaired else {}
    rows = [
        [
            metric.id,
            guarded(metric.unit.en),
            _number(solution.audit.outcomes.get(metric.id)),
            _number(metric.target),
            _number(solution.baseline.audit.outcomes.get(metric.id)),
            _number(repaired.get(metric.id)),
        ]
        for metric in solution.scenario.programme.file.metrics
    ]
    header = ["metric", "unit", "outcome", "target", "baseline", "repaired"]
    return csv_text(header, rows).encode()


def _findings(audit: Audit) -> bytes:
    rows = [
        [
            finding.rule,
            guarded(finding.group),
            _number(finding.value),
            _number(finding.lower),
            _number(finding.upper),
            _number(finding.slack),
            finding.state,
            "true" if finding.binding else "false",
            _number(finding.heads),
        ]
        for finding in audit.findings
    ]
    header = ["rule", "key", "value", "lower", "upper", "slack", "state", "binding", "heads"]
    return csv_text(header, rows).encode()


def _number(number: Fraction | None) -> str:
    return "" if number is None else exact_text(number)
