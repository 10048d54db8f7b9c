"""The least change of one rule alone that lets the others be kept.

A number is found by letting the rule give way, written as a person would, and believed only once
an allocation that keeps the changed scenario has been read in exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

import numpy as np

from models.allocation import Allocation
from models.remedies import Change, Check, PlaceChange, step_of, written
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.audit.limits import Form, forms_of
from optimizer.audit.measure import Measured, read_measures
from optimizer.audit.rule_number import LimitByNumber, RuleNumber, limits_by_number, number_of
from optimizer.formulation.edits import without_rows
from optimizer.formulation.model import Floats, LimitRows, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.infeasibility.elastic import GivingRows, block_reader, elastic, form_value
from optimizer.infeasibility.trial import ConflictContext, Trial, table_of

_ROUNDS, _ROUNDS_LARGE = 8, 2
"""How often a share of what is itself open is taken up again from a better one."""
_CLOSER, _CLOSER_LARGE = 8, 2
"""How many steps a found number is moved back before it is left at that."""
_FURTHER = ((0, None), (1, None), (4, None), (16, None))
_FURTHER_LARGE = ((0, 1), (1, 1), (4, 2), (4, None), (16, None))
"""Steps by which a number is eased further where money in parts of a unit kept it, and whole units
did not; how freely that is rounded (`ConflictContext.tried`)."""
_NOTHING = 1e-7
_FAR = -1e9
_LARGE = 10**9
"""From here on a solver does not tell a number from infinity well enough to count in it."""


def cannot_help(context: ConflictContext, rule: Rule, *, in_part: bool = False) -> bool:
    """Whether it is proved that no change of `rule` alone helps: not even leaving it out does.

    With `in_part` only where that is so with cells funded in part: it is known at once.
    """
    model = context.model(apart=[rule.id])
    return context.is_ruled_out(without_rows(model, model.limit(rule.id).rows), in_part)


def least_change(
    context: ConflictContext, rule: Rule, checks: Sequence[Check] = ()
) -> Change | None:
    """The least change of `rule` alone that was found to help; None where none was.

    Of its written number; where that cannot help, of its limits one by one. `checks`: sums that
    cannot meet.
    """
    number = number_of(context.scenario, rule)
    if number is not None:
        if (told := _by_sums(context, number, checks)) is not None:
            return told
        search = NumberSearch(context, number)
        found = search.found()
        if found is not None:
            kept, is_least = search.closest(found)
            return number_change(number, kept.number, is_least)
    return _in_places(context, rule)


def _by_sums(
    context: ConflictContext, number: RuleNumber, checks: Iterable[Check]
) -> Change | None:
    """The cap at which the sums meet that cannot as it is, if that helps: none below it does."""
    rule, step = number.rule, step_of(number.rule, number.field, number.number)
    needs = [one.need for one in checks if one.other == rule.id and one.kind != "lot"]
    if number.field != "number" or rule.sense != "at_most" or rule.per_head or not needs:
        return None
    needed = written(max(needs), step, False)
    changed = context.scenario.with_rule(number.changed(needed))
    if rule.per or context.tried(changed).allocation is None:
        return None
    return number_change(number, needed, True)


def number_change(number: RuleNumber, needed: Fraction, is_least: bool) -> Change:
    """The change of a rule's written number; `--set` cannot write a share above 1."""
    over = number.field == "share" and needed > 1
    setting = None if over else number.setting(needed)
    return Change(number.rule.id, number.field, number.number, needed, setting, (), is_least)


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

    def found(self) -> KeptNumber | None:
        """The nearest number that letting the rule give way leads to."""
        kept: KeptNumber | None = None
        asked = self._context.scenario
        if self._number.number >= _LARGE:
            asked = self._with(Fraction(0))
        counted = self._constant and self._number.number < _LARGE
        rounds = _ROUNDS if self._context.whole else _ROUNDS_LARGE
        for _ in range(1 if counted else rounds):
            nearer = self._given(asked, counted)
            if nearer is None or (kept is not None and not self._is_nearer(nearer, kept)):
                break
            # A share of what is itself still open: from a better share the next round starts.
            kept, asked = nearer, self._with(nearer.number)
        return kept

    def closest(self, kept: KeptNumber) -> tuple[KeptNumber, bool]:
        """The number moved back as long as that works; whether less is proved not to do."""
        for _ in range(_CLOSER if self._context.whole else _CLOSER_LARGE):
            short = kept.number + (self._step if self._down else -self._step)
            if short >= self._number.number if self._down else short <= self._number.number:
                return kept, self._is_monotone()
            trial = self._context.tried(self._with(short))
            if trial.allocation is None:
                return kept, trial.is_impossible and self._is_monotone()
            kept = self._read(trial) or KeptNumber(short, trial.allocation)
        return kept, False

    def _with(self, number: Fraction) -> Scenario:
        return self._context.scenario.with_rule(self._number.changed(number))

    def _is_nearer(self, one: KeptNumber, other: KeptNumber) -> bool:
        return one.number > other.number if self._down else one.number < other.number

    def _is_monotone(self) -> bool:
        """A number further from the present one asks for less, whatever else is measured."""
        within = self._number.field == "within"
        return within or all(_grows(self._context.scenario, one.each) for one in self._forms)

    def _given(self, asked: Scenario, counted: bool) -> KeptNumber | None:
        """The number that a solution needs which misses the rule by least.

        `counted` in the written number, else in the rule's own unit, and as far below nothing as
        it goes.
        """
        context, rule = self._context, self._rule
        model = context.model(asked, apart=[rule.id])
        limit = model.limit(rule.id)
        if not counted and len(limit.rows) == 1 and not context.whole:
            answer = context.solve(self._furthest(model, limit))
        else:
            each = [abs(float(one.each.constant)) for one in self._forms] if counted else None
            least = 0.0 if counted else _FAR
            give = GivingRows(limit.rows, row_units(limit, each), least=least)
            answer = context.solve(elastic(model, [give])[0])
        if answer.values is None:
            return None
        values = answer.values[: len(model.cost)]
        if context.whole:
            return self._near(
                number_kept(context.scenario, self._number, table_of(asked, model, values)), values
            )
        number = number_reached(context.scenario, (self._number, self._forms), model, values)
        return self._near(None if number is None else Fraction(repr(number)), values)

    def _furthest(self, model: Model, limit: LimitRows) -> Model:
        """The model that keeps the one limit of the rule as far as it goes, or misses it by least:
        the same as letting it give way, and it comes apart by counties."""
        row = model.matrix[limit.rows].toarray().ravel() / row_units(limit, None)
        return replace(without_rows(model, limit.rows), cost=row if self._down else -row)

    def _near(self, reached: Fraction | None, values: Floats) -> KeptNumber | None:
        """The number as it is written, with an allocation near a solution that keeps it."""
        if reached is None or reached < -_NOTHING:
            return None
        for more, rungs in _FURTHER if self._context.whole else _FURTHER_LARGE:
            further = -more * self._step if self._down else more * self._step
            number = max(written(reached, self._step, self._down) + further, Fraction(0))
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
        number = written(reached, self._step, self._down)
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


