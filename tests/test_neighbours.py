"""The neighbours that tests/bench/bench_neighbours.py measures: each edit changes what it says."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pytest

from models.errors import InputError
from models.rule import Rule
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.baselines import baseline
from tests.bench.neighbours import (
    BASE,
    EDITS,
    HUNDRED_MILLION,
    OVERRIDES,
    PER_YUAN,
    neighbour,
)
from tests.bench.other_programmes import OTHERS, other
from tests.bench.rewritten import in_money


@pytest.fixture(scope="module")
def base() -> Scenario:
    return load(BASE)


def rules(scenario: Scenario) -> dict[str, Rule]:
    return {rule.id: rule for rule in scenario.rules}


def number(rule: Rule) -> Fraction:
    """The one number of a rule's bound."""
    part = rule.bound[0]
    found = part.factor.number if part.factor else part.number
    assert found is not None
    return found


def other_rules(before: Scenario, after: Scenario) -> set[str]:
    """Ids of the rules in force that are new, gone, or otherwise."""
    old, new = rules(before), rules(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def task_dropped(base: Scenario, found: Scenario, said: str) -> None:
    gone = set(base.programme.tasks.ids) - set(found.programme.tasks.ids)
    assert len(gone) == 1 and said == f"without the task {gone.pop()}"
    assert sum(found.baseline.tasks.values()) == 1
    assert found.tiers.width.shape[:2] == (88, 7)


def one_prefecture(base: Scenario, found: Scenario, said: str) -> None:
    names = set(found.programme.counties.values("prefecture_en"))
    assert len(names) == 1 and said.startswith(f"{names.pop()} alone")
    share = Fraction(found.budget, base.budget)
    assert 0 < share < Fraction(1, 3)
    assert number(rules(found)["jobs-target"]) == pytest.approx(6000 * share, abs=1)
    assert number(rules(found)["funded-cells"]) < 280


def calibration(base: Scenario, found: Scenario, said: str) -> None:
    assert said == f"calibration {found.spec.calibration}"
    assert found.spec.calibration != base.spec.calibration
    assert not found.tiers.is_same(base.tiers)


def budget(base: Scenario, found: Scenario, said: str) -> None:
    assert said.endswith(f": {found.budget}")
    assert Fraction(4, 5) <= Fraction(found.budget, base.budget) <= Fraction(6, 5)


def weights(base: Scenario, found: Scenario, said: str) -> None:
    assert found.spec.objective != base.spec.objective
    assert f"jobs {float(found.spec.objective.weights['jobs']):g}," in said


def lot(base: Scenario, found: Scenario, said: str) -> None:
    assert set(found.lots()) == {Fraction(said.removeprefix("lot "))}


def no_worse(base: Scenario, found: Scenario, said: str) -> None:
    chosen = said.removeprefix("no worse: ").split(" and ")
    assert other_rules(base, found) == {f"{name}-no-worse" for name in chosen}


def deep_poverty_outcomes(base: Scenario, found: Scenario, said: str) -> None:
    changed = other_rules(base, found)
    assert changed == {"jobs-held", "firms-held", "trainees-held"}
    assert (
        said
        == f"outcomes of 45 deep-poverty counties ≥ {100 * number(rules(found)['jobs-held'])} %"
    )
    table = baseline(found)
    finding = next(one for one in audit(found, table).findings if one.rule == "jobs-held")
    assert finding.lower == number(rules(found)["jobs-held"]) * finding.value


def funded_cells(base: Scenario, found: Scenario, said: str) -> None:
    most = number(rules(found)["funded-cells"])
    assert 200 <= most <= 400 and said == f"at most {most} of 704 cells"
    assert other_rules(base, found) <= {"funded-cells"}


def tasks_per_county(base: Scenario, found: Scenario, said: str) -> None:
    most = number(rules(found)["tasks-per-county"])
    assert 3 <= most <= 8 and said == f"at most {most} tasks a county"
    assert other_rules(base, found) == {"tasks-per-county"}


def bands(base: Scenario, found: Scenario, said: str) -> None:
    changed = other_rules(base, found)
    assert len(changed) == 1 + said.count(", ")
    for name in changed:
        assert name.removesuffix("-band") in said
        assert float(number(rules(found)[name])) in map(
            float, filter(_is_number, said.replace(",", "").split())
        )


def _is_number(word: str) -> bool:
    return word.replace(".", "").isdigit()


def locks(base: Scenario, found: Scenario, said: str) -> None:
    assert not base.spec.locks and 1 <= len(found.spec.locks) <= 3
    for lock in found.spec.locks:
        assert f"{lock.county},{lock.task} = {lock.amount}" in said


def in_yuan(base: Scenario, found: Scenario, said: str) -> None:
    assert said == "in yuan" and found.programme.file.money.en == "yuan"
    assert found.budget == 10_000 * base.budget
    assert set(found.lots()) == {10_000 * base.lots()[0]}
    assert np.array_equal(found.tiers.width, 10_000 * base.tiers.width)
    assert 10_000 * found.tiers.rates == pytest.approx(base.tiers.rates)
    assert not other_rules(base, found)


CHECKS: dict[str, Callable[[Scenario, Scenario, str], None]] = {
    "task dropped": task_dropped,
    "one prefecture": one_prefecture,
    "calibration": calibration,
    "budget": budget,
    "weights": weights,
    "lot": lot,
    "no worse": no_worse,
    "deep-poverty outcomes": deep_poverty_outcomes,
    "funded cells": funded_cells,
    "tasks per county": tasks_per_county,
    "bands": bands,
    "locks": locks,
    "in yuan": in_yuan,
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", EDITS)
def test_each_edit_changes_what_it_says(
    base: Scenario, kind: str, seed: int, tmp_path: Path
) -> None:
    found, said = EDITS[kind](base, Random(seed), tmp_path / "made")
    CHECKS[kind](base, found, said)


def test_money_in_rules_and_locks_is_rewritten_in_yuan(tmp_path: Path) -> None:
    first = load(f"{BASE}@2020-first")
    lock = {"county": "510522", "task": "parks", "amount": 75, "reason": "settled"}
    found, _ = EDITS["in yuan"](first.replace(locks=[lock]), Random(0), tmp_path / "made")
    assert found.spec.locks[0].amount == 750_000
    assert other_rules(first, found) == {"county-floor", "county-cap"}
    assert number(rules(found)["county-floor"]) == 600_000
    assert number(rules(found)["county-cap"]) == 12_000_000


def test_hundreds_of_millions_of_yuan_are_refused(base: Scenario, tmp_path: Path) -> None:
    """3.3 of them are no whole number, nor is any tier."""
    with pytest.raises(InputError, match="the budget must be a whole number of money units"):
        in_money(base, 1 / PER_YUAN, HUNDRED_MILLION, tmp_path / "made")


def test_one_seed_gives_the_same_programmes(tmp_path: Path) -> None:
    for at in (0, 11):
        one, two = (neighbour(5, at, tmp_path / f"{at} {turn}") for turn in "ab")
        assert one.edits == two.edits
        folders = [Path(made.path).parent for made in (one, two)]
        files = [
            {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
            for folder in folders
        ]
        assert files[0] == files[1] and len(files[0]) > 4
    assert neighbour(6, 11, tmp_path / "other").edits != one.edits


def test_every_override_of_the_base_is_a_start() -> None:
    assert set(OVERRIDES) == set(load(BASE).spec.overrides)


def test_the_other_programmes_are_as_many_as_the_bench_asks_for() -> None:
    text = (BASE.parents[1] / "tests" / "bench" / "one_apart.py").read_text("utf-8")
    assert f"FIRST, OTHERS = 1001, {len(OTHERS)}\n" in text


@pytest.mark.parametrize("at", [8, 9, 15, 16, 18])
def test_the_other_programmes_can_be_read(at: int, tmp_path: Path) -> None:
    made = other(1, at, tmp_path)
    assert load(made.path).budget > 0
    assert made.edits == (list(OTHERS)[at],)
