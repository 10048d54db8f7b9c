"""A table mended: the nearest allocation that keeps every rule, each move with what it is for, and
what would have to be written otherwise for the table to stand as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, inf
from typing import NamedTuple

from models.allocation import Allocation
from models.errors import (
    InfeasibleError,
    NoAnswerError,
    Problems,
    did_you_mean,
    refuse,
    with_keywords,
)
from models.finding import Audit, Finding, group_text
from models.objective import objective_of
from models.remedies import Change, PlaceChange, step_of, written
from models.rule import CELLS, NO_IDLE, STEP, WHOLE_UNITS, Rule
from models.scenario import Scenario
from models.scenario_file import Lock
from models.selection import county_at
from models.solution import SearchNote, Solution, SolverReport
from models.strict_yaml import Text
from optimizer.aims import mend_aims
from optimizer.audit import audit
from optimizer.audit.limits import Form, limit_forms, lot_forms
from optimizer.audit.measure import Measured, Reading, read_measures
from optimizer.audit.rule_number import RuleNumber, limits_by_number, number_of
from optimizer.infeasibility import advised
from optimizer.infeasibility.single_change import number_change
from optimizer.problem import Problem
from optimizer.solve import NO_ALLOCATION, Options
from optimizer.solvers import engine_version, pick_engine
from optimizer.solvers.base import Clock, Watch
from optimizer.strategies import Infeasible, ProblemModels, SearchTask
from optimizer.strategies.mended import FewestFound, a_county, aims_of, fewest_touched, mended
from optimizer.strategies.tightening import kept_exactly

_EXPLAINED = 60
"""Moves of which it is worked out what they are for, the largest first."""
_HAIR = 1e-6
_FIXED = {"budget", "locks", CELLS, "eligibility", WHOLE_UNITS}
"""Reserved findings that no table may ask to be written otherwise."""
_ASKED = {NO_IDLE: "no_idle=false", STEP: "step=1"}
"""Reserved findings that are asked for or not → the setting that no longer asks."""
_HELD = Text(zh="暂不改动", en="held as given")


@dataclass(frozen=True)
class CellMove:
    """One cell that differs, and what happens where it alone is put back."""

    county: int
    task: int
    """Both by their place in the file's order."""
    before: Fraction
    after: Fraction
    mends: tuple[str, ...] = ()
    """Rules that the table breaks and that would be broken still."""
    keeps: tuple[str, ...] = ()
    """Rules that other moves would break: this one pays for them."""
    with_others: bool = False
    """Put back alone it breaks nothing; with all moves of its county, what is named."""


@dataclass(frozen=True)
class Admission:
    """A rule that the table breaks, and what would let the table stand."""

    rule: str
    """Its id, or a reserved one."""
    basis: str
    """`clause`, `target`, `practice`, `assumption`; `scenario`: its setting, without grounds."""
    change: Change | None = None
    """The number with which the table keeps it; None where it is not ours to change, or no number
    does it."""

    @property
    def is_open(self) -> bool:
        """Whether it rests on practice or assumption only, so that it may be written otherwise."""
        return self.basis in ("practice", "assumption") and self.rule not in _FIXED


@dataclass(frozen=True)
class Mended:
    """What a mend came to, in the file's order."""

    scenario: Scenario
    """With the cells that are held as locks."""
    given: Allocation
    read: Audit
    """Every rule on the table given."""
    allocation: Allocation
    audit: Audit
    objective: Fraction
    given_objective: Fraction
    distance: Fraction
    """Σ |money − table| over all cells."""
    at_least: int
    """No allocation that keeps the rules is nearer, by the solver's word."""
    touched: int
    """Counties with a cell that differs."""
    touched_at_least: int | None
    """Of those as near none touches fewer; None where that is not known."""
    moves: tuple[CellMove, ...]
    admissions: tuple[Admission, ...]
    held: int = 0
    """Cells that were held."""
    touch: int | None = None
    """Counties that might be touched."""

    @property
    def is_nearest(self) -> bool:
        """Whether the bound shows that nothing is nearer."""
        return self.distance <= self.at_least

    @property
    def moved(self) -> Fraction:
        """Money units that stand elsewhere, each counted once."""
        return self.allocation.moved_from(self.given)


class EditedTable(NamedTuple):
    """A table and what it was edited from, of the same grid in the file's order."""

    table: Allocation
    before: Allocation


