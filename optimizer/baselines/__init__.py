"""Baselines: allocations by formula, in exact arithmetic and without a solver."""

from optimizer.baselines.kinds import baseline, baseline_of_kind
from optimizer.baselines.rounding import largest_remainder
from optimizer.baselines.shares import factor_amounts

__all__ = ["baseline", "baseline_of_kind", "factor_amounts", "largest_remainder"]
