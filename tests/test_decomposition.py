"""Models taken apart by counties: the same answers as in one piece, and bounds that hold."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.certificate import COUNTY_HEADER, Multiplier, certificate_csv, read_certificate
from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.audit.certify import certify, certify_by_county
from optimizer.audit.county_bound import (
    CountLimit,
    CountyLimits,
    PricedCell,
    best_worth,
)
from optimizer.audit.limits import budget_form, limit_forms
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed, with_objective_at_least, without_rows
from optimizer.formulation.model import Model
from optimizer.problem import Problem, reference_of
from optimizer.sensitivity import certified, certified_by_county
from optimizer.sensitivity.drop_rule import costs
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Answer, Effort
from optimizer.solvers.decomposition.blocks import Blocks, find_blocks
from optimizer.solvers.decomposition.bound import best_prices
from optimizer.solvers.decomposition.by_county import (
    begun,
    by_county,
    first_choice,
    solved_by_county,
)
from optimizer.solvers.decomposition.mixture import FROM, settled
from optimizer.solvers.decomposition.money_ends import ends_near
from optimizer.solvers.decomposition.pricing import all_worths, best_plans, worth_at
from optimizer.solvers.highs import solve_model
from optimizer.strategies import ProblemModels
from tests.agreeing import disagreements, that_comes_apart
from tests.bench.national import write_national
from tests.enumerator import Enumerator
from tests.random_worlds import checked, worlds
from tests.small_programmes import programme
from tests.worlds import rule, world, write_world

ROOT = Path(__file__).resolve().parents[1]
BASE = f"{ROOT / 'scenarios' / 'base-2020.yaml'}@2020-first"


def _that_come_apart(parts: dict[str, Any]) -> dict[str, Any]:
    """The world with a lot, nothing that an outcome takes away, and two places at the least."""
    scenario = parts["scenario"]
    rules = [one for one in scenario["rules"] if one["measure"] not in ("jobs", "cost")]
    weights = {"weights": {"jobs": 1, "cost": 0}, "normalise": "none"}
    again = {**scenario, "lot": scenario["lot"] or 2, "objective": weights, "rules": rules}
    return {**parts, "scenario": again}


SMALL = worlds(counties=8, fewest=2).filter(lambda one: len(one["counties"]) > 2)
SMALL = SMALL.map(_that_come_apart)
TINY = worlds(counties=4, tasks=2, fewest=2).map(_that_come_apart)
"""Of few cells: every choice of funded ones is looked at."""


def blocks_of(path: Path | str) -> Blocks:
    found = find_blocks(ProblemModels(Problem.of(load(path))).whole)
    assert found is not None
    return found


def loaded(parts: dict[str, Any]) -> Scenario | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return load(write_world(Path(folder), **parts))
        except InputError:
            return None


def model_apart(parts: dict[str, Any]) -> Model | str:
    """The model of a world where it comes apart by counties, else what it is instead."""
    scenario = loaded(parts)
    if scenario is None:
        return "refused"
    model = ProblemModels(Problem.of(scenario)).whole
    return "in one piece" if model.is_lp or find_blocks(model) is None else model


def test_the_base_couples_its_counties_by_twenty_five_rows_only() -> None:
    blocks = blocks_of(BASE)
    assert blocks.coupling.shape[0] == 25
    assert blocks.counties == 88
    assert (blocks.floor == 60).all()
    assert (blocks.cap == 1200).all()
    assert blocks.subsets.sum(axis=1).max() == 5
    assert (blocks.least == 20).all()


@pytest.mark.parametrize("rivals", [50_000, -1])
def test_a_county_is_worth_the_most_of_all_its_subsets_at_any_prices(
    monkeypatch: pytest.MonkeyPatch, rivals: int
) -> None:
    """Whether those that may be better are worked out at once, or the likeliest first."""
    monkeypatch.setattr("optimizer.solvers.decomposition.pricing._RIVALS", rivals)
    blocks = blocks_of(BASE)
    draw = np.random.default_rng(3)
    for size in (0.0, 1e-6, 1e-5, 1e-4):
        sides = np.isfinite(blocks.upper) * 1.0 - np.isfinite(blocks.lower)
        cells = worth_at(blocks, draw.uniform(0, size, len(blocks.lower)) * sides)
        plans, every = best_plans(blocks, cells), all_worths(blocks, cells)
        np.testing.assert_allclose(plans.worth, every.max(axis=1), rtol=1e-12, atol=1e-15)
        assert (plans.money.sum(axis=1) <= blocks.cap[0, 0] + 1e-9).all()
        assert (plans.money.sum(axis=1) >= blocks.floor[0, 0] - 1e-9).all()


def test_the_base_is_solved_within_its_gap_and_the_solution_keeps_every_row() -> None:
    model = ProblemModels(Problem.of(load(BASE))).whole
    answer = solved_by_county(model, Effort(gap=1e-4), solve_model)
    assert answer is not None
    assert answer.values is not None
    assert answer.outcome == "optimal"
    assert answer.gap is not None
    assert answer.gap <= 1e-4
    assert answer.objective == pytest.approx(0.98436, abs=1e-4)
    activity = model.matrix @ answer.values
    assert (activity >= model.row_lower - 1e-6).all()
    assert (activity <= model.row_upper + 1e-6).all()
    whole = answer.values[model.integer]
    np.testing.assert_array_equal(whole, np.round(whole))


@pytest.mark.slow
def test_a_linear_program_that_begins_at_its_best_solution_or_anywhere_else_ends_there() -> None:
    linear = relaxed(ProblemModels(Problem.of(load(BASE))).whole)
    best = solve_model(linear, Effort())
    assert best.objective is not None
    assert best.values is not None
    for start in (best.values, np.zeros(len(linear.cost)), best.values + 1.0):
        again = solve_model(linear, Effort(start=start))
        assert again.outcome == "optimal"
        assert again.objective == pytest.approx(best.objective, rel=1e-9)
        assert again.prices is not None


def test_the_searches_by_county_share_the_time_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 4 of 9 seconds: the second one has 5, and a third one begins with 1."""
    now, limits = [0.0], []

    def engine(model: Model, effort: Effort) -> Answer:
        limits.append(effort.time_limit)
        now[0] += 4.0
        return solve_model(model, replace(effort, time_limit=None, gap=1e-3))

    monkeypatch.setattr("optimizer.solvers.base.time", SimpleNamespace(monotonic=lambda: now[0]))
    model = ProblemModels(Problem.of(load(BASE))).whole
    by_county(engine, goes_on=False)(model, Effort(gap=1e-6, time_limit=9.0))
    assert limits == [9.0, 5.0, 1.0][: len(limits)]
    assert len(limits) > 1


