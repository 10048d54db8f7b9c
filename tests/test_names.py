"""Counties, tasks, metrics and columns go by code or by name, wherever they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.allocation import read_allocation
from models.errors import InputError
from models.record.scenario_files import resolved_files
from models.scenario import Scenario, load
from tests.worlds import rule, world, write_csv, write_world, write_yaml

COUNTIES = {
    "01": {"name_zh": "昭觉县", "name_en": "Zhaojue", "zone": "yi"},
    "02": {"name_zh": "城区", "name_en": "City", "zone": "qinba"},
    "03": {"name_zh": "城区", "name_en": "Town", "zone": "qinba"},
}
LABELS = {
    "columns": {"zone": {"zh": "片区", "en": "area"}},
    "values": {"zone": {"yi": {"zh": "彝区", "en": "Yi"}}},
}


def written(folder: Path, **scenario: Any) -> Path:
    path = write_world(folder, {"budget": 60, **scenario}, counties=COUNTIES)
    write_yaml(folder / "world" / "labels.yaml", LABELS)
    tasks = [
        {"id": "road", "title": {"zh": "园区建设", "en": "Parks"}, "columns": {}},
        {"id": "school", "title": {"zh": "培训", "en": "Training"}, "columns": {}},
    ]
    write_yaml(folder / "world" / "tasks.yaml", tasks)
    return path


def test_a_scenario_in_names_is_the_one_in_codes(tmp_path: Path) -> None:
    floors = [
        rule(id="a", where={"county": "昭觉县"}, at_least=5),
        rule(id="b", where={"片区": "彝区", "task": ["园区建设"]}, at_most=9),
        rule(id="c", measure="Jobs", per=["片区"], at_least={"share": 0, "of": "Jobs"}),
    ]
    codes = [
        rule(id="a", where={"county": "01"}, at_least=5),
        rule(id="b", where={"zone": "yi", "task": ["road"]}, at_most=9),
        rule(id="c", measure="jobs", per=["zone"], at_least={"share": 0, "of": "jobs"}),
    ]
    lock = {"county": "Zhaojue", "task": "培训", "amount": 3}
    named = written(tmp_path / "n", rules=floors, locks=[lock], objective={"weights": {"Jobs": 1}})
    coded = written(
        tmp_path / "c",
        rules=codes,
        locks=[{**lock, "county": "01", "task": "school"}],
        objective={"weights": {"jobs": 1}},
    )
    assert resolved_files(load(named)) == resolved_files(load(coded))


def test_a_name_after_set_lays_over_the_code(tmp_path: Path) -> None:
    path = written(tmp_path, rules=[rule(where={"county": "02"}, at_least=5)])
    changed = load(path, set_=["rules.r.where.county=昭觉县", "objective.weights.Jobs=3"])
    assert changed.spec.rules[0].where["county"].among == ("01",)
    assert changed.spec.objective.weights == {"jobs": 3}


def test_a_name_that_two_counties_share_is_refused_with_both(tmp_path: Path) -> None:
    path = written(tmp_path, rules=[rule(where={"county": "城区"}, at_least=5)])
    with pytest.raises(InputError) as error:
        load(path)
    (problem,) = error.value.problems
    assert problem.path == "rules[0].where.county"
    assert problem.message == "'城区' may be 城区 (02), 城区 (03); give the code of the county"


def test_one_thing_named_twice_in_one_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, objective={"weights": {"jobs": 1, "Jobs": 2}})
    with pytest.raises(InputError, match="'Jobs' and 'jobs' are the same metric"):
        load(path)


def test_an_unknown_name_comes_with_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, rules=[rule(where={"county": "昭觉线"}, at_least=5)])
    with pytest.raises(InputError, match=r"unknown county '昭觉线' \(did you mean '昭觉县'\?\)"):
        load(path)


def test_tables_of_money_go_by_names(tmp_path: Path) -> None:
    scenario: Scenario = load(written(tmp_path, last_year="last.csv"), set_=["last_year=null"])
    for name, rows in {
        "table.csv": [("昭觉县", "园区建设", 7), ("02", "school", 1)],
        "last.csv": [("Zhaojue", "培训", 4)],
    }.items():
        write_csv(tmp_path / name, ["county", "task", "amount"], rows)
    held = read_allocation(tmp_path / "table.csv", scenario.programme)
    assert held.amounts.tolist() == [[7, 0], [0, 1], [0, 0]]
    last = load(tmp_path / "scenario.yaml").last_year
    assert last is not None
    assert last.by_cell == {("01", "school"): 4}
    write_csv(tmp_path / "table.csv", ["county", "task", "amount"], [("城区", "road", 1)])
    with pytest.raises(InputError, match="may be 城区"):
        read_allocation(tmp_path / "table.csv", scenario.programme)


def test_values_of_other_columns_are_left_alone(tmp_path: Path) -> None:
    counties = {"a": {"hilly": True, "heads": 3}, "b": {"hilly": False, "heads": 4}}
    where = {"hilly": True, "heads": 3}
    assert world(
        tmp_path, {"budget": 9, "rules": [rule(where=where, at_most=5)]}, counties=counties
    )
