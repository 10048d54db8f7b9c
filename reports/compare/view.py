"""`compare --json`: the exact rows of a comparison as one document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optimizer.compare import Column, Compared
from optimizer.compare.rows import RuleRow, held_by


def compare_view(compared: Compared) -> dict[str, Any]:
    """Columns, inputs, outcomes, amounts (every level but the cells), cells, rules, movement.

    Numbers are exact; what is not there is null.
    """
    return {
        "reference": compared.reference.name,
        "columns": [_column(compared, one) for one in compared.columns],
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
        "seconds": compared.seconds,
    }


def _column(compared: Compared, column: Column) -> dict[str, Any]:
    reads = column.reads
    both = column.scenario.spec.title
    return {
        "column": column.name,
        "title": {"zh": both.zh, "en": both.en},
        "kind": column.kind,
        "scenario": column.scenario.name,
        "status": column.status,
        "why": column.why,
        "giving_way": [dict(way.text) for way in column.giving_way],
        "objective": reads.objective if reads else None,
        "worth": reads.worth if reads else None,
        "penalty": reads.audit.penalty if reads else None,
        "bound": column.bound,
        "gap": column.gap,
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
