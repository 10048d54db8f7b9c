"""Limits that depend on the rates: as sums over what is drawn, and the rates at which they turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.scenario import Scenario
from optimizer.audit.limits import baseline_measure, limit_forms, reference_reading
from optimizer.audit.measure import Measured, Reading

_NONE = Fraction(0)


@dataclass(frozen=True)
class Turn:
    """All rates of a metric times this, and the limit is kept with no room left."""

    metric: str
    times: Fraction
    is_floor: bool
    """Kept from there upwards; else up to there."""


@dataclass(frozen=True)
class RateLimit:
    """One limit over outcomes: kept where `fixed` + Σ factor × outcome of a block is not below
    zero."""

    rule: str
    key: tuple[tuple[str, str], ...]
    fixed: Fraction
    """All of it that no rate changes."""
    terms: dict[Measured, Fraction]
    """Blocks of a metric, of the table that is read or (`baseline: …`) of the baseline."""
    soft: bool

    def turn(self, read: Callable[[Measured], Fraction], metrics: tuple[str, ...]) -> Turn | None:
        """Where the limit turns if the rates of its metric all move alike; None where that decides
        nothing. `read`: what a block comes to by the rates that are assumed."""
        of = metric_of(metrics)
        for metric in metrics:
            moved, rest = _NONE, self.fixed
            for measured, factor in self.terms.items():
                part = factor * read(measured)
                if of[measured.measure] == metric:
                    moved += part
                else:
                    rest += part
            if moved and rest and (rest > 0) != (moved > 0):
                return Turn(metric, -rest / moved, moved > 0)
        return None


def metric_of(metrics: Sequence[str]) -> dict[str, str]:
    """Measure of an outcome, of the table that is read or of the baseline → its metric."""
    return {name: metric for metric in metrics for name in (metric, baseline_measure(metric))}


def rate_limits(scenario: Scenario, reading: Reading) -> Iterator[RateLimit]:
    """The limits of rules that depend on rates, as one table meets them, a floor and a cap apart.

    Read as they are written, without safety margins; of `if_funded` ones those with money.
    """
    known = metric_of(scenario.programme.metrics)
    for form in limit_forms(scenario, apart=True):
        if form.only_if and not reading.value(form.only_if.measure, form.only_if):
            continue
        for room in form.written.rooms:
            terms = {of: factor for of, factor in room.terms.items() if of.measure in known}
            if not terms:
                continue
            fixed = room.constant
            for of, factor in room.terms.items():
                if of not in terms:
                    fixed += factor * read_block(scenario, reading, of)
            yield RateLimit(form.rule, form.key, fixed, terms, form.soft)


def read_block(scenario: Scenario, reading: Reading, measured: Measured) -> Fraction:
    """What a block comes to by the rates that are assumed, exactly."""
    for measure in ("amount", *scenario.programme.metrics):
        if measured.measure == baseline_measure(measure):
            return reference_reading(scenario).value(measure, measured)
    return reading.value(measured.measure, measured)
