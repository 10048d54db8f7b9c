"""What the measurements share: where the project is, the machine, medians of one run, a table."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

Job = Callable[[], object]
_PACKAGES = ("highspy", "pulp", "numpy", "scipy", "pydantic")


def say(text: str = "") -> None:
    """One line on stdout, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def machine() -> str:
    """Cores, memory, load and versions, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, load {load:.1f} at the start; "
        f"Python {platform.python_version()}, {packages}"
    )


def seconds_of(job: Job) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def processor_seconds_of(job: Job) -> float:
    """How long one call keeps the processor: for work of one process, whatever else runs."""
    began = time.process_time()
    job()
    return time.process_time() - began


def processes_seconds_of(job: Job) -> float:
    """How long the processes that one call starts keep the processors, all together."""
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    job()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime - began.ru_utime + ended.ru_stime - began.ru_stime


def medians(
    jobs: Mapping[str, Job], runs: int, taking: Callable[[Job], float] = seconds_of
) -> dict[str, float]:
    """Median seconds of each job.

    The jobs take turns, so that what else the machine does falls on all of them alike.
    """
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(runs):
        for name, job in jobs.items():
            taken[name].append(taking(job))
    return {name: statistics.median(times) for name, times in taken.items()}


def show(title: str, seconds: Mapping[str, float], against: str) -> None:
    """A table of medians, each also as a ratio to the job named `against`."""
    reference = seconds[against]
    width = max(map(len, seconds))
    say(f"\n{title} (reference: {against})")
    for name, value in seconds.items():
        say(f"  {name:<{width}}  {value * 1000:10.1f} ms  {value / reference:8.2f} x")
