"""Neighbours of the shipped base and other programmes: does `solve` answer, how soon, how near?

    python tests/bench/bench_neighbours.py [--only 0,7,1001] [--count 100] [--seed 1] [--json FILE]

Numbers below 1001 are neighbours (`neighbours.py`: one to three edits each), 1001 to 1020 other
programmes (`other_programmes.py`); a seed and a number make the same one again. Each is solved with
the default options and without a record, in a process of its own that may use so many processor
seconds (`--limit`, 60), and so is, in another one, the same model given to bare HiGHS, up to the
gap that the answer told, but no closer than 1e-4. HiGHS is asked for money in parts of units, which
is the easier question, or with `--whole-units` for what the answer is: whole ones. Seconds are of
the processor, user and system; making and loading a programme is not in them. MB is the largest
memory of the process that solves, Python and loading included. Of rules in conflict `diagnose` is
asked as well whether that is proved in exact arithmetic, within a limit of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path

from measuring import machine, say
from one_apart import FIRST, OTHERS, Told, done_apart

GAP, LOOSER = 1e-4, 3e-4
SECONDS = 60.0
TIMES, PLUS = 1.5, 1.0
"""More than so many times bare HiGHS and so many seconds is told as slower."""
_HEAD = ("number", "outcome", "CPU s", "HiGHS", "ratio", "gap", "MB", "edits")
_WIDTHS = (6, 24, 7, 7, 6, 8, 6)


@dataclass(frozen=True)
class Row:
    """What came of one programme."""

    number: int
    edits: tuple[str, ...]
    outcome: str
    """`optimal`, `feasible`, `infeasible`, `no answer`, `stopped` at the limit, `crashed`, or
    `refused` as input."""
    seconds: float | None = None
    """At the limit where it was stopped."""
    highs: str = ""
    highs_seconds: float | None = None
    gap: float | None = None
    memory: float | None = None
    proved: bool | None = None
    """Of rules in conflict: whether `diagnose` has an exact proof; None where it did not end."""
    proof_seconds: float | None = None
    said: str = ""
    """The last line of what was said where it crashed or was refused."""

    @property
    def ratio(self) -> float | None:
        """Seconds by those of bare HiGHS, at the most: where HiGHS was stopped it needs more."""
        if self.seconds is None or not self.highs_seconds:
            return None
        return self.seconds / self.highs_seconds

    @property
    def is_slower(self) -> bool:
        """Whether it took more than bare HiGHS by a factor and a second."""
        if self.seconds is None or self.highs_seconds is None:
            return False
        return self.seconds > TIMES * self.highs_seconds + PLUS

    @property
    def answered(self) -> bool:
        return self.outcome in ("optimal", "feasible")

    @property
    def line(self) -> str:
        """Of the table."""
        outcome, close = self.outcome, {True: "proved", False: "not proved", None: "?"}
        if outcome == "infeasible":
            outcome += f", {close[self.proved]} {_short(self.proof_seconds)}"
        gap = "" if self.gap is None else f"{self.gap:.1e}"
        highs = (">" if self.highs == "stopped" else "") + _short(self.highs_seconds)
        memory = "" if self.memory is None else f"{self.memory:.0f}"
        cells = (str(self.number), outcome, _short(self.seconds), highs, _short(self.ratio))
        edits = "; ".join(self.edits) + (f" | {self.said}" if self.said else "")
        return _aligned((*cells, gap, memory, edits))


def _short(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


def _aligned(cells: Sequence[str]) -> str:
    return "  ".join(f"{c:<{w}}" for c, w in zip(cells, (*_WIDTHS, 0), strict=True)).rstrip()


def measured(number: int, chosen: argparse.Namespace) -> Row:
    """Make a programme, solve it, give it to HiGHS, and ask what is proved of a conflict."""
    with tempfile.TemporaryDirectory() as folder:
        made = done_apart("make", chosen.seed, number, folder)
        if "path" not in made:
            return Row(number, (), made["outcome"], said=made["said"])
        path, limit, edits = made["path"], chosen.limit, tuple(made["edits"])
        solved = done_apart("solve", path, limit)
        gap = max(GAP, solved.get("gap") or 0.0)
        units = "whole" if chosen.whole_units else "parts"
        highs: Told = {"outcome": "not asked"}
        if not chosen.without_highs:
            highs = done_apart("highs", path, limit, gap, units)
        proof: Told = {}
        if solved["outcome"] == "infeasible":
            proof = done_apart("diagnose", path, limit)
    is_answer = solved["outcome"] in ("optimal", "feasible", "infeasible")
    return Row(
        number,
        edits,
        solved["outcome"],
        _seconds(solved, limit),
        highs["outcome"],
        _seconds(highs, limit),
        solved.get("gap"),
        solved["memory"],
        proof.get("proved"),
        _seconds(proof, limit),
        "" if is_answer else solved.get("said", ""),
    )


def _seconds(told: Told, limit: float) -> float | None:
    return limit if told.get("outcome") == "stopped" else told.get("seconds")


def summary(rows: Sequence[Row]) -> Told:
    """Figures of all that were looked at."""
    seconds = sorted(row.seconds for row in rows if row.answered and row.seconds is not None)
    gaps = [row.gap for row in rows if row.answered and row.gap is not None]
    conflicts = [row for row in rows if row.outcome == "infeasible"]
    told: Told = {"programmes": len(rows), "answers": sum(row.answered for row in rows)}
    if seconds:
        told["CPU s, median"] = statistics.median(seconds)
        told["CPU s, 95 %"] = seconds[ceil(0.95 * len(seconds)) - 1]
        told["CPU s, worst"] = seconds[-1]
    for within in (GAP, LOOSER) if gaps else ():
        told[f"share of answers with gap ≤ {within:g}"] = sum(g <= within for g in gaps) / len(gaps)
    told["without an answer"] = [
        row.number for row in rows if not row.answered and row.outcome != "infeasible"
    ]
    told[f"more than {TIMES:g} × bare HiGHS + {PLUS:g} s"] = [
        row.number for row in rows if row.is_slower
    ]
    told["bare HiGHS stopped"] = [row.number for row in rows if row.highs == "stopped"]
    told["infeasible"] = [row.number for row in conflicts]
    told["of those proved in exact arithmetic"] = sum(row.proved is True for row in conflicts)
    if conflicts:
        told["CPU s to a conflict, worst"] = max(row.seconds or 0.0 for row in conflicts)
        told["CPU s of its diagnosis, worst"] = max(row.proof_seconds or 0.0 for row in conflicts)
    told["largest memory, MB"] = max((row.memory or 0.0 for row in rows), default=0.0)
    return told


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def main() -> None:
    """All programmes, or those that were named; a table and its summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=_numbers, metavar="N[,M…]")
    parser.add_argument("--count", type=int, default=100, help="neighbours, before the others")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=SECONDS, help="processor seconds of each")
    parser.add_argument("--whole-units", action="store_true", help="those of bare HiGHS")
    parser.add_argument("--without-highs", action="store_true", help="`solve` alone")
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    size = machine()
    say(size)
    say(_aligned(_HEAD))
    every = [*range(chosen.count), *range(FIRST, FIRST + OTHERS)]
    rows = []
    for number in chosen.only or every:
        rows.append(measured(number, chosen))
        say(rows[-1].line)
        if chosen.json:
            _keep(chosen.json, (size, chosen.seed, chosen.limit), rows)
    say()
    for name, figure in summary(rows).items():
        say(f"{name}: {f'{figure:.4g}' if isinstance(figure, float) else figure}")
    say(f"machine: {size}")


def _keep(file: Path, asked: tuple[str, int, float], rows: Sequence[Row]) -> None:
    """Write all so far, so that a run that is broken off is not lost."""
    size, seed, limit = asked
    each = [{**asdict(row), "ratio": row.ratio} for row in rows]
    told = {"machine": size, "seed": seed, "limit": limit, "summary": summary(rows), "rows": each}
    file.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
