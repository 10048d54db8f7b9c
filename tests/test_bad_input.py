"""Bad input: every problem at once, with file and place, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from models import strict_yaml
from models.errors import InputError
from models.scenario import load
from tests.worlds import rule, world, write_csv, write_world, write_yaml

ROOT = Path(__file__).parents[1]
GOOD = {"budget": 50}
CITY = {"code": "city", "name": "City", "amount": 1}


def problems_of(folder: Path, scenario: dict[str, Any], **parts: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        world(folder, scenario, **parts)
    return [str(problem) for problem in caught.value.problems]


def one_problem(folder: Path, scenario: dict[str, Any], **parts: Any) -> str:
    found = problems_of(folder, scenario, **parts)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"bugdet": 5}, "scenario.yaml: bugdet:", "did you mean 'budget'"),
        ({"budget": "much"}, "scenario.yaml: budget:", "a number is due"),
        ({"budget": -5}, "scenario.yaml: budget:", "negative"),
        ({"budget": "nan"}, "scenario.yaml: budget:", "a number is due"),
        ({"budget": ".inf"}, "scenario.yaml: budget:", "a number is due"),
        ({"budget": "10.5"}, "scenario.yaml: budget:", "whole number"),
        ({"budget": 0}, "scenario.yaml: budget:", "above zero"),
        ({"lot": {"column": "x"}}, "scenario.yaml: lot:", "unknown column 'x'"),
        ({"calibration": "c"}, "scenario.yaml: calibration:", "unknown calibration"),
        ({"objective": {"weights": {"job": 1}}}, "objective.weights.job", "mean 'jobs'"),
        ({"objective": {"weights": {"jobs": 0}}}, "objective.weights", "differ from zero"),
        ({"grounds": {"budgets": {"reason": "x"}}}, "grounds.budgets", "mean 'budget'"),
        ({"outside": [CITY, {**CITY}]}, "outside[1].code", "more than once"),
        ({"outside": [{**CITY, "code": "a"}]}, "outside[0].code", "is a county"),
        ({"outside": [{**CITY, "code": " c"}]}, "outside[0].code", "without blanks"),
        ({"rules": {"one": rule(id="two", at_most=5)}}, "rules.one.id", "stands under 'one'"),
        (
            {"overrides": {"less": {"budget": 40}}, "scenarios": {"s": ["les"]}},
            "scenarios.s[0]",
            "mean 'less'",
        ),
        ({"ineligible": [{"where": {"task": "rod"}, "reason": "x"}]}, "task", "mean 'road'"),
    ],
)
def test_a_scenario_problem_names_its_place(
    tmp_path: Path, change: dict[str, Any], place: str, said: str
) -> None:
    message = one_problem(tmp_path, {**GOOD, **change})
    assert place in message
    assert said in message


@pytest.mark.parametrize(
    ("fields", "place", "said"),
    [
        ({"at_most": {"share": "1.2", "of": "amount"}}, "rules[0].at_most", "above 1"),
        ({"at_most": 5, "at_least": 3}, "rules[0]", "one of at_least, at_most, equal"),
        ({"at_most": -3}, "rules[0].at_most", "negative"),
        ({"at_most": "1/0"}, "rules[0].at_most", "divides by zero"),
        ({"at_most": {"column": "peple"}}, "at_most.column", "mean 'people'"),
        ({"at_most": {"column": "people"}}, "at_most.column", "several values"),
        ({"at_most": 5, "measure": "jbos"}, "rules[0].measure", "mean 'jobs'"),
        ({"at_most": 5, "per": "county_code"}, "rules[0].per", "unknown column"),
        ({"at_most": 5, "where": {"county": "c"}}, "where.county", "unknown county 'c'"),
        ({"at_most": 5, "where": {"task": "schol"}}, "where.task", "mean 'school'"),
        ({"at_most": 5, "where": {"people": {"min": 900}}}, "where", "selects no cell"),
        ({"at_most": 5, "where": {"people": {"min": 9, "max": 1}}}, "where.people", "above max"),
        ({"at_most": 5, "per_head": "empty"}, "per_head", "zero empty"),
        ({"at_most": 5, "per_head": "road"}, "per_head", "unknown column"),
        ({"at_most": 5, "if_funded": True}, "rules[0]", "if_funded goes with at_least"),
        ({"equal": 5, "measure": "jobs"}, "rules[0]", "needs within"),
        ({"at_most": 5, "soft": {"price": -1}}, "soft.price", "negative"),
        ({"at_most": 5, "enabled": "yes"}, "rules[0].enabled", "true or false"),
        ({"at_most": 5, "id": "budget"}, "rules[0].id", "reserved"),
        ({"at_most": 5, "basis": "law"}, "rules[0].basis", "assumption"),
        ({"at_most": 5, "basis": "clause"}, "rules[0]", "needs a clause"),
        ({"at_most": 5, "reason": ""}, "rules[0]", "needs a reason"),
        ({"at_most": {"share": {"column": "people"}, "of": "amount"}, "per": ["county"]},
         "at_most.share", "holds a share of"),
    ],
)  # fmt: skip
def test_a_rule_problem_names_its_place(
    tmp_path: Path, fields: dict[str, Any], place: str, said: str
) -> None:
    counties = {"a": {"people": 100, "empty": 0}, "b": {"people": 300, "empty": 0}}
    found = problems_of(tmp_path, {**GOOD, "rules": [rule(**fields)]}, counties=counties)
    assert any(place in message and said in message for message in found), found


def test_all_problems_of_scenario_and_programme_come_at_once(tmp_path: Path) -> None:
    counties = {"a": {"people": 100}, "b": {"people": 300}}
    path = write_world(tmp_path, {"budget": -1, "rules": [rule(at_most="x")]}, counties=counties)
    write_csv(tmp_path / "world" / "counties.csv", ["code", "people"], [["a", "many"], ["a", 3]])
    with pytest.raises(InputError) as caught:
        load(path)
    text = str(caught.value)
    for part in ("budget: -1", "rules[0].at_most", "line 2: people", "the code a stands here"):
        assert part in text


def test_duplicate_yaml_keys_are_refused_with_their_lines(tmp_path: Path) -> None:
    path = write_world(tmp_path, GOOD)
    path.write_text(path.read_text() + "budget: 60\ntitle: Again\n")
    with pytest.raises(InputError) as caught:
        load(path)
    assert len(caught.value.problems) == 2
    assert "'budget' stands here twice" in str(caught.value)


def test_yaml_words_are_not_taken_for_booleans_or_octal_numbers(tmp_path: Path) -> None:
    counties = {"no": {"people": 1}, "012": {"people": 2}}
    where = {"county": ["no", "012"]}
    scenario = world(tmp_path, {**GOOD, "rules": [rule(at_most=5, where=where)]}, counties=counties)
    assert scenario.programme.counties.ids == ("no", "012")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["z", "road", 1, 5, "0.1", "0.1"], "unknown county 'z'"),
        (["a", "raod", 1, 5, "0.1", "0.1"], "did you mean 'road'"),
        (["a", "road", 1, 0, "0.1", "0.1"], "width: a whole number from 1 is due"),
        (["a", "road", 1, 5, "0.1", "x"], "line 2: firms: a number is due"),
        (["a", "road", 2, 5, "0.1", "0.1"], "without a gap"),
    ],
)
def test_a_bad_tier_is_refused(tmp_path: Path, row: list[Any], said: str) -> None:
    assert said in one_problem(tmp_path, GOOD, tiers=[row])


def test_a_lock_that_breaks_a_cap_is_refused(tmp_path: Path) -> None:
    locks = [{"county": "a", "task": "road", "amount": 30}]
    rules = [rule(at_most=20, per="county", id="cap")]
    message = one_problem(tmp_path, {**GOOD, "locks": locks, "rules": rules})
    assert "30 are locked in a, above the cap 20 of the rule 'cap'" in message


def test_locks_above_the_budget_are_refused(tmp_path: Path) -> None:
    locks = [{"county": "a", "task": "road", "amount": 51}]
    assert "1 above the budget" in one_problem(tmp_path, {**GOOD, "locks": locks})


def test_a_column_in_both_tables_is_refused(tmp_path: Path) -> None:
    tasks = {"road": {"people": 1}, "school": {"people": 2}}
    assert "stands in tasks.yaml too" in one_problem(tmp_path, GOOD, tasks=tasks)


def test_an_extends_loop_is_refused(tmp_path: Path) -> None:
    path = write_world(tmp_path, {**GOOD, "extends": "other.yaml"})
    write_yaml(tmp_path / "other.yaml", {"extends": "scenario.yaml"})
    with pytest.raises(InputError, match="goes round in a loop: scenario.yaml → other.yaml"):
        load(path)


@pytest.mark.parametrize("key", ["extends", "programme", "last_year"])
def test_a_path_outside_the_scenarios_folder_is_refused(tmp_path: Path, key: str) -> None:
    inner = tmp_path / "inner"
    path = write_world(inner, {**GOOD, key: "../elsewhere.yaml"})
    with pytest.raises(InputError, match="leads outside"):
        load(path)


def test_gbk_and_bom_tables_are_read(tmp_path: Path) -> None:
    path = write_world(tmp_path, GOOD)
    table = tmp_path / "world" / "counties.csv"
    for encoding in ("gbk", "utf-8-sig"):
        table.write_bytes("code,name_zh,people\na,昭觉县,5\nb,喜德县,6\n".encode(encoding))
        assert load(path).programme.counties.names("zh") == ("昭觉县", "喜德县")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write_world(tmp_path, GOOD)
    with (tmp_path / "world" / "tiers.csv").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match="too large"):
        load(path)


@pytest.mark.slow
def test_a_yaml_bomb_is_refused(tmp_path: Path) -> None:
    path = write_world(tmp_path, GOOD)
    doubled = "".join(f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 30))
    path.write_text(f"b0: &b0 [x, x]\n{doubled}")
    with pytest.raises(InputError, match="its aliases .* write out to too much"):
        load(path)
    long = f"t: &t {'x' * 10_000}\nu: [{', '.join(['*t'] * 500)}]\n"
    path.write_text(long)
    with pytest.raises(InputError, match="its aliases .* write out to too much"):
        load(path)
    path.write_text("a: 1\nb: &b\n  c: [*b]\n")
    with pytest.raises(InputError, match=r"line 3: \*b stands inside what it names"):
        load(path)
    path.write_text("[" * 5000 + "]" * 5000)
    with pytest.raises(InputError, match="deeper"):
        load(path)


def test_anchors_and_aliases_are_read_as_written_out(tmp_path: Path) -> None:
    path = write_world(tmp_path, GOOD)
    text = """