# The limits of a rule of looked-up numbers, one by one.


def _in_places(context: ConflictContext, rule: Rule) -> Change | None:
    """The limits of a rule of looked-up numbers that have to move, in all by least."""
    if rule.sense == "equal":
        return None
    model = context.model(apart=[rule.id])
    limit = model.limit(rule.id)
    give = GivingRows(limit.rows, row_units(limit, None), shared=False)
    changed, (columns,) = elastic(model, [give])
    answer = context.solve(changed)
    if answer.values is None:
        return None
    values = answer.values[: len(model.cost)]
    places = missed_limits(context.scenario, rule, (model, values), answer.values[columns])
    if places is None:
        return None
    trial = context.tried(context.scenario, eased=eased_by(rule.id, places), near=values)
    if trial.allocation is None:
        return None
    return Change(rule.id, "places", places=places, is_least=False)


def eased_by(rule: str, places: Iterable[PlaceChange]) -> Tightening:
    """By how much limits are eased, in the rule's own unit."""
    return {
        (rule, tuple(value for _, value in one.key)): abs(one.needed - one.now) for one in places
    }


def missed_limits(
    scenario: Scenario, rule: Rule, solved: tuple[Model, Floats], missed: Floats
) -> tuple[PlaceChange, ...] | None:
    """The limits that are missed, and what they would have to be, as a person writes it.

    None where one of them is no number by itself: what it would have to be cannot be said.
    """
    found = []
    for form, by in zip(forms_of(scenario, rule), missed.tolist(), strict=True):
        if by <= _NOTHING:
            continue
        side = form.upper if rule.sense == "at_most" else form.lower
        assert side is not None
        if any(side.terms.values()):
            return None
        now, step = side.constant, step_of(rule, "number", side.constant)
        off = Fraction(ceil(Fraction(repr(by)) * 10**6 - Fraction(1, 100)), 10**6)
        down = rule.sense == "at_least"
        needed = max(Fraction(0), written(now - off if down else now + off, step, down))
        found.append(_with_column(scenario, rule, PlaceChange(form.key, now, needed)))
    return tuple(found)


def _with_column(scenario: Scenario, rule: Rule, one: PlaceChange) -> PlaceChange:
    """The same with what stands in the column, where the limit is that column times something and
    nothing else reads the column, no other limit of the rule either."""
    part = rule.bound[0]
    factor = part.factor.column if part.factor is not None else None
    column = factor or part.column
    if len(rule.bound) != 1 or column is None or part.sum or not one.now:
        return one
    programme = scenario.programme
    table = programme.counties if programme.counties.kind(column) else programme.tasks
    name = dict(one.key).get(table.what) if len(one.key) == 1 else None
    if name is None or _is_read_elsewhere(scenario, rule, column):
        return one
    cell = table.numbers(column)[table.index[name]]
    step = step_of(rule, "share" if factor is not None else "number", cell)
    needed = written(cell * one.needed / one.now, step, rule.sense == "at_least")
    moved = one.now * needed / cell
    return replace(one, needed=moved, column=column, cell_now=cell, cell_needed=needed)


def _is_read_elsewhere(scenario: Scenario, rule: Rule, column: str) -> bool:
    """Whether something else may read the column: then a change of it does more than is told."""
    others = [one for one in scenario.rules if one.id != rule.id]
    read = {*rule.where, *rule.per, rule.per_head}
    for one in others:
        read |= {*one.where, *one.per, one.per_head}
    for part in [*rule.bound, *(part for one in others for part in one.bound)]:
        read |= {*part.where, *part.per}
    for part in (part for one in others for part in one.bound):
        read |= {part.column, part.factor.column if part.factor is not None else None}
    for row in scenario.spec.ineligible:
        read |= set(row.where)
    lot = scenario.spec.lot
    programme = scenario.programme
    if programme.file.tiers is None and column in programme.counties.kinds:
        return True  # The response formula may read it.
    return column in read or (lot is not None and lot.column == column)
