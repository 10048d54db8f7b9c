"""One rule reads the same in all media: terminal, page, workbook and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest

from models.record import findings_csv
from models.solution import Solution
from reports.catalogue import Words
from reports.documents.solution_page import solution_page
from reports.terminal import render
from tests.books import LIMITS, book
from tests.by_hand import by_hand
from tests.pages import Page, page_of
from tests.worlds import rule, world

ROWS = [[11, 0], [7, 30]]


def solution(folder: Path) -> Solution:
    """Rules of every measure: kept, near, binding and broken, with decimals that do not end."""
    rules = [
        rule(
            id="near",
            title="Near",
            where={"task": "road"},
            at_most={"share": "1/3", "of": "budget"},
        ),
        rule(id="binds", title="Binds", where={"task": "school"}, at_least=30),
        rule(id="jobs", title="Jobs", measure="jobs", at_least="17.65"),
        rule(id="cells", title="Cells", measure="cells", at_most=2),
        rule(id="heads", title="Heads", per_head="people", at_most="0.13"),
        rule(
            id="share",
            title="Share",
            where={"task": "road"},
            at_least={"share": "2/7", "of": "amount"},
        ),
    ]
    scenario = world(folder, {"budget": 55, "rules": rules})
    return by_hand(scenario, ROWS, [[1, 0], [0, 0]])


def in_csv(made: Solution) -> dict[str, dict[str, str]]:
    text = findings_csv(made.audit).decode("utf-8-sig")
    return {row["rule"]: row for row in csv.DictReader(io.StringIO(text))}


def in_terminal(made: Solution, title: str) -> list[str]:
    """Value, limit, slack."""
    text = render(solution_page(made, Words("en")), 200)
    lines = (re.split(r" {2,}", line) for line in text.splitlines())
    (cells,) = (cells for cells in lines if cells[0] == title and len(cells) > 4)
    return cells[2:5]


def in_page(made: Solution) -> list[list[str]]:
    """Value, limit, slack of every limit."""
    inner = [table for table in Page(page_of(made, "en")).tables if "inner" in table.names]
    rows = [row.text for table in inner for row in table.rows[1:]]
    signs = [(row[1].replace("≥", ">=").replace("≤", "<="), row) for row in rows]
    return [[row[2], limit, row[3]] for limit, row in signs]


def in_workbook(made: Solution, title: str) -> tuple[float, float | None, float | None, float]:
    """Value, lower, upper, slack of a rule of one limit, as they are stored."""
    (row,) = workbook_rows(made, title)
    return row


def workbook_rows(
    made: Solution, title: str
) -> list[tuple[float, float | None, float | None, float]]:
    content = io.BytesIO(book(made, "en"))
    sheet = openpyxl.load_workbook(content, data_only=True)[LIMITS["en"]]
    rows = ([cell.value for cell in row] for row in sheet.iter_rows(min_row=4))
    return [(row[4], row[3] or None, row[5] or None, row[6]) for row in rows if row[0] == title]


def numbers(row: dict[str, str]) -> Iterator[Fraction | None]:
    for name in ("value", "lower", "upper", "slack"):
        yield Fraction(row[name]) if row[name] else None


def is_rounding_of(text: str, exact: Fraction) -> bool:
    """Whether a text is the number rounded to the decimals that it shows, either way."""
    plain = text.split()[0].lstrip("<>=").replace(",", "")
    places = len(plain.partition(".")[2])
    return abs(Fraction(plain) - exact) < Fraction(1, 10**places)


@pytest.mark.parametrize("name", ["near", "binds", "jobs", "cells", "heads", "share"])
def test_value_limit_and_slack_of_a_rule_are_the_same_in_all_media(
    tmp_path: Path, name: str
) -> None:
    made = solution(tmp_path)
    value, lower, upper, slack = numbers(in_csv(made)[name])
    texts = in_terminal(made, name.title())
    assert texts in in_page(made)
    limit = lower if lower is not None else upper
    assert value is not None and limit is not None and slack is not None
    scale, heads = (100, 400) if name == "heads" else (1, 1)  # Per 100 people; the slack in all.
    for text, exact in zip(texts, (value * scale, limit * scale, slack * heads), strict=True):
        assert is_rounding_of(text, exact), (text, exact)
    stored = in_workbook(made, name.title())
    scales = (scale, scale, scale, heads)
    for found, exact, times in zip(stored, (value, lower, upper, slack), scales, strict=True):
        assert (found is None) == (exact is None)
        assert (
            found is None
            or exact is None
            or found == pytest.approx(float(exact * times), rel=1e-12)
        )


@pytest.mark.parametrize("lot", [5, 10, {"column": "least"}])
def test_the_lot_reads_the_least_funded_cell_in_all_media(tmp_path: Path, lot: object) -> None:
    tasks = {"road": {"least": 10}, "school": {"least": 4}}
    scenario = world(tmp_path, {"budget": 55, "lot": lot, "rules": []}, tasks=tasks)
    made = by_hand(scenario, ROWS, [[1, 0], [0, 0]])
    title = Words("en")("rule.lot")
    value, least, slack = (float(text.lstrip(">=")) for text in in_terminal(made, title))
    assert (value, least) == (7, 5 if lot == 5 else 10) and slack == value - least
    rows = workbook_rows(made, title)
    assert (value, least, None, slack) in rows
    assert len(rows) == (2 if isinstance(lot, dict) else 1)


def test_near_and_binding_are_told_apart_everywhere(tmp_path: Path) -> None:
    """18 of 55/3 and 17.7 of 17.65 are near, 30 of 30 bind."""
    made = solution(tmp_path)
    rows = in_csv(made)
    assert (rows["near"]["binding"], rows["near"]["near"]) == ("false", "true")
    assert (rows["binds"]["binding"], rows["binds"]["near"]) == ("true", "false")
    text = render(solution_page(made, Words("en")), 200)
    binding, near = text.index("Binding limits"), text.index("Near their limits")
    assert "Binds (slack 0)" in text[binding:near] and "Near (slack 0.3)" in text[near:]
    assert "Near (slack" not in text[binding:near]
    page = Page(page_of(made, "en"))
    last = [row.text[-1] for table in page.tables if "inner" in table.names for row in table.rows]
    assert last.count("near") == 2 and last.count("yes") == 1
