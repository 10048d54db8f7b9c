"""A small fund for comparisons, worked by hand, and whether differences add up."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from optimizer.compare import Compared, compare
from tests.pages import base_solution
from tests.worlds import rule, write_world

SHARE = "rules.deep-poverty-share.at_least.share=0.34"
COUNTIES = {
    "a": {"name_zh": "甲县", "name_en": "Alpha", "people": 100},
    "b": {"name_zh": "乙县", "name_en": "Beta", "people": 300},
}


def floor(amount: int) -> dict[str, Any]:
    """County b gets so much at least."""
    return {"rules": {"b-floor": {"at_least": amount}}}


def write_fund(folder: Path) -> Path:
    """60 coins over two counties and two tasks.

    The first 10 of a cell bring 0.5 jobs and 0.1 firms a coin, the next 20 bring 0.2 and 0.05. So
    60 bring 24 jobs and 5 firms at best, in many ways; 15 in each cell is nearest the baseline.
    With 55 for county b, 25 stand in first tiers and 35 in second ones: 19.5 jobs, 4.25 firms.
    """
    title = {"zh": "乙县下限", "en": "Floor"}
    body = {
        "budget": 60,
        "rules": [rule(id="b-floor", title=title, where={"county": "b"}, at_least=10)],
        "overrides": {
            "half": floor(40),
            "most": {**floor(55), "title": {"zh": "乙县最多", "en": "Most for b"}},
            "all": floor(70),
        },
    }
    return write_world(folder, body, counties=COUNTIES)


def side_by_side(fund: Path, *names: str, **more: Any) -> Compared:
    """The fund beside some of its named variants."""
    return compare([fund, *(f"{fund}@{name}" for name in names)], **more)


def six_columns() -> Compared:
    """The shipped fund six times, without solving; four of the tables hold all 704 cells."""
    baselines = ["baseline:factor", "baseline:equal", "baseline:per-resident"]
    other = base_solution("calibration=plan-norm")
    return compare([base_solution(), base_solution(SHARE), *baselines, other])


def adds_up(compared: Compared) -> bool:
    """Whether the differences of each level add up to that of all the money, to the last digit."""
    for column in compared.columns:
        levels: dict[str, Fraction] = {}
        for row in compared.amount_rows:
            if row.column == column.name:
                assert row.difference is not None
                levels[row.level] = levels.get(row.level, Fraction(0)) + row.difference
        outside = levels.pop("outside", Fraction(0))
        total = levels.pop("total")
        if set(levels.values()) != {total - outside}:
            return False
    return True
