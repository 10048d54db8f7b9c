"""report.html: one self-contained page whose numbers are those of the record."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from markupsafe import escape

from models.allocation import allocation_of_rows
from models.errors import InputError
from models.scenario import load
from optimizer.audit import audit
from optimizer.records import read_solution
from reports.catalogue import Words
from reports.html.page import report_html
from reports.numbers import plain
from reports.view.remarks import money
from tests.by_hand import by_hand
from tests.pages import Page, base_solution, kept, page_of, small_page
from tests.worlds import rule, world, write_yaml


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kept(base_solution(), tmp_path_factory.mktemp("page") / "record")


@pytest.fixture(scope="module")
def text(record: Path) -> str:
    return (record / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# ---- one file ----


def test_the_page_leads_nowhere_outside_itself(page: Page) -> None:
    assert page.ways_out() == []


def test_its_policy_allows_its_own_script_and_style_and_nothing_else(page: Page) -> None:
    assert page.policy() == page.own_policy()


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_is_small(record: Path, lang: str) -> None:
    solution, found = read_solution(record)
    assert len(report_html(solution, found.manifest, lang)) < 200_000


@pytest.mark.slow
def test_a_record_gives_the_bytes_of_its_own_page_again(record: Path, text: str) -> None:
    solution, found = read_solution(record)
    assert report_html(solution, found.manifest, "zh").decode() == text


# ---- numbers ----


def test_every_county_stands_once_with_the_amounts_of_the_record(record: Path, page: Page) -> None:
    solution, _ = read_solution(record)
    programme = solution.scenario.programme
    names = dict(zip(programme.counties.ids, programme.counties.names("zh"), strict=True))
    due = {name: ["-"] * len(programme.tasks) for name in names.values()}
    for row in rows_of(record / "allocation.csv"):
        place = programme.tasks.index[row["task"]]
        due[names[row["county"]]][place] = plain(Fraction(row["amount"]))
    shown = page.table("county-table").of("county")
    assert len(shown) == 88
    assert {row.text[0].split(" ")[0]: row.text[2:10] for row in shown} == due


def number(text: str) -> Fraction:
    return Fraction(0) if text == "-" else Fraction(text.replace(",", ""))


def test_totals_come_first_and_subtotals_are_the_sums_of_their_counties(page: Page) -> None:
    rows = [row for row in page.table("county-table").rows if row.kind]
    assert rows[0].kind == "total"
    assert rows[1].kind == "sub"
    sums = [[Fraction(0)] * 9, [Fraction(0)] * 9]
    subtotal = None
    for row in [*rows[1:], rows[1]]:
        cells = [number(cell) for cell in row.text[1:10]]
        if row.kind == "sub":
            assert subtotal in (None, sums[1])
            subtotal, sums[1] = cells, [Fraction(0)] * 9
            assert row.text[0].endswith("小计")
        else:
            sums = [[a + b for a, b in zip(one, cells, strict=True)] for one in sums]
    assert [number(cell) for cell in rows[0].text[1:10]] == sums[0]


def test_outcomes_are_those_of_the_record_in_every_column(record: Path, page: Page) -> None:
    shown = page.table("outcomes").of("metric")
    listed = rows_of(record / "outcomes.csv")
    assert len(shown) == len(listed) == 3
    for row, due in zip(shown, listed, strict=True):
        target = Fraction(due["target"])
        values = [Fraction(due[key]) for key in ("outcome", "baseline", "repaired")]
        this, said, *others = row.text[1:5]
        assert [this, *others] == [plain(int(value)) for value in values]
        word = "√ 达到，多" if values[0] >= target else "× 未达到，差"
        assert said.startswith(f"{plain(target)} {word}")


def test_a_missed_target_says_by_how_much(tmp_path: Path) -> None:
    metrics = [{"id": "jobs", "title": "Jobs", "unit": "people", "target": 12}]
    header = [["a", "road", 1, 10, "0.5"], ["b", "road", 1, 10, "0.5"]]
    made = world(tmp_path, {"budget": 50}, programme={"metrics": metrics}, tiers=header)
    row = Page(small_page(made, [[10, 0], [5, 0]])).table("outcomes").of("metric")[0]
    assert row.text[1:3] == ["7", "12 × 未达到，差5"]
    assert row.kind.split() == ["metric", "bad"]


def test_the_highlighted_groups_share_stands_under_each_outcome(tmp_path: Path) -> None:
    made = world(tmp_path, {"budget": 50}, counties={"a": {"poor": True}, "b": {"poor": False}})
    content = {"highlight": [{"title": "Poor", "where": {"poor": "true"}}]}
    write_yaml(made.programme.folder / "labels.yaml", content)
    shares = Page(small_page(made, [[10, 0], [30, 0]])).table("outcomes").of("share")
    # jobs: 0.5 for the first 10 and 0.2 for the next 20, so 5 of 14; firms 1 of 3; money 10 of 40.
    assert [row.text[1] for row in shares] == ["35.7%", "33.3%", "25.0%"]
    assert shares[0].text[3] == "100.0%"


def test_each_rule_opens_to_the_limits_of_findings_csv(record: Path, page: Page) -> None:
    listed = rows_of(record / "findings.csv")
    due: dict[str, list[dict[str, str]]] = {}
    for row in listed:
        due.setdefault(row["rule"], []).append(row)
    tables = [table for table in page.tables if "inner" in table.names]
    assert len(tables) == len(due)
    sizes = sorted(min(len(found), 300) for found in due.values())
    assert sorted(len(table.rows) - 1 for table in tables) == sizes
    for name in ("hold-others", "rise-cap", "task-share-max", "deep-poverty-share"):
        values = sorted(plain(Fraction(row["value"])) for row in due[name])
        slacks = sorted(plain(Fraction(row["slack"])) for row in due[name])
        shown = [
            table
            for table in tables
            if sorted(row.text[2] for row in table.rows[1:]) == values
            and sorted(row.text[3] for row in table.rows[1:]) == slacks
        ]
        assert shown, name


def test_a_sum_of_money_outside_the_grid_is_in_the_total(tmp_path: Path) -> None:
    body = {"budget": 50, "outside": [{"code": "00", "name": "the town", "amount": 7}]}
    table = Page(small_page(world(tmp_path, body), [[10, 0], [5, 0]])).table("county-table")
    assert table.of("total")[0].text[1] == "22"
    assert table.of("outside")[0].text[:4] == ["the town", "7", "-", "-"]


def test_last_year_and_the_change_stand_beside_the_money(tmp_path: Path) -> None:
    (tmp_path / "2019.csv").write_text("county,amount\na,12\n")
    made = world(tmp_path, {"budget": 50, "last_year": {"file": "2019.csv"}})
    page = small_page(made, [[10, 0], [5, 0]])
    rows = Page(page).table("county-table").of("county")
    assert [row.text[5:8] for row in rows] == [["12", "-2", "-16.7%"], ["无上年数", "-", "-"]]
    assert Page(page).table("county-table").of("total")[0].text[5:8] == ["无上年数", "-", "-"]
    said = money(made, audit(made, allocation_of_rows([[10, 0], [5, 0]])), Words("zh"))
    assert said.endswith("；上年安排12，另有1个县（市、区）无上年数")


def test_where_no_last_year_is_known_the_page_says_so(tmp_path: Path) -> None:
    assert "无上年数，不列增减。" in small_page(world(tmp_path, {"budget": 50}), [[10, 0], [5, 0]])


# ---- wording ----


def state_of(text: str, title: str) -> tuple[str, str]:
    """(class of its body, text) of the first row of a rule in the constraint report."""
    bodies = re.findall(r'<tbody class="(rule [a-z]+)".*?</tbody>', text, re.S)
    found = re.search(
        rf'<tbody class="(rule [a-z]+)"[^>]*>\s*<tr><th scope="row">{title}<p>.*?</tr>', text, re.S
    )
    assert found, bodies
    return found[1], re.sub(r"<[^>]+>", " ", found[0])


def test_complies_is_said_only_of_clauses_that_were_read_and_state_the_number(text: str) -> None:
    assert "√ 符合" in state_of(text, "预算")[1]
    tilt = " ".join(state_of(text, "45个深度贫困县资金占比")[1].split())
    assert re.search("条款未定量，按假定值测算： [√×] (不?)满足", tilt)
    floor = state_of(text, "其余县不低于因素法数的60%")[1]
    assert "测算假定" in floor
    assert "符合" not in tilt + floor


def test_rules_stand_in_blocks_and_assumptions_in_their_own(page: Page, text: str) -> None:
    blocks = re.findall(r'<tbody class="block"><tr><th[^>]*>(.*?)</th>', text)
    assert blocks == ["条款写明数值", "条款未定量，按假定值测算", "测算假定", "情景设定"]
    off = page.table("off")
    assert len(off.rows) == 9
    assert {row.text[2] for row in off.rows[1:]} == {"○ 停用", "○ 停用（未核到原文）"}


def test_a_rule_of_an_unread_clause_is_named_on_every_page(tmp_path: Path) -> None:
    clause = {"document": "Plan", "article": "3", "seen": "false", "states_number": "true"}
    rules = [rule(basis="clause", clause=clause, at_most=99)]
    text = small_page(world(tmp_path, {"budget": 50, "rules": rules}), [[10, 0], [5, 0]])
    running = re.search(r'<thead class="running".*?</thead>', text, re.S)
    assert running is not None
    assert "1条已启用的条款未核到原文（规则）" in running[0]
    assert '<p class="alarm" role="alert">' in text
    assert "未核到原文，按假定值测算" in text


def test_a_broken_rule_is_named_on_every_page_and_opens_by_itself(tmp_path: Path) -> None:
    rules = [rule(per=["county"], at_most=8)]
    made = world(tmp_path, {"budget": 50, "rules": rules})
    text = small_page(made, [[10, 0], [5, 0]], "en")
    running = text.split('<thead class="running"')[1].split("</thead>")[0]
    assert "Draft, not to be acted on. Broken rules: 1 (Rule)" in running
    assert "<details open>" in text
    good = small_page(made, [[8, 0], [5, 0]], "en")
    assert "<details open>" not in good
    assert 'class="alarm"' not in good


def test_markup_in_a_name_is_text_and_control_characters_are_gone(tmp_path: Path) -> None:
    evil = '</style></script><script>alert(1)</script><b onmouseover="x">\'&'
    counties = {
        "a": {"name_zh": evil, "name_en": evil, "people": 1},
        "b": {"name_zh": "乙\u202e县", "name_en": "b", "people": 2},
    }
    rules = [
        rule(id="on", at_most=9, per="county", title={"zh": evil, "en": evil}, reason=evil),
        rule(id="off", at_most=9, title={"zh": evil, "en": evil}, reason=evil, enabled=False),
    ]
    body = {"budget": 20, "rules": rules, "title": evil}
    task = {"id": "road", "title": evil, "details": {"lead": evil, "schedule": [{"work": evil}]}}
    made = world(tmp_path, body, counties=counties, tasks={"road": {}})
    write_yaml(made.programme.folder / "tasks.yaml", [task])
    write_yaml(made.programme.folder / "labels.yaml", {"residents": "people", "sign_off": [evil]})
    source = {"id": "s", "kind": "assumption", "title": evil, "reason": evil, "covers": [evil]}
    write_yaml(made.programme.folder / "sources.yaml", [source])
    (made.programme.folder / "tiles.csv").write_text("code,column,row\na,0,0\nb,1,0\n")
    text = small_page(load(tmp_path / "scenario.yaml"), [[10], [5]])
    assert evil not in text
    assert str(escape(evil)) in text
    assert "\u202e" not in text
    tags = [tag for tag, _ in Page(text).elements]
    assert tags.count("script") == tags.count("style") == 1
    assert "乙 县" in text


# ---- drawings ----


def test_the_map_shades_by_fixed_classes_and_says_what_it_is_not(page: Page, text: str) -> None:
    assert "示意方格图，不代表行政区域界线" in text
    where = text.split('<section id="where">')[1].split("</section>")[0]
    keys = re.findall(r'class="key k(\d)"></i>([^<]*)</li>', where)
    assert [shade for shade, _ in keys] == list("01234")
    counted = [int(re.findall(r"(\d+)个", said)[0]) for _, said in keys]
    totals = [number(row.text[1]) for row in page.table("county-table").of("county")]
    ends = [0, 100, 200, 400, 800, 10**9]
    due = [sum(low <= t < high for t in totals) for low, high in zip(ends, ends[1:], strict=False)]
    assert counted == due
    squares = re.findall(r'<path d="([^"]*)" class="tile k(\d)"', where)
    assert {int(shade): path.count("M") for path, shade in squares} == {
        at: count for at, count in enumerate(due) if count
    }


def test_every_drawing_says_in_words_what_it_shows(text: str) -> None:
    drawings = re.findall(r"<svg role=\"img\".*?</svg>", text, re.S)
    assert len(drawings) > 20
    assert all(re.search(r"<title>[^<]+</title>", drawing) for drawing in drawings)
    bars = next(one for one in drawings if "<title>按重点工作" in one)
    assert "<desc>统筹谋划" in bars


def test_the_gini_coefficient_is_exact(tmp_path: Path) -> None:
    made = world(tmp_path, {"budget": 50}, counties={"a": {"people": 1}, "b": {"people": 3}})
    write_yaml(made.programme.folder / "labels.yaml", {"residents": "people"})
    text = small_page(made, [[10, 0], [10, 0]])
    # Half the money for a quarter of the people: 1/2 − 1/4.
    assert '<td class="n">0.2500</td><td class="n">0.7500</td>' in text


@pytest.mark.slow
def test_curves_show_the_counties_asked_for(record: Path) -> None:
    solution, found = read_solution(record)
    shown = re.findall(
        r'<article class="county">\s*<h3>(.*?) <span>',
        report_html(solution, found.manifest, "en", ["昭觉", "511725"]).decode(),
    )
    assert shown == ["Zhaojue County", "Qu County"]
    with pytest.raises(InputError) as caught:
        report_html(solution, found.manifest, "zh", ["昭觉鄉", "南"])
    said = str(caught.value)
    assert "unknown county '昭觉鄉' (did you mean '昭觉县'?)" in said
    assert "'南' may be 南部县, 南江县; say which" in said


def test_six_counties_have_curves_and_their_points_are_their_amounts(page: Page, text: str) -> None:
    articles = text.split('<article class="county">')[1:]
    assert len(articles) == 6
    money = {row.text[0].split(" ")[0]: row.text[1] for row in page.table("county-table").rows}
    for article in articles:
        name, total = re.findall(r"<h3>(.*?) <span>([\d,]+)万元", article)[0]
        assert money[name] == total
        dots = article.count('class="chosen"')
        funded = len(re.findall(r"<tr><td>\d</td>", article))
        assert dots == 3 * funded


# ---- the rest of the paper ----


def test_the_schedule_marks_the_quarters_of_the_plan(page: Page) -> None:
    plan = page.table("plan")
    steps = [row.text for row in plan.rows if row.kind == "" and len(row.cells) == 6][1:]
    assert len(steps) == 22
    assert ["完成方案制定", "第一季度", "●", "", "", ""] in steps
    assert ["组织推动工业园区发展行动", "全年", "●", "●", "●", "●"] in steps


def test_assumptions_have_reasons_and_the_sign_off_is_empty(page: Page) -> None:
    assumed = page.table("assumed")
    assert len(assumed.rows) > 30
    assert all(row.text[2] for row in assumed.rows)
    signed = page.table("sign").rows[1:]
    assert [row.text[0] for row in signed] == ["测算人", "复核人", "处室负责人", "分管领导"]
    assert all(cell == "" for row in signed for cell in row.text[1:])


def test_the_hashes_are_those_of_the_record(record: Path, page: Page) -> None:
    shown = {row.text[0]: row.text[1] for row in page.table("hashes").rows[1:]}
    for name, hash_ in shown.items():
        assert hashlib.sha256((record / name).read_bytes()).hexdigest() == hash_
    assert {"allocation.csv", "findings.csv", "outcomes.csv", "scenario.yaml"} <= set(shown)


def test_a_bare_programme_has_a_page_without_what_it_does_not_say(tmp_path: Path) -> None:
    text = small_page(world(tmp_path, {"budget": 50}), [[10, 0], [5, 0]], "en")
    page = Page(text)
    assert [row.text[0] for row in page.table("county-table").rows] == ["County", "Total", "a", "b"]
    for name in ('id="plan"', 'class="map"', "Gini"):
        assert name not in text


def test_an_infinite_bound_is_no_bound(tmp_path: Path) -> None:
    solution = by_hand(world(tmp_path, {"budget": 50}), [[10, 0], [5, 0]], [[1, 0], [0, 0]])
    loose = replace(solution, bound_solver=float("inf"), gap=float("inf"), source=None)
    none = replace(solution, bound_solver=None, gap=None, source=None)
    assert page_of(loose) == page_of(none)
    assert "计算软件没有给出最高可能值" in page_of(none)


def test_the_rows_that_say_they_bind_are_as_many_as_the_card_counts(tmp_path: Path) -> None:
    """Whole units are no rule that anybody set: they stand in the table and bind nowhere."""
    rules = [rule(id="floor", per=["county"], at_least=5)]
    text = small_page(world(tmp_path, {"budget": 15, "rules": rules}), [[10, 0], [5, 0]])
    rows = re.findall(r'<tbody class="rule[^>]*data-binding="(\d+)"', text)
    assert len(rows) == 3 and sum(row != "0" for row in rows) == 2
    assert "其中2条有限值起约束作用" in text
