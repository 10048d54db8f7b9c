"""A programme of the size of a country: load, rows, simplex against interior point, memory.

    python tests/bench/bench_national.py [--counties 88 350 700 1400 2844] [--runs 5] [--whole]
    python tests/bench/bench_national.py --record --counties 2844 20000 --runs 3

For each size: the seconds of loading and of the rows against the faster of the two LP methods
(the rows should take no more than a tenth of it), from which size on the interior-point method
(with crossover) is faster, and the peak memory of loading and of the rows by non-zero.
`--whole` adds the whole continuous answer (LP, tie-break, audit), once, in the last size.
`--record` measures something else, with every rule of whole numbers: `allot solve -o` and `allot
verify` as whole processes, processor time and peak memory of each, and the size of the record.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bare import bare_highs
from measuring import ROOT, machine, medians, say, seconds_of, show
from national import write_national

from models.objective import metric_values
from models.scenario import load
from optimizer.decision import solve
from optimizer.formulation.assemble import formulate
from optimizer.solve import Options

SIZES = (88, 350, 700, 1400, 2844)
ROWS_AT_MOST = 0.1
_MB = 2**20


def measure(path: Path, runs: int) -> None:
    """All figures of one size."""
    scenario = load(path)
    values = metric_values(scenario, {})
    model = formulate(scenario, values)
    counties = len(scenario.programme.counties)
    seconds = medians(
        {
            "LP by simplex": lambda: bare_highs(model, solver="simplex"),
            "LP by interior point, crossover": lambda: bare_highs(model, solver="ipm"),
            "rows": lambda: formulate(scenario, values),
            "load": lambda: load(path),
        },
        runs,
    )
    simplex, interior, rows, _ = seconds.values()
    show(
        f"{counties} counties: {model.matrix.shape[0]:,} rows, {model.matrix.shape[1]:,} columns,"
        f" {model.matrix.nnz:,} non-zeros",
        seconds,
        "LP by simplex",
    )
    share = rows / min(simplex, interior)
    verdict = "within" if share <= ROWS_AT_MOST else "ABOVE"
    say(f"  rows are {share:.1%} of the faster LP: {verdict} a tenth")
    say(f"  interior point is {interior / simplex:.1f} times the simplex method's time")
    for name, job in (
        ("load", lambda: load(path)),
        ("rows", lambda: formulate(scenario, values)),
    ):
        peak = peak_of(job)
        each = peak / model.matrix.nnz
        say(f"  peak of {name}: {peak / _MB:.0f} MiB, {each:.0f} bytes a non-zero")


def peak_of(job: Callable[[], Any]) -> int:
    """The most bytes that Python and numpy held at once during a call, beyond what was there."""
    tracemalloc.start()
    job()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def whole_answer(path: Path) -> None:
    """One continuous answer from start to end."""
    scenario = load(path)
    options = Options(units="continuous", repaired=False)
    took = seconds_of(lambda: say(f"  {solve(scenario, options).solver.notes}"))
    say(f"  whole continuous answer: {took:.1f} s")


def record(counties: int, folder: Path, runs: int) -> None:
    """Solve, write and verify one programme as the command line does."""
    path, out = write_national(folder, counties, integer=True), folder / "record"
    for verb in (
        ["solve", str(path), "-o", str(out), "--force", "--no-repaired"],
        ["verify", str(out)],
    ):
        taken = [process_of(verb) for _ in range(runs)]
        seconds, most = (statistics.median(column) for column in zip(*taken, strict=True))
        say(f"{counties} counties, {verb[0]}: {seconds:.1f} s of processor, {most:.0f} MiB at most")
    sizes = {name: (out / name).stat().st_size / _MB for name in ("report.html", "workbook.xlsx")}
    say(f"  {', '.join(f'{name} {size:.1f} MiB' for name, size in sizes.items())}")


def process_of(verb: Sequence[str]) -> tuple[float, float]:
    """(processor seconds, MiB at most) of one run of the program."""
    command = [sys.executable, str(ROOT / "cli.py"), *verb]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{' '.join(verb)} ended with {running.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main(arguments: Sequence[str]) -> None:
    """Every size, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counties", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--record", action="store_true")
    chosen = parser.parse_args(arguments)
    say(machine())
    with tempfile.TemporaryDirectory() as folder:
        for counties in chosen.counties if chosen.record else ():
            record(counties, Path(folder) / str(counties), chosen.runs)
        if chosen.record:
            return
        for counties in chosen.counties:
            path = write_national(Path(folder) / str(counties), counties)
            measure(path, chosen.runs)
        if chosen.whole:
            whole_answer(path)
    # Linux counts in KiB; the solver's own memory is in this figure, of the largest size.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"\nmost memory of the process, solver included: {most:.0f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
