"""Where the answer turns along one path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from models.errors import InputError, NoAnswerError, refuse, with_keywords
from models.exact import exact_text, parse_exact
from models.rule import BASELINE
from models.scenario import Scenario
from models.strict_yaml import Text
from optimizer.formulation.assemble import formulate
from optimizer.formulation.model import Model
from optimizer.formulation.parametric import Parametric, along
from optimizer.problem import reference_of
from optimizer.solvers.base import Answer
from optimizer.solvers.highs_lp import HotModel
from optimizer.study.cache import opened
from optimizer.study.design import Path, Paths, steps
from optimizer.study.grid import RELAXED, switched_off
from optimizer.study.relaxed_runner import IN_CONFLICT, PLACES, Yields, weighed
from optimizer.study.runner import Watch, identity_of, map_scenarios
from optimizer.study.study_result import Result, Study, Value, metric_columns, reasons_of

if TYPE_CHECKING:
    import pandas as pd


# Two supporting lines meet at a corner, or above the function: then the function is asked there and
# both sides are looked at. Nothing is missed, however close the corners lie.


MOST = 20_000
"""So many times the function may be asked."""


@dataclass(frozen=True)
class Place:
    """The function at one value: a slope there is that of either side."""

    at: float
    height: float
    slope: float


@dataclass(frozen=True)
class Corner:
    """Where the slope changes, or an end; `slope` is that to the right, None at the last."""

    at: float
    height: float
    slope: float | None


def corners(function: Callable[[float], Place], low: float, high: float) -> list[Corner]:
    """The ends and every corner between them, rising; `function` is concave on the interval.

    Raises RuntimeError after `MOST` questions: the function is not what it should be.
    """
    if low == high:
        only = function(low)
        return [Corner(low, only.height, None)]
    asked = _CountedFunction(function)
    first, last = asked(low), asked(high)
    reach = max(abs(first.height), abs(last.height), abs(last.slope) * (high - low), 1e-12)
    span = _Span(asked, 1e-9 * reach, 1e-9 * (high - low))
    segments = span.segments(first, last)
    found = [Corner(segments[0][0].at, segments[0][0].height, segments[0][1])]
    for place, slope in segments[1:]:
        if abs(slope - (found[-1].slope or 0.0)) * (high - low) > 1e-7 * reach:
            found.append(Corner(place.at, place.height, slope))
    return [*found, Corner(last.at, last.height, None)]


class _CountedFunction:
    def __init__(self, function: Callable[[float], Place]) -> None:
        self._function, self._left = function, MOST

    def __call__(self, at: float) -> Place:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError("the value function has no end of corners")
        return self._function(at)


@dataclass(frozen=True)
class _Span:
    asked: _CountedFunction
    height: float
    """Differences in height below this are the solver's."""
    width: float

    def segments(self, one: Place, other: Place) -> list[tuple[Place, float]]:
        """(where it begins, its slope) of each straight piece between two places."""
        pieces: list[tuple[Place, float]] = []
        open_ = [(one, other)]
        while open_:
            left, right = open_.pop()
            slope = self._straight(left, right)
            if slope is None:
                middle = self.asked(self._meet(left, right))
                open_ += [(middle, right), (left, middle)]
            else:
                pieces.append((left, slope))
        return pieces

    def _straight(self, left: Place, right: Place) -> float | None:
        """The slope between two places; None where the function is not straight there."""
        run = right.at - left.at
        if _over(left, right) <= self.height:
            return left.slope
        if _over(right, left) <= self.height:
            return right.slope
        return (right.height - left.height) / run if run <= self.width else None

    def _meet(self, left: Place, right: Place) -> float:
        """Where the supporting lines of two places meet."""
        run, over = right.at - left.at, _over(right, left)
        at = left.at + over * run / (_over(left, right) + over)
        return min(max(at, left.at + self.width / 2), right.at - self.width / 2)


def _over(one: Place, other: Place) -> float:
    """How far the line of `one` runs above the function at `other`."""
    return one.height + one.slope * (other.at - one.at) - other.height


HELD = Text(
    zh="这个数也是单项的上限：项数按安排的比例计，以区间内最宽的上限为准，故指数可比逐点估算略高。",
    en=(
        "The path is a cap of cells, too: counts in proportion go by its widest value in the "
        "interval, so the index may lie a little above that of a relaxation at one value."
    ),
)
HELD_BY = Text(zh="原情景处高{by}。", en="For the unchanged scenario it does by {by}.")

