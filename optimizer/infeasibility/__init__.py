"""Rules in conflict: which, and what would have to change to what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.errors import InfeasibleError, NoAnswerError
from models.scenario import Scenario
from models.solution import Solution
from optimizer.infeasibility.bound_tests import conflicting_sums
from optimizer.solve import Options, solve_bare
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock, Engine, Watch
from optimizer.strategies import ProblemModels


@contextmanager
def advised(scenario: Scenario, engine: Engine, clock: Clock) -> Iterator[None]:
    """Where the rules prove to be in conflict, say what cannot be met together, as far as that is
    found in time.

    Sums that cannot meet prove it too where a solver has no answer: not to a floor of 10²⁰.
    """
    try:
        yield
    except (InfeasibleError, NoAnswerError) as error:
        if isinstance(error, NoAnswerError) and not conflicting_sums(scenario):
            raise
        from optimizer.infeasibility.diagnose import impossible  # Only a conflict needs it.

        raise impossible(scenario, engine, clock) from None


def solve_advised(
    formulation: ProblemModels, options: Options, watch: Watch | None = None
) -> Solution:
    """`solve_bare`; where the rules are in conflict, with what cannot be met together."""
    engine, _ = pick_engine(options.solver)
    with advised(formulation.problem.scenario, engine, Clock(options.time_limit)):
        return solve_bare(formulation, options, watch)
