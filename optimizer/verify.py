"""A record replayed without a solver, in exact numbers.

What follows from the files of the record is computed again: each rule on the recorded allocation,
the baseline by its formula, what the manifest says of them, the certificate line by line from its
multipliers. Only the solver's own bound cannot be replayed; it is handed on as what the solver
said, as is who made the record, when, why, with which versions, options and changes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from models.allocation import Allocation, allocation_csv
from models.certificate import HEADER, Multiplier, certificate_csv
from models.certificate import NAME as CERTIFICATE
from models.errors import InputError
from models.exact import parse_not_negative
from models.files import unguarded
from models.finding import Audit, group_text
from models.objective import objective_of
from models.record import (
    ALLOCATION,
    BASELINE,
    FINDINGS,
    OUTCOMES,
    REPAIRED,
    findings_csv,
    outcomes_table,
    recorded_table,
)
from models.record.manifest import (
    NAME,
    VERSION,
    Manifest,
    as_json,
    files_that_differ,
    read_manifest,
    scenario_part,
)
from models.record.scenario_files import SCENARIO
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.audit.certify import certify
from optimizer.audit.limits import limit_forms
from optimizer.problem import Reference, reference_of
from optimizer.quality import allowed_gap, quality_of

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


@dataclass(frozen=True)
class Replayed:
    """What came of one check: how many lines (files) were looked at, and what differs."""

    name: str
    count: int
    differences: tuple[Difference, ...] = ()


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

    manifest: Manifest
    checks: tuple[Replayed, ...]
    audit: Audit | None = None
    """None where scenario or allocation cannot be read any more."""
    objective: Fraction | None = None
    proven: Proven | None = None
    """None without a certificate, where one does not replay, and where a rule is broken."""
    not_compared: tuple[str, ...] = ()
    """What a record of the first version does not say: places of its manifest, files."""

    @property
    def replays(self) -> bool:
        """Everything in the record is what it should be."""
        return not any(check.differences for check in self.checks)

    @property
    def good(self) -> bool:
        """It replays, and no rule is broken."""
        return self.replays and self.audit is not None and not self.audit.broken


def verify(path: Path | str) -> Verified:
    """Replay the record in the folder `path`: hashes, rules, outcomes, baseline, certificate.

    Raises `InputError` where the folder is no record, or its manifest is not that of one.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    files = _check_files(folder, manifest)
    try:
        read = _read_again(folder, manifest)
    except InputError as error:
        return Verified(manifest, (files, _unread(error)))
    said, unsaid = _check_manifest(read)
    checks = [files, _check_findings(read), _check_outcomes(read), _check_baseline(read), said]
    bound, certified = _check_certificate(read)
    proven = None
    if bound is not None and not read.own.audit.broken:
        proven = _proven(read.own, bound)
    return Verified(
        manifest=manifest,
        checks=(*checks, *certified),
        audit=read.own.audit,
        objective=read.own.objective,
        proven=proven,
        not_compared=tuple(dict.fromkeys([*manifest.lacking, *unsaid])),
    )


@dataclass(frozen=True)
class _Table:
    """An allocation of the record, every rule read on it."""

    money: Allocation
    audit: Audit
    objective: Fraction

    @property
    def worth(self) -> Fraction:
        """The objective less the prices of bent rules: what a bound bounds."""
        return self.objective - self.audit.penalty


@dataclass(frozen=True)
class _RecordRead:
    """The record's scenario and tables, read and audited once."""

    folder: Path
    manifest: Manifest
    scenario: Scenario
    reference: Reference
    """The baseline as it is due, and what points are by it, whatever the record's table says."""
    own: _Table
    basis: _Table
    repaired: _Table | None


def _read_again(folder: Path, manifest: Manifest) -> _RecordRead:
    """Raises InputError where the scenario or a table is none."""
    told = manifest.scenario
    scenario = replace(load(folder / SCENARIO), name=told.name, changes=told.changes)
    reference = reference_of(scenario)

    def table(name: str, whole: bool = True) -> _Table:
        money = recorded_table(folder / name, scenario)
        audited = audit(scenario, money, whole=whole)
        return _Table(money, audited, objective_of(audited, reference.points))

    own, basis = table(ALLOCATION, manifest.is_whole), table(BASELINE)
    repaired = None if manifest.compared.repaired is None else table(REPAIRED)
    return _RecordRead(folder, manifest, scenario, reference, own, basis, repaired)


def _unread(error: InputError) -> Replayed:
    unread = (Difference(one.file, place=one.path, message=one.message) for one in error.problems)
    return Replayed("scenario", 0, tuple(unread))


def _check_files(folder: Path, manifest: Manifest) -> Replayed:
    """Each file against its hash."""
    wrong = files_that_differ(folder, manifest.hashes).items()
    differences = tuple(Difference(name, message=message) for name, message in wrong)
    return Replayed("files", len(manifest.hashes), differences)


def _check_findings(read: _RecordRead) -> Replayed:
    """Each rule, read on the allocation again."""
    return _check_file(read, FINDINGS, findings_csv(read.own.audit), 2)


def _check_outcomes(read: _RecordRead) -> Replayed:
    repaired = None if read.repaired is None else read.repaired.audit
    audits = (read.own.audit, read.basis.audit, repaired)
    return _check_file(read, OUTCOMES, outcomes_table(read.scenario, audits), 1)


def _check_baseline(read: _RecordRead) -> Replayed:
    """The baseline, computed again: the objective is measured by it."""
    due = allocation_csv(read.reference.allocation, read.scenario.programme).encode()
    return _check_file(read, BASELINE, due, 2)


