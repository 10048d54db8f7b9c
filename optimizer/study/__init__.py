"""Many scenarios at once: `solve_many`; `grid`, `sweep`, `tornado`, and `map_scenarios` behind
them."""

from optimizer.study.batch import Answers, Changes, Factors, solve_many
from optimizer.study.grid import grid
from optimizer.study.runner import How, map_scenarios
from optimizer.study.sweep import sweep
from optimizer.study.tornado import tornado

__all__ = ["Answers", "Changes", "Factors", "How"]
__all__ += ["grid", "map_scenarios", "solve_many", "sweep", "tornado"]