STEPS = 40
"""A grid in place of corners has so many steps."""
_TOLERANCE = 1e-9
_NOISE = 1e-8
"""A difference in the index below this is the solver's."""
_INWARDS = (0.0, 1e-9, 1e-7)
"""At an end of where there is a solution, the solver may only find it so far inside."""
Interval = tuple[object, object, object]
_COLUMNS = ("worth", "price", "spent", "method", "status", "why")
EXACT = Text(
    zh=(
        "逐段精确算得：各行是综合指数变化快慢改变的全部转折点，两点之间按直线变化；"
        "“每单位影响”为这个数每增加一个单位、综合指数（按原情景口径）的增减。"
    ),
    en=(
        "Exact along a right-hand side: the rows are all corners of the value function, straight "
        "between them; the price is what one more unit of the path adds to the index, by the "
        "yardstick of the unchanged scenario."
    ),
)
GRID = Text(
    zh=(
        "这个数不是限值或预算（是比例、权重或效益常数），两点之间不按直线变化，以下只是等距的若干点；"
        "“每单位影响”为相邻两点之间的平均增减。"
    ),
    en=(
        "The path is no right-hand side but a coefficient, a weight or a constant of the response, "
        "so that the value function is not straight between corners: this is a grid, and the price "
        "is the average between neighbouring points."
    ),
)
COUNTS = Text(
    zh="该约束计个数，只有整数限值有意义。",
    en="The rule counts, so that only whole numbers are limits that mean something.",
)


@with_keywords()
def sweep(
    scenario: Scenario,
    path: str,
    *,
    low: object,
    high: object,
    step: object = None,
    store: FilePath | str | None = None,
) -> pd.DataFrame:
    """The relaxation of the scenario along one path, from `low` to `high`: a tidy frame.

    Where the path is a right-hand side (`budget`, a number or a share of the budget in a bound)
    the rows are the ends and *every* corner of the value function, which is straight between
    them; elsewhere they are a grid (`step` apart, or 40 steps), and `method` says so: exact or
    grid. Where the path caps cells and cells are funded in part, their links stand at the widest
    cap of the interval; a note says by how much that lifts the unchanged scenario.

    Columns: the path; `worth`, the index by the yardstick of the unchanged scenario; one for each
    metric; `price`, what one more unit of the path adds to `worth` between this row and the next
    (negative where a stricter limit costs), NaN in the last; `spent`; `method`; `status` and
    `why`. Where only a part of the interval has a solution, the rows at its ends say so.
    `attrs["notes"]` says what the figures are. With a folder as `store`, `sweep.csv` is written
    into it. Raises `InputError` for a path that does not exist (the nearest is named), an interval
    that is none, and a store of another study.
    """
    return sweep_study(scenario, path, (low, high, step), store=store).frame()


def sweep_study(
    scenario: Scenario,
    path: str,
    interval: Interval,
    *,
    watch: Watch | None = None,
    store: FilePath | str | None = None,
) -> Study:
    """`sweep`, as plain rows; `interval`: low, high, and a step or None.

    With a folder as `store`, `sweep.csv` is written into it.
    """
    paths = Paths(scenario)
    found, step = paths.find(path), interval[2]
    ends = _ends(found, interval)
    _check_ends(paths, found, ends)
    if store is None:
        return _swept(scenario, paths, found, (*ends, step), watch)
    said = [[found.name, ":".join(map(str, interval))]]
    with opened(FilePath(store), identity_of(scenario, said, {"relaxed": True})) as kept:
        study = _swept(scenario, paths, found, (*ends, step), watch)
        kept.write("sweep.csv", study.csv())
    return study


def _swept(
    scenario: Scenario,
    paths: Paths,
    path: Path,
    interval: tuple[Fraction, Fraction, object],
    watch: Watch | None,
) -> Study:
    ends, step = interval[:2], interval[2]
    values = reference_of(scenario).points
    parametric = _parametric(scenario, paths, path, ends, values)
    if parametric is None:
        return _by_grid(scenario, path, ends, step, watch)
    return _CornerSweep(scenario, path, parametric, values).study()


