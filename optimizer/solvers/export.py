"""The model as a file for other solvers, with names that people can read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pulp

from models.allocation_csv import write_file
from models.errors import refuse
from models.scenario import Scenario
from models.strict import Text
from optimizer.formulation.matrix import Model
from optimizer.solvers.pulp_model import model_of
from optimizer.solvers.pulp_names import LONGEST
from optimizer.solvers.pulp_problem import column_names, sides, to_problem

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
    told = [*_head(scenario, path), *_COLUMNS.splitlines(), *_special_names(model)]
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
