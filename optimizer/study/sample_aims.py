"""What is pushed over several samples of the rates at once: as rows of a model, and exactly.

Each aim is the least of many weighted sums of the samples: whatever weights it allows, the sum is a
bound of it that needs no row a sample and comes apart by counties as the objective itself does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from scipy import sparse

from optimizer.formulation.model import Floats, Model

_TINY = 1e-12


class ExtraRows(NamedTuple):
    """Columns and rows beside a model's own: extra columns are free or from zero on, and each row
    is at least `lower`."""

    tier: Floats
    """[row, tier column] coefficients of the tiers."""
    extra: Floats
    """[row, extra column]"""
    lower: Floats
    free: tuple[bool, ...]
    """[extra column] whether it may be below zero."""
    cost: Floats
    """[extra column]"""
    own: Floats
    """[tier column] what the tiers are worth by themselves."""


class Weighed(NamedTuple):
    """A weighted sum of samples that no allocation's aim is above."""

    cost: Floats
    """[tier column]"""
    constant: float


class SampleAim(ABC):
    """One aim over samples; samples come as points of the tiers, or as exact worths."""

    name: str

    @abstractmethod
    def rows(self, points: Floats) -> ExtraRows:
        """`points`: [sample, tier column] what the tiers are worth in each sample."""

    @abstractmethod
    def weighed(self, points: Floats, weights: Floats) -> Weighed:
        """The sum by some weights of the rows, made good where they are not allowed."""

    @abstractmethod
    def value(self, worths: Sequence[Fraction]) -> Fraction:
        """Exactly what the aim comes to; the more the better."""


@dataclass(frozen=True)
class ExpectedAim(SampleAim):
    """The mean over all samples."""

    name: str = "expected"

    def rows(self, points: Floats) -> ExtraRows:
        none = np.zeros((0, points.shape[1]))
        return ExtraRows(none, np.zeros((0, 0)), np.zeros(0), (), np.zeros(0), points.mean(axis=0))

    def weighed(self, points: Floats, weights: Floats) -> Weighed:
        return Weighed(points.mean(axis=0), 0.0)

    def value(self, worths: Sequence[Fraction]) -> Fraction:
        return _mean(worths)


@dataclass(frozen=True)
class TailAim(SampleAim):
    """The mean of the worst share `alpha` of the samples, taken in part where it is no whole
    number of them (CVaR); with `lean` the mean of all and so many times that."""

    alpha: Fraction
    lean: Fraction | None = None
    name: str = "cvar"

    @property
    def _mean_counts(self) -> float:
        return 0.0 if self.lean is None else 1.0

    @property
    def _tail_counts(self) -> float:
        return 1.0 if self.lean is None else float(self.lean)

    def rows(self, points: Floats) -> ExtraRows:
        count = len(points)
        extra = np.hstack([-np.ones((count, 1)), np.eye(count)])
        short = -self._tail_counts / (float(self.alpha) * count)
        cost = np.concatenate([[self._tail_counts], np.full(count, short)])
        free = (True, *[False] * count)
        own = self._mean_counts * points.mean(axis=0)
        return ExtraRows(points, extra, np.zeros(count), free, cost, own)

    def weighed(self, points: Floats, weights: Floats) -> Weighed:
        most = 1.0 / (float(self.alpha) * len(points))
        tail = _filled(weights, most) @ points
        return Weighed(self._mean_counts * points.mean(axis=0) + self._tail_counts * tail, 0.0)

    def value(self, worths: Sequence[Fraction]) -> Fraction:
        tail = tail_mean(worths, self.alpha)
        return tail if self.lean is None else _mean(worths) + self.lean * tail


@dataclass(frozen=True)
class RegretAim(SampleAim):
    """The largest regret, with its sign turned: in no sample is more lost against the best that was
    possible in it."""

    best: tuple[float, ...]
    """[sample] what was possible: no allocation is worth more."""
    name: str = "regret"

    def rows(self, points: Floats) -> ExtraRows:
        count = len(points)
        best = np.array(self.best)
        return ExtraRows(
            points,
            np.ones((count, 1)),
            best,
            (True,),
            np.array([-1.0]),
            np.zeros(points.shape[1]),
        )

    def weighed(self, points: Floats, weights: Floats) -> Weighed:
        share = _filled(weights, 1.0)
        return Weighed(share @ points, -float(share @ np.array(self.best)))

    def value(self, worths: Sequence[Fraction]) -> Fraction:
        pairs = zip(worths, self.best, strict=True)
        return min(worth - Fraction(best) for worth, best in pairs)


