"""manifest.json of a record: its schema, written and read.

The manifest says what was computed, from what, with what, and holds the hash of each file. Its keys
are the fields of `Manifest`, in their order; exact numbers stand in it as text.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from models.aim import Push, StageName
from models.certificate import NAME as CERTIFICATE
from models.errors import InputError, Problems, refuse
from models.exact import LONGEST_KEPT, exact_text, parse_exact
from models.files import MemoryFolder, hidden_beside
from models.programme import inside
from models.record.scenario_files import FOLDER, tables_by_formula
from models.scenario import Scenario
from models.shadow_price import NAME as PRICES
from models.solution import AimReached, Comparison, Solution, Source, Status, is_whole
from models.strict_yaml import Text, read_text

NAME = "manifest.json"
FORMAT = "allot record"
VERSION = 3
"""The version that is written: no key may be missing in it, as some may in those before it."""
DRAWING = ("allot", "jinja2", "markupsafe", "xlsxwriter")
"""What draws page and workbook: where their versions are the same, so are the bytes."""
_PACKAGES = (*DRAWING, "highspy", "numpy", "scipy", "pulp")
Exact = Annotated[
    Fraction,
    BeforeValidator(lambda value: parse_exact(value, LONGEST_KEPT)),
    PlainSerializer(exact_text, return_type=str),
]


class ManifestPart(BaseModel):
    """A mapping in the manifest; fields with a default may be missing in earlier versions."""

    model_config = ConfigDict(frozen=True)


class ParentRecord(ManifestPart):
    """The record that the scenario was read from."""

    folder: str
    manifest: str
    """SHA-256 of its manifest."""
    created: str | None = None
    edited: tuple[str, ...] = ()
    """Which of its files were edited since."""


class RecordedScenario(ManifestPart):
    """What the scenario was called, and what it changes of its programme and its rules."""

    name: str
    title: Text | None = None
    programme: str | None = None
    calibration: str | None = None
    response: dict[str, Any] | None = None
    changes: tuple[str, ...] = ()
    switched_off: tuple[str, ...] | None = None
    soft: dict[str, Exact] | None = None
    """Rule → its price."""
    by_formula: tuple[str, ...] | None = None
    """Tables of tiers that are those that response.yaml gives; others are a table's own word."""


class RecordedAim(ManifestPart):
    """What one stage of an ordered list of aims reached, in its own unit."""

    aim: int
    """Its place in the list."""
    stage: StageName
    rank: int
    found: Exact
    bound: float | None
    """By the solver's word, given the earlier stages."""
    closed: bool
    allowed: Exact
    """What may be given up to the stages after it."""
    value: Exact
    """Of the allocation."""

    def reached(self, rises: bool) -> AimReached:
        """The same as a solution has it; `rises`: whether more of it is better."""
        push = Push(self.aim, self.stage, self.rank, rises)
        return AimReached(push, self.found, self.bound, self.closed, self.allowed, self.value)


class RecordedResult(ManifestPart):
    """The figures of the allocation; money in money units, the others in objective points."""

    status: Status
    objective: Exact
    penalty: Exact | None = None
    bound: float | None = None
    """By the solver's word and not widened: of the versions before the third."""
    bound_proved: Exact | None = None
    """The least of what the certificates add up to."""
    bound_solver: float | None = None
    gap: float | None
    source: Source | None = None
    """Whose bound status and gap rest on."""
    budget: int | None = None
    spent: Exact | None = None
    unspent: Exact | None = None
    broken_rules: tuple[str, ...] | None = None
    aims: tuple[RecordedAim, ...] = ()
    """Of an ordered list, stage after stage; missing without one."""


class RecordedBound(ManifestPart):
    """The bound that certificate.csv adds up to, or why there is no such file."""

    bound: Exact | None = None
    by_county: Exact | None = None
    """What certificate-by-county.csv adds up to; None without it."""
    by_case: Exact | None = None
    """The largest bound of a case in certificate-by-case.csv; missing without it."""

    @property
    def least(self) -> Fraction | None:
        """The tightest of them; None without any."""
        every = (self.bound, self.by_county, self.by_case)
        return min((bound for bound in every if bound is not None), default=None)

    why: str | None = None


