"""A clause that an officer has read, or says does not apply: never as if it were seen by us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from desk.state.folder import DeskFolder
from desk.state.rule_edits import confirm_clause, set_number, switch, withdraw_confirmation
from models.allocation import allocation_of_rows
from models.errors import InputError
from models.rule import Confirmation
from models.scenario import load
from models.sentences import state_words
from optimizer.mending import solution_of_table
from reports.view.allocation_view import unread_rules
from reports.view.page_model import page_model
from reports.word.annex_rows import review_rows, unread_rows
from reports.word.paper_fields import draft_reasons
from tests.worlds import rule, world, write_world

CLAUSE = {"document": "办法（川财建〔2019〕296号）", "article": "第三条", "seen": False}
READ = {"by": "王某", "on": "2020-03-01", "text": "不低于百分之四十", "number": "40%"}
SET_ASIDE = {"by": "王某", "on": "2020-03-02", "applies": False, "reason": "针对项目"}


def share(**fields: Any) -> dict[str, Any]:
    bound = {"share": "0.4", "of": "amount"}
    made = rule(id="share", basis="clause", clause=CLAUSE, where={"county": "a"}, at_least=bound)
    return {**made, **fields}


@pytest.mark.parametrize(
    ("confirmed", "kept"),
    [
        (None, "未核到原文，按假定值测算：满足"),
        (READ, "经办人核对原文：符合"),
        ({**READ, "number": "0.5"}, "经办人核对原文，条款未定量，按假定值测算：满足"),
    ],
)
def test_a_verdict_says_who_read_the_clause_and_whether_the_number_stands_there(
    tmp_path: Path, confirmed: Any, kept: str
) -> None:
    fields = {} if confirmed is None else {"confirmed": confirmed}
    (only,) = world(tmp_path, {"budget": 20, "rules": [share(**fields)]}).rules
    assert state_words(only, "kept", "zh") == kept
    assert only.is_unread == (confirmed is None) and only.clause is not None
    assert not only.clause.seen


def test_a_clause_that_does_not_apply_is_told_of_a_rule_that_is_off(tmp_path: Path) -> None:
    off = share(confirmed=SET_ASIDE, enabled=False)
    (only,) = world(tmp_path, {"budget": 20, "rules": [off]}).spec.rules
    assert state_words(only, None, "zh") == "停用（经办人认定不适用）"
    assert state_words(only, None, "en") == "switched off (does not apply, by the officer's word)"
    assert not only.was_read and not only.is_unread


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"confirmed": SET_ASIDE}, "goes with enabled: false"),
        ({"confirmed": {**READ, "text": " "}}, "what stands in the clause is due"),
        ({"confirmed": {**SET_ASIDE, "reason": ""}, "enabled": False}, "why the clause does not"),
        ({"confirmed": {**READ, "on": "1 March"}}, "'1 March' is no date"),
        ({"confirmed": {**READ, "by": " "}}, "the name of whoever states it"),
        ({"confirmed": READ, "clause": None, "basis": "practice"}, "goes with a clause"),
    ],
)
def test_a_statement_that_lacks_something_is_refused(
    tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        world(tmp_path, {"budget": 20, "rules": [share(**fields)]})


def test_papers_are_no_draft_once_every_clause_is_confirmed_and_list_who_did(
    tmp_path: Path,
) -> None:
    unread = {"zh": "比例条款（未核到原文）", "en": "Ratio clause (not read)"}
    other = share(id="other", title=unread, enabled=False)
    write_world(tmp_path, {"budget": 20, "rules": [share(), other]})
    draft = DeskFolder(tmp_path).new("scenario.yaml", "mine")

    def read() -> tuple[str, list[Any]]:
        model = page_model(solution_of_table(draft.scenario, table), "zh")
        rows = [row for row in review_rows(model) if not row["is_head"]]
        return draft_reasons(0, len(unread_rows(model))), rows

    table = allocation_of_rows([[10, 0], [10, 0]])
    assert read()[0] == "有2条条款未核到原文。" and unread_rules(draft.scenario) == ["share"]
    confirm_clause(draft, "share", Confirmation.model_validate(READ))
    confirm_clause(draft, "other", Confirmation.model_validate(SET_ASIDE))
    titles = [one.title.zh for one in draft.scenario.spec.rules]
    assert titles == ["规则", "比例条款"] and not draft.scenario.rules[0].reason.zh
    draft.save()
    assert load(draft.path).document.content() == draft.scenario.document.content()
    said, rows = read()
    assert said == "" and unread_rules(draft.scenario) == []
    clauses = [row["clause"] for row in rows if row["document"] == "办法"]
    assert clauses == [
        "不低于百分之四十（王某于2020年3月1日核对原文）",
        "不适用：针对项目（王某于2020年3月2日认定）",
    ]
    assert [row["verdict"] for row in rows if row["document"] == "办法"] == [
        *("经办人核对原文：符合", "停用（经办人认定不适用）"),
    ]
    set_number(draft, "share", "at_least.share", "30")
    assert [row["verdict"] for row in read()[1] if row["document"] == "办法"][0] == (
        "经办人核对原文，条款未定量，按假定值测算：满足"
    )
    withdraw_confirmation(draft, "share")
    assert unread_rules(draft.scenario) == ["share"]


def test_a_statement_goes_with_a_clause_and_switches_off_what_does_not_apply(
    tmp_path: Path,
) -> None:
    write_world(tmp_path, {"budget": 20, "rules": [share(), rule(id="cap", at_most=9)]})
    draft = DeskFolder(tmp_path).new("scenario.yaml", "mine")
    with pytest.raises(InputError, match="no clause that could be read"):
        confirm_clause(draft, "cap", Confirmation.model_validate(READ))
    confirm_clause(draft, "share", Confirmation.model_validate(SET_ASIDE))
    assert [one.id for one in draft.scenario.rules] == ["cap"]
    with pytest.raises(InputError, match="goes with enabled: false"):
        switch(draft, "share", True)
    draft.undo("rules")
    assert "rules" not in draft.content
