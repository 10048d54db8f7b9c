"""What a record keeps of the relaxation's prices: multipliers of a certificate, price by rule."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from models.certificate import Certificate, Multiplier
from models.errors import InfeasibleError, NoAnswerError
from models.scenario import Scenario
from models.shadow_price import RulePrice
from optimizer.audit.certify import certify
from optimizer.formulation.assemble import formulate

_PLACES = 12
"""Decimals of a multiplier in objective points, beyond those that its own size takes."""


def rule_prices(scenario: Scenario) -> tuple[RulePrice, ...]:
    """What a step of each rule is worth; none without an optimum of the relaxation or HiGHS."""
    try:
        from optimizer.sensitivity.prices import prices
    except ImportError:
        return ()
    try:
        return prices(scenario).rules
    except (InfeasibleError, NoAnswerError):
        return ()


def certified(scenario: Scenario, values: Mapping[str, Fraction]) -> Certificate | None:
    """A certificate near the bound of the linear relaxation; None where that has no optimum, and
    without HiGHS, whose prices it is made of.

    `values`: objective points per unit of each metric. Whatever the solver's prices are worth, the
    certificate is a bound: only how close it is depends on them.
    """
    try:
        from optimizer.solvers.highs_lp import row_prices
    except ImportError:
        return None
    model = formulate(scenario, values)
    priced = row_prices(model)
    if priced is None:
        return None
    prices, _ = priced
    per = {rule.id: rule.per for rule in scenario.rules}
    multipliers = []
    for limit in model.limits:
        for number, key in enumerate(limit.keys):
            price = float(prices[limit.start + number] * limit.scale[number] * limit.heads[number])
            side = "upper" if price > 0 else "lower"
            named = tuple(zip(per.get(limit.rule, ()), key, strict=True))
            if price:
                multipliers.append(Multiplier(limit.rule, named, side, _short(abs(price))))
    return certify(scenario, values, multipliers)


def _short(price: float) -> Fraction:
    """A decimal of few digits near a price, so that a reader can multiply by it."""
    return Fraction(f"{price:.{_PLACES}e}") if price else Fraction(0)
