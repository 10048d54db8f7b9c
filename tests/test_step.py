"""`step`: the money of a cell is a whole multiple of it, whatever the solver chooses."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.allocation import allocation_of_rows
from models.errors import InfeasibleError, InputError
from models.remedies import change_text
from models.scenario import Scenario, load
from models.sentences import sentence_of
from optimizer.audit import audit
from optimizer.audit.certify import certify
from optimizer.audit.swaps import SwapJudge
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_whole_money
from optimizer.infeasibility.diagnose import diagnose
from optimizer.problem import reference_of
from optimizer.sensitivity.explain import explain
from reports.catalogue import Words
from reports.document import Paragraph
from reports.documents.explanation import explanation_page
from tests.books import LIMITS, write_book
from tests.random_worlds import checked, worlds
from tests.test_rows import agree, tables
from tests.test_solve_random import check_by_brute_force, check_world
from tests.worlds import rule, world, write_world

RISING = [
    *(["a", "road", 1, 7, "0.2"], ["a", "road", 2, 6, "0.5"], ["a", "road", 3, 4, "0.1"]),
    *(["a", "school", 1, 11, "0.3"], ["b", "road", 1, 3, "0.4"], ["b", "road", 2, 1, "0.05"]),
]
ONE_METRIC = {"metrics": [{"id": "jobs", "title": "Jobs", "unit": "people"}]}
BY_TASK = {"road": {"by": 5}, "school": {"by": 2}}


def stepped(folder: Path, **keys: Any) -> Scenario:
    body = {"budget": 33, "step": 5, **keys}
    return world(folder, body, tiers=RISING, programme=ONE_METRIC, tasks=BY_TASK)


def test_money_comes_in_whole_steps_and_what_is_less_than_one_is_left(tmp_path: Path) -> None:
    """a's road: 10 yield 1.4 + 1.5 = 2.9, 15 yield 4.6; a's school 10 at 0.3; b's road 5 → 1.25."""
    solution = solve(stepped(tmp_path))
    assert solution.allocation.amounts.tolist() == [[15, 10], [5, 0]]
    assert solution.audit.broken == () and solution.audit.unspent == 3
    assert solution.audit.outcomes["jobs"] == Fraction("4.6") + 3 + Fraction("1.25")
    told = next(one for one in solution.audit.findings if one.rule == "step")
    assert (told.value, told.upper, told.state) == (0, 0, "kept")


def test_a_cell_between_two_steps_breaks_it_and_a_locked_one_does_not(tmp_path: Path) -> None:
    locked = stepped(tmp_path, locks=[{"county": "b", "task": "road", "amount": 3}])
    solution = solve(locked)
    assert solution.audit.broken == ()
    assert solution.allocation.amounts[1, 0] == 3
    odd = audit(locked, allocation_of_rows([[14, 10], [3, 1]]))
    assert {one.rule: one.value for one in odd.broken} == {"step": 2}


def test_steps_stand_in_a_column_of_the_tasks(tmp_path: Path) -> None:
    solution = solve(stepped(tmp_path, step={"column": "by"}))
    assert solution.allocation.amounts.tolist() == [[15, 12], [5, 0]]
    assert solution.audit.broken == ()


def test_a_lot_rounds_up_to_a_step(tmp_path: Path) -> None:
    solution = solve(stepped(tmp_path, lot=6, budget=10))
    assert solution.allocation.amounts.tolist() in ([[10, 0], [0, 0]], [[0, 10], [0, 0]])
    model = formulate(stepped(tmp_path, lot=6), {"jobs": Fraction(1)})
    lots = [row for row in model.row_names() if row.startswith("lot[")]
    at = model.row_names().index(lots[0])
    assert model.matrix[at].toarray().min() == -10.0


def test_tiers_in_steps_yield_the_same_of_every_multiple(tmp_path: Path) -> None:
    scenario = stepped(tmp_path)
    made, steps = scenario.tiers_in_steps, scenario.steps
    assert (np.cumsum(made.width, axis=2) % 5 == 0).all()
    for count in range(9):
        money = (count * steps).astype(object)
        here, there = (tiers.yields(money)[0] for tiers in (scenario.tiers, made))
        assert (here * made.scale == there * scenario.tiers.scale).all()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("2.5", "no whole number from 1"),
        (0, "no whole number from 1"),
        ({"column": "bye"}, "unknown column 'bye'"),
        ({}, "a number or {column: name} is due here"),
    ],
)
def test_what_is_no_step_is_refused(tmp_path: Path, step: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        stepped(tmp_path, step=step)


def test_continuous_money_with_a_step_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="continuous money comes in no step"):
        solve(stepped(tmp_path), units="continuous")


