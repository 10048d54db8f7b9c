"""A made-up programme of the size of a country: counties × 8 tasks × 4 tiers, in provinces."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.worlds import rule, write_world, write_yaml

COUNTIES, TASKS, TIERS = 2844, 8, 4
METRICS = {"jobs": "就业", "firms": "企业", "trainees": "培训"}
"""Metric → what it is called in Chinese."""
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
    rising: int = 0,
) -> Path:
    """Write the programme and its scenario; the path of the scenario file. `integer`: with a lot,
    tasks for a county, and funded cells in all, as the base scenario has them. `rising`: so many
    tasks bring more in their second tier than in the first."""
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
        tiers=[
            row
            for code, place in places.items()
            for row in _cells(draw, code, place, (tasks, rising))
        ],
        programme={
            "baseline": BASELINE,
            "metrics": [
                {"id": name, "title": {"zh": zh, "en": name}, "unit": name}
                for name, zh in METRICS.items()
            ],
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


def _cells(
    draw: random.Random, code: str, place: dict[str, Any], tasks: tuple[int, int]
) -> list[list[Any]]:
    """Tier rows of one county: rates fall, but for the second tier of some tasks; widths grow with
    its residents."""
    rows: list[list[Any]] = []
    for task in range(tasks[0]):
        shares = (0.4, 0.8, 0.3, 0.1) if task < tasks[1] else (0.8, 0.5, 0.3, 0.1)
        wide = max(4, round(100 * (place["residents"] / 600_000) ** 0.5 * draw.uniform(0.5, 1.5)))
        first = [draw.uniform(0.1, 1.5) for _ in METRICS]
        for tier in range(TIERS):
            rates = [f"{rate * shares[tier]:.6f}" for rate in first]
            rows.append([code, f"task{task}", tier + 1, max(1, wide * (tier + 1) // 3), *rates])
    return rows


def _named(zh: str, en: str, **fields: Any) -> dict[str, Any]:
    return rule(title={"zh": zh, "en": en}, **fields)


def _rules() -> list[dict[str, Any]]:
    budget = {"of": "budget"}
    return [
        _named("各县下限", "County floor", id="county-floor", per=["county"])
        | {"at_least": {"column": "least"}},
        _named("各县上限", "County cap", id="county-cap", per=["county"], at_most=1200),
        _named("各项工作最低占比", "Least share of a task", id="least", per=["task"])
        | {"at_least": {"share": {"column": "least_share"}, **budget}},
        _named("各项工作最高占比", "Most share of a task", id="most", per=["task"])
        | {"at_most": {"share": {"column": "most"}, **budget}},
        _named("重点县占比", "Share of poor counties", id="tilt", where={"poor": True})
        | {"at_least": {"share": "0.35", "of": "amount"}},
        _named("重点县人均倾斜", "Tilt to poor counties by head", id="tilt-per-head")
        | {
            "where": {"poor": True},
            "per_head": "residents",
            "at_least": {"times": "1.2", "of": "amount"},
        },
        _named("片区最高占比", "Most share of a region", id="region-share", per=["region"])
        | {"at_most": {"share": "0.15", "of": "amount"}},
        _named("就业目标", "Jobs target", id="jobs", measure="jobs", at_least=1000),
    ]


def _integer_rules(counties: int) -> list[dict[str, Any]]:
    per_county = {"measure": "cells", "per": ["county"], "at_most": 5}
    in_all = {"measure": "cells", "at_most": round(3.2 * counties)}
    return [
        _named("每县项目数上限", "Tasks of a county", id="tasks-per-county", **per_county),
        _named("项目总数上限", "Funded cells in all", id="funded-cells", **in_all),
    ]
