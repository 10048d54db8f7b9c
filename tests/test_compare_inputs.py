"""What is compared: inputs by path, several programmes, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.errors import InputError
from models.scenario import load
from optimizer.compare import compare, input_diff
from optimizer.decision import solve
from optimizer.mending import mend, solution_of
from reports.catalogue import Words
from reports.record_writer import write_record
from reports.view.comparison_view import ComparisonView
from tests.pages import base_solution, kept
from tests.side_by_side import COUNTIES, adds_up, side_by_side, write_fund
from tests.worlds import rule, write_csv, write_world


@pytest.fixture
def fund(tmp_path: Path) -> Path:
    return write_fund(tmp_path)


# ---- inputs ----


def test_inputs_that_differ_are_named_by_path_with_both_values(fund: Path) -> None:
    compared = compare(
        [load(fund), load(fund, with_=["half"], set_=["budget=50", "objective.weights.firms=2"])]
    )
    counted = [row for row in compared.input_rows if row.sort != "wording"]
    rows = {row.path: (row.sort, row.reference, row.value) for row in counted}
    assert rows == {
        "budget": ("scenario", "60", "50"),
        "objective.weights.firms": ("scenario", "", "2"),
        "rules.b-floor.at_least": ("rules", "10", "40"),
    }


def test_equal_numbers_in_other_words_do_not_differ(fund: Path) -> None:
    compared = compare([load(fund), load(fund, set_=["budget=6e1"])])
    assert compared.input_rows == []


def test_bounds_of_many_cells_are_one_row(fund: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of few each place, of many their number, and that they are not the same."""
    plain = load(fund)
    task = plain.programme.tasks.ids[0]
    few, other = (
        plain.replace(cells=[{"county": at, "task": task, "at_least": least} for at in "ab"])
        for least in (1, 2)
    )
    assert len(compare([plain, few]).input_rows) == 6
    monkeypatch.setattr(input_diff, "_MOST_LISTED", 1)
    (row,) = compare([plain, few]).input_rows
    assert row.path == "cells" and row.value.startswith("2 (")
    (changed,) = compare([few, other]).input_rows
    assert changed.path == "cells" and changed.value != changed.reference


def test_a_mended_record_goes_by_its_folder_and_is_called_mended(
    fund: Path, tmp_path: Path
) -> None:
    scenario = load(fund)
    found = mend(scenario, solve(scenario).allocation)
    folder = tmp_path / "asked" / "record"
    write_record(solution_of(found), folder)
    compared = compare([fund, folder])
    view = ComparisonView(compared, Words("en"))
    second = compared.columns[1]
    assert second.name == "asked"
    assert view.status(second) == "mended with the least change"


def test_a_rule_that_only_one_has_is_one_row_with_its_bound(fund: Path) -> None:
    other = load(fund).replace(rules=[rule(id="cap", per=["county"], at_most=50)])
    compared = compare([fund, other])
    rows = [row for row in compared.input_rows if row.sort == "rules"]
    found = [(row.path, row.reference, row.value) for row in rows]
    assert found == [("rules.cap", "", "+"), ("rules.cap.at_most", "", "50")]


def test_data_differ_by_county_and_column_and_tiers_by_their_hash(
    fund: Path, tmp_path: Path
) -> None:
    other = write_world(
        tmp_path / "other",
        {"budget": 60},
        counties={**COUNTIES, "b": {**COUNTIES["b"], "people": 400}},
        tiers=[
            [county, task, 1, 30, "0.5", "0.1"]
            for county in COUNTIES
            for task in ("road", "school")
        ],
    )
    compared = compare([fund, other])
    rows = {row.path: row for row in compared.input_rows if row.sort == "data"}
    people = rows["counties.csv: b.people"]
    assert (people.reference, people.value) == ("300", "400")
    tiers = rows["tiers (4 of 4 cells)"]
    assert len(tiers.value) == 16
    assert tiers.value != tiers.reference


def test_the_same_money_is_read_by_the_references_response_too(fund: Path, tmp_path: Path) -> None:
    # In the other fund every coin brings 1 job; by the reference's response 24 at most.
    tiers = [
        [county, task, 1, 30, "1", "0.1"] for county in COUNTIES for task in ("road", "school")
    ]
    other = write_world(tmp_path / "other", {"budget": 60}, counties=COUNTIES, tiers=tiers)
    compared = compare([fund, other])
    column = compared.columns[1]
    assert compared.has_other_response(column)
    row = next(r for r in compared.outcome_rows if r.column == column.name and r.metric == "jobs")
    assert (row.value, row.reference) == (60, 24)
    assert row.by_reference == 24
    assert row.difference_by_reference == 0
    assert column.reads is not None
    assert (column.reads.objective, column.reads.worth) == (60, 24)


