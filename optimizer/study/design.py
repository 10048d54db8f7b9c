"""Which scenarios a study is made of: paths, values, points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np

from models.errors import InputError, Problems, did_you_mean, refuse
from models.exact import exact_text, parse_exact
from models.programme import inside
from models.response import merged
from models.scenario import Scenario
from models.strict_yaml import Steps, place_of, read_yaml

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
    if not vary or not isinstance(vary, Mapping):
        refuse("", "vary", 'names no path; write {"budget": [30, 33]}')
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
    if not isinstance(given, Iterable):
        raise ValueError(f"{given!r} is no list of values")
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


# Paths are named as `--set` names them:
# `budget`, `objective.weights.jobs`, `rules.deep-poverty-share.at_least.share`,
# `response.tasks.parks.sigma`: what stands in the scenario, and the constants of the programme's
# response formula as the scenario uses them.


_WORDING = {"id", "title", "basis", "clause", "number_from", "reason", "range"}
_APART = {"programme", "overrides", "scenarios", "last_year", "grounds", "response", "title"}
_NOT_READ = ("fit",)
"""What `response.yaml` says to calibration only."""

Point = tuple[tuple[str, str], ...]
"""Where the varied paths stand: (path, value as text); () is the unchanged scenario."""


@dataclass(frozen=True)
class Path:
    """One place of a scenario; `now` is what stands there, None for nothing or a looked-up one."""

    name: str
    steps: Steps
    now: str | None

    @property
    def is_number(self) -> bool:
        """A number stands here, or may."""
        if self.now is None:
            return True
        try:
            parse_exact(self.now)
        except ValueError:
            return False
        return True


class Paths:
    """The paths of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.known = {path.name: path for path in self._all()}

    def find(self, name: str) -> Path:
        """The path of that name.

        Raises `InputError` with the nearest name where there is none, and for a constant of the
        response formula where the tiers in use are not those that the formula gives.
        """
        path = self.known.get(name.strip())
        if path is None:
            near = did_you_mean(name, self.known)
            refuse("", name, f"there is no such path in {self._scenario.name}{near}")
        if path.steps[0] == "response" and not self.formula_gives_tiers:
            refuse(
                "",
                name,
                "the tiers in use are not those that the response formula gives, "
                "so its constants cannot be varied",
            )
        return path

    def patch(self, point: Point) -> dict[str, Any]:
        """The change of the scenario that takes it to a point, in the form of an override."""
        plain = [(self.known[name], value) for name, value in point]
        patch = nested((path, value) for path, value in plain if path.steps[0] != "response")
        response, tops = self._response, {}
        for path, value in plain:
            if path.steps[0] == "response":
                response = with_value(response, path.steps[1:], value)
                tops[str(path.steps[1])] = response[path.steps[1]]
        return {**patch, "response": tops} if tops else patch

    def changed(self, point: Point) -> Scenario:
        """The scenario at a point, read and checked like any other; raises `InputError`."""
        return self._scenario.replace(**self.patch(point)) if point else self._scenario

    @cached_property
    def _response(self) -> Any:
        """The constants of the response formula as the scenario uses them; {} without one."""
        programme = self._scenario.programme
        if programme.file.response is None:
            return {}
        content = read_yaml(inside(programme.folder, programme.file.response))
        return merged(content, self._scenario.spec.response)

    @cached_property
    def formula_gives_tiers(self) -> bool:
        """Whether the tiers in use are those of the response formula, to the last digit."""
        scenario = self._scenario
        if scenario.programme.file.response is None:
            return False
        if scenario.spec.response:
            return True
        made = scenario.programme.tiers(scenario.spec.calibration, {"tasks": {}})
        return all(
            np.array_equal(getattr(made, part), getattr(scenario.tiers, part))
            for part in ("width", "rate")
        )

    def _all(self) -> Iterator[Path]:
        scenario, aims = self._scenario, self._scenario.spec.objective.aims
        yield from self._left_out()
        for steps, text in _leaves(scenario.document.body):
            if steps[0] not in _APART and not (steps[0] == "objective" and aims):
                yield _path(steps, text)
        for steps, text in _leaves(scenario.document.rules, ("rules",)):
            yield _path(steps, text)
        for steps, text in _leaves(self._response, ("response",)):
            if self._is_read(steps):
                yield _path(steps, text)

    def _left_out(self) -> Iterator[Path]:
        """What a scenario need not write."""
        scenario = self._scenario
        for name in ("lot", "calibration"):
            if not isinstance(scenario.document.body.get(name), str):
                yield Path(name, (name,), None)
        weights = scenario.spec.objective.weights
        for metric in scenario.programme.metrics:
            if metric not in weights and not scenario.spec.objective.aims:
                yield _path(("objective", "weights", metric), "0")
        for rule in scenario.spec.rules:
            yield _path(("rules", rule.id, "enabled"), "true" if rule.enabled else "false")

    def _is_read(self, steps: Steps) -> bool:
        """Whether a constant counts under the calibration in use."""
        if steps[1] in _NOT_READ:
            return False
        return steps[1] != "kappa" or steps[2] == self.calibration

    @property
    def response(self) -> Any:
        """The constants of the response formula as the scenario uses them, as they are written."""
        return self._response

    @property
    def fitted(self) -> frozenset[str]:
        """Metrics of which response.yaml says what kappa of the calibration in use is fitted to."""
        return frozenset(self._response.get("fit", {}).get(self.calibration, {}))

    @property
    def calibration(self) -> str | None:
        """The calibration whose kappa the response formula takes."""
        scenario = self._scenario
        known = [*scenario.programme.file.calibrations, *self._response.get("kappa", {})]
        return scenario.spec.calibration or next(iter(known), None)


def _path(steps: Steps, now: str | None) -> Path:
    return Path(place_of(steps), steps, now)


def _leaves(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, str | None]]:
    """(steps, text) of every scalar that is no wording; a looked-up factor is one as well."""
    if isinstance(value, Mapping):
        if steps and steps[-1] in ("share", "times", "lot") and set(value) == {"column"}:
            yield steps, None
        for key, inner in value.items():
            if key not in _WORDING or len(steps) < 2:
                yield from _leaves(inner, (*steps, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*steps, number))
    elif isinstance(value, str):
        yield steps, value


def nested(settings: Iterable[tuple[Path, str]]) -> dict[str, Any]:
    """Values at their paths, as one override; not for places within lists of the response."""
    patch: dict[str, Any] = {}
    for path, value in settings:
        change: Any = value
        for step in reversed(path.steps):
            change = {str(step): change}
        patch = merged(patch, change)
    return patch


def with_value(content: Any, steps: Steps, value: str) -> Any:
    """A document with a value in one place; the rest of it is shared and not copied."""
    if not steps:
        return value
    step: Any = steps[0]
    changed = content.copy()
    changed[step] = with_value(content[step], steps[1:], value)
    return changed
