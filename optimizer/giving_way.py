"""Where no allocation keeps the rules: the least giving-way of each rule that alone helps."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import numpy as np
from scipy import sparse

from models.errors import GivingWay
from models.exact import MICRO, exact_text
from models.rule import Rule
from models.scenario import Scenario
from models.strict import NO_TEXT, Text
from optimizer.formulation.build import formulate
from optimizer.formulation.matrix import Limit, Model
from optimizer.solvers.effort import Effort, Engine

_SECONDS = 6.0


def giving_way(scenario: Scenario, engine: Engine) -> tuple[GivingWay, ...]:
    """One entry for each rule that alone could make room, by how much each of its limits must.

    Found on the continuous model. A rule is left out where no change of it alone helps, or the
    solver did not say within its limit.
    """
    values = {name: Fraction(0) for name in scenario.programme.metrics}
    found = []
    for name in (*(rule.id for rule in scenario.rules), "budget"):
        # As a bound of the cells the rule would still hold where its rows give way.
        model = formulate(scenario, values, apart=[name])
        limit = next(limit for limit in model.limits if limit.rule == name)
        elastic = _elastic(model, limit)
        # Most rules cannot help even with cells funded in part, and that is seen at once.
        relaxed = replace(elastic, integer=np.zeros_like(elastic.integer))
        if engine(relaxed, Effort()).outcome == "infeasible":
            continue
        answer = engine(elastic, Effort(gap=1e-3, time_limit=_SECONDS))
        if answer.objective is not None:
            found.append(_worded(scenario, limit, -answer.objective))
    return tuple(found)


def _elastic(model: Model, limit: Limit) -> Model:
    """Least t such that each row of `limit` may be missed by t in the rule's own unit."""
    rows = np.arange(limit.start, limit.start + len(limit.keys))
    step = limit.scale * limit.heads
    lower, upper = model.row_lower[rows], model.row_upper[rows]
    columns = len(model.cost)
    wide = sparse.hstack([model.matrix, sparse.csr_matrix((model.matrix.shape[0], 1))]).tocsr()
    loose = model.row_lower.copy()
    over = model.row_upper.copy()
    loose[rows], over[rows] = -np.inf, np.inf
    room = np.full(len(rows), columns)
    block = model.matrix[rows]
    plus = sparse.csr_matrix((step, (np.arange(len(rows)), room)), (len(rows), columns + 1))
    padded = sparse.hstack([block, sparse.csr_matrix((len(rows), 1))]).tocsr()
    return replace(
        model,
        cost=np.append(np.zeros(columns), -1.0),
        lower=np.append(model.lower, 0.0),
        upper=np.append(model.upper, np.inf),
        integer=np.append(model.integer, False),
        matrix=sparse.vstack([wide, padded + plus, padded - plus], format="csr"),
        row_lower=np.concatenate([loose, lower, np.full(len(rows), -np.inf)]),
        row_upper=np.concatenate([over, np.full(len(rows), np.inf), upper]),
    )


def _worded(scenario: Scenario, limit: Limit, by: float) -> GivingWay:
    """The giving-way in words: by how much, in which unit, and to which number where it is one."""
    step = Fraction(ceil(Fraction(by) * MICRO), MICRO)
    rule = next((rule for rule in scenario.rules if rule.id == limit.rule), None)
    if rule is None:
        return _budget_worded(scenario, step)
    zh_verb, en_verb = _VERBS[rule.sense]
    unit = _unit(scenario, rule)
    several = len(limit.keys) > 1
    zh = f"{'每项限值' if several else '限值'}{zh_verb} {exact_text(step)}{unit.zh}"
    en = f"{'each of its limits' if several else 'its limit'} {en_verb} by {exact_text(step)}"
    if unit.en:
        en += f" {unit.en}"
    if len(rule.bound) == 1 and rule.bound[0].number is not None and rule.sense != "equal":
        sign = -1 if rule.sense == "at_least" else 1
        needed = max(Fraction(0), rule.bound[0].number + sign * step)
        zh += f"，即由 {exact_text(rule.bound[0].number)} 改为 {exact_text(needed)}"
        en += f", from {exact_text(rule.bound[0].number)} to {exact_text(needed)}"
    return GivingWay(
        rule.id,
        {
            "zh": f"{rule.title.zh}（{rule.id}）：{zh}",
            "en": f"{rule.title.en} ({rule.id}): {en}",
        },
    )


def _budget_worded(scenario: Scenario, step: Fraction) -> GivingWay:
    money = scenario.programme.file.money
    needed = exact_text(Fraction(ceil(scenario.budget + step)))
    return GivingWay(
        "budget",
        {
            "zh": f"预算（budget）：由 {scenario.budget}{money.zh} 增加到 {needed}{money.zh}",
            "en": f"Budget (budget): raised from {scenario.budget} to {needed} {money.en}",
        },
    )


_VERBS = {
    "at_least": ("降低", "lowered"),
    "at_most": ("提高", "raised"),
    "equal": ("放宽", "widened on either side"),
}


def _unit(scenario: Scenario, rule: Rule) -> Text:
    """What the rule's own value counts."""
    file = scenario.programme.file
    units = {metric.id: metric.unit for metric in file.metrics}
    units["amount"] = file.money
    unit = units.get(rule.measure, NO_TEXT)
    if rule.per_head is None:
        return unit
    return Text(
        zh=f"{unit.zh}（每单位 {rule.per_head}）", en=f"{unit.en} per unit of {rule.per_head}"
    )
