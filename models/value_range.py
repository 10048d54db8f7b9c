"""How far an assumed number may lie from what is written, and how likely it is where.

Stated beside the number (`range:` of a rule) or beside its source (`range:` of an entry of
sources.yaml); where neither says anything, `DEFAULT` stands in and is named an assumption.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, model_validator

from models.exact import NotNegative, exact_text, parse_share
from models.strict_yaml import Strict

Shape = Literal["uniform", "triangular", "normal", "log-normal", "beta", "discrete"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
Ends = tuple[NotNegative, ...]


class ValueRange(Strict):
    """`between: [0.2, 0.34]`, the two ends; or `times: [0.5, 2]`, the ends as multiples.

    Between the ends of a uniform, triangular or beta range lies all of it, between those of a
    normal or log-normal one nine tenths, a twentieth beyond each. A discrete one lists its values.
    """

    between: Ends | None = None
    times: Ends | None = None
    shape: Shape = "uniform"
    mode: NotNegative | None = None
    """The likeliest value of a triangular range, as the ends are given; what is written, unless
    said."""
    alpha: NotNegative | None = None
    beta: NotNegative | None = None
    """The two exponents of a beta range, above 0."""
    weights: tuple[NotNegative, ...] = ()
    """How likely each value of a discrete range is, in any unit; all alike, unless said."""

    @model_validator(mode="after")
    def _is_one_and_in_order(self) -> ValueRange:
        if (self.between is None) == (self.times is None):
            raise ValueError("a range has between or times, one of them")
        if self.shape != "discrete" and len(self.listed) != 2:
            raise ValueError("a range has two ends; only a discrete one lists its values")
        if any(a >= b for a, b in zip(self.listed, self.listed[1:], strict=False)):
            raise ValueError("the first end of a range must be below the second")
        self._check_shape()
        return self

    def _check_shape(self) -> None:
        for name, shape in (
            ("mode", "triangular"),
            ("alpha", "beta"),
            ("beta", "beta"),
            ("weights", "discrete"),
        ):
            if name in self.model_fields_set and self.shape != shape:
                raise ValueError(f"{name} goes with shape: {shape}")
        if self.shape == "beta" and not (self.alpha and self.beta):
            raise ValueError("a beta range needs alpha and beta, both above 0")
        if self.mode is not None and not self.listed[0] <= self.mode <= self.listed[-1]:
            raise ValueError("the mode must lie between the ends")
        if self.shape == "log-normal" and not self.listed[0]:
            raise ValueError("a log-normal range needs ends above 0")
        if self.weights and (len(self.weights) != len(self.listed) or not sum(self.weights)):
            raise ValueError("a weight is due for each value, not all of them 0")

    @property
    def listed(self) -> tuple[Fraction, ...]:
        """The ends, or the values of a discrete range, as they are given."""
        return self.between or self.times or ()

    def values(self, now: Fraction) -> tuple[Fraction, ...]:
        """The ends, or all values of a discrete range, for a number that is `now`."""
        by = 1 if self.between is not None else now
        return tuple(one * by for one in self.listed)

    def ends(self, now: Fraction) -> tuple[Fraction, Fraction]:
        """The two ends for a number that is `now`."""
        values = self.values(now)
        return values[0], values[-1]


def _range(value: object) -> object:
    return {"between": value} if isinstance(value, list | tuple) else value


RangeField = Annotated[ValueRange | None, BeforeValidator(_range)]
"""A range; a bare list `[0.2, 0.34]` gives the two ends."""

DEFAULT = ValueRange.model_validate({"times": ["0.9", "1.1"]})
"""Ten percent down and up: an assumption of ours, for numbers whose range nobody has stated."""


def range_within(text: str) -> ValueRange:
    """`20%` or `±20%`: so much down and up, all of it as likely. Raises ValueError."""
    share = parse_share(text.strip().removeprefix("±"))
    if not share:
        raise ValueError("a range of 0% leaves nothing to draw; leave the number out")
    ends = [exact_text(1 - share), exact_text(1 + share)]
    return ValueRange.model_validate({"times": ends})
