"""The points of a study solved, on all cores, what is finished kept."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack

import numpy as np

from models.allocation import added_and_taken
from models.errors import AllotError, refuse
from models.exact import exact_text, parse_exact
from models.record.scenario_files import resolved_files
from models.scenario import Scenario
from optimizer.aims import solve_aims
from optimizer.infeasibility import advised
from optimizer.problem import Problem, reference_of
from optimizer.process_pool import Done, Tasks, Work, here, in_processes, on_dask, versions
from optimizer.solve import Options, searched
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock
from optimizer.strategies import ProblemModels, SearchTask
from optimizer.strategies.within_gap import within_gap
from optimizer.study.cache import Store, digest, opened
from optimizer.study.design import Paths, Point
from optimizer.study.drawn_response import DrawnResponse
from optimizer.study.relaxed_runner import PointScale, Relaxations, is_quick
from optimizer.study.study_result import Result, failed

if TYPE_CHECKING:
    from optimizer.solvers.decomposition.bound import Start


# One answer in whole: a search within the gap that begins where that of the unchanged scenario
# ended.


@dataclass(frozen=True)
class Anchored:
    """The unchanged scenario: what the others are measured by, and where their searches begin."""

    problem: Problem
    key: str
    """Equal for the same study only."""

    def changed(self, scenario: Scenario) -> Problem:
        """The problem of a changed scenario; a baseline that the change leaves alone is kept."""
        mine, problem = self.problem, Problem.of(scenario)
        if moves_baseline(mine.given, scenario) or problem.places != mine.places:
            return problem
        return replace(problem, table=mine.reference.allocation)


def moves_baseline(one: Scenario, other: Scenario) -> bool:
    """Whether the baselines of the two may be other tables."""
    read = [(s.spec.budget, s.spec.baseline, s.spec.outside) for s in (one, other)]
    return read[0] != read[1] or other.baseline.kind == "greedy"


def answered(problem: Problem, anchored: Anchored, options: Options) -> Result:
    """The answer to a problem within the gap asked for, or as near as a fixed budget brings it.

    Raises `InfeasibleError`, without advice, and `NoAnswerError`.
    """
    start = _start_of(anchored, options)
    engine, _ = pick_engine(options.solver, "decomposed", start)
    clock = Clock(options.time_limit)
    task = SearchTask(
        ProblemModels(problem), solve_aims(problem), options.units, options.gap, engine, clock
    )
    found = searched(task, within_gap)
    outcomes, points = found.audit.outcomes, anchored.problem.reference.points
    worth = sum((points[name] * outcomes[name] for name in points), Fraction(0))
    money = problem.as_given(found.allocation).amounts.ravel().tolist()
    return Result(
        found.quality.status,
        objective=float(found.objective),
        worth=float(worth),
        bound_solver=found.quality.bound_solver,
        gap=found.quality.gap,
        outcomes={name: float(value) for name, value in outcomes.items()},
        spent=float(found.audit.spent),
        amounts=tuple(map(exact_text, money)),
    )


class _Held(NamedTuple):
    key: tuple[str, str]
    start: Start | None


_held = threading.local()
"""Where the last study's searches begin, one a thread."""


def _start_of(anchored: Anchored, options: Options) -> Start | None:
    """Prices and plans of the unchanged scenario; None where it does not come apart."""
    key = anchored.key, options.units
    found: _Held | None = getattr(_held, "start", None)
    if found is None or found.key != key:
        found = _held.start = _Held(key, _begun(anchored.problem, options))
    return found.start


def _begun(problem: Problem, options: Options) -> Start | None:
    if options.solver != Options.solver:
        return None
    # Only this solver takes models apart, and only where it is installed.
    from optimizer.solvers.decomposition.by_county import begun

    return begun(ProblemModels(problem).model(options.units != "continuous", {}))


@dataclass(frozen=True)
class WholePoint:
    """One point to solve: the scenario there."""

    scenario: Scenario
    options: Options
    anchored: Anchored

    def run(self) -> list[Result]:
        """Its result, alone in a list."""
        try:
            problem = self.anchored.changed(self.scenario)
            engine, _ = pick_engine(self.options.solver)
            with advised(problem.scenario, engine, Clock(self.options.time_limit)):
                return [answered(problem, self.anchored, self.options)]
        except Exception as error:
            return [failed(error)]


# Relaxations run in this process in one solver that keeps its basis, whole-unit solves in a pool of
# processes, either on Dask where a scheduler is named. Points are cut into pieces by what they are
# and never by who computes them, so that any number of workers gives the same bytes.


PIECE = 250
"""So many relaxations run one after the other from one start."""
Watch = Callable[[int, int], None]
"""Told how many points are done, of how many."""


