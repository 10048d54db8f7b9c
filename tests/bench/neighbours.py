"""Neighbours of the shipped base: what a fund office changes next, drawn from a seed.

`neighbour(seed, number, folder)` makes the same one every time. The first of its edits goes by its
number, so that each kind comes in turn; the others are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

from models.exact import exact_text
from models.rule import Rule
from models.scenario import Scenario, load
from optimizer.baselines import baseline
from tests.bench.rewritten import in_money, with_counties, with_tasks, written
from tests.worlds import rule

BASE = Path(__file__).resolve().parents[2] / "scenarios" / "base-2020.yaml"
OVERRIDES = (
    *("2020-first", "strict-tilt", "low-tilt", "jobs-first", "firms-first", "trainees-first"),
    *("plan-norm", "steadier", "no-cell-cap", "no-integer-rules", "unlifted-seven"),
)
"""Names of its overrides, from one of which two of five neighbours start."""
MOST_EDITS = 3
YUAN = {"zh": "元", "en": "yuan"}
PER_YUAN = Fraction(10_000)
"""Yuan in the unit of the shipped base."""
HUNDRED_MILLION = {"zh": "亿元", "en": "100 million yuan"}
_FEWEST = 4
"""Counties of a prefecture that stands alone, at the least."""
_CELLS = 704
"""Cells of the whole base, which a limit of funded cells between 200 and 400 is drawn for."""
_WEIGHTS = ("0.1", "0.2", "0.5", "1", "2", "5", "10")

Changed = tuple[Scenario, str]
Edit = Callable[[Scenario, Random, Path], Changed]
"""Of a scenario another one and what was changed; the folder is for files that it needs."""


@dataclass(frozen=True)
class Made:
    """A programme to be solved."""

    path: str
    """Of its scenario, as `load` takes it."""
    edits: tuple[str, ...]
    """What was changed of the base, or what it is."""


def neighbour(seed: int, number: int, folder: Path) -> Made:
    """The neighbour of that number, written to a new folder."""
    draw = Random(f"{seed}/{number}")
    name = draw.choice(OVERRIDES) if draw.random() < 0.4 else ""
    kinds = list(EDITS)
    first = kinds[number % len(kinds)]
    others = [kind for kind in kinds if kind != first]
    chosen = {first, *draw.sample(others, draw.randint(0, MOST_EDITS - 1))}
    scenario, edits = load(f"{BASE}@{name}" if name else BASE), [name] if name else []
    for kind in filter(chosen.__contains__, kinds):
        scenario, said = EDITS[kind](scenario, draw, folder / f"with {kind}")
        edits.append(said)
    return Made(str(written(scenario, folder / "made")), tuple(edits))


# What no change of a scenario reaches, first: what comes after it is drawn for what is left.


def drop_task(scenario: Scenario, draw: Random, folder: Path) -> Changed:
    tasks = scenario.programme.tasks.ids
    gone = draw.choice(tasks)
    changed = with_tasks(scenario, [name for name in tasks if name != gone], folder)
    return changed, f"without the task {gone}"


def one_prefecture(scenario: Scenario, draw: Random, folder: Path) -> Changed:
    counties = scenario.programme.counties
    members: dict[str, list[str]] = {}
    for code, name in zip(counties.ids, counties.values("prefecture_en"), strict=True):
        members.setdefault(str(name), []).append(code)
    chosen = draw.choice([name for name in members if len(members[name]) >= _FEWEST])
    changed = with_counties(scenario, members[chosen], folder)
    return changed, f"{chosen} alone ({len(members[chosen])} counties)"


# Changes of a scenario.


def calibration(scenario: Scenario, draw: Random, _: Path) -> Changed:
    """One of the two; the other one than the base's, where it has it."""
    known = scenario.programme.file.calibrations
    used = scenario.spec.calibration or next(iter(known))
    name = draw.choice([name for name in known if name != used])
    return scenario.replace(calibration=name), f"calibration {name}"


def budget(scenario: Scenario, draw: Random, _: Path) -> Changed:
    percent = draw.choice([p for p in range(80, 121) if p != 100])
    money = round(Fraction(percent, 100) * scenario.budget)
    return scenario.replace(budget=money), f"budget {percent - 100:+d} %: {money}"


def weights(scenario: Scenario, draw: Random, _: Path) -> Changed:
    drawn = {name: draw.choice(_WEIGHTS) for name in scenario.programme.metrics}
    said = ", ".join(f"{name} {weight}" for name, weight in drawn.items())
    return scenario.replace(objective={"weights": drawn}), f"weights {said}"


def lot(scenario: Scenario, draw: Random, _: Path) -> Changed:
    money = draw.randint(10, 50)
    return scenario.replace(lot=money), f"lot {money}"


def no_worse(scenario: Scenario, draw: Random, _: Path) -> Changed:
    """One of the three rules that hold an outcome at the baseline's, or two of them."""
    names = list(scenario.programme.metrics)
    chosen = draw.choice([*((name,) for name in names), *combinations(names, 2)])
    rules = {f"{name}-no-worse": {"enabled": True} for name in chosen}
    return scenario.replace(rules=rules), f"no worse: {' and '.join(chosen)}"


