"""Draws of assumed numbers, each from a hash of its own: so anybody can work one out again.

The uniform number of a draw is SHA-256 of `seed`, the draw's number and the path. Nothing depends
on what was drawn before, in which order, or by how many workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from models.exact import exact_text
from models.value_range import ValueRange
from optimizer.study.assumed_numbers import Assumption
from optimizer.study.design import Point

Floats = NDArray[np.float64]
_BITS = 53
_TWENTIETH = 0.05


@dataclass(frozen=True, eq=False)
class Draws:
    """What the drawn numbers of a scenario come to, draw by draw."""

    seed: int
    numbers: range
    """Of the draws, from 1."""
    values: Mapping[str, Floats]
    """Path → [draw] the number; those that are not drawn are left out."""

    def __len__(self) -> int:
        """How many draws there are."""
        return len(self.numbers)

    def point(self, at: int) -> Point:
        """The numbers of one draw as paths and texts: a point of a study, to be solved or read."""
        return tuple(
            (path, exact_text(Fraction(repr(float(values[at])))))
            for path, values in self.values.items()
        )

    def cut(self, start: int, stop: int) -> Draws:
        """Those at `start` to before `stop`."""
        values = {path: values[start:stop] for path, values in self.values.items()}
        return Draws(self.seed, self.numbers[start:stop], values)


Related = tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]
"""Paths, and the correlation of each with each."""


def draw(
    assumed: Iterable[Assumption], numbers: range, seed: int, related: Related = ((), ())
) -> Draws:
    """Draws by their numbers; each path has a stream of its own.

    `related` ones are drawn together: the normal quantiles of their streams, mixed by the Cholesky
    factor of their correlations, say where in its own range each lies.
    """
    listed = tuple(assumed)
    shares = {one.path: uniform(seed, numbers, one.path) for one in listed}
    chosen = [at for at, path in enumerate(related[0]) if path in shares]
    if chosen:
        from scipy.special import ndtr, ndtri  # Only related numbers need them.

        matrix = np.array(related[1])[np.ix_(chosen, chosen)]
        paths = [related[0][at] for at in chosen]
        mixed = np.linalg.cholesky(matrix) @ ndtri(np.array([shares[path] for path in paths]))
        shares |= dict(zip(paths, ndtr(mixed), strict=True))
    values = {one.path: quantiles(one.range, Fraction(one.now), shares[one.path]) for one in listed}
    return Draws(seed, numbers, values)


def uniform(seed: int, numbers: Iterable[int], path: str) -> Floats:
    """[draw] a number between 0 and 1, neither of which it is: the first 53 bits of SHA-256 of
    `seed,draw,path`, and a half, over 2⁵³."""
    heads = (sha256(f"{seed},{number},{path}".encode()).digest()[:8] for number in numbers)
    whole = [int.from_bytes(head, "big") >> (64 - _BITS) for head in heads]
    return (np.array(whole, dtype=np.float64) + 0.5) / 2.0**_BITS


def quantiles(given: ValueRange, now: Fraction, shares: Floats) -> Floats:
    """Below which number such a share of the range lies; of a number below zero mirrored.

    A normal range has no part below zero: what would lie there is spread over the rest.
    """
    if now < 0:
        return -quantiles(given, -now, shares)
    values = np.array([float(one) for one in given.values(now)])
    low, high = values[0], values[-1]
    if given.shape == "discrete":
        return _listed(given, values, shares)
    if given.shape == "triangular":
        mode = now if given.mode is None else given.mode * (1 if given.between else now)
        return _triangular(low, high, min(max(float(mode), low), high), shares)
    if given.shape == "beta":
        assert given.alpha is not None and given.beta is not None
        from scipy.special import betaincinv  # Costs more than all else where ranges are uniform.

        inner = betaincinv(float(given.alpha), float(given.beta), shares)
        return np.asarray(low + inner * (high - low), dtype=np.float64)
    if given.shape == "uniform":
        return np.asarray(low + shares * (high - low), dtype=np.float64)
    from scipy.special import ndtr, ndtri  # As above.

    far = -ndtri(_TWENTIETH)
    if given.shape == "normal":
        mean, spread = (low + high) / 2, (high - low) / 2 / far
        below = ndtr(-mean / spread)
        return np.asarray(mean + spread * ndtri(below + shares * (1 - below)), dtype=np.float64)
    mean, spread = np.log(low * high) / 2, np.log(high / low) / 2 / far
    return np.asarray(np.exp(mean + spread * ndtri(shares)), dtype=np.float64)


def _triangular(low: float, high: float, mode: float, shares: Floats) -> Floats:
    wide = high - low
    rising = low + np.sqrt(shares * wide * (mode - low))
    falling = high - np.sqrt((1 - shares) * wide * (high - mode))
    return np.where(shares * wide < mode - low, rising, falling)


def _listed(given: ValueRange, values: Floats, shares: Floats) -> Floats:
    weights = given.weights or (Fraction(1),) * len(values)
    total = sum(weights, Fraction(0))
    ends = [float(end / total) for end in accumulate(weights)]
    at = np.searchsorted(np.array(ends[:-1]), shares, side="right")
    return np.asarray(values[at], dtype=np.float64)
