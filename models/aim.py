"""The objective of a scenario: one aim, or an ordered list of them, each with what it may give up.

A list is read from the first to the last: what an aim reaches is held, less what it gives, while
those after it are pushed. A lone mapping of weights is the list of that one aim.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, model_serializer, model_validator

from models.exact import Exact, NotNegative, exact_text, parse_exact, parse_not_negative
from models.rule import Where
from models.strict_yaml import Strict

Normalise = Literal["baseline", "none"]
KINDS = ("weights", "maximise", "minimise", "nearest", "raise_least", "spread")
"""The key that says what an aim pushes; each aim has one of them."""
_GROUPED = ("raise_least", "spread")
_AMOUNT = re.compile(r"([+-]?[0-9][0-9./]*)\s*(.*)")


class Give(Strict):
    """What an aim may give up to those after it: a share of what it reaches, or an amount."""

    share: Fraction | None = None
    amount: Fraction = Fraction(0)
    """In the unit of the aim."""
    unit: str = ""
    """As it was written; empty for nothing given."""

    @model_serializer
    def _as_written(self) -> str:
        if self.share is not None:
            return f"{exact_text(self.share * 100)}%"
        return f"{exact_text(self.amount)} {self.unit}".strip()

    def of(self, found: Fraction) -> Fraction:
        """What may be given up of a value that was found, in the unit of the aim."""
        return self.amount if self.share is None else self.share * abs(found)


def _give(value: object) -> object:
    if isinstance(value, Give):
        return value
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if text.endswith(("%", "％")):
        share = parse_exact(text[:-1]) / 100
        if not 0 <= share <= 1:
            raise ValueError(f"{text} is not a share from 0% to 100%")
        return {"share": share}
    found = _AMOUNT.fullmatch(text)
    if found is None or (not found[2] and found[1].strip("0.")):
        raise ValueError("a share (0.2%) or an amount with its unit (12 jobs) is due here")
    return {"amount": parse_not_negative(found[1]), "unit": found[2]}


class NearTable(Strict):
    """The table that money should stand near to: `baseline`, `last_year`, or that of a file."""

    known: Literal["baseline", "last_year"] | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> NearTable:
        if (self.known is None) == (self.file is None):
            raise ValueError("baseline, last_year or {file: name} is due here")
        return self

    @model_serializer
    def _as_written(self) -> object:
        return self.known if self.file is None else {"file": self.file}


def _near(value: object) -> object:
    if value in ("baseline", "last_year"):
        return {"known": value}
    if isinstance(value, NearTable | Mapping):
        return value
    raise ValueError("baseline, last_year or {file: name} is due here")


class Added(Strict):
    """What a place has already, by a column of the counties, added up over its group."""

    column: str


class Piece(Strict):
    """One piece of a utility: what a money unit per head is worth, up to so many per head."""

    up_to: NotNegative
    worth: NotNegative


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class OrderedAim(Strict):
    """One aim of a list: what it pushes, and what it may give up to those after it."""

    weights: dict[str, Exact] | None = None
    """Σ weight × outcome, as the objective that is no list."""
    normalise: Normalise = "baseline"
    maximise: str | None = None
    minimise: str | None = None
    """A metric, or `amount`: the money spent."""
    nearest: Annotated[NearTable | None, BeforeValidator(_near)] = None
    """Least money that stands elsewhere than in a table, then fewest counties touched."""
    by: Literal["cell", "county"] | None = None
    """What the distance counts: cell by cell (if nothing is said), or totals of counties."""
    raise_least: str | None = None
    """`amount` or a metric: its least value among the groups is raised as far as can be."""
    spread: tuple[Piece, ...] | None = None
    """Σ heads × utility of money per head: pieces that are worth less and less."""
    where: Where = {}
    per: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    per_head: str | None = None
    plus: Added | None = None
    levels: int = 1
    """How many of the least values are raised, one after the other."""
    give: Annotated[Give, BeforeValidator(_give)] = Give()

    @model_validator(mode="after")
    def _is_well_formed(self) -> OrderedAim:
        said = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(said) != 1:
            raise ValueError(f"an aim says one of {', '.join(KINDS)}")
        kind = said[0]
        for names, kinds in _GO_WITH:
            for name in names:
                if name in self.model_fields_set and kind not in kinds:
                    raise ValueError(f"{name} goes with {' or '.join(kinds)}")
        if kind in _GROUPED and not self.per:
            raise ValueError(f"{kind} needs per: the groups that it reads")
        if kind == "spread":
            self._check_pieces()
        if self.levels < 1:
            raise ValueError("levels is a whole number of one or more")
        return self

    def _check_pieces(self) -> None:
        pieces = self.spread or ()
        if self.per_head is None:
            raise ValueError("spread needs per_head: the column of heads")
        ends, worths = ([getattr(one, name) for one in pieces] for name in ("up_to", "worth"))
        if not pieces or ends != sorted(set(ends)) or not ends[0]:
            raise ValueError("the pieces of spread end one above the other (up_to), above zero")
        if worths != sorted(set(worths), reverse=True):
            raise ValueError("the pieces of spread are worth less and less")

    @property
    def kind(self) -> str:
        """Which of `KINDS` it says."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def metrics(self) -> dict[str, Fraction]:
        """Metric → weight of an aim that is a sum of outcomes; nothing for another."""
        if self.weights is not None:
            return {name: weight for name, weight in self.weights.items() if weight}
        if self.kind in ("maximise", "minimise") and (self.maximise or self.minimise) != "amount":
            return {self.maximise or self.minimise or "": Fraction(1 if self.maximise else -1)}
        return {}

    @property
    def scaled_by(self) -> Normalise:
        """What the outcomes of `metrics` are divided by."""
        return "none" if self.weights is None else self.normalise

    @property
    def has_points(self) -> bool:
        """Whether it is a sum of outcomes, which certificate and prices can be made for."""
        return bool(self.metrics)

    @property
    def plus_column(self) -> str | None:
        """The column of what a place has already."""
        return None if self.plus is None else self.plus.column

    @property
    def rises(self) -> bool:
        """Whether more of its value is better: less is, of money, of costs and of distance."""
        return self.kind not in ("minimise", "nearest")


