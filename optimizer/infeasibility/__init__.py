"""Rules in conflict: which, and what would have to change to what."""

from __future__ import annotations

from models.errors import InfeasibleError
from models.solution import Solution
from optimizer.solve import Options, solve_bare
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Watch
from optimizer.strategies import Formulation


def solve_advised(
    formulation: Formulation, options: Options, watch: Watch | None = None
) -> Solution:
    """`solve_bare`; where the rules are in conflict, with advice on what could give way."""
    try:
        return solve_bare(formulation, options, watch)
    except InfeasibleError:
        from optimizer.infeasibility.diagnose import impossible  # Only a conflict needs it.

        engine, _ = pick_engine(options.solver)
        raise impossible(formulation.problem.scenario, engine) from None