@dataclass(frozen=True)
class BudgetAim(SampleAim):
    """The worst that comes of it where no more than `gamma` numbers go to their bad end at once,
    the last of them in part (Bertsimas and Sim). The first sample is as assumed; each further one
    has one number at its bad end."""

    gamma: Fraction
    name: str = "budget"

    def rows(self, points: Floats) -> ExtraRows:
        count = len(points) - 1
        lost = points[0] - points[1:]
        extra = np.hstack([np.ones((count, 1)), np.eye(count)])
        cost = np.concatenate([[-float(self.gamma)], -np.ones(count)])
        return ExtraRows(-lost, extra, np.zeros(count), (False,) * (count + 1), cost, points[0])

    def weighed(self, points: Floats, weights: Floats) -> Weighed:
        hit = np.clip(weights, 0.0, 1.0)
        over = hit.sum() / max(float(self.gamma), _TINY)
        hit = hit / max(over, 1.0)
        return Weighed(points[0] - hit @ (points[0] - points[1:]), 0.0)

    def value(self, worths: Sequence[Fraction]) -> Fraction:
        lost = sorted((worths[0] - worth for worth in worths[1:]), reverse=True)
        lost = [max(one, Fraction(0)) for one in lost]
        whole = floor(self.gamma)
        part = (self.gamma - whole) * lost[whole] if whole < len(lost) else Fraction(0)
        return worths[0] - sum(lost[:whole], Fraction(0)) - part


def tail_mean(worths: Sequence[Fraction], alpha: Fraction) -> Fraction:
    """The mean of the worst share `alpha`, the last sample in part."""
    ordered, due = sorted(worths), alpha * len(worths)
    whole = floor(due)
    total = sum(ordered[:whole], Fraction(0))
    if ceil(due) > whole:
        total += (due - whole) * ordered[whole]
    return total / due


def laid(model: Model, rows: ExtraRows) -> Model:
    """A model that pushes an aim over samples: further columns and rows come last."""
    count, more = rows.extra.shape
    columns = len(model.cost)
    cost = model.cost.copy()
    cost[model.grid.tier] = rows.own
    if not count:
        return replace(model, cost=cost)
    # Rows in the size of money: coefficients of one, whatever the samples are worth.
    largest = float(np.abs(rows.tier).max(initial=0.0)) or 1.0
    inner = sparse.csr_matrix(rows.tier / largest)
    inner = sparse.csr_matrix(
        (inner.data, model.grid.tier[inner.indices], inner.indptr), shape=(count, columns)
    )
    wide = sparse.hstack([model.matrix, sparse.csr_matrix((model.matrix.shape[0], more))])
    block = sparse.hstack([inner, sparse.csr_matrix(rows.extra)])
    least = [-np.inf if free else 0.0 for free in rows.free]
    return replace(
        model,
        cost=np.append(cost, rows.cost * largest),
        lower=np.append(model.lower, least),
        upper=np.append(model.upper, np.full(more, np.inf)),
        integer=np.append(model.integer, np.zeros(more, dtype=bool)),
        matrix=sparse.vstack([wide, block], format="csr"),
        row_lower=np.append(model.row_lower, rows.lower / largest),
        row_upper=np.append(model.row_upper, np.full(count, np.inf)),
    )


def weights_of(prices: tuple[Floats, Floats], rows: ExtraRows) -> Floats:
    """[row] the weights that a linear program's answer gives the rows `laid` put last."""
    count = len(rows.lower)
    largest = float(np.abs(rows.tier).max(initial=0.0)) or 1.0
    return np.asarray(np.maximum(-prices[1][len(prices[1]) - count :], 0.0) / largest)


def _filled(weights: Floats, most: float) -> Floats:
    """Weights that add up to 1, none above `most`: what is left goes to all that have room."""
    share = np.clip(weights / max(weights.sum(), _TINY), 0.0, most)
    for _ in range(len(share)):
        left = 1.0 - share.sum()
        if left <= _TINY:
            break
        room = share < most
        share = np.where(room, np.minimum(share + left / max(room.sum(), 1), most), share)
    return np.asarray(share, dtype=np.float64)


def _mean(worths: Sequence[Fraction]) -> Fraction:
    return sum(worths, Fraction(0)) / len(worths)
