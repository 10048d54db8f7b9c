"""Every strategy, on programmes so small that all their allocations can be counted out."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

import optimizer.strategies
from models.allocation import Allocation, allocation_of_rows
from models.finding import Audit
from models.objective import objective_of
from models.solution import SearchNote
from optimizer.aims import Aim, mend_aims, repair_aims, solve_aims
from optimizer.audit import audit
from optimizer.decision import repair, solve
from optimizer.formulation.model import Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.problem import Problem
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Answer, Clock, Effort
from optimizer.solvers.highs import solve_model
from optimizer.strategies import ProblemModels, SearchResult, SearchTask, Units
from optimizer.strategies.mended import mended
from optimizer.strategies.monolithic import search
from optimizer.strategies.nearest import nearest
from optimizer.strategies.tightening import kept_exactly
from optimizer.strategies.within_gap import soonest, within_gap
from tests.worlds import rule, world


@dataclass(frozen=True)
class Pushed:
    """What a strategy is for: its aims, and how good an allocation is by the first of them."""

    aims: Callable[[Problem], Sequence[Aim]]
    worth: Callable[[Problem, Allocation, Audit], Fraction]


def _points(problem: Problem, _: Allocation, audited: Audit) -> Fraction:
    return objective_of(audited, problem.reference.points) - audited.penalty


def _stays(problem: Problem, allocation: Allocation, _: Audit) -> Fraction:
    return -allocation.moved_from(problem.reference.allocation)


def _near(problem: Problem, allocation: Allocation, _: Audit) -> Fraction:
    apart = (allocation.amounts - problem.reference.allocation.amounts).ravel().tolist()
    return -sum((abs(Fraction(by)) for by in apart), Fraction(0))


PUSHED = {
    search: Pushed(solve_aims, _points),
    within_gap: Pushed(solve_aims, _points),
    soonest: Pushed(solve_aims, _points),
    nearest: Pushed(lambda problem: repair_aims(problem.reference.allocation), _stays),
    mended: Pushed(lambda problem: mend_aims(problem.reference.allocation, problem.codes), _near),
}
"""Every strategy needs an entry."""
WORLDS: dict[str, dict[str, Any]] = {
    "floor": {"rules": [rule(where={"county": "b"}, at_least=4)]},
    "lots": {"lot": 3, "rules": [rule(measure="cells", per=["county"], at_most=1)]},
    "share": {"rules": [rule(where={"task": "school"}, at_least={"share": 0.4, "of": "amount"})]},
    "price": {"rules": [rule(where={"county": "b"}, at_least=5, soft={"price": "0.01"})]},
}


def strategies() -> Iterator[Callable[..., Any]]:
    """The functions of the strategies' package that make one attempt at a task."""
    attempt = ["task", "tighten", "before"]
    for found in iter_modules(optimizer.strategies.__path__):
        module = import_module(f"optimizer.strategies.{found.name}")
        for function in filter(inspect.isfunction, vars(module).values()):
            own = function.__module__ == module.__name__
            if own and list(inspect.signature(function).parameters) == attempt:
                yield function


def test_every_strategy_says_what_it_is_for() -> None:
    assert set(strategies()) == set(PUSHED)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("strategy", PUSHED, ids=lambda one: one.__name__)
def test_no_allocation_is_better_than_what_a_strategy_finds(
    strategy: Any, name: str, tmp_path: Path
) -> None:
    weights = {"weights": {"jobs": 2, "firms": 1}, "normalise": "none"}
    body = {"budget": 7, "objective": weights, "baseline": {"kind": "greedy"}, **WORLDS[name]}
    problem, pushed = Problem.of(world(tmp_path, body)), PUSHED[strategy]
    engine, _ = pick_engine("highs")
    aims = tuple(pushed.aims(problem))
    task = SearchTask(ProblemModels(problem), aims, "whole", 0.0, engine, Clock(None, None))
    _, allocation, audited = kept_exactly(task, strategy)
    assert audited.broken == ()
    best = max(
        pushed.worth(problem, tried, read)
        for tried in _all_of(7)
        if not (read := audit(problem.scenario, tried)).broken
    )
    assert pushed.worth(problem, allocation, audited) == best


def _all_of(budget: int) -> Iterator[Allocation]:
    """Every allocation in whole units over two counties and two tasks."""
    for money in itertools.product(range(budget + 1), repeat=4):
        if sum(money) <= budget:
            yield allocation_of_rows([money[:2], money[2:]])


def test_what_a_repair_needs_is_told_by_its_bound_and_not_by_what_was_found(tmp_path: Path) -> None:
    """11 / 20 of what is spent to a: half a unit moves in continuous money, a whole one here."""
    share = rule(where={"county": "a"}, at_least={"share": "11/20", "of": "amount"})
    flat = [[county, "road", 1, 50, "0.3", "0"] for county in "ab"]
    body = {"budget": 10, "rules": [share], "baseline": {"kind": "equal"}}
    scenario = world(tmp_path, body, tiers=flat, tasks={"road": {}})
    mended = repair(scenario, allocation_of_rows([[5], [5]]))
    assert mended.moved == 1
    assert mended.moved_at_least == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("units", ["whole", "exact"])
