"""One folder as all windows of the desk see it: what is open, worked on, and found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desk.state.draft import ScenarioDraft
from desk.state.folder import DeskFolder
from desk.state.jobs import Diagnose, Fill, Mend, Solve, SolveSoon
from desk.state.kept_answer import keep_answer
from desk.state.money_table import DeskTable
from desk.state.workers import Job, Running, Workers
from models.allocation import Allocation
from models.errors import AllotError, InfeasibleError, refuse
from models.scenario import Scenario
from models.solution import Solution
from optimizer.infeasibility.diagnose import Diagnosis
from optimizer.mending import Mended

_POLL = 0.05
"""Seconds between two looks at work that is done in another process."""


@dataclass
class OpenScenario:
    """What became of one scenario since the desk was opened; windows show it and never change it.

    `serial` rises with everything that a window has to draw again.
    """

    name: str
    draft: ScenarioDraft
    table: DeskTable
    answer: Solution | None = None
    before: Solution | None = None
    """The answer before the last one."""
    solved: Scenario | None = None
    """The scenario as it was when the last answer was asked for."""
    mended: Mended | None = None
    diagnosis: Diagnosis | None = None
    error: BaseException | None = None
    """Why the last work came to nothing."""
    work: str = ""
    """What is being worked on: `solve`, `mend`, `fill`, `diagnose` …; empty for nothing."""
    running: Running | None = None
    put: int = -1
    """Version of the draft after a table was put in by work that was asked for."""
    serial: int = 0


class Desk:
    """The folder, its open scenarios, and the processes that work for them."""

    def __init__(self, path: Path) -> None:
        self.folder = DeskFolder(path)
        self.workers = Workers()
        self.pages: dict[str, bytes] = {}
        """Pages that stand in a frame, by their key."""
        self.invite: Callable[[], str] | None = None
        """A further address, for another browser of this machine."""
        self._standing: dict[str, OpenScenario] = {}
        self._followed: set[asyncio.Task[None]] = set()

    def standing(self, name: str) -> OpenScenario:
        """What became of a scenario, which is opened if it is not yet.

        Raises `InputError` for one that is not in the folder or cannot be read.
        """
        if name not in self._standing:
            draft = self.folder.open(name)
            self._standing[name] = OpenScenario(name, draft, DeskTable(draft))
        return self._standing[name]

    def solve(self, at: OpenScenario, soon: bool = True) -> None:
        """Solve in place, as soon as may be or to the last; a solve that goes on is begun anew, for
        its rules are no longer these."""
        if at.work in ("solve", "prove", "diagnose") and at.running is not None:
            at.running.stop()
            at.work = ""
        scenario, version = at.draft.scenario, at.draft.version
        job = SolveSoon(scenario, at.draft.before) if soon else Solve(scenario)
        work = "solve" if soon else "prove"
        self.start(at, work, job, lambda found: self._answered(at, found, scenario, version))

    def mend(self, at: OpenScenario) -> None:
        """The nearest table that keeps the rules, in place of the one that stands."""
        job = Mend(at.draft.scenario, at.table.to_mend, at.table.hold)
        self.start(at, "mend", job, lambda found: self._mended(at, found))

    def fill(self, at: OpenScenario) -> None:
        """The best table with the held cells as they are."""
        job = Fill(at.draft.scenario, at.table.allocation, tuple(at.table.held))
        self.start(at, "fill", job, lambda found: _put(at, found.allocation, "fill"))

    def start(self, at: OpenScenario, work: str, job: Job, then: Callable[[Any], object]) -> None:
        """Hand a job to another process; `then` is called with what comes of it.

        Raises `InputError` while something else is being worked on for the scenario.
        """
        if at.work:
            refuse(
                "", "", "something is being worked on for this scenario; stop it, or wait for it"
            )
        at.running, at.work = self.workers.start(job), work
        if work in ("solve", "prove", "mend", "fill"):
            at.error = at.diagnosis = None
        at.serial += 1
        self._hold(self._follow(at, at.running, then))

    def ask(
        self, job: Job, then: Callable[[Any], object], failed: Callable[[AllotError], object]
    ) -> None:
        """Hand over a job that leaves the scenario as it is, so that nothing has to wait for it."""
        running = self.workers.start(job)

        async def follow() -> None:
            while not running.done:
                await asyncio.sleep(_POLL)
            if running.error is not None:
                failed(running.error)
            else:
                then(running.result())

        self._hold(follow())

    def _hold(self, work: Coroutine[Any, Any, None]) -> None:
        """Follow work to its end; held here, for the loop itself keeps no task alive."""
        task = asyncio.get_running_loop().create_task(work)
        self._followed.add(task)
        task.add_done_callback(self._followed.discard)

    def stop(self, at: OpenScenario) -> None:
        """Stop what is being worked on; what was there before stays."""
        if at.running is not None:
            at.running.stop()

    def close(self) -> None:
        """End the processes."""
        self.workers.close()

    async def _follow(
        self, at: OpenScenario, running: Running, then: Callable[[Any], object]
    ) -> None:
        while not running.done:
            await asyncio.sleep(_POLL)
        if at.running is not running:
            return
        at.running, at.work = None, ""
        at.serial += 1
        if running.stopped:
            return
        if running.error is None:
            then(running.result())
            return
        at.error = running.error
        if isinstance(at.error, InfeasibleError):
            self.start_diagnosis(at, at.error)

    def start_diagnosis(self, at: OpenScenario, error: BaseException) -> None:
        """Ask what would have to give way."""

        def keep(found: Diagnosis | None) -> None:
            at.diagnosis, at.error = found, error

        self.start(at, "diagnose", Diagnose(at.draft.scenario), keep)
        at.error = error

    def _answered(
        self, at: OpenScenario, found: Solution, scenario: Scenario, version: int
    ) -> None:
        at.before, at.answer, at.solved = at.answer, found, scenario
        at.diagnosis = at.mended = None
        keep_answer(at.draft, found, version)
        _put(at, found.allocation, "answer")

    def _mended(self, at: OpenScenario, found: Mended) -> None:
        at.mended = found
        _put(at, found.allocation, "mend")


def _put(at: OpenScenario, table: Allocation, said: str) -> None:
    at.put = at.table.put(table, said)
