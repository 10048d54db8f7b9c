"""The sheets of parameters and of sources: with what the allocation was made, and from what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.exact import exact_text
from models.solution import Solution
from models.sources import Source
from reports.excel_book import Book
from reports.numbers import gap_text, plain
from reports.readings import calibration_of
from reports.rule_table import Desk

Fact = tuple[str, str]
_SOURCE = (
    *("sources.id", "sources.kind", "sources.title-of", "sources.publisher", "sources.url"),
    *("sources.licence", "sources.year", "sources.reason", "sources.covers"),
)
_KINDS = {
    "source": "sources.source",
    "interpretation": "sources.interpretation",
    "assumption": "sources.assumption",
}
_NORMALISED = {"baseline": "normalise.baseline", "none": "normalise.none"}
_STATUS = {"optimal": "status.optimal", "feasible": "status.feasible"}


def write_parameters(
    book: Book, solution: Solution, desk: Desk, manifest: Mapping[str, Any]
) -> None:
    """The sheet: a name and what stands behind it, in blocks."""
    words = book.words
    sheet = book.sheet("sheet.parameters", [34, 100])
    sheet.titles(words("parameters.title"), words("draft"), "")
    blocks = (
        ("parameters.scenario", _scenario(desk)),
        ("parameters.result", _result(solution, desk)),
        ("parameters.method", _method(solution, manifest)),
        ("parameters.files", iter(sorted(manifest.get("files", {}).items()))),
    )
    row = 2
    for title, facts in blocks:
        sheet.texts(row, [words(title), ""], "cell block")
        row += 1
        for name, said in facts:
            sheet.texts(row, [name, said], "wrap")
            sheet.high(row, [name, said])
            row += 1
    sheet.page.freeze_panes(2, 0)
    sheet.page.repeat_rows(0, 1)


def _scenario(desk: Desk) -> Iterator[Fact]:
    words, scenario = desk.words, desk.scenario
    spec, programme = scenario.spec, scenario.programme.file
    lang, money = words.lang, programme.money.of(words.lang)
    yield words("parameters.programme"), f"{programme.title.of(lang)} ({programme.id})"
    yield words("parameters.name"), f"{spec.title.of(lang)} ({scenario.name})"
    yield (
        words("rule.budget"),
        words("parameters.amount", number=plain(scenario.budget), money=money),
    )
    if spec.lot is not None:
        lots = sorted(set(scenario.lots()))
        said = words("list").join(exact_text(lot) for lot in lots)
        yield words("rule.lot"), words("parameters.amount", number=said, money=money)
    titles = {metric.id: metric.title.of(lang) for metric in programme.metrics}
    weights = [f"{titles[name]} {exact_text(w)}" for name, w in spec.objective.weights.items()]
    yield words("parameters.weights"), words("list").join(weights)
    yield words("parameters.normalise"), words(_NORMALISED[spec.objective.normalise])
    chosen = calibration_of(scenario)
    if chosen is not None:
        name = spec.calibration or next(iter(programme.calibrations))
        note = "" if chosen.note is None else chosen.note.of(lang)
        yield words("parameters.calibration"), words("parameters.noted", name=name, note=note)
    changes = words("list").join(scenario.changes) or words("none")
    yield words("parameters.changes"), changes
    off = [rule.title.of(lang) for rule in spec.rules if not rule.enabled]
    yield words("parameters.off"), words("list").join(off) or words("none")
    soft = [rule.title.of(lang) for rule in scenario.rules if rule.soft is not None]
    yield words("parameters.soft"), words("list").join(soft) or words("none")


def _result(solution: Solution, desk: Desk) -> Iterator[Fact]:
    words = desk.words
    money = desk.scenario.programme.file.money.of(words.lang)
    audit = solution.audit
    for key, number in (("parameters.spent", audit.spent), ("parameters.unspent", audit.unspent)):
        said = words("parameters.amount", number=plain(number, _places(number)), money=money)
        yield words(key), said
    yield words("row.index"), plain(solution.objective, 4)
    if solution.gap is None:
        yield words("parameters.status"), words("status.unbounded")
    else:
        gap = gap_text(solution.gap)
        yield words("parameters.status"), words(_STATUS[solution.status], gap=gap)


def _places(number: Any) -> int:
    return 0 if number.denominator == 1 else 2


def _method(solution: Solution, manifest: Mapping[str, Any]) -> Iterator[Fact]:
    """The solver and its options; versions are those that made the record."""
    said = solution.solver
    yield "solver", f"{said.name} ({said.version})"
    for name, value in solution.options.items():
        if value is not None and name != "solver":
            yield name, str(value)
    made = manifest.get("made_with", {})
    if "python" in made:
        yield "python", str(made["python"])
    for name, version in made.get("packages", {}).items():
        yield str(name), str(version)


def write_sources(book: Book, sources: Sequence[Source]) -> None:
    """The sheet: the entries of the programme's `sources.yaml`."""
    words, lang = book.words, book.words.lang
    sheet = book.sheet("sheet.sources", [15, 7, 30, 24, 18, 14, 6, 34, 26])
    sheet.titles(words("sources.title"), words("sources.note"), "")
    sheet.head(2, [words(key) for key in _SOURCE])
    sheet.page.freeze_panes(3, 1)
    for row, source in enumerate(sources, 3):
        texts = [
            source.id,
            words(_KINDS[source.kind]),
            source.title.of(lang),
            source.publisher.of(lang),
            source.url,
            source.licence.of(lang),
            source.year,
            source.reason.of(lang),
            "\n".join(source.covers),
        ]
        sheet.texts(row, texts, "wrap")
        sheet.high(row, texts)