def _check_file(read: _RecordRead, name: str, due: bytes, keys: int) -> Replayed:
    try:
        found = (read.folder / name).read_bytes()
    except OSError:
        found = b""
    return _check_table(name, found, due, range(keys))


# The manifest: what it says of the scenario, the allocation and the baselines.


_HAIR = 1e-9
_TOLD = ("name", "changes")
"""Of the scenario: how it was called and changed is not in its files."""


def _check_manifest(read: _RecordRead) -> tuple[Replayed, list[str]]:
    """What the manifest says of scenario and tables; and the places where it says nothing."""
    wrong: list[Difference] = []
    unsaid: list[str] = []
    due = _due_places(read)
    for place, value in due.items():
        found, wanted = _plain(reduce(getattr, place.split("."), read.manifest)), _plain(value)
        if found is None and wanted is not None and read.manifest.version < VERSION:
            unsaid.append(place)
        elif found != wanted:
            wrong.append(_other(place, found, wanted))
    wrong += _quality_differences(read)
    return Replayed(NAME, len(due) - len(unsaid) + 2, tuple(wrong)), unsaid


def _due_places(read: _RecordRead) -> dict[str, object]:
    """Place of the manifest → what is due there."""
    scenario, audited = read.scenario, read.own.audit
    part = scenario_part(scenario)
    due: dict[str, object] = {
        f"scenario.{name}": getattr(part, name)
        for name in type(part).model_fields
        if name not in _TOLD
    }
    due |= {
        "result.objective": read.own.objective,
        "result.penalty": audited.penalty,
        "result.budget": scenario.budget,
        "result.spent": audited.spent,
        "result.unspent": audited.unspent,
        "result.broken_rules": audited.broken_rules,
        "compared.baseline.objective": read.basis.objective,
        "compared.baseline.moved": Fraction(0),
    }
    if read.repaired is not None:
        due["compared.repaired.objective"] = read.repaired.objective
        due["compared.repaired.moved"] = read.repaired.money.moved_from(read.basis.money)
    return due


def _quality_differences(read: _RecordRead) -> list[Difference]:
    """The gap that the solver's bound comes to, and the status that follows from it."""
    said, own, options = read.manifest.result, read.own, read.manifest.options
    gap = options.get("gap")
    asked = float(gap) if isinstance(gap, float | int) else None
    allowed = None if asked is None else allowed_gap(options.get("units"), asked)
    due = quality_of(own.objective, own.audit.penalty, said.bound, allowed=allowed or 0.0)
    wrong = []
    if (said.gap is None) != (due.gap is None) or abs((said.gap or 0) - (due.gap or 0)) > _HAIR:
        wrong.append(_other("result.gap", said.gap, due.gap))
    if allowed is not None and said.status != due.status:
        wrong.append(_other("result.status", said.status, due.status))
    return wrong


def _plain(value: object) -> Any:
    return as_json(value.model_dump() if isinstance(value, BaseModel) else value)


def _other(place: str, found: object, due: object) -> Difference:
    return Difference(NAME, place=place, found=str(found), due=str(due))


_CERTIFIED = (0, 1, 2, 3, 6, 7)
"""Columns of certificate.csv that say what a line is about."""


def _check_certificate(read: _RecordRead) -> tuple[Fraction | None, tuple[Replayed, ...]]:
    """The certificate of the recorded multipliers against the recorded lines: the bound that it
    comes to where they agree, and the check; no check where the record holds no certificate."""
    try:
        found = (read.folder / CERTIFICATE).read_bytes()
    except OSError:
        return None, ()
    multipliers, unread = _multipliers(read.scenario, found)
    if unread:
        return None, (Replayed(CERTIFICATE, 0, unread),)
    made = certify(read.scenario, read.reference.points, multipliers)
    checked = _check_table(CERTIFICATE, found, certificate_csv(made), _CERTIFIED)
    said, due = (_plain(one) or "" for one in (read.manifest.certificate.bound, made.bound))
    if not checked.differences and said != due:
        wrong = Difference(NAME, place="certificate.bound", found=said, due=due)
        checked = replace(checked, differences=(wrong,))
    return None if checked.differences else made.bound, (checked,)


def _multipliers(
    scenario: Scenario, found: bytes
) -> tuple[list[Multiplier], tuple[Difference, ...]]:
    """The recorded multipliers, and the lines that hold none that can be read."""
    keys = {(form.rule, group_text(form.key)): form.key for form in limit_forms(scenario)}
    keys["budget", ""] = ()
    multipliers, wrong = [], []
    for number, cells in enumerate(_table_rows(found), start=1):
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


def _proven(own: _Table, bound: Fraction) -> Proven:
    size = abs(own.objective)
    return Proven(bound, (bound - own.worth) / size if size else None)


# Tables compared, line by line, with what they are due to hold.


def _check_table(name: str, found: bytes, due: bytes, places: Sequence[int]) -> Replayed:
    """How a table differs from the one that is due, by lines.

    `places`: the columns that say what a line is about.
    """
    ours, theirs = _table_rows(due), _table_rows(found)
    if not theirs or theirs[0] != ours[0]:
        header = ",".join(theirs[0] if theirs else ())
        return Replayed(name, 0, (Difference(name, 1, found=header, due=",".join(ours[0])),))
    wrong = tuple(_line_differences(name, ours, theirs, places))
    if not wrong and found != due:
        wrong = (Difference(name, message="is written in another way or order than is due"),)
    return Replayed(name, len(ours) - 1, wrong)


def _table_rows(content: bytes) -> list[Cells]:
    """The rows of a table; one that no CSV reader takes has none."""
    text = content.decode("utf-8", errors="replace")
    try:
        return [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error:
        return []


def _line_differences(
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