class RecordedComparison(ManifestPart):
    """What the table of an allocation to compare with does not say of itself."""

    objective: Exact | None
    moved: Exact | None
    moved_at_least: float | None


class RecordedComparisons(ManifestPart):
    """baseline.csv and repaired.csv."""

    baseline: RecordedComparison
    repaired: RecordedComparison | None = None


class RecordedSolver(ManifestPart):
    """What the solver said of itself."""

    name: str
    version: str
    solver_gap: float | None
    rounding_loss: float | None
    notes: tuple[str, ...] = ()
    second_opinion: dict[str, Any] | None = None


class RecordedDrawing(ManifestPart):
    """How page and workbook were drawn."""

    lang: str


class MadeWith(ManifestPart):
    """The versions that were at work."""

    python: str = ""
    platform: str = ""
    packages: dict[str, str] = {}


class Manifest(ManifestPart):
    """manifest.json; `version` 1 where it says none."""

    format: str = FORMAT
    version: int = 1
    created: str = ""
    author: str = ""
    reason: str = ""
    parent: ParentRecord | None = None
    scenario: RecordedScenario
    result: RecordedResult
    certificate: RecordedBound = RecordedBound()
    compared: RecordedComparisons
    solver: RecordedSolver
    options: dict[str, Any] = {}
    made_with: MadeWith = MadeWith()
    drawn: RecordedDrawing | None = None
    """None where the record holds no reports."""
    files: dict[str, str]
    """Path → SHA-256 of all that the reports are made from."""
    reports: dict[str, str] = {}

    @property
    def is_whole(self) -> bool:
        """Whether amounts were to be whole money units."""
        return is_whole(self.options)

    @property
    def hashes(self) -> dict[str, str]:
        """Path → SHA-256 of every file of the record but the manifest itself."""
        return {**self.files, **self.reports}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest as JSON without blanks, its keys sorted, `reports` left out.

        Page and workbook carry it, so it cannot count them. 64 hexadecimal digits.
        """
        content = as_json(self.model_dump(exclude_unset=True, exclude={"reports"}))
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return sha256(text.encode())

    @property
    def lacking(self) -> tuple[str, ...]:
        """Places and tables that the version that is written has, and this older one has not."""
        tables = [name for name in (CERTIFICATE, PRICES) if name not in self.files]
        if self.version == VERSION:
            return tuple(_unset(self, ""))
        if CERTIFICATE in self.files:
            tables.append(f"{CERTIFICATE}: cap")
        return (*(place for place in _unset(self, "") if place not in _SPLIT), *tables)


def in_fours(fingerprint: str) -> str:
    """A fingerprint as people compare it: `1f0a 93bc …`."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


_SPLIT = {"result.bound_proved", "result.bound_solver", "result.source"}
"""What came with the third version: the bound of those before is the solver's."""
_NEEDS_NOT = {
    *("version", "certificate.why", "certificate.by_case"),
    *("result.bound", "result.aims"),
}


def _unset(part: ManifestPart, above: str) -> Iterator[str]:
    for name in type(part).model_fields:
        place, value = above + name, getattr(part, name)
        if name not in part.model_fields_set:
            if place not in _NEEDS_NOT:
                yield place
        elif isinstance(value, ManifestPart):
            yield from _unset(value, f"{place}.")


def manifest_of(
    solution: Solution, files: Mapping[str, bytes], said: tuple[str, str], lang: str | None = None
) -> Manifest:
    """The manifest of a record of `solution` made of `files`; reports are not yet in it.

    `said`: the author and the reason; `lang`: the language of the reports that are to come.

    The same solution and files give the same manifest, `created` (UTC) apart.
    """
    return Manifest(
        format=FORMAT,
        version=VERSION,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        author=said[0],
        reason=said[1],
        parent=_parent(solution.scenario),
        scenario=scenario_part(solution.scenario),
        result=_result(solution),
        certificate=_certificate(solution),
        compared=RecordedComparisons(
            baseline=_comparison(solution.baseline),
            repaired=None if solution.repaired is None else _comparison(solution.repaired),
        ),
        solver=_solver(solution),
        options=as_json(solution.options),
        made_with=made_with(),
        drawn=None if lang is None else RecordedDrawing(lang=lang),
        files=hashes_of(files),
    )


