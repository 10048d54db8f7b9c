"""Tidy frames of a comparison, and how it shows itself in a notebook."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from models.display import number

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.compare.column import Column
    from optimizer.compare.result import Compared


def summary(compared: Compared) -> pd.DataFrame:
    """One row a column, in the order asked for.

    `column` (its name), `kind` (scenario, record, solution, baseline, repaired, table),
    `reference` (bool), `status` (optimal, feasible, given, infeasible, no answer), `why` (where
    there is no allocation), `gap` (relative, proven; NaN without one), `objective` (in its own
    yardstick), `worth` (the same money in the reference's yardstick and response; NaN for another
    grid), `penalty`, `budget`, `spent`, `unspent` (money units), `broken` (number of rules),
    `broken_under_reference`, `gini` (of money per resident), `moved` (money units that stand
    elsewhere than in the reference), `mark` (what may explain its differences: tie, gap, open).
    """
    import pandas as pd

    moved = {row.column: row.moved for row in compared.moved_rows}
    rows = [_summary_row(compared, one, moved.get(one.name)) for one in compared.columns]
    return pd.DataFrame(rows)


def _summary_row(compared: Compared, one: Column, moved: Fraction | None) -> dict[str, object]:
    reads = one.reads
    audited = reads.audit if reads else None
    under = reads.under_reference if reads else None
    return {
        "column": one.name,
        "kind": one.kind,
        "reference": one is compared.reference,
        "status": one.status,
        "why": one.why,
        "gap": _float(one.gap),
        "objective": _float(reads.objective if reads else None),
        "worth": _float(reads.worth if reads else None),
        "penalty": _float(audited.penalty if audited else None),
        "budget": one.scenario.budget,
        "spent": _float(audited.spent if audited else None),
        "unspent": _float(audited.unspent if audited else None),
        "broken": None if audited is None else len(audited.broken_rules),
        "broken_under_reference": None if under is None else len(under.broken_rules),
        "gini": _float(reads.gini if reads else None),
        "moved": _float(Fraction(0) if reads and one is compared.reference else moved),
        "mark": compared.marks[one.name],
    }


def outcomes(compared: Compared) -> pd.DataFrame:
    """One row a column and metric.

    `column`, `metric` (id), `unit`, `outcome` (by the column's own response), `reference` (the
    reference's outcome), `difference`; `by_reference` (the same money by the reference's response,
    which is what to compare where the response is another; NaN for another grid),
    `difference_by_reference`; `mark`: what may explain the difference (tie: either allocation
    could have been the other's answer; gap: within the gaps; open: no bound proven; unweighed:
    the objective does not count the metric), '' for a finding.
    """
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "column": row.column,
                "metric": row.metric,
                "unit": row.unit.en,
                "outcome": _float(row.value),
                "reference": _float(row.reference),
                "difference": _float(row.difference),
                "by_reference": _float(row.by_reference),
                "difference_by_reference": _float(row.difference_by_reference),
                "mark": row.mark,
            }
            for row in compared.outcome_rows
        ]
    )


def amounts(compared: Compared) -> pd.DataFrame:
    """One row a column and place, level by level; differences add up over each level.

    `column`, `level` (total; outside; task; the county columns that reports add up by, such as
    area and prefecture; county; cell), `place` (a county's code, a value of the county column),
    `task` (id), `amount` (money units; NaN where the column's programme has no such place),
    `reference`, `difference`. Cells and places outside the grid add up to the total.
    """
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "column": row.column,
                "level": row.level,
                "place": row.place,
                "task": row.task,
                "amount": _float(row.amount),
                "reference": _float(row.reference),
                "difference": _float(row.difference),
            }
            for row in compared.amount_rows
        ]
    )


def rules(compared: Compared) -> pd.DataFrame:
    """One row a rule and column, each read under the column's own scenario.

    `rule` (id), `column`, `state` (kept, broken, bent; silent: nothing to read; off: switched off;
    absent: not among its rules; unknown: no allocation), `limits`, `broken`, `binding` (how
    many), then its tightest limit: `key` (the group), `value`, `lower`, `upper`, `slack`, in the
    rule's own unit, NaN where there is none.
    """
    import pandas as pd

    found = []
    for row in compared.rule_rows:
        limit = row.tightest
        found.append(
            {
                "rule": row.rule,
                "column": row.column,
                "state": row.state,
                "limits": row.limits,
                "broken": row.broken,
                "binding": row.binding,
                "key": limit.group if limit else "",
                "value": _float(limit.value if limit else None),
                "lower": _float(limit.lower if limit else None),
                "upper": _float(limit.upper if limit else None),
                "slack": _float(limit.slack if limit else None),
            }
        )
    return pd.DataFrame(found)


def inputs(compared: Compared) -> pd.DataFrame:
    """One row a difference in the inputs.

    `column`, `path` (as `--set` writes it, or file, row and column of a table), `sort` (scenario,
    rules, baseline, response, data, options, wording), `reference` and `value` (what stands there
    in the reference and in the column, as text; '' for nothing, '+' for a rule, a county or a
    task that only one of them has).
    """
    import pandas as pd

    columns = ["column", "path", "sort", "reference", "value"]
    rows = [
        (row.column, row.path, row.sort, row.reference, row.value) for row in compared.input_rows
    ]
    return pd.DataFrame(rows, columns=columns)


def moved(compared: Compared) -> pd.DataFrame:
    """One row a county that has other money than in the reference, most gained first.

    `column`, `county` (code), `name`, `reference`, `amount`, `difference` (money units), `mark`
    (tie: nothing in the inputs made the money move). `attrs["moved"]` maps each column to the
    money units that stand elsewhere, counted once.
    """
    import pandas as pd

    rows = []
    totals = {row.column: row for row in compared.moved_rows}
    for one in compared.others:
        if one.reads is None or compared.reference.reads is None:
            continue
        changes = compared.changes(one)
        order = sorted(range(len(changes)), key=lambda at: -changes[at])
        for at in (at for at in order if changes[at]):
            county, after = compared.world.counties[at], sum(one.reads.money[at].tolist())
            before = after - changes[at]
            mark = totals[one.name].mark
            numbers = (float(before), float(after), float(changes[at]))
            rows.append((one.name, county.code, county.name.en, *numbers, mark))
    columns = ["column", "county", "name", "reference", "amount", "difference", "mark"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs["moved"] = {name: _float(row.moved) for name, row in totals.items()}
    return frame


def text(compared: Compared) -> str:
    """A few lines: the columns, their outcomes, what moves."""
    moved_by = {row.column: row.moved for row in compared.moved_rows}
    lines = [f"Comparison of {len(compared.columns)} columns; reference {compared.reference.name}"]
    for one in compared.columns:
        if one.reads is None:
            lines.append(f"  {one.name}: {one.status} ({one.why})")
            continue
        found = one.reads.audit.outcomes.items()
        said = ", ".join(f"{name} {number(value)}" for name, value in found)
        mark = compared.marks[one.name]
        amount = moved_by.get(one.name)
        moves = "" if amount is None else f"; {number(amount)} money units elsewhere"
        lines.append(f"  {one.name}: {one.status}; {said}{moves}{f' ({mark})' if mark else ''}")
    return "\n".join(lines)


def html(compared: Compared) -> str:
    """The outcomes as a table, a column a column, with the status below the head."""
    frame = outcomes(compared).pivot(index="metric", columns="column", values="outcome")
    names = [one.name for one in compared.columns]
    metrics = [metric.id for metric in compared.world.metrics]
    shown = frame.reindex(index=metrics, columns=names)
    head = summary(compared).set_index("column")[["status", "worth", "spent", "moved", "mark"]].T
    import pandas as pd

    return pd.concat([shown, head[names]]).to_html(na_rep="", float_format="{:,.4g}".format)


def _float(value: Fraction | float | None) -> float:
    return float("nan") if value is None else float(value)
