"""How hard a solver may try, and the clock that all stages of one solve share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from optimizer.formulation.matrix import Floats, Model
from optimizer.solvers.answer import Answer, Watch


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
