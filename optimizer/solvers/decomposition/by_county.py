"""A mixed-integer model solved by its counties: bound, choice among subsets, proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import floor, inf
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from models.errors import NoAnswerError
from optimizer.formulation.model import Floats, Ints, Model
from optimizer.quality import shortfall
from optimizer.solvers.base import Answer, Clock, Effort, Engine, Limit, Outcome
from optimizer.solvers.decomposition.blocks import Blocks, find_blocks
from optimizer.solvers.decomposition.bound import CLOSE, Priced, Start, best_prices
from optimizer.solvers.decomposition.choice import Pairs, pairs_within
from optimizer.solvers.decomposition.dive import Dive
from optimizer.solvers.decomposition.mixture import KeptPlans, settled
from optimizer.solvers.decomposition.one_by_one import MOST_PAIRS, one_by_one
from optimizer.solvers.decomposition.pricing import all_worths, foremost_worths
from optimizer.solvers.decomposition.tree import Reached, every_choice

_FIRST, _MORE = 16, 4
"""Pairs beside the best ones that are tried first, and how many times more where that yields
none."""
_CLOSER, _BRANCHES, _MANY = 64, 60, 256
"""So many then; then all that may stand in a choice better by more than the gap, where they are
few; each in so many branches. More than the third are not worth it for an answer that is near: 306
and 365 took 9 s and closed nothing, 240 take 2."""
_DEFAULT, _GOOD = 5e-5, 3e-4
"""Where no smaller gap than this is asked for, an answer as near as that is left as it is: to find
a nearer one takes ten times as long, and the gap is told."""
_FEW, _SOON = 2, (64, 128)
"""So few where any answer will do; where the first within the gap is enough, so many."""
_SOON_BRANCHES = 60
"""Branches that each search may take there: what they do not reach is told as a gap."""
_PLANS_SHARE = 0.25
"""Of the gap asked for, what a program of few plans may leave of what these are worth."""
_ROUGHLY, _OWN = 1e-5, 200.0
"""Where any answer will do: how near prices come to their best, as a share of the bound; how much
more a model's own costs count than those of a guide."""
_TIED, _ROUND = 8, 0.5
"""Where so many times as many pairs lose as little as those that are asked for."""
_HAIR, _CLOSED, _STEP_HAIR, _KEPT = 1e-12, 1e-9, 1e-6, 1e-6
_DEAR = 100.0
"""How many times as much as usual breaking a row costs, where prices show no way to keep all."""
_PRICINGS = 2000
"""How often all counties may be priced to close a gap before the model is solved as one, or few
pairs are left to programs."""
_FIRST_SHARE, _SHARE = 0.5, 0.99
"""Of the gap asked for, what a choice among pairs may leave: the first one, for its pairs leave a
part of it too; one among all that may stand in a better choice, where that is all there is."""
_PRICE_SHARE = 0.5
"""Of the time there is, for prices; the rest is for the choice."""
_PRICE_GAP = 0.04
"""Of the gap asked for, what prices may leave where the first answer within it is enough."""


def by_county(engine: Engine, *, goes_on: bool = True, start: Start | None = None) -> Engine:
    """A solver that takes a mixed-integer model apart by counties where it comes apart.

    Where it does not, and where the gap asked for is not reached so and it `goes_on`, `engine`
    solves it as one, from the best that was found. `start`: of a like model, where the search for
    prices begins.
    """

    def solve(model: Model, effort: Effort) -> Answer:
        if model.is_lp:
            return engine(model, effort)
        clock = Clock(effort.time_limit)
        answer = solved_by_county(model, effort, engine, start)
        left = replace(effort, time_limit=clock.left())
        if answer is None:
            return engine(model, left)
        if answer.outcome == "optimal" or not goes_on or clock.is_over():
            return answer
        if _is_good(effort, answer.gap or 0.0):
            return answer
        whole = engine(model, replace(left, start=answer.values))
        return _better(answer, whole, effort.gap)

    return solve


