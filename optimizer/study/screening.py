"""Which number moves an answer most, where the money is decided anew: Sobol's indices and Morris's
effects, by SALib; of a scenario over its relaxation, or of any function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args

import numpy as np

from models.allocation import Allocation
from models.errors import NoAnswer, NoAnswerError, Problems, did_you_mean, refuse, with_keywords
from models.scenario import Scenario
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed
from optimizer.problem import Problem
from optimizer.process_pool import Work
from optimizer.solvers.highs_lp import HotModel
from optimizer.study.assumed_numbers import Assumption
from optimizer.study.assumption_table import Assumptions, assumptions
from optimizer.study.drawn_response import DrawnResponse
from optimizer.study.hashed_draws import Floats, quantiles
from optimizer.study.relaxed_runner import Yields
from optimizer.study.runner import How, Watch, executor
from optimizer.study.uncertainty import INDEX

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["sobol", "morris"]
METHODS: tuple[Method, ...] = get_args(Method)
BASE, _MOST, _LEVELS = 64, 2**20, 4
"""Points of the design that all others are made from; the most of them; levels of Morris."""
_PIECE = 12
"""Groups of points that one task of a pool solves."""
Function = Callable[[Floats], Floats]
"""[point, number] → [point], or [point, answer]."""


@dataclass(frozen=True, eq=False)
class ScreenedNumber:
    """What one number does to each answer."""

    path: str
    number: Assumption | None
    """None of a function's own."""
    effect: Floats
    """[answer] Sobol: the share of the variance that it alone explains; Morris: the mean size of
    the change over its range."""
    total: Floats
    """[answer] Sobol: its share with all that it does together with others; Morris: the standard
    deviation of the changes, which tells of curves and of others."""
    sure: Floats
    """[answer] half the width of the 95 % interval of `effect`."""

    def is_told(self, answer: int) -> bool:
        """Whether its effect on an answer is told from nothing."""
        return bool(self.effect[answer] > self.sure[answer])


@dataclass(frozen=True, eq=False)
class Screening:
    """How much each number moves each answer, where everything else is drawn too."""

    scenario: Scenario | None
    """None of a function."""
    method: Method
    answers: tuple[str, ...]
    """`index`, then the metrics, of a scenario."""
    rows: tuple[ScreenedNumber, ...]
    """Those that move the first answer most first."""
    solved: int
    """How many points were evaluated."""
    infeasible: int
    """In how many of them no allocation keeps the rules; they count as the baseline does there."""
    seed: int

    def __repr__(self) -> str:
        top = ", ".join(f"{one.path} {one.effect[0]:.3g}" for one in self.rows[:3])
        return f"Screening by {self.method}, {self.solved} points: {top}"

    @property
    def frame(self) -> pd.DataFrame:
        """One row a number and answer: `path`, `answer`, `effect`, `total`, `sure` (half the width
        of the 95 % interval of the effect), `told` (bool: from nothing). Sobol: shares of the
        variance, alone and with others; Morris: mean size of the change, and its deviation."""
        import pandas as pd

        rows = [
            (one.path, name, one.effect[at], one.total[at], one.sure[at], one.is_told(at))
            for one in self.rows
            for at, name in enumerate(self.answers)
        ]
        return pd.DataFrame(rows, columns=["path", "answer", "effect", "total", "sure", "told"])


class HowScreened(TypedDict, total=False):
    """What a screening may be asked for."""

    method: Method
    base: int
    seed: int
    within: str | None
    sample: Mapping[str, object] | Assumptions | None
    paths: Sequence[str] | None
    workers: int | None


