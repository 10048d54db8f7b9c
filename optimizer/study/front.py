"""What several wishes can reach together: every point that nothing betters in all of them.

Ordered aims in a loop: the most of the first wish, then of those after it, within a zone that asks
for some of the others; each point that is found leaves zones that ask for a step more of one of
them. What a zone holds beside its point is in one of these, or the point betters it; so where every
zone is settled, no point is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from models.aim import Objective, Push
from models.allocation import Allocation
from models.errors import InfeasibleError, NoAnswerError, Problems, did_you_mean, with_keywords
from models.exact import exact_text, short_text
from models.files import csv_text
from models.finding import repr_line
from models.frames import amounts_frame
from models.scenario import Scenario
from optimizer.problem import Problem
from optimizer.solve import NO_ALLOCATION, Options
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock
from optimizer.strategies import Infeasible, ProblemModels, SearchTask
from optimizer.strategies.monolithic import DIRECT_CELLS
from optimizer.strategies.ordered import (
    HeldGoal,
    HeldRow,
    KeptTable,
    Lexicographic,
    is_told_apart,
)
from optimizer.study.front_floors import MONEY, points_by_floor

if TYPE_CHECKING:
    import pandas as pd

MOST = 500
"""Points after which the search stops, where nothing else is said."""
_GAP = 1e-4
Zone = tuple[Fraction | None, ...]
"""The least worth of each wish after the first, None where nothing is asked."""


class Wish(NamedTuple):
    """One of the things that are wanted: a metric, or `amount`, the money spent."""

    measure: str
    more: bool
    """Whether more of it is wanted; less is where it is written with a minus."""

    @property
    def is_money(self) -> bool:
        """Whether it is the money spent."""
        return self.measure == MONEY

    @property
    def text(self) -> str:
        """As it is written: `jobs`, `-amount`."""
        return self.measure if self.more else f"-{self.measure}"


@dataclass(frozen=True)
class FrontPoint:
    """What the wishes come to together, and an allocation that reaches it."""

    values: tuple[Fraction, ...]
    """Of each wish, in its own unit."""
    allocation: Allocation
    spent: Fraction
    gap: float | None = None
    """By what share of it the first metric of the wishes may still gain where as much of the other
    is asked, by the solver's word; None where it is as good as can be told."""


@dataclass(frozen=True)
class Front:
    """The points that nothing betters in all wishes, those with most of the first one first."""

    scenario: Scenario
    wishes: tuple[Wish, ...]
    points: tuple[FrontPoint, ...]
    complete: bool
    """No point is missing, by the solver's word to its tolerance; each is kept exactly."""
    why: str = ""
    """Why it is not complete: `most`, `time`, `large`, `unsettled` or `sampled`."""

    def __repr__(self) -> str:
        told = "complete" if self.complete else f"not complete ({self.why})"
        shown = (
            repr_line("", ", ".join(f"{wish.text} {short_text(value)}" for wish, value in pairs))
            for pairs in (zip(self.wishes, p.values, strict=True) for p in self.points)
        )
        return "\n".join(
            [f"Front of {self.scenario.name}: {len(self.points)} points, {told}", *shown]
        )

    def frame(self) -> pd.DataFrame:
        """One row a point: each wish in its unit, and the money spent; `attrs` says whether it is
        complete."""
        import pandas as pd

        rows = [[*map(float, p.values), float(p.spent)] for p in self.points]
        frame = pd.DataFrame(rows, columns=[*(wish.measure for wish in self.wishes), "spent"])
        frame.attrs = {"complete": self.complete, "why": self.why}
        return frame

    def amounts(self, point: int) -> pd.DataFrame:
        """The money of a point by cell, as that of a solution."""
        return amounts_frame(self.scenario.programme, self.points[point].allocation)

    def csv(self) -> str:
        """The points, exact numbers in full."""
        header = ["point", *(wish.measure for wish in self.wishes), "spent"]
        rows = [
            [str(number), *map(exact_text, one.values), exact_text(one.spent)]
            for number, one in enumerate(self.points, 1)
        ]
        return csv_text(header, rows)

    def allocations_csv(self) -> str:
        """The money of each point: point, county, task, amount; cells without money left out."""
        counties, tasks = (
            t.ids for t in (self.scenario.programme.counties, self.scenario.programme.tasks)
        )
        rows = [
            [str(number), county, task, exact_text(one.allocation.amounts[c, t])]
            for number, one in enumerate(self.points, 1)
            for c, county in enumerate(counties)
            for t, task in enumerate(tasks)
            if one.allocation.amounts[c, t]
        ]
        return csv_text(["point", "county", "task", "amount"], rows)