@with_keywords()
def mend(
    scenario: Scenario,
    table: Allocation | EditedTable,
    *,
    hold: Sequence[str] = (),
    touch: int | None = None,
    time_limit: float | None = None,
    watch: Watch | None = None,
) -> Mended:
    """The nearest allocation in whole units that keeps every rule: least Σ |money − table| by cell,
    then fewest counties touched, then the published weights; of an edited table before these the
    nearest to what it was edited from, among what changes the same counties or those edited.

    `hold`: counties (`510522`) and cells (`510522,parks`) that stay as the table has them; `touch`:
    how many counties may differ. Raises `InputError` for a table of another grid, for what is held
    and unknown, and for a `touch` below the least that works, which it says; `InfeasibleError`
    where no allocation keeps the rules and holds; `NoAnswerError` where none was found in time.
    """
    before = table.before if isinstance(table, EditedTable) else None
    table = table.table if isinstance(table, EditedTable) else table
    read = audit(scenario, table)
    held = tuple(_held(scenario, table, hold))
    _refuse_broken_holds(scenario, table, read, held)
    asked = scenario.with_settled(locks=(*scenario.spec.locks, *held))
    problem = Problem.of(asked)
    engine, clock = pick_engine("highs")[0], Clock(time_limit, watch)
    if not audit(asked, table).broken:
        return _mended(problem, (table, read), table, (0, 0), (len(held), touch))
    ordered = problem.by_code(table)
    edited = None if before is None else problem.by_code(before)
    aims = mend_aims(ordered, problem.codes, inf if touch is None else touch, edited)
    task = SearchTask(ProblemModels(problem), aims, "whole", 0.0, engine, clock)
    with advised(problem.scenario, engine, clock):
        if touch is not None:
            refuse_too_few(task, touch)
        try:
            found, allocation, _ = kept_exactly(task, mended)
        except Infeasible:
            raise InfeasibleError(NO_ALLOCATION) from None
    bound = found.proof.bound
    assert bound is not None
    least = max(0, ceil(-bound - len(problem.places) * a_county(len(problem.places)) - _HAIR))
    given = problem.as_given(allocation)
    few = _touched_at_least(-bound, given, table)
    return _mended(problem, (table, read), given, (least, few), (len(held), touch))


def _touched_at_least(bound: float, allocation: Allocation, table: Allocation) -> int | None:
    """How few counties those may touch that are as near, by a bound of distance and counties."""
    counties = len(allocation.amounts)
    left = bound - float(_distance(allocation, table))
    if left < -_HAIR:
        return None
    return ceil(left / a_county(counties) - 0.01)


def refuse_too_few(task: SearchTask, touch: int) -> None:
    """Refuse fewer counties than have to be touched, and say how many these are and how many do, in
    whole units and exactly. Raises `Infeasible` where no number does."""
    few: FewestFound = fewest_touched(task)
    if few.at_least <= touch:
        return
    known = f"at least {few.at_least} have to"
    if few.found is not None and _is_enough(task, few.found):
        known = f"{known}, {few.found} were found to do"
    refuse("--touch", "", f"{touch} counties are too few: {known}")


def _is_enough(task: SearchTask, touch: int) -> bool:
    """Whether an allocation that keeps every rule was found that touches no more counties."""
    near, fewest, edited, weights = aims_of(task)
    aims = near, replace(fewest, most=touch), edited, weights
    try:
        kept_exactly(replace(task, aims=aims), mended)
    except (Infeasible, NoAnswerError):
        return False
    return True


def _held(scenario: Scenario, table: Allocation, hold: Sequence[str]) -> Iterator[Lock]:
    """Each cell that is held, as a lock at what the table has; those locked already as they are."""
    programme, problems = scenario.programme, Problems()
    known = {(lock.county, lock.task) for lock in scenario.spec.locks}
    for one in hold:
        name, _, task = (part.strip() for part in str(one).replace("，", ",").partition(","))
        county, tasks = county_at(programme, name, "--hold"), programme.tasks
        if task and _task_at(scenario, task) is None:
            near = did_you_mean(task, tasks.ids)
            problems.add("--hold", "", f"unknown task '{task}'{near}")
            continue
        chosen = [_task_at(scenario, task)] if task else list(range(len(tasks.ids)))
        for at in chosen:
            assert at is not None
            cell = programme.counties.ids[county], tasks.ids[at]
            if cell not in known:
                known.add(cell)
                money = Fraction(table.amounts[county, at])
                yield Lock(county=cell[0], task=cell[1], amount=money, reason=_HELD)
    problems.raise_if_any()


