"""From the solver's numbers to exact ones: allocations, objective, what must be tightened."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from models.allocation import Allocation
from models.finding import Audit
from models.scenario import Scenario
from optimizer.formulation.rule_rows import Tightening

ATTEMPTS = 6
"""A first attempt and five with tightened limits."""
_STEP = Fraction(1, 10**6)


def as_allocation(scenario: Scenario, money: Sequence[int | Fraction]) -> Allocation:
    """Money by cell as an allocation, with the scenario's money outside the grid."""
    tasks = len(scenario.programme.tasks)
    rows = [money[start : start + tasks] for start in range(0, len(money), tasks)]
    beside = [(row.code, row.name, row.amount) for row in scenario.spec.outside]
    return Allocation.of(rows, beside)


def stricter(tighten: Tightening, audited: Audit) -> Tightening:
    """`tighten`, each broken limit moved further in by its breach and a little more.

    In whole steps, so that noise in the last digits of a breach makes no difference.
    """
    further = dict(tighten)
    for finding in audited.broken:
        key = (finding.rule, tuple(value for _, value in finding.key))
        steps = ceil(-finding.slack / _STEP) + 1
        further[key] = further.get(key, Fraction(0)) + steps * _STEP
    return further
