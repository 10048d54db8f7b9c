"""The search by county held against the search in one piece on random programmes of all kinds of
rules, and against trying every table of the small ones.

    python tests/bench/bench_strategies.py --count 2000 --seed 1

Every second programme is larger than could be tried. Prints how many were looked at, and every
disagreement with the number of its programme, `world` in this script. `--start` goes on from a
number. With `--drawn` the programmes are as they are drawn, many of them with tiers that fill in
order against what they bring or without a lot, and only their models are solved. Exit code 1 where
anything disagrees.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections import Counter
from typing import Any

from measuring import machine, say

from tests.agreeing import disagreements, that_comes_apart
from tests.small_programmes import programme

_EVERY = 100


def world(seed: int, number: int, drawn: bool = False) -> dict[str, Any]:
    """The programme of that number."""
    made = programme(seed, number, large=number % 2 == 1)
    return made if drawn else that_comes_apart(made)


def _of(seed: int, number: int, drawn: bool, seen: Counter[str]) -> list[str]:
    """What the two say otherwise of one programme; a crash is a disagreement, too."""
    try:
        return list(disagreements(world(seed, number, drawn), seen, tables=not drawn))
    except Exception:
        return ["crash: " + " | ".join(traceback.format_exc().splitlines()[-3:])]


def main() -> int:
    """Run; 1 where anything disagrees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--drawn", action="store_true")
    chosen = parser.parse_args()
    say(machine())
    began, seen, untrue = time.process_time(), Counter[str](), 0
    last = chosen.start + chosen.count
    for number in range(chosen.start, last):
        for text in _of(chosen.seed, number, chosen.drawn, seen):
            untrue += 1
            say(f"{number} {text}")
        if (number + 1) % _EVERY == 0 or number + 1 == last:
            counts = ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))
            taken = time.process_time() - began
            say(f"to {number}: {counts}; {untrue} disagreements; {taken:.0f} s of one processor")
    return 1 if untrue else 0


if __name__ == "__main__":
    raise SystemExit(main())
