"""A rule: one clause or assumption, written as measure ≥ / ≤ / = bound, with its source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from models.exact import NotNegative
from models.measure import Factor, Parts, Where
from models.ranges import RangeField
from models.strict import NO_TEXT, EitherText, Flag, Strict, Text

Basis = Literal["clause", "target", "practice", "assumption"]
Sense = Literal["at_least", "at_most", "equal"]
RESERVED = ("budget", "lot", "locks", "eligibility", "whole-units")
"""Ids of findings that come from the scenario itself and not from its list of rules."""
PLAIN_MEASURES = ("amount", "cells", "counties")


class Clause(Strict):
    """Where a rule stands in a document, and whether anybody read it there."""

    document: str
    article: str = ""
    seen: Flag = False
    """The clause's own text was read; without it a report says 未核到原文."""
    states_number: Flag = False
    """The number of the rule stands in the clause itself; without it it is an assumed value."""


class Grounds(Strict):
    """Why a rule holds: its basis, its clause, the source of its number."""

    basis: Basis = "assumption"
    clause: Clause | None = None
    number_from: EitherText = NO_TEXT
    reason: EitherText = NO_TEXT

    @model_validator(mode="after")
    def _clause_fits_basis(self) -> Grounds:
        if self.basis in ("clause", "target") and self.clause is None:
            raise ValueError(f"basis {self.basis} needs a clause")
        if self.basis == "assumption" and not self.reason.zh:
            raise ValueError("basis assumption needs a reason")
        return self


class Soft(Strict):
    """A rule that may give way, at a price in objective points per unit of its own value."""

    price: NotNegative


def _columns(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Rule(Grounds):
    """One rule; it has one limit for each group of `per` (one in all without `per`)."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    title: Text
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
    range: RangeField = None
    """How far the one number of the bound may lie: what a sensitivity analysis moves it by."""

    @model_validator(mode="after")
    def _is_well_formed(self) -> Rule:
        given = [s for s in ("at_least", "at_most", "equal") if getattr(self, s) is not None]
        if len(given) != 1:
            raise ValueError("a rule has one of at_least, at_most, equal")
        if not self.bound:
            raise ValueError(f"{given[0]} is an empty list")
        if len(set(self.per)) != len(self.per):
            raise ValueError("per names a column twice")
        for part in self.bound:
            if not set(part.per) <= set(self.per):
                raise ValueError("the per of a bound must be among the per of the rule")
        self._check_equal()
        self._check_if_funded()
        self._check_range()
        return self

    def _check_equal(self) -> None:
        if self.within is not None and self.sense != "equal":
            raise ValueError("within goes with equal")
        whole = self.measure in PLAIN_MEASURES and self.per_head is None
        plain = all(part.of is None and part.factor is None for part in self.bound)
        if self.sense == "equal" and self.within is None and not (whole and plain):
            raise ValueError("equal on a metric, a share or a per-head value needs within")

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
