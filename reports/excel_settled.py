"""Limits that the scenario itself settles, as formulas: budget, lot, locks, eligibility …"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from models.finding import Audit
from models.labels import group_name
from models.scenario import Scenario
from models.select import rows_where
from optimizer.audit.forms import Form, Measured
from reports.excel_book import Sheet, area, cell
from reports.excel_cells import TOP, Cells
from reports.excel_compare import Formula, shown
from reports.excel_layout import Layout
from reports.excel_limits import Limit
from reports.rule_table import Desk

_ONE, _NONE = Fraction(1), Fraction(0)


def everything(scenario: Scenario) -> Measured:
    """All the money of the grid."""
    counties, tasks = scenario.programme.shape
    return Measured("amount", tuple(range(counties)), tuple(range(tasks)))


def settled_needs(scenario: Scenario) -> Iterator[Measured]:
    """All blocks that these limits read."""
    yield everything(scenario)
    programme = scenario.programme
    for lock in scenario.spec.locks:
        county, task = programme.counties.index[lock.county], programme.tasks.index[lock.task]
        yield Measured("amount", (county,), (task,))
    for row in scenario.spec.ineligible:
        places = rows_where(programme.counties, row.where)
        yield Measured("amount", places, rows_where(programme.tasks, row.where))


def settled_limits(desk: Desk, audit: Audit, cells: Cells, layout: Layout) -> Iterator[Limit]:
    """One line each, a lock one of its own, as far as the audit reads them."""
    read = {finding.rule for finding in audit.findings}
    page = _Settled(desk, cells)
    yield page.budget(layout)
    if desk.scenario.spec.lot is not None:
        yield page.lot()
    yield from page.locks()
    if desk.scenario.spec.ineligible:
        yield page.eligibility()
    if "whole-units" in read:
        yield page.whole_units()


class _Settled:
    def __init__(self, desk: Desk, cells: Cells) -> None:
        self.desk, self.cells, self.scenario = desk, cells, desk.scenario
        self.money = self.scenario.programme.file.money.of(desk.words.lang)

    def at_most(self, rule: str, value: Formula, most: Fraction, unit: str) -> Limit:
        """A limit from above without a group."""
        last = most.numerator if most.denominator == 1 else float(most)
        room = Formula(f"{last}-({value.body})", most - value.value)
        upper = Formula(str(last), most)
        style = "number" if self.cells.whole else "two"
        return Limit(rule, "", unit, style, value, upper=upper, room_above=room, least=self.least)

    @property
    def least(self) -> Fraction:
        return _NONE if self.cells.whole else Fraction(-1, 10**6)

    def amount(self, measured: Measured) -> Formula:
        return shown(self.cells.form(Form(terms={measured: _ONE})), _NONE)

    def budget(self, layout: Layout) -> Limit:
        spent = self.amount(everything(self.scenario))
        table = Sheet.prefix_of(self.desk.words("sheet.table"))
        beyond = [table + cell(row, layout.beyond or 0) for row, *_ in layout.outside]
        value = spent.value + sum((money for *_, money in layout.outside), _NONE)
        body = "+".join([spent.body, *beyond])
        budget = Fraction(self.scenario.budget)
        return self.at_most("budget", Formula(body, value), budget, self.money)

    def block(self, base: int) -> str:
        """The cells of a base over the whole grid."""
        first = self.cells.first_column(base)
        ends = (TOP, first), (TOP + self.cells.counties - 1, first + self.cells.tasks - 1)
        return Sheet.prefix_of(self.cells.sheet) + area(*ends)

    def lot(self) -> Limit:
        """How many cells hold money and less than their lot."""
        held, funded = self.cells.bases[0].values, self.cells.bases[1].values
        count = int(((held > 0) & (funded == 0)).sum())
        body = f"SUMPRODUCT(({self.block(0)}>0)*({self.block(1)}=0))"
        return self.at_most("lot", Formula(body, Fraction(count)), _NONE, self.counted)

    @property
    def counted(self) -> str:
        return self.desk.words("unit.counted")

    def locks(self) -> Iterator[Limit]:
        programme = self.scenario.programme
        for lock in self.scenario.spec.locks:
            county, task = programme.counties.index[lock.county], programme.tasks.index[lock.task]
            value = self.amount(Measured("amount", (county,), (task,)))
            due = Formula(str(int(lock.amount)), lock.amount)
            key = (("county", lock.county), ("task", lock.task))
            yield Limit(
                "locks",
                group_name(programme, self.desk.labels, key, self.desk.words.lang),
                self.money,
                "number" if self.cells.whole else "two",
                value,
                lower=due,
                upper=due,
                room_below=Formula(f"{value.body}-{due.body}", value.value - due.value),
                room_above=Formula(f"{due.body}-{value.body}", due.value - value.value),
                least=self.least,
            )

    def eligibility(self) -> Limit:
        """The money in cells that may not get any; one that is barred twice counts twice."""
        programme = self.scenario.programme
        terms: dict[Measured, Fraction] = {}
        for row in self.scenario.spec.ineligible:
            places = rows_where(programme.counties, row.where)
            measured = Measured("amount", places, rows_where(programme.tasks, row.where))
            terms[measured] = terms.get(measured, _NONE) + 1
        value = shown(self.cells.form(Form(terms=terms)), _NONE)
        return self.at_most("eligibility", value, _NONE, self.money)

    def whole_units(self) -> Limit:
        """How many cells hold parts of a money unit."""
        held = np.array([Fraction(x).denominator != 1 for x in self.cells.bases[0].values.ravel()])
        body = f"SUMPRODUCT(({self.block(0)}<>INT({self.block(0)}))*1)"
        value = Formula(body, Fraction(int(held.sum())))
        return self.at_most("whole-units", value, _NONE, self.counted)
