"""What the templates of the papers may name: every field, made from a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from models.aim_sentences import aim_sentence
from models.deadline import EVENTS, Dates
from models.metadata import read_papers
from models.record.manifest import Manifest, in_fours
from models.solution import Solution
from reports.numbers import counted, percent, plain, signed, upper
from reports.view import remarks
from reports.view.allocation_view import groups_of
from reports.view.factor_view import factor_spec, factors_of
from reports.view.page_model import PageModel, page_model
from reports.word import annex_rows as rows

BLANK = "＿＿＿＿＿＿"
TEXTS = ("number", "meeting", "account", "addressee", "telephone", "issuer")
"""What a user may give besides dates: 文号, 会议, 收支分类科目, 主送, 电话, 发文机关."""


@dataclass(frozen=True)
class Given:
    """What the record does not know and the office does; what is left out stays blank."""

    dates: Dates = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """One of `TEXTS` → its text."""
    each_county: bool = False
    """A form of targets for each county instead of each region."""


def paper_fields(solution: Solution, manifest: Manifest, given: Given) -> dict[str, Any]:
    """Field → text, or rows of texts. Raises `InputError` where the programme's papers cannot be
    used."""
    model = page_model(solution, "zh")
    factors = _factor_fields(model)
    broken, unread = rows.broken_rows(model), rows.unread_rows(model)
    return {
        **_names(model, manifest, given, draft_reasons(len(broken), len(unread))),
        **_money(model),
        **_texts(model, given),
        **factors,
        "dates": {name: rows.day_text(given.dates.get(name)) for name in EVENTS},
        "rows": rows.money_rows(model),
        "goals": rows.goal_tables(model, given.each_county),
        "reviewed": rows.review_rows(model),
        "broken": broken,
        "unread": unread,
        "calendar": rows.calendar_rows(model, given.dates),
        "assumptions": rows.assumption_rows(model),
    }


def draft_reasons(broken: int, unread: int) -> str:
    """Why the papers are a draft: broken rules, clauses that nobody has read; '' without any."""
    said = [f"有{broken}条约束不符合"] if broken else []
    said += [f"有{unread}条条款未核到原文"] if unread else []
    return "，".join(said) + "。" if said else ""


def _names(model: PageModel, manifest: Manifest, given: Given, reasons: str) -> dict[str, Any]:
    scenario = model.solution.scenario
    programme, papers = scenario.programme.file, read_papers(scenario.programme)
    year = "" if programme.year is None else f"{int(programme.year)}年"
    regions = rows.regions_of(model)
    return {
        "fund": programme.title.zh,
        "scenario": scenario.spec.title.zh,
        "year": year or BLANK,
        "period": papers.period.zh or year or BLANK,
        "money": programme.money.zh,
        "place": upper(model.labels.column("county", "zh")),
        "draft": "（草案）" if reasons else "",
        "alarms": reasons,
        "fingerprint": in_fours(manifest.fingerprint),
        "regions": bool(regions),
        "regions_named": "、".join(f"{name}财政局" for name in regions) or BLANK,
        "department": papers.department.zh or BLANK,
        "money_from": papers.money_from.zh or BLANK,
        "goal": papers.goal.zh or BLANK,
        "principles": papers.principles.zh or BLANK,
        "requirements": papers.requirements.zh or BLANK,
        **{name: given.texts.get(name) or BLANK for name in TEXTS},
        "issuer": given.texts.get("issuer") or papers.issuer.zh or BLANK,
    }


def _money(model: PageModel) -> dict[str, Any]:
    scenario, audit = model.solution.scenario, model.solution.audit
    money = scenario.programme.file.money.zh
    funded = [county for county in model.counties if model.this.by_county[county]]
    cells = sum(1 for row in model.this.allocation.amounts.tolist() for one in row if one)
    left = audit.unspent
    unspent = f"预算结余{plain(left)}{money}未安排。" if left > 0 else ""
    return {
        "budget": plain(scenario.budget),
        "spent": plain(audit.spent),
        "unspent": plain(left),
        "unspent_said": f"安排数超出预算{plain(-left)}{money}。" if left < 0 else unspent,
        "funded_counties": str(len(funded)),
        "funded_cells": str(cells),
        "task_count": str(len(model.tasks)),
        "tasks": [model.task_name(task) for task in model.tasks],
        "task_titles": "、".join(one.title.zh for one in scenario.programme.task_list),
        "last_year": scenario.last_year is not None,
        "last_year_said": _last_year(model),
        "lines": [
            f"安排{model.county_name(county)}资金{plain(model.this.by_county[county])}{money}"
            for county in funded
        ],
        "group_head": upper(model.labels.column(model.labels.group_by or "county", "zh")),
        "groups": _groups(model),
        "by_task": [
            _part(model, one.title.zh, model.counties, [task])
            for task, one in enumerate(scenario.programme.task_list)
        ],
        "result_said": _result(model),
    }


def _part(model: PageModel, name: str, counties: Any, tasks: Any, is_sum: bool = False) -> rows.Row:
    total = model.this.value("amount", counties, tasks)
    share = percent(total, model.solution.audit.spent)
    return {
        "name": name,
        "count": str(len(counties)),
        "total": plain(total),
        "share": share,
        "is_sum": is_sum,
    }


def _groups(model: PageModel) -> list[rows.Row]:
    """The total, then each group of the programme's own grouping."""
    every = _part(model, "合计", model.counties, model.tasks, is_sum=True)
    column = model.labels.group_by or ""
    named = groups_of(model.solution.scenario, model.labels)
    return [every] + [
        _part(model, model.labels.value(column, name, "zh") or name, counties, model.tasks)
        for name, counties in named.items()
    ]


