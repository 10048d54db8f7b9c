"""What `compare` says, and its JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from optimizer.audit.movers import Mover
from optimizer.compare import Column, Compared
from optimizer.compare.rows import RuleRow, held_by
from optimizer.compare.who_moves import ColumnMovers
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part, Role
from reports.documents.comparison_tables import (
    compared_grids,
    moves,
    outcome_rows,
    per_resident,
    sums,
)
from reports.numbers import amount_text, lower, signed_change
from reports.view.comparison_view import (
    NO_ROOM,
    ComparisonView,
    input_matrix,
    marks_in_use,
    remarks,
)
from reports.view.stability_view import stability_grid, stability_json, stability_notes

# What `allot compare` shows on a terminal.


MOST_INPUTS = 40
"""More differences than these in the inputs are counted, not listed."""
MOST_COUNTIES = 5
"""So many counties that gain and that lose most are named for each column."""


def compare_page(compared: Compared, words: Words, counties: Sequence[int] = ()) -> Document:
    """The page; `counties` are positions of those to be told in full."""
    view = ComparisonView(compared, words)
    parts = [
        *_head(view),
        *_notes(view),
        outcome_grid(view),
        *_inputs(view),
        *[money for money in _money(view) if money.lines],
        *_per_head(view),
        *_moved_line(view),
        *compared_grids(view),
        *_stability(view),
        _rules(view),
        *[part for at in counties for part in _county(view, at)],
    ]
    notes = (Paragraph(text, indent=3) for text in view.legend(marks_in_use(view)))
    title = compared.world.programme.file.title.of(words.lang)
    return Document(title, tuple(parts), (Paragraph(""), *notes))


def _head(view: ComparisonView) -> list[Part]:
    words, compared = view.words, view.compared
    reference = view.letter(compared.reference)
    title = words("compare.title", reference=reference)
    parts: list[Part] = [Paragraph(title, "strong")]
    for one in compared.columns:
        role: Role = "alarm" if one.reads is None else ""
        parts.append(Paragraph(view.line(one), role, indent=4))
        if changes := view.changes(one):
            said = words("validate.changes", changes=words("list").join(changes))
            parts.append(Paragraph(said, indent=6, start=3))
        parts += [Paragraph(text, indent=6, start=3) for text in view.why(one)]
    return [*parts, Paragraph("")]


def _notes(view: ComparisonView) -> list[Part]:
    return [Paragraph(view.words("study.note", note=text), indent=2) for text in remarks(view)]


def outcome_grid(view: ComparisonView) -> Grid:
    """Metrics with the difference below each, then shares, money, spread, rules, the index."""
    words, compared = view.words, view.compared
    lines = []
    for row in outcome_rows(view):
        inline = row.kind != "metric"
        cells = [f"{one.text} {one.change}".strip() if inline else one.text for one in row.cells]
        lines.append(Line((row.title, *cells)))
        if any(one.beside for one in row.cells):
            beside = [one.beside or one.text for one in row.cells]
            lines.append(Line((words("compare.by-reference"), *beside)))
        if not inline:
            changes = [one.change for one in row.cells]
            lines.append(Line((words("compare.difference"), *changes)))
    known = compared.world.metrics
    header = (
        words("column.metric" if known else "column.fact"),
        *(view.letter(one) for one in compared.columns),
    )
    title = words(
        "compare.outcomes" if known else "compare.money-facts",
        money=view.money,
        reference=view.letter(compared.reference),
    )
    return Grid(title, header, tuple(lines))


def _inputs(view: ComparisonView) -> list[Part]:
    words, compared = view.words, view.compared
    shown = input_matrix(view)
    if not shown:
        return [Paragraph(""), Paragraph(words("compare.inputs.none"), indent=2)]
    lines = [Line((path, *cells)) for path, cells in shown[:MOST_INPUTS]]
    if len(shown) > MOST_INPUTS:
        more = words("compare.inputs.more", count=len(shown) - MOST_INPUTS)
        lines.append(Line((more, *[""] * len(compared.columns)), "note"))
    header = (words("compare.path"), *(view.letter(one) for one in compared.columns))
    text = frozenset({0})
    return [Grid(words("compare.inputs"), header, tuple(lines), text)]


def _money(view: ComparisonView) -> list[Grid]:
    """Money by task and by each grouping: the reference's, then what the others differ by."""
    words, compared = view.words, view.compared
    grids = []
    for title, rows in sums(view):
        lines = [
            Line((name, *_against(view, amounts)), "total" if at == len(rows) - 1 else "")
            for at, (name, amounts) in enumerate(rows)
        ]
        header = [title]
        for one in compared.columns:
            letter = view.letter(one)
            minus = words("compare.minus", letter=letter, reference=view.letter(compared.reference))
            header.append(letter if one is compared.reference else minus)
        grids.append(
            Grid(
                words("compare.money", by=lower(title), money=view.money),
                tuple(header),
                tuple(lines),
            )
        )
    return grids


