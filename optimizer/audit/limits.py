"""The limits of a rule: for each group of the rule, its value held against its bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.finding import Finding, State
from models.measure import Factor, Part
from models.rule import Rule
from models.select import Block, Key, blocks
from optimizer.audit.measure import Reading

_ONE = Fraction(1)


@dataclass(frozen=True)
class Limit:
    """What a value is held against."""

    lower: Fraction | None = None
    upper: Fraction | None = None
    step: Fraction = _ONE
    """The most that one money unit (one cell, one county) can change the value."""
    heads: Fraction = _ONE
    soft: bool = False


def judged(rule: str, key: tuple[tuple[str, str], ...], value: Fraction, limit: Limit) -> Finding:
    """The finding of one limit: kept, broken or bent; binding where kept with no step to spare."""
    lower, upper = limit.lower, limit.upper
    rooms = [value - lower] if lower is not None else []
    rooms += [upper - value] if upper is not None else []
    room = min(rooms)
    kept = room >= 0
    state: State = "kept" if kept else "bent" if limit.soft else "broken"
    binding = kept and (not room or room < limit.step)
    return Finding(rule, key, value, lower, upper, state, binding, limit.heads)


def findings_of(reading: Reading, rule: Rule) -> Iterator[Finding]:
    """One finding for each group of the rule, in the order of the programme's tables."""
    programme = reading.scenario.programme
    groups = blocks(programme.counties, programme.tasks, rule.where, rule.per)
    if rule.if_funded:
        groups = [block for block in groups if reading.value("cells", block)]
    for block, bound in zip(groups, _bounds(reading, rule, groups), strict=True):
        heads = _heads(reading, rule, block)
        limit = Limit(
            lower=None if rule.sense == "at_most" else _widened(bound, rule.within, -1),
            upper=None if rule.sense == "at_least" else _widened(bound, rule.within, 1),
            step=_per(reading.step(rule.measure, block), heads),
            heads=heads,
            soft=rule.soft is not None,
        )
        key = tuple(zip(rule.per, block.key, strict=True))
        yield judged(rule.id, key, _per(reading.value(rule.measure, block), heads), limit)


def _widened(bound: Fraction, within: Fraction | None, way: int) -> Fraction:
    return bound + way * within if within else bound


def _per(number: Fraction, heads: Fraction) -> Fraction:
    return number if heads is _ONE else number / heads


def _heads(reading: Reading, rule: Rule, block: Block) -> Fraction:
    return _ONE if rule.per_head is None else reading.column_sum(rule.per_head, block)


def _bounds(reading: Reading, rule: Rule, groups: Sequence[Block]) -> list[Fraction]:
    """The bound of each group: its parts added up."""
    first, *others = [_part_values(reading, rule, part, groups) for part in rule.bound]
    for values in others:
        first = [total + value for total, value in zip(first, values, strict=True)]
    return first


def _part_values(
    reading: Reading, rule: Rule, part: Part, groups: Sequence[Block]
) -> list[Fraction]:
    """One part of the bound, group by group."""
    if part.number is not None:
        return [part.number] * len(groups)
    if part.column is not None:
        read = reading.column_sum if part.sum else reading.column_value
        values = [read(part.column, block) for block in groups]
    elif part.of == "budget":
        heads = _heads(reading, rule, reading.everything())
        values = [Fraction(reading.scenario.budget) / heads] * len(groups)
    else:
        values = _measured(reading, rule, part, groups)
    if part.factor is None:
        return values
    factors = [_factor(reading, part.factor, block) for block in groups]
    return [factor * value for factor, value in zip(factors, values, strict=True)]


def _factor(reading: Reading, factor: Factor, block: Block) -> Fraction:
    if factor.column is not None:
        return reading.column_value(factor.column, block)
    assert factor.number is not None
    return factor.number


def _measured(reading: Reading, rule: Rule, part: Part, groups: Sequence[Block]) -> list[Fraction]:
    """The `of` of a part: over its own where, in the group of its own per that each group is in."""
    assert part.of is not None
    programme = reading.scenario.programme
    found: dict[Key, Fraction] = {}
    for block in blocks(programme.counties, programme.tasks, part.where, part.per):
        found[block.key] = _per(reading.value(part.of, block), _heads(reading, rule, block))
    places = [rule.per.index(column) for column in part.per]
    return [found.get(tuple(block.key[place] for place in places), Fraction(0)) for block in groups]
