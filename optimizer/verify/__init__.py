"""A record replayed without a solver, in exact numbers.

What follows from the files of the record is computed again: each rule on the recorded allocation,
the baseline by its formula, what the manifest says of them, the certificate line by line from its
multipliers. Only the solver's own bound cannot be replayed; it is handed on as what the solver
said, as is who made the record, when, why, with which versions, options and changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from models.allocation import Allocation, allocation_csv
from models.certificate import EARLY_HEADER, HEADER, Multiplier, certificate_csv
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
    PAGE,
    REPAIRED,
    WORKBOOK,
    Record,
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
    in_fours,
    read_head,
    read_manifest,
    scenario_part,
    strangers,
)
from models.record.scenario_files import (
    SCENARIO,
    OtherInput,
    has_constants,
    inputs_apart,
    resolved_files,
)
from models.scenario import Scenario, load
from models.shadow_price import NAME as PRICES
from models.solution import Quality, Solution
from optimizer.audit import audit
from optimizer.audit.certify import certify
from optimizer.audit.limits import limit_forms
from optimizer.problem import Reference, reference_of
from optimizer.quality import allowed_gap, quality_under, slip_of, unit_points
from optimizer.records import solution_told
from optimizer.verify.replayed_prices import PriceGrounds, check_prices
from optimizer.verify.replayed_tables import (
    Difference,
    Replayed,
    compared_files,
    compared_table,
    content_of,
    table_rows,
)

Redraw = Callable[["Verified", Path], Iterable[Replayed]]
"""Draws page and workbook again from what was read; the checks that come of it."""


@dataclass(frozen=True)
class Proven:
    """What adding up the certificate proves, with no solver."""

    bound: Fraction
    """No allocation that keeps the rules is worth more, bent rules' prices taken off."""
    distance: Fraction | None
    """(bound − worth of the allocation) / |objective|; None where the objective is zero."""


@dataclass(frozen=True)
class Against:
    """The record's scenario held against one that is trusted."""

    trusted: str
    differences: tuple[OtherInput, ...]
    """`one` is what the trusted scenario says, `other` what the record says."""


@dataclass(frozen=True)
class Verified:
    """A record replayed."""

    manifest: Manifest | None
    """None where it is that of a record but not as one is due to be."""
    checks: tuple[Replayed, ...]
    audit: Audit | None = None
    """None where scenario or allocation cannot be read any more."""
    objective: Fraction | None = None
    proven: Proven | None = None
    """None without a certificate, where one does not replay, and where a rule is broken."""
    not_compared: tuple[str, ...] = ()
    """What a record of an earlier version does not say: places of its manifest, files."""
    against: Against | None = None
    solution: Solution | None = None
    """As the record tells it, to be drawn again; None where that cannot be read."""

    @property
    def replays(self) -> bool:
        """Everything in the record is what it should be."""
        return not any(check.differences for check in self.checks)

    @property
    def good(self) -> bool:
        """It replays, no rule is broken, and its scenario is the trusted one, if one is named."""
        differs = self.against is not None and bool(self.against.differences)
        return self.replays and self.audit is not None and not self.audit.broken and not differs


def verify(
    path: Path | str,
    redraw: Redraw | None = None,
    *,
    fingerprint: str | None = None,
    against: Scenario | None = None,
) -> Verified:
    """Replay the record in the folder `path`: files, scenario, rules, baseline, certificate.

    `redraw` draws page and workbook again, where all else replays; without it, their hashes are all
    that is looked at. `fingerprint`: what the record's own is to be, in groups or not. `against`: a
    scenario that is trusted, to name all in which the record's differs from it.
    Raises `InputError` where the folder is no record, or one of a version that is not known.
    """
    folder = Path(path)
    read_head(folder)
    try:
        manifest = read_manifest(folder)
    except InputError as error:
        return Verified(None, (_unread(NAME, error),))
    try:
        read = _read_again(folder, manifest)
    except InputError as error:
        return Verified(
            manifest, (_check_files(folder, manifest, None), _unread("scenario", error))
        )
    found = _replayed(read)
    if fingerprint is not None:
        found = replace(found, checks=(_check_fingerprint(manifest, fingerprint), *found.checks))
    if against is not None:
        apart = tuple(inputs_apart(against, read.scenario))
        found = replace(found, against=Against(against.name, apart))
    if redraw is None or not found.replays:
        return found
    return replace(found, checks=(*found.checks, *redraw(found, folder)))


