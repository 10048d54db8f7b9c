"""The columns of a comparison: asked for, read, solved, measured by one yardstick."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from models.allocation import Allocation, lorenz
from models.errors import (
    InfeasibleError,
    InputError,
    InputProblem,
    NoAnswerError,
    Problems,
    did_you_mean,
    refuse,
)
from models.finding import Audit
from models.objective import metric_values, objective_of
from models.scenario import Scenario, load
from models.solution import Comparison, Solution
from models.table import Note
from models.workbook.reader import read_table
from optimizer.audit import audit
from optimizer.audit.measure import Reading, read_measures
from optimizer.baselines import baseline
from optimizer.baselines.kinds import KINDS
from optimizer.compare.common_grid import CommonGrid, Money
from optimizer.infeasibility import solve_advised
from optimizer.problem import Problem, reference_of
from optimizer.process_pool import here, in_processes
from optimizer.records import read_solution
from optimizer.sensitivity import priced
from optimizer.solve import Options, repair_bare
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock
from optimizer.strategies import ProblemModels

Asked = str | Path | Scenario | Solution
"""A column: a scenario (`file.yaml`, `file.yaml@name`, or loaded), a solution, the folder of a
record, `baseline:KIND`, or a table of money (.csv, .xlsx)."""
Kind = Literal["scenario", "record", "solution", "baseline", "repaired", "table"]
OWN, REPAIRED = "own", "repaired"
BASELINES = (*KINDS, OWN, REPAIRED)
"""What `baseline:` takes: the kinds, the scenario's own one, and that mended to keep the rules."""
_BASELINE = "baseline:"
_FREE = " without rules"
_TABLES = (".csv", ".xlsx", ".xlsm")


@dataclass(frozen=True)
class ColumnRequest:
    """One column as it was asked for; what is left is to solve it where there is no allocation."""

    name: str
    kind: Kind
    scenario: Scenario
    """The scenario that it is read under."""
    allocation: Allocation | None = None
    solution: Solution | None = None
    notes: tuple[Note, ...] = ()
    """What was read in an edited table with some good will."""
    baseline: str = ""
    """Which baseline it is: own, repaired, or the kind of a formula; '' for another column."""


@dataclass(frozen=True)
class _Given:
    """A column before it is known which scenario a baseline or a table is read under."""

    asked: Asked
    name: str
    kind: Kind
    scenario: Scenario | None = None
    solution: Solution | None = None


def read_asked(
    columns: Sequence[Asked], layers: Mapping[str, Any] | None = None
) -> tuple[ColumnRequest, ...]:
    """Every column, read and checked; `layers` are keywords of `load` for scenarios to be read.

    Baselines and tables are read under the first scenario or record. Raises `InputError` with the
    problems of all columns at once.
    """
    if isinstance(columns, str) or not isinstance(columns, Sequence):
        refuse("", "columns", f"a list of two or more is due here, not {type(columns).__name__}")
    problems, given = Problems(), []
    if len(columns) < 2:
        problems.add("", "", "two columns or more are due: scenarios, records, baselines, tables")
    for asked in columns:
        try:
            given.append(_given(asked, layers or {}))
        except InputError as error:
            problems.extend(error.problems)
    _check_layers(columns, layers, problems)
    first = next((one.scenario for one in given if one.scenario is not None), None)
    asks = []
    for one in given:
        try:
            asks.append(_ask(one, first, bool(problems)))
        except InputError as error:
            problems.extend(error.problems)
    problems.raise_if_any()
    return tuple(_named_apart(asks))


def cost_of_rules(scenario: Scenario) -> list[Asked]:
    """The ready set: the scenario's baseline, that mended, under the rules, without the rules.

    What the scenario itself settles (budget, lot, locks …) holds in the last one too: it is no rule
    of the list.
    """
    off = {rule.id: {"enabled": False} for rule in scenario.rules}
    free = scenario.replace(rules=off) if off else scenario
    free = replace(free, name=f"{scenario.name}{_FREE}")
    return [f"{_BASELINE}{OWN}", f"{_BASELINE}{REPAIRED}", scenario, free]


