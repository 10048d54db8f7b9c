"""A rule as data: a measure held against a bound, with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_serializer, model_validator

from models.exact import NotNegative, Share, exact_text, parse_exact
from models.strict_yaml import NO_TEXT, EitherText, Flag, Name, Strict, name_fault
from models.value_range import RangeField

# What a rule measures and what it is held against: selections, factors, parts of a bound.
#
# Short forms that people write (a bare number, one mapping instead of a list) are brought to one
# long form before validation, so that each error names one place.


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

    @model_serializer
    def _as_written(self) -> object:
        """A list of values, or the range: what `_condition` reads."""
        if self.between is None:
            return list(self.among)
        return self.between.model_dump(mode="json", exclude_none=True)


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
BASELINE = "baseline"
"""What a bound refers to that is a part of the scenario's baseline."""


class Part(Strict):
    """One addend of a bound: a number, a column, or a share of another measure."""

    number: NotNegative | None = None
    column: str | None = None
    sum: Flag = False
    """Add the column up over the group, instead of asking for one value in it."""
    share: FactorField | None = None
    times: FactorField | None = None
    of: str | None = None
    """`budget`, `amount`, `cells`, `counties`, a metric, or `baseline`: what the baseline comes to
    in the rule's own measure; over the whole programme unless said."""
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

    @property
    def is_constant(self) -> bool:
        """Whether it is the same for every allocation."""
        return self.of in (None, *CONSTANTS)


def _part(value: object) -> object:
    return value if isinstance(value, Mapping | Part) else {"number": value}


def _parts(value: Any) -> Any:
    if value is None:
        return None
    return [_part(item) for item in value] if isinstance(value, list | tuple) else [_part(value)]


Parts = Annotated[tuple[Part, ...], BeforeValidator(_parts)]
"""A bound: its parts add up."""


Basis = Literal["clause", "target", "practice", "assumption"]
Sense = Literal["at_least", "at_most", "equal"]
SENSES: tuple[Sense, ...] = ("at_least", "at_most", "equal")
BOUND_KEYS = (*SENSES, "within")
"""Keys of a rule that its numbers stand under."""
WHOLE_UNITS = "whole-units"
"""Id of the finding that no cell has parts of a money unit."""
NO_IDLE = "no-idle"
"""Id of the finding that no money stands where it yields nothing."""
STEP = "step"
"""Id of the finding that money comes in whole multiples of the scenario's step."""
CELLS = "cell-bounds"
"""Id of the findings that cells keep the bounds that a table sets them."""
RESERVED = ("budget", "lot", STEP, "locks", CELLS, "eligibility", NO_IDLE, WHOLE_UNITS)
"""Ids of findings that come from the scenario itself and not from its list of rules."""
PLAIN_MEASURES = ("amount", "cells", "counties")
CONSTANTS = ("budget", BASELINE)
"""What a bound can refer to that no allocation changes."""


class Clause(Strict):
    """Where a rule stands in a document, and whether anybody read it there."""

    document: str
    article: str = ""
    seen: Flag = False
    """The clause's own text was read; without it a report says 未核到原文."""
    states_number: Flag = False
    """The number of the rule stands in the clause itself; without it it is an assumed value."""


def _number_of_clause(value: object) -> object:
    """27% as 0.27, anything else as it is."""
    text = value.strip() if isinstance(value, str) else ""
    return parse_exact(text[:-1]) / 100 if text.endswith(("%", "％")) else value


class Confirmation(Strict):
    """What an officer states of a clause under her own name: never that we have seen it."""

    by: str
    on: str
    """The day, as 2020-03-01."""
    text: str = ""
    """What stands in the clause."""
    number: Annotated[NotNegative | None, BeforeValidator(_number_of_clause)] = None
    """The number that stands there: 0.27 or 27%, 500."""
    applies: Flag = True
    """False for a clause that does not bear on this fund; its rule is switched off."""
    reason: str = ""
    """Why it does not apply."""

    @model_validator(mode="after")
    def _is_whole(self) -> Confirmation:
        if not self.by.strip() or name_fault(self.by):
            raise ValueError("by: the name of whoever states it is due here")
        try:
            date.fromisoformat(self.on)
        except ValueError:
            raise ValueError(f"'{self.on}' is no date; write 2020-03-01") from None
        if self.applies and not self.text.strip():
            raise ValueError("text: what stands in the clause is due here")
        if not self.applies and not self.reason.strip():
            raise ValueError("reason: why the clause does not apply is due here")
        return self


class Grounds(Strict):
    """Why a rule holds: its basis, its clause, the source of its number."""

    basis: Basis = "assumption"
    clause: Clause | None = None
    confirmed: Confirmation | None = None
    number_from: EitherText = NO_TEXT
    reason: EitherText = NO_TEXT

    @model_validator(mode="after")
    def _clause_fits_basis(self) -> Grounds:
        if self.basis in ("clause", "target") and self.clause is None:
            raise ValueError(f"basis {self.basis} needs a clause")
        if self.basis == "assumption" and not self.reason.zh:
            raise ValueError("basis assumption needs a reason")
        if self.confirmed is not None and self.clause is None:
            raise ValueError("confirmed goes with a clause")
        return self

    @property
    def was_read(self) -> bool:
        """Whether the text of its clause was read, by us or by an officer who says so."""
        by_officer = self.confirmed is not None and self.confirmed.applies
        return self.clause is not None and (self.clause.seen or by_officer)

    @property
    def is_unread(self) -> bool:
        """Whether it has a clause that nobody has read, nor said of that it does not apply."""
        return self.clause is not None and not self.was_read and self.confirmed is None

    @property
    def clause_states_number(self) -> bool:
        """Whether the clause was read and the number of the rule stands in it."""
        if self.clause is None or not self.was_read:
            return False
        return (self.clause.seen and self.clause.states_number) or self._is_confirmed_number()

    def _is_confirmed_number(self) -> bool:
        """Whether the number that an officer read is the rule's own: of a rule only."""
        return False


