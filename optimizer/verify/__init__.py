"""A record replayed without a solver, in exact numbers.

What follows from the files of the record is computed again: each rule on the recorded allocation,
the baseline by its formula, what the manifest says of them, the certificate line by line from its
multipliers. Only the solver's own bound cannot be replayed; it is handed on as what the solver
said, as is who made the record, when, why, with which versions, options and changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from models.allocation import allocation_csv
from models.case_proof import NAME as BY_CASE
from models.certificate import (
    BY_COUNTY,
    COUNTY_HEADER,
    EARLY_HEADER,
    HEADER,
    Certificate,
    Multiplier,
    certificate_csv,
)
from models.certificate import NAME as CERTIFICATE
from models.errors import InputError, refuse
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
    files_that_differ,
    in_fours,
    read_head,
    read_manifest,
    strangers,
)
from models.record.scenario_files import (
    SCENARIO,
    OtherInput,
    inputs_apart,
    resolved_files,
)
from models.scenario import Scenario, load
from models.shadow_price import NAME as PRICES
from models.solution import Solution
from models.stability_points import NAME as STABILITY
from models.stability_points import TABLES
from optimizer.audit import audit
from optimizer.audit.certify import certify, certify_by_county
from optimizer.audit.limits import limit_forms
from optimizer.problem import reference_of
from optimizer.records import solution_told
from optimizer.verify.replayed_cases import check_cases
from optimizer.verify.replayed_curve import check_curve
from optimizer.verify.replayed_manifest import ReadTable, RecordRead, check_manifest, plain
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
    against: Scenario | Path | str | None = None,
) -> Verified:
    """Replay the record in the folder `path`: files, scenario, rules, baseline, certificate.

    `redraw` draws page and workbook again, where all else replays; without it, their hashes are all
    that is looked at. `fingerprint`: what the record's own is to be, in groups or not. `against`: a
    scenario that is trusted, or its file, to name all in which the record's differs from it.
    Raises `InputError` where the folder is no record, or one of a version that is not known.
    """
    folder = Path(path)
    trusted = load(against) if isinstance(against, str | Path) else against
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
    if trusted is not None:
        apart = tuple(inputs_apart(trusted, read.scenario))
        found = replace(found, against=Against(trusted.name, apart))
    if redraw is None or not found.replays:
        return found
    return replace(found, checks=(*found.checks, *redraw(found, folder)))


def _replayed(read: RecordRead) -> Verified:
    """All checks but that of what is drawn."""
    folder, manifest, own = read.folder, read.manifest, read.own
    resolved = resolved_files(read.scenario)
    said, unsaid = check_manifest(read)
    checks = [
        _check_files(folder, manifest, resolved),
        compared_files("scenario", folder, resolved),
        _check_allocations(read),
        _check_findings(read),
        _check_outcomes(read),
        _check_baseline(read),
        said,
    ]
    agreed, multipliers, certified = _check_certificates(read)
    sound = len(agreed) == len(certified)
    bounds = [one.bound for one in agreed.values()]
    if BY_CASE in manifest.files:
        points, said_there = read.reference.points, manifest.certificate.by_case
        cases = content_of(folder, BY_CASE)
        checked, adds_up = check_cases(read.scenario, points, cases, said_there)
        certified, sound = (*certified, checked), sound and adds_up is not None
        bounds += [] if adds_up is None else [adds_up]
    bound = min(bounds, default=None) if sound else None
    # The multipliers are those of certificate.csv, and so is the bound that a step starts from.
    relaxed = manifest.certificate.bound
    distance = None if bound is None or relaxed is None else relaxed - own.worth
    if PRICES in manifest.files:
        points = read.reference.points
        grounds = PriceGrounds(read.scenario, own.money, own.audit, points, multipliers, distance)
        checks.append(check_prices(content_of(folder, PRICES), grounds))
    told = _told(read, agreed)
    if STABILITY in manifest.files and told is not None:
        files = (content_of(folder, name) for name in (STABILITY, TABLES))
        checked, curve = check_curve(told, *files)
        checks.append(checked)
        told = replace(told, curve=curve)
    return Verified(
        manifest=manifest,
        checks=(*checks, *certified),
        audit=own.audit,
        objective=own.objective,
        proven=None if bound is None or own.audit.unmet else _proven(own, bound),
        not_compared=tuple(dict.fromkeys([*manifest.lacking, *unsaid])),
        solution=told,
    )


def _read_again(folder: Path, manifest: Manifest) -> RecordRead:
    """Raises InputError where the scenario or a table is none."""
    told = manifest.scenario
    scenario = replace(load(folder / SCENARIO), name=told.name, changes=told.changes)
    reference = reference_of(scenario)

    def table(name: str, whole: bool = True) -> ReadTable:
        money = recorded_table(folder / name, scenario)
        audited = audit(scenario, money, whole=whole)
        return ReadTable(money, audited, objective_of(audited, reference.points))

    own, basis = table(ALLOCATION, manifest.is_whole), table(BASELINE)
    repaired = None if manifest.compared.repaired is None else table(REPAIRED)
    return RecordRead(folder, manifest, scenario, reference, own, basis, repaired)


def _check_fingerprint(manifest: Manifest, told: str) -> Replayed:
    if not isinstance(told, str):
        refuse("", "fingerprint", f"a text of hexadecimal digits is due here, not {told!r}")
    wanted, due = "".join(told.split()).lower(), manifest.fingerprint
    wrong = Difference(NAME, place="fingerprint", found=in_fours(due), due=in_fours(wanted))
    return Replayed("fingerprint", 1, () if wanted == due else (wrong,))


def _told(read: RecordRead, certificates: Mapping[str, Certificate]) -> Solution | None:
    tables = {ALLOCATION: read.own, BASELINE: read.basis, REPAIRED: read.repaired}
    known = {name: (one.money, one.audit) for name, one in tables.items() if one is not None}
    try:
        record, now = Record(read.folder, read.manifest), read.manifest.version == VERSION
        return solution_told(record, read.scenario, known, certificates if now else {})
    except (InputError, OSError):  # Of certificate or prices, whose own checks say it.
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
        (BY_COUNTY, manifest.certificate.by_county is not None),
        (BY_CASE, manifest.certificate.by_case is not None and manifest.is_whole),
        (PRICES, _is_priced(manifest)),
        (STABILITY, manifest.options.get("curve") is True and STABILITY in manifest.files),
        (TABLES, STABILITY in manifest.files),
    ):
        due |= {name} if is_due else set()
    for name in sorted(due - manifest.files.keys()):
        yield name, f"is due in a record and {NAME} does not list it"
    for name in sorted(manifest.files.keys() - due):
        yield name, "is no file of such a record"
    if manifest.version == VERSION:
        drawn = set() if manifest.drawn is None else {PAGE, WORKBOOK}
        for name in sorted(drawn ^ manifest.reports.keys()):
            yield name, "is no report of such a record" if name not in drawn else "is due"


def _is_priced(manifest: Manifest) -> bool:
    if manifest.version < VERSION:  # They stood there, or not, for reasons of the solver.
        return PRICES in manifest.files
    return manifest.certificate.bound is not None


def _check_allocations(read: RecordRead) -> Replayed:
    """Each table of money: its names beside codes, its order, its numbers as they are written, and
    the money outside the grid, which the scenario gives."""
    tables = {ALLOCATION: read.own, REPAIRED: read.repaired}
    programme, beside = read.scenario.programme, read.reference.allocation.outside
    due = {
        name: allocation_csv(replace(one.money, outside=beside), programme).encode()
        for name, one in tables.items()
        if one is not None
    }
    return compared_files(ALLOCATION, read.folder, due, (0, 1))


def _check_findings(read: RecordRead) -> Replayed:
    """Each rule, read on the allocation again."""
    return _check_file(read, FINDINGS, findings_csv(read.own.audit, read.manifest.version), 2)


def _check_outcomes(read: RecordRead) -> Replayed:
    repaired = None if read.repaired is None else read.repaired.audit
    audits = (read.own.audit, read.basis.audit, repaired)
    return _check_file(read, OUTCOMES, outcomes_table(read.scenario, audits), 1)


def _check_baseline(read: RecordRead) -> Replayed:
    """The baseline, computed again: the objective is measured by it."""
    due = allocation_csv(read.reference.allocation, read.scenario.programme).encode()
    return _check_file(read, BASELINE, due, 2)


def _check_file(read: RecordRead, name: str, due: bytes, keys: int) -> Replayed:
    return compared_table(name, content_of(read.folder, name), due, range(keys))


_CERTIFIED = (0, 1, 2, 3, 6, 7)
"""Columns of certificate.csv that say what a line is about."""


def _check_certificates(
    read: RecordRead,
) -> tuple[dict[str, Certificate], list[Multiplier], tuple[Replayed, ...]]:
    """The certificates of the recorded multipliers against the recorded lines: those by file that
    agree, the multipliers of certificate.csv, and a check for each that the record holds."""
    header = HEADER if read.manifest.version == VERSION else EARLY_HEADER
    agreed: dict[str, Certificate] = {}
    first, checks = [], []
    for name, make, head, place in (
        (CERTIFICATE, certify, header, "bound"),
        (BY_COUNTY, certify_by_county, COUNTY_HEADER, "by_county"),
    ):
        if name not in read.manifest.files:
            continue
        found = content_of(read.folder, name)
        multipliers, unread = _multipliers(read.scenario, found, name)
        if unread:
            checks.append(Replayed(name, 0, unread))
            continue
        whole, points = read.manifest.is_whole, read.reference.points
        made = make(read.scenario, points, multipliers, whole=whole)
        said = getattr(read.manifest.certificate, place)
        checks.append(_compared_certificate((name, found), made, head, (place, said)))
        first += multipliers if name == CERTIFICATE else []
        if made is not None and not checks[-1].differences:
            agreed[name] = made
    return agreed, first, tuple(checks)


def _compared_certificate(
    file: tuple[str, bytes],
    made: Certificate | None,
    header: Sequence[str],
    told: tuple[str, Fraction | None],
) -> Replayed:
    """The lines of a certificate in a record against those made anew, and the bound told of it."""
    name, found = file
    place, said = f"certificate.{told[0]}", told[1]
    due = b"" if made is None else certificate_csv(made, header)
    checked = compared_table(name, found, due, _CERTIFIED)
    adds_up = None if made is None else made.bound
    if not checked.differences and said != adds_up:
        texts = plain(said) or "", plain(adds_up) or ""
        wrong = Difference(NAME, place=place, found=texts[0], due=texts[1])
        checked = replace(checked, differences=(wrong,))
    return checked


def _multipliers(
    scenario: Scenario, found: bytes, name: str
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
            wrong.append(Difference(name, number, place, "multiplier", value))
            continue
        multipliers.append(Multiplier(rule, key, side, factor))
    return multipliers, tuple(wrong)


def _proven(own: ReadTable, bound: Fraction) -> Proven:
    size = abs(own.objective)
    return Proven(bound, (bound - own.worth) / size if size else None)