def _refuse_broken_holds(
    scenario: Scenario, table: Allocation, read: Audit, held: Sequence[Lock]
) -> None:
    """Refuse what is held where a broken rule speaks of nothing else: it stays broken. Named with
    the number that would let it stand."""
    programme, problems = scenario.programme, Problems()
    cells = {
        (programme.counties.index[one.county], programme.tasks.index[one.task]) for one in held
    }
    if not cells:
        return
    broken = {_limit(finding) for finding in read.broken}
    forms = [*limit_forms(scenario), *lot_forms(scenario, sorted(cells))]
    stuck = [f for f in forms if (f.rule, f.key) in broken and cells.issuperset(f.cells)]
    if not stuck:
        return
    changes = {one.rule: one.change for one in admissions(scenario, table, read)}
    for form in stuck:
        change = changes.get(form.rule)
        setting = f"; --set {change.setting} admits it" if change and change.setting else ""
        place = group_text(form.key) or form.rule
        problems.add("--hold", place, f"is held, so that {form.rule} stays broken{setting}")
    problems.raise_if_any()


def _task_at(scenario: Scenario, name: str) -> int | None:
    """The place of a task by its id or by its name in either language."""
    tasks = scenario.programme.tasks
    said = (tasks.ids, *(scenario.programme.task_names(lang) for lang in ("zh", "en")))
    hits = {at for texts in said for at, text in enumerate(texts) if text == name}
    return next(iter(hits)) if len(hits) == 1 else None


def _distance(one: Allocation, other: Allocation) -> Fraction:
    apart = (one.amounts - other.amounts).ravel().tolist()
    return sum((abs(Fraction(by)) for by in apart), Fraction(0))


def _mended(
    problem: Problem,
    given: tuple[Allocation, Audit],
    allocation: Allocation,
    proved: tuple[int, int | None],
    asked: tuple[int, int | None],
) -> Mended:
    scenario, (table, read) = problem.given, given
    audited = audit(scenario, allocation)
    points = problem.reference.points
    changes = table.changes_from(allocation)
    return Mended(
        scenario=scenario,
        given=table,
        read=read,
        allocation=allocation,
        audit=audited,
        objective=objective_of(audited, points),
        given_objective=objective_of(read, points),
        distance=_distance(allocation, table),
        at_least=proved[0],
        touched=len({place[0] for place in changes}),
        touched_at_least=proved[1],
        moves=tuple(_Reasons(scenario, table, read, allocation).moves()),
        admissions=tuple(admissions(scenario, table, read)),
        held=asked[0],
        touch=asked[1],
    )


# What a move is for: what breaks where it is taken back.