@pytest.mark.slow
def test_of_very_many_counties_most_keep_a_plan_and_the_answer_is_that_of_one_piece(
    tmp_path: Path,
) -> None:
    path = write_national(tmp_path, FROM + 20, integer=True, tasks=2)
    model = ProblemModels(Problem.of(load(path))).whole
    blocks = blocks_of(path)
    kept = settled(blocks, best_prices(blocks))
    assert len(kept.open) < blocks.counties
    apart = solved_by_county(model, Effort(gap=1e-5), solve_model)
    whole = solve_model(model, Effort(gap=1e-3))
    assert apart is not None
    assert apart.outcome == "optimal"
    assert apart.values is not None and apart.objective is not None and apart.bound is not None
    assert whole.objective is not None and whole.bound is not None
    slip = 1e-9 * whole.bound
    assert whole.objective <= apart.bound + slip
    assert apart.objective <= whole.bound + slip
    assert apart.objective >= whole.objective * (1 - 1e-5)
    soon = solved_by_county(model, Effort(gap=3e-4, soon=True), solve_model, begun(model))
    assert soon is not None
    assert soon.objective is not None
    assert soon.objective >= apart.objective * (1 - 3e-4)
    for answer in (apart, soon):
        assert answer.values is not None
        assert float(model.cost @ answer.values) == pytest.approx(answer.objective, rel=1e-12)
        activity = model.matrix @ answer.values
        assert (activity >= model.row_lower - 1e-6).all()
        assert (activity <= model.row_upper + 1e-6).all()
        columns = answer.values[model.integer]
        np.testing.assert_array_equal(columns, np.round(columns))


