"""Pages of `allot prices`, and their JSON documents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from models.exact import exact_text
from models.labels import read_labels
from models.phrases import Wording
from optimizer.why.left_out import Costs, Gain, LeftOut
from optimizer.why.prices import LimitPrice, Prices, RulePrice
from reports.layout import Paragraph, Part
from reports.numbers import gap_text, places_for, plain
from reports.rule_table import Desk
from reports.tables import Grid, Line
from reports.words import Words


def signed(number: float, figures: int = 3) -> str:
    """A change with its sign, to so many figures: +0.0123, -165; 0 for nothing."""
    exact = Fraction(repr(number)) if math.isfinite(number) else Fraction(0)
    text = plain(exact, places_for(exact, figures))
    if not text.strip("-0.,"):
        return "0"
    return text if exact < 0 else f"+{text}"


def short(number: float) -> str:
    """A number with as many decimals as tell it."""
    exact = Fraction(repr(number))
    text = plain(exact, 0 if exact.denominator == 1 else min(6, places_for(exact, 5)))
    return text.rstrip("0").rstrip(".") if "." in text else text


def prices_view(prices: Prices) -> dict[str, Any]:
    """`prices --json`."""
    return {
        "scenario": prices.scenario.name,
        "objective": prices.objective,
        "exact": prices.is_exact,
        "rules": [_rule_view(one) for one in prices.rules],
        "limits": [_limit_view(one) for one in prices.limits],
        "weights": [
            {"metric": one.metric, "weight": one.weight, "low": one.low, "high": one.high}
            for one in prices.weights
        ],
    }


def _rule_view(one: RulePrice) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "limits": one.limits,
        "binding": one.binding,
        "path": one.written.path if one.written else None,
        "number": one.written.number if one.written else None,
        "step": one.step,
        "objective": one.points,
        "metrics": dict(one.metrics),
        "low": one.low,
        "high": one.high,
    }


def _limit_view(one: LimitPrice) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "key": dict(one.key),
        "side": one.side,
        "value": one.value,
        "bound": one.bound,
        "price": one.price,
        "metrics": dict(one.metrics),
        "low": one.low,
        "high": one.high,
    }


def prices_page(prices: Prices, words: Words) -> list[Part]:
    """What `allot prices` shows: rules with a price by what they weigh, then the rest by name."""
    desk = Desk(prices.scenario, read_labels(prices.scenario.programme), words)
    page = _Page(prices, desk)
    priced = sorted((one for one in prices.rules if one.points), key=lambda one: -abs(one.points))
    still = [desk.title(one.rule) for one in prices.rules if not one.points]
    note = "prices.exact" if prices.is_exact else "prices.relaxed"
    objective = short(prices.objective)
    parts: list[Part] = [
        Paragraph(words("prices.title", scenario=prices.scenario.name), "bold"),
        Paragraph(words(note, objective=objective) if note[7] == "r" else words(note)),
        page.table(priced),
        Paragraph(words("prices.slopes")),
    ]
    if still:
        parts += [
            Paragraph(""),
            Paragraph(words("prices.free", titles=words("list").join(still)), indent=2),
        ]
    parts += [Paragraph(""), Paragraph(words("prices.sentences"), "bold")]
    parts += [Paragraph("  - " + page.said(one), indent=4) for one in priced]
    return [*parts, *page.weights()]


class _Page:
    def __init__(self, prices: Prices, desk: Desk) -> None:
        self._prices, self._desk, self._words = prices, desk, desk.words
        self._file = prices.scenario.programme.file
        self._wording = Wording(prices.scenario.programme, desk.labels, desk.words.lang)

    def table(self, rules: list[RulePrice]) -> Grid:
        words = self._words
        names = [metric.title.of(words.lang) for metric in self._file.metrics]
        header = (
            words("column.rule"),
            words("prices.step"),
            words("prices.index"),
            *names,
            words("prices.binding"),
            words("prices.holds"),
        )
        money = self._file.money.of(words.lang)
        lines = tuple(self._line(one) for one in rules)
        return Grid(words("prices.table", money=money), header, lines, frozenset({0}))

    def _line(self, one: RulePrice) -> Line:
        changes = [signed(one.metrics[metric.id]) for metric in self._file.metrics]
        binding = self._words("prices.of", binding=one.binding, limits=one.limits)
        title = self._desk.title(one.rule)
        step = self._words("prices.each")
        if (ends := self._ends(one)) is not None:
            step = self._words("prices.number", **ends)
        cells = (title, step, signed(one.points), *changes, binding, self._holds(one))
        return Line(cells)

    def _ends(self, one: RulePrice) -> dict[str, str] | None:
        """The number before and after the step, as text; None for a rule that looks them up."""
        if one.written is None:
            if one.rule != "budget":
                return None
            budget = Fraction(self._prices.scenario.budget)
            return {"from": plain(budget), "to": plain(budget + one.step)}
        number = one.written.number
        if one.written.field == "share":
            return {"from": f"{exact_text(100 * number)}%", "to": _share(number + one.step)}
        return {"from": exact_text(number), "to": exact_text(number + one.step)}

    def _holds(self, one: RulePrice) -> str:
        if one.low is None or one.high is None:
            return ""
        share = one.written is not None and one.written.field == "share"
        low, high = (_end(end, share) for end in (one.low, one.high))
        if not low:
            return self._words("prices.upto", high=high)
        if not high:
            return self._words("prices.from", low=low)
        return self._words("prices.between", low=low, high=high)

    def said(self, one: RulePrice) -> str:
        """The sentence of a price: what changes to what, and what that does to each metric."""
        words, title = self._words, self._desk.title(one.rule)
        metrics = words("list").join(
            words(
                "prices.metric",
                title=metric.title.of(words.lang),
                change=signed(one.metrics[metric.id]),
                unit=metric.unit.of(words.lang),
            )
            for metric in self._file.metrics
            if one.metrics[metric.id]
        )
        metrics = metrics or words("prices.no-metric")
        told = {"title": title, "points": signed(one.points), "metrics": metrics}
        ends = self._ends(one)
        if ends is None:
            return words("prices.said.table", **told)
        sense = "at_most" if one.written is None else one.written.rule.sense
        return words(_SAID[sense], **told, **self._with_unit(one, ends))

    def _with_unit(self, one: RulePrice, ends: Mapping[str, str]) -> dict[str, str]:
        if one.written is not None and one.written.field in ("share", "times"):
            return dict(ends)
        if one.written is None:
            unit = self._file.money.of(self._words.lang)
            gap = "" if self._words.lang == "zh" else " "
            return {"from": ends["from"], "to": f"{ends['to']}{gap}{unit}"}
        rule, number = one.written.rule, one.written.number
        return {"from": ends["from"], "to": self._wording.number(number + one.step, rule)}

    def weights(self) -> list[Part]:
        if not self._prices.weights:
            return []
        words = self._words
        titles = {metric.id: metric.title.of(words.lang) for metric in self._file.metrics}
        lines = []
        for one in self._prices.weights:
            high = words("prices.any") if math.isinf(one.high) else short(one.high)
            between = words("prices.between", low=short(one.low), high=high)
            lines.append(Line((titles[one.metric], short(one.weight), between)))
        header = (words("column.metric"), words("prices.weight"), words("prices.range"))
        return [Grid(words("prices.weights"), header, tuple(lines), frozenset({0}))]


_SAID = {
    "at_least": "prices.said.at_least",
    "at_most": "prices.said.at_most",
    "equal": "prices.said.equal",
}


def _share(number: Fraction) -> str:
    return f"{exact_text(100 * number)}%"


def _end(end: float, share: bool) -> str:
    """An end of a range as text; '' where there is none."""
    if math.isinf(end):
        return ""
    return f"{short(round(100 * end, 4))}%" if share else short(round(end, 6))


def costs_view(costs: Costs) -> dict[str, Any]:
    """`prices --exact --json`."""
    return {
        "scenario": costs.scenario.name,
        "objective": costs.objective,
        "bound": costs.bound,
        "gap": costs.gap,
        "rules": [
            {
                "rule": one.rule,
                "without": _gain_view(one.without),
                "number": one.number,
                "eased": one.eased,
                "step": _gain_view(one.step),
            }
            for one in costs.rules
        ],
    }


def _gain_view(gain: Gain | None) -> dict[str, float] | None:
    if gain is None:
        return None
    ends = {"low": gain.low, "high": gain.high}
    return {"points": gain.points, "plus_minus": gain.plus_minus, **ends}


def costs_page(costs: Costs, words: Words) -> list[Part]:
    """What `allot prices --exact` shows, the dearest rule first."""
    desk = Desk(costs.scenario, read_labels(costs.scenario.programme), words)
    ranked = sorted(costs.rules, key=lambda one: -_weight(one))
    lines = []
    for one in ranked:
        without = "-" if one.rule == "budget" else _gain(one.without, words)
        eased = ""
        if one.number is not None and one.eased is not None:
            ends = {"from": exact_text(one.number), "to": exact_text(one.eased)}
            eased = words("prices.number", **ends)
        step = _gain(one.step, words) if one.eased is not None else ""
        lines.append(Line((desk.title(one.rule), without, eased, step)))
    header = tuple(
        words(key) for key in ("column.rule", "costs.without", "costs.eased", "costs.gain")
    )
    baseline = costs.scenario.spec.objective.normalise == "baseline"
    note = "costs.note" if baseline else "costs.plain-note"
    said = words(note, objective=short(costs.objective), gap=gap_text(costs.gap))
    return [
        Paragraph(words("costs.title", scenario=costs.scenario.name), "bold"),
        Paragraph(said),
        Grid(words("costs.table"), header, tuple(lines), frozenset({0})),
    ]


def _weight(one: LeftOut) -> float:
    return max(gain.points if gain else 0.0 for gain in (one.without, one.step))


def _gain(gain: Gain | None, words: Words) -> str:
    if gain is None:
        return words("costs.none")
    if not gain.is_told_apart:
        return words("costs.untold", high=signed(gain.high, 2).lstrip("+"))
    points, pm = signed(gain.points), signed(gain.plus_minus, 1).lstrip("+")
    return words("costs.pm", points=points, pm=pm)
