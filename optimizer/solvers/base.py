"""What a solver is asked and what it answers, whichever solver it is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple

from optimizer.formulation.model import Floats, Model
from optimizer.quality import shortfall

# What a solver says of a model, in one form for all solvers.


Way = Literal["auto", "decomposed", "monolithic"]
"""How a mixed-integer model is searched: by counties where it comes apart, or in one piece; without
`auto` the search in one piece is not gone on with where the other does not close the gap."""
Outcome = Literal["optimal", "feasible", "infeasible", "unbounded", "none"]


@dataclass(frozen=True)
class Answer:
    """`optimal`: closed within the gap asked for. `none`: stopped with nothing proved."""

    outcome: Outcome
    values: Floats | None
    """Values of the model's columns, of the best solution found."""
    objective: float | None
    bound: float | None
    """Proven: no solution of the model is better. None where the solver gave none."""
    seconds: float
    prices: tuple[Floats, Floats] | None = None
    """Of a linear program solved to its optimum, where the solver gives them: what a unit of each
    column, and of each row's bound, is worth at the margin (reduced costs, duals)."""
    apart: bool = False
    """Found by taking the model apart by counties."""

    @property
    def gap(self) -> float | None:
        """(bound − objective) / |objective|."""
        if self.objective is None or self.bound is None:
            return None
        return shortfall(self.bound, self.objective, self.objective)


@dataclass(frozen=True)
class Progress:
    """Where a long solve stands."""

    stage: str
    seconds: float
    gap: float | None
    objective: float | None


Watch = Callable[[Progress], None]


# How hard a solver may try, and the clock that all stages of one solve share.


@dataclass(frozen=True)
class Effort:
    """Relative gap, seconds, a start (column values), whom to tell, branches."""

    gap: float = 1e-4
    time_limit: float | None = None
    start: Floats | None = None
    watch: Watch | None = None
    stage: str = "solve"
    seed: int = 0
    nodes: int | None = None
    """Branches after which to stop: the same ones on every machine, unlike seconds."""
    guide: Floats | None = None
    """Costs of a linear model by which to find a basis first; its own are pushed from there. A
    model that has next to none takes HiGHS ten to twenty times as long without."""
    plain: bool = False
    """Without heuristics: they cost a tight model more than its proof."""
    tight: bool = False
    """Without reductions before the search: in a model whose relaxation is as tight as it can be,
    they take longer than the search itself."""
    target: float | None = None
    """Objective at which a solver that can may stop, whatever could be better."""
    soon: bool = False
    """The first answer within the gap is good enough."""
    step: float = 0.0
    """The objective is a whole multiple of this: what is less than one above an answer is none."""
    rough: bool = False
    """The best of the first choices is good enough, where a model comes apart by counties."""
    pricings: int | None = None
    """How often all counties may be priced to close a gap, where a model comes apart by them; by
    default as often as is worth it before the model is solved as one."""


Engine = Callable[[Model, Effort], Answer]
"""A solver: maximises a model with some effort."""


class Clock:
    """Seconds since a solve began, and what is left of its limit."""

    def __init__(self, limit: float | None = None, watch: Watch | None = None) -> None:
        self._began = time.monotonic()
        self._limit = limit
        self.watch = watch

    def spent(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._began

    def left(self, share: float = 1.0, at_most: float | None = None) -> float | None:
        """Seconds that a stage may take: a share of what is left; None without any limit."""
        mine = None if self._limit is None else max(0.1, (self._limit - self.spent()) * share)
        if at_most is None:
            return mine
        return at_most if mine is None else min(mine, at_most)

    def is_over(self) -> bool:
        """Whether the limit is reached."""
        return self._limit is not None and self.spent() >= self._limit


class Limit(NamedTuple):
    """How far the search among the counties' choices of cells goes."""

    pricings: int
    """How often all counties may be priced."""
    clock: Clock
    pairs: int = 4000
    """How many pairs of a county and its funded cells may compete."""
    by_program: bool = False
    """Whether few pairs may be left to integer programs, one for each choice, where that does not
    close it in a first part of the pricings."""


# Keeps solvers inside this process from printing: stdout is for answers.


def _flush() -> None:
    """What waits for stdout, on its way before another holds the descriptor.

    Under a window launcher there is no stdout, and a closed one shall not cost the solve.
    """
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


@contextmanager
def no_stdout() -> Iterator[None]:
    """Send descriptor 1 nowhere for a while; what Python itself writes meanwhile is lost too."""
    _flush()
    try:
        kept = os.dup(1)
    except OSError:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        _flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
