"""Exact rows of a comparison: outcomes, money at every level, rules, counties that gain or lose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from models.allocation import added_and_taken
from models.finding import Audit, Finding
from models.rule import NO_IDLE, STEP, WHOLE_UNITS
from models.scenario import Scenario
from models.selection import Block, blocks
from models.strict_yaml import Text
from optimizer.compare.columns import Column
from optimizer.compare.common_grid import CommonGrid
from optimizer.compare.significance import Mark, metric_mark

Exact = Fraction | None
NAUGHT = Fraction(0)


@dataclass(frozen=True)
class OutcomeRow:
    """One metric in one column."""

    column: str
    metric: str
    unit: Text
    value: Exact
    """By the column's own response; None where it has no allocation or no such metric."""
    reference: Exact
    difference: Exact
    by_reference: Exact
    """The same money by the reference's response; None where the grid is another."""
    difference_by_reference: Exact
    mark: Mark


def outcome_rows(
    world: CommonGrid, column: Column, reference: Column, mark: Mark
) -> Iterator[OutcomeRow]:
    """A row a metric that the column or the reference has."""
    units = {metric.id: metric.unit for metric in column.scenario.programme.file.metrics}
    other_units = {row.what: row.only_here for row in world.apart if row.column == column.name}
    for metric in world.metrics:
        value, before = (_outcome(one, metric.id) for one in (column, reference))
        if metric.id in other_units.get("units", ()):
            before = None
        by_reference = _by_reference(column, metric.id)
        difference = _less(value, before)
        apart = _less(by_reference, _outcome(reference, metric.id))
        counted = difference if apart is None else apart
        said: Mark = ""
        if counted is not None and difference is not None:
            said = metric_mark(mark, column, reference, (metric.id, counted))
        unit = units.get(metric.id, metric.unit)
        yield OutcomeRow(
            column.name, metric.id, unit, value, before, difference, by_reference, apart, said
        )


def _outcome(column: Column, metric: str) -> Exact:
    return None if column.reads is None else column.reads.audit.outcomes.get(metric)


def _by_reference(column: Column, metric: str) -> Exact:
    under = column.reads.under_reference if column.reads else None
    return None if under is None else under.outcomes.get(metric)


def _less(one: Exact, other: Exact) -> Exact:
    return None if one is None or other is None else one - other


@dataclass(frozen=True)
class AmountRow:
    """Money of one column at one place of one level."""

    column: str
    level: str
    """total, outside, task, county, cell, or a county column that the money is added up by."""
    place: str
    """Code of a county or of a place outside, value of a county column; '' for total and task."""
    task: str
    """Id of a task, for levels task and cell."""
    amount: Exact
    """None where the column has no allocation, or its programme no such place."""
    reference: Exact
    difference: Exact
    """What is not there counts as nothing, so that differences add up over every level."""


def amount_rows(world: CommonGrid, column: Column, reference: Column) -> Iterator[AmountRow]:
    """Level by level, each in the order of the common grid."""
    pair = (column, reference)
    every = (range(len(world.counties)), range(len(world.tasks)))
    yield _amount(pair, ("total", "", ""), (_spent(column), _spent(reference)))
    for code in _outside_codes(pair):
        yield _amount(pair, ("outside", code, ""), _pair(pair, lambda c, k=code: _outside(c, k)))
    for t, task in enumerate(world.tasks):
        block = (every[0], [t])
        yield _amount(pair, ("task", "", task), _sums(pair, block), _known(pair, task=task))
    for level, name in enumerate(world.groupings):
        for value, members in groups(world, level).items():
            yield _amount(pair, (name, value, ""), _sums(pair, (members, every[1])))
    for c, county in enumerate(world.counties):
        known = _known(pair, county.code)
        yield _amount(pair, ("county", county.code, ""), _sums(pair, ([c], every[1])), known)
    for c, county in enumerate(world.counties):
        for t, task in enumerate(world.tasks):
            known = _known(pair, county.code, task)
            yield _amount(pair, ("cell", county.code, task), _sums(pair, ([c], [t])), known)


