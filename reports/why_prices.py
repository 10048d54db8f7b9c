"""Pages of `allot prices`, and their JSON documents."""

from __future__ import annotations

import math
from typing import Any

from models.exact import exact_text
from models.labels import read_labels
from models.price import RulePrice
from optimizer.why.left_out import Costs, Gain, LeftOut
from optimizer.why.prices import LimitPrice, Prices
from reports.layout import Paragraph, Part
from reports.numbers import gap_text
from reports.price_words import PriceWords, ranked, short, signed
from reports.rule_table import Desk
from reports.tables import Grid, Line
from reports.words import Words


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
        "path": one.path or None,
        "number": one.number,
        "step": one.step,
        "kept": one.kept,
        "objective": one.points if one.kept else None,
        "metrics": dict(one.metrics) if one.kept else None,
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
    told = PriceWords(desk)
    note = "prices.exact" if prices.is_exact else "prices.relaxed"
    objective = short(prices.objective)
    parts: list[Part] = [
        Paragraph(words("prices.title", scenario=prices.scenario.name), "bold"),
        Paragraph(words(note, objective=objective) if note[7] == "r" else words(note)),
        told.table(prices.rules),
        Paragraph(words("prices.slopes")),
    ]
    if free := told.free(prices.rules):
        parts += [Paragraph(""), Paragraph(free, indent=2)]
    parts += [Paragraph(""), Paragraph(words("prices.sentences"), "bold")]
    parts += [Paragraph("  - " + told.said(one), indent=4) for one in ranked(prices.rules)]
    return [*parts, *_weights(prices, desk)]


def _weights(prices: Prices, desk: Desk) -> list[Part]:
    if not prices.weights:
        return []
    words = desk.words
    metrics = prices.scenario.programme.file.metrics
    titles = {metric.id: metric.title.of(words.lang) for metric in metrics}
    lines = []
    for one in prices.weights:
        high = words("prices.any") if math.isinf(one.high) else short(one.high)
        between = words("prices.between", low=short(one.low), high=high)
        lines.append(Line((titles[one.metric], short(one.weight), between)))
    header = (words("column.metric"), words("prices.weight"), words("prices.range"))
    return [Grid(words("prices.weights"), header, tuple(lines), frozenset({0}))]


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
