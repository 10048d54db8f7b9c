"""The four sentences of a county, what another county has beside it, and more money for one."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import cli
from models.allocation import allocation_of_rows
from models.objective import objective_of
from models.scenario import Scenario, load
from models.solution import Solution
from optimizer.audit import audit
from optimizer.audit.swaps import Move, SwapJudge
from optimizer.decision import solve
from optimizer.problem import reference_of
from optimizer.sensitivity.county_facts import CountyFacts, facts_of
from optimizer.sensitivity.explain import Explanation, explain
from optimizer.sensitivity.more_money import more_money
from optimizer.sensitivity.near_optimal import ranges
from reports.catalogue import Words
from reports.view.four_sentences import CountySentences
from tests.worlds import rule, world, write_world, write_yaml

ROOT = Path(__file__).parent.parent
BASE = ROOT / "scenarios" / "base-2020.yaml"
AREAS = {"yi": "大小凉山彝区", "qinba": "秦巴山区"}
PEOPLE = {"a": {"people": 100, "area": "x"}, "b": {"people": 300, "area": "x"}}


@pytest.fixture(scope="module")
def base() -> Solution:
    return solve(load(BASE), repaired=False, certificate=False)


@pytest.fixture(scope="module")
def counties() -> dict[str, dict[str, str]]:
    """Name → row of the programme's own table."""
    with (ROOT / "scenarios" / "sichuan-2020" / "counties.csv").open(encoding="utf-8") as file:
        return {row["name_zh"]: row for row in csv.DictReader(file)}


def money_of(table: Any, scenario: Scenario) -> dict[str, Fraction]:
    names = scenario.programme.counties.names("zh")
    return {name: Fraction(sum(row)) for name, row in zip(names, table.tolist(), strict=True)}


def percent_of(part: Fraction, whole: Fraction) -> str:
    return f"{float(round(100 * part / whole, 1)):,.1f}%"


def expected(
    name: str, money: Mapping[str, Fraction], factor: Mapping[str, Fraction], rows: Any
) -> list[str]:
    """The first three sentences, from the tables alone."""
    heads = {one: Fraction(row["residents"]) for one, row in rows.items()}
    area = rows[name]["area"]
    per = {one: money[one] / heads[one] for one in rows}
    inside = [one for one in rows if rows[one]["area"] == area]
    place, among = (
        1 + sum(1 for one in listed if per[one] > per[name]) for listed in (list(rows), inside)
    )
    people, share = (
        percent_of(part[name], sum(part.values(), Fraction(0))) for part in (heads, money)
    )
    by = int(money[name] - factor[name])
    change = f"多{by:,}万元，增" if by > 0 else f"少{-by:,}万元，减"
    each = float(round(10000 * per[name], 1))
    return [
        f"{name}：常住人口{int(heads[name]):,}人，占88个县的{people}；"
        f"安排{int(money[name]):,}万元，占资金的{share}。",
        f"每万常住人口{each:,.1f}万元，在88个县中居第{place}位，"
        f"在{AREAS[area]}{len(inside)}个县中居第{among}位。",
        f"比因素法（{int(factor[name]):,}万元）{change}"
        f"{percent_of(Fraction(abs(by)), factor[name])}；无上年数。",
    ]


def said_of(explained: Explanation, lang: str = "zh") -> list[str]:
    return CountySentences(explained.scenario, explained.facts[0], Words(lang)).four(explained.swap)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "under"), [("美姑县", "hold-unlifted"), ("通川区", None)])
def test_the_sentences_of_a_county_are_what_the_tables_say(
    base: Solution, counties: dict[str, dict[str, str]], name: str, under: str | None
) -> None:
    explained = explain(base, name, never=False)
    money = money_of(base.allocation.amounts, base.scenario)
    factor = money_of(base.baseline.allocation.amounts, base.scenario)
    assert said_of(explained)[:3] == expected(name, money, factor, counties)
    holds(base, explained.facts[0], said_of(explained)[3])
    held = explained.facts[0].held
    assert (held and held.under and held.under.rule) == under


def test_a_county_that_a_rule_decides_would_move_without_it(base: Solution) -> None:
    """Of the first counties that stand at a limit of their own."""
    reference = reference_of(base.scenario)
    judge = SwapJudge(base.scenario, base.allocation, reference.points)
    tasks = tuple(range(base.scenario.programme.shape[1]))
    own = [
        min(limit.counties)
        for limit in judge.full
        if [(of.measure, len(of.counties), of.tasks) for of in limit.value.terms]
        == [("amount", 1, tasks)]
    ]
    for county in own[:3]:
        facts = facts_of(judge, reference, county)
        four = CountySentences(base.scenario, facts, Words("zh")).four()
        assert facts.held is not None and facts.held.is_own
        holds(base, facts, four[3])


