"""More money for one county: is it possible, who pays where it costs least, what would give way.

The scenario is solved again with the county's money at least what is asked; where that is proved
impossible, changes of single rules are tried, and only what was tried is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from models.allocation import Allocation
from models.errors import InfeasibleError, NoAnswerError, refuse, with_keywords
from models.exact import exact_text, parse_exact
from models.objective import need_points
from models.remedies import Change
from models.rule import Rule
from models.scenario import Scenario
from models.selection import county_at
from models.solution import Comparison, Quality, Solution
from optimizer.aims import solve_aims
from optimizer.infeasibility.bound_tests import conflicting_sums
from optimizer.infeasibility.diagnose import single_changes
from optimizer.problem import Problem
from optimizer.solve import searched
from optimizer.solvers import begun, pick_engine
from optimizer.solvers.base import Clock
from optimizer.strategies import ProblemModels, SearchTask, Units
from optimizer.strategies.within_gap import within_gap

GAP = 1e-4
"""Relative gap at which the search for the least costly way stops."""
SECONDS = 4.0
"""How long the search may take, and how long changes of rules are tried."""
_ID = "asked"


@dataclass(frozen=True)
class MoreMoney:
    """So much more for one county, held against a solution."""

    scenario: Scenario
    before: Solution
    county: int
    more: Fraction
    asked: Fraction
    """What the county would have at least."""
    found: Comparison | None
    """The best allocation found that gives it; None where there is none, or none was found."""
    quality: Quality | None
    """How good it is known to be."""
    is_impossible: bool = False
    """It is proved that no allocation that keeps the rules gives so much."""
    most: Change | None = None
    """Where impossible: how much can be had instead, as a change of what was asked."""
    ways: tuple[Change, ...] = ()
    """Where impossible: changes of single rules each of which was tried and is enough alone."""

    @property
    def changes(self) -> tuple[tuple[int, Fraction], ...]:
        """(county, money units more than before) of those that change, who loses most first."""
        if self.found is None:
            return ()
        return by_county(self.found.allocation, self.before.allocation)

    @property
    def cost(self) -> Fraction | None:
        """Objective points less penalties that it costs; below 0 where the answer before was not
        the best."""
        if self.found is None or self.found.objective is None:
            return None
        now = self.found.objective - self.found.audit.penalty
        return self.before.objective - self.before.audit.penalty - now


def by_county(now: Allocation, before: Allocation) -> tuple[tuple[int, Fraction], ...]:
    """(county, money units more than before) of those that change, who loses most first."""
    pairs = zip(now.amounts.tolist(), before.amounts.tolist(), strict=True)
    moved = [(at, Fraction(sum(a) - sum(b))) for at, (a, b) in enumerate(pairs)]
    return tuple(sorted([one for one in moved if one[1]], key=lambda one: one[1]))


@with_keywords()
def more_money(
    before: Solution, county: str, more: object, *, time_limit: float = SECONDS
) -> MoreMoney:
    """What it takes to give a county so much more than a solution does, by its code or name.

    `more`: money units above zero; `time_limit`: seconds of the search, and of the search for rules
    to change. Raises `InputError` for an unknown county and for what is no number above zero.
    """
    scenario = before.scenario
    need_points(scenario)
    at = county_at(scenario.programme, county, "county")
    try:
        units = parse_exact(more)
    except ValueError as error:
        refuse("more", "", str(error))
    if units <= 0:
        refuse("more", "", f"{exact_text(units)} is not above zero")
    asked = Fraction(sum(before.allocation.amounts[at].tolist())) + units
    changed = scenario.with_rule(_rule(scenario, at, asked))
    answer = MoreMoney(scenario, before, at, units, asked, None, None)
    if conflicting_sums(changed):
        return _impossible(answer, changed, time_limit)
    try:
        return _found(answer, changed, time_limit)
    except NoAnswerError:
        return answer
    except InfeasibleError:
        return _impossible(answer, changed, time_limit)


def _rule(scenario: Scenario, county: int, asked: Fraction) -> Rule:
    known = {rule.id for rule in scenario.spec.rules}
    name = next(name for n in range(len(known) + 1) if (name := f"{_ID}{n or ''}") not in known)
    code = scenario.programme.counties.ids[county]
    return Rule.model_validate(
        {
            "id": name,
            "title": {"zh": name, "en": name},
            "basis": "assumption",
            "reason": name,
            "measure": "amount",
            "where": {"county": code},
            "at_least": exact_text(asked),
        }
    )


def _found(answer: MoreMoney, changed: Scenario, seconds: float) -> MoreMoney:
    """The least costly way; the search begins at the prices of its own model."""
    before = answer.before
    given = Problem.of(changed)
    problem = replace(given, table=given.by_code(before.baseline.allocation))
    models = ProblemModels(problem)
    units: Units = "whole" if before.is_whole else "continuous"
    start = begun(models.model(before.is_whole, {}))
    engine, _ = pick_engine("highs", "decomposed", start)
    task = SearchTask(models, solve_aims(problem), units, GAP, engine, Clock(seconds))
    found = searched(task, within_gap)
    read = problem.read(Comparison(found.allocation, found.audit, found.objective), before.is_whole)
    return replace(answer, found=read, quality=found.quality)


def _impossible(answer: MoreMoney, changed: Scenario, seconds: float) -> MoreMoney:
    """What could be had, and which rule would have to change: each change was tried."""
    asked = changed.rules[-1].id
    engine, _ = pick_engine("highs", "monolithic")
    found = single_changes(changed, engine=engine, time_limit=seconds, first=asked)
    most = next((one for one in found if one.rule == asked), None)
    ways = tuple(one for one in found if one.rule != asked)
    return replace(answer, is_impossible=True, most=most, ways=_in_order(answer.scenario, ways))


_BASES = ("assumption", "practice", "target", "clause")


def _in_order(scenario: Scenario, ways: Sequence[Change]) -> tuple[Change, ...]:
    """Changes of what is assumed before those of what a document states."""
    bases = {rule.id: rule.basis for rule in scenario.rules}
    grounds = {name: one.basis for name, one in scenario.spec.grounds.items()}
    known = {**grounds, **bases}
    return tuple(sorted(ways, key=lambda one: _BASES.index(known.get(one.rule, "clause"))))
