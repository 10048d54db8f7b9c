"""stability.csv of a record, as far as arithmetic tells.

How much each table moves and what it comes to is read again, exactly. The bounds are the solver's
word, which `reproduce` asks for again; here they must not be below what was found, nor fall where
more may move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from models.errors import InputError
from models.solution import Solution
from models.stability_points import (
    NAME,
    TABLES,
    StabilityCurve,
    stability_csv,
    stability_tables_csv,
)
from optimizer.records import curve_told
from optimizer.verify.replayed_tables import Difference, Replayed, compared_table

_NOISE = 1e-6


def check_curve(
    solution: Solution, found: bytes, tables: bytes
) -> tuple[Replayed, StabilityCurve | None]:
    """Both files as they are due, and where the solver's bounds cannot be; the curve that they
    tell, None where they cannot be read."""
    try:
        curve = curve_told(solution, found, tables)
    except InputError as error:
        told = ((one.file or NAME, one.path, one.message) for one in error.problems)
        wrong = (Difference(file, place=place, message=said) for file, place, said in told)
        return Replayed(NAME, 0, tuple(wrong)), None
    programme = solution.scenario.programme
    checked = compared_table(NAME, found, stability_csv(curve, programme.metrics), (0,))
    money = compared_table(TABLES, tables, stability_tables_csv(curve, programme), range(3))
    doubts = (Difference(NAME, message=doubt) for doubt in _doubts(curve))
    differences = (*checked.differences, *money.differences, *doubts)
    return replace(checked, differences=differences), curve


def _doubts(curve: StabilityCurve) -> Iterator[str]:
    """Why what is told of the points cannot be."""
    points = curve.points
    if any(one.moved > one.most for one in points):
        yield "a point moves more than it may"
    if not all(one.most < other.most for one, other in pairwise(points)):
        yield "the points do not stand in their order"
    if any(one.bound is not None and float(one.worth) > one.bound + _NOISE for one in points):
        yield "a bound is below what was found"
    known = [one.bound for one in points if one.bound is not None]
    if any(one > other + _NOISE for one, other in pairwise(known)):
        yield "a bound falls where more may move"
    if points and curve.least > float(points[0].moved) + _NOISE:
        yield "the least movement is more than what was found"
    if [one.name == "solution" for one in points] != [False] * (len(points) - 1) + [True]:
        yield "the solution is not the last point"
    due = None if curve.repaired is None else curve.repaired[0]
    if any(one.name == "repaired" and one.most != due for one in points):
        yield "the repaired baseline does not move so much"