def deep_poverty_outcomes(scenario: Scenario, draw: Random, _: Path) -> Changed:
    """Of every metric a floor in the deep-poverty counties; where there are none, in all."""
    where: dict[str, Any] = {"deep_poverty": True}
    percent = draw.randint(90, 100)
    deep = scenario.programme.counties.values("deep_poverty")
    if True not in deep:
        where, deep = {}, (True,) * len(deep)
    share = exact_text(Fraction(percent, 100))
    bound = {"share": share, "of": "baseline", **({"where": where} if where else {})}
    rules = {}
    for name in scenario.programme.metrics:
        held = rule(id=f"{name}-held", measure=name, where=where, at_least=bound)
        rules[held["id"]] = {key: value for key, value in held.items() if key != "id"}
    count = sum(value is True for value in deep)
    said = f"outcomes of {count} {'deep-poverty ' * bool(where)}counties ≥ {percent} %"
    return scenario.replace(rules=rules), said


def funded_cells(scenario: Scenario, draw: Random, _: Path) -> Changed:
    """Between 200 and 400 of 704; of a smaller grid as large a share."""
    cells = len(scenario.programme.counties) * len(scenario.programme.tasks)
    most = -(-draw.randint(200, 400) * cells // _CELLS)
    patch = {"funded-cells": {"enabled": True, "at_most": most}}
    return scenario.replace(rules=patch), f"at most {most} of {cells} cells"


def tasks_per_county(scenario: Scenario, draw: Random, _: Path) -> Changed:
    most = draw.choice([3, 4, 6, 7, 8])
    patch = {"tasks-per-county": {"enabled": True, "at_most": most}}
    return scenario.replace(rules=patch), f"at most {most} tasks a county"


BANDS: dict[str, tuple[str, str | None, int, int]] = {
    "deep-poverty-share": ("at_least", "share", 20, 40),
    "yi-per-resident": ("at_least", "times", 100, 200),
    "tibetan-per-resident": ("at_least", "times", 100, 200),
    "hold-deep-poverty": ("at_least", "share", 70, 95),
    "hold-others": ("at_least", "share", 50, 80),
    "rise-cap": ("at_most", "times", 130, 200),
    "county-floor": ("at_least", None, 4000, 10_000),
    "county-cap": ("at_most", None, 80_000, 160_000),
}
"""Rule → its sense, the word before its number (None for money), the number between, in percent."""


def bands(scenario: Scenario, draw: Random, _: Path) -> Changed:
    """One or two of the bands: numbers of rules, or what a task gets at the least or the most."""
    known = [one.id for one in scenario.rules if one.id in BANDS and _has_its_form(one)]
    names = [*known, *(f"task {name}" for name in scenario.programme.tasks.ids)]
    patches, said = {}, []
    for name in sorted(draw.sample(names, draw.randint(1, 2))):
        if name in known:
            sense, word, low, high = BANDS[name]
            number = exact_text(Fraction(draw.randint(low, high), 100))
            patches[name] = {sense: {word: number} if word else number}
            said.append(f"{name} {number}")
        else:
            patch, text = _task_band(scenario, draw, name.removeprefix("task "))
            patches |= patch
            said.append(text)
    return scenario.replace(rules=patches), ", ".join(said)


def _has_its_form(one: Rule) -> bool:
    """Whether the rule is in its sense still."""
    return getattr(one, BANDS[one.id][0]) is not None


def _task_band(scenario: Scenario, draw: Random, task: str) -> tuple[dict[str, Any], str]:
    tasks = scenario.programme.tasks
    at = tasks.ids.index(task)
    sense, column, low, high = draw.choice(
        [("at_least", "share_min", 120, 250), ("at_most", "share_max", 50, 90)]
    )
    share = exact_text(tasks.numbers(column)[at] * draw.randint(low, high) / 100)
    made = rule(where={"task": task}, **{sense: {"share": share, "of": "budget"}})
    patch = {key: value for key, value in made.items() if key != "id"}
    return {f"{task}-band": patch}, f"{task} {sense.replace('_', ' ')} {share} of the budget"


def locks(scenario: Scenario, draw: Random, _: Path) -> Changed:
    """One to three cells settled at nothing, or at a half to three times what the factor method
    gives them, but no less than a lot and no more than their tiers hold."""
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    cells = [(c, t) for c in range(len(counties)) for t in range(len(tasks))]
    found, said, amounts = [], [], baseline(scenario).amounts
    for c, t in sorted(draw.sample(cells, draw.randint(1, 3))):
        least, most = -(-scenario.lots()[t] // 1), int(scenario.tiers.ends[c, t])
        money = min(most, max(least, int(amounts[c, t] * draw.randint(50, 300) // 100)))
        if most < least or draw.random() < 0.2:
            money = 0
        lock = {"county": counties[c], "task": tasks[t], "amount": money, "reason": "settled"}
        found.append(lock)
        said.append(f"{counties[c]},{tasks[t]} = {money}")
    return scenario.replace(locks=found), f"locked {'; '.join(said)}"


def in_yuan(scenario: Scenario, _: Random, folder: Path) -> Changed:
    return in_money(scenario, PER_YUAN, YUAN, folder), "in yuan"


EDITS: dict[str, Edit] = {
    "task dropped": drop_task,
    "one prefecture": one_prefecture,
    "calibration": calibration,
    "budget": budget,
    "weights": weights,
    "lot": lot,
    "no worse": no_worse,
    "deep-poverty outcomes": deep_poverty_outcomes,
    "funded cells": funded_cells,
    "tasks per county": tasks_per_county,
    "bands": bands,
    "locks": locks,
    "in yuan": in_yuan,
}
"""Kind → edit, in the order in which those of one neighbour are made."""
