"""manifest.json of a record: its schema, written and read."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import InputError, Problems, refuse
from models.exact import Exact, exact_text
from models.programme import inside
from models.record.scenario_files import FOLDER
from models.scenario import Scenario
from models.solution import Solution, Status
from models.strict_yaml import read_text

# The manifest of a record: what was computed, from what, with what, and the hash of each file.


NAME = "manifest.json"
FORMAT = "allot record"
VERSION = 1
_PACKAGES = ("allot", "highspy", "numpy", "scipy", "pulp")


def manifest_of(
    solution: Solution, files: Mapping[str, bytes], author: str = "", reason: str = ""
) -> dict[str, Any]:
    """The manifest of a record of `solution` made of `files`, in values that JSON can say.

    The same solution and files give the same manifest, `created` (UTC) apart.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "author": author,
        "reason": reason,
        "parent": _parent(solution.scenario),
        "scenario": scenario_part(solution.scenario),
        "result": _result(solution),
        "certificate": _certificate(solution),
        "compared": _compared(solution),
        "solver": _solver(solution),
        "options": solution.options,
        "made_with": made_with(),
        "files": {name: sha256(content) for name, content in sorted(files.items())},
    }
    plain: dict[str, Any] = as_json(content)
    return plain


def manifest_bytes(content: Mapping[str, Any]) -> bytes:
    """The manifest as JSON."""
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the record in `folder`; raises InputError where there is none."""
    path = folder / NAME
    if not path.is_file():
        refuse(str(folder), "", f"is not a record: it holds no {NAME}")
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError):
        refuse(NAME, "", "is not readable as JSON")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        refuse(NAME, "format", f"is not that of a record ('{FORMAT}')")
    if content.get("version") != VERSION:
        refuse(NAME, "version", f"{content.get('version')} is unknown; {VERSION} is read here")
    for key, files in (("files", content.get("files")), ("reports", content.get("reports", {}))):
        if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
            refuse(NAME, key, "a mapping of files to hashes is due here")
    return content


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def files_that_differ(folder: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """File → what is wrong with it: missing, changed, or put into the programme's folder since."""
    recorded = {**manifest["files"], **manifest.get("reports", {})}
    found = {name: _what_is_wrong(folder, name, due) for name, due in recorded.items()}
    wrong = {name: message for name, message in found.items() if message}
    for path in sorted((folder / FOLDER).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in recorded and not path.name.startswith("."):
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


def _parent(scenario: Scenario) -> dict[str, Any] | None:
    """The record that the scenario was read from, and which of its files were edited since."""
    folder = scenario.programme.folder.parent
    if scenario.programme.folder.name != FOLDER:
        return None
    try:
        manifest = read_manifest(folder)
    except InputError:
        return None
    return {
        "folder": folder.name,
        "manifest": sha256((folder / NAME).read_bytes()),
        "created": manifest.get("created"),
        "edited": sorted(files_that_differ(folder, manifest)),
    }


def scenario_part(scenario: Scenario) -> dict[str, Any]:
    """What the manifest says of the scenario, in Python's own values."""
    spec = scenario.spec
    known = scenario.programme.file.calibrations
    return {
        "name": scenario.name,
        "title": {"zh": spec.title.zh, "en": spec.title.en},
        "programme": scenario.programme.file.id,
        "calibration": spec.calibration or next(iter(known), None),
        "response": spec.response,
        "changes": scenario.changes,
        "switched_off": [rule.id for rule in spec.rules if not rule.enabled],
        "soft": {rule.id: rule.soft.price for rule in scenario.rules if rule.soft},
    }


def _result(solution: Solution) -> dict[str, Any]:
    return {
        "status": solution.status,
        "objective": solution.objective,
        "penalty": solution.audit.penalty,
        "bound": solution.bound,
        "gap": solution.gap,
        "budget": solution.scenario.budget,
        "spent": solution.audit.spent,
        "unspent": solution.audit.unspent,
        "broken_rules": solution.audit.broken_rules,
    }


def _certificate(solution: Solution) -> dict[str, Any]:
    """The bound that certificate.csv adds up to, or why there is no such file."""
    if solution.certificate is not None:
        return {"bound": solution.certificate.bound}
    return {"bound": None, "why": "not asked for, or no prices of the linear relaxation"}


def _compared(solution: Solution) -> dict[str, Any]:
    """What the tables baseline.csv and repaired.csv do not say of themselves."""
    tables = {"baseline": solution.baseline, "repaired": solution.repaired}
    return {
        name: None
        if one is None
        else {
            "objective": one.objective,
            "moved": one.moved,
            "moved_at_least": one.moved_at_least,
        }
        for name, one in tables.items()
    }


def _solver(solution: Solution) -> dict[str, Any]:
    said = solution.solver
    return {
        "name": said.name,
        "version": said.version,
        "solver_gap": said.solver_gap,
        "rounding_loss": said.rounding_loss,
        "notes": said.notes,
        "second_opinion": solution.second_opinion,
    }


def made_with() -> dict[str, Any]:
    """The versions that are at work here."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "packages": packages,
    }


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


# What the manifest of a record says of its solution beyond the tables.


class ManifestPart(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToldScenario(ManifestPart):
    name: str
    changes: tuple[str, ...] = ()


class ToldResult(ManifestPart):
    status: Status
    objective: Exact
    penalty: Exact = Fraction(0)
    spent: Exact | None = None
    bound: float | None
    gap: float | None


class ToldCompared(ManifestPart):
    objective: Exact | None
    moved: Exact | None
    moved_at_least: float | None


class ToldCertificate(ManifestPart):
    bound: Exact | None = None


class ToldTables(ManifestPart):
    baseline: ToldCompared
    repaired: ToldCompared | None = None


class ToldSolver(ManifestPart):
    name: str
    version: str
    solver_gap: float | None
    rounding_loss: float | None
    notes: tuple[str, ...] = ()
    second_opinion: dict[str, Any] | None = None


class Manifest(ManifestPart):
    """What the manifest says of a solution beyond its tables."""

    scenario: ToldScenario
    result: ToldResult
    certificate: ToldCertificate = ToldCertificate()
    compared: ToldTables
    solver: ToldSolver
    options: dict[str, Any] = {}


def read_told(manifest: Mapping[str, Any]) -> Manifest:
    """Raises `InputError` with every place of the manifest that is not as a record has it."""
    try:
        return Manifest.model_validate(manifest)
    except ValidationError as error:
        problems = Problems()
        for one in error.errors():
            problems.add(NAME, ".".join(str(step) for step in one["loc"]), one["msg"])
        problems.raise_if_any()
        raise AssertionError("a validation error names a problem") from error
