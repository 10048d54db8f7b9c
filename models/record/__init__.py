"""The record: the folder that keeps a decision, complete enough to be checked anywhere.

`scenario.yaml`, `programme/` and `last_year.csv` are the scenario as it was solved,
`allocation.csv`, `outcomes.csv` and `findings.csv` its result in exact numbers, `certificate.csv`
an upper bound that anybody can add up (`certificate-by-county.csv` and `certificate-by-case.csv`
tighter ones of whole choices), `prices.csv` what a step of each rule is worth,
`stability.csv` what moving less money costs,
`baseline.csv` and `repaired.csv` what it is compared with; `manifest.json` says with what and holds
the SHA-256 of every file. Reports for people stand beside them; they can be made again from the
rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from models.allocation import Allocation, allocation_csv, read_allocation
from models.case_proof import NAME as BY_CASE
from models.case_proof import case_proof_csv
from models.certificate import BY_COUNTY, COUNTY_HEADER, certificate_csv
from models.certificate import NAME as CERTIFICATE
from models.errors import InputError, Problems, refuse
from models.exact import exact_text
from models.files import csv_text, guarded, resolved, write_whole
from models.finding import Audit, Finding
from models.record.manifest import (
    NAME,
    VERSION,
    Manifest,
    files_that_differ,
    hashes_of,
    manifest_bytes,
    manifest_of,
    read_head,
    read_manifest,
)
from models.record.scenario_files import SCENARIO, resolved_files
from models.scenario import Scenario, load
from models.shadow_price import NAME as PRICES
from models.shadow_price import prices_csv
from models.solution import Solution
from models.stability_points import NAME as STABILITY
from models.stability_points import TABLES, stability_csv, stability_tables_csv
from models.strict_yaml import has_half_character

ALLOCATION, BASELINE, REPAIRED = "allocation.csv", "baseline.csv", "repaired.csv"
OUTCOMES, FINDINGS = "outcomes.csv", "findings.csv"
PAGE, WORKBOOK = "report.html", "workbook.xlsx"


@dataclass(frozen=True)
class Reports:
    """What draws the reports of a record, in the language `lang`."""

    lang: str
    draw: Callable[[Manifest], Mapping[str, bytes]]
    """From the manifest, which holds no reports yet, to name → content."""


@dataclass(frozen=True)
class Record:
    """A record whose files are those that were written."""

    folder: Path
    manifest: Manifest

    def scenario(self) -> Scenario:
        """The scenario that was solved."""
        return load(self.folder / SCENARIO)

    def allocation(self, scenario: Scenario, name: str = ALLOCATION) -> Allocation:
        """The allocation that was found for it; by `name` one that it was compared with."""
        return recorded_table(self.folder / name, scenario)

    def refuse_own(self, path: Path | None) -> None:
        """Refuse to write over a file of the record itself, whose hash would then be wrong."""
        if path is None:
            return
        names = (NAME, *self.manifest.hashes)
        if resolved(path) in {resolved(self.folder / name) for name in names}:
            refuse(str(path), "", "is part of the record; name another file")


def record_files(
    solution: Solution, author: str = "", reason: str = "", reports: Reports | None = None
) -> dict[str, bytes]:
    """Path → content of every file of a record, with the reports that it is to hold."""
    refuse_half_characters(author=author, reason=reason)
    files = resolved_files(solution.scenario)
    files[ALLOCATION] = _amounts(solution, solution.allocation)
    files[BASELINE] = _amounts(solution, solution.baseline.allocation)
    if solution.repaired is not None:
        files[REPAIRED] = _amounts(solution, solution.repaired.allocation)
    files[OUTCOMES] = outcomes_csv(solution)
    files[FINDINGS] = findings_csv(solution.audit)
    if solution.certificate is not None:
        files[CERTIFICATE] = certificate_csv(solution.certificate)
    if solution.by_county is not None:
        files[BY_COUNTY] = certificate_csv(solution.by_county, COUNTY_HEADER)
    if solution.by_case is not None:
        files[BY_CASE] = case_proof_csv(solution.by_case)
    if solution.prices or solution.certificate is not None:
        files[PRICES] = prices_csv(solution.prices, solution.scenario.programme.metrics)
    if solution.curve is not None:
        programme = solution.scenario.programme
        files[STABILITY] = stability_csv(solution.curve, programme.metrics)
        files[TABLES] = stability_tables_csv(solution.curve, programme)
    lang = None if reports is None else reports.lang
    manifest = manifest_of(solution, files, (author, reason), lang)
    made = {} if reports is None else dict(reports.draw(manifest))
    manifest = manifest.model_copy(update={"reports": hashes_of(made)})
    return {**files, **made, NAME: manifest_bytes(manifest)}


def refuse_half_characters(**texts: str) -> None:
    """Refuse a text, called by its option, that no file can hold."""
    for name, text in texts.items():
        if has_half_character(text):
            refuse("", f"--{name}", "holds half a character (a lone surrogate)")


def write_files(folder: Path, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write the files of a record as `folder`, whole or not at all.

    A folder that is there already is an InputError; with `force` a record, and nothing else, is
    replaced.
    """
    write_whole(folder, files, replaceable=_is_record if force else None)


