"""What the manifest of a record says, against what its files come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from models.allocation import Allocation
from models.finding import Audit
from models.record.manifest import NAME, VERSION, Manifest, as_json, scenario_part
from models.record.scenario_files import has_constants
from models.scenario import Scenario
from models.solution import OPTIONS, AimReached, Quality, first_reached
from models.stability_points import NAME as STABILITY
from optimizer.audit.aim_values import AimReader
from optimizer.problem import Reference
from optimizer.quality import agrees, allowed_gap, quality_under, slip_of, unit_points
from optimizer.records import aims_told
from optimizer.verify.replayed_aims import aim_differences
from optimizer.verify.replayed_tables import Difference, Replayed


@dataclass(frozen=True)
class ReadTable:
    """An allocation of the record, every rule read on it."""

    money: Allocation
    audit: Audit
    objective: Fraction

    @property
    def worth(self) -> Fraction:
        """The objective less the prices of bent rules: what a bound bounds."""
        return self.objective - self.audit.penalty


@dataclass(frozen=True)
class RecordRead:
    """The record's scenario and tables, read and audited once."""

    folder: Path
    manifest: Manifest
    scenario: Scenario
    reference: Reference
    """The baseline as it is due, and what points are by it, whatever the record's table says."""
    own: ReadTable
    basis: ReadTable
    repaired: ReadTable | None

    @cached_property
    def aims(self) -> tuple[AimReached, ...]:
        """What is said of an ordered list of aims."""
        return aims_told(self.scenario, self.manifest.result.aims)

    @property
    def reached(self) -> tuple[Fraction, Fraction]:
        """(objective, penalty) that status, bound and gap are of."""
        if self.aims:
            return first_reached(self.aims), Fraction(0)
        return self.own.objective, self.own.audit.penalty


_HAIR = 1e-9
_TWO_BOUNDS = 3
"""The version of a record that keeps a proved bound apart from the solver's."""
_TOLD = ("name", "changes", "response")
"""Of the scenario: how it was called and changed is not in its files."""


def check_manifest(read: RecordRead) -> tuple[Replayed, list[str]]:
    """What the manifest says of scenario and tables; and the places where it says nothing."""
    wrong: list[Difference] = []
    unsaid: list[str] = []
    due = _due_places(read)
    for place, value in due.items():
        found, wanted = plain(reduce(getattr, place.split("."), read.manifest)), plain(value)
        if found is None and wanted is not None and read.manifest.version < VERSION:
            unsaid.append(place)
        elif found != wanted:
            wrong.append(_other(place, found, wanted))
    wrong += _quality_differences(read)
    wrong += _telling_differences(read.manifest, read.scenario)
    if read.aims or read.scenario.spec.objective.aims:
        reader = AimReader(read.scenario, read.reference.for_aims, read.own.money)
        wrong += aim_differences(read.scenario, reader, read.aims)
    if read.manifest.version == VERSION:
        wrong += [Difference(NAME, place=place, message=said) for place, said in _undue_keys(read)]
    return Replayed(NAME, len(due) - len(unsaid) + 2, tuple(wrong)), unsaid


def _due_places(read: RecordRead) -> dict[str, object]:
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
        due["result.bound_proved"] = read.manifest.certificate.least
    if read.repaired is not None:
        due["compared.repaired.objective"] = read.repaired.objective
        due["compared.repaired.moved"] = read.repaired.money.moved_from(read.basis.money)
    return due


def _quality_differences(read: RecordRead) -> list[Difference]:
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


def _quality(read: RecordRead, allowed: float) -> Quality:
    """What the recorded bounds prove of the recorded allocation."""
    said, (objective, penalty) = read.manifest.result, read.reached
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


_UNITS = ("whole", "exact", "continuous")
_OPINION = ("solver", "version", "model", "outcome")
_OPINION_SAYS = ("objective", "bound", "gap", "agrees", "seconds")
"""Keys of every second opinion, and of one that came to an answer; each may have a note."""


