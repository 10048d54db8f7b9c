"""Diagnoses of ten conflicts, each worked by hand; what is advised is done, and then it works."""

from __future__ import annotations

import functools
import json
import re
import tempfile
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import sparse

import cli
from models.advice import Change, change_text
from models.errors import InputError
from models.exact import exact_text
from models.scenario import Scenario, load
from optimizer.formulation.matrix import Grid, Model
from optimizer.solve import solve
from optimizer.solvers.effort import Effort
from optimizer.solvers.highs import new_solver, solve_model
from optimizer.why.diagnose import Diagnosis, Member, diagnose
from optimizer.why.ease import Ward
from optimizer.why.elastic import Give, elastic, freed, irreducible
from tests.worlds import rule, write_world

CASES = Path(__file__).parents[2] / "shared" / "cases" / "infeasible"
COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "people": 100, "poor": True, "least": 10},
    "b": {"name_zh": "乙县", "name_en": "Beta", "people": 300, "poor": False, "least": 45},
}
FLOOR = rule(id="floor", title={"zh": "县级下限", "en": "County floor"}, per="county", at_least=30)

CAP, CELLS = ({"zh": name, "en": name} for name in ("Cap", "Cells"))


@dataclass(frozen=True)
class Conflict:
    """A scenario that cannot be kept, and what is to be said of it."""

    scenario: dict[str, Any]
    alone: dict[str, str]
    """Rule (or budget, lot …) → the number it must be changed to, where that alone helps."""
    no_help: set[str] = field(default_factory=set)
    cause: str = "relaxation"
    tasks: dict[str, Any] = field(default_factory=lambda: {"road": {}, "school": {}})


CONFLICTS = {
    # Two floors of 30 are 60.
    "floors of money over the budget": Conflict(
        {"budget": 50, "rules": [FLOOR]}, {"floor": "25", "budget": "60"}
    ),
    # Four cells of 5 are 20.
    "a cap on cells under a floor": Conflict(
        {
            "budget": 100,
            "rules": [
                rule(id="cap", at_most=5, per=["county", "task"]),
                rule(id="all", at_least=40),
            ],
        },
        {"cap": "10", "all": "20"},
        {"budget"},
    ),
    # All of 40 with 30 in b leaves 10, a quarter.
    "a share of all the money against a floor": Conflict(
        {
            "budget": 40,
            "rules": [
                rule(id="poor", where={"poor": True}, at_least={"share": 0.5, "of": "amount"}),
                rule(id="b", where={"county": "b"}, at_least=30),
            ],
        },
        {"poor": "0.25", "b": "20", "budget": "60"},
    ),
    # b has three times the people: 3 × 20 in b for 20 in a where per head is to be the same.
    "money per head": Conflict(
        {
            "budget": 60,
            "rules": [
                rule(
                    id="b-head",
                    where={"county": "b"},
                    per_head="people",
                    at_least={"times": 1.2, "of": "amount"},
                ),
                rule(id="a", where={"county": "a"}, at_least=24),
            ],
        },
        # b gets 36 of 60 at most: 36/300 against 60/400 is 0.8 times; for 1.2 times b needs 0.9
        # of all, so that a gets a tenth.
        {"b-head": "0.8", "a": "6", "budget": "240"},
    ),
    # 10 × 0.5 in each of four cells, then 0.2: 30 coins give 15 jobs, 40 give 20, 45 give 21.
    "a target": Conflict(
        {"budget": 30, "rules": [rule(id="jobs", measure="jobs", at_least=21)]},
        {"jobs": "15", "budget": "45"},
    ),
    # All four cells are to be funded, and three may be; three quarters of each would do.
    "counts of funded cells": Conflict(
        {
            "budget": 60,
            "lot": 5,
            "rules": [
                rule(id="floor", per=["county", "task"], at_least=5),
                rule(id="cells", measure="cells", at_most=3),
            ],
        },
        {"floor": "0", "cells": "4"},
        {"budget"},
        cause="funding",
    ),
    # Floors of 10 and 45 stand in the county table; of 50 whole coins 9 and 41 keep nine tenths.
    "numbers from a table": Conflict(
        {"budget": 50, "rules": [rule(id="least", per="county", at_least={"column": "least"})]},
        {"least": "0.9", "budget": "55"},
    ),
    # 20 in a and 20 in b of 30; with 5 either way 15 and 15.
    "an equality with its room": Conflict(
        {
            "budget": 30,
            "rules": [rule(id="same", per="county", equal=20, within=2)],
        },
        {"same": "5", "budget": "36"},
    ),
    # 40 are locked in a, so that b can get 20 of 60, and a has two thirds.
    "a lock over a share": Conflict(
        {
            "budget": 60,
            "locks": [{"county": "a", "task": "road", "amount": 40}],
            "rules": [
                rule(id="cap", where={"county": "a"}, at_most={"share": 0.5, "of": "amount"})
            ],
        },
        {"cap": "2/3", "locks": "30", "budget": "80"},
    ),
    # A cell is to be funded with at least 20, and none may hold more than 15.
    "a lot over a cap": Conflict(
        {
            "budget": 60,
            "lot": 20,
            "rules": [
                rule(id="cap", per=["county", "task"], at_most=15),
                rule(id="cells", measure="cells", at_least=1),
            ],
        },
        {"cap": "20", "cells": "0", "lot": "15"},
        {"budget"},
    ),
    # 15 each of 31: an odd number of coins cannot be halved.
    "only because coins are whole": Conflict(
        {
            "budget": 31,
            "rules": [
                rule(id="same", where={"county": "a"}, at_least={"share": 0.5, "of": "amount"}),
                rule(id="b", where={"county": "b"}, at_least="15.5"),
            ],
        },
        {"same": "15/31", "b": "15", "budget": "32"},
        cause="units",
    ),
    # The tasks' shares are 0.7 and 0.6 of the budget.
    "shares of the budget from the task table": Conflict(
        {
            "budget": 100,
            "rules": [
                rule(
                    id="shares",
                    per="task",
                    at_least={"share": {"column": "share"}, "of": "budget"},
                )
            ],
        },
        {"shares": ""},
        {"budget"},
        tasks={"road": {"share": 0.7}, "school": {"share": 0.6}},
    ),
}


