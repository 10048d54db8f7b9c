"""Why a county gets what it gets: what binds it, what its next money unit does, what a swap costs.

Read from one allocation in exact arithmetic: a record or a table is not solved again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from models.allocation import Allocation
from models.errors import refuse
from models.finding import Finding
from models.rule import Rule
from models.scenario import Scenario
from models.selection import Block, blocks
from optimizer.audit.measure import Cell
from optimizer.problem import reference_of
from optimizer.sensitivity.swaps import (
    Judged,
    Move,
    SwapJudge,
    first_kept,
    is_nothing,
    rearranged,
)

_TRIED = 60
"""So many swaps are judged before the search for one that breaks nothing ends."""
_TRIED_FOR_ZERO = 12


Why = Literal["barred", "locked", "limits", "worse", "better"]


@dataclass(frozen=True)
class Next:
    """One more money unit in a cell that has money, wherever it comes from."""

    move: Move
    blocked: tuple[str, ...]
    """Rules that it would break on top of the budget, were it simply added."""


@dataclass(frozen=True)
class Zero:
    """Why a cell has no money."""

    task: int
    why: Why
    """`barred` and `locked` by the scenario; `limits`: every way that was tried breaks a rule;
    `worse`: the best way costs objective; `better`: one would gain (within the solver's gap)."""
    rules: tuple[str, ...] = ()
    """Of `limits`: what stands in the way, most often first."""
    swap: Judged | None = None
    """Of `worse` and `better`: the best way to fund it."""


@dataclass(frozen=True)
class CountyView:
    """One county of an allocation."""

    county: int
    money: Fraction
    own: tuple[Finding, ...]
    """Limits of this county alone that leave no room."""
    shared: tuple[Finding, ...]
    """Limits that it shares with others and that leave no room."""
    at_lot: tuple[int, ...]
    """Tasks that have just the lot."""
    next: Next | None
    """The best further money unit; None where no cell has money."""
    zero: tuple[Zero, ...]


@dataclass(frozen=True)
class LeftOver:
    """Why money is unspent."""

    money: Fraction
    rules: tuple[str, ...]
    """What closes the places for a further unit, most often first."""
    gain: Judged | None
    """A place that would take a unit and break nothing; its gain may be nothing."""


@dataclass(frozen=True)
class Room:
    """A rule without any limit that binds."""

    rule: str
    tightest: Finding
    never: bool | None
    """Proved that it cannot bind in any allocation that keeps the others; None if not asked."""


@dataclass(frozen=True)
class Explanation:
    """The answer to "why this, and not that"."""

    scenario: Scenario
    allocation: Allocation
    objective: Fraction
    """Less penalties."""
    county: CountyView
    against: CountyView | None
    swap: Judged | None
    """The best swap that breaks nothing: a unit (or a whole cell) into the county, taken from
    `against`, or from wherever it costs least. None where none of those tried keeps the rules."""
    broken: Judged | None
    """The best swap of all, where that breaks a rule."""
    rearranged: float | None
    """Objective points gained by a unit more for the county (and less for `against`) where all
    other money may adjust, the cells funded as they are; None where nothing allows it."""
    left_over: LeftOver | None
    rooms: tuple[Room, ...]

    @property
    def is_tie(self) -> bool:
        """The swap neither gains nor costs anything that counts."""
        return self.swap is not None and self.swap.is_tie

    @property
    def is_rearranged_tie(self) -> bool:
        """With all other money adjusting, a unit more is as good as a unit less."""
        if self.rearranged is None or self.county.next is None:
            return False
        return is_nothing(Fraction(repr(self.rearranged)), self.county.next.move.points)


def explain(
    scenario: Scenario,
    allocation: Allocation,
    county: int,
    against: int | None = None,
    *,
    never: bool = True,
) -> Explanation:
    """Why the county (its position) gets what it gets in an allocation, `against` another.

    With `never`, rules that do not bind are put to the relaxation: can they bind at all? Raises
    `InputError` for a county against itself, or an allocation of another shape.
    """
    if against == county:
        refuse("--against", "", "is the same county; name another")
    desk = SwapJudge(scenario, allocation, reference_of(scenario).points)
    tasks = range(scenario.programme.shape[1])
    donors = _funded(desk, against) if against is not None else _cheap_donors(desk, county)
    moves = desk.between(donors, [(county, task) for task in tasks if _open(desk, county, task)])
    found = first_kept(desk, moves, _TRIED)
    return Explanation(
        scenario=scenario,
        allocation=allocation,
        objective=desk.worth,
        county=_view(desk, county),
        against=None if against is None else _view(desk, against),
        swap=found.kept,
        broken=found.best,
        rearranged=rearranged(scenario, allocation, county, against),
        left_over=_left_over(desk),
        rooms=_rooms(desk, never),
    )


def _funded(desk: SwapJudge, county: int) -> list[Cell]:
    tasks = range(desk.scenario.programme.shape[1])
    return [
        (county, task)
        for task in tasks
        if desk.money((county, task)) > 0 and (county, task) not in desk.locked
    ]


def _cheap_donors(desk: SwapJudge, county: int) -> list[Cell | None]:
    """Unspent money, and the cells of other counties: the search for a swap begins with those
    that lose least."""
    counties = desk.scenario.programme.shape[0]
    return [None, *(cell for at in range(counties) if at != county for cell in _funded(desk, at))]


def _open(desk: SwapJudge, county: int, task: int) -> bool:
    cell = (county, task)
    return cell not in desk.barred and cell not in desk.locked


def _view(desk: SwapJudge, county: int) -> CountyView:
    scenario = desk.scenario
    tasks = range(scenario.programme.shape[1])
    own, shared = _binding(desk, county)
    money = sum((desk.money((county, task)) for task in tasks), Fraction(0))
    at_lot = []
    if scenario.spec.lot is not None:
        at_lot = [t for t in tasks if desk.money((county, t)) == desk.lot((county, t))]
    zero = [_zero(desk, county, task) for task in tasks if not desk.money((county, task))]
    return CountyView(county, money, own, shared, tuple(at_lot), _next(desk, county), tuple(zero))


def _binding(desk: SwapJudge, county: int) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Binding limits of the county alone, and those that it shares."""
    rules = {rule.id: rule for rule in desk.scenario.rules}
    found: tuple[list[Finding], list[Finding]] = ([], [])
    places: dict[str, dict[tuple[str, ...], Block]] = {}
    for finding in desk.audit.findings:
        if not finding.binding:
            continue
        if finding.rule == "budget":
            found[1].append(finding)
        if finding.rule not in rules:
            continue
        if finding.rule not in places:
            places[finding.rule] = _places(desk.scenario, rules[finding.rule])
        block = places[finding.rule][tuple(value for _, value in finding.key)]
        if county in block.counties:
            found[len(block.counties) > 1].append(finding)
    return tuple(found[0]), tuple(found[1])


def _places(scenario: Scenario, rule: Rule) -> dict[tuple[str, ...], Block]:
    programme = scenario.programme
    listed = blocks(programme.counties, programme.tasks, rule.where, rule.per)
    return {block.key: block for block in listed}


def _next(desk: SwapJudge, county: int) -> Next | None:
    """The best further unit in the county's funded cells, and what would stand against it."""
    cells = _funded(desk, county)
    if not cells:
        return None
    best = max((desk.move(None, cell, Fraction(1)) for cell in cells), key=lambda move: move.points)
    judged = desk.judged(best)
    return Next(best, tuple(rule for rule in judged.breaks if rule != "budget"))


def _zero(desk: SwapJudge, county: int, task: int) -> Zero:
    """Why a cell has no money: the best ways to fund it are tried."""
    cell = (county, task)
    if cell in desk.barred:
        return Zero(task, "barred")
    if cell in desk.locked:
        return Zero(task, "locked")
    moves = _ways(desk, cell)
    found = first_kept(desk, moves, _TRIED_FOR_ZERO)
    if found.kept is not None:
        return Zero(task, "better" if found.kept.points > 0 else "worse", swap=found.kept)
    return Zero(task, "limits", found.rules)


def _ways(desk: SwapJudge, cell: Cell) -> list[Move]:
    """Ways to fund a cell: from what is unspent, from the county's own cells, from others'."""
    return desk.between([*_cheap_donors(desk, cell[0]), *_funded(desk, cell[0])], [cell])


def _left_over(desk: SwapJudge) -> LeftOver | None:
    """Why a further unit goes nowhere: the places where it would do most are tried."""
    if desk.audit.unspent < 1:
        return None
    counties = range(desk.scenario.programme.shape[0])
    cells = [cell for county in counties for cell in _funded(desk, county)]
    moves = [desk.move(None, cell, Fraction(1)) for cell in cells]
    found = first_kept(desk, sorted(moves, key=lambda move: -move.points), _TRIED)
    return LeftOver(desk.audit.unspent, found.rules, found.kept)


def _rooms(desk: SwapJudge, never: bool) -> tuple[Room, ...]:
    """Rules without a binding limit; of each the tightest limit."""
    found: dict[str, list[Finding]] = {}
    for finding in desk.audit.findings:
        found.setdefault(finding.rule, []).append(finding)
    idle = [
        rule.id
        for rule in desk.scenario.rules
        if rule.id in found and _is_idle(found[rule.id]) and rule.soft is None
    ]
    proved = _never(desk.scenario, idle) if never else dict.fromkeys(idle)
    return tuple(Room(name, _tightest(found[name]), proved[name]) for name in idle)


def _is_idle(findings: Iterable[Finding]) -> bool:
    return all(one.state == "kept" and not one.binding for one in findings)


def _tightest(findings: Sequence[Finding]) -> Finding:
    return min(findings, key=lambda one: one.slack_in_all)


def _never(scenario: Scenario, names: Sequence[str]) -> dict[str, bool | None]:
    # Loads the solver, which explaining does not need as long as no rule is asked after.
    from optimizer.sensitivity.drop_rule import can_bind

    return {name: not can_bind(scenario, name) for name in names}
