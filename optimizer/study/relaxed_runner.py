"""Many relaxations, one after the other in one solver that keeps its basis.

A relaxation funds cells in part where counts and lots would say yes or no: its objective is a
bound of what any allocation reaches, and its differences are exact.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from models.aim import Objective
from models.exact import exact_text, parse_exact
from models.objective import metric_values
from models.rule import BOUND_KEYS, Rule
from models.scenario import Scenario
from models.strict_yaml import Text
from models.tiers import Tiers
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed
from optimizer.formulation.model import Floats, Model
from optimizer.formulation.parametric import Patch, Variants, stands_alone
from optimizer.quality import TOLERANCE, shortfall, widened
from optimizer.solvers.base import Answer
from optimizer.solvers.highs_lp import HotModel
from optimizer.study.design import Path, Point, nested, with_value
from optimizer.study.study_result import Result, Status, failed, without

Outcomes = Mapping[str, Fraction]
PLACES = 9
"""Decimals kept; the solver's own tolerance is 1e-7."""
IN_CONFLICT = Text(
    zh="没有安排能同时满足全部约束，只安排一部分也不能",
    en="no allocation can keep all the rules, not even with cells funded in part",
)
_SAID = {
    "infeasible": IN_CONFLICT,
    "unbounded": Text(
        zh="计算软件报告综合指数可以无限提高，请检查权重和效益分档",
        en="the solver reports an unbounded model; check weights and tiers",
    ),
    "none": Text(zh="计算软件中止，没有结果", en="the solver stopped without an answer"),
}


@dataclass(frozen=True)
class PointScale:
    """What every point is measured against: the unchanged scenario."""

    scenario: Scenario
    outcomes: Outcomes
    """Of its baseline."""
    key: str
    """Equal for the same study only."""

    @property
    def values(self) -> dict[str, Fraction]:
        """Objective points per unit of each metric, in the unchanged scenario."""
        return metric_values(self.scenario, self.outcomes)


@dataclass(frozen=True)
class Relaxations:
    """Points to relax one after the other: `scenario` with the changes of each."""

    yardstick: PointScale
    scenario: Scenario
    outcomes: Outcomes
    """Of the baseline of `scenario`."""
    points: tuple[Point, ...]
    paths: Mapping[str, Path]
    """Of the points; each `is_quick`."""
    keeps_money: bool = False
    """Whether results have the money of cells."""

    def run(self) -> list[Result]:
        """The result of each point; none stops the others."""
        try:
            run = _RelaxedRun(self, _anchor(self.yardstick))
        except Exception as error:
            return [failed(error)] * len(self.points)
        return run.results()


class _Anchor(NamedTuple):
    """The unchanged scenario, relaxed: where every run of points starts from."""

    key: str
    hot: HotModel
    money: Floats | None


_held = threading.local()
"""One anchor a thread: a solver must not be shared between threads."""


def _anchor(yardstick: PointScale) -> _Anchor:
    found: _Anchor | None = getattr(_held, "anchor", None)
    if found is None or found.key != yardstick.key:
        model = relaxed(formulate(yardstick.scenario, yardstick.values, whole=False))
        hot = HotModel(model)
        values = hot.solve().values
        money = None if values is None else values[model.grid.amount]
        found = _held.anchor = _Anchor(yardstick.key, hot, money)
    return found


