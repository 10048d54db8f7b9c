"""Tidy pandas frames of rules, tables, amounts, outcomes and findings, for notebooks.

Frames hold floats, for plots and sums; what decides whether a rule is kept stays exact in the
`Allocation` and the `Audit` that they are made from. pandas is imported where a frame is made: it
takes longer to start than the command line, which never needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from models.allocation import Allocation
from models.finding import Audit
from models.programme import Metric, Programme
from models.rule import Grounds, Rule
from models.scenario import Scenario
from models.sentences import sentence_of
from models.table import Table

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
    """One row a cell, money or not: `county` (its code), `task` (its id), `amount` (money units).

    Counties and tasks in the order of the programme. `amount` is whole (int64) where every cell
    is, else float. Money outside the grid stands in `allocation.outside` and not here.
    """
    import pandas as pd

    counties, tasks = programme.counties.ids, programme.tasks.ids
    amounts = allocation.amounts.ravel().tolist()
    kind = int if allocation.is_whole else float
    return pd.DataFrame(
        {
            "county": [county for county in counties for _ in tasks],
            "task": [task for _ in counties for task in tasks],
            "amount": pd.Series([kind(amount) for amount in amounts], dtype=kind),
        }
    )


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

    `rule` (id, or budget, lot, locks, eligibility, whole-units), `key` (the group that the limit
    is for: `county=a task=road`; empty without groups), `value` (what the rule measures), `lower`
    and `upper` (its limits; NaN for one that it does not have), `slack` (room to the nearest
    limit, negative where broken): floats in the rule's own unit, which is money units, metric
    units, a number of cells or counties, or one of these per head. `state` (kept; broken; bent: a
    soft rule that gives way at its price), `binding` (bool: kept with no room left).
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
        }
    )


def _float(number: Fraction | None) -> float:
    return float("nan") if number is None else float(number)
