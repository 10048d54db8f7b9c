"""Many changes of one scenario, given and answered as arrays: rates, limits, budget, weights.

Nothing is read from text again, and each search begins where that of the unchanged scenario ended.
So an answer depends on its own change only, and not on the others, on their order, or on who works
it out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.aim import Objective
from models.allocation import Allocation
from models.errors import InputError, Problems, did_you_mean, with_keywords
from models.exact import exact_text, parse_exact
from models.rule import Rule
from models.scenario import Scenario
from models.selection import county_at
from models.strict_yaml import parse_model
from optimizer.problem import Problem
from optimizer.process_pool import Work
from optimizer.solve import Options
from optimizer.solvers import pick_engine
from optimizer.strategies import Units
from optimizer.strategies.tightening import as_allocation
from optimizer.study.assumption_table import assumptions
from optimizer.study.design import Path, Paths, with_value
from optimizer.study.drawn_response import DrawnResponse
from optimizer.study.runner import Anchored, How, Watch, answered, executor
from optimizer.study.study_result import Result, failed

if TYPE_CHECKING:
    import pandas as pd

PIECE = 20
"""So many changes are one task of a pool."""
_AXES = ("metric", "county", "task")
Floats = NDArray[np.float64]
Points = Mapping[str, Fraction] | None
"""Points per unit of each metric; None for the scenario's own."""


@dataclass(frozen=True, eq=False)
class Factors:
    """What the rates of tiers are multiplied by: an axis that is left out all alike, what an axis
    does not name by 1."""

    values: ArrayLike
    """[change, *axes] zero or more."""
    axes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """`metric`, `county` (codes or names), `task` → ids along it, in the order of `values`."""


@dataclass(frozen=True, eq=False)
class Changes:
    """Changes of one scenario, each by the arrays' values at its place along their first axis."""

    rates: Sequence[Factors] = ()
    """All of them are multiplied; a rate is then rounded to the tiers' own whole 10⁻⁶."""
    numbers: Mapping[str, Sequence[object]] = field(default_factory=dict)
    """`budget`, `objective.weights.METRIC` or a number of a rule (`rules.ID.at_least.share`) →
    [change] its values; a float is the shortest decimal that prints it."""
    constants: Mapping[str, ArrayLike] = field(default_factory=dict)
    """What rates are made of, by paths as `assumptions` lists what is drawn (`response.…`, and
    `rates.…` where tiers are given) → [change] its values."""
    keeps_points: bool = False
    """What a unit of each metric is worth stays as in the unchanged scenario, whatever the baseline
    yields by the changed rates; so changes compare, and a level of rates does not cancel out."""

    def __len__(self) -> int:
        """How many changes there are."""
        listed = [one.values for one in self.rates] + list(self.constants.values())
        sizes = [len(np.asarray(values)) for values in listed]
        return [*sizes, *map(len, self.numbers.values()), 0][0]

    def cut(self, start: int, stop: int) -> Changes:
        """Those from `start` to before `stop`."""
        rates = [Factors(np.asarray(f.values)[start:stop], f.axes) for f in self.rates]
        numbers = {path: values[start:stop] for path, values in self.numbers.items()}
        constants = {
            path: np.asarray(values, dtype=np.float64)[start:stop]
            for path, values in self.constants.items()
        }
        return Changes(rates, numbers, constants, self.keeps_points)


