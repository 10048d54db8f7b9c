"""Three hundred random programmes: what is said of them is what trying every table says."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

import allot
from models.solution import SearchNote
from tests import enumerator
from tests.right_answers import Refused, complaints
from tests.small_programmes import programme
from tests.worlds import write_world

SEED, COUNT, BLOCKS = 2020, 300, 6


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_nothing_untrue_is_said_of_random_programmes(block: int) -> None:
    """A failure names the number: `programme(SEED, number)` makes the world again."""
    seen: Counter[str] = Counter()
    untrue = []
    for number in range(block, COUNT, BLOCKS):
        try:
            found = complaints(programme(SEED, number), seen)
        except Refused:
            seen["refused"] += 1
            continue
        untrue += [(number, one) for one in found]
    assert not untrue
    assert seen["solvable"] >= COUNT / BLOCKS / 2 and seen["in conflict"]
    assert seen["refused"] <= 4


def test_a_programme_is_not_refused_for_what_presolve_calls_infeasible(tmp_path: Path) -> None:
    """HiGHS 1.16 says so of this one where nothing is pushed, though no money at all solves it."""
    said = allot.diagnose(allot.load(write_world(tmp_path, **programme(SEED, 29))))
    assert said is not None and said.is_feasible


def test_the_enumerator_shares_no_code_with_what_it_judges() -> None:
    tree = ast.parse(Path(enumerator.__file__).read_text(encoding="utf-8"))
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    ours = {"allot", "cli", "commands", "models", "optimizer", "reports", "tests"}
    assert not {str(name).partition(".")[0] for name in named} & ours


def test_nothing_is_called_the_only_one_where_it_may_not_be_the_best(tmp_path: Path) -> None:
    """A soft rule that is short by a billionth: the solver cannot tell the best table."""
    found = allot.solve(allot.load(write_world(tmp_path, **programme(1, 1307))), repaired=False)
    best_known = {SearchNote.UNIQUE, SearchNote.CLOSED} & set(found.solver.notes)
    assert found.status == "optimal" or not best_known
