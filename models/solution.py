"""A solution: the allocation that `solve` found, with its audit and what the solver proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from models.allocation import Allocation
from models.certificate import Certificate
from models.finding import Audit
from models.scenario import Scenario
from models.shadow_price import RulePrice

if TYPE_CHECKING:
    import pandas as pd


Status = Literal["optimal", "feasible"]


@dataclass(frozen=True)
class Comparison:
    """An allocation to compare with: the baseline, or the baseline mended to keep the rules."""

    allocation: Allocation
    audit: Audit
    objective: Fraction | None
    moved_at_least: float | None = None
    """Proven: an allocation that keeps the rules differs by at least so much."""
    moved: Fraction | None = None
    """Money units that differ from the baseline, counted once (half of Σ |difference| where
    both spend the same)."""

    def __repr__(self) -> str:
        from models.display import comparison_text

        return comparison_text(self)


@dataclass(frozen=True)
class SolverReport:
    """What the solver said, word for word, and the two parts of the gap."""

    name: str
    version: str
    solver_gap: float | None
    """Relative distance between the continuous model's best value and its proven bound."""
    rounding_loss: float | None
    """Relative loss from the continuous model's best value to the whole-unit allocation."""
    notes: tuple[str, ...] = ()
    """Which stages closed and which stopped at their limit: `best found` where not closed."""


@dataclass(frozen=True)
class Solution:
    """An allocation, every rule read on it, and how good it is proven to be."""

    scenario: Scenario
    allocation: Allocation
    audit: Audit
    status: Status
    """`optimal` only if the gap is proven within `--gap`."""
    objective: Fraction
    """Audited, exact value of the allocation, without the penalties of bent rules."""
    bound: float | None
    """Best proven upper bound of the objective (less penalties); None where no solver gave one."""
    gap: float | None
    """(bound − objective + penalty) / |objective|; None without a bound."""
    solver: SolverReport
    baseline: Comparison
    repaired: Comparison | None = None
    """The nearest allocation to the baseline that keeps the rules; None if not asked for."""
    second_opinion: Mapping[str, object] | None = None
    certificate: Certificate | None = None
    """Lines that add up to an upper bound; None where the solver gave no prices to make it of."""
    prices: tuple[RulePrice, ...] = ()
    """What a step of each rule's number is worth in the relaxation; empty where not asked for."""
    seconds: float = 0.0
    options: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        from models.display import solution_text

        return solution_text(self)

    @property
    def amounts(self) -> pd.DataFrame:
        """One row a cell: `county` (code), `task` (id), `amount` (money units); see
        `models.frames.amounts_frame`."""
        from models.frames import amounts_frame

        return amounts_frame(self.scenario.programme, self.allocation)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row a metric: `metric`, `unit`, `target`, `outcome`, `baseline`, `repaired` (what the
        target asks for and three allocations yield); see `models.frames.outcomes_frame`."""
        from models.frames import outcomes_frame

        return outcomes_frame(self)

    @property
    def findings(self) -> pd.DataFrame:
        """One row a limit: `rule`, `key` (its group), `value`, `lower`, `upper`, `slack`, `state`,
        `binding`; see `models.frames.findings_frame`."""
        from models.frames import findings_frame

        return findings_frame(self.audit)
