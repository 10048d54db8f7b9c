"""What comes apart by counties beside the plain case, tiers in order, many tasks and no lot: the
same answers as in one piece and as of every table, and bounds that hold; why the rest does not."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import InputError
from models.scenario import Scenario, load
from models.solution import SearchNote
from optimizer.audit.county_bound import (
    CountLimit,
    CountyLimits,
    PricedCell,
    _most_chosen,
    best_worth,
    county_limits,
    may_be_listed,
)
from optimizer.audit.limits import Form, LimitForm, budget_form
from optimizer.audit.measure import Measured
from optimizer.formulation.model import Model
from optimizer.problem import Problem
from optimizer.sensitivity import certified_by_county
from optimizer.solve import Options, solve_bare
from optimizer.solvers.base import Answer, Clock, Effort, Limit, Way
from optimizer.solvers.decomposition import mixture
from optimizer.solvers.decomposition.blocks import Blocks, find_blocks
from optimizer.solvers.decomposition.bound import best_prices
from optimizer.solvers.decomposition.by_county import _Search, begun, solved_by_county
from optimizer.solvers.decomposition.choice import Pairs
from optimizer.solvers.decomposition.pricing import (
    all_worths,
    best_plans,
    tiers_filled,
    worth_at,
)
from optimizer.solvers.decomposition.tree import MoneySplit, Node, _Tree, cases, every_choice
from optimizer.solvers.highs import solve_model
from optimizer.strategies import ProblemModels
from tests.agreeing import disagreements
from tests.bench.national import write_national
from tests.random_worlds import checked, worlds
from tests.small_programmes import programme
from tests.worlds import rule, world, write_world


def model_of(scenario: Scenario) -> Model:
    return ProblemModels(Problem.of(scenario)).whole


def loaded(parts: dict[str, Any]) -> Blocks | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            model = model_of(load(write_world(Path(folder), **parts)))
        except InputError:
            return None
    return None if model.is_lp else find_blocks(model)


def made(
    folder: Path,
    scenario: dict[str, Any],
    towns: Sequence[str],
    tasks: Sequence[str],
    tiers: list[list[Any]],
) -> Scenario:
    """Of towns and tasks that yield jobs only."""
    places: dict[str, Any] = {name: {"heads": 1} for name in towns}
    works: dict[str, Any] = {name: {} for name in tasks}
    metrics = {"metrics": [{"id": "jobs", "title": "jobs", "unit": "jobs"}]}
    parts = {"counties": places, "tasks": works, "tiers": tiers, "programme": metrics}
    return world(folder, scenario, **parts)


def two_towns(tmp_path: Path, **scenario: Any) -> Scenario:
    """Two towns whose one task brings 1 a unit up to 4 units, then 3 a unit up to 6 more."""
    tiers = [[c, "t", k + 1, (4, 6)[k], (1, 3)[k]] for c in ("a", "b") for k in range(2)]
    return made(tmp_path, {"budget": 14, **scenario}, ("a", "b"), ("t",), tiers)


@pytest.mark.parametrize("lot", [None, 1])
def test_money_goes_where_the_second_tier_is_reached(tmp_path: Path, lot: int | None) -> None:
    """10 units in one town bring 4 + 18, the other 4 bring 4; 7 and 7 would bring 4 + 9 each. The
    curve above brings 2.2 a unit: 30.8 of 14 units."""
    scenario = two_towns(tmp_path, **({} if lot is None else {"lot": lot}))
    model = model_of(scenario)
    blocks = find_blocks(model)
    assert blocks is not None
    assert blocks.in_order.all()
    assert best_prices(blocks).bound == pytest.approx(30.8)
    certificate = certified_by_county(ProblemModels(Problem.of(scenario)))
    assert certificate is not None
    assert 30.8 <= certificate.bound < 30.8001
    apart = solved_by_county(model, Effort(gap=0.0), solve_model)
    assert apart is not None and apart.values is not None
    assert (apart.objective, apart.bound) == pytest.approx((26, 26))
    assert sorted(apart.values[model.grid.amount]) == pytest.approx([4, 10])
    assert len(apart.values) == len(model.cost)


@pytest.mark.slow
def test_a_cell_is_worth_the_least_concave_curve_above_what_it_is() -> None:
    """At any prices: never less, and exactly that where it is worth most by itself; what money
    puts into the tiers comes to as much."""

    def above(parts: dict[str, Any]) -> str:
        blocks = loaded(parts)
        if blocks is None or not blocks.in_order.any():
            return "not in order"
        draw = np.random.default_rng(1)
        prices = draw.normal(0, blocks.model.largest_cost or 1.0, len(blocks.lower))
        cells = worth_at(blocks, prices)
        reduced = blocks.cost - blocks.coupling.T @ prices
        for c, t in np.argwhere(blocks.in_order & (blocks.least <= blocks.most)).tolist():
            least, room = blocks.least[c, t], blocks.room[c, t]
            most = min(blocks.most[c, t], room.sum())
            if least > most:
                continue
            columns = blocks.tier[c, t]
            worth = np.where(columns >= 0, reduced[columns], 0.0)
            ends = room.cumsum()
            for money in (least, *ends[(ends > least) & (ends < most)], (least + most) / 2, most):
                filled = np.clip(money - (ends - room), 0.0, room)
                fee = reduced[blocks.funded[c, t]] + reduced[blocks.amount[c, t]] * money
                width = cells.width[c, t]
                taken = np.clip(money - least - (width.cumsum() - width), 0.0, width)
                found = cells.base[c, t] + taken @ cells.slope[c, t]
                slip = 1e-9 * (1 + np.abs(reduced).max() * max(1.0, most))
                assert found >= fee + worth @ filled - slip
                of_all = np.zeros((1, len(blocks.least[0])))
                of_all[0, t] = money
                mixed = tiers_filled(cells, np.array([c]), of_all)[0, t]
                assert mixed.sum() == pytest.approx(money)
                assert fee + worth @ mixed == pytest.approx(found, abs=slip)
        return "above"

    checked(60, worlds(counties=4, fewest=2), above, {"above": 0.2})


@pytest.mark.slow
@pytest.mark.parametrize(("large", "count", "tables"), [(False, 60, 20), (True, 5, 0)])
def test_random_programmes_as_they_are_drawn_are_answered_alike(
    large: bool, count: int, tables: int
) -> None:
    # tests/bench/bench_strategies.py --drawn looks at many more.
    seen, untrue = Counter[str](), []
    for number in range(count):
        found = disagreements(programme(12, number, large=large), seen, tables=number < tables)
        untrue += [f"{number}: {one}" for one in found]
    assert not untrue
    assert seen["solvable"] >= 0.3 * count


@pytest.mark.slow
def test_of_very_many_counties_none_keeps_a_plan_that_mixes_tiers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count in (("FROM", 50), ("_FIRST", 20), ("_BESIDE", 5)):
        monkeypatch.setattr(mixture, name, count)
    path = write_national(tmp_path, 80, integer=True, tasks=3, rising=3)
    model = model_of(load(path, set_="rules.county-cap.at_most=420"))
    apart = solved_by_county(model, Effort(gap=1e-4), solve_model)
    assert apart is not None and apart.values is not None
    whole = apart.values[model.integer]
    np.testing.assert_array_equal(whole, np.round(whole))
    activity = model.matrix @ apart.values
    assert (activity >= model.row_lower - 1e-6).all()
    assert (activity <= model.row_upper + 1e-6).all()


def many_tasks(tmp_path: Path, *rules: dict[str, Any]) -> Model:
    names = [f"t{number:02}" for number in range(12)]
    tiers = [
        [c, t, k + 1, 5, (3 * i + 5 * j) % 7 + 2 - k]
        for i, c in enumerate("abc")
        for j, t in enumerate(names)
        for k in range(2)
    ]
    fields = {"budget": 40, "lot": 3, "rules": [*rules]}
    return model_of(made(tmp_path, fields, "abc", names, tiers))


def test_of_many_tasks_subsets_are_listed_up_to_the_limit_of_funded_cells(tmp_path: Path) -> None:
    few = rule(id="few", measure="cells", per=["county"], at_most=2)
    cap = rule(id="cap", per=["county"], at_most=18)
    listed, parted = many_tasks(tmp_path / "few", few, cap), many_tasks(tmp_path / "any", cap)
    blocks = find_blocks(listed)
    assert blocks is not None
    assert blocks.subsets.shape == (1 + 12 + 66, 12)
    assert len(blocks.lower) == 1
    assert (best_plans(blocks, worth_at(blocks, np.zeros(1))).money > 0).sum(axis=1).max() == 2
    for model in (listed, parted):
        due = solve_model(model, Effort(gap=0.0))
        apart = solved_by_county(model, Effort(gap=0.0), solve_model)
        assert apart is not None and due.objective is not None
        assert apart.objective == pytest.approx(due.objective)


def test_counties_of_many_tasks_are_taken_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.solvers.decomposition.blocks.MOST_LISTED", 0)
    model = many_tasks(tmp_path, rule(id="cap", per=["county"], at_most=18))
    blocks = find_blocks(model)
    assert blocks is not None
    assert blocks.counties == 6
    assert len(blocks.lower) == 1 + 3
    due = solve_model(model, Effort(gap=0.0))
    apart = solved_by_county(model, Effort(gap=0.0), solve_model)
    assert apart is not None and due.objective is not None
    assert apart.objective == pytest.approx(due.objective)


def test_of_many_tasks_a_county_counts_as_its_cells_where_its_choices_are_too_many() -> None:
    few = CountLimit(tuple((task, Fraction(1)) for task in range(3, 30)), None, Fraction(2))
    assert may_be_listed(frozenset(range(16)), (few,))
    assert not may_be_listed(frozenset(range(16)), ())
    # Of eleven open tasks three are outside the limit, and of the others two at the most.
    assert _most_chosen(range(11), (few,)) == 5


def test_among_huge_worths_that_differ_little_the_larger_one_is_found() -> None:
    """One of three cells; what 64 bits hold of sums of such worths does not tell them apart."""
    few = CountLimit(tuple((task, Fraction(1)) for task in range(3)), None, Fraction(1))
    for more in ((0, 511, 3), (511, 3, 0), (3, 0, 511)):
        cells = [PricedCell.of((1, 1), 0, [((1 << 60) + by, 1)]) for by in more]
        found = best_worth(cells, CountyLimits(counts=(few,)))
        assert found == ((1 << 60) + 511, {more.index(511): 1})


def test_a_number_beside_the_money_of_a_county_is_taken_off_its_limits(tmp_path: Path) -> None:
    """Of 14 units 3.5 are for a place outside: the one town may have 10.5. Between 5 and 9 with 2
    that are not its own are 3 to 7, at two points a unit 1.5 to 3.5."""
    city = {"code": "city", "name": "City", "amount": "3.5", "reason": "no"}
    scenario = made(tmp_path, {"budget": 14, "outside": [city]}, "a", "t", [["a", "t", 1, 4, 1]])
    open_cells, money = {0: frozenset({0})}, Fraction(14)
    found = county_limits([budget_form(scenario)], open_cells, money)
    assert found == {0: CountyLimits(0, Fraction("10.5"))}
    for by, ends in ((1, (3, 7)), (2, (Fraction("1.5"), Fraction("3.5")))):
        value = Form(Fraction(2), {Measured("amount", (0,), (0,)): Fraction(by)})
        form = LimitForm("r", (), value, lower=Form(Fraction(5)), upper=Form(Fraction(9)))
        assert county_limits([form], open_cells, money) == {0: CountyLimits(*ends)}


def test_a_cap_of_some_tasks_is_one_of_the_county_where_it_may_fund_no_others() -> None:
    """At most 5, and at least 2, for the first task of two."""
    value = Form(terms={Measured("amount", (0,), (0,)): Fraction(1)})
    form = LimitForm("r", (), value, lower=Form(Fraction(2)), upper=Form(Fraction(5)))
    for tasks, limits in (({0, 1}, CountyLimits(cap=9)), ({0}, CountyLimits(2, 5))):
        assert county_limits([form], {0: frozenset(tasks)}, Fraction(9)) == {0: limits}


def test_the_report_says_why_a_programme_is_searched_in_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(scenario: Scenario, strategy: Way = "auto") -> str:
        options = Options(certificate=False, repaired=False, strategy=strategy)
        found = solve_bare(ProblemModels(Problem.of(scenario)), options)
        assert found.solver is not None
        return found.solver.notes[-1]

    few = rule(id="few", measure="cells", per=["county"], at_most=1)
    body = {"budget": 20, "lot": 3, "rules": [few]}
    two = world(tmp_path / "two", body)
    assert said(world(tmp_path / "one", body, counties={"a": {"heads": 1}})) == (
        SearchNote.ONE_COUNTY
    )
    assert said(two) == SearchNote.AT_ONCE
    assert said(two, "monolithic") == SearchNote.ASKED
    monkeypatch.setattr("optimizer.solvers.decomposition.blocks.MOST_ROWS", 0)
    assert said(two) == SearchNote.MANY_LIMITS


# What a search claims, and what it may not.


def blocks_of(scenario: Scenario) -> Blocks:
    blocks = find_blocks(model_of(scenario))
    assert blocks is not None
    return blocks


def all_pairs(blocks: Blocks) -> Pairs:
    county, subset = np.nonzero(np.ones((blocks.counties, len(blocks.subsets)), dtype=bool))
    return Pairs(blocks, county, subset)


def test_where_no_prices_help_no_search_is_begun(tmp_path: Path) -> None:
    """Each of two towns is to get 15 coins of 20."""
    floor = rule(id="floor", per=["county"], at_least=15)
    model = model_of(world(tmp_path, {"budget": 20, "lot": 3, "rules": [floor]}))
    assert find_blocks(model) is not None
    assert begun(model) is None
    assert solved_by_county(model, Effort(gap=0.0), solve_model) is None


def test_an_answer_that_breaks_a_row_is_none(tmp_path: Path) -> None:
    """A solver that funds all there is, whatever the budget is."""
    model = model_of(world(tmp_path, {"budget": 20, "lot": 3}))
    used = []

    def reckless(asked: Model, effort: Effort) -> Answer:
        dear = replace(asked, row_upper=np.where(asked.row_upper == 20, inf, asked.row_upper))
        used.append(solve_model(dear, replace(effort, start=None, target=None)))
        return used[-1]

    assert solved_by_county(model, Effort(gap=0.0), solve_model) is not None
    assert solved_by_county(model, Effort(gap=0.0), reckless) is None
    assert used and used[-1].values is not None


def test_no_bound_falls_by_what_pairs_lose_while_a_county_keeps_one_plan(tmp_path: Path) -> None:
    """A choice without the pairs that lose more than 2 is worth 2 less than the bound at the most,
    but only where every county had a choice; here the second one has none."""
    blocks = blocks_of(two_towns(tmp_path, lot=1))
    priced = best_prices(blocks)
    nothing = Answer("optimal", np.zeros(len(blocks.cost)), 0.0, 0.0, 0.0)
    found = []
    for opened in ([True, True], [True, False]):
        search = _Search(
            blocks,
            priced,
            mixture.settled(blocks, priced),
            np.array(opened),
            Effort(gap=0.0),
            lambda model, effort: replace(nothing, values=np.zeros(len(model.cost))),
            Clock(None),
        )
        choice = search.among(search.loss(), 2.0, None)
        assert choice is not None
        found.append(priced.bound - choice.bound)
    assert found == pytest.approx([2.0, 0.0])


def test_a_search_that_stops_at_its_limit_is_not_closed(tmp_path: Path) -> None:
    blocks = blocks_of(two_towns(tmp_path, lot=1))
    priced = best_prices(blocks)
    loss = priced.plans.worth[:, None] - all_worths(blocks, priced.cells)
    for pricings in (0, 1, 1000):
        limit = Limit(pricings, Clock(None))
        reached = every_choice(blocks, priced, loss, 26.0, lambda subset: 26.0, limit)
        assert reached.closed == (pricings == 1000)
        assert reached.bound >= 26


def money_splits(node: Node) -> Iterator[Node]:
    if isinstance(node.by, MoneySplit):
        yield node
    for part in node.parts:
        yield from money_splits(part)


def test_money_is_split_between_two_steps_that_follow_each_other(tmp_path: Path) -> None:
    """No amount lies between the parts: 7 works of 2 coins at a rule of 9 of them."""
    blocks = blocks_of(two_towns(tmp_path, lot=1, budget=13, rules=[rule(id="c", at_most="12.5")]))
    priced = best_prices(blocks)
    loss = priced.plans.worth[:, None] - all_worths(blocks, priced.cells)
    made = cases(blocks, priced, loss, 0.0, Limit(1000, Clock(None)))
    assert made is not None
    split = list(money_splits(made[1]))
    assert split
    for node in split:
        assert isinstance(node.by, MoneySplit)
        low, high = node.parts[0].ends, node.parts[1].ends
        assert low is not None and high is not None
        at = node.by.county, node.by.task
        assert low[1][at] + 1 == high[0][at]


def test_a_cell_in_order_counts_for_more_in_the_bound_at_the_prices_of_its_outcomes(
    tmp_path: Path,
) -> None:
    """At -1 for a job it is worth 2, then 6 a unit. Above its first unit the curve brings
    (3 · 2 + 6 · 6) / 9 each: 5 units count for 2 + 4 · 42/9, and in order for 4 · 2 + 6. At the
    opposite price it would be worth nothing either way."""
    jobs = rule(id="many", measure="jobs", at_least=1)
    blocks = blocks_of(two_towns(tmp_path, lot=1, rules=[jobs]))
    tiers = blocks.coupling[:, blocks.tier[0, 0, :2]].toarray()
    prices = np.where((tiers == [1, 3]).all(axis=1), -1.0, 0.0)
    assert prices.sum() == -1
    tree = _Tree(all_pairs(blocks), 0.0, None)
    node = Node(0.0, 0, np.ones(len(tree.pairs.county), dtype=bool), prices)
    apart = tree.above_order(node, np.array([[5.0], [10.0]]))
    np.testing.assert_allclose(apart / tree.scale, [[20 / 3], [0.0]])
