"""Baselines: allocations by formula, in exact arithmetic and without a solver."""

from optimizer.baselines.factor import factor_amounts, largest_remainder
from optimizer.baselines.kinds import baseline, baseline_of_kind

__all__ = ["baseline", "baseline_of_kind", "factor_amounts", "largest_remainder"]
