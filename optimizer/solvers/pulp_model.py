"""The model as planners read and extend it in PuLP; `from_pulp` is the way back.

model = to_pulp(scenario)
model.problem += model.x["513431", "training"] >= 100, "training_there"
model.problem.solve(pulp.PULP_CBC_CMD(msg=False))
solution = from_pulp(scenario, model)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulp

from models.exact import MICRO
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.baselines import baseline
from optimizer.formulation.build import formulate
from optimizer.formulation.edit import with_whole_money
from optimizer.formulation.matrix import Model
from optimizer.formulation.objectives import metric_values
from optimizer.solvers.pulp_back import from_pulp
from optimizer.solvers.pulp_engine import pulp_engine
from optimizer.solvers.pulp_problem import to_problem, write_problem

__all__ = ["PulpModel", "from_pulp", "model_of", "pulp_engine", "to_problem", "to_pulp"]


@dataclass
class PulpModel:
    """A scenario as a named PuLP problem, and the parts of it that a planner speaks of.

    Not frozen: `model.problem += …` assigns.
    """

    problem: pulp.LpProblem
    """A maximisation; add constraints with `problem += constraint, "name"`."""
    x: Mapping[tuple[str, str], pulp.LpVariable]
    """Money of each cell, in money units; by (code of the county, id of the task)."""
    funded: Mapping[tuple[str, str], pulp.LpVariable]
    """1 where the cell has money, else 0; empty where no rule needs to know."""
    outcomes: Mapping[str, pulp.LpAffineExpression]
    """Metric → its projected outcome, in the metric's own unit.

    Right for limits from below, and in an objective that wants more of it. A limit from above
    could be met by leaving money without effect, so it needs a rule in the scenario; `from_pulp`
    refuses a solution where that has happened.
    """


def to_pulp(scenario: Scenario, *, whole_units: bool = False) -> PulpModel:
    """The scenario as a PuLP problem; with `whole_units` money is in whole units from the start.

    Continuous money solves much faster, and `from_pulp` brings it to whole units. Columns are
    named `x_510522_parks` (money), `tier_510522_parks_1` (money of a response tier),
    `funded_510522_parks`, and `amount_510522`, `jobs`… (totals that rules refer to); constraints
    by their rule and key: `county_floor_510522`. What a rule leaves a single cell at most stands
    in the bounds of its columns as well.
    """
    model = model_of(scenario, whole_units=whole_units)
    problem, variables = write_problem(model, scenario.name)
    grid = model.grid
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    cells = [(county, task) for county in counties for task in tasks]
    funded = [] if grid.funded is None else grid.funded.tolist()
    return PulpModel(
        problem,
        {cell: variables[c] for cell, c in zip(cells, grid.amount.tolist(), strict=True)},
        {cell: variables[c] for cell, c in zip(cells, funded, strict=False)},
        _outcomes(scenario, model, variables),
    )


def model_of(scenario: Scenario, *, whole_units: bool = False) -> Model:
    """The rows that `solve` works on, with continuous money or with money in whole units."""
    outcomes = audit(scenario, baseline(scenario)).outcomes
    model = formulate(scenario, metric_values(scenario, outcomes))
    return with_whole_money(model) if whole_units else model


def _outcomes(
    scenario: Scenario, model: Model, variables: Sequence[pulp.LpVariable]
) -> dict[str, pulp.LpAffineExpression]:
    grid, tiers = model.grid, scenario.tiers
    found = {}
    for number, metric in enumerate(scenario.programme.metrics):
        rates = tiers.rate[number].reshape(-1, tiers.rate.shape[-1])
        rate = rates[grid.tier_cell, grid.tier_number] / MICRO
        found[metric] = pulp.LpAffineExpression(
            {
                variables[column]: value
                for column, value in zip(grid.tier.tolist(), rate.tolist(), strict=True)
                if value
            }
        )
    return found
