"""The last answers of a scenario, kept beside its journal so that a killed desk has them again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from desk.state.draft import ScenarioDraft
from models.allocation import Allocation, allocation_of_rows, write_file
from models.exact import exact_text, parse_exact
from models.scenario import Scenario
from models.solution import Solution

_MOST = 2
"""So many are kept: the last, and the one that it is held against."""


@dataclass(frozen=True)
class KeptAnswer:
    """An allocation that was found for a scenario, and how good it is known to be."""

    version: int
    """Of the draft that was solved."""
    status: str
    objective: str
    gap: float | None
    source: str | None
    """Whose word the gap is: `proved`, or the `solver`'s."""
    cells: tuple[tuple[str, str, str], ...]
    """(county, task, money) of each cell that holds any."""

    def table(self, scenario: Scenario) -> Allocation:
        """The money; counties and tasks that the scenario no longer has are left out."""
        programme = scenario.programme
        counties, tasks = programme.counties.index, programme.tasks.index
        rows = [[parse_exact(0)] * len(tasks) for _ in counties]
        for county, task, money in self.cells:
            if county in counties and task in tasks:
                rows[counties[county]][tasks[task]] = parse_exact(money)
        outside = [(row.code, row.name, row.amount) for row in scenario.spec.outside]
        return allocation_of_rows(rows, outside)


def keep_answer(draft: ScenarioDraft, solution: Solution, version: int) -> KeptAnswer:
    """Keep a solution of a scenario as its last answer; `version`: of the draft it is one of."""
    programme = solution.scenario.programme
    counties, tasks = programme.counties.ids, programme.tasks.ids
    kept = KeptAnswer(
        version=version,
        status=solution.status,
        objective=exact_text(solution.objective),
        gap=solution.gap,
        source=solution.source,
        cells=tuple(
            (county, task, exact_text(amount))
            for county, row in zip(counties, solution.allocation.amounts.tolist(), strict=True)
            for task, amount in zip(tasks, row, strict=True)
            if amount
        ),
    )
    told = [*last_answers(draft), kept][-_MOST:]
    path = _path(draft)
    path.parent.mkdir(exist_ok=True)
    write_file(path, json.dumps([asdict(one) for one in told], ensure_ascii=False))
    return kept


def last_answers(draft: ScenarioDraft) -> tuple[KeptAnswer, ...]:
    """The last answers, the newest at the end; none where there are none, or none that is whole."""
    try:
        told = json.loads(_path(draft).read_bytes())
        return tuple(
            KeptAnswer(**{**one, "cells": tuple(map(tuple, one["cells"]))}) for one in told
        )
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _path(draft: ScenarioDraft) -> Path:
    return draft.path.parent / ".desk" / f"{draft.name}.answers.json"