def manifest_bytes(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    content = as_json(manifest.model_dump(exclude_unset=True))
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the record in `folder`.

    Raises InputError where there is none, where its version is newer than is known here, and with
    every place that is missing or not as a record has it.
    """
    problems, head = Problems(), read_head(folder)
    try:
        manifest = Manifest.model_validate(head)
    except ValidationError as error:
        for one in error.errors():
            problems.add(NAME, ".".join(str(step) for step in one["loc"]), one["msg"])
        problems.raise_if_any()
        raise AssertionError("a validation error names a problem") from error
    if manifest.version == VERSION:
        for place in manifest.lacking:
            problems.add(NAME, place, "is missing")
        written = as_json(manifest.model_dump(exclude_unset=True))
        for place, message in _written_otherwise(head, written, ""):
            problems.add(NAME, place, message)
        for key in _keys_twice(folder):
            problems.add(NAME, key, "stands there twice in one mapping")
    problems.raise_if_any()
    return manifest


def _written_otherwise(found: Any, due: Any, above: str) -> Iterator[tuple[str, str]]:
    """Places of a manifest that no record has, or has otherwise: `2.50` for 2.5, 1 for true."""
    if not (isinstance(found, dict) and isinstance(due, dict)):
        if json.dumps(found) != json.dumps(due):
            yield above, f"is due to be written as {json.dumps(due, ensure_ascii=False)}"
        return
    for key, value in found.items():
        if key in due:
            yield from _written_otherwise(value, due[key], f"{above}.{key}".lstrip("."))
        else:
            yield f"{above}.{key}".lstrip("."), "is no key of a record's manifest"


def _keys_twice(folder: Path) -> list[str]:
    """Keys that stand twice in a mapping: a reader of JSON takes the last, people the first."""
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [key for key, _ in items]
        twice.extend(key for key in dict.fromkeys(names) if names.count(key) > 1)
        return dict(items)

    json.loads(read_text(folder / NAME), object_pairs_hook=pairs)
    return twice


def read_head(folder: Path) -> dict[str, Any]:
    """The JSON of a manifest whose format, version and hashes are those of a record.

    Raises InputError as `read_manifest` does, but for the other parts, which are not looked at.
    """
    path = folder / NAME
    if not path.is_file():
        hidden = None if folder.exists() else hidden_beside(folder)
        kept = f"; a write that was stopped left one as {hidden}: rename it" if hidden else ""
        refuse(str(folder), "", f"is not a record: it holds no {NAME}{kept}")
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError):
        refuse(NAME, "", "is not readable as JSON")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        refuse(NAME, "format", f"is not that of a record ('{FORMAT}')")
    version = content.setdefault("version", 1)
    if type(version) is not int or not 1 <= version <= VERSION:
        refuse(NAME, "version", f"{version} is unknown; up to {VERSION} is read here")
    for key, files in (("files", content.get("files")), ("reports", content.get("reports", {}))):
        if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
            refuse(NAME, key, "a mapping of files to hashes is due here")
    return content


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def hashes_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Path → SHA-256 of what the file holds, by path."""
    return {name: sha256(content) for name, content in sorted(files.items())}


def strangers(folder: Path, known: Iterable[str]) -> list[str]:
    """Files of a record's folder that are not among the known ones, nor hidden."""
    names = {NAME, *known}
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if not path.is_dir())
    shown = (one.as_posix() for one in found if not one.name.startswith("."))
    return [name for name in shown if name not in names]


