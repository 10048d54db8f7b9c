"""A certificate read by a reader of its own: a file, the rules as text, and no code of the program.

What a limit asks of each cell is worked out here by hand, rule by rule; a cell is worth most at
some whole amount, which are all tried; and every line is added up in exact fractions.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

import cli
from models.certificate import COUNTY_HEADER, HEADER, Multiplier, certificate_csv
from models.objective import metric_values
from models.scenario import Scenario
from optimizer.audit.certify import certify, certify_by_county
from tests.worlds import rule, world

Cell = tuple[str, str]
CELLS: tuple[Cell, ...] = tuple(itertools.product("ab", ("road", "school")))
BUDGET, LOT = 30, 3
BARRED: Cell = ("b", "school")
# Two tiers of 10 and 20 coins a cell: jobs and firms a coin.
YIELDS: dict[Cell, tuple[tuple[str, str], tuple[str, str]]] = {
    ("a", "road"): (("0.7", "0.1"), ("0.3", "0.05")),
    ("a", "school"): (("0.5", "0.2"), ("0.2", "0.1")),
    ("b", "road"): (("0.4", "0.1"), ("0.3", "0")),
    ("b", "school"): (("2", "1"), ("1", "0.5")),
}
WEIGHTS = {"jobs": Fraction(1), "firms": Fraction(1, 3)}


@dataclass(frozen=True)
class Slack:
    """The room under one limit: constant + what each coin, funded cell and firm adds to it."""

    constant: Fraction
    money: Mapping[Cell, Fraction] = field(default_factory=dict)
    funded: Fraction = Fraction(0)
    firms: Fraction = Fraction(0)


def slack_of(name: str, key: str, side: str) -> Slack:
    """What the rules of `scenario` ask for."""
    match name, side:
        case "budget", "upper":
            return Slack(Fraction(BUDGET), dict.fromkeys(CELLS, Fraction(-1)))
        case "floor", "lower":
            county = key.removeprefix("county=")
            return Slack(Fraction(-7), {c: Fraction(1) for c in CELLS if c[0] == county})
        case "roads", "upper":
            share = Fraction(2, 5)
            return Slack(Fraction(0), {c: share - (c[1] == "road") for c in CELLS})
        case "firms", "lower":
            return Slack(Fraction(-5, 2), firms=Fraction(1))
        case "few", "upper":
            return Slack(Fraction(2), funded=Fraction(-1))
        case "a-soft", "upper":
            return Slack(Fraction(9), {c: Fraction(-1) for c in CELLS if c[0] == "a"})
    raise AssertionError(f"a line for a limit that the scenario does not have: {name} {side}")


def scenario(folder: Path) -> Scenario:
    rules = [
        rule(id="floor", per=["county"], at_least=7),
        rule(id="roads", where={"task": "road"}, at_most={"share": "0.4", "of": "amount"}),
        rule(id="firms", measure="firms", at_least="2.5"),
        rule(id="few", measure="cells", at_most=2),
        rule(id="cap", where={"county": "b"}, per=["task"], at_most=12),
        rule(id="a-soft", where={"county": "a"}, at_most=9, soft={"price": "0.15"}),
    ]
    barred = {"where": {"county": BARRED[0], "task": BARRED[1]}, "reason": "no"}
    body = {
        "budget": BUDGET,
        "lot": LOT,
        "objective": {"weights": {"jobs": 1, "firms": "1/3"}, "normalise": "none"},
        "rules": rules,
        "ineligible": [barred],
    }
    tiers = [
        [*cell, k, width, *YIELDS[cell][k - 1]] for cell in CELLS for k, width in ((1, 10), (2, 20))
    ]
    return world(folder, body, tiers=tiers)


def most_money(cell: Cell) -> int:
    """What a cell may get by itself: the budget, the cap of 12 on b's, nothing where barred."""
    return 0 if cell == BARRED else 12 if cell[0] == "b" else BUDGET


def yields(cell: Cell, money: int) -> tuple[Fraction, Fraction]:
    """Jobs and firms of so many coins."""
    first, second = min(money, 10), min(max(money - 10, 0), 20)
    jobs, firms = (
        first * Fraction(one) + second * Fraction(two)
        for one, two in zip(*YIELDS[cell], strict=True)
    )
    return jobs, firms


