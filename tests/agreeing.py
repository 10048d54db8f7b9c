"""What the search by county and the search in one piece say of a programme, held against each other
and, where it is small, against trying every table."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

import allot
from models.errors import InfeasibleError, InputError, NoAnswerError
from models.solution import SearchNote
from optimizer.aims import solve_aims
from optimizer.formulation.edits import with_integers_fixed
from optimizer.formulation.model import Model
from optimizer.problem import Problem
from optimizer.solve import Options, Searched, searched
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Answer, Clock, Effort, Way
from optimizer.solvers.decomposition.blocks import find_blocks
from optimizer.solvers.decomposition.by_county import begun, solved_by_county
from optimizer.solvers.highs import solve_model
from optimizer.strategies import ProblemModels, SearchTask, Strategy, monolithic, within_gap
from optimizer.strategies.monolithic import search
from tests.enumerator import Enumerator
from tests.small_programmes import decimal
from tests.worlds import write_world

MOST_TABLES = 1500
"""Tables up to which each is tried."""
LOOSE = 0.02
"""The gap at which answers may differ, and bounds must overlap."""
_SLIP = 1e-6
_SETTLED = (SearchNote.UNIQUE, SearchNote.CLOSED)
"""Notes that say that the published rule chose."""


def disagreements(
    world: Mapping[str, Any], seen: Counter[str], *, tables: bool = True
) -> Iterator[str]:
    """Everything that the two say otherwise; `seen` counts what was looked at. Without `tables`
    only the models are solved, and no whole-unit tables are searched."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = allot.load(write_world(Path(folder), **world))
        except InputError:
            seen["not valid"] += 1
            return
        pair = _Pair(ProblemModels(Problem.of(scenario)), world)
        model = pair.models.whole
        if model.is_lp or find_blocks(model) is None:
            seen["in one piece"] += 1
            return
        due = solve_model(model, Effort(gap=0.0))
        if due.values is not None and not _is_sure(model, due):
            seen["hangs on less than a solver tells apart"] += 1
            return
        seen["solvable" if due.objective is not None else "in conflict"] += 1
        yield from pair.models_differ(model, due)
        if tables and due.objective is not None:
            with _without_short_cuts():
                yield from pair.tables_differ(seen)


def _is_sure(model: Model, found: Answer) -> bool:
    """Whether an optimum stands with whole columns that are whole to the last digit."""
    assert found.values is not None and found.objective is not None
    exact = solve_model(with_integers_fixed(model, found.values)).objective
    slip = _SLIP * max(abs(found.objective), model.largest_cost)
    return exact is not None and abs(exact - found.objective) <= slip


def that_comes_apart(world: Mapping[str, Any]) -> dict[str, Any]:
    """The world with a lot, rates that fall and no rule against the grain of an outcome: else its
    tiers are held in their order."""
    scenario, metrics = world["scenario"], ("jobs", "cost")
    weights = {name: str(abs(Fraction(str(w)))) for name, w in _weights(scenario).items()}
    rules = [one for one in scenario["rules"] if not _against(one, metrics)]
    again = {
        "lot": scenario.get("lot") or 2,
        "objective": {**scenario["objective"], "weights": weights},
        "rules": rules,
    }
    cells: dict[tuple[str, str], list[list[Any]]] = {}
    for row in world["tiers"]:
        cells.setdefault((row[0], row[1]), []).append(row)
    tiers = [row for rows in cells.values() for row in _falling(rows)]
    return {**world, "scenario": {**scenario, **again}, "tiers": tiers}


def _weights(scenario: Mapping[str, Any]) -> Mapping[str, Any]:
    weights: Mapping[str, Any] = scenario["objective"]["weights"]
    return weights


def _against(rule: Mapping[str, Any], metrics: tuple[str, ...]) -> bool:
    """Whether a rule may want less of an outcome."""
    sense = next(key for key in ("at_least", "at_most", "equal") if key in rule)
    parts = rule[sense] if isinstance(rule[sense], list) else [rule[sense]]
    of = {part["of"] for part in parts if isinstance(part, dict) and "of" in part}
    if rule["measure"] in metrics and sense != "at_least":
        return True
    return bool(of & {*metrics}) and sense != "at_most"


def _falling(rows: list[list[Any]]) -> Iterator[list[Any]]:
    """The tiers of a cell with rates of zero or more that fall from tier to tier."""
    sides = [sorted((abs(Fraction(str(row[k]))) for row in rows), reverse=True) for k in (4, 5)]
    for at, row in enumerate(rows):
        yield [*row[:4], *(decimal(side[at]) for side in sides)]


