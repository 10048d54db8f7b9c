"""What the audit says: one finding for each limit of each rule, and what the money yields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from textwrap import fill
from typing import Literal, get_args

from models.exact import short_text
from models.rule import STEP, WHOLE_UNITS

State = Literal["kept", "short", "broken", "bent"]
"""short: kept, but without the safety margin that the rule asks for."""
STATES: tuple[State, ...] = get_args(State)


def group_text(key: Iterable[tuple[str, str]]) -> str:
    """A group of a rule as text: `county=a task=road`; empty for a rule without `per`."""
    return " ".join(f"{column}={value}" for column, value in key)


@dataclass(frozen=True)
class Finding:
    """One limit of one rule, read on one allocation, in exact numbers."""

    rule: str
    """Id of the rule, or a reserved id: budget, lot, step, locks, eligibility, no-idle,
    whole-units."""
    key: tuple[tuple[str, str], ...]
    """(column, value) of the group; () for a rule without `per`."""
    value: Fraction
    lower: Fraction | None
    upper: Fraction | None
    """Both limits for `equal`: bound ± within."""
    state: State
    """broken, or bent where the rule is soft and gives way."""
    binding: bool
    """Kept with its safety margin, and no room beyond."""
    near: bool = False
    """Kept, with some room and less than one money unit (or one cell, one county) could take up."""
    heads: Fraction = Fraction(1)
    """What a per-head rule divides its value by; 1 otherwise."""
    margin: Fraction = Fraction(0)
    """Share of the limit that the rule wants to spare; the limits stand here without it."""

    @property
    def group(self) -> str:
        """The key as text: `county=a task=road`; empty for a rule without `per`."""
        return group_text(self.key)

    @property
    def slack(self) -> Fraction:
        """Room left to the nearest limit, in the rule's own unit; negative where broken."""
        rooms = [self.value - self.lower] if self.lower is not None else []
        if self.upper is not None:
            rooms.append(self.upper - self.value)
        return min(rooms)

    @property
    def spare(self) -> Fraction:
        """`slack` beyond the safety margin; negative where that is not met."""
        if not self.margin:
            return self.slack
        rooms = [] if self.lower is None else [self.value - self.lower * (1 + self.margin)]
        rooms += [] if self.upper is None else [self.upper * (1 - self.margin) - self.value]
        return min(rooms)

    @property
    def slack_in_all(self) -> Fraction:
        """`slack` for the whole group: of a per-head rule times its heads (money or persons)."""
        return self.slack if self.heads == 1 else self.slack * self.heads

    @property
    def tight(self) -> bool:
        """Kept, and no room for one money unit (or one cell, one county) more: binding or near."""
        return self.binding or self.near

    @property
    def holds(self) -> bool:
        """Not broken: kept, with its safety margin or not, or bent at its price."""
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
        outcomes = (f"{name} {short_text(value)}" for name, value in self.outcomes.items())
        left = "over the budget" if self.unspent < 0 else "unspent"
        money = f"{short_text(self.spent)} spent, {short_text(abs(self.unspent))} {left}"
        lines = [
            f"Audit: {len(self.broken)} of {len(self.findings)} limits broken",
            repr_line("money", money),
            repr_line("outcomes", ", ".join(outcomes)),
            *self.repr_rules(),
        ]
        return "\n".join(lines)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings that do not hold."""
        return tuple(finding for finding in self.findings if not finding.holds)

    @property
    def unmet(self) -> tuple[Finding, ...]:
        """The findings that a solver's answer may not have: broken, or short of their margin."""
        return tuple(one for one in self.findings if one.state in ("broken", "short"))

    @property
    def broken_rules(self) -> tuple[str, ...]:
        """Ids of the rules with a broken limit, each once."""
        return tuple(dict.fromkeys(finding.rule for finding in self.broken))

    def repr_rules(self) -> list[str]:
        """Lines of a repr: the rules broken, bent, binding and near a limit."""
        bent = [finding.rule for finding in self.findings if finding.state == "bent"]
        limits = [f for f in self.findings if f.rule not in (WHOLE_UNITS, STEP)]
        binding = [f.rule for f in limits if f.binding]
        near = [f.rule for f in limits if f.near and f.rule not in binding]
        found = {"broken": self.broken_rules, "bent": bent, "binding": binding, "near": near}
        return [
            repr_line(word, ", ".join(dict.fromkeys(rules)) or "none")
            for word, rules in found.items()
            if rules or word == "broken"
        ]


def repr_line(word: str, text: str) -> str:
    """One line of what a notebook shows of a big object: a word, then a few more."""
    first, rest = f"  {word:<12}", " " * 14
    return fill(text, 100, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
