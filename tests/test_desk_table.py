"""The table on the desk: edits, holds, every rule read as the audit reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from desk.state.draft import ScenarioDraft
from desk.state.folder import DeskFolder
from desk.state.kept_answer import keep_answer, last_answers
from desk.state.money_table import DeskTable, TableRead
from desk.state.rule_edits import set_number
from models.allocation import allocation_csv, allocation_of_rows
from models.errors import InputError
from optimizer.audit import audit
from optimizer.baselines import baseline
from optimizer.decision import solve
from optimizer.mending import EditedTable
from tests.random_worlds import checked, worlds
from tests.worlds import rule, write_world

COUNTIES = {
    "a": {"name": "甲县", "zone": "north"},
    "b": {"name": "乙县", "zone": "north"},
    "c": {"name": "丙县", "zone": "south"},
}
RULES = [
    rule(id="cap", at_most=25, per=["county"]),
    rule(id="north", at_least={"share": "0.5", "of": "amount"}, where={"zone": "north"}),
]


@pytest.fixture
def table(tmp_path: Path) -> DeskTable:
    scenario = {"budget": 60, "lot": 2, "rules": RULES}
    write_world(tmp_path, scenario, COUNTIES)
    labels = "subtotal: zone\n"
    (tmp_path / "world" / "labels.yaml").write_text(labels, "utf-8")
    return DeskTable(DeskFolder(tmp_path).new("scenario.yaml", "mine"))


def again(table: DeskTable) -> DeskTable:
    """The table as a desk opened anew has it."""
    draft = table.draft
    return DeskTable(ScenarioDraft(draft.path.parent, draft.name))


def rows(table: DeskTable) -> list[list[Any]]:
    return [list(row) for row in table.read().amounts]


def test_an_edit_is_read_at_once_with_the_rules_that_it_breaks_and_their_cells(
    table: DeskTable,
) -> None:
    table.put(allocation_of_rows([[10, 5], [10, 5], [20, 0]]), "file")
    version = table.edit([("甲县", "road", "26"), ("c", "school", "1")])
    read = table.read()
    assert (read.version, read.total) == (version, 67)
    assert read.by_county == (31, 15, 21) and read.by_task == (56, 11)
    assert read.by_group == {"north": (36, 10), "south": (20, 1)}
    found = {(one.finding.rule, one.finding.group): one.cells for one in read.broken}
    assert found == {
        ("budget", ""): ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)),
        ("cap", "county=a"): ((0, 0), (0, 1)),
        ("lot", "county=c task=school"): ((2, 1),),
    }
    table.edit([("a", "road", "0"), ("a", "school", "0"), ("b", "road", "1")])
    assert {one.finding.rule: one.cells for one in table.read().broken}["north"] == (
        *((0, 0), (0, 1), (1, 0), (1, 1)),
    )
    assert rows(again(table)) == rows(table)


def test_a_rule_that_is_changed_is_read_on_the_table_at_once(table: DeskTable) -> None:
    table.put(allocation_of_rows([[25, 0], [10, 5], [10, 0]]), "file")
    assert not table.read().broken
    set_number(table.draft, "cap", "at_most", "24")
    ((only, cells),) = ((one.finding.rule, one.cells) for one in table.read().broken)
    assert (only, cells) == ("cap", ((0, 0),))  # The cells that hold money.


def test_a_table_begins_as_the_last_answer_and_shows_what_was_changed_since(
    table: DeskTable,
) -> None:
    scenario = table.draft.scenario
    assert rows(table) == baseline(scenario).amounts.tolist() and table.read().changes == {}
    answer = solve(scenario)
    keep_answer(table.draft, answer, 1)
    assert rows(table) == answer.allocation.amounts.tolist()
    before = int(answer.allocation.amounts[2, 1])
    table.edit([("c", "school", str(before + 3))])
    edited = table.to_mend
    assert isinstance(edited, EditedTable)
    assert edited.table.changes_from(edited.before) == {(2, 1): 3}
    assert again(table).read().changes == {(2, 1): 3}
    assert last_answers(table.draft)[-1].status == "optimal"
    table.draft.undo("table")
    assert rows(table) == answer.allocation.amounts.tolist()
    for version in (2, 3):
        keep_answer(table.draft, answer, version)
    assert [one.version for one in last_answers(table.draft)] == [2, 3]
    (table.draft.path.parent / ".desk" / "mine.yaml.answers.json").write_text("[{", "utf-8")
    assert last_answers(table.draft) == ()


def test_amounts_are_read_as_spreadsheets_copy_them(table: DeskTable) -> None:
    table.put(allocation_of_rows([[1, 2], [3, 4], [5, 6]]), "file")
    table.edit([("b", "road", "1,200"), ("b", "school", "-"), ("c", "road", " 7 coins")])
    table.edit([("c", "school", "８"), ("a", "school", "")])
    assert rows(table) == [[1, 0], [1200, 0], [7, 8]]
    table.draft.undo("table")
    table.draft.undo("table")
    assert rows(table) == [[1, 2], [3, 4], [5, 6]]


def test_texts_that_are_no_amounts_are_told_all_at_once_and_change_nothing(
    table: DeskTable,
) -> None:
    table.put(allocation_of_rows([[1, 2], [3, 4], [5, 6]]), "file")
    version = table.draft.version
    said = "b × school: holds the text 'many'.*\n.*no whole.*\n.*negative.*\n.*the text '1/2'"
    with pytest.raises(InputError, match=said):
        table.edit(
            [
                *(("b", "road", "1"), ("b", "school", "many"), ("c", "road", "2.5")),
                *(("c", "school", "-3"), ("a", "road", "1/2")),
            ]
        )
    assert rows(table) == [[1, 2], [3, 4], [5, 6]] and table.draft.version == version


def test_unknown_places_are_refused_with_the_nearest(table: DeskTable) -> None:
    for place, said in (
        (("丁县", "road"), "unknown county"),
        (("a", "rod"), "did you mean 'road'"),
    ):
        with pytest.raises(InputError, match=said):
            table.edit([(*place, "1")])


def test_cells_are_held_and_let_go(table: DeskTable) -> None:
    table.set_held([("a", "road"), ("c", "school")], True)
    assert again(table).hold == ("a,road", "c,school") and table.read().held == {(0, 0), (2, 1)}
    table.set_held([("a", "road")], False)
    assert table.hold == ("c,school",)


def test_two_windows_edit_one_table_and_only_the_same_cell_is_refused(table: DeskTable) -> None:
    other, seen = again(table), table.edit([("a", "road", "5")])
    other.draft.catch_up()
    table.edit([("b", "road", "7")], seen=seen)
    other.edit([("b", "school", "8")], seen=seen)
    with pytest.raises(InputError, match="another window"):
        other.edit([("c", "road", "1"), ("b", "road", "9")], seen=seen)
    table.draft.catch_up()
    assert rows(table) == rows(other) and rows(table)[1] == [7, 8]


def test_an_edited_file_is_opened_and_one_of_another_fund_is_refused(
    table: DeskTable, tmp_path: Path
) -> None:
    scenario = table.draft.scenario
    amounts = allocation_of_rows([[1, 2], [3, 4], [5, 0]])
    file = tmp_path / "edited.csv"
    file.write_text(allocation_csv(amounts, scenario.programme), "utf-8")
    assert table.open_file(file) == ()
    assert rows(table) == [[1, 2], [3, 4], [5, 0]]
    file.write_text("county,task,amount\n510522,parks,5\n", "utf-8")
    with pytest.raises(InputError, match="unknown county '510522'"):
        table.open_file(file)
    file.write_text("county,task,amount\na,road,0.5\n", "utf-8")
    with pytest.raises(InputError, match="parts of a money unit"):
        table.open_file(file)
    assert rows(table) == [[1, 2], [3, 4], [5, 0]]


EDITS = st.lists(
    st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=1, max_size=4), min_size=1, max_size=4
)


@pytest.mark.slow
def test_what_is_read_after_every_edit_is_what_the_audit_reads(tmp_path: Path) -> None:
    def check(parts: dict[str, Any]) -> str:
        edits, folder = parts.pop("edits"), tmp_path / str(next(number))
        try:
            write_world(folder, **parts)
            table = DeskTable(DeskFolder(folder).new("scenario.yaml", "mine"))
        except InputError:
            return "refused"
        programme = table.draft.scenario.programme
        counties, tasks = programme.counties.ids, programme.tasks.ids
        told = "kept"
        for edit in edits:
            cells = [
                (counties[c % len(counties)], tasks[t % len(tasks)], str(money))
                for c, t, money in edit
            ]
            table.edit(cells)
            read = table.read()
            due = audit(table.draft.scenario, table.allocation)
            assert read.audit == due
            told = "broken" if broken(read) else told
        return told

    number = iter(range(10**6))
    made = st.tuples(worlds(counties=4, tasks=3), EDITS).map(lambda p: {**p[0], "edits": p[1]})
    checked(40, made, check, {"broken": 0.3})


def broken(read: TableRead) -> bool:
    """Whether it breaks a rule; the cells of a lot are those whose money is too little."""
    for one in read.broken:
        assert one.cells or one.finding.rule not in ("budget", "lot")
        if one.finding.rule == "lot":
            ((county, task),) = one.cells
            assert read.amounts[county][task] == one.finding.value
    return bool(read.broken)
