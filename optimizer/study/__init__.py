"""Many scenarios at once: `grid`, `sweep`, `tornado`, and `map_scenarios` behind them."""

from optimizer.study.grid import grid
from optimizer.study.runner import How, map_scenarios
from optimizer.study.sweep import sweep
from optimizer.study.tornado import tornado

__all__ = ["How", "grid", "map_scenarios", "sweep", "tornado"]