def reference_at(asks: Sequence[ColumnRequest], reference: int | str) -> int:
    """The position of the reference, given as a position or as a column's name."""
    names = [ask.name for ask in asks]
    if isinstance(reference, int):
        if not 0 <= reference < len(names):
            refuse("", "reference", f"there is no column {reference + 1}; there are {len(names)}")
        return reference
    if reference not in names:
        near = did_you_mean(reference, names)
        refuse("", "reference", f"no column has the name '{reference}'{near}")
    return names.index(reference)


def _given(asked: Asked, layers: Mapping[str, Any]) -> _Given:
    if isinstance(asked, Scenario):
        return _Given(asked, asked.name, "scenario", asked)
    if isinstance(asked, Solution):
        return _Given(asked, asked.scenario.name, "solution", asked.scenario, asked)
    if not isinstance(asked, str | Path):
        refuse(
            "",
            "columns",
            "a scenario, a solution, a record, a baseline or a table is due here, "
            f"not {type(asked).__name__}",
        )
    text = str(asked)
    if text.startswith(_BASELINE):
        return _Given(text, text, "repaired" if text == _BASELINE + REPAIRED else "baseline")
    path = Path(text)
    if path.suffix.lower() in _TABLES:
        return _Given(path, path.name, "table")
    if path.is_dir():
        solution = _recorded(path)
        names = path.resolve().parts
        # A mend and a reallocation keep theirs as DIR/record: what tells them apart is DIR.
        name = names[-2] if names[-1] == "record" and len(names) > 1 else names[-1]
        return _Given(path, name, "record", solution.scenario, solution)
    scenario = load(text, **layers)
    return _Given(text, scenario.name, "scenario", scenario)


def _recorded(folder: Path) -> Solution:
    try:
        return read_solution(folder)[0]
    except InputError as error:
        found = [_in_folder(problem, folder) for problem in error.problems]
        raise InputError(found) from None


def _in_folder(problem: InputProblem, folder: Path) -> InputProblem:
    """Several records may be read, so each problem says of which it is."""
    inside = problem.file and problem.file != str(folder)
    return replace(problem, file=f"{folder}/{problem.file}" if inside else str(folder))


def _check_layers(
    columns: Sequence[Asked], layers: Mapping[str, Any] | None, problems: Problems
) -> None:
    """Changes that would change nothing are a mistake."""
    texts = [c for c in columns if isinstance(c, str | Path)]
    files = [c for c in texts if not _is_read_as_it_stands(str(c))]
    if not files and any((layers or {}).values()):
        message = "changes scenario files, and none is among the columns"
        problems.add("", "layers", message)


def _is_read_as_it_stands(text: str) -> bool:
    path = Path(text)
    return text.startswith(_BASELINE) or path.suffix.lower() in _TABLES or path.is_dir()


def _ask(given: _Given, first: Scenario | None, in_doubt: bool) -> ColumnRequest:
    """`in_doubt`: some column could not be read, and it may be the first scenario."""
    if given.scenario is not None:
        held = given.solution.allocation if given.solution else None
        return ColumnRequest(given.name, given.kind, given.scenario, held, given.solution)
    kind = given.name.removeprefix(_BASELINE)
    if given.kind != "table" and kind not in BASELINES:
        near = did_you_mean(kind, BASELINES)
        refuse("", given.name, f"unknown kind of baseline{near}: {', '.join(BASELINES)}")
    if first is None:
        if in_doubt:
            raise InputError([])
        refuse("", str(given.asked), "no scenario or record is among the columns to read it under")
    if given.kind == "table":
        outside = first.outside_names
        allocation, notes = read_table(Path(str(given.asked)), first.programme, outside)
        return ColumnRequest(given.name, "table", first, allocation, notes=notes)
    if given.kind == "repaired":
        return ColumnRequest(given.name, "repaired", first, baseline=kind)
    table = baseline(first, kind=None if kind == OWN else kind)
    return ColumnRequest(given.name, "baseline", first, table, baseline=kind)


