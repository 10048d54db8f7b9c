"""The references: the same arrays given straight to highspy, and the base in plain PuLP."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import highspy
import numpy as np
import pulp
from measuring import ROOT  # noqa: F401  (puts the project on the path)

from models.exact import MICRO
from models.scenario import Scenario
from optimizer.formulation.model import Model
from optimizer.solvers import highs

highs.version()  # HiGHS prints its banner at the first instance; this one sends it nowhere


def bare_highs(model: Model, **options: Any) -> highspy.Highs:
    """Give the arrays to HiGHS and run it, with nothing around them."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), len(model.row_lower)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr
    lp.a_matrix_.index_ = model.matrix.indices
    lp.a_matrix_.value_ = model.matrix.data
    if model.integer.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(flag)] for flag in model.integer]
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in {"log_to_console": False, **options}.items():
        if solver.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS knows no {name} = {value}")
    solver.passModel(lp)
    solver.run()
    return solver


def objective_of(solver: highspy.Highs) -> float:
    """What the run found."""
    return float(solver.getInfo().objective_function_value)


class PlainPulp:
    """base-2020 as a first notebook would write it: one PuLP expression after the other."""

    def __init__(
        self,
        scenario: Scenario,
        values: Mapping[str, Fraction],
        counts: bool = False,
        floor: float = 60,
    ) -> None:
        """`values`: objective points per unit of each metric; `counts`: lots and counts of cells
        too, which base-2020@no-integer-rules leaves out; `floor`: least money of a county."""
        self.scenario, self.values, self.floor = scenario, values, floor
        programme = scenario.programme
        self.counties = range(len(programme.counties))
        self.tasks = range(len(programme.tasks))
        self.cells = [(c, t) for c in self.counties for t in self.tasks]
        self.problem = pulp.LpProblem("base", pulp.LpMaximize)
        self.steps = {
            (c, t, k): int(width)
            for (c, t, k), width in np.ndenumerate(scenario.tiers.width)
            if width
        }
        budget = scenario.budget
        self.x = {cell: pulp.LpVariable(f"x_{cell[0]}_{cell[1]}", 0, budget) for cell in self.cells}
        self.y = {
            key: pulp.LpVariable("y_" + "_".join(map(str, key)), 0, width)
            for key, width in self.steps.items()
        }
        self._objective()
        self._money()
        self._targets()
        if counts:
            self._counts()

    def _rate(self, metric: int, key: tuple[int, int, int]) -> float:
        return float(self.scenario.tiers.rate[(metric, *key)]) / MICRO

    def _objective(self) -> None:
        points = [float(self.values[name]) for name in self.scenario.programme.metrics]
        self.problem += pulp.lpSum(
            point * self._rate(m, key) * y
            for key, y in self.y.items()
            for m, point in enumerate(points)
        )
        for c, t in self.cells:
            keys = [(c, t, k) for k in range(self.scenario.tiers.width.shape[2])]
            mine = [self.y[key] for key in keys if key in self.y]
            self.problem += pulp.lpSum(mine) <= self.x[c, t]

    def _money(self) -> None:
        counties, tasks = self.scenario.programme.counties, self.scenario.programme.tasks
        budget, problem, x = self.scenario.budget, self.problem, self.x
        everything = pulp.lpSum(x.values())
        deep = [c for c in self.counties if counties.columns["deep_poverty"][c]]
        problem += everything <= budget
        problem += self._spent(deep) >= 0.27 * everything
        residents = [float(number) for number in counties.numbers("residents")]
        for area in ("yi", "tibetan"):
            mine = [c for c in self.counties if counties.columns["area"][c] == area]
            heads = sum(residents[c] for c in mine)
            problem += self._spent(mine) >= 1.5 * heads / sum(residents) * everything
        for c in self.counties:
            problem += self._spent([c]) >= self.floor
            problem += self._spent([c]) <= 1200
        least, most = tasks.numbers("share_min"), tasks.numbers("share_max")
        for t in self.tasks:
            of_task = pulp.lpSum(x[c, t] for c in self.counties)
            problem += of_task >= float(least[t]) * budget
            problem += of_task <= float(most[t]) * budget

    def _spent(self, counties: list[int]) -> pulp.LpAffineExpression:
        return pulp.lpSum(self.x[c, t] for c in counties for t in self.tasks)

    def _targets(self) -> None:
        metrics = self.scenario.programme.metrics
        deep = self.scenario.programme.counties.columns["deep_poverty"]
        for name, least in (("jobs", 6000), ("firms", 700), ("trainees", 1000)):
            m = metrics.index(name)
            self.problem += pulp.lpSum(self._rate(m, key) * y for key, y in self.y.items()) >= least
        m = metrics.index("trainees")
        self.problem += (
            pulp.lpSum(self._rate(m, key) * y for key, y in self.y.items() if deep[key[0]]) >= 1000
        )

    def _counts(self) -> None:
        funded = {
            cell: pulp.LpVariable(f"z_{cell[0]}_{cell[1]}", cat=pulp.LpBinary)
            for cell in self.cells
        }
        for key, width in self.steps.items():
            self.problem += self.y[key] <= width * funded[key[:2]]
        for cell in self.cells:
            self.problem += self.x[cell] >= 20 * funded[cell]
            self.problem += self.x[cell] <= 1200 * funded[cell]
        for c in self.counties:
            self.problem += pulp.lpSum(funded[c, t] for t in self.tasks) <= 5
        self.problem += pulp.lpSum(funded.values()) <= 280
