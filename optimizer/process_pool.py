"""Where tasks run: here, in processes of this machine, or on the workers of a Dask scheduler.

Results come as they are ready; what they are does not depend on where and in which order they
were computed. A task whose worker dies runs again, at last alone; one that kills its worker each
time has that as its result.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn, Protocol

from models.errors import InputError, InputProblem, NoAnswerError

ATTEMPTS = 3
"""So often a task runs whose worker dies."""
_WAITING = 2
"""Tasks in flight for each worker: one at work and one that waits."""
GREET, _CONNECT, FIRST_WORKER = 3, 3, 3
"""Seconds for the scheduler to say who it is, to take us on, and for a first worker to be there."""
_LOOK, _LOOKS = 3, 2
"""So often, in seconds, and so many times in a row, a scheduler is found without any worker."""
_ORPHANED = 0.5
"""So often, in seconds, a worker looks whether its parent is there."""
_ADDRESS = re.compile(r"\w+://[^/\s]+:\d+/?")
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class Work(Protocol):
    """Something that computes one or more results."""

    def run(self) -> list[Any]: ...


Tasks = Iterator[tuple[int, Work]]
"""(number, work); taken from as places become free."""
Done = Iterator[tuple[int, list[Any] | None]]
"""(number, results), in any order; None where the worker died each time."""


def here(tasks: Tasks) -> Done:
    """One after the other in this process."""
    return ((number, work.run()) for number, work in tasks)


def in_processes(tasks: Tasks, workers: int) -> Done:
    """In `workers` processes, started anew and never forked, each with one solver thread."""
    loky: Any = import_module("loky")

    def start(count: int) -> Any:
        return loky.ProcessPoolExecutor(
            max_workers=count, env=_ONE_THREAD, initializer=end_with, initargs=(os.getpid(),)
        )

    flight = _Flight(start, workers)
    try:
        yield from flight.all(tasks)
    finally:
        flight.stop()


def end_with(parent: int) -> None:
    """In a worker: end as soon as the parent is gone; one that was killed can tell nobody."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_ORPHANED)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclass
class _Try:
    number: int
    work: Work
    attempt: int = 1


class _Flight:
    """Tasks at work in a pool that is started anew when a worker of it dies."""

    def __init__(self, start: Callable[[int], Any], workers: int) -> None:
        self._start, self._workers = start, workers
        self._pool = start(workers)
        self._going: dict[Future[list[Any]], _Try] = {}

    def all(self, tasks: Tasks) -> Done:
        fresh = (_Try(number, work) for number, work in tasks)
        again: list[_Try] = []
        while True:
            room = _WAITING * self._workers - len(self._going)
            for one in itertools.islice(fresh, max(room, 0)):
                self._submit(one)
            if not self._going:
                break
            done, _ = wait(self._going, return_when=FIRST_COMPLETED)
            lost = []
            for future in done:
                one = self._going.pop(future)
                try:
                    yield one.number, future.result()
                except BrokenExecutor:
                    lost.append(one)
            if lost:
                again += [*lost, *self._going.values()]
                self._renew(self._workers)
        # Which of them killed the worker shows when each runs alone.
        for one in again:
            yield one.number, self._alone(one)

    def _submit(self, one: _Try) -> None:
        try:
            self._going[self._pool.submit(one.work.run)] = one
        except BrokenExecutor:
            self._pool = self._start(self._workers)
            self._going[self._pool.submit(one.work.run)] = one

    def _alone(self, one: _Try) -> list[Any] | None:
        for _ in range(ATTEMPTS - 1):
            try:
                results: list[Any] = self._pool.submit(one.work.run).result()
                return results
            except BrokenExecutor:
                self._renew(1)
        return None

    def _renew(self, workers: int) -> None:
        self.stop()
        self._going.clear()
        self._pool = self._start(workers)

    def stop(self) -> None:
        self._pool.shutdown(wait=True, kill_workers=True)