def _named_apart(asks: Sequence[ColumnRequest]) -> list[ColumnRequest]:
    """Columns of one name get a number."""
    taken: set[str] = set()
    found = []
    for ask in asks:
        name, number = ask.name, 1
        while name in taken:
            number += 1
            name = f"{ask.name} ({number})"
        taken.add(name)
        found.append(replace(ask, name=name))
    return found


Status = Literal["optimal", "feasible", "given", "infeasible", "no answer"]
"""`given`: an allocation that was not searched for, a baseline or a table."""
Values = Mapping[str, Fraction]
"""Metric → objective points of one unit."""


@dataclass(frozen=True)
class Reads:
    """An allocation read: by its own scenario, and by the reference's."""

    allocation: Allocation
    audit: Audit
    """Every rule of the column's own scenario."""
    reading: Reading
    """Cell by cell, by the column's own response."""
    money: Money
    """On the common grid."""
    objective: Fraction
    """In the column's own yardstick, without penalties."""
    under_reference: Audit | None
    """The same money under the reference's rules and response; None where the grid is another."""
    worth: Fraction | None
    """What that is worth in the reference's yardstick."""
    gini: Fraction | None
    """Of money per resident; None where the programme names no residents."""

    @property
    def by_county(self) -> list[Fraction]:
        """[county of the common grid] its money."""
        return [Fraction(sum(row)) for row in self.money.tolist()]


@dataclass(frozen=True)
class Column:
    """One column; `reads` is None where there is no allocation, and `why` says why."""

    name: str
    kind: Kind
    scenario: Scenario
    status: Status
    reads: Reads | None = None
    values: Values | None = None
    """Its own yardstick."""
    solution: Solution | None = None
    moved_at_least: float | None = None
    """Of a mended baseline: so much of the baseline must move, by the solver's word."""
    why: str = ""
    reasons: tuple[Mapping[str, str], ...] = ()
    notes: tuple[Note, ...] = ()
    baseline: str = ""
    """As `ColumnRequest.baseline`."""

    @property
    def gap(self) -> float | None:
        """How near its solution is to the bound that this names."""
        return self.solution.gap if self.solution else None

    @property
    def is_searched(self) -> bool:
        """Whether a solver looked for the best, so that a gap belongs to it."""
        return self.solution is not None

    @property
    def is_free(self) -> bool:
        """Whether it is the scenario of the ready set in which no rule is in force."""
        return not self.scenario.rules and self.name.endswith(_FREE)


def yardstick(scenario: Scenario, solved: Solved | None = None) -> Values:
    """Objective points per unit of each metric, by the scenario's own baseline."""
    if isinstance(solved, Solution):
        return metric_values(scenario, solved.baseline.audit.outcomes)
    return reference_of(scenario).points


def column_of(
    ask: ColumnRequest, solved: Solved | None, world: CommonGrid, reference: tuple[Scenario, Values]
) -> Column:
    """The column of what was asked for and, where it had to be solved, of what was found.

    `reference`: the scenario whose yardstick is common, with its values.
    """
    if isinstance(solved, Failed):
        return Column(
            ask.name,
            ask.kind,
            ask.scenario,
            solved.status,
            why=solved.why,
            reasons=solved.reasons,
            baseline=ask.baseline,
        )
    solution = solved if isinstance(solved, Solution) else ask.solution
    if isinstance(solved, Comparison):
        allocation = solved.allocation
    elif solution is not None:
        allocation = solution.allocation
    else:
        assert ask.allocation is not None
        allocation = ask.allocation
    values = yardstick(ask.scenario, solution)
    return Column(
        ask.name,
        ask.kind,
        ask.scenario,
        solution.status if solution else "given",
        _reads((ask.scenario, values), (allocation, solution), world, reference),
        values,
        solution=solution,
        moved_at_least=solved.moved_at_least if isinstance(solved, Comparison) else None,
        notes=ask.notes,
        baseline=ask.baseline,
    )


