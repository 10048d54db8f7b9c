"""A solution: the allocation that `solve` found, with its audit and what the solver proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Context
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from models.aim import Push
from models.allocation import Allocation
from models.case_proof import CaseProof
from models.certificate import Certificate
from models.exact import short_text
from models.finding import Audit, repr_line
from models.frames import amounts_frame, amounts_table, findings_frame, moved_frame, outcomes_frame
from models.programme import Metric
from models.scenario import Scenario
from models.shadow_price import RulePrice
from models.stability_points import StabilityCurve

if TYPE_CHECKING:
    import pandas as pd


Status = Literal["optimal", "feasible"]
Source = Literal["proved", "solver"]
"""Whose bound a status and a gap rest on: one that is proved in exact numbers, or the solver's word
to its tolerance."""


OPTIONS = (
    *("solver", "gap", "time_limit", "units", "strategy"),
    *("second_opinion", "repaired", "certificate", "curve"),
)
"""The options of a solve that a record keeps: those of `optimizer.solve.Options`."""


def is_whole(options: Mapping[str, object]) -> bool:
    """Whether the options of a solve ask for whole money units, as they do by default."""
    return options.get("units") != "continuous"


class SearchNote(StrEnum):
    """What a search says of itself; the value is what the record holds."""

    UNIQUE = "tie-break unique"
    """The published rule leaves one allocation only, and that was checked."""
    CLOSED = "tie-break closed"
    WITHIN_GAP = "tie-break within the gap"
    BEST_FOUND = "tie-break best found"
    NOT_RUN = "tie-break not run"
    ROUNDED = "whole units rounded"
    BOX = "whole units box"
    FUNDED = "whole units funded"
    FLIPS = "whole units flips"
    FULL = "whole units full"
    DIRECT = "whole units direct"
    APART = "decomposed by county"
    IN_ONE = "in one piece"
    ASKED = "in one piece: as asked"
    ONE_COUNTY = "in one piece: one county"
    MANY_LIMITS = "in one piece: too many limits of several counties"
    LINKED = "in one piece: counties linked"
    AT_ONCE = "in one piece: in whole units at once"
    NOT_CLOSED = "in one piece: gap not reached by county"
    CONTRADICTED = "bound contradicted"
    AS_SOLVED = "whole units as solved"
    MENDED = "no bound: nearest to a table"
    """Not the best, but the nearest to somebody's table that keeps the rules."""
    BY_HAND = "no bound: somebody's table"
    """As somebody has it; no solver was asked."""
    FEW_TOUCHED = "no bound: few counties touched"
    """The best among allocations that differ from an earlier one in few counties."""
    ROWS_GONE = "no bound: constraints changed or gone"
    OTHER_OBJECTIVE = "no bound: another objective"

    @classmethod
    def read(cls, text: str) -> SearchNote | str:
        """The note that a record holds as text; what a solver said in its own words stays text."""
        return cls(text) if text in list(cls) else text


@dataclass(frozen=True)
class Comparison:
    """An allocation to compare with: the baseline, or the baseline mended to keep the rules."""

    allocation: Allocation
    audit: Audit
    objective: Fraction | None
    moved_at_least: float | None = None
    """An allocation that keeps the rules differs by at least so much: by the solver's word, widened
    by its tolerance."""
    moved: Fraction | None = None
    """Money units that differ from the baseline, counted once (half of Σ |difference| where
    both spend the same)."""

    def beside(self, baseline: Allocation) -> tuple[Fraction, Fraction] | None:
        """(money that counties have otherwise than in a baseline, worth); None where the worth is
        not known."""
        if self.objective is None:
            return None
        moved = self.allocation.moved_between_counties(baseline)
        return moved, self.objective - self.audit.penalty

    def __repr__(self) -> str:
        moved = "" if self.moved is None else f", {short_text(self.moved)} money units moved"
        return f"Comparison{moved}\n{self.audit!r}"


