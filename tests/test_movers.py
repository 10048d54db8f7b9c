"""The counties that gain and lose most, and the swaps that say why: by hand, and on the page."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from models.allocation import allocation_of_rows
from models.finding import Audit
from models.metadata import read_labels
from models.objective import objective_of
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.audit.movers import Movers, movers
from optimizer.audit.swaps import SwapJudge
from optimizer.problem import reference_of
from reports.catalogue import Words
from reports.view.mover_table import mover_line
from reports.view.remarks import breaks_which, index_line
from reports.view.rule_view import RuleView
from tests.worlds import rule, world, write_world

THREE = {
    "a": {"people": 100},
    "b": {"people": 300},
    "c": {"people": 200},
}


def three(tmp_path: Path, **scenario: object) -> Scenario:
    """In six cells 0.5 jobs a coin up to 10, then 0.2 up to 30, then nothing."""
    return world(tmp_path, {"budget": 60, **scenario}, counties=THREE)


def found(scenario: Scenario, rows: list[list[int]], before: list[int | None]) -> Movers:
    judge = SwapJudge(scenario, allocation_of_rows(rows), reference_of(scenario).points)
    return movers(judge, [None if one is None else Fraction(one) for one in before])


def test_who_moves_is_listed_most_first_and_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    scenario = three(tmp_path)
    said = found(scenario, [[10, 5], [15, 10], [10, 10]], [20, 5, None])
    assert [(one.county, one.change) for one in said.losers] == [(0, -5)]
    assert [(one.county, one.change) for one in said.winners] == [(1, 20)]


def test_money_comes_back_from_one_that_gained_at_what_it_costs(tmp_path: Path) -> None:
    """a has 15 of 20 before; the five coins back from b's second tier of 0.2 to a's school, at 5
    of the 10 of its first tier, bring 0.3 each: as many as undo the change, and no more."""
    scenario = three(tmp_path)
    said = found(scenario, [[10, 5], [15, 15], [10, 5]], [20, 20, 20])
    swap = said.losers[0].swap
    assert swap is not None and swap.is_kept
    assert (swap.move.source, swap.move.target, swap.move.money) == ((1, 0), (0, 1), 5)
    assert swap.move.metrics["jobs"] == Fraction(3, 2) and swap.points == Fraction(3, 2)
    # And of b: its coins would go to the same cell.
    away = said.winners[0].swap
    assert away is not None and away.move.source is not None
    assert away.move.source[0] == 1 and away.move.target[0] in (0, 2)


def test_a_swap_is_only_as_large_as_the_rules_allow(tmp_path: Path) -> None:
    rules = [rule(id="floor", where={"county": "b"}, at_least=28)]
    scenario = three(tmp_path, rules=rules)
    said = found(scenario, [[10, 5], [15, 15], [10, 5]], [20, 20, 20])
    swap = said.losers[0].swap
    assert swap is not None and swap.is_kept and swap.move.money == 2
    after = allocation_of_rows([[10, 7], [13, 15], [10, 5]])
    assert not audit(scenario, after).broken


def test_the_one_rule_that_forbids_it_is_named(tmp_path: Path) -> None:
    rules = [rule(id="floor", where={"county": "b"}, at_least=30)]
    scenario = three(tmp_path, rules=rules)
    (loser, *_) = found(scenario, [[10, 5], [15, 15], [10, 5]], [20, 20, 15]).losers
    assert loser.swap is not None and loser.swap.breaks == ("floor",)
    view = RuleView(scenario, read_labels(scenario.programme), Words("en"))
    assert mover_line(view, loser) == "1 (coins) back from b would break: Rule"


def test_a_county_without_money_is_opened_with_its_lot(tmp_path: Path) -> None:
    scenario = three(tmp_path, lot=5)
    said = found(scenario, [[0, 0], [25, 15], [10, 10]], [20, 20, 20])
    swap = said.losers[0].swap
    assert swap is not None and swap.is_kept and swap.move.target[0] == 0
    assert swap.move.money >= 5


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("movers")
    (folder / "before.csv").write_text("county,amount\na,30\nb,10\n", encoding="utf-8")
    rules = [rule(id="cap", where={"county": "b"}, at_most=15)]
    parts = {"budget": 60, "rules": rules, "last_year": "before.csv"}
    file = write_world(folder, parts, counties=THREE)
    said = CliRunner().invoke(
        cli.allot, ["solve", str(file), "-o", str(folder / "record"), "--lang", "zh"]
    )
    assert said.exit_code == 0, said.output
    return folder / "record"


def test_the_page_says_who_loses_against_the_baseline_and_last_year(record: Path) -> None:
    page = (record / "report.html").read_text(encoding="utf-8")
    for title in ("比因素法基准增减最多的县", "比上年安排数增减最多的县"):
        assert title in page
    # b is at its cap of 15: the baseline's five coins more would break it.
    assert "就不满足：规则" in page


def test_a_comparison_says_it_of_each_solved_column(record: Path) -> None:
    asked = ["compare", str(record), "baseline:own", "--json"]
    said = json.loads(CliRunner().invoke(cli.allot, asked).stdout)["movers"]
    pairs = [(one["column"], one["against"], one["last_year"]) for one in said]
    name = record.parent.name  # A folder called record is told by where it stands.
    assert pairs == [(name, "baseline:own", False), (name, None, True)]
    changes = [
        {one["county"]: one["now"] - one["before"] for one in (*each["losers"], *each["winners"])}
        for each in said
    ]
    assert changes[0]["b"] == -5 and changes[1]["b"] == 5
    assert "c" not in changes[1]  # The file of last year does not say what it had.


def test_a_comparator_that_breaks_rules_says_which_and_how_many_are_assumed(tmp_path: Path) -> None:
    """Both floors are above the 20 that the baseline gives; one is an assumption, one practice."""
    rules = [
        rule(id="one", title={"zh": "甲底线", "en": "One"}, where={"county": "a"}, at_least=25),
        rule(
            id="two",
            title={"zh": "丙底线", "en": "Two"},
            basis="practice",
            number_from="test",
            where={"county": "c"},
            at_least=22,
        ),
    ]
    scenario = three(tmp_path, rules=rules)
    table = reference_of(scenario).allocation
    view = RuleView(scenario, read_labels(scenario.programme), Words("zh"))
    audited = audit(scenario, table)
    assert audited.broken_rules == ("one", "two")
    said = breaks_which(view, "因素法", audited)
    assert said == "因素法不满足2条约束，其中1条是测算假定：甲底线（假定）、丙底线。"
    assert (
        breaks_which(view, "", audit(scenario, allocation_of_rows([[15, 10], [10, 3], [12, 10]])))
        == ""
    )


def test_the_index_is_defined_in_one_line(tmp_path: Path) -> None:
    scenario = three(tmp_path, objective={"weights": {"jobs": 3, "firms": 1}})
    view = RuleView(scenario, read_labels(scenario.programme), Words("en"))
    assert "by weight (Jobs 75.0%; Firms 25.0%)" in index_line(view)
    plain = three(tmp_path / "plain")
    view = RuleView(plain, read_labels(plain.programme), Words("en"))
    assert index_line(view).startswith("The index adds up each metric times its weight (Jobs 1);")


def test_a_move_is_judged_by_the_limits_it_touches_as_by_reading_all_of_them(
    tmp_path: Path,
) -> None:
    """Limits of either side, shares, heads, those that count, are read if funded, or give way."""
    a, road = {"county": "a"}, {"task": "road"}
    rules = [
        rule(id="floor", per="county", at_least=12),
        rule(id="share", at_most={"share": "1/2", "of": "amount"}, where=road),
        rule(id="heads", per_head="people", where=a, at_least={"times": 1, "of": "amount"}),
        rule(id="most", measure="cells", at_most=5),
        rule(id="if", per=["county", "task"], at_least=4, if_funded=True),
        rule(id="bends", per="task", measure="jobs", at_least=14, soft={"price": "0.5"}),
        rule(id="other", where=a, at_most={"times": 1, "of": "jobs", "where": road}),
    ]
    scenario = three(tmp_path, rules=rules)
    table = allocation_of_rows([[10, 5], [15, 0], [8, 12]])
    points = reference_of(scenario).points
    judge = SwapJudge(scenario, table, points)

    def worth(read: Audit) -> Fraction:
        return objective_of(read, points) - read.penalty

    before = {(one.rule, one.key): one.spare for one in audit(scenario, table).unmet}
    cells = list(itertools.product(range(3), range(2)))
    told = set()
    for source, target in itertools.permutations(cells, 2):
        for money in (1, 5, 8):
            after = table.amounts.copy()
            after[source] -= money
            after[target] += money
            if after[source] < 0:
                continue
            read = audit(scenario, allocation_of_rows(after))
            worse = [
                one.rule for one in read.unmet if one.spare < before.get((one.rule, one.key), 0)
            ]
            judged = judge.judged(judge.move(source, target, Fraction(money)))
            assert judged.breaks == tuple(dict.fromkeys(worse))
            assert judged.points == worth(read) - judge.worth
            told |= set(worse)
    assert told == {one.id for one in scenario.rules} - {"bends"}
