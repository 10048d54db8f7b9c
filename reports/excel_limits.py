"""Every limit of every enabled rule as formulas: value, limits and slack to read, a sign to decide.

What a limit asks for is decided by whole numbers alone (see `excel_compare`); the quotients beside
them are for people. Amounts with parts of a money unit, as `--units continuous` gives them, are
compared with a tolerance, since a spreadsheet cannot hold them exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from models.finding import Audit, Finding
from models.labels import group_name
from models.rule import Rule
from optimizer.audit.forms import Form, LimitForm, Measured, limit_forms
from reports.excel_cells import Cells
from reports.excel_compare import Formula, shown, sign
from reports.rule_table import Desk, findings_by_rule

_NEAR = Fraction(1, 10**6)
"""How far below a limit amounts with parts may be, in money or the metric's unit."""


@dataclass(frozen=True)
class Limit:
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
        """Room to the nearest limit, in the unit that is shown."""
        rooms = [] if self.lower is None else [self.value.value - self.lower.value]
        return min(rooms if self.upper is None else [*rooms, self.upper.value - self.value.value])


def rule_needs(forms: list[LimitForm]) -> Iterator[Measured]:
    """All blocks that some limits read."""
    for form in forms:
        for side in (form.value, form.lower, form.upper):
            yield from side.terms if side is not None else ()
        if form.only_if is not None:
            yield form.only_if


def rule_limits(desk: Desk, audit: Audit, cells: Cells) -> Iterator[Limit]:
    """One line a limit of the enabled rules, in the order of the audit."""
    found = findings_by_rule(audit)
    for form in limit_forms(desk.scenario):
        first = next(iter(found.get(form.rule, ())), None)
        yield _Reader(desk, cells, form, first).limit()


@dataclass(frozen=True)
class _Reader:
    """One limit on its way to formulas."""

    desk: Desk
    cells: Cells
    form: LimitForm
    finding: Finding | None
    """One of the rule's findings: how its numbers are shown."""

    @property
    def rule(self) -> Rule:
        return next(rule for rule in self.desk.scenario.rules if rule.id == self.form.rule)

    def limit(self) -> Limit:
        form, desk = self.form, self.desk
        below, above = self.room(form.lower, 1), self.room(form.upper, -1)
        funded = [] if form.only_if is None else list(self.cells.of(form.only_if))
        value = self.shown(form.value)
        assert value is not None
        return Limit(
            rule=form.rule,
            group=group_name(desk.scenario.programme, desk.labels, form.key, desk.words.lang),
            unit=self.unit(),
            style=self.style(),
            value=value,
            lower=self.shown(form.lower),
            upper=self.shown(form.upper),
            room_below=None if below is None else below[0],
            room_above=None if above is None else above[0],
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
        return shown(cells, room.constant, self.form.heads), True

    def shown(self, side: Form | None) -> Formula | None:
        """A side in the unit that is shown: per-head numbers for so many heads."""
        scale = 1 if self.finding is None else self.desk.scale(self.finding)
        if side is None:
            return None
        return shown(self.cells.form(side), side.constant, Fraction(scale))

    def unit(self) -> str:
        """万元, 人, 个, 万元（每10,000常住人口）."""
        words, programme = self.desk.words, self.desk.scenario.programme
        if self.rule.measure in programme.metrics:
            metric = programme.file.metrics[programme.metrics.index(self.rule.measure)]
            unit = metric.unit.of(words.lang)
        elif self.rule.measure == "amount":
            unit = programme.file.money.of(words.lang)
        else:
            unit = words("unit.counted")
        if self.rule.per_head is None or self.finding is None:
            return unit
        return words("place.per", place=unit, per=self.desk.per(self.finding))

    def style(self) -> str:
        """How many decimals: none for whole money and counts, three for metrics and quotients."""
        if self.rule.measure in self.desk.scenario.programme.metrics or self.rule.per_head:
            return "three"
        sides = [side for side in (self.form.lower, self.form.upper) if side is not None]
        numbers = [n for side in sides for n in (side.constant, *side.terms.values())]
        whole = all(number.denominator == 1 for number in numbers)
        return "number" if whole and self.cells.whole else "two"