Priced = list[tuple[Slack, Fraction]]
Row = Mapping[str, str]


def read(content: bytes) -> Fraction:
    """The bound that the file proves; every line of it is worked out again.

    Where lines of counties stand in it they are the addends, and the cells what they are made of.
    """
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    parts = {part: [row for row in rows if row["part"] == part] for part in PARTS}
    assert sum(map(len, parts.values())) == len(rows)
    assert {row["name"]: Fraction(row["points"]) for row in parts["metric"]} == WEIGHTS
    priced: Priced = []
    total = Fraction(0)
    for row in parts["limit"]:
        slack = slack_of(row["name"], row["key"], row["side"])
        factor = Fraction(row["multiplier"])
        assert factor >= 0 and Fraction(row["constant"]) == slack.constant
        assert row["name"] != "a-soft" or factor <= Fraction("0.15")
        total += enough(row, factor * slack.constant)
        priced.append((slack, factor))
    cells = {(row["county"], row["task"]): row for row in parts["cell"]}
    assert set(cells) == set(CELLS)
    alone = not parts["county"]
    for cell, row in cells.items():
        total += read_cell(cell, row, priced, alone)
    for row in parts["county"]:
        total += read_county(row, cells, priced)
    assert alone or [row["county"] for row in parts["county"]] == ["a", "b"]
    (bound,) = (Fraction(row["points"]) for row in parts["bound"])
    assert bound == total
    return bound


PARTS = ("metric", "limit", "cell", "county", "bound")


def read_cell(cell: Cell, row: Row, priced: Priced, alone: bool) -> Fraction:
    """A cell at its best, or at the money that its county's best choice gives it."""
    caps = {"budget": Fraction(BUDGET), "cap": Fraction(12), "eligibility": Fraction(0)}
    assert [Fraction(row["lot"]), Fraction(row["cap"])] == [LOT, most_money(cell)]
    assert caps[row["cap_rule"]] == most_money(cell), row
    assert int(row["money"]) in amounts(cell)
    read_alone(row, cell, priced)
    if not alone:
        enough(row, cell_worth(cell, int(row["money"]), priced))
        return Fraction(0)
    return enough(row, max(cell_worth(cell, money, priced) for money in amounts(cell)))


def read_alone(row: Row, cell: Cell, priced: Priced) -> None:
    """The line by itself: its numbers are exact, and come to its points."""
    money, funded = Fraction(row["money"]), row["money"] != "0"
    price, funding, outcomes = (Fraction(row[name]) for name in ("price", "funding", "outcomes"))
    assert price == sum(factor * slack.money.get(cell, Fraction(0)) for slack, factor in priced)
    assert funding == sum(factor * slack.funded for slack, factor in priced)
    enough(row, outcomes + money * price + funding * funded)


def read_county(row: Row, cells: Mapping[Cell, Row], priced: Priced) -> Fraction:
    """A county at the best of all its tables that keep its floor of 7; no rule counts its cells,
    and more than its cells may get it cannot have."""
    mine = [cell for cell in CELLS if cell[0] == row["county"]]
    assert Fraction(row["floor"]) <= 7 and row["counts"] == ""
    assert row["cap"] == "" or Fraction(row["cap"]) >= min(BUDGET, sum(map(most_money, mine)))
    best = max(
        sum(cell_worth(cell, money, priced) for cell, money in zip(mine, table, strict=True))
        for table in itertools.product(*map(amounts, mine))
        if 7 <= sum(table) <= BUDGET
    )
    enough(row, sum((Fraction(cells[cell]["points"]) for cell in mine), Fraction(0)))
    return enough(row, Fraction(best))


def enough(row: Row, due: Fraction) -> Fraction:
    """The points of a line: what is due, or up to a few last decimals more, and never less."""
    points = Fraction(row["points"])
    assert 0 <= points - due <= Fraction(1, 10**9), row
    return points


def amounts(cell: Cell) -> list[int]:
    return [0, *range(LOT, most_money(cell) + 1)]


def cell_worth(cell: Cell, money: int, priced: Priced) -> Fraction:
    jobs, firms = yields(cell, money)
    worth = jobs * WEIGHTS["jobs"] + firms * WEIGHTS["firms"]
    for slack, factor in priced:
        each = slack.money.get(cell, Fraction(0)) * money + slack.firms * firms
        worth += factor * (each + slack.funded * (money > 0))
    return worth


