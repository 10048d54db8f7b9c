"""Scenarios, records, baselines and tables side by side: `compare`."""

from optimizer.compare.asked import Asked, cost_of_rules
from optimizer.compare.column import Column
from optimizer.compare.result import Compared
from optimizer.compare.run import compare

__all__ = ["Asked", "Column", "Compared", "compare", "cost_of_rules"]