def _undue_keys(read: RecordRead) -> Iterator[tuple[str, str]]:
    """Places that are not as a solve leaves them, though their values are its word."""
    told = read.manifest
    yield from _undue_options(told)
    if (told.certificate.bound is None) != bool(told.certificate.why):
        yield "certificate.why", "is due where there is no certificate, and there only"
    worth = read.reached[0] - read.reached[1]
    yield from _undue_opinion(told, worth)
    said = told.result.bound_solver
    if said is not None and Fraction(said) < worth:
        yield "result.bound_solver", "is below what the allocation is worth"
    if told.compared.baseline.moved_at_least is not None:
        yield "compared.baseline.moved_at_least", "is said of a repaired baseline only"
    mended = told.compared.repaired
    if mended is not None and read.repaired is not None and mended.moved_at_least is not None:
        moved = float(read.repaired.money.moved_from(read.basis.money))
        if not 0 <= mended.moved_at_least <= moved * (1 + _HAIR):
            yield "compared.repaired.moved_at_least", "is more than was moved"


def _undue_options(told: Manifest) -> Iterator[tuple[str, str]]:
    """Options that no solve has, and those that the record itself is against."""
    options = {"curve": False, **told.options}  # Earlier ones kept none.
    for name in sorted(options.keys() ^ set(OPTIONS)):
        yield f"options.{name}", "is missing" if name in OPTIONS else "is no option of a solve"
    gap = options.get("gap")
    if isinstance(gap, bool) or not isinstance(gap, int | float) or not 0 <= gap < 1:
        yield "options.gap", f"'{gap}' is no number from 0 to below 1"
    if options.get("units") not in _UNITS:
        yield "options.units", f"'{options.get('units')}' is none of {', '.join(_UNITS)}"
    for name, has in (
        ("certificate", told.certificate.least is not None),
        ("repaired", told.compared.repaired is not None),
        ("curve", STABILITY in told.files),
    ):
        asked = options.get(name)
        if type(asked) is not bool or (has and not asked):
            yield f"options.{name}", "is not as the record has it"
    if options.get("certificate") and told.certificate.least is None:
        yield "certificate.bound", "is due where the option certificate asks for it"


def _undue_opinion(told: Manifest, worth: Fraction) -> Iterator[tuple[str, str]]:
    """Where a second opinion is none that was asked for, or contradicts its own figures."""
    place, said = "solver.second_opinion", told.solver.second_opinion
    if (said is None) != (told.options.get("second_opinion") is None):
        yield place, "is due where the option of that name asks for it, and there only"
    if said is None:
        return
    if said.get("solver") != told.options.get("second_opinion"):
        yield f"{place}.solver", "is another than was asked"
    has_answer = said.get("outcome") != "none"
    due = {*_OPINION, *(_OPINION_SAYS if has_answer else ("note",))}
    for key in sorted(due - said.keys()):
        yield f"{place}.{key}", "is missing"
    for key in sorted(said.keys() - due - {"note"}):
        yield f"{place}.{key}", "is no key of a second opinion"
    if has_answer and said.get("agrees") is not agrees(
        said.get("outcome"), said.get("bound"), worth
    ):
        yield f"{place}.agrees", "does not follow from its outcome and its bound"


def _when(text: str) -> datetime | None:
    """The time that a record tells; None for one that there is not."""
    try:
        when = datetime.strptime(text, _WHEN).replace(tzinfo=UTC)
    except ValueError:
        return None
    return when if when.strftime(_WHEN) == text else None


def plain(value: object) -> Any:
    """A value as the JSON of a manifest has it."""
    return as_json(value.model_dump() if isinstance(value, BaseModel) else value)


def _other(place: str, found: object, due: object) -> Difference:
    return Difference(NAME, place=place, found=str(found), due=str(due))
