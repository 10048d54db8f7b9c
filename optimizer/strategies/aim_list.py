"""A whole list of ordered aims, one stage after the other, and what each reached."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from models.aim import Push, first_push
from models.allocation import Allocation
from models.solution import AimReached, SearchNote
from optimizer.strategies import SearchTask
from optimizer.strategies.ordered import KeptTable, Lexicographic
from optimizer.strategies.raised_least import raise_least


class FirstFound(NamedTuple):
    """What a search of its own found for the first aim."""

    allocation: Allocation
    bound: float | None
    """No allocation is worth more, by the solver's word."""
    closed: bool


class ListDone(NamedTuple):
    """What a list of aims came to."""

    table: KeptTable
    reached: tuple[AimReached, ...]
    note: SearchNote
    """What the choice among equals proved."""


def in_order(
    task: SearchTask, first: FirstFound | None = None, lawful: Allocation | None = None
) -> ListDone:
    """Push every aim of a list; `first`: what is known of the first one; `lawful`: an allocation
    that keeps the rules, to begin with where nothing is.

    Raises `Infeasible` and `NoAnswerError`, and `InputError` for a share of a value that is 0.
    """
    aims = task.formulation.problem.scenario.spec.objective.aims
    search = Lexicographic(task)
    if lawful is not None and not search.is_small:
        search.table = search.read(lawful)
    for number, aim in enumerate(aims):
        push = first_push(number, aim)
        if first is not None and not number:
            search.begin(push, first.allocation, (first.bound, first.closed))
        elif aim.raise_least is not None:
            raise_least(search, number)
        else:
            search.push(push)
        if aim.nearest is not None:
            search.push(Push(number, "touched", rises=False), gives=False)
    note = search.choose()
    assert search.table is not None
    reader = search.table.reader
    told = tuple(replace(one, value=reader.value(one.push)) for one in search.reached)
    return ListDone(search.table, told, note)
