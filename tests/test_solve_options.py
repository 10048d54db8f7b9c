"""The options of `solve`, as one object or as keywords."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models.errors import InputError
from models.exact import exact_text
from models.scenario import load
from models.solution import OPTIONS
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.formulation.model import Model
from optimizer.solve import OptionChanges, Options
from optimizer.solvers.base import Answer, Effort
from optimizer.solvers.highs import solve_model
from tests.worlds import rule, write_world


def test_a_scenario_is_loaded_solved_and_audited_and_its_audit_agrees(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"units": "hole"}, "units: 'hole' is none of whole, exact, continuous"),
        ({"gap": -1}, "gap: -1 is not a number from 0 to below 1"),
        ({"gap": 2}, "gap: 2 is not a number from 0 to below 1"),
        ({"time_limit": 0}, "time_limit: 0 is not a number of seconds above 0"),
        ({"gap": "1%"}, "gap: '1%' is not a number"),
        ({"time_limit": float("nan")}, "time_limit: nan is not a number"),
    ],
)
def test_an_option_out_of_range_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Options(**wrong)


def test_the_typed_keywords_are_the_fields_of_the_options() -> None:
    fields = {field.name: field.type for field in dataclasses.fields(Options)}
    assert {name: hint.__forward_arg__ for name, hint in OptionChanges.__annotations__.items()} == (
        fields
    )


def test_all_stages_of_a_solve_share_its_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stage takes 4 of 10 seconds: all for the relaxation, then seven tenths of what is left
    for the search, then what is left, at least a tenth."""
    now, limits = [100.0], []

    def engine(model: Model, effort: Effort) -> Answer:
        limits.append(effort.time_limit)
        now[0] += 4.0
        return solve_model(model, dataclasses.replace(effort, time_limit=None))

    monkeypatch.setattr("optimizer.solvers.base.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (engine, ()))
    few = rule(id="few", measure="cells", at_most=3)
    scenario = load(write_world(tmp_path, {"budget": 37, "lot": 4, "rules": [few]}))
    solution = solve(scenario, Options(repaired=False, certificate=False), time_limit=10.0)
    assert solution.audit.broken == ()
    assert limits[:3] == pytest.approx([10.0, 4.2, 2.0])
    assert limits[2:] == pytest.approx([2.0, *[0.1] * (len(limits) - 3)]) and len(limits) > 3


def test_a_part_of_the_time_is_kept_for_certificate_and_prices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []

    def engine(model: Model, effort: Effort) -> Answer:
        limits.append(effort.time_limit)
        return solve_model(model, effort)

    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (engine, ()))
    solve(load(write_world(tmp_path, {"budget": 37})), repaired=False, time_limit=1000.0)
    assert limits[0] == pytest.approx(800, abs=50)


@pytest.mark.parametrize("units", ["whole", "exact"])
def test_whole_units_end_after_counted_branches_the_same_on_every_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: Any
) -> None:
    branches = []

    def engine(model: Model, effort: Effort) -> Answer:
        branches.extend([] if model.is_lp else [effort.nodes])
        return solve_model(model, effort)

    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (engine, ()))
    few = rule(id="few", measure="cells", at_most=3)
    scenario = load(write_world(tmp_path, {"budget": 37, "lot": 4, "rules": [few]}))
    solve(scenario, units=units, repaired=False, certificate=False)
    assert len(branches) > 1 and None not in branches
    assert len(set(branches[1:-1])) == 1 and (branches[1] < branches[0]) == (units == "whole")


def test_what_a_solve_adds_is_left_out_where_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices and the repaired baseline; the certificate of the relaxation stays."""
    now = [0.0]

    def engine(model: Model, effort: Effort) -> Answer:
        now[0] += 11.0
        return solve_model(model, dataclasses.replace(effort, time_limit=None))

    monkeypatch.setattr("optimizer.solvers.base.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (engine, ()))
    found = solve(load(write_world(tmp_path, {"budget": 37})), time_limit=10.0)
    assert found.audit.broken == ()
    assert (found.prices, found.repaired, found.by_county) == ((), None, None)
    assert found.certificate is not None


def test_a_record_keeps_every_option() -> None:
    assert tuple(Options().recorded) == OPTIONS
