"""What `verify` and `reproduce` say."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.certificate import NAME as CERTIFICATE
from models.metadata import read_labels, value_name
from models.record.manifest import Manifest, in_fours
from optimizer.verify import Against, Proven, Verified
from optimizer.verify.replayed_tables import Difference, Replayed
from reports.catalogue import Words
from reports.document import Document, Grid, Line, LineMark, Paragraph, Part, item
from reports.numbers import at_most_text, gap_text, plain
from reports.view.remarks import search_notes, solver_notes

if TYPE_CHECKING:  # A verified record loads no solver.
    from optimizer.decision import OtherCell, Reproduced

# What `allot verify` shows, and its JSON document.


MOST_LINES = 8
"""Differences of one file that the page names."""
_LONGEST = 120


def verify_view(verified: Verified, record: Path) -> dict[str, Any]:
    """`verify --json`: every check with every difference, what is proven, what the solver said."""
    manifest, proven = verified.manifest, verified.proven
    return {
        "record": record.name,
        "scenario": manifest and manifest.scenario.name,
        "version": manifest and manifest.version,
        "fingerprint": manifest and manifest.fingerprint,
        "verified": verified.good,
        "replays": verified.replays,
        "broken": [] if verified.audit is None else list(verified.audit.broken_rules),
        "objective": verified.objective,
        "penalty": None if verified.audit is None else verified.audit.penalty,
        "certificate": proven and {"bound": proven.bound, "distance": proven.distance},
        "solver": manifest and _solver_view(manifest),
        "checks": [_check_view(check) for check in verified.checks],
        "not_compared": list(verified.not_compared),
        "against": _against_view(verified.against),
    }


def _against_view(against: Against | None) -> dict[str, Any] | None:
    if against is None:
        return None
    rows = [
        {"file": one.file, "place": one.place, "trusted": one.one, "recorded": one.other}
        for one in against.differences
    ]
    return {"scenario": against.trusted, "differences": rows}


def _solver_view(manifest: Manifest) -> dict[str, Any]:
    """What only the solver said."""
    return {
        "name": manifest.solver.name,
        "version": manifest.solver.version,
        "status": manifest.result.status,
        "bound": _said(manifest),
        "gap": manifest.result.gap,
        "notes": list(manifest.solver.notes),
        "second_opinion": manifest.solver.second_opinion,
        "source": manifest.result.source,
    }


def _check_view(check: Replayed) -> dict[str, Any]:
    return {
        "name": check.name,
        "count": check.count,
        "differences": [
            {**vars(one), "message_zh": Words("zh").reason(one.message)}
            for one in check.differences
        ],
        "only": check.only,
    }


def verify_page(verified: Verified, record: Path, words: Words) -> Document:
    """The checks, what differs, what is proven, what only the solver said."""
    told = verified.manifest
    title = words("verify.title", record=record.name, scenario=told.scenario.name if told else "?")
    parts: list[Part] = [
        *([] if told is None else [_fingerprint(told, words)]),
        _checks(verified, words),
        *_differences(verified, words),
        Paragraph(""),
    ]
    if verified.audit is not None:
        parts += _how_good(verified, words)
    only = [check.only for check in verified.checks if check.only]
    parts += [Paragraph(words(_ONLY[one]), indent=2) for one in only]
    parts += _against(verified.against, words)
    parts += [*_not_compared(verified, words), Paragraph(words("verify.untold"), indent=2)]
    return Document(title, (*parts, _result(verified, words)))


def _fingerprint(manifest: Manifest, words: Words) -> Paragraph:
    return Paragraph(words("fingerprint", groups=in_fours(manifest.fingerprint)))


def _result(verified: Verified, words: Words) -> Paragraph:
    if verified.good:
        return Paragraph(words("verify.good"), "strong")
    if not verified.replays or verified.audit is None:
        return Paragraph(words("verify.bad"), "alarm")
    if not verified.audit.broken:
        return Paragraph(words("verify.other-scenario"), "alarm")
    rules = words("list").join(verified.audit.broken_rules)
    return Paragraph(words("verify.broken", rules=rules), "alarm")


def _checks(verified: Verified, words: Words) -> Grid:
    lines = []
    for check in verified.checks:
        count = len(check.differences)
        state = words("verify.differs", count=count) if count else words("verify.same")
        mark: LineMark = "broken" if count else ""
        lines.append(Line((words(_CHECKS[check.name]), plain(check.count), state), mark))
    header = (words("verify.check"), words("verify.count"), words("verify.state"))
    return Grid(words("verify.checks"), header, tuple(lines), frozenset({0, 2}))


_CHECKS = {
    "files": "verify.files",
    "scenario": "verify.scenario",
    "findings.csv": "verify.findings.csv",
    "outcomes.csv": "verify.outcomes.csv",
    "allocation.csv": "verify.allocation.csv",
    "prices.csv": "verify.prices.csv",
    "stability.csv": "verify.stability.csv",
    "drawn": "verify.drawn",
    "fingerprint": "verify.fingerprint",
    "baseline.csv": "verify.baseline.csv",
    "manifest.json": "verify.manifest.json",
    "certificate.csv": "verify.certificate.csv",
    "certificate-by-county.csv": "verify.certificate-by-county.csv",
    "certificate-by-case.csv": "verify.certificate-by-case.csv",
}


_ONLY = {"layout": "verify.only.layout", "release": "verify.only.release"}


def _differences(verified: Verified, words: Words) -> list[Part]:
    """Each file's first differences in words."""
    parts: list[Part] = []
    for check in verified.checks:
        parts += [item(_worded(one, words), 0) for one in check.differences[:MOST_LINES]]
        if rest := len(check.differences[MOST_LINES:]):
            parts.append(Paragraph(words("verify.more", count=rest), indent=2, start=2))
    if not parts:
        return []
    return [Paragraph(words("verify.differences"), "heading"), *parts]


