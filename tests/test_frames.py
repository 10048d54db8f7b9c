"""The frames that a notebook gets: tidy, documented columns, no surprise in a type."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pandas as pd

from models.allocation import Allocation
from models.frames import amounts_frame
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
    assert frame.columns.tolist() == ["county", "task", "amount"]
    assert frame.to_numpy().tolist() == [
        ["a", "road", 20],
        ["a", "school", 0],
        ["b", "road", 10],
        ["b", "school", 11],
    ]
    assert pd.api.types.is_integer_dtype(frame["amount"])
    assert frame.pivot(index="county", columns="task", values="amount").loc["b", "school"] == 11


def test_amounts_that_are_not_whole_are_floats(tmp_path: Path) -> None:
    programme = solution(tmp_path).scenario.programme
    frame = amounts_frame(programme, Allocation.of([[Fraction(1, 4), 0], [0, 0]]))
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
    assert frame.columns.tolist() == columns
    caps = frame[frame["rule"] == "cap"].set_index("key")
    first = caps[["value", "upper", "slack"]].to_numpy().tolist()[0]
    assert caps.index[0] == "county=a task=road" and first == [20, 15, -5]
    assert caps["state"].tolist() == ["broken", "kept", "kept", "kept"]
    assert math.isnan(caps["lower"].iloc[0])
    floor = frame[frame["rule"] == "floor"].iloc[0]
    assert (floor["key"], floor["slack"], floor["state"]) == ("", 31, "kept")
    assert frame["binding"].dtype == bool