def on_dask(tasks: Tasks, address: str) -> Done:
    """On the workers of the scheduler at `address`, which runs lost tasks again itself.

    Raises `InputError` within ten seconds where no scheduler answers or it has no worker, and
    where the workers cannot import this program or have other versions of it; `NoAnswerError`
    where the scheduler goes away.
    """
    with _unheard("distributed"), _client(address) as client:
        places = sum(client.nthreads().values())
        going: dict[Any, int] = {}

        def submit(count: int) -> None:
            for number, work in itertools.islice(tasks, count):
                try:
                    future = client.submit(work.run, pure=False)
                except Exception as error:
                    raise _gone(address) from error
                going[future] = number

        submit(_WAITING * places)
        while going:
            for future in _finished(client, list(going), address):
                number = going.pop(future)
                yield number, _of_dask(future, address)
                submit(1)


def _finished(client: Any, going: list[Any], address: str) -> list[Any]:
    """Tasks that are done, one at least.

    Raises `NoAnswerError` where no worker is left, or the scheduler is not. One that is started
    anew has the time of a second look.
    """
    without_workers = 0
    while without_workers < _LOOKS:
        try:
            with client.as_current():
                wait_for = _distributed(address).wait
                return list(wait_for(going, timeout=_LOOK, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            without_workers = 0 if _has_workers(client, address) else without_workers + 1
        except Exception as error:
            if type(error).__name__ in _LOST:
                raise _gone(address) from error
            raise
    raise NoAnswerError(f"no worker of the scheduler at {address} is left; points are not done")


def _has_workers(client: Any, address: str) -> bool:
    try:
        return bool(client.nthreads())
    except Exception as error:
        raise _gone(address) from error


@contextmanager
def _unheard(name: str) -> Iterator[None]:
    """Without what a package logs: whatever matters is said by an error of ours."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


_LOST = (
    "CancelledError",
    "FutureCancelledError",
    "FuturesCancelledError",
    "CommClosedError",
    "ClosedClientError",
)
"""Names of Dask's own errors, which a machine without Dask need not know."""


def _of_dask(future: Any, address: str) -> list[Any] | None:
    try:
        if future.cancelled():
            raise _gone(address)
        results: list[Any] = future.result()
        return results
    except Exception as error:
        if type(error).__name__ in _LOST:
            raise _gone(address) from error
        if type(error).__name__ != "KilledWorker":
            raise
        return None


def _gone(address: str) -> NoAnswerError:
    return NoAnswerError(f"the scheduler at {address} went away before all points were done")


def _client(address: str) -> Any:
    if not _ADDRESS.fullmatch(address):
        _refuse(address, "is no address of a scheduler; write tcp://host:port")
    distributed = _distributed(address)
    try:
        # Without a client: one that is never taken on holds up the program when it is dropped.
        asyncio.run(asyncio.wait_for(_greet(address), GREET))
        client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except Exception as error:
        # Whatever else listens there may answer with anything, and be read as anything.
        _refuse(address, f"no scheduler answers there ({type(error).__name__})")
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER)
        theirs = client.run(versions)
    except TimeoutError:
        client.close()
        _refuse(address, "the scheduler has no workers")
    except Exception as error:
        client.close()
        _refuse(address, f"its workers cannot run this program ({type(error).__name__}: {error})")
    try:
        _check_versions(address, theirs)
    except InputError:
        client.close()
        raise
    return client


async def _greet(address: str) -> None:
    comm = await import_module("distributed.comm").connect(address, timeout=GREET)
    await comm.close()


def _distributed(address: str) -> Any:
    try:
        return import_module("distributed")
    except ImportError:
        _refuse(address, "Dask is not installed: python3 tools/install.py extras")


def _check_versions(address: str, theirs: Mapping[str, Any]) -> None:
    mine = versions()
    for worker, found in theirs.items():
        for package, own in mine.items():
            if found.get(package) != own:
                _refuse(
                    address,
                    f"the worker {worker} has {package} {found.get(package)}, "
                    f"here is {own}: the numbers could differ",
                )


def versions() -> dict[str, str]:
    """Of the packages that decide on the numbers."""
    found = {}
    for package in ("allot", "highspy", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


def _refuse(address: str, message: str) -> NoReturn:
    raise InputError([InputProblem("", f"dask {address}", message)])
