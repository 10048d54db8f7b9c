"""A record replayed without a solver: hashes, rules, outcomes, certificate."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from models.allocation import Allocation, allocation_csv, read_allocation
from models.certificate import HEADER, Certificate, Multiplier, certificate_csv
from models.certificate import NAME as CERTIFICATE
from models.errors import InputError
from models.exact import exact_text, parse_not_negative
from models.files import unguarded
from models.finding import Audit
from models.record import BASELINE, REPAIRED, findings_csv, outcomes_table
from models.record.manifest import (
    NAME,
    Manifest,
    as_json,
    files_that_differ,
    read_manifest,
    read_told,
    scenario_part,
)
from models.scenario import Scenario, load
from optimizer.audit.certify import certify
from optimizer.audit.findings import audit
from optimizer.audit.limits import limit_forms

# Tables of a record compared, line by line, with what they are due to hold.


Cells = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """One place of a record that does not replay."""

    file: str
    line: int | None = None
    """Of the file, the header being line 1; None where a line is missing, or for a whole file."""
    place: str = ""
    """What the line is about: a rule and its group, a cell; or where in the file."""
    column: str = ""
    found: str = ""
    due: str = ""
    message: str = ""
    """In place of `found` and `due` where a file cannot be read as what it should be."""


def table_differences(name: str, found: bytes, due: bytes, keys: int | Sequence[int]) -> Replayed:
    """How a table differs from the one that is due, by lines.

    `keys`: the columns (or how many of the first) that say what a line is about.
    """
    places = tuple(range(keys)) if isinstance(keys, int) else tuple(keys)
    ours, theirs = table_rows(due), table_rows(found)
    if not theirs or theirs[0] != ours[0]:
        due_header = ",".join(ours[0])
        header = ",".join(theirs[0]) if theirs else ""
        return Replayed(name, 0, (Difference(name, 1, found=header, due=due_header),))
    wrong = tuple(_lines(name, ours, theirs, places))
    if not wrong and found != due:
        wrong = (Difference(name, message="is written in another way or order than is due"),)
    return Replayed(name, len(ours) - 1, wrong)


@dataclass(frozen=True)
class Replayed:
    """What came of one check: how many lines (files) were looked at, and what differs."""

    name: str
    count: int
    differences: tuple[Difference, ...] = ()


def table_rows(content: bytes) -> list[Cells]:
    """The rows of a table; one that no CSV reader takes has none."""
    text = content.decode("utf-8", errors="replace")
    try:
        return [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error:
        return []


def _lines(
    name: str, ours: Sequence[Cells], theirs: Sequence[Cells], places: Sequence[int]
) -> Iterator[Difference]:
    header = ours[0]

    def about(row: Cells) -> Cells:
        return tuple(row[at] if at < len(row) else "" for at in places)

    due = {about(row): row for row in ours[1:]}
    for number, row in enumerate(theirs[1:], start=2):
        key = about(row)
        place = " ".join(part for part in key if part)
        wanted = due.pop(key, None)
        if wanted is None or len(row) != len(wanted):
            yield Difference(name, number, place, found=",".join(row))
            continue
        for column, has, wants in zip(header, row, wanted, strict=True):
            if has != wants:
                yield Difference(name, number, place, column, has, wants)
    for key, row in due.items():
        yield Difference(name, None, " ".join(part for part in key if part), due=",".join(row))


# What the manifest of a record says, computed again from the record's own scenario and tables.
#
# Who made it, when, why, with which versions, options and changes, and what the solver said of
# itself cannot be computed; they are handed on as they were told.


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


# Verify a record: replay its hashes, its audit and its certificate, in exact numbers.
#
# No solver is loaded. What follows from the files of the record is computed again: each rule on the
# recorded allocation, the baseline by its formula, the certificate line by line from its
# multipliers. Only the solver's own bound cannot be replayed; it is handed on as what the solver
# said.


_HAIR = 1e-9
Formula = Callable[[Scenario], Allocation]


@dataclass(frozen=True)
class Proven:
    """What adding up the certificate proves, with no solver."""

    bound: Fraction
    """No allocation that keeps the rules is worth more, bent rules' prices taken off."""
    distance: Fraction | None
    """(bound − worth of the allocation) / |objective|; None where the objective is zero."""