@pytest.mark.slow
@pytest.mark.parametrize("tied", [8, 0])
def test_random_models_have_the_same_optimum_apart_and_in_one_piece(
    monkeypatch: pytest.MonkeyPatch, tied: int
) -> None:
    """Also where next to all pairs are said to lose the same."""
    monkeypatch.setattr("optimizer.solvers.decomposition.by_county._TIED", tied)

    def same(parts: dict[str, Any]) -> str:
        model = model_apart(parts)
        if isinstance(model, str):
            return model
        due = solve_model(model, Effort(gap=0.0))
        apart = solved_by_county(model, Effort(gap=0.0), solve_model)
        if due.objective is None:
            assert apart is None
            return "infeasible"
        assert apart is not None
        assert apart.objective is not None
        assert apart.bound is not None
        slip = 1e-6 * max(abs(due.objective), model.largest_cost)
        assert apart.objective <= due.objective + slip
        assert apart.bound >= due.objective - slip
        if apart.outcome == "optimal":
            assert apart.objective >= due.objective - slip
        return "same"

    checked(100 if tied else 40, SMALL, same, {"same": 0.4})


@pytest.mark.slow
@pytest.mark.parametrize(("large", "count", "tables"), [(False, 100, 10), (True, 20, 3)])
def test_random_programmes_of_all_rules_are_answered_alike_by_county_and_in_one_piece(
    large: bool, count: int, tables: int
) -> None:
    # tests/bench/bench_strategies.py looks at many more.
    seen, untrue = Counter[str](), []
    for number in range(count):
        world_ = that_comes_apart(programme(11, number, large=large))
        found = disagreements(world_, seen, tables=number < tables)
        untrue += [f"{number}: {one}" for one in found]
    assert not untrue
    assert seen["solvable"] >= 0.2 * count
    assert seen["both closed"] >= 1


@pytest.mark.slow
def test_prices_bound_random_models_from_above() -> None:
    def bounded(parts: dict[str, Any]) -> str:
        scenario = loaded(parts)
        blocks = scenario and find_blocks(ProblemModels(Problem.of(scenario)).whole)
        if not blocks:
            return "in one piece"
        due = solve_model(blocks.model, Effort(gap=0.0))
        priced = best_prices(blocks)
        if due.objective is None:
            return "infeasible"
        assert not priced.infeasible
        assert priced.bound >= due.objective - 1e-6 * max(abs(due.objective), 1e-3)
        return "bounded"

    checked(60, SMALL, bounded, {"bounded": 0.4})


@pytest.mark.slow
def test_no_solution_near_the_best_holds_money_beyond_what_its_county_may_lose() -> None:
    """The ends of counties and cells, each searched for in one piece."""

    def held(parts: dict[str, Any]) -> str:
        scenario = loaded(parts)
        model = scenario and ProblemModels(Problem.of(scenario)).whole
        best = model and not model.is_lp and solve_model(model, Effort(gap=0.0)).objective
        if not model or best is None or best is False:
            return "no solution"
        worth = best - 0.05 * abs(best)
        ends = ends_near(model, worth, cells=True)
        if ends is None:
            return "in one piece"
        near, amount = with_objective_at_least(model, worth), model.grid.amount
        cells = np.arange(len(amount)).reshape(model.grid.shape)
        asked = [*zip(cells, *ends.county, strict=True)][:3]
        asked += [*zip(cells.reshape(-1, 1), *(end.ravel() for end in ends.cell), strict=True)][:6]
        for mine, low, high in asked:
            for sign, end in ((-1.0, low), (1.0, high)):
                cost = np.zeros(len(model.cost))
                cost[amount[mine]] = sign
                furthest = solve_model(replace(near, cost=cost), Effort(gap=0.0)).objective
                assert furthest is not None and furthest <= sign * end + 1e-4
        return "held"

    checked(40, SMALL, held, {"held": 0.4})


@pytest.mark.slow
def test_some_answer_keeps_every_row_and_none_is_ruled_out_that_is_there() -> None:
    def told(parts: dict[str, Any]) -> str:
        scenario = loaded(parts)
        model = scenario and ProblemModels(Problem.of(scenario)).whole
        if not model or model.is_lp:
            return "in one piece"
        bare = replace(model, cost=np.zeros(len(model.cost)))
        answer = first_choice(bare, Effort(gap=1e-3, guide=model.cost), solve_model)
        if answer is None:
            return "in one piece"
        due = solve_model(bare, Effort(gap=0.0))
        assert (answer.outcome == "infeasible") <= (due.outcome == "infeasible")
        if answer.values is None:
            return answer.outcome
        activity, values = model.matrix @ answer.values, answer.values[model.integer]
        assert (activity >= model.row_lower - 1e-6).all()
        assert (activity <= model.row_upper + 1e-6).all()
        np.testing.assert_allclose(values, np.round(values), atol=1e-6)
        return "found"

    checked(40, SMALL, told, {"found": 0.3})