@with_keywords(*HowScreened.__annotations__)
def screen(
    of: Scenario | Function,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    *,
    watch: Watch | None = None,
    **how: Unpack[HowScreened],
) -> Screening:
    """Which numbers move the best answer most, when the money is decided anew in every draw.

    Of a scenario: each point is its relaxation (cells funded in part: a bound of what whole tables
    reach) under drawn constants, rules that depend on them too; answers are the index, by the
    points as assumed, and the metrics. Where no allocation keeps the rules, the baseline's outcomes
    under these numbers stand in its place. Ranges are as `uncertainty` takes them (`within`,
    `sample`); `paths`: only these numbers, with `*` for anything, the others held. Of a function:
    `ranges` says name → (low, high), all of it as likely; it is called with [point, number].

    `method`: `sobol` (Saltelli's design of `base` × (numbers + 2) points: shares of the variance)
    or `morris` (`base` walks of numbers + 1 points: mean size of the change). `base` (64) is a
    power of two for Sobol. `workers`: processes; the figures are the same for any number.

    Raises `InputError` for what cannot be asked, for paths that are none and where SALib is not
    installed; `NoAnswerError` where the solver had no answer.
    """
    asked = _read(how)
    _need_salib()
    if isinstance(of, Scenario):
        return _of_scenario(of, asked, watch)
    if not ranges:
        refuse("", "ranges", "is due with a function: name → (low, high)")
    names, ends = list(ranges), np.array([ranges[name] for name in ranges], dtype=float)
    if ends.shape != (len(names), 2) or not (ends[:, 0] < ends[:, 1]).all():
        refuse("", "ranges", "holds a range whose low end is not below its high one")
    unit = _design(asked, names)
    found = np.asarray(of(ends[:, 0] + unit * (ends[:, 1] - ends[:, 0])), dtype=float)
    values = found.reshape(len(unit), -1)
    answers = ("answer",) if values.shape[1] == 1 else tuple(map(str, range(values.shape[1])))
    rows = _analysed(asked, names, unit, values)
    return Screening(None, asked.method, answers, rows, len(unit), 0, asked.seed)


@dataclass(frozen=True)
class _Asked:
    method: Method
    base: int
    seed: int
    how: HowScreened


def _read(how: HowScreened) -> _Asked:
    problems = Problems()
    method, base, seed = how.get("method", "sobol"), how.get("base", BASE), how.get("seed", 1)
    if method not in METHODS:
        near = did_you_mean(str(method), METHODS)
        problems.add("", "method", f"'{method}' is none of {', '.join(METHODS)}{near}")
    if not 2 <= base <= _MOST:
        problems.add("", "base", f"from 2 to {_MOST:,} points are due here, not {base:,}")
    elif method == "sobol" and base & (base - 1):
        problems.add("", "base", f"a power of two is due here, not {base:,}")
    if seed < 0:
        problems.add("", "seed", f"a whole number of zero or more is due here, not {seed}")
    problems.raise_if_any()
    return _Asked(method, base, seed, how)


def _need_salib() -> None:
    try:
        # It brings matplotlib: half a second that only a screening pays.
        import SALib.sample.sobol  # noqa: F401
    except ImportError:
        refuse("", "method", "SALib is not installed: python3 tools/install.py extras")


def _design(asked: _Asked, names: Sequence[str]) -> Floats:
    """[point, number] between 0 and 1; the points of a group stand together."""
    # As in `_need_salib`.
    from SALib.sample import morris, sobol

    problem = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    if asked.method == "sobol":
        found = sobol.sample(problem, asked.base, calc_second_order=False, seed=asked.seed)
    else:
        found = morris.sample(problem, asked.base, num_levels=_LEVELS, seed=asked.seed)
    return np.asarray(found, dtype=np.float64)


def _analysed(
    asked: _Asked, names: Sequence[str], unit: Floats, values: Floats
) -> tuple[ScreenedNumber, ...]:
    # As in `_need_salib`.
    from SALib.analyze import morris, sobol

    problem = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    found = []
    for answer in values.T:
        if asked.method == "sobol":
            if not np.ptp(answer):
                found.append([np.zeros(len(names))] * 3)
                continue
            told = sobol.analyze(problem, answer, calc_second_order=False, seed=asked.seed)
            found.append([told["S1"], told["ST"], told["S1_conf"]])
        else:
            told = morris.analyze(problem, unit, answer, num_levels=_LEVELS, seed=asked.seed)
            found.append([told["mu_star"], told["sigma"], told["mu_star_conf"]])
    table = np.nan_to_num(np.array(found, dtype=float))  # [answer, figure, number]
    order = np.argsort(-table[0, 0], kind="stable")
    return tuple(
        ScreenedNumber(names[at], None, table[:, 0, at], table[:, 1, at], table[:, 2, at])
        for at in order.tolist()
    )


# Of a scenario: a relaxation a point, in groups that begin at the unchanged scenario's basis.


def _of_scenario(scenario: Scenario, asked: _Asked, watch: Watch | None) -> Screening:
    numbers = _numbers(scenario, asked.how)
    names = [one.path for one in numbers]
    unit = _design(asked, names)
    drawn = {
        one.path: quantiles(one.range, Fraction(one.now), unit[:, at])
        for at, one in enumerate(numbers)
    }
    values, broken = _solved(scenario, drawn, len(unit), (asked, watch))
    known = {one.path: one for one in numbers}
    rows = _analysed(asked, names, unit, values)
    named = tuple(replace(one, number=known[one.path]) for one in rows)
    answers = (INDEX, *scenario.programme.metrics)
    return Screening(scenario, asked.method, answers, named, len(unit), broken, asked.seed)


