"""The least change of one rule alone that lets the others be kept.

A number is written as a person would, and believed only once an allocation that keeps the changed
scenario has been read in exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil

from models.remedies import Change, Check, PlaceChange, step_of, written
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit.limits import forms_of
from optimizer.audit.rule_number import RuleNumber, number_of
from optimizer.formulation.edits import without_rows
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.infeasibility.elastic import GivingRows, elastic
from optimizer.infeasibility.nearest_number import NumberSearch, row_units
from optimizer.infeasibility.trial import ConflictContext

_NOTHING = 1e-7


def cannot_help(context: ConflictContext, rule: Rule, *, soon: bool = False) -> bool:
    """Whether it is proved that no change of `rule` alone helps: not even leaving it out does.

    `soon`: only by what shows it at once.
    """
    model = context.model(apart=[rule.id])
    return context.is_ruled_out(without_rows(model, model.limit(rule.id).rows), soon)


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
        nearest = NumberSearch(context, number).nearest()
        if nearest is not None:
            return number_change(number, nearest[0].number, nearest[1])
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
