"""What `allot drivers` says by the other methods: Sobol, Morris, and what knowing is worth."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from models.files import csv_text
from models.scenario import Scenario
from optimizer.study.assumed_numbers import Assumption
from optimizer.study.information import Information
from optimizer.study.screening import ScreenedNumber, Screening
from optimizer.study.uncertainty import INDEX
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part
from reports.numbers import percent, plain, signed
from reports.view.remarks import about

_MOST_ROWS = 20
_WORTH_PLACES = 5


def screening_view(found: Screening) -> dict[str, Any]:
    """`drivers --method sobol|morris --json`."""
    return {
        "scenario": None if found.scenario is None else found.scenario.name,
        "method": found.method,
        "solved": found.solved,
        "infeasible": found.infeasible,
        "seed": found.seed,
        "drivers": [
            {
                "path": one.path,
                "answer": name,
                "effect": float(one.effect[at]),
                "total": float(one.total[at]),
                "sure": float(one.sure[at]),
                "told": one.is_told(at),
            }
            for one in found.rows
            for at, name in enumerate(found.answers)
        ],
    }


def screening_csv(found: Screening) -> str:
    """Every number and answer."""
    rows = screening_view(found)["drivers"]
    return csv_text(list(rows[0]), ([str(cell) for cell in row.values()] for row in rows))


def information_view(found: Information) -> dict[str, Any]:
    """`drivers --method information --json`."""
    return {
        "scenario": found.scenario.name,
        "draws": found.draws,
        "all": {"points": found.points, **found.outcomes},
        "numbers": [
            {"path": one.number.path, "points": one.points, **one.outcomes} for one in found.rows
        ],
    }


def information_csv(found: Information) -> str:
    """Every number."""
    rows = information_view(found)["numbers"]
    return csv_text(list(rows[0]), ([str(cell) for cell in row.values()] for row in rows))


def screening_page(found: Screening, scenario: Scenario, words: Words) -> Document:
    """What was solved, and the numbers that move each answer, those of the index first."""
    told = [one for one in found.rows if any(map(one.is_told, range(len(found.answers))))]
    lines = [Line((_name(one.number, words), *_figures(one))) for one in told[:_MOST_ROWS]]
    names = [_answer(scenario, name, words) for name in found.answers]
    sobol = found.method == "sobol"
    first, second = ("screen.alone", "screen.total") if sobol else ("screen.size", "screen.spread")
    heads = [
        words("screen.of", answer=name, figure=words(key))
        for name in names
        for key in (first, second)
    ]
    count = f"{found.solved:,}"
    said = [words("screen.solved", count=count, numbers=len(found.rows), seed=found.seed)]
    if found.infeasible:
        said.append(words("screen.infeasible", count=f"{found.infeasible:,}"))
    said.append(words("screen.read-sobol" if sobol else "screen.read-morris"))
    parts: list[Part] = [Paragraph(text) for text in said]
    header = (words("uncertainty.number"), *heads)
    title = words("screen.rows-sobol" if sobol else "screen.rows-morris")
    parts.append(Grid(title, header, tuple(lines)))
    if rest := len(found.rows) - len(lines):
        parts.append(Paragraph(words("screen.rest", count=rest)))
    parts.append(Paragraph(words("screen.level"), "remark"))
    name = words("drivers.title", scenario=scenario.spec.title.of(words.lang))
    return Document(name, tuple(parts), about=about(scenario, words))


def _figures(one: ScreenedNumber) -> list[str]:
    cells = []
    for at, (effect, total) in enumerate(zip(one.effect, one.total, strict=True)):
        told = one.is_told(at)
        for figure in (effect, total):
            cells.append(plain(Fraction(float(figure)), 3) if told else "")
    return cells


def information_page(found: Information, words: Words) -> Document:
    """Which number to check first, and what knowing it is worth."""
    worth = [one for one in found.rows if one.points > 0]
    metrics = found.scenario.programme.file.metrics
    heads = [
        words("metric", title=m.title.of(words.lang), unit=m.unit.of(words.lang)) for m in metrics
    ]
    lines = [
        Line(
            (
                _name(one.number, words),
                plain(Fraction(one.points), _WORTH_PLACES),
                *(_people(one.outcomes[m.id]) for m in metrics),
            )
        )
        for one in worth[:_MOST_ROWS]
    ]
    everything = [_people(found.outcomes[m.id]) for m in metrics]
    whole = (words("worth.all"), plain(Fraction(found.points), _WORTH_PLACES), *everything)
    parts: list[Part] = []
    if worth:
        share = percent(Fraction(worth[0].points), Fraction(found.points)) if found.points else "-"
        told = {"number": _name(worth[0].number, words), "share": share}
        parts.append(Paragraph(words("worth.first", **told), "strong"))
    else:
        parts.append(Paragraph(words("worth.none"), "strong"))
    parts.append(Paragraph(words("worth.read", draws=f"{found.draws:,}")))
    header = (words("uncertainty.number"), words("worth.points"), *heads)
    parts.append(Grid(words("worth.rows"), header, (*lines, Line(whole, "total"))))
    if rest := len(found.rows) - len(lines):
        parts.append(Paragraph(words("worth.rest", count=rest)))
    title = words("worth.title", scenario=found.scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(found.scenario, words))


def _people(number: float) -> str:
    return signed(plain(Fraction(number), 1))


def _name(number: Assumption | None, words: Words) -> str:
    return "" if number is None else number.title.of(words.lang)


def _answer(scenario: Scenario, name: str, words: Words) -> str:
    if name == INDEX:
        return words("uncertainty.index")
    (metric,) = (one for one in scenario.programme.file.metrics if one.id == name)
    return metric.title.of(words.lang)
