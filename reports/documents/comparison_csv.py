"""`compare.csv`: everything of a comparison in one long table, exact, for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from models.exact import exact_text
from models.files import csv_text, guarded
from models.solution import Solution
from optimizer.compare import Column, Compared
from optimizer.compare.rows import outside_of

HEADER = (
    "section",
    "column",
    "item",
    "level",
    "place",
    "name",
    "task",
    "value",
    "reference",
    "difference",
    "lower",
    "upper",
    "slack",
    "state",
    "mark",
    "rate",
)
"""section: column (item: status, gap, worth …), input (item: path, state: sort), outcome and
outcome-by-reference (item: metric), amount (level, place, name, task), last-year (a county's
money, under reference last year's, then the change and its rate), rule (item: id; place: the
tightest group, level: limits read/binding/broken), price (item: rule, place: the path whose number
goes up by the step in `upper`, level: points or a metric). Money in money units, outcomes in
their unit."""
Cells = dict[str, object]


def compare_csv(compared: Compared) -> bytes:
    """The file; numbers are written in full, what is not there is empty."""
    found = [*_columns(compared), *_inputs(compared), *_outcomes(compared)]
    rows = [
        *found,
        *_amounts(compared),
        *_last_year(compared),
        *_rules(compared),
        *_prices(compared),
    ]
    return csv_text(HEADER, [[_cell(row.get(name)) for name in HEADER] for row in rows]).encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Fraction):
        return exact_text(value)
    return guarded(value) if isinstance(value, str) else repr(value)


def _columns(compared: Compared) -> Iterator[Cells]:
    moved = {row.column: row.moved for row in compared.moved_rows}
    for one in compared.columns:
        said = {**_of_column(one), "moved": moved.get(one.name)}
        for item, value in said.items():
            mark = compared.marks[one.name] if item == "moved" else ""
            reference = "reference" if one is compared.reference else ""
            yield {
                "section": "column",
                "column": one.name,
                "item": item,
                "value": value,
                "state": reference,
                "mark": mark,
            }


def _of_column(column: Column) -> Cells:
    reads = column.reads
    found: Cells = {"kind": column.kind, "status": column.status}
    if reads is None:
        return {**found, "why": column.why}
    return {
        **found,
        "gap": column.gap,
        **_bounds(column.solution),
        "objective": reads.objective,
        "worth": reads.worth,
        "penalty": reads.audit.penalty,
        "budget": Fraction(column.scenario.budget),
        "spent": reads.audit.spent,
        "unspent": reads.audit.unspent,
        "gini": reads.gini,
        "broken rules": " ".join(reads.audit.broken_rules),
    }


def _bounds(solution: Solution | None) -> Cells:
    if solution is None:
        return dict.fromkeys(("gap source", "bound proved", "bound solver"))
    return {
        "gap source": solution.source,
        "bound proved": solution.bound_proved,
        "bound solver": solution.bound_solver,
    }


def _inputs(compared: Compared) -> Iterator[Cells]:
    for row in compared.input_rows:
        yield {
            "section": "input",
            "column": row.column,
            "item": row.path,
            "value": row.value,
            "reference": row.reference,
            "state": row.sort,
        }


def _outcomes(compared: Compared) -> Iterator[Cells]:
    for row in compared.outcome_rows:
        common = {"column": row.column, "item": row.metric, "reference": row.reference}
        own = {"value": row.value, "difference": row.difference, "mark": row.mark}
        yield {"section": "outcome", **common, **own}
        under = {"value": row.by_reference, "difference": row.difference_by_reference}
        yield {"section": "outcome-by-reference", **common, **under, "mark": row.mark}


def _amounts(compared: Compared) -> Iterator[Cells]:
    names = {county.code: county.name.zh for county in compared.world.counties}
    for one in compared.columns:
        names = {code: name for code, (name, _) in outside_of(one).items()} | names
    for row in compared.amount_rows:
        if row.level == "cell" and not (row.amount or row.reference):
            continue
        yield {
            "section": "amount",
            "column": row.column,
            "level": row.level,
            "place": row.place,
            "name": names.get(row.place, ""),
            "task": row.task,
            "value": row.amount,
            "reference": row.reference,
            "difference": row.difference,
        }


def _last_year(compared: Compared) -> Iterator[Cells]:
    """A county in each column whose scenario knows last year; counties that it does not are left
    out."""
    known = {one.name: one.scenario.last_year for one in compared.columns}
    names = {county.code: county.name.zh for county in compared.world.counties}
    for row in compared.amount_rows:
        last = known[row.column]
        if row.level != "county" or last is None or row.place not in last.by_county:
            continue
        before, common = last.by_county[row.place], {"section": "last-year", "level": row.level}
        place = {"column": row.column, "place": row.place, "name": names.get(row.place, "")}
        change = None if row.amount is None else row.amount - before
        rate = change / before if change is not None and before else None
        figures = {"value": row.amount, "reference": before, "difference": change, "rate": rate}
        yield {**common, **place, **figures}


def _rules(compared: Compared) -> Iterator[Cells]:
    for row in compared.rule_rows:
        limit = row.tightest
        found: Cells = {
            "section": "rule",
            "column": row.column,
            "item": row.rule,
            "level": f"{row.limits}/{row.binding}/{row.near}/{row.broken}",
            "state": row.state,
        }
        if limit is not None:
            found |= {
                "place": limit.group,
                "value": limit.value,
                "lower": limit.lower,
                "upper": limit.upper,
                "slack": limit.slack,
            }
        yield found


def _prices(compared: Compared) -> Iterator[Cells]:
    for one in compared.columns:
        for price in one.solution.prices if one.solution else ():
            for level, gained in {"points": price.points, **price.metrics}.items():
                yield {
                    "section": "price",
                    "column": one.name,
                    "item": price.rule,
                    "level": level,
                    "place": price.path,
                    "value": gained,
                    "lower": price.number,
                    "upper": price.step,
                    "state": "" if price.kept else "infeasible",
                }
