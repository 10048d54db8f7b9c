"""Rules on the desk: lines with numbers as people write them, changes, forms, remedies."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from desk.state.draft import ScenarioDraft
from desk.state.folder import DeskFolder
from desk.state.rule_edits import (
    apply_remedy,
    can_apply,
    describe,
    remove_rule,
    set_number,
    set_weight,
    switch,
)
from desk.state.rule_form import RuleForm, add_rule
from desk.state.rule_lines import DeskRule, rule_lines
from models.errors import InputError
from models.remedies import Change
from models.scenario import load
from optimizer.infeasibility.diagnose import diagnose
from tests.worlds import rule, write_world

SHARE = rule(
    id="north",
    title={"zh": "北片不低于40%", "en": "40% to the north"},
    basis="clause",
    clause={"document": "D", "article": "1", "seen": True, "states_number": True},
    number_from={"zh": "第一条", "en": "Article 1"},
    where={"zone": "north"},
    at_least={"share": "0.4", "of": "amount"},
)
RULES = [
    SHARE,
    rule(id="cap", at_most=25, per=["county"]),
    rule(id="jobs", measure="jobs", at_least=5),
    rule(id="band", per=["county"], at_most={"times": "1.6", "of": "baseline", "per": ["county"]}),
    rule(id="least", at_least=[3, {"share": "0.1", "of": "amount"}], where={"county": "a"}),
    rule(id="tasks", measure="cells", per=["county"], at_most=2),
]
COUNTIES = {
    "a": {"name": "甲县", "zone": "north", "flag": True, "people": 100},
    "b": {"name": "乙县", "zone": "north", "flag": False, "people": 300},
    "c": {"name": "乙县", "zone": "south", "flag": False, "people": 200},
}


@pytest.fixture
def draft(tmp_path: Path) -> ScenarioDraft:
    scenario = {"budget": 60, "lot": 2, "rules": RULES}
    write_world(tmp_path, scenario, COUNTIES)
    return DeskFolder(tmp_path).new("scenario.yaml", "mine")


def lines(draft: ScenarioDraft) -> dict[str, DeskRule]:
    return {one.id: one for one in rule_lines(draft)}


def shown(line: DeskRule) -> list[tuple[Any, ...]]:
    return [(f.path, f.text, f.unit.en, f.low, f.high) for f in line.fields]


def test_each_rule_is_a_line_with_its_numbers_in_the_unit_that_a_person_uses(
    draft: ScenarioDraft,
) -> None:
    known = lines(draft)
    assert list(known)[:4] == ["budget", "lot", "step", "no-idle"]
    assert shown(known["budget"]) == [("budget", "60", "coins", 0, 120)]
    assert shown(known["north"]) == [("at_least.share", "40", "%", 0, 100)]
    assert shown(known["band"]) == [("at_most.times", "1.6", "times", 0, Fraction("3.2"))]
    assert shown(known["least"]) == [
        ("at_least[0]", "3", "coins", 0, 6),
        ("at_least[1].share", "10", "%", 0, 100),
    ]
    assert shown(known["tasks"]) == [("at_most", "2", "", 0, 2)]
    assert shown(known["jobs"])[1] == ("margin", "0", "%", 0, 20)
    north = known["north"]
    assert (north.title.zh, north.mark.zh, north.source.en) == ("北片不低于40%", "", "Article 1")
    assert "40%" in north.sentence.zh and not north.changed and not north.own
    assert known["cap"].mark.zh == "测算假定"


def test_a_number_is_changed_with_its_title_and_no_source_that_speaks_of_another(
    draft: ScenarioDraft,
) -> None:
    set_number(draft, "north", "at_least.share", " 45% ")
    draft.save()
    rule_now = next(one for one in load(draft.path).rules if one.id == "north")
    assert rule_now.bound[0].share is not None and rule_now.bound[0].share.number == Fraction(
        "0.45"
    )
    assert rule_now.title.zh == "北片不低于45%" and rule_now.title.en == "45% to the north"
    assert rule_now.number_from.en.startswith("changed for this run")
    assert rule_now.clause is not None and not rule_now.clause.states_number
    assert lines(draft)["north"].changed
    set_number(draft, "north", "at_least.share", "50", source="meeting")
    assert lines(draft)["north"].source.zh == "meeting"
    set_number(draft, "north", "at_least.share", "40")
    assert "rules" not in draft.content and lines(draft)["north"].source.en == "Article 1"


@pytest.mark.parametrize(
    ("line", "path", "text", "held"),
    [
        ("budget", "budget", "1,200", {"budget": "1200"}),
        ("lot", "lot", "3", {"lot": "3"}),
        ("step", "step", "5", {"step": "5"}),
        ("jobs", "margin", "2", {"rules": {"jobs": {"margin": "0.02"}}}),
        ("tasks", "at_most", "1", None),
        ("least", "at_least[1].share", "20", None),
        ("band", "at_most.times", "180%", None),
    ],
)
def test_every_number_can_be_set_and_taken_back(
    draft: ScenarioDraft, line: str, path: str, text: str, held: Any
) -> None:
    before, value = draft.content, {one.path: one for one in lines(draft)[line].fields}[path].text
    set_number(draft, line, path, text)
    field = {one.path: one for one in lines(draft)[line].fields}[path]
    told = text.replace(",", "")
    assert field.text == ("1.8" if told == "180%" else told)
    if held is not None:
        assert {**draft.content, **held} == draft.content
    draft.undo("rules")
    assert draft.content == before
    draft.redo("rules")
    set_number(draft, line, path, value)
    assert draft.content == before or line == "step"


def test_what_is_no_number_or_no_line_is_refused_with_words(draft: ScenarioDraft) -> None:
    for line, path, text, said in (
        ("north", "at_least.share", "many", "a number is due here, not 'many'"),
        ("north", "at_least.share", "-1", "negative"),
        ("nort", "at_least.share", "40", "unknown rule 'nort'.*north"),
        ("north", "at_least.shore", "40", "has no number 'at_least.shore'.*at_least.share"),
        ("budget", "budget", "0", "above zero"),
    ):
        with pytest.raises(InputError, match=said):
            set_number(draft, line, path, text)
    assert draft.version == 1


def test_a_rule_is_switched_off_and_on_and_one_of_the_desk_taken_out(draft: ScenarioDraft) -> None:
    switch(draft, "cap", False)
    assert not lines(draft)["cap"].enabled
    switch(draft, "cap", True)
    assert "rules" not in draft.content
    switch(draft, "no-idle", True)
    assert draft.scenario.spec.no_idle
    switch(draft, "no-idle", False)
    assert "no_idle" not in draft.content
    with pytest.raises(InputError, match="switch it off"):
        remove_rule(draft, "cap")
    name = add_rule(draft, RuleForm("t", "why", "at_most", "20"))
    switch(draft, name, False)
    assert not lines(draft)[name].enabled
    remove_rule(draft, name)
    assert "rules" not in draft.content


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (
            RuleForm("t", "s", "at_least", "12", counties=("甲县",)),
            "Money to 甲县 is at least 12 coins",
        ),
        (
            RuleForm("t", "s", "at_most", "40%", "share", tasks=("road",), of="budget"),
            "Money for road is at most 40% of the budget",
        ),
        (
            RuleForm("t", "s", "at_least", "80%", "times", of="baseline", per=("county",)),
            "In each county, money is at least 0.8 times the baseline's",
        ),
        (
            RuleForm("t", "s", "at_most", "1", measure="cells", columns={"zone": ("north",)}),
            "The number of funded cells in counties where zone is north is at most 1",
        ),
        (
            RuleForm("t", "s", "at_least", "3", measure="jobs", columns={"flag": ("true",)}),
            'The outcome "Jobs" in flag is at least 3 jobs',
        ),
    ],
)
def test_a_form_makes_a_rule_that_its_sentence_tells(
    draft: ScenarioDraft, form: RuleForm, sentence: str
) -> None:
    name = add_rule(draft, form)
    line = lines(draft)[name]
    assert line.sentence.en == sentence and line.own
    draft.save()
    assert any(one.id == name for one in load(draft.path).rules)


def test_a_form_with_a_name_of_two_counties_or_of_none_is_refused(draft: ScenarioDraft) -> None:
    for form, said in (
        (RuleForm("t", "s", "at_least", "1", counties=("乙县",)), "b|c"),
        (RuleForm("t", "s", "at_least", "1", counties=("丙县",)), "unknown county"),
        (RuleForm("t", "s", "at_least", "1", tasks=("rod",)), "unknown task 'rod'.*road"),
        (RuleForm("t", "s", "at_least", "x"), "a number is due here"),
        (RuleForm("t", "", "at_least", "1"), "basis assumption needs a reason"),
        (RuleForm(" ", "s", "at_least", "1"), "title: a text is due"),
    ):
        with pytest.raises(InputError, match=said):
            add_rule(draft, form)
    assert draft.version == 1


def test_two_desks_that_add_a_rule_at_a_time_add_two(draft: ScenarioDraft) -> None:
    other = ScenarioDraft(draft.path.parent, draft.name)
    names = [add_rule(one, RuleForm("t", "s", "at_most", "20")) for one in (draft, other)]
    assert names == ["desk-1", "desk-2"] and {*names} <= {*lines(other)}


def test_weights_and_what_is_said_of_a_scenario_are_set(draft: ScenarioDraft) -> None:
    set_weight(draft, "firms", "2")
    assert draft.scenario.spec.objective.weights == {"jobs": 1, "firms": 2}
    with pytest.raises(InputError, match="unknown metric"):
        set_weight(draft, "firm", "2")
    describe(draft, title="新", note="why")
    assert (draft.scenario.spec.title.zh, draft.scenario.spec.note.zh) == ("新", "why")
    describe(draft, note="")
    assert "note" not in draft.content
    with pytest.raises(InputError, match="title"):
        describe(draft, title=" ")


def test_a_remedy_of_a_diagnosis_is_applied_and_then_an_allocation_exists(
    draft: ScenarioDraft,
) -> None:
    add_rule(draft, RuleForm("t", "s", "at_least", "40", counties=("a",)))
    found = diagnose(draft.scenario)
    assert found is not None and not found.is_feasible
    change = next(one for one in (*found.alone, *found.combined) if can_apply(one))
    changes = found.combined or (change,)
    apply_remedy(draft, changes)
    again = diagnose(draft.scenario)
    assert again is not None and again.is_feasible


def test_a_share_that_has_to_be_above_one_becomes_a_multiple(draft: ScenarioDraft) -> None:
    over = Change("north", "share", Fraction("0.4"), Fraction("1.2"))
    assert can_apply(over)
    apply_remedy(draft, [over, Change("no-idle", "no-idle", setting="no_idle=false")])
    part = next(one for one in draft.scenario.rules if one.id == "north").bound[0]
    assert part.share is None and part.times is not None and part.times.number == Fraction("1.2")
    with pytest.raises(InputError, match="a table or a list"):
        apply_remedy(draft, [Change("band", "places")])
