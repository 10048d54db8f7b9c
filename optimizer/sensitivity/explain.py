"""Why a county gets what it gets: what binds it, what its next money unit does, what a swap costs.

Read from one allocation in exact arithmetic: a record or a table is not solved again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from models.allocation import Allocation
from models.errors import refuse, with_keywords
from models.exact import parse_share, short_text
from models.finding import Finding, repr_line
from models.objective import need_points
from models.rule import Rule
from models.scenario import Scenario
from models.selection import Block, blocks, county_at
from models.solution import Solution
from optimizer.audit.measure import Cell
from optimizer.audit.swaps import (
    JudgedMove,
    Move,
    SwapJudge,
    first_kept,
    is_nothing,
)
from optimizer.problem import reference_of
from optimizer.sensitivity.county_facts import CountyFacts, facts_of
from optimizer.sensitivity.near_optimal import Range, county_range
from optimizer.sensitivity.rearranged import rearranged_gain

_TRIED = 60
"""So many swaps are judged before the search for one that breaks nothing ends."""
_TRIED_FOR_ZERO = 12


WITHIN = 0.002
"""Share of the best objective that may be given up for the reachable range."""
Why = Literal["barred", "locked", "limits", "worse", "better"]


@dataclass(frozen=True)
class NextUnit:
    """One more money unit in a cell that has money, wherever it comes from."""

    move: Move
    blocked: tuple[str, ...]
    """Rules that it would break on top of the budget, were it simply added."""


@dataclass(frozen=True)
class UnfundedCell:
    """Why a cell has no money."""

    task: int
    why: Why
    """`barred` and `locked` by the scenario; `limits`: every way that was tried breaks a rule;
    `worse`: the best way costs objective; `better`: one would gain (within the solver's gap)."""
    rules: tuple[str, ...] = ()
    """Of `limits`: what stands in the way, most often first."""
    swap: JudgedMove | None = None
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
    next: NextUnit | None
    """The best further money unit; None where no cell has money."""
    zero: tuple[UnfundedCell, ...]


@dataclass(frozen=True)
class UnspentMoney:
    """Why money is unspent."""

    money: Fraction
    rules: tuple[str, ...]
    """What closes the places for a further unit, most often first."""
    gain: JudgedMove | None
    """A place that would take a unit and break nothing; its gain may be nothing."""


@dataclass(frozen=True)
class IdleRule:
    """A rule without any limit that binds."""

    rule: str
    tightest: Finding
    never: bool | None
    """It cannot bind in any allocation that keeps the others, to the solver's tolerance; None if
    not asked."""


@dataclass(frozen=True)
class Explanation:
    """The answer to "why this, and not that"."""

    scenario: Scenario
    allocation: Allocation
    objective: Fraction
    """Less penalties."""
    breaks: tuple[str, ...]
    """Ids of the rules that the allocation itself breaks: a swap may be asked no more of. Parts of
    a money unit are one, unless it is of a solve that was asked for them."""
    county: CountyView
    against: CountyView | None
    facts: tuple[CountyFacts, ...]
    """Of the county, then of `against`."""
    near: Range | None
    """Least and most money of the county near the best; None of a table, and of a programme so
    large that this takes long."""
    within: float
    """The share of the best objective that `near` may give up."""
    swap: JudgedMove | None
    """The best swap that breaks nothing: a unit (or a whole cell) into the county, taken from
    `against`, or from wherever it costs least. None where none of those tried keeps the rules."""
    broken: JudgedMove | None
    """The best swap of all, where that breaks a rule."""
    rearranged: float | None
    """Objective points gained by a unit more for the county (and less for `against`) where all
    other money may adjust, the cells funded as they are; None where nothing allows it."""
    left_over: UnspentMoney | None
    rooms: tuple[IdleRule, ...]

    def __repr__(self) -> str:
        view, counties = self.county, self.scenario.programme.counties.ids
        own = (finding.rule for finding in (*view.own, *view.shared))
        swap = "none found that breaks no rule"
        if self.swap is not None:
            swap = f"objective {float(self.swap.points):+.3g}"
        lines = [
            f"Explanation of {counties[view.county]} in {self.scenario.name}",
            repr_line("money", short_text(view.money)),
            repr_line("no room", ", ".join(dict.fromkeys(own)) or "none"),
            repr_line("swap", swap),
            *([repr_line("broken", ", ".join(self.breaks))] if self.breaks else []),
        ]
        return "\n".join(lines)

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


@with_keywords()
def explain(
    of: Scenario | Solution,
    county: str,
    *,
    against: str | None = None,
    allocation: Allocation | None = None,
    never: bool = True,
    within: float | str = WITHIN,
) -> Explanation:
    """Why a county gets what it gets in a solution, `against` another; by codes or names.

    `allocation`: another one, read by the same rules; due where `of` is a scenario. Nothing is
    solved again. Money is in money units, gains are in objective points. With `never`, rules that
    do not bind are put to the relaxation: can they bind at all? `within`: so much of a solution's
    objective the county's reachable range may give up (a share, 0.002 or "0.2%").

    Raises `InputError` for an unknown county (the nearest is named), a county against itself, a
    scenario without an allocation, or an allocation of another shape.
    """
    scenario = of.scenario if isinstance(of, Solution) else of
    need_points(scenario)
    if allocation is None:
        if not isinstance(of, Solution):
            refuse("allocation", "", "is due with a scenario; or explain a solution")
        allocation = of.allocation
    place = county_at(scenario.programme, county, "county")
    other = None if against is None else county_at(scenario.programme, against, "against")
    if other == place:
        refuse("against", "", f"'{against}' is the same county; name another")
    near = float(parse_share(within))
    whole = of.is_whole if isinstance(of, Solution) else True
    reference = reference_of(scenario)
    judge = SwapJudge(scenario, allocation, reference.points, whole)
    best = of if isinstance(of, Solution) and of.allocation is allocation else None
    tasks = range(scenario.programme.shape[1])
    donors = _funded(judge, other) if other is not None else _cheap_donors(judge, place)
    moves = judge.between(donors, [(place, task) for task in tasks if _open(judge, place, task)])
    found = first_kept(judge, moves, _TRIED)
    return Explanation(
        scenario=scenario,
        allocation=allocation,
        objective=judge.worth,
        breaks=judge.audit.broken_rules,
        county=_view(judge, place),
        against=None if other is None else _view(judge, other),
        facts=tuple(facts_of(judge, reference, at) for at in (place, other) if at is not None),
        near=None if best is None else county_range(best, place, near, reference.points),
        within=near,
        swap=found.kept,
        broken=found.best,
        rearranged=rearranged_gain(judge, place, other),
        left_over=_left_over(judge),
        rooms=_rooms(judge, never),
    )


def _funded(judge: SwapJudge, county: int) -> list[Cell]:
    return [cell for cell in judge.movable if cell[0] == county]


def _cheap_donors(judge: SwapJudge, county: int) -> list[Cell | None]:
    """Unspent money, and the cells of other counties: the search for a swap begins with those
    that lose least."""
    return [None, *(cell for cell in judge.movable if cell[0] != county)]


def _open(judge: SwapJudge, county: int, task: int) -> bool:
    cell = (county, task)
    return cell not in judge.barred and cell not in judge.locked


def _view(judge: SwapJudge, county: int) -> CountyView:
    scenario = judge.scenario
    tasks = range(scenario.programme.shape[1])
    own, shared = _binding(judge, county)
    money = sum((judge.money((county, task)) for task in tasks), Fraction(0))
    at_lot = []
    if scenario.spec.lot is not None:
        at_lot = [t for t in tasks if judge.money((county, t)) == judge.lot((county, t))]
    zero = [_zero(judge, county, task) for task in tasks if not judge.money((county, task))]
    return CountyView(county, money, own, shared, tuple(at_lot), _next(judge, county), tuple(zero))


def _binding(judge: SwapJudge, county: int) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Limits of the county alone, and those that it shares, with no room for one unit more."""
    rules = {rule.id: rule for rule in judge.scenario.rules}
    found: tuple[list[Finding], list[Finding]] = ([], [])
    places: dict[str, dict[tuple[str, ...], Block]] = {}
    for finding in judge.audit.findings:
        if not finding.tight:
            continue
        if finding.rule == "budget":
            found[1].append(finding)
        if finding.rule not in rules:
            continue
        if finding.rule not in places:
            places[finding.rule] = _places(judge.scenario, rules[finding.rule])
        block = places[finding.rule][tuple(value for _, value in finding.key)]
        if county in block.counties:
            found[len(block.counties) > 1].append(finding)
    return tuple(found[0]), tuple(found[1])


def _places(scenario: Scenario, rule: Rule) -> dict[tuple[str, ...], Block]:
    programme = scenario.programme
    listed = blocks(programme.counties, programme.tasks, rule.where, rule.per)
    return {block.key: block for block in listed}


def _next(judge: SwapJudge, county: int) -> NextUnit | None:
    """The best further unit in the county's funded cells, and what would stand against it."""
    cells = _funded(judge, county)
    if not cells:
        return None
    best = max(
        (judge.move(None, cell, judge.unit(cell)) for cell in cells), key=lambda move: move.points
    )
    judged = judge.judged(best)
    return NextUnit(best, tuple(rule for rule in judged.breaks if rule != "budget"))


def _zero(judge: SwapJudge, county: int, task: int) -> UnfundedCell:
    """Why a cell has no money: the best ways to fund it are tried."""
    cell = (county, task)
    if cell in judge.barred:
        return UnfundedCell(task, "barred")
    if cell in judge.locked:
        return UnfundedCell(task, "locked")
    moves = _ways(judge, cell)
    found = first_kept(judge, moves, _TRIED_FOR_ZERO)
    if found.kept is not None:
        return UnfundedCell(task, "better" if found.kept.points > 0 else "worse", swap=found.kept)
    return UnfundedCell(task, "limits", found.rules)


def _ways(judge: SwapJudge, cell: Cell) -> list[Move]:
    """Ways to fund a cell: from what is unspent, from the county's own cells, from others'."""
    return judge.between([*_cheap_donors(judge, cell[0]), *_funded(judge, cell[0])], [cell])


def _left_over(judge: SwapJudge) -> UnspentMoney | None:
    """Why a further unit goes nowhere: the places where it would do most are tried."""
    if judge.audit.unspent < 1:
        return None
    counties = range(judge.scenario.programme.shape[0])
    cells = [cell for county in counties for cell in _funded(judge, county)]
    moves = [judge.move(None, cell, judge.unit(cell)) for cell in cells]
    found = first_kept(judge, sorted(moves, key=lambda move: -move.points), _TRIED)
    return UnspentMoney(judge.audit.unspent, found.rules, found.kept)


def _rooms(judge: SwapJudge, never: bool) -> tuple[IdleRule, ...]:
    """Rules without a limit that binds or is near; of each the tightest limit."""
    found: dict[str, list[Finding]] = {}
    for finding in judge.audit.findings:
        found.setdefault(finding.rule, []).append(finding)
    idle = [
        rule.id
        for rule in judge.scenario.rules
        if rule.id in found and _is_idle(found[rule.id]) and rule.soft is None
    ]
    proved = _never(judge.scenario, idle) if never else dict.fromkeys(idle)
    return tuple(IdleRule(name, _tightest(found[name]), proved[name]) for name in idle)


def _is_idle(findings: Iterable[Finding]) -> bool:
    return all(one.state == "kept" and not one.tight for one in findings)


def _tightest(findings: Sequence[Finding]) -> Finding:
    return min(findings, key=lambda one: one.slack_in_all)


def _never(scenario: Scenario, names: Sequence[str]) -> dict[str, bool | None]:
    # Loads the solver, which explaining does not need as long as no rule is asked after.
    from optimizer.sensitivity.drop_rule import can_bind

    return {name: not can_bind(scenario, name) for name in names}
