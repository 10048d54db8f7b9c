"""A comparison: columns side by side, as exact rows and as tidy frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optimizer.compare import frames
from optimizer.compare.column import Column
from optimizer.compare.inputs import InputRow, input_rows, same_response
from optimizer.compare.rows import (
    AmountRow,
    MovedRow,
    OutcomeRow,
    RuleRow,
    amount_rows,
    county_changes,
    moved_row,
    outcome_rows,
    rule_rows,
)
from optimizer.compare.ties import Mark, mark_of
from optimizer.compare.world import World

if TYPE_CHECKING:
    from fractions import Fraction

    import pandas as pd


@dataclass(frozen=True)
class Compared:
    """Columns side by side; differences are from the reference.

    Rows (`*_rows`) hold exact numbers; the frames hold floats, for plots and sums.
    """

    columns: tuple[Column, ...]
    at: int
    """Position of the reference."""
    world: World
    seconds: float = 0.0

    def __repr__(self) -> str:
        return frames.text(self)

    def _repr_html_(self) -> str:
        return frames.html(self)

    @property
    def reference(self) -> Column:
        """The column that differences are taken from."""
        return self.columns[self.at]

    @property
    def others(self) -> tuple[Column, ...]:
        """All columns but the reference."""
        return tuple(one for one in self.columns if one is not self.reference)

    def column(self, name: str) -> Column:
        """A column by its name; raises KeyError."""
        return {one.name: one for one in self.columns}[name]

    @cached_property
    def marks(self) -> dict[str, Mark]:
        """Column → what may explain all its differences; see `optimizer.compare.ties.Mark`."""
        return {one.name: mark_of(one, self.reference, self.world) for one in self.columns}

    def has_other_response(self, column: Column) -> bool:
        """Whether money yields something else in a column than in the reference."""
        return not same_response(column.scenario, self.reference.scenario)

    @cached_property
    def input_rows(self) -> list[InputRow]:
        """What differs in the inputs, by path."""
        return [row for one in self.others for row in input_rows(one, self.reference)]

    @cached_property
    def outcome_rows(self) -> list[OutcomeRow]:
        """Every metric in every column."""
        return [
            row
            for one in self.columns
            for row in outcome_rows(self.world, one, self.reference, self.marks[one.name])
        ]

    @cached_property
    def amount_rows(self) -> list[AmountRow]:
        """Money at every level, down to the cell, in every column."""
        return [row for one in self.columns for row in amount_rows(self.world, one, self.reference)]

    @cached_property
    def rule_rows(self) -> list[RuleRow]:
        """Every rule in every column."""
        return rule_rows(self.columns)

    @cached_property
    def moved_rows(self) -> list[MovedRow]:
        """How much money moves, in every column but the reference."""
        return [
            moved_row(self.world, one, self.reference, self.marks[one.name]) for one in self.others
        ]

    def changes(self, column: Column) -> list[Fraction]:
        """By county of the common grid, what a column gives more than the reference."""
        return county_changes(self.world, column, self.reference)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a column; see `optimizer.compare.frames.summary`."""
        return frames.summary(self)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row a column and metric; see `optimizer.compare.frames.outcomes`."""
        return frames.outcomes(self)

    @property
    def amounts(self) -> pd.DataFrame:
        """One row a column and place, level by level; see `optimizer.compare.frames.amounts`."""
        return frames.amounts(self)

    @property
    def rules(self) -> pd.DataFrame:
        """One row a rule and column; see `optimizer.compare.frames.rules`."""
        return frames.rules(self)

    @property
    def inputs(self) -> pd.DataFrame:
        """One row a difference in the inputs; see `optimizer.compare.frames.inputs`."""
        return frames.inputs(self)

    @property
    def moved(self) -> pd.DataFrame:
        """One row a county that has other money; see `optimizer.compare.frames.moved`."""
        return frames.moved(self)
