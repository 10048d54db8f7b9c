"""Solve a scenario: search, audit in exact arithmetic, tighten what broke, say what is proven."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple, TypedDict, Unpack

import numpy as np

from models.allocation import Allocation
from models.errors import InfeasibleError, NoAnswerError
from models.finding import Audit
from models.objective import metric_values, objective_of
from models.scenario import Scenario
from models.solution import Comparison, Solution, SolverReport, Status
from optimizer.audit import audit
from optimizer.baselines import baseline
from optimizer.formulation.rule_rows import Tightening
from optimizer.multipliers import certified, rule_prices
from optimizer.problem import in_order
from optimizer.second_opinion import second_opinion
from optimizer.solvers.base import Clock, Watch
from optimizer.solvers.engines import engine_name, engine_version, pick_engine
from optimizer.strategies.monolithic import Infeasible, SearchResult, SearchTask, Units, search
from optimizer.strategies.nearest import repair
from optimizer.strategies.tie_break import Yardstick
from optimizer.strategies.tightening import ATTEMPTS, as_allocation, stricter

_BOUND_NOISE = 1e-6


@dataclass(frozen=True)
class Options:
    """How to solve. `gap` is relative and for the whole result; `time_limit` in seconds."""

    solver: str = "highs"
    gap: float = 1e-4
    time_limit: float | None = None
    units: Units = "whole"
    second_opinion: str | None = None
    repaired: bool = True
    certificate: bool = True
    """Make the certificate of an upper bound and the prices of rules, which a record keeps."""


class OptionChanges(TypedDict, total=False):
    """The fields of `Options`, as keywords of `solve`."""

    solver: str
    gap: float
    time_limit: float | None
    units: Units
    second_opinion: str | None
    repaired: bool
    certificate: bool


def solve(
    scenario: Scenario,
    options: Options | None = None,
    *,
    watch: Watch | None = None,
    **changes: Unpack[OptionChanges],
) -> Solution:
    """The best allocation found, every rule read on it in exact arithmetic.

    The fields of `Options` may be given as keywords: `solve(scenario, gap=1e-3)`; together with
    `options`, they replace its fields. `watch` is told how a long search stands. Raises
    `InfeasibleError` where it is proved that no allocation keeps the rules, `NoAnswerError` where
    the solver found none in its limits, `TypeError` for a keyword that is no option.
    """
    options = replace(options or Options(), **changes)
    ordered = in_order(scenario)
    if ordered is None:
        return _solve(scenario, options, watch)
    return ordered.back(_solve(ordered.scenario, options, watch))


def _solve(scenario: Scenario, options: Options, watch: Watch | None) -> Solution:
    """`solve`, in the order that the scenario stands in."""
    began = time.monotonic()
    clock = Clock(options.time_limit, watch)
    basis = comparison_with_baseline(scenario)
    values = metric_values(scenario, basis.audit.outcomes)
    basis = with_objective(basis, values)
    target = np.array(basis.allocation.amounts, dtype=float).ravel()
    yardstick = Yardstick(target, _codes(scenario))
    engine, engine_notes = pick_engine(options.solver)
    if options.second_opinion is not None:
        pick_engine(options.second_opinion)  # An unknown name is refused before the search.
    task = SearchTask(scenario, values, yardstick, options.units, options.gap, engine, clock)
    found, allocation, audited = _find(task)
    objective = objective_of(audited, values)
    quality = _quality(found, objective, audited.penalty, (options, engine_notes))
    repaired = repair(scenario, basis, values, (engine, clock)) if options.repaired else None
    opinion = None
    if options.second_opinion is not None:
        opinion = second_opinion(task, options.second_opinion, float(objective - audited.penalty))
    return Solution(
        scenario=scenario,
        allocation=allocation,
        audit=audited,
        objective=objective,
        baseline=basis,
        repaired=repaired,
        second_opinion=opinion,
        certificate=certified(scenario, values) if options.certificate else None,
        prices=rule_prices(scenario) if options.certificate else (),
        seconds=time.monotonic() - began,
        options=_shown(options),
        status=quality.status,
        bound=quality.bound,
        gap=quality.gap,
        solver=quality.report,
    )


def _codes(scenario: Scenario) -> list[str]:
    programme = scenario.programme
    return [f"{county},{task}" for county in programme.counties.ids for task in programme.tasks.ids]


def comparison_with_baseline(scenario: Scenario) -> Comparison:
    """The scenario's baseline, audited; its objective is filled in by `with_objective`."""
    allocation = baseline(scenario)
    return Comparison(allocation, audit(scenario, allocation), None, moved=Fraction(0))


