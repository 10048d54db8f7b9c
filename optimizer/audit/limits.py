"""The limits of a scenario as linear forms: each side is Σ coefficient × what a block comes to.

Written once, exact, and not yet read on an allocation: the audit reads them, a certificate prices
them, a workbook follows them with formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from models.rule import BASELINE, CELLS, NO_IDLE, STEP, WHOLE_UNITS, Factor, Part, Rule
from models.scenario import LIMITS, Scenario
from models.selection import Block, Key, blocks, rows_where
from optimizer.audit.measure import Cell, Measured, Reading, read_measures
from optimizer.baselines import reference_table

_ONE, _NONE = Fraction(1), Fraction(0)


@dataclass(frozen=True)
class Form:
    """`constant` + Σ coefficient × measured, in the unit of a rule's value."""

    constant: Fraction = _NONE
    terms: dict[Measured, Fraction] = field(default_factory=dict)

    def __add__(self, other: Form) -> Form:
        terms = dict(self.terms)
        for measured, factor in other.terms.items():
            terms[measured] = terms.get(measured, _NONE) + factor
        return Form(self.constant + other.constant, terms)

    def __mul__(self, factor: Fraction) -> Form:
        return Form(self.constant * factor, {m: c * factor for m, c in self.terms.items()})

    def __sub__(self, other: Form) -> Form:
        return self + other * Fraction(-1)

    def value(self, read: Callable[[Measured], Fraction]) -> Fraction:
        """What the form comes to where `read` says what each block comes to."""
        total = self.constant
        for measured, factor in self.terms.items():
            # Most forms are one block, once: an audit reads hundreds, and fractions are slow.
            part = read(measured) if factor is _ONE else factor * read(measured)
            total = part if total is _NONE else total + part
        return total


@dataclass(frozen=True)
class LimitForm:
    """One limit; `lower` and `upper` as in a Finding, not yet read on an allocation, and with the
    safety margin of the rule: what a solver is held to."""

    rule: str
    """Id of the rule, or a reserved id."""
    key: tuple[tuple[str, str], ...]
    value: Form
    lower: Form | None = None
    upper: Form | None = None
    heads: Fraction = _ONE
    soft: bool = False
    only_if: Measured | None = None
    """Funded cells of which there must be one for the limit to be read."""
    margin: Fraction = _NONE
    """Share of the written limit that is to spare."""

    @property
    def written(self) -> LimitForm:
        """The limit as the rule writes it, without its safety margin."""
        if not self.margin:
            return self
        lower = None if self.lower is None else self.lower * (1 / (1 + self.margin))
        upper = None if self.upper is None else self.upper * (1 / (1 - self.margin))
        return replace(self, lower=lower, upper=upper, margin=_NONE)

    @property
    def rooms(self) -> list[Form]:
        """What is left to its one side or both."""
        found = [] if self.lower is None else [self.value - self.lower]
        return found + ([] if self.upper is None else [self.upper - self.value])

    @property
    def measured(self) -> list[Measured]:
        """All that it is read of."""
        sides = [form for form in (self.value, self.lower, self.upper) if form is not None]
        found = [of for form in sides for of in form.terms]
        return found if self.only_if is None else [*found, self.only_if]

    @property
    def cells(self) -> list[Cell]:
        """The cells that its value is measured over; one in two blocks stands twice."""
        return [cell for measured in self.value.terms for cell in measured.cells]


# Limits that the scenario itself sets, under reserved ids.


def budget_form(scenario: Scenario) -> LimitForm:
    """The money of the grid, and of the places outside it as the scenario lists them."""
    spent = Form(scenario.outside_money, {everything(scenario, "amount"): _ONE})
    return LimitForm("budget", (), spent, upper=Form(Fraction(scenario.budget)))


def lot_forms(scenario: Scenario, cells: Iterable[Cell]) -> Iterator[LimitForm]:
    """The least money of each of these cells, for those that hold money."""
    lots, tasks = scenario.cell_lots, len(scenario.programme.tasks)
    for cell in cells:
        lot = Form(lots[cell[0] * tasks + cell[1]])
        yield cell_form(scenario, "lot", cell, lower=lot)


def lock_forms(scenario: Scenario) -> Iterator[LimitForm]:
    """Each locked cell and its amount."""
    programme = scenario.programme
    for lock in scenario.spec.locks:
        cell = (programme.counties.index[lock.county], programme.tasks.index[lock.task])
        due = Form(lock.amount)
        yield cell_form(scenario, "locks", cell, lower=due, upper=due)


