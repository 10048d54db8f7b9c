"""Which differences between two columns the tie-break or the gap can explain.

A search ends at any allocation near enough to its bound. Where the one column's allocation keeps
the other's rules and is near enough to the other's bound, it could have been the other's answer:
then nothing in the inputs made them differ.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from models.finding import Audit
from models.objective import objective_of
from optimizer.audit import audit
from optimizer.compare.columns import Column, Values, on_grid
from optimizer.compare.common_grid import CommonGrid, common_grid

Mark = Literal["", "tie", "gap", "open", "unweighed"]
"""What may explain a difference.

tie: either allocation could have been the other's answer. gap: what they are worth differs by no
more than what the gaps leave open. open: no bound is proven. unweighed: the objective does not
count this metric, so that the tie-break decides it.
"""
_NOISE = 1e-9


def mark_of(column: Column, reference: Column, world: CommonGrid) -> Mark:
    """What may explain all of the differences between a column and the reference."""
    if column is reference or column.reads is None or reference.reads is None:
        return ""
    if not (column.is_searched or reference.is_searched):
        return ""
    if _could_be_answer(column, reference) or _could_be_answer_of(column, reference, world):
        return "tie"
    ours, theirs = column.reads.worth, reference.reads.worth
    if ours is None or theirs is None:
        return ""
    leeway = leeway_of(column, reference)
    if leeway is None:
        return "open"
    return "gap" if abs(float(ours - theirs)) <= leeway else ""


def metric_mark(mark: Mark, column: Column, reference: Column, of: tuple[str, Fraction]) -> Mark:
    """What may explain the difference in one metric: `of` is its id and the difference."""
    metric, difference = of
    assert column.values is not None and reference.values is not None
    searched = column.is_searched or reference.is_searched
    if mark or not searched or not difference or column is reference:
        return mark if difference else ""
    value = reference.values.get(metric, Fraction(0))
    if not value and not column.values.get(metric):
        return "unweighed"
    leeway = leeway_of(column, reference)
    if leeway is None:
        return "open"
    return "gap" if value and abs(float(value * difference)) <= leeway else ""


def leeway_of(column: Column, reference: Column) -> float | None:
    """What the two gaps leave open, in the reference's yardstick; None without a bound."""
    total = 0.0
    for one in (column, reference):
        if not one.is_searched or one.reads is None:
            continue
        if one.gap is None:
            return None
        worth = one.reads.worth
        scale = abs(float(one.reads.objective if worth is None else worth))
        total += accepted_gap(one) * scale
    return total


def accepted_gap(column: Column) -> float:
    """The relative gap at which a search was content; the gap that it reached, if larger."""
    asked = column.solution.options.get("gap") if column.solution else None
    reached = column.gap or 0.0
    return max(float(asked), reached) if isinstance(asked, int | float) else reached


def _could_be_answer(column: Column, reference: Column) -> bool:
    """Whether the reference's search could have ended at the column's allocation."""
    assert column.reads is not None and reference.values is not None
    return _is_answer(reference, column.reads.under_reference, reference.values)


def _could_be_answer_of(column: Column, reference: Column, world: CommonGrid) -> bool:
    """Whether the column's search could have ended at the reference's allocation."""
    if not column.is_searched or not world.is_whole(column.scenario.programme):
        return False
    assert reference.reads is not None and column.values is not None
    mine = common_grid({column.name: column.scenario.programme}, column.name)
    money = mine.money(reference.scenario.programme, reference.reads.allocation)
    table = on_grid(mine, money, reference.reads.allocation)
    return _is_answer(column, audit(column.scenario, table), column.values)


def _is_answer(owner: Column, audited: Audit | None, values: Values) -> bool:
    bound = owner.solution.bound if owner.solution else None
    if bound is None or owner.reads is None or audited is None or audited.unmet:
        return False
    worth = float(objective_of(audited, values) - audited.penalty)
    scale = max(abs(float(owner.reads.objective)), 1e-12)
    return float(bound) - worth <= (accepted_gap(owner) + _NOISE) * scale
