"""Solving small programmes whose answer can be worked out on paper."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.errors import InfeasibleError, NoAnswerError
from models.scenario import Scenario
from optimizer.decision import solve
from optimizer.solve import Options
from optimizer.solvers.base import Answer
from tests.worlds import rule, world

FLAT = [["a", "road", 1, 50, "0.3", "0"], ["b", "road", 1, 50, "0.3", "0"]]
ONE_TASK: dict[str, Any] = {"tasks": {"road": {}}}
QUICK = Options(repaired=False)


def money(scenario: Scenario, options: Options = QUICK) -> list[list[int]]:
    return solve(scenario, options).allocation.amounts.tolist()  # type: ignore[no-any-return]


def test_the_better_tiers_fill_first(tmp_path: Path) -> None:
    """10 at 0.5 in each of the four cells, then the 5 that are left at 0.2: 20 + 1 jobs."""
    solution = solve(world(tmp_path, {"budget": 45}), QUICK)
    assert solution.objective == 21
    assert solution.status == "optimal"
    assert solution.audit.outcomes["firms"] == Fraction("4.25")


def test_among_equals_the_one_nearest_to_the_baseline_is_taken(tmp_path: Path) -> None:
    """Any split of 40 between a and b is worth the same; the baseline by people is 10 and 30."""
    scenario = world(
        tmp_path,
        {"budget": 40, "baseline": {"kind": "per-resident", "residents": "people"}},
        tiers=FLAT,
        **ONE_TASK,
    )
    assert money(scenario) == [[10], [30]]


def test_the_ladder_also_takes_the_one_nearest_to_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.strategies.monolithic.DIRECT_CELLS", 0)
    test_among_equals_the_one_nearest_to_the_baseline_is_taken(tmp_path)


def test_money_that_a_rule_holds_back_stays_unspent(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 50, "rules": [rule(at_most=12, per="county")]})
    solution = solve(scenario, QUICK)
    assert (solution.audit.spent, solution.audit.unspent) == (24, 26)


def test_a_lock_is_kept_and_what_is_not_eligible_gets_nothing(tmp_path: Path) -> None:
    scenario = world(
        tmp_path,
        {
            "budget": 50,
            "locks": [{"county": "a", "task": "road", "amount": 29}],
            "ineligible": [{"where": {"task": "school"}, "reason": "closed"}],
        },
    )
    assert money(scenario) == [[29, 0], [21, 0]]


def test_money_outside_the_grid_is_part_of_the_budget(tmp_path: Path) -> None:
    beside = [{"code": "x", "name": "City", "amount": 13}]
    solution = solve(world(tmp_path, {"budget": 50, "outside": beside}), QUICK)
    assert sum(solution.allocation.amounts.flat) == 37
    assert solution.audit.spent == 50


def test_a_cost_metric_is_kept_low_although_tiers_could_hide_it(tmp_path: Path) -> None:
    """Firms as a cost of 0.3 at most: 3 money units at 0.1, not 6 counted at the second rate."""
    scenario = world(tmp_path, {"budget": 50, "rules": [rule(measure="firms", at_most="0.3")]})
    solution = solve(scenario, QUICK)
    assert solution.audit.outcomes["firms"] == Fraction("0.3")
    assert solution.audit.spent == 3


def test_a_soft_rule_gives_way_only_where_that_pays(tmp_path: Path) -> None:
    """A unit above the cap yields 0.5 or 0.2 and costs 0.3: the cap of 5 gives way to 20."""
    soft = rule(at_most=5, soft={"price": "0.3"})
    solution = solve(world(tmp_path, {"budget": 60, "rules": [soft]}), Options(repaired=False))
    assert solution.audit.spent == 40
    assert solution.audit.penalty == Fraction("10.5")
    assert solution.audit.findings[1].state == "bent"
    assert solution.objective == 20


def test_a_soft_rule_over_many_heads_costs_nothing_while_it_is_kept(tmp_path: Path) -> None:
    """Seen: with huge coefficients the price vanished and the rule gave way for no reason."""
    people = {"a": {"people": 7_900_003}, "b": {"people": 3_400_001}}
    soft = rule(
        measure="jobs",
        per="county",
        per_head="people",
        equal={"share": "0.1", "of": "amount"},
        within=1,
        soft={"price": "0.01"},
    )
    solution = solve(world(tmp_path, {"budget": 45, "rules": [soft]}, counties=people), QUICK)
    assert solution.audit.penalty == 0
    assert solution.bound == pytest.approx(float(solution.objective), abs=1e-9)


def test_the_repaired_baseline_keeps_the_rules_and_moves_least(tmp_path: Path) -> None:
    """Equal shares put 15 into each cell; roads may hold 20 in all: 10 must move."""
    roads = rule(at_most=20, where={"task": "road"})
    solution = solve(world(tmp_path, {"budget": 60, "rules": [roads]}))
    assert solution.baseline.audit.broken_rules == ("r",)
    repaired = solution.repaired
    assert repaired is not None
    assert repaired.audit.broken == ()
    assert repaired.audit.spent == 60
    assert repaired.moved == 10
    assert repaired.moved_at_least == pytest.approx(10, abs=0.1)


def test_a_baseline_that_keeps_the_rules_is_its_own_repair(tmp_path: Path) -> None:
    solution = solve(world(tmp_path, {"budget": 60}))
    assert solution.repaired == solution.baseline


def test_rules_that_cannot_all_be_kept_are_proved_so(tmp_path: Path) -> None:
    rules = [rule(id="floor", at_least=30, per="county"), rule(id="cap", at_most=50)]
    with pytest.raises(InfeasibleError) as caught:
        solve(world(tmp_path, {"budget": 90, "rules": rules}), QUICK)
    assert "needs 60 coins" in str(caught.value) and "allows 50 coins" in str(caught.value)


@pytest.mark.parametrize("share", [{"times": 1}, {"share": 1, "per": ["county"]}])
def test_a_rule_that_holds_all_the_money_against_itself_holds_back_none(
    tmp_path: Path, share: dict[str, Any]
) -> None:
    bound = {"of": "amount", **share}
    scenario = world(tmp_path, {"budget": 30, "rules": [rule(at_most=bound, per=["county"])]})
    assert solve(scenario, QUICK).objective == 15


def test_a_rule_that_asks_for_more_than_all_the_money_is_proved_impossible(tmp_path: Path) -> None:
    bound = [{"times": 1, "of": "amount"}, 1]
    scenario = world(tmp_path, {"budget": 30, "rules": [rule(at_least=bound)]})
    for solver in ("highs", "cbc"):
        with pytest.raises(InfeasibleError):
            solve(scenario, Options(solver=solver, repaired=False))


def test_the_gap_is_of_the_objective_and_not_of_the_penalty(tmp_path: Path) -> None:
    """12 jobs less a penalty of 20 × 0.6 are worth nothing, and no allocation is worth more."""
    short = rule(where={"county": "b"}, at_least=50, soft={"price": "0.6"})
    rules = [rule(id="few", measure="cells", at_most=3), short]
    solution = solve(world(tmp_path, {"budget": 30, "lot": 4, "rules": rules}), QUICK)
    assert solution.objective == solution.audit.penalty == 12
    assert solution.status == "optimal"


@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_a_high_price_does_not_hide_what_money_is_worth(tmp_path: Path, solver: str) -> None:
    """b needs 25 of 30: 10 and 15 of them, and the 5 that are left at 0.5 in a."""
    dear = rule(where={"county": "b"}, at_least=25, soft={"price": "1e9"})
    scenario = world(tmp_path, {"budget": 30, "rules": [dear]})
    solution = solve(scenario, Options(solver=solver, repaired=False))
    assert (float(solution.objective), solution.status) == (13.5, "optimal")
    assert solution.bound == pytest.approx(13.5)


def test_the_choice_among_equals_gives_up_nothing_for_the_sake_of_a_penalty(
    tmp_path: Path,
) -> None:
    """Four cells are never 100: of 30, one in each of three and 27 at 0.5, whatever that costs."""
    tiers = [[c, t, 1, 50, "0.1", "0"] for c in "ab" for t in ("road", "school")]
    tiers[0][4] = "0.5"
    many = rule(measure="cells", at_least=100, soft={"price": "1e6"})
    scenario = world(tmp_path, {"budget": 30, "rules": [many]}, tiers=tiers)
    assert money(scenario) == [[27, 1], [1, 1]]


def test_infeasible_only_in_whole_units_is_proved_too(tmp_path: Path) -> None:
    """Thirds of 50 are no whole units; continuous money could keep the rule."""
    rules = [rule(at_least={"share": "1/3", "of": "budget"}, per="county", id=i) for i in "xy"]
    rules[1] = rule(id="y", at_most={"share": "1/3", "of": "budget"}, where={"county": "a"})
    scenario = world(tmp_path, {"budget": 50, "rules": rules})
    with pytest.raises(InfeasibleError):
        solve(scenario, QUICK)
    assert solve(scenario, Options(repaired=False, units="continuous")).audit.broken == ()


def test_a_solver_that_stops_with_nothing_is_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = Answer("none", None, None, None, 0.0)
    monkeypatch.setattr(
        "optimizer.solve.pick_engine", lambda *_: (lambda model, effort: stopped, ())
    )
    with pytest.raises(NoAnswerError):
        solve(world(tmp_path, {"budget": 60}), QUICK)


def test_a_limit_that_is_reached_is_never_called_optimal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The solver's best so far is worth 20 of at most 30: a gap of 1/2."""
    from optimizer.solvers.highs import solve_model

    def hasty(model: Any, effort: Any) -> Answer:
        answer = solve_model(model, effort)
        return Answer("feasible", answer.values, answer.objective, 30.0, answer.seconds)

    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (hasty, ()))
    scenario = world(tmp_path, {"budget": 40})
    solution = solve(scenario, QUICK, certificate=False)
    assert (solution.status, solution.source) == ("feasible", "solver")
    assert solution.bound == solution.bound_solver == pytest.approx(30, rel=1e-5)
    assert solution.gap == pytest.approx(0.5, rel=1e-5)
    proved = solve(scenario, QUICK)
    assert (proved.status, proved.source, proved.gap) == ("optimal", "proved", 0)
    assert proved.bound_proved == proved.objective == 20 and proved.bound_solver is not None