def bound_forms(scenario: Scenario) -> Iterator[LimitForm]:
    """The bounds of single cells."""
    programme = scenario.programme
    for one in scenario.spec.cells:
        cell = (programme.counties.index[one.county], programme.tasks.index[one.task])
        low, high = (None if end is None else Form(end) for end in (one.at_least, one.at_most))
        if low is not None or high is not None:
            yield cell_form(scenario, CELLS, cell, low, high)


def ineligible_forms(scenario: Scenario) -> Iterator[LimitForm]:
    """No money in the cells that each line of `ineligible` bars."""
    counties, tasks = scenario.programme.counties, scenario.programme.tasks
    for row in scenario.spec.ineligible:
        barred = Measured("amount", rows_where(counties, row.where), rows_where(tasks, row.where))
        yield LimitForm("eligibility", (), Form(terms={barred: _ONE}), upper=Form())


def idle_ends(scenario: Scenario) -> dict[Cell, Fraction]:
    """The most money of each cell under `no_idle`: where it ceases to yield, or what is locked.

    Empty without `no_idle`, and where the fund has no response at all.
    """
    ends = scenario.tiers.ends
    if not scenario.spec.no_idle or not ends.any():
        return {}
    if NO_IDLE not in scenario.worked:
        worked = {cell: Fraction(int(end)) for cell, end in np.ndenumerate(ends)}
        for form in lock_forms(scenario):
            assert form.upper is not None
            for cell in form.cells:
                worked[cell] = max(worked[cell], form.upper.constant)
        for form in bound_forms(scenario):
            if form.lower is not None:
                (cell,) = form.cells
                worked[cell] = max(worked[cell], form.lower.constant)
        scenario.worked[NO_IDLE] = worked
    found: dict[Cell, Fraction] = scenario.worked[NO_IDLE]
    return found


def idle_forms(scenario: Scenario, cells: Iterable[Cell]) -> Iterator[LimitForm]:
    """No money beyond what yields anything in each of these cells."""
    ends = idle_ends(scenario)
    for cell in cells:
        yield cell_form(scenario, NO_IDLE, cell, upper=Form(ends[cell]))


def step_forms(scenario: Scenario) -> Iterator[LimitForm]:
    """No cell with money that is no multiple of its step; none where all steps are 1."""
    if (scenario.steps > 1).any():
        odd = Form(terms={everything(scenario, "odd"): _ONE})
        yield LimitForm(STEP, (), odd, upper=Form())


def whole_units_form(scenario: Scenario) -> LimitForm:
    """No cell with parts of a money unit."""
    parted = Form(terms={everything(scenario, "parted"): _ONE})
    return LimitForm(WHOLE_UNITS, (), parted, upper=Form())


def cell_form(
    scenario: Scenario, rule: str, cell: Cell, lower: Form | None = None, upper: Form | None = None
) -> LimitForm:
    """A limit of the money of one cell."""
    (county, task), programme = cell, scenario.programme
    key = (("county", programme.counties.ids[county]), ("task", programme.tasks.ids[task]))
    value = Form(terms={Measured("amount", (county,), (task,)): _ONE})
    return LimitForm(rule, key, value, lower, upper)


def everything(scenario: Scenario, measure: str) -> Measured:
    """A measure over the whole grid."""
    counties, tasks = scenario.programme.shape
    return Measured(measure, tuple(range(counties)), tuple(range(tasks)))


# Limits of rules, one for each group of a rule.


def limit_forms(scenario: Scenario, *, apart: bool = False) -> list[LimitForm]:
    """The limits of all enabled rules, in the order of the audit; `if_funded` ones all of them."""
    if apart:
        return [form for rule in scenario.rules for form in forms_of(scenario, rule, apart=True)]
    if LIMITS not in scenario.worked:
        forms = (form for rule in scenario.rules for form in forms_of(scenario, rule))
        scenario.worked[LIMITS] = tuple(forms)
    return list(scenario.worked[LIMITS])


def forms_of(scenario: Scenario, rule: Rule, *, apart: bool = False) -> list[LimitForm]:
    """The limits of one rule, of the scenario or not, over the scenario's programme.

    What a bound takes from the baseline is a number; `apart`, a measure of its own
    (`baseline_measure`), for who wants to show where that number comes from.
    """
    return list(_RuleReader(scenario, rule, apart).forms())


def baseline_measure(measure: str) -> str:
    """The name under which `apart` limits measure the baseline: no rule can write it."""
    return f"{BASELINE}: {measure}"


