"""Points: which values each path takes, and their cross product; steps are exact decimals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod

from models.errors import InputError, Problems, refuse
from models.exact import exact_text, parse_exact
from optimizer.study.paths import Path, Paths, Point

MOST = 10_000
"""More points are computed only where it is asked for (`--yes`)."""
_MOST_STEPS = 1_000_000

Vary = Mapping[str, "str | Iterable[object]"]
"""Path → `0.2:0.5:0.05` (first, last, step), `a,b,c`, or a list of values."""


def cross_product(paths: Paths, vary: Vary, yes: bool = False) -> list[Point]:
    """Every combination of the values of the paths, the last path changing fastest.

    Raises `InputError` with every path that does not exist and every value that is no value, and
    for more than `MOST` points without `yes`.
    """
    if not vary:
        refuse("", "vary", "names no path")
    problems, columns = Problems(), []
    for name, given in vary.items():
        try:
            path = paths.find(name)
            columns.append([(path.name, value) for value in values_of(path, given)])
        except ValueError as error:
            problems.add("", name, str(error))
        except InputError as error:
            problems.extend(error.problems)
    problems.raise_if_any()
    count = prod(len(column) for column in columns)
    if count > MOST and not yes:
        refuse("", "vary", f"makes {count:,} points; more than {MOST:,} only with --yes (yes=True)")
    return list(product(*columns))


def values_of(path: Path, given: str | Iterable[object]) -> tuple[str, ...]:
    """The values as texts, each once, in the order given; raises ValueError."""
    if isinstance(given, str) and ":" in given:
        return tuple(exact_text(value) for value in steps(given))
    listed: Sequence[object] = given.split(",") if isinstance(given, str) else list(given)
    texts = [_text(path, value) for value in listed]
    if not texts or "" in texts:
        raise ValueError("a value is missing")
    return tuple(dict.fromkeys(texts))


def steps(text: str) -> list[Fraction]:
    """`first:last:step`, exactly: 0.2:0.5:0.05 is 0.2, 0.25 … 0.5; raises ValueError.

    The last is among them where the steps meet it.
    """
    parts = [parse_exact(part) for part in text.split(":")]
    if len(parts) != 3:
        raise ValueError(f"'{text}' is not first:last:step")
    first, last, step = parts
    if not step or (last - first) / step < 0:
        raise ValueError(f"the step of '{text}' does not lead from the first to the last")
    count = (last - first) // step + 1
    if count > _MOST_STEPS:
        raise ValueError(f"'{text}' makes {count:,} steps; at most {_MOST_STEPS:,} are taken")
    return [first + number * step for number in range(count)]


def _text(path: Path, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if path.is_number and not isinstance(value, str):
        return exact_text(parse_exact(value))
    text = str(value).strip()
    try:
        return exact_text(parse_exact(text)) if path.is_number else text
    except ValueError:
        if path.now is None:
            return text
        raise


def where(point: Point) -> str:
    """A point as text: `budget=30000, lot=10`."""
    return ", ".join(f"{name}={value}" for name, value in point)
