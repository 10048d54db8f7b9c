"""A safety margin: the solver keeps it in hand; the rule is read without it."""

from __future__ import annotations

import csv
import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import allot
from models.allocation import allocation_of_rows
from models.errors import InfeasibleError, InputError
from models.finding import Finding
from models.metadata import read_labels
from models.scenario import Scenario, load
from models.sentences import sentence
from optimizer.audit import audit
from optimizer.decision import solve
from optimizer.infeasibility.diagnose import diagnose
from optimizer.sensitivity.prices import prices
from reports.catalogue import Words
from reports.documents.diagnosis import change_line
from tests.worlds import rule, world, write_world

# The first 10 in a cell yield 0.5 jobs and 0.1 firms each, the next 20 yield 0.2 and 0.05.
ONE = {"counties": {"a": {"people": 100}}, "tasks": {"road": {}, "school": {}}}
OBJECTIVE = {"weights": {"firms": 1}, "normalise": "none"}
TARGET = rule(id="target", measure="jobs", at_least=10, margin="5%")


def scenario_of(folder: Path, *rules: dict[str, Any], budget: int = 25, **parts: Any) -> Scenario:
    return world(
        folder, {"budget": budget, "objective": OBJECTIVE, "rules": list(rules), **parts}, **ONE
    )


def finding(scenario: Scenario, rows: list[list[int]], name: str = "target") -> Finding:
    audited = audit(scenario, allocation_of_rows(rows))
    return next(one for one in audited.findings if one.rule == name)


FORMS = [
    TARGET,
    rule(id="target", measure="jobs", per_head="people", at_least="0.1", margin="5%"),
    rule(id="target", measure="jobs", at_least={"times": 5, "of": "firms"}, margin="2%"),
    rule(id="target", measure="firms", at_most={"share": "0.2", "of": "jobs"}, margin="0.1"),
    rule(id="target", measure="firms", per=["task"], at_most="1.2", margin="25%"),
    rule(id="target", measure="jobs", per=["county"], if_funded=True, at_least=4, margin="30%"),
    rule(id="target", measure="jobs", at_least=[2, {"column": "need"}], per="county", margin="5%"),
]


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_the_best_table_is_the_best_of_all_that_keep_the_margin(
    tmp_path: Path, form: dict[str, Any]
) -> None:
    spec = {"budget": 25, "objective": OBJECTIVE, "rules": [form]}
    scenario = world(tmp_path, spec, counties={"a": {"people": 100, "need": 8}}, tasks=ONE["tasks"])
    worth = []
    for money in itertools.product(range(26), repeat=2):
        if sum(money) <= 25:
            read = audit(scenario, allocation_of_rows([money]))
            mine = [one for one in read.findings if one.rule == "target"]
            by = scenario.rules[0].margin or Fraction(0)
            kept = all(
                (one.lower is None or one.value >= one.lower * (1 + by))
                and (one.upper is None or one.value <= one.upper * (1 - by))
                for one in mine
            )
            assert kept == (not read.unmet)
            if kept:
                worth.append(read.outcomes["firms"])
    solution = solve(scenario, repaired=False)
    assert solution.audit.unmet == ()
    assert solution.objective == max(worth)
    assert solution.bound is not None
    assert solution.bound >= float(max(worth)) - 1e-9


def test_between_the_rule_and_its_margin_stands_a_third_word(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, TARGET)
    short = finding(scenario, [[10, 10]])
    assert (short.value, short.lower, short.slack, short.state) == (10, 10, 0, "short")
    assert short.holds and not short.binding
    kept = finding(scenario, [[13, 10]])  # 10.6, of which 10.5 are asked
    assert (kept.state, kept.slack, kept.spare, kept.near) == (
        "kept",
        Fraction("0.6"),
        Fraction("0.1"),
        True,
    )
    assert finding(scenario, [[10, 9]]).state == "broken"


def test_the_certificate_and_the_prices_stand_at_the_margin(tmp_path: Path) -> None:
    """By the money: firms are worth nothing here but in road, jobs only in school."""
    spec = {"budget": 25, "objective": {"weights": {"jobs": 0, "firms": 1}, "normalise": "none"}}
    tiers = [["a", "road", 1, 40, "0", "0.1"], ["a", "school", 1, 40, "0.5", "0"]]
    found = []
    for margin in ("0", "4%"):
        rules = [rule(id="target", measure="jobs", at_least=5, margin=margin)]
        scenario = world(tmp_path / margin, {**spec, "rules": rules}, tiers=tiers, **ONE)
        solution = solve(scenario, units="continuous", repaired=False)
        limit = next(one for one in prices(scenario).limits if one.rule == "target")
        found.append((limit.bound, solution.objective, solution.bound))
        assert limit.price == pytest.approx(-0.2)
    # 5 jobs take 10 of 25 and leave 1.5 firms; 5.2 take 10.4 and leave 1.46.
    assert [one[:2] for one in found] == [
        (5, Fraction("1.5")),
        (pytest.approx(5.2), Fraction("1.46")),
    ]
    assert [one[2] for one in found] == [pytest.approx(1.5), pytest.approx(1.46)]


