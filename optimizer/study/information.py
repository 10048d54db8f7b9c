"""What it would be worth to know a number before the money is spent (EVPI, EVPPI), by relaxations
in which rates change and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np

from models.errors import NoAnswer, NoAnswerError, refuse, with_keywords
from models.scenario import Scenario
from optimizer.formulation.edits import relaxed
from optimizer.formulation.model import Floats, Model
from optimizer.problem import Problem
from optimizer.solvers.highs_lp import HotModel
from optimizer.strategies import ProblemModels
from optimizer.study.assumed_numbers import Assumption
from optimizer.study.assumption_table import Assumptions, assumptions
from optimizer.study.drawn_response import DrawnResponse
from optimizer.study.hashed_draws import quantiles
from optimizer.study.samples import drawn_rates, drawn_samples
from optimizer.study.uncertainty import check_draws

if TYPE_CHECKING:
    import pandas as pd

DRAWS, NODES = 100, 7
"""Draws for the value of knowing everything; values of a number for that of knowing it alone."""
_LEAST = 1e-7
"""Points that a solver's tolerance may make of nothing."""


@dataclass(frozen=True)
class KnownNumber:
    """What knowing one number is worth."""

    number: Assumption
    points: float
    """By how much the index would be higher on average."""
    outcomes: Mapping[str, float]
    """Metric → by how much more, or less, of it there would be on average."""


@dataclass(frozen=True, eq=False)
class Information:
    """What it would be worth to know numbers before deciding, over their ranges."""

    scenario: Scenario
    points: float
    """To know all rates: by how much the index would be higher on average."""
    outcomes: Mapping[str, float]
    rows: tuple[KnownNumber, ...]
    """What is worth most first."""
    draws: int

    def __repr__(self) -> str:
        top = ", ".join(f"{one.number.path} {one.points:.2g}" for one in self.rows[:3])
        return f"Information on {self.scenario.name}: all {self.points:.2g} points; {top}"

    @property
    def frame(self) -> pd.DataFrame:
        """One row a number: `path`, titles, `points` (of the index, on average), and each metric in
        its unit: what knowing it alone is worth before the money is spent."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "path": one.number.path,
                    "title_zh": one.number.title.zh,
                    "title_en": one.number.title.en,
                    "points": one.points,
                    **one.outcomes,
                }
                for one in self.rows
            ]
        )


class HowInformed(TypedDict, total=False):
    """What the worth of information may be asked for."""

    draws: int
    seed: int
    within: str | None
    sample: Mapping[str, object] | Assumptions | None


@with_keywords(*HowInformed.__annotations__)
def information(scenario: Scenario, **how: Unpack[HowInformed]) -> Information:
    """What it would be worth to know a number, or all of them, before the money is spent.

    The mean of the best of each case, less the best on average over the same cases: of all rates
    over `draws` (100) draws (EVPI), of each number over seven values of it, the other rates at
    their mean (EVPPI; exact but for these values where rates are products, as those of the formula
    are). In points of the index as assumed, and in what the metrics would come to. Cells may be
    funded in part, rules are kept by the numbers as assumed, saturation scales are held. `within`,
    `sample`, `seed`: as `uncertainty` takes them.

    Raises `InputError` as that does, `NoAnswerError` where the solver had no answer.
    """
    draws, seed = how.get("draws", DRAWS), how.get("seed", 1)
    check_draws(draws=draws, seed=seed)
    sample = how.get("sample")
    assumed = sample if isinstance(sample, Assumptions) else assumptions(scenario)
    assumed = assumed.within(how.get("within"))
    if sample is not None and not isinstance(sample, Assumptions):
        assumed = assumed.sample(sample)
    if (scenario.steps > 1).any():
        refuse("", "step", "money in steps is not parted; leave step out")
    problem = Problem.of(scenario)
    samples = drawn_samples(problem, assumed, draws, seed)
    worth = _Worth(problem)
    points, outcomes = worth.known(np.array([tiers.rates for tiers in samples.tiers]))
    numbers = drawn_rates(assumed)
    by_number = [worth.times(one) for one in numbers]
    mean = worth.assumed * np.prod([one.mean(axis=0) for one in by_number], axis=0)
    found = [
        KnownNumber(one, *worth.known(mean * times / times.mean(axis=0)))
        for one, times in zip(numbers, by_number, strict=True)
    ]
    ordered = sorted(found, key=lambda one: -one.points)
    return Information(scenario, points, outcomes, tuple(ordered), len(samples))


class _Worth:
    """The relaxation of a problem, solved by other rates again and again."""

    def __init__(self, problem: Problem) -> None:
        self._model: Model = relaxed(ProblemModels(problem).continuous)
        self._hot = HotModel(self._model)
        scenario, points = problem.scenario, problem.reference.points
        self._metrics = scenario.programme.metrics
        self._weights = np.array([float(points[metric]) for metric in self._metrics])
        self._response = DrawnResponse(scenario)
        self.assumed = self._response.tiers({}).rates
        """[metric, county, task, tier]"""

    def times(self, number: Assumption) -> Floats:
        """[node, metric, county, task, tier] what rates are multiplied by at values of a number, in
        the middle of equal parts of its range."""
        middles = (np.arange(NODES) + 0.5) / NODES
        values = quantiles(number.range, Fraction(number.now), middles)
        there = self.assumed > 0
        found = []
        for value in values:
            rates = self._response.tiers({number.path: np.array([value])}).rates
            ratio = np.ones_like(rates)
            np.divide(rates, self.assumed, out=ratio, where=there)
            found.append(ratio)
        return np.array(found)

    def known(self, rates: Floats) -> tuple[float, dict[str, float]]:
        """What it is worth to know which of some rates it will be: points, and outcomes."""
        cases = [self._tiers(one) for one in rates]
        apart = [self._best(case) for case in cases]
        together = self._best(np.mean(cases, axis=0))
        gains = np.mean(
            [case @ (own - together) for case, own in zip(cases, apart, strict=True)], axis=0
        )
        points = float(self._weights @ gains)
        if points < _LEAST:
            return 0.0, dict.fromkeys(self._metrics, 0.0)
        return points, dict(zip(self._metrics, gains.tolist(), strict=True))

    def _tiers(self, rates: Floats) -> Floats:
        """[metric, tier column]"""
        grid = self._model.grid
        flat = rates.reshape(len(rates), -1, rates.shape[-1])
        return np.asarray(flat[:, grid.tier_cell, grid.tier_number], dtype=np.float64)

    def _best(self, case: Floats) -> Floats:
        """[tier column] the money in the tiers that is best by the rates of a case."""
        cost = self._model.cost.copy()
        cost[self._model.grid.tier] = self._weights @ case
        self._hot.become(replace(self._model, cost=cost))
        answer = self._hot.solve()
        if answer.values is None:
            raise NoAnswerError(NoAnswer.STOPPED)
        return answer.values[self._model.grid.tier]
