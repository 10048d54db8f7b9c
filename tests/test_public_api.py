"""What a notebook imports: `from optimizer import load, solve, audit, Options`."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import optimizer
from models.exact import exact_text
from optimizer import Options, audit, load, solve
from optimizer.solve import OptionChanges
from tests.worlds import rule, write_world

ROOT = Path(__file__).parent.parent
ORDERS = [
    "from optimizer import load, solve, audit, Options",
    "from optimizer import audit; from optimizer import solve",
    "import optimizer.audit, optimizer.solve; from optimizer import audit, solve",
    "from optimizer.solve import solve; from optimizer.audit.findings import audit",
    "import optimizer.repair",
]


@pytest.mark.parametrize("before", ORDERS)
def test_the_names_are_functions_whatever_was_imported_before(before: str) -> None:
    code = (
        f"{before}\nimport optimizer as o\nprint(*(type(x).__name__ for x in (o.solve, o.audit)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["function", "function"]


def test_the_public_names_are_listed_and_others_are_refused() -> None:
    assert set(optimizer.__all__) == {"load", "solve", "audit", "Options"}
    assert set(optimizer.__all__) <= set(dir(optimizer))
    with pytest.raises(AttributeError, match="'optimizer' has no attribute 'sovle'"):
        _ = optimizer.sovle  # type: ignore[attr-defined]


def test_a_scenario_is_loaded_solved_and_audited_by_the_public_names(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"budget": 50, "rules": [rule(id="floor", at_least=10)]})
    solution = solve(load(path), gap=0.0, repaired=False)
    assert solution.options["gap"] == 0.0 and solution.repaired is None
    # jobs: 0.5 for the first 10 money units of each of four cells, 0.2 for the last ten.
    assert exact_text(solution.objective) == "22"
    assert audit(load(path), solution.allocation).outcomes["jobs"] == 22


def test_keywords_replace_the_fields_of_the_options(tmp_path: Path) -> None:
    scenario = load(write_world(tmp_path, {"budget": 50}))
    solution = solve(scenario, Options(gap=0.25, units="continuous"), gap=0.125)
    assert (solution.options["gap"], solution.options["units"]) == (0.125, "continuous")


def test_a_keyword_that_is_no_option_is_refused(tmp_path: Path) -> None:
    scenario = load(write_world(tmp_path, {"budget": 50}))
    wrong: dict[str, Any] = {"gaps": 1}
    with pytest.raises(TypeError, match="gaps"):
        solve(scenario, **wrong)


def test_the_typed_keywords_are_the_fields_of_the_options() -> None:
    fields = {field.name: field.type for field in dataclasses.fields(Options)}
    assert {name: hint.__forward_arg__ for name, hint in OptionChanges.__annotations__.items()} == (
        fields
    )
