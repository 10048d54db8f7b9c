"""Limits of rules as live formulas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from models.exact import exact_text
from models.finding import Audit, Finding
from models.metadata import group_name
from models.rule import NO_IDLE, STEP, WHOLE_UNITS, Rule
from models.scenario import Scenario
from optimizer.audit.limits import (
    Form,
    LimitForm,
    bound_forms,
    budget_form,
    idle_ends,
    ineligible_forms,
    limit_forms,
    lock_forms,
)
from optimizer.audit.measure import Measured
from reports.excel.book import BookSheet, area, cell
from reports.excel.formulas import TOP, Cells, Formula, Layout, readable, sign
from reports.view.rule_view import RuleView, findings_by_rule

# Every limit of every enabled rule as formulas: value, limits and slack to read, a sign to decide.
#
# What a limit asks for is decided by whole numbers alone (see `formulas`); the quotients
# beside them are for people. Amounts with parts of a money unit, as `--units continuous` gives
# them, are compared with a tolerance, since a spreadsheet cannot hold them exactly.


_NEAR = Fraction(1, 10**6)
"""How far below a limit amounts with parts may be, in money or the metric's unit."""


@dataclass(frozen=True)
class LimitFormula:
    """One limit as formulas."""

    rule: str
    group: str
    unit: str
    style: str
    value: Formula
    lower: Formula | None = None
    upper: Formula | None = None
    room_below: Formula | None = None
    """Below zero exactly where the lower limit is not kept."""
    room_above: Formula | None = None
    spare: Formula | None = None
    """Below zero exactly where the safety margin of the rule is not met, of a rule with one."""
    heads: Fraction = Fraction(0)
    """Of a per-head limit, how many times the heads that its numbers are for: its slack is said
    in all, as on the page. 0 for others."""
    least: Fraction = Fraction(0)
    """What the rooms may not be below."""
    soft: bool = False
    only_if: str = ""
    """A cell that is 0 where the limit is not to be read."""
    skipped: bool = False
    """Not read now."""
    exact: bool = True
    """Whether a spreadsheet holds all whole numbers that decide."""

    @property
    def short(self) -> bool:
        """Whether the limit is not kept now, be it broken or bent."""
        rooms = (self.room_below, self.room_above)
        return not self.skipped and any(room and room.value < self.least for room in rooms)

    @property
    def lacks_margin(self) -> bool:
        """Whether the limit is kept now without the safety margin of the rule."""
        lacks = self.spare is not None and self.spare.value < self.least
        return lacks and not (self.short or self.skipped)

    @property
    def side(self) -> Formula:
        """The limit that is shown alone: the lower one, or else the upper."""
        side = self.upper if self.lower is None else self.lower
        assert side is not None
        return side

    @property
    def sign(self) -> str:
        """How the value stands to that limit."""
        return "≥" if self.upper is None else "≤" if self.lower is None else "＝"

    @property
    def slack(self) -> Fraction:
        """Room to the nearest limit, in the unit that is shown, of a per-head limit in all."""
        rooms = [] if self.lower is None else [self.value.value - self.lower.value]
        rooms += [] if self.upper is None else [self.upper.value - self.value.value]
        return min(rooms) * (self.heads or 1)

    @property
    def slack_style(self) -> str:
        """How many decimals the slack has."""
        return "two" if self.heads and self.style == "three" else self.style


def rule_needs(forms: Iterable[LimitForm]) -> Iterator[Measured]:
    """All blocks that some limits read."""
    for form in forms:
        for side in (form.value, form.lower, form.upper):
            yield from side.terms if side is not None else ()
        if form.only_if is not None:
            yield form.only_if


def rule_limits(view: RuleView, audit: Audit, cells: Cells) -> Iterator[LimitFormula]:
    """One line a limit of the enabled rules, in the order of the audit."""
    found = findings_by_rule(audit)
    for form in limit_forms(view.scenario, apart=True):
        first = next(iter(found.get(form.rule, ())), None)
        yield _Reader(view, cells, form, first).limit()