class _RelaxedRun:
    """What all points of one run share."""

    def __init__(self, task: Relaxations, anchor: _Anchor) -> None:
        self._task, self._anchor = task, anchor
        self._own = metric_values(task.scenario, task.outcomes)
        self._worth = task.yardstick.values
        self._variants = Variants(task.scenario, self._own)
        self._yields = Yields(task.scenario.tiers_in_steps)
        self._patches: dict[Point, Patch | None] = {}
        self._costs: dict[Point, tuple[Floats, Outcomes] | None] = {}

    def results(self) -> list[Result]:
        """Of each point, in one solver that begins where the unchanged scenario ended."""
        if len(self._task.points) > 1:
            self._anchor.hot.restart()
        return [self._result(point) for point in self._task.points]

    def _result(self, point: Point) -> Result:
        try:
            model, values = self._quickly(point) or self._anew(point)
            hot = self._anchor.hot
            if not hot.fits(model):
                hot = HotModel(model)
            elif len(self._task.points) > 1:
                hot.become(model)
            else:
                hot.restart(model)
            return self._read(model, values, hot.solve())
        except Exception as error:
            return failed(error)

    def _read(self, model: Model, values: Outcomes, answer: Answer) -> Result:
        if answer.values is None:
            status: Status = "infeasible" if answer.outcome == "infeasible" else "no answer"
            return without(status, _SAID[answer.outcome])
        money = answer.values[model.grid.amount]
        outcomes = self._yields.of(model, answer.values, tuple(values))
        outside = float(self._task.scenario.outside_money)
        worth, found = weighed(self._worth, outcomes), answer.objective or 0.0
        bound = widened(found, TOLERANCE * abs(found))
        return Result(
            "optimal",
            objective=worth if values == self._worth else weighed(values, outcomes),
            worth=worth,
            bound_solver=round(bound, PLACES),
            gap=round(shortfall(bound, found, found), PLACES),
            outcomes=outcomes,
            spent=round(float(money.sum()) + outside, PLACES),
            moved=_moved(money, self._anchor.money),
            amounts=_texts(money) if self._task.keeps_money else (),
        )

    def _quickly(self, point: Point) -> tuple[Model, Outcomes] | None:
        """The model with new rows and costs laid over it; None where that does not say it all."""
        by_rule: dict[str, list[tuple[str, str]]] = {}
        weights: list[tuple[str, str]] = []
        for name, value in point:
            rule = _rule_of(self._task.paths[name])
            if rule is None:
                weights.append((name, value))
            else:
                by_rule.setdefault(rule, []).append((name, value))
        patches = [self._patch(rule, tuple(at)) for rule, at in by_rule.items()]
        costs = self._cost(tuple(weights))
        laid = [patch for patch in patches if patch is not None]
        if costs is None or len(laid) < len(patches):
            return None
        return self._variants.laid(laid, costs[0]), costs[1]

    def _anew(self, point: Point) -> tuple[Model, Outcomes]:
        patch = nested((self._task.paths[name], value) for name, value in point)
        scenario = self._task.scenario.replace(**patch)
        values = metric_values(scenario, self._task.outcomes)
        return relaxed(formulate(scenario, values, whole=False)), values

    def _patch(self, name: str, at: Point) -> Patch | None:
        if at not in self._patches:
            rule = self._rule(name, at)
            self._patches[at] = None if rule is None else self._variants.patch(rule)
        return self._patches[at]

    def _rule(self, name: str, at: Point) -> Rule | None:
        content: Any = self._task.scenario.document.rules[name]
        for path, value in at:
            content = with_value(content, self._task.paths[path].steps[2:], value)
        try:
            return Rule.model_validate(content)
        except ValidationError:
            return None  # Read as a whole, the error gets its place.

    def _cost(self, at: Point) -> tuple[Floats, Outcomes] | None:
        if not at:
            return self._variants.model.cost, self._own
        if at not in self._costs:
            self._costs[at] = self._weighed_anew(at)
        return self._costs[at]

    def _weighed_anew(self, at: Point) -> tuple[Floats, Outcomes] | None:
        scenario = self._task.scenario
        weights = dict(scenario.spec.objective.weights)
        weights |= {str(self._task.paths[path].steps[2]): parse_exact(v) for path, v in at}
        if any(weight < 0 for weight in weights.values()) or not scenario.tiers.fades.all():
            return None  # Tiers must then be held in their order.
        spec = scenario.spec.objective
        objective = Objective(weights=weights, normalise=spec.normalise)
        changed = scenario.with_settled(objective=objective)
        values = metric_values(changed, self._task.outcomes)
        return self._variants.costs(values), values


class Yields:
    """What money yields, as floats; the audit's own reading is exact."""

    def __init__(self, tiers: Tiers) -> None:
        width = tiers.width.reshape(-1, tiers.width.shape[-1]).astype(float)
        self._width = width
        self._start = width.cumsum(axis=1) - width
        self._rate = tiers.rates.reshape(*tiers.rate.shape[:1], *width.shape)

    def of(self, model: Model, values: Floats, metrics: tuple[str, ...]) -> dict[str, float]:
        """Metric → outcome of a solution of the model.

        Where a cell is funded in part so are its tiers, and only the model knows how far; else
        the money says it, also of a tier that the objective has no use for.
        """
        grid = model.grid
        if grid.funded is None:
            money = values[grid.amount]
            filled = np.clip(money[:, None] - self._start, 0.0, self._width)
        else:
            filled = np.zeros_like(self._width)
            filled[grid.tier_cell, grid.tier_number] = values[grid.tier]
        found = self._rate.reshape(len(metrics), -1) @ filled.ravel()
        return {
            name: round(value, PLACES) for name, value in zip(metrics, found.tolist(), strict=True)
        }


def is_quick(scenario: Scenario, path: Path) -> bool:
    """Whether the path changes costs only, or the rows of one rule only.

    That is a weight of the objective, and a number in the bound of a rule that neither caps the
    money of cells nor gives way.
    """
    steps = path.steps
    if scenario.spec.objective.aims:
        return False  # One solve pushes one aim only.
    if steps[:2] == ("objective", "weights"):
        return True
    if steps[0] != "rules" or steps[2] not in BOUND_KEYS or not path.is_number:
        return False
    return any(rule.id == steps[1] and stands_alone(scenario, rule) for rule in scenario.rules)


def _rule_of(path: Path) -> str | None:
    """The rule that a quick path stands in; None for a weight."""
    return str(path.steps[1]) if path.steps[0] == "rules" else None


def weighed(values: Outcomes, outcomes: Mapping[str, float]) -> float:
    """Outcomes in points: each in units of its metric, times what a unit is worth."""
    return round(sum(float(values[name]) * outcomes[name] for name in values), PLACES)


def _texts(money: Floats) -> tuple[str, ...]:
    return tuple(exact_text(Fraction(f"{amount:.{PLACES}f}")) for amount in money.tolist())


def _moved(money: Floats, before: Floats | None) -> float | None:
    if before is None:
        return None
    difference = money - before
    net, all_of_it = float(difference.sum()), float(np.abs(difference).sum())
    return round((all_of_it + abs(net)) / 2, PLACES)