def with_objective(comparison: Comparison, values: Mapping[str, Fraction]) -> Comparison:
    """The comparison with its objective under `values` (points per unit of each metric)."""
    objective = objective_of(comparison.audit, values)
    return replace(comparison, objective=objective)


def _find(task: SearchTask) -> tuple[SearchResult, Allocation, Audit]:
    """Search and audit; a broken limit is tightened by its breach and solved again."""
    tighten: Tightening = {}
    found: SearchResult | None = None
    for _ in range(ATTEMPTS):
        try:
            found = search(task, tighten, found)
        except Infeasible:
            if tighten:
                break
            raise _infeasible(task) from None
        first: Audit | None = None
        for money in found.candidates:
            allocation = as_allocation(task.scenario, money)
            audited = audit(task.scenario, allocation, whole=task.units != "continuous")
            if not audited.broken:
                return found, allocation, audited
            first = first or audited
        assert first is not None
        tighten = stricter(tighten, first)
    broken = ", ".join(dict.fromkeys(rule for rule, _ in tighten))
    raise NoAnswerError(f"the solver's allocations break {broken} in exact arithmetic")


def _infeasible(task: SearchTask) -> InfeasibleError:
    from optimizer.infeasibility.diagnose import impossible

    return impossible(task.scenario, task.engine)


class Quality(NamedTuple):
    """How good an allocation is proven to be."""

    status: Status
    bound: float | None
    gap: float | None
    report: SolverReport


def _quality(
    found: SearchResult,
    objective: Fraction,
    penalty: Fraction,
    more: tuple[Options, tuple[str, ...]],
) -> Quality:
    """Status, bound, gap and the solver's report; `more`: the options, notes on the solver.

    The bound bounds the objective less the penalty. The gap is relative to the objective alone:
    beside a large penalty any loss would look small, and where the two are equal, infinite.
    """
    options, notes = more
    achieved = float(objective - penalty)
    scale = max(abs(float(objective) or achieved), 1e-12)
    bound, doubt = _believable(found.proof.bound, achieved, max(scale, found.proof.unit))
    gap = None
    if bound is not None:
        gap = max(0.0, bound - achieved) / scale
    allowed = 0.0 if options.units == "exact" else options.gap
    proven = gap is not None and gap <= allowed + 1e-9
    status: Status = "optimal" if proven else "feasible"
    loss = max(0.0, found.aim - achieved) / max(abs(found.aim), 1e-12)
    report = SolverReport(
        name=engine_name(options.solver),
        version=engine_version(options.solver),
        solver_gap=found.proof.solver_gap,
        rounding_loss=loss,
        notes=(*notes, *found.notes, *doubt),
    )
    return Quality(status, bound, gap, report)


def _believable(
    bound: float | None, achieved: float, scale: float
) -> tuple[float | None, tuple[str, ...]]:
    """The bound, unless the exact value of an allocation disproves it, and what to say of it.

    `scale`: what a hair is measured by: the objective, or one money unit where that is worth more,
    since a solver's tolerances are those of its rows.
    """
    if bound is None or bound >= achieved:
        return bound, ()
    # The solver's tolerances let an exact value stand a hair above the bound that it reports.
    if achieved - bound <= _BOUND_NOISE * scale:
        return achieved, ()
    return None, ("bound contradicted",)


def _shown(options: Options) -> dict[str, object]:
    return {
        "solver": options.solver,
        "gap": options.gap,
        "time_limit": options.time_limit,
        "units": options.units,
        "second_opinion": options.second_opinion,
    }
