"""Samples of the rates that a decision is taken under: drawn, or given as scenarios; exact in each.

Only rates are sampled, and never where the tiers end: so all samples share a model's columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from models.allocation import Allocation
from models.errors import Problems, refuse
from models.objective import need_points
from models.scenario import Scenario
from models.tiers import Tiers
from optimizer.formulation.model import Floats, Model
from optimizer.problem import Problem
from optimizer.study.assumed_numbers import Assumption
from optimizer.study.assumption_table import Assumptions
from optimizer.study.break_even import RateLimit
from optimizer.study.drawn_response import DrawnResponse
from optimizer.study.hashed_draws import Floats as Values
from optimizer.study.hashed_draws import draw

MOST_ENTRIES = 2_000_000
"""Cells × tiers × samples of one aim, or of one rule that is to be kept by chance, up to which they
are taken (assumption: seconds, and some 100 MB)."""
_EXACT = 2**62


@dataclass(frozen=True, eq=False)
class Samples:
    """The tiers of all cells in every sample, in code order."""

    problem: Problem
    names: tuple[str, ...]
    """`1`, `2` …, or those of the scenarios."""
    tiers: tuple[Tiers, ...]
    numbers: Mapping[str, Values]
    """Path → [sample] what was drawn; empty where scenarios were given."""
    asked: int
    """How many were asked for; more than there are where so many would not fit."""

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.tiers)

    def points(self, model: Model) -> Floats:
        """[sample, tier column] what a money unit in a tier is worth, by the points as assumed."""
        scenario = self.problem.scenario
        per_unit = self.problem.reference.points
        weights = np.array([float(per_unit[metric]) for metric in scenario.programme.metrics])
        grid, steps = model.grid, scenario.steps
        found = []
        for tiers in self.tiers:
            stepped = tiers if (steps == 1).all() else tiers.in_steps(steps)
            worth = np.tensordot(weights, stepped.rates, axes=1)
            flat = worth.reshape(-1, worth.shape[-1])
            found.append(flat[grid.tier_cell, grid.tier_number])
        return np.array(found)

    def outcomes(self, allocation: Allocation) -> list[dict[str, Fraction]]:
        """[sample] metric → outcome of whole or exact money in code order."""
        metrics = self.problem.scenario.programme.metrics
        return [
            {
                name: Fraction(int(grid.sum())) / by
                for name, grid in zip(metrics, grids, strict=True)
            }
            for grids, by in self._grids(allocation)
        ]

    def worths(self, allocation: Allocation) -> list[Fraction]:
        """[sample] what the outcomes come to in points, exactly; points are those of the scenario
        as it is assumed."""
        points = self.problem.reference.points
        return [
            sum((points[name] * value for name, value in found.items()), Fraction(0))
            for found in self.outcomes(allocation)
        ]

    def rooms(self, limits: Sequence[RateLimit], allocation: Allocation) -> list[list[Fraction]]:
        """[sample][limit] what is left to it, exactly; below zero where it is broken."""
        metrics = self.problem.scenario.programme.metrics
        found = []
        for grids, by in self._grids(allocation):
            rooms = []
            for limit in limits:
                total = limit.fixed
                for block, factor in limit.terms.items():
                    grid = grids[metrics.index(block.measure)]
                    inside = grid[np.ix_(block.counties, block.tasks)].sum()
                    total += factor * Fraction(int(inside)) / by
                rooms.append(total)
            found.append(rooms)
        return found

    def _grids(self, allocation: Allocation) -> list[tuple[list[NDArray[np.object_]], Fraction]]:
        """[sample] of each metric what every cell yields, times a common number."""
        amounts = allocation.amounts
        scale = 1
        if any(Fraction(one).denominator != 1 for one in amounts.ravel().tolist()):
            scale = int(np.lcm.reduce([Fraction(a).denominator for a in amounts.ravel().tolist()]))
        whole = np.array([[int(a * scale) for a in row] for row in amounts.tolist()], dtype=object)
        most = max(tiers.largest_rate for tiers in self.tiers) * max(int(whole.sum()), 1)
        money = whole.astype(np.int64) if most < _EXACT else whole
        return [(tiers.yields(money, scale), Fraction(tiers.scale * scale)) for tiers in self.tiers]


def drawn_rates(assumed: Assumptions) -> tuple[Assumption, ...]:
    """What is drawn that makes rates and leaves tiers where they end."""
    return tuple(one for one in assumed.drawn if not moves_tiers(one.path))


def moves_tiers(path: str) -> bool:
    """Whether a number moves where tiers end: a saturation scale, or its power."""
    return path.endswith(".sigma") or path.startswith("response.saturation.")


def drawn_samples(problem: Problem, assumed: Assumptions, draws: int, seed: int) -> Samples:
    """Samples drawn from the ranges of what is assumed; fewer than asked for where so many would
    not fit. Raises `InputError` where no rate is drawn."""
    numbers = drawn_rates(assumed)
    if not numbers:
        refuse("", "sample", "holds every rate, so there is nothing to draw")
    tiers = problem.scenario.tiers.width
    size = min(draws, max(MOST_ENTRIES // max(tiers.size, 1), 20))
    found = draw(numbers, range(1, size + 1), seed, assumed.related).values
    response = DrawnResponse(problem.scenario)
    each = tuple(
        response.tiers({path: values[at : at + 1] for path, values in found.items()})
        for at in range(size)
    )
    return _checked(Samples(problem, tuple(map(str, range(1, size + 1))), each, found, draws))


def bad_ends(problem: Problem, assumed: Assumptions) -> Samples:
    """The rates as assumed, then with one number of a task and metric at a time at the end of its
    range at which its outcomes are worth less."""
    response, points = DrawnResponse(problem.scenario), problem.reference.points
    names, found = ["assumed"], [response.tiers({})]
    for one in assumed.drawn:
        metric = effect_of(one.path, problem.scenario)
        if metric is not None and points[metric]:
            end = one.low if points[metric] > 0 else one.high
            names.append(one.path)
            found.append(response.tiers({one.path: np.array([float(Fraction(end))])}))
    if len(found) == 1:
        refuse("", "sample", "holds the effect of every task, so no budget of them can be spent")
    return _checked(Samples(problem, tuple(names), tuple(found), {}, len(found)))


def effect_of(path: str, scenario: Scenario) -> str | None:
    """The metric of a number that is the effect of one task on it; None of another number."""
    steps = path.split(".")
    if path.startswith("response.tasks.") or (steps[0] == "rates" and len(steps) == 3):
        metric = steps[-1] if steps[0] == "response" else steps[1]
        return metric if metric in scenario.programme.metrics else None
    return None


def given_samples(problem: Problem, cases: Sequence[Scenario]) -> Samples:
    """Scenarios of the same places, tasks and ends of tiers, each as likely as the others."""
    problems, own = Problems(), problem.scenario
    found = []
    for at, case in enumerate(cases):
        mine = Problem.of(case).scenario
        same = mine.programme.counties.ids == own.programme.counties.ids
        if not same or mine.programme.tasks.ids != own.programme.tasks.ids:
            problems.add("", f"cases[{at}]", "is of other places or tasks")
        elif mine.programme.metrics != own.programme.metrics:
            problems.add("", f"cases[{at}]", "counts other metrics")
        elif not np.array_equal(mine.tiers.width, own.tiers.width):
            problems.add("", f"cases[{at}]", "has tiers that end elsewhere; only rates may differ")
        else:
            found.append(mine.tiers)
    if not cases:
        problems.add("", "cases", "is empty")
    problems.raise_if_any()
    names = tuple(case.name for case in cases)
    return _checked(Samples(problem, names, tuple(found), {}, len(found)))


def _checked(samples: Samples) -> Samples:
    """Refuse what the rows of a sample would read otherwise than the audit: rates that rise from
    tier to tier, or fall below zero, where those assumed do not, and what is not weighed."""
    scenario = samples.problem.scenario
    need_points(scenario)
    if scenario.spec.objective.aims:
        refuse("", "objective", "several aims in order are not pushed over samples; name weights")
    points = samples.problem.reference.points
    plain = _is_plain(scenario.tiers, points, scenario)
    for name, tiers in zip(samples.names, samples.tiers, strict=True):
        if (plain & ~_is_plain(tiers, points, scenario)).any():
            refuse("", f"sample {name}", "has rates that rise from tier to tier, or are below zero")
    return samples


def _is_plain(
    tiers: Tiers, points: Mapping[str, Fraction], scenario: Scenario
) -> NDArray[np.bool_]:
    """[county, task] whether an earlier tier is worth no less than a later one, and none below
    nothing."""
    weights = np.array([float(points[metric]) for metric in scenario.programme.metrics])
    worth = np.tensordot(weights, tiers.rates, axes=1)
    later = np.concatenate([worth[..., 1:], np.zeros_like(worth[..., :1])], axis=-1)
    falls = (later <= worth * (1 + 1e-12) + 1e-15) | (tiers.width == 0)
    return np.asarray(falls.all(axis=-1) & (worth >= 0).all(axis=-1))