def write(folder: Path, conflict: Conflict) -> Path:
    return write_world(folder, conflict.scenario, counties=COUNTIES, tasks=conflict.tasks)


def found(folder: Path, conflict: Conflict) -> tuple[Path, Scenario, Diagnosis]:
    path = write(folder, conflict)
    scenario = load(path)
    said = diagnose(scenario)
    assert said is not None and not said.is_feasible
    return path, scenario, said


@functools.cache
def known(name: str) -> tuple[Path, Scenario, Diagnosis]:
    """One of the ten, diagnosed once."""
    return found(Path(tempfile.mkdtemp()), CONFLICTS[name])


def do(path: Path, changes: tuple[Change, ...]) -> Scenario:
    """What the advice says, done as a user would: by `--set`, in a list, in a table."""
    settings = [one.setting for one in changes if one.setting is not None]
    for one in changes:
        for place in one.places:
            assert place.column is not None and place.cell_needed is not None
            file = path.parent / "world" / "tasks.yaml"
            text = file.read_text("utf-8")
            ((_, task),) = place.key
            head, tail = text.split(f"id: {task}\n", 1)
            tail = re.sub(r"share: \S+", f"share: {exact_text(place.cell_needed)}", tail, count=1)
            file.write_text(f"{head}id: {task}\n{tail}", "utf-8")
    scenario = load(path, set_=settings)
    for one in changes:
        if one.field == "locks":
            (lock,) = scenario.spec.locks
            moved = {"county": lock.county, "task": lock.task, "amount": one.needed}
            scenario = scenario.replace(locks=[moved])
        if one.field == "eligibility":
            scenario = scenario.replace(ineligible=[])
    return scenario


