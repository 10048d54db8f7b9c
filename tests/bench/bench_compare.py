"""Six shipped scenarios side by side at gap 1e-3, in processes, beside one after the other.

    .venv/bin/python tests/bench/bench_compare.py

Also how long the page, the long table and the workbook take, and how large they are.
"""

from __future__ import annotations

import time

from measuring import ROOT, machine, say, seconds_of

from commands.compare import files_of
from models.scenario import load
from optimizer.compare import compare
from optimizer.decision import solve

BASE = str(ROOT / "scenarios" / "base-2020.yaml")
NAMES = ("", "@strict-tilt", "@low-tilt", "@jobs-first", "@record-calibrated", "@no-cell-cap")
GAP = 1e-3


def main() -> None:
    """Compare, then solve the same scenarios one by one, with the time of the processor."""
    say(machine())
    columns = [BASE + name for name in NAMES]
    compared = compare(columns, gap=GAP)
    say(f"six scenarios compared at gap {GAP:g}: {compared.seconds:.1f} s")
    busy = 0.0
    for name in columns:
        scenario, began = load(name), time.process_time()
        wall = seconds_of(lambda scenario=scenario: solve(scenario, gap=GAP, repaired=False))
        used = time.process_time() - began
        busy += used
        say(f"  {scenario.name}: {wall:.1f} s, {used:.1f} s of a processor")
    say(f"  together {busy:.1f} s of a processor")
    for lang in ("zh", "en"):
        began = time.perf_counter()
        files = files_of(compared, lang)
        taken = time.perf_counter() - began
        sizes = ", ".join(f"{name} {len(content) / 1000:.0f} kB" for name, content in files.items())
        say(f"files ({lang}): {taken:.2f} s; {sizes}")


if __name__ == "__main__":
    main()