def eased_by(scenario: Scenario, rule: Rule) -> dict[Key, Fraction]:
    """Group of a rule → by how much its limit gives way to money that is paid."""
    return {
        tuple(one.key.get(column, "") for column in rule.per): one.by
        for one in scenario.spec.eased
        if one.rule == rule.id
    }


@dataclass(frozen=True)
class _RuleReader:
    """One rule over a scenario's tables."""

    scenario: Scenario
    rule: Rule
    apart: bool

    def forms(self) -> Iterator[LimitForm]:
        rule, groups = self.rule, self.blocks_of(self.rule)
        eased = eased_by(self.scenario, rule)
        first, *others = [self.part(part, groups) for part in rule.bound]
        for at, block in enumerate(groups):
            bound = sum((values[at] for values in others), first[at])
            lower, upper = self.sides(bound)
            by = eased.get(tuple(block.key))
            if by is not None:
                lower, upper = lower - Form(by), upper + Form(by)
            heads = self.heads(block.counties)
            yield LimitForm(
                rule=rule.id,
                key=tuple(zip(rule.per, block.key, strict=True)),
                value=_over_heads(rule.measure, block, heads),
                lower=None if rule.sense == "at_most" else lower,
                upper=None if rule.sense == "at_least" else upper,
                heads=heads,
                soft=rule.soft is not None,
                only_if=_of("cells", block) if rule.if_funded else None,
                # Where a limit gives way there is nothing to spare.
                margin=rule.margin or _NONE if by is None else _NONE,
            )

    def sides(self, bound: Form) -> tuple[Form, Form]:
        """The bound as a floor and as a cap: less `within` and more, or with the margin on top."""
        within, margin = self.rule.within, self.rule.margin
        if margin:
            return bound * (1 + margin), bound * (1 - margin)
        return (bound, bound) if within is None else (bound - Form(within), bound + Form(within))

    def blocks_of(self, selected: Rule | Part) -> list[Block]:
        programme = self.scenario.programme
        return blocks(programme.counties, programme.tasks, selected.where, selected.per)

    def heads(self, counties: Iterable[int]) -> Fraction:
        """What a per-head rule divides a block by; 1 for other rules."""
        if self.rule.per_head is None:
            return _ONE
        column = self.scenario.programme.counties.numbers(self.rule.per_head)
        return sum([column[county] for county in counties], _NONE)

    def part(self, part: Part, groups: Sequence[Block]) -> list[Form]:
        """One addend of the bound, group by group."""
        if part.number is not None:
            return [Form(part.number)] * len(groups)
        if part.column is not None:
            values = [self.from_column(part, part.column, block) for block in groups]
        elif part.of == "budget":
            heads = self.heads(range(len(self.scenario.programme.counties)))
            values = [Form(self.scenario.budget / heads)] * len(groups)
        else:
            values = self.references(part, groups)
        factor = part.factor
        if factor is None:
            return values
        return [
            value * self.factor(factor, block) for value, block in zip(values, groups, strict=True)
        ]

    def from_column(self, part: Part, column: str, block: Block) -> Form:
        values = self.values(column, block)
        return Form(sum(values, _NONE) if part.sum else values[0])

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

    def references(self, part: Part, groups: Sequence[Block]) -> list[Form]:
        """The `of` of a part, in the group of its own `per` that each group of the rule is in."""
        assert part.of is not None
        found: dict[Key, Form] = {
            block.key: self.reference(part.of, block) for block in self.blocks_of(part)
        }
        places = [self.rule.per.index(column) for column in part.per]
        return [found.get(tuple(block.key[at] for at in places), Form()) for block in groups]

    def reference(self, of: str, block: Block) -> Form:
        """What a bound refers to, over one block."""
        heads = self.heads(block.counties)
        if of != BASELINE:
            return _over_heads(of, block, heads)
        if self.apart:
            return _over_heads(baseline_measure(self.rule.measure), block, heads)
        return Form(reference_reading(self.scenario).value(self.rule.measure, block) / heads)


def reference_reading(scenario: Scenario) -> Reading:
    """The table of bounds `of: baseline`, read once."""
    if "reference_reading" not in scenario.worked:
        table = reference_table(scenario)
        scenario.worked["reference_reading"] = read_measures(scenario, table)
    found: Reading = scenario.worked["reference_reading"]
    return found


def _of(measure: str, block: Block) -> Measured:
    return Measured(measure, block.counties, block.tasks)


def _over_heads(measure: str, block: Block, heads: Fraction) -> Form:
    return Form(terms={_of(measure, block): _ONE if heads is _ONE else 1 / heads})
