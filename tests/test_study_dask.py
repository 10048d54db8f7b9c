"""Points on Dask: the same bytes as here, and plain words where there is nobody to ask."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models.errors import InputError, NoAnswerError
from models.scenario import Scenario
from optimizer import process_pool as pool
from optimizer.process_pool import Work, on_dask
from optimizer.study.grid import grid_study
from optimizer.study.study_result import Result
from tests.dying import Dying, Fine
from tests.worlds import rule, world

pytest.importorskip("distributed")
ROOT = Path(__file__).parent.parent
CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    options = dict(threads_per_worker=1, processes=True, dashboard_address=None)
    with LocalCluster(n_workers=int(sys.argv[1]), scheduler_port=0, **options) as cluster:
        print(cluster.scheduler_address, flush=True)
        for _ in sys.stdin:
            cluster.scale(0)
"""


@contextlib.contextmanager
def scheduler(folder: Path, workers: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a scheduler with so many workers, each a process, and its own process."""
    settings = {
        "PYTHONPATH": str(ROOT),
        "DASK_LOGGING__DISTRIBUTED": "critical",
        "DASK_TEMPORARY_DIRECTORY": str(folder),
    }
    script = folder / "cluster.py"
    script.write_text(CLUSTER)
    running = subprocess.Popen(
        [sys.executable, str(script), str(workers)],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert running.stdin and running.stdout
    try:
        yield running.stdout.readline().strip(), running
    finally:
        with contextlib.suppress(OSError):
            running.stdin.close()
        try:
            running.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        running.stdout.close()


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    floor = rule(id="floor", per=["county"], at_least=15)
    return world(tmp_path, {"budget": 60, "lot": 5, "rules": [floor]})


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that is there is waited for, however busy the machine."""
    for wait in ("GREET", "_CONNECT", "FIRST_WORKER"):
        monkeypatch.setattr(pool, wait, 120)


def refused(small: Scenario, address: str) -> str:
    with pytest.raises(InputError) as caught:
        grid_study(small, {"budget": "70"}, relax=True, dask=address)
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_two_local_workers_give_the_same_bytes_whoever_dies(
    small: Scenario, tmp_path: Path
) -> None:
    whole = {"budget": "30:80:10", "rules.floor.at_least": "5,15"}
    relaxed = {"budget": "60,-1", "rules.floor.at_least": "0:25:0.1"}
    with scheduler(tmp_path, 2) as (address, _):
        for vary, relax in ((whole, False), (relaxed, True)):
            there = grid_study(small, vary, relax=relax, dask=address)
            assert there.csv() == grid_study(small, vary, relax=relax, workers=1).csv()
        works: list[Work] = [Fine("a"), Dying("b", tmp_path, times=1), Fine("c")]
        found = dict(on_dask(enumerate(works), address))
        assert found == {n: [Result("optimal", name)] for n, name in enumerate("abc")}
        assert (tmp_path / "b").stat().st_size == 2


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_a_scheduler_without_workers_and_one_that_goes_away_are_named(
    small: Scenario, tmp_path: Path
) -> None:
    with scheduler(tmp_path, 0) as (address, _), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "FIRST_WORKER", 0.5)
        assert "the scheduler has no workers" in refused(small, address)
    with scheduler(tmp_path, 1) as (address, running):
        works: list[Work] = [Fine(str(number)) for number in range(40)]
        done = on_dask(enumerate(works), address)
        next(done)
        os.killpg(running.pid, signal.SIGKILL)
        with pytest.raises(NoAnswerError, match="went away before all points were done"):
            list(done)


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_workers_that_all_leave_are_missed(tmp_path: Path) -> None:
    with scheduler(tmp_path, 1) as (address, running):
        works: list[Work] = [Fine(str(number)) for number in range(40)]
        done = on_dask(enumerate(works), address)
        next(done)
        assert running.stdin is not None
        running.stdin.write("all of you, leave\n")
        running.stdin.flush()
        with import_module("distributed").Client(address, set_as_default=False) as other:
            while other.nthreads():
                pass
        with pytest.raises(NoAnswerError, match="no worker of the scheduler at .* is left"):
            list(done)


class _Scheduler:
    """Stands for a client and its package: nothing is ever done, workers as they are listed."""

    def __init__(self, workers: list[int]) -> None:
        self._workers = workers
        self.waits: list[float] = []

    def nthreads(self) -> dict[str, int]:
        return {f"tcp://w:{number}": 1 for number in range(self._workers.pop(0))}

    def as_current(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def wait(self, going: list[object], timeout: float, return_when: str) -> Any:
        self.waits.append(timeout)
        if not self._workers:
            return SimpleNamespace(done=set(going))
        raise TimeoutError


def test_a_scheduler_without_workers_is_looked_at_twice_within_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for workers, is_left in (([1, 0, 0, 1], False), ([0, 1, 0, 1], True)):
        fake = _Scheduler(workers)
        monkeypatch.setattr(pool, "_distributed", lambda address, fake=fake: fake)
        if is_left:
            assert pool._finished(fake, ["task"], "tcp://x:1") == ["task"]
            continue
        with pytest.raises(NoAnswerError, match="no worker of the scheduler at tcp://x:1 is left"):
            pool._finished(fake, ["task"], "tcp://x:1")
        assert sum(fake.waits[-2:]) < 10


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:8786", "tcp://", "tcp://host", ""])
def test_what_is_no_address_is_refused(address: str, small: Scenario) -> None:
    assert "write tcp://host:port" in refused(small, address)


def test_where_no_scheduler_listens_that_is_said(
    small: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "GREET", 0.3)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = refused(small, f"tcp://127.0.0.1:{port}")
    assert f"dask tcp://127.0.0.1:{port}: no scheduler answers there" in said


def test_the_waits_for_a_scheduler_are_ten_seconds_together_at_most() -> None:
    assert pool.GREET + pool._CONNECT + pool.FIRST_WORKER < 10


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4])
def test_whatever_else_listens_there_is_no_scheduler(
    answer: bytes, small: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "GREET", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def respond() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                connection.sendall(answer)
                connection.recv(1)

        thread = threading.Thread(target=respond, daemon=True)
        thread.start()
        said = refused(small, f"tcp://127.0.0.1:{server.getsockname()[1]}")
    assert "no scheduler answers there" in said


def test_without_the_extra_it_is_named(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        if name.startswith("distributed"):
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(pool, "import_module", missing)
    said = refused(small, "tcp://127.0.0.1:1")
    assert said.endswith("Dask is not installed: python3 tools/install.py extras")


def test_workers_of_another_version_are_refused() -> None:
    mine = pool.versions()
    pool._check_versions("tcp://x:1", {"tcp://w:1": mine})
    with pytest.raises(InputError, match="the worker tcp://w:2 has highspy 0.0.1"):
        pool._check_versions("tcp://x:1", {"tcp://w:2": {**mine, "highspy": "0.0.1"}})