def groups(world: CommonGrid, level: int) -> dict[str, list[int]]:
    """Value of the `level`-th grouping → positions of its counties."""
    found: dict[str, list[int]] = {}
    for at, county in enumerate(world.counties):
        found.setdefault(county.groups[level], []).append(at)
    return found


Pair = tuple[Column, Column]
Two = tuple[Exact, Exact]


def _amount(
    pair: Pair, at: tuple[str, str, str], money: Two, known: tuple[bool, bool] = (True, True)
) -> AmountRow:
    ours, theirs = money
    difference = None if ours is None or theirs is None else ours - theirs
    shown = [amount if there else None for amount, there in zip(money, known, strict=True)]
    return AmountRow(pair[0].name, *at, shown[0], shown[1], difference)


def _pair(pair: Pair, read: object) -> Two:
    assert callable(read)
    found = [None if one.reads is None else read(one) for one in pair]
    return found[0], found[1]


def _sums(pair: Pair, block: tuple[Iterable[int], Iterable[int]]) -> Two:
    counties, tasks = list(block[0]), list(block[1])

    def read(column: Column) -> Fraction:
        assert column.reads is not None
        money = column.reads.money
        return Fraction(sum(money[c, t] for c in counties for t in tasks))

    return _pair(pair, read)


def _spent(column: Column) -> Exact:
    return None if column.reads is None else column.reads.audit.spent


def outside_of(column: Column) -> dict[str, tuple[str, Fraction]]:
    """Code → (name, money) of the places outside the grid, as the audit counts them."""
    if column.reads is None:
        return {}
    found = {row.code: (row.name, Fraction(row.amount)) for row in column.scenario.spec.outside}
    found |= {c: (name, Fraction(m)) for c, name, m in column.reads.allocation.outside}
    return found


def _outside_codes(pair: Pair) -> list[str]:
    return list(dict.fromkeys(code for one in reversed(pair) for code in outside_of(one)))


def _outside(column: Column, code: str) -> Fraction:
    return outside_of(column).get(code, ("", NAUGHT))[1]


def _known(pair: Pair, county: str = "", task: str = "") -> tuple[bool, bool]:
    """Whether the programme of each has the county and the task."""
    tables = [(one.scenario.programme.counties, one.scenario.programme.tasks) for one in pair]
    found = [
        (not county or county in counties.index) and (not task or task in tasks.index)
        for counties, tasks in tables
    ]
    return found[0], found[1]


State = Literal["kept", "short", "broken", "bent", "silent", "off", "absent", "unknown"]
"""silent: nothing to read; off: switched off; absent: no rule of the column; unknown: no
allocation; the others as of a finding."""


@dataclass(frozen=True)
class RuleRow:
    """One rule in one column, read under the column's own scenario."""

    rule: str
    column: str
    state: State
    limits: int = 0
    broken: int = 0
    binding: int = 0
    near: int = 0
    tightest: Finding | None = None
    """The limit with the least room, broken ones first."""


def rule_rows(columns: Sequence[Column]) -> list[RuleRow]:
    """Every rule and reserved finding of any column, in every column."""
    found = {one.name: _by_rule(one.reads.audit) if one.reads else {} for one in columns}
    names = dict.fromkeys(
        name
        for one in columns
        for name in ("budget", *(rule.id for rule in one.scenario.spec.rules), *found[one.name])
    )
    return [
        _rule_row(name, one, found[one.name].get(name, [])) for name in names for one in columns
    ]


def _by_rule(audited: Audit) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in audited.findings:
        found.setdefault(finding.rule, []).append(finding)
    return found


