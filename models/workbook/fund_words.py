"""What the sheets of a fund are called, their heads and the words of their cells: zh and en.

The file of a fund is written in one language and read back in either; so both stand here.
"""

from __future__ import annotations

from collections.abc import Mapping

Said = tuple[str, str]
"""In Chinese and in English."""

SHEETS: Mapping[str, Said] = {
    "fund": ("基本情况", "Fund"),
    "counties": ("县", "Counties"),
    "tasks": ("工作", "Tasks"),
    "factors": ("因素", "Factors"),
    "metrics": ("绩效", "Metrics"),
    "rules": ("规则", "Rules"),
    "last_year": ("上年安排", "Last year"),
    "paid": ("已拨付", "Paid"),
    "aims": ("层次", "Aims"),
    "tiers": ("分档", "Tiers"),
    "variants": ("情景", "Scenarios"),
    "sources": ("来源", "Sources"),
    "rest": ("其余内容", "Full text"),
}
HEADS: Mapping[str, Mapping[str, Said]] = {
    "fund": {
        "item": ("项目", "Item"),
        "value": ("填写", "Value"),
        "note": ("说明", "Note"),
    },
    "counties": {
        "code": ("代码", "Code"),
        "name_zh": ("名称", "Chinese name"),
        "name_en": ("英文名称", "Name"),
    },
    "tasks": {
        "id": ("编号", "Id"),
        "title": ("名称", "Title"),
        "short": ("简称", "Short title"),
        "weight": ("因素法占比", "Share by the factor method"),
        "full": ("全文", "Full text"),
    },
    "factors": {
        "weight": ("权重", "Weight"),
        "columns": ("因素", "Factor"),
        "cost": ("难度系数所依据的列", "Column of the cost index"),
        "step": ("每级加", "Added for each step"),
    },
    "metrics": {
        "id": ("编号", "Id"),
        "title": ("名称", "Title"),
        "unit": ("单位", "Unit"),
        "target": ("年度目标", "Target"),
        "weight": ("权重", "Weight"),
    },
    "rules": {
        "id": ("编号", "Id"),
        "title": ("名称", "Title"),
        "enabled": ("是否启用", "On"),
        "measure": ("对象", "What"),
        "per": ("逐个", "For each"),
        "county": ("县", "Counties"),
        "area": ("片区", "Area"),
        "task": ("工作", "Tasks"),
        "per_head": ("人均", "Per head"),
        "at_least": ("不低于", "At least"),
        "at_most": ("不高于", "At most"),
        "equal": ("等于", "Equal to"),
        "within": ("允许相差", "Give or take"),
        "share": ("比例", "As a share of"),
        "times": ("倍数", "As times"),
        "basis": ("依据", "Basis"),
        "document": ("文件", "Document"),
        "article": ("条款", "Article"),
        "source": ("来源", "Source of the number"),
        "reason": ("理由", "Reason"),
        "confirmed_by": ("核到原文的人", "Read by"),
        "confirmed_on": ("核到日期", "Read on"),
        "confirmed_text": ("条款原文", "The clause as read"),
        "confirmed_number": ("条款所定的数", "Number of the clause"),
        "sentence": ("读作", "Reads"),
        "full": ("规则全文", "Full text"),
    },
    "last_year": {
        "county": ("县", "County"),
        "task": ("工作", "Task"),
        "amount": ("上年安排数", "Amount"),
        "name": ("表外单位名称", "Name outside the grid"),
    },
    "paid": {
        "county": ("县", "County"),
        "task": ("工作", "Task"),
        "paid": ("已拨付数", "Paid"),
        "returned": ("已收回数", "Returned"),
    },
    "aims": {
        "number": ("层次", "Stage"),
        "sentence": ("读作", "Reads"),
        "full": ("全文", "Full text"),
    },
    "tiers": {
        "calibration": ("口径", "Calibration"),
        "county": ("县代码", "County"),
        "task": ("工作编号", "Task"),
        "tier": ("档", "Tier"),
        "width": ("宽度", "Width"),
    },
    "variants": {
        "name": ("代号", "Id"),
        "title": ("名称", "Title"),
        "sentence": ("改动", "Changes"),
        "full": ("全文", "Full text"),
    },
    "rest": {"name": ("内容", "Content"), "full": ("全文", "Full text")},
}
"""Sheet → column → its title."""

ITEMS: Mapping[str, Said] = {
    "programme": ("专项资金名称", "Fund"),
    "title": ("情景名称", "Scenario"),
    "year": ("年度", "Year"),
    "money": ("金额单位", "Money unit"),
    "budget": ("预算", "Budget"),
    "lot": ("单项最低数", "Least amount of a task in a county"),
    "step": ("金额步长", "Step of amounts"),
    "no_idle": ("不安排没有测算效益的资金", "No money where it yields nothing"),
    "calibration": ("测算口径", "Calibration"),
}
"""The rows of the sheet of the fund."""

UNIT_COST: Said = ("单位成本：{task}", "Unit cost: {task}")
YES_NO: tuple[Said, Said] = (("是", "yes"), ("否", "no"))
MEASURES: Mapping[str, Said] = {
    "amount": ("资金", "money"),
    "cells": ("安排项数", "funded tasks"),
    "counties": ("安排县数", "funded counties"),
}
PER: Mapping[tuple[str, ...], Said] = {
    (): ("合计", "in all"),
    ("county",): ("每县", "county"),
    ("task",): ("每项工作", "task"),
    ("county", "task"): ("每县每项工作", "county and task"),
}
EACH: Said = ("每个", "")
"""Before the title of a column that groups."""
OF: Mapping[str, Said] = {
    "amount": ("全部资金", "all money"),
    "group": ("同组资金", "the group's money"),
    "budget": ("预算", "the budget"),
    "baseline": ("因素法数", "the factor method"),
}
BASIS: Mapping[str, Said] = {
    "clause": ("条款", "clause"),
    "target": ("目标", "target"),
    "practice": ("惯例", "practice"),
    "assumption": ("假定", "assumption"),
}
NOT: Said = ("非", "not ")
SEE_FULL: Said = ("见全文", "see full text")
EQUAL_SHARE: Said = ("各县均等", "equal for all")


def word(said: Said, lang: str) -> str:
    """The word in one language."""
    return said[0] if lang == "zh" else said[1]


def meant(words: Mapping[str, Said], text: str) -> str | None:
    """The key of a word in either language, or the key itself; None for another."""
    folded = text.strip().casefold()
    found = (key for key, said in words.items() if folded in (key, *(w.casefold() for w in said)))
    return next(found, None)
