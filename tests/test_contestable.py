"""Contestable money: worked by hand in two places; read again in exact numbers on the base."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from models.allocation import Allocation
from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.problem import reference_of
from optimizer.study.assumption_table import assumptions
from optimizer.study.batch import Changes, solve_many
from optimizer.study.contestable import Contestable, contestable
from optimizer.study.design import Paths
from optimizer.study.hashed_draws import Draws
from optimizer.study.redrawn import RedrawnTable
from reports.catalogue import Words
from reports.documents.contest_page import contest_csv, contest_page
from reports.html.html_document import document_html
from tests.worlds import rule, world

BASE = Path(__file__).parent.parent / "scenarios" / "base-2020.yaml"


def two_places(folder: Path, *rules: dict[str, Any]) -> Scenario:
    """A coin in a's road brings 1 job, one in b's school 0.9; 20 coins."""
    tiers = [["a", "road", 1, 20, "1", "0"], ["b", "school", 1, 20, "0.9", "0"]]
    return world(folder, {"budget": 20, "rules": list(rules)}, tiers=tiers)


def all_in_a(scenario: Scenario) -> Allocation:
    amounts = np.zeros(scenario.programme.shape, dtype=object)
    amounts[0, 0] = 20
    return Allocation(amounts)


SCHOOLS = {"*": "held", "rates.jobs.school": {"between": ["1", "4/3"], "shape": "discrete"}}
"""b's school brings 0.9 jobs a coin, or 1.2."""


def drawn(scenario: Scenario, **asked: Any) -> Contestable:
    asked = {"sample": SCHOOLS, "draws": 40, **asked}
    return contestable(scenario, table=all_in_a(scenario), **asked)


@pytest.mark.slow
def test_money_moves_only_as_far_as_the_share_given_up_asks_for(tmp_path: Path) -> None:
    """At 1.2 all in b brings 24 jobs. 22.776 are due with 5.1% given up; 14 coins there make 22.8.
    At 0.9 the proposal is the best there is."""
    found = drawn(two_places(tmp_path), give="5.1%")
    high = found.drawn.values["rates.jobs.school"] > 1.1
    assert 0 < high.sum() < 40
    assert found.count("moved") == high.sum() and found.count("kept") == 40 - high.sum()
    for one, is_high in zip(found.tables, high, strict=True):
        assert one.moved == (14 if is_high else 0)
        assert one.before == 20 and one.worth == (Fraction(114, 5) if is_high else 20)
    a, b = found.counties
    assert (a.now, a.low, a.high, a.changed) == (20, 6, 20, high.sum())
    assert (b.now, b.low, b.high, b.funded) == (0, 0, 14, high.sum())
    assert [found.stance(one) for one in found.counties] == ["data", "data"]
    assert a.driver is not None and a.driver.path == "rates.jobs.school"
    assert a.related == pytest.approx(-1) and b.related == pytest.approx(1)
    ((first, counties, wide),) = found.first
    assert (first.path, counties, wide) == ("rates.jobs.school", 2, 28)


def test_the_ends_of_a_range_are_what_a_twentieth_and_all_but_one_of_the_draws_are_at_or_below(
    tmp_path: Path,
) -> None:
    """50 draws give a 50, 49 … 1 coins: 3 of them, a twentieth and more, are at or below 3 and no
    fewer coins; 48, nineteen twentieths and more, at or below 48."""
    scenario = two_places(tmp_path)
    tables = tuple(RedrawnTable("moved", None, amounts=(n, 0, 0, 7)) for n in range(50, 0, -1))
    drawn = Draws(1, range(1, 51), {})
    assumed = assumptions(scenario)
    found = Contestable(scenario, all_in_a(scenario), assumed, drawn, Fraction(0), tables)
    assert [(one.low, one.high) for one in found.counties] == [(3, 48), (7, 7)]
    told = {one.place: (one.low, one.high) for one in found.cells}
    assert told == {("a", "road"): (3, 48), ("b", "school"): (7, 7)}


def test_where_nearly_all_may_be_given_up_nothing_moves(tmp_path: Path) -> None:
    found = drawn(two_places(tmp_path), give="20%")
    assert found.count("kept") == 40 and not found.first
    assert [found.stance(one) for one in found.counties] == ["safe", "safe"]


def test_a_county_at_a_limit_of_its_own_is_an_argument_about_rules(tmp_path: Path) -> None:
    """b has the nothing that it must have at least; a has room above that."""
    scenario = two_places(tmp_path, rule(id="some", per=["county"], at_least=0))
    found = drawn(scenario, give="20%")
    assert found.holding == {"b": ("some",)}
    assert [found.stance(one) for one in found.counties] == ["safe", "rules"]


