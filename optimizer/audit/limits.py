"""The limits of a rule, group by group, in exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from models.finding import Finding, State
from models.rule import Factor, Part, Rule
from models.scenario import Scenario
from models.selection import Block, Key, blocks
from optimizer.audit.measure import Reading

# The limits of rules as linear forms: each side is Σ coefficient × what a block comes to, exactly.
#
# A spreadsheet can follow a form where it cannot follow the audit itself; a property test holds
# that both come to the same numbers on any allocation.


_ONE = Fraction(1)


@dataclass(frozen=True)
class Measured:
    """A measure over some counties × some tasks (positions in the programme's tables)."""

    measure: str
    counties: tuple[int, ...]
    tasks: tuple[int, ...]


@dataclass(frozen=True)
class Form:
    """`constant` + Σ coefficient × measured, in the unit of a rule's value."""

    constant: Fraction = Fraction(0)
    terms: dict[Measured, Fraction] = field(default_factory=dict)

    def __add__(self, other: Form) -> Form:
        terms = dict(self.terms)
        for measured, factor in other.terms.items():
            terms[measured] = terms.get(measured, Fraction(0)) + factor
        return Form(self.constant + other.constant, terms)

    def __mul__(self, factor: Fraction) -> Form:
        return Form(self.constant * factor, {m: c * factor for m, c in self.terms.items()})

    def __sub__(self, other: Form) -> Form:
        return self + other * Fraction(-1)

    def value(self, read: Callable[[Measured], Fraction]) -> Fraction:
        """What the form comes to where `read` says what each block comes to."""
        return self.constant + sum((c * read(m) for m, c in self.terms.items()), Fraction(0))


@dataclass(frozen=True)
class LimitForm:
    """One limit of one rule; `lower` and `upper` as in a Finding, not yet read on an allocation."""

    rule: str
    key: tuple[tuple[str, str], ...]
    value: Form
    lower: Form | None = None
    upper: Form | None = None
    heads: Fraction = _ONE
    soft: bool = False
    only_if: Measured | None = None
    """Funded cells of which there must be one for the limit to be read."""


def limit_forms(scenario: Scenario) -> list[LimitForm]:
    """The limits of all enabled rules, in the order of the audit; `if_funded` ones all of them."""
    tables = _Tables(scenario)
    return [form for rule in scenario.rules for form in tables.forms(rule)]


def forms_of(scenario: Scenario, rule: Rule) -> list[LimitForm]:
    """The limits of one rule, of the scenario or not, over the scenario's programme."""
    return list(_Tables(scenario).forms(rule))


@dataclass(frozen=True)
class _Tables:
    scenario: Scenario

    def forms(self, rule: Rule) -> Iterator[LimitForm]:
        programme = self.scenario.programme
        groups = blocks(programme.counties, programme.tasks, rule.where, rule.per)
        parts = [self.parts(rule, part, groups) for part in rule.bound]
        within = Form(rule.within or Fraction(0))
        for block, *bounds in zip(groups, *parts, strict=True):
            bound = sum(bounds, Form())
            heads = self.heads(rule, block)
            yield LimitForm(
                rule=rule.id,
                key=tuple(zip(rule.per, block.key, strict=True)),
                value=_measured(rule.measure, block) * (1 / heads),
                lower=None if rule.sense == "at_most" else bound - within,
                upper=None if rule.sense == "at_least" else bound + within,
                heads=heads,
                soft=rule.soft is not None,
                only_if=_of("cells", block) if rule.if_funded else None,
            )

    def heads(self, rule: Rule, block: Block) -> Fraction:
        """What a per-head rule divides a block by; 1 for other rules."""
        if rule.per_head is None:
            return _ONE
        column = self.scenario.programme.counties.numbers(rule.per_head)
        return sum((column[county] for county in block.counties), Fraction(0))

    def parts(self, rule: Rule, part: Part, groups: Sequence[Block]) -> list[Form]:
        """One addend of the bound, group by group."""
        if part.number is not None:
            return [Form(part.number)] * len(groups)
        if part.column is not None:
            values = [self.from_column(part, part.column, block) for block in groups]
        elif part.of == "budget":
            whole = Block((), tuple(range(len(self.scenario.programme.counties))), ())
            per_head = Form(self.scenario.budget / self.heads(rule, whole))
            values = [per_head] * len(groups)
        else:
            values = self.references(rule, part, groups)
        factor = part.factor
        if factor is None:
            return values
        return [
            value * self.factor(factor, block) for value, block in zip(values, groups, strict=True)
        ]

    def from_column(self, part: Part, column: str, block: Block) -> Form:
        values = self.values(column, block)
        return Form(sum(values, Fraction(0)) if part.sum else values[0])

    def factor(self, factor: Factor, block: Block) -> Fraction:
        if factor.column is not None:
            return self.values(factor.column, block)[0]
        assert factor.number is not None
        return factor.number

    def values(self, column: str, block: Block) -> list[Fraction]:
        counties, tasks = self.scenario.programme.counties, self.scenario.programme.tasks
        if counties.kind(column):
            return [counties.numbers(column)[row] for row in block.counties]
        return [tasks.numbers(column)[row] for row in block.tasks]

    def references(self, rule: Rule, part: Part, groups: Sequence[Block]) -> list[Form]:
        """The `of` of a part, in the group of its own `per` that each group of the rule is in."""
        assert part.of is not None
        programme = self.scenario.programme
        found: dict[Key, Form] = {
            block.key: _measured(part.of, block) * (1 / self.heads(rule, block))
            for block in blocks(programme.counties, programme.tasks, part.where, part.per)
        }
        places = [rule.per.index(column) for column in part.per]
        return [found.get(tuple(block.key[at] for at in places), Form()) for block in groups]


def _of(measure: str, block: Block) -> Measured:
    return Measured(measure, block.counties, block.tasks)


def _measured(measure: str, block: Block) -> Form:
    return Form(terms={_of(measure, block): _ONE})


# The limits of a rule: for each group of the rule, its value held against its bound.


@dataclass(frozen=True)
class Bounds:
    """What a value is held against."""

    lower: Fraction | None = None
    upper: Fraction | None = None
    step: Fraction = _ONE
    """The most that one money unit (one cell, one county) can change the value."""
    heads: Fraction = _ONE
    soft: bool = False


def judged(rule: str, key: tuple[tuple[str, str], ...], value: Fraction, limit: Bounds) -> Finding:
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
        limit = Bounds(
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
        values = _value_of(reading, rule, part, groups)
    if part.factor is None:
        return values
    factors = [_factor(reading, part.factor, block) for block in groups]
    return [factor * value for factor, value in zip(factors, values, strict=True)]


def _factor(reading: Reading, factor: Factor, block: Block) -> Fraction:
    if factor.column is not None:
        return reading.column_value(factor.column, block)
    assert factor.number is not None
    return factor.number


def _value_of(reading: Reading, rule: Rule, part: Part, groups: Sequence[Block]) -> list[Fraction]:
    """The `of` of a part: over its own where, in the group of its own per that each group is in."""
    assert part.of is not None
    programme = reading.scenario.programme
    found: dict[Key, Fraction] = {}
    for block in blocks(programme.counties, programme.tasks, part.where, part.per):
        found[block.key] = _per(reading.value(part.of, block), _heads(reading, rule, block))
    places = [rule.per.index(column) for column in part.per]
    return [found.get(tuple(block.key[place] for place in places), Fraction(0)) for block in groups]
