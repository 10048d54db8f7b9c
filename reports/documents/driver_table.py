"""What `allot drivers` says: which drawn number moves each outcome most."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from models.files import csv_text
from optimizer.study.drivers import Drivers
from optimizer.study.uncertainty import INDEX
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph
from reports.documents.uncertainty_page import Drawn
from reports.numbers import plain, signed
from reports.view.remarks import about

_MOST_ROWS = 20


def drivers_view(found: Drivers) -> dict[str, Any]:
    """`drivers --json`."""
    return {
        "scenario": found.found.scenario.name,
        "draws": len(found.found.drawn),
        "seed": found.found.drawn.seed,
        "least": found.least,
        "drivers": [
            {"path": one.path, **dict(zip(found.names, told, strict=True))}
            for one, told in found.rows
        ],
    }


def drivers_csv(found: Drivers) -> str:
    """All drawn numbers; empty where one is not told from chance."""
    rows = (
        [one.path, one.title.zh, one.title.en, *("" if v is None else repr(v) for v in told)]
        for one, told in found.rows
    )
    return csv_text(["path", "title_zh", "title_en", *found.names], rows)


def drivers_page(found: Drivers, words: Words) -> Document:
    """What was drawn, and the numbers that move any outcome, those of the index first."""
    drawn = Drawn(found.found, words)
    told = [(one, values) for one, values in found.rows if any(v is not None for v in values)]
    lines = [
        Line((one.title.of(words.lang), *(_figure(value) for value in values)))
        for one, values in told[:_MOST_ROWS]
    ]
    header = (words("uncertainty.number"), *(_head(drawn, name, words) for name in found.names))
    table = drawn.table(found.found.tables[0].name)
    said = [*drawn.head(), words("drivers.read", least=plain(Fraction(found.least), 2))]
    rest = words("drivers.rest", count=len(found.rows) - len(lines))
    return Document(
        words("drivers.title", scenario=found.found.scenario.spec.title.of(words.lang)),
        (
            *(Paragraph(text) for text in said),
            Grid(words("drivers.rows", table=table), header, tuple(lines)),
            Paragraph(rest),
        ),
        about=about(found.found.scenario, words),
    )


def _figure(value: float | None) -> str:
    return "" if value is None else signed(plain(Fraction(value), 2))


def _head(drawn: Drawn, name: str, words: Words) -> str:
    lead, _, other = name.partition(" - ")
    if not other:
        return drawn.outcome(lead)
    return words("drivers.lead", index=drawn.outcome(INDEX), table=drawn.table(other))
