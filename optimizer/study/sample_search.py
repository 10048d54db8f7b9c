"""The allocation that is best over samples: one model with a row a sample where that is small, else
weights of the samples, whose sum is searched by counties, and whole units near its funded cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import inf

import numpy as np

from models.allocation import Allocation
from models.errors import AllotError, InfeasibleError, NoAnswer, NoAnswerError
from models.finding import Audit
from optimizer.audit import audit
from optimizer.formulation.edits import relaxed, with_integers_fixed, with_whole_money
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.rule_rows import Tightening
from optimizer.problem import Problem
from optimizer.quality import TOLERANCE, shortfall, widened
from optimizer.solve import NO_ALLOCATION
from optimizer.solvers import begun, pick_engine
from optimizer.solvers.base import Answer, Clock, Effort, Engine
from optimizer.strategies import Infeasible, ProblemModels
from optimizer.strategies.integer_rounding import to_whole_units
from optimizer.strategies.monolithic import DIRECT_CELLS, checked
from optimizer.strategies.tightening import as_allocation, until_kept
from optimizer.study.chances import ChanceRows, ChanceRule
from optimizer.study.sample_aims import ExpectedAim, ExtraRows, SampleAim, laid, weights_of
from optimizer.study.samples import Samples

_ROUNDS, _HELD_ROUNDS = 4, 40
"""How often weights are worked out anew; how often rows of samples join those that are held."""
_WORK, _LEAST_NODES = 40_000_000, 400
"""Columns × branches that a model with a row a sample may take, the same on every machine."""
_FOR_ROUNDING, _MARKS_GAP, _EACH_GAP = 0.1, 1e-3, 3e-4
_MARKS_NODES, _HELD_GAP = 30, 1e-3
_SLIPS = (1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
"""By what share of its bound a row of a sample is held stricter, attempt by attempt."""
_NOISE = 1e-7
_LESS = (0.0, 0.01, 0.03, 0.1, 0.3)
"""Shares by which less is asked than may be possible at all, until a table is found."""


class ChanceNotMet(AllotError):
    """No allocation keeps a rule in as many samples as are due."""

    exit_code = InfeasibleError.exit_code

    def __init__(self, rule: str, asked: Fraction, most: tuple[int, int, int]) -> None:
        """`most`: in how many samples an allocation was found to keep it, at the most in how many
        any may, of how many."""
        found, bound, count = most
        super().__init__(
            f"no allocation was found that keeps {rule} in {float(asked):.4g} of the draws: "
            f"the largest share that one was found for is {found} of {count} "
            f"({found / count:.4g}), and none keeps it in more than {bound}"
        )
        self.rule, self.asked, self.most = rule, asked, most


@dataclass(frozen=True)
class FoundOverSamples:
    """What a search over samples came to, in code order."""

    allocation: Allocation
    audit: Audit
    worth: Fraction
    """What the aim comes to, exactly."""
    bound: float | None
    """No allocation's aim is above it, by the solver's word, widened by its tolerance."""


@dataclass(eq=False)
class SampleSearch:
    """One problem, its samples, and the rules that are to be kept by chance."""

    problem: Problem
    samples: Samples
    chances: tuple[ChanceRule, ...]
    gap: float
    clock: Clock = field(default_factory=Clock)
    asks_most: bool = True
    """Whether a chance that is not met is answered with the largest that is."""
    _slip: int = 0

    def __post_init__(self) -> None:
        self._models = ProblemModels(self.problem)
        self._one: Engine = pick_engine("highs", "monolithic")[0]
        start = begun(self._models.whole)
        self._apart: Engine = pick_engine("highs", start=start)[0]
        self._soon: Engine = pick_engine("highs", "decomposed", start)[0]
        self._points = self.samples.points(self._models.whole)
        self._rows = tuple(
            ChanceRows.of(self._models.whole, self.samples, rule) for rule in self.chances
        )

    @property
    def is_small(self) -> bool:
        """Whether one model in whole units with all rows is searched."""
        return len(self.problem.codes) <= DIRECT_CELLS

    def best_of_each(self) -> tuple[float, ...]:
        """[sample] no allocation that keeps the rules is worth more in it, by the solver's word."""
        found = []
        for points in self._points:
            gap = self.gap if self.is_small else max(self.gap, _EACH_GAP)
            answer = self._weighed(self._models.whole, points, gap, self._soon)
            if answer.bound is None:
                raise NoAnswerError(NoAnswer.STOPPED)
            found.append(answer.bound)
        return tuple(found)

    def best(self, aim: SampleAim) -> FoundOverSamples:
        """The best allocation by an aim that keeps every rule, and those by chance as often as is
        due. Raises `InfeasibleError`, `ChanceNotMet` and `NoAnswerError`."""
        rows, bounds = aim.rows(self._points), list[float]()
        scenario = self.problem.scenario

        def attempt(tighten: Tightening) -> Iterable[Allocation]:
            model = self._models.model(True, tighten)
            answer, bound = self._answer(model, aim, rows)
            if not tighten and not bounds and bound is not None:
                bounds.append(bound)
            assert answer.values is not None
            self._slip += 1
            money = np.round(answer.values[model.grid.amount]).astype(int).tolist()
            return [as_allocation(scenario, money)]

        try:
            met = until_kept(attempt, lambda one: audit(scenario, one), self._is_good)
        except Infeasible:
            if self.asks_most:
                self._refuse_chance()
            raise InfeasibleError(NO_ALLOCATION) from None
        assert met is not None
        worth = aim.value(self.samples.worths(met[0])) - met[1].penalty
        bound = max(bounds[0], float(worth)) if bounds else None
        slip = TOLERANCE * max(abs(float(worth)), float(np.abs(self._points).max(initial=0.0)))
        told = None if bound is None else widened(bound, slip)
        return FoundOverSamples(*met, worth, told)

    def _is_good(self, allocation: Allocation, audited: Audit) -> bool:
        return not audited.unmet and all(
            sum(rule.kept(self.samples, allocation)) >= rule.due(len(self.samples))
            for rule in self.chances
        )

    def _answer(self, model: Model, aim: SampleAim, rows: ExtraRows) -> tuple[Answer, float | None]:
        """An answer in whole units, and a bound of the model as it is."""
        if self.is_small:
            answer = checked(self._directly(self._marked(laid(model, rows)), self.gap))
            return answer, answer.bound
        return self._by_weights(model, aim, rows)

    def _slip_now(self) -> float:
        return _SLIPS[min(self._slip, len(_SLIPS) - 1)]

    def _marked(self, model: Model) -> Model:
        for one in self._rows:
            model = one.marked(model, self._slip_now())
        return model

    def _directly(self, model: Model, gap: float) -> Answer:
        nodes = max(_LEAST_NODES, _WORK // len(model.cost))
        whole = with_whole_money(model)
        return self._one(whole, Effort(gap, self.clock.left(), stage="search", nodes=nodes))

    def _weighed(self, model: Model, points: Floats, gap: float, engine: Engine) -> Answer:
        """The model with other points of its tiers, by counties where it comes apart; in whole
        units where it is small."""
        cost = model.cost.copy()
        cost[model.grid.tier] = points
        priced = replace(model, cost=cost)
        if self.is_small:
            return checked(self._directly(priced, gap))
        effort = Effort(gap * (1 - _FOR_ROUNDING), self.clock.left(), stage="search", soon=True)
        return checked(engine(priced, effort))

    # By weights: a linear program with all rows says what each sample counts; the sum that counts
    # them so is searched by counties, and bounds the aim; with its funded cells the linear program
    # is solved again.

    def _by_weights(
        self, model: Model, aim: SampleAim, rows: ExtraRows
    ) -> tuple[Answer, float | None]:
        held, limit = self._held(model, rows)
        aimed = laid(held, rows)
        more = len(aimed.cost) - len(held.cost)
        found = checked(self._one(relaxed(aimed), Effort()))
        bound, best = found.objective if limit is None else limit, None
        # Many rows of samples couple the counties: there the first answer is good enough.
        how = (self.gap, self._apart) if held is model else (_HELD_GAP, self._soon)
        for _ in range(_ROUNDS):
            weighed = aim.weighed(self._points, _weights(found, rows))
            inner = self._weighed(held, weighed.cost, *how)
            assert inner.values is not None
            if inner.bound is not None and held is model:  # Else only of the samples chosen.
                bound = min(bound or inf, inner.bound + weighed.constant)
            fixed = with_integers_fixed(aimed, np.append(inner.values, np.zeros(more)))
            found = self._one(fixed, Effort())
            if found.values is None or found.objective is None:
                break
            better = best is None or found.objective > (best.objective or -inf) + _NOISE * self.gap
            best = found if better else best
            if not better or self._is_near(bound, best):
                break
        if best is None or best.values is None or best.objective is None:
            raise NoAnswerError(NoAnswer.STOPPED)
        stage, soon = (self._one, self.clock), self.gap * _FOR_ROUNDING
        whole, _ = to_whole_units(
            aimed, best.values, stage, aim=best.objective, enough=soon, soon=soon
        )
        if whole is None or whole.values is None:
            raise NoAnswerError(NoAnswer.NOT_WHOLE)
        return whole, bound

    def _is_near(self, bound: float | None, best: Answer | None) -> bool:
        if bound is None or best is None or best.objective is None:
            return False
        scale = max(abs(best.objective), abs(bound))
        return shortfall(bound, best.objective, scale) <= self.gap * (1 - _FOR_ROUNDING)

    def _held(self, model: Model, rows: ExtraRows) -> tuple[Model, float | None]:
        """The model with the rows of enough samples that chance rules are to be kept in; and a
        bound of the aim over all choices of samples. Without such rules the model itself."""
        if not self.chances:
            return model, None
        loose = relaxed(self._marked(laid(model, rows)))
        bound = checked(self._one(loose, Effort())).objective
        held = self._held_in_turn(model, rows, self._rows)
        if held is None:
            raise Infeasible
        return held, bound

    def _held_in_turn(
        self, model: Model, rows: ExtraRows, by_chance: Sequence[ChanceRows]
    ) -> Model | None:
        """The model with rows of the samples that leave a rule most room, as many as are due, row
        by row as the linear program breaks them; None where it then has no solution."""
        chosen, held = [np.zeros(len(self.samples)) for _ in by_chance], model
        for _ in range(_HELD_ROUNDS):
            answer = self._one(relaxed(laid(held, rows)), Effort())
            if answer.values is None:
                return None
            due = [self._due(one, held, answer.values) for one in by_chance]
            further = [np.maximum(new, had) for new, had in zip(due, chosen, strict=True)]
            if all((a == b).all() for a, b in zip(further, chosen, strict=True)):
                break
            chosen, held = further, model
            for one, have in zip(by_chance, chosen, strict=True):
                held = one.held(held, have, self._slip_now())
        return held

    def _due(self, one: ChanceRows, model: Model, values: Floats) -> Floats:
        """[sample] 1 for the one that a rule is broken most in, of as many as are due of those that
        leave it most: as a rule the others are then kept too."""
        room = one.room(model, values)
        most = np.argsort(-room, kind="stable")[: one.rule.due(one.samples)]
        due, worst = np.zeros(one.samples), most[-1]
        due[worst] = room[worst] < 0
        return due

    def _refuse_chance(self) -> None:
        """Raise `ChanceNotMet` where the rules can be kept, and one by chance not as often as is
        due, with the largest share that an allocation was found for; `NoAnswerError` where that is
        so of several together."""
        model = self._models.whole
        plain = self._directly(model, 1.0) if self.is_small else self._one(relaxed(model), Effort())
        if plain.values is None or not self.chances:
            return
        expected = ExpectedAim().rows(self._points)
        for one in self._rows:
            if not self.is_small and self._held_in_turn(model, expected, [one]) is not None:
                continue
            marked = one.marked(model, self._slip_now(), due=False)
            cost = np.zeros(len(marked.cost))
            cost[len(cost) - one.samples :] = 1.0
            counted = replace(marked, cost=cost)
            answer = self._directly(counted, 0.0) if self.is_small else self._most_marks(counted)
            if answer.values is None or answer.bound is None:
                continue
            bound = int(np.floor(answer.bound + 10 * _NOISE))
            if bound < one.rule.due(one.samples):
                found = self._found_most(answer, one, bound)
                raise ChanceNotMet(one.rule.rule.id, one.rule.at_least, (found, bound, one.samples))
        names = ", ".join(one.rule.id for one in self.chances)
        raise NoAnswerError(f"no allocation was found that keeps these by chance: {names}")

    def _most_marks(self, model: Model) -> Answer:
        """Most samples, with cells funded in part."""
        integer = model.integer.copy()
        integer[model.grid.funded if model.grid.funded is not None else []] = False
        loose = replace(model, integer=integer)
        effort = Effort(_MARKS_GAP, self.clock.left(), nodes=_MARKS_NODES, plain=True)
        return self._one(loose, effort)

    def _found_most(self, answer: Answer, one: ChanceRows, bound: int) -> int:
        """In how many samples a table that was found keeps a rule, exactly."""
        if self.is_small and answer.values is not None:
            money = np.round(answer.values[self._models.whole.grid.amount]).astype(int).tolist()
            table = as_allocation(self.problem.scenario, money)
            if not audit(self.problem.scenario, table).unmet:
                return sum(one.rule.kept(self.samples, table))
        for less in _LESS:
            share = Fraction(int(bound * (1 - less)), one.samples)
            easier = replace(
                self, chances=(replace(one.rule, at_least=share),), asks_most=False, _slip=0
            )
            try:
                met = easier.best(ExpectedAim())
            except AllotError:
                continue
            return sum(one.rule.kept(self.samples, met.allocation))
        return 0


def _weights(answer: Answer, rows: ExtraRows) -> Floats:
    """What each row counts, by an answer of a linear program; all alike where it says nothing."""
    if answer.prices is None or not len(rows.lower):
        return np.ones(len(rows.lower))
    return weights_of(answer.prices, rows)