def _replayed(read: _RecordRead) -> Verified:
    """All checks but that of what is drawn."""
    folder, manifest, own = read.folder, read.manifest, read.own
    resolved = resolved_files(read.scenario)
    said, unsaid = _check_manifest(read)
    checks = [
        _check_files(folder, manifest, resolved),
        compared_files("scenario", folder, resolved),
        _check_allocations(read),
        _check_findings(read),
        _check_outcomes(read),
        _check_baseline(read),
        said,
    ]
    bound, multipliers, certified = _check_certificate(read)
    distance = None if bound is None else bound - own.worth
    if PRICES in manifest.files:
        points = read.reference.points
        grounds = PriceGrounds(read.scenario, own.audit, points, multipliers, distance)
        checks.append(check_prices(content_of(folder, PRICES), grounds))
    return Verified(
        manifest=manifest,
        checks=(*checks, *certified),
        audit=own.audit,
        objective=own.objective,
        proven=None if bound is None or own.audit.broken else _proven(own, bound),
        not_compared=tuple(dict.fromkeys([*manifest.lacking, *unsaid])),
        solution=_told(read),
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


def _check_fingerprint(manifest: Manifest, told: str) -> Replayed:
    wanted, due = "".join(told.split()).lower(), manifest.fingerprint
    wrong = Difference(NAME, place="fingerprint", found=in_fours(due), due=in_fours(wanted))
    return Replayed("fingerprint", 1, () if wanted == due else (wrong,))


def _told(read: _RecordRead) -> Solution | None:
    tables = {ALLOCATION: read.own, BASELINE: read.basis, REPAIRED: read.repaired}
    known = {name: (one.money, one.audit) for name, one in tables.items() if one is not None}
    try:
        return solution_told(Record(read.folder, read.manifest), read.scenario, known)
    except InputError:  # Of certificate or prices, whose own checks say it.
        return None


def _unread(name: str, error: InputError) -> Replayed:
    unread = (Difference(one.file, place=one.path, message=one.message) for one in error.problems)
    return Replayed(name, 0, tuple(unread))


def _check_files(
    folder: Path, manifest: Manifest, resolved: Mapping[str, bytes] | None
) -> Replayed:
    """Each file against its hash, and no file but those that a record is due to hold.

    `resolved`: the files of its scenario; None where that cannot be read.
    """
    wrong = list(files_that_differ(folder, manifest.hashes).items())
    wrong += [(name, "is not part of the record") for name in strangers(folder, manifest.hashes)]
    if resolved is not None:
        wrong += _undue_files(manifest, resolved)
    differences = tuple(Difference(name, message=message) for name, message in dict(wrong).items())
    return Replayed("files", len(manifest.hashes), differences)


def _undue_files(manifest: Manifest, resolved: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Files that the manifest lists and no such record holds, and the reverse."""
    due = {*resolved, ALLOCATION, BASELINE, FINDINGS, OUTCOMES}
    for name, is_due in (
        (REPAIRED, manifest.compared.repaired is not None),
        (CERTIFICATE, manifest.certificate.bound is not None),
    ):
        due |= {name} if is_due else set()
    for name in sorted(due - manifest.files.keys()):
        yield name, f"is due in a record and {NAME} does not list it"
    for name in sorted(manifest.files.keys() - due - {PRICES}):
        yield name, "is no file of such a record"
    if manifest.version == VERSION:
        drawn = set() if manifest.drawn is None else {PAGE, WORKBOOK}
        for name in sorted(drawn ^ manifest.reports.keys()):
            yield name, "is no report of such a record" if name not in drawn else "is due"


def _check_allocations(read: _RecordRead) -> Replayed:
    """Each table of money: its names beside codes, its order, its numbers as they are written."""
    tables = {ALLOCATION: read.own, REPAIRED: read.repaired}
    programme = read.scenario.programme
    due = {
        name: allocation_csv(one.money, programme).encode()
        for name, one in tables.items()
        if one is not None
    }
    return compared_files(ALLOCATION, read.folder, due, (0, 1))


def _check_findings(read: _RecordRead) -> Replayed:
    """Each rule, read on the allocation again."""
    return _check_file(read, FINDINGS, findings_csv(read.own.audit, read.manifest.version), 2)


def _check_outcomes(read: _RecordRead) -> Replayed:
    repaired = None if read.repaired is None else read.repaired.audit
    audits = (read.own.audit, read.basis.audit, repaired)
    return _check_file(read, OUTCOMES, outcomes_table(read.scenario, audits), 1)


def _check_baseline(read: _RecordRead) -> Replayed:
    """The baseline, computed again: the objective is measured by it."""
    due = allocation_csv(read.reference.allocation, read.scenario.programme).encode()
    return _check_file(read, BASELINE, due, 2)


def _check_file(read: _RecordRead, name: str, due: bytes, keys: int) -> Replayed:
    return compared_table(name, content_of(read.folder, name), due, range(keys))


# The manifest: what it says of the scenario, the allocation and the baselines.


_HAIR = 1e-9
_TWO_BOUNDS = 3
"""The version of a record that keeps a proved bound apart from the solver's."""
_TOLD = ("name", "changes", "response")
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
    wrong += _telling_differences(read.manifest, read.scenario)
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
    if read.manifest.version >= _TWO_BOUNDS:
        due["result.bound_proved"] = read.manifest.certificate.bound
    if read.repaired is not None:
        due["compared.repaired.objective"] = read.repaired.objective
        due["compared.repaired.moved"] = read.repaired.money.moved_from(read.basis.money)
    return due


def _quality_differences(read: _RecordRead) -> list[Difference]:
    """The gap that the bounds come to, and the status and source that follow from it."""
    said, options = read.manifest.result, read.manifest.options
    gap = options.get("gap")
    asked = float(gap) if isinstance(gap, float | int) else None
    allowed = None if asked is None else allowed_gap(options.get("units"), asked)
    due = _quality(read, allowed or 0.0)
    wrong = []
    if (said.gap is None) != (due.gap is None) or abs((said.gap or 0) - (due.gap or 0)) > _HAIR:
        wrong.append(_other("result.gap", said.gap, due.gap))
    if allowed is not None and said.status != due.status:
        wrong.append(_other("result.status", said.status, due.status))
    if read.manifest.version >= _TWO_BOUNDS and said.source != due.source:
        wrong.append(_other("result.source", said.source, due.source))
    return wrong


def _quality(read: _RecordRead, allowed: float) -> Quality:
    """What the recorded bounds prove of the recorded allocation."""
    said, own = read.manifest.result, read.own
    objective, penalty = own.objective, own.audit.penalty
    bounds: tuple[Fraction | None, float | None]
    if read.manifest.version < _TWO_BOUNDS:
        bounds, room = (None, said.bound), _HAIR * abs(float(objective))
    else:
        unit = unit_points(read.scenario, read.reference.points)
        bounds = (said.bound_proved, said.bound_solver)
        room = 2 * slip_of(objective, penalty, unit)
    return quality_under(objective, penalty, bounds, allowed=allowed, room=room)


_WHEN = "%Y-%m-%dT%H:%M:%SZ"
_CLOCKS = timedelta(days=1)
"""How far apart the clocks of two machines may be."""


def _telling_differences(told: Manifest, scenario: Scenario) -> Iterator[Difference]:
    """What is only told and still cannot be: a constant that is another, a day that is none."""
    if not has_constants(scenario, told.scenario.response or {}):
        patch = told.scenario.response
        yield Difference(
            NAME, place="scenario.response", found=str(patch), message="is not in response.yaml"
        )
    latest = datetime.now(UTC) + _CLOCKS
    created = _when(told.created)
    if created is None or created > latest:
        yield Difference(NAME, place="created", message=f"'{told.created}' cannot be")
    if told.parent is not None and told.parent.created is not None:
        before = _when(told.parent.created)
        if before is None or before > (created or latest) + _CLOCKS:
            message = f"'{told.parent.created}' cannot be"
            yield Difference(NAME, place="parent.created", message=message)


def _when(text: str) -> datetime | None:
    """The time that a record tells; None for one that there is not."""
    try:
        when = datetime.strptime(text, _WHEN).replace(tzinfo=UTC)
    except ValueError:
        return None
    return when if when.strftime(_WHEN) == text else None


def _plain(value: object) -> Any:
    return as_json(value.model_dump() if isinstance(value, BaseModel) else value)


def _other(place: str, found: object, due: object) -> Difference:
    return Difference(NAME, place=place, found=str(found), due=str(due))


_CERTIFIED = (0, 1, 2, 3, 6, 7)
"""Columns of certificate.csv that say what a line is about."""


def _check_certificate(
    read: _RecordRead,
) -> tuple[Fraction | None, list[Multiplier], tuple[Replayed, ...]]:
    """The certificate of the recorded multipliers against the recorded lines: the bound that it
    comes to where they agree, and the check; no check where the record holds no certificate."""
    if CERTIFICATE not in read.manifest.files:
        return None, [], ()
    found = content_of(read.folder, CERTIFICATE)
    multipliers, unread = _multipliers(read.scenario, found)
    if unread:
        return None, [], (Replayed(CERTIFICATE, 0, unread),)
    whole = read.manifest.is_whole
    made = certify(read.scenario, read.reference.points, multipliers, whole=whole)
    due = certificate_csv(made, HEADER if read.manifest.version == VERSION else EARLY_HEADER)
    checked = compared_table(CERTIFICATE, found, due, _CERTIFIED)
    said, adds_up = (_plain(one) or "" for one in (read.manifest.certificate.bound, made.bound))
    if not checked.differences and said != adds_up:
        wrong = Difference(NAME, place="certificate.bound", found=said, due=adds_up)
        checked = replace(checked, differences=(wrong,))
    return None if checked.differences else made.bound, multipliers, (checked,)


def _multipliers(
    scenario: Scenario, found: bytes
) -> tuple[list[Multiplier], tuple[Difference, ...]]:
    """The recorded multipliers, and the lines that hold none that can be read."""
    keys = {(form.rule, group_text(form.key)): form.key for form in limit_forms(scenario)}
    keys["budget", ""] = ()
    multipliers, wrong = [], []
    for number, cells in enumerate(table_rows(found), start=1):
        if len(cells) < len(EARLY_HEADER) or cells[0] != "limit":
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
