"""What a comparison puts side by side: units, thresholds and limits of unequal weight."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.scenario import load
from optimizer.compare import compare
from optimizer.compare.rows import OutcomeRow
from tests.side_by_side import side_by_side, write_fund
from tests.worlds import rule, write_csv, write_world

TABLE = ("county", "task", "amount")


@pytest.mark.parametrize(
    ("weights", "gap", "marks"),
    [
        # 4.5 jobs are 0.45 points and 0.75 firms are 15; 0.005 × (102.4 + 86.95) are left open.
        ({"jobs": "0.1", "firms": 20}, 0.005, {"jobs": "gap", "firms": ""}),
        # 45 points and 0.75; 0.01 × (245 + 199.25) are left open.
        ({"jobs": 10, "firms": 1}, 0.01, {"jobs": "", "firms": "gap"}),
        # 0.001 × (245 + 199.25) explain neither.
        ({"jobs": 10, "firms": 1}, 0.001, {"jobs": "", "firms": ""}),
    ],
    ids=["dear firms", "dear jobs", "a small gap"],
)
def test_the_gap_explains_a_difference_by_what_it_is_worth(
    tmp_path: Path, weights: dict[str, Any], gap: float, marks: dict[str, str]
) -> None:
    changes = [f"objective.weights.{name}={weight}" for name, weight in weights.items()]
    fund, layers = write_fund(tmp_path), {"set_": changes}
    compared = side_by_side(fund, "most", gap=gap, layers=layers)
    assert compared.marks["scenario@most"] == ""
    rows = {row.metric: row for row in compared.outcome_rows if row.column == "scenario@most"}
    assert (rows["jobs"].difference, rows["firms"].difference) == (Fraction(-9, 2), Fraction(-3, 4))
    assert {name: row.mark for name, row in rows.items()} == marks


def test_the_tightest_limit_is_that_with_the_least_money_left(tmp_path: Path) -> None:
    """A tenth of a coin for each of 100 and of 300 people. With 7 and 24 coins, 0.03 and 0.02 a
    head are left: 3 coins for a and 6 for b. With 11 coins a's limit is broken, by 1."""
    head = rule(id="head", per=["county"], per_head="people", at_most="0.1")
    fund = write_world(tmp_path, {"budget": 60, "rules": [head]})
    write_csv(tmp_path / "kept.csv", TABLE, [["a", "road", 7], ["b", "road", 24]])
    write_csv(tmp_path / "broken.csv", TABLE, [["a", "road", 11], ["b", "road", 30]])
    compared = compare([fund, tmp_path / "kept.csv", tmp_path / "broken.csv"])
    tightest = {row.column: row.tightest for row in compared.rule_rows if row.rule == "head"}
    for column, slack in (("kept.csv", Fraction(3, 100)), ("broken.csv", Fraction(-1, 100))):
        found = tightest[column]
        assert found is not None and (found.key, found.slack) == ((("county", "a"),), slack)


def outcome(unit: str, folder: Path) -> OutcomeRow:
    """Jobs of a programme that counts them in `unit`, beside one that counts persons."""
    metrics = [[{"id": "jobs", "title": "Jobs", "unit": one}] for one in ("persons", unit)]
    files = [
        write_world(folder / name, {"budget": budget}, programme={"metrics": counted})
        for name, budget, counted in zip(("one", "other"), (40, 60), metrics, strict=True)
    ]
    compared = compare([load(file) for file in files])
    (row,) = (row for row in compared.outcome_rows if row.column == compared.columns[1].name)
    return row


def test_numbers_of_different_units_are_not_taken_from_one_another(tmp_path: Path) -> None:
    same, other = outcome("persons", tmp_path / "same"), outcome("days", tmp_path / "other")
    assert [same.value, same.reference, same.difference] == [24, 20, 4]
    assert [other.value, other.reference, other.difference] == [24, None, None]
    assert (other.unit.en, other.by_reference, other.mark) == ("days", None, "")