def begun(model: Model, start: Start | None = None, close: float = CLOSE) -> Start | None:
    """Where the search of models like this one may begin; None where it does not come apart, or
    prices show that nothing keeps its rows. `start`: of a like model; `close`: how near prices
    come to their best, as a share of the bound."""
    try:
        if model.is_lp:
            return None
        found = (
            _priced(model, inf, close) if start is None else _priced_from(model, inf, close, start)
        )
    except NoAnswerError:
        return None
    return None if found is None else Start(*found)


def row_prices(model: Model, seconds: float | None = None) -> Floats | None:
    """[row] prices at which the counties bound a mixed-integer model most tightly, as far as they
    are found in so many `seconds`, 0 of a row that couples none; None where it does not come
    apart."""
    if model in _KNOWN:
        return _KNOWN[model]
    deadline = inf if seconds is None else time.monotonic() + seconds
    found = _priced(model, deadline, CLOSE)
    if found is None:
        return None
    return _all_prices(*found)


_KNOWN: WeakKeyDictionary[Model, Floats] = WeakKeyDictionary()
"""[row] prices of models that were searched, while they are in use: a certificate needs them once
more."""


def _all_prices(blocks: Blocks, priced: Priced) -> Floats:
    """[row] prices of the model's rows."""
    prices = np.zeros(len(blocks.model.row_lower))
    prices[blocks.rows] = priced.prices
    return prices


def _better(one: Answer, two: Answer, gap: float) -> Answer:
    """The better of two answers of a model, under the tighter of their bounds."""
    assert one.objective is not None and one.bound is not None
    best = one
    if two.objective is not None and two.objective > one.objective:
        best = two
    bound = one.bound if two.bound is None else min(one.bound, two.bound)
    bound = max(bound, best.objective or 0.0)
    closed = shortfall(bound, best.objective or 0.0, best.objective or 0.0) <= gap + _CLOSED
    seconds = one.seconds + two.seconds
    return replace(best, outcome="optimal" if closed else "feasible", bound=bound, seconds=seconds)


def solved_by_county(
    model: Model, effort: Effort, engine: Engine, start: Start | None = None
) -> Answer | None:
    """The answer of a mixed-integer model by decomposition; None where that yields none."""
    clock = Clock(effort.time_limit)
    deadline = _deadline(clock)
    rough = effort.soon or effort.rough
    close = max(effort.gap * _PRICE_GAP, CLOSE) if rough else CLOSE
    try:
        if start is None:
            found = _priced(model, deadline, close)
        elif start.blocks.model is model:
            found = start  # Of the very model: as near as whoever found it wanted.
        else:
            found = _priced_from(model, deadline, close, start)
        answer = None if found is None else _searched(*found, effort, engine, clock)
    except NoAnswerError:
        return None
    return answer if answer is None or _keeps_rows(model, answer) else None


def _keeps_rows(model: Model, answer: Answer) -> bool:
    """Whether an answer keeps a model's rows as near as solvers do: a choice may hang on less."""
    assert answer.values is not None
    activity = model.matrix @ answer.values
    slip = _KEPT * np.maximum(1.0, _KEPT * (abs(model.matrix) @ np.abs(answer.values)))
    return bool(
        (activity >= model.row_lower - slip).all() and (activity <= model.row_upper + slip).all()
    )


def _is_of_none(blocks: Blocks) -> bool:
    """Whether all that is pushed lies outside the counties, such as what shared rows give way by:
    then nothing that a county does is better or worse by itself."""
    outside = np.zeros(len(blocks.cost), dtype=bool)
    outside[blocks.free] = True
    return bool(blocks.cost[outside].any()) and not blocks.cost[~outside].any()


def _priced_from(
    model: Model, deadline: float, close: float, start: Start | None = None
) -> tuple[Blocks, Priced] | None:
    """A model's counties and the best prices of what couples them; None where it does not come
    apart, or prices show that nothing keeps its rows."""
    blocks = find_blocks(model)
    if blocks is None or _is_of_none(blocks):
        return None
    priced = best_prices(blocks, deadline, start, close)
    if priced.infeasible:
        # A row that holds what was reached before is dear to keep: many moves for little of it.
        blocks = replace(blocks, dear=_DEAR)
        priced = best_prices(blocks, deadline, start, close)
    if priced.infeasible:
        return None
    if start is None and close == CLOSE:  # As `row_prices` would find them.
        _KNOWN[model] = _all_prices(blocks, priced)
    return blocks, priced