@dataclass(frozen=True)
class How:
    """How to compute the points of a study."""

    relax: bool = False
    """Fund cells in part, in any fraction of a money unit: quick, and a bound of the rest."""
    workers: int | None = None
    """Processes; by default one for each core, for relaxations none but this one."""
    dask: str | None = None
    """Address of a Dask scheduler, tcp://host:port."""
    store: Path | str | None = None
    """Folder that keeps what is finished; the same study goes on where it was stopped."""
    yes: bool = False
    """More than 10,000 points are meant."""
    gap: float = Options.gap
    time_limit: float | None = None
    """Seconds for each point."""
    solver: str = Options.solver

    @property
    def options(self) -> Options:
        """How each point is solved."""
        return Options(self.solver, self.gap, self.time_limit, repaired=False, certificate=False)


class HowChanges(TypedDict, total=False):
    """The fields of `How`, as keywords."""

    relax: bool
    workers: int | None
    dask: str | None
    store: Path | str | None
    yes: bool
    gap: float
    time_limit: float | None
    solver: str


@dataclass(frozen=True)
class Mapped:
    """The results of points, and that of the unchanged scenario."""

    unchanged: Result
    results: tuple[Result, ...]
    """In the order of the points."""


def map_scenarios(
    scenario: Scenario,
    points: Sequence[Point],
    *,
    watch: Watch | None = None,
    keep: Callable[[Store, Mapped], None] | None = None,
    **how: Unpack[HowChanges],
) -> Mapped:
    """What `scenario` gives at each point; a point that fails has that as its result.

    The keywords are the fields of `How`. `watch` is told as results come; `keep` may write
    further files into the store when all are there. Raises `InputError` for a store of another
    study, for a scheduler that does not answer and for a solver that is none.
    """
    plan = StudyPlan(scenario, [(), *points], checked_how(How(**how)))
    results: dict[int, list[Result]] = {}
    with (
        opened(Path(plan.how.store), plan.identity()) if plan.how.store else nullcontext() as store
    ):
        results = store.done(list(map(len, plan.pieces))) if store else {}
        told = sum(map(len, results.values()))
        todo = [number for number in range(len(plan.pieces)) if number not in results]
        for number, found in run_plan(plan, todo):
            results[number] = found
            if store:
                store.save(number, found)
            told += len(found)
            if watch is not None:
                watch(told, len(plan.points))
        mapped = _in_order(plan, results)
        if store and keep is not None:
            keep(store, mapped)
    return mapped


def checked_how(how: How) -> How:
    """Refuse at once what would make every point fail."""
    pick_engine(how.solver)
    if how.relax and how.solver != Options.solver:
        refuse("", "solver", f"relaxations are solved by {Options.solver}, which keeps its basis")
    if how.workers is not None and (not isinstance(how.workers, int) or how.workers < 1):
        refuse("", "workers", f"{how.workers!r} processes can do nothing; one or more are due")
    return how


def run_plan(plan: StudyPlan, todo: Sequence[int]) -> Iterator[tuple[int, list[Result]]]:
    """(piece, its results), as they are ready; what cannot even be read is ready at once."""
    ready: list[tuple[int, list[Result]]] = []

    def tasks() -> Iterator[tuple[int, Work]]:
        for number in todo:
            try:
                work = plan.work(number)
            except AllotError as error:
                ready.append((number, [failed(error)] * len(plan.pieces[number])))
                continue
            yield number, work

    for number, found in executor(plan.how, len(todo))(tasks()):
        yield from _emptied(ready)
        size = len(plan.pieces[number])
        yield number, found or [Result("failed", "its worker died each time")] * size
    yield from _emptied(ready)


def _emptied(ready: list[tuple[int, list[Result]]]) -> Iterator[tuple[int, list[Result]]]:
    while ready:
        yield ready.pop(0)