@dataclass(frozen=True)
class Verified:
    """A record replayed."""

    told: Manifest
    checks: tuple[Replayed, ...]
    audit: Audit | None
    """None where scenario or allocation cannot be read any more."""
    objective: Fraction | None
    proven: Proven | None
    """None without a certificate, where one does not replay, and where a rule is broken."""

    @property
    def replays(self) -> bool:
        """Everything in the record is what it should be."""
        return not any(check.differences for check in self.checks)

    @property
    def good(self) -> bool:
        """It replays, and no rule is broken."""
        return self.replays and self.audit is not None and not self.audit.broken


def verify(folder: Path, formula: Formula | None = None) -> Verified:
    """Replay the record in `folder`; `formula` gives the baseline that a scenario is due to have.

    Raises `InputError` where the folder is no record, or its manifest is not that of one.
    """
    manifest = read_manifest(folder)
    told = read_told(manifest)
    wrong = tuple(
        Difference(name, message=message)
        for name, message in files_that_differ(folder, manifest).items()
    )
    count = len(manifest["files"]) + len(manifest.get("reports", {}))
    files = Replayed("files", count, wrong)
    try:
        desk = _Desk(folder, told, manifest)
    except InputError as error:
        return _unread(told, files, error)
    checks = [files, desk.findings(), desk.outcomes(), *desk.basis(formula), desk.result()]
    certificate, checked = desk.certificate()
    proven = None
    if checked is not None:
        checks.append(checked)
        if certificate is not None and not (checked.differences or desk.audit.broken):
            proven = desk.proven(certificate)
    return Verified(told, tuple(checks), desk.audit, desk.objective, proven)


def _unread(told: Manifest, files: Replayed, error: InputError) -> Verified:
    unread = tuple(
        Difference(problem.file, place=problem.path, message=problem.message)
        for problem in error.problems
    )
    return Verified(told, (files, Replayed("scenario", 0, unread)), None, None, None)


def points_of(scenario: Scenario, basis: Audit) -> dict[str, Fraction]:
    """Objective points per unit of each metric, from the weights and the baseline's outcomes.

    A weighted metric that the baseline does not yield counts as nothing.
    """
    objective, metrics = scenario.spec.objective, scenario.programme.metrics
    weights = {name: objective.weights.get(name, Fraction(0)) for name in metrics}
    if objective.normalise == "none":
        return weights
    total = sum(map(abs, weights.values()), Fraction(0)) or Fraction(1)
    outcomes = basis.outcomes
    return {
        name: weight / total / outcomes[name] if weight and outcomes[name] else Fraction(0)
        for name, weight in weights.items()
    }