@dataclass(frozen=True)
class Quality:
    """How good an allocation is proven to be, or said to be by the solver."""

    status: Status
    bound_proved: Fraction | None
    """Upper bound of the objective less penalties, added up in exact numbers."""
    bound_solver: float | None
    """The same by the solver's word, widened by its tolerance; None where there is none to
    believe."""
    gap: float | None
    """To the bound that `source` names."""
    source: Source | None
    contradicted: bool = False
    """An exact value disproves the bound that the solver reported, which is set aside."""

    @property
    def told(self) -> dict[str, Any]:
        """What a solution says of it, by the names of its fields."""
        return {name: getattr(self, name) for name in QUALITY}


def first_reached(aims: Sequence[AimReached]) -> Fraction:
    """What the first of several aims reached, so that more is better."""
    return aims[0].found if aims[0].push.rises else -aims[0].found


QUALITY = ("status", "bound_proved", "bound_solver", "gap", "source")
"""The fields that a quality, a solution and a record have in common."""


@dataclass(frozen=True)
class AimReached:
    """What one stage of an ordered list of aims reached, in its own unit."""

    push: Push
    found: Fraction
    """What the search reached while what came before was held."""
    bound: float | None
    """By the solver's word nothing is better, given the earlier stages; None without one."""
    closed: bool
    """Whether found is as good as the bound, to the solver's tolerance."""
    allowed: Fraction
    """What may be given up to the stages after it."""
    value: Fraction | None = None
    """What the allocation itself comes to; None before the last stage is over."""

    @property
    def given_up(self) -> Fraction:
        """By how much the allocation is worse than found; below zero where it is better."""
        last = self.found if self.value is None else self.value
        return self.found - last if self.push.rises else last - self.found


@dataclass(frozen=True)
class SolverReport:
    """What the solver said, word for word, and the two parts of the gap."""

    name: str
    version: str
    solver_gap: float | None
    """Relative distance between the continuous model's best value and its proven bound."""
    rounding_loss: float | None
    """Relative loss from the continuous model's best value to the whole-unit allocation."""
    notes: tuple[SearchNote | str, ...] = ()
    """Which stages closed and which stopped at their limit: `best found` where not closed."""


