"""Programmes, scenarios and allocations made from frames: read by label, named by label."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import allot
from models.allocation import Allocation
from models.errors import InputError
from models.frames import amounts_table, table_frame
from models.programme import Programme
from models.scenario import Scenario, load
from tests.worlds import RATES, rule, world

ROOT = Path(__file__).parents[1]
NAMES = {"name_zh": ["山", "谷"], "name_en": ["Hill Town", "Dale"]}
COUNTIES = pd.DataFrame(
    {"residents": [100, 300], "hilly": [True, False], **NAMES}, index=["hill", "dale"]
)
TASKS = pd.DataFrame({"id": ["road", "school"], "title": ["Roads", "Schools"], "most": [0.5, 0.75]})
TIERS = pd.DataFrame(
    [
        (county, task, tier, width, *(float(RATES[metric][tier - 1]) for metric in RATES))
        for county in COUNTIES.index
        for task in TASKS["id"]
        for tier, width in ((1, 10), (2, 20))
    ],
    columns=["county", "task", "tier", "width", *RATES],
)
RULES = [
    {"id": "cap", "reason": "as voted", "measure": "amount", "per": "task"}
    | {"at_most": {"share": {"column": "most"}, "of": "budget"}},
    {"id": "hills", "reason": "as voted", "measure": "amount", "where": {"hilly": True}}
    | {"at_least": {"share": 0.4, "of": "amount"}},
]


def made(
    counties: Any = COUNTIES, tasks: Any = TASKS, tiers: Any = TIERS, **keys: Any
) -> Programme:
    return Programme.from_frames(
        counties, tasks, tiers, **{"metrics": list(RATES), "money": "coins", **keys}
    )


def scenario(**keys: Any) -> Scenario:
    return Scenario.of(made(), **{"budget": 50, "rules": RULES, **keys})


def refused(call: Any) -> list[str]:
    with pytest.raises(InputError) as error:
        call()
    return str(error.value).splitlines()


def test_the_shipped_programme_is_the_same_from_frames() -> None:
    base = load(ROOT / "scenarios" / "base-2020.yaml").programme
    tiers = pd.read_csv(base.folder / "tiers.csv", dtype={"county": str})
    metrics = [metric.model_dump(mode="json") for metric in base.file.metrics]
    frames = [table_frame(base.counties), table_frame(base.tasks)]
    again = made(*frames, tiers, metrics=metrics)
    for one, other in ((base.counties, again.counties), (base.tasks, again.tasks)):
        assert (one.ids, one.columns) == (other.ids, other.columns)
        kinds = {name: kind for name, kind in other.kinds.items() if kind != "text"}
        assert kinds == {name: kind for name, kind in one.kinds.items() if kind != "text"}
    assert np.array_equal(base.tiers().rate, again.tiers().rate)
    assert np.array_equal(base.tiers().width, again.tiers().width)


def test_a_scenario_from_frames_is_solved_recorded_and_verified(tmp_path: Path) -> None:
    found = allot.solve(scenario())
    assert found.status == "optimal" and found.audit.broken == ()
    assert found.table.loc["Hill Town"].sum() >= 20
    allot.write_record(found, tmp_path / "record")
    told = allot.verify(tmp_path / "record")
    assert [check for check in told.checks if check.differences] == []
    again = allot.read_record(tmp_path / "record")
    assert again.scenario.programme.counties == found.scenario.programme.counties
    assert again.scenario.spec.rules == found.scenario.spec.rules
    assert again.table.equals(found.table)


def test_a_scenario_from_frames_equals_the_one_that_a_folder_holds(tmp_path: Path) -> None:
    rows = {"a": {"people": 100}, "b": {"people": 300}}
    kept = world(tmp_path, {"budget": 50, "rules": [rule(at_most=40)]}, counties=rows)
    tiers = TIERS.assign(county=TIERS["county"].map({"hill": "a", "dale": "b"}))
    programme = made(rows, ["road", "school"], tiers)
    objective = {"weights": {"jobs": 1}, "normalise": "none"}
    mine = Scenario.of(programme, budget=50, rules=[rule(at_most=40)], objective=objective)
    assert mine.programme.counties == kept.programme.counties
    assert (mine.budget, mine.rules, mine.spec.objective) == (50, kept.rules, kept.spec.objective)
    assert np.array_equal(mine.tiers.rate, kept.tiers.rate)
    assert mine.replace(budget=40).budget == 40


@pytest.mark.parametrize(
    "counties",
    [
        COUNTIES,
        COUNTIES.rename_axis("code"),
        COUNTIES.rename_axis("code").reset_index(),
        COUNTIES.rename_axis("county").reset_index(),
        COUNTIES.to_dict("index"),
        {"code": list(COUNTIES.index), **COUNTIES.to_dict("list")},
    ],
)
def test_ids_stand_in_the_index_or_in_a_column_or_as_keys(counties: Any) -> None:
    table = made(counties).counties
    assert table.ids == ("hill", "dale")
    assert table.columns["hilly"] == (True, False) and table.names("en") == ("Hill Town", "Dale")
    assert table.numbers("residents") == (100, 300)


def test_numbers_are_read_as_they_are_printed_and_never_as_their_bits() -> None:
    rate = np.array([0.1, 0.3], dtype=np.float32)
    third = [Fraction(1, 3), Decimal("0.25")]
    table = made(COUNTIES.assign(rate=rate, third=pd.Series(third, COUNTIES.index))).counties
    assert table.numbers("rate") == (Fraction(1, 10), Fraction(3, 10))
    assert table.numbers("third") == (Fraction(1, 3), Fraction(1, 4))


def test_titles_that_are_left_out_are_ids() -> None:
    programme = made(tasks=["road", "school"])
    assert programme.tasks.names() == ("road", "school")
    assert [metric.unit.en for metric in programme.file.metrics] == list(RATES)
    assert scenario().rules[0].title.en == "cap"
    assert made().tasks.names() == ("Roads", "Schools")


def test_a_formula_serves_without_tiers() -> None:
    response = {
        "breakpoints": [0, 1, 2],
        "tasks": {"road": {"sigma": 10, "jobs": 1}, "school": {"sigma": 20, "jobs": 2}},
        "kappa": {"norm": {"jobs": 0.5}},
    }
    programme = made(tiers=None, response=response, metrics=["jobs"])
    assert programme.tiers().width[0].tolist() == [[10, 10], [20, 20]]
    changed = Scenario.of(programme, budget=50, response={"tasks": {"road": {"sigma": 30}}})
    assert changed.tiers.width[0].tolist() == [[30, 30], [20, 20]]


def test_several_frames_of_tiers_are_calibrations() -> None:
    half = TIERS.assign(jobs=TIERS["jobs"] / 2)
    notes = {"low": {"note": "half"}}
    programme = made(tiers={"high": TIERS, "low": half}, calibrations=notes)
    assert Scenario.of(programme, budget=50).tiers.rate[0, 0, 0, 0] == 500_000
    low = Scenario.of(programme, budget=50, calibration="low")
    assert low.tiers.rate[0, 0, 0, 0] == 250_000
    assert low.programme.calibration("low").note.en == "half"


def test_further_files_are_given_as_frames_or_data() -> None:
    money = pd.DataFrame({"county": ["hill"], "task": ["road"], "amount": [7]})
    year = pd.DataFrame({"county": ["hill", "dale"], "amount": [3, 4]})
    files = {"plan.csv": money, "year.csv": year, "labels.yaml": {"residents": "residents"}}
    programme = made(files=files, baseline={"kind": "table", "file": "plan.csv"})
    planned = Scenario.of(programme, budget=50, last_year="year.csv")
    assert planned.last_year is not None and planned.last_year.total == 7
    assert allot.solve(planned).baseline.allocation.spent == 7


def test_a_scenario_without_a_folder_goes_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(scenario())).spec == scenario().spec


def test_what_is_wrong_is_named_by_frame_row_and_column() -> None:
    people = COUNTIES.assign(residents=[100, "many"], hilly=[True, None])
    assert refused(lambda: made(people, TASKS.assign(most=[0.5, None]))) == [
        "counties: row 'dale': residents: a number is due here, not 'many'",
        "counties: row 'dale': hilly: 0 or 1 is due here, not ''",
        "tasks: row 'school': most: the number is missing",
    ]
    wrong = TIERS.assign(width=[10, 20, 0, *[20] * 5], county=["hil", *TIERS["county"][1:]])
    assert refused(lambda: Scenario.of(made(tiers=wrong), budget=50))[:2] == [
        "tiers: row 0: unknown county 'hil' (did you mean 'hill'?)",
        "tiers: row 2: width: a whole number from 1 is due here, not '0'",
    ]
    assert refused(lambda: made(COUNTIES.reset_index(drop=True))) == [
        "counties: columns: the column 'code' is missing"
    ]
    assert refused(lambda: made(metrics=[{"id": "jobs", "unti": "x"}]))[:1] == [
        "Programme.from_frames(): metrics[0].unti: unknown key 'unti' (did you mean 'unit'?)"
    ]
    assert refused(lambda: made(tiers=None)) == [
        "Programme.from_frames(): needs tiers, calibrations or response"
    ]


def test_a_cell_of_several_lines_does_not_shift_the_rows_that_problems_name() -> None:
    wrong = COUNTIES.assign(name_en=["Hill\nTown", "Dale"], residents=[100, None])
    assert refused(lambda: made(wrong)) == [
        "counties: row 'dale': residents: the number is missing",
        "counties: row 'hill': name_en: a name stands in one line;"
        " a line feed or another control character is in it",
    ]


def test_a_solution_from_frames_differs_in_no_input_from_its_record(tmp_path: Path) -> None:
    found = allot.solve(scenario())
    allot.write_record(found, tmp_path / "record")
    pair = allot.compare([found, str(tmp_path / "record")])
    assert pair.inputs.empty and pair.amounts["difference"].abs().sum() == 0


def test_what_is_wrong_with_a_scenario_is_named_by_its_key() -> None:
    bad = [{**RULES[0], "measure": "amont"}, {**RULES[1], "where": {"hily": True}}]
    assert refused(lambda: scenario(rules=bad)) == [
        "scenario: rules[0].measure: unknown measure 'amont' (did you mean 'amount'?)",
        "scenario: rules[1].where.hily: unknown column 'hily' (did you mean 'hilly'?)",
    ]
    assert refused(lambda: Scenario.of(made())) == ["scenario: budget: is missing"]


def test_an_allocation_is_read_by_labels_in_whatever_order() -> None:
    found = allot.solve(scenario())
    programme = found.scenario.programme
    chinese = amounts_table(programme, found.allocation, "zh")
    by_code = found.amounts.pivot(index="county", columns="task", values="amount")
    named = found.amounts.assign(county=found.amounts["county_en"], task=found.amounts["task_en"])
    shuffled = named.sample(frac=1, random_state=1)
    tidy = found.amounts.set_index(["county", "task"])[["amount"]]
    for frame in (found.table, found.table.iloc[::-1, ::-1], chinese, by_code, shuffled, tidy):
        read = Allocation.from_frame(frame, programme)
        assert np.array_equal(read.amounts, found.allocation.amounts)
        assert read.is_whole


def test_cells_left_out_of_a_frame_get_nothing() -> None:
    wide = pd.DataFrame({"Roads": [4, None]}, index=["hill", "dale"])
    assert Allocation.from_frame(wide, made()).amounts.tolist() == [[4, 0], [0, 0]]


def test_money_outside_the_grid_is_kept_apart() -> None:
    frame = pd.DataFrame({"county": ["hill", "x"], "task": ["road", None], "amount": [4, 2.5]})
    read = Allocation.from_frame(frame, made(), outside={"x": "City"})
    assert read.outside == (("x", "City", Fraction(5, 2)),) and read.spent == Fraction(13, 2)


def test_unknown_shared_and_doubled_labels_of_an_allocation_are_refused() -> None:
    programme = made(COUNTIES.assign(name_en=["Dale", "Dale"]))
    wide = pd.DataFrame({"road": [1, 2], "Skools": [3, 4]}, index=["dael", "Dale"])
    assert refused(lambda: Allocation.from_frame(wide, programme)) == [
        "frame: row 'dael': unknown county 'dael' (did you mean 'dale'?)",
        "frame: row 'Dale': 'Dale' may be hill, dale; give the code of the county",
        "frame: column 'Skools': unknown task 'Skools' (did you mean 'Schools'?)",
    ]
    rows = {"county": ["hill"] * 3 + ["dale"], "task": ["road", "Roads", "school", "road"]}
    tidy = pd.DataFrame({**rows, "amount": [1, 2, -3, None]})
    assert refused(lambda: Allocation.from_frame(tidy, programme)) == [
        "frame: row 1: hill × road stands in row 0 already",
        "frame: row 2: amount: -3 is negative; zero or more is due here",
        "frame: row 3: amount: a number is due here, not ''",
    ]
    with pytest.raises(InputError, match="frame: columns: the column 'task' is missing"):
        Allocation.from_frame(tidy.drop(columns="task"), programme)