title: &name {zh: 题, en: Title}
programme: world
budget: &money 50
objective: {weights: {jobs: 1}, normalise: none}
rules:
  - &cap {id: cap, title: *name, basis: assumption, reason: test, measure: amount, at_most: *money}
  - {<<: *cap, id: road-cap, where: {task: road}, at_most: 30}
  - {at_most: 20, <<: [{where: {task: school}}, *cap], id: school-cap}
"""
    path.write_text(text, encoding="utf-8")
    rules = {rule.id: rule for rule in load(path).rules}
    assert [rule.bound[0].number for rule in rules.values()] == [50, 30, 20]
    assert rules["school-cap"].title.zh == "题"
    assert list(rules["school-cap"].where) == ["task"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: *b", "line 1: nothing before is named &b"),
        ("a: 1\nb: !!python/object:os.system x", "line 2: the tag .* is not read"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins; one is read"),
        ("a: [1, 2", "is not readable as YAML"),
        ("? [a]\n: b", "line 1: a key must be a name"),
        ("", "a scenario file is a mapping of keys"),
    ],
)
def test_yaml_that_is_no_plain_document_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = write_world(tmp_path, GOOD)
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        load(path)


def test_yaml_is_read_alike_without_the_parser_in_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_world(tmp_path, {**GOOD, "rules": [rule(id="a", at_most="012", reason="no")]})
    path.write_text(path.read_text() + "overrides: &x\n  a: ''\n  b:\n  c: ~\n  d: |\n    two\n")
    fast = strict_yaml.read_yaml(path)
    assert fast["overrides"] == {"a": "", "b": None, "c": None, "d": "two\n"}
    assert (fast["rules"][0]["at_most"], fast["rules"][0]["reason"]) == ("012", "no")
    monkeypatch.setattr(strict_yaml, "_PARSER", yaml.SafeLoader)
    assert strict_yaml.read_yaml(path) == fast


def test_what_is_laid_under_a_mapping_is_a_mapping(tmp_path: Path) -> None:
    path = write_world(tmp_path, GOOD)
    path.write_text("title: {<<: [x], zh: a, en: b}\n")
    with pytest.raises(InputError, match="line 1: a mapping, or a list of mappings, is due"):
        load(path)


def test_a_misspelled_key_hides_no_other_problem(tmp_path: Path) -> None:
    rules = [
        rule(id="one", at_mots=5, where={"zone": "north"}),
        rule(id="two", at_most=5, where={"zone": "north"}, zzz=3),
    ]
    assert problems_of(tmp_path, {**GOOD, "rules": rules}) == [
        "scenario.yaml: rules[0].at_mots: unknown key 'at_mots' (did you mean 'at_most'?)",
        "scenario.yaml: rules[1].zzz: unknown key 'zzz'",
        "scenario.yaml: rules[0].where.zone: unknown column 'zone'",
        "scenario.yaml: rules[1].where.zone: unknown column 'zone'",
    ]
    found = problems_of(tmp_path / "b", {**GOOD, "rules": [rule(id="one", zzz=5)]})
    assert "a rule has one of at_least, at_most, equal" in found[1]
    programme = {"moeny": "coins", "money": None}
    found = problems_of(tmp_path / "c", GOOD, programme=programme)
    assert len(found) == 2


@pytest.mark.parametrize("name", ["two\nlines", "bell\a", "x" * 10_000])
def test_a_name_of_several_lines_or_without_end_is_refused(tmp_path: Path, name: str) -> None:
    said = "characters is due" if len(name) > 20 else "a name stands in one line"
    counties = {"a": {"name_zh": name}, "b": {"name_zh": "b"}}
    assert said in one_problem(tmp_path / "1", GOOD, counties=counties)
    assert said in one_problem(tmp_path / "2", GOOD, counties={name: {}, "b": {}})
    money = {"money": {"zh": "元", "en": name}}
    assert said in one_problem(tmp_path / "3", GOOD, programme=money)
    titled = rule(title={"zh": name, "en": "x"}, at_most=5)
    assert said in one_problem(tmp_path / "4", {**GOOD, "rules": [titled]})
    assert said in one_problem(tmp_path / "5", {**GOOD, "outside": [{**CITY, "name": name}]})


def test_a_budget_beyond_what_is_reckoned_with_names_the_way_out(tmp_path: Path) -> None:
    said = one_problem(tmp_path, {"budget": 10**12})
    assert "above 10^12 money units; take a larger unit" in said


def test_a_message_lists_the_first_twenty_problems_and_counts_the_rest(tmp_path: Path) -> None:
    rules = [rule(id=f"r{n}", at_most=1, where={"zone": "x"}) for n in range(50)]
    with pytest.raises(InputError) as caught:
        world(tmp_path, {**GOOD, "rules": rules})
    assert len(caught.value.problems) == 50
    assert str(caught.value).splitlines()[19:] == [
        "scenario.yaml: rules[19].where.zone: unknown column 'zone'",
        "... and 30 more",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["rules.capp.at_most=3"], "did you mean 'cap'"),
        (["rules.cap.at_mots=3"], "did you mean 'at_most'"),
        (["budget"], "PATH=VALUE"),
        (["budget=x"], "a number is due"),
    ],
)
def test_a_bad_set_names_itself(tmp_path: Path, changes: list[str], said: str) -> None:
    path = write_world(tmp_path, {**GOOD, "rules": [rule(id="cap", at_most=5)]})
    with pytest.raises(InputError) as caught:
        load(path, set_=changes)
    assert said in str(caught.value)
    assert changes[0] in str(caught.value)


def test_an_unknown_override_suggests_the_nearest(tmp_path: Path) -> None:
    path = write_world(tmp_path, {**GOOD, "overrides": {"strict": {"budget": 3}}})
    with pytest.raises(InputError, match="did you mean 'strict'"):
        load(path, with_=["stricter"])
    assert load(path, with_=["strict"]).budget == 3
    assert load(f"{path}@strict").budget == 3


def test_what_no_longer_fits_together_is_laid_to_the_last_change(tmp_path: Path) -> None:
    bound = {"share": "0.1", "of": "amount", "where": {"county": "a"}}
    path = write_world(tmp_path, {**GOOD, "rules": [rule(at_least=bound)]})
    with pytest.raises(InputError) as caught:
        load(path, set_=["rules.r.at_least.share=3"])
    assert str(caught.value).startswith("set_ rules.r.at_least.share=3: rules.r.at_least.share: a")
    (tmp_path / "child.yaml").write_text(
        "extends: scenario.yaml\nrules:\n  r: {at_least: {times: 2}}\n"
    )
    with pytest.raises(InputError, match=r"child.yaml: rules.r.at_least.times: 'of: amount' needs"):
        load(tmp_path / "child.yaml")


def test_a_null_takes_away_what_stands_there(tmp_path: Path) -> None:
    where = {"county": "a", "task": "road"}
    path = write_world(tmp_path, {**GOOD, "lot": 2, "rules": [rule(where=where, at_most=5)]})
    changes = ["rules.r.where.task=null", "rules.r.at_most=null", "rules.r.at_least=3", "lot=null"]
    changed = load(path, set_=changes)
    assert list(changed.rules[0].where) == ["county"]
    assert (changed.rules[0].sense, changed.spec.lot) == ("at_least", None)
    with pytest.raises(InputError, match=r"set_ budget=null: budget: is missing"):
        load(path, set_=["budget=null"])
    with pytest.raises(InputError, match=r"where.task: a value"):
        load(write_world(tmp_path / "new", {**GOOD, "rules": [rule(where={"task": None})]}))


def test_another_programme_is_not_put_in_place_of_the_loaded_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"replace\(\): programme: is settled"):
        load(write_world(tmp_path, GOOD)).replace(programme="other")


def test_overrides_change_rules_by_id_and_set_reaches_into_lists(tmp_path: Path) -> None:
    bound = [1, {"share": "0.5", "of": "amount"}]
    path = write_world(tmp_path, {**GOOD, "rules": [rule(id="a.b", at_most=bound)]})
    changed = load(path, set_=["rules.a.b.at_most[1].share=1/3", "rules.a.b.at_most[0]=2"])
    first, second = changed.rules[0].bound
    assert (first.number, second.share and second.share.number) == (2, pytest.approx(1 / 3))


def run_cli(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("county,task,amount\na,road,x\n", "line 2: amount"),
        ("county,task,amount\na,road,-3\n", "negative"),
        ("county,task,amount\na,road,1\na,road,2\n", "stands in line 2 already"),
        ("county,task,amount\nq,road,1\n", "unknown county 'q'"),
        ("county,task,amount\na,raod,1\n", "did you mean 'road'"),
        ("county,task,money\na,road,1\n", "the column 'amount' is missing"),
        ("", "is empty"),
    ],
)
def test_check_refuses_a_bad_table_with_exit_code_2(tmp_path: Path, table: str, said: str) -> None:
    path = write_world(tmp_path, GOOD)
    (tmp_path / "t.csv").write_text(table)
    done = run_cli("check", str(path), str(tmp_path / "t.csv"))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_solve_on_bad_input_writes_nothing(tmp_path: Path) -> None:
    path = write_world(tmp_path, {**GOOD, "budget": "x"})
    done = run_cli("solve", str(path), "-o", str(tmp_path / "record"), "--json")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "record").exists()


@pytest.mark.slow
def test_an_infeasible_scenario_says_which_rule_could_give_way_and_by_how_much(
    tmp_path: Path,
) -> None:
    """Two floors of 30 do not fit into 50; both must fall to 25."""
    rules = [rule(id="floor", at_least=30, per="county"), rule(id="small", at_most=200)]
    path = write_world(tmp_path, {**GOOD, "rules": rules})
    done = run_cli("solve", str(path))
    assert done.returncode == 3
    assert "(floor)" in done.stderr
    assert "from 30 to 25" in done.stderr
    assert "small" not in done.stderr
