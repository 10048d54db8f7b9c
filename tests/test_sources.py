"""Every column and number of the shipped programme has its source, and the data are what they say.

A *place* is what one entry of sources.yaml may cover: a column of a CSV file, a column of a task,
or a number in a YAML file. Titles, clauses, reasons and details are wording, not places.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import InputError
from models.response import Fit, Response, fit_kappa, read_response, tiers_by_formula
from models.tiers import write_tiers

REPO = Path(__file__).resolve().parents[1]
FOLDER = REPO / "scenarios" / "sichuan-2020"
SHARED = REPO.parent / "shared" / "data"
CSV_FILES = sorted(FOLDER.glob("*.csv"))
YAML_FILES = [
    *(FOLDER / f"{name}.yaml" for name in ("programme", "tasks", "response", "labels")),
    REPO / "scenarios" / "base-2020.yaml",
]
WORDING = {"id", "title", "short", "details", "note", "clause", "number_from", "reason"}
"""Keys under which a text that looks like a number (an article, a quarter) is still wording."""
needs_facts = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the collected facts, ../shared/data, are not beside the repository"
)
IN_SHARED = {
    "prefecture": "prefecture_zh",
    "hardship_class": "hardship_class_2006",
    "residents": "pop_2020_census",
    "urban_share": "urban_share_2020_census",
    "minority_share": "minority_share_2020_census",
    "share_15_64": "working_age_15_64_share_2020_census",
    "schooling_years": "avg_school_years_2020_census",
    "illiteracy_share": "illiteracy_15plus_share_2020_census",
    "manufacturing_share": "manufacturing_emp_share_2020_census",
    "farming_share": "agri_emp_share_2020_census",
}
"""What a column is called in the collected facts, where the name differs."""

IN_BOTH = {"title", "number_from", "reason"}


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, text) of each scalar; things in a list go by their id, else by position."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            name = inner.get("id") if isinstance(inner, Mapping) else None
            yield from leaves(inner, (*path, name or str(number)))
    else:
        yield path, value


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


def is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def is_place(file: str, path: tuple[str, ...], text: str) -> bool:
    if file == "tasks.yaml" and path[1:2] == ("columns",):
        return True
    return is_number(text) and not WORDING & set(path)


def yaml_places(*, wording: bool = False) -> set[str]:
    return {
        f"{file.name}:{'.'.join(path)}"
        for file in YAML_FILES
        for path, text in leaves(read(file))
        if wording or is_place(file.name, path, text)
    }


def csv_places() -> set[str]:
    return {f"{file.name}:{name}" for file in CSV_FILES for name in table(file)[0]}


SOURCES: list[dict[str, Any]] = read(FOLDER / "sources.yaml")
PLACES = csv_places() | yaml_places()
COUNTIES = table(FOLDER / "counties.csv")


def uncovered(entries: list[dict[str, Any]]) -> set[str]:
    patterns = [pattern for entry in entries for pattern in entry["covers"]]
    return {place for place in PLACES if not any(fnmatchcase(place, p) for p in patterns)}


def test_the_enumeration_sees_columns_and_numbers_and_leaves_wording_out() -> None:
    for place in (
        "counties.csv:residents",
        "tiers.csv:width",
        "tasks.yaml:parks.columns.fund",
        "programme.yaml:baseline.factors.2.cost.step",
        "response.yaml:tasks.training.sigma",
        "response.yaml:kappa.plan-norm.jobs",
        "base-2020.yaml:budget",
        "base-2020.yaml:rules.deep-poverty-share.at_least.share",
        "base-2020.yaml:overrides.strict-tilt.rules.deep-poverty-floor.at_least",
    ):
        assert place in PLACES
    assert not [place for place in PLACES if "details" in place or "clause" in place]


def test_every_column_and_every_number_has_a_source() -> None:
    assert uncovered(SOURCES) == set()


@pytest.mark.parametrize("entry", SOURCES, ids=[entry["id"] for entry in SOURCES])
def test_taking_an_entry_out_leaves_something_without_a_source(entry: dict[str, Any]) -> None:
    assert uncovered([other for other in SOURCES if other is not entry])


def test_no_pattern_points_at_something_that_is_gone() -> None:
    known = csv_places() | yaml_places(wording=True)
    patterns = [pattern for entry in SOURCES for pattern in entry["covers"]]
    assert [p for p in patterns if not any(fnmatchcase(place, p) for place in known)] == []


@pytest.mark.parametrize("entry", SOURCES, ids=[entry["id"] for entry in SOURCES])
def test_an_entry_says_what_it_is_and_why(entry: dict[str, Any]) -> None:
    assert entry["kind"] in ("source", "interpretation", "assumption")
    for key in ("title", "licence" if entry["kind"] == "source" else "reason"):
        said = entry[key]
        assert all(text.strip() for text in (said.values() if isinstance(said, dict) else [said]))


def test_the_ids_of_sources_are_unique() -> None:
    assert len({entry["id"] for entry in SOURCES}) == len(SOURCES)


def test_there_are_88_counties_in_code_order_with_every_value() -> None:
    codes = [row["code"] for row in COUNTIES]
    assert len(set(codes)) == 88
    assert codes == sorted(codes)
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert [row["code"] for row in COUNTIES for value in row.values() if not value] == []
    shares = [float(v) for row in COUNTIES for k, v in row.items() if "share" in k]
    assert all(0 < share < 1 for share in shares)


def test_the_areas_count_34_9_32_and_13() -> None:
    areas = [row["area"] for row in COUNTIES]
    counts = {area: areas.count(area) for area in areas}
    assert counts == {"qinba": 34, "wumeng": 9, "tibetan": 32, "yi": 13}


def test_the_45_deep_poverty_counties_are_the_yi_and_the_tibetan_area() -> None:
    deep = {row["code"] for row in COUNTIES if row["deep_poverty"] == "1"}
    assert len(deep) == 45
    assert deep == {row["code"] for row in COUNTIES if row["area"] in ("yi", "tibetan")}


def test_the_seven_unlifted_counties_are_in_the_yi_area() -> None:
    unlifted = [row for row in COUNTIES if row["unlifted_2020"] == "1"]
    assert len(unlifted) == 7
    assert {row["area"] for row in unlifted} == {"yi"}


def test_every_county_has_a_tile_of_its_own() -> None:
    tiles = table(FOLDER / "tiles.csv")
    assert [tile["code"] for tile in tiles] == [row["code"] for row in COUNTIES]
    assert len({(tile["column"], tile["row"]) for tile in tiles}) == 88


@needs_facts
def test_the_counties_are_the_collected_facts_cell_by_cell() -> None:
    facts = {row["code"]: row for row in table(SHARED / "counties.csv")}
    assert len(facts) == len(COUNTIES)
    for row in COUNTIES:
        fact = facts[row["code"]]
        assert row == {name: fact[IN_SHARED.get(name, name)] for name in row}


@needs_facts
def test_the_wording_of_the_tasks_is_the_plans_own() -> None:
    plan = (SHARED / "plan-2020.zh.txt").read_text(encoding="utf-8")
    for task in read(FOLDER / "tasks.yaml"):
        details = task["details"]
        units = "、".join(details["responsible"])
        head = f"（牵头单位：{details['lead']}；责任单位：{units}）"
        steps = "；".join(step["when"] + step["work"] for step in details["schedule"])
        assert f"{task['title']['zh']}{head}" in plan
        assert f"1.主要任务。{details['main_work']}\n" in plan
        assert f"2.进度安排。{steps}。\n" in plan


def test_unread_clauses_are_switched_off_and_claim_no_number() -> None:
    rules = {rule["id"]: rule for rule in read(REPO / "scenarios" / "base-2020.yaml")["rules"]}
    unread = {name for name, rule in rules.items() if rule.get("clause", {}).get("seen") == "false"}
    off = {name for name, rule in rules.items() if rule.get("enabled") == "false"}
    assert unread == {name for name in off if "clause" in rules[name]}
    assert all(rules[name]["clause"]["states_number"] == "false" for name in unread)
    assert all("占位" in rules[name]["reason"]["zh"] for name in unread)
    assert all("placeholder" in rules[name]["reason"]["en"] for name in unread)


def test_the_scenario_says_every_title_and_reason_in_both_languages() -> None:
    said: dict[tuple[str, ...], dict[str, str]] = {}
    for path, text in leaves(read(REPO / "scenarios" / "base-2020.yaml")):
        at = max((i for i, key in enumerate(path) if key in IN_BOTH), default=None)
        if at is not None:
            said.setdefault(path[: at + 1], {})[".".join(path[at + 1 :])] = text
    assert len(said) > 60
    for where, wording in said.items():
        assert set(wording) == {"zh", "en"}, where
        assert is_chinese(wording["zh"]) and not is_chinese(wording["en"]), where


# ---- The formula and the tables that ship ----


def shipped() -> tuple[Response, dict[str, list[Fraction]], list[str]]:
    response = read_response(FOLDER / "response.yaml")
    numbers = [name for name, text in COUNTIES[0].items() if is_number(text) and name != "code"]
    columns = {name: [Fraction(row[name]) for row in COUNTIES] for name in numbers}
    return response, columns, list(response.tasks)


def factor_baseline(counties: dict[str, list[Fraction]]) -> dict[str, list[int]]:
    """The factor method by its words, whole 万元 by one largest-remainder pass over all cells."""
    budget = int(read(REPO / "scenarios" / "base-2020.yaml")["budget"])
    shares = read(FOLDER / "programme.yaml")["baseline"]["tasks"]
    heads = counties["residents"]
    index = [1 + Fraction("0.08") * value for value in counties["hardship_class"]]
    dear = [a * b for a, b in zip(heads, index, strict=True)]
    due = {}
    for c, head in enumerate(heads):
        share = Fraction(5, 10) * head / sum(heads) + Fraction(3, 10) / len(heads)
        share += Fraction(2, 10) * dear[c] / sum(dear)
        for t, task in enumerate(shares):
            due[c, t] = budget * share * Fraction(shares[task])
    whole = {cell: int(value) for cell, value in due.items()}
    by_rest = sorted(due, key=lambda cell: (whole[cell] - due[cell], cell))
    for cell in by_rest[: budget - sum(whole.values())]:
        whole[cell] += 1
    return {task: [whole[c, t] for c in range(len(heads))] for t, task in enumerate(shares)}


CALIBRATIONS = {"plan-norm": "tiers.csv", "record-2018-19": "tiers-record-2018-19.csv"}
METRICS = ["jobs", "firms", "trainees"]


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_the_shipped_tiers_are_what_the_formula_gives(name: str, tmp_path: Path) -> None:
    response, counties, tasks = shipped()
    tiers = tiers_by_formula(response, counties, tasks, METRICS, response.kappa[name])
    codes = [row["code"] for row in COUNTIES]
    write_tiers(tmp_path / "tiers.csv", tiers, (codes, tasks, METRICS))
    assert (tmp_path / "tiers.csv").read_bytes() == (FOLDER / CALIBRATIONS[name]).read_bytes()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CALIBRATIONS)
def test_the_shipped_kappa_is_the_smallest_that_meets_its_fit(name: str, metric: str) -> None:
    response, counties, _ = shipped()
    amounts = factor_baseline(counties)
    fitted = fit_kappa(response, counties, amounts, metric, response.fit[name][metric])
    assert fitted == response.kappa[name][metric]


def test_the_factor_baseline_gives_the_45_counties_28_3_percent() -> None:
    _, counties, _ = shipped()
    by_county = [sum(cells) for cells in zip(*factor_baseline(counties).values(), strict=True)]
    deep = sum(a for a, d in zip(by_county, counties["deep_poverty"], strict=True) if d)
    assert sum(by_county) == 33000
    assert round(deep / 330, 1) == 28.3


def small(**changes: Any) -> Response:
    content = {
        "breakpoints": ["0", "0.5", "1"],
        "tasks": {"roads": {"sigma": "100", "jobs": "2"}},
        "kappa": {"only": {"jobs": "1"}},
    }
    return Response.model_validate(content | changes)


PLACE = {"people": [Fraction(10)]}


def test_a_rate_is_the_slope_of_the_chord_over_its_tier() -> None:
    tiers = tiers_by_formula(small(), PLACE, ["roads"], ["jobs"], {"jobs": Fraction(1)})
    # 2 × 100 × (1 − e^−0.5) / 50 and 2 × 100 × (e^−0.5 − e^−1) / 50, from a table of e^−x
    assert tiers.width.tolist() == [[[50, 50]]]
    assert tiers.rate.tolist() == [[[[1573877, 954605]]]]


def test_breakpoints_round_half_up_and_never_collapse() -> None:
    tiny = small(tasks={"roads": {"sigma": "0.2", "jobs": "1"}})
    half = small(tasks={"roads": {"sigma": "25", "jobs": "1"}})
    for response, widths in ((tiny, [1, 1]), (half, [13, 12])):
        tiers = tiers_by_formula(response, PLACE, ["roads"], ["jobs"], {"jobs": Fraction(1)})
        assert tiers.width.tolist() == [[widths]]


def test_productivity_cost_and_saturation_follow_their_columns() -> None:
    response = small(
        productivity={"jobs": {"skill": "2"}},
        cost={"column": "hard", "step": "0.25"},
        saturation={"columns": ["people"], "power": "1"},
    )
    counties = {
        "skill": [Fraction(1), Fraction(3)],  # means 2, so q is 1/4 and 9/4 before cost
        "hard": [Fraction(0), Fraction(2)],  # costs 1 and 1.5
        "people": [Fraction(10), Fraction(30)],  # s is 50 and 150
    }
    tiers = tiers_by_formula(response, counties, ["roads"], ["jobs"], {"jobs": Fraction(1)})
    assert tiers.width.tolist() == [[[25, 25]], [[75, 75]]]
    # The chord over half of s is always 0.786939 of the first rate: × 2 × 1/4 and × 2 × 9/4 / 1.5
    assert tiers.rate[0, :, 0, 0].tolist() == [393469, 2360816]


def test_the_fit_counts_only_the_chosen_counties_and_rounds_up() -> None:
    counties = {"poor": [Fraction(1), Fraction(0)]}
    amounts = {"roads": [50, 50]}
    everywhere = Fit.model_validate({"total": "100"})
    poor = Fit.model_validate({"total": "100", "where": {"poor": "true"}})
    both = fit_kappa(small(), counties, amounts, "jobs", everywhere)
    one = fit_kappa(small(), counties, amounts, "jobs", poor)
    # The rate must round to 1 (to 2 in one county alone): 0.9999995 / 1.573877361 and so on.
    assert both == Fraction(635373203, 10**9)
    assert one == Fraction(1270746724, 10**9)
    priced = Fit.model_validate({"money_per_unit": "1"})
    assert fit_kappa(small(), counties, amounts, "jobs", priced) == both


def test_a_fit_that_no_kappa_reaches_is_refused() -> None:
    with pytest.raises(InputError, match="no kappa reaches"):
        fit_kappa(small(), PLACE, {"roads": [0]}, "jobs", Fit.model_validate({"total": "1"}))


def test_a_missing_column_is_named_with_the_nearest_one() -> None:
    response = small(saturation={"columns": ["peopel"], "power": "1"})
    with pytest.raises(InputError, match="did you mean 'people'"):
        tiers_by_formula(response, PLACE, ["roads"], ["jobs"], {"jobs": Fraction(1)})


def test_a_patch_changes_one_constant_and_keeps_the_rest() -> None:
    path = FOLDER / "response.yaml"
    patched = read_response(path, {"tasks": {"parks": {"sigma": "300"}}})
    assert patched.tasks["parks"]["sigma"] == 300
    assert patched.tasks["parks"]["jobs"] == Fraction("1.2")
    assert patched.kappa == read_response(path).kappa