@with_keywords()
def front(
    scenario: Scenario,
    aims: str | Sequence[str],
    *,
    most: int = MOST,
    points: int | None = None,
    time_limit: float | None = None,
    watch: Callable[[int], None] | None = None,
) -> Front:
    """Every point that nothing betters in all of some wishes, in whole money units.

    `aims`: two or more of the metrics and `amount` (money spent), such as `"jobs,trainees"`; with
    a minus less of it is wanted. `points`: so many of two wishes only, about evenly apart, for
    programmes whose front is long. `most`: after so many the search stops, as it does after
    `time_limit` seconds; then the front is not complete. `watch` is told how many there are.

    Raises `InputError` for wishes that are none, `InfeasibleError` where no allocation keeps the
    rules, `NoAnswerError` where the solver found none in its limits.
    """
    wishes = _wishes(scenario, aims, points)
    listed = [{"maximise" if wish.more else "minimise": wish.measure} for wish in wishes]
    aimed = scenario.with_settled(objective=Objective.model_validate(listed))
    engine, _ = pick_engine(Options.solver)
    problem, clock = Problem.of(aimed), Clock(time_limit)
    if points and len(problem.codes) > DIRECT_CELLS:
        return Front(scenario, wishes, _by_floor(scenario, wishes, points, clock), False, "sampled")
    task = SearchTask(ProblemModels(problem), (), "whole", _GAP, engine, clock)
    search = _FrontSearch(task, wishes, most)
    try:
        found = search.sampled(points, watch) if points else search.all(watch)
    except Infeasible:
        raise InfeasibleError(NO_ALLOCATION) from None
    ordered = sorted(found, key=lambda one: search.worths(one), reverse=True)
    given = tuple(
        FrontPoint(
            tuple(one.reader.value(push) for push in search.pushes),
            problem.as_given(one.allocation),
            one.audit.spent,
        )
        for one in ordered
    )
    return Front(scenario, wishes, given, not search.why, search.why)


def _by_floor(
    scenario: Scenario, wishes: Sequence[Wish], points: int, clock: Clock
) -> tuple[FrontPoint, ...]:
    """Some points of a front of two wishes, each within a gap, those that another betters left
    out. Between money and a metric it is the money that is asked for step by step."""
    found: dict[tuple[Fraction, ...], FrontPoint] = {}
    metric, asked = sorted(wishes, key=lambda wish: wish.is_money)
    for one in points_by_floor(scenario, metric, asked, points, clock):
        values = tuple(map(one.worth, wishes))
        worths = tuple(v if wish.more else -v for v, wish in zip(values, wishes, strict=True))
        found[worths] = FrontPoint(values, one.allocation, one.audit.spent, one.gap)
    return tuple(
        found[mine]
        for mine in sorted(found, reverse=True)
        if not any(mine != other and _within(other, mine) for other in found)
    )


def _wishes(scenario: Scenario, aims: str | Sequence[str], points: int | None) -> tuple[Wish, ...]:
    texts = [text.strip() for text in (aims.split(",") if isinstance(aims, str) else aims)]
    wishes = tuple(Wish(text.removeprefix("-"), not text.startswith("-")) for text in texts)
    known, problems = (*scenario.programme.metrics, MONEY), Problems()
    for wish in wishes:
        if wish.measure not in known:
            near = did_you_mean(wish.measure, known)
            problems.add("", "aims", f"unknown metric '{wish.measure}'{near}")
    if len(wishes) < 2 or len({wish.measure for wish in wishes}) < len(wishes):
        problems.add("", "aims", "two or more metrics are due, each once: jobs,trainees")
    if points is not None and (len(wishes) != 2 or points < 2):
        problems.add("", "points", "two points or more are taken of two aims, not of others")
    for rule in scenario.rules:
        if rule.soft:
            message = "gives way at a price in points, which a front has none of: make it firm"
            problems.add("", f"rules.{rule.id}.soft", message)
    problems.raise_if_any()
    return wishes


