"""The desk without its page, on the shipped scenario: 500 edits, changes of rules, answers.

    .venv/bin/python tests/bench/bench_desk.py

Medians, beside one audit of the table in the same run; for the edits also how memory grows.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from measuring import ROOT, machine, say

from desk.state.draft import ScenarioDraft
from desk.state.folder import DeskFolder
from desk.state.jobs import SolveSoon
from desk.state.money_table import DeskTable
from desk.state.rule_edits import set_number
from desk.state.workers import Workers
from optimizer.audit import audit

EDITS, WARM = 500, 20
TILTS = ("1.5", "1.55", "1.6", "1.65", "1.7", "1.75", "1.8", "1.85", "1.9")


def taken(calls: Iterable[Callable[[], object]]) -> list[float]:
    """Seconds of each call."""
    found = []
    for call in calls:
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return found


def memory() -> int:
    """KiB that the process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def edited(table: DeskTable, number: int) -> None:
    """One edit, and every rule read on the table after it."""
    programme = table.draft.scenario.programme
    counties, tasks = programme.counties.ids, programme.tasks.ids
    table.edit([(counties[number % len(counties)], tasks[number % len(tasks)], str(20 + number))])
    table.read()


def answered(workers: Workers, draft: ScenarioDraft, tilt: str) -> None:
    """A number moved, and the best allocation under it."""
    set_number(draft, "yi-per-resident", "at_least.times", tilt)
    workers.start(SolveSoon(draft.scenario, draft.before)).result()


def main() -> None:
    """Edit, change, ask."""
    say(machine())
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "scenarios", Path(folder) / "desk")
        draft = DeskFolder(Path(folder) / "desk").new("base-2020.yaml", "bench")
        table = DeskTable(draft)
        taken(partial(edited, table, n) for n in range(WARM))
        before = memory()
        edits = taken(partial(edited, table, n) for n in range(EDITS))
        grown = memory() / before - 1
        one = statistics.median(taken([lambda: audit(draft.scenario, table.allocation)] * WARM))
        say(f"one audit: {one * 1000:.1f} ms")
        for what, some in (("first", edits[:100]), ("last", edits[-100:])):
            median = statistics.median(some)
            say(f"edit and read, {what} 100: {median * 1000:.1f} ms, {median / one:.1f} × an audit")
        say(f"{EDITS} edits: memory {grown:+.1%}")
        workers = Workers()
        answered(workers, draft, "1.45")  # Where the searches of changes begin.
        asked = taken(partial(answered, workers, draft, tilt) for tilt in TILTS)
        say(f"a number changed and solved: {statistics.median(asked):.2f} s, most {max(asked):.2f}")
        workers.close()


if __name__ == "__main__":
    main()
