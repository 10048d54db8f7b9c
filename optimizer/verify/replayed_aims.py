"""What a record says of an ordered list of aims, against what its table comes to."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from models.aim import OrderedAim, Push, first_push
from models.record.manifest import NAME
from models.scenario import Scenario
from models.solution import AimReached
from optimizer.audit.aim_values import AimReader
from optimizer.quality import TOLERANCE
from optimizer.verify.replayed_tables import Difference


def aim_differences(
    scenario: Scenario, reader: AimReader, told: tuple[AimReached, ...]
) -> Iterator[Difference]:
    """Stages that are not those of the list, values that are not those of the table, and what was
    given up against what may be."""
    aims = scenario.spec.objective.aims
    found, due = [_stage(one.push) for one in told], list(_due_stages(aims, told))
    if found != due:
        yield Difference(NAME, place="result.aims", found=str(found), due=str(due))
        return
    for number, one in enumerate(told):
        place = f"result.aims[{number}]"
        value = reader.value(one.push)
        if one.value != value:
            yield Difference(NAME, place=f"{place}.value", found=str(one.value), due=str(value))
        allowed = _allowed(aims[one.push.number], one)
        if one.allowed != allowed:
            yield Difference(
                NAME, place=f"{place}.allowed", found=str(one.allowed), due=str(allowed)
            )
        if one.given_up > allowed:
            yield Difference(NAME, place=f"{place}.value", message="gives up more than it may")
        if not _is_within(one):
            yield Difference(NAME, place=f"{place}.bound", message="is worse than what was found")


def _stage(push: Push) -> tuple[int, str, int]:
    return push.number, push.stage, push.rank


def _due_stages(
    aims: tuple[OrderedAim, ...], told: tuple[AimReached, ...]
) -> Iterator[tuple[int, str, int]]:
    """The stages of a list; how many groups a level settles is the solver's word."""
    for number, aim in enumerate(aims):
        yield _stage(first_push(number, aim))
        if aim.nearest is not None:
            yield number, "touched", 0
        ranks = [one.push.rank for one in told if one.push.number == number]
        if aim.raise_least is not None and ranks == sorted(set(ranks)):
            yield from ((number, "level", rank) for rank in ranks[1 : aim.levels])


def _allowed(aim: OrderedAim, one: AimReached) -> Fraction:
    return Fraction(0) if one.push.stage == "touched" else aim.give.of(one.found)


def _is_within(one: AimReached) -> bool:
    """Whether a bound is no worse than what was found, to the solver's tolerance."""
    if one.bound is None:
        return not one.closed
    room = TOLERANCE * max(1.0, abs(float(one.found)))
    over = float(one.found) - one.bound
    return (over if one.push.rises else -over) <= room
