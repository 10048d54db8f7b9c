"""The number of a rule, nearest to the one that is written, with which the others can be kept.

In a large programme that comes apart by counties prices rule out most numbers at once, and an
allocation is looked for at the nearest that is left; else the rule gives way by least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from models.allocation import Allocation
from models.remedies import step_of, written
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.audit.limits import Form
from optimizer.audit.measure import Measured, read_measures
from optimizer.audit.rule_number import LimitByNumber, RuleNumber, limits_by_number
from optimizer.formulation.edits import with_bounds, without_rows
from optimizer.formulation.model import Floats, LimitRows, Model
from optimizer.infeasibility.elastic import GivingRows, block_reader, elastic, form_value
from optimizer.infeasibility.trial import ConflictContext, Trial, table_of

_ROUNDS, _ROUNDS_LARGE = 8, 2
"""How often a share of what is itself open is taken up again from a better one."""
_CLOSER = 8
"""How many steps a found number of a small programme is moved back before it is left at that."""
_FURTHER = ((0, None), (1, None), (4, None), (16, None))
_ROUNDED = ((0, 2), (1, 2), (4, 3))
_FURTHER_LARGE = (*_ROUNDED, (4, None), (16, None))
"""Steps by which a number is eased further where money in parts of a unit kept it, and whole units
did not; how freely that is rounded (`ConflictContext.tried`)."""
_EASED = Fraction(1, 32)
"""By how much of itself the nearest number that prices leave open is eased, where none as near is
found otherwise."""
_STRIDE, _DOUBLED = 512, 40
"""The first step on to the nearest number that prices leave open, as a part of the number; how
often it is doubled before no number is known to do."""
_NOTHING = 1e-7
_FAR = -1e9
_LARGE = 10**9
"""From here on a solver does not tell a number from infinity well enough to count in it."""


@dataclass(frozen=True)
class KeptNumber:
    """A number, and an allocation that keeps the rules with it."""

    number: Fraction
    allocation: Allocation


class NumberSearch:
    """The search for the number of one rule."""

    def __init__(self, context: ConflictContext, number: RuleNumber) -> None:
        self._context, self._number = context, number
        self._rule = number.rule
        self._forms = limits_by_number(context.scenario, number)
        self._constant = all(not one.each.terms for one in self._forms)
        self._down = self._rule.sense == "at_least"
        self._step = step_of(self._rule, number.field, number.number)

    def nearest(self) -> tuple[KeptNumber, bool] | None:
        """The number nearest to the present one that was found to do; whether less is proved not
        to."""
        if (reach := self._reach()) is None:
            return None if (found := self._found()) is None else self._closest(found)
        if (kept := self._kept_with(reach)) is not None:
            return kept, kept.number == reach
        if not reach or self._context.clock.is_over():
            return None  # Of a floor of nothing: none was found without it.
        found = self._found()
        eased = self._written(reach * (1 - _EASED if self._down else 1 + _EASED))
        if found is None or abs(found.number - reach) > abs(eased - reach):
            found = self._kept_with(eased) or found
        return None if found is None else (self._polished(found), False)

    def _kept_with(self, number: Fraction) -> KeptNumber | None:
        if self._context.clock.is_over():
            return None
        trial = self._context.tried(self._with(number), at_length=not number)
        if trial.allocation is None:
            return None
        return self._read(trial) or KeptNumber(number, trial.allocation)

    def _reach(self) -> Fraction | None:
        """Of a large programme that comes apart by counties the nearest written number that prices
        do not rule out; None where none is known."""
        now, step, clock = self._number.number, self._step, self._context.clock
        if now >= _LARGE or not self._is_monotone() or self._rule.sense == "equal":
            return None
        if self._context.is_priced_out(self._context.model()) is None:
            return None
        way, out = (-1, ceil(now / step)) if self._down else (1, floor(now / step))
        left = self._with_parts(out, way)
        stride = max(1, left // _STRIDE)
        for _ in range(_DOUBLED):
            if not self._is_out(left):
                break
            if not left or clock.is_over():
                return None
            out, left, stride = left, max(0, left + way * stride), 2 * stride
        middle = left - way  # What cells funded in part leave open is most often right.
        while abs(out - left) > 1 and not clock.is_over():
            out, left = (middle, left) if self._is_out(middle) else (out, middle)
            middle = (out + left) // 2
        return left * step

    def _with_parts(self, out: int, way: int) -> int:
        """The nearest number beyond `out`, in steps, that cells funded in part leave open."""
        model, giving = self._giving(self._context.scenario, self._constant)
        values = self._context.relaxation(giving).values
        parts = None if values is None else self._reached(model, values)
        steps = out if parts is None else int(self._written(parts) / self._step)
        if way * (steps - out) > 0:
            return steps
        return 0 if self._down else out + way

    def _is_out(self, steps: int) -> bool:
        """Whether it is shown at once that a number of so many steps would not do."""
        context = self._context
        return context.is_ruled_out(context.model(self._with(steps * self._step)), soon=True)

    def _polished(self, kept: KeptNumber) -> KeptNumber:
        """The nearest number that is found with the same cells funded."""
        context, asked = self._context, self._with(kept.number)
        model, giving = self._giving(asked, counted=self._constant)
        funded = (kept.allocation.amounts.ravel() > 0).astype(float)
        if model.grid.funded is None:
            return kept
        answer = context.relaxation(with_bounds(giving, model.grid.funded, funded, funded))
        if answer.values is None:
            return kept
        values = answer.values[: len(model.cost)]
        nearer = self._near(self._reached(model, values), values, _ROUNDED)
        return kept if nearer is None else self._nearer(kept, nearer)

    def _found(self) -> KeptNumber | None:
        """The nearest number that letting the rule give way leads to."""
        kept: KeptNumber | None = None
        asked = self._context.scenario
        if self._number.number >= _LARGE:
            asked = self._with(Fraction(0))
        counted = self._constant and self._number.number < _LARGE
        rounds = _ROUNDS if self._context.whole else _ROUNDS_LARGE
        for _ in range(1 if counted else rounds):
            nearer = self._given(asked, counted)
            if nearer is None or (kept is not None and self._nearer(kept, nearer) is kept):
                break
            # A share of what is itself still open: from a better share the next round starts.
            kept, asked = nearer, self._with(nearer.number)
        return kept

    def _closest(self, kept: KeptNumber) -> tuple[KeptNumber, bool]:
        """In a small programme the number moved back as long as that works; whether less is proved
        not to do."""
        for _ in range(_CLOSER):
            short = kept.number + (self._step if self._down else -self._step)
            if short >= self._number.number if self._down else short <= self._number.number:
                return kept, self._is_monotone()
            if not self._context.whole:
                model = self._context.model(self._with(short))
                return kept, self._is_monotone() and self._context.is_ruled_out(model, soon=True)
            trial = self._context.tried(self._with(short))
            if trial.allocation is None:
                return kept, trial.is_impossible and self._is_monotone()
            kept = self._read(trial) or KeptNumber(short, trial.allocation)
        return kept, False

    def _with(self, number: Fraction) -> Scenario:
        return self._context.scenario.with_rule(self._number.changed(number))

    def _nearer(self, one: KeptNumber, other: KeptNumber) -> KeptNumber:
        """The one whose number is nearer to the present one."""
        pick = max if self._down else min
        return pick(one, other, key=lambda kept: kept.number)

    def _is_monotone(self) -> bool:
        """A number further from the present one asks for less, whatever else is measured."""
        within = self._number.field == "within"
        return within or all(_grows(self._context.scenario, one.each) for one in self._forms)

    def _given(self, asked: Scenario, counted: bool) -> KeptNumber | None:
        """The number that a solution needs which misses the rule by least.

        `counted` in the written number, else in the rule's own unit, and as far below nothing as
        it goes.
        """
        context = self._context
        model, giving = self._giving(asked, counted)
        answer = context.solve(giving)
        if answer.values is None:
            return None
        values = answer.values[: len(model.cost)]
        if context.whole:
            return self._near(
                number_kept(context.scenario, self._number, table_of(asked, model, values)), values
            )
        return self._near(self._reached(model, values), values)

    def _reached(self, model: Model, values: Floats) -> Fraction | None:
        """The number with which a solution in parts of a unit keeps the rule, about."""
        asked = self._number, self._forms
        number = number_reached(self._context.scenario, asked, model, values[: len(model.cost)])
        return None if number is None else Fraction(repr(number))

    def _giving(self, asked: Scenario, counted: bool) -> tuple[Model, Model]:
        """The model, and that in which the rule gives way, as `_given` counts it."""
        context, rule = self._context, self._rule
        model = context.model(asked, apart=[rule.id])
        limit = model.limit(rule.id)
        if not counted and len(limit.rows) == 1 and not context.whole:
            return model, self._furthest(model, limit)
        each = [abs(float(one.each.constant)) for one in self._forms] if counted else None
        give = GivingRows(limit.rows, row_units(limit, each), least=0.0 if counted else _FAR)
        return model, elastic(model, [give])[0]

    def _furthest(self, model: Model, limit: LimitRows) -> Model:
        """The model that keeps the one limit of the rule as far as it goes, or misses it by least:
        the same as letting it give way, and it comes apart by counties."""
        row = model.matrix[limit.rows].toarray().ravel() / row_units(limit, None)
        return replace(without_rows(model, limit.rows), cost=row if self._down else -row)

    def _written(self, number: Fraction) -> Fraction:
        """The next number as a person writes it, further from the present one."""
        return written(number, self._step, self._down)

    def _near(
        self,
        reached: Fraction | None,
        values: Floats,
        ways: Sequence[tuple[int, int | None]] | None = None,
    ) -> KeptNumber | None:
        """The number as it is written, with an allocation near a solution that keeps it."""
        if reached is None or reached < -_NOTHING:
            return None
        for more, rungs in ways or (_FURTHER if self._context.whole else _FURTHER_LARGE):
            further = -more * self._step if self._down else more * self._step
            number = max(self._written(reached) + further, Fraction(0))
            trial = self._context.tried(self._with(number), near=values, rungs=rungs)
            if trial.allocation is not None:
                return self._read(trial) or KeptNumber(number, trial.allocation)
        return None

    def _read(self, trial: Trial) -> KeptNumber | None:
        """The nearest written number with which the allocation that was found keeps the rules."""
        assert trial.allocation is not None
        reached = number_kept(self._context.scenario, self._number, trial.allocation)
        if reached is None:
            return None
        number = self._written(reached)
        if number < 0:
            return None
        broken = audit(self._with(number), trial.allocation).unmet
        return None if broken else KeptNumber(number, trial.allocation)


def number_kept(scenario: Scenario, number: RuleNumber, table: Allocation) -> Fraction | None:
    """The written number nearest to the present one with which a table keeps the rule, exactly;
    None where no number does."""
    reading, ends = read_measures(scenario, table), [number.number]
    for one in limits_by_number(scenario, number):
        read = _reader(reading.value)
        if one.form.only_if is not None and not read(one.form.only_if):
            continue
        end = _end(number, one, read)
        if end is None:
            return None
        ends += end
    return min(ends) if number.rule.sense == "at_least" else max(ends)


def _end(
    number: RuleNumber, one: LimitByNumber, read: Callable[[Measured], Fraction]
) -> list[Fraction] | None:
    """The number at which one limit is just kept, none for any; None where no number does."""
    value, fixed, each = (form.value(read) for form in (one.form.value, one.fixed, one.each))
    if number.field == "within":
        return [abs(value - fixed)]
    if each > 0:
        return [(value - fixed) / each]
    kept = value >= fixed if number.rule.sense == "at_least" else value <= fixed
    return [] if kept and not each else None


def _reader(value: Callable[[str, Measured], Fraction]) -> Callable[[Measured], Fraction]:
    return lambda measured: value(measured.measure, measured)


def _grows(scenario: Scenario, each: Form) -> bool:
    """Whether what a number multiplies is never below nothing."""
    metrics = scenario.programme.metrics
    falling = {
        name for at, name in enumerate(metrics) if int(scenario.tiers.rate[at].min(initial=0)) < 0
    }
    return each.constant >= 0 and all(
        factor >= 0 and measured.measure not in falling for measured, factor in each.terms.items()
    )


def row_units(limit: LimitRows, each: Sequence[float] | None) -> Floats:
    """[row] what one unit of the rule's value (times `each`) is in the row's numbers."""
    unit = limit.scale * limit.heads
    return unit if each is None else unit * np.array(each)


def number_reached(
    scenario: Scenario,
    asked: tuple[RuleNumber, Sequence[LimitByNumber]],
    model: Model,
    values: Floats,
) -> float | None:
    """The written number with which a solution in parts of a unit keeps all limits of the rule,
    about; None where it is below nothing, which no number in a rule can be."""
    number, forms = asked
    read = block_reader(scenario, model, values)
    ends = []
    for one in forms:
        each = form_value(one.each, read)
        if one.form.only_if is not None and not read(one.form.only_if) or not each:
            continue
        value = form_value(one.form.value, read)
        fixed = form_value(one.fixed, read)
        ends.append(abs(value - fixed) if number.field == "within" else (value - fixed) / each)
    now = float(number.number)
    found = min([now, *ends]) if number.rule.sense == "at_least" else max([now, *ends])
    return None if found < -_NOTHING else max(found, 0.0)
