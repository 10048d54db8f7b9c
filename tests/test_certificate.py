"""The certificate is a bound whatever its multipliers, and a close one with the solver's prices."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from models.certificate import EARLY_HEADER, Multiplier, certificate_csv, read_certificate
from models.errors import InfeasibleError, InputError
from models.objective import metric_values
from models.scenario import Scenario, load
from optimizer.audit.certify import certify
from optimizer.audit.limits import limit_forms
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.problem import Problem, reference_of
from optimizer.sensitivity import certified
from optimizer.solve import Options
from optimizer.solvers.highs_lp import row_prices
from optimizer.strategies import ProblemModels
from tests.random_worlds import worlds
from tests.worlds import rule, world, write_world

QUICKLY = Options(units="exact", repaired=False, certificate=False)
CALM: Any = {"deadline": None, "suppress_health_check": list(HealthCheck)}
ROOT = Path(__file__).parents[1]


def loaded(parts: dict[str, Any]) -> Scenario:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return load(write_world(Path(folder), **parts))
        except InputError:
            assume(False)
            raise


def worth_of(scenario: Scenario) -> Fraction:
    try:
        solution = solve(scenario, QUICKLY)
    except InfeasibleError:
        assume(False)
        raise
    return solution.objective - solution.audit.penalty


@pytest.mark.slow
@settings(max_examples=80, **CALM)
@given(worlds(), st.data())
def test_the_solvers_prices_and_any_multipliers_give_a_bound(
    parts: dict[str, Any], data: st.DataObject
) -> None:
    scenario = loaded(parts)
    worth = worth_of(scenario)
    certificate = certified(ProblemModels(Problem.of(scenario)))
    assert certificate is not None
    assert worth <= certificate.bound
    value = st.fractions(0, 3, max_denominator=50)
    names = [(form.rule, form.key) for form in limit_forms(scenario)] + [("budget", ())]
    multipliers = [
        Multiplier(name, key, side, data.draw(value))
        for name, key in names
        for side in ("lower", "upper")
    ]
    assert worth <= certify(scenario, metric_values(scenario, {}), multipliers).bound


def test_a_bound_that_can_be_added_up_by_hand(tmp_path: Path) -> None:
    """Four cells, 10 at 0.5 and 20 at 0.2; 45 of budget at a price of 0.2 is 9; then a cell is
    worth most with its first 10: (0.5 − 0.2) × 10 = 3. 9 + 4 × 3 = 21, the optimum itself."""
    scenario = world(tmp_path, {"budget": 45})
    price = Multiplier("budget", (), "upper", Fraction("0.2"))
    certificate = certify(scenario, metric_values(scenario, {}), [price])
    assert [line.points for line in certificate.limits] == [9]
    assert [line.points for line in certificate.cells] == [3, 3, 3, 3]
    assert certificate.bound == 21
    assert certified(ProblemModels(Problem.of(scenario))) == certificate


def test_a_multiplier_of_a_soft_rule_counts_up_to_its_price(tmp_path: Path) -> None:
    soft = rule(at_most=5, soft={"price": "0.3"})
    scenario = world(tmp_path, {"budget": 60, "rules": [soft]})
    points = metric_values(scenario, {})
    steep = certify(scenario, points, [Multiplier("r", (), "upper", Fraction(9))])
    assert [line.multiplier.value for line in steep.limits] == [Fraction("0.3")]
    # 0.3 × 5, and each cell's first 10 at 0.5 − 0.3.
    assert steep.bound == Fraction("1.5") + 8


def test_a_negative_multiplier_counts_as_none(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"budget": 45})
    points = metric_values(scenario, {})
    wrong = certify(scenario, points, [Multiplier("budget", (), "upper", Fraction(-1))])
    assert wrong == certify(scenario, points, [])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["@2020-first", "@jobs-first", "@no-integer-rules"])
def test_it_reaches_the_linear_bound_of_the_shipped_scenarios(name: str) -> None:

    scenario = load(f"{ROOT / 'scenarios' / 'base-2020.yaml'}{name}")
    values = reference_of(scenario).points
    certificate = certified(ProblemModels(Problem.of(scenario)))
    priced = row_prices(formulate(scenario, values))
    assert certificate is not None and priced is not None
    # The model moves the bands to whole units, 240 for 239.4; the certificate adds them as written.
    room = 1e-6 if name == "@2020-first" else 5e-4
    assert -1e-6 <= float(certificate.bound) / priced[1] - 1 <= room


def test_a_limit_for_funded_groups_is_priced_once_for_the_group(tmp_path: Path) -> None:
    """One county, two tasks, 40 if it gets anything. With 0.1 on that and 0.3 on the budget a cell
    is worth (0.5 − 0.3 + 0.1) × 10 and half of −0.1 × 40: 1 each, and 0.3 × 45 = 13.5."""
    funded = rule(at_least=40, per="county", if_funded=True)
    scenario = world(tmp_path, {"budget": 45, "rules": [funded]}, counties={"a": {"people": 1}})
    multipliers = [
        Multiplier("budget", (), "upper", Fraction("0.3")),
        Multiplier("r", (("county", "a"),), "lower", Fraction("0.1")),
    ]
    certificate = certify(scenario, metric_values(scenario, {}), multipliers)
    assert [line.points for line in certificate.cells] == [1, 1]
    assert certificate.bound == Fraction("15.5")
    assert worth_of(scenario) == 15


def test_funded_counties_are_priced_at_their_cells_mean(tmp_path: Path) -> None:
    """At most one county: 2 for the limit, and −2 for a funded county over its two cells."""
    one = rule(measure="counties", at_most=1)
    scenario = world(tmp_path, {"budget": 45, "rules": [one]})
    multipliers = [Multiplier("r", (), "upper", Fraction(2))]
    certificate = certify(scenario, metric_values(scenario, {}), multipliers)
    # 10 × 0.5 + 20 × 0.2 − 1 in each of the four cells.
    assert [line.points for line in certificate.cells] == [8, 8, 8, 8]
    assert certificate.bound == 34


def test_each_cell_says_its_cap_and_which_rule_it_is_from(tmp_path: Path) -> None:
    rules = [
        rule(id="cap", where={"county": "b"}, per=["task"], at_most=12),
        rule(id="wider", where={"county": "b"}, at_most=13),
        rule(id="soft", at_most=1, soft={"price": 1}),
        rule(id="share", where={"task": "road"}, at_most={"share": "0.1", "of": "amount"}),
    ]
    body = {
        "budget": 45,
        "lot": 3,
        "rules": rules,
        "locks": [{"county": "b", "task": "road", "amount": 9}],
        "ineligible": [{"where": {"county": "a", "task": "school"}, "reason": "no"}],
    }
    scenario = world(tmp_path, body)
    certificate = certify(scenario, metric_values(scenario, {}), [])
    found = {(one.county, one.task): (one.cap, one.cap_rule) for one in certificate.cells}
    assert found == {
        ("a", "road"): (45, "budget"),
        ("a", "school"): (0, "eligibility"),
        ("b", "road"): (9, "locks"),
        ("b", "school"): (12, "cap"),
    }
    assert {one.lot for one in certificate.cells} == {3}
    assert read_certificate(certificate_csv(certificate)) == certificate
    early = read_certificate(certificate_csv(certificate, EARLY_HEADER))
    assert {(one.cap, one.cap_rule) for one in early.cells} == {(None, "")}


def test_without_a_lot_any_part_of_a_unit_is_a_funded_cell(tmp_path: Path) -> None:
    """One cell of two at most, and no more than half a unit in any: in parts the better one has
    its half, 0.5 × 0.5; in whole units there is none, and nothing better is proved of either."""
    cells = rule(id="cells", measure="cells", at_most=1)
    half = rule(id="half", at_most="0.5", per=["county", "task"])
    tiers = [["a", "road", 1, 10, "0.5", "0"], ["b", "road", 1, 10, "0.3", "0"]]
    parts = {"tiers": tiers, "tasks": {"road": {}}}
    scenario = world(tmp_path, {"budget": 10, "rules": [cells, half]}, **parts)
    parted = solve(scenario, units="continuous", repaired=False)
    assert parted.audit.broken == ()
    assert float(parted.objective) == pytest.approx(0.25, rel=1e-5)
    assert parted.bound_proved is not None and parted.bound_proved >= parted.objective
    whole = solve(scenario, repaired=False)
    assert (whole.objective, whole.bound_proved, whole.source) == (0, 0, "proved")


def test_a_priced_count_of_cells_is_worth_its_price_next_to_no_money(tmp_path: Path) -> None:
    """Three cells are due, at 2 each: a cell with next to nothing has that, with its first unit
    1 × (0.5 − 3) less. In whole units a unit is the least."""
    scenario = world(tmp_path, {"budget": 45, "rules": [rule(measure="cells", at_least=3)]})
    points = metric_values(scenario, {})
    multipliers = [
        Multiplier("r", (), "lower", Fraction(2)),
        Multiplier("budget", (), "upper", Fraction(3)),
    ]
    whole = certify(scenario, points, multipliers)
    parted = certify(scenario, points, multipliers, whole=False)
    assert [line.points for line in whole.cells] == [0, 0, 0, 0]
    assert [line.points for line in parted.cells] == [2, 2, 2, 2]
