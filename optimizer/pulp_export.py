"""The model as planners read and extend it in PuLP, and as a file for other solvers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulp

from models.allocation import write_file
from models.errors import refuse, with_keywords
from models.scenario import Scenario
from models.strict_yaml import Text
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_whole_money
from optimizer.formulation.model import Model
from optimizer.problem import reference_of
from optimizer.pulp_import import from_pulp
from optimizer.solvers.pulp_engine import pulp_engine
from optimizer.solvers.pulp_problem import LONGEST, column_names, sides, to_problem, write_problem

# The model as planners read and extend it in PuLP; `from_pulp` is the way back.
#
# model = to_pulp(scenario)
# model.problem += model.x["513431", "training"] >= 100, "training_there"
# model.problem.solve(pulp.PULP_CBC_CMD(msg=False))
# solution = from_pulp(scenario, model)


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


@with_keywords()
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
    model = formulate(scenario, reference_of(scenario).points)
    return with_whole_money(model) if whole_units else model


def _outcomes(
    scenario: Scenario, model: Model, variables: Sequence[pulp.LpVariable]
) -> dict[str, pulp.LpAffineExpression]:
    grid, tiers = model.grid, scenario.tiers_in_steps
    found = {}
    for number, metric in enumerate(scenario.programme.metrics):
        rates = tiers.rates[number].reshape(-1, tiers.rate.shape[-1])
        rate = rates[grid.tier_cell, grid.tier_number]
        found[metric] = pulp.LpAffineExpression(
            {
                variables[column]: value
                for column, value in zip(grid.tier.tolist(), rate.tolist(), strict=True)
                if value
            }
        )
    return found


_COLUMNS = """\
Columns, by the code of a county and the id of a task:
  x_COUNTY_TASK           money of the cell, in money units
  tier_COUNTY_TASK_K      money of its response tier K
  funded_COUNTY_TASK      1 where the cell has money
  any_funded_N_I          1 where one of several cells has money
  above_COUNTY_TASK, full_I   money above the last tier; 1 where a tier is full
  gives_way_RULE_I        how far a soft rule gives way
  all others              totals; the row of the same name adds them up
Rows:
  RULE, RULE_KEY          a limit of a rule; RULE_KEY_at_least and _at_most where it has two
  budget                  the money there is
  tiers_, if_funded_, most_, lot_   what ties money, tiers and funded together
  fills_first_, then_next_, any_funded_if_, any_funded_only_if_   what the indicators mean
Numbers have 12 significant digits."""
_UNITS = {
    True: "Money is in whole units.",
    False: "Money is continuous; its bounds are those of money that will end in whole units.",
}


def export(scenario: Scenario, path: Path, *, whole_units: bool = False) -> None:
    """Write the scenario's model as `.lp` or `.mps`, whole or not at all.

    An LP file maximises the objective; an MPS file minimises its negative, because readers do not
    agree on how MPS says maximise. Names are those of `to_pulp`; a comment at the top says what
    they mean. Raises `InputError` for another suffix or a place that cannot be written.
    """
    writers: dict[str, tuple[str, Callable[[pulp.LpProblem, str], object]]] = {
        ".lp": ("\\", lambda problem, file: problem.writeLP(file, max_length=LONGEST)),
        ".mps": ("*", lambda problem, file: problem.writeMPS(file, mpsSense=pulp.LpMinimize)),
    }
    if path.suffix.lower() not in writers:
        refuse(str(path), "", "name a file that ends in .lp or .mps")
    mark, write = writers[path.suffix.lower()]
    model = model_of(scenario, whole_units=whole_units)
    with tempfile.TemporaryDirectory(prefix="allot-") as folder:
        file = Path(folder) / "model"
        write(to_problem(model, scenario.name), str(file))
        body = file.read_text(encoding="ascii")
    told = [
        *_head(scenario, path),
        _UNITS[whole_units],
        *_COLUMNS.splitlines(),
        *_special_names(model),
    ]
    comment = "".join(f"{mark} {line}\n" for line in told)
    try:
        write_file(path, comment + body)
    except OSError as error:
        refuse(str(path), "", f"cannot be written ({error.strerror})")


def _head(scenario: Scenario, path: Path) -> list[str]:
    sense = "minimise the negative of" if path.suffix.lower() == ".mps" else "maximise"
    return [
        f"{scenario.name}: {_in_both(scenario.spec.title)}",
        f"The model is to {sense} the scenario's objective under these rules:",
        *(f"  {rule.id}: {_in_both(rule.title)}" for rule in scenario.rules),
    ]


def _in_both(title: Text) -> str:
    """Both wordings on one line: a comment ends where its line ends."""
    return " / ".join(" ".join(text.split()) for text in (title.zh, title.en))


def _special_names(model: Model) -> list[str]:
    """What the names say that cannot stand in the file as the scenario spells them."""
    pairs = [*zip(column_names(model), model.column_names(), strict=False)]
    pairs += [(side.name, side.spelled) for side in sides(model)]
    odd = {name: text for name, text in pairs if not text.isascii()}
    return ["Spelled otherwise:", *(f"  {n}: {t}" for n, t in odd.items())] if odd else []


__all__ = ["PulpModel", "from_pulp", "model_of", "pulp_engine", "to_problem", "to_pulp"]
