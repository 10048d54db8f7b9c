"""The corners of a concave piecewise linear function, found from values and slopes at few places.

Two supporting lines meet at a corner, or above the function: then the function is asked there and
both sides are looked at. Nothing is missed, however close the corners lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MOST = 20_000
"""So many times the function may be asked."""


@dataclass(frozen=True)
class Place:
    """The function at one value: a slope there is that of either side."""

    at: float
    height: float
    slope: float


@dataclass(frozen=True)
class Corner:
    """Where the slope changes, or an end; `slope` is that to the right, None at the last."""

    at: float
    height: float
    slope: float | None


def corners(function: Callable[[float], Place], low: float, high: float) -> list[Corner]:
    """The ends and every corner between them, rising; `function` is concave on the interval.

    Raises RuntimeError after `MOST` questions: the function is not what it should be.
    """
    if low == high:
        only = function(low)
        return [Corner(low, only.height, None)]
    asked = _Asked(function)
    first, last = asked(low), asked(high)
    reach = max(abs(first.height), abs(last.height), abs(last.slope) * (high - low), 1e-12)
    span = _Span(asked, 1e-9 * reach, 1e-9 * (high - low))
    segments = span.segments(first, last)
    found = [Corner(segments[0][0].at, segments[0][0].height, segments[0][1])]
    for place, slope in segments[1:]:
        if abs(slope - (found[-1].slope or 0.0)) * (high - low) > 1e-7 * reach:
            found.append(Corner(place.at, place.height, slope))
    return [*found, Corner(last.at, last.height, None)]


class _Asked:
    def __init__(self, function: Callable[[float], Place]) -> None:
        self._function, self._left = function, MOST

    def __call__(self, at: float) -> Place:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError("the value function has no end of corners")
        return self._function(at)


@dataclass(frozen=True)
class _Span:
    asked: _Asked
    height: float
    """Differences in height below this are the solver's."""
    width: float

    def segments(self, one: Place, other: Place) -> list[tuple[Place, float]]:
        """(where it begins, its slope) of each straight piece between two places."""
        pieces: list[tuple[Place, float]] = []
        open_ = [(one, other)]
        while open_:
            left, right = open_.pop()
            slope = self._straight(left, right)
            if slope is None:
                middle = self.asked(self._meet(left, right))
                open_ += [(middle, right), (left, middle)]
            else:
                pieces.append((left, slope))
        return pieces

    def _straight(self, left: Place, right: Place) -> float | None:
        """The slope between two places; None where the function is not straight there."""
        run = right.at - left.at
        if _over(left, right) <= self.height:
            return left.slope
        if _over(right, left) <= self.height:
            return right.slope
        return (right.height - left.height) / run if run <= self.width else None

    def _meet(self, left: Place, right: Place) -> float:
        """Where the supporting lines of two places meet."""
        run, over = right.at - left.at, _over(right, left)
        at = left.at + over * run / (_over(left, right) + over)
        return min(max(at, left.at + self.width / 2), right.at - self.width / 2)


def _over(one: Place, other: Place) -> float:
    """How far the line of `one` runs above the function at `other`."""
    return one.height + one.slope * (other.at - one.at) - other.height