class _NotApart(Exception):
    """Of a model that does not come apart: what is not kept, as it is soon found again."""


@lru_cache(maxsize=1)
def _last_priced(model: Model, deadline: float, close: float) -> tuple[Blocks, Priced]:
    found = _priced_from(model, deadline, close)
    if found is None:
        raise _NotApart
    return found


def _priced(model: Model, deadline: float, close: float) -> tuple[Blocks, Priced] | None:
    """As `_priced_from`; found once for all that is asked of a model before another comes apart."""
    try:
        return _last_priced(model, deadline, close)
    except _NotApart:
        return None


def _is_good(effort: Effort, gap: float) -> bool:
    """Whether an answer is near enough, where no smaller gap than usual is asked for."""
    return effort.gap >= _DEFAULT and gap <= _GOOD


def _searched(
    blocks: Blocks, priced: Priced, effort: Effort, engine: Engine, clock: Clock
) -> Answer | None:
    """A choice among the pairs that lose least; then, where the gap is still too wide, every one
    that could be better; or just the first that is close enough, among all that matter."""
    base = settled(blocks, priced)
    opened = np.zeros(blocks.counties, dtype=bool)
    opened[base.open] = True
    search = _Search(blocks, priced, base, opened, effort, engine, clock)
    best = search.begun()
    if best is None:
        return None
    if opened.all() and not effort.soon and search.may_go_on(best):
        best = search.closed(best)
    bound = best.bound
    values = blocks.spread @ best.values
    objective = float(blocks.model.cost[: len(values)] @ values)
    bound = max(bound, objective)
    closed = search.is_near(bound, objective)
    outcome: Outcome = "optimal" if closed else "feasible"
    return Answer(outcome, values, objective, bound, clock.spent(), apart=True)


def first_choice(
    model: Model, effort: Effort, engine: Engine, like: dict[bool, Start] | None = None
) -> Answer | None:
    """The best among the few pairs that lose least, whatever it leaves to the bound: an answer
    where any will do. None where the model does not come apart; `infeasible` where it has no costs
    and not even mixtures of the counties' plans keep its rows, `none` where nothing was found.

    Beside the model's own costs count those of the `guide`, so that not all are as good as others.
    `like`: of models without own costs, with the guide and without it, where prices ended and those
    of the next may begin; kept up to date.
    """
    clock, like = Clock(effort.time_limit), {} if like is None or model.cost.any() else like
    try:
        if not model.cost.any() and is_ruled_out(model, like, effort.time_limit):
            return Answer("infeasible", None, None, None, clock.spent(), apart=True)
        own = model.cost * (_OWN / (np.abs(model.cost).max(initial=0.0) or 1.0))
        guide = np.zeros(len(own)) if effort.guide is None else effort.guide
        guided = replace(model, cost=own + guide / (np.abs(guide).max(initial=0.0) or 1.0))
        found = _priced_like(guided, clock, like)
        if found is None:
            return None
        values = None if found[1].infeasible else _among_few(*found, effort, engine, clock)
    except NoAnswerError:
        values = None
    if values is None:
        return Answer("none", None, None, None, clock.spent(), apart=True)
    worth = float(model.cost @ values)
    return Answer("feasible", values, worth, None, clock.spent(), apart=True)


def is_ruled_out(
    model: Model, like: dict[bool, Start], seconds: float | None = None
) -> bool | None:
    """Whether prices show that nothing keeps the rows of a model without costs, cells funded or
    not; None where it does not come apart. `like` as in `first_choice`."""
    try:
        found = _priced_like(model, Clock(seconds), like)
    except NoAnswerError:
        return None
    return None if found is None else found[1].infeasible and found[1].bound < 0


def _priced_like(
    model: Model, clock: Clock, like: dict[bool, Start]
) -> tuple[Blocks, Priced] | None:
    """A model's counties and good prices of what couples them, begun where those of one like it
    ended; None where it does not come apart."""
    blocks, guided = find_blocks(model), bool(model.cost.any())
    if blocks is None:
        return None
    priced = best_prices(blocks, _deadline(clock), like.get(guided), _ROUGHLY)
    like[guided] = Start(blocks, priced)
    return blocks, priced


