"""What a comparison came to, and its tidy frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from models.exact import short_text
from optimizer.compare.columns import Column
from optimizer.compare.common_grid import CommonGrid
from optimizer.compare.input_diff import InputRow, input_rows, same_response
from optimizer.compare.rows import (
    AmountRow,
    MovedRow,
    OutcomeRow,
    RuleRow,
    amount_rows,
    county_changes,
    moved_row,
    outcome_rows,
    rule_rows,
)
from optimizer.compare.significance import Mark, mark_of
from optimizer.compare.who_moves import ColumnMovers, column_movers

if TYPE_CHECKING:
    import pandas as pd

    from models.stability_points import StabilityCurve


def _summary_frame(compared: Compared) -> pd.DataFrame:
    """One row a column, in the order asked for.

    `column` (its name), `kind` (scenario, record, solution, baseline, repaired, table),
    `reference` (bool), `status` (optimal, feasible, given, infeasible, no answer), `why` (where
    there is no allocation), `gap` (relative; NaN without a bound), `objective` (in its own
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


def _outcomes_frame(compared: Compared) -> pd.DataFrame:
    """One row a column and metric.

    `column`, `metric` (id), `unit`, `outcome` (by the column's own response), `reference` (the
    reference's outcome), `difference`; `by_reference` (the same money by the reference's response,
    which is what to compare where the response is another; NaN for another grid),
    `difference_by_reference`; `mark`: what may explain the difference (tie: either allocation
    could have been the other's answer; gap: within the gaps; open: no bound; unweighed:
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


def _amounts_frame(compared: Compared) -> pd.DataFrame:
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


def _rules_frame(compared: Compared) -> pd.DataFrame:
    """One row a rule and column, each read under the column's own scenario.

    `rule` (id), `column`, `state` (as of a finding; silent: nothing to read; off: switched off;
    absent: not among its rules; unknown: no allocation), `limits`, `broken`, `binding`, `near`
    (how many), then its tightest limit: `key` (the group), `value`, `lower`, `upper`, `slack`, in
    the rule's own unit, NaN where there is none.
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
                "near": row.near,
                "key": limit.group if limit else "",
                "value": _float(limit.value if limit else None),
                "lower": _float(limit.lower if limit else None),
                "upper": _float(limit.upper if limit else None),
                "slack": _float(limit.slack if limit else None),
            }
        )
    return pd.DataFrame(found)


def _inputs_frame(compared: Compared) -> pd.DataFrame:
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


def _moved_frame(compared: Compared) -> pd.DataFrame:
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


def _as_text(compared: Compared) -> str:
    """A few lines: the columns, their outcomes, what moves."""
    moved_by = {row.column: row.moved for row in compared.moved_rows}
    lines = [f"Comparison of {len(compared.columns)} columns; reference {compared.reference.name}"]
    for one in compared.columns:
        if one.reads is None:
            lines.append(f"  {one.name}: {one.status} ({one.why})")
            continue
        found = one.reads.audit.outcomes.items()
        said = ", ".join(f"{name} {short_text(value)}" for name, value in found)
        mark = compared.marks[one.name]
        amount = moved_by.get(one.name)
        moves = "" if amount is None else f"; {short_text(amount)} money units elsewhere"
        lines.append(f"  {one.name}: {one.status}; {said}{moves}{f' ({mark})' if mark else ''}")
    return "\n".join(lines)


def _as_html(compared: Compared) -> str:
    """The outcomes as a table, a column a column, with the status below the head."""
    frame = _outcomes_frame(compared).pivot(index="metric", columns="column", values="outcome")
    names = [one.name for one in compared.columns]
    metrics = [metric.id for metric in compared.world.metrics]
    shown = frame.reindex(index=metrics, columns=names)
    head = (
        _summary_frame(compared)
        .set_index("column")[["status", "worth", "spent", "moved", "mark"]]
        .T
    )
    import pandas as pd

    return pd.concat([shown, head[names]]).to_html(na_rep="", float_format="{:,.4g}".format)


def _float(value: Fraction | float | None) -> float:
    return float("nan") if value is None else float(value)


@dataclass(frozen=True)
class Compared:
    """Columns side by side; differences are from the reference.

    Rows (`*_rows`) hold exact numbers; the frames hold floats, for plots and sums.
    """

    columns: tuple[Column, ...]
    at: int
    """Position of the reference."""
    world: CommonGrid
    seconds: float = 0.0
    curve: StabilityCurve | None = None
    """What moving less costs in the reference; None where that was not asked for, or has no
    answer."""

    def __repr__(self) -> str:
        return _as_text(self)

    def _repr_html_(self) -> str:
        return _as_html(self)

    @property
    def reference(self) -> Column:
        """The column that differences are taken from."""
        return self.columns[self.at]

    @property
    def others(self) -> tuple[Column, ...]:
        """All columns but the reference."""
        return tuple(one for one in self.columns if one is not self.reference)

    def column(self, name: str) -> Column:
        """A column by its name; raises KeyError."""
        return {one.name: one for one in self.columns}[name]

    @cached_property
    def marks(self) -> dict[str, Mark]:
        """Column → what may explain all its differences; see `Mark`."""
        return {one.name: mark_of(one, self.reference, self.world) for one in self.columns}

    def has_other_response(self, column: Column) -> bool:
        """Whether money yields something else in a column than in the reference."""
        return not same_response(column.scenario, self.reference.scenario)

    @cached_property
    def input_rows(self) -> list[InputRow]:
        """What differs in the inputs, by path."""
        return [row for one in self.others for row in input_rows(one, self.reference)]

    @cached_property
    def outcome_rows(self) -> list[OutcomeRow]:
        """Every metric in every column."""
        return [
            row
            for one in self.columns
            for row in outcome_rows(self.world, one, self.reference, self.marks[one.name])
        ]

    @cached_property
    def amount_rows(self) -> list[AmountRow]:
        """Money at every level, down to the cell, in every column."""
        return [row for one in self.columns for row in amount_rows(self.world, one, self.reference)]

    @cached_property
    def rule_rows(self) -> list[RuleRow]:
        """Every rule in every column."""
        return rule_rows(self.columns)

    @cached_property
    def moved_rows(self) -> list[MovedRow]:
        """How much money moves, in every column but the reference."""
        return [
            moved_row(self.world, one, self.reference, self.marks[one.name]) for one in self.others
        ]

    @cached_property
    def who_moves(self) -> list[ColumnMovers]:
        """Which counties have most and least in the solved columns, and why."""
        return column_movers(self.world, self.columns, self.reference)

    def changes(self, column: Column) -> list[Fraction]:
        """By county of the common grid, what a column gives more than the reference."""
        return county_changes(self.world, column, self.reference)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a column; see `_summary_frame`."""
        return _summary_frame(self)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row a column and metric; see `_outcomes_frame`."""
        return _outcomes_frame(self)

    @property
    def amounts(self) -> pd.DataFrame:
        """One row a column and place, level by level; see `_amounts_frame`."""
        return _amounts_frame(self)

    @property
    def rules(self) -> pd.DataFrame:
        """One row a rule and column; see `_rules_frame`."""
        return _rules_frame(self)

    @property
    def inputs(self) -> pd.DataFrame:
        """One row a difference in the inputs; see `_inputs_frame`."""
        return _inputs_frame(self)

    @property
    def moved(self) -> pd.DataFrame:
        """One row a county that has other money; see `_moved_frame`."""
        return _moved_frame(self)
