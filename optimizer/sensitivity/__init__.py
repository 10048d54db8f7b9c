"""Why: prices of rules, ranges near the best, what would have to give way, why a county gets it."""

from __future__ import annotations

from models.errors import InfeasibleError, NoAnswerError
from models.shadow_price import RulePrice
from optimizer.problem import Problem


def rule_prices(problem: Problem) -> tuple[RulePrice, ...]:
    """What a step of each rule is worth; none without an optimum of the relaxation or HiGHS."""
    try:
        from optimizer.sensitivity.prices import prices  # Needs highspy, which may be missing.
    except ImportError:
        return ()
    try:
        return prices(problem.scenario, reference=problem.reference).rules
    except (InfeasibleError, NoAnswerError):
        return ()