@pytest.mark.slow
def test_a_linear_model_has_the_same_optimum_whatever_leads_to_it() -> None:
    def same(parts: dict[str, Any]) -> str:
        scenario = loaded(parts)
        if scenario is None:
            return "refused"
        model = relaxed(ProblemModels(Problem.of(scenario)).whole)
        cost = np.zeros(len(model.cost))
        cost[model.grid.amount[0]] = -1.0
        asked = replace(model, cost=cost)
        due, led = (solve_model(asked, Effort(guide=guide)) for guide in (None, model.cost))
        assert led.outcome == due.outcome
        if due.objective is None or led.objective is None:
            return due.outcome
        assert led.objective == pytest.approx(due.objective, abs=1e-6)
        return "same"

    checked(40, SMALL, same, {"same": 0.3})


@pytest.mark.slow
def test_what_leaving_a_rule_out_gains_lies_between_the_ends_that_are_told() -> None:
    """Beside one solve in one piece with the rule and one without it."""

    def held(parts: dict[str, Any]) -> str:
        scenario = loaded(parts)
        if scenario is None or not scenario.rules:
            return "refused"
        points = reference_of(scenario).points
        best = solve_model(formulate(scenario, points, whole=False), Effort(gap=0.0)).objective
        if best is None:
            return "no solution"
        for one in costs(scenario, gap=0.05).rules[1:3]:
            apart = formulate(scenario, points, whole=False, apart=[one.rule])
            free = without_rows(apart, apart.limit(one.rule).rows)
            found = solve_model(free, Effort(gap=0.0)).objective
            assert found is not None and one.without is not None
            slip = 1e-6 * max(abs(found), 1e-3)
            assert one.without.low - slip <= found - best <= one.without.high + slip
        return "held"

    checked(40, SMALL, held, {"held": 0.3})


@pytest.mark.slow
def test_the_most_money_of_a_county_of_the_base_is_near_its_exact_end() -> None:
    """Zhaojue may get 837 at the most within half a percent of the best, by a long search."""
    model = ProblemModels(Problem.of(load(BASE))).whole
    ends = ends_near(model, 0.9794448434422901)
    assert ends is not None
    most = ends.county[1][load(BASE).programme.counties.ids.index("513431")]
    assert 837 <= most <= 920


def test_what_does_not_come_apart_is_solved_in_one_piece(tmp_path: Path) -> None:
    alone = world(tmp_path, {"budget": 20, "lot": 3}, counties={"a": {"heads": 1}})
    model = ProblemModels(Problem.of(alone)).whole
    assert find_blocks(model) is None
    assert pick_engine("highs")[0](model, Effort(gap=0.0)).outcome == "optimal"


@pytest.mark.slow
def test_an_answer_that_is_not_close_enough_is_searched_on_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("optimizer.solvers.decomposition.by_county._PRICINGS", 1)
    model = ProblemModels(Problem.of(load(BASE))).whole
    whole_bound = 0.98437

    def engine(asked: Model, effort: Effort) -> Answer:
        if effort.plain:  # A choice among pairs, given up early.
            return solve_model(asked, replace(effort, gap=1e-3))
        assert asked is model
        assert effort.start is not None
        assert float(model.cost @ effort.start) > 0.98
        return Answer("none", None, None, whole_bound, 0.0)

    answer = by_county(engine)(model, Effort(gap=1e-9))
    assert answer.outcome == "feasible"
    assert answer.bound is not None
    assert answer.objective is not None
    assert answer.objective < answer.bound <= whole_bound
    alone = by_county(engine, goes_on=False)(model, Effort(gap=1e-9))
    assert (alone.outcome, alone.apart) == ("feasible", True)
    assert alone.bound is not None and alone.bound > whole_bound


def test_a_solver_in_one_piece_is_asked_for_by_name() -> None:
    assert pick_engine("highs", "monolithic")[0] is solve_model
    assert pick_engine("highs", "decomposed")[0] is not solve_model


