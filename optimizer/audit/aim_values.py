"""What each aim of an ordered list comes to on an allocation, in exact numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from models.aim import OrderedAim, Piece, Push
from models.allocation import Allocation
from models.finding import Audit
from models.objective import objective_of, points_of
from models.scenario import AimTable, Scenario
from models.selection import Block, blocks
from optimizer.audit import audit
from optimizer.audit.measure import Reading, read_measures

_NONE = Fraction(0)


@dataclass(frozen=True)
class AimReference:
    """What aims are read against: the baseline's outcomes and its table, by codes."""

    outcomes: Mapping[str, Fraction]
    table: AimTable

    @classmethod
    def of(
        cls, scenario: Scenario, allocation: Allocation, outcomes: Mapping[str, Fraction]
    ) -> AimReference:
        """Of a baseline in the order of the scenario."""
        return cls(outcomes, AimTable(by_cell=allocation.by_cell(scenario.programme)))


@dataclass(frozen=True)
class AimReader:
    """One allocation, and what every aim of its scenario comes to on it."""

    scenario: Scenario
    reference: AimReference
    allocation: Allocation

    def value(self, push: Push) -> Fraction:
        """What is pushed comes to, in its own unit: less of it may be the better."""
        if push.stage == "moved":
            pairs = self._pairs(push.number).values()
            return sum((abs(mine - due) for mine, due in pairs), _NONE)
        if push.stage == "touched":
            pairs_of = self._pairs(push.number)
            return Fraction(len({key[0] for key, (mine, due) in pairs_of.items() if mine != due}))
        if push.stage == "level":
            return self.levels(push.number)[push.rank]
        aim = self.scenario.spec.objective.aims[push.number]
        if aim.spread is not None:
            return self._utility(aim)
        value = self._sum(aim)
        bent = self._audit.penalty if aim.has_points and not push.number else _NONE
        return value - bent if aim.rises else value + bent

    def worth(self, push: Push) -> Fraction:
        """The value, so that more of it is better."""
        return self.value(push) if push.rises else -self.value(push)

    def levels(self, number: int) -> Sequence[Fraction]:
        """What the groups of an aim have, per head where it says so, the least first."""
        aim = self.scenario.spec.objective.aims[number]
        return sorted(total / heads for total, heads in self._groups(aim, aim.raise_least or ""))

    def _sum(self, aim: OrderedAim) -> Fraction:
        """A sum of outcomes, or the money."""
        name = aim.maximise or aim.minimise
        if name is not None:
            everything = self._reading.everything()
            return self._reading.value(name, everything)
        points = points_of(self.scenario, aim.metrics, aim.scaled_by, self.reference.outcomes)
        return objective_of(self._audit, points)

    def _utility(self, aim: OrderedAim) -> Fraction:
        """Σ heads × utility of money per head."""
        return sum(
            (
                heads * utility(aim.spread or (), total / heads)
                for total, heads in self._groups(aim, "amount")
            ),
            _NONE,
        )

    def _groups(self, aim: OrderedAim, measure: str) -> Iterator[tuple[Fraction, Fraction]]:
        """(measure with what each has already, heads) of every group."""
        for block in groups_of(self.scenario, aim):
            had = column_sum(self.scenario, aim.plus_column, block)
            heads = column_sum(self.scenario, aim.per_head, block) if aim.per_head else Fraction(1)
            yield self._reading.value(measure, block) + had, heads

    def _pairs(self, number: int) -> dict[tuple[str, ...], tuple[Fraction, Fraction]]:
        """Cell or county → what it has, and what the table of an aim gives it; after the last aim
        of the list, which is the published choice, the baseline does."""
        due = due_of(self.scenario, number, self.reference.table)
        by_cell = is_by_cell(self.scenario, number, due)
        mine: dict[tuple[str, ...], Fraction] = {}
        for key, money in self.allocation.by_cell(self.scenario.programme).items():
            short = key if by_cell else key[:1]
            mine[short] = mine.get(short, _NONE) + money
        wanted = by_keys(due, by_cell=by_cell)
        return {key: (mine[key], money) for key, money in wanted.items()}

    @cached_property
    def _reading(self) -> Reading:
        return read_measures(self.scenario, self.allocation)

    @cached_property
    def _audit(self) -> Audit:
        return audit(self.scenario, self.allocation)


def utility(pieces: Sequence[Piece], amount: Fraction) -> Fraction:
    """What money per head is worth by its pieces."""
    total, start = _NONE, _NONE
    for piece in pieces:
        total += piece.worth * max(_NONE, min(amount, piece.up_to) - start)
        start = piece.up_to
    return total


def groups_of(scenario: Scenario, aim: OrderedAim) -> Sequence[Block]:
    """The groups that an aim reads, in the order of their first place."""
    programme = scenario.programme
    return tuple(blocks(programme.counties, programme.tasks, aim.where, aim.per))


def column_sum(scenario: Scenario, column: str | None, block: Block) -> Fraction:
    """A column of the counties added up over a group; 0 without one."""
    if column is None:
        return _NONE
    values = scenario.programme.counties.numbers(column)
    return sum((values[county] for county in block.counties), _NONE)


def due_of(scenario: Scenario, number: int, baseline: AimTable) -> AimTable:
    """The table that an aim is to be near to."""
    return scenario.aim_tables.get(number, baseline)


def is_by_cell(scenario: Scenario, number: int, due: AimTable) -> bool:
    """Whether the distance of an aim counts cells: if its table has them and nothing is said."""
    aims = scenario.spec.objective.aims
    return bool(due.by_cell) and (number >= len(aims) or aims[number].by != "county")


def by_keys(due: AimTable, *, by_cell: bool) -> dict[tuple[str, ...], Fraction]:
    """The table by cell or by county."""
    if by_cell:
        return {key: money for key, money in due.by_cell.items()}
    if not due.by_cell:
        return {(county,): money for county, money in due.by_county.items()}
    totals: dict[tuple[str, ...], Fraction] = {}
    for (county, _), money in due.by_cell.items():
        totals[county,] = totals.get((county,), _NONE) + money
    return totals