class Soft(Strict):
    """A rule that may give way, at a price in objective points per unit of its own value."""

    price: NotNegative


class Chance(Strict):
    """In what share of draws a target is to be kept, beside as it is assumed: by `robust` only."""

    at_least: Share
    draws: int | None = Field(default=None, ge=1)
    """How many; as many as `robust` draws by itself where it is left out."""
    seed: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_above_zero(self) -> Chance:
        if not self.at_least:
            raise ValueError("a chance above 0 is due here")
        return self


def _columns(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Rule(Grounds):
    """One rule; it has one limit for each group of `per` (one in all without `per`)."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    title: Name
    enabled: Flag = True
    soft: Soft | None = None
    measure: str
    """`amount`, `cells` (funded ones), `counties` (funded ones) or a metric."""
    where: Where = {}
    per: Annotated[tuple[str, ...], BeforeValidator(_columns)] = ()
    per_head: str | None = None
    """A county number column: each side is divided by its sum over the counties it covers."""
    if_funded: Flag = False
    """The limit holds only for groups that get money."""
    at_least: Parts | None = None
    at_most: Parts | None = None
    equal: Parts | None = None
    within: NotNegative | None = None
    """How far from `equal` the value may be, in the rule's own unit."""
    margin: Share | None = None
    """By what share of the bound the solver stays clear of it, where an outcome is modelled; what
    is kept or broken is read without it."""
    chance: Chance | None = None
    """In what share of draws of the rates it is to be kept, by a decision under draws."""
    range: RangeField = None
    """How far the one number of the bound may lie: what a sensitivity analysis moves it by."""

    @model_validator(mode="after")
    def _is_well_formed(self) -> Rule:
        given = [s for s in SENSES if getattr(self, s) is not None]
        if len(given) != 1:
            raise ValueError("a rule has one of at_least, at_most, equal")
        if not self.bound:
            raise ValueError(f"{given[0]} is an empty list")
        if len(set(self.per)) != len(self.per):
            raise ValueError("per names a column twice")
        for part in self.bound:
            if not set(part.per) <= set(self.per):
                raise ValueError("the per of a bound must be among the per of the rule")
        if self.refers_to(BASELINE) and self.measure in ("cells", "counties"):
            raise ValueError(f"of: baseline goes with amount or a metric, not {self.measure}")
        self._check_equal()
        self._check_margin()
        self._check_if_funded()
        self._check_range()
        self._check_chance()
        return self

    def _check_equal(self) -> None:
        if self.within is not None and self.sense != "equal":
            raise ValueError("within goes with equal")
        whole = self.measure in PLAIN_MEASURES and self.per_head is None
        plain = all(part.of is None and part.factor is None for part in self.bound)
        if self.sense == "equal" and self.within is None and not (whole and plain):
            raise ValueError("equal on a metric, a share or a per-head value needs within")

    def _check_margin(self) -> None:
        if self.margin is None:
            return
        if self.sense == "equal":
            raise ValueError("margin goes with at_least or at_most, not with equal")
        if self.measure in PLAIN_MEASURES:
            raise ValueError(
                f"margin goes with a metric, which is modelled; {self.measure} is counted exactly"
            )
        if self.soft is not None:
            raise ValueError("margin does not go with soft, which may give way anyway")

    def _check_if_funded(self) -> None:
        if not self.if_funded:
            return
        if self.sense != "at_least" or any(part.of for part in self.bound):
            raise ValueError("if_funded goes with at_least a number or a column")
        if "county" not in self.per:
            raise ValueError("if_funded needs county in per")

    def _check_range(self) -> None:
        written = [part.number is not None or _has_number(part.factor) for part in self.bound]
        if self.range is not None and written.count(True) != 1:
            raise ValueError("range goes with a bound of one written number")

    @model_validator(mode="after")
    def _is_off_where_it_does_not_apply(self) -> Rule:
        if self.enabled and self.confirmed is not None and not self.confirmed.applies:
            raise ValueError("a clause that does not apply goes with enabled: false")
        return self

    def _is_confirmed_number(self) -> bool:
        stated = None if self.confirmed is None else self.confirmed.number
        factors = (part.factor.number for part in self.bound if part.factor is not None)
        return stated is not None and stated in (*(p.number for p in self.bound), *factors)

    def _check_chance(self) -> None:
        if self.chance is None:
            return
        if self.basis != "target" or self.measure in PLAIN_MEASURES:
            raise ValueError("chance goes with a rule of basis target that counts a metric")
        if self.soft is not None:
            raise ValueError("chance does not go with soft, which may give way anyway")

    def refers_to(self, what: str) -> bool:
        """Whether a part of its bound is `of` that."""
        return any(part.of == what for part in self.bound)

    @property
    def sense(self) -> Sense:
        """Which way the rule points."""
        if self.at_least is not None:
            return "at_least"
        return "at_most" if self.at_most is not None else "equal"

    @property
    def bound(self) -> Parts:
        """The parts of the bound, which add up."""
        return self.at_least or self.at_most or self.equal or ()


def _has_number(factor: Factor | None) -> bool:
    return factor is not None and factor.number is not None
