"""Sentences of rules: each form said in both languages, and the wording of a state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.errors import InputError
from models.finding import State
from models.metadata import group_name, read_labels
from models.rule import RESERVED
from models.scenario import Scenario, load
from models.sentences import sentence, sentence_of, state_words
from tests.worlds import rule, world, write_yaml

ROOT = Path(__file__).parent.parent
COUNTIES = {
    "a": {"area": "hill", "poor": True, "people": 100, "due": 3},
    "b": {"area": "hill", "poor": False, "people": 300, "due": 5},
    "c": {"area": "plain", "poor": False, "people": 700, "due": 7},
}
TASKS = {"road": {"top": 1, "fund": "old"}, "school": {"top": 0.5, "fund": "new"}}
LABELS = {
    "columns": {
        "poor": {"zh": "贫困县", "en": "poor counties"},
        "people": {
            "zh": "常住人口",
            "en": "residents",
            "per_head": {"zh": "人均", "en": "per resident"},
        },
        "top": {"zh": "占比上限", "en": "largest share"},
        "area": {"zh": "片区", "en": "area"},
    },
    "values": {"area": {"hill": {"zh": "山区", "en": "the hills"}}},
}


def scenario_with(folder: Path, labels: bool = True, **fields: Any) -> Scenario:
    """A scenario of one rule."""
    rules = [rule(**fields)] if fields else []
    made = world(folder, {"budget": 100, "rules": rules}, counties=COUNTIES, tasks=TASKS)
    if labels:
        write_yaml(folder / "world" / "labels.yaml", LABELS)
    return made


def said(folder: Path, labels: bool = True, **fields: Any) -> tuple[str, str]:
    made = scenario_with(folder, labels, **fields)
    one = made.spec.rules[0]
    return sentence(one, made.programme, "zh"), sentence(one, made.programme, "en")


FORMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a share of all money": (
        {"where": {"poor": "true"}, "at_least": {"share": "0.27", "of": "amount"}},
        "“贫困县”的资金不低于全部安排资金的27%",
        "Money to poor counties is at least 27% of all money spent",
    ),
    "a share of the baseline of the same groups": (
        {"per": ["county"], "at_least": {"share": "0.6", "of": "baseline", "per": ["county"]}},
        "每个县（市、区）的资金不低于因素法基准的60%",
        "In each county, money is at least 60% of the baseline's",
    ),
    "a multiple of the whole baseline of a metric": (
        {"measure": "jobs", "where": {"poor": "true"}, "at_most": {"times": 2, "of": "baseline"}},
        "“贫困县”的Jobs不多于因素法基准全部Jobs的2倍",
        'The outcome "Jobs" in poor counties is at most 2 times the outcome "Jobs" in the baseline',
    ),
    "per head of the baseline of other counties": (
        {
            "per_head": "people",
            "where": {"poor": "true"},
            "at_least": {"times": 1.5, "of": "baseline", "where": {"poor": "false"}},
        },
        "“贫困县”的人均资金不低于因素法基准“非贫困县”的人均资金的1.5倍",
        "Money per resident in poor counties is at least 1.5 times"
        " money per resident in counties other than poor counties in the baseline",
    ),
    "a share that no decimal writes": (
        {"where": {"poor": "true"}, "at_least": {"share": "1/3", "of": "amount"}},
        "“贫困县”的资金不低于全部安排资金的1/3",
        "Money to poor counties is at least 1/3 of all money spent",
    ),
    "a flag that must be off": (
        {"where": {"poor": "false"}, "at_most": 50},
        "“非贫困县”的资金不高于50coins",
        "Money to counties other than poor counties is at most 50 coins",
    ),
    "a number for each county": (
        {"per": ["county"], "at_least": 60},
        "每个县（市、区）的资金不低于60coins",
        "In each county, money is at least 60 coins",
    ),
    "a column for each county": (
        {"per": ["county"], "at_least": {"column": "due"}},
        "每个县（市、区）的资金不低于“due”所列数",
        'In each county, money is at least the figure in "due"',
    ),
    "a multiple of the sum of a column": (
        {"per": ["area"], "at_least": {"column": "due", "sum": "true", "times": 2}},
        "每个“片区”的资金不低于“due”之和的2倍",
        'In each area, money is at least 2 times the sum of "due"',
    ),
    "shares from a column": (
        {"per": ["task"], "at_most": {"share": {"column": "top"}, "of": "budget"}},
        "每项重点工作的资金不高于预算乘以“占比上限”",
        'For each task, money is at most the budget times "largest share"',
    ),
    "per head against the mean": (
        {
            "where": {"area": "hill"},
            "per_head": "people",
            "at_least": {"times": "1.5", "of": "amount"},
        },
        "“山区”的人均资金不低于全部县（市、区）的人均资金的1.5倍",
        "Money per resident in the hills is at least 1.5 times money per resident"
        " over all counties",
    ),
    "per head in numbers": (
        {"per": ["county"], "per_head": "people", "at_most": "0.5"},
        "每个县（市、区）的人均资金不高于0.5coins",
        "In each county, money per resident is at most 0.5 coins",
    ),
    "a count of cells": (
        {"measure": "cells", "per": ["county"], "at_most": 5},
        "每个县（市、区）的安排项数不多于5项",
        "In each county, the number of funded cells is at most 5",
    ),
    "a count of counties": (
        {"measure": "counties", "where": {"task": "road"}, "at_least": 2},
        "“road”的安排县数不少于2个",
        "The number of funded counties for road is at least 2",
    ),
    "an outcome": (
        {"measure": "jobs", "at_least": 6000},
        "Jobs不少于6,000jobs",
        'The outcome "Jobs" is at least 6,000 jobs',
    ),
    "an outcome against another": (
        {"measure": "jobs", "at_least": {"times": 3, "of": "firms", "where": {"poor": "true"}}},
        "Jobs不少于“贫困县”的Firms的3倍",
        'The outcome "Jobs" is at least 3 times the outcome "Firms" in poor counties',
    ),
    "exactly so many": (
        {"measure": "counties", "equal": 3},
        "全部安排县数等于3个",
        "The number of funded counties equals 3",
    ),
    "equal within some room": (
        {"per": ["area"], "equal": {"share": "0.5", "of": "amount"}, "within": 2},
        "每个“片区”的资金等于全部安排资金的50%，允许相差不超过2coins",
        "In each area, money equals 50% of all money spent, give or take at most 2 coins",
    ),
    "parts that add up": (
        {"per": ["county"], "at_most": [10, {"share": "0.2", "of": "budget"}]},
        "每个县（市、区）的资金不高于10coins加预算的20%",
        "In each county, money is at most 10 coins plus 20% of the budget",
    ),
    "a share of the same group": (
        {
            "where": {"task": "school"},
            "per": ["county"],
            "at_most": {"share": "0.4", "of": "amount", "per": ["county"]},
        },
        "每个县（市、区）在“school”上的资金不高于同一县（市、区）的资金的40%",
        "In each county, money for school is at most 40% of money of the same county",
    ),
    "only where funded": (
        {"per": ["county", "task"], "if_funded": "true", "at_least": 30},
        "每个县（市、区）在每项重点工作上的资金不低于30coins（没有资金的除外）",
        "In each county and for each task, money is at least 30 coins"
        " (groups without money are left out)",
    ),
    "a rule that may give way": (
        {"soft": {"price": "0.5"}, "at_most": 80},
        "全部安排资金不高于80coins（可放宽，每差1个单位扣综合指数0.5）",
        "All money spent is at most 80 coins (may give way, at 0.5 of the objective for each unit)",
    ),
    "a range of a column": (
        {"where": {"people": {"min": 200, "max": 1000}}, "at_most": 80},
        "“常住人口在200至1,000之间”的资金不高于80coins",
        "Money to counties where residents is from 200 to 1,000 is at most 80 coins",
    ),
    "a list of places and a task": (
        {"where": {"county": ["a", "c"], "task": "road"}, "at_most": 80},
        "“a、c”在“road”上的资金不高于80coins",
        "Money to a and c, for road is at most 80 coins",
    ),
    "two conditions on places": (
        {"where": {"area": "hill", "poor": "true"}, "at_most": 80},
        "“山区”且“贫困县”的资金不高于80coins",
        "Money to the hills, limited to poor counties is at most 80 coins",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_rule_has_its_sentence_in_both_languages(tmp_path: Path, form: str) -> None:
    fields, zh, en = FORMS[form]
    assert said(tmp_path, **fields) == (zh, en)


def test_without_labels_a_column_goes_by_its_own_name(tmp_path: Path) -> None:
    zh, en = said(
        tmp_path,
        labels=False,
        where={"area": ["hill", "plain"]},
        per_head="people",
        at_least={"times": "0.5", "of": "amount"},
    )
    assert zh == (
        "“area为hill、plain”的按“people”平均的资金不低于全部县（市、区）的按“people”平均的资金的0.5倍"
    )
    assert en == (
        'Money per unit of "people" in counties where area is hill and plain is at least 0.5 times'
        ' money per unit of "people" over all counties'
    )


def test_a_long_list_of_places_is_cut_and_counted(tmp_path: Path) -> None:
    many = {f"c{n}": {"people": n + 1} for n in range(9)}
    where = {"county": [f"c{n}" for n in range(8)]}
    made = world(tmp_path, {"budget": 100, "rules": [rule(where=where, at_most=5)]}, counties=many)
    zh, en = (sentence(made.spec.rules[0], made.programme, lang) for lang in ("zh", "en"))
    assert zh == "“c0、c1、c2、c3、c4等8个”的资金不高于5coins"
    assert en == "Money to c0, c1, c2, c3, c4 and 3 more is at most 5 coins"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_rule_and_reserved_id_of_the_shipped_scenario_has_a_sentence(lang: str) -> None:
    shipped = load(ROOT / "scenarios" / "base-2020.yaml")
    names = [*(one.id for one in shipped.spec.rules), *RESERVED]
    sentences = [sentence_of(name, shipped, lang) for name in names]
    assert all(sentences)
    assert len(set(sentences)) == len(sentences)
    ids = [column for column in shipped.programme.counties.columns if "_" in column]
    assert not [s for s in sentences if any(column in s for column in ids)]


def test_the_budget_and_the_lot_say_their_numbers(tmp_path: Path) -> None:
    made = world(tmp_path, {"budget": 1200, "lot": 20})
    assert sentence_of("budget", made, "zh") == "全部安排资金不高于预算1,200coins"
    assert sentence_of("lot", made, "en") == "A funded cell gets at least 20 coins"
    assert sentence_of("no-such-rule", made, "en") == ""


def test_a_money_unit_that_begins_with_a_number_stands_in_brackets(tmp_path: Path) -> None:
    made = world(
        tmp_path,
        {"budget": 100, "rules": [rule(at_most=50)]},
        programme={"money": {"zh": "万元", "en": "10k yuan"}},
    )
    said_en = sentence(made.spec.rules[0], made.programme, "en")
    assert said_en == "All money spent is at most 50 (10k yuan)"


CLAUSE = {"document": "Plan", "article": "2"}
SEEN = {**CLAUSE, "seen": "true"}
STATES: dict[str, tuple[dict[str, Any], State | None, str, str]] = {
    "the clause states the number": (
        {"basis": "clause", "clause": {**SEEN, "states_number": "true"}},
        "kept",
        "符合",
        "complies",
    ),
    "and it is broken": (
        {"basis": "clause", "clause": {**SEEN, "states_number": "true"}},
        "broken",
        "不符合",
        "breaches",
    ),
    "the clause states no number": (
        {"basis": "practice", "clause": SEEN},
        "broken",
        "条款未定量，按假定值测算：不满足",
        "clause states no number, tested at an assumed value: not met",
    ),
    "nobody read the clause": (
        {"basis": "clause", "clause": {**CLAUSE, "states_number": "true"}},
        "kept",
        "未核到原文，按假定值测算：满足",
        "clause not read, tested at an assumed value: met",
    ),
    "an assumption": ({}, "kept", "测算假定：满足", "assumption: met"),
    "actual practice": (
        {"basis": "practice"},
        "broken",
        "参照实际做法：不满足",
        "by actual practice: not met",
    ),
    "a soft rule that gives way": (
        {"soft": {"price": 1}},
        "bent",
        "测算假定：放宽",
        "assumption: gives way",
    ),
    "switched off": ({"enabled": "false"}, "kept", "停用", "switched off"),
    "switched off and not read": (
        {"enabled": "false", "basis": "clause", "clause": CLAUSE},
        None,
        "停用（未核到原文）",
        "switched off (clause not read)",
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_a_state_is_worded_by_what_the_rule_rests_on(tmp_path: Path, case: str) -> None:
    fields, state, zh, en = STATES[case]
    one = scenario_with(tmp_path, at_most=50, **fields).spec.rules[0]
    assert state_words(one, state, "zh") == zh
    assert state_words(one, state, "en") == en


def test_a_limit_of_the_scenario_itself_is_met_or_not_met() -> None:
    assert state_words(None, "kept", "zh") == "满足"
    assert state_words(None, "broken", "en") == "not met"


def test_a_group_goes_by_the_names_of_its_parts(tmp_path: Path) -> None:
    made = scenario_with(tmp_path)
    labels = read_labels(made.programme)
    key = (("area", "hill"), ("task", "road"), ("poor", "false"))
    assert (
        group_name(made.programme, labels, key, "en")
        == "the hills · road · other than poor counties"
    )


def test_every_unknown_column_of_the_labels_is_named(tmp_path: Path) -> None:
    made = scenario_with(tmp_path)
    wrong = {
        "columns": {"pooor": "x"},
        "values": {"arae": {}},
        "group_by": "top",
        "highlight": [{"title": "t", "where": {"nothing": "1"}}],
    }
    write_yaml(tmp_path / "world" / "labels.yaml", wrong)
    with pytest.raises(InputError) as caught:
        read_labels(made.programme)
    assert [str(problem) for problem in caught.value.problems] == [
        "labels.yaml: columns: unknown column 'pooor' (did you mean 'poor'?)",
        "labels.yaml: values: unknown column 'arae' (did you mean 'area'?)",
        "labels.yaml: group_by: unknown column 'top'",
        "labels.yaml: highlight[0].where: unknown column 'nothing'",
    ]


@pytest.mark.parametrize("where", [{"area": "sea"}, {"people": "many"}])
def test_a_highlight_that_selects_nothing_is_refused(tmp_path: Path, where: dict[str, str]) -> None:
    made = scenario_with(tmp_path)
    content = {"highlight": [{"title": "t", "where": where}]}
    write_yaml(tmp_path / "world" / "labels.yaml", content)
    with pytest.raises(InputError, match="selects no cell at all"):
        read_labels(made.programme)
