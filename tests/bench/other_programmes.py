"""Programmes that are no neighbours of the shipped base: its own overrides, the starter, sizes of a
country, random ones, packages of health services that a district gets whole or not at all."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from models.errors import InputError
from models.scenario import load
from models.starter import write_starter
from tests.bench.national import write_national
from tests.bench.neighbours import BASE, Made
from tests.bench.rewritten import written
from tests.small_programmes import programme
from tests.worlds import rule, write_world

DISTRICTS = 100
PACKAGES = 7
_PROVINCES = 10
_SIZE = {"integer": True}
Write = Callable[[int, Path], str]
"""Of a seed and a new folder the path of a scenario, as `load` takes it."""


def other(seed: int, number: int, folder: Path) -> Made:
    """The programme of that number, from 0 on; written to a new folder where it has to be."""
    name, write = list(OTHERS.items())[number]
    return Made(write(seed, folder / "made"), (name,))


def _shipped(name: str, _seed: int, _folder: Path) -> str:
    return f"{BASE}@{name}" if name else str(BASE)


def _ordered(_seed: int, folder: Path) -> str:
    aims = [{"maximise": "jobs"}, {"maximise": "trainees"}, {"nearest": "baseline"}]
    return str(written(load(BASE).replace(objective=aims), folder))


def _starter(_seed: int, folder: Path) -> str:
    write_starter(folder)
    return str(folder / "scenario.yaml")


def _example(_seed: int, _folder: Path) -> str:
    return str(BASE.parents[1] / "tests" / "example" / "three-towns.yaml")


def _country(counties: int, options: dict[str, Any], seed: int, folder: Path) -> str:
    return str(write_national(folder, counties, seed, **options))


def _random(nth: int, seed: int, folder: Path) -> str:
    """The nth of the large random programmes that are valid."""
    for number in count():
        path = write_world(folder / str(number), **programme(seed, number, large=True))
        try:
            load(path)
        except InputError:
            continue
        if not nth:
            return str(path)
        nth -= 1
    raise AssertionError("there is always a next one")


def _health(share: float, seed: int, folder: Path) -> str:
    return str(write_health(folder, share, seed))


def write_health(folder: Path, share: float, seed: int) -> Path:
    """700 whole cells: a district has a package at its price, or not. Money for a share of them;
    hours of nurses bounded by province, a package only with the basic one, most people covered."""
    draw = random.Random(seed)
    works = {f"package{p}": {"price": draw.randint(20, 90)} for p in range(PACKAGES)}
    people = [draw.randint(20, 400) for _ in range(DISTRICTS)]
    places = {
        f"d{d:03d}": {"people": people[d], "province": f"p{d % _PROVINCES}", "hard": d % 3 == 0}
        for d in range(DISTRICTS)
    }
    tiers: list[list[Any]] = []
    for d, code in enumerate(places):
        for name, work in works.items():
            averted = people[d] ** 0.7 * draw.uniform(0.2, 2.0) / work["price"]
            hours = people[d] ** 0.5 * draw.uniform(0.5, 3.0) / work["price"]
            tiers.append([code, name, 1, work["price"], f"{averted:.6f}", f"{hours:.6f}"])
    hours_in_all = sum(row[3] * float(row[5]) for row in tiers)
    budget = int(share * DISTRICTS * sum(work["price"] for work in works.values()))
    columns = {"people": "number", "province": "text", "hard": "boolean"}
    metrics = ("averted", "hours")
    return write_world(
        folder,
        {
            "budget": budget,
            "lot": {"column": "price"},
            "no_idle": True,
            "objective": {"weights": {"averted": 1, "hours": 0}, "normalise": "none"},
            "rules": _health_rules(hours_in_all * share / _PROVINCES),
        },
        counties=places,
        tasks=works,
        tiers=tiers,
        programme={
            "metrics": [{"id": name, "title": name, "unit": name} for name in metrics],
            "counties": {"file": "counties.csv", "columns": columns},
            "baseline": {"kind": "per-resident", "residents": "people"},
        },
    )


def _health_rules(hours: float) -> list[dict[str, Any]]:
    by_province = {"measure": "hours", "per": ["province"], "at_most": f"{hours:.3f}"}
    hard = {"measure": "cells", "where": {"hard": True}}
    basic = {"measure": "cells", "where": {"task": "package0"}}
    after = {"times": 1, "of": "cells", "where": {"task": "package0"}, "per": ["county"]}
    return [
        rule(id="nurses", **by_province),
        rule(id="basic", **basic, at_least=round(0.7 * DISTRICTS)),
        rule(id="hard-districts", **hard, at_least={"share": "0.35", "of": "cells"}),
        *(
            rule(
                id=f"package{p}-after-basic",
                measure="cells",
                where={"task": f"package{p}"},
                per=["county"],
                at_most=after,
            )
            for p in (1, 2)
        ),
        rule(id="few", measure="cells", per=["county"], at_most=PACKAGES - 2),
    ]


OTHERS: dict[str, Write] = {
    "the shipped base": partial(_shipped, ""),
    "shipped, 2020-first": partial(_shipped, "2020-first"),
    "shipped, strict-tilt": partial(_shipped, "strict-tilt"),
    "shipped, firms-first": partial(_shipped, "firms-first"),
    "shipped, steadier": partial(_shipped, "steadier"),
    "shipped, no-cell-cap": partial(_shipped, "no-cell-cap"),
    "shipped, no-integer-rules": partial(_shipped, "no-integer-rules"),
    "the base with aims in order": _ordered,
    "the starter": _starter,
    "three towns, the tests' example": _example,
    "a country of 350 counties, linear": partial(_country, 350, {}),
    "350 counties, rules of whole numbers": partial(_country, 350, _SIZE),
    "700 counties, rules of whole numbers": partial(_country, 700, _SIZE),
    "700 counties, two tasks rise": partial(_country, 700, {**_SIZE, "rising": 2}),
    "2,844 counties, rules of whole numbers": partial(_country, 2844, _SIZE),
    "a large random programme": partial(_random, 0),
    "a second random programme": partial(_random, 1),
    "a third random programme": partial(_random, 2),
    "700 whole health packages, money for a half": partial(_health, 0.5),
    "700 whole health packages, money for a quarter": partial(_health, 0.25),
}
"""What it is → how it is written."""