# The certificate by county.


def test_the_certificate_by_county_proves_the_base_to_half_a_ten_thousandth() -> None:
    formulation = ProblemModels(Problem.of(load(BASE)))
    apart, linear = certified_by_county(formulation), certified(formulation)
    assert apart is not None
    assert linear is not None
    assert apart.bound < linear.bound
    assert float(apart.bound) == pytest.approx(0.984411777, abs=2e-9)
    assert apart.bound >= Fraction("0.9843651306")  # The best allocation in whole units known.
    assert read_certificate(certificate_csv(apart, COUNTY_HEADER)) == apart


def test_a_bound_by_county_is_no_larger_than_by_cell_with_the_same_multipliers() -> None:
    scenario = load(BASE)
    points = Problem.of(scenario).reference.points
    draw = Random(5)
    for _ in range(5):
        multipliers = [
            Multiplier("budget", (), "upper", Fraction(draw.randint(0, 200), 10**6)),
            Multiplier("funded-cells", (), "upper", Fraction(draw.randint(0, 20), 10**4)),
            Multiplier("jobs-target", (), "lower", Fraction(draw.randint(0, 50), 10**6)),
        ]
        apart = certify_by_county(scenario, points, multipliers)
        assert apart is not None
        assert apart.bound <= certify(scenario, points, multipliers).bound


@pytest.mark.slow
@pytest.mark.parametrize("whole", [True, False])
def test_no_multipliers_prove_less_than_the_best_of_all_tables(tmp_path: Path, whole: bool) -> None:
    """Rules of every form, rates that rise or cost, locks, money outside: no county is bounded
    below what it can be worth, whatever the prices are; nor is a programme refused that has one."""
    shown = 0
    for number in range(60):
        parts, draw = programme(1, number), Random(number)
        best = Enumerator(parts).best()
        (tmp_path / str(number)).mkdir()
        given = load(write_world(tmp_path / str(number), **parts))
        points = Problem.of(given).reference.points
        forms = [*limit_forms(given), budget_form(given)]
        for share in (0, 0.3, 1):
            multipliers = [
                Multiplier(form.rule, form.key, side, Fraction(draw.randint(0, 9), 7))
                for form in forms
                for side in ("lower", "upper")
                if draw.random() < share
            ]
            made = certify_by_county(given, points, multipliers, whole=whole)
            if best.worth is not None:
                assert made is not None and made.bound >= best.worth, (number, multipliers)
                shown += 1
    assert shown > 90


Cells = tuple[PricedCell | None, ...]


def plans_of(cells: Cells, limits: CountyLimits) -> Iterator[Fraction]:
    """The worth of every plan in whole money."""
    choices = [
        [None] * (cell is None or not cell.must)
        + ([] if cell is None else list(range(int(cell.least), int(cell.most) + 1)))
        for cell in cells
    ]
    for plan in itertools.product(*choices):
        total = sum(money or 0 for money in plan)
        chosen = [task for task, money in enumerate(plan) if money is not None]
        counts = all(
            (low is None or low <= value) and (high is None or value <= high)
            for terms, low, high in limits.counts
            for value in [sum(factor for task, factor in terms if task in chosen)]
        )
        if counts and limits.floor <= total and (limits.cap is None or total <= limits.cap):
            yield sum(
                (worth(cell, money) for cell, money in zip(cells, plan, strict=True) if cell),
                Fraction(0),
            )


def worth(cell: PricedCell, money: int | None) -> Fraction:
    if money is None:
        return Fraction(0)
    total, left = Fraction(cell.fee), Fraction(money)
    for each, width in cell.steps:
        taken = min(Fraction(width), left)
        total, left = total + each * taken, left - taken
    assert left == 0
    return total


def test_a_county_is_worth_the_best_of_all_its_plans() -> None:
    draw = Random(11)
    none = 0
    for _ in range(400):
        cells: Cells = tuple(_cell(draw) for _ in range(3))
        terms = tuple((task, Fraction(draw.choice((1, 1, 2)))) for task in range(3))
        count = CountLimit(
            terms,
            draw.choice((None, None, Fraction(1))),
            draw.choice((None, Fraction(2), Fraction(1))),
        )
        floor = draw.randint(0, 6)
        limits = CountyLimits(floor, draw.choice((None, floor + draw.randint(0, 4))), (count,))
        found, due = best_worth(cells, limits), max(plans_of(cells, limits), default=None)
        if found is None or due is None:
            assert found is due
            none += 1
            continue
        assert found[0] == due
        kept = sum(found[1].values())
        assert limits.floor <= kept
        assert limits.cap is None or kept <= limits.cap
    assert none < 200