def _against(view: ComparisonView, amounts: Sequence[Fraction | None]) -> list[str]:
    compared = view.compared
    mine = amounts[compared.at]
    found = []
    for one, amount in zip(compared.columns, amounts, strict=True):
        if one is compared.reference:
            found.append("-" if mine is None else amount_text(mine))
        elif amount is None or mine is None:
            found.append("-")
        else:
            found.append(signed_change(amount - mine))
    return found


def _per_head(view: ComparisonView) -> list[Part]:
    found = per_resident(view)
    if found is None:
        return []
    title, rows = found
    last = len(rows) - 1
    lines = [
        Line((name, *cells), "total" if at == last else "") for at, (name, cells) in enumerate(rows)
    ]
    header = (view.grouping(0), *(view.letter(one) for one in view.compared.columns))
    return [Grid(title, header, tuple(lines))]


def _moved_line(view: ComparisonView) -> list[Part]:
    words, compared = view.words, view.compared
    texts = [text for one in compared.others for text in moves(view, one, MOST_COUNTIES)]
    if not texts:
        return []
    heading = Paragraph(words("compare.counties"), "heading")
    return [heading, *(Paragraph(text, indent=4, start=2) for text in texts)]


def _stability(view: ComparisonView) -> list[Part]:
    """What moving less money between counties costs in the reference."""
    curve = view.compared.curve
    if curve is None:
        return []
    said = [Paragraph(text, indent=2) for text in stability_notes(curve, view.words)]
    return [stability_grid(curve, view.compared.reference.scenario, view.words), *said]


def _rules(view: ComparisonView) -> Grid:
    """Every rule with its state and slack, column by column."""
    words, compared = view.words, view.compared
    rows: dict[str, list[str]] = {}
    for row in compared.rule_rows:
        slack = view.slack(row)
        state = view.rule_state(row)
        rows.setdefault(row.rule, []).append(f"{state} {slack}".strip())
    off = words("compare.state.off"), words("compare.state.absent")
    broken = {row.rule for row in compared.rule_rows if row.broken}
    shown = {
        rule: cells
        for rule, cells in rows.items()
        if not set(cells) <= set(off) and (rule not in NO_ROOM or rule in broken)
    }
    lines = [Line((view.rule_title(rule), *cells)) for rule, cells in shown.items()]
    header = (words("column.rule"), *(view.letter(one) for one in compared.columns))
    return Grid(words("compare.rules", money=view.money), header, tuple(lines))


def _county(view: ComparisonView, at: int) -> list[Part]:
    """One county: its money in each column, and the rules that bind for it."""
    words, compared = view.words, view.compared
    county = compared.world.counties[at]
    title = words("compare.county", county=view.county(at), code=county.code, money=view.money)
    changes = {one.name: compared.changes(one)[at] for one in compared.columns}
    lines = []
    for one in compared.columns:
        money = "-"
        if one.reads is not None:
            money = amount_text(Fraction(sum(one.reads.money[at].tolist())))
        if one.reads is not None and one is not compared.reference:
            money += f" ({signed_change(changes[one.name])})"
        rules = words("list").join(view.binding(one)[1].get(county.code, [])) or words("none")
        lines.append(Line((view.letter(one), money, rules)))
    header = ("", view.money, words("compare.binds"))
    return [Grid(title, header, tuple(lines), frozenset({0, 2}))]


# `compare --json`: the exact rows of a comparison as one document.


def compare_view(compared: Compared, words: Words) -> dict[str, Any]:
    """Columns, inputs, outcomes, amounts (every level but the cells), cells, rules, movement.

    Numbers are exact; what is not there is null; `why` is in the language asked for.
    """
    return {
        "reference": compared.reference.name,
        "columns": [_column(compared, one, words) for one in compared.columns],
        "apart": [
            {
                "column": row.column,
                "what": row.what,
                "only_here": list(row.only_here),
                "only_in_reference": list(row.only_in_reference),
            }
            for row in compared.world.apart
        ],
        "inputs": [
            {
                "column": row.column,
                "path": row.path,
                "sort": row.sort,
                "reference": row.reference,
                "value": row.value,
            }
            for row in compared.input_rows
        ],
        "outcomes": [_outcome(row) for row in compared.outcome_rows],
        "amounts": [
            {
                "column": row.column,
                "level": row.level,
                "place": row.place,
                "task": row.task,
                "amount": row.amount,
                "reference": row.reference,
                "difference": row.difference,
            }
            for row in compared.amount_rows
            if row.level != "cell" or row.amount or row.difference
        ],
        "rules": [_rule(row) for row in compared.rule_rows],
        "prices": [
            {
                "rule": price.rule,
                "column": one.name,
                "path": price.path,
                "number": price.number,
                "step": price.step,
                "points": price.points,
                "metrics": dict(price.metrics),
                "kept": price.kept,
            }
            for one in compared.columns
            if one.solution is not None
            for price in one.solution.prices
        ],
        "moved": [_moved(compared, row) for row in compared.moved_rows],
        "movers": [_movers(one) for one in compared.who_moves],
        "curve": stability_json(compared.curve),
        "seconds": compared.seconds,
    }