def test_what_no_multiple_can_meet_is_infeasible_and_the_step_is_offered(tmp_path: Path) -> None:
    scenario = stepped(tmp_path, rules=[rule(equal=32)])
    with pytest.raises(InfeasibleError):
        solve(scenario)
    change = next(one for one in diagnose(scenario).alone if one.setting == "step=1")
    assert change_text(scenario, change).zh == "“金额取整单位”（step）：不作此要求"


def test_the_certificate_bounds_tables_in_steps_only(tmp_path: Path) -> None:
    """Without steps 17 on a's road are worth 4.8; of multiples of 5 no more than 15 are worth 4.6
    and 20 the same as 17: the tiers in steps end there."""
    scenario = stepped(tmp_path, budget=15)
    proof = certify(scenario, reference_of(scenario).points, [])
    best = solve(scenario).objective
    assert proof.bound >= best
    finer = certify(scenario.replace(step=1), reference_of(scenario).points, [])
    assert proof.bound <= finer.bound


def test_moves_are_made_in_steps(tmp_path: Path) -> None:
    scenario = stepped(tmp_path, step={"column": "by"}, lot=3)
    table = allocation_of_rows([[15, 12], [5, 0]])
    judge = SwapJudge(scenario, table, reference_of(scenario).points)
    assert (judge.unit((0, 0)), judge.unit((0, 0), (0, 1))) == (5, 10)
    assert [judge.lot((0, task)) for task in (0, 1)] == [5, 4]


def test_an_explanation_speaks_of_as_much_money_as_the_step(tmp_path: Path) -> None:
    solution = solve(stepped(tmp_path, budget=15))
    for lang, told in (("zh", "再多5coins，用在"), ("en", "5 more (coins) does most in")):
        page = explanation_page(explain(solution, "a"), Words(lang), solution)
        said = [part.text for part in page.parts if isinstance(part, Paragraph)]
        assert any(told in text for text in said), said


def test_it_is_said_in_both_languages(tmp_path: Path) -> None:
    scenario = stepped(tmp_path)
    assert sentence_of("step", scenario, "zh").startswith("每县每项工作的资金是5coins的整数倍")
    assert "a whole multiple of 5 coins" in sentence_of("step", scenario, "en")


def test_the_workbook_counts_odd_amounts_live(tmp_path: Path) -> None:
    path = write_book(tmp_path / "book.xlsx", stepped(tmp_path), [[15, 10], [5, 0]])
    page = openpyxl.load_workbook(path)[LIMITS["zh"]]
    row = next(row for row in page.iter_rows(min_row=5) if row[0].value == "金额取整单位")
    assert "INT(" in str(row[4].value) and row[5].value == 0


@st.composite
def in_steps(draw: st.DrawFn, made: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """A world whose money comes in steps, the same for all or by the task."""
    parts = draw(made)
    step = draw(st.sampled_from([2, 3, {"column": "least"}]))
    return {**parts, "scenario": {**parts["scenario"], "step": step}}


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(in_steps(worlds(counties=3, tasks=2, budget=40, rules=3)))
def test_the_model_says_of_every_table_what_the_audit_says(parts: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load(write_world(Path(folder), **parts))
        except InputError:
            return
    model = with_whole_money(formulate(scenario, reference_of(scenario).points))
    for table in tables(scenario, 4):
        agree(scenario, model, table)
        even = table.amounts // scenario.steps * scenario.steps
        agree(scenario, model, allocation_of_rows(even))


@pytest.mark.slow
def test_random_worlds_in_steps_are_solved_and_kept() -> None:
    checked(40, in_steps(worlds(counties=5, tasks=3)), check_world, {"solved": 0.2})


@pytest.mark.slow
def test_brute_force_finds_nothing_better_in_steps() -> None:
    made = in_steps(worlds(counties=2, tasks=2, budget=7, rules=2))
    checked(80, made, _solved_and_proved, {"solved": 0.15})


def _solved_and_proved(parts: dict[str, Any]) -> str:
    """As `check_by_brute_force`; the certificate is no less than the best either."""
    told = check_by_brute_force(parts)
    if told == "solved":
        with tempfile.TemporaryDirectory() as folder:
            best = solve(load(write_world(Path(folder), **parts)), units="exact")
        assert best.quality.bound_proved is not None
        assert best.quality.bound_proved >= best.objective - best.audit.penalty
    return told
