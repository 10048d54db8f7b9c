"""Solutions put together by hand: an allocation, audited, with what a solver might say of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from models.allocation import Allocation, allocation_of_rows
from models.scenario import Scenario
from models.solution import Comparison, Solution, SolverReport
from optimizer.audit import audit


def compared(scenario: Scenario, rows: Sequence[Sequence[int]]) -> Comparison:
    """An allocation to compare with."""
    allocation = _allocation(scenario, rows)
    return Comparison(allocation, audit(scenario, allocation), objective=Fraction(1))


def by_hand(
    scenario: Scenario,
    rows: Sequence[Sequence[int]],
    baseline: Sequence[Sequence[int]],
    **parts: Any,
) -> Solution:
    """A solution with the amounts `rows`; `parts` replaces or adds parts of it."""
    allocation = _allocation(scenario, rows)
    return Solution(
        **{
            "scenario": scenario,
            "allocation": allocation,
            "audit": audit(scenario, allocation),
            "status": "feasible",
            "objective": Fraction(22, 7),
            "bound_proved": None,
            "bound_solver": 3.5,
            "gap": 0.125,
            "source": None if parts.get("gap", 0) is None else "solver",
            "solver": SolverReport("by hand", "1", 0.1, 0.025, ("stage 2: best found",)),
            "baseline": compared(scenario, baseline),
            **parts,
        }
    )


def _allocation(scenario: Scenario, rows: Sequence[Sequence[int]]) -> Allocation:
    outside = [(row.code, row.name, row.amount) for row in scenario.spec.outside]
    return allocation_of_rows(rows, outside)