def holds(base: Solution, facts: CountyFacts, fourth: str) -> None:
    """What the fourth sentence claims: the rule is named, and without it the unit would move."""
    held = facts.held
    if held is None:
        peers = first_units(base.scenario)[of_the_others(base.scenario)]
        mine = first_units(base.scenario)[facts.county]
        place, ratio = 1 + int((peers > mine).sum()), percent_of(mine, peers.mean())
        assert fourth.startswith("没有哪一条约束单独决定")
        assert fourth.endswith(
            f"头1万元的产出为上下限相同的{len(peers)}个县平均的{ratio}，居第{place}位。"
        )
        return
    title = next(r.title.zh for r in base.scenario.rules if r.id == held.limit.finding.rule)
    assert f"“{title}”" in fourth
    if held.move is None:
        assert held.limit.finding.tight
        return
    broken, gain = moved(base, held.move.move, 1)
    assert broken == (held.limit.finding.rule,) and gain > 0
    if held.under is not None:
        assert held.under.lower is not None
        above = facts.money - held.under.lower
        assert f"其上{int(above)}万元" in fourth
        broken, gain = moved(base, held.move.move, int(above) + 1)
        assert set(broken) == {held.limit.finding.rule, held.under.rule} and gain > 0


def moved(base: Solution, move: Move, money: int) -> tuple[tuple[str, ...], Fraction]:
    """(rules broken, points gained) by so much money along a move."""
    amounts = base.allocation.amounts.copy()
    amounts[move.target] += money
    amounts[move.source] -= money
    after = audit(base.scenario, allocation_of_rows(amounts))
    points = reference_of(base.scenario).points
    gain = objective_of(after, points) - after.penalty - objective_of(base.audit, points)
    return after.broken_rules, gain


def of_the_others(scenario: Scenario) -> Any:
    """The counties under `hold-others`."""
    return ~np.array(scenario.programme.counties.values("deep_poverty"), dtype=bool)


def first_units(scenario: Scenario) -> Any:
    """Objective points of a first unit in each county, the mean of its tasks."""
    points, tiers = reference_of(scenario).points, scenario.tiers
    rates = [
        float(points[name]) * tiers.rate[at][:, :, 0].astype(float)
        for at, name in enumerate(scenario.programme.metrics)
    ]
    return np.round(np.sum(rates, axis=0).mean(axis=1), 12)


@pytest.mark.slow
def test_the_range_of_one_county_is_that_of_all_ranges(base: Solution) -> None:
    explained = explain(base, "美姑县", never=False)
    near = explained.near
    assert near is not None and near.inner is not None
    (among,) = [one for one in ranges(base, within=0.002).rows if one.id == near.id]
    assert near.inner == pytest.approx(among.inner)
    assert near.low <= near.inner[0] <= near.now <= near.inner[1] <= near.high
    assert near.now == float(explained.facts[0].money)
    text = CountySentences(base.scenario, explained.facts[0], Words("zh")).near(near, 0.002)
    assert text.startswith("综合指数让出不超过0.2%时，美姑县最少可到")


# By hand: 0.5 jobs a coin up to 10 in each cell, then 0.2 up to 30.


def small(tmp_path: Path, labels: Mapping[str, Any] | None = None, **scenario: Any) -> Scenario:
    file = write_world(tmp_path, {"budget": 40, **scenario}, counties=PEOPLE)
    write_yaml(tmp_path / "world" / "labels.yaml", labels or {"residents": "people"})
    return load(file)


def test_a_county_at_its_cap_is_told_so(tmp_path: Path) -> None:
    rules = [rule(id="cap", title={"zh": "封顶", "en": "Cap"}, where={"county": "a"}, at_most=15)]
    scenario = small(tmp_path, rules=rules)
    table = allocation_of_rows([[8, 7], [15, 10]])
    facts = explain(scenario, "a", allocation=table).facts[0]
    assert facts.held is not None and facts.held.is_own and facts.held.way == "in"
    assert facts.held.move is not None and facts.held.move.points == Fraction(3, 10)
    four = CountySentences(scenario, facts, Words("en")).four()
    assert four[
        0
    ] == "A has 100 residents, 25.0% of those of the 2 counties; it gets 15 (coins), " + (
        "37.5% of the money."
    )
    assert four[1] == "Per 100 people it gets 15.0 (coins), place 1 of 2 counties."
    assert four[3] == (
        "It is held down by 'Cap' (at most 15, coins); without that, money would come from b, "
        "since it yields 2.50 times as much here."
    )


def test_a_floor_that_holds_money_up_is_told_and_one_that_does_not_is_not(tmp_path: Path) -> None:
    rules = [rule(id="floor", where={"county": "b"}, at_least=25)]
    scenario = small(tmp_path, rules=rules)
    held = explain(scenario, "b", allocation=allocation_of_rows([[8, 7], [15, 10]])).facts[0].held
    assert held is not None and (held.way, held.limit.side) == ("out", "lower")
    # A limit of another county decides nothing here, nor does any where all coins are worth 0.2.
    even = explain(scenario, "a", allocation=allocation_of_rows([[10, 5], [15, 10]])).facts[0]
    other = small(tmp_path / "other", budget=60)
    table = allocation_of_rows([[15, 15], [15, 15]])
    assert explain(other, "a", allocation=table).facts[0].held is None
    assert even.held is None