@dataclass(frozen=True, eq=False)
class Answers:
    """What the changes of a scenario came to, in their order; a figure that is not there is NaN."""

    scenario: Scenario
    """Unchanged."""
    results: tuple[Result, ...]

    def __len__(self) -> int:
        """How many changes there are."""
        return len(self.results)

    def __repr__(self) -> str:
        said = [result.status for result in self.results]
        counts = ", ".join(f"{said.count(one)} {one}" for one in dict.fromkeys(said))
        return f"Answers to {len(self)} changes of {self.scenario.name}: {counts}"

    @property
    def status(self) -> tuple[str, ...]:
        """[change] optimal, feasible (the gap asked for is not proved), or why there is none."""
        return tuple(result.status for result in self.results)

    @property
    def objective(self) -> Floats:
        """[change] as `solve` gives it for the changed scenario, by its own yardstick."""
        return self._figures("objective")

    @property
    def worth(self) -> Floats:
        """[change] the outcomes as the unchanged scenario weighs them, so that changes compare."""
        return self._figures("worth")

    @property
    def bound(self) -> Floats:
        """[change] no allocation is worth more than this, penalties taken off, by the solver's
        word."""
        return self._figures("bound_solver")

    @property
    def gap(self) -> Floats:
        """[change] (bound − objective) / |objective|."""
        return self._figures("gap")

    @property
    def spent(self) -> Floats:
        """[change] money units."""
        return self._figures("spent")

    @property
    def outcomes(self) -> dict[str, Floats]:
        """Metric → [change] its outcome."""
        metrics = self.scenario.programme.metrics
        return {
            name: self._floats([r.outcomes.get(name) for r in self.results]) for name in metrics
        }

    @cached_property
    def amounts(self) -> NDArray[Any]:
        """[change, county, task] money as floats; exact ones in `allocation`."""
        shape = self.scenario.programme.shape
        none = np.full(shape, np.nan)
        return np.array(
            [
                np.array([float(Fraction(text)) for text in result.amounts]).reshape(shape)
                if result.amounts
                else none
                for result in self.results
            ]
        ).reshape(len(self), *shape)

    def allocation(self, change: int) -> Allocation | None:
        """The money of one change, exact; None where there is none."""
        texts = self.results[change].amounts
        if not texts:
            return None
        exact = [Fraction(text) for text in texts]
        cells = [int(amount) if amount.denominator == 1 else amount for amount in exact]
        return as_allocation(self.scenario, cells)

    def frame(self) -> pd.DataFrame:
        """One row a change: status, why, objective, worth, bound, gap, spent, metrics."""
        import pandas as pd

        named = {name: getattr(self, name) for name in ("objective", "worth", "bound", "gap")}
        told = {"status": self.status, "why": [result.why for result in self.results]}
        return pd.DataFrame({**told, **named, "spent": self.spent, **self.outcomes})

    def _figures(self, name: str) -> Floats:
        return self._floats([getattr(result, name) for result in self.results])

    def _floats(self, values: Sequence[float | None]) -> Floats:
        return np.array([np.nan if value is None else value for value in values], dtype=float)


class ManyChanges(TypedDict, total=False):
    """What `solve_many` may be asked for beside the changes."""

    gap: float
    units: Units
    time_limit: float | None
    solver: str
    workers: int | None
    dask: str | None


@with_keywords(*ManyChanges.__annotations__)
def solve_many(
    scenario: Scenario,
    changes: Changes,
    *,
    watch: Watch | None = None,
    **how: Unpack[ManyChanges],
) -> Answers:
    """The answers to many changes of a scenario, each audited as `solve` audits its own.

    `gap` (1e-4): where it is reached the search ends, without the choice among equals; where it is
    not within a fixed budget of branches, the status is feasible and the gap says how far it is.
    `units`: whole, exact or continuous; `time_limit`: seconds for each; `solver`. `workers`:
    processes, by default this one only; `dask`: address of a scheduler. `watch` is told how many
    are done, of how many. A change that cannot be made, or leaves no allocation, has that as its
    result.

    Raises `InputError` with everything wrong with the arrays, and for a solver, a scheduler or a
    baseline that cannot be had.
    """
    asked: dict[str, Any] = dict(how)
    where = How(workers=asked.pop("workers", None) or 1, dask=asked.pop("dask", None))
    options = Options(**asked, repaired=False, certificate=False)
    pick_engine(options.solver)
    _Read(scenario, changes)
    anchored = Anchored(Problem.of(scenario), secrets.token_hex(8))
    starts = range(0, len(changes), PIECE)
    results: dict[int, list[Result]] = {}

    def tasks() -> Iterator[tuple[int, Work]]:
        for number, start in enumerate(starts):
            yield number, ChangedPoints(anchored, changes.cut(start, start + PIECE), options)

    for number, found in executor(where, len(starts))(tasks()):
        size = len(changes.cut(starts[number], starts[number] + PIECE))
        results[number] = found or [Result("failed", "its worker died each time")] * size
        if watch is not None:
            watch(sum(map(len, results.values())), len(changes))
    return Answers(scenario, tuple(one for number in sorted(results) for one in results[number]))


