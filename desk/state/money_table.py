"""The table of money by county and task as a person edits it, audited at once and exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from desk.state.draft import ScenarioDraft, Settings
from desk.state.history import ABSENT, TreePath
from desk.state.kept_answer import last_answers
from models.allocation import Allocation, allocation_of_rows
from models.errors import Problems, refuse
from models.finding import Audit, Finding
from models.metadata import read_labels
from models.naming import Naming
from models.rule import NO_IDLE
from models.scenario import Scenario
from models.table import Note
from models.workbook.reader import amount_of, read_table
from models.workbook.xlsx_file import SheetCell
from optimizer.audit import audit
from optimizer.audit.limits import LimitForm, limit_forms
from optimizer.audit.measure import Cell
from optimizer.baselines import baseline
from optimizer.mending import EditedTable

_CELLS: TreePath = ("table", "cells")
_HELD: TreePath = ("table", "held")
_BEGUN: TreePath = ("table", "begun")


@dataclass(frozen=True)
class BrokenLimit:
    """A limit that the table does not keep, and the cells that it is about."""

    finding: Finding
    cells: tuple[Cell, ...]
    """Of what has too much those that hold money, of what has too little all of them."""


@dataclass(frozen=True)
class TableRead:
    """The table as it stands, read exactly; counties and tasks by their place in the programme."""

    version: int
    amounts: tuple[tuple[int | Fraction, ...], ...]
    """[county][task] → money units."""
    audit: Audit
    broken: tuple[BrokenLimit, ...]
    held: frozenset[Cell]
    changes: Mapping[Cell, Fraction]
    """Cell → how much more it has than in the last answer; none where there is no answer."""
    by_county: tuple[Fraction, ...]
    by_task: tuple[Fraction, ...]
    by_group: Mapping[str, tuple[Fraction, ...]]
    """Group of counties (小计) → its money by task; empty where the programme has none."""

    @property
    def total(self) -> Fraction:
        """All money of the grid."""
        return sum(self.by_task, Fraction(0))


class DeskTable:
    """The table of one scenario; edits stand in the scenario's draft and are undone there."""

    def __init__(self, draft: ScenarioDraft) -> None:
        self.draft = draft
        self._forms: tuple[Scenario, list[LimitForm]] | None = None
        self._base: tuple[Scenario, Allocation] | None = None

    # What stands in it.

    @property
    def allocation(self) -> Allocation:
        """The money as it is edited; before the first edit the last answer, else the baseline."""
        tree = self.draft.history.tree.get("table", {})
        if "begun" not in tree:
            return self._start()
        amounts = np.zeros(self.draft.scenario.programme.shape, dtype=object)
        for cell, text in self._placed("cells"):
            amounts[cell] = int(text)
        return allocation_of_rows(amounts, self._outside())

    @property
    def to_mend(self) -> Allocation | EditedTable:
        """The table for `mend`, with the last answer, which it was edited from."""
        answers = last_answers(self.draft)
        if not answers:
            return self.allocation
        return EditedTable(self.allocation, answers[-1].table(self.draft.scenario))

    @property
    def held(self) -> frozenset[Cell]:
        """The cells that `mend` and `fill` leave as they are."""
        return frozenset(cell for cell, _ in self._placed("held"))

    def _placed(self, what: str) -> Iterator[tuple[Cell, str]]:
        """Cells of the tree by their place; those that the base has no longer are left out."""
        programme = self.draft.scenario.programme
        counties, tasks = programme.counties.index, programme.tasks.index
        for county, row in self.draft.history.tree.get("table", {}).get(what, {}).items():
            for task, text in row.items():
                if county in counties and task in tasks:
                    yield (counties[county], tasks[task]), text

    @property
    def hold(self) -> tuple[str, ...]:
        """The held cells as `mend` takes them: `510522,parks`."""
        counties, tasks = self._ids()
        return tuple(f"{counties[c]},{tasks[t]}" for c, t in sorted(self.held))

    def read(self) -> TableRead:
        """Everything that is to be seen of the table, every rule read in exact numbers."""
        scenario, table = self.draft.scenario, self.allocation
        forms = self._limits(scenario)
        read = audit(scenario, table, rules=forms)
        answers = last_answers(self.draft)
        rows = table.amounts.tolist()
        return TableRead(
            version=self.draft.version,
            amounts=tuple(map(tuple, rows)),
            audit=read,
            broken=tuple(_broken(scenario, read, forms, rows)),
            held=self.held,
            changes=_changes(table, answers[-1].table(scenario)) if answers else {},
            by_county=tuple(Fraction(sum(row)) for row in rows),
            by_task=tuple(Fraction(sum(column)) for column in zip(*rows, strict=True)),
            by_group=_by_group(scenario, rows),
        )

    # Edits.

    def edit(self, cells: Iterable[tuple[str, str, str]], *, seen: int | None = None) -> int:
        """Put (county, task, text) into the table, all or nothing; the version after it.

        Counties and tasks by code or name. Raises `InputError` with every text that is no whole
        amount.
        """
        problems, found = Problems(), list[tuple[Cell, int]]()
        for county, task, text in cells:
            at = self._cell(county, task)
            amount = self._amount(text, f"{county} × {task}", problems)
            found.append((at, amount))
        problems.raise_if_any()
        return self._put(found, "cells", seen)

    def set_held(
        self, cells: Iterable[tuple[str, str]], on: bool, *, seen: int | None = None
    ) -> int:
        """Hold cells (county, task), or let them go."""
        counties, tasks = self._ids()
        places = [self._cell(*cell) for cell in cells]
        settings = [((*_HELD, counties[c], tasks[t]), "1" if on else ABSENT) for c, t in places]
        return self.draft.change("table", "hold", lambda _: settings, seen)

    def put(self, table: Allocation, said: str, *, seen: int | None = None) -> int:
        """Put a whole table in its place: an answer, a mended one, one of a file.

        Raises `InputError` where it has parts of a money unit.
        """
        if not table.is_whole:
            refuse("", "", "the table has parts of a money unit; the desk takes whole ones")
        cells = [(at, int(amount)) for at, amount in np.ndenumerate(table.amounts)]
        return self._put([((at[0], at[1]), amount) for at, amount in cells], said, seen)

    def open_file(self, path: Path, *, seen: int | None = None) -> tuple[Note, ...]:
        """Put the table of an edited workbook or CSV file in; what was read with good will.

        Raises `InputError` with every cell that cannot be read, and for a file of another fund.
        """
        scenario = self.draft.scenario
        table, notes = read_table(path, scenario.programme, scenario.outside_names)
        self.put(table, "file", seen=seen)
        return notes

    def _put(self, cells: Sequence[tuple[Cell, int]], said: str, seen: int | None) -> int:
        def settle(_: object) -> Settings:
            amounts = dict(cells)
            if "begun" not in self.draft.history.tree.get("table", {}):
                yield _BEGUN, "1"
                start = np.ndenumerate(self._start().amounts)
                amounts = {(at[0], at[1]): int(held) for at, held in start} | amounts
            counties, tasks = self._ids()
            for (county, task), amount in amounts.items():
                yield (*_CELLS, counties[county], tasks[task]), str(amount) if amount else ABSENT

        return self.draft.change("table", said, settle, seen)

    # Names and texts.

    def _ids(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        programme = self.draft.scenario.programme
        return programme.counties.ids, programme.tasks.ids

    def _cell(self, county: str, task: str) -> Cell:
        programme = self.draft.scenario.programme
        naming = Naming.of(programme)
        try:
            codes = naming.known_code("county", county), naming.known_code("task", task)
        except ValueError as error:
            refuse("", "", str(error))
        return programme.counties.index[codes[0]], programme.tasks.index[codes[1]]

    def _amount(self, text: str, place: str, problems: Problems) -> int:
        money = self.draft.scenario.programme.file.money
        try:
            number = amount_of(SheetCell(text, "s"), (money.zh, money.en)).number
            if number.denominator == 1:
                return int(number)
            problems.add("", place, f"'{text.strip()}' is no whole number of money units")
        except ValueError as error:
            problems.add("", place, str(error))
        return 0

    def _outside(self) -> list[tuple[str, str, Fraction]]:
        return [(row.code, row.name, row.amount) for row in self.draft.scenario.spec.outside]

    def _start(self) -> Allocation:
        answers = last_answers(self.draft)
        scenario = self.draft.scenario
        if answers:
            return answers[-1].table(scenario)
        if self._base is None or self._base[0] is not scenario:
            self._base = scenario, baseline(scenario)
        return self._base[1]

    def _limits(self, scenario: Scenario) -> list[LimitForm]:
        if self._forms is None or self._forms[0] is not scenario:
            self._forms = scenario, limit_forms(scenario)
        return self._forms[1]


def _changes(table: Allocation, answer: Allocation) -> dict[Cell, Fraction]:
    places = table.changes_from(answer)
    return {place: by for place, by in places.items() if isinstance(place, tuple)}


def _broken(
    scenario: Scenario, read: Audit, forms: Sequence[LimitForm], rows: list[list[int | Fraction]]
) -> Iterator[BrokenLimit]:
    """Each limit that is not kept, with its cells."""
    known = {(form.rule, form.key): form for form in forms} if read.broken else {}
    funded = {(c, t) for c, row in enumerate(rows) for t, held in enumerate(row) if held}
    for finding in read.broken:
        form = known.get((finding.rule, finding.key))
        cells = form.cells if form is not None else _of_key(scenario, finding, funded)
        short = finding.lower is not None and finding.value < finding.lower
        shown = cells if short or finding.rule == NO_IDLE else [c for c in cells if c in funded]
        yield BrokenLimit(finding, tuple(dict.fromkeys(shown)))


def _of_key(scenario: Scenario, finding: Finding, funded: set[Cell]) -> list[Cell]:
    """The cells of what the scenario itself settles: the one that the key names, else all."""
    key, programme = dict(finding.key), scenario.programme
    if "county" in key and "task" in key:
        return [(programme.counties.index[key["county"]], programme.tasks.index[key["task"]])]
    return sorted(funded)


def _by_group(
    scenario: Scenario, rows: list[list[int | Fraction]]
) -> dict[str, tuple[Fraction, ...]]:
    """小计: the money by task of each group of counties, in the order of the first of each."""
    column = read_labels(scenario.programme).subtotal
    if column is None:
        return {}
    groups: dict[str, list[list[int | Fraction]]] = {}
    for value, row in zip(scenario.programme.counties.values(column), rows, strict=True):
        groups.setdefault(str(value), []).append(row)
    return {
        name: tuple(Fraction(sum(column)) for column in zip(*rows, strict=True))
        for name, rows in groups.items()
    }
