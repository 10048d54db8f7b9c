"""A made-up programme of the size of a country: counties × 8 tasks × 4 tiers, in provinces."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.worlds import rule, write_world, write_yaml

COUNTIES, TASKS, TIERS = 2844, 8, 4
METRICS = ("jobs", "firms", "trainees")
MEAN = 375
"""Money units for a county, on average: the base scenario's."""

_PROVINCES, _A_PREFECTURE = 31, 9
LABELS = {
    "columns": {
        "county": {"zh": "县（市、区）", "en": "county"},
        "province": {"zh": "省份", "en": "province"},
        "prefecture": {"zh": "市州", "en": "prefecture"},
        "residents": {"zh": "常住人口", "en": "residents"},
    },
    "group_by": "province",
    "subtotal": "prefecture",
    "residents": "residents",
    "highlight": [{"title": {"zh": "重点县", "en": "poor counties"}, "where": {"poor": True}}],
}

BASELINE = {
    "kind": "factor",
    "factors": [{"weight": "0.6", "columns": ["residents"]}, {"weight": "0.4"}],
}


def write_national(
    folder: Path,
    counties: int = COUNTIES,
    seed: int = 7,
    *,
    integer: bool = False,
    tasks: int = TASKS,
) -> Path:
    """Write the programme and its scenario; the path of the scenario file. `integer`: with a lot,
    tasks for a county, and funded cells in all, as the base scenario has them."""
    draw = random.Random(seed)
    places = {f"{110000 + i}": _county(draw) | _where(i, counties) for i in range(counties)}
    works = {f"task{t}": {"least_share": "0.05", "most": "0.25"} for t in range(tasks)}
    path = write_world(
        folder,
        {
            "budget": MEAN * counties,
            "objective": {"weights": dict.fromkeys(METRICS, 1), "normalise": "none"},
            "rules": [*_rules(), *(_integer_rules(counties) if integer else [])],
            **({"lot": 20} if integer else {}),
        },
        counties=places,
        tasks=works,
        tiers=[row for code, place in places.items() for row in _cells(draw, code, place, tasks)],
        programme={
            "baseline": BASELINE,
            "metrics": [{"id": name, "title": name, "unit": name} for name in METRICS],
            "tasks": {"file": "tasks.yaml", "columns": {"least_share": "number", "most": "number"}},
        },
    )
    write_yaml(folder / "world" / "labels.yaml", LABELS)
    return path


def _county(draw: random.Random) -> dict[str, Any]:
    return {
        "residents": draw.randint(20_000, 1_200_000),
        "poor": draw.random() < 0.3,
        "least": draw.randint(40, 80),
        "region": f"region{draw.randrange(31)}",
    }


def _where(number: int, counties: int) -> dict[str, str]:
    """Names of a county, of the province that it lies in, and of its prefecture of about nine."""
    province = number * _PROVINCES // counties
    first = -(-province * counties // _PROVINCES)
    prefecture = f"{province + 1:02d}-{(number - first) // _A_PREFECTURE + 1:02d}"
    return {
        "name_zh": f"第{number + 1}县",
        "name_en": f"County {number + 1}",
        "province": f"P{province + 1:02d}",
        "prefecture": f"P{prefecture}",
    }


def _cells(draw: random.Random, code: str, place: dict[str, Any], tasks: int) -> list[list[Any]]:
    """Tier rows of one county: rates fall, widths grow with its residents."""
    rows: list[list[Any]] = []
    for task in range(tasks):
        wide = max(4, round(100 * (place["residents"] / 600_000) ** 0.5 * draw.uniform(0.5, 1.5)))
        first = [draw.uniform(0.1, 1.5) for _ in METRICS]
        for tier in range(TIERS):
            rates = [f"{rate * (0.8, 0.5, 0.3, 0.1)[tier]:.6f}" for rate in first]
            rows.append([code, f"task{task}", tier + 1, max(1, wide * (tier + 1) // 3), *rates])
    return rows


def _rules() -> list[dict[str, Any]]:
    budget = {"of": "budget"}
    return [
        rule(id="county-floor", per=["county"], at_least={"column": "least"}),
        rule(id="county-cap", per=["county"], at_most=1200),
        rule(id="least", per=["task"], at_least={"share": {"column": "least_share"}, **budget}),
        rule(id="most", per=["task"], at_most={"share": {"column": "most"}, **budget}),
        rule(id="tilt", where={"poor": True}, at_least={"share": "0.35", "of": "amount"}),
        rule(
            id="tilt-per-head",
            where={"poor": True},
            per_head="residents",
            at_least={"times": "1.2", "of": "amount"},
        ),
        rule(id="region-share", per=["region"], at_most={"share": "0.15", "of": "amount"}),
        rule(id="jobs", measure="jobs", at_least=1000),
    ]


def _integer_rules(counties: int) -> list[dict[str, Any]]:
    return [
        rule(id="tasks-per-county", measure="cells", per=["county"], at_most=5),
        rule(id="funded-cells", measure="cells", at_most=round(3.2 * counties)),
    ]