@dataclass(frozen=True)
class _Reader:
    """One limit on its way to formulas."""

    view: RuleView
    cells: Cells
    form: LimitForm
    finding: Finding | None
    """One of the rule's findings: how its numbers are shown."""

    @property
    def rule(self) -> Rule:
        return next(rule for rule in self.view.scenario.rules if rule.id == self.form.rule)

    def limit(self) -> LimitFormula:
        form, view = self.form.written, self.view
        below, above = self.room(form.lower, 1), self.room(form.upper, -1)
        spare = self.room(self.form.lower, 1) or self.room(self.form.upper, -1)
        funded = [] if form.only_if is None else list(self.cells.of(form.only_if))
        value = self.shown(form.value)
        assert value is not None
        return LimitFormula(
            rule=form.rule,
            group=group_name(view.scenario.programme, view.labels, form.key, view.words.lang),
            unit=self.unit(),
            style=self.style(),
            value=value,
            lower=self.shown(form.lower),
            upper=self.shown(form.upper),
            room_below=None if below is None else below[0],
            room_above=None if above is None else above[0],
            spare=spare[0] if spare and self.form.margin else None,
            heads=self.heads(),
            least=Fraction(0) if self.cells.whole else -_NEAR,
            soft=form.soft,
            only_if=funded[0].ref if funded else "",
            skipped=any(not cell.value for cell in funded),
            exact=all(room is None or room[1] for room in (below, above)),
        )

    def room(self, side: Form | None, way: int) -> tuple[Formula, bool] | None:
        """The sign of what is left to a limit, and whether it is exact."""
        if side is None:
            return None
        room = (self.form.value - side) * Fraction(way)
        cells = self.cells.form(room)
        if self.cells.whole:
            return sign(cells, room.constant)
        return readable(cells, room.constant, self.form.heads), True

    def shown(self, side: Form | None) -> Formula | None:
        """A side in the unit that is shown: per-head numbers for so many heads."""
        scale = 1 if self.finding is None else self.view.scale(self.finding)
        if side is None:
            return None
        return readable(self.cells.form(side), side.constant, Fraction(scale))

    def heads(self) -> Fraction:
        """How many times the heads that the numbers are for; 0 where there are none."""
        if self.rule.per_head is None or self.finding is None:
            return Fraction(0)
        return self.form.heads / self.view.scale(self.finding)

    def unit(self) -> str:
        """万元, 人, 个, 万元（每万常住人口；富余为合计）."""
        words, programme = self.view.words, self.view.scenario.programme
        if self.rule.measure in programme.metrics:
            metric = programme.file.metrics[programme.metrics.index(self.rule.measure)]
            unit = metric.unit.of(words.lang)
        elif self.rule.measure == "amount":
            unit = programme.file.money.of(words.lang)
        else:
            unit = words("unit.counted-cells" if self.rule.measure == "cells" else "unit.counted")
        if self.rule.per_head is None or self.finding is None:
            return unit
        return words("limits.per", unit=unit, per=self.view.per(self.finding))

    def style(self) -> str:
        """How many decimals: none for whole money and counts, three for metrics and quotients."""
        if self.rule.measure in self.view.scenario.programme.metrics or self.rule.per_head:
            return "three"
        sides = [side for side in (self.form.lower, self.form.upper) if side is not None]
        numbers = [n for side in sides for n in (side.constant, *side.terms.values())]
        whole = all(number.denominator == 1 for number in numbers)
        return "number" if whole and self.cells.whole else "two"


# Limits that the scenario itself settles, as formulas: budget, lot, locks, eligibility …


_NONE = Fraction(0)


def settled_needs(scenario: Scenario) -> Iterator[Measured]:
    """All blocks that these limits read."""
    settled = [*lock_forms(scenario), *bound_forms(scenario), *ineligible_forms(scenario)]
    return rule_needs([budget_form(scenario), *settled])


def settled_limits(
    view: RuleView, audit: Audit, cells: Cells, layout: Layout
) -> Iterator[LimitFormula]:
    """One line each, a lock one of its own, as far as the audit reads them."""
    read = {finding.rule for finding in audit.findings}
    page = _Settled(view, cells)
    yield page.budget(layout)
    if view.scenario.spec.lot is not None:
        yield from page.lots()
    if STEP in read:
        yield page.steps()
    yield from page.single_cells()
    if view.scenario.spec.ineligible:
        yield page.eligibility()
    if idle_ends(view.scenario):
        yield page.idle()
    if WHOLE_UNITS in read:
        yield page.whole_units()