def _among_few(
    blocks: Blocks, priced: Priced, effort: Effort, engine: Engine, clock: Clock
) -> Floats | None:
    """[column] the best choice among few pairs, then among some more."""
    base, opened = settled(blocks, priced), np.zeros(blocks.counties, dtype=bool)
    opened[base.open] = True
    search = _Search(blocks, priced, base, opened, replace(effort, guide=None), engine, clock)
    loss = search.loss(len(base.open) + _FIRST)
    ladder = np.sort(loss[opened][np.isfinite(loss[opened])])
    for more in (_FEW, _FIRST):
        place = min(len(base.open) + more, len(ladder) - 1)
        found = search.among(loss, float(ladder[place]), None)
        if found is not None:
            return np.asarray(blocks.spread @ found.values)
    return None


def _deadline(clock: Clock) -> float:
    left = clock.left(_PRICE_SHARE)
    return inf if left is None else time.monotonic() + left


class _Choice(NamedTuple):
    """What a choice model came to."""

    values: Floats
    """[column] of the model, without totals."""
    objective: float
    bound: float
    """No choice at all is better."""


@dataclass(frozen=True)
class _Search:
    """What every choice model of one search has in common."""

    blocks: Blocks
    priced: Priced
    base: KeptPlans
    opened: NDArray[np.bool_]
    effort: Effort
    engine: Engine
    clock: Clock

    def begun(self) -> _Choice | None:
        """The best of the pairs that lose least, of more and more until there is any; where the
        first answer within the gap is enough, what is found on the way down to one, and none that
        takes more where it is asked for roughly."""
        kept = len(self.base.open)
        if self.effort.soon and self.opened.all():
            best = self.dived(self.loss(kept + _SOON[-1]))
            if best is not None:
                return best
        if self.effort.rough:
            best = self.climbed(self.loss(kept + _FIRST + 1), [kept + _FIRST], None)
            if best is not None or self.effort.soon:
                return best
        loss, more = self.loss(), _FIRST
        while True:
            best = self.climbed(loss, [kept + more], None)
            if best is not None or kept + more >= np.isfinite(loss).sum() or self.clock.is_over():
                return best
            more *= _MORE

    def climbed(self, loss: Floats, places: Sequence[int], best: _Choice | None) -> _Choice | None:
        """The best of so many pairs that lose least, of more and more until it is within the gap;
        none of those that lose too much to stand in a choice better than `best` by the gap."""
        ladder = np.sort(loss[self.opened][np.isfinite(loss[self.opened])])
        for place in places:
            allowed = float(ladder[min(place, len(ladder) - 1)])
            if best is not None:
                least = self.priced.bound - self.target(best)
                allowed = min(allowed, least + _HAIR * abs(self.priced.bound))
            begin = None if best is None else best.values
            if place < len(ladder) and self.is_tied(loss, allowed, place):
                found = self.best_of(self.met(loss), 0.0, begin)
            else:
                found = self.among(loss, allowed, begin)
            best = _better_choice(best, found)
            if (best is not None and self.is_within(best)) or self.clock.is_over():
                break
        return best

    def is_tied(self, loss: Floats, allowed: float, place: int) -> bool:
        """Whether many more pairs than asked for lose as little as the last of them."""
        return bool(np.count_nonzero(loss <= allowed) > _TIED * (place + 1))

    def met(self, loss: Floats) -> Pairs:
        """The pairs that were met on the way to the prices: where next to all pairs lose the same,
        these keep the rows together."""
        met = np.zeros(loss.shape, dtype=bool)
        subsets = self.blocks.subsets[None]
        for plan in self.priced.trail:
            funded = plan.values[self.blocks.funded] > _ROUND
            met |= (funded[:, None] == subsets).all(axis=2)
        return pairs_within(self.blocks, np.where(met, loss, inf), loss[met].max(), self.opened)

    def dived(self, loss: Floats) -> _Choice | None:
        """The first choice within the gap among the pairs that lose least, or the best one met
        within a budget of branches."""
        ladder = np.sort(loss[np.isfinite(loss)])
        found: list[tuple[float, int, Ints]] = []
        for number, more in enumerate(_SOON):
            place = min(self.blocks.counties + more, len(ladder) - 1)
            allowed = float(ladder[place])
            if self.is_tied(loss, allowed, place):
                pairs = self.met(loss)
            else:
                pairs = pairs_within(self.blocks, loss, allowed, self.opened)
            dive = Dive(pairs, self.priced.bound, self.goal)
            dive.down(self.priced.prices, _SOON_BRANCHES)
            if dive.best is not None:
                found.append((dive.best[0], number, dive.best[1]))
            if dive.reaches or self.clock.is_over():
                break
        else:
            left = self.clock.left()
            gap = self.effort.gap * _PLANS_SHARE
            effort = Effort(gap, left, target=self.goal, nodes=_SOON_BRANCHES)
            answer = self.engine(dive.program(), effort)
            if answer.values is not None and answer.objective is not None:
                found.append((answer.objective, -1, dive.chosen(answer.values)))
        return self.of_subsets(max(found)[-1]) if found else None

    def closed(self, best: _Choice) -> _Choice:
        """The best of some more pairs; of all that may stand in a choice better by more than the
        gap; then of such choices, one by one."""
        most = _PRICINGS if self.effort.pricings is None else self.effort.pricings
        if not most or self.effort.rough:
            return best
        nodes = min(_BRANCHES, self.effort.nodes or _BRANCHES)
        few = replace(self, effort=replace(self.effort, nodes=nodes))
        loss = self.loss()
        best = few.climbed(loss, [len(self.base.open) + _CLOSER], best) or best
        count = self.left(loss, best)
        gap = shortfall(best.bound, best.objective, best.objective)
        if count > _MANY and _is_good(self.effort, gap):
            return best
        if count <= MOST_PAIRS and self.may_go_on(best):
            allowed = self.priced.bound - self.target(best)
            best = _better_choice(best, few.among(loss, allowed, best.values)) or best
        if (count <= MOST_PAIRS or self.effort.gap < _DEFAULT) and self.may_go_on(best):
            best = self.read(loss, best, most)
        return best

    def may_go_on(self, best: _Choice) -> bool:
        """Whether the gap is still too wide, and time is left."""
        return not (self.is_within(best) or self.clock.is_over())

    def target(self, best: _Choice) -> float:
        """What a choice must come to that is better by more than the gap."""
        least = max(self.effort.gap, _CLOSED / 2) * abs(best.objective)
        return best.objective + max(least, self.effort.step * (1 - _STEP_HAIR))

    def left(self, loss: Floats, best: _Choice) -> int:
        """How many pairs may stand in such a choice."""
        return int((loss <= self.priced.bound - self.target(best)).sum())

    def read(self, loss: Floats, best: _Choice, most: int) -> _Choice:
        """The best of the choices that are better by more than the gap, one by one, in so many
        pricings."""

        def by_subset(subset: Ints) -> float:
            nonlocal best
            found = self.of_subsets(subset)
            if found is not None and found.objective > best.objective:
                best = found._replace(bound=best.bound)
            return self.target(best)

        limit = Limit(most, self.clock)
        reached = every_choice(self.blocks, self.priced, loss, self.target(best), by_subset, limit)
        return best._replace(bound=min(best.bound, max(reached.bound, best.objective)))

    def loss(self, fewest: int | None = None) -> Floats:
        """[county, subset] what a pair loses against its county's best; of the `fewest` that lose
        least, at the least, and infinite for the others; as of counties that keep their plan."""
        if fewest is None:
            return self._losses
        best = self.priced.plans.worth
        worths = foremost_worths(self.blocks, self.priced.cells, best, fewest, self.opened)
        return np.asarray(best[:, None] - worths)

    @cached_property
    def _losses(self) -> Floats:
        return _losses(self.blocks, self.priced, self.opened)

    def is_within(self, best: _Choice) -> bool:
        """Whether a choice is within the gap asked for."""
        return self.is_near(best.bound, best.objective, 0.0)

    def is_near(self, bound: float, objective: float, hair: float = _CLOSED) -> bool:
        """Whether a bound leaves nothing better than an objective, but for the gap asked for."""
        if bound - objective < self.effort.step * (1 - _STEP_HAIR):
            return True
        return shortfall(bound, objective, objective) <= self.effort.gap + hair

    @property
    def goal(self) -> float:
        """What an answer comes to that is just within the gap of the bound."""
        bound, gap = self.priced.bound, self.effort.gap
        return bound - abs(bound) * gap / (1 + gap)

    def of_subsets(self, subset: Ints) -> _Choice | None:
        """The best choice where each county has its subset, [county]; no other is bounded by it."""
        return self.best_of(Pairs(self.blocks, np.arange(self.blocks.counties), subset), 0.0)

    def among(self, loss: Floats, allowed: float, start: Floats | None) -> _Choice | None:
        """The best choice of pairs that lose no more than `allowed`; None where none was found."""
        pairs = pairs_within(self.blocks, loss, allowed, self.opened)
        return self.best_of(pairs, allowed if self.opened.all() else 0.0, start)

    def best_of(self, pairs: Pairs, others: float, start: Floats | None = None) -> _Choice | None:
        """The best choice of some pairs; a choice with any other loses more than `others`."""
        begin = None if start is None else pairs.start(start)
        worth, bound, target = self.base.worth, self.priced.bound, None
        step = self.effort.step
        if self.effort.soon:
            target = self.goal - worth
        elif step:
            target = floor(bound / step + _STEP_HAIR) * step - worth - step * _STEP_HAIR
        effort = replace(
            self.effort,
            gap=self.effort.gap * (_FIRST_SHARE if start is None else _SHARE),
            start=begin,
            time_limit=self.clock.left(),
            plain=True,
            # Where any near answer will do, one that reductions lead to is the nearer.
            tight=not self.effort.rough and len(pairs.county) <= self.blocks.counties + _CLOSER,
            target=target,
            nodes=_SOON_BRANCHES if self.effort.soon else self.effort.nodes,
        )
        answer = self.engine(pairs.model(self.base.taken), effort)
        if answer.values is None or answer.objective is None:
            return None
        values = pairs.written(answer.values, self.base.values)
        objective, most = answer.objective + worth, bound
        if answer.bound is not None:
            most = min(bound, max(answer.bound + worth, bound - others, objective))
        return _Choice(values, objective, most)