StageName = Literal["value", "moved", "touched", "level"]


class Push(NamedTuple):
    """One thing that is pushed: an aim of a list, or one stage of it."""

    number: int
    """The place of the aim in the list."""
    stage: StageName = "value"
    """`moved` (money units) and `touched` (counties) of nearness; `level` of the least raised."""
    rank: int = 0
    """Of a level: how many groups are at the levels before it."""
    rises: bool = True
    """Whether more of it is better."""


def first_push(number: int, aim: OrderedAim) -> Push:
    """What an aim pushes first."""
    stage: dict[str, StageName] = {"nearest": "moved", "raise_least": "level"}
    return Push(number, stage.get(aim.kind, "value"), 0, aim.rises)


_GO_WITH = (
    (("normalise",), ("weights",)),
    (("by",), ("nearest",)),
    (("where", "per", "per_head", "plus"), _GROUPED),
    (("levels",), ("raise_least",)),
)


class Objective(Strict):
    """What a scenario pushes.

    Σ weight × outcome, each outcome over the baseline's own under `normalise: baseline`; of a list
    weights and normalise are those of the first aim, and none where it is no sum of outcomes.
    """

    weights: dict[str, Exact]
    """Metric → weight; a metric that is a cost has a negative one."""
    normalise: Normalise = "baseline"
    aims: tuple[OrderedAim, ...] = ()
    """The list, where one was written."""

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and "aims" in value:
            raise ValueError("aims are written as the list that objective is")
        if not isinstance(value, list | tuple):
            return value
        if not value:
            raise ValueError("a list of aims names one at least")
        weights, normalise = _of_first(value[0])
        return {"aims": value, "weights": weights, "normalise": normalise}

    @model_serializer
    def _as_written(self) -> object:
        if self.aims:
            return [aim.model_dump(mode="json", exclude_unset=True) for aim in self.aims]
        told = {"weights": {name: exact_text(weight) for name, weight in self.weights.items()}}
        return told | ({"normalise": self.normalise} if _said(self) else {})

    @property
    def has_points(self) -> bool:
        """Whether what is pushed first is a sum of outcomes, as without a list it always is."""
        return not self.aims or self.aims[0].has_points


def _said(objective: Objective) -> bool:
    return "normalise" in objective.model_fields_set


def _of_first(first: Any) -> tuple[dict[str, Fraction], Normalise]:
    """Weights and scale of the first aim of a list, as far as they can be read."""
    with suppress(ValueError):
        aim = OrderedAim.model_validate(first)
        return aim.metrics, aim.scaled_by
    return {}, "none"