@pytest.mark.parametrize("name", CONFLICTS)
def test_each_rule_that_helps_alone_is_told_with_the_number_it_takes(name: str) -> None:
    conflict = CONFLICTS[name]
    _, scenario, said = known(name)
    assert set(said.no_help) == conflict.no_help
    assert {one.rule for one in said.alone} == set(conflict.alone)
    for one in said.alone:
        if not conflict.alone[one.rule]:
            continue
        needed = Fraction(conflict.alone[one.rule])
        assert one.needed == pytest.approx(needed, abs=float(needed) / 10**4), one
    assert said.cause == conflict.cause
    for one in said.alone:
        text = change_text(scenario, one)
        assert one.rule in text.zh + text.en or one.field in ("locks", "lot", "budget")


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_is_advised_is_enough_and_less_is_not(tmp_path: Path, name: str) -> None:
    path, _, said = known(name)
    for at, one in enumerate(said.alone):
        folder = tmp_path / str(at)
        mine = write(folder, CONFLICTS[name])
        done = solve(do(mine, (one,)), repaired=False)
        assert not done.audit.broken
        short = _short_of(one)
        if short is not None and one.is_least:
            ward = Ward(load(path, set_=[short]), solve_model)
            assert ward.is_feasible(ward.model()) is False


def _short_of(one: Change) -> str | None:
    """The same setting, a thousandth of the way short (a whole number for counts)."""
    if one.setting is None or one.now is None or one.needed is None:
        return None
    way = one.needed - one.now
    whole = one.field in ("budget", "lot") or one.rule == "cells"
    short = one.needed - (Fraction(1 if way > 0 else -1) if whole else way / 1000)
    return f"{one.setting.partition('=')[0]}={exact_text(short)}"


@pytest.mark.parametrize("name", CONFLICTS)
def test_the_cheapest_combination_is_enough(tmp_path: Path, name: str) -> None:
    said = known(name)[2]
    assert said.combined
    assert not solve(
        do(write(tmp_path, CONFLICTS[name]), said.combined), repaired=False
    ).audit.broken


@pytest.mark.parametrize("name", CONFLICTS)
def test_no_limit_of_the_appendix_can_be_spared(name: str) -> None:
    """Without the rule of any member the whole set is no conflict any more."""
    path, scenario, said = known(name)
    assert said.conflict
    rules = {one.rule for one in said.conflict}
    assert rules <= {"budget", *(one.id for one in scenario.rules)}
    others = [f"rules.{one.id}.enabled=false" for one in scenario.rules if one.id not in rules]
    ward = Ward(load(path, set_=others), solve_model)
    assert ward.is_feasible(ward.model()) is False
    for name_ in rules - {"budget"}:
        off = [*others, f"rules.{name_}.enabled=false"]
        ward = Ward(load(path, set_=off), solve_model)
        assert ward.is_feasible(ward.model()) is True, name_


def test_the_limits_of_a_conflict_are_named_one_by_one(tmp_path: Path) -> None:
    """Caps of 20 on each county; only b's floor of 25 is above it."""
    rules = [
        rule(id="cap", per="county", at_most=20),
        rule(id="b", per="county", where={"county": "b"}, at_least=25),
    ]
    _, _, said = found(tmp_path, Conflict({"budget": 90, "rules": rules}, {}))
    b = (("county", "b"),)
    assert set(said.conflict) == {Member("cap", b), Member("b", b)}


