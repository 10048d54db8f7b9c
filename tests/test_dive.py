"""What is found on the way down to a choice of funded cells that is near enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.solvers.base import Effort
from optimizer.solvers.decomposition.bound import best_prices
from optimizer.solvers.decomposition.by_county import solved_by_county
from optimizer.solvers.decomposition.choice import Pairs, pairs_within
from optimizer.solvers.decomposition.dive import Dive
from optimizer.solvers.decomposition.pricing import all_worths
from optimizer.solvers.highs import solve_model
from tests.random_worlds import checked
from tests.test_decomposition import BASE, SMALL, blocks_of, model_apart


@pytest.mark.slow
@pytest.mark.parametrize("branches", [60, 1])
def test_what_is_found_soon_keeps_every_row_and_lies_between_its_gap_and_the_best(
    monkeypatch: pytest.MonkeyPatch, branches: int
) -> None:
    """On the way down, and of one branch by a program of the plans that it met."""
    monkeypatch.setattr("optimizer.solvers.decomposition.by_county._SOON_BRANCHES", branches)

    def near(parts: dict[str, Any]) -> str:
        model = model_apart(parts)
        if isinstance(model, str):
            return model
        due = solve_model(model, Effort(gap=0.0)).objective
        apart = solved_by_county(model, Effort(gap=1e-3, soon=True), solve_model)
        if due is None or apart is None:
            assert due is None or branches == 1
            return "none"
        assert apart.values is not None and apart.objective is not None and apart.bound is not None
        slip = 1e-6 * max(abs(due), model.largest_cost)
        assert apart.objective <= due + slip
        assert apart.bound >= due - slip
        activity = model.matrix @ apart.values
        assert (activity >= model.row_lower - 1e-5).all()
        assert (activity <= model.row_upper + 1e-5).all()
        return "near" if apart.outcome == "optimal" else "told"

    checked(60, SMALL, near, {"near": 0.2})


def test_a_dive_settles_the_base_without_any_program_and_an_empty_one_finds_nothing() -> None:
    blocks = blocks_of(BASE)
    priced = best_prices(blocks)
    loss = priced.plans.worth[:, None] - all_worths(blocks, priced.cells)
    pairs = pairs_within(blocks, loss, 1e-4, np.ones(blocks.counties, dtype=bool))
    dive = Dive(pairs, priced.bound, priced.bound * (1 - 2e-4))
    dive.down(priced.prices, 60)
    assert dive.reaches and dive.best is not None
    chosen = Pairs(blocks, np.arange(blocks.counties), dive.best[1])
    answer = solve_model(chosen.model(np.zeros(len(blocks.lower))), Effort())
    assert answer.objective is not None
    assert dive.best[0] - 1e-9 <= answer.objective <= priced.bound
    beyond = Dive(pairs, priced.bound, priced.bound * (1 + 1e-9))
    beyond.down(priced.prices, 60)
    assert beyond.best is None