@pytest.mark.slow
def test_draws_without_an_allocation_are_counted_by_what_cannot_be_kept(tmp_path: Path) -> None:
    """21 jobs are there only where b's school brings 1.2 a coin."""
    jobs = rule(id="jobs", measure="jobs", at_least=21)
    found = drawn(two_places(tmp_path, jobs))
    high = int((found.drawn.values["rates.jobs.school"] > 1.1).sum())
    assert found.count("infeasible") == 40 - high == found.failing[("jobs",)]
    assert len(found.amounts) == high
    said = contest_page(found, Words("en")).parts
    assert any("there is no allocation: Rule cannot be kept" in str(part) for part in said)


def test_bad_questions_are_refused_all_at_once(tmp_path: Path) -> None:
    scenario = two_places(tmp_path)
    with pytest.raises(InputError) as caught:
        drawn(scenario, give="200%", draws=0)
    assert "at least one draw" in str(caught.value) and "200%" in str(caught.value)
    with pytest.raises(InputError, match="nothing to draw"):
        drawn(scenario, sample={"*": "held"})
    with pytest.raises(InputError, match="has no proposal"):
        contestable(scenario)
    parts = Allocation(all_in_a(scenario).amounts * Fraction(1, 3))
    with pytest.raises(InputError, match="parts of money units"):
        contestable(scenario, table=parts)


# ---- the base: whole choices, taken apart by counties ----


@pytest.fixture(scope="module")
def base() -> Contestable:
    scenario = load(BASE)
    found = solve_many(scenario, Changes(numbers={"budget": [33000]}), gap=3e-4)
    proposal = found.allocation(0)
    assert proposal is not None
    return contestable(scenario, table=proposal, draws=3, within="20%")


def test_each_table_of_the_base_keeps_every_rule_of_its_draw_and_is_good_enough(
    base: Contestable,
) -> None:
    points, paths = reference_of(base.scenario).points, Paths(base.scenario)
    for number, one in enumerate(base.tables):
        assert one.told in ("rearranged", "moved")
        scenario = paths.changed(base.drawn.point(number))
        shape = scenario.programme.shape
        table = Allocation(np.array(one.amounts, dtype=object).reshape(shape))
        audited = audit(scenario, table)
        assert not audited.broken
        worth = sum((points[name] * audited.outcomes[name] for name in points), Fraction(0))
        assert one.worth == worth
        assert one.bound is not None and one.bound * 0.998 <= float(worth) <= one.bound
        assert one.moved == table.moved_between_counties(base.proposal)
        assert one.moved_at_least <= one.moved
    assert base.count("moved") and base.count("rearranged")


@pytest.mark.slow
def test_what_is_given_up_is_counted_from_what_no_answer_exceeds(base: Contestable) -> None:
    changes = Changes(constants=base.drawn.values, keeps_points=True)
    best = solve_many(base.scenario, changes, gap=3e-4)
    for one, worth in zip(base.tables, best.objective, strict=True):
        assert one.bound is not None and one.bound >= worth
        # What must move at least is below what the best table moves.
        assert one.worth is not None and float(one.worth) <= worth + 3e-4
    for number, one in enumerate(base.tables):
        table = best.allocation(number)
        assert table is not None
        assert one.moved_at_least <= table.moved_between_counties(base.proposal)


# ---- what people see ----


def test_every_number_of_the_page_stands_in_both_languages_and_in_the_tables(
    base: Contestable,
) -> None:
    for lang in ("zh", "en"):
        page = document_html(contest_page(base, Words(lang)), Words(lang)).decode()
        assert Words(lang)("page.map.note") in page
        assert page.count("<svg") == 1 and 'class="tile k4"' in page
        for one in base.counties:
            if base.stance(one) == "data":
                assert f"{one.low:,}–{one.high:,}" in page
    tables = contest_csv(base)
    assert len(tables["contestable-counties.csv"].splitlines()) == 89
    assert len(tables["contestable-draws.csv"].splitlines()) == 4
    frame = base.county_frame
    assert (frame["draws"] == 3).all() and frame["stance"].isin(["safe", "data", "rules"]).all()
    assert base.cell_frame["funded"].max() == 3 and len(base.draw_frame) == 3


def test_the_command_says_it_of_a_table_of_a_scenario(tmp_path: Path) -> None:
    scenario = two_places(tmp_path)
    (tmp_path / "given.csv").write_text("county,task,amount\na,road,20\n", encoding="utf-8")
    asked = ["contestable", str(tmp_path / "scenario.yaml"), "--table", str(tmp_path / "given.csv")]
    asked += ["--sample", "*=held", "--sample", "rates.jobs.school=0.9:1.4", "--draws", "4"]
    done = CliRunner().invoke(cli.allot, [*asked, "--json", "--lang", "en"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [one["county"] for one in told["counties"]] == list(scenario.programme.counties.ids)
    done = CliRunner().invoke(cli.allot, [*asked, "--lang", "zh", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "哪些县的资金取决于假定" in done.stdout
    assert (tmp_path / "out" / "contestable.xlsx").is_file()
