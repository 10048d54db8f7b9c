"""Tidy pandas frames of rules, tables, amounts, outcomes and findings, for notebooks.

Frames hold floats, for plots and sums; what decides whether a rule is kept stays exact in the
`Allocation` and the `Audit` that they are made from. pandas is imported where a frame is made: it
takes longer to start than the command line, which never needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from models.allocation import Allocation, added_and_taken
from models.finding import Audit
from models.programme import Metric, Programme
from models.rule import Grounds, Rule
from models.scenario import Scenario
from models.sentences import sentence_of
from models.table import Table, labels_of

if TYPE_CHECKING:
    import pandas as pd


def rules_frame(scenario: Scenario, lang: str = "en") -> pd.DataFrame:
    """One row a rule: what the scenario itself settles (budget, lot …) first, then its rules.

    `rule` (id), `title` (the id for a reserved one), `sentence` (what it asks for, made from its
    fields), `basis` (clause, target, practice or assumption), `clause` (document and article,
    empty without), `seen` (bool: the clause's text was read), `states_number` (bool: the number
    stands in the clause), `number_from` (source of the number), `reason`, `in_force` (bool).
    Texts in `lang`, zh or en, as far as the scenario gives them.
    """
    import pandas as pd

    settled = [_rule_row(scenario, name, at, lang) for name, at in scenario.spec.grounds.items()]
    rules = [_rule_row(scenario, rule.id, rule, lang) for rule in scenario.spec.rules]
    return pd.DataFrame([*settled, *rules], columns=list(_RULE_COLUMNS))


_RULE_COLUMNS = (
    "rule",
    "title",
    "sentence",
    "basis",
    "clause",
    "seen",
    "states_number",
    "number_from",
    "reason",
    "in_force",
)


def _rule_row(scenario: Scenario, name: str, grounds: Grounds, lang: str) -> tuple[object, ...]:
    clause = grounds.clause
    listed = grounds if isinstance(grounds, Rule) else None
    return (
        name,
        listed.title.of(lang) if listed else name,
        sentence_of(name, scenario, lang),
        grounds.basis,
        f"{clause.document} {clause.article}".strip() if clause else "",
        clause.seen if clause else False,
        clause.states_number if clause else False,
        grounds.number_from.of(lang),
        grounds.reason.of(lang),
        listed.enabled if listed else True,
    )


def table_frame(table: Table) -> pd.DataFrame:
    """One row a county or task: its id in a column of that name, then the table's own columns.

    Number columns are floats, true/false ones bool, the others text; units as in the programme.
    """
    import pandas as pd

    columns = {
        name: [float(v) if isinstance(v, Fraction) else v for v in values]
        for name, values in table.columns.items()
    }
    return pd.DataFrame({table.what: list(table.ids), **columns})


def amounts_frame(programme: Programme, allocation: Allocation) -> pd.DataFrame:
    """One row a cell, money or not, with the columns of allocation.csv.

    `county` (its code), `task` (its id), `amount` (money units), then the names of both in Chinese
    and English: `county_zh`, `county_en`, `task_zh`, `task_en`. Counties and tasks in the order of
    the programme. `amount` is whole (int64) where every cell is, else float. Money outside the
    grid stands in `allocation.outside` and not here.
    """
    counties, tasks = programme.shape
    cells = [(c, t) for c in range(counties) for t in range(tasks)]
    amounts = [allocation.amounts[cell] for cell in cells]
    return _cells_frame(programme, cells, {"amount": _numbers(amounts)})


def amounts_table(programme: Programme, allocation: Allocation, lang: str = "en") -> pd.DataFrame:
    """Money units, a row a county and a column a task, both by name in the programme's order.

    A name that several share is followed by the code: `Drum Tower (320106)`. `attrs` keeps the
    codes, under `county` for the rows and under `task` for the columns. Whole (int64) where every
    cell is, else float. `Allocation.from_frame` reads it back.
    """
    import pandas as pd

    tables = (programme.counties, programme.tasks)
    rows, columns = (pd.Index(labels_of(one, lang), name=one.what) for one in tables)
    amounts = allocation.amounts.astype(int if allocation.is_whole else float)
    frame = pd.DataFrame(amounts, index=rows, columns=columns)
    frame.attrs.update({table.what: table.ids for table in tables})
    return frame


def moved_frame(programme: Programme, now: Allocation, before: Allocation) -> pd.DataFrame:
    """One row a cell whose money differs from `before`, in the programme's order.

    `county`, `task` (codes), `before` and `amount` (money units then and now), `added` and `taken`
    (one of them is zero), then the names as in `amounts_frame`. `attrs` holds the sums `added` and
    `taken`, and `moved`: the larger of the two, each money unit that stands elsewhere counted once.
    """
    changes = now.changes_from(before)
    cells = sorted(place for place in changes if isinstance(place, tuple))
    by = [changes[cell] for cell in cells]
    numbers = {
        "before": _numbers([before.amounts[cell] for cell in cells]),
        "amount": _numbers([now.amounts[cell] for cell in cells]),
        "added": _numbers([max(one, Fraction(0)) for one in by]),
        "taken": _numbers([max(-one, Fraction(0)) for one in by]),
    }
    frame = _cells_frame(programme, cells, numbers)
    added, taken = added_and_taken(by)
    sums = {"added": added, "taken": taken, "moved": max(added, taken)}
    frame.attrs.update({name: _numbers([one]).item() for name, one in sums.items()})
    return frame


def _cells_frame(
    programme: Programme, cells: Sequence[tuple[int, int]], numbers: Mapping[str, pd.Series[Any]]
) -> pd.DataFrame:
    """Cells by code, their numbers, their names in both languages."""
    import pandas as pd

    tables = ((programme.counties, 0), (programme.tasks, 1))
    ids = {table.what: (table.ids, at) for table, at in tables}
    named = {f"{t.what}_{lang}": (t.names(lang), at) for t, at in tables for lang in ("zh", "en")}
    codes, names = (
        {column: [texts[cell[at]] for cell in cells] for column, (texts, at) in one.items()}
        for one in (ids, named)
    )
    return pd.DataFrame({**codes, **numbers, **names})


def _numbers(amounts: Sequence[int | Fraction]) -> pd.Series[Any]:
    """Money units: int64 where all are whole, else float."""
    import pandas as pd

    kind = int if all(Fraction(one).denominator == 1 for one in amounts) else float
    return pd.Series([kind(one) for one in amounts], dtype=kind)


def outcomes_frame(metrics: Sequence[Metric], audits: Mapping[str, Audit | None]) -> pd.DataFrame:
    """One row a metric, in the programme's order.

    `metric` (id) and `unit` (its English name). The others count in that unit: `target` (what the
    programme's plan asks for; NaN without one), `outcome` (what the solution yields by the
    calibration in use), `baseline` (the same for the baseline), `repaired` (the same for the
    baseline mended to keep the rules; NaN where it was not asked for or not found). `audits`
    gives the last three, or others: column → audit.
    """
    import pandas as pd

    outcomes = {name: one.outcomes if one else {} for name, one in audits.items()}
    return pd.DataFrame(
        {
            "metric": [metric.id for metric in metrics],
            "unit": [metric.unit.en for metric in metrics],
            "target": [_float(metric.target) for metric in metrics],
            **{
                name: [_float(one.get(metric.id)) for metric in metrics]
                for name, one in outcomes.items()
            },
        }
    )


def findings_frame(audit: Audit) -> pd.DataFrame:
    """One row a limit of a rule, in the order of the audit.

    `rule` (id, or budget, lot, locks, whole-units …), `key` (the group that the limit
    is for: `county=a task=road`; empty without groups), `value` (what the rule measures), `lower`
    and `upper` (its limits; NaN for one that it does not have), `slack` (room to the nearest
    limit, negative where broken): floats in the rule's own unit, which is money units, metric
    units, a number of cells or counties, or one of these per head. `state` (kept; short: kept
    without its safety margin; broken; bent: a soft rule that gives way at its price), `binding`
    (bool: kept with no room left beyond its margin), `near` (bool: kept with some room, less than
    one money unit could take up).
    """
    import pandas as pd

    findings = audit.findings
    return pd.DataFrame(
        {
            "rule": [finding.rule for finding in findings],
            "key": [finding.group for finding in findings],
            "value": [_float(finding.value) for finding in findings],
            "lower": [_float(finding.lower) for finding in findings],
            "upper": [_float(finding.upper) for finding in findings],
            "slack": [_float(finding.slack) for finding in findings],
            "state": [str(finding.state) for finding in findings],
            "binding": [finding.binding for finding in findings],
            "near": [finding.near for finding in findings],
        }
    )


def _float(number: Fraction | None) -> float:
    return float("nan") if number is None else float(number)
