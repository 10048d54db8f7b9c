"""Rules for money that others imply: none is claimed that some table could break."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.allocation import allocation_of_rows
from models.metadata import read_labels
from models.scenario import Scenario, load
from optimizer.audit import audit
from optimizer.audit.implied import implied_rules
from reports.catalogue import Words
from reports.view.rule_view import RuleView
from tests.worlds import rule, world

BASE = Path(__file__).parent.parent / "scenarios" / "base-2020.yaml"
COUNTIES: dict[str, dict[str, Any]] = {
    "a": {"people": 2, "deep": True},
    "b": {"people": 3, "deep": True},
    "c": {"people": 4, "deep": False},
}
BUDGET = 7


def money_rules(chance: random.Random) -> Iterator[dict[str, Any]]:
    """A least and a most by county, and two over groups, of numbers that often meet."""
    yield rule(id="floor", per=["county"], at_least=chance.randrange(3))
    yield rule(id="cap", per=["county"], at_most=chance.randrange(2, 7))
    yield rule(id="other", where={"county": chance.choice("abc")}, at_least=chance.randrange(3))
    share = {"share": chance.choice([0.2, 0.4, 0.5]), "of": "amount"}
    yield rule(id="share", where={"deep": True}, at_least=share)
    times = {"times": chance.choice([0.5, 1, 1.5]), "of": "amount"}
    place = {"where": {"county": chance.choice("ab")}, "per_head": "people"}
    yield rule(id="heads", at_least=times, **place)
    yield rule(id="both", where={"deep": True}, at_most=chance.randrange(3, 8))


def tables() -> Iterator[list[list[int]]]:
    for money in itertools.product(range(BUDGET + 1), repeat=3):
        if sum(money) <= BUDGET:
            yield [[one, 0] for one in money]


@pytest.mark.slow
def test_no_table_that_keeps_the_others_breaks_what_they_imply(tmp_path: Path) -> None:
    chance, claimed = random.Random(3), 0
    for number in range(25):
        rules = list(money_rules(chance))
        spec = {"budget": BUDGET, "rules": rules}
        scenario = world(tmp_path / str(number), spec, counties=COUNTIES)
        implied = implied_rules(scenario)
        claimed += len(implied)
        for table in tables():
            broken = set(audit(scenario, allocation_of_rows(table)).broken_rules)
            for name, by in implied.items():
                assert not (name in broken and broken.isdisjoint(by)), (rules, name, by, table)
            if broken:
                assert not broken <= set(implied), (rules, implied, table)
    assert claimed > 20


def test_a_share_is_implied_by_floors_and_the_budget(tmp_path: Path) -> None:
    """Two floors of 2 are 4 of at most 7, so more than half; with 8 they need not be."""
    rules = [
        rule(id="share", where={"deep": True}, at_least={"share": 0.5, "of": "amount"}),
        rule(id="floors", where={"deep": True}, per=["county"], at_least=2),
    ]

    def implied(budget: int, **more: Any) -> dict[str, tuple[str, ...]]:
        folder = tmp_path / f"{budget}{len(more)}"
        spec = {"budget": budget, "rules": [rules[0], {**rules[1], **more}]}
        return implied_rules(world(folder, spec, counties=COUNTIES))

    assert implied(7) == implied(8) == {"share": ("budget", "floors")}
    assert implied(9) == {}
    # A rule that gives way implies nothing.
    assert implied(8, soft={"price": 1}) == {}


def test_the_base_says_what_its_bands_imply() -> None:
    scenario: Scenario = load(BASE)
    said = RuleView(scenario, read_labels(scenario.programme), Words("zh"))
    assert said.implied("tibetan-per-resident") == "因预算、其他深度贫困县不低于因素法数的80%已满足"
    assert "大小凉山彝区人均安排数" in said.implied("deep-poverty-share")
    assert said.implied("yi-per-resident") == ""
    # By hand: the other deep-poverty counties of the Tibetan area hold more than 1.5 times the
    # average for all its residents, were the whole budget spent.
    counties = scenario.programme.counties
    area, heads = counties.values("area"), counties.numbers("residents")
    mine = [at for at, one in enumerate(area) if one == "tibetan"]
    held = 0
    for finding in audit(scenario, allocation_of_rows([[1] * 8] * 88)).findings:
        if finding.rule == "hold-deep-poverty" and finding.lower is not None:
            code = dict(finding.key)["county"]
            held += finding.lower if counties.index[code] in mine else 0
    assert held >= scenario.budget * sum(heads[at] for at in mine) / sum(heads) * 3 / 2
