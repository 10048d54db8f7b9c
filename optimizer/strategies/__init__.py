"""How the best allocation is searched: what a strategy is given, what it returns and proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from models.aim import Push
from models.solution import SearchNote
from optimizer.aims import Aim
from optimizer.formulation.aim_rows import AimedModel, aimed_model
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import with_other_whole
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.problem import Problem
from optimizer.solvers.base import Clock, Engine

Units = Literal["whole", "exact", "continuous"]


class Infeasible(Exception):
    """The continuous or the full whole-unit model is proved to have no solution."""


@dataclass(frozen=True, eq=False)
class ProblemModels:
    """The models of one problem, each made once."""

    problem: Problem

    @property
    def is_of_rules_only(self) -> bool:
        """Whether every allocation that keeps the scenario's rules is a solution of them."""
        return True

    @cached_property
    def whole(self) -> Model:
        """For money that will end in whole units."""
        return self._made(True)

    @cached_property
    def continuous(self) -> Model:
        """For money of any amount."""
        return self._made(False)

    def model(self, whole: bool, tighten: Tightening) -> Model:
        """The model, with some limits stricter than written."""
        if tighten:
            return self._made(whole, tighten)
        return self.whole if whole else self.continuous

    def aimed(self, wanted: frozenset[Push], tighten: Tightening) -> AimedModel:
        """The model in whole units with the columns of what an ordered list pushes and holds."""
        if tighten:
            return self._aimed(wanted, tighten)
        if wanted not in self._for_aims:
            self._for_aims[wanted] = self._aimed(wanted, {})
        return self._for_aims[wanted]

    @cached_property
    def _for_aims(self) -> dict[frozenset[Push], AimedModel]:
        return {}

    def _aimed(self, wanted: frozenset[Push], tighten: Tightening) -> AimedModel:
        reference = self.problem.reference
        read = reference.outcomes, reference.for_aims.table
        return aimed_model(self.problem.scenario, reference.points, read, wanted, tighten)

    def _made(self, whole: bool, tighten: Tightening | None = None) -> Model:
        points = self.problem.reference.points
        scenario = self.problem.scenario
        return formulate(scenario, points, whole=whole, parted=not whole, tighten=tighten)


@dataclass(frozen=True)
class SearchTask:
    """What is searched for, the same at every attempt."""

    formulation: ProblemModels
    aims: tuple[Aim, ...]
    """What is pushed, in order."""
    units: Units
    gap: float
    """Relative gap at which the search may stop, whole units included."""
    engine: Engine
    clock: Clock
    barred: tuple[tuple[int, ...], ...] = ()
    """Whole-unit tables, money by cell, that are no answer: they break a rule by less than a solver
    tells apart."""

    @property
    def stage(self) -> tuple[Engine, Clock]:
        """The solver and the time that it may take."""
        return self.engine, self.clock

    def model(self, tighten: Tightening) -> Model:
        """The model with some limits stricter than written, for money in the units asked for."""
        model = self.formulation.model(self.units != "continuous", tighten)
        for table in self.barred:
            values = np.zeros(len(model.cost))
            values[model.grid.amount] = table
            model = with_other_whole(model, values, model.grid.amount)
        return model


@dataclass(frozen=True)
class Proof:
    """What the solver proved of the model as written, before any limit was tightened."""

    bound: float | None
    """No solution of the model is better."""
    solver_gap: float | None
    closed: bool
    unit: float
    """Objective points of the money unit that brings most."""
    apart: bool = False
    """Found by taking the model apart by counties."""


@dataclass(frozen=True)
class SearchResult:
    """One attempt of a search, in the solver's numbers until the audit reads it."""

    candidates: tuple[tuple[float, ...], ...]
    """Money by cell, whole where that was asked for; the first that the audit finds good is
    taken."""
    proof: Proof
    best: float
    """Objective of the continuous model's best solution."""
    notes: tuple[SearchNote, ...]
    values: Floats
    """All columns of the continuous solution: where the next attempt starts."""


Strategy = Callable[[SearchTask, Tightening, SearchResult | None], SearchResult]
"""One attempt at a task under tightened limits, given what the attempt before found. Raises
`Infeasible` where that is proved, `NoAnswerError` where nothing was found."""
