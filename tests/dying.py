"""Work for a pool that kills its worker: once, or each time."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from optimizer.study.study_result import Result


@dataclass(frozen=True)
class Fine:
    """Says its name."""

    name: str

    def run(self) -> list[Result]:
        return [Result("optimal", self.name)]


@dataclass(frozen=True)
class Dying:
    """Kills the process that runs it, the first `times` times; then says its name."""

    name: str
    folder: Path
    times: int

    def run(self) -> list[Result]:
        tries = self.folder / self.name
        with tries.open("ab") as file:
            file.write(b".")
        if tries.stat().st_size <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        return [Result("optimal", self.name)]
