"""Relaxations one after the other in one solver: the same as each on its own."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pytest
import yaml

from models.objective import metric_values
from models.scenario import Scenario, load
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed
from optimizer.problem import Problem
from optimizer.solvers.highs import solve_model
from optimizer.solvers.highs_lp import HotModel
from optimizer.study.design import Paths, Point
from optimizer.study.grid import grid
from optimizer.study.runner import map_scenarios
from optimizer.study.study_result import Result
from tests.worlds import rule, world

ROOT = Path(__file__).parent.parent
BASE = ROOT / "scenarios" / "base-2020.yaml"
RESPONSE = {"tasks": {}}
"""Asks for the tiers of the formula with no constant changed."""


@pytest.fixture(scope="module")
def base() -> Scenario:
    return load(BASE)


def fresh(changed: Scenario) -> tuple[float | None, dict[str, float]]:
    """(objective, outcomes by tier) of a scenario relaxed on its own."""
    values = Problem.of(changed).reference.points
    model = relaxed(formulate(changed, values, whole=False))
    answer = solve_model(model)
    if answer.values is None:
        return None, {}
    filled = np.zeros(changed.tiers.width.reshape(-1, changed.tiers.width.shape[-1]).shape)
    filled[model.grid.tier_cell, model.grid.tier_number] = answer.values[model.grid.tier]
    rates = changed.tiers.rate.reshape(len(values), -1) / 1e6
    names = changed.programme.metrics
    return answer.objective, dict(zip(names, rates @ filled.ravel(), strict=True))


def held_to_fresh(scenario: Scenario, points: list[Point]) -> tuple[Result, ...]:
    """Relax the points one after the other, and compare each with a solve of its own."""
    results = map_scenarios(scenario, points, relax=True).results
    paths = Paths(scenario)
    for point, result in zip(points, results, strict=True):
        objective, _ = fresh(paths.changed(point))
        assert (result.objective is None) == (objective is None), point
        if objective is not None:
            assert result.objective == pytest.approx(objective, abs=2e-7), point
            assert result.bound_solver is not None and result.bound_solver > objective, point
            assert result.bound_solver == pytest.approx(objective, rel=2e-6), point
    return results


@pytest.mark.slow
def test_rules_weights_and_budgets_changed_together_are_each_as_solved_anew(base: Scenario) -> None:
    random_ = random.Random(3)
    points = [
        (
            ("rules.deep-poverty-share.at_least.share", str(random_.choice([0.2, 0.3, 0.34, 0.5]))),
            ("objective.weights.jobs", str(random_.choice([0, 0.5, 1, 3]))),
            ("rules.hold-others.at_least.share", str(random_.choice([0, 0.6, 0.8]))),
            ("budget", str(random_.choice([33000, 34500]))),
        )
        for _ in range(9)
    ]
    statuses = {result.status for result in held_to_fresh(base, points)}
    assert statuses == {"optimal", "infeasible"}


@pytest.mark.slow
def test_caps_switches_and_constants_are_each_as_solved_anew(base: Scenario) -> None:
    points: list[Point] = [
        (("rules.rise-cap.at_most.times", "1.4"),),
        (("rules.funded-cells.enabled", "false"),),
        (("calibration", "plan-norm"),),
        (("response.tasks.parks.sigma", "150"),),
        (("lot", "30"),),
        (("rules.funded-cells.at_most", "260"),),
        (("rules.yi-per-resident.at_least.times", "1.8"),),
    ]
    assert {result.status for result in held_to_fresh(base, points)} <= {"optimal", "infeasible"}


def test_what_a_point_gives_does_not_depend_on_those_before_it(base: Scenario) -> None:
    share = "rules.deep-poverty-share.at_least.share"
    alone = grid(base, {share: "0.31"}, relax=True)
    after = grid(base, {share: "0.5,0.2,0.45,0.31"}, relax=True)
    assert alone["objective"].iloc[0] == pytest.approx(after["objective"].iloc[3], abs=2e-8)


def test_worth_weighs_every_point_as_the_unchanged_scenario_does(tmp_path: Path) -> None:
    objective = {"weights": {"jobs": 1, "firms": 1}, "normalise": "none"}
    made = world(tmp_path, {"budget": 40, "objective": objective})
    table = grid(made, {"objective.weights.jobs": "1,3"}, relax=True)
    # 40 coins at 0.5 jobs and 0.1 firms.
    assert table["jobs"].tolist() == [20, 20] and table["firms"].tolist() == [4, 4]
    assert table["worth"].tolist() == [24, 24] and table["objective"].tolist() == [24, 64]


# ---- constants of the response ----


def edited_copy(folder: Path, **changes: Any) -> Scenario:
    """The base with `response.yaml` itself edited: {"tasks.parks.sigma": 180}."""
    shutil.copytree(ROOT / "scenarios" / "sichuan-2020", folder / "sichuan-2020")
    shutil.copy(BASE, folder / BASE.name)
    file = folder / "sichuan-2020" / "response.yaml"
    content = yaml.safe_load(file.read_text("utf-8"))
    for path, value in changes.items():
        *outer, last = path.split(".")
        place = content
        for step in outer:
            place = place[step]
        place[last] = value
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    return load(folder / BASE.name)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tasks.parks.sigma", 180),
        ("tasks.training.trainees", 6.6),
        ("kappa.record-2018-19.jobs", 0.5),
        ("saturation.power", 0.45),
        ("cost.step", 0.088),
    ],
)
def test_a_constant_moved_gives_the_tiers_of_an_edited_file(
    base: Scenario, tmp_path: Path, path: str, value: float
) -> None:
    moved = Paths(base).changed(((f"response.{path}", str(value)),)).tiers
    programme = edited_copy(tmp_path, **{path: value}).programme
    reloaded = programme.tiers("record-2018-19", RESPONSE)
    assert np.array_equal(moved.width, reloaded.width)
    assert np.array_equal(moved.rate, reloaded.rate)
    same = np.array_equal(moved.rate, base.tiers.rate) and np.array_equal(
        moved.width, base.tiers.width
    )
    assert not same


# ---- one solver, kept ----


def small_model(folder: Path, budget: int = 60) -> Any:
    made = world(folder, {"budget": budget, "rules": [rule(per=["county"], at_least=15)]})
    return formulate(made, metric_values(made, {}), whole=False)


def test_a_model_with_other_rows_cannot_follow(tmp_path: Path) -> None:
    hot = HotModel(small_model(tmp_path))
    other = world(tmp_path / "other", {"budget": 60})
    with pytest.raises(ValueError, match="same columns and rows"):
        hot.become(formulate(other, metric_values(other, {}), whole=False))


def test_after_a_restart_the_same_models_give_the_same_bytes(tmp_path: Path) -> None:
    models = [small_model(tmp_path / str(b), b) for b in (60, 20, 45, 80, 110)]
    hot, runs = HotModel(models[0]), []
    for order in (models, models[::-1], models):
        hot.restart()
        found = []
        for model in order:
            hot.become(model)
            answer = hot.solve()
            found.append(None if answer.values is None else answer.values.tobytes())
        runs.append(found)
    assert runs[0] == runs[2]
    assert runs[0][1] is None and runs[1][3] is None  # 20 coins cannot keep two floors of 15


class Wavering:
    """A HiGHS that does not know, the first time it is asked."""

    def __init__(self, solver: highspy.Highs) -> None:
        self._solver, self.asked = solver, 0

    def getModelStatus(self) -> highspy.HighsModelStatus:
        self.asked += 1
        if self.asked == 1:
            return highspy.HighsModelStatus.kUnknown
        return self._solver.getModelStatus()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._solver, name)


def test_where_the_basis_leads_nowhere_the_model_is_solved_without_it(tmp_path: Path) -> None:
    hot = HotModel(small_model(tmp_path))
    hot._solver = wavering = Wavering(hot._solver)
    answer = hot.solve()
    assert answer.outcome == "optimal" and answer.objective == pytest.approx(24)
    assert wavering.asked > 1
