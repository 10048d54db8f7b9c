"""Ten scenarios whose rules are in conflict, worked by hand, and doing what a diagnosis advises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.exact import exact_text
from models.remedies import Change
from models.scenario import Scenario, load
from optimizer.infeasibility.diagnose import Diagnosis, diagnose
from tests.worlds import rule, write_world

COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "people": 100, "poor": True, "least": 10},
    "b": {"name_zh": "乙县", "name_en": "Beta", "people": 300, "poor": False, "least": 45},
}
FLOOR = rule(id="floor", title={"zh": "县级下限", "en": "County floor"}, per="county", at_least=30)

CAP, CELLS = ({"zh": name, "en": name} for name in ("Cap", "Cells"))


@dataclass(frozen=True)
class Conflict:
    """A scenario that cannot be kept, and what is to be said of it."""

    scenario: dict[str, Any]
    alone: dict[str, str]
    """Rule (or budget, lot …) → the number it must be changed to, where that alone helps."""
    no_help: set[str] = field(default_factory=set)
    cause: str = "relaxation"
    tasks: dict[str, Any] = field(default_factory=lambda: {"road": {}, "school": {}})


CONFLICTS = {
    # Two floors of 30 are 60.
    "floors of money over the budget": Conflict(
        {"budget": 50, "rules": [FLOOR]}, {"floor": "25", "budget": "60"}
    ),
    # Four cells of 5 are 20.
    "a cap on cells under a floor": Conflict(
        {
            "budget": 100,
            "rules": [
                rule(id="cap", at_most=5, per=["county", "task"]),
                rule(id="all", at_least=40),
            ],
        },
        {"cap": "10", "all": "20"},
        {"budget"},
    ),
    # All of 40 with 30 in b leaves 10, a quarter.
    "a share of all the money against a floor": Conflict(
        {
            "budget": 40,
            "rules": [
                rule(id="poor", where={"poor": True}, at_least={"share": 0.5, "of": "amount"}),
                rule(id="b", where={"county": "b"}, at_least=30),
            ],
        },
        {"poor": "0.25", "b": "20", "budget": "60"},
    ),
    # b has three times the people: 3 × 20 in b for 20 in a where per head is to be the same.
    "money per head": Conflict(
        {
            "budget": 60,
            "rules": [
                rule(
                    id="b-head",
                    where={"county": "b"},
                    per_head="people",
                    at_least={"times": 1.2, "of": "amount"},
                ),
                rule(id="a", where={"county": "a"}, at_least=24),
            ],
        },
        # b gets 36 of 60 at most: 36/300 against 60/400 is 0.8 times; for 1.2 times b needs 0.9
        # of all, so that a gets a tenth.
        {"b-head": "0.8", "a": "6", "budget": "240"},
    ),
    # 10 × 0.5 in each of four cells, then 0.2: 30 coins give 15 jobs, 40 give 20, 45 give 21.
    "a target": Conflict(
        {"budget": 30, "rules": [rule(id="jobs", measure="jobs", at_least=21)]},
        {"jobs": "15", "budget": "45"},
    ),
    # Half of the budget for a grows with it: 30 for b are the other half of 60.
    "a share of the budget against a floor": Conflict(
        {
            "budget": 40,
            "rules": [
                rule(id="a", where={"county": "a"}, at_least={"share": 0.5, "of": "budget"}),
                rule(id="b", where={"county": "b"}, at_least=30),
            ],
        },
        {"a": "0.25", "b": "20", "budget": "60"},
    ),
    # All four cells are to be funded, and three may be; three quarters of each would do.
    "counts of funded cells": Conflict(
        {
            "budget": 60,
            "lot": 5,
            "rules": [
                rule(id="floor", per=["county", "task"], at_least=5),
                rule(id="cells", measure="cells", at_most=3),
            ],
        },
        {"floor": "0", "cells": "4"},
        {"budget"},
        cause="funding",
    ),
    # Floors of 10 and 45 stand in the county table; of 50 whole coins 9 and 41 keep nine tenths.
    "numbers from a table": Conflict(
        {"budget": 50, "rules": [rule(id="least", per="county", at_least={"column": "least"})]},
        {"least": "0.9", "budget": "55"},
    ),
    # 20 in a and 20 in b of 30; with 5 either way 15 and 15.
    "an equality with its room": Conflict(
        {
            "budget": 30,
            "rules": [rule(id="same", per="county", equal=20, within=2)],
        },
        {"same": "5", "budget": "36"},
    ),
    # 40 are locked in a, so that b can get 20 of 60, and a has two thirds.
    "a lock over a share": Conflict(
        {
            "budget": 60,
            "locks": [{"county": "a", "task": "road", "amount": 40}],
            "rules": [
                rule(id="cap", where={"county": "a"}, at_most={"share": 0.5, "of": "amount"})
            ],
        },
        {"cap": "2/3", "locks": "30", "budget": "80"},
    ),
    # A cell is to be funded with at least 20, and none may hold more than 15.
    "a lot over a cap": Conflict(
        {
            "budget": 60,
            "lot": 20,
            "rules": [
                rule(id="cap", per=["county", "task"], at_most=15),
                rule(id="cells", measure="cells", at_least=1),
            ],
        },
        {"cap": "20", "cells": "0", "lot": "15"},
        {"budget"},
    ),
    # 15 each of 31: an odd number of coins cannot be halved.
    "only because coins are whole": Conflict(
        {
            "budget": 31,
            "rules": [
                rule(id="same", where={"county": "a"}, at_least={"share": 0.5, "of": "amount"}),
                rule(id="b", where={"county": "b"}, at_least="15.5"),
            ],
        },
        {"same": "0.4838", "b": "15", "budget": "32"},
        cause="units",
    ),
    # The tasks' shares are 0.7 and 0.6 of the budget.
    "shares of the budget from the task table": Conflict(
        {
            "budget": 100,
            "rules": [
                rule(
                    id="shares",
                    per="task",
                    at_least={"share": {"column": "share"}, "of": "budget"},
                )
            ],
        },
        {"shares": ""},
        set(),
        tasks={"road": {"share": 0.7}, "school": {"share": 0.6}},
    ),
}


def write(folder: Path, conflict: Conflict) -> Path:
    return write_world(folder, conflict.scenario, counties=COUNTIES, tasks=conflict.tasks)


Diagnosed = tuple[Path, Scenario, Diagnosis]
"""A conflict's file, what it reads as, and what is said of it."""


def found(folder: Path, conflict: Conflict) -> Diagnosed:
    path = write(folder, conflict)
    scenario = load(path)
    said = diagnose(scenario)
    assert said is not None and not said.is_feasible
    return path, scenario, said


def do(path: Path, changes: tuple[Change, ...]) -> Scenario:
    """What the advice says, done as a user would: by `--set`, in a list, in a table."""
    settings = [one.setting for one in changes if one.setting is not None]
    for one in changes:
        for place in one.places:
            assert place.column is not None and place.cell_needed is not None
            file = path.parent / "world" / "tasks.yaml"
            text = file.read_text("utf-8")
            ((_, task),) = place.key
            head, tail = text.split(f"id: {task}\n", 1)
            tail = re.sub(r"share: \S+", f"share: {exact_text(place.cell_needed)}", tail, count=1)
            file.write_text(f"{head}id: {task}\n{tail}", "utf-8")
    scenario = load(path, set_=settings)
    for one in changes:
        if one.field == "locks":
            (lock,) = scenario.spec.locks
            moved = {"county": lock.county, "task": lock.task, "amount": one.needed}
            scenario = scenario.replace(locks=[moved])
        if one.field == "eligibility":
            scenario = scenario.replace(ineligible=[])
    return scenario