def _better_choice(one: _Choice | None, two: _Choice | None) -> _Choice | None:
    """The better of two choices, under the tighter of their bounds."""
    if one is None or two is None:
        return one or two
    best = two if two.objective > one.objective else one
    return best._replace(bound=max(best.objective, min(one.bound, two.bound)))


def _losses(blocks: Blocks, priced: Priced, counties: NDArray[np.bool_]) -> Floats:
    """[county, subset] what a pair loses, infinite for others than these counties."""
    return np.asarray(priced.plans.worth[:, None] - all_worths(blocks, priced.cells, counties))


def read_choices(
    model: Model, target: float, read: Callable[[Floats], float], limit: Limit
) -> Reached | None:
    """Read all choices of funded cells of a mixed-integer model whose bound is `target` or more,
    each as [column] 1 where a cell is funded; None where the model does not come apart.

    `read` returns the target from then on.
    """
    found = _priced(model, inf, CLOSE)
    if found is None:
        return None
    blocks, priced = found

    def by_cell(subset: Ints) -> float:
        values = np.zeros(len(blocks.cost))
        values[blocks.funded] = blocks.funded_by(subset)
        if blocks.untouched is not None:
            values[blocks.untouched.columns] = ~blocks.is_left_alone(subset)
        nonlocal target
        target = read(values[: len(model.cost)])
        return target

    everyone = np.ones(blocks.counties, dtype=bool)
    loss = _losses(blocks, priced, everyone)

    def left() -> Pairs:
        return pairs_within(blocks, loss, priced.bound - target, everyone)

    if limit.by_program and len(left().county) <= MOST_PAIRS:
        first = limit._replace(pricings=min(limit.pricings, _PRICINGS))
        reached = every_choice(blocks, priced, loss, target, by_cell, first)
        if not reached.closed:
            reached = one_by_one(left(), reached.bound, target, by_cell, limit)
        if reached.closed or limit.pricings <= first.pricings:
            return reached
    return every_choice(blocks, priced, loss, target, by_cell, limit)
