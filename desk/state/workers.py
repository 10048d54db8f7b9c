"""Long work in processes of its own, with progress and a stop; what it leaves is whole or nothing.

A process stands ready before it is asked for, so that a job takes its own time only. One that is
stopped or killed is replaced by another.
"""

from __future__ import annotations

import atexit
import os
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Protocol

from models.errors import AllotError, NoAnswerError
from optimizer.process_pool import end_with

_AT_WORK = 2
"""So many jobs run at once; further ones wait for their turn."""
_BROKE_OFF = "the calculation broke off; nothing was kept"
_STOPPED = "the calculation was stopped; nothing was kept"


@dataclass(frozen=True)
class JobProgress:
    """Where a job stands, as far as it tells."""

    stage: str = ""
    """Of a search: `search`, `whole`, `tie-break` …"""
    gap: float | None = None
    done: int = 0
    total: int = 0
    """Of work that is counted; 0 where it is not."""


Tell = Callable[[JobProgress], None]


class Job(Protocol):
    """Something that takes long: plain data that goes to another process."""

    def run(self, tell: Tell) -> Any: ...


class Running:
    """A job that was handed in; safe to be looked at from anywhere, at any time."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._progress: JobProgress | None = None
        self._result: Any = None
        self.stopped = False
        """It was stopped before it was over."""
        self.error: AllotError | None = None
        """Why there is no result."""

    @property
    def done(self) -> bool:
        """Whether it is over, with a result or without."""
        return self._over.is_set()

    def progress(self) -> JobProgress | None:
        """Where it stood when it last said so; None before that."""
        return self._progress

    def result(self, timeout: float | None = None) -> Any:
        """What came of it, waiting for it at most so many seconds; raises its error."""
        if not self._over.wait(timeout):
            raise TimeoutError
        if self.error is not None:
            raise self.error
        return self._result

    def stop(self) -> None:
        """End it now; nothing of it is kept."""
        with self._lock:
            if self.done:
                return
            self.stopped = True
            if self._worker is not None:
                self._worker.kill()

    def run_in(self, worker: _Worker, job: Job) -> bool:
        """Have a worker do it, and wait for it; whether the worker can go on afterwards."""
        with self._lock:
            self._worker = worker
        if self.stopped:
            self._end(None)
            return True
        error: AllotError | None = NoAnswerError(_BROKE_OFF)
        result, lives = None, False
        try:
            worker.pipe.send(job)
            while isinstance(told := worker.pipe.recv(), JobProgress):
                self._progress = told
            (error, result), lives = told, True
        except (EOFError, OSError):
            pass  # Its process was stopped, or died.
        except Exception:  # An error of the program: its log has it, and no page.
            traceback.print_exc()
        finally:
            self._end(error, result)
        return lives and not self.stopped

    def _end(self, error: AllotError | None, result: Any = None) -> None:
        with self._lock:
            self._worker = None
            self.error = NoAnswerError(_STOPPED) if self.stopped else error
            self._result = result
            self._over.set()


class Workers:
    """The processes of one desk."""

    def __init__(self) -> None:
        self._context = get_context("spawn")
        self._places = threading.BoundedSemaphore(_AT_WORK)
        self._ready: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = False
        atexit.register(self.close)  # Python waits for its processes when it ends.
        self.warm()

    def warm(self) -> None:
        """Have a process ready that has loaded what jobs need."""
        with self._lock:
            if not self._ready and not self._closed:
                self._ready.append(self._new())

    def start(self, job: Job) -> Running:
        """Hand a job in."""
        running = Running()
        threading.Thread(target=self._serve, args=(running, job), daemon=True).start()
        return running

    def close(self) -> None:
        """End all processes, those at work too: nothing of their jobs is kept."""
        with self._lock:
            self._closed = True
            self._ready.clear()
            for worker in self._all:
                worker.kill()

    def _new(self) -> _Worker:
        worker = _Worker(self._context)
        self._all.add(worker)
        return worker

    def _serve(self, running: Running, job: Job) -> None:
        with self._places:
            with self._lock:
                self._ready = [worker for worker in self._ready if worker.is_alive]
                worker = self._ready.pop() if self._ready else self._new()
            self.warm()
            lives = running.run_in(worker, job)
            with self._lock:
                if lives and not self._closed:
                    self._ready.append(worker)
                else:
                    worker.kill()
                    self._all.discard(worker)
            self.warm()


class _Worker:
    """One process, and the way to it."""

    def __init__(self, context: Any) -> None:
        self.pipe, theirs = context.Pipe()
        # No daemon: those may have no processes of their own, and a comparison has.
        self._process = context.Process(target=_work, args=(theirs, os.getpid()))
        self._process.start()
        theirs.close()

    @property
    def is_alive(self) -> bool:
        """Whether it can take another job."""
        return bool(self._process.is_alive())

    def kill(self) -> None:
        """End it, whatever it is at."""
        self._process.kill()


def _work(pipe: Connection, parent: int) -> None:
    """In a worker: job after job, until the desk is gone."""
    end_with(parent)
    # What jobs need, loaded before one is there.
    import_module("desk.state.jobs")
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(_done(job, pipe.send))
        except Exception:  # An error of the program: its own log has it, and no page.
            traceback.print_exc()
            pipe.send((NoAnswerError(_BROKE_OFF), None))


def _done(job: Job, tell: Tell) -> tuple[AllotError | None, Any]:
    """(error, result) of a job."""
    try:
        return None, job.run(tell)
    except AllotError as error:
        return error, None