def kept_tables() -> Iterator[Fraction]:
    """What each whole table that keeps the rules is worth, less the price of the soft one."""
    for money in itertools.product(*map(amounts, CELLS)):
        table = dict(zip(CELLS, money, strict=True))
        spent, firms = sum(money), sum(yields(c, x)[1] for c, x in table.items())
        roads = table["a", "road"] + table["b", "road"]
        a = table["a", "road"] + table["a", "school"]
        broken = [
            spent > BUDGET,
            a < 7,
            spent - a < 7,
            5 * roads > 2 * spent,
            2 * firms < 5,
            sum(x > 0 for x in money) > 2,
        ]
        if not any(broken):
            worth = sum(yields(c, x)[0] + yields(c, x)[1] / 3 for c, x in table.items())
            yield worth - Fraction("0.15") * max(a - 9, 0)


@pytest.fixture(scope="module")
def best() -> Fraction:
    return max(kept_tables())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record that the command keeps."""
    folder = tmp_path_factory.mktemp("kept")
    scenario(folder)
    arguments = ["solve", str(folder / "scenario.yaml"), "-o", str(folder / "record"), "-q"]
    done = CliRunner(env={"LC_ALL": "en_XX.UTF-8"}).invoke(cli.allot, arguments)
    assert done.exit_code == 0, done.output
    return folder / "record"


def test_the_certificate_of_a_record_proves_its_bound_to_a_strange_reader(
    kept: Path, best: Fraction
) -> None:
    proved = [read(file.read_bytes()) for file in certificates(kept)]
    result = json.loads((kept / "manifest.json").read_text("utf-8"))["result"]
    assert Fraction(result["objective"]) - Fraction(result["penalty"]) == best <= min(proved)
    assert Fraction(result["bound_proved"]) == min(proved)


def certificates(record: Path) -> list[Path]:
    """Cell by cell, and by county."""
    found = sorted(record.glob("certificate*.csv"))
    assert [file.name for file in found] == ["certificate-by-county.csv", "certificate.csv"]
    return found


@pytest.mark.parametrize("number", [0, 1], ids=["by county", "by cell"])
def test_the_strange_reader_takes_no_line_that_proves_too_little(kept: Path, number: int) -> None:
    """A millionth taken off a line, and off the bound that the lines add up to."""
    text = certificates(kept)[number].read_text("utf-8-sig")
    head, *lines = list(csv.reader(io.StringIO(text)))
    less = Fraction(1, 10**6)
    changed = 0
    for at, line in enumerate(lines):
        if line[0] in ("metric", "bound"):
            continue
        forged = [list(one) for one in lines]
        for row in (forged[at], forged[-1]):
            row[-1] = str(Fraction(row[-1]) - less)
        with pytest.raises(AssertionError):
            read("\n".join(",".join(row) for row in [head, *forged]).encode())
        changed += 1
    assert changed > len(CELLS)


@pytest.mark.parametrize("by_county", [False, True], ids=["by cell", "by county"])
@pytest.mark.parametrize("seed", range(8))
def test_any_multipliers_prove_what_a_strange_reader_adds_up(
    tmp_path: Path, best: Fraction, seed: int, by_county: bool
) -> None:
    """Thirds and sevenths have no end as decimals: their lines are rounded, and upwards."""
    draw, given = Random(seed), scenario(tmp_path)
    sides: dict[tuple[str, Any], str] = {
        ("budget", ()): "upper",
        ("floor", (("county", "a"),)): "lower",
        ("floor", (("county", "b"),)): "lower",
        ("roads", ()): "upper",
        ("firms", ()): "lower",
        ("few", ()): "upper",
        ("a-soft", ()): "upper",
    }
    multipliers = [
        Multiplier(name, key, side, Fraction(draw.randint(0, 9), draw.choice([3, 7, 21])))
        for (name, key), side in sides.items()
    ]
    make, head = (certify_by_county, COUNTY_HEADER) if by_county else (certify, HEADER)
    made = make(given, metric_values(given, {}), multipliers)
    assert made is not None
    assert best <= read(certificate_csv(made, head))