class _FrontSearch:
    """The zones of a front, one after the other."""

    def __init__(self, task: SearchTask, wishes: Sequence[Wish], most: int) -> None:
        self.task, self.most = task, most
        self.pushes = [Push(number, rises=one.more) for number, one in enumerate(wishes)]
        self.why = "large" if len(task.formulation.problem.codes) > DIRECT_CELLS else ""
        self.points: list[KeptTable] = []

    def worths(self, table: KeptTable) -> tuple[Fraction, ...]:
        """What a table comes to, so that more of each is better."""
        return tuple(table.reader.worth(push) for push in self.pushes)

    def all(self, watch: Callable[[int], None] | None) -> list[KeptTable]:
        """The point of every zone."""
        zones = [self._everything]
        seen, empty = set(zones), list[Zone]()
        solved: list[tuple[Zone, KeptTable]] = []
        while zones:
            zone = zones.pop()
            if any(_within(zone, none) for none in empty):
                continue
            table = next((t for other, t in solved if self._is_best_of(t, zone, other)), None)
            if table is None:
                if self._is_over():
                    break
                table = self._best(zone)
                if table is None:
                    empty.append(zone)
                    continue
                solved.append((zone, table))
                self._add(table, watch)
            further = [one for one in self._further(zone, table) if one not in seen]
            seen.update(further)
            zones += further
        return self.points

    def sampled(self, count: int, watch: Callable[[int], None] | None) -> list[KeptTable]:
        """So many points of two wishes, the ends among them, the second one about evenly apart."""
        first = self._best((None,))
        assert first is not None
        self._add(first, watch)
        last = self._most_of_second()
        low, high = (self.worths(table)[1] for table in (first, last))
        for number in range(1, count):
            floor = low + (high - low) * number / (count - 1)
            if any(self.worths(table)[1] >= floor for table in self.points):
                continue
            if self._is_over() or (table := self._best((floor,))) is None:
                break
            self._add(table, watch)
        self.why = self.why or "sampled"
        return self.points

    def _most_of_second(self) -> KeptTable:
        search = Lexicographic(self.task)
        search.push(self.pushes[1])
        assert search.table is not None
        return search.table

    def _is_over(self) -> bool:
        if self.task.clock.is_over():
            self.why = "time"
        elif len(self.points) >= self.most:
            self.why = "most"
        else:
            return False
        return True

    def _add(self, table: KeptTable, watch: Callable[[int], None] | None) -> None:
        if self.worths(table) not in map(self.worths, self.points):
            self.points.append(table)
            if watch is not None:
                watch(len(self.points))

    def _best(self, zone: Zone) -> KeptTable | None:
        """The best of a zone, wish after wish; None where it holds nothing. Raises `Infeasible`
        where nothing is asked of it and it still does."""
        search = self._in_zone(zone)
        try:
            for push in self.pushes:
                search.push(push)
        except Infeasible:
            if zone == self._everything:
                raise
            return None
        except NoAnswerError:
            if not self.points:
                raise
            self.why = self.why or "unsettled"
            return None
        if not all(one.closed for one in search.reached) or not self._are_told_apart(search):
            self.why = self.why or "unsettled"
        return search.table

    @property
    def _everything(self) -> Zone:
        return (None,) * (len(self.pushes) - 1)

    def _in_zone(self, zone: Zone) -> Lexicographic:
        """A search that holds what a zone asks for."""
        search = Lexicographic(self.task)
        for push, least in zip(self.pushes[1:], zone, strict=True):
            if least is not None:
                search.held.append(HeldGoal(search.goal(push), _row(push), least))
        return search

    def _are_told_apart(self, search: Lexicographic) -> bool:
        """Whether a solver can tell each wish from one that is a step better."""
        assert search.table is not None
        pairs = zip(self._steps, self.worths(search.table), strict=True)
        return all(is_told_apart(step, float(worth)) for step, worth in pairs if step)

    @cached_property
    def _steps(self) -> list[Fraction | None]:
        """What each wish moves by while money moves in whole units; None where it never does."""
        search = Lexicographic(self.task)
        return [search.aimed(push).pushed[push].step for push in self.pushes]

    def _is_best_of(self, table: KeptTable, zone: Zone, solved: Zone) -> bool:
        """Whether the best of a zone is the best of another one that lies within it."""
        return _within(zone, solved) and _within(self.worths(table)[1:], zone)

    def _further(self, zone: Zone, table: KeptTable) -> Iterator[Zone]:
        """The zones that ask for a step more of one wish than a table has."""
        for at, worth in enumerate(self.worths(table)[1:]):
            if step := self._steps[at + 1]:
                yield (*zone[:at], worth + step, *zone[at + 1 :])


def _row(push: Push) -> HeldRow:
    return lambda aimed, model, least: aimed.pushed[push].held(model, least)


def _within(inner: Zone, outer: Zone) -> bool:
    """Whether all that one zone asks for is asked for by another one, too."""
    return all(b is None or (a is not None and a >= b) for a, b in zip(inner, outer, strict=True))