def executor(how: How, count: int) -> Callable[[Tasks], Done]:
    """Where so many tasks run."""
    if how.dask is not None:
        address = how.dask
        return lambda tasks: on_dask(tasks, address)
    workers = how.workers or (1 if how.relax else _cores())
    if min(workers, count) <= 1:
        return here
    return lambda tasks: in_processes(tasks, min(workers, count))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class StudyPlan:
    """The points of a study cut into pieces; where they are to compare, point 0 is unchanged."""

    def __init__(
        self, scenario: Scenario, points: Sequence[Point], how: How, *, alone: bool = False
    ) -> None:
        """`alone`: each point by itself, and with its money: what it gives depends on no other."""
        self.scenario, self.points, self.how, self._alone = scenario, points, how, alone
        self._paths = Paths(scenario)
        self._quick: dict[str, bool] = {}
        self._response: DrawnResponse | None = None
        each = [[number] for number in range(len(points))]
        self.pieces = self._relaxed_pieces() if how.relax and not alone else each
        self._reference = reference_of(scenario)
        key = secrets.token_hex(8)
        self._yardstick = PointScale(scenario, self._reference.outcomes, key)
        self._anchored = Anchored(Problem.of(scenario), key)

    def identity(self) -> dict[str, Any]:
        """What the results depend on."""
        options = {f.name: getattr(self.how.options, f.name) for f in fields(Options)}
        asks = {"relaxed": self.how.relax, "options": {} if self.how.relax else options}
        return identity_of(self.scenario, [list(map(list, point)) for point in self.points], asks)

    @property
    def points_per_unit(self) -> Mapping[str, Fraction]:
        """What a unit of each metric is worth in the unchanged scenario."""
        return self._yardstick.values

    def work(self, piece: int) -> Work:
        """The task of a piece; raises `AllotError` where its scenario cannot be read."""
        numbers = self.pieces[piece]
        if not self.how.relax:
            scenario = self.changed(self.points[numbers[0]])
            return WholePoint(scenario, self.how.options, self._anchored)
        _, apart = self._parted(self.points[numbers[0]])
        scenario = self.changed(apart)
        outcomes = self._outcomes(scenario) if apart else self._yardstick.outcomes
        points = tuple(self._parted(self.points[number])[0] for number in numbers)
        paths = {name: self._paths.known[name] for point in points for name, _ in point}
        return Relaxations(self._yardstick, scenario, outcomes, points, paths, self._alone)

    def changed(self, point: Point) -> Scenario:
        """The scenario at a point; constants of the response make its tiers in one go."""
        drawn = [(name, float(value)) for name, value in point if self._is_constant(name, value)]
        numbers = {name: np.array([value]) for name, value in drawn}
        if not point or len(numbers) < len(point):
            return self._paths.changed(point)
        if self._response is None:
            self._response = DrawnResponse(self.scenario)
        return self.scenario.with_tiers(self._response.tiers(numbers))

    def _is_constant(self, name: str, value: str) -> bool:
        """Whether a number is a constant that the response formula takes as it is; one that is not
        above zero is read, and may be refused, with everything else."""
        steps = self._paths.known[name].steps
        if steps[0] != "response" or steps[1] == "breakpoints":
            return False
        return parse_exact(value) > 0

    def _outcomes(self, scenario: Scenario) -> Mapping[str, Fraction]:
        """What the baseline of a changed scenario yields."""
        if moves_baseline(self.scenario, scenario):
            return reference_of(scenario).outcomes
        same = scenario.tiers is self.scenario.tiers
        table = self._reference.allocation
        return self._reference.outcomes if same else reference_of(scenario, table).outcomes

    def _relaxed_pieces(self) -> list[list[int]]:
        """Points of the same scenario but for bounds and weights, cut at a fixed length."""
        together: dict[Point, list[int]] = {}
        for number, point in enumerate(self.points):
            together.setdefault(self._parted(point)[1], []).append(number)
        return [
            numbers[start : start + PIECE]
            for numbers in together.values()
            for start in range(0, len(numbers), PIECE)
        ]

    def _parted(self, point: Point) -> tuple[Point, Point]:
        """(what `is_quick`, everything else) of a point."""
        quick = [self._is_quick(name) for name, _ in point]
        pairs = list(zip(point, quick, strict=True))
        return tuple(p for p, q in pairs if q), tuple(p for p, q in pairs if not q)

    def _is_quick(self, name: str) -> bool:
        if name not in self._quick:
            self._quick[name] = is_quick(self.scenario, self._paths.known[name])
        return self._quick[name]


def identity_of(
    scenario: Scenario, points: Sequence[object], asks: Mapping[str, object]
) -> dict[str, Any]:
    """What the results of a study depend on: a store of anything else is refused."""
    made_with = versions()
    whole = digest(resolved_files(scenario))
    return {"scenario": whole, "points": digest(points), **asks, "made_with": made_with}


def _in_order(plan: StudyPlan, pieces: Mapping[int, Sequence[Result]]) -> Mapped:
    by_point: dict[int, Result] = {}
    for number, results in pieces.items():
        by_point.update(zip(plan.pieces[number], results, strict=True))
    first, *rest = (by_point[number] for number in range(len(plan.points)))
    if not plan.how.relax:
        rest = [_with_moved(result, first) for result in rest]
        first = _with_moved(first, first)
    return Mapped(first, tuple(rest))


def _with_moved(result: Result, unchanged: Result) -> Result:
    """Money that stands elsewhere than in the unchanged scenario's allocation."""
    if not (result.amounts and unchanged.amounts):
        return result
    pairs = zip(map(Fraction, result.amounts), map(Fraction, unchanged.amounts), strict=True)
    return replace(result, moved=float(max(added_and_taken(a - b for a, b in pairs))))
