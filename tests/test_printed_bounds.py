"""Every bound that is printed, of small random programmes of which every table is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pulp
import pytest

from models.errors import InfeasibleError, InputError, NoAnswerError
from models.scenario import Scenario, load
from models.solution import Solution
from optimizer.decision import solve
from optimizer.pulp_export import to_pulp
from optimizer.pulp_import import from_pulp
from optimizer.sensitivity.drop_rule import costs
from optimizer.sensitivity.near_optimal import Ranges, ranges
from optimizer.sensitivity.prices import prices
from optimizer.study.grid import grid_study
from reports.catalogue import Words
from reports.documents.price_list import prices_page
from reports.documents.range_table import ranges_page
from reports.documents.solution_page import solution_page
from reports.terminal import render
from tests.enumerator import Enumerator
from tests.small_programmes import programme
from tests.worlds import rule, world, write_world

SEED, COUNT = 11, 16
_NUMBER = re.compile(r"[Bb]ound of the (?:index|objective)[^\d-]*?:? ?(-?[\d,]+\.\d+)")


def solvable(number: int, folder: Path) -> tuple[Scenario, Enumerator, Fraction] | None:
    """A programme with the most that a table is worth; None for one that has none."""
    content = programme(SEED, number)
    try:
        scenario = load(write_world(folder / str(number), **content))
    except InputError:
        return None
    truth = Enumerator(content)
    best = truth.best()
    return None if best.worth is None else (scenario, truth, best.worth)


def printed(text: str) -> list[Fraction]:
    """The bounds that stand in a text."""
    return [Fraction(found.replace(",", "")) for found in _NUMBER.findall(text)]


def of_solution(solution: Solution) -> Iterator[Fraction | float | None]:
    yield from (solution.bound_proved, solution.bound_solver, solution.bound)
    yield from printed(render(solution_page(solution, Words("en")), 400))


def of_others(scenario: Scenario) -> Iterator[Fraction | float | None]:
    """Prices, costs, a study's relaxation and its solve, a problem through PuLP."""
    with suppress(NoAnswerError, InfeasibleError):
        found = prices(scenario)
        yield found.bound_proved
        yield from printed(render(prices_page(found, Words("en")), 400))
    with suppress(NoAnswerError):
        yield costs(scenario, rules=["budget"], gap=0.0).bound_solver
    for relax in (False, True):
        unchanged = grid_study(scenario, {"budget": str(scenario.budget)}, relax=relax, workers=1)
        bound = unchanged.unchanged["bound_solver"]
        assert bound is None or isinstance(bound, float)
        yield bound
    model = to_pulp(scenario)
    if model.problem.solve(pulp.HiGHS(msg=False)) == 1:
        with suppress(NoAnswerError):
            yield from_pulp(scenario, model).bound_solver


@pytest.mark.slow
@pytest.mark.parametrize("number", range(COUNT))
def test_no_printed_bound_is_below_what_a_table_is_worth(tmp_path: Path, number: int) -> None:
    case = solvable(number, tmp_path)
    if case is None:
        return
    scenario, truth, best = case
    said: list[Fraction | float | None] = []
    for units in ("whole", "exact"):
        with suppress(NoAnswerError):
            solution = solve(scenario, units=units, repaired=False)
            said += of_solution(solution)
            if solution.source == "proved" and solution.status == "optimal":
                reached = solution.objective - solution.audit.penalty
                assert best - reached <= Fraction(1, 10**4) * abs(solution.objective)
            if solution.bound_proved == solution.objective - solution.audit.penalty:
                assert (solution.status, solution.source, solution.gap) == ("optimal", "proved", 0)
    bounds = [Fraction(one) for one in [*said, *of_others(scenario)] if one is not None]
    assert len(bounds) > 5
    assert all(bound >= best for bound in bounds), (float(best), list(map(float, bounds)))
    if ends := near_best(scenario):
        assert_ends_hold(ends, truth)


def near_best(scenario: Scenario) -> Ranges | None:
    try:
        return ranges(scenario, within=0.02)
    except (NoAnswerError, InfeasibleError):
        return None


def assert_ends_hold(found: Ranges, truth: Enumerator) -> None:
    """No table near the best goes beyond the ends, as numbers and as they are shown."""
    counties, tasks = found.scenario.programme.shape
    blocks = [[c * tasks + t for t in range(tasks)] for c in range(counties)]
    blocks += [[c * tasks + t for c in range(counties)] for t in range(tasks)]
    assert render(ranges_page(found, [], Words("en")), 200)
    for table in truth.tables():
        if not truth.keeps(table) or truth.worth(table) < Fraction(found.floor):
            continue
        for one, block in zip(found.rows, blocks, strict=True):
            assert one.low <= sum(table[cell] for cell in block) <= one.high, (one, table)


def test_at_least_half_of_the_programmes_can_be_solved(tmp_path: Path) -> None:
    assert sum(solvable(number, tmp_path) is not None for number in range(COUNT)) >= COUNT / 2


def test_a_bound_is_shown_rounded_up(tmp_path: Path) -> None:
    """A third of 20.2 is no decimal, and its nearest one of six places lies below."""
    scenario = world(
        tmp_path,
        {"budget": 41, "objective": {"weights": {"jobs": "1/3"}, "normalise": "none"}},
    )
    solution = solve(scenario)
    shown = printed(render(solution_page(solution, Words("en")), 400))
    assert len(shown) == 2 and all(bound >= solution.objective for bound in shown)
    assert solution.objective.denominator != 1


@pytest.mark.parametrize(
    ("bound", "status"), [(20.19, "optimal"), (20.2, "optimal"), (20.4, "feasible")]
)
def test_a_result_is_optimal_up_to_the_gap_asked_for_and_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: float, status: str
) -> None:
    """What is found is worth 20, at a gap of 0.01: just below, at it, and at twice of it."""
    from optimizer.solvers.base import Answer, Effort
    from optimizer.solvers.highs import solve_model

    def said(model: object, effort: Effort) -> Answer:
        answer = solve_model(model, effort)  # type: ignore[arg-type]
        return Answer("optimal", answer.values, answer.objective, bound, answer.seconds)

    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (said, ()))
    scenario = world(tmp_path, {"budget": 40, "rules": [rule(id="r", at_most=100)]})
    found = solve(scenario, gap=0.01, repaired=False, certificate=False)
    assert (found.objective, found.status, found.source) == (20, status, "solver")