@contextmanager
def _without_short_cuts() -> Iterator[None]:
    """Small models as large ones are searched: continuous money first."""
    kept = monolithic.DIRECT_CELLS, monolithic._FEW, within_gap.DIRECT_CELLS
    monolithic.DIRECT_CELLS = within_gap.DIRECT_CELLS = 0
    monolithic._FEW = -1
    try:
        yield
    finally:
        monolithic.DIRECT_CELLS, monolithic._FEW, within_gap.DIRECT_CELLS = kept


@dataclass(frozen=True)
class _Pair:
    models: ProblemModels
    world: Mapping[str, Any]

    def models_differ(self, model: Model, due: Answer) -> Iterator[str]:
        """In continuous money: the same optimum at a gap of zero, else bounds that overlap."""
        start = begun(model)
        for gap, soon in ((0.0, False), (LOOSE, False), (LOOSE, True)):
            said = f"apart at a gap of {gap}{' soon' * soon}"
            apart = solved_by_county(model, Effort(gap=gap, soon=soon), solve_model, start)
            if due.objective is None or apart is None:
                if due.objective is None and apart is not None:
                    yield f"{said}: {apart.objective}, where there is none"
                continue
            assert apart.objective is not None and apart.bound is not None
            slip = _SLIP * max(abs(due.objective), model.largest_cost)
            if apart.bound < due.objective - slip:
                yield f"{said}: bound {apart.bound!r} below {due.objective!r}"
            if apart.objective > due.objective + slip:
                yield f"{said}: {apart.objective!r} above {due.objective!r}"
            short = apart.bound - apart.objective > gap * abs(apart.objective) + 2 * slip
            if apart.outcome == "optimal" and short:
                yield f"{said}: optimal said, {apart.objective!r} under {apart.bound!r}"

    def tables_differ(self, seen: Counter[str]) -> Iterator[str]:
        """In whole units: the same table where both are proved the best, within their bounds else;
        none better by trying them all."""
        best = self.best()
        found: dict[str, Searched] = {}
        ways: list[tuple[str, Way, Strategy, float]] = [
            ("one", "monolithic", search, 0.0),
            ("apart", "decomposed", search, 0.0),
            ("soon", "decomposed", within_gap.within_gap, LOOSE),
        ]
        for name, way, strategy, gap in ways:
            engine, _ = pick_engine(Options.solver, way)
            aims = solve_aims(self.models.problem)
            task = SearchTask(self.models, aims, "whole", gap, engine, Clock())
            try:
                found[name] = searched(task, strategy)
            except (InfeasibleError, NoAnswerError) as error:
                seen[f"{name}: {type(error).__name__}"] += 1
                if best is not None and isinstance(error, InfeasibleError):
                    yield f"{name}: in conflict, yet a table is worth {float(best)}"
        yield from self._compared(found, best, seen)

    def best(self) -> Fraction | None:
        """What the best table is worth; None of a large world, or where there is none."""
        truth = Enumerator(self.world)
        many = comb(truth.budget + len(truth.cells), truth.budget) > MOST_TABLES
        return None if many else truth.best().worth

    def _compared(
        self, found: Mapping[str, Searched], best: Fraction | None, seen: Counter[str]
    ) -> Iterator[str]:
        worth = {name: one.objective - one.audit.penalty for name, one in found.items()}
        bounds = {name: one.quality.bound_solver for name, one in found.items()}
        most = max([*worth.values(), *([best] if best is not None else [])], default=None)
        for name, one in found.items():
            if one.audit.broken:
                yield f"{name}: breaks {one.audit.broken_rules}"
            bound = bounds[name]
            if bound is not None and most is not None and bound < most:
                yield f"{name}: bound {bound!r} below {float(most)!r}"
            if best is not None and worth[name] > best:
                yield f"{name}: {float(worth[name])!r} above {float(best)!r} of all tables"
        if {"one", "apart"} <= found.keys():
            pair = found["one"], found["apart"]
            closed = all(one.quality.status == "optimal" for one in pair)
            settled = closed and all(one.found.notes[0] in _SETTLED for one in pair)
            seen["both closed" if closed else "not both closed"] += 1
            seen["both settled"] += settled
            tables = [one.allocation.amounts.tolist() for one in pair]
            apart = float(worth["one"] - worth["apart"])
            slip = _SLIP * max(abs(float(worth["one"])), found["one"].found.proof.unit)
            if (closed and abs(apart) > slip) or (settled and tables[0] != tables[1]):
                yield f"{tables[0]} in one, {tables[1]} apart, worth {apart!r} less"
