"""Long work in processes: results, errors in words, a stop and a kill that leave nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from desk.state.jobs import GAP, Diagnose, Fill, Keep, MakePapers, Mend, SolveSoon
from desk.state.workers import JobProgress, Running, Tell, Workers
from models.allocation import allocation_of_rows
from models.errors import InfeasibleError, InputError, NoAnswerError
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.records import read_record
from optimizer.verify import verify
from tests.worlds import rule, world

BASE = Path(__file__).resolve().parents[1] / "scenarios" / "base-2020.yaml"


@dataclass(frozen=True)
class Endless:
    """Tells that it has begun, and goes on for good."""

    die: bool = False

    def run(self, tell: Tell) -> None:
        tell(JobProgress("begun", done=os.getpid()))
        if self.die:
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()


@dataclass(frozen=True)
class Faulty:
    unsendable: bool = False

    def run(self, tell: Tell) -> Any:
        return (lambda: None) if self.unsendable else {}["none"]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.close()


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    rules = [
        rule(id="cap", at_most=40, per=["county"]),
        rule(id="jobs", measure="jobs", at_least=9),
    ]
    return world(tmp_path, {"budget": 60, "lot": 5, "rules": rules})


def begun(running: Running) -> int:
    """The process that a job runs in, once it says so."""
    while (at := running.progress()) is None:
        with contextlib.suppress(TimeoutError):
            running.result(0.01)
    return at.done


@pytest.mark.slow
def test_a_job_gives_what_the_function_gives(workers: Workers, scenario: Scenario) -> None:
    found = workers.start(SolveSoon(scenario, scenario)).result(60)
    assert found.objective == solve(scenario).objective
    table = allocation_of_rows([[60, 0], [0, 0]])
    mended = workers.start(Mend(scenario, table, hold=("b",))).result(60)
    assert not mended.audit.broken and mended.allocation.amounts[1].tolist() == [0, 0]
    filled = workers.start(Fill(scenario, table, ((1, 0), (1, 1)))).result(60)
    assert filled.allocation.amounts[1].tolist() == [0, 0] and not filled.audit.broken
    assert workers.start(Diagnose(scenario)).result(60).is_feasible


@pytest.mark.slow
def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    base = load(BASE)
    tilted = base.replace(rules={"yi-per-resident": {"at_least": {"times": "1.8"}}})
    jobs = [SolveSoon(tilted, base), SolveSoon(base.replace(budget=31500), base)]
    first, _, again = (job.run(_mute) for job in (*jobs, jobs[0]))
    assert first.gap is not None and first.gap < GAP
    assert first.allocation.amounts.tolist() == again.allocation.amounts.tolist()


@pytest.mark.slow
def test_an_error_of_the_user_comes_back_whole(workers: Workers, scenario: Scenario) -> None:
    asked = scenario.replace(rules={"jobs": {"at_least": 999}})
    with pytest.raises(InfeasibleError, match="no allocation can keep"):
        workers.start(SolveSoon(asked, scenario)).result(60)
    table = allocation_of_rows([[1, 2]])
    running = workers.start(Mend(scenario, table))
    with pytest.raises(InputError) as told:
        running.result(60)
    assert told.value.problems[0].path == "allocation" and running.error is told.value


@pytest.mark.parametrize("job", [Faulty(), Faulty(unsendable=True), Endless(die=True)])
def test_an_error_of_the_program_and_a_worker_that_dies_are_told_in_words(
    workers: Workers, scenario: Scenario, job: Any
) -> None:
    with pytest.raises(NoAnswerError, match="broke off; nothing was kept"):
        workers.start(job).result(60)
    assert workers.start(Diagnose(scenario)).result(60).is_feasible


@pytest.mark.slow
def test_a_job_that_is_stopped_ends_with_its_process_and_others_go_on(
    workers: Workers, scenario: Scenario
) -> None:
    running = [workers.start(Endless()) for _ in range(2)]
    waiting = workers.start(Endless())
    processes = [begun(one) for one in running]
    assert waiting.progress() is None
    waiting.stop()
    for one in running:
        one.stop()
    for one in (*running, waiting):
        with pytest.raises(NoAnswerError, match="was stopped"):
            one.result(60)
        assert one.stopped and one.done
    assert workers.start(Diagnose(scenario)).result(60).is_feasible
    assert all(process != os.getpid() and not _is_alive(process) for process in processes)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), 9)"])
def test_a_desk_that_ends_or_is_killed_leaves_no_process(end: str) -> None:
    code = f"""
import os
from desk.state.workers import Workers
from tests.test_desk_workers import Endless, begun
if __name__ == "__main__":
    print(begun(Workers().start(Endless())), flush=True)
    {end}
"""
    environment = {**os.environ, "PYTHONPATH": str(BASE.parents[1])}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, timeout=120, check=False
    )
    stat = Path("/proc") / str(int(told.stdout)) / "stat"
    while stat.exists() and stat.read_text().rsplit(")")[1].split()[0] != "Z":
        threading.Event().wait(0.05)


def _is_alive(process: int) -> bool:
    """Whether a process of ours is there, and not merely waited for."""
    try:
        return os.waitpid(process, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


def test_a_table_of_anybody_is_kept_as_a_record_that_replays(scenario: Scenario) -> None:
    folder = scenario.document.folder
    assert folder is not None
    table = allocation_of_rows([[45, 0], [5, 4]])
    Keep(scenario, table, None, folder / "mine", author="Li", reason="by hand").run(_mute)
    read = read_record(folder / "mine")
    assert read.allocation.amounts.tolist() == [[45, 0], [5, 4]]
    assert read.audit.broken_rules == ("cap", "lot") == audit(scenario, table).broken_rules
    assert (read.gap, read.bound, read.certificate) == (None, None, None)
    assert verify(folder / "mine").replays
    page = (folder / "mine" / "report.html").read_text("utf-8")
    assert "手工编制" in page
    with pytest.raises(InputError, match="is there already"):
        Keep(scenario, table, None, folder / "mine").run(_mute)


def test_the_table_of_an_answer_is_kept_with_how_good_it_is(scenario: Scenario) -> None:
    folder = scenario.document.folder
    assert folder is not None
    answer = solve(scenario)
    Keep(scenario, answer.allocation, answer, folder / "best").run(_mute)
    assert read_record(folder / "best").status == "optimal"
    other = scenario.replace(budget=59)
    Keep(other, answer.allocation, answer, folder / "other").run(_mute)
    assert read_record(folder / "other").bound is None


@pytest.mark.slow
def test_papers_are_written_all_or_none(scenario: Scenario) -> None:
    folder = scenario.document.folder
    assert folder is not None
    answer = solve(scenario)
    Keep(scenario, answer.allocation, answer, folder / "best").run(_mute)
    made = MakePapers(folder / "best", folder / "papers").run(_mute)
    assert made == MakePapers(folder / "best", folder / "papers").run(_mute)
    assert {path.name for path in made} == {path.name for path in (folder / "papers").iterdir()}
    with pytest.raises(InputError, match="unknown date"):
        MakePapers(folder / "best", folder / "more", dates={"isued": "2020-01-01"}).run(_mute)
    assert not (folder / "more").exists()
    assert not [one for one in folder.iterdir() if one.name.startswith(".")]


def _mute(at: JobProgress) -> None:
    """Nobody listens."""
