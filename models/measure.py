"""What a rule measures and what it is held against: selections, factors, parts of a bound.

Short forms that people write (a bare number, one mapping instead of a list) are brought to one
long form before validation, so that each error names one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from models.exact import NotNegative, exact_text
from models.strict import Flag, Strict


def _condition(value: object) -> object:
    if isinstance(value, Mapping):
        return {"between": value}
    if isinstance(value, list | tuple):
        return {"among": [_plain(item) for item in value]}
    return {"among": [_plain(value)]}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, Mapping | list):
        raise ValueError("a value, a list of values or {min:, max:} is due here")
    return str(value)


class Between(Strict):
    """A range of a number column, both ends included; an end may be left open."""

    min: NotNegative | None = None
    max: NotNegative | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Between:
        if self.min is None and self.max is None:
            raise ValueError("a range needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {exact_text(self.min)} is above max {exact_text(self.max)}")
        return self


class Condition(Strict):
    """What a column must hold: one of some values, or a number within a range."""

    among: tuple[str, ...] = ()
    between: Between | None = None


Where = dict[str, Annotated[Condition, BeforeValidator(_condition)]]
"""Column → condition; all must hold. Columns of counties and tasks, `county` and `task` the ids."""


def _factor(value: object) -> object:
    return value if isinstance(value, Mapping | Factor) else {"number": value}


class Factor(Strict):
    """A number that multiplies: written out, or looked up in a column (one value per group)."""

    number: NotNegative | None = None
    column: str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Factor:
        if (self.number is None) == (self.column is None):
            raise ValueError("a number or {column: name} is due here")
        return self


FactorField = Annotated[Factor, BeforeValidator(_factor)]


class Part(Strict):
    """One addend of a bound: a number, a column, or a share of another measure."""

    number: NotNegative | None = None
    column: str | None = None
    sum: Flag = False
    """Add the column up over the group, instead of asking for one value in it."""
    share: FactorField | None = None
    times: FactorField | None = None
    of: str | None = None
    """`budget`, `amount`, `cells`, `counties` or a metric; over the whole programme unless said."""
    where: Where = {}
    per: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_well_formed(self) -> Part:
        kinds = [self.number is not None, self.column is not None, self.of is not None]
        if kinds.count(True) != 1:
            raise ValueError("a bound is a number, {column:} or {share:/times:, of:}")
        if self.of is None:
            self._check_plain()
        elif (self.share is None) == (self.times is None):
            raise ValueError(f"'of: {self.of}' needs share or times, one of them")
        if self.share and self.share.number is not None and self.share.number > 1:
            raise ValueError(
                f"a share of {exact_text(self.share.number)} is above 1 (for k above 1 say times)"
            )
        if self.of == "budget" and (self.where or self.per):
            raise ValueError("the budget has neither where nor per")
        if self.sum and self.column is None:
            raise ValueError("sum goes with column")
        return self

    def _check_plain(self) -> None:
        if self.share is not None:
            raise ValueError("share needs of")
        if self.where or self.per:
            raise ValueError("where and per go with of")
        if self.times is not None and self.column is None:
            raise ValueError("times goes with column or of")

    @property
    def factor(self) -> Factor | None:
        """The k of `k × of` or `k × column`."""
        return self.share or self.times


def _part(value: object) -> object:
    return value if isinstance(value, Mapping | Part) else {"number": value}


def _parts(value: Any) -> Any:
    if value is None:
        return None
    return [_part(item) for item in value] if isinstance(value, list | tuple) else [_part(value)]


Parts = Annotated[tuple[Part, ...], BeforeValidator(_parts)]
"""A bound: its parts add up."""
