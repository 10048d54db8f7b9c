"""Baselines: allocations by formula, in exact arithmetic and without a solver."""

from optimizer.baselines.factor import factor_amounts, largest_remainder
from optimizer.baselines.kinds import baseline, reference_table

__all__ = ["baseline", "factor_amounts", "largest_remainder", "reference_table"]
