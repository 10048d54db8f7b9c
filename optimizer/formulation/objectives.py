"""The objective: what a unit of each metric is worth, and which cells need ordered tiers."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from models.errors import refuse
from models.exact import MICRO
from models.scenario import Scenario
from models.tiers import Tiers


def metric_values(scenario: Scenario, reference: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Objective points of one unit of each metric, exact.

    `normalise: none`: the weight. `normalise: baseline`: weight / Σ |weights| / the metric's
    outcome under the baseline (`reference`), so that the baseline itself scores 1 where all
    weights are positive. Raises `InputError` where a weighted metric of the baseline is zero.
    """
    objective = scenario.spec.objective
    weights = {
        name: objective.weights.get(name, Fraction(0)) for name in scenario.programme.metrics
    }
    if objective.normalise == "none":
        return weights
    total = sum((abs(weight) for weight in weights.values()), Fraction(0))
    for name, weight in weights.items():
        if weight and not reference[name]:
            refuse(
                *scenario.document.origin(("objective", "normalise")),
                f"the baseline yields no {name}, so it cannot be normalised by; say none",
            )
    return {
        name: weight / total / reference[name] if weight else Fraction(0)
        for name, weight in weights.items()
    }


def tier_points(scenario: Scenario, values: Mapping[str, Fraction]) -> NDArray[np.float64]:
    """Objective points per money unit, [county, task, tier]."""
    weights = np.array([float(values[name] / MICRO) for name in scenario.programme.metrics])
    return np.asarray(np.tensordot(weights, scenario.tiers.rate.astype(float), axes=1))


def cells_to_order(
    scenario: Scenario, values: Mapping[str, Fraction], against: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Cells whose tiers the solver would rather not fill in order, [county, task].

    That is so where a rule counts a metric against its grain (`against[metric, county, task]`)
    and the metric yields anything, and where a further money unit can lower the objective or
    a later tier is worth more than an earlier one.
    """
    tiers: Tiers = scenario.tiers
    ordered = np.any(against & (tiers.rate.max(axis=3) > 0), axis=0)
    if any(value < 0 for value in values.values()):
        whole = _whole_points(scenario, values)
        later = np.concatenate([whole[..., 1:], np.zeros_like(whole[..., :1])], axis=-1)
        rises = (later > whole) & (tiers.width > 0)
        ordered |= np.any(rises | (whole < 0), axis=2)
    return np.asarray(ordered)


def _whole_points(scenario: Scenario, values: Mapping[str, Fraction]) -> NDArray[np.object_]:
    """Exact points per money unit, times one common number that makes them whole."""
    common = lcm(*(value.denominator for value in values.values()))
    points = np.zeros(scenario.tiers.width.shape, dtype=object)
    for place, name in enumerate(scenario.programme.metrics):
        points += int(values[name] * common) * scenario.tiers.rate[place].astype(object)
    return points