@pytest.mark.parametrize(
    ("rules", "more", "en"),
    [
        (
            [FLOOR],
            {"budget": 50},
            "County floor needs 60 coins, Budget allows 50 coins",
        ),
        (
            [
                rule(id="cap", title=CAP, at_most=5, per=["county", "task"]),
                FLOOR,
            ],
            {"budget": 90},
            "County floor needs 30 coins, Cap allows 10 coins (Alpha)",
        ),
        (
            [rule(id="jobs", title={"zh": "Jobs", "en": "Jobs"}, measure="jobs", at_least=21)],
            {"budget": 30},
            "Jobs needs 21 jobs; all the money that Budget allows, put where it yields most, "
            "gives 15 jobs",
        ),
        (
            [
                FLOOR,
                rule(id="cells", title=CELLS, measure="cells", at_most=1),
            ],
            {"budget": 90},
            "County floor needs 2 funded cells, Cells allows 1 funded cells",
        ),
        (
            [FLOOR],
            {"budget": 90, "ineligible": [{"where": {"county": "a"}, "reason": "closed"}]},
            "County floor needs 30 coins, Eligibility allows 0 coins (Alpha)",
        ),
        (
            [
                FLOOR,
                rule(id="cap", title=CAP, per=["county", "task"], at_most=15),
            ],
            {"budget": 90, "lot": 20},
            "Least amount of a funded cell needs 20 coins, Cap allows 15 coins",
        ),
        (
            [rule(id="cells", title=CELLS, measure="cells", at_least=4)],
            {"budget": 30, "lot": 10},
            "Cells needs 40 coins, Budget allows 30 coins",
        ),
    ],
)
def test_sums_that_cannot_meet_are_told_in_words(
    tmp_path: Path, rules: list[dict[str, Any]], more: dict[str, Any], en: str
) -> None:
    from models.advice import check_text

    _, scenario, said = found(tmp_path, Conflict({"rules": rules, **more}, {}))
    texts = [check_text(scenario, check) for check in said.checks]
    assert any(text.en.startswith(en) for text in texts), [text.en for text in texts]
    assert all("需要" in text.zh for text in texts)


def test_sums_that_meet_are_not_told(tmp_path: Path) -> None:
    """A conflict by shares alone: no two sums of numbers disagree."""
    conflict = CONFLICTS["a share of all the money against a floor"]
    assert found(tmp_path, conflict)[2].checks == ()


def test_weights_say_which_rule_rather_gives_way(tmp_path: Path) -> None:
    """Floors of 30 and a budget of 50: lowering by a sixth, or raising by a fifth."""
    scenario = load(write(tmp_path, Conflict({"budget": 50, "rules": [FLOOR]}, {})))
    plain = diagnose(scenario)
    dear = diagnose(scenario, weights={"floor": Fraction(10)})
    assert plain is not None and dear is not None
    assert [(one.rule, one.needed) for one in plain.combined] == [("floor", 25)]
    assert [(one.rule, one.needed) for one in dear.combined] == [("budget", 60)]
    with pytest.raises(InputError, match="did you mean 'floor'"):
        diagnose(scenario, weights={"flor": Fraction(2)})


def test_two_conflicts_at_once_take_two_changes(tmp_path: Path) -> None:
    rules = [
        rule(id="a-floor", where={"county": "a"}, at_least=20),
        rule(id="a-cap", where={"county": "a"}, at_most=10),
        rule(id="b-floor", where={"county": "b"}, at_least=20),
        rule(id="b-cap", where={"county": "b"}, at_most=16),
    ]
    path, _, said = found(tmp_path, Conflict({"budget": 90, "rules": rules}, {}))
    assert said.alone == ()
    assert set(said.no_help) == {"budget", "a-floor", "a-cap", "b-floor", "b-cap"}
    assert {(one.rule, one.needed) for one in said.combined} == {("a-floor", 10), ("b-floor", 16)}
    assert not solve(do(path, said.combined), repaired=False).audit.broken
    assert len({one.rule for one in said.conflict}) == 2


def test_a_feasible_scenario_has_nothing_to_diagnose(tmp_path: Path) -> None:
    scenario = load(write(tmp_path, Conflict({"budget": 90, "rules": [FLOOR]}, {})))
    said = diagnose(scenario)
    assert said is not None and said.is_feasible and not said.alone


def test_one_broken_rule_among_twenty_is_found(tmp_path: Path) -> None:
    rules = [rule(id=f"r{at}", per="county", at_least=at % 5) for at in range(10)]
    rules += [rule(id=f"m{at}", measure="jobs", at_least=at) for at in range(9)]
    rules.append(rule(id="broken", where={"county": "b"}, at_least=70))
    _, _, said = found(tmp_path, Conflict({"budget": 60, "rules": rules}, {}))
    assert [(one.rule, one.needed) for one in said.alone] == [("broken", 56), ("budget", 74)]
    assert {one.rule for one in said.conflict} == {"broken", "budget"}