def _why(column: Column, words: Words) -> str:
    """Why a column has no allocation; '' where it has one."""
    if words.lang == "en" or column.status != "infeasible" or not column.reasons:
        return words.reason(column.why)
    return words("compare.infeasible") + "；".join(one["zh"] for one in column.reasons)


def _column(compared: Compared, column: Column, words: Words) -> dict[str, Any]:
    reads = column.reads
    both = column.scenario.spec.title
    return {
        "column": column.name,
        "title": {"zh": both.zh, "en": both.en},
        "kind": column.kind,
        "scenario": column.scenario.name,
        "changes": list(column.scenario.changes),
        "status": column.status,
        "why": _why(column, words),
        "reasons": [dict(reason) for reason in column.reasons],
        "objective": reads.objective if reads else None,
        "worth": reads.worth if reads else None,
        "penalty": reads.audit.penalty if reads else None,
        "bound_proved": column.solution.bound_proved if column.solution else None,
        "bound_solver": column.solution.bound_solver if column.solution else None,
        "gap": column.gap,
        "source": column.solution.source if column.solution else None,
        "money": None
        if reads is None
        else {
            "budget": column.scenario.budget,
            "spent": reads.audit.spent,
            "unspent": reads.audit.unspent,
        },
        "broken": list(reads.audit.broken_rules) if reads else None,
        "broken_under_reference": list(reads.under_reference.broken_rules)
        if reads and reads.under_reference
        else None,
        "other_response": compared.has_other_response(column),
        "gini": reads.gini if reads else None,
        "held": _held(column),
        "mark": compared.marks[column.name],
    }


def _held(column: Column) -> dict[str, Any]:
    """Ids of the rules that bind or are broken: for the whole grid, and by county's code."""
    wide: list[str] = []
    counties: dict[str, list[str]] = {}
    for held in held_by(column):
        for code in held.counties:
            counties.setdefault(code, []).append(held.finding.rule)
        if not held.counties:
            wide.append(held.finding.rule)
    unique = {code: list(dict.fromkeys(names)) for code, names in counties.items()}
    return {"everywhere": list(dict.fromkeys(wide)), "counties": unique}


def _outcome(row: Any) -> dict[str, Any]:
    return {
        "column": row.column,
        "metric": row.metric,
        "outcome": row.value,
        "reference": row.reference,
        "difference": row.difference,
        "by_reference": row.by_reference,
        "difference_by_reference": row.difference_by_reference,
        "mark": row.mark,
    }


def _rule(row: RuleRow) -> dict[str, Any]:
    limit = row.tightest
    return {
        "rule": row.rule,
        "column": row.column,
        "state": row.state,
        "limits": row.limits,
        "broken": row.broken,
        "binding": row.binding,
        "near": row.near,
        "key": dict(limit.key) if limit else None,
        "value": limit.value if limit else None,
        "lower": limit.lower if limit else None,
        "upper": limit.upper if limit else None,
        "slack": limit.slack if limit else None,
    }


def _moved(compared: Compared, row: Any) -> Mapping[str, Any]:
    changes = compared.changes(compared.column(row.column))
    counties = compared.world.counties
    return {
        "column": row.column,
        "moved": row.moved,
        "added": row.added,
        "taken": row.taken,
        "gaining": row.gaining,
        "losing": row.losing,
        "mark": row.mark,
        "counties": {
            county.code: change for county, change in zip(counties, changes, strict=True) if change
        },
    }


def _movers(one: ColumnMovers) -> dict[str, Any]:
    programme = one.column.scenario.programme
    counties, tasks = programme.counties.ids, programme.tasks.ids

    def cell(place: tuple[int, int] | None) -> dict[str, str] | None:
        return None if place is None else {"county": counties[place[0]], "task": tasks[place[1]]}

    def mover(found: Mover) -> dict[str, Any]:
        swap = found.swap
        told = {"county": counties[found.county], "before": found.before, "now": found.now}
        if swap is None:
            return {**told, "swap": None}
        ends = {"source": cell(swap.move.source), "target": cell(swap.move.target)}
        moved = {**ends, "money": swap.move.money, "metrics": swap.move.metrics}
        return {**told, "swap": {**moved, "objective": swap.points, "breaks": list(swap.breaks)}}

    return {
        "column": one.column.name,
        "against": None if one.against is None else one.against.name,
        "last_year": one.last_year,
        "losers": list(map(mover, one.movers.losers)),
        "winners": list(map(mover, one.movers.winners)),
    }
