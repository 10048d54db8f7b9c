"""What stability costs: the index for so much money moved between counties, as table and curve."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from models.scenario import Scenario
from models.stability_points import StabilityCurve, StabilityPoint
from reports.catalogue import Words
from reports.document import Figure, Grid, Line
from reports.numbers import amount_text, at_most_text, gap_text, plain
from reports.svg import value_curve

_NAMES = {
    "least": "stability.least",
    "repaired": "stability.repaired",
    "solution": "stability.solution",
    "": "",
}


def stability_grid(curve: StabilityCurve, scenario: Scenario, words: Words) -> Grid:
    """Each point with what it yields, its bound and its gap."""
    programme = scenario.programme
    metrics = programme.file.metrics
    header = (
        *(words("stability.most"), words("stability.moved"), words("row.index")),
        *(words("stability.bound"), words("stability.gap")),
        *(
            words("metric", title=one.title.of(words.lang), unit=one.unit.of(words.lang))
            for one in metrics
        ),
        words("stability.what"),
    )
    lines = [Line(_cells(one, words)) for one in curve.points]
    title = words("stability.title", money=programme.file.money.of(words.lang))
    return Grid(title, header, tuple(lines), frozenset({len(header) - 1}))


def _cells(one: StabilityPoint, words: Words) -> tuple[str, ...]:
    bound = "-" if one.bound is None else at_most_text(Fraction(repr(one.bound)), 4)
    said = _NAMES[one.name]
    return (
        *(amount_text(one.most), amount_text(one.moved), plain(one.worth, 4), bound),
        "-" if one.gap is None else gap_text(one.gap),
        *(plain(math.floor(value)) for value in one.outcomes.values()),
        words(said) if said else "",
    )


def stability_notes(curve: StabilityCurve, words: Words) -> list[str]:
    """What is counted, the least movement that there is, and the repaired baseline beside it."""
    said = [words("stability.how", least=plain(math.floor(curve.least)))]
    if curve.repaired is not None:
        moved, worth = curve.repaired
        near = next((one for one in curve.points if one.name == "repaired"), None)
        told = {"moved": amount_text(moved), "worth": plain(worth, 4)}
        if near is None:
            said.append(words("stability.repaired-itself", **told))
        else:
            said.append(words("stability.repaired-beside", best=plain(near.worth, 4), **told))
    return said


def stability_figure(curve: StabilityCurve, scenario: Scenario, words: Words) -> Figure:
    """The curve drawn."""
    points = [(float(one.moved), float(one.worth)) for one in curve.points]
    money = scenario.programme.file.money.of(words.lang)
    title = words("stability.title", money=money)
    return value_curve(title, words("stability.alt", money=money), points)


def stability_section(
    curve: StabilityCurve | None, scenario: Scenario, words: Words
) -> tuple[Figure, Grid, list[str]] | None:
    """Figure, table and notes for a page; None without a curve."""
    if curve is None:
        return None
    return (
        stability_figure(curve, scenario, words),
        stability_grid(curve, scenario, words),
        stability_notes(curve, words),
    )


def stability_json(curve: StabilityCurve | None) -> dict[str, Any] | None:
    """The same as exact numbers."""
    if curve is None:
        return None
    moved, worth = curve.repaired or (None, None)
    return {
        "least": curve.least,
        "repaired": None if moved is None else {"moved": moved, "worth": worth},
        "points": [
            {
                "most": one.most,
                "moved": one.moved,
                "worth": one.worth,
                "bound": one.bound,
                "gap": one.gap,
                "outcomes": one.outcomes,
                "name": one.name,
            }
            for one in curve.points
        ],
    }
