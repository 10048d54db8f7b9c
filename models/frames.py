"""Tidy pandas frames of amounts, outcomes and findings, for notebooks.

Frames hold floats, for plots and sums; what decides whether a rule is kept stays exact in the
`Allocation` and the `Audit` that they are made from.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from models.allocation import Allocation
from models.finding import Audit
from models.programme import Programme

if TYPE_CHECKING:
    import pandas as pd

    from models.solution import Solution


def amounts_frame(programme: Programme, allocation: Allocation) -> pd.DataFrame:
    """One row a cell, money or not: `county` (code), `task` (id), `amount` (money units).

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


def outcomes_frame(solution: Solution) -> pd.DataFrame:
    """One row a metric: `metric` (id), `unit`, `target`, `outcome`, `baseline`, `repaired`.

    The last four are in the metric's unit, NaN where there is none: no target set, no repaired
    baseline asked for.
    """
    import pandas as pd

    metrics = solution.scenario.programme.file.metrics
    repaired = solution.repaired.audit.outcomes if solution.repaired else {}
    ours, theirs = solution.audit.outcomes, solution.baseline.audit.outcomes
    return pd.DataFrame(
        {
            "metric": [metric.id for metric in metrics],
            "unit": [metric.unit.en for metric in metrics],
            "target": [_float(metric.target) for metric in metrics],
            "outcome": [_float(ours.get(metric.id)) for metric in metrics],
            "baseline": [_float(theirs.get(metric.id)) for metric in metrics],
            "repaired": [_float(repaired.get(metric.id)) for metric in metrics],
        }
    )


def findings_frame(audit: Audit) -> pd.DataFrame:
    """One row a limit of a rule, in the order of the audit.

    `rule` (id), `key` (the group, `county=a task=road`, empty without groups), `value`, `lower`,
    `upper`, `slack` (floats in the rule's own unit; NaN for a limit that a rule does not have),
    `state` (kept, broken or bent), `binding` (bool).
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