def _cell(draw: Random) -> PricedCell | None:
    if not draw.randrange(6):
        return None
    widths = [draw.randint(1, 3) for _ in range(draw.randint(1, 2))]
    rates = sorted((draw.randint(-3, 6) for _ in widths), reverse=True)
    most = sum(widths)
    least = draw.randint(0, most)
    steps = tuple(zip(rates, widths, strict=True))
    return PricedCell(least, most, draw.randint(-5, 5), steps, must=not draw.randrange(5))


def test_a_county_whose_later_tiers_bring_more_is_bounded_by_the_curve_above_them() -> None:
    """Never below its best plan, and exactly that where its money has no bounds of its own."""
    draw, exact = Random(5), 0
    for _ in range(200):
        risen, written = [], []
        for _ in range(2):
            steps = [(draw.randint(-3, 6), draw.randint(1, 3)) for _ in range(2)]
            most = draw.randint(1, sum(width for _, width in steps))
            least, fee = draw.randint(0, most), draw.randint(-5, 5)
            risen.append(PricedCell.of((least, most), fee, steps))
            written.append(PricedCell(least, most, fee, tuple(steps)))
        cap = draw.choice((None, draw.randint(0, 5)))
        found = best_worth(risen, CountyLimits(0, cap))
        due = max(plans_of(tuple(written), CountyLimits(0, cap)))
        assert found is not None and found[0] >= due
        exact += cap is None
        assert cap is not None or found[0] == due
    assert exact > 50


def test_counts_of_a_county_are_told_as_text() -> None:
    count = CountLimit(((0, Fraction(1)), (2, Fraction(2))), Fraction(1), Fraction(3))
    text = CountyLimits(counts=(count,)).text(("road", "school", "park"))
    assert text == "road+2*park>=1;road+2*park<=3"


def test_a_county_that_can_keep_no_limit_has_no_certificate(tmp_path: Path) -> None:
    rules = [
        rule(id="floor", per=["county"], at_least=15),
        rule(id="cap", per=["county"], at_most=9),
    ]
    scenario = world(tmp_path, {"budget": 50, "lot": 2, "rules": rules})
    assert certify_by_county(scenario, {"jobs": Fraction(1), "firms": Fraction(1)}, []) is None


@pytest.mark.parametrize("kind", [{"if_funded": True}, {"soft": {"price": 1}}], ids=str)
def test_a_limit_that_a_county_need_not_keep_does_not_bound_it(
    tmp_path: Path, kind: dict[str, Any]
) -> None:
    rules = [rule(id="start", per=["county"], at_least=15, **kind)]
    scenario = world(tmp_path, {"budget": 9, "lot": 2, "rules": rules})
    made = certify_by_county(scenario, {"jobs": Fraction(1), "firms": Fraction(1)}, [])
    assert made is not None
    assert {(line.floor, line.cap) for line in made.counties} == {(0, 9)}


def test_a_county_is_worth_no_more_than_its_cells_by_themselves(tmp_path: Path) -> None:
    """Rates that rise: a choice counts 30 coins at 0.9 first, the cell has to take 10 at 0.1."""
    tiers = [["a", "road", 1, 10, "0.1", "0"], ["a", "road", 2, 30, "0.9", "0"]]
    tiers += [["b", "road", 1, 40, "0.2", "0"]]
    cap = rule(id="cap", where={"county": "a"}, at_most=30)
    body = {"budget": 40, "lot": 2, "rules": [cap]}
    scenario = world(tmp_path, body, tasks={"road": {}}, tiers=tiers)
    points = {"jobs": Fraction(1), "firms": Fraction(0)}
    alone = certify(scenario, points, [])
    apart = certify_by_county(scenario, points, [])
    assert apart is not None
    assert [line.points for line in apart.counties] == [Fraction(19), Fraction(8)]
    assert apart.bound == alone.bound == sum(cell.points for cell in apart.cells)
