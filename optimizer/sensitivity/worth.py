"""What a unit of each metric is worth in a scenario, without solving it."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from models.objective import metric_values
from models.scenario import Scenario
from optimizer.audit.measure import read_measures
from optimizer.baselines import baseline


class Worth(NamedTuple):
    """`points`: objective points per unit of each metric; `outcomes`: what the baseline yields."""

    points: dict[str, Fraction]
    outcomes: dict[str, Fraction]


def worth_of(scenario: Scenario) -> Worth:
    """Raises `InputError` for an objective that cannot be normalised by the baseline."""
    reading = read_measures(scenario, baseline(scenario))
    everything = reading.everything()
    outcomes = {name: reading.value(name, everything) for name in reading.outcomes}
    return Worth(metric_values(scenario, outcomes), outcomes)
