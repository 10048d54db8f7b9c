"""A grid that notes each point it computes, and kills itself (SIGKILL) where it is told to.

    python -m tests.stopped_study SCENARIO STORE NOTES WORKERS MOMENT

MOMENT: never, `before N` or `after N` the file of the N-th piece is in its place. Before it, the
piece is written beside and not yet renamed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from models.scenario import load
from optimizer.study.grid import grid_study
from optimizer.study.runner import WholePoint

VARY = {"budget": "50:80:10", "rules.floor.at_least": "5,15"}
"""Eight points; with the unchanged scenario nine pieces."""


def main(scenario: str, store: str, notes: str, workers: str, *moment: str) -> None:
    """Run the grid as asked."""
    if moment[0] != "never":
        _kill_self(moment[0], int(moment[1]))
    if workers == "1":
        _note_points(Path(notes))
    print(grid_study(load(scenario), VARY, store=store, workers=int(workers)).csv(), end="")  # noqa: T201


def _note_points(notes: Path) -> None:
    run = WholePoint.run

    def noted(self: WholePoint) -> object:
        with notes.open("a") as file:
            rule = self.scenario.rules[0].bound[0].number
            file.write(f"{self.scenario.budget} {rule}\n")
        return run(self)

    WholePoint.run = noted  # type: ignore[method-assign, assignment]


def _kill_self(side: str, count: int) -> None:
    replace, seen = Path.replace, []

    def replaced(self: Path, target: Path) -> Path:
        if Path(target).parent.name == "points":
            seen.append(target)
        now = len(seen) == count
        if now and side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = replace(self, target)
        if now:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    Path.replace = replaced  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main(*sys.argv[1:])
