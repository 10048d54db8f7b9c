"""How a baseline is described: an allocation by formula, to compare with."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from models.exact import NotNegative, exact_text
from models.strict import Flag, Strict

BaselineKind = Literal["factor", "equal", "per-resident", "greedy", "table"]


class Cost(Strict):
    """A cost index: 1 + step × column."""

    column: str
    step: NotNegative


class FactorTerm(Strict):
    """One factor: counties share `weight` of the money in proportion to the product of columns."""

    weight: NotNegative
    columns: tuple[str, ...] = ()
    """County number columns that are multiplied; none means equal shares."""
    cost: Cost | None = None
    """Multiplied too, where given."""


class BaselineSpec(Strict):
    """A baseline. `factor` uses `factors` (weights add up to 1) or one finished `weight_column`."""

    kind: BaselineKind
    factors: tuple[FactorTerm, ...] = ()
    weight_column: str | None = None
    residents: str | None = None
    """For `per-resident`: the county column of heads."""
    tasks: dict[str, NotNegative] = {}
    """Shares of the tasks, adding up to 1; equal shares where empty."""
    floor: NotNegative | None = None
    cap: NotNegative | None = None
    """Least and most money of a county."""
    redistribute: Flag = True
    """Money set free or needed by floor and cap is taken from or given to the other counties."""
    within: str | None = None
    """A county column: each of its groups shares a pot of its own."""
    pots: dict[str, NotNegative] = {}
    """For `within`: share of the money by group, adding up to 1; by the weights where empty."""
    file: str | None = None
    """For `table`: a CSV file of county, task, amount in the programme's folder."""

    @model_validator(mode="after")
    def _is_well_formed(self) -> BaselineSpec:
        if self.kind == "factor" and bool(self.factors) == bool(self.weight_column):
            raise ValueError("a factor baseline needs factors or weight_column, one of them")
        if self.kind == "per-resident" and not self.residents:
            raise ValueError("a per-resident baseline needs residents: the column of heads")
        if self.kind == "table" and not self.file:
            raise ValueError("a table baseline needs file")
        for name, shares in (
            ("factors", [term.weight for term in self.factors]),
            ("tasks", list(self.tasks.values())),
            ("pots", list(self.pots.values())),
        ):
            if shares and sum(shares) != 1:
                raise ValueError(f"{name}: the weights add up to {exact_text(sum(shares))}, not 1")
        if self.floor is not None and self.cap is not None and self.floor > self.cap:
            raise ValueError("floor is above cap")
        if self.pots and not self.within:
            raise ValueError("pots goes with within")
        return self
