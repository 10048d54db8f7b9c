"""The objective in exact numbers: what a unit of each metric is worth, what outcomes come to."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from models.errors import refuse
from models.finding import Audit
from models.scenario import Scenario


def metric_values(scenario: Scenario, reference: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Objective points of one unit of each metric, exact.

    `normalise: none`: the weight. `normalise: baseline`: weight / Σ |weights| / the metric's
    outcome under the baseline (`reference`), so that the baseline itself scores 1 where all
    weights are positive. Raises `InputError` where a weighted metric of the baseline is not above
    zero.
    """
    objective = scenario.spec.objective
    return points_of(scenario, objective.weights, objective.normalise, reference)


def points_of(
    scenario: Scenario,
    given: Mapping[str, Fraction],
    normalise: str,
    reference: Mapping[str, Fraction],
) -> dict[str, Fraction]:
    """`metric_values` of some weights, not those of the scenario's own objective."""
    weights = {name: given.get(name, Fraction(0)) for name in scenario.programme.metrics}
    if normalise == "none":
        return weights
    total = sum((abs(weight) for weight in weights.values()), Fraction(0))
    for name, weight in weights.items():
        if weight and reference[name] <= 0:
            refuse(
                *scenario.document.origin(("objective", "normalise")),
                f"the baseline yields no {name}, so it cannot be normalised by; say none"
                if not reference[name]
                else f"the baseline yields less than nothing of {name}; say none",
            )
    return {
        name: weight / total / reference[name] if weight else Fraction(0)
        for name, weight in weights.items()
    }


def need_points(scenario: Scenario) -> None:
    """Raise `InputError` where nothing is worth points: the first of several aims is then no sum of
    outcomes."""
    if not scenario.spec.objective.has_points:
        message = "the first aim is no sum of outcomes: nothing is worth points by it"
        refuse(*scenario.document.origin(("objective", 0)), message)


def objective_of(audited: Audit, values: Mapping[str, Fraction]) -> Fraction:
    """Σ points × outcome, exact; `values`: points per unit of each metric."""
    return sum((values[name] * audited.outcomes[name] for name in values), Fraction(0))
