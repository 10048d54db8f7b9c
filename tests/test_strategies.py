"""Every strategy, on programmes so small that all their allocations can be counted out."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
from optimizer.aims import Aim, repair_aims, solve_aims
from optimizer.audit import audit
from optimizer.problem import Problem
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock
from optimizer.strategies import ProblemModels, SearchTask
from optimizer.strategies.monolithic import search
from optimizer.strategies.nearest import nearest
from optimizer.strategies.tightening import kept_exactly
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


PUSHED = {
    search: Pushed(solve_aims, _points),
    nearest: Pushed(lambda problem: repair_aims(problem.reference.allocation), _stays),
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
