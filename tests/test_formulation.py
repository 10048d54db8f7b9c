"""Which county each column of a model belongs to, and which rows couple several."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from models.errors import InputError
from models.scenario import load
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_least_moved
from optimizer.formulation.model import Model
from optimizer.problem import reference_of
from tests.random_worlds import worlds
from tests.worlds import rule, world, write_world

ROOT = Path(__file__).parents[1]
OWN = ("x", "tier", "funded", "above")
"""Columns of cells by the first word of their names; others are totals."""


def counties_by_name(model: Model, ids: tuple[str, ...]) -> list[set[int]]:
    """The counties that each column reaches, from names and coefficients alone."""
    names, rows = list(model.column_names()), list(model.row_names())
    own = [
        {ids.index(name.split("[")[1].split(",")[0])} if name.split("[")[0] in OWN else set()
        for name in names
    ]
    unknown = [column for column, found in enumerate(own) if not found]
    reached = [set(found) for found in own]
    for column in unknown:
        holding = np.flatnonzero(model.matrix[:, [column]].toarray().ravel())
        defining = [row for row in holding if rows[row] == names[column]] or list(holding)
        for row in defining:
            for other in model.matrix[row].indices.tolist():
                reached[column] |= own[other]
    return reached


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_a_column_has_the_county_that_all_it_stands_for_lies_in(parts: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load(write_world(Path(folder), **parts))
            model = formulate(scenario, reference_of(scenario).points)
        except InputError:
            return
    reached = counties_by_name(model, scenario.programme.counties.ids)
    names = model.column_names()
    for column, found in enumerate(model.column_county.tolist()):
        # A total over several counties couples them, though only one may have anything to add.
        alone = len(reached[column]) == 1 and names[column].split("[")[0] in OWN
        assert reached[column] <= {found} if found >= 0 else not alone
    for row, found in enumerate(model.row_county.tolist()):
        columns = model.matrix[row].indices.tolist()
        counties = {model.column_county[column] for column in columns}
        assert counties == {found} if found >= 0 else counties != {found} or -1 in counties


def test_the_shipped_scenario_couples_its_counties_through_25_rows_and_17_totals() -> None:
    scenario = load(ROOT / "scenarios" / "base-2020.yaml")
    model = formulate(scenario, reference_of(scenario).points)
    names = np.array(model.row_names())[model.row_county < 0].tolist()
    totals = [name for name in names if "[" in name]
    assert len(totals) == int((model.column_county < 0).sum()) == 17
    assert len(names) - len(totals) == 25
    assert {name.split("/")[0] for name in names if "[" not in name} == {
        *("budget", "deep-poverty-share", "yi-per-resident", "tibetan-per-resident"),
        *("task-share-min", "task-share-max", "funded-cells", "jobs-target", "firms-target"),
        *("trainees-target", "deep-poverty-trainees"),
    }


def test_a_rule_by_county_stays_within_and_an_added_column_belongs_to_none(tmp_path: Path) -> None:
    floor = rule(id="floor", per=["county"], at_least=5)
    soft = rule(id="soft", per=["county"], at_least=9, soft={"price": 1})
    scenario = world(tmp_path, {"budget": 30, "rules": [floor, soft]})
    model = formulate(scenario, reference_of(scenario).points)
    names = list(model.row_names())
    assert [model.row_county[names.index(f"floor/{code}")] for code in ("a", "b")] == [0, 1]
    assert [model.row_county[names.index(f"soft/{code}")] for code in ("a", "b")] == [0, 1]
    assert model.row_county[names.index("budget")] == -1
    wider = with_least_moved(model, np.zeros(len(model.grid.amount)))
    assert (wider.column_county[len(model.cost) :] == -1).all()