def _rule_row(name: str, column: Column, findings: Sequence[Finding]) -> RuleRow:
    if not findings:
        return RuleRow(name, column.name, _state_unread(name, column))
    states = [finding.state for finding in findings]
    worst: tuple[State, ...] = ("broken", "bent", "short", "kept")
    state = next(state for state in worst if state in states)
    return RuleRow(
        name,
        column.name,
        state,
        limits=len(findings),
        broken=states.count("broken"),
        binding=sum(1 for finding in findings if finding.binding),
        near=sum(1 for finding in findings if finding.near),
        tightest=min(findings, key=lambda one: (one.holds, one.slack_in_all)),
    )


def _state_unread(name: str, column: Column) -> State:
    listed = {rule.id: rule.enabled for rule in column.scenario.spec.rules}
    if name not in listed:
        return "unknown" if column.reads is None and name == "budget" else "absent"
    if not listed[name]:
        return "off"
    return "unknown" if column.reads is None else "silent"


@dataclass(frozen=True)
class Held:
    """A limit that leaves no room, or is broken, and the counties that it is about."""

    finding: Finding
    counties: tuple[str, ...]
    """Codes; () where the limit is about the whole grid."""


_NEVER_SHOWN = (WHOLE_UNITS, NO_IDLE, STEP, "lot", "locks", "cell-bounds", "eligibility")


def held_by(column: Column) -> list[Held]:
    """The limits of the rules that bind or are broken in a column."""
    if column.reads is None:
        return []
    scenario = column.scenario
    counties, found = scenario.programme.counties, []
    members = {rule.id: _members(scenario, rule.id) for rule in scenario.rules}
    for finding in column.reads.audit.findings:
        kept = finding.state in ("kept", "short")
        if (kept and not finding.tight) or (kept and finding.rule in _NEVER_SHOWN):
            continue
        key = tuple(value for _, value in finding.key)
        rows = members.get(finding.rule, {}).get(key)
        if rows is None:
            codes = tuple(value for name, value in finding.key if name == "county")
        else:
            codes = () if len(rows) == len(counties) else tuple(counties.ids[r] for r in rows)
        found.append(Held(finding, codes))
    return found


def _members(scenario: Scenario, name: str) -> Mapping[tuple[str, ...], tuple[int, ...]]:
    """Key of each limit of a rule → positions of its counties."""
    rule = next(rule for rule in scenario.rules if rule.id == name)
    programme = scenario.programme
    found: list[Block] = blocks(programme.counties, programme.tasks, rule.where, rule.per)
    return {block.key: block.counties for block in found}


@dataclass(frozen=True)
class MovedRow:
    """How much money of a column stands elsewhere than in the reference."""

    column: str
    moved: Exact
    """Money units counted once: the larger of what is added and what is taken away, over cells
    and places outside the grid."""
    added: Exact
    taken: Exact
    gaining: int
    losing: int
    """Counties that have more and less in all."""
    mark: Mark
    """`tie` where nothing in the inputs made it move."""


def moved_row(world: CommonGrid, column: Column, reference: Column, mark: Mark) -> MovedRow:
    """The movement of one column, exact."""
    if column.reads is None or reference.reads is None:
        return MovedRow(column.name, None, None, None, 0, 0, "")
    apart = (column.reads.money - reference.reads.money).ravel().tolist()
    pair = (column, reference)
    apart += [_outside(column, code) - _outside(reference, code) for code in _outside_codes(pair)]
    added, taken = added_and_taken(apart)
    changes = county_changes(world, column, reference)
    said: Mark = mark if mark in ("tie", "open") and (added or taken) else ""
    return MovedRow(
        column.name,
        max(added, taken),
        added,
        taken,
        sum(1 for change in changes if change > 0),
        sum(1 for change in changes if change < 0),
        said,
    )


def county_changes(world: CommonGrid, column: Column, reference: Column) -> list[Fraction]:
    """By county of the common grid, what a column gives more than the reference."""
    if column.reads is None or reference.reads is None:
        return [NAUGHT for _ in world.counties]
    apart = (column.reads.money - reference.reads.money).sum(axis=1)
    return [Fraction(one) for one in apart.tolist()]