def _ends(path: Path, interval: Interval) -> tuple[Fraction, Fraction]:
    try:
        ends = parse_exact(interval[0]), parse_exact(interval[1])
        step = None if interval[2] is None else parse_exact(interval[2])
    except ValueError as error:
        refuse("", path.name, str(error))
    if not path.is_number:
        refuse("", path.name, f"holds '{path.now}', and a sweep goes along a number")
    if step is not None and step <= 0:
        refuse("", path.name, f"a step of {exact_text(step)} leads nowhere")
    if ends[0] >= ends[1]:
        refuse("", path.name, f"{exact_text(ends[0])} is not below {exact_text(ends[1])}")
    return ends


def _check_ends(paths: Paths, path: Path, ends: tuple[Fraction, Fraction]) -> None:
    """An end that no scenario can have is no end of an interval."""
    for end in ends:
        try:
            paths.changed(((path.name, exact_text(end)),))
        except InputError as error:
            raise InputError([replace(one, file="") for one in error.problems]) from None


def _parametric(
    scenario: Scenario,
    paths: Paths,
    path: Path,
    ends: tuple[Fraction, Fraction],
    values: Mapping[str, Fraction],
) -> Parametric | None:
    """The model with the path as a column; None where it is no right-hand side."""
    if not _may_be_a_side(scenario, path):
        return None
    low, high = ends
    middle = (low + high) / 2
    whole = Fraction(round(middle))
    middle = whole if low < whole < high else middle
    try:
        models = [
            formulate(paths.changed(((path.name, exact_text(value)),)), values, whole=False)
            for value in (low, middle, high)
        ]
    except InputError:
        return None  # The grid says at which values, and why.
    three = (models[0], models[1], models[2])
    return along(three, (float(low), float(middle), float(high)))


def _may_be_a_side(scenario: Scenario, path: Path) -> bool:
    """Only what caps and the budget repeat for single cells may be held at its widest; a baseline
    in whole units does not move evenly with the budget."""
    if path.name != "budget":
        return path.steps[0] == "rules"
    moves = scenario.spec.reference_budget is None
    return not (moves and any(rule.refers_to(BASELINE) for rule in scenario.rules))


class _CornerSweep:
    """The corners along one path."""

    def __init__(
        self,
        scenario: Scenario,
        path: Path,
        parametric: Parametric,
        values: Mapping[str, Fraction],
    ) -> None:
        self._scenario, self._path = scenario, path
        self._parametric, self._values = parametric, values
        self._yields = Yields(scenario.tiers_in_steps)
        self._unchanged = formulate(scenario, values, whole=False)
        self._hot: HotModel | None = None
        self._answers: dict[float, Answer] = {}

    def study(self) -> Study:
        inside = self._inside()
        if inside is None:
            low, high = self._parametric.low, self._parametric.high
            return self._table([self._empty(low), self._empty(high)])
        low, high = inside
        rows = [self._row(corner) for corner in corners(self._place, low, high)]
        if low > self._parametric.low:
            rows.insert(0, self._empty(self._parametric.low))
        if high < self._parametric.high:
            rows.append(self._empty(self._parametric.high))
        return self._table(rows)

    def _inside(self) -> tuple[float, float] | None:
        """The least and the largest value at which there is a solution."""
        found = []
        for sign in (-1.0, 1.0):
            answer = HotModel(self._parametric.towards(sign), tolerance=_TOLERANCE).solve()
            if answer.values is None:
                return None
            found.append(self._solvable(float(answer.values[self._parametric.column]), -sign))
        return found[0], found[1]

    def _solvable(self, end: float, inwards: float) -> float:
        width = self._parametric.high - self._parametric.low
        tried = [end + inwards * share * width for share in _INWARDS]
        return next((at for at in tried if self._solved(at) is not None), tried[-1])

    def _solved(self, at: float) -> Answer | None:
        model = self._parametric.at(at)
        if self._hot is None:
            self._hot = HotModel(model, tolerance=_TOLERANCE)
        self._hot.become(model)
        answer = self._hot.solve()
        return None if answer.values is None else answer

    def _place(self, at: float) -> Place:
        answer = self._solved(at)
        if answer is None or answer.objective is None or self._hot is None:
            raise NoAnswerError(f"the solver finds nothing at {at}, between places that it solved")
        self._answers[at] = answer
        return Place(at, answer.objective, self._hot.worth_of(self._parametric.column))

    def _row(self, corner: Corner) -> dict[str, Value]:
        return {
            self._path.name: _shown(corner.at),
            **self._figures(self._parametric.model, self._answers[corner.at]),
            "price": None if corner.slope is None else corner.slope + 0.0,
            "status": "optimal",
        }

    def _figures(self, model: Model, answer: Answer) -> dict[str, Value]:
        assert answer.values is not None
        outcomes = self._yields.of(model, answer.values, tuple(self._values))
        spent = answer.values[model.grid.amount].sum() + float(self._scenario.outside_money)
        worth = weighed(self._values, outcomes)
        return {"worth": worth, **outcomes, "spent": round(float(spent), PLACES)}

    def _empty(self, at: float) -> dict[str, Value]:
        return {self._path.name: at, "status": "infeasible", "why": IN_CONFLICT.en}

    def _table(self, rows: list[dict[str, Value]]) -> Study:
        notes = [EXACT, RELAXED]
        before = HotModel(self._unchanged).solve()
        unchanged: dict[str, Value] = {"status": "infeasible"}
        if before.values is not None:
            unchanged = {"status": "optimal", **self._figures(self._unchanged, before)}
            notes += self._held(before.objective or 0.0)
        rule = next((r for r in self._scenario.rules if r.id in self._path.steps), None)
        if rule is not None and rule.measure in ("cells", "counties"):
            notes.append(COUNTS)
        said = _SweepNotes("exact", tuple(notes), unchanged, {IN_CONFLICT.en: IN_CONFLICT.zh})
        return _study(self._scenario, self._path, rows, said)

    def _held(self, worth: float) -> list[Text]:
        """By how much the corners lie above a relaxation of the unchanged scenario, if at all."""
        if not self._parametric.held:
            return []
        now = None if self._path.now is None else float(parse_exact(self._path.now))
        if now is None or not self._parametric.low <= now <= self._parametric.high:
            return [HELD]
        answer = self._solved(now)
        if answer is None or answer.objective is None:
            return [HELD]
        over = answer.objective - worth
        if over < _NOISE:
            return [HELD]
        by = f"{over:.1g}"
        return [HELD, Text(zh=HELD_BY.zh.format(by=by), en=HELD_BY.en.format(by=by))]