# ---- other programmes ----


def test_other_programmes_are_compared_on_what_they_share_and_the_rest_is_named(
    fund: Path, tmp_path: Path
) -> None:
    other = write_world(
        tmp_path / "other",
        {"budget": 40},
        counties={
            "b": {**COUNTIES["b"], "name_en": "Bee"},
            "c": {"name_zh": "丙县", "name_en": "Gamma", "people": 50},
        },
        tasks={"road": {}, "art": {}},
        programme={"metrics": [{"id": "jobs", "title": "Jobs", "unit": "jobs"}]},
    )
    compared = compare([fund, other])
    apart = {row.what: (row.only_here, row.only_in_reference) for row in compared.world.apart}
    assert apart == {
        "counties": (("c",), ("a",)),
        "tasks": (("art",), ("school",)),
        "metrics": ((), ("firms",)),
    }
    assert [county.name.en for county in compared.world.counties] == ["Alpha", "Beta", "Gamma"]
    column = compared.columns[1]
    assert column.reads is not None
    assert column.reads.worth is None
    rows = [row for row in compared.amount_rows if row.column == column.name]
    by_county = {row.place: row for row in rows if row.level == "county"}
    assert list(by_county) == ["a", "b", "c"]
    assert by_county["a"].amount is None
    assert by_county["c"].reference is None
    assert adds_up(compared)
    jobs = {
        row.metric: row.difference for row in compared.outcome_rows if row.column == column.name
    }
    assert jobs["jobs"] is not None
    assert jobs["firms"] is None


def test_money_in_another_unit_is_refused(fund: Path, tmp_path: Path) -> None:
    other = write_world(tmp_path / "other", {"budget": 60}, programme={"money": "shells"})
    with pytest.raises(InputError, match="counts money in shells, the reference scenario in coins"):
        compare([fund, other])


# ---- bad input ----


def test_the_problems_of_all_columns_are_told_at_once(fund: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_csv(tmp_path / "t.csv", ["county", "task", "amount"], [("z", "road", 3)])
    with pytest.raises(InputError) as caught:
        compare(
            [
                fund,
                f"{fund}@mots",
                tmp_path / "none.yaml",
                "baseline:factr",
                tmp_path / "empty",
                tmp_path / "t.csv",
            ]
        )
    text = str(caught.value)
    assert "mots: no scenario or override has this name (did you mean 'most'?)" in text
    assert "none.yaml" in text
    assert "baseline:factr: unknown kind of baseline (did you mean 'factor'?)" in text
    assert f"{tmp_path / 'empty'}: is not a record" in text
    assert "t.csv: line 2: unknown county 'z'" in text


@pytest.mark.slow
def test_a_record_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    good = kept(base_solution(), tmp_path / "good")
    shutil.copytree(good, tmp_path / "later")
    manifest = tmp_path / "later" / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"version": 3', '"version": 9', 1))
    with pytest.raises(InputError) as caught:
        compare([good, tmp_path / "later"])
    said = f"{tmp_path / 'later'}/manifest.json: version: 9 is unknown; up to 3 is read here"
    assert str(caught.value) == said


def test_a_baseline_needs_a_scenario_to_be_read_under() -> None:
    with pytest.raises(InputError, match="no scenario or record is among the columns"):
        compare(["baseline:factor", "baseline:equal"])


def test_one_column_or_an_unknown_reference_is_refused(fund: Path) -> None:
    with pytest.raises(InputError, match="two columns or more"):
        compare([fund])
    with pytest.raises(InputError, match=r"no column has the name 'scenario@mots' \(did you mean"):
        side_by_side(fund, "most", reference="scenario@mots")
    with pytest.raises(InputError, match="there is no column 4; there are 2"):
        side_by_side(fund, "most", reference=3)


@pytest.mark.slow
def test_changes_that_would_change_nothing_are_refused(tmp_path: Path) -> None:
    record = kept(base_solution(), tmp_path / "r")
    with pytest.raises(InputError, match="changes scenario files, and none is among the columns"):
        compare([record, "baseline:factor"], layers={"set_": ["budget=3"]})


def test_changes_are_laid_over_every_scenario_file(fund: Path) -> None:
    compared = compare([fund, f"{fund}@most"], layers={"set_": ["budget=70"]})
    assert [column.scenario.budget for column in compared.columns] == [70, 70]
