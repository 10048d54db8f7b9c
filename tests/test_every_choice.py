"""Every choice of funded cells that may be as good is read, and the best of them is found."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import allot
from models.errors import InfeasibleError, NoAnswerError
from models.solution import SearchNote
from optimizer.formulation.edits import relaxed, with_funded_fixed
from optimizer.formulation.model import Floats, Model
from optimizer.problem import Problem
from optimizer.solvers.base import Clock, Effort, Limit
from optimizer.solvers.decomposition.blocks import find_blocks
from optimizer.solvers.decomposition.by_county import read_choices, solved_by_county
from optimizer.solvers.highs import solve_model
from optimizer.strategies import ProblemModels, closing, monolithic
from optimizer.strategies.tie_break import Settled
from tests.random_worlds import checked
from tests.test_decomposition import BASE, SMALL, TINY, loaded

_MOST_CELLS = 8
FAR = Limit(10_000, Clock(None))
BY_PROGRAM = Limit(0, Clock(None), by_program=True)


def model_of(parts: dict[str, Any]) -> Model | None:
    scenario = loaded(parts)
    model = scenario and ProblemModels(Problem.of(scenario)).whole
    return model if model and not model.is_lp and find_blocks(model) else None


def worths(model: Model) -> dict[tuple[bool, ...], float]:
    """What each choice of funded cells is worth that any money keeps the rules with."""
    found = {}
    funded = model.grid.funded
    assert funded is not None
    for choice in itertools.product((False, True), repeat=len(funded)):
        values = np.zeros(len(model.cost))
        values[funded] = choice
        answer = solve_model(with_funded_fixed(model, values), Effort(gap=0.0))
        if answer.objective is not None:
            found[choice] = answer.objective
    return found


@pytest.mark.slow
@pytest.mark.parametrize("limit", [FAR, BY_PROGRAM])
def test_every_choice_that_reaches_the_target_is_read_and_the_bound_holds_for_the_others(
    limit: Limit,
) -> None:
    def read(parts: dict[str, Any]) -> str:
        model = model_of(parts)
        if model is None or len(model.grid.amount) > _MOST_CELLS:
            return "not asked"
        every = worths(model)
        if not every:
            return "no solution"
        best = max(every.values())
        slip = 1e-6 * max(abs(best), model.largest_cost)
        for share in (0.0, 0.1, 0.5):
            target = best - share * max(abs(best), model.largest_cost) - slip
            seen: list[tuple[bool, ...]] = []

            def take(values: Floats, target: float = target, seen: Any = seen) -> float:
                seen.append(tuple((values[model.grid.funded] > 0.5).tolist()))
                return target

            reached = read_choices(model, target, take, limit)
            assert reached is not None
            assert reached.closed or (limit.by_program and len(seen) == 40)
            assert len(set(seen)) == len(seen)
            if reached.closed:
                assert {one for one in every if every[one] > target + slip} <= set(seen)
            assert (
                reached.bound
                >= max((every[one] for one in every if one not in seen), default=-np.inf) - slip
            )
        return "read"

    checked(80, TINY, read, {"read": 0.1})


@pytest.mark.slow
def test_a_search_that_is_cut_short_says_a_bound_that_holds() -> None:
    model = ProblemModels(Problem.of(allot.load(BASE))).whole
    best, before = 0.98436513, np.inf
    for pricings in (1, 40, 120, 1000):
        read: list[Floats] = []

        def take(values: Floats, read: list[Floats] = read) -> float:
            read.append(values)
            return best

        reached = read_choices(model, best, take, Limit(pricings, Clock(None)))
        assert reached is not None
        assert reached.bound >= best
        assert reached.bound <= before
        before = reached.bound
    assert reached.closed
    (only,) = read
    answer = solve_model(relaxed(with_funded_fixed(model, only)), Effort())
    assert answer.objective == pytest.approx(0.98436667683, abs=1e-10)


@pytest.mark.slow
def test_a_gap_of_zero_is_closed_without_the_model_in_one_piece() -> None:
    model = ProblemModels(Problem.of(allot.load(BASE))).whole
    answer = solved_by_county(model, Effort(gap=0.0), solve_model)
    assert answer is not None
    assert answer.outcome == "optimal"
    assert answer.objective == pytest.approx(0.98436667683, abs=1e-10)


@pytest.mark.slow
def test_the_base_is_closed_in_whole_units_by_default_and_its_answer_is_the_only_one() -> None:
    """0.98436513065 is the best in whole units, as another solver proved in half a minute."""
    solution = allot.solve(allot.load(BASE), repaired=False, certificate=False)
    assert SearchNote.UNIQUE in solution.solver.notes
    assert SearchNote.FULL in solution.solver.notes
    assert float(solution.objective) == pytest.approx(0.98436513065, abs=1e-11)
    exact = allot.solve(allot.load(BASE), gap=0.0, repaired=False, certificate=False)
    assert exact.allocation == solution.allocation


@pytest.mark.slow
def test_all_choices_settled_by_themselves_hold_the_same_best_table_as_one_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search of large programmes on small ones, against whole units in one model."""
    settled: list[Settled | None] = []
    closed = monolithic.closed

    def counted(*given: Any) -> Settled | None:
        settled.append(closed(*given))
        return settled[-1]

    def same(parts: dict[str, Any]) -> str:
        scenario = loaded(parts)
        if scenario is None:
            return "refused"
        settled.clear()
        try:
            apart = allot.solve(scenario, repaired=False, certificate=False)
        except (InfeasibleError, NoAnswerError):
            return "no answer"
        if not settled or settled[-1] is None:
            return "in one piece"
        due = allot.solve(scenario, units="exact", repaired=False, certificate=False)
        if SearchNote.UNIQUE not in due.solver.notes:
            return "several"
        worth = due.objective - due.audit.penalty
        if SearchNote.WITHIN_GAP in apart.solver.notes:  # More ties than the budget reads.
            assert apart.objective - apart.audit.penalty <= worth
            return "not closed"
        assert apart.objective - apart.audit.penalty == worth
        assert apart.allocation == due.allocation
        return "same"

    monkeypatch.setattr(monolithic, "DIRECT_CELLS", 0)
    monkeypatch.setattr(monolithic, "_FEW", -1)
    monkeypatch.setattr(monolithic, "closed", counted)
    monkeypatch.setattr(closing, "DEFAULT_PRICINGS", 2000)  # So that every one is closed.
    monkeypatch.setattr(closing, "_DEFAULT_PAIRS", 4000)
    checked(60, SMALL, same, {"same": 0.2})
