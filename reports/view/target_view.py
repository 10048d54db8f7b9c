"""The targets of a programme as papers list them: each indicator with its target and its value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.metadata import Indicator, read_papers
from models.rule import Rule
from models.strict_yaml import Text
from reports.numbers import counted, plain
from reports.view.allocation_view import grounds_of
from reports.view.page_model import PageModel
from reports.view.rule_view import RuleView, findings_by_rule


def indicators_of(view: RuleView) -> Sequence[Indicator]:
    """Those of the programme's papers, else one for each metric."""
    return read_papers(view.scenario.programme).indicators or list(_plain(view))


def _plain(view: RuleView) -> Iterator[Indicator]:
    first, second = view.words("targets.output"), view.words("targets.quantity")
    levels = [Text(zh=text, en=text) for text in (first, second)]
    for metric in view.scenario.programme.file.metrics:
        yield Indicator(
            id=metric.id, first=levels[0], second=levels[1], title=metric.title, metric=metric.id
        )


@dataclass(frozen=True)
class TargetLine:
    """One indicator, with what it comes to place by place."""

    indicator: Indicator
    target: str
    """The target of the whole, with its unit; '' where nobody gave one."""
    unit: str
    value: str
    """What the whole allocation comes to; '' of what is not calculated."""
    parts: dict[int, Fraction]
    """County → its part, whole where the metric is, adding up to the value; {} without one."""

    def part(self, counties: Sequence[int]) -> str:
        """What some counties come to, with the unit; '' of what is not calculated for any."""
        if not any(county in self.parts for county in counties):
            return ""
        total = sum((self.parts.get(county, Fraction(0)) for county in counties), Fraction(0))
        whole = all(number.denominator == 1 for number in self.parts.values())
        return plain(total, 0 if whole else 1) + self.unit


def target_lines(model: PageModel) -> list[TargetLine]:
    """Every indicator; what nobody gave or can be calculated is blank."""
    return [_line(model, indicator) for indicator in indicators_of(model.view)]


def _line(model: PageModel, indicator: Indicator) -> TargetLine:
    found = findings_by_rule(model.solution.audit).get(indicator.rule or "", [])
    rule = grounds_of(model.solution.scenario, indicator.rule or "")
    metrics = {one.id: one for one in model.solution.scenario.programme.file.metrics}
    if len(found) == 1 and isinstance(rule, Rule) and rule.measure in metrics and not rule.per_head:
        metric, limit = metrics[rule.measure], model.view.limit(found[0])
        counties, tasks = model.selected(rule.where)
        target = found[0].lower
    elif indicator.metric is not None:
        metric = metrics[indicator.metric]
        counties, tasks = tuple(model.counties), tuple(model.tasks)
        unit, target = metric.unit.of(model.words.lang), metric.target
        limit = "" if target is None else f"≥{plain(target)}{unit}"
    else:
        return TargetLine(indicator, indicator.due.of(model.words.lang), "", "", {})
    each = [model.this.value(metric.id, [county], tasks) for county in counties]
    parts = list(map(Fraction, metric.parts(each)))
    unit = metric.unit.of(model.words.lang)
    value = counted(metric, sum(each, Fraction(0)), target) + unit
    return TargetLine(indicator, limit, unit, value, dict(zip(counties, parts, strict=True)))