def test_margins_are_given_up_before_rules(tmp_path: Path) -> None:
    """11 jobs take 20 + 5 of money; a twentieth more is 11.55, which 25 do not bring."""
    scenario = scenario_of(tmp_path, rule(id="target", measure="jobs", at_least=11, margin="5%"))
    with pytest.raises(InfeasibleError):
        solve(scenario)
    found = diagnose(scenario)
    assert found is not None
    assert [(one.rule, one.field, one.setting) for one in found.alone] == [
        ("target", "margin", "rules.target.margin=0")
    ]
    labels = read_labels(scenario.programme)
    said = [change_line(scenario, found.alone[0], labels, Words(lang)) for lang in ("zh", "en")]
    assert "安全余地由5%降为0%" in said[0]
    assert "safety margin given up, from 5% to 0%" in said[1]


def test_all_margins_together_where_none_alone_is_enough(tmp_path: Path) -> None:
    rules = [
        rule(id="one", measure="jobs", at_least=11, margin="5%"),
        rule(id="two", measure="jobs", at_least=11, margin="6%"),
    ]
    found = diagnose(scenario_of(tmp_path, *rules))
    assert found is not None
    assert [one.setting for one in found.combined] == ["rules.one.margin=0", "rules.two.margin=0"]


def test_a_margin_is_said_with_the_rule(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, TARGET)
    said = [sentence(scenario.rules[0], scenario.programme, lang) for lang in ("zh", "en")]
    assert said[0].endswith("不少于10jobs（测算时留5%余地）")
    assert said[1].endswith("is at least 10 jobs (solved with a safety margin of 5%)")


REFUSED = [
    ({"measure": "amount", "at_least": 5}, "margin goes with a metric, which is modelled; amount"),
    ({"measure": "counties", "at_most": 5}, "margin goes with a metric"),
    ({"measure": "jobs", "equal": 5, "within": 1}, "margin goes with at_least or at_most"),
    ({"measure": "jobs", "at_least": 5, "soft": {"price": 1}}, "margin does not go with soft"),
    ({"measure": "jobs", "at_least": 5, "margin": "120%"}, "120% is not a share from 0 to below"),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_margin_where_nothing_is_modelled_is_refused(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match="rules") as caught:
        scenario_of(tmp_path, rule(**{"id": "target", "margin": "2%", **fields}))
    assert message in str(caught.value)


@pytest.mark.parametrize(("lang", "word"), [("zh", "余地不足"), ("en", "margin not met")])
def test_a_table_that_lacks_a_margin_passes_and_says_so(
    tmp_path: Path, lang: str, word: str
) -> None:
    spec = {"budget": 25, "objective": OBJECTIVE, "rules": [TARGET]}
    path = write_world(tmp_path, spec, **ONE)
    table = tmp_path / "table.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["county", "task", "amount"], ["a", "road", 10], ["a", "school", 10]]
        )

    def check(*more: str) -> Any:
        wide = CliRunner(env={"COLUMNS": "100"})
        done = wide.invoke(allot, ["check", str(path), str(table), "--lang", lang, *more])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert word in check()
    told = next(one for one in json.loads(check("--json"))["findings"] if one["rule"] == "target")
    assert (told["state"], told["holds"]) == ("short", True)
    check("-o", str(tmp_path / "page"))
    assert word in next((tmp_path / "page").glob("*.html")).read_text("utf-8")


def test_a_record_holds_the_rule_as_written(tmp_path: Path) -> None:
    spec = {"budget": 25, "objective": OBJECTIVE, "rules": [TARGET]}
    path, record = write_world(tmp_path, spec, **ONE), tmp_path / "record"
    for arguments in (["solve", str(path), "-o", str(record)], ["verify", str(record)]):
        done = CliRunner().invoke(allot, arguments)
        assert done.exit_code == 0, done.output
    rows = csv.DictReader((record / "findings.csv").read_text("utf-8-sig").splitlines())
    row = next(row for row in rows if row["rule"] == "target")
    assert (row["lower"], row["state"]) == ("10", "kept")
    assert Fraction(row["value"]) >= Fraction("10.5")
    assert load(record / "scenario.yaml").rules[0].margin == Fraction("0.05")