MOST_INPUTS = 40
"""Inputs that differ from those of a trusted scenario that the page names."""


def _against(against: Against | None, words: Words) -> list[Part]:
    """Every place in which the scenario is not the trusted one."""
    if against is None:
        return []
    found, name = against.differences, against.trusted
    if not found:
        return [Paragraph(words("verify.against.same", scenario=name), indent=2)]
    lines = [
        Line((f"{one.file} {one.place}", _short(one.one) or "-", _short(one.other) or "-"))
        for one in found[:MOST_INPUTS]
    ]
    keys = ("verify.against.place", "verify.against.trusted", "verify.against.recorded")
    header = tuple(words(key) for key in keys)
    title = words("verify.against", scenario=name, count=len(found))
    parts: list[Part] = [Grid(title, header, tuple(lines), frozenset({0, 1, 2}))]
    if rest := len(found[MOST_INPUTS:]):
        parts.append(Paragraph(words("verify.more", count=rest), indent=2, start=2))
    return parts


def _not_compared(verified: Verified, words: Words) -> list[Part]:
    if not verified.not_compared:
        return []
    places = words("list").join(verified.not_compared)
    version = verified.manifest.version if verified.manifest else "?"
    text = words("verify.not-compared", version=version, places=places)
    return [Paragraph(text, indent=2)]


def _worded(one: Difference, words: Words) -> str:
    key = "verify.place" if one.line is None else "verify.line"
    place = words(key, file=one.file, line=one.line, place=words.told(one.place)).strip()
    if one.message:
        return words("verify.message", place=place, message=words.reason(one.message))
    found, due = _short(one.found), _short(one.due)
    if one.column and due:
        column = words.told(one.column)
        return words("verify.column", place=place, column=column, found=found, due=due)
    if not found:
        return words("verify.missing", place=place, due=due)
    return words("verify.other" if due else "verify.undue", place=place, found=found, due=due)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _how_good(verified: Verified, words: Words) -> list[Part]:
    """What the certificate proves, and apart from it what only the solver said."""
    manifest = verified.manifest
    assert manifest is not None
    parts: list[Part] = []
    if verified.proven is not None:
        parts.append(Paragraph(_proven(verified, verified.proven, words), indent=2))
    elif not any(check.name == CERTIFICATE for check in verified.checks):
        parts.append(Paragraph(words("verify.certificate.none"), indent=2))
    solver = f"{manifest.solver.name} {manifest.solver.version}"
    said = _said(manifest)
    if said is None:
        parts.append(Paragraph(words("verify.solver.none", solver=solver), indent=2))
    else:
        exact = Fraction(repr(said))
        bound, gap = _outwards(exact), _distance(exact, verified)
        text = words("verify.solver", bound=bound, gap=gap, solver=solver)
        parts.append(Paragraph(text, indent=2))
    notes = [] if verified.solution is None else search_notes(verified.solution, words)
    return [*parts, *(item(words("verify.solver.note", note=note), 4) for note in notes)]


def _proven(verified: Verified, proven: Proven, words: Words) -> str:
    assert verified.audit is not None and verified.objective is not None
    worth = verified.objective - verified.audit.penalty
    bound, achieved = _outwards(proven.bound), _trimmed(worth)
    if proven.bound == worth:
        return words("verify.best", bound=bound, worth=achieved)
    distance = "-" if proven.distance is None else gap_text(float(proven.distance))
    return words("verify.proven", bound=bound, worth=achieved, distance=distance)


