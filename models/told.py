"""What the manifest of a record says of its solution beyond the tables."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import Problems
from models.exact import Exact
from models.manifest import NAME
from models.solution import Status


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToldScenario(Part):
    name: str
    changes: tuple[str, ...] = ()


class ToldResult(Part):
    status: Status
    objective: Exact
    penalty: Exact = Fraction(0)
    spent: Exact | None = None
    bound: float | None
    gap: float | None


class ToldCompared(Part):
    objective: Exact | None
    moved: Exact | None
    moved_at_least: float | None


class ToldCertificate(Part):
    bound: Exact | None = None


class ToldTables(Part):
    baseline: ToldCompared
    repaired: ToldCompared | None = None


class ToldSolver(Part):
    name: str
    version: str
    solver_gap: float | None
    rounding_loss: float | None
    notes: tuple[str, ...] = ()
    second_opinion: dict[str, Any] | None = None


class Told(Part):
    """What the manifest says of a solution beyond its tables."""

    scenario: ToldScenario
    result: ToldResult
    certificate: ToldCertificate = ToldCertificate()
    compared: ToldTables
    solver: ToldSolver
    options: dict[str, Any] = {}


def read_told(manifest: Mapping[str, Any]) -> Told:
    """Raises `InputError` with every place of the manifest that is not as a record has it."""
    try:
        return Told.model_validate(manifest)
    except ValidationError as error:
        problems = Problems()
        for one in error.errors():
            problems.add(NAME, ".".join(str(step) for step in one["loc"]), one["msg"])
        problems.raise_if_any()
        raise AssertionError("a validation error names a problem") from error