def test_a_small_programme_is_closed_whatever_gap_its_first_answer_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: Units
) -> None:
    """A solver that is content with the worst where it may leave a gap."""

    def content(model: Model, effort: Effort) -> Answer:
        if model.is_lp or effort.gap == 0:
            return solve_model(model, effort)
        worst = solve_model(replace(model, cost=-model.cost), effort)
        return replace(worst, outcome="optimal", objective=0.0, bound=1e6)

    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (content, ()))
    few = rule(id="few", measure="cells", at_most=3)
    scenario = world(tmp_path, {"budget": 37, "lot": 4, "rules": [few]})
    solution = solve(scenario, repaired=False, certificate=False, units=units)
    assert solution.objective == Fraction("16.4"), "10 at 0.5 in three cells, and 7 at 0.2"


def test_what_is_lost_by_whole_units_is_told_as_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of 3 to each of two counties is 1.5 jobs; in whole units 1 each, a third less."""
    monkeypatch.setattr("optimizer.strategies.monolithic.DIRECT_CELLS", 0)
    monkeypatch.setattr("optimizer.strategies.monolithic._FEW", -1)
    half = rule(per="county", at_most={"share": "1/2", "of": "amount"})
    scenario = world(tmp_path, {"budget": 3, "rules": [half]}, tasks={"road": {}})
    solution = solve(scenario, repaired=False, certificate=False)
    assert solution.objective == 1
    assert solution.solver.rounding_loss == pytest.approx(1 / 3)


VOTES = {"north": (1230, 411, 97), "middle": (640, 655, 212), "south": (303, 289, 511)}


def quotient(votes: int, seat: int) -> str:
    """What the k-th seat of a list is worth."""
    return f"{votes / (2 * seat - 1):.6f}"


BY_DISTRICT, BY_PARTY = (5, 4, 3), (6, 4, 2)


@pytest.mark.parametrize("gap, units", [(1e-4, "whole"), (0.0, "whole"), (0.0, "exact")])
def test_seats_by_district_and_party_are_those_of_counting_out(
    tmp_path: Path, gap: float, units: Units
) -> None:
    """Two-way apportionment: districts and parties have fixed seats, the k-th seat of a list is
    worth votes / (2 k − 1); every table with these sums is tried."""
    parties = ("p", "q", "r")
    scenario = world(
        tmp_path,
        {
            "budget": sum(BY_DISTRICT),
            "baseline": {"kind": "equal"},
            "rules": [
                rule(id="districts", per="county", equal={"column": "seats"}, within=0),
                rule(id="parties", per="task", equal={"column": "due"}, within=0),
            ],
        },
        counties={d: {"seats": n} for d, n in zip(VOTES, BY_DISTRICT, strict=True)},
        tasks={p: {"due": n} for p, n in zip(parties, BY_PARTY, strict=True)},
        tiers=[
            [district, party, seat, 1, quotient(votes, seat), "0"]
            for district, row in VOTES.items()
            for party, votes in zip(parties, row, strict=True)
            for seat in range(1, 6)
        ],
    )
    rows = [
        [row for row in itertools.product(range(n + 1), repeat=3) if sum(row) == n]
        for n in BY_DISTRICT
    ]
    sums = [
        t for t in itertools.product(*rows) if tuple(map(sum, zip(*t, strict=True))) == BY_PARTY
    ]

    def worth(table: tuple[tuple[int, ...], ...]) -> Fraction:
        return sum(
            (
                Fraction(quotient(VOTES[district][party], seat))
                for district, row in zip(VOTES, table, strict=True)
                for party, seats in enumerate(row)
                for seat in range(1, seats + 1)
            ),
            Fraction(0),
        )

    best = max(sums, key=worth)
    found = solve(scenario, gap=gap, units=units, repaired=False, certificate=False)
    order = [scenario.programme.counties.index[d] for d in VOTES]
    assert [tuple(found.allocation.amounts[i]) for i in order] == list(best)
    assert found.objective == worth(best)


def test_parts_of_units_that_break_a_rule_to_the_end_give_way_to_whole_ones(tmp_path: Path) -> None:
    """A strategy that knows whole units only: none at all is what parts of them would leave."""

    def whole_only(task: SearchTask, tighten: Tightening, before: SearchResult | None) -> Any:
        if task.units == "whole":
            return search(task, tighten, before)
        found = search(task, {}, None)
        return replace(found, candidates=((1e4, 1e4, 0.0, 0.0),))

    problem = Problem.of(world(tmp_path, {"budget": 7, "rules": [rule(id="cap", at_most=5)]}))
    engine, _ = pick_engine("highs")
    aims = solve_aims(problem)
    task = SearchTask(ProblemModels(problem), aims, "continuous", 0.0, engine, Clock())
    found, allocation, audited = kept_exactly(task, whole_only)
    assert not audited.broken and sum(allocation.amounts.ravel()) == 5
    assert found.notes == (SearchNote.BEST_FOUND,)


@pytest.mark.parametrize("first", [5, Fraction(9, 2)], ids=["the best", "short of it"])
def test_what_a_tolerance_makes_short_in_parts_of_units_is_not_taken_where_better_is_at_hand(
    tmp_path: Path, first: Fraction
) -> None:
    def sloppy(task: SearchTask, tighten: Tightening, before: SearchResult | None) -> Any:
        found = search(task, tighten, before)
        return replace(found, candidates=((float(first), 0.0, 0.0, 0.0), (5.0, 0.0, 0.0, 0.0)))

    problem = Problem.of(world(tmp_path, {"budget": 7, "rules": [rule(id="cap", at_most=5)]}))
    engine, _ = pick_engine("highs")
    task = SearchTask(
        ProblemModels(problem), solve_aims(problem), "continuous", 0.0, engine, Clock()
    )
    _, allocation, _ = kept_exactly(task, sloppy)
    assert allocation.amounts.ravel().tolist() == [5, 0, 0, 0]