@dataclass(frozen=True)
class _Reasons:
    """Every move of a mend, and what is broken without it, read exactly."""

    scenario: Scenario
    table: Allocation
    read: Audit
    allocation: Allocation

    def moves(self) -> Iterator[CellMove]:
        """The largest first."""
        by = self.allocation.changes_from(self.table)
        cells = [place for place in by if isinstance(place, tuple)]
        cells.sort(key=lambda cell: (-abs(by[cell]), cell))
        for number, cell in enumerate(cells):
            before, after = (Fraction(one.amounts[cell]) for one in (self.table, self.allocation))
            move = CellMove(*cell, before, after)
            yield move if number >= _EXPLAINED else self.explained(move, cells)

    def explained(self, move: CellMove, cells: Sequence[tuple[int, int]]) -> CellMove:
        mends, keeps = self.without([(move.county, move.task)])
        if mends or keeps:
            return replace(move, mends=mends, keeps=keeps)
        mends, keeps = self.without([cell for cell in cells if cell[0] == move.county])
        return replace(move, mends=mends, keeps=keeps, with_others=True)

    def without(self, cells: Sequence[tuple[int, int]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(rules that the table breaks, other rules) broken where these cells are as given."""
        amounts = self.allocation.amounts.copy()
        for cell in cells:
            amounts[cell] = self.table.amounts[cell]
        broken = audit(self.scenario, replace(self.allocation, amounts=amounts)).broken
        before = {_limit(finding) for finding in self.read.broken}
        own = [finding.rule for finding in broken if _limit(finding) in before]
        other = [finding.rule for finding in broken if finding.rule not in own]
        return tuple(dict.fromkeys(own)), tuple(dict.fromkeys(other))


def _limit(finding: Finding) -> tuple[str, tuple[tuple[str, str], ...]]:
    return finding.rule, finding.key


# What would have to be written otherwise.


def admissions(scenario: Scenario, table: Allocation, read: Audit) -> Iterator[Admission]:
    """Each rule that a table breaks, with the number at which the table keeps it where the rule
    rests on practice or assumption; each change was read on the table."""
    rules = {rule.id: rule for rule in scenario.rules}
    for name in read.broken_rules:
        if (rule := rules.get(name)) is None:
            yield _settled(scenario, name, read)
            continue
        told = Admission(name, rule.basis)
        yield replace(told, change=_change(scenario, rule, (table, read))) if told.is_open else told


def _settled(scenario: Scenario, name: str, read: Audit) -> Admission:
    """Of what the scenario settles: lot, step and idle money may be assumptions of ours."""
    grounds = scenario.spec.grounds.get(name)
    ours = name in _ASKED or name == "lot"
    told = Admission(name, grounds.basis if grounds else "assumption" if ours else "scenario")
    if not told.is_open:
        return told
    if name in _ASKED:
        return replace(told, change=Change(name, name, setting=_ASKED[name]))
    lot = scenario.spec.lot
    if lot is None or lot.number is None:
        return told
    needed = min(finding.value for finding in read.broken if finding.rule == name)
    return replace(told, change=Change(name, "lot", lot.number, needed, f"lot={needed}"))


def _change(scenario: Scenario, rule: Rule, given: tuple[Allocation, Audit]) -> Change | None:
    """The number of a rule with which a table keeps it; of one that looks its numbers up, each
    limit that is broken. `given`: the table and what it breaks."""
    table, read = given
    number = number_of(scenario, rule)
    if number is None:
        places = tuple(
            PlaceChange(one.key, limit, one.value)
            for one in read.broken
            if one.rule == rule.id and (limit := one.lower if one.upper is None else one.upper)
        )
        return Change(rule.id, "places", places=places, is_least=True)
    needed = _needed(scenario, number, table)
    if needed is None:
        return None
    changed = scenario.with_rule(number.changed(needed))
    if rule.id in audit(changed, table).broken_rules:
        return None
    return number_change(number, needed, True)


def _needed(scenario: Scenario, number: RuleNumber, table: Allocation) -> Fraction | None:
    """The nearest number, as a person writes it, that all limits of a rule are kept with."""
    reading = read_measures(scenario, table)

    def value(form: Form) -> Fraction:
        return form.value(lambda of: _measured(reading, of))

    down, ends = number.rule.sense == "at_least", []
    for limit in limits_by_number(scenario, number):
        only_if = limit.form.only_if
        if only_if is not None and not _measured(reading, only_if):
            continue
        each, room = value(limit.each), value(limit.form.value) - value(limit.fixed)
        if number.rule.sense == "equal":
            ends.append(abs(room))
        elif each > 0:
            ends.append(room / each)
        elif (room < 0) == down and room:
            return None
    if not ends:
        return None
    end = min(ends) if down else max(ends)
    step = step_of(number.rule, number.field, number.number)
    return None if end < 0 else written(end, step, down)


def _measured(reading: Reading, of: Measured) -> Fraction:
    return reading.value(of.measure, of)


def solution_of(found: Mended) -> Solution:
    """A mend as a solution, for its record: no bound of the objective is claimed."""
    return solution_of_table(found.scenario, found.allocation, SearchNote.MENDED)


def solution_of_table(
    scenario: Scenario, table: Allocation, note: SearchNote = SearchNote.BY_HAND
) -> Solution:
    """Somebody's table as a solution, for its record: read by every rule, and nothing is claimed of
    how good it is. Raises `InputError` for a table of another grid."""
    read, problem = audit(scenario, table), Problem.of(scenario)
    return Solution(
        scenario=scenario,
        allocation=table,
        audit=read,
        status="feasible",
        objective=objective_of(read, problem.reference.points),
        bound_proved=None,
        bound_solver=None,
        gap=None,
        source=None,
        solver=SolverReport("highs", engine_version("highs"), None, None, (note,)),
        baseline=problem.read(problem.reference.comparison),
        options=Options(repaired=False, certificate=False).recorded,
    )