def _by_grid(
    scenario: Scenario,
    path: Path,
    ends: tuple[Fraction, Fraction],
    step: object,
    watch: Watch | None,
) -> Study:
    """Relaxations at even steps, the price from one to the next."""
    low, high = ends
    try:
        width = (high - low) / STEPS if step is None else parse_exact(step)
        values = steps(":".join(map(exact_text, (low, high, width))))
    except ValueError as error:
        refuse("", path.name, str(error))
    points = [((path.name, exact_text(value)),) for value in values]
    mapped = map_scenarios(scenario, points, watch=watch, relax=True)
    rows = []
    ahead = [*mapped.results[1:], None]
    for value, result, after in zip(values, mapped.results, ahead, strict=True):
        price = None
        if after is not None and after.worth is not None and result.worth is not None:
            price = (after.worth - result.worth) / float(width)
        rows.append(_grid_row(path, float(value), result, price))
    before = {**_figures(mapped.unchanged), "status": mapped.unchanged.status}
    said = _SweepNotes("grid", (GRID, RELAXED), before, reasons_of(mapped.results))
    return _study(scenario, path, rows, said)


def _grid_row(path: Path, value: float, result: Result, price: float | None) -> dict[str, Value]:
    told = {"price": price, "status": result.status, "why": result.why}
    return {path.name: value, **_figures(result), **told}


def _figures(result: Result) -> dict[str, Value]:
    return {"worth": result.worth, **result.outcomes, "spent": result.spent}


@dataclass(frozen=True)
class _SweepNotes:
    """What is said of a sweep beside its rows."""

    method: str
    notes: tuple[Text, ...]
    unchanged: Mapping[str, Value]
    reasons: Mapping[str, str]


def _study(
    scenario: Scenario, path: Path, rows: list[dict[str, Value]], said: _SweepNotes
) -> Study:
    metrics = metric_columns(scenario.programme.metrics, (path.name, *_COLUMNS))
    names = (path.name, "worth", *metrics, "price", "spent", "method", "status", "why")
    columns = (path.name, "worth", *metrics.values(), *names[-5:])
    given = [{"why": "", **row, "method": said.method} for row in rows]
    table = tuple(tuple(row.get(name) for name in names) for row in given)
    before = {metrics.get(name, name): value for name, value in said.unchanged.items()}
    notes = (*said.notes, *switched_off(scenario, [path.name]))
    return Study("sweep", scenario.name, columns, table, before, notes, said.reasons)


def _shown(value: float) -> float:
    """A value that the solver found, to the ten figures that it knows."""
    return float(f"{value:.10g}")
