"""Proofs by cases: no bound is below what a case holds, and no forged one passes."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import inf
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allot
from models.case_proof import (
    HEADER,
    NAME,
    Case,
    CaseAnswer,
    CaseProof,
    case_proof_csv,
    read_case_proof,
)
from models.certificate import Multiplier
from models.errors import InputError
from models.files import csv_text
from models.scenario import Scenario, load
from optimizer.audit.case_bounds import _hull, bounded
from optimizer.audit.certify import certify_by_county
from optimizer.audit.limits import budget_form, limit_forms
from optimizer.problem import Problem
from optimizer.records import read_record
from optimizer.sensitivity import certified_by_case
from optimizer.solvers.base import Clock, Limit
from optimizer.strategies import ProblemModels
from optimizer.verify import verify
from optimizer.verify.replayed_cases import check_cases
from tests.enumerator import Enumerator, Table
from tests.forging import put, tell
from tests.small_programmes import programme
from tests.test_decomposition import BASE
from tests.worlds import rule, write_world

FAR = Limit(2000, Clock(None))


# By hand: two towns, two works, each of 10 coins at 0.5 jobs and then 20 at 0.2; a lot of 10.


def of_budget(price: str) -> tuple[Multiplier, ...]:
    return (Multiplier("budget", (), "upper", Fraction(price)),)


def of_rule(price: str) -> tuple[Multiplier, ...]:
    return (Multiplier("r", (), "upper", Fraction(price)),)


def in_town(town: str, tasks: str, said: str) -> CaseAnswer:
    return CaseAnswer(town, tuple(tasks.split()), said)


def two_towns(folder: Path) -> Scenario:
    weights = {"weights": {"jobs": 1, "firms": 0}, "normalise": "none"}
    return load(write_world(folder, {"budget": 20, "lot": 10, "objective": weights}))


def test_a_proof_by_cases_comes_to_what_is_worked_out_by_hand(tmp_path: Path) -> None:
    """With 20 coins no more than 10 jobs come about. At 0.4 points a coin the budget is worth 8,
    and each cell its first 10 coins less their price, 1: no more than two in a town, for which
    20 coins are enough."""
    cases = (
        Case(),
        Case(0, in_town("a", "road", "yes"), 0),  # 8 + 1 + 2
        Case(0, in_town("a", "road", "no")),
        Case(2, in_town("b", "road", "<=4"), 0),  # less than a lot: 8 + 2 + 1
        Case(2, in_town("b", "road", ">=5"), 1),  # At 0.5 a coin: 10, and no cell is worth more.
    )
    points = {"jobs": Fraction(1), "firms": Fraction(0)}
    proof = CaseProof(Fraction(10), cases, (of_budget("0.4"), of_budget("0.5")))
    made = bounded(two_towns(tmp_path), points, proof)
    assert made is not None
    assert [made.cases[at].points for at in made.last] == [11, 11, 10]
    assert made.bound == 11
    # Nothing in a town costs two points: what is left out of the first case brings 10.
    cut = replace(proof, cut=Fraction(11), cases=(Case(prices=0),))
    assert [bounded(two_towns(tmp_path), points, cut).bound] == [12]  # type: ignore[union-attr]


def test_a_soft_limit_counts_up_to_its_price(tmp_path: Path) -> None:
    """A coin costs 0.4 by the budget and 0.1 by the limit: what the first coins bring."""
    few = rule(id="few", at_most=4, soft={"price": "0.1"})
    weights = {"weights": {"jobs": 1, "firms": 0}, "normalise": "none"}
    given = load(
        write_world(tmp_path, {"budget": 20, "lot": 10, "objective": weights, "rules": [few]})
    )
    points, found = {"jobs": Fraction(1), "firms": Fraction(0)}, []
    for price in ("0.1", "5"):
        dear = (*of_budget("0.4"), Multiplier("few", (), "upper", Fraction(price)))
        made = bounded(given, points, CaseProof(Fraction(0), (Case(prices=0),), (dear,)))
        assert made is not None
        found.append(made.bound)
    assert found == [Fraction("8.4"), Fraction("8.4")]  # 20 × 0.4 + 4 × 0.1, and cells at 0.5.


def one_road(
    folder: Path, rates: tuple[str, str], prices: tuple[Multiplier, ...], *rules: dict[str, Any]
) -> Fraction:
    """What is proved of one town and one work that 20 coins are there for, each of which brings
    jobs at a point and firms at a third of one."""
    tiers = [["a", "road", 1, 20, *rates]]
    parts: dict[str, Any] = {"counties": {"a": {"people": 1}}, "tasks": {"road": {}}}
    given = load(write_world(folder, {"budget": 20, "rules": [*rules]}, tiers=tiers, **parts))
    points = {"jobs": Fraction(1), "firms": Fraction(1, 3)}
    proof = CaseProof(Fraction(-(10**6)), (Case(prices=0),), (prices,))
    made = bounded(given, points, proof)
    assert made is not None and made.bound is not None
    return made.bound


def test_the_price_of_what_money_takes_away_is_rounded_down(tmp_path: Path) -> None:
    """A coin brings a million jobs and takes half as many firms again, each a third of a point: 20
    coins are worth ten million. Were a firm to count as a little more, less would be proved."""
    bound = one_road(tmp_path, ("1000000", "-1500000"), of_budget("0"))
    assert 10**7 <= bound < 10**7 + Fraction(1, 100)


def test_only_what_whole_money_moves_in_whole_units_is_rounded(tmp_path: Path) -> None:
    """A coin brings half a job. 4.5 jobs are 9 coins, so that 4 jobs are no bound; of 4.5 coins, 4
    are one. Missed at 0.1 a coin that limit counts as it is written: 20 coins bring 10 jobs for
    15.5 times 0.1."""
    jobs = rule(id="r", measure="jobs", at_most="4.5")
    assert one_road(tmp_path / "jobs", ("0.5", "0"), of_rule("1"), jobs) == Fraction("4.5")
    coins = rule(id="r", at_most="4.5")
    assert one_road(tmp_path / "coins", ("0.5", "0"), of_rule("0.5"), coins) == 2
    soft, prices = {**coins, "soft": {"price": "0.1"}}, (*of_rule("0.1"), *of_budget("0.4"))
    assert one_road(tmp_path / "soft", ("0.5", "0"), prices, soft) == Fraction("8.45")


def test_numbers_that_64_bits_do_not_hold_prove_nothing(tmp_path: Path) -> None:
    points = {"jobs": Fraction(10**30), "firms": Fraction(0)}
    proof = CaseProof(Fraction(0), (Case(prices=0),), (of_budget("1"),))
    assert bounded(two_towns(tmp_path), points, proof) is None


FUNDS = in_town("a", "road", "yes")
NOT = in_town("a", "road", "no")
UNPROVED: dict[str, tuple[tuple[Case, ...], str]] = {
    "the first is neither bounded nor parted": ((Case(),), "case 0"),
    "a part is neither": ((Case(), Case(0, FUNDS, 0), Case(0, NOT)), "case 2"),
    "only one part": ((Case(), Case(0, FUNDS, 0)), "case 0"),
    "the same part twice": ((Case(), Case(0, FUNDS, 0), Case(0, FUNDS, 0)), "case 0"),
    "three parts": ((Case(), *(Case(0, one, 0) for one in (FUNDS, NOT, NOT))), "case 0"),
    "parts of two towns": (
        (Case(), Case(0, FUNDS, 0), Case(0, in_town("b", "road", "no"), 0)),
        "case 0",
    ),
    "money left out between the parts": (
        (Case(), *(Case(0, in_town("a", "road", one), 0) for one in ("<=4", ">=6"))),
        "case 0",
    ),
    "prices that are not there": ((Case(prices=1),), "case 0"),
}


@pytest.mark.parametrize("name", UNPROVED)
def test_a_proof_that_leaves_a_case_open_is_refused_with_its_number(name: str) -> None:
    cases, number = UNPROVED[name]
    with pytest.raises(InputError, match=rf"{number}: (is parted|has prices)"):
        read_case_proof(case_proof_csv(CaseProof(Fraction(0), cases, (of_budget("0.4"),))))


def test_a_proof_of_bounded_cases_that_hold_everything_is_read() -> None:
    cases = (Case(), Case(0, FUNDS, 0, Fraction(1)), Case(0, NOT, 0, Fraction(2)))
    proof = CaseProof(Fraction(0), cases, (of_budget("0.4"),))
    assert read_case_proof(case_proof_csv(proof)) == proof


SHARES = st.builds(Fraction, st.integers(0, 40), st.sampled_from([1, 1, 3, 7]))
TIERS = st.tuples(st.integers(1, 7), st.integers(-900, 900), st.integers(-900, 900))


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tiers=st.lists(TIERS, min_size=1, max_size=3), points=st.tuples(SHARES, SHARES, SHARES))
def test_the_bound_of_one_cell_is_never_below_its_exact_best_whatever_is_rounded(
    tmp_path: Path, tiers: list[tuple[int, int, int]], points: tuple[Fraction, ...]
) -> None:
    """One town, one work, 12 coins: no other cell makes up for what rounding takes away. Exactly,
    the budget counts 12 prices, and the cell its best amount less the price of each coin."""
    jobs, firms, price = points
    rows = [["a", "road", at, w, j / 1000, f / 1000] for at, (w, j, f) in enumerate(tiers, 1)]
    parts = {"counties": {"a": {"people": 1}}, "tasks": {"road": {}}, "tiers": rows}
    town = load(write_world(tmp_path, {"budget": 12}, **parts))
    coins = [(jobs * j + firms * f) / 1000 - price for wide, j, f in tiers for _ in range(wide)]
    coins += [-price] * 12
    best = 12 * price + max(sum(coins[:money], Fraction(0)) for money in range(13))
    prices = (Multiplier("budget", (), "upper", price),)
    proof = CaseProof(Fraction(-(10**6)), (Case(prices=0),), (prices,))
    made = bounded(town, {"jobs": jobs, "firms": firms}, proof)
    assert made is not None and made.bound >= best
    if coins[:12] == sorted(coins[:12], reverse=True):
        assert made.bound - best < Fraction(1, 10**9)


# Against all tables of tiny programmes.


def split_of(draw: Random, world: dict[str, Any]) -> tuple[CaseAnswer, CaseAnswer]:
    """Any two answers that leave nothing out."""
    county, tasks = draw.choice(list(world["counties"])), list(world["tasks"])
    if draw.random() < 0.5:
        some = tuple(task for task in tasks if draw.random() < 0.6)
        one = CaseAnswer(county, some, draw.choice(["yes", "no"]))
    else:
        one = CaseAnswer(county, (draw.choice(tasks),), f"<={draw.randint(0, 12)}")
    return one, one._replace(said=one.other)


def holds(answer: CaseAnswer, world: Enumerator, table: Table) -> bool:
    money = {task: table[world.cells.index((answer.county, task))] for task in world.world["tasks"]}
    if answer.end is None:
        same = {task for task in money if money[task]} == set(answer.tasks)
        return same == (answer.said == "yes")
    sign, end = answer.end
    mine = money[answer.tasks[0]]
    return mine <= end if sign == "<=" else mine >= end


def case_of(proof: CaseProof, world: Enumerator, table: Table) -> int:
    """The last case that holds a table: there is one."""
    (found,) = (
        at for at in proof.last if all(holds(answer, world, table) for answer in answers(proof, at))
    )
    return found


def answers(proof: CaseProof, at: int) -> Iterator[CaseAnswer]:
    case = proof.cases[at]
    while case.of is not None and case.answer is not None:
        yield case.answer
        case = proof.cases[case.of]


def drawn(draw: Random, parts: dict[str, Any], given: Scenario, cut: Fraction) -> CaseProof:
    """A proof with any cases and any multipliers."""
    forms = [*limit_forms(given), budget_form(given)]
    vectors = [
        tuple(
            Multiplier(form.rule, form.key, side, Fraction(draw.randint(0, 9), 7))
            for form in forms
            for side in ("lower", "upper")
            if draw.random() < draw.choice([0, 0.4, 1])
        )
        for _ in range(4)
    ]
    cases = [Case(prices=0)]
    for _ in range(draw.randint(0, 5)):
        at = draw.choice([n for n, case in enumerate(cases) if case.prices is not None])
        cases[at] = replace(cases[at], prices=None)
        cases += [Case(at, one, draw.randrange(4)) for one in split_of(draw, parts)]
    none = (Multiplier("budget", (), "upper", Fraction(0)),)
    return CaseProof(cut, tuple(cases), tuple(one or none for one in vectors))


@pytest.mark.slow
def test_whatever_cases_and_multipliers_no_table_is_worth_more_than_its_case(
    tmp_path: Path,
) -> None:
    """Rules of every form, rates that rise or cost, locks, money outside."""
    held = same = 0
    for number in range(50):
        parts, draw = programme(2, number), Random(number)
        (tmp_path / str(number)).mkdir()
        given, world = load(write_world(tmp_path / str(number), **parts)), Enumerator(parts)
        points = Problem.of(given).reference.points
        best = max(world.best_of_parts(lambda table: 0).values(), default=Fraction(0))
        proof = drawn(draw, parts, given, best - draw.choice([0, 2, 10, 100]))
        vectors = proof.prices
        made = bounded(given, points, proof)
        assert made is not None
        assert read_case_proof(case_proof_csv(made)) == made
        for at, worth in world.best_of_parts(lambda t, of=made, w=world: case_of(of, w, t)).items():
            bound = made.cases[at].points
            assert worth <= max(made.cut, -inf if bound is None else bound), (number, at)
            held += 1
        uncut = replace(proof, cases=(Case(prices=0),), cut=Fraction(-(10**6)))
        whole, alone = bounded(given, points, uncut), certify_by_county(given, points, vectors[0])
        if alone is not None and whole is not None:
            # The other reading does not round caps down to whole money, and also looks at what a
            # county's cells are worth by themselves.
            same += abs(whole.bound - alone.bound) <= Fraction(1, 10**9) * (1 + abs(alone.bound))
    assert held > 60
    assert same > 30


def coming_apart(parts: dict[str, Any]) -> dict[str, Any]:
    """The world with a lot, and nothing that an outcome takes away."""
    scenario = parts["scenario"]
    rules = [one for one in scenario["rules"] if one["measure"] not in ("jobs", "cost")]
    weights = {"weights": {"jobs": 1, "cost": 0}, "normalise": "none"}
    lot = scenario.get("lot") or 2
    return {**parts, "scenario": {**scenario, "lot": lot, "objective": weights, "rules": rules}}


@pytest.mark.slow
def test_the_best_of_all_tables_is_proved_to_be_the_best_in_whole_units(tmp_path: Path) -> None:
    shown = closed = 0
    for number in range(120):
        parts = coming_apart(programme(3, number))
        best = Enumerator(parts).best().worth
        if best is None:
            continue
        (tmp_path / str(number)).mkdir()
        given = load(write_world(tmp_path / str(number), **parts))
        for share in (Fraction(1), Fraction(3, 4)):
            made = certified_by_case(ProblemModels(Problem.of(given)), best * share, FAR)
            if made is not None:
                assert made.bound >= best, number
                shown += 1
                closed += made.bound - best < Fraction(1, 10**8) * (1 + abs(best))
    assert shown > 30
    assert closed >= 0.9 * shown


@pytest.mark.slow
def test_the_first_base_is_proved_to_a_millionth_by_few_cases() -> None:
    models, best = ProblemModels(Problem.of(load(BASE))), Fraction("0.9843651306500546")
    made = certified_by_case(models, best, Limit(200, Clock(None)))
    assert made is not None
    assert len(made.last) < 100
    assert 0 <= made.bound - best < Fraction(2, 10**6)


# A record.


def six_towns() -> dict[str, Any]:
    """Whose best whole-unit table is proved by some forty cases."""
    draw, towns, works = Random(2), [f"c{n}" for n in range(6)], ["road", "school", "farm"]
    tiers = [
        [town, work, tier, width, f"{draw.uniform(0.5, 1) * times:.2f}", f"{times / 3:.2f}"]
        for town in towns
        for work in works
        for tier, width, times in ((1, 7, 1), (2, 12, 0.4))
    ]
    rules = [
        rule(id="cells", measure="cells", at_most=9),
        rule(id="floor", per=["county"], at_least=8),
        rule(id="farm", where={"task": "farm"}, at_least={"share": "0.3", "of": "amount"}),
    ]
    scenario = {"budget": 97, "lot": 5, "rules": rules}
    counties = {town: {"people": 100 + at} for at, town in enumerate(towns)}
    tasks: dict[str, Any] = {work: {} for work in works}
    return {"scenario": scenario, "counties": counties, "tasks": tasks, "tiers": tiers}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `allot solve … --gap 0 -o` writes it."""
    folder = tmp_path_factory.mktemp("towns")
    path, to = write_world(folder, **six_towns()), folder / "record"
    ran = subprocess.run(
        [sys.executable, "-m", "cli", "solve", path, "--gap", "0", "-o", to, "--lang", "en"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert "proved within 0.000001% of the best possible" in " ".join(ran.stdout.split())
    return to


def test_a_record_of_no_gap_proves_its_answer_by_cases(record: Path) -> None:
    found, said = verify(record), json.loads((record / "manifest.json").read_text("utf-8"))
    assert found.good
    assert NAME in {check.name for check in found.checks}
    assert found.proven is not None and found.objective is not None
    assert 0 <= found.proven.bound - found.objective < Fraction(1, 10**8)
    told = said["certificate"]
    assert Fraction(told["by_case"]) == found.proven.bound < Fraction(told["by_county"])
    assert said["result"]["bound_proved"] == told["by_case"]
    assert said["result"]["source"] == "proved"
    proof = read_record(record).by_case
    assert proof is not None
    assert 5 < len(proof.last) <= 1000
    assert {answer.end is None for case in proof.cases if (answer := case.answer)} == {True, False}


def test_a_solve_within_a_gap_parts_nothing() -> None:
    assert allot.solve(load(_three_towns()), repaired=False).by_case is None


def _three_towns() -> Path:
    return Path(__file__).parent / "example" / "three-towns.yaml"


Rows = list[list[str]]


def rows_of(record: Path) -> Rows:
    text = (record / NAME).read_text("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


Check = Callable[[Rows], tuple[str, ...]]


@pytest.fixture(scope="module")
def check(record: Path) -> Check:
    """What is said of the record with other lines; nothing where they pass."""
    solution = read_record(record)
    points = Problem.of(solution.scenario).reference.points

    def said(rows: Rows) -> tuple[str, ...]:
        assert solution.by_case is not None
        content = csv_text(HEADER, rows).encode()
        made, _ = check_cases(solution.scenario, points, content, solution.by_case.bound)
        return tuple(f"{one.place}: {one.column}{one.message}" for one in made.differences)

    return said


def at_case(rows: Rows, number: int) -> int:
    return next(at for at, row in enumerate(rows) if row[:2] == ["case", str(number)])


def test_cases_that_leave_something_out_are_named(record: Path, check: Check) -> None:
    rows, proof = rows_of(record), read_record(record).by_case
    assert proof is not None and check(rows) == ()
    last = proof.last[-1]
    of = proof.cases[last].of

    def forged(change: Any) -> str:
        mine = [list(row) for row in rows]
        change(mine)
        return "; ".join(check(mine))

    wrong = f"case {of}: is parted otherwise than into two that hold all of it"
    assert wrong in forged(lambda mine: mine.pop(at_case(mine, last)))
    money = next(at for at in proof.last if (a := proof.cases[at].answer) and a.end is not None)
    whose = proof.cases[money].of

    def widened(mine: Rows) -> None:
        row = mine[at_case(mine, money)]
        row[5] = row[5][:2] + str(int(row[5][2:]) + (1 if row[5][0] == "<" else -1))

    assert f"case {whose}: is parted otherwise" in forged(widened)
    task = next(at for at in proof.last if (a := proof.cases[at].answer) and a.end is None)

    def other_way(mine: Rows) -> None:
        row = mine[at_case(mine, task)]
        row[5] = "no" if row[5] == "yes" else "yes"

    assert f"case {proof.cases[task].of}: is parted otherwise" in forged(other_way)

    def of_another(mine: Rows) -> None:
        mine[at_case(mine, last)][2] = "0"

    assert "is parted otherwise" in forged(of_another)


@pytest.mark.slow
def test_whatever_is_changed_in_a_line_is_named(record: Path, check: Check) -> None:
    """But for a multiplier: another with which as much is proved is as good."""
    rows, draw = rows_of(record), Random(1)
    for at in (0, len(rows) - 1, *draw.sample(range(len(rows)), 12)):
        for column, text in enumerate(rows[at]):
            if HEADER[column] == "multiplier" and text:
                continue
            for other in {"", "1", "no", f"{text}1"} - {text}:
                mine = [list(row) for row in rows]
                mine[at][column] = other
                assert check(mine) != (), (rows[at], HEADER[column], other)
        if rows[at][0] != "limit":
            assert check(rows[:at] + rows[at + 1 :]) != (), rows[at]
        assert check([*rows[: at + 1], *rows[at:]]) != (), rows[at]


def test_another_multiplier_is_told_by_the_case_that_it_bounds(
    record: Path, tmp_path: Path
) -> None:
    forged = tmp_path / "forged"
    shutil.copytree(record, forged)
    rows = rows_of(forged)
    at = next(at for at, row in enumerate(rows) if row[0] == "limit" and row[6] == "1")
    rows[at][10] = "0.001"
    put(forged, NAME, csv_text(HEADER, rows).encode())
    found = verify(forged)
    assert not found.replays and found.proven is None
    mine = [one for check in found.checks if check.name == NAME for one in check.differences]
    (first, *_) = mine
    assert (first.file, first.column) == (NAME, "points")
    assert first.place.startswith("case ")


def test_a_smaller_bound_is_told_whoever_says_it(record: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    shutil.copytree(record, forged)
    tell(forged, lambda told: told["certificate"].update(by_case="1"))
    tell(forged, lambda told: told["result"].update(bound_proved="1"))
    said = {(one.file, one.place) for check in verify(forged).checks for one in check.differences}
    assert ("manifest.json", "certificate.by_case") in said
    tell(forged, lambda told: told["certificate"].pop("by_case"))
    said = {(one.file, one.message) for check in verify(forged).checks for one in check.differences}
    assert (NAME, "is no file of such a record") in said
    with pytest.raises(InputError):
        read_case_proof(b"part,case\n")


STEPS = st.lists(
    st.tuples(st.integers(-(10**18) // 80, 10**18 // 80), st.integers(0, 7)), min_size=1, max_size=4
)


@settings(max_examples=200)
@given(cells=st.lists(STEPS, min_size=1, max_size=3))
def test_the_curve_above_a_cells_tiers_falls_and_is_nowhere_below_what_they_are_worth(
    cells: list[list[tuple[int, int]]],
) -> None:
    """At the end of each tier, in whole numbers; where they fall, it is the tiers themselves."""
    steps = max(map(len, cells))
    filled = [cell + [(0, 0)] * (steps - len(cell)) for cell in cells]
    worth, width = (np.array([[one[at] for one in cell] for cell in filled]) for at in (0, 1))
    curve = _hull(worth, width)
    above = (curve * width).cumsum(axis=1) - (worth * width).cumsum(axis=1)
    assert (above >= 0).all()
    for slopes, wide, true in zip(curve.tolist(), width.tolist(), worth.tolist(), strict=True):
        real = [slope for slope, one in zip(slopes, wide, strict=True) if one]
        assert real == sorted(real, reverse=True)
        rising = [one for one, at in zip(true, wide, strict=True) if at]
        if rising == sorted(rising, reverse=True):
            assert real == rising