class _Settled:
    def __init__(self, view: RuleView, cells: Cells) -> None:
        self.view, self.cells, self.scenario = view, cells, view.scenario
        self.money = self.scenario.programme.file.money.of(view.words.lang)

    def at_most(self, rule: str, value: Formula, most: Fraction, unit: str) -> LimitFormula:
        """A limit from above without a group."""
        last = most.numerator if most.denominator == 1 else float(most)
        room = Formula(f"{last}-({value.body})", most - value.value)
        upper = Formula(str(last), most)
        style = "number" if self.cells.whole else "two"
        return LimitFormula(
            rule, "", unit, style, value, upper=upper, room_above=room, least=self.least
        )

    @property
    def least(self) -> Fraction:
        return _NONE if self.cells.whole else Fraction(-1, 10**6)

    def inside(self, value: Form) -> Formula:
        """What the cells of the grid come to."""
        return readable(self.cells.form(value), _NONE)

    def budget(self, layout: Layout) -> LimitFormula:
        spent = self.inside(budget_form(self.scenario).value)
        table = BookSheet.prefix_of(self.view.words("sheet.table"))
        beyond = [table + cell(row, layout.beyond or 0) for row, *_ in layout.outside]
        value = spent.value + sum((money for *_, money in layout.outside), _NONE)
        body = "+".join([spent.body, *beyond])
        budget = Fraction(self.scenario.budget)
        return self.at_most("budget", Formula(body, value), budget, self.money)

    def block(self, base: int, tasks: Sequence[int] = ()) -> str:
        """The cells of a base over the whole grid, or over tasks that stand side by side."""
        first = self.cells.first_column(base)
        left, right = (tasks[0], tasks[-1]) if tasks else (0, self.cells.tasks - 1)
        ends = (TOP, first + left), (TOP + self.cells.counties - 1, first + right)
        return BookSheet.prefix_of(self.cells.sheet) + area(*ends)

    def lots(self) -> Iterator[LimitFormula]:
        """The least money of a funded cell: of all of them, or of each task where lots differ."""
        lots = self.scenario.lots()
        if len(set(lots)) == 1:
            yield self.lot(lots[0], range(len(lots)), "")
            return
        names = self.scenario.programme.task_names(self.view.words.lang)
        for task, lot in enumerate(lots):
            yield self.lot(lot, [task], names[task])

    def lot(self, lot: Fraction, tasks: Sequence[int], group: str) -> LimitFormula:
        """A row of `lots`; without any money there it reads as the lot itself."""
        block = self.block(0, tasks)
        held = [money for row in self.cells.bases[0].values for money in row[list(tasks)] if money]
        due = Formula(exact_text(lot) if lot.denominator == 1 else repr(float(lot)), lot)
        least = f'SMALL({block},COUNTIF({block},"<=0")+1)'
        body = f'IF(COUNTIF({block},">0")=0,{due.body},{least})'
        value = Formula(body, min(map(Fraction, held), default=lot))
        room = Formula(f"{value.body}-{due.body}", value.value - lot)
        style = "number" if self.cells.whole else "two"
        return LimitFormula(
            *("lot", group, self.money, style, value),
            lower=due,
            room_below=room,
            least=self.least,
        )

    @property
    def counted(self) -> str:
        return self.view.words("unit.counted")

    def single_cells(self) -> Iterator[LimitFormula]:
        """Each cell that is locked, then each with bounds of its own."""
        for form in (*lock_forms(self.scenario), *bound_forms(self.scenario)):
            value = self.inside(form.value)
            low, high = (
                None if end is None else Formula(exact_text(end.constant), end.constant)
                for end in (form.lower, form.upper)
            )
            yield LimitFormula(
                form.rule,
                group_name(
                    self.scenario.programme, self.view.labels, form.key, self.view.words.lang
                ),
                self.money,
                "number" if self.cells.whole else "two",
                value,
                lower=low,
                upper=high,
                room_below=low and Formula(f"{value.body}-{low.body}", value.value - low.value),
                room_above=high and Formula(f"{high.body}-{value.body}", high.value - value.value),
                least=self.least,
            )

    def eligibility(self) -> LimitFormula:
        """The money in cells that may not get any; one that is barred twice counts twice."""
        barred = sum((form.value for form in ineligible_forms(self.scenario)), Form())
        return self.at_most("eligibility", self.inside(barred), _NONE, self.money)

    def idle(self) -> LimitFormula:
        """The money in all beyond what yields anything in its cell."""
        (at,) = self.cells.bases_of(NO_IDLE)
        money, ends = self.block(0), self.block(at)
        over = self.cells.bases[0].values - self.cells.bases[at].values
        value = sum((Fraction(by) for by in over.ravel() if by > 0), _NONE)
        body = f"SUMPRODUCT(({money}>{ends})*({money}-{ends}))"
        return self.at_most(NO_IDLE, Formula(body, value), _NONE, self.money)

    def steps(self) -> LimitFormula:
        """How many cells hold money that is no multiple of their step."""
        (at,) = self.cells.bases_of(STEP)
        held, steps = self.cells.bases[0].values, self.cells.bases[at].values
        pairs = zip(held.ravel(), steps.ravel(), strict=True)
        odd = sum(by > 1 and Fraction(x) % by != 0 for x, by in pairs)
        money, by = self.block(0), self.block(at)
        body = f"SUMPRODUCT(({money}<>{by}*INT({money}/{by}))*({by}>1))"
        return self.at_most(STEP, Formula(body, Fraction(odd)), _NONE, self.counted)

    def whole_units(self) -> LimitFormula:
        """How many cells hold parts of a money unit."""
        held = np.array([Fraction(x).denominator != 1 for x in self.cells.bases[0].values.ravel()])
        body = f"SUMPRODUCT(({self.block(0)}<>INT({self.block(0)}))*1)"
        value = Formula(body, Fraction(int(held.sum())))
        return self.at_most(WHOLE_UNITS, value, _NONE, self.counted)
