"""The nearest allocation that keeps the rules, county by county."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.allocation import allocation_of_rows
from models.scenario import load
from optimizer.aims import as_floats, repair_aims
from optimizer.formulation.edits import relaxed, with_least_moved, with_touched
from optimizer.formulation.model import Model
from optimizer.problem import Problem
from optimizer.solve import repair_bare
from optimizer.solvers import apart_answer, pick_engine
from optimizer.solvers.base import Clock, Effort
from optimizer.solvers.decomposition.blocks import find_blocks
from optimizer.solvers.decomposition.pricing import (
    all_worths,
    best_plans,
    values_of,
    worth_at,
)
from optimizer.solvers.highs import solve_model
from optimizer.strategies import ProblemModels
from optimizer.strategies.nearest import moved_at_least

BASE = f"{Path(__file__).resolve().parents[1] / 'scenarios' / 'base-2020.yaml'}@2020-first"


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(load(BASE))


def model_of(problem: Problem, added: float) -> Model:
    table = as_floats(problem.reference.allocation)
    return with_least_moved(ProblemModels(problem).whole, table, added=added)


@pytest.mark.parametrize("added", [1.0, -1e-3])
def test_nearness_to_a_table_leaves_the_counties_apart_from_each_other(
    problem: Problem, added: float
) -> None:
    """What stays in a cell is its county's own: no further row couples them."""
    bare = find_blocks(ProblemModels(problem).whole)
    near = find_blocks(model_of(problem, added))
    assert bare is not None and near is not None
    assert near.coupling.shape[0] == bare.coupling.shape[0]
    assert (near.kept >= 0).all()
    assert near.stays is not None
    np.testing.assert_array_equal(near.stays.ravel(), as_floats(problem.reference.allocation))


def test_a_county_is_worth_what_its_plan_comes_to_with_what_stays_in_place(
    problem: Problem,
) -> None:
    """Worked out from the plan's own columns, at prices of every kind."""
    blocks = find_blocks(model_of(problem, 1.0))
    assert blocks is not None
    draw = np.random.default_rng(5)
    sides = np.isfinite(blocks.upper) * 1.0 - np.isfinite(blocks.lower)
    for size in (0.0, 0.1, 1.0, 3.0):
        prices = draw.uniform(0, size, len(blocks.lower)) * sides
        cells = worth_at(blocks, prices)
        plans = best_plans(blocks, cells)
        values = values_of(blocks, cells, plans)
        reduced = blocks.cost - blocks.coupling.T @ prices
        own = blocks.column_county >= 0
        each = np.bincount(blocks.column_county[own], (reduced * values)[own])
        np.testing.assert_allclose(each, plans.worth, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(all_worths(blocks, cells).max(axis=1), plans.worth)


def left_alone(problem: Problem, most: float) -> Model:
    """The base near to a third of its counties' four or six largest sums of the baseline, with so
    many counties touched."""
    money = as_floats(problem.reference.allocation).reshape(88, 8)
    order = np.argsort(np.argsort(-money, axis=1), axis=1)
    table = np.where(order < np.where(np.arange(88) % 3, 4, 6)[:, None], money, 0.0).ravel()
    return with_least_moved(with_touched(ProblemModels(problem).whole, table, most), table)


def test_a_county_may_be_left_as_it_is_where_that_keeps_its_own_rules(problem: Problem) -> None:
    blocks = find_blocks(left_alone(problem, 88))
    bare = find_blocks(ProblemModels(problem).whole)
    assert blocks is not None and bare is not None and blocks.untouched is not None
    money = blocks.untouched.money
    fits = ((money > 0).sum(axis=1) <= 5) & (money.sum(axis=1) >= 60)
    fits &= ((money == 0) | (money >= 20)).all(axis=1) & (money.sum(axis=1) <= 1200)
    assert 0 < fits.sum() < 88
    np.testing.assert_array_equal(blocks.allowed[:, -1], fits)
    assert blocks.coupling.shape[0] == bare.coupling.shape[0] + 1


def test_what_a_county_is_worth_left_alone_is_what_its_columns_come_to(problem: Problem) -> None:
    """At a price of every county that is touched it pays to leave each alone that may be."""
    blocks = find_blocks(left_alone(problem, 88))
    assert blocks is not None and blocks.untouched is not None
    own = blocks.column_county >= 0
    counted = abs(blocks.coupling[:, blocks.untouched.columns]).sum(axis=1).A1 > 0
    assert counted.sum() == 1
    for price in (0.5, 3000.0):
        prices = np.where(counted, price, 0.0)
        cells = worth_at(blocks, prices)
        plans = best_plans(blocks, cells)
        values = values_of(blocks, cells, plans)
        reduced = blocks.cost - blocks.coupling.T @ prices
        each = np.bincount(blocks.column_county[own], (reduced * values)[own])
        np.testing.assert_allclose(each, plans.worth, rtol=1e-9, atol=1e-9)
        alone = blocks.is_left_alone(plans.subset)
        np.testing.assert_array_equal(alone, blocks.allowed[:, -1])
        money = blocks.untouched.money[alone]
        np.testing.assert_array_equal(values[blocks.amount][alone], money)


def test_no_more_counties_are_touched_than_a_row_allows(problem: Problem) -> None:
    model = left_alone(problem, 80)
    answer = apart_answer(model, Effort(1e-2, pricings=0, nodes=50), solve_model)
    assert answer is not None and answer.values is not None
    assert answer.objective is not None and answer.bound is not None
    activity = model.matrix @ answer.values
    assert (activity >= model.row_lower - 1e-6).all()
    assert (activity <= model.row_upper + 1e-6).all()
    assert (answer.values >= model.lower - 1e-6).all()
    assert (answer.values <= model.upper + 1e-6).all()
    assert answer.objective <= answer.bound


@pytest.mark.slow
def test_what_counties_prove_of_the_nearest_table_is_more_than_its_relaxation_does(
    problem: Problem,
) -> None:
    model = model_of(problem, -1e-3)
    answer = apart_answer(model, Effort(2e-3, pricings=0), solve_model)
    loose = solve_model(relaxed(model), Effort())
    assert answer is not None and answer.values is not None and answer.bound is not None
    assert loose.objective is not None and answer.objective is not None
    assert answer.objective <= answer.bound < loose.objective - 20
    activity = model.matrix @ answer.values
    assert (activity >= model.row_lower - 1e-6).all()
    assert (activity <= model.row_upper + 1e-6).all()


@pytest.mark.slow
def test_the_repaired_baseline_of_the_base_is_near_its_bound(problem: Problem) -> None:
    engine: Any = pick_engine("highs")[0]
    found = repair_bare(ProblemModels(problem), problem.reference.comparison, engine, Clock())
    assert found.moved is not None and found.moved_at_least is not None
    assert not found.audit.broken
    assert found.moved_at_least <= found.moved <= found.moved_at_least * 1.006


def test_as_much_moves_at_the_least_as_is_missing_from_what_stays() -> None:
    """Of 10 in place no more than 7 may stay: whatever is spent beside, 3 move."""
    near = repair_aims(allocation_of_rows([[4, 6]]))[0]
    assert moved_at_least(near, 7.0) == pytest.approx(3.0, abs=1e-4)
