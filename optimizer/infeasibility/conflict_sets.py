"""Sets of limits in conflict, of which none can be spared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from models.certificate import Multiplier
from models.remedies import Member
from optimizer.audit.certify import prove_conflict
from optimizer.formulation.edits import without_rows
from optimizer.formulation.model import Model
from optimizer.infeasibility.elastic import GivingRows, elastic
from optimizer.infeasibility.trial import ConflictContext
from optimizer.solvers import hot_model

if TYPE_CHECKING:
    from optimizer.solvers.highs_lp import HotModel

Item = TypeVar("Item", bound=Hashable)
_MOST_LIMITS = 400
"""Up to so many limits a conflict is taken apart limit by limit, else rule by rule only."""
_MOST_CONFLICTS = 5
_PRICED, _MISSED = 1e-9, 1e-6


Broken = Callable[[Sequence[Item], Sequence[Item]], Sequence[Item] | None]
"""None where the first items cannot all be kept; else those of the others that are broken where
the first are."""


def irreducible(items: Sequence[Item], broken: Broken[Item]) -> list[Item]:
    """A part of `items` that is in conflict, and is not without any one of them.

    All of them together cannot be kept. A deletion filter: what is not needed for the conflict
    goes, many at a time first, one by one at the end; what was the only one to be broken is needed.
    """
    kept, chunk, needed = list(items), max(1, len(items) // 2), set[Item]()
    while True:
        start = 0
        while start < len(kept):
            out, rest = kept[start : start + chunk], kept[:start] + kept[start + chunk :]
            found = out if needed.intersection(out) else broken(rest, out)
            if found is None:
                kept = rest
                continue
            if len(found) == 1:
                needed.update(found)
            start += chunk
        if chunk == 1:
            return kept
        chunk = max(1, chunk // 2)


@dataclass(frozen=True)
class Conflict:
    """Limits that cannot be kept together; none of them can be spared for that."""

    members: tuple[Member, ...]
    is_proved: bool
    """In exact arithmetic: multipliers of its limits add up to less than nothing; else it is what
    the solver says."""

    def has(self, name: str) -> bool:
        """Whether a limit of this rule (or the budget) is among them."""
        return any(member.rule == name for member in self.members)


class _Unsettled(Exception):
    """The solver did not say in its time whether some limits can be kept."""


@dataclass(frozen=True)
class _Limit:
    """One limit in its own row."""

    rule: str
    key: tuple[str, ...]
    row: int
    unit: float
    """What one unit of the rule's value is in the row's numbers."""


class ConflictSearch:
    """The search for sets of limits that cannot be kept together."""

    def __init__(self, context: ConflictContext, *, relaxation: bool = False) -> None:
        """With `relaxation` only conflicts that are there with cells funded in part: at once."""
        self._context, self._relaxation = context, relaxation
        names = ["budget", *(rule.id for rule in context.rules)]
        self._model: Model = context.model(apart=names)
        self._limits = [
            _Limit(limit.rule, key, int(row), float(unit))
            for limit in self._model.limits
            if limit.rule in names
            for key, row, unit in zip(
                limit.keys, limit.rows, limit.scale * limit.heads, strict=True
            )
        ]
        self._per = {rule.id: rule.per for rule in context.rules}

    def sets(self, most: int = _MOST_CONFLICTS) -> tuple[Conflict, ...]:
        """Conflicts that share no limit, each irreducible; those that the solver could settle."""
        found: list[Conflict] = []
        left = self._limits
        with suppress(_Unsettled):
            while len(found) < most and (core := self._core(left)) is not None:
                taken, told = self._reduced(core)
                if not taken:
                    break  # Locks or cells alone are in conflict: no limit stands against another.
                found.append(Conflict(told, self._is_proved(taken)))
                rows = {limit.row for limit in taken}
                left = [limit for limit in left if limit.row not in rows]
        return tuple(found)

    def _core(self, limits: Sequence[_Limit]) -> Sequence[_Limit] | None:
        """Some of the limits that are in conflict; None where they are not known to be.

        Where the relaxation is in conflict already, what it takes to miss the limits by least has
        a price at just those that stand against each other.
        """
        if self._relaxation or self._context.whole or self._model.is_lp:
            prices = self._prices(limits)
            core = [limit for limit, price in zip(limits, prices, strict=True) if price]
            if core and self._is_conflict(core, relaxation=True):
                return core
        return limits if self._is_conflict(limits) else None

    def _prices(self, limits: Sequence[_Limit]) -> Sequence[float]:
        """What it costs to miss each limit by least in the relaxation: below nothing for a lower
        one, above for an upper one; nothing where the solver tells no prices."""
        rows = np.array([limit.row for limit in limits], dtype=np.int64)
        if not len(rows):
            return ()
        give = GivingRows(rows, np.ones(len(rows)), shared=False)
        changed, _ = elastic(self._without_others(limits), [give])
        answer = self._context.relaxation(changed)
        if answer.prices is None:
            return [0.0] * len(rows)
        # Each row that gives way stands twice at the end: its lower bound, its upper one.
        ends = answer.prices[1][len(self._model.row_lower) :].reshape(2, len(rows)).sum(axis=0)
        return [float(end) if abs(end) > _PRICED else 0.0 for end in ends]

    def _is_proved(self, limits: Sequence[_Limit]) -> bool:
        """Whether the conflict is proved without a solver: its prices, as multipliers, bound what
        an allocation that keeps the limits is worth by less than nothing, and it is worth nothing.
        """
        multipliers = []
        for limit, price in zip(limits, self._prices(limits), strict=True):
            side = "upper" if price > 0 else "lower"
            value = Fraction(f"{abs(price) * limit.unit:.12e}")
            if value:
                key = self._member(limit).key
                multipliers.append(Multiplier(limit.rule, key, side, value))
        if not multipliers:
            return False
        names = {limit.rule for limit in limits}
        scenario = self._context.scenario
        rules = tuple(rule for rule in scenario.spec.rules if rule.id in names)
        alone = replace(scenario, spec=scenario.spec.model_copy(update={"rules": rules}))
        return prove_conflict(alone, multipliers)

    def _reduced(self, core: Sequence[_Limit]) -> tuple[Sequence[_Limit], tuple[Member, ...]]:
        """The limits of one conflict, and how they are told: limit by limit, or rule by rule."""
        names = list(dict.fromkeys(limit.rule for limit in core))

        def of(rules: Iterable[str]) -> list[_Limit]:
            chosen = set(rules)
            return [limit for limit in core if limit.rule in chosen]

        def broken(rest: Sequence[str], out: Sequence[str]) -> Sequence[str] | None:
            found = self._broken(of(rest), of(out))
            return found if found is None else list(dict.fromkeys(one.rule for one in found))

        def shown(rest: Sequence[str], out: Sequence[str]) -> Sequence[str] | None:
            return None if self._is_priced_out(of(rest)) else out

        if self._is_priced_out(core):
            names = irreducible(names, shown)
        kept = of(irreducible(names, broken))
        taken_apart = self._context.whole or self._is_conflict(kept, relaxation=True)
        if len(kept) > _MOST_LIMITS or not taken_apart:
            return kept, tuple(Member(name, ()) for name in dict.fromkeys(x.rule for x in kept))
        kept = irreducible(kept, self._broken)
        return kept, tuple(self._member(limit) for limit in kept)

    def _member(self, limit: _Limit) -> Member:
        columns = self._per.get(limit.rule, ())
        return Member(limit.rule, tuple(zip(columns, limit.key, strict=True)))

    def _without_others(self, limits: Sequence[_Limit]) -> Model:
        stay = {limit.row for limit in limits}
        gone = [limit.row for limit in self._limits if limit.row not in stay]
        return without_rows(self._model, np.array(gone, dtype=np.int64))

    def _is_priced_out(self, limits: Sequence[_Limit]) -> bool:
        """Whether prices show at once that these limits cannot all be kept, cells funded or not."""
        loose = self._relaxation or self._context.clock.is_over()
        return not loose and bool(self._context.is_priced_out(self._without_others(limits)))

    def _is_conflict(self, limits: Sequence[_Limit], relaxation: bool = False) -> bool:
        """Whether these limits cannot all be kept. Raises `_Unsettled` where that is not known."""
        if self._context.clock.is_over():
            raise _Unsettled
        model = self._without_others(limits)
        if relaxation or self._relaxation or model.is_lp or self._context.whole:
            loose = self._context.relaxation(model)
            if loose.values is None or relaxation or self._relaxation or model.is_lp:
                return loose.outcome == "infeasible"
        feasible = self._context.is_feasible(model)
        if feasible is None:
            raise _Unsettled
        return not feasible

    def _broken(self, rest: Sequence[_Limit], out: Sequence[_Limit]) -> Sequence[_Limit] | None:
        """None where the limits of `rest` cannot all be kept, else those of `out` that are broken
        where they are, by as little as can be. Raises `_Unsettled` where that is not known."""
        loose = self._relaxation or self._model.is_lp
        if not loose or self._hot is None or self._context.clock.is_over():
            return None if self._is_conflict(rest) else out
        model, columns = self._giving
        upper, cost = model.upper.copy(), np.zeros(len(model.cost))
        upper[[columns[limit.row] for limit in rest]] = 0.0
        of_out = [columns[limit.row] for limit in out]
        cost[of_out] = -1.0
        self._hot.become(replace(model, upper=upper, cost=cost))
        answer = self._hot.solve()
        if answer.values is None:
            return None if answer.outcome == "infeasible" else out
        missed = answer.values[of_out] > _MISSED
        return [limit for limit, by in zip(out, missed.tolist(), strict=True) if by] or out

    @cached_property
    def _hot(self) -> HotModel | None:
        """What is asked one after the other differs in which limits give way."""
        return hot_model(self._giving[0])

    @cached_property
    def _giving(self) -> tuple[Model, dict[int, int]]:
        """The model in which every limit gives way by itself; row → by how much, its column."""
        rows = np.array([limit.row for limit in self._limits], dtype=np.int64)
        give = GivingRows(rows, np.ones(len(rows)), shared=False)
        model, (columns,) = elastic(self._model, [give])
        return model, dict(zip(rows.tolist(), columns.tolist(), strict=True))