@dataclass(frozen=True)
class Solution:
    """An allocation, every rule read on it, and how good it is proven to be."""

    scenario: Scenario
    allocation: Allocation
    audit: Audit
    status: Status
    """`optimal` only if the gap is within `--gap`; `source` says whose word that is."""
    objective: Fraction
    """Audited, exact value of the allocation, without the penalties of bent rules."""
    bound_proved: Fraction | None
    """Upper bound of the objective (less penalties) that the certificates prove; None without
    one."""
    bound_solver: float | None
    """The same by the solver's word, widened by its tolerance; None where no solver gave one."""
    gap: float | None
    """(bound − objective + penalty) / |objective|, of the bound that `source` names; None without
    any."""
    source: Source | None
    """Whose bound status and gap rest on: `proved`, or the `solver`'s to its tolerance."""
    solver: SolverReport
    baseline: Comparison
    repaired: Comparison | None = None
    """The nearest allocation to the baseline that keeps the rules; None if not asked for."""
    second_opinion: Mapping[str, object] | None = None
    certificate: Certificate | None = None
    """Lines that add up to an upper bound; None where the solver gave no prices to make it of."""
    by_county: Certificate | None = None
    """The same of whole choices, county by county: tighter; None where the model is linear or does
    not come apart."""
    by_case: CaseProof | None = None
    """All allocations in whole units parted, each part with such a bound: tighter still; None where
    that was not asked for or did not come about."""
    aims: tuple[AimReached, ...] = ()
    """What each stage of an ordered list of aims reached; empty without such a list."""
    prices: tuple[RulePrice, ...] = ()
    """What a step of each rule's number is worth in the relaxation; empty where not asked for."""
    curve: StabilityCurve | None = None
    """What stability costs; None where not asked for, or where there is no curve."""
    seconds: float = 0.0
    options: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        scenario, audit, allocation = self.scenario, self.audit, self.allocation
        cells = f"{allocation.funded} of {allocation.amounts.size} cells funded"
        unread = [rule.id for rule in scenario.rules if rule.is_unread]
        lines = [
            f"Solution of {scenario.name}: {self.status}, {_gap_words(self.gap, self.source)}",
            *scenario.repr_calibration(),
            repr_line("money", f"{short_text(audit.spent)} of {scenario.budget:,} spent, {cells}"),
            *(self._repr_outcome(metric) for metric in scenario.programme.file.metrics),
            *audit.repr_rules(),
            *([repr_line("not read", ", ".join(unread))] if unread else []),
        ]
        return "\n".join(lines)

    def _repr_outcome(self, metric: Metric) -> str:
        value = short_text(self.audit.outcomes[metric.id], metric.target)
        base = short_text(self.baseline.audit.outcomes[metric.id])
        target = "no target" if metric.target is None else f"target {short_text(metric.target)}"
        return repr_line(metric.id, f"{value} {metric.unit.en} ({target}, baseline {base})")

    @property
    def is_whole(self) -> bool:
        """Whether amounts were to be whole money units."""
        return is_whole(self.options)

    @property
    def reached(self) -> tuple[Fraction, Fraction]:
        """(objective, penalty) that status, bound and gap are of: what the first of several aims
        reached before it gave anything up; else those of the allocation."""
        if self.aims:
            return first_reached(self.aims), Fraction(0)
        return self.objective, self.audit.penalty

    @property
    def quality(self) -> Quality:
        """Status, bounds, gap and whose bound they rest on as one value."""
        return Quality(*(getattr(self, name) for name in QUALITY))

    @property
    def bound(self) -> Fraction | float | None:
        """The bound that `gap` is measured to, which `source` names."""
        return self.bound_proved if self.source == "proved" else self.bound_solver

    @property
    def amounts(self) -> pd.DataFrame:
        """One row a cell: `county` (code), `task` (id), `amount` (money units), then their names;
        see `models.frames.amounts_frame`."""
        return amounts_frame(self.scenario.programme, self.allocation)

    @property
    def table(self) -> pd.DataFrame:
        """Money units, a row a county and a column a task, by their English names; see
        `models.frames.amounts_table`, which gives the Chinese ones too."""
        return amounts_table(self.scenario.programme, self.allocation)

    @property
    def moved(self) -> pd.DataFrame:
        """One row a cell whose money differs from the baseline's: `before`, `amount`, `added`,
        `taken`; `.attrs["moved"]` is the sum; see `models.frames.moved_frame`."""
        return moved_frame(self.scenario.programme, self.allocation, self.baseline.allocation)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row a metric: `metric`, `unit`, `target`, `outcome`, `baseline`, `repaired` (what the
        target asks for and three allocations yield); see `models.frames.outcomes_frame`."""
        repaired = self.repaired.audit if self.repaired else None
        audits = {"outcome": self.audit, "baseline": self.baseline.audit, "repaired": repaired}
        return outcomes_frame(self.scenario.programme.file.metrics, audits)

    @property
    def findings(self) -> pd.DataFrame:
        """One row a limit: `rule`, `key` (its group), `value`, `lower`, `upper`, `slack`, `state`,
        `binding`; see `models.frames.findings_frame`."""
        return findings_frame(self.audit)


def _gap_words(gap: float | None, source: Source | None) -> str:
    if gap is None:
        return "no bound"
    least = 1e-6  # Below that a gap is what the solver's own tolerances leave of it.
    percent = Context(prec=2, rounding=ROUND_CEILING).create_decimal(repr(max(100 * gap, least)))
    if source == "proved":
        return f"proved within {percent:f}% of the best possible"
    return f"within {percent:f}% of the solver's bound, to its tolerance"