def test_a_bound_below_what_was_reached_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optimizer.solvers.highs import solve_model

    def wrong(model: Any, effort: Any) -> Answer:
        answer = solve_model(model, effort)
        return Answer("optimal", answer.values, answer.objective, 19.0, answer.seconds)

    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (wrong, ()))
    solution = solve(world(tmp_path, {"budget": 40}), QUICK)
    assert (solution.bound_solver, solution.bound_proved) == (None, solution.objective)
    assert (solution.source, solution.gap, solution.status) == ("proved", 0, "optimal")
    assert "bound contradicted" in solution.solver.notes


def test_a_rule_that_cancels_out_is_harmless(tmp_path: Path) -> None:
    vain = rule(at_most={"times": 1, "of": "amount"})
    assert solve(world(tmp_path, {"budget": 45, "rules": [vain]}), QUICK).objective == 21


def test_a_disproved_bound_is_set_aside_however_small_the_objective(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """9.5e-6 as the bound of what is worth 1e-5: a twentieth off, although next to nothing."""
    from optimizer.solvers.highs import solve_model

    def wrong(model: Any, effort: Any) -> Answer:
        answer = solve_model(model, effort)
        return Answer("optimal", answer.values, answer.objective, 9.5e-6, answer.seconds)

    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (wrong, ()))
    tiny = [["a", "road", 1, 50, "0.000001", "0"], ["b", "road", 1, 50, "0.000001", "0"]]
    solution = solve(world(tmp_path, {"budget": 10}, tiers=tiny, **ONE_TASK), QUICK)
    assert solution.objective == Fraction(1, 10**5)
    assert solution.bound_solver is None and solution.bound_proved == solution.objective


def test_a_bound_a_hair_below_nothing_is_no_contradiction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be spent, so the best is worth 0; a solver says so up to its tolerance."""
    from optimizer.solvers.highs import solve_model

    def nearly(model: Any, effort: Any) -> Answer:
        answer = solve_model(model, effort)
        return Answer("optimal", answer.values, answer.objective, -1e-9, answer.seconds)

    monkeypatch.setattr("optimizer.solve.pick_engine", lambda *_: (nearly, ()))
    nothing = rule(id="nothing", at_most=0)
    solution = solve(world(tmp_path, {"budget": 10, "rules": [nothing]}), QUICK)
    assert (solution.objective, solution.bound_proved, solution.status) == (0, 0, "optimal")
    assert "bound contradicted" not in solution.solver.notes
