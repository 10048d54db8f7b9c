"""Columns that have to be solved, on both cores where there are several."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from models.errors import GivingWay, InfeasibleError, NoAnswerError
from models.scenario import Scenario
from models.solution import Comparison, Solution
from optimizer.compare.asked import Ask
from optimizer.engines import pick_engine
from optimizer.formulation.objectives import metric_values
from optimizer.repair import repair
from optimizer.solve import Options, comparison_with_baseline, solve, with_objective
from optimizer.solvers.effort import Clock
from optimizer.study.pool import here, in_processes

_SMALL = 200
"""Cells; smaller ones are solved sooner than a process is started."""
Watch = Callable[[int, int], None]
"""Told how many columns are solved, of how many."""


@dataclass(frozen=True)
class Failed:
    """Why a column has no allocation."""

    status: Literal["infeasible", "no answer"]
    why: str
    giving_way: tuple[GivingWay, ...] = ()


Solved = Solution | Comparison | Failed


@dataclass(frozen=True)
class Work:
    """One column to solve."""

    scenario: Scenario
    options: Options
    repaired: bool
    """The scenario's baseline is to be mended, and not the scenario solved."""

    def run(self) -> list[Any]:
        """What comes of it, alone in a list."""
        try:
            return [self._mended() if self.repaired else solve(self.scenario, self.options)]
        except InfeasibleError as error:
            return [Failed("infeasible", str(error), error.giving_way)]
        except NoAnswerError as error:
            return [Failed("no answer", str(error))]

    def _mended(self) -> Comparison:
        basis = comparison_with_baseline(self.scenario)
        values = metric_values(self.scenario, basis.audit.outcomes)
        stage = (pick_engine(self.options.solver)[0], Clock(self.options.time_limit, None))
        found = repair(self.scenario, with_objective(basis, values), values, stage)
        if found is None:
            raise NoAnswerError("no allocation near the baseline was found that keeps the rules")
        return found


def solve_asked(
    asks: Sequence[Ask], options: Options, watch: Watch | None = None
) -> Mapping[int, Solved]:
    """Position → what was found, for the columns that hold no allocation yet.

    What cannot be used is refused before anything is solved.
    """
    pick_engine(options.solver)
    due = {n: ask for n, ask in enumerate(asks) if ask.allocation is None}
    for ask in due.values():
        # A baseline or a yardstick that cannot be had is the input's fault.
        metric_values(ask.scenario, comparison_with_baseline(ask.scenario).audit.outcomes)
    works = [(n, Work(ask.scenario, options, ask.kind == "repaired")) for n, ask in due.items()]
    large = any(math.prod(ask.scenario.programme.shape) > _SMALL for ask in due.values())
    workers = min(len(works), os.cpu_count() or 1) if large else 1
    done: Any = in_processes(iter(works), workers) if workers > 1 else here(iter(works))
    found: dict[int, Solved] = {}
    if watch is not None and works:
        watch(0, len(works))
    for number, results in done:
        died = Failed("no answer", "the process that solved it died")
        found[number] = results[0] if results else died
        if watch is not None:
            watch(len(found), len(works))
    return found
