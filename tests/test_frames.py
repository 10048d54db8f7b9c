"""The frames that a notebook gets: tidy, documented columns, no surprise in a type."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pandas as pd

from models.allocation import allocation_of_rows
from models.frames import amounts_frame, amounts_table, rules_frame, table_frame
from models.solution import Solution
from tests.by_hand import by_hand, compared
from tests.worlds import rule, world

RULES = [rule(id="cap", per=["county", "task"], at_most=15), rule(id="floor", at_least=10)]


def solution(folder: Path) -> Solution:
    return by_hand(
        world(folder, {"budget": 50, "rules": RULES}), [[20, 0], [10, 11]], [[1, 1], [1, 1]]
    )


def test_amounts_hold_a_row_for_every_cell_in_the_programmes_order(tmp_path: Path) -> None:
    frame = solution(tmp_path).amounts
    assert frame.columns.tolist()[:3] == ["county", "task", "amount"]
    assert frame.columns.tolist()[3:] == ["county_zh", "county_en", "task_zh", "task_en"]
    assert frame.iloc[:, :3].to_numpy().tolist() == [
        ["a", "road", 20],
        ["a", "school", 0],
        ["b", "road", 10],
        ["b", "school", 11],
    ]
    assert pd.api.types.is_integer_dtype(frame["amount"])
    assert frame.pivot(index="county", columns="task", values="amount").loc["b", "school"] == 11


def test_amounts_that_are_not_whole_are_floats(tmp_path: Path) -> None:
    programme = solution(tmp_path).scenario.programme
    frame = amounts_frame(programme, allocation_of_rows([[Fraction(1, 4), 0], [0, 0]]))
    assert frame["amount"].tolist() == [0.25, 0, 0, 0]


def test_outcomes_stand_beside_the_baseline_and_its_repair(tmp_path: Path) -> None:
    found = solution(tmp_path)
    frame = found.outcomes.set_index("metric")
    assert frame.columns.tolist() == ["unit", "target", "outcome", "baseline", "repaired"]
    # jobs: 0.5 for the first 10 money units of a cell, 0.2 for the next 20.
    assert frame.loc["jobs", "outcome"] == 7 + 5 + 5.2
    assert frame.loc["jobs", "baseline"] == 2
    assert math.isnan(frame["target"].loc["jobs"]) and math.isnan(frame["repaired"].loc["jobs"])
    mended = replace(found, repaired=compared(found.scenario, [[10, 0], [0, 0]]))
    assert mended.outcomes["repaired"].tolist() == [5, 1]


def test_findings_hold_a_row_for_every_limit(tmp_path: Path) -> None:
    frame = solution(tmp_path).findings
    columns = ["rule", "key", "value", "lower", "upper", "slack", "state", "binding"]
    columns.append("near")
    assert frame.columns.tolist() == columns
    caps = frame[frame["rule"] == "cap"].set_index("key")
    first = caps[["value", "upper", "slack"]].to_numpy().tolist()[0]
    assert caps.index[0] == "county=a task=road" and first == [20, 15, -5]
    assert caps["state"].tolist() == ["broken", "kept", "kept", "kept"]
    assert math.isnan(caps["lower"].iloc[0])
    floor = frame[frame["rule"] == "floor"].iloc[0]
    assert (floor["key"], floor["slack"], floor["state"]) == ("", 31, "kept")
    assert frame["binding"].dtype == bool


def test_rules_stand_with_the_source_of_their_numbers(tmp_path: Path) -> None:
    law = {"document": "Act", "article": "3", "seen": True, "states_number": True}
    half = rule(id="half", at_most=25, basis="clause", clause=law, number_from="Act, line 2")
    grounds = {"budget": {"reason": "as voted"}}
    rules = [half, rule(id="off", at_least=1, enabled=False)]
    frame = rules_frame(world(tmp_path, {"budget": 50, "rules": rules, "grounds": grounds}))
    assert frame["rule"].tolist() == ["budget", "half", "off"]
    assert frame["sentence"].tolist()[0] == "All money spent is at most the budget of 50 coins"
    assert frame["clause"].tolist() == ["", "Act 3", ""]
    assert frame["basis"].tolist() == ["assumption", "clause", "assumption"]
    assert frame["number_from"].tolist() == ["", "Act, line 2", ""]
    assert frame["reason"].tolist() == ["as voted", "test", "test"]
    for column in ("seen", "states_number"):
        assert frame[column].tolist() == [False, True, False]
    assert frame["in_force"].tolist() == [True, True, False]
    assert frame["title"].tolist() == ["budget", "Rule", "Rule"]


def test_rules_stand_in_the_language_asked_for(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 50, "rules": [rule(id="half", at_most=25)]})
    assert rules_frame(scenario, "zh")["title"].tolist() == ["规则"]


def test_a_scenario_without_rules_gives_an_empty_frame_with_its_columns(tmp_path: Path) -> None:
    frame = rules_frame(world(tmp_path, {"budget": 50}))
    assert len(frame) == 0 and "number_from" in frame.columns


def test_a_table_becomes_a_frame_with_its_ids_and_types(tmp_path: Path) -> None:
    rows = {"a": {"people": 100, "poor": True}, "b": {"people": 250, "poor": False}}
    programme = world(tmp_path, {"budget": 50}, counties=rows).programme
    frame = table_frame(programme.counties)
    assert frame.to_numpy().tolist() == [["a", 100.0, True], ["b", 250.0, False]]
    assert frame.columns.tolist() == ["county", "people", "poor"]
    assert [str(dtype) for dtype in frame.dtypes[1:]] == ["float64", "bool"]
    assert table_frame(programme.tasks)["task"].tolist() == ["road", "school"]


def test_a_table_has_a_row_a_county_and_a_column_a_task_by_name(tmp_path: Path) -> None:
    counties = {
        "a": {"name_en": "Hill", "name_zh": "山"},
        "b": {"name_en": "Dale", "name_zh": "谷"},
    }
    scenario = world(tmp_path, {"budget": 50}, counties=counties)
    found = by_hand(scenario, [[20, 0], [10, 11]], [[1, 1], [1, 1]])
    assert found.table.loc["Dale", "school"] == 11
    assert found.table.index.tolist() == ["Hill", "Dale"]
    assert (found.table.index.name, found.table.columns.name) == ("county", "task")
    assert found.table.attrs == {"county": ("a", "b"), "task": ("road", "school")}
    assert all(pd.api.types.is_integer_dtype(kind) for kind in found.table.dtypes)
    chinese = amounts_table(scenario.programme, found.allocation, "zh")
    assert chinese.index.tolist() == ["山", "谷"]
    assert found.amounts["county_zh"].tolist() == ["山", "山", "谷", "谷"]


def test_counties_of_one_name_are_told_apart_by_their_codes(tmp_path: Path) -> None:
    counties = {code: {"name": "Springfield"} for code in ("a", "b")} | {"c": {"name": "Dale"}}
    scenario = world(tmp_path, {"budget": 50}, counties=counties)
    rows = [[20, 0], [10, 11], [0, 1]]
    table = by_hand(scenario, rows, rows).table
    assert table.index.tolist() == ["Springfield (a)", "Springfield (b)", "Dale"]


def test_moved_money_stands_by_county_and_task(tmp_path: Path) -> None:
    found = by_hand(world(tmp_path, {"budget": 50}), [[20, 0], [10, 11]], [[5, 4], [10, 1]])
    moved = found.moved
    assert moved[["county", "task", "before", "amount", "added", "taken"]].to_numpy().tolist() == [
        ["a", "road", 5, 20, 15, 0],
        ["a", "school", 4, 0, 0, 4],
        ["b", "school", 1, 11, 10, 0],
    ]
    assert moved.attrs == {"added": 25, "taken": 4, "moved": 25}
    assert found.allocation.moved_from(found.baseline.allocation) == 25


def test_nothing_moved_gives_an_empty_frame_with_its_columns(tmp_path: Path) -> None:
    rows = [[20, 0], [10, 11]]
    moved = by_hand(world(tmp_path, {"budget": 50}), rows, rows).moved
    assert len(moved) == 0 and {"county", "added", "task_en"} <= set(moved.columns)
    assert moved.attrs["moved"] == 0


def test_money_outside_the_grid_counts_among_the_changes_where_it_is_asked_for() -> None:
    one = allocation_of_rows([[5, 0]], [("x", "X", Fraction(3)), ("y", "Y", Fraction(2))])
    other = allocation_of_rows([[1, 4]], [("x", "X", Fraction(1)), ("y", "Y", Fraction(2))])
    assert one.changes_from(other) == {(0, 0): 4, (0, 1): -4}
    assert one.changes_from(other, outside=True) == {(0, 0): 4, (0, 1): -4, "x": 2}
