"""A problem is solved in the order of codes; everything shown keeps the order of the file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from models.allocation import Allocation, allocation_of_rows
from models.errors import InfeasibleError, InputError, NoAnswerError
from models.finding import Audit
from models.scenario import Scenario
from models.solution import SearchNote
from optimizer.aims import CellWeights, Nearness, WeightedMetrics, repair_aims, solve_aims
from optimizer.aims import solve_aims_among as among
from optimizer.audit import audit
from optimizer.decision import repair, solve
from optimizer.formulation.model import Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.problem import Problem, reference_of
from optimizer.quality import quality_of
from optimizer.solvers.base import Answer, Effort
from optimizer.strategies import Infeasible
from optimizer.strategies.tightening import ATTEMPTS, until_kept
from tests.worlds import rule, world

ORDER = {"c": {"heads": 1}, "a": {"heads": 2}, "b": {"heads": 3}}


def shuffled(folder: Path, **parts: object) -> Scenario:
    tiers = [[code, "road", 1, 10, rate, "0"] for code, rate in zip("cab", "123", strict=True)]
    base = {"budget": 12, "objective": {"weights": {"jobs": 1}, "normalise": "none"}}
    return world(folder, {**base, **parts}, counties=ORDER, tasks={"road": {}}, tiers=tiers)


def test_an_allocation_goes_into_code_order_and_back(tmp_path: Path) -> None:
    problem = Problem.of(shuffled(tmp_path))
    assert problem.scenario.programme.counties.ids == ("a", "b", "c")
    money = allocation_of_rows([[1], [2], [3]])
    assert problem.by_code(money).amounts.tolist() == [[2], [3], [1]]
    assert problem.as_given(problem.by_code(money)).amounts.tolist() == [[1], [2], [3]]
    assert problem.codes == ("a,road", "b,road", "c,road")


def test_a_solution_stands_in_the_order_of_the_file(tmp_path: Path) -> None:
    solution = solve(shuffled(tmp_path))
    assert solution.allocation.amounts.tolist() == [[0], [2], [10]]
    assert solution.scenario.programme.counties.ids == ("c", "a", "b")
    due = reference_of(solution.scenario).allocation
    assert solution.baseline.allocation.amounts.tolist() == due.amounts.tolist()
    assert solution.objective == 34


def test_a_table_is_repaired_in_the_order_of_the_file(tmp_path: Path) -> None:
    scenario = shuffled(tmp_path, rules=[rule(id="floor", per=["county"], at_least=2)])
    mended = repair(scenario, allocation_of_rows([[0], [5], [7]]))
    assert mended.audit.broken == () and mended.moved == 2
    assert mended.allocation.amounts[0].tolist() == [2]
    kept = allocation_of_rows([[4], [4], [4]])
    assert repair(scenario, kept).allocation.amounts.tolist() == [[4], [4], [4]]


def test_a_conflict_is_proved_in_a_repair_too_and_names_what_cannot_meet(tmp_path: Path) -> None:
    scenario = shuffled(tmp_path, rules=[rule(id="floor", per=["county"], at_least=5)])
    with pytest.raises(InfeasibleError) as caught:
        repair(scenario, allocation_of_rows([[0], [5], [7]]))
    assert "needs 15 coins" in str(caught.value)


def test_a_repair_without_time_says_that_none_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(model: Model, effort: Effort) -> Answer:
        return Answer("none", None, None, None, 0.0)

    monkeypatch.setattr("optimizer.decision.pick_engine", lambda name: (nothing, ()))
    scenario = shuffled(tmp_path, rules=[rule(id="floor", per=["county"], at_least=2)])
    with pytest.raises(NoAnswerError):
        repair(scenario, allocation_of_rows([[0], [5], [7]]))


@pytest.mark.parametrize("rows", [[[1], [2]], [[1], [2], [3], [4]]])
def test_a_table_of_another_grid_is_refused_and_not_cut_to_size(
    tmp_path: Path, rows: list[list[int]]
) -> None:
    with pytest.raises(InputError):
        repair(shuffled(tmp_path), allocation_of_rows(rows))


def test_what_is_no_allocation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Allocation"):
        repair(shuffled(tmp_path), [[1], [2], [3]])  # type: ignore[arg-type]


def test_the_aims_of_a_solve_and_of_a_repair_are_ordered_lists(tmp_path: Path) -> None:
    problem = Problem.of(shuffled(tmp_path))
    objective, near, weights = solve_aims(problem)
    assert isinstance(objective, WeightedMetrics) and objective.points["jobs"] == 1
    assert isinstance(near, Nearness) and near.table.tolist() == [4, 4, 4]
    assert isinstance(weights, CellWeights) and weights.codes == problem.codes
    assert repair_aims(allocation_of_rows([[1], [2], [3]]))[0].table.tolist() == [1, 2, 3]
    assert among((objective, near, weights)) == (objective, near, weights)
    with pytest.raises(TypeError, match="nearness"):
        among((near, objective, weights))


def test_a_problem_is_formulated_once_for_all_that_asks_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optimizer import strategies

    made: list[bool] = []
    once = strategies.formulate

    def counted(*args: object, **options: object) -> object:
        made.append(bool(options["whole"]))
        return once(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(strategies, "formulate", counted)
    solve(shuffled(tmp_path, rules=[rule(id="floor", per=["county"], at_least=2)]))
    assert made == [True]


# ---- the loop that audits, tightens and solves again ----


def fixed(scenario: Scenario, tables: list[list[int]]) -> tuple[list[Tightening], object]:
    """An attempt that gives one table after the other, and what it was asked with."""
    asked: list[Tightening] = []

    def attempt(tighten: Tightening) -> list[Allocation]:
        asked.append(dict(tighten))
        return [
            allocation_of_rows([[amount] for amount in tables[min(len(asked), len(tables)) - 1]])
        ]

    return asked, attempt


def test_a_broken_limit_is_tightened_by_its_breach_and_a_little_more(tmp_path: Path) -> None:
    scenario = shuffled(tmp_path, rules=[rule(id="cap", at_most=10)])
    asked, attempt = fixed(scenario, [[4, 4, 4], [4, 4, 3], [4, 4, 2]])
    kept = until_kept(attempt, lambda money: audit(scenario, money))  # type: ignore[arg-type]
    assert kept is not None and kept[0].amounts.tolist() == [[4], [4], [2]]
    step = Fraction(1, 10**6)
    assert asked == [{}, {("cap", ()): 2 + step}, {("cap", ()): 3 + 11 * step}]


def test_limits_that_break_to_the_end_are_named(tmp_path: Path) -> None:
    scenario = shuffled(tmp_path, rules=[rule(id="cap", at_most=10)])
    asked, attempt = fixed(scenario, [[4, 4, 4]])
    with pytest.raises(NoAnswerError, match="break cap in exact arithmetic"):
        until_kept(attempt, lambda money: audit(scenario, money))  # type: ignore[arg-type]
    assert len(asked) == ATTEMPTS


@pytest.mark.parametrize("first", [True, False])
def test_a_conflict_is_one_of_the_rules_only_if_nothing_was_tightened(
    tmp_path: Path, first: bool
) -> None:
    scenario = shuffled(tmp_path, rules=[rule(id="cap", at_most=10)])

    def attempt(tighten: Tightening) -> list[Allocation]:
        if first or tighten:
            raise Infeasible
        return [allocation_of_rows([[4], [4], [4]])]

    def read(money: Allocation) -> Audit:
        return audit(scenario, money)

    with pytest.raises(Infeasible if first else NoAnswerError):
        until_kept(attempt, read)


# ---- quality ----


@pytest.mark.parametrize(
    ("bound", "status"), [(100.999, "optimal"), (101.0, "optimal"), (102.0, "feasible")]
)
def test_optimal_means_proven_within_the_gap_allowed(bound: float, status: str) -> None:
    found = quality_of(Fraction(100), Fraction(0), bound, allowed=0.01)
    assert (found.status, found.source) == (status, "solver")
    assert found.gap == pytest.approx((bound - 100) / 100 + 1e-6)
    assert found.bound_solver is not None and found.bound_solver >= bound + 1e-4


@pytest.mark.parametrize(
    ("proved", "status"),
    [
        ("100.999", "optimal"),
        ("101", "optimal"),
        ("101.000000001", "feasible"),
        ("102", "feasible"),
    ],
)
def test_optimal_by_a_proved_bound_has_no_tolerance_beyond_the_gap(
    proved: str, status: str
) -> None:
    """The same with no word of a solver, and with one that proves less."""
    for said in (None, 150.0):
        found = quality_of(Fraction(100), Fraction(0), said, allowed=0.01, proved=Fraction(proved))
        assert (found.status, found.source) == (status, "proved")
        assert found.gap is not None and Fraction(found.gap) >= (Fraction(proved) - 100) / 100
        assert found.gap == pytest.approx(float(Fraction(proved) - 100) / 100)


def test_a_bound_a_hair_below_is_lifted_and_one_further_below_set_aside() -> None:
    hair = quality_of(Fraction(100), Fraction(0), 100 - 0.5e-4, allowed=0.0)
    assert (hair.status, hair.source, hair.contradicted) == ("optimal", "solver", False)
    assert hair.bound_solver == pytest.approx(100 + 1e-4, abs=1e-9)
    wrong = quality_of(Fraction(100), Fraction(0), 99.0, allowed=0.0)
    assert (wrong.bound_solver, wrong.gap, wrong.status, wrong.contradicted) == (
        *(None, None, "feasible", True),
    )
    far = quality_of(Fraction(100), Fraction(0), 99.0, allowed=0.0, unit=2e6)
    assert far.bound_solver == pytest.approx(102)


def test_beside_a_penalty_the_gap_is_relative_to_the_objective_alone() -> None:
    found = quality_of(Fraction(12), Fraction(12), 3.0, allowed=0.1)
    assert found.gap == pytest.approx(3 / 12, abs=2e-6) and found.status == "feasible"


def test_no_bound_is_no_proof() -> None:
    found = quality_of(Fraction(1), Fraction(0), None, allowed=1.0)
    assert (found.status, found.bound_solver, found.gap, found.source) == ("feasible", *[None] * 3)


def test_what_a_search_says_of_itself_is_read_back_as_it_was_written() -> None:
    assert SearchNote.read("tie-break unique") is SearchNote.UNIQUE
    assert SearchNote.read("PuLP: Optimal Solution Found") == "PuLP: Optimal Solution Found"
