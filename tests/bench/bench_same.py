"""Is it one allocation? Seeds, orders of the counties, threads of the machine, versions of HiGHS.

    python tests/bench/bench_same.py [--orders 5] [--seeds 5] [--highspy FOLDER]… [SCENARIO]…

Every run is a process of its own and says the SHA-256 of its allocation.csv; the table counts how
many different ones there are. `--highspy` names a folder that holds another version
(`pip install --no-deps --target FOLDER highspy==1.12.0`). Without scenarios: the linear variant of
base-2020 in whole units and in continuous ones, and base-2020 at gap 1e-4. Of a mixed-integer
scenario within a gap nothing is claimed but the order of the counties.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from measuring import ROOT, machine, say

BASE = ROOT / "scenarios" / "base-2020.yaml"
CASES = (f"{BASE}@no-integer-rules", f"{BASE}@no-integer-rules --continuous", str(BASE))
_RUN = """
import hashlib, json, sys, time
from dataclasses import replace
import optimizer.decision as deciding
import optimizer.solve as solving
from models.allocation import allocation_csv
from models.scenario import load
from optimizer.solvers.decomposition.by_county import by_county
from optimizer.solvers.highs import solve_model, version
path, seed, units = sys.argv[1], int(sys.argv[2]), sys.argv[3]
engine = by_county(lambda model, effort: solve_model(model, replace(effort, seed=seed)))
solving.pick_engine = lambda name, way="auto": (engine, ())
scenario = load(path)
began = time.perf_counter()
found = deciding.solve(scenario, repaired=False, certificate=False, units=units)
text = allocation_csv(found.allocation, scenario.programme)
print(json.dumps({
    "hash": hashlib.sha256(text.encode()).hexdigest()[:12],
    "seconds": time.perf_counter() - began,
    "objective": float(found.objective),
    "notes": found.solver.notes,
    "version": version(),
}))
"""


def run(path: str, seed: int, units: str, package: Path | None = None) -> dict[str, object]:
    """One solve in a process of its own."""
    paths = [str(ROOT)] if package is None else [str(package), str(ROOT)]
    done = subprocess.run(
        [sys.executable, "-c", _RUN, path, str(seed), units],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"hash": "failed", "notes": done.stderr.splitlines()[-1:], "seconds": 0.0}
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def shuffled(path: str, folder: Path, orders: int) -> Iterator[str]:
    """The scenario written out as files that stand alone, its counties in other orders."""
    sys.path.insert(0, str(ROOT))
    from models.record.scenario_files import resolved_files
    from models.scenario import load

    for number in range(orders):
        place = folder / str(number)
        for name, content in resolved_files(load(path)).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        table = place / "programme" / "counties.csv"
        head, *rows = table.read_text("utf-8").splitlines()
        random.Random(number).shuffle(rows)
        table.write_text("\n".join([head, *rows]) + "\n", "utf-8")
        yield str(place / "scenario.yaml")


def tell(name: str, found: Sequence[dict[str, object]]) -> None:
    """One line: how many different allocations, and how long a solve took at the most."""
    hashes = [str(one["hash"]) for one in found]
    most = max(float(str(one["seconds"])) for one in found)
    kinds = len(set(hashes))
    said = f"{len(found)} runs, {kinds} allocation{'s' if kinds > 1 else ''}"
    say(f"  {name:<10} {said:<26} {most:6.2f} s at the most   {' '.join(dict.fromkeys(hashes))}")


def case(name: str, chosen: argparse.Namespace) -> None:
    """All runs of one scenario."""
    path, _, continuous = name.partition(" --")
    units = "continuous" if continuous else "whole"
    first = run(path, 0, units)
    say(f"\n{Path(path).name}, {units}: {', '.join(map(str, first['notes']))}")  # type: ignore
    tell("as given", [first])
    tell("seeds", [run(path, seed, units) for seed in range(chosen.seeds)])
    with tempfile.TemporaryDirectory() as folder:
        orders = shuffled(path, Path(folder), chosen.orders)
        tell("orders", [run(other, 0, units) for other in orders])
    for package in chosen.highspy:
        other = run(path, 0, units, package)
        tell(str(other.get("version", package)), [other])


def main() -> None:
    """All cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=CASES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--orders", type=int, default=5)
    parser.add_argument("--highspy", type=Path, action="append", default=[])
    chosen = parser.parse_args()
    say(machine())
    for name in chosen.scenarios:
        case(str(name), chosen)


if __name__ == "__main__":
    main()