class _Desk:
    """The record's scenario and tables, read and audited once; raises InputError."""

    def __init__(self, folder: Path, told: Manifest, manifest: Mapping[str, Any]) -> None:
        self._folder, self._told, self._manifest = folder, told, manifest
        scenario = load(folder / "scenario.yaml")
        named = told.scenario
        self.scenario = replace(scenario, name=named.name, changes=named.changes)
        whole = told.options.get("units") != "continuous"
        self._money = self._table("allocation.csv")
        self.audit = audit(self.scenario, self._money, whole=whole)
        self._basis_money = self._table(BASELINE)
        self._basis = audit(self.scenario, self._basis_money)
        self._repaired = self._repaired_money = None
        if told.compared.repaired is not None:
            self._repaired_money = self._table(REPAIRED)
            self._repaired = audit(self.scenario, self._repaired_money)
        self.points = points_of(self.scenario, self._basis)
        self.objective = self._worth(self.audit)

    def _table(self, name: str) -> Allocation:
        outside = {row.code: row.name for row in self.scenario.spec.outside}
        return read_allocation(self._folder / name, self.scenario.programme, outside)

    def _worth(self, audited: Audit) -> Fraction:
        return sum((self.points[m] * audited.outcomes[m] for m in self.points), Fraction(0))

    def _compare(self, name: str, due: bytes, keys: int | tuple[int, ...]) -> Replayed:
        try:
            found = (self._folder / name).read_bytes()
        except OSError:
            found = b""
        return table_differences(name, found, due, keys)

    def findings(self) -> Replayed:
        return self._compare("findings.csv", findings_csv(self.audit), 2)

    def outcomes(self) -> Replayed:
        audits = (self.audit, self._basis, self._repaired)
        return self._compare("outcomes.csv", outcomes_table(self.scenario, audits), 1)

    def basis(self, formula: Formula | None) -> Iterator[Replayed]:
        """The baseline, computed again: the objective is measured by it."""
        if formula is not None:
            due = allocation_csv(formula(self.scenario), self.scenario.programme).encode()
            yield self._compare(BASELINE, due, 2)

    def result(self) -> Replayed:
        """What the manifest says of the allocation."""
        said = self._told.result
        count, wrong = told_differences(self._manifest, self._due())
        gap = self._gap()
        if gap is not None and (said.gap is None or abs(said.gap - gap) > _HAIR):
            wrong.append(Difference(NAME, place="result.gap", found=str(said.gap), due=str(gap)))
        status = due_status(gap, self._told.options)
        if status is not None and said.status != status:
            wrong.append(Difference(NAME, place="result.status", found=said.status, due=status))
        return Replayed(NAME, count + 2, tuple(wrong))

    def _due(self) -> dict[str, dict[str, Any]]:
        repaired = None
        if self._repaired_money is not None and self._repaired is not None:
            repaired = (self._repaired_money, self._repaired, self._worth(self._repaired))
        own = (self._money, self.audit, self.objective)
        basis = (self._basis_money, self._basis, self._worth(self._basis))
        return due_of(self.scenario, own, basis, repaired)

    def _gap(self) -> float | None:
        """The gap that the solver's bound comes to."""
        bound = self._told.result.bound
        worth = float(self.objective - self.audit.penalty)
        scale = abs(float(self.objective) or worth)
        return None if bound is None else max(0.0, bound - worth) / max(scale, 1e-12)

    def certificate(self) -> tuple[Certificate | None, Replayed | None]:
        """The certificate of the recorded multipliers, and how the recorded lines differ from it;
        nothing where the record holds none."""
        try:
            found = (self._folder / CERTIFICATE).read_bytes()
        except OSError:
            return None, None
        multipliers, unread = self._multipliers(found)
        if unread:
            return None, Replayed(CERTIFICATE, 0, unread)
        made = certify(self.scenario, self.points, multipliers)
        checked = table_differences(CERTIFICATE, found, certificate_csv(made), _CERTIFIED)
        said = self._told.certificate.bound
        if not checked.differences and said != made.bound:
            has = "" if said is None else exact_text(said)
            wrong = Difference(NAME, None, "certificate.bound", "", has, exact_text(made.bound))
            checked = replace(checked, differences=(wrong,))
        return made, checked

    def _multipliers(self, found: bytes) -> tuple[list[Multiplier], tuple[Difference, ...]]:
        """The recorded multipliers, and the lines that hold none that can be read."""
        keys = {(form.rule, _group(form.key)): form.key for form in limit_forms(self.scenario)}
        keys["budget", ""] = ()
        multipliers, wrong = [], []
        for number, cells in enumerate(table_rows(found), start=1):
            if len(cells) != len(HEADER) or cells[0] != "limit":
                continue
            rule, group, side, value = cells[1], unguarded(cells[2]), cells[3], cells[4]
            try:
                key, factor = keys[rule, group], parse_not_negative(value)
            except (KeyError, ValueError):
                place = f"{rule} {group}".strip()
                wrong.append(Difference(CERTIFICATE, number, place, "multiplier", value))
                continue
            multipliers.append(Multiplier(rule, key, side, factor))
        return multipliers, tuple(wrong)

    def proven(self, certificate: Certificate) -> Proven:
        worth = self.objective - self.audit.penalty
        size = abs(self.objective)
        return Proven(certificate.bound, (certificate.bound - worth) / size if size else None)


_CERTIFIED = (0, 1, 2, 3, 6, 7)
"""Columns of certificate.csv that say what a line is about."""


def _group(key: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"{column}={value}" for column, value in key)
