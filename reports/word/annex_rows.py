"""The rows of the annexes: money by county, factor method, targets, review of the rules."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from models.deadline import Dates, DeadlineRead, read_deadline
from models.finding import Finding
from models.metadata import read_papers, value_name
from models.rule import Rule
from models.selection import value_text
from models.sentences import state_words
from reports.numbers import counted, plain, signed
from reports.view.allocation_view import counties_by, grounds_of, tightest
from reports.view.factor_view import FactorColumn
from reports.view.grounds_view import assumptions, clause_texts
from reports.view.page_model import PageModel
from reports.view.rule_view import findings_by_rule, worst_state
from reports.view.target_view import TargetLine, target_lines

Row = Mapping[str, Any]
BLANK_DAY = "　　　　年　　月　　日"
_EVERY = "合计"


def day_text(day: datetime.date | None) -> str:
    """2020年5月13日; room for it where the day is not known."""
    return BLANK_DAY if day is None else f"{day.year}年{day.month}月{day.day}日"


# 附件1：资金分配表。


def regions_of(model: PageModel) -> dict[str, tuple[int, ...]]:
    """Name → counties, by the column that subtotals are made by; {} without one."""
    column = model.labels.subtotal
    scenario = model.solution.scenario
    return {} if column is None else counties_by(scenario, model.labels, column, "zh")


def money_rows(model: PageModel) -> list[Row]:
    """附件1: the total, each region's subtotal and its counties, then places outside the grid."""
    outside = model.this.allocation.outside
    beside = sum((Fraction(money) for _, _, money in outside), Fraction(0))
    rows = [_money_row(model, model.counties, (_EVERY, ""), beside=beside)]
    number = 0
    for region, counties in (regions_of(model) or {"": tuple(model.counties)}).items():
        if region:
            rows.append(_money_row(model, counties, (region, "小计")))
        for county in counties:
            number += 1
            names = (region, model.county_name(county))
            rows.append(_money_row(model, [county], names, number))
    last_year = model.solution.scenario.last_year
    known = {} if last_year is None else {code: money for code, _, money in last_year.outside}
    for code, name, money in outside:
        number += 1
        blank = [""] * len(model.tasks)
        before = _against(Fraction(money), known.get(code), last_year is not None)
        rows.append(_row(number, ("", name, code), (blank, plain(money)), before, ""))
    return rows


def _money_row(
    model: PageModel,
    counties: Sequence[int],
    names: tuple[str, str],
    number: int | None = None,
    beside: Fraction = Fraction(0),
) -> Row:
    programme, last_year = model.solution.scenario.programme, model.solution.scenario.last_year
    amounts = [model.this.value("amount", counties, [task]) for task in model.tasks]
    total = sum(amounts, beside)
    before: Fraction | None = None
    if last_year is not None:
        before = last_year.of(programme.counties.ids[county] for county in counties)
        if names[0] == _EVERY and before is not None:
            before = last_year.total
    said = [plain(money) if money else "" for money in amounts]
    code = programme.counties.ids[counties[0]] if number is not None else ""
    note = _note(model, counties[0]) if number is not None else ""
    known = last_year is not None or names[0] == _EVERY
    against = _against(total, before, known)
    return _row(number, (*names, code), (said, plain(total)), against, note)


def _row(
    number: int | None,
    place: tuple[str, str, str],
    money: tuple[list[str], str],
    before: tuple[str, str],
    note: str,
) -> Row:
    """`place`: region, county, code; `money`: by task, in all; `before`: last year's, change."""
    return {
        "number": "" if number is None else str(number),
        "is_sum": number is None,
        "region": place[0],
        "county": place[1],
        "code": place[2],
        "amounts": money[0],
        "total": money[1],
        "last_year": before[0],
        "change": before[1],
        "note": note,
    }


def _against(now: Fraction, before: Fraction | None, known: bool) -> tuple[str, str]:
    """Last year's money and the change; the change is blank where there is nothing to compare."""
    if before is None:
        return ("无上年数" if known else "", "")
    return plain(before), signed(plain(now - before))


def _note(model: PageModel, county: int) -> str:
    """What the table says of a county: its area, and the flags that it has."""
    table, said = model.solution.scenario.programme.counties, []
    for column in model.labels.shown:
        value = value_text(table.values(column)[county])
        if value != "false":
            said.append(
                value_name(model.solution.scenario.programme, model.labels, (column, value), "zh")
            )
    return "、".join(said)


# 附件2：因素法测算表。


def factor_heads(factors: Sequence[FactorColumn]) -> list[str]:
    """Two columns a factor: its value, its share of all."""
    return [
        text
        for one in factors
        for text in (f"{one.title}（权重{plain(one.weight * 100)}%）", "占比（%）")
    ]