def files_that_differ(folder: Path, hashes: Mapping[str, str]) -> dict[str, str]:
    """File → what is wrong with it: missing, changed, or put into the programme's folder since."""
    found = {name: _what_is_wrong(folder, name, due) for name, due in hashes.items()}
    wrong = {name: message for name, message in found.items() if message}
    for path in sorted((folder / FOLDER).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in hashes and not path.name.startswith("."):
            wrong[name] = "is not part of the record"
    return wrong


def _what_is_wrong(folder: Path, name: str, expected: str) -> str:
    try:
        actual = sha256(inside(folder, name).read_bytes())
    except FileNotFoundError:
        return "is missing"
    except InputError:
        return "leads outside the record"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return "" if actual == expected else f"is not what was recorded: its SHA-256 is not in {NAME}"


def _parent(scenario: Scenario) -> ParentRecord | None:
    """The record that the scenario was read from, if it was."""
    own = scenario.programme.folder
    if isinstance(own, MemoryFolder) or own.name != FOLDER:
        return None
    folder = own.parent
    try:
        head = read_head(folder)
    except InputError:
        return None
    hashes = {**head["files"], **head.get("reports", {})}
    return ParentRecord(
        folder=folder.name,
        manifest=sha256((folder / NAME).read_bytes()),
        created=made if isinstance(made := head.get("created"), str) else None,
        edited=tuple(sorted(files_that_differ(folder, hashes))),
    )


def scenario_part(scenario: Scenario) -> RecordedScenario:
    """What the manifest says of the scenario."""
    spec = scenario.spec
    known = scenario.programme.file.calibrations
    return RecordedScenario(
        name=scenario.name,
        title=spec.title,
        programme=scenario.programme.file.id,
        calibration=spec.calibration or next(iter(known), None),
        response=spec.response,
        changes=scenario.changes,
        switched_off=tuple(rule.id for rule in spec.rules if not rule.enabled),
        soft={rule.id: rule.soft.price for rule in scenario.rules if rule.soft},
        by_formula=tables_by_formula(scenario),
    )


def _result(solution: Solution) -> RecordedResult:
    result = RecordedResult(
        status=solution.status,
        objective=solution.objective,
        penalty=solution.audit.penalty,
        bound_proved=solution.bound_proved,
        bound_solver=solution.bound_solver,
        gap=solution.gap,
        source=solution.source,
        budget=solution.scenario.budget,
        spent=solution.audit.spent,
        unspent=solution.audit.unspent,
        broken_rules=solution.audit.broken_rules,
    )
    if not solution.aims:
        return result
    return result.model_copy(update={"aims": tuple(map(_aim, solution.aims))})


def _aim(one: AimReached) -> RecordedAim:
    return RecordedAim(
        aim=one.push.number,
        stage=one.push.stage,
        rank=one.push.rank,
        found=one.found,
        bound=one.bound,
        closed=one.closed,
        allowed=one.allowed,
        value=one.found if one.value is None else one.value,
    )


def _certificate(solution: Solution) -> RecordedBound:
    bounds = _by_sum(solution)
    if solution.by_case is None:
        return bounds
    return bounds.model_copy(update={"by_case": solution.by_case.bound})


def _by_sum(solution: Solution) -> RecordedBound:
    by_county = None if solution.by_county is None else solution.by_county.bound
    if solution.certificate is not None:
        return RecordedBound(bound=solution.certificate.bound, by_county=by_county)
    why = "not asked for, or no prices of the linear relaxation"
    if by_county is not None:
        why = "certificate-by-county.csv proves more, and the linear relaxation takes long"
    return RecordedBound(bound=None, by_county=by_county, why=why)


def _comparison(one: Comparison) -> RecordedComparison:
    return RecordedComparison(
        objective=one.objective, moved=one.moved, moved_at_least=one.moved_at_least
    )


def _solver(solution: Solution) -> RecordedSolver:
    said, opinion = solution.solver, solution.second_opinion
    return RecordedSolver(
        name=said.name,
        version=said.version,
        solver_gap=said.solver_gap,
        rounding_loss=said.rounding_loss,
        notes=said.notes,
        second_opinion=as_json(opinion),
    )


def made_with() -> MadeWith:
    """The versions that are at work here."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version_of(name)
        except PackageNotFoundError:
            continue
    return MadeWith(
        python=platform.python_version(),
        platform=f"{sys.platform} {platform.machine()}",
        packages=packages,
    )


def as_json(value: Any) -> Any:
    """`value` as JSON can say it: exact numbers as text, no infinity."""
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Fraction):
        return exact_text(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)
