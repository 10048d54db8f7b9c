"""What is said beside an answer: what whole units cost, how little must move, what exact means."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from models.allocation import allocation_of_rows
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.decision import repair, solve
from optimizer.formulation.model import Model
from optimizer.solvers.base import Answer, Effort
from optimizer.solvers.highs import solve_model
from tests.worlds import rule, world

STEPS = [["a", "road", 1, 40, "0.5", "0"], ["b", "road", 1, 40, "0.4", "0"]]


@pytest.mark.parametrize("cells", [0, 200], ids=["by the ladder", "at once"])
def test_what_whole_units_cost_is_told_as_a_share_of_what_parts_would_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    """A third of 10 coins at most in a: 10/3 × 0.5 + 20/3 × 0.4 are 13/3, of which 3 and 7 coins
    bring 4.3. Where whole units are solved at once there are no parts to compare with."""
    monkeypatch.setattr("optimizer.strategies.monolithic.DIRECT_CELLS", cells)
    monkeypatch.setattr("optimizer.strategies.monolithic._FEW", 0 if not cells else 20)
    third = rule(where={"county": "a"}, at_most={"share": "1/3", "of": "amount"})
    body = {"budget": 10, "rules": [third]}
    solution = solve(world(tmp_path, body, tasks={"road": {}}, tiers=STEPS), repaired=False)
    assert solution.objective == Fraction("4.3")
    lost = (13 / 3 - 4.3) / (13 / 3)
    assert solution.solver.rounding_loss == pytest.approx(0 if cells else lost, abs=1e-9)


def last_year(folder: Path) -> Scenario:
    """Lots of 5 and three cells at most: of 6, 6, 4 and 4 coins some have to move."""
    rules = [rule(id="cells", measure="cells", at_most=3)]
    rules.append(rule(id="b", where={"county": "b"}, at_least=9))
    return world(folder, {"budget": 20, "lot": 5, "rules": rules})


GIVEN = ((6, 6), (4, 4))


def poorly(model: Model, effort: Effort) -> Answer:
    """Solves linear programs well, and others as badly as their limits allow."""
    if model.is_lp:
        return solve_model(model, effort)
    found = solve_model(replace(model, cost=-model.cost), effort)
    if found.values is None:
        return found
    worth = float(model.cost @ found.values)
    return Answer("feasible", found.values, worth, None, found.seconds)


@pytest.mark.parametrize("engine", [solve_model, poorly], ids=["well", "badly"])
def test_no_more_is_called_sure_to_move_than_the_nearest_table_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: object
) -> None:
    """However far the table that a solver finds is from the given one."""
    scenario = last_year(tmp_path)
    given = allocation_of_rows(GIVEN)
    monkeypatch.setattr("optimizer.decision.pick_engine", lambda name: (engine, ()))
    found = repair(scenario, given)
    amounts = (0, *range(5, 21))
    tables = (
        allocation_of_rows([money[:2], money[2:]])
        for money in itertools.product(amounts, repeat=4)
        if sum(money) <= 20
    )
    kept = (table for table in tables if not audit(scenario, table).broken)
    nearest = min(table.moved_from(given) for table in kept)
    assert found.audit.broken == () and found.moved is not None
    assert found.moved >= nearest if engine is poorly else found.moved == nearest
    assert found.moved_at_least is not None and 0 < found.moved_at_least <= nearest + 1e-6
    assert engine is not poorly or found.moved > nearest


# Eight projects of odd sizes, of which 90 fit: a solver has to branch.
SIZES, BRINGS, ROOM = (11, 13, 17, 19, 23, 29, 31, 37), (12, 13, 19, 18, 27, 30, 29, 40), 90
BEST = max(
    sum(b for b, taken in zip(BRINGS, chosen, strict=True) if taken)
    for chosen in itertools.product((0, 1), repeat=len(SIZES))
    if sum(s for s, taken in zip(SIZES, chosen, strict=True) if taken) <= ROOM
)


def projects(folder: Path) -> Scenario:
    names = [f"p{at}" for at in range(len(SIZES))]
    rules = [
        rule(id="once", per=["county"], at_most=1),
        rule(id="room", measure="size", at_most=ROOM),
    ]
    objective = {"weights": {"gain": 1}, "normalise": "none"}
    return world(
        folder,
        {"budget": len(SIZES), "objective": objective, "rules": rules},
        counties={name: {"people": 1} for name in names},
        tasks={"do": {}},
        tiers=[[n, "do", 1, 1, b, s] for n, b, s in zip(names, BRINGS, SIZES, strict=True)],
        programme={"metrics": [{"id": n, "title": n, "unit": n} for n in ("gain", "size")]},
    )


def lazy(model: Model, effort: Effort) -> Answer:
    """Stops with a poor answer wherever it may: at a large gap, within a number of branches."""
    may_stop = effort.gap > 1e-3 or effort.nodes is not None
    return poorly(model, effort) if may_stop else solve_model(model, effort)


def open_ended(model: Model, effort: Effort) -> Answer:
    """Finds the best and proves a tenth less."""
    found = solve_model(model, effort)
    if model.is_lp or found.objective is None:
        return found
    return replace(found, outcome="feasible", bound=found.objective * 1.1)


def test_exact_is_the_best_of_all_whatever_gap_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (lazy, ()))
    solution = solve(projects(tmp_path), units="exact", gap=0.5, repaired=False)
    assert solution.objective == BEST


def test_exact_is_optimal_only_without_any_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = projects(tmp_path)
    assert solve(scenario, units="exact", gap=0.5, repaired=False).status == "optimal"
    monkeypatch.setattr("optimizer.strategies.tie_break.of_few", lambda *_: None)
    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (open_ended, ()))
    exact = solve(scenario, units="exact", gap=0.5, repaired=False)
    assert exact.objective == BEST and exact.status == "feasible"
    assert exact.gap is not None and 0 < exact.gap < 0.5
    whole = solve(scenario, units="whole", gap=0.5, repaired=False)
    assert whole.status == "optimal"