def test_last_year_is_told_where_it_is_known_and_never_as_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "with"
    folder.mkdir()
    (folder / "before.csv").write_text("county,amount\na,20\n", encoding="utf-8")
    scenario = small(folder, last_year="before.csv")
    table = allocation_of_rows([[8, 7], [15, 10]])
    for code, text in (("a", "比上年（20coins）少5coins，减25.0%"), ("b", "无上年数")):
        facts = explain(scenario, code, allocation=table).facts[0]
        assert text in CountySentences(scenario, facts, Words("zh")).four()[2]


def test_without_residents_no_rank_is_made_up(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 40}, counties=PEOPLE)
    facts = explain(scenario, "a", allocation=allocation_of_rows([[8, 7], [15, 10]])).facts[0]
    four = CountySentences(scenario, facts, Words("zh")).four()
    assert facts.heads is None
    assert four[1] == "本专项没有列出人口，不排人均名次。"


def test_another_county_is_held_against_in_the_same_terms(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    said = explain(scenario, "a", against="b", allocation=allocation_of_rows([[8, 7], [15, 10]]))
    text = CountySentences(scenario, said.facts[0], Words("zh")).beside(said.facts[1])
    assert text == (
        "A比b（25coins）少10coins，减40.0%；每百people15.0coins，对方8.3coins；"
        "头1coins的产出为b的100.0%。"
    )


def test_more_for_a_county_is_paid_for_where_it_costs_least(tmp_path: Path) -> None:
    """(15, 5) and (10, 10) of 40: three coins more for b, past its 20 of first tiers, come from
    where a has only 0.2 a coin, and cost nothing."""
    scenario = small(tmp_path)
    before = solve(scenario)
    have = money_of(before.allocation.amounts, scenario)
    asked = more_money(before, "b", 5)
    assert asked.found is not None and not asked.found.audit.broken
    assert asked.asked == have["b"] + 5
    assert dict(asked.changes) == {1: 5, 0: -5}
    points = reference_of(scenario).points
    worth = [objective_of(one, points) for one in (before.audit, asked.found.audit)]
    assert asked.cost == worth[0] - worth[1]
    # Of all tables with so much in b none is better.
    best = max(
        objective_of(
            audit(scenario, allocation_of_rows([[a, 40 - int(asked.asked) - a], [c, d]])), points
        )
        for a in range(41 - int(asked.asked))
        for c in range(int(asked.asked) + 1)
        for d in [int(asked.asked) - c]
    )
    assert worth[1] == best


def test_more_than_the_rules_allow_names_what_would_have_to_change(tmp_path: Path) -> None:
    rules = [
        rule(id="cap", where={"county": "b"}, at_most=25),
        rule(id="floor", where={"county": "a"}, at_least=15),
    ]
    scenario = small(tmp_path, rules=rules, budget=60)
    before = solve(scenario)
    had = money_of(before.allocation.amounts, scenario)["b"]
    asked = more_money(before, "b", 30 - had)
    assert asked.is_impossible and asked.found is None
    assert [way.rule for way in asked.ways] == ["cap"]
    assert asked.ways[0].needed == 30
    assert asked.most is not None and asked.most.needed == 25
    eased = scenario.replace(rules={"cap": {"at_most": 30}})
    assert more_money(replace(before, scenario=eased), "b", 30 - had).found is not None


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phone")
    file = write_world(
        folder,
        {"budget": 40, "rules": [rule(id="cap", where={"county": "b"}, at_most=25)]},
        counties=PEOPLE,
    )
    write_yaml(folder / "world" / "labels.yaml", {"residents": "people"})
    made = allot("solve", file, "-o", folder / "record")
    assert made.exit_code == 0, made.output
    return folder / "record"


def allot(*words: object) -> Result:
    return CliRunner().invoke(cli.allot, [str(word) for word in words])


def test_the_command_says_what_more_would_take(record: Path) -> None:
    asked = json.loads(allot("explain", record, "b", "--more", 1, "--json").stdout)["more"]
    assert asked["possible"] is True and asked["ways"] == []
    assert sum(one["money"] for one in asked["changes"]) == 0
    refused = json.loads(allot("explain", record, "b", "--more", 20, "--json").stdout)["more"]
    assert refused["possible"] is False and refused["most"] == 25
    assert refused["ways"][0]["rule"] == "cap"
    for lang, text in (("zh", "最多25"), ("en", "25 (coins) and no more")):
        said = allot("explain", record, "b", "--more", 20, "--lang", lang)
        assert said.exit_code == 0 and text in said.stdout.replace("\n    ", " ")


def test_what_cannot_be_asked_is_refused(record: Path) -> None:
    for more, text in (("-3", "-3 is not above zero"), ("x", "a number is due here, not 'x'")):
        said = allot("explain", record, "b", "--more", more, "--lang", "en")
        assert said.exit_code == 2 and f"--more: {text}" in said.output
    table = record / "allocation.csv"
    said = allot("explain", record, "b", "--more", 1, "--table", table, "--lang", "en")
    assert said.exit_code == 2 and "--more: does not go with --table" in said.output
