"""PuLP's problem is the rows; CBC through PuLP agrees with HiGHS and never claims too much."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pulp
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.decision import solve
from optimizer.formulation.model import Model
from optimizer.pulp_export import model_of, to_problem
from optimizer.solve import Options
from optimizer.solvers import highs, pulp_engine
from optimizer.solvers.base import Effort
from optimizer.solvers.pulp_engine import available_solvers
from optimizer.solvers.pulp_problem import legal_names
from tests.random_worlds import worlds
from tests.tables import table
from tests.worlds import rule, world, write_world

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / "scenarios" / "base-2020.yaml"
NAMED = [
    "",
    "@2020-first",
    "@strict-tilt",
    "@low-tilt",
    "@jobs-first",
    "@firms-first",
    "@trainees-first",
    "@plan-norm",
    "@steadier",
    "@no-cell-cap",
    "@no-integer-rules",
    "@unlifted-seven",
]
CBC = pulp_engine.pulp_engine("cbc")
HIGHS_THROUGH_PULP = pulp_engine.pulp_engine("HiGHS")
RULES = [
    rule(id="fair", measure="amount", per=["county"], at_least={"share": "0.2", "of": "amount"}),
    rule(id="few", measure="cells", at_most=3),
    rule(id="jobs-goal", measure="jobs", at_least=4, soft={"price": "0.1"}),
]


def small(folder: Path, **changes: Any) -> Scenario:
    return world(folder, {"budget": 37, "lot": 4, "rules": RULES, **changes})


def arrays_of(problem: pulp.LpProblem) -> dict[str, Any]:
    """The problem as PuLP holds it, columns and rows by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = dict(problem.constraints.items())
    columns = {v.name: (v.lowBound, v.upBound, v.cat) for v in problem.variables()}
    cost = {v.name: factor for v, factor in problem.objective.items() if factor}
    return {"rows": rows, "columns": columns, "cost": cost}


def check_equal(model: Model) -> None:
    """Every number of the model stands in the problem under its name, and none else does."""
    found = arrays_of(to_problem(model))
    names = legal_names(model.column_names(), len(model.cost), "column")
    assert found["columns"] == {
        name: (
            None if low == -inf else low,
            None if high == inf else high,
            "Integer" if whole else "Continuous",
        )
        for name, low, high, whole in zip(
            names, model.lower, model.upper, model.integer, strict=True
        )
    }
    assert found["cost"] == {name: c for name, c in zip(names, model.cost, strict=True) if c}
    wanted = {}
    row_names = legal_names(model.row_names(), len(model.row_lower), "row")
    for row, name in enumerate(row_names):
        span = slice(model.matrix.indptr[row], model.matrix.indptr[row + 1])
        terms = zip(model.matrix.indices[span], model.matrix.data[span], strict=True)
        wanted[name] = (
            {names[c]: float(v) for c, v in terms},
            float(model.row_lower[row]),
            float(model.row_upper[row]),
        )
    assert {name: read_row(row) for name, row in found["rows"].items()} == wanted


def read_row(row: pulp.LpConstraint) -> tuple[dict[str, float], float, float]:
    bound = -row.constant
    low = bound if row.sense in (pulp.LpConstraintGE, pulp.LpConstraintEQ) else -inf
    high = bound if row.sense in (pulp.LpConstraintLE, pulp.LpConstraintEQ) else inf
    return {v.name: factor for v, factor in row.items()}, low, high


def test_the_scenarios_of_this_file_are_those_that_ship() -> None:
    assert {f"@{name}" for name in load(BASE).spec.scenarios} == set(NAMED) - {""}


@pytest.mark.slow
@pytest.mark.parametrize("named", NAMED)
def test_pulps_problem_has_the_numbers_of_the_rows(named: str) -> None:
    check_equal(model_of(load(f"{BASE}{named}")))


def test_pulps_problem_has_the_numbers_of_the_rows_of_a_small_world(tmp_path: Path) -> None:
    check_equal(model_of(small(tmp_path)))
    check_equal(model_of(small(tmp_path), whole_units=True))


def test_a_row_with_two_bounds_becomes_two_constraints_and_one_without_none() -> None:
    model = table([[1, 1], [1, 0], [0, 1]], [(1, 3), (-inf, inf), (2, 2)])
    rows = arrays_of(to_problem(model))["rows"]
    assert {name: read_row(row) for name, row in rows.items()} == {
        "r_0_at_least": ({"v_0": 1, "v_1": 1}, 1, inf),
        "r_0_at_most": ({"v_0": 1, "v_1": 1}, -inf, 3),
        "r_2": ({"v_1": 1}, 2, 2),
    }
    answer = CBC(model, Effort())
    assert answer.values is not None
    assert answer.values.tolist() == pytest.approx([1, 2])


