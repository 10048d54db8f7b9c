"""What the audit says: one finding for each limit of each rule, and what the money yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

State = Literal["kept", "broken", "bent"]


@dataclass(frozen=True)
class Finding:
    """One limit of one rule, read on one allocation, in exact numbers."""

    rule: str
    """Id of the rule, or a reserved id: budget, lot, locks, eligibility, whole-units."""
    key: tuple[tuple[str, str], ...]
    """(column, value) of the group; () for a rule without `per`."""
    value: Fraction
    lower: Fraction | None
    upper: Fraction | None
    """Both limits for `equal`: bound ± within."""
    state: State
    """broken, or bent where the rule is soft and gives way."""
    binding: bool
    """Kept, with less room than one money unit (or one cell, one county) could take up."""
    heads: Fraction = Fraction(1)
    """What a per-head rule divides its value by; 1 otherwise."""

    @property
    def group(self) -> str:
        """The key as text: `county=a task=road`; empty for a rule without `per`."""
        return " ".join(f"{column}={value}" for column, value in self.key)

    @property
    def slack(self) -> Fraction:
        """Room left to the nearest limit, in the rule's own unit; negative where broken."""
        rooms = [self.value - self.lower] if self.lower is not None else []
        if self.upper is not None:
            rooms.append(self.upper - self.value)
        return min(rooms)

    @property
    def slack_in_all(self) -> Fraction:
        """`slack` for the whole group: of a per-head rule times its heads (money or persons)."""
        return self.slack * self.heads

    @property
    def holds(self) -> bool:
        """Not broken: kept, or bent at its price."""
        return self.state != "broken"


@dataclass(frozen=True)
class Audit:
    """An allocation read in exact arithmetic, without a solver."""

    findings: tuple[Finding, ...]
    outcomes: Mapping[str, Fraction]
    """Metric → projected outcome over the whole grid."""
    spent: Fraction
    unspent: Fraction
    penalty: Fraction
    """Objective points that bent rules cost; not part of the objective."""

    def __repr__(self) -> str:
        from models.display import audit_text

        return audit_text(self)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings that do not hold."""
        return tuple(finding for finding in self.findings if not finding.holds)

    @property
    def broken_rules(self) -> tuple[str, ...]:
        """Ids of the rules with a broken limit, each once."""
        return tuple(dict.fromkeys(finding.rule for finding in self.broken))