@dataclass(frozen=True)
class ChangedPoints:
    """Changes to work out, one after the other."""

    anchored: Anchored
    changes: Changes
    options: Options

    def run(self) -> list[Result]:
        """The result of each; none stops the others."""
        return [self._result(one) for one in changed_scenarios(self.anchored, self.changes)]

    def _result(self, changed: Scenario | InputError) -> Result:
        try:
            if isinstance(changed, InputError):
                raise changed
            return answered(self.anchored.changed(changed), self.anchored, self.options)
        except Exception as error:
            return failed(error)


def with_points(scenario: Scenario, points: Points) -> Scenario:
    """The scenario with an objective of these points per unit of each metric; the same for None."""
    if points is None:
        return scenario
    return scenario.with_settled(objective=Objective(weights=dict(points), normalise="none"))


def changed_scenarios(anchored: Anchored, changes: Changes) -> Iterator[Scenario | InputError]:
    """The scenario with each change, or why that cannot be made."""
    given = anchored.problem.given
    read = _Read(given, changes)
    points = anchored.problem.reference.points if changes.keeps_points else None
    for number in range(len(changes)):
        try:
            yield with_points(read.scenario(given, number), points)
        except InputError as error:
            yield error


class _Read:
    """Changes held against a scenario: positions for labels, paths for names.

    Raises `InputError` with everything that is wrong with them.
    """

    def __init__(self, scenario: Scenario, changes: Changes) -> None:
        self._programme, self._changes = scenario.programme, changes
        problems = Problems()
        self._factors = [
            self._placed(number, factors, problems) for number, factors in enumerate(changes.rates)
        ]
        self._paths = self._named(scenario, problems)
        self._check_constants(scenario, problems)
        if not (changes.rates or changes.numbers or changes.constants):
            problems.add("", "changes", "holds neither rates, numbers nor constants")
        if changes.keeps_points and scenario.spec.objective.aims:
            message = "an ordered list of aims has no points to keep; give one objective"
            problems.add("", "keeps_points", message)
        problems.raise_if_any()
        self._response = DrawnResponse(scenario) if changes.constants else None

    def scenario(self, scenario: Scenario, number: int) -> Scenario:
        """The scenario with one of the changes."""
        by_rule: dict[str, list[tuple[Path, str]]] = {}
        weights = dict(scenario.spec.objective.weights)
        spec = scenario.spec.objective
        for name, path in self._paths.items():
            value = exact_text(parse_exact(_plain(self._changes.numbers[name][number])))
            if path.steps[0] == "budget":
                scenario = scenario.with_budget(parse_exact(value))
            elif path.steps[0] == "objective":
                weights[str(path.steps[2])] = parse_exact(value)
            else:
                by_rule.setdefault(str(path.steps[1]), []).append((path, value))
        if weights != spec.weights:
            objective = Objective(weights=weights, normalise=spec.normalise)
            scenario = scenario.with_settled(objective=objective)
        for rule, values in by_rule.items():
            content: Any = scenario.document.rules[rule]
            for path, value in values:
                content = with_value(content, path.steps[2:], value)
            scenario = scenario.with_rule(parse_model(Rule, content, f"rules.{rule}"))
        return self._with_rates(scenario, number)

    def _with_rates(self, scenario: Scenario, number: int) -> Scenario:
        tiers = scenario.tiers
        if self._response is not None:
            constants = self._changes.constants.items()
            drawn = {path: np.asarray(values, float)[number:][:1] for path, values in constants}
            tiers = self._response.tiers(drawn)
        if self._factors:
            tiers = tiers.times(self._factor(number))
        return scenario if tiers is scenario.tiers else scenario.with_tiers(tiers)

    def _check_constants(self, scenario: Scenario, problems: Problems) -> None:
        if not self._changes.constants:
            return
        known = [one.path for one in assumptions(scenario).drawn]
        for path, given in self._changes.constants.items():
            values = np.asarray(given, dtype=float)
            if path not in known:
                message = f"is no constant that rates are made of{did_you_mean(path, known)}"
                problems.add("", path, message)
            elif values.shape != (len(self._changes),):
                shown = f"holds {values.size} values where {len(self._changes)} are due"
                problems.add("", path, shown)
            elif not np.isfinite(values).all():
                problems.add("", path, "holds what is no finite number")

    def _factor(self, number: int) -> Floats:
        """[metric, county, task]"""
        whole = np.ones((len(self._programme.metrics), *self._programme.shape))
        for values, places in self._factors:
            whole[np.ix_(*places)] *= values[number]
        return whole

    def _placed(
        self, number: int, factors: Factors, problems: Problems
    ) -> tuple[Floats, list[Sequence[int]]]:
        """([change, metric, county, task] values, the positions along the axes)."""
        programme, where = self._programme, f"rates[{number}]"
        values = np.asarray(factors.values, dtype=float)
        for axis in factors.axes:
            if axis not in _AXES:
                near = did_you_mean(axis, _AXES)
                problems.add("", where, f"'{axis}' is none of {', '.join(_AXES)}{near}")
                return values, []
        due = (len(self._changes), *(len(ids) for ids in factors.axes.values()))
        if values.shape != due:
            shown = [" × ".join(map(str, shape)) for shape in (values.shape, due)]
            problems.add("", where, f"is an array of {shown[0]} where {shown[1]} is due")
            return values, []
        if not (np.isfinite(values) & (values >= 0)).all():
            problems.add("", where, "holds what is no finite number of zero or more")
        known: dict[str, Sequence[str]] = {
            "metric": programme.metrics,
            "county": programme.counties.ids,
            "task": programme.tasks.ids,
        }
        places = [
            self._positions(axis, factors.axes.get(axis), known[axis], (where, problems))
            for axis in _AXES
        ]
        order = [list(factors.axes).index(axis) + 1 for axis in _AXES if axis in factors.axes]
        shape = [len(factors.axes[axis]) if axis in factors.axes else 1 for axis in _AXES]
        return values.transpose(0, *order).reshape(len(values), *shape), places

    def _positions(
        self,
        axis: str,
        ids: Sequence[str] | None,
        known: Sequence[str],
        told: tuple[str, Problems],
    ) -> Sequence[int]:
        where, problems = told
        if ids is None:
            return range(len(known))
        found = []
        for name in map(str, ids):
            try:
                place = county_at(self._programme, name) if axis == "county" else known.index(name)
                found.append(place)
            except InputError as error:
                problems.add("", where, error.problems[0].message)
            except ValueError:
                problems.add("", where, f"unknown {axis} '{name}'{did_you_mean(name, known)}")
        if len(set(found)) < len(found):
            problems.add("", where, f"names a {axis} twice")
        return found

    def _named(self, scenario: Scenario, problems: Problems) -> dict[str, Path]:
        """Name → path, of numbers that can be changed so."""
        if not self._changes.numbers:
            return {}
        paths, found = Paths(scenario), {}
        for name, values in self._changes.numbers.items():
            try:
                path = found[name] = paths.find(name)
            except InputError as error:
                problems.extend(error.problems)
                continue
            if not _is_changed_so(path):
                problems.add("", name, "is no budget, weight or number of a rule; use grid")
            if len(values) != len(self._changes):
                shown = f"holds {len(values)} values where {len(self._changes)} are due"
                problems.add("", name, shown)
            for value in values:
                try:
                    parse_exact(_plain(value))
                except ValueError as error:
                    problems.add("", name, str(error))
        return found


def _is_changed_so(path: Path) -> bool:
    if path.steps == ("budget",) or path.steps[:2] == ("objective", "weights"):
        return True
    return path.steps[0] == "rules" and len(path.steps) > 2 and path.is_number


def _plain(value: object) -> object:
    """A number of numpy as one of Python's own."""
    return value.item() if isinstance(value, np.generic) else value
