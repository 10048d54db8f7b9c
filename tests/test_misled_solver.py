"""A solver that errs a little does not cost the answer, and another's opinion is read rightly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import NoAnswerError
from optimizer.decision import solve
from optimizer.formulation.model import Floats, Model
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Answer, Effort, Outcome
from optimizer.solvers.highs import solve_model
from tests.worlds import rule, world

SLIP = 2.0**-13
"""By how much a sloppy solver oversteps the limits of rules and of the budget."""


class Sloppy:
    """Oversteps every limit by a slip; by another one once some limit has been tightened."""

    def __init__(self, first: float = SLIP, later: float = SLIP) -> None:
        self.slips, self.written = (first, later), np.zeros(0)

    def __call__(self, model: Model, effort: Effort) -> Answer:
        rows = np.concatenate([limit.rows for limit in model.limits])
        low, high = model.row_lower.copy(), model.row_upper.copy()
        slip = self.slips[self._is_tightened(np.concatenate([low[rows], high[rows]]))]
        low[rows] -= slip
        high[rows] += slip
        return solve_model(replace(model, row_lower=low, row_upper=high), effort)

    def _is_tightened(self, bounds: Floats) -> bool:
        if not len(self.written):
            self.written = bounds
        return not np.array_equal(bounds, self.written)


def given(monkeypatch: pytest.MonkeyPatch, engine: object, name: str = "highs") -> None:
    """Let the solver of that name be this one."""
    monkeypatch.setattr(
        "optimizer.solve.pick_engine",
        lambda asked, *way: (engine, ()) if asked == name else pick_engine(asked, *way),
    )


@pytest.mark.parametrize(
    ("rules", "best"),
    [
        ([], Fraction(24)),
        # 45 coins: 40 in the first tiers at 0.5, 5 at 0.2.
        ([rule(at_most=45)], Fraction(21)),
        # a's 5 coins, then b's 20 at 0.5 and 35 at 0.2.
        ([rule(where={"county": "a"}, at_most=5)], Fraction("19.5")),
    ],
    ids=["the budget", "a cap on all", "a cap on a county"],
)
@pytest.mark.parametrize("later", [SLIP, 3 * SLIP], ids=["one round", "two rounds"])
def test_limits_that_a_solver_oversteps_are_kept_in_the_end(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rules: list[Any],
    best: Fraction,
    later: float,
) -> None:
    given(monkeypatch, Sloppy(later=later))
    scenario = world(tmp_path, {"budget": 60, "rules": rules})
    solution = solve(scenario, units="continuous", repaired=False)
    assert solution.audit.broken == ()
    assert best - Fraction(1, 100) < solution.objective <= best


def test_what_tightening_makes_impossible_is_not_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just 10 coins in a, give or take less than the slip: tightened by it nothing is left."""
    given(monkeypatch, Sloppy(later=0.0))
    narrow = rule(where={"county": "a"}, equal=10, within=str(SLIP / 8))
    scenario = world(tmp_path, {"budget": 60, "rules": [narrow]})
    try:
        solution = solve(scenario, units="continuous", repaired=False)
    except NoAnswerError:
        return
    assert solution.audit.broken == ()


@pytest.mark.parametrize(
    ("outcome", "bound", "agrees"),
    [
        ("optimal", 25.0, True),
        ("optimal", 20.0, True),
        ("optimal", 19.99999999, True),
        ("optimal", 19.99, False),
        ("feasible", 15.0, False),
        ("feasible", None, None),
        ("infeasible", None, False),
    ],
)
def test_another_solver_agrees_where_its_bound_lets_the_answer_stand(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcome: Outcome,
    bound: float | None,
    agrees: bool | None,
) -> None:
    """40 coins bring 20 jobs."""
    other = Answer(outcome, None, None, bound, 0.0)
    given(monkeypatch, lambda model, effort: other, "cbc")
    solution = solve(world(tmp_path, {"budget": 40}), second_opinion="cbc", repaired=False)
    assert solution.objective == 20 and solution.second_opinion is not None
    assert (solution.second_opinion["outcome"], solution.second_opinion["agrees"]) == (
        outcome,
        agrees,
    )