def read_mps(name: str) -> Model:
    """A published model; its names are those of the file."""
    solver = new_solver()
    solver.readModel(str(CASES / f"{name}.mps"))
    lp = solver.getLp()
    held = lp.a_matrix_
    parts = (np.array(held.value_), np.array(held.index_), np.array(held.start_))
    matrix = sparse.csc_matrix(parts, shape=(lp.num_row_, lp.num_col_)).tocsr()
    none = np.zeros(0, dtype=np.int64)
    return Model(
        cost=np.zeros(lp.num_col_),
        lower=np.array(lp.col_lower_),
        upper=np.array(lp.col_upper_),
        integer=np.zeros(lp.num_col_, dtype=bool),
        matrix=matrix,
        row_lower=np.array(lp.row_lower_),
        row_upper=np.array(lp.row_upper_),
        grid=Grid((0, 0), none, None, none, none, none),
        limits=(),
        column_names=lambda: [],
        row_names=lambda: list(lp.row_names_),
    )


@pytest.mark.skipif(not CASES.exists(), reason="the published cases are not here")
@pytest.mark.parametrize("name", ["galenet", "woodinfe", "itest2", "bgprtr"])
def test_published_conflicts_are_missed_by_as_little_as_stated(name: str) -> None:
    stated = json.loads((CASES / "expected.json").read_text("utf-8"))
    model = read_mps(name)
    rows = np.arange(len(model.row_lower))
    changed, _ = elastic(model, [Give(rows, np.ones(len(rows)), together=False)])
    answer = solve_model(changed, Effort())
    assert answer.objective is not None
    assert -answer.objective == pytest.approx(stated["min_L1_relaxation"][name], abs=5e-7)

    def conflict(kept: Any) -> bool:
        gone = np.setdiff1d(rows, np.array(list(kept), dtype=np.int64))
        return solve_model(freed(model, gone), Effort()).outcome == "infeasible"

    left = irreducible(rows.tolist(), conflict)
    assert conflict(left)
    assert not any(conflict([row for row in left if row != one]) for one in left)


def run(*arguments: object, lang: str = "en") -> Result:
    environment = {"LC_ALL": f"{lang}_XX.UTF-8", "COLUMNS": "120"}
    return CliRunner(env=environment).invoke(cli.allot, [str(one) for one in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, Conflict({"budget": 50, "rules": [FLOOR]}, {}))


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "County floor (floor): floor lowered from 30 to 25 coins (each of its limits)"),
        ("zh", "“县级下限”（floor）：下限由30降低到25coins（每项限值）"),
    ],
)
def test_the_page_names_rule_present_value_needed_value_and_unit(
    file: Path, lang: str, said: str
) -> None:
    result = run("diagnose", file, lang=lang)
    assert result.exit_code == 0
    assert said in result.stdout
    assert "--set rules.floor.at_least=25" in result.stdout
    result.stdout.encode("gbk")


def test_the_document_says_the_same(file: Path) -> None:
    document = json.loads(run("diagnose", file, "--json", "--weight", "floor=10").stdout)
    assert document["feasible"] is False and document["cause"] == "relaxation"
    assert document["alone"][0]["set"] == "rules.floor.at_least=25"
    assert [one["rule"] for one in document["together"]] == ["budget"]
    assert document["sums"][0]["need"] == 60


def test_a_solve_that_cannot_be_says_why_and_what_to_do(file: Path) -> None:
    result = run("solve", file)
    assert result.exit_code == 3
    assert "County floor needs 60 coins, Budget allows 50 coins" in result.stderr
    assert "floor lowered from 30 to 25 coins" in result.stderr


def test_a_scenario_that_can_be_kept_is_told_so(file: Path) -> None:
    result = run("diagnose", file, "--set", "budget=60")
    assert result.exit_code == 0
    assert "nothing to diagnose" in result.stdout


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("flor=2", "did you mean 'floor'"),
        ("floor", "write --weight RULE=NUMBER"),
        ("floor=0", "above zero"),
        ("floor=much", "write --weight RULE=NUMBER"),
    ],
)
def test_weights_that_cannot_be_read_are_refused(file: Path, weight: str, said: str) -> None:
    result = run("diagnose", file, "--weight", weight)
    assert result.exit_code == 2
    assert said in result.stderr and "Traceback" not in result.output
