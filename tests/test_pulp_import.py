"""A planner's own constraints, added in PuLP, live on in the audited whole-unit solution."""

from __future__ import annotations

import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pulp
import pytest

from models.errors import InfeasibleError, InputError, NoAnswerError
from models.scenario import Scenario, load
from models.solution import SearchNote
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.formulation.model import Model
from optimizer.pulp_export import PulpModel, from_pulp, to_pulp
from optimizer.solvers import highs
from optimizer.solvers.base import Answer, Effort
from tests.worlds import rule, world

BASE = Path(__file__).resolve().parents[1] / "scenarios" / "base-2020.yaml"
RULES = [
    rule(id="fair", measure="amount", per=["county"], at_least={"share": "0.2", "of": "amount"}),
    rule(id="few", measure="cells", at_most=3),
]


def small(folder: Path, parts: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    """Budget 37 on a, b × road, school; the best is 10, 10 and 17 in three cells."""
    return world(folder, {"budget": 37, "lot": 4, "rules": RULES, **changes}, **(parts or {}))


def solved(model: PulpModel, solver: str = "HiGHS") -> PulpModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model.problem.solve(pulp.getSolver(solver, msg=False))
    return model


def test_the_problem_offers_money_by_code_and_task_and_outcomes_by_metric(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    model = solved(to_pulp(scenario))
    assert list(model.x) == [("a", "road"), ("a", "school"), ("b", "road"), ("b", "school")]
    assert model.x["a", "road"].name == "x_a_road"
    assert sum(pulp.value(x) for x in model.x.values()) == pytest.approx(37)
    assert sum(pulp.value(f) for f in model.funded.values()) == pytest.approx(3)
    # 30 in first tiers at 0.5 and 7 in a second one at 0.2; firms 0.1 and 0.05.
    assert pulp.value(model.outcomes["jobs"]) == pytest.approx(16.4)
    assert pulp.value(model.outcomes["firms"]) == pytest.approx(3.35)


@pytest.mark.parametrize("whole_units", [False, True])
def test_a_solved_problem_comes_back_as_the_solution_that_solve_finds(
    tmp_path: Path, whole_units: bool
) -> None:
    scenario = small(tmp_path)
    solution = from_pulp(scenario, solved(to_pulp(scenario, whole_units=whole_units)))
    assert solution.objective == solve(scenario, gap=0.0).objective == Fraction("16.4")
    assert solution.audit == audit(scenario, solution.allocation)
    assert (solution.status, solution.source) == ("optimal", "solver")
    assert solution.bound_solver == pytest.approx(16.4, rel=3e-6) and solution.bound_solver > 16.4
    assert solution.solver.notes[0] == "PuLP: Optimal Solution Found"


def test_a_constraint_added_by_hand_survives_the_way_to_whole_units(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    model = to_pulp(scenario)
    model.problem += model.x["a", "school"] >= 2.5 * model.x["b", "school"] + 1, "school_first"
    model.problem += model.x["b", "school"] >= 5.5, "some_in_b"
    solution = from_pulp(scenario, solved(model))
    units = solution.allocation.amounts
    assert solution.allocation.is_whole and not solution.audit.broken
    assert units[1, 1] >= 6 and units[0, 1] >= 2.5 * units[1, 1] + 1
    # 19 and 7 in the schools, 11 on one road: 10 + 7 + 10 in first tiers, 10 in second ones.
    assert solution.objective == Fraction("15.5")
    assert solution.bound_solver is not None and 15.5 < solution.bound_solver < 16
    assert "added or changed by hand: school_first, some_in_b" in solution.solver.notes


def test_a_problem_is_enough_without_the_mapping_around_it(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    model = to_pulp(scenario)
    model.problem += model.x["b", "road"] <= 4.5
    model.x["b", "school"].upBound = 5.5
    solution = from_pulp(scenario, solved(model).problem, solver="cbc")
    assert solution.allocation.amounts[1, 0] <= 4
    assert solution.allocation.amounts[1, 1] <= 5
    assert "1 columns have other bounds than the scenario gives them" in solution.solver.notes


def test_a_variable_and_an_objective_of_the_planners_own_are_kept(tmp_path: Path) -> None:
    scenario = small(tmp_path, lot=None, rules=[])
    model = to_pulp(scenario)
    least = model.problem.add_variable("least", 0)
    for county in ("a", "b"):
        model.problem += least <= model.x[county, "road"] + model.x[county, "school"], f"l_{county}"
    model.problem.setObjective(least + 0)
    solution = from_pulp(scenario, solved(model))
    totals = [sum(row) for row in solution.allocation.amounts]
    assert min(totals) == 18 and not solution.audit.broken
    assert "the objective is changed by hand" in solution.solver.notes
    assert (solution.bound, solution.status) == (None, "feasible")
    assert SearchNote.OTHER_OBJECTIVE in solution.solver.notes


@pytest.mark.parametrize("loosen", [False, True])
def test_a_rule_taken_out_or_loosened_by_hand_shows_as_broken(tmp_path: Path, loosen: bool) -> None:
    scenario = small(tmp_path, rules=[rule(id="floor", per=["county"], at_least="12.5")])
    model = to_pulp(scenario)
    with pytest.warns(DeprecationWarning):
        rows = model.problem.constraints
        rows["floor_a"].changeRHS(3) if loosen else rows.pop("floor_a")
    model.problem += model.x["a", "road"] + model.x["a", "school"] <= 4.5, "little"
    solution = from_pulp(scenario, solved(model))
    assert [(f.rule, f.key) for f in solution.audit.broken] == [("floor", (("county", "a"),))]
    assert "1 of the scenario's own constraints are changed or gone" in solution.solver.notes
    assert solution.bound is None and SearchNote.ROWS_GONE in solution.solver.notes


def test_a_column_that_may_hold_more_than_the_scenario_allows_brings_no_bound(
    tmp_path: Path,
) -> None:
    scenario = small(tmp_path, rules=[rule(id="cap", per=["county", "task"], at_most=12)])
    model = to_pulp(scenario)
    model.x["a", "road"].upBound = 40
    solution = from_pulp(scenario, solved(model))
    assert solution.bound is None and SearchNote.ROWS_GONE in solution.solver.notes


def sloppy(model: Model, effort: Effort) -> Answer:
    """A solver that takes every row a little less seriously than the rest of the world."""
    low, high = model.row_lower - 9e-7, model.row_upper + 9e-7
    return highs.solve_model(replace(model, row_lower=low, row_upper=high), effort)


def test_a_limit_that_breaks_by_a_hair_is_tightened_while_the_addition_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.pulp_import.pick_engine", lambda _: (sloppy, ()))
    rates = [["a", "road", 1, 30, "0.333333", "0"], ["b", "road", 1, 30, "0.000001", "0"]]
    goal = rule(id="goal", measure="jobs", at_least="6.6666615")
    scenario = small(tmp_path, {"tiers": rates}, rules=[goal], lot=None)
    model = to_pulp(scenario)
    model.problem += model.x["b", "road"] == 1, "b_too"
    model.problem.setObjective(-pulp.lpSum(model.x.values()))
    # What a solver may return within its tolerance: 20 × 0.333333 + 0.000001 is short of the goal.
    for cell, x in solved(model).x.items():
        x.varValue = {("a", "road"): 20.0, ("b", "road"): 1.0}.get(cell, 0.0)
    solution = from_pulp(scenario, model)
    assert not solution.audit.broken
    assert solution.allocation.amounts.tolist() == [[21, 0], [1, 0]]


def test_an_outcome_limited_from_above_is_refused_where_the_money_yields_more(
    tmp_path: Path,
) -> None:
    scenario = small(tmp_path)
    model = to_pulp(scenario)
    model.problem += model.outcomes["jobs"] <= 5, "not_too_many"
    model.problem += pulp.lpSum(model.x.values()) >= 30, "spend"
    with pytest.raises(NoAnswerError, match="not_too_many: not kept by what the money yields"):
        from_pulp(scenario, solved(model))


@pytest.mark.slow
def test_a_linear_problem_brings_its_optimum_as_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMP", "")  # PuLP cannot run CBC where the path of its files has a blank.
    scenario = load(f"{BASE}@no-integer-rules")
    solution = from_pulp(scenario, solved(to_pulp(scenario)))
    assert solution.status == "optimal" and not solution.audit.broken
    assert solution.bound is not None and solution.gap is not None
    assert float(solution.objective) <= solution.bound
    assert 0 <= solution.gap < 1e-4
    changed = to_pulp(scenario)
    changed.problem += changed.x["513431", "training"] >= 99.5, "training_there"
    second = from_pulp(scenario, solved(changed, "PULP_CBC_CMD"), solver="cbc")
    cell = scenario.programme.counties.index["513431"], scenario.programme.tasks.index["training"]
    assert second.allocation.amounts[cell] >= 100 and not second.audit.broken
    assert second.bound is not None and second.bound < solution.bound


TINY = [["a", "road", 1, 50, "0.000001", "0"], ["b", "road", 1, 50, "0.000002", "0"]]


def tiny(folder: Path) -> Scenario:
    """An objective below what solvers tell apart: the best 30 are worth 6e-8 points, in b."""
    objective = {"weights": {"jobs": "1e-3"}, "normalise": "none"}
    return world(folder, {"budget": 30, "objective": objective}, tiers=TINY, tasks={"road": {}})


def test_what_a_solver_takes_for_the_optimum_of_a_tiny_objective_is_no_bound(
    tmp_path: Path,
) -> None:
    scenario = tiny(tmp_path)
    model = to_pulp(scenario)
    model.problem += model.x["b", "road"] >= 0, "mine"
    for (county, _), x in model.x.items():
        x.varValue = 30.0 if county == "a" else 0.0
    model.problem.assignStatus(pulp.LpStatusOptimal, pulp.LpSolutionOptimal)
    solution = from_pulp(scenario, model)
    assert solution.allocation.amounts.tolist() == [[30], [0]]
    assert solution.status == "feasible"
    assert solution.bound == pytest.approx(6e-8, rel=2e-6)


def test_a_change_of_a_tiny_objective_is_seen(tmp_path: Path) -> None:
    scenario = tiny(tmp_path)
    model = to_pulp(scenario)
    model.problem.setObjective(model.x["a", "road"] * 1e-9)
    solution = from_pulp(scenario, solved(model))
    assert solution.bound is None
    assert "the objective is changed by hand" in solution.solver.notes


def test_a_problem_without_a_solution_is_infeasible_and_an_unsolved_one_is_refused(
    tmp_path: Path,
) -> None:
    scenario = small(tmp_path)
    model = to_pulp(scenario)
    with pytest.raises(InputError, match="not solved"):
        from_pulp(scenario, model)
    model.problem += pulp.lpSum(model.x.values()) >= 38, "too_much"
    with pytest.raises(InfeasibleError):
        from_pulp(scenario, solved(model))


def test_an_addition_that_no_whole_units_can_keep_is_infeasible(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    model = to_pulp(scenario)
    model.problem += model.x["a", "road"] == 5.5, "half"
    with pytest.raises(InfeasibleError, match="whole units"):
        from_pulp(scenario, solved(model))


def test_a_problem_of_another_scenario_is_refused(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    other = small(tmp_path / "other", {"counties": {"a": {"people": 1}, "c": {"people": 2}}})
    with pytest.raises(InputError, match="x_b_road: is not in the problem"):
        from_pulp(scenario, solved(to_pulp(other)))


def test_two_variables_of_one_name_are_refused(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    model = to_pulp(scenario)
    twin = model.problem.add_variable("x_a_road", 0, 1)
    model.problem += twin >= 0, "twin"
    with pytest.raises(InputError, match="x_a_road: two variables have this name"):
        from_pulp(scenario, solved(model))
