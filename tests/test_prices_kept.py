"""Prices in a record: kept, read again without a solver, shown on the page and in the workbook."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from models.errors import InputError
from models.record import record_files, write_files
from models.shadow_price import NAME, RulePrice, prices_csv, read_prices
from models.solution import Solution
from optimizer.decision import solve
from optimizer.records import read_solution
from optimizer.sensitivity.prices import prices
from reports.catalogue import Words
from reports.excel import workbook
from tests.books import MANIFEST
from tests.pages import Page, page_of
from tests.worlds import rule, world

RULES = [
    rule(id="fair", title={"zh": "占比", "en": "Fair share"}, measure="amount", per=["county"]),
    rule(id="idle", measure="amount", at_most=1000),
]
METRICS = ("jobs", "firms")
NONE = {"normalise": "none"}


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Solution:
    """40 over two counties with the same tiers; each county takes 25 at the most."""
    rules = [{**RULES[0], "at_most": {"share": "0.625", "of": "budget"}}, RULES[1]]
    tiers = [
        *(["a", "road", 1, 30, "0.5", "0"], ["a", "school", 1, 30, "0.4", "0"]),
        *(["b", "road", 1, 30, "0.2", "0"], ["b", "school", 1, 30, "0.1", "0"]),
    ]
    return solve(world(tmp_path_factory.mktemp("w"), {"budget": 40, "rules": rules}, tiers=tiers))


def test_a_price_worked_by_hand_is_kept_to_the_digit(solved: Solution) -> None:
    """a takes 25 at 0.5, b the other 15 at 0.2: a hundredth of 40 more for a gains 0.4 × 0.3."""
    by_rule = {one.rule: one for one in solved.prices}
    fair = by_rule["fair"]
    assert (fair.field, fair.path) == ("share", "rules.fair.at_most.share")
    assert fair.metrics["jobs"] == pytest.approx(0.4 * 0.3)
    # One more in all: 0.625 of it may go to a, as its cap is a share of the budget.
    assert by_rule["budget"].metrics["jobs"] == pytest.approx(0.625 * 0.5 + 0.375 * 0.2)
    assert by_rule["idle"].points == pytest.approx(0, abs=1e-9)


def same(one: RulePrice, other: RulePrice) -> bool:
    """Whether two prices are equal to the ten figures that a record holds."""
    return prices_csv([one], METRICS) == prices_csv([other], METRICS)


def test_a_record_gives_its_prices_again(solved: Solution, tmp_path: Path) -> None:
    write_files(tmp_path / "r", record_files(solved))
    again, _ = read_solution(tmp_path / "r")
    assert len(again.prices) == len(solved.prices)
    assert all(map(same, again.prices, solved.prices))
    bare = replace(solved, prices=(), certificate=None)
    assert NAME not in record_files(bare) and Words("zh")("page.prices.how") not in page_of(bare)


def test_a_table_that_is_none_of_prices_is_refused() -> None:
    good = prices_csv((), METRICS).decode()
    for bad in ("a,b\n1,2\n", good + "fair,share,x,y,1,1,1,0,0,0,,\n"):
        with pytest.raises(InputError, match="prices"):
            read_prices(bad.encode(), METRICS)


def test_the_page_says_each_price_in_words_and_numbers(solved: Solution) -> None:
    text = page_of(solved, "zh")
    rows = {row.cells[0]: row.cells for row in Page(text).table("prices").rows}
    assert rows["占比"][1] == "62.5%→63.5%"
    assert "“占比”的上限由62.5%提高到63.5%" in text
    assert "Fair share: raising the cap from 62.5% to 63.5%" in page_of(solved, "en")


def test_the_workbook_holds_prices_as_numbers(solved: Solution) -> None:
    file = openpyxl.load_workbook(io.BytesIO(workbook(solved, MANIFEST, Words("zh"))))
    rows = {row[0]: row for row in file["限值变动影响"].iter_rows(min_row=4, values_only=True)}
    assert rows["占比"][3] == pytest.approx(0.12)
    assert rows["预算"][3] == pytest.approx(0.3875)


def test_a_step_beyond_a_corner_is_solved_and_not_drawn_out(tmp_path: Path) -> None:
    """a takes 9.5 at 0.5, all else yields 0.2: half of the step is worth 0.3, half nothing."""
    cap = rule(id="cap", where={"county": "a"}, at_most="9.5")
    plain = {"budget": 30, "rules": [cap], "objective": {"weights": {"jobs": 1}, **NONE}}
    tiers = [
        *(["a", "road", 1, 10, "0.5", "0"], ["a", "road", 2, 90, "0.2", "0"]),
        ["b", "road", 1, 90, "0.2", "0"],
    ]
    scenario = world(tmp_path, plain, tasks={"road": {}}, tiers=tiers)
    (price,) = (one for one in prices(scenario).rules if one.rule == "cap")
    assert (price.points, price.metrics["jobs"]) == pytest.approx((0.5 * 0.3, 0.5 * 0.3))
    assert price.low == price.high == 9.5  # A cell's most moves with it, and its links.
    step = prices(scenario.replace(rules={"cap": {"at_most": "10.5"}})).objective
    assert step - prices(scenario).objective == pytest.approx(price.points)


def test_a_step_after_which_nothing_keeps_the_rules_is_called_so(tmp_path: Path) -> None:
    floor = rule(id="floor", title={"zh": "下限", "en": "Floor"}, per=["county"], at_least=20)
    solved = solve(world(tmp_path, {"budget": 40, "rules": [floor]}))
    price = {one.rule: one for one in solved.prices}["floor"]
    assert not price.kept
    assert "“下限”由20变为21：各约束不能同时满足。" in page_of(solved, "zh")
    assert read_prices(prices_csv([price], METRICS), METRICS)[0].kept is False