def _numbers(scenario: Scenario, how: HowScreened) -> tuple[Assumption, ...]:
    sample = how.get("sample")
    assumed = sample if isinstance(sample, Assumptions) else assumptions(scenario)
    assumed = assumed.within(how.get("within"))
    if sample is not None and not isinstance(sample, Assumptions):
        assumed = assumed.sample(sample)
    chosen = assumed.drawn if how.get("paths") is None else _matching(assumed, how["paths"] or ())
    if not chosen:
        refuse("", "sample", "holds every number, so there is nothing to draw")
    return chosen


def _matching(assumed: Assumptions, paths: Sequence[str]) -> tuple[Assumption, ...]:
    problems, known = Problems(), [one.path for one in assumed.drawn]
    for pattern in paths:
        if not any(fnmatchcase(path, pattern) for path in known):
            near = did_you_mean(pattern, known)
            problems.add("", pattern, f"there is no such path in {assumed.scenario.name}{near}")
    problems.raise_if_any()
    return tuple(
        one for one in assumed.drawn if any(fnmatchcase(one.path, pattern) for pattern in paths)
    )


def _solved(
    scenario: Scenario,
    drawn: Mapping[str, Floats],
    count: int,
    asked: tuple[_Asked, Watch | None],
) -> tuple[Floats, int]:
    """([point, answer] what comes of each point, in how many no allocation keeps the rules)."""
    (how, watch), problem = asked, Problem.of(scenario)
    group = count // how.base
    starts = range(0, count, group * _PIECE)
    where = How(workers=how.how.get("workers") or 1)
    results: dict[int, list[Any]] = {}

    def tasks() -> Iterator[tuple[int, Work]]:
        for number, start in enumerate(starts):
            stop = min(start + group * _PIECE, count)
            piece = {path: values[start:stop] for path, values in drawn.items()}
            yield number, RelaxedDraws(problem, piece, group)

    for number, found in executor(where, len(starts))(tasks()):
        if found is None or any(one is None for one in found):
            raise NoAnswerError(NoAnswer.STOPPED)
        results[number] = found
        if watch is not None:
            watch(sum(map(len, results.values())), count)
    listed = [one for number in sorted(results) for one in results[number]]
    return np.array([one[1] for one in listed]), sum(not one[0] for one in listed)


@dataclass(frozen=True)
class RelaxedDraws:
    """Relaxations under drawn constants, group after group from the unchanged scenario's basis."""

    problem: Problem
    drawn: Mapping[str, Floats]
    group: int

    def run(self) -> list[Any]:
        """Of each point (whether an allocation keeps the rules, its index and outcomes); None where
        the solver had no answer."""
        hot = HotModel(self._model(self.problem.scenario))
        count = len(next(iter(self.drawn.values())))
        return [self._one(hot, at) for at in range(count)]

    def _model(self, scenario: Scenario) -> Any:
        return relaxed(formulate(scenario, self.problem.reference.points, whole=False))

    @cached_property
    def _response(self) -> DrawnResponse:
        return DrawnResponse(self.problem.scenario)

    def _one(self, hot: HotModel, at: int) -> tuple[bool, list[float]] | None:
        tiers = self._response.tiers({path: v[at : at + 1] for path, v in self.drawn.items()})
        scenario = replace(self.problem.scenario, tiers=tiers)
        model = self._model(scenario)
        solver = hot if hot.fits(model) else HotModel(model)
        if solver is hot:
            hot.restart(model) if at % self.group == 0 else hot.become(model)
        answer = solver.solve()
        points = self.problem.reference.points
        if answer.values is not None:
            metrics = scenario.programme.metrics
            told = Yields(scenario.tiers_in_steps).of(model, answer.values, metrics)
        elif answer.outcome == "infeasible":
            told = _by_baseline(scenario, self.problem.reference.allocation)
        else:
            return None
        index = sum(float(points[name]) * value for name, value in told.items())
        return answer.values is not None, [index, *told.values()]


def _by_baseline(scenario: Scenario, baseline: Allocation) -> dict[str, float]:
    """What the baseline yields by the rates of a draw."""
    grids = scenario.tiers.yields(baseline.amounts.astype(np.int64))
    metrics, scale = scenario.programme.metrics, scenario.tiers.scale
    return {name: float(grid.sum() / scale) for name, grid in zip(metrics, grids, strict=True)}
