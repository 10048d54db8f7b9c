"""The certificate that the README prints is the one that is made, and a calculator confirms it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest

from models.certificate import certificate_csv
from models.scenario import load
from models.solution import Solution
from optimizer.decision import solve

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "tests" / "example"
MOST = 30
_ROW = r"(?m)^\| (Hill|Lake|Vale) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$"


@pytest.fixture(scope="module")
def solved() -> Solution:
    return solve(load(EXAMPLE / "three-towns.yaml"))


def printed() -> str:
    """The certificate as the README has it."""
    found = re.search(r"```csv\n(part,.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert found is not None
    return found[1]


def rates() -> dict[tuple[str, str], list[Fraction]]:
    """Jobs of the first 10 thousand of a cell, of the next 20."""
    found: dict[tuple[str, str], list[Fraction]] = {}
    with (EXAMPLE / "towns" / "tiers.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["county"], row["task"]), []).append(Fraction(row["jobs"]))
    return found


def jobs(cell: tuple[str, str], money: int) -> Fraction:
    first, then = rates()[cell]
    return first * min(money, 10) + then * min(max(money - 10, 0), 20)


def test_the_readme_prints_the_certificate_that_is_made(solved: Solution) -> None:
    assert solved.certificate is not None
    assert certificate_csv(solved.certificate).decode("utf-8-sig") == printed()


def test_the_table_of_the_readme_is_that_of_the_tiers() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    found = {row[0].lower(): row[1:] for row in re.findall(_ROW, text)}
    for (county, task), (first, then) in rates().items():
        at = 0 if task == "road" else 2
        assert [Fraction(one) for one in found[county][at : at + 2]] == [first, then]


def lines(part: str) -> Iterator[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(printed()))
    return (row for row in rows if row["part"] == part)


def test_every_line_can_be_followed_with_a_calculator() -> None:
    """Nothing of allot is used: products, prices, the most of each cell, the sum."""
    total = Fraction(0)
    prices: dict[str, Fraction] = {}
    for limit in lines("limit"):
        factor, points = Fraction(limit["multiplier"]), Fraction(limit["points"])
        assert factor > 0 and points == factor * Fraction(limit["constant"])
        total += points
        prices[limit["key"].removeprefix("county=") or "all"] = factor
    for cell in lines("cell"):
        place = (cell["county"], cell["task"])
        price = prices.get(cell["county"], Fraction(0)) - prices["all"]
        assert Fraction(cell["price"]) == price
        worth = [jobs(place, money) + money * price for money in range(MOST + 1)]
        assert max(worth) == Fraction(cell["points"]) == worth[int(cell["money"])]
        total += Fraction(cell["points"])
    assert [Fraction(one["points"]) for one in lines("bound")] == [total] == [Fraction("31.5")]


@pytest.mark.slow
def test_no_allocation_is_better_than_the_one_found(solved: Solution) -> None:
    """All ways of dividing 52 among three towns with 15 or more each, by brute force."""
    best: dict[str, list[Fraction]] = {}
    for county in ("hill", "lake", "vale"):
        best[county] = [
            max(
                jobs((county, "road"), road) + jobs((county, "school"), money - road)
                for road in range(money + 1)
            )
            for money in range(53)
        ]
    ways = (w for w in product(range(15, 23), repeat=3) if sum(w) <= 52)
    most = max(best["hill"][a] + best["lake"][b] + best["vale"][c] for a, b, c in ways)
    assert most == solved.objective == Fraction("31.5")
    found = {
        (c, t): m
        for c, t, m in solved.amounts[["county", "task", "amount"]].itertuples(index=False)
    }
    assert [int(found[cell]) for cell in sorted(rates())] == [10, 5, 10, 7, 10, 10]