def _reads(
    own: tuple[Scenario, Values],
    held: tuple[Allocation, Solution | None],
    world: CommonGrid,
    reference: tuple[Scenario, Values],
) -> Reads:
    (scenario, values), (allocation, solution) = own, held
    audited = solution.audit if solution else audit(scenario, allocation)
    money = world.money(scenario.programme, allocation)
    under, worth = None, None
    if world.is_whole(scenario.programme):
        whole = solution is None or solution.is_whole
        under = audited
        if scenario is not reference[0]:
            under = audit(reference[0], on_grid(world, money, allocation), whole=whole)
        worth = objective_of(under, reference[1])
    return Reads(
        allocation,
        audited,
        read_measures(scenario, allocation),
        money,
        objective_of(audited, values),
        under,
        worth,
        _gini(world, money),
    )


def on_grid(world: CommonGrid, money: Money, allocation: Allocation) -> Allocation:
    """An allocation as one of the reference's programme, whose cells it has."""
    counties, tasks = world.programme.shape
    return Allocation(money[:counties, :tasks], allocation.outside)


def _gini(world: CommonGrid, money: Money) -> Fraction | None:
    heads = [county.heads for county in world.counties]
    known = [(at, head) for at, head in enumerate(heads) if head is not None]
    if not known:
        return None
    by_county = [Fraction(sum(money[at].tolist())) for at, _ in known]
    curve = lorenz(by_county, [head for _, head in known])
    return None if curve is None else curve.gini


_SMALL = 200
"""Cells; smaller ones are solved sooner than a process is started."""
Watch = Callable[[int, int], None]
"""Told how many columns are solved, of how many."""


@dataclass(frozen=True)
class Failed:
    """Why a column has no allocation."""

    status: Literal["infeasible", "no answer"]
    why: str
    reasons: tuple[Mapping[str, str], ...] = ()


Solved = Solution | Comparison | Failed


@dataclass(frozen=True)
class ColumnWork:
    """One column to solve."""

    scenario: Scenario
    options: Options
    repaired: bool
    """The scenario's baseline is to be mended, and not the scenario solved."""

    def run(self) -> list[Any]:
        """What comes of it, alone in a list."""
        try:
            return [self._mended() if self.repaired else self._solved()]
        except InfeasibleError as error:
            return [Failed("infeasible", str(error), error.reasons)]
        except NoAnswerError as error:
            return [Failed("no answer", str(error))]

    def _solved(self) -> Solution:
        formulation = ProblemModels(Problem.of(self.scenario))
        clock = Clock(self.options.time_limit)
        found = solve_advised(formulation, self.options)
        return priced(formulation, found, self.options, clock)

    def _mended(self) -> Comparison:
        formulation = ProblemModels(Problem.of(self.scenario))
        engine, _ = pick_engine(self.options.solver)
        basis, clock = formulation.problem.reference.comparison, Clock(self.options.time_limit)
        return formulation.problem.read(repair_bare(formulation, basis, engine, clock))


def solve_asked(
    asks: Sequence[ColumnRequest], options: Options, watch: Watch | None = None
) -> Mapping[int, Solved]:
    """Position → what was found, for the columns that hold no allocation yet.

    What cannot be used is refused before anything is solved.
    """
    pick_engine(options.solver)
    due = {n: ask for n, ask in enumerate(asks) if ask.allocation is None}
    for ask in due.values():
        # A baseline or a yardstick that cannot be had is the input's fault.
        reference_of(ask.scenario)
    works = [
        (n, ColumnWork(ask.scenario, options, ask.kind == "repaired")) for n, ask in due.items()
    ]
    large = any(math.prod(ask.scenario.programme.shape) > _SMALL for ask in due.values())
    workers = min(len(works), os.cpu_count() or 1) if large else 1
    done: Any = in_processes(iter(works), workers) if workers > 1 else here(iter(works))
    found: dict[int, Solved] = {}
    if watch is not None and works:
        watch(0, len(works))
    for number, results in done:
        died = Failed("no answer", "the process that solved it died")
        found[number] = results[0] if results else died
        if watch is not None:
            watch(len(found), len(works))
    return found