def _said(manifest: Manifest) -> float | None:
    """The solver's bound, which a record of before the third version keeps by another name."""
    result = manifest.result
    return result.bound if result.bound_solver is None else result.bound_solver


def _distance(bound: Fraction, verified: Verified) -> str:
    """How far the recorded allocation is from a bound, relative to its objective."""
    if verified.audit is None or not verified.objective:
        return "-"
    worth = verified.objective - verified.audit.penalty
    return gap_text(float((bound - worth) / abs(verified.objective)))


def _outwards(bound: Fraction) -> str:
    """To nine decimals rounded up, without zeros at the end."""
    return at_most_text(bound, 9).rstrip("0").rstrip(".")


def _trimmed(number: Fraction) -> str:
    """To nine decimals, without zeros at the end."""
    return plain(number, 9).rstrip("0").rstrip(".")


# What `allot reproduce` shows, and its JSON document.


MOST_CELLS = 20
"""Cells that the page names."""
_PLACES = 9


def reproduce_view(found: Reproduced, record: Path) -> dict[str, Any]:
    """`reproduce --json`: every cell that differs, objectives, versions."""
    then = found.manifest
    return {
        "record": record.name,
        "scenario": then.scenario.name,
        "same": found.same,
        "cells": {"same": found.cells - len(found.differences), "other": len(found.differences)},
        "differences": [vars(cell) for cell in found.differences],
        "objective": {
            "then": then.result.objective,
            "now": found.solution.objective,
            "change": found.objective_change,
        },
        "said": [vars(one) for one in found.said],
        "notes": {"then": list(then.solver.notes), "now": list(found.solution.solver.notes)},
        "versions": {
            name: {"then": old, "now": new} for name, (old, new) in found.versions.items()
        },
    }


def reproduce_page(found: Reproduced, record: Path, words: Words) -> Document:
    """Same or not, which cells, by how much, and with what both were made."""
    told = found.manifest
    same, other = found.cells - len(found.differences), len(found.differences)
    verdict = words("reproduce.same", count=same)
    if other:
        verdict = words("reproduce.other", same=same, other=other)
    objective = words(
        "reproduce.objective",
        then=plain(told.result.objective, _PLACES),
        now=plain(found.solution.objective, _PLACES),
        change=plain(found.objective_change, _PLACES),
    )
    parts: list[Part] = [
        Paragraph(verdict, "alarm" if other else "strong"),
        *([] if not found.said else [Paragraph(words("reproduce.says"), "alarm")]),
        Paragraph(objective),
        *(Paragraph(note, indent=2) for note in solver_notes(found.solution, words)),
    ]
    if other:
        parts.append(_cells(found, words))
    if other > MOST_CELLS:
        parts.append(Paragraph(words("verify.more", count=other - MOST_CELLS), indent=2))
    if found.said:
        parts.append(_other_words(found, words))
    title = words("reproduce.title", record=record.name, scenario=told.scenario.name)
    return Document(title, (*parts, _versions(found, words)))


def _cells(found: Reproduced, words: Words) -> Grid:
    programme = found.scenario.programme
    labels = read_labels(programme)

    def named(cell: OtherCell) -> tuple[str, str]:
        items = (("county", cell.county), ("task", cell.task))
        county, task = (value_name(programme, labels, item, words.lang) for item in items)
        return county, task

    lines = [
        Line((*named(cell), *(plain(n, _places(n)) for n in (cell.then, cell.now))))
        for cell in found.differences[:MOST_CELLS]
    ]
    keys = ("certificate.county", "certificate.task", "reproduce.then", "reproduce.now")
    header = tuple(words(key) for key in keys)
    return Grid(words("reproduce.cells"), header, tuple(lines), frozenset({0, 1}))


def _other_words(found: Reproduced, words: Words) -> Grid:
    """What the solver says otherwise than the record has it."""
    lines = [
        Line((one.place, _short(one.then) or "-", _short(one.now) or "-")) for one in found.said
    ]
    keys = ("reproduce.place", "reproduce.then", "reproduce.now")
    header = tuple(words(key) for key in keys)
    title = words("reproduce.said", count=len(found.said))
    return Grid(title, header, tuple(lines[:MOST_CELLS]), frozenset({0, 1, 2}))


def _places(number: Any) -> int:
    return 0 if number.denominator == 1 else 6


def _versions(found: Reproduced, words: Words) -> Grid:
    lines = [Line((name, then or "-", now or "-")) for name, (then, now) in found.versions.items()]
    header = (words("reproduce.with"), words("reproduce.then"), words("reproduce.now"))
    return Grid(words("reproduce.versions"), header, tuple(lines), frozenset({0, 1, 2}))