def open_record(folder: Path) -> Record:
    """The record in `folder`; every file that is not what was recorded is refused by name."""
    manifest = read_manifest(folder)
    problems = Problems()
    for name, message in files_that_differ(folder, manifest.hashes).items():
        problems.add(name, "", message)
    problems.raise_if_any()
    return Record(folder, manifest)


def recorded_table(path: Path, scenario: Scenario) -> Allocation:
    """The allocation of `scenario` that a table of its record holds."""
    outside = scenario.outside_names
    return read_allocation(path, scenario.programme, outside)


def _is_record(folder: Path) -> bool:
    try:
        read_head(folder)
    except InputError:
        return False
    return True


def _amounts(solution: Solution, allocation: Allocation) -> bytes:
    return allocation_csv(allocation, solution.scenario.programme).encode()


def outcomes_csv(solution: Solution) -> bytes:
    """outcomes.csv: one row a metric; baseline and repaired are what those allocations bring."""
    repaired = solution.repaired.audit if solution.repaired else None
    return outcomes_table(solution.scenario, (solution.audit, solution.baseline.audit, repaired))


def outcomes_table(scenario: Scenario, audits: tuple[Audit, Audit, Audit | None]) -> bytes:
    """outcomes.csv from the audits of the allocation, the baseline and the repaired baseline."""
    found, basis, repaired = ({} if one is None else one.outcomes for one in audits)
    rows = [
        [
            metric.id,
            guarded(metric.unit.en),
            _number(found.get(metric.id)),
            _number(metric.target),
            _number(basis.get(metric.id)),
            _number(repaired.get(metric.id)),
        ]
        for metric in scenario.programme.file.metrics
    ]
    header = ["metric", "unit", "outcome", "target", "baseline", "repaired"]
    return csv_text(header, rows).encode()


_NEAR = 3
"""The version of a record that tells limits with little room from those with none."""


def findings_csv(audit: Audit, version: int = VERSION) -> bytes:
    """findings.csv: one row a limit, as a record of that version has it."""
    rows = [
        [
            finding.rule,
            guarded(finding.group),
            _number(finding.value),
            _number(finding.lower),
            _number(finding.upper),
            _number(finding.slack),
            finding.state,
            *_closeness(finding, version),
            _number(finding.heads),
        ]
        for finding in audit.findings
    ]
    close = ["binding", "near"] if version >= _NEAR else ["binding"]
    header = ["rule", "key", "value", "lower", "upper", "slack", "state", *close, "heads"]
    return csv_text(header, rows).encode()


def _closeness(finding: Finding, version: int) -> list[str]:
    flags = [finding.binding, finding.near] if version >= _NEAR else [finding.tight]
    return ["true" if flag else "false" for flag in flags]


def _number(number: Fraction | None) -> str:
    return "" if number is None else exact_text(number)