def _result(model: PageModel) -> str:
    """Money of the highlighted groups; '' without any."""
    money = model.solution.scenario.programme.file.money.zh
    said = []
    for one in model.labels.highlight:
        found = model.this.value("amount", *model.selected(one.where))
        share = percent(found, model.solution.audit.spent)
        said.append(f"{one.title.zh}安排{plain(found)}{money}，占{share}")
    return "；".join(said) + "。" if said else ""


def _last_year(model: PageModel) -> str:
    scenario = model.solution.scenario
    if scenario.last_year is None:
        return "无上年数，不作比较。"
    before, now = scenario.last_year.total, model.solution.audit.spent
    money = scenario.programme.file.money.zh
    return f"上年安排{plain(before)}{money}，增减{signed(plain(now - before))}{money}。"


def _texts(model: PageModel, given: Given) -> dict[str, Any]:
    scenario = model.solution.scenario
    spec, metrics = scenario.spec, scenario.programme.file.metrics
    note = remarks.calibration_note(model.view)
    documents: dict[str, bool] = {}
    for rule in spec.rules:
        if rule.enabled and rule.clause is not None:
            name = rule.clause.document
            documents[name] = documents.get(name, True) and rule.was_read
    if spec.objective.aims:
        aim = "、".join(aim_sentence(one, scenario.programme, "zh") for one in spec.objective.aims)
    else:
        named = [one.title.zh for one in metrics if spec.objective.weights.get(one.id)]
        aim = "、".join(named) + "综合产出最大"
    outcomes = model.solution.audit.outcomes
    told = [(one, counted(one, outcomes[one.id], one.target)) for one in metrics]
    return {
        "documents": [
            f"《{name}》" + ("" if seen else "（未核到原文）") for name, seen in documents.items()
        ],
        "aim": aim,
        "rules": [_rule_text(model, rule.id) for rule in scenario.rules],
        "calibration": note,
        "outcomes": "、".join(f"{one.title.zh}{number}{one.unit.zh}" for one, number in told),
    }


def _rule_text(model: PageModel, name: str) -> str:
    return f"{model.view.title(name)}：{model.view.sentence(name)}。"


def _factor_fields(model: PageModel) -> dict[str, Any]:
    spec = factor_spec(model.view)
    factors = factors_of(model.view, spec) if spec is not None else []
    notes = [
        "注：因素值、占比、综合得分为测算过程数；因素法测算数取整数，合计等于测算所用的资金总额。"
    ]
    if not factors:
        notes = ["注：本次测算没有采用因素法，因素法测算数一列为所用基准的安排数。"]
    elif spec is not None and (spec.within, spec.floor, spec.cap) != (None, None, None):
        notes.append("因素法测算数另按保底、封顶调整。")
    weight = sum((one.weight for one in factors), Fraction(0))
    if factors:
        notes.append(f"权重合计{plain(weight * 100)}%。")
    return {
        "factors": [f"{one.title}，权重{plain(one.weight * 100)}%" for one in factors],
        "factor_heads": rows.factor_heads(factors),
        "factor_rows": rows.factor_rows(model, factors),
        "factor_notes": notes,
    }
