"""From a solver's numbers to an allocation that keeps every rule exactly: the one loop that audits,
tightens what broke, and solves again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import ceil

from models.allocation import Allocation, allocation_of_rows
from models.errors import NoAnswerError
from models.finding import Audit
from models.scenario import Scenario
from optimizer.audit import audit
from optimizer.formulation.rule_rows import Tightening
from optimizer.strategies import Infeasible, SearchResult, SearchTask, Strategy

ATTEMPTS = 6
"""A first attempt and five with tightened limits."""
_STEP = Fraction(1, 10**6)

Attempt = Callable[[Tightening], Iterable[Allocation] | None]
"""The allocations of a search under tightened limits, the likeliest first; None for none."""


def until_kept(
    attempt: Attempt,
    read: Callable[[Allocation], Audit],
    good: Callable[[Allocation, Audit], bool] = lambda _, audited: not audited.broken,
) -> tuple[Allocation, Audit] | None:
    """The first allocation of `attempt` that is `good`, with its audit; None where it has none.

    A limit that breaks in exact arithmetic is moved inwards by its breach and tried again. Raises
    `Infeasible` where the model as written is, `NoAnswerError` where limits still break at the end.
    """
    tighten: Tightening = {}
    for _ in range(ATTEMPTS):
        try:
            found = attempt(tighten)
        except Infeasible:
            if tighten:
                break
            raise
        if found is None:
            return None
        first: Audit | None = None
        for allocation in found:
            audited = read(allocation)
            if good(allocation, audited):
                return allocation, audited
            first = first or audited
        assert first is not None
        tighten = stricter(tighten, first)
    broken = ", ".join(dict.fromkeys(rule for rule, _ in tighten))
    raise NoAnswerError(f"the solver's allocations break {broken} in exact arithmetic")


def kept_exactly(task: SearchTask, strategy: Strategy) -> tuple[SearchResult, Allocation, Audit]:
    """What a strategy finds for a task, and the allocation of it that keeps every rule.

    Raises `Infeasible` and `NoAnswerError`.
    """
    scenario, whole = task.formulation.problem.scenario, task.units != "continuous"
    found: SearchResult | None = None

    def attempt(tighten: Tightening) -> list[Allocation]:
        nonlocal found
        found = strategy(task, tighten, found)
        return [as_allocation(scenario, money) for money in found.candidates]

    kept = until_kept(attempt, lambda allocation: audit(scenario, allocation, whole=whole))
    assert kept is not None and found is not None
    return found, *kept


def as_allocation(scenario: Scenario, money: Sequence[int | Fraction]) -> Allocation:
    """Money by cell as an allocation, with the scenario's money outside the grid."""
    tasks = len(scenario.programme.tasks)
    rows = [money[start : start + tasks] for start in range(0, len(money), tasks)]
    beside = [(row.code, row.name, row.amount) for row in scenario.spec.outside]
    return allocation_of_rows(rows, beside)


def stricter(tighten: Tightening, audited: Audit) -> Tightening:
    """`tighten`, each broken limit moved further in by its breach and a little more.

    In whole steps, so that noise in the last digits of a breach makes no difference.
    """
    further = dict(tighten)
    for finding in audited.broken:
        key = (finding.rule, tuple(value for _, value in finding.key))
        steps = ceil(-finding.slack / _STEP) + 1
        further[key] = further.get(key, Fraction(0)) + steps * _STEP
    return further
