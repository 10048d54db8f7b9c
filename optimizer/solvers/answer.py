"""What a solver says of a model, in one form for all solvers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from optimizer.formulation.matrix import Floats

Outcome = Literal["optimal", "feasible", "infeasible", "unbounded", "none"]


@dataclass(frozen=True)
class Answer:
    """`optimal`: closed within the gap asked for. `none`: stopped with nothing proved."""

    outcome: Outcome
    values: Floats | None
    """Values of the model's columns, of the best solution found."""
    objective: float | None
    bound: float | None
    """Proven: no solution of the model is better. None where the solver gave none."""
    seconds: float
    prices: tuple[Floats, Floats] | None = None
    """Of a linear program solved to its optimum, where the solver gives them: what a unit of each
    column, and of each row's bound, is worth at the margin (reduced costs, duals)."""

    @property
    def gap(self) -> float | None:
        """(bound − objective) / |objective|."""
        if self.objective is None or self.bound is None:
            return None
        return max(0.0, self.bound - self.objective) / max(abs(self.objective), 1e-12)


@dataclass(frozen=True)
class Progress:
    """Where a long solve stands."""

    stage: str
    seconds: float
    gap: float | None
    objective: float | None


Watch = Callable[[Progress], None]
