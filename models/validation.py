"""Checks of a scenario against its programme: every name known, no group empty, money that fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any

from models.errors import Problems, did_you_mean
from models.exact import exact_text, parse_exact
from models.naming import Naming
from models.overrides import ScenarioDocument
from models.programme import Programme
from models.rule import BASELINE, CONSTANTS, PLAIN_MEASURES, RESERVED, Condition, Factor, Part, Rule
from models.scenario_file import ScenarioFile
from models.selection import Block, blocks, rows_where, value_text
from models.strict_yaml import Steps, as_written
from models.table import Table


class Checker:
    """Collects the problems of one scenario, each at the place where it was written."""

    def __init__(
        self, spec: ScenarioFile, programme: Programme, document: ScenarioDocument
    ) -> None:
        self.spec, self.programme, self.document = spec, programme, document
        self.counties: Table = programme.counties
        self.tasks: Table = programme.tasks
        self.problems = Problems()

    def add(self, path: Steps, message: str) -> None:
        written = as_written(path, self._content)
        self.problems.add(*self.document.origin(written), message)

    @cached_property
    def _content(self) -> dict[str, Any]:
        return self.document.content()

    def column_names(self) -> list[str]:
        return ["county", "task", *self.counties.columns, *self.tasks.columns]

    def table_of(self, column: str, path: Steps) -> Table | None:
        """The table that a column stands in; an unknown one is a problem."""
        for table in (self.counties, self.tasks):
            if table.kind(column):
                return table
        near = did_you_mean(column, self.column_names())
        self.add(path, f"unknown column '{column}'{near}")
        return None

    def number_column(self, column: str, path: Steps, only: Table | None = None) -> Table | None:
        """The table of a column that must hold numbers (and stand in `only`)."""
        table = self.table_of(column, path)
        if table is None:
            return None
        if only is not None and table is not only:
            self.add(path, f"'{column}' must be a column of the {only.what} table")
            return None
        if table.kind(column) != "number":
            self.add(
                path, f"the column '{column}' holds {table.kind(column)}, numbers are due here"
            )
            return None
        return table

    def where(self, where: Mapping[str, Condition], path: Steps) -> bool:
        """Columns and values of a `where` exist, and it selects at least one cell."""
        good = all([self._condition(column, cond, path) for column, cond in where.items()])
        if good and not (rows_where(self.counties, where) and rows_where(self.tasks, where)):
            self.add(path, "selects no cell at all")
            return False
        return good

    def _condition(self, column: str, condition: Condition, path: Steps) -> bool:
        at = (*path, column)
        table = self.table_of(column, at)
        if table is None:
            return False
        kind = table.kind(column)
        if condition.between is not None:
            if kind != "number":
                self.add(at, f"the column '{column}' holds {kind}, a range needs numbers")
            return kind == "number"
        return all([self._value(table, column, item, at) for item in condition.among])

    def _value(self, table: Table, column: str, item: str, path: Steps) -> bool:
        kind = table.kind(column)
        if kind == "boolean":
            if item not in ("true", "false", "0", "1"):
                self.add(path, f"true or false is due here, not '{item}'")
            return item in ("true", "false", "0", "1")
        values = table.values(column)
        if kind == "number":
            try:
                known = parse_exact(item) in values
            except ValueError as error:
                self.add(path, str(error))
                return False
        else:
            known = item in values
        if not known:
            what = column if column == table.what else f"value of {column}"
            names = {value_text(value) for value in values}
            called = Naming.of(self.programme).names(column)
            if item in called:
                return False  # It may be several, which is told where names are read.
            near = did_you_mean(item, [*names, *called])
            self.add(path, f"unknown {what} '{item}'{near}")
        return known

    def measure(self, name: str, path: Steps, also: Iterable[str] = ()) -> bool:
        """A measure that exists."""
        known = [*PLAIN_MEASURES, *self.programme.metrics, *also]
        if name not in known:
            self.add(path, f"unknown measure '{name}'{did_you_mean(name, known)}")
        return name in known


def check_scenario(
    spec: ScenarioFile, programme: Programme, document: ScenarioDocument
) -> Problems:
    """Every problem of a parsed scenario that its programme shows, named as `document` has it."""
    checker = Checker(spec, programme, document)
    _check_ids(checker)
    for number, rule in enumerate(spec.rules):
        _check_rule(checker, rule, ("rules", number))
    _check_objective(checker)
    for number, row in enumerate(spec.ineligible):
        checker.where(row.where, ("ineligible", number, "where"))
    check_money(checker)
    _check_reference_budget(checker)
    _check_names(checker)
    return checker.problems


def check_rule(
    spec: ScenarioFile, programme: Programme, document: ScenarioDocument, name: str
) -> Problems:
    """Every problem of one rule of a scenario whose other parts were checked."""
    checker = Checker(spec, programme, document)
    for number, rule in enumerate(spec.rules):
        if rule.id == name:
            _check_rule(checker, rule, ("rules", number))
    return checker.problems


def _check_names(checker: Checker) -> None:
    """Named scenarios list overrides that there are, whether or not one of them is in use."""
    body = checker.document.body
    overrides, named = body.get("overrides") or {}, body.get("scenarios") or {}
    if not (isinstance(overrides, dict) and isinstance(named, dict)):
        return
    for name, listed in named.items():
        for number, item in enumerate(listed if isinstance(listed, list) else ()):
            if item not in overrides:
                near = did_you_mean(str(item), overrides)
                checker.add(("scenarios", name, number), f"unknown override '{item}'{near}")


def _check_ids(checker: Checker) -> None:
    names = checker.document.rules
    for number, (name, rule) in enumerate(zip(names, checker.spec.rules, strict=True)):
        if rule.id != name:
            checker.add(
                ("rules", number, "id"), f"the rule stands under '{name}' and keeps that id"
            )
        if rule.id in RESERVED:
            checker.add(("rules", number, "id"), f"'{rule.id}' is reserved: choose another id")
    for name in checker.spec.grounds:
        if name not in RESERVED:
            near = did_you_mean(name, RESERVED)
            checker.add(("grounds", name), f"unknown reserved finding '{name}'{near}")


def _check_objective(checker: Checker) -> None:
    objective = checker.spec.objective
    if objective.aims:
        return  # Each of them is checked by itself.
    known = checker.programme.metrics
    for name in objective.weights:
        if name not in known:
            near = did_you_mean(name, known)
            checker.add(("objective", "weights", name), f"unknown metric '{name}'{near}")
    if not any(objective.weights.values()):
        checker.add(("objective", "weights"), "at least one weight must differ from zero")


def _baseline_kind(checker: Checker) -> str:
    return (checker.spec.baseline or checker.programme.file.baseline).kind


def _check_reference_budget(checker: Checker) -> None:
    """A budget that a table can be made at, with some money for the grid."""
    budget = checker.spec.reference_budget
    if budget is None:
        return
    if _baseline_kind(checker) == "table":
        checker.add(("reference_budget",), "the baseline is a table, which has its own money")
    if budget < checker.spec.outside_money:
        checker.add(("reference_budget",), "is below the money outside the grid")


def _check_rule(checker: Checker, rule: Rule, path: Steps) -> None:
    good = checker.measure(rule.measure, (*path, "measure"))
    good &= checker.where(rule.where, (*path, "where"))
    for number, column in enumerate(rule.per):
        good &= checker.table_of(column, (*path, "per", number)) is not None
    if rule.per_head is not None:
        head = checker.number_column(rule.per_head, (*path, "per_head"), checker.counties)
        good &= head is not None
    for number, part in enumerate(rule.bound):
        good &= _check_part(checker, part, (*path, rule.sense, number))
    if good:
        _check_groups(checker, rule, path)


def _check_part(checker: Checker, part: Part, path: Steps) -> bool:
    good = True
    if part.column is not None:
        good &= checker.number_column(part.column, (*path, "column")) is not None
    if part.factor is not None and part.factor.column is not None:
        name = "share" if part.share else "times"
        good &= checker.number_column(part.factor.column, (*path, name)) is not None
    if part.of == BASELINE and _baseline_kind(checker) == "greedy":
        told = "a greedy baseline moves with the weights; no bound can refer to it"
        checker.add((*path, "of"), told)
    if part.of is not None:
        good &= checker.measure(part.of, (*path, "of"), also=CONSTANTS)
        good &= checker.where(part.where, (*path, "where"))
        for number, column in enumerate(part.per):
            good &= checker.table_of(column, (*path, "per", number)) is not None
    return good


def _check_groups(checker: Checker, rule: Rule, path: Steps) -> None:
    """Group by group: heads above zero, one value of each column, shares within 1."""
    for block in blocks(checker.counties, checker.tasks, rule.where, rule.per):
        check_heads(checker, rule.per_head, block, (*path, "per_head"))
        for number, part in enumerate(rule.bound):
            at = (*path, rule.sense, number)
            if part.column is not None and not part.sum:
                _check_one_value(checker, part.column, block, (*at, "column"))
            if part.factor is not None and part.factor.column is not None:
                _check_factor(checker, part, part.factor, (block, at))
    for number, part in enumerate(rule.bound):
        if part.of is not None:
            for block in blocks(checker.counties, checker.tasks, part.where, part.per):
                at = (*path, rule.sense, number, "where")
                check_heads(checker, rule.per_head, block, at)


def check_heads(checker: Checker, column: str | None, block: Block, path: Steps) -> None:
    """A group that is read per head has heads."""
    if column is not None and _heads(checker, column, block) <= 0:
        checker.add(path, f"zero {column} in the group {', '.join(block.key) or 'as a whole'}")


def _heads(checker: Checker, column: str, block: Block) -> Fraction:
    values = checker.counties.numbers(column)
    return sum((values[county] for county in block.counties), Fraction(0))


def _column_values(checker: Checker, column: str, block: Block) -> set[Fraction]:
    if checker.counties.kind(column):
        values = checker.counties.numbers(column)
        return {values[county] for county in block.counties}
    values = checker.tasks.numbers(column)
    return {values[task] for task in block.tasks}


def _check_one_value(checker: Checker, column: str, block: Block, path: Steps) -> None:
    if len(_column_values(checker, column, block)) != 1:
        named = ", ".join(block.key) or "of the rule"
        hint = "say sum: true, or add the table's id to per"
        checker.add(path, f"'{column}' has several values in the group {named}: {hint}")


def _check_factor(checker: Checker, part: Part, factor: Factor, at: tuple[Block, Steps]) -> None:
    block, path = at
    assert factor.column is not None
    name = "share" if part.share else "times"
    _check_one_value(checker, factor.column, block, (*path, name))
    for value in _column_values(checker, factor.column, block):
        if value < 0:
            checker.add((*path, name), f"'{factor.column}' holds {exact_text(value)}, below zero")
        if part.share and value > 1:
            checker.add((*path, name), f"'{factor.column}' holds a share of {exact_text(value)}")


# Checks of the money that a scenario settles beforehand: locks, lots, money outside the grid.


Cell = tuple[int, int]
_LARGEST_STEP = 10_000
"""Of the money of a cell (assumption: nobody allots in larger parts, and rates stay exact)."""


def check_money(checker: Checker) -> None:
    """Locks name cells that may hold them, keep caps and budget; lots are number columns."""
    spec = checker.spec
    lot = spec.lot
    if lot is not None and (lot.number is None) == (lot.column is None):
        checker.add(("lot",), "a number or {column: name} is due here")
        return
    if lot and lot.column and not checker.number_column(lot.column, ("lot",), checker.tasks):
        return
    if not _check_step(checker):
        return
    _check_outside(checker)
    locks = _locks(checker)
    _check_cells(checker, locks)
    settled = sum(locks.values(), spec.outside_money)
    if settled > spec.budget:
        over = exact_text(settled - spec.budget)
        checker.add(("locks",), f"locks and money outside the grid are {over} above the budget")
    for number, rule in enumerate(spec.rules):
        if rule.enabled and rule.soft is None and rule.measure == "amount" and rule.at_most:
            _check_cap(checker, rule, ("rules", number), locks)


def _check_step(checker: Checker) -> bool:
    """A step is a whole number from 1 on, or a column of the tasks of such numbers."""
    step = checker.spec.step
    if step is None:
        return True
    if (step.number is None) == (step.column is None):
        checker.add(("step",), "a number or {column: name} is due here")
        return False
    steps = [step.number or Fraction(0)]
    if step.column is not None:
        if not checker.number_column(step.column, ("step",), checker.tasks):
            return False
        steps = list(checker.tasks.numbers(step.column))
    odd = [one for one in steps if one.denominator != 1 or not 1 <= one <= _LARGEST_STEP]
    for one in dict.fromkeys(odd):
        checker.add(("step",), f"{exact_text(one)} is no whole number from 1 to {_LARGEST_STEP}")
    return not odd


def _check_outside(checker: Checker) -> None:
    """Each place outside the grid has a code of its own, by which tables can be read back."""
    seen: set[str] = set()
    for number, row in enumerate(checker.spec.outside):
        path: Steps = ("outside", number, "code")
        if not row.code or row.code != row.code.strip():
            checker.add(path, "a code without blanks around it is due here")
        if row.code in checker.counties.index:
            checker.add(path, f"'{row.code}' is a county of the programme, so not outside it")
        if row.code in seen:
            checker.add(path, f"'{row.code}' stands here more than once; add the amounts up")
        seen.add(row.code)


def _locks(checker: Checker) -> dict[Cell, Fraction]:
    """The locked cells whose county and task exist, with their money."""
    found: dict[Cell, Fraction] = {}
    for number, lock in enumerate(checker.spec.locks):
        path = ("locks", number)
        cell = _known_cell(checker, path, lock.county, lock.task)
        if cell is None:
            continue
        if cell in found:
            checker.add(path, f"{lock.county} × {lock.task} is locked twice")
        found[cell] = lock.amount
        _check_lock(checker, cell, lock.amount, path)
    return found


def _check_cells(checker: Checker, locks: dict[Cell, Fraction]) -> None:
    """Bounds of single cells: known ones, each once, and no more at the least than there is."""
    least, seen = dict(locks), set[Cell]()
    for number, one in enumerate(checker.spec.cells):
        path: Steps = ("cells", number)
        cell = _known_cell(checker, path, one.county, one.task)
        if cell is None:
            continue
        if cell in seen:
            checker.add(path, f"{one.county} × {one.task} stands here more than once")
        seen.add(cell)
        low, high = one.at_least or Fraction(0), one.at_most
        if high is not None and low > high:
            checker.add(path, f"at_least {exact_text(low)} is above at_most {exact_text(high)}")
        least[cell] = max(least.get(cell, low), low)
    over = sum(least.values(), checker.spec.outside_money) - checker.spec.budget
    if seen and over > 0:
        told = f"what the cells hold at the least is {exact_text(over)} above the budget"
        checker.add(("cells",), told)
    _check_eased(checker)


def _check_eased(checker: Checker) -> None:
    """What gives way is a limit of the scenario."""
    known = ("lot", *(rule.id for rule in checker.spec.rules))
    for number, eased in enumerate(checker.spec.eased):
        if eased.rule not in known:
            near = did_you_mean(eased.rule, known)
            checker.add(("eased", number, "rule"), f"unknown rule '{eased.rule}'{near}")
        if eased.rule == "lot":
            place = (eased.key.get("county", ""), eased.key.get("task", ""))
            _known_cell(checker, ("eased", number, "key"), *place)


def _known_cell(checker: Checker, path: Steps, county: str, task: str) -> Cell | None:
    """The cell of a county and a task; None, told, where there is none."""
    for table, name in ((checker.counties, county), (checker.tasks, task)):
        if name not in table.index:
            called = Naming.of(checker.programme).names(table.what)
            if name in called:
                continue  # It may be several, which is told where names are read.
            near = did_you_mean(name, called)
            checker.add((*path, table.what), f"unknown {table.what} '{name}'{near}")
    if county not in checker.counties.index or task not in checker.tasks.index:
        return None
    return checker.counties.index[county], checker.tasks.index[task]


def _check_lock(checker: Checker, cell: Cell, amount: Fraction, path: Steps) -> None:
    if amount.denominator != 1:
        checker.add((*path, "amount"), f"{exact_text(amount)} is not a whole money unit")
    least = checker.spec.lots(checker.tasks)[cell[1]]
    if 0 < amount < least:
        checker.add(
            (*path, "amount"), f"{exact_text(amount)} is below the lot of {exact_text(least)}"
        )
    for row in checker.spec.ineligible:
        if not all(checker.counties.kind(c) or checker.tasks.kind(c) for c in row.where):
            continue
        inside = cell[0] in rows_where(checker.counties, row.where)
        if amount and inside and cell[1] in rows_where(checker.tasks, row.where):
            checker.add(path, f"the cell is not eligible: {row.reason.en}")


def _check_cap(checker: Checker, rule: Rule, path: Steps, locks: dict[Cell, Fraction]) -> None:
    """A cap written as plain numbers may not be below what is locked in its group."""
    if any(part.number is None for part in rule.bound) or rule.per_head is not None:
        return
    if any(not checker.column_names().count(column) for column in (*rule.where, *rule.per)):
        return
    cap = sum((part.number or Fraction(0) for part in rule.bound), Fraction(0))
    for block in blocks(checker.counties, checker.tasks, rule.where, rule.per):
        held = sum(
            (
                amount
                for (c, t), amount in locks.items()
                if c in block.counties and t in block.tasks
            ),
            Fraction(0),
        )
        if held > cap:
            group = ", ".join(block.key) or "the whole programme"
            checker.add(
                ("locks",),
                f"{exact_text(held)} are locked in {group}, above the cap"
                f" {exact_text(cap)} of the rule '{rule.id}'",
            )