@pytest.mark.parametrize("system", [["/tmp"], []])
def test_cbc_runs_where_the_paths_of_temporary_files_have_blanks(
    system: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the system's folder, or in the working directory where that cannot be written."""
    place = tmp_path / "财政 资金"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.chdir(place)
    monkeypatch.setattr(pulp_engine, "_SYSTEM", system)
    answer = CBC(table([[1, 1]], [(-inf, 4)], cost=np.array([1.0, 2.0])), Effort())
    assert answer.objective == pytest.approx(8)
    assert list(place.iterdir()) == []


def test_columns_that_no_row_mentions_and_rows_without_columns_are_not_lost() -> None:
    model = table([[1, 0]], [(-inf, 4)], cost=np.array([1.0, 0.0]))
    answer = CBC(model, Effort())
    assert answer.values is not None and answer.values[0] == pytest.approx(4)
    assert CBC(table([[0, 0]], [(1, inf)]), Effort()).outcome == "infeasible"
    assert CBC(table([[1, 1]], [(1, 2)], cost=np.zeros(2)), Effort()).outcome == "optimal"


def test_names_are_readable_unique_and_legal_in_an_lp_file() -> None:
    spelled = ["x[510522,parks]", "x[510522.parks]", "county-floor/510522", "1st", "e5", "Free"]
    assert legal_names(spelled, 8, "row") == [
        "x_510522_parks",
        "x_510522_parks_2",
        "county_floor_510522",
        "n_1st",
        "n_e5",
        "n_Free",
        "row_7",
        "row_8",
    ]
    twins = legal_names(["a", "a", "a_2", "秦巴", "乌蒙", "y" * 300, "y" * 300], 7, "row")
    assert twins[:5] == ["a", "a_2", "a_2_2", "n", "n_2"]
    assert len(set(twins)) == 7 and max(map(len, twins)) <= 255


@pytest.mark.parametrize("solver", ["cbc", "HIGHS"])
def test_other_solvers_find_the_same_optimum_of_the_linear_base(solver: str) -> None:
    model = model_of(load(f"{BASE}@no-integer-rules"))
    best = highs.solve_model(model)
    answer = pulp_engine.pulp_engine(solver)(model, Effort())
    assert answer.outcome == best.outcome == "optimal"
    assert answer.objective == pytest.approx(best.objective, rel=1e-6)
    assert answer.bound == pytest.approx(best.bound, rel=1e-6)


def compare(parts: Mapping[str, Any], gap: float) -> None:
    """Solvers on one random world: same outcome, no value above the other's bound."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load(write_world(Path(folder), **parts))
        except InputError:
            return
    model = model_of(scenario, whole_units=True)
    best = highs.solve_model(model, Effort(gap=gap))
    event(best.outcome)
    for engine in (CBC, HIGHS_THROUGH_PULP):
        answer = engine(model, Effort(gap=gap))
        assert answer.outcome == best.outcome
        if best.objective is None or best.bound is None:
            continue
        room = 1e-6 * (1 + abs(best.objective))
        assert answer.objective is not None and answer.bound is not None
        assert answer.objective <= best.bound + room
        assert best.objective <= answer.bound + room
        assert answer.bound - answer.objective <= gap * 1.1 * abs(answer.objective) + 2e-3


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(worlds(counties=4, tasks=3))
def test_no_solver_finds_what_the_other_proves_impossible(parts: dict[str, Any]) -> None:
    compare(parts, gap=0.0)
    compare(parts, gap=0.05)


def test_an_answer_of_cbc_is_audited_and_stays_below_the_bound_of_highs(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    mine, theirs = (solve(scenario, Options(solver=name, gap=0)) for name in ("cbc", "highs"))
    assert mine.solver.name == "cbc" and mine.solver.version.startswith("pulp ")
    assert mine.status == theirs.status == "optimal"
    assert not mine.audit.broken and mine.allocation.is_whole
    assert theirs.bound is not None
    assert float(mine.objective - mine.audit.penalty) <= theirs.bound + 1e-9
    assert mine.objective == theirs.objective


def test_an_infeasible_model_is_said_to_be_so_and_has_no_values(tmp_path: Path) -> None:
    scenario = small(tmp_path, rules=[rule(at_least=38)])
    for model in (model_of(scenario), model_of(scenario, whole_units=True)):
        answer = CBC(model, Effort())
        assert (answer.outcome, answer.values, answer.bound) == ("infeasible", None, None)


def test_an_unbounded_model_is_not_called_infeasible() -> None:
    free = table([[1, -1]], [(-inf, 2)], upper=np.array([inf, inf]))
    assert CBC(free, Effort()).outcome == "unbounded"
    whole = replace(free, integer=np.array([True, False]))
    assert CBC(whole, Effort()).outcome == "unbounded"


def test_values_that_break_the_rows_are_no_solution_whatever_pulp_calls_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def zeros(problem: pulp.LpProblem, solver: object) -> None:
        for variable in problem.variables():
            variable.varValue = 0.0
        problem.assignStatus(pulp.LpStatusOptimal, pulp.LpSolutionOptimal)

    monkeypatch.setattr(pulp.LpProblem, "solve", zeros)
    assert CBC(model_of(small(tmp_path, rules=[])), Effort()).outcome == "optimal"
    answer = CBC(model_of(small(tmp_path, rules=[rule(at_least=1)])), Effort())
    assert (answer.outcome, answer.values, answer.bound) == ("none", None, None)


def test_an_unknown_solver_is_refused_with_the_names_of_those_that_are_here() -> None:
    with pytest.raises(InputError, match="'gurobbi' is not here.*cbc, PULP_CBC_CMD"):
        pulp_engine.pulp_engine("gurobbi")
    assert "PULP_CBC_CMD" in available_solvers()


def test_without_cbc_the_refusal_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp_engine, "available_solvers", lambda: ("HiGHS",))
    with pytest.raises(InputError, match="'cbc' is not here; available: highs, HiGHS"):
        pulp_engine.pulp_engine("cbc")


SCRIPT = """
import sys
if {without!r}:
    sys.modules["highspy"] = None
from models.scenario import load
from optimizer.decision import solve
from optimizer.solve import Options
solution = solve(load({path!r}), Options(solver={solver!r}, second_opinion={second!r}))
assert not solution.audit.broken
sys.stderr.write("|".join([solution.status, solution.solver.name, *solution.solver.notes]))
"""


def run(folder: Path, **parts: Any) -> tuple[str, str]:
    """(stdout, stderr) of a solve in a process of its own, with `folder` as its place."""
    script = SCRIPT.format(**{"without": False, "solver": "highs", "second": None, **parts})
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}){script}"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
def test_without_highspy_solve_goes_through_pulp_and_says_so(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 37, "lot": 4, "rules": RULES})
    _, said = run(tmp_path, without=True, path=str(path))
    assert said.startswith("optimal|cbc|")
    assert "highspy is not installed: solved by CBC through PuLP" in said
    assert "highspy is not installed" not in run(tmp_path, path=str(path))[1]


@pytest.mark.slow
def test_without_highspy_a_conflict_is_told_all_the_same(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 20, "rules": [rule(id="all", at_least=30)]})
    script = f"""
import sys
sys.modules["highspy"] = None
sys.path.insert(0, {str(ROOT)!r})
from models.errors import InfeasibleError
from models.scenario import load
from optimizer.decision import solve
try:
    solve(load({str(path)!r}))
except InfeasibleError as error:
    sys.stdout.write(str(error))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "needs 30 coins" in done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["cbc", "HiGHS"])
def test_a_solve_through_pulp_prints_nothing_and_leaves_no_files(
    tmp_path: Path, solver: str
) -> None:
    path = write_world(tmp_path, {"budget": 37, "lot": 4, "rules": RULES})
    empty = tmp_path / "empty"
    empty.mkdir()
    printed, _ = run(empty, path=str(path), solver=solver)
    assert printed == ""
    assert list(empty.iterdir()) == []


def test_a_second_opinion_is_recorded_beside_the_answer(tmp_path: Path) -> None:
    solution = solve(small(tmp_path), Options(second_opinion="cbc", gap=0))
    said = solution.second_opinion
    assert said is not None
    assert (said["solver"], said["outcome"], said["agrees"]) == ("cbc", "optimal", True)
    assert said["bound"] == said["objective"] == pytest.approx(float(solution.bound or 0), abs=1)


def test_an_unknown_second_opinion_is_refused_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.solve.search", lambda *_: pytest.fail("it searched"))
    with pytest.raises(InputError, match="gurobbi"):
        solve(small(tmp_path), Options(second_opinion="gurobbi"))
