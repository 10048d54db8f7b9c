"""One point solved in whole units, as `allot solve` does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from models.exact import exact_text
from models.scenario import Scenario
from optimizer.solve import Options, solve
from optimizer.study.result import Result, failed


@dataclass(frozen=True)
class Whole:
    """One point to solve: the scenario there."""

    scenario: Scenario
    options: Options
    worth: Mapping[str, Fraction]
    """Objective points per unit of each metric in the unchanged scenario."""

    def run(self) -> list[Result]:
        """Its result, alone in a list."""
        try:
            found = solve(self.scenario, self.options)
        except Exception as error:
            return [failed(error)]
        outcomes = found.audit.outcomes
        worth = sum((self.worth[name] * outcomes[name] for name in self.worth), Fraction(0))
        return [
            Result(
                found.status,
                objective=float(found.objective),
                worth=float(worth),
                bound=found.bound,
                gap=found.gap,
                outcomes={name: float(value) for name, value in outcomes.items()},
                spent=float(found.audit.spent),
                amounts=tuple(map(exact_text, found.allocation.amounts.ravel().tolist())),
            )
        ]