def factor_rows(model: PageModel, factors: Sequence[FactorColumn]) -> list[Row]:
    """附件2: the total, then each county: factors, score, what they give, what is proposed."""
    baseline = model.columns[1]
    rows = [_factor_row(model, model.counties, factors, (baseline.by_county, None))]
    for county in model.counties:
        rows.append(_factor_row(model, [county], factors, (baseline.by_county, county + 1)))
    return rows


def _factor_row(
    model: PageModel,
    counties: Sequence[int],
    factors: Sequence[FactorColumn],
    given: tuple[Sequence[Fraction], int | None],
) -> Row:
    by_formula, number = given
    score, cells = Fraction(0), []
    for one in factors:
        value = sum((one.values[county] for county in counties), Fraction(0))
        share = value / one.total if one.total else Fraction(0)
        score += share * one.weight
        cells += [plain(value, 0 if value.denominator == 1 else 2), plain(share * 100, 3)]
    computed = sum((by_formula[county] for county in counties), Fraction(0))
    now = model.this.value("amount", counties, model.tasks)
    return {
        "number": "" if number is None else str(number),
        "is_sum": number is None,
        "county": _EVERY if number is None else model.county_name(counties[0]),
        "cells": cells,
        "score": plain(score * 100, 3) if factors else "",
        "computed": plain(computed),
        "total": plain(now),
        "difference": signed(plain(now - computed)),
    }


# 附件3：区域绩效目标表。


def goal_tables(model: PageModel, each_county: bool) -> list[Row]:
    """附件3: the form of the whole, then one a region, or one a county."""
    lines = target_lines(model)
    goal = read_papers(model.solution.scenario.programme).goal.zh
    whole = model.solution.audit.spent
    forms = [_form("", "区域", goal, (whole, [_target_row(one, None) for one in lines]))]
    regions = {} if each_county else regions_of(model)
    places = regions or {model.county_name(county): (county,) for county in model.counties}
    for number, (name, counties) in enumerate(places.items(), 1):
        money = model.this.value("amount", counties, model.tasks)
        rows = [_target_row(one, counties) for one in lines]
        forms.append(_form(f"-{number}", name, "", (money, rows)))
    return forms


def _form(number: str, name: str, goal: str, found: tuple[Fraction, list[Row]]) -> Row:
    """One form; a level is written where it begins."""
    money, rows = found
    before: Row = {"first": "", "second": ""}
    told = []
    for row in rows:
        levels = (row["first"], row["second"])
        shown = dict(row)
        if levels[0] == before["first"]:
            shown["first"] = ""
            shown["second"] = "" if levels[1] == before["second"] else levels[1]
        told.append(shown)
        before = row
    return {"number": number, "region": name, "total": plain(money), "goal": goal, "lines": told}


def _target_row(one: TargetLine, counties: Sequence[int] | None) -> Row:
    """Targets of the whole are those of the plan; of a region nobody has set any."""
    own = one.indicator
    due = own.due.zh
    return {
        "first": own.first.zh,
        "second": own.second.zh,
        "title": own.title.zh,
        "target": one.target if counties is None else due,
        "value": one.value if counties is None else one.part(counties),
    }


# 附件4：政策依据及合规性审核表。


def review_rows(model: PageModel) -> list[Row]:
    """附件4: rules with a clause, rules without one, then those that are switched off."""
    found = findings_by_rule(model.solution.audit)
    scenario = model.solution.scenario
    names = [*found, *(rule.id for rule in scenario.rules if rule.id not in found)]
    named: list[str] = []
    assumed: list[str] = []
    for name in names:
        grounds = grounds_of(scenario, name)
        (named if grounds is not None and grounds.clause is not None else assumed).append(name)
    off = [rule.id for rule in scenario.spec.rules if not rule.enabled]
    rows: list[Row] = []
    number = 0
    for title, block in (
        ("有政策文件的约束", named),
        ("测算假定（没有条款依据）", assumed),
        ("停用的约束（只列示，不核验）", off),
    ):
        if block:
            rows.append({"is_head": True, "document": title})
        for name in block:
            number += 1
            rows.append(_review_row(model, name, number, found.get(name, [])))
    return rows


