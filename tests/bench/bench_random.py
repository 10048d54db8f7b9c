"""Random small programmes, each held against trying every table: many more than the suite's 300.

    python tests/bench/bench_random.py --count 10000 --seed 1

Prints how many were looked at, and every untrue word with the number of its programme:
`tests.small_programmes.programme(seed, number)` makes it again. `--start` goes on from a number.
With `--search-alone` the search answers by itself: no table is read besides those it finds.
Exit code 1 where anything was untrue.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections import Counter

from measuring import machine, say

from optimizer.strategies import every_table
from tests.right_answers import Complaint, Refused, complaints
from tests.small_programmes import programme

_EVERY = 250


def _of(seed: int, number: int, seen: Counter[str]) -> list[Complaint]:
    """What is wrong with one programme; a crash is, too."""
    began = time.process_time()
    try:
        return complaints(programme(seed, number), seen)
    except Refused:
        seen["not valid"] += 1
        return []
    except Exception:
        return [Complaint("crash", " | ".join(traceback.format_exc().splitlines()[-3:]))]
    finally:
        seen["seconds"] += round(1000 * (time.process_time() - began))


def main() -> int:
    """Run; 1 where anything was untrue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--search-alone", action="store_true")
    chosen = parser.parse_args()
    if chosen.search_alone:
        every_table.MOST_NUMBERS = 0
    say(machine())
    seen: Counter[str] = Counter()
    untrue: Counter[str] = Counter()
    last = chosen.start + chosen.count
    for number in range(chosen.start, last):
        for kind, text in _of(chosen.seed, number, seen):
            untrue[kind] += 1
            say(f"{number} {kind}: {text}")
        if (number + 1) % _EVERY == 0 or number + 1 == last:
            say(f"to {number}: {_counts(seen)}; untrue: {_counts(untrue) or 'nothing'}")
    return 1 if untrue else 0


def _counts(of: Counter[str]) -> str:
    shown = {**of, "seconds": of["seconds"] // 1000} if of["seconds"] else of
    return ", ".join(f"{count} {what}" for what, count in sorted(shown.items()))


if __name__ == "__main__":
    raise SystemExit(main())
