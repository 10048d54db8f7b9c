"""Which of equally good allocations is chosen: the published rule, with weights worked out here."""

from __future__ import annotations

import hashlib
import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.allocation import allocation_of_rows
from models.objective import objective_of
from models.scenario import Scenario, load
from models.solution import SearchNote
from optimizer.aims import CellWeights
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.problem import reference_of
from optimizer.strategies import Units
from tests.worlds import rule, write_csv, write_world


def weight(county: str, task: str, bits: int) -> int:
    """One more than the first bits of the SHA-256 of the codes of a cell."""
    digest = hashlib.sha256(f"{county},{task}".encode()).hexdigest()
    return (int(digest, 16) >> (256 - bits)) + 1


def tied(folder: Path, others: tuple[str, str]) -> Scenario:
    """All of last year's 10 coins stand in `a`, where none may stand; the two other counties are
    as good as one another and as far from it."""
    counties = {code: {"people": 1} for code in ("a", *others)}
    path = write_world(
        folder,
        {
            "budget": 10,
            "ineligible": [{"where": {"county": "a"}, "reason": "no"}],
            "baseline": {"kind": "table", "file": "b.csv"},
        },
        counties=counties,
        tasks={"road": {}},
        tiers=[[code, "road", 1, 20, "0.5", "0"] for code in counties],
    )
    write_csv(folder / "world" / "b.csv", ("county", "task", "amount"), [["a", "road", 10]])
    return load(path)


PAIRS = [("b", "c"), ("m", "n"), ("e", "g"), ("f", "m")]


def test_the_pairs_have_their_lighter_cell_now_first_now_second() -> None:
    for bits in (16, 24):
        lighter = [weight(p, "road", bits) < weight(q, "road", bits) for p, q in PAIRS]
        assert {True, False} == set(lighter)


@pytest.mark.parametrize(("units", "bits"), [("whole", 16), ("exact", 16), ("continuous", 24)])
@pytest.mark.parametrize("pair", PAIRS, ids="".join)
def test_of_two_cells_as_good_and_as_far_the_lighter_one_gets_the_money(
    tmp_path: Path, pair: tuple[str, str], units: Units, bits: int
) -> None:
    solution = solve(tied(tmp_path, pair), units=units, repaired=False)
    due = (
        [0, 10, 0] if weight(pair[0], "road", bits) < weight(pair[1], "road", bits) else [0, 0, 10]
    )
    assert solution.allocation.amounts.ravel().tolist() == pytest.approx(due, abs=1e-6)
    assert SearchNote.UNIQUE in solution.solver.notes


@pytest.mark.parametrize("units", ["whole", "continuous"])
def test_where_the_weights_leave_a_tie_nothing_is_called_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: Units
) -> None:
    """The weights of the two are made alike, and only those of the check differ."""

    def alike(self: CellWeights, bits: int, skip: int = 0) -> Any:
        apart = np.arange(1.0, len(self.codes) + 1) * 2.0 ** (bits - 3)
        return apart if skip else np.ones(len(self.codes))

    monkeypatch.setattr(CellWeights, "weights", alike)
    solution = solve(tied(tmp_path, ("b", "c")), units=units, repaired=False)
    assert solution.objective == 5 and SearchNote.UNIQUE not in solution.solver.notes


RULES: dict[str, list[Any]] = {
    "no rule": [],
    "a share": [rule(where={"task": "road"}, at_most={"share": "0.4", "of": "amount"})],
    "cells": [rule(measure="cells", at_most=3)],
    "a floor": [rule(where={"county": "b"}, at_least=3)],
}


@pytest.mark.parametrize("budget", [4, 7])
@pytest.mark.parametrize("name", RULES)
def test_the_answer_in_whole_units_is_that_of_the_published_rule(
    tmp_path: Path, name: str, budget: int
) -> None:
    """Every table of two counties and two tasks: the greatest objective, least money moved, least
    weight, more for the first cell."""
    tiers = [[c, t, 1, 3, "0.5", "0"] for c in "ab" for t in ("road", "school")]
    tiers += [[c, t, 2, 3, "0.2", "0"] for c in "ab" for t in ("road", "school")]
    path = write_world(tmp_path, {"budget": budget, "rules": RULES[name]}, tiers=tiers)
    scenario = load(path)
    reference = reference_of(scenario)
    due = reference.allocation.amounts.ravel().tolist()
    weights = [weight(c, t, 16) for c in "ab" for t in ("road", "school")]

    def standing(money: tuple[int, ...]) -> tuple[Any, ...]:
        read = audit(scenario, allocation_of_rows([money[:2], money[2:]]))
        worth = objective_of(read, reference.points) if not read.broken else Fraction(-1)
        moved = sum(abs(one - was) for one, was in zip(money, due, strict=True))
        heavy = sum(one * each for one, each in zip(money, weights, strict=True))
        return worth, -moved, -heavy, money

    tables = itertools.product(range(budget + 1), repeat=4)
    best = max((money for money in tables if sum(money) <= budget), key=standing)
    for units in ("whole", "exact"):
        solution = solve(scenario, units=units, repaired=False)
        assert tuple(solution.allocation.amounts.ravel()) == best