def _review_row(model: PageModel, name: str, number: int, findings: Sequence[Finding]) -> Row:
    grounds = grounds_of(model.solution.scenario, name)
    document, its_number, article, clause = clause_texts(grounds, model.words)
    limit = value = ""
    state = worst_state(findings) if findings else None
    if findings:
        worst, per = tightest(findings), model.view.per(tightest(findings))
        limit, value = model.view.limit(worst), _value(model, worst)
        if len(findings) > 1:
            broken = sum(1 for one in findings if not one.holds)
            limit = f"共{len(findings)}项，最紧的{limit}"
            value = f"{model.view.group(worst)}{value}，{broken}项不符合"
        limit += f"（{per}）" if per else ""
    off = isinstance(grounds, Rule) and not grounds.enabled
    verdict = state_words(grounds, state, "zh") if findings or off else "没有可核验的对象"
    return {
        "is_head": False,
        "number": str(number),
        "document": document,
        "document_number": its_number,
        "article": article,
        "clause": clause,
        "asks": f"{model.view.title(name)}：{model.view.sentence(name)}",
        "limit": limit,
        "value": value,
        "verdict": verdict,
        "reason": "" if grounds is None else grounds.reason.zh,
    }


def _value(model: PageModel, finding: Finding) -> str:
    """People and firms whole, as papers count them."""
    metrics = {one.id: one for one in model.solution.scenario.programme.file.metrics}
    metric = metrics.get(model.view.measure(finding))
    if metric is None or model.view.per_head(finding) is not None or finding.state == "broken":
        return model.view.value(finding)
    return counted(metric, finding.value, finding.lower)


def broken_rows(model: PageModel) -> list[Row]:
    """Every rule that is broken, and where it is worst."""
    found = findings_by_rule(model.solution.audit)
    rows: list[Row] = []
    for name in model.solution.audit.broken_rules:
        worst = tightest(found[name])
        count = sum(1 for one in found[name] if not one.holds)
        where = model.view.group(worst)
        said = f"限值{model.view.limit(worst)}，实际{where}{_value(model, worst)}"
        more = f"（共{count}项，列最重的）" if count > 1 else ""
        rows.append({"title": model.view.title(name), "said": said + more})
    return rows


def unread_rows(model: PageModel) -> list[Row]:
    """Every clause that nobody has read, of rules in use and of those switched off."""
    return list(_unread(model))


def _unread(model: PageModel) -> Iterator[Row]:
    spec = model.solution.scenario.spec
    for name, grounds in (*((rule.id, rule) for rule in spec.rules), *spec.grounds.items()):
        if grounds.clause is None or not grounds.is_unread:
            continue
        yield {
            "title": model.view.title(name),
            "document": grounds.clause.document,
            "article": grounds.clause.article,
            "reason": grounds.reason.zh,
        }


def calendar_rows(model: PageModel, dates: Dates) -> list[Row]:
    """Each deadline held against the dates that were given."""
    programme = model.solution.scenario.programme
    year = programme.file.year
    read = (
        read_deadline(one, dates, None if year is None else int(year))
        for one in read_papers(programme).deadlines
    )
    return [_calendar_row(one, dates, year) for one in read]


_EVENTS = {
    "approved": "人民代表大会批准预算",
    "drafted": "方案上报",
    "decided": "方案审定",
    "posted": "公示、公告开始",
    "removed": "公示、公告结束",
    "issued": "资金下达",
}


def _calendar_row(read: DeadlineRead, dates: Dates, year: object) -> Row:
    one = read.deadline
    event = _EVENTS[one.event]
    if one.latest is not None:
        month, day = one.latest.split("-")
        due = f"{event}不迟于{int(month)}月{int(day)}日"
    else:
        start = _EVENTS[str(one.after)]
        due = f"{start}后{one.at_most}日内{event}"
        if one.at_least is not None:
            due = f"{start}至{event}不少于{one.at_least}日"
    names = [name for name in (one.after, one.event) if name is not None]
    told = "，".join(f"{_EVENTS[name]}：{day_text(dates.get(name))}" for name in names)
    return {"title": one.title.zh, "due": due, "dates": told, "said": _deadline_said(read)}


def _deadline_said(read: DeadlineRead) -> str:
    one, days = read.deadline, "" if read.days is None else f"相隔{read.days}日，"
    good, bad = ("符合", "不符合") if one.was_read else ("满足", "不满足")
    state = "日期未填，未核对" if read.holds is None else days + (good if read.holds else bad)
    if one.was_read and one.clause is not None:
        return f"{state}（{one.clause.document}{one.clause.article}）"
    unread = "未核到原文，" if one.clause is not None else ""
    return f"按假定时限：{state}（{unread}{one.reason.zh.rstrip('。')}）"


def assumption_rows(model: PageModel) -> list[Row]:
    """What is assumed or read into a text, with the reason and where its number is from."""
    return [
        {
            "title": one.title,
            "kind": one.kind,
            "reason": one.reason + (f"（数的出处：{one.number_from}）" if one.number_from else ""),
        }
        for one in assumptions(model)
    ]
