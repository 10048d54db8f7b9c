"""The deep run of the random worlds: many more than the suite's, all failures in full.

    python tests/bench/bench_worlds.py --worlds 10000 --seed 1

Every world goes through the suite's own checks (tests/test_solve_random.py). A failure does not
end the run: it is counted, and its world printed as YAML with what went wrong.
"""

from __future__ import annotations

import argparse
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from measuring import machine, say

import optimizer.strategies.monolithic
from tests import test_solve_random
from tests.random_worlds import worlds

World = Mapping[str, Any]
Check = Callable[[World], None]
Made = SearchStrategy[dict[str, Any]]


def _whole(world: World) -> None:
    test_solve_random.check_world(dict(world))


def _by_the_ladder(world: World) -> None:
    kept = optimizer.strategies.monolithic.DIRECT_CELLS
    optimizer.strategies.monolithic.DIRECT_CELLS = 0
    try:
        _whole(world)
    finally:
        optimizer.strategies.monolithic.DIRECT_CELLS = kept


def _continuous(world: World) -> None:
    test_solve_random.check_world(dict(world), units="continuous")


def _brute_force(world: World) -> None:
    test_solve_random.check_by_brute_force(dict(world))


def _kinds() -> dict[str, tuple[int, Made, Check]]:
    """Name → elevenths of all worlds, the worlds, their check."""
    tiny = worlds(counties=2, tasks=2, budget=5, rules=3)
    return {
        "whole units": (5, worlds(), _whole),
        "whole units by the ladder": (2, worlds(), _by_the_ladder),
        "continuous": (2, worlds(), _continuous),
        "brute force": (2, tiny, _brute_force),
    }


def _run(
    count: int, start: int, made: SearchStrategy[dict[str, Any]], check: Check
) -> Counter[str]:
    """Check `count` worlds; how many ended how, failures printed as they come."""
    seen: Counter[str] = Counter()
    # The suite's checks name what became of a world as an event; here the events are counted.
    test_solve_random.event = lambda what: seen.update([what.partition(":")[0]])  # type: ignore

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(made)
    def each(world: dict[str, Any]) -> None:
        seen["worlds"] += 1
        try:
            check(world)
        except Exception:
            seen["FAILED"] += 1
            say("--- a failure")
            say(traceback.format_exc())
            say(yaml.safe_dump(world, sort_keys=False, allow_unicode=True))

    each()
    return seen


def main() -> int:
    """Run all kinds of checks; 1 if a world failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    say(machine())
    failed = 0
    for name, (parts, made, check) in _kinds().items():
        seen = _run(max(1, chosen.worlds * parts // 11), chosen.seed, made, check)
        failed += seen["FAILED"]
        say(f"{name}: " + ", ".join(f"{number} {what}" for what, number in sorted(seen.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
