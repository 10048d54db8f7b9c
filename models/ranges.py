"""How far an assumed number may lie from what is written: what a sensitivity analysis moves it by.

Stated beside the number (`range:` of a rule) or beside its source (`range:` of an entry of
sources.yaml); where neither says anything, `DEFAULT` stands in and is named an assumption.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, model_validator

from models.exact import NotNegative
from models.strict import Strict

Ends = tuple[NotNegative, NotNegative]


class Range(Strict):
    """`between: [0.2, 0.34]`, the two ends; or `times: [0.5, 2]`, the ends as multiples."""

    between: Ends | None = None
    times: Ends | None = None

    @model_validator(mode="after")
    def _is_one_and_in_order(self) -> Range:
        if (self.between is None) == (self.times is None):
            raise ValueError("a range has between or times, one of them")
        low, high = self.between or self.times or (Fraction(0), Fraction(0))
        if low >= high:
            raise ValueError("the first end of a range must be below the second")
        return self

    def ends(self, now: Fraction) -> tuple[Fraction, Fraction]:
        """The two ends for a number that is `now`."""
        if self.between is not None:
            return self.between
        low, high = self.times or (Fraction(1), Fraction(1))
        return now * low, now * high


def _range(value: object) -> object:
    return {"between": value} if isinstance(value, list | tuple) else value


RangeField = Annotated[Range | None, BeforeValidator(_range)]
"""A range; a bare list `[0.2, 0.34]` gives the two ends."""

DEFAULT = Range.model_validate({"times": ["0.9", "1.1"]})
"""Ten percent down and up: an assumption of ours, for numbers whose range nobody has stated."""
